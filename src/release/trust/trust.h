/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust: what a host believes of what is signed, and what it remembers so that nobody can turn it back.
 *
 * Signatures first, then bytes: thresholds of distinct keys of a role, under the newest root of an unbroken chain.
 * Sequence numbers only rise, by at most TRUST_MAX_JUMP; a new epoch (a root rotation) starts them again. An expired
 * object lets nothing new in and never takes anything away. Pure: time and bytes are parameters. One thread.
 */
#ifndef SALLYPORT_RELEASE_TRUST_H
#define SALLYPORT_RELEASE_TRUST_H

#include "release/object/object.h"

enum {
	TRUST_MAX_JUMP = 1000000,
	TRUST_MAX_REVOKED = 1024,
	TRUST_MAX_BLESSED = 64,
	TRUST_MAX_SIGNATURE_TEXT = 65536, /* of one .minisig with all its blocks */
	TRUST_MAX_SAVED = 65536,
	TRUST_CLOCK_SLACK_S = 86400, /* not_before may be this far ahead of a host's clock */
	TRUST_APPROVE_RING = 4,      /* from this ring on a promotion needs a person, too */
	TRUST_BLESSED_REVOKERS = 2,  /* keys that revoke what is blessed, whatever the root's threshold */
};

struct trust_revoked {
	uint8_t digest[OBJECT_DIGEST_BYTES];
	bool blessed; /* revoked by as many as may revoke what is blessed */
};

struct trust {
	struct object_root root;
	struct object_timestamp timestamp;  /* version 0: none yet */
	uint64_t promotion_seq, revoke_seq; /* the newest that were taken */
	uint64_t security_floor;            /* the highest of all promotions taken in this epoch */
	uint32_t n_revoked;
	/* Oldest first. Full: the oldest unblessed one goes, or the oldest when all are blessed. */
	struct trust_revoked revoked[TRUST_MAX_REVOKED];
	/* What was promoted to PLAN_BLESSED, oldest first, the oldest go: one key alone does not revoke these. */
	uint32_t n_blessed;
	uint8_t blessed[TRUST_MAX_BLESSED][OBJECT_DIGEST_BYTES];
	uint64_t latest_s; /* the latest time that a trusted timestamp told: a clock well before it is wrong */
	/* Content that came with the sensor: never revoked. The caller sets it, also after a restore; zero: none. */
	uint8_t factory[OBJECT_DIGEST_BYTES];
};

/*
 * Start from a root that the owner put on the host: its own signatures must meet its own threshold. This one payload is
 * read before it is verified, since it names the keys. E_REJECTED with d (T...); *t is set on success only.
 */
FALLIBLE trust_init(struct trust *t, struct view root, struct view signatures, struct diag *d);
/*
 * The next root: version + 1, by the threshold of the old and of the new, of the same fleet, of the same epoch or a
 * later one. A later epoch forgets sequence numbers, timestamp, latest time and security floor; what is revoked stays
 * so. Also taken when the old root is expired: it is the way out. E_EXISTS: the one we have; E_REJECTED.
 */
FALLIBLE trust_root(struct trust *t, struct view payload, struct view signatures, struct diag *d);
/*
 * A timestamp of this epoch and this very root. E_REJECTED: signatures, a version that does not rise (a replay), a
 * jump, a time or sequence number that goes back. E_EXISTS: the one we have.
 */
FALLIBLE trust_timestamp(struct trust *t, struct view payload, struct view signatures, struct diag *d);
/*
 * Stale: no valid timestamp at this time, the root is expired, or the clock is before what a timestamp said (less
 * TRUST_CLOCK_SLACK_S). Detection goes on; nothing new is taken.
 */
bool trust_is_stale(const struct trust *t, uint64_t now_s);
/*
 * A promotion: signatures (ring 4 and later, blessed and urgent ones also a person's), not stale, epoch, sequence above
 * ours by at most the jump and at most the timestamp's; expiry; no larger a share than the root's plan gives the ring;
 * the digest is not revoked. *out is set on success, trust remembers the number. To be called in the order of the
 * numbers, over all channels: what is below a number that was taken is never taken. E_REJECTED.
 */
FALLIBLE trust_promotion(struct trust *t, struct view payload, struct view signatures, uint64_t now_s,
			 struct object_promotion *out, struct diag *d);
/* Never too old and never stale: it takes away what is feared. E_REJECTED; *out tells what it revokes. */
FALLIBLE trust_revoke(struct trust *t, struct view payload, struct view signatures, struct object_revoke *out,
		      struct diag *d);
/* A bundle's bytes: its digest is the one asked for, its signatures meet the threshold, it is not revoked. E_REJECTED.
 */
FALLIBLE trust_bundle(const struct trust *t, struct view bytes, struct view signatures,
		      const uint8_t digest[OBJECT_DIGEST_BYTES], struct diag *d);
bool trust_is_revoked(const struct trust *t, const uint8_t digest[OBJECT_DIGEST_BYTES]);

/*
 * To remember over restarts: at most TRUST_MAX_SAVED bytes with a version and a checksum. Save after each success,
 * before acting on it. E_LIMIT: out is full. E_FORMAT, E_UNSUPPORTED (a later version): the host starts from its root
 * again and says so. Format: docs/formats/release.md.
 */
FALLIBLE trust_save(const struct trust *t, struct buf *out);
FALLIBLE trust_restore(struct view v, struct trust *out, struct diag *d);

/*
 * Verify that at least n distinct keys of a role signed the payload; n 0: the role's threshold. E_REJECTED says how
 * many valid signatures there were, of whom, and why others do not count.
 */
FALLIBLE trust_verify(const struct object_root *root, enum object_role role, uint32_t n, struct view payload,
		      struct view signatures, struct diag *d);

#endif
