/* SPDX-License-Identifier: Apache-2.0 */
/* A program that is also a function of another program. */
#include "conf.h"

SEC("conf/two") NOINLINE u64 entry2(u64 *ctx)
{
	return ctx[0] + 10 * ctx[1];
}

SEC("conf") u64 entry(u64 *ctx)
{
	return entry2(ctx) + entry2(ctx + 2) * 1000;
}
