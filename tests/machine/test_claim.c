/* SPDX-License-Identifier: Apache-2.0 */
/* claim: releases that meet. Whatever is published, and however often, something is blessed. */
#include "test.h"

#include "release/machine/machine.h"
#include "release/simulate/rng.h"

enum { MAX = 512, STEP_S = 300 };

struct channel {
	struct release r[MAX];
	uint32_t n, blessed, superseded, most_in_ring;
	uint64_t now_s, first_s, last_blessed_s, longest_s, pause_s[MAX];
};

static void publish(struct channel *c, enum plan_lane lane)
{
	assert(c->n < MAX);
	c->r[c->n] = (struct release){ .state = RELEASE_SIGNED, .fleet = 8500000, .number = c->n + 1, .lane = lane };
	c->n++;
}

static void bless(struct channel *c)
{
	uint64_t gap = c->now_s - c->last_blessed_s;

	if (!c->blessed)
		c->first_s = gap;
	else if (gap > c->longest_s)
		c->longest_s = gap;
	c->last_blessed_s = c->now_s;
	c->blessed++;
}

static void check_rings(struct channel *c)
{
	uint32_t in[PLAN_RINGS] = { 0 };

	for (uint32_t i = 0; i < c->n; i++)
		if (c->r[i].state == RELEASE_RING || c->r[i].state == RELEASE_PAUSED)
			CHECK(++in[c->r[i].ring] <= 1);
}

static void tick_one(struct channel *c, uint32_t i)
{
	struct release *r = &c->r[i];
	struct gate_result result = { .ring = r->ring, .verdict = GATE_WAIT };
	struct release_step s, gone;
	bool give[MAX];

	r->blocked = !release_claim(c->r, c->n, i, &plan_default, c->now_s, give);
	if (r->state == RELEASE_RING &&
	    c->now_s >= release_ramped_s(r, &plan_default) + plan_default.ring[r->ring].soak_s[r->lane])
		result.verdict = GATE_PASS;
	if (c->now_s < c->pause_s[i])
		result.verdict = GATE_PAUSE;
	CHECK_OK(release_on(r, RELEASE_EV_TICK, &result, &plan_default, c->now_s, &s, NULL));
	if (s.action == RELEASE_DO_BLESS)
		bless(c);
	for (uint32_t k = 0; s.opened && k < c->n; k++)
		if (give[k]) {
			CHECK_OK(release_on(&c->r[k], RELEASE_EV_SUPERSEDED, NULL, &plan_default, c->now_s, &gone,
					    NULL));
			c->superseded++;
		}
}

static void tick(struct channel *c)
{
	c->now_s += STEP_S;
	for (uint32_t i = 0; i < c->n; i++)
		if (c->r[i].state == RELEASE_SIGNED || c->r[i].state == RELEASE_RING || c->r[i].state == RELEASE_PAUSED)
			tick_one(c, i);
	check_rings(c);
}

static struct channel channel;

static void start(void)
{
	memset(&channel, 0, sizeof channel);
	channel.now_s = channel.last_blessed_s = 1000000;
}

/* Every so many seconds a release, over so many days. urgent: each so-manieth, 0: none. */
static void run(uint32_t every_s, uint32_t days, uint32_t urgent)
{
	start();
	for (uint64_t t = 0; t < (uint64_t)days * 86400; t += STEP_S) {
		if (t % every_s == 0)
			publish(&channel, urgent && channel.n % urgent == 0 ? PLAN_URGENT : PLAN_NORMAL);
		tick(&channel);
	}
}

TEST(with_three_releases_a_day_the_last_known_good_advances)
{
	run(8 * 3600, 30, 0);
	/* The way takes under four days, and the last ring, which is waited for, ramps for one and soaks for one. */
	CHECK(channel.blessed >= 12);
	CHECK(channel.first_s <= 95 * 3600);
	CHECK(channel.longest_s <= 60 * 3600);
	CHECK(channel.superseded > 40);
}

TEST(with_any_number_of_releases_something_is_blessed)
{
	static const uint32_t every_s[] = { 1800, 3600, 2 * 3600, 5 * 3600, 13 * 3600, 24 * 3600, 72 * 3600 };

	for (uint32_t i = 0; i < countof(every_s); i++) {
		run(every_s[i], 10, 0);
		CHECK(channel.blessed >= 2);
	}
}

TEST(urgent_ones_overtake_and_do_not_starve_each_other)
{
	run(4 * 3600, 20, 1);
	CHECK(channel.blessed >= 60);
	run(8 * 3600, 20, 6); /* every second day */
	CHECK(channel.blessed >= 10);
}

static void put(uint32_t i, enum release_state state, uint32_t ring, bool passed)
{
	channel.r[i] =
		(struct release){ .state = state, .ring = ring, .passed = passed, .fleet = 8500000, .number = i + 1 };
	channel.n = i + 1;
}

static bool claim(uint32_t i, uint64_t now_s, bool *give)
{
	return release_claim(channel.r, channel.n, i, &plan_default, now_s, give);
}

TEST(what_goes_on_is_waited_for_and_what_waits_gives_way)
{
	bool give[MAX];

	start();
	put(0, RELEASE_RING, 6, false);
	put(1, RELEASE_RING, 5, true);
	put(2, RELEASE_RING, 4, true);
	CHECK(!claim(1, 0, give)); /* the last ring is taken */
	CHECK(claim(2, 0, give));  /* who waits for it gives way */
	CHECK(!give[0] && give[1]);
	put(1, RELEASE_RING, 5, false);
	put(2, RELEASE_RING, 4, true);
	CHECK(!claim(2, 0, give)); /* but not before its gate passed */
	put(0, RELEASE_BLESSED, 6, false);
	put(1, RELEASE_RING, 5, true);
	put(2, RELEASE_RING, 4, true);
	CHECK(claim(1, 0, give));
	CHECK(!claim(2, 0, give)); /* the foremost never gives way, passed or not */
}

TEST(pauses_that_nobody_answers_give_way)
{
	uint32_t soak = plan_default.ring[3].soak_s[0];
	bool give[MAX];

	start();
	put(0, RELEASE_PAUSED, 3, false);
	put(1, RELEASE_RING, 2, true);
	CHECK(!claim(1, soak + 7199, give));
	CHECK(claim(1, soak + 7200, give));
	CHECK(give[0]);
	channel.r[0].by_person = true;
	CHECK(claim(1, 1, give));
}

TEST(an_older_one_never_displaces_a_newer_one)
{
	bool give[MAX];

	start();
	put(0, RELEASE_RING, 2, true);
	put(1, RELEASE_PAUSED, 3, false);
	channel.r[1].by_person = true;
	CHECK(!claim(0, 1, give));
	start();
	put(0, RELEASE_SIGNED, 0, false);
	put(1, RELEASE_SIGNED, 0, false);
	CHECK(!claim(0, 1, give));
	CHECK(claim(1, 1, give));
	CHECK(give[0]);
}

/* A strike on every release, at the worst moment for it, twice: it is slower, and it is blessed. */
TEST(two_bought_hosts_slow_every_release_and_stop_none)
{
	start();
	for (uint64_t t = 0; t < 30ull * 86400; t += STEP_S) {
		if (t % (8 * 3600) == 0)
			publish(&channel, PLAN_NORMAL);
		for (uint32_t i = 0; i < channel.n; i++) {
			struct release *r = &channel.r[i];

			/* Both rest as long as a gate lets them, in the ring that this release's number picks. */
			if (r->state == RELEASE_RING && r->ring == r->number % PLAN_RINGS && !channel.pause_s[i])
				channel.pause_s[i] = channel.now_s + plan_default.ring[r->ring].soak_s[0] * 9 / 10;
		}
		tick(&channel);
	}
	CHECK(channel.blessed >= 8);
}
