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
	for (unsigned i = 0; i < countof(run->load_span); i++) {
		uint64_t bytes = UINT64_C(1) << i;

		run->load_span[i] = run->ctx_bytes >= bytes ? run->ctx_bytes - bytes + 1 : 0;
		run->store_span[i] = run->ctx_writable ? run->load_span[i] : 0;
	}
}

FALLIBLE vm_run_with(vm_interp_fn *interp, struct vm *v, const struct vm_prog *vp, const struct vm_run_args *args,
		     uint64_t *ret, struct vm_fault *fault, uint64_t *executed, struct diag *d)
{
	uint64_t fuel = args->fuel ? args->fuel : VM_FUEL_DEFAULT, top = (uint64_t)(uintptr_t)(v->stack + sizeof v->stack);
	struct helper_env none = { 0 };
	struct vm_run_state run = {
		.vp = vp,
		.vm = v,
		.env = args->env ? args->env : &none,
		.ctx = (uint64_t)(uintptr_t)args->ctx,
		.ctx_bytes = args->ctx ? args->ctx_bytes : 0,
		.ctx_writable = args->ctx_writable,
		.stack_lo = top - VM_STACK_BYTES,
		.stack_live = VM_STACK_BYTES,
		.fuel = fuel < INT64_MAX ? (int64_t)fuel : INT64_MAX,
	};
	enum err e;

	set_spans(&run);
	run.env->bad_handle = false;
	memset(v->stack + sizeof v->stack - vp->zero_bytes, 0, vp->zero_bytes);
	e = interp(&run);
	if (executed)
		*executed = run.executed;
	if (e != E_OK)
		return vm_explain(&run, e, fault, d);
	*ret = run.ret;
	return E_OK;
}

FALLIBLE vm_run(struct vm *v, const struct vm_prog *vp, const struct vm_run_args *args, uint64_t *ret,
		struct vm_fault *fault, struct diag *d)
{
	return vm_run_with(vm_interp, v, vp, args, ret, fault, NULL, d);
}
