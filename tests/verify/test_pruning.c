/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that pruning must not, and need not, explore twice. */
#include "engine/verify/verify_internal.h"
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
		{ "a found value for the first of all",
		  CODE(ldx(64, 8, 1, 0), MAP_VALUE(7, MAP_ARRAY, 0), jcc(ISA_JNE, 64, 8, 0, 1), jmp(10),
		       LOOKUP(MAP_ARRAY), OR_END, movr(7, 0), MAP_VALUE(3, MAP_ARRAY, 0), mov(0, 0),
		       jccr(ISA_JGT, 64, 7, 3, 0), exit_()),
		  210 },
		{ "bytes for a copy",
		  CODE(ldx(64, 2, 1, 0), ldx(64, 3, 1, 0), movr(7, 3), stx(64, 10, -8, 3), jcc(ISA_JNE, 64, 2, 0, 1),
		       jmp(2), stx(32, 10, -8, 2), stx(32, 10, -4, 2), mov(0, 0), jcc(ISA_JGT, 64, 3, 63, 6),
		       ldx(64, 5, 10, -8), MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 5), ldx(8, 0, 4, 0), movr(0, 7),
		       mov(0, 0), exit_()),
		  208 },
		{ "what a round of may_goto leaves behind",
		  CODE(ldx(64, 2, 1, 0), st(64, 10, -8, 0), may_goto(6), mov(3, 64), jcc(ISA_JEQ, 64, 2, 5, 1),
		       mov(3, 0), mov(4, 0), stx(64, 10, -8, 3), jmp(-7), ldx(64, 3, 10, -8),
		       MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 3), ldx(8, 0, 4, 0), mov(0, 0), exit_()),
		  311 },
		{ "what a round of a callback leaves behind",
		  CODE(st(64, 10, -8, 0), CB(11), call(LINUX_LOOP), ldx(64, 3, 10, -8), MAP_VALUE(4, MAP_ARRAY, 0),
		       addr(4, 3), ldx(8, 0, 4, 0), mov(0, 0), exit_(), mov(3, 64), jcc(ISA_JEQ, 64, 1, 5, 1),
		       mov(3, 0), mov(4, 0), stx(64, 2, -8, 3), mov(0, 0), exit_()),
		  311 },
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
		{ "a saved copy of another number that learned",
		  CODE(ldx(64, 2, 1, 0), ldx(64, 3, 1, 0), ldx(64, 7, 1, 0), stx(64, 10, -8, 7),
		       jcc(ISA_JEQ, 64, 2, 0, 1), stx(64, 10, -8, 3), mov(0, 0), jcc(ISA_JGT, 64, 3, 63, 6),
		       ldx(64, 5, 10, -8), MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 5), ldx(8, 0, 4, 0), movr(0, 7),
		       mov(0, 0), exit_()),
		  208 },
		{ "copies in three functions that learned",
		  CODE(ldx(64, 2, 1, 0), ldx(64, 7, 1, 0), ldx(64, 8, 1, 0), movr(9, 8), jcc(ISA_JEQ, 64, 2, 0, 1),
		       movr(9, 7), movr(1, 7), call_local(9), jcc(ISA_JNE, 64, 0, 0, 4), MAP_VALUE(4, MAP_ARRAY, 0),
		       addr(4, 9), ldx(8, 0, 4, 0), movr(0, 8), movr(0, 7), mov(0, 0), exit_(), movr(6, 1),
		       call_local(2), movr(5, 6), exit_(), mov(0, 1), jcc(ISA_JGT, 64, 1, 63, 1), mov(0, 0), exit_()),
		  208 },
		{ "a zero that another path had as bytes",
		  CODE(st(32, 10, -8, 0), st(32, 10, -4, 0), ldx(64, 2, 1, 0), jcc(ISA_JNE, 64, 2, 0, 1), jmp(5),
		       mov(3, 64), jcc(ISA_JEQ, 64, 2, 5, 1), mov(3, 0), mov(5, 0), stx(64, 10, -8, 3),
		       ldx(8, 6, 1, CTX_U8), and_(6, 7), movr(7, 10), add(7, -8), addr(7, 6), ldx(8, 8, 7, 0),
		       MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 8), ldx(8, 0, 4, 0), mov(0, 0), exit_()),
		  311 },
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

enum { LONG_MAX = 400 };

/* r3 is 0 or 64, and decides in the end; in between comes what fill() adds. */
enum far_use { USE_BEFORE, USE_AFTER, USE_INSIDE };

static void check_far_use(const char *name, uint32_t (*fill)(struct isa_insn *code), enum far_use when)
{
	static struct isa_insn code[LONG_MAX];
	const struct isa_insn use[] = { MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 3), ldx(8, 5, 4, 0) };

	for (int harm = 0; harm < 2; harm++) {
		struct row r = { name, code, 0, 311, NULL };

		code[r.n++] = ldx(64, 2, 1, 0);
		code[r.n++] = mov(3, harm ? 64 : 0);
		code[r.n++] = jcc(ISA_JEQ, 64, 2, 0, 1);
		code[r.n++] = mov(3, harm ? 0 : 64);
		code[r.n++] = mov(5, 0);
		if (when == USE_BEFORE) {
			memcpy(code + r.n, use, sizeof use);
			r.n += countof(use);
		}
		r.n += fill(code + r.n);
		if (when == USE_AFTER) {
			memcpy(code + r.n, use, sizeof use);
			r.n += countof(use);
		}
		code[r.n++] = mov(0, 0);
		code[r.n++] = exit_();
		CHECK(r.n <= LONG_MAX);
		check_rows(&r, 1, &fixture_type);
	}
}

/* More stores and loads on the way than a trail holds. */
static uint32_t by_many_slots(struct isa_insn *code)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < 150; i++) {
		code[n++] = stx(64, 10, -8, 3);
		code[n++] = ldx(64, 3, 10, -8);
	}
	return n;
}

static uint32_t by_many_slots_and_a_meeting(struct isa_insn *code)
{
	uint32_t n = by_many_slots(code);

	code[n++] = jcc(ISA_JEQ, 64, 2, 7, 1);
	code[n++] = mov(5, 1);
	code[n++] = mov(5, 2);
	return n;
}

/*
 * Two kept states after the use, the second without a branch before it: what was needed before the first is followed
 * back from there.
 */
static uint32_t by_use_and_two_meetings(struct isa_insn *code)
{
	const struct isa_insn use[] = { MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 3), ldx(8, 5, 4, 0) };
	enum { STRAIGHT = 70 };
	uint32_t n = 0;

	code[n++] = jcc(ISA_JEQ, 64, 2, 1, 1 + countof(use) + STRAIGHT);
	code[n++] = jcc(ISA_JEQ, 64, 2, 2, countof(use) + 2 * STRAIGHT);
	memcpy(code + n, use, sizeof use);
	n += countof(use);
	for (uint32_t i = 0; i < 2 * STRAIGHT; i++)
		code[n++] = mov(5, 1);
	return n;
}

/* Kept states without a branch that goes both ways before them. */
static uint32_t by_a_long_straight_way(struct isa_insn *code)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < 3; k++) {
		for (uint32_t i = 0; i < 70; i++)
			code[n++] = mov(5, 1);
		code[n++] = jcc(ISA_JEQ, 64, 5, 1, 1);
		code[n++] = mov(5, 2);
	}
	return n;
}

TEST(numbers_that_matter_far_away_are_told_apart)
{
	check_far_use("many slots", by_many_slots, USE_AFTER);
	check_far_use("many slots, then a meeting", by_many_slots_and_a_meeting, USE_AFTER);
	check_far_use("a long straight way", by_a_long_straight_way, USE_AFTER);
	check_far_use("used before a long straight way", by_a_long_straight_way, USE_BEFORE);
	check_far_use("used before two meetings", by_use_and_two_meetings, USE_INSIDE);
}

/*
 * r3 is bounded by the last of many comparisons, and r5 is a copy of it on one path, of r7 on the other. The others
 * tell of r8 and its copy r9.
 */
TEST(copies_that_learn_at_the_last_of_many_branches_are_told_apart)
{
	enum { BRANCHES = LINKS_MAX + 6 };
	struct isa_insn code[BRANCHES + 24];
	struct row r = { "many branches", code, 0, 208, NULL };

	code[r.n++] = ldx(64, 2, 1, 0);
	code[r.n++] = ldx(64, 3, 1, 0);
	code[r.n++] = ldx(64, 7, 1, 0);
	code[r.n++] = ldx(64, 8, 1, 0);
	code[r.n++] = movr(9, 8);
	code[r.n++] = movr(5, 7);
	code[r.n++] = jcc(ISA_JEQ, 64, 2, 0, 1);
	code[r.n++] = movr(5, 3);
	code[r.n++] = mov(0, 0);
	for (int i = 0; i < BRANCHES; i++) {
		bool last = i == BRANCHES - 1;

		code[r.n++] = jcc(ISA_JGT, 64, last ? 3 : 8, last ? 63 : 1000 - i, BRANCHES - i - 1 + 4);
	}
	code[r.n++] = imm64(ISA_IMM64_MAP_VALUE, 4, MAP_ARRAY, 0);
	code[r.n++] = PAD;
	code[r.n++] = addr(4, 5);
	code[r.n++] = ldx(8, 0, 4, 0);
	code[r.n++] = movr(0, 7);
	code[r.n++] = movr(0, 9);
	code[r.n++] = mov(0, 0);
	code[r.n++] = exit_();
	check_rows(&r, 1, &fixture_type);
}

/* Liveness and marks know 64 slots; a profile may allow more. */
TEST(numbers_deep_in_a_stack_are_told_apart)
{
	const struct row r = { "deep",
			       CODE(ldx(64, 2, 1, 0), mov(3, 64), jcc(ISA_JEQ, 64, 2, 0, 1), mov(3, 0),
				    stx(64, 10, -600, 3), mov(3, 0), jmp(0), ldx(64, 6, 10, -600),
				    MAP_VALUE(4, MAP_ARRAY, 0), addr(4, 6), ldx(8, 0, 4, 0), mov(0, 0), exit_()),
			       311 };
	struct abi_profile p = fixture_profile;
	struct diag d;

	p.limits.stack_bytes = 1024;
	CHECK_EQ(verify_with(&r, &p, &fixture_type, 64 << 20, &d), E_REJECTED);
	CHECK_EQ(d.id, 311);
}
