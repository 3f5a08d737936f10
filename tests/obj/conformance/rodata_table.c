/* SPDX-License-Identifier: Apache-2.0 */
/* A table of constants. */
#include "conf.h"

static const u32 table[8] = { 11, 22, 33, 44, 55, 66, 77, 88 };

SEC("conf") u64 entry(u64 *ctx)
{
	return table[ctx[0] & 7] * 100 + table[ctx[2] & 7];
}
