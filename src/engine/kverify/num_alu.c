/* SPDX-License-Identifier: Apache-2.0 */
/*
 * num_alu: dst = dst OP src, as each release reckons it.
 *
 * Most operations track both widths: whatever the instruction's width, bounds of the whole and of the lower half are
 * both computed, and a 32-bit instruction then extends the lower half. Shifts, division and remainder compute the
 * instruction's width only. Linux: kernel/bpf/verifier.c:adjust_scalar_min_max_vals, v5.10 to v7.2.
 */
#include "engine/kverify/num_bits.h"

/* ---- add, sub, neg ---- */

/*
 * Unsigned ends that wrap both are still in order: both_wrap, where that is known. Only one, or it is not known:
 * anything.
 */
#define ENDS(W)                                                                                             \
	static void add_ends##W(bool both_wrap, uint##W##_t *umin, uint##W##_t *umax, uint##W##_t by_min,   \
				uint##W##_t by_max)                                                         \
	{                                                                                                   \
		bool low = __builtin_add_overflow(*umin, by_min, umin);                                     \
		bool high = __builtin_add_overflow(*umax, by_max, umax);                                    \
		if (both_wrap ? high && !low : low || high) {                                               \
			*umin = 0;                                                                          \
			*umax = UINT##W##_MAX;                                                              \
		}                                                                                           \
	}                                                                                                   \
	static void sub_ends##W(bool both_wrap, uint##W##_t *umin, uint##W##_t *umax, uint##W##_t by_min,   \
				uint##W##_t by_max)                                                         \
	{                                                                                                   \
		bool low = __builtin_sub_overflow(*umin, by_max, umin);                                     \
		bool high = __builtin_sub_overflow(*umax, by_min, umax);                                    \
		if (low && !(high && both_wrap)) {                                                          \
			*umin = 0;                                                                          \
			*umax = UINT##W##_MAX;                                                              \
		}                                                                                           \
	}                                                                                                   \
	static void add_signed##W(int##W##_t *smin, int##W##_t *smax, int##W##_t by_min, int##W##_t by_max) \
	{                                                                                                   \
		bool low = __builtin_add_overflow(*smin, by_min, smin);                                     \
		bool high = __builtin_add_overflow(*smax, by_max, smax);                                    \
		if (low || high) {                                                                          \
			*smin = INT##W##_MIN;                                                               \
			*smax = INT##W##_MAX;                                                               \
		}                                                                                           \
	}                                                                                                   \
	static void sub_signed##W(int##W##_t *smin, int##W##_t *smax, int##W##_t by_min, int##W##_t by_max) \
	{                                                                                                   \
		bool low = __builtin_sub_overflow(*smin, by_max, smin);                                     \
		bool high = __builtin_sub_overflow(*smax, by_min, smax);                                    \
		if (low || high) {                                                                          \
			*smin = INT##W##_MIN;                                                               \
			*smax = INT##W##_MAX;                                                               \
		}                                                                                           \
	}
ENDS(64)
ENDS(32)
#undef ENDS

void knum_add_bounds(const struct knum_rules *r, struct knum *d, const struct knum *s)
{
	bool both_wrap = knum_rule(r, KERNEL_NUM_BOTH_ENDS_WRAP);

	if (r->arcs) {
		knum_put_arc32(d, karc32_add(d->r32, s->r32));
		knum_put_arc64(d, karc64_add(d->r64, s->r64));
		return;
	}
	add_signed32(&d->smin32, &d->smax32, s->smin32, s->smax32);
	add_ends32(both_wrap, &d->umin32, &d->umax32, s->umin32, s->umax32);
	add_signed64(&d->smin, &d->smax, s->smin, s->smax);
	add_ends64(both_wrap, &d->umin, &d->umax, s->umin, s->umax);
}

void knum_sub_bounds(const struct knum_rules *r, struct knum *d, const struct knum *s)
{
	bool both_wrap = knum_rule(r, KERNEL_NUM_BOTH_ENDS_WRAP);

	if (r->arcs) {
		knum_put_arc32(d, karc32_add(d->r32, karc32_neg(s->r32)));
		knum_put_arc64(d, karc64_add(d->r64, karc64_neg(s->r64)));
		return;
	}
	sub_signed32(&d->smin32, &d->smax32, s->smin32, s->smax32);
	sub_ends32(both_wrap, &d->umin32, &d->umax32, s->umin32, s->umax32);
	sub_signed64(&d->smin, &d->smax, s->smin, s->smax);
	sub_ends64(both_wrap, &d->umin, &d->umax, s->umin, s->umax);
}

/* Offsets of pointers are never taken to wrap at both ends. */
static void move_bounds(const struct knum_rules *r, struct knum *d, const struct knum *by, bool subtract)
{
	if (r->arcs) {
		knum_put_arc64(d, karc64_add(d->r64, subtract ? karc64_neg(by->r64) : by->r64));
	} else if (subtract) {
		sub_signed64(&d->smin, &d->smax, by->smin, by->smax);
		sub_ends64(false, &d->umin, &d->umax, by->umin, by->umax);
	} else {
		add_signed64(&d->smin, &d->smax, by->smin, by->smax);
		add_ends64(false, &d->umin, &d->umax, by->umin, by->umax);
	}
}

void knum_move(const struct knum_rules *r, struct knum *off, const struct knum *by, bool subtract)
{
	if (by) {
		move_bounds(r, off, by, subtract);
		off->t = subtract ? kbits_sub(off->t, by->t) : kbits_add(off->t, by->t);
	}
	knum_any32(r, off);
}

static void neg(const struct knum_rules *r, struct knum *d)
{
	struct knum was = *d;

	knum_put_const(r, d, 0);
	knum_sub_bounds(r, d, &was);
	d->t = kbits_sub(kbits_const(0), was.t);
}

/* ---- mul ---- */

/* Before 6.14: only products of small numbers that are not negative. Linux: scalar_min_max_mul, v6.12 */
static void mul64_small(const struct knum_rules *r, struct knum *d, const struct knum *s)
{
	if (s->smin < 0 || d->smin < 0 || s->umax > UINT32_MAX || d->umax > UINT32_MAX) {
		knum_any64(r, d);
		return;
	}
	d->umin *= s->umin;
	d->umax *= s->umax;
	d->smin = d->umax > INT64_MAX ? INT64_MIN : (int64_t)d->umin;
	d->smax = d->umax > INT64_MAX ? INT64_MAX : (int64_t)d->umax;
}

static void mul32_small(const struct knum_rules *r, struct knum *d, const struct knum *s)
{
	if (s->smin32 < 0 || d->smin32 < 0 || s->umax32 > UINT16_MAX || d->umax32 > UINT16_MAX) {
		knum_any32(r, d);
		return;
	}
	d->umin32 *= s->umin32;
	d->umax32 *= s->umax32;
	d->smin32 = d->umax32 > INT32_MAX ? INT32_MIN : (int32_t)d->umin32;
	d->smax32 = d->umax32 > INT32_MAX ? INT32_MAX : (int32_t)d->umax32;
}

/* From 6.14: the least and greatest of the four products of ends, unless one does not fit. Linux: scalar_min_max_mul,
 * v7.2 */
#define MUL(W)                                                                                                    \
	static void mul##W##_unsigned(uint##W##_t *min, uint##W##_t *max, uint##W##_t by_min, uint##W##_t by_max) \
	{                                                                                                         \
		if (__builtin_mul_overflow(*max, by_max, max) || __builtin_mul_overflow(*min, by_min, min)) {     \
			*min = 0;                                                                                 \
			*max = UINT##W##_MAX;                                                                     \
		}                                                                                                 \
	}                                                                                                         \
	static void mul##W##_signed(int##W##_t *min, int##W##_t *max, int##W##_t by_min, int##W##_t by_max)       \
	{                                                                                                         \
		int##W##_t p[4];                                                                                  \
		if (__builtin_mul_overflow(*min, by_min, &p[0]) || __builtin_mul_overflow(*min, by_max, &p[1]) || \
		    __builtin_mul_overflow(*max, by_min, &p[2]) || __builtin_mul_overflow(*max, by_max, &p[3])) { \
			*min = INT##W##_MIN;                                                                      \
			*max = INT##W##_MAX;                                                                      \
			return;                                                                                   \
		}                                                                                                 \
		*min = knum_min_int##W(knum_min_int##W(p[0], p[1]), knum_min_int##W(p[2], p[3]));                 \
		*max = knum_max_int##W(knum_max_int##W(p[0], p[1]), knum_max_int##W(p[2], p[3]));                 \
	}
MUL(64)
MUL(32)
#undef MUL

static void mul_ends(const struct knum_rules *r, struct knum *d, const struct knum *s)
{
	mul32_unsigned(&d->umin32, &d->umax32, s->umin32, s->umax32);
	mul32_signed(&d->smin32, &d->smax32, s->smin32, s->smax32);
	mul64_unsigned(&d->umin, &d->umax, s->umin, s->umax);
	mul64_signed(&d->smin, &d->smax, s->smin, s->smax);
	if (!r->arcs)
		return;
	knum_put_arc32(d, karc32_both(karc32_unsigned(d->umin32, d->umax32), karc32_signed(d->smin32, d->smax32)));
	knum_put_arc64(d, karc64_both(karc64_unsigned(d->umin, d->umax), karc64_signed(d->smin, d->smax)));
}

static void mul(const struct knum_rules *r, struct knum *d, const struct knum *s)
{
	d->t = kbits_mul(r, d->t, s->t);
	if (knum_rule(r, KERNEL_NUM_MUL_ENDS)) {
		mul_ends(r, d, s);
		return;
	}
	mul32_small(r, d, s);
	mul64_small(r, d, s);
}

/* ---- div, mod ---- */

/* Nothing is known of the rest of the number: what has been computed is put back by the caller's knum_sync. */
static void forget_other_width(const struct knum_rules *r, struct knum *d, bool is32)
{
	if (is32)
		knum_any64(r, d);
	else
		knum_any32(r, d);
	d->t = kbits_any();
}

static void udiv(const struct knum_rules *r, struct knum *d, const struct knum *s, bool is32)
{
	if (is32)
		knum_put_u32(r, d, d->umin32 / s->umin32, d->umax32 / s->umin32);
	else
		knum_put_u64(r, d, d->umin / s->umin, d->umax / s->umin);
	forget_other_width(r, d, is32);
}

static void umod(const struct knum_rules *r, struct knum *d, const struct knum *s, bool is32)
{
	uint64_t top = (is32 ? s->umin32 : s->umin) - 1;

	if ((is32 ? d->umax32 : d->umax) <= top)
		return;
	if (is32)
		knum_put_u32(r, d, 0, (uint32_t)top);
	else
		knum_put_u64(r, d, 0, top);
	forget_other_width(r, d, is32);
}

static void put_signed(const struct knum_rules *r, struct knum *d, int64_t min, int64_t max, bool is32)
{
	if (is32)
		knum_put_s32(r, d, (int32_t)min, (int32_t)max);
	else
		knum_put_s64(r, d, min, max);
	forget_other_width(r, d, is32);
}

/* The least number of the width divided by -1 is itself: with others beside it the quotients have a gap. */
static void sdiv(const struct knum_rules *r, struct knum *d, const struct knum *s, bool is32)
{
	int64_t least = is32 ? INT32_MIN : INT64_MIN, greatest = -(least + 1);
	int64_t min = is32 ? d->smin32 : d->smin, max = is32 ? d->smax32 : d->smax, by = is32 ? s->smin32 : s->smin;

	if (min == least && by == -1)
		put_signed(r, d, least, max == least ? least : greatest, is32);
	else
		put_signed(r, d, knum_min_int64(min / by, max / by), knum_max_int64(min / by, max / by), is32);
}

static void smod(const struct knum_rules *r, struct knum *d, const struct knum *s, bool is32)
{
	int64_t min = is32 ? d->smin32 : d->smin, max = is32 ? d->smax32 : d->smax, by = is32 ? s->smin32 : s->smin;
	int64_t top = (int64_t)((by > 0 ? (uint64_t)by : 0 - (uint64_t)by) - 1);

	if (min >= -top && max <= top)
		return;
	if (min >= 0)
		put_signed(r, d, 0, knum_min_int64(max, top), is32);
	else if (max <= 0)
		put_signed(r, d, knum_max_int64(min, -top), 0, is32);
	else
		put_signed(r, d, -top, top, is32);
}

/* By a constant. x / 0 is 0, x % 0 is x. */
static void divide(const struct knum_rules *r, const struct isa_insn *in, struct knum *d, const struct knum *s)
{
	bool is32 = in->width == 32, is_div = in->sem == ISA_DIV || in->sem == ISA_SDIV;

	if (!(is32 ? s->umin32 : s->umin)) {
		if (is_div)
			knum_put_const(r, d, 0);
	} else if (in->sem == ISA_DIV) {
		udiv(r, d, s, is32);
	} else if (in->sem == ISA_MOD) {
		umod(r, d, s, is32);
	} else if (in->sem == ISA_SDIV) {
		sdiv(r, d, s, is32);
	} else {
		smod(r, d, s, is32);
	}
}

/* ---- and, or, xor ---- */

/*
 * Unsigned bounds out of the result's bits and the operands' bounds; the signed ones follow when the result has one
 * sign. Before 6.10 they follow when both operands are not negative. Linux: scalar_min_max_and, scalar_min_max_or,
 * scalar_min_max_xor, v6.1 and v6.12
 */
static void put_bitwise64(const struct knum_rules *r, struct knum *d, uint64_t min, uint64_t max, bool positive)
{
	knum_put_u64(r, d, min, max);
	if (knum_rule(r, KERNEL_NUM_BITWISE_SIGN))
		return;
	d->smin = positive ? (int64_t)min : INT64_MIN;
	d->smax = positive ? (int64_t)max : INT64_MAX;
}

static void put_bitwise32(const struct knum_rules *r, struct knum *d, uint32_t min, uint32_t max, bool positive)
{
	knum_put_u32(r, d, min, max);
	if (knum_rule(r, KERNEL_NUM_BITWISE_SIGN))
		return;
	d->smin32 = positive ? (int32_t)min : INT32_MIN;
	d->smax32 = positive ? (int32_t)max : INT32_MAX;
}

static void bitwise32(const struct knum_rules *r, enum isa_sem op, struct knum *d, const struct knum *s, bool known)
{
	uint32_t ones = (uint32_t)d->t.value, any = (uint32_t)kbits_max(d->t);
	bool positive = d->smin32 >= 0 && s->smin32 >= 0;

	if (known)
		knum_put_const32(r, d, ones);
	else if (op == ISA_AND)
		put_bitwise32(r, d, ones, knum_min_uint32(d->umax32, s->umax32), positive);
	else if (op == ISA_OR)
		put_bitwise32(r, d, knum_max_uint32(d->umin32, s->umin32), any, positive);
	else
		put_bitwise32(r, d, ones, any, positive);
}

static void bitwise64(const struct knum_rules *r, enum isa_sem op, struct knum *d, const struct knum *s)
{
	uint64_t ones = d->t.value, any = kbits_max(d->t);
	bool positive = d->smin >= 0 && s->smin >= 0;

	if (op == ISA_AND)
		put_bitwise64(r, d, ones, knum_min_uint64(d->umax, s->umax), positive);
	else if (op == ISA_OR)
		put_bitwise64(r, d, knum_max_uint64(d->umin, s->umin), any, positive);
	else
		put_bitwise64(r, d, ones, any, positive);
	if (op != ISA_XOR || !r->arcs)
		knum_narrow_by_bits(r, d);
}

static void bitwise(const struct knum_rules *r, enum isa_sem op, struct knum *d, const struct knum *s)
{
	d->t = op == ISA_AND ? kbits_and(d->t, s->t) : op == ISA_OR ? kbits_or(d->t, s->t) : kbits_xor(d->t, s->t);
	/* Whether both are constants is asked after dst's bits have been replaced: a result that is known, of a known
	 * src, counts. */
	bitwise32(r, op, d, s, knum_is_const32(s) && knum_is_const32(d));
	if (knum_is_const(s) && knum_is_const(d))
		knum_put_const(r, d, d->t.value);
	else
		bitwise64(r, op, d, s);
}

/* ---- shifts, by a constant ---- */

static void lsh32_bounds(const struct knum_rules *r, struct knum *d, unsigned n)
{
	bool fits = n <= 31 && d->umax32 <= UINT32_C(1) << (31 - n);
	uint32_t min = fits ? d->umin32 << n : 0, max = fits ? d->umax32 << n : UINT32_MAX;

	knum_put_u32(r, d, min, max);
	if (r->arcs)
		return;
	d->smin32 = INT32_MIN;
	d->smax32 = INT32_MAX;
}

static void lsh32(const struct knum_rules *r, struct knum *d, unsigned n)
{
	lsh32_bounds(r, d, n);
	d->t = kbits_low(kbits_lsh(kbits_low(d->t), n));
	knum_any64(r, d);
	knum_narrow32_by_bits(r, d);
}

/* Shifted by 32, the lower half's signed bounds become the whole's: half of a sign extension. */
static void lsh64_signed(const struct knum_rules *r, const struct knum *d, unsigned n, int64_t *min, int64_t *max)
{
	bool each = !knum_rule(
		r, KERNEL_NUM_LSH32_NEGATIVE); /* then each end by itself, and only when it is not negative */

	*min = n == 32 && (!each || d->smin32 >= 0) ? (int64_t)d->smin32 * (INT64_C(1) << 32) : INT64_MIN;
	*max = n == 32 && (!each || d->smax32 >= 0) ? (int64_t)d->smax32 * (INT64_C(1) << 32) : INT64_MAX;
}

static void lsh64(const struct knum_rules *r, struct knum *d, unsigned n)
{
	bool fits = d->umax <= UINT64_C(1) << (63 - n);
	uint64_t umin = fits ? d->umin << n : 0, umax = fits ? d->umax << n : UINT64_MAX;
	int64_t smin, smax;

	lsh64_signed(r, d, n, &smin, &smax);
	if (r->arcs) {
		knum_put_arc64(d, karc64_both(karc64_unsigned(umin, umax), karc64_signed(smin, smax)));
	} else {
		d->umin = umin;
		d->umax = umax;
		d->smin = smin;
		d->smax = smax;
	}
	lsh32_bounds(r, d, n);
	d->t = kbits_lsh(d->t, n);
	knum_narrow_by_bits(r, d);
}

static void rsh32(const struct knum_rules *r, struct knum *d, unsigned n)
{
	d->t = kbits_rsh(kbits_low(d->t), n);
	knum_put_u32(r, d, d->umin32 >> n, d->umax32 >> n);
	if (!r->arcs) {
		d->smin32 = INT32_MIN;
		d->smax32 = INT32_MAX;
	}
	knum_any64(r, d);
	knum_narrow32_by_bits(r, d);
}

static void rsh64(const struct knum_rules *r, struct knum *d, unsigned n)
{
	d->t = kbits_rsh(d->t, n);
	knum_put_u64(r, d, d->umin >> n, d->umax >> n);
	if (!r->arcs) {
		d->smin = INT64_MIN;
		d->smax = INT64_MAX;
	}
	knum_any32(r, d);
	knum_narrow_by_bits(r, d);
}

static void arsh32(const struct knum_rules *r, struct knum *d, unsigned n)
{
	knum_put_s32(r, d, d->smin32 >> n, d->smax32 >> n);
	d->t = kbits_arsh(kbits_low(d->t), n, true);
	knum_any64(r, d);
	knum_narrow32_by_bits(r, d);
}

static void arsh64(const struct knum_rules *r, struct knum *d, unsigned n)
{
	knum_put_s64(r, d, d->smin >> n, d->smax >> n);
	d->t = kbits_arsh(d->t, n, false);
	knum_any32(r, d);
	knum_narrow_by_bits(r, d);
}

static void shift(const struct knum_rules *r, const struct isa_insn *in, struct knum *d, unsigned n)
{
	bool is32 = in->width == 32;

	if (in->sem == ISA_LSH)
		(is32 ? lsh32 : lsh64)(r, d, n);
	else if (in->sem == ISA_RSH)
		(is32 ? rsh32 : rsh64)(r, d, n);
	else
		(is32 ? arsh32 : arsh64)(r, d, n);
}

/* ---- byte order; the machine is little-endian ---- */

/* Linux: kernel/bpf/verifier.c:scalar_byte_swap, v7.2 */
static void byte_order(const struct knum_rules *r, const struct isa_insn *in, struct knum *d)
{
	if (in->sem != ISA_END_LE) {
		d->t = kbits_swap(d->t, in->width);
		knum_any64(r, d);
		knum_any32(r, d);
	}
	if (in->width < 64)
		knum_truncate(r, d, in->width / 8);
}

/* ---- what can be computed at all ---- */

static bool is_byte_order(const struct isa_insn *in)
{
	return in->sem == ISA_END_LE || in->sem == ISA_END_BE || in->sem == ISA_BSWAP;
}

/* Linux: kernel/bpf/verifier.c:is_safe_to_compute_dst_reg_range, v6.12 and v7.2 */
static bool computable(const struct knum_rules *r, const struct isa_insn *in, const struct knum *s)
{
	bool is_const = in->width == 32 ? knum_is_const32(s) && s->smin32 == s->smax32 && s->umin32 == s->umax32
					: knum_is_const(s) && s->smin == s->smax && s->umin == s->umax;

	switch (in->sem) {
	case ISA_ADD:
	case ISA_SUB:
	case ISA_AND:
	case ISA_OR:
	case ISA_XOR:
	case ISA_MUL:
		return true;
	case ISA_LSH:
	case ISA_RSH:
	case ISA_ARSH:
		return is_const && s->umax < in->width;
	case ISA_NEG:
		return knum_rule(r, KERNEL_NUM_NEG);
	case ISA_DIV:
	case ISA_MOD:
	case ISA_SDIV:
	case ISA_SMOD:
		return is_const && knum_rule(r, KERNEL_NUM_DIV);
	default:
		return is_byte_order(in) && knum_rule(r, KERNEL_NUM_SWAP);
	}
}

/*
 * Before 6.10. A src whose bounds are broken, or that is not known where it would have to be, leaves dst unknown in all
 * of its bits; a shift too far or an operation that is not tracked leaves it unknown and is then extended like any
 * other: *extend. Linux: kernel/bpf/verifier.c:adjust_scalar_min_max_vals, v6.1
 */
static bool computable_old(const struct isa_insn *in, const struct knum *s, bool *extend)
{
	bool is32 = in->width == 32, known = is32 ? knum_is_const32(s) : knum_is_const(s);
	bool one = is32 ? s->smin32 == s->smax32 && s->umin32 == s->umax32 : s->smin == s->smax && s->umin == s->umax;
	bool empty = is32 ? s->smin32 > s->smax32 || s->umin32 > s->umax32 : s->smin > s->smax || s->umin > s->umax;

	*extend = false;
	if ((known && !one) || empty)
		return false;
	if (!known && in->sem != ISA_ADD && in->sem != ISA_SUB && in->sem != ISA_AND)
		return false;
	*extend = true;
	switch (in->sem) {
	case ISA_ADD:
	case ISA_SUB:
	case ISA_AND:
	case ISA_OR:
	case ISA_XOR:
	case ISA_MUL:
		return true;
	case ISA_LSH:
	case ISA_RSH:
	case ISA_ARSH:
		return s->umax < in->width;
	default:
		return false;
	}
}

static void compute(const struct knum_rules *r, const struct isa_insn *in, struct knum *d, const struct knum *s)
{
	switch (in->sem) {
	case ISA_ADD:
		knum_add_bounds(r, d, s);
		d->t = kbits_add(d->t, s->t);
		break;
	case ISA_SUB:
		knum_sub_bounds(r, d, s);
		d->t = kbits_sub(d->t, s->t);
		break;
	case ISA_NEG:
		neg(r, d);
		break;
	case ISA_MUL:
		mul(r, d, s);
		break;
	case ISA_AND:
	case ISA_OR:
	case ISA_XOR:
		bitwise(r, (enum isa_sem)in->sem, d, s);
		break;
	case ISA_LSH:
	case ISA_RSH:
	case ISA_ARSH:
		/* A number of a broken state may shift too far: by what the machine makes of it. */
		shift(r, in, d, (unsigned)(in->width == 32 ? s->umin32 : s->umin) & (in->width - 1u));
		break;
	case ISA_DIV:
	case ISA_MOD:
	case ISA_SDIV:
	case ISA_SMOD:
		divide(r, in, d, s);
		break;
	default:
		byte_order(r, in, d);
		break;
	}
}

bool knum_alu(const struct knum_rules *r, const struct isa_insn *in, struct knum *dst, struct knum src)
{
	bool extend = false;
	bool known = knum_rule(r, KERNEL_NUM_ANY_SOURCE) ? computable(r, in, &src) : computable_old(in, &src, &extend);

	if (known)
		compute(r, in, dst, &src);
	else
		*dst = knum_unknown(r);
	if (!known && !extend)
		return false;
	if (in->width == 32 && !is_byte_order(in))
		knum_zext_only(r, dst);
	knum_sync(r, dst);
	return known;
}
