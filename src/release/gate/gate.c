/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate: each test gives a verdict, a value and the bound it is held against; the gravest verdict is the gate's.
 *
 * Tests that may be looked at again and again (strikes, boots: CUSUMs) are judged always; comparisons, which may not,
 * only when everything else has passed: what they then say opens the ring, or stops it.
 */
#include "release/gate/gate.h"

#include <math.h>

#include "release/gate/stats.h"

/*
 * Attributed strikes have next to no background: a worker that something else killed while a rule ran. Rates of
 * background are ten times what is expected of strikes, as expected of boots: false halts then stay, over all gates of
 * a release, below one in a thousand (docs/rollout.md).
 */
const struct gate_opts gate_default = {
	.strikes0 = 2e-8,
	.strikes1 = 2e-6,
	.boots0 = 2e-6,
	.boots1 = 2e-4,
	.bound = 11.512925464970229,       /* ln 1e5 */
	.boots_bound = 16.118095650958319, /* ln 1e7 */
	.reporting = 0.95,
	.exposure = 1000,
	.alpha = 1e-4,
	.alpha_pause = 1e-3,
	.min_ratio = 1.25,
	.alert_ratio = 3,
	.min_share = 0.001,
	.halt_hosts = 2,
	.drawn_cutoff = UINT32_MAX / 100,
	.hold_s = 3600,
	.min_hosts = 10,
};

enum { STALE_REPORTS = 3 }; /* nothing from anybody for so many periods: the pipe is cut */

#define WITHOUT_CONTROL 1e9 /* times the control's nothing */

static const char *const test_names[GATE_N_TESTS] = {
	[GATE_SOAK] = "soak",       [GATE_REPORTING] = "reporting", [GATE_CRASHES] = "crashes",
	[GATE_SILENCE] = "silence", [GATE_BOOTS] = "unclean boots", [GATE_REFUSED] = "refused",
	[GATE_CPU] = "CPU",         [GATE_MEMORY] = "memory",       [GATE_LOSS] = "loss",
	[GATE_ALERTS] = "alerts",   [GATE_EXPOSURE] = "exposure",   [GATE_SILENT_RULES] = "silent rules",
};

const char *gate_test_name(enum gate_test t)
{
	return (unsigned)t < GATE_N_TESTS ? test_names[t] : "?";
}

const char *gate_verdict_name(enum gate_verdict v)
{
	static const char *const names[] = { "wait", "pass", "pause", "halt" };

	return (unsigned)v < countof(names) ? names[v] : "?";
}

void gate_init(struct gate *g, const struct gate *before, uint32_t ring, enum plan_lane lane, uint64_t fleet,
	       uint64_t opened_s, uint64_t ramped_s)
{
	struct gate fresh = { .ring = ring, .lane = lane, .fleet = fleet, .opened_s = opened_s, .ramped_s = ramped_s };

	fresh.updated_s = opened_s;
	if (before) {
		memcpy(fresh.strike, before->strike, sizeof fresh.strike);
		fresh.reproduced = before->reproduced;
		fresh.dismissed_s = before->dismissed_s;
		fresh.cusum_boots = before->cusum_boots;
		fresh.unclean_boots = before->unclean_boots;
	}
	*g = fresh;
}

/* Page's CUSUM of log likelihood ratios of Poisson counts: what reached the bound stays. */
static double cusum(double s, double bound, uint32_t k, double host_hours, double l0, double l1)
{
	if (s >= bound)
		return s;
	return fmax(0, s + k * log(l1 / l0) - (l1 - l0) * host_hours);
}

void gate_observe(struct gate *g, const struct gate_opts *o, const struct gate_seen *seen, uint64_t now_s)
{
	double worse = fmax(1, seen->control_boots / o->boots0);

	for (uint32_t i = 0; i < GATE_N_STRIKES; i++) {
		struct gate_strikes *s = &g->strike[i];

		assert(seen->drawn[i] <= seen->hosts[i]);
		s->cusum = cusum(s->cusum, o->bound, seen->hosts[i], seen->host_hours, o->strikes0, o->strikes1);
		s->hosts += seen->hosts[i];
		s->drawn += seen->drawn[i];
	}
	g->cusum_boots = cusum(g->cusum_boots, o->boots_bound, seen->unclean_boots, seen->host_hours, o->boots0 * worse,
			       o->boots1 * worse);
	g->unclean_boots += seen->unclean_boots;
	g->updated_s = now_s > g->updated_s ? now_s : g->updated_s;
}

bool gate_ring_is_drawn(const struct gate_opts *o, const struct plan *plan, uint32_t ring)
{
	return ring > 0 && ring < PLAN_RINGS && plan->ring[ring].cutoff <= o->drawn_cutoff;
}

void gate_dismiss(struct gate *g, uint64_t now_s)
{
	for (uint32_t i = 0; i < GATE_N_STRIKES; i++)
		g->strike[i].dismissed = g->strike[i].hosts;
	g->dismissed_s = now_s;
}

void gate_reproduction(struct gate *g, bool died, uint64_t now_s)
{
	if (died)
		g->reproduced = true;
	else
		gate_dismiss(g, now_s);
}

static uint64_t add_s(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t soak_s(const struct gate *g, const struct plan *plan)
{
	return plan->ring[g->ring].soak_s[g->lane];
}

static bool soaked(const struct gate *g, const struct plan *plan, uint64_t now_s)
{
	return now_s >= add_s(g->ramped_s, soak_s(g, plan));
}

static void set(struct gate_result *r, enum gate_test t, enum gate_verdict v, double value, double bound)
{
	r->applies[t] = true;
	r->passed[t] = (uint8_t)v;
	r->value[t] = value;
	r->bound[t] = bound;
}

static void judge_soak(const struct gate *g, const struct plan *plan, uint64_t now_s, struct gate_result *r)
{
	uint64_t s = now_s > g->ramped_s ? now_s - g->ramped_s : 0;

	set(r, GATE_SOAK, soaked(g, plan, now_s) ? GATE_PASS : GATE_WAIT, (double)s, (double)soak_s(g, plan));
}

/* Chance put nobody into this ring: there is nothing to watch but its soak. Nobody in ring 0 is no chance. */
static bool is_empty(const struct gate *g)
{
	return g->ring > 0 && g->fleet > 0 && !g->arm.hosts;
}

/* A cut pipe pauses at once, ramps included; too few reports only when there was time for them. */
static void judge_reporting(const struct gate *g, const struct gate_opts *o, const struct plan *plan, uint64_t now_s,
			    struct gate_result *r)
{
	double share = g->arm.hosts ? (double)g->arm.reporting / (double)g->arm.hosts : is_empty(g);
	bool fresh = now_s <= add_s(g->updated_s, (uint64_t)STALE_REPORTS * plan->report_s);
	enum gate_verdict v = GATE_PASS;

	if (!GUARD(7, fresh))
		v = GATE_PAUSE;
	else if (!GUARD(7, share >= o->reporting))
		v = soaked(g, plan, now_s) ? GATE_PAUSE : GATE_WAIT;
	set(r, GATE_REPORTING, v, share, o->reporting);
}

/* Half a soak at most: two such rests end before the machine gives the release up. */
static uint64_t hold_s(const struct gate *g, const struct gate_opts *o, const struct plan *plan)
{
	uint64_t half = soak_s(g, plan) / 2;

	return o->hold_s < half ? o->hold_s : half;
}

struct strike_test {
	enum gate_strike kind;
	enum gate_test test;
};
static const struct strike_test strike_tests[GATE_N_STRIKES] = {
	{ STRIKE_CRASH, GATE_CRASHES },
	{ STRIKE_REFUSED, GATE_REFUSED },
	{ STRIKE_SILENT_RULE, GATE_SILENT_RULES },
};

static void judge_strikes(const struct gate *g, const struct gate_opts *o, const struct plan *plan,
			  const struct strike_test *st, uint64_t now_s, struct gate_result *r)
{
	enum gate_strike kind = st->kind;
	enum gate_test t = st->test;
	const struct gate_strikes *s = &g->strike[kind];
	bool asked = s->hosts > s->dismissed;
	enum gate_verdict v = GATE_PASS;

	if ((g->reproduced && (s->hosts || kind == STRIKE_CRASH)) || s->drawn >= o->halt_hosts || s->cusum >= o->bound)
		v = GATE_HALT;
	else if (asked || (s->hosts && now_s < add_s(g->dismissed_s, hold_s(g, o, plan))))
		v = GATE_PAUSE;
	r->reproduce |= asked && v == GATE_PAUSE;
	set(r, t, v, s->cusum, o->bound);
	r->effect[t] = s->hosts;
}

static void judge_boots(const struct gate *g, const struct gate_opts *o, struct gate_result *r)
{
	set(r, GATE_BOOTS, g->cusum_boots >= o->boots_bound ? GATE_HALT : GATE_PASS, g->cusum_boots, o->boots_bound);
	r->effect[GATE_BOOTS] = (double)g->unclean_boots;
}

/* The rule that was evaluated least decides. Waits for as long again as the soak. */
static void judge_exposure(const struct gate *g, const struct gate_opts *o, const struct plan *plan, uint64_t now_s,
			   struct gate_result *r)
{
	bool late = now_s >= add_s(g->ramped_s, 2 * soak_s(g, plan));
	uint64_t least = UINT64_MAX;

	for (uint32_t i = 0; i < g->n_rules; i++)
		if (g->rule[i].changed && g->rule[i].evaluated < least)
			least = g->rule[i].evaluated;
	if (least == UINT64_MAX || is_empty(g))
		return;
	set(r, GATE_EXPOSURE,
	    GUARD(14, least >= o->exposure) ? GATE_PASS
	    : late                          ? GATE_PAUSE
					    : GATE_WAIT,
	    (double)least, (double)o->exposure);
}

/* Comparisons with the control */

static const struct {
	enum gate_test test;
	size_t sample; /* offset in struct gate_arm; 0: shares of hosts */
	bool halts;
} comparisons[] = {
	{ GATE_SILENCE, 0, true },
	{ GATE_LOSS, 0, true },
	{ GATE_CPU, offsetof(struct gate_arm, cpu_ns_per_event), true },
	{ GATE_MEMORY, offsetof(struct gate_arm, memory_mib), true },
	{ GATE_ALERTS, offsetof(struct gate_arm, alerts_per_hour), false },
};
enum { N_COMPARISONS = countof(comparisons) };

static const float *sample(const struct gate_arm *a, uint32_t i)
{
	return (const float *)(const void *)((const uint8_t *)a + comparisons[i].sample);
}

/* Hosts that the plan leaves without the content while this ring soaks. */
static double outside(const struct gate *g, const struct plan *plan)
{
	return (double)g->fleet * (1 - (double)plan->ring[g->ring].cutoff / (double)UINT32_MAX);
}

/*
 * Does the hash leave so few hosts outside now and then? Counted are all that are known there, silent ones too; more
 * than four standard deviations below what the plan leaves is no chance.
 */
static bool few_by_chance(const struct gate *g, const struct gate_opts *o, const struct plan *plan)
{
	double n = outside(g, plan), inside = (double)g->fleet - n;

	return g->control.hosts < o->min_hosts &&
	       n - 4 * sqrt(n * inside / (double)(g->fleet ? g->fleet : 1)) < o->min_hosts;
}

static bool comparable(const struct gate *g, const struct gate_opts *o, const struct plan *plan)
{
	return g->arm.hosts >= o->min_hosts && outside(g, plan) >= o->min_hosts && !few_by_chance(g, o, plan);
}

static bool sampled(const struct gate *g, const struct gate_opts *o)
{
	return g->arm.n_sample >= o->min_hosts && g->control.n_sample >= o->min_hosts &&
	       g->control.reporting >= o->min_hosts;
}

static double ratio(double a, double b)
{
	if (b > 0)
		return a / b;
	return a > 0 ? INFINITY : 1;
}

static double share_of(uint64_t x, uint64_t n)
{
	return n ? (double)x / (double)n : 0;
}

struct compared {
	double p, effect;
	bool large;
};

static struct compared compare_shares(const struct gate *g, const struct gate_opts *o, enum gate_test t)
{
	const struct gate_arm *a = &g->arm, *b = &g->control;
	bool silence = t == GATE_SILENCE;
	uint64_t x = silence ? a->silent : a->lossy, n = silence ? a->hosts : a->reporting;
	uint64_t y = silence ? b->silent : b->lossy, m = silence ? b->hosts : b->reporting;
	double effect = share_of(x, n) - share_of(y, m);

	return (struct compared){ stats_shares(x, n, y, m), effect, effect >= o->min_share };
}

static struct compared compare(const struct gate *g, const struct gate_opts *o, uint32_t i)
{
	const struct gate_arm *a = &g->arm, *b = &g->control;
	enum gate_test t = comparisons[i].test;
	double effect;

	if (!comparisons[i].sample)
		return compare_shares(g, o, t);
	/* Most hosts have no alert at all: their median says nothing. */
	effect = t == GATE_ALERTS
			 ? ratio(stats_mean(sample(a, i), a->n_sample), stats_mean(sample(b, i), b->n_sample))
			 : ratio(stats_median(sample(a, i), a->n_sample), stats_median(sample(b, i), b->n_sample));
	return (struct compared){ stats_mann_whitney(sample(a, i), a->n_sample, sample(b, i), b->n_sample), effect,
				  effect >= (t == GATE_ALERTS ? o->alert_ratio : o->min_ratio) };
}

static void judge_comparisons(const struct gate *g, const struct gate_opts *o, struct gate_result *r)
{
	double p[N_COMPARISONS], level[N_COMPARISONS], pause_level[N_COMPARISONS];
	bool falls[N_COMPARISONS], pauses[N_COMPARISONS];
	struct compared c[N_COMPARISONS];

	for (uint32_t i = 0; i < N_COMPARISONS; i++) {
		c[i] = compare(g, o, i);
		p[i] = c[i].p;
	}
	stats_holm(p, N_COMPARISONS, o->alpha, level, falls);
	stats_holm(p, N_COMPARISONS, o->alpha_pause, pause_level, pauses);
	for (uint32_t i = 0; i < N_COMPARISONS; i++) {
		enum gate_test t = comparisons[i].test;
		bool fine = !(c[i].large && pauses[i]);
		enum gate_verdict v = falls[i] && comparisons[i].halts ? GATE_HALT : GATE_PAUSE;

		if (t == GATE_SILENCE ? GUARD(24, fine) : fine)
			v = GATE_PASS;
		set(r, t, v, p[i], level[i]);
		r->effect[t] = isfinite(c[i].effect) ? c[i].effect : WITHOUT_CONTROL;
	}
}

static enum gate_verdict gravest(struct gate_result *r)
{
	static const enum gate_verdict order[] = { GATE_HALT, GATE_PAUSE, GATE_WAIT };

	for (uint32_t k = 0; k < countof(order); k++)
		for (uint32_t t = 0; t < GATE_N_TESTS; t++)
			if (r->applies[t] && r->passed[t] == order[k]) {
				r->test = (enum gate_test)t;
				return order[k];
			}
	r->test = GATE_SOAK;
	return GATE_PASS;
}

static void judge_late(const struct gate *g, const struct gate_opts *o, const struct plan *plan, struct gate_result *r)
{
	if (!comparable(g, o, plan))
		return;
	if (sampled(g, o)) {
		judge_comparisons(g, o, r);
		return;
	}
	for (uint32_t i = 0; i < N_COMPARISONS; i++)
		set(r, comparisons[i].test, GATE_PAUSE, 1, o->alpha);
}

bool gate_sampling(const struct gate *g, const struct gate_opts *o, const struct plan *plan, uint64_t now_s)
{
	return !soaked(g, plan, now_s) || (comparable(g, o, plan) && !sampled(g, o));
}

static void say(const struct gate *g, struct gate_result *r)
{
	enum gate_test t = r->test;
	double v = r->value[t], b = r->bound[t], e = r->effect[t];
	char what[160];

	if (t == GATE_SOAK)
		(void)snprintf(what, sizeof what, "watched for %.0f of %.0f %s", b < 600 ? v : v / 60,
			       b < 600 ? b : b / 60, b < 600 ? "s" : "min");
	else if (t == GATE_REPORTING)
		(void)snprintf(what, sizeof what, "%.1f %% of %llu hosts reported, %.0f %% must; last news at %llu",
			       v * 100, (unsigned long long)g->arm.hosts, b * 100, (unsigned long long)g->updated_s);
	else if (t == GATE_CRASHES || t == GATE_REFUSED || t == GATE_SILENT_RULES)
		(void)snprintf(what, sizeof what, "%.0f host%s, CUSUM %.1f of %.1f%s", e, PLURAL((uint64_t)e), v, b,
			       g->reproduced    ? ", reproduced elsewhere"
			       : r->reproduce   ? ", to be reproduced"
			       : g->dismissed_s ? ", not reproduced"
						: "");
	else if (t == GATE_BOOTS)
		(void)snprintf(what, sizeof what, "%.0f hosts, CUSUM %.1f of %.1f", e, v, b);
	else if (t == GATE_EXPOSURE)
		(void)snprintf(what, sizeof what,
			       "insufficient exposure: a changed rule was evaluated %.0f of %.0f times", v, b);
	else if (r->verdict == GATE_PAUSE && !(e != 0))
		(void)snprintf(what, sizeof what, "too few hosts reported to compare");
	else if (t == GATE_SILENCE || t == GATE_LOSS)
		(void)snprintf(what, sizeof what, "%+.2f %% of hosts against the control, p = %.2g (%.2g)", e * 100, v,
			       b);
	else if (e >= WITHOUT_CONTROL)
		(void)snprintf(what, sizeof what, "the control has none, p = %.2g (%.2g)", v, b);
	else
		(void)snprintf(what, sizeof what, "%.2f times the control's, p = %.2g (%.2g)", e, v, b);
	(void)snprintf(r->text, sizeof r->text, "ring %u: %s: %s: %s", g->ring, gate_verdict_name(r->verdict),
		       gate_test_name(t), what);
}

void gate_judge(const struct gate *g, const struct gate_opts *o, const struct plan *plan, uint64_t now_s,
		struct gate_result *out)
{
	struct gate_result r = { .ring = g->ring, .judged_s = now_s };

	assert(g->ring <= PLAN_LAST && g->lane < PLAN_N_LANES);
	for (uint32_t t = 0; t < GATE_N_TESTS; t++)
		r.passed[t] = GATE_PASS;
	judge_soak(g, plan, now_s, &r);
	judge_reporting(g, o, plan, now_s, &r);
	for (uint32_t i = 0; i < GATE_N_STRIKES; i++)
		judge_strikes(g, o, plan, &strike_tests[i], now_s, &r);
	judge_boots(g, o, &r);
	judge_exposure(g, o, plan, now_s, &r);
	r.verdict = gravest(&r);
	if (r.verdict == GATE_PASS) {
		judge_late(g, o, plan, &r);
		r.verdict = gravest(&r);
	}
	say(g, &r);
	*out = r;
}
