/* SPDX-License-Identifier: Apache-2.0 */
/* explain: one line for each condition, with its numbers. */
#include "release/endpoint/internal.h"

struct asked {
	const struct plan *plan;
	const struct policy *p;
	const struct endpoint_host *h;
	const struct endpoint_known *k;
	const struct endpoint_facts *f;
	int64_t now_s;
	struct endpoint_measure m;
	struct buf *out;
};

const char *endpoint_check_name(enum endpoint_check c)
{
	static const char *const names[ENDPOINT_N_CHECKS] = {
		[CHECK_SIGNATURES] = "signatures",
		[CHECK_SEQUENCE] = "sequence",
		[CHECK_REVOKED] = "revocation",
		[CHECK_QUARANTINE] = "quarantine",
		[CHECK_FLOOR] = "security floor",
		[CHECK_FITS] = "fits this sensor",
		[CHECK_NOT_BEFORE] = "validity",
		[CHECK_RING] = "own ring",
		[CHECK_DWELL] = "own dwell",
		[CHECK_CHANNEL] = "channel",
		[CHECK_PAUSE] = "pause",
		[CHECK_PIN] = "pin",
		[CHECK_LAG] = "lag",
		[CHECK_HOLD] = "hold",
		[CHECK_WINDOW] = "window",
		[CHECK_EVIDENCE] = "evidence",
		[CHECK_VECTORS] = "vectors",
	};

	return (unsigned)c < ENDPOINT_N_CHECKS ? names[c] : "?";
}

static void put_ring(const struct asked *a, uint32_t ring)
{
	if (ring >= PLAN_BLESSED)
		buf_puts(a->out, "blessed");
	else
		buf_printf(a->out, "ring %u", ring);
}

static void put_percent(const struct asked *a, uint32_t share)
{
	buf_printf(a->out, "%.4g %%", 100.0 * share / UINT32_MAX);
}

static void put_floor(const struct asked *a)
{
	uint64_t floor = a->h->security_floor;

	floor = a->k->security_floor > floor ? a->k->security_floor : floor;
	buf_printf(a->out, "the bundle is at %llu, %llu is the least", (unsigned long long)a->f->bundle_floor,
		   (unsigned long long)floor);
}

static void put_validity(const struct asked *a)
{
	uint64_t now = a->now_s < 0 ? 0 : (uint64_t)a->now_s;

	if (endpoint_is_valid(a->k, a->now_s)) {
		buf_puts(a->out, "the promotion holds for ");
		policy_put_span(a->out, a->k->expires - now);
		buf_puts(a->out, " more");
	} else if (now < a->k->not_before || a->now_s < 0) {
		buf_puts(a->out, "the promotion holds in ");
		policy_put_span(a->out, a->k->not_before - now);
	} else {
		buf_puts(a->out, "the promotion expired ");
		policy_put_span(a->out, now - a->k->expires);
		buf_puts(a->out, " ago");
	}
}

static void put_own_ring(const struct asked *a)
{
	const struct endpoint_measure *m = &a->m;

	buf_printf(a->out, "this host is in ring %u, promoted is ", m->own);
	put_ring(a, a->k->ring);
	if (a->k->ring != m->own || !m->own || a->k->cutoff == UINT32_MAX)
		return;
	buf_puts(a->out, " so far for the first ");
	put_percent(a, a->k->cutoff);
	buf_puts(a->out, " of all hosts; this one comes at ");
	put_percent(a, m->bucket);
}

static void put_dwell(const struct asked *a)
{
	if (a->h->fresh && a->k->blessed) {
		buf_puts(a->out, "none needed: a new host takes what is blessed");
		return;
	}
	policy_put_span(a->out, a->k->dwell_s);
	buf_puts(a->out, " of ");
	policy_put_span(a->out, a->m.dwell_s);
	buf_printf(a->out, " (ring %u%s)", a->m.own, a->k->lane == PLAN_URGENT ? ", urgent" : "");
}

static void put_pin(const struct asked *a)
{
	char want[2 * OBJECT_DIGEST_BYTES + 1];

	object_hex(a->p->pin, sizeof a->p->pin, want);
	if (a->p->pinned)
		buf_printf(a->out, "the policy pins %.16s...", want);
	else
		buf_puts(a->out, "the policy pins nothing");
}

static void put_lag(const struct asked *a)
{
	buf_printf(a->out, "%u newer release%s may come here, the policy stays %u behind", a->f->newer,
		   PLURAL(a->f->newer), a->p->lag);
}

static void put_hold(const struct asked *a)
{
	uint64_t from = a->m.hold_from_s;

	if (!a->m.hold_s) {
		buf_puts(a->out, "the policy asks for none");
		return;
	}
	policy_put_span(a->out, from < a->k->dwell_s ? a->k->dwell_s - from : 0);
	buf_puts(a->out, " of ");
	policy_put_span(a->out, a->m.hold_s);
	buf_puts(a->out, " since ring and dwell of this host let it in");
}

static void put_window(const struct asked *a)
{
	int64_t next = policy_next_open(a->p, a->now_s);

	if (!a->p->n_windows && !a->p->n_freezes) {
		buf_puts(a->out, "the policy has none");
	} else if (policy_open_at(a->p, a->now_s)) {
		buf_puts(a->out, "open");
	} else if (next == INT64_MAX) {
		buf_puts(a->out, "closed for more than a year");
	} else {
		buf_puts(a->out, "closed, opens in ");
		policy_put_span(a->out, (uint64_t)next - (uint64_t)a->now_s);
	}
}

static const char *evidence_text(const struct asked *a)
{
	if (!a->p->require_evidence)
		return "the policy does not ask for it";
	if (!a->k->ring)
		return "there is none before ring 0";
	return a->k->evidence_ok ? "of the ring before, judged again here: it passes"
				 : "of the ring before: not here, or it does not pass";
}

static const char *fact_text(const struct asked *a, enum endpoint_check check)
{
	const struct endpoint_facts *f = a->f;

	switch (check) {
	case CHECK_SIGNATURES:
		return f->signatures ? "as many as the root asks for are valid"
				     : "not as many as the root asks for are valid";
	case CHECK_SEQUENCE:
		return f->sequence ? "newer than what this host had" : "not newer than what this host had";
	case CHECK_REVOKED:
		return f->revoked ? "revoked" : "not revoked";
	case CHECK_QUARANTINE:
		return f->quarantined ? "did harm on this host" : "did no harm on this host";
	case CHECK_FITS:
		return f->fits ? "engine, schema and limits" : "engine, schema or limits do not fit";
	case CHECK_PAUSE:
		return a->p->paused ? "the policy lets nothing new in" : "the policy does not pause";
	case CHECK_EVIDENCE:
		return evidence_text(a);
	case CHECK_VECTORS:
		return !f->vectors_done ? "run when all else agrees"
		       : f->vectors     ? "all pass here"
					: "one does not pass here";
	default:
		return NULL;
	}
}

static void put_check(const struct asked *a, enum endpoint_check check)
{
	const char *text = fact_text(a, check);

	if (text)
		buf_puts(a->out, text);
	else if (check == CHECK_FLOOR)
		put_floor(a);
	else if (check == CHECK_NOT_BEFORE)
		put_validity(a);
	else if (check == CHECK_RING)
		put_own_ring(a);
	else if (check == CHECK_DWELL)
		put_dwell(a);
	else if (check == CHECK_CHANNEL)
		buf_printf(a->out, "'%.*s', the policy takes '%.*s'", OBJECT_NAME_BYTES, a->k->channel,
			   OBJECT_NAME_BYTES, a->p->channel);
	else if (check == CHECK_PIN)
		put_pin(a);
	else if (check == CHECK_LAG)
		put_lag(a);
	else if (check == CHECK_HOLD)
		put_hold(a);
	else if (check == CHECK_WINDOW)
		put_window(a);
}

void endpoint_explain(const struct plan *plan, const struct policy *p, const struct endpoint_host *h,
		      const struct endpoint_known *k, const struct endpoint_facts *f, int64_t now_s,
		      enum endpoint_check check, struct buf *out)
{
	struct asked a = { plan, p, h, k, f, now_s, { 0 }, out };

	endpoint_measure(plan, p, h, k, &a.m);
	buf_printf(out, "%s: ", endpoint_check_name(check));
	put_check(&a, check);
}
