/* SPDX-License-Identifier: Apache-2.0 */
/*
 * num_branch_old: branches as releases before 6.8 decide them and learn from them: of a number and a constant.
 *
 * The constant is b; only from 6.5 on a constant a is one too when it comes to deciding. Of two numbers, equality alone
 * teaches something. Linux: kernel/bpf/verifier.c:is_branch32_taken, is_branch64_taken, reg_set_min_max,
 * reg_combine_min_max, v6.1.
 */
#include "engine/kverify/num_bits.h"
#include "engine/kverify/num_branch.h"

static inline bool is_known(const struct knum *n, bool is32)
{
	return is32 ? knum_is_const32(n) : knum_is_const(n);
}

/* ---- deciding ---- */

struct range {
	struct kbits t;
	uint64_t umin, umax;
	int64_t smin, smax;
};

static int decide_equal(const struct knum_rules *r, const struct range *n, uint64_t v, int64_t s)
{
	if (kbits_known(n->t))
		return n->t.value == v;
	if (!knum_rule(r, KERNEL_BRANCH_EDGES))
		return -1;
	return v < n->umin || v > n->umax || s < n->smin || s > n->smax ? 0 : -1;
}

static int decide_set(struct kbits t, uint64_t v)
{
	if (t.value & v)
		return 1;
	return kbits_max(t) & v ? -1 : 0;
}

/* n < v, n <= v or, swapped, v < n, v <= n. */
static int decide_less(struct kcompare_op op, const struct range *n, uint64_t v, int64_t s)
{
	bool strict = op.what == KOP_LT, below, above;

	/* below: always, above: never (for n OP v; the other way round when swapped) */
	if (op.swapped)
		strict = !strict;
	if (op.is_signed) {
		below = strict ? n->smax < s : n->smax <= s;
		above = strict ? n->smin >= s : n->smin > s;
	} else {
		below = strict ? n->umax < v : n->umax <= v;
		above = strict ? n->umin >= v : n->umin > v;
	}
	if (op.swapped)
		return above ? 1 : below ? 0 : -1;
	return below ? 1 : above ? 0 : -1;
}

static int decide(const struct knum_rules *r, struct kcompare_op op, const struct knum *n, uint64_t v, bool is32)
{
	struct range x = { n->t, n->umin, n->umax, n->smin, n->smax };
	int64_t s = is32 ? (int32_t)v : (int64_t)v;
	int equal;

	if (is32) {
		x = (struct range){ kbits_low(n->t), n->umin32, n->umax32, n->smin32, n->smax32 };
		v = (uint32_t)v;
	}
	if (op.what == KOP_SET)
		return decide_set(x.t, v);
	if (op.what == KOP_LT || op.what == KOP_LE)
		return decide_less(op, &x, v, s);
	equal = decide_equal(r, &x, v, s);
	return equal < 0 || op.what == KOP_EQ ? equal : !equal;
}

int knum_branch_old(const struct knum_rules *r, const struct isa_insn *in, const struct knum *a, const struct knum *b)
{
	struct kcompare_op op = kcompare_of(in->sem);
	bool is32 = in->width == 32;

	if (is_known(b, is32))
		return decide(r, op, a, b->t.value, is32);
	if (!knum_rule(r, KERNEL_BRANCH_EDGES) || !is_known(a, is32))
		return -1;
	op.swapped = (op.what == KOP_LT || op.what == KOP_LE) && !op.swapped;
	return decide(r, op, b, a->t.value, is32);
}

/* ---- learning ---- */

static void know(const struct knum_rules *r, struct knum *n, uint64_t v, bool is32)
{
	if (is32)
		knum_put_const32(r, n, (uint32_t)v);
	else
		knum_put_const(r, n, v);
}

static void learn_set(const struct knum_rules *r, struct knum *set, struct knum *unset, uint64_t v, bool is32)
{
	struct kbits without = kbits_and(unset->t, kbits_const(~v)), with = kbits_or(set->t, kbits_const(v));

	if (knum_rule(r, KERNEL_BRANCH_SET_FORGETS))
		knum_unbound(r, unset);
	if (is32)
		v = (uint32_t)v;
	unset->t = is32 ? kbits_join(unset->t, without) : without;
	if (v && !(v & (v - 1)))
		set->t = is32 ? kbits_join(set->t, with) : with;
}

/* v, or one more or less; wraps as it does in the kernel. */
static void at_most(struct knum *n, uint64_t v, uint64_t less, bool is_signed, bool is32)
{
	v -= less;
	if (is32 && is_signed)
		n->smax32 = knum_min_int32(n->smax32, (int32_t)v);
	else if (is32)
		n->umax32 = knum_min_uint32(n->umax32, (uint32_t)v);
	else if (is_signed)
		n->smax = knum_min_int64(n->smax, (int64_t)v);
	else
		n->umax = knum_min_uint64(n->umax, v);
}

static void at_least(struct knum *n, uint64_t v, uint64_t more, bool is_signed, bool is32)
{
	v += more;
	if (is32 && is_signed)
		n->smin32 = knum_max_int32(n->smin32, (int32_t)v);
	else if (is32)
		n->umin32 = knum_max_uint32(n->umin32, (uint32_t)v);
	else if (is_signed)
		n->smin = knum_max_int64(n->smin, (int64_t)v);
	else
		n->umin = knum_max_uint64(n->umin, v);
}

/* After one width was narrowed, the other. Linux: __reg_combine_32_into_64, __reg_combine_64_into_32, v6.1 */
static void settle(const struct knum_rules *r, struct knum *n, bool is32)
{
	if (!is32) {
		knum_low_from_whole_old(r, n);
		return;
	}
	if (kbits_max(n->t) >> 32)
		knum_any64(r, n);
	else
		knum_zext_only(r, n);
	knum_sync(r, n);
}

static void learn_const(const struct knum_rules *r, struct kcompare_op op, struct knum *yes, struct knum *no,
			uint64_t v, bool is32)
{
	bool lt = op.what == KOP_LT;

	if (op.what == KOP_EQ)
		know(r, yes, v, is32);
	else if (op.what == KOP_NE)
		know(r, no, v, is32);
	else if (op.what == KOP_SET)
		learn_set(r, yes, no, v, is32);
	else if (op.swapped) { /* v < n, v <= n */
		at_most(no, v, !lt, op.is_signed, is32);
		at_least(yes, v, lt, op.is_signed, is32);
	} else {
		at_least(no, v, !lt, op.is_signed, is32);
		at_most(yes, v, lt, op.is_signed, is32);
	}
	settle(r, no, is32);
	settle(r, yes, is32);
}

static void combine(const struct knum_rules *r, struct knum *a, struct knum *b)
{
	a->umin = b->umin = knum_max_uint64(a->umin, b->umin);
	a->umax = b->umax = knum_min_uint64(a->umax, b->umax);
	a->smin = b->smin = knum_max_int64(a->smin, b->smin);
	a->smax = b->smax = knum_min_int64(a->smax, b->smax);
	a->t = b->t = kbits_both(a->t, b->t);
	knum_sync(r, b);
	knum_sync(r, a);
}

/* 32-bit instructions take a constant of 64 bits for one of 32. */
void knum_learn_old(const struct knum_rules *r, const struct isa_insn *in, struct knum *a_true, struct knum *b_true,
		    struct knum *a_false, struct knum *b_false)
{
	struct kcompare_op op = kcompare_of(in->sem);
	bool is32 = in->width == 32;

	if (is_known(b_false, is32)) {
		learn_const(r, op, a_true, a_false, b_false->t.value, is32);
	} else if (is_known(a_false, is32)) {
		op.swapped = (op.what == KOP_LT || op.what == KOP_LE) && !op.swapped;
		learn_const(r, op, b_true, b_false, a_false->t.value, is32);
	} else if (!is32 && op.what == KOP_EQ) {
		combine(r, a_true, b_true);
	} else if (!is32 && op.what == KOP_NE) {
		combine(r, a_false, b_false);
	}
}
