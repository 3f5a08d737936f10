/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The abstract domains never lose a value: in full at small widths and around every place where numbers wrap,
 * at random elsewhere.
 */
#include "concrete.h"
#include "engine/verify/range.h"
#include "test.h"

static const enum isa_sem alu_ops[] = { ISA_ADD, ISA_SUB, ISA_MUL, ISA_DIV, ISA_MOD,  ISA_SDIV, ISA_SMOD, ISA_OR,
					ISA_AND, ISA_XOR, ISA_LSH, ISA_RSH, ISA_ARSH, ISA_NEG,  ISA_MOV };
static const enum isa_sem jump_ops[] = { ISA_JEQ,  ISA_JNE,  ISA_JGT,  ISA_JGE,  ISA_JLT, ISA_JLE,
					 ISA_JSGT, ISA_JSGE, ISA_JSLT, ISA_JSLE, ISA_JSET };

/* cmocka's checks in a loop of millions are too slow: print and fail on the first that is wrong. */
#define MUST(cond, ...)                           \
	do {                                      \
		if (!(cond)) {                    \
			print_error(__VA_ARGS__); \
			CHECK(cond);              \
		}                                 \
	} while (0)

typedef unsigned long long ull;

TEST(known_bits_never_lose_a_sum_or_product_of_5_bits)
{
	static const struct {
		const char *name;
		struct tnum (*fn)(struct tnum, struct tnum);
		enum isa_sem op;
	} rows[] = { { "add", tnum_add, ISA_ADD }, { "sub", tnum_sub, ISA_SUB }, { "mul", tnum_mul, ISA_MUL },
		     { "and", tnum_and, ISA_AND }, { "or", tnum_or, ISA_OR },    { "xor", tnum_xor, ISA_XOR } };
	enum { W = 5, N = 1 << W };

	for (size_t i = 0; i < countof(rows); i++)
		for (uint64_t am = 0; am < N; am++)
			for (uint64_t bm = 0; bm < N; bm++)
				for (uint64_t x = 0; x < N; x++)
					for (uint64_t y = 0; y < N; y++) {
						struct tnum a = { x & ~am, am }, b = { y & ~bm, bm },
							    r = rows[i].fn(a, b);
						uint64_t want = concrete_alu(rows[i].op, 64, x, y);

						MUST(tnum_has(r, want), "%s %llu %llu\n", rows[i].name, (ull)x, (ull)y);
						MUST(!(r.value & r.mask), "%s: not normal\n", rows[i].name);
					}
}

TEST(known_bits_of_a_sum_are_the_best_possible)
{
	enum { W = 4, N = 1 << W };

	for (uint64_t am = 0; am < N; am++)
		for (uint64_t av = 0; av < N; av++)
			for (uint64_t bm = 0; bm < N; bm++)
				for (uint64_t bv = 0; bv < N; bv++) {
					uint64_t ones = UINT64_MAX, some = 0;

					if (av & am || bv & bm)
						continue;
					for (uint64_t x = 0; x < N; x++)
						for (uint64_t y = 0; y < N; y++)
							if ((x & ~am) == av && (y & ~bm) == bv) {
								ones &= x + y;
								some |= x + y;
							}
					MUST(tnum_add((struct tnum){ av, am }, (struct tnum){ bv, bm }).mask ==
						     (ones ^ some),
					     "%llu/%llu + %llu/%llu\n", (ull)av, (ull)am, (ull)bv, (ull)bm);
				}
}

TEST(known_bits_meet_and_contain_as_sets_do)
{
	enum { N = 16 };

	for (uint64_t am = 0; am < N; am++)
		for (uint64_t av = 0; av < N; av++)
			for (uint64_t bm = 0; bm < N; bm++)
				for (uint64_t bv = 0; bv < N; bv++) {
					struct tnum a = { av, am }, b = { bv, bm }, both = { 0 };
					bool any = false, all = true, meets;

					if (av & am || bv & bm)
						continue;
					meets = tnum_meet(a, b, &both);
					for (uint64_t x = 0; x < N; x++) {
						bool in = tnum_has(a, x) && tnum_has(b, x);

						any |= in;
						all &= !tnum_has(a, x) || tnum_has(b, x);
						MUST(!meets || tnum_has(both, x) == in, "meet\n");
					}
					MUST(meets == any, "meet of nothing\n");
					MUST(tnum_subset(a, b) == all, "subset\n");
				}
}

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

TEST(readings_narrow_each_other_without_loss)
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

TEST(range_arithmetic_of_4_bits_never_loses_a_value)
{
	enum { W = 4, N = 1 << W };
	static struct bounds all[2 * N * N];
	size_t n = all_bounds(W, all);

	for (size_t i = 0; i < n; i++)
		MUST(bounds_deduce(&all[i], W), "no range is empty\n");
	for (size_t o = 0; o < countof(alu_ops); o++)
		for (size_t i = 0; i < n; i++)
			for (size_t k = 0; k < n; k++) {
				bool shift = alu_ops[o] == ISA_LSH || alu_ops[o] == ISA_RSH || alu_ops[o] == ISA_ARSH;

				if (!shift || all[k].umax < W)
					try_bounds(alu_ops[o], &all[i], &all[k], W);
			}
}

TEST(range_comparison_of_4_bits_never_loses_a_pair)
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

TEST(arithmetic_around_every_wrap_never_loses_a_value)
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

TEST(branches_around_every_wrap_never_lose_a_pair)
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

TEST(deduction_never_loses_a_value)
{
	uint64_t rng = 1;

	for (uint32_t i = 0; i < rounds() * 10; i++) {
		uint64_t x = rng_number(&rng);
		struct scalar s = random_scalar_of(x, &rng), was = s;

		MUST(scalar_deduce(&s) && scalar_has(&s, x), "0x%llx\n", (ull)x);
		MUST(scalar_subset(&s, &was), "0x%llx: it grew\n", (ull)x);
	}
}

TEST(arithmetic_at_random_never_loses_a_value)
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

TEST(branches_at_random_never_lose_a_pair)
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

TEST(extensions_and_swaps_at_random_never_lose_a_value)
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

TEST(constants_stay_constants)
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
