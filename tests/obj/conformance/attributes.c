/* SPDX-License-Identifier: Apache-2.0 */
/*
 * License, version, and a program that is not to be loaded unless asked for.
 *
 * license Dual MIT/GPL
 * version 329728
 * prog entry section conf funcs entry
 * prog entry2 section conf/two on demand funcs entry2
 */
#include "conf.h"

char terms[] SEC("license") = "Dual MIT/GPL";
u32 kernel SEC("version") = 0x50800;

SEC("conf") u64 entry(u64 *ctx)
{
	return ctx[0] + 1;
}

SEC("?conf/two") u64 entry2(u64 *ctx)
{
	return ctx[0] + 2;
}
