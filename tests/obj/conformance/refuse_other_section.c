/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A variable in a section that is neither data nor maps.
 *
 * refuse E230 in elsewhere is neither a map, data nor code
 */
#include "conf.h"

u64 variable SEC("elsewhere") = 5;

SEC("conf") u64 entry(u64 *ctx)
{
	return variable + ctx[0];
}
