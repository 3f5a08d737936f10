/* SPDX-License-Identifier: Apache-2.0 */
/* Constants of 64 bits beside addresses. */
#include "conf.h"

u64 place = 1;

SEC("conf") u64 entry(u64 *ctx)
{
	place ^= 0x123456789abcdef0;
	return place + ctx[0] * 0xfedcba9876543210 + 0x80000000 + 0x7fffffffffffffff;
}
