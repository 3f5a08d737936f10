/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random: the tests of soundness on as many programs as there is time for (./dev fuzz verify).
 *
 *   verify-random [--seconds N] [--seed N]
 *
 * Exit 1: the verifier was wrong about a program; its kind and seed are on standard error, and make it again.
 */
#include <getopt.h>
#include <inttypes.h>
#include <time.h>

#include "chase.h"
#include "clash.h"
#include "judge.h"

enum { STEPS = 20000 };

struct kind {
	const char *name;
	void (*make)(struct gen *g, uint64_t seed);
	bool (*judge)(struct judge *j, const struct prog *p);
	uint32_t times; /* in each round */
};

static const struct kind kinds[] = {
	{ "of all kinds, watched", gen_program, judge_watched, 2 },
	{ "of all kinds, pruned", gen_program, judge_pruned, 1 },
	{ "a number sent far", chase_program, judge_pruned, 20 },
	{ "things that clash", clash_program, judge_pruned, 20 },
	{ "things that clash, watched", clash_program, judge_watched, 10 },
};

static double now_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool round_of(const struct kind *k, struct judge *j, uint64_t seed)
{
	static struct gen g;

	for (uint32_t i = 0; i < k->times; i++) {
		struct prog p;

		j->seed = seed * k->times + i;
		k->make(&g, j->seed);
		p = fixture_prog(g.code, g.n);
		if (k->judge(j, &p))
			continue;
		(void)fprintf(stderr, "verify-random: %s, seed %" PRIu64 ": %s\n", k->name, j->seed, j->wrong);
		return false;
	}
	return true;
}

static uint32_t report(const struct judge *j, double seconds)
{
	uint32_t programs = 0;

	for (size_t k = 0; k < countof(kinds); k++) {
		(void)printf("%-28s %9u programs, %9u accepted, %8u over the budget of the walk of every path\n",
			     kinds[k].name, j[k].programs, j[k].accepted, j[k].over_budget);
		programs += j[k].programs;
	}
	(void)printf("%u programs in %.0f s: %.0f/s; the verifier was right about each\n", programs, seconds,
		     programs / seconds);
	return programs;
}

static bool read_number(const char *text, uint64_t *out)
{
	char *end;

	*out = strtoull(text, &end, 10);
	return *text && !*end;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'r' },
		{ 0 },
	};
	static struct judge judges[countof(kinds)];
	struct abi_profile profile = fixture_profile;
	uint64_t seconds = 60, seed = (uint64_t)time(NULL) << 20;
	double began = now_s();
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!(c == 's' && read_number(optarg, &seconds)) && !(c == 'r' && read_number(optarg, &seed)))
			return 2;
	profile.limits.steps = STEPS;
	for (size_t k = 0; k < countof(kinds); k++)
		judges[k] = (struct judge){ .profile = &profile, .type = &fixture_any, .ctx = &fixture_ctx, .runs = 3 };
	(void)printf("from seed %" PRIu64 "\n", seed);
	for (; now_s() - began < (double)seconds; seed++)
		for (size_t k = 0; k < countof(kinds); k++)
			if (!round_of(&kinds[k], &judges[k], seed))
				return 1;
	return report(judges, now_s() - began) ? 0 : 1;
}
