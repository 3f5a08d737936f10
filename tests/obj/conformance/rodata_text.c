/* SPDX-License-Identifier: Apache-2.0 */
/* String literals in sections of their own. */
#include "conf.h"

static NOINLINE u64 measure(const char *s)
{
	u64 r = 0;

	for (u64 i = 0; i < 8 && s[i]; i++)
		r = r * 5 + (u64)s[i];
	return r;
}

SEC("conf") u64 entry(u64 *ctx)
{
	return measure(ctx[0] > 2 ? "moat" : "wall") + measure(ctx[1] > 100 ? "gate" : "tower");
}
