/* SPDX-License-Identifier: Apache-2.0 */
/*
 * impl: the prepared program and the state of one run, as this module's files share them.
 *
 * A prepared program has one struct vm_op per slot of the original, so an instruction's slot is its index.
 */
#ifndef SALLYPORT_ENGINE_VM_IMPL_H
#define SALLYPORT_ENGINE_VM_IMPL_H

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
	uint8_t map_arg;    /* which argument is the map */
	uint64_t map_kinds; /* bit i: a map of kind i may be that argument */
};

struct vm_op {
	uint16_t code; /* enum vm_op_code */
	uint8_t dst, src;
	int32_t off; /* memory: bytes. Jumps, local calls: slots, relative to this op */
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

struct vm_prog {
	struct vm_op *ops; /* n, all in the same allocation as what follows */
	struct vm_call *calls;
	struct map **maps;         /* in the program's order */
	struct vm_window *windows; /* by base, one per map */
	uint32_t n_ops, n_calls, n_maps;
	uint32_t zero_bytes; /* of the first frame */
	size_t bytes;
};

struct vm_frame {
	const struct vm_op *ret;
	uint64_t saved[4]; /* r6..r9 */
};

/* A reference to map i in a register: no address that a window could hold. Whoever forges one gets a map of his own
 * program. */
#define VM_MAP_REF UINT64_C(0x5a11000000000000)
/*
 * A reference to an inner map, as looking up in a map of maps gives it: the outer map's reference plus
 * map_inner_lookup's number, shifted by VM_MAP_REF_INNER. (Outer maps have at most MAP_MAX_OUTER entries.)
 */
#define VM_MAP_REF_INDEX UINT64_C(0xffffff)
enum { VM_MAP_REF_INNER = 24 };

/* A helper call costs one instruction's fuel, one more for each 64 bytes of memory arguments, and what it did. */
enum { VM_BYTES_PER_FUEL_LOG2 = 6, VM_WORK_PER_FUEL_LOG2 = 2 };

enum vm_why {
	VM_WHY_NONE,
	VM_WHY_MEMORY, /* addr, bytes, write */
	VM_WHY_ALIGN,  /* addr, bytes */
	VM_WHY_DEPTH,
	VM_WHY_ARG_MEMORY, /* arg, addr, bytes, write */
	VM_WHY_ARG_SIZE,   /* arg, addr: the size */
	VM_WHY_ARG_MAP,    /* arg, addr: the value */
	VM_WHY_ARG_CTX,    /* arg, addr: the value */
	VM_WHY_ARG_RECORD, /* arg, addr: the value */
	VM_WHY_HANDLE,
	VM_WHY_FUEL,
};

/* One run. vm_run_with sets every field. */
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
	uint64_t executed; /* counting build only */

	/* Why it ended. */
	const struct vm_op *at;
	enum vm_why why;
	bool write;
	uint8_t arg;
	uint64_t addr, bytes;
};

struct vm {
	_Alignas(64) uint8_t stack[VM_MAX_FRAMES * VM_STACK_BYTES];
	struct vm_frame frames[VM_MAX_FRAMES];
	struct helper_env no_env;      /* for runs without one: no values */
	struct helper_records records; /* open in the run at hand */
	struct vm_run_state
		run; /* of the run at hand: here, because clearing a fresh one would cost more than a short run */
};

typedef enum err vm_interp_fn(struct vm_run_state *run);
vm_interp_fn vm_interp;
/* The same source compiled to count instructions in run->executed. For tests and benchmarks. */
vm_interp_fn vm_interp_counted;
/* vm_run with a given interpreter; executed may be NULL. */
FALLIBLE vm_run_with(vm_interp_fn *interp, struct vm *v, const struct vm_prog *vp, const struct vm_run_args *args,
		     uint64_t *ret, struct vm_fault *fault, uint64_t *executed, struct diag *d);

static inline bool vm_is_outer(const struct map *m)
{
	uint32_t kind = map_def(m)->kind;

	return kind == PROG_MAP_ARRAY_OF_MAPS || kind == PROG_MAP_HASH_OF_MAPS;
}

/* May [addr, addr + bytes) be read or written? Any window, any size. */
bool vm_may_access(struct vm_run_state *run, uint64_t addr, uint64_t bytes, bool write);
/* The same for one access, after the inline checks failed; notes the fault. */
bool vm_access_slow(struct vm_run_state *run, uint64_t addr, uint64_t bytes, bool write);
/* Check the arguments in r1..r5, call, and put the result in r0. False: a fault is noted. */
bool vm_call_helper(struct vm_run_state *run, const struct vm_call *c);
/* Fill fault and d from what the run noted; returns e. */
FALLIBLE vm_explain(const struct vm_run_state *run, enum err e, struct vm_fault *fault, struct diag *d);

#endif
