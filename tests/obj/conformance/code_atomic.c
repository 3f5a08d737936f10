/* SPDX-License-Identifier: Apache-2.0 */
/* Atomic additions whose result nobody wants. */
#include "conf.h"

u64 wide = 5;
u32 narrow = 6;

SEC("conf") u64 entry(u64 *ctx)
{
	__sync_fetch_and_add(&wide, ctx[0]);
	__sync_fetch_and_add(&narrow, (u32)ctx[1]);
	return wide * 100 + narrow;
}
