/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data in sections with names of the program's choice.
 *
 * map .data.foo kind 2 key 4 value 8 entries 1 flags 0
 * map .bss.bar kind 2 key 4 value 4 entries 1 flags 0
 * map .rodata.baz kind 2 key 4 value 16 entries 1 flags 128
 */
#include "conf.h"

u64 foo SEC(".data.foo") = 100;
u32 bar SEC(".bss.bar");
const volatile u64 baz[2] SEC(".rodata.baz") = { 7, 8 };

SEC("conf") u64 entry(u64 *ctx)
{
	bar += 2;
	foo += bar;
	return foo + baz[ctx[0] & 1];
}

SEC("conf/two") u64 entry2(u64 *ctx)
{
	return foo * ctx[0] + bar;
}
