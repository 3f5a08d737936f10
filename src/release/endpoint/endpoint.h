/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoint: may this host activate this bundle now? The same code on a host, in tests and in the simulation.
 *
 * Every condition is judged, and each says yes or no with its numbers: the list is the proof that `explain bundle`
 * prints. A stolen control plane can sign what it likes: a host's own ring and its own dwell are not its to say. Pure,
 * cheap (below a microsecond without texts), one thread.
 */
#ifndef SALLYPORT_RELEASE_ENDPOINT_H
#define SALLYPORT_RELEASE_ENDPOINT_H

#include "release/object/object.h"
#include "release/policy/policy.h"

enum {
	ENDPOINT_MAX_KNOWN = 32,
	ENDPOINT_MAX_TICK_S = 900, /* of one tick: a host that slept did not watch */
};

/* What a host knows of one release of its channel, over boots. */
struct endpoint_known {
	/* of the first promotion that was seen of this digest: a second release of it cannot draw a better bucket */
	uint8_t release[16];
	uint8_t digest[OBJECT_DIGEST_BYTES];
	char channel[OBJECT_NAME_BYTES];
	uint64_t dwell_s; /* time that this host ran since it saw the first promotion: CLOCK_BOOTTIME, added up */
	uint32_t epoch, first_epoch; /* sequence numbers count within one */
	uint64_t seq, first_seq;     /* newest promotion, and first: which release is newer goes by the first */
	uint32_t ring, lane, cutoff; /* of the newest */
	uint64_t not_before, expires;
	/* by ring: dwell when a promotion to it or to a later one was first seen; UINT64_MAX: not yet. Holds run from
	 * here, or from when the host's own dwell was over, whichever is later. */
	uint64_t open_dwell_s[PLAN_RINGS];
	uint64_t security_floor;
	uint8_t evidence[OBJECT_DIGEST_BYTES]; /* that the newest promotion cites */
	bool blessed, rollback, evidence_ok;   /* evidence_ok: whoever judged it sets it; a new promotion clears it */
};

struct endpoint_host {
	uint8_t agent_id[OBJECT_AGENT_ID_BYTES];
	bool fresh; /* has never had good content but its factory's: takes what is blessed, without dwell */
	uint64_t security_floor;
};

enum endpoint_check {
	CHECK_SIGNATURES, /* judged before: trust; what a caller passes */
	CHECK_SEQUENCE,
	CHECK_REVOKED,
	CHECK_QUARANTINE,
	CHECK_FLOOR,
	CHECK_FITS,       /* engine range, schema, limits: what reading the bundle said */
	CHECK_NOT_BEFORE, /* and not expired: the promotion holds now */
	CHECK_RING,
	CHECK_DWELL,
	CHECK_CHANNEL,
	CHECK_PAUSE,
	CHECK_PIN,
	CHECK_LAG,
	CHECK_HOLD,
	CHECK_WINDOW, /* and freezes */
	CHECK_EVIDENCE,
	CHECK_VECTORS, /* scratch worker */
	ENDPOINT_N_CHECKS
};
const char *endpoint_check_name(enum endpoint_check c);

struct endpoint_facts { /* judged elsewhere */
	bool signatures, sequence, fits, vectors,
		vectors_done; /* vectors are run last: until then they do not hold it up */
	bool revoked, quarantined;
	uint32_t newer;        /* endpoint_newer() */
	uint64_t bundle_floor; /* security_floor of its manifest */
};

struct endpoint_verdict {
	bool go;
	uint32_t failed; /* bit by enum endpoint_check */
	uint32_t ring;   /* this host's own */
	uint64_t wait_s; /* at least, as far as time alone decides; UINT64_MAX: time alone does not */
};

/* By the keyed hash; 0 for who volunteers; the owner can only push it later. */
uint32_t endpoint_own_ring(const struct plan *plan, const struct policy *p, const struct endpoint_host *h,
			   const uint8_t release[16]);
/* The whole judgement: a keyed hash and comparisons, below 300 ns unless the policy has windows. */
void endpoint_decide(const struct plan *plan, const struct policy *p, const struct endpoint_host *h,
		     const struct endpoint_known *k, const struct endpoint_facts *f, int64_t now_s,
		     struct endpoint_verdict *out);
/* One line for a check, for people: "own dwell: 3 h 10 min of 8 h (ring 4)". */
void endpoint_explain(const struct plan *plan, const struct policy *p, const struct endpoint_host *h,
		      const struct endpoint_known *k, const struct endpoint_facts *f, int64_t now_s,
		      enum endpoint_check check, struct buf *out);

/*
 * The table of known releases, by digest: dwell is the digest's, and a release that comes back does not start from
 * nothing. It is full of what anybody with a promotion key signs, so who goes when there is no room is chosen: never
 * what the policy pins; first what an older epoch signed (a new root is the remedy for stolen keys), then what is older
 * than a blessed one, the oldest first; then what was promoted least far (to ring 4 and later a person signed too), and
 * of these what dwelt least. A flood of promotions thus costs the flood's own entries, never a dwell that has run.
 */
struct endpoint_table {
	struct endpoint_known k[ENDPOINT_MAX_KNOWN];
	uint32_t n;
};
void endpoint_table_init(struct endpoint_table *t);
/*
 * A promotion that trust took. Of another channel than the policy's, or not newer than the newest of its digest:
 * nothing happens. The entry, or NULL; it moves when entries are forgotten.
 */
struct endpoint_known *endpoint_take(struct endpoint_table *t, const struct object_promotion *p,
				     const struct policy *pol);
/* A digest that was revoked: it takes no room, and does not count as newer than others. */
void endpoint_forget(struct endpoint_table *t, const uint8_t digest[OBJECT_DIGEST_BYTES]);
/* elapsed_s of running time went by, ENDPOINT_MAX_TICK_S at most. */
void endpoint_tick(struct endpoint_table *t, uint64_t elapsed_s);
/* Releases of the same channel that are newer and that ring and dwell of this host let through: what `lag` counts. */
uint32_t endpoint_newer(const struct endpoint_table *t, const struct plan *plan, const struct policy *p,
			const struct endpoint_host *h, const struct endpoint_known *k);
/* To remember over restarts: bytes with a version and a checksum. */
FALLIBLE endpoint_save(const struct endpoint_table *t, struct buf *out);
/* E_TRUNCATED, E_FORMAT, E_UNSUPPORTED with d: then every dwell starts again, and somebody says so. */
FALLIBLE endpoint_restore(struct view v, struct endpoint_table *out, struct diag *d);

#endif
