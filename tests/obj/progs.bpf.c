/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progs.bpf: what compilers make of several programs, subprograms in and out of .text, maps of both manners, and data.
 * Compiled by the build for test_clang.c, which counts on names and numbers here. Not run by a kernel.
 */
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define NOINLINE __attribute__((noinline))
#define NUMBER(name, value) int(*name)[value]
#define TYPE(name, type) type *name

struct value {
	u64 hits;
	u32 flags[3];
};

static void *(*const map_lookup_elem)(void *map, const void *key) = (void *)1;

struct {
	NUMBER(type, 1);
	NUMBER(max_entries, 16);
	NUMBER(map_flags, 1);
	TYPE(key, u32);
	TYPE(value, struct value);
} by_number SEC(".maps");

struct {
	NUMBER(type, 2);
	NUMBER(key_size, 4);
	NUMBER(value_size, 8);
	NUMBER(max_entries, 4);
} counters SEC(".maps");

static const u32 table[8] = { 11, 22, 33, 44, 55, 66, 77, 88 };
static volatile u64 seen;
u64 limit = 7;

__attribute__((visibility("hidden"))) NOINLINE u64 scale(u64 x)
{
	return x * 3 + limit;
}

static NOINLINE u64 count(u64 x)
{
	seen += x;
	return scale(x) + 1;
}

SEC("first") u64 one(u64 *ctx)
{
	u32 key = 1;
	u64 *v = map_lookup_elem(&counters, &key);

	return v ? *v : count(ctx[0]);
}

SEC("first") static NOINLINE u64 pick(u64 x)
{
	return x ^ table[x & 7];
}

SEC("first") NOINLINE u64 two(u64 *ctx)
{
	u32 key = 2;
	struct value *v = map_lookup_elem(&by_number, &key);

	return (v ? v->hits : 0) + pick(ctx[0]);
}

SEC("first") u64 three(u64 *ctx)
{
	return two(ctx) + one(ctx) + two(ctx + 1);
}

SEC("second") u64 four(u64 *ctx)
{
	return count(ctx[1]) + two(ctx);
}

SEC("second") u64 five(u64 *ctx)
{
	return ctx[0] + 5;
}

const char terms[] SEC("license") = "Apache-2.0";
