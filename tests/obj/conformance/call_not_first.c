/* SPDX-License-Identifier: Apache-2.0 */
/* A call to a function that is not static and not the first of its section. */
#include "conf.h"

NOINLINE u64 first(u64 x)
{
	return x + 1;
}

NOINLINE u64 second(u64 x)
{
	return x + 1000;
}

NOINLINE u64 third(u64 x)
{
	return x * second(x);
}

SEC("conf") u64 entry(u64 *ctx)
{
	return second(ctx[0]) + third(ctx[1]) * 7 + first(ctx[2]);
}
