/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is not explored twice (prune.c), and which numbers are left out of account (precise.c), change no verdict.
 *
 * A machine cannot watch the latter: it may hold numbers that the state which covers it does not. So the verdict on
 * programs that were made to go wrong there is held against two others: with every number compared, and with every path
 * walked. What is accepted is accepted by these, too, or is only too much for their budget; what these accept is
 * accepted; and it runs without a fault.
 *
 * SALLYPORT_TEST_PAIRS: how many random programs of the kinds made for this (15000); of others a tenth.
 */
#include "chase.h"
#include "clash.h"
#include "test.h"
#include "watch.h"

enum { RUNS = 4, STEPS = 20000 };

struct tally {
	uint32_t accepted, budget, harmful;
	uint64_t steps, strict_steps, every_steps;
};

static uint32_t programs(void)
{
	const char *n = getenv("SALLYPORT_TEST_PAIRS");

	return n ? (uint32_t)strtoul(n, NULL, 10) : 15000;
}

static void nobody(void *user, const struct state *s)
{
	(void)user;
	(void)s;
}

static FALLIBLE verify_strictly(const struct prog *p, const struct verify_opts *o, struct arena *a,
				struct verify_stats *stats, struct diag *d)
{
	return verify_observed(p, o, a, stats, d, nobody, NULL);
}

typedef enum err verify_fn(const struct prog *p, const struct verify_opts *o, struct arena *a,
			   struct verify_stats *stats, struct diag *d);

static enum err verdict(verify_fn *verify, const struct prog *p, const struct abi_prog_type *type, struct diag *d,
			uint64_t *steps)
{
	struct abi_profile profile = fixture_profile;
	struct verify_opts o = { .profile = &profile, .type = type, .ctx = &fixture_ctx };
	struct verify_stats stats;
	struct arena a;
	enum err err;

	profile.limits.steps = STEPS;
	arena_init(&a, 64 << 20);
	diag_init(d);
	err = verify(p, &o, &a, &stats, d);
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

/* got: the verdict; other: the one that leaves less out. */
static void must_agree(enum err got, enum err other, const struct diag *d, const char *how, uint64_t seed)
{
	bool agree = got ? other != E_OK : !other || other == E_LIMIT;

	if (!agree)
		print_error("program %llu is %s, but not %s: V%u at %llu: %s\n", (unsigned long long)seed,
			    got ? "refused" : "accepted", how, d->id, (unsigned long long)d->insn, d->text);
	CHECK(agree && got != E_BUG && other != E_BUG);
}

static void try_program(const struct prog *p, const struct abi_prog_type *type, uint64_t seed, struct tally *t)
{
	struct diag d, strict_d, every_d;
	enum err err = verdict(verify_prog, p, type, &d, &t->steps),
		 strict = verdict(verify_strictly, p, type, &strict_d, &t->strict_steps),
		 every = verdict(verify_every_path, p, type, &every_d, &t->every_steps);

	must_agree(err, strict, err ? &d : &strict_d, "with every number compared", seed);
	must_agree(strict, every, strict ? &strict_d : &every_d, "with every path walked", seed);
	t->accepted += !err;
	t->budget += every == E_LIMIT;
	t->harmful += err == E_REJECTED;
	if (!err)
		run(p, seed);
}

/* In turns of two types. */
static void try_programs(void (*make)(struct gen *g, uint64_t seed), const struct abi_prog_type *one,
			 const struct abi_prog_type *two, uint32_t n)
{
	struct tally t = { 0 };
	static struct gen g;

	for (uint32_t i = 0; i < n; i++) {
		struct prog p;

		make(&g, i);
		p = fixture_prog(g.code, g.n);
		try_program(&p, i & 1 ? one : two, i, &t);
	}
	print_message("# %u of %u accepted, %u over budget; %llu steps, strictly %llu, on every path %llu\n",
		      t.accepted, n, t.budget, (unsigned long long)t.steps, (unsigned long long)t.strict_steps,
		      (unsigned long long)t.every_steps);
	CHECK(t.accepted > n / 20 && t.harmful > n / 20);
	CHECK(t.steps <= t.strict_steps && t.strict_steps < t.every_steps);
}

TEST(numbers_left_out_of_account_change_no_verdict)
{
	try_programs(chase_program, &fixture_type, &fixture_any, programs());
}

TEST(states_left_out_of_account_change_no_verdict)
{
	try_programs(clash_program, &fixture_any, &fixture_any, programs());
}

TEST(programs_of_all_kinds_are_judged_as_with_every_path_walked)
{
	try_programs(gen_program, &fixture_any, &fixture_any, programs() / 10);
}
