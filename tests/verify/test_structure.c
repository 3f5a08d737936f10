/* SPDX-License-Identifier: Apache-2.0 */
/* What the verifier says of a program before it walks it. */
#include "rows.h"

TEST(structure_is_checked_before_anything_runs)
{
	struct isa_insn odd = mov(0, 0);
	const struct row rows[] = {
		{ "nothing", CODE(mov(0, 0)), 101 },
		{ "a row that does not fit", CODE(odd, exit_()), 102 },
		{ "half a 64-bit immediate", CODE(imm64(ISA_IMM64_VALUE, 0, 0, 0), mov(0, 0), exit_()), 102 },
		{ "a jump past the end", CODE(jcc(ISA_JEQ, 64, 1, 0, 5), mov(0, 0), exit_()), 104 },
		{ "a jump before the start", CODE(jmp(-2), mov(0, 0), exit_()), 104 },
		{ "a jump into an immediate", CODE(jcc(ISA_JEQ, 64, 1, 0, 1), LDDW(0, 0), exit_()), 104 },
		{ "a jump into another function", CODE(call_local(2), jmp(2), exit_(), mov(0, 0), exit_()), 105 },
		{ "a jump to the start of another function",
		  CODE(call_local(3), jcc(ISA_JEQ, 64, 0, 0, 2), mov(0, 0), exit_(), mov(0, 0), exit_()), 105 },
		{ "no exit", CODE(mov(0, 0)), 106 },
		{ "a function without exit", CODE(call_local(1), exit_(), mov(0, 0)), 106 },
		{ "a branch at the end", CODE(mov(0, 0), jcc(ISA_JEQ, 64, 0, 1, -2)), 106 },
		{ "code after exit", CODE(mov(0, 0), exit_(), exit_()), 107 },
		{ "code jumped over", CODE(mov(0, 0), jmp(1), mov(0, 1), exit_()), 107 },
		{ "a call out of the program", CODE(call_local(7), exit_()), 108 },
		{ "a call into an immediate", CODE(call_local(1), LDDW(0, 0), exit_()), 108 },
		{ "a function that calls itself", CODE(call_local(1), exit_(), call_local(-1), exit_()), 109 },
		{ "two functions that call each other",
		  CODE(call_local(1), exit_(), call_local(1), exit_(), call_local(-3), exit_()), 109 },
		{ "a kernel function", CODE(call_kind(ISA_CALL_KFUNC, 1), exit_()), 110 },
		{ "a function outside of the program", CODE(FUNC(1, 7), mov(0, 0), exit_()), 108 },
		{ "a function inside of an immediate", CODE(FUNC(1, 0), mov(0, 0), exit_()), 108 },
		{ "the address of a BTF object", CODE(imm64(ISA_IMM64_BTF_ID, 1, 0, 0), PAD, mov(0, 0), exit_()), 110 },
		{ "a classic packet load", CODE(isa_make(ISA_LD_ABS, 32, ISA_FORM_LDABS, 0), exit_()), 110 },
		{ "an arena cast", CODE(isa_make(ISA_ADDR_CAST, 64, ISA_FORM_RRI, 0), exit_()), 110 },
		{ "an empty loop", CODE(mov(0, 0), jmp(-1), exit_()), 107 },
		{ "a loop without progress", CODE(mov(0, 0), jcc(ISA_JEQ, 64, 0, 0, -1), exit_()), 111 },
		{ "a loop that undoes its progress",
		  CODE(mov(0, 0), add(0, 1), add(0, -1), jcc(ISA_JNE, 64, 0, 7, -3), exit_()), 111 },
		{ "a loop on a number that is not known",
		  CODE(ldx(64, 2, 1, CTX_U64), mov(0, 0), jcc(ISA_JNE, 64, 2, 7, -1), exit_()), 111 },
	};
	struct row empty = rows[0];
	struct diag d;

	empty.n = 0;
	CHECK_EQ(verify_with(&empty, &fixture_profile, &fixture_type, 1 << 20, &d), E_REJECTED);
	CHECK_EQ(d.id, 101);
	odd.width = 32;
	for (size_t i = 1; i < countof(rows); i++) {
		struct isa_insn first[4];
		struct row r = rows[i];

		if (i == 1) { /* the table was filled before `odd` went wrong */
			first[0] = odd;
			first[1] = exit_();
			r.code = first;
		}
		check_rows(&r, 1, &fixture_type);
	}
}

TEST(what_is_not_modelled_is_unsupported_not_merely_rejected)
{
	const struct row r = { "kfunc", CODE(call_kind(ISA_CALL_KFUNC, 1), exit_()), 110 };
	struct diag d;

	CHECK_EQ(verify_with(&r, &fixture_profile, &fixture_type, 1 << 20, &d), E_UNSUPPORTED);
}

TEST(unreachable_code_is_fine_where_the_profile_says_so)
{
	const struct row r = { "code after exit", CODE(mov(0, 0), exit_(), mov(0, 7), exit_()), 0 };
	struct abi_profile p = fixture_profile;
	struct diag d;

	p.allow_unreachable = true;
	CHECK_OK(verify_with(&r, &p, &fixture_type, 1 << 20, &d));
}
