/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random programs, interpreted and compiled: results, memory, faults and fuel are the same.
 *
 * Most accesses are to memory that is the program's: r9 is the context, addresses are r9 or r10 plus a bounded index,
 * unless a jump led past the bounding. Wild programs also take any register for an address, and look at what calls
 * leave in r1 to r5. Whatever ends well in the interpreter has done nothing that a verifier forbids, so that tame ones
 * of these are compiled without checks too. Fuel is small, so that loops end, in every way at the same jump.
 */
#include "jittest.h"

#include <stdlib.h>

enum { N_PROGRAMS = 1500, BODY = 40, FUNCS = 3 };

struct gen {
	struct code c;
	uint64_t seed;
	bool wild;
	uint32_t start, end; /* of the function being written */
	uint32_t calls[64], n_calls;
	uint32_t jumps[256], n_jumps;
	unsigned func;
};

static unsigned pick(struct gen *g, unsigned n)
{
	return (unsigned)(rnd(&g->seed) % n);
}

static uint64_t number(struct gen *g)
{
	uint64_t v = rnd(&g->seed);

	switch (pick(g, 6)) {
	case 0:
		return pick(g, 64);
	case 1:
		return (uint64_t) - (int64_t)pick(g, 300);
	case 2:
		return UINT64_C(1) << pick(g, 64);
	case 3:
		return v & UINT32_MAX;
	case 4:
		return (uint64_t)(int64_t)(int32_t)v;
	default:
		return v;
	}
}

/* r0..r8: what a program computes with. */
static unsigned reg(struct gen *g)
{
	return pick(g, 9);
}

static void gen_alu(struct gen *g)
{
	const struct isa_row *row;

	do
		row = &isa_rows[pick(g, (unsigned)isa_n_rows)];
	while (row->sem < ISA_ADD || row->sem > ISA_BSWAP || row->sem == ISA_ADDR_CAST);
	(void)emit(&g->c, row->name, reg(g), row->form == ISA_FORM_RR ? (pick(g, 10) ? reg(g) : 9 + pick(g, 2)) : 0,
		   row->sel == ISA_SEL_OFF ? row->value : 0,
		   row->form == ISA_FORM_RI  ? (int32_t)number(g)
		   : row->sel == ISA_SEL_IMM ? row->value
					     : 0);
}

/* The idioms that compilers know: address arithmetic, rotations, extensions, choices. */
static void gen_idiom(struct gen *g)
{
	unsigned a = reg(g), b = reg(g), n = 1 + pick(g, 63);

	switch (pick(g, 6)) {
	case 0:
		mov(&g->c, a, b);
		(void)emit(&g->c, "RSH64_IMM", a, 0, 0, 64 - n);
		(void)emit(&g->c, "LSH64_IMM", b, 0, 0, n);
		(void)emit(&g->c, "OR64_REG", b, a, 0, 0);
		if (pick(g, 2))
			movi(&g->c, a, 1);
		break;
	case 1:
		(void)emit(&g->c, "LSH64_IMM", a, 0, 0, 32 + 8 * pick(g, 4));
		(void)emit(&g->c, pick(g, 2) ? "RSH64_IMM" : "ARSH64_IMM", a, 0, 0, g->c.insns[g->c.n - 1].imm);
		break;
	case 2:
		mov(&g->c, a, b);
		addi(&g->c, a, (int32_t)pick(g, 100) - 50);
		(void)emit(&g->c, "LSH64_IMM", a, 0, 0, pick(g, 4));
		(void)emit(&g->c, "ADD64_REG", a, reg(g), 0, 0);
		break;
	case 3:
		(void)emit(&g->c, "MOV32_REG", a, b, 0, 0);
		(void)emit(&g->c, "ADD32_IMM", a, 0, 0, (int32_t)number(g));
		break;
	default:
		(void)emit(&g->c, pick(g, 2) ? "JGT64_IMM" : "JEQ32_IMM", b, 0, 1, (int32_t)number(g));
		if (pick(g, 2))
			(void)emit(&g->c, pick(g, 2) ? "MOV64_REG" : "MOV32_REG", a, reg(g), 0, 0);
		else
			movi(&g->c, a, (int32_t)number(g));
	}
}

static const char *const accesses[] = { "LDXB", "LDXH", "LDXW", "LDXDW", "LDXSB", "LDXSH", "LDXSW", "STB",
					"STH",  "STW",  "STDW", "STXB",  "STXH",  "STXW",  "STXDW" };
static const char *const atomics[] = {
	"ATOMIC_ADD32",       "ATOMIC_ADD_FETCH32", "ATOMIC_OR32",        "ATOMIC_OR_FETCH32", "ATOMIC_AND32",
	"ATOMIC_AND_FETCH32", "ATOMIC_XOR32",       "ATOMIC_XOR_FETCH32", "ATOMIC_XCHG32",     "ATOMIC_CMPXCHG32",
	"ATOMIC_ADD64",       "ATOMIC_ADD_FETCH64", "ATOMIC_OR64",        "ATOMIC_OR_FETCH64", "ATOMIC_AND64",
	"ATOMIC_AND_FETCH64", "ATOMIC_XOR64",       "ATOMIC_XOR_FETCH64", "ATOMIC_XCHG64",     "ATOMIC_CMPXCHG64",
	"LOAD_ACQ8",          "LOAD_ACQ16",         "LOAD_ACQ32",         "LOAD_ACQ64",        "STORE_REL8",
	"STORE_REL16",        "STORE_REL32",        "STORE_REL64",
};

static void access_at(struct gen *g, unsigned base, int32_t off)
{
	bool atomic = !pick(g, 4);
	const char *name = atomic ? atomics[pick(g, countof(atomics))] : accesses[pick(g, countof(accesses))];
	const struct isa_row *row = isa_row_by_name(name);

	if (atomic && pick(g, 20))
		off &= ~7;
	if (row->form == ISA_FORM_LDX)
		(void)emit(&g->c, name, reg(g), base, off, 0);
	else
		(void)emit(&g->c, name, base, row->form == ISA_FORM_ST ? 0 : reg(g), off,
			   row->form == ISA_FORM_ST  ? (int32_t)number(g)
			   : row->sel == ISA_SEL_IMM ? row->value
						     : 0);
}

static void gen_access(struct gen *g)
{
	unsigned t = reg(g);

	switch (pick(g, g->wild ? 40 : 39)) {
	case 0 ... 9:
		access_at(g, 10, -8 - (int32_t)pick(g, 120));
		return;
	case 10 ... 19:
		access_at(g, 9, (int32_t)pick(g, JT_CTX - 8));
		return;
	case 39:
		access_at(g, pick(g, 11), (int32_t)pick(g, 64) - 32);
		return;
	}
	/* base + bounded index */
	if (pick(g, 2)) {
		unsigned i = reg(g);

		(void)emit(&g->c, "AND64_IMM", i, 0, 0, 0x38);
		mov(&g->c, t, 9);
		if (i == t)
			return;
		(void)emit(&g->c, "ADD64_REG", t, i, 0, 0);
		for (unsigned n = pick(g, 4); n--;)
			access_at(g, t, 8 * (int32_t)pick(g, 20));
	} else {
		mov(&g->c, t, 10);
		addi(&g->c, t, -128);
		access_at(g, t, 8 * (int32_t)pick(g, 15));
	}
}

static void gen_jump(struct gen *g)
{
	const struct isa_row *row;

	do
		row = &isa_rows[pick(g, (unsigned)isa_n_rows)];
	while (row->sem < ISA_JA || row->sem > ISA_JSET || row->form == ISA_FORM_JL);
	g->jumps[g->n_jumps++] = g->c.n;
	(void)emit(&g->c, row->name, row->form == ISA_FORM_J ? 0 : reg(g), row->form == ISA_FORM_JRR ? reg(g) : 0, 0,
		   row->form == ISA_FORM_JRI ? (int32_t)number(g) : 0);
}

static void gen_call(struct gen *g)
{
	if (g->func + 1 < FUNCS && pick(g, 2)) {
		mov(&g->c, 1, 9);
		g->calls[g->n_calls++] = g->c.n;
		(void)emit(&g->c, "CALL_LOCAL", 0, 0, 0, 0);
	} else {
		call(&g->c, 1 + pick(g, 2));
	}
	/* What r1 to r5 hold after a call is nobody's business in a program that was verified. */
	if (!g->wild)
		for (unsigned r = 1; r < 6; r++)
			movi(&g->c, r, (int32_t)pick(g, 1000));
}

static void gen_body(struct gen *g)
{
	for (unsigned i = 0; i < BODY && g->c.n < CODE_MAX / 2 && g->n_jumps < 200; i++) {
		unsigned what = pick(g, 20);

		if (what < 8)
			gen_alu(g);
		else if (what < 11)
			gen_idiom(g);
		else if (what < 15)
			gen_access(g);
		else if (what < 18)
			gen_jump(g);
		else if (what < 19 && g->n_calls < 60)
			gen_call(g);
		else
			lddw(&g->c, reg(g), number(g));
	}
}

/* A slot of this function that is no second half of a 64-bit immediate; mostly forwards. */
static uint32_t target(struct gen *g, uint32_t at)
{
	for (;;) {
		uint32_t to = g->start + pick(g, g->end - g->start);

		if (to <= at && pick(g, 4))
			continue;
		if (g->c.insns[to].sem != ISA_PAD)
			return to;
	}
}

static void patch_jumps(struct gen *g)
{
	for (uint32_t i = 0; i < g->n_jumps; i++)
		g->c.insns[g->jumps[i]].off = (int32_t)target(g, g->jumps[i]) - (int32_t)g->jumps[i] - 1;
	g->n_jumps = 0;
}

static uint64_t helper_sum(HELPER_ARGS(a, b))
{
	env->work += a & 15;
	return a * 3 + b;
}

static uint64_t helper_none(HELPER_ARGS(a))
{
	return 77;
}

static helper_fn *find(uint32_t id)
{
	return id == 1 ? helper_sum : id == 2 ? helper_none : NULL;
}

static const struct abi_helper protos[] = {
	{ .id = 1, .name = "sum", .args = { ABI_ARG_SCALAR, ABI_ARG_SCALAR }, .ret = ABI_RET_SCALAR },
	{ .id = 2, .name = "none", .ret = ABI_RET_SCALAR },
};
static const struct abi_profile random_profile = { .name = "random", .helpers = protos, .n_helpers = countof(protos) };

static void generate(struct gen *g)
{
	uint32_t starts[FUNCS];

	g->c = (struct code){ .profile = &random_profile, .lookup = find };
	for (g->func = 0; g->func < FUNCS; g->func++) {
		starts[g->func] = g->start = g->c.n;
		mov(&g->c, 9, 1);
		/* The stack, as far as it is used, and all registers have a value. */
		for (int32_t i = 8; i <= 256; i += 8)
			(void)emit(&g->c, "STDW", 10, 0, -i, i);
		for (unsigned r = 0; r < 9; r++)
			movi(&g->c, r, (int32_t)number(g));
		g->end = g->c.n;
		gen_body(g);
		g->end = g->c.n + 1;
		exit_(&g->c);
		patch_jumps(g);
	}
	for (uint32_t i = 0; i < g->n_calls; i++) {
		uint32_t at = g->calls[i], f = FUNCS - 1;

		while (f > 1 && starts[f - 1] > at)
			f--;
		if (starts[f] <= at)
			f = FUNCS - 1;
		g->c.insns[at].imm = (int32_t)starts[f] - (int32_t)at - 1;
	}
}

static unsigned n_programs(void)
{
	const char *s = getenv("SALLYPORT_TEST_PROGRAMS");

	return s ? (unsigned)strtoul(s, NULL, 10) : N_PROGRAMS;
}

struct tally {
	unsigned ok, fault, fuel;
};

static void run_one(struct gen *g, struct tally *t)
{
	uint8_t ctx[JT_CTX];
	struct jt_input in = { .ctx = ctx, .ctx_bytes = sizeof ctx };
	struct jt_end e;

	generate(g);
	for (unsigned k = 0; k < JT_CTX; k++)
		ctx[k] = (uint8_t)rnd(&g->seed);
	in.fuel = 1 + rnd(&g->seed) % 3000;
	if (jt_disagree(&g->c, &in, JT_CHECKING))
		jt_shrink(&g->c, &in, JT_CHECKING);
	e = jt_compare(&g->c, &in, JT_CHECKING);
	if (e.err == E_OK && !g->wild && jt_disagree(&g->c, &in, JT_ALL & ~JT_CHECKING))
		jt_shrink(&g->c, &in, JT_ALL & ~JT_CHECKING);
	if (e.err == E_OK && !g->wild)
		e = jt_compare(&g->c, &in, JT_ALL & ~JT_CHECKING);
	t->ok += e.err == E_OK;
	t->fault += e.err == E_FAULT;
	t->fuel += e.err == E_FUEL;
}

static struct tally run_kind(bool wild)
{
	static struct gen g;
	struct tally t = { 0 };
	const char *only = getenv("SALLYPORT_TEST_ONLY");
	char name[64];

	for (unsigned i = only ? (unsigned)strtoul(only, NULL, 10) : 0;
	     i < (only ? strtoul(only, NULL, 10) + 1 : n_programs()); i++) {
		(void)snprintf(name, sizeof name, "%s program %u", wild ? "wild" : "tame", i);
		test_row = name;
		g = (struct gen){ .seed = i * 2 + wild, .wild = wild };
		run_one(&g, &t);
	}
	test_row = NULL;
	print_message("# %s: %u ended, %u faults, %u out of fuel\n", wild ? "wild" : "tame", t.ok, t.fault, t.fuel);
	/* All three ends were seen. */
	CHECK(only || (t.ok > n_programs() / 20 && t.fault && t.fuel));
	return t;
}

TEST(wild_programs_end_as_the_interpreter_ends_them)
{
	(void)run_kind(true);
}

TEST(programs_that_end_well_do_the_same_without_checks)
{
	struct tally t = run_kind(false);

	CHECK(t.ok > N_PROGRAMS / 8);
}
