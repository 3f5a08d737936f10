/* SPDX-License-Identifier: Apache-2.0 */
/* array: a value for every index below max_entries, from the start and for ever. */
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

static uint64_t array_slots(const struct prog_map *def)
{
	return def->max_entries;
}

static uint64_t array_side_bytes(const struct prog_map *def)
{
	(void)def;
	return 0;
}

static FALLIBLE array_init(struct map *m, const struct prog_map *def)
{
	if (def->init.len)
		memcpy(m->values, def->init.p, def->init.len);
	return E_OK;
}

static void *array_lookup(struct map *m, const void *key)
{
	uint32_t i;

	memcpy(&i, key, sizeof i);
	return i < m->def.max_entries ? map_value(m, i) : NULL;
}

static FALLIBLE array_update(struct map *m, const void *key, const void *value, uint64_t flags)
{
	void *at = array_lookup(m, key);

	if (!at)
		return E_INVALID;
	if (flags == MAP_NOEXIST)
		return E_EXISTS;
	memmove(at, value, m->def.value_size); /* value may lie in this map */
	return E_OK;
}

static FALLIBLE array_delete(struct map *m, const void *key)
{
	(void)m;
	(void)key;
	return E_INVALID;
}

const struct map_ops map_array_ops = {
	.kind = PROG_MAP_ARRAY,
	.check = array_check,
	.slots = array_slots,
	.side_bytes = array_side_bytes,
	.init = array_init,
	.lookup = array_lookup,
	.update = array_update,
	.del = array_delete,
};
