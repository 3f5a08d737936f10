/* SPDX-License-Identifier: Apache-2.0 */
/* A function chosen while the program runs. */
#include "conf.h"

static NOINLINE u64 add(u64 a, u64 b)
{
	return a + b;
}
NOINLINE u64 times(u64 a, u64 b)
{
	return a * b;
}
static NOINLINE u64 apply(u64 (*f)(u64, u64), u64 a, u64 b)
{
	return f(a, b) + f(b, b);
}

SEC("conf") u64 entry(u64 *ctx)
{
	return apply(ctx[0] & 1 ? add : times, ctx[0], ctx[1]) * 1000 + apply(ctx[0] & 4 ? add : times, ctx[2], ctx[3]);
}
