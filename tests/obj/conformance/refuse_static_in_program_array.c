/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program array that is to hold what is no program.
 *
 * refuse E269 which is no program
 */
#include "conf.h"

static NOINLINE u64 helper(u64 *ctx)
{
	return ctx[2];
}
struct {
	NUMBER(type, PROG_ARRAY);
	TYPE(key, u32);
	NUMBER(max_entries, 5);
	u64 (*values[5])(u64 *);
} jumps SEC(".maps") = { .values = { [1] = helper } };

SEC("conf") u64 entry(u64 *ctx)
{
	return (&jumps != 0) + ctx[0];
}
