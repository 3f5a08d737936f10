/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gen: random programs that stand a fair chance with the verifier.
 *
 * A program is a row of items. Between items r6 is the context, r0 and r7-r9 are numbers, and fp-32..fp
 * holds numbers; r1-r5 are scratch. Bounds are often right, and often just not. Callbacks get the caller's frame.
 */
#ifndef SALLYPORT_TESTS_VERIFY_GEN_H
#define SALLYPORT_TESTS_VERIFY_GEN_H

#include "engine/isa/isa.h"

enum { GEN_MAX = 512 };

/* Jumps whose target is some items ahead. */
struct gen_skips {
	uint32_t at[32], left[32], n;
};

struct gen {
	struct isa_insn code[GEN_MAX];
	uint32_t n;
	uint64_t rng;
	struct gen_skips skips;
	bool in_callee;
	bool plain;                           /* nothing that keeps the verifier from leaving numbers out of account */
	bool in_callback;                     /* r6 is what the callback was given, and there is no context */
	uint32_t call_sites[8], n_calls;      /* calls of the callee, and references to it */
	uint32_t back_sites[4][8], n_back[4]; /* references to callbacks of a loop, for_each, a timer, a drain */
};

void gen_program(struct gen *g, uint64_t seed);

#endif
