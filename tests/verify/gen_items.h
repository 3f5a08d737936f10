/* SPDX-License-Identifier: Apache-2.0 */
/* gen_items: what the files of the generator share, and the items that gen_more.c makes. */
#ifndef SALLYPORT_TESTS_VERIFY_GEN_ITEMS_H
#define SALLYPORT_TESTS_VERIFY_GEN_ITEMS_H

#include "asm.h"
#include "concrete.h"
#include "fixture.h"
#include "gen.h"

static inline void emit(struct gen *g, struct isa_insn in)
{
	if (g->n < GEN_MAX)
		g->code[g->n++] = in;
}

static inline void emit2(struct gen *g, struct isa_insn in)
{
	emit(g, in);
	emit(g, (struct isa_insn){ 0 });
}

static inline uint32_t below(struct gen *g, uint32_t n)
{
	return rng_below(&g->rng, n);
}

static inline bool one_in(struct gen *g, uint32_t n)
{
	return !below(g, n);
}

/* A register that holds a number. */
static inline unsigned num(struct gen *g)
{
	static const uint8_t regs[] = { 0, 7, 8, 9 };

	return regs[below(g, countof(regs))];
}

static inline unsigned width(struct gen *g)
{
	return one_in(g, 2) ? 64 : 32;
}

static inline struct isa_insn any_atomic(struct gen *g, unsigned w, unsigned at, int off)
{
	static const uint16_t ops[] = { ISA_ATOMIC_ADD,  ISA_ATOMIC_ADD_FETCH, ISA_ATOMIC_OR,  ISA_ATOMIC_OR_FETCH,
					ISA_ATOMIC_AND,  ISA_ATOMIC_AND_FETCH, ISA_ATOMIC_XOR, ISA_ATOMIC_XOR_FETCH,
					ISA_ATOMIC_XCHG, ISA_ATOMIC_CMPXCHG };

	return atomic(ops[below(g, countof(ops))], w, at, off, num(g));
}

static inline struct isa_insn any_ja(struct gen *g)
{
	return one_in(g, 2) ? jmp(0) : isa_make(ISA_JA, 32, ISA_FORM_JL, 0);
}

/* The jump at `from` lands here. */
static inline void land(struct gen *g, uint32_t from)
{
	g->code[from].off = (int32_t)(g->n - from - 1);
}

enum { GEN_MORE = 10 };
/* One of GEN_MORE kinds of items. */
void gen_more(struct gen *g, uint32_t kind);

#endif
