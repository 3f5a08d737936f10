/* SPDX-License-Identifier: Apache-2.0 */
/*
 * isa: one eBPF instruction, from its 8 (or 16) bytes to its meaning and back.
 *
 * isa.def is the one description of the instruction set. An opcode decodes once, here, to a
 * semantic (ADD, LDX, JEQ...) x width x operand form; verifier, interpreter and compilers switch
 * on those and never on opcode bytes.
 */
#ifndef SALLYPORT_ENGINE_ISA_H
#define SALLYPORT_ENGINE_ISA_H

#include "base/base.h"

enum { ISA_N_REGS = 11, ISA_FP = 10, ISA_SLOT_BYTES = 8 };

/* What an instruction does. ALU: dst = dst OP b. Jumps: if dst OP b goto. b is src or imm by `form`. */
// clang-format off
enum isa_sem {
	ISA_PAD, /* the second slot of a 64-bit immediate: never executed, never a jump target */
	ISA_ADD, ISA_SUB, ISA_MUL, ISA_DIV, ISA_MOD, ISA_SDIV, ISA_SMOD,
	ISA_OR, ISA_AND, ISA_XOR, ISA_LSH, ISA_RSH, ISA_ARSH,
	ISA_NEG, ISA_MOV, ISA_MOVSX, ISA_ADDR_CAST,
	ISA_END_LE, ISA_END_BE, ISA_BSWAP,
	ISA_IMM64,
	ISA_LDX, ISA_LDXS, ISA_ST, ISA_STX, ISA_ATOMIC, ISA_LOAD_ACQ, ISA_STORE_REL,
	ISA_LD_ABS, ISA_LD_IND,
	ISA_JA, ISA_JEQ, ISA_JNE, ISA_JGT, ISA_JGE, ISA_JLT, ISA_JLE,
	ISA_JSGT, ISA_JSGE, ISA_JSLT, ISA_JSLE, ISA_JSET, ISA_MAY_GOTO,
	ISA_CALL, ISA_CALLX, ISA_EXIT,
	ISA_N_SEMS
};
// clang-format on

enum isa_form {
	ISA_FORM_N,    /* no operand */
	ISA_FORM_R,    /* dst */
	ISA_FORM_RR,   /* dst, src */
	ISA_FORM_RI,   /* dst, imm */
	ISA_FORM_RRI,  /* dst, src, imm */
	ISA_FORM_LDX,  /* dst, [src + off] */
	ISA_FORM_ST,   /* [dst + off], imm */
	ISA_FORM_STX,  /* [dst + off], src */
	ISA_FORM_LDDW, /* dst, 64-bit imm */
	ISA_FORM_LDABS,
	ISA_FORM_LDIND,
	ISA_FORM_J,    /* off */
	ISA_FORM_JL,   /* imm is the offset */
	ISA_FORM_JRR,  /* dst, src, off */
	ISA_FORM_JRI,  /* dst, imm, off */
	ISA_FORM_CALL, /* imm */
};

/* Values are the imm field of RFC 9669 section 5.3. */
// clang-format off
enum isa_atomic {
	ISA_ATOMIC_ADD = 0x00, ISA_ATOMIC_ADD_FETCH = 0x01, ISA_ATOMIC_OR = 0x40, ISA_ATOMIC_OR_FETCH = 0x41,
	ISA_ATOMIC_AND = 0x50, ISA_ATOMIC_AND_FETCH = 0x51, ISA_ATOMIC_XOR = 0xa0, ISA_ATOMIC_XOR_FETCH = 0xa1,
	ISA_ATOMIC_XCHG = 0xe1, ISA_ATOMIC_CMPXCHG = 0xf1,
};
// clang-format on

enum isa_call { ISA_CALL_HELPER = 0, ISA_CALL_LOCAL = 1, ISA_CALL_KFUNC = 2 };

/* The pseudo kinds of a 64-bit immediate (its src field). RFC 9669 section 5.4. */
enum isa_imm64 {
	ISA_IMM64_VALUE = 0,
	ISA_IMM64_MAP_FD = 1,
	ISA_IMM64_MAP_VALUE = 2, /* low half: the map; high half: byte offset into its first value */
	ISA_IMM64_BTF_ID = 3,
	ISA_IMM64_FUNC = 4,
	ISA_IMM64_MAP_IDX = 5,
	ISA_IMM64_MAP_IDX_VALUE = 6,
};

/* A decoded instruction. One element per 8-byte slot, so that jump offsets index the array. */
struct isa_insn {
	uint8_t sem;   /* enum isa_sem */
	uint8_t width; /* bits: 8 16 32 64 */
	uint8_t dst, src;
	uint8_t form; /* enum isa_form */
	uint8_t aux;  /* see isa.def */
	uint16_t row; /* index into isa_rows */
	int32_t off;  /* memory: byte offset. Jumps: slots relative to the next slot, gotol's too */
	int64_t imm;  /* sign-extended from 32 bits; all 64 bits for ISA_IMM64 */
};

enum isa_sel { ISA_SEL_NONE, ISA_SEL_OFF, ISA_SEL_IMM, ISA_SEL_SRC };

struct isa_row {
	const char *name, *mnemonic;
	int32_t value;
	uint8_t byte, sel, sem, width, aux, form, since;
};

extern const struct isa_row isa_rows[];
extern const size_t isa_n_rows;

/* The operand b of an ALU or jump instruction is an immediate (else a register). */
static inline bool isa_b_is_imm(const struct isa_insn *in)
{
	return in->form == ISA_FORM_RI || in->form == ISA_FORM_JRI;
}

static inline bool isa_is_cond_jump(const struct isa_insn *in)
{
	return in->sem >= ISA_JEQ && in->sem <= ISA_MAY_GOTO;
}

/* An ATOMIC that also writes a register: src, or R0 for cmpxchg. */
static inline bool isa_atomic_fetches(uint8_t aux)
{
	return aux & 1;
}

/*
 * Decode a program's bytes.
 *
 * code  little-endian slots; borrowed
 * out   one element per slot, in the arena; set on success only
 *
 * E_TRUNCATED  the length is not a multiple of 8, or ends inside a 64-bit immediate
 * E_FORMAT     unknown opcode, register over r10, or a reserved field that is not zero (d names slot and field)
 * E_LIMIT      more than ISA_MAX_SLOTS
 * E_NOMEM
 *
 * Does not check jump targets: that is the verifier's and the VM's work. O(n).
 */
enum { ISA_MAX_SLOTS = 1 << 20 };
FALLIBLE isa_decode(struct view code, struct arena *a, struct isa_insn **out, uint32_t *out_n, struct diag *d);

/*
 * Encode one instruction to the 8 bytes of its slot, or the 16 bytes of ISA_IMM64. Returns bytes written.
 * The instruction must come from isa_decode or isa_make: a row and fields that fit it (asserted).
 */
size_t isa_encode(const struct isa_insn *in, uint8_t out[16]);

/* The row of a semantic x width x form (x aux); asserts that there is one. For code generators. */
struct isa_insn isa_make(enum isa_sem sem, unsigned width, enum isa_form form, unsigned aux);

/* The row with this name ("ADD64_IMM"), or NULL. */
const struct isa_row *isa_row_by_name(const char *name);

#endif
