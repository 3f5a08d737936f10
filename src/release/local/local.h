/* SPDX-License-Identifier: Apache-2.0 */
/*
 * local: what a host does with content: from offered to last known good, and back when it does harm.
 *
 *   offer -> SELFTEST -> SHADOW -> PROBATION -> good (= the new last known good)
 *   death, hang, breach of a budget in SELFTEST, SHADOW, PROBATION -> strike: quarantined, last known good again
 *   start that finds the mark of an unclean boot -> strike; 2: last known good, 4: factory's content, 6: SAFE
 *
 * A pure machine over a small state that is kept in two checksummed slots; every step that is risky is written down,
 * and has reached the disk, before it is taken. Two lanes, the release's and the owner's, go the same way; the owner's
 * has no factory content. Time is running time that the caller adds up; the clock of day decides nothing, and neither
 * expiry, staleness nor a missing network unload anything. Normative, rule by rule: docs/formats/state.md.
 */
#ifndef SALLYPORT_RELEASE_LOCAL_H
#define SALLYPORT_RELEASE_LOCAL_H

#include <sys/stat.h>
#include <sys/types.h>

#include "release/object/object.h"

enum {
	LOCAL_MAX_QUARANTINE = 64, /* the newest stay */
	LOCAL_STRIKES = 2,         /* unclean boots from one level to the next */
	LOCAL_MAX_STRIKES = 3 * LOCAL_STRIKES,
	LOCAL_CALM_S = 3600,      /* running time without trouble that takes one strike back */
	LOCAL_DEATHS = 3,         /* of the live worker over one lane's good content, or of the agent: one step down */
	LOCAL_DEATHS_GAP_S = 600, /* running time; a longer one between two and counting begins again */
	LOCAL_ANY_DEATHS = 12,    /* of the live worker, whoever is to blame, none LOCAL_CALM_S apart: one step down */
	LOCAL_TIME_MAX_S = 3600,  /* that counts at once: more was no running time */
	LOCAL_RETRY_S = 6 * 3600, /* running time below the last known good, until it is tried again; doubles */
	LOCAL_RETRY_MAX_S = 7 * 86400,
	LOCAL_SAVE_S = 300,   /* running time that an unclean end may take back */
	LOCAL_SUPERSEDED = 4, /* a newer offer after this part of the probation: what was on trial counts as good */
	LOCAL_TEXT_BYTES = 240,
};

enum local_lane { LOCAL_RELEASE, LOCAL_OWNER, LOCAL_N_LANES };
/* Of a candidate. LOCAL_NONE if and only if there is none. */
enum local_phase { LOCAL_NONE, LOCAL_SELFTEST, LOCAL_SHADOW, LOCAL_PROBATION };
/* What of a lane may be armed: all; the factory's (owner's lane: nothing); nothing, in both lanes (release lane only).
 */
enum local_level { LOCAL_NORMAL, LOCAL_FACTORY, LOCAL_SAFE };

struct local_lane_state {
	uint8_t lkg[OBJECT_DIGEST_BYTES], lkg1[OBJECT_DIGEST_BYTES], candidate[OBJECT_DIGEST_BYTES]; /* zero: none */
	uint32_t phase;          /* of the candidate: enum local_phase */
	uint32_t level;          /* enum local_level */
	uint64_t in_phase_s;     /* running time in this phase, in PROBATION added up over boots */
	uint32_t clean_restarts; /* of the worker, in PROBATION */
	uint32_t deaths;         /* of the live worker over good content, none LOCAL_DEATHS_GAP_S apart */
	uint64_t quiet_s;        /* running time since the last of them */
	uint64_t release_seq;    /* the highest offer that was accepted */
	uint64_t down_s;         /* running time on a level below LOCAL_NORMAL */
	uint64_t retry_s;        /* after which the last known good is tried again; 0: LOCAL_RETRY_S */
};

struct local_quarantine {
	uint8_t digest[OBJECT_DIGEST_BYTES];
	uint32_t cause, signal; /* enum health_cause; CAUSE_NONE: it was revoked */
	uint64_t time_s;        /* Unix seconds, for people */
	char rule[HEALTH_RULE_BYTES];
};

struct local_state {
	uint64_t generation;   /* rises with each write: the newer slot counts */
	uint8_t boot[16];      /* boot id of the last start */
	bool dirty;            /* started, and no orderly stop yet */
	uint32_t hooks;        /* that were attached since */
	uint32_t hooks_barred; /* not attached any more until calm came back or an operator says so */
	uint32_t boot_strikes; /* 0 to LOCAL_MAX_STRIKES */
	uint32_t agent_deaths; /* starts in one boot without a stop before, none LOCAL_DEATHS_GAP_S apart */
	uint32_t any_deaths;   /* of the live worker, none LOCAL_CALM_S apart */
	uint64_t calm_s;       /* running time since the last trouble, or since a strike was taken back */
	bool safe_by_hand;
	uint64_t unsaved_s;                                       /* running time since the state was written */
	uint64_t strikes, unclean_boots, worker_deaths, blind_ms; /* totals, for reports */
	struct local_lane_state lane[LOCAL_N_LANES];
	uint32_t n_quarantine;
	struct local_quarantine quarantine[LOCAL_MAX_QUARANTINE]; /* oldest first */
};

enum local_event {
	LOCAL_EV_START,    /* the agent starts. boot, hooks_bulk, hooks_essential */
	LOCAL_EV_STOP,     /* orderly end: hooks are detached, workers ended */
	LOCAL_EV_OFFER,    /* content that passed all checks and lies in the store. lane, digest, release_seq */
	LOCAL_EV_TESTED,   /* vectors passed in the scratch worker. lane, digest */
	LOCAL_EV_SHADOWED, /* the shadow's time or events are over, within its budgets. lane, digest */
	LOCAL_EV_REFUSED,  /* it does not load, or a vector fails, in whichever worker. digest, cause */
	LOCAL_EV_MISSING,  /* its file is gone or damaged. digest */
	LOCAL_EV_DEATH, /* a worker died by itself or somebody else's hand, hung, or breached a budget. worker, cause,
			   signal, rule; lane of scratch and shadow; digest */
	LOCAL_EV_TIME,  /* running time went by. elapsed_s */
	LOCAL_EV_RESTARTED, /* the live worker ended as it was told to, and its successor came up */
	LOCAL_EV_ATTACH,    /* hooks are about to be loaded and attached. hooks, hooks_essential */
	LOCAL_EV_REVOKED,   /* digest */
	LOCAL_EV_SAFE_ON,   /* an operator, or the breaker file */
	LOCAL_EV_SAFE_OFF,  /* an operator: out of SAFE whatever led there, all hooks again */
	LOCAL_EV_CLEAR,     /* an operator lets a digest out of quarantine. digest */
	LOCAL_N_EVENTS
};

enum local_worker { LOCAL_LIVE, LOCAL_SCRATCH_WORKER, LOCAL_SHADOW_WORKER, LOCAL_N_WORKERS };

/* Every event: now_s, blind_ms. The others are named at their events, and not looked at elsewhere. */
struct local_input {
	enum local_event event;
	uint64_t now_s;     /* Unix seconds, for people only */
	uint64_t blind_ms;  /* that nobody watched, since it was told last */
	uint64_t elapsed_s; /* by CLOCK_MONOTONIC, since it was told last */
	uint8_t boot[16];
	uint32_t lane;                       /* enum local_lane */
	uint8_t digest[OBJECT_DIGEST_BYTES]; /* DEATH of the live worker: whose rule the flight recorder names, or zero;
						the factory's digest if it is the factory's */
	uint64_t release_seq;                /* rises with promotions, over epochs of the root too */
	uint32_t worker;                     /* enum local_worker */
	uint32_t cause, signal;              /* enum health_cause */
	uint32_t hooks, hooks_bulk, hooks_essential; /* enum kern_hook bits; essential: of the SAFE feed */
	char rule[HEALTH_RULE_BYTES];                /* NUL-terminated; printable is the caller's to see to */
};

/* What to do after the state was written: bits, in the order in which they are to be done. */
enum local_do {
	LOCAL_DO_WRITE = 1,   /* write the state first; local_step() does it */
	LOCAL_DO_NO_DISK = 2, /* the step only takes something away: take it even if the write fails */
	LOCAL_DO_ARM = 4,     /* what local_armed() and local_level() say has changed: the live worker gets that */
	LOCAL_DO_HOOKS = 8,   /* what local_hooks() grants has changed: attach anew (LOCAL_EV_ATTACH first) */
	LOCAL_DO_KEEP = 16,   /* what local_keeps() does not name may be deleted: local_store_clean() */
	LOCAL_DO_NOTICE = 32, /* tell .text: an internal alert */
};
/* The same for each lane; DROP comes first, with ARM. */
enum local_lane_do {
	LOCAL_DO_DROP = 1,    /* end its scratch and shadow workers */
	LOCAL_DO_SCRATCH = 2, /* start a scratch worker with its candidate, then TESTED, REFUSED or DEATH */
	LOCAL_DO_SHADOW = 4,  /* start a shadow worker with it, then SHADOWED, REFUSED or DEATH */
};

struct local_output {
	uint32_t todo;                   /* enum local_do */
	uint32_t lane_do[LOCAL_N_LANES]; /* enum local_lane_do */
	bool unwritten;                  /* local_step: taken though the write failed; what was on trial is dropped */
	char text[LOCAL_TEXT_BYTES];     /* one line, empty without LOCAL_DO_NOTICE */
};

/* ---- machine.c: pure, no allocation, O(quarantine). Safe from any thread. ---- */

/* Of a new host. */
void local_init(struct local_state *s);
/*
 * What an event makes of *s. Use local_step(), which writes before the step may be taken.
 *
 * plan   checked (plan_check). out is set on success only. A message that comes too late (TESTED of what is no
 * candidate any more, DEATH of a worker that was told to end) succeeds and asks for nothing.
 *
 * E_REJECTED   an offer that is quarantined, older than one accepted before, held by the other lane, or comes while the
 *              host is SAFE by hand (the owner's lane: SAFE at all); hooks that are barred. Id H1xx. *s is as it was.
 * E_NOT_FOUND  CLEAR of what is not in quarantine
 * E_INVALID    an enum out of range, an offer of no digest, a rule without NUL
 */
FALLIBLE local_on(struct local_state *s, const struct plan *plan, const struct local_input *in,
		  struct local_output *out, struct diag *d);
/*
 * The state could not be written, but the step is taken: forget what is on trial, in memory, for a disk that does not
 * keep the mark must not let it boot into it for ever. Adds to *out.
 */
void local_without_disk(struct local_state *s, struct local_output *out);
/* The digest that a lane has armed. False: nothing of this lane; the release lane then has the factory's content,
 * unless local_level() is LOCAL_SAFE: then no content at all, the fixed feed. */
bool local_armed(const struct local_state *s, enum local_lane lane, uint8_t digest[OBJECT_DIGEST_BYTES]);
/* Of the host: LOCAL_SAFE by hand too. */
enum local_level local_level(const struct local_state *s);
bool local_is_quarantined(const struct local_state *s, const uint8_t digest[OBJECT_DIGEST_BYTES]);
/* Must this digest's file stay? */
bool local_keeps(const struct local_state *s, const uint8_t digest[OBJECT_DIGEST_BYTES]);
/* The bits of wanted that may be attached. */
uint32_t local_hooks(const struct local_state *s, uint32_t wanted);

/* ---- slot.c: pure ---- */

/* A slot's bytes: docs/formats/state.md. */
enum { LOCAL_SLOT_BYTES = 16384, LOCAL_VERSION = 1 };
void local_write(const struct local_state *s, uint8_t out[LOCAL_SLOT_BYTES]);
/* E_TRUNCATED E_FORMAT, E_UNSUPPORTED (written by a release whose state this one must not read), with d (H2xx). */
FALLIBLE local_read(struct view slot, struct local_state *out, struct diag *d);

/* ---- store.c: the disk. One thread. ---- */

/* The system calls of the store, so that a test can make them fail, or cut the power. -1 and errno, as the real ones.
 */
struct local_fs {
	int (*openat)(void *user, int dir, const char *name, int flags, mode_t mode);
	int (*mkdirat)(void *user, int dir, const char *name, mode_t mode);
	int (*fstat)(void *user, int fd, struct stat *st);
	int (*lock)(void *user, int fd); /* exclusive, without waiting */
	ssize_t (*pread)(void *user, int fd, void *p, size_t n, off_t at);
	ssize_t (*pwrite)(void *user, int fd, const void *p, size_t n, off_t at);
	int (*fsync)(void *user, int fd);
	int (*renameat)(void *user, int dir, const char *from, const char *to);
	int (*unlinkat)(void *user, int dir, const char *name);
	/* each(): 0 goes on */
	int (*list)(void *user, int dir, int (*each)(void *arg, const char *name), void *arg);
	void (*close)(void *user, int fd);
	void *user;
};
extern const struct local_fs local_fs_host;

enum { LOCAL_MAX_CONTENT = 64 << 20, LOCAL_MAX_BLOB = 1 << 20, LOCAL_MAX_BLOB_NAME = 32 };

struct local_store; /* a directory: state.0, state.1, content/DIGEST, blob.NAME */

/*
 * Open or make it (mode 0700, ours, not a link, not writable by others; the directory above must be there), and take
 * its lock: one agent at a time. A file system that is read-only is no error.
 *
 * fs     NULL: the host's. Borrowed.
 * state  what the newest valid slot says. One that is torn or missing is no error: the other counts. None: a new host's
 * lost   there was a state, but no slot of it is valid
 *
 * E_EXISTS  another agent has it
 * E_PERM    not ours alone (H301)
 * E_IO      H302
 * E_NOMEM
 */
FALLIBLE local_store_open(const char *dir, const struct local_fs *fs, struct local_store **out,
			  struct local_state *state, bool *lost, struct diag *d);
void local_store_close(struct local_store *s);
/*
 * The slot that does not hold the newest state is overwritten in place and synced; state->generation rises.
 * E_IO (H303): a start finds the state before, or this one: the step must not be taken, but it would do no harm to
 * believe that it was going to be.
 */
FALLIBLE local_store_write(struct local_store *s, struct local_state *state, struct diag *d);
/*
 * One event: local_on(), the write, and only then *state. The only way in which an agent changes its state.
 *
 * E_OK  do what out says. Errors: those of local_on(), and E_IO: it was not written; *state is as it was, nothing is to
 * be done. ATTACH: then take no more than the essential hooks, which needs no disk. Others may be given again later.
 */
FALLIBLE local_step(struct local_store *s, struct local_state *state, const struct plan *plan,
		    const struct local_input *in, struct local_output *out, struct diag *d);
/* Content by digest: hashed, written to a temporary name, synced, renamed, directory synced. E_IO (H304), E_FORMAT
 * (H305: the bytes have another digest), E_LIMIT (more than LOCAL_MAX_CONTENT). */
FALLIBLE local_store_put(struct local_store *s, const uint8_t digest[OBJECT_DIGEST_BYTES], struct view bytes,
			 struct diag *d);
/* A read-only descriptor of it, its bytes hashed again. E_NOT_FOUND, E_FORMAT (H306: damaged; it is deleted), E_IO. */
FALLIBLE local_store_get(struct local_store *s, const uint8_t digest[OBJECT_DIGEST_BYTES], int *out_fd, uint32_t *bytes,
			 struct diag *d);
/* Delete content that neither the state nor the other slot keeps, and temporary files. */
void local_store_clean(struct local_store *s, const struct local_state *state);
/* A small file of another part of the agent, unread. name: 1 to 32 of [a-z0-9-]. Temporary name, sync, rename.
 * E_INVALID (the name), E_IO (H304), E_LIMIT (LOCAL_MAX_BLOB). load: E_NOT_FOUND too; *out is NUL-terminated, the
 * caller's. */
FALLIBLE local_store_save(struct local_store *s, const char *name, struct view bytes, struct diag *d);
FALLIBLE local_store_load(struct local_store *s, const char *name, char **out, size_t *out_len, struct diag *d);

#endif
