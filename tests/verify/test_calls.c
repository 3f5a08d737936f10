/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts on calls of functions, through registers, and tail calls. */
#include "rows.h"

#define TAIL_CALL MAP_FD(2, MAP_PROGS), mov(3, 1), call(LINUX_TAIL_CALL)

TEST(calls_of_other_kinds)
{
	const struct row rows[] = {
		{ "a tail call", CODE(TAIL_CALL, mov(0, 0), exit_()), 0 },
		{ "what it leaves in r0", CODE(TAIL_CALL, exit_()), 213 },
		{ "r6 is kept when it fails", CODE(mov(6, 1), TAIL_CALL, movr(0, 6), exit_()), 0 },
		{ "a tail call to a hash",
		  CODE(MAP_FD(2, MAP_HASH), mov(3, 1), call(LINUX_TAIL_CALL), mov(0, 0), exit_()), 414 },
		{ "a tail call in a function", CODE(call_local(2), mov(0, 0), exit_(), TAIL_CALL, mov(0, 0), exit_()),
		  0 },
		{ "the function's caller may get what the other program returns",
		  CODE(call_local(1), exit_(), TAIL_CALL, mov(0, 0), exit_()), 213 },
		{ "a tail call with much stack below it",
		  CODE(st(64, 10, -256, 0), call_local(2), mov(0, 0), exit_(), TAIL_CALL, mov(0, 0), exit_()), 413 },
		{ "a tail call with a little stack below it",
		  CODE(st(64, 10, -248, 0), call_local(2), mov(0, 0), exit_(), TAIL_CALL, mov(0, 0), exit_()), 0 },
		{ "a tail call in a callback",
		  CODE(movr(6, 1), mov(1, 10), FUNC(2, 6), movr(3, 6), mov(4, 0), call(LINUX_LOOP), mov(0, 0), exit_(),
		       movr(1, 2), TAIL_CALL, mov(0, 0), exit_()),
		  412 },
		{ "a call through a register", CODE(FUNC(6, 4), callx(6), mov(0, 0), exit_(), mov(0, 0), exit_()), 0 },
		{ "and what it returns", CODE(FUNC(6, 3), callx(6), exit_(), mov(0, 1), exit_()), 0 },
		{ "with arguments", CODE(mov(1, 1), FUNC(6, 3), callx(6), exit_(), movr(0, 1), exit_()), 0 },
		{ "one of two functions",
		  CODE(ldx(8, 7, 1, CTX_U8), FUNC(6, 6), jcc(ISA_JEQ, 64, 7, 0, 2), FUNC(6, 5), callx(6), exit_(),
		       mov(0, 1), exit_(), mov(0, 0), exit_()),
		  0 },
		{ "one of two functions, one of them bad",
		  CODE(ldx(8, 7, 1, CTX_U8), FUNC(6, 6), jcc(ISA_JEQ, 64, 7, 0, 2), FUNC(6, 5), callx(6), exit_(),
		       mov(0, 1), exit_(), mov(0, 2), exit_()),
		  213 },
		{ "through a number", CODE(mov(6, 1), callx(6), mov(0, 0), exit_()), 417 },
		{ "through nothing", CODE(callx(6), mov(0, 0), exit_()), 201 },
		{ "through a changed reference", CODE(FUNC(6, 4), add(6, 1), callx(6), exit_(), mov(0, 1), exit_()),
		  205 },
		{ "recursion through a register",
		  CODE(FUNC(6, 4), callx(6), mov(0, 0), exit_(), FUNC(6, -1), callx(6), exit_()), 112 },
		{ "a reference stored in a map",
		  CODE(FUNC(6, 6), MAP_VALUE(1, MAP_ARRAY, 0), stx(64, 1, 0, 6), mov(0, 0), exit_(), mov(0, 0),
		       exit_()),
		  313 },
		{ "a function as memory", CODE(FUNC(6, 3), ldx(64, 0, 6, 0), exit_(), mov(0, 0), exit_()), 301 },
		{ "a tail call in a function that a callback calls",
		  CODE(movr(6, 1), mov(1, 10), FUNC(2, 6), movr(3, 6), mov(4, 0), call(LINUX_LOOP), mov(0, 0), exit_(),
		       movr(1, 2), call_local(2), mov(0, 0), exit_(), TAIL_CALL, mov(0, 0), exit_()),
		  412 },
		{ "the second of two callees uses much stack",
		  CODE(st(64, 10, -512, 0), call_local(3), call_local(5), mov(0, 0), exit_(), st(64, 10, -8, 0),
		       mov(0, 0), exit_(), st(64, 10, -512, 0), call_local(2), mov(0, 0), exit_(), st(64, 10, -8, 0),
		       mov(0, 0), exit_()),
		  505 },
		{ "and so does one that is called through a register",
		  CODE(st(64, 10, -512, 0), FUNC(6, 4), callx(6), mov(0, 0), exit_(), st(64, 10, -512, 0),
		       call_local(2), mov(0, 0), exit_(), st(64, 10, -8, 0), mov(0, 0), exit_()),
		  505 },
	};

	check_rows(rows, countof(rows), &fixture_type);
}
