/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maps: the memory that programs share with each other and with the host.
 *
 * All memory is taken at creation. Values live in one slab of their own, apart from keys and links,
 * so a program that strays inside the slab cannot break the map. A deleted hash value is not reused
 * for another key until the map's user says that no program runs (map_reclaim), so that a pointer a program
 * holds stays a value.
 *
 * Threads: one map belongs to one thread at a time.
 */
#ifndef SALLYPORT_ENGINE_MAPS_H
#define SALLYPORT_ENGINE_MAPS_H

#include "base/base.h"
#include "engine/prog/prog.h"

enum { MAP_MAX_BYTES = 64 << 20, MAP_ANY = 0, MAP_NOEXIST = 1, MAP_EXIST = 2 };

struct map;

/*
 * Create a map and fill it from def->init. E_UNSUPPORTED: a kind that this build does not have.
 * E_INVALID: sizes or flags that the kind does not allow. E_LIMIT: over MAP_MAX_BYTES. E_NOMEM.
 */
FALLIBLE map_new(const struct prog_map *def, struct map **out, struct diag *d);
void map_free(struct map *m);

const struct prog_map *map_def(const struct map *m);
/* The value under the key (key_size bytes), or NULL. O(1). */
void *map_lookup(struct map *m, const void *key);
/*
 * E_EXISTS, E_NOT_FOUND by flags; E_INVALID for an index or flags out of range. E_LIMIT: full; or no slot is left but
 * those of values deleted since map_reclaim (as many as max_entries, at most 64, are in reserve); or over 32 keys in
 * one bucket of a hash, which only keys chosen for it reach.
 */
FALLIBLE map_update(struct map *m, const void *key, const void *value, uint64_t flags);
FALLIBLE map_delete(struct map *m, const void *key);
/* Values deleted since the last call may be reused from now on. */
void map_reclaim(struct map *m);
/* Where all values live: for the VM's bounds checks. writable: programs may write. */
void map_values(const struct map *m, uint8_t **base, size_t *bytes, bool *writable);

#endif
