/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prune: which states are kept, and which paths need not be followed because a kept state covers them.
 *
 * Why it is sound to stop. Suppose that a state A was kept at an instruction and every path from A was followed to its
 * end without a complaint. Whether those paths were fine depended on A only through what was read of it: the registers
 * and stack slots that some path read before writing them, and of a number its exact range only where a path used it so
 * that the range mattered (as an offset, a size, to decide a branch). The first is what liveness records, the second
 * what precise marks record. Let B arrive at the same instruction, by the same chain of calls, with the same references
 * and locks held, and let everything that B may hold in those registers and slots be something that A could hold there
 * too (equal kinds of pointers; ranges within; identities up to renaming). Then each run from B does, step by step,
 * what some run from A might do, and those were all found to be fine. So B's path may end here: what A needed, B needs,
 * and B's own ancestors are told (marks go up from B as if the rest had been walked again).
 *
 * Two things can break the argument. A may not be done: a path from A leads back to A's own instruction. Then A's marks
 * may be incomplete, and comparing by them would be circular. Equality without marks ("in every respect") then proves
 * an endless loop, unless something outside the program's state counts the rounds (an iterator, a callback's caller,
 * may_goto's budget); of those, B is covered when all of it lies within A whatever mattered, because then one more
 * round brings nothing new (a fixed point). And marks that come late, from paths of a loop through A that were not
 * followed when B was compared, must still reach B's ancestors: loops.c keeps B for that until the loop is done (or, in
 * older releases, compares without marks as long as it is not).
 *
 * When states are kept, and when they are thrown away again, is heuristics, but it decides how many instructions are
 * processed and with it the verdict "too large"; so it is the kernel's, number for number. Linux:
 * kernel/bpf/states.c:bpf_is_state_visited, v7.2; kernel/bpf/verifier.c:is_state_visited, v5.10.223, v6.1, v6.12.
 */
#include "engine/kverify/prune.h"

enum {
	HISTORY_LONG = 40,       /* entries: keep a state, so that the way back stays short */
	KEEP_JUMPS = 2,          /* since the last state that was kept: jumps ... */
	KEEP_STEPS = 8,          /* ... and instructions after which the next is worth while */
	LOOP_JUMPS = 20,         /* inside a loop that is not done: fewer jumps ... */
	LOOP_STEPS = 100,        /* ... and instructions are not enough */
	MISSES_PER_HIT = 3,      /* that a state may have before it is thrown away */
	MISSES_PER_HIT_LOOP = 64 /* one that a loop converges on */
};

struct visit {
	uint32_t insn;
	bool force, add; /* a state is to be kept here: in any case, if it pays */
	bool hit, loop;  /* covered; by a state whose marks are not complete */
};

static bool iter_rounds_differ(const struct kverify_state *old, const struct kverify_state *cur)
{
	for (uint32_t f = 0; f <= old->cur; f++) {
		const struct kframe *a = old->frame[f], *b = cur->frame[f];

		for (uint32_t i = 0; i < a->n_slots; i++) {
			if (a->slots[i].byte[0] != KBYTE_ITER || a->slots[i].reg.iter_state != KITER_ACTIVE)
				continue;
			if (i >= b->n_slots || b->slots[i].reg.iter_depth != a->slots[i].reg.iter_depth)
				return true;
		}
	}
	return false;
}

/* The iterator that r1 points to may give another element. */
static bool iter_is_active(const struct kverifier *v)
{
	const struct kreg *r1 = kreg_at(v, 1);
	int64_t off = r1->off + (int64_t)r1->n.t.value;
	const struct kframe *f = v->cur.frame[r1->frame];
	uint32_t spi = (uint32_t)((-off - 1) / KSLOT_BYTES);

	return r1->frame <= v->cur.cur && off < 0 && spi < f->n_slots && f->slots[spi].reg.iter_state == KITER_ACTIVE;
}

/* From one run of an asynchronous callback to the next all may stay the same. */
static bool other_async_run(const struct kverify_state *old, const struct kverify_state *cur)
{
	const struct kframe *f = kframe_cur(old);

	return f->in_async_callback && f->async_entry_cnt != kframe_cur(cur)->async_entry_cnt;
}

static FALLIBLE reject_endless(struct kverifier *v, uint32_t insn)
{
	KREJECT(v, ENDLESS_LOOP, "infinite loop detected at insn %u", insn);
}

static bool is_endless(struct kverifier *v, struct kverify_state *old)
{
	const struct kverify_state *cur = &v->cur;

	return kstates_maybe_looping(old, cur) && kstates_equal(v, old, cur, KEXACT_YES) &&
	       !iter_rounds_differ(old, cur) && old->may_goto_depth == cur->may_goto_depth &&
	       old->callback_unroll_depth == cur->callback_unroll_depth;
}

/* Paths from old have not all ended: this one is among them. */
static FALLIBLE compare_open(struct kverifier *v, struct visit *at, struct kstored *old)
{
	const struct kaux *aux = &v->aux[at->insn];
	struct kverify_state *cur = &v->cur;

	if (other_async_run(&old->st, cur))
		goto no_loop;
	if (aux->is_iter_next) {
		at->hit = kstates_equal(v, &old->st, cur, KEXACT_RANGE) && iter_is_active(v);
	} else {
		if (v->p->insns[at->insn].sem == ISA_MAY_GOTO)
			at->hit = old->st.may_goto_depth != cur->may_goto_depth &&
				  kstates_equal(v, &old->st, cur, KEXACT_RANGE);
		else if (aux->calls_callback)
			at->hit = kstates_equal(v, &old->st, cur, KEXACT_RANGE);
		if (!at->hit && !aux->calls_callback && is_endless(v, &old->st))
			return reject_endless(v, at->insn);
	}
	if (at->hit) {
		at->loop = !aux->calls_callback || khas(v, KERNEL_LOOP_CALLBACKS);
		return E_OK;
	}
no_loop:
	if (!at->force && v->jmps - v->prev_jmps < LOOP_JUMPS && v->stats.steps - v->prev_steps < LOOP_STEPS)
		at->add = false;
	return E_OK;
}

/* Marks of a state are not complete while a loop that it is part of is not done. */
static struct kverify_state *open_entry(struct kverify_state *s)
{
	struct kverify_state *entry = kloops_entry_of(s);

	return entry && entry->branches ? entry : NULL;
}

static bool incomplete(struct kverifier *v, struct kverify_state *s)
{
	if (khas(v, KERNEL_LOOP_SCC))
		return kloops_incomplete(v, s);
	return khas(v, KERNEL_LOOP_ENTRIES) && open_entry(s);
}

static FALLIBLE compare(struct kverifier *v, struct visit *at, struct kstored *old)
{
	at->hit = at->loop = false;
	if (old->st.branches)
		return compare_open(v, at, old);
	at->loop = incomplete(v, &old->st);
	at->hit = kstates_equal(v, &old->st, &v->cur, at->loop ? KEXACT_RANGE : KEXACT_NO);
	return E_OK;
}

/* Before LOOP_SCC the kernel's "peak" is how many there are. */
static void note_peak(struct kverifier *v)
{
	uint32_t n = v->n_stored + kloops_waiting(v);

	if (n > v->stats.states_peak || !khas(v, KERNEL_LOOP_SCC))
		v->stats.states_peak = n;
}

/* What the rest of the path would have asked of this state and its ancestors. */
static FALLIBLE covered_by(struct kverifier *v, const struct visit *at, struct kstored *old)
{
	old->hits++;
	if (at->loop && khas(v, KERNEL_LOOP_ENTRIES))
		kloops_entry_learn(&v->cur, old->st.branches ? &old->st : open_entry(&old->st));
	if (!khas(v, KERNEL_LIVE_STATIC))
		TRY(kmarks_propagate(v, &old->st, &v->cur));
	if (v->aux[at->insn].jmp_point || !khas(v, KERNEL_JUMP_POINTS))
		TRY(khist_push(v, 0, 0));
	TRY(kprecise_propagate(v, &old->st, &v->cur, NULL));
	if (at->loop && khas(v, KERNEL_LOOP_SCC)) {
		TRY(kloops_back(v, &old->st));
		note_peak(v);
	}
	return E_OK;
}

/* ---- keeping and throwing away ---- */

static void release(struct kverifier *v, struct kstored *s)
{
	if (v->cleaned == &s->st)
		v->cleaned = NULL;
	kstate_free(v, &s->st);
	kpool_free(v, s, sizeof *s);
}

static void free_stored(struct kverifier *v, struct kstored *s)
{
	release(v, s);
	v->n_stored--;
	note_peak(v);
}

/* Out of the list, but others may still refer to it: as their parent, or for marks that come late. */
static bool can_free(struct kverifier *v, struct kstored *s)
{
	if (s->st.branches)
		return false;
	return khas(v, KERNEL_LOOP_SCC) ? !kloops_incomplete(v, &s->st) : s->cleaned && !s->st.used_as_loop_entry;
}

static void evict(struct kverifier *v, struct kstored *s)
{
	if (can_free(v, s)) {
		free_stored(v, s);
		return;
	}
	s->in_free_list = true;
	s->prev = NULL;
	s->next = v->evicted;
	if (s->next)
		s->next->prev = s;
	v->evicted = s;
}

/* A state that left its list and is referred to no more. Before LOOP_SCC such states stay to the end. */
static void free_evicted(struct kverifier *v, struct kstored *s)
{
	if (!s->in_free_list || !khas(v, KERNEL_LOOP_SCC) || !can_free(v, s))
		return;
	if (s->prev)
		s->prev->next = s->next;
	else
		v->evicted = s->next;
	if (s->next)
		s->next->prev = s->prev;
	free_stored(v, s);
}

struct id_count {
	uint32_t id, n;
};
enum { IDS_MAX = (ISA_N_REGS + KSLOTS_MAX) * KFRAMES_MAX };

static struct id_count *find_id(struct id_count *ids, uint32_t *n, uint32_t id)
{
	for (uint32_t i = 0; i < *n; i++)
		if (ids[i].id == id)
			return &ids[i];
	ids[*n] = (struct id_count){ .id = id };
	return &ids[(*n)++];
}

struct id_counts {
	struct id_count ids[IDS_MAX];
	uint32_t n;
};

static bool count_id(struct kverifier *v, struct kreg *r, struct kslot *slot, void *user)
{
	struct id_counts *c = user;

	(void)v;
	(void)slot;
	if (r->base == KR_SCALAR && r->id)
		find_id(c->ids, &c->n, r->id & ~KID_ADD_CONST)->n++;
	return true;
}

static bool drop_single_id(struct kverifier *v, struct kreg *r, struct kslot *slot, void *user)
{
	struct id_counts *c = user;

	(void)v;
	(void)slot;
	if (r->base == KR_SCALAR && r->id && find_id(c->ids, &c->n, r->id & ~KID_ADD_CONST)->n == 1) {
		r->id = 0;
		r->off = 0;
	}
	return true;
}

/* A number whose identity no other has is linked to nothing. Linux: bpf_clear_singular_ids */
static void drop_single_ids(struct kverifier *v)
{
	struct id_counts c;

	c.n = 0;
	kstate_each_reg(v, &v->cur, count_id, &c);
	if (c.n)
		kstate_each_reg(v, &v->cur, drop_single_id, &c);
}

/* A copy of the state at work goes into the list, and becomes the parent. */
static FALLIBLE keep(struct kverifier *v, const struct visit *at)
{
	struct kverify_state *cur = &v->cur;
	struct kstored **head = kstored_head(v, at->insn);
	struct kstored *s;

	v->stats.states_total++;
	v->n_stored++;
	note_peak(v);
	v->prev_jmps = v->jmps;
	v->prev_steps = v->stats.steps;
	if (khas(v, KERNEL_PRECISE_FORGET))
		kprecise_forget(cur);
	if (khas(v, KERNEL_IDS_SINGULAR))
		drop_single_ids(v);
	s = kpool_alloc(v, sizeof *s);
	KNEED(v, s);
	*s = (struct kstored){ 0 };
	KNEED(v, kstate_copy(v, &s->st, cur));
	kstate_share(v, &s->st, cur->parent);
	s->st.insn = at->insn;
	if (khas(v, KERNEL_LOOP_SCC))
		TRY(kloops_enter(v, &s->st));
	cur->parent = &s->st;
	cur->first_insn = at->insn;
	cur->dfs_depth = s->st.dfs_depth + 1;
	cur->n_hist = 0;
	cur->first_step = v->stats.steps;
	s->next = *head;
	*head = s;
	if (!khas(v, KERNEL_LIVE_STATIC))
		kmarks_connect(cur);
	return E_OK;
}

/* Before they are compared: states that are done forget what nothing read. Linux: clean_live_states */
static FALLIBLE clean_kept(struct kverifier *v, uint32_t insn)
{
	bool marks = !khas(v, KERNEL_LIVE_STATIC);

	for (struct kstored *s = *kstored_head(v, insn); s; s = s->next) {
		if (s->st.branches || s->cleaned || s->st.insn != insn || incomplete(v, &s->st) ||
		    !kstates_same_calls(&s->st, &v->cur))
			continue;
		s->cleaned = true;
		KNEED(v, kstate_own(v, &s->st));
		if (marks)
			kmarks_clean(v, &s->st);
		else
			klive_clean(v, &s->st);
		kstate_share(v, &s->st, v->cleaned);
		v->cleaned = &s->st;
	}
	return E_OK;
}

static void decide(const struct kverifier *v, struct visit *at)
{
	at->force = v->test_state_freq || v->aux[at->insn].force_checkpoint ||
		    (khas(v, KERNEL_HISTORY_LIMIT) && v->cur.n_hist > HISTORY_LONG);
	at->add = at->force || (v->jmps - v->prev_jmps >= KEEP_JUMPS && v->stats.steps - v->prev_steps >= KEEP_STEPS);
}

static bool is_useless(const struct kverifier *v, const struct visit *at, const struct kstored *s)
{
	bool loop = v->aux[at->insn].force_checkpoint && s->st.branches && khas(v, KERNEL_COMPARE_EXACT);
	uint32_t n = loop ? MISSES_PER_HIT_LOOP : MISSES_PER_HIT;

	return s->misses > s->hits * n + n;
}

FALLIBLE kprune_visit(struct kverifier *v, bool *covered)
{
	struct visit at = { .insn = v->insn };
	uint32_t n = 0;

	*covered = false;
	decide(v, &at);
	if (khas(v, KERNEL_LIVE_AHEAD))
		klive_clean(v, &v->cur);
	else
		TRY(clean_kept(v, at.insn));
	for (struct kstored **p = kstored_head(v, at.insn), *s; (s = *p);) {
		n++;
		if (s->st.insn == at.insn) {
			TRY(compare(v, &at, s));
			if (at.hit) {
				*covered = true;
				return covered_by(v, &at, s);
			}
			s->misses += at.add;
			if (is_useless(v, &at, s)) {
				*p = s->next;
				evict(v, s);
				continue;
			}
		}
		p = &s->next;
	}
	if (n > v->stats.states_per_insn)
		v->stats.states_per_insn = n;
	if (at.add)
		return keep(v, &at);
	return khas(v, KERNEL_JUMP_POINTS) ? E_OK : khist_push(v, 0, 0);
}

/* ---- the end of a path ---- */

FALLIBLE kprune_path_end(struct kverifier *v)
{
	struct kverify_state *s = &v->cur;
	struct kstored *stored = NULL;

	TRY(klive_path_end(v));
	while (s) {
		struct kverify_state *parent = s->parent;

		KENSURE(v, s->branches);
		if (--s->branches)
			break;
		if (khas(v, KERNEL_LOOP_SCC)) {
			TRY(kloops_exit(v, s));
			note_peak(v);
		} else if (parent && s->loop_entry) {
			kloops_entry_learn(parent, s->loop_entry);
		}
		if (stored)
			free_evicted(v, stored);
		stored = parent ? kstored_of(parent) : NULL;
		s = parent;
	}
	return E_OK;
}

void kprune_reset(struct kverifier *v)
{
	kloops_reset(v);
	for (uint32_t i = 0; i < v->p->n_insns; i++) {
		for (struct kstored *s = v->stored[i], *next; s; s = next) {
			next = s->next;
			release(v, s);
		}
		v->stored[i] = NULL;
	}
	for (struct kstored *s = v->evicted, *next; s; s = next) {
		next = s->next;
		release(v, s);
	}
	v->evicted = NULL;
}
