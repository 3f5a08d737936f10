/* SPDX-License-Identifier: Apache-2.0 */
/*
 * use: operations on any kind of map: who may, and has the kind it.
 *
 * Programs may not write what is PROG_MAP_RDONLY; the host may not write what is frozen.
 */
#include "engine/maps/impl.h"

/* The CPU whose value is meant; false: the map has no such. */
static bool cpu_of(const struct map *m, uint32_t *cpu)
{
	if (!m->ops->per_cpu)
		*cpu = 0;
	return *cpu < m->n_cpus;
}

static enum err program_may(const struct map *m)
{
	return m->def.flags & PROG_MAP_RDONLY ? E_PERM : E_OK;
}

static enum err host_may(const struct map *m)
{
	return map_is_frozen(m) ? E_PERM : E_OK;
}

void *map_lookup_cpu(struct map *m, const void *key, uint32_t cpu)
{
	return m->ops->lookup && cpu_of(m, &cpu) ? m->ops->lookup(m, key, cpu) : NULL;
}

void *map_lookup(struct map *m, const void *key)
{
	return map_lookup_cpu(m, key, 0);
}

FALLIBLE map_prog_update(struct map *m, const void *key, const void *value, uint64_t flags, uint32_t cpu)
{
	if (!m->ops->update || m->inner)
		return E_UNSUPPORTED;
	TRY(program_may(m));
	if (flags > MAP_EXIST || !cpu_of(m, &cpu))
		return E_INVALID;
	return m->ops->update(m, key, value, flags, cpu);
}

FALLIBLE map_prog_delete(struct map *m, const void *key)
{
	if (!m->ops->del)
		return E_UNSUPPORTED;
	TRY(program_may(m));
	return m->ops->del(m, key);
}

static FALLIBLE push(struct map *m, const void *value, uint64_t flags)
{
	return m->ops->push ? m->ops->push(m, value, flags) : E_UNSUPPORTED;
}

static FALLIBLE pop(struct map *m, void *value)
{
	return m->ops->pop ? m->ops->pop(m, value) : E_UNSUPPORTED;
}

FALLIBLE map_prog_push(struct map *m, const void *value, uint64_t flags)
{
	TRY(program_may(m));
	return push(m, value, flags);
}

FALLIBLE map_prog_pop(struct map *m, void *value)
{
	TRY(program_may(m));
	return pop(m, value);
}

FALLIBLE map_prog_peek(struct map *m, void *value)
{
	return map_peek(m, value);
}

/* ---- the host ---- */

size_t map_value_bytes(const struct map *m)
{
	return m->ops->per_cpu ? m->n_cpus * m->value_stride : m->def.value_size;
}

FALLIBLE map_read(struct map *m, const void *key, void *value)
{
	return m->ops->read ? m->ops->read(m, key, value) : E_UNSUPPORTED;
}

FALLIBLE map_update(struct map *m, const void *key, const void *value, uint64_t flags)
{
	if (!m->ops->update || m->inner)
		return E_UNSUPPORTED;
	TRY(host_may(m));
	if (flags > MAP_EXIST)
		return E_INVALID;
	return m->ops->update(m, key, value, flags, MAP_ALL_CPUS);
}

FALLIBLE map_delete(struct map *m, const void *key)
{
	if (!m->ops->del)
		return E_UNSUPPORTED;
	TRY(host_may(m));
	return m->ops->del(m, key);
}

FALLIBLE map_take(struct map *m, const void *key, void *value)
{
	if (!m->ops->take)
		return E_UNSUPPORTED;
	TRY(host_may(m));
	return m->ops->take(m, key, value);
}

FALLIBLE map_push(struct map *m, const void *value, uint64_t flags)
{
	TRY(host_may(m));
	return push(m, value, flags);
}

FALLIBLE map_pop(struct map *m, void *value)
{
	TRY(host_may(m));
	return pop(m, value);
}

FALLIBLE map_peek(struct map *m, void *value)
{
	return m->ops->peek ? m->ops->peek(m, value) : E_UNSUPPORTED;
}

void map_freeze(struct map *m)
{
	atomic_store(&m->frozen, true);
}

bool map_is_frozen(const struct map *m)
{
	return atomic_load_explicit(&m->frozen, memory_order_acquire);
}

uint32_t map_count(const struct map *m)
{
	return m->ops->count ? m->ops->count(m) : 0;
}

/* ---- many at once ---- */

FALLIBLE map_batch(struct map *m, struct map_cursor *c, void *keys, void *values, uint32_t max, uint32_t *ret_n,
		   bool *ret_end)
{
	uint8_t *key = keys, *value = values;
	uint32_t n = 0;

	if (!m->ops->at)
		return E_UNSUPPORTED;
	for (uint64_t looks = (uint64_t)max + MAP_BATCH_LOOK; looks && n < max && c->at < m->ops->end(m); looks--) {
		if (!m->ops->at(m, c->at++, key, value))
			continue;
		n++;
		key += m->def.key_size;
		if (value)
			value += map_value_bytes(m);
	}
	*ret_n = n;
	*ret_end = c->at >= m->ops->end(m);
	return E_OK;
}

bool map_each(struct map *m, struct map_cursor *c, uint32_t cpu, void *key, void **value)
{
	if (!m->ops->at || !m->ops->pointed_to || !cpu_of(m, &cpu))
		return false;
	while (c->at < m->ops->end(m)) {
		uint32_t slot = c->at++;

		if (!m->ops->at(m, slot, key, NULL))
			continue;
		*value = map_value(m, slot, cpu);
		return true;
	}
	return false;
}

FALLIBLE map_batch_update(struct map *m, const void *keys, const void *values, uint32_t n, uint64_t flags,
			  uint32_t *ret_done)
{
	const uint8_t *key = keys, *value = values;

	for (*ret_done = 0; *ret_done < n; ++*ret_done, key += m->def.key_size, value += map_value_bytes(m))
		TRY(map_update(m, key, value, flags));
	return E_OK;
}

FALLIBLE map_batch_delete(struct map *m, const void *keys, uint32_t n, uint32_t *ret_done)
{
	const uint8_t *key = keys;

	for (*ret_done = 0; *ret_done < n; ++*ret_done, key += m->def.key_size)
		TRY(map_delete(m, key));
	return E_OK;
}
