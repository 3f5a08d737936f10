/* SPDX-License-Identifier: Apache-2.0 */
/* Variables of different alignment and size side by side. */
#include "conf.h"

u8 one = 1;
u64 eight = 8;
u16 two = 2;
struct {
	u8 a;
	u64 b;
} __attribute__((packed)) packed = { 3, 0x0102030405060708 };
u32 aligned __attribute__((aligned(64))) = 4;

SEC("conf") u64 entry(u64 *ctx)
{
	packed.b += ctx[0];
	return one + two * 10 + eight * 100 + packed.a * 1000 + packed.b + aligned * 10000;
}
