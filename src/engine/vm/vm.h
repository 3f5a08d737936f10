/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm: runs programs, always checked.
 *
 * A pre-decoded, threaded interpreter. Whatever the verifier said, every memory access is compared with
 * the windows the program was given (context, its stack frames, map values), every helper argument
 * with its prototype, every jump with the program, and back edges spend fuel: a fault is an error return
 * with the instruction, never a signal.
 *
 * A vm_prog is immutable and may be run by many threads; a struct vm (stack, counters) belongs to one
 * thread. Running allocates nothing.
 */
#ifndef SALLYPORT_ENGINE_VM_H
#define SALLYPORT_ENGINE_VM_H

#include "base/base.h"
#include "engine/abi/abi.h"
#include "engine/helpers/helpers.h"
#include "engine/maps/maps.h"
#include "engine/prog/prog.h"

struct vm_prog;
struct vm;
struct vm_run_state;

enum { VM_STACK_BYTES = 512, VM_MAX_FRAMES = 8 };

struct vm_prog_opts {
	/* Prototypes; a call to a helper that is not in it is refused here. Must outlive the vm_prog. */
	const struct abi_profile *profile;
	struct map *const *maps;           /* one per p->maps, in order; must outlive the vm_prog */
	helper_fn *(*lookup)(uint32_t id); /* NULL: helper_lookup */
	/*
	 * What p points to (instructions, functions, lines) outlives the vm_prog: then a fault tells function and
	 * source line, and the program can be compiled.
	 */
	bool keep;
};

/* A function of a program: from slot 0, or from what a local call or a function reference names, to the next. */
struct vm_func {
	uint32_t start, end; /* slots */
	uint32_t zero_bytes; /* how much of its frame it may read before it writes it */
	bool may_goto;       /* it has one: its frame needs the counter */
};

/*
 * Prepare p for running. Structure is checked (jump targets, calls, last instruction, map indexes, known helpers);
 * safety is not: that is verify's answer, and the VM's checks do not depend on it. E_FORMAT, E_UNSUPPORTED (d names the
 * instruction), E_NOMEM.
 */
FALLIBLE vm_prog_new(const struct prog *p, const struct vm_prog_opts *o, struct vm_prog **out, struct diag *d);
void vm_prog_free(struct vm_prog *vp);
/* *n functions, by start; the first is the entry. They live as long as vp. */
const struct vm_func *vm_prog_funcs(const struct vm_prog *vp, uint32_t *n);
/* Bytes that the prepared program holds. */
size_t vm_prog_bytes(const struct vm_prog *vp);

FALLIBLE vm_new(struct vm **out);
void vm_free(struct vm *v);

/*
 * Put a program into a PROG_ARRAY map (NULL: take it out), for tail calls: it runs with the caller's context, stack and
 * fuel, and its own maps. Safe while programs run; the one taken out may still run until they end. At most
 * VM_MAX_TAIL_CALLS in one run; a program prepared with another profile than the caller's is as none.
 * E_INVALID: another kind of map, or no such index.
 */
FALLIBLE vm_prog_array_set(struct map *m, uint32_t index, const struct vm_prog *vp);
enum { VM_MAX_TAIL_CALLS = 33 }; /* source: include/linux/bpf.h MAX_TAIL_CALL_CNT, v6.12 */

struct vm_run_args {
	void *ctx;        /* r1; NULL with ctx_bytes 0 is fine */
	size_t ctx_bytes; /* r2, and the size of the window */
	bool ctx_writable;
	struct helper_env *env; /* may be NULL: then every handle is bad */
	/*
	 * About the instructions that may run; 0: VM_FUEL_DEFAULT. A back edge costs its length, a local call the
	 * length of the callee, a helper call 1, 1 more for each 64 bytes of memory that it is given, and 1 for every 4
	 * steps that it does (helpers.h: work). So at most fuel plus the program's length run, and helpers do at most 4
	 * steps a unit and what the last call does on top.
	 */
	uint64_t fuel;
};
enum { VM_FUEL_DEFAULT = 1000000 };

struct vm_fault {
	uint32_t insn; /* slot in p->insns */
	uint64_t addr; /* E_FAULT on memory: the address that was refused, relative to ctx when near it */
	uint64_t fuel_left;
};

/*
 * E_FAULT  memory outside the windows, a bad handle, a bad helper argument, division is never one (RFC 9669: x/0 = 0)
 * E_FUEL   spent
 * d        optional; text says what and where. fault optional.
 * On success *ret is R0.
 */
FALLIBLE vm_run(struct vm *v, const struct vm_prog *vp, const struct vm_run_args *args, uint64_t *ret,
		struct vm_fault *fault, struct diag *d);

/*
 * For tracers and profilers: step is called before each instruction, also of callbacks and of programs that were
 * tail-called (vp: whose instruction it is). regs: r0 to r10, not to be written; depth: frames below this one.
 */
struct vm_observer {
	void (*step)(void *user, const struct vm_prog *vp, uint32_t slot, const uint64_t *regs, uint32_t depth);
	void *user;
};
/* vm_run, always interpreted, with an observer; the same results and faults. About 10 ns an instruction more. */
FALLIBLE vm_run_observed(struct vm *v, const struct vm_prog *vp, const struct vm_run_args *args,
			 const struct vm_observer *o, uint64_t *ret, struct vm_fault *fault, struct diag *d);

/*
 * Timers of programs (helpers timer_*). A program makes one in a map's value and names a function of its own; the host
 * asks when the next one is due and runs what is. No threads, no clock: the time is env->now_ns's, and what
 * vm_timers_run was told last where there is none. Put them into helper_env.timers. They belong to one thread, the one
 * that runs the programs which use them.
 *
 * max   most timers that exist at the same time; all memory is taken here (about 100 bytes each). E_NOMEM.
 */
FALLIBLE vm_timers_new(uint32_t max, struct vm_timers **out);
void vm_timers_free(struct vm_timers *t);
/* When the next one is due, in nanoseconds; UINT64_MAX: none waits. O(1). */
uint64_t vm_timers_next_ns(const struct vm_timers *t);
/*
 * Run what is due at now_ns, earliest first, each at most once: f(map, key, value), a run of its own with args's env
 * and fuel and without a context. Timers whose element is gone, or whose bytes were overwritten, are dropped in
 * silence. *ret_n (always written): how many ran. The first that fails ends it, with vm_run's errors; call again for
 * the rest.
 */
FALLIBLE vm_timers_run(struct vm_timers *t, struct vm *v, uint64_t now_ns, const struct vm_run_args *args,
		       uint32_t *ret_n, struct vm_fault *fault, struct diag *d);
/* Before vp is freed: its timers are no more. O(max). */
void vm_timers_drop(struct vm_timers *t, const struct vm_prog *vp);

#include "engine/vm/native.h" /* for compilers */

#endif
