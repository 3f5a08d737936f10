/* SPDX-License-Identifier: Apache-2.0 */
/*
 * a64_alu: arithmetic, moves, byte order.
 *
 * The machine's own division gives what RFC 9669 section 4.1 wants: x / 0 is 0, the quotient that does not fit wraps;
 * and a remainder of x - (x / y) * y is x for y = 0. Shifts by a register take the low bits of the amount, as eBPF's.
 */
#include "engine/jit/a64.h"

static bool is_power(uint64_t v)
{
	return v && !(v & (v - 1));
}

static uint64_t width_mask(const struct plan_insn *in)
{
	return in->width == 64 ? UINT64_MAX : UINT32_MAX;
}

/* --- operand b a constant --- */

static void add_imm(struct a64_gen *g, const struct plan_insn *in, bool sf, unsigned dst, unsigned a)
{
	int64_t imm = in->sem == ISA_SUB ? (int64_t)(0 - (uint64_t)in->imm) : in->imm;

	if (imm || !sf || a != dst)
		a64_put_add(&g->as, sf, dst, a, imm, A64_T0);
}

static const uint8_t logic_op[] = { [ISA_OR] = A64_ORR, [ISA_AND] = A64_AND, [ISA_XOR] = A64_EOR };

static void logic_imm(struct a64_gen *g, const struct plan_insn *in, bool sf, unsigned dst, unsigned a)
{
	enum a64_logic op = (enum a64_logic)logic_op[in->sem];
	uint64_t ones = width_mask(in), imm = (uint64_t)in->imm & ones;
	uint32_t field;

	if (a64_bitmask_fits(sf, imm, &field))
		a64_put(&g->as, a64_logic_imm(sf, op, dst, a, field));
	else if (in->sem == ISA_XOR && imm == ones)
		a64_put(&g->as, a64_logic_reg(sf, A64_ORR, true, dst, A64_ZR, a, A64_LSL, 0));
	else
		a64_put(&g->as, a64_logic_reg(sf, op, false, dst, a, a64_const(g, sf, imm, A64_T0), A64_LSL, 0));
}

static void shift_imm(struct a64_gen *g, const struct plan_insn *in, bool sf, unsigned dst, unsigned a)
{
	unsigned top = sf ? 63 : 31, n = (unsigned)in->imm & top;

	if (!n && sf && a == dst)
		return;
	if (in->sem == ISA_LSH)
		a64_put(&g->as, a64_bitfield(sf, A64_UBFM, dst, a, (0 - n) & top, top - n));
	else
		a64_put(&g->as, a64_bitfield(sf, in->sem == ISA_ARSH ? A64_SBFM : A64_UBFM, dst, a, n, top));
}

/* Unsigned by a power of two, and by 0. False: not one of these. */
static bool divide_by_power(struct a64_gen *g, const struct plan_insn *in, bool sf, unsigned dst, unsigned a)
{
	uint64_t by = (uint64_t)in->imm & width_mask(in);
	uint32_t field;

	if (!is_power(by))
		return false;
	if (in->sem == ISA_DIV)
		a64_put(&g->as, a64_bitfield(sf, A64_UBFM, dst, a, (unsigned)__builtin_ctzll(by), sf ? 63 : 31));
	else if (a64_bitmask_fits(sf, by - 1, &field))
		a64_put(&g->as, a64_logic_imm(sf, A64_AND, dst, a, field));
	else
		a64_put_imm(&g->as, sf, dst, 0);
	return true;
}

static bool multiply_by_power(struct a64_gen *g, const struct plan_insn *in, bool sf, unsigned dst, unsigned a)
{
	uint64_t by = (uint64_t)in->imm & width_mask(in);
	unsigned n, top = sf ? 63 : 31;

	if (!is_power(by))
		return false;
	n = (unsigned)__builtin_ctzll(by);
	a64_put(&g->as, a64_bitfield(sf, A64_UBFM, dst, a, (0 - n) & top, top - n));
	return true;
}

/* --- operand b a register --- */

static void divide(struct a64_gen *g, const struct plan_insn *in, bool sf, unsigned dst, unsigned a, unsigned b)
{
	bool is_signed = in->sem == ISA_SDIV || in->sem == ISA_SMOD,
	     remainder = in->sem == ISA_MOD || in->sem == ISA_SMOD;
	enum a64_dp2 op = is_signed ? A64_SDIV : A64_UDIV;

	a64_put(&g->as, a64_dp2(sf, op, remainder ? A64_T1 : dst, a, b));
	if (remainder)
		a64_put(&g->as, a64_msub(sf, dst, A64_T1, b, a));
}

static void with_register(struct a64_gen *g, const struct plan_insn *in, bool sf, unsigned dst, unsigned a, unsigned b)
{
	switch (in->sem) {
	case ISA_ADD:
	case ISA_SUB:
		a64_put(&g->as, a64_addsub_reg(sf, in->sem == ISA_ADD ? A64_ADD : A64_SUB, dst, a, b, A64_LSL, 0));
		break;
	case ISA_OR:
	case ISA_AND:
	case ISA_XOR:
		a64_put(&g->as, a64_logic_reg(sf, (enum a64_logic)logic_op[in->sem], false, dst, a, b, A64_LSL, 0));
		break;
	case ISA_LSH:
		a64_put(&g->as, a64_dp2(sf, A64_LSLV, dst, a, b));
		break;
	case ISA_RSH:
		a64_put(&g->as, a64_dp2(sf, A64_LSRV, dst, a, b));
		break;
	case ISA_ARSH:
		a64_put(&g->as, a64_dp2(sf, A64_ASRV, dst, a, b));
		break;
	case ISA_MUL:
		a64_put(&g->as, a64_madd(sf, dst, a, b, A64_ZR));
		break;
	default:
		divide(g, in, sf, dst, a, b);
	}
}

/* An instruction that has the constant in it, or that needs none. False: there is no such. */
static bool with_immediate(struct a64_gen *g, const struct plan_insn *in, bool sf, unsigned dst, unsigned a)
{
	switch (in->sem) {
	case ISA_ADD:
	case ISA_SUB:
		add_imm(g, in, sf, dst, a);
		return true;
	case ISA_OR:
	case ISA_AND:
	case ISA_XOR:
		logic_imm(g, in, sf, dst, a);
		return true;
	case ISA_LSH:
	case ISA_RSH:
	case ISA_ARSH:
		shift_imm(g, in, sf, dst, a);
		return true;
	case ISA_MUL:
		return multiply_by_power(g, in, sf, dst, a);
	case ISA_DIV:
	case ISA_MOD:
		return divide_by_power(g, in, sf, dst, a);
	default:
		return false;
	}
}

/* --- moves, one operand --- */

static void move(struct a64_gen *g, const struct plan_insn *in, bool sf, unsigned dst)
{
	if (in->flags & PLAN_B_IMM) {
		/* 32 bits: `imm` is zero-extended, which the 32-bit form does. */
		bool wide = (uint64_t)in->imm > UINT32_MAX;
		unsigned reg = a64_plain(g) ? dst : a64_const(g, wide, (uint64_t)in->imm, dst);

		if (a64_plain(g))
			a64_put_imm(&g->as, wide, dst, (uint64_t)in->imm);
		else if (reg != dst)
			a64_put_mov(&g->as, true, dst, reg);
	} else if (in->src == ISA_FP && sf) {
		(void)a64_use(g, ISA_FP, dst);
	} else if (in->src != in->dst || !sf) {
		a64_put_mov(&g->as, sf, dst, a64_use(g, in->src, A64_T0));
	}
}

static void sign_extend(struct a64_gen *g, const struct plan_insn *in, bool sf, unsigned dst)
{
	a64_put(&g->as, a64_bitfield(sf, A64_SBFM, dst, a64_use(g, in->src, A64_T0), 0, (unsigned)in->aux - 1));
}

/* END_LE only cuts: all this runs on little-endian machines. */
static void byte_order(struct a64_gen *g, const struct plan_insn *in, unsigned dst, unsigned a)
{
	bool swap = in->sem != ISA_END_LE, sf = in->width == 64;

	if (swap) {
		a64_put(&g->as, a64_rev(sf, sf ? A64_REV64 : A64_REV32, dst, a));
		a = dst;
	}
	if (in->width == 16)
		a64_put(&g->as, a64_bitfield(false, A64_UBFM, dst, a, swap ? 16 : 0, swap ? 31 : 15));
	else if (a != dst || (in->width == 32 && !swap))
		a64_put_mov(&g->as, sf, dst, a);
}

void a64_alu(struct a64_gen *g, const struct plan_insn *in, unsigned a)
{
	bool sf = in->width == 64;
	unsigned dst = a64_native(in->dst), b;

	switch (in->sem) {
	case ISA_MOV:
		move(g, in, sf, dst);
		return;
	case ISA_MOVSX:
		sign_extend(g, in, sf, dst);
		return;
	case ISA_NEG:
		a64_put(&g->as, a64_addsub_reg(sf, A64_SUB, dst, A64_ZR, a, A64_LSL, 0));
		return;
	case ISA_END_LE:
	case ISA_END_BE:
	case ISA_BSWAP:
		byte_order(g, in, dst, a);
		return;
	case PLAN_ROL:
		a64_put(&g->as, a64_extr(sf, dst, a, a, (unsigned)(in->width - in->imm)));
		return;
	}
	if (in->flags & PLAN_B_IMM) {
		if (a64_plain(g) && with_immediate(g, in, sf, dst, a))
			return;
		b = a64_const(g, sf, (uint64_t)in->imm, A64_T0);
	} else {
		/* After a copy to dst that is left out, dst as an operand is what was copied too. */
		b = in->src == in->dst ? a : a64_use(g, in->src, A64_T0);
	}
	with_register(g, in, sf, dst, a, b);
}
