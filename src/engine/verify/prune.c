/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prune: not exploring twice what one exploration covers, and noticing loops that go nowhere.
 *
 * States are kept at places where paths meet. A kept state counts the paths through it that have not ended; at zero
 * it is explored, and a later state that it subsumes needs no look: everything that can happen from there was
 * proven safe, and to end. A state that equals one not yet explored comes from it (exploration is depth first), so the
 * program can get from a state to itself: refused as a loop that may run forever.
 */
#include "engine/verify/verify_internal.h"

enum {
	KEEP_STEPS = 64, /* a straight path keeps a state this often, to notice loops */
	SCAN_MAX = 64,   /* explored states looked at per place */
	WORN_MISSES =
		8, /* an explored state is looked at until it has this many misses more than three times its hits */
	BUCKETS_FIRST = 256, /* of the table for exact matches; doubles */
};

FALLIBLE prune_init(struct verifier *v)
{
	v->done = ARENA_ARRAY(v->arena, struct stored *, v->p->n_insns);
	v->hash = ARENA_ARRAY(v->arena, struct stored *, BUCKETS_FIRST);
	v->hash_mask = BUCKETS_FIRST - 1;
	v->scratch = ARENA_ARRAY(v->arena, uint32_t, 2 * v->max_regs + 1);
	v->worn_tail = &v->worn;
	NEED(v, v->done && v->hash && v->scratch);
	return E_OK;
}

/* Without memory it stays as it is, only slower. */
static void grow_hash(struct verifier *v)
{
	size_t n = (v->hash_mask + 1) * 2;
	struct stored **bigger = ARENA_ARRAY(v->arena, struct stored *, n);

	if (!bigger)
		return;
	for (size_t i = 0; i <= v->hash_mask; i++) {
		for (struct stored *s = v->hash[i], *next; s; s = next) {
			next = s->next_hash;
			s->next_hash = bigger[s->hash & (n - 1)];
			bigger[s->hash & (n - 1)] = s;
		}
	}
	v->hash = bigger;
	v->hash_mask = n - 1;
}

static void discard(struct verifier *v, struct stored *s)
{
	struct stored **at = &v->hash[s->hash & v->hash_mask];

	while (*at != s)
		at = &(*at)->next_hash;
	*at = s->next_hash;
	pool_free(v, s->snap, s->snap->bytes);
	pool_free(v, s, sizeof *s);
	v->n_stored--;
}

/* No longer looked at one by one; the table still finds it when a state equals it. */
static void retire(struct verifier *v, struct stored **at)
{
	struct stored *s = *at;

	*at = s->next;
	s->next = NULL;
	*v->worn_tail = s;
	v->worn_tail = &s->next;
}

/* Memory gets short: forget what was retired first. */
static void make_room(struct verifier *v)
{
	struct stored *s = v->worn;

	if (!s || v->arena->used < v->arena->cap / 4 * 3)
		return;
	v->worn = s->next;
	if (!v->worn)
		v->worn_tail = &v->worn;
	discard(v, s);
}

/* Newest first; the oldest beyond the limit retires. */
static void add_done(struct verifier *v, struct stored *s)
{
	struct stored **at;
	unsigned n = 0;

	s->next = v->done[s->insn];
	v->done[s->insn] = s;
	for (at = &v->done[s->insn]; *at && n < SCAN_MAX; at = &(*at)->next)
		n++;
	if (*at)
		retire(v, at);
}

void prune_path_end(struct verifier *v, struct stored *parent)
{
	while (parent && !--parent->branches) {
		struct stored *up = parent->parent;

		add_done(v, parent);
		parent = up;
	}
}

static struct stored *find_equal(struct verifier *v, const struct snap *n, uint64_t hash)
{
	for (struct stored *s = v->hash[hash & v->hash_mask]; s; s = s->next_hash)
		if (s->hash == hash && s->insn == v->cur.insn && snap_equal(s->snap, n))
			return s;
	return NULL;
}

static bool is_worn(const struct stored *s)
{
	return s->misses > 3 * s->hits + WORN_MISSES;
}

/* Among explored states of this place; those that hardly ever match retire on the way. */
static bool find_cover(struct verifier *v, const struct snap *n)
{
	struct stored **at = &v->done[v->cur.insn], *s;

	while ((s = *at)) {
		if (snap_subsumes(s->snap, n, v->scratch)) {
			s->hits++;
			*at = s->next; /* to the front */
			s->next = v->done[v->cur.insn];
			v->done[v->cur.insn] = s;
			return true;
		}
		s->misses++;
		if (is_worn(s)) {
			retire(v, at);
			continue;
		}
		at = &s->next;
	}
	return false;
}

/* Takes n. Without memory the state is not kept: then more is explored, no less. */
static void keep(struct verifier *v, struct snap *n, uint64_t hash)
{
	struct stored *s = pool_alloc(v, sizeof *s);

	if (!s) {
		pool_free(v, n, n->bytes);
		return;
	}
	*s = (struct stored){ .parent = v->cur.parent,
			      .snap = n,
			      .hash = hash,
			      .insn = v->cur.insn,
			      .branches = 1,
			      .next_hash = v->hash[hash & v->hash_mask] };
	v->hash[hash & v->hash_mask] = s;
	v->cur.parent = s;
	v->cur.forks = v->cur.steps = 0;
	if (++v->n_stored > v->stats.states_peak)
		v->stats.states_peak = v->n_stored;
	if (v->n_stored > v->hash_mask)
		grow_hash(v);
}

FALLIBLE prune_visit(struct verifier *v, bool *covered)
{
	size_t bytes;
	struct snap *n;
	struct stored *same;
	uint64_t hash;
	void *mem;

	*covered = false;
	liveness_clean(v, &v->cur);
	make_room(v);
	bytes = snap_size(&v->cur);
	mem = pool_alloc(v, bytes);
	NEED(v, mem);
	n = snap_fill(&v->cur, mem);
	ENSURE(v, n->n_regs <= v->max_regs);
	snap_normalise(n, v->scratch);
	hash = snap_hash(n, v->cur.insn);
	same = find_equal(v, n, hash);
	if (same && same->branches)
		REJECT(v, ENDLESS, "the program can come back here with nothing changed");
	*covered = same || find_cover(v, n);
	if (!*covered && (v->cur.forks || v->cur.steps >= KEEP_STEPS))
		keep(v, n, hash);
	else
		pool_free(v, n, bytes);
	return E_OK;
}
