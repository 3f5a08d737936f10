/* SPDX-License-Identifier: Apache-2.0 */
/* A static function of .text, called from a named section. */
#include "conf.h"

static NOINLINE u64 twice(u64 x)
{
	return x * 2 + 1;
}

SEC("conf") u64 entry(u64 *ctx)
{
	return twice(ctx[0]) + twice(ctx[1]) * 100;
}
