/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint: all conditions of one activation, judged together. */
#include "release/endpoint/internal.h"

#define BIT(check) (1u << (check))
/* What time alone can mend. */
#define TIMELY (BIT(CHECK_NOT_BEFORE) | BIT(CHECK_DWELL) | BIT(CHECK_HOLD) | BIT(CHECK_WINDOW))

static uint32_t own_ring(const struct plan *plan, const struct policy *p, uint32_t bucket)
{
	uint32_t ring = p->ring0 ? 0 : plan_ring_of(plan, bucket);

	if (p->critical || p->first_ring > PLAN_LAST)
		return PLAN_LAST;
	return ring < p->first_ring ? p->first_ring : ring;
}

uint32_t endpoint_own_ring(const struct plan *plan, const struct policy *p, const struct endpoint_host *h,
			   const uint8_t release[16])
{
	return own_ring(plan, p, plan_bucket(release, h->agent_id));
}

void endpoint_measure(const struct plan *plan, const struct policy *p, const struct endpoint_host *h,
		      const struct endpoint_known *k, struct endpoint_measure *out)
{
	enum plan_lane lane = k->lane == PLAN_URGENT ? PLAN_URGENT : PLAN_NORMAL;
	uint64_t open;

	out->bucket = plan_bucket(k->release, h->agent_id);
	out->own = own_ring(plan, p, out->bucket);
	out->dwell_s = h->fresh && k->blessed ? 0 : plan_dwell_s(plan, out->own, lane);
	out->hold_s = lane == PLAN_URGENT ? p->urgent_hold_s : p->hold_s;
	open = k->open_dwell_s[out->own];
	out->hold_from_s = open > out->dwell_s ? open : out->dwell_s;
}

/*
 * An earlier ring than the promotion's is open whole; the host's own as far as it ramped. Whatever cutoff is signed,
 * the plan's decided which ring is the host's own.
 */
bool endpoint_ring_is_open(const struct endpoint_known *k, const struct endpoint_measure *m)
{
	if (k->ring != m->own)
		return k->ring > m->own;
	return m->own == 0 || m->bucket < k->cutoff || k->cutoff == UINT32_MAX;
}

bool endpoint_is_valid(const struct endpoint_known *k, int64_t now_s)
{
	return now_s >= 0 && (uint64_t)now_s >= k->not_before && (uint64_t)now_s < k->expires;
}

static uint64_t add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* How long until the dwell is this; UINT64_MAX: it has no such value yet. */
static uint64_t until(const struct endpoint_known *k, uint64_t dwell_s)
{
	return dwell_s == UINT64_MAX ? UINT64_MAX : dwell_s > k->dwell_s ? dwell_s - k->dwell_s : 0;
}

uint64_t endpoint_hold_wait_s(const struct endpoint_known *k, const struct endpoint_measure *m)
{
	return m->hold_s ? until(k, add(m->hold_from_s, m->hold_s)) : 0;
}

static uint32_t failed_facts(const struct endpoint_host *h, const struct endpoint_known *k,
			     const struct endpoint_facts *f)
{
	uint64_t floor = h->security_floor > k->security_floor ? h->security_floor : k->security_floor;
	uint32_t failed = 0;

	failed |= f->signatures ? 0 : BIT(CHECK_SIGNATURES);
	failed |= f->sequence ? 0 : BIT(CHECK_SEQUENCE);
	failed |= f->revoked ? BIT(CHECK_REVOKED) : 0;
	failed |= GUARD(10, !f->quarantined) ? 0 : BIT(CHECK_QUARANTINE);
	failed |= f->bundle_floor >= floor ? 0 : BIT(CHECK_FLOOR);
	failed |= f->fits ? 0 : BIT(CHECK_FITS);
	failed |= !f->vectors_done || f->vectors ? 0 : BIT(CHECK_VECTORS);
	return failed;
}

/* The owner's word, apart from ring and budgets. */
static uint32_t failed_policy(const struct policy *p, const struct endpoint_known *k, const struct endpoint_facts *f,
			      const struct endpoint_measure *m, int64_t now_s)
{
	uint32_t failed = 0;

	failed |= GUARD(12, !p->paused) ? 0 : BIT(CHECK_PAUSE);
	failed |= GUARD(12, !strncmp(p->channel, k->channel, sizeof p->channel)) ? 0 : BIT(CHECK_CHANNEL);
	failed |= GUARD(12, !p->pinned || !memcmp(p->pin, k->digest, sizeof p->pin)) ? 0 : BIT(CHECK_PIN);
	failed |= GUARD(12, f->newer >= p->lag) ? 0 : BIT(CHECK_LAG);
	failed |= GUARD(12, !endpoint_hold_wait_s(k, m)) ? 0 : BIT(CHECK_HOLD);
	failed |= GUARD(12, policy_open_at(p, now_s)) ? 0 : BIT(CHECK_WINDOW);
	/* Nobody has it before ring 0: there is nothing to show. */
	failed |= GUARD(12, !p->require_evidence || k->evidence_ok || !k->ring) ? 0 : BIT(CHECK_EVIDENCE);
	return failed;
}

/* Of what failed, time alone mends all: the shortest wait after which all of it may hold. */
static uint64_t wait_s(const struct policy *p, const struct endpoint_known *k, const struct endpoint_measure *m,
		       int64_t now_s)
{
	uint64_t wait = until(k, m->dwell_s), hold = endpoint_hold_wait_s(k, m);
	int64_t at, open;

	wait = hold > wait ? hold : wait;
	if (now_s < 0 || (uint64_t)now_s < k->not_before) {
		uint64_t ahead = k->not_before - (uint64_t)now_s; /* modulo 2^64: right for a negative now too */

		wait = ahead > wait ? ahead : wait;
	}
	if (wait > INT64_MAX || __builtin_add_overflow(now_s, (int64_t)wait, &at) ||
	    (at >= 0 && (uint64_t)at >= k->expires))
		return UINT64_MAX;
	open = policy_next_open(p, at);
	return open == INT64_MAX || (open >= 0 && (uint64_t)open >= k->expires) ? UINT64_MAX
										: (uint64_t)open - (uint64_t)now_s;
}

void endpoint_decide(const struct plan *plan, const struct policy *p, const struct endpoint_host *h,
		     const struct endpoint_known *k, const struct endpoint_facts *f, int64_t now_s,
		     struct endpoint_verdict *out)
{
	struct endpoint_measure m;
	uint32_t failed;

	endpoint_measure(plan, p, h, k, &m);
	failed = failed_facts(h, k, f) | failed_policy(p, k, f, &m, now_s);
	failed |= endpoint_is_valid(k, now_s) ? 0 : BIT(CHECK_NOT_BEFORE);
	failed |= GUARD(6, endpoint_ring_is_open(k, &m)) ? 0 : BIT(CHECK_RING);
	failed |= GUARD(6, k->dwell_s >= m.dwell_s) ? 0 : BIT(CHECK_DWELL);
	out->go = !failed;
	out->failed = failed;
	out->ring = m.own;
	out->wait_s = !failed ? 0 : failed & ~TIMELY ? UINT64_MAX : wait_s(p, k, &m, now_s);
}
