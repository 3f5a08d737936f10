/* SPDX-License-Identifier: Apache-2.0 */
/* A weak definition is as good as another one where there is no other one. */
#include "conf.h"

WEAK NOINLINE u64 chosen(u64 x)
{
	return x + 77;
}

WEAK u64 level = 6;

SEC("conf") u64 entry(u64 *ctx)
{
	return chosen(ctx[0]) * level;
}
