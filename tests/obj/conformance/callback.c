/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The address of a static function as a helper's argument.
 *
 * load
 * prog entry section conf funcs entry,each
 */
#include "conf.h"

#ifdef __bpf__
static s64 (*const loop)(u32 n, void *callback, void *ctx, u64 flags) = (void *)181;
#else
static s64 loop(u32 n, void *callback, void *ctx, u64 flags)
{
	return n + flags + !callback + !ctx;
}
#endif
static s64 each(u32 i, void *sum)
{
	*(u64 *)sum += i;
	return 0;
}

SEC("conf") u64 entry(u64 *ctx)
{
	u64 sum = 0;

	loop((u32)ctx[0], each, &sum, 0);
	return sum;
}
