/* SPDX-License-Identifier: Apache-2.0 */
/* vm: one run, from its arguments to its result. */
#include "engine/vm/impl.h"

FALLIBLE vm_new(struct vm **out)
{
	struct vm *v = aligned_alloc(_Alignof(struct vm), sizeof *v);

	if (!v)
		return E_NOMEM;
	memset(v, 0, sizeof *v);
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

/* Everything that a program can see is the same at every start: registers zero, and the frame as far as it reads it. */
static void start(struct vm *v, const struct vm_prog *vp, const struct vm_run_args *args)
{
	uint64_t fuel = args->fuel ? args->fuel : VM_FUEL_DEFAULT,
		 top = (uint64_t)(uintptr_t)(v->stack + sizeof v->stack);
	struct vm_run_state *run = &v->run;

	run->vp = vp;
	run->vm = v;
	run->env = args->env ? args->env : &v->no_env;
	run->env->bad_handle = false;
	run->env->records = &v->records;
	run->ctx = (uint64_t)(uintptr_t)args->ctx;
	run->ctx_bytes = args->ctx ? args->ctx_bytes : 0;
	run->ctx_writable = args->ctx_writable;
	set_spans(run);
	run->stack_lo = top - VM_STACK_BYTES;
	run->stack_live = VM_STACK_BYTES;
	run->last_window = 0;
	run->inner.map = NULL;
	run->fuel = fuel < INT64_MAX ? (int64_t)fuel : INT64_MAX;
	run->executed = 0;
	run->why = VM_WHY_NONE;
	run->addr = 0;
	run->bytes = 0;
	run->write = false;
	memset(run->r, 0, sizeof run->r);
	run->r[1] = run->ctx;
	run->r[2] = run->ctx_bytes;
	run->r[ISA_FP] = top;
	if (vp->zero_bytes)
		memset(v->stack + sizeof v->stack - vp->zero_bytes, 0, vp->zero_bytes);
}

FALLIBLE vm_run_with(vm_interp_fn *interp, struct vm *v, const struct vm_prog *vp, const struct vm_run_args *args,
		     uint64_t *ret, struct vm_fault *fault, uint64_t *executed, struct diag *d)
{
	enum err e;

	start(v, vp, args);
	e = interp(&v->run);
	helper_records_discard(&v->records);
	v->run.env->records = NULL;
	if (executed)
		*executed = v->run.executed;
	if (e != E_OK)
		return vm_explain(&v->run, e, fault, d);
	*ret = v->run.r[0];
	return E_OK;
}

FALLIBLE vm_run(struct vm *v, const struct vm_prog *vp, const struct vm_run_args *args, uint64_t *ret,
		struct vm_fault *fault, struct diag *d)
{
	return vm_run_with(vm_interp, v, vp, args, ret, fault, NULL, d);
}
