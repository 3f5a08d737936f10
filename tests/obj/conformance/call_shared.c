/* SPDX-License-Identifier: Apache-2.0 */
/* One static function in two programs, at different places in each. */
#include "conf.h"

static NOINLINE u64 shared(u64 x)
{
	return x ^ 0x55;
}

static NOINLINE u64 only_first(u64 x)
{
	return shared(x) + 9;
}

SEC("conf") u64 entry(u64 *ctx)
{
	return only_first(ctx[0]) + shared(ctx[1]);
}

SEC("conf/two") u64 entry2(u64 *ctx)
{
	return shared(ctx[2]) * 2;
}
