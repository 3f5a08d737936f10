/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two programs with calls by address, where a function lies at different places in them.
 *
 * refuse E286 has another place in program
 */
#include "conf.h"

static NOINLINE u64 add(u64 a)
{
	return a + 6;
}
static NOINLINE u64 times(u64 a)
{
	return a * 6;
}
u64 (*table[])(u64) = { add, times };

SEC("conf") u64 entry(u64 *ctx)
{
	return table[ctx[0] & 1](ctx[1]);
}

SEC("conf/two") u64 entry2(u64 *ctx)
{
	return table[ctx[1] & 1](ctx[2]) + table[ctx[2] & 1](ctx[3]) * table[ctx[4] & 1](ctx[5]);
}
