/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan: how a release goes through a fleet: rings, their sizes, and how long each is watched. Data, signed with the
 * root.
 *
 * Ring 0 is a group of hosts that their owners named, at most PLAN_RING0_HOSTS; rings 1 to 6 are shares of all hosts by
 * keyed hash. Pure.
 */
#ifndef SALLYPORT_RELEASE_PLAN_H
#define SALLYPORT_RELEASE_PLAN_H

#include "base/base.h"

enum {
	PLAN_RINGS = 7,
	PLAN_LAST = PLAN_RINGS - 1,
	PLAN_BLESSED = PLAN_RINGS, /* as the ring of a promotion: every ring was watched to its end */
	PLAN_RING0_HOSTS = 200,
	PLAN_MAX_S = 30 * 86400,
};

enum plan_lane { PLAN_NORMAL, PLAN_URGENT, PLAN_N_LANES };

struct plan_ring {
	uint32_t cutoff; /* hosts whose bucket is below this are in it or before it; 0 for ring 0; UINT32_MAX: all */
	uint32_t soak_s[PLAN_N_LANES]; /* at least, from the ring's last ramp step to its gate */
	uint32_t ramp_s[PLAN_N_LANES]; /* over which its hosts come, evenly */
};

struct plan {
	struct plan_ring ring[PLAN_RINGS];
	uint32_t ring0_hosts;             /* at most PLAN_RING0_HOSTS */
	uint32_t shadow_s, shadow_events; /* on each host: whichever comes first ends the shadow */
	uint32_t probation_s;             /* armed, until the content is good */
	uint32_t report_s;                /* between two health reports of a host */
};

extern const struct plan plan_default;

/* Cutoffs rise, the last is UINT32_MAX, the urgent lane is no slower than the normal one, everything in bounds.
 * E_INVALID. */
FALLIBLE plan_check(const struct plan *p, struct diag *d);
/* The ring of a host that is not in ring 0: 1 to PLAN_LAST. */
uint32_t plan_ring_of(const struct plan *p, uint32_t bucket);
/*
 * How long a host of this ring must have known a release before it may activate it, whatever it is told: the soaks of
 * all rings before. Seconds.
 */
uint64_t plan_dwell_s(const struct plan *p, uint32_t ring, enum plan_lane lane);
/* First 32 bits of BLAKE2b keyed with the release's id over the host's id. */
uint32_t plan_bucket(const uint8_t salt[16], const uint8_t agent_id[16]);
/*
 * Seconds until a host asks again: spread evenly over hosts, and anew with each attempt, so that hosts which start at
 * once do not come at once. attempt 0: the first since it started, in [0, period). Else that many failures in a row:
 * a period and up to a window of one period, which doubles with each attempt to at most 32 periods. period_s: at
 * most a day.
 */
uint32_t plan_jitter_s(const uint8_t agent_id[16], uint32_t period_s, uint32_t attempt);

#endif
