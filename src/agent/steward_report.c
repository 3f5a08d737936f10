/* SPDX-License-Identifier: Apache-2.0 */
/* steward_report: how this host does, signed with its own key, to the repository. */
#include "agent/steward_parts.h"

enum { REPORT_MAX = OBJECT_MAX_BYTES };

static uint32_t health_phase(const struct control_fact *f)
{
	static const uint8_t phases[] = { [LOCAL_NONE] = HEALTH_NONE,
					  [LOCAL_SELFTEST] = HEALTH_SELFTEST,
					  [LOCAL_SHADOW] = HEALTH_SHADOW,
					  [LOCAL_PROBATION] = HEALTH_PROBATION };

	return f->phase < countof(phases) ? phases[f->phase] : HEALTH_NONE;
}

static void fill_content(const struct steward *s, struct object_health *h)
{
	const struct control_fact *f = &s->fact[LOCAL_RELEASE];

	memcpy(h->lkg, f->lkg, sizeof h->lkg);
	memcpy(h->candidate, f->candidate, sizeof h->candidate);
	memcpy(h->strike_digest, f->strike, sizeof h->strike_digest);
	memcpy(h->strike_rule, f->rule, sizeof h->strike_rule);
	h->strike_cause = f->cause;
	h->strike_signal = f->signal;
	h->safe = f->level == LOCAL_SAFE;
	h->phase = health_phase(f);
	h->in_phase_s = f->in_phase_s;
	h->strikes = f->strikes;
	h->unclean_boots = f->unclean_boots;
	h->worker_deaths = f->worker_deaths;
	h->blind_ms = f->blind_ms;
	h->shadow_alerts = f->shadow_alerts;
	h->live_alerts = f->live_alerts;
}

static void fill_work(const struct steward *s, struct object_health *h)
{
	const struct page *p = s->page;
	uint64_t n = page_get(&p->n_rules);

	h->events = page_get(&p->events);
	h->alerts = page_get(&p->alerts);
	h->cpu_ns = page_get(&p->cpu_ns);
	h->memory_bytes = page_get(&p->memory_bytes);
	for (uint64_t i = 0; i < n && i < PAGE_MAX_RULES && h->n_rules < HEALTH_MAX_RULES; i++) {
		struct health_rule *r = &h->rule[h->n_rules];
		uint64_t timed = page_get(&p->rules[i].timed);

		if (!page_get(&p->rules[i].evaluated))
			continue;
		memcpy(r->name, p->names[i], sizeof r->name);
		r->name[sizeof r->name - 1] = 0;
		r->evaluated = page_get(&p->rules[i].evaluated);
		r->alerts = page_get(&p->rules[i].alerts);
		r->throttled = page_get(&p->rules[i].throttled);
		r->ns_per_run = timed ? page_get(&p->rules[i].timed_ns) / timed : 0;
		h->n_rules++;
	}
}

static FALLIBLE write_report(struct steward *s, struct buf *payload, struct buf *signature, struct diag *d)
{
	AUTO_FREE struct object_health *h = calloc(1, sizeof *h);

	if (!h)
		return E_NOMEM;
	*h = (struct object_health){ .seq = ++s->report_seq,
				     .time = steward_unix_s(),
				     .uptime_s = steward_boot_s() - s->started_s,
				     .ring0 = s->policy.ring0,
				     .critical = s->policy.critical,
				     .promotion_seq = s->trust.promotion_seq,
				     .revoke_seq = s->trust.revoke_seq };
	memcpy(h->agent, s->host.agent_id, sizeof h->agent);
	memcpy(h->key, s->key.pub.key, sizeof h->key);
	memcpy(h->boot, s->start.boot, sizeof h->boot);
	memcpy(h->log_head, s->trust.timestamp.log_head, sizeof h->log_head);
	(void)snprintf(h->kernel, sizeof h->kernel, "%s", s->start.kernel);
	(void)snprintf(h->engine, sizeof h->engine, "%s", SALLYPORT_VERSION);
	(void)snprintf(h->stratum, sizeof h->stratum, "%s", s->policy.stratum);
	fill_content(s, h);
	fill_work(s, h);
	TRY(object_write_health(h, payload, d));
	return sign_bytes(&s->key, view_of(payload->p, payload->len), "health", signature, d);
}

/* Whoever has the key first, has the id: the controller keeps what came first. */
static FALLIBLE enrol(struct steward *s, const char *id)
{
	char name[OBJECT_PATH_BYTES];
	struct buf text;
	enum err err;

	buf_init(&text, SIGN_MAX_KEY_TEXT);
	object_path(name, "agent/%s.pub", id);
	err = sign_put_public(&s->key.pub, &text);
	if (err == E_OK)
		err = steward_put(s, name, view_of(text.p, text.len), true);
	buf_done(&text);
	return err == E_EXISTS ? E_OK : err;
}

static FALLIBLE send_report(struct steward *s, struct diag *d)
{
	char id[2 * OBJECT_AGENT_ID_BYTES + 1], name[OBJECT_PATH_BYTES], signature[OBJECT_PATH_BYTES + 16];
	struct buf payload, signed_by;
	enum err err;

	object_hex(s->host.agent_id, OBJECT_AGENT_ID_BYTES, id);
	if (!s->enrolled)
		TRY(enrol(s, id));
	s->enrolled = true;
	buf_init(&payload, REPORT_MAX);
	buf_init(&signed_by, SIGN_BLOCK_MAX);
	object_path(name, "health/%s", id);
	(void)snprintf(signature, sizeof signature, "%s.minisig", name);
	err = write_report(s, &payload, &signed_by, d);
	/* The signature first: who reads between the two sees a pair that does not match, and looks again. */
	if (err == E_OK)
		err = steward_put(s, signature, view_of(signed_by.p, signed_by.len), false);
	if (err == E_OK)
		err = steward_put(s, name, view_of(payload.p, payload.len), false);
	buf_done(&payload);
	buf_done(&signed_by);
	return err;
}

void steward_report(struct steward *s)
{
	uint32_t period = s->trust.root.plan.report_s;
	struct diag d;
	enum err err;

	if (s->syncing)
		return;
	s->syncing = true;
	diag_init(&d);
	s->strike_unsent = false;
	err = send_report(s, &d);
	if (err != E_OK && !s->report_failures++)
		log_warning("health reports do not reach the repository: %s", d.text[0] ? d.text : err_text(err));
	if (err == E_OK)
		s->report_failures = 0;
	s->report_at_s = steward_boot_s() + plan_jitter_s(s->host.agent_id, period, s->report_failures + 1);
	s->syncing = false;
}
