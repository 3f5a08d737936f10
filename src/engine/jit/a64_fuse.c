/* SPDX-License-Identifier: Apache-2.0 */
/*
 * a64_fuse: neighbours that are one instruction here.
 *
 * eBPF's arithmetic has two operands, this machine's has three, one of them shifted, and its addresses have two
 * registers: so a copy before an operation, a shift or a product before a sum, and a sum before an access go into what
 * follows. Nothing is left out that somebody could see: a register whose value would be missing is dead, or written by
 * what follows.
 */
#include "engine/jit/a64.h"

/* The next instruction of the same block, NOPs passed over; NULL: none. *slots grows by what is passed. */
static const struct plan_insn *next_of(const struct a64_gen *g, const struct plan_insn *in, uint32_t *slots)
{
	const struct plan_insn *end = g->plan.insns + g->func->end;

	do {
		in++;
		if (in >= end || in->flags & PLAN_LEADER)
			return NULL;
		(*slots)++;
	} while (in->sem == PLAN_NOP);
	return in;
}

static bool has(uint16_t set, unsigned reg)
{
	return set >> reg & 1;
}

/* Not read after `in`, which may itself write it. */
static bool is_dead_after(const struct plan_insn *in, unsigned reg)
{
	return has(in->def, reg) || !has(in->live, reg);
}

static bool is_sum(const struct plan_insn *in)
{
	return (in->sem == ISA_ADD || in->sem == ISA_OR || in->sem == ISA_XOR || in->sem == ISA_AND) &&
	       !(in->flags & PLAN_B_IMM) && in->src != ISA_FP;
}

static bool has_operand_a(const struct plan_insn *in)
{
	return (in->sem >= ISA_ADD && in->sem <= ISA_NEG) || in->sem == PLAN_ROL ||
	       (in->sem >= ISA_END_LE && in->sem <= ISA_BSWAP);
}

/* A copy that changes nothing of what an operation of this width sees. */
static bool is_copy(const struct a64_gen *g, const struct plan_insn *in, unsigned width)
{
	return in->sem == ISA_MOV && !(in->flags & PLAN_B_IMM) && in->src != ISA_FP &&
	       (in->width == 64 || width == 32 || has(g->zero, in->src));
}

/* --- a sum and what it is the address of --- */

static unsigned log2_of(const struct plan_insn *in)
{
	return (unsigned)__builtin_ctz(in->width) - 3;
}

/* An access to [reg] and no more, after which reg does not matter. */
static bool is_access_to(const struct a64_gen *g, const struct plan_insn *in, unsigned reg)
{
	bool load = in->sem == ISA_LDX || in->sem == ISA_LDXS;

	if (g->o->sandboxed || in->off || (!load && in->sem != ISA_STX))
		return false;
	if (load)
		return in->src == reg && is_dead_after(in, reg);
	return in->dst == reg && in->src != reg && in->src != ISA_FP && is_dead_after(in, reg);
}

static void put_access(struct a64_gen *g, const struct plan_insn *in, unsigned base, unsigned index, bool scaled)
{
	enum a64_mem op = in->sem == ISA_LDX ? A64_LDR : in->sem == ISA_LDXS ? A64_LDRS64 : A64_STR;
	unsigned rt = a64_native(in->sem == ISA_STX ? in->src : in->dst);

	a64_put(&g->as, a64_mem_reg(op, log2_of(in), rt, base, index, scaled));
}

/* --- something before a sum --- */

/* dst = other + (a << n), or another operation; or the access there. */
static void put_shifted(struct a64_gen *g, const struct plan_insn *sum, unsigned other, const struct plan_insn *shift,
			unsigned a)
{
	bool sf = sum->width == 64;
	unsigned dst = a64_native(sum->dst), n = (unsigned)shift->imm & (sf ? 63 : 31);
	enum a64_shift kind = shift->sem == ISA_LSH ? A64_LSL : shift->sem == ISA_RSH ? A64_LSR : A64_ASR;
	static const uint8_t ops[] = { [ISA_OR] = A64_ORR, [ISA_AND] = A64_AND, [ISA_XOR] = A64_EOR };

	if (sum->sem == ISA_ADD)
		a64_put(&g->as, a64_addsub_reg(sf, A64_ADD, dst, other, a, kind, n));
	else
		a64_put(&g->as, a64_logic_reg(sf, (enum a64_logic)ops[sum->sem], false, dst, other, a, kind, n));
}

static bool is_shift(const struct a64_gen *g, const struct plan_insn *in)
{
	return in->sem >= ISA_LSH && in->sem <= ISA_ARSH && in->flags & PLAN_B_IMM && a64_plain(g);
}

/* Does the sum take what `in` gives, once, and does nobody else? Then *other is its other operand. */
static bool sum_takes(const struct plan_insn *in, const struct plan_insn *sum, unsigned *other)
{
	if (!is_sum(sum) || sum->width != in->width || sum->src == sum->dst)
		return false;
	if (sum->dst == in->dst) {
		*other = a64_native(sum->src);
		return true;
	}
	*other = a64_native(sum->dst);
	return sum->src == in->dst && is_dead_after(sum, in->dst);
}

/* shift; sum; and perhaps the access. */
static uint32_t fuse_shift(struct a64_gen *g, const struct plan_insn *in, unsigned a, uint32_t slots)
{
	const struct plan_insn *sum = next_of(g, in, &slots), *access;
	uint32_t more = slots;
	unsigned other;

	if (!sum || !sum_takes(in, sum, &other))
		return 0;
	access = next_of(g, sum, &more);
	if (access && in->sem == ISA_LSH && sum->sem == ISA_ADD && sum->width == 64 &&
	    is_access_to(g, access, sum->dst) && (uint64_t)in->imm == log2_of(access)) {
		put_access(g, access, other, a, true);
		return more;
	}
	put_shifted(g, sum, other, in, a);
	return slots;
}

static uint32_t fuse_product(struct a64_gen *g, const struct plan_insn *in, unsigned a, uint32_t slots)
{
	const struct plan_insn *sum = next_of(g, in, &slots);
	bool sf = in->width == 64, imm = in->flags & PLAN_B_IMM;
	unsigned other, b;

	if (!sum || sum->sem != ISA_ADD || !sum_takes(in, sum, &other) || (imm && !(in->imm & (in->imm - 1))))
		return 0;
	b = imm ? a64_const(g, sf, (uint64_t)in->imm, A64_T0) : in->src == in->dst ? a : a64_native(in->src);
	a64_put(&g->as, a64_madd(sf, a64_native(sum->dst), a, b, other));
	return slots;
}

static uint32_t fuse_address(struct a64_gen *g, const struct plan_insn *in, unsigned a, uint32_t slots)
{
	const struct plan_insn *access = next_of(g, in, &slots);

	if (!access || in->width != 64 || in->src == in->dst || !is_access_to(g, access, in->dst))
		return 0;
	put_access(g, access, a, a64_native(in->src), false);
	return slots;
}

/* `in` with its first operand from `a`, and what follows it; slots: how many there are up to and with it. */
static uint32_t fuse_from(struct a64_gen *g, const struct plan_insn *in, unsigned a, uint32_t slots)
{
	if (is_shift(g, in))
		return fuse_shift(g, in, a, slots);
	if (in->sem == ISA_MUL && (in->flags & PLAN_B_IMM || in->src != ISA_FP))
		return fuse_product(g, in, a, slots);
	if (in->sem == ISA_ADD && is_sum(in))
		return fuse_address(g, in, a, slots);
	return 0;
}

/* r10 and a constant. */
static uint32_t fuse_frame(struct a64_gen *g, const struct plan_insn *in)
{
	uint32_t slots = 1;
	const struct plan_insn *add = next_of(g, in, &slots);

	if (!add || !a64_plain(g) || add->sem != ISA_ADD || !(add->flags & PLAN_B_IMM) || add->width != 64 ||
	    add->dst != in->dst)
		return 0;
	a64_put_add(&g->as, true, a64_native(in->dst), A64_FRAME, VM_STACK_BYTES + add->imm, A64_T0);
	return slots;
}

uint32_t a64_fuse(struct a64_gen *g, const struct plan_insn *in)
{
	const struct plan_insn *op;
	uint32_t slots = 1, n;
	unsigned a;

	if (!(in->def & in->live))
		return 0;
	if (in->sem == ISA_MOV && in->width == 64 && in->src == ISA_FP && !(in->flags & PLAN_B_IMM))
		return fuse_frame(g, in);
	if (!is_copy(g, in, 32))
		return has_operand_a(in) ? fuse_from(g, in, a64_native(in->dst), 1) : 0;
	/* A copy to itself, of what has no upper half. */
	if (in->src == in->dst && is_copy(g, in, 64))
		return 1;
	op = next_of(g, in, &slots);
	if (!op || !has_operand_a(op) || op->dst != in->dst || !is_copy(g, in, op->width) || !(op->def & op->live))
		return 0;
	a = a64_native(in->src);
	n = fuse_from(g, op, a, slots);
	if (n)
		return n;
	a64_alu(g, op, a);
	return slots;
}
