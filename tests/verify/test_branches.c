/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts on what branches tell. */
#include "rows.h"

TEST(branches_tell_what_they_test)
{
	const struct row rows[] = {
		{ "a dead branch may do anything",
		  CODE(mov(0, 1), jcc(ISA_JEQ, 64, 0, 1, 1), ldx(64, 0, 9, 0), exit_()), 0 },
		{ "copies learn together",
		  CODE(ldx(64, 0, 1, 0), movr(2, 0), jcc(ISA_JLE, 64, 2, 1, 1), mov(0, 0), exit_()), 0 },
		{ "a changed copy does not learn",
		  CODE(ldx(64, 0, 1, 0), movr(2, 0), add(0, 1), jcc(ISA_JLE, 64, 2, 1, 1), mov(0, 0), exit_()), 213 },
		{ "a spilled copy learns",
		  CODE(ldx(64, 2, 1, 0), stx(64, 10, -8, 2), jcc(ISA_JLE, 64, 2, 1, 2), mov(0, 0), exit_(),
		       ldx(64, 0, 10, -8), exit_()),
		  0 },
		{ "a 32-bit comparison says nothing of the upper half",
		  CODE(ldx(64, 0, 1, 0), jcc(ISA_JLE, 32, 0, 1, 1), mov(0, 0), exit_()), 213 },
		{ "unless it is known", CODE(ldx(32, 0, 1, CTX_U32), jcc(ISA_JLE, 32, 0, 1, 1), mov(0, 0), exit_()),
		  0 },
		{ "a signed lower bound alone is not enough",
		  CODE(ldx(64, 0, 1, 0), jcc(ISA_JSLE, 64, 0, 1, 1), mov(0, 0), exit_()), 213 },
		{ "both signed bounds",
		  CODE(ldx(64, 0, 1, 0), jcc(ISA_JSGT, 64, 0, 1, 2), jcc(ISA_JSLT, 64, 0, 0, 1), exit_(), mov(0, 0),
		       exit_()),
		  0 },
		{ "a register as the bound",
		  CODE(ldx(64, 0, 1, 0), mov(2, 2), jccr(ISA_JLT, 64, 0, 2, 1), mov(0, 0), exit_()), 0 },
		{ "a register with a bound as the bound",
		  CODE(ldx(64, 0, 1, 0), ldx(8, 2, 1, CTX_U8), and_(2, 1), jccr(ISA_JLE, 64, 0, 2, 1), mov(0, 0),
		       exit_()),
		  0 },
		{ "jset not taken clears bits",
		  CODE(ldx(64, 0, 1, 0), jcc(ISA_JSET, 64, 0, -2, 1), exit_(), mov(0, 0), exit_()), 0 },
		{ "two values taken off the ends",
		  CODE(ldx(8, 0, 1, CTX_U8), and_(0, 3), jcc(ISA_JEQ, 64, 0, 3, 2), jcc(ISA_JEQ, 64, 0, 2, 1), exit_(),
		       mov(0, 0), exit_()),
		  0 },
		{ "a remainder is below its divisor", CODE(ldx(64, 0, 1, 0), op_ri(ISA_MOD, 64, 0, 2), exit_()), 0 },
		{ "a signed remainder may be negative", CODE(ldx(64, 0, 1, 0), op_ri(ISA_SMOD, 64, 0, 2), exit_()),
		  213 },
		{ "sign extension by shifts",
		  CODE(mov(0, -1), op_ri(ISA_LSH, 64, 0, 32), op_ri(ISA_ARSH, 64, 0, 32), add(0, 1), exit_()), 0 },
		{ "32-bit results have no upper half", CODE(mov(0, -1), op_ri(ISA_ADD, 32, 0, 2), exit_()), 0 },
		{ "a 32-bit constant is zero-extended", CODE(op_ri(ISA_MOV, 32, 0, -1), exit_()), 213 },
		{ "byte swap of a constant", CODE(mov(0, 0x0100), op_r(ISA_BSWAP, 16, 0), exit_()), 0 },
		{ "a comparison with itself",
		  CODE(ldx(64, 2, 1, 0), mov(0, 0), jccr(ISA_JNE, 64, 2, 2, 1), exit_(), mov(0, 9), exit_()), 0 },
	};

	check_rows(rows, countof(rows), &fixture_type);
}
