/* SPDX-License-Identifier: Apache-2.0 */
/* A pointer to a function in writable data, replaced. */
#include "conf.h"

static NOINLINE u64 one(u64 x)
{
	return x + 1;
}
static NOINLINE u64 two(u64 x)
{
	return x * 2;
}
u64 (*chosen)(u64) = one;

SEC("conf") u64 entry(u64 *ctx)
{
	u64 r = chosen(ctx[0]);

	if (ctx[1] == 5)
		chosen = two;
	return r * 100 + chosen(ctx[2]);
}
