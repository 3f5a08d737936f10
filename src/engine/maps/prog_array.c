/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prog_array: the host's references under indexes, for tail calls. Programs can neither read nor write it: what stands
 * there are addresses. An entry is set and read whole, by any thread at any time.
 */
#include "engine/maps/impl.h"

static FALLIBLE programs_check(const struct prog_map *def, struct diag *d)
{
	if (def->key_size != 4 || def->value_size != 4)
		FAIL_ID(d, INVALID, 'X', 103,
			"map '%s': keys and values of a program array have 4 bytes, not %u and %u", def->name,
			def->key_size, def->value_size);
	if (def->init.len)
		FAIL_ID(d, INVALID, 'X', 106, "map '%s': a program array cannot have initial contents", def->name);
	return E_OK;
}

static uint64_t programs_slots(const struct prog_map *def)
{
	(void)def;
	return 0;
}

static uint64_t programs_bytes(const struct prog_map *def)
{
	return (uint64_t)def->max_entries * sizeof(void *);
}

static FALLIBLE programs_init(struct map *m, const struct prog_map *def)
{
	m->programs = calloc(def->max_entries, sizeof *m->programs);
	return m->programs ? E_OK : E_NOMEM;
}

static void programs_done(struct map *m)
{
	free((void *)m->programs);
}

const struct map_ops map_prog_array_ops = {
	.kind = PROG_MAP_PROG_ARRAY,
	.check = programs_check,
	.slots = programs_slots,
	.side_bytes = programs_bytes,
	.init = programs_init,
	.done = programs_done,
};

FALLIBLE map_set_ref(struct map *m, uint32_t index, void *ref)
{
	if (m->ops != &map_prog_array_ops || index >= m->def.max_entries)
		return E_INVALID;
	atomic_store_explicit(&m->programs[index], ref, memory_order_release);
	return E_OK;
}

void *map_get_ref(const struct map *m, uint32_t index)
{
	if (m->ops != &map_prog_array_ops || index >= m->def.max_entries)
		return NULL;
	return atomic_load_explicit(&m->programs[index], memory_order_acquire);
}
