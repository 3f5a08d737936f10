/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger: what a release server remembers, in SQLite: releases, the newest report of each host, what was signed, and a
 * log that only grows.
 *
 * Every entry of the log holds the BLAKE2b-256 of the one before it: the head stands for all of it, and goes into every
 * timestamp and every report. State and its log entry are written in one transaction with synchronous=FULL: what was
 * signed was written before, and a number that was taken is never given again. One process writes at a time (a lock
 * beside the file, PATH.lock); others read meanwhile. Tables, and what an entry's hash covers: docs/formats/ledger.md.
 *
 * One thread for each struct ledger. All of it may return E_IO (the disk is full, or fails: nothing that was
 * acknowledged is lost), E_FORMAT (the file is damaged) and E_NOMEM, with d (D2xx).
 */
#ifndef SALLYPORT_RELEASE_LEDGER_H
#define SALLYPORT_RELEASE_LEDGER_H

#include "release/machine/machine.h"

struct ledger;

enum {
	LEDGER_MAX_HOSTS = 100000,
	LEDGER_MAX_RELEASES = 64,   /* told at most; older ones stay in the file */
	LEDGER_MAX_TEXT = 16384,    /* of an entry's body */
	LEDGER_MAX_BLOB = 16 << 20, /* of a payload or a value */
	LEDGER_NAME_BYTES = 160,
};

/* writable: made if there is none. E_EXISTS: another process writes; E_FORMAT: no ledger, another version, or its last
 * entry is not what its hash says. The whole chain is for ledger_verify. */
FALLIBLE ledger_open(const char *path, bool writable, struct ledger **out, struct diag *d);
void ledger_close(struct ledger *l); /* NULL is fine; an open transaction is rolled back */

/*
 * Several changes as one: all of them, or none. Without it each call below is a transaction of its own. After an error
 * the caller rolls back. Not nested.
 */
FALLIBLE ledger_begin(struct ledger *l, struct diag *d);
FALLIBLE ledger_commit(struct ledger *l, struct diag *d);
void ledger_rollback(struct ledger *l); /* nothing is open: nothing */

struct ledger_entry {
	uint64_t n, time_s; /* n from 1 */
	uint8_t prev[OBJECT_DIGEST_BYTES], hash[OBJECT_DIGEST_BYTES];
	const char *actor, *kind, *body; /* body: JSON, one line */
};
/* actor: "controller", or who ran the command; a word. E_LIMIT: body. */
FALLIBLE ledger_log(struct ledger *l, const char *actor, const char *kind, const char *body, uint64_t now_s,
		    struct diag *d);
/* Check the whole chain. E_FORMAT: the entry that is wrong. O(entries). */
FALLIBLE ledger_verify(struct ledger *l, struct diag *d);
/* All zero: nothing was logged. */
void ledger_head(const struct ledger *l, uint8_t out[OBJECT_DIGEST_BYTES]);
uint64_t ledger_entries(const struct ledger *l);
/* Entries from n on, oldest first; strings live during the call. False from fn: enough. */
FALLIBLE ledger_each(struct ledger *l, uint64_t from, bool (*fn)(void *user, const struct ledger_entry *e), void *user,
		     struct diag *d);

/* In one transaction: the state, and why. */
FALLIBLE ledger_put_release(struct ledger *l, const struct release *r, const char *actor, const char *kind,
			    const char *body, uint64_t now_s, struct diag *d);
/* By number, newest first; at most max. E_FORMAT: a field out of bounds. */
FALLIBLE ledger_releases(struct ledger *l, struct release *out, uint32_t max, uint32_t *n, struct diag *d);
/* The next number of a sequence ("promotion", "revoke", "timestamp"), from 1, taken and written. */
FALLIBLE ledger_next(struct ledger *l, const char *sequence, uint64_t *out, struct diag *d);
/* The last that was taken; 0: none. */
FALLIBLE ledger_last(struct ledger *l, const char *sequence, uint64_t *out, struct diag *d);
/* Statistics of a release in a ring, as bytes of evidence; kept over restarts. */
FALLIBLE ledger_put_gate(struct ledger *l, const uint8_t release[16], uint32_t ring, struct view evidence,
			 struct diag *d);
/* E_NOT_FOUND */
FALLIBLE ledger_get_gate(struct ledger *l, const uint8_t release[16], uint32_t ring, struct arena *a, struct view *out,
			 struct diag *d);
/* Bytes under a name: the root that is trusted, the time of the last timestamp. */
FALLIBLE ledger_put_value(struct ledger *l, const char *name, struct view bytes, struct diag *d);
/* E_NOT_FOUND */
FALLIBLE ledger_get_value(struct ledger *l, const char *name, struct arena *a, struct view *out, struct diag *d);

/*
 * What goes into the repository: its name there, its bytes, and those beside it. It is put only after it stood here, so
 * a restart puts the same bytes again.
 */
enum ledger_object_state {
	LEDGER_PENDING, /* waits for a person's signature */
	LEDGER_READY,   /* to be put */
	LEDGER_PUT,     /* was put */
	LEDGER_DROPPED  /* will not be any more */
};
struct ledger_object {
	char name[LEDGER_NAME_BYTES];
	uint8_t release[16]; /* that it is about; zero: none */
	enum ledger_object_state state;
	struct view bytes, signatures; /* signatures empty: it has none (evidence) */
};
/* Made or changed. E_EXISTS: other bytes have that name already, unless replace (the timestamp). */
FALLIBLE ledger_put_object(struct ledger *l, const struct ledger_object *o, bool replace, struct diag *d);
/* In the order in which they were made; false from fn: enough. Views live during the call. fn may not write. */
FALLIBLE ledger_each_object(struct ledger *l, enum ledger_object_state state,
			    bool (*fn)(void *user, const struct ledger_object *o), void *user, struct diag *d);
/* E_NOT_FOUND; bytes in the arena. */
FALLIBLE ledger_get_object(struct ledger *l, const char *name, struct arena *a, struct ledger_object *out,
			   struct diag *d);
FALLIBLE ledger_set_object(struct ledger *l, const char *name, enum ledger_object_state state, struct diag *d);

/* A host's key, as it came first; logged. E_EXISTS: it has another one. E_LIMIT: LEDGER_MAX_HOSTS. */
FALLIBLE ledger_enrol(struct ledger *l, const uint8_t agent[OBJECT_AGENT_ID_BYTES], const uint8_t key[OBJECT_KEY_BYTES],
		      uint64_t now_s, struct diag *d);
/* E_NOT_FOUND */
FALLIBLE ledger_host_key(struct ledger *l, const uint8_t agent[OBJECT_AGENT_ID_BYTES], uint8_t out[OBJECT_KEY_BYTES],
			 struct diag *d);
/* The newest verified report of a host. E_EXISTS: not newer than ours. E_REJECTED: another key than the enrolled one.
 * E_NOT_FOUND: not enrolled. */
FALLIBLE ledger_put_health(struct ledger *l, const struct object_health *h, uint64_t received_s, struct diag *d);
struct ledger_host {
	struct object_health health; /* seq 0: it was enrolled, and has not reported */
	uint64_t first_s, received_s;
};
/* By id. fn may write. */
FALLIBLE ledger_hosts(struct ledger *l, bool (*fn)(void *user, const struct ledger_host *h), void *user,
		      struct diag *d);

/* What was counted of a host for a release, so that nothing is counted twice. Forgotten with the release. */
struct ledger_seen {
	uint8_t agent[OBJECT_AGENT_ID_BYTES];
	uint64_t first_s;   /* it first reported to have the content; 0: not yet */
	uint64_t counted_s; /* its host-hours are counted up to here: our clock */
	uint64_t boots;     /* unclean boots that it had reported by then */
	uint32_t strikes;   /* bit by enum gate_strike */
	bool booted;        /* an unclean boot was counted */
	uint64_t seq;       /* newest report that was counted */
};
/* E_NOT_FOUND */
FALLIBLE ledger_get_seen(struct ledger *l, const uint8_t release[16], const uint8_t agent[OBJECT_AGENT_ID_BYTES],
			 struct ledger_seen *out, struct diag *d);
FALLIBLE ledger_put_seen(struct ledger *l, const uint8_t release[16], const struct ledger_seen *s, struct diag *d);
FALLIBLE ledger_forget_seen(struct ledger *l, const uint8_t release[16], struct diag *d);

#endif
