/* SPDX-License-Identifier: Apache-2.0 */
/* A frame that is full, and functions with frames of their own. */
#include "conf.h"

static NOINLINE u64 sum(const u64 *v, u64 n)
{
	u64 copy[16], r = 0;

	for (u64 i = 0; i < 16; i++)
		copy[i] = v[i] ^ n;
	for (u64 i = 0; i < 16; i++)
		r = r * 3 + copy[i];
	return r;
}

SEC("conf") u64 entry(u64 *ctx)
{
	u64 all[48];

	for (u64 i = 0; i < 48; i++)
		all[i] = ctx[i & 7] + i;
	return sum(all, 1) + sum(all + 16, 2) * 3 + sum(all + 32, 3) * 5;
}
