/* SPDX-License-Identifier: Apache-2.0 */
/* A pointer in data to a variable that the host gives. */
#include "conf.h"

CONFIG(u32, CONFIG_U32, 4000000000);
const u32 *where = &CONFIG_U32;

SEC("conf") u64 entry(u64 *ctx)
{
	return *where + ctx[0];
}
