/* SPDX-License-Identifier: Apache-2.0 */
/* num_ext: numbers made narrower and wider: zero and sign extension, truncation. See num.h. */
#include "engine/kverify/num_bits.h"

/* Linux: kernel/bpf/verifier.c:zext_32_to_64, v6.12 */
void knum_zext_only(const struct knum_rules *r, struct knum *n)
{
	n->t = kbits_low(n->t);
	if (r->arcs) {
		knum_put_arc64(n, karc64_unsigned(n->umin32, n->umax32));
		return;
	}
	n->umin = n->umin32;
	n->umax = n->umax32;
	if (n->smin32 >= 0 && n->smax32 >= 0) {
		n->smin = n->smin32;
		n->smax = n->smax32;
	} else {
		n->smin = 0;
		n->smax = UINT32_MAX;
	}
}

void knum_zext(const struct knum_rules *r, struct knum *n)
{
	knum_zext_only(r, n);
	knum_sync(r, n);
}

/* Bounds of the lower half from those of the whole where they fit, as before 6.8. Linux: __reg_combine_64_into_32, v6.1
 */
void knum_low_from_whole_old(const struct knum_rules *r, struct knum *n)
{
	knum_any32(r, n);
	if (n->smin >= INT32_MIN && n->smin <= INT32_MAX && n->smax >= INT32_MIN && n->smax <= INT32_MAX) {
		n->smin32 = (int32_t)n->smin;
		n->smax32 = (int32_t)n->smax;
	}
	if (n->umin <= UINT32_MAX && n->umax <= UINT32_MAX) {
		n->umin32 = (uint32_t)n->umin;
		n->umax32 = (uint32_t)n->umax;
	}
	knum_sync(r, n);
}

/* Linux: kernel/bpf/verifier.c:coerce_reg_to_size, v6.1 and v7.2 */
void knum_truncate(const struct knum_rules *r, struct knum *n, unsigned bytes)
{
	uint64_t mask = (UINT64_C(1) << (bytes * 8)) - 1;
	bool same = (n->umin & ~mask) == (n->umax & ~mask);
	uint64_t min = same ? n->umin & mask : 0, max = same ? n->umax & mask : mask;

	n->t = (struct kbits){ n->t.value & mask, n->t.mask & mask };
	if (r->arcs) {
		knum_put_arc64(n, karc64_unsigned(min, max));
	} else {
		n->umin = min;
		n->umax = max;
		n->smin = (int64_t)min;
		n->smax = (int64_t)max;
	}
	if (!knum_rule(r, KERNEL_NUM_DEDUCE_WIDTHS)) {
		if (bytes < 4)
			knum_low_from_whole_old(r, n);
		return;
	}
	if (bytes < 4)
		knum_any32(r, n);
	knum_sync(r, n);
}

static int64_t extended(uint64_t v, unsigned bytes)
{
	unsigned rest = 64 - bytes * 8;

	return (int64_t)(v << rest) >> rest;
}

/*
 * Both ends extended, when nothing above the sign bit tells them apart and they come out with the same sign. False: all
 * numbers of that many bytes are possible. is32: of the lower half's bounds.
 */
static bool extended_ends(const struct knum *n, unsigned bytes, bool is32, int64_t *min, int64_t *max)
{
	int64_t lo = is32 ? n->smin32 : n->smin, hi = is32 ? n->smax32 : n->smax;
	int64_t a = extended((uint64_t)lo, bytes), b = extended((uint64_t)hi, bytes);

	if ((uint64_t)lo >> (bytes * 8) != (uint64_t)hi >> (bytes * 8))
		return false;
	*min = knum_min_int64(a, b);
	*max = knum_max_int64(a, b);
	return (*min >= 0) == (*max >= 0);
}

/* Linux: kernel/bpf/verifier.c:coerce_reg_to_size_sx, v6.12 and v7.2 */
static void sext64(const struct knum_rules *r, struct knum *n, unsigned bytes)
{
	int64_t min, max;
	bool ends;

	if (knum_is_const(n)) {
		knum_put_const(r, n, (uint64_t)extended(n->t.value, bytes));
		return;
	}
	ends = extended_ends(n, bytes, false, &min, &max);
	if (!ends) {
		min = -(INT64_C(1) << (bytes * 8 - 1));
		max = -(min + 1);
	}
	n->t = ends ? kbits_range((uint64_t)min, (uint64_t)max) : kbits_any();
	knum_put_s64(r, n, min, max);
	knum_put_s32(r, n, (int32_t)min, (int32_t)max);
	if (!r->arcs && ends) {
		n->umin = (uint64_t)min;
		n->umax = (uint64_t)max;
		n->umin32 = (uint32_t)min;
		n->umax32 = (uint32_t)max;
	}
}

/* Linux: kernel/bpf/verifier.c:coerce_subreg_to_size_sx, v6.12 and v7.2 */
static void sext32(const struct knum_rules *r, struct knum *n, unsigned bytes)
{
	int64_t min, max;
	bool ends;

	if (knum_is_const(n)) {
		min = max = extended(n->t.value, bytes);
		n->t = kbits_const((uint64_t)min);
		ends = true;
	} else {
		ends = extended_ends(n, bytes, true, &min, &max);
		n->t = kbits_low(ends ? kbits_range((uint64_t)min, (uint64_t)max) : kbits_any());
	}
	if (!ends) {
		min = -(INT64_C(1) << (bytes * 8 - 1));
		max = -(min + 1);
	}
	knum_put_s32(r, n, (int32_t)min, (int32_t)max);
	if (!r->arcs && ends) {
		n->umin32 = (uint32_t)min;
		n->umax32 = (uint32_t)max;
	}
}

void knum_sext(const struct knum_rules *r, struct knum *n, unsigned bytes, bool is32)
{
	if (is32)
		sext32(r, n, bytes);
	else
		sext64(r, n, bytes);
}
