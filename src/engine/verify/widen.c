/* SPDX-License-Identifier: Apache-2.0 */
/*
 * widen: making the states of a bounded loop come to an end.
 *
 * A number that grew since an earlier round may go on to grow: its upper bounds are given up, its lower ones if it
 * shrank, and what was known of its bits. The state only loses knowledge, so that it stands for all that it stood for
 * before; and each number can lose its bounds a few times only.
 */
#include "engine/verify/verify_internal.h"

static struct scalar widened(const struct scalar *now, const struct scalar *old)
{
	struct scalar s = scalar_unknown();

	if (now->umin >= old->umin)
		s.umin = old->umin;
	if (now->umax <= old->umax)
		s.umax = old->umax;
	if (now->smin >= old->smin)
		s.smin = old->smin;
	if (now->smax <= old->smax)
		s.smax = old->smax;
	return scalar_deduce(&s) ? s : scalar_unknown();
}

static void widen_reg(struct reg *now, const struct reg *old)
{
	if (now->type != REG_SCALAR || old->type != REG_SCALAR || scalar_subset(&now->s, &old->s))
		return;
	now->s = widened(&now->s, &old->s);
	now->id = 0;
}

static void widen_slots(struct frame *f, const struct snap_slot *slot, uint32_t n, const struct reg **old)
{
	for (uint32_t i = 0; i < n; i++, slot++) {
		struct slot *now = slot->index < f->n_slots ? &f->slots[slot->index] : NULL;

		if (!slot->spill)
			continue;
		if (now && now->byte[0] == BYTE_SPILL)
			widen_reg(&now->reg, *old);
		(*old)++;
	}
}

void widen(struct state *s, const struct snap *old)
{
	const struct reg *r = old->regs;
	const struct snap_slot *slot = old->slots;

	for (uint32_t f = 0; f < old->n_frames; f++) {
		const struct snap_frame *of = &old->frames[f];

		for (int i = 0; i < ISA_N_REGS; i++)
			if (of->regs >> i & 1)
				widen_reg(&s->frames[f].r[i], r++);
		widen_slots(&s->frames[f], slot, of->n_slots, &r);
		slot += of->n_slots;
	}
}
