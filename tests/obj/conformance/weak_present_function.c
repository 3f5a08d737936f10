/* SPDX-License-Identifier: Apache-2.0 */
/* A weak function that the host has. */
#include "conf.h"

extern u64 host_mix(u64 a, u64 b) WEAK;

SEC("conf") u64 entry(u64 *ctx)
{
	if (!host_mix)
		return 1;
	return host_mix(ctx[0], ctx[1]);
}
