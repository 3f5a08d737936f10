/* SPDX-License-Identifier: Apache-2.0 */
/* A weak function that nobody has: its address is 0, the call behind the test stays in the code. */
#include "conf.h"

extern u64 host_absent(u64 x) WEAK;

SEC("conf") u64 entry(u64 *ctx)
{
	if (host_absent)
		return host_absent(ctx[0]);
	return ctx[1] + 1;
}
