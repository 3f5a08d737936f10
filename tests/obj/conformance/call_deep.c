/* SPDX-License-Identifier: Apache-2.0 */
/* Seven calls deep, as deep as frames go. */
#include "conf.h"

#define LEVEL(n, next)                                \
	static NOINLINE u64 level##n(u64 x, u64 *ctx) \
	{                                             \
		u64 r = next(x + ctx[n], ctx);        \
		return r * 3 + ctx[n];                \
	}
static NOINLINE u64 level7(u64 x, u64 *ctx)
{
	return x + ctx[7];
}
LEVEL(6, level7)
LEVEL(5, level6)
LEVEL(4, level5)
LEVEL(3, level4)
LEVEL(2, level3)
LEVEL(1, level2)

SEC("conf") u64 entry(u64 *ctx)
{
	return level1(ctx[0], ctx);
}
