/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lpm: the value of the longest prefix that a key begins with.
 *
 * A binary trie whose nodes stand only where a prefix ends or two part (path compression: D. R. Morrison, PATRICIA,
 * 1968), so that max_entries prefixes need less than twice as many nodes. A key is a 32-bit length in bits, in the
 * order of this host, and data with the most significant byte first. One lock for all writers; readers go down at most
 * one step for each bit and then look whether somebody wrote.
 */
#include "engine/maps/impl.h"

enum { DATA_MAX = 256, DATA_WORDS = DATA_MAX / 8 };

struct prefix {
	uint32_t bits;
	uint64_t w[DATA_WORDS]; /* as far as the map's data goes */
};

static FALLIBLE lpm_check(const struct prog_map *def, struct diag *d)
{
	if (def->key_size < 5 || def->key_size > 4 + DATA_MAX)
		FAIL_ID(d, INVALID, 'X', 103, "map '%s': an LPM trie's key has 5 to %d bytes, not %u", def->name,
			4 + DATA_MAX, def->key_size);
	if (def->init.len)
		FAIL_ID(d, INVALID, 'X', 106, "map '%s': an LPM trie cannot have initial contents", def->name);
	return E_OK;
}

static uint64_t lpm_slots(const struct prog_map *def)
{
	return def->max_entries;
}

static uint32_t data_words(const struct prog_map *def)
{
	return (def->key_size - 4 + 7) / 8;
}

static uint32_t node_bytes(const struct prog_map *def)
{
	return (uint32_t)sizeof(struct map_branch) + 8 * data_words(def);
}

static uint64_t lpm_side_bytes(const struct prog_map *def)
{
	return 2ull * def->max_entries * node_bytes(def) + def->max_entries * 8ull;
}

static FALLIBLE lpm_init(struct map *m, const struct prog_map *def)
{
	struct map_lpm *t = &m->lpm;

	t->max_bits = 8 * (def->key_size - 4);
	t->words = data_words(def);
	t->node_bytes = node_bytes(def);
	t->nodes = calloc(2 * m->n_slots, t->node_bytes);
	t->owner = calloc(m->n_slots, sizeof *t->owner);
	t->next_value = calloc(m->n_slots, sizeof *t->next_value);
	return t->nodes && t->owner && t->next_value ? E_OK : E_NOMEM;
}

static void lpm_done(struct map *m)
{
	free(m->lpm.nodes);
	free(m->lpm.owner);
	free(m->lpm.next_value);
}

static inline struct map_branch *node_at(const struct map_lpm *t, uint32_t node)
{
	return (struct map_branch *)(void *)(t->nodes + (size_t)node * t->node_bytes);
}

/* ---- prefixes ---- */

/* False: longer than the data. Bits behind the prefix stay: nobody looks at them. */
static bool prefix_load(const struct map *m, const void *key, struct prefix *out)
{
	const uint8_t *data = (const uint8_t *)key + 4;
	size_t left = m->def.key_size - 4;

	memcpy(&out->bits, key, 4);
	for (uint32_t i = 0; left; i++) {
		size_t n = left < 8 ? left : 8;

		out->w[i] = __builtin_bswap64(word_of(data + 8 * (size_t)i, n));
		left -= n;
	}
	return out->bits <= m->lpm.max_bits;
}

/* How many leading bits node and prefix share, at most as many as both have. */
static inline uint32_t shared_bits(const struct map_lpm *t, const struct map_branch *n, const struct prefix *p)
{
	uint32_t bits = get32(&n->bits), most = bits < p->bits ? bits : p->bits;

	for (uint32_t i = 0; i < t->words && 64 * i < most; i++) {
		uint64_t x = get64(&n->data[i]) ^ p->w[i];
		uint32_t same = 64 * i + (x ? (uint32_t)__builtin_clzll(x) : 64);

		if (x)
			return same < most ? same : most;
	}
	return most;
}

/* at < max_bits */
static inline unsigned bit_of(const struct prefix *p, uint32_t at)
{
	return p->w[at / 64] >> (63 - at % 64) & 1;
}

/* ---- readers ---- */

/* The value slot (+ 1) of the longest prefix; of exactly this one, if `exact`. */
static uint32_t descend(const struct map_lpm *t, const struct prefix *p, bool exact)
{
	uint32_t at = get32(&t->root), found = 0;

	for (uint32_t steps = 0; at && steps <= t->max_bits; steps++) {
		const struct map_branch *n = node_at(t, at - 1);
		uint32_t bits = get32(&n->bits), value = get32(&n->value);

		if (shared_bits(t, n, p) < bits)
			break;
		if (value && (!exact || bits == p->bits))
			found = value;
		if (bits >= p->bits)
			break;
		at = get32(&n->child[bit_of(p, bits)]);
	}
	return found;
}

/* value: where to copy it to, or NULL. */
static uint32_t find(struct map *m, const struct prefix *p, void *value)
{
	struct map_lpm *t = &m->lpm;
	uint32_t version, slot;

	for (unsigned tries = 0; tries < SEQ_TRIES; tries++, seq_pause(tries)) {
		if (!seq_begin(&t->seq, &version))
			continue;
		slot = descend(t, p, false);
		if (slot && value)
			map_value_load(m, slot - 1, value);
		if (seq_same(&t->seq, version))
			return slot;
	}
	seq_lock(&t->seq);
	slot = descend(t, p, false);
	if (slot && value)
		map_value_load(m, slot - 1, value);
	seq_unlock(&t->seq);
	return slot;
}

static void *lpm_lookup(struct map *m, const void *key, uint32_t cpu)
{
	struct prefix p __attribute__((uninitialized));
	uint32_t slot;

	if (!prefix_load(m, key, &p))
		return NULL;
	slot = find(m, &p, NULL);
	return slot ? map_value(m, slot - 1, cpu) : NULL;
}

static FALLIBLE lpm_read(struct map *m, const void *key, void *value)
{
	struct prefix p __attribute__((uninitialized));

	if (!prefix_load(m, key, &p))
		return E_INVALID;
	return find(m, &p, value) ? E_OK : E_NOT_FOUND;
}

/* ---- writers, under the lock ---- */

static uint32_t node_new(struct map_lpm *t, uint32_t bits)
{
	uint32_t node = t->free_nodes;
	struct map_branch *n;

	if (node)
		t->free_nodes = get32(&node_at(t, node - 1)->child[0]);
	else
		node = ++t->fresh_nodes; /* a trie of n prefixes has at most 2 n - 1 nodes */
	n = node_at(t, node - 1);
	put32(&n->child[0], 0);
	put32(&n->child[1], 0);
	put32(&n->value, 0);
	put32(&n->bits, bits);
	return node;
}

static void node_free(struct map_lpm *t, uint32_t node)
{
	put32(&node_at(t, node - 1)->child[0], t->free_nodes);
	t->free_nodes = node;
}

/* Give the node a value slot; there is one: the caller looked at n. */
static void value_new(struct map *m, uint32_t node, const void *value)
{
	struct map_lpm *t = &m->lpm;
	uint32_t slot = t->free_values;

	if (slot) {
		t->free_values = t->next_value[slot - 1];
	} else {
		slot = get32(&t->fresh_values) + 1;
		put32(&t->fresh_values, slot);
	}
	map_value_store(m, slot - 1, value, 0, true);
	put32(&t->owner[slot - 1], node);
	put32(&node_at(t, node - 1)->value, slot);
	put32(&t->n, get32(&t->n) + 1);
}

static void value_free(struct map_lpm *t, struct map_branch *n)
{
	uint32_t slot = get32(&n->value);

	put32(&n->value, 0);
	put32(&t->owner[slot - 1], 0);
	t->next_value[slot - 1] = t->free_values;
	t->free_values = slot;
	put32(&t->n, get32(&t->n) - 1);
}

/* The node's prefix: as many bits of p as the node has, then zeroes. */
static void data_store(struct map_lpm *t, uint32_t node, const struct prefix *p)
{
	struct map_branch *n = node_at(t, node - 1);
	uint32_t bits = get32(&n->bits);

	for (uint32_t i = 0; i < t->words; i++) {
		uint32_t here = bits > 64 * i ? bits - 64 * i : 0;

		put64(&n->data[i], here >= 64 ? p->w[i] : here ? p->w[i] & ~(UINT64_MAX >> here) : 0);
	}
}

/* Put a new node for p where `at` leads to: below it goes what was there. shared: bits of both. */
static void insert_at(struct map *m, _Atomic uint32_t *at, const struct prefix *p, uint32_t shared, const void *value)
{
	struct map_lpm *t = &m->lpm;
	uint32_t below = get32(at), leaf = node_new(t, p->bits), fork;
	const struct map_branch *old;
	unsigned side;

	data_store(t, leaf, p);
	value_new(m, leaf, value);
	if (!below) {
		put32(at, leaf);
		return;
	}
	old = node_at(t, below - 1);
	if (shared == p->bits) {
		side = get64(&old->data[shared / 64]) >> (63 - shared % 64) & 1;
		put32(&node_at(t, leaf - 1)->child[side], below);
		put32(at, leaf);
		return;
	}
	side = bit_of(p, shared);
	fork = node_new(t, shared);
	data_store(t, fork, p);
	put32(&node_at(t, fork - 1)->child[side], leaf);
	put32(&node_at(t, fork - 1)->child[!side], below);
	put32(at, fork);
}

static FALLIBLE store(struct map *m, const struct prefix *p, const void *value, uint64_t flags)
{
	struct map_lpm *t = &m->lpm;
	_Atomic uint32_t *at = &t->root;
	uint32_t shared = 0;
	struct map_branch *n;

	for (; get32(at); at = &n->child[bit_of(p, shared)]) {
		n = node_at(t, get32(at) - 1);
		shared = shared_bits(t, n, p);
		if (shared < get32(&n->bits) || shared == p->bits)
			break;
	}
	n = get32(at) ? node_at(t, get32(at) - 1) : NULL;
	if (n && get32(&n->bits) == p->bits && shared == p->bits && get32(&n->value)) {
		if (flags == MAP_NOEXIST)
			return E_EXISTS;
		map_value_store(m, get32(&n->value) - 1, value, 0, false);
		return E_OK;
	}
	if (flags == MAP_EXIST)
		return E_NOT_FOUND;
	if (get32(&t->n) == m->def.max_entries)
		return E_LIMIT;
	if (n && get32(&n->bits) == p->bits && shared == p->bits)
		value_new(m, get32(at), value);
	else
		insert_at(m, at, p, shared, value);
	return E_OK;
}

static FALLIBLE lpm_update(struct map *m, const void *key, const void *value, uint64_t flags, uint32_t cpu)
{
	struct prefix p __attribute__((uninitialized));
	enum err e;

	(void)cpu;
	if (!prefix_load(m, key, &p))
		return E_INVALID;
	seq_lock(&m->lpm.seq);
	e = store(m, &p, value, flags);
	seq_unlock(&m->lpm.seq);
	return e;
}

/* The node that `at` leads to has no value: unless it forks, it goes. True: it went and nothing took its place. */
static bool prune(struct map_lpm *t, _Atomic uint32_t *at)
{
	uint32_t node = get32(at);
	struct map_branch *n = node_at(t, node - 1);
	uint32_t left = get32(&n->child[0]), right = get32(&n->child[1]);

	if (get32(&n->value) || (left && right))
		return false;
	put32(at, left ? left : right);
	node_free(t, node);
	return !left && !right;
}

static FALLIBLE drop(struct map_lpm *t, const struct prefix *p)
{
	_Atomic uint32_t *at = &t->root, *above = NULL;
	struct map_branch *n;

	for (;; above = at, at = &n->child[bit_of(p, get32(&n->bits))]) {
		if (!get32(at))
			return E_NOT_FOUND;
		n = node_at(t, get32(at) - 1);
		if (shared_bits(t, n, p) < get32(&n->bits))
			return E_NOT_FOUND;
		if (get32(&n->bits) == p->bits)
			break;
	}
	if (!get32(&n->value))
		return E_NOT_FOUND;
	value_free(t, n);
	if (prune(t, at) && above)
		(void)prune(t, above);
	return E_OK;
}

static FALLIBLE lpm_delete(struct map *m, const void *key)
{
	struct prefix p __attribute__((uninitialized));
	enum err e;

	if (!prefix_load(m, key, &p))
		return E_INVALID;
	seq_lock(&m->lpm.seq);
	e = drop(&m->lpm, &p);
	seq_unlock(&m->lpm.seq);
	return e;
}

/* ---- walking ---- */

static uint32_t lpm_count(const struct map *m)
{
	return get32(&m->lpm.n);
}

static uint32_t lpm_end(const struct map *m)
{
	return get32(&m->lpm.fresh_values);
}

static bool copy_slot(struct map *m, uint32_t slot, uint8_t *key, void *value)
{
	const struct map_lpm *t = &m->lpm;
	uint32_t node = get32(&t->owner[slot]), bits;
	size_t left = m->def.key_size - 4;
	const struct map_branch *n;

	if (!node)
		return false;
	n = node_at(t, node - 1);
	bits = get32(&n->bits);
	memcpy(key, &bits, 4);
	for (uint32_t i = 0; left; i++) {
		uint64_t w = __builtin_bswap64(get64(&n->data[i]));
		size_t bytes = left < 8 ? left : 8;

		memcpy(key + 4 + 8 * (size_t)i, &w, bytes);
		left -= bytes;
	}
	if (value)
		map_value_load(m, slot, value);
	return true;
}

static bool lpm_at(struct map *m, uint32_t slot, void *key, void *value)
{
	uint32_t version;
	bool there;

	for (unsigned tries = 0; tries < SEQ_TRIES; tries++, seq_pause(tries)) {
		if (!seq_begin(&m->lpm.seq, &version))
			continue;
		there = copy_slot(m, slot, key, value);
		if (seq_same(&m->lpm.seq, version))
			return there;
	}
	seq_lock(&m->lpm.seq);
	there = copy_slot(m, slot, key, value);
	seq_unlock(&m->lpm.seq);
	return there;
}

const struct map_ops map_lpm_ops = {
	.kind = PROG_MAP_LPM_TRIE,
	.flags = PROG_MAP_RDONLY | PROG_MAP_NO_PREALLOC,
	.pointed_to = true,
	.check = lpm_check,
	.slots = lpm_slots,
	.side_bytes = lpm_side_bytes,
	.init = lpm_init,
	.done = lpm_done,
	.lookup = lpm_lookup,
	.read = lpm_read,
	.update = lpm_update,
	.del = lpm_delete,
	.count = lpm_count,
	.end = lpm_end,
	.at = lpm_at,
};
