/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash: values under keys, in chains of slots.
 *
 * Chains link slot numbers, so keys and links are three plain arrays beside the slab of values. There are at least as
 * many buckets as slots. The engine has no source of randomness, so the seed comes from the sizes and whoever
 * chooses keys can aim at one bucket: no chain grows past CHAIN_MAX (adding then fails with E_LIMIT), so
 * that a lookup costs at most CHAIN_MAX comparisons. With keys not chosen to collide, the chance that a full map ever
 * meets this limit is below 1e-30 per key.
 *
 * A deleted slot waits in `dead` until map_reclaim; SPARE_MAX slots more than max_entries let a full map take
 * new keys for deleted ones meanwhile.
 */
#include "engine/maps/impl.h"

enum { KEY_MAX = 512, CHAIN_MAX = 32, SPARE_MAX = 64 };

static FALLIBLE hash_check(const struct prog_map *def, struct diag *d)
{
	if (!def->key_size || def->key_size > KEY_MAX)
		FAIL_ID(d, INVALID, 'X', 103, "map '%s': a hash's key has 1 to %d bytes, not %u", def->name, KEY_MAX,
			def->key_size);
	if (def->init.len)
		FAIL_ID(d, INVALID, 'X', 106, "map '%s': a hash cannot have initial contents", def->name);
	return E_OK;
}

static uint64_t hash_slots(const struct prog_map *def)
{
	uint64_t n = def->max_entries;

	return n + (n < SPARE_MAX ? n : SPARE_MAX);
}

static uint64_t n_buckets(const struct prog_map *def)
{
	uint64_t want = hash_slots(def), n = 1;

	while (n < want)
		n *= 2;
	return n;
}

static uint64_t hash_side_bytes(const struct prog_map *def)
{
	return hash_slots(def) * (def->key_size + sizeof(struct map_link)) + n_buckets(def) * sizeof(uint32_t);
}

static FALLIBLE hash_init(struct map *m, const struct prog_map *def)
{
	struct map_hash *h = &m->hash;
	uint64_t n = n_buckets(def);

	h->bucket = malloc(n * sizeof *h->bucket);
	h->link = calloc(m->n_slots, sizeof *h->link);
	h->keys = calloc(m->n_slots, def->key_size);
	if (!h->bucket || !h->link || !h->keys)
		return E_NOMEM;
	memset(h->bucket, 0xff, n * sizeof *h->bucket); /* MAP_NO_SLOT */
	for (uint32_t i = 0; i < m->n_slots; i++)
		h->link[i].next = i + 1 < m->n_slots ? i + 1 : MAP_NO_SLOT;
	h->mask = (uint32_t)(n - 1);
	h->dead = MAP_NO_SLOT;
	h->seed = hash_u64(def->key_size ^ (uint64_t)def->value_size << 16 ^ (uint64_t)def->max_entries << 32);
	return E_OK;
}

/* Where the link to the key stands: the bucket or the link before it; *at is MAP_NO_SLOT at a chain's end. */
struct place {
	uint32_t *at;
	uint32_t hash;
	uint32_t steps;
};

static struct place find(struct map *m, const void *key)
{
	struct map_hash *h = &m->hash;
	uint32_t key_size = m->def.key_size;
	struct place p = { .hash = (uint32_t)hash_bytes(key, key_size, h->seed) };

	p.at = &h->bucket[p.hash & h->mask];
	for (; *p.at != MAP_NO_SLOT; p.at = &h->link[*p.at].next, p.steps++)
		if (h->link[*p.at].hash == p.hash && !memcmp(h->keys + (size_t)*p.at * key_size, key, key_size))
			break;
	return p;
}

static void *hash_lookup(struct map *m, const void *key)
{
	struct place p = find(m, key);

	return *p.at == MAP_NO_SLOT ? NULL : map_value(m, *p.at);
}

static FALLIBLE insert(struct map *m, struct place p, const void *key, const void *value)
{
	struct map_hash *h = &m->hash;
	uint32_t slot = h->free;

	if (h->n == m->def.max_entries || slot == MAP_NO_SLOT || p.steps >= CHAIN_MAX)
		return E_LIMIT;
	h->free = h->link[slot].next;
	h->link[slot] = (struct map_link){ .next = MAP_NO_SLOT, .hash = p.hash };
	memcpy(h->keys + (size_t)slot * m->def.key_size, key, m->def.key_size);
	memmove(map_value(m, slot), value, m->def.value_size);
	*p.at = slot;
	h->n++;
	return E_OK;
}

static FALLIBLE hash_update(struct map *m, const void *key, const void *value, uint64_t flags)
{
	struct place p = find(m, key);

	if (*p.at == MAP_NO_SLOT)
		return flags == MAP_EXIST ? E_NOT_FOUND : insert(m, p, key, value);
	if (flags == MAP_NOEXIST)
		return E_EXISTS;
	memmove(map_value(m, *p.at), value, m->def.value_size);
	return E_OK;
}

static FALLIBLE hash_delete(struct map *m, const void *key)
{
	struct map_hash *h = &m->hash;
	struct place p = find(m, key);
	uint32_t slot = *p.at;

	if (slot == MAP_NO_SLOT)
		return E_NOT_FOUND;
	*p.at = h->link[slot].next;
	h->link[slot].next = h->dead;
	h->dead = slot;
	h->n--;
	return E_OK;
}

static void hash_reclaim(struct map *m)
{
	struct map_hash *h = &m->hash;

	while (h->dead != MAP_NO_SLOT) {
		uint32_t slot = h->dead;

		h->dead = h->link[slot].next;
		h->link[slot].next = h->free;
		h->free = slot;
	}
}

const struct map_ops map_hash_ops = {
	.kind = PROG_MAP_HASH,
	.check = hash_check,
	.slots = hash_slots,
	.side_bytes = hash_side_bytes,
	.init = hash_init,
	.lookup = hash_lookup,
	.update = hash_update,
	.del = hash_delete,
	.reclaim = hash_reclaim,
};
