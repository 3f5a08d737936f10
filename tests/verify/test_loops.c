/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts on loops, by exploration and by may_goto. */
#include "rows.h"

TEST(loops_that_end_are_accepted)
{
	const struct row rows[] = {
		{ "a counted loop", CODE(mov(0, 0), add(0, 1), jcc(ISA_JLT, 64, 0, 1000, -2), mov(0, 0), exit_()), 0 },
		{ "a loop with a bound that is not known",
		  CODE(ldx(8, 2, 1, CTX_U8), mov(0, 0), add(0, 1), jccr(ISA_JLT, 64, 0, 2, -2), mov(0, 0), exit_()),
		  0 },
		{ "a loop with a branch inside",
		  CODE(ldx(64, 2, 1, 0), mov(3, 0), mov(4, 0), jcc(ISA_JSET, 64, 2, 1, 1), add(4, 1), add(3, 1),
		       op_ri(ISA_RSH, 64, 2, 1), jcc(ISA_JLT, 64, 3, 64, -5), mov(0, 0), exit_()),
		  0 },
		{ "loops in loops",
		  CODE(mov(0, 0), mov(2, 0), add(2, 1), jcc(ISA_JLT, 64, 2, 30, -2), add(0, 1),
		       jcc(ISA_JLT, 64, 0, 30, -5), mov(0, 1), exit_()),
		  0 },
		{ "a loop over a value",
		  CODE(mov(3, 0), mov(0, 0), MAP_VALUE(2, MAP_ARRAY, 0), addr(2, 3), ldx(8, 4, 2, 0), addr(0, 4),
		       add(3, 1), jcc(ISA_JLT, 64, 3, 64, -7), mov(0, 1), exit_()),
		  0 },
		{ "a loop over a value, one too many",
		  CODE(mov(3, 0), mov(0, 0), MAP_VALUE(2, MAP_ARRAY, 0), addr(2, 3), ldx(8, 4, 2, 0), addr(0, 4),
		       add(3, 1), jcc(ISA_JLE, 64, 3, 64, -7), mov(0, 1), exit_()),
		  311 },
		{ "a loop over pointers",
		  CODE(MAP_VALUE(2, MAP_ARRAY, 0), movr(3, 2), add(3, 64), mov(0, 0), ldx(8, 4, 2, 0), add(2, 1),
		       jccr(ISA_JLT, 64, 2, 3, -3), exit_()),
		  0 },
		{ "a function called in a loop",
		  CODE(mov(6, 0), movr(1, 6), call_local(5), movr(6, 0), jcc(ISA_JLT, 64, 6, 50, -4), mov(0, 0),
		       exit_(), exit_(), movr(0, 1), add(0, 1), exit_()),
		  107 },
		{ "a function called in a loop, for real",
		  CODE(mov(6, 0), movr(1, 6), call_local(4), movr(6, 0), jcc(ISA_JLT, 64, 6, 50, -4), mov(0, 0),
		       exit_(), movr(0, 1), add(0, 1), exit_()),
		  0 },
	};

	check_rows(rows, countof(rows), &fixture_type);
}

TEST(may_goto_bounds_what_the_program_does_not)
{
	const struct row rows[] = {
		{ "a loop without an end when the runtime has had enough",
		  CODE(ldx(64, 7, 1, 0), mov(0, 0), may_goto(1), exit_(), and_(7, 7), jmp(-4)), 111 },
		{ "a loop without an end", CODE(mov(0, 0), may_goto(1), jmp(-2), exit_()), 0 },
		{ "a count", CODE(mov(0, 0), may_goto(2), add(0, 1), jmp(-3), and_(0, 1), exit_()), 0 },
		{ "a count as an index",
		  CODE(mov(6, 0), may_goto(6), MAP_VALUE(1, MAP_ARRAY, 0), addr(1, 6), ldx(8, 0, 1, 0), add(6, 1),
		       jmp(-7), mov(0, 0), exit_()),
		  208 },
		{ "a tested count as an index",
		  CODE(mov(6, 0), may_goto(7), jcc(ISA_JGT, 64, 6, 63, 6), MAP_VALUE(1, MAP_ARRAY, 0), addr(1, 6),
		       ldx(8, 0, 1, 0), add(6, 1), jmp(-8), mov(0, 0), exit_()),
		  0 },
		{ "both ways go round", CODE(mov(0, 0), may_goto(0), jmp(-2)), 111 },
		{ "it stands beside the loop", CODE(mov(0, 0), may_goto(0), jcc(ISA_JEQ, 64, 0, 0, -1), exit_()), 111 },
		{ "a loop in it that never ends",
		  CODE(mov(0, 0), may_goto(2), jcc(ISA_JEQ, 64, 0, 0, -1), jmp(-3), exit_()), 111 },
		{ "a loop in it that ends",
		  CODE(mov(0, 0), may_goto(4), mov(6, 0), add(6, 1), jcc(ISA_JLT, 64, 6, 9, -2), jmp(-5), exit_()), 0 },
		{ "a loop that never ends around it", CODE(mov(0, 0), may_goto(1), jmp(-2), jmp(-4)), 111 },
		{ "branches in it",
		  CODE(movr(6, 1), mov(0, 0), may_goto(6), ldx(64, 2, 6, 0), jcc(ISA_JSET, 64, 2, 1, 1), mov(7, 1),
		       jcc(ISA_JSET, 64, 2, 2, 1), mov(0, 1), jmp(-7), exit_()),
		  0 },
		{ "in a function called in a loop that never ends",
		  CODE(call_local(1), jmp(-2), mov(0, 0), may_goto(1), jmp(-2), exit_()), 111 },
		{ "in a function that it calls",
		  CODE(mov(0, 0), may_goto(2), call_local(2), jmp(-3), exit_(), mov(0, 0), may_goto(1), jmp(-2),
		       exit_()),
		  0 },
		{ "in a callback",
		  CODE(CB(6), call(LINUX_LOOP), mov(0, 0), exit_(), mov(0, 0), may_goto(1), jmp(-2), exit_()), 0 },
		{ "around a callback",
		  CODE(mov(0, 0), may_goto(7), CB(7), call(LINUX_LOOP), jmp(-8), mov(0, 0), exit_(), mov(0, 0),
		       exit_()),
		  0 },
	};

	check_rows(rows, countof(rows), &fixture_type);
}
