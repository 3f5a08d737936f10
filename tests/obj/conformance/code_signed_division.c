/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed division, sign extension and byte order.
 *
 * from v4
 */
#include "conf.h"

volatile s64 big = -1000000007;
volatile s32 small = -77;

SEC("conf") u64 entry(u64 *ctx)
{
	s64 q = big / (s64)ctx[0], m = big % (s64)ctx[1];

	q += small / (s32)ctx[2] * 1000 + small % (s32)ctx[3];
	return (u64)(q * 31 + m) + __builtin_bswap64(ctx[4]) + __builtin_bswap32((u32)ctx[5]) +
	       __builtin_bswap16((u16)ctx[6]);
}
