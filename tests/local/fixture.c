/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

enum { MAX_CONTENT = 200 };

struct view content_bytes(unsigned n)
{
	static char text[MAX_CONTENT][24];

	assert(n < MAX_CONTENT);
	(void)snprintf(text[n], sizeof text[n], "content %u", n);
	return view_of(text[n], strlen(text[n]));
}

const uint8_t *dig(unsigned n)
{
	static uint8_t digest[MAX_CONTENT][OBJECT_DIGEST_BYTES];

	if (n && !digest[n][0] && !digest[n][1])
		object_digest(content_bytes(n), digest[n]);
	return digest[n];
}

unsigned number_of(const uint8_t *digest)
{
	for (unsigned n = 0; n < MAX_CONTENT; n++)
		if (!memcmp(digest, dig(n), OBJECT_DIGEST_BYTES))
			return n;
	return MAX_CONTENT;
}

struct local_input event(enum local_event e)
{
	return (struct local_input){ .event = e, .now_s = 1000, .hooks_bulk = BULK, .hooks_essential = ESSENTIAL };
}

struct local_input event_of(enum local_event e, enum local_lane lane, unsigned n)
{
	struct local_input in = event(e);

	in.lane = lane;
	memcpy(in.digest, dig(n), sizeof in.digest);
	return in;
}

struct local_input offer(enum local_lane lane, unsigned n, uint64_t seq)
{
	struct local_input in = event_of(LOCAL_EV_OFFER, lane, n);

	in.release_seq = seq;
	return in;
}

struct local_input start(unsigned boot)
{
	struct local_input in = event(LOCAL_EV_START);

	in.boot[0] = (uint8_t)boot;
	in.boot[1] = 1;
	return in;
}

struct local_input attach(uint32_t hooks)
{
	struct local_input in = event(LOCAL_EV_ATTACH);

	in.hooks = hooks;
	return in;
}

struct local_input elapsed(uint64_t s)
{
	struct local_input in = event(LOCAL_EV_TIME);

	in.elapsed_s = s;
	return in;
}

struct local_input death(enum local_worker w, enum local_lane lane, unsigned n)
{
	struct local_input in = event_of(LOCAL_EV_DEATH, lane, n);

	in.worker = w;
	in.cause = CAUSE_CRASH;
	in.signal = 11;
	(void)snprintf(in.rule, sizeof in.rule, "the rule");
	return in;
}

enum err on_err(struct local_state *s, struct local_input in)
{
	struct local_output out;
	struct diag d;

	diag_init(&d);
	return local_on(s, &plan_default, &in, &out, &d);
}

struct local_output on(struct local_state *s, struct local_input in)
{
	struct local_output out = { 0 };
	struct diag d;

	diag_init(&d);
	if (local_on(s, &plan_default, &in, &out, &d) != E_OK)
		print_error("event %d: %s\n", in.event, d.text);
	CHECK_EQ(d.err, E_OK);
	return out;
}

void to_probation(struct local_state *s, enum local_lane lane, unsigned n, uint64_t seq)
{
	struct local_output o = on(s, offer(lane, n, seq));

	CHECK_EQ(o.todo & (LOCAL_DO_WRITE | LOCAL_DO_NO_DISK), LOCAL_DO_WRITE);
	CHECK(o.lane_do[lane] & LOCAL_DO_SCRATCH);
	o = on(s, event_of(LOCAL_EV_TESTED, lane, n));
	CHECK_EQ(o.todo & (LOCAL_DO_WRITE | LOCAL_DO_NO_DISK), LOCAL_DO_WRITE);
	CHECK(o.lane_do[lane] & LOCAL_DO_SHADOW);
	o = on(s, event_of(LOCAL_EV_SHADOWED, lane, n));
	CHECK_EQ(o.todo & (LOCAL_DO_WRITE | LOCAL_DO_NO_DISK | LOCAL_DO_ARM), LOCAL_DO_WRITE | LOCAL_DO_ARM);
	CHECK(o.lane_do[lane] & LOCAL_DO_DROP);
	CHECK_EQ(armed(s, lane), n);
}

void pass_s(struct local_state *s, uint64_t seconds)
{
	for (; seconds > LOCAL_SAVE_S; seconds -= LOCAL_SAVE_S)
		(void)on(s, elapsed(LOCAL_SAVE_S));
	(void)on(s, elapsed(seconds));
}

void to_good(struct local_state *s, enum local_lane lane, unsigned n, uint64_t seq)
{
	to_probation(s, lane, n, seq);
	(void)on(s, event(LOCAL_EV_RESTARTED));
	pass_s(s, plan_default.probation_s);
	CHECK_EQ(number_of(s->lane[lane].lkg), n);
	CHECK_EQ(s->lane[lane].phase, LOCAL_NONE);
}

unsigned armed(const struct local_state *s, enum local_lane lane)
{
	uint8_t digest[OBJECT_DIGEST_BYTES];

	return local_armed(s, lane, digest) ? number_of(digest) : 0;
}
