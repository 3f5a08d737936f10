/* SPDX-License-Identifier: Apache-2.0 */
/* A table of texts. */
#include "conf.h"

static const char *const names[] = { "zero", "one", "two", "three" };

SEC("conf") u64 entry(u64 *ctx)
{
	const char *a = names[ctx[0] & 3], *b = names[ctx[1] & 3];

	return (u64)a[1] * 1000 + (u64)b[2];
}
