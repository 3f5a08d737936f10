/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object: the signed statements that a release is made of, as bytes: fixed little-endian structs.
 *
 * A file holds one payload; beside it stands NAME.minisig with one block of four lines for each signer, each as
 * minisign writes it (pre-hashed Ed25519). A payload begins with its kind, so that a signature of one kind is none of
 * another. Nothing of a payload is looked at before its signatures were verified (trust). Normative:
 * docs/formats/release.md. Pure.
 */
#ifndef SALLYPORT_RELEASE_OBJECT_H
#define SALLYPORT_RELEASE_OBJECT_H

#include "base/base.h"
#include "release/plan/plan.h"

enum {
	OBJECT_DIGEST_BYTES = 32, /* BLAKE2b-256 */
	OBJECT_MAX_BYTES = 16384,
	OBJECT_MAX_KEYS = 32,
	OBJECT_MAX_SIGNATURES = 16,
	OBJECT_MAX_REVOKED = 64, /* digests in one revoke */
	OBJECT_NAME_BYTES = 32,  /* fleet, channel, version: NUL-terminated, [a-z0-9._-] */
	OBJECT_AGENT_ID_BYTES = 16,
	OBJECT_SALT_BYTES = 16,
	OBJECT_KEY_BYTES = 32,
	OBJECT_KEY_ID_BYTES = 8,
};

enum object_kind {
	OBJECT_ROOT = 1,
	OBJECT_PROMOTION,
	OBJECT_REVOKE,
	OBJECT_TIMESTAMP,
	OBJECT_HEALTH,   /* signed by the agent's own key */
	OBJECT_EVIDENCE, /* cited by hash; encoded by release/gate */
};

enum object_role {
	ROLE_ROOT,    /* signs roots: 3 of 5 */
	ROLE_BUNDLE,  /* signs bundles: 2 of 3 */
	ROLE_PROMOTE, /* signs promotions; a key with this role has no other */
	ROLE_APPROVE, /* a person: signs promotions to ring 4 and later too, and those of the urgent lane */
	ROLE_REVOKE,
	ROLE_TIMESTAMP,
	OBJECT_N_ROLES
};

/* "root", "bundle", ...: static. */
const char *object_role_name(enum object_role role);

struct object_key {
	uint8_t key[OBJECT_KEY_BYTES];
	uint8_t id[OBJECT_KEY_ID_BYTES];
	uint32_t roles; /* bit by enum object_role */
};

struct object_root {
	uint32_t version; /* the next root has one more */
	uint32_t epoch;   /* sequence numbers start again with a new one */
	uint64_t expires; /* Unix seconds; stops what is new, never detection */
	char fleet[OBJECT_NAME_BYTES];
	uint32_t n_keys, threshold[OBJECT_N_ROLES];
	struct object_key key[OBJECT_MAX_KEYS];
	struct plan plan;
};

struct object_promotion {
	uint32_t epoch;
	uint64_t seq; /* rises by promotion, over all channels */
	char channel[OBJECT_NAME_BYTES];
	uint8_t digest[OBJECT_DIGEST_BYTES];   /* of the bundle */
	uint8_t release[16];                   /* the same for all rings of one release; also the salt of buckets */
	uint32_t ring;                         /* 0 to PLAN_LAST, or PLAN_BLESSED */
	uint32_t lane;                         /* enum plan_lane */
	uint32_t cutoff;                       /* at most the plan's for this ring; less while a ring ramps */
	uint64_t not_before, expires;          /* Unix seconds */
	uint8_t evidence[OBJECT_DIGEST_BYTES]; /* of the previous ring; zero for ring 0 */
	uint64_t security_floor;               /* bundles below it may not be activated any more */
	bool rollback;                         /* the digest was blessed before: an older one is gone back to */
};

struct object_revoke {
	uint32_t epoch;
	uint64_t seq;
	uint32_t n;
	uint8_t digest[OBJECT_MAX_REVOKED][OBJECT_DIGEST_BYTES];
	bool blessed; /* at least one of them is blessed: two signatures */
};

struct object_timestamp {
	uint32_t epoch;
	uint64_t version;       /* rises */
	uint64_t time, expires; /* Unix seconds */
	uint32_t root_version;
	uint64_t promotion_seq, revoke_seq; /* the newest */
	uint8_t log_head[OBJECT_DIGEST_BYTES];
};

enum { HEALTH_MAX_RULES = 64, HEALTH_RULE_BYTES = 64 };

enum health_phase { HEALTH_NONE, HEALTH_SELFTEST, HEALTH_SHADOW, HEALTH_PROBATION, HEALTH_GOOD, HEALTH_QUARANTINED };
enum health_cause {
	CAUSE_NONE,
	CAUSE_CRASH,
	CAUSE_HANG,
	CAUSE_MEMORY,
	CAUSE_REFUSED,
	CAUSE_VECTOR,
	CAUSE_BUDGET,
	CAUSE_BOOT
};

/* What one rule did since the content was armed on this host. */
struct health_rule {
	char name[HEALTH_RULE_BYTES]; /* cut */
	uint64_t evaluated, alerts, throttled, ns_per_run;
};

struct object_health {
	uint8_t agent[OBJECT_AGENT_ID_BYTES];
	uint8_t key[OBJECT_KEY_BYTES]; /* of the agent: must be the enrolled one */
	uint64_t seq, time;            /* rises; Unix seconds */
	uint8_t boot[16];              /* boot id */
	uint64_t uptime_s;
	char kernel[64], engine[OBJECT_NAME_BYTES],
		stratum[OBJECT_NAME_BYTES]; /* release of the kernel; ours; the owner's word */
	bool ring0, safe, critical;
	uint8_t lkg[OBJECT_DIGEST_BYTES], candidate[OBJECT_DIGEST_BYTES]; /* zero: none */
	uint32_t phase;                                                   /* of the candidate: enum health_phase */
	uint64_t in_phase_s;
	/* the last strike */
	uint8_t strike_digest[OBJECT_DIGEST_BYTES];
	uint32_t strike_cause, strike_signal; /* enum health_cause */
	char strike_rule[HEALTH_RULE_BYTES];
	uint64_t strikes, unclean_boots, worker_deaths, blind_ms;
	uint64_t events, lost, alerts, cpu_ns, memory_bytes; /* of the worker, since boot of the agent */
	uint64_t shadow_alerts, live_alerts;                 /* over the same time: the candidate's and the LKG's */
	uint64_t promotion_seq, revoke_seq;                  /* the newest that it knows */
	uint8_t log_head[OBJECT_DIGEST_BYTES];
	uint32_t n_rules; /* rules that the candidate changed first, then by cost */
	struct health_rule rule[HEALTH_MAX_RULES];
};

/*
 * Payload bytes, appended. Deterministic; what these accept, the readers accept, and give back as it was. E_INVALID: a
 * field out of bounds (nothing is appended); E_LIMIT: out is full.
 *
 * Every role of a root has at least one key and a threshold of 1 to the number of its keys; keys and their ids differ;
 * ring 0 is promoted without evidence, later ones with it unless it is a rollback. Names begin with a letter or digit;
 * engine and stratum of a health report may be empty.
 */
FALLIBLE object_write_root(const struct object_root *in, struct buf *out, struct diag *d);
FALLIBLE object_write_promotion(const struct object_promotion *in, struct buf *out, struct diag *d);
FALLIBLE object_write_revoke(const struct object_revoke *in, struct buf *out, struct diag *d);
FALLIBLE object_write_timestamp(const struct object_timestamp *in, struct buf *out, struct diag *d);
FALLIBLE object_write_health(const struct object_health *in, struct buf *out, struct diag *d);

/*
 * Read a payload whose signatures are verified. E_TRUNCATED E_FORMAT (kind, version, length, a field out of bounds),
 * E_UNSUPPORTED (a version this build does not know), with d (O...).
 */
FALLIBLE object_read_root(struct view v, struct object_root *out, struct diag *d);
FALLIBLE object_read_promotion(struct view v, struct object_promotion *out, struct diag *d);
FALLIBLE object_read_revoke(struct view v, struct object_revoke *out, struct diag *d);
FALLIBLE object_read_timestamp(struct view v, struct object_timestamp *out, struct diag *d);
FALLIBLE object_read_health(struct view v, struct object_health *out, struct diag *d);

/* BLAKE2b-256. */
void object_digest(struct view v, uint8_t out[OBJECT_DIGEST_BYTES]);

/*
 * Where things are in a repository: names of static files below its root.
 *
 *   timestamp              and timestamp.minisig; so with every signed object
 *   root/N                 by version
 *   promotion/N            by sequence number, in the newest epoch: EPOCH-SEQ
 *   revoke/EPOCH-SEQ
 *   bundle/DIGEST          64 hexadecimal digits
 *   evidence/DIGEST
 *   agent/ID.pub           enrolment, written by agents, first come
 *   health/ID              newest report, written by agents
 *
 * object_path is snprintf into such a name, which must fit: a caller's bug otherwise.
 */
enum { OBJECT_PATH_BYTES = 96 };
void object_path(char out[OBJECT_PATH_BYTES], const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void object_hex(const uint8_t *bytes, size_t n, char *out);  /* 2 n digits and a NUL */
bool object_unhex(const char *text, uint8_t *out, size_t n); /* exactly 2 n lower-case digits */

#endif
