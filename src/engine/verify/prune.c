/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prune: not exploring twice what one exploration covers, and noticing loops that go nowhere.
 *
 * States are kept at places where paths meet. A kept state counts the paths through it that have not ended; at zero
 * it is explored, and a later state that it subsumes needs no look: everything that can happen from there was
 * proven safe, and to end. A state that equals one not yet explored comes from it (exploration is depth first), so the
 * program can get from a state to itself: refused as a loop that may run forever.
 *
 * Unless the way there spent something that the runtime bounds: a round of a callback, or a may_goto. Then nothing
 * new can come of it, and the path ends, coming back to that older state (its "low"). What was explored in between
 * waits until the older one is explored, as the strongly connected components of Tarjan's algorithm do: until then it
 * covers only states in the midst of the same bounded works that spent no less of them (stamps), and these come back to
 * the same low.
 *
 * Why a program that is accepted ends: suppose one runs forever. Each piece of its run is a step in the tree of states,
 * or goes from a state to one that covers it. From some time on it stays in one component, and in the midst of the same
 * works, those that it leaves no more. What it spent of them is at least what the states' stamps say, by one more for
 * each time that it came back: steps count both alike, and covering states have spent less. So it comes back in them so
 * often and no more. It still does in works that it enters anew and leaves again; but it enters them by a step
 * downwards, and leaves below where it entered. All else goes to states that were explored earlier. So it comes by ever
 * earlier ones, of which there are not endlessly many.
 */
#include "engine/verify/verify_internal.h"

enum {
	KEEP_STEPS = 64, /* a straight path keeps a state this often, to notice loops */
	SCAN_MAX = 64,   /* explored states looked at per place */
	WORN_MISSES =
		8, /* an explored state is looked at until it has this many misses more than three times its hits */
	BUCKETS_FIRST = 256, /* of the table for exact matches; doubles */
	WIDEN_ROUNDS = 3,    /* after as many rounds, what still changes is given up */
};

FALLIBLE prune_init(struct verifier *v)
{
	v->done = ARENA_ARRAY(v->arena, struct stored *, v->p->n_insns);
	v->hash = ARENA_ARRAY(v->arena, struct stored *, BUCKETS_FIRST);
	v->hash_mask = BUCKETS_FIRST - 1;
	v->scratch = ARENA_ARRAY(v->arena, uint32_t, 2 * (v->max_regs + REFS_MAX) + 1);
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
	stretch_free(v, &s->stretch);
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
	if (!s->low) {
		discard(v, s);
		return;
	}
	s->next = NULL; /* others still know it */
	*v->worn_tail = s;
	v->worn_tail = &s->next;
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

static struct stored *older(struct stored *a, struct stored *b)
{
	if (!a || !b)
		return a ? a : b;
	return a->depth < b->depth ? a : b;
}

/* s and what waits for it wait for low now; NULL: for nothing. */
static void wait_for(struct stored *s, struct stored *low)
{
	struct stored *w = s, *next;

	s->waits_next = s->waits;
	s->waits = NULL;
	for (; w; w = next) {
		next = w->waits_next;
		w->low = low;
		w->waits_next = low ? low->waits : NULL;
		if (low)
			low->waits = w;
	}
}

void prune_path_end(struct verifier *v, struct stored *parent, struct stored *low)
{
	while (parent) {
		struct stored *up = parent->parent;

		parent->low = older(parent->low, low);
		if (--parent->branches)
			return;
		low = parent->low == parent ? NULL : parent->low;
		wait_for(parent, low);
		add_done(v, parent);
		parent = up;
	}
}

static bool spent_no_less(const struct stamp *a, const struct stamp *b)
{
	return a->work == b->work && a->life == b->life && a->round >= b->round && a->spent >= b->spent;
}

/* In the midst of the same bounded works as the kept state, in all frames, and with no less of them spent. */
static bool in_works_of(const struct snap *kept, const struct snap *now)
{
	for (uint32_t f = 0; f < kept->n_frames; f++)
		if (!spent_no_less(&now->frames[f].stamp, &kept->frames[f].stamp))
			return false;
	return spent_no_less(&now->between, &kept->between);
}

/* A work that both are in the midst of has got on from old, an older state of this path, to new. */
static bool got_on(const struct snap *old, const struct snap *new)
{
	for (uint32_t f = 0; f <= old->n_frames; f++) {
		const struct stamp *o = f < old->n_frames ? &old->frames[f].stamp : &old->between;
		const struct stamp *n = f < old->n_frames ? &new->frames[f].stamp : &new->between;

		if (o->work != n->work)
			return false;
		if (n->round > o->round)
			return true;
		if (o->life != n->life)
			return false;
		if (n->spent > o->spent)
			return true;
	}
	return false;
}

/* One that equals a kept state. */
static FALLIBLE judge_equal(struct verifier *v, struct stored *s, const struct snap *n, bool *covered)
{
	if (!s->branches) {
		*covered = !s->low || in_works_of(s->snap, n);
		if (*covered)
			precise_covered(v, s->snap);
		v->back_to = *covered ? s->low : NULL;
		return E_OK;
	}
	if (!got_on(s->snap, n))
		REJECT(v, ENDLESS, "the program can come back here with nothing changed");
	*covered = in_works_of(s->snap, n);
	v->back_to = *covered ? s : NULL;
	return E_OK;
}

static FALLIBLE find_equal(struct verifier *v, const struct snap *n, uint64_t hash, bool *covered)
{
	for (struct stored *s = v->hash[hash & v->hash_mask]; s && !*covered; s = s->next_hash) {
		if (s->hash != hash || s->insn != v->cur.insn || !snap_equal(s->snap, n))
			continue;
		TRY(judge_equal(v, s, n, covered));
	}
	return E_OK;
}

static bool at_head(const struct verifier *v)
{
	return v->marks[v->cur.insn] & MARK_HEAD;
}

/* At the head of a bounded loop: was it here before, in an earlier round, in a state that covers this one? */
static bool find_older(struct verifier *v, const struct snap *n)
{
	struct stored *s = v->cur.parent ? v->cur.parent->head : NULL;

	for (int i = 0; s && i < SCAN_MAX; i++, s = s->parent ? s->parent->head : NULL) {
		if (s->insn != v->cur.insn || s->snap->n_frames != n->n_frames || !in_works_of(s->snap, n) ||
		    !got_on(s->snap, n) || !snap_subsumes(s->snap, n, v->scratch, false))
			continue;
		v->back_to = s;
		return true;
	}
	return false;
}

static bool widens(const struct stored *s, const struct state *now)
{
	const struct frame *f = state_frame(now);
	const struct snap_frame *was = &s->snap->frames[s->snap->n_frames - 1];

	if (s->insn != now->insn || s->snap->n_frames != now->n_frames)
		return false;
	if (now->between.work)
		return s->snap->between.work == now->between.work && s->snap->between.round < now->between.round;
	return was->stamp.life == f->stamp.life && was->stamp.spent < f->stamp.spent;
}

/* Arriving at the head of a bounded loop: which work is it, and has it gone round too often? */
static void begin_round(struct verifier *v)
{
	struct stamp *at = &v->cur.between;
	struct stored *s = v->cur.parent ? v->cur.parent->head : NULL;

	if (v->p->insns[v->cur.insn].sem != ISA_MAY_GOTO && !at->work)
		*at = (struct stamp){ .work = ++v->next_work };
	if (at->round < WIDEN_ROUNDS && state_frame(&v->cur)->stamp.spent < WIDEN_ROUNDS)
		return;
	for (int i = 0; s && i < SCAN_MAX; i++, s = s->parent ? s->parent->head : NULL) {
		if (!widens(s, &v->cur))
			continue;
		widen(&v->cur, s->snap);
		return;
	}
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
		if (snap_subsumes(s->snap, n, v->scratch, v->loose) && (!s->low || in_works_of(s->snap, n))) {
			v->back_to = s->low;
			precise_covered(v, s->snap);
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
	struct stretch stretch;

	if (!s || !stretch_save(v, &stretch)) {
		if (s)
			pool_free(v, s, sizeof *s);
		pool_free(v, n, n->bytes);
		return;
	}
	*s = (struct stored){ .parent = v->cur.parent,
			      .head = at_head(v)      ? s
				      : v->cur.parent ? v->cur.parent->head
						      : NULL,
			      .depth = v->cur.parent ? v->cur.parent->depth + 1 : 0,
			      .snap = n,
			      .hash = hash,
			      .insn = v->cur.insn,
			      .branches = 1,
			      .stretch = stretch,
			      .steps = v->cur.steps,
			      .next_hash = v->hash[hash & v->hash_mask] };
	if (s->parent && s->parent->stretch.needs)
		s->stretch.needs = true;
	v->hash[hash & v->hash_mask] = s;
	v->cur.parent = s;
	v->cur.forks = v->cur.steps = 0;
	stretch_begin(v);
	if (++v->n_stored > v->stats.states_peak)
		v->stats.states_peak = v->n_stored;
	if (v->n_stored > v->hash_mask)
		grow_hash(v);
}

FALLIBLE prune_visit(struct verifier *v, bool *covered)
{
	size_t bytes;
	struct snap *n;
	uint64_t hash;
	void *mem;

	*covered = false;
	liveness_clean(v, &v->cur);
	if (at_head(v))
		begin_round(v);
	else if (v->every_path)
		return E_OK;
	make_room(v);
	bytes = snap_size(&v->cur);
	mem = pool_alloc(v, bytes);
	NEED(v, mem);
	n = snap_fill(&v->cur, mem);
	ENSURE(v, n->n_regs <= v->max_regs);
	snap_normalise(n, v->scratch);
	hash = snap_hash(n, v->cur.insn);
	TRY(find_equal(v, n, hash, covered));
	if (!*covered)
		*covered = find_cover(v, n) || (at_head(v) && find_older(v, n));
	if (!*covered && (v->cur.forks || v->cur.steps >= KEEP_STEPS || at_head(v)))
		keep(v, n, hash);
	else
		pool_free(v, n, bytes);
	return E_OK;
}
