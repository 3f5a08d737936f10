/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A variable of .kconfig without a type.
 *
 * refuse E282 do not say how large 'CONFIG_VOID' of .kconfig is
 */
#include "conf.h"

#ifdef __bpf__
extern const void CONFIG_VOID EXTERN_SEC(".kconfig");
#else
static int CONFIG_VOID;
#endif

SEC("conf") u64 entry(u64 *ctx)
{
	return *(u8 *)&CONFIG_VOID + ctx[0];
}
