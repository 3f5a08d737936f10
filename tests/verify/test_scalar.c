/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scalars never lose a value: in full around every place where numbers wrap, at random elsewhere.
 */
#include "property.h"

/* A few numbers in a row, or with a few unknown bits, around every place where something wraps. */
struct sample {
	struct scalar s;
	uint64_t first; /* members are first..first+5 that scalar_has */
};

enum { ROW = 6 };

static size_t edge_samples(struct sample *out)
{
	static const uint64_t bases[] = {
		0, 0x7ffffffd, 0xfffffffd, 0x7ffffffffffffffd, 0xfffffffffffffffd, 0xffffffff7ffffffd
	};
	size_t n = 0;

	for (size_t b = 0; b < countof(bases); b++) {
		for (uint64_t lo = 0; lo < ROW; lo++) {
			for (uint64_t hi = lo; hi < ROW; hi += 1 + (hi == lo)) {
				uint64_t from = bases[b] + lo, to = bases[b] + hi;

				out[n++] = (struct sample){ from <= to ? scalar_unsigned(from, to)
								       : scalar_signed((int64_t)from, (int64_t)to),
							    bases[b] };
			}
		}
		for (uint64_t mask = 1; mask < 8; mask += 2) {
			struct scalar s = scalar_unknown();

			s.t = (struct tnum){ (bases[b] | 1) & ~mask, mask };
			MUST(scalar_deduce(&s), "empty\n");
			out[n++] = (struct sample){ s, (bases[b] | 1) & ~UINT64_C(7) };
		}
	}
	return n;
}

static void try_alu(enum isa_sem op, unsigned w, const struct sample *a, const struct sample *b)
{
	struct scalar r;

	MUST(scalar_alu(op, w, a->s, b->s, &r), "op %d width %u: the result is empty\n", op, w);
	for (uint64_t x = a->first; x != a->first + 8; x++)
		for (uint64_t y = b->first; y != b->first + 8; y++)
			if (scalar_has(&a->s, x) && scalar_has(&b->s, y))
				MUST(scalar_has(&r, concrete_alu(op, w, x, y)), "op %d width %u: 0x%llx, 0x%llx\n", op,
				     w, (ull)x, (ull)y);
}

PROPERTY(scalar_alu, arithmetic_around_every_wrap_never_loses_a_value)
{
	static struct sample all[256];
	size_t n = edge_samples(all);

	for (size_t o = 0; o < countof(alu_ops); o++)
		for (size_t i = 0; i < n; i++)
			for (size_t k = 0; k < n; k++) {
				try_alu(alu_ops[o], 64, &all[i], &all[k]);
				try_alu(alu_ops[o], 32, &all[i], &all[k]);
			}
}

static void try_branch(enum isa_sem op, unsigned w, bool holds, const struct sample *a, const struct sample *b)
{
	struct scalar p = a->s, q = b->s;
	bool may = scalar_refine(op, w, holds, &p, &q);

	for (uint64_t x = a->first; x != a->first + 8; x++)
		for (uint64_t y = b->first; y != b->first + 8; y++)
			if (scalar_has(&a->s, x) && scalar_has(&b->s, y) && concrete_compare(op, w, x, y) == holds)
				MUST(may && scalar_has(&p, x) && scalar_has(&q, y),
				     "op %d width %u %d: 0x%llx, 0x%llx\n", op, w, holds, (ull)x, (ull)y);
}

PROPERTY(scalar_refine, branches_around_every_wrap_never_lose_a_pair)
{
	static struct sample all[256];
	size_t n = edge_samples(all);

	for (size_t o = 0; o < countof(jump_ops); o++)
		for (size_t i = 0; i < n; i++)
			for (size_t k = 0; k < n; k++)
				for (int holds = 0; holds < 2; holds++) {
					try_branch(jump_ops[o], 64, holds, &all[i], &all[k]);
					try_branch(jump_ops[o], 32, holds, &all[i], &all[k]);
				}
}

static uint64_t min_u(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max_u(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Something true of x, and maybe of many others, in each of the five ways. */
static struct scalar random_scalar_of(uint64_t x, uint64_t *rng)
{
	struct scalar s = scalar_unknown();
	uint64_t ways = rng_next(rng), y = rng_number(rng), z = rng_number(rng);

	if (ways & 1) {
		s.umin = min_u(x, y);
		s.umax = max_u(x, z);
	}
	if (ways & 2) {
		s.smin = (int64_t)y < (int64_t)x ? (int64_t)y : (int64_t)x;
		s.smax = (int64_t)z > (int64_t)x ? (int64_t)z : (int64_t)x;
	}
	if (ways & 4) {
		s.umin32 = (uint32_t)min_u((uint32_t)x, (uint32_t)z);
		s.umax32 = (uint32_t)max_u((uint32_t)x, (uint32_t)y);
	}
	if (ways & 8) {
		s.smin32 = (int32_t)z < (int32_t)x ? (int32_t)z : (int32_t)x;
		s.smax32 = (int32_t)y > (int32_t)x ? (int32_t)y : (int32_t)x;
	}
	if (ways & 16) {
		uint64_t mask = rng_number(rng);

		s.t = (struct tnum){ x & ~mask, mask };
	}
	if (!(ways >> 8 & 15))
		s = scalar_const(x);
	return s;
}

static uint32_t rounds(void)
{
	const char *n = getenv("SALLYPORT_TEST_ROUNDS");

	return n ? (uint32_t)strtoul(n, NULL, 10) : 20000;
}

PROPERTY(scalar_deduce, deduction_never_loses_a_value)
{
	uint64_t rng = 1;

	for (uint32_t i = 0; i < rounds() * 10; i++) {
		uint64_t x = rng_number(&rng);
		struct scalar s = random_scalar_of(x, &rng), was = s;

		MUST(scalar_deduce(&s) && scalar_has(&s, x), "0x%llx\n", (ull)x);
		MUST(scalar_subset(&s, &was), "0x%llx: it grew\n", (ull)x);
	}
}

PROPERTY(scalar_alu, arithmetic_at_random_never_loses_a_value)
{
	uint64_t rng = 2;

	for (uint32_t i = 0; i < rounds() * countof(alu_ops); i++) {
		enum isa_sem op = alu_ops[i % countof(alu_ops)];
		unsigned w = i / countof(alu_ops) & 1 ? 64 : 32;
		uint64_t x = rng_number(&rng), y = rng_number(&rng);
		struct scalar a = random_scalar_of(x, &rng), b = random_scalar_of(y, &rng), r;

		MUST(scalar_deduce(&a) && scalar_deduce(&b), "empty\n");
		MUST(scalar_alu(op, w, a, b, &r) && scalar_has(&r, concrete_alu(op, w, x, y)),
		     "op %d width %u: 0x%llx, 0x%llx\n", op, w, (ull)x, (ull)y);
	}
}

PROPERTY(scalar_refine, branches_at_random_never_lose_a_pair)
{
	uint64_t rng = 3;

	for (uint32_t i = 0; i < rounds() * countof(jump_ops); i++) {
		enum isa_sem op = jump_ops[i % countof(jump_ops)];
		unsigned w = i / countof(jump_ops) & 1 ? 64 : 32;
		uint64_t x = rng_number(&rng), y = rng_below(&rng, 4) ? rng_number(&rng) : x;
		struct scalar a = random_scalar_of(x, &rng), b = random_scalar_of(y, &rng);

		MUST(scalar_deduce(&a) && scalar_deduce(&b), "empty\n");
		MUST(scalar_refine(op, w, concrete_compare(op, w, x, y), &a, &b) && scalar_has(&a, x) &&
			     scalar_has(&b, y),
		     "op %d width %u: 0x%llx, 0x%llx\n", op, w, (ull)x, (ull)y);
	}
}

PROPERTY(scalar_sext, extensions_and_swaps_at_random_never_lose_a_value)
{
	static const unsigned bits[] = { 8, 16, 32 };
	uint64_t rng = 4;

	for (uint32_t i = 0; i < rounds(); i++) {
		uint64_t x = rng_number(&rng);
		struct scalar a = random_scalar_of(x, &rng), r;

		MUST(scalar_deduce(&a), "empty\n");
		for (size_t k = 0; k < countof(bits); k++) {
			MUST(scalar_sext(a, bits[k], 64, &r) && scalar_has(&r, (uint64_t)as_signed(x, bits[k])),
			     "sext %u 0x%llx\n", bits[k], (ull)x);
			MUST(bits[k] == 32 || (scalar_sext(a, bits[k], 32, &r) &&
					       scalar_has(&r, (uint32_t)as_signed(x, bits[k]))),
			     "sext32 %u 0x%llx\n", bits[k], (ull)x);
			MUST(scalar_low(a, bits[k], &r) && scalar_has(&r, cut(x, bits[k])), "low %u 0x%llx\n", bits[k],
			     (ull)x);
		}
		MUST(scalar_swap(a, 64, &r) && scalar_has(&r, __builtin_bswap64(x)), "swap 0x%llx\n", (ull)x);
		MUST(scalar_swap(a, 32, &r) && scalar_has(&r, __builtin_bswap32((uint32_t)x)), "swap32 0x%llx\n",
		     (ull)x);
		MUST(scalar_swap(a, 16, &r) && scalar_has(&r, __builtin_bswap16((uint16_t)x)), "swap16 0x%llx\n",
		     (ull)x);
	}
}

PROPERTY(scalar_alu, constants_stay_constants)
{
	uint64_t rng = 5;

	for (uint32_t i = 0; i < rounds() * countof(alu_ops); i++) {
		enum isa_sem op = alu_ops[i % countof(alu_ops)];
		unsigned w = i / countof(alu_ops) & 1 ? 64 : 32;
		uint64_t x = rng_number(&rng), y = rng_number(&rng);
		struct scalar r;

		MUST(scalar_alu(op, w, scalar_const(x), scalar_const(y), &r) && scalar_is_const(&r) &&
			     r.t.value == concrete_alu(op, w, x, y),
		     "op %d width %u: 0x%llx, 0x%llx\n", op, w, (ull)x, (ull)y);
	}
}

/* ---- in full: what bits and both ranges can say of the five numbers around each wrap ---- */

enum { WINDOW = 5, WINDOW_SCALARS = 400 };

/* What is said, and the numbers that it may mean: those of first .. first + 19. */
struct window {
	struct scalar s;
	uint64_t first;
	uint32_t members; /* bit i: first + i */
};

static const uint64_t wraps[] = { 0,
				  UINT64_C(1) << 31,
				  UINT64_C(1) << 32,
				  UINT64_C(1) << 63,
				  -(UINT64_C(1) << 31),
				  -(UINT64_C(1) << 32),
				  (UINT64_C(1) << 63) + (UINT64_C(1) << 31) };

static uint32_t members_of(const struct scalar *s, uint64_t first)
{
	uint32_t members = 0;

	for (uint32_t i = 0; i < 4 * WINDOW; i++)
		members |= (uint32_t)scalar_has(s, first + i) << i;
	return members;
}

/* lo..hi is meant as the signed range where it crosses zero, as the unsigned range where it crosses the sign. */
static struct scalar some_numbers(uint64_t lo, uint64_t hi, struct tnum t)
{
	struct scalar s = scalar_unknown();

	s.t = t;
	if (lo <= hi) {
		s.umin = lo;
		s.umax = hi;
	}
	if ((int64_t)lo <= (int64_t)hi) {
		s.smin = (int64_t)lo;
		s.smax = (int64_t)hi;
	}
	return s;
}

static void add_window(struct window *out, size_t *n, struct scalar s, uint64_t first)
{
	uint32_t members = members_of(&s, first);
	bool some = scalar_deduce(&s);

	MUST(some || !members, "members were lost\n");
	if (!some)
		return;
	MUST(members_of(&s, first) == members, "members were lost or won\n");
	for (size_t i = 0; i < *n; i++)
		if (!memcmp(&out[i].s, &s, sizeof s))
			return;
	CHECK(*n < WINDOW_SCALARS);
	out[(*n)++] = (struct window){ s, first, members };
}

static size_t all_windows(struct window *out)
{
	size_t n = 0;

	for (size_t w = 0; w < countof(wraps); w++)
		for (uint64_t lo = 0; lo < WINDOW; lo++)
			for (uint64_t hi = lo; hi < WINDOW; hi++)
				for (uint64_t x = 0; x < WINDOW; x++)
					for (uint64_t mask = 0; mask <= 8; mask++) {
						uint64_t from = wraps[w] - WINDOW / 2,
							 m = mask == 8 ? UINT64_MAX : mask;
						struct tnum t = { (from + x) & ~m, m };

						add_window(out, &n, some_numbers(from + lo, from + hi, t), from - 7);
					}
	return n;
}

PROPERTY(scalar_deduce, deduction_around_every_wrap_keeps_every_value)
{
	static struct window all[WINDOW_SCALARS];

	CHECK(all_windows(all) > 16 * countof(wraps)); /* add_window() compares members before and after */
}

PROPERTY(scalar_alu, arithmetic_of_all_sets_around_every_wrap_never_loses_a_value)
{
	static struct window all[WINDOW_SCALARS];
	size_t n = all_windows(all);

	for (size_t o = 0; o < countof(alu_ops); o++)
		for (size_t i = 0; i < n; i++)
			for (size_t k = 0; k < n; k++)
				for (unsigned w = 32; w <= 64; w += 32) {
					struct scalar r;

					MUST(scalar_alu(alu_ops[o], w, all[i].s, all[k].s, &r), "op %d: empty\n",
					     alu_ops[o]);
					for (uint32_t a = all[i].members; a; a &= a - 1)
						for (uint32_t b = all[k].members; b; b &= b - 1) {
							uint64_t x = all[i].first + (unsigned)__builtin_ctz(a),
								 y = all[k].first + (unsigned)__builtin_ctz(b);

							MUST(scalar_has(&r, concrete_alu(alu_ops[o], w, x, y)),
							     "op %d width %u: 0x%llx, 0x%llx\n", alu_ops[o], w, (ull)x,
							     (ull)y);
						}
				}
}

PROPERTY(scalar_refine, branches_on_all_sets_around_every_wrap_never_lose_a_pair)
{
	static struct window all[WINDOW_SCALARS];
	size_t n = all_windows(all);

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++)
			for (uint32_t o = 0; o < countof(jump_ops) * 4; o++) {
				enum isa_sem op = jump_ops[o / 4];
				unsigned w = o & 1 ? 64 : 32;
				bool holds = o & 2;
				struct scalar p = all[i].s, q = all[k].s;
				bool may = scalar_refine(op, w, holds, &p, &q);

				for (uint32_t a = all[i].members; a; a &= a - 1)
					for (uint32_t b = all[k].members; b; b &= b - 1) {
						uint64_t x = all[i].first + (unsigned)__builtin_ctz(a),
							 y = all[k].first + (unsigned)__builtin_ctz(b);

						MUST(concrete_compare(op, w, x, y) != holds ||
							     (may && scalar_has(&p, x) && scalar_has(&q, y)),
						     "op %d width %u %d: 0x%llx, 0x%llx\n", op, w, holds, (ull)x,
						     (ull)y);
					}
			}
}

/* By members, where the parts show it; and each of the nine parts counts. */
PROPERTY(scalar_subset, a_subset_has_no_value_of_its_own)
{
	static struct window all[WINDOW_SCALARS];
	const struct scalar full = scalar_unknown();
	size_t n = all_windows(all);

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++)
			if (scalar_subset(&all[i].s, &all[k].s))
				for (uint32_t a = all[i].members; a; a &= a - 1)
					MUST(scalar_has(&all[k].s, all[i].first + (unsigned)__builtin_ctz(a)),
					     "not contained\n");
	for (int part = 0; part < 10; part++) {
		struct scalar less = full;

		switch (part) {
		case 0:
			less.t = (struct tnum){ 0, UINT64_MAX - 1 };
			break;
		case 1:
			less.umin++;
			break;
		case 2:
			less.umax--;
			break;
		case 3:
			less.smin++;
			break;
		case 4:
			less.smax--;
			break;
		case 5:
			less.umin32++;
			break;
		case 6:
			less.umax32--;
			break;
		case 7:
			less.smin32++;
			break;
		case 8:
			less.smax32--;
			break;
		default:
			CHECK(scalar_subset(&full, &less));
			continue;
		}
		CHECK(!scalar_subset(&full, &less) && scalar_subset(&less, &full));
		CHECK(!scalar_is_unknown(&less));
	}
}

/* Each part by itself, against what it says. */
PROPERTY(scalar_has, a_member_satisfies_every_part)
{
	uint64_t rng = 6;

	for (uint32_t i = 0; i < rounds(); i++) {
		struct scalar s = random_scalar_of(rng_number(&rng), &rng);
		uint64_t x = rng_number(&rng);
		int32_t half = (int32_t)(uint32_t)x;
		bool in = ((x ^ s.t.value) & ~s.t.mask) == 0;

		in &= x >= s.umin && x <= s.umax && (int64_t)x >= s.smin && (int64_t)x <= s.smax;
		in &= (uint32_t)x >= s.umin32 && (uint32_t)x <= s.umax32 && half >= s.smin32 && half <= s.smax32;
		MUST(scalar_has(&s, x) == in, "0x%llx\n", (ull)x);
	}
}

PROPERTY(scalar_unknown, what_is_not_known_may_be_anything)
{
	const struct scalar s = scalar_unknown();
	uint64_t rng = 7;

	for (size_t w = 0; w < countof(wraps); w++)
		for (uint64_t d = 0; d < 9; d++)
			CHECK(scalar_has(&s, wraps[w] + d - 4));
	for (uint32_t i = 0; i < rounds(); i++)
		MUST(scalar_has(&s, rng_number(&rng)), "something is left out\n");
}

PROPERTY(scalar_is_unknown, only_what_says_nothing_is_unknown)
{
	static struct window all[WINDOW_SCALARS];
	const struct scalar s = scalar_unknown();
	size_t n = all_windows(all);

	CHECK(scalar_is_unknown(&s));
	for (size_t i = 0; i < n; i++)
		CHECK(!scalar_is_unknown(&all[i].s));
}

PROPERTY(scalar_const, a_constant_scalar_is_itself_alone_in_every_part)
{
	for (size_t w = 0; w < countof(wraps); w++)
		for (uint64_t d = 0; d < 9; d++) {
			struct scalar s = scalar_const(wraps[w] + d), same = s;

			CHECK(scalar_is_const(&s) && scalar_deduce(&same) && !memcmp(&s, &same, sizeof s));
			for (uint64_t e = 0; e < 9; e++)
				CHECK_EQ(scalar_has(&s, wraps[w] + e), e == d);
		}
}

PROPERTY(scalar_is_const, only_one_member_is_a_constant)
{
	static struct window all[WINDOW_SCALARS];
	size_t n = all_windows(all);

	for (size_t i = 0; i < n; i++)
		CHECK(!scalar_is_const(&all[i].s) || __builtin_popcount(all[i].members) == 1);
}

PROPERTY(scalar_bits, a_load_may_give_every_number_of_its_bits_and_no_other)
{
	for (unsigned n = 1; n <= 64; n++) {
		struct scalar s = scalar_bits(n);

		for (unsigned b = 0; b < 64; b++) {
			CHECK_EQ(scalar_has(&s, UINT64_C(1) << b), b < n);
			CHECK_EQ(scalar_has(&s, (UINT64_C(1) << b) - 1), b <= n);
		}
		CHECK_EQ(scalar_has(&s, UINT64_MAX), n == 64);
		CHECK(scalar_has(&s, cut(UINT64_MAX, n)) && scalar_has(&s, 0));
	}
}

PROPERTY(scalar_unsigned, an_unsigned_range_has_its_numbers_and_no_other)
{
	for (size_t w = 0; w < countof(wraps); w++)
		for (uint64_t lo = wraps[w] - 4, k = 0; k < 9; k++, lo++)
			for (uint64_t hi = lo; hi - lo < 9 && hi >= lo; hi++) {
				struct scalar s = scalar_unsigned(lo, hi);

				for (uint64_t x = lo - 4; x != hi + 5; x++)
					MUST(scalar_has(&s, x) == (x >= lo && x <= hi), "0x%llx\n", (ull)x);
			}
}

PROPERTY(scalar_signed, a_signed_range_has_its_numbers_and_no_other)
{
	for (size_t w = 0; w < countof(wraps); w++)
		for (uint64_t lo = wraps[w] - 4, k = 0; k < 9; k++, lo++)
			for (uint64_t hi = lo; hi - lo < 9 && (int64_t)hi >= (int64_t)lo; hi++) {
				struct scalar s = scalar_signed((int64_t)lo, (int64_t)hi);

				for (uint64_t x = lo - 4; x != hi + 5; x++)
					MUST(scalar_has(&s, x) == (x - lo <= hi - lo), "0x%llx\n", (ull)x);
			}
}

/* fn at n bits of every member of every window is in what the verifier makes of it. */
static void try_each_member(const char *name, bool (*fn)(struct scalar a, unsigned n, struct scalar *out),
			    uint64_t (*concrete)(uint64_t x, unsigned n), unsigned n)
{
	static struct window all[WINDOW_SCALARS];
	size_t n_all = all_windows(all);

	for (size_t i = 0; i < n_all; i++) {
		struct scalar r;

		MUST(fn(all[i].s, n, &r), "%s %u: empty\n", name, n);
		for (uint32_t a = all[i].members; a; a &= a - 1) {
			uint64_t x = all[i].first + (unsigned)__builtin_ctz(a);

			MUST(scalar_has(&r, concrete(x, n)), "%s %u: 0x%llx\n", name, n, (ull)x);
		}
	}
}

static uint64_t swapped(uint64_t x, unsigned n)
{
	return __builtin_bswap64(x) >> (64 - n);
}

PROPERTY(scalar_low, the_lowest_bits_around_every_wrap_are_kept)
{
	for (unsigned n = 8; n <= 32; n *= 2)
		try_each_member("low", scalar_low, cut, n);
}

PROPERTY(scalar_swap, bytes_around_every_wrap_are_swapped)
{
	for (unsigned n = 16; n <= 64; n *= 2)
		try_each_member("swap", scalar_swap, swapped, n);
}

static bool sext_to_64(struct scalar a, unsigned n, struct scalar *out)
{
	return scalar_sext(a, n, 64, out);
}

static bool sext_to_32(struct scalar a, unsigned n, struct scalar *out)
{
	return scalar_sext(a, n, 32, out);
}

static uint64_t extended_to_64(uint64_t x, unsigned n)
{
	return (uint64_t)as_signed(x, n);
}

static uint64_t extended_to_32(uint64_t x, unsigned n)
{
	return (uint32_t)as_signed(x, n);
}

PROPERTY(scalar_sext, signs_around_every_wrap_are_extended)
{
	for (unsigned n = 8; n <= 32; n *= 2)
		try_each_member("sext", sext_to_64, extended_to_64, n);
	for (unsigned n = 8; n <= 16; n *= 2)
		try_each_member("sext to 32", sext_to_32, extended_to_32, n);
}
