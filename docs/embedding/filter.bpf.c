/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#define SEC(name) __attribute__((section(name), used))

struct request {
	uint32_t method;
	uint32_t port;
	uint64_t bytes;
};

/* Large uploads to a port that is not ours. */
SEC("filter") int refuse_uploads(const struct request *r)
{
	return r->method == 2 && r->port != 443 && r->bytes > 1000000;
}

/* Reads behind the request: field 4 of 3. */
SEC("broken") int reads_too_far(const struct request *r)
{
	return ((const uint64_t *)r)[2] != 0;
}
