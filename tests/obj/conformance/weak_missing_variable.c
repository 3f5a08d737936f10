/* SPDX-License-Identifier: Apache-2.0 */
/* A weak variable that nobody has: its address is 0. */
#include "conf.h"

extern const int host_nowhere EXTERN_SEC(".ksyms") WEAK;

SEC("conf") u64 entry(u64 *ctx)
{
	return &host_nowhere ? 1 : ctx[2];
}
