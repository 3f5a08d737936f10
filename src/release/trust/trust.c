/* SPDX-License-Identifier: Apache-2.0 */
/* trust: signatures first, then what they cover, then whether it may follow what is remembered. */
#include "release/trust/trust.h"

#include "release/trust/internal.h"

enum { OF_NOBODY = -1 };

static_assert((int)OBJECT_KEY_BYTES == (int)SIGN_KEY_BYTES && (int)OBJECT_KEY_ID_BYTES == (int)SIGN_ID_BYTES &&
		      (int)OBJECT_MAX_SIGNATURES == (int)SIGN_MAX_BLOCKS,
	      "an object's keys are minisign's");
static_assert(OBJECT_MAX_KEYS <= 32, "keys that signed are a mask");

/* Signatures */

/* Why the blocks of one file do not count. */
struct count {
	uint32_t by; /* keys that signed: bit by index in the root */
	uint32_t good, unknown, other_role, twice, invalid;
};

static int find_key(const struct object_root *root, const uint8_t id[OBJECT_KEY_ID_BYTES])
{
	for (uint32_t i = 0; i < root->n_keys; i++)
		if (memcmp(root->key[i].id, id, OBJECT_KEY_ID_BYTES) == 0)
			return (int)i;
	return OF_NOBODY;
}

static void count_block(const struct object_root *root, enum object_role role, const struct sign_block *b,
			struct view payload, struct count *c)
{
	int i = find_key(root, b->id);
	struct sign_public key;

	if (i == OF_NOBODY) {
		c->unknown++;
	} else if (!GUARD(20, root->key[i].roles >> role & 1)) {
		c->other_role++;
	} else if (!GUARD(20, !(c->by >> i & 1))) {
		c->twice++;
	} else {
		memcpy(key.id, root->key[i].id, sizeof key.id);
		memcpy(key.key, root->key[i].key, sizeof key.key);
		if (sign_verify(&key, b, payload)) {
			c->by |= 1u << i;
			c->good++;
		} else {
			c->invalid++;
		}
	}
}

static FALLIBLE too_few(const struct object_root *root, enum object_role role, uint32_t n, const struct count *c,
			struct diag *d)
{
	char who[OBJECT_MAX_SIGNATURES * (SIGN_ID_TEXT + 1) + 1] = " (", id[SIGN_ID_TEXT];
	size_t at = 1;

	for (uint32_t i = 0; i < root->n_keys; i++) {
		if (!(c->by >> i & 1) || at + SIGN_ID_TEXT + 2 > sizeof who)
			continue;
		sign_id_text(root->key[i].id, id);
		at += (size_t)snprintf(who + at, sizeof who - at, "%c%s", at == 1 ? '(' : ' ', id);
	}
	(void)snprintf(who + at, sizeof who - at, "%s", at > 1 ? ")" : "");
	diag_hint(d,
		  "not counted: %u by unknown keys, %u by keys of other roles, %u by a key that signed before, "
		  "%u that do not fit the bytes",
		  c->unknown, c->other_role, c->twice, c->invalid);
	FAIL_ID(d, REJECTED, 'T', T_SIGNATURES, "%u of the %u signatures that the role '%s' needs%s", c->good, n,
		object_role_name(role), at > 1 ? who : "");
}

FALLIBLE trust_verify(const struct object_root *root, enum object_role role, uint32_t n, struct view payload,
		      struct view signatures, struct diag *d)
{
	struct sign_block block[OBJECT_MAX_SIGNATURES];
	struct count c = { 0 };
	uint32_t n_blocks;

	n = n ? n : root->threshold[role];
	if (signatures.len > TRUST_MAX_SIGNATURE_TEXT)
		FAIL_ID(d, REJECTED, 'T', T_SIGNATURE_FILE, "signatures of %zu bytes; at most %d", signatures.len,
			TRUST_MAX_SIGNATURE_TEXT);
	if (sign_read_blocks(signatures, block, countof(block), &n_blocks, d) != E_OK)
		return E_REJECTED;
	for (uint32_t i = 0; i < n_blocks; i++)
		count_block(root, role, &block[i], payload, &c);
	if (!GUARD(20, c.good >= n))
		return too_few(root, role, n, &c, d);
	return E_OK;
}

/* Verify an object before its bytes mean anything. */
static FALLIBLE verify_object(const struct object_root *root, enum object_role role, uint32_t n, struct view payload,
			      struct view signatures, struct diag *d)
{
	if (payload.len > OBJECT_MAX_BYTES)
		FAIL_ID(d, REJECTED, 'T', T_SIZE, "an object of %zu bytes; at most %d", payload.len, OBJECT_MAX_BYTES);
	return trust_verify(root, role, n, payload, signatures, d);
}

/* Numbers */

/* A number that rises, by no more than the jump. */
static FALLIBLE check_rise(const char *what, uint64_t ours, uint64_t next, struct diag *d)
{
	if (!GUARD(19, next > ours))
		FAIL_ID(d, REJECTED, 'T', T_REPLAY, "%s %llu is not above %llu, which was taken before: a replay", what,
			(unsigned long long)next, (unsigned long long)ours);
	if (!GUARD(21, next <= ours || next - ours <= TRUST_MAX_JUMP))
		FAIL_ID(d, REJECTED, 'T', T_JUMP, "%s %llu is more than %d above %llu: somebody wants to use them up",
			what, (unsigned long long)next, TRUST_MAX_JUMP, (unsigned long long)ours);
	return E_OK;
}

/* A number that may stay, rises by no more than the jump and does not fall. */
static FALLIBLE check_keep(const char *what, uint64_t ours, uint64_t next, struct diag *d)
{
	return next == ours ? E_OK : check_rise(what, ours, next, d);
}

static FALLIBLE check_epoch(const struct trust *t, uint32_t epoch, struct diag *d)
{
	if (!GUARD(19, epoch == t->root.epoch))
		FAIL_ID(d, REJECTED, 'T', T_EPOCH, "it is of epoch %u, the root is of epoch %u", epoch, t->root.epoch);
	return E_OK;
}

/* Roots */

FALLIBLE trust_init(struct trust *t, struct view payload, struct view signatures, struct diag *d)
{
	struct object_root root;

	if (object_read_root(payload, &root, d) != E_OK)
		return E_REJECTED;
	TRY(verify_object(&root, ROLE_ROOT, 0, payload, signatures, d));
	memset(t, 0, sizeof *t);
	t->root = root;
	return E_OK;
}

static bool is_our_root(const struct trust *t, struct view payload)
{
	struct buf ours;
	bool same;

	buf_init(&ours, OBJECT_MAX_BYTES);
	same = object_write_root(&t->root, &ours, NULL) == E_OK && ours.len == payload.len &&
	       memcmp(ours.p, payload.p, ours.len) == 0;
	buf_done(&ours);
	return same;
}

static FALLIBLE check_chain(const struct object_root *old, const struct object_root *next, struct diag *d)
{
	if (!GUARD(19, next->version == (uint64_t)old->version + 1))
		FAIL_ID(d, REJECTED, 'T', T_CHAIN, "root %u does not follow root %u: each is signed by the one before",
			next->version, old->version);
	if (!GUARD(19, strcmp(next->fleet, old->fleet) == 0))
		FAIL_ID(d, REJECTED, 'T', T_FLEET, "it is the root of fleet '%s', not of '%s'", next->fleet,
			old->fleet);
	if (!GUARD(19, next->epoch >= old->epoch))
		FAIL_ID(d, REJECTED, 'T', T_EPOCH, "root %u goes back from epoch %u to %u", next->version, old->epoch,
			next->epoch);
	return E_OK;
}

FALLIBLE trust_root(struct trust *t, struct view payload, struct view signatures, struct diag *d)
{
	struct object_root next;

	if (is_our_root(t, payload))
		return E_EXISTS;
	TRY(verify_object(&t->root, ROLE_ROOT, 0, payload, signatures, d));
	if (object_read_root(payload, &next, d) != E_OK)
		return E_REJECTED;
	TRY(check_chain(&t->root, &next, d));
	TRY(verify_object(&next, ROLE_ROOT, 0, payload, signatures, d));
	if (next.epoch != t->root.epoch) {
		t->promotion_seq = t->revoke_seq = t->security_floor = t->latest_s = 0;
		memset(&t->timestamp, 0, sizeof t->timestamp);
	}
	t->root = next;
	return E_OK;
}

/* Time */

static_assert(sizeof(struct object_timestamp) == 48 + OBJECT_DIGEST_BYTES, "timestamps are compared as bytes");

static FALLIBLE check_timestamp(const struct trust *t, const struct object_timestamp *next, struct diag *d)
{
	const struct object_timestamp *ours = &t->timestamp;

	TRY(check_epoch(t, next->epoch, d));
	if (!GUARD(19, next->root_version == t->root.version))
		FAIL_ID(d, REJECTED, 'T', T_MIX, "the timestamp was made under root %u and we have root %u",
			next->root_version, t->root.version);
	TRY(check_rise("timestamp", ours->version, next->version, d));
	if (!GUARD(19, next->time >= ours->time))
		FAIL_ID(d, REJECTED, 'T', T_REPLAY, "the timestamp's time goes back from %llu to %llu",
			(unsigned long long)ours->time, (unsigned long long)next->time);
	TRY(check_keep("newest promotion", ours->promotion_seq, next->promotion_seq, d));
	return check_keep("newest revoke", ours->revoke_seq, next->revoke_seq, d);
}

FALLIBLE trust_timestamp(struct trust *t, struct view payload, struct view signatures, struct diag *d)
{
	struct object_timestamp next;

	TRY(verify_object(&t->root, ROLE_TIMESTAMP, 0, payload, signatures, d));
	if (object_read_timestamp(payload, &next, d) != E_OK)
		return E_REJECTED;
	if (t->timestamp.version && memcmp(&next, &t->timestamp, sizeof next) == 0)
		return E_EXISTS;
	TRY(check_timestamp(t, &next, d));
	t->timestamp = next;
	t->latest_s = next.time;
	return E_OK;
}

/* Why nothing new is taken at this time, or NULL. */
static const char *why_stale(const struct trust *t, uint64_t now_s)
{
	if (now_s >= t->root.expires)
		return "the root is expired";
	if (!t->timestamp.version)
		return "there is no timestamp";
	if (now_s >= t->timestamp.expires)
		return "the timestamp is expired";
	if (t->latest_s > TRUST_CLOCK_SLACK_S && now_s < t->latest_s - TRUST_CLOCK_SLACK_S)
		return "this host's clock is before the time of the timestamp";
	return NULL;
}

bool trust_is_stale(const struct trust *t, uint64_t now_s)
{
	return !GUARD(18, !why_stale(t, now_s));
}

/* Promotions */

static bool needs_person(const struct object_promotion *p)
{
	return p->ring >= TRUST_APPROVE_RING || p->lane == PLAN_URGENT;
}

static FALLIBLE check_time(const struct trust *t, const struct object_promotion *p, uint64_t now_s, struct diag *d)
{
	if (trust_is_stale(t, now_s))
		FAIL_ID(d, REJECTED, 'T', T_STALE, "nothing new is taken: %s", why_stale(t, now_s));
	if (!GUARD(18, now_s < p->expires))
		FAIL_ID(d, REJECTED, 'T', T_EXPIRED, "the promotion expired at %llu; it is %llu",
			(unsigned long long)p->expires, (unsigned long long)now_s);
	if (!GUARD(18, p->not_before <= TRUST_CLOCK_SLACK_S || now_s >= p->not_before - TRUST_CLOCK_SLACK_S))
		FAIL_ID(d, REJECTED, 'T', T_EXPIRED, "the promotion is for %llu and later; it is %llu",
			(unsigned long long)p->not_before, (unsigned long long)now_s);
	return E_OK;
}

static FALLIBLE check_promotion(const struct trust *t, const struct object_promotion *p, uint64_t now_s, struct diag *d)
{
	uint32_t most = p->ring == PLAN_BLESSED ? UINT32_MAX : t->root.plan.ring[p->ring].cutoff;

	TRY(check_epoch(t, p->epoch, d));
	TRY(check_time(t, p, now_s, d));
	TRY(check_rise("promotion", t->promotion_seq, p->seq, d));
	if (!GUARD(19, p->seq <= t->timestamp.promotion_seq))
		FAIL_ID(d, REJECTED, 'T', T_MIX, "promotion %llu is newer than the newest (%llu) of the timestamp",
			(unsigned long long)p->seq, (unsigned long long)t->timestamp.promotion_seq);
	if (!GUARD(21,
		   p->security_floor <= t->security_floor || p->security_floor - t->security_floor <= TRUST_MAX_JUMP))
		FAIL_ID(d, REJECTED, 'T', T_JUMP, "the security floor rises from %llu to %llu, by more than %d",
			(unsigned long long)t->security_floor, (unsigned long long)p->security_floor, TRUST_MAX_JUMP);
	if (!GUARD(6, p->cutoff <= most))
		FAIL_ID(d, REJECTED, 'T', T_PLAN, "a promotion to ring %u for the share %u of 2^32; the plan has %u",
			p->ring, p->cutoff, most);
	if (!GUARD(10, !trust_is_revoked(t, p->digest)))
		FAIL_ID(d, REJECTED, 'T', T_REVOKED, "the promoted bundle is revoked");
	return E_OK;
}

static bool is_blessed(const struct trust *t, const uint8_t digest[OBJECT_DIGEST_BYTES])
{
	for (uint32_t i = 0; i < t->n_blessed; i++)
		if (memcmp(t->blessed[i], digest, OBJECT_DIGEST_BYTES) == 0)
			return true;
	return false;
}

static void remember_blessed(struct trust *t, const uint8_t digest[OBJECT_DIGEST_BYTES])
{
	if (is_blessed(t, digest))
		return;
	if (t->n_blessed == TRUST_MAX_BLESSED)
		memmove(t->blessed[0], t->blessed[1], --t->n_blessed * sizeof t->blessed[0]);
	memcpy(t->blessed[t->n_blessed++], digest, OBJECT_DIGEST_BYTES);
}

FALLIBLE trust_promotion(struct trust *t, struct view payload, struct view signatures, uint64_t now_s,
			 struct object_promotion *out, struct diag *d)
{
	struct object_promotion p;

	TRY(verify_object(&t->root, ROLE_PROMOTE, 0, payload, signatures, d));
	if (object_read_promotion(payload, &p, d) != E_OK)
		return E_REJECTED;
	if (needs_person(&p))
		TRY(verify_object(&t->root, ROLE_APPROVE, 0, payload, signatures, d));
	TRY(check_promotion(t, &p, now_s, d));
	t->promotion_seq = p.seq;
	if (p.security_floor > t->security_floor)
		t->security_floor = p.security_floor;
	if (p.ring == PLAN_BLESSED)
		remember_blessed(t, p.digest);
	*out = p;
	return E_OK;
}

/* Revokes */

/* Its index, or n_revoked. */
static uint32_t find_revoked(const struct trust *t, const uint8_t digest[OBJECT_DIGEST_BYTES])
{
	uint32_t i = 0;

	while (i < t->n_revoked && memcmp(t->revoked[i].digest, digest, OBJECT_DIGEST_BYTES) != 0)
		i++;
	return i;
}

bool trust_is_revoked(const struct trust *t, const uint8_t digest[OBJECT_DIGEST_BYTES])
{
	return memcmp(digest, t->factory, OBJECT_DIGEST_BYTES) != 0 && find_revoked(t, digest) < t->n_revoked;
}

static void make_room(struct trust *t)
{
	uint32_t at = 0;

	while (at < t->n_revoked && t->revoked[at].blessed)
		at++;
	at = at == t->n_revoked ? 0 : at;
	t->n_revoked--;
	memmove(&t->revoked[at], &t->revoked[at + 1], (t->n_revoked - at) * sizeof t->revoked[0]);
}

static void remember_revoked(struct trust *t, const uint8_t digest[OBJECT_DIGEST_BYTES], bool blessed)
{
	uint32_t at = find_revoked(t, digest);

	if (at < t->n_revoked) {
		t->revoked[at].blessed |= blessed;
		return;
	}
	if (t->n_revoked == TRUST_MAX_REVOKED)
		make_room(t);
	t->revoked[t->n_revoked].blessed = blessed;
	memcpy(t->revoked[t->n_revoked++].digest, digest, OBJECT_DIGEST_BYTES);
}

/* A mass revoke would itself be an attack: what is blessed takes more keys, whether the object says so or not. */
static FALLIBLE check_revokers(const struct trust *t, const struct object_revoke *r, struct view payload,
			       struct view signatures, struct diag *d)
{
	uint32_t n = t->root.threshold[ROLE_REVOKE];
	bool blessed = r->blessed;

	for (uint32_t i = 0; i < r->n; i++)
		blessed |= is_blessed(t, r->digest[i]);
	if (!blessed || n >= TRUST_BLESSED_REVOKERS)
		return E_OK;
	return verify_object(&t->root, ROLE_REVOKE, TRUST_BLESSED_REVOKERS, payload, signatures, d);
}

FALLIBLE trust_revoke(struct trust *t, struct view payload, struct view signatures, struct object_revoke *out,
		      struct diag *d)
{
	struct object_revoke r;

	TRY(verify_object(&t->root, ROLE_REVOKE, 0, payload, signatures, d));
	if (object_read_revoke(payload, &r, d) != E_OK)
		return E_REJECTED;
	TRY(check_revokers(t, &r, payload, signatures, d));
	TRY(check_epoch(t, r.epoch, d));
	TRY(check_rise("revoke", t->revoke_seq, r.seq, d));
	t->revoke_seq = r.seq;
	for (uint32_t i = 0; i < r.n; i++)
		remember_revoked(t, r.digest[i], r.blessed);
	*out = r;
	return E_OK;
}

/* Bundles */

FALLIBLE trust_bundle(const struct trust *t, struct view bytes, struct view signatures,
		      const uint8_t digest[OBJECT_DIGEST_BYTES], struct diag *d)
{
	uint8_t is[OBJECT_DIGEST_BYTES];

	object_digest(bytes, is);
	if (!GUARD(19, memcmp(is, digest, sizeof is) == 0))
		FAIL_ID(d, REJECTED, 'T', T_DIGEST, "these are not the bytes of the bundle that was promoted");
	if (!GUARD(10, !trust_is_revoked(t, digest)))
		FAIL_ID(d, REJECTED, 'T', T_REVOKED, "the bundle is revoked");
	return trust_verify(&t->root, ROLE_BUNDLE, 0, bytes, signatures, d);
}
