/* SPDX-License-Identifier: Apache-2.0 */
/* maps: creation with its limits, life, and the table of kinds. */
#include "engine/maps/impl.h"

static const struct map_ops *const kinds[] = {
	&map_array_ops,         &map_percpu_array_ops,    &map_hash_ops,       &map_percpu_hash_ops,
	&map_lru_hash_ops,      &map_lru_percpu_hash_ops, &map_lpm_ops,        &map_queue_ops,
	&map_stack_ops,         &map_bloom_ops,           &map_ring_ops,       &map_user_ring_ops,
	&map_array_of_maps_ops, &map_hash_of_maps_ops,    &map_prog_array_ops,
};

static const struct map_ops *ops_find(uint32_t kind)
{
	for (size_t i = 0; i < countof(kinds); i++)
		if (kinds[i]->kind == kind)
			return kinds[i];
	return NULL;
}

static bool is_ring(const struct map_ops *ops)
{
	return ops == &map_ring_ops || ops == &map_user_ring_ops;
}

static FALLIBLE check_common(const struct map_ops *ops, const struct prog_map *def, uint32_t n_cpus, struct diag *d)
{
	if ((!def->value_size && !is_ring(ops)) || !def->max_entries)
		FAIL_ID(d, INVALID, 'X', 102, "map '%s': value size %u and %u entries: both must be at least 1",
			def->name, def->value_size, def->max_entries);
	if (def->flags & ~ops->flags)
		FAIL_ID(d, INVALID, 'X', 104, "map '%s': flags 0x%x are not for this kind", def->name,
			def->flags & ~ops->flags);
	if (n_cpus > MAP_MAX_CPUS)
		FAIL_ID(d, INVALID, 'X', 108, "map '%s': %u CPUs; at most %d", def->name, n_cpus, MAP_MAX_CPUS);
	return ops->check(def, d);
}

/* From one CPU's values to the next's: cache lines of their own. */
static uint64_t cpu_stride(const struct map_ops *ops, uint64_t slots, uint64_t stride)
{
	return ops->per_cpu ? (slots * stride + 63) & ~UINT64_C(63) : slots * stride;
}

/* All factors are at most 33 bits wide, and slots never over twice 32 bits: nothing overflows before the comparison. */
static FALLIBLE check_bytes(const struct map_ops *ops, const struct prog_map *def, uint64_t stride, uint32_t n_cpus,
			    struct diag *d)
{
	uint64_t slots = ops->slots(def);

	if (slots > MAP_MAX_BYTES || stride > MAP_MAX_BYTES || slots * stride > MAP_MAX_BYTES ||
	    cpu_stride(ops, slots, stride) * n_cpus + ops->side_bytes(def) > MAP_MAX_BYTES)
		FAIL_ID(d, LIMIT, 'X', 105, "map '%s' needs more than %d MiB", def->name, MAP_MAX_BYTES >> 20);
	return E_OK;
}

static FALLIBLE fill(struct map *m, const struct prog_map *def)
{
	m->name = strdup(def->name ? def->name : "");
	if (m->n_slots)
		m->values = calloc(m->n_cpus, m->cpu_stride);
	if (!m->name || (m->n_slots && !m->values))
		return E_NOMEM;
	m->def.name = m->name;
	return m->ops->init ? m->ops->init(m, def) : E_OK;
}

FALLIBLE map_new_with(const struct prog_map *def, const struct map_opts *o, struct map **out, struct diag *d)
{
	const struct map_ops *ops = ops_find(def->kind);
	uint32_t n_cpus = ops && ops->per_cpu && o && o->n_cpus ? o->n_cpus : 1;
	uint64_t stride = ((uint64_t)def->value_size + 7) & ~(uint64_t)7;
	struct map *m;
	enum err e;

	if (!ops)
		FAIL_ID(d, UNSUPPORTED, 'X', 101, "map '%s': kind %u is not supported", def->name, def->kind);
	TRY(check_common(ops, def, n_cpus, d));
	TRY(check_bytes(ops, def, stride, n_cpus, d));
	m = calloc(1, sizeof *m);
	if (!m)
		return E_NOMEM;
	m->def = *def;
	m->def.init = (struct view){ 0 };
	m->def.inner = NULL;
	m->def.inner_maps = NULL;
	m->def.n_inner_maps = 0;
	m->ops = ops;
	m->opts = o ? *o : (struct map_opts){ 0 };
	atomic_init(&m->refs, 1);
	m->value_stride = (size_t)stride;
	m->n_slots = (size_t)ops->slots(def);
	m->cpu_stride = (size_t)cpu_stride(ops, m->n_slots, stride);
	m->n_cpus = n_cpus;
	e = fill(m, def);
	if (e != E_OK) {
		map_free(m);
		return e;
	}
	*out = m;
	return E_OK;
}

FALLIBLE map_new(const struct prog_map *def, struct map **out, struct diag *d)
{
	return map_new_with(def, NULL, out, d);
}

struct map *map_ref(struct map *m)
{
	atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
	return m;
}

void map_free(struct map *m)
{
	if (!m || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (m->ops->done)
		m->ops->done(m);
	free(m->values);
	free(m->name);
	free(m);
}

const struct prog_map *map_def(const struct map *m)
{
	return &m->def;
}

uint32_t map_cpus(const struct map *m)
{
	return m->n_cpus;
}

size_t map_bytes(const struct map *m)
{
	return m->n_cpus * m->cpu_stride + (size_t)m->ops->side_bytes(&m->def);
}

void map_values(const struct map *m, uint8_t **base, size_t *bytes, bool *writable)
{
	*writable = !(m->def.flags & PROG_MAP_RDONLY);
	*base = m->values;
	*bytes = 0;
	if (m->ops->pointed_to)
		*bytes = (m->n_cpus - 1) * m->cpu_stride + (m->n_slots - 1) * m->value_stride + m->def.value_size;
}

bool map_shape(const struct map *m, struct map_shape *out)
{
	if (m->ops != &map_array_ops && m->ops != &map_percpu_array_ops)
		return false;
	*out = (struct map_shape){ .values = m->values,
				   .stride = m->value_stride,
				   .cpu_stride = m->cpu_stride,
				   .max_entries = m->def.max_entries,
				   .n_cpus = m->n_cpus };
	return true;
}
