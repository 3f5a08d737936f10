/* SPDX-License-Identifier: Apache-2.0 */
/* herd: agents that start at the same moment do not ask at the same moment, and not in waves either. */
#include "test.h"

#include "release/plan/plan.h"

enum { AGENTS = 100000, PERIOD_S = 300, WINDOW_S = 3600 };

static uint32_t asked[WINDOW_S * 40];

static void agent(uint32_t i, uint8_t id[16])
{
	memset(id, 0, 16);
	memcpy(id, &i, sizeof i);
}

static uint32_t peak(uint32_t from, uint32_t to)
{
	uint32_t most = 0;

	for (uint32_t s = from; s < to; s++)
		most = asked[s] > most ? asked[s] : most;
	return most;
}

TEST(f17_a_hundred_thousand_agents_that_restart_at_once_come_evenly)
{
	uint8_t id[16];

	memset(asked, 0, sizeof asked);
	for (uint32_t i = 0; i < AGENTS; i++) {
		uint32_t first;

		agent(i, id);
		first = plan_jitter_s(id, PERIOD_S, 0);
		CHECK(first < PERIOD_S);
		for (uint32_t t = first; t < WINDOW_S; t += PERIOD_S)
			asked[t]++;
	}
	CHECK(peak(0, WINDOW_S) * PERIOD_S * 2 <= 3 * AGENTS);
}

/* The repository is away: each tries again later and later, and never more of them than at first. */
TEST(f17_agents_that_fail_at_once_back_off_without_waves)
{
	uint8_t id[16];
	uint32_t last = 0;

	memset(asked, 0, sizeof asked);
	for (uint32_t i = 0; i < AGENTS; i++) {
		uint32_t t = 0;

		agent(i, id);
		for (uint32_t attempt = 0; t < WINDOW_S * 4 && attempt < 64; attempt++) {
			t += plan_jitter_s(id, PERIOD_S, attempt);
			if (t < countof(asked))
				asked[t]++;
		}
	}
	CHECK(peak(0, WINDOW_S * 4) * PERIOD_S * 2 <= 3 * AGENTS);
	for (uint32_t t = 3 * WINDOW_S; t < 4 * WINDOW_S; t++)
		last += asked[t];
	CHECK(last / WINDOW_S * 10 < AGENTS / PERIOD_S); /* an hour of it is a tenth of the first rate */
}

TEST(back_off_is_bounded_and_differs_between_attempts)
{
	uint8_t id[16];
	uint32_t same = 0;

	for (uint32_t i = 0; i < 1000; i++) {
		agent(i, id);
		CHECK(plan_jitter_s(id, PERIOD_S, UINT32_MAX) < PERIOD_S * 33);
		for (uint32_t k = 1; k < 12; k++) {
			uint32_t window = PERIOD_S << (k < 6 ? k - 1 : 5), s = plan_jitter_s(id, PERIOD_S, k);

			CHECK(s >= PERIOD_S && s < PERIOD_S + window);
		}
		same += plan_jitter_s(id, PERIOD_S, 7) == plan_jitter_s(id, PERIOD_S, 8);
	}
	CHECK(same < 10);
	CHECK_EQ(plan_jitter_s(id, 0, 3), 0);
}
