/* SPDX-License-Identifier: Apache-2.0 */
/* simulate: small fleets, each delay, each way to end. The bars of a large fleet are in tests/cli/test_simulate.py. */
#include "test.h"

#include "release/simulate/simulate.h"

static struct simulate_result r;

static struct simulate_opts fleet(uint64_t hosts)
{
	struct simulate_opts o;

	simulate_opts_init(&o);
	o.hosts = hosts;
	o.trials = 40;
	return o;
}

TEST(the_same_options_give_the_same_result)
{
	struct simulate_opts o = fleet(20000);
	static struct simulate_result again;

	o.crash_prob = 0.01;
	CHECK_OK(simulate_run(&o, &r, NULL));
	CHECK_OK(simulate_run(&o, &again, NULL));
	CHECK_EQ(memcmp(&r, &again, sizeof r), 0);
	o.seed++;
	CHECK_OK(simulate_run(&o, &again, NULL));
	CHECK(memcmp(&r, &again, sizeof r) != 0);
}

TEST(fleets_of_every_size_are_blessed_when_nothing_is_wrong)
{
	static const uint64_t sizes[] = { 1, 2, 9, 30, 200, 5000, 100000 };

	for (uint32_t i = 0; i < countof(sizes); i++) {
		struct simulate_opts o = fleet(sizes[i]);
		uint64_t hosts = 0;

		o.trials = 5;
		CHECK_OK(simulate_run(&o, &r, NULL));
		CHECK_EQ(r.blessed, 5);
		CHECK_EQ(r.lost_max, 0);
		CHECK_EQ((uint64_t)r.exposed_mean, sizes[i]);
		CHECK_EQ(r.decisions + r.bulk, 5 * sizes[i]);
		for (uint32_t ring = 0; ring < PLAN_RINGS; ring++)
			hosts += r.ring[ring].hosts;
		CHECK_EQ(hosts, sizes[i]);
		CHECK(r.blessed_s >= (double)plan_dwell_s(&plan_default, PLAN_RINGS, PLAN_NORMAL));
	}
}

TEST(poison_never_leaves_ring_0)
{
	struct simulate_opts o = fleet(300000);

	o.crash_prob = 1;
	CHECK_OK(simulate_run(&o, &r, NULL));
	CHECK_EQ(r.halted, 40);
	CHECK_EQ(r.lost_max, 200);
	CHECK_EQ(r.ring[1].opened, 0);
	o.lane = PLAN_URGENT;
	CHECK_OK(simulate_run(&o, &r, NULL));
	CHECK_EQ(r.lost_max, 200);
}

TEST(a_stratum_that_ring_0_lacks_is_found_in_the_first_drawn_ring)
{
	struct simulate_opts o = fleet(2000000);

	o.crash_prob = 1;
	o.stratum = 0.02;
	o.trials = 10;
	CHECK_OK(simulate_run(&o, &r, NULL));
	CHECK_EQ(r.halted, 10);
	CHECK_EQ((uint64_t)r.ring[0].lost, 0);
	CHECK(r.lost_max > 0 && r.lost_max < 60);
	CHECK_EQ(r.ring[3].opened, 0);
}

/* Two in a hundred and less: later news, more hosts. */
TEST(slower_news_cost_hosts)
{
	struct simulate_opts o = fleet(1000000);
	double prompt;

	o.crash_prob = 0.005;
	o.trials = 60;
	CHECK_OK(simulate_run(&o, &r, NULL));
	prompt = r.lost_mean;
	o.report_s = 3600;
	o.halt_s = 3600;
	CHECK_OK(simulate_run(&o, &r, NULL));
	CHECK(r.lost_mean > prompt * 1.5);
}

TEST(attribution_finds_what_rates_do_not)
{
	struct simulate_opts o = fleet(1000000);
	double attributed;

	o.crash_prob = 0.0005;
	o.trials = 60;
	CHECK_OK(simulate_run(&o, &r, NULL));
	CHECK_EQ(r.halted, 60);
	attributed = r.lost_mean;
	o.attribution = false;
	CHECK_OK(simulate_run(&o, &r, NULL));
	CHECK(r.lost_mean > attributed * 1.5);
}

/* rollout: the plan that everybody had, one ring for all in a moment. */
TEST(one_ring_for_all_loses_what_seven_do_not)
{
	struct plan all = plan_default;
	struct simulate_opts o = fleet(100000);

	all.ring0_hosts = 1;
	for (uint32_t i = 1; i < PLAN_RINGS; i++) {
		all.ring[i].cutoff = i == PLAN_LAST ? UINT32_MAX : i;
		for (uint32_t lane = 0; lane < PLAN_N_LANES; lane++)
			all.ring[i].ramp_s[lane] = i == PLAN_LAST ? 78 * 60 : 0;
	}
	for (uint32_t i = 0; i < PLAN_RINGS; i++)
		all.ring[i].soak_s[PLAN_NORMAL] = all.ring[i].soak_s[PLAN_URGENT] = 600;
	all.ring[0].ramp_s[PLAN_NORMAL] = all.ring[0].ramp_s[PLAN_URGENT] = 0;
	o.plan = &all;
	o.crash_prob = 1;
	o.stratum = 0.5; /* not the one of ring 0 */
	o.trials = 5;
	CHECK_OK(simulate_run(&o, &r, NULL));
	CHECK(r.lost_mean > 3000);
}

TEST(points_rise_and_end_where_the_result_does)
{
	struct simulate_opts o = fleet(200000);

	o.crash_prob = 0.001;
	CHECK_OK(simulate_run(&o, &r, NULL));
	for (uint32_t i = 1; i < r.n_points; i++) {
		CHECK(r.point[i].t_s > r.point[i - 1].t_s);
		CHECK(r.point[i].exposed >= r.point[i - 1].exposed && r.point[i].lost >= r.point[i - 1].lost);
	}
	CHECK(r.point[r.n_points - 1].lost + 1e-9 >= r.lost_mean && r.lost_mean > 0);
}

TEST(options_out_of_bounds_are_refused)
{
	struct simulate_opts o;
	struct diag d;

#define BAD(change)                                            \
	do {                                                   \
		o = fleet(100);                                \
		change;                                        \
		diag_init(&d);                                 \
		CHECK_EQ(simulate_run(&o, &r, &d), E_INVALID); \
		CHECK_EQ(d.id, 401);                           \
	} while (0)
	BAD(o.hosts = 0);
	BAD(o.hosts = SIMULATE_MAX_HOSTS + 1ull);
	BAD(o.crash_prob = 1.5);
	BAD(o.crash_prob = -0.1);
	BAD(o.stratum = 2);
	BAD(o.latent_h = -1);
	BAD(o.background = 1);
	BAD(o.report_s = 86401);
	BAD(o.trials = SIMULATE_MAX_TRIALS + 1);
	BAD(o.lane = PLAN_N_LANES);
}
