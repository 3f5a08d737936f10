/* SPDX-License-Identifier: Apache-2.0 */
/* Variables inside functions that outlive the call. */
#include "conf.h"

static NOINLINE u64 next(void)
{
	static u64 last = 5;

	return last *= 3;
}

SEC("conf") u64 entry(u64 *ctx)
{
	u64 a = next(), b = next();

	return a + b * ctx[0];
}

SEC("conf/two") u64 entry2(u64 *ctx)
{
	return next() + ctx[0];
}
