/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf: what the cases of the loader conformance set are written in, for BPF and for this machine.
 *
 * A case has one to three programs, entry, entry2 and entry3, which are run in this order on the same maps and data.
 * Each is given eight numbers and returns one; compiled for this machine it must return the same.
 */
#ifndef CONF_H
#define CONF_H

typedef unsigned char u8;
typedef signed char s8;
typedef unsigned short u16;
typedef short s16;
typedef unsigned int u32;
typedef int s32;
typedef unsigned long long u64;
typedef long long s64;

#define NOINLINE __attribute__((noinline))
#define WEAK __attribute__((weak))
#define NUMBER(name, value) int(*name)[value]
#define TYPE(name, type) type *name
enum { HASH = 1, ARRAY = 2, PROG_ARRAY = 3, ARRAY_OF_MAPS = 12, HASH_OF_MAPS = 13, BLOOM_FILTER = 30 };

u64 entry(u64 *ctx);
u64 entry2(u64 *ctx);
u64 entry3(u64 *ctx);

#ifdef __bpf__

#define SEC(name) __attribute__((section(name), used))
#define EXTERN_SEC(name) __attribute__((section(name)))
#define MAP(name, kind, key_type, value_type, n) \
	struct {                                 \
		NUMBER(type, kind);              \
		TYPE(key, key_type);             \
		TYPE(value, value_type);         \
		NUMBER(max_entries, n);          \
	} name SEC(".maps")

static void *(*const map_lookup)(void *map, const void *key) = (void *)1;
static s64 (*const map_update)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static s64 (*const map_delete)(void *map, const void *key) = (void *)3;
static u64 (*const host_mix_by_id)(u64 a, u64 b) = (void *)5001;

/* Variables that the host gives values to. */
#define CONFIG(type, name, value) extern type name EXTERN_SEC(".kconfig")
/* A symbol of which only the address, a number, counts. */
#define KSYM(name, address) extern const void name EXTERN_SEC(".ksyms")
#define KSYM_ADDRESS(name) ((u64)&name)

#else

/* Sections of this machine have other names and no meaning. */
#define SEC(name) __attribute__((used))
#define EXTERN_SEC(name)
#define CONFIG(type, name, value) static type name = value
#define KSYM(name, address) enum { name = address }
#define KSYM_ADDRESS(name) ((u64)name)

enum { TWIN_ENTRIES = 16, TWIN_BYTES = 64 };
struct map_twin {
	int kind;
	u32 key, value, n;
	u8 used[TWIN_ENTRIES], keys[TWIN_ENTRIES][TWIN_BYTES];
	u64 values[TWIN_ENTRIES][TWIN_BYTES / 8];
};
#define MAP(name, kind, key_type, value_type, n) \
	struct map_twin name = { kind, sizeof(key_type), sizeof(value_type), n, { 0 }, { { 0 } }, { { 0 } } }

void *map_lookup(void *map, const void *key);
s64 map_update(void *map, const void *key, const void *value, u64 flags);
s64 map_delete(void *map, const void *key);
#define host_mix_by_id host_mix

#endif

/* Helpers that the host registers by name. */
extern u64 host_mix(u64 a, u64 b);
extern u64 host_sum(u64 a, u64 b, u64 c, u64 d, u64 e);

#endif
