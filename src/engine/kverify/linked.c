/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linked: copies of a number learn from each other.
 *
 * A number that is copied gets an id, which the copy has too. From 6.11 on a constant may be added to a copy: it
 * remembers the difference. Linux: kernel/bpf/verifier.c:find_equal_scalars, v6.1; collect_linked_regs,
 * sync_linked_regs, v6.12 and v7.2.
 */
#include "engine/kverify/alu.h"

void kreg_unlink(struct kreg *r)
{
	r->id = 0;
	r->off = 0;
}

void kreg_link_ids(struct kverifier *v, struct kreg *r)
{
	if (r->base != KR_SCALAR)
		return;
	if (r->id & KID_ADD_CONST)
		kreg_unlink(r);
	if (!r->id && (!knum_is_const(&r->n) || khas(v, KERNEL_LINK_CONSTS)))
		r->id = kid_fresh(v);
}

static void collect(struct kverifier *v, struct kreg *r, uint32_t id, struct klinked *l, struct klinked_entry e)
{
	if (r->base != KR_SCALAR || (r->id & ~KID_ADD_CONST) != id)
		return;
	if (l->n < klinked_max(v))
		l->e[l->n++] = e;
	else
		kreg_unlink(r);
}

/* The instruction at which frame f stands: of callers, the call. */
static uint32_t frame_insn(const struct kverifier *v, uint32_t f)
{
	return f == v->cur.cur ? v->at : (uint32_t)v->cur.frame[f + 1]->callsite;
}

void klinked_collect(struct kverifier *v, uint32_t id, struct klinked *l)
{
	id &= ~KID_ADD_CONST;
	for (uint32_t f = v->cur.cur + 1; f-- > 0;) {
		uint32_t live = khas(v, KERNEL_LINK_LIVE) ? v->aux[frame_insn(v, f)].live_regs : UINT32_MAX;
		struct kframe *fr = v->cur.frame[f];

		for (uint8_t r = 0; r < ISA_FP; r++)
			if (live >> r & 1)
				collect(v, &fr->r[r], id, l, (struct klinked_entry){ (uint8_t)f, r, true });
		for (uint32_t i = 0; i < fr->n_slots; i++)
			if (kslot_is_spill(&fr->slots[i]))
				collect(v, &fr->slots[i].reg, id, l,
					(struct klinked_entry){ (uint8_t)f, (uint8_t)i, false });
	}
}

static void become_with_difference(struct kverifier *v, struct kreg *r, const struct kreg *known)
{
	bool settle = khas(v, KERNEL_LINK_SETTLES);
	uint32_t id = r->id;
	int32_t off = r->off;
	int64_t difference = settle ? (int64_t)off - known->off : (int32_t)((uint32_t)off - (uint32_t)known->off);
	struct knum by = knum_const(&v->rules, (uint64_t)difference);

	*r = *known;
	r->id = id;
	r->off = off;
	knum_add_bounds(&v->rules, &r->n, &by);
	r->n.t = kbits_add(r->n.t, by.t);
	if (!settle)
		return;
	if ((r->id | known->id) & KID_ADD_CONST32)
		knum_zext(&v->rules, &r->n);
	else
		knum_sync(&v->rules, &r->n);
}

void klinked_sync(struct kverifier *v, struct kverify_state *s, const struct kreg *known, const struct klinked *l)
{
	for (unsigned i = 0; i < l->n; i++) {
		const struct klinked_entry *e = &l->e[i];
		struct kframe *f = s->frame[e->frame];
		struct kreg *r = e->is_reg ? &f->r[e->spi] : &f->slots[e->spi].reg;

		if (r == known || r->base != KR_SCALAR || ((r->id ^ known->id) & ~KID_ADD_CONST))
			continue;
		if (((r->id ^ known->id) & KID_ADD_CONST) ==
		    KID_ADD_CONST) /* the one differs at 64 bits, the other at 32 */
			continue;
		if (!((r->id | known->id) & KID_ADD_CONST) || r->off == known->off)
			*r = *known;
		else
			become_with_difference(v, r, known);
	}
}

static bool make_equal(struct kverifier *v, struct kreg *r, struct kslot *slot, void *user)
{
	const struct kreg *known = user;

	(void)v;
	(void)slot;
	if (r->base == KR_SCALAR && r->id == known->id)
		*r = *known;
	return true;
}

void klinked_equal(struct kverifier *v, struct kverify_state *s, const struct kreg *known)
{
	struct kreg copy = *known;

	kstate_each_reg(v, s, make_equal, &copy);
}
