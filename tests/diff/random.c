/* SPDX-License-Identifier: Apache-2.0 */
/* random: the tree of a program from a seed. */
#include "program.h"

enum { MAX_DEPTH = 3, STACK_DATA = 64, STACK_TOP = 32 };

struct maker {
	struct diff_program *p;
	struct diff_func *f;
	uint64_t rng;
	uint32_t func, budget;
	uint8_t loops;
};

static uint32_t below(struct maker *m, uint32_t n)
{
	return (uint32_t)(diff_rng(&m->rng) % n);
}

/* A register that holds a number. */
static uint8_t number_reg(struct maker *m)
{
	static const uint8_t regs[] = { 0, 1, 2, 3, 4, 5, 7, 8, 9 };

	return regs[below(m, countof(regs))];
}

/* Often a few registers only: then results are used. */
static uint8_t near_reg(struct maker *m)
{
	static const uint8_t regs[] = { 0, 1, 7, 8 };

	return below(m, 3) ? regs[below(m, countof(regs))] : number_reg(m);
}

static int32_t interesting(struct maker *m)
{
	static const int32_t values[] = {
		0,     1,     -1,    2,  3,   4,      5,    7,     8,       10,        16,        31,
		32,    33,    63,    64, 100, 127,    128,  -128,  255,     256,       1000,      32767,
		32768, 65535, 65536, -2, -7,  -32768, 1337, 12345, 1 << 20, INT32_MAX, INT32_MIN, INT32_MIN + 1
	};

	return below(m, 3) ? values[below(m, countof(values))] : (int32_t)diff_rng(&m->rng);
}

static struct diff_item *add(struct maker *m, enum diff_kind kind)
{
	struct diff_item *it = &m->f->items[m->f->n++];

	memset(it, 0, sizeof *it);
	it->kind = (uint8_t)kind;
	it->size = 1;
	return it;
}

static struct isa_insn from_row(size_t row)
{
	const struct isa_row *r = &isa_rows[row];

	return (struct isa_insn){
		.sem = r->sem, .width = r->width, .form = r->form, .aux = r->aux, .row = (uint16_t)row
	};
}

/* A row between two semantics, whatever its width and form. */
static struct isa_insn row_of(struct maker *m, enum isa_sem first, enum isa_sem last)
{
	for (;;) {
		size_t row = below(m, (uint32_t)isa_n_rows);
		const struct isa_row *r = &isa_rows[row];

		if (r->sem >= first && r->sem <= last && r->sem != ISA_ADDR_CAST && r->sem != ISA_IMM64 &&
		    r->sem != ISA_MAY_GOTO)
			return from_row(row);
	}
}

static bool is_shift(const struct isa_insn *in)
{
	return in->sem == ISA_LSH || in->sem == ISA_RSH || in->sem == ISA_ARSH;
}

static bool divides(const struct isa_insn *in)
{
	return in->sem >= ISA_DIV && in->sem <= ISA_SMOD;
}

static void operands(struct maker *m, struct isa_insn *in)
{
	in->dst = near_reg(m);
	if (isa_b_is_imm(in)) {
		in->imm = interesting(m);
		if (is_shift(in)) /* the kernel refuses others */
			in->imm &= in->width - 1;
		if (divides(in) && !in->imm)
			in->imm = 3;
	} else if (in->form != ISA_FORM_R) {
		in->src = near_reg(m);
	}
}

static void alu(struct maker *m)
{
	struct diff_item *it = add(m, DIFF_ALU);

	it->insn = row_of(m, ISA_ADD, ISA_BSWAP);
	operands(m, &it->insn);
}

/* Pairs and triples that a compiler may fold into one. */
static void idiom(struct maker *m)
{
	uint8_t a = near_reg(m), b = number_reg(m);
	unsigned width = below(m, 2) ? 64 : 32, n = 1 + below(m, width - 1);
	struct diff_item *it = add(m, DIFF_ALU);

	it->insn = isa_make(ISA_MOV, width, ISA_FORM_RR, 0);
	it->insn.dst = b;
	it->insn.src = a;
	it = add(m, DIFF_ALU);
	it->insn = isa_make(ISA_LSH, width, ISA_FORM_RI, 0);
	it->insn.dst = a;
	it->insn.imm = below(m, 4) ? (int)n : 1 + (int)below(m, 3);
	it = add(m, DIFF_ALU);
	it->insn = isa_make(below(m, 4) ? ISA_RSH : ISA_ARSH, width, ISA_FORM_RI, 0);
	it->insn.dst = b;
	it->insn.imm = below(m, 4) ? (int)(width - n) : (int)n;
	it = add(m, DIFF_ALU);
	it->insn = isa_make(below(m, 3) ? ISA_OR : ISA_ADD, width, ISA_FORM_RR, 0);
	it->insn.dst = a;
	it->insn.src = b;
}

static void lddw(struct maker *m)
{
	struct diff_item *it = add(m, DIFF_LDDW);

	it->insn.dst = near_reg(m);
	it->imm64 = below(m, 2) ? diff_rng(&m->rng) : (uint64_t)(int64_t)interesting(m) << below(m, 33);
}

static struct isa_insn some_access(struct maker *m)
{
	struct isa_insn in = row_of(m, ISA_LDX, ISA_STORE_REL);

	in.dst = near_reg(m);
	in.src = near_reg(m);
	in.imm = in.form == ISA_FORM_ST ? interesting(m) : 0;
	return in;
}

static bool must_align(const struct isa_insn *in)
{
	return in->sem == ISA_ATOMIC || in->sem == ISA_LOAD_ACQ || in->sem == ISA_STORE_REL;
}

static void memory(struct maker *m)
{
	struct diff_item *it = add(m, DIFF_MEM_OP);
	int bytes;

	it->insn = some_access(m);
	it->stack = !below(m, 3);
	/* Seldom: the kernel is not asked about them (kernel.c). */
	if (it->insn.sem == ISA_ATOMIC && isa_atomic_fetches(it->insn.aux) && below(m, 32))
		it->stack = false;
	bytes = it->insn.width / 8;
	if (it->stack)
		it->insn.off = -STACK_TOP - bytes * (1 + (int)below(m, (uint32_t)(STACK_DATA / bytes)));
	else if (must_align(&it->insn))
		it->insn.off = bytes * (int)below(m, (uint32_t)(DIFF_MEM / bytes));
	else
		it->insn.off = (int)below(m, (uint32_t)(DIFF_MEM - bytes + 1));
}

static void indexed(struct maker *m)
{
	struct diff_item *it = add(m, DIFF_INDEX);
	uint32_t most;

	it->insn = some_access(m);
	it->index = number_reg(m);
	it->shift = must_align(&it->insn) ? (uint8_t)__builtin_ctz(it->insn.width / 8) : (uint8_t)below(m, 4);
	it->mask = (uint8_t)((1u << (1 + below(m, 5))) - 1);
	most = ((uint32_t)it->mask << it->shift) + it->insn.width / 8;
	while (most > DIFF_MEM) {
		it->mask >>= 1;
		most = ((uint32_t)it->mask << it->shift) + it->insn.width / 8;
	}
	it->insn.off = must_align(&it->insn) ? 0 : (int)below(m, DIFF_MEM - most + 1);
}

static void lookup(struct maker *m)
{
	struct diff_item *it = add(m, DIFF_LOOKUP);
	int bytes;

	do
		it->insn = some_access(m);
	while (it->insn.dst == 0 || it->insn.src == 0);
	bytes = it->insn.width / 8;
	it->insn.off = bytes * (int)below(m, (uint32_t)(DIFF_CELL / bytes));
	it->index = number_reg(m);
	it->mask = below(m, 2) ? DIFF_CELLS - 1 : 2 * DIFF_CELLS - 1; /* half of them miss */
}

static void items(struct maker *m, uint32_t n, uint32_t depth);

static void block(struct maker *m, enum diff_kind kind, uint32_t depth)
{
	uint32_t at = m->f->n;
	struct diff_item *it = add(m, kind);

	if (kind == DIFF_IF) {
		it->insn = row_of(m, ISA_JEQ, ISA_JSET);
		operands(m, &it->insn);
	} else {
		it->times = (uint8_t)(1 + below(m, 6));
		m->loops++;
	}
	items(m, 1 + below(m, 5), depth + 1);
	if (kind == DIFF_LOOP)
		m->loops--;
	m->f->items[at].size = (uint16_t)(m->f->n - at);
}

static void call(struct maker *m)
{
	add(m, DIFF_CALL)->func = (uint8_t)(m->func + 1 + below(m, m->p->n_funcs - m->func - 1));
}

static void one(struct maker *m, uint32_t depth)
{
	uint32_t what = below(m, 100);

	if (what < 40)
		alu(m);
	else if (what < 48)
		idiom(m);
	else if (what < 52)
		lddw(m);
	else if (what < 68)
		memory(m);
	else if (what < 78)
		indexed(m);
	else if (what < 84)
		lookup(m);
	else if (what < 94 && depth < MAX_DEPTH)
		block(m, DIFF_IF, depth);
	else if (what < 97 && depth < MAX_DEPTH && m->loops < 2)
		block(m, DIFF_LOOP, depth);
	else if (m->func + 1 < m->p->n_funcs)
		call(m);
	else
		alu(m);
}

static void items(struct maker *m, uint32_t n, uint32_t depth)
{
	for (uint32_t i = 0; i < n && m->f->n < m->budget; i++)
		one(m, depth);
}

void diff_random(struct diff_program *p, uint64_t seed)
{
	struct maker m = { .p = p, .rng = seed };

	p->n_funcs = 1 + below(&m, 4) % DIFF_MAX_FUNCS;
	for (m.func = 0; m.func < p->n_funcs; m.func++) {
		m.f = &p->funcs[m.func];
		m.f->n = 0;
		m.f->seed = diff_rng(&m.rng);
		/* Room for what one item and its children add at most. */
		m.budget = below(&m, 8) ? 40 : DIFF_MAX_ITEMS - 32;
		items(&m, 2 + below(&m, m.budget), 0);
	}
}
