/* SPDX-License-Identifier: Apache-2.0 */
/*
 * a64_asm: words in order, with labels, jumps to them, and the shortest way to a constant.
 *
 * A jump to a label that is not bound yet is assumed to reach it. Where one turns out not to, a64_asm_finish says which
 * kind has to be long (an inverted one over a plain jump), and the caller makes the code once more with that in `far`.
 * What does not fit into memory or into the limit is dropped, and sets `failed`, which sticks.
 */
#ifndef SALLYPORT_ENGINE_JIT_A64_ASM_H
#define SALLYPORT_ENGINE_JIT_A64_ASM_H

#include "engine/jit/a64_enc.h"
#include "engine/jit/jit.h"

typedef uint32_t a64_label;

/* Which jumps forwards are long. */
enum a64_far { A64_NEAR, A64_FAR_TEST, A64_FAR_ALL };

struct a64_fix {
	uint32_t at; /* word */
	a64_label to;
	enum a64_branch kind;
};

struct a64_asm {
	uint32_t *words;
	uint32_t *labels; /* word, or A64_UNBOUND */
	struct a64_fix *fixes;
	struct jit_line *lines;
	struct jit_unwind *unwind;
	uint32_t n_words, n_labels, n_fixes, n_lines, n_unwind;
	uint32_t cap_words, cap_labels, cap_fixes, cap_lines, cap_unwind;
	enum a64_far far;
	enum err failed; /* E_OK, E_NOMEM, or E_LIMIT: over JIT_MAX_BYTES */
};
enum { A64_UNBOUND = UINT32_MAX };

void a64_asm_done(struct a64_asm *as);
/* Forget the words, keep the memory and `far`. */
void a64_asm_reset(struct a64_asm *as);

void a64_put(struct a64_asm *as, uint32_t word);
/* What follows comes from this instruction. */
void a64_mark(struct a64_asm *as, uint32_t insn);

/* From here on the caller is found so; u->native is not read. */
void a64_unwind(struct a64_asm *as, const struct jit_unwind *u);

/* n labels, numbered from the result on. */
a64_label a64_labels_new(struct a64_asm *as, uint32_t n);
void a64_bind(struct a64_asm *as, a64_label l);
/* A branch of kind k, its distance left 0, to l. */
void a64_jump(struct a64_asm *as, enum a64_branch k, uint32_t word, a64_label l);
/* Fill in the jumps. False: some do not reach; `far` has risen, and the code is to be made again. */
bool a64_asm_finish(struct a64_asm *as);

/* rd = v; one to four words. 32 bits: the upper half of v does not matter, that of rd becomes zero. */
void a64_put_imm(struct a64_asm *as, bool sf, unsigned rd, uint64_t v);
/* rd = rn + delta, any delta; tmp may be changed, and is neither rn nor 31. */
void a64_put_add(struct a64_asm *as, bool sf, unsigned rd, unsigned rn, int64_t delta, unsigned tmp);
static inline void a64_put_mov(struct a64_asm *as, bool sf, unsigned rd, unsigned rm)
{
	a64_put(as, a64_logic_reg(sf, A64_ORR, false, rd, A64_ZR, rm, A64_LSL, 0));
}

#endif
