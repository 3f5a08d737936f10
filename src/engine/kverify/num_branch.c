/* SPDX-License-Identifier: Apache-2.0 */
/*
 * num_branch: which way `if a OP b goto` goes, and what is known of a and b on each way.
 *
 * Every comparison is made one of EQ, NE, LT, LE (signed or not), SET and its contrary, UNSET, with the operands in the
 * order that this takes: a > b is b < a. Before 6.8 one operand had to be a constant (num_branch_old.c). Linux:
 * kernel/bpf/verifier.c:is_scalar_branch_taken, regs_refine_cond_op, v6.12 and v7.2.
 */
#include "engine/kverify/num_branch.h"

#include "engine/kverify/num_bits.h"

struct kcompare_op kcompare_of(uint8_t sem)
{
	switch (sem) {
	case ISA_JEQ:
		return (struct kcompare_op){ KOP_EQ, false, false };
	case ISA_JNE:
		return (struct kcompare_op){ KOP_NE, false, false };
	case ISA_JSET:
		return (struct kcompare_op){ KOP_SET, false, false };
	case ISA_JGT:
		return (struct kcompare_op){ KOP_LT, false, true };
	case ISA_JGE:
		return (struct kcompare_op){ KOP_LE, false, true };
	case ISA_JLT:
		return (struct kcompare_op){ KOP_LT, false, false };
	case ISA_JLE:
		return (struct kcompare_op){ KOP_LE, false, false };
	case ISA_JSGT:
		return (struct kcompare_op){ KOP_LT, true, true };
	case ISA_JSGE:
		return (struct kcompare_op){ KOP_LE, true, true };
	case ISA_JSLT:
		return (struct kcompare_op){ KOP_LT, true, false };
	default:
		return (struct kcompare_op){ KOP_LE, true, false };
	}
}

/* not (a < b) is b <= a. */
struct kcompare_op kcompare_not(struct kcompare_op op)
{
	static const uint8_t contrary[] = {
		[KOP_EQ] = KOP_NE,     [KOP_NE] = KOP_EQ, [KOP_SET] = KOP_UNSET,
		[KOP_UNSET] = KOP_SET, [KOP_LT] = KOP_LE, [KOP_LE] = KOP_LT,
	};

	if (op.what == KOP_LT || op.what == KOP_LE)
		op.swapped = !op.swapped;
	op.what = contrary[op.what];
	return op;
}

/* ---- deciding ---- */

struct bounds {
	struct kbits t;
	uint64_t umin, umax;
	int64_t smin, smax;
};

static struct bounds bounds_of(const struct knum *n, bool is32)
{
	if (!is32)
		return (struct bounds){ n->t, n->umin, n->umax, n->smin, n->smax };
	return (struct bounds){ kbits_low(n->t), n->umin32, n->umax32, n->smin32, n->smax32 };
}

static inline bool apart(const struct bounds *a, const struct bounds *b)
{
	return a->umin > b->umax || a->umax < b->umin || a->smin > b->smax || a->smax < b->smin;
}

/* Can they be equal? 1: they are, 0: never. */
static int decide_equal(const struct knum_rules *r, const struct knum *x, const struct knum *y, bool is32)
{
	struct bounds a = bounds_of(x, is32), b = bounds_of(y, is32);

	if (kbits_known(a.t) && kbits_known(b.t))
		return a.t.value == b.t.value;
	if (knum_rule(r, KERNEL_BRANCH_BITS_APART) && !kbits_overlap(a.t, b.t))
		return 0;
	if (apart(&a, &b))
		return 0;
	if (is32)
		return -1;
	a = bounds_of(x, true);
	b = bounds_of(y, true);
	return apart(&a, &b) ? 0 : -1;
}

/* Are there bits that both have? *unsure: neither is a constant, and nothing more is to be asked. */
static int decide_set(struct kbits a, struct kbits b, bool *unsure)
{
	struct kbits swap = a;

	if (!kbits_known(b)) {
		a = b;
		b = swap;
	}
	*unsure = !kbits_known(b);
	if (*unsure)
		return -1;
	if (a.value & b.value)
		return 1;
	return kbits_max(a) & b.value ? -1 : 0;
}

static int decide_less(struct kcompare_op op, const struct bounds *a, const struct bounds *b)
{
	if (op.is_signed) {
		if (op.what == KOP_LT)
			return a->smax < b->smin ? 1 : a->smin >= b->smax ? 0 : -1;
		return a->smax <= b->smin ? 1 : a->smin > b->smax ? 0 : -1;
	}
	if (op.what == KOP_LT)
		return a->umax < b->umin ? 1 : a->umin >= b->umax ? 0 : -1;
	return a->umax <= b->umin ? 1 : a->umin > b->umax ? 0 : -1;
}

/* A register compared with itself. */
static int decide_same(struct kcompare_op op, const struct bounds *a)
{
	if (op.what == KOP_SET) {
		if (kbits_known(a->t))
			return a->t.value != 0;
		return a->smin <= 0 && a->smax >= 0 ? -1 : 1;
	}
	return op.what == KOP_EQ || op.what == KOP_LE;
}

/* ---- learning: bounds, v6.12 ---- */

static void refine_equal(struct knum *a, struct knum *b, bool is32)
{
	if (is32) {
		a->umin32 = b->umin32 = knum_max_uint32(a->umin32, b->umin32);
		a->umax32 = b->umax32 = knum_min_uint32(a->umax32, b->umax32);
		a->smin32 = b->smin32 = knum_max_int32(a->smin32, b->smin32);
		a->smax32 = b->smax32 = knum_min_int32(a->smax32, b->smax32);
		return;
	}
	a->umin = b->umin = knum_max_uint64(a->umin, b->umin);
	a->umax = b->umax = knum_min_uint64(a->umax, b->umax);
	a->smin = b->smin = knum_max_int64(a->smin, b->smin);
	a->smax = b->smax = knum_min_int64(a->smax, b->smax);
}

/* A constant that stands at an end is cut off. */
static void refine_not(struct knum *a, uint64_t v, bool is32)
{
	if (is32) {
		a->umin32 += a->umin32 == (uint32_t)v;
		a->umax32 -= a->umax32 == (uint32_t)v;
		a->smin32 += a->smin32 == (int32_t)v;
		a->smax32 -= a->smax32 == (int32_t)v;
		return;
	}
	a->umin += a->umin == v;
	a->umax -= a->umax == v;
	a->smin += a->smin == (int64_t)v;
	a->smax -= a->smax == (int64_t)v;
}

/* a < b (by 1) or a <= b (by 0); ends wrap as they do in the kernel. b is narrowed by what a was narrowed to. */
#define LESS(W, S, F)                                                                                 \
	static void refine_less##F(struct knum *a, struct knum *b, unsigned by)                       \
	{                                                                                             \
		a->umax##S = knum_min_uint##W(a->umax##S, b->umax##S - by);                           \
		b->umin##S = knum_max_uint##W(a->umin##S + by, b->umin##S);                           \
	}                                                                                             \
	static void refine_sless##F(struct knum *a, struct knum *b, unsigned by)                      \
	{                                                                                             \
		a->smax##S = knum_min_int##W(a->smax##S, (int##W##_t)((uint##W##_t)b->smax##S - by)); \
		b->smin##S = knum_max_int##W((int##W##_t)((uint##W##_t)a->smin##S + by), b->smin##S); \
	}
LESS(64, , 64)
LESS(32, 32, 32)
#undef LESS

static void refine_less(struct kcompare_op op, struct knum *a, struct knum *b, bool is32)
{
	unsigned by = op.what == KOP_LT;

	if (op.is_signed)
		(is32 ? refine_sless32 : refine_sless64)(a, b, by);
	else
		(is32 ? refine_less32 : refine_less64)(a, b, by);
}

/* ---- learning: arcs, v7.2 ---- */

static void arcs_equal(struct knum *a, struct knum *b, bool is32)
{
	if (is32) {
		knum_put_arc32(a, karc32_both(a->r32, b->r32));
		knum_put_arc32(b, a->r32);
	} else {
		knum_put_arc64(a, karc64_both(a->r64, b->r64));
		knum_put_arc64(b, a->r64);
	}
}

static void arcs_not(struct knum *a, uint64_t v, bool is32)
{
	if (is32)
		knum_put_arc32(a, karc32_both(a->r32, (struct karc32){ (uint32_t)v + 1, UINT32_MAX - 1 }));
	else
		knum_put_arc64(a, karc64_both(a->r64, (struct karc64){ v + 1, UINT64_MAX - 1 }));
}

static void arcs_less32(struct kcompare_op op, struct knum *a, struct knum *b)
{
	uint32_t by = op.what == KOP_LT;

	if (op.is_signed) {
		knum_put_arc32(a, karc32_both(a->r32, karc32_signed(INT32_MIN, (int32_t)((uint32_t)b->smax32 - by))));
		knum_put_arc32(b, karc32_both(b->r32, karc32_signed((int32_t)((uint32_t)a->smin32 + by), INT32_MAX)));
	} else {
		knum_put_arc32(a, karc32_both(a->r32, karc32_unsigned(0, b->umax32 - by)));
		knum_put_arc32(b, karc32_both(b->r32, karc32_unsigned(a->umin32 + by, UINT32_MAX)));
	}
}

static void arcs_less64(struct kcompare_op op, struct knum *a, struct knum *b)
{
	uint64_t by = op.what == KOP_LT;

	if (op.is_signed) {
		knum_put_arc64(a, karc64_both(a->r64, karc64_signed(INT64_MIN, (int64_t)((uint64_t)b->smax - by))));
		knum_put_arc64(b, karc64_both(b->r64, karc64_signed((int64_t)((uint64_t)a->smin + by), INT64_MAX)));
	} else {
		knum_put_arc64(a, karc64_both(a->r64, karc64_unsigned(0, b->umax - by)));
		knum_put_arc64(b, karc64_both(b->r64, karc64_unsigned(a->umin + by, UINT64_MAX)));
	}
}

/* ---- learning: both ---- */

static inline bool is_known(const struct knum *n, bool is32)
{
	return is32 ? knum_is_const32(n) : knum_is_const(n);
}

static inline void put_bits(struct knum *n, struct kbits t, bool is32)
{
	n->t = is32 ? kbits_join(n->t, t) : t;
}

/* One bit of v is set in a: known when v has just one. None is: all of them are known. */
static void refine_set(const struct knum_rules *r, struct knum *a, uint64_t v, bool none, bool is32)
{
	if (none) {
		knum_unbound(r, a);
		put_bits(a, kbits_and(a->t, kbits_const(~v)), is32);
	} else if (v && !(v & (v - 1))) {
		put_bits(a, kbits_or(a->t, kbits_const(v)), is32);
	}
}

static void refine(const struct knum_rules *r, struct kcompare_op op, struct knum *a, struct knum *b, bool is32)
{
	struct knum *swap = a;
	uint64_t v;

	if (op.swapped || ((op.what == KOP_NE || op.what == KOP_SET || op.what == KOP_UNSET) && !is_known(b, is32))) {
		a = b;
		b = swap;
	}
	if (op.what == KOP_EQ) {
		struct kbits t = kbits_both(a->t, b->t);

		(r->arcs ? arcs_equal : refine_equal)(a, b, is32);
		put_bits(a, t, is32);
		put_bits(b, t, is32);
		return;
	}
	if (op.what == KOP_LT || op.what == KOP_LE) {
		if (r->arcs)
			(is32 ? arcs_less32 : arcs_less64)(op, a, b);
		else
			refine_less(op, a, b, is32);
		return;
	}
	if (!is_known(b, is32))
		return;
	v = is32 ? b->t.value & KBITS_LOW : b->t.value;
	if (op.what == KOP_NE)
		(r->arcs ? arcs_not : refine_not)(a, v, is32);
	else
		refine_set(r, a, v, op.what == KOP_UNSET, is32);
}

void knum_learn(const struct knum_rules *r, const struct isa_insn *in, struct knum *a_true, struct knum *b_true,
		struct knum *a_false, struct knum *b_false)
{
	struct kcompare_op op = kcompare_of(in->sem);
	bool is32 = in->width == 32;

	if (!knum_rule(r, KERNEL_BRANCH_RANGES)) {
		knum_learn_old(r, in, a_true, b_true, a_false, b_false);
		return;
	}
	refine(r, kcompare_not(op), a_false, b_false, is32);
	knum_sync(r, a_false);
	knum_sync(r, b_false);
	refine(r, op, a_true, b_true, is32);
	knum_sync(r, a_true);
	knum_sync(r, b_true);
}

/* A way on which an operand cannot be anything is not gone. Linux: verifier.c:simulate_both_branches_taken, v7.2 */
static int try_both(const struct knum_rules *r, struct kcompare_op op, bool is32, struct knum_split *s)
{
	refine(r, kcompare_not(op), &s->a_false, &s->b_false, is32);
	knum_sync(r, &s->a_false);
	knum_sync(r, &s->b_false);
	if (knum_is_empty(r, &s->a_false) || knum_is_empty(r, &s->b_false))
		return 1;
	refine(r, op, &s->a_true, &s->b_true, is32);
	knum_sync(r, &s->a_true);
	knum_sync(r, &s->b_true);
	return knum_is_empty(r, &s->a_true) || knum_is_empty(r, &s->b_true) ? 0 : -1;
}

static int decide(const struct knum_rules *r, struct kcompare_op op, const struct knum *a, const struct knum *b,
		  bool is32, bool *unsure)
{
	struct bounds x, y;
	int equal;

	if (op.what == KOP_EQ || op.what == KOP_NE) {
		equal = decide_equal(r, a, b, is32);
		return equal < 0 || op.what == KOP_EQ ? equal : !equal;
	}
	x = bounds_of(op.swapped ? b : a, is32);
	y = bounds_of(op.swapped ? a : b, is32);
	return op.what == KOP_SET ? decide_set(x.t, y.t, unsure) : decide_less(op, &x, &y);
}

int knum_branch(const struct knum_rules *r, const struct isa_insn *in, const struct knum *a, const struct knum *b,
		bool same, struct knum_split *s)
{
	struct kcompare_op op = kcompare_of(in->sem);
	bool is32 = in->width == 32, unsure = false, tries = knum_rule(r, KERNEL_NUM_TRY_BOTH);
	struct bounds x;
	int way;

	if (!knum_rule(r, KERNEL_BRANCH_RANGES))
		return knum_branch_old(r, in, a, b);
	if (tries)
		*s = (struct knum_split){ *a, *b, *a, *b };
	if (same && knum_rule(r, KERNEL_BRANCH_SAME)) {
		x = bounds_of(a, is32);
		return decide_same(op, &x);
	}
	way = decide(r, op, a, b, is32, &unsure);
	if (way >= 0 || unsure || !tries)
		return way;
	return try_both(r, op, is32, s);
}
