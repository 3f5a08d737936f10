/* SPDX-License-Identifier: Apache-2.0 */
/* simulate: many trials, and what they come to. */
#include <stdlib.h>

#include "release/simulate/internal.h"

enum { G_OPTION = 401 };

void simulate_opts_init(struct simulate_opts *o)
{
	*o = (struct simulate_opts){
		.hosts = 8500000,
		.background = 2e-6,
		.report_s = 300,
		.halt_s = 300,
		.seed = 1,
		.attribution = true,
		.plan = &plan_default,
	};
}

static bool within(double v, double low, double high)
{
	return v >= low && v <= high;
}

static FALLIBLE check(const struct simulate_opts *o, struct diag *d)
{
	if (!o->hosts || o->hosts > SIMULATE_MAX_HOSTS)
		FAIL_ID(d, INVALID, 'G', G_OPTION, "a fleet has 1 to %d hosts, not %llu", SIMULATE_MAX_HOSTS,
			(unsigned long long)o->hosts);
	if (!within(o->crash_prob, 0, 1) || !within(o->stratum, 0, 1))
		FAIL_ID(d, INVALID, 'G', G_OPTION, "probabilities and shares are 0 to 1");
	if (!within(o->latent_h, 0, 1e6) || !within(o->background, 0, 0.01))
		FAIL_ID(d, INVALID, 'G', G_OPTION,
			"a fault shows within 0 to 1e6 hours; background is 0 to 0.01 crashes per host-hour");
	if (o->report_s > 86400 || o->halt_s > 86400 || o->trials > SIMULATE_MAX_TRIALS ||
	    (unsigned)o->lane >= PLAN_N_LANES)
		FAIL_ID(d, INVALID, 'G', G_OPTION, "delays are at most a day, trials at most %d", SIMULATE_MAX_TRIALS);
	return plan_check(o->plan, d);
}

static void add(struct simulate_result *r, const struct trial *t)
{
	r->halted += t->end == RELEASE_HALTED;
	r->blessed += t->end == RELEASE_BLESSED;
	r->aborted += t->end != RELEASE_HALTED && t->end != RELEASE_BLESSED;
	r->lost_mean += (double)t->lost;
	r->exposed_mean += (double)t->exposed;
	r->blessed_s += t->end == RELEASE_BLESSED ? (double)t->end_s : 0;
	r->decisions += t->decisions;
	r->bulk += t->bulk;
	for (uint32_t i = 0; i < PLAN_RINGS; i++) {
		struct simulate_ring *ring = &r->ring[i];

		ring->opened += t->opened_s[i] != UINT64_MAX;
		ring->opened_s += t->opened_s[i] != UINT64_MAX ? (double)t->opened_s[i] : 0;
		ring->halted += t->end == RELEASE_HALTED && t->ring == i;
		ring->pauses += t->pauses[i];
		ring->activated += (double)t->ring_exposed[i];
		ring->lost += (double)t->ring_lost[i];
	}
	for (uint32_t i = 0; i < SIMULATE_POINTS; i++) {
		r->point[i].exposed += (double)t->point_exposed[i];
		r->point[i].lost += (double)t->point_lost[i];
	}
}

static int by_size(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return (a > b) - (a < b);
}

/* The least that at least this share of trials did not exceed. */
static uint64_t percentile(const uint64_t *sorted, uint32_t n, double share)
{
	uint32_t i = (uint32_t)ceil(share * n);

	return sorted[i ? i - 1 : 0];
}

static void finish(struct simulate_result *r, const struct simulate_opts *o, const struct fleet *f, uint64_t *lost)
{
	double n = r->trials;

	qsort(lost, r->trials, sizeof *lost, by_size);
	r->lost_p50 = percentile(lost, r->trials, 0.5);
	r->lost_p95 = percentile(lost, r->trials, 0.95);
	r->lost_p99 = percentile(lost, r->trials, 0.99);
	r->lost_max = lost[r->trials - 1];
	r->lost_mean /= n;
	r->exposed_mean /= n;
	r->blind_host_hours = r->lost_mean * SIMULATE_BLIND_S / 3600;
	r->blessed_s = r->blessed ? r->blessed_s / r->blessed : 0;
	for (uint32_t i = 0; i < PLAN_RINGS; i++) {
		struct simulate_ring *ring = &r->ring[i];

		ring->hosts = f->end[i] - (i ? f->end[i - 1] : 0);
		ring->opened_s = ring->opened ? ring->opened_s / ring->opened : 0;
		ring->activated /= n;
		ring->lost /= n;
	}
	r->n_points = SIMULATE_POINTS;
	for (uint32_t i = 0; i < SIMULATE_POINTS; i++) {
		r->point[i].t_s = trial_point_s(o->plan, o->lane, i);
		r->point[i].exposed /= n;
		r->point[i].lost /= n;
	}
}

static FALLIBLE run(const struct simulate_opts *o, const struct fleet *f, struct simulate_result *r, struct diag *d)
{
	uint32_t trials = o->trials ? o->trials : SIMULATE_TRIALS;
	AUTO_FREE uint32_t *reports = malloc(SIMULATE_TICKS * sizeof *reports);
	AUTO_FREE uint64_t *lost = malloc(trials * sizeof *lost);
	struct rng rng = { o->seed };

	if (!reports || !lost)
		FAIL(d, NOMEM, "no memory for %u trials", trials);
	for (; r->trials < trials; r->trials++) {
		uint64_t left = r->decisions < SIMULATE_DECISIONS ? SIMULATE_DECISIONS - r->decisions : 0;
		struct trial t;

		TRY(trial_run(o, f, &rng, reports, left, &t, d));
		lost[r->trials] = t.lost;
		add(r, &t);
	}
	finish(r, o, f, lost);
	return E_OK;
}

FALLIBLE simulate_run(const struct simulate_opts *o, struct simulate_result *out, struct diag *d)
{
	struct simulate_result r = { .trials = 0 };
	struct fleet f = { .n = 0 };
	enum err err;

	TRY(check(o, d));
	err = fleet_init(&f, o, d);
	if (err == E_OK)
		err = run(o, &f, &r, d);
	fleet_done(&f);
	if (err == E_OK)
		*out = r;
	return err;
}
