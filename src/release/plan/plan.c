/* SPDX-License-Identifier: Apache-2.0 */
#include "release/plan/plan.h"

#include <sodium.h>

enum { HOUR = 3600, MINUTE = 60 };

#define SHARE(ppm) ((uint32_t)((uint64_t)(ppm)*UINT32_MAX / 1000000))

/* Sizes and soaks of the normal lane: a ring bounds what it may hurt; the urgent lane has the same rings. */
const struct plan plan_default = {
	.ring = {
		{ 0, { 1 * HOUR, 20 * MINUTE }, { 5 * MINUTE, 2 * MINUTE } },
		{ SHARE(100), { 1 * HOUR, 20 * MINUTE }, { 180 * MINUTE, 20 * MINUTE } },
		{ SHARE(1000), { 2 * HOUR, 30 * MINUTE }, { 30 * MINUTE, 10 * MINUTE } },
		{ SHARE(10000), { 4 * HOUR, 30 * MINUTE }, { 120 * MINUTE, 15 * MINUTE } },
		{ SHARE(50000), { 6 * HOUR, 40 * MINUTE }, { 360 * MINUTE, 20 * MINUTE } },
		{ SHARE(200000), { 12 * HOUR, 40 * MINUTE }, { 240 * MINUTE, 30 * MINUTE } },
		{ UINT32_MAX, { 24 * HOUR, 60 * MINUTE }, { 24 * HOUR, 60 * MINUTE } },
	},
	.ring0_hosts = PLAN_RING0_HOSTS,
	.shadow_s = 600,
	.shadow_events = 10000,
	.probation_s = 24 * HOUR,
	.report_s = 300,
};

static FALLIBLE check_ring(const struct plan *p, uint32_t i, struct diag *d)
{
	const struct plan_ring *r = &p->ring[i];

	for (uint32_t lane = 0; lane < PLAN_N_LANES; lane++)
		if (!r->soak_s[lane] || r->soak_s[lane] > PLAN_MAX_S || r->ramp_s[lane] > PLAN_MAX_S)
			FAIL(d, INVALID,
			     "plan: ring %u soaks %u s and ramps %u s; a soak is 1 to %d s, a ramp at most that", i,
			     r->soak_s[lane], r->ramp_s[lane], PLAN_MAX_S);
	if (r->soak_s[PLAN_URGENT] > r->soak_s[PLAN_NORMAL])
		FAIL(d, INVALID, "plan: ring %u is watched longer in the urgent lane than in the normal one", i);
	if (i ? r->cutoff <= p->ring[i - 1].cutoff : r->cutoff != 0)
		FAIL(d, INVALID, "plan: ring %u is not larger than the one before, or ring 0 has a share of its own",
		     i);
	return E_OK;
}

FALLIBLE plan_check(const struct plan *p, struct diag *d)
{
	for (uint32_t i = 0; i < PLAN_RINGS; i++)
		TRY(check_ring(p, i, d));
	if (p->ring[PLAN_LAST].cutoff != UINT32_MAX)
		FAIL(d, INVALID, "plan: the last ring is not all hosts");
	if (!p->ring0_hosts || p->ring0_hosts > PLAN_RING0_HOSTS)
		FAIL(d, INVALID, "plan: ring 0 of %u hosts; 1 to %d", p->ring0_hosts, PLAN_RING0_HOSTS);
	if (!p->shadow_s || p->shadow_s > PLAN_MAX_S || !p->shadow_events || !p->probation_s ||
	    p->probation_s > PLAN_MAX_S || !p->report_s || p->report_s > 86400)
		FAIL(d, INVALID, "plan: shadow %u s or %u events, probation %u s, reports every %u s", p->shadow_s,
		     p->shadow_events, p->probation_s, p->report_s);
	return E_OK;
}

uint32_t plan_ring_of(const struct plan *p, uint32_t bucket)
{
	for (uint32_t i = 1; i < PLAN_LAST; i++)
		if (bucket < p->ring[i].cutoff)
			return i;
	return PLAN_LAST;
}

uint64_t plan_dwell_s(const struct plan *p, uint32_t ring, enum plan_lane lane)
{
	uint64_t s = 0;

	for (uint32_t i = 0; i < ring && i < PLAN_RINGS; i++)
		s += p->ring[i].soak_s[lane];
	return s;
}

uint32_t plan_bucket(const uint8_t salt[16], const uint8_t agent_id[16])
{
	uint8_t hash[16];

	static_assert(sizeof hash == crypto_generichash_BYTES_MIN, "the shortest that there is");
	(void)crypto_generichash(hash, sizeof hash, agent_id, 16, salt, 16);
	return (uint32_t)hash[0] | (uint32_t)hash[1] << 8 | (uint32_t)hash[2] << 16 | (uint32_t)hash[3] << 24;
}

uint32_t plan_jitter_s(const uint8_t agent_id[16], uint32_t period_s, uint32_t attempt)
{
	const uint8_t salt[16] = { 'j', (uint8_t)attempt, (uint8_t)(attempt >> 8), (uint8_t)(attempt >> 16),
				   (uint8_t)(attempt >> 24) };
	uint32_t doublings = attempt < 6 ? attempt : 6;
	uint64_t window = (uint64_t)period_s << (doublings ? doublings - 1 : 0);
	uint64_t spread = window * plan_bucket(salt, agent_id) >> 32;

	if (GUARD(17, period_s == 0))
		return 0;
	return (uint32_t)(attempt ? period_s + spread : spread);
}
