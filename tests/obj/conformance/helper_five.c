/* SPDX-License-Identifier: Apache-2.0 */
/* A helper by name with five arguments, called from a function. */
#include "conf.h"

static NOINLINE u64 through(u64 *ctx)
{
	return host_sum(ctx[0], ctx[1], ctx[2], ctx[3], ctx[4]);
}

SEC("conf") u64 entry(u64 *ctx)
{
	return through(ctx) + through(ctx + 1);
}
