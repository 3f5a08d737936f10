/* SPDX-License-Identifier: Apache-2.0 */
/* Static functions in the section of the program, before and behind it. */
#include "conf.h"

SEC("conf") static NOINLINE u64 before(u64 x)
{
	return x + 11;
}
SEC("conf") static NOINLINE u64 behind(u64 x);

SEC("conf") u64 entry(u64 *ctx)
{
	return before(ctx[1]) * 1000 + behind(ctx[2]);
}

SEC("conf") static NOINLINE u64 behind(u64 x)
{
	return before(x) * 3;
}
