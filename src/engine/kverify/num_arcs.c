/* SPDX-License-Identifier: Apache-2.0 */
/*
 * num_arcs: arcs of the circle of all numbers of 64 or 32 bits. See num_bits.h.
 *
 * One text for both widths: an arc is kept in 64 bits, max is the greatest number of the width, and every sum is cut by
 * it. Linux: kernel/bpf/cnum_defs.h, kernel/bpf/cnum.c, v7.2.
 */
#include "engine/kverify/num_bits.h"

struct arc {
	uint64_t base, size;
};

static inline bool is_empty(struct arc a, uint64_t max)
{
	return a.base == max && a.size == max;
}

static inline struct arc none(uint64_t max)
{
	return (struct arc){ max, max };
}

/* Does it run over the end, from max to 0? */
static inline bool wraps(struct arc a, uint64_t max)
{
	return a.size > max - a.base;
}

static inline bool holds(struct arc a, uint64_t v, uint64_t max)
{
	return !is_empty(a, max) && ((v - a.base) & max) <= a.size;
}

static inline struct arc from_unsigned(uint64_t lo, uint64_t hi, uint64_t max)
{
	return (struct arc){ lo & max, (hi - lo) & max };
}

static inline struct arc from_signed(uint64_t lo, uint64_t hi, uint64_t max)
{
	uint64_t size = (hi - lo) & max;

	return (struct arc){ size == max ? 0 : lo & max, size };
}

/* The least and greatest number of given bits; when the sign is unknown or set, counted with sign. */
static inline struct arc from_bits(struct kbits t, uint64_t max)
{
	uint64_t sign = max ^ max >> 1;

	t = (struct kbits){ t.value & max, t.mask & max };
	if (kbits_max(t) & sign)
		return from_signed(t.value | (t.mask & sign), t.value | (t.mask & ~sign), max);
	return from_unsigned(t.value, kbits_max(t), max);
}

/* All numbers have several names; two bases of them are left as they are. */
static inline struct arc normal(struct arc a, uint64_t max)
{
	if (a.size == max && a.base != max >> 1)
		a.base = 0;
	return a;
}

/*
 * What both have. Two pieces are not one arc: the smaller of a and b then stands for them.
 */
static inline struct arc both(struct arc a, struct arc b, uint64_t max)
{
	struct arc swap = a;
	uint64_t from;

	if (is_empty(a, max) || is_empty(b, max))
		return none(max);
	if (a.base > b.base) {
		a = b;
		b = swap;
	}
	from = b.base - a.base; /* where b begins, seen from a's beginning */
	if (!wraps((struct arc){ from, b.size }, max)) {
		if (from > a.size)
			return none(max);
		return (struct arc){ b.base, knum_min_uint64(a.size - from, b.size) };
	}
	if (from <= a.size)
		return a.size <= b.size ? a : b;
	return (struct arc){ a.base, knum_min_uint64(a.size, (from + b.size) & max) };
}

static inline struct arc add(struct arc a, struct arc b, uint64_t max)
{
	if (is_empty(a, max) || is_empty(b, max))
		return none(max);
	if (a.size > max - b.size)
		return (struct arc){ 0, max };
	return normal((struct arc){ (a.base + b.base) & max, a.size + b.size }, max);
}

static inline struct arc neg(struct arc a, uint64_t max)
{
	if (is_empty(a, max))
		return none(max);
	return normal((struct arc){ (0 - (a.base + a.size)) & max, a.size }, max);
}

static inline bool within(struct arc out, struct arc in, uint64_t max)
{
	if (is_empty(in, max))
		return true;
	if (is_empty(out, max))
		return false;
	in.base = (in.base - out.base) & max;
	if (wraps(in, max) && out.size < max)
		return false;
	return ((in.base + in.size) & max) <= out.size;
}

#define ARC64(a) ((struct arc){ (a).base, (a).size })
#define ARC32(a) ARC64(a)
static inline struct karc64 to64(struct arc a)
{
	return (struct karc64){ a.base, a.size };
}
static inline struct karc32 to32(struct arc a)
{
	return (struct karc32){ (uint32_t)a.base, (uint32_t)a.size };
}

#define WIDTH(W, U, S)                                                    \
	struct karc##W karc##W##_unsigned(U min, U max)                   \
	{                                                                 \
		return to##W(from_unsigned(min, max, UINT##W##_MAX));     \
	}                                                                 \
	struct karc##W karc##W##_signed(S min, S max)                     \
	{                                                                 \
		return to##W(from_signed((U)min, (U)max, UINT##W##_MAX)); \
	}                                                                 \
	struct karc##W karc##W##_of_bits(struct kbits t)                  \
	{                                                                 \
		return to##W(from_bits(t, UINT##W##_MAX));                \
	}                                                                 \
	struct karc##W karc##W##_both(struct karc##W a, struct karc##W b) \
	{                                                                 \
		return to##W(both(ARC##W(a), ARC##W(b), UINT##W##_MAX));  \
	}                                                                 \
	struct karc##W karc##W##_add(struct karc##W a, struct karc##W b)  \
	{                                                                 \
		return to##W(add(ARC##W(a), ARC##W(b), UINT##W##_MAX));   \
	}                                                                 \
	struct karc##W karc##W##_neg(struct karc##W a)                    \
	{                                                                 \
		return to##W(neg(ARC##W(a), UINT##W##_MAX));              \
	}                                                                 \
	bool karc##W##_empty(struct karc##W a)                            \
	{                                                                 \
		return is_empty(ARC##W(a), UINT##W##_MAX);                \
	}                                                                 \
	bool karc##W##_within(struct karc##W out, struct karc##W in)      \
	{                                                                 \
		return within(ARC##W(out), ARC##W(in), UINT##W##_MAX);    \
	}
WIDTH(64, uint64_t, int64_t)
WIDTH(32, uint32_t, int32_t)
#undef WIDTH

struct karc32 karc32_of_64(struct karc64 a)
{
	if (karc64_empty(a))
		return (struct karc32){ UINT32_MAX, UINT32_MAX };
	if (a.size >= UINT32_MAX)
		return (struct karc32){ 0, UINT32_MAX };
	return (struct karc32){ (uint32_t)a.base, (uint32_t)a.size };
}

/*
 * Both are turned so that a begins at 0: then the lower half of a's last number is that of its size, and only the two
 * ends have to be looked at. Linux: kernel/bpf/cnum.c:cnum64_cnum32_intersect, v7.2
 */
struct karc64 karc64_with_low(struct karc64 a, struct karc32 b)
{
	const struct karc64 nothing = { UINT64_MAX, UINT64_MAX };
	uint32_t first = b.base - (uint32_t)a.base, last = first + b.size, end = (uint32_t)a.size;
	uint64_t beyond = 0;

	if (karc64_empty(a) || karc32_empty(b))
		return nothing;
	if (b.size > UINT32_MAX - first) { /* b holds 0 and up to last, and from first on */
		if (end > last && end < first)
			a.size -= end - last;
		return a;
	}
	if (a.size < first)
		return nothing;
	if (end < first)
		beyond = end + (UINT64_C(1) << 32) - last;
	else if (end >= last)
		beyond = end - last;
	a.base += first;
	a.size -= first;
	if (a.size < beyond)
		return nothing;
	a.size -= beyond;
	return a;
}

/* Unsigned bounds: all when it runs over the end. Signed ones: all when it runs over the greatest positive number. */
void knum_put_arc64(struct knum *n, struct karc64 a)
{
	struct arc x = ARC64(a);
	int64_t first = (int64_t)a.base, last = (int64_t)(a.base + a.size);
	bool all = wraps(x, UINT64_MAX);

	n->r64 = a;
	n->umin = all ? 0 : a.base;
	n->umax = all ? UINT64_MAX : a.base + a.size;
	all = holds(x, INT64_MAX, UINT64_MAX) && holds(x, (uint64_t)INT64_MIN, UINT64_MAX);
	n->smin = all ? INT64_MIN : knum_min_int64(first, last);
	n->smax = all ? INT64_MAX : knum_max_int64(first, last);
}

void knum_put_arc32(struct knum *n, struct karc32 a)
{
	struct arc x = ARC32(a);
	int32_t first = (int32_t)a.base, last = (int32_t)(a.base + a.size);
	bool all = wraps(x, UINT32_MAX);

	n->r32 = a;
	n->umin32 = all ? 0 : a.base;
	n->umax32 = all ? UINT32_MAX : a.base + a.size;
	all = holds(x, INT32_MAX, UINT32_MAX) && holds(x, (uint32_t)INT32_MIN, UINT32_MAX);
	n->smin32 = all ? INT32_MIN : knum_min_int32(first, last);
	n->smax32 = all ? INT32_MAX : knum_max_int32(first, last);
}
