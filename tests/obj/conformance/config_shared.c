/* SPDX-License-Identifier: Apache-2.0 */
/* One variable of .kconfig in two programs. */
#include "conf.h"

CONFIG(u32, CONFIG_U32, 4000000000);

SEC("conf") u64 entry(u64 *ctx)
{
	return CONFIG_U32 / ctx[0];
}

SEC("conf/two") u64 entry2(u64 *ctx)
{
	return CONFIG_U32 % ctx[1];
}
