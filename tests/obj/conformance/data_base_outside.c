/* SPDX-License-Identifier: Apache-2.0 */
/* An index that begins at one: compilers may take an address before the array as the base. */
#include "conf.h"

u64 list[6] = { 10, 20, 30, 40, 50, 60 };

SEC("conf") u64 entry(u64 *ctx)
{
	u64 from = (ctx[0] & 3) + 1, r = 0;

#pragma clang loop unroll(disable)
	for (u64 i = from; i <= 6; i++)
		r += list[i - 1] * i;
	return r + list[(ctx[1] & 3) + 1 - 1];
}
