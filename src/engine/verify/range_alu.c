/* SPDX-License-Identifier: Apache-2.0 */
/*
 * range_alu: arithmetic on what is known of numbers.
 *
 * Bounds are computed at 64 and at 32 bits apart, known bits by tnum, and scalar_deduce() joins
 * them. A rule that cannot say the result as one range gives the full range: always sound.
 */
#include "engine/verify/range.h"

/* Where the true sum lies: -1 below, 0 inside, 1 above the signed numbers of this width. */
static int sum_wraps(int64_t x, int64_t y, int64_t sum)
{
	if (x >= 0 && y >= 0 && sum < 0)
		return 1;
	return x < 0 && y < 0 && sum >= 0 ? -1 : 0;
}

/* Both ends wrap alike, or neither does: still one piece. */
static struct bounds bounds_add(const struct bounds *a, const struct bounds *b, unsigned w)
{
	struct bounds r = bounds_full(w);
	uint64_t lo = (a->umin + b->umin) & low_bits(w), hi = (a->umax + b->umax) & low_bits(w);
	int64_t slo = sign_extend((uint64_t)a->smin + (uint64_t)b->smin, w);
	int64_t shi = sign_extend((uint64_t)a->smax + (uint64_t)b->smax, w);

	if ((lo < a->umin) == (hi < a->umax)) {
		r.umin = lo;
		r.umax = hi;
	}
	if (sum_wraps(a->smin, b->smin, slo) == sum_wraps(a->smax, b->smax, shi)) {
		r.smin = slo;
		r.smax = shi;
	}
	return r;
}

static int difference_wraps(int64_t x, int64_t y, int64_t diff)
{
	if (x >= 0 && y < 0 && diff < 0)
		return 1;
	return x < 0 && y >= 0 && diff >= 0 ? -1 : 0;
}

static struct bounds bounds_sub(const struct bounds *a, const struct bounds *b, unsigned w)
{
	struct bounds r = bounds_full(w);
	uint64_t lo = (a->umin - b->umax) & low_bits(w), hi = (a->umax - b->umin) & low_bits(w);
	int64_t slo = sign_extend((uint64_t)a->smin - (uint64_t)b->smax, w);
	int64_t shi = sign_extend((uint64_t)a->smax - (uint64_t)b->smin, w);

	if ((a->umin < b->umax) == (a->umax < b->umin)) {
		r.umin = lo;
		r.umax = hi;
	}
	if (difference_wraps(a->smin, b->smax, slo) == difference_wraps(a->smax, b->smin, shi)) {
		r.smin = slo;
		r.smax = shi;
	}
	return r;
}

static bool mul_fits(int64_t x, int64_t y, unsigned w, int64_t *out)
{
	return !__builtin_mul_overflow(x, y, out) && *out == sign_extend((uint64_t)*out, w);
}

static struct bounds bounds_mul(const struct bounds *a, const struct bounds *b, unsigned w)
{
	const int64_t as[] = { a->smin, a->smax }, bs[] = { b->smin, b->smax };
	struct bounds r = bounds_full(w);
	int64_t least = INT64_MAX, most = INT64_MIN, p;
	uint64_t hi;

	if (!__builtin_mul_overflow(a->umax, b->umax, &hi) && hi <= low_bits(w)) {
		r.umin = a->umin * b->umin;
		r.umax = hi;
	}
	for (unsigned i = 0; i < 4; i++) {
		if (!mul_fits(as[i & 1], bs[i >> 1], w, &p))
			return r;
		least = p < least ? p : least;
		most = p > most ? p : most;
	}
	r.smin = least;
	r.smax = most;
	return r;
}

/* RFC 9669 section 4.1: x / 0 = 0. */
static struct bounds bounds_div(const struct bounds *a, const struct bounds *b, unsigned w)
{
	struct bounds r = bounds_full(w);

	r.umin = b->umin ? a->umin / b->umax : 0;
	r.umax = b->umax ? a->umax / (b->umin ? b->umin : 1) : 0;
	return r;
}

/* x % 0 = x. */
static struct bounds bounds_mod(const struct bounds *a, const struct bounds *b, unsigned w)
{
	struct bounds r = bounds_full(w);

	if (!b->umax || a->umax < b->umin)
		return *a;
	r.umax = a->umax;
	if (b->umin && b->umax - 1 < r.umax)
		r.umax = b->umax - 1;
	return r;
}

/*
 * With the divisor's sign fixed the quotient is monotone in both operands, so its extremes are at corners. The
 * divisor -1 on the least number wraps to itself (section 4.1); then nothing is said.
 */
static struct bounds bounds_sdiv(const struct bounds *a, const struct bounds *b, unsigned w)
{
	struct bounds r = bounds_full(w);
	const int64_t as[] = { a->smin, a->smax };
	const int64_t divisors[] = { b->smin, b->smax < -1 ? b->smax : -1, b->smin > 1 ? b->smin : 1, b->smax };
	bool zero = b->smin <= 0 && b->smax >= 0;
	int64_t least = zero ? 0 : INT64_MAX, most = zero ? 0 : INT64_MIN;

	if (a->smin == r.smin && b->smin <= -1 && b->smax >= -1)
		return r;
	for (unsigned i = 0; i < countof(divisors); i++) {
		int64_t by = divisors[i];

		if (!by || by < b->smin || by > b->smax)
			continue;
		for (unsigned k = 0; k < 2; k++) {
			int64_t q = as[k] / by;

			least = q < least ? q : least;
			most = q > most ? q : most;
		}
	}
	r.smin = least;
	r.smax = most;
	return r;
}

/* The remainder has the dividend's sign, and is smaller than the divisor, which may be zero: then it is the dividend.
 */
static struct bounds bounds_smod(const struct bounds *a, const struct bounds *b, unsigned w)
{
	struct bounds r = bounds_full(w);
	uint64_t below = b->smin < 0 ? -(uint64_t)b->smin : (uint64_t)b->smin;
	uint64_t above = b->smax < 0 ? -(uint64_t)b->smax : (uint64_t)b->smax;
	int64_t limit = (int64_t)((below > above ? below : above) - 1);

	r.smin = a->smin < 0 ? a->smin : 0;
	r.smax = a->smax > 0 ? a->smax : 0;
	if (b->smin <= 0 && b->smax >= 0)
		return r;
	if (r.smax > limit)
		r.smax = limit;
	if (r.smin < -limit)
		r.smin = -limit;
	return r;
}

static struct bounds bounds_lsh(const struct bounds *a, const struct bounds *b, unsigned w)
{
	struct bounds r = bounds_full(w);
	unsigned least = (unsigned)b->umin, most = (unsigned)b->umax;
	int64_t room = (int64_t)(low_bits(w - 1) >> most);

	if (a->umax <= low_bits(w) >> most) {
		r.umin = a->umin << least;
		r.umax = a->umax << most;
	}
	if (a->smin >= -room - 1 && a->smax <= room) {
		r.smin = (int64_t)((uint64_t)a->smin << (a->smin < 0 ? most : least));
		r.smax = (int64_t)((uint64_t)a->smax << (a->smax < 0 ? least : most));
	}
	return r;
}

static struct bounds bounds_rsh(const struct bounds *a, const struct bounds *b, unsigned w)
{
	struct bounds r = bounds_full(w);

	r.umin = a->umin >> b->umax;
	r.umax = a->umax >> b->umin;
	return r;
}

static struct bounds bounds_arsh(const struct bounds *a, const struct bounds *b, unsigned w)
{
	struct bounds r = bounds_full(w);

	r.smin = a->smin >> (a->smin < 0 ? b->umin : b->umax);
	r.smax = a->smax >> (a->smax < 0 ? b->umax : b->umin);
	return r;
}

static struct bounds bounds_and(const struct bounds *a, const struct bounds *b, unsigned w)
{
	struct bounds r = bounds_full(w);

	r.umax = a->umax < b->umax ? a->umax : b->umax;
	if (a->smin < 0 && b->smin < 0) /* no bit above the longer run of leading ones can fall */
		r.smin = -(int64_t)low_bits(64 - (unsigned)__builtin_clrsbll(a->smin < b->smin ? a->smin : b->smin) -
					    1) -
			 1;
	return r;
}

static struct bounds bounds_or(const struct bounds *a, const struct bounds *b, unsigned w)
{
	struct bounds r = bounds_full(w);

	r.umin = a->umin > b->umin ? a->umin : b->umin;
	return r;
}

struct bounds bounds_alu(enum isa_sem op, const struct bounds *a, const struct bounds *b, unsigned width)
{
	const struct bounds zero = { 0, 0, 0, 0 };

	switch (op) {
	case ISA_ADD:
		return bounds_add(a, b, width);
	case ISA_SUB:
		return bounds_sub(a, b, width);
	case ISA_NEG:
		return bounds_sub(&zero, a, width);
	case ISA_MUL:
		return bounds_mul(a, b, width);
	case ISA_DIV:
		return bounds_div(a, b, width);
	case ISA_MOD:
		return bounds_mod(a, b, width);
	case ISA_SDIV:
		return bounds_sdiv(a, b, width);
	case ISA_SMOD:
		return bounds_smod(a, b, width);
	case ISA_AND:
		return bounds_and(a, b, width);
	case ISA_OR:
		return bounds_or(a, b, width);
	case ISA_LSH:
		return bounds_lsh(a, b, width);
	case ISA_RSH:
		return bounds_rsh(a, b, width);
	case ISA_ARSH:
		return bounds_arsh(a, b, width);
	case ISA_MOV:
		return *b;
	default:
		return bounds_full(width);
	}
}

/* a and b have zeroes above width. */
static struct tnum tnum_alu(enum isa_sem op, struct tnum a, struct tnum b, const struct bounds *count, unsigned width)
{
	bool fixed = count->umin == count->umax;

	switch (op) {
	case ISA_ADD:
		return tnum_add(a, b);
	case ISA_SUB:
		return tnum_sub(a, b);
	case ISA_NEG:
		return tnum_sub(tnum_const(0), a);
	case ISA_MUL:
		return tnum_mul(a, b);
	case ISA_AND:
		return tnum_and(a, b);
	case ISA_OR:
		return tnum_or(a, b);
	case ISA_XOR:
		return tnum_xor(a, b);
	case ISA_MOV:
		return b;
	case ISA_LSH:
		return fixed ? tnum_lsh(a, (unsigned)count->umin, width) : TNUM_UNKNOWN;
	case ISA_RSH:
		return fixed ? tnum_rsh(a, (unsigned)count->umin) : TNUM_UNKNOWN;
	case ISA_ARSH:
		return fixed ? tnum_arsh(a, (unsigned)count->umin, width) : TNUM_UNKNOWN;
	default:
		return TNUM_UNKNOWN;
	}
}

static bool is_shift(enum isa_sem op)
{
	return op == ISA_LSH || op == ISA_RSH || op == ISA_ARSH;
}

/* Only the lowest log2(width) bits of a shift count matter. */
static struct bounds shift_count(const struct scalar *b, unsigned width)
{
	struct bounds r = scalar_bounds(b, width);
	struct tnum low = { b->t.value & (width - 1), b->t.mask & (width - 1) };

	if (r.umax >= width) {
		r.umin = low.value;
		r.umax = tnum_max(low);
	}
	r.smin = (int64_t)r.umin;
	r.smax = (int64_t)r.umax;
	return r;
}

/* The lower half of the result depends on the operands' lower halves alone. */
static bool is_closed_in_low_half(enum isa_sem op)
{
	switch (op) {
	case ISA_ADD:
	case ISA_SUB:
	case ISA_NEG:
	case ISA_MUL:
	case ISA_AND:
	case ISA_OR:
	case ISA_XOR:
	case ISA_MOV:
		return true;
	default:
		return false;
	}
}

/* Everything above 31 bits of the operand falls off: what is known of its lower half is all that counts. */
static void lsh_from_low_half(const struct scalar *a, struct bounds *b)
{
	b->umin = a->umin32;
	b->umax = a->umax32;
	b->smin = a->smin32;
	b->smax = a->smax32;
}

static void alu64_bounds(enum isa_sem op, const struct scalar *a, const struct scalar *b, const struct bounds *count,
			 struct scalar *out)
{
	struct bounds x = scalar_bounds(a, 64), y = is_shift(op) ? *count : scalar_bounds(b, 64), r;

	if (op == ISA_LSH && count->umin >= 32)
		lsh_from_low_half(a, &x);
	r = bounds_alu(op, &x, &y, 64);
	scalar_set_bounds(out, 64, &r);
	r = bounds_full(32);
	if (is_closed_in_low_half(op)) {
		x = scalar_bounds(a, 32);
		y = scalar_bounds(b, 32);
		r = bounds_alu(op, &x, &y, 32);
	}
	scalar_set_bounds(out, 32, &r);
}

/* The result of 32-bit arithmetic: s->t and the 32-bit bounds are set; above are zeroes. */
static bool zero_extend(struct scalar *s)
{
	struct bounds half = scalar_bounds(s, 32);

	s->t = tnum_low(s->t, 32);
	s->umin = half.umin;
	s->umax = half.umax;
	s->smin = 0;
	s->smax = UINT32_MAX;
	return scalar_deduce(s);
}

/* Division and remainder by a power of two are a shift and a mask, which keep known bits. */
static enum isa_sem simpler(enum isa_sem op, unsigned width, struct scalar *b)
{
	uint64_t by = b->t.value & low_bits(width);

	if ((op != ISA_DIV && op != ISA_MOD) || tnum_low(b->t, width).mask || !by || by & (by - 1))
		return op;
	*b = scalar_const(op == ISA_DIV ? (uint64_t)__builtin_ctzll(by) : by - 1);
	return op == ISA_DIV ? ISA_RSH : ISA_AND;
}

static uint64_t fold_signed(enum isa_sem op, int64_t x, int64_t y)
{
	if (!y)
		return op == ISA_SDIV ? 0 : (uint64_t)x;
	if (y == -1) /* the least number has no positive counterpart: it wraps to itself */
		return op == ISA_SDIV ? -(uint64_t)x : 0;
	return (uint64_t)(op == ISA_SDIV ? x / y : x % y);
}

/* Both operands are constants: most arithmetic in loops. */
static uint64_t fold(enum isa_sem op, unsigned width, uint64_t x, uint64_t y)
{
	unsigned count = (unsigned)y & (width - 1);
	uint64_t r;

	x &= low_bits(width);
	y &= low_bits(width);
	switch (op) {
	case ISA_ADD:
		r = x + y;
		break;
	case ISA_SUB:
		r = x - y;
		break;
	case ISA_MUL:
		r = x * y;
		break;
	case ISA_DIV:
		r = y ? x / y : 0;
		break;
	case ISA_MOD:
		r = y ? x % y : x;
		break;
	case ISA_SDIV:
	case ISA_SMOD:
		r = fold_signed(op, sign_extend(x, width), sign_extend(y, width));
		break;
	case ISA_OR:
		r = x | y;
		break;
	case ISA_AND:
		r = x & y;
		break;
	case ISA_XOR:
		r = x ^ y;
		break;
	case ISA_LSH:
		r = x << count;
		break;
	case ISA_RSH:
		r = x >> count;
		break;
	case ISA_ARSH:
		r = (uint64_t)(sign_extend(x, width) >> count);
		break;
	case ISA_NEG:
		r = -x;
		break;
	default:
		r = y;
		break;
	}
	return r & low_bits(width);
}

bool scalar_alu(enum isa_sem op, unsigned width, struct scalar a, struct scalar b, struct scalar *out)
{
	struct scalar r = scalar_unknown();
	struct bounds count, x, y;

	if (scalar_is_const(&a) && scalar_is_const(&b)) {
		*out = scalar_const(fold(op, width, a.t.value, b.t.value));
		return true;
	}
	op = simpler(op, width, &b);
	count = shift_count(&b, width);
	r.t = tnum_alu(op, tnum_low(a.t, width), tnum_low(b.t, width), &count, width);
	if (width == 64) {
		alu64_bounds(op, &a, &b, &count, &r);
		*out = r;
		return scalar_deduce(out);
	}
	x = scalar_bounds(&a, 32);
	y = is_shift(op) ? count : scalar_bounds(&b, 32);
	x = bounds_alu(op, &x, &y, 32);
	scalar_set_bounds(&r, 32, &x);
	*out = r;
	return zero_extend(out);
}

bool scalar_sext(struct scalar a, unsigned from, unsigned width, struct scalar *out)
{
	struct scalar by = scalar_const(width - from), up;

	return scalar_alu(ISA_LSH, width, a, by, &up) && scalar_alu(ISA_ARSH, width, up, by, out);
}

bool scalar_low(struct scalar a, unsigned n, struct scalar *out)
{
	return n == 32 ? scalar_alu(ISA_MOV, 32, a, a, out)
		       : scalar_alu(ISA_AND, 64, a, scalar_const(low_bits(n)), out);
}

bool scalar_swap(struct scalar a, unsigned n, struct scalar *out)
{
	struct scalar r = scalar_unknown();

	r.t = tnum_swap(a.t, n);
	*out = r;
	return scalar_deduce(out);
}
