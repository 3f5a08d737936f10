/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Atomic operations that return what was there.
 *
 * from v3
 */
#include "conf.h"

u64 wide = 5;
u32 narrow = 0xf0;

SEC("conf") u64 entry(u64 *ctx)
{
	u64 a = __sync_fetch_and_add(&wide, ctx[0]), b = __sync_fetch_and_or(&narrow, (u32)ctx[1]);
	u64 c = __sync_val_compare_and_swap(&wide, 8, ctx[2]), d = __sync_lock_test_and_set(&narrow, 7);

	return a + b * 10 + c * 1000 + d * 100000 + wide * 3 + narrow;
}
