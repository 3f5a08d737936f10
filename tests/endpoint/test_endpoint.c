/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint: each check alone can say no, and says so; what is known is bounded and survives restarts. */
#include "test.h"

#include <time.h>

#include "release/endpoint/endpoint.h"

enum { NOW = 1800000000 };

/* A host in ring 6 for which all agrees. */
struct world {
	struct plan plan;
	struct policy p;
	struct endpoint_host h;
	struct endpoint_known k;
	struct endpoint_facts f;
	int64_t now;
};

static void world_init(struct world *w)
{
	*w = (struct world){ .plan = plan_default, .now = NOW };
	policy_init(&w->p);
	for (uint8_t i = 0; endpoint_own_ring(&w->plan, &w->p, &w->h, w->k.release) != PLAN_LAST; i++)
		w->h.agent_id[0] = i;
	w->k = (struct endpoint_known){
		.dwell_s = 100 * 3600, .ring = PLAN_LAST, .cutoff = UINT32_MAX, .expires = NOW + 1
	};
	memcpy(w->k.channel, w->p.channel, sizeof w->k.channel);
	w->f = (struct endpoint_facts){ .signatures = true, .sequence = true, .fits = true };
}

static struct endpoint_verdict decide(const struct world *w)
{
	struct endpoint_verdict v;

	endpoint_decide(&w->plan, &w->p, &w->h, &w->k, &w->f, w->now, &v);
	return v;
}

static void check_failed(const struct world *w, uint32_t checks)
{
	struct endpoint_verdict v = decide(w);

	CHECK_EQ(v.failed, checks);
	CHECK_EQ(v.go, !checks);
}

TEST(a_host_for_which_all_agrees_may)
{
	struct world w;

	world_init(&w);
	check_failed(&w, 0);
	CHECK_EQ(decide(&w).ring, PLAN_LAST);
	CHECK_EQ(decide(&w).wait_s, 0);
}

#define ALONE(name, check, change)                     \
	TEST(name)                                     \
	{                                              \
		struct world w;                        \
                                                       \
		world_init(&w);                        \
		change;                                \
		check_failed(&w, 1u << CHECK_##check); \
	}

ALONE(signatures_alone_say_no, SIGNATURES, w.f.signatures = false)
ALONE(sequence_alone_says_no, SEQUENCE, w.f.sequence = false)
ALONE(a_revocation_alone_says_no, REVOKED, w.f.revoked = true)
ALONE(f10_quarantine_alone_says_no, QUARANTINE, w.f.quarantined = true)
ALONE(the_hosts_floor_alone_says_no, FLOOR, w.h.security_floor = 1)
ALONE(the_promotions_floor_alone_says_no, FLOOR, w.k.security_floor = 1)
ALONE(what_does_not_fit_alone_says_no, FITS, w.f.fits = false)
ALONE(its_time_alone_says_no, NOT_BEFORE, w.k.not_before = NOW + 1)
ALONE(an_expired_promotion_alone_says_no, NOT_BEFORE, w.k.expires = NOW)
ALONE(a_clock_before_1970_alone_says_no, NOT_BEFORE, w.now = -1)
ALONE(an_earlier_ring_alone_says_no, RING, w.k.ring = PLAN_LAST - 1)
ALONE(the_dwell_alone_says_no, DWELL, w.k.dwell_s = plan_dwell_s(&w.plan, PLAN_LAST, PLAN_NORMAL) - 1)
ALONE(another_channel_alone_says_no, CHANNEL, w.k.channel[0] = 'x')
ALONE(a_pause_alone_says_no, PAUSE, w.p.paused = true)
ALONE(another_pin_alone_says_no, PIN, (w.p.pinned = true, w.p.pin[31] = 1))
ALONE(a_lag_alone_says_no, LAG, w.p.lag = 1)
ALONE(a_hold_alone_says_no, HOLD, w.p.hold_s = 100 * 3600)
ALONE(missing_evidence_alone_says_no, EVIDENCE, w.p.require_evidence = true)
ALONE(vectors_that_do_not_pass_alone_say_no, VECTORS, w.f.vectors_done = true)

TEST(a_window_alone_says_no)
{
	static const char text[] = "windows: [Mon 09:00-10:00 UTC]\n";
	struct arena a;
	struct diags ds;
	struct world w;

	world_init(&w);
	arena_init(&a, 1 << 20);
	diags_init(&ds, &a);
	CHECK_OK(policy_read("p", view_of(text, strlen(text)), NULL, NULL, &a, &ds, &w.p));
	w.k.expires = UINT64_MAX;
	w.now = 1800255600 - 5; /* Monday 2027-01-18 07:00 */
	check_failed(&w, 1u << CHECK_WINDOW);
	CHECK_EQ(decide(&w).wait_s, 7205);
	w.k.dwell_s = plan_dwell_s(&w.plan, PLAN_LAST, PLAN_NORMAL) - 4 * 3600; /* over only after the window */
	CHECK_EQ(decide(&w).wait_s, 7205 + 7 * 86400);
	w.now += 7205;
	CHECK_EQ(decide(&w).failed, 1u << CHECK_DWELL);
	arena_done(&a);
}

TEST(all_that_fails_is_told_at_once)
{
	struct world w;

	world_init(&w);
	w.f = (struct endpoint_facts){ .revoked = true, .quarantined = true, .vectors_done = true };
	w.h.security_floor = 1;
	w.k.ring = 0;
	w.k.dwell_s = 0;
	w.p = (struct policy){ .paused = true, .pinned = true, .pin = { 1 }, .lag = 1, .hold_s = 1 };
	w.k.expires = 0;
	w.k.ring = 1;
	w.p.require_evidence = true;
	check_failed(&w, ((1u << ENDPOINT_N_CHECKS) - 1) & ~(1u << CHECK_WINDOW));
}

TEST(the_wait_is_what_time_alone_needs)
{
	struct world w;
	uint64_t need;

	world_init(&w);
	need = plan_dwell_s(&w.plan, PLAN_LAST, PLAN_NORMAL);
	w.k.expires = UINT64_MAX;
	w.k.dwell_s = 100;
	CHECK_EQ(decide(&w).wait_s, need - 100);
	w.p.hold_s = 500; /* from the end of the dwell: nobody opens a ring for a host before that */
	CHECK_EQ(decide(&w).wait_s, need + 500 - 100);
	w.k.open_dwell_s[PLAN_LAST] = need + 1000;
	CHECK_EQ(decide(&w).wait_s, need + 1500 - 100);
	w.k.not_before = (uint64_t)NOW + need + 1401;
	CHECK_EQ(decide(&w).wait_s, need + 1401);
	w.k.expires = w.k.not_before;
	CHECK_EQ((int64_t)decide(&w).wait_s, -1);
	w.k.expires = UINT64_MAX;
	w.f.revoked = true;
	CHECK_EQ((int64_t)decide(&w).wait_s, -1);
	w.f.revoked = false;
	w.k.not_before = 0;
	w.k.dwell_s = need + 1500;
	check_failed(&w, 0);
	w.k.lane = PLAN_URGENT;
	w.p.urgent_hold_s = UINT64_MAX; /* sums do not wrap */
	check_failed(&w, 1u << CHECK_HOLD);
	CHECK_EQ((int64_t)decide(&w).wait_s, -1);
}

TEST(the_urgent_lane_has_a_shorter_dwell_and_the_same_checks)
{
	struct world w;

	world_init(&w);
	w.k.lane = PLAN_URGENT;
	w.k.dwell_s = plan_dwell_s(&w.plan, PLAN_LAST, PLAN_URGENT);
	check_failed(&w, 0);
	w.k.dwell_s--;
	check_failed(&w, 1u << CHECK_DWELL);
	w.p.paused = true;
	w.p.require_evidence = true;
	w.p.lag = 1;
	check_failed(&w, 1u << CHECK_DWELL | 1u << CHECK_PAUSE | 1u << CHECK_EVIDENCE | 1u << CHECK_LAG);
}

TEST(a_blessed_release_is_for_new_hosts_at_once_and_for_others_after_their_dwell)
{
	struct world w;

	world_init(&w);
	w.k.ring = PLAN_BLESSED;
	w.k.blessed = true;
	w.k.cutoff = 0;
	w.k.dwell_s = 0;
	check_failed(&w, 1u << CHECK_DWELL);
	w.h.fresh = true;
	check_failed(&w, 0);
	w.p.hold_s = 60; /* the owner's word counts for new hosts too */
	check_failed(&w, 1u << CHECK_HOLD);
	w.p.hold_s = 0;
	w.k.blessed = false;
	w.k.ring = PLAN_LAST;
	w.k.cutoff = UINT32_MAX;
	check_failed(&w, 1u << CHECK_DWELL);
}

TEST(the_owner_pushes_the_ring_later_never_earlier)
{
	uint32_t count[PLAN_RINGS] = { 0 };
	struct world w;

	world_init(&w);
	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t own, bucket;

		memcpy(w.h.agent_id, &i, sizeof i);
		w.p = (struct policy){ .first_ring = 0 };
		own = endpoint_own_ring(&w.plan, &w.p, &w.h, w.k.release);
		bucket = plan_bucket(w.k.release, w.h.agent_id);
		CHECK_EQ(own, plan_ring_of(&w.plan, bucket));
		count[own]++;
		for (w.p.first_ring = 1; w.p.first_ring <= PLAN_LAST; w.p.first_ring++)
			CHECK_EQ(endpoint_own_ring(&w.plan, &w.p, &w.h, w.k.release),
				 own > w.p.first_ring ? own : w.p.first_ring);
		w.p = (struct policy){ .critical = true, .ring0 = true };
		CHECK_EQ(endpoint_own_ring(&w.plan, &w.p, &w.h, w.k.release), PLAN_LAST);
		w.p = (struct policy){ .first_ring = 3, .ring0 = true };
		CHECK_EQ(endpoint_own_ring(&w.plan, &w.p, &w.h, w.k.release), 3);
		w.p = (struct policy){ .ring0 = true };
		CHECK_EQ(endpoint_own_ring(&w.plan, &w.p, &w.h, w.k.release), 0);
	}
	CHECK_EQ(count[0], 0);
	CHECK(count[3] > 100 && count[3] < 260); /* 0.9 % of 20,000 are 180 */
	CHECK(count[5] > 2800 && count[5] < 3200);
}

TEST(a_ring_that_ramps_is_open_for_the_first_of_its_hosts_and_never_for_more_than_the_plan_has)
{
	struct world w;
	uint32_t bucket, ring;

	world_init(&w);
	for (uint32_t i = 0;; i++) { /* a host of ring 5 */
		memcpy(w.h.agent_id, &i, sizeof i);
		bucket = plan_bucket(w.k.release, w.h.agent_id);
		ring = plan_ring_of(&w.plan, bucket);
		if (ring == 5)
			break;
	}
	w.k.ring = 5;
	w.k.cutoff = bucket;
	check_failed(&w, 1u << CHECK_RING);
	w.k.cutoff = bucket + 1;
	check_failed(&w, 0);
	w.k.ring = 4; /* whatever is signed for ring 4, it is not more than the plan's ring 4 */
	w.k.cutoff = UINT32_MAX;
	check_failed(&w, 1u << CHECK_RING);
	w.p.first_ring = PLAN_LAST;
	w.k.ring = PLAN_LAST;
	w.k.cutoff = bucket;
	check_failed(&w, 1u << CHECK_RING);
	w.k.ring = PLAN_BLESSED;
	check_failed(&w, 0);
}

static const char *explain(const struct world *w, enum endpoint_check c)
{
	static struct buf b;

	buf_done(&b);
	buf_init(&b, 4096);
	endpoint_explain(&w->plan, &w->p, &w->h, &w->k, &w->f, w->now, c, &b);
	return b.p;
}

TEST(each_check_explains_itself_in_one_line_with_its_numbers)
{
	struct world w;

	world_init(&w);
	for (int c = 0; c < ENDPOINT_N_CHECKS; c++) {
		const char *name = endpoint_check_name((enum endpoint_check)c),
			   *line = explain(&w, (enum endpoint_check)c);

		CHECK(name[0] != '?');
		CHECK_EQ(strncmp(line, name, strlen(name)), 0);
		CHECK(strlen(line) > strlen(name) + 3);
		CHECK(!strchr(line, '\n'));
	}
	w.k.dwell_s = 11400;
	CHECK_STR(explain(&w, CHECK_DWELL), "own dwell: 3 h 10 min of 1 d 2 h (ring 6)");
	w.k.lane = PLAN_URGENT;
	CHECK_STR(explain(&w, CHECK_DWELL), "own dwell: 3 h 10 min of 3 h (ring 6, urgent)");
	w.k.lane = PLAN_NORMAL;
	w.k.ring = 3;
	CHECK_STR(explain(&w, CHECK_RING), "own ring: this host is in ring 6, promoted is ring 3");
	w.p.hold_s = 3600;
	w.k.dwell_s = 26 * 3600 + 600;
	CHECK_STR(explain(&w, CHECK_HOLD), "hold: 10 min of 1 h since ring and dwell of this host let it in");
	w.k.not_before = NOW + 90;
	CHECK_STR(explain(&w, CHECK_NOT_BEFORE), "validity: the promotion holds in 1 min 30 s");
	w.k.not_before = 0;
	w.now = NOW + 61;
	CHECK_STR(explain(&w, CHECK_NOT_BEFORE), "validity: the promotion expired 1 min ago");
	w.f.newer = 1;
	w.p.lag = 2;
	CHECK_STR(explain(&w, CHECK_LAG), "lag: 1 newer release may come here, the policy stays 2 behind");
}

/* --- the table --- */

static struct object_promotion promotion(uint32_t digest, uint64_t seq, uint32_t ring)
{
	struct object_promotion p = {
		.epoch = 1, .seq = seq, .ring = ring, .cutoff = UINT32_MAX, .expires = UINT64_MAX
	};

	memcpy(p.channel, "stable", sizeof "stable");
	memcpy(p.digest, &digest, sizeof digest);
	memcpy(p.release, &digest, sizeof digest);
	return p;
}

static struct endpoint_known *take(struct endpoint_table *t, const struct policy *pol, uint32_t digest, uint64_t seq,
				   uint32_t ring)
{
	struct object_promotion p = promotion(digest, seq, ring);

	return endpoint_take(t, &p, pol);
}

static const struct endpoint_known *known(const struct endpoint_table *t, uint32_t digest)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (!memcmp(t->k[i].digest, &digest, sizeof digest))
			return &t->k[i];
	return NULL;
}

TEST(a_promotion_makes_an_entry_and_the_next_rings_move_it)
{
	struct endpoint_table t;
	struct endpoint_known *k;
	struct policy pol;

	endpoint_table_init(&t);
	policy_init(&pol);
	k = take(&t, &pol, 1, 10, 0);
	CHECK(k != NULL);
	CHECK_EQ(k->open_dwell_s[0], 0);
	CHECK_EQ((int64_t)k->open_dwell_s[1], -1);
	endpoint_tick(&t, 300);
	k->evidence_ok = true;
	k = take(&t, &pol, 1, 12, 3);
	CHECK_EQ(t.n, 1);
	CHECK_EQ(k->dwell_s, 300);
	CHECK_EQ(k->first_seq, 10);
	CHECK_EQ(k->seq, 12);
	CHECK(!k->evidence_ok);
	CHECK_EQ(k->open_dwell_s[0], 0);
	CHECK_EQ(k->open_dwell_s[3], 300);
	CHECK_EQ((int64_t)k->open_dwell_s[4], -1);
	CHECK(take(&t, &pol, 1, 12, 6) == NULL); /* not newer */
	CHECK(take(&t, &pol, 1, 11, 6) == NULL);
	CHECK_EQ(k->ring, 3);
	endpoint_tick(&t, 100);
	k = take(&t, &pol, 1, 13, 1); /* closed again: 2 and 3 open anew */
	CHECK_EQ(k->open_dwell_s[1], 300);
	CHECK_EQ((int64_t)k->open_dwell_s[2], -1);
	k = take(&t, &pol, 1, 14, PLAN_BLESSED);
	CHECK_EQ(k->open_dwell_s[2], 400);
	CHECK(k->blessed);
}

TEST(a_new_epoch_counts_from_its_own_start)
{
	struct endpoint_table t;
	struct object_promotion p = promotion(1, 3, 2);
	struct policy pol;

	endpoint_table_init(&t);
	policy_init(&pol);
	CHECK(take(&t, &pol, 1, 1000000, 0) != NULL);
	CHECK(endpoint_take(&t, &p, &pol) == NULL);
	p.epoch = 2;
	CHECK(endpoint_take(&t, &p, &pol) != NULL);
	CHECK_EQ(t.k[0].ring, 2);
}

TEST(what_is_for_another_channel_is_not_known)
{
	struct endpoint_table t;
	struct policy pol;

	endpoint_table_init(&t);
	policy_init(&pol);
	pol.channel[0] = 'x';
	CHECK(take(&t, &pol, 1, 1, 0) == NULL);
	CHECK_EQ(t.n, 0);
}

TEST(a_second_release_of_a_digest_draws_no_other_bucket)
{
	struct endpoint_table t;
	struct object_promotion p = promotion(1, 2, 1);
	struct policy pol;

	endpoint_table_init(&t);
	policy_init(&pol);
	CHECK(take(&t, &pol, 1, 1, 0) != NULL);
	p.release[15] = 99;
	CHECK(endpoint_take(&t, &p, &pol) != NULL);
	CHECK_EQ(t.k[0].release[15], 0);
	CHECK_EQ(t.k[0].seq, 2);
}

TEST(a_flood_of_promotions_costs_no_dwell_that_has_run)
{
	struct endpoint_table t;
	uint64_t seq = 1;
	struct policy pol;

	endpoint_table_init(&t);
	policy_init(&pol);
	CHECK(take(&t, &pol, 1, seq++, 2) != NULL);
	for (int i = 0; i < 40; i++)
		endpoint_tick(&t, 900);
	for (uint32_t i = 0; i < 5000; i++) { /* one key may sign rings 0 to 3 */
		CHECK(take(&t, &pol, 1000 + i, seq++, i % 3) != NULL);
		endpoint_tick(&t, 60);
		CHECK(known(&t, 1) != NULL);
		CHECK(known(&t, 1000 + i) != NULL); /* and what is newest always has a place */
	}
	CHECK_EQ(t.n, ENDPOINT_MAX_KNOWN);
	CHECK_EQ(known(&t, 1)->dwell_s, 40 * 900 + 5000 * 60);
}

TEST(what_is_pinned_is_never_forgotten)
{
	struct endpoint_table t;
	uint64_t seq = 1;
	struct policy pol;
	uint32_t pin = 7;

	endpoint_table_init(&t);
	policy_init(&pol);
	pol.pinned = true;
	memcpy(pol.pin, &pin, sizeof pin);
	CHECK(take(&t, &pol, pin, seq++, 0) != NULL);
	for (uint32_t i = 0; i < 200; i++) {
		CHECK(take(&t, &pol, 1000 + i, seq++, PLAN_BLESSED) != NULL);
		endpoint_tick(&t, 60);
	}
	CHECK(known(&t, pin) != NULL);
}

TEST(with_a_new_epoch_what_the_old_one_signed_makes_room)
{
	struct endpoint_table t;
	struct object_promotion p = promotion(1, 1, 0);
	struct policy pol;

	endpoint_table_init(&t);
	policy_init(&pol);
	for (uint32_t i = 0; i < 100; i++) { /* stolen keys */
		CHECK(take(&t, &pol, 1000 + i, 1000 + i, PLAN_LAST) != NULL);
		endpoint_tick(&t, 900);
	}
	p.epoch = 2;
	for (uint32_t i = 1; i <= ENDPOINT_MAX_KNOWN; i++) {
		memcpy(p.digest, &i, sizeof i);
		p.seq = i;
		CHECK(endpoint_take(&t, &p, &pol) != NULL);
		endpoint_tick(&t, 900);
		for (uint32_t k = 1; k <= i; k++)
			CHECK(known(&t, k) != NULL);
	}
}

/* Three a day, and one of them in two days is blessed: what is on its way keeps its dwell. */
TEST(releases_three_a_day_keep_their_dwell_while_they_are_on_their_way)
{
	struct endpoint_table t;
	uint64_t seq = 1;
	struct policy pol;

	endpoint_table_init(&t);
	policy_init(&pol);
	for (uint32_t r = 1; r < 400; r++) {
		CHECK(take(&t, &pol, r, seq++, 0) != NULL);
		for (uint32_t ring = 1; ring <= 3; ring++) {
			for (int i = 0; i < 9; i++)
				endpoint_tick(&t, 900);
			CHECK(take(&t, &pol, r, seq++, ring) != NULL);
		}
		if (r > 6 && r % 6 == 0)
			CHECK(take(&t, &pol, r - 6, seq++, PLAN_BLESSED) != NULL);
		for (uint32_t o = r > 6 ? r - 6 : 1; o <= r; o++) {
			CHECK(known(&t, o) != NULL);
			CHECK_EQ(known(&t, o)->dwell_s, (r - o + 1) * 3 * 9 * 900);
		}
	}
}

TEST(what_lag_counts_is_newer_and_open_for_this_host)
{
	struct endpoint_table t;
	struct policy pol;
	struct world w;

	world_init(&w);
	endpoint_table_init(&t);
	policy_init(&pol);
	CHECK(take(&t, &pol, 1, 1, PLAN_LAST) != NULL);
	CHECK(take(&t, &pol, 2, 2, 0) != NULL);
	w.p.critical = true; /* ring 6 by every salt */
	CHECK_EQ(endpoint_newer(&t, &w.plan, &w.p, &w.h, known(&t, 1)), 0);
	CHECK(take(&t, &pol, 2, 3, PLAN_LAST) != NULL);
	CHECK_EQ(endpoint_newer(&t, &w.plan, &w.p, &w.h, known(&t, 1)), 0); /* its dwell */
	for (int i = 0; i < 26 * 4; i++)
		endpoint_tick(&t, 900);
	CHECK_EQ(endpoint_newer(&t, &w.plan, &w.p, &w.h, known(&t, 1)), 1);
	CHECK_EQ(endpoint_newer(&t, &w.plan, &w.p, &w.h, known(&t, 2)), 0);
	CHECK(take(&t, &pol, 1, 4, PLAN_LAST) != NULL); /* a promotion does not make a release newer */
	CHECK_EQ(endpoint_newer(&t, &w.plan, &w.p, &w.h, known(&t, 2)), 0);
	endpoint_forget(&t, known(&t, 2)->digest);
	CHECK_EQ(endpoint_newer(&t, &w.plan, &w.p, &w.h, known(&t, 1)), 0);
	CHECK_EQ(t.n, 1);
}

static void fill(struct endpoint_table *t)
{
	struct policy pol;

	endpoint_table_init(t);
	policy_init(&pol);
	for (uint32_t i = 0; i < ENDPOINT_MAX_KNOWN; i++) {
		struct object_promotion p = promotion(i + 1, i + 1, i % (PLAN_BLESSED + 1));

		p.epoch = 3;
		p.lane = i % 2;
		p.not_before = i;
		p.cutoff = i * 77;
		p.security_floor = i;
		p.rollback = i % 3 == 0;
		p.evidence[31] = (uint8_t)i;
		endpoint_take(t, &p, &pol)->evidence_ok = i % 5 == 0;
		endpoint_tick(t, 100 + i);
	}
}

TEST(the_table_comes_back_as_it_was_saved)
{
	struct endpoint_table t, back;
	struct buf b, again;
	struct diag d;

	memset(&t, 0, sizeof t);
	fill(&t);
	for (t.n = 0; t.n <= ENDPOINT_MAX_KNOWN; t.n += 16) {
		buf_init(&b, 65536);
		buf_init(&again, 65536);
		CHECK_OK(endpoint_save(&t, &b));
		CHECK_OK(endpoint_restore(view_of(b.p, b.len), &back, &d));
		CHECK_EQ(back.n, t.n);
		CHECK_OK(endpoint_save(&back, &again));
		CHECK_EQ(again.len, b.len);
		CHECK_EQ(memcmp(again.p, b.p, b.len), 0);
		for (uint32_t i = 0; i < t.n; i++) {
			CHECK_EQ(back.k[i].dwell_s, t.k[i].dwell_s);
			CHECK_EQ(memcmp(back.k[i].open_dwell_s, t.k[i].open_dwell_s, sizeof t.k[i].open_dwell_s), 0);
			CHECK_EQ(back.k[i].evidence_ok, t.k[i].evidence_ok);
			CHECK_EQ(back.k[i].blessed, t.k[i].blessed);
			CHECK_EQ(back.k[i].first_epoch, t.k[i].first_epoch);
			CHECK_STR(back.k[i].channel, "stable");
		}
		buf_done(&b);
		buf_done(&again);
	}
}

TEST(a_table_that_is_cut_or_changed_is_refused)
{
	struct endpoint_table t, back = { .n = 77 };
	struct buf b;
	struct diag d;

	fill(&t);
	t.n = 3;
	buf_init(&b, 65536);
	CHECK_OK(endpoint_save(&t, &b));
	for (size_t n = 0; n < b.len; n++)
		CHECK(endpoint_restore(view_of(b.p, n), &back, &d) != E_OK);
	for (size_t i = 0; i < b.len * 8; i++) {
		b.p[i / 8] ^= (char)(1 << i % 8);
		CHECK(endpoint_restore(view_of(b.p, b.len), &back, &d) != E_OK);
		b.p[i / 8] ^= (char)(1 << i % 8);
	}
	CHECK_EQ(back.n, 77);
	buf_reset(&b);
	t.k[1] = t.k[0]; /* a good checksum does not make it sound */
	CHECK_OK(endpoint_save(&t, &b));
	CHECK_EQ(endpoint_restore(view_of(b.p, b.len), &back, &d), E_FORMAT);
	CHECK_HAS(d.text, "entry 1");
	fill(&t);
	t.k[2].ring = PLAN_BLESSED + 1;
	buf_reset(&b);
	CHECK_OK(endpoint_save(&t, &b));
	CHECK_EQ(endpoint_restore(view_of(b.p, b.len), &back, &d), E_FORMAT);
	buf_reset(&b);
	fill(&t);
	t.k[2].open_dwell_s[0] = t.k[2].dwell_s + 1;
	CHECK_OK(endpoint_save(&t, &b));
	CHECK_EQ(endpoint_restore(view_of(b.p, b.len), &back, &d), E_FORMAT);
	buf_done(&b);
}

TEST(a_decision_is_cheap)
{
	enum { N = 200000 };
	struct endpoint_verdict v = { .ring = 0 };
	struct timespec a, b;
	struct world w;
	uint64_t rings = 0;
	double ns;

	world_init(&w);
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	for (uint32_t i = 0; i < N; i++) {
		memcpy(w.h.agent_id, &i, sizeof i);
		endpoint_decide(&w.plan, &w.p, &w.h, &w.k, &w.f, w.now, &v);
		rings += v.ring;
	}
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	ns = ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / N;
	print_message("# %.0f ns per decision, mean ring %.3f\n", ns, (double)rings / N);
	CHECK(ns < 5000); /* with sanitizers, on a busy machine */
}
