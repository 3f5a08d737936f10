/* SPDX-License-Identifier: Apache-2.0 */
/*
 * controller: takes releases through their rings by itself: reads reports, judges gates, signs what follows.
 *
 * It keeps nothing in memory between two calls: everything is in the ledger, so that being killed anywhere and started
 * again is the same as going on. What a tick decides is one transaction; what is signed stands in the ledger with its
 * bytes before it goes into the repository, and is put there again, the same, until that has succeeded. Time is a
 * parameter. Reports are hostile: signed by an enrolled key, newer than before, bounded in number and size, or unseen.
 *
 * No option opens a ring: only a gate that passed does, and its evidence is in the repository before the promotion that
 * cites it. From ring 4 on, for BLESSED and in the urgent lane a person's signature is needed as well. One thread.
 * Diagnostics: D3xx.
 */
#ifndef SALLYPORT_RELEASE_CONTROLLER_H
#define SALLYPORT_RELEASE_CONTROLLER_H

#include "content/sign/sign.h"
#include "release/ledger/ledger.h"
#include "release/trust/trust.h"
#include "transport/transport.h"

enum {
	CONTROLLER_MAX_REVOKERS = 2,
	CONTROLLER_MAX_ENROLS = 1000, /* in one tick */
	CONTROLLER_ACTIVE_S = 86400,  /* a host that was silent for longer before a ring opened is none of it */
	CONTROLLER_REVERT_S = 7 * 86400,
	CONTROLLER_CLOCK_SLACK_S = 300,
};

struct controller_keys { /* borrowed; NULL: not here */
	const struct sign_secret *promote, *timestamp, *approve, *revoke[CONTROLLER_MAX_REVOKERS];
};

enum controller_answer { CONTROLLER_RUNNING, CONTROLLER_FINE, CONTROLLER_DIED };

struct controller {
	struct ledger *ledger; /* writable */
	struct transport *repo;
	struct controller_keys keys;
	struct gate_opts gate;
	uint64_t timestamp_every_s, timestamp_valid_s, promotion_valid_s;
	/* Run this bundle somewhere where nothing is at stake. Asked again each tick until it says FINE or DIED. NULL:
	 * never answered. */
	enum controller_answer (*reproduce)(void *user, const struct release *r);
	/* Told before each step that can be seen from outside or after a crash; for tests. NULL: nobody. */
	void (*step)(void *user, const char *what);
	void *user;
};
/* gate_default, a timestamp every hour that is valid for a day, promotions that are valid for 30 days. */
void controller_init(struct controller *c, struct ledger *l, struct transport *repo);

struct controller_report {              /* of one tick */
	uint32_t hosts, news, enrolled; /* known; newer reports; new keys */
	uint32_t refused;               /* reports and keys that were not believed */
	uint32_t steps, objects;        /* of releases; files put */
};

/*
 * Which root is trusted: on the first call root and signatures (as of trust_init), later what the ledger remembers and
 * the newer ones of the repository (NULL: none is asked); root.len 0: there must be one in the ledger. E_REJECTED,
 * E_NOT_FOUND.
 */
FALLIBLE controller_trust(struct ledger *l, struct transport *repo, struct view root, struct view signatures,
			  struct trust *out, uint64_t now_s, struct diag *d);

/*
 * Everything that is to be done now. E_INVALID: the clock went back, nothing was done. E_REJECTED: a key is not one of
 * the root. E_EXISTS: the repository has other bytes under a name of ours: somebody else writes to it. Errors of ledger
 * and transport: the tick is to be done again.
 */
FALLIBLE controller_tick(struct controller *c, uint64_t now_s, struct controller_report *out, struct diag *d);

/* What a person does; actor: who. Each is one transaction. */

struct controller_bundle {
	uint8_t digest[OBJECT_DIGEST_BYTES];
	char channel[OBJECT_NAME_BYTES], version[OBJECT_NAME_BYTES];
	enum plan_lane lane;
	uint64_t security_floor;
	/* Rules that it changes against the last blessed one: must be evaluated before a ring passes. */
	const char *const *changed;
	uint32_t n_changed; /* the first GATE_MAX_RULES count */
};
/* A bundle that was checked and is in the repository becomes a release, signed and waiting for ring 0. E_EXISTS: this
 * digest is a release already and not withdrawn or superseded. E_REJECTED: revoked. */
FALLIBLE controller_publish(struct controller *c, const struct controller_bundle *b, const char *actor, uint64_t now_s,
			    struct release *out, struct diag *d);
/* PAUSE RESUME HALT REVERT of a release (looked up anew by its id). E_REJECTED: not in this state. */
FALLIBLE controller_person(struct controller *c, const uint8_t release[16], enum release_event ev, const char *actor,
			   uint64_t now_s, struct release_step *out, struct diag *d);
/*
 * A person's signature (keys.approve) on the next ring, or on blessing. E_REJECTED: the gate has not passed, or nothing
 * waits for a person. *ring: which.
 */
FALLIBLE controller_approve(struct controller *c, const uint8_t release[16], const char *actor, uint64_t now_s,
			    uint32_t *ring, struct diag *d);
/*
 * Back to an older blessed digest: a promotion of it with a new number, signed by a person (keys.approve). E_NOT_FOUND:
 * no blessed release of this channel that is not below the floor. What is left is revoked by controller_person(REVERT).
 */
FALLIBLE controller_rollback(struct controller *c, const struct release *from, const char *actor, uint64_t now_s,
			     struct release *to, struct diag *d);
/* Add keys.revoke's signatures to revokes that wait for one. *n: that are complete now. */
FALLIBLE controller_sign_revokes(struct controller *c, const char *actor, uint64_t now_s, uint32_t *n, struct diag *d);

/* The gate of a release's ring as it is now. E_NOT_FOUND: no ring was opened yet. */
FALLIBLE controller_gate(struct ledger *l, const struct release *r, const struct plan *plan, const struct gate_opts *o,
			 uint64_t now_s, struct gate *g, struct gate_result *out, struct diag *d);
/* Does a promotion of this ring need a person? */
bool controller_needs_person(const struct release *r, uint32_t ring);
/* What a release waits for, one line. */
void controller_waits_for(struct ledger *l, const struct release *r, const struct plan *plan,
			  const struct gate_result *result, struct buf *out);

#endif
