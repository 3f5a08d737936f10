/* SPDX-License-Identifier: Apache-2.0 */
/* Calls from section to section, to functions that are not the first ones there. */
#include "conf.h"

SEC("conf/other") NOINLINE u64 other_first(u64 x)
{
	return x - 1;
}

SEC("conf/other") NOINLINE u64 other_second(u64 x)
{
	return x * 5;
}

SEC("conf/third") static NOINLINE u64 third(u64 x)
{
	return other_second(x) + other_first(x);
}

SEC("conf") u64 entry(u64 *ctx)
{
	return third(ctx[4]) + other_second(ctx[0]);
}
