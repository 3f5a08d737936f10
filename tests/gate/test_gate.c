/* SPDX-License-Identifier: Apache-2.0 */
/* gate: what opens a ring, what pauses and what halts it; how often it errs. */
#include "test.h"

#include "world.h"

static struct gate g;

static enum gate_verdict judge(enum gate_test *test)
{
	struct gate_result r;

	world_judge(&g, &r);
	if (test)
		*test = r.test;
	return r.verdict;
}

static void clean(uint32_t ring)
{
	struct rng r = { 7 + ring };

	world_clean(&g, ring, &r);
}

TEST(a_clean_ring_passes_when_its_soak_is_over_and_not_before)
{
	struct gate_result r;

	for (uint32_t ring = 0; ring < PLAN_RINGS; ring++) {
		clean(ring);
		CHECK_EQ(judge(NULL), GATE_PASS);
		gate_judge(&g, &gate_default, &plan_default, world_end(&g) - 1, &r);
		CHECK_EQ(r.verdict, GATE_WAIT);
		CHECK_EQ(r.test, GATE_SOAK);
		CHECK_EQ(r.ring, ring);
		gate_judge(&g, &gate_default, &plan_default, 0, &r); /* a clock that went back */
		CHECK_EQ(r.verdict, GATE_WAIT);
	}
}

TEST(f07_no_telemetry_freezes)
{
	struct gate_result r;
	enum gate_test test;

	/* The pipe was never there. */
	clean(0);
	g.arm.reporting = g.arm.n_sample = 0;
	CHECK_EQ(judge(&test), GATE_PAUSE);
	CHECK_EQ(test, GATE_REPORTING);
	/* It is cut during the ramp: paused before the ring is full. */
	clean(6);
	g.updated_s = g.opened_s + 600;
	gate_judge(&g, &gate_default, &plan_default, g.updated_s + 900, &r);
	CHECK_EQ(r.verdict, GATE_WAIT);
	gate_judge(&g, &gate_default, &plan_default, g.updated_s + 901, &r);
	CHECK_EQ(r.verdict, GATE_PAUSE);
	/* Too few of them. */
	clean(2);
	g.arm.reporting = g.arm.hosts * 94 / 100;
	CHECK_EQ(judge(&test), GATE_PAUSE);
	CHECK_EQ(test, GATE_REPORTING);
	gate_judge(&g, &gate_default, &plan_default, world_end(&g) - 1, &r);
	CHECK_EQ(r.verdict, GATE_WAIT);
	/* No hosts at all are not a hundred percent of them. */
	clean(0);
	g.arm.hosts = g.arm.reporting = g.arm.silent = g.arm.lossy = 0;
	CHECK_EQ(judge(&test), GATE_PAUSE);
}

TEST(f14_exposure_zero_waits)
{
	struct gate_result r;

	clean(1);
	g.rule[1] = g.rule[0];
	g.rule[1].evaluated = 0;
	g.n_rules = 2;
	world_judge(&g, &r);
	CHECK_EQ(r.verdict, GATE_WAIT);
	CHECK_EQ(r.test, GATE_EXPOSURE);
	CHECK(strstr(r.text, "insufficient exposure"));
	g.rule[1].evaluated = 999;
	CHECK_EQ(judge(NULL), GATE_WAIT);
	/* As long again as the soak, then it pauses. */
	g.updated_s += plan_default.ring[1].soak_s[0];
	gate_judge(&g, &gate_default, &plan_default, g.updated_s - 1, &r);
	CHECK_EQ(r.verdict, GATE_WAIT);
	gate_judge(&g, &gate_default, &plan_default, g.updated_s, &r);
	CHECK_EQ(r.verdict, GATE_PAUSE);
	g.rule[1].evaluated = 1000;
	CHECK_EQ(judge(NULL), GATE_PASS);
	/* Rules that the release did not change need none. */
	g.rule[1].evaluated = 0;
	g.rule[1].changed = false;
	CHECK_EQ(judge(NULL), GATE_PASS);
}

/* One percent more than the control: seen from ring 2 on; the floor for small rings is in docs/rollout.md. */
TEST(f24_silent_hosts_halt)
{
	enum gate_test test;

	for (uint32_t ring = 2; ring < PLAN_LAST; ring++) {
		clean(ring);
		g.arm.silent += g.arm.hosts / 100;
		CHECK_EQ(judge(&test), GATE_HALT);
		CHECK_EQ(test, GATE_SILENCE);
	}
	clean(1);
	g.arm.silent += g.arm.hosts * 4 / 100;
	CHECK_EQ(judge(&test), GATE_HALT);
	clean(3);
	g.control.silent += g.control.hosts / 100; /* the others are: not our content */
	CHECK_EQ(judge(NULL), GATE_PASS);
}

TEST(a_strike_pauses_asks_and_rests)
{
	struct gate_result r;
	uint64_t t;

	clean(4);
	world_strikes(&g, STRIKE_CRASH, 1, 0, 0);
	world_judge(&g, &r);
	CHECK_EQ(r.verdict, GATE_PAUSE);
	CHECK_EQ(r.test, GATE_CRASHES);
	CHECK(r.reproduce);
	t = world_end(&g);
	gate_reproduction(&g, false, t);
	g.updated_s = t + 3600;
	gate_judge(&g, &gate_default, &plan_default, t + 3599, &r);
	CHECK_EQ(r.verdict, GATE_PAUSE);
	CHECK(!r.reproduce);
	gate_judge(&g, &gate_default, &plan_default, t + 3600, &r);
	CHECK_EQ(r.verdict, GATE_PASS);
}

TEST(a_reproduction_halts_with_one_host_or_none)
{
	clean(0);
	gate_reproduction(&g, true, WORLD_T0);
	CHECK_EQ(judge(NULL), GATE_HALT);
	for (uint32_t k = 0; k < GATE_N_STRIKES; k++) {
		clean(0);
		world_strikes(&g, (enum gate_strike)k, 1, 0, 0);
		gate_reproduction(&g, true, WORLD_T0);
		CHECK_EQ(judge(NULL), GATE_HALT);
	}
}

/* Of any kind: refusals and rules that stay silent are a host's word as crashes are. */
TEST(two_drawn_hosts_halt_and_two_bought_ones_do_not)
{
	static const enum gate_test tests[] = { GATE_CRASHES, GATE_REFUSED, GATE_SILENT_RULES };
	enum gate_test test;

	for (uint32_t k = 0; k < GATE_N_STRIKES; k++)
		for (uint32_t ring = 0; ring < PLAN_RINGS; ring++) {
			clean(ring);
			world_strikes(&g, (enum gate_strike)k, 2, 2, 0);
			CHECK_EQ(judge(&test), GATE_HALT);
			CHECK_EQ(test, tests[k]);
			clean(ring);
			world_strikes(&g, (enum gate_strike)k, 2, 1, 0); /* at the same moment */
			CHECK_EQ(judge(&test), GATE_PAUSE);
			CHECK_EQ(test, tests[k]);
			gate_reproduction(&g, false, world_end(&g) - 24 * 3600);
			CHECK_EQ(judge(NULL), GATE_PASS);
			world_strikes(&g, (enum gate_strike)k, 1, 0, 0); /* the third */
			CHECK_EQ(judge(NULL), GATE_HALT);
		}
}

TEST(strikes_of_earlier_rings_count)
{
	struct gate before;

	clean(1);
	world_strikes(&g, STRIKE_CRASH, 1, 1, 0);
	gate_reproduction(&g, false, WORLD_T0);
	before = g;
	clean(2);
	gate_init(&g, &before, 2, PLAN_NORMAL, WORLD_FLEET, WORLD_T0, WORLD_T0);
	CHECK_EQ(g.strike[STRIKE_CRASH].hosts, 1);
	world_strikes(&g, STRIKE_CRASH, 1, 1, 0);
	CHECK_EQ(judge(NULL), GATE_HALT);
}

TEST(only_small_rings_are_drawn)
{
	CHECK(!gate_ring_is_drawn(&gate_default, &plan_default, 0));
	for (uint32_t ring = 1; ring <= 3; ring++)
		CHECK(gate_ring_is_drawn(&gate_default, &plan_default, ring));
	for (uint32_t ring = 4; ring < PLAN_RINGS + 2; ring++)
		CHECK(!gate_ring_is_drawn(&gate_default, &plan_default, ring));
}

TEST(strikes_at_the_rate_of_background_do_not_halt_a_large_ring)
{
	clean(6);
	/* 0.17 an hour in 8.5 million hosts, one an hour, and one a minute. */
	for (uint32_t h = 0; h < 48; h++)
		world_strikes(&g, STRIKE_CRASH, h % 6 == 0, 0, 8.5e6);
	gate_reproduction(&g, false, WORLD_T0);
	CHECK_EQ(judge(NULL), GATE_PASS);
	for (uint32_t m = 0; m < 10; m++)
		world_strikes(&g, STRIKE_CRASH, 1, 0, 8.5e6 / 60);
	CHECK_EQ(judge(NULL), GATE_HALT);
}

TEST(a_crossed_bound_stays_crossed)
{
	clean(6);
	world_strikes(&g, STRIKE_CRASH, 3, 0, 0);
	world_strikes(&g, STRIKE_CRASH, 0, 0, 8.5e9);
	CHECK_EQ(judge(NULL), GATE_HALT);
}

TEST(unclean_boots_halt_above_the_controls_rate)
{
	struct gate_seen seen = { .host_hours = 200, .unclean_boots = 4 };
	enum gate_test test;

	clean(0);
	gate_observe(&g, &gate_default, &seen, g.updated_s);
	CHECK_EQ(judge(&test), GATE_HALT);
	CHECK_EQ(test, GATE_BOOTS);
	/* Where one host in a hundred boots uncleanly in an hour, three of 300 in one are none. */
	clean(0);
	seen.control_boots = 0.01;
	seen.host_hours = 300;
	gate_observe(&g, &gate_default, &seen, g.updated_s);
	CHECK_EQ(judge(NULL), GATE_PASS);
}

TEST(slower_hungrier_lossier_content_halts_and_louder_pauses)
{
	enum gate_test test;

	for (uint32_t ring = 0; ring < PLAN_LAST; ring++) {
		clean(ring);
		for (uint32_t i = 0; i < g.arm.n_sample; i++)
			g.arm.cpu_ns_per_event[i] *= 1.6f;
		CHECK_EQ(judge(&test), GATE_HALT);
		CHECK_EQ(test, GATE_CPU);
		clean(ring);
		for (uint32_t i = 0; i < g.arm.n_sample; i++)
			g.arm.memory_mib[i] *= 1.3f;
		CHECK_EQ(judge(&test), GATE_HALT);
		CHECK_EQ(test, GATE_MEMORY);
		clean(ring);
		g.arm.lossy += g.arm.hosts / 10;
		CHECK_EQ(judge(&test), GATE_HALT);
		CHECK_EQ(test, GATE_LOSS);
		clean(ring);
		for (uint32_t i = 0; i < g.arm.n_sample; i++)
			g.arm.alerts_per_hour[i] += 2;
		CHECK_EQ(judge(&test), GATE_PAUSE);
		CHECK_EQ(test, GATE_ALERTS);
	}
	/* Small effects do not count, however sure. */
	clean(3);
	for (uint32_t i = 0; i < g.arm.n_sample; i++)
		g.arm.memory_mib[i] *= 1.2f;
	CHECK_EQ(judge(NULL), GATE_PASS);
}

TEST(what_cannot_be_compared_pauses_unless_the_plan_says_so)
{
	struct gate_result r;

	clean(2);
	g.control.hosts = g.control.reporting = g.control.n_sample = 0;
	g.control.silent = g.control.lossy = 0;
	world_judge(&g, &r);
	CHECK_EQ(r.verdict, GATE_PAUSE);
	CHECK(gate_sampling(&g, &gate_default, &plan_default, world_end(&g)));
	/* Nobody is left outside of the last ring. */
	clean(6);
	g.control.hosts = g.control.reporting = g.control.n_sample = 0;
	world_judge(&g, &r);
	CHECK_EQ(r.verdict, GATE_PASS);
	CHECK(!r.applies[GATE_CPU]);
	/* A fleet of eight: nothing to compare, but it must report. */
	clean(0);
	g.fleet = 8;
	g.arm.hosts = g.arm.reporting = 1;
	g.arm.n_sample = g.control.n_sample = 0;
	g.arm.silent = g.arm.lossy = 0;
	world_judge(&g, &r);
	CHECK_EQ(r.verdict, GATE_PASS);
	CHECK(!r.applies[GATE_SILENCE]);
	g.arm.reporting = 0;
	CHECK_EQ(judge(NULL), GATE_PAUSE);
}

TEST(a_hash_that_leaves_few_hosts_outside_is_no_missing_data)
{
	struct gate_result r;

	/* Of 20 hosts the plan leaves 16 outside of this ring; the hash left 9. */
	clean(5);
	CHECK_EQ(plan_default.ring[5].cutoff / (UINT32_MAX / 100), 20);
	g.fleet = 20;
	g.arm.hosts = g.arm.reporting = g.arm.n_sample = 11;
	g.arm.silent = g.arm.lossy = g.control.silent = g.control.lossy = 0;
	g.control.hosts = g.control.reporting = g.control.n_sample = 9;
	world_judge(&g, &r);
	CHECK_EQ(r.verdict, GATE_PASS);
	CHECK(!r.applies[GATE_SILENCE]);
	/* They are there, and do not report: that is no chance. */
	g.control.hosts = 16;
	g.control.reporting = 9;
	CHECK_EQ(judge(NULL), GATE_PAUSE);
	/* Nor is it that the hash left 9 of 8,000. */
	g.fleet = 10000;
	g.control.hosts = 9;
	CHECK_EQ(judge(NULL), GATE_PAUSE);
}

TEST(samples_are_frozen_at_the_end_of_the_soak)
{
	clean(2);
	CHECK(gate_sampling(&g, &gate_default, &plan_default, world_end(&g) - 1));
	CHECK(!gate_sampling(&g, &gate_default, &plan_default, world_end(&g)));
}

TEST(every_verdict_has_its_words)
{
	struct gate_result r;

	for (uint32_t t = 0; t < GATE_N_TESTS; t++)
		CHECK(strcmp(gate_test_name((enum gate_test)t), "?") != 0);
	CHECK_STR(gate_test_name(GATE_N_TESTS), "?");
	clean(3);
	g.arm.silent += g.arm.hosts / 20;
	world_judge(&g, &r);
	CHECK(strstr(r.text, "ring 3: halt: silence: +"));
	CHECK(r.value[GATE_SILENCE] < r.bound[GATE_SILENCE]);
}

/* Rings of clean content are stopped by comparisons less than once in a thousand releases of six gates. */
TEST(comparisons_halt_clean_content_less_than_once_in_a_thousand_releases)
{
	struct rng r = { 20260101 };
	uint32_t releases = 500, halts = 0, pauses = 0;

	for (uint32_t i = 0; i < releases; i++)
		for (uint32_t ring = 0; ring < PLAN_LAST; ring++) {
			enum gate_verdict v;

			world_clean(&g, ring, &r);
			v = judge(NULL);
			halts += v == GATE_HALT;
			pauses += v == GATE_PAUSE;
		}
	CHECK_EQ(halts, 0);
	CHECK(pauses <= 2);
}

/* The same without the least effects that count: the tests alone keep the level that they are given. */
TEST(comparisons_keep_their_level)
{
	struct gate_opts o = gate_default;
	struct rng r = { 42 };
	uint32_t gates = 2000, halts = 0;

	o.alpha = 0.05;
	o.alpha_pause = 0.05;
	o.min_ratio = 1;
	o.min_share = 0;
	o.alert_ratio = 1e6;
	for (uint32_t i = 0; i < gates; i++) {
		struct gate_result v;

		world_clean(&g, 1, &r);
		gate_judge(&g, &o, &plan_default, world_end(&g), &v);
		halts += v.verdict == GATE_HALT;
	}
	/* At most 100 expected, and a test that never errs would see nothing either. */
	CHECK(halts > 20 && halts < 130);
}
