/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program: random programs that are safe by construction, as trees, so that any part can be taken out.
 *
 * Between items r6 is the address of the memory (a map value of DIFF_MEM bytes), r0-r5 and r7-r9 are numbers, and the
 * data part of the stack holds numbers; r5 is also used for addresses within an item, and a number again after it. No
 * pointer ever becomes data, so what a program leaves in memory is the same wherever it runs. At its end a program
 * stores its registers behind the memory.
 */
#ifndef SALLYPORT_TESTS_DIFF_PROGRAM_H
#define SALLYPORT_TESTS_DIFF_PROGRAM_H

#include "engine/isa/isa.h"

enum {
	DIFF_MEM = 256,               /* bytes of memory that items use */
	DIFF_OUT = DIFF_MEM + 16 * 8, /* with the registers behind it: the value of map 0 */
	DIFF_CELLS = 8,               /* entries of map 1, an array that is looked up by index */
	DIFF_CELL = 16,               /* bytes of its values */
	DIFF_MAX_ITEMS = 200,
	DIFF_MAX_FUNCS = 3,
	DIFF_MAX_INSNS = 8192,
};

enum diff_kind {
	DIFF_ALU, /* insn as it is */
	DIFF_LDDW,
	DIFF_MEM_OP, /* insn on memory or, when `stack`, on the stack, at a fixed place */
	DIFF_INDEX,  /* insn on memory at an offset that is computed from `index` */
	DIFF_IF,     /* insn decides about the items below it */
	DIFF_LOOP,   /* the items below it, `times` times */
	DIFF_CALL,   /* function `func` */
	DIFF_LOOKUP, /* map 1 at `index`, masked with `mask`: insn on what is found */
	DIFF_N_KINDS
};

/* One item and what is below it: items[i + 1] to items[i + size - 1]. */
struct diff_item {
	struct isa_insn insn;
	uint64_t imm64;
	uint16_t size;
	uint8_t kind, index, mask, shift, times, func;
	bool stack;
};

struct diff_func {
	struct diff_item items[DIFF_MAX_ITEMS];
	uint32_t n;
	uint64_t seed; /* of the registers at its start */
};

/* funcs[0] is the entry; a function calls only later ones. */
struct diff_program {
	struct diff_func funcs[DIFF_MAX_FUNCS];
	uint32_t n_funcs;
};

void diff_random(struct diff_program *p, uint64_t seed);

struct diff_code {
	struct isa_insn insns[DIFF_MAX_INSNS];
	uint32_t n;
};
/* False: too long, or a jump too far. */
bool diff_lower(const struct diff_program *p, struct diff_code *out);

static inline uint64_t diff_rng(uint64_t *s)
{
	uint64_t z = *s += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 (Steele et al., 2014) */

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

#endif
