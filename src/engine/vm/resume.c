/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resume: the interpreter from the middle of a program, where native code gives up.
 *
 * An operation may expect an operand in the accumulator (ops.def), and the next ones too, until something is written.
 * So what is to be there is found by looking ahead.
 */
#include "engine/vm/impl.h"

enum { ACC_KEEPS, ACC_DST, ACC_SRC, ACC_ENDS };

// clang-format off
#define ENDS(name) [VM_OP_##name] = ACC_ENDS,
#define FIVE(name, other)                                                                               \
	[VM_OP_##name##_I] = other, [VM_OP_##name##_IA] = ACC_DST, [VM_OP_##name##_R] = other,         \
	[VM_OP_##name##_RA] = ACC_DST, [VM_OP_##name##_RB] = ACC_SRC,

/* Which register an operation wants in the accumulator; else whether it leaves it for the next one. */
static const uint8_t wants[VM_N_OPS] = {
#define VM_ALU(sem, result) FIVE(sem##64, ACC_ENDS) FIVE(sem##32, ACC_ENDS)
#define VM_JMP(sem, taken) \
	FIVE(sem##64F, ACC_KEEPS) FIVE(sem##64K, ACC_KEEPS) FIVE(sem##32F, ACC_KEEPS) FIVE(sem##32K, ACC_KEEPS)
#define VM_UNARY(name, result) ENDS(name) [VM_OP_##name##_A] = ACC_DST,
#define VM_MOVE(name, result) ENDS(name) [VM_OP_##name##_B] = ACC_SRC,
#define VM_LOAD(name, type) ENDS(name) [VM_OP_##name##_A] = ACC_SRC, ENDS(name##_FP)
#define VM_STORE(bits, type)                                                                            \
	[VM_OP_ST##bits##_A] = ACC_DST, [VM_OP_STX##bits##_A] = ACC_DST, [VM_OP_STX##bits##_B] = ACC_SRC, \
	[VM_OP_STX##bits##_FPB] = ACC_SRC,
#define VM_ACQ(name, type) ENDS(name)
#include "engine/vm/ops.def"
	ENDS(LDI) ENDS(LDI2) ENDS(JA) ENDS(JA_BACK) ENDS(CALL) ENDS(CALL_LOCAL) ENDS(CALLX) ENDS(TAIL_CALL) ENDS(EXIT)
	ENDS(PAD)
};
// clang-format on

static uint64_t accumulator(const struct vm_run_state *run, const struct vm_op *op)
{
	while (wants[op->code] == ACC_KEEPS)
		op++;
	return wants[op->code] == ACC_DST ? run->r[op->dst] : wants[op->code] == ACC_SRC ? run->r[op->src] : 0;
}

enum err vm_resume(struct vm_run_state *run, uint32_t slot, uint32_t resumed)
{
	run->start = slot;
	run->resumed = resumed;
	run->acc = accumulator(run, &run->vp->ops[slot]);
	return vm_interp(run);
}
