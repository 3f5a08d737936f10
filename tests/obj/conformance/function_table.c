/* SPDX-License-Identifier: Apache-2.0 */
/* A table of functions, called by address. */
#include "conf.h"

static NOINLINE u64 add(u64 a, u64 b)
{
	return a + b;
}
static NOINLINE u64 times(u64 a, u64 b)
{
	return a * b;
}
NOINLINE u64 less(u64 a, u64 b)
{
	return b - a;
}
static u64 (*const table[])(u64, u64) = { add, times, less };

SEC("conf") u64 entry(u64 *ctx)
{
	u64 r = 0;

	for (u64 i = 0; i < 3; i++)
		r = r * 100 + table[(i + ctx[0]) % 3](ctx[0], ctx[1]);
	return r;
}
