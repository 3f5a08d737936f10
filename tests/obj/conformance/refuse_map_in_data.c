/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The address of a map in data.
 *
 * refuse E259 data holds the address of 'numbers'
 */
#include "conf.h"

MAP(numbers, ARRAY, u32, u64, 4);
void *chosen = &numbers;

SEC("conf") u64 entry(u64 *ctx)
{
	u32 key = 0;
	u64 *p = map_lookup(chosen, &key);

	return p ? *p : ctx[0];
}
