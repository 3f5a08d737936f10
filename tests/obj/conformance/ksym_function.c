/* SPDX-License-Identifier: Apache-2.0 */
/* A function of .ksyms. */
#include "conf.h"

extern u64 host_mix(u64 a, u64 b) EXTERN_SEC(".ksyms");

SEC("conf") u64 entry(u64 *ctx)
{
	return host_mix(ctx[5], ctx[6]);
}
