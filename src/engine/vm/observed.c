/* SPDX-License-Identifier: Apache-2.0 */
/* observed: the interpreter once more, showing each instruction to an observer. Linked only where it is used. */
#define VM_OBSERVE
#define vm_interp vm_interp_observed
#include "engine/vm/interp.c"
#undef vm_interp

FALLIBLE vm_run_observed(struct vm *v, const struct vm_prog *vp, const struct vm_run_args *args,
			 const struct vm_observer *o, uint64_t *ret, struct vm_fault *fault, struct diag *d)
{
	v->observer = o;
	return vm_run_with(vm_interp_observed, v, vp, args, ret, fault, NULL, d);
}
