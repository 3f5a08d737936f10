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

#define MAP_NO_SLOT UINT32_MAX

/* The rest of a hash element: its value stands at the same slot of the slab. */
struct map_link {
	uint32_t next; /* slot, or MAP_NO_SLOT */
	uint32_t hash;
};

struct map_hash {
	uint32_t *bucket;      /* first slot of each chain */
	struct map_link *link; /* one per slot */
	uint8_t *keys;         /* key_size each */
	uint64_t seed;
	uint32_t mask; /* buckets - 1 */
	uint32_t n;    /* keys in the map */
	uint32_t free; /* chain of slots that may be given out */
	uint32_t dead; /* chain of deleted slots, not before map_reclaim */
};

struct map {
	struct prog_map def; /* name is a copy, init is empty */
	const struct map_ops *ops;
	char *name;
	uint8_t *values;
	size_t value_stride; /* value_size rounded up to 8: values are aligned for 64-bit atomics */
	size_t n_slots;
	struct map_hash hash;
};

struct map_ops {
	uint32_t kind;
	/* Are sizes and flags what the kind allows? */
	enum err (*check)(const struct prog_map *def, struct diag *d);
	/* Value slots, and bytes besides the values, that the map needs. */
	uint64_t (*slots)(const struct prog_map *def);
	uint64_t (*side_bytes)(const struct prog_map *def);
	/* Allocate and fill what is besides the values; values are there and zero. May be NULL. */
	enum err (*init)(struct map *m, const struct prog_map *def);
	void *(*lookup)(struct map *m, const void *key);
	enum err (*update)(struct map *m, const void *key, const void *value, uint64_t flags);
	enum err (*del)(struct map *m, const void *key);
	void (*reclaim)(struct map *m); /* may be NULL */
};

extern const struct map_ops map_array_ops, map_hash_ops;

static inline uint8_t *map_value(const struct map *m, uint32_t slot)
{
	return m->values + (size_t)slot * m->value_stride;
}

#endif
