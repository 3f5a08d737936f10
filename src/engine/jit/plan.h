/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan: what both compilers know of a program before they emit the first byte.
 *
 * plan_make turns the prepared operations of a vm_prog back into one struct plan_insn per slot (semantic, width, form,
 * as isa.h has them), finds functions and leaders, says which registers are live, and rewrites idioms that every target
 * has an instruction for:
 *
 * - lsh 32, rsh 32: MOV 32 of dst to itself, and a NOP; arsh 32: MOVSX. The same for 48 and 56.
 * - mov t,x; rsh t,w-n; lsh x,n; or x,t, and t dead afterwards: three NOPs and PLAN_ROL x,n. The shifts in either
 * order.
 *
 * and it marks, for who cares (what is marked still stands, leaders too):
 *
 * - jcc +1; mov x,b: PLAN_SELECT on the jump: x = b unless the condition holds.
 * - jcc +1; ja l: PLAN_INVERSE on the first: go to l unless the condition holds.
 *
 * A rewritten slot keeps its index, so that faults and listings name the slot of the program. No rewriting crosses a
 * leader, and none touches an instruction that can fault.
 *
 * Registers are sets of bits, 1 << register. Threads: pure. Everything is in the caller's arena.
 */
#ifndef SALLYPORT_ENGINE_JIT_PLAN_H
#define SALLYPORT_ENGINE_JIT_PLAN_H

#include "engine/jit/jit.h"

/* Semantics that isa.h lacks. */
enum plan_sem {
	PLAN_NOP = ISA_PAD,    /* nothing to emit; also the second slot of a 64-bit immediate */
	PLAN_ROL = ISA_N_SEMS, /* dst = dst rotated left by imm, at `width` */
	PLAN_TAIL_CALL,        /* target: index into the calls of the vm_prog */
	PLAN_N_SEMS,
};

enum plan_flag {
	PLAN_LEADER = 1 << 0,   /* a jump or local call leads here */
	PLAN_B_IMM = 1 << 1,    /* operand b is `imm`, not src */
	PLAN_BACK = 1 << 2,     /* a jump to this slot or before it: fuel is charged when it is taken */
	PLAN_SELECT = 1 << 3,   /* see above */
	PLAN_IN_FRAME = 1 << 4, /* an access through r10 that lies in the frame whatever happens */
	PLAN_FUNC = 1 << 5,     /* a function starts here */
	PLAN_INVERSE = 1 << 7,  /* on a conditional jump: over the unconditional one that follows; that still stands */
	PLAN_MANY = 1 << 6,     /* more than one jump leads here */
};

struct plan_insn {
	uint8_t sem;   /* enum isa_sem or plan_sem */
	uint8_t width; /* bits */
	uint8_t dst, src;
	uint8_t flags; /* enum plan_flag */
	uint8_t aux;   /* as isa_insn: MOVSX: source bits; IMM64: enum isa_imm64; ATOMIC: enum isa_atomic; CALL: enum
			  isa_call */
	uint16_t live; /* registers whose value somebody may read after this instruction */
	uint16_t use, def; /* what it reads and writes */
	int32_t off;       /* memory: bytes. MAP_VALUE: byte offset into the value */
	uint32_t target;   /* jumps, local calls: slot. Helper calls: index into the calls of the vm_prog */
	int64_t imm; /* ALU and jumps of 32 bits: zero-extended, else sign-extended. IMM64 of a map: its index; of a
			function: its slot */
};

struct plan_func {
	uint32_t start, end; /* slots */
	uint32_t zero_bytes; /* of the frame, from its top down, that a call must clear (the function may read them) */
	uint16_t writes;     /* registers that its own instructions write */
	bool uses_frame;     /* r10 is read */
	bool calls;          /* it calls helpers or functions */
	bool may_goto;       /* it counts loops */
	bool called;         /* by a local call, callx or a helper */
};

struct plan {
	struct plan_insn *insns;
	uint32_t n_insns;
	struct plan_func *funcs;
	uint32_t n_funcs;
	bool any_frame, any_call;
	bool needs_vm; /* it has instructions for which depth and stack are kept in the run (native.h rules 5, 6) */
};

/*
 * sandboxed: registers are live as the interpreter has it for programs that nobody verified: r0..r5 flow out of and
 * into functions, and r1..r5 survive calls. Else as the verifier guarantees it. E_NOMEM: the arena's cap. O(n).
 */
FALLIBLE plan_make(const struct vm_prog *vp, bool sandboxed, struct arena *a, struct plan *out);

/* The function that starts at this slot. O(log n). */
const struct plan_func *plan_func_at(const struct plan *p, uint32_t start);

/* The slot after `at`, second slots of 64-bit immediates skipped. */
static inline uint32_t plan_next(const struct plan *p, uint32_t at)
{
	return at + (p->insns[at].sem == ISA_IMM64 ? 2 : 1);
}

/* Registers whose upper 32 bits are zero after an instruction, when those of `zero` had them zero before. */
static inline uint16_t plan_zero_upper(const struct plan_insn *in, uint16_t zero)
{
	uint16_t dst = (uint16_t)(1u << in->dst);
	bool yes = false;

	switch (in->sem) {
	case ISA_IMM64:
		yes = in->aux == ISA_IMM64_VALUE && (uint64_t)in->imm <= UINT32_MAX;
		break;
	case ISA_LDX:
	case ISA_LOAD_ACQ:
	case ISA_END_BE:
	case ISA_END_LE:
	case ISA_BSWAP:
		yes = in->width < 64;
		break;
	case ISA_MOV:
		yes = in->width == 32 ||
		      (in->flags & PLAN_B_IMM ? (uint64_t)in->imm <= UINT32_MAX : zero >> in->src & 1);
		break;
	case ISA_AND:
		yes = in->width == 32 || zero & dst || (in->flags & PLAN_B_IMM ? in->imm >= 0 : zero >> in->src & 1);
		break;
	case ISA_OR:
	case ISA_XOR:
		yes = in->width == 32 || (zero & dst && (in->flags & PLAN_B_IMM ? in->imm >= 0 : zero >> in->src & 1));
		break;
	case ISA_RSH:
		yes = in->width == 32 || zero & dst || (in->flags & PLAN_B_IMM && (in->imm & 63) >= 32);
		break;
	case ISA_DIV:
	case ISA_MOD:
		yes = in->width == 32 || zero & dst;
		break;
	case ISA_ATOMIC:
		return (uint16_t)(in->width == 32 ? zero | in->def : zero & ~in->def);
	default:
		yes = in->width == 32 && in->sem >= ISA_ADD && in->sem <= ISA_MOVSX;
		yes |= in->sem == PLAN_ROL && in->width == 32;
	}
	return (uint16_t)((zero & ~in->def) | (yes ? in->def : 0));
}

#endif
