/* SPDX-License-Identifier: Apache-2.0 */
/* A map that is static, whose struct has a name and a typedef, used from a function. */
#include "conf.h"

#ifdef __bpf__
typedef struct numbers_def {
	NUMBER(type, ARRAY);
	NUMBER(key_size, 4);
	NUMBER(value_size, 8);
	NUMBER(max_entries, 2);
} numbers_def;
static numbers_def numbers SEC(".maps");
#else
static MAP(numbers, ARRAY, u32, u64, 2);
#endif

static NOINLINE u64 bump(u32 key, u64 by)
{
	u64 *p = map_lookup(&numbers, &key);

	return p ? *p += by : 0;
}

SEC("conf") u64 entry(u64 *ctx)
{
	return bump(0, ctx[0]) + bump(1, ctx[1]) * 10 + bump(0, ctx[2]) * 100;
}

SEC("conf/two") u64 entry2(u64 *ctx)
{
	return bump(1, ctx[0]);
}
