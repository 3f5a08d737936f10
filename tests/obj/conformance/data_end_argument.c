/* SPDX-License-Identifier: Apache-2.0 */
/* The address behind the last variable of a section, as an argument. */
#include "conf.h"

u64 list[6] = { 10, 20, 30, 40, 50, 60 };

static NOINLINE u64 sum(const u64 *from, const u64 *to)
{
	u64 r = 0;

	while (from != to)
		r = r * 3 + *from++;
	return r;
}

SEC("conf") u64 entry(u64 *ctx)
{
	list[ctx[0]]++;
	return sum(list, list + 6) + sum(list + 2, list + 4);
}
