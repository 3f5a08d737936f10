/* SPDX-License-Identifier: Apache-2.0 */
/*
 * num: what a kernel's verifier knows of a number, and what it makes of it: release by release.
 *
 * A number is known by its bits (tnum), by bounds of its 64 and of its lower 32 bits, signed and unsigned; newer
 * releases keep arcs instead of bounds (KERNEL_NUM_ARCS), and what is in the bounds is then read off the arcs.
 * Everybody reads the fields; only this module's functions change them. What a release concludes is copied as it is,
 * too much or too little: soundness is not at stake here, agreement is.
 */
#ifndef SALLYPORT_ENGINE_KVERIFY_NUM_H
#define SALLYPORT_ENGINE_KVERIFY_NUM_H

#include "engine/isa/isa.h"
#include "engine/kernel/kernel.h"

struct kbits {
	uint64_t value, mask;
};

struct karc64 {
	uint64_t base, size; /* base, base + 1, ... base + size, round the circle; size UINT64_MAX: all */
};
struct karc32 {
	uint32_t base, size;
};

/* No padding: compared as bytes. */
struct knum {
	struct kbits t;
	uint64_t umin, umax;
	int64_t smin, smax;
	uint32_t umin32, umax32;
	int32_t smin32, smax32;
	struct karc64 r64; /* KERNEL_NUM_ARCS only, else 0 */
	struct karc32 r32;
};

/* How a release reckons: the behaviours that matter here, looked up once. */
struct knum_rules {
	const struct kernel_profile *kernel;
	bool arcs;
	uint64_t has[4]; /* bit per enum kernel_behaviour */
};
static_assert(KERNEL_N_BEHAVIOURS <= 256, "room for all");
void knum_rules_init(struct knum_rules *r, const struct kernel_profile *k);

struct knum knum_unknown(const struct knum_rules *r);
struct knum knum_const(const struct knum_rules *r, uint64_t v);
/* Any number of the lowest `bytes` bytes: what a load gives. */
struct knum knum_bytes(const struct knum_rules *r, unsigned bytes);
static inline bool knum_is_const(const struct knum *n)
{
	return !n->t.mask;
}
/* The lower half is one value, whatever the upper is. */
bool knum_is_const32(const struct knum *n);
bool knum_is_unknown(const struct knum *n);
/* All of `in` lies within `out`: bits, bounds (or arcs). range_within and tnum_in. */
bool knum_within(const struct knum_rules *r, const struct knum *out, const struct knum *in);

/* Set bounds from outside (a helper's result, a loaded variable): each may narrow what is known; then everything is
 * deduced anew. */
void knum_bound_s64(const struct knum_rules *r, struct knum *n, int64_t min, int64_t max);
void knum_bound_u64(const struct knum_rules *r, struct knum *n, uint64_t min, uint64_t max);
void knum_bound_s32(const struct knum_rules *r, struct knum *n, int32_t min, int32_t max);
/* Let every part narrow the others, as reg_bounds_sync of this release. */
void knum_sync(const struct knum_rules *r, struct knum *n);
/* Is it what no value can be: min over max, bits and bounds of a constant that differ? Linux: reg_bounds_sanity_check
 */
bool knum_is_broken(const struct knum_rules *r, const struct knum *n);
/* Bounds become anything, as reg_bounds_sanity_check leaves a number that is broken; the bits stay. */
void knum_unbound(const struct knum_rules *r, struct knum *n);

/*
 * dst = dst OP src for scalars: ADD SUB MUL AND OR XOR LSH RSH ARSH NEG DIV MOD SDIV SMOD END_* BSWAP at 32 or 64 bits,
 * as adjust_scalar_min_max_vals (and what is around it: 32-bit results are zero-extended) of this release. MOV and
 * MOVSX are not its. False: the result is not computed but anything, as of a register that is marked unknown.
 */
bool knum_alu(const struct knum_rules *r, const struct isa_insn *in, struct knum *dst, struct knum src);
/* dst += by, dst -= by: the bounds only. */
void knum_add_bounds(const struct knum_rules *r, struct knum *dst, const struct knum *by);
void knum_sub_bounds(const struct knum_rules *r, struct knum *dst, const struct knum *by);
/*
 * The offset of a pointer: off += by or off -= by; by NULL: it stays. Nothing is deduced yet, and of the lower half's
 * bounds nothing is known until then.
 */
void knum_move(const struct knum_rules *r, struct knum *off, const struct knum *by, bool subtract);
/* The lower half is v; of the upper one the bits stay. Nothing is deduced. */
void knum_put_const32(const struct knum_rules *r, struct knum *n, uint32_t v);
void knum_zext(const struct knum_rules *r, struct knum *n);                            /* upper half becomes zero */
void knum_truncate(const struct knum_rules *r, struct knum *n, unsigned bytes);        /* coerce_reg_to_size */
void knum_sext(const struct knum_rules *r, struct knum *n, unsigned bytes, bool is32); /* MOVSX, LDXS */

/* What both operands of a conditional jump are on each way out of it. */
struct knum_split {
	struct knum a_true, b_true, a_false, b_false;
};
/*
 * Can `a OP b` be decided? 1: always taken, 0: never, -1: both ways. Which operands may be unknown depends on the
 * release. same: both are one register. Releases that follow both ways to find out (KERNEL_NUM_TRY_BOTH) leave in *s
 * what the operands are on each; *s is set for -1 only and only by them.
 */
int knum_branch(const struct knum_rules *r, const struct isa_insn *in, const struct knum *a, const struct knum *b,
		bool same, struct knum_split *s);
/*
 * Narrow both sides of both outcomes. b may be a constant that nobody keeps, and the same as a. In: *a_true ==
 * *a_false, the same for b. As reg_set_min_max of releases without KERNEL_NUM_TRY_BOTH.
 */
void knum_learn(const struct knum_rules *r, const struct isa_insn *in, struct knum *a_true, struct knum *b_true,
		struct knum *a_false, struct knum *b_false);

/* The pieces, for tests and for offsets of pointers. */
struct kbits kbits_const(uint64_t v);
struct kbits kbits_range(uint64_t min, uint64_t max);
struct kbits kbits_add(struct kbits a, struct kbits b);
struct kbits kbits_sub(struct kbits a, struct kbits b);
bool kbits_in(struct kbits out, struct kbits in);
bool kbits_aligned(struct kbits a, uint64_t size);
/* Append as the kernel's log does: "smin=0,smax=umax=255,var_off=(0x0; 0xff)". */
void knum_print(const struct knum *n, bool old_style, struct buf *out);

#endif
