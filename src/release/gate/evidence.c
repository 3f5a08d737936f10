/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence: one walk over all fields, in the order of docs/formats/evidence.md, writes or reads. What is read is held
 * against the same bounds as what is written, so that both accept the same bytes.
 */
#include <math.h>

#include "release/gate/gate.h"

enum { HEADER_BYTES = 16, FORMAT_VERSION = 1 };
enum { G_HEADER = 101, G_LENGTH, G_FIELD, G_ROOM };
enum { G_OTHER = 120, G_LAX, G_NO_PASS };

static const uint8_t magic[4] = { 'S', 'P', 'O', 'B' };

struct walk {
	struct buf *out; /* NULL: reading */
	struct view in;
	size_t off;
	bool ends; /* early */
};

static void raw(struct walk *w, void *p, size_t n)
{
	struct view part;

	if (w->out)
		buf_put(w->out, p, n);
	else if (view_sub(w->in, w->off, n, &part))
		memcpy(p, part.p, n);
	else
		w->ends = true;
	w->off += n;
}

static uint64_t number(struct walk *w, uint64_t v, size_t n)
{
	uint8_t le[8] = { 0 };
	uint64_t got = 0;

	for (size_t i = 0; i < n; i++)
		le[i] = (uint8_t)(v >> 8 * i);
	raw(w, le, n);
	for (size_t i = 0; i < n; i++)
		got |= (uint64_t)le[i] << 8 * i;
	return got;
}

static void u32(struct walk *w, uint32_t *v)
{
	*v = (uint32_t)number(w, *v, 4);
}

static void u64(struct walk *w, uint64_t *v)
{
	*v = number(w, *v, 8);
}

/* A byte that is neither 0 nor 1 is told by the length of what is read: it does not fit. */
static void flag(struct walk *w, bool *v)
{
	uint64_t got = number(w, *v, 4);

	w->ends |= got > 1;
	*v = got & 1;
}

static void f64(struct walk *w, double *v)
{
	uint64_t bits;

	memcpy(&bits, v, sizeof bits);
	bits = number(w, bits, 8);
	memcpy(v, &bits, sizeof bits);
}

static void f32s(struct walk *w, float *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t bits;

		memcpy(&bits, &v[i], sizeof bits);
		bits = (uint32_t)number(w, bits, 4);
		memcpy(&v[i], &bits, sizeof bits);
	}
}

static void walk_opts(struct walk *w, struct gate_opts *o)
{
	double *const f[] = { &o->strikes0,    &o->strikes1,    &o->boots0,      &o->boots1,
			      &o->bound,       &o->boots_bound, &o->reporting,   &o->alpha,
			      &o->alpha_pause, &o->min_ratio,   &o->alert_ratio, &o->min_share };

	for (size_t i = 0; i < countof(f); i++)
		f64(w, f[i]);
	u64(w, &o->exposure);
	u32(w, &o->halt_hosts);
	u32(w, &o->drawn_cutoff);
	u32(w, &o->hold_s);
	u32(w, &o->min_hosts);
}

static void walk_arm(struct walk *w, struct gate_arm *a)
{
	uint64_t *const n[] = { &a->hosts, &a->reporting, &a->silent, &a->lossy, &a->events, &a->lost, &a->alerts };

	for (size_t i = 0; i < countof(n); i++)
		u64(w, n[i]);
	f64(w, &a->host_hours);
	u32(w, &a->n_sample);
	if (a->n_sample > GATE_SAMPLE)
		w->ends = true;
	if (w->ends)
		return;
	f32s(w, a->cpu_ns_per_event, a->n_sample);
	f32s(w, a->memory_mib, a->n_sample);
	f32s(w, a->alerts_per_hour, a->n_sample);
}

static void walk_rules(struct walk *w, struct gate *g)
{
	u32(w, &g->n_rules);
	if (g->n_rules > GATE_MAX_RULES)
		w->ends = true;
	for (uint32_t i = 0; i < g->n_rules && !w->ends; i++) {
		raw(w, g->rule[i].name, sizeof g->rule[i].name);
		u64(w, &g->rule[i].evaluated);
		u64(w, &g->rule[i].alerts);
		u64(w, &g->rule[i].throttled);
		flag(w, &g->rule[i].changed);
	}
}

static void walk_gate(struct walk *w, struct gate *g)
{
	uint64_t *const n[] = {
		&g->fleet, &g->opened_s, &g->ramped_s, &g->updated_s, &g->dismissed_s, &g->unclean_boots
	};

	u32(w, &g->ring);
	u32(w, &g->lane);
	for (size_t i = 0; i < countof(n); i++)
		u64(w, n[i]);
	flag(w, &g->reproduced);
	f64(w, &g->cusum_boots);
	for (uint32_t i = 0; i < GATE_N_STRIKES; i++) {
		u32(w, &g->strike[i].hosts);
		u32(w, &g->strike[i].drawn);
		u32(w, &g->strike[i].dismissed);
		f64(w, &g->strike[i].cusum);
	}
	walk_arm(w, &g->arm);
	if (!w->ends)
		walk_arm(w, &g->control);
	if (!w->ends)
		walk_rules(w, g);
}

static void walk_all(struct walk *w, struct gate_evidence *e)
{
	raw(w, e->digest, sizeof e->digest);
	raw(w, e->release, sizeof e->release);
	u64(w, &e->judged_s);
	raw(w, e->log_head, sizeof e->log_head);
	walk_opts(w, &e->opts);
	if (!w->ends)
		walk_gate(w, &e->gate);
}

/* Bounds. NaN is in none of them, and there is one zero. */

static bool within(double v, double low, double high)
{
	return v >= low && v <= high && !signbit(v);
}

static bool opts_ok(const struct gate_opts *o)
{
	return within(o->strikes0, 1e-15, 1) && within(o->strikes1, 1e-15, 1e3) && o->strikes1 > o->strikes0 &&
	       within(o->boots0, 1e-15, 1) && within(o->boots1, 1e-15, 1e3) && o->boots1 > o->boots0 &&
	       within(o->bound, 1e-3, 1e6) && within(o->boots_bound, 1e-3, 1e6) && within(o->reporting, 0, 1) &&
	       within(o->alpha, 1e-15, 1) && within(o->alpha_pause, 1e-15, 1) && within(o->min_ratio, 1, 1e6) &&
	       within(o->alert_ratio, 1, 1e6) && within(o->min_share, 0, 1) && o->halt_hosts &&
	       o->hold_s <= PLAN_MAX_S && o->min_hosts >= 8 && o->min_hosts <= GATE_SAMPLE;
}

static bool sample_ok(const float *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (!within((double)v[i], 0, 1e30))
			return false;
	return true;
}

static bool arm_ok(const struct gate_arm *a)
{
	return a->n_sample <= GATE_SAMPLE && a->hosts <= 1ULL << 40 && a->reporting <= a->hosts &&
	       a->silent <= a->hosts && a->lossy <= a->reporting && within(a->host_hours, 0, 1e18) &&
	       sample_ok(a->cpu_ns_per_event, a->n_sample) && sample_ok(a->memory_mib, a->n_sample) &&
	       sample_ok(a->alerts_per_hour, a->n_sample);
}

/* Printable, and zeros to the end. */
static bool name_ok(const char *s, size_t bytes)
{
	size_t n = strnlen(s, bytes);

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			return false;
	for (size_t i = n; i < bytes; i++)
		if (s[i])
			return false;
	return n > 0 && n < bytes;
}

static const char *gate_fault(const struct gate *g)
{
	if (g->ring > PLAN_LAST || g->lane >= PLAN_N_LANES)
		return "ring or lane";
	if (g->fleet > 1ULL << 40 || !within(g->cusum_boots, 0, 1e18) || g->unclean_boots > 1ULL << 40)
		return "fleet, or unclean boots";
	for (uint32_t i = 0; i < GATE_N_STRIKES; i++)
		if (g->strike[i].drawn > g->strike[i].hosts || g->strike[i].dismissed > g->strike[i].hosts ||
		    !within(g->strike[i].cusum, 0, 1e18))
			return "strikes";
	if (!arm_ok(&g->arm) || !arm_ok(&g->control))
		return "an arm's hosts or sample";
	if (g->n_rules > GATE_MAX_RULES)
		return "number of rules";
	for (uint32_t i = 0; i < g->n_rules; i++)
		if (!name_ok(g->rule[i].name, sizeof g->rule[i].name))
			return "a rule's name";
	return NULL;
}

static FALLIBLE check(const struct gate_evidence *e, enum err err, struct diag *d)
{
	const char *fault = opts_ok(&e->opts) ? gate_fault(&e->gate) : "options";

	if (fault)
		return diag_fail(d, err, 'G', G_FIELD, __FILE__, __LINE__, "evidence: %s out of bounds", fault);
	return E_OK;
}

static size_t bytes_of(const struct gate *g)
{
	size_t arm = 7 * 8 + 8 + 4, opts = 12 * 8 + 8 + 4 * 4, fixed = 4 + 4 + 6 * 8 + 4 + 8 + GATE_N_STRIKES * 20;
	size_t head = HEADER_BYTES + OBJECT_DIGEST_BYTES + 16 + 8 + OBJECT_DIGEST_BYTES;

	return head + opts + fixed + 2 * arm + (size_t)12 * (g->arm.n_sample + g->control.n_sample) + 4 +
	       (size_t)g->n_rules * (HEALTH_RULE_BYTES + 3 * 8 + 4);
}

FALLIBLE gate_write_evidence(const struct gate_evidence *e, struct buf *out, struct diag *d)
{
	struct walk w = { .out = out };
	struct gate_evidence copy = *e;
	uint8_t head[4];

	TRY(check(e, E_INVALID, d));
	memcpy(head, magic, sizeof head);
	raw(&w, head, sizeof head);
	(void)number(&w, OBJECT_EVIDENCE, 2);
	(void)number(&w, FORMAT_VERSION, 2);
	(void)number(&w, bytes_of(&e->gate), 4);
	(void)number(&w, 0, 4);
	walk_all(&w, &copy);
	assert(w.off == bytes_of(&e->gate) && w.off <= GATE_EVIDENCE_MAX_BYTES);
	if (out->full)
		FAIL_ID(d, LIMIT, 'G', G_ROOM, "evidence: no room for its %zu bytes", w.off);
	return E_OK;
}

static FALLIBLE read_header(struct walk *w, struct diag *d)
{
	uint64_t kind, version, bytes, zero;
	uint8_t head[4] = { 0 };

	raw(w, head, sizeof head);
	kind = number(w, 0, 2);
	version = number(w, 0, 2);
	bytes = number(w, 0, 4);
	zero = number(w, 0, 4);
	if (w->ends)
		FAIL_ID(d, TRUNCATED, 'G', G_LENGTH, "evidence: %zu bytes are no header", w->in.len);
	if (!GUARD(16, !memcmp(head, magic, sizeof head)) || kind != OBJECT_EVIDENCE || zero)
		FAIL_ID(d, FORMAT, 'G', G_HEADER, "evidence: it does not begin as evidence does");
	if (version != FORMAT_VERSION)
		FAIL_ID(d, UNSUPPORTED, 'G', G_HEADER, "evidence: format version %u; this build knows %d",
			(unsigned)version, FORMAT_VERSION);
	if (bytes > w->in.len)
		FAIL_ID(d, TRUNCATED, 'G', G_LENGTH, "evidence: %zu of %u bytes", w->in.len, (unsigned)bytes);
	if (bytes < w->in.len || bytes > GATE_EVIDENCE_MAX_BYTES)
		FAIL_ID(d, FORMAT, 'G', G_LENGTH, "evidence: %zu bytes that say %u of themselves", w->in.len,
			(unsigned)bytes);
	return E_OK;
}

FALLIBLE gate_read_evidence(struct view v, struct gate_evidence *out, struct diag *d)
{
	struct walk w = { .in = v };
	struct gate_evidence e;

	memset(&e, 0, sizeof e);
	TRY(read_header(&w, d));
	walk_all(&w, &e);
	if (w.ends || w.off != v.len)
		FAIL_ID(d, FORMAT, 'G', G_LENGTH, "evidence: its %zu bytes do not hold the fields that it counts",
			v.len);
	TRY(check(&e, E_FORMAT, d));
	*out = e;
	return E_OK;
}

/* Rates have no stricter side: a CUSUM is another one with others. */
static bool as_strict(const struct gate_opts *o, const struct gate_opts *floor)
{
	return !memcmp(&o->strikes0, &floor->strikes0, sizeof o->strikes0) &&
	       !memcmp(&o->strikes1, &floor->strikes1, sizeof o->strikes1) &&
	       !memcmp(&o->boots0, &floor->boots0, sizeof o->boots0) &&
	       !memcmp(&o->boots1, &floor->boots1, sizeof o->boots1) && o->bound <= floor->bound &&
	       o->boots_bound <= floor->boots_bound && o->reporting >= floor->reporting &&
	       o->exposure >= floor->exposure && o->alpha >= floor->alpha && o->alpha_pause >= floor->alpha_pause &&
	       o->min_ratio <= floor->min_ratio && o->alert_ratio <= floor->alert_ratio &&
	       o->min_share <= floor->min_share && o->halt_hosts <= floor->halt_hosts &&
	       o->drawn_cutoff >= floor->drawn_cutoff && o->hold_s >= floor->hold_s && o->min_hosts <= floor->min_hosts;
}

FALLIBLE gate_check_evidence(const struct gate_evidence *e, const struct gate_opts *floor, const struct plan *plan,
			     const uint8_t digest[OBJECT_DIGEST_BYTES], const uint8_t release[16], uint32_t ring,
			     struct diag *d)
{
	struct gate_result r;

	if (!GUARD(5, memcmp(e->digest, digest, OBJECT_DIGEST_BYTES) == 0 &&
			      memcmp(e->release, release, sizeof e->release) == 0 && e->gate.ring == ring))
		FAIL_ID(d, REJECTED, 'G', G_OTHER, "evidence: it is of ring %u of another content or release",
			e->gate.ring);
	if (!as_strict(&e->opts, floor))
		FAIL_ID(d, REJECTED, 'G', G_LAX, "evidence: judged by laxer bounds than this host takes");
	gate_judge(&e->gate, &e->opts, plan, e->judged_s, &r);
	if (!GUARD(5, r.verdict == GATE_PASS))
		FAIL_ID(d, REJECTED, 'G', G_NO_PASS, "evidence: judged again it does not pass: %s", r.text);
	return E_OK;
}
