/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that nothing calls do no harm. */
#include "conf.h"

NOINLINE u64 unused(u64 x)
{
	return x + host_mix(x, x);
}

SEC("conf/unused") NOINLINE u64 unused_program(u64 *ctx)
{
	return unused(ctx[0]);
}

SEC("conf") u64 entry(u64 *ctx)
{
	return ctx[6];
}
