/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tnum: what is known of each bit of a 64-bit number.
 *
 * Meaning    G({value, mask}) = { x : (x & ~mask) == value }; value & mask == 0, so it is never empty
 * Soundness  x in G(a) and y in G(b) implies op(x, y) in G(tnum_op(a, b)); tests/verify/test_domain.c
 *            tries every pair at small widths.
 *
 * A number of fewer bits has zeroes above. All functions are pure and O(1), multiplication O(bits).
 */
#ifndef SALLYPORT_ENGINE_VERIFY_TNUM_H
#define SALLYPORT_ENGINE_VERIFY_TNUM_H

#include <stdbool.h>
#include <stdint.h>

struct tnum {
	uint64_t value; /* bits known to be one */
	uint64_t mask;  /* bits not known */
};

#define TNUM_UNKNOWN ((struct tnum){ 0, UINT64_MAX })

static inline uint64_t low_bits(unsigned n)
{
	return n >= 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
}

static inline struct tnum tnum_const(uint64_t v)
{
	return (struct tnum){ v, 0 };
}

static inline bool tnum_is_const(struct tnum a)
{
	return !a.mask;
}

static inline bool tnum_has(struct tnum a, uint64_t x)
{
	return (x & ~a.mask) == a.value;
}

/* The largest member; the smallest is a.value. */
static inline uint64_t tnum_max(struct tnum a)
{
	return a.value | a.mask;
}

/* Only the lowest n bits. */
static inline struct tnum tnum_low(struct tnum a, unsigned n)
{
	return (struct tnum){ a.value & low_bits(n), a.mask & low_bits(n) };
}

/* The best tnum that holds min..max (min <= max): the common leading bits. */
struct tnum tnum_range(uint64_t min, uint64_t max);

struct tnum tnum_add(struct tnum a, struct tnum b);
struct tnum tnum_sub(struct tnum a, struct tnum b);
struct tnum tnum_mul(struct tnum a, struct tnum b);
struct tnum tnum_and(struct tnum a, struct tnum b);
struct tnum tnum_or(struct tnum a, struct tnum b);
struct tnum tnum_xor(struct tnum a, struct tnum b);
/* Shifts by n < width; arsh copies bit width-1. The operand has zeroes above width, and so has the result. */
struct tnum tnum_lsh(struct tnum a, unsigned n, unsigned width);
struct tnum tnum_rsh(struct tnum a, unsigned n);
struct tnum tnum_arsh(struct tnum a, unsigned n, unsigned width);
/* Reverse the bytes of the lowest `bits` (16, 32, 64); zeroes above. */
struct tnum tnum_swap(struct tnum a, unsigned bits);

/* What is in both: false when nothing is, and *out untouched. */
bool tnum_meet(struct tnum a, struct tnum b, struct tnum *out);
/* Every member of a is one of b. */
bool tnum_subset(struct tnum a, struct tnum b);

#endif
