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

enum { ENDPOINT_MAX_KNOWN = 32 };

/* What a host knows of one release of its channel, over boots. */
struct endpoint_known {
	uint8_t release[16], digest[OBJECT_DIGEST_BYTES];
	uint64_t dwell_s; /* time that this host ran since it saw the first promotion: CLOCK_BOOTTIME, added up */
	uint64_t seq;     /* newest promotion */
	uint32_t ring, lane, cutoff; /* of it */
	uint64_t first_seq;
	uint64_t not_before;
	uint64_t open_dwell_s; /* dwell when its own ring was first seen open; UINT64_MAX: not yet. Holds run from here
				*/
	uint64_t security_floor;
	bool blessed, rollback, evidence_ok;
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
	CHECK_FITS, /* engine range, schema, limits: what reading the bundle said */
	CHECK_NOT_BEFORE,
	CHECK_RING,
	CHECK_DWELL,
	CHECK_CHANNEL,
	CHECK_PIN,
	CHECK_LAG,
	CHECK_HOLD,
	CHECK_WINDOW,
	CHECK_EVIDENCE,
	CHECK_VECTORS, /* scratch worker */
	ENDPOINT_N_CHECKS
};
const char *endpoint_check_name(enum endpoint_check c);

struct endpoint_facts { /* judged elsewhere */
	bool signatures, sequence, fits, vectors,
		vectors_done; /* vectors are run last: until then they do not hold it up */
	bool revoked, quarantined;
	uint32_t newer; /* releases of the channel that are newer than this one and whose ring is open for this host */
	uint64_t bundle_floor; /* security_floor of its manifest */
};

struct endpoint_verdict {
	bool go;
	uint32_t failed; /* bit by enum endpoint_check */
	uint32_t ring;   /* this host's own */
	uint64_t wait_s; /* at least, as far as time alone decides; UINT64_MAX: time alone does not */
};

uint32_t endpoint_own_ring(const struct plan *plan, const struct policy *p, const struct endpoint_host *h,
			   const uint8_t release[16]);
void endpoint_decide(const struct plan *plan, const struct policy *p, const struct endpoint_host *h,
		     const struct endpoint_known *k, const struct endpoint_facts *f, int64_t now_s,
		     struct endpoint_verdict *out);
/* One line for a check, for people: "own dwell: 3 h 10 min of 8 h (ring 4)". */
void endpoint_explain(const struct plan *plan, const struct policy *p, const struct endpoint_host *h,
		      const struct endpoint_known *k, const struct endpoint_facts *f, int64_t now_s,
		      enum endpoint_check check, struct buf *out);

/*
 * The table of known releases. A promotion that trust took: new release, or the next ring of one; of what is superseded
 * the oldest is forgotten. Dwell is kept per digest: a release that comes back does not start from nothing.
 */
struct endpoint_table {
	struct endpoint_known k[ENDPOINT_MAX_KNOWN];
	uint32_t n;
};
void endpoint_take(struct endpoint_table *t, const struct object_promotion *p, const struct plan *plan,
		   const struct policy *pol, const struct endpoint_host *h);
/* elapsed_s of running time went by. */
void endpoint_tick(struct endpoint_table *t, uint64_t elapsed_s);
FALLIBLE endpoint_save(const struct endpoint_table *t, struct buf *out);
FALLIBLE endpoint_restore(struct view v, struct endpoint_table *out, struct diag *d);

#endif
