/* SPDX-License-Identifier: Apache-2.0 */
/* test_gene: programs as lines, their edits, and what is read from a kernel's log. */
#include "test.h"

#include "gene.h"

/* r0 = 0; if r0 == 0 goto exit; r1 = func ll; call func; goto -4 (the comparison); exit; func: r0 = 1; exit */
static const struct bpf_insn program[] = {
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
	{ .code = BPF_JMP | BPF_JEQ | BPF_K, .off = 4 },
	{ .code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = 1, .src_reg = BPF_PSEUDO_FUNC, .imm = 4 },
	{ 0 },
	{ .code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_CALL, .imm = 2 },
	{ .code = BPF_JMP | BPF_JA, .off = -5 },
	{ .code = BPF_JMP | BPF_EXIT },
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1 },
	{ .code = BPF_JMP | BPF_EXIT },
};

static struct gene gene_of_program(void)
{
	struct gene g = { .n = countof(program) };

	memcpy(g.insn, program, sizeof program);
	return g;
}

/* Where the jump at slot `at` leads. */
static int target(const struct gene *g, uint32_t at)
{
	const struct bpf_insn *in = &g->insn[at];
	bool far = in->code == (BPF_JMP | BPF_CALL) || gene_is_wide(in);

	CHECK(gene_is_jump(in));
	return (int)at + 1 + (far ? in->imm : in->off);
}

TEST(an_insertion_keeps_jumps_at_their_instructions)
{
	struct gene g = gene_of_program();

	CHECK(gene_insert(&g, 1, program, 1));
	CHECK_EQ(g.n, countof(program) + 1);
	CHECK_EQ(target(&g, 2), 7);
	CHECK_EQ(target(&g, 3), 8);
	CHECK_EQ(target(&g, 5), 8);
	CHECK_EQ(target(&g, 6), 1); /* what is put before an instruction is reached by the ways to it */
}

TEST(a_removal_keeps_jumps_at_their_instructions)
{
	struct gene g = gene_of_program();

	CHECK_EQ(gene_unit(&g, 2), 2);
	gene_remove(&g, 2, 2);
	CHECK_EQ(g.n, countof(program) - 2);
	CHECK_EQ(target(&g, 1), 4);
	CHECK_EQ(target(&g, 2), 5);
	CHECK_EQ(target(&g, 3), 1);
	gene_remove(&g, 4, 1);
	CHECK_EQ(target(&g, 1), 4); /* its instruction is gone: the one after it */
}

static bool calls_function(void *user, const struct gene *g)
{
	(void)user;
	for (uint32_t i = 0; i < g->n; i += gene_unit(g, i))
		if (g->insn[i].code == (BPF_JMP | BPF_CALL))
			return true;
	return false;
}

TEST(shrinking_leaves_what_it_takes)
{
	struct gene g = gene_of_program();

	gene_shrink(&g, calls_function, NULL, 1000);
	CHECK_EQ(g.n, 1);
	CHECK_EQ(g.insn[0].code, BPF_JMP | BPF_CALL);
}

TEST(random_programs_fit_and_hold_whole_instructions)
{
	static struct gene g, other;
	struct gene_rng r = { 7 };

	gene_fresh(&other, &r);
	for (int i = 0; i < 5000; i++) {
		if (i % 10 == 0)
			gene_fresh(&g, &r);
		gene_mutate(&g, &other, &r);
		CHECK(g.n >= 1 && g.n <= GENE_MAX);
		CHECK(g.n_maps <= GENE_MAPS);
	}
}

TEST(a_line_comes_back_as_it_was)
{
	static const char line[] = "x7\t26\t24\t16\tbpf_fentry_test1\t2,4,8,1,0,1,3;1,8,16,4,1,0,0\t0,4;6,7\t5=bpf_key_"
				   "put\tff00\t9500000000000000";
	AUTO_FREE char *copy = strdup(line);
	struct agree_program p;
	struct arena a;
	struct buf out;

	arena_init(&a, 1 << 20);
	buf_init(&out, 1 << 20);
	CHECK_EQ(agree_parse(copy, &a, &p, NULL), E_OK);
	CHECK_EQ(p.n_maps, 2);
	CHECK_EQ(p.maps[1].value, 16);
	CHECK_EQ(p.funcs[1].start, 6);
	CHECK_EQ(p.code.len, 8);
	agree_print(&p, &out);
	CHECK_STR(out.p, line);
	buf_done(&out);
	arena_done(&a);
}

TEST(a_broken_line_is_refused)
{
	static const char *const lines[] = {
		"x\t1\t0\t0\t-\t-\t-\t-\t-",     "x\tone\t0\t0\t-\t-\t-\t-\t-\t95",  "x\t1\t0\t0\t-\t1,2\t-\t-\t-\t95",
		"x\t1\t0\t0\t-\t-\t1\t-\t-\t95", "x\t1\t0\t0\t-\t-\t-\tname\t-\t95", "x\t1\t0\t0\t-\t-\t-\t-\t-\t9",
		"x\t1\t0\t0\t-\t-\t-\t-\t-\t9G",
	};

	for (size_t i = 0; i < countof(lines); i++) {
		AUTO_FREE char *copy = strdup(lines[i]);
		struct agree_program p;
		struct arena a;

		arena_init(&a, 1 << 20);
		CHECK_EQ(agree_parse(copy, &a, &p, NULL), E_FORMAT);
		arena_done(&a);
	}
}

TEST(the_last_line_of_a_log_is_the_reason)
{
	struct agree_result r = { 0 };

	agree_read_log(
		"0: (b7) r0 = 0\nR1 !read_ok\nverification time 3 usec\nstack depth 0\n"
		"processed 12 insns (limit 1000000) max_states_per_insn 1 total_states 5 peak_states 4 mark_read 2\n",
		&r);
	CHECK_STR(r.line, "R1 !read_ok");
	CHECK_EQ(r.steps, 12);
	CHECK_EQ(r.states_total, 5);
	CHECK_EQ(r.states_peak, 4);
	agree_read_log("expected prog array map for tail callverification time 2 usec\nprocessed 1 insns\n", &r);
	CHECK_STR(r.line, "expected prog array map for tail call");
}
