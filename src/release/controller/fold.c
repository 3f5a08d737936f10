/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fold: reports of hosts become the statistics of a gate.
 *
 * The arm is the hosts of the release's present ring (and of rings that merged into it), the control all hosts that do
 * not have the release and are not expected to, of the strata that the arm has where there are enough of them. Time is
 * ours: a host cannot report more hours than went by, and one host alone cannot report the exposure of a ring.
 */
#include "release/controller/internal.h"

enum { MAX_STRATA = 32, MIB = 1 << 20, SILENT_REPORTS = 3, MAX_BOOTS = 3 };

struct folding {
	struct tick *t;
	struct release *r;
	struct kept kept;
	struct gate g;
	struct gate_seen seen;
	struct gate_arm arm, control, strata_control;
	uint64_t withheld, n_arm_samples, n_control_samples, n_strata_samples;
	uint64_t promotion_seq; /* that opened the ring */
	double control_boots, control_hours;
	uint32_t after; /* the ring is all rings after this one; UINT32_MAX: from 0 on */
	char strata[MAX_STRATA][OBJECT_NAME_BYTES];
	uint32_t n_strata;
	uint64_t n_expected; /* hosts of the ring */
	bool sampling, news;
	enum err err;
};

bool host_has(const struct object_health *h, const struct release *r)
{
	bool candidate = !memcmp(h->candidate, r->digest, sizeof r->digest) && h->phase >= HEALTH_SHADOW &&
			 h->phase <= HEALTH_GOOD;

	return candidate || !memcmp(h->lkg, r->digest, sizeof r->digest);
}

static bool is_struck(const struct object_health *h, const struct release *r)
{
	return h->strike_cause != CAUSE_NONE && !memcmp(h->strike_digest, r->digest, sizeof r->digest);
}

bool host_is_active(const struct ledger_host *h, uint64_t opened_s)
{
	return h->received_s && h->received_s + CONTROLLER_ACTIVE_S >= opened_s;
}

uint32_t host_ring(const struct plan *plan, const struct object_health *h, const struct release *r)
{
	if (h->critical)
		return PLAN_LAST;
	if (h->ring0)
		return 0;
	return plan_ring_of(plan, plan_bucket(r->id, h->agent));
}

static bool in_ring(const struct folding *f, uint32_t ring)
{
	return ring <= f->r->ring && (f->after == UINT32_MAX || ring > f->after);
}

/* It may have it: its ring is open, and in the present ring the ramp has come to it. */
static bool is_expected(const struct folding *f, const struct object_health *h, uint32_t ring)
{
	if (ring != f->r->ring || ring == 0)
		return ring <= f->r->ring;
	return h->critical ? f->r->cutoff == UINT32_MAX : plan_bucket(f->r->id, h->agent) < f->r->cutoff;
}

static bool is_silent(const struct folding *f, const struct ledger_host *h)
{
	return h->received_s + (uint64_t)SILENT_REPORTS * f->t->plan->report_s < f->t->now_s;
}

/* Where the next sample goes: all of the first, then each is as likely to stay as any. */
static uint32_t sample_at(uint64_t *n, const struct object_health *h, const struct release *r)
{
	uint64_t at = (*n)++;

	return at < GATE_SAMPLE ? (uint32_t)at : (uint32_t)(plan_bucket(h->agent, r->id) % *n);
}

static void sample(struct gate_arm *a, uint64_t *n, const struct object_health *h, const struct release *r)
{
	uint32_t at;

	if (!h->events || !h->uptime_s)
		return;
	at = sample_at(n, h, r);
	if (at >= GATE_SAMPLE)
		return;
	a->cpu_ns_per_event[at] = (float)((double)h->cpu_ns / (double)h->events);
	a->memory_mib[at] = (float)((double)h->memory_bytes / MIB);
	a->alerts_per_hour[at] = (float)((double)h->alerts * 3600 / (double)h->uptime_s);
	a->n_sample = *n < GATE_SAMPLE ? (uint32_t)*n : GATE_SAMPLE;
}

static uint64_t add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static void add_host(const struct folding *f, struct gate_arm *a, uint64_t *n, const struct ledger_host *h, bool heard)
{
	a->hosts++;
	a->silent += is_silent(f, h);
	if (!heard)
		return;
	a->reporting++;
	a->lossy += h->health.lost > h->health.events / 1000;
	a->events = add(a->events, h->health.events);
	a->lost = add(a->lost, h->health.lost);
	a->alerts = add(a->alerts, h->health.alerts);
	sample(a, n, &h->health, f->r);
}

/* One host gives at most half of the exposure that is asked for, unless it is alone in the ring. */
static void add_rules(struct folding *f, const struct object_health *h)
{
	uint64_t most = f->t->c->gate.exposure;

	for (uint32_t i = 0; i < h->n_rules && i < HEALTH_MAX_RULES; i++) {
		const struct health_rule *from = &h->rule[i];
		uint64_t cap = f->n_expected > 1 ? most / 2 + 1 : most;
		struct gate_rule *to = NULL;

		for (uint32_t k = 0; k < f->g.n_rules && !to; k++)
			if (!strncmp(f->g.rule[k].name, from->name, HEALTH_RULE_BYTES))
				to = &f->g.rule[k];
		if (!to)
			continue;
		to->evaluated = add(to->evaluated, from->evaluated < cap ? from->evaluated : cap);
		to->alerts = add(to->alerts, from->alerts);
		to->throttled = add(to->throttled, from->throttled);
	}
}

static enum gate_strike strike_kind(uint32_t cause)
{
	if (cause == CAUSE_REFUSED)
		return STRIKE_REFUSED;
	return cause == CAUSE_VECTOR ? STRIKE_SILENT_RULE : STRIKE_CRASH;
}

static void count_strike(struct folding *f, const struct ledger_host *h, uint32_t ring, struct ledger_seen *s)
{
	bool drawn = gate_ring_is_drawn(&f->t->c->gate, f->t->plan, ring) && h->first_s < f->kept.created_s;
	enum gate_strike kind = strike_kind(h->health.strike_cause);

	if (s->strikes & 1u << kind)
		return;
	s->strikes |= 1u << kind;
	f->seen.hosts[kind]++;
	f->seen.drawn[kind] += drawn;
}

/* A host that has the release, or was struck by it: what is new of it is counted once. */
static FALLIBLE count_host(struct folding *f, const struct ledger_host *h, uint32_t ring, bool struck)
{
	uint64_t most = (uint64_t)SILENT_REPORTS * f->t->plan->report_s, gone;
	struct ledger *l = f->t->c->ledger;
	struct ledger_seen s = { 0 };
	enum err err = ledger_get_seen(l, f->r->id, h->health.agent, &s, f->t->d);
	bool fresh = err == E_NOT_FOUND;

	if (err != E_OK && !fresh)
		return err;
	if (!fresh && h->health.seq <= s.seq)
		return E_OK;
	if (fresh) {
		memcpy(s.agent, h->health.agent, sizeof s.agent);
		s.first_s = s.counted_s = h->received_s;
		s.boots = h->health.unclean_boots;
	}
	gone = h->received_s - s.counted_s;
	f->seen.host_hours += (double)(gone < most ? gone : most) / 3600;
	s.counted_s = h->received_s;
	s.seq = h->health.seq;
	f->news = true;
	if (struck && h->health.strike_cause != CAUSE_BOOT)
		count_strike(f, h, ring, &s);
	if (!s.booted && (h->health.unclean_boots > s.boots || (struck && h->health.strike_cause == CAUSE_BOOT))) {
		s.booted = true;
		f->seen.unclean_boots++;
	}
	return ledger_put_seen(l, f->r->id, &s, f->t->d);
}

static bool arm_has_stratum(const struct folding *f, const char *name)
{
	for (uint32_t i = 0; i < f->n_strata; i++)
		if (!strcmp(f->strata[i], name))
			return true;
	return false;
}

static void add_control(struct folding *f, const struct ledger_host *h)
{
	bool heard = h->received_s >= f->g.opened_s;
	uint64_t boots = h->health.unclean_boots < MAX_BOOTS ? h->health.unclean_boots : MAX_BOOTS;

	add_host(f, &f->control, &f->n_control_samples, h, heard);
	if (arm_has_stratum(f, h->health.stratum))
		add_host(f, &f->strata_control, &f->n_strata_samples, h, heard);
	f->control_boots += (double)boots;
	f->control_hours += (double)(h->received_s - h->first_s) / 3600;
}

static bool fold_host(void *user, const struct ledger_host *h)
{
	struct folding *f = user;
	const struct object_health *o = &h->health;
	uint32_t ring = host_ring(f->t->plan, o, f->r);
	bool has = host_has(o, f->r), struck = is_struck(o, f->r), heard, expected;

	if (!host_is_active(h, f->g.opened_s))
		return true;
	expected = is_expected(f, o, ring);
	if (has || struck) {
		f->err = count_host(f, h, ring, struck);
		if (f->err != E_OK)
			return false;
	}
	if (expected && in_ring(f, ring)) {
		heard = h->received_s >= f->g.opened_s && (has || struck);
		add_host(f, &f->arm, &f->n_arm_samples, h, heard);
		if (heard)
			add_rules(f, o);
		/* It knows the promotion and stays away: its owner's policy, not silence. */
		f->withheld += !has && !struck && h->received_s > f->g.opened_s && f->promotion_seq &&
			       o->promotion_seq >= f->promotion_seq && o->phase != HEALTH_SELFTEST;
	} else if (!has && !struck && !expected) {
		add_control(f, h);
	}
	return true;
}

static bool note_expected(void *user, const struct ledger_host *h)
{
	struct folding *f = user;
	uint32_t ring = host_ring(f->t->plan, &h->health, f->r);

	if (!host_is_active(h, f->g.opened_s) || !in_ring(f, ring) || !is_expected(f, &h->health, ring))
		return true;
	f->n_expected++;
	if (f->n_strata < MAX_STRATA && !arm_has_stratum(f, h->health.stratum))
		memcpy(f->strata[f->n_strata++], h->health.stratum, OBJECT_NAME_BYTES);
	return true;
}

/* Samples stay as they are once the soak is over; how many hosts there are and report does not. */
static void take_arm(struct gate_arm *to, const struct gate_arm *from, bool sampling)
{
	if (sampling) {
		*to = *from;
		return;
	}
	to->hosts = from->hosts;
	to->reporting = from->reporting;
}

static void settle(struct folding *f)
{
	uint64_t half = f->arm.hosts / 2;
	bool strata = f->strata_control.reporting >= f->t->c->gate.min_hosts &&
		      f->strata_control.n_sample >= f->t->c->gate.min_hosts;

	f->arm.hosts -= f->withheld < half ? f->withheld : half;
	if (f->arm.silent > f->arm.hosts)
		f->arm.silent = f->arm.hosts;
	take_arm(&f->g.arm, &f->arm, f->sampling);
	take_arm(&f->g.control, strata ? &f->strata_control : &f->control, f->sampling);
	if (f->control_hours > 0)
		f->seen.control_boots = f->control_boots / f->control_hours;
	/* Only news of hosts that have it are news: else a cut pipe would go unnoticed. */
	if (f->news)
		gate_observe(&f->g, &f->t->c->gate, &f->seen, f->t->now_s);
}

static void start_rules(struct folding *f)
{
	memset(f->g.rule, 0, sizeof f->g.rule);
	f->g.n_rules = f->kept.n_changed;
	for (uint32_t i = 0; i < f->kept.n_changed; i++) {
		memcpy(f->g.rule[i].name, f->kept.changed[i], HEALTH_RULE_BYTES);
		f->g.rule[i].changed = true;
	}
}

static uint32_t ring_before(const struct plan *plan, const struct release *r)
{
	for (uint32_t ring = r->ring; ring-- > 0;)
		if (release_ring_is_real(plan, ring, r->fleet))
			return ring;
	return UINT32_MAX;
}

static void opened_name(const struct release *r, char out[LEDGER_NAME_BYTES])
{
	char hex[HEX16];

	object_hex(r->id, 16, hex);
	(void)snprintf(out, LEDGER_NAME_BYTES, "opened/%s-%u", hex, r->ring);
}

static FALLIBLE fold_one(struct folding *f)
{
	struct tick *t = f->t;
	char name[LEDGER_NAME_BYTES];

	TRY(gate_load(t->c->ledger, f->r, &f->g, t->d));
	TRY(kept_get(t->c->ledger, f->r->id, &f->kept, t->d));
	opened_name(f->r, name);
	TRY(number_get(t->c->ledger, name, &f->promotion_seq, t->d));
	f->after = ring_before(t->plan, f->r);
	f->g.ramped_s = release_ramped_s(f->r, t->plan);
	f->sampling = gate_sampling(&f->g, &t->c->gate, t->plan, t->now_s);
	start_rules(f);
	TRY(ledger_hosts(t->c->ledger, note_expected, f, t->d));
	TRY(ledger_hosts(t->c->ledger, fold_host, f, t->d));
	TRY(f->err);
	settle(f);
	return gate_store(t->c->ledger, f->r, &f->g, &t->c->gate, t->now_s, t->d);
}

FALLIBLE fold_all(struct tick *t)
{
	for (uint32_t i = 0; i < t->n; i++) {
		AUTO_FREE struct folding *f = NULL;

		if (t->all[i].state != RELEASE_RING && t->all[i].state != RELEASE_PAUSED)
			continue;
		f = calloc(1, sizeof *f);
		if (!f)
			return E_NOMEM;
		f->t = t;
		f->r = &t->all[i];
		TRY(fold_one(f));
	}
	return E_OK;
}

FALLIBLE gate_bytes(struct ledger *l, const struct release *r, const struct gate *g, const struct gate_opts *o,
		    uint64_t now_s, struct buf *out, struct diag *d)
{
	AUTO_FREE struct gate_evidence *e = calloc(1, sizeof *e);

	if (!e)
		return E_NOMEM;
	memcpy(e->digest, r->digest, sizeof e->digest);
	memcpy(e->release, r->id, sizeof e->release);
	e->gate = *g;
	e->opts = *o;
	e->judged_s = now_s;
	ledger_head(l, e->log_head);
	return gate_write_evidence(e, out, d);
}

FALLIBLE gate_store(struct ledger *l, const struct release *r, const struct gate *g, const struct gate_opts *o,
		    uint64_t now_s, struct diag *d)
{
	struct buf b;
	enum err err;

	buf_init(&b, GATE_EVIDENCE_MAX_BYTES);
	err = gate_bytes(l, r, g, o, now_s, &b, d);
	if (err == E_OK)
		err = ledger_put_gate(l, r->id, g->ring, view_of(b.p, b.len), d);
	buf_done(&b);
	return err;
}

FALLIBLE gate_load(struct ledger *l, const struct release *r, struct gate *g, struct diag *d)
{
	AUTO_FREE struct gate_evidence *e = calloc(1, sizeof *e);
	AUTO(arena_done) struct arena a;
	struct view v;

	arena_init(&a, 4 * GATE_EVIDENCE_MAX_BYTES);
	if (!e)
		return E_NOMEM;
	TRY(ledger_get_gate(l, r->id, r->ring, &a, &v, d));
	TRY(gate_read_evidence(v, e, d));
	*g = e->gate;
	return E_OK;
}
