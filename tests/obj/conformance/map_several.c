/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several maps, used in another order than they are defined in.
 *
 * map a kind 2 key 4 value 8 entries 1 flags 0
 * map b kind 1 key 8 value 4 entries 3 flags 0
 * map c kind 2 key 4 value 4 entries 7 flags 0
 */
#include "conf.h"

MAP(a, ARRAY, u32, u64, 1);
MAP(b, HASH, u64, u32, 3);
MAP(c, ARRAY, u32, u32, 7);

SEC("conf") u64 entry(u64 *ctx)
{
	u32 zero = 0, six = 6, v = 17, *p, *q;
	u64 key = ctx[0], *r;

	map_update(&b, &key, &v, 0);
	v = 5;
	map_update(&c, &six, &v, 0);
	q = map_lookup(&c, &six);
	r = map_lookup(&a, &zero);
	p = map_lookup(&b, &key);
	return p && q && r ? *p * 100 + *q * 10 + *r : 0;
}
