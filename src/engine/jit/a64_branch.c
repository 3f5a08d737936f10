/* SPDX-License-Identifier: Apache-2.0 */
/* a64_branch: comparisons, jumps, and what going back costs. */
#include "engine/jit/a64.h"

static enum a64_cond cond_of(uint8_t sem)
{
	static const uint8_t conds[ISA_N_SEMS] = {
		[ISA_JEQ] = A64_EQ,  [ISA_JNE] = A64_NE,  [ISA_JGT] = A64_HI,  [ISA_JGE] = A64_HS,
		[ISA_JLT] = A64_LO,  [ISA_JLE] = A64_LS,  [ISA_JSGT] = A64_GT, [ISA_JSGE] = A64_GE,
		[ISA_JSLT] = A64_LT, [ISA_JSLE] = A64_LE, [ISA_JSET] = A64_NE,
	};

	return (enum a64_cond)conds[sem];
}

static void compare_imm(struct a64_gen *g, bool sf, unsigned a, uint64_t imm)
{
	uint64_t minus = 0 - imm;

	if (!sf) {
		imm = (uint32_t)imm;
		minus = (uint32_t)minus;
	}
	if (a64_plain(g) && a64_addsub_fits(imm))
		a64_put(&g->as, a64_addsub_imm(sf, A64_SUBS, A64_ZR, a, imm));
	else if (a64_plain(g) && imm && a64_addsub_fits(minus))
		a64_put(&g->as, a64_addsub_imm(sf, A64_ADDS, A64_ZR, a, minus));
	else
		a64_put(&g->as, a64_addsub_reg(sf, A64_SUBS, A64_ZR, a, a64_const(g, sf, imm, A64_T1), A64_LSL, 0));
}

static void test_imm(struct a64_gen *g, bool sf, unsigned a, uint64_t imm)
{
	uint32_t field;

	if (a64_plain(g) && a64_bitmask_fits(sf, imm, &field))
		a64_put(&g->as, a64_logic_imm(sf, A64_ANDS, A64_ZR, a, field));
	else
		a64_put(&g->as,
			a64_logic_reg(sf, A64_ANDS, false, A64_ZR, a, a64_const(g, sf, imm, A64_T1), A64_LSL, 0));
}

/* The flags for cond_of(). */
static void compare(struct a64_gen *g, const struct plan_insn *in)
{
	bool sf = in->width == 64;
	unsigned a = a64_use(g, in->dst, A64_T0);

	if (in->flags & PLAN_B_IMM && in->sem == ISA_JSET)
		test_imm(g, sf, a, (uint64_t)in->imm);
	else if (in->flags & PLAN_B_IMM)
		compare_imm(g, sf, a, (uint64_t)in->imm);
	else if (in->sem == ISA_JSET)
		a64_put(&g->as, a64_logic_reg(sf, A64_ANDS, false, A64_ZR, a, a64_use(g, in->src, A64_T1), A64_LSL, 0));
	else
		a64_put(&g->as, a64_addsub_reg(sf, A64_SUBS, A64_ZR, a, a64_use(g, in->src, A64_T1), A64_LSL, 0));
}

/* To l when the comparison holds (or, with `not`, when it does not). */
static void jump_if(struct a64_gen *g, const struct plan_insn *in, bool not, a64_label l)
{
	bool sf = in->width == 64, imm = in->flags & PLAN_B_IMM && a64_plain(g);
	uint64_t v = sf ? (uint64_t)in->imm : (uint32_t)in->imm;
	unsigned a = a64_native(in->dst == ISA_FP ? 0 : in->dst);
	enum a64_cond c = cond_of(in->sem);

	/* Against 0, and of one bit: without flags. */
	if (imm && in->dst != ISA_FP && !v && (in->sem == ISA_JEQ || in->sem == ISA_JNE)) {
		bool nonzero = (in->sem == ISA_JNE) != not ;

		a64_jump(&g->as, nonzero ? A64_CBNZ : A64_CBZ, a64_cb(sf, nonzero, a, 0), l);
		return;
	}
	if (imm && in->dst != ISA_FP && in->sem == ISA_JSET && v && !(v & (v - 1))) {
		a64_jump(&g->as, not ? A64_TBZ : A64_TBNZ, a64_tb(!not, a, (unsigned)__builtin_ctzll(v), 0), l);
		return;
	}
	compare(g, in);
	a64_jump(&g->as, A64_BCOND, a64_bcond(not ? a64_cond_not(c) : c, 0), l);
}

/* Fuel goes down by the distance, and then back to the target. */
static void go_back(struct a64_gen *g, const struct plan_insn *in)
{
	a64_label target = g->slots + in->target;

	if (!g->fuel) {
		a64_jump(&g->as, A64_B, a64_b(0), target);
		return;
	}
	a64_put_fuel(g, g->at + 1 - in->target);
	a64_jump(&g->as, A64_BCOND, a64_bcond(A64_PL, 0), target);
	a64_put_slot(g, g->at);
	a64_to_stub(g, A64_B, a64_b(0), &g->out_of_fuel);
}

/* The mov that follows, unless the condition holds. */
static void put_select(struct a64_gen *g, const struct plan_insn *in)
{
	const struct plan_insn *mov = in + 1;
	unsigned dst = a64_native(mov->dst), other;

	if (mov->flags & PLAN_B_IMM) {
		other = a64_const(g, true, (uint64_t)mov->imm, A64_T2);
	} else if (mov->width == 64) {
		other = a64_use(g, mov->src, A64_T2);
	} else {
		other = A64_T2;
		a64_put_mov(&g->as, false, other, a64_use(g, mov->src, A64_T2));
	}
	compare(g, in);
	a64_put(&g->as, a64_csel(true, dst, dst, other, cond_of(in->sem)));
	g->done = 2;
}

/* Taken when the counter of the frame is spent. */
static void may_goto(struct a64_gen *g, const struct plan_insn *in)
{
	int counter = a64_loops_offset(g);
	a64_label over = a64_labels_new(&g->as, 1);

	a64_put(&g->as, a64_mem(A64_LDR, 3, A64_T0, A64_SP, counter));
	if (in->flags & PLAN_BACK) {
		a64_jump(&g->as, A64_CBNZ, a64_cb(true, true, A64_T0, 0), over);
		go_back(g, in);
	} else {
		a64_jump(&g->as, A64_CBZ, a64_cb(true, false, A64_T0, 0), g->slots + in->target);
	}
	a64_bind(&g->as, over);
	a64_put(&g->as, a64_addsub_imm(true, A64_SUB, A64_T0, A64_T0, 1));
	a64_put(&g->as, a64_mem(A64_STR, 3, A64_T0, A64_SP, counter));
}

void a64_branch(struct a64_gen *g, const struct plan_insn *in)
{
	bool back = in->flags & PLAN_BACK;
	a64_label target = g->slots + in->target;

	if (in->sem == ISA_MAY_GOTO) {
		may_goto(g, in);
	} else if (in->sem == ISA_JA && back) {
		go_back(g, in);
	} else if (in->sem == ISA_JA) {
		if (in->target != g->at + 1)
			a64_jump(&g->as, A64_B, a64_b(0), target);
	} else if (in->flags & PLAN_SELECT) {
		put_select(g, in);
	} else if (back && g->fuel) {
		a64_label over = a64_labels_new(&g->as, 1);

		jump_if(g, in, true, over);
		go_back(g, in);
		a64_bind(&g->as, over);
	} else {
		jump_if(g, in, false, target);
	}
}
