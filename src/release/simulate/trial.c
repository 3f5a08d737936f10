/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trial: one release. Time goes in steps; in each the controller hears what came in, judges and acts, then hosts see
 * what it signed halt_s ago. Doomed hosts are drawn by the gaps between them, so a trial costs what it exposes.
 */
#include "release/simulate/internal.h"

/* Of background crashes: a worker spends so much of its time in rules, and then one is named that is innocent. */
#define MISATTRIBUTED 0.001
#define SILENT 0.01     /* of all hosts, always */
#define EVALUATIONS 1e4 /* of a changed rule, per host-hour */

enum { SIGNED_MAX = 64 };

/* What the controller signed and hosts do not see yet. */
struct signature {
	uint64_t seen_s;
	uint32_t ring, cutoff;
};

struct sim {
	const struct simulate_opts *o;
	const struct fleet *f;
	struct rng *rng;
	uint32_t *reports; /* first crashes that the controller hears of, by tick */
	uint64_t budget;
	struct trial *t;
	struct release r;
	struct gate g;
	struct signature queue[SIGNED_MAX];
	uint32_t n_queue;
	uint64_t now_s;
	uint64_t stop_s;   /* when the halt lands; UINT64_MAX: none */
	uint64_t answer_s; /* of the scratch worker */
	struct endpoint_known known;
	uint64_t first_seen_s;
	uint64_t at, limit, doomed; /* positions: next to activate, end of what may, next that the fault hits */
	double false_strikes_h, false_boots_h; /* host-hours until the next */
	bool filled;                           /* the arms of this ring are sampled */
	uint32_t point;
};

double trial_point_s(const struct plan *plan, enum plan_lane lane, uint32_t i)
{
	double all = (double)plan_dwell_s(plan, PLAN_RINGS, lane);

	for (uint32_t k = 0; k < PLAN_RINGS; k++)
		all += plan->ring[k].ramp_s[lane];
	return 60 * pow(all / 60, (double)i / (SIMULATE_POINTS - 1));
}

/* The fault */

static double chance(const struct sim *s, uint64_t position)
{
	if (!(s->o->stratum > 0))
		return s->o->crash_prob;
	return position < s->f->ring0 ? 0 : s->o->crash_prob * s->o->stratum;
}

/* The next doomed position from here on: geometric gaps. */
static void draw_doomed(struct sim *s, uint64_t from)
{
	double p = chance(s, from), gap;

	if (!(p > 0) && s->o->stratum > 0 && from < s->f->ring0) {
		draw_doomed(s, s->f->ring0);
		return;
	}
	gap = p >= 1 ? 0 : p > 0 ? floor(log(rng_unit(s->rng)) / log1p(-p)) : 1e18;
	s->doomed = gap < 1e17 ? from + (uint64_t)gap : UINT64_MAX;
}

static uint32_t ring_of(const struct fleet *f, uint64_t position)
{
	uint32_t ring = 0;

	while (ring < PLAN_LAST && position >= f->end[ring])
		ring++;
	return ring;
}

/* A doomed host is lost now; the controller hears of it when it crashes and reports. */
static void lose(struct sim *s, uint64_t position)
{
	double mean = s->o->latent_h > 0 ? s->o->latent_h * 3600 : SIMULATE_SHOWS_S;
	double heard = (double)s->now_s + rng_exponential(s->rng, mean) + s->o->report_s;

	s->t->lost++;
	s->t->ring_lost[ring_of(s->f, position)]++;
	if (heard < SIMULATE_HORIZON_S - SIMULATE_TICK_S)
		s->reports[(uint64_t)heard / SIMULATE_TICK_S + 1]++;
}

/* Hosts */

static bool decide(struct sim *s, uint64_t position)
{
	static const struct endpoint_facts facts = {
		.signatures = true, .sequence = true, .fits = true, .vectors = true, .vectors_done = true
	};
	struct endpoint_host h = { .security_floor = 0 };
	struct endpoint_verdict v;
	struct policy p;

	policy_init(&p);
	p.ring0 = position < s->f->ring0;
	fleet_agent_id((uint32_t)s->f->host[position], h.agent_id);
	endpoint_decide(s->o->plan, &p, &h, &s->known, &facts, (int64_t)s->now_s, &v);
	s->t->decisions++;
	return v.go;
}

/* The next one to decide: within the budget each, then one in a stride and each that the fault hits. */
static uint64_t next_decided(const struct sim *s)
{
	uint64_t next = s->at + (SIMULATE_STRIDE - s->at % SIMULATE_STRIDE) % SIMULATE_STRIDE;

	if (s->t->decisions < s->budget)
		return s->at;
	return next < s->doomed ? next : s->doomed;
}

/* Neighbours' answers stand for those in between; none of them is hit. */
static void skip_to(struct sim *s, uint64_t position)
{
	uint64_t to = position < s->limit ? position : s->limit;

	s->t->bulk += to - s->at;
	s->t->exposed += to - s->at;
	s->at = to;
}

static void activate(struct sim *s)
{
	for (skip_to(s, next_decided(s)); s->at < s->limit; skip_to(s, next_decided(s))) {
		if (!decide(s, s->at))
			return; /* its own dwell: those behind it have no shorter one */
		s->t->exposed++;
		if (s->at == s->doomed) {
			lose(s, s->at);
			draw_doomed(s, s->at + 1);
		}
		s->at++;
	}
}

static void see(struct sim *s)
{
	while (s->n_queue && s->queue[0].seen_s <= s->now_s) {
		uint64_t limit = fleet_limit(s->f, s->queue[0].ring, s->queue[0].cutoff);

		if (s->first_seen_s == UINT64_MAX)
			s->first_seen_s = s->now_s;
		s->known.ring = s->queue[0].ring;
		s->known.cutoff = s->queue[0].cutoff;
		s->known.seq++;
		s->limit = limit > s->limit ? limit : s->limit;
		memmove(s->queue, s->queue + 1, --s->n_queue * sizeof s->queue[0]);
	}
	if (s->first_seen_s == UINT64_MAX)
		return;
	s->known.dwell_s = s->now_s - s->first_seen_s;
	for (uint32_t ring = 0; ring <= s->known.ring; ring++)
		if (s->known.open_dwell_s[ring] == UINT64_MAX)
			s->known.open_dwell_s[ring] = s->known.dwell_s;
	activate(s);
}

/* The controller's news */

static uint32_t background(struct sim *s, double *until_h, double host_hours, double rate)
{
	uint32_t n = 0;

	if (!(rate > 0))
		return 0;
	for (*until_h -= host_hours; *until_h <= 0; n++)
		*until_h += rng_exponential(s->rng, 1 / rate);
	return n;
}

/* Of k hosts among those exposed, how many had no say in where they are? */
static uint32_t drawn(struct sim *s, uint32_t k)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < k; i++) {
		uint64_t position = (uint64_t)(rng_unit(s->rng) * (double)s->t->exposed);

		n += gate_ring_is_drawn(&gate_default, s->o->plan, ring_of(s->f, position));
	}
	return n;
}

/* The fault's crashes come from where it hits: ring 0 and later ones in the proportion that was lost there. */
static uint32_t drawn_lost(struct sim *s, uint32_t k)
{
	uint64_t in = 0;
	uint32_t n = 0;

	for (uint32_t ring = 0; ring < PLAN_RINGS; ring++)
		if (gate_ring_is_drawn(&gate_default, s->o->plan, ring))
			in += s->t->ring_lost[ring];
	for (uint32_t i = 0; i < k; i++)
		n += rng_unit(s->rng) * (double)s->t->lost < (double)in;
	return n;
}

static void hear(struct sim *s)
{
	double hours = (double)s->t->exposed * SIMULATE_TICK_S / 3600, rate = s->o->background;
	uint32_t crashed = s->reports[s->now_s / SIMULATE_TICK_S];
	struct gate_seen seen = { .host_hours = hours, .control_boots = rate };

	seen.unclean_boots = background(s, &s->false_boots_h, hours, rate);
	if (s->o->attribution) {
		uint32_t k = background(s, &s->false_strikes_h, hours, rate * MISATTRIBUTED);

		seen.hosts[STRIKE_CRASH] = crashed + k;
		seen.drawn[STRIKE_CRASH] = drawn_lost(s, crashed) + drawn(s, k);
	} else {
		seen.unclean_boots += crashed;
	}
	gate_observe(&s->g, &gate_default, &seen, s->now_s);
	s->g.arm.hosts = s->t->exposed;
	s->g.arm.reporting = s->t->exposed - s->t->exposed / 100;
	s->g.rule[0].evaluated += (uint64_t)(hours * EVALUATIONS + rng_unit(s->rng));
	if (s->now_s >= s->answer_s) {
		gate_reproduction(&s->g, false, s->now_s); /* the worst case: a fault that shows nowhere else */
		s->answer_s = UINT64_MAX;
	}
}

static uint64_t about(struct sim *s, double mean)
{
	double v = mean + sqrt(mean) * rng_normal(s->rng) + 0.5;

	return v > 0 ? (uint64_t)v : 0;
}

static void fill(struct sim *s, struct gate_arm *a, uint64_t hosts)
{
	a->hosts = hosts;
	a->reporting = hosts - hosts / 100;
	a->silent = about(s, (double)hosts * SILENT);
	a->silent = a->silent < hosts ? a->silent : hosts;
	a->n_sample = (uint32_t)(a->reporting < GATE_SAMPLE ? a->reporting : GATE_SAMPLE);
	for (uint32_t i = 0; i < a->n_sample; i++) {
		a->cpu_ns_per_event[i] = (float)(300 * exp(0.5 * rng_normal(s->rng)));
		a->memory_mib[i] = (float)(20 + 2 * fabs(rng_normal(s->rng)));
		a->alerts_per_hour[i] = rng_unit(s->rng) < 0.1 ? (float)rng_exponential(s->rng, 2) : 0;
	}
}

/* The last look at the samples of both arms, once a ring: content that differs in nothing but the fault. */
static void sample(struct sim *s)
{
	uint64_t outside = s->o->hosts - s->t->exposed;
	uint64_t over_s = s->g.ramped_s + s->o->plan->ring[s->r.ring].soak_s[s->o->lane];

	if (s->filled || s->now_s + SIMULATE_TICK_S < over_s)
		return;
	fill(s, &s->g.arm, s->t->exposed);
	fill(s, &s->g.control, outside < 100000 ? outside : 100000);
	s->filled = true;
}

/* The controller's deeds */

static void sign(struct sim *s, uint32_t ring, uint32_t cutoff)
{
	/* More than fit come when halt_s is longer than a ramp: the newest says all that those before it said. */
	if (s->n_queue == SIGNED_MAX)
		s->n_queue--;
	s->queue[s->n_queue++] = (struct signature){ s->now_s + s->o->halt_s, ring, cutoff };
}

static void open_ring(struct sim *s, uint32_t ring)
{
	struct gate before = s->g;

	s->t->opened_s[ring] = s->now_s;
	s->filled = false;
	gate_init(&s->g, ring ? &before : NULL, ring, s->o->lane, s->o->hosts, s->now_s, 0);
	(void)snprintf(s->g.rule[0].name, sizeof s->g.rule[0].name, "changed");
	s->g.rule[0].changed = true;
	s->g.n_rules = 1;
}

static void act(struct sim *s, const struct release_step *step)
{
	if (step->opened)
		open_ring(s, step->ring);
	if (step->action == RELEASE_DO_PROMOTE)
		sign(s, step->ring, step->cutoff);
	if (step->from == RELEASE_RING && step->to == RELEASE_PAUSED)
		s->t->pauses[s->r.ring]++;
	if (step->action == RELEASE_DO_REPRODUCE && s->answer_s == UINT64_MAX)
		s->answer_s = s->now_s + s->o->report_s;
	if (step->to == RELEASE_HALTED && s->stop_s == UINT64_MAX)
		s->stop_s = s->now_s + s->o->halt_s;
}

static FALLIBLE control(struct sim *s, struct diag *d)
{
	struct release_step step;
	struct gate_result result;

	if (s->r.state == RELEASE_SIGNED) {
		TRY(release_on(&s->r, RELEASE_EV_TICK, NULL, s->o->plan, s->now_s, &step, d));
		act(s, &step);
		return E_OK;
	}
	hear(s);
	if (s->r.state != RELEASE_RING && s->r.state != RELEASE_PAUSED)
		return E_OK;
	s->g.ramped_s = release_ramped_s(&s->r, s->o->plan) + s->o->halt_s;
	sample(s);
	gate_judge(&s->g, &gate_default, s->o->plan, s->now_s, &result);
	TRY(release_on(&s->r, RELEASE_EV_TICK, &result, s->o->plan, s->now_s, &step, d));
	act(s, &step);
	return E_OK;
}

static bool is_over(const struct sim *s)
{
	if (s->r.state == RELEASE_HALTED)
		return s->now_s >= s->stop_s;
	return s->r.state == RELEASE_BLESSED || s->r.state == RELEASE_ABORTED;
}

static void mark_points(struct sim *s, bool rest)
{
	while (s->point < SIMULATE_POINTS &&
	       (rest || trial_point_s(s->o->plan, s->o->lane, s->point) <= (double)s->now_s)) {
		s->t->point_exposed[s->point] = s->t->exposed;
		s->t->point_lost[s->point] = s->t->lost;
		s->point++;
	}
}

static void start(struct sim *s)
{
	memset(s->t, 0, sizeof *s->t);
	for (uint32_t i = 0; i < PLAN_RINGS; i++) {
		s->t->opened_s[i] = UINT64_MAX;
		s->known.open_dwell_s[i] = UINT64_MAX;
	}
	memset(s->reports, 0, SIMULATE_TICKS * sizeof *s->reports);
	s->stop_s = s->answer_s = s->first_seen_s = UINT64_MAX;
	memcpy(s->known.release, s->f->release, sizeof s->known.release);
	(void)snprintf(s->known.channel, sizeof s->known.channel, "stable");
	s->known.lane = s->o->lane;
	s->known.expires = UINT64_MAX;
	s->r = (struct release){ .state = RELEASE_SIGNED, .lane = s->o->lane, .fleet = s->o->hosts, .number = 1 };
	draw_doomed(s, 0);
	if (s->o->background > 0) {
		s->false_boots_h = rng_exponential(s->rng, 1 / s->o->background);
		s->false_strikes_h = rng_exponential(s->rng, 1 / (s->o->background * MISATTRIBUTED));
	}
}

FALLIBLE trial_run(const struct simulate_opts *o, const struct fleet *f, struct rng *rng, uint32_t *reports,
		   uint64_t budget, struct trial *out, struct diag *d)
{
	struct sim s = { .o = o, .f = f, .rng = rng, .reports = reports, .budget = budget, .t = out };

	start(&s);
	for (; s.now_s < SIMULATE_HORIZON_S - SIMULATE_TICK_S && !is_over(&s); s.now_s += SIMULATE_TICK_S) {
		TRY(control(&s, d));
		see(&s);
		mark_points(&s, false);
	}
	mark_points(&s, true);
	out->end = s.r.state;
	out->ring = s.r.ring;
	out->end_s = s.now_s;
	for (uint32_t ring = 0; ring < PLAN_RINGS; ring++) {
		uint64_t from = ring ? f->end[ring - 1] : 0, to = s.at < f->end[ring] ? s.at : f->end[ring];

		out->ring_exposed[ring] = to > from ? to - from : 0;
	}
	return E_OK;
}
