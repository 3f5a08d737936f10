/* SPDX-License-Identifier: Apache-2.0 */
/*
 * precise: which numbers must be known exactly, in kept states, because something later depended on it.
 *
 * When the range of a number matters (an offset, a size, a branch that it decides) the way that led there is gone back,
 * from the history of jumps and the instructions between them, through all parents, and in each parent what the number
 * was made from is marked. A kept state without a mark covers any number. The state at work itself needs no marks: only
 * what is kept is compared by them. Linux: kernel/bpf/backtrack.c:bpf_mark_chain_precision, v7.2;
 * kernel/bpf/verifier.c:__mark_chain_precision, v5.10, v6.1, v6.12.
 */
#include "engine/kverify/prune.h"

enum { HIST_FIRST = 8, IDX_MASK = (1 << 21) - 1, PREV_MASK = (1 << 22) - 1, FLAGS_MASK = (1 << 21) - 1 };

/* ---- history ---- */

static bool grow_hist(struct kverifier *v, struct kverify_state *s)
{
	uint32_t room = s->hist_room ? 2 * s->hist_room : HIST_FIRST;
	struct khist *h = kpool_alloc(v, room * sizeof *h);

	if (!h)
		return false;
	if (s->n_hist)
		memcpy(h, s->hist, s->n_hist * sizeof *h);
	kpool_free(v, s->hist, s->hist_room * sizeof *h);
	s->hist = h;
	s->hist_room = room;
	return true;
}

FALLIBLE khist_push(struct kverifier *v, uint32_t flags, uint64_t linked)
{
	struct kverify_state *s = &v->cur;

	if (!khas(v, KERNEL_PRECISE_SLOTS) && (flags || linked))
		return E_OK;
	if (linked && !khas(v, KERNEL_PRECISE_LINKED)) {
		if (!flags)
			return E_OK;
		linked = 0;
	}
	if (v->hist_open && s->n_hist) {
		s->hist[s->n_hist - 1].flags |= flags & FLAGS_MASK;
		s->hist[s->n_hist - 1].linked = linked;
		return E_OK;
	}
	if (s->n_hist == s->hist_room)
		KNEED(v, grow_hist(v, s));
	s->hist[s->n_hist++] = (struct khist){ .idx = s->insn & IDX_MASK,
					       .prev_idx = v->prev_insn & PREV_MASK,
					       .flags = flags & FLAGS_MASK,
					       .linked = linked };
	v->hist_open = khas(v, KERNEL_PRECISE_SLOTS);
	return E_OK;
}

FALLIBLE khist_stack(struct kverifier *v, uint32_t frame, uint32_t spi, uint32_t flags)
{
	return khist_push(v, KHIST_STACK_ACCESS | flags | spi << 8 | frame << 16, 0);
}

/* The instruction before i on the way to it; -1: i is the first since the state's parent. n: entries that are left. */
static int64_t before(const struct kverifier *v, const struct kverify_state *s, uint32_t i, uint32_t *n)
{
	if (i == s->first_insn) {
		if (!khas(v, KERNEL_JUMP_POINTS) || !*n || (*n == 1 && s->hist[0].idx == i))
			return -1;
	}
	if (*n && s->hist[*n - 1].idx == i)
		return s->hist[--*n].prev_idx;
	return (int64_t)i - 1;
}

static const struct khist *entry_of(const struct kverify_state *s, uint32_t n, uint32_t i)
{
	return n && s->hist[n - 1].idx == i ? &s->hist[n - 1] : NULL;
}

/* ---- marks ---- */

static bool is_number_spill(const struct kslot *s)
{
	return s->byte[KSLOT_BYTES - 1] == KBYTE_SPILL && s->reg.base == KR_SCALAR;
}

static void set_all(struct kverify_state *s, bool precise)
{
	for (uint32_t f = 0; f <= s->cur; f++) {
		struct kframe *fr = s->frame[f];

		for (unsigned r = 0; r < ISA_FP; r++)
			if (fr->r[r].base == KR_SCALAR)
				fr->r[r].precise = precise;
		for (uint32_t i = 0; i < fr->n_slots; i++)
			if (is_number_spill(&fr->slots[i]))
				fr->slots[i].reg.precise = precise;
	}
}

FALLIBLE kprecise_all(struct kverifier *v, struct kverify_state *below)
{
	for (struct kverify_state *s = below->parent; s; s = s->parent) {
		KNEED(v, kstate_own(v, s));
		set_all(s, true);
	}
	return E_OK;
}

void kprecise_forget(struct kverify_state *s)
{
	set_all(s, false);
}

static bool nothing(const struct kwanted *w)
{
	uint64_t all = 0;

	for (uint32_t f = 0; f <= w->frame; f++)
		all |= w->regs[f] | w->slots[f];
	return !all;
}

/* What is wanted and already marked, or no number, is no wish any more. E_BUG: a slot that the state does not have. */
static bool mark_frame(struct kframe *fr, uint16_t *regs, uint64_t *slots, bool *changed)
{
	for (unsigned r = 0; *regs >> r; r++) {
		if (!(*regs >> r & 1))
			continue;
		if (fr->r[r].base != KR_SCALAR || fr->r[r].precise) {
			*regs = (uint16_t)(*regs & ~(1u << r));
			continue;
		}
		fr->r[r].precise = true;
		*changed = true;
	}
	for (uint64_t left = *slots; left; left &= left - 1) {
		uint32_t i = (uint32_t)__builtin_ctzll(left);

		if (i >= fr->n_slots)
			return false;
		if (!is_number_spill(&fr->slots[i]) || fr->slots[i].reg.precise) {
			*slots &= ~(UINT64_C(1) << i);
			continue;
		}
		fr->slots[i].reg.precise = true;
		*changed = true;
	}
	return true;
}

/* A global function is verified from its entry on: its arguments come from nowhere. */
static FALLIBLE at_entry(struct kverifier *v, struct kverify_state *s, struct kwanted *w, bool *changed)
{
	enum { ARGS = 0x3e };
	struct kframe *fr;
	uint64_t no_slots = 0;

	KNEED(v, kframe_own(v, &s->frame[0], false));
	fr = s->frame[0];
	KENSURE(v, !s->cur && fr->subprog && fr->callsite == -1 && !w->slots[w->frame] && !(w->regs[w->frame] & ~ARGS));
	if (!mark_frame(fr, &w->regs[0], &no_slots, changed))
		return E_BUG;
	memset(w, 0, sizeof *w);
	return E_OK;
}

/* By what an instruction can concern a wish: the registers that it names, or anything. */
enum { BY_DST = 1, BY_SRC = 2, BY_SLOT = 4, BY_ANY = 8 };
static unsigned concern_of(const struct isa_insn *in)
{
	static const uint8_t other[] = {
		[ISA_IMM64] = BY_DST,        [ISA_LDX] = BY_DST,           [ISA_LDXS] = BY_DST,
		[ISA_ST] = BY_DST | BY_SLOT, [ISA_STX] = BY_DST | BY_SLOT,
	};

	if (in->sem >= ISA_ADD && in->sem <= ISA_BSWAP)
		return BY_DST;
	if (isa_is_cond_jump(in))
		return in->form == ISA_FORM_JRR ? BY_DST | BY_SRC : 0;
	if (in->sem == ISA_JA || in->sem == ISA_PAD)
		return 0;
	return in->sem < sizeof other && other[in->sem] ? other[in->sem] : BY_ANY;
}

/* Most instructions on the way back are about something else: one look tells. */
static bool concerns(const struct isa_insn *in, const struct khist *h, bool slots, const struct kwanted *w)
{
	unsigned by = concern_of(in), regs = w->regs[w->frame];

	if (by & BY_ANY || (by & BY_SLOT && slots) || (h && (h->linked || h->flags & KHIST_STACK_ACCESS)))
		return true;
	return (by & BY_DST && regs >> in->dst & 1) || (by & BY_SRC && regs >> in->src & 1);
}

/* Back over the instructions since the state's parent. GIVE_UP and BUG end it at once. */
static enum kback back_over(struct kverifier *v, const struct kverify_state *s, uint32_t last, bool skip, int64_t *next,
			    struct kwanted *w)
{
	bool calls = khas(v, KERNEL_PRECISE_CALLS), slots = !khas(v, KERNEL_PRECISE_SLOTS);
	uint32_t n = s->n_hist;
	int64_t i = last;

	for (;;) {
		const struct khist *h = entry_of(s, n, (uint32_t)i);
		enum kback r;

		if (!skip && concerns(&v->p->insns[i], h, slots, w)) {
			r = calls ? kbacktrack(v, (uint32_t)i, *next, h, w) : kbacktrack_simple(v, (uint32_t)i, w);
			if (r != KBACK_OK || nothing(w))
				return r;
		}
		skip = false;
		*next = i;
		i = before(v, s, (uint32_t)i, &n);
		if (i < 0)
			return *next == s->first_insn ? KBACK_OK : KBACK_BUG;
		if (i >= v->p->n_insns)
			return KBACK_BUG;
	}
}

/* A frame that is about to be marked is this state's own. */
static bool own_wanted(struct kverifier *v, struct kframe **frame, uint16_t regs, uint64_t slots)
{
	const struct kframe *fr = *frame;
	bool some = false;

	for (unsigned r = 0; regs >> r; r++)
		some |= regs >> r & 1 && fr->r[r].base == KR_SCALAR && !fr->r[r].precise;
	for (; slots; slots &= slots - 1) {
		uint32_t i = (uint32_t)__builtin_ctzll(slots);

		if (i < fr->n_slots && is_number_spill(&fr->slots[i]) && !fr->slots[i].reg.precise)
			return kframe_own(v, frame, true);
	}
	return !some || kframe_own(v, frame, false);
}

/* Marks in all frames of s what is wanted of it. give_up: it lacks a slot, so all is to be marked. */
static FALLIBLE mark_state(struct kverifier *v, struct kverify_state *s, struct kwanted *w, bool *changed,
			   bool *give_up)
{
	KENSURE(v, w->frame <= s->cur);
	for (int64_t f = w->frame; f >= 0; f--) {
		KNEED(v, own_wanted(v, &s->frame[f], w->regs[f], w->slots[f]));
		if (mark_frame(s->frame[f], &w->regs[f], &w->slots[f], changed))
			continue;
		KENSURE(v, !khas(v, KERNEL_PRECISE_SLOTS));
		*give_up = true;
		return E_OK;
	}
	return E_OK;
}

FALLIBLE kprecise_wanted(struct kverifier *v, struct kverify_state *from, struct kwanted *w, bool *changed)
{
	struct kverify_state *s = from;
	uint32_t last = from->insn, first = from->first_insn;
	int64_t next = -1;
	bool skip = true, give_up = false, calls = khas(v, KERNEL_PRECISE_CALLS), ignored = false;

	changed = changed ? changed : &ignored;
	while (!nothing(w)) {
		bool fresh = false;
		enum kback r;

		if (last == UINT32_MAX)
			return at_entry(v, s, w, changed);
		r = back_over(v, s, last, skip, &next, w);
		skip = false;
		if (r == KBACK_BUG)
			KREJECT(v, BUG, "backtracking at insn %lld", (long long)next);
		if (r == KBACK_GIVE_UP) {
			return kprecise_all(v, calls ? from : s);
		}
		if (nothing(w))
			return E_OK;
		if (!s->parent) {
			return calls ? kprecise_all(v, from) : E_OK;
		}
		s = s->parent;
		TRY(mark_state(v, s, w, &fresh, &give_up));
		*changed |= fresh;
		if (give_up) {
			return kprecise_all(v, calls ? from : s);
		}
		if (!calls && !fresh)
			return E_OK;
		next = first;
		last = s->last_insn;
		first = s->first_insn;
	}
	return E_OK;
}

FALLIBLE kprecise_reg(struct kverifier *v, unsigned r)
{
	struct kwanted w = { .frame = v->cur.cur };

	KENSURE(v, kreg_at(v, r)->base == KR_SCALAR);
	if (!khas(v, KERNEL_PRECISE_FORGET))
		kreg_at(v, r)->precise = true;
	w.regs[w.frame] = (uint16_t)(1u << r);
	return kprecise_wanted(v, &v->cur, &w, NULL);
}

/* The slot of a frame of the state at work holds a number that must be exact. */
FALLIBLE kprecise_slot(struct kverifier *v, uint32_t frame, uint32_t spi)
{
	struct kwanted w = { .frame = v->cur.cur };

	KENSURE(v, frame <= w.frame && spi < KSLOTS_MAX);
	w.slots[frame] = UINT64_C(1) << spi;
	return kprecise_wanted(v, &v->cur, &w, NULL);
}

/* ---- from a state that covers another ---- */

static bool counts(const struct kverifier *v, const struct kreg *r, uint8_t live)
{
	return r->base == KR_SCALAR && r->precise &&
	       (khas(v, KERNEL_LIVE_STATIC) || live & (KLIVE_READ32 | KLIVE_READ64));
}

/* Before PRECISE_CALLS each wish goes its own way. */
static FALLIBLE propagate_one(struct kverifier *v, struct kverify_state *cur, uint32_t f, int reg, int slot)
{
	struct kwanted w = { .frame = f };

	if (reg >= 0)
		w.regs[f] = (uint16_t)(1u << reg);
	else if ((uint32_t)slot < cur->frame[f]->n_slots && is_number_spill(&cur->frame[f]->slots[slot]))
		w.slots[f] = UINT64_C(1) << slot;
	return kprecise_wanted(v, cur, &w, NULL);
}

FALLIBLE kprecise_propagate(struct kverifier *v, const struct kverify_state *old, struct kverify_state *cur,
			    bool *changed)
{
	struct kwanted w = { .frame = cur->cur };
	bool calls = khas(v, KERNEL_PRECISE_CALLS);

	for (int64_t f = old->cur; f >= 0; f--) {
		const struct kframe *fr = old->frame[f];

		for (unsigned r = 0; r < ISA_FP; r++) {
			if (!counts(v, &fr->r[r], fr->live[r]))
				continue;
			w.regs[f] = (uint16_t)(w.regs[f] | 1u << r);
			if (!calls)
				TRY(propagate_one(v, cur, (uint32_t)f, (int)r, -1));
		}
		for (uint32_t i = 0; i < fr->n_slots; i++) {
			if (fr->slots[i].byte[KSLOT_BYTES - 1] != KBYTE_SPILL ||
			    !counts(v, &fr->slots[i].reg, fr->live[ISA_N_REGS + i]))
				continue;
			w.slots[f] |= UINT64_C(1) << i;
			if (!calls)
				TRY(propagate_one(v, cur, (uint32_t)f, -1, (int)i));
		}
	}
	return calls ? kprecise_wanted(v, cur, &w, changed) : E_OK;
}
