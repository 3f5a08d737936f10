/* SPDX-License-Identifier: Apache-2.0 */
/* sign: what is signed goes into the ledger, and from there into the repository. */
#include "release/controller/internal.h"

enum { FLUSH_ARENA = 64 << 20, FLUSH_AT_ONCE = 64 };

static void sequence_name(const char *sequence, uint32_t epoch, char out[LEDGER_NAME_BYTES])
{
	(void)snprintf(out, LEDGER_NAME_BYTES, "%s/%u", sequence, epoch);
}

FALLIBLE next_number(struct ledger *l, const char *sequence, uint32_t epoch, uint64_t *out, struct diag *d)
{
	char name[LEDGER_NAME_BYTES];

	sequence_name(sequence, epoch, name);
	return ledger_next(l, name, out, d);
}

FALLIBLE published_number(struct ledger *l, const char *sequence, uint32_t epoch, uint64_t *out, struct diag *d)
{
	char name[LEDGER_NAME_BYTES];

	(void)snprintf(name, sizeof name, "published-%s/%u", sequence, epoch);
	return number_get(l, name, out, d);
}

FALLIBLE publish_number(struct ledger *l, const char *sequence, uint32_t epoch, uint64_t v, struct diag *d)
{
	char name[LEDGER_NAME_BYTES];

	(void)snprintf(name, sizeof name, "published-%s/%u", sequence, epoch);
	return number_put(l, name, v, d);
}

FALLIBLE add_signatures(struct view payload, const struct sign_secret *const *keys, uint32_t n_keys,
			const char *comment, struct buf *out, struct diag *d)
{
	for (uint32_t i = 0; i < n_keys; i++)
		if (keys[i])
			TRY(sign_bytes(keys[i], payload, comment, out, d));
	return E_OK;
}

FALLIBLE sign_into(struct controller *c, const struct ledger_object *o, const struct sign_secret *const *keys,
		   uint32_t n_keys, const char *comment, bool replace, struct diag *d)
{
	struct ledger_object copy = *o;
	struct buf signatures;
	enum err err;

	buf_init(&signatures, MAX_SIGNATURES);
	buf_put(&signatures, o->signatures.p, o->signatures.len);
	err = add_signatures(o->bytes, keys, n_keys, comment, &signatures, d);
	copy.signatures = view_of(signatures.p, signatures.len);
	if (err == E_OK)
		err = ledger_put_object(c->ledger, &copy, replace, d);
	buf_done(&signatures);
	return err;
}

FALLIBLE fresh_promotion(struct controller *c, const struct trust *trust, const struct release *r, uint32_t ring,
			 uint32_t cutoff, uint64_t now_s, struct object_promotion *out, struct diag *d)
{
	struct object_promotion p = { .epoch = trust->root.epoch,
				      .ring = ring,
				      .lane = r->lane,
				      .cutoff = cutoff,
				      .not_before = now_s,
				      .expires = now_s + c->promotion_valid_s };
	struct kept kept;

	TRY(kept_get(c->ledger, r->id, &kept, d));
	TRY(number_get(c->ledger, "floor", &p.security_floor, d));
	/* The floor rises with what was watched to its end: a release that is halted must not bar the way back. */
	if (ring == PLAN_BLESSED && kept.floor > p.security_floor)
		p.security_floor = kept.floor;
	TRY(next_number(c->ledger, "promotion", p.epoch, &p.seq, d));
	memcpy(p.channel, r->channel, sizeof p.channel);
	memcpy(p.digest, r->digest, sizeof p.digest);
	memcpy(p.release, r->id, sizeof p.release);
	*out = p;
	return E_OK;
}

/* Is there anything new to say, or is the last one old? */
static FALLIBLE timestamp_is_due(struct tick *t, const struct object_timestamp *ts, bool *due)
{
	struct ledger *l = t->c->ledger;
	uint64_t time = 0, promotion = 0, revoke = 0, root = 0;

	TRY(number_get(l, "timestamp/time", &time, t->d));
	TRY(number_get(l, "timestamp/promotion", &promotion, t->d));
	TRY(number_get(l, "timestamp/revoke", &revoke, t->d));
	TRY(number_get(l, "timestamp/root", &root, t->d));
	*due = !time || t->now_s >= time + t->c->timestamp_every_s || promotion != ts->promotion_seq ||
	       revoke != ts->revoke_seq || root != ts->root_version;
	return E_OK;
}

static FALLIBLE remember_timestamp(struct tick *t, const struct object_timestamp *ts)
{
	struct ledger *l = t->c->ledger;

	TRY(number_put(l, "timestamp/time", ts->time, t->d));
	TRY(number_put(l, "timestamp/promotion", ts->promotion_seq, t->d));
	TRY(number_put(l, "timestamp/revoke", ts->revoke_seq, t->d));
	return number_put(l, "timestamp/root", ts->root_version, t->d);
}

/*
 * Payload and signature are two files, which cannot be replaced at once. So the signatures of the new and of the last
 * payload stand together, and are put first: whatever a host reads in between, a signature of it is there.
 */
static FALLIBLE put_timestamp(struct tick *t, struct view payload)
{
	struct ledger_object o = { .name = "timestamp", .state = LEDGER_READY, .bytes = payload };
	AUTO(arena_done) struct arena a;
	struct buf fresh, both;
	struct view last = { 0 };
	enum err err;

	arena_init(&a, 1 << 20);
	buf_init(&fresh, SIGN_BLOCK_MAX);
	buf_init(&both, MAX_SIGNATURES);
	err = ledger_get_value(t->c->ledger, "timestamp/signature", &a, &last, t->d);
	if (err == E_OK || err == E_NOT_FOUND)
		err = sign_bytes(t->c->keys.timestamp, payload, "timestamp", &fresh, t->d);
	buf_put(&both, fresh.p, fresh.len);
	buf_put(&both, last.p, last.len);
	o.signatures = view_of(both.p, both.len);
	if (err == E_OK)
		err = trust_verify(&t->trust->root, ROLE_TIMESTAMP, 0, payload, o.signatures, t->d);
	if (err == E_OK)
		err = ledger_put_value(t->c->ledger, "timestamp/signature", view_of(fresh.p, fresh.len), t->d);
	if (err == E_OK)
		err = ledger_put_object(t->c->ledger, &o, true, t->d);
	buf_done(&fresh);
	buf_done(&both);
	return err;
}

FALLIBLE sign_timestamp(struct tick *t)
{
	struct object_timestamp ts = { .epoch = t->trust->root.epoch,
				       .time = t->now_s,
				       .expires = t->now_s + t->c->timestamp_valid_s,
				       .root_version = t->trust->root.version };
	struct buf payload;
	bool due = false;
	enum err err;

	if (!t->c->keys.timestamp)
		return E_OK;
	TRY(published_number(t->c->ledger, "promotion", ts.epoch, &ts.promotion_seq, t->d));
	TRY(published_number(t->c->ledger, "revoke", ts.epoch, &ts.revoke_seq, t->d));
	TRY(timestamp_is_due(t, &ts, &due));
	if (!due)
		return E_OK;
	TRY(next_number(t->c->ledger, "timestamp", ts.epoch, &ts.version, t->d));
	ledger_head(t->c->ledger, ts.log_head);
	buf_init(&payload, OBJECT_MAX_BYTES);
	err = object_write_timestamp(&ts, &payload, t->d);
	if (err == E_OK)
		err = put_timestamp(t, view_of(payload.p, payload.len));
	if (err == E_OK)
		err = remember_timestamp(t, &ts);
	buf_done(&payload);
	return err;
}

/* Flushing */

static FALLIBLE same_in_repo(struct controller *c, const struct ledger_object *o, struct diag *d)
{
	AUTO_FREE char *bytes = NULL;
	size_t len = 0;

	TRY(transport_get(c->repo, o->name, o->bytes.len, &bytes, &len, d));
	if (len != o->bytes.len || memcmp(bytes, o->bytes.p, len) != 0)
		FAIL_ID(d, EXISTS, 'D', 320, "the repository has other bytes as '%s': somebody else writes to it",
			o->name);
	return E_OK;
}

/* The signature first: where the payload is, it is too. */
static FALLIBLE put_one(struct controller *c, const struct ledger_object *o, struct diag *d)
{
	bool once = strcmp(o->name, "timestamp") != 0;
	char name[LEDGER_NAME_BYTES + 16];
	enum err err;

	told(c, "put signature");
	if (o->signatures.len) {
		(void)snprintf(name, sizeof name, "%s.minisig", o->name);
		TRY(transport_put(c->repo, name, o->signatures, false, d));
	}
	told(c, "put object");
	err = transport_put(c->repo, o->name, o->bytes, once, d);
	if (err == E_EXISTS)
		err = same_in_repo(c, o, d);
	TRY(err);
	told(c, "mark as put");
	return ledger_set_object(c->ledger, o->name, LEDGER_PUT, d);
}

struct names {
	char name[FLUSH_AT_ONCE][LEDGER_NAME_BYTES];
	uint32_t n;
	bool timestamp;
};

static bool note_name(void *user, const struct ledger_object *o)
{
	struct names *names = user;

	if (!strcmp(o->name, "timestamp"))
		names->timestamp = true;
	else
		memcpy(names->name[names->n++], o->name, LEDGER_NAME_BYTES);
	return names->n < FLUSH_AT_ONCE;
}

static FALLIBLE put_named(struct controller *c, const char *name, uint32_t *put, struct diag *d)
{
	AUTO(arena_done) struct arena a;
	struct ledger_object o;

	arena_init(&a, FLUSH_ARENA);
	TRY(ledger_get_object(c->ledger, name, &a, &o, d));
	TRY(put_one(c, &o, d));
	++*put;
	return E_OK;
}

/* The timestamp last: what it speaks of is there. */
FALLIBLE flush(struct controller *c, uint32_t *put, struct diag *d)
{
	struct names names;

	do {
		names = (struct names){ 0 };
		TRY(ledger_each_object(c->ledger, LEDGER_READY, note_name, &names, d));
		for (uint32_t i = 0; i < names.n; i++)
			TRY(put_named(c, names.name[i], put, d));
	} while (names.n == FLUSH_AT_ONCE);
	return names.timestamp ? put_named(c, "timestamp", put, d) : E_OK;
}
