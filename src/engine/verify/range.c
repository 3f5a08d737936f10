/* SPDX-License-Identifier: Apache-2.0 */
/* range: making scalars, and what each part of one tells the others. */
#include "engine/verify/range.h"

enum { DEDUCE_ROUNDS = 4 }; /* it settles in two or three; more would be sound, too */

struct bounds bounds_full(unsigned width)
{
	int64_t top = (int64_t)low_bits(width - 1);

	return (struct bounds){ 0, low_bits(width), -top - 1, top };
}

static void raise_u(uint64_t *lo, uint64_t v)
{
	if (v > *lo)
		*lo = v;
}

static void lower_u(uint64_t *hi, uint64_t v)
{
	if (v < *hi)
		*hi = v;
}

static void raise_s(int64_t *lo, int64_t v)
{
	if (v > *lo)
		*lo = v;
}

static void lower_s(int64_t *hi, int64_t v)
{
	if (v < *hi)
		*hi = v;
}

/* As unsigned, smin..smax is one piece when it keeps its sign, else the two pieces 0..smax and smin..max. */
static void signed_tells_unsigned(struct bounds *b, unsigned width)
{
	uint64_t from = (uint64_t)b->smin & low_bits(width), to = (uint64_t)b->smax & low_bits(width);

	if (from <= to) {
		raise_u(&b->umin, from);
		lower_u(&b->umax, to);
		return;
	}
	if (b->umin > to)
		raise_u(&b->umin, from);
	if (b->umax < from)
		lower_u(&b->umax, to);
}

static void unsigned_tells_signed(struct bounds *b, unsigned width)
{
	int64_t from = sign_extend(b->umin, width), to = sign_extend(b->umax, width);

	if (from <= to) {
		raise_s(&b->smin, from);
		lower_s(&b->smax, to);
		return;
	}
	if (b->smin > to)
		raise_s(&b->smin, from);
	if (b->smax < from)
		lower_s(&b->smax, to);
}

bool bounds_deduce(struct bounds *b, unsigned width)
{
	for (int i = 0; i < 2; i++) {
		if (b->umin > b->umax || b->smin > b->smax)
			return false;
		signed_tells_unsigned(b, width);
		if (b->umin > b->umax)
			return false;
		unsigned_tells_signed(b, width);
	}
	return b->smin <= b->smax;
}

struct bounds scalar_bounds(const struct scalar *s, unsigned width)
{
	if (width == 64)
		return (struct bounds){ s->umin, s->umax, s->smin, s->smax };
	return (struct bounds){ s->umin32, s->umax32, s->smin32, s->smax32 };
}

void scalar_set_bounds(struct scalar *s, unsigned width, const struct bounds *b)
{
	if (width == 64) {
		s->umin = b->umin;
		s->umax = b->umax;
		s->smin = b->smin;
		s->smax = b->smax;
		return;
	}
	s->umin32 = (uint32_t)b->umin;
	s->umax32 = (uint32_t)b->umax;
	s->smin32 = (int32_t)b->smin;
	s->smax32 = (int32_t)b->smax;
}

/* Least and greatest by known bits; then the bits on which least and greatest agree. */
static bool tnum_and_bounds(struct tnum *t, struct bounds *b, unsigned width)
{
	uint64_t sign = UINT64_C(1) << (width - 1);
	struct tnum part = tnum_low(*t, width), known;

	raise_u(&b->umin, part.value);
	lower_u(&b->umax, tnum_max(part));
	raise_s(&b->smin, sign_extend(part.value | (part.mask & sign), width));
	lower_s(&b->smax, sign_extend(part.value | (part.mask & ~sign), width));
	if (!bounds_deduce(b, width))
		return false;
	known = tnum_range(b->umin, b->umax);
	known.mask |= ~low_bits(width);
	return tnum_meet(*t, known, t);
}

/* The least number >= from whose lower half lies in lo..hi; false when there is none. */
static bool next_with_low(uint64_t from, uint32_t lo, uint32_t hi, uint64_t *out)
{
	uint64_t upper = from >> 32;
	uint32_t low = (uint32_t)from;

	if (low > hi) {
		if (upper == UINT32_MAX)
			return false;
		upper++;
		low = lo;
	}
	if (low < lo)
		low = lo;
	*out = upper << 32 | low;
	return true;
}

static bool prev_with_low(uint64_t from, uint32_t lo, uint32_t hi, uint64_t *out)
{
	uint64_t upper = from >> 32;
	uint32_t low = (uint32_t)from;

	if (low < lo) {
		if (!upper)
			return false;
		upper--;
		low = hi;
	}
	if (low > hi)
		low = hi;
	*out = upper << 32 | low;
	return true;
}

/* Flipping the top bit turns signed order into unsigned order and leaves the lower half alone. */
static bool half_tells_whole(struct bounds *b, uint32_t lo, uint32_t hi)
{
	const uint64_t flip = UINT64_C(1) << 63;
	uint64_t least, most;

	if (!next_with_low(b->umin, lo, hi, &b->umin) || !prev_with_low(b->umax, lo, hi, &b->umax))
		return false;
	if (!next_with_low((uint64_t)b->smin ^ flip, lo, hi, &least) ||
	    !prev_with_low((uint64_t)b->smax ^ flip, lo, hi, &most))
		return false;
	b->smin = (int64_t)(least ^ flip);
	b->smax = (int64_t)(most ^ flip);
	return true;
}

/* from..to spans less than 2^32: the lower half runs from one's to the other's, if it does not wrap on the way. */
static void span_tells_half(uint64_t from, uint64_t to, struct bounds *half)
{
	if (to - from > UINT32_MAX)
		return;
	if ((uint32_t)from <= (uint32_t)to) {
		raise_u(&half->umin, (uint32_t)from);
		lower_u(&half->umax, (uint32_t)to);
	}
	if ((int32_t)from <= (int32_t)to) {
		raise_s(&half->smin, (int32_t)from);
		lower_s(&half->smax, (int32_t)to);
	}
}

static bool deduce_round(struct scalar *s)
{
	struct bounds whole = scalar_bounds(s, 64), half = scalar_bounds(s, 32);

	if (!tnum_and_bounds(&s->t, &whole, 64))
		return false;
	span_tells_half(whole.umin, whole.umax, &half);
	span_tells_half((uint64_t)whole.smin, (uint64_t)whole.smax, &half);
	if (!tnum_and_bounds(&s->t, &half, 32))
		return false;
	if (!half_tells_whole(&whole, (uint32_t)half.umin, (uint32_t)half.umax) || !bounds_deduce(&whole, 64))
		return false;
	scalar_set_bounds(s, 64, &whole);
	scalar_set_bounds(s, 32, &half);
	return true;
}

bool scalar_deduce(struct scalar *s)
{
	for (int i = 0; i < DEDUCE_ROUNDS; i++) {
		struct scalar before = *s;

		if (!s->t.mask) { /* a constant: nothing is left to narrow */
			if (!scalar_has(s, s->t.value))
				return false;
			*s = scalar_const(s->t.value);
			return true;
		}
		if (!deduce_round(s))
			return false;
		if (!memcmp(&before, s, sizeof before))
			break;
	}
	return true;
}

struct scalar scalar_unknown(void)
{
	return (struct scalar){
		TNUM_UNKNOWN, 0, UINT64_MAX, INT64_MIN, INT64_MAX, 0, UINT32_MAX, INT32_MIN, INT32_MAX
	};
}

struct scalar scalar_const(uint64_t v)
{
	return (struct scalar){ tnum_const(v), v,           v,          (int64_t)v, (int64_t)v,
				(uint32_t)v,   (uint32_t)v, (int32_t)v, (int32_t)v };
}

struct scalar scalar_unsigned(uint64_t min, uint64_t max)
{
	struct scalar s = scalar_unknown();
	bool ok;

	s.umin = min;
	s.umax = max;
	ok = scalar_deduce(&s);
	assert(ok && "min <= max");
	return s;
}

struct scalar scalar_signed(int64_t min, int64_t max)
{
	struct scalar s = scalar_unknown();
	bool ok;

	s.smin = min;
	s.smax = max;
	ok = scalar_deduce(&s);
	assert(ok && "min <= max");
	return s;
}

struct scalar scalar_bits(unsigned n)
{
	return n == 64 ? scalar_unknown() : scalar_unsigned(0, low_bits(n));
}

bool scalar_has(const struct scalar *s, uint64_t x)
{
	uint32_t u = (uint32_t)x;

	return tnum_has(s->t, x) && s->umin <= x && x <= s->umax && s->smin <= (int64_t)x && (int64_t)x <= s->smax &&
	       s->umin32 <= u && u <= s->umax32 && s->smin32 <= (int32_t)u && (int32_t)u <= s->smax32;
}

bool scalar_subset(const struct scalar *a, const struct scalar *b)
{
	return tnum_subset(a->t, b->t) && a->umin >= b->umin && a->umax <= b->umax && a->smin >= b->smin &&
	       a->smax <= b->smax && a->umin32 >= b->umin32 && a->umax32 <= b->umax32 && a->smin32 >= b->smin32 &&
	       a->smax32 <= b->smax32;
}

bool scalar_is_unknown(const struct scalar *s)
{
	struct scalar all = scalar_unknown();

	return !memcmp(s, &all, sizeof all);
}
