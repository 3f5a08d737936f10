/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random programs: every engine leaves the same result, the same memory and the same fuel.
 *
 * r6 points to the context and r9 to a map value, r7 counts loops, the others hold numbers; no address becomes one,
 * because addresses differ from run to run. A tame program keeps to what a verifier would accept, so all engines can
 * run it. A wild one also strays out of its windows and loops without end: the checked engines stop it where the
 * interpreter does.
 */
#include "bed.h"

enum { AREA = 64, MAX_SKIPS = 16 };

struct gen {
	struct code c;
	uint64_t seed;
	bool wild, in_function, in_loop;
	uint32_t skip_at[MAX_SKIPS], skip_left[MAX_SKIPS], n_skips;
	uint32_t call_at[8], n_calls;
};

static uint64_t any(struct gen *g)
{
	return rnd(&g->seed);
}

static uint32_t below(struct gen *g, uint32_t n)
{
	return (uint32_t)(any(g) >> 11) % n;
}

static uint64_t number(struct gen *g)
{
	static const uint64_t edges[] = { 0,          1,          2,          7,         8,
					  0x7f,       0x80,       0xff,       0xffff,    0x7fffffff,
					  0x80000000, UINT32_MAX, UINT64_MAX, INT64_MAX, UINT64_C(1) << 63 };

	switch (below(g, 4)) {
	case 0:
		return edges[below(g, countof(edges))];
	case 1:
		return below(g, 64);
	case 2:
		return UINT64_C(1) << below(g, 64);
	default:
		return any(g);
	}
}

static unsigned num(struct gen *g)
{
	static const uint8_t regs[] = { 0, 1, 2, 3, 4, 5, 8, 7, 6, 9 };

	/* A function has r6 to r9 for numbers; r7 counts in loops. */
	return regs[below(g, g->in_function && !g->in_loop ? 10 : 7)];
}

static const struct isa_row *random_row(struct gen *g, bool (*wanted)(const struct isa_row *r))
{
	const struct isa_row *r;

	do
		r = &isa_rows[below(g, (uint32_t)isa_n_rows)];
	while (!wanted(r));
	return r;
}

static bool is_arithmetic(const struct isa_row *r)
{
	return r->sem >= ISA_ADD && r->sem <= ISA_BSWAP && r->sem != ISA_ADDR_CAST;
}

static bool is_condition(const struct isa_row *r)
{
	return r->sem >= ISA_JEQ && r->sem <= ISA_JSET;
}

static bool is_access(const struct isa_row *r)
{
	return r->sem >= ISA_LDX && r->sem <= ISA_STORE_REL;
}

static void item_arithmetic(struct gen *g)
{
	const struct isa_row *r = random_row(g, is_arithmetic);
	bool reg = r->form == ISA_FORM_RR;

	(void)emit(&g->c, r->name, num(g), reg ? num(g) : 0, 0, reg ? 0 : (int32_t)number(g));
}

/* One register's value moved, shifted and joined, as compilers write rotations and extensions. */
static void item_idiom(struct gen *g)
{
	unsigned x = num(g), t = num(g), n = 1 + below(g, 63);
	static const char *const back[] = { "RSH64_IMM", "ARSH64_IMM" };

	if (below(g, 2)) {
		n = 8 * (1 + below(g, 7));
		(void)emit(&g->c, "LSH64_IMM", x, 0, 0, n);
		(void)emit(&g->c, back[below(g, 2)], x, 0, 0, n);
		return;
	}
	mov(&g->c, t, x);
	(void)emit(&g->c, "LSH64_IMM", x, 0, 0, n);
	(void)emit(&g->c, "RSH64_IMM", t, 0, 0, 64 - n);
	(void)emit(&g->c, "OR64_REG", x, t, 0, 0);
	movi(&g->c, t, 1);
}

static int32_t offset_of(struct gen *g, const struct isa_row *r)
{
	int32_t size = r->width / 8, most = AREA - size;

	if (g->wild && !below(g, 24))
		return (int16_t)any(g);
	if (r->sem >= ISA_ATOMIC && !(g->wild && !below(g, 8)))
		return (int32_t)below(g, (uint32_t)(AREA / size)) * size;
	return (int32_t)below(g, (uint32_t)most + 1);
}

static void put_access(struct gen *g, const struct isa_row *r, unsigned base, int32_t off)
{
	if (r->form == ISA_FORM_LDX)
		(void)emit(&g->c, r->name, num(g), base, off, 0);
	else
		(void)emit(&g->c, r->name, base, num(g), off, (int32_t)number(g));
}

static unsigned pointer(struct gen *g)
{
	static const uint8_t bases[] = { 6, 9, 10 };

	return g->in_function ? 10 : bases[below(g, 3)];
}

static void item_access(struct gen *g)
{
	const struct isa_row *r = random_row(g, is_access);
	unsigned base = pointer(g);

	put_access(g, r, base, offset_of(g, r) - (base == 10 ? AREA : 0));
}

/* base + (number & 31), and a little more. The register with the address is made a number again. */
static void item_indexed(struct gen *g)
{
	const struct isa_row *r = random_row(g, is_access);
	unsigned base = pointer(g), at = 1 + below(g, 5), from = num(g);
	int32_t mask = r->sem >= ISA_ATOMIC ? 24 : 31, off = base == 10 ? -AREA : 0;

	/* What `at` holds from now on is an address. */
	if (from == at)
		from = 0;
	if (g->wild && !below(g, 8))
		mask = 127;
	if (below(g, 2)) {
		mov(&g->c, at, from);
		(void)emit(&g->c, "AND64_IMM", at, 0, 0, mask);
		(void)emit(&g->c, "ADD64_REG", at, base, 0, 0);
	} else {
		int32_t scale = (int32_t)below(g, 3);

		mov(&g->c, at, base);
		(void)emit(&g->c, "MOV64_REG", 8, from, 0, 0);
		(void)emit(&g->c, "AND64_IMM", 8, 0, 0, mask >> scale & (r->sem >= ISA_ATOMIC ? ~7 : ~0));
		(void)emit(&g->c, "LSH64_IMM", 8, 0, 0, scale);
		(void)emit(&g->c, "ADD64_REG", at, 8, 0, 0);
	}
	if (r->form == ISA_FORM_LDX)
		(void)emit(&g->c, r->name, 0, at, off + 8 * (int32_t)below(g, 3), 0);
	else
		(void)emit(&g->c, r->name, at, at == 5 ? 4 : 5, off + 8 * (int32_t)below(g, 3), (int32_t)number(g));
	movi(&g->c, at, (int32_t)number(g));
}

static void item_branch(struct gen *g)
{
	const struct isa_row *r = random_row(g, is_condition);
	bool reg = r->form == ISA_FORM_JRR;

	if (g->n_skips == MAX_SKIPS)
		return;
	g->skip_at[g->n_skips] = g->c.n;
	g->skip_left[g->n_skips++] = below(g, 4);
	if (!below(g, 8))
		(void)emit(&g->c, below(g, 2) ? "JA" : "JA32", 0, 0, 0, 0);
	else
		(void)emit(&g->c, r->name, num(g), reg ? num(g) : 0, 0, reg ? 0 : (int32_t)number(g));
}

/* After each item: the jumps that lead here. */
static void land(struct gen *g, bool all)
{
	for (uint32_t i = 0; i < g->n_skips;) {
		if (!all && g->skip_left[i]--) {
			i++;
			continue;
		}
		g->c.insns[g->skip_at[i]].off = (int32_t)(g->c.n - g->skip_at[i] - 1);
		g->n_skips--;
		g->skip_at[i] = g->skip_at[g->n_skips];
		g->skip_left[i] = g->skip_left[g->n_skips];
	}
}

static void numbers_again(struct gen *g)
{
	for (unsigned r = 1; r <= 5; r++)
		movi(&g->c, r, (int32_t)number(g));
}

static void item_call(struct gen *g)
{
	if (g->in_function || g->n_calls == countof(g->call_at))
		return;
	g->call_at[g->n_calls++] = g->c.n;
	(void)emit(&g->c, "CALL_LOCAL", 0, 0, 0, 0);
	numbers_again(g);
}

static void item(struct gen *g)
{
	static void (*const items[])(struct gen * g) = { item_arithmetic, item_arithmetic, item_arithmetic, item_idiom,
							 item_access,     item_access,     item_indexed,    item_branch,
							 item_branch,     item_call };

	items[below(g, countof(items))](g);
	land(g, false);
}

static void loop(struct gen *g)
{
	uint32_t start, n = 1 + below(g, 5);

	land(g, true);
	movi(&g->c, 7, 1 + (int32_t)below(g, 5));
	start = g->c.n;
	g->in_loop = true;
	while (n--)
		item(g);
	land(g, true);
	g->in_loop = false;
	if (g->wild && !below(g, 4)) {
		const struct isa_row *r = random_row(g, is_condition);

		(void)emit(&g->c, r->name, num(g), r->form == ISA_FORM_JRR ? num(g) : 0,
			   (int32_t)start - (int32_t)g->c.n - 1, r->form == ISA_FORM_JRR ? 0 : (int32_t)number(g));
	}
	addi(&g->c, 7, -1);
	(void)emit(&g->c, "JNE64_IMM", 7, 0, (int32_t)start - (int32_t)g->c.n - 1, 0);
}

static void fill_stack(struct gen *g)
{
	for (int i = 8; i <= AREA; i += 8)
		(void)emit(&g->c, "STDW", 10, 0, -i, (int32_t)number(g));
}

/* All numbers, and the stack, to r0. */
static void finish(struct gen *g)
{
	land(g, true);
	for (unsigned r = 1; r <= 5; r++) {
		(void)emit(&g->c, "MUL64_IMM", 0, 0, 0, 31);
		(void)emit(&g->c, "ADD64_REG", 0, r, 0, 0);
	}
	(void)emit(&g->c, "XOR64_REG", 0, 8, 0, 0);
	for (int i = 8; i <= AREA; i += 8) {
		ldx(&g->c, "LDXDW", 1, 10, -i);
		(void)emit(&g->c, "MUL64_IMM", 0, 0, 0, 7);
		(void)emit(&g->c, "XOR64_REG", 0, 1, 0, 0);
	}
	exit_(&g->c);
}

static void items(struct gen *g, uint32_t n)
{
	while (n--) {
		if (below(g, 8))
			item(g);
		else
			loop(g);
	}
}

/* The function of all the calls. */
static void function(struct gen *g)
{
	for (uint32_t i = 0; i < g->n_calls; i++)
		g->c.insns[g->call_at[i]].imm = (int64_t)g->c.n - g->call_at[i] - 1;
	g->in_function = true;
	fill_stack(g);
	mov(&g->c, 0, 3);
	for (unsigned r = 6; r < 10; r++)
		movi(&g->c, r, (int32_t)number(g));
	items(g, 1 + below(g, 5));
	finish(g);
}

static void program(struct gen *g, uint64_t seed, bool wild, const struct prog_map *def, struct map **m)
{
	*g = (struct gen){ .seed = seed, .wild = wild, .c = { .maps = def, .map_objs = m, .n_maps = 1 } };
	mov(&g->c, 6, 1);
	(void)emit(&g->c, "LDDW_MAP_VALUE", 9, 0, 0, 0);
	fill_stack(g);
	for (unsigned r = 0; r < 9; r++)
		if (r != 6)
			lddw(&g->c, r, number(g));
	items(g, 2 + below(g, 14));
	finish(g);
	if (g->n_calls)
		function(g);
}

static uint32_t n_programs(void)
{
	const char *s = getenv("SALLYPORT_TEST_PROGRAMS");

	return s ? (uint32_t)strtoul(s, NULL, 10) : 1500;
}

static void many(bool wild, unsigned engines)
{
	struct prog_map def = {
		.name = "values", .kind = PROG_MAP_ARRAY, .key_size = 4, .value_size = AREA, .max_entries = 1
	};
	static struct gen g;
	uint8_t ctx[AREA], values[AREA];
	uint64_t seed = 7;
	unsigned ended[3] = { 0 };
	struct map *m;

	CHECK_OK(map_new(&def, &m, NULL));
	for (uint32_t i = 0; i < n_programs(); i++) {
		char name[32];
		enum err e;

		(void)snprintf(name, sizeof name, "program %u", i);
		test_row = name;
		for (size_t k = 0; k < AREA; k++) {
			ctx[k] = (uint8_t)rnd(&seed);
			values[k] = (uint8_t)rnd(&seed);
		}
		program(&g, i * UINT64_C(0x10001) + wild, wild, &def, &m);
		e = bed_compare(engines, &g.c,
				&(struct bed_input){ .ctx = ctx,
						     .ctx_bytes = AREA,
						     .map = values,
						     .map_bytes = AREA,
						     .strays = wild,
						     .fuel = wild ? 300 + i % 900 : 0 })
			    .o.err;
		ended[e == E_OK ? 0 : e == E_FAULT ? 1 : 2]++;
		test_row = NULL;
	}
	map_free(m);
	print_message("# %u ended well, %u with a fault, %u without fuel\n", ended[0], ended[1], ended[2]);
	CHECK(ended[0] > n_programs() / 4);
	CHECK_EQ(ended[1] || ended[2], wild);
}

TEST(tame_programs_are_the_same_on_every_engine)
{
	many(false, BED_ALL);
}

TEST(wild_programs_are_stopped_as_the_interpreter_stops_them)
{
	many(true, BED_CHECKED | 1 << BED_BLIND);
}
