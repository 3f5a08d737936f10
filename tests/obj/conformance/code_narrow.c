/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic of 8, 16 and 32 bits, signed and not. */
#include "conf.h"

volatile s8 c = -5;
volatile s16 s = -300;
volatile s32 i = -70000;
volatile u8 uc = 250;
volatile u32 ui = 0xfffffff0;

SEC("conf") u64 entry(u64 *ctx)
{
	u64 r = (u64)(s64)(c * s + i);

	uc += (u8)ctx[1];
	ui += (u32)ctx[7];
	r += (ui >> 1) * 3 + uc;
	return r + (u64)(i >> 3) + (u32)(i * 7) + (u16)(s + uc);
}
