/* SPDX-License-Identifier: Apache-2.0 */
/*
 * precise: which numbers of a kept state did the verdict depend on?
 *
 * Most numbers never matter: a program that was proven safe with 3 in a register would have been with 7. When a check
 * uses what is known of a number (the bounds of an offset or size, a return value, a branch that can go one way only),
 * the instructions before it are looked at backwards, to the registers and stack slots that the number came from, and
 * these are marked in the kept states on the way. The others are imprecise.
 *
 * Why a state may be covered by one whose imprecise numbers differ: the exploration from the older state used none of
 * them, so it would have gone the same way with any other numbers there, and found nothing wrong. It has ended, so that
 * all marks are set. What it did depend on, the new path depends on too, from where it is covered: so the marks are
 * handed on to it. Numbers that are linked learn together; when one matters, so do all that it learned from.
 *
 * A mark that is missing accepts what is wrong; one too many only costs time. Where the way back is not known every
 * number is marked. Programs with callbacks, may_goto, or tail calls in functions are not pruned this way at all.
 * Linux: kernel/bpf/verifier.c:mark_chain_precision, backtrack_insn, regsafe, propagate_precision, v6.12.
 */
#include "engine/verify/verify_internal.h"

enum { CALL_CLEARS = 0x3f, CALL_ARGS = 0x3e };

/* What matters before an instruction. */
struct need {
	uint32_t frame; /* of the instruction */
	bool all;
	uint32_t regs[VERIFY_MAX_FRAMES];
	uint64_t slots[VERIFY_MAX_FRAMES];
};

static uint32_t bit(unsigned r)
{
	return UINT32_C(1) << r;
}

static void need_init(const struct verifier *v, struct need *n)
{
	n->frame = v->cur.n_frames - 1;
	n->all = false;
	memset(n->regs, 0, v->cur.n_frames * sizeof *n->regs);
	memset(n->slots, 0, v->cur.n_frames * sizeof *n->slots);
}

static void need_slot(struct need *n, uint32_t frame, uint32_t slot)
{
	if (slot < VERIFY_LIVE_SLOTS)
		n->slots[frame] |= UINT64_C(1) << slot;
	else
		n->all = true;
}

/* ---- the trail ---- */

static size_t stretch_bytes(const struct stretch *s)
{
	return s->n_trail * sizeof(struct trail) + s->n_links * sizeof(struct link);
}

static struct trail *trail_of(const struct stretch *s)
{
	return (struct trail *)(s->links + s->n_links);
}

bool stretch_save(struct verifier *v, struct stretch *out)
{
	*out = v->open;
	out->links = pool_alloc(v, stretch_bytes(out));
	if (!out->links)
		return false;
	memcpy(out->links, v->links, out->n_links * sizeof *out->links);
	memcpy(trail_of(out), v->trail, out->n_trail * sizeof(struct trail));
	return true;
}

void stretch_load(struct verifier *v, const struct stretch *s)
{
	v->open = *s;
	memcpy(v->links, s->links, s->n_links * sizeof *s->links);
	memcpy(v->trail, trail_of(s), s->n_trail * sizeof(struct trail));
}

void stretch_free(struct verifier *v, const struct stretch *s)
{
	pool_free(v, s->links, stretch_bytes(s));
}

void stretch_begin(struct verifier *v)
{
	v->open = (struct stretch){ 0 };
}

/* The entry of a step, the last or a new one; NULL: there are too many. */
static struct trail *entry(struct verifier *v, uint32_t step)
{
	struct trail *t = v->open.n_trail ? &v->trail[v->open.n_trail - 1] : NULL;

	if (t && t->step == step)
		return t;
	if (v->open.n_trail == TRAIL_MAX) {
		v->open.lost = true;
		return NULL;
	}
	t = &v->trail[v->open.n_trail++];
	*t = (struct trail){ .step = step, .prev = TRAIL_IN_ORDER };
	return t;
}

/* The links of the branch at work. */
static struct link *link_entry(struct verifier *v)
{
	struct trail *t = entry(v, v->cur.steps - 1);

	if (t && !t->link && v->open.n_links == LINKS_MAX)
		v->open.lost = true;
	if (!t || v->open.lost)
		return NULL;
	if (!t->link) {
		t->link = ++v->open.n_links;
		v->links[t->link - 1] = (struct link){ 0 };
	}
	return &v->links[t->link - 1];
}

static uint32_t before(const struct verifier *v, uint32_t insn)
{
	return insn && v->p->insns[insn - 1].sem == ISA_PAD ? insn - 2 : insn - 1;
}

void precise_arrive(struct verifier *v)
{
	struct trail *t;

	if (!v->loose || !v->cur.steps || v->last == before(v, v->cur.insn))
		return;
	t = entry(v, v->cur.steps);
	if (t)
		t->prev = v->last;
}

void precise_note_slot(struct verifier *v, uint32_t frame, uint32_t slot)
{
	struct trail *t;

	if (!v->loose)
		return;
	t = entry(v, v->cur.steps - 1);
	if (t)
		t->slot = (frame << 16 | slot) + 1;
}

static void add_link(struct verifier *v, struct link *t, uint32_t frame, unsigned reg, uint32_t slot)
{
	uint32_t here = v->cur.n_frames - 1;
	unsigned k = frame != here;

	if (k && t->other && t->other != frame + 1)
		t->many = true;
	if (k)
		t->other = (uint16_t)(frame + 1);
	if (reg < ISA_N_REGS)
		t->regs[k] |= (uint16_t)bit(reg);
	else if (slot < VERIFY_LIVE_SLOTS)
		t->slots[k] |= UINT64_C(1) << slot;
	else
		t->many = true;
}

void precise_note_links(struct verifier *v, uint32_t id)
{
	struct link *t;

	if (!v->loose)
		return;
	t = link_entry(v);
	for (uint32_t f = 0; t && f < v->cur.n_frames; f++) {
		const struct frame *fr = &v->cur.frames[f];

		for (unsigned r = 0; r < ISA_N_REGS; r++)
			if (fr->r[r].id == id && fr->r[r].type == REG_SCALAR)
				add_link(v, t, f, r, 0);
		for (uint32_t i = 0; i < fr->n_slots; i++)
			if (fr->slots[i].byte[0] == BYTE_SPILL && fr->slots[i].reg.id == id)
				add_link(v, t, f, ISA_N_REGS, i);
	}
}

/* ---- backwards ---- */

static void undo_slot_access(struct need *n, const struct isa_insn *in, const struct trail *t)
{
	uint32_t frame = (t->slot - 1) >> 16, slot = (t->slot - 1) & 0xffff;
	uint64_t mask = slot < VERIFY_LIVE_SLOTS ? UINT64_C(1) << slot : 0;

	if (in->sem == ISA_LDX || in->sem == ISA_LDXS || in->sem == ISA_LOAD_ACQ) {
		if (n->regs[n->frame] & bit(in->dst))
			need_slot(n, frame, slot);
		return;
	}
	if (!(n->slots[frame] & mask))
		return;
	n->slots[frame] &= ~mask;
	if (in->sem != ISA_ST)
		n->regs[n->frame] |= bit(in->src);
}

static void undo_links(struct need *n, const struct link *t)
{
	uint32_t here = n->frame, other = t->other ? t->other - 1u : here;
	bool hit = n->regs[here] & t->regs[0] || n->slots[here] & t->slots[0] || n->regs[other] & t->regs[1] ||
		   n->slots[other] & t->slots[1];

	if (t->many)
		n->all = true;
	if (!hit)
		return;
	n->regs[here] |= t->regs[0];
	n->slots[here] |= t->slots[0];
	n->regs[other] |= t->regs[1];
	n->slots[other] |= t->slots[1];
}

/* Into the function that gave r0. */
static void undo_exit(struct need *n)
{
	bool result = n->regs[n->frame] & bit(0);

	n->regs[n->frame] &= ~(uint32_t)CALL_CLEARS;
	if (n->frame + 1 == VERIFY_MAX_FRAMES) {
		n->all = true;
		return;
	}
	n->frame++;
	n->regs[n->frame] = result ? bit(0) : 0;
	n->slots[n->frame] = 0;
}

/* Out of the function that was called. */
static void undo_call(struct need *n)
{
	uint32_t args = n->regs[n->frame] & CALL_ARGS;

	if (!n->frame) {
		n->all = true;
		return;
	}
	n->regs[n->frame] = 0;
	n->slots[n->frame] = 0;
	n->frame--;
	n->regs[n->frame] |= args;
}

static void undo_alu(struct need *n, const struct isa_insn *in)
{
	uint32_t *regs = &n->regs[n->frame];

	if (!(*regs & bit(in->dst)))
		return;
	if (in->sem == ISA_MOV || in->sem == ISA_MOVSX)
		*regs &= ~bit(in->dst);
	if (in->form == ISA_FORM_RR)
		*regs |= bit(in->src);
}

static void undo_jump(struct need *n, const struct isa_insn *in, const struct link *t)
{
	uint32_t *regs = &n->regs[n->frame], both = bit(in->dst) | bit(in->src);

	if (t)
		undo_links(n, t);
	if (!isa_b_is_imm(in) && *regs & both)
		*regs |= both;
}

static void undo(struct need *n, const struct isa_insn *in, const struct trail *t, const struct link *links)
{
	uint32_t *regs = &n->regs[n->frame];

	switch ((enum isa_sem)in->sem) {
	case ISA_JA:
		return;
	case ISA_LDX:
	case ISA_LDXS:
	case ISA_LOAD_ACQ:
		if (t && t->slot)
			undo_slot_access(n, in, t);
		*regs &= ~bit(in->dst);
		return;
	case ISA_ST:
	case ISA_STX:
	case ISA_STORE_REL:
		if (t && t->slot)
			undo_slot_access(n, in, t);
		return;
	case ISA_ATOMIC:
		if (isa_atomic_fetches(in->aux))
			*regs &= ~bit(in->aux == ISA_ATOMIC_CMPXCHG ? 0u : in->src);
		return;
	case ISA_IMM64:
		*regs &= ~bit(in->dst);
		return;
	case ISA_EXIT:
		undo_exit(n);
		return;
	case ISA_CALLX:
		undo_call(n);
		return;
	case ISA_CALL:
		if (in->aux == ISA_CALL_LOCAL)
			undo_call(n);
		else
			*regs &= ~(uint32_t)CALL_CLEARS;
		return;
	default:
		if (isa_is_cond_jump(in))
			undo_jump(n, in, t && t->link ? &links[t->link - 1] : NULL);
		else
			undo_alu(n, in);
	}
}

/* From before instruction *insn, number `step`, to before the one that ran before it. *n: entries of t up to there. */
static void undo_step(const struct verifier *v, struct need *need, const struct trail *t, const struct link *links,
		      uint32_t *n, uint32_t step, uint32_t *insn)
{
	while (*n && t[*n - 1].step > step)
		--*n;
	if (*n && t[*n - 1].step == step && t[*n - 1].prev != TRAIL_IN_ORDER)
		*insn = t[*n - 1].prev;
	else
		*insn = before(v, *insn);
	while (*n && t[*n - 1].step >= step)
		--*n;
	undo(need, &v->p->insns[*insn], *n && t[*n - 1].step == step - 1 ? &t[*n - 1] : NULL, links);
}

/*
 * From before instruction `insn`, number `step` of a stretch, to its start, with all that was needed on the way. n:
 * entries of t.
 */
static void undo_stretch(const struct verifier *v, struct need *need, const struct trail *t, const struct link *links,
			 uint32_t n, uint32_t step, uint32_t insn)
{
	while (n && t[n - 1].step > step)
		n--;
	for (; !need->all; step--) {
		if (n && t[n - 1].step == step)
			need->regs[need->frame] |= t[n - 1].need;
		if (!step)
			return;
		undo_step(v, need, t, links, &n, step, &insn);
	}
}

/* ---- marks ---- */

static bool mark(struct stored *s, uint32_t index)
{
	if (s->snap->regs[index].type != REG_SCALAR || s->snap->precise[index])
		return false;
	s->snap->precise[index] = 1;
	return true;
}

/* Mark what matters in a kept state; what was not marked before still matters before it. */
static bool mark_stored(struct stored *s, struct need *n)
{
	const struct snap_slot *slot = s->snap->slots;
	uint32_t index = 0;
	bool any = false;

	for (uint32_t f = 0; f < s->snap->n_frames; f++) {
		const struct snap_frame *sf = &s->snap->frames[f];
		uint32_t regs = 0;
		uint64_t slots = 0;

		for (unsigned r = 0; r < ISA_N_REGS; r++) {
			if (!(sf->regs >> r & 1))
				continue;
			if (n->regs[f] >> r & 1 && mark(s, index))
				regs |= bit(r);
			index++;
		}
		for (uint32_t i = 0; i < sf->n_slots; i++, slot++) {
			if (!slot->spill)
				continue;
			if (slot->index < VERIFY_LIVE_SLOTS && n->slots[f] >> slot->index & 1 && mark(s, index))
				slots |= UINT64_C(1) << slot->index;
			index++;
		}
		n->regs[f] = regs;
		n->slots[f] = slots;
		any |= regs || slots;
	}
	return any;
}

static void mark_all(struct stored *s)
{
	for (; s && !s->all_precise; s = s->parent) {
		s->all_precise = true;
		memset(s->snap->precise, 1, s->snap->n_regs);
	}
}

/* What matters at the newest kept state is marked there and in all before, with what was needed between them. */
static void mark_up(struct verifier *v, struct need *n)
{
	for (struct stored *s = v->cur.parent; s && !s->all_precise; s = s->parent) {
		bool any;

		if (n->all || n->frame != s->snap->n_frames - 1) {
			mark_all(s);
			return;
		}
		any = mark_stored(s, n);
		if (!any && !s->stretch.needs) /* nothing was left undone before a state where nothing was */
			return;
		n->all = s->stretch.lost;
		undo_stretch(v, n, trail_of(&s->stretch), s->stretch.links, s->stretch.n_trail, s->steps, s->insn);
		s->stretch.needs = false;
	}
}

/* What matters before v->cur.insn, number `step` since the last kept state, and what was needed until there. */
static void mark_back(struct verifier *v, struct need *n, uint32_t step)
{
	if (v->open.lost)
		n->all = true;
	undo_stretch(v, n, v->trail, v->links, v->open.n_trail, step, v->cur.insn);
	v->open.needs = false;
	mark_up(v, n);
}

void precise_reg(struct verifier *v, unsigned r)
{
	struct trail *t;

	if (!v->loose || reg_at(v, r)->type != REG_SCALAR)
		return;
	t = entry(v, v->cur.steps - 1);
	if (t)
		t->need |= bit(r);
	v->open.needs = true;
}

void precise_end(struct verifier *v)
{
	const struct stored *parent = v->cur.parent;
	struct need n;

	if (!v->loose)
		return;
	need_init(v, &n);
	if (v->open.needs) {
		mark_back(v, &n, v->cur.steps - 1);
	} else if (parent) {
		n.frame = parent->snap->n_frames - 1;
		memset(n.regs, 0, parent->snap->n_frames * sizeof *n.regs);
		memset(n.slots, 0, parent->snap->n_frames * sizeof *n.slots);
		mark_up(v, &n);
	}
}

void precise_slot(struct verifier *v, uint32_t frame, uint32_t slot)
{
	struct need n;

	if (!v->loose)
		return;
	need_init(v, &n);
	need_slot(&n, frame, slot);
	mark_back(v, &n, v->cur.steps - 1);
}

static void need_of_slot(const struct verifier *v, struct need *n, uint32_t f, const struct snap_slot *slot,
			 const uint8_t *precise)
{
	const struct frame *now = &v->cur.frames[f];
	bool zero = false;

	for (int b = 0; b < SLOT_BYTES; b++)
		zero |= slot->byte[b] == BYTE_ZERO;
	if (slot->spill ? *precise
			: zero && slot->index < now->n_slots && now->slots[slot->index].byte[0] == BYTE_SPILL)
		need_slot(n, f, slot->index);
}

void precise_covered(struct verifier *v, const struct snap *by)
{
	const struct snap_slot *slot = by->slots;
	const uint8_t *precise = by->precise;
	struct need n;

	if (!v->loose)
		return;
	need_init(v, &n);
	for (uint32_t f = 0; f < by->n_frames; f++) {
		for (unsigned r = 0; r < ISA_N_REGS; r++)
			if (by->frames[f].regs >> r & 1 && *precise++)
				n.regs[f] |= bit(r);
		for (uint32_t i = 0; i < by->frames[f].n_slots; i++, slot++) {
			need_of_slot(v, &n, f, slot, precise);
			precise += slot->spill;
		}
	}
	mark_back(v, &n, v->cur.steps);
}
