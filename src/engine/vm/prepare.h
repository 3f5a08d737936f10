/* SPDX-License-Identifier: Apache-2.0 */
/* prepare: what check.c (is the program whole?) and prepare.c (what will it run as?) share. */
#ifndef SALLYPORT_ENGINE_VM_PREPARE_H
#define SALLYPORT_ENGINE_VM_PREPARE_H

#include "engine/vm/impl.h"

enum { NO_REG = 0xff };

struct prep {
	const struct prog *p;
	const struct vm_prog_opts *o;
	struct vm_helpers helpers;
	struct diag *d;
	uint8_t *leader; /* per slot: a jump or call leads here */
	struct vm_func *funcs;
	uint32_t n_funcs;
	struct vm_prog *vp;
};

#define FAIL_AT(at, kind, id, ...)                         \
	do {                                               \
		if (s->d)                                  \
			s->d->insn = (at);                 \
		FAIL_ID(s->d, kind, 'X', id, __VA_ARGS__); \
	} while (0)

static inline const char *mnemonic(const struct isa_insn *in)
{
	return isa_rows[in->row].mnemonic;
}

static inline bool is_memory_sem(uint8_t sem)
{
	return sem >= ISA_LDX && sem <= ISA_STORE_REL;
}

static inline bool reads_src(const struct isa_insn *in)
{
	switch ((enum isa_form)in->form) {
	case ISA_FORM_RR:
	case ISA_FORM_LDX:
	case ISA_FORM_STX:
	case ISA_FORM_JRR:
		return true;
	default:
		return false;
	}
}

/* The one register that an instruction writes (calls: R0); NO_REG: none. */
static inline uint8_t written_reg(const struct isa_insn *in)
{
	if (in->sem >= ISA_ADD && in->sem <= ISA_LDXS)
		return in->dst;
	if (in->sem == ISA_LOAD_ACQ)
		return in->dst;
	if (in->sem == ISA_ATOMIC && isa_atomic_fetches(in->aux))
		return in->aux == ISA_ATOMIC_CMPXCHG ? 0 : in->src;
	if (in->sem == ISA_CALL || in->sem == ISA_CALLX)
		return 0;
	return NO_REG;
}

static inline bool is_jump(const struct isa_insn *in)
{
	return in->sem >= ISA_JA && in->sem <= ISA_MAY_GOTO;
}

static inline bool is_local_call(const struct isa_insn *in)
{
	return in->sem == ISA_CALL && in->aux == ISA_CALL_LOCAL;
}

static inline bool is_func_ref(const struct isa_insn *in)
{
	return in->sem == ISA_IMM64 && in->aux == ISA_IMM64_FUNC;
}

/* Of a local call or a function reference: slots from the next one to the function. Source: kernel/bpf/verifier.c
 * add_subprog_and_kfunc, v6.12. */
static inline int64_t func_delta(const struct isa_insn *in)
{
	return is_func_ref(in) ? (int32_t)(uint32_t)in->imm : in->imm;
}

/* r10 as the base of an access inside the frame; *depth: how far below r10 it reaches. */
static inline bool fixed_stack_access(const struct isa_insn *in, uint32_t *depth)
{
	bool load = in->form == ISA_FORM_LDX;

	if (!is_memory_sem(in->sem) || (load ? in->src : in->dst) != ISA_FP)
		return false;
	if (in->off >= 0 || in->off < -VM_STACK_BYTES || in->off + in->width / 8 > 0)
		return false;
	*depth = (uint32_t)-in->off;
	return true;
}

/* Fill leader and funcs. E_FORMAT, E_UNSUPPORTED, E_NOMEM. */
FALLIBLE prep_check(struct prep *s);

#endif
