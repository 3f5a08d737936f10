/* SPDX-License-Identifier: Apache-2.0 */
/*
 * asm: text to instructions and back.
 *
 * Two syntaxes in: LLVM's (`r0 += r1`, `if r1 > 5 goto L`, `r2 = *(u64 *)(r1 + 8)`, as clang -S writes it) and the
 * mnemonic one (`add %r0, %r1`, `jgt %r1, 5, L`, `ldxdw %r2, [%r1+8]`) of ubpf and the conformance suite; which one a
 * line is in is seen from the line. One out: LLVM's, with labels and symbol names. docs/asm.md describes both.
 *
 * What asm_list writes, asm_text reads back to the same instructions, functions and maps. (Names of functions come
 * back only when they are unique. Inner maps and what a map of programs holds have no text.)
 *
 * Threads: pure, nothing is shared.
 */
#ifndef SALLYPORT_ENGINE_ASM_H
#define SALLYPORT_ENGINE_ASM_H

#include "base/base.h"
#include "engine/isa/isa.h"
#include "engine/prog/prog.h"

enum { ASM_MAX_BYTES = 16 << 20, ASM_MAX_EQUS = 1024, ASM_MAX_MAPS = 256, ASM_MAX_INIT_BYTES = 4 << 20 };

/*
 * text  source, at most ASM_MAX_BYTES; need not outlive the call
 * name  for messages and for the program's lines; must outlive *out
 * a     owns everything in *out
 * d     optional; names line and column, what was found, what was wanted (A...)
 * *out  set on success only. Its name is that of the function at slot 0, or "prog"; its section that of the first
 *       code in a section other than .text, or ".text"; its lines are those of the text.
 *
 * E_FORMAT, E_NOT_FOUND (a name that nothing defines), E_LIMIT, E_NOMEM. O(n log n) in the number of labels, else O(n).
 * Does not check that jumps stay inside of the program: that is the verifier's and the VM's work.
 */
FALLIBLE asm_text(struct view text, const char *name, struct arena *a, struct prog *out, struct diag *d);

/* Append the encoded slots, with map values' offsets in their second half. out->full when it takes no more. */
void asm_encode(const struct isa_insn *insns, uint32_t n, struct buf *out);

/*
 * One instruction in LLVM's syntax, without newline; distances as numbers. p (optional) gives names of maps, functions
 * and helpers. slot < p->n_insns is where it stands. ISA_PAD gives nothing.
 */
void asm_print(const struct isa_insn *in, uint32_t slot, const struct prog *p, struct buf *out);

enum asm_flags {
	ASM_LINES = 1, /* source lines as comments before what was made of them */
	ASM_SLOTS = 2, /* the slot, as a comment after each instruction */
	ASM_BYTES = 4, /* and its bytes */
};
/* The whole program: maps, functions, labels where jumps lead. out->full when it takes no more. */
void asm_list(const struct prog *p, unsigned flags, struct buf *out);

/* A map kind as `.map` writes it ("percpu_hash"), or NULL. */
const char *asm_map_kind(uint32_t kind);

#endif
