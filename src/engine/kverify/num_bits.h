/* SPDX-License-Identifier: Apache-2.0 */
/*
 * num_bits: numbers by their bits, each known or not; and num_arcs: by an arc of the circle of all values. What num*.c
 * build on.
 *
 * Meaning    kbits {value, mask}: every v with (v & ~mask) == value. value & mask is 0.
 *            karc {base, size}: base, base + 1, ... base + size, modulo 2^width. {max, max} stands for no number at
 * all. Linux: kernel/bpf/tnum.c, v5.10 to v7.2; kernel/bpf/cnum_defs.h, v7.2.
 */
#ifndef SALLYPORT_ENGINE_KVERIFY_NUM_BITS_H
#define SALLYPORT_ENGINE_KVERIFY_NUM_BITS_H

#include "engine/kverify/num.h"

#define KBITS_LOW UINT64_C(0xffffffff)

static inline bool knum_rule(const struct knum_rules *r, enum kernel_behaviour b)
{
	return r->has[b / 64] >> (b % 64) & 1;
}

/* ---- bits ---- */

static inline struct kbits kbits(uint64_t value, uint64_t mask)
{
	return (struct kbits){ value & ~mask, mask };
}

static inline struct kbits kbits_any(void)
{
	return (struct kbits){ 0, UINT64_MAX };
}

static inline uint64_t kbits_max(struct kbits a)
{
	return a.value | a.mask;
}

static inline bool kbits_known(struct kbits a)
{
	return !a.mask;
}

static inline struct kbits kbits_low(struct kbits a)
{
	return (struct kbits){ a.value & KBITS_LOW, a.mask & KBITS_LOW };
}

/* The upper half of a, the lower one of low. */
static inline struct kbits kbits_join(struct kbits a, struct kbits low)
{
	return (struct kbits){ (a.value & ~KBITS_LOW) | (low.value & KBITS_LOW),
			       (a.mask & ~KBITS_LOW) | (low.mask & KBITS_LOW) };
}

static inline struct kbits kbits_lsh(struct kbits a, unsigned n)
{
	return (struct kbits){ a.value << n, a.mask << n };
}

static inline struct kbits kbits_rsh(struct kbits a, unsigned n)
{
	return (struct kbits){ a.value >> n, a.mask >> n };
}

static inline struct kbits kbits_and(struct kbits a, struct kbits b)
{
	uint64_t ones = a.value & b.value;

	return (struct kbits){ ones, kbits_max(a) & kbits_max(b) & ~ones };
}

static inline struct kbits kbits_or(struct kbits a, struct kbits b)
{
	uint64_t ones = a.value | b.value;

	return (struct kbits){ ones, (a.mask | b.mask) & ~ones };
}

static inline struct kbits kbits_xor(struct kbits a, struct kbits b)
{
	return kbits(a.value ^ b.value, a.mask | b.mask);
}

/* What both allow. Where they contradict each other, the bit is 1. */
static inline struct kbits kbits_both(struct kbits a, struct kbits b)
{
	return kbits(a.value | b.value, a.mask & b.mask);
}

/* What either allows. */
static inline struct kbits kbits_either(struct kbits a, struct kbits b)
{
	return kbits(a.value & b.value, (a.value ^ b.value) | a.mask | b.mask);
}

/* Is there a number that fits both? */
static inline bool kbits_overlap(struct kbits a, struct kbits b)
{
	return !((a.value ^ b.value) & ~(a.mask | b.mask));
}

struct kbits kbits_arsh(struct kbits a, unsigned n, bool is32);
struct kbits kbits_mul(const struct knum_rules *r, struct kbits a, struct kbits b);
struct kbits kbits_swap(struct kbits a, unsigned bits); /* the order of the lowest `bits` bits' bytes is turned round */
/* The smallest number of a above z; the largest of a when there is none; the smallest when z is below all. */
uint64_t kbits_next(struct kbits a, uint64_t z);

/* ---- arcs ---- */

struct karc64 karc64_unsigned(uint64_t min, uint64_t max);
struct karc64 karc64_signed(int64_t min, int64_t max);
struct karc64 karc64_of_bits(struct kbits t);
struct karc64 karc64_both(struct karc64 a, struct karc64 b);
struct karc64 karc64_add(struct karc64 a, struct karc64 b);
struct karc64 karc64_neg(struct karc64 a);
bool karc64_empty(struct karc64 a);
bool karc64_within(struct karc64 out, struct karc64 in);
/* The numbers of a whose lower half is in b, as one arc. */
struct karc64 karc64_with_low(struct karc64 a, struct karc32 b);

struct karc32 karc32_unsigned(uint32_t min, uint32_t max);
struct karc32 karc32_signed(int32_t min, int32_t max);
struct karc32 karc32_of_bits(struct kbits t);
struct karc32 karc32_of_64(struct karc64 a);
struct karc32 karc32_both(struct karc32 a, struct karc32 b);
struct karc32 karc32_add(struct karc32 a, struct karc32 b);
struct karc32 karc32_neg(struct karc32 a);
bool karc32_empty(struct karc32 a);
bool karc32_within(struct karc32 out, struct karc32 in);

/* Put an arc into a number: the bounds are read off it. */
void knum_put_arc64(struct knum *n, struct karc64 a);
void knum_put_arc32(struct knum *n, struct karc32 a);

/* ---- num.c, for num_alu.c, num_ext.c and num_branch.c ---- */

void knum_any64(const struct knum_rules *r, struct knum *n); /* bounds: anything; bits stay */
void knum_any32(const struct knum_rules *r, struct knum *n);
void knum_put_const(const struct knum_rules *r, struct knum *n, uint64_t v);
/* Exactly these unsigned bounds, with the signed ones that follow: all when they cross from positive to negative. */
void knum_put_u64(const struct knum_rules *r, struct knum *n, uint64_t min, uint64_t max);
void knum_put_u32(const struct knum_rules *r, struct knum *n, uint32_t min, uint32_t max);
/* Exactly these signed bounds, any unsigned ones (arcs: those that follow). */
void knum_put_s64(const struct knum_rules *r, struct knum *n, int64_t min, int64_t max);
void knum_put_s32(const struct knum_rules *r, struct knum *n, int32_t min, int32_t max);
void knum_narrow64_by_bits(const struct knum_rules *r, struct knum *n);
void knum_narrow32_by_bits(const struct knum_rules *r, struct knum *n);
void knum_zext_only(const struct knum_rules *r, struct knum *n); /* zero-extends, and deduces nothing from it */
void knum_low_from_whole_old(const struct knum_rules *r,
			     struct knum *n); /* and deduces: releases without KERNEL_NUM_DEDUCE_WIDTHS */
/* Bounds that hold no number. */
bool knum_is_empty(const struct knum_rules *r, const struct knum *n);

static inline void knum_narrow_by_bits(const struct knum_rules *r, struct knum *n)
{
	knum_narrow32_by_bits(r, n);
	knum_narrow64_by_bits(r, n);
}

/* ---- comparing ---- */
#define KNUM_MIN(T)                                        \
	static inline T##_t knum_min_##T(T##_t a, T##_t b) \
	{                                                  \
		return a < b ? a : b;                      \
	}                                                  \
	static inline T##_t knum_max_##T(T##_t a, T##_t b) \
	{                                                  \
		return a > b ? a : b;                      \
	}
KNUM_MIN(uint64)
KNUM_MIN(int64)
KNUM_MIN(uint32)
KNUM_MIN(int32)
#undef KNUM_MIN

#endif
