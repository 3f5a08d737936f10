/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path_programs: see path_programs.h.
 *
 * The generator notes what it thinks each register holds, as the last instruction leaves it; where branches meet it may
 * be wrong, and now and then it does not care. So some programs are rejected, each for its own reason.
 */
#include "path_programs.h"

enum kind { NOTHING, NUMBER, PACKET, END, VALUE, VALUE_OR_NULL, STACK, CTX };

enum { BODY = 28, MAX_JUMPS = BODY, CARELESS = 600 /* one in so many */ };

struct gen {
	uint64_t rng;
	struct path_program *p;
	uint8_t kind[ISA_N_REGS]; /* enum kind */
	uint32_t at[BODY + 1];    /* slot at which each step of the body begins */
	bool newest;
	uint32_t loop, loop_end; /* steps; 0: there is no loop */
	uint32_t may_goto;       /* slot of what ends it */
	uint32_t jumps[MAX_JUMPS], to[MAX_JUMPS], n_jumps;
};

static uint32_t below(struct gen *g, uint32_t n)
{
	g->rng ^= g->rng << 13;
	g->rng ^= g->rng >> 7;
	g->rng ^= g->rng << 17;
	return (uint32_t)((g->rng * UINT64_C(0x2545f4914f6cdd1d) >> 11) % n);
}

static struct isa_insn *put(struct gen *g, enum isa_sem sem, unsigned width, enum isa_form form, unsigned aux)
{
	struct isa_insn *in = &g->p->insns[g->p->n++];

	*in = isa_make(sem, width, form, aux);
	return in;
}

static void put_ri(struct gen *g, enum isa_sem sem, unsigned width, uint8_t dst, int64_t imm)
{
	struct isa_insn *in = put(g, sem, width, ISA_FORM_RI, 0);

	in->dst = dst;
	in->imm = imm;
}

static void put_rr(struct gen *g, enum isa_sem sem, unsigned width, uint8_t dst, uint8_t src)
{
	struct isa_insn *in = put(g, sem, width, ISA_FORM_RR, 0);

	in->dst = dst;
	in->src = src;
}

static void put_load(struct gen *g, unsigned width, uint8_t dst, uint8_t src, int32_t off)
{
	struct isa_insn *in = put(g, ISA_LDX, width, ISA_FORM_LDX, 0);

	in->dst = dst;
	in->src = src;
	in->off = off;
}

static void put_store(struct gen *g, unsigned width, uint8_t dst, uint8_t src, int32_t off)
{
	struct isa_insn *in = put(g, ISA_STX, width, ISA_FORM_STX, 0);

	in->dst = dst;
	in->src = src;
	in->off = off;
}

static void put_call(struct gen *g, int64_t helper)
{
	put(g, ISA_CALL, 64, ISA_FORM_CALL, ISA_CALL_HELPER)->imm = helper;
}

static bool is_there(const struct gen *g, enum kind k)
{
	for (uint8_t r = 0; r < ISA_FP; r++)
		if (g->kind[r] == k)
			return true;
	return false;
}

/* A register that holds this; any, where none does, or out of carelessness. */
static uint8_t pick(struct gen *g, enum kind k)
{
	uint8_t found[ISA_N_REGS];
	uint32_t n = 0;

	for (uint8_t r = 0; r < ISA_FP; r++)
		if (g->kind[r] == k)
			found[n++] = r;
	return n && below(g, CARELESS) ? found[below(g, n)] : (uint8_t)below(g, ISA_FP);
}

static int32_t constant(struct gen *g)
{
	static const int32_t borders[] = { 0,  1,  -1, 2,   4,   8,      14,     16,        32,
					   60, 63, 64, 255, 256, 0x7fff, 0xffff, INT32_MAX, INT32_MIN };

	return below(g, 3) ? borders[below(g, sizeof borders / sizeof borders[0])] : (int32_t)below(g, 128) - 32;
}

/* r9 the context; r0 a value or NULL; r7, r8 numbers; r2, r3 the packet and its end; r6 the stack. */
static void first_values(struct gen *g)
{
	struct isa_insn *in;

	put_rr(g, ISA_MOV, 64, 9, 1);
	put_call(g, 7);
	put_rr(g, ISA_MOV, 64, 7, 0);
	put_call(g, 7);
	put_rr(g, ISA_MOV, 64, 8, 0);
	put_ri(g, ISA_MOV, 64, 1, 0);
	put_store(g, 64, ISA_FP, 1, -8);
	in = put(g, ISA_IMM64, 64, ISA_FORM_LDDW, ISA_IMM64_MAP_FD);
	in->dst = 1;
	g->p->insns[g->p->n++] = (struct isa_insn){ .sem = ISA_PAD };
	put_rr(g, ISA_MOV, 64, 2, ISA_FP);
	put_ri(g, ISA_ADD, 64, 2, -8);
	put_call(g, 1);
	put_load(g, 32, 2, 9, 0);
	put_load(g, 32, 3, 9, 4);
	put_rr(g, ISA_MOV, 64, 6, ISA_FP);
	put_load(g, 32, 4, 9, 12);
	put_ri(g, ISA_MOV, 64, 5, constant(g));
	put_rr(g, ISA_MOV, 64, 1, 8);
	g->kind[0] = VALUE_OR_NULL;
	g->kind[2] = PACKET;
	g->kind[3] = END;
	g->kind[6] = STACK;
	g->kind[9] = CTX;
	g->kind[1] = g->kind[4] = g->kind[5] = g->kind[7] = g->kind[8] = NUMBER;
}

/* A register that may be lost. */
static uint8_t target(struct gen *g)
{
	return (uint8_t)(below(g, 8) ? 1 + below(g, 8) : below(g, 10));
}

static void move(struct gen *g)
{
	uint8_t src = (uint8_t)below(g, ISA_FP), dst = target(g);
	struct isa_insn *in;

	if (below(g, 3)) {
		src = pick(g, NUMBER);
		if (g->kind[dst] != NUMBER && below(g, 4))
			dst = pick(g, NUMBER);
	}
	if (below(g, 4)) {
		put_rr(g, ISA_MOV, 64, dst, src);
		g->kind[dst] = g->kind[src];
		return;
	}
	if (below(g, 2) || !g->newest) {
		put_rr(g, ISA_MOV, 32, dst, src);
	} else {
		in = put(g, ISA_MOVSX, 64, ISA_FORM_RR, 8u << below(g, 3));
		in->dst = dst;
		in->src = src;
	}
	g->kind[dst] = NUMBER;
}

static void arithmetic(struct gen *g)
{
	static const uint8_t sems[] = { ISA_ADD, ISA_ADD, ISA_ADD, ISA_SUB,  ISA_AND, ISA_AND, ISA_OR,
					ISA_XOR, ISA_LSH, ISA_RSH, ISA_ARSH, ISA_MUL, ISA_MOD, ISA_NEG };
	enum isa_sem sem = sems[below(g, sizeof sems)];
	unsigned width = below(g, 3) ? 64 : 32;
	uint8_t dst = pick(g, NUMBER);

	if (sem == ISA_NEG)
		put(g, sem, width, ISA_FORM_R, 0)->dst = dst;
	else if (sem == ISA_LSH || sem == ISA_RSH || sem == ISA_ARSH)
		put_ri(g, sem, width, dst, below(g, width));
	else if (below(g, 3) || sem == ISA_MOD)
		put_ri(g, sem, width, dst, sem == ISA_MOD ? (int64_t)(1 + below(g, 64)) : constant(g));
	else
		put_rr(g, sem, width, dst, pick(g, NUMBER));
}

static void move_pointer(struct gen *g)
{
	static const uint8_t kinds[] = { PACKET, PACKET, VALUE, STACK, VALUE_OR_NULL, CTX, END };
	enum kind k = (enum kind)kinds[below(g, below(g, 6) ? 4 : 7)];
	uint8_t src, dst = target(g);

	if ((k == VALUE_OR_NULL || k == END || k == CTX) && below(g, 12))
		k = STACK;
	if (!is_there(g, k))
		return;
	src = pick(g, k);
	put_rr(g, ISA_MOV, 64, dst, src);
	if (below(g, 5))
		put_ri(g, below(g, 4) ? ISA_ADD : ISA_SUB, 64, dst, below(g, 4) ? (int64_t)below(g, 40) : constant(g));
	else
		put_rr(g, below(g, 5) ? ISA_ADD : ISA_SUB, 64, dst, pick(g, NUMBER));
	g->kind[dst] = g->kind[src];
}

/* Forward, to the beginning of a later step. */
static struct isa_insn *jump_to(struct gen *g, uint32_t step, struct isa_insn *in)
{
	uint32_t to = step + 1 + below(g, below(g, 3) ? 4 : BODY);

	g->jumps[g->n_jumps] = g->p->n - 1;
	g->to[g->n_jumps++] = to > BODY ? BODY : to;
	return in;
}

static void branch(struct gen *g, uint32_t step)
{
	static const uint8_t sems[] = { ISA_JEQ,  ISA_JNE,  ISA_JGT,  ISA_JGE,  ISA_JLT, ISA_JLE,
					ISA_JSGT, ISA_JSGE, ISA_JSLT, ISA_JSLE, ISA_JSET };
	enum isa_sem sem = sems[below(g, sizeof sems)];
	unsigned width = below(g, 3) ? 64 : 32;
	uint32_t what = below(g, 10);
	struct isa_insn *in;

	if (what < 2 && is_there(g, PACKET) && is_there(g, END)) {
		in = jump_to(g, step, put(g, sems[2 + below(g, 4)], 64, ISA_FORM_JRR, 0));
		in->dst = pick(g, below(g, 2) ? PACKET : END);
		in->src = pick(g, g->kind[in->dst] == PACKET ? END : PACKET);
		return;
	}
	if (what < 4 && is_there(g, VALUE_OR_NULL)) {
		in = jump_to(g, step, put(g, below(g, 2) ? ISA_JEQ : ISA_JNE, 64, ISA_FORM_JRI, 0));
		in->dst = pick(g, VALUE_OR_NULL);
		for (uint8_t r = 0; in->sem == ISA_JEQ && r < ISA_FP; r++)
			if (g->kind[r] == VALUE_OR_NULL)
				g->kind[r] = VALUE;
		return;
	}
	if (what < 7) {
		in = jump_to(g, step, put(g, sem, width, ISA_FORM_JRI, 0));
		in->imm = constant(g);
	} else {
		in = jump_to(g, step, put(g, sem, width, ISA_FORM_JRR, 0));
		in->src = pick(g, NUMBER);
	}
	in->dst = pick(g, NUMBER);
}

static void access_memory(struct gen *g)
{
	static const uint8_t kinds[] = { PACKET, VALUE, VALUE, STACK };
	enum kind k = (enum kind)kinds[below(g, 4)];
	unsigned width = 8u << below(g, 4);
	int32_t off = (int32_t)below(g, 24);
	uint8_t r;

	if (k == STACK) {
		off = -8 * (int32_t)(1 + below(g, 4)) + (below(g, 6) ? 0 : (int32_t)below(g, 8));
		r = ISA_FP;
	} else {
		if (!is_there(g, k) || (k == PACKET && below(g, 3)))
			return;
		r = pick(g, k);
	}
	if (below(g, 2)) {
		put_store(g, width, r, k == STACK && below(g, 4) ? (uint8_t)below(g, ISA_FP) : pick(g, NUMBER), off);
		return;
	}
	put_load(g, width, pick(g, NUMBER), r, off);
}

/* may_goto leaves a loop that nothing else need end. */
static void begin_loop(struct gen *g)
{
	g->may_goto = g->p->n;
	(void)put(g, ISA_MAY_GOTO, 64, ISA_FORM_J, 0);
}

static void end_loop(struct gen *g)
{
	struct isa_insn *back = put(g, ISA_JA, 64, ISA_FORM_J, 0);

	back->off = (int32_t)(g->at[g->loop] - g->p->n);
	g->p->insns[g->may_goto].off = (int32_t)(g->p->n - g->may_goto - 1);
}

static void choose_loop(struct gen *g)
{
	if (!g->newest || below(g, 12))
		return;
	g->loop = 1 + below(g, BODY - 6);
	g->loop_end = g->loop + below(g, 5);
}

void path_program_make(struct path_program *p, uint64_t seed, bool newest)
{
	struct gen g = { .rng = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15), .p = p, .newest = newest };

	*p = (struct path_program){ 0 };
	first_values(&g);
	choose_loop(&g);
	for (uint32_t i = 0; i < BODY; i++) {
		uint32_t what = below(&g, 20);

		g.at[i] = p->n;
		if (g.loop && i == g.loop)
			begin_loop(&g);
		if (what < 4)
			move(&g);
		else if (what < 9)
			arithmetic(&g);
		else if (what < 11)
			move_pointer(&g);
		else if (what < 17)
			branch(&g, i);
		else
			access_memory(&g);
		if (g.loop && i == g.loop_end)
			end_loop(&g);
	}
	g.at[BODY] = p->n;
	put_ri(&g, ISA_MOV, 64, 0, 1);
	(void)put(&g, ISA_EXIT, 64, ISA_FORM_N, 0);
	for (uint32_t i = 0; i < g.n_jumps; i++)
		p->insns[g.jumps[i]].off = (int32_t)(g.at[g.to[i]] - g.jumps[i] - 1);
}
