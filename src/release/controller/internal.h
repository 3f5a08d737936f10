/* SPDX-License-Identifier: Apache-2.0 */
/* internal: what the controller's parts share. */
#ifndef SALLYPORT_RELEASE_CONTROLLER_INTERNAL_H
#define SALLYPORT_RELEASE_CONTROLLER_INTERNAL_H

#include "release/controller/controller.h"

enum { HEX16 = 2 * 16 + 1, HEX32 = 2 * OBJECT_DIGEST_BYTES + 1, MAX_SIGNATURES = SIGN_BLOCK_MAX * SIGN_MAX_BLOCKS };

/* One tick's working set. */
struct tick {
	struct controller *c;
	struct trust *trust;
	const struct plan *plan;
	uint64_t now_s;
	struct release all[LEDGER_MAX_RELEASES];
	uint32_t n;
	struct controller_report report;
	struct diag *d;
};

/* What is kept of a release beside struct release. */
struct kept {
	uint64_t created_s, floor;
	uint32_t n_changed;
	char changed[GATE_MAX_RULES][HEALTH_RULE_BYTES];
};
FALLIBLE kept_put(struct ledger *l, const uint8_t release[16], const struct kept *k, struct diag *d);
FALLIBLE kept_get(struct ledger *l, const uint8_t release[16], struct kept *out, struct diag *d);
/* A number under a name; 0: none. */
FALLIBLE number_put(struct ledger *l, const char *name, uint64_t v, struct diag *d);
FALLIBLE number_get(struct ledger *l, const char *name, uint64_t *out, struct diag *d);

void told(struct controller *c, const char *what);

/* reports.c */
FALLIBLE reports_take(struct tick *t);
/* fold.c: what reports say of releases that are in a ring, into their gates (in the ledger). */
FALLIBLE fold_all(struct tick *t);
FALLIBLE gate_store(struct ledger *l, const struct release *r, const struct gate *g, const struct gate_opts *o,
		    uint64_t now_s, struct diag *d);
FALLIBLE gate_load(struct ledger *l, const struct release *r, struct gate *g, struct diag *d);
/* A gate's evidence as bytes and digest. */
FALLIBLE gate_bytes(struct ledger *l, const struct release *r, const struct gate *g, const struct gate_opts *o,
		    uint64_t now_s, struct buf *out, struct diag *d);
/* The release's newest one is candidate or last known good on this host. */
bool host_has(const struct object_health *h, const struct release *r);
bool host_is_active(const struct ledger_host *h, uint64_t opened_s);
uint32_t host_ring(const struct plan *plan, const struct object_health *h, const struct release *r);

/* act.c */
FALLIBLE act_all(struct tick *t);
/* machine step written down with its reason. */
FALLIBLE write_step(struct ledger *l, const struct release *r, const struct release_step *s, enum release_event ev,
		    const char *actor, uint64_t now_s, struct diag *d);
FALLIBLE open_gate(struct controller *c, const struct release *r, const struct gate *before, const struct plan *plan,
		   uint64_t now_s, struct diag *d);
/* A promotion into this ring that a person signed and that waits for the promoter's key. E_NOT_FOUND. */
FALLIBLE find_approved(struct controller *c, const struct trust *trust, const struct release *r, uint32_t ring,
		       uint64_t now_s, struct arena *a, struct ledger_object *out, struct object_promotion *p,
		       struct diag *d);
/* Payload and name of a promotion; with a key also its signature, and into the ledger. bytes must outlive *o. */
FALLIBLE promotion_object(struct controller *c, const struct object_promotion *p, const struct sign_secret *key,
			  struct ledger_object *o, struct buf *bytes, struct diag *d);
/* Evidence that this gate passed, into the ledger; its digest. E_REJECTED: it did not. */
FALLIBLE put_evidence(struct controller *c, const struct trust *trust, const struct release *r, const struct gate *g,
		      uint64_t now_s, uint8_t digest[OBJECT_DIGEST_BYTES], struct diag *d);
FALLIBLE revoke_release(struct controller *c, const struct trust *trust, const struct release *r, struct diag *d);
/* Our keys' signatures added; *done: it is complete, and ready to be put. */
FALLIBLE sign_revoke(struct controller *c, const struct trust *trust, struct ledger_object *o, bool *done,
		     struct diag *d);

/* sign.c */
FALLIBLE add_signatures(struct view payload, const struct sign_secret *const *keys, uint32_t n_keys,
			const char *comment, struct buf *out, struct diag *d);
/* The object with one more block of each key (NULLs are left out) into the ledger. */
FALLIBLE sign_into(struct controller *c, const struct ledger_object *o, const struct sign_secret *const *keys,
		   uint32_t n_keys, const char *comment, bool replace, struct diag *d);
/* Numbers of "promotion", "revoke", "timestamp" in an epoch: the next one; the newest that is published. */
FALLIBLE next_number(struct ledger *l, const char *sequence, uint32_t epoch, uint64_t *out, struct diag *d);
FALLIBLE published_number(struct ledger *l, const char *sequence, uint32_t epoch, uint64_t *out, struct diag *d);
FALLIBLE publish_number(struct ledger *l, const char *sequence, uint32_t epoch, uint64_t v, struct diag *d);
/* The next promotion of a release into a ring, filled in but for what is the caller's (evidence, rollback). */
FALLIBLE fresh_promotion(struct controller *c, const struct trust *trust, const struct release *r, uint32_t ring,
			 uint32_t cutoff, uint64_t now_s, struct object_promotion *out, struct diag *d);
FALLIBLE sign_timestamp(struct tick *t);
/* What is ready goes into the repository. */
FALLIBLE flush(struct controller *c, uint32_t *put, struct diag *d);

#endif
