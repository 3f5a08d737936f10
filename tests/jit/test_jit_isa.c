/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every row of the instruction set, interpreted and compiled, on operands where things go wrong: ends of ranges, sign
 * bits, shift counts past the width, divisors 0 and -1, each pair of registers that a compiler treats differently.
 */
#include "jittest.h"

static const uint64_t edges[] = {
	0,
	1,
	2,
	7,
	31,
	32,
	33,
	63,
	64,
	65,
	127,
	128,
	255,
	256,
	0x7fff,
	0x8000,
	0xffff,
	0x10000,
	0x7fffffff,
	0x80000000,
	0xffffffff,
	UINT64_C(0x100000000),
	UINT64_C(0x7fffffffffffffff),
	UINT64_C(0x8000000000000000),
	UINT64_C(0xffffffff80000000),
	UINT64_MAX,
	UINT64_MAX - 1,
	UINT64_C(0x123456789abcdef0),
};

static bool is_alu(const struct isa_row *r)
{
	return r->sem >= ISA_ADD && r->sem <= ISA_BSWAP && r->sem != ISA_ADDR_CAST;
}

static bool is_cond(const struct isa_row *r)
{
	return r->sem >= ISA_JEQ && r->sem <= ISA_JSET;
}

/* dst OP src, and every register at the end mixed into r0. */
static void mix(struct code *c)
{
	static const uint8_t regs[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };

	for (unsigned i = 0; i < countof(regs); i++) {
		(void)emit(c, "MUL64_IMM", 0, 0, 0, 31);
		(void)emit(c, "ADD64_REG", 0, regs[i], 0, 0);
	}
	exit_(c);
}

static bool reads_src(const struct isa_row *row)
{
	return row->form == ISA_FORM_RR || row->form == ISA_FORM_JRR;
}

static bool has_imm(const struct isa_row *row)
{
	return row->form == ISA_FORM_RI || row->form == ISA_FORM_JRI;
}

/* dst and src from the context, the row, and all registers summed up. */
static void make(struct code *c, const struct isa_row *row, unsigned dst, unsigned src, int32_t imm)
{
	unsigned base = dst != 9 && src != 9 ? 9 : dst != 8 && src != 8 ? 8 : 7;

	*c = (struct code){ 0 };
	for (unsigned r = 2; r < 10; r++)
		lddw(c, r, UINT64_C(0x0101010101010101) * r);
	mov(c, base, 1);
	lddw(c, 1, UINT64_C(0x1111111111111111));
	lddw(c, 0, UINT64_C(0x2222222222222222));
	ldx(c, "LDXDW", src, base, 8);
	ldx(c, "LDXDW", dst, base, 0);
	(void)emit(c, row->name, dst, reads_src(row) ? src : 0,
		   is_cond(row)              ? 1
		   : row->sel == ISA_SEL_OFF ? row->value
					     : 0,
		   has_imm(row)              ? imm
		   : row->sel == ISA_SEL_IMM ? row->value
					     : 0);
	if (is_cond(row))
		(void)emit(c, "ADD64_IMM", dst, 0, 0, 1000);
	movi(c, base, 0);
	mix(c);
}

static void check_operands(const struct code *c, uint64_t a, uint64_t b, unsigned ways)
{
	uint64_t ctx[2] = { a, b };

	(void)jt_compare(c, &(struct jt_input){ .ctx = ctx, .ctx_bytes = sizeof ctx }, ways);
}

TEST(every_arithmetic_row_and_jump_gives_what_the_interpreter_gives_on_edge_operands)
{
	static struct code c;

	for (size_t i = 0; i < isa_n_rows; i++) {
		const struct isa_row *row = &isa_rows[i];

		if (!is_alu(row) && !is_cond(row))
			continue;
		test_row = row->name;
		for (size_t b = 0; b < (has_imm(row) ? countof(edges) : 1); b++) {
			struct jt_prog p;

			make(&c, row, 3, 4, (int32_t)edges[b]);
			p = jt_prog(&c, JT_ALL);
			for (size_t a = 0; a < countof(edges); a++)
				for (size_t s = 0; s < (has_imm(row) ? 1 : countof(edges)); s++) {
					uint64_t ctx[2] = { edges[a], edges[s] };

					(void)jt_check(&p, &(struct jt_input){ .ctx = ctx, .ctx_bytes = sizeof ctx });
				}
			jt_done(&p);
		}
	}
}

TEST(every_arithmetic_row_works_in_every_pair_of_registers)
{
	static struct code c;

	for (size_t i = 0; i < isa_n_rows; i++) {
		const struct isa_row *row = &isa_rows[i];

		if (!is_alu(row) && !is_cond(row))
			continue;
		test_row = row->name;
		for (unsigned dst = 0; dst < 10; dst++)
			for (unsigned src = 0; src < (reads_src(row) ? 10 : 1); src++) {
				make(&c, row, dst, src, -7);
				check_operands(&c, UINT64_C(0x923456789abcdef7), 5, 1 << 0 | 1 << 3 | 1 << 14);
			}
	}
}

/* dst has 32 bits, which a compiler may know; divisors that are no power of 2, near them, and powers. */
TEST(division_by_constants_is_exact_at_the_ends_of_every_quotient)
{
	static const uint32_t divisors[] = { 1,   2,   3,    5,          6,          7,          10,    11,
					     100, 641, 1000, 0x7ffffffe, 0x7fffffff, 0x40000000, 65535, 65537 };
	static const char *const rows[] = { "DIV32_IMM", "MOD32_IMM", "DIV64_IMM", "MOD64_IMM" };

	for (size_t r = 0; r < countof(rows); r++)
		for (size_t i = 0; i < countof(divisors); i++)
			for (unsigned dst = 2; dst < 4; dst++) {
				static struct code c;
				uint64_t d = divisors[i];
				struct jt_prog p;

				test_row = rows[r];
				c = (struct code){ 0 };
				movi(&c, 3, 9);
				ldx(&c, "LDXW", dst, 1, 0);
				(void)emit(&c, rows[r], dst, 0, 0, (int64_t)d);
				mov(&c, 0, dst);
				(void)emit(&c, "MUL64_IMM", 0, 0, 0, 31);
				(void)emit(&c, "ADD64_REG", 0, 3, 0, 0);
				exit_(&c);
				p = jt_prog(&c, JT_ALL);
				for (uint64_t q = 0; q < 70; q++)
					for (int64_t near = -1; near < 2; near++) {
						uint64_t of = q < 40 ? q : UINT32_MAX / d - (q - 40);
						uint64_t a = (uint32_t)(of * d + (uint64_t)near);

						(void)jt_check(&p, &(struct jt_input){ .ctx = &a, .ctx_bytes = 8 });
					}
				jt_done(&p);
			}
}
