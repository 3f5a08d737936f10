/* SPDX-License-Identifier: Apache-2.0 */
/* Weak variables of .kconfig that nobody gives are 0; one that is given is not. */
#include "conf.h"

extern u64 CONFIG_NOBODY EXTERN_SEC(".kconfig") WEAK;
CONFIG(u16, CONFIG_U16, 60000);
#ifndef __bpf__
u64 CONFIG_NOBODY;
#endif

SEC("conf") u64 entry(u64 *ctx)
{
	return CONFIG_NOBODY + ctx[0] + CONFIG_U16;
}
