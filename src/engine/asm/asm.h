/* SPDX-License-Identifier: Apache-2.0 */
/*
 * asm: text to instructions and back.
 *
 * Two syntaxes in: LLVM's (`r0 += r1`, `if r1 > 5 goto L`, `r2 = *(u64 *)(r1 + 8)`, as clang -S and llvm-objdump write
 * it) and the mnemonic one (`add %r0, %r1`, `jgt %r1, 5, L`, `ldxdw %r2, [%r1+8]`) of ubpf and the conformance suite;
 * which one a line is in is seen from the line. One out: LLVM's, with labels and symbol names.
 */
#ifndef SALLYPORT_ENGINE_ASM_H
#define SALLYPORT_ENGINE_ASM_H

#include "base/base.h"
#include "engine/isa/isa.h"
#include "engine/prog/prog.h"

enum { ASM_MAX_BYTES = 16 << 20 };

/*
 * text  source; labels, .equ/numbers, comments (`;` `//` `#` `/ * * /`) as docs/asm.md says
 * name  for messages; d names line and column, what was found, what was wanted (A...)
 * *out  slots in the arena, decoded; encode with isa_encode. E_FORMAT, E_LIMIT, E_NOMEM.
 */
FALLIBLE asm_text(struct view text, const char *name, struct arena *a, struct isa_insn **out, uint32_t *out_n,
		  struct diag *d);
/* Encode all slots. out->full when it takes no more. */
void asm_encode(const struct isa_insn *insns, uint32_t n, struct buf *out);

/* One instruction in LLVM's syntax; p (optional) gives names of maps, functions and helpers. */
void asm_print(const struct isa_insn *in, uint32_t slot, const struct prog *p, struct buf *out);
/* The whole program: functions, labels where jumps lead, source lines as comments when asked for. asm_text reads it
 * back. */
void asm_list(const struct prog *p, bool lines, struct buf *out);

#endif
