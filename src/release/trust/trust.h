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
	TRUST_MAX_SIGNATURE_TEXT = 16384, /* of one .minisig with all its blocks */
	TRUST_CLOCK_SLACK_S = 86400,      /* not_before may be this far ahead of a host's clock */
};

struct trust {
	struct object_root root;
	struct object_timestamp timestamp;  /* version 0: none yet */
	uint64_t promotion_seq, revoke_seq; /* the newest that were taken */
	uint64_t security_floor;
	uint32_t n_revoked;
	uint8_t revoked[TRUST_MAX_REVOKED][OBJECT_DIGEST_BYTES]; /* oldest first; full: the oldest unblessed go */
	uint64_t latest_s; /* the latest time that a trusted timestamp told: a clock before it is wrong */
};

/* Start from a root that the owner put on the host: its own signatures must meet its own threshold. E_REJECTED with d
 * (T...). */
FALLIBLE trust_init(struct trust *t, struct view root, struct view signatures, struct diag *d);
/* The next root: version + 1, by the threshold of the old and of the new. E_REJECTED: signatures, chain, fleet. */
FALLIBLE trust_root(struct trust *t, struct view payload, struct view signatures, struct diag *d);
/* E_REJECTED: signatures, a version that does not rise (a replay), a jump, a root or sequence number that goes back.
 * E_EXISTS: the one we have. */
FALLIBLE trust_timestamp(struct trust *t, struct view payload, struct view signatures, struct diag *d);
/* Stale: no valid timestamp at this time. Detection goes on; nothing new is taken. */
bool trust_is_stale(const struct trust *t, uint64_t now_s);
/*
 * A promotion: signatures (ring 4 and later, blessed and urgent ones also a person's), epoch, sequence above ours by at
 * most the jump and at most the timestamp's; expiry; the digest is not revoked. *out is set on success, trust remembers
 * the number. E_REJECTED.
 */
FALLIBLE trust_promotion(struct trust *t, struct view payload, struct view signatures, uint64_t now_s,
			 struct object_promotion *out, struct diag *d);
/* E_REJECTED; *out tells what is new. */
FALLIBLE trust_revoke(struct trust *t, struct view payload, struct view signatures, struct object_revoke *out,
		      struct diag *d);
/* A bundle's bytes: its digest is the one asked for, its signatures meet the threshold, it is not revoked. E_REJECTED.
 */
FALLIBLE trust_bundle(const struct trust *t, struct view bytes, struct view signatures,
		      const uint8_t digest[OBJECT_DIGEST_BYTES], struct diag *d);
bool trust_is_revoked(const struct trust *t, const uint8_t digest[OBJECT_DIGEST_BYTES]);

/* To remember over restarts: bytes with a version and a checksum. E_FORMAT: then the host starts from its root again
 * and says so. */
FALLIBLE trust_save(const struct trust *t, struct buf *out);
FALLIBLE trust_restore(struct view v, struct trust *out, struct diag *d);

/*
 * Verify that at least n distinct keys of a role signed the payload. E_REJECTED says how many valid signatures there
 * were, of whom, and why others do not count.
 */
FALLIBLE trust_verify(const struct object_root *root, enum object_role role, uint32_t n, struct view payload,
		      struct view signatures, struct diag *d);

#endif
