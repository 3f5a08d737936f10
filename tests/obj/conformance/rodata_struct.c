/* SPDX-License-Identifier: Apache-2.0 */
/* A structure of constants, copied. */
#include "conf.h"

struct shape {
	u64 a, b;
	u32 c[4];
	u8 d;
};
static const struct shape model = { 5, 6, { 7, 8, 9, 10 }, 11 };

SEC("conf") u64 entry(u64 *ctx)
{
	struct shape s = model;

	s.c[ctx[0] & 3] += (u32)ctx[1];
	return s.a + s.b * 2 + s.c[0] * 3 + s.c[3] * 5 + s.d * 7;
}
