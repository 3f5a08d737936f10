/* SPDX-License-Identifier: Apache-2.0 */
/* Bit-fields in data and on the stack. */
#include "conf.h"

struct bits {
	u32 a : 3, b : 11;
	s32 c : 7;
	u64 d : 40;
};
struct bits global = { 5, 1000, -20, 1ull << 39 };

SEC("conf") u64 entry(u64 *ctx)
{
	struct bits local = global;

	global.a += (u32)ctx[0];
	local.b -= (u32)ctx[7];
	local.c += 3;
	return global.a + local.b * 10 + (u64)(s64)local.c * 100 + local.d;
}
