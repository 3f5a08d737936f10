/* SPDX-License-Identifier: Apache-2.0 */
/*
 * save: what trust remembers, as bytes: magic, version, objects as payloads, numbers, lists, and a BLAKE2b-256 of all
 * that. The checksum is against torn writes; who can write a host's state can do more than that.
 */
#include "release/trust/internal.h"

enum { SAVED_VERSION = 1 };

static const uint8_t magic[4] = { 'S', 'P', 'T', 'R' };

static void put_le(struct buf *b, uint64_t v, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		buf_putc(b, (char)(v >> 8 * i));
}

/* A payload with its length before it. */
static void put_payload(struct buf *b, const struct buf *payload)
{
	put_le(b, payload->len, 4);
	buf_put(b, payload->p, payload->len);
}

static FALLIBLE put_objects(const struct trust *t, struct buf *b)
{
	struct buf AUTO(buf_done) payload;

	buf_init(&payload, OBJECT_MAX_BYTES);
	TRY(object_write_root(&t->root, &payload, NULL));
	put_payload(b, &payload);
	buf_reset(&payload);
	if (t->timestamp.version)
		TRY(object_write_timestamp(&t->timestamp, &payload, NULL));
	put_payload(b, &payload);
	return E_OK;
}

static FALLIBLE put_all(const struct trust *t, struct buf *b)
{
	buf_put(b, magic, sizeof magic);
	put_le(b, SAVED_VERSION, 4);
	TRY(put_objects(t, b));
	put_le(b, t->promotion_seq, 8);
	put_le(b, t->revoke_seq, 8);
	put_le(b, t->security_floor, 8);
	put_le(b, t->latest_s, 8);
	put_le(b, t->n_revoked, 4);
	put_le(b, t->n_blessed, 4);
	for (uint32_t i = 0; i < t->n_revoked; i++) {
		buf_put(b, t->revoked[i].digest, OBJECT_DIGEST_BYTES);
		put_le(b, t->revoked[i].blessed, 1);
	}
	for (uint32_t i = 0; i < t->n_blessed; i++)
		buf_put(b, t->blessed[i], OBJECT_DIGEST_BYTES);
	return E_OK;
}

FALLIBLE trust_save(const struct trust *t, struct buf *out)
{
	uint8_t sum[OBJECT_DIGEST_BYTES];
	struct buf AUTO(buf_done) b;

	buf_init(&b, TRUST_MAX_SAVED);
	TRY(put_all(t, &b));
	object_digest(view_of(b.p, b.len), sum);
	buf_put(&b, sum, sizeof sum);
	buf_put(out, b.p, b.len);
	return b.full || out->full ? E_LIMIT : E_OK;
}

/* Reading: `bad` sticks, and everything read after it is zero. */
struct cursor {
	struct view v;
	size_t off;
	bool bad;
};

static struct view take(struct cursor *c, size_t bytes)
{
	struct view part = { 0 };

	if (c->bad || !view_sub(c->v, c->off, bytes, &part)) {
		c->bad = true;
		return (struct view){ 0 };
	}
	c->off += bytes;
	return part;
}

static uint64_t take_le(struct cursor *c, size_t bytes)
{
	struct view part = take(c, bytes);
	uint64_t v = 0;

	for (size_t i = 0; i < part.len; i++)
		v |= (uint64_t)part.p[i] << 8 * i;
	return v;
}

static void take_digest(struct cursor *c, uint8_t out[OBJECT_DIGEST_BYTES])
{
	struct view part = take(c, OBJECT_DIGEST_BYTES);

	if (part.len)
		memcpy(out, part.p, part.len);
}

static uint32_t take_count(struct cursor *c, uint32_t max)
{
	uint64_t n = take_le(c, 4);

	c->bad |= n > max;
	return c->bad ? 0 : (uint32_t)n;
}

static void take_objects(struct cursor *c, struct trust *t)
{
	struct view payload = take(c, take_le(c, 4));

	c->bad = c->bad || object_read_root(payload, &t->root, NULL) != E_OK;
	payload = take(c, take_le(c, 4));
	if (payload.len)
		c->bad = c->bad || object_read_timestamp(payload, &t->timestamp, NULL) != E_OK;
}

static void take_all(struct cursor *c, struct trust *t)
{
	take_objects(c, t);
	t->promotion_seq = take_le(c, 8);
	t->revoke_seq = take_le(c, 8);
	t->security_floor = take_le(c, 8);
	t->latest_s = take_le(c, 8);
	t->n_revoked = take_count(c, TRUST_MAX_REVOKED);
	t->n_blessed = take_count(c, TRUST_MAX_BLESSED);
	for (uint32_t i = 0; i < t->n_revoked && !c->bad; i++) {
		uint64_t blessed;

		take_digest(c, t->revoked[i].digest);
		blessed = take_le(c, 1);
		t->revoked[i].blessed = blessed == 1;
		c->bad |= blessed > 1;
	}
	for (uint32_t i = 0; i < t->n_blessed && !c->bad; i++)
		take_digest(c, t->blessed[i]);
	c->bad |= c->off != c->v.len;
}

FALLIBLE trust_restore(struct view v, struct trust *out, struct diag *d)
{
	uint8_t sum[OBJECT_DIGEST_BYTES];
	AUTO_FREE struct trust *t = NULL;
	struct cursor c;
	uint64_t version;

	if (v.len < sizeof magic + 4 + sizeof sum || v.len > TRUST_MAX_SAVED || memcmp(v.p, magic, sizeof magic) != 0)
		FAIL_ID(d, FORMAT, 'T', T_SAVED, "what was remembered of signatures is not there, or not that");
	c = (struct cursor){ .v = view_of(v.p, v.len - sizeof sum), .off = sizeof magic };
	object_digest(c.v, sum);
	if (!GUARD(16, !memcmp(sum, v.p + c.v.len, sizeof sum)))
		FAIL_ID(d, FORMAT, 'T', T_SAVED, "what was remembered of signatures is torn: its checksum is another");
	version = take_le(&c, 4);
	if (version != SAVED_VERSION)
		FAIL_ID(d, UNSUPPORTED, 'T', T_SAVED, "what was remembered of signatures has version %u; we know %d",
			(unsigned)version, SAVED_VERSION);
	t = calloc(1, sizeof *t);
	if (!t)
		return E_NOMEM;
	take_all(&c, t);
	if (c.bad)
		FAIL_ID(d, FORMAT, 'T', T_SAVED, "what was remembered of signatures is malformed at byte %zu", c.off);
	*out = *t;
	return E_OK;
}
