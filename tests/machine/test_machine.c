/* SPDX-License-Identifier: Apache-2.0 */
/* machine: no sequence of events skips a ring, opens one that no gate opened, or brings back what was given up. */
#include "test.h"

#include "release/machine/machine.h"
#include "release/simulate/rng.h"

static const enum gate_verdict verdicts[] = { GATE_WAIT, GATE_PASS, GATE_PAUSE, GATE_HALT };
enum { NO_RESULT = 4, N_RESULTS = 5, FLEET = 8500000, T0 = 1000000 };

static struct gate_result result_of(uint32_t ring, uint32_t v)
{
	return (struct gate_result){ .ring = ring, .verdict = v < NO_RESULT ? verdicts[v] : GATE_WAIT };
}

static struct release fresh(enum release_state state)
{
	return (struct release){ .state = state, .fleet = FLEET, .number = 1 };
}

static enum err step(struct release *r, enum release_event ev, uint32_t v, uint64_t now_s, struct release_step *out)
{
	struct gate_result result = result_of(r->ring, v);

	return release_on(r, ev, v == NO_RESULT ? NULL : &result, &plan_default, now_s, out, NULL);
}

static bool is_over(enum release_state s)
{
	return s == RELEASE_HALTED || s == RELEASE_REVERTING || s == RELEASE_WITHDRAWN || s == RELEASE_ABORTED ||
	       s == RELEASE_SUPERSEDED || s == RELEASE_BLESSED;
}

/* What holds of every step, whatever the sequence. passed: a gate of the ring passed in this step. */
static void check_step(const struct release *before, const struct release *after, enum release_event ev, uint32_t v,
		       const struct release_step *s)
{
	bool passed = v < NO_RESULT && verdicts[v] == GATE_PASS && (ev == RELEASE_EV_TICK || ev == RELEASE_EV_PROMOTE);
	bool was_in = before->state == RELEASE_RING || before->state == RELEASE_PAUSED;

	if (s->action == RELEASE_DO_PROMOTE) {
		CHECK_EQ(after->state, RELEASE_RING);
		CHECK_EQ(s->ring, after->ring);
		CHECK(s->cutoff <= plan_default.ring[s->ring].cutoff);
		CHECK(s->ring == 0 || s->cutoff > plan_default.ring[s->ring - 1].cutoff);
		CHECK(!before->blocked || s->ring == before->ring);
	}
	if (was_in && after->ring != before->ring) {
		CHECK_EQ(before->state, RELEASE_RING);
		CHECK_EQ(after->ring, before->ring + 1);
		CHECK(passed);
	}
	CHECK(was_in || after->ring == before->ring);
	if (after->state == RELEASE_BLESSED && before->state != RELEASE_BLESSED)
		CHECK(passed && before->state == RELEASE_RING && before->ring == PLAN_LAST);
	if (is_over(before->state)) {
		CHECK(is_over(after->state));
		CHECK(s->action != RELEASE_DO_PROMOTE && s->action != RELEASE_DO_BLESS);
	}
	if (before->state == RELEASE_PAUSED && before->by_person && after->state == RELEASE_RING)
		CHECK_EQ(ev, RELEASE_EV_RESUME);
	CHECK(after->cutoff >= before->cutoff);
}

/* Every event with every result, blocked and not, after every sequence up to a length. */
static void all_sequences(const struct release *r, uint32_t depth, uint64_t now_s)
{
	if (!depth)
		return;
	for (uint32_t ev = 0; ev < RELEASE_N_EVENTS; ev++)
		for (uint32_t v = 0; v < N_RESULTS; v++)
			for (uint32_t blocked = 0; blocked < 2; blocked++) {
				struct release before = *r, after;
				struct release_step s;

				if (v && ev != RELEASE_EV_TICK && ev != RELEASE_EV_PROMOTE)
					continue;
				before.blocked = blocked;
				after = before;
				if (step(&after, (enum release_event)ev, v, now_s, &s) != E_OK) {
					CHECK_EQ(memcmp(&after, &before, sizeof after), 0);
					continue;
				}
				CHECK_EQ(s.from, before.state);
				CHECK_EQ(s.to, after.state);
				check_step(&before, &after, (enum release_event)ev, v, &s);
				all_sequences(&after, depth - 1, now_s + 1800);
			}
}

TEST(no_sequence_of_events_skips_a_ring_or_a_gate)
{
	for (uint32_t from = 0; from < RELEASE_N_STATES; from++)
		for (uint32_t ring = 0; ring < PLAN_RINGS; ring++) {
			struct release r = fresh((enum release_state)from);

			r.ring = ring;
			r.cutoff = plan_default.ring[ring].cutoff;
			r.started_s = T0;
			r.since_s = r.paused_s = T0 + 100000;
			if (from <= RELEASE_SIGNED && ring)
				continue;
			if (from <= RELEASE_SIGNED)
				r.cutoff = 0;
			all_sequences(&r, 3, T0 + 400000);
		}
}

TEST(long_random_lives_skip_nothing_either)
{
	struct rng rng = { 77 };
	uint32_t blessed = 0, deep = 0;

	for (uint32_t life = 0; life < 20000; life++) {
		struct release r = fresh(RELEASE_DRAFT);
		uint64_t now_s = T0;

		for (uint32_t i = 0; i < 120; i++) {
			uint64_t dice = rng_u64(&rng);
			/* Mostly time that goes by well, so that lives are long. */
			enum release_event ev =
				dice % 8 ? RELEASE_EV_TICK : (enum release_event)(dice / 8 % RELEASE_N_EVENTS);
			uint32_t v = dice >> 32 & 7 ? 1 : (uint32_t)(dice >> 40) % N_RESULTS;
			struct release before;
			struct release_step s;

			r.blocked = dice >> 50 & 1;
			before = r;
			now_s += dice >> 20 & 0x3fff;
			if (r.state < RELEASE_SIGNED && dice % 3)
				ev = (enum release_event)r.state;
			if (step(&r, ev, v, now_s, &s) == E_OK)
				check_step(&before, &r, ev, v, &s);
			deep += r.ring >= 3;
			blessed += r.state == RELEASE_BLESSED;
		}
	}
	CHECK(deep > 1000 && blessed > 100);
}

TEST(f25_no_cutoff_without_evidence_of_the_ring_before)
{
	static const enum release_event events[] = { RELEASE_EV_TICK, RELEASE_EV_PROMOTE };

	for (uint32_t lane = 0; lane < PLAN_N_LANES; lane++)
		for (uint32_t ring = 0; ring < PLAN_RINGS; ring++)
			for (uint32_t e = 0; e < countof(events); e++)
				for (uint32_t v = 0; v < N_RESULTS; v++) {
					struct release r = fresh(RELEASE_RING);
					struct release_step s;
					uint64_t late = T0 + (uint64_t)PLAN_MAX_S * 10;

					r.ring = ring;
					r.lane = (enum plan_lane)lane;
					r.cutoff = plan_default.ring[ring].cutoff;
					if (step(&r, events[e], v, late, &s) == E_OK && v != 1) {
						CHECK_EQ(r.ring, ring);
						CHECK(s.action != RELEASE_DO_BLESS);
						CHECK(r.cutoff <= plan_default.ring[ring].cutoff);
					}
				}
}

/* A gate of another ring is evidence of nothing. */
TEST(a_result_of_another_ring_is_refused)
{
	struct release r = fresh(RELEASE_RING);
	struct gate_result result = result_of(1, 1);
	struct release_step s;

	r.ring = 2;
	CHECK_EQ(release_on(&r, RELEASE_EV_TICK, &result, &plan_default, T0, &s, NULL), E_REJECTED);
}

static struct release in_ring(uint32_t ring)
{
	struct release r = fresh(RELEASE_RING);

	r.ring = ring;
	r.cutoff = ring ? plan_default.ring[ring - 1].cutoff + 1 : 0;
	r.since_s = r.started_s = T0;
	return r;
}

TEST(a_ring_ramps_in_even_steps_while_its_gate_waits)
{
	struct release r = in_ring(5);
	uint32_t ramp = plan_default.ring[5].ramp_s[0], steps = 0, from = plan_default.ring[4].cutoff;
	uint32_t width = plan_default.ring[5].cutoff - from;
	struct release_step s;

	for (uint32_t t = 0; t <= ramp; t += 60) {
		CHECK_OK(step(&r, RELEASE_EV_TICK, 0, T0 + t, &s));
		steps += s.action == RELEASE_DO_PROMOTE;
		CHECK(r.cutoff - from <= width / RELEASE_RAMP_STEPS + (uint32_t)((uint64_t)width * t / ramp) + 1);
	}
	CHECK_EQ(steps, RELEASE_RAMP_STEPS);
	CHECK_EQ(r.cutoff, plan_default.ring[5].cutoff);
	CHECK_EQ(release_ramped_s(&r, &plan_default), T0 + plan_dwell_s(&plan_default, 5, PLAN_NORMAL));
}

TEST(ramps_stand_still_while_paused)
{
	struct release r = in_ring(3);
	uint64_t ramped;
	struct release_step s;

	r.started_s = 0;
	ramped = release_ramped_s(&r, &plan_default);
	CHECK_OK(step(&r, RELEASE_EV_TICK, 2, T0 + 600, &s));
	CHECK_EQ(r.state, RELEASE_PAUSED);
	CHECK_EQ(s.action, RELEASE_DO_PAUSE);
	CHECK_OK(step(&r, RELEASE_EV_TICK, 2, T0 + 1200, &s));
	CHECK_EQ(r.state, RELEASE_PAUSED);
	CHECK_OK(step(&r, RELEASE_EV_TICK, 0, T0 + 4200, &s));
	CHECK_EQ(r.state, RELEASE_RING);
	CHECK_EQ(s.action, RELEASE_DO_NOTHING);
	CHECK_EQ(release_ramped_s(&r, &plan_default), ramped + 3600);
}

TEST(who_pauses_resumes)
{
	struct release r = in_ring(2);
	uint32_t soak = plan_default.ring[2].soak_s[0];
	struct release_step s;

	CHECK_OK(step(&r, RELEASE_EV_PAUSE, NO_RESULT, T0, &s));
	for (uint32_t v = 0; v < 3; v++)
		CHECK_OK(step(&r, RELEASE_EV_TICK, v, T0 + 100 * soak, &s));
	CHECK_EQ(r.state, RELEASE_PAUSED);
	CHECK_OK(step(&r, RELEASE_EV_RESUME, NO_RESULT, T0 + 101 * soak, &s));
	CHECK_EQ(r.state, RELEASE_RING);
	/* The soak begins again. */
	CHECK(release_ramped_s(&r, &plan_default) >= T0 + 101 * soak);
	/* A pause of the gate's that a person takes over is theirs. */
	CHECK_OK(step(&r, RELEASE_EV_TICK, 2, T0, &s));
	CHECK_OK(step(&r, RELEASE_EV_PAUSE, NO_RESULT, T0, &s));
	CHECK_OK(step(&r, RELEASE_EV_TICK, 1, T0 + 100 * soak, &s));
	CHECK_EQ(r.state, RELEASE_PAUSED);
	/* Harm halts it all the same. */
	CHECK_OK(step(&r, RELEASE_EV_TICK, 3, T0 + 100 * soak, &s));
	CHECK_EQ(r.state, RELEASE_HALTED);
}

TEST(what_nobody_answers_is_given_up_after_twice_the_soak)
{
	struct release r = in_ring(1);
	uint32_t soak = plan_default.ring[1].soak_s[0];
	struct release_step s;

	CHECK_OK(step(&r, RELEASE_EV_TICK, NO_RESULT, T0, &s));
	CHECK_EQ(r.state, RELEASE_PAUSED);
	CHECK_OK(step(&r, RELEASE_EV_TICK, NO_RESULT, T0 + 2 * soak - 1, &s));
	CHECK_EQ(r.state, RELEASE_PAUSED);
	CHECK_OK(step(&r, RELEASE_EV_TICK, NO_RESULT, T0 + 2 * soak, &s));
	CHECK_EQ(r.state, RELEASE_ABORTED);
}

TEST(harm_is_revoked_and_withdrawn)
{
	struct release r = in_ring(1);
	struct release_step s;

	CHECK_OK(step(&r, RELEASE_EV_TICK, 3, T0, &s));
	CHECK_EQ(r.state, RELEASE_HALTED);
	CHECK_OK(step(&r, RELEASE_EV_TICK, NO_RESULT, T0, &s));
	CHECK_EQ(s.action, RELEASE_DO_REVOKE);
	CHECK_EQ(r.state, RELEASE_REVERTING);
	CHECK_OK(step(&r, RELEASE_EV_REVERTED, NO_RESULT, T0, &s));
	CHECK_EQ(r.state, RELEASE_WITHDRAWN);
}

TEST(a_strike_asks_for_the_scratch_worker_until_it_answers)
{
	struct release r = in_ring(0);
	struct gate_result result = { .verdict = GATE_PAUSE, .reproduce = true };
	struct release_step s;

	for (uint32_t i = 0; i < 3; i++) {
		CHECK_OK(release_on(&r, RELEASE_EV_TICK, &result, &plan_default, T0 + i, &s, NULL));
		CHECK_EQ(r.state, RELEASE_PAUSED);
		CHECK_EQ(s.action, RELEASE_DO_REPRODUCE);
	}
}

static uint64_t time_to_bless(enum plan_lane lane, uint64_t fleet, uint32_t *rings)
{
	struct release r = fresh(RELEASE_SIGNED);
	uint64_t now_s = T0;
	uint32_t last = UINT32_MAX;

	r.lane = lane;
	r.fleet = fleet;
	*rings = 0;
	for (; r.state != RELEASE_BLESSED && now_s < T0 + PLAN_MAX_S; now_s += 10) {
		bool soaked = r.state == RELEASE_RING &&
			      now_s >= release_ramped_s(&r, &plan_default) + plan_default.ring[r.ring].soak_s[lane];
		struct release_step s;

		CHECK_OK(step(&r, RELEASE_EV_TICK, soaked, now_s, &s));
		/* No host would wait longer than its ring does. */
		if (r.ring != last)
			CHECK(now_s - T0 >= plan_dwell_s(&plan_default, r.ring, lane));
		*rings += r.ring != last;
		last = r.ring;
	}
	return now_s - T0;
}

TEST(the_urgent_lane_is_faster_and_has_the_same_rings)
{
	uint32_t normal, urgent;
	uint64_t slow = time_to_bless(PLAN_NORMAL, FLEET, &normal), fast = time_to_bless(PLAN_URGENT, FLEET, &urgent);

	CHECK_EQ(normal, PLAN_RINGS);
	CHECK_EQ(urgent, PLAN_RINGS);
	CHECK(fast * 4 < slow);
}

TEST(rings_smaller_than_a_host_merge_and_their_soaks_are_waited_for)
{
	static const uint64_t fleets[] = { 1, 10, 1000, 100000, 8500000 };
	static const uint32_t rings[] = { 2, 3, 5, 7, 7 };

	for (uint32_t i = 0; i < countof(fleets); i++) {
		uint32_t n;

		(void)time_to_bless(PLAN_NORMAL, fleets[i], &n);
		CHECK_EQ(n, rings[i]);
	}
	CHECK(release_ring_is_real(&plan_default, 0, 0) && release_ring_is_real(&plan_default, PLAN_LAST, 0));
	CHECK(!release_ring_is_real(&plan_default, 1, 9999));
	CHECK(release_ring_is_real(&plan_default, 1, 10001));
	CHECK(!release_ring_is_real(&plan_default, PLAN_BLESSED, FLEET));
}

TEST(what_is_not_allowed_says_what_is)
{
	struct release r = fresh(RELEASE_WITHDRAWN);
	struct release_step s;
	struct diag d;

	diag_init(&d);
	CHECK_EQ(release_on(&r, RELEASE_EV_PROMOTE, NULL, &plan_default, T0, &s, &d), E_REJECTED);
	CHECK_EQ(d.id, 201);
	CHECK_STR(d.text, "'promote' is not for a release that is withdrawn; it takes: tick");
	r = in_ring(1);
	CHECK_EQ(release_on(&r, RELEASE_EV_PROMOTE, NULL, &plan_default, T0, &s, &d), E_REJECTED);
	CHECK_EQ(d.id, 203);
	CHECK_STR(release_state_name(RELEASE_SUPERSEDED), "superseded");
	CHECK_STR(release_event_name(RELEASE_N_EVENTS), "?");
}
