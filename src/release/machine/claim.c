/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claim: releases of a channel that meet. Places are 0 (before ring 0) and ring + 1; a claim is on the next place but
 * one's own. Who moves on is waited for; who stands and waits himself gives way to what is newer.
 */
#include "release/machine/machine.h"

enum { STUCK_S = 7200 }; /* beyond the soak; longer than a gate lets a ring rest after a strike */

static bool is_alive(const struct release *r)
{
	return r->state == RELEASE_SIGNED || r->state == RELEASE_RING || r->state == RELEASE_PAUSED;
}

static uint32_t place(const struct release *r)
{
	return r->state == RELEASE_SIGNED ? 0 : r->ring + 1;
}

static uint32_t wanted(const struct release *r, const struct plan *plan)
{
	if (r->state == RELEASE_SIGNED)
		return 1;
	return release_next_ring(plan, r->ring, r->fleet) + 1;
}

/* A pause that nobody answers: what is newer need not wait for it. */
static bool is_stuck(const struct release *r, const struct plan *plan, uint64_t now_s)
{
	return r->state == RELEASE_PAUSED &&
	       (r->by_person || now_s >= r->paused_s + plan->ring[r->ring].soak_s[r->lane] + STUCK_S);
}

/* Does anything older stand in its way, so that it waits with a gate that passed? */
static bool is_waiting(const struct release *all, uint32_t n, uint32_t i, const struct plan *plan)
{
	if (all[i].state == RELEASE_SIGNED)
		return true;
	if (all[i].state != RELEASE_RING || !all[i].passed)
		return false;
	for (uint32_t k = 0; k < n; k++)
		if (is_alive(&all[k]) && all[k].number < all[i].number && place(&all[k]) > place(&all[i]) &&
		    place(&all[k]) <= wanted(&all[i], plan))
			return true;
	return false;
}

static bool gives_way(const struct release *all, uint32_t n, uint32_t k, uint32_t to, const struct plan *plan,
		      uint64_t now_s)
{
	bool overtaken = all[to].lane == PLAN_URGENT && all[k].lane == PLAN_NORMAL;

	return overtaken || is_stuck(&all[k], plan, now_s) || is_waiting(all, n, k, plan);
}

bool release_claim(const struct release *all, uint32_t n, uint32_t i, const struct plan *plan, uint64_t now_s,
		   bool *supersede)
{
	uint32_t from = place(&all[i]), to = wanted(&all[i], plan);

	for (uint32_t k = 0; k < n; k++)
		supersede[k] = false;
	for (uint32_t k = 0; k < n; k++) {
		bool newer = all[k].number > all[i].number;

		if (k == i || !is_alive(&all[k]) || place(&all[k]) < from || place(&all[k]) > to)
			continue;
		if (newer || !gives_way(all, n, k, i, plan, now_s)) {
			for (uint32_t j = 0; j < n; j++)
				supersede[j] = false;
			return false;
		}
		supersede[k] = true;
	}
	return true;
}
