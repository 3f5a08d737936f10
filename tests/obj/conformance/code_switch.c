/* SPDX-License-Identifier: Apache-2.0 */
/* A switch with many cases. */
#include "conf.h"

static NOINLINE u64 choose(u64 x)
{
	switch (x) {
	case 0:
		return 5;
	case 1:
		return 55;
	case 2:
		return 17;
	case 3:
		return 4;
	case 4:
		return 900;
	case 5:
		return 23;
	case 6:
		return 66;
	case 7:
		return 101;
	case 11:
		return 8;
	default:
		return x + 1;
	}
}

SEC("conf") u64 entry(u64 *ctx)
{
	u64 r = 0;

	for (u64 i = 0; i < 8; i++)
		r = r * 3 + choose(ctx[i]) + choose(i);
	return r;
}
