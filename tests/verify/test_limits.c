/* SPDX-License-Identifier: Apache-2.0 */
/* What happens at the limits of a profile. */
#include "rows.h"

TEST(budgets_are_limits_not_verdicts)
{
	const struct row loop = { "loop", CODE(mov(0, 0), add(0, 1), jcc(ISA_JLT, 64, 0, 1 << 20, -2), exit_()), 501 };
	const struct row wide = { "wide",
				  CODE(ldx(64, 2, 1, 0), mov(0, 0), jcc(ISA_JEQ, 64, 2, 1, 3),
				       jcc(ISA_JEQ, 64, 2, 2, 2), jcc(ISA_JEQ, 64, 2, 3, 1), jcc(ISA_JEQ, 64, 2, 4, 0),
				       exit_()),
				  502 };
	const struct row deep = { "deep", CODE(call_local(1), exit_(), call_local(1), exit_(), mov(0, 0), exit_()),
				  112 };
	const struct row tall = { "tall",
				  CODE(st(64, 10, -512, 0), call_local(2), mov(0, 0), exit_(), st(64, 10, -512, 0),
				       call_local(2), mov(0, 0), exit_(), st(64, 10, -8, 0), mov(0, 0), exit_()),
				  505 };
	const struct row v4 = { "v4", CODE(mov(0, 1), op_ri(ISA_SDIV, 64, 0, 1), exit_()), 103 };
	struct abi_profile p = fixture_profile;
	struct diag d;

	CHECK_EQ(verify_with(&loop, &p, &fixture_any, 64 << 20, &d), E_LIMIT);
	CHECK_EQ(d.id, 501);
	p.limits.branch_depth = 2;
	CHECK_EQ(verify_with(&wide, &p, &fixture_any, 64 << 20, &d), E_LIMIT);
	CHECK_EQ(d.id, 502);
	p = fixture_profile;
	p.limits.prog_slots = 3;
	CHECK_EQ(verify_with(&wide, &p, &fixture_any, 64 << 20, &d), E_LIMIT);
	CHECK_EQ(d.id, 503);
	for (size_t cap = 0; cap < 1 << 16; cap += 1024 - cap % 7) {
		enum err err = verify_with(&wide, &fixture_profile, &fixture_any, cap, &d);

		CHECK(err == E_LIMIT || err == E_OK);
		CHECK(err == E_OK || d.id == 504);
	}
	p = fixture_profile;
	p.limits.frames = 2;
	CHECK_EQ(verify_with(&deep, &p, &fixture_any, 64 << 20, &d), E_REJECTED);
	CHECK_EQ(d.id, 112);
	CHECK_OK(verify_with(&deep, &fixture_profile, &fixture_any, 64 << 20, &d));
	CHECK_EQ(verify_with(&tall, &fixture_profile, &fixture_any, 64 << 20, &d), E_REJECTED);
	CHECK_EQ(d.id, 505);
	p.limits.frames = 8;
	p.limits.isa_version = 3;
	CHECK_EQ(verify_with(&v4, &p, &fixture_any, 64 << 20, &d), E_REJECTED);
	CHECK_EQ(d.id, 103);
}
