/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare: is a state covered by one that was followed to its ends?
 *
 * Old covers new when everything that the new one may hold the old one may hold too, as far as what came after the old
 * one depended on it. Identities (two registers hold the same pointer, the same reference) are compared up to renaming:
 * an old one stands for one new one throughout. Linux: kernel/bpf/states.c:states_equal, regsafe, stacksafe, refsafe,
 * v7.2; kernel/bpf/verifier.c, v6.12, v6.1, v5.10.
 */
#include "engine/kverify/prune.h"

enum { ID_PAIRS = (ISA_N_REGS + KSLOTS_MAX + 12) * KFRAMES_MAX };

struct kcompare {
	uint32_t n, tmp;
	bool by_id, scalar_ids, independent, as_misc, exact_levels, marks, regs_ahead, halves, offset_in_num;
	struct kreg unbound;
	struct id_pair {
		uint32_t old, cur;
	} ids[ID_PAIRS];
};

FALLIBLE kcompare_init(struct kverifier *v)
{
	struct kcompare *c = ARENA_NEW(v->arena, struct kcompare);

	KNEED(v, c);
	c->by_id = khas(v, KERNEL_COMPARE_BY_ID);
	c->scalar_ids = khas(v, KERNEL_COMPARE_SCALAR_IDS);
	c->independent = khas(v, KERNEL_IDS_OF_INDEPENDENT);
	c->as_misc = khas(v, KERNEL_COMPARE_SPILL_AS_MISC);
	c->exact_levels = khas(v, KERNEL_COMPARE_EXACT);
	c->marks = !khas(v, KERNEL_LIVE_STATIC);
	c->regs_ahead = khas(v, KERNEL_LIVE_REGS);
	c->halves = khas(v, KERNEL_LIVE_AHEAD);
	c->offset_in_num = khas(v, KERNEL_OFFSET_IN_NUM);
	kreg_scalar_unknown(&v->rules, &c->unbound);
	v->compare = c;
	return E_OK;
}

/* ---- identities ---- */

/* Releases before COMPARE_BY_ID look at no more than what an old identity stood for before. */
static bool old_ids_match(struct kcompare *c, uint32_t old, uint32_t cur)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (c->ids[i].old == old)
			return c->ids[i].cur == cur;
	if (old && c->n < ID_PAIRS)
		c->ids[c->n++] = (struct id_pair){ old, cur };
	return true;
}

static bool ids_match(struct kcompare *c, uint32_t old, uint32_t cur)
{
	if (!old != !cur)
		return false;
	if (!old)
		return true;
	for (uint32_t i = 0; i < c->n; i++) {
		if (c->ids[i].old == old)
			return c->ids[i].cur == cur;
		if (c->ids[i].cur == cur)
			return false;
	}
	if (c->n == ID_PAIRS)
		return false;
	c->ids[c->n++] = (struct id_pair){ old, cur };
	return true;
}

/* A number without identity gets one for the comparison: two of them are not the same number. */
static bool scalar_ids_match(struct kcompare *c, uint32_t old, uint32_t cur)
{
	if (c->independent && !old)
		return true;
	old = old ? old : ++c->tmp;
	cur = cur ? cur : ++c->tmp;
	if (!ids_match(c, old, cur))
		return false;
	if (!c->independent || !(old & KID_ADD_CONST))
		return true;
	return ids_match(c, old & ~KID_ADD_CONST, cur & ~KID_ADD_CONST);
}

/* ---- registers ---- */

/* What it is, its constant offset, and what hangs on its kind: all that stands before var_off in the kernel's struct.
 */
static bool same_head(const struct kreg *a, const struct kreg *b)
{
	return a->base == b->base && a->flags == b->flags && a->off == b->off && a->raw[0] == b->raw[0] &&
	       a->raw[1] == b->raw[1];
}

static_assert(offsetof(struct kreg, n) + sizeof(struct knum) == sizeof(struct kreg) &&
		      offsetof(struct kreg, raw) + 2 * sizeof(uint64_t) == offsetof(struct kreg, n) &&
		      offsetof(struct kreg, raw) == offsetof(struct kreg, flags) + 5 * sizeof(uint32_t),
	      "no padding in what is compared as bytes");

/* The value first: it is what differs from round to round. */
static inline bool same_num(const struct knum *a, const struct knum *b)
{
	return a->t.value == b->t.value && a->t.mask == b->t.mask && a->umin == b->umin && a->umax == b->umax &&
	       !memcmp(a, b, sizeof *a);
}

bool kreg_same_value(const struct kreg *a, const struct kreg *b)
{
	return same_num(&a->n, &b->n) && same_head(a, b);
}

/* Identities too. */
static inline bool same_bytes(const struct kreg *a, const struct kreg *b)
{
	return a->n.t.value == b->n.t.value && a->base == b->base && a->id == b->id &&
	       !memcmp(&a->flags, &b->flags, sizeof *a - offsetof(struct kreg, flags));
}

void kids_reset(struct kverifier *v)
{
	v->compare->n = 0;
	v->compare->tmp = v->next_id;
}

static bool exact(struct kcompare *c, const struct kreg *old, const struct kreg *cur)
{
	return kreg_same_value(old, cur) && ids_match(c, old->id, cur->id) && ids_match(c, old->ref_id, cur->ref_id) &&
	       ids_match(c, old->parent_id, cur->parent_id);
}

bool kreg_exact(struct kverifier *v, const struct kreg *old, const struct kreg *cur)
{
	return exact(v->compare, old, cur);
}

static bool number_covers(struct kverifier *v, const struct kreg *old, const struct kreg *cur)
{
	return knum_within(&v->rules, &old->n, &cur->n);
}

static bool scalar_covers(struct kverifier *v, const struct kreg *old, const struct kreg *cur, enum kexact x)
{
	struct kcompare *c = v->compare;

	if (!old->precise && x == KEXACT_NO)
		return true;
	if (!c->scalar_ids)
		return number_covers(v, old, cur);
	if ((old->id || !c->independent) && (old->id & KID_ADD_CONST) != (cur->id & KID_ADD_CONST))
		return false;
	if (old->id & KID_ADD_CONST && old->off != cur->off)
		return false;
	return scalar_ids_match(c, old->id, cur->id) && number_covers(v, old, cur);
}

static bool range_covers(const struct kverifier *v, const struct kreg *old, const struct kreg *cur)
{
	if (khas(v, KERNEL_PACKET_END_EXACT) && (old->range < 0 || cur->range < 0))
		return old->range == cur->range;
	return old->range <= cur->range;
}

static bool packet_covers(struct kverifier *v, const struct kreg *old, const struct kreg *cur)
{
	struct kcompare *c = v->compare;

	if (!range_covers(v, old, cur) || old->off != cur->off)
		return false;
	if (c->by_id ? !ids_match(c, old->id, cur->id) : (old->id && !old_ids_match(c, old->id, cur->id)))
		return false;
	if (c->offset_in_num && old->id && old->n.r64.base != cur->n.r64.base)
		return false;
	return number_covers(v, old, cur);
}

/* Releases before COMPARE_BY_ID: the same bytes cover, whatever it is. */
static bool reg_covers_old_style(struct kverifier *v, const struct kreg *old, const struct kreg *cur)
{
	struct kcompare *c = v->compare;
	bool same = same_bytes(old, cur);

	if (old->base == KR_STACK)
		return same && old->frame == cur->frame;
	if (same || old->base == KR_NONE)
		return true;
	switch ((enum kernel_reg)old->base) {
	case KR_SCALAR:
		return cur->base == KR_SCALAR && (!old->precise || number_covers(v, old, cur));
	case KR_MAP_KEY:
	case KR_MAP_VALUE:
		if (!same_head(old, cur))
			return false;
		return kreg_may_be_null(old) ? old_ids_match(c, old->id, cur->id) : number_covers(v, old, cur);
	case KR_PACKET:
	case KR_PACKET_META:
		return old->base == cur->base && old->flags == cur->flags && packet_covers(v, old, cur);
	default:
		return false;
	}
}

static bool reg_covers(struct kverifier *v, const struct kreg *old, const struct kreg *cur, enum kexact x)
{
	struct kcompare *c = v->compare;

	if (!c->by_id)
		return reg_covers_old_style(v, old, cur);
	if (x == KEXACT_YES)
		return exact(c, old, cur);
	if (old->base == KR_NONE && (c->halves || x == KEXACT_NO || cur->base == KR_NONE))
		return true;
	if (old->base != cur->base || old->flags != cur->flags)
		return false;
	switch ((enum kernel_reg)old->base) {
	case KR_SCALAR:
		return scalar_covers(v, old, cur, x);
	case KR_MAP_KEY:
	case KR_MAP_VALUE:
	case KR_MEM:
	case KR_BUF:
	case KR_TP_BUFFER:
		return same_head(old, cur) && number_covers(v, old, cur) && ids_match(c, old->id, cur->id) &&
		       ids_match(c, old->ref_id, cur->ref_id) && ids_match(c, old->parent_id, cur->parent_id);
	case KR_PACKET_META:
	case KR_PACKET:
		return packet_covers(v, old, cur);
	case KR_STACK:
		return exact(c, old, cur) && old->frame == cur->frame;
	case KR_ARENA:
		return true;
	case KR_INSN:
		return same_head(old, cur) && number_covers(v, old, cur);
	default:
		return exact(c, old, cur);
	}
}

/* ---- the stack ---- */

/* Byte i of the kernel's slot_type: 7 is the lowest address. */
static bool all_misc(const struct kslot *s, unsigned from)
{
	for (unsigned i = from; i < KSLOT_BYTES; i++)
		if (s->byte[i] != KBYTE_MISC && s->byte[i] != KBYTE_INVALID && s->byte[i] != KBYTE_POISON)
			return false;
	return true;
}

/* What a load of the slot, or its part from byte `from` on, would give: a number; NULL: something else. */
static const struct kreg *as_scalar(struct kcompare *c, const struct kslot *s, unsigned from)
{
	if (s->byte[from] == KBYTE_SPILL && s->reg.base == KR_SCALAR)
		return &s->reg;
	return all_misc(s, from) ? &c->unbound : NULL;
}

static bool same_iter(struct kcompare *c, const struct kreg *old, const struct kreg *cur)
{
	if (c->halves && old->flags != cur->flags)
		return false;
	return old->iter_type == cur->iter_type && old->iter_state == cur->iter_state &&
	       (c->halves ? ids_match(c, old->id, cur->id) : ids_match(c, old->ref_id, cur->ref_id));
}

static bool same_dynptr(struct kcompare *c, const struct kreg *old, const struct kreg *cur)
{
	if (old->dynptr != cur->dynptr || old->first_slot != cur->first_slot)
		return false;
	if (c->halves)
		return ids_match(c, old->id, cur->id) && ids_match(c, old->parent_id, cur->parent_id);
	return ids_match(c, old->ref_id, cur->ref_id);
}

/* All eight bytes are of the same kind in both. */
static bool slot_content_covers(struct kverifier *v, const struct kslot *old, const struct kslot *cur, enum kexact x)
{
	struct kcompare *c = v->compare;

	if (!c->by_id && old->byte[KSLOT_BYTES - 1] != KBYTE_SPILL)
		return true;
	switch ((enum kbyte)old->byte[KSLOT_BYTES - 1]) {
	case KBYTE_SPILL:
		return reg_covers(v, &old->reg, &cur->reg, x);
	case KBYTE_DYNPTR:
		return same_dynptr(c, &old->reg, &cur->reg);
	case KBYTE_ITER:
		return same_iter(c, &old->reg, &cur->reg);
	case KBYTE_IRQ_FLAG:
		return (c->halves ? ids_match(c, old->reg.id, cur->reg.id)
				  : ids_match(c, old->reg.ref_id, cur->reg.ref_id)) &&
		       old->reg.lock_class == cur->reg.lock_class;
	case KBYTE_MISC:
	case KBYTE_ZERO:
	case KBYTE_INVALID:
	case KBYTE_POISON:
		return true;
	}
	return false;
}

static uint8_t plain(uint8_t byte)
{
	return byte == KBYTE_POISON ? KBYTE_INVALID : byte;
}

/* All eight kinds at once; of one kind all: EIGHT(kind). */
static inline uint64_t kinds_of(const struct kslot *s)
{
	uint64_t kinds;

	static_assert(sizeof kinds == sizeof s->byte, "one word");
	memcpy(&kinds, s->byte, sizeof kinds);
	return kinds;
}
#define EIGHT(kind) (UINT64_C(0x0101010101010101) * (kind))

/* Byte for byte the same kinds, for comparisons that want more than what mattered. */
static bool same_kinds(const struct kslot *old, const struct kslot *cur)
{
	if (kinds_of(old) == kinds_of(cur))
		return true;
	for (unsigned i = 0; i < KSLOT_BYTES; i++)
		if (plain(old->byte[i]) != plain(cur->byte[i]))
			return false;
	return true;
}

static bool bytes_cover(struct kverifier *v, const struct kslot *old, const struct kslot *cur, enum kexact x)
{
	struct kcompare *c = v->compare;

	for (unsigned i = 0; i < KSLOT_BYTES; i++) {
		if (plain(old->byte[i]) == KBYTE_INVALID || old->byte[i] == KBYTE_MISC)
			continue;
		if (!cur)
			return false;
		if (c->as_misc && (i == 0 || (i == 4 && c->halves))) {
			const struct kreg *a = as_scalar(c, old, i), *b = as_scalar(c, cur, i);

			if (a && b)
				return reg_covers(v, a, b, x);
		} else if (c->as_misc && !c->halves) {
			const struct kreg *a = as_scalar(c, old, 0), *b = as_scalar(c, cur, 0);

			if (a && b)
				return reg_covers(v, a, b, x);
		}
		if (old->byte[i] != cur->byte[i])
			return false;
		if (i == KSLOT_BYTES - 1)
			return slot_content_covers(v, old, cur, x);
	}
	return true;
}

/* As bytes_cover; most slots are of one kind in both. */
static bool slot_covers(struct kverifier *v, const struct kslot *old, const struct kslot *cur, enum kexact x)
{
	uint64_t kinds = kinds_of(old);

	if (kinds == EIGHT(KBYTE_INVALID) || kinds == EIGHT(KBYTE_MISC))
		return true;
	if (cur && kinds == kinds_of(cur)) {
		if (kinds == EIGHT(KBYTE_SPILL))
			return reg_covers(v, &old->reg, &cur->reg, x);
		if (kinds == EIGHT(KBYTE_ZERO))
			return true;
	}
	return bytes_cover(v, old, cur, x);
}

static bool stack_covers(struct kverifier *v, const struct kframe *old, const struct kframe *cur, enum kexact x)
{
	struct kcompare *c = v->compare;
	bool kinds = x == KEXACT_YES || (x == KEXACT_RANGE && !c->halves);

	for (uint32_t spi = 0; spi < old->n_slots; spi++) {
		const struct kslot *s = &old->slots[spi], *t = spi < cur->n_slots ? &cur->slots[spi] : NULL;

		if (kinds && (!t || !same_kinds(s, t)))
			return false;
		if (c->marks && x == KEXACT_NO && !(old->live[ISA_N_REGS + spi] & (KLIVE_READ32 | KLIVE_READ64)))
			continue;
		if (!slot_covers(v, s, t, x))
			return false;
	}
	return true;
}

/* ---- states ---- */

static bool reg_counts(const struct kverifier *v, const struct kframe *old, unsigned r, uint32_t insn, enum kexact x)
{
	const struct kcompare *c = v->compare;

	if (c->regs_ahead && !(v->aux[insn].live_regs >> r & 1))
		return false;
	return !c->marks || x != KEXACT_NO || old->live[r] & (KLIVE_READ32 | KLIVE_READ64);
}

static bool frame_covers(struct kverifier *v, const struct kframe *old, const struct kframe *cur, uint32_t insn,
			 enum kexact x, uint8_t *missed)
{
	if (old->callback_depth > cur->callback_depth)
		return false;
	for (unsigned r = 0; r < ISA_N_REGS; r++) {
		if (!reg_counts(v, old, r, insn, x) || reg_covers(v, &old->r[r], &cur->r[r], x))
			continue;
		*missed = (uint8_t)r;
		return false;
	}
	return stack_covers(v, old, cur, x);
}

static bool refs_cover(struct kverifier *v, const struct kverify_state *old, const struct kverify_state *cur)
{
	struct kcompare *c = v->compare;

	if (old->n_refs != cur->n_refs || old->active_locks != cur->active_locks ||
	    old->preempt_locks != cur->preempt_locks || old->rcu_locks != cur->rcu_locks ||
	    old->lock_map != cur->lock_map)
		return false;
	if (!c->by_id)
		return old->lock_id == cur->lock_id &&
		       (!old->n_refs || !memcmp(old->refs, cur->refs, old->n_refs * sizeof *old->refs));
	if (!ids_match(c, old->irq_id, cur->irq_id) || !ids_match(c, old->lock_id, cur->lock_id))
		return false;
	for (uint32_t i = 0; i < old->n_refs; i++) {
		const struct kref *a = &old->refs[i], *b = &cur->refs[i];

		if (!ids_match(c, a->id, b->id) || a->type != b->type)
			return false;
		if (a->type == KREF_PTR && !ids_match(c, a->parent_id, b->parent_id))
			return false;
		if (a->lock_map != b->lock_map)
			return false;
	}
	return true;
}

/* The register by which the last comparison with old failed most often makes the next fail, too. */
static bool misses_again(struct kverifier *v, const struct kverify_state *old, const struct kverify_state *cur,
			 enum kexact x)
{
	const struct kframe *a = old->frame[old->missed_frame], *b = cur->frame[old->missed_frame];
	unsigned r = old->missed_reg;

	if (!reg_counts(v, a, r, kstate_insn(old, old->missed_frame), x))
		return false;
	kids_reset(v);
	return !reg_covers(v, &a->r[r], &b->r[r], x);
}

bool kstates_equal(struct kverifier *v, struct kverify_state *old, const struct kverify_state *cur, enum kexact x)
{
	struct kcompare *c = v->compare;

	if (old->cur != cur->cur || old->in_sleepable != cur->in_sleepable)
		return false;
	if (!c->exact_levels)
		x = KEXACT_NO;
	if (misses_again(v, old, cur, x))
		return false;
	kids_reset(v);
	if (!refs_cover(v, old, cur))
		return false;
	for (uint32_t f = 0; f <= old->cur; f++) {
		uint8_t missed = UINT8_MAX;

		if (old->frame[f]->callsite != cur->frame[f]->callsite)
			return false;
		if (!c->by_id)
			c->n = 0;
		if (frame_covers(v, old->frame[f], cur->frame[f], kstate_insn(old, f), x, &missed))
			continue;
		if (missed != UINT8_MAX) {
			old->missed_frame = (uint8_t)f;
			old->missed_reg = missed;
		}
		return false;
	}
	return true;
}

bool kstates_maybe_looping(struct kverify_state *old, const struct kverify_state *cur)
{
	const struct kframe *a, *b;

	if (old->cur != cur->cur)
		return false;
	a = old->frame[old->cur];
	b = cur->frame[cur->cur];
	if (!same_bytes(&a->r[old->missed_loop], &b->r[old->missed_loop]))
		return false;
	for (unsigned r = 0; r < ISA_N_REGS; r++) {
		if (same_bytes(&a->r[r], &b->r[r]))
			continue;
		old->missed_loop = (uint8_t)r;
		return false;
	}
	return true;
}

bool kstates_same_calls(const struct kverify_state *a, const struct kverify_state *b)
{
	if (a->cur != b->cur)
		return false;
	for (uint32_t f = 0; f <= a->cur; f++)
		if (a->frame[f]->callsite != b->frame[f]->callsite)
			return false;
	return true;
}
