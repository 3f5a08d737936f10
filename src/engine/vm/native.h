/* SPDX-License-Identifier: Apache-2.0 */
/*
 * native: for compilers. What a prepared program is, what one run is, and what native code does with both.
 *
 * Part of vm.h; embedders need nothing of it. The rules that native code keeps:
 *
 * 1. Native code of a program is a C function that gets the run. Before the call the VM has set vp, vm, env, imports,
 * ctx, ctx_bytes, ctx_writable, load_span, store_span, stack_lo, stack_live, depth, fuel, why (VM_WHY_NONE) and r[1],
 * r[2], r[10]; for `callback` r[1] to r[5], r[10] and entry. Other registers count as zero: native code makes them so
 * where it could read them. It ends with E_OK, its result in r[0], and depth, stack_lo, stack_live, r[10] as they were.
 * 2. A fault ends the run: set at (&vp->ops[slot]), fuel, why, and what stands beside it in enum vm_why; return
 * E_FAULT, or E_FUEL with VM_WHY_FUEL and fuel 0. What vm_native_* return other than E_OK is returned as it is: all is
 * set. Nothing needs to be put back.
 * 3. Frames lie on vm->stack, downwards: r10 of a new frame is stack_lo of before. A call takes the callee's slots off
 *    the fuel, then VM_STACK_BYTES off stack_lo, adds them to stack_live, and adds 1 to depth, which may not pass
 *    VM_MAX_FRAMES - 1 (VM_WHY_DEPTH); the return undoes the last three. Return addresses are never there.
 * 4. A frame is zero at its start, as far as its function reads it: zero_bytes below r10. The VM sees to the first one
 *    and to those of callbacks, unless the code is VERIFIED.
 * 5. Before it calls vm_native_call, vm_native_callx or vm_native_tail, code puts r[1] to r[5], r[10], fuel, stack_lo,
 *    stack_live and depth into the run; afterwards fuel is there, and r[0]. Helpers are given all five argument
 *    registers, used or not.
 * 6. may_goto: vm->frames[depth].loops counts down from VM_MAY_GOTO_MAX, which the function sets at its start; at 0 the
 *    jump is taken, else it is lowered by 1. Native code may keep the counter elsewhere.
 *
 * SANDBOXED code checks what the interpreter checks, at the same instruction, for the same fuel: a jump taken from slot
 * a back to slot b costs a + 1 - b (may_goto too), a local call the callee's slots.
 *
 * VERIFIED code may assume: every access lies in the frame, the context or a map value; helper arguments fit their
 * prototypes; calls nest at most VM_MAX_FRAMES deep; callx is given a function's reference or a helper's number; no
 * byte of a frame is read before it is written. It may call vm_call.fn itself where vm_call.direct says so, with a
 * struct map * for VM_MAP_REF + i and, when a size is 0, any address. Fuel it counts where it is told to, else it
 * leaves it as it is. stack_lo, stack_live and depth it keeps for rule 5 only.
 */
#ifndef SALLYPORT_ENGINE_VM_NATIVE_H
#define SALLYPORT_ENGINE_VM_NATIVE_H

#include "engine/vm/vm.h"

/* Order within a family is what prepare.c counts on: base + variant. */
// clang-format off
enum vm_op_code {
#define VM_VARIANTS(name) VM_OP_##name##_I, VM_OP_##name##_IA, VM_OP_##name##_R, VM_OP_##name##_RA, VM_OP_##name##_RB,
#define VM_ALU(sem, result) VM_VARIANTS(sem##64) VM_VARIANTS(sem##32)
#define VM_JMP(sem, taken) VM_VARIANTS(sem##64F) VM_VARIANTS(sem##64K) VM_VARIANTS(sem##32F) VM_VARIANTS(sem##32K)
#define VM_UNARY(name, result) VM_OP_##name, VM_OP_##name##_A,
#define VM_MOVE(name, result) VM_OP_##name, VM_OP_##name##_B,
#define VM_LOAD(name, type) VM_OP_##name, VM_OP_##name##_A, VM_OP_##name##_FP,
#define VM_STORE(bits, type)                                                                               \
	VM_OP_ST##bits, VM_OP_ST##bits##_A, VM_OP_ST##bits##_FP, VM_OP_STX##bits, VM_OP_STX##bits##_A,     \
	VM_OP_STX##bits##_FP, VM_OP_STX##bits##_B, VM_OP_STX##bits##_FPB,
#define VM_ACQ(name, type) VM_OP_##name,
#define VM_REL(name, type) VM_OP_##name,
#define VM_ONE(name) VM_OP_##name,
#include "engine/vm/ops.def"
	VM_N_OPS
};
// clang-format on

/* Variants by offset. */
enum { VM_I, VM_IA, VM_R, VM_RA, VM_RB, VM_N_VARIANTS };
enum { VM_MEM, VM_MEM_A, VM_MEM_FP, VM_STX_OF_ST, VM_STX_B = 3, VM_STX_FPB = 4 };

/* How one helper is called: its prototype, read once. */
struct vm_call {
	helper_fn *fn;
	const struct abi_helper *proto;
	uint8_t n_args;
	uint8_t map_arg;    /* which argument is the map; 0xff: none */
	uint64_t map_kinds; /* bit i: a map of kind i may be that argument */
	bool may_fault; /* it can refuse what it is given (helper_env.bad_handle), also when its arguments are proven */
	bool direct; /* it neither calls back nor has arguments that only the VM can translate: rule 5 does not matter
		      */
};

struct vm_op {
	uint16_t code;    /* enum vm_op_code */
	uint8_t dst, src; /* LDI2: src is the enum isa_imm64 */
	/* Memory: bytes. Jumps, local calls: slots, relative to this op. LDI2: the map's or the function's index, if
	 * its imm depends on one. */
	int32_t off;
	union {
		int64_t imm;
		const struct vm_call *call;
		struct {
			uint32_t zero_bytes; /* CALL_LOCAL: low part of the new frame that the callee may read */
			uint32_t charge;     /* CALL_LOCAL: slots of the callee */
		};
	};
};
_Static_assert(sizeof(struct vm_op) == 16, "four prepared instructions to a cache line");

/* The values of one map. */
struct vm_window {
	uint64_t base, bytes;
	struct map *map;
	bool writable;
};

typedef enum err vm_native_fn(struct vm_run_state *run);

/* Native code of one program, for vm_prog_set_native. Everything is borrowed. */
struct vm_native {
	vm_native_fn *run;          /* from slot 0; NULL: the program is interpreted */
	vm_native_fn *callback;     /* from run->entry, which is one of entries */
	const void *const *entries; /* per function of vm_prog_funcs(): its body */
	const uint64_t *imports;    /* what the code reads addresses from: run->imports */
	bool verified;              /* compiled as VERIFIED: the VM clears and prepares less for it */
};

/* Where helpers come from: vm_prog_opts. */
struct vm_helpers {
	const struct abi_profile *profile;
	helper_fn *(*lookup)(uint32_t id);
	helper_fn *const *fns;
};

struct vm_prog {
	struct vm_op *ops; /* n, one per slot of the original; all in the same allocation as what follows */
	struct vm_call *calls;
	struct map **maps;         /* in the program's order */
	struct vm_window *windows; /* by base, one per map */
	struct vm_func *funcs;
	uint32_t n_ops, n_calls, n_maps, n_funcs;
	uint32_t zero_bytes; /* of the first frame */
	size_t bytes;
	struct vm_helpers helpers;
	struct vm_native native;
	struct prog prog; /* what it was made from: with vm_prog_opts.keep; else nothing */
};

struct vm_frame {
	/* Of the call from this frame into the next. */
	const struct vm_op *ret;
	uint64_t saved[4]; /* r6..r9 */
	/* Of this frame. */
	uint64_t loops; /* may_goto: falls through so often */
};

/*
 * What stands in registers for a map and for a function: no address that a window could hold. Whoever forges one gets a
 * map or a function of his own program.
 */
#define VM_MAP_REF UINT64_C(0x5a11000000000000)  /* + index */
#define VM_FUNC_REF UINT64_C(0x5a12000000000000) /* + slot */

/*
 * A reference to an inner map, as looking up in a map of maps gives it: the outer map's reference plus
 * map_inner_lookup's number, shifted by VM_MAP_REF_INNER. (Outer maps have at most MAP_MAX_OUTER entries.)
 */
#define VM_MAP_REF_INDEX UINT64_C(0xffffff)

enum {
	VM_MAP_REF_INNER = 24,
	/* A helper call costs one instruction's fuel, one more for each 64 bytes of memory arguments, and what it did.
	 */
	VM_BYTES_PER_FUEL_LOG2 = 6,
	VM_WORK_PER_FUEL_LOG2 = 2,
	/* Source: include/linux/bpf.h BPF_MAX_LOOPS, kernel/bpf/verifier.c do_misc_fixups, v6.12. */
	VM_MAY_GOTO_MAX = 8 << 20,
};

/* Why a run ended, and which fields of the run say more. */
enum vm_why {
	VM_WHY_NONE,
	VM_WHY_MEMORY, /* addr, bytes, write */
	VM_WHY_ALIGN,  /* addr, bytes */
	VM_WHY_DEPTH,
	VM_WHY_ARG_MEMORY, /* proto, arg, addr, bytes, write */
	VM_WHY_ARG_SIZE,   /* proto, arg, addr: the size */
	VM_WHY_ARG_MAP,    /* proto, arg, addr: the value */
	VM_WHY_ARG_CTX,    /* the same */
	VM_WHY_HANDLE,     /* proto, addr: r1 */
	VM_WHY_FUEL,
	VM_WHY_ARG_RECORD, /* proto, arg, addr: the value */
	VM_WHY_ARG_FUNC,   /* proto, arg, addr: the value */
	VM_WHY_ARG_TIMER,  /* the same */
	VM_WHY_ARG_STR,    /* the same */
	VM_WHY_CALLX,      /* addr: the value */
};

/* One run. vm.c sets what the rules above name; the rest has meaning for the interpreter or after a fault. */
struct vm_run_state {
	const struct vm_prog *vp;
	struct vm *vm;
	struct helper_env *env;
	uint64_t ctx;
	/* For an access of 1 << i bytes: how many addresses from ctx on it may have. */
	uint64_t load_span[4], store_span[4];
	uint64_t stack_lo, stack_live; /* the live frames */
	uint64_t ctx_bytes;
	bool ctx_writable;
	uint32_t last_window;
	struct vm_window inner; /* of the inner map that was found last; map NULL: none yet */
	int64_t fuel;
	uint64_t r[ISA_N_REGS];
	const uint64_t *imports;
	const void *entry;   /* native callback: where */
	uint32_t start;      /* interpreter: slot */
	uint32_t depth;      /* frames below the first that are live */
	uint32_t tail_calls; /* so far */
	/* vm_resume: frames that live above the one where the interpreter shall end; the accumulator at its start. */
	uint32_t resumed;
	uint64_t acc;
	uint64_t native_sp; /* of the innermost native code: where to leave from */
	struct helper_vm for_helpers;
	vm_native_fn *interp;
	uint64_t executed; /* counting build only */

	/* Why it ended. */
	const struct vm_op *at; /* in vp->ops */
	const struct abi_helper *proto;
	enum vm_why why;
	bool write;
	uint8_t arg;
	uint64_t addr, bytes;
};

struct vm {
	_Alignas(64) uint8_t stack[VM_MAX_FRAMES * VM_STACK_BYTES];
	struct vm_frame frames[VM_MAX_FRAMES];
	struct helper_records records; /* open in the run at hand */
	struct helper_env no_env;      /* for runs without one: no values */
	struct vm_run_state
		run; /* of the run at hand: here, because clearing a fresh one would cost more than a short run */
	const struct vm_observer *observer; /* vm_run_observed only */
};

/*
 * From now on vm_run runs this code for vp; NULL: the interpreter again. Not while another thread runs vp. *n is
 * copied, what it points to must outlive its use.
 */
void vm_prog_set_native(struct vm_prog *vp, const struct vm_native *n);

/*
 * May [addr, addr + bytes) be accessed? For what the inline comparisons with context and stack let through. False: why,
 * addr, bytes and write are set; the caller sets at and returns E_FAULT. O(log maps).
 */
bool vm_access_slow(struct vm_run_state *run, uint64_t addr, uint64_t bytes, bool write);
/*
 * The helper call at a slot: checks r1..r5 against the prototype, calls, charges fuel, puts the result in r[0]. Not
 * E_OK: everything is set, return it.
 */
enum err vm_native_call(struct vm_run_state *run, uint32_t slot);
/*
 * The callx at a slot: r[dst] in the run. A helper is called as by vm_native_call; *func becomes VM_NO_FUNC. For a
 * function, *func is its index in vm_prog_funcs(), its slots are off the fuel, and the caller enters it.
 */
enum err vm_native_callx(struct vm_run_state *run, uint32_t slot, uint32_t *func);
/*
 * The tail call at a slot. *left: the target ran to its end on this frame, its result is in r[0], and the function that
 * called is over too. Else execution goes on after the call, with a negative errno in r[0].
 */
enum err vm_native_tail(struct vm_run_state *run, uint32_t slot, bool *left);
#define VM_NO_FUNC UINT32_MAX
/*
 * The interpreter goes on where native code stops: at this slot, with registers, depth and fuel as the run has them and
 * frames as calls of the interpreter would have left them (ret, saved); until the function that is `resumed` frames up
 * exits. For code that would rather not say itself what is wrong.
 */
enum err vm_resume(struct vm_run_state *run, uint32_t slot, uint32_t resumed);
/* May [addr, addr + bytes) be read or written? Any window, any size; notes nothing. */
bool vm_may_access(struct vm_run_state *run, uint64_t addr, uint64_t bytes, bool write);

#endif
