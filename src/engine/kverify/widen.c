/* SPDX-License-Identifier: Apache-2.0 */
/*
 * widen: rounds that something outside of the program's state ends (an iterator, a callback's caller, may_goto) come to
 * a fixed point.
 *
 * A number that was another in the round before, and that nothing needed exactly in either, becomes any number. Then
 * the next round either is covered by this one or differs in what matters. Linux:
 * kernel/bpf/verifier.c:widen_imprecise_scalars, find_prev_entry, v6.12, v7.2.
 */
#include "engine/kverify/prune.h"

/* The newest kept state of an earlier round at insn, in the same chain of calls. NULL: this is the first. */
static const struct kverify_state *round_before(const struct kverifier *v, const struct kverify_state *s, uint32_t insn)
{
	for (struct kstored *k = *kstored_head(v, insn); k; k = k->next)
		if (k->st.insn == insn && k->st.branches && kstates_same_calls(&k->st, s) &&
		    k->st.dfs_depth < s->dfs_depth)
			return &k->st;
	return NULL;
}

static bool same(struct kverifier *v, const struct kreg *old, const struct kreg *cur)
{
	return khas(v, KERNEL_WIDEN_BY_VALUE) ? kreg_same_value(old, cur) : kreg_exact(v, old, cur);
}

static void widen_reg(struct kverifier *v, const struct kreg *old, struct kreg *cur)
{
	if (old->base != KR_SCALAR || cur->base != KR_SCALAR || old->precise || cur->precise || same(v, old, cur))
		return;
	kreg_scalar_unknown(&v->rules, cur);
}

static void widen_frame(struct kverifier *v, const struct kframe *old, struct kframe *cur)
{
	for (unsigned r = 0; r < ISA_N_REGS; r++)
		widen_reg(v, &old->r[r], &cur->r[r]);
	for (uint32_t i = 0; i < old->n_slots && i < cur->n_slots; i++)
		if (kslot_is_spill(&old->slots[i]) && kslot_is_spill(&cur->slots[i]))
			widen_reg(v, &old->slots[i].reg, &cur->slots[i].reg);
}

void kwiden(struct kverifier *v, const struct kverify_state *kept, uint32_t insn, struct kverify_state *s)
{
	const struct kverify_state *old = kept ? round_before(v, kept, insn) : NULL;

	if (!old)
		return;
	kids_reset(v);
	for (int64_t f = old->cur; f >= 0; f--)
		widen_frame(v, old->frame[f], s->frame[f]);
}

void kprune_widen(struct kverifier *v, struct kverify_state *s)
{
	kwiden(v, v->cur.parent, v->at, s);
}
