/* SPDX-License-Identifier: Apache-2.0 */
/* Known bits: each function against the sets that its operands stand for, in full at 4 to 6 bits. */
#include "property.h"

enum { W = 5, N = 1 << W };

/* Every tnum of w bits; returns how many. */
static size_t all_tnums(unsigned w, struct tnum *out)
{
	size_t n = 0;

	for (uint64_t m = 0; m < UINT64_C(1) << w; m++)
		for (uint64_t v = 0; v < UINT64_C(1) << w; v++)
			if (!(v & m))
				out[n++] = (struct tnum){ v, m };
	return n;
}

typedef uint64_t concrete_fn(uint64_t x, uint64_t y);

/* Members of a and b under fn, at `width` bits, are in r; `best`: and r says all that can be said. */
static void must_hold(const char *name, struct tnum a, struct tnum b, struct tnum r, concrete_fn *fn, bool best)
{
	uint64_t ones = UINT64_MAX, some = 0;

	for (uint64_t x = 0; x < N; x++)
		for (uint64_t y = 0; y < N; y++) {
			if (!tnum_has(a, x) || !tnum_has(b, y))
				continue;
			ones &= fn(x, y);
			some |= fn(x, y);
			MUST(tnum_has(r, fn(x, y)), "%s: %llu, %llu\n", name, (ull)x, (ull)y);
		}
	MUST(!(r.value & r.mask), "%s: not normal\n", name);
	MUST(!best || r.mask == (ones ^ some), "%s: %llu/%llu, %llu/%llu: not the best\n", name, (ull)a.value,
	     (ull)a.mask, (ull)b.value, (ull)b.mask);
}

static void try_binary(const char *name, struct tnum (*op)(struct tnum, struct tnum), concrete_fn *fn, bool best)
{
	struct tnum all[243];
	size_t n = all_tnums(W, all);

	CHECK_EQ(n, countof(all));
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++)
			must_hold(name, all[i], all[k], op(all[i], all[k]), fn, best);
}

#define CONCRETE(name, op)                               \
	static uint64_t name(uint64_t x, uint64_t y)     \
	{                                                \
		return concrete_alu(ISA_##op, 64, x, y); \
	}
CONCRETE(add, ADD)
CONCRETE(sub, SUB)
CONCRETE(mul, MUL)
CONCRETE(and, AND)
CONCRETE(or, OR)
CONCRETE(xor, XOR)

PROPERTY(tnum_add, known_bits_of_a_sum_are_right_and_the_best_possible)
{
	try_binary("add", tnum_add, add, true);
}

PROPERTY(tnum_sub, known_bits_of_a_difference_are_right_and_the_best_possible)
{
	try_binary("sub", tnum_sub, sub, true);
}

PROPERTY(tnum_mul, known_bits_of_a_product_are_right)
{
	try_binary("mul", tnum_mul, mul, false);
}

PROPERTY(tnum_and, known_bits_of_a_conjunction_are_right_and_the_best_possible)
{
	try_binary("and", tnum_and, and, true);
}

PROPERTY(tnum_or, known_bits_of_a_disjunction_are_right_and_the_best_possible)
{
	try_binary("or", tnum_or, or, true);
}

PROPERTY(tnum_xor, known_bits_of_an_exclusive_or_are_right_and_the_best_possible)
{
	try_binary("xor", tnum_xor, xor, true);
}

/* The same 32 and 59 bits up: what leaves at the top, and what crosses the halves. */
PROPERTY(tnum_mul, known_bits_of_a_product_are_right_at_the_top)
{
	struct tnum all[81];
	size_t n = all_tnums(4, all);

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++)
			for (unsigned up = 28; up <= 60; up += 32) {
				struct tnum a = { all[i].value << up, all[i].mask << up }, r = tnum_mul(a, all[k]);

				for (uint64_t x = 0; x < 16; x++)
					for (uint64_t y = 0; y < 16; y++)
						MUST(!tnum_has(all[i], x) || !tnum_has(all[k], y) ||
							     tnum_has(r, (x << up) * y),
						     "%llu << %u, %llu\n", (ull)x, up, (ull)y);
			}
}

static void try_shift(enum isa_sem op, struct tnum a, unsigned n, struct tnum r)
{
	for (uint64_t x = 0; x < N; x++) {
		uint64_t want = op == ISA_LSH   ? cut(x << n, W)
				: op == ISA_RSH ? x >> n
						: cut((uint64_t)(as_signed(x, W) >> n), W);

		MUST(!tnum_has(a, x) || tnum_has(r, want), "op %d: %llu by %u\n", op, (ull)x, n);
	}
	MUST(!(r.value & r.mask) && !(tnum_max(r) >> W), "op %d by %u: not normal\n", op, n);
}

PROPERTY(tnum_lsh, known_bits_shift_left)
{
	struct tnum all[243];
	size_t n = all_tnums(W, all);

	for (size_t i = 0; i < n; i++)
		for (unsigned by = 0; by < W; by++)
			try_shift(ISA_LSH, all[i], by, tnum_lsh(all[i], by, W));
}

PROPERTY(tnum_rsh, known_bits_shift_right)
{
	struct tnum all[243];
	size_t n = all_tnums(W, all);

	for (size_t i = 0; i < n; i++)
		for (unsigned by = 0; by < W; by++)
			try_shift(ISA_RSH, all[i], by, tnum_rsh(all[i], by));
}

PROPERTY(tnum_arsh, known_bits_shift_right_with_the_sign)
{
	struct tnum all[243];
	size_t n = all_tnums(W, all);

	for (size_t i = 0; i < n; i++)
		for (unsigned by = 0; by < W; by++)
			try_shift(ISA_ARSH, all[i], by, tnum_arsh(all[i], by, W));
}

PROPERTY(tnum_range, the_bits_of_a_range_are_right_and_the_best_possible)
{
	for (uint64_t base = 0; base < 64; base += 31)
		for (uint64_t min = 0; min < 64; min++)
			for (uint64_t max = min; max < 64; max++) {
				uint64_t up = base, lo = min << up, ones = UINT64_MAX, some = 0;
				struct tnum r;

				if (up && max >> (64 - up))
					continue;
				r = tnum_range(lo, max << up);
				for (uint64_t x = min; x <= max; x++) {
					ones &= x << up;
					some |= x << up;
					MUST(tnum_has(r, x << up), "%llu..%llu: %llu\n", (ull)min, (ull)max, (ull)x);
				}
				MUST(r.mask >> up == (ones ^ some) >> up && !(r.value & r.mask),
				     "%llu..%llu: not the best\n", (ull)min, (ull)max);
			}
	CHECK_EQ(tnum_range(0, UINT64_MAX).mask, UINT64_MAX);
	CHECK_EQ(tnum_range(UINT64_MAX - 1, UINT64_MAX).mask, 1);
}

PROPERTY(tnum_low, the_lowest_bits_are_those_of_each_member)
{
	struct tnum all[243];
	size_t n = all_tnums(W, all);

	for (size_t i = 0; i < n; i++)
		for (unsigned low = 0; low <= 64; low++) {
			struct tnum r = tnum_low(all[i], low);

			for (uint64_t x = 0; x < N; x++)
				MUST(!tnum_has(all[i], x) ||
					     tnum_has(r, low == 64 ? x : x & ((UINT64_C(1) << low) - 1)),
				     "%llu: %u\n", (ull)x, low);
			MUST(low >= 64 || !(tnum_max(r) >> low), "bits above %u\n", low);
		}
}

/* Bit by bit, then members of 16 bits in full. */
PROPERTY(tnum_swap, bytes_of_known_bits_swap_as_those_of_members)
{
	static const unsigned widths[] = { 16, 32, 64 };

	for (size_t w = 0; w < countof(widths); w++)
		for (unsigned b = 0; b < widths[w]; b++) {
			uint64_t bit = UINT64_C(1) << b, to = UINT64_C(1) << (widths[w] - 8 - b / 8 * 8 + b % 8);
			struct tnum known = tnum_swap((struct tnum){ bit, 0 }, widths[w]),
				    open = tnum_swap((struct tnum){ 0, bit }, widths[w]);

			MUST(known.value == to && !known.mask && open.mask == to && !open.value, "bit %u of %u\n", b,
			     widths[w]);
		}
	for (uint64_t m = 0; m < 1 << 16; m += 257)
		for (uint64_t x = 0; x < 1 << 16; x++) {
			struct tnum r = tnum_swap((struct tnum){ x & ~m, m }, 16);

			MUST(tnum_has(r, __builtin_bswap16((uint16_t)x)) && !(r.value & r.mask), "%llx/%llx\n", (ull)x,
			     (ull)m);
		}
}

PROPERTY(tnum_meet, known_bits_meet_as_sets_do)
{
	struct tnum all[81];
	size_t n = all_tnums(4, all);

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++) {
			struct tnum both = { 0, 0 };
			bool any = false, meets = tnum_meet(all[i], all[k], &both);

			for (uint64_t x = 0; x < 16; x++) {
				bool in = tnum_has(all[i], x) && tnum_has(all[k], x);

				any |= in;
				MUST(!meets || tnum_has(both, x) == in, "%llu\n", (ull)x);
			}
			MUST(meets == any, "meet of nothing\n");
		}
}

PROPERTY(tnum_subset, known_bits_contain_as_sets_do)
{
	struct tnum all[81];
	size_t n = all_tnums(4, all);

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++) {
			bool every = true;

			for (uint64_t x = 0; x < 16; x++)
				every &= !tnum_has(all[i], x) || tnum_has(all[k], x);
			MUST(tnum_subset(all[i], all[k]) == every, "%llu/%llu in %llu/%llu\n", (ull)all[i].value,
			     (ull)all[i].mask, (ull)all[k].value, (ull)all[k].mask);
		}
}

/* By its definition: each known bit is right. */
PROPERTY(tnum_has, a_member_has_every_known_bit)
{
	struct tnum all[243];
	size_t n = all_tnums(W, all);

	for (size_t i = 0; i < n; i++)
		for (uint64_t x = 0; x < 2 * N; x++) {
			bool in = true;

			for (unsigned b = 0; b <= W; b++)
				in &= all[i].mask >> b & 1 || (all[i].value >> b & 1) == (x >> b & 1);
			MUST(tnum_has(all[i], x) == in, "%llu\n", (ull)x);
		}
}

PROPERTY(tnum_max, the_largest_member_is_one_and_none_is_larger)
{
	struct tnum all[243];
	size_t n = all_tnums(W, all);

	for (size_t i = 0; i < n; i++) {
		MUST(tnum_has(all[i], tnum_max(all[i])) && tnum_has(all[i], all[i].value), "no member\n");
		for (uint64_t x = 0; x < N; x++)
			MUST(!tnum_has(all[i], x) || (x <= tnum_max(all[i]) && x >= all[i].value), "%llu\n", (ull)x);
	}
}

PROPERTY(tnum_const, a_constant_is_itself_alone)
{
	for (uint64_t v = 0; v < N; v++)
		for (uint64_t x = 0; x < N; x++)
			MUST(tnum_has(tnum_const(v << 59), x << 59) == (x == v), "%llu %llu\n", (ull)v, (ull)x);
}

PROPERTY(tnum_is_const, only_what_has_one_member_is_a_constant)
{
	struct tnum all[243];
	size_t n = all_tnums(W, all);

	for (size_t i = 0; i < n; i++) {
		uint32_t members = 0;

		for (uint64_t x = 0; x < N; x++)
			members += tnum_has(all[i], x);
		MUST(tnum_is_const(all[i]) == (members == 1), "%u members\n", members);
	}
}

PROPERTY(low_bits, the_lowest_n_bits_are_ones)
{
	for (unsigned n = 0; n <= 70; n++)
		for (unsigned b = 0; b < 64; b++)
			MUST((low_bits(n) >> b & 1) == (b < n), "bit %u of %u\n", b, n);
}
