/* SPDX-License-Identifier: Apache-2.0 */
/* range_branch: what a comparison tells of its operands. */
#include "engine/verify/range.h"

/* a < b, or a <= b. */
static bool less_unsigned(struct bounds *a, struct bounds *b, uint64_t gap)
{
	if (b->umax < gap || a->umin > b->umax - gap)
		return false;
	if (a->umax > b->umax - gap)
		a->umax = b->umax - gap;
	if (b->umin < a->umin + gap)
		b->umin = a->umin + gap;
	return true;
}

static bool less_signed(struct bounds *a, struct bounds *b, int64_t gap, unsigned width)
{
	if (b->smax < bounds_full(width).smin + gap || a->smin > b->smax - gap)
		return false;
	if (a->smax > b->smax - gap)
		a->smax = b->smax - gap;
	if (b->smin < a->smin + gap)
		b->smin = a->smin + gap;
	return true;
}

bool bounds_less(struct bounds *a, struct bounds *b, bool is_signed, bool or_equal, unsigned width)
{
	return is_signed ? less_signed(a, b, !or_equal, width) : less_unsigned(a, b, !or_equal);
}

/* A constant at the edge of a range is taken off it. */
static bool not_this(struct bounds *a, const struct bounds *c)
{
	if (c->umin == c->umax) {
		if (a->umin == a->umax && a->umin == c->umin)
			return false;
		if (a->umin == c->umin)
			a->umin++;
		else if (a->umax == c->umin)
			a->umax--;
	}
	if (c->smin == c->smax) {
		if (a->smin == a->smax && a->smin == c->smin)
			return false;
		if (a->smin == c->smin)
			a->smin++;
		else if (a->smax == c->smin)
			a->smax--;
	}
	return true;
}

bool bounds_not_equal(struct bounds *a, struct bounds *b)
{
	struct bounds was = *a;

	return not_this(a, b) && not_this(b, &was);
}

static bool refine_bounds(enum isa_sem op, unsigned width, struct scalar *a, struct scalar *b)
{
	struct bounds x = scalar_bounds(a, width), y = scalar_bounds(b, width);
	bool ok;

	if (op == ISA_JNE)
		ok = bounds_not_equal(&x, &y);
	else
		ok = bounds_less(&x, &y, op == ISA_JSLT || op == ISA_JSLE, op == ISA_JLE || op == ISA_JSLE, width);
	scalar_set_bounds(a, width, &x);
	scalar_set_bounds(b, width, &y);
	return ok;
}

static bool refine_equal(unsigned width, struct scalar *a, struct scalar *b)
{
	struct tnum at = tnum_low(a->t, width), bt = tnum_low(b->t, width), both;
	struct bounds x = scalar_bounds(a, width), y = scalar_bounds(b, width);
	struct bounds r = { x.umin > y.umin ? x.umin : y.umin, x.umax < y.umax ? x.umax : y.umax,
			    x.smin > y.smin ? x.smin : y.smin, x.smax < y.smax ? x.smax : y.smax };
	uint64_t above = ~low_bits(width);

	if (!tnum_meet(at, bt, &both) || r.umin > r.umax || r.smin > r.smax)
		return false;
	a->t = (struct tnum){ (a->t.value & above) | both.value, (a->t.mask & above) | both.mask };
	b->t = (struct tnum){ (b->t.value & above) | both.value, (b->t.mask & above) | both.mask };
	scalar_set_bounds(a, width, &r);
	scalar_set_bounds(b, width, &r);
	return true;
}

/* a & b is zero: where one has a known one, the other has zero. */
static bool refine_no_common_bit(unsigned width, struct scalar *a, struct scalar *b)
{
	uint64_t in_a = a->t.value & low_bits(width), in_b = b->t.value & low_bits(width);

	if (in_a & in_b)
		return false;
	a->t.mask &= ~in_b;
	b->t.mask &= ~in_a;
	return true;
}

/* a & b is not zero: if only one bit can be common, it is one in both. */
static bool refine_common_bit(unsigned width, struct scalar *a, struct scalar *b)
{
	uint64_t may = tnum_max(a->t) & tnum_max(b->t) & low_bits(width);

	if (!may)
		return false;
	if (may & (may - 1))
		return true;
	a->t = (struct tnum){ a->t.value | may, a->t.mask & ~may };
	b->t = (struct tnum){ b->t.value | may, b->t.mask & ~may };
	return true;
}

static enum isa_sem opposite(enum isa_sem op)
{
	switch (op) {
	case ISA_JEQ:
		return ISA_JNE;
	case ISA_JNE:
		return ISA_JEQ;
	case ISA_JGT:
		return ISA_JLE;
	case ISA_JGE:
		return ISA_JLT;
	case ISA_JLT:
		return ISA_JGE;
	case ISA_JLE:
		return ISA_JGT;
	case ISA_JSGT:
		return ISA_JSLE;
	case ISA_JSGE:
		return ISA_JSLT;
	case ISA_JSLT:
		return ISA_JSGE;
	default:
		return ISA_JSGT;
	}
}

/* a > b is b < a. */
static enum isa_sem mirrored(enum isa_sem op)
{
	switch (op) {
	case ISA_JGT:
		return ISA_JLT;
	case ISA_JGE:
		return ISA_JLE;
	case ISA_JSGT:
		return ISA_JSLT;
	case ISA_JSGE:
		return ISA_JSLE;
	default:
		return op;
	}
}

static bool refine(enum isa_sem op, unsigned width, bool holds, struct scalar *a, struct scalar *b)
{
	if (op == ISA_JSET)
		return holds ? refine_common_bit(width, a, b) : refine_no_common_bit(width, a, b);
	if (!holds)
		op = opposite(op);
	if (op == ISA_JEQ)
		return refine_equal(width, a, b);
	if (mirrored(op) != op)
		return refine_bounds(mirrored(op), width, b, a);
	return refine_bounds(op, width, a, b);
}

bool scalar_refine(enum isa_sem op, unsigned width, bool holds, struct scalar *a, struct scalar *b)
{
	return refine(op, width, holds, a, b) && scalar_deduce(a) && scalar_deduce(b);
}
