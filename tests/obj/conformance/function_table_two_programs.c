/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two programs see a table of functions, but only one of them calls through it: the other one gets no copies.
 *
 * prog entry section conf funcs entry,add,times
 * prog entry2 section conf/two funcs entry2
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
static u64 (*const table[])(u64) = { add, times };
static const u64 numbers[4] = { 5, 6, 7, 8 };

SEC("conf") u64 entry(u64 *ctx)
{
	return table[ctx[0] & 1](ctx[1]) + numbers[ctx[0] & 3];
}

SEC("conf/two") u64 entry2(u64 *ctx)
{
	return numbers[ctx[1] & 3];
}
