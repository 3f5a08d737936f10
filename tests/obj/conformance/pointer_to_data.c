/* SPDX-License-Identifier: Apache-2.0 */
/* A pointer that begins as the address of an element. */
#include "conf.h"

u64 list[10] = { 1, 2, 3, 4, 5 };
u64 *cursor = &list[3];

SEC("conf") u64 entry(u64 *ctx)
{
	u64 r = *cursor;

	cursor++;
	return r * 100 + *cursor * ctx[0];
}

SEC("conf/two") u64 entry2(u64 *ctx)
{
	*cursor = 9;
	return list[4] + ctx[0];
}
