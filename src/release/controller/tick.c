/* SPDX-License-Identifier: Apache-2.0 */
/* tick: one round. Between two rounds nothing is remembered but what the ledger holds. */
#include "release/controller/internal.h"

enum { HOUR = 3600, DAY = 86400, MAX_ROOTS = 64, TRUST_ARENA = 4 << 20 };

void told(struct controller *c, const char *what)
{
	if (c->step)
		c->step(c->user, what);
}

void controller_init(struct controller *c, struct ledger *l, struct transport *repo)
{
	*c = (struct controller){ .ledger = l,
				  .repo = repo,
				  .gate = gate_default,
				  .timestamp_every_s = HOUR,
				  .timestamp_valid_s = DAY,
				  .promotion_valid_s = 30 * DAY };
}

/* Trust */

static FALLIBLE put_root(struct ledger *l, const struct trust *t, struct view root, struct view signatures,
			 uint64_t now_s, struct diag *d)
{
	struct ledger_object o = { .state = LEDGER_READY, .bytes = root, .signatures = signatures };
	char body[128];

	(void)snprintf(o.name, sizeof o.name, "root/%u", t->root.version);
	TRY(ledger_put_object(l, &o, false, d));
	TRY(ledger_put_value(l, "root", root, d));
	TRY(ledger_put_value(l, "root.minisig", signatures, d));
	(void)snprintf(body, sizeof body, "{\"epoch\":%u,\"fleet\":\"%s\",\"version\":%u}", t->root.epoch,
		       t->root.fleet, t->root.version);
	return ledger_log(l, "controller", "root", body, now_s, d);
}

static FALLIBLE remember_root(struct ledger *l, const struct trust *t, struct view root, struct view signatures,
			      uint64_t now_s, struct diag *d)
{
	enum err err;

	TRY(ledger_begin(l, d));
	err = put_root(l, t, root, signatures, now_s, d);
	if (err == E_OK)
		err = ledger_commit(l, d);
	ledger_rollback(l);
	return err;
}

/* The root after ours, if the repository has it. E_NOT_FOUND. */
static FALLIBLE next_root(struct ledger *l, struct transport *repo, struct trust *t, uint64_t now_s, struct diag *d)
{
	AUTO_FREE char *root = NULL, *signatures = NULL;
	char name[OBJECT_PATH_BYTES];
	size_t n = 0, m = 0;

	object_path(name, "root/%u", t->root.version + 1);
	TRY(transport_get(repo, name, OBJECT_MAX_BYTES, &root, &n, d));
	object_path(name, "root/%u.minisig", t->root.version + 1);
	TRY(transport_get(repo, name, TRUST_MAX_SIGNATURE_TEXT, &signatures, &m, d));
	TRY(trust_root(t, view_of(root, n), view_of(signatures, m), d));
	return remember_root(l, t, view_of(root, n), view_of(signatures, m), now_s, d);
}

static FALLIBLE known_root(struct ledger *l, struct trust *out, struct diag *d)
{
	AUTO(arena_done) struct arena a;
	struct view root, signatures;

	arena_init(&a, TRUST_ARENA);
	TRY(ledger_get_value(l, "root", &a, &root, d));
	TRY(ledger_get_value(l, "root.minisig", &a, &signatures, d));
	return trust_init(out, root, signatures, d);
}

static FALLIBLE given_root(struct ledger *l, bool known, struct view root, struct view signatures, struct trust *out,
			   uint64_t now_s, struct diag *d)
{
	enum err err = known ? trust_root(out, root, signatures, d) : trust_init(out, root, signatures, d);

	if (err == E_EXISTS)
		return E_OK;
	TRY(err);
	return remember_root(l, out, root, signatures, now_s, d);
}

FALLIBLE controller_trust(struct ledger *l, struct transport *repo, struct view root, struct view signatures,
			  struct trust *out, uint64_t now_s, struct diag *d)
{
	enum err err = known_root(l, out, d);
	bool known = err == E_OK;

	if (err != E_OK && err != E_NOT_FOUND)
		return err;
	if (root.len)
		TRY(given_root(l, known, root, signatures, out, now_s, d));
	else if (!known)
		FAIL_ID(d, NOT_FOUND, 'D', 303, "the ledger trusts no root yet: it is to be given once, with --root");
	for (uint32_t i = 0; repo && i < MAX_ROOTS; i++) {
		struct diag why;

		diag_init(&why);
		err = next_root(l, repo, out, now_s, &why);
		if (err == E_NOT_FOUND)
			return E_OK;
		if (err != E_OK) {
			if (d)
				*d = why;
			return err;
		}
	}
	return E_OK;
}

/* The round */

static bool count_active(void *user, const struct ledger_host *h)
{
	struct tick *t = user;

	t->report.hosts += host_is_active(h, t->now_s);
	return true;
}

static FALLIBLE decide(struct tick *t)
{
	TRY(reports_take(t));
	TRY(ledger_hosts(t->c->ledger, count_active, t, t->d));
	TRY(ledger_releases(t->c->ledger, t->all, countof(t->all), &t->n, t->d));
	told(t->c, "fold reports");
	TRY(fold_all(t));
	told(t->c, "act");
	TRY(act_all(t));
	TRY(sign_timestamp(t));
	return number_put(t->c->ledger, "clock", t->now_s, t->d);
}

static FALLIBLE check_clock(struct controller *c, uint64_t now_s, struct diag *d)
{
	uint64_t last = 0;

	TRY(number_get(c->ledger, "clock", &last, d));
	if (now_s + CONTROLLER_CLOCK_SLACK_S < last)
		FAIL_ID(d, INVALID, 'D', 304, "the clock is %llu s behind the ledger's last entry: nothing is done",
			(unsigned long long)(last - now_s));
	return E_OK;
}

static FALLIBLE round_of(struct tick *t)
{
	struct controller *c = t->c;
	enum err err;

	TRY(check_clock(c, t->now_s, t->d));
	TRY(controller_trust(c->ledger, c->repo, (struct view){ 0 }, (struct view){ 0 }, t->trust, t->now_s, t->d));
	t->plan = &t->trust->root.plan;
	TRY(flush(c, &t->report.objects, t->d));
	told(c, "begin");
	TRY(ledger_begin(c->ledger, t->d));
	err = decide(t);
	if (err == E_OK) {
		told(c, "commit");
		err = ledger_commit(c->ledger, t->d);
	}
	ledger_rollback(c->ledger);
	TRY(err);
	told(c, "flush");
	return flush(c, &t->report.objects, t->d);
}

FALLIBLE controller_tick(struct controller *c, uint64_t now_s, struct controller_report *out, struct diag *d)
{
	AUTO_FREE struct trust *trust = calloc(1, sizeof *trust);
	AUTO_FREE struct tick *t = calloc(1, sizeof *t);
	struct diag own;

	if (!t || !trust)
		return E_NOMEM;
	diag_init(&own);
	t->c = c;
	t->trust = trust;
	t->now_s = now_s;
	t->d = d ? d : &own;
	TRY(round_of(t));
	*out = t->report;
	return E_OK;
}

FALLIBLE controller_gate(struct ledger *l, const struct release *r, const struct plan *plan, const struct gate_opts *o,
			 uint64_t now_s, struct gate *g, struct gate_result *out, struct diag *d)
{
	if (r->state < RELEASE_RING)
		return E_NOT_FOUND;
	TRY(gate_load(l, r, g, d));
	gate_judge(g, o, plan, now_s, out);
	return E_OK;
}
