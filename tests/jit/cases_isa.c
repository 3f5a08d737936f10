/* SPDX-License-Identifier: Apache-2.0 */
/* Every row of isa.def that runs, with operands at the edges, on every engine. */
#include "bed.h"

static const uint64_t edges[] = {
	0,
	1,
	2,
	7,
	31,
	32,
	63,
	64,
	0x7f,
	0x80,
	0xff,
	0x7fff,
	0x8000,
	0xfff,
	0x1000,
	0xfff000,
	0xff00ff,
	0x7fffffff,
	0x80000000,
	0xffffffff,
	0x100000000,
	UINT64_C(0x123456789abcdef0),
	INT64_MAX,
	UINT64_C(1) << 63,
	UINT64_C(0xffffffff80000000),
	(uint64_t)-4096,
	(uint64_t)-2,
	UINT64_MAX,
};

/* Registers that the pair takes: those with a place of their own, and r10 as a source. */
static const uint8_t pairs[][2] = { { 1, 2 }, { 0, 5 }, { 6, 0 }, { 3, 3 }, { 9, 7 }, { 4, 10 } };

static bool has_form(const struct isa_row *r, enum isa_form form)
{
	return r->form == form;
}

static bool is_arithmetic(const struct isa_row *r)
{
	return r->sem >= ISA_ADD && r->sem <= ISA_BSWAP && r->sem != ISA_ADDR_CAST;
}

static void put_pair(struct code *c, const uint8_t *pair, uint64_t a, uint64_t b)
{
	/* What was in a context register would be an address, which differs from engine to engine. */
	movi(c, 1, 1);
	movi(c, 2, 2);
	lddw(c, pair[0], a);
	if (pair[1] != 10 && pair[1] != pair[0])
		lddw(c, pair[1], b);
}

/* Everything that is in registers, and no address, to r0. */
static void mix(struct code *c, unsigned skip)
{
	for (unsigned r = 1; r < 10; r++) {
		if (r == skip)
			continue;
		(void)emit(c, "MUL64_IMM", 0, 0, 0, 31);
		(void)emit(c, "ADD64_REG", 0, r, 0, 0);
	}
	exit_(c);
}

static void zero_all(struct code *c)
{
	for (unsigned r = 0; r < 10; r++)
		movi(c, r, (int)r * 3);
}

static void arithmetic(const struct isa_row *r, const uint8_t *pair, uint64_t a, uint64_t b)
{
	struct code c = { 0 };
	bool address = has_form(r, ISA_FORM_RR) && pair[1] == 10;

	/* r10 is somewhere else each time: only what cancels it out can be compared. */
	if (address && r->sem != ISA_MOV && r->sem != ISA_ADD)
		return;
	zero_all(&c);
	put_pair(&c, pair, a, b);
	(void)emit(&c, r->name, pair[0], has_form(r, ISA_FORM_RR) ? pair[1] : 0, 0, (int32_t)b);
	if (address && r->width == 64)
		(void)emit(&c, "SUB64_REG", pair[0], 10, 0, 0);
	if (address && r->width == 32)
		(void)emit(&c, "SUB32_REG", pair[0], 10, 0, 0);
	mix(&c, 11);
	(void)bed_compare(BED_ALL, &c, &(struct bed_input){ 0 });
}

TEST(arithmetic_is_the_interpreters_on_every_engine)
{
	for (size_t i = 0; i < isa_n_rows; i++) {
		const struct isa_row *r = &isa_rows[i];

		if (!is_arithmetic(r))
			continue;
		test_row = r->name;
		for (size_t a = 0; a < countof(edges); a += 1 + !has_form(r, ISA_FORM_R))
			for (size_t b = a & 1; b < (has_form(r, ISA_FORM_R) ? 1 : countof(edges)); b += 2)
				arithmetic(r, pairs[(a + b) % countof(pairs)], edges[a], edges[b]);
	}
}

static void jump(const struct isa_row *r, const uint8_t *pair, uint64_t a, uint64_t b, bool back)
{
	struct code c = { 0 };
	bool reg = has_form(r, ISA_FORM_JRR);

	if (reg && pair[1] == 10)
		return;
	zero_all(&c);
	put_pair(&c, pair, a, b);
	if (back)
		(void)emit(&c, "JA", 0, 0, 2, 0);
	(void)emit(&c, "XOR64_IMM", 8, 0, 0, 0x55);
	(void)emit(&c, "JA", 0, 0, 1 + !back, 0);
	(void)emit(&c, r->name, pair[0], reg ? pair[1] : 0, back ? -3 : 1, (int32_t)b);
	if (!back)
		(void)emit(&c, "ADD64_IMM", 8, 0, 0, 0x77);
	mix(&c, 11);
	(void)bed_compare(BED_ALL, &c, &(struct bed_input){ 0 });
}

TEST(jumps_are_taken_as_the_interpreter_takes_them)
{
	for (size_t i = 0; i < isa_n_rows; i++) {
		const struct isa_row *r = &isa_rows[i];

		if (!has_form(r, ISA_FORM_JRR) && !has_form(r, ISA_FORM_JRI))
			continue;
		test_row = r->name;
		for (size_t a = 0; a < countof(edges); a += 2)
			for (size_t b = a / 2 & 1; b < countof(edges); b += 2)
				jump(r, pairs[(a + b) % countof(pairs)], edges[a], edges[b], (a + b) % 3 == 0);
	}
}
