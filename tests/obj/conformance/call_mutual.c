/* SPDX-License-Identifier: Apache-2.0 */
/* Two functions in two sections that call each other. */
#include "conf.h"

NOINLINE u64 even(u64 n);

SEC("conf/odd") NOINLINE u64 odd(u64 n)
{
	return n ? even(n - 1) + 3 : 0;
}

NOINLINE u64 even(u64 n)
{
	return n ? odd(n - 1) * 2 : 1;
}

SEC("conf") u64 entry(u64 *ctx)
{
	return even(ctx[0]) * 100 + odd(ctx[0]);
}
