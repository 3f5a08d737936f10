/* SPDX-License-Identifier: Apache-2.0 */
/* Recursion is for the verifier to refuse, not for the loader. */
#include "conf.h"

static NOINLINE u64 down(u64 n, u64 *ctx)
{
	u64 below;

	if (n >= 5)
		return 1;
	below = down(n + 1, ctx);
	return below * ctx[n] + n;
}

SEC("conf") u64 entry(u64 *ctx)
{
	return down(ctx[0] - 3, ctx);
}
