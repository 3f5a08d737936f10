/* SPDX-License-Identifier: Apache-2.0 */
/* Five arguments, through memory where they are more. */
#include "conf.h"

struct more {
	u64 f, g;
};

static NOINLINE u64 five(u64 a, u64 b, u64 c, u64 d, const struct more *m)
{
	return a + b * 2 + c * 3 + d * 4 + m->f * 5 + m->g * 6;
}

SEC("conf") u64 entry(u64 *ctx)
{
	struct more m = { ctx[4], ctx[5] };

	return five(ctx[0], ctx[1], ctx[2], ctx[3], &m);
}
