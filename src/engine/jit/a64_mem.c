/* SPDX-License-Identifier: Apache-2.0 */
/* a64_mem: loads, stores, and atomic operations. */
#include "engine/jit/a64_run.h"

static unsigned log2_of(const struct plan_insn *in)
{
	return (unsigned)__builtin_ctz(in->width) - 3;
}

/* --- loads and stores --- */

/* [reg + off], which needs no check. */
static void put_access(struct a64_gen *g, enum a64_mem op, const struct plan_insn *in, unsigned rt, unsigned reg)
{
	int64_t off = reg == ISA_FP ? VM_STACK_BYTES + (int64_t)in->off : in->off;
	unsigned base = reg == ISA_FP ? A64_FRAME : a64_native(reg), log2 = log2_of(in);

	if (a64_mem_fits(off, log2)) {
		a64_put(&g->as, a64_mem(op, log2, rt, base, off));
	} else {
		a64_put_imm(&g->as, true, A64_T0, (uint64_t)off);
		a64_put(&g->as, a64_mem_reg(op, log2, rt, base, A64_T0, false));
	}
}

/* What a store stores. T2 and T3 are changed. */
static unsigned stored(struct a64_gen *g, const struct plan_insn *in)
{
	if (in->flags & PLAN_B_IMM)
		return a64_const(g, in->width == 64, (uint64_t)in->imm, A64_T2);
	return a64_use(g, in->src, A64_T2);
}

void a64_memory(struct a64_gen *g, const struct plan_insn *in)
{
	bool load = in->sem == ISA_LDX || in->sem == ISA_LDXS;
	enum a64_mem op = in->sem == ISA_LDX ? A64_LDR : load ? A64_LDRS64 : A64_STR;
	unsigned reg = load ? in->src : in->dst, base = 0, rt;
	bool alone = a64_check(g, in, reg, !load, &base);

	rt = load ? a64_native(in->dst) : stored(g, in);
	if (alone)
		a64_put(&g->as, a64_mem(op, log2_of(in), rt, base, 0));
	else
		put_access(g, op, in, rt, reg);
}

/* --- atomic operations --- */

void a64_ordered(struct a64_gen *g, const struct plan_insn *in)
{
	bool load = in->sem == ISA_LOAD_ACQ;
	unsigned base = a64_checked(g, in, load ? in->src : in->dst, !load), log2 = log2_of(in);

	if (load)
		a64_put(&g->as, a64_ldar(log2, a64_native(in->dst), base));
	else
		a64_put(&g->as, a64_stlr(log2, a64_use(g, in->src, A64_T2), base));
}

/* T3 = what [base] is to become, from T1, what it was. */
static unsigned combined(struct a64_gen *g, const struct plan_insn *in, bool sf, unsigned src)
{
	switch (in->aux & ~1) {
	case ISA_ATOMIC_ADD:
		a64_put(&g->as, a64_addsub_reg(sf, A64_ADD, A64_T3, A64_T1, src, A64_LSL, 0));
		return A64_T3;
	case ISA_ATOMIC_OR:
		a64_put(&g->as, a64_logic_reg(sf, A64_ORR, false, A64_T3, A64_T1, src, A64_LSL, 0));
		return A64_T3;
	case ISA_ATOMIC_AND:
		a64_put(&g->as, a64_logic_reg(sf, A64_AND, false, A64_T3, A64_T1, src, A64_LSL, 0));
		return A64_T3;
	case ISA_ATOMIC_XOR:
		a64_put(&g->as, a64_logic_reg(sf, A64_EOR, false, A64_T3, A64_T1, src, A64_LSL, 0));
		return A64_T3;
	default: /* XCHG, CMPXCHG */
		return src;
	}
}

/* Load exclusively, compute, store exclusively, again when somebody came between. T1: what was there. */
static void put_loop(struct a64_gen *g, const struct plan_insn *in, unsigned base, unsigned src)
{
	bool sf = in->width == 64;
	a64_label again = a64_labels_new(&g->as, 2), out = again + 1;

	a64_bind(&g->as, again);
	a64_put(&g->as, a64_ldaxr(log2_of(in), A64_T1, base));
	if (in->aux == ISA_ATOMIC_CMPXCHG) {
		a64_put(&g->as, a64_addsub_reg(sf, A64_SUBS, A64_ZR, A64_T1, A64_R0, A64_LSL, 0));
		a64_jump(&g->as, A64_BCOND, a64_bcond(A64_NE, 0), out);
	}
	a64_put(&g->as, a64_stlxr(log2_of(in), A64_AT, combined(g, in, sf, src), base));
	a64_jump(&g->as, A64_CBNZ, a64_cb(false, true, A64_AT, 0), again);
	a64_bind(&g->as, out);
}

/* One instruction. T1: what was there. */
static void put_lse(struct a64_gen *g, const struct plan_insn *in, unsigned base, unsigned src)
{
	static const uint8_t ops[] = { [ISA_ATOMIC_ADD] = A64_LDADD,
				       [ISA_ATOMIC_OR] = A64_LDSET,
				       [ISA_ATOMIC_AND] = A64_LDCLR,
				       [ISA_ATOMIC_XOR] = A64_LDEOR,
				       [ISA_ATOMIC_XCHG & ~1] = A64_SWP };

	if (in->aux == ISA_ATOMIC_CMPXCHG) {
		a64_put_mov(&g->as, true, A64_T1, A64_R0);
		a64_put(&g->as, a64_casal(log2_of(in), A64_T1, src, base));
		return;
	}
	if ((in->aux & ~1) == ISA_ATOMIC_AND) {
		a64_put(&g->as, a64_logic_reg(true, A64_ORR, true, A64_T3, A64_ZR, src, A64_LSL, 0));
		src = A64_T3;
	}
	a64_put(&g->as, a64_lse((enum a64_lse)ops[in->aux & ~1], log2_of(in), src, A64_T1, base));
}

void a64_atomic(struct a64_gen *g, const struct plan_insn *in)
{
	unsigned base = a64_checked(g, in, in->dst, true), src = a64_use(g, in->src, A64_T2);

	if (g->o->features & JIT_LSE)
		put_lse(g, in, base, src);
	else
		put_loop(g, in, base, src);
	if (isa_atomic_fetches(in->aux))
		a64_put_mov(&g->as, in->width == 64, in->aux == ISA_ATOMIC_CMPXCHG ? A64_R0 : a64_native(in->src),
			    A64_T1);
}
