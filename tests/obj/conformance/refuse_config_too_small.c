/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A variable of .kconfig that is too small for what it is given.
 *
 * refuse E283 'CONFIG_U16' was bound to something of a kind or size that it cannot be
 */
#include "conf.h"

CONFIG(u8, CONFIG_U16, 0);

SEC("conf") u64 entry(u64 *ctx)
{
	return CONFIG_U16 + ctx[0];
}
