/* SPDX-License-Identifier: Apache-2.0 */
/* What a rejection tells the author of the program. */
#include "asm.h"
#include "fixture.h"
#include "test.h"

static const struct prog_line lines[] = {
	{ .insn = 0, .file = "rule.c", .text = "	int i = ctx->n;", .line = 10, .col = 2 },
	{ .insn = 2, .file = "rule.c", .text = "	if (i > 100)", .line = 11, .col = 2 },
	{ .insn = 3, .file = "rule.c", .text = "	return table[i];", .line = 12, .col = 9 },
};

TEST(a_rejection_names_place_knowledge_path_and_mend)
{
	const struct isa_insn code[] = {
		ldx(64, 3, 1, 0), mov(0, 0), jcc(ISA_JGT, 64, 3, 100, 4), MAP_VALUE(2, MAP_ARRAY, 0), addr(2, 3),
		ldx(8, 0, 2, 0),  exit_()
	};
	struct prog p = fixture_prog(code, countof(code));
	struct verify_opts o = { .profile = &fixture_profile, .type = &fixture_any, .ctx = &fixture_ctx };
	struct verify_stats stats;
	struct arena a;
	struct diag d;
	struct buf b;

	p.lines = lines;
	p.n_lines = countof(lines);
	arena_init(&a, 1 << 20);
	diag_init(&d);
	buf_init(&b, 1 << 16);
	CHECK_EQ(verify_prog(&p, &o, &a, &stats, &d), E_REJECTED);
	CHECK_EQ(d.family, 'V');
	CHECK_EQ(d.id, 311);
	CHECK_EQ(d.insn, 6);
	CHECK_STR(d.subject, "test");
	diag_render(&b, &d, false);
	CHECK_HAS(b.p, "rule.c:12:9: error[V311]: load: 1 bytes at offset 0..100 of a value of map a, which has 64");
	CHECK_HAS(b.p, "return table[i];");
	CHECK_HAS(b.p, "hint: check the index against the value's size");
	CHECK_HAS(b.p, "insn 5: r2 is value(map 1)+(0..100), set here");
	CHECK_HAS(b.p, "rule.c:11:2: insn 2: the path: this branch was not taken");
	CHECK(stats.steps > 0);
	buf_done(&b);
	arena_done(&a);
}

static void collect(void *user, uint32_t insn, const char *state)
{
	struct buf *b = user;

	buf_printf(b, "%u: %s\n", insn, state);
}

TEST(a_trace_shows_each_state)
{
	const struct isa_insn code[] = { ldx(8, 2, 1, CTX_U8), stx(64, 10, -8, 2), mov(0, -5), exit_() };
	struct prog p = fixture_prog(code, countof(code));
	struct buf b;
	struct verify_opts o = { .profile = &fixture_profile,
				 .type = &fixture_any,
				 .ctx = &fixture_ctx,
				 .trace = collect,
				 .trace_user = &b };
	struct arena a;

	arena_init(&a, 1 << 20);
	buf_init(&b, 1 << 16);
	CHECK_OK(verify_prog(&p, &o, &a, NULL, NULL));
	CHECK_HAS(b.p, "0: r1=ctx;");
	CHECK_HAS(b.p, "1: r1=ctx; r2=0..255;");
	CHECK_HAS(b.p, "2: r1=ctx; r2=0..255;  fp-8=0..255");
	CHECK_HAS(b.p, "3: r0=-5;");
	buf_done(&b);
	arena_done(&a);
}
