/* SPDX-License-Identifier: Apache-2.0 */
/* Failure modes that a host's own judgement excludes: all at once (F6), a network that recovery needs (F11), clocks
 * (F18). */
#include "test.h"

#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "release/endpoint/endpoint.h"

enum { AGENTS = 10000, NOW = 1800000000, TEN_YEARS_S = 3653 * 86400 };

static uint64_t seed;

static uint64_t rnd(uint64_t below)
{
	seed += 0x9e3779b97f4a7c15ull;
	return hash_u64(seed) % below;
}

static const struct endpoint_facts good = { .signatures = true, .sequence = true, .fits = true };

static struct object_promotion all_at_once(uint32_t digest, uint32_t release, uint64_t seq, uint32_t ring,
					   enum plan_lane lane)
{
	struct object_promotion p = { .epoch = 1, .seq = seq, .ring = ring, .lane = lane, .cutoff = UINT32_MAX };

	p.expires = UINT64_MAX;
	memcpy(p.channel, "stable", sizeof "stable");
	memcpy(p.digest, &digest, sizeof digest);
	memcpy(p.release, &release, sizeof release);
	return p;
}

static struct endpoint_host agent(uint32_t i)
{
	struct endpoint_host h = { .fresh = false };

	memcpy(h.agent_id, &i, sizeof i);
	return h;
}

/* One of them may be taken: the running time of this host until then, or UINT64_MAX within limit_s. */
static uint64_t first_go(struct endpoint_table *t, const struct policy *p, const struct endpoint_host *h,
			 uint64_t limit_s)
{
	for (uint64_t s = 0; s <= limit_s; s += ENDPOINT_MAX_TICK_S) {
		for (uint32_t i = 0; i < t->n; i++) {
			struct endpoint_verdict v;

			endpoint_decide(&plan_default, p, h, &t->k[i], &good, NOW + (int64_t)s, &v);
			if (v.go)
				return s;
		}
		endpoint_tick(t, ENDPOINT_MAX_TICK_S);
	}
	return UINT64_MAX;
}

static void all_rings_at_once(uint32_t last_ring, enum plan_lane lane)
{
	uint32_t at_once = 0, volunteers = 0, early = 0, in_time = 0;

	for (uint32_t i = 0; i < AGENTS; i++) {
		struct endpoint_host h = agent(i);
		struct endpoint_table t;
		struct policy p;
		uint64_t go, need;

		policy_init(&p);
		p.ring0 = i % 500 == 0;
		endpoint_table_init(&t);
		for (uint32_t ring = 0; ring <= last_ring; ring++) {
			struct object_promotion o = all_at_once(1, 1, ring + 1, ring, lane);

			CHECK(endpoint_take(&t, &o, &p) != NULL);
		}
		need = plan_dwell_s(&plan_default, endpoint_own_ring(&plan_default, &p, &h, t.k[0].release), lane);
		go = first_go(&t, &p, &h, need + ENDPOINT_MAX_TICK_S);
		volunteers += p.ring0;
		at_once += go == 0;
		early += go < need;
		in_time += go >= need && go < need + ENDPOINT_MAX_TICK_S; /* and the dwell is not for ever */
	}
	CHECK_EQ(volunteers, 20);
	CHECK_EQ(at_once, 20);
	CHECK_EQ(early, 0);
	CHECK_EQ(in_time, AGENTS);
}

TEST(f06_all_at_once_activates_on_no_host_before_its_own_dwell)
{
	all_rings_at_once(PLAN_LAST, PLAN_NORMAL);
}

TEST(f06_all_at_once_in_the_urgent_lane_does_not_either)
{
	all_rings_at_once(PLAN_LAST, PLAN_URGENT);
}

TEST(f06_what_is_blessed_at_once_does_not_either)
{
	all_rings_at_once(PLAN_BLESSED, PLAN_NORMAL);
}

/* Who signs a release under many names, until each host finds one that puts it first. */
TEST(f06_many_releases_of_one_digest_draw_no_better_bucket)
{
	uint32_t early = 0;

	for (uint32_t i = 0; i < AGENTS / 20; i++) {
		struct endpoint_host h = agent(i);
		struct endpoint_table t;
		struct policy p;
		uint64_t need = 0;

		policy_init(&p);
		endpoint_table_init(&t);
		for (uint32_t k = 0; k < 2000; k++) {
			struct object_promotion o = all_at_once(1, k, k + 1, PLAN_LAST, PLAN_NORMAL);

			CHECK(endpoint_take(&t, &o, &p) != NULL);
			if (!k)
				need = plan_dwell_s(&plan_default, endpoint_own_ring(&plan_default, &p, &h, o.release),
						    PLAN_NORMAL);
		}
		early += first_go(&t, &p, &h, need) < need;
	}
	CHECK_EQ(early, 0);
}

/* A clock that is anywhere, and running time that a wrong clock was taken for. */
TEST(f18_a_clock_that_is_years_off_brings_nothing_early_and_takes_nothing_away)
{
	seed = 18;
	for (uint32_t i = 0; i < 300; i++) {
		struct endpoint_host h = agent(i);
		struct object_promotion o = all_at_once(1, 1, 1, PLAN_LAST, PLAN_NORMAL);
		struct endpoint_known *k;
		struct endpoint_verdict v;
		struct endpoint_table t;
		struct policy p;
		uint64_t need, ran = 0;

		policy_init(&p);
		endpoint_table_init(&t);
		o.not_before = NOW - 1000;
		o.expires = NOW + 40 * 86400;
		k = endpoint_take(&t, &o, &p);
		CHECK(k != NULL);
		need = plan_dwell_s(&plan_default, endpoint_own_ring(&plan_default, &p, &h, o.release), PLAN_NORMAL);
		for (uint32_t ticks = 0; ran < 2 * need; ticks++) {
			int64_t clock = NOW + (int64_t)ran + (int64_t)rnd(2 * TEN_YEARS_S) - TEN_YEARS_S;
			bool jumped = rnd(10) == 0;

			endpoint_decide(&plan_default, &p, &h, k, &good, ticks % 3 ? clock : NOW + (int64_t)ran, &v);
			CHECK(!v.go || ran >= need);
			if (ticks % 3 == 0 && ran >= need)
				CHECK(v.go);
			CHECK_EQ(t.n, 1); /* still known, with all that it dwelt */
			CHECK(k->dwell_s >= ran);
			endpoint_tick(&t, jumped ? TEN_YEARS_S : ENDPOINT_MAX_TICK_S);
			ran += ENDPOINT_MAX_TICK_S;
		}
	}
}

/* Judging and going on with what is known need nothing but processor and memory: no network, no file, no clock. */
TEST(f11_a_decision_asks_nobody)
{
	static const char text[] = "windows: [Mon-Fri 09:00-10:00 UTC]\nhold: 1h\nlag: 1\n";
	struct endpoint_table t;
	struct endpoint_host h = agent(3);
	struct object_promotion o = all_at_once(1, 1, 1, PLAN_LAST, PLAN_NORMAL);
	struct endpoint_verdict v = { .go = false };
	struct policy p;
	struct arena a;
	struct diags ds;
	struct buf b;
	pid_t child;
	int status;

	arena_init(&a, 1 << 20);
	diags_init(&ds, &a);
	CHECK_OK(policy_read("p", view_of(text, strlen(text)), NULL, NULL, &a, &ds, &p));
	endpoint_table_init(&t);
	CHECK(endpoint_take(&t, &o, &p) != NULL);
	buf_init(&b, 65536);
	for (int i = 0; i < 32768; i++) /* its memory is there already */
		buf_putc(&b, ' ');
	buf_reset(&b);
	child = fork();
	CHECK(child >= 0);
	if (!child) {
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
			(void)syscall(SYS_exit, 2);
		for (int i = 0; i < 200; i++) {
			endpoint_tick(&t, 900);
			endpoint_decide(&plan_default, &p, &h, &t.k[0], &good, NOW + 900 * i, &v);
			(void)endpoint_newer(&t, &plan_default, &p, &h, &t.k[0]);
		}
		for (int c = 0; c < ENDPOINT_N_CHECKS; c++)
			endpoint_explain(&plan_default, &p, &h, &t.k[0], &good, NOW, (enum endpoint_check)c, &b);
		o.seq++;
		(void)endpoint_take(&t, &o, &p);
		(void)syscall(SYS_exit, b.len > 100 && v.failed >> CHECK_LAG & 1 ? 0 : 1);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	buf_done(&b);
	arena_done(&a);
}
