/* SPDX-License-Identifier: Apache-2.0 */
/* A hash with structures as keys and values. */
#include "conf.h"

struct key {
	u32 a;
	u16 b, c;
};
struct value {
	u64 n;
	u32 m[3];
};
MAP(table, HASH, struct key, struct value, 8);

static NOINLINE u64 count(u64 a, u64 b)
{
	struct key key = { (u32)a, (u16)b, 0 };
	struct value zero = { 1, { 2, 3, 4 } }, *v = map_lookup(&table, &key);

	if (v)
		return ++v->n + v->m[2];
	return (u64)map_update(&table, &key, &zero, 0) + 100;
}

SEC("conf") u64 entry(u64 *ctx)
{
	struct key key = { (u32)ctx[0], (u16)ctx[1], 0 };
	u64 r = count(ctx[0], ctx[1]);

	r = r * 1000 + count(ctx[0], ctx[1]);
	r = r * 1000 + count(ctx[1], ctx[0]);
	map_delete(&table, &key);
	return r * 1000 + count(ctx[0], ctx[1]);
}
