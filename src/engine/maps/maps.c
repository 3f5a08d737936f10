/* SPDX-License-Identifier: Apache-2.0 */
/* maps: creation with its limits, and the table of kinds. */
#include "engine/maps/impl.h"

static const struct map_ops *const kinds[] = { &map_array_ops, &map_hash_ops };

static const struct map_ops *ops_find(uint32_t kind)
{
	for (size_t i = 0; i < countof(kinds); i++)
		if (kinds[i]->kind == kind)
			return kinds[i];
	return NULL;
}

static FALLIBLE check_common(const struct prog_map *def, struct diag *d)
{
	if (!def->value_size || !def->max_entries)
		FAIL_ID(d, INVALID, 'X', 102, "map '%s': value size %u and %u entries: both must be at least 1",
			def->name, def->value_size, def->max_entries);
	if (def->flags & ~(uint32_t)PROG_MAP_RDONLY)
		FAIL_ID(d, INVALID, 'X', 104, "map '%s': flags 0x%x are not known", def->name,
			def->flags & ~(uint32_t)PROG_MAP_RDONLY);
	return E_OK;
}

/* All factors are at most 33 bits wide, and slots never over twice 32 bits: nothing overflows before the comparison. */
static FALLIBLE check_bytes(const struct map_ops *ops, const struct prog_map *def, uint64_t stride, struct diag *d)
{
	uint64_t slots = ops->slots(def);

	if (slots > MAP_MAX_BYTES || stride > MAP_MAX_BYTES || slots * stride > MAP_MAX_BYTES ||
	    slots * stride + ops->side_bytes(def) > MAP_MAX_BYTES)
		FAIL_ID(d, LIMIT, 'X', 105, "map '%s' needs more than %d MiB", def->name, MAP_MAX_BYTES >> 20);
	return E_OK;
}

static FALLIBLE fill(struct map *m, const struct prog_map *def)
{
	m->name = strdup(def->name ? def->name : "");
	m->values = calloc(m->n_slots, m->value_stride);
	if (!m->name || !m->values)
		return E_NOMEM;
	m->def.name = m->name;
	return m->ops->init ? m->ops->init(m, def) : E_OK;
}

FALLIBLE map_new(const struct prog_map *def, struct map **out, struct diag *d)
{
	const struct map_ops *ops = ops_find(def->kind);
	uint64_t stride = ((uint64_t)def->value_size + 7) & ~(uint64_t)7;
	struct map *m;
	enum err e;

	if (!ops)
		FAIL_ID(d, UNSUPPORTED, 'X', 101, "map '%s': kind %u is not supported", def->name, def->kind);
	TRY(check_common(def, d));
	TRY(ops->check(def, d));
	TRY(check_bytes(ops, def, stride, d));
	m = calloc(1, sizeof *m);
	if (!m)
		return E_NOMEM;
	m->def = *def;
	m->def.init = (struct view){ 0 };
	m->ops = ops;
	m->value_stride = (size_t)stride;
	m->n_slots = (size_t)ops->slots(def);
	e = fill(m, def);
	if (e != E_OK) {
		map_free(m);
		return e;
	}
	*out = m;
	return E_OK;
}

void map_free(struct map *m)
{
	if (!m)
		return;
	free(m->hash.bucket);
	free(m->hash.link);
	free(m->hash.keys);
	free(m->values);
	free(m->name);
	free(m);
}

const struct prog_map *map_def(const struct map *m)
{
	return &m->def;
}

void *map_lookup(struct map *m, const void *key)
{
	return m->ops->lookup(m, key);
}

FALLIBLE map_update(struct map *m, const void *key, const void *value, uint64_t flags)
{
	if (flags > MAP_EXIST)
		return E_INVALID;
	return m->ops->update(m, key, value, flags);
}

FALLIBLE map_delete(struct map *m, const void *key)
{
	return m->ops->del(m, key);
}

void map_reclaim(struct map *m)
{
	if (m->ops->reclaim)
		m->ops->reclaim(m);
}

void map_values(const struct map *m, uint8_t **base, size_t *bytes, bool *writable)
{
	*base = m->values;
	*bytes = (m->n_slots - 1) * m->value_stride + m->def.value_size;
	*writable = !(m->def.flags & PROG_MAP_RDONLY);
}
