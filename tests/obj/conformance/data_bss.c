/* SPDX-License-Identifier: Apache-2.0 */
/* Variables that begin as zeroes. */
#include "conf.h"

u64 seen[16];
static u32 n_seen;

SEC("conf") u64 entry(u64 *ctx)
{
	for (u32 i = 0; i < 8; i++)
		seen[ctx[i] & 15] += i + 1;
	n_seen += 8;
	return seen[3] + seen[5] * 10 + seen[0];
}

SEC("conf/two") u64 entry2(u64 *ctx)
{
	return n_seen + seen[ctx[2] & 15];
}
