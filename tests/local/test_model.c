/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every state that short plans and a few contents lead to, by every event, to a depth: what must hold in each, and over
 * each step. States are told apart by what later steps can depend on; totals, clocks and texts are left out.
 */
#include "fixture.h"

enum { CONTENTS = 4, DEPTH = 7, MAX_STATES = 8000, TABLE = 1 << 15, QUARANTINE = 8 };

static struct plan plan; /* short */

static_assert(offsetof(struct local_state, quarantine) + sizeof(((struct local_state *)0)->quarantine) ==
		      sizeof(struct local_state),
	      "the quarantine is at the end");
enum { PACKED = offsetof(struct local_state, quarantine) + QUARANTINE * sizeof(struct local_quarantine) };

static uint8_t *packed;
static uint32_t n_states, table[TABLE];

static void canonical(struct local_state *s)
{
	s->generation = s->strikes = s->unclean_boots = s->worker_deaths = s->blind_ms = s->unsaved_s = 0;
	for (uint32_t i = 0; i < s->n_quarantine; i++) {
		struct local_quarantine *q = &s->quarantine[i];

		q->cause = q->signal = 0;
		memset(q->rule, 0, sizeof q->rule);
	}
	for (uint32_t l = 0; l < LOCAL_N_LANES; l++) {
		struct local_lane_state *lane = &s->lane[l];

		lane->release_seq = 1;
		if (lane->clean_restarts > 1)
			lane->clean_restarts = 1;
		if (lane->in_phase_s > plan.probation_s)
			lane->in_phase_s = plan.probation_s;
	}
}

/* True: it is new. */
static bool remember(const struct local_state *s)
{
	uint64_t h = 0;
	uint8_t hash[OBJECT_DIGEST_BYTES];
	uint32_t at;

	object_digest(view_of(s, PACKED), hash);
	memcpy(&h, hash, sizeof h);
	for (at = h % TABLE; table[at]; at = (at + 1) % TABLE)
		if (!memcmp(packed + (size_t)(table[at] - 1) * PACKED, s, PACKED))
			return false;
	if (n_states == MAX_STATES)
		return false;
	memcpy(packed + (size_t)n_states++ * PACKED, s, PACKED);
	table[at] = n_states;
	return true;
}

static void recall(uint32_t i, struct local_state *s)
{
	memset(s, 0, sizeof *s);
	memcpy(s, packed + (size_t)i * PACKED, PACKED);
}

static bool is(const uint8_t *a, const uint8_t *b)
{
	return !memcmp(a, b, OBJECT_DIGEST_BYTES);
}

static void check_state(const struct local_state *s)
{
	static uint8_t slot[LOCAL_SLOT_BYTES];
	uint8_t digest[OBJECT_DIGEST_BYTES];
	struct local_state back;

	for (uint32_t l = 0; l < LOCAL_N_LANES; l++) {
		const struct local_lane_state *lane = &s->lane[l];

		CHECK_EQ(!number_of(lane->candidate), lane->phase == LOCAL_NONE);
		CHECK(!local_is_quarantined(s, lane->candidate));
		CHECK(!local_is_quarantined(s, lane->lkg));
		CHECK(!local_is_quarantined(s, lane->lkg1));
		CHECK(!number_of(lane->lkg1) || number_of(lane->lkg));
		CHECK(!number_of(lane->lkg) || !is(lane->lkg, lane->lkg1));
		CHECK(!number_of(lane->lkg) || !is(lane->lkg, lane->candidate));
		if (local_armed(s, l, digest)) {
			CHECK(is(digest, lane->phase == LOCAL_PROBATION ? lane->candidate : lane->lkg));
			CHECK(local_keeps(s, digest));
			CHECK(local_level(s) != LOCAL_SAFE);
		}
	}
	/* no content in both lanes */
	for (unsigned n = 1; n <= CONTENTS; n++) {
		unsigned lanes = 0;

		for (uint32_t l = 0; l < LOCAL_N_LANES; l++)
			lanes += is(s->lane[l].candidate, dig(n)) || is(s->lane[l].lkg, dig(n)) ||
				 is(s->lane[l].lkg1, dig(n));
		CHECK(lanes <= 1);
	}
	/* whatever the machine makes, a start can read */
	local_write(s, slot);
	CHECK_OK(local_read(view_of(slot, sizeof slot), &back, NULL));
	back.unsaved_s = s->unsaved_s;
	CHECK(!memcmp(s, &back, sizeof back));
}

static bool changed(const struct local_state *a, const struct local_state *b)
{
	struct local_state x = *a, y = *b;

	x.unsaved_s = y.unsaved_s = 0;
	if (memcmp(x.boot, y.boot, sizeof x.boot) || x.dirty != y.dirty || x.hooks != y.hooks ||
	    x.n_quarantine != y.n_quarantine || x.boot_strikes != y.boot_strikes || x.safe_by_hand != y.safe_by_hand)
		return true;
	for (uint32_t l = 0; l < LOCAL_N_LANES; l++)
		if (!is(x.lane[l].lkg, y.lane[l].lkg) || !is(x.lane[l].candidate, y.lane[l].candidate) ||
		    x.lane[l].phase != y.lane[l].phase || x.lane[l].level != y.lane[l].level)
			return true;
	return false;
}

static void check_good(const struct local_lane_state *was, const struct local_lane_state *is_now,
		       const struct local_input *in)
{
	bool forward = in->event == LOCAL_EV_TIME || in->event == LOCAL_EV_RESTARTED || in->event == LOCAL_EV_OFFER;

	if (is(is_now->lkg, was->lkg))
		return;
	if (!forward) {
		CHECK(is(is_now->lkg, was->lkg1));
		CHECK(in->event == LOCAL_EV_DEATH || in->event == LOCAL_EV_REFUSED || in->event == LOCAL_EV_REVOKED ||
		      in->event == LOCAL_EV_MISSING);
		return;
	}
	CHECK(is(is_now->lkg, was->candidate) && was->phase == LOCAL_PROBATION);
	CHECK(was->clean_restarts || in->event == LOCAL_EV_RESTARTED);
	CHECK(was->in_phase_s + in->elapsed_s >=
	      plan.probation_s / (in->event == LOCAL_EV_OFFER ? LOCAL_SUPERSEDED : 1));
	CHECK(is(is_now->lkg1, was->lkg));
}

static void check_step(const struct local_state *was, const struct local_state *now, const struct local_input *in,
		       const struct local_output *out)
{
	uint8_t a[OBJECT_DIGEST_BYTES] = { 0 }, b[OBJECT_DIGEST_BYTES] = { 0 };
	bool rearmed = local_level(was) != local_level(now);

	CHECK(!changed(was, now) || out->todo & LOCAL_DO_WRITE);
	for (uint32_t l = 0; l < LOCAL_N_LANES; l++) {
		bool had = local_armed(was, l, a), has = local_armed(now, l, b);

		rearmed |= had != has || (had && !is(a, b));
		check_good(&was->lane[l], &now->lane[l], in);
		/* forward only with a disk */
		if (now->lane[l].phase > was->lane[l].phase)
			CHECK(!(out->todo & LOCAL_DO_NO_DISK));
		if (was->lane[l].phase != LOCAL_NONE && !is(was->lane[l].candidate, now->lane[l].candidate) &&
		    !is(was->lane[l].candidate, now->lane[l].lkg))
			CHECK(out->lane_do[l] & LOCAL_DO_DROP);
		/* content leaves a host only by harm, by revocation or because its file is gone */
		if (number_of(was->lane[l].lkg) && !number_of(now->lane[l].lkg))
			CHECK(in->event == LOCAL_EV_REVOKED || in->event == LOCAL_EV_MISSING ||
			      (in->event == LOCAL_EV_REFUSED && was->lane[l].phase == LOCAL_PROBATION));
	}
	CHECK(!rearmed || out->todo & LOCAL_DO_ARM);
	if (local_hooks(was, ~0u) != local_hooks(now, ~0u))
		CHECK(out->todo & LOCAL_DO_HOOKS);
	if (local_level(was) == LOCAL_SAFE && local_level(now) != LOCAL_SAFE)
		CHECK(in->event == LOCAL_EV_SAFE_OFF || in->event == LOCAL_EV_SHADOWED || in->event == LOCAL_EV_TIME);
	if (was->safe_by_hand && !now->safe_by_hand)
		CHECK_EQ(in->event, LOCAL_EV_SAFE_OFF);
	if (in->event == LOCAL_EV_DEATH && in->worker == LOCAL_LIVE)
		CHECK(now->lane[0].phase != LOCAL_PROBATION || now->lane[1].phase != LOCAL_PROBATION);
	/* F10: out of quarantine by the operator alone (it does not fill up here) */
	for (uint32_t i = 0; i < was->n_quarantine; i++)
		if (!local_is_quarantined(now, was->quarantine[i].digest))
			CHECK_EQ(in->event, LOCAL_EV_CLEAR);
	/* F18: time quarantines nothing, and takes no content away */
	if (in->event == LOCAL_EV_TIME) {
		CHECK_EQ(now->n_quarantine, was->n_quarantine);
		for (uint32_t l = 0; l < LOCAL_N_LANES; l++)
			CHECK(!local_armed(was, l, a) || (local_armed(now, l, b) && is(a, b)));
	}
}

static unsigned events_of(struct local_input *in)
{
	static const enum local_event plain[] = { LOCAL_EV_STOP, LOCAL_EV_RESTARTED, LOCAL_EV_SAFE_ON,
						  LOCAL_EV_SAFE_OFF };
	static const uint64_t times[] = { 600, LOCAL_CALM_S };
	unsigned n = 0;

	for (size_t i = 0; i < countof(plain); i++)
		in[n++] = event(plain[i]);
	for (size_t i = 0; i < countof(times); i++)
		in[n++] = elapsed(times[i]);
	in[n++] = start(1);
	in[n++] = start(2);
	in[n++] = attach(ALL_HOOKS);
	in[n++] = death(LOCAL_LIVE, LOCAL_RELEASE, 0);
	for (unsigned c = 1; c <= CONTENTS; c++) {
		enum local_lane lane = c == CONTENTS ? LOCAL_OWNER : LOCAL_RELEASE;

		in[n++] = offer(lane, c, 1);
		in[n++] = event_of(LOCAL_EV_TESTED, lane, c);
		in[n++] = event_of(LOCAL_EV_SHADOWED, lane, c);
		in[n++] = event_of(LOCAL_EV_REFUSED, lane, c);
		in[n++] = event_of(LOCAL_EV_MISSING, lane, c);
		in[n++] = event_of(LOCAL_EV_REVOKED, lane, c);
		in[n++] = event_of(LOCAL_EV_CLEAR, lane, c);
		in[n++] = death(LOCAL_SHADOW_WORKER, lane, c);
		in[n++] = death(LOCAL_LIVE, lane, c);
	}
	in[n++] = offer(LOCAL_OWNER, 1, 1);
	return n;
}

/* Where the search begins: a new host, and hosts that have a history. */
static void seed(void)
{
	struct local_state s;

	local_init(&s);
	(void)remember(&s);
	to_good(&s, LOCAL_RELEASE, 1, 1);
	to_good(&s, LOCAL_RELEASE, 2, 1);
	canonical(&s);
	(void)remember(&s);
	to_good(&s, LOCAL_OWNER, 4, 1);
	to_probation(&s, LOCAL_RELEASE, 3, 1);
	canonical(&s);
	(void)remember(&s);
	for (unsigned i = 1; i < LOCAL_MAX_STRIKES; i++) {
		(void)on(&s, start(i));
		canonical(&s);
		(void)remember(&s);
	}
}

TEST(what_must_hold_does_in_every_state_that_a_few_events_lead_to)
{
	struct local_input in[64];
	unsigned n_in = events_of(in), depth = 0;
	uint64_t steps = 0;

	plan = plan_default;
	plan.probation_s = 4 * LOCAL_CALM_S;
	packed = malloc((size_t)MAX_STATES * PACKED);
	assert(packed && n_in <= countof(in));
	seed();
	for (uint32_t i = 0, end = n_states; i < n_states && depth < DEPTH; i++) {
		struct local_state was, now;

		recall(i, &was);
		for (unsigned k = 0; k < n_in; k++, steps++) {
			struct local_output out;

			now = was;
			if (local_on(&now, &plan, &in[k], &out, NULL) != E_OK) {
				CHECK(!memcmp(&was, &now, sizeof was));
				continue;
			}
			check_step(&was, &now, &in[k], &out);
			check_state(&now);
			canonical(&now);
			(void)remember(&now);
		}
		if (i + 1 == end) {
			depth++;
			end = n_states;
		}
	}
	print_message("# %u states, %llu steps, to depth %u\n", n_states, (unsigned long long)steps, depth);
	CHECK(n_states > 1000);
	free(packed);
}
