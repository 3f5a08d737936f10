/* SPDX-License-Identifier: Apache-2.0 */
/* What each event makes of the state. */
#include "fixture.h"

#define HOUR 3600u

static struct local_state with_good(unsigned lkg1, unsigned lkg)
{
	struct local_state s;

	local_init(&s);
	(void)on(&s, start(1));
	(void)on(&s, attach(ALL_HOOKS));
	if (lkg1)
		to_good(&s, LOCAL_RELEASE, lkg1, lkg1);
	if (lkg)
		to_good(&s, LOCAL_RELEASE, lkg, lkg);
	return s;
}

TEST(a_new_host_has_the_factory_s_content_and_all_hooks)
{
	struct local_state s;

	local_init(&s);
	CHECK_EQ(armed(&s, LOCAL_RELEASE), 0);
	CHECK_EQ(armed(&s, LOCAL_OWNER), 0);
	CHECK_EQ(local_level(&s), LOCAL_NORMAL);
	CHECK_EQ(local_hooks(&s, ALL_HOOKS), ALL_HOOKS);
}

TEST(content_becomes_good_after_a_day_and_a_clean_restart_and_not_with_one_of_them)
{
	struct local_state s = with_good(0, 1);

	to_probation(&s, LOCAL_RELEASE, 2, 2);
	pass_s(&s, 3 * plan_default.probation_s);
	CHECK_EQ(number_of(s.lane[LOCAL_RELEASE].lkg), 1);
	(void)on(&s, event(LOCAL_EV_RESTARTED));
	CHECK_EQ(number_of(s.lane[LOCAL_RELEASE].lkg), 2);
	CHECK_EQ(number_of(s.lane[LOCAL_RELEASE].lkg1), 1);
	to_probation(&s, LOCAL_RELEASE, 3, 3);
	(void)on(&s, event(LOCAL_EV_RESTARTED));
	pass_s(&s, plan_default.probation_s - 1);
	CHECK_EQ(number_of(s.lane[LOCAL_RELEASE].lkg), 2);
	(void)on(&s, elapsed(1));
	CHECK_EQ(number_of(s.lane[LOCAL_RELEASE].lkg), 3);
	CHECK(!local_keeps(&s, dig(1)));
	CHECK(local_keeps(&s, dig(2)) && local_keeps(&s, dig(3)));
}

TEST(probation_adds_up_over_clean_boots_which_count_as_restarts)
{
	struct local_state s = with_good(0, 1);

	to_probation(&s, LOCAL_RELEASE, 2, 2);
	for (unsigned boot = 2; boot < 6; boot++) {
		pass_s(&s, plan_default.probation_s / 4 - 1);
		(void)on(&s, event(LOCAL_EV_STOP));
		(void)on(&s, start(boot));
		CHECK_EQ(armed(&s, LOCAL_RELEASE), 2);
	}
	CHECK_EQ(s.lane[LOCAL_RELEASE].clean_restarts, 4);
	CHECK_EQ(number_of(s.lane[LOCAL_RELEASE].lkg), 1);
	pass_s(&s, 4);
	CHECK_EQ(number_of(s.lane[LOCAL_RELEASE].lkg), 2);
}

TEST(time_that_jumps_counts_an_hour_at_most)
{
	struct local_state s = with_good(0, 1);

	to_probation(&s, LOCAL_RELEASE, 2, 2);
	(void)on(&s, event(LOCAL_EV_RESTARTED));
	(void)on(&s, elapsed(UINT64_MAX));
	CHECK_EQ(s.lane[LOCAL_RELEASE].in_phase_s, LOCAL_TIME_MAX_S);
	CHECK_EQ(s.lane[LOCAL_RELEASE].phase, LOCAL_PROBATION);
}

static const struct {
	const char *name;
	enum local_phase phase;
	enum local_worker worker;
	uint32_t cause, signal;
} strikes[] = {
	{ "scratch crash", LOCAL_SELFTEST, LOCAL_SCRATCH_WORKER, CAUSE_CRASH, 11 },
	{ "scratch hang", LOCAL_SELFTEST, LOCAL_SCRATCH_WORKER, CAUSE_HANG, 0 },
	{ "shadow crash", LOCAL_SHADOW, LOCAL_SHADOW_WORKER, CAUSE_CRASH, 6 },
	{ "shadow budget", LOCAL_SHADOW, LOCAL_SHADOW_WORKER, CAUSE_BUDGET, 0 },
	{ "live crash", LOCAL_PROBATION, LOCAL_LIVE, CAUSE_CRASH, 11 },
	{ "live hang", LOCAL_PROBATION, LOCAL_LIVE, CAUSE_HANG, 0 },
	{ "live killed by somebody", LOCAL_PROBATION, LOCAL_LIVE, CAUSE_CRASH, 9 },
	{ "live told to end by somebody", LOCAL_PROBATION, LOCAL_LIVE, CAUSE_CRASH, 15 },
	{ "live memory", LOCAL_PROBATION, LOCAL_LIVE, CAUSE_MEMORY, 9 },
};

static void bring_to(struct local_state *s, enum local_lane lane, unsigned n, uint64_t seq, enum local_phase phase)
{
	(void)on(s, offer(lane, n, seq));
	if (phase >= LOCAL_SHADOW)
		(void)on(s, event_of(LOCAL_EV_TESTED, lane, n));
	if (phase >= LOCAL_PROBATION)
		(void)on(s, event_of(LOCAL_EV_SHADOWED, lane, n));
}

TEST(f08_a_death_of_what_is_on_trial_brings_the_last_known_good_back_at_once)
{
	for (size_t i = 0; i < countof(strikes); i++)
		for (uint32_t lane = 0; lane < LOCAL_N_LANES; lane++) {
			struct local_state s = with_good(0, 1);
			struct local_input in = death(strikes[i].worker, lane, 3);
			struct local_output o;
			const struct local_quarantine *q = &s.quarantine[0];

			test_row = strikes[i].name;
			to_good(&s, LOCAL_OWNER, 2, 1);
			bring_to(&s, lane, 3, 9, strikes[i].phase);
			in.cause = strikes[i].cause;
			in.signal = strikes[i].signal;
			o = on(&s, in);
			CHECK_EQ(armed(&s, LOCAL_RELEASE), 1);
			CHECK_EQ(armed(&s, LOCAL_OWNER), 2);
			CHECK_EQ(s.lane[lane].phase, LOCAL_NONE);
			CHECK(o.lane_do[lane] & LOCAL_DO_DROP);
			CHECK_EQ(!!(o.todo & LOCAL_DO_ARM), strikes[i].phase == LOCAL_PROBATION);
			CHECK(o.todo & LOCAL_DO_NO_DISK);
			CHECK_HAS(o.text, "the rule");
			CHECK_EQ(s.n_quarantine, 1);
			CHECK_EQ(number_of(q->digest), 3);
			CHECK_EQ(q->cause, strikes[i].cause);
			CHECK_EQ(q->signal, strikes[i].signal);
			CHECK_STR(q->rule, "the rule");
		}
}

TEST(with_two_on_probation_the_named_one_is_struck_and_both_when_none_is)
{
	struct local_state s = with_good(0, 1), both;

	to_probation(&s, LOCAL_RELEASE, 2, 2);
	to_probation(&s, LOCAL_OWNER, 3, 3);
	both = s;
	(void)on(&s, death(LOCAL_LIVE, LOCAL_RELEASE, 3));
	CHECK_EQ(armed(&s, LOCAL_RELEASE), 2);
	CHECK_EQ(armed(&s, LOCAL_OWNER), 0);
	(void)on(&both, death(LOCAL_LIVE, LOCAL_RELEASE, 0));
	CHECK_EQ(armed(&both, LOCAL_RELEASE), 1);
	CHECK_EQ(armed(&both, LOCAL_OWNER), 0);
	CHECK_EQ(both.n_quarantine, 2);
}

TEST(vectors_that_fail_and_content_that_does_not_load_are_quarantined)
{
	struct local_state s = with_good(0, 1);
	struct local_input in = event_of(LOCAL_EV_REFUSED, LOCAL_RELEASE, 2);

	(void)on(&s, offer(LOCAL_RELEASE, 2, 2));
	in.cause = CAUSE_VECTOR;
	(void)on(&s, in);
	CHECK_EQ(s.quarantine[0].cause, CAUSE_VECTOR);
	CHECK_EQ(on_err(&s, offer(LOCAL_RELEASE, 2, 3)), E_REJECTED);
}

TEST(messages_that_come_too_late_change_nothing)
{
	struct local_state s = with_good(0, 1), before;

	(void)on(&s, offer(LOCAL_RELEASE, 2, 2));
	(void)on(&s, offer(LOCAL_RELEASE, 3, 3));
	before = s;
	(void)on(&s, event_of(LOCAL_EV_TESTED, LOCAL_RELEASE, 2));
	(void)on(&s, event_of(LOCAL_EV_SHADOWED, LOCAL_RELEASE, 3));
	(void)on(&s, death(LOCAL_SCRATCH_WORKER, LOCAL_RELEASE, 2));
	(void)on(&s, death(LOCAL_SHADOW_WORKER, LOCAL_RELEASE, 3));
	(void)on(&s, event_of(LOCAL_EV_REFUSED, LOCAL_RELEASE, 2));
	(void)on(&s, event_of(LOCAL_EV_MISSING, LOCAL_RELEASE, 2));
	(void)on(&s, event_of(LOCAL_EV_REFUSED, LOCAL_RELEASE, 0));
	(void)on(&s, event_of(LOCAL_EV_MISSING, LOCAL_RELEASE, 0));
	(void)on(&s, event_of(LOCAL_EV_REVOKED, LOCAL_RELEASE, 0));
	CHECK(!memcmp(&s, &before, sizeof s));
}

TEST(events_out_of_range_are_refused_and_change_nothing)
{
	struct local_state s = with_good(0, 1), before = s;
	struct local_input in[6];

	for (size_t i = 0; i < countof(in); i++)
		in[i] = offer(LOCAL_RELEASE, 2, 2);
	in[0].event = LOCAL_N_EVENTS;
	in[1].lane = LOCAL_N_LANES;
	in[2].worker = LOCAL_N_WORKERS;
	in[3].cause = CAUSE_BOOT + 1;
	memset(in[4].rule, 'x', sizeof in[4].rule);
	in[5] = offer(LOCAL_RELEASE, 0, 2);
	for (size_t i = 0; i < countof(in); i++)
		CHECK_EQ(on_err(&s, in[i]), E_INVALID);
	CHECK(!memcmp(&s, &before, sizeof s));
}

TEST(an_offer_must_be_newer_and_of_one_lane)
{
	struct local_state s = with_good(0, 5);

	CHECK_EQ(on_err(&s, offer(LOCAL_RELEASE, 6, 4)), E_REJECTED);
	CHECK_EQ(on_err(&s, offer(LOCAL_OWNER, 5, 9)), E_REJECTED);
	(void)on(&s, offer(LOCAL_RELEASE, 6, 5));
	CHECK_EQ(number_of(s.lane[LOCAL_RELEASE].candidate), 6);
	CHECK_EQ(on_err(&s, offer(LOCAL_OWNER, 6, 9)), E_REJECTED);
}

TEST(the_same_digest_promoted_to_a_further_ring_goes_on_where_it_is)
{
	struct local_state s = with_good(0, 1);
	struct local_output o;

	to_probation(&s, LOCAL_RELEASE, 2, 2);
	pass_s(&s, 1000);
	o = on(&s, offer(LOCAL_RELEASE, 2, 7));
	CHECK_EQ(o.todo, LOCAL_DO_WRITE);
	CHECK_EQ(s.lane[LOCAL_RELEASE].in_phase_s, 1000);
	CHECK_EQ(s.lane[LOCAL_RELEASE].release_seq, 7);
	o = on(&s, offer(LOCAL_RELEASE, 2, 7));
	CHECK_EQ(o.todo, 0);
}

TEST(with_three_releases_a_day_the_last_known_good_still_advances)
{
	struct local_state s = with_good(0, 1);

	for (unsigned i = 2; i < 20; i++) {
		to_probation(&s, LOCAL_RELEASE, i, i);
		(void)on(&s, event(LOCAL_EV_RESTARTED));
		pass_s(&s, 8 * HOUR);
	}
	CHECK_EQ(number_of(s.lane[LOCAL_RELEASE].lkg), 18);
	CHECK_EQ(number_of(s.lane[LOCAL_RELEASE].lkg1), 17);
}

TEST(what_is_superseded_at_once_or_gone_back_from_is_never_good)
{
	struct local_state s = with_good(1, 2);

	to_probation(&s, LOCAL_RELEASE, 3, 3);
	(void)on(&s, event(LOCAL_EV_RESTARTED));
	pass_s(&s, plan_default.probation_s / LOCAL_SUPERSEDED - 1);
	(void)on(&s, offer(LOCAL_RELEASE, 4, 4));
	CHECK_EQ(number_of(s.lane[LOCAL_RELEASE].lkg), 2);
	CHECK_EQ(armed(&s, LOCAL_RELEASE), 2);
	for (unsigned back = 1; back < 3; back++) {
		struct local_state t = s;

		to_probation(&t, LOCAL_RELEASE, 5, 5);
		(void)on(&t, event(LOCAL_EV_RESTARTED));
		pass_s(&t, plan_default.probation_s - 1);
		(void)on(&t, offer(LOCAL_RELEASE, back, 6));
		CHECK_EQ(number_of(t.lane[LOCAL_RELEASE].lkg), 2);
		CHECK_EQ(number_of(t.lane[LOCAL_RELEASE].candidate), back == 2 ? 0 : 1);
	}
}

TEST(f09_two_unclean_boots_bring_the_last_known_good_four_the_factory_s_six_safe)
{
	struct local_state s = with_good(0, 1);
	unsigned boot = 2;

	to_probation(&s, LOCAL_RELEASE, 2, 2);
	(void)on(&s, start(boot++));
	CHECK_EQ(armed(&s, LOCAL_RELEASE), 2);
	CHECK_EQ(s.hooks_barred, BULK);
	CHECK_EQ(on_err(&s, attach(ALL_HOOKS)), E_REJECTED);
	(void)on(&s, attach(local_hooks(&s, ALL_HOOKS)));
	(void)on(&s, start(boot++));
	CHECK_EQ(armed(&s, LOCAL_RELEASE), 1);
	CHECK(local_is_quarantined(&s, dig(2)));
	CHECK_EQ(s.quarantine[0].cause, CAUSE_BOOT);
	CHECK_EQ(s.hooks_barred, BULK | MORE);
	(void)on(&s, start(boot++));
	CHECK_EQ(armed(&s, LOCAL_RELEASE), 1);
	(void)on(&s, start(boot++));
	CHECK_EQ(armed(&s, LOCAL_RELEASE), 0);
	CHECK_EQ(local_level(&s), LOCAL_FACTORY);
	(void)on(&s, start(boot++));
	CHECK_EQ(local_level(&s), LOCAL_FACTORY);
	(void)on(&s, start(boot++));
	CHECK_EQ(local_level(&s), LOCAL_SAFE);
	CHECK_EQ(s.unclean_boots, 6);
	CHECK_EQ(local_hooks(&s, ALL_HOOKS), ESSENTIAL);
	CHECK_EQ(number_of(s.lane[LOCAL_RELEASE].lkg), 1);
}

TEST(clean_boots_and_calm_hours_are_no_strikes_and_take_strikes_back)
{
	struct local_state s = with_good(0, 1);
	struct local_output o = { 0 };

	for (unsigned boot = 2; boot < 9; boot++) {
		(void)on(&s, event(LOCAL_EV_STOP));
		(void)on(&s, start(boot));
	}
	CHECK_EQ(s.boot_strikes, 0);
	for (unsigned boot = 9; boot < 12; boot++) {
		(void)on(&s, attach(local_hooks(&s, ALL_HOOKS)));
		(void)on(&s, start(boot));
	}
	CHECK_EQ(s.boot_strikes, 3);
	CHECK_EQ(s.hooks_barred, BULK | MORE);
	pass_s(&s, 2 * LOCAL_CALM_S);
	CHECK_EQ(s.boot_strikes, 1);
	CHECK_EQ(s.hooks_barred, BULK | MORE);
	(void)on(&s, elapsed(LOCAL_CALM_S - 1));
	CHECK_EQ(s.boot_strikes, 1);
	o = on(&s, elapsed(1));
	CHECK_EQ(s.boot_strikes, 0);
	CHECK_EQ(s.hooks_barred, 0);
	CHECK(o.todo & LOCAL_DO_HOOKS);
}

TEST(an_agent_that_dies_three_times_without_calm_is_a_strike)
{
	struct local_state s = with_good(0, 1);

	for (unsigned i = 0; i < 2 * LOCAL_DEATHS; i++) {
		(void)on(&s, start(1));
		(void)on(&s, elapsed(LOCAL_DEATHS_GAP_S));
	}
	CHECK_EQ(s.boot_strikes, 0);
	for (unsigned i = 0; i < LOCAL_DEATHS; i++)
		(void)on(&s, start(1));
	CHECK_EQ(s.boot_strikes, 1);
	CHECK_EQ(s.unclean_boots, 0);
}

static void die(struct local_state *s, unsigned n, unsigned times)
{
	while (times--)
		(void)on(s, death(LOCAL_LIVE, LOCAL_RELEASE, n));
}

TEST(good_content_that_dies_again_and_again_steps_down_and_the_last_is_only_rested)
{
	struct local_state s = with_good(1, 2);

	die(&s, 2, LOCAL_DEATHS - 1);
	CHECK_EQ(armed(&s, LOCAL_RELEASE), 2);
	die(&s, 2, 1);
	CHECK_EQ(armed(&s, LOCAL_RELEASE), 1);
	CHECK(local_is_quarantined(&s, dig(2)));
	die(&s, 1, LOCAL_DEATHS);
	CHECK_EQ(local_level(&s), LOCAL_FACTORY);
	CHECK(!local_is_quarantined(&s, dig(1)));
	die(&s, 99, LOCAL_DEATHS);
	CHECK_EQ(local_level(&s), LOCAL_SAFE);
	die(&s, 0, 100);
	CHECK_EQ(s.n_quarantine, 1);
	CHECK_EQ(number_of(s.lane[LOCAL_RELEASE].lkg), 1);
	pass_s(&s, LOCAL_RETRY_S);
	CHECK_EQ(armed(&s, LOCAL_RELEASE), 1);
}

TEST(deaths_far_apart_or_by_somebody_s_hand_leave_good_content_armed)
{
	struct local_state s = with_good(1, 2);

	for (unsigned i = 0; i < 100; i++) {
		die(&s, 2, 2);
		pass_s(&s, LOCAL_CALM_S);
	}
	for (unsigned i = 0; i < 100; i++) {
		die(&s, 0, LOCAL_ANY_DEATHS - 1);
		pass_s(&s, LOCAL_CALM_S);
	}
	CHECK_EQ(armed(&s, LOCAL_RELEASE), 2);
	CHECK_EQ(s.n_quarantine, 0);
}

TEST(no_worker_dies_for_ever_whoever_is_to_blame_and_nothing_is_lost_by_it)
{
	struct local_state s = with_good(1, 2);

	to_good(&s, LOCAL_OWNER, 3, 1);
	die(&s, 0, LOCAL_ANY_DEATHS);
	CHECK_EQ(local_level(&s), LOCAL_FACTORY);
	CHECK_EQ(armed(&s, LOCAL_OWNER), 0);
	die(&s, 0, LOCAL_ANY_DEATHS);
	CHECK_EQ(local_level(&s), LOCAL_SAFE);
	CHECK_EQ(s.n_quarantine, 0);
	pass_s(&s, LOCAL_RETRY_S);
	CHECK_EQ(armed(&s, LOCAL_RELEASE), 2);
	CHECK_EQ(armed(&s, LOCAL_OWNER), 3);
}

TEST(the_owner_s_lane_falls_by_itself)
{
	struct local_state s = with_good(0, 1);

	to_good(&s, LOCAL_OWNER, 3, 1);
	die(&s, 3, LOCAL_DEATHS);
	CHECK_EQ(armed(&s, LOCAL_OWNER), 0);
	CHECK_EQ(armed(&s, LOCAL_RELEASE), 1);
	CHECK_EQ(local_level(&s), LOCAL_NORMAL);
	to_probation(&s, LOCAL_OWNER, 4, 2); /* newer content is its way out */
}

static void to_safe(struct local_state *s)
{
	for (unsigned i = 0; i < LOCAL_MAX_STRIKES; i++)
		(void)on(s, start(100 + i));
	CHECK_EQ(local_level(s), LOCAL_SAFE);
}

TEST(safe_is_tried_again_after_six_hours_then_twice_that_up_to_a_week)
{
	struct local_state s = with_good(0, 1);
	uint64_t wait = LOCAL_RETRY_S;

	to_safe(&s);
	for (unsigned i = 0; i < 10; i++) {
		struct local_output o;

		pass_s(&s, wait - 1);
		CHECK_EQ(local_level(&s), LOCAL_SAFE);
		o = on(&s, elapsed(1));
		CHECK_EQ(armed(&s, LOCAL_RELEASE), 1);
		CHECK(o.todo & LOCAL_DO_ARM && o.todo & LOCAL_DO_WRITE && !(o.todo & LOCAL_DO_NO_DISK));
		(void)on(&s, start(i));
		CHECK_EQ(local_level(&s), LOCAL_SAFE);
		wait = wait * 2 < LOCAL_RETRY_MAX_S ? wait * 2 : LOCAL_RETRY_MAX_S;
	}
	CHECK_EQ(wait, LOCAL_RETRY_MAX_S);
}

TEST(safe_is_left_by_newer_content_that_passed_and_by_the_operator)
{
	struct local_state s = with_good(0, 1), t;

	to_safe(&s);
	t = s;
	CHECK_EQ(on_err(&s, offer(LOCAL_OWNER, 7, 7)), E_REJECTED);
	(void)on(&s, offer(LOCAL_RELEASE, 2, 2));
	(void)on(&s, event_of(LOCAL_EV_TESTED, LOCAL_RELEASE, 2));
	CHECK_EQ(local_level(&s), LOCAL_SAFE);
	(void)on(&s, event_of(LOCAL_EV_SHADOWED, LOCAL_RELEASE, 2));
	CHECK_EQ(armed(&s, LOCAL_RELEASE), 2);
	(void)on(&s, start(77)); /* it did not help */
	CHECK_EQ(local_level(&s), LOCAL_SAFE);
	CHECK(local_is_quarantined(&s, dig(2)));
	(void)on(&t, event(LOCAL_EV_SAFE_OFF));
	CHECK_EQ(armed(&t, LOCAL_RELEASE), 1);
	CHECK_EQ(t.boot_strikes, 0);
	CHECK_EQ(t.hooks_barred, 0);
}

TEST(safe_by_hand_holds_until_it_is_taken_back)
{
	struct local_state s = with_good(0, 1);
	struct local_output o;

	to_probation(&s, LOCAL_RELEASE, 2, 2);
	o = on(&s, event(LOCAL_EV_SAFE_ON));
	CHECK(o.todo & LOCAL_DO_NO_DISK && o.todo & LOCAL_DO_ARM && o.todo & LOCAL_DO_NOTICE);
	CHECK_EQ(armed(&s, LOCAL_RELEASE), 0);
	CHECK_EQ(on(&s, event(LOCAL_EV_SAFE_ON)).todo, 0);
	CHECK_EQ(on_err(&s, offer(LOCAL_RELEASE, 3, 3)), E_REJECTED);
	pass_s(&s, 10 * LOCAL_RETRY_S);
	(void)on(&s, event(LOCAL_EV_STOP));
	(void)on(&s, start(3));
	CHECK_EQ(local_level(&s), LOCAL_SAFE);
	(void)on(&s, event(LOCAL_EV_SAFE_OFF));
	CHECK_EQ(armed(&s, LOCAL_RELEASE), 1);
	(void)on(&s, offer(LOCAL_RELEASE, 2, 2)); /* it was dropped, not struck */
}

TEST(revoked_content_goes_and_what_was_good_before_it_comes_back)
{
	struct local_state s = with_good(1, 2), t;

	to_probation(&s, LOCAL_RELEASE, 3, 3);
	t = s;
	(void)on(&s, event_of(LOCAL_EV_REVOKED, LOCAL_RELEASE, 3));
	CHECK_EQ(armed(&s, LOCAL_RELEASE), 2);
	(void)on(&s, event_of(LOCAL_EV_REVOKED, LOCAL_RELEASE, 2));
	CHECK_EQ(armed(&s, LOCAL_RELEASE), 1);
	(void)on(&s, event_of(LOCAL_EV_REVOKED, LOCAL_RELEASE, 1));
	CHECK_EQ(armed(&s, LOCAL_RELEASE), 0);
	CHECK_EQ(s.n_quarantine, 3);
	/* what never was here takes no place from what was */
	(void)on(&s, event_of(LOCAL_EV_REVOKED, LOCAL_RELEASE, 50));
	CHECK_EQ(s.n_quarantine, 3);
	(void)on(&t, event_of(LOCAL_EV_REVOKED, LOCAL_RELEASE, 2));
	CHECK_EQ(armed(&t, LOCAL_RELEASE), 3);
	CHECK_EQ(number_of(t.lane[LOCAL_RELEASE].lkg), 1);
}

TEST(good_content_that_does_not_load_any_more_is_not_quarantined)
{
	struct local_state s = with_good(1, 2), t = s;

	(void)on(&s, event_of(LOCAL_EV_REFUSED, LOCAL_RELEASE, 2));
	CHECK_EQ(armed(&s, LOCAL_RELEASE), 1);
	(void)on(&s, event_of(LOCAL_EV_REFUSED, LOCAL_RELEASE, 1));
	CHECK_EQ(local_level(&s), LOCAL_FACTORY);
	CHECK_EQ(number_of(s.lane[LOCAL_RELEASE].lkg), 1);
	CHECK_EQ(s.n_quarantine, 0);
	(void)on(&t, event_of(LOCAL_EV_MISSING, LOCAL_RELEASE, 2));
	CHECK_EQ(armed(&t, LOCAL_RELEASE), 1);
	(void)on(&t, event_of(LOCAL_EV_MISSING, LOCAL_RELEASE, 1));
	CHECK_EQ(armed(&t, LOCAL_RELEASE), 0);
	CHECK_EQ(local_level(&t), LOCAL_NORMAL);
	(void)on(&t, offer(LOCAL_RELEASE, 2, 3));
}

TEST(f10_quarantined_content_is_refused_in_every_lane_at_every_time_until_cleared)
{
	struct local_state s = with_good(0, 1);

	to_probation(&s, LOCAL_RELEASE, 2, 2);
	(void)on(&s, death(LOCAL_LIVE, LOCAL_RELEASE, 2));
	for (unsigned i = 3; i < 6; i++) {
		CHECK_EQ(on_err(&s, offer(LOCAL_RELEASE, 2, 10 * i)), E_REJECTED);
		CHECK_EQ(on_err(&s, offer(LOCAL_OWNER, 2, 10 * i)), E_REJECTED);
		(void)on(&s, event_of(LOCAL_EV_TESTED, LOCAL_RELEASE, 2));
		(void)on(&s, event_of(LOCAL_EV_SHADOWED, LOCAL_RELEASE, 2));
		CHECK_EQ(armed(&s, LOCAL_RELEASE), 1);
		(void)on(&s, start(i));
		(void)on(&s, event(LOCAL_EV_SAFE_OFF));
		pass_s(&s, 24 * HOUR);
	}
	CHECK_EQ(on_err(&s, event_of(LOCAL_EV_CLEAR, LOCAL_RELEASE, 3)), E_NOT_FOUND);
	(void)on(&s, event_of(LOCAL_EV_CLEAR, LOCAL_RELEASE, 2));
	to_probation(&s, LOCAL_RELEASE, 2, 90);
}

TEST(the_newest_of_quarantine_stay)
{
	struct local_state s = with_good(0, 1);

	for (unsigned n = 2; n < 2 + LOCAL_MAX_QUARANTINE + 10; n++) {
		(void)on(&s, offer(LOCAL_RELEASE, n, n));
		(void)on(&s, death(LOCAL_SCRATCH_WORKER, LOCAL_RELEASE, n));
	}
	CHECK_EQ(s.n_quarantine, LOCAL_MAX_QUARANTINE);
	CHECK_EQ(number_of(s.quarantine[0].digest), 12);
	CHECK_EQ(number_of(s.quarantine[LOCAL_MAX_QUARANTINE - 1].digest), 2 + LOCAL_MAX_QUARANTINE + 9);
}

TEST(f18_no_clock_of_day_changes_what_is_armed)
{
	struct local_state s = with_good(1, 2), t = s;
	static const uint64_t now[] = { 0, 1, 5000000000, UINT64_MAX };

	for (size_t i = 0; i < countof(now) * 10; i++) {
		struct local_input in = elapsed(60);

		(void)on(&s, in);
		in.now_s = now[i % countof(now)];
		(void)on(&t, in);
		CHECK(!memcmp(&s, &t, sizeof s));
		CHECK_EQ(armed(&t, LOCAL_RELEASE), 2);
	}
}

TEST(f23_a_rollback_rehearsed_a_hundred_times_leaves_the_same_state)
{
	struct local_state s = with_good(1, 2), at[2];

	for (unsigned i = 0; i < 200; i++) {
		unsigned to = i % 2 ? 2 : 1, other = 3 - to;

		to_good(&s, LOCAL_RELEASE, to, 3 + i);
		CHECK_EQ(number_of(s.lane[LOCAL_RELEASE].lkg1), other);
		CHECK(local_keeps(&s, dig(other)));
		if (i >= 2) {
			at[i % 2].lane[LOCAL_RELEASE].release_seq = s.lane[LOCAL_RELEASE].release_seq;
			CHECK(!memcmp(&s, &at[i % 2], sizeof s));
		}
		at[i % 2] = s;
	}
}
