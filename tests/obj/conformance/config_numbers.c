/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of all sizes out of .kconfig. */
#include "conf.h"

CONFIG(u8, CONFIG_U8, 200);
CONFIG(u16, CONFIG_U16, 60000);
CONFIG(u32, CONFIG_U32, 4000000000);
CONFIG(u64, CONFIG_U64, 0x123456789abcdef0);
CONFIG(s8, CONFIG_S8, -3);
CONFIG(s32, CONFIG_S32, -100000);
CONFIG(_Bool, CONFIG_BOOL, 1);

SEC("conf") u64 entry(u64 *ctx)
{
	u64 r = CONFIG_U8 + 3ull * CONFIG_U16 + 5ull * CONFIG_U32 + 7 * CONFIG_U64;

	return r + (s64)CONFIG_S8 * 11 + (s64)CONFIG_S32 * 13 + CONFIG_BOOL * ctx[0];
}
