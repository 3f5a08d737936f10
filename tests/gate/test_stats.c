/* SPDX-License-Identifier: Apache-2.0 */
/* stats: against values worked out elsewhere, and against the rate of errors that they promise. */
#include "test.h"

#include <math.h>

#include "release/gate/stats.h"
#include "release/simulate/rng.h"

static void check_near(double got, double want, double rel)
{
	if (!(fabs(got - want) <= rel * fabs(want)))
		fail_msg("%s: %.12g is not %.12g", test_row ? test_row : "", got, want);
}

TEST(shares_are_fishers_exact_test)
{
	/* The lady tasting tea: 3 of 4 against 1 of 4, and 4 of 4: 17/70, 1/70. */
	check_near(stats_shares(3, 4, 1, 4), 17.0 / 70, 1e-12);
	check_near(stats_shares(4, 4, 0, 4), 1.0 / 70, 1e-12);
	/* Nothing in the first arm, or no more than in the second, is no sign of anything. */
	CHECK(stats_shares(0, 10, 5, 10) >= 1);
	CHECK(stats_shares(5, 10, 5, 10) >= 1);
	CHECK(stats_shares(0, 0, 5, 10) >= 1);
	/* One event that only the small arm has: its share of all. */
	check_near(stats_shares(1, 200, 0, 8499800), 200.0 / 8500000, 1e-6);
}

TEST(shares_of_millions_agree_with_the_normal_approximation)
{
	/* 2 % against 1 %: z = 0.01 / sqrt(0.015 * 0.985 * 2 / 8500) = 5.36 */
	double p = stats_shares(170, 8500, 85, 8500);

	CHECK(p > 1e-9 && p < 1e-6);
	CHECK(stats_shares(85850, 8500000, 85000, 8500000) < 0.03);
	CHECK(stats_shares(85850, 8500000, 85000, 8500000) > 0.01);
}

TEST(ranks_of_arms_that_are_apart)
{
	float low[10], high[10], same[10];

	for (uint32_t i = 0; i < 10; i++) {
		low[i] = (float)i;
		high[i] = (float)(100 + i);
		same[i] = 7;
	}
	/* U = 100 of 100, mean 50, deviation sqrt(175): z = 49.5 / 13.229 */
	check_near(stats_mann_whitney(high, 10, low, 10), 0.5 * erfc(49.5 / sqrt(175) / sqrt(2)), 1e-9);
	CHECK(stats_mann_whitney(low, 10, high, 10) > 0.999);
	CHECK(stats_mann_whitney(same, 10, same, 10) >= 1);
	CHECK(stats_mann_whitney(low, 0, high, 10) >= 1);
}

TEST(ranks_keep_their_level_with_and_without_ties)
{
	struct rng r = { 11 };
	uint32_t below[2] = { 0 }, rounds = 4000;

	for (uint32_t i = 0; i < rounds; i++) {
		float a[60], b[60];

		for (uint32_t ties = 0; ties < 2; ties++) {
			for (uint32_t k = 0; k < 60; k++) {
				a[k] = (float)exp(rng_normal(&r));
				b[k] = (float)exp(rng_normal(&r));
				if (ties) {
					a[k] = floorf(a[k]);
					b[k] = floorf(b[k]);
				}
			}
			below[ties] += stats_mann_whitney(a, 60, b, 60) < 0.01;
		}
	}
	/* 40 expected; 3 deviations are 19. */
	for (uint32_t ties = 0; ties < 2; ties++)
		CHECK(below[ties] > 15 && below[ties] < 62);
}

TEST(medians_and_means)
{
	const float odd[] = { 5, 1, 3 }, even[] = { 4, 1, 3, 2 };

	check_near(stats_median(odd, 3), 3, 1e-12);
	check_near(stats_median(even, 4), 2.5, 1e-12);
	check_near(stats_mean(even, 4), 2.5, 1e-12);
	CHECK(stats_median(odd, 0) <= 0 && stats_mean(odd, 0) <= 0);
}

TEST(holm_steps_down)
{
	/* 0.01 <= 0.05/4, 0.013 <= 0.05/3, 0.03 > 0.05/2: that and what follows stand */
	const double p[] = { 0.03, 0.01, 0.04, 0.013 };
	double level[4];
	bool falls[4];

	stats_holm(p, 4, 0.05, level, falls);
	CHECK(falls[1] && falls[3]);
	CHECK(!falls[0] && !falls[2]);
	check_near(level[1], 0.0125, 1e-12);
	check_near(level[0], 0.025, 1e-12);
	check_near(level[2], 0.05, 1e-12);
}
