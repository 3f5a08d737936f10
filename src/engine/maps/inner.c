/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inner: arrays and hashes of maps.
 *
 * The outer map is an array or a hash of references, which programs never see as memory; a reference is a place in the
 * registry, which has the map. A place whose map was replaced is not given out again before map_quiesce.
 */
#include "engine/maps/impl.h"

enum { SPARE_PLACES = 8 };

/* ---- which maps go in ---- */

static bool is_array(uint32_t kind)
{
	return kind == PROG_MAP_ARRAY || kind == PROG_MAP_PERCPU_ARRAY;
}

static bool is_outer(uint32_t kind)
{
	return kind == PROG_MAP_ARRAY_OF_MAPS || kind == PROG_MAP_HASH_OF_MAPS;
}

/* kernel/bpf/map_in_map.c:bpf_map_meta_equal, arraymap.c:array_map_meta_equal, ringbuf; v6.12. */
static const char *difference(const struct prog_map *shape, const struct prog_map *def)
{
	bool fixed_entries = is_array(def->kind) && !(shape->flags & PROG_MAP_INNER);

	if (def->kind != shape->kind)
		return "kind";
	if (def->key_size != shape->key_size)
		return "key size";
	if (def->value_size != shape->value_size)
		return "value size";
	if (def->flags != shape->flags)
		return "flags";
	if (fixed_entries && def->max_entries != shape->max_entries)
		return "number of entries";
	return NULL;
}

static FALLIBLE outer_check(const struct prog_map *def, struct diag *d)
{
	if (def->value_size != 4)
		FAIL_ID(d, INVALID, 'X', 107, "map '%s': the value of a map of maps has 4 bytes, not %u", def->name,
			def->value_size);
	if (def->max_entries > MAP_MAX_OUTER)
		FAIL_ID(d, LIMIT, 'X', 105, "map '%s': at most %d inner maps", def->name, MAP_MAX_OUTER);
	if (def->init.len)
		FAIL_ID(d, INVALID, 'X', 106, "map '%s': a map of maps cannot have initial contents", def->name);
	if (!def->inner)
		FAIL_ID(d, INVALID, 'X', 110, "map '%s': nothing says what its inner maps look like", def->name);
	if (is_outer(def->inner->kind) || def->inner->kind == PROG_MAP_PROG_ARRAY)
		FAIL_ID(d, INVALID, 'X', 110, "map '%s': a map of kind %u cannot be an inner map", def->name,
			def->inner->kind);
	return E_OK;
}

static FALLIBLE array_check(const struct prog_map *def, struct diag *d)
{
	if (def->key_size != 4)
		FAIL_ID(d, INVALID, 'X', 103, "map '%s': an array's key has 4 bytes, not %u", def->name, def->key_size);
	return outer_check(def, d);
}

static FALLIBLE hash_check(const struct prog_map *def, struct diag *d)
{
	TRY(map_hash_check(def, d));
	return outer_check(def, d);
}

/* ---- life ---- */

static uint64_t n_places(const struct prog_map *def)
{
	return 2ull * def->max_entries + SPARE_PLACES;
}

static uint64_t places_bytes(const struct prog_map *def)
{
	return n_places(def) * (sizeof(struct map *) + 2 * sizeof(uint32_t));
}

static uint64_t array_side_bytes(const struct prog_map *def)
{
	return map_array_side_bytes(def) + places_bytes(def);
}

static uint64_t hash_side_bytes(const struct prog_map *def)
{
	return map_hash_side_bytes(def) + places_bytes(def);
}

static FALLIBLE places_init(struct map *m, const struct prog_map *def)
{
	struct map_inner *in = calloc(1, sizeof *in);

	m->inner = in;
	if (!in)
		return E_NOMEM;
	in->shape = *def->inner;
	in->shape.name = "";
	in->shape.init = (struct view){ 0 };
	in->shape.inner = NULL;
	in->shape.inner_maps = NULL;
	in->shape.n_inner_maps = 0;
	m->def.inner = &in->shape;
	in->n = (uint32_t)n_places(def);
	in->maps = calloc(in->n, sizeof *in->maps);
	in->free = calloc(in->n, sizeof *in->free);
	in->retired = calloc(in->n, sizeof *in->retired);
	return in->maps && in->free && in->retired ? E_OK : E_NOMEM;
}

static FALLIBLE array_init(struct map *m, const struct prog_map *def)
{
	TRY(map_array_init(m, def));
	return places_init(m, def);
}

static FALLIBLE hash_init(struct map *m, const struct prog_map *def)
{
	TRY(map_hash_init(m, def));
	return places_init(m, def);
}

static void places_done(struct map_inner *in)
{
	if (!in)
		return;
	for (uint32_t i = 0; in->maps && i < get32(&in->fresh); i++)
		map_free(in->maps[i]);
	free(in->maps);
	free(in->free);
	free(in->retired);
	free(in);
}

static void array_done(struct map *m)
{
	map_array_done(m);
	places_done(m->inner);
}

static void hash_done(struct map *m)
{
	map_hash_done(m);
	places_done(m->inner);
}

/* ---- looking ---- */

uint32_t map_inner_lookup(struct map *outer, const void *key)
{
	uint32_t ref = 0;

	if (!outer->inner || outer->ops->read(outer, key, &ref) != E_OK)
		return 0;
	return ref;
}

struct map *map_inner_at(const struct map *outer, uint32_t ref)
{
	if (!outer->inner || ref - 1 >= outer->inner->n)
		return NULL;
	return atomic_load_explicit(&outer->inner->maps[ref - 1], memory_order_acquire);
}

struct map *map_inner_holding(const struct map *outer, uint64_t addr, uint64_t bytes)
{
	uint32_t n = outer->inner ? get32(&outer->inner->fresh) : 0;

	for (uint32_t i = 0; i < n; i++) {
		struct map *m = map_inner_at(outer, i + 1);
		uint8_t *base;
		size_t all;
		bool writable;

		if (!m)
			continue;
		map_values(m, &base, &all, &writable);
		if (addr - (uint64_t)(uintptr_t)base <= all && bytes <= all - (addr - (uint64_t)(uintptr_t)base))
			return m;
	}
	return NULL;
}

/* ---- changing, under the registry's lock ---- */

/* A reference to a place with this map; 0: all are taken. */
static uint32_t place_new(struct map_inner *in, struct map *m)
{
	uint32_t at;

	if (in->n_free)
		at = in->free[--in->n_free];
	else if (get32(&in->fresh) < in->n)
		at = get32(&in->fresh);
	else
		return 0;
	atomic_store_explicit(&in->maps[at], map_ref(m), memory_order_release);
	if (at == get32(&in->fresh))
		put32(&in->fresh, at + 1);
	return at + 1;
}

/* The place becomes free; its map loses an owner. */
static void place_free(struct map_inner *in, uint32_t at)
{
	struct map *m = atomic_exchange_explicit(&in->maps[at], NULL, memory_order_acq_rel);

	in->free[in->n_free++] = at;
	map_free(m);
}

static FALLIBLE replace(struct map *outer, const void *key, struct map *inner)
{
	struct map_inner *in = outer->inner;
	uint32_t old = map_inner_lookup(outer, key), ref;
	enum err e;

	ref = place_new(in, inner);
	if (!ref)
		return E_LIMIT;
	e = outer->ops->update(outer, key, &ref, MAP_ANY, 0);
	if (e != E_OK)
		place_free(in, ref - 1);
	else if (old)
		in->retired[in->n_retired++] = old - 1;
	return e;
}

static FALLIBLE take_out(struct map *outer, const void *key)
{
	static const uint32_t none;
	struct map_inner *in = outer->inner;
	uint32_t old = map_inner_lookup(outer, key);

	if (!old)
		return E_NOT_FOUND;
	if (outer->ops == &map_hash_of_maps_ops)
		TRY(map_hash_del(outer, key));
	else
		TRY(map_array_update(outer, key, &none, MAP_ANY, 0));
	in->retired[in->n_retired++] = old - 1;
	return E_OK;
}

FALLIBLE map_set_inner(struct map *outer, const void *key, struct map *inner, struct diag *d)
{
	const char *what;
	enum err e;

	if (!outer->inner)
		return E_UNSUPPORTED;
	if (map_is_frozen(outer))
		return E_PERM;
	what = inner ? difference(&outer->inner->shape, &inner->def) : NULL;
	if (what)
		FAIL_ID(d, INVALID, 'X', 110, "map '%s' does not go into '%s': another %s", inner->def.name,
			outer->def.name, what);
	seq_lock(&outer->inner->lock);
	e = inner ? replace(outer, key, inner) : take_out(outer, key);
	seq_unlock(&outer->inner->lock);
	return e;
}

void map_quiesce(struct map *outer)
{
	struct map_inner *in = outer->inner;

	if (!in)
		return;
	seq_lock(&in->lock);
	while (in->n_retired)
		place_free(in, in->retired[--in->n_retired]);
	seq_unlock(&in->lock);
}

static uint32_t array_of_maps_count(const struct map *m)
{
	return m->def.max_entries;
}

const struct map_ops map_array_of_maps_ops = {
	.kind = PROG_MAP_ARRAY_OF_MAPS,
	.check = array_check,
	.slots = map_array_slots,
	.side_bytes = array_side_bytes,
	.init = array_init,
	.done = array_done,
	.read = map_array_read,
	.update = map_array_update,
	.count = array_of_maps_count,
	.end = map_array_count,
	.at = map_array_at,
};

const struct map_ops map_hash_of_maps_ops = {
	.kind = PROG_MAP_HASH_OF_MAPS,
	.flags = PROG_MAP_NO_PREALLOC,
	.check = hash_check,
	.slots = map_hash_slots,
	.side_bytes = hash_side_bytes,
	.init = hash_init,
	.done = hash_done,
	.read = map_hash_read,
	.update = map_hash_update,
	.count = map_hash_count,
	.end = map_hash_end,
	.at = map_hash_at,
};
