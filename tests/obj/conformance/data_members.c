/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses inside variables: members, elements, both. */
#include "conf.h"

struct row {
	u32 key;
	u16 part[3];
	u64 sum;
};
struct row rows[3] = { { 1, { 2, 3, 4 }, 5 }, { 6, { 7, 8, 9 }, 10 }, { 11, { 12, 13, 14 }, 15 } };
static NOINLINE u64 get(const u64 *p, const u16 *q)
{
	return *p * 100 + *q;
}

SEC("conf") u64 entry(u64 *ctx)
{
	rows[1].sum += ctx[0];
	return get(&rows[1].sum, &rows[2].part[1]) + get(&rows[ctx[0] % 3].sum, &rows[ctx[1] % 3].part[ctx[2] % 3]);
}
