/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that pruning must not, and need not, explore twice. */
#include "rows.h"

/* Pairs that pruning must tell apart: the first path is harmless, the second is not. */
TEST(a_safe_path_does_not_hide_an_unsafe_one)
{
	const struct row rows[] = {
		{ "another number",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 64), MAP_VALUE(4, MAP_ARRAY, 0),
		       addr(4, 3), ldx(8, 0, 4, 0), mov(0, 0), exit_()),
		  311 },
		{ "the other way round",
		  CODE(ldx(64, 2, 1, 0), mov(3, 64), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 0), MAP_VALUE(4, MAP_ARRAY, 0),
		       addr(4, 3), ldx(8, 0, 4, 0), mov(0, 0), exit_()),
		  311 },
		{ "a number for a pointer",
		  CODE(ldx(64, 2, 1, 0), movr(3, 10), st(64, 10, -8, 0), jcc(ISA_JNE, 64, 2, 0, 1), mov(3, 64),
		       ldx(64, 0, 3, -8), exit_()),
		  301 },
		{ "stack unwritten on one path",
		  CODE(ldx(64, 2, 1, 0), jcc(ISA_JEQ, 64, 2, 0, 1), st(64, 10, -8, 0), ldx(64, 0, 10, -8), exit_()),
		  309 },
		{ "one byte unwritten on one path",
		  CODE(ldx(64, 2, 1, 0), st(8, 10, -7, 0), jcc(ISA_JEQ, 64, 2, 0, 1), st(8, 10, -8, 0),
		       ldx(8, 0, 10, -8), ldx(8, 0, 10, -7), exit_()),
		  309 },
		{ "a saved pointer under the byte on one path",
		  CODE(ldx(64, 2, 1, 0), stx(64, 10, -8, 1), jcc(ISA_JEQ, 64, 2, 0, 1), st(8, 10, -8, 0),
		       ldx(8, 0, 10, -8), exit_()),
		  310 },
		{ "stack read through a pointer that was saved",
		  CODE(movr(3, 10), add(3, -8), stx(64, 10, -16, 3), ldx(64, 2, 1, 0), jcc(ISA_JEQ, 64, 2, 0, 1),
		       st(64, 10, -8, 0), ldx(64, 4, 10, -16), ldx(64, 0, 4, 0), exit_()),
		  309 },
		{ "stack read by a callee",
		  CODE(ldx(64, 2, 1, 0), jcc(ISA_JEQ, 64, 2, 0, 1), st(64, 10, -8, 0), movr(1, 10), call_local(1),
		       exit_(), ldx(64, 0, 1, -8), exit_()),
		  309 },
		{ "stack read through a pointer that a callee saved",
		  CODE(movr(6, 1), movr(1, 10), movr(2, 10), add(2, -8), call_local(6), ldx(64, 2, 6, 0),
		       jcc(ISA_JEQ, 64, 2, 0, 1), st(64, 10, -8, 0), ldx(64, 4, 10, -16), ldx(64, 0, 4, 0), exit_(),
		       stx(64, 1, -16, 2), mov(0, 0), exit_()),
		  309 },
		{ "stack read by a helper",
		  CODE(ldx(64, 2, 1, 0), jcc(ISA_JEQ, 64, 2, 0, 1), st(64, 10, -8, 0), movr(1, 10), add(1, -8),
		       mov(2, 8), call(HELPER_READ), mov(0, 0), exit_()),
		  309 },
		{ "null on one path",
		  CODE(movr(6, 1), st(64, 10, -8, 0), MAP_FD(1, MAP_HASH), movr(2, 10), add(2, -8), call(1),
		       jcc(ISA_JNE, 64, 0, 0, 2), mov(0, 0), exit_(), movr(7, 0), MAP_FD(1, MAP_HASH), movr(2, 10),
		       add(2, -8), call(1), ldx(64, 2, 6, 0), jcc(ISA_JNE, 64, 2, 0, 1), movr(0, 7), ldx(64, 2, 0, 0),
		       mov(0, 0), exit_()),
		  302 },
		{ "links broken on one path",
		  CODE(ldx(64, 2, 1, 0), ldx(64, 3, 1, 0), ldx(64, 4, 1, 0), jcc(ISA_JNE, 64, 4, 0, 1), movr(3, 2),
		       jcc(ISA_JGT, 64, 2, 63, 4), MAP_VALUE(5, MAP_ARRAY, 0), addr(5, 3), ldx(8, 0, 5, 0), mov(0, 0),
		       exit_()),
		  208 },
		{ "another caller",
		  CODE(mov(1, 0), call_local(4), mov(1, 2), call_local(2), mov(0, 0), exit_(),
		       MAP_VALUE(2, MAP_ARRAY, 56), op_ri(ISA_MUL, 64, 1, 8), addr(2, 1), ldx(64, 0, 2, 0), exit_()),
		  311 },
	};

	check_rows(rows, countof(rows), &fixture_type);
}

/* The same with the two constants before and after the first branch exchanged: what was explored first comes second. */
static void check_other_way_round(const struct row *r)
{
	struct isa_insn code[64];
	struct row other = *r;
	size_t i = 0, k;
	int64_t imm;

	CHECK(r->n <= countof(code));
	memcpy(code, r->code, r->n * sizeof code[0]);
	while (i + 1 < r->n && code[i].sem != ISA_JEQ)
		i++;
	for (k = 0; k < i && (code[k].row != code[i + 1].row || code[k].dst != code[i + 1].dst); k++)
		;
	if (k == i)
		return;
	imm = code[k].imm;
	code[k].imm = code[i + 1].imm;
	code[i + 1].imm = imm;
	other.code = code;
	check_rows(&other, 1, &fixture_type);
}

/* Pairs that pruning must tell apart only because something hangs on a number. */
TEST(numbers_that_matter_are_told_apart)
{
	const struct row rows[] = {
		{ "through arithmetic",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 32), movr(6, 3),
		       op_ri(ISA_LSH, 64, 6, 1), jmp(0), MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 6), ldx(8, 0, 4, 0),
		       mov(0, 0), exit_()),
		  311 },
		{ "through a second number",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 64), mov(6, 0), addr(6, 3),
		       MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 6), ldx(8, 0, 4, 0), mov(0, 0), exit_()),
		  311 },
		{ "through the stack",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 64), stx(64, 10, -8, 3),
		       mov(3, 0), jmp(0), ldx(64, 6, 10, -8), MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 6), ldx(8, 0, 4, 0),
		       mov(0, 0), exit_()),
		  311 },
		{ "saved before the paths meet",
		  CODE(ldx(64, 2, 1, 0), st(64, 10, -8, 0), jcc(ISA_JEQ, 64, 2, 0, 1), st(64, 10, -8, 64), mov(3, 0),
		       jmp(0), ldx(64, 6, 10, -8), MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 6), ldx(8, 0, 4, 0), mov(0, 0),
		       exit_()),
		  311 },
		{ "part of what was saved",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 64), stx(64, 10, -8, 3), jmp(0),
		       ldx(8, 6, 10, -8), MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 6), ldx(8, 0, 4, 0), mov(0, 0), exit_()),
		  311 },
		{ "a zero somewhere on the stack",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 64), stx(64, 10, -8, 3),
		       ldx(8, 6, 1, CTX_U8), and_(6, 7), movr(7, 10), add(7, -8), addr(7, 6), ldx(8, 8, 7, 0),
		       MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 8), ldx(8, 0, 4, 0), mov(0, 0), exit_()),
		  311 },
		{ "a zero that was stored in part",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 64), st(64, 10, -8, 0), jmp(0),
		       stx(8, 10, -8, 3), ldx(64, 6, 10, -8), MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 6), ldx(8, 0, 4, 0),
		       mov(0, 0), exit_()),
		  208 },
		{ "a zero that falls apart",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 64), stx(64, 10, -8, 3), jmp(0),
		       st(8, 10, -1, 0), ldx(32, 6, 10, -8), MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 6), ldx(8, 0, 4, 0),
		       mov(0, 0), exit_()),
		  208 },
		{ "through a function",
		  CODE(ldx(64, 2, 1, 0), mov(1, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(1, 64), call_local(6),
		       MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 0), ldx(8, 0, 4, 0), mov(0, 0), exit_(), movr(0, 1),
		       exit_()),
		  311 },
		{ "through the stack of a function's caller",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 64), stx(64, 10, -8, 3),
		       movr(1, 10), call_local(6), MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 0), ldx(8, 0, 4, 0), mov(0, 0),
		       exit_(), ldx(64, 0, 1, -8), exit_()),
		  311 },
		{ "a branch that one value decides",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 1), mov(0, 0),
		       jcc(ISA_JEQ, 64, 3, 0, 1), mov(0, 7), exit_()),
		  213 },
		{ "a branch on two numbers",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), mov(4, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 1), mov(0, 0), jmp(0),
		       jccr(ISA_JEQ, 64, 4, 3, 1), mov(0, 7), exit_()),
		  213 },
		{ "a bound that another number gave",
		  CODE(ldx(64, 2, 1, 0), mov(3, 64), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 65), ldx(64, 5, 1, 0), jmp(0),
		       jccr(ISA_JGE, 64, 5, 3, 5), MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 5), ldx(8, 0, 4, 0), mov(0, 0),
		       mov(0, 0), exit_()),
		  311 },
		{ "a copy that learned",
		  CODE(ldx(64, 2, 1, 0), ldx(64, 3, 1, 0), ldx(64, 5, 1, 0), jcc(ISA_JEQ, 64, 2, 0, 1), movr(5, 3),
		       mov(0, 0), jcc(ISA_JGT, 64, 3, 63, 4), MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 5), ldx(8, 0, 4, 0),
		       mov(0, 0), exit_()),
		  208 },
		{ "a saved copy that learned",
		  CODE(ldx(64, 2, 1, 0), ldx(64, 3, 1, 0), ldx(64, 5, 1, 0), stx(64, 10, -8, 5),
		       jcc(ISA_JEQ, 64, 2, 0, 1), stx(64, 10, -8, 3), mov(0, 0), jcc(ISA_JGT, 64, 3, 63, 5),
		       ldx(64, 5, 10, -8), MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 5), ldx(8, 0, 4, 0), mov(0, 0), exit_()),
		  208 },
		{ "a size",
		  CODE(ldx(64, 6, 1, 0), st(64, 10, -8, 0), mov(2, 8), jcc(ISA_JEQ, 64, 6, 0, 1), mov(2, 9),
		       movr(1, 10), add(1, -8), call(HELPER_READ), mov(0, 0), exit_()),
		  307 },
		{ "the size of a record",
		  CODE(ldx(64, 6, 1, 0), mov(2, 16), jcc(ISA_JEQ, 64, 6, 0, 1), mov(2, 8), MAP_FD(1, MAP_RING),
		       mov(3, 0), call(LINUX_RESERVE), jcc(ISA_JEQ, 64, 0, 0, 4), st(64, 0, 8, 0), movr(1, 0),
		       mov(2, 0), call(LINUX_SUBMIT), mov(0, 0), exit_()),
		  322 },
		{ "what is returned", CODE(ldx(64, 2, 1, 0), mov(0, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(0, 2), exit_()),
		  213 },
		{ "where a pointer is compared with null",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 1), mov(0, 0),
		       jccr(ISA_JEQ, 64, 10, 3, 0), exit_()),
		  210 },
		{ "needed long before the path ends",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 64), MAP_VALUE(4, MAP_ARRAY, 0),
		       addr(4, 3), ldx(8, 0, 4, 0), jcc(ISA_JEQ, 64, 2, 5, 1), mov(5, 1), mov(5, 2),
		       jcc(ISA_JEQ, 64, 2, 6, 1), mov(5, 1), mov(5, 3), jcc(ISA_JEQ, 64, 2, 7, 1), mov(5, 1), mov(0, 0),
		       exit_()),
		  311 },
		{ "where the older path was cut off itself",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), jcc(ISA_JEQ, 64, 2, 2, 2), jcc(ISA_JEQ, 64, 2, 1, 2), jmp(2),
		       mov(3, 64), mov(5, 1), MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 3), ldx(8, 0, 4, 0), mov(0, 0),
		       exit_()),
		  311 },
		{ "a copy of another number that learned",
		  CODE(ldx(64, 2, 1, 0), ldx(64, 3, 1, 0), ldx(64, 7, 1, 0), movr(5, 7), jcc(ISA_JEQ, 64, 2, 0, 1),
		       movr(5, 3), mov(0, 0), jcc(ISA_JGT, 64, 3, 63, 4), MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 5),
		       ldx(8, 0, 4, 0), movr(0, 7), mov(0, 0), exit_()),
		  208 },
		{ "on a path that was cut off",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 64), ldx(64, 5, 1, 0),
		       jcc(ISA_JEQ, 64, 5, 0, 1), mov(5, 0), mov(5, 0), MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 3),
		       ldx(8, 0, 4, 0), mov(0, 0), exit_()),
		  311 },
	};

	check_rows(rows, countof(rows), &fixture_type);
	for (size_t i = 0; i < countof(rows); i++)
		check_other_way_round(&rows[i]);
}

/* Sixteen bits of a number, added up one by one: 65536 sums, and nothing hangs on any. */
TEST(numbers_that_do_not_matter_cost_nothing)
{
	enum { BITS = 16 };
	struct isa_insn code[3 * BITS + 5];
	struct verify_opts o = { .profile = &fixture_profile, .type = &fixture_any, .ctx = &fixture_ctx };
	struct verify_stats stats;
	struct arena a;
	struct prog p;
	uint32_t n = 0;

	code[n++] = ldx(64, 2, 1, CTX_U64);
	code[n++] = mov(3, 0);
	for (int i = 0; i < BITS; i++) {
		code[n++] = jcc(ISA_JSET, 64, 2, 1 << i, 1);
		code[n++] = add(3, 1 << i);
		code[n++] = mov(4, 0);
	}
	code[n++] = movr(0, 3);
	code[n++] = add(0, 1);
	code[n++] = exit_();
	p = fixture_prog(code, n);
	arena_init(&a, 16 << 20);
	CHECK_OK(verify_prog(&p, &o, &a, &stats, NULL));
	CHECK(stats.steps < 500);
	arena_done(&a);
}
