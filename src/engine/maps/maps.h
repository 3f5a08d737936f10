/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maps: the memory that programs share with each other and with the host.
 *
 * Kinds and their semantics are Linux's (kernel/bpf/{arraymap,hashtab,lpm_trie,queue_stack_maps,bloom_filter,ringbuf,
 * map_in_map}.c, v6.12); where this differs, the function says so. All memory is reserved at creation, and the
 * operating system's pages are touched when they are used: BPF_F_NO_PREALLOC is accepted and changes nothing. Values
 * live in one slab of their own, apart from keys and links, that is not freed while the map lives: a program that
 * strays inside the slab cannot break the map, and a pointer that it holds stays memory of this map.
 *
 * Threads: every function is safe from any thread at any time, but map_free, map_ring_next, map_ring_done (one consumer
 * a ring) and map_quiesce. Nothing waits for long: locks are spun for, and held for one element. An update is all
 * or nothing for those who read by copy (map_read, map_take, map_pop, map_peek, map_batch); who holds a pointer sees
 * other threads' stores as they come, and, after the element was deleted, perhaps the value of another key: the memory
 * of a deleted element is reused at once, as that of the kernel's preallocated maps is. A lookup of a key that nobody
 * touches never fails, whatever happens to other keys meanwhile.
 */
#ifndef SALLYPORT_ENGINE_MAPS_H
#define SALLYPORT_ENGINE_MAPS_H

#include "base/base.h"
#include "engine/prog/prog.h"

enum {
	MAP_MAX_BYTES = 64 << 20,
	MAP_MAX_CPUS = 1024,
	MAP_MAX_KEY = 512,       /* bytes */
	MAP_MAX_OUTER = 1 << 20, /* entries of an array or hash of maps */
	MAP_ANY = 0,
	MAP_NOEXIST = 1,
	MAP_EXIST = 2,
};

struct map;

struct map_opts {
	uint32_t n_cpus; /* values of each element of a per-CPU kind; 0: 1. At most MAP_MAX_CPUS */
	uint64_t seed;   /* of hashes; secret if keys come from those who may wish harm. 0: derived from the sizes */
	/*
	 * RINGBUF: there is a record for a consumer that had none (from the program's thread, within the submit).
	 * USER_RINGBUF: the program has taken what there was. May be NULL; may not run programs.
	 */
	void (*notify)(struct map *m, void *arg);
	void *notify_arg;
};

/*
 * Create a map and fill it from def->init. o: NULL: all of it 0. X101 E_UNSUPPORTED: a kind that this module does not
 * have. E_INVALID: sizes (X102, X103, X107), flags (X104), contents (X106), CPUs (X108),
 * hash functions (X109) or inner maps (X110) that the kind does not allow. X105 E_LIMIT: over MAP_MAX_BYTES. E_NOMEM.
 */
FALLIBLE map_new(const struct prog_map *def, struct map **out, struct diag *d);
FALLIBLE map_new_with(const struct prog_map *def, const struct map_opts *o, struct map **out, struct diag *d);
/* One more owner: as many map_free are due. */
struct map *map_ref(struct map *m);
/* The last owner's call frees it: no program may use it then. NULL is fine. */
void map_free(struct map *m);

/* name is the map's copy; init, inner_maps are empty; inner, where there is one, is the map's copy without a name. */
const struct prog_map *map_def(const struct map *m);
uint32_t map_cpus(const struct map *m);
/* What was reserved for it: values, keys, links. */
size_t map_bytes(const struct map *m);

/* ---- what programs do: helpers call these ---- */

/*
 * The value under the key (key_size bytes) on this CPU, or NULL: no such key, cpu >= map_cpus, a kind without values
 * that could be pointed to (queue, stack, bloom filter, rings, maps of maps). Kinds that are not per CPU ignore cpu.
 * LRU: marks the element as used. O(1); LPM: O(bits).
 */
void *map_lookup_cpu(struct map *m, const void *key, uint32_t cpu);
/*
 * Store one value; per-CPU kinds: this CPU's, and zeroes for the others if the key is new. E_PERM: a map that programs
 * may not write. E_EXISTS, E_NOT_FOUND by flags; E_INVALID: an index, a prefix length, a cpu or flags out of range.
 * E_UNSUPPORTED: the kind does not have the operation. E_LIMIT: full (an LRU hash gives up what was not used lately
 * instead); or over 32 keys in one bucket of a hash, which only keys chosen for it reach (LRU: one of them goes).
 */
FALLIBLE map_prog_update(struct map *m, const void *key, const void *value, uint64_t flags, uint32_t cpu);
/* E_NOT_FOUND. E_INVALID: arrays keep their values. E_PERM, E_UNSUPPORTED. */
FALLIBLE map_prog_delete(struct map *m, const void *key);
/*
 * Queue, stack: MAP_ANY, or MAP_EXIST: a full one drops its oldest value; E_LIMIT: full. Bloom filter: MAP_ANY; add.
 * E_INVALID: other flags. E_PERM, E_UNSUPPORTED.
 */
FALLIBLE map_prog_push(struct map *m, const void *value, uint64_t flags);
/* The next value, taken out; E_NOT_FOUND: empty, and value becomes zeroes. E_PERM, E_UNSUPPORTED. */
FALLIBLE map_prog_pop(struct map *m, void *value);
/* Queue, stack: as pop, but it stays. Bloom filter: E_OK: value was perhaps pushed; E_NOT_FOUND: it was not. */
FALLIBLE map_prog_peek(struct map *m, void *value);

/* ---- what the host does ---- */

/* map_lookup_cpu on CPU 0. */
void *map_lookup(struct map *m, const void *key);
/*
 * Bytes of a value as the functions below have it: value_size; of a per-CPU kind map_cpus values, each rounded up to a
 * multiple of 8, as bpf(2) has them.
 */
size_t map_value_bytes(const struct map *m);
/* A copy of the value (of all CPUs). E_NOT_FOUND; E_INVALID: a prefix length out of range; E_UNSUPPORTED. */
FALLIBLE map_read(struct map *m, const void *key, void *value);
/* As the program's, with values of all CPUs; and E_PERM: the map is frozen. */
FALLIBLE map_update(struct map *m, const void *key, const void *value, uint64_t flags);
FALLIBLE map_delete(struct map *m, const void *key);
/* Read and delete in one step. Hashes only. */
FALLIBLE map_take(struct map *m, const void *key, void *value);
FALLIBLE map_push(struct map *m, const void *value, uint64_t flags);
FALLIBLE map_pop(struct map *m, void *value);
FALLIBLE map_peek(struct map *m, void *value);
/* From now on the host cannot change the map; programs can, unless it is PROG_MAP_RDONLY. */
void map_freeze(struct map *m);
bool map_is_frozen(const struct map *m);
/* Keys, or values of a queue or stack, that are in it; arrays: max_entries; bloom filters, rings, program
 * arrays: 0. O(1). */
uint32_t map_count(const struct map *m);

/*
 * Walk over all keys. {0} begins. A key that is there all the time comes exactly once; others come or not. Programs may
 * run meanwhile.
 */
struct map_cursor {
	uint32_t at;
};
enum { MAP_BATCH_LOOK = 4096 };
/*
 * Copy up to max keys (key_size bytes each) and values (map_value_bytes each; values may be NULL) from the cursor on.
 * Looks at no more than max + MAP_BATCH_LOOK places, so *ret_n may be 0 before the end; *ret_end: there is no more.
 * E_UNSUPPORTED: not an array, a hash, an LPM trie.
 */
FALLIBLE map_batch(struct map *m, struct map_cursor *c, void *keys, void *values, uint32_t max, uint32_t *ret_n,
		   bool *ret_end);
/* The next key (copied) and its value, in place, on this CPU; false: the end. For callbacks. O(places). */
bool map_each(struct map *m, struct map_cursor *c, uint32_t cpu, void *key, void **value);
/* n times map_update or map_delete; the first error ends it. *ret_done: how many went through (always written). */
FALLIBLE map_batch_update(struct map *m, const void *keys, const void *values, uint32_t n, uint64_t flags,
			  uint32_t *ret_done);
FALLIBLE map_batch_delete(struct map *m, const void *keys, uint32_t n, uint32_t *ret_done);

/* ---- for VM, compilers ---- */

/*
 * PROG_ARRAY: what stands under the index, of the VM's kind (vm.h: vm_prog_array_set), or NULL. Programs neither read
 * nor write it. E_INVALID: another kind of map, or no such index.
 */
FALLIBLE map_set_ref(struct map *m, uint32_t index, void *ref);
void *map_get_ref(const struct map *m, uint32_t index);

/*
 * Where all values live that programs may have pointers to, for bounds checks: every address in it is memory of this
 * map for as long as it lives. Kinds without such values: 0 bytes. writable: programs may write.
 */
void map_values(const struct map *m, uint8_t **base, size_t *bytes, bool *writable);
/*
 * Arrays, for code that computes the address of a value itself: index i < max_entries on CPU c < n_cpus is at
 * values + c * cpu_stride + i * stride. False: not an array whose values can be pointed to. Fixed for the map's life.
 */
struct map_shape {
	uint8_t *values;
	size_t stride, cpu_stride;
	uint32_t max_entries, n_cpus; /* n_cpus 1: not per CPU */
};
bool map_shape(const struct map *m, struct map_shape *out);

/* ---- ring buffers ---- */

/*
 * Bytes from program to host (RINGBUF), many producers and one consumer. A record has a header of 8 bytes: its
 * length, with the bits BUSY (not submitted yet) and DISCARD, as in Linux (BPF_RINGBUF_BUSY_BIT, _DISCARD_BIT).
 * A reserved record holds up those behind it until it is given back.
 */
enum {
	MAP_RING_NO_WAKEUP = 1 << 0,    /* BPF_RB_NO_WAKEUP */
	MAP_RING_FORCE_WAKEUP = 1 << 1, /* BPF_RB_FORCE_WAKEUP */
	MAP_RING_AVAIL = 0,             /* map_ring_query: bytes not consumed */
	MAP_RING_SIZE = 1,
	MAP_RING_CONSUMED = 2, /* position of the consumer */
	MAP_RING_PRODUCED = 3, /* position of the producers */
};
/* Room for `bytes`, aligned to 8, or NULL: no room now, or ever. The bytes are what was there before. */
void *map_ring_reserve(struct map *m, uint64_t bytes);
/* record: what map_ring_reserve of this map gave, once. flags: MAP_RING_*_WAKEUP; without: notify if the consumer waits
 * for just this record. */
void map_ring_submit(struct map *m, void *record, uint64_t flags);
void map_ring_discard(struct map *m, void *record, uint64_t flags);
/* Reserve, copy, submit. E_INVALID: flags. E_LIMIT: never fits; E_HOST: no room now. E_UNSUPPORTED. */
FALLIBLE map_ring_output(struct map *m, const void *data, uint64_t bytes, uint64_t flags);
/* 0 for what is no MAP_RING_... */
uint64_t map_ring_query(const struct map *m, uint64_t what);
/* The consumer: the oldest record if it was submitted; discarded ones are passed. It stays until map_ring_done. */
bool map_ring_next(struct map *m, struct view *out);
/* The record that map_ring_next gave is done with; its room is free. */
void map_ring_done(struct map *m);

/*
 * Bytes from host to program (USER_RINGBUF): the host's threads reserve, fill and submit with the three functions
 * above, a program drains. A sample goes to fn, which says whether to go on; then its room is free. One drain at a
 * time. *ret_n: samples given to fn. E_EXISTS: another drain is at work. E_UNSUPPORTED. At most MAP_DRAIN_MAX samples.
 */
enum { MAP_DRAIN_MAX = 128 << 10 };
typedef bool map_drain_fn(void *arg, const uint8_t *sample, uint32_t bytes);
FALLIBLE map_drain(struct map *m, map_drain_fn *fn, void *arg, uint64_t flags, uint32_t *ret_n);

/* ---- maps of maps ---- */

/*
 * What a program gets from looking up in an array or hash of maps is a reference: a number 1..n that map_inner_at
 * turns into the map. It names a place in the outer map's registry. The VM puts it beside the number of the outer map,
 * so that a forged reference names only a map that was put into an outer map of this program.
 *
 * Lifetime: the host may replace and delete inner maps while programs run. The outer map owns a reference to each, and
 * keeps what was replaced (its number, its memory) until map_quiesce. So a reference that a program got stays the
 * same map for as long as it runs.
 */
/* 0: none. O(1). */
uint32_t map_inner_lookup(struct map *outer, const void *key);
/* NULL: not a reference of this map. O(1). */
struct map *map_inner_at(const struct map *outer, uint32_t ref);
/* One inner map holds all of [addr, addr + bytes) among its values: it; else NULL. O(inner maps). */
struct map *map_inner_holding(const struct map *outer, uint64_t addr, uint64_t bytes);
/*
 * Put inner under the key, or with NULL delete the key. X110 E_INVALID: kind, key and value sizes, flags or (arrays)
 * entries are not def->inner's; E_PERM: frozen; E_NOT_FOUND; E_LIMIT: the outer map is full, or
 * max_entries + 8 maps wait for map_quiesce.
 */
FALLIBLE map_set_inner(struct map *outer, const void *key, struct map *inner, struct diag *d);
/* No program that could hold references of before runs any more: drop what was replaced. */
void map_quiesce(struct map *outer);

#endif
