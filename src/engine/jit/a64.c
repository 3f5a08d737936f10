/* SPDX-License-Identifier: Apache-2.0 */
/*
 * a64: the aarch64 compiler: what a program needs, how its parts are laid out, entry and exit.
 *
 * In order: the entry and function 0, the other functions, each with its cold parts behind it, the entry for callbacks,
 * stubs. Function 0 is part of the entry, unless somebody calls it.
 */
#include "engine/jit/a64_run.h"

unsigned a64_native(unsigned reg)
{
	static const uint8_t native[ISA_FP] = { A64_R0, 0, 1, 2, 3, 4, 19, 20, 21, 22 };

	assert(reg < ISA_FP && "r10 is in no register");
	return native[reg];
}

unsigned a64_use(struct a64_gen *g, unsigned reg, unsigned tmp)
{
	if (reg != ISA_FP)
		return a64_native(reg);
	a64_put(&g->as, a64_addsub_imm(true, A64_ADD, tmp, A64_FRAME, VM_STACK_BYTES));
	return tmp;
}

/* Keys differ from constant to constant, and depend on nothing but the seed. */
static uint64_t next_key(struct a64_gen *g)
{
	g->rng += UINT64_C(0x9e3779b97f4a7c15);
	return hash_u64(g->rng);
}

unsigned a64_const(struct a64_gen *g, bool sf, uint64_t imm, unsigned tmp)
{
	uint64_t key;
	bool extend = sf && imm == (uint64_t)(int32_t)imm;

	if (!sf)
		imm = (uint32_t)imm;
	if (!imm)
		return A64_ZR;
	if (a64_plain(g)) {
		a64_put_imm(&g->as, sf, tmp, imm);
		return tmp;
	}
	key = next_key(g);
	sf = sf && !extend;
	a64_put_imm(&g->as, sf, tmp, imm ^ key);
	a64_put_imm(&g->as, sf, A64_T3, key);
	a64_put(&g->as, a64_logic_reg(sf, A64_EOR, false, tmp, tmp, A64_T3, A64_LSL, 0));
	if (extend)
		a64_put(&g->as, a64_bitfield(true, A64_SBFM, tmp, tmp, 0, 31));
	return tmp;
}

/* --- what the program needs --- */

static bool is_call(const struct plan_insn *in)
{
	return in->sem == ISA_CALL || in->sem == ISA_CALLX || in->sem == PLAN_TAIL_CALL;
}

static bool leaves_to_vm(const struct a64_gen *g, const struct plan_insn *in)
{
	return is_call(in) && !(in->sem == ISA_CALL && (in->aux == ISA_CALL_LOCAL || a64_is_direct(g, in)));
}

/* Whoever calls back may call any function. */
static bool takes_function(const struct a64_gen *g, const struct plan_insn *in)
{
	const struct abi_helper *h;

	if (in->sem != ISA_CALL || in->aux != ISA_CALL_HELPER)
		return in->sem == ISA_CALLX;
	h = g->vp->calls[in->target].proto;
	return memchr(h->args, ABI_ARG_FUNC, sizeof h->args) != NULL;
}

static void examine(struct a64_gen *g)
{
	const struct plan *p = &g->plan;
	bool sandboxed = g->o->sandboxed, table = sandboxed, frame = p->any_frame;
	uint16_t regs = 0;

	g->fuel = sandboxed || g->o->fuel;
	g->frames = sandboxed;
	g->nested = p->n_funcs > 1 || p->funcs[0].called;
	g->map_pointers = !sandboxed;
	for (uint32_t i = 0; i < g->vp->n_maps; i++) {
		uint32_t kind = map_def(g->vp->maps[i])->kind;

		g->outer_maps |= kind == PROG_MAP_ARRAY_OF_MAPS || kind == PROG_MAP_HASH_OF_MAPS;
	}
	for (uint32_t i = 0; i < p->n_insns; i++) {
		const struct plan_insn *in = &p->insns[i];

		regs |= in->use | in->def;
		g->by_table |= in->sem == ISA_CALLX;
		g->nested |= takes_function(g, in);
		table |= is_call(in) || (in->sem == ISA_IMM64 && in->aux != ISA_IMM64_VALUE);
		if (leaves_to_vm(g, in)) {
			g->frames = true;
			g->map_pointers = false;
		}
	}
	g->link = sandboxed || p->any_call || g->nested;
	g->saved = (uint16_t)(regs >> 6 & 15);
	g->saved |= (uint16_t)(g->fuel << (A64_FUEL - 19) | g->frames << (A64_LIVE - 19) |
			       (frame || g->frames) << (A64_FRAME - 19) | 1 << (A64_RUN - 19) |
			       table << (A64_TABLE - 19) | g->nested << (A64_ENTRY_SP - 19));
}

/* --- entry and exit --- */

struct saves {
	uint8_t regs[12];
	unsigned n; /* even: the last may be saved twice */
};

static struct saves entry_saves(const struct a64_gen *g)
{
	struct saves s = { 0 };

	if (g->link) {
		s.regs[s.n++] = A64_FP;
		s.regs[s.n++] = A64_LR;
	}
	for (unsigned i = 0; i < 10; i++)
		if (g->saved >> i & 1)
			s.regs[s.n++] = (uint8_t)(19 + i);
	if (s.n % 2) {
		s.regs[s.n] = s.regs[s.n - 1];
		s.n++;
	}
	return s;
}

/* Room above the saved registers for the counter of may_goto. */
enum { LOOPS_BYTES = 16 };

void a64_unwind_start(struct a64_gen *g, uint32_t insn)
{
	g->unwind = (struct jit_unwind){ .insn = insn, .base = JIT_UNWIND_SP };
	a64_unwind(&g->as, &g->unwind);
}

static void unwind_saves(struct a64_gen *g, const struct saves *s, unsigned n)
{
	memset(g->unwind.saved, 0, sizeof g->unwind.saved);
	for (unsigned i = 0; i < n; i++)
		g->unwind.saved[s->regs[i] - 19] = (uint8_t)(g->unwind.cfa / 8 - i);
}

void a64_unwind_stub(struct a64_gen *g, bool pushed)
{
	g->unwind.cfa = pushed ? 32 : 0;
	g->unwind.saved[A64_LR - 19] = pushed ? 3 : 0;
	a64_unwind(&g->as, &g->unwind);
}

void a64_unwind_leaving(struct a64_gen *g, bool sp_is_back)
{
	struct saves s = entry_saves(g);

	g->unwind = (struct jit_unwind){ .insn = JIT_NO_INSN,
					 .base = g->nested && !sp_is_back ? JIT_UNWIND_ENTRY : JIT_UNWIND_SP,
					 .cfa = (uint16_t)(s.n * 8 + LOOPS_BYTES) };
	unwind_saves(g, &s, s.n);
	a64_unwind(&g->as, &g->unwind);
}

/* The registers below what `extra` bytes take. */
static void put_saves(struct a64_gen *g, const struct saves *s, int extra)
{
	int bytes = (int)s->n * 8 + extra;

	for (unsigned i = 0; i < s->n; i += 2) {
		a64_put(&g->as, a64_stp(i ? A64_PAIR_OFF : A64_PAIR_PRE, s->regs[i], s->regs[i + 1], A64_SP,
					i ? (int)i * 8 : -bytes));
		g->unwind.cfa = (uint16_t)bytes;
		unwind_saves(g, s, i + 2);
		a64_unwind(&g->as, &g->unwind);
	}
	if (s->n && s->regs[0] == A64_FP)
		a64_put(&g->as, a64_addsub_imm(true, A64_ADD, A64_FP, A64_SP, 0));
}

static void put_loads(struct a64_gen *g, const struct saves *s, int extra)
{
	int bytes = (int)s->n * 8 + extra;

	for (unsigned i = s->n; i > 0; i -= 2)
		a64_put(&g->as, a64_ldp(i > 2 ? A64_PAIR_OFF : A64_PAIR_POST, s->regs[i - 2], s->regs[i - 1], A64_SP,
					i > 2 ? (int)(i - 2) * 8 : bytes));
	/* Until here what was stored is still there, and equal. */
	a64_unwind_start(g, g->unwind.insn);
}

void a64_put_restore(struct a64_gen *g)
{
	struct saves s = entry_saves(g);

	put_loads(g, &s, LOOPS_BYTES);
	a64_put(&g->as, a64_ret());
}

static void put_zero(struct a64_gen *g, unsigned reg)
{
	a64_put_imm(&g->as, false, reg, 0);
}

/* What the VM has set, to registers. Those that it has not count as zero. */
static void put_entry(struct a64_gen *g, bool callback)
{
	struct saves s = entry_saves(g);

	a64_put(&g->as, A64_BTI_C);
	put_saves(g, &s, LOOPS_BYTES);
	a64_put_mov(&g->as, true, A64_RUN, 0);
	if (g->nested)
		a64_put(&g->as, a64_addsub_imm(true, A64_ADD, A64_ENTRY_SP, A64_SP, 0));
	a64_put(&g->as, a64_mem(A64_LDR, 3, 0, A64_RUN, RUN_R + 8));
	a64_put(&g->as, a64_ldp(A64_PAIR_OFF, 1, 2, A64_RUN, RUN_R + 16));
	if (callback)
		a64_put(&g->as, a64_ldp(A64_PAIR_OFF, 3, 4, A64_RUN, RUN_R + 32));
	if (g->frames)
		a64_put(&g->as, a64_ldp(A64_PAIR_OFF, A64_FRAME, A64_LIVE, A64_RUN, RUN_STACK_LO));
	else if (g->saved >> (A64_FRAME - 19) & 1)
		a64_put(&g->as, a64_mem(A64_LDR, 3, A64_FRAME, A64_RUN, RUN_STACK_LO));
	if (g->saved >> (A64_TABLE - 19) & 1)
		a64_put(&g->as, a64_mem(A64_LDR, 3, A64_TABLE, A64_RUN, RUN_IMPORTS));
	if (g->fuel)
		a64_put(&g->as, a64_mem(A64_LDR, 3, A64_FUEL, A64_RUN, RUN_FUEL));
	if (!g->o->sandboxed)
		return;
	put_zero(g, A64_R0);
	for (unsigned r = callback ? 6 : 3; r < ISA_FP; r++)
		if (r < 6 || g->saved >> (r - 6) & 1)
			put_zero(g, a64_native(r));
}

/* r0 and what the VM keeps of a run that went well; E_OK. */
static void put_success(struct a64_gen *g)
{
	a64_put(&g->as, a64_mem(A64_STR, 3, A64_R0, A64_RUN, RUN_R));
	if (g->fuel)
		a64_put(&g->as, a64_mem(A64_STR, 3, A64_FUEL, A64_RUN, RUN_FUEL));
	a64_put_frames(g);
	a64_put_imm(&g->as, false, 0, E_OK);
	a64_put_restore(g);
}

/* --- functions --- */

static bool has_frame(const struct a64_gen *g)
{
	return g->frames || g->func->uses_frame;
}

/* Function 0 is the entry's own, and returns to the VM. */
static bool is_root(const struct a64_gen *g)
{
	return g->func->start == 0 && !g->func->called;
}

static struct saves func_saves(const struct a64_gen *g)
{
	struct saves s = { 0 };

	if (g->o->sandboxed || g->func->calls) {
		s.regs[s.n++] = A64_FP;
		s.regs[s.n++] = A64_LR;
	}
	for (unsigned r = 6; r < ISA_FP; r++)
		if (g->func->writes >> r & 1)
			s.regs[s.n++] = (uint8_t)a64_native(r);
	if (s.n % 2) {
		s.regs[s.n] = s.regs[s.n - 1];
		s.n++;
	}
	if (!s.n && g->func->may_goto)
		s = (struct saves){ .regs = { A64_FP, A64_LR }, .n = 2 };
	return s;
}

static int func_extra(const struct a64_gen *g)
{
	return g->func->may_goto ? LOOPS_BYTES : 0;
}

/* Where the counter of may_goto is, from sp. */
int a64_loops_offset(const struct a64_gen *g)
{
	struct saves s = is_root(g) ? entry_saves(g) : func_saves(g);

	return (int)s.n * 8;
}

static void clear_frame(struct a64_gen *g)
{
	uint32_t bytes = g->func->zero_bytes;

	for (uint32_t i = 0; i < bytes; i += 16)
		a64_put(&g->as, a64_stp(A64_PAIR_OFF, A64_ZR, A64_ZR, A64_FRAME, (int)(VM_STACK_BYTES - bytes + i)));
}

/* What a call pays, A64_AT being its slot; then its frame. */
static void put_called(struct a64_gen *g, uint32_t index)
{
	a64_bind(&g->as, g->funcs + index);
	if (g->fuel) {
		a64_put_fuel(g, g->func->end - g->func->start);
		a64_to_stub(g, A64_BCOND, a64_bcond(A64_MI, 0), &g->out_of_fuel);
	}
	a64_bind(&g->as, g->entered + index);
	if (g->by_table)
		a64_put(&g->as, A64_BTI_C);
	if (g->o->sandboxed) {
		a64_put(&g->as, a64_addsub_imm(true, A64_SUBS, A64_ZR, A64_LIVE, VM_MAX_FRAMES * VM_STACK_BYTES));
		a64_to_stub(g, A64_BCOND, a64_bcond(A64_EQ, 0), &g->too_deep);
	}
	if (has_frame(g))
		a64_put(&g->as, a64_addsub_imm(true, A64_SUB, A64_FRAME, A64_FRAME, VM_STACK_BYTES));
	if (g->frames)
		a64_put(&g->as, a64_addsub_imm(true, A64_ADD, A64_LIVE, A64_LIVE, VM_STACK_BYTES));
	if (g->o->sandboxed)
		clear_frame(g);
}
_Static_assert(VM_MAX_FRAMES *VM_STACK_BYTES == 4096, "fits the comparison above");

static void put_prologue(struct a64_gen *g, uint32_t index)
{
	a64_unwind_start(g, g->func->start);
	if (is_root(g)) {
		put_entry(g, false);
		a64_bind(&g->as, g->funcs + index);
		a64_bind(&g->as, g->entered + index);
		a64_bind(&g->as, g->inner + index);
		if (g->nested)
			a64_put(&g->as, A64_BTI_C);
	} else {
		struct saves s = func_saves(g);

		put_called(g, index);
		a64_bind(&g->as, g->inner + index);
		a64_put(&g->as, A64_BTI_C);
		put_saves(g, &s, func_extra(g));
	}
	if (g->func->may_goto) {
		a64_put_imm(&g->as, false, A64_T0, VM_MAY_GOTO_MAX);
		a64_put(&g->as, a64_mem(A64_STR, 3, A64_T0, A64_SP, a64_loops_offset(g)));
	}
}

static void put_end(struct a64_gen *g)
{
	struct saves s = func_saves(g);

	if (is_root(g)) {
		put_success(g);
		return;
	}
	put_loads(g, &s, func_extra(g));
	if (has_frame(g))
		a64_put(&g->as, a64_addsub_imm(true, A64_ADD, A64_FRAME, A64_FRAME, VM_STACK_BYTES));
	if (g->frames)
		a64_put(&g->as, a64_addsub_imm(true, A64_SUB, A64_LIVE, A64_LIVE, VM_STACK_BYTES));
	a64_put(&g->as, a64_ret());
}

static void put_epilogue(struct a64_gen *g)
{
	struct jit_unwind before = g->unwind;

	a64_bind(&g->as, g->epilogue);
	put_end(g);
	/* Cold parts are reached from before it. */
	g->unwind = before;
	a64_unwind(&g->as, &g->unwind);
}

/*
 * An entry that calls: function 0 of a program that calls it too, or run->entry for a callback. When that is a function
 * 0 that belongs to the entry, it does not come back: it ends this entry as its own.
 */
static void put_calling_entry(struct a64_gen *g, bool callback)
{
	a64_unwind_start(g, JIT_NO_INSN);
	put_entry(g, callback);
	if (callback) {
		a64_put(&g->as, a64_mem(A64_LDR, 3, A64_CALLEE, A64_RUN, RUN_ENTRY));
		a64_put(&g->as, a64_blr(A64_CALLEE));
	} else {
		a64_jump(&g->as, A64_BL, a64_bl(0), g->inner);
	}
	/* The function's end gave back a frame that nobody took. */
	if (g->frames) {
		a64_put(&g->as, a64_addsub_imm(true, A64_SUB, A64_FRAME, A64_FRAME, VM_STACK_BYTES));
		a64_put(&g->as, a64_addsub_imm(true, A64_ADD, A64_LIVE, A64_LIVE, VM_STACK_BYTES));
	}
	put_success(g);
}

/* --- instructions --- */

static bool is_pure(const struct plan_insn *in)
{
	return (in->sem >= ISA_ADD && in->sem <= ISA_IMM64) || in->sem == PLAN_ROL;
}

static void put_insn(struct a64_gen *g, const struct plan_insn *in)
{
	if (is_pure(in) && !(in->live & in->def))
		return;
	switch (in->sem) {
	case PLAN_NOP:
		return;
	case ISA_IMM64:
		a64_imm64(g, in);
		return;
	case ISA_LDX:
	case ISA_LDXS:
	case ISA_ST:
	case ISA_STX:
		a64_memory(g, in);
		return;
	case ISA_ATOMIC:
		a64_atomic(g, in);
		return;
	case ISA_LOAD_ACQ:
	case ISA_STORE_REL:
		a64_ordered(g, in);
		return;
	case ISA_CALL:
	case ISA_CALLX:
	case PLAN_TAIL_CALL:
		a64_call(g, in);
		return;
	case ISA_EXIT:
		if (g->at + 1 != g->func->end)
			a64_jump(&g->as, A64_B, a64_b(0), g->epilogue);
		return;
	default:
		if (in->sem >= ISA_JA && in->sem <= ISA_MAY_GOTO)
			a64_branch(g, in);
		else
			a64_alu(g, in, a64_native(in->dst));
	}
}

/* Copies of a pointer, and what is added to one, point to the same memory; what was loaded or returned does elsewhere.
 */
static void track(struct a64_gen *g, const struct plan_insn *in)
{
	if (in->sem == ISA_MOV && !(in->flags & PLAN_B_IMM))
		g->place[in->dst] = g->place[in->src];
	else if (is_call(in))
		g->place[0] = A64_ELSEWHERE;
	else if (in->sem == ISA_LDX || in->sem == ISA_IMM64)
		g->place[in->dst] = A64_ELSEWHERE;
}

/* The slots whose code is there are over: what is known of registers afterwards. */
static void leave_behind(struct a64_gen *g)
{
	for (uint32_t i = 0; i < g->done; i++, g->at++) {
		const struct plan_insn *in = &g->plan.insns[g->at];

		track(g, in);
		a64_facts_after(g, in);
		g->zero = plan_zero_upper(in, g->zero);
		/* r0 to r5 are what the function left, also where that is no `def`. */
		if (is_call(in))
			g->zero &= (uint16_t)~0x3f;
	}
}

static void put_slot(struct a64_gen *g)
{
	const struct plan_insn *in = &g->plan.insns[g->at];

	a64_mark(&g->as, g->at);
	g->done = in->sem == PLAN_NOP ? 1 : a64_fuse(g, in);
	if (!g->done) {
		g->done = 1;
		put_insn(g, in);
	}
}

void a64_put_again(struct a64_gen *g, uint32_t from, uint32_t end)
{
	a64_forget_all(g);
	g->each = true;
	for (g->at = from; g->at < end;) {
		memset(g->place, A64_ELSEWHERE, sizeof g->place);
		put_slot(g);
		leave_behind(g);
	}
	g->each = false;
}

static void start_tracking(struct a64_gen *g)
{
	memset(g->place, A64_ELSEWHERE, sizeof g->place);
	g->place[1] = is_root(g) ? A64_IN_CTX : A64_ELSEWHERE;
	g->place[ISA_FP] = A64_IN_STACK;
	a64_forget_all(g);
}

static void put_func(struct a64_gen *g, uint32_t index)
{
	g->func = &g->plan.funcs[index];
	g->epilogue = a64_labels_new(&g->as, 1);
	g->group_end = 0;
	a64_mark(&g->as, JIT_NO_INSN);
	put_prologue(g, index);
	start_tracking(g);
	for (g->at = g->func->start; g->at < g->func->end;) {
		if (g->plan.insns[g->at].flags & PLAN_LEADER)
			a64_forget_all(g);
		a64_bind(&g->as, g->slots + g->at);
		put_slot(g);
		/* Nothing leads to those in between. */
		for (uint32_t i = 1; i < g->done; i++)
			a64_bind(&g->as, g->slots + g->at + i);
		leave_behind(g);
	}
	a64_mark(&g->as, JIT_NO_INSN);
	put_epilogue(g);
	a64_put_cold(g);
}

/* --- the whole --- */

static void new_labels(struct a64_gen *g)
{
	struct a64_stub *s[] = { &g->helper,      &g->callx,       &g->tail,  &g->bad_handle, &g->too_deep,
				 &g->out_of_fuel, &g->end_of_fuel, &g->fault, &g->leave };
	struct a64_stub *access = &g->access[0][0];

	g->slots = a64_labels_new(&g->as, g->plan.n_insns);
	g->funcs = a64_labels_new(&g->as, g->plan.n_funcs);
	g->entered = a64_labels_new(&g->as, g->plan.n_funcs);
	g->inner = a64_labels_new(&g->as, g->plan.n_funcs);
	g->table = a64_labels_new(&g->as, 1);
	for (size_t i = 0; i < countof(s); i++)
		*s[i] = (struct a64_stub){ .label = a64_labels_new(&g->as, 1) };
	for (size_t i = 0; i < 8; i++)
		access[i] = (struct a64_stub){ .label = a64_labels_new(&g->as, 1) };
	for (size_t i = 0; i < 2; i++)
		g->wide[i] = (struct a64_stub){ .label = a64_labels_new(&g->as, 1) };
	for (size_t i = 0; i < 4; i++)
		g->misaligned[i] = (struct a64_stub){ .label = a64_labels_new(&g->as, 1) };
}

/* Once more when a jump did not reach: what was assumed about jumps is in g->as.far. */
static void put_all(struct a64_gen *g)
{
	do {
		a64_asm_reset(&g->as);
		g->rng = g->o->seed;
		new_labels(g);
		if (g->plan.funcs[0].called)
			put_calling_entry(g, false);
		for (uint32_t i = 0; i < g->plan.n_funcs; i++)
			put_func(g, i);
		a64_mark(&g->as, JIT_NO_INSN);
		/* Without functions, the only one that can be entered is the program, as from its start. */
		g->callback = g->nested ? g->as.n_words * 4 : 0;
		if (g->nested)
			put_calling_entry(g, true);
		a64_put_access_stubs(g);
		a64_put_call_stubs(g);
	} while (!a64_asm_finish(&g->as));
}

static FALLIBLE hand_over(const struct a64_gen *g, struct arena *a, struct jit_code *out)
{
	const struct a64_asm *as = &g->as;
	uint32_t *words = ARENA_ARRAY(a, uint32_t, as->n_words),
		 *entries = ARENA_ARRAY(a, uint32_t, g->plan.n_funcs + 1);
	struct jit_line *lines = ARENA_ARRAY(a, struct jit_line, as->n_lines);
	struct jit_unwind *unwind = ARENA_ARRAY(a, struct jit_unwind, as->n_unwind);

	if (!words || !entries || !lines || !unwind)
		return E_NOMEM;
	memcpy(words, as->words, as->n_words * sizeof *words);
	memcpy(lines, as->lines, as->n_lines * sizeof *lines);
	memcpy(unwind, as->unwind, as->n_unwind * sizeof *unwind);
	for (uint32_t i = 0; i < g->plan.n_funcs; i++)
		entries[i] = as->labels[g->inner + i] * 4;
	entries[g->plan.n_funcs] = g->callback;
	*out = (struct jit_code){ .code = { (const uint8_t *)words, as->n_words * sizeof *words },
				  .lines = lines,
				  .n_lines = as->n_lines,
				  .unwind = unwind,
				  .n_unwind = as->n_unwind,
				  .entries = entries,
				  .n_entries = g->plan.n_funcs + 1,
				  .n_insns = g->vp->n_ops,
				  .n_imports = jit_n_imports(g->vp),
				  /* The entry for callbacks takes any function. */
				  .first_called = true,
				  .verified = !g->o->sandboxed };
	return E_OK;
}

FALLIBLE a64_compile(const struct vm_prog *vp, const struct jit_opts *o, struct arena *a, struct jit_code *out,
		     struct diag *d)
{
	struct a64_gen g = { .vp = vp, .o = o };
	enum err e;

	if (o->retpoline)
		FAIL_ID(d, UNSUPPORTED, 'J', 101, "retpolines are of x86-64: aarch64 has none");
	TRY(plan_make(vp, o->sandboxed, a, &g.plan));
	examine(&g);
	put_all(&g);
	e = g.as.failed;
	if (e == E_OK)
		e = hand_over(&g, a, out);
	else if (e == E_LIMIT)
		e = diag_fail(d, E_LIMIT, 0, 0, __FILE__, __LINE__, "the native code is over %d MiB",
			      JIT_MAX_BYTES >> 20);
	free(g.cold);
	a64_asm_done(&g.as);
	return e;
}
