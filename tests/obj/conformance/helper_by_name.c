/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers that the host registers by name. */
#include "conf.h"

SEC("conf") u64 entry(u64 *ctx)
{
	return host_mix(ctx[0], ctx[1]) + host_mix(ctx[2], host_mix(1, 2));
}
