/* SPDX-License-Identifier: Apache-2.0 */
/*
 * steward_sync: what is new in the repository, in an order in which nothing can be left out unnoticed: roots,
 * timestamp, revokes (all of them), promotions; then what this host may activate is offered.
 */
#include "agent/steward_parts.h"

#include <sodium.h>

#include "content/bundle/bundle.h"

enum { MAX_ROOTS = 64 /* in one round */ };

static void put_error(struct steward *s, const char *what, enum err err, const struct diag *d)
{
	(void)snprintf(s->sync_error, sizeof s->sync_error, "%.95s: %.140s", what,
		       d->text[0] ? d->text : err_text(err));
}

/* roots: until there is no next one */

static FALLIBLE sync_roots(struct steward *s, struct diag *d)
{
	for (uint32_t i = 0; i < MAX_ROOTS; i++) {
		struct steward_pair p;
		char name[OBJECT_PATH_BYTES];
		enum err err;

		object_path(name, "root/%u", s->trust.root.version + 1);
		err = steward_fetch_pair(s, name, OBJECT_MAX_BYTES, &p);
		if (err == E_NOT_FOUND)
			return E_OK;
		TRY(err);
		err = trust_root(&s->trust, steward_bytes(&p), steward_signatures(&p), d);
		steward_pair_done(&p);
		TRY(err);
		s->dirty = true;
		steward_send_plan(s);
		log_info("a new root of trust is in force version=%u", s->trust.root.version);
	}
	return E_OK;
}

static FALLIBLE sync_timestamp(struct steward *s, struct diag *d)
{
	struct steward_pair p;
	enum err err;

	TRY(steward_fetch_pair(s, "timestamp", OBJECT_MAX_BYTES, &p));
	err = trust_timestamp(&s->trust, steward_bytes(&p), steward_signatures(&p), d);
	steward_pair_done(&p);
	s->dirty |= err == E_OK;
	return err == E_EXISTS ? E_OK : err;
}

/* revokes: without all of them nothing new is taken */

static void tell_revoked(struct steward *s, const struct object_revoke *r)
{
	for (uint32_t i = 0; i < r->n; i++) {
		struct control_packet p;

		control_init(&p, CONTROL_REVOKED);
		memcpy(p.msg.u.offer.digest, r->digest[i], OBJECT_DIGEST_BYTES);
		endpoint_forget(&s->table, r->digest[i]);
		p.msg.u.offer.seq = r->seq;
		steward_send(s, &p);
	}
}

static FALLIBLE sync_revokes(struct steward *s, struct diag *d)
{
	while (s->trust.revoke_seq < s->trust.timestamp.revoke_seq) {
		struct object_revoke r;
		struct steward_pair p;
		char name[OBJECT_PATH_BYTES];
		enum err err;

		object_path(name, "revoke/%u-%llu", s->trust.root.epoch, (unsigned long long)s->trust.revoke_seq + 1);
		TRY(steward_fetch_pair(s, name, OBJECT_MAX_BYTES, &p));
		err = trust_revoke(&s->trust, steward_bytes(&p), steward_signatures(&p), &r, d);
		steward_pair_done(&p);
		TRY(err);
		s->dirty = true;
		tell_revoked(s, &r);
	}
	return E_OK;
}

/* promotions: one that is missing or not to be believed is passed over, later ones count by themselves */

static void sync_promotion(struct steward *s, uint64_t seq)
{
	struct object_promotion promotion;
	struct steward_pair p;
	char name[OBJECT_PATH_BYTES];
	struct diag d;
	enum err err;

	diag_init(&d);
	object_path(name, "promotion/%u-%llu", s->trust.root.epoch, (unsigned long long)seq);
	err = steward_fetch_pair(s, name, OBJECT_MAX_BYTES, &p);
	if (err != E_OK) {
		put_error(s, name, err, &d);
		return;
	}
	err = trust_promotion(&s->trust, steward_bytes(&p), steward_signatures(&p), steward_unix_s(), &promotion, &d);
	steward_pair_done(&p);
	if (err != E_OK) {
		put_error(s, name, err, &d);
		log_warning("a promotion is not believed name=%s reason=\"%s\"", name, s->sync_error);
		return;
	}
	s->dirty = true;
	(void)endpoint_take(&s->table, &promotion, &s->policy);
}

static void sync_promotions(struct steward *s)
{
	uint64_t newest = s->trust.timestamp.promotion_seq, seq = s->trust.promotion_seq + 1;

	if (newest >= STEWARD_MAX_SEQ_GAP && seq < newest - STEWARD_MAX_SEQ_GAP)
		seq = newest - STEWARD_MAX_SEQ_GAP;
	for (; seq <= newest && !s->stop; seq++)
		sync_promotion(s, seq);
}

static FALLIBLE sync_all(struct steward *s, struct diag *d)
{
	TRY(sync_roots(s, d));
	TRY(sync_timestamp(s, d));
	TRY(sync_revokes(s, d));
	sync_promotions(s);
	return E_OK;
}

void steward_sync(struct steward *s)
{
	struct diag d;
	enum err err;

	if (s->syncing)
		return;
	s->syncing = true;
	s->sync_asked = false;
	s->sync_error[0] = 0;
	diag_init(&d);
	err = sync_all(s, &d);
	s->sync_failures = err == E_OK ? 0 : s->sync_failures + 1;
	if (err == E_OK)
		s->synced_s = steward_unix_s();
	else
		put_error(s, "the repository cannot be followed", err, &d);
	if (s->sync_failures == 1)
		log_warning("%s; what is armed stays armed", s->sync_error);
	s->sync_at_s =
		steward_boot_s() + plan_jitter_s(s->host.agent_id, s->trust.root.plan.report_s, s->sync_failures + 1);
	s->syncing = false;
}

/* bundles */

const struct steward_seen *steward_seen(const struct steward *s, const uint8_t digest[OBJECT_DIGEST_BYTES])
{
	for (uint32_t i = 0; i < s->n_seen; i++)
		if (!memcmp(s->seen[i].digest, digest, OBJECT_DIGEST_BYTES))
			return &s->seen[i];
	return NULL;
}

static struct steward_seen *new_seen(struct steward *s, const uint8_t digest[OBJECT_DIGEST_BYTES])
{
	struct steward_seen *n;

	if (s->n_seen == countof(s->seen))
		memmove(s->seen, s->seen + 1, --s->n_seen * sizeof *s->seen);
	n = &s->seen[s->n_seen++];
	*n = (struct steward_seen){ .known = true };
	memcpy(n->digest, digest, sizeof n->digest);
	return n;
}

/* Its signatures were verified: now its bytes may be looked at. */
static void look_inside(struct steward_seen *n, struct view bytes, uint64_t floor)
{
	struct bundle_host host = bundle_this_host();
	struct bundle b;
	struct arena a;
	struct diag d;

	diag_init(&d);
	arena_init(&a, BUNDLE_ARENA_MAX);
	host.security_floor = floor;
	n->fits = bundle_read(bytes, &a, &b, &d) == E_OK && bundle_check(&b, &host, &d) == E_OK;
	if (n->fits) {
		n->floor = b.manifest.security_floor;
		(void)snprintf(n->name, sizeof n->name, "%s", b.manifest.name);
		(void)snprintf(n->version, sizeof n->version, "%s", b.manifest.version);
	} else {
		(void)snprintf(n->why, sizeof n->why, "%.199s", d.text);
	}
	arena_done(&a);
}

/* Whether an offer is taken, and what becomes of it, comes back as a fact: each is made once for a promotion. */
static bool was_offered(const struct steward *s, const uint8_t digest[OBJECT_DIGEST_BYTES], uint64_t seq)
{
	for (uint32_t i = 0; i < s->n_offered; i++)
		if (s->offered[i].seq == seq && !memcmp(s->offered[i].digest, digest, OBJECT_DIGEST_BYTES))
			return true;
	return false;
}

static void offer(struct steward *s, uint32_t lane, const uint8_t digest[OBJECT_DIGEST_BYTES], uint64_t seq,
		  struct view bytes)
{
	AUTO_FD int fd = steward_memory(bytes);
	struct control_packet p;

	if (fd < 0)
		return;
	memmove(s->offered + 1, s->offered, (countof(s->offered) - 1) * sizeof *s->offered);
	s->offered[0].seq = seq;
	memcpy(s->offered[0].digest, digest, OBJECT_DIGEST_BYTES);
	s->n_offered += s->n_offered < countof(s->offered);
	control_init(&p, CONTROL_OFFER);
	p.msg.u.offer.lane = lane;
	p.msg.u.offer.bytes = (uint32_t)bytes.len;
	p.msg.u.offer.seq = seq;
	memcpy(p.msg.u.offer.digest, digest, OBJECT_DIGEST_BYTES);
	p.fds[p.n_fds++] = fd;
	steward_send(s, &p);
}

void steward_forget(struct steward *s, const uint8_t digest[OBJECT_DIGEST_BYTES])
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n_offered; i++)
		if (memcmp(s->offered[i].digest, digest, OBJECT_DIGEST_BYTES))
			s->offered[n++] = s->offered[i];
	s->n_offered = n;
	for (uint32_t i = 0; i < LOCAL_N_LANES; i++)
		if (!memcmp(s->fact[i].strike, digest, OBJECT_DIGEST_BYTES))
			sodium_memzero(s->fact[i].strike, OBJECT_DIGEST_BYTES);
}

struct endpoint_facts steward_facts(const struct steward *s, const struct endpoint_known *k)
{
	const struct steward_seen *n = steward_seen(s, k->digest);

	return (struct endpoint_facts){
		.signatures = !n || n->signatures,
		.sequence = k->seq <= s->trust.promotion_seq && !trust_is_stale(&s->trust, steward_unix_s()),
		.fits = !n || n->fits,
		.revoked = trust_is_revoked(&s->trust, k->digest),
		.quarantined = !memcmp(s->fact[LOCAL_RELEASE].strike, k->digest, OBJECT_DIGEST_BYTES),
		.newer = endpoint_newer(&s->table, &s->trust.root.plan, &s->policy, &s->host, k),
		.bundle_floor = n ? n->floor : UINT64_MAX,
	};
}

static bool is_current(const struct steward *s, const uint8_t digest[OBJECT_DIGEST_BYTES])
{
	const struct control_fact *f = &s->fact[LOCAL_RELEASE];

	return !memcmp(f->lkg, digest, OBJECT_DIGEST_BYTES) || !memcmp(f->candidate, digest, OBJECT_DIGEST_BYTES);
}

/* A host that asks for evidence judges it again by itself. */
static void check_evidence(struct steward *s, struct endpoint_known *k)
{
	k->evidence_ok = !s->policy.require_evidence || k->ring == 0 || steward_evidence(s, k, NULL);
}

/* Rises over epochs too. */
static uint64_t release_seq(const struct endpoint_known *k)
{
	return (uint64_t)k->epoch << 40 | k->seq;
}

static void try_release(struct steward *s, struct endpoint_known *k)
{
	struct endpoint_facts f = steward_facts(s, k);
	struct endpoint_verdict v;
	struct steward_seen *n;
	struct steward_pair p;
	char name[OBJECT_PATH_BYTES], hex[2 * OBJECT_DIGEST_BYTES + 1];
	struct diag d;
	enum err err;

	if (!k->evidence_ok)
		check_evidence(s, k);
	endpoint_decide(&s->trust.root.plan, &s->policy, &s->host, k, &f, (int64_t)steward_unix_s(), &v);
	if (!v.go || s->policy_broken)
		return;
	object_hex(k->digest, OBJECT_DIGEST_BYTES, hex);
	object_path(name, "bundle/%s", hex);
	diag_init(&d);
	err = steward_fetch_pair(s, name, STEWARD_MAX_BUNDLE, &p);
	if (err != E_OK) {
		put_error(s, name, err, &d);
		return;
	}
	n = new_seen(s, k->digest);
	err = trust_bundle(&s->trust, steward_bytes(&p), steward_signatures(&p), k->digest, &d);
	n->signatures = err == E_OK;
	if (n->signatures)
		look_inside(n, steward_bytes(&p), s->trust.security_floor);
	else
		(void)snprintf(n->why, sizeof n->why, "%.199s", d.text);
	f = steward_facts(s, k);
	endpoint_decide(&s->trust.root.plan, &s->policy, &s->host, k, &f, (int64_t)steward_unix_s(), &v);
	if (v.go)
		offer(s, LOCAL_RELEASE, k->digest, release_seq(k), steward_bytes(&p));
	else
		log_warning("a bundle is refused digest=%.12s reason=\"%s\"", hex, n->why);
	steward_pair_done(&p);
}

void steward_decide(struct steward *s)
{
	struct endpoint_known *best = NULL;

	if (s->syncing)
		return;
	/* The newest that may be had; one at a time. */
	for (uint32_t i = 0; i < s->table.n; i++) {
		struct endpoint_known *k = &s->table.k[i];
		struct endpoint_facts f = steward_facts(s, k);
		struct endpoint_verdict v;

		if (!k->evidence_ok)
			check_evidence(s, k);
		endpoint_decide(&s->trust.root.plan, &s->policy, &s->host, k, &f, (int64_t)steward_unix_s(), &v);
		if (v.go && (!best || k->seq > best->seq))
			best = k;
	}
	if (best && !is_current(s, best->digest) && !was_offered(s, best->digest, best->seq))
		try_release(s, best);
}

/* the owner's lane */

static FALLIBLE read_whole(int fd, size_t max, char **out, size_t *len, struct diag *d)
{
	if (lseek(fd, 0, SEEK_SET) < 0)
		return E_IO;
	return io_read_fd(fd, "local content", max, out, len, d);
}

static FALLIBLE check_local(const struct steward *s, struct view bytes, struct view signatures, struct diag *d)
{
	struct sign_block blocks[SIGN_MAX_BLOCKS];
	uint32_t n;

	if (!s->has_owner)
		FAIL(d, REJECTED, "there is no key of the owner on this host: set owner.key");
	TRY(sign_read_blocks(signatures, blocks, countof(blocks), &n, d));
	for (uint32_t i = 0; i < n; i++)
		if (sign_verify(&s->owner, &blocks[i], bytes))
			return E_OK;
	FAIL(d, REJECTED, "none of %u signature%s is the owner's", n, PLURAL(n));
}

void steward_local(struct steward *s, int bytes_fd, int signatures_fd)
{
	AUTO_FREE char *bytes = NULL, *signatures = NULL;
	uint8_t digest[OBJECT_DIGEST_BYTES];
	struct steward_seen n = { 0 };
	size_t len = 0, signatures_len = 0;
	struct diag d;
	enum err err;

	diag_init(&d);
	err = read_whole(bytes_fd, STEWARD_MAX_BUNDLE, &bytes, &len, &d);
	if (err == E_OK)
		err = read_whole(signatures_fd, TRUST_MAX_SIGNATURE_TEXT, &signatures, &signatures_len, &d);
	if (err == E_OK)
		err = check_local(s, view_of(bytes, len), view_of(signatures, signatures_len), &d);
	if (err == E_OK) {
		look_inside(&n, view_of(bytes, len), 0);
		if (!n.fits)
			err = diag_fail(&d, E_REJECTED, 0, 0, __FILE__, __LINE__, "%s", n.why);
	}
	if (err != E_OK) {
		log_error("the owner's content is refused: %s", d.text[0] ? d.text : err_text(err));
		return;
	}
	object_digest(view_of(bytes, len), digest);
	offer(s, LOCAL_OWNER, digest, 0, view_of(bytes, len));
}
