/* SPDX-License-Identifier: Apache-2.0 */
/* vm: one run, from its arguments to its result. */
#include "engine/vm/impl.h"

/* What every run that ends well leaves as it found it. */
static void reset(struct vm *v)
{
	struct vm_run_state *run = &v->run;
	uint64_t top = (uint64_t)(uintptr_t)(v->stack + sizeof v->stack);

	run->stack_lo = top - VM_STACK_BYTES;
	run->stack_live = VM_STACK_BYTES;
	run->depth = 0;
	run->r[ISA_FP] = top;
	run->why = VM_WHY_NONE;
}

FALLIBLE vm_new(struct vm **out)
{
	struct vm *v = aligned_alloc(_Alignof(struct vm), sizeof *v);

	if (!v)
		return E_NOMEM;
	memset(v, 0, sizeof *v);
	v->run.vm = v;
	v->run.for_helpers = vm_for_helpers;
	vm_timers_bind(&v->run.for_helpers);
	reset(v);
	*out = v;
	return E_OK;
}

void vm_free(struct vm *v)
{
	free(v);
}

static void set_spans(struct vm_run_state *run)
{
	uint64_t writable = run->ctx_writable ? UINT64_MAX : 0;

	for (unsigned i = 0; i < countof(run->load_span); i++) {
		uint64_t bytes = UINT64_C(1) << i;

		run->load_span[i] = run->ctx_bytes >= bytes ? run->ctx_bytes - bytes + 1 : 0;
		run->store_span[i] = run->load_span[i] & writable;
	}
}

/* The context's window. What a run before left is right for the next one of the same size. */
static void set_ctx(struct vm_run_state *run, const struct vm_run_args *args)
{
	uint64_t bytes = args->ctx ? args->ctx_bytes : 0;

	run->ctx = (uint64_t)(uintptr_t)args->ctx;
	if (run->ctx_bytes == bytes && run->ctx_writable == args->ctx_writable)
		return;
	run->ctx_bytes = bytes;
	run->ctx_writable = args->ctx_writable;
	set_spans(run);
}

/* What only the interpreter reads: registers are zero, and the frame as far as the program reads it. */
static void start_interpreted(struct vm *v, const struct vm_prog *vp)
{
	struct vm_run_state *run = &v->run;

	run->start = 0;
	run->executed = 0;
	v->frames[0].loops = VM_MAY_GOTO_MAX;
	run->r[0] = 0;
	memset(run->r + 3, 0, sizeof run->r[0] * (ISA_FP - 3));
	if (vp->zero_bytes)
		memset(v->stack + sizeof v->stack - vp->zero_bytes, 0, vp->zero_bytes);
}

/* Everything that a program can see is the same at every start. Short, because native programs are. */
static inline void start(struct vm *v, const struct vm_prog *vp, const struct vm_run_args *args)
{
	uint64_t fuel = args->fuel ? args->fuel : VM_FUEL_DEFAULT;
	struct vm_run_state *run = &v->run;

	run->vp = vp;
	run->env = args->env ? args->env : &v->no_env;
	run->env->bad_handle = false;
	run->env->vm = &run->for_helpers;
	set_ctx(run, args);
	run->env->records = &v->records;
	run->last_window = 0;
	run->inner.map = NULL;
	run->tail_calls = 0;
	run->fuel = fuel < INT64_MAX ? (int64_t)fuel : INT64_MAX;
	run->r[1] = run->ctx;
	run->r[2] = run->ctx_bytes;
	/* Native code leaves there what it last told a helper. */
	run->r[ISA_FP] = (uint64_t)(uintptr_t)(v->stack + sizeof v->stack);
}

/* What the program left open. */
static inline void finish(struct vm *v)
{
	if (v->records.n)
		helper_records_discard(&v->records);
	v->run.env->records = NULL;
}

static FALLIBLE failed(struct vm *v, enum err e, struct vm_fault *fault, struct diag *d)
{
	e = vm_explain(&v->run, e, fault, d);
	reset(v);
	return e;
}

FALLIBLE vm_run_with(vm_interp_fn *interp, struct vm *v, const struct vm_prog *vp, const struct vm_run_args *args,
		     uint64_t *ret, struct vm_fault *fault, uint64_t *executed, struct diag *d)
{
	enum err e;

	start(v, vp, args);
	start_interpreted(v, vp);
	v->run.interp = interp;
	e = interp(&v->run);
	finish(v);
	if (executed)
		*executed = v->run.executed;
	if (e != E_OK)
		return failed(v, e, fault, d);
	*ret = v->run.r[0];
	return E_OK;
}

FALLIBLE vm_run(struct vm *v, const struct vm_prog *vp, const struct vm_run_args *args, uint64_t *ret,
		struct vm_fault *fault, struct diag *d)
{
	enum err e;

	if (!vp->native.run)
		return vm_run_with(vm_interp, v, vp, args, ret, fault, NULL, d);
	start(v, vp, args);
	v->run.interp = vm_interp;
	v->run.imports = vp->native.imports;
	if (vp->zero_bytes && !vp->native.verified)
		memset(v->stack + sizeof v->stack - vp->zero_bytes, 0, vp->zero_bytes);
	e = vp->native.run(&v->run);
	finish(v);
	if (e != E_OK)
		return failed(v, e, fault, d);
	*ret = v->run.r[0];
	return E_OK;
}

/* The key lies in the first frame, the function has the second. */
FALLIBLE vm_run_callback(struct vm *v, const struct vm_prog *vp, const struct vm_run_args *args, uint64_t func,
			 struct view key, uint64_t a[ABI_MAX_ARGS], struct vm_fault *fault, struct diag *d)
{
	struct vm_run_args no_ctx = *args;
	struct vm_run_state *run = &v->run;
	enum err e;

	assert(key.len <= VM_STACK_BYTES && "maps have keys of at most MAP_MAX_KEY bytes");
	no_ctx.ctx = NULL;
	start(v, vp, &no_ctx);
	run->interp = vm_interp;
	run->imports = vp->native.imports;
	run->executed = 0;
	run->at = vp->ops;
	memset((void *)(uintptr_t)run->stack_lo, 0, VM_STACK_BYTES);
	memcpy((void *)(uintptr_t)run->stack_lo, key.p, key.len);
	a[1] = run->stack_lo;
	e = vm_enter_callback(run, vm_func_of(vp, func), a);
	finish(v);
	if (e != E_OK)
		return failed(v, e, fault, d);
	reset(v);
	return E_OK;
}

void vm_prog_set_native(struct vm_prog *vp, const struct vm_native *n)
{
	vp->native = n ? *n : (struct vm_native){ 0 };
}
