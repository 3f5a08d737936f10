/* SPDX-License-Identifier: Apache-2.0 */
/* A map chosen while the program runs. */
#include "conf.h"

MAP(odd, HASH, u32, u64, 4);
MAP(even, HASH, u32, u64, 4);

SEC("conf") u64 entry(u64 *ctx)
{
	u64 found = 0;

	for (u32 i = 0; i < 6; i++) {
		u64 v = ctx[i] * 2;

		if (ctx[i] & 2)
			map_update(&odd, &i, &v, 0);
		else
			map_update(&even, &i, &v, 0);
	}
	for (u32 i = 0; i < 6; i++) {
		u64 *p = map_lookup(&odd, &i), *q = map_lookup(&even, &i);

		found = found * 100 + (p ? *p : 0) + (q ? *q + 1 : 0);
	}
	return found;
}
