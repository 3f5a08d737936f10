/* SPDX-License-Identifier: Apache-2.0 */
/*
 * impl: what this module's files share besides native.h.
 */
#ifndef SALLYPORT_ENGINE_VM_IMPL_H
#define SALLYPORT_ENGINE_VM_IMPL_H

#include "engine/vm/vm.h"

typedef vm_native_fn vm_interp_fn;
/* From slot run->start, until that function exits. */
vm_interp_fn vm_interp;
/* The same source compiled to count instructions in run->executed. For tests and benchmarks. */
vm_interp_fn vm_interp_counted;
/* And to call the observer in run->vm before each. */
vm_interp_fn vm_interp_observed;
/* vm_run with a given interpreter; executed may be NULL. With another than vm_interp no native code runs. */
FALLIBLE vm_run_with(vm_interp_fn *interp, struct vm *v, const struct vm_prog *vp, const struct vm_run_args *args,
		     uint64_t *ret, struct vm_fault *fault, uint64_t *executed, struct diag *d);

static inline bool vm_is_outer(const struct map *m)
{
	uint32_t kind = map_def(m)->kind;

	return kind == PROG_MAP_ARRAY_OF_MAPS || kind == PROG_MAP_HASH_OF_MAPS;
}

/* How many bytes from addr on can be read, 0 for none. */
uint64_t vm_readable(struct vm_run_state *run, uint64_t addr);
/* Check the arguments in r1..r5, call, and put the result in r0. Not E_OK: at and why are set. */
FALLIBLE vm_call_helper(struct vm_run_state *run, const struct vm_op *op, const struct vm_call *c);
/* A callx whose register holds no function. */
FALLIBLE vm_callx_helper(struct vm_run_state *run, const struct vm_op *op);
FALLIBLE vm_tail_call(struct vm_run_state *run, const struct vm_op *op, bool *left);
/* How a helper is to be called: fills *c. E_NOT_FOUND: not in the profile, or no implementation; E_INVALID: it cannot
 * be checked. */
FALLIBLE vm_call_plan(const struct abi_profile *profile, helper_fn *(*lookup)(uint32_t id), uint32_t id,
		      struct vm_call *c);

/* The function that a register's value names, as an index, or VM_NO_FUNC. O(log functions). */
uint32_t vm_func_of(const struct vm_prog *vp, uint64_t ref);
/* Run function i of run->vp, native or not, on the frame that stands. */
FALLIBLE vm_enter(struct vm_run_state *run, uint32_t i);
/* The map that a reference names, or NULL. */
struct map *vm_map_of(const struct vm_run_state *run, uint64_t ref);
/* The program of the run becomes vp: what was found out about the memory of the one before is forgotten. */
static inline void vm_switch(struct vm_run_state *run, const struct vm_prog *vp)
{
	run->vp = vp;
	run->imports = vp->native.imports;
	run->last_window = 0;
	run->inner.map = NULL;
}
/* A run of its own, of a function with arguments a: a[1] becomes the address of a copy of key that the program can
 * reach. */
FALLIBLE vm_run_callback(struct vm *v, const struct vm_prog *vp, const struct vm_run_args *args, uint64_t func,
			 struct view key, uint64_t a[ABI_MAX_ARGS], struct vm_fault *fault, struct diag *d);
FALLIBLE vm_enter_callback(struct vm_run_state *run, uint32_t i, const uint64_t args[ABI_MAX_ARGS]);
static inline struct vm_run_state *vm_run_of(struct helper_env *env)
{
	return (struct vm_run_state *)((uintptr_t)env->vm - offsetof(struct vm_run_state, for_helpers));
}
/* The functions for timers. */
void vm_timers_bind(struct helper_vm *vm);
/* What helpers reach the running program by; the functions for timers come from vm_timers_bind. */
extern const struct helper_vm vm_for_helpers;

/* Fill fault and d from what the run noted; returns e. */
FALLIBLE vm_explain(const struct vm_run_state *run, enum err e, struct vm_fault *fault, struct diag *d);

#endif
