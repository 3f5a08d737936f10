/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jump_pointer: comparisons of pointers: with NULL, with the end of the packet, with each other.
 *
 * Linux: kernel/bpf/verifier.c:is_branch_taken, mark_ptr_or_null_regs, try_match_pkt_pointers, find_good_pkt_pointers,
 * v5.10 to v7.2.
 */
#include "engine/kverify/alu.h"

/* a OP b as b OP' a. */
static uint8_t flipped(uint8_t sem)
{
	switch (sem) {
	case ISA_JGT:
		return ISA_JLT;
	case ISA_JGE:
		return ISA_JLE;
	case ISA_JLT:
		return ISA_JGT;
	case ISA_JLE:
		return ISA_JGE;
	case ISA_JSGT:
		return ISA_JSLT;
	case ISA_JSGE:
		return ISA_JSLE;
	case ISA_JSLT:
		return ISA_JSGT;
	case ISA_JSLE:
		return ISA_JSGE;
	default:
		return sem;
	}
}

/* ---- deciding ---- */

static bool is_pkt_any(const struct kreg *r)
{
	return kreg_is_pkt(r) || r->base == KR_PACKET_END;
}

/* What an earlier comparison with the end of the packet has told. Linux: is_pkt_ptr_branch_taken */
static int decide_packet(const struct isa_insn *in, const struct kreg *a, const struct kreg *b)
{
	uint8_t sem = b->base == KR_PACKET_END ? in->sem : flipped(in->sem);
	const struct kreg *pkt = b->base == KR_PACKET_END ? a : b;

	if ((a->base != KR_PACKET_END && b->base != KR_PACKET_END) || pkt->base == KR_PACKET_END || pkt->range >= 0)
		return -1;
	if ((sem == ISA_JLE || sem == ISA_JGT) && pkt->range == KPKT_BEYOND_END)
		return sem == ISA_JGT;
	if (sem == ISA_JLT || sem == ISA_JGE)
		return sem == ISA_JGE;
	return -1;
}

/* 5.10 to 6.1 */
static bool never_null_old(const struct kverifier *v, const struct kreg *p)
{
	if (p->flags)
		return false;
	return p->base == KR_SOCKET || p->base == KR_TCP_SOCK || p->base == KR_MAP_VALUE || p->base == KR_SOCK_COMMON ||
	       (p->base == KR_MAP_KEY && khas(v, KERNEL_NOT_NULL_MAP_KEY));
}

static bool far_away(const struct kreg *p)
{
	return p->n.smin <= -KMAX_VAR_OFF || p->n.smax >= KMAX_VAR_OFF;
}

/* A pointer that no kernel object at address 0 could make NULL. Linux: reg_type_not_null, v6.1; reg_not_null, v6.12 and
 * v7.2 */
static bool never_null(const struct kverifier *v, const struct kreg *p)
{
	bool more = khas(v, KERNEL_NOT_NULL_MORE);

	if (!khas(v, KERNEL_NOT_NULL_TRUSTED))
		return never_null_old(v, p);
	if (kreg_may_be_null(p) || (more && far_away(p)))
		return false;
	switch ((enum kernel_reg)p->base) {
	case KR_SOCKET:
	case KR_TCP_SOCK:
	case KR_MAP_VALUE:
	case KR_MAP_KEY:
	case KR_SOCK_COMMON:
		return true;
	case KR_MAP:
		return khas(v, KERNEL_NOT_NULL_MAP);
	case KR_BTF_ID:
		return kreg_is_trusted(v, p);
	case KR_MEM:
		return !more || !(p->flags & KF_UNTRUSTED);
	case KR_XDP_SOCK:
	case KR_BUF:
		return more;
	default:
		return false;
	}
}

static bool is_known(const struct kreg *r, bool is32)
{
	return r->base == KR_SCALAR && (is32 ? knum_is_const32(&r->n) : knum_is_const(&r->n));
}

int kjump_pointers(const struct kverifier *v, const struct isa_insn *in, const struct kreg *a, const struct kreg *b)
{
	bool is32 = in->width == 32;
	const struct kreg *swap = a;
	uint64_t value;

	if (is_pkt_any(a) && is_pkt_any(b) && !is32)
		return decide_packet(in, a, b);
	if (is32 && khas(v, KERNEL_NOT_NULL_MORE))
		return -1;
	if (!is_known(b, is32) && (khas(v, KERNEL_BRANCH_RANGES) || khas(v, KERNEL_BRANCH_EDGES))) {
		a = b;
		b = swap;
	}
	if (!is_known(b, is32) || a->base == KR_SCALAR || !never_null(v, a))
		return -1;
	value = is32 ? (uint32_t)b->n.t.value : b->n.t.value;
	if (value || (in->sem != ISA_JEQ && in->sem != ISA_JNE))
		return -1;
	return in->sem == ISA_JNE;
}

/* ---- NULL or not ---- */

/* The reference that was never given: nobody has to give it back. The order as in kref_drop. */
static void drop_ref(const struct kverifier *v, struct kverify_state *s, uint32_t id)
{
	for (uint32_t i = 0; i < s->n_refs; i++) {
		if (s->refs[i].type != KREF_PTR || s->refs[i].id != id)
			continue;
		if (khas(v, KERNEL_REFS_OF_STATE))
			memmove(s->refs + i, s->refs + i + 1, (s->n_refs - i - 1) * sizeof *s->refs);
		else
			s->refs[i] = s->refs[s->n_refs - 1];
		s->n_refs--;
		return;
	}
}

static bool may_have_lock(struct kverifier *v, const struct kreg *r)
{
	const struct kmap *fields = NULL;

	if (r->base == KR_MAP_VALUE)
		fields = kreg_map(v, r);
	else if (r->base == KR_BTF_ID && r->flags & KF_ALLOC)
		fields = ktypes_record(v, r->type_id);
	return fields && (fields->spin_lock_off >= 0 || fields->res_spin_lock_off >= 0);
}

/* Objects of the program's own may be given with an offset. */
static bool is_own_object(const struct kreg *r)
{
	return r->base == KR_BTF_ID && r->flags & (KF_ALLOC | KF_NON_OWN_REF);
}

static bool at_start(const struct kverifier *v, const struct kreg *r)
{
	bool in_num = khas(v, KERNEL_OFFSET_IN_NUM), own = is_own_object(r) && khas(v, KERNEL_NOT_NULL_TRUSTED);
	bool zero = knum_is_const(&r->n) && !r->n.t.value;

	if (in_num)
		return own || zero;
	return zero && !r->n.smin && !r->n.smax && (own || !r->off);
}

struct null_check {
	uint32_t id;
	bool is_null;
};

static bool settle_null(struct kverifier *v, struct kreg *r, struct kslot *slot, void *user)
{
	const struct null_check *c = user;
	bool rcu = r->flags & KF_RCU && khas(v, KERNEL_NOT_NULL_TRUSTED);

	(void)slot;
	if (r->base == KR_NONE || r->base == KR_SCALAR || !kreg_may_be_null(r) || r->id != c->id || !(r->id || rcu))
		return true;
	if (!at_start(v, r))
		return true;
	if (!c->is_null) {
		kreg_not_null(v, r);
		if (!khas(v, KERNEL_REF_BY_ID) && !may_have_lock(v, r))
			r->id = 0;
		return true;
	}
	r->base = KR_SCALAR;
	r->flags = 0;
	r->id = r->ref_id = 0;
	if (khas(v, KERNEL_REF_BY_ID)) {
		r->parent_id = 0;
		r->off = 0;
		r->raw[0] = r->raw[1] = 0;
		r->n = knum_const(&v->rules, 0);
	}
	return true;
}

/* Every copy of the pointer in register reg of s is NULL, or none is. Linux: mark_ptr_or_null_regs */
static void settle(struct kverifier *v, struct kverify_state *s, unsigned reg, bool is_null)
{
	const struct kreg *r = &kframe_cur(s)->r[reg];
	struct null_check c = { r->id, is_null };
	bool held = khas(v, KERNEL_REF_BY_ID) ? r->id : r->ref_id && r->ref_id == r->id;

	if (is_null && held)
		drop_ref(v, s, r->id);
	kstate_each_reg(v, s, settle_null, &c);
}

/* ---- pointers that are equal: if one is not NULL, neither is the other ---- */

static void learn_equal(struct kverifier *v, const struct isa_insn *in, const struct kreg *a, const struct kreg *b,
			struct kverify_state *taken)
{
	bool a_null = kreg_may_be_null(a), b_null = kreg_may_be_null(b);
	struct kframe *equal = in->sem == ISA_JEQ ? kframe_cur(taken) : kframe_cur(&v->cur);
	bool a_sure = !a_null, b_sure = !b_null;

	if (!khas(v, KERNEL_EQUAL_NOT_NULL) || in->width == 32 || in->form != ISA_FORM_JRR)
		return;
	if (a->base == KR_SCALAR || b->base == KR_SCALAR || a->base == KR_BTF_ID || b->base == KR_BTF_ID)
		return;
	if (khas(v, KERNEL_NOT_NULL_MORE)) {
		a_sure = never_null(v, a);
		b_sure = never_null(v, b);
	}
	if (in->sem != ISA_JEQ && in->sem != ISA_JNE)
		return;
	if (a_sure && b_null)
		kreg_not_null(v, &equal->r[in->src]);
	if (b_sure && a_null)
		kreg_not_null(v, &equal->r[in->dst]);
}

/* ---- the packet ---- */

struct range_of {
	uint32_t base, id;
	int32_t range;
};

static bool extend_range(struct kverifier *v, struct kreg *r, struct kslot *slot, void *user)
{
	const struct range_of *o = user;

	(void)v;
	(void)slot;
	if (r->base == o->base && r->id == o->id && r->range < o->range)
		r->range = o->range;
	return true;
}

/* All bytes before p are there; the one at p too, if open. Linux: find_good_pkt_pointers */
static void good_up_to(struct kverifier *v, struct kverify_state *s, const struct kreg *p, bool open)
{
	bool in_num = khas(v, KERNEL_OFFSET_IN_NUM);
	uint64_t off = in_num ? p->n.umax : (uint64_t)(int64_t)p->off;
	struct range_of o = { p->base, p->id, 0 };

	if (!in_num && p->off < 0)
		return;
	if ((!off && open) || p->n.umax > KPACKET_MAX_OFF || (!in_num && p->n.umax + off > KPACKET_MAX_OFF))
		return;
	o.range = (int32_t)off + open;
	kstate_each_reg(v, s, extend_range, &o);
}

/* Linux: mark_pkt_end */
static void at_or_beyond_end(struct kverify_state *s, unsigned reg, bool beyond)
{
	struct kreg *r = &kframe_cur(s)->r[reg];

	if (r->base == KR_PACKET)
		r->range = beyond ? KPKT_BEYOND_END : KPKT_AT_END;
}

/* The packet's first byte, as it came from the context. */
static bool is_packet_start(const struct kreg *r)
{
	return r->base == KR_PACKET && !r->id && !r->off && knum_is_const(&r->n) && !r->n.t.value;
}

/* Is p compared with what ends the memory that it points into? */
static bool meets_end(const struct kreg *p, const struct kreg *end)
{
	return (p->base == KR_PACKET && end->base == KR_PACKET_END) ||
	       (p->base == KR_PACKET_META && is_packet_start(end));
}

static void learn_packet(struct kverifier *v, const struct isa_insn *in, const struct kreg *a, const struct kreg *b,
			 struct kverify_state *taken)
{
	bool first = meets_end(a, b), beyond, strict;
	const struct kreg p = first ? *a : *b;
	uint8_t sem = first ? in->sem : flipped(in->sem);
	struct kverify_state *inside;

	if (in->form != ISA_FORM_JRR || in->width == 32 || (!first && !meets_end(b, a)))
		return;
	if (sem != ISA_JGT && sem != ISA_JGE && sem != ISA_JLT && sem != ISA_JLE)
		return;
	beyond = sem == ISA_JGT || sem == ISA_JGE; /* taken when p lies beyond */
	strict = sem == ISA_JGE || sem == ISA_JLT; /* inside: p < end, not p <= end */
	inside = beyond ? &v->cur : taken;
	good_up_to(v, inside, &p, strict);
	at_or_beyond_end(beyond ? taken : &v->cur, first ? in->dst : in->src, !strict);
}

FALLIBLE kjump_learn_pointers(struct kverifier *v, const struct isa_insn *in, const struct kreg *a,
			      const struct kreg *b, struct kverify_state *taken)
{
	bool rr = in->form == ISA_FORM_JRR, equality = in->sem == ISA_JEQ || in->sem == ISA_JNE;
	bool with_null = b->base == KR_SCALAR && knum_is_const(&b->n) && !b->n.t.value &&
			 (!rr || khas(v, KERNEL_NULL_IN_REGISTER));

	learn_equal(v, in, a, b, taken);
	if (in->width == 32 || !equality || a->base == KR_SCALAR || !kreg_may_be_null(a) || !with_null) {
		learn_packet(v, in, a, b, taken);
		return E_OK;
	}
	if (rr)
		TRY(kprecise_reg(v, in->src));
	settle(v, &v->cur, in->dst, in->sem == ISA_JNE);
	settle(v, taken, in->dst, in->sem == ISA_JEQ);
	return E_OK;
}
