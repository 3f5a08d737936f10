/* SPDX-License-Identifier: Apache-2.0 */
/*
 * num: what is known of a number, and how its parts narrow each other.
 *
 * Three ways to reckon: releases before 6.8 let signed and unsigned bounds of one width speak to each other; later ones
 * also let the widths (KERNEL_NUM_DEDUCE_WIDTHS); 7.2 has arcs, for which that is intersection (KERNEL_NUM_ARCS).
 */
#include "engine/kverify/num_bits.h"

#include "engine/kernel/kernel.h"

void knum_rules_init(struct knum_rules *r, const struct kernel_profile *k)
{
	*r = (struct knum_rules){ .kernel = k, .arcs = kernel_has(k, KERNEL_NUM_ARCS) };
	for (unsigned b = 0; b < KERNEL_N_BEHAVIOURS; b++)
		if (kernel_has(k, (enum kernel_behaviour)b))
			r->has[b / 64] |= UINT64_C(1) << (b % 64);
}

/* ---- setting ---- */

void knum_any64(const struct knum_rules *r, struct knum *n)
{
	if (r->arcs)
		n->r64 = (struct karc64){ 0, UINT64_MAX };
	n->umin = 0;
	n->umax = UINT64_MAX;
	n->smin = INT64_MIN;
	n->smax = INT64_MAX;
}

void knum_any32(const struct knum_rules *r, struct knum *n)
{
	if (r->arcs)
		n->r32 = (struct karc32){ 0, UINT32_MAX };
	n->umin32 = 0;
	n->umax32 = UINT32_MAX;
	n->smin32 = INT32_MIN;
	n->smax32 = INT32_MAX;
}

void knum_put_const(const struct knum_rules *r, struct knum *n, uint64_t v)
{
	*n = (struct knum){
		.t = { v, 0 },
		.umin = v,
		.umax = v,
		.smin = (int64_t)v,
		.smax = (int64_t)v,
		.umin32 = (uint32_t)v,
		.umax32 = (uint32_t)v,
		.smin32 = (int32_t)v,
		.smax32 = (int32_t)v,
	};
	if (r->arcs) {
		n->r64.base = v;
		n->r32.base = (uint32_t)v;
	}
}

void knum_put_const32(const struct knum_rules *r, struct knum *n, uint32_t v)
{
	n->t = kbits_join(n->t, kbits_const(v));
	if (r->arcs)
		n->r32 = (struct karc32){ v, 0 };
	n->umin32 = n->umax32 = v;
	n->smin32 = n->smax32 = (int32_t)v;
}

void knum_put_u64(const struct knum_rules *r, struct knum *n, uint64_t min, uint64_t max)
{
	bool one_sign = (int64_t)min <= (int64_t)max;

	if (r->arcs) {
		knum_put_arc64(n, karc64_unsigned(min, max));
		return;
	}
	n->umin = min;
	n->umax = max;
	n->smin = one_sign ? (int64_t)min : INT64_MIN;
	n->smax = one_sign ? (int64_t)max : INT64_MAX;
}

void knum_put_u32(const struct knum_rules *r, struct knum *n, uint32_t min, uint32_t max)
{
	bool one_sign = (int32_t)min <= (int32_t)max;

	if (r->arcs) {
		knum_put_arc32(n, karc32_unsigned(min, max));
		return;
	}
	n->umin32 = min;
	n->umax32 = max;
	n->smin32 = one_sign ? (int32_t)min : INT32_MIN;
	n->smax32 = one_sign ? (int32_t)max : INT32_MAX;
}

void knum_put_s64(const struct knum_rules *r, struct knum *n, int64_t min, int64_t max)
{
	if (r->arcs) {
		knum_put_arc64(n, karc64_signed(min, max));
		return;
	}
	n->umin = 0;
	n->umax = UINT64_MAX;
	n->smin = min;
	n->smax = max;
}

void knum_put_s32(const struct knum_rules *r, struct knum *n, int32_t min, int32_t max)
{
	if (r->arcs) {
		knum_put_arc32(n, karc32_signed(min, max));
		return;
	}
	n->umin32 = 0;
	n->umax32 = UINT32_MAX;
	n->smin32 = min;
	n->smax32 = max;
}

void knum_unbound(const struct knum_rules *r, struct knum *n)
{
	knum_any64(r, n);
	knum_any32(r, n);
}

struct knum knum_unknown(const struct knum_rules *r)
{
	struct knum n = { .t = kbits_any() };

	knum_unbound(r, &n);
	return n;
}

struct knum knum_const(const struct knum_rules *r, uint64_t v)
{
	struct knum n;

	knum_put_const(r, &n, v);
	return n;
}

struct knum knum_bytes(const struct knum_rules *r, unsigned bytes)
{
	struct knum n = knum_unknown(r);

	if (bytes < 8)
		knum_truncate(r, &n, bytes);
	return n;
}

/* ---- asking ---- */

bool knum_is_const32(const struct knum *n)
{
	return !(uint32_t)n->t.mask;
}

bool knum_is_unknown(const struct knum *n)
{
	return n->t.mask == UINT64_MAX && !n->umin && n->umax == UINT64_MAX && n->smin == INT64_MIN &&
	       n->smax == INT64_MAX && !n->umin32 && n->umax32 == UINT32_MAX && n->smin32 == INT32_MIN &&
	       n->smax32 == INT32_MAX;
}

bool knum_within(const struct knum_rules *r, const struct knum *out, const struct knum *in)
{
	if (!kbits_in(out->t, in->t))
		return false;
	if (r->arcs)
		return karc64_within(out->r64, in->r64) && karc32_within(out->r32, in->r32);
	return out->umin <= in->umin && out->umax >= in->umax && out->smin <= in->smin && out->smax >= in->smax &&
	       out->umin32 <= in->umin32 && out->umax32 >= in->umax32 && out->smin32 <= in->smin32 &&
	       out->smax32 >= in->smax32;
}

bool knum_is_empty(const struct knum_rules *r, const struct knum *n)
{
	if (r->arcs)
		return karc64_empty(n->r64) || karc32_empty(n->r32);
	return n->umin > n->umax || n->smin > n->smax || n->umin32 > n->umax32 || n->smin32 > n->smax32;
}

bool knum_is_broken(const struct knum_rules *r, const struct knum *n)
{
	uint64_t v = n->t.value;

	if (knum_is_empty(r, n))
		return true;
	if (knum_is_const(n) && (n->umin != v || n->umax != v || n->smin != (int64_t)v || n->smax != (int64_t)v))
		return true;
	return knum_is_const32(n) && (n->umin32 != (uint32_t)v || n->umax32 != (uint32_t)v || n->smin32 != (int32_t)v ||
				      n->smax32 != (int32_t)v);
}

/* ---- bounds out of bits ---- */

/* The one number of a range that fits the bits, when there is just one. Linux: verifier.c:__update_reg64_bounds, v7.2
 */
static void narrow_to_the_only_one(const struct knum_rules *r, struct knum *n)
{
	uint64_t next = kbits_next(n->t, n->umin);

	if ((n->umin & ~n->t.mask) == n->t.value) {
		if (next > n->umax)
			knum_put_const(r, n, n->umin);
	} else if (next == kbits_max(n->t) || (next <= n->umax && kbits_next(n->t, next) > n->umax)) {
		knum_put_const(r, n, next);
	}
}

void knum_narrow64_by_bits(const struct knum_rules *r, struct knum *n)
{
	const uint64_t sign = UINT64_C(1) << 63;

	if (r->arcs) {
		knum_put_arc64(n, karc64_both(n->r64, karc64_of_bits(n->t)));
	} else {
		n->smin = knum_max_int64(n->smin, (int64_t)(n->t.value | (n->t.mask & sign)));
		n->smax = knum_min_int64(n->smax, (int64_t)(n->t.value | (n->t.mask & ~sign)));
		n->umin = knum_max_uint64(n->umin, n->t.value);
		n->umax = knum_min_uint64(n->umax, kbits_max(n->t));
	}
	if (knum_rule(r, KERNEL_NUM_ONLY_ONE))
		narrow_to_the_only_one(r, n);
}

void knum_narrow32_by_bits(const struct knum_rules *r, struct knum *n)
{
	const uint32_t sign = UINT32_C(1) << 31;
	uint32_t value = (uint32_t)n->t.value, mask = (uint32_t)n->t.mask;

	if (r->arcs) {
		knum_put_arc32(n, karc32_both(n->r32, karc32_of_bits(n->t)));
		return;
	}
	n->smin32 = knum_max_int32(n->smin32, (int32_t)(value | (mask & sign)));
	n->smax32 = knum_min_int32(n->smax32, (int32_t)(value | (mask & ~sign)));
	n->umin32 = knum_max_uint32(n->umin32, value);
	n->umax32 = knum_min_uint32(n->umax32, value | mask);
}

/* ---- bits out of bounds ---- */

static void narrow_bits(const struct knum_rules *r, struct knum *n)
{
	struct kbits all = kbits_both(n->t, kbits_range(n->umin, n->umax));
	struct kbits low = knum_rule(r, KERNEL_NUM_LOW_BITS_AS_BEFORE) ? n->t : all;

	n->t = kbits_join(all, kbits_both(kbits_low(low), kbits_range(n->umin32, n->umax32)));
}

/* ---- bounds out of bounds ---- */

/*
 * Signed and unsigned bounds of one width, before 6.8: where a range does not cross the sign, both say the same.
 * Linux: kernel/bpf/verifier.c:__reg64_deduce_bounds, v6.1
 */
static void signs64_old(struct knum *n)
{
	uint64_t min = knum_max_uint64((uint64_t)n->smin, n->umin), max = knum_min_uint64((uint64_t)n->smax, n->umax);

	if (n->smin >= 0 || n->smax < 0) {
		n->umin = min;
		n->umax = max;
		n->smin = (int64_t)min;
		n->smax = (int64_t)max;
	} else if ((int64_t)n->umax >= 0) {
		n->smin = (int64_t)n->umin;
		n->umax = max;
		n->smax = (int64_t)max;
	} else if ((int64_t)n->umin < 0) {
		n->umin = min;
		n->smin = (int64_t)min;
		n->smax = (int64_t)n->umax;
	}
}

static void signs32_old(struct knum *n)
{
	uint32_t min = knum_max_uint32((uint32_t)n->smin32, n->umin32);
	uint32_t max = knum_min_uint32((uint32_t)n->smax32, n->umax32);

	if (n->smin32 >= 0 || n->smax32 < 0) {
		n->umin32 = min;
		n->umax32 = max;
		n->smin32 = (int32_t)min;
		n->smax32 = (int32_t)max;
	} else if ((int32_t)n->umax32 >= 0) {
		n->smin32 = (int32_t)n->umin32;
		n->umax32 = max;
		n->smax32 = (int32_t)max;
	} else if ((int32_t)n->umin32 < 0) {
		n->umin32 = min;
		n->smin32 = (int32_t)min;
		n->smax32 = (int32_t)n->umax32;
	}
}

static inline void cut_u32(struct knum *n, uint64_t min, uint64_t max)
{
	n->umin32 = knum_max_uint32(n->umin32, (uint32_t)min);
	n->umax32 = knum_min_uint32(n->umax32, (uint32_t)max);
}

static inline void cut_s32(struct knum *n, uint64_t min, uint64_t max)
{
	n->smin32 = knum_max_int32(n->smin32, (int32_t)min);
	n->smax32 = knum_min_int32(n->smax32, (int32_t)max);
}

/* Does [min, max] step just once from one upper half to the next, with the lower half from negative to positive? */
static inline bool steps_over_zero(uint64_t min, uint64_t max)
{
	return (uint32_t)(min >> 32) + 1 == (uint32_t)(max >> 32) && (int32_t)min < 0 && (int32_t)max >= 0;
}

/* Bounds of the lower half out of those of the whole. Linux: verifier.c:__reg32_deduce_bounds, v6.12 */
static void low_from_whole(struct knum *n)
{
	uint64_t smin = (uint64_t)n->smin, smax = (uint64_t)n->smax;

	if (n->umin >> 32 == n->umax >> 32) {
		cut_u32(n, n->umin, n->umax);
		if ((int32_t)n->umin <= (int32_t)n->umax)
			cut_s32(n, n->umin, n->umax);
	}
	if (smin >> 32 == smax >> 32) {
		if ((uint32_t)smin <= (uint32_t)smax)
			cut_u32(n, smin, smax);
		if ((int32_t)smin <= (int32_t)smax)
			cut_s32(n, smin, smax);
	}
	if (steps_over_zero(n->umin, n->umax))
		cut_s32(n, n->umin, n->umax);
	if (steps_over_zero(smin, smax))
		cut_s32(n, smin, smax);
}

/*
 * Signed and unsigned bounds of one width, from 6.8 on. When the signed range crosses zero, it is two pieces of the
 * unsigned one; if that meets only one of them, this one it is. Linux: verifier.c:__reg32_deduce_bounds, v6.12
 */
static void signs32(const struct knum_rules *r, struct knum *n)
{
	if ((int32_t)n->umin32 <= (int32_t)n->umax32)
		cut_s32(n, n->umin32, n->umax32);
	if ((uint32_t)n->smin32 <= (uint32_t)n->smax32) {
		cut_u32(n, (uint32_t)n->smin32, (uint32_t)n->smax32);
	} else if (!knum_rule(r, KERNEL_NUM_DEDUCE_ONE_PIECE)) {
		return;
	} else if (n->umax32 < (uint32_t)n->smin32) {
		n->smin32 = (int32_t)n->umin32;
		n->umax32 = knum_min_uint32(n->umax32, (uint32_t)n->smax32);
	} else if ((uint32_t)n->smax32 < n->umin32) {
		n->smax32 = (int32_t)n->umax32;
		n->umin32 = knum_max_uint32(n->umin32, (uint32_t)n->smin32);
	}
}

static void signs64(const struct knum_rules *r, struct knum *n)
{
	if ((int64_t)n->umin <= (int64_t)n->umax) {
		n->smin = knum_max_int64(n->smin, (int64_t)n->umin);
		n->smax = knum_min_int64(n->smax, (int64_t)n->umax);
	}
	if ((uint64_t)n->smin <= (uint64_t)n->smax) {
		n->umin = knum_max_uint64(n->umin, (uint64_t)n->smin);
		n->umax = knum_min_uint64(n->umax, (uint64_t)n->smax);
	} else if (!knum_rule(r, KERNEL_NUM_DEDUCE_ONE_PIECE)) {
		return;
	} else if (n->umax < (uint64_t)n->smin) {
		n->smin = (int64_t)n->umin;
		n->umax = knum_min_uint64(n->umax, (uint64_t)n->smax);
	} else if ((uint64_t)n->smax < n->umin) {
		n->smax = (int64_t)n->umax;
		n->umin = knum_max_uint64(n->umin, (uint64_t)n->smin);
	}
}

/* The lower half lies in [min, max]: so do those of the bounds. */
static inline void cut_whole_by_low(struct knum *n, uint32_t min, uint32_t max)
{
	const uint64_t high = ~KBITS_LOW;

	n->umin = knum_max_uint64(n->umin, (n->umin & high) | min);
	n->umax = knum_min_uint64(n->umax, (n->umax & high) | max);
	n->smin = knum_max_int64(n->smin, (int64_t)(((uint64_t)n->smin & high) | min));
	n->smax = knum_min_int64(n->smax, (int64_t)(((uint64_t)n->smax & high) | max));
}

/* Linux: verifier.c:__reg_deduce_mixed_bounds, v6.12 */
static void whole_from_low(struct knum *n)
{
	cut_whole_by_low(n, n->umin32, n->umax32);
	if ((uint32_t)n->smin32 <= (uint32_t)n->smax32)
		cut_whole_by_low(n, (uint32_t)n->smin32, (uint32_t)n->smax32);
	/* A sign-extended load whose lower half is positive: so is the whole. */
	if (n->smin32 >= 0 && n->smin >= INT32_MIN && n->smax <= INT32_MAX) {
		n->smin = n->smin32;
		n->smax = n->smax32;
		n->umin = (uint64_t)n->smin32;
		n->umax = (uint64_t)n->smax32;
		n->t = kbits_both(n->t, kbits_range(n->umin, n->umax));
	}
}

static void deduce(const struct knum_rules *r, struct knum *n)
{
	if (r->arcs) {
		knum_put_arc32(n, karc32_both(n->r32, karc32_of_64(n->r64)));
		knum_put_arc64(n, karc64_with_low(n->r64, n->r32));
		return;
	}
	if (!knum_rule(r, KERNEL_NUM_DEDUCE_WIDTHS)) {
		signs32_old(n);
		signs64_old(n);
		return;
	}
	low_from_whole(n);
	signs32(r, n);
	signs64(r, n);
	whole_from_low(n);
}

/* What deduce() works on. */
enum { BOUNDS_AT = offsetof(struct knum, umin), BOUNDS_BYTES = offsetof(struct knum, r64) - BOUNDS_AT };

/* Nothing can be learned: everything is known, or nothing is. Most numbers are one or the other. */
static bool is_settled(const struct knum *n)
{
	static const struct knum unknown = { .t = { 0, UINT64_MAX },
					     .umax = UINT64_MAX,
					     .smin = INT64_MIN,
					     .smax = INT64_MAX,
					     .umax32 = UINT32_MAX,
					     .smin32 = INT32_MIN,
					     .smax32 = INT32_MAX };
	uint64_t value = n->t.value;

	if (!n->t.mask)
		return n->umin == value && n->umax == value && n->smin == (int64_t)value && n->smax == (int64_t)value &&
		       n->umin32 == (uint32_t)value && n->umax32 == (uint32_t)value && n->smin32 == (int32_t)value &&
		       n->smax32 == (int32_t)value;
	return n->t.mask == UINT64_MAX &&
	       !memcmp((const char *)n + BOUNDS_AT, (const char *)&unknown + BOUNDS_AT, BOUNDS_BYTES);
}

/* As often as the release does; when once changed nothing, more do not either. */
static void deduce_all(const struct knum_rules *r, struct knum *n)
{
	unsigned times = knum_rule(r, KERNEL_NUM_DEDUCE_THRICE) ? 3 : knum_rule(r, KERNEL_NUM_DEDUCE_WIDTHS) ? 2 : 1;
	char before[BOUNDS_BYTES];

	while (times--) {
		memcpy(before, (const char *)n + BOUNDS_AT, BOUNDS_BYTES);
		deduce(r, n);
		if (!times || !memcmp(before, (const char *)n + BOUNDS_AT, BOUNDS_BYTES))
			return;
	}
}

void knum_sync(const struct knum_rules *r, struct knum *n)
{
	if (!r->arcs && is_settled(n))
		return;
	if (r->arcs && knum_is_empty(r, n))
		return;
	knum_narrow_by_bits(r, n);
	deduce_all(r, n);
	narrow_bits(r, n);
	knum_narrow_by_bits(r, n);
}

/* ---- bounds from outside ---- */

void knum_bound_u64(const struct knum_rules *r, struct knum *n, uint64_t min, uint64_t max)
{
	if (r->arcs) {
		knum_put_arc64(n, karc64_both(n->r64, karc64_unsigned(min, max)));
	} else {
		n->umin = knum_max_uint64(n->umin, min);
		n->umax = knum_min_uint64(n->umax, max);
	}
	knum_sync(r, n);
}

void knum_bound_s64(const struct knum_rules *r, struct knum *n, int64_t min, int64_t max)
{
	if (r->arcs) {
		knum_put_arc64(n, karc64_both(n->r64, karc64_signed(min, max)));
	} else {
		n->smin = knum_max_int64(n->smin, min);
		n->smax = knum_min_int64(n->smax, max);
	}
	knum_sync(r, n);
}

void knum_bound_s32(const struct knum_rules *r, struct knum *n, int32_t min, int32_t max)
{
	if (r->arcs) {
		knum_put_arc32(n, karc32_signed(knum_max_int32(n->smin32, min), knum_min_int32(n->smax32, max)));
		knum_put_arc64(n, karc64_signed(knum_max_int64(n->smin, min), knum_min_int64(n->smax, max)));
	} else {
		n->smin32 = knum_max_int32(n->smin32, min);
		n->smax32 = knum_min_int32(n->smax32, max);
		n->smin = knum_max_int64(n->smin, min);
		n->smax = knum_min_int64(n->smax, max);
	}
	knum_sync(r, n);
}
