/* SPDX-License-Identifier: Apache-2.0 */
#include <sallyport/bpf.h>

struct request {
	u32 method;
	u32 port;
	u64 bytes;
};

/* Large uploads to a port that is not ours. */
SEC("filter") int refuse_uploads(const struct request *r)
{
	return r->method == 2 && r->port != 443 && r->bytes > 1000000;
}

/* Reads behind the request: field 4 of 3. */
SEC("broken") int reads_too_far(const struct request *r)
{
	return ((const u64 *)r)[2] != 0;
}
