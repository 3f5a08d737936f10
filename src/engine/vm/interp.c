/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interp: the loop.
 *
 * Threaded code: each operation ends in its own indirect jump to the next. Every load and store compares its address
 * with the context's window and the live stack; map values, and what fails, go out of line. Instructions are not
 * counted: a back edge pays its length and a local call the callee's, which bounds what can run in between.
 *
 * Compiled again by counted.c, with VM_COUNT: then every instruction is counted; and by observed.c, with VM_OBSERVE:
 * then each is shown to an observer before it runs.
 */
#include "engine/vm/impl.h"

#include <endian.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)

/* clang 14 multiplies these checks by the indirect jumps and does not end; the address sanitizer sees the same
 * accesses. */
#ifdef __clang__
#pragma clang attribute push(__attribute__((no_sanitize("alignment", "null", "pointer-overflow", "object-size"))), \
			     apply_to = function)
#endif

#ifdef VM_COUNT
#define COUNT() (run->executed++)
#elif defined VM_OBSERVE
#define COUNT() run->vm->observer->step(run->vm->observer->user, run->vp, (uint32_t)(op - run->vp->ops), r, run->depth)
#else
#define COUNT() ((void)0)
#endif

/* One function per operation and width, so that U, S and W mean the width's types. */
#define VM_ALU(sem, result)                                            \
	static inline uint64_t alu_##sem##64(uint64_t a, uint64_t b)   \
	{                                                              \
		typedef uint64_t U __attribute__((unused));            \
		typedef int64_t S __attribute__((unused));             \
		enum { W = 64 };                                       \
		return (result);                                       \
	}                                                              \
	static inline uint64_t alu_##sem##32(uint64_t a_, uint64_t b_) \
	{                                                              \
		typedef uint32_t U __attribute__((unused));            \
		typedef int32_t S __attribute__((unused));             \
		enum { W = 32 };                                       \
		uint32_t a = (uint32_t)a_, b = (uint32_t)b_;           \
		return (result);                                       \
	}
#define VM_JMP(sem, taken)                                         \
	static inline bool jmp_##sem##64(uint64_t a, uint64_t b)   \
	{                                                          \
		typedef int64_t S __attribute__((unused));         \
		return (taken);                                    \
	}                                                          \
	static inline bool jmp_##sem##32(uint64_t a_, uint64_t b_) \
	{                                                          \
		typedef int32_t S __attribute__((unused));         \
		uint32_t a = (uint32_t)a_, b = (uint32_t)b_;       \
		return (taken);                                    \
	}
#include "engine/vm/ops.def"

static uint64_t atomic32(uint32_t *p, uint8_t kind, uint32_t b, uint32_t expect)
{
	switch (kind & ~1) {
	case ISA_ATOMIC_ADD:
		return __atomic_fetch_add(p, b, __ATOMIC_SEQ_CST);
	case ISA_ATOMIC_OR:
		return __atomic_fetch_or(p, b, __ATOMIC_SEQ_CST);
	case ISA_ATOMIC_AND:
		return __atomic_fetch_and(p, b, __ATOMIC_SEQ_CST);
	case ISA_ATOMIC_XOR:
		return __atomic_fetch_xor(p, b, __ATOMIC_SEQ_CST);
	case ISA_ATOMIC_XCHG & ~1:
		return __atomic_exchange_n(p, b, __ATOMIC_SEQ_CST);
	}
	(void)__atomic_compare_exchange_n(p, &expect, b, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	return expect;
}

static uint64_t atomic64(uint64_t *p, uint8_t kind, uint64_t b, uint64_t expect)
{
	switch (kind & ~1) {
	case ISA_ATOMIC_ADD:
		return __atomic_fetch_add(p, b, __ATOMIC_SEQ_CST);
	case ISA_ATOMIC_OR:
		return __atomic_fetch_or(p, b, __ATOMIC_SEQ_CST);
	case ISA_ATOMIC_AND:
		return __atomic_fetch_and(p, b, __ATOMIC_SEQ_CST);
	case ISA_ATOMIC_XOR:
		return __atomic_fetch_xor(p, b, __ATOMIC_SEQ_CST);
	case ISA_ATOMIC_XCHG & ~1:
		return __atomic_exchange_n(p, b, __ATOMIC_SEQ_CST);
	}
	(void)__atomic_compare_exchange_n(p, &expect, b, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	return expect;
}

/* What an atomic operation read goes to src, or to R0 for compare-and-exchange. */
static inline void atomic_result(uint64_t *r, const struct vm_op *op, uint64_t old)
{
	if (op->imm == ISA_ATOMIC_CMPXCHG)
		r[0] = old;
	else if (isa_atomic_fetches((uint8_t)op->imm))
		r[op->src] = old;
}

#define SIZE_LOG2(type) (sizeof(type) == 1 ? 0 : sizeof(type) == 2 ? 1 : sizeof(type) == 4 ? 2 : 3)

static inline __attribute__((always_inline)) bool may_load(struct vm_run_state *run, uint64_t addr, unsigned log2)
{
	return LIKELY(addr - run->ctx < run->load_span[log2]) ||
	       LIKELY(addr - run->stack_lo <= run->stack_live - (1u << log2)) ||
	       vm_access_slow(run, addr, 1u << log2, false);
}

static inline __attribute__((always_inline)) bool may_store(struct vm_run_state *run, uint64_t addr, unsigned log2)
{
	return LIKELY(addr - run->ctx < run->store_span[log2]) ||
	       LIKELY(addr - run->stack_lo <= run->stack_live - (1u << log2)) ||
	       vm_access_slow(run, addr, 1u << log2, true);
}

static bool aligned(struct vm_run_state *run, uint64_t addr, uint64_t bytes)
{
	if (!(addr & (bytes - 1)))
		return true;
	run->why = VM_WHY_ALIGN;
	run->addr = addr;
	run->bytes = bytes;
	return false;
}

static void frame_push(struct vm_run_state *run, const struct vm_op *op, uint32_t zero_bytes, uint64_t *r)
{
	struct vm_frame *f = &run->vm->frames[run->depth++];

	f->ret = op + 1;
	memcpy(f->saved, r + 6, sizeof f->saved);
	f[1].loops = VM_MAY_GOTO_MAX;
	r[ISA_FP] -= VM_STACK_BYTES;
	run->stack_lo -= VM_STACK_BYTES;
	run->stack_live += VM_STACK_BYTES;
	/* Not of nothing: a masked store, which memset may do then, is slow on a page shared since a fork. */
	if (zero_bytes)
		memset((void *)(uintptr_t)(r[ISA_FP] - zero_bytes), 0, zero_bytes);
}

static const struct vm_op *frame_pop(struct vm_run_state *run, uint64_t *r)
{
	const struct vm_frame *f = &run->vm->frames[--run->depth];

	memcpy(r + 6, f->saved, sizeof f->saved);
	r[ISA_FP] += VM_STACK_BYTES;
	run->stack_lo += VM_STACK_BYTES;
	run->stack_live -= VM_STACK_BYTES;
	return f->ret;
}

/* Whether the frame's may_goto still falls through. */
static bool loops_left(struct vm_run_state *run)
{
	struct vm_frame *f = &run->vm->frames[run->depth];

	return f->loops && f->loops--;
}

#define NEXT(n)                        \
	do {                           \
		op += (n);             \
		COUNT();               \
		goto *label[op->code]; \
	} while (0)
#define A r[op->dst]
#define B r[op->src]
#define IMM (uint64_t) op->imm
#define RESULT(value)             \
	do {                      \
		acc = (value);    \
		r[op->dst] = acc; \
		NEXT(1);          \
	} while (0)
#define PTR(type, addr) ((type *)(uintptr_t)(addr))

/* Fuel goes down by the distance: op->off is below 1. */
#define JUMP_BACK()                       \
	do {                              \
		fuel += op->off - 1;      \
		if (fuel < 0)             \
			goto out_of_fuel; \
		NEXT(op->off);            \
	} while (0)
#define BRANCH_F(taken)                \
	do {                           \
		if (taken)             \
			NEXT(op->off); \
		NEXT(1);               \
	} while (0)
#define BRANCH_K(taken)              \
	do {                         \
		if (taken)           \
			JUMP_BACK(); \
		NEXT(1);             \
	} while (0)

#define LOAD(type, addr_, check)                                      \
	do {                                                          \
		uint64_t addr = (addr_) + (uint64_t)(int64_t)op->off; \
		type value;                                           \
		if (check && !may_load(run, addr, SIZE_LOG2(type)))   \
			goto fault;                                   \
		memcpy(&value, PTR(void, addr), sizeof value);        \
		RESULT((uint64_t)(int64_t)value);                     \
	} while (0)
#define STORE(type, addr_, value_, check)                             \
	do {                                                          \
		uint64_t addr = (addr_) + (uint64_t)(int64_t)op->off; \
		type value = (type)(value_);                          \
		if (check && !may_store(run, addr, SIZE_LOG2(type)))  \
			goto fault;                                   \
		memcpy(PTR(void, addr), &value, sizeof value);        \
		NEXT(1);                                              \
	} while (0)

enum err vm_interp(struct vm_run_state *run)
{
	// clang-format off
	static const void *const label[VM_N_OPS] = {
#define LABEL(name) [VM_OP_##name] = &&L_##name,
#define LABELS(name) LABEL(name##_I) LABEL(name##_IA) LABEL(name##_R) LABEL(name##_RA) LABEL(name##_RB)
#define VM_ALU(sem, result) LABELS(sem##64) LABELS(sem##32)
#define VM_JMP(sem, taken) LABELS(sem##64F) LABELS(sem##64K) LABELS(sem##32F) LABELS(sem##32K)
#define VM_UNARY(name, result) LABEL(name) LABEL(name##_A)
#define VM_MOVE(name, result) LABEL(name) LABEL(name##_B)
#define VM_LOAD(name, type) LABEL(name) LABEL(name##_A) LABEL(name##_FP)
#define VM_STORE(bits, type)                                                                            \
	LABEL(ST##bits) LABEL(ST##bits##_A) LABEL(ST##bits##_FP) LABEL(STX##bits) LABEL(STX##bits##_A)  \
	LABEL(STX##bits##_FP) LABEL(STX##bits##_B) LABEL(STX##bits##_FPB)
#define VM_ACQ(name, type) LABEL(name)
#define VM_REL(name, type) LABEL(name)
#define VM_ONE(name) LABEL(name)
#include "engine/vm/ops.def"
	};
	// clang-format on
	const struct vm_op *op = run->vp->ops + run->start;
	uint64_t *const r = run->r, acc = run->acc;
	const uint32_t base = run->depth - run->resumed; /* where this call of the interpreter began */
	int64_t fuel = run->fuel;
	bool left = false;
	enum err e;

	run->resumed = 0;
	NEXT(0);

// clang-format off
#define VM_ALU_WIDTH(name)                           \
	L_##name##_I:                                \
		RESULT(alu_##name(A, IMM));          \
	L_##name##_IA:                               \
		RESULT(alu_##name(acc, IMM));        \
	L_##name##_R:                                \
		RESULT(alu_##name(A, B));            \
	L_##name##_RA:                               \
		RESULT(alu_##name(acc, B));          \
	L_##name##_RB:                               \
		RESULT(alu_##name(A, acc));
#define VM_ALU(sem, result) VM_ALU_WIDTH(sem##64) VM_ALU_WIDTH(sem##32)
#define VM_JMP_WAY(name, way)                        \
	L_##name##way##_I:                           \
		BRANCH_##way(jmp_##name(A, IMM));    \
	L_##name##way##_IA:                          \
		BRANCH_##way(jmp_##name(acc, IMM));  \
	L_##name##way##_R:                           \
		BRANCH_##way(jmp_##name(A, B));      \
	L_##name##way##_RA:                          \
		BRANCH_##way(jmp_##name(acc, B));    \
	L_##name##way##_RB:                          \
		BRANCH_##way(jmp_##name(A, acc));
#define VM_JMP(sem, taken) \
	VM_JMP_WAY(sem##64, F) VM_JMP_WAY(sem##64, K) VM_JMP_WAY(sem##32, F) VM_JMP_WAY(sem##32, K)
#define VM_UNARY(name, result)           \
	L_##name : {                     \
		uint64_t a = A;          \
		RESULT(result);          \
	}                                \
	L_##name##_A : {                 \
		uint64_t a = acc;        \
		RESULT(result);          \
	}
#define VM_MOVE(name, result)            \
	L_##name : {                     \
		uint64_t b = B;          \
		RESULT(result);          \
	}                                \
	L_##name##_B : {                 \
		uint64_t b = acc;        \
		RESULT(result);          \
	}
#define VM_LOAD(name, type)              \
	L_##name:                        \
		LOAD(type, B, true);     \
	L_##name##_A:                    \
		LOAD(type, acc, true);   \
	L_##name##_FP:                   \
		LOAD(type, r[ISA_FP], false);
#define VM_STORE(bits, type)                             \
	L_ST##bits:                                      \
		STORE(type, A, IMM, true);               \
	L_ST##bits##_A:                                  \
		STORE(type, acc, IMM, true);             \
	L_ST##bits##_FP:                                 \
		STORE(type, r[ISA_FP], IMM, false);      \
	L_STX##bits:                                     \
		STORE(type, A, B, true);                 \
	L_STX##bits##_A:                                 \
		STORE(type, acc, B, true);               \
	L_STX##bits##_FP:                                \
		STORE(type, r[ISA_FP], B, false);        \
	L_STX##bits##_B:                                 \
		STORE(type, A, acc, true);               \
	L_STX##bits##_FPB:                               \
		STORE(type, r[ISA_FP], acc, false);
#define VM_ACQ(name, type)                                                                                   \
	L_##name : {                                                                                         \
		uint64_t addr = B + (uint64_t)(int64_t)op->off;                                              \
		if (!may_load(run, addr, SIZE_LOG2(type)) || !aligned(run, addr, sizeof(type)))              \
			goto fault;                                                                          \
		RESULT(__atomic_load_n(PTR(type, addr), __ATOMIC_ACQUIRE));                                  \
	}
#define VM_REL(name, type)                                                                                   \
	L_##name : {                                                                                         \
		uint64_t addr = A + (uint64_t)(int64_t)op->off;                                              \
		if (!may_store(run, addr, SIZE_LOG2(type)) || !aligned(run, addr, sizeof(type)))             \
			goto fault;                                                                          \
		__atomic_store_n(PTR(type, addr), (type)B, __ATOMIC_RELEASE);                                \
		NEXT(1);                                                                                     \
	}
#include "engine/vm/ops.def"
	// clang-format on

L_LDI:
	RESULT(IMM);
L_LDI2:
	acc = IMM;
	r[op->dst] = acc;
	NEXT(2);
L_JA:
	NEXT(op->off);
L_JA_BACK:
	JUMP_BACK();
L_ATOMIC32 : {
	uint64_t addr = A + (uint64_t)(int64_t)op->off;

	if (!may_store(run, addr, 2) || !aligned(run, addr, 4))
		goto fault;
	atomic_result(r, op, atomic32(PTR(uint32_t, addr), (uint8_t)op->imm, (uint32_t)B, (uint32_t)r[0]));
	NEXT(1);
}
L_ATOMIC64 : {
	uint64_t addr = A + (uint64_t)(int64_t)op->off;

	if (!may_store(run, addr, 3) || !aligned(run, addr, 8))
		goto fault;
	atomic_result(r, op, atomic64(PTR(uint64_t, addr), (uint8_t)op->imm, B, r[0]));
	NEXT(1);
}
L_CALL:
	run->fuel = fuel;
	e = vm_call_helper(run, op, op->call);
	fuel = run->fuel;
	if (e != E_OK)
		return e;
	acc = r[0];
	NEXT(1);
L_CALLX : {
	uint32_t f = vm_func_of(run->vp, A);

	run->fuel = fuel;
	if (f == VM_NO_FUNC) {
		e = vm_callx_helper(run, op);
		fuel = run->fuel;
		if (e != E_OK)
			return e;
		acc = r[0];
		NEXT(1);
	}
	fuel -= run->vp->funcs[f].end - run->vp->funcs[f].start;
	if (fuel < 0)
		goto out_of_fuel;
	if (run->depth == VM_MAX_FRAMES - 1)
		goto too_deep;
	frame_push(run, op, run->vp->funcs[f].zero_bytes, r);
	op = run->vp->ops + run->vp->funcs[f].start;
	NEXT(0);
}
L_TAIL_CALL:
	run->fuel = fuel;
	e = vm_tail_call(run, op, &left);
	fuel = run->fuel;
	if (e != E_OK)
		return e;
	acc = r[0];
	if (left)
		goto L_EXIT;
	NEXT(1);
L_MAY_GOTO:
	BRANCH_F(!loops_left(run));
L_MAY_GOTO_BACK:
	BRANCH_K(!loops_left(run));
L_CALL_LOCAL:
	fuel -= op->charge;
	if (fuel < 0)
		goto out_of_fuel;
	if (run->depth == VM_MAX_FRAMES - 1)
		goto too_deep;
	frame_push(run, op, op->zero_bytes, r);
	NEXT(op->off);
L_EXIT:
	acc = r[0];
	if (run->depth == base)
		goto done;
	op = frame_pop(run, r);
	NEXT(0);
L_PAD:
	e = E_BUG;
	goto out;
done:
	e = E_OK;
	goto out;
out_of_fuel:
	fuel = 0;
	run->why = VM_WHY_FUEL;
	e = E_FUEL;
	goto out;
too_deep:
	run->why = VM_WHY_DEPTH;
fault:
	e = E_FAULT;
out:
	run->fuel = fuel;
	run->at = op;
	return e;
}

#ifdef __clang__
#pragma clang attribute pop
#endif
