/* SPDX-License-Identifier: Apache-2.0 */
/* A helper by number beside the same one by name. */
#include "conf.h"

SEC("conf") u64 entry(u64 *ctx)
{
	return host_mix_by_id(ctx[0], ctx[1]) * 2 - host_mix(ctx[0], ctx[1]);
}
