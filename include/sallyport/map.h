/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map: memory that programs share with each other and with the host. Semantics are Linux's, kind by kind.
 *
 * All memory of a map is taken when it is made. Maps are reference counted: modules that use one hold it.
 *
 * Threads: any number may use one map at a time, programs and host alike. A pointer from sp_map_lookup stays memory of
 * the map while the map lives; what it shows may change under the reader, as in the kernel. sp_map_read copies.
 */
#ifndef SALLYPORT_PUBLIC_MAP_H
#define SALLYPORT_PUBLIC_MAP_H

#include "sallyport/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Numbers as in enum bpf_map_type of Linux. */
enum sp_map_kind {
	SP_MAP_HASH = 1,
	SP_MAP_ARRAY = 2,
	SP_MAP_PROG_ARRAY = 3,
	SP_MAP_PERCPU_HASH = 5,
	SP_MAP_PERCPU_ARRAY = 6,
	SP_MAP_LRU_HASH = 9,
	SP_MAP_LRU_PERCPU_HASH = 10,
	SP_MAP_LPM_TRIE = 11,
	SP_MAP_ARRAY_OF_MAPS = 12,
	SP_MAP_HASH_OF_MAPS = 13,
	SP_MAP_QUEUE = 22,
	SP_MAP_STACK = 23,
	SP_MAP_RINGBUF = 27,
	SP_MAP_BLOOM_FILTER = 30,
	SP_MAP_USER_RINGBUF = 31,
};

enum { SP_MAP_READ_ONLY = 1 << 7 }; /* flags: programs may not write */
enum sp_map_update_flags { SP_ANY = 0, SP_NOEXIST = 1, SP_EXIST = 2 };

struct sp_map;

struct sp_map_def {
	const char *name; /* for messages; copied */
	enum sp_map_kind kind;
	uint32_t key_size;    /* bytes; 0 for queue, stack, bloom filter, ring buffers */
	uint32_t value_size;  /* bytes; 0 for ring buffers */
	uint32_t max_entries; /* ring buffers: bytes, a power of two and a multiple of 4096 */
	uint32_t flags;
	uint32_t n_cpus;            /* per-CPU kinds: 1 to 1024; 0: 1 */
	uint32_t n_hashes;          /* bloom filter: 1 to 15; 0: 5 */
	const struct sp_map *inner; /* maps of maps: one with the shape that inner maps must have */
};

/* SP_INVALID, SP_UNSUPPORTED, SP_LIMIT (64 MiB), SP_NOMEM, with r. */
SP_MUST_USE enum sp_status sp_map_new(const struct sp_map_def *def, struct sp_map **out, struct sp_report *r);
void sp_map_free(struct sp_map *m); /* gives up the caller's reference */
struct sp_map *sp_map_ref(struct sp_map *m);
/* As it was made; name lives as long as the map. */
void sp_map_describe(const struct sp_map *m, struct sp_map_def *out);

/* The value under a key (key_size bytes), or NULL. Per-CPU kinds: of CPU 0. About 10 ns for a hash. */
void *sp_map_lookup(struct sp_map *m, const void *key);
/* The same of one CPU. */
void *sp_map_lookup_cpu(struct sp_map *m, const void *key, uint32_t cpu);
/* Bytes of a value as the host has it: value_size; of per-CPU kinds n_cpus values, each rounded up to 8. */
size_t sp_map_value_bytes(const struct sp_map *m);
/* Copy the value (sp_map_value_bytes): whole, also while it is updated. SP_NOT_FOUND. */
SP_MUST_USE enum sp_status sp_map_read(struct sp_map *m, const void *key, void *value);
/* SP_EXISTS, SP_NOT_FOUND (by flags), SP_LIMIT (full), SP_INVALID (index, flags, kind). Per-CPU kinds: n_cpus values.
 */
SP_MUST_USE enum sp_status sp_map_update(struct sp_map *m, const void *key, const void *value, uint64_t flags);
SP_MUST_USE enum sp_status sp_map_delete(struct sp_map *m, const void *key);
/* Keys in it. O(1). */
uint32_t sp_map_count(const struct sp_map *m);

/*
 * Copy up to max keys, and values as sp_map_read gives them (values may be NULL); *cursor is 0 to begin. *n: how many
 * came, at least one; SP_NOT_FOUND: no more. Keys that are there all the time come exactly once; keys that come and go
 * meanwhile may or may not. SP_UNSUPPORTED: a kind without keys.
 */
SP_MUST_USE enum sp_status sp_map_batch(struct sp_map *m, uint64_t *cursor, void *keys, void *values, uint32_t max,
					uint32_t *n);
/* One key. */
SP_MUST_USE enum sp_status sp_map_next(struct sp_map *m, uint64_t *cursor, void *key);
/* From now on the host cannot change it; programs can, unless it is SP_MAP_READ_ONLY. */
void sp_map_freeze(struct sp_map *m);

/* Queue, stack (pop takes, peek looks) and bloom filter (push adds, peek asks: SP_NOT_FOUND is a certain no). */
SP_MUST_USE enum sp_status sp_map_push(struct sp_map *m, const void *value, uint64_t flags);
SP_MUST_USE enum sp_status sp_map_pop(struct sp_map *m, void *value);
SP_MUST_USE enum sp_status sp_map_peek(struct sp_map *m, void *value);

/*
 * Maps of maps: put an inner map of the right shape under a key; NULL takes it out. The outer map holds a reference.
 * What was replaced stays in memory until sp_map_quiesce: call it when no program that uses the outer map runs.
 * SP_INVALID: another shape; SP_LIMIT: full, or too many wait for sp_map_quiesce.
 */
SP_MUST_USE enum sp_status sp_map_set_inner(struct sp_map *outer, const void *key, struct sp_map *inner,
					    struct sp_report *r);
void sp_map_quiesce(struct sp_map *outer);

/*
 * Ring buffer: give each finished record to fn, in order, until there is none or fn returns false. Returns how many.
 * One consuming thread at a time; producers need not wait.
 */
typedef bool sp_record_fn(void *user, const void *record, uint32_t bytes);
uint64_t sp_ringbuf_consume(struct sp_map *m, sp_record_fn *fn, void *user);

/* User ring buffer: room for a record (NULL: full), then submit or discard it. One producing thread at a time. */
void *sp_user_ringbuf_reserve(struct sp_map *m, uint32_t bytes);
void sp_user_ringbuf_submit(struct sp_map *m, void *record, bool discard);

#ifdef __cplusplus
}
#endif
#endif
