/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bpf: for programs, not for hosts: compile with clang -O2 -g -target bpf.
 *
 * Types, sections, maps, and the helpers that every environment has (env.h), under Linux's names and numbers; libbpf's
 * headers say the same and work too.
 */
#ifndef SALLYPORT_PUBLIC_BPF_H
#define SALLYPORT_PUBLIC_BPF_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long long s64;

#define SEC(name) __attribute__((section(name), used))

/* Maps: struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, u32); ... } name SEC(".maps"); */
#define __uint(name, value) int(*name)[value]
#define __type(name, value) __typeof__(value) *name
#define __array(name, value) __typeof__(value) *name[]

enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PROG_ARRAY = 3,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_LRU_PERCPU_HASH = 10,
	BPF_MAP_TYPE_LPM_TRIE = 11,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_HASH_OF_MAPS = 13,
	BPF_MAP_TYPE_QUEUE = 22,
	BPF_MAP_TYPE_STACK = 23,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_BLOOM_FILTER = 30,
	BPF_MAP_TYPE_USER_RINGBUF = 31,
};
enum { BPF_ANY = 0, BPF_NOEXIST = 1, BPF_EXIST = 2 };

struct bpf_timer {
	u64 opaque[2];
} __attribute__((aligned(8)));

static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*const bpf_map_update_elem)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static long (*const bpf_map_delete_elem)(void *map, const void *key) = (void *)3;
static u64 (*const bpf_ktime_get_ns)(void) = (void *)5;
/* All three values are read, whatever the format takes: bpf_printk gives zeroes for those that are not said. */
static long (*const bpf_trace_printk)(const char *format, u32 bytes, u64 a, u64 b, u64 c) = (void *)6;
static u32 (*const bpf_get_prandom_u32)(void) = (void *)7;
static u32 (*const bpf_get_smp_processor_id)(void) = (void *)8;
static long (*const bpf_tail_call)(void *ctx, void *prog_array, u32 index) = (void *)12;
static long (*const bpf_map_push_elem)(void *map, const void *value, u64 flags) = (void *)87;
static long (*const bpf_map_pop_elem)(void *map, void *value) = (void *)88;
static long (*const bpf_map_peek_elem)(void *map, void *value) = (void *)89;
static long (*const bpf_strtol)(const char *text, unsigned long bytes, u64 flags, long *out) = (void *)105;
static long (*const bpf_strtoul)(const char *text, unsigned long bytes, u64 flags, unsigned long *out) = (void *)106;
static long (*const bpf_ringbuf_output)(void *ring, void *data, u64 bytes, u64 flags) = (void *)130;
static void *(*const bpf_ringbuf_reserve)(void *ring, u64 bytes, u64 flags) = (void *)131;
static void (*const bpf_ringbuf_submit)(void *record, u64 flags) = (void *)132;
static void (*const bpf_ringbuf_discard)(void *record, u64 flags) = (void *)133;
static u64 (*const bpf_ringbuf_query)(void *ring, u64 what) = (void *)134;
static long (*const bpf_for_each_map_elem)(void *map, void *callback, void *callback_ctx, u64 flags) = (void *)164;
static long (*const bpf_timer_init)(struct bpf_timer *timer, void *map, u64 flags) = (void *)169;
static long (*const bpf_timer_set_callback)(struct bpf_timer *timer, void *callback) = (void *)170;
static long (*const bpf_timer_start)(struct bpf_timer *timer, u64 ns, u64 flags) = (void *)171;
static long (*const bpf_timer_cancel)(struct bpf_timer *timer) = (void *)172;
static long (*const bpf_loop)(u32 times, void *callback, void *callback_ctx, u64 flags) = (void *)181;
static long (*const bpf_strncmp)(const char *text, u32 bytes, const char *with) = (void *)182;
static void *(*const bpf_map_lookup_percpu_elem)(void *map, const void *key, u32 cpu) = (void *)195;
static long (*const bpf_user_ringbuf_drain)(void *ring, void *callback, void *callback_ctx, u64 flags) = (void *)209;

/* A line for the host: bpf_printk("user %u", user), at most three values. */
#define bpf_printk(...) bpf_printk_pad(__VA_ARGS__, 0, 0, 0, 0)
#define bpf_printk_pad(format, a, b, c, ...)                                                   \
	({                                                                                     \
		static const char bpf_format[] = format;                                       \
		bpf_trace_printk(bpf_format, sizeof bpf_format, (u64)(a), (u64)(b), (u64)(c)); \
	})

#endif
