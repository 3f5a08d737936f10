/* SPDX-License-Identifier: Apache-2.0 */
/* tnum: arithmetic on numbers whose bits are one, zero or not known. */
#include "engine/verify/tnum.h"

struct tnum tnum_range(uint64_t min, uint64_t max)
{
	uint64_t differ = min ^ max;
	uint64_t open = differ ? low_bits(64 - (unsigned)__builtin_clzll(differ)) : 0;

	return (struct tnum){ min & ~open, open };
}

/*
 * A bit of a sum is known when both operands' bits are and no carry into it varies. The carries of
 * the smallest and of the largest sum bracket all others, so where those two sums agree, all agree.
 */
struct tnum tnum_add(struct tnum a, struct tnum b)
{
	uint64_t least = a.value + b.value;
	uint64_t most = tnum_max(a) + tnum_max(b);
	uint64_t open = (least ^ most) | a.mask | b.mask;

	return (struct tnum){ least & ~open, open };
}

/* As for the sum, with borrows: the extremes are least - most and most - least. */
struct tnum tnum_sub(struct tnum a, struct tnum b)
{
	uint64_t least = a.value - tnum_max(b);
	uint64_t most = tnum_max(a) - b.value;
	uint64_t open = (least ^ most) | a.mask | b.mask;

	return (struct tnum){ (a.value - b.value) & ~open, open };
}

/* School multiplication: a bit of a that is not known adds "b shifted, or nothing". */
struct tnum tnum_mul(struct tnum a, struct tnum b)
{
	struct tnum sum = tnum_const(0);

	if (!a.mask && !b.mask)
		return tnum_const(a.value * b.value);
	if (__builtin_popcountll(tnum_max(a)) > __builtin_popcountll(tnum_max(b))) {
		struct tnum swap = a;

		a = b;
		b = swap;
	}
	for (uint64_t left = tnum_max(a); left; left &= left - 1) {
		unsigned bit = (unsigned)__builtin_ctzll(left);
		struct tnum part = tnum_lsh(b, bit, 64);

		if (a.mask >> bit & 1)
			part = (struct tnum){ 0, tnum_max(part) };
		sum = tnum_add(sum, part);
	}
	return sum;
}

struct tnum tnum_and(struct tnum a, struct tnum b)
{
	uint64_t ones = a.value & b.value;

	return (struct tnum){ ones, (tnum_max(a) & tnum_max(b)) & ~ones };
}

struct tnum tnum_or(struct tnum a, struct tnum b)
{
	uint64_t ones = a.value | b.value;

	return (struct tnum){ ones, (a.mask | b.mask) & ~ones };
}

struct tnum tnum_xor(struct tnum a, struct tnum b)
{
	uint64_t open = a.mask | b.mask;

	return (struct tnum){ (a.value ^ b.value) & ~open, open };
}

struct tnum tnum_lsh(struct tnum a, unsigned n, unsigned width)
{
	return tnum_low((struct tnum){ a.value << n, a.mask << n }, width);
}

struct tnum tnum_rsh(struct tnum a, unsigned n)
{
	return (struct tnum){ a.value >> n, a.mask >> n };
}

static uint64_t copy_sign(uint64_t bits, unsigned n, unsigned width)
{
	uint64_t sign = bits >> (width - 1) & 1;

	return bits >> n | (sign ? low_bits(width) & ~(low_bits(width) >> n) : 0);
}

struct tnum tnum_arsh(struct tnum a, unsigned n, unsigned width)
{
	return (struct tnum){ copy_sign(a.value, n, width), copy_sign(a.mask, n, width) };
}

struct tnum tnum_swap(struct tnum a, unsigned bits)
{
	return (struct tnum){ __builtin_bswap64(a.value) >> (64 - bits), __builtin_bswap64(a.mask) >> (64 - bits) };
}

bool tnum_meet(struct tnum a, struct tnum b, struct tnum *out)
{
	uint64_t open = a.mask & b.mask;

	if ((a.value ^ b.value) & ~a.mask & ~b.mask)
		return false;
	*out = (struct tnum){ (a.value | b.value) & ~open, open };
	return true;
}

bool tnum_subset(struct tnum a, struct tnum b)
{
	return !(a.mask & ~b.mask) && tnum_has(b, a.value);
}
