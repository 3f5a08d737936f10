/* SPDX-License-Identifier: Apache-2.0 */
/*
 * impl: what the kinds of map share inside this module.
 *
 * A kind is one row of operations in maps.c. Each kind says how many value slots it wants and what else it allocates;
 * the slab of values is allocated, and bounded, in one place for all.
 */
#ifndef SALLYPORT_ENGINE_MAPS_IMPL_H
#define SALLYPORT_ENGINE_MAPS_IMPL_H

#include "engine/maps/maps.h"
#include "engine/maps/sync.h"

/* cpu of the host's operations: value holds those of all CPUs. */
#define MAP_ALL_CPUS UINT32_MAX

/* ---- what each kind keeps beside the values ---- */

enum { ARRAY_LOCKS = 64 };
struct map_array {
	seq_word *locks; /* of the slots with the same number modulo n_locks */
	uint32_t mask;
};

struct map_bucket {
	seq_word seq;
	_Atomic uint32_t first; /* slot + 1, or 0 */
};

/* The rest of a hash element: its value stands at the same slot of the slab. Written under its bucket's lock. */
struct map_node {
	_Atomic uint32_t next; /* slot + 1, or 0: in its bucket's chain, or in the stack of free slots */
	_Atomic uint32_t hash;
	_Atomic uint32_t live;  /* in a chain */
	_Atomic uint32_t used;  /* LRU: looked up or updated since the hand passed */
	_Atomic uint64_t key[]; /* zeroes after the last byte */
};

struct map_hash {
	struct map_bucket *bucket;
	uint8_t *nodes;             /* struct map_node, node_bytes apart */
	uint32_t node_bytes, words; /* words of a key */
	uint64_t seed;
	uint32_t mask; /* buckets - 1 */
	bool lru;
	_Atomic uint32_t n;     /* keys in the map */
	_Atomic uint32_t fresh; /* slots from this one on were never used */
	_Atomic uint32_t hand;  /* LRU: where the search for a slot to take goes on */
	_Atomic uint64_t free;  /* stack of free slots: slot + 1, or 0, below a count of changes */
};

/* A node of the trie, with a value or (owner 0) only to branch. Written under the map's lock. */
struct map_branch {
	_Atomic uint32_t child[2]; /* node + 1, or 0 */
	_Atomic uint32_t bits;     /* length of the prefix */
	_Atomic uint32_t value;    /* slot + 1, or 0 */
	_Atomic uint64_t data[];   /* words of the prefix, the first bit the highest */
};

struct map_lpm {
	seq_word seq;
	uint32_t max_bits, words, node_bytes;
	uint8_t *nodes;          /* struct map_branch */
	_Atomic uint32_t *owner; /* by value slot: node + 1, or 0 */
	_Atomic uint32_t root, n;
	_Atomic uint32_t fresh_values;                 /* and of those below it, the free ones in owner_free */
	uint32_t fresh_nodes, free_nodes, free_values; /* chains through child[0] and next_value; + 1, or 0 */
	uint32_t *next_value;
};

struct map_queue {
	seq_word seq;
	_Atomic uint32_t tail, n; /* the oldest; how many */
};

struct map_bloom {
	_Atomic uint64_t *words;
	uint64_t mask; /* bits - 1 */
	uint32_t n_hashes;
	uint64_t seed;
};

struct map_ring {
	uint8_t *data; /* twice the size: a record goes on behind the end instead of at the beginning */
	uint64_t mask;
	seq_word reserve;
	_Atomic uint32_t draining;
	_Alignas(64) _Atomic uint64_t consumed;
	_Alignas(64) _Atomic uint64_t produced;
};

struct map_inner {
	struct prog_map shape;
	seq_word lock;               /* of everything below but reading `maps` */
	_Atomic(struct map *) *maps; /* by reference - 1 */
	uint32_t n;                  /* places */
	_Atomic uint32_t fresh;      /* places from this one on were never used */
	uint32_t *free, *retired;    /* stacks of places */
	uint32_t n_free, n_retired;
};

struct map {
	struct prog_map def; /* name is a copy, init is empty */
	const struct map_ops *ops;
	char *name;
	_Atomic uint32_t refs;
	_Atomic bool frozen;
	uint8_t *values;
	size_t value_stride; /* value_size rounded up to 8: values are aligned for 64-bit atomics */
	size_t cpu_stride;   /* from one CPU's values to the next's */
	uint32_t n_cpus;     /* 1 for kinds that are not per CPU */
	size_t n_slots;
	struct map_opts opts;
	union {
		struct map_array array;
		struct map_hash hash;
		struct map_lpm lpm;
		struct map_queue queue;
		struct map_bloom bloom;
		struct map_ring *ring;
		_Atomic(void *) *programs; /* PROG_ARRAY */
	};
	struct map_inner *inner; /* ARRAY_OF_MAPS, HASH_OF_MAPS: beside array and hash, whose values are references */
};

/* What is NULL the kind does not have. Arguments are checked as far as all kinds have them in common. */
struct map_ops {
	uint32_t kind;
	uint32_t flags; /* that the kind takes */
	bool per_cpu;
	bool pointed_to; /* programs may have pointers to values */
	/* Are sizes what the kind allows? */
	enum err (*check)(const struct prog_map *def, struct diag *d);
	/* Value slots, and bytes besides the values, that the map needs. */
	uint64_t (*slots)(const struct prog_map *def);
	uint64_t (*side_bytes)(const struct prog_map *def);
	/* Allocate and fill what is besides the values; values are there and zero. */
	enum err (*init)(struct map *m, const struct prog_map *def);
	void (*done)(struct map *m);
	void *(*lookup)(struct map *m, const void *key, uint32_t cpu);
	enum err (*read)(struct map *m, const void *key, void *value);
	enum err (*update)(struct map *m, const void *key, const void *value, uint64_t flags, uint32_t cpu);
	enum err (*del)(struct map *m, const void *key);
	enum err (*take)(struct map *m, const void *key, void *value);
	enum err (*push)(struct map *m, const void *value, uint64_t flags);
	enum err (*pop)(struct map *m, void *value);
	enum err (*peek)(struct map *m, void *value);
	uint32_t (*count)(const struct map *m);
	/* Slots from 0 to this one may hold an element; copy it (value may be NULL), or false. */
	uint32_t (*end)(const struct map *m);
	bool (*at)(struct map *m, uint32_t slot, void *key, void *value);
};

extern const struct map_ops map_array_ops, map_percpu_array_ops;
extern const struct map_ops map_hash_ops, map_percpu_hash_ops, map_lru_hash_ops, map_lru_percpu_hash_ops;
extern const struct map_ops map_lpm_ops, map_queue_ops, map_stack_ops, map_bloom_ops, map_ring_ops, map_user_ring_ops;
extern const struct map_ops map_array_of_maps_ops, map_hash_of_maps_ops, map_prog_array_ops;

/* Of arrays and hashes, for maps of maps too. */
uint64_t map_array_slots(const struct prog_map *def);
uint64_t map_array_side_bytes(const struct prog_map *def);
FALLIBLE map_array_init(struct map *m, const struct prog_map *def);
void map_array_done(struct map *m);
FALLIBLE map_array_read(struct map *m, const void *key, void *value);
FALLIBLE map_array_update(struct map *m, const void *key, const void *value, uint64_t flags, uint32_t cpu);
uint32_t map_array_count(const struct map *m);
bool map_array_at(struct map *m, uint32_t slot, void *key, void *value);
FALLIBLE map_hash_check(const struct prog_map *def, struct diag *d);
uint64_t map_hash_slots(const struct prog_map *def);
uint64_t map_hash_side_bytes(const struct prog_map *def);
FALLIBLE map_hash_init(struct map *m, const struct prog_map *def);
void map_hash_done(struct map *m);
FALLIBLE map_hash_read(struct map *m, const void *key, void *value);
FALLIBLE map_hash_update(struct map *m, const void *key, const void *value, uint64_t flags, uint32_t cpu);
FALLIBLE map_hash_del(struct map *m, const void *key);
uint32_t map_hash_count(const struct map *m);
uint32_t map_hash_end(const struct map *m);
bool map_hash_at(struct map *m, uint32_t slot, void *key, void *value);
/* Hash of a key's words; for the bloom filter too. */
uint64_t map_hash_words(const uint64_t *w, uint32_t n, uint64_t seed);

/* A slot (+ 1) for a new key of an LRU hash: a free one, or one whose key goes. 0: other threads hold all that could
 * go. */
uint32_t map_lru_slot(struct map *m);
/* Out of its chain, if it is in one; by its slot. Takes the bucket's lock. */
bool map_hash_unlink(struct map_hash *h, uint32_t slot);
/* A slot (+ 1) that nobody uses, or 0. */
uint32_t map_hash_slot_new(struct map *m);

/* How kinds that have no key, or no value, check that. */
FALLIBLE map_check_no_key(const struct prog_map *def, struct diag *d);

static inline uint8_t *map_value(const struct map *m, uint32_t slot, uint32_t cpu)
{
	return m->values + cpu * m->cpu_stride + slot * m->value_stride;
}

/* Store what an operation was given; `fresh`: the element is new. Under the element's lock. */
static inline void map_value_store(struct map *m, uint32_t slot, const uint8_t *value, uint32_t cpu, bool fresh)
{
	for (uint32_t c = 0; c < m->n_cpus; c++) {
		if (cpu == MAP_ALL_CPUS)
			words_store(map_value(m, slot, c), value + c * m->value_stride, m->def.value_size);
		else if (c == cpu)
			words_store(map_value(m, slot, c), value, m->def.value_size);
		else if (fresh)
			words_zero(map_value(m, slot, c), m->def.value_size);
	}
}

/* The values of all CPUs; the padding of each is zero. */
static inline void map_value_load(const struct map *m, uint32_t slot, uint8_t *out)
{
	for (uint32_t c = 0; c < m->n_cpus; c++, out += m->value_stride) {
		if (m->ops->per_cpu)
			memset(out + m->value_stride - 8, 0, 8);
		words_load(out, map_value(m, slot, c), m->def.value_size);
	}
}

#endif
