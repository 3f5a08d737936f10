/* SPDX-License-Identifier: Apache-2.0 */
/*
 * a64_check: may a sandboxed program touch this memory?
 *
 * A check compares the address with the window where it most likely is, inline; when it is not there a part out of
 * line calls the full check, which looks at the context, the live stack and then asks the VM. What the VM refuses
 * leaves the program. What was found is remembered until the register changes, and neighbouring accesses of a block
 * share one check: when that fails, a copy of the code up to the last of them checks each by itself, so that a fault is
 * at the instruction where the interpreter has it.
 */
#include "engine/jit/a64_run.h"

static unsigned log2_of(const struct plan_insn *in)
{
	return (unsigned)__builtin_ctz(in->width) - 3;
}

static void add_cold(struct a64_gen *g, struct a64_cold c)
{
	if (g->n_cold == g->cap_cold) {
		uint32_t cap = g->cap_cold ? g->cap_cold * 2 : 64;
		struct a64_cold *p = realloc(g->cold, cap * sizeof *p);

		if (!p) {
			g->as.failed = E_NOMEM;
			return;
		}
		g->cold = p;
		g->cap_cold = cap;
	}
	g->cold[g->n_cold++] = c;
}

static bool is_call(const struct plan_insn *in)
{
	return in->sem == ISA_CALL || in->sem == ISA_CALLX || in->sem == PLAN_TAIL_CALL;
}

static bool is_known(const struct a64_gen *g, const struct plan_insn *in, unsigned reg, bool write)
{
	for (unsigned i = 0; i < g->n_facts; i++) {
		const struct a64_fact *f = &g->facts[i];

		if (f->reg == reg && f->write >= write && g->at < f->until && f->lo <= in->off &&
		    in->off + in->width / 8 <= f->hi)
			return true;
	}
	return false;
}

/* The oldest gives way. */
static void learn(struct a64_gen *g, struct a64_fact f)
{
	g->facts[g->next_fact++ % A64_FACTS] = f;
	if (g->n_facts < A64_FACTS)
		g->n_facts++;
}

static void forget(struct a64_gen *g, uint16_t regs)
{
	unsigned n = 0;

	for (unsigned i = 0; i < g->n_facts; i++)
		if (!(regs >> g->facts[i].reg & 1))
			g->facts[n++] = g->facts[i];
	g->next_fact = g->n_facts = n;
}

static void move_facts(struct a64_gen *g, unsigned reg, int64_t by)
{
	for (unsigned i = 0; i < g->n_facts; i++)
		if (g->facts[i].reg == reg) {
			g->facts[i].lo -= by;
			g->facts[i].hi -= by;
		}
}

void a64_facts_after(struct a64_gen *g, const struct plan_insn *in)
{
	bool imm = in->flags & PLAN_B_IMM;
	unsigned n = g->n_facts;

	if ((in->sem == ISA_ADD || in->sem == ISA_SUB) && imm && in->width == 64) {
		move_facts(g, in->dst, in->sem == ISA_ADD ? in->imm : -in->imm);
		return;
	}
	/* A call may have changed any register, and given back the record that one points to. */
	forget(g, is_call(in) ? UINT16_MAX : in->def);
	if (in->sem != ISA_MOV || imm || in->width != 64 || in->src == in->dst)
		return;
	n = g->n_facts;
	for (unsigned i = 0; i < n && g->n_facts < A64_FACTS; i++)
		if (g->facts[i].reg == in->src) {
			struct a64_fact f = g->facts[i];

			f.reg = in->dst;
			learn(g, f);
		}
}

/* Flags: LS when that many bytes, at most a frame, are inside the live stack. */
static void compare_stack(struct a64_gen *g, unsigned base, uint32_t bytes)
{
	a64_put(&g->as, a64_addsub_reg(true, A64_SUB, A64_T1, base, A64_FRAME, A64_LSL, 0));
	a64_put(&g->as, a64_addsub_imm(true, A64_SUB, A64_T2, A64_LIVE, bytes));
	a64_put(&g->as, a64_addsub_reg(true, A64_SUBS, A64_ZR, A64_T1, A64_T2, A64_LSL, 0));
}

/* Flags: LO when the access is inside the context. */
static void compare_ctx(struct a64_gen *g, unsigned base, unsigned log2, bool write)
{
	int64_t span = (write ? RUN_STORE_SPAN : RUN_LOAD_SPAN) + (int64_t)log2 * 8;

	a64_put(&g->as, a64_mem(A64_LDR, 3, A64_T1, A64_RUN, RUN_CTX));
	a64_put(&g->as, a64_mem(A64_LDR, 3, A64_T2, A64_RUN, span));
	a64_put(&g->as, a64_addsub_reg(true, A64_SUB, A64_T1, base, A64_T1, A64_LSL, 0));
	a64_put(&g->as, a64_addsub_reg(true, A64_SUBS, A64_ZR, A64_T1, A64_T2, A64_LSL, 0));
}

static void call_check(struct a64_gen *g, unsigned base, uint32_t slot, unsigned log2, bool write)
{
	if (base != A64_T0)
		a64_put_mov(&g->as, true, A64_T0, base);
	a64_put_slot(g, slot);
	a64_to_stub(g, A64_BL, a64_bl(0), &g->access[log2][write]);
}

static void check(struct a64_gen *g, enum a64_place place, unsigned base, unsigned log2, bool write)
{
	struct a64_cold c = { .slot = g->at, .base = (uint8_t)base, .log2 = (uint8_t)log2, .write = write };

	if (place == A64_ELSEWHERE) {
		call_check(g, base, g->at, log2, write);
		return;
	}
	c.here = a64_labels_new(&g->as, 2);
	c.back = c.here + 1;
	if (place == A64_IN_STACK)
		compare_stack(g, base, 1u << log2);
	else
		compare_ctx(g, base, log2, write);
	a64_jump(&g->as, A64_BCOND, a64_bcond(place == A64_IN_STACK ? A64_HI : A64_HS, 0), c.here);
	a64_bind(&g->as, c.back);
	add_cold(g, c);
}

static void check_alignment(struct a64_gen *g, unsigned base, unsigned log2)
{
	struct a64_cold c = { .slot = g->at, .base = (uint8_t)base, .log2 = (uint8_t)log2, .how = A64_MISALIGNED };
	uint32_t field;

	if (!log2 || !a64_bitmask_fits(true, (UINT64_C(1) << log2) - 1, &field))
		return;
	c.here = a64_labels_new(&g->as, 1);
	a64_put(&g->as, a64_logic_imm(true, A64_ANDS, A64_ZR, base, field));
	a64_jump(&g->as, A64_BCOND, a64_bcond(A64_NE, 0), c.here);
	add_cold(g, c);
}

/* The address in one register: that of `reg` where there is no offset, else T0. */
static unsigned address(struct a64_gen *g, unsigned reg, int64_t off)
{
	if (reg != ISA_FP && !off)
		return a64_native(reg);
	if (reg == ISA_FP)
		a64_put_add(&g->as, true, A64_T0, A64_FRAME, VM_STACK_BYTES + off, A64_T1);
	else
		a64_put_add(&g->as, true, A64_T0, a64_native(reg), off, A64_T1);
	return A64_T0;
}

/* --- several accesses, one check --- */

/* Accesses [reg + lo, reg + hi) of one block, before anybody changes reg. */
struct group {
	int64_t lo, hi;
	bool write;
	uint32_t n, end; /* slot after the last */
};
enum { GROUP_SLOTS = 64, GROUP_BYTES = 256 };
_Static_assert((int)GROUP_BYTES <= (int)VM_STACK_BYTES, "a group fits into the smallest stack");

static bool is_store(const struct plan_insn *in)
{
	return in->sem == ISA_ST || in->sem == ISA_STX || in->sem == ISA_ATOMIC || in->sem == ISA_STORE_REL;
}

static bool is_load(const struct plan_insn *in)
{
	return in->sem == ISA_LDX || in->sem == ISA_LDXS || in->sem == ISA_LOAD_ACQ;
}

/* Take the access in, unless the group gets too wide. */
static bool join(struct group *gr, const struct plan_insn *in)
{
	int64_t lo = in->off < gr->lo ? in->off : gr->lo, end = in->off + in->width / 8,
		hi = end > gr->hi ? end : gr->hi;

	if (hi - lo > GROUP_BYTES)
		return false;
	gr->lo = lo;
	gr->hi = hi;
	gr->write |= is_store(in);
	gr->n++;
	return true;
}

/* Where control leaves, or somebody else changes registers. */
static bool ends_group(const struct plan_insn *in)
{
	return in->sem == ISA_JA || is_call(in) || in->sem == ISA_EXIT;
}

/*
 * The group of the slot at hand. Inside of another one's region it ends with that: who comes back from the copy of the
 * outer region has not seen the inner check.
 */
static struct group group_from(const struct a64_gen *g, unsigned reg)
{
	uint32_t end = g->func->end < g->at + GROUP_SLOTS ? g->func->end : g->at + GROUP_SLOTS;
	struct group gr = { .lo = g->plan.insns[g->at].off, .hi = g->plan.insns[g->at].off };

	if (g->at < g->group_end && g->group_end < end)
		end = g->group_end;
	for (uint32_t i = g->at; i < end; i++) {
		const struct plan_insn *in = &g->plan.insns[i];

		if (i > g->at && in->flags & PLAN_LEADER)
			break;
		if ((is_store(in) && in->dst == reg) || (is_load(in) && in->src == reg)) {
			if (!join(&gr, in))
				break;
			gr.end = i + 1;
		}
		if (ends_group(in) || in->def >> reg & 1)
			break;
	}
	return gr;
}

static void compare_wide(struct a64_gen *g, enum a64_place place, const struct group *gr, unsigned base)
{
	uint32_t bytes = (uint32_t)(gr->hi - gr->lo);

	if (place == A64_IN_STACK) {
		compare_stack(g, base, bytes);
	} else if (place == A64_IN_CTX) {
		a64_put(&g->as, a64_mem(A64_LDR, 3, A64_T1, A64_RUN, RUN_CTX));
		a64_put(&g->as, a64_mem(A64_LDR, 3, A64_T2, A64_RUN, gr->write ? RUN_STORE_SPAN : RUN_LOAD_SPAN));
		a64_put(&g->as, a64_addsub_reg(true, A64_SUB, A64_T1, base, A64_T1, A64_LSL, 0));
		a64_put(&g->as, a64_addsub_imm(true, A64_SUBS, A64_T2, A64_T2, bytes));
		a64_put(&g->as, a64_ccmp(true, A64_T1, A64_T2, 2, A64_HS));
	} else {
		if (base != A64_T0)
			a64_put_mov(&g->as, true, A64_T0, base);
		a64_put_imm(&g->as, true, A64_T3, bytes);
		a64_to_stub(g, A64_BL, a64_bl(0), &g->wide[gr->write]);
	}
}

/* One check for what follows too. When it fails, each access is checked, in a copy of the code up to the last. */
static bool check_group(struct a64_gen *g, unsigned reg)
{
	struct group gr = group_from(g, reg);
	struct a64_cold c = { .slot = g->at, .end = gr.end, .how = A64_EACH_CHECK };

	if (g->each || reg == ISA_FP || gr.n < 2)
		return false;
	c.here = a64_labels_new(&g->as, 1);
	compare_wide(g, (enum a64_place)g->place[reg], &gr, address(g, reg, gr.lo));
	a64_jump(&g->as, A64_BCOND, a64_bcond(A64_HI, 0), c.here);
	add_cold(g, c);
	learn(g,
	      (struct a64_fact){ .reg = (uint8_t)reg, .write = gr.write, .lo = gr.lo, .hi = gr.hi, .until = gr.end });
	if (g->at >= g->group_end)
		g->group_end = gr.end;
	return true;
}

static bool needs_check(const struct a64_gen *g, const struct plan_insn *in, unsigned reg, bool write)
{
	return g->o->sandboxed && !(in->flags & PLAN_IN_FRAME) && !is_known(g, in, reg, write);
}

/* The one access, whose address is in `base`. */
static void check_alone(struct a64_gen *g, const struct plan_insn *in, unsigned reg, unsigned base, bool write)
{
	check(g, (enum a64_place)g->place[reg], base, log2_of(in), write);
	learn(g, (struct a64_fact){ .reg = (uint8_t)reg,
				    .write = write,
				    .lo = in->off,
				    .hi = in->off + in->width / 8,
				    .until = UINT32_MAX });
}

bool a64_check(struct a64_gen *g, const struct plan_insn *in, unsigned reg, bool write, unsigned *base)
{
	if (!needs_check(g, in, reg, write) || check_group(g, reg))
		return false;
	*base = address(g, reg, in->off);
	check_alone(g, in, reg, *base, write);
	return true;
}

unsigned a64_checked(struct a64_gen *g, const struct plan_insn *in, unsigned reg, bool write)
{
	unsigned base;

	if (!a64_check(g, in, reg, write, &base))
		base = address(g, reg, in->off);
	if (g->o->sandboxed)
		check_alignment(g, base, log2_of(in));
	return base;
}

static void put_cold(struct a64_gen *g, struct a64_cold c)
{
	a64_bind(&g->as, c.here);
	a64_mark(&g->as, c.slot);
	switch ((enum a64_how)c.how) {
	case A64_EACH_CHECK:
		a64_put_again(g, c.slot, c.end);
		a64_jump(&g->as, A64_B, a64_b(0), g->slots + c.end);
		return;
	case A64_CALL_CHECK:
		call_check(g, c.base, c.slot, c.log2, c.write);
		a64_jump(&g->as, A64_B, a64_b(0), c.back);
		return;
	case A64_MISALIGNED:
		if (c.base != A64_T0)
			a64_put_mov(&g->as, true, A64_T0, c.base);
		a64_put_slot(g, c.slot);
		a64_to_stub(g, A64_B, a64_b(0), &g->misaligned[c.log2]);
	}
}

/* Writing one may add some. */
void a64_put_cold(struct a64_gen *g)
{
	for (uint32_t i = 0; i < g->n_cold && g->as.failed == E_OK; i++)
		put_cold(g, g->cold[i]);
	g->n_cold = 0;
	a64_mark(&g->as, JIT_NO_INSN);
}

/* --- the full check --- */

static void put_ask_vm(struct a64_gen *g, unsigned log2, bool write)
{
	a64_put_caller_regs(g, false);
	a64_put(&g->as, a64_stp(A64_PAIR_PRE, A64_T0, A64_LR, A64_SP, -32));
	a64_unwind_stub(g, true);
	a64_put(&g->as, a64_mem(A64_STR, 3, A64_AT, A64_SP, 16));
	a64_put_mov(&g->as, true, 0, A64_RUN);
	a64_put_mov(&g->as, true, 1, A64_T0);
	a64_put_imm(&g->as, false, 2, UINT64_C(1) << log2);
	a64_put_imm(&g->as, false, 3, write);
	a64_put_import(g, A64_CALLEE, jit_import(JIT_IMPORT_ACCESS_SLOW));
	a64_put(&g->as, a64_blr(A64_CALLEE));
	a64_put_mov(&g->as, false, A64_T1, 0);
	a64_put(&g->as, a64_mem(A64_LDR, 3, A64_AT, A64_SP, 16));
	a64_put(&g->as, a64_ldp(A64_PAIR_POST, A64_T0, A64_LR, A64_SP, 32));
	a64_unwind_stub(g, false);
	a64_put_caller_regs(g, true);
	/* A bool is the low byte of what comes back. */
	a64_to_stub(g, A64_TBZ, a64_tb(false, A64_T1, 0, 0), &g->fault);
	a64_put(&g->as, a64_ret());
}

/* T1 = the window of the map that was found last. */
static void put_window_address(struct a64_gen *g)
{
	a64_put(&g->as, a64_mem(A64_LDR, 3, A64_T1, A64_RUN, RUN_VP));
	a64_put(&g->as, a64_mem(A64_LDR, 3, A64_T1, A64_T1, (int)offsetof(struct vm_prog, windows)));
	a64_put(&g->as, a64_mem(A64_LDR, 2, A64_T2, A64_RUN, RUN_LAST_WINDOW));
	a64_put(&g->as, a64_addsub_reg(true, A64_ADD, A64_T1, A64_T1, A64_T2, A64_LSL, 5));
}

/* Flags: LS when [T0, T0 + T3) is inside of T2 bytes from T1 on. */
static void put_wide_compare(struct a64_gen *g)
{
	a64_put(&g->as, a64_addsub_reg(true, A64_SUB, A64_T1, A64_T0, A64_T1, A64_LSL, 0));
	a64_put(&g->as, a64_addsub_reg(true, A64_SUBS, A64_T2, A64_T2, A64_T3, A64_LSL, 0));
	a64_put(&g->as, a64_ccmp(true, A64_T1, A64_T2, 2, A64_HS));
}

/* The map that was found last: returns when the access is in its values, goes to `other` when not. */
static void put_last_window(struct a64_gen *g, unsigned log2, bool write, a64_label other)
{
	put_window_address(g);
	if (write) {
		a64_put(&g->as, a64_mem(A64_LDR, 0, A64_T2, A64_T1, (int)offsetof(struct vm_window, writable)));
		a64_jump(&g->as, A64_CBZ, a64_cb(false, false, A64_T2, 0), other);
	}
	a64_put(&g->as, a64_ldp(A64_PAIR_OFF, A64_T1, A64_T2, A64_T1, (int)offsetof(struct vm_window, base)));
	a64_put(&g->as, a64_addsub_imm(true, A64_SUBS, A64_T2, A64_T2, UINT64_C(1) << log2));
	a64_jump(&g->as, A64_BCOND, a64_bcond(A64_LO, 0), other);
	a64_put(&g->as, a64_addsub_reg(true, A64_SUB, A64_T1, A64_T0, A64_T1, A64_LSL, 0));
	a64_put(&g->as, a64_addsub_reg(true, A64_SUBS, A64_ZR, A64_T1, A64_T2, A64_LSL, 0));
	a64_jump(&g->as, A64_BCOND, a64_bcond(A64_HI, 0), other);
	a64_put(&g->as, a64_ret());
}
_Static_assert(sizeof(struct vm_window) == 1 << 5, "the shift above");
_Static_assert(offsetof(struct vm_window, bytes) == offsetof(struct vm_window, base) + 8, "one pair");

/* T0: the address, A64_AT: the slot. Returns with r0 to r9 and T0 as they were. */
static void put_access_stub(struct a64_gen *g, unsigned log2, bool write)
{
	a64_label ctx = a64_labels_new(&g->as, 3), stack = ctx + 1, other = ctx + 2;

	a64_bind(&g->as, g->access[log2][write].label);
	a64_unwind_start(g, JIT_NO_INSN);
	compare_ctx(g, A64_T0, log2, write);
	a64_jump(&g->as, A64_BCOND, a64_bcond(A64_HS, 0), ctx);
	a64_put(&g->as, a64_ret());
	a64_bind(&g->as, ctx);
	compare_stack(g, A64_T0, 1u << log2);
	a64_jump(&g->as, A64_BCOND, a64_bcond(A64_HI, 0), stack);
	a64_put(&g->as, a64_ret());
	a64_bind(&g->as, stack);
	if (g->vp->n_maps)
		put_last_window(g, log2, write, other);
	a64_bind(&g->as, other);
	put_ask_vm(g, log2, write);
}

/* T0: the address, T3: bytes, at most GROUP_BYTES. LS: in the context, the stack, or the map that was found last. */
static void put_wide_stub(struct a64_gen *g, bool write)
{
	a64_label out = a64_labels_new(&g->as, 1);

	a64_bind(&g->as, g->wide[write].label);
	a64_unwind_start(g, JIT_NO_INSN);
	a64_put(&g->as, a64_mem(A64_LDR, 3, A64_T1, A64_RUN, RUN_CTX));
	a64_put(&g->as, a64_mem(A64_LDR, 3, A64_T2, A64_RUN, write ? RUN_STORE_SPAN : RUN_LOAD_SPAN));
	put_wide_compare(g);
	a64_jump(&g->as, A64_BCOND, a64_bcond(A64_LS, 0), out);
	a64_put_mov(&g->as, true, A64_T1, A64_FRAME);
	a64_put_mov(&g->as, true, A64_T2, A64_LIVE);
	put_wide_compare(g);
	a64_jump(&g->as, A64_BCOND, a64_bcond(A64_LS, 0), out);
	if (g->vp->n_maps) {
		put_window_address(g);
		if (write) {
			/* Not writable: no bytes. */
			a64_put(&g->as, a64_mem(A64_LDR, 0, A64_T2, A64_T1, (int)offsetof(struct vm_window, writable)));
			a64_put(&g->as, a64_addsub_reg(true, A64_SUB, A64_T2, A64_ZR, A64_T2, A64_LSL, 0));
			a64_put(&g->as, a64_mem(A64_LDR, 3, A64_AT, A64_T1, (int)offsetof(struct vm_window, bytes)));
			a64_put(&g->as, a64_logic_reg(true, A64_AND, false, A64_T2, A64_T2, A64_AT, A64_LSL, 0));
			a64_put(&g->as, a64_mem(A64_LDR, 3, A64_T1, A64_T1, (int)offsetof(struct vm_window, base)));
		} else {
			a64_put(&g->as,
				a64_ldp(A64_PAIR_OFF, A64_T1, A64_T2, A64_T1, (int)offsetof(struct vm_window, base)));
		}
		put_wide_compare(g);
	}
	a64_bind(&g->as, out);
	a64_put(&g->as, a64_ret());
}

static void put_misaligned_stub(struct a64_gen *g, unsigned log2)
{
	a64_bind(&g->as, g->misaligned[log2].label);
	a64_unwind_leaving(g, false);
	a64_put(&g->as, a64_mem(A64_STR, 3, A64_T0, A64_RUN, RUN_ADDR));
	a64_put_imm(&g->as, true, A64_T1, UINT64_C(1) << log2);
	a64_put(&g->as, a64_mem(A64_STR, 3, A64_T1, A64_RUN, RUN_BYTES));
	a64_put_imm(&g->as, false, A64_T1, VM_WHY_ALIGN);
	a64_put(&g->as, a64_mem(A64_STR, 2, A64_T1, A64_RUN, RUN_WHY));
	a64_to_stub(g, A64_B, a64_b(0), &g->fault);
}

void a64_put_access_stubs(struct a64_gen *g)
{
	for (unsigned write = 0; write < 2; write++)
		if (g->wide[write].used)
			put_wide_stub(g, write);
	for (unsigned log2 = 0; log2 < 4; log2++) {
		if (g->misaligned[log2].used)
			put_misaligned_stub(g, log2);
		for (unsigned write = 0; write < 2; write++)
			if (g->access[log2][write].used)
				put_access_stub(g, log2, write);
	}
}
