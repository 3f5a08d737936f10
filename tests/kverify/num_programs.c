/* SPDX-License-Identifier: Apache-2.0 */
/*
 * num_programs: see num_programs.h.
 *
 * First values: one number of which nothing is known, one of 32 bits, two narrowed by a mask or a shift. Then
 * operations on them and with constants that like to lie near powers of two and borders of signs. A branch leads to a
 * landing of its own at the end, so that no state there is like another.
 */
#include "num_programs.h"

struct gen {
	uint64_t rng;
	struct num_program *p;
	uint32_t jumps[NUM_OPS], n_jumps;
};

static uint64_t next(struct gen *g)
{
	g->rng ^= g->rng << 13;
	g->rng ^= g->rng >> 7;
	g->rng ^= g->rng << 17;
	return g->rng * UINT64_C(0x2545f4914f6cdd1d) >> 11;
}

static uint32_t below(struct gen *g, uint32_t n)
{
	return (uint32_t)(next(g) % n);
}

static struct isa_insn *put(struct gen *g, enum isa_sem sem, unsigned width, enum isa_form form, unsigned aux)
{
	struct isa_insn *in = &g->p->insns[g->p->n++];

	*in = isa_make(sem, width, form, aux);
	return in;
}

static int32_t interesting(struct gen *g)
{
	static const int32_t borders[] = { 0,   1,   -1,     2,      7,      8,       64,        127,      128,
					   255, 256, 0x7fff, 0x8000, 0xffff, 0x10000, INT32_MAX, INT32_MIN };
	int32_t v = borders[below(g, sizeof borders / sizeof borders[0])];

	switch (below(g, 4)) {
	case 0:
		return v;
	case 1:
		return (int32_t)((uint32_t)v + below(g, 5) - 2);
	case 2:
		return (int32_t)below(g, 4096) - 2048;
	default:
		return (int32_t)next(g);
	}
}

static uint8_t any_reg(struct gen *g)
{
	return (uint8_t)(NUM_FIRST + below(g, NUM_REGS));
}

static void random_value(struct gen *g, uint8_t reg)
{
	struct isa_insn *in;

	in = put(g, ISA_CALL, 64, ISA_FORM_CALL, ISA_CALL_HELPER);
	in->imm = 7; /* get_prandom_u32 */
	in = put(g, ISA_MOV, 64, ISA_FORM_RR, 0);
	in->dst = reg;
}

static void put_op(struct gen *g, enum isa_sem sem, unsigned width, int64_t imm, uint8_t reg)
{
	struct isa_insn *in = put(g, sem, width, ISA_FORM_RI, 0);

	in->dst = reg;
	in->imm = imm;
}

static void first_values(struct gen *g)
{
	for (uint8_t r = NUM_FIRST; r < NUM_FIRST + NUM_REGS; r++)
		random_value(g, r);
	put_op(g, ISA_RSH, 64, 32, NUM_FIRST + 1);
	put_op(g, ISA_AND, 64, interesting(g), NUM_FIRST + 2);
	put_op(g, below(g, 2) ? ISA_ARSH : ISA_RSH, 64, 1 + below(g, 62), NUM_FIRST + 3);
}

static void alu(struct gen *g, bool newest)
{
	static const uint8_t sems[] = { ISA_ADD, ISA_ADD, ISA_SUB, ISA_SUB,  ISA_MUL, ISA_AND, ISA_AND,  ISA_OR,
					ISA_XOR, ISA_LSH, ISA_RSH, ISA_ARSH, ISA_DIV, ISA_MOD, ISA_SDIV, ISA_SMOD };
	enum isa_sem sem = sems[below(g, newest ? 16 : 14)];
	unsigned width = below(g, 2) ? 64 : 32;
	bool shift = sem == ISA_LSH || sem == ISA_RSH || sem == ISA_ARSH;
	struct isa_insn *in;

	if (below(g, 3) == 0) {
		in = put(g, sem, width, ISA_FORM_RR, 0);
		in->dst = any_reg(g);
		in->src = any_reg(g);
		return;
	}
	put_op(g, sem, width, shift ? (int64_t)below(g, width) : interesting(g), any_reg(g));
	in = &g->p->insns[g->p->n - 1];
	if (!in->imm && (sem == ISA_DIV || sem == ISA_MOD || sem == ISA_SDIV || sem == ISA_SMOD))
		in->imm = 3;
}

static void unary(struct gen *g, bool newest)
{
	static const uint8_t widths[] = { 16, 32, 64 };
	static const uint8_t parts[] = { 8, 16, 32 };
	unsigned width = below(g, 2) ? 64 : 32;
	struct isa_insn *in;

	switch (below(g, newest ? 6 : 4)) {
	case 0:
		in = put(g, ISA_NEG, width, ISA_FORM_R, 0);
		break;
	case 1:
		in = put(g, below(g, 2) ? ISA_END_LE : ISA_END_BE, widths[below(g, 3)], ISA_FORM_R, 0);
		break;
	case 2:
		in = put(g, ISA_MOV, 32, ISA_FORM_RI, 0);
		in->imm = interesting(g);
		break;
	case 3:
		in = put(g, ISA_NEG, width, ISA_FORM_R, 0);
		break;
	case 4:
		in = put(g, ISA_BSWAP, widths[below(g, 3)], ISA_FORM_R, 0);
		break;
	default:
		in = put(g, ISA_MOVSX, width, ISA_FORM_RR, parts[below(g, width == 64 ? 3 : 2)]);
		in->src = any_reg(g);
	}
	in->dst = any_reg(g);
	if (in->sem == ISA_MOVSX)
		in->dst = in->src;
}

static void jump(struct gen *g)
{
	static const uint8_t sems[] = { ISA_JEQ,  ISA_JNE,  ISA_JGT,  ISA_JGE,  ISA_JLT, ISA_JLE,
					ISA_JSGT, ISA_JSGE, ISA_JSLT, ISA_JSLE, ISA_JSET };
	enum isa_sem sem = sems[below(g, sizeof sems)];
	unsigned width = below(g, 2) ? 64 : 32;
	struct isa_insn *in;

	g->jumps[g->n_jumps++] = g->p->n;
	if (below(g, 3) == 0) {
		in = put(g, sem, width, ISA_FORM_JRR, 0);
		in->src = any_reg(g);
	} else {
		in = put(g, sem, width, ISA_FORM_JRI, 0);
		in->imm = interesting(g);
	}
	in->dst = any_reg(g);
}

static void landing(struct gen *g)
{
	struct isa_insn *in = put(g, ISA_MOV, 64, ISA_FORM_RI, 0);

	in->imm = 0;
	(void)put(g, ISA_EXIT, 64, ISA_FORM_N, 0);
}

void num_program_make(struct num_program *p, uint64_t seed, bool newest)
{
	struct gen g = { .rng = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15), .p = p };

	*p = (struct num_program){ 0 };
	first_values(&g);
	p->body = p->n;
	for (int i = 0; i < NUM_OPS; i++) {
		uint32_t what = below(&g, 10);

		if (what < 5)
			alu(&g, newest);
		else if (what < 6)
			unary(&g, newest);
		else
			jump(&g);
	}
	p->body_end = p->n;
	landing(&g);
	for (uint32_t i = 0; i < g.n_jumps; i++) {
		p->insns[g.jumps[i]].off = (int32_t)(p->n - g.jumps[i] - 1);
		landing(&g);
	}
}

uint32_t num_program_encode(const struct num_program *p, uint8_t *out)
{
	size_t at = 0;

	for (uint32_t i = 0; i < p->n; i++)
		at += isa_encode(&p->insns[i], out + at);
	return (uint32_t)(at / ISA_SLOT_BYTES);
}
