/* SPDX-License-Identifier: Apache-2.0 */
/*
 * array: a value for every index below max_entries, from the start and for ever; of one CPU or of each.
 *
 * A lookup is an address. An update is one store for those who read by copy: a few locks are shared out over
 * the indexes.
 */
#include "engine/maps/impl.h"

static FALLIBLE array_check(const struct prog_map *def, struct diag *d)
{
	if (def->key_size != 4)
		FAIL_ID(d, INVALID, 'X', 103, "map '%s': an array's key has 4 bytes, not %u", def->name, def->key_size);
	if (def->init.len > def->value_size)
		FAIL_ID(d, INVALID, 'X', 106, "map '%s': %zu bytes of contents for a value of %u", def->name,
			def->init.len, def->value_size);
	return E_OK;
}

static FALLIBLE percpu_array_check(const struct prog_map *def, struct diag *d)
{
	if (def->init.len)
		FAIL_ID(d, INVALID, 'X', 106, "map '%s': a per-CPU array cannot have initial contents", def->name);
	return array_check(def, d);
}

uint64_t map_array_slots(const struct prog_map *def)
{
	return def->max_entries;
}

static uint32_t n_locks(const struct prog_map *def)
{
	uint32_t n = 1;

	while (n < ARRAY_LOCKS && n < def->max_entries)
		n *= 2;
	return n;
}

uint64_t map_array_side_bytes(const struct prog_map *def)
{
	return n_locks(def) * sizeof(seq_word);
}

FALLIBLE map_array_init(struct map *m, const struct prog_map *def)
{
	m->array.mask = n_locks(def) - 1;
	m->array.locks = calloc(n_locks(def), sizeof *m->array.locks);
	if (!m->array.locks)
		return E_NOMEM;
	if (def->init.len)
		memcpy(m->values, def->init.p, def->init.len);
	return E_OK;
}

void map_array_done(struct map *m)
{
	free(m->array.locks);
}

static bool index_of(const struct map *m, const void *key, uint32_t *out)
{
	memcpy(out, key, sizeof *out);
	return *out < m->def.max_entries;
}

static void *array_lookup(struct map *m, const void *key, uint32_t cpu)
{
	uint32_t i;

	return index_of(m, key, &i) ? map_value(m, i, cpu) : NULL;
}

static void read_slot(struct map *m, uint32_t i, void *value)
{
	seq_word *lock = &m->array.locks[i & m->array.mask];
	uint32_t version;

	for (unsigned tries = 0; tries < SEQ_TRIES; tries++, seq_pause(tries)) {
		if (!seq_begin(lock, &version))
			continue;
		map_value_load(m, i, value);
		if (seq_same(lock, version))
			return;
	}
	seq_lock(lock);
	map_value_load(m, i, value);
	seq_unlock(lock);
}

FALLIBLE map_array_read(struct map *m, const void *key, void *value)
{
	uint32_t i;

	if (!index_of(m, key, &i))
		return E_NOT_FOUND;
	read_slot(m, i, value);
	return E_OK;
}

FALLIBLE map_array_update(struct map *m, const void *key, const void *value, uint64_t flags, uint32_t cpu)
{
	seq_word *lock;
	uint32_t i;

	if (!index_of(m, key, &i))
		return E_INVALID;
	if (flags == MAP_NOEXIST)
		return E_EXISTS;
	lock = &m->array.locks[i & m->array.mask];
	seq_lock(lock);
	map_value_store(m, i, value, cpu, false);
	seq_unlock(lock);
	return E_OK;
}

static FALLIBLE array_delete(struct map *m, const void *key)
{
	(void)m;
	(void)key;
	return E_INVALID;
}

uint32_t map_array_count(const struct map *m)
{
	return m->def.max_entries;
}

bool map_array_at(struct map *m, uint32_t slot, void *key, void *value)
{
	memcpy(key, &slot, sizeof slot);
	if (value)
		read_slot(m, slot, value);
	return true;
}

#define ARRAY_OPS                                                                                                 \
	.pointed_to = true, .slots = map_array_slots, .side_bytes = map_array_side_bytes, .init = map_array_init, \
	.done = map_array_done, .lookup = array_lookup, .read = map_array_read, .update = map_array_update,       \
	.del = array_delete, .count = map_array_count, .end = map_array_count, .at = map_array_at

const struct map_ops map_array_ops = {
	.kind = PROG_MAP_ARRAY,
	.flags = PROG_MAP_RDONLY | PROG_MAP_MMAPABLE | PROG_MAP_INNER,
	.check = array_check,
	ARRAY_OPS,
};

const struct map_ops map_percpu_array_ops = {
	.kind = PROG_MAP_PERCPU_ARRAY,
	.flags = PROG_MAP_RDONLY,
	.per_cpu = true,
	.check = percpu_array_check,
	ARRAY_OPS,
};
