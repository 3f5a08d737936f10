/* SPDX-License-Identifier: Apache-2.0 */
/* alu: what alu*.c, jump*.c and linked.c share. */
#ifndef SALLYPORT_ENGINE_KVERIFY_ALU_H
#define SALLYPORT_ENGINE_KVERIFY_ALU_H

#include "engine/kverify/mem.h"

/* dst = ptr OP by, either of which is dst. Linux: adjust_ptr_min_max_vals */
FALLIBLE kalu_pointer(struct kverifier *v, const struct isa_insn *in, const struct kreg *ptr, const struct kreg *by);
const char *kalu_symbol(const struct isa_insn *in); /* "+=" */

/*
 * The numbers that are linked to this id, in all frames and on the stack, up to klinked_max; the others are unlinked.
 * Linux: collect_linked_regs
 */
void klinked_collect(struct kverifier *v, uint32_t id, struct klinked *l);
/* Those linked to *known become what it is, or what it is plus the constant between them. Linux: sync_linked_regs */
void klinked_sync(struct kverifier *v, struct kverify_state *s, const struct kreg *known, const struct klinked *l);
/* All numbers of the same id become *known. Linux: find_equal_scalars, v6.1 */
void klinked_equal(struct kverifier *v, struct kverify_state *s, const struct kreg *known);

/* ---- jump_pointer.c: s is the state in which the branch was not taken, other the one in which it was ---- */
/* Can a comparison of pointers (with each other, with NULL) be decided? As knum_branch. */
int kjump_pointers(const struct kverifier *v, const struct isa_insn *in, const struct kreg *a, const struct kreg *b);
/* What the comparison says of pointers. */
FALLIBLE kjump_learn_pointers(struct kverifier *v, const struct isa_insn *in, const struct kreg *a,
			      const struct kreg *b, struct kverify_state *other);

#endif
