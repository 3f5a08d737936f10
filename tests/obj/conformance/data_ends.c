/* SPDX-License-Identifier: Apache-2.0 */
/* Loops by pointers that end behind the last element. */
#include "conf.h"

u32 list[10] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };

SEC("conf") u64 entry(u64 *ctx)
{
	u64 r = 0;

#pragma clang loop unroll(disable)
	for (const u32 *p = list; p != list + 10; p++)
		r = r * ctx[0] + *p;
	return r;
}

SEC("conf/two") u64 entry2(u64 *ctx)
{
	u64 r = 0;

#pragma clang loop unroll(disable)
	for (const u32 *p = list + 10; p != list; p--)
		r = r * ctx[0] + p[-1];
	return r;
}
