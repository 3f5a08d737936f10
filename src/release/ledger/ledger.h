/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger: what a release server remembers, in SQLite: releases, the newest report of each host, and a log that only
 * grows.
 *
 * Every entry of the log holds the BLAKE2b-256 of the one before it: the head stands for all of it, and goes into every
 * timestamp and every report. State and its log entry are written in one transaction with synchronous=FULL: what was
 * signed was written before. One process writes; others read.
 */
#ifndef SALLYPORT_RELEASE_LEDGER_H
#define SALLYPORT_RELEASE_LEDGER_H

#include "release/machine/machine.h"

struct ledger;

/* E_IO, E_FORMAT (another version, or a broken log: it says where), E_EXISTS (another writer) with d. */
FALLIBLE ledger_open(const char *path, bool writable, struct ledger **out, struct diag *d);
void ledger_close(struct ledger *l);

struct ledger_entry {
	uint64_t n, time_s;
	uint8_t prev[OBJECT_DIGEST_BYTES], hash[OBJECT_DIGEST_BYTES];
	const char *actor, *kind, *body; /* body: JSON, one line */
};
/* Check the whole chain. E_FORMAT: the entry that is wrong. */
FALLIBLE ledger_verify(struct ledger *l, struct diag *d);
void ledger_head(const struct ledger *l, uint8_t out[OBJECT_DIGEST_BYTES]);
/* Entries from n on, oldest first; strings live during the call. False from fn: enough. */
FALLIBLE ledger_each(struct ledger *l, uint64_t from, bool (*fn)(void *user, const struct ledger_entry *e), void *user,
		     struct diag *d);

/* In one transaction: the state, and why. actor: "controller", or who ran the command. */
FALLIBLE ledger_put_release(struct ledger *l, const struct release *r, const char *actor, const char *kind,
			    const char *body, uint64_t now_s, struct diag *d);
/* Newest first; at most max. */
FALLIBLE ledger_releases(struct ledger *l, struct release *out, uint32_t max, uint32_t *n, struct diag *d);
/* The next number of a sequence ("promotion", "revoke", "timestamp"), taken and written. */
FALLIBLE ledger_next(struct ledger *l, const char *sequence, uint64_t *out, struct diag *d);
/* Statistics of a release in a ring, as bytes of evidence; kept over restarts. */
FALLIBLE ledger_put_gate(struct ledger *l, const uint8_t release[16], uint32_t ring, struct view evidence,
			 struct diag *d);
FALLIBLE ledger_get_gate(struct ledger *l, const uint8_t release[16], uint32_t ring, struct arena *a, struct view *out,
			 struct diag *d);

/* The newest verified report of a host. E_EXISTS: not newer than ours. E_REJECTED: another key than the enrolled one.
 */
FALLIBLE ledger_put_health(struct ledger *l, const struct object_health *h, uint64_t received_s, struct diag *d);
struct ledger_host {
	struct object_health health;
	uint64_t first_s, received_s;
};
FALLIBLE ledger_hosts(struct ledger *l, bool (*fn)(void *user, const struct ledger_host *h), void *user,
		      struct diag *d);

#endif
