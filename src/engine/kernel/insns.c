/* SPDX-License-Identifier: Apache-2.0 */
/* insns: since which release the verifier knows an instruction. */
#include "engine/isa/isa.h"
#include "engine/kernel/kernel.h"

enum {
	FIRST = KERNEL_V(3, 18),      /* kernel/bpf/verifier.c begins here */
	LESS_THAN = KERNEL_V(4, 14),  /* jlt jle jslt jsle */
	LOCAL_CALL = KERNEL_V(4, 16), /* BPF_PSEUDO_CALL */
	ARSH32 = KERNEL_V(5, 0),      /* refused before */
	JMP32 = KERNEL_V(5, 1),       /* class BPF_JMP32 */
	MAP_VALUE = KERNEL_V(5, 2),   /* BPF_PSEUDO_MAP_VALUE */
	KERNEL_VAR = KERNEL_V(5, 10), /* BPF_PSEUDO_BTF_ID */
	ATOMICS = KERNEL_V(5, 12),    /* all but add without fetch, which was there from the start (XADD) */
	FUNC = KERNEL_V(5, 13),       /* BPF_PSEUDO_FUNC, BPF_PSEUDO_KFUNC_CALL */
	MAP_IDX = KERNEL_V(5, 14),    /* BPF_PSEUDO_MAP_IDX */
	V4 = KERNEL_V(6, 6),          /* movsx, ldsx, bswap, sdiv, smod, gotol */
	MAY_GOTO = KERNEL_V(6, 9),    /* class BPF_JCOND */
	ADDR_CAST = KERNEL_V(6, 9),   /* with arenas */
	ACQ_REL = KERNEL_V(6, 15),    /* load_acquire, store_release */
};

static uint16_t imm64_since(unsigned kind)
{
	switch ((enum isa_imm64)kind) {
	case ISA_IMM64_VALUE:
	case ISA_IMM64_MAP_FD:
		return FIRST;
	case ISA_IMM64_MAP_VALUE:
		return MAP_VALUE;
	case ISA_IMM64_BTF_ID:
		return KERNEL_VAR;
	case ISA_IMM64_FUNC:
		return FUNC;
	case ISA_IMM64_MAP_IDX:
	case ISA_IMM64_MAP_IDX_VALUE:
		return MAP_IDX;
	}
	return KERNEL_NOT_YET;
}

static uint16_t call_since(unsigned kind)
{
	switch ((enum isa_call)kind) {
	case ISA_CALL_HELPER:
		return FIRST;
	case ISA_CALL_LOCAL:
		return LOCAL_CALL;
	case ISA_CALL_KFUNC:
		return FUNC;
	}
	return KERNEL_NOT_YET;
}

/* A conditional jump; its 32-bit form came for all of them at once. */
static uint16_t jump_since(const struct isa_insn *in, uint16_t first)
{
	return in->width == 32 ? JMP32 : first;
}

uint16_t kernel_insn_since(const struct isa_insn *in)
{
	switch ((enum isa_sem)in->sem) {
	case ISA_SDIV:
	case ISA_SMOD:
	case ISA_MOVSX:
	case ISA_BSWAP:
	case ISA_LDXS:
		return V4;
	case ISA_ADDR_CAST:
		return ADDR_CAST;
	case ISA_IMM64:
		return imm64_since(in->aux);
	case ISA_ATOMIC:
		return in->aux == ISA_ATOMIC_ADD ? FIRST : ATOMICS;
	case ISA_LOAD_ACQ:
	case ISA_STORE_REL:
		return ACQ_REL;
	case ISA_JA:
		return in->form == ISA_FORM_JL ? V4 : FIRST;
	case ISA_JEQ:
	case ISA_JNE:
	case ISA_JGT:
	case ISA_JGE:
	case ISA_JSGT:
	case ISA_JSGE:
	case ISA_JSET:
		return jump_since(in, FIRST);
	case ISA_JLT:
	case ISA_JLE:
	case ISA_JSLT:
	case ISA_JSLE:
		return jump_since(in, LESS_THAN);
	case ISA_MAY_GOTO:
		return MAY_GOTO;
	case ISA_CALL:
		return call_since(in->aux);
	case ISA_ARSH:
		return in->width == 32 ? ARSH32 : FIRST;
	case ISA_CALLX:
		return KERNEL_NOT_YET;
	case ISA_PAD:
	case ISA_ADD:
	case ISA_SUB:
	case ISA_MUL:
	case ISA_DIV:
	case ISA_MOD:
	case ISA_OR:
	case ISA_AND:
	case ISA_XOR:
	case ISA_LSH:
	case ISA_RSH:
	case ISA_NEG:
	case ISA_MOV:
	case ISA_END_LE:
	case ISA_END_BE:
	case ISA_LDX:
	case ISA_ST:
	case ISA_STX:
	case ISA_LD_ABS:
	case ISA_LD_IND:
	case ISA_EXIT:
		return FIRST;
	case ISA_N_SEMS:
		break;
	}
	return KERNEL_NOT_YET;
}
