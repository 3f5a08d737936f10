/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine: one table says which event is allowed in which state, and which function answers it. A state that an event
 * is not in the table for refuses it.
 */
#include "release/machine/machine.h"

enum { G_EVENT = 201, G_RESULT, G_NO_PASS, G_NOT_FREE };

static const char *const state_names[RELEASE_N_STATES] = {
	[RELEASE_DRAFT] = "draft",         [RELEASE_COMPILED] = "compiled", [RELEASE_PROVEN] = "proven",
	[RELEASE_SIGNED] = "signed",       [RELEASE_RING] = "ring",         [RELEASE_BLESSED] = "blessed",
	[RELEASE_PAUSED] = "paused",       [RELEASE_HALTED] = "halted",     [RELEASE_REVERTING] = "reverting",
	[RELEASE_WITHDRAWN] = "withdrawn", [RELEASE_ABORTED] = "aborted",   [RELEASE_SUPERSEDED] = "superseded",
};

static const char *const event_names[RELEASE_N_EVENTS] = {
	[RELEASE_EV_COMPILED] = "compiled",     [RELEASE_EV_PROVEN] = "proven",
	[RELEASE_EV_SIGNED] = "signed",         [RELEASE_EV_TICK] = "tick",
	[RELEASE_EV_PROMOTE] = "promote",       [RELEASE_EV_PAUSE] = "pause",
	[RELEASE_EV_RESUME] = "resume",         [RELEASE_EV_HALT] = "halt",
	[RELEASE_EV_REVERT] = "revert",         [RELEASE_EV_REVERTED] = "reverted",
	[RELEASE_EV_SUPERSEDED] = "superseded",
};

const char *release_state_name(enum release_state s)
{
	return (unsigned)s < RELEASE_N_STATES ? state_names[s] : "?";
}

const char *release_event_name(enum release_event e)
{
	return (unsigned)e < RELEASE_N_EVENTS ? event_names[e] : "?";
}

struct call {
	struct release *r;
	const struct gate_result *result; /* of this ring, or NULL */
	const struct plan *plan;
	uint64_t now_s;
	struct release_step *step;
	struct diag *d;
};

#define WHY(c, ...) ((void)snprintf((c)->step->why, sizeof(c)->step->why, __VA_ARGS__))

static void go(struct call *c, enum release_state to, enum release_action action)
{
	c->r->state = to;
	c->step->action = action;
}

/* Rings */

static uint32_t cutoff_of(const struct plan *plan, uint32_t ring)
{
	return ring < PLAN_RINGS ? plan->ring[ring].cutoff : UINT32_MAX;
}

static uint32_t cutoff_before(const struct plan *plan, uint32_t ring)
{
	return ring ? cutoff_of(plan, ring - 1) : 0;
}

bool release_ring_is_real(const struct plan *plan, uint32_t ring, uint64_t fleet)
{
	uint32_t share;

	if (ring == 0 || ring == PLAN_LAST)
		return true;
	if (ring > PLAN_LAST)
		return false;
	share = cutoff_of(plan, ring) - cutoff_before(plan, ring);
	return fleet > UINT32_MAX || (fleet * share) >> 32 >= 1;
}

uint32_t release_next_ring(const struct plan *plan, uint32_t ring, uint64_t fleet)
{
	for (uint32_t next = ring + 1; next <= PLAN_LAST; next++)
		if (release_ring_is_real(plan, next, fleet))
			return next;
	return PLAN_BLESSED;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

uint64_t release_ramped_s(const struct release *r, const struct plan *plan)
{
	return later(r->since_s + plan->ring[r->ring].ramp_s[r->lane],
		     r->started_s + plan_dwell_s(plan, r->ring, r->lane));
}

/* Where the ramp is: the ring's share in RELEASE_RAMP_STEPS parts, one more for each part of its time. */
static uint32_t cutoff_at(const struct release *r, const struct plan *plan, uint64_t now_s)
{
	uint64_t ramp = plan->ring[r->ring].ramp_s[r->lane], gone = now_s > r->since_s ? now_s - r->since_s : 0;
	uint32_t from = cutoff_before(plan, r->ring), to = cutoff_of(plan, r->ring);
	uint64_t step = gone >= ramp ? RELEASE_RAMP_STEPS : 1 + gone * RELEASE_RAMP_STEPS / ramp;

	return step >= RELEASE_RAMP_STEPS ? to : from + (uint32_t)((to - from) * step / RELEASE_RAMP_STEPS);
}

/* A merged ring has its first host only when the rings between are done: cutoffs below it are from there. */
static void promote(struct call *c, uint32_t ring)
{
	struct release *r = c->r;

	r->ring = ring;
	r->since_s = c->now_s;
	r->passed = false;
	r->by_person = false;
	r->cutoff = cutoff_at(r, c->plan, c->now_s);
	go(c, RELEASE_RING, RELEASE_DO_PROMOTE);
	c->step->ring = ring;
	c->step->cutoff = r->cutoff;
	c->step->opened = true;
}

/* From SIGNED. */
static FALLIBLE open_first(struct call *c)
{
	if (c->r->blocked) {
		WHY(c, "ring 0 is not free yet");
		return E_OK;
	}
	c->r->started_s = c->now_s;
	promote(c, 0);
	WHY(c, "ring 0 opens");
	return E_OK;
}

/* The one way to the next ring, and to BLESSED: its gate passed. */
static FALLIBLE open_next(struct call *c)
{
	struct release *r = c->r;
	uint32_t next = release_next_ring(c->plan, r->ring, r->fleet);

	assert(GUARD(25, c->result && c->result->verdict == GATE_PASS));
	r->passed = true;
	if (r->blocked) {
		WHY(c, "ring %u passed; what is ahead is not free yet", r->ring);
		return E_OK;
	}
	if (next == PLAN_BLESSED) {
		go(c, RELEASE_BLESSED, RELEASE_DO_BLESS);
		WHY(c, "the last ring passed");
		return E_OK;
	}
	/* Hosts of a later ring wait by their own clocks for what they cannot see merged. */
	if (c->now_s < r->started_s + plan_dwell_s(c->plan, next, r->lane)) {
		WHY(c, "ring %u passed; ring %u waits for the soaks of the rings that merged into it", r->ring, next);
		return E_OK;
	}
	promote(c, next);
	WHY(c, "ring %u opens", next);
	return E_OK;
}

static void stand_still(struct call *c, bool by_person)
{
	c->r->paused_s = c->now_s;
	c->r->by_person = by_person;
	c->r->passed = false;
	go(c, RELEASE_PAUSED, RELEASE_DO_PAUSE);
}

static void ramp_on(struct call *c)
{
	uint32_t cutoff = cutoff_at(c->r, c->plan, c->now_s);

	if (cutoff <= c->r->cutoff)
		return;
	c->r->cutoff = cutoff;
	c->step->action = RELEASE_DO_PROMOTE;
	c->step->ring = c->r->ring;
	c->step->cutoff = cutoff;
	WHY(c, "ring %u: more of its hosts", c->r->ring);
}

static FALLIBLE on_ring_tick(struct call *c)
{
	enum gate_verdict v = c->result ? c->result->verdict : GATE_PAUSE;

	WHY(c, "%s", c->result ? c->result->text : "nothing is known of this ring");
	if (v == GATE_HALT) {
		go(c, RELEASE_HALTED, RELEASE_DO_NOTHING);
	} else if (v == GATE_PAUSE) {
		stand_still(c, false);
		if (c->result && c->result->reproduce)
			c->step->action = RELEASE_DO_REPRODUCE;
	} else if (GUARD(25, v == GATE_PASS)) {
		return open_next(c);
	} else {
		c->r->passed = false;
		ramp_on(c);
	}
	return E_OK;
}

static FALLIBLE on_ring_promote(struct call *c)
{
	if (!GUARD(25, c->result && c->result->verdict == GATE_PASS))
		FAIL_ID(c->d, REJECTED, 'G', G_NO_PASS, "the gate of ring %u has not passed: %s", c->r->ring,
			c->result ? c->result->text : "nothing is known of it");
	if (c->r->blocked)
		FAIL_ID(c->d, REJECTED, 'G', G_NOT_FREE,
			"ring %u passed, but another release is in the next one, or a signature for it is missing",
			c->r->ring);
	return open_next(c);
}

/* What was paused did not count: ramp and soak go on where they were. */
static void go_on(struct call *c)
{
	uint64_t paused = c->now_s > c->r->paused_s ? c->now_s - c->r->paused_s : 0;

	c->r->since_s += paused;
	c->r->by_person = false;
	go(c, RELEASE_RING, RELEASE_DO_NOTHING);
}

static FALLIBLE on_paused_tick(struct call *c)
{
	uint64_t longest = 2 * (uint64_t)c->plan->ring[c->r->ring].soak_s[c->r->lane];
	enum gate_verdict v = c->result ? c->result->verdict : GATE_PAUSE;

	WHY(c, "%s", c->result ? c->result->text : "nothing is known of this ring");
	if (v == GATE_HALT) {
		go(c, RELEASE_HALTED, RELEASE_DO_NOTHING);
	} else if (!c->r->by_person && v != GATE_PAUSE) {
		go_on(c);
	} else if (!c->r->by_person && c->now_s >= c->r->paused_s + longest) {
		go(c, RELEASE_ABORTED, RELEASE_DO_NOTHING);
		WHY(c, "ring %u was paused for twice its soak", c->r->ring);
	} else if (c->result && c->result->reproduce) {
		c->step->action = RELEASE_DO_REPRODUCE;
	}
	return E_OK;
}

/* By a person: the soak begins again, so that what is compared is new. */
static FALLIBLE on_resume(struct call *c)
{
	uint64_t ramped;

	go_on(c);
	ramped = c->r->since_s + c->plan->ring[c->r->ring].ramp_s[c->r->lane];
	if (ramped < c->now_s)
		c->r->since_s += c->now_s - ramped;
	WHY(c, "resumed by a person; the soak of ring %u begins again", c->r->ring);
	return E_OK;
}

static FALLIBLE on_pause(struct call *c)
{
	stand_still(c, true);
	WHY(c, "paused by a person");
	return E_OK;
}

/* A person takes over a pause that a gate made. */
static FALLIBLE on_paused_pause(struct call *c)
{
	c->r->by_person = true;
	WHY(c, "paused by a person");
	return E_OK;
}

static FALLIBLE on_halt(struct call *c)
{
	go(c, RELEASE_HALTED, RELEASE_DO_NOTHING);
	WHY(c, "halted by a person");
	return E_OK;
}

static FALLIBLE on_revert(struct call *c)
{
	go(c, RELEASE_REVERTING, RELEASE_DO_REVOKE);
	WHY(c, "reverted by a person");
	return E_OK;
}

static FALLIBLE on_halted_tick(struct call *c)
{
	go(c, RELEASE_REVERTING, RELEASE_DO_REVOKE);
	WHY(c, "revoked after a halt");
	return E_OK;
}

static FALLIBLE on_reverted(struct call *c)
{
	go(c, RELEASE_WITHDRAWN, RELEASE_DO_NOTHING);
	WHY(c, "no host has it any more, or had the time");
	return E_OK;
}

static FALLIBLE on_superseded(struct call *c)
{
	go(c, RELEASE_SUPERSEDED, RELEASE_DO_NOTHING);
	WHY(c, "a newer release takes its place");
	return E_OK;
}

static FALLIBLE on_compiled(struct call *c)
{
	go(c, RELEASE_COMPILED, RELEASE_DO_NOTHING);
	return E_OK;
}

static FALLIBLE on_proven(struct call *c)
{
	go(c, RELEASE_PROVEN, RELEASE_DO_NOTHING);
	return E_OK;
}

static FALLIBLE on_signed(struct call *c)
{
	go(c, RELEASE_SIGNED, RELEASE_DO_NOTHING);
	return E_OK;
}

static FALLIBLE on_idle(struct call *c)
{
	WHY(c, "%s", release_state_name(c->r->state));
	return E_OK;
}

typedef FALLIBLE answer(struct call *c);

#define EV(name) [RELEASE_EV_##name]
static answer *const table[RELEASE_N_STATES][RELEASE_N_EVENTS] = {
	[RELEASE_DRAFT] = { EV(COMPILED) = on_compiled, EV(TICK) = on_idle, EV(SUPERSEDED) = on_superseded },
	[RELEASE_COMPILED] = { EV(PROVEN) = on_proven, EV(TICK) = on_idle, EV(SUPERSEDED) = on_superseded },
	[RELEASE_PROVEN] = { EV(SIGNED) = on_signed, EV(TICK) = on_idle, EV(SUPERSEDED) = on_superseded },
	[RELEASE_SIGNED] = { EV(TICK) = open_first, EV(SUPERSEDED) = on_superseded, EV(REVERT) = on_revert },
	[RELEASE_RING] = { EV(TICK) = on_ring_tick, EV(PROMOTE) = on_ring_promote, EV(PAUSE) = on_pause,
			   EV(HALT) = on_halt, EV(REVERT) = on_revert, EV(SUPERSEDED) = on_superseded },
	[RELEASE_PAUSED] = { EV(TICK) = on_paused_tick, EV(PAUSE) = on_paused_pause, EV(RESUME) = on_resume,
			     EV(HALT) = on_halt, EV(REVERT) = on_revert, EV(SUPERSEDED) = on_superseded },
	[RELEASE_HALTED] = { EV(TICK) = on_halted_tick, EV(REVERT) = on_revert },
	[RELEASE_REVERTING] = { EV(TICK) = on_idle, EV(REVERTED) = on_reverted },
	/* Hosts may still have these: what turns out bad is taken from them. */
	[RELEASE_BLESSED] = { EV(TICK) = on_idle, EV(HALT) = on_halt, EV(REVERT) = on_revert },
	[RELEASE_ABORTED] = { EV(TICK) = on_idle, EV(HALT) = on_halt, EV(REVERT) = on_revert },
	[RELEASE_SUPERSEDED] = { EV(TICK) = on_idle, EV(HALT) = on_halt, EV(REVERT) = on_revert },
	[RELEASE_WITHDRAWN] = { EV(TICK) = on_idle },
};
#undef EV

static FALLIBLE refuse(const struct release *r, enum release_event ev, struct diag *d)
{
	char allowed[160] = "";
	size_t at = 0;

	for (uint32_t e = 0; e < RELEASE_N_EVENTS; e++)
		if (table[r->state][e] && at < sizeof allowed)
			at += (size_t)snprintf(allowed + at, sizeof allowed - at, "%s%s", at ? ", " : "",
					       event_names[e]);
	FAIL_ID(d, REJECTED, 'G', G_EVENT, "'%s' is not for a release that is %s; it takes: %s", release_event_name(ev),
		release_state_name(r->state), allowed);
}

FALLIBLE release_on(struct release *r, enum release_event ev, const struct gate_result *result, const struct plan *plan,
		    uint64_t now_s, struct release_step *out, struct diag *d)
{
	struct release copy = *r;
	struct release_step step = {
		.action = RELEASE_DO_NOTHING, .ring = r->ring, .cutoff = r->cutoff, .from = r->state
	};
	struct call c = { &copy, result, plan, now_s, &step, d };

	if ((unsigned)ev >= RELEASE_N_EVENTS || !table[r->state][ev])
		return refuse(r, ev, d);
	if (result && result->ring != r->ring)
		FAIL_ID(d, REJECTED, 'G', G_RESULT, "the gate that was judged is of ring %u, the release is in ring %u",
			result->ring, r->ring);
	TRY(table[r->state][ev](&c));
	step.to = copy.state;
	*r = copy;
	*out = step;
	return E_OK;
}
