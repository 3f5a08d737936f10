/* SPDX-License-Identifier: Apache-2.0 */
/* internal: the parts of simulate among themselves. */
#ifndef SALLYPORT_RELEASE_SIMULATE_INTERNAL_H
#define SALLYPORT_RELEASE_SIMULATE_INTERNAL_H

#include "release/simulate/rng.h"
#include "release/simulate/simulate.h"

enum {
	SIMULATE_TICK_S = 60,
	SIMULATE_HORIZON_S = 40 * 86400,
	SIMULATE_TICKS = SIMULATE_HORIZON_S / SIMULATE_TICK_S,
	SIMULATE_SHOWS_S = 300,        /* mean until a fault shows that is not latent */
	SIMULATE_BLIND_S = 2,          /* without a worker, until last-known-good content is back: the bar */
	SIMULATE_DECISIONS = 12000000, /* of endpoint_decide(): beyond, one host stands for SIMULATE_STRIDE */
	SIMULATE_STRIDE = 1024,
	SIMULATE_TRIALS = 300,
};

/*
 * Hosts in the order in which they may activate: those of ring 0, then by bucket. A host's number is in the low half,
 * its bucket in the high one.
 */
struct fleet {
	uint64_t n, ring0;
	uint64_t *host;
	uint64_t end[PLAN_RINGS]; /* first position that is in no ring up to this */
	uint8_t release[16];
};
FALLIBLE fleet_init(struct fleet *f, const struct simulate_opts *o, struct diag *d);
void fleet_done(struct fleet *f);
/* First position whose host is not below the cutoff (UINT32_MAX: all hosts). */
uint64_t fleet_limit(const struct fleet *f, uint32_t ring, uint32_t cutoff);
void fleet_agent_id(uint64_t host, uint8_t out[OBJECT_AGENT_ID_BYTES]);

/* What one trial came to. */
struct trial {
	enum release_state end;
	uint32_t ring;  /* in which it ended */
	uint64_t end_s; /* since ring 0 opened */
	uint64_t exposed, lost;
	uint64_t opened_s[PLAN_RINGS]; /* UINT64_MAX: never */
	uint64_t ring_exposed[PLAN_RINGS], ring_lost[PLAN_RINGS];
	uint32_t pauses[PLAN_RINGS];
	uint64_t decisions, bulk;
	uint64_t point_exposed[SIMULATE_POINTS], point_lost[SIMULATE_POINTS];
};
/* reports: SIMULATE_TICKS counters, for the trial's own use. budget: of decisions. */
FALLIBLE trial_run(const struct simulate_opts *o, const struct fleet *f, struct rng *rng, uint32_t *reports,
		   uint64_t budget, struct trial *out, struct diag *d);
/* Moments of the chart, even in logarithm from a minute to the horizon of a plan. */
double trial_point_s(const struct plan *plan, enum plan_lane lane, uint32_t i);

#endif
