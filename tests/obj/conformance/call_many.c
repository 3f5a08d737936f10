/* SPDX-License-Identifier: Apache-2.0 */
/* Twenty functions, global and static by turns, each called with its own number. */
#include "conf.h"

#define PAIR(n)                                   \
	NOINLINE u64 open_##n(u64 x)              \
	{                                         \
		return x * n + 1;                 \
	}                                         \
	static NOINLINE u64 closed_##n(u64 x)     \
	{                                         \
		return open_##n(x) ^ (n * 0x101); \
	}
PAIR(2)
PAIR(3)
PAIR(4)
PAIR(5)
PAIR(6)
PAIR(7)
PAIR(8)
PAIR(9)
PAIR(10)
PAIR(11)
#define USE(n) closed_##n(ctx[n % 8]) + open_##n(ctx[(n + 1) % 8])

SEC("conf") u64 entry(u64 *ctx)
{
	u64 r = USE(11);

	r = r * 3 + USE(2);
	r = r * 3 + USE(7);
	r = r * 3 + USE(3);
	r = r * 3 + USE(9);
	r = r * 3 + USE(10);
	r = r * 3 + USE(4);
	r = r * 3 + USE(8);
	r = r * 3 + USE(5);
	return r * 3 + USE(6);
}
