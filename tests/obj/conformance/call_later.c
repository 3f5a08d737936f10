/* SPDX-License-Identifier: Apache-2.0 */
/* Callees that stand behind their callers. */
#include "conf.h"

NOINLINE u64 later(u64 x);
static NOINLINE u64 later_static(u64 x);

SEC("conf") u64 entry(u64 *ctx)
{
	return later(ctx[0]) ^ later_static(ctx[3]);
}

NOINLINE u64 later(u64 x)
{
	return later_static(x) + 40;
}

static NOINLINE u64 later_static(u64 x)
{
	return x * x;
}
