/* SPDX-License-Identifier: Apache-2.0 */
/* Several programs of one section, each calling its own and a common function. */
#include "conf.h"

SEC("conf") static NOINLINE u64 common(u64 x)
{
	return x + 2;
}

SEC("conf") u64 entry(u64 *ctx)
{
	return common(ctx[0]);
}

SEC("conf") static NOINLINE u64 own(u64 x)
{
	return common(x) * common(x + 1);
}

SEC("conf") u64 entry2(u64 *ctx)
{
	return own(ctx[1]);
}

SEC("conf") u64 entry3(u64 *ctx)
{
	return own(ctx[2]) + common(ctx[3]);
}
