/* SPDX-License-Identifier: Apache-2.0 */
/* More data than an instruction's offset reaches. */
#include "conf.h"

u64 large[8192] = { 1, [8000] = 77 };
static u8 zeroes[70000];

SEC("conf") u64 entry(u64 *ctx)
{
	zeroes[69999] = (u8)ctx[0];
	large[8191] = ctx[1];
	return large[8000] + large[8191] * 1000 + zeroes[66666 + ctx[0] * 1111];
}
