/* SPDX-License-Identifier: Apache-2.0 */
/*
 * range: what is known of a number in a register.
 *
 * A scalar says it in five ways at once: known bits, and the least and greatest value read as an
 * unsigned and as a signed number, of all 64 bits and of the lower 32. Each catches what the others cannot say;
 * scalar_deduce() lets each tell the others what it knows.
 *
 * Meaning    G(s) = the numbers that satisfy all five; a scalar in a register is never empty
 * Soundness  x in G(a) and y in G(b) implies x OP y in G(scalar_alu(OP, a, b)), and every pair
 *            for which a comparison holds stays in what scalar_refine() leaves; tests/verify/test_domain.c
 * Precision  the bound arithmetic (struct bounds) takes its width as a parameter, so that the tests
 *            can try it in full at 4 and 5 bits.
 */
#ifndef SALLYPORT_ENGINE_VERIFY_RANGE_H
#define SALLYPORT_ENGINE_VERIFY_RANGE_H

#include "engine/isa/isa.h"
#include "engine/verify/tnum.h"

/* Least and greatest of a number of `width` bits, both readings. Signed ones are sign-extended. */
struct bounds {
	uint64_t umin, umax;
	int64_t smin, smax;
};

struct scalar {
	struct tnum t;
	uint64_t umin, umax;
	int64_t smin, smax;
	uint32_t umin32, umax32;
	int32_t smin32, smax32;
};

struct scalar scalar_unknown(void);
struct scalar scalar_const(uint64_t v);
/* Any number of the lowest n bits, 1..64. */
struct scalar scalar_bits(unsigned n);
struct scalar scalar_signed(int64_t min, int64_t max);
struct scalar scalar_unsigned(uint64_t min, uint64_t max);

static inline bool scalar_is_const(const struct scalar *s)
{
	return !s->t.mask;
}

/* x is a member. */
bool scalar_has(const struct scalar *s, uint64_t x);
/* Every member of a is one of b (as far as the parts show). */
bool scalar_subset(const struct scalar *a, const struct scalar *b);
bool scalar_is_unknown(const struct scalar *s);
/* Let every part narrow the others. False: no number satisfies all of them. */
bool scalar_deduce(struct scalar *s);

/*
 * a OP b for the arithmetic semantics ISA_ADD..ISA_ARSH, ISA_NEG (b unused) and ISA_MOV (a unused), with the rules of
 * RFC 9669 section 4.1: division by zero gives 0, remainder by zero the dividend, shifts are masked,
 * 32-bit results are zero-extended. width 32 or 64. False: the result came out empty, a bug.
 */
bool scalar_alu(enum isa_sem op, unsigned width, struct scalar a, struct scalar b, struct scalar *out);
/* Sign-extend the lowest `from` bits to `width`, then zero-extend. */
bool scalar_sext(struct scalar a, unsigned from, unsigned width, struct scalar *out);
/* Only the lowest n bits (8, 16, 32, 64), zeroes above. */
bool scalar_low(struct scalar a, unsigned n, struct scalar *out);
/* Reverse the bytes of the lowest n bits, zeroes above. */
bool scalar_swap(struct scalar a, unsigned n, struct scalar *out);

/*
 * Narrow a and b by knowing that the comparison `a OP b` (ISA_JEQ..ISA_JSET, at 32 or 64 bits) came out as `holds`.
 * False: it never does, and a and b are no longer meaningful.
 */
bool scalar_refine(enum isa_sem op, unsigned width, bool holds, struct scalar *a, struct scalar *b);

/* The pieces at a width of 1..64 bits, for range*.c and the tests. */
struct bounds bounds_full(unsigned width);
/* Each reading narrows the other. False: empty. */
bool bounds_deduce(struct bounds *b, unsigned width);
/* Without tnum knowledge; AND, OR and XOR give only what bounds alone tell. Shift counts must be below width. */
struct bounds bounds_alu(enum isa_sem op, const struct bounds *a, const struct bounds *b, unsigned width);
bool bounds_less(struct bounds *a, struct bounds *b, bool is_signed, bool or_equal, unsigned width);
bool bounds_not_equal(struct bounds *a, struct bounds *b);
struct bounds scalar_bounds(const struct scalar *s, unsigned width);
void scalar_set_bounds(struct scalar *s, unsigned width, const struct bounds *b);

static inline int64_t sign_extend(uint64_t v, unsigned width)
{
	uint64_t sign = UINT64_C(1) << (width - 1);

	return (int64_t)(((v & low_bits(width)) ^ sign) - sign);
}

#endif
