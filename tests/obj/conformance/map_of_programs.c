/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program array that begins with two programs in it.
 *
 * load
 * map jumps kind 3 key 4 value 4 entries 5 flags 0 holds 1:entry2 4:entry3
 */
#include "conf.h"

SEC("conf/two") u64 entry2(u64 *ctx)
{
	return ctx[2];
}
SEC("conf/three") u64 entry3(u64 *ctx)
{
	return ctx[3];
}
struct {
	NUMBER(type, PROG_ARRAY);
	TYPE(key, u32);
	NUMBER(max_entries, 5);
	u64 (*values[5])(u64 *);
} jumps SEC(".maps") = { .values = { [1] = entry2, [4] = entry3 } };

SEC("conf") u64 entry(u64 *ctx)
{
	return (&jumps != 0) + ctx[0];
}
