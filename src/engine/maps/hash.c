/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash: values under keys, in chains of slots.
 *
 * Keys and links stand in nodes beside the slab of values, and name each other by slot. An element keeps its slot for
 * life. There are at least as many buckets as slots, each with a lock of its own: writers change one chain at a time,
 * readers look whether the chain that they went along changed meanwhile. While they go, a node may move to another
 * chain: so they go at most CHAIN_MAX steps, and believe nothing before they looked.
 *
 * Whoever chooses keys and knows the seed can aim at one bucket: no chain grows past CHAIN_MAX (adding then fails with
 * E_LIMIT), so that a lookup costs at most CHAIN_MAX comparisons. With keys not chosen to collide, the chance that
 * a full map ever meets this limit is below 1e-30 per key.
 *
 * Free slots are a stack (R. K. Treiber, 1986) with a count of changes in the same word, so that a slot that went
 * and came back is noticed.
 */
#include "engine/maps/impl.h"

enum { CHAIN_MAX = 32, KEY_WORDS = MAP_MAX_KEY / 8 };

/* No need to clear what is filled as far as it is read, for each lookup. */
#define UNFILLED __attribute__((uninitialized))

FALLIBLE map_hash_check(const struct prog_map *def, struct diag *d)
{
	if (!def->key_size || def->key_size > MAP_MAX_KEY)
		FAIL_ID(d, INVALID, 'X', 103, "map '%s': a hash's key has 1 to %d bytes, not %u", def->name,
			MAP_MAX_KEY, def->key_size);
	if (def->init.len)
		FAIL_ID(d, INVALID, 'X', 106, "map '%s': a hash cannot have initial contents", def->name);
	return E_OK;
}

uint64_t map_hash_slots(const struct prog_map *def)
{
	return def->max_entries;
}

static uint64_t n_buckets(const struct prog_map *def)
{
	uint64_t n = 1;

	while (n < def->max_entries)
		n *= 2;
	return n;
}

static uint32_t key_words(const struct prog_map *def)
{
	return (def->key_size + 7) / 8;
}

static uint32_t node_bytes(const struct prog_map *def)
{
	return (uint32_t)sizeof(struct map_node) + 8 * key_words(def);
}

uint64_t map_hash_side_bytes(const struct prog_map *def)
{
	return map_hash_slots(def) * node_bytes(def) + n_buckets(def) * sizeof(struct map_bucket);
}

static uint64_t seed_of(const struct map *m, const struct prog_map *def)
{
	if (def->flags & PROG_MAP_ZERO_SEED)
		return 0;
	if (m->opts.seed)
		return m->opts.seed;
	return hash_u64(def->key_size ^ (uint64_t)def->value_size << 16 ^ (uint64_t)def->max_entries << 32);
}

FALLIBLE map_hash_init(struct map *m, const struct prog_map *def)
{
	struct map_hash *h = &m->hash;

	h->node_bytes = node_bytes(def);
	h->words = key_words(def);
	h->bucket = calloc(n_buckets(def), sizeof *h->bucket);
	h->nodes = calloc(m->n_slots, h->node_bytes);
	if (!h->bucket || !h->nodes)
		return E_NOMEM;
	h->mask = (uint32_t)(n_buckets(def) - 1);
	h->seed = seed_of(m, def);
	return E_OK;
}

static FALLIBLE lru_init(struct map *m, const struct prog_map *def)
{
	m->hash.lru = true;
	return map_hash_init(m, def);
}

void map_hash_done(struct map *m)
{
	free(m->hash.bucket);
	free(m->hash.nodes);
}

/* ---- keys ---- */

/* Both halves of a 128-bit product, folded. */
static inline uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 p = (unsigned __int128)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

uint64_t map_hash_words(const uint64_t *w, uint32_t n, uint64_t seed)
{
	uint64_t h = seed ^ 0x9e3779b97f4a7c15ull;

	for (uint32_t i = 0; i < n; i++)
		h = fold(h ^ w[i], 0xd6e8feb86659fd93ull);
	return h;
}

struct key {
	const uint64_t *w;
	uint32_t hash;
};

/* The key is copied first: it may be memory that others write to. */
static inline struct key key_load(const struct map *m, const void *key, uint64_t room[KEY_WORDS])
{
	const struct map_hash *h = &m->hash;
	const uint8_t *p = key;
	uint32_t i = 0;

	for (; i + 1 < h->words; i++)
		room[i] = word_of(p + 8 * (size_t)i, 8);
	room[i] = word_of(p + 8 * (size_t)i, m->def.key_size - 8 * (size_t)i);
	return (struct key){ room, (uint32_t)map_hash_words(room, h->words, h->seed) };
}

static inline struct map_node *node_at(const struct map_hash *h, uint32_t slot)
{
	return (struct map_node *)(void *)(h->nodes + (size_t)slot * h->node_bytes);
}

static inline bool key_is(const struct map_node *n, const struct key *k, uint32_t words)
{
	if (get32(&n->hash) != k->hash)
		return false;
	for (uint32_t i = 0; i < words; i++)
		if (get64(&n->key[i]) != k->w[i])
			return false;
	return true;
}

static inline struct map_bucket *bucket_of(const struct map_hash *h, uint32_t hash)
{
	return &h->bucket[hash & h->mask];
}

/* ---- chains ---- */

struct place {
	_Atomic uint32_t *at; /* the link to it, or the last one */
	uint32_t slot;        /* + 1, or 0 */
	uint32_t steps;
};

static inline struct place walk(const struct map_hash *h, struct map_bucket *b, const struct key *k)
{
	struct place p = { .at = &b->first };

	for (; p.steps < CHAIN_MAX; p.steps++) {
		struct map_node *n;

		p.slot = get32(p.at);
		if (!p.slot)
			return p;
		n = node_at(h, p.slot - 1);
		if (key_is(n, k, h->words))
			return p;
		p.at = &n->next;
	}
	p.slot = 0;
	return p;
}

/* For readers: the slot (+ 1) that had the key at one moment, or 0. */
static inline uint32_t find(const struct map_hash *h, const struct key *k)
{
	struct map_bucket *b = bucket_of(h, k->hash);
	uint32_t version, slot;

	for (unsigned tries = 0; tries < SEQ_TRIES; tries++, seq_pause(tries)) {
		if (!seq_begin(&b->seq, &version))
			continue;
		slot = walk(h, b, k).slot;
		if (seq_same(&b->seq, version))
			return slot;
	}
	seq_lock(&b->seq);
	slot = walk(h, b, k).slot;
	seq_unlock(&b->seq);
	return slot;
}

static void *found(struct map *m, uint32_t slot, uint32_t cpu)
{
	struct map_node *n;

	if (!slot)
		return NULL;
	n = node_at(&m->hash, slot - 1);
	if (m->hash.lru && !get32(&n->used))
		put32(&n->used, 1);
	return map_value(m, slot - 1, cpu);
}

static __attribute__((noinline)) void *lookup_long(struct map *m, const void *key, uint32_t cpu)
{
	uint64_t room[KEY_WORDS] UNFILLED;
	struct key k = key_load(m, key, room);

	return found(m, find(&m->hash, &k), cpu);
}

static void *hash_lookup(struct map *m, const void *key, uint32_t cpu)
{
	uint64_t word;
	struct key k;

	if (m->hash.words > 1)
		return lookup_long(m, key, cpu);
	word = word_of(key, m->def.key_size);
	k = (struct key){ &word, (uint32_t)map_hash_words(&word, 1, m->hash.seed) };
	return found(m, find(&m->hash, &k), cpu);
}

FALLIBLE map_hash_read(struct map *m, const void *key, void *value)
{
	uint64_t room[KEY_WORDS] UNFILLED;
	struct key k = key_load(m, key, room);
	struct map_bucket *b = bucket_of(&m->hash, k.hash);
	uint32_t slot, version;

	for (unsigned tries = 0; tries < SEQ_TRIES; tries++, seq_pause(tries)) {
		if (!seq_begin(&b->seq, &version))
			continue;
		slot = walk(&m->hash, b, &k).slot;
		if (slot)
			map_value_load(m, slot - 1, value);
		if (seq_same(&b->seq, version))
			return slot ? E_OK : E_NOT_FOUND;
	}
	seq_lock(&b->seq);
	slot = walk(&m->hash, b, &k).slot;
	if (slot)
		map_value_load(m, slot - 1, value);
	seq_unlock(&b->seq);
	return slot ? E_OK : E_NOT_FOUND;
}

/* ---- free slots ---- */

static void slot_push(struct map_hash *h, uint32_t slot)
{
	uint64_t head = atomic_load_explicit(&h->free, memory_order_relaxed), next;

	do {
		put32(&node_at(h, slot)->next, (uint32_t)head);
		next = ((head >> 32) + 1) << 32 | (slot + 1);
	} while (!atomic_compare_exchange_weak_explicit(&h->free, &head, next, memory_order_release,
							memory_order_relaxed));
}

uint32_t map_hash_slot_new(struct map *m)
{
	struct map_hash *h = &m->hash;
	uint64_t head = atomic_load_explicit(&h->free, memory_order_acquire), next;
	uint32_t slot = get32(&h->fresh);

	while ((uint32_t)head) {
		next = ((head >> 32) + 1) << 32 | get32(&node_at(h, (uint32_t)head - 1)->next);
		if (atomic_compare_exchange_weak_explicit(&h->free, &head, next, memory_order_acquire,
							  memory_order_acquire))
			return (uint32_t)head;
	}
	while (slot < m->n_slots)
		if (atomic_compare_exchange_weak_explicit(&h->fresh, &slot, slot + 1, memory_order_relaxed,
							  memory_order_relaxed))
			return slot + 1;
	return 0;
}

/* ---- writers, under the bucket's lock ---- */

static void link_in(struct map *m, _Atomic uint32_t *at, uint32_t slot, const struct key *k)
{
	struct map_node *n = node_at(&m->hash, slot);

	put32(&n->next, 0);
	put32(&n->hash, k->hash);
	put32(&n->used, 0);
	for (uint32_t i = 0; i < m->hash.words; i++)
		put64(&n->key[i], k->w[i]);
	atomic_store_explicit(&n->live, 1, memory_order_release);
	put32(at, slot + 1);
	atomic_fetch_add_explicit(&m->hash.n, 1, memory_order_relaxed);
}

static void link_out(struct map_hash *h, _Atomic uint32_t *at, uint32_t slot)
{
	struct map_node *n = node_at(h, slot);

	put32(at, get32(&n->next));
	put32(&n->live, 0);
	atomic_fetch_sub_explicit(&h->n, 1, memory_order_relaxed);
}

bool map_hash_unlink(struct map_hash *h, uint32_t slot)
{
	struct map_bucket *b = bucket_of(h, get32(&node_at(h, slot)->hash));
	_Atomic uint32_t *at = &b->first;
	uint32_t next;

	seq_lock(&b->seq);
	while ((next = get32(at)) && next != slot + 1)
		at = &node_at(h, next - 1)->next;
	if (next)
		link_out(h, at, slot);
	seq_unlock(&b->seq);
	return next != 0;
}

/* The chain is full: its first element goes. */
static void make_room(struct map_hash *h, struct map_bucket *b, struct place *p)
{
	uint32_t slot = get32(&b->first) - 1;

	link_out(h, &b->first, slot);
	slot_push(h, slot);
	p->at = &b->first;
	while (get32(p->at))
		p->at = &node_at(h, get32(p->at) - 1)->next;
}

/* Store under a key that is not there. *slot: one to use (+ 1), of an LRU hash; taken. */
static FALLIBLE insert(struct map *m, struct map_bucket *b, struct place p, const struct key *k, const void *value,
		       uint32_t cpu, uint32_t *slot)
{
	struct map_hash *h = &m->hash;

	if (p.steps == CHAIN_MAX && !h->lru)
		return E_LIMIT;
	if (!*slot)
		*slot = map_hash_slot_new(m);
	if (!*slot)
		return E_LIMIT;
	if (p.steps == CHAIN_MAX)
		make_room(h, b, &p);
	map_value_store(m, *slot - 1, value, cpu, true);
	link_in(m, p.at, *slot - 1, k);
	*slot = 0;
	return E_OK;
}

static FALLIBLE store(struct map *m, const struct key *k, const void *value, uint64_t flags, uint32_t cpu,
		      uint32_t *slot)
{
	struct map_bucket *b = bucket_of(&m->hash, k->hash);
	enum err e = E_OK;
	struct place p;

	seq_lock(&b->seq);
	p = walk(&m->hash, b, k);
	if (p.slot && flags == MAP_NOEXIST) {
		e = E_EXISTS;
	} else if (p.slot) {
		map_value_store(m, p.slot - 1, value, cpu, false);
		put32(&node_at(&m->hash, p.slot - 1)->used, 1);
	} else {
		e = flags == MAP_EXIST ? E_NOT_FOUND : insert(m, b, p, k, value, cpu, slot);
	}
	seq_unlock(&b->seq);
	return e;
}

FALLIBLE map_hash_update(struct map *m, const void *key, const void *value, uint64_t flags, uint32_t cpu)
{
	uint64_t room[KEY_WORDS] UNFILLED;
	struct key k = key_load(m, key, room);
	uint32_t none = 0;

	return store(m, &k, value, flags, cpu, &none);
}

/*
 * A slot for a new key is found first: to free one takes another bucket's lock. What other threads hold in their
 * hands is in a chain soon, so a search that found nothing is repeated a while.
 */
static FALLIBLE lru_update(struct map *m, const void *key, const void *value, uint64_t flags, uint32_t cpu)
{
	enum { ROUNDS = 1000 };
	uint64_t room[KEY_WORDS] UNFILLED;
	struct key k = key_load(m, key, room);
	enum err e = E_LIMIT;
	uint32_t slot = 0;

	for (unsigned round = 0; round < ROUNDS && e == E_LIMIT; round++, seq_pause(round)) {
		if (flags != MAP_EXIST && !find(&m->hash, &k))
			slot = map_lru_slot(m);
		e = store(m, &k, value, flags, cpu, &slot);
		if (slot)
			slot_push(&m->hash, slot - 1);
		slot = 0;
	}
	return e;
}

static FALLIBLE remove_key(struct map *m, const void *key, void *value)
{
	uint64_t room[KEY_WORDS] UNFILLED;
	struct key k = key_load(m, key, room);
	struct map_bucket *b = bucket_of(&m->hash, k.hash);
	struct place p;

	seq_lock(&b->seq);
	p = walk(&m->hash, b, &k);
	if (p.slot) {
		if (value)
			map_value_load(m, p.slot - 1, value);
		link_out(&m->hash, p.at, p.slot - 1);
	}
	seq_unlock(&b->seq);
	if (!p.slot)
		return E_NOT_FOUND;
	slot_push(&m->hash, p.slot - 1);
	return E_OK;
}

FALLIBLE map_hash_del(struct map *m, const void *key)
{
	return remove_key(m, key, NULL);
}

uint32_t map_hash_count(const struct map *m)
{
	return get32(&m->hash.n);
}

/* ---- walking ---- */

uint32_t map_hash_end(const struct map *m)
{
	return get32(&m->hash.fresh);
}

/* Copy the element at n; false: it is not one of the bucket of this hash (any more). */
static bool copy_element(struct map *m, struct map_node *n, uint32_t slot, uint32_t hash, void *key, void *value)
{
	if (!atomic_load_explicit(&n->live, memory_order_acquire) || get32(&n->hash) != hash)
		return false;
	words_load(key, n->key, m->def.key_size);
	if (value)
		map_value_load(m, slot, value);
	return true;
}

/* The bucket's version says whether the element stayed; which bucket, its hash says, which may change as long as no
 * lock is held. */
bool map_hash_at(struct map *m, uint32_t slot, void *key, void *value)
{
	struct map_node *n = node_at(&m->hash, slot);

	for (unsigned tries = 0; atomic_load_explicit(&n->live, memory_order_acquire); seq_pause(tries++)) {
		uint32_t hash = get32(&n->hash), version;
		struct map_bucket *b = bucket_of(&m->hash, hash);
		bool got;

		if (tries < SEQ_TRIES) {
			got = seq_begin(&b->seq, &version) && copy_element(m, n, slot, hash, key, value) &&
			      seq_same(&b->seq, version);
		} else {
			seq_lock(&b->seq);
			got = copy_element(m, n, slot, hash, key, value);
			seq_unlock(&b->seq);
		}
		if (got)
			return true;
	}
	return false;
}

#define HASH_OPS                                                                                                      \
	.pointed_to = true, .check = map_hash_check, .slots = map_hash_slots, .side_bytes = map_hash_side_bytes,      \
	.done = map_hash_done, .lookup = hash_lookup, .read = map_hash_read, .del = map_hash_del, .take = remove_key, \
	.count = map_hash_count, .end = map_hash_end, .at = map_hash_at

const struct map_ops map_hash_ops = {
	.kind = PROG_MAP_HASH,
	.flags = PROG_MAP_RDONLY | PROG_MAP_NO_PREALLOC | PROG_MAP_ZERO_SEED,
	.init = map_hash_init,
	.update = map_hash_update,
	HASH_OPS,
};

const struct map_ops map_percpu_hash_ops = {
	.kind = PROG_MAP_PERCPU_HASH,
	.flags = PROG_MAP_RDONLY | PROG_MAP_NO_PREALLOC | PROG_MAP_ZERO_SEED,
	.per_cpu = true,
	.init = map_hash_init,
	.update = map_hash_update,
	HASH_OPS,
};

const struct map_ops map_lru_hash_ops = {
	.kind = PROG_MAP_LRU_HASH,
	.flags = PROG_MAP_RDONLY | PROG_MAP_ZERO_SEED,
	.init = lru_init,
	.update = lru_update,
	HASH_OPS,
};

const struct map_ops map_lru_percpu_hash_ops = {
	.kind = PROG_MAP_LRU_PERCPU_HASH,
	.flags = PROG_MAP_RDONLY | PROG_MAP_ZERO_SEED,
	.per_cpu = true,
	.init = lru_init,
	.update = lru_update,
	HASH_OPS,
};
