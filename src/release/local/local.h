/* SPDX-License-Identifier: Apache-2.0 */
/*
 * local: what a host does with content: from fetched to last known good, and back when it does harm.
 *
 *   FETCHED -> SELFTEST -> SHADOW -> PROBATION -> GOOD (= the new last known good)
 *   death, hang or breach of a budget in SELFTEST, SHADOW, PROBATION -> strike: quarantined, last known good again
 *   start that finds the mark of an unclean boot: strike; 2 -> last known good, 2 more -> factory content, 2 more ->
 * SAFE
 *
 * A pure machine over a small state that is kept in two checksummed slots; every step that is risky is written down
 * (and has reached the disk) before it is taken: local_on() says what to write, local_store does it, the supervisor
 * acts. Expiry, staleness and missing networks never unload anything.
 */
#ifndef SALLYPORT_RELEASE_LOCAL_H
#define SALLYPORT_RELEASE_LOCAL_H

#include "release/object/object.h"

enum { LOCAL_MAX_QUARANTINE = 64, LOCAL_STRIKES = 2 };

enum local_lane { LOCAL_RELEASE, LOCAL_OWNER, LOCAL_N_LANES };
enum local_phase { LOCAL_NONE, LOCAL_FETCHED, LOCAL_SELFTEST, LOCAL_SHADOW, LOCAL_PROBATION };
/* Which content is armed. */
enum local_level { LOCAL_NORMAL, LOCAL_LKG_ONLY, LOCAL_FACTORY, LOCAL_SAFE };

struct local_lane_state {
	uint8_t lkg[OBJECT_DIGEST_BYTES], lkg1[OBJECT_DIGEST_BYTES], candidate[OBJECT_DIGEST_BYTES]; /* zero: none */
	uint32_t phase;          /* of the candidate: enum local_phase */
	uint32_t resume;         /* probation that a boot or restart interrupted goes on */
	uint64_t in_phase_s;     /* running time in this phase, added up over boots */
	uint32_t clean_restarts; /* of workers, in probation */
	uint64_t release_seq;    /* promotion that it came with */
};

struct local_quarantine {
	uint8_t digest[OBJECT_DIGEST_BYTES];
	uint32_t cause, signal; /* enum health_cause */
	uint64_t time_s;
	char rule[HEALTH_RULE_BYTES];
};

struct local_state {
	uint64_t generation;   /* rises with each write: the newer slot counts */
	uint8_t boot[16];      /* boot id of the last start */
	bool dirty;            /* hooks are or were attached, content armed; cleared by an orderly stop */
	uint32_t hooks;        /* that were attached then: an unclean boot attaches fewer */
	uint32_t hooks_barred; /* not attached any more until an operator says so or calm came back */
	uint32_t boot_strikes; /* unclean boots in a row */
	uint32_t level;        /* enum local_level */
	bool safe_by_hand;
	uint64_t safe_since_s,
		safe_retry_s; /* Unix seconds of running clock; back-off of the retry of the last known good */
	uint64_t strikes, unclean_boots, worker_deaths, blind_ms;
	struct local_lane_state lane[LOCAL_N_LANES];
	uint32_t n_quarantine, quarantine_at; /* a ring: the newest stay */
	struct local_quarantine quarantine[LOCAL_MAX_QUARANTINE];
};

enum local_event {
	LOCAL_EV_START,    /* the agent starts: boot id; was the last end clean? */
	LOCAL_EV_STOP,     /* orderly end: hooks detached */
	LOCAL_EV_OFFER,    /* checked content for a lane: digest */
	LOCAL_EV_TESTED,   /* vectors passed in the scratch worker */
	LOCAL_EV_REFUSED,  /* they did not, or it does not load: cause */
	LOCAL_EV_SHADOWED, /* the shadow's time is over and it was within its budgets */
	LOCAL_EV_DEATH, /* a worker died, hung, or breached: which one, digest and rule of the flight recorder, cause */
	LOCAL_EV_TIME,  /* running time went by */
	LOCAL_EV_RESTARTED, /* a clean restart of the worker */
	LOCAL_EV_ATTACH,    /* hooks are about to be attached: which */
	LOCAL_EV_REVOKED,   /* digest */
	LOCAL_EV_SAFE_ON,
	LOCAL_EV_SAFE_OFF, /* an operator, or the breaker file */
	LOCAL_EV_CLEAR,    /* an operator lets a digest out of quarantine */
};

enum local_worker { LOCAL_LIVE, LOCAL_SCRATCH_WORKER, LOCAL_SHADOW_WORKER };

struct local_input {
	enum local_event event;
	uint64_t now_s, elapsed_s;
	uint8_t boot[16];
	uint32_t lane;                       /* enum local_lane */
	uint8_t digest[OBJECT_DIGEST_BYTES]; /* OFFER, REVOKED, CLEAR; DEATH: what the flight recorder named, or zero */
	uint64_t release_seq;
	uint32_t worker;        /* DEATH: enum local_worker */
	uint32_t cause, signal; /* enum health_cause */
	uint32_t hooks;
	char rule[HEALTH_RULE_BYTES];
};

/* What to do, after the state was written: bits. */
enum local_do {
	LOCAL_DO_WRITE = 1,   /* the state changed: write it down first, and act only when it reached the disk */
	LOCAL_DO_SCRATCH = 2, /* start a scratch worker with the candidate of .lane */
	LOCAL_DO_SHADOW = 4,  /* start a shadow worker with it */
	LOCAL_DO_ARM = 8,     /* the live worker gets the content that local_armed() names: reload, or start */
	LOCAL_DO_DROP = 16,   /* end scratch and shadow workers of .lane */
	LOCAL_DO_KEEP = 32,   /* content became good: what local_keeps() does not name may be deleted */
	LOCAL_DO_NOTICE = 64, /* tell: .text, an internal alert */
};

struct local_output {
	uint32_t todo; /* enum local_do */
	uint32_t lane;
	char text[240];
};

/* Of a new host. */
void local_init(struct local_state *s);
/* E_REJECTED with d: the event is refused (an offer that is quarantined or not newer), *s is as it was. */
FALLIBLE local_on(struct local_state *s, const struct plan *plan, const struct local_input *in,
		  struct local_output *out, struct diag *d);
/* The digest that a lane has armed at its level; false: the factory's content (release lane), or nothing (owner's,
 * SAFE). */
bool local_armed(const struct local_state *s, enum local_lane lane, uint8_t digest[OBJECT_DIGEST_BYTES]);
bool local_is_quarantined(const struct local_state *s, const uint8_t digest[OBJECT_DIGEST_BYTES]);
/* May this digest's file be deleted? */
bool local_keeps(const struct local_state *s, const uint8_t digest[OBJECT_DIGEST_BYTES]);
/* enum kern_hook bits that may be attached. */
uint32_t local_hooks(const struct local_state *s, uint32_t wanted);

/* A slot's bytes: magic, version, generation, state, BLAKE2b. Normative: docs/formats/state.md. E_FORMAT with d. */
enum { LOCAL_SLOT_BYTES = 16384 };
FALLIBLE local_write(const struct local_state *s, uint8_t out[LOCAL_SLOT_BYTES]);
FALLIBLE local_read(struct view slot, struct local_state *out, struct diag *d);

/* ---- store.c: the disk ---- */

/* System calls that a test can make fail, or stop after. NULL members: the real ones. */
struct local_fs {
	int (*openat)(void *user, int dir, const char *name, int flags, unsigned mode);
	ssize_t (*pwrite)(void *user, int fd, const void *p, size_t n, off_t at);
	int (*fsync)(void *user, int fd);
	int (*renameat)(void *user, int dir, const char *from, const char *to);
	int (*unlinkat)(void *user, int dir, const char *name);
	void *user;
};

struct local_store; /* a directory: state.0, state.1, content/DIGEST, blob files, lock */

/*
 * Open or make it (mode 0700, owned by us, not a link, not writable by others). One agent at a time: a lock.
 * E_EXISTS another agent runs, E_IO, E_PERM with d. A torn or missing slot is no error: the other counts; both gone:
 * *state is a new host's and *lost says so.
 */
FALLIBLE local_store_open(const char *dir, const struct local_fs *fs, struct local_store **out,
			  struct local_state *state, bool *lost, struct diag *d);
void local_store_close(struct local_store *s);
/* The older slot is written, then synced. E_IO: nothing changed on disk that a start would believe; the caller must not
 * take the step. */
FALLIBLE local_store_write(struct local_store *s, struct local_state *state, struct diag *d);
/* Content by digest: bytes are hashed here; written to a temporary name, synced, renamed, directory synced. E_IO,
 * E_FORMAT (the digest is another). */
FALLIBLE local_store_put(struct local_store *s, const uint8_t digest[OBJECT_DIGEST_BYTES], struct view bytes,
			 struct diag *d);
/* A read-only descriptor of it, its bytes hashed again. E_NOT_FOUND, E_FORMAT (then it is deleted). */
FALLIBLE local_store_get(struct local_store *s, const uint8_t digest[OBJECT_DIGEST_BYTES], int *out_fd, uint32_t *bytes,
			 struct diag *d);
/* Delete content that the state does not keep. */
void local_store_clean(struct local_store *s, const struct local_state *state);
/* A small file of another part of the agent, unread: temporary name, sync, rename. E_IO, E_LIMIT (1 MiB). */
FALLIBLE local_store_save(struct local_store *s, const char *name, struct view bytes, struct diag *d);
FALLIBLE local_store_load(struct local_store *s, const char *name, char **out, size_t *out_len, struct diag *d);
int local_store_dir(const struct local_store *s);

#endif
