/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States are compared without the numbers that do not matter (precise.c), which nobody can watch: a machine may hold
 * numbers that the state which covers it does not. So the verdict is held against the one with every number compared:
 * what is accepted loosely is accepted strictly, or is only too much for the budget; what is accepted strictly is
 * accepted loosely; and what is accepted runs without a fault.
 *
 * SALLYPORT_TEST_CHASES: how many random programs (20000).
 */
#include "chase.h"
#include "test.h"
#include "watch.h"

enum { RUNS = 4 };

struct tally {
	uint32_t accepted, budget, harmful;
	uint64_t strict_steps, loose_steps;
};

static uint32_t programs(void)
{
	const char *n = getenv("SALLYPORT_TEST_CHASES");

	return n ? (uint32_t)strtoul(n, NULL, 10) : 20000;
}

static void nobody(void *user, const struct state *s)
{
	(void)user;
	(void)s;
}

/* The strict verdict when somebody observes, else the loose one. */
static enum err verdict(const struct prog *p, const struct abi_prog_type *type, verify_observer *fn, struct diag *d,
			uint64_t *steps)
{
	struct verify_opts o = { .profile = &fixture_profile, .type = type, .ctx = &fixture_ctx };
	struct verify_stats stats;
	struct arena a;
	enum err err;

	arena_init(&a, 64 << 20);
	diag_init(d);
	err = verify_observed(p, &o, &a, &stats, d, fn, NULL);
	d->notes = NULL;
	*steps += stats.steps;
	arena_done(&a);
	return err;
}

static void run(const struct prog *p, uint64_t seed)
{
	static struct watch unwatched;

	unwatched.overflow = true;
	for (uint64_t k = 0; k < RUNS; k++) {
		uint32_t insn = 0;
		const char *wrong = watch_run(&unwatched, p, &fixture_ctx, seed * RUNS + k, &insn);

		if (wrong)
			print_error("program %llu, instruction %u: %s\n", (unsigned long long)seed, insn, wrong);
		CHECK(!wrong);
	}
}

static void try_chase(uint64_t seed, struct tally *t)
{
	const struct abi_prog_type *type = seed & 1 ? &fixture_any : &fixture_type;
	static struct gen g;
	struct diag strict_d, loose_d;
	struct prog p;
	enum err strict, loose;

	chase_program(&g, seed);
	p = fixture_prog(g.code, g.n);
	strict = verdict(&p, type, nobody, &strict_d, &t->strict_steps);
	loose = verdict(&p, type, NULL, &loose_d, &t->loose_steps);
	if (!loose && strict && strict != E_LIMIT)
		print_error("program %llu is accepted, and not with all numbers compared: V%u at %llu: %s\n",
			    (unsigned long long)seed, strict_d.id, (unsigned long long)strict_d.insn, strict_d.text);
	CHECK(loose || !strict || strict == E_LIMIT);
	CHECK(strict || !loose);
	CHECK(strict != E_BUG && loose != E_BUG);
	t->accepted += !loose;
	t->budget += strict == E_LIMIT;
	t->harmful += loose == E_REJECTED;
	if (!loose)
		run(&p, seed);
}

TEST(numbers_left_out_of_account_change_no_verdict)
{
	static struct tally t;
	uint32_t n = programs();

	for (uint32_t i = 0; i < n; i++)
		try_chase(i, &t);
	print_message("# %u of %u accepted, %u over budget; %llu steps, strictly %llu\n", t.accepted, n, t.budget,
		      (unsigned long long)t.loose_steps, (unsigned long long)t.strict_steps);
	CHECK(t.accepted > n / 10 && t.harmful > n / 10);
	CHECK(t.loose_steps < t.strict_steps);
}
