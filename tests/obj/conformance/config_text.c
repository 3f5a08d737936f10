/* SPDX-License-Identifier: Apache-2.0 */
/* A text out of .kconfig, read with a variable index. */
#include "conf.h"

CONFIG(char, CONFIG_TEXT[16], "ramparts");

SEC("conf") u64 entry(u64 *ctx)
{
	u64 r = 0;

	for (u64 i = 0; i < 16; i++)
		r = r * 7 + (u64)CONFIG_TEXT[(i + ctx[0]) & 15];
	return r;
}
