/* SPDX-License-Identifier: Apache-2.0 */
/* num_programs: random programs of arithmetic and branches, and what a kernel's log says of their registers. */
#ifndef SALLYPORT_TESTS_KVERIFY_NUM_PROGRAMS_H
#define SALLYPORT_TESTS_KVERIFY_NUM_PROGRAMS_H

#include "engine/isa/isa.h"

enum {
	NUM_FIRST = 6, /* r6 to r9 are the numbers */
	NUM_REGS = 4,
	NUM_OPS = 16,
	NUM_MAX_INSNS = 128,
};

struct num_program {
	struct isa_insn insns[NUM_MAX_INSNS];
	uint32_t n, body; /* the body begins at slot `body`: before it the registers get their first values */
	uint32_t body_end;
};

/* The same seed makes the same program. newest: with instructions of ISA version 4. */
void num_program_make(struct num_program *p, uint64_t seed, bool newest);
uint32_t num_program_encode(const struct num_program *p, uint8_t *out); /* slots */

#endif
