/* SPDX-License-Identifier: Apache-2.0 */
/*
 * asm: programs for tests, one call per instruction.
 *
 *   CODE(mov(0, 1), exit_())           -> two initialisers: the instructions, and their number
 *   MAP_FD(1, 0), LDDW(1, 7)           take two slots, as in a program
 * Jump offsets are in slots from the next instruction, as in bytecode.
 */
#ifndef SALLYPORT_TESTS_VERIFY_ASM_H
#define SALLYPORT_TESTS_VERIFY_ASM_H

#include "engine/isa/isa.h"

#define CODE(...)                                 \
	(const struct isa_insn[]){ __VA_ARGS__ }, \
		sizeof((const struct isa_insn[]){ __VA_ARGS__ }) / sizeof(struct isa_insn)

static inline struct isa_insn op_rr(enum isa_sem sem, unsigned width, unsigned aux, unsigned dst, unsigned src)
{
	struct isa_insn in = isa_make(sem, width, ISA_FORM_RR, aux);

	in.dst = (uint8_t)dst;
	in.src = (uint8_t)src;
	return in;
}

static inline struct isa_insn op_ri(enum isa_sem sem, unsigned width, unsigned dst, int32_t imm)
{
	struct isa_insn in = isa_make(sem, width, ISA_FORM_RI, 0);

	in.dst = (uint8_t)dst;
	in.imm = imm;
	return in;
}

static inline struct isa_insn op_r(enum isa_sem sem, unsigned width, unsigned dst)
{
	struct isa_insn in = isa_make(sem, width, ISA_FORM_R, 0);

	in.dst = (uint8_t)dst;
	return in;
}

static inline struct isa_insn mov(unsigned dst, int32_t imm)
{
	return op_ri(ISA_MOV, 64, dst, imm);
}

static inline struct isa_insn movr(unsigned dst, unsigned src)
{
	return op_rr(ISA_MOV, 64, 0, dst, src);
}

static inline struct isa_insn add(unsigned dst, int32_t imm)
{
	return op_ri(ISA_ADD, 64, dst, imm);
}

static inline struct isa_insn addr(unsigned dst, unsigned src)
{
	return op_rr(ISA_ADD, 64, 0, dst, src);
}

static inline struct isa_insn and_(unsigned dst, int32_t imm)
{
	return op_ri(ISA_AND, 64, dst, imm);
}

static inline struct isa_insn mem(enum isa_sem sem, enum isa_form form, unsigned width, unsigned dst, unsigned src,
				  int off)
{
	struct isa_insn in = isa_make(sem, width, form, 0);

	in.dst = (uint8_t)dst;
	in.src = (uint8_t)src;
	in.off = off;
	return in;
}

static inline struct isa_insn ldx(unsigned width, unsigned dst, unsigned src, int off)
{
	return mem(ISA_LDX, ISA_FORM_LDX, width, dst, src, off);
}

static inline struct isa_insn stx(unsigned width, unsigned dst, int off, unsigned src)
{
	return mem(ISA_STX, ISA_FORM_STX, width, dst, src, off);
}

static inline struct isa_insn st(unsigned width, unsigned dst, int off, int32_t imm)
{
	struct isa_insn in = mem(ISA_ST, ISA_FORM_ST, width, dst, 0, off);

	in.imm = imm;
	return in;
}

static inline struct isa_insn atomic(enum isa_atomic op, unsigned width, unsigned dst, int off, unsigned src)
{
	struct isa_insn in = isa_make(ISA_ATOMIC, width, ISA_FORM_STX, op);

	in.dst = (uint8_t)dst;
	in.src = (uint8_t)src;
	in.off = off;
	return in;
}

static inline struct isa_insn jmp(int off)
{
	struct isa_insn in = isa_make(ISA_JA, 64, ISA_FORM_J, 0);

	in.off = off;
	return in;
}

static inline struct isa_insn jcc(enum isa_sem sem, unsigned width, unsigned dst, int32_t imm, int off)
{
	struct isa_insn in = isa_make(sem, width, ISA_FORM_JRI, 0);

	in.dst = (uint8_t)dst;
	in.imm = imm;
	in.off = off;
	return in;
}

static inline struct isa_insn jccr(enum isa_sem sem, unsigned width, unsigned dst, unsigned src, int off)
{
	struct isa_insn in = isa_make(sem, width, ISA_FORM_JRR, 0);

	in.dst = (uint8_t)dst;
	in.src = (uint8_t)src;
	in.off = off;
	return in;
}

static inline struct isa_insn call_kind(enum isa_call kind, int32_t imm)
{
	struct isa_insn in = isa_make(ISA_CALL, 64, ISA_FORM_CALL, kind);

	in.imm = imm;
	return in;
}

static inline struct isa_insn call(int32_t helper)
{
	return call_kind(ISA_CALL_HELPER, helper);
}

/* off: as for a jump */
static inline struct isa_insn call_local(int32_t off)
{
	return call_kind(ISA_CALL_LOCAL, off);
}

static inline struct isa_insn exit_(void)
{
	return isa_make(ISA_EXIT, 64, ISA_FORM_N, 0);
}

static inline struct isa_insn imm64(enum isa_imm64 kind, unsigned dst, int64_t imm, int off)
{
	struct isa_insn in = isa_make(ISA_IMM64, 64, ISA_FORM_LDDW, kind);

	in.dst = (uint8_t)dst;
	in.imm = imm;
	in.off = off;
	return in;
}

/* off: as for a jump, from the first of its two slots */
static inline struct isa_insn func_ref(unsigned dst, int32_t off)
{
	return imm64(ISA_IMM64_FUNC, dst, off, 0);
}

static inline struct isa_insn may_goto(int off)
{
	struct isa_insn in = isa_make(ISA_MAY_GOTO, 64, ISA_FORM_J, 0);

	in.off = off;
	return in;
}

static inline struct isa_insn callx(unsigned dst)
{
	return op_r(ISA_CALLX, 64, dst);
}

#define PAD ((struct isa_insn){ 0 })
#define LDDW(dst, imm) imm64(ISA_IMM64_VALUE, dst, imm, 0), PAD
#define MAP_FD(dst, map) imm64(ISA_IMM64_MAP_FD, dst, map, 0), PAD
#define FUNC(dst, off) func_ref(dst, off), PAD
#define MAP_VALUE(dst, map, off) imm64(ISA_IMM64_MAP_VALUE, dst, map, off), PAD

#endif
