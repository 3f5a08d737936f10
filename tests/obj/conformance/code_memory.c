/* SPDX-License-Identifier: Apache-2.0 */
/* Structures filled, copied and compared through the stack. */
#include "conf.h"

struct block {
	u64 a[6];
	u8 b[13];
};

static NOINLINE void fill(struct block *out, const u64 *ctx)
{
	__builtin_memset(out, 0, sizeof *out);
	for (u32 i = 0; i < 6; i++)
		out->a[i] = ctx[i] * i;
	out->b[ctx[0]] = 9;
	out->b[12] = (u8)ctx[7];
}

SEC("conf") u64 entry(u64 *ctx)
{
	struct block x, y;
	u64 r = 0;

	fill(&x, ctx);
	__builtin_memcpy(&y, &x, sizeof y);
	y.a[2] += 3;
	for (u32 i = 0; i < 6; i++)
		r = r * 3 + y.a[i] - x.a[5 - i];
	return r + y.b[3] + y.b[12];
}
