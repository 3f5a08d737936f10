/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is not explored twice (prune.c), and which numbers are left out of account (precise.c), change no verdict.
 *
 * SALLYPORT_TEST_PAIRS: how many random programs of the kinds made for this (15000); of others a tenth.
 */
#include "chase.h"
#include "clash.h"
#include "judge.h"
#include "test.h"

enum { RUNS = 4, STEPS = 20000 };

static uint32_t programs(void)
{
	const char *n = getenv("SALLYPORT_TEST_PAIRS");

	return n ? (uint32_t)strtoul(n, NULL, 10) : 15000;
}

/* In turns of two types. */
static void judge_programs(void (*make)(struct gen *g, uint64_t seed), const struct abi_prog_type *one,
			   const struct abi_prog_type *two, uint32_t n)
{
	struct abi_profile profile = fixture_profile;
	struct judge j = { .profile = &profile, .ctx = &fixture_ctx, .runs = RUNS };
	static struct gen g;

	profile.limits.steps = STEPS;
	for (uint32_t i = 0; i < n; i++) {
		struct prog p;
		bool right;

		make(&g, i);
		p = fixture_prog(g.code, g.n);
		j.seed = i;
		j.type = i & 1 ? one : two;
		right = judge_pruned(&j, &p);
		if (!right)
			print_error("program %u: %s\n", i, j.wrong);
		CHECK(right);
	}
	print_message("# %u of %u accepted, %u over budget; %llu steps, strictly %llu, on every path %llu\n",
		      j.accepted, n, j.over_budget, (unsigned long long)j.steps, (unsigned long long)j.strict_steps,
		      (unsigned long long)j.every_steps);
	CHECK(j.accepted > n / 20 && n - j.accepted > n / 20);
	CHECK(j.steps <= j.strict_steps && j.strict_steps < j.every_steps);
}

TEST(numbers_left_out_of_account_change_no_verdict)
{
	judge_programs(chase_program, &fixture_type, &fixture_any, programs());
}

TEST(states_left_out_of_account_change_no_verdict)
{
	judge_programs(clash_program, &fixture_any, &fixture_any, programs());
}

TEST(programs_of_all_kinds_are_judged_as_with_every_path_walked)
{
	judge_programs(gen_program, &fixture_any, &fixture_any, programs() / 10);
}
