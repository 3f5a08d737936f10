/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x86_flow: jumps.
 *
 * A choice between two values stays a jump: what programs test is mostly foreseen, and then costs nothing, while cmov
 * makes every choice wait for the one before (measured: a row of 50 tests takes 1.7 times as long with cmov).
 */
#include "engine/jit/x86.h"

static const uint8_t conditions[ISA_N_SEMS] = {
	[ISA_JEQ] = CC_E,  [ISA_JNE] = CC_NE,  [ISA_JGT] = CC_A,   [ISA_JGE] = CC_AE,
	[ISA_JLT] = CC_B,  [ISA_JLE] = CC_BE,  [ISA_JSGT] = CC_G,  [ISA_JSGE] = CC_GE,
	[ISA_JSLT] = CC_L, [ISA_JSLE] = CC_LE, [ISA_JSET] = CC_NE,
};

static uint16_t live_at(const struct x86 *x, uint32_t slot)
{
	const struct plan_insn *in = &x->plan->insns[slot];

	return (uint16_t)((in->live & ~in->def) | in->use);
}

static void test_imm(struct x86 *x, bool w, unsigned dst, int64_t imm)
{
	if (imm >= 0 && imm < 128) {
		x86_head(&x->c, 0, dst == RAX ? 0xa8 : 0xf6, 0, 0, dst, dst != RAX && x86_byte_rex(X_BYTE, dst));
		if (dst != RAX)
			x86_u8(&x->c, 0xc0 | (dst & 7));
		x86_u8(&x->c, (uint8_t)imm);
		return;
	}
	if (dst == RAX)
		x86_head(&x->c, w, 0xa9, 0, 0, 0, false);
	else
		x86_rr(&x->c, w, 0xf7, 0, dst);
	x86_u32(&x->c, (uint32_t)imm);
}

/* Compare the operands of the jump at hand. */
static void compare(struct x86 *x)
{
	const struct plan_insn *in = x->in;
	bool imm = in->flags & PLAN_B_IMM, is_signed = in->sem >= ISA_JSGT && in->sem <= ISA_JSLE;
	int64_t v = in->width == 32 ? (int32_t)in->imm : in->imm;
	bool small = x->zero >> in->dst & 1 && (imm ? v >= 0 : x->zero >> in->src & 1);
	bool w = in->width == 64 && (is_signed || !small);
	unsigned dst, src;

	if (imm && !x86_immediate(x, v)) {
		dst = x86_read(x, in->dst);
		src = X86_T1;
		x86_const(x, src, (uint64_t)v);
	} else if (imm) {
		dst = x86_read(x, in->dst);
		if (in->sem == ISA_JSET)
			test_imm(x, w && v < 0, dst, v);
		else if (!v)
			x86_rr(&x->c, w, 0x85, dst, dst);
		else
			x86_alu_ri(&x->c, w, X_CMP, dst, (int32_t)v);
		return;
	} else {
		(void)x86_read(x, in->dst);
		src = x86_read(x, in->src);
		dst = x86_read(x, in->dst); /* again: where it is may have changed */
	}
	if (in->sem == ISA_JSET)
		x86_rr(&x->c, w, 0x85, src, dst);
	else
		x86_alu_rr(&x->c, w, X_CMP, dst, src);
}

/* A short forward jump over a sequence of fixed length; here() fills it in. */
static uint8_t *skip(struct x86 *x, unsigned cc)
{
	x86_u8(&x->c, 0x70 | cc);
	x86_u8(&x->c, 0);
	return x->c.p;
}

static void fuel_spent(struct x86 *x)
{
	x86_to_cold(x, X86_JMP, x86_cold_next(x));
	x86_cold_begin(x);
	x86_mov_ri(&x->c, X86_T1, x->at);
	x86_within_cold(x, 0xe9, x->fuel_common);
	x86_cold_end(x);
}

/* A jump back costs its length. */
static void jump_back(struct x86 *x)
{
	x86_alu_ri(&x->c, true, X_SUB, X86_FUEL, (int32_t)(x->at + 1 - x->in->target));
	x86_jump(x, CC_NS, x->in->target, true);
	fuel_spent(x);
}

static void always(struct x86 *x)
{
	x86_settle(x, x->in->live, true);
	if (x->fuel && x->in->flags & PLAN_BACK)
		jump_back(x);
	else if (x->in->target != x->at + 1)
		x86_jump(x, X86_JMP, x->in->target, false);
}

/* This jump leads over the next one, which is taken instead when the condition does not hold. */
static void inverse(struct x86 *x, unsigned cc)
{
	uint8_t *over;

	x86_settle(x, live_at(x, x->in[1].target), false);
	compare(x);
	x->skips_next = true;
	x->in++;
	x->at++;
	if (!x->fuel || !(x->in->flags & PLAN_BACK)) {
		x86_jump(x, cc ^ 1, x->in->target, false);
		return;
	}
	over = skip(x, cc);
	jump_back(x);
	over[-1] = (uint8_t)(x->c.p - over);
}

static void conditional(struct x86 *x)
{
	unsigned cc = conditions[x->in->sem];
	uint8_t *over;

	x86_settle(x, live_at(x, x->in->target), false);
	if (x->in->target == x->at + 1)
		return;
	if (x->in->flags & PLAN_INVERSE) {
		inverse(x, cc);
		return;
	}
	compare(x);
	if (!x->fuel || !(x->in->flags & PLAN_BACK)) {
		x86_jump(x, cc, x->in->target, false);
		return;
	}
	over = skip(x, cc ^ 1);
	jump_back(x);
	over[-1] = (uint8_t)(x->c.p - over);
}

static void may_goto(struct x86 *x)
{
	uint8_t *over;

	x86_settle(x, live_at(x, x->in->target), false);
	x86_loops(x);
	over = skip(x, CC_NE);
	if (x->fuel && x->in->flags & PLAN_BACK)
		jump_back(x);
	else
		x86_jump(x, X86_JMP, x->in->target, true);
	over[-1] = (uint8_t)(x->c.p - over);
	x86_loops_less(x);
}

void x86_branch(struct x86 *x)
{
	if (x->in->sem == ISA_MAY_GOTO)
		may_goto(x);
	else if (x->in->sem == ISA_JA)
		always(x);
	else
		conditional(x);
}
