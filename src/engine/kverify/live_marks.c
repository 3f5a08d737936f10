/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_marks: reads, noted in the ancestors of the state at work.
 *
 * What a register or slot holds since the parent state was kept came from that one's register or slot, unless it was
 * written since then. A read is noted there, and there again in its parent, until a write lies between. So a kept state
 * whose paths have all ended knows what of it was read. A frame's first registers come from its caller's, which `link`
 * says. Linux: kernel/bpf/verifier.c:mark_reg_read, propagate_liveness, clean_live_states, v6.12.
 */
#include "engine/kverify/prune.h"

enum { READ = KLIVE_READ32 | KLIVE_READ64, FIRST_SAVED = 6 /* r6 */ };

/* Where in the parent of s the value at (frame, i) came from; i counts registers, then slots. False: from nowhere. */
static bool origin(const struct kverify_state *s, uint32_t *frame, uint32_t *i)
{
	const struct kframe *f = s->frame[*frame];
	const struct kverify_state *p = s->parent;

	if (!p)
		return false;
	if (*i < ISA_N_REGS) {
		if (!f->link[*i])
			return false;
		*frame = (f->link[*i] - 1u) >> 4;
		*i = (f->link[*i] - 1u) & 15;
		return *frame <= p->cur;
	}
	return f->linked && *frame <= p->cur && *i - ISA_N_REGS < p->frame[*frame]->n_slots;
}

static FALLIBLE walk_up(struct kverifier *v, struct kverify_state *s, uint32_t frame, uint32_t i, uint32_t n)
{
	while (!(s->frame[frame]->live[i] & KLIVE_WRITTEN) && origin(s, &frame, &i)) {
		s = s->parent;
		if (s->frame[frame]->live[i] & KLIVE_READ64)
			break;
		KNEED(v, kframe_own(v, &s->frame[frame], false));
		s->frame[frame]->live[i] |= KLIVE_READ64;
		n++;
	}
	if (n > v->stats.mark_read)
		v->stats.mark_read = n;
	return E_OK;
}

FALLIBLE kmarks_read(struct kverifier *v, uint32_t frame, uint32_t i)
{
	return walk_up(v, &v->cur, frame, i, 0);
}

static FALLIBLE inherit(struct kverifier *v, const struct kframe *old, struct kverify_state *cur, uint32_t frame,
			uint32_t i)
{
	uint8_t *live = &cur->frame[frame]->live[i];

	if (*live & KLIVE_READ64 || !(old->live[i] & READ))
		return E_OK;
	*live |= KLIVE_READ64;
	return walk_up(v, cur, frame, i, 1);
}

/* What was read after old is read after cur, which old covers. */
FALLIBLE kmarks_propagate(struct kverifier *v, const struct kverify_state *old, struct kverify_state *cur)
{
	for (uint32_t f = 0; f <= old->cur; f++) {
		const struct kframe *a = old->frame[f], *b = cur->frame[f];

		for (uint32_t r = f < old->cur ? FIRST_SAVED : 0; r < ISA_FP; r++)
			TRY(inherit(v, a, cur, f, r));
		for (uint32_t i = 0; i < a->n_slots && i < b->n_slots; i++)
			TRY(inherit(v, a, cur, f, ISA_N_REGS + i));
	}
	return E_OK;
}

/* The state at work was just kept: all of it comes from there. In callers only the saved registers are alive. */
void kmarks_connect(struct kverify_state *cur)
{
	for (uint32_t f = 0; f <= cur->cur; f++) {
		struct kframe *fr = cur->frame[f];

		memset(fr->live, 0, ISA_N_REGS + fr->n_slots);
		for (unsigned r = 0; r < ISA_FP; r++)
			fr->link[r] = r < FIRST_SAVED && f < cur->cur ? 0 : (uint8_t)(1 + (f << 4 | r));
		fr->linked = true;
	}
}

void kmarks_clean(struct kverifier *v, struct kverify_state *s)
{
	for (uint32_t f = 0; f <= s->cur; f++) {
		struct kframe *fr = s->frame[f];

		for (unsigned r = 0; r < ISA_FP; r++)
			if (!(fr->live[r] & READ))
				kreg_none(&v->rules, &fr->r[r]);
		for (uint32_t i = 0; i < fr->n_slots; i++) {
			if (fr->live[ISA_N_REGS + i] & READ)
				continue;
			kreg_none(&v->rules, &fr->slots[i].reg);
			memset(fr->slots[i].byte, KBYTE_INVALID, KSLOT_BYTES);
		}
	}
}
