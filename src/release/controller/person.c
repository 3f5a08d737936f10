/* SPDX-License-Identifier: Apache-2.0 */
/* person: what people do to releases; a person can stop anything, and can make no gate pass. */
#include <sodium.h>

#include "release/controller/internal.h"

struct act {
	struct controller *c;
	struct trust *trust;
	const char *actor;
	uint64_t now_s;
	struct diag *d;
};

static FALLIBLE find_release(struct controller *c, const uint8_t id[16], struct release *out, struct diag *d)
{
	AUTO_FREE struct release *all = calloc(LEDGER_MAX_RELEASES, sizeof *all);
	uint32_t n = 0;

	if (!all)
		return E_NOMEM;
	TRY(ledger_releases(c->ledger, all, LEDGER_MAX_RELEASES, &n, d));
	for (uint32_t i = 0; i < n; i++)
		if (!memcmp(all[i].id, id, sizeof all[i].id)) {
			*out = all[i];
			return E_OK;
		}
	FAIL_ID(d, NOT_FOUND, 'D', 330, "there is no such release");
}

/* One transaction around fn. */
static FALLIBLE within(struct controller *c, const char *actor, uint64_t now_s, enum err (*fn)(struct act *, void *),
		       void *user, struct diag *d)
{
	AUTO_FREE struct trust *trust = calloc(1, sizeof *trust);
	struct act a = { c, trust, actor, now_s, d };
	enum err err;

	if (!trust)
		return E_NOMEM;
	TRY(controller_trust(c->ledger, c->repo, (struct view){ 0 }, (struct view){ 0 }, trust, now_s, d));
	TRY(ledger_begin(c->ledger, d));
	err = fn(&a, user);
	if (err == E_OK)
		err = ledger_commit(c->ledger, d);
	ledger_rollback(c->ledger);
	return err;
}

/* Publish */

struct publishing {
	const struct controller_bundle *b;
	struct release r;
};

static bool is_over(enum release_state s)
{
	return s == RELEASE_WITHDRAWN || s == RELEASE_SUPERSEDED || s == RELEASE_ABORTED;
}

static FALLIBLE check_new(struct act *a, const struct controller_bundle *b)
{
	AUTO_FREE struct release *all = calloc(LEDGER_MAX_RELEASES, sizeof *all);
	uint64_t floor = 0;
	uint32_t n = 0;

	if (!all)
		return E_NOMEM;
	TRY(number_get(a->c->ledger, "floor", &floor, a->d));
	if (b->security_floor < floor)
		FAIL_ID(a->d, REJECTED, 'D', 331, "its security floor %llu is below %llu, which hosts insist on",
			(unsigned long long)b->security_floor, (unsigned long long)floor);
	TRY(ledger_releases(a->c->ledger, all, LEDGER_MAX_RELEASES, &n, a->d));
	for (uint32_t i = 0; i < n; i++) {
		if (memcmp(all[i].digest, b->digest, sizeof b->digest) != 0)
			continue;
		if (all[i].state == RELEASE_WITHDRAWN || all[i].state == RELEASE_REVERTING ||
		    all[i].state == RELEASE_HALTED)
			FAIL_ID(a->d, REJECTED, 'D', 332, "this bundle was halted and revoked as %s", all[i].version);
		if (!is_over(all[i].state))
			FAIL_ID(a->d, EXISTS, 'D', 333, "this bundle is the release %s already, which is %s",
				all[i].version, release_state_name(all[i].state));
	}
	return E_OK;
}

static FALLIBLE step_on(struct act *a, struct release *r, enum release_event ev)
{
	struct release_step s;

	TRY(release_on(r, ev, NULL, &a->trust->root.plan, a->now_s, &s, a->d));
	return write_step(a->c->ledger, r, &s, ev, a->actor, a->now_s, a->d);
}

static FALLIBLE keep_release(struct act *a, const struct publishing *p)
{
	AUTO_FREE struct kept *k = calloc(1, sizeof *k);

	if (!k)
		return E_NOMEM;
	k->created_s = a->now_s;
	k->floor = p->b->security_floor;
	for (uint32_t i = 0; i < p->b->n_changed && i < GATE_MAX_RULES; i++)
		(void)snprintf(k->changed[k->n_changed++], HEALTH_RULE_BYTES, "%.*s", HEALTH_RULE_BYTES - 1,
			       p->b->changed[i]);
	return kept_put(a->c->ledger, p->r.id, k, a->d);
}

static enum err publish(struct act *a, void *user)
{
	static const enum release_event way[] = { RELEASE_EV_COMPILED, RELEASE_EV_PROVEN, RELEASE_EV_SIGNED };
	struct publishing *p = user;
	struct release *r = &p->r;

	TRY(check_new(a, p->b));
	*r = (struct release){ .lane = p->b->lane, .state = RELEASE_DRAFT, .since_s = a->now_s };
	/* Nobody can know which hosts will be first before it is published. */
	randombytes_buf(r->id, sizeof r->id);
	memcpy(r->digest, p->b->digest, sizeof r->digest);
	memcpy(r->channel, p->b->channel, sizeof r->channel);
	memcpy(r->version, p->b->version, sizeof r->version);
	TRY(ledger_next(a->c->ledger, "release", &r->number, a->d));
	TRY(keep_release(a, p));
	TRY(ledger_put_release(a->c->ledger, r, a->actor, "draft", NULL, a->now_s, a->d));
	for (size_t i = 0; i < countof(way); i++)
		TRY(step_on(a, r, way[i]));
	return E_OK;
}

FALLIBLE controller_publish(struct controller *c, const struct controller_bundle *b, const char *actor, uint64_t now_s,
			    struct release *out, struct diag *d)
{
	struct publishing p = { .b = b };

	TRY(within(c, actor, now_s, publish, &p, d));
	*out = p.r;
	return E_OK;
}

/* Pause, resume, halt, revert */

struct command {
	const uint8_t *id;
	enum release_event ev;
	struct release_step step;
	uint32_t ring;
};

static FALLIBLE dismiss(struct act *a, const struct release *r)
{
	AUTO_FREE struct gate *g = calloc(1, sizeof *g);

	if (!g)
		return E_NOMEM;
	TRY(gate_load(a->c->ledger, r, g, a->d));
	gate_dismiss(g, a->now_s);
	return gate_store(a->c->ledger, r, g, &a->c->gate, a->now_s, a->d);
}

static enum err command(struct act *a, void *user)
{
	struct command *k = user;
	struct release r;

	TRY(find_release(a->c, k->id, &r, a->d));
	TRY(release_on(&r, k->ev, NULL, &a->trust->root.plan, a->now_s, &k->step, a->d));
	if (k->ev == RELEASE_EV_RESUME)
		TRY(dismiss(a, &r));
	if (k->step.action == RELEASE_DO_REVOKE)
		TRY(revoke_release(a->c, a->trust, &r, a->d));
	return write_step(a->c->ledger, &r, &k->step, k->ev, a->actor, a->now_s, a->d);
}

FALLIBLE controller_person(struct controller *c, const uint8_t release[16], enum release_event ev, const char *actor,
			   uint64_t now_s, struct release_step *out, struct diag *d)
{
	struct command k = { .id = release, .ev = ev };

	if (ev != RELEASE_EV_PAUSE && ev != RELEASE_EV_RESUME && ev != RELEASE_EV_HALT && ev != RELEASE_EV_REVERT)
		FAIL_ID(d, REJECTED, 'D', 334, "'%s' is not for people", release_event_name(ev));
	TRY(within(c, actor, now_s, command, &k, d));
	*out = k.step;
	return E_OK;
}

/* Approve */

static FALLIBLE log_approval(struct act *a, const struct release *r, const struct object_promotion *p)
{
	char body[320], digest[HEX32];

	object_hex(r->digest, sizeof r->digest, digest);
	(void)snprintf(body, sizeof body,
		       "{\"digest\":\"%s\",\"ring\":%u,\"rollback\":%s,\"seq\":%llu,\"version\":\"%s\"}", digest,
		       p->ring, p->rollback ? "true" : "false", (unsigned long long)p->seq, r->version);
	return ledger_log(a->c->ledger, a->actor, "approve", body, a->now_s, a->d);
}

/* Signed by the person's key, which must be one of the root's. */
static FALLIBLE sign_approval(struct act *a, const struct release *r, const struct object_promotion *p)
{
	AUTO(arena_done) struct arena arena;
	struct ledger_object o, made;
	struct buf bytes;
	enum err err;

	arena_init(&arena, 1 << 20);
	buf_init(&bytes, OBJECT_MAX_BYTES);
	err = promotion_object(a->c, p, a->c->keys.approve, &o, &bytes, a->d);
	buf_done(&bytes);
	TRY(err);
	TRY(ledger_get_object(a->c->ledger, o.name, &arena, &made, a->d));
	TRY(trust_verify(&a->trust->root, ROLE_APPROVE, 0, made.bytes, made.signatures, a->d));
	return log_approval(a, r, p);
}

static FALLIBLE needs_key(const struct act *a)
{
	if (!a->c->keys.approve)
		FAIL_ID(a->d, REJECTED, 'D', 335, "this needs a person's key (of the role 'approve')");
	return E_OK;
}

static FALLIBLE approve_next(struct act *a, const struct release *r, uint32_t ring, const struct gate *g)
{
	uint32_t cutoff = ring == PLAN_BLESSED ? UINT32_MAX : a->trust->root.plan.ring[ring].cutoff;
	struct object_promotion p;

	TRY(fresh_promotion(a->c, a->trust, r, ring, cutoff, a->now_s, &p, a->d));
	if (g)
		TRY(put_evidence(a->c, a->trust, r, g, a->now_s, p.evidence, a->d));
	return sign_approval(a, r, &p);
}

static enum err approve(struct act *a, void *user)
{
	AUTO_FREE struct gate *g = calloc(1, sizeof *g);
	const struct plan *plan = &a->trust->root.plan;
	struct gate_result result;
	struct command *k = user;
	struct release r;

	if (!g)
		return E_NOMEM;
	TRY(find_release(a->c, k->id, &r, a->d));
	if (r.state != RELEASE_SIGNED && r.state != RELEASE_RING)
		FAIL_ID(a->d, REJECTED, 'D', 336, "release %s is %s: nothing of it waits for a person", r.version,
			release_state_name(r.state));
	k->ring = r.state == RELEASE_SIGNED ? 0 : release_next_ring(plan, r.ring, r.fleet);
	if (!controller_needs_person(&r, k->ring))
		FAIL_ID(a->d, REJECTED, 'D', 336,
			"ring %u needs no person: the controller opens it when its time has come", k->ring);
	TRY(needs_key(a));
	if (r.state == RELEASE_SIGNED)
		return approve_next(a, &r, k->ring, NULL);
	TRY(controller_gate(a->c->ledger, &r, plan, &a->c->gate, a->now_s, g, &result, a->d));
	if (!GUARD(25, result.verdict == GATE_PASS))
		FAIL_ID(a->d, REJECTED, 'D', 337, "the gate has not passed: %s", result.text);
	return approve_next(a, &r, k->ring, g);
}

FALLIBLE controller_approve(struct controller *c, const uint8_t release[16], const char *actor, uint64_t now_s,
			    uint32_t *ring, struct diag *d)
{
	struct command k = { .id = release };

	TRY(within(c, actor, now_s, approve, &k, d));
	*ring = k.ring;
	return E_OK;
}

/* Back to what was blessed before */

struct going_back {
	const struct release *from;
	struct release to;
};

static FALLIBLE find_blessed(struct act *a, const struct release *from, uint64_t floor, struct release *out)
{
	AUTO_FREE struct release *all = calloc(LEDGER_MAX_RELEASES, sizeof *all);
	AUTO_FREE struct kept *k = calloc(1, sizeof *k);
	uint32_t n = 0;

	if (!all || !k)
		return E_NOMEM;
	TRY(ledger_releases(a->c->ledger, all, LEDGER_MAX_RELEASES, &n, a->d));
	for (uint32_t i = 0; i < n; i++) {
		if (all[i].state != RELEASE_BLESSED || strcmp(all[i].channel, from->channel) != 0 ||
		    all[i].number >= from->number)
			continue;
		TRY(kept_get(a->c->ledger, all[i].id, k, a->d));
		if (k->floor < floor)
			continue;
		*out = all[i];
		return E_OK;
	}
	FAIL_ID(a->d, NOT_FOUND, 'D', 338,
		"channel %s has no older blessed release at or above the security floor %llu", from->channel,
		(unsigned long long)floor);
}

static enum err go_back(struct act *a, void *user)
{
	struct going_back *b = user;
	struct object_promotion p;
	uint64_t floor = 0;

	TRY(needs_key(a));
	TRY(number_get(a->c->ledger, "floor", &floor, a->d));
	TRY(find_blessed(a, b->from, floor, &b->to));
	TRY(fresh_promotion(a->c, a->trust, &b->to, PLAN_BLESSED, UINT32_MAX, a->now_s, &p, a->d));
	p.rollback = true;
	return sign_approval(a, &b->to, &p);
}

FALLIBLE controller_rollback(struct controller *c, const struct release *from, const char *actor, uint64_t now_s,
			     struct release *to, struct diag *d)
{
	struct going_back b = { .from = from };

	TRY(within(c, actor, now_s, go_back, &b, d));
	*to = b.to;
	return E_OK;
}

/* Revokes that wait */

struct waiting {
	char name[LEDGER_MAX_RELEASES][LEDGER_NAME_BYTES];
	uint32_t n, done;
};

static bool note_waiting(void *user, const struct ledger_object *o)
{
	struct waiting *w = user;

	if (strncmp(o->name, "revoke/", 7) != 0)
		return true;
	memcpy(w->name[w->n++], o->name, LEDGER_NAME_BYTES);
	return w->n < countof(w->name);
}

static enum err sign_waiting(struct act *a, void *user)
{
	struct waiting *w = user;

	TRY(ledger_each_object(a->c->ledger, LEDGER_PENDING, note_waiting, w, a->d));
	for (uint32_t i = 0; i < w->n; i++) {
		AUTO(arena_done) struct arena arena;
		struct ledger_object o;
		char body[LEDGER_NAME_BYTES + 32];
		bool done;

		arena_init(&arena, 1 << 20);
		TRY(ledger_get_object(a->c->ledger, w->name[i], &arena, &o, a->d));
		TRY(sign_revoke(a->c, a->trust, &o, &done, a->d));
		w->done += done;
		(void)snprintf(body, sizeof body, "{\"object\":\"%s\"}", w->name[i]);
		TRY(ledger_log(a->c->ledger, a->actor, "sign", body, a->now_s, a->d));
	}
	return E_OK;
}

FALLIBLE controller_sign_revokes(struct controller *c, const char *actor, uint64_t now_s, uint32_t *n, struct diag *d)
{
	AUTO_FREE struct waiting *w = calloc(1, sizeof *w);

	if (!w)
		return E_NOMEM;
	TRY(within(c, actor, now_s, sign_waiting, w, d));
	*n = w->done;
	return E_OK;
}

void controller_waits_for(struct ledger *l, const struct release *r, const struct plan *plan,
			  const struct gate_result *result, struct buf *out)
{
	uint32_t next = r->state == RELEASE_SIGNED ? 0 : release_next_ring(plan, r->ring, r->fleet);
	bool ready = r->state == RELEASE_SIGNED || (r->state == RELEASE_RING && r->passed);

	(void)l;
	if (ready && controller_needs_person(r, next))
		buf_printf(out, "a person's signature: sallyport release promote %s", r->version);
	else if (r->state == RELEASE_SIGNED)
		buf_puts(out, "ring 0 to be free");
	else if (ready)
		buf_puts(out, "the next ring to be free");
	else if (r->state == RELEASE_PAUSED && r->by_person)
		buf_printf(out, "a person: sallyport release resume %s", r->version);
	else if ((r->state == RELEASE_RING || r->state == RELEASE_PAUSED) && result)
		buf_put_safe(out, result->text, strlen(result->text));
	else if (r->state == RELEASE_REVERTING)
		buf_puts(out, "hosts to give it up");
}
