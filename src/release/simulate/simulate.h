/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simulate: a release goes through a fleet of virtual hosts in virtual time: what would a fault have cost?
 *
 * The controller is release_on() and gate_judge(), the hosts are endpoint_decide(), the rings are plan_bucket(): the
 * same code as in the field. What is modelled is the world around it: which hosts a fault hits, when it shows, how long
 * news take. A host is hit when the fault hits it and it activated the content, even if the crash comes later and
 * whether or not last-known-good content was back at once: the worst case. Nothing reproduces the fault elsewhere:
 * worst case too.
 *
 * Deterministic: the same options give the same result. Pure but for memory (below 64 bytes per host); one thread.
 */
#ifndef SALLYPORT_RELEASE_SIMULATE_H
#define SALLYPORT_RELEASE_SIMULATE_H

#include "release/endpoint/endpoint.h"
#include "release/machine/machine.h"

enum {
	SIMULATE_MAX_HOSTS = 20000000,
	SIMULATE_MAX_TRIALS = 100000,
	SIMULATE_POINTS = 96, /* of the chart */
};

struct simulate_opts {
	uint64_t hosts;
	double crash_prob; /* the fault hits this share of hosts (of the stratum); fixed per host and content */
	double latent_h;   /* mean hours until it shows; 0: 5 minutes */
	double stratum;    /* it hits only this share of hosts, none of them in ring 0; 0: all */
	double background; /* crashes per host-hour that have nothing to do with the content */
	uint32_t report_s; /* from a crash to the controller */
	uint32_t halt_s;   /* from what the controller signs to hosts, halt or promotion */
	uint32_t trials;   /* 0: as many as fit SIMULATE_DECISIONS, at most 1000 */
	uint64_t seed;
	enum plan_lane lane;
	bool attribution; /* hosts say that it was the content, else a crash is one among those of background */
	const struct plan *plan;
};
void simulate_opts_init(struct simulate_opts *o); /* 8.5 million hosts, the default plan, nothing wrong */

struct simulate_ring {
	uint64_t hosts;         /* that are in this ring and in none before */
	uint32_t opened;        /* trials in which it opened */
	uint32_t halted;        /* trials that ended in it */
	uint32_t pauses;        /* over all trials */
	double opened_s;        /* mean over those in which it opened, since ring 0 */
	double activated, lost; /* mean over all trials */
};

struct simulate_point { /* means over trials at a moment */
	double t_s, exposed, lost;
};

struct simulate_result {
	uint32_t trials, halted, blessed, aborted;
	double lost_mean;
	uint64_t lost_p50, lost_p95, lost_p99, lost_max;
	double exposed_mean;     /* hosts that activated it */
	double blind_host_hours; /* mean: of hosts without their worker until last-known-good content is back */
	double blessed_s;        /* mean of those blessed; 0: none */
	uint64_t decisions;      /* of endpoint_decide() */
	uint64_t bulk;           /* activations that were not decided one by one but counted with their neighbours */
	struct simulate_ring ring[PLAN_RINGS];
	struct simulate_point point[SIMULATE_POINTS];
	uint32_t n_points;
};

/* E_INVALID: an option out of bounds (G4xx). E_NOMEM. E_BUG: the machine refused an event. */
FALLIBLE simulate_run(const struct simulate_opts *o, struct simulate_result *out, struct diag *d);

#endif
