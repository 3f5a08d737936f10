/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds: each function that takes a width, in full at 3 and 4 bits. */
#include "property.h"

/* Every range of w bits, by either reading. */
static size_t all_bounds(unsigned w, struct bounds *out)
{
	size_t n = 0;
	int64_t half = (int64_t)1 << (w - 1);

	for (uint64_t lo = 0; lo < UINT64_C(1) << w; lo++)
		for (uint64_t hi = lo; hi < UINT64_C(1) << w; hi++) {
			out[n] = bounds_full(w);
			out[n].umin = lo;
			out[n++].umax = hi;
			out[n] = bounds_full(w);
			out[n].smin = (int64_t)lo - half;
			out[n++].smax = (int64_t)hi - half;
		}
	return n;
}

static bool bounds_have(const struct bounds *b, uint64_t x, unsigned w)
{
	int64_t s = as_signed(x, w);

	return b->umin <= x && x <= b->umax && b->smin <= s && s <= b->smax;
}

PROPERTY(bounds_deduce, readings_narrow_each_other_without_loss)
{
	enum { W = 4, N = 1 << W };
	struct bounds all[2 * N * N];
	size_t n = all_bounds(W, all);

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++) {
			struct bounds b = { all[i].umin, all[i].umax, all[k].smin, all[k].smax }, was = b;
			bool some = bounds_deduce(&b, W);

			for (uint64_t x = 0; x < N; x++)
				MUST(!bounds_have(&was, x, W) || (some && bounds_have(&b, x, W)),
				     "%llu..%llu %lld..%lld\n", (ull)was.umin, (ull)was.umax, (long long)was.smin,
				     (long long)was.smax);
		}
}

static void try_bounds(enum isa_sem op, const struct bounds *a, const struct bounds *b, unsigned w)
{
	struct bounds r = bounds_alu(op, a, b, w);

	for (uint64_t x = a->umin; x <= a->umax; x++)
		for (uint64_t y = b->umin; y <= b->umax; y++)
			if (bounds_have(a, x, w) && bounds_have(b, y, w))
				MUST(bounds_have(&r, concrete_alu(op, w, x, y), w),
				     "op %d width %u: %llu of %llu..%llu, %llu of %llu..%llu not in %llu..%llu "
				     "%lld..%lld\n",
				     op, w, (ull)x, (ull)a->umin, (ull)a->umax, (ull)y, (ull)b->umin, (ull)b->umax,
				     (ull)r.umin, (ull)r.umax, (long long)r.smin, (long long)r.smax);
}

PROPERTY(bounds_alu, range_arithmetic_of_4_bits_never_loses_a_value)
{
	enum { W = 4, N = 1 << W };
	static struct bounds all[2 * N * N];
	size_t n = all_bounds(W, all);

	for (size_t i = 0; i < n; i++)
		MUST(bounds_deduce(&all[i], W), "no range is empty\n");
	for (size_t o = 0; o < countof(alu_ops); o++)
		for (size_t i = 0; i < n; i++)
			for (size_t k = 0; k < n; k++) {
				bool shift = is_shift_op(alu_ops[o]);

				if (!shift || all[k].umax < W)
					try_bounds(alu_ops[o], &all[i], &all[k], W);
			}
}

PROPERTY(bounds_less, range_comparison_of_4_bits_never_loses_a_pair)
{
	enum { W = 4, N = 1 << W };
	static struct bounds all[2 * N * N];
	size_t n = all_bounds(W, all);

	for (size_t i = 0; i < n; i++)
		(void)bounds_deduce(&all[i], W);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++)
			for (int kind = 0; kind < 5; kind++) {
				struct bounds a = all[i], b = all[k];
				bool is_signed = kind & 1, equal = kind & 2;
				bool may =
					kind == 4 ? bounds_not_equal(&a, &b) : bounds_less(&a, &b, is_signed, equal, W);

				for (uint64_t x = all[i].umin; x <= all[i].umax; x++)
					for (uint64_t y = all[k].umin; y <= all[k].umax; y++) {
						int64_t sx = as_signed(x, W), sy = as_signed(y, W);
						bool holds = kind == 4   ? x != y
							     : is_signed ? sx < sy || (equal && sx == sy)
									 : x < y || (equal && x == y);

						if (!holds || !bounds_have(&all[i], x, W) ||
						    !bounds_have(&all[k], y, W))
							continue;
						MUST(may && bounds_have(&a, x, W) && bounds_have(&b, y, W),
						     "kind %d: %llu %llu\n", kind, (ull)x, (ull)y);
					}
			}
}

/* All pairs of an unsigned and a signed range, at 3 bits: each set of numbers that they can say, once. */
static size_t all_double_bounds(struct bounds *out)
{
	enum { W = 3, N = 1 << W };
	struct bounds one[2 * N * N];
	size_t n_one = all_bounds(W, one), n = 0;

	for (size_t i = 0; i < n_one; i++)
		for (size_t k = 0; k < n_one; k++) {
			struct bounds b = { one[i].umin, one[i].umax, one[k].smin, one[k].smax };
			bool seen = !bounds_deduce(&b, W);

			for (size_t o = 0; o < n && !seen; o++)
				seen = !memcmp(&out[o], &b, sizeof b);
			if (!seen)
				out[n++] = b;
		}
	return n;
}

PROPERTY(bounds_alu, arithmetic_of_double_ranges_of_3_bits_never_loses_a_value)
{
	static struct bounds all[1024];
	size_t n = all_double_bounds(all);

	CHECK(n > 40);
	for (size_t o = 0; o < countof(alu_ops); o++)
		for (size_t i = 0; i < n; i++)
			for (size_t k = 0; k < n; k++)
				if (!is_shift_op(alu_ops[o])) /* those need a width that masks counts */
					try_bounds(alu_ops[o], &all[i], &all[k], 3);
}

PROPERTY(bounds_not_equal, a_constant_is_taken_off_an_edge_and_nothing_else_is)
{
	static struct bounds all[1024];
	size_t n = all_double_bounds(all);

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++) {
			struct bounds a = all[i], b = all[k];
			bool may = bounds_not_equal(&a, &b);

			for (uint64_t x = 0; x < 8; x++)
				for (uint64_t y = 0; y < 8; y++)
					if (x != y && bounds_have(&all[i], x, 3) && bounds_have(&all[k], y, 3))
						MUST(may && bounds_have(&a, x, 3) && bounds_have(&b, y, 3),
						     "%llu %llu\n", (ull)x, (ull)y);
			if (all[k].umin == all[k].umax && all[i].umin == all[k].umin)
				MUST(!may || a.umin > all[k].umin, "%llu stays\n", (ull)all[k].umin);
		}
}

PROPERTY(bounds_full, the_full_range_has_every_number_and_no_more)
{
	for (unsigned w = 1; w <= 64; w++) {
		struct bounds b = bounds_full(w);

		CHECK_EQ(b.umin, 0);
		CHECK_EQ(b.umax, cut(UINT64_MAX, w));
		CHECK_EQ(b.smax, (int64_t)(cut(UINT64_MAX, w) >> 1));
		CHECK_EQ(b.smin, as_signed(UINT64_C(1) << (w - 1), w));
	}
}

PROPERTY(sign_extend, the_top_bit_is_the_sign)
{
	for (unsigned w = 1; w <= 10; w++)
		for (uint64_t x = 0; x < 1 << 11; x++)
			MUST(sign_extend(x, w) == as_signed(x, w), "%llu at %u\n", (ull)x, w);
	for (unsigned w = 2; w <= 64; w++) {
		uint64_t top = UINT64_C(1) << (w - 1);

		CHECK_EQ(sign_extend(top, w), as_signed(top, w));
		CHECK_EQ(sign_extend(top - 1, w), as_signed(top - 1, w));
	}
}

PROPERTY(scalar_bounds, bounds_are_taken_from_the_part_of_their_width)
{
	struct scalar s = { TNUM_UNKNOWN, 1, 2, -3, 4, 5, 6, -7, 8 };
	struct bounds whole = scalar_bounds(&s, 64), half = scalar_bounds(&s, 32);

	CHECK(whole.umin == 1 && whole.umax == 2 && whole.smin == -3 && whole.smax == 4);
	CHECK(half.umin == 5 && half.umax == 6 && half.smin == -7 && half.smax == 8);
}

PROPERTY(scalar_set_bounds, bounds_are_put_into_the_part_of_their_width)
{
	const struct bounds whole = { 1, 2, -3, 4 }, half = { 5, 6, -7, 8 };
	struct scalar s = scalar_unknown(), want = { TNUM_UNKNOWN, 1, 2, -3, 4, 5, 6, -7, 8 };

	scalar_set_bounds(&s, 64, &whole);
	scalar_set_bounds(&s, 32, &half);
	CHECK(!memcmp(&s, &want, sizeof s));
}
