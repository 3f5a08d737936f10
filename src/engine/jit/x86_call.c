/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x86_call: functions, calls, and how code is entered and left.
 *
 * A function that is called keeps the r6 to r9 that it writes, and moves r10 to a frame of its own when it uses one.
 * Sandboxed, all of them do all of it, in a fixed order (struct jit_frame), so that the interpreter can take over at
 * any depth. The first function is entered from C; when it is called too, C enters through a few instructions of their
 * own.
 */
#include "engine/jit/x86.h"

static const uint8_t saved_regs[] = { 9, 8, 7, 6 }; /* in the order of pushing */

static bool writes(const struct x86 *x, unsigned r)
{
	return x->f->writes >> r & 1;
}

static bool is_main(const struct x86 *x)
{
	return !x->f->start && !x->f->called;
}

static uint32_t func_number(const struct x86 *x, const struct plan_func *f)
{
	return (uint32_t)(f - x->plan->funcs);
}

/* --- from C and back --- */

static struct x86_mem run_reg(unsigned r)
{
	return x86_at(X86_RUN, (int32_t)(offsetof(struct vm_run_state, r) + 8 * r));
}

static bool somebody_writes(const struct x86 *x, unsigned r)
{
	for (uint32_t i = 0; i < x->plan->n_funcs; i++)
		if (x->plan->funcs[i].writes >> r & 1)
			return true;
	return false;
}

/*
 * Does the way in from C save r? Also r10. A run that ends in the middle of functions gives back what any of them
 * changed: then all ways in save the same.
 */
static bool entry_saves(const struct x86 *x, unsigned r)
{
	if (x->sandboxed)
		return true;
	if (r == ISA_FP)
		return x->plan->any_frame || x->frames;
	return x->leaves ? somebody_writes(x, r) : is_main(x) && writes(x, r);
}

static unsigned entry_pushes(const struct x86 *x)
{
	unsigned n = 1 + entry_saves(x, ISA_FP) + x->leaves;

	for (unsigned i = 0; i < countof(saved_regs); i++)
		n += entry_saves(x, saved_regs[i]);
	return n;
}

static bool entry_pads(const struct x86 *x)
{
	return !(entry_pushes(x) & 1) && (x->leaves || x->plan->any_call);
}

/* want: registers that may be read; args: those of them that the run has. The others are zero. */
static void enter(struct x86 *x, uint16_t want, uint16_t args)
{
	struct x86_code *c = &x->c;

	x86_endbr(c);
	x86_save(x, R12);
	if (entry_saves(x, ISA_FP))
		x86_save(x, RBP);
	for (unsigned i = 0; i < countof(saved_regs); i++)
		if (entry_saves(x, saved_regs[i]))
			x86_save(x, x86_host[saved_regs[i]]);
	x86_mov_rr(c, true, X86_RUN, RDI);
	if (x->leaves) {
		x86_rm(c, 0, 0xff, 6, X86_RUN_FIELD(native_sp));
		x86_unwind_sp(x, 8);
	}
	if (entry_pads(x))
		x86_save(x, RAX);
	if (x->leaves)
		x86_rm(c, X_W, 0x89, RSP, X86_RUN_FIELD(native_sp));
	if (x->fuel)
		x86_rm(c, X_W, 0x8b, X86_FUEL, X86_RUN_FIELD(fuel));
	/* Verified code reads nothing that it was not given; and what was not saved must not be touched. */
	want &= (uint16_t)(x->sandboxed ? 0x3ff : args);
	if (x->plan->any_frame || x->frames)
		want |= x86_bit(ISA_FP);
	for (unsigned r = 0; r < ISA_N_REGS; r++) {
		if (!(want >> r & 1))
			continue;
		if ((args | x86_bit(ISA_FP)) >> r & 1)
			x86_rm(c, X_W, 0x8b, x86_host[r], run_reg(r));
		else
			x86_alu_rr(c, false, X_XOR, x86_host[r], x86_host[r]);
	}
}

/* rsp is as enter() left it, eax is the result. */
static void leave(struct x86 *x)
{
	struct x86_code *c = &x->c;

	if (entry_pads(x))
		x86_restore(x, RCX);
	if (x->leaves) {
		x86_rm(c, 0, 0x8f, 0, X86_RUN_FIELD(native_sp));
		x86_unwind_sp(x, -8);
	}
	for (unsigned i = countof(saved_regs); i-- > 0;)
		if (entry_saves(x, saved_regs[i]))
			x86_restore(x, x86_host[saved_regs[i]]);
	if (entry_saves(x, ISA_FP))
		x86_restore(x, RBP);
	x86_restore(x, R12);
	x86_u8(c, 0xc3);
}

static void finish(struct x86 *x)
{
	x86_rm(&x->c, X_W, 0x89, RAX, X86_RUN_FIELD(r[0]));
	if (x->fuel)
		x86_rm(&x->c, X_W, 0x89, X86_FUEL, X86_RUN_FIELD(fuel));
	x86_alu_rr(&x->c, false, X_XOR, RAX, RAX);
	leave(x);
}

/* --- functions --- */

/* call [m]; changes T1. */
static void call_memory(struct x86 *x, struct x86_mem m)
{
	if (!x->o->retpoline) {
		x86_rm(&x->c, 0, 0xff, 2, m);
		return;
	}
	x86_rm(&x->c, X_W, 0x8b, X86_T1, m);
	if (x->in_cold)
		x86_within_cold(x, 0xe8, x->retpoline_common);
	else
		x86_to_cold(x, X86_CALL, x->retpoline_common);
}

static void call_import(struct x86 *x, int32_t offset)
{
	x86_rm(&x->c, X_W, 0x8b, X86_T1, X86_RUN_FIELD(imports));
	call_memory(x, x86_at(X86_T1, offset));
}

static void shift_frame(struct x86 *x, int32_t by)
{
	x86_alu_ri(&x->c, true, X_ADD, RBP, by);
	if (!x->frames)
		return;
	x86_rm(&x->c, 0, 0xff, by < 0 ? 0 : 1, X86_RUN_FIELD(depth));
	x86_alu_mi(&x->c, X_W, X_ADD, X86_RUN_FIELD(stack_lo), by);
	x86_alu_mi(&x->c, X_W, X_SUB, X86_RUN_FIELD(stack_live), by);
}

static bool has_frame(const struct x86 *x)
{
	return x->frames || x->f->uses_frame;
}

static unsigned func_pushes(const struct x86 *x)
{
	unsigned n = 0;

	for (unsigned i = 0; i < countof(saved_regs); i++)
		n += x->sandboxed || writes(x, saved_regs[i]);
	return n;
}

/* Sandboxed, the slot that a call leaves on the stack makes it even. */
static bool func_pads(const struct x86 *x)
{
	return !x->sandboxed && x->f->calls && !(func_pushes(x) & 1);
}

static void clear_frame(struct x86 *x)
{
	if (!x->sandboxed || !x->f->zero_bytes)
		return;
	x86_rr(&x->c, 0, 0x0f57, 0, 0); /* xorps xmm0, xmm0 */
	for (int32_t i = 16; i <= (int32_t)x->f->zero_bytes; i += 16)
		x86_rm(&x->c, 0, 0x0f11, 0, x86_at(RBP, -i));
}

/* T1: the struct vm_frame that stands. */
static void this_frame(struct x86 *x)
{
	x86_rm(&x->c, 0, 0x6b, X86_T1, X86_RUN_FIELD(depth));
	x86_u8(&x->c, sizeof(struct vm_frame));
	x86_rm(&x->c, X_W, 0x03, X86_T1, X86_RUN_FIELD(vm));
}

static struct x86_mem frame_loops(void)
{
	return x86_at(X86_T1, (int32_t)(offsetof(struct vm, frames) + offsetof(struct vm_frame, loops)));
}
_Static_assert(sizeof(struct vm_frame) < 128, "this_frame multiplies by a byte");

void x86_loops(struct x86 *x)
{
	this_frame(x);
	x86_alu_mi(&x->c, X_W, X_CMP, frame_loops(), 0);
}

void x86_loops_less(struct x86 *x)
{
	x86_alu_mi(&x->c, X_W, X_SUB, frame_loops(), 1);
}

/* From C to a function that is called as functions call each other; `entry`: its address is in the run, else the first.
 */
static void enter_called(struct x86 *x, bool entry)
{
	enter(x, x->sandboxed ? 0x3ff : 0x3e, entry ? 0x3e : 0x06);
	if (x->plan->any_frame || x->frames)
		shift_frame(x, VM_STACK_BYTES);
	if (x->sandboxed) {
		/* In the place of a slot: here ends what the interpreter has to know (JIT_FRAME_LAST). */
		x86_u8(&x->c, 0x6a);
		x86_u8(&x->c, 0xff);
		x86_unwind_sp(x, 8);
	}
	if (entry)
		call_memory(x, X86_RUN_FIELD(entry));
	else
		x86_jump(x, X86_CALL, x86_entry_label(x, 0), true);
	if (x->sandboxed)
		x86_restore(x, X86_T1);
	if (x->frames)
		shift_frame(x, -VM_STACK_BYTES);
	finish(x);
}

static void start_loops(struct x86 *x)
{
	if (!x->f->may_goto)
		return;
	this_frame(x);
	x86_rm(&x->c, X_W, 0xc7, 0, frame_loops());
	x86_u32(&x->c, VM_MAY_GOTO_MAX);
}

void x86_func_begin(struct x86 *x)
{
	const struct plan_insn *first = x->in;

	if (!x->at && !is_main(x)) {
		x86_unwind_start(x, JIT_NO_INSN);
		enter_called(x, false);
	}
	x86_label(x, x86_entry_label(x, func_number(x, x->f)));
	x86_unwind_start(x, x->f->start);
	if (is_main(x)) {
		enter(x, (uint16_t)((first->live & ~first->def) | first->use), 0x06);
		start_loops(x);
		return;
	}
	if (x->plan->needs_vm)
		x86_endbr(&x->c); /* callx and callbacks get here */
	for (unsigned i = 0; i < countof(saved_regs); i++)
		if (x->sandboxed || writes(x, saved_regs[i]))
			x86_save(x, x86_host[saved_regs[i]]);
	if (func_pads(x))
		x86_save(x, RAX);
	if (has_frame(x))
		shift_frame(x, -VM_STACK_BYTES);
	clear_frame(x);
	start_loops(x);
}

/* For callbacks: run->entry is the address of any function but the first. */
void x86_callback(struct x86 *x)
{
	x86_label(x, x86_entry_label(x, x->plan->n_funcs));
	/* Nothing but the program itself is ever entered. */
	if (x->plan->n_funcs == 1 && !x->plan->funcs[0].called)
		return;
	x->f = &x->plan->funcs[0];
	x86_unwind_start(x, JIT_NO_INSN);
	enter_called(x, true);
}

/* The function's result is in rax. */
static void put_epilogue(struct x86 *x)
{
	if (is_main(x)) {
		finish(x);
		return;
	}
	if (has_frame(x))
		shift_frame(x, VM_STACK_BYTES);
	if (func_pads(x))
		x86_restore(x, X86_T1);
	for (unsigned i = countof(saved_regs); i-- > 0;)
		if (x->sandboxed || writes(x, saved_regs[i]))
			x86_restore(x, x86_host[saved_regs[i]]);
	x86_u8(&x->c, 0xc3);
}

static void epilogue(struct x86 *x)
{
	struct jit_unwind before = x->unwind;

	put_epilogue(x);
	/* What comes next is reached from before it. */
	x->unwind = before;
	x86_unwind_note(x);
}

void x86_exit(struct x86 *x)
{
	uint32_t label = x86_exit_label(x, func_number(x, x->f));

	x86_settle(x, (uint16_t)(x->in->live | 1), true);
	if (x->native[label] != UINT32_MAX) {
		x86_jump(x, X86_JMP, label, false);
		return;
	}
	x86_label(x, label);
	epilogue(x);
}

/* --- calls --- */

/* Arguments are numbers, or nothing: there is nothing to check before the call. */
static bool is_plain(const struct vm_call *c)
{
	for (unsigned i = 0; i < c->n_args; i++)
		if (c->proto->args[i] != ABI_ARG_SCALAR)
			return false;
	return true;
}

static void cold_common(struct x86 *x, unsigned cc, uint32_t common)
{
	x86_to_cold(x, cc, x86_cold_next(x));
	x86_cold_begin(x);
	x86_mov_ri(&x->c, X86_T1, x->at);
	x86_within_cold(x, 0xe9, common);
	x86_cold_end(x);
}

/* Rule 5 of native.h: what the VM has to find in the run before it does something for the code. */
static void hand_over(struct x86 *x, uint16_t regs)
{
	for (unsigned r = 0; r < ISA_N_REGS; r++)
		if ((regs | 0x3e | x86_bit(ISA_FP)) >> r & 1 && (r != ISA_FP || x->plan->any_frame || x->frames))
			x86_rm(&x->c, X_W, 0x89, x86_host[r], run_reg(r));
	if (x->fuel)
		x86_rm(&x->c, X_W, 0x89, X86_FUEL, X86_RUN_FIELD(fuel));
	x86_mov_rr(&x->c, true, RDI, X86_RUN);
	x86_mov_ri(&x->c, RSI, x->at);
}

static void take_back(struct x86 *x, uint16_t regs)
{
	for (unsigned r = 0; r < 6; r++)
		if (regs >> r & 1)
			x86_rm(&x->c, X_W, 0x8b, x86_host[r], run_reg(r));
}

/* It returned; leave if that is not E_OK. */
static void handed_back(struct x86 *x)
{
	x86_rr(&x->c, 0, 0x85, RAX, RAX);
	x86_to_cold(x, CC_NE, x->leave_common);
	if (x->fuel)
		x86_rm(&x->c, X_W, 0x8b, X86_FUEL, X86_RUN_FIELD(fuel));
}

/* Through vm_native_call, which checks. */
static void call_checked(struct x86 *x)
{
	hand_over(x, 0);
	call_import(x, jit_import(JIT_IMPORT_HELPER));
	handed_back(x);
	take_back(x, (uint16_t)(1 | (x->in->live & 0x3e)));
}

static struct x86_mem env_field(size_t offset)
{
	return x86_at(R9, (int32_t)offset);
}

/* What vm_call_helper does where there is nothing to check. */
static void call_plain(struct x86 *x)
{
	uint16_t back = x->in->live & 0x3e;

	for (unsigned r = 1; r < 6; r++)
		if ((back | x->in->use) >> r & 1)
			x86_rm(&x->c, X_W, 0x89, x86_host[r], run_reg(r));
	x86_rm(&x->c, X_W, 0x89, X86_FUEL, X86_RUN_FIELD(fuel));
	x86_rm(&x->c, X_W, 0x8b, R9, X86_RUN_FIELD(env));
	x86_rm(&x->c, X_W, 0xc7, 0, env_field(offsetof(struct helper_env, work)));
	x86_u32(&x->c, 0);
	call_import(x, jit_import_helper(x->in->target));
	x86_rm(&x->c, X_W, 0x8b, X86_FUEL, X86_RUN_FIELD(fuel));
	x86_rm(&x->c, X_W, 0x8b, R9, X86_RUN_FIELD(env));
	x86_rm(&x->c, X_W, 0x8b, X86_T1, env_field(offsetof(struct helper_env, work)));
	x86_shift_i(&x->c, true, X_SHR, X86_T1, VM_WORK_PER_FUEL_LOG2);
	x86_alu_ri(&x->c, true, X_SUB, X86_FUEL, 1);
	x86_alu_rr(&x->c, true, X_SUB, X86_FUEL, X86_T1);
	x86_rm(&x->c, 0, 0x80, X_CMP, env_field(offsetof(struct helper_env, bad_handle)));
	x86_u8(&x->c, 0);
	cold_common(x, CC_NE, x->handle_common);
	take_back(x, back);
	x86_rr(&x->c, X_W, 0x85, X86_FUEL, X86_FUEL);
	cold_common(x, CC_S, x->fuel_common);
}

/* The call needs nobody's help: what is a map is known. */
static bool is_direct(const struct x86 *x, const struct vm_call *c)
{
	unsigned map = c->map_arg + 1u, n = 0;

	for (unsigned i = 0; i < c->n_args; i++)
		n += c->proto->args[i] == ABI_ARG_CONST_MAP;
	return c->direct && (!n || (n == 1 && map < 6 && x86_is_pending(x, map) && x->e[map].map));
}

static void load_import(struct x86 *x, unsigned host, int32_t offset)
{
	x86_rm(&x->c, X_W, 0x8b, host, X86_RUN_FIELD(imports));
	x86_rm(&x->c, X_W, 0x8b, host, x86_at(host, offset));
}

/* Looking up in an array is a multiplication: no call. */
static bool array_shape(const struct x86 *x, const struct vm_call *c, struct map_shape *out)
{
	unsigned map = c->map_arg + 1u;

	return c->proto->id == ABI_HELPER_map_lookup_elem && c->fn == helper_lookup(ABI_HELPER_map_lookup_elem) &&
	       map == 1 && map_shape(x->vp->maps[x->e[map].disp], out) && out->n_cpus == 1 && out->stride <= INT32_MAX;
}

static void array_lookup(struct x86 *x, const struct map_shape *shape, uint16_t want)
{
	uint32_t map = (uint32_t)x->e[1].disp;
	struct x86_mem key;

	x86_settle(x, (uint16_t)(want & ~6), false);
	key = x86_address(x, 2, 0);
	x86_rm(&x->c, 0, 0x8b, RAX, key);
	x86_rm(&x->c, X_W, 0x8b, X86_T1, X86_RUN_FIELD(imports));
	x86_alu_ri(&x->c, false, X_CMP, RAX, (int32_t)shape->max_entries);
	x86_to_cold(x, CC_AE, x86_cold_next(x));
	if (shape->stride & (shape->stride - 1)) {
		x86_rr(&x->c, X_W, 0x69, RAX, RAX);
		x86_u32(&x->c, (uint32_t)shape->stride);
	} else {
		x86_shift_i(&x->c, true, X_SHL, RAX, (unsigned)__builtin_ctzll(shape->stride));
	}
	x86_rm(&x->c, X_W, 0x03, RAX, x86_at(X86_T1, jit_import_values(x->vp, map)));
	x86_cold_begin(x);
	x86_alu_rr(&x->c, false, X_XOR, RAX, RAX);
	x86_back_to_hot(x, X86_JMP);
	x86_cold_end(x);
	x->pending = 0;
}

/* Did the helper refuse what it was given? */
static void refused(struct x86 *x)
{
	x86_rm(&x->c, X_W, 0x8b, R9, X86_RUN_FIELD(env));
	x86_rm(&x->c, 0, 0x80, X_CMP, env_field(offsetof(struct helper_env, bad_handle)));
	x86_u8(&x->c, 0);
	cold_common(x, CC_NE, x->handle_common);
}

static void call_direct(struct x86 *x, const struct vm_call *c, uint16_t want)
{
	unsigned map = c->map_arg + 1u;
	bool has_map = map < 6;
	uint32_t index = has_map ? (uint32_t)x->e[map].disp : 0;

	x86_settle(x, has_map ? (uint16_t)(want & ~x86_bit(map)) : want, true);
	if (has_map)
		load_import(x, x86_host[map], jit_import_map(x->vp, index));
	if (c->may_fault)
		x86_rm(&x->c, X_W, 0x89, x86_host[1], run_reg(1));
	x86_rm(&x->c, X_W, 0x8b, R9, X86_RUN_FIELD(env));
	call_import(x, jit_import_helper(x->in->target));
	if (c->may_fault)
		refused(x);
}

static void call_helper(struct x86 *x)
{
	uint16_t want = (uint16_t)(x->in->use | (x->in->live & ~x->in->def));
	const struct vm_call *c = &x->vp->calls[x->in->target];
	struct map_shape shape;

	if (!x->fuel && is_direct(x, c) && c->map_arg == 0 && array_shape(x, c, &shape)) {
		array_lookup(x, &shape, want);
	} else if (!x->fuel && is_direct(x, c)) {
		call_direct(x, c, want);
	} else {
		x86_settle(x, want, true);
		if (x->fuel && c->direct && is_plain(c))
			call_plain(x);
		else
			call_checked(x);
	}
	for (unsigned r = 0; r < 6; r++)
		x86_forget_facts(x, r);
}

static uint8_t *skip32(struct x86 *x, unsigned cc)
{
	if (cc == X86_JMP) {
		x86_u8(&x->c, 0xe9);
	} else {
		x86_u8(&x->c, 0x0f);
		x86_u8(&x->c, 0x80 | cc);
	}
	x86_u32(&x->c, 0);
	return x->c.p;
}

static void here32(struct x86 *x, uint8_t *from)
{
	int32_t distance = (int32_t)(x->c.p - from);

	memcpy(from - 4, &distance, 4);
}

/* Two words on the stack, for what the VM tells; it stays aligned. RCX: the first of them, afterwards. */
static void call_telling(struct x86 *x, enum jit_import import)
{
	x86_save(x, RAX);
	x86_save(x, RAX);
	x86_mov_rr(&x->c, true, RDX, RSP);
	call_import(x, jit_import(import));
	x86_restore(x, RCX);
	x86_restore(x, X86_T1);
	handed_back(x);
}

/* Where the call that follows stands, for who has to know (struct jit_frame). */
static void push_slot(struct x86 *x)
{
	x86_u8(&x->c, 0x68);
	x86_u32(&x->c, x->at);
	x86_unwind_sp(x, 8);
}

static void enter_callx(struct x86 *x)
{
	x86_mov_rr(&x->c, false, X86_T2, RCX);
	if (x->sandboxed) {
		x86_alu_mi(&x->c, X_W, X_CMP, X86_RUN_FIELD(stack_live), VM_MAX_FRAMES * VM_STACK_BYTES);
		cold_common(x, CC_E, x->depth_common);
	}
	take_back(x, x->sandboxed ? 0x3f : 0x3e);
	if (x->sandboxed)
		push_slot(x);
	load_import(x, X86_T1, jit_import(JIT_IMPORT_ENTRIES));
	call_memory(x, (struct x86_mem){ .base = X86_T1, .index = X86_T2, .scale = 3 });
	if (x->sandboxed)
		x86_restore(x, X86_T1);
}

static void callx(struct x86 *x)
{
	uint8_t *helper, *end;

	x86_settle(x, (uint16_t)(x->in->use | (x->in->live & ~x->in->def)), true);
	hand_over(x, (uint16_t)(x86_bit(x->in->dst) | 1));
	call_telling(x, JIT_IMPORT_CALLX);
	x86_alu_ri(&x->c, false, X_CMP, RCX, -1);
	helper = skip32(x, CC_E);
	enter_callx(x);
	end = skip32(x, X86_JMP);
	here32(x, helper);
	take_back(x, (uint16_t)(1 | (x->in->live & 0x3e)));
	here32(x, end);
	x->zero = x->small = 0;
	x->n_facts = 0;
}

static void tail_call(struct x86 *x)
{
	uint8_t *stays;

	x86_settle(x, (uint16_t)(x->in->use | (x->in->live & ~x->in->def)), true);
	hand_over(x, 0);
	call_telling(x, JIT_IMPORT_TAIL);
	x86_rm(&x->c, X_W, 0x8b, RAX, run_reg(0));
	x86_rr(&x->c, X_BYTE, 0x84, RCX, RCX);
	stays = skip32(x, CC_E);
	epilogue(x);
	here32(x, stays);
	take_back(x, x->in->live & 0x3e);
	x->n_facts = 0;
}

static void call_local(struct x86 *x)
{
	const struct plan_func *callee = plan_func_at(x->plan, x->in->target);

	x86_settle(x, (uint16_t)(x->in->use | (x->in->live & ~x->in->def)), true);
	if (x->fuel) {
		x86_alu_ri(&x->c, true, X_SUB, X86_FUEL, (int32_t)(callee->end - callee->start));
		cold_common(x, CC_S, x->fuel_common);
	}
	if (x->sandboxed) {
		x86_alu_mi(&x->c, X_W, X_CMP, X86_RUN_FIELD(stack_live), VM_MAX_FRAMES * VM_STACK_BYTES);
		x86_to_cold(x, CC_E, x86_cold_next(x));
		x86_cold_begin(x);
		x86_alu_ri(&x->c, true, X_ADD, X86_FUEL, (int32_t)(callee->end - callee->start));
		x86_deopt(x);
		x86_cold_end(x);
		push_slot(x);
	}
	x86_jump(x, X86_CALL, x86_entry_label(x, func_number(x, callee)), true);
	if (x->sandboxed)
		x86_restore(x, X86_T1);
	for (unsigned r = 0; r < 6; r++)
		x86_forget_facts(x, r);
	if (x->sandboxed)
		x->zero = x->small = 0;
}

void x86_call(struct x86 *x)
{
	if (x->in->sem == ISA_CALLX)
		callx(x);
	else if (x->in->sem == PLAN_TAIL_CALL)
		tail_call(x);
	else if (x->in->aux == ISA_CALL_LOCAL)
		call_local(x);
	else
		call_helper(x);
}

/* --- what all of a program's cold code shares --- */

void x86_deopt(struct x86 *x)
{
	uint16_t pending = x->pending, need = x->need, want = (uint16_t)((x->in->live & ~x->in->def) | x->in->use);
	unsigned n_facts = x->n_facts;
	struct x86_fact facts[X86_FACTS];

	memcpy(facts, x->facts, sizeof facts);
	x->need = want;
	x86_settle(x, want, false);
	x86_mov_ri(&x->c, X86_T1, x->at);
	x86_within_cold(x, 0xe9, x->deopt_common);
	x->pending = pending;
	x->need = need;
	x->n_facts = n_facts;
	memcpy(x->facts, facts, sizeof facts);
}

/* T1: the slot. Let jit_resume do what `how` says, and leave with its result. */
static uint32_t common_end(struct x86 *x, enum jit_how how)
{
	uint32_t at = (uint32_t)(x->c.p - x->cold.start);

	if (how == JIT_HOW_RESUME)
		for (unsigned r = 0; r < ISA_N_REGS; r++)
			x86_rm(&x->c, X_W, 0x89, x86_host[r], run_reg(r));
	if (x->fuel)
		x86_rm(&x->c, X_W, 0x89, X86_FUEL, X86_RUN_FIELD(fuel));
	x86_mov_rr(&x->c, true, RDI, X86_RUN);
	x86_mov_rr(&x->c, false, RSI, X86_T1);
	x86_mov_rr(&x->c, true, RDX, RSP);
	x86_mov_ri(&x->c, RCX, how);
	call_import(x, jit_import(JIT_IMPORT_RESUME));
	x86_within_cold(x, 0xe9, x->leave_common);
	return at;
}

static const uint8_t clobbered[] = { RAX, RCX, RDX, RSI, RDI, R8, R10 };

/* T1: an address, T2: bytes, and 1 << 31 to write. Not zero: they may be accessed. Changes T1, T2 and flags alone. */
static void slow_common(struct x86 *x)
{
	struct x86_code *c = &x->c;

	x->slow_common = (uint32_t)(c->p - x->cold.start);
	x86_unwind_start(x, JIT_NO_INSN);
	for (unsigned i = 0; i < countof(clobbered); i++)
		x86_save(x, clobbered[i]);
	x86_mov_rr(c, true, RDI, X86_RUN);
	x86_mov_rr(c, true, RSI, X86_T1);
	x86_mov_rr(c, false, RDX, X86_T2);
	x86_alu_ri(c, false, X_AND, RDX, INT32_MAX);
	x86_shift_i(c, false, X_SHR, X86_T2, 31);
	x86_mov_rr(c, false, RCX, X86_T2);
	call_import(x, jit_import(JIT_IMPORT_ACCESS));
	x86_rr(c, X_BYTE, 0x84, RAX, RAX);
	for (unsigned i = countof(clobbered); i-- > 0;)
		x86_restore(x, clobbered[i]);
	x86_u8(c, 0xc3);
}

/* call *T1 without an indirect jump: the return is sent there. */
static void retpoline(struct x86 *x)
{
	enum { OVER = 12 };
	static const uint8_t code[] = {
		0xe8, 0x07, 0x00, 0x00, 0x00, /* call over */
		0xf3, 0x90, 0x0f, 0xae, 0xe8, /* wait: pause; lfence */
		0xeb, 0xf9,                   /* jmp wait */
		0x4c, 0x89, 0x1c, 0x24,       /* over: mov [rsp], r11 */
		0xc3,
	};

	x->retpoline_common = (uint32_t)(x->c.p - x->cold.start);
	x86_unwind_start(x, JIT_NO_INSN);
	memcpy(x->c.p, code, OVER);
	x->c.p += OVER;
	x86_unwind_sp(x, 8);
	memcpy(x->c.p, code + OVER, sizeof code - OVER);
	x->c.p += sizeof code - OVER;
}

/* As enter() left it, found from the run: calls may be nested to any depth. */
static void unwind_leaving(struct x86 *x)
{
	x->unwind = (struct jit_unwind){ .insn = JIT_NO_INSN, .cfa = 8, .base = JIT_UNWIND_RUN };
	x86_unwind_saved(x, R12);
	if (entry_saves(x, ISA_FP))
		x86_unwind_saved(x, RBP);
	for (unsigned i = 0; i < countof(saved_regs); i++)
		if (entry_saves(x, saved_regs[i]))
			x86_unwind_saved(x, x86_host[saved_regs[i]]);
	x->unwind.cfa = (uint16_t)(x->unwind.cfa + 8 + 8 * entry_pads(x));
	x86_unwind_note(x);
}

void x86_common(struct x86 *x)
{
	x86_cold_begin(x);
	if (x->o->retpoline)
		retpoline(x);
	if (x->leaves) {
		/* eax: how the run ended. */
		x->leave_common = (uint32_t)(x->c.p - x->cold.start);
		unwind_leaving(x);
		x86_rm(&x->c, X_W, 0x8b, RSP, X86_RUN_FIELD(native_sp));
		x->unwind.base = JIT_UNWIND_SP;
		x86_unwind_note(x);
		leave(x);
		unwind_leaving(x);
	}
	if (x->fuel) {
		x->fuel_common = common_end(x, JIT_HOW_FUEL);
		x->depth_common = common_end(x, JIT_HOW_DEPTH);
	}
	if (x->leaves)
		x->handle_common = common_end(x, JIT_HOW_HANDLE);
	if (x->sandboxed) {
		x->deopt_common = common_end(x, JIT_HOW_RESUME);
		slow_common(x);
	}
	x86_cold_end(x);
}
