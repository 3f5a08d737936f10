/* SPDX-License-Identifier: Apache-2.0 */
#include "chase.h"

#include "asm.h"
#include "concrete.h"
#include "fixture.h"

/*
 * Where things are: r6 the context, r9 a number of the context that nothing is known of. The number that is chased is
 * in r7 or r8 or in a slot of this frame; all the other registers and slots hold numbers that do not matter, or copies.
 */
enum { SLOT_LOW = -24, CALLS_MAX = 4, N_FUNCS = 6 };

struct chase {
	struct gen *g;
	unsigned at;   /* the register that holds it, 7 or 8 */
	int saved;     /* the slot that it was saved in last; 0: none */
	uint32_t fork; /* how many places where states meet were made */
	struct {
		uint32_t site, kind;
	} call[CALLS_MAX];
	uint32_t n_calls;
};

static void emit(struct chase *c, struct isa_insn in)
{
	if (c->g->n < GEN_MAX)
		c->g->code[c->g->n++] = in;
}

static void emit2(struct chase *c, struct isa_insn in)
{
	emit(c, in);
	emit(c, (struct isa_insn){ 0 });
}

static uint32_t below(struct chase *c, uint32_t n)
{
	return rng_below(&c->g->rng, n);
}

static bool one_in(struct chase *c, uint32_t n)
{
	return !below(c, n);
}

static int slot(struct chase *c)
{
	return SLOT_LOW + 8 * (int)below(c, 3);
}

static unsigned other(unsigned r)
{
	return r == 7 ? 8 : 7;
}

/* Small, and near the size of a value of the array. */
static int32_t constant(struct chase *c)
{
	static const int32_t near[] = { 0, 1, 2, 7, 8, 15, 16, 31, 32, 56, 57, 63, 64, 65, 100, -1 };

	return near[below(c, countof(near))];
}

/* Two paths that meet again. */
static void fork_and_meet(struct chase *c)
{
	emit(c, jcc(one_in(c, 3) ? ISA_JSET : ISA_JEQ, 64, 9, 1 << (c->fork++ % 30), 1));
	emit(c, mov(5, constant(c)));
	if (one_in(c, 2))
		emit(c, mov(5, constant(c)));
}

/* The number: one on this path, another on that one. */
static void disagree(struct chase *c)
{
	int32_t one = constant(c), two = constant(c);

	switch (below(c, 4)) {
	case 0: /* in a register */
	case 1:
		emit(c, mov(c->at, one));
		emit(c, jcc(ISA_JEQ, 64, 9, 3, 1));
		emit(c, mov(c->at, two));
		return;
	case 2: /* in a slot */
		c->saved = slot(c);
		emit(c, st(64, 10, c->saved, one));
		emit(c, jcc(ISA_JEQ, 64, 9, 3, 1));
		emit(c, st(64, 10, c->saved, two));
		fork_and_meet(c);
		emit(c, ldx(64, c->at, 10, c->saved));
		return;
	default: /* linked on one path to what is compared later */
		emit(c, ldx(64, c->at, 6, CTX_U64));
		emit(c, ldx(64, 3, 6, CTX_U64));
		emit(c, jcc(ISA_JEQ, 64, 9, 3, 1));
		emit(c, one_in(c, 2) ? movr(3, c->at) : movr(c->at, 3));
		fork_and_meet(c);
		emit(c, jcc(ISA_JGT, one_in(c, 4) ? 32 : 64, 3, 56 + (int32_t)below(c, 10), 1));
		emit(c, jmp(2));
		emit(c, mov(0, 0));
		emit(c, exit_());
	}
}

static void step_move(struct chase *c)
{
	unsigned to = other(c->at);

	emit(c, one_in(c, 3)   ? op_rr(ISA_MOV, 32, 0, to, c->at)
		: one_in(c, 3) ? op_rr(ISA_MOVSX, 64, 8u << below(c, 3), to, c->at)
			       : movr(to, c->at));
	if (!one_in(c, 3))
		emit(c, mov(c->at, constant(c)));
	c->at = to;
}

static void step_alu(struct chase *c)
{
	static const uint8_t ops[] = { ISA_ADD, ISA_SUB, ISA_AND, ISA_OR,  ISA_XOR,
				       ISA_MUL, ISA_RSH, ISA_LSH, ISA_DIV, ISA_MOD };
	enum isa_sem op = ops[below(c, countof(ops))];
	unsigned w = one_in(c, 4) ? 32 : 64, to = other(c->at);

	switch (below(c, 4)) {
	case 0:
		emit(c, op_ri(op, w, c->at, op == ISA_AND || op == ISA_OR ? 127 : 1 + (int32_t)below(c, 3)));
		return;
	case 1: /* from the right */
		emit(c, mov(to, (int32_t)below(c, 4)));
		emit(c, op_rr(op == ISA_LSH || op == ISA_RSH ? ISA_ADD : op, w, 0, to, c->at));
		c->at = to;
		return;
	case 2: /* with a number that does not change it */
		emit(c, mov(3, 0));
		emit(c, op_rr(ISA_ADD, w, 0, c->at, 3));
		return;
	default:
		if (one_in(c, 2)) {
			emit(c, op_r(ISA_NEG, 64, c->at));
			emit(c, op_r(ISA_NEG, 64, c->at));
		} else {
			emit(c, op_r(one_in(c, 2) ? ISA_END_LE : ISA_BSWAP, 64, c->at));
			emit(c, op_r(c->g->code[c->g->n - 1].sem, 64, c->at));
		}
	}
}

/* Out to the stack, in whole or in part, and back. */
static void step_stack(struct chase *c)
{
	int at = slot(c);
	unsigned w = 8u << below(c, 4), to = one_in(c, 2) ? c->at : other(c->at);

	if (c->saved && one_in(c, 3)) { /* what was saved earlier */
		emit(c, ldx(64, c->at, 10, c->saved));
		return;
	}
	c->saved = at;
	if (one_in(c, 4)) { /* in part, into zeroes */
		emit(c, st(64, 10, at, 0));
		if (one_in(c, 2))
			fork_and_meet(c);
		emit(c, stx(w, 10, at, c->at));
		if (w < 64)
			c->saved = 0;
	} else {
		emit(c, stx(64, 10, at, c->at));
		emit(c, mov(c->at, constant(c)));
	}
	if (one_in(c, 2))
		fork_and_meet(c);
	if (one_in(c, 5)) { /* break it */
		emit(c, st(8, 10, at + 1 + (int)below(c, 7), one_in(c, 2) ? 0 : 1));
		c->saved = 0;
	}
	emit(c, ldx(one_in(c, 3) ? w : 64, to, 10, at));
	c->at = to;
}

/* A branch that the number may decide, or that tells of another one by it. */
static void step_branch(struct chase *c)
{
	static const uint8_t ops[] = { ISA_JEQ, ISA_JNE,  ISA_JGT,  ISA_JGE, ISA_JLT,
				       ISA_JLE, ISA_JSGT, ISA_JSLE, ISA_JSET };
	enum isa_sem op = ops[below(c, countof(ops))];
	unsigned to = other(c->at);

	switch (below(c, 4)) {
	case 0:
		emit(c, jcc(op, one_in(c, 3) ? 32 : 64, c->at, constant(c), 1));
		emit(c, mov(to, constant(c)));
		if (one_in(c, 2)) {
			emit(c, mov(c->at, 0));
			c->at = to;
		}
		return;
	case 1:
		emit(c, mov(to, constant(c)));
		if (one_in(c, 2))
			emit(c, jccr(op, 64, c->at, to, 1));
		else
			emit(c, jccr(op, 64, to, c->at, 1));
		emit(c, mov(to, constant(c)));
		c->at = one_in(c, 2) ? to : c->at;
		return;
	case 2: /* another number is below it */
		emit(c, ldx(64, to, 6, CTX_U64));
		if (one_in(c, 2))
			emit(c, movr(3, to));
		else
			emit(c, mov(3, 0));
		emit(c, one_in(c, 2) ? jccr(ISA_JLT, 64, to, c->at, 2) : jccr(ISA_JGT, 64, c->at, to, 2));
		emit(c, mov(0, 0));
		emit(c, exit_());
		if (one_in(c, 3) && c->g->code[c->g->n - 4].sem == ISA_MOV &&
		    c->g->code[c->g->n - 4].form == ISA_FORM_RR)
			emit(c, movr(to, 3));
		c->at = to;
		return;
	default: /* a pointer is compared with it */
		emit(c, jccr(one_in(c, 2) ? ISA_JEQ : ISA_JNE, 64, 10, c->at, 0));
	}
}

/*
 * Into a function: FUNC_GIVE gives its first argument, FUNC_READ what is in the caller's stack, FUNC_WRITE writes it
 * there, FUNC_BOUND compares a copy of it; FUNC_TAIL calls another program; FUNC_ROUNDS is a helper's callback.
 */
enum { FUNC_GIVE, FUNC_READ, FUNC_WRITE, FUNC_BOUND, FUNC_TAIL, FUNC_ROUNDS };

static void step_call(struct chase *c)
{
	uint32_t kind = one_in(c, 2) ? below(c, 4) : below(c, N_FUNCS), i;

	if (c->n_calls == CALLS_MAX)
		return;
	i = c->n_calls++;
	c->call[i].kind = kind;
	if (kind == FUNC_READ || kind == FUNC_BOUND || kind == FUNC_ROUNDS)
		emit(c, stx(64, 10, SLOT_LOW, c->at));
	if (kind == FUNC_ROUNDS) {
		emit(c, mov(1, 3));
		c->call[i].site = c->g->n;
		emit2(c, func_ref(2, 0));
		emit(c, movr(3, 10));
		emit(c, mov(4, 0));
		emit(c, call(LINUX_LOOP));
		if (one_in(c, 2))
			emit(c, ldx(64, c->at, 10, SLOT_LOW));
		return;
	}
	emit(c, movr(1, kind == FUNC_TAIL ? 6 : c->at));
	emit(c, movr(2, 10));
	if (kind != FUNC_TAIL && one_in(c, 2))
		emit(c, mov(c->at, 0));
	if (kind == FUNC_WRITE)
		c->saved = 0;
	c->call[i].site = c->g->n;
	emit(c, call_local(0));
	if (kind == FUNC_WRITE || kind == FUNC_BOUND)
		emit(c, ldx(64, c->at, 10, SLOT_LOW));
	else if (kind != FUNC_TAIL)
		emit(c, movr(c->at, 0));
}

static void callee(struct chase *c, uint32_t i)
{
	c->g->code[c->call[i].site].imm = (int32_t)(c->g->n - c->call[i].site - 1);
	emit(c, movr(6, 1));
	emit(c, mov(0, 0));
	if (one_in(c, 2)) {
		emit(c, stx(64, 10, -8, 1));
		emit(c, mov(6, 0));
		emit(c, ldx(64, 6, 10, -8));
	}
	switch (c->call[i].kind) {
	case FUNC_GIVE:
		emit(c, movr(0, 6));
		break;
	case FUNC_READ:
		emit(c, ldx(64, 0, 2, SLOT_LOW));
		break;
	case FUNC_WRITE:
		emit(c, stx(64, 2, SLOT_LOW, 6));
		break;
	case FUNC_BOUND: /* through a copy; the caller's slot learns */
		emit(c, ldx(64, 3, 2, SLOT_LOW));
		emit(c, jcc(ISA_JLE, 64, 3, 40 + (int32_t)below(c, 30), 1));
		emit(c, st(64, 2, SLOT_LOW, 0));
		break;
	case FUNC_TAIL: /* with registers of its own */
		emit(c, mov(7, 0));
		emit(c, mov(8, 0));
		emit(c, movr(1, 6));
		emit2(c, imm64(ISA_IMM64_MAP_FD, 2, MAP_PROGS, 0));
		emit(c, mov(3, 0));
		emit(c, call(LINUX_TAIL_CALL));
		break;
	default:
		emit(c, mov(7, 0));
		emit(c, ldx(64, 8, 2, SLOT_LOW));
		if (one_in(c, 2))
			emit(c, and_(8, 63));
		else if (one_in(c, 2))
			emit(c, add(8, 1));
		emit(c, stx(64, 2, SLOT_LOW, 8));
		emit(c, mov(0, 0));
	}
	emit(c, exit_());
}

/* Past a helper, or an atomic operation, that leaves it alone. */
static void step_past(struct chase *c)
{
	if (one_in(c, 2)) {
		emit(c, movr(1, 6));
		emit(c, call(HELPER_CTX));
		return;
	}
	emit2(c, imm64(ISA_IMM64_MAP_VALUE, 1, MAP_ARRAY, 0));
	emit(c, mov(2, 1));
	emit(c, atomic(one_in(c, 2) ? ISA_ATOMIC_XCHG : ISA_ATOMIC_ADD, 64, 1, 0, one_in(c, 3) ? c->at : 2));
}

/* Further than the verifier keeps a trail of, or far enough that it keeps states on a straight way. */
static void step_far(struct chase *c)
{
	uint32_t pairs = one_in(c, 2) ? 135 : 40;

	for (uint32_t i = 0; i < pairs && c->g->n < GEN_MAX - 150; i++) {
		emit(c, stx(64, 10, SLOT_LOW + 8 * (int)(i % 3), c->at));
		emit(c, ldx(64, c->at, 10, SLOT_LOW + 8 * (int)(i % 3)));
	}
	emit(c, mov(5, 1));
	emit(c, jcc(ISA_JEQ, 64, 5, 1, 1));
	emit(c, mov(5, 2));
}

static void step(struct chase *c)
{
	if (one_in(c, 40)) {
		step_far(c);
		return;
	}
	switch (below(c, 8)) {
	case 0:
		step_move(c);
		return;
	case 1:
	case 2:
		step_alu(c);
		return;
	case 3:
	case 4:
		step_stack(c);
		return;
	case 5:
		step_branch(c);
		return;
	case 6:
		step_call(c);
		return;
	default:
		step_past(c);
	}
}

static void use_offset(struct chase *c)
{
	emit2(c, imm64(ISA_IMM64_MAP_VALUE, 4, MAP_ARRAY, 0));
	emit(c, addr(4, c->at));
	emit(c, ldx(8, 4, 4, 0));
	emit(c, mov(0, 0));
}

static void use_size(struct chase *c)
{
	for (int at = -64; at < -24; at += 8)
		emit(c, st(64, 10, at, 0));
	emit(c, movr(1, 10));
	emit(c, add(1, -64));
	emit(c, movr(2, c->at));
	emit(c, call(HELPER_READ));
	emit(c, mov(0, 0));
}

static void use_zero(struct chase *c)
{
	emit(c, stx(64, 10, SLOT_LOW, c->at));
	if (one_in(c, 2))
		fork_and_meet(c);
	emit(c, ldx(8, 3, 6, CTX_U8));
	emit(c, and_(3, 7));
	emit(c, movr(4, 10));
	emit(c, add(4, SLOT_LOW));
	emit(c, addr(4, 3));
	emit(c, ldx(8, c->at, 4, 0));
	use_offset(c);
}

static void use_record(struct chase *c)
{
	uint32_t check;

	emit2(c, imm64(ISA_IMM64_MAP_FD, 1, MAP_RING, 0));
	emit(c, movr(2, c->at));
	emit(c, mov(3, 0));
	emit(c, call(LINUX_RESERVE));
	check = c->g->n;
	emit(c, jcc(ISA_JEQ, 64, 0, 0, 0));
	emit(c, st(8, 0, 31, 1));
	emit(c, movr(1, 0));
	emit(c, mov(2, 0));
	emit(c, call(LINUX_SUBMIT));
	c->g->code[check].off = (int32_t)(c->g->n - check - 1);
	emit(c, mov(0, 0));
}

static void use(struct chase *c)
{
	switch (below(c, 8)) {
	case 0:
		use_size(c);
		return;
	case 1:
		use_zero(c);
		return;
	case 2:
		use_record(c);
		return;
	case 3: /* what is returned */
		emit(c, movr(0, c->at));
		return;
	case 4: /* a branch that leads nowhere good */
		emit(c, mov(0, 0));
		emit(c, jcc(one_in(c, 2) ? ISA_JLE : ISA_JSGE, 64, c->at, constant(c), 1));
		emit(c, mov(0, 7));
		return;
	default:
		use_offset(c);
	}
}

void chase_program(struct gen *g, uint64_t seed)
{
	struct chase c = { .g = g, .at = 7 };

	*g = (struct gen){ .rng = seed };
	emit(&c, movr(6, 1));
	emit(&c, ldx(64, 9, 6, CTX_U64));
	for (int at = SLOT_LOW; at < 0; at += 8)
		emit(&c, st(64, 10, at, 0));
	for (unsigned r = 7; r <= 8; r++)
		emit(&c, mov(r, 0));
	disagree(&c);
	for (uint32_t n = below(&c, 5); n; n--) {
		step(&c);
		if (one_in(&c, 2))
			fork_and_meet(&c);
	}
	use(&c);
	for (uint32_t n = below(&c, 4); n; n--) /* the need is followed back from further on */
		fork_and_meet(&c);
	emit(&c, exit_());
	for (uint32_t i = 0; i < c.n_calls; i++)
		callee(&c, i);
}
