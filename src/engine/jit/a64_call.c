/* SPDX-License-Identifier: Apache-2.0 */
/*
 * a64_call: calls of helpers and functions, what they cost, and how a program is left before its end.
 *
 * A verified program calls helpers itself, where vm_call.direct says so and no fuel is counted; else a stub hands the
 * argument registers to the VM. The stub keeps r1..r5, as the interpreter does.
 */
#include "engine/jit/a64_run.h"

void a64_put_slot(struct a64_gen *g, uint32_t slot)
{
	a64_put_imm(&g->as, false, A64_AT, slot);
}

void a64_put_fuel(struct a64_gen *g, uint32_t amount)
{
	if (a64_addsub_fits(amount)) {
		a64_put(&g->as, a64_addsub_imm(true, A64_SUBS, A64_FUEL, A64_FUEL, amount));
		return;
	}
	a64_put_imm(&g->as, true, A64_T0, amount);
	a64_put(&g->as, a64_addsub_reg(true, A64_SUBS, A64_FUEL, A64_FUEL, A64_T0, A64_LSL, 0));
}

void a64_put_import(struct a64_gen *g, unsigned rd, int32_t off)
{
	if (a64_mem_fits(off, 3)) {
		a64_put(&g->as, a64_mem(A64_LDR, 3, rd, A64_TABLE, off));
		return;
	}
	a64_put_imm(&g->as, false, rd, (uint32_t)off);
	a64_put(&g->as, a64_mem_reg(A64_LDR, 3, rd, A64_TABLE, rd, false));
}

void a64_to_stub(struct a64_gen *g, enum a64_branch k, uint32_t word, struct a64_stub *s)
{
	s->used = true;
	a64_jump(&g->as, k, word, s->label);
}

/* --- 64-bit immediates: maps and functions are known to the VM by numbers --- */

void a64_imm64(struct a64_gen *g, const struct plan_insn *in)
{
	unsigned dst = a64_native(in->dst), reg;

	switch (in->aux) {
	case ISA_IMM64_MAP_FD:
		if (g->map_pointers)
			a64_put_import(g, dst, jit_import_map(g->vp, (uint32_t)in->imm));
		else
			a64_put_imm(&g->as, true, dst, VM_MAP_REF + (uint64_t)in->imm);
		return;
	case ISA_IMM64_MAP_VALUE:
		a64_put_import(g, dst, jit_import_values(g->vp, (uint32_t)in->imm));
		if (in->off)
			a64_put_add(&g->as, true, dst, dst, in->off, A64_T0);
		return;
	case ISA_IMM64_FUNC:
		a64_put_imm(&g->as, true, dst, VM_FUNC_REF | (uint64_t)in->imm);
		return;
	default:
		reg = a64_const(g, true, (uint64_t)in->imm, dst);
		if (reg != dst)
			a64_put_mov(&g->as, true, dst, reg);
	}
}

/* --- helpers --- */

static bool takes_handle(const struct vm_call *c)
{
	return memchr(c->proto->args, ABI_ARG_HANDLE, sizeof c->proto->args) != NULL;
}

/* A verified program knows that the handle is one, but not of what kind. */
static void put_handle_check(struct a64_gen *g)
{
	a64_put_slot(g, g->at);
	a64_put(&g->as, a64_mem(A64_LDR, 3, A64_T0, A64_RUN, RUN_ENV));
	a64_put(&g->as, a64_mem(A64_LDR, 0, A64_T0, A64_T0, (int)offsetof(struct helper_env, bad_handle)));
	a64_to_stub(g, A64_CBNZ, a64_cb(false, true, A64_T0, 0), &g->bad_handle);
}

/* VM_MAP_REF + i to map i: its low half is i. */
static void put_map_argument(struct a64_gen *g, const struct vm_call *c)
{
	if (c->map_arg >= ABI_MAX_ARGS || g->map_pointers)
		return;
	a64_put_mov(&g->as, false, A64_T0, c->map_arg);
	a64_put(&g->as, a64_addsub_reg(true, A64_ADD, A64_T0, A64_TABLE, A64_T0, A64_LSL, 4));
	a64_put_add(&g->as, true, A64_T0, A64_T0, jit_import_map(g->vp, 0), A64_T1);
	a64_put(&g->as, a64_mem(A64_LDR, 3, c->map_arg, A64_T0, 0));
}

static void call_direct(struct a64_gen *g, const struct plan_insn *in)
{
	const struct vm_call *c = &g->vp->calls[in->target];

	put_map_argument(g, c);
	if (takes_handle(c))
		a64_put(&g->as, a64_mem(A64_STR, 3, 0, A64_RUN, RUN_ADDR));
	a64_put(&g->as, a64_mem(A64_LDR, 3, A64_ENV, A64_RUN, RUN_ENV));
	a64_put_import(g, A64_CALLEE, jit_import_helper(in->target));
	a64_put(&g->as, a64_blr(A64_CALLEE));
	a64_put_mov(&g->as, true, A64_R0, 0);
	if (takes_handle(c))
		put_handle_check(g);
}

bool a64_is_direct(const struct a64_gen *g, const struct plan_insn *in)
{
	const struct vm_call *c = &g->vp->calls[in->target];

	/* What looking up in a map of maps gave, only the VM can read. */
	return !g->o->sandboxed && !g->fuel && in->aux == ISA_CALL_HELPER && c->direct &&
	       (c->map_arg >= ABI_MAX_ARGS || !g->outer_maps);
}

static void call_function(struct a64_gen *g, const struct plan_insn *in)
{
	uint32_t index = (uint32_t)(plan_func_at(&g->plan, in->target) - g->plan.funcs);

	if (g->o->sandboxed || g->fuel)
		a64_put_slot(g, g->at);
	a64_jump(&g->as, A64_BL, a64_bl(0), g->funcs + index);
}

/* The VM looks what the register holds, and calls it where it is a helper. */
static void call_register(struct a64_gen *g, const struct plan_insn *in)
{
	a64_label over = a64_labels_new(&g->as, 1);

	a64_put(&g->as, a64_mem(A64_STR, 3, a64_use(g, in->dst, A64_T0), A64_RUN, RUN_R + 8 * in->dst));
	a64_put_slot(g, g->at);
	a64_to_stub(g, A64_BL, a64_bl(0), &g->callx);
	a64_jump(&g->as, A64_CBZ, a64_cb(true, false, A64_CALLEE, 0), over);
	a64_put_slot(g, g->at);
	a64_put(&g->as, a64_blr(A64_CALLEE));
	a64_bind(&g->as, over);
}

void a64_call(struct a64_gen *g, const struct plan_insn *in)
{
	if (in->sem == ISA_CALLX) {
		call_register(g, in);
	} else if (in->sem == ISA_CALL && in->aux == ISA_CALL_LOCAL) {
		call_function(g, in);
	} else if (in->sem == ISA_CALL && a64_is_direct(g, in)) {
		call_direct(g, in);
	} else {
		a64_put_slot(g, g->at);
		a64_to_stub(g, A64_BL, a64_bl(0), in->sem == PLAN_TAIL_CALL ? &g->tail : &g->helper);
		if (in->sem == PLAN_TAIL_CALL)
			a64_jump(&g->as, A64_CBNZ, a64_cb(false, true, A64_CALLEE, 0), g->epilogue);
	}
}

/* --- stubs --- */

static void put_r_pair(struct a64_gen *g, bool load, unsigned a, unsigned b, int i)
{
	a64_put(&g->as, (load ? a64_ldp : a64_stp)(A64_PAIR_OFF, a, b, A64_RUN, RUN_R + 8 * i));
}

void a64_put_caller_regs(struct a64_gen *g, bool load)
{
	put_r_pair(g, load, A64_R0, 0, 0);
	put_r_pair(g, load, 1, 2, 2);
	put_r_pair(g, load, 3, 4, 4);
}

/* Without functions they stay where the VM put them. The depth follows from the live stack. */
void a64_put_frames(struct a64_gen *g)
{
	if (!g->frames || !g->nested)
		return;
	a64_put(&g->as, a64_stp(A64_PAIR_OFF, A64_FRAME, A64_LIVE, A64_RUN, RUN_STACK_LO));
	a64_put(&g->as, a64_bitfield(true, A64_UBFM, A64_T1, A64_LIVE, 9, 63));
	a64_put(&g->as, a64_addsub_imm(false, A64_SUB, A64_T1, A64_T1, 1));
	a64_put(&g->as, a64_mem(A64_STR, 2, A64_T1, A64_RUN, RUN_DEPTH));
	a64_put(&g->as, a64_mem(A64_STR, 3, a64_use(g, ISA_FP, A64_T1), A64_RUN, RUN_R + 8 * ISA_FP));
}
_Static_assert(VM_STACK_BYTES == 1 << 9, "the shift above");

static void put_store_fuel(struct a64_gen *g, bool load)
{
	if (g->fuel)
		a64_put(&g->as, a64_mem(load ? A64_LDR : A64_STR, 3, A64_FUEL, A64_RUN, RUN_FUEL));
}

/*
 * A call of vm_native_call, vm_native_callx or vm_native_tail; A64_AT is the slot. With an `out` the third argument is
 * the address of a word, that is in T0 afterwards. r0 to r5 are the run's.
 */
static void put_vm_call(struct a64_gen *g, enum jit_import import, bool out)
{
	a64_put_caller_regs(g, false);
	a64_put(&g->as, a64_stp(A64_PAIR_PRE, A64_FP, A64_LR, A64_SP, -32));
	a64_unwind_stub(g, true);
	a64_put_frames(g);
	put_store_fuel(g, false);
	a64_put_mov(&g->as, true, 0, A64_RUN);
	a64_put_mov(&g->as, false, 1, A64_AT);
	if (out) {
		a64_put(&g->as, a64_mem(A64_STR, 3, A64_ZR, A64_SP, 16));
		a64_put(&g->as, a64_addsub_imm(true, A64_ADD, 2, A64_SP, 16));
	}
	a64_put_import(g, A64_CALLEE, jit_import(import));
	a64_put(&g->as, a64_blr(A64_CALLEE));
	if (out)
		a64_put(&g->as, a64_mem(A64_LDR, 2, A64_T0, A64_SP, 16));
	a64_put(&g->as, a64_ldp(A64_PAIR_POST, A64_FP, A64_LR, A64_SP, 32));
	a64_unwind_stub(g, false);
	a64_to_stub(g, A64_CBNZ, a64_cb(false, true, 0, 0), &g->leave);
	a64_put_caller_regs(g, true);
	put_store_fuel(g, true);
}

static void put_helper_stub(struct a64_gen *g)
{
	a64_bind(&g->as, g->helper.label);
	a64_unwind_start(g, JIT_NO_INSN);
	put_vm_call(g, JIT_IMPORT_HELPER, false);
	a64_put(&g->as, a64_ret());
}

/* A64_CALLEE: whether the function that called is over. */
static void put_tail_stub(struct a64_gen *g)
{
	a64_bind(&g->as, g->tail.label);
	a64_unwind_start(g, JIT_NO_INSN);
	put_vm_call(g, JIT_IMPORT_TAIL, true);
	a64_put_mov(&g->as, false, A64_CALLEE, A64_T0);
	a64_put(&g->as, a64_ret());
}

/* A64_CALLEE: the function to call, or 0. */
static void put_callx_stub(struct a64_gen *g)
{
	a64_label func = a64_labels_new(&g->as, 2), table = func + 1;

	a64_bind(&g->as, g->callx.label);
	a64_unwind_start(g, JIT_NO_INSN);
	put_vm_call(g, JIT_IMPORT_CALLX, true);
	a64_put(&g->as, a64_addsub_imm(false, A64_ADDS, A64_ZR, A64_T0, 1));
	a64_jump(&g->as, A64_BCOND, a64_bcond(A64_NE, 0), func);
	a64_put_imm(&g->as, true, A64_CALLEE, 0);
	a64_put(&g->as, a64_ret());
	a64_bind(&g->as, func);
	a64_jump(&g->as, A64_ADR, a64_adr(A64_T1, 0), table);
	a64_put(&g->as, a64_addsub_reg(true, A64_ADD, A64_T1, A64_T1, A64_T0, A64_LSL, 2));
	a64_put(&g->as, a64_mem(A64_LDRS64, 2, A64_T0, A64_T1, 0));
	a64_put(&g->as, a64_addsub_reg(true, A64_ADD, A64_CALLEE, A64_T1, A64_T0, A64_LSL, 2));
	a64_put(&g->as, a64_ret());
	a64_bind(&g->as, table);
	for (uint32_t i = 0; i < g->plan.n_funcs; i++)
		a64_jump(&g->as, A64_DISTANCE, 0, g->entered + i);
}

/* x9 = &vp->ops[slot] */
static void put_op_address(struct a64_gen *g)
{
	a64_put(&g->as, a64_mem(A64_LDR, 3, A64_T0, A64_RUN, RUN_VP));
	a64_put(&g->as, a64_mem(A64_LDR, 3, A64_T0, A64_T0, (int)offsetof(struct vm_prog, ops)));
	a64_put(&g->as, a64_addsub_reg(true, A64_ADD, A64_T0, A64_T0, A64_AT, A64_LSL, 4));
}
_Static_assert(sizeof(struct vm_op) == 1 << 4, "the shift above");

static void put_why(struct a64_gen *g, enum vm_why why)
{
	a64_put_imm(&g->as, false, A64_T1, why);
	a64_put(&g->as, a64_mem(A64_STR, 2, A64_T1, A64_RUN, RUN_WHY));
}

static void put_bad_handle_stub(struct a64_gen *g)
{
	a64_bind(&g->as, g->bad_handle.label);
	a64_unwind_leaving(g, false);
	put_op_address(g);
	a64_put(&g->as, a64_mem(A64_LDR, 3, A64_T1, A64_T0, (int)offsetof(struct vm_op, call)));
	a64_put(&g->as, a64_mem(A64_LDR, 3, A64_T1, A64_T1, (int)offsetof(struct vm_call, proto)));
	a64_put(&g->as, a64_mem(A64_STR, 3, A64_T1, A64_RUN, RUN_PROTO));
	put_why(g, VM_WHY_HANDLE);
	a64_to_stub(g, A64_B, a64_b(0), &g->fault);
}

/* Both end the run: A64_AT is the slot. */
static void put_fault_stub(struct a64_gen *g, struct a64_stub *s, enum err e)
{
	a64_bind(&g->as, s->label);
	a64_unwind_leaving(g, false);
	put_op_address(g);
	a64_put(&g->as, a64_mem(A64_STR, 3, A64_T0, A64_RUN, RUN_AT));
	a64_put_frames(g);
	put_store_fuel(g, false);
	a64_put_imm(&g->as, false, 0, e);
	a64_to_stub(g, A64_B, a64_b(0), &g->leave);
}

void a64_put_call_stubs(struct a64_gen *g)
{
	if (g->helper.used)
		put_helper_stub(g);
	if (g->tail.used)
		put_tail_stub(g);
	if (g->callx.used)
		put_callx_stub(g);
	if (g->bad_handle.used)
		put_bad_handle_stub(g);
	if (g->out_of_fuel.used) {
		a64_bind(&g->as, g->out_of_fuel.label);
		a64_unwind_leaving(g, false);
		put_why(g, VM_WHY_FUEL);
		a64_put_imm(&g->as, true, A64_FUEL, 0);
		put_fault_stub(g, &g->end_of_fuel, E_FUEL);
	}
	if (g->too_deep.used) {
		a64_bind(&g->as, g->too_deep.label);
		a64_unwind_leaving(g, false);
		put_why(g, VM_WHY_DEPTH);
		a64_to_stub(g, A64_B, a64_b(0), &g->fault);
	}
	if (g->fault.used)
		put_fault_stub(g, &g->fault, E_FAULT);
	if (g->leave.used) {
		a64_bind(&g->as, g->leave.label);
		a64_unwind_leaving(g, false);
		if (g->nested)
			a64_put(&g->as, a64_addsub_imm(true, A64_ADD, A64_SP, A64_ENTRY_SP, 0));
		a64_unwind_leaving(g, true);
		a64_put_restore(g);
	}
}
