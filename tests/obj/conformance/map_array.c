/* SPDX-License-Identifier: Apache-2.0 */
/* An array: looked up and updated. */
#include "conf.h"

MAP(numbers, ARRAY, u32, u64, 4);

SEC("conf") u64 entry(u64 *ctx)
{
	u32 key = 2, outside = 4;
	u64 value = ctx[1] * 3, *p;

	map_update(&numbers, &key, &value, 0);
	p = map_lookup(&numbers, &key);
	if (!p || map_lookup(&numbers, &outside))
		return 0;
	*p += ctx[0];
	return *p;
}

SEC("conf/two") u64 entry2(u64 *ctx)
{
	u32 key = 2;
	u64 *p = map_lookup(&numbers, &key);

	return p ? *p * 10 + ctx[0] : 0;
}
