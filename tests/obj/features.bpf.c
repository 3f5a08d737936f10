/* SPDX-License-Identifier: Apache-2.0 */
/*
 * features.bpf: what an object can leave open or refer to: externs of every kind, maps that hold maps and programs,
 * addresses in data. Compiled by the build for test_externs.c and test_hostile.c, which count on names and numbers
 * here.
 */
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define IN(name) __attribute__((section(name)))
#define WEAK __attribute__((weak))
#define NOINLINE __attribute__((noinline))
#define NUMBER(name, value) int(*name)[value]
#define TYPE(name, type) type *name

extern u64 ext_function(u64 x);
extern u64 ext_absent(u64 x) WEAK;
extern const void ext_symbol IN(".ksyms");
extern const u64 ext_typed IN(".ksyms");
extern u32 CONFIG_NUMBER IN(".kconfig");
extern u8 CONFIG_WEAK IN(".kconfig") WEAK;
extern char CONFIG_TEXT[12] IN(".kconfig");

struct inner {
	NUMBER(type, 2);
	TYPE(key, u32);
	TYPE(value, u64);
	NUMBER(max_entries, 3);
};
struct inner inner_a SEC(".maps");
struct {
	NUMBER(type, 12);
	TYPE(key, u32);
	NUMBER(max_entries, 3);
	struct inner *values[3];
} outer SEC(".maps") = { .values = { [1] = &inner_a } };

static NOINLINE u64 plus(u64 x)
{
	return x + 1;
}
static NOINLINE u64 minus(u64 x)
{
	return x - 1;
}
u64 (*table[2])(u64) = { plus, minus };
u64 numbers[4] = { 1, 2, 3, 4 };
u64 target[3];
u64 *third = &target[2];
const void *symbol = &ext_symbol;
const u32 *config = &CONFIG_NUMBER;

SEC("first") u64 one(u64 *ctx)
{
	u64 r = ext_function(ctx[0]) + CONFIG_NUMBER + CONFIG_WEAK + CONFIG_TEXT[ctx[1] & 7] + ext_typed;

	if (ext_absent)
		r += ext_absent(r);
	return r + table[ctx[0] & 1](r) + *third + *config + (u64)symbol;
}

SEC("?second") u64 two(u64 *ctx)
{
	return numbers[ctx[0] & 3] + (u64)&outer;
}

struct {
	NUMBER(type, 3);
	TYPE(key, u32);
	NUMBER(max_entries, 2);
	u64 (*values[2])(u64 *);
} jumps SEC(".maps") = { .values = { [1] = two } };

u32 kernel SEC("version") = 0x60c00;
