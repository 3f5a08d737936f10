/* SPDX-License-Identifier: Apache-2.0 */
/*
 * act: what follows for each release, written down and signed. There is one way to a promotion of a later ring: the
 * machine opened it after its gate passed, and the evidence, read back, passes again.
 */
#include "release/controller/internal.h"

enum { OBJECT_ARENA = 1 << 20 };

bool controller_needs_person(const struct release *r, uint32_t ring)
{
	return ring >= TRUST_APPROVE_RING || r->lane == PLAN_URGENT;
}

static void per_release(const char *what, const struct release *r, uint32_t ring, char out[LEDGER_NAME_BYTES])
{
	char hex[HEX16];

	object_hex(r->id, sizeof r->id, hex);
	(void)snprintf(out, LEDGER_NAME_BYTES, "%s/%s-%u", what, hex, ring);
}

FALLIBLE write_step(struct ledger *l, const struct release *r, const struct release_step *s, enum release_event ev,
		    const char *actor, uint64_t now_s, struct diag *d)
{
	char digest[HEX32], kind[64];
	struct buf body;
	struct json j;
	enum err err;

	object_hex(r->digest, sizeof r->digest, digest);
	(void)snprintf(kind, sizeof kind, "%s",
		       s->action == RELEASE_DO_PROMOTE ? "promote" : release_state_name(s->to));
	buf_init(&body, LEDGER_MAX_TEXT);
	json_init(&j, &body);
	json_object(&j);
	json_key(&j, "cutoff");
	json_u64(&j, r->cutoff);
	json_key(&j, "digest");
	json_str(&j, digest);
	json_key(&j, "event");
	json_str(&j, release_event_name(ev));
	json_key(&j, "from");
	json_str(&j, release_state_name(s->from));
	json_key(&j, "ring");
	json_u64(&j, r->ring);
	json_key(&j, "to");
	json_str(&j, release_state_name(s->to));
	json_key(&j, "version");
	json_str(&j, r->version);
	json_key(&j, "why");
	json_str(&j, s->why);
	json_end_object(&j);
	err = body.full ? E_NOMEM : ledger_put_release(l, r, actor, kind, body.p, now_s, d);
	buf_done(&body);
	return err;
}

FALLIBLE open_gate(struct controller *c, const struct release *r, const struct gate *before, const struct plan *plan,
		   uint64_t now_s, struct diag *d)
{
	AUTO_FREE struct gate *g = calloc(1, sizeof *g);

	if (!g)
		return E_NOMEM;
	gate_init(g, before, r->ring, r->lane, r->fleet, now_s, release_ramped_s(r, plan));
	return gate_store(c->ledger, r, g, &c->gate, now_s, d);
}

static FALLIBLE check_evidence(struct controller *c, const struct release *r, struct view bytes,
			       const struct plan *plan, uint32_t ring, struct diag *d)
{
	AUTO_FREE struct gate_evidence *e = calloc(1, sizeof *e);

	if (!e)
		return E_NOMEM;
	TRY(gate_read_evidence(bytes, e, d));
	return gate_check_evidence(e, &c->gate, plan, r->digest, r->id, ring, d);
}

FALLIBLE put_evidence(struct controller *c, const struct trust *trust, const struct release *r, const struct gate *g,
		      uint64_t now_s, uint8_t digest[OBJECT_DIGEST_BYTES], struct diag *d)
{
	struct ledger_object o = { .state = LEDGER_READY };
	char hex[HEX32];
	struct buf b;
	enum err err;

	buf_init(&b, GATE_EVIDENCE_MAX_BYTES);
	err = gate_bytes(c->ledger, r, g, &c->gate, now_s, &b, d);
	o.bytes = view_of(b.p, b.len);
	if (err == E_OK) {
		err = check_evidence(c, r, o.bytes, &trust->root.plan, g->ring, d);
		err = GUARD(25, err == E_OK) ? E_OK : err;
	}
	object_digest(o.bytes, digest);
	object_hex(digest, OBJECT_DIGEST_BYTES, hex);
	(void)snprintf(o.name, sizeof o.name, "evidence/%s", hex);
	memcpy(o.release, r->id, sizeof o.release);
	if (err == E_OK)
		err = ledger_put_object(c->ledger, &o, false, d);
	buf_done(&b);
	return err;
}

/* Promotions */

struct search {
	struct arena *a;
	const struct release *r;
	const char *prefix;
	struct ledger_object found; /* in the arena */
	bool there, nomem;
};

static bool is_of(void *user, const struct ledger_object *o)
{
	struct search *s = user;
	uint8_t *p;

	if (memcmp(o->release, s->r->id, sizeof o->release) != 0 || strncmp(o->name, s->prefix, strlen(s->prefix)) != 0)
		return true;
	p = arena_alloc(s->a, o->bytes.len + o->signatures.len + 1);
	s->nomem = !p;
	if (!p)
		return false;
	s->there = true;
	s->found = *o;
	memcpy(p, o->bytes.p, o->bytes.len);
	s->found.bytes = view_of(p, o->bytes.len);
	if (o->signatures.len)
		memcpy(p + o->bytes.len, o->signatures.p, o->signatures.len);
	s->found.signatures = view_of(p + o->bytes.len, o->signatures.len);
	return true; /* the newest counts */
}

static FALLIBLE find_pending(struct controller *c, const struct release *r, const char *prefix, struct arena *a,
			     struct ledger_object *out, struct diag *d)
{
	struct search s = { .a = a, .r = r, .prefix = prefix };

	TRY(ledger_each_object(c->ledger, LEDGER_PENDING, is_of, &s, d));
	if (s.nomem)
		return E_NOMEM;
	if (!s.there)
		return E_NOT_FOUND;
	*out = s.found;
	return E_OK;
}

FALLIBLE find_approved(struct controller *c, const struct trust *trust, const struct release *r, uint32_t ring,
		       uint64_t now_s, struct arena *a, struct ledger_object *out, struct object_promotion *p,
		       struct diag *d)
{
	uint64_t published = 0;
	struct diag why;

	TRY(find_pending(c, r, "promotion/", a, out, d));
	TRY(published_number(c->ledger, "promotion", trust->root.epoch, &published, d));
	diag_init(&why);
	if (trust_verify(&trust->root, ROLE_APPROVE, 0, out->bytes, out->signatures, &why) != E_OK ||
	    object_read_promotion(out->bytes, p, &why) != E_OK)
		return E_NOT_FOUND;
	/* Overtaken by another promotion, too old, or for a ring that is not the next: it is asked for again. */
	if (p->epoch != trust->root.epoch || p->seq <= published || p->ring != ring || p->expires <= now_s ||
	    memcmp(p->digest, r->digest, sizeof p->digest) != 0)
		return E_NOT_FOUND;
	return E_OK;
}

static FALLIBLE complete(struct tick *t, const struct release *r, struct ledger_object *o,
			 const struct object_promotion *p, bool with_approve)
{
	const struct sign_secret *keys[] = { t->c->keys.promote, with_approve ? t->c->keys.approve : NULL };
	AUTO(arena_done) struct arena a;
	struct ledger_object made;
	char comment[128];

	arena_init(&a, OBJECT_ARENA);
	if (!t->c->keys.promote)
		FAIL_ID(t->d, REJECTED, 'D', 302, "there is no key here that signs promotions");
	(void)snprintf(comment, sizeof comment, "promotion %u-%llu %s %s ring %u", p->epoch, (unsigned long long)p->seq,
		       r->channel, r->version, p->ring);
	o->state = LEDGER_READY;
	TRY(sign_into(t->c, o, keys, countof(keys), comment, false, t->d));
	/* What hosts would not take is not put. */
	TRY(ledger_get_object(t->c->ledger, o->name, &a, &made, t->d));
	TRY(trust_verify(&t->trust->root, ROLE_PROMOTE, 0, made.bytes, made.signatures, t->d));
	if (controller_needs_person(r, p->ring))
		TRY(trust_verify(&t->trust->root, ROLE_APPROVE, 0, made.bytes, made.signatures, t->d));
	return publish_number(t->c->ledger, "promotion", p->epoch, p->seq, t->d);
}

static void name_promotion(struct ledger_object *o, const struct object_promotion *p)
{
	(void)snprintf(o->name, sizeof o->name, "promotion/%u-%llu", p->epoch, (unsigned long long)p->seq);
	memcpy(o->release, p->release, sizeof o->release);
}

FALLIBLE promotion_object(struct controller *c, const struct object_promotion *p, const struct sign_secret *key,
			  struct ledger_object *o, struct buf *bytes, struct diag *d)
{
	*o = (struct ledger_object){ .state = LEDGER_PENDING };
	name_promotion(o, p);
	TRY(object_write_promotion(p, bytes, d));
	o->bytes = view_of(bytes->p, bytes->len);
	return key ? sign_into(c, o, &key, 1, "approved by a person", false, d) : E_OK;
}

/* The digest that promotions into this ring cite: of the gate of the ring before. */
static FALLIBLE cited(struct tick *t, const struct release *r, uint32_t ring, uint8_t out[OBJECT_DIGEST_BYTES])
{
	AUTO(arena_done) struct arena a;
	char name[LEDGER_NAME_BYTES];
	struct view v;
	enum err err;

	arena_init(&a, 4096);
	memset(out, 0, OBJECT_DIGEST_BYTES);
	per_release("cited", r, ring, name);
	err = ledger_get_value(t->c->ledger, name, &a, &v, t->d);
	if (err == E_NOT_FOUND)
		return E_OK;
	TRY(err);
	if (v.len != OBJECT_DIGEST_BYTES)
		FAIL_ID(t->d, FORMAT, 'D', 301, "the ledger is damaged: '%s'", name);
	memcpy(out, v.p, v.len);
	return E_OK;
}

static FALLIBLE cite(struct tick *t, const struct release *r, uint32_t ring, const struct gate *before)
{
	uint8_t digest[OBJECT_DIGEST_BYTES];
	char name[LEDGER_NAME_BYTES];

	TRY(put_evidence(t->c, t->trust, r, before, t->now_s, digest, t->d));
	per_release("cited", r, ring, name);
	return ledger_put_value(t->c->ledger, name, view_of(digest, sizeof digest), t->d);
}

static FALLIBLE promote_by_itself(struct tick *t, const struct release *r, uint32_t ring, uint32_t cutoff,
				  struct object_promotion *p)
{
	struct ledger_object o;
	struct buf bytes;
	enum err err;

	TRY(fresh_promotion(t->c, t->trust, r, ring, cutoff, t->now_s, p, t->d));
	TRY(cited(t, r, ring, p->evidence));
	buf_init(&bytes, OBJECT_MAX_BYTES);
	err = promotion_object(t->c, p, NULL, &o, &bytes, t->d);
	if (err == E_OK)
		err = complete(t, r, &o, p, controller_needs_person(r, ring));
	buf_done(&bytes);
	return err;
}

/*
 * The promotion of r into this ring, or of more of it. One that a person signed names the whole ring: it has the
 * evidence of the moment when it was signed.
 */
static FALLIBLE promote(struct tick *t, struct release *r, uint32_t ring, bool opens)
{
	AUTO(arena_done) struct arena a;
	struct object_promotion p;
	struct ledger_object o;
	char name[LEDGER_NAME_BYTES];
	enum err err = E_NOT_FOUND;

	arena_init(&a, OBJECT_ARENA);
	if (opens && controller_needs_person(r, ring))
		err = find_approved(t->c, t->trust, r, ring, t->now_s, &a, &o, &p, t->d);
	if (err == E_OK) {
		TRY(complete(t, r, &o, &p, false));
		r->cutoff = p.cutoff;
	} else if (err == E_NOT_FOUND) {
		TRY(promote_by_itself(t, r, ring, ring == PLAN_BLESSED ? UINT32_MAX : r->cutoff, &p));
	} else {
		return err;
	}
	if (!opens)
		return E_OK;
	per_release("opened", r, ring, name);
	return number_put(t->c->ledger, name, p.seq, t->d);
}

/* Revokes */

static uint32_t revokers(const struct trust *trust, bool blessed)
{
	uint32_t n = trust->root.threshold[ROLE_REVOKE];

	return blessed && n < TRUST_BLESSED_REVOKERS ? TRUST_BLESSED_REVOKERS : n;
}

static FALLIBLE revoke_is_complete(const struct trust *trust, const struct ledger_object *o, uint64_t *seq, bool *out,
				   struct diag *d)
{
	struct object_revoke v;
	struct diag why;

	TRY(object_read_revoke(o->bytes, &v, d));
	diag_init(&why);
	*seq = v.seq;
	*out = trust_verify(&trust->root, ROLE_REVOKE, revokers(trust, v.blessed), o->bytes, o->signatures, &why) ==
	       E_OK;
	return E_OK;
}

FALLIBLE sign_revoke(struct controller *c, const struct trust *trust, struct ledger_object *o, bool *done,
		     struct diag *d)
{
	AUTO(arena_done) struct arena a;
	struct ledger_object made;
	uint64_t seq = 0;

	arena_init(&a, OBJECT_ARENA);
	*done = false;
	TRY(sign_into(c, o, c->keys.revoke, CONTROLLER_MAX_REVOKERS, "revoke", false, d));
	TRY(ledger_get_object(c->ledger, o->name, &a, &made, d));
	TRY(revoke_is_complete(trust, &made, &seq, done, d));
	if (!*done)
		return E_OK;
	TRY(ledger_set_object(c->ledger, o->name, LEDGER_READY, d));
	return publish_number(c->ledger, "revoke", trust->root.epoch, seq, d);
}

FALLIBLE revoke_release(struct controller *c, const struct trust *trust, const struct release *r, struct diag *d)
{
	struct object_revoke v = { .epoch = trust->root.epoch, .n = 1 };
	struct ledger_object o = { .state = LEDGER_PENDING };
	char name[LEDGER_NAME_BYTES];
	uint64_t blessed = 0;
	struct buf bytes;
	bool done;
	enum err err;

	per_release("blessed", r, PLAN_BLESSED, name);
	TRY(number_get(c->ledger, name, &blessed, d));
	TRY(next_number(c->ledger, "revoke", v.epoch, &v.seq, d));
	v.blessed = blessed != 0;
	memcpy(v.digest[0], r->digest, sizeof v.digest[0]);
	buf_init(&bytes, OBJECT_MAX_BYTES);
	err = object_write_revoke(&v, &bytes, d);
	o.bytes = view_of(bytes.p, bytes.len);
	memcpy(o.release, r->id, sizeof o.release);
	(void)snprintf(o.name, sizeof o.name, "revoke/%u-%llu", v.epoch, (unsigned long long)v.seq);
	if (err == E_OK)
		err = sign_revoke(c, trust, &o, &done, d);
	buf_done(&bytes);
	return err;
}

/* A revoke that still waits for a signature: overtaken by another one it gets a new number; else our keys, if new. */
static FALLIBLE tend_revoke(struct tick *t, const struct release *r)
{
	AUTO(arena_done) struct arena a;
	struct ledger_object o;
	uint64_t published = 0, seq = 0;
	bool done;
	enum err err;

	arena_init(&a, OBJECT_ARENA);
	err = find_pending(t->c, r, "revoke/", &a, &o, t->d);
	if (err == E_NOT_FOUND)
		return E_OK;
	TRY(err);
	TRY(published_number(t->c->ledger, "revoke", t->trust->root.epoch, &published, t->d));
	TRY(revoke_is_complete(t->trust, &o, &seq, &done, t->d));
	if (seq <= published) {
		TRY(ledger_set_object(t->c->ledger, o.name, LEDGER_DROPPED, t->d));
		return revoke_release(t->c, t->trust, r, t->d);
	}
	return o.signatures.len ? E_OK : sign_revoke(t->c, t->trust, &o, &done, t->d);
}

/* Steps */

static FALLIBLE open_ring(struct tick *t, struct release *r, const struct release_step *s, const struct gate *before)
{
	bool first = s->from == RELEASE_SIGNED;

	if (!first) {
		assert(GUARD(25, before) && "a later ring opens after a gate");
		TRY(cite(t, r, r->ring, before));
	}
	TRY(promote(t, r, r->ring, true));
	return open_gate(t->c, r, first ? NULL : before, t->plan, t->now_s, t->d);
}

static FALLIBLE bless(struct tick *t, struct release *r, const struct gate *before)
{
	char name[LEDGER_NAME_BYTES];
	struct kept kept;
	uint64_t floor = 0;

	TRY(cite(t, r, PLAN_BLESSED, before));
	TRY(promote(t, r, PLAN_BLESSED, true));
	TRY(kept_get(t->c->ledger, r->id, &kept, t->d));
	TRY(number_get(t->c->ledger, "floor", &floor, t->d));
	if (kept.floor > floor)
		TRY(number_put(t->c->ledger, "floor", kept.floor, t->d));
	per_release("blessed", r, PLAN_BLESSED, name);
	return number_put(t->c->ledger, name, t->now_s, t->d);
}

static FALLIBLE reproduce(struct tick *t, const struct release *r, struct gate *g)
{
	enum controller_answer answer = t->c->reproduce ? t->c->reproduce(t->c->user, r) : CONTROLLER_RUNNING;
	char body[128], hex[HEX32];

	if (answer == CONTROLLER_RUNNING)
		return E_OK;
	gate_reproduction(g, answer == CONTROLLER_DIED, t->now_s);
	TRY(gate_store(t->c->ledger, r, g, &t->c->gate, t->now_s, t->d));
	object_hex(r->digest, sizeof r->digest, hex);
	(void)snprintf(body, sizeof body, "{\"died\":%s,\"digest\":\"%s\"}",
		       answer == CONTROLLER_DIED ? "true" : "false", hex);
	return ledger_log(t->c->ledger, "controller", "reproduce", body, t->now_s, t->d);
}

static FALLIBLE do_step(struct tick *t, struct release *r, const struct release_step *s, struct gate *g)
{
	switch (s->action) {
	case RELEASE_DO_PROMOTE:
		if (s->from == RELEASE_SIGNED || r->ring != g->ring)
			return open_ring(t, r, s, g);
		return promote(t, r, r->ring, false);
	case RELEASE_DO_BLESS:
		return bless(t, r, g);
	case RELEASE_DO_REVOKE:
		return revoke_release(t->c, t->trust, r, t->d);
	case RELEASE_DO_REPRODUCE:
		return reproduce(t, r, g);
	case RELEASE_DO_NOTHING:
	case RELEASE_DO_PAUSE:
		return E_OK;
	}
	return E_BUG;
}

/* Releases of its channel, as release_claim wants them; who is where in t->all. */
struct channel {
	struct release all[LEDGER_MAX_RELEASES];
	uint32_t at[LEDGER_MAX_RELEASES], n, me;
	bool supersede[LEDGER_MAX_RELEASES];
};

static void find_channel(const struct tick *t, uint32_t i, struct channel *c)
{
	*c = (struct channel){ 0 };
	for (uint32_t k = 0; k < t->n; k++) {
		if (strcmp(t->all[k].channel, t->all[i].channel) != 0)
			continue;
		if (k == i)
			c->me = c->n;
		c->at[c->n] = k;
		c->all[c->n++] = t->all[k];
	}
}

static FALLIBLE supersede(struct tick *t, const struct channel *c)
{
	for (uint32_t k = 0; k < c->n; k++) {
		struct release *other = &t->all[c->at[k]];
		struct release_step s;

		if (!c->supersede[k])
			continue;
		TRY(release_on(other, RELEASE_EV_SUPERSEDED, NULL, t->plan, t->now_s, &s, t->d));
		TRY(write_step(t->c->ledger, other, &s, RELEASE_EV_SUPERSEDED, "controller", t->now_s, t->d));
		t->report.steps++;
	}
	return E_OK;
}

/* A person's signature that the next ring needs: at hand, or given already. */
static FALLIBLE has_signature(struct tick *t, const struct release *r, bool *out)
{
	uint32_t next = r->state == RELEASE_SIGNED ? 0 : release_next_ring(t->plan, r->ring, r->fleet);
	AUTO(arena_done) struct arena a;
	struct object_promotion p;
	struct ledger_object o;
	enum err err;

	arena_init(&a, OBJECT_ARENA);
	*out = !controller_needs_person(r, next) || t->c->keys.approve;
	if (*out)
		return E_OK;
	err = find_approved(t->c, t->trust, r, next, t->now_s, &a, &o, &p, t->d);
	*out = err == E_OK;
	return err == E_NOT_FOUND ? E_OK : err;
}

static bool is_same(const struct release *a, const struct release *b)
{
	return a->state == b->state && a->ring == b->ring && a->cutoff == b->cutoff && a->passed == b->passed &&
	       a->since_s == b->since_s && a->blocked == b->blocked;
}

/* More of a ring that a person must sign for, without the key: the ring stays as it is. */
static bool cannot_ramp(const struct tick *t, const struct release *r, const struct release_step *s,
			const struct gate *g)
{
	return s->action == RELEASE_DO_PROMOTE && s->from == RELEASE_RING && r->ring == g->ring &&
	       controller_needs_person(r, r->ring) && !t->c->keys.approve;
}

static FALLIBLE tick_release(struct tick *t, uint32_t i, struct gate *g, struct channel *ch)
{
	struct release r = t->all[i];
	bool has_gate = r.state == RELEASE_RING || r.state == RELEASE_PAUSED, claimed, is_signed = true;
	struct gate_result result;
	struct release_step s;

	if (has_gate) {
		TRY(gate_load(t->c->ledger, &r, g, t->d));
		gate_judge(g, &t->c->gate, t->plan, t->now_s, &result);
	}
	find_channel(t, i, ch);
	claimed = release_claim(ch->all, ch->n, ch->me, t->plan, t->now_s, ch->supersede);
	if (has_gate || r.state == RELEASE_SIGNED)
		TRY(has_signature(t, &r, &is_signed));
	r.blocked = !claimed || !is_signed;
	if (r.state == RELEASE_SIGNED)
		r.fleet = t->report.hosts;
	TRY(release_on(&r, RELEASE_EV_TICK, has_gate ? &result : NULL, t->plan, t->now_s, &s, t->d));
	if (cannot_ramp(t, &r, &s, g))
		return E_OK;
	if (s.action == RELEASE_DO_NOTHING && is_same(&r, &t->all[i]))
		return E_OK;
	if (s.action == RELEASE_DO_REPRODUCE && s.from == s.to)
		return do_step(t, &r, &s, g);
	TRY(do_step(t, &r, &s, g));
	TRY(write_step(t->c->ledger, &r, &s, RELEASE_EV_TICK, "controller", t->now_s, t->d));
	t->all[i] = r;
	t->report.steps++;
	if (s.action == RELEASE_DO_PROMOTE && (s.from == RELEASE_SIGNED || r.ring != g->ring || !has_gate))
		return supersede(t, ch);
	return E_OK;
}

struct holders {
	const struct tick *t;
	const struct release *r;
	uint64_t n;
};

static bool count_holder(void *user, const struct ledger_host *h)
{
	struct holders *c = user;

	c->n += host_is_active(h, c->t->now_s) && host_has(&h->health, c->r);
	return true;
}

static FALLIBLE end_revert(struct tick *t, struct release *r)
{
	struct holders holders = { .t = t, .r = r };
	struct release_step s;
	char name[LEDGER_NAME_BYTES];
	uint64_t since = 0;

	TRY(tend_revoke(t, r));
	per_release("reverting", r, 0, name);
	TRY(number_get(t->c->ledger, name, &since, t->d));
	if (!since)
		return number_put(t->c->ledger, name, t->now_s, t->d);
	TRY(ledger_hosts(t->c->ledger, count_holder, &holders, t->d));
	if (holders.n && t->now_s < since + CONTROLLER_REVERT_S)
		return E_OK;
	TRY(release_on(r, RELEASE_EV_REVERTED, NULL, t->plan, t->now_s, &s, t->d));
	t->report.steps++;
	TRY(ledger_forget_seen(t->c->ledger, r->id, t->d));
	return write_step(t->c->ledger, r, &s, RELEASE_EV_REVERTED, "controller", t->now_s, t->d);
}

/* A promotion back to it that a person signed. */
static FALLIBLE go_back_to(struct tick *t, const struct release *r)
{
	AUTO(arena_done) struct arena a;
	struct object_promotion p;
	struct ledger_object o;
	enum err err;

	arena_init(&a, OBJECT_ARENA);
	err = find_approved(t->c, t->trust, r, PLAN_BLESSED, t->now_s, &a, &o, &p, t->d);
	if (err == E_NOT_FOUND || (err == E_OK && !p.rollback))
		return E_OK;
	TRY(err);
	TRY(complete(t, r, &o, &p, false));
	t->report.steps++;
	return ledger_log(t->c->ledger, "controller", "rollback", NULL, t->now_s, t->d);
}

/* Oldest first: who was approved earlier has the lower number. */
FALLIBLE act_all(struct tick *t)
{
	AUTO_FREE struct channel *ch = malloc(sizeof *ch);
	AUTO_FREE struct gate *g = calloc(1, sizeof *g);

	if (!ch || !g)
		return E_NOMEM;
	for (uint32_t i = t->n; i-- > 0;) {
		enum release_state s = t->all[i].state;

		if (s == RELEASE_SIGNED || s == RELEASE_RING || s == RELEASE_PAUSED || s == RELEASE_HALTED)
			TRY(tick_release(t, i, g, ch));
		else if (s == RELEASE_REVERTING)
			TRY(end_revert(t, &t->all[i]));
		else if (s == RELEASE_BLESSED)
			TRY(go_back_to(t, &t->all[i]));
	}
	return E_OK;
}
