/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call: how control moves between functions and programs other than by an instruction of the interpreter's own:
 * callbacks, callx, tail calls, and what native code calls for them.
 *
 * A callback is a run within the run: a new frame below those that live, the same fuel, the caller's registers put back
 * afterwards. A tail call runs its target on the frame of the function that makes it, which then is over; the target is
 * entered from here, so native and interpreted programs may follow each other. Nesting on the host's stack is bounded
 * by the frames and by VM_MAX_TAIL_CALLS.
 */
#include "engine/vm/impl.h"

#include <errno.h>

uint32_t vm_func_of(const struct vm_prog *vp, uint64_t ref)
{
	uint64_t slot = ref - VM_FUNC_REF;
	uint32_t lo = 0, hi = vp->n_funcs;

	if (slot >= vp->n_ops)
		return VM_NO_FUNC;
	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (vp->funcs[mid].start <= slot)
			lo = mid;
		else
			hi = mid;
	}
	return vp->funcs[lo].start == slot ? lo : VM_NO_FUNC;
}

static uint32_t func_slots(const struct vm_func *f)
{
	return f->end - f->start;
}

static FALLIBLE stop(struct vm_run_state *run, enum vm_why why)
{
	run->why = why;
	if (why != VM_WHY_FUEL)
		return E_FAULT;
	run->fuel = 0;
	return E_FUEL;
}

static FALLIBLE charge(struct vm_run_state *run, uint32_t slots)
{
	run->fuel -= slots;
	return run->fuel < 0 ? stop(run, VM_WHY_FUEL) : E_OK;
}

static bool runs_native(const struct vm_run_state *run)
{
	return run->vp->native.run && run->interp == vm_interp;
}

/* The frame that stands becomes what function i finds at its start. */
static void clear_frame(struct vm_run_state *run, uint32_t i)
{
	uint32_t bytes = run->vp->funcs[i].zero_bytes;

	if (bytes && (!runs_native(run) || !run->vp->native.verified))
		memset((void *)(uintptr_t)(run->r[ISA_FP] - bytes), 0, bytes);
	run->vm->frames[run->depth].loops = VM_MAY_GOTO_MAX;
}

FALLIBLE vm_enter(struct vm_run_state *run, uint32_t i)
{
	const struct vm_prog *vp = run->vp;

	if (!runs_native(run)) {
		run->start = vp->funcs[i].start;
		return run->interp(run);
	}
	run->imports = vp->native.imports;
	run->entry = vp->native.entries[i];
	return vp->native.callback(run);
}

/* --- callbacks --- */

static FALLIBLE frame_take(struct vm_run_state *run)
{
	if (run->depth == VM_MAX_FRAMES - 1)
		return stop(run, VM_WHY_DEPTH);
	run->depth++;
	run->stack_lo -= VM_STACK_BYTES;
	run->stack_live += VM_STACK_BYTES;
	return E_OK;
}

FALLIBLE vm_enter_callback(struct vm_run_state *run, uint32_t i, const uint64_t args[ABI_MAX_ARGS])
{
	uint64_t fp = run->stack_lo;

	TRY(charge(run, func_slots(&run->vp->funcs[i])));
	TRY(frame_take(run));
	memset(run->r, 0, sizeof run->r);
	memcpy(run->r + 1, args, sizeof(uint64_t) * ABI_MAX_ARGS);
	run->r[ISA_FP] = fp;
	clear_frame(run, i);
	return vm_enter(run, i);
}

static bool callback(struct helper_env *env, uint64_t func, const uint64_t args[ABI_MAX_ARGS], uint64_t *ret)
{
	struct vm_run_state *run = vm_run_of(env);
	uint32_t i = vm_func_of(run->vp, func);
	const struct vm_op *at = run->at;
	uint64_t saved[ISA_N_REGS], work = env->work;

	if (run->why != VM_WHY_NONE)
		return false;
	if (i == VM_NO_FUNC) {
		run->addr = func;
		return stop(run, VM_WHY_CALLX) == E_OK;
	}
	memcpy(saved, run->r, sizeof saved);
	if (vm_enter_callback(run, i, args) != E_OK)
		return false;
	*ret = run->r[0];
	memcpy(run->r, saved, sizeof saved);
	run->depth--;
	run->stack_lo += VM_STACK_BYTES;
	run->stack_live -= VM_STACK_BYTES;
	run->at = at;
	env->work = work;
	return true;
}

static void *lend(struct helper_env *env, uint32_t bytes)
{
	struct vm_run_state *run = vm_run_of(env);
	void *p;

	assert(bytes <= HELPER_LEND_MAX && "a frame is all there is to lend");
	if (run->why != VM_WHY_NONE || frame_take(run) != E_OK)
		return NULL;
	p = (void *)(uintptr_t)run->stack_lo;
	memset(p, 0, VM_STACK_BYTES);
	return p;
}

static uint64_t arg(struct helper_env *env, unsigned i)
{
	return vm_run_of(env)->r[1 + i];
}

static uint64_t readable(struct helper_env *env, uint64_t addr)
{
	return vm_readable(vm_run_of(env), addr);
}

const struct helper_vm vm_for_helpers = { .call = callback, .lend = lend, .arg = arg, .readable = readable };

/* --- callx --- */

FALLIBLE vm_callx_helper(struct vm_run_state *run, const struct vm_op *op)
{
	uint64_t id = run->r[op->dst];
	struct vm_call c = { 0 };

	run->at = op;
	if (id > UINT32_MAX || vm_call_plan(&run->vp->helpers, (uint32_t)id, &c) != E_OK || c.fn == helper_tail_call) {
		run->addr = id;
		return stop(run, VM_WHY_CALLX);
	}
	return vm_call_helper(run, op, &c);
}

/* --- tail calls --- */

/* The program to go on in, or NULL. Source of the order: kernel/bpf/core.c:___bpf_prog_run JMP_TAIL_CALL, v6.12. */
static const struct vm_prog *tail_target(struct vm_run_state *run, int *refused)
{
	struct map *m = vm_map_of(run, run->r[2]);
	uint32_t i = (uint32_t)run->r[3];
	const struct vm_prog *target;

	*refused = ENOENT;
	if (i >= map_def(m)->max_entries)
		return NULL;
	if (run->tail_calls >= VM_MAX_TAIL_CALLS) {
		*refused = ELOOP;
		return NULL;
	}
	target = map_get_ref(m, i);
	return target && target->helpers.profile == run->vp->helpers.profile ? target : NULL;
}

FALLIBLE vm_prog_array_set(struct map *m, uint32_t index, const struct vm_prog *vp)
{
	return map_set_ref(m, index, (void *)(uintptr_t)vp);
}

static FALLIBLE check_tail(struct vm_run_state *run, const struct vm_op *op)
{
	const struct map *m = vm_map_of(run, run->r[2]);

	run->at = op;
	run->proto = op->call->proto;
	run->arg = 0;
	run->addr = run->r[1];
	if (run->r[1] != run->ctx)
		return stop(run, VM_WHY_ARG_CTX);
	run->arg = 1;
	run->addr = run->r[2];
	if (!m || map_def(m)->kind != PROG_MAP_PROG_ARRAY)
		return stop(run, VM_WHY_ARG_MAP);
	return charge(run, 1);
}

FALLIBLE vm_tail_call(struct vm_run_state *run, const struct vm_op *op, bool *left)
{
	const struct vm_prog *vp = run->vp, *target;
	uint64_t fp = run->r[ISA_FP];
	int refused;

	TRY(check_tail(run, op));
	target = tail_target(run, &refused);
	*left = target != NULL;
	if (!target) {
		run->r[0] = (uint64_t)-refused;
		return E_OK;
	}
	TRY(charge(run, func_slots(&target->funcs[0])));
	run->tail_calls++;
	vm_switch(run, target);
	memset(run->r, 0, sizeof run->r);
	run->r[1] = run->ctx;
	run->r[2] = run->ctx_bytes;
	run->r[ISA_FP] = fp;
	clear_frame(run, 0);
	TRY(vm_enter(run, 0));
	vm_switch(run, vp);
	return E_OK;
}

/* --- for native code --- */

enum err vm_native_call(struct vm_run_state *run, uint32_t slot)
{
	const struct vm_op *op = &run->vp->ops[slot];

	return vm_call_helper(run, op, op->call);
}

enum err vm_native_callx(struct vm_run_state *run, uint32_t slot, uint32_t *func)
{
	const struct vm_op *op = &run->vp->ops[slot];

	*func = vm_func_of(run->vp, run->r[op->dst]);
	if (*func == VM_NO_FUNC)
		return vm_callx_helper(run, op);
	run->at = op;
	return charge(run, func_slots(&run->vp->funcs[*func]));
}

enum err vm_native_tail(struct vm_run_state *run, uint32_t slot, bool *left)
{
	return vm_tail_call(run, &run->vp->ops[slot], left);
}
