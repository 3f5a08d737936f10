/* SPDX-License-Identifier: Apache-2.0 */
/*
 * num_print: a number as the kernel's log shows it.
 *
 * "smin=0,smax=umax=255,var_off=(0x0; 0xff)": what bounds nothing is left out, and bounds with one value share it.
 * Linux: kernel/bpf/log.c:print_scalar_ranges, v6.12; kernel/bpf/verifier.c:print_verifier_state, v6.1.
 */
#include "engine/kverify/num_bits.h"

#include <inttypes.h>

struct bound {
	const char *name;
	uint64_t value;
	bool is_signed, omit;
};

static void print_value(const struct bound *b, struct buf *out)
{
	int64_t s = (int64_t)b->value;

	if (b->is_signed && s >= INT16_MIN && s <= INT16_MAX)
		buf_printf(out, "%" PRId64, s);
	else if (!b->is_signed && b->value <= UINT16_MAX)
		buf_printf(out, "%" PRIu64, b->value);
	else
		buf_printf(out, "0x%" PRIx64, b->value);
}

/* A value of the lower half; where it is shown in hexadecimal, its sign is not extended. */
static uint64_t half(int32_t v)
{
	return v >= INT16_MIN && v <= INT16_MAX ? (uint64_t)(int64_t)v : (uint32_t)v;
}

static bool is_negative(const struct bound *b)
{
	return b->is_signed && (int64_t)b->value < 0;
}

static void print_new(const struct knum *n, struct buf *out)
{
	struct bound b[] = {
		{ "smin", (uint64_t)n->smin, true, n->smin == INT64_MIN },
		{ "smax", (uint64_t)n->smax, true, n->smax == INT64_MAX },
		{ "umin", n->umin, false, !n->umin },
		{ "umax", n->umax, false, n->umax == UINT64_MAX },
		{ "smin32", half(n->smin32), true, n->smin32 == INT32_MIN },
		{ "smax32", half(n->smax32), true, n->smax32 == INT32_MAX },
		{ "umin32", n->umin32, false, !n->umin32 },
		{ "umax32", n->umax32, false, n->umax32 == UINT32_MAX },
	};
	const unsigned n_bounds = sizeof b / sizeof b[0];
	const char *sep = "";

	for (unsigned i = 0; i < n_bounds; i++) {
		if (b[i].omit)
			continue;
		buf_printf(out, "%s%s=", sep, b[i].name);
		sep = ",";
		for (unsigned k = i + 2; k < n_bounds; k += 2) { /* the other lower (upper) bounds */
			if (b[k].omit || b[k].value != b[i].value || is_negative(&b[k]) != is_negative(&b[i]))
				continue;
			b[k].omit = true;
			buf_printf(out, "%s=", b[k].name);
		}
		print_value(&b[i], out);
	}
	if (n->t.mask != UINT64_MAX)
		buf_printf(out, "%svar_off=(0x%" PRIx64 "; 0x%" PRIx64 ")", sep, n->t.value, n->t.mask);
}

static void print_old(const struct knum *n, struct buf *out)
{
	const char *sep = "";

#define BOUND(show, name, fmt, value)                                    \
	do {                                                             \
		if (show) {                                              \
			buf_printf(out, "%s" name "=%" fmt, sep, value); \
			sep = ",";                                       \
		}                                                        \
	} while (0)
	BOUND(n->smin != (int64_t)n->umin && n->smin != INT64_MIN, "smin", PRId64, n->smin);
	BOUND(n->smax != (int64_t)n->umax && n->smax != INT64_MAX, "smax", PRId64, n->smax);
	BOUND(n->umin, "umin", PRIu64, n->umin);
	BOUND(n->umax != UINT64_MAX, "umax", PRIu64, n->umax);
	if (n->t.mask != UINT64_MAX) {
		buf_printf(out, "%svar_off=(0x%" PRIx64 "; 0x%" PRIx64 ")", sep, n->t.value, n->t.mask);
		sep = ",";
	}
	BOUND(n->smin32 != n->smin && n->smin32 != INT32_MIN, "s32_min", PRId32, n->smin32);
	BOUND(n->smax32 != n->smax && n->smax32 != INT32_MAX, "s32_max", PRId32, n->smax32);
	BOUND(n->umin32 != n->umin && n->umin32, "u32_min", PRIu32, n->umin32);
	BOUND(n->umax32 != n->umax && n->umax32 != UINT32_MAX, "u32_max", PRIu32, n->umax32);
#undef BOUND
}

void knum_print(const struct knum *n, bool old_style, struct buf *out)
{
	(old_style ? print_old : print_new)(n, out);
}
