/* SPDX-License-Identifier: Apache-2.0 */
/* steward_parts: what the files of the steward share. One thread. */
#ifndef SALLYPORT_AGENT_STEWARD_PARTS_H
#define SALLYPORT_AGENT_STEWARD_PARTS_H

#include "agent/control.h"
#include "agent/steward.h"
#include "base/base.h"
#include "content/sign/sign.h"
#include "release/endpoint/endpoint.h"
#include "release/local/local.h"
#include "release/policy/policy.h"
#include "release/trust/trust.h"

static_assert((int)CONTROL_N_LANES == (int)LOCAL_N_LANES && (int)CONTROL_MAX_SAVED == (int)LOCAL_MAX_BLOB, "control.h");

enum {
	STEWARD_MAX_CLIENTS = 8,
	STEWARD_MAX_MUTES = 64,
	STEWARD_MAX_MUTE_S = 366 * 86400,
	STEWARD_MAX_OFFERED = 16,
	STEWARD_MAX_SEQ_GAP = 512, /* of promotions that are asked for one by one: older ones are left out */
	STEWARD_MAX_BUNDLE = CONTROL_MAX_FETCH,
};

struct steward_client {
	int fd; /* -1: free */
	uint64_t since_s;
};

struct steward_offered {
	uint8_t digest[OBJECT_DIGEST_BYTES];
	uint64_t seq;
};

struct steward_mute {
	struct control_mute m;
	uint64_t until_s; /* as m.until_s; Unix seconds where it is kept: a boot clock ends with its boot */
};

/* A bundle that was looked at: what it says, so that it is fetched once. */
struct steward_seen {
	uint8_t digest[OBJECT_DIGEST_BYTES];
	bool known, signatures, fits;
	uint64_t floor;
	char name[64], version[64], why[200];
};

struct steward {
	int listen; /* -1: none */
	struct control_steward start;
	const struct page *page;
	bool has_root; /* a repository is followed */
	struct trust trust;
	struct policy policy;
	bool policy_broken;
	struct arena policy_arena;
	struct endpoint_table table;
	struct endpoint_host host;
	struct sign_secret key;
	struct sign_public owner;
	bool has_owner;
	uint64_t report_seq;
	uint32_t report_failures;
	bool enrolled;
	uint64_t started_s, ticked_s;             /* CLOCK_BOOTTIME */
	uint64_t beat, beat_s;                    /* the worker's last heartbeat, and when it was another */
	uint64_t sync_at_s, report_at_s, saved_s; /* the same */
	uint32_t sync_failures;
	uint64_t synced_s; /* Unix seconds of the last whole round; 0: none */
	char sync_error[240];
	bool dirty, syncing, sync_asked;
	struct control_fact fact[LOCAL_N_LANES];
	bool strike_unsent;
	struct steward_offered offered[STEWARD_MAX_OFFERED];
	uint32_t n_offered;
	struct steward_seen seen[ENDPOINT_MAX_KNOWN];
	uint32_t n_seen;
	struct steward_client client[STEWARD_MAX_CLIENTS];
	struct steward_mute mute[STEWARD_MAX_MUTES];
	uint32_t n_mutes;
	/* the question that is out */
	uint32_t asked_id;
	bool answered;
	int answer_fd; /* -1: none */
	uint32_t answer_error;
	bool stop;
};

uint64_t steward_boot_s(void); /* CLOCK_BOOTTIME */
uint64_t steward_unix_s(void);
/* Serve messages and clients for at most wait_ms. */
void steward_serve(struct steward *s, int wait_ms);

/* steward_repo.c: files of the repository, by way of supervisor and courier; clients are served meanwhile. */

/* E_NOT_FOUND, E_LIMIT, E_IO (also: no answer in time), E_NOMEM; caller frees. */
FALLIBLE steward_fetch(struct steward *s, const char *name, size_t max, char **out, size_t *out_len);
FALLIBLE steward_put(struct steward *s, const char *name, struct view bytes, bool once);
/* An object and its signatures: NAME and NAME.minisig. */
struct steward_pair {
	char *bytes, *signatures;
	size_t len, signatures_len;
};
FALLIBLE steward_fetch_pair(struct steward *s, const char *name, size_t max, struct steward_pair *out);
void steward_pair_done(struct steward_pair *p);
static inline struct view steward_bytes(const struct steward_pair *p)
{
	return view_of(p->bytes, p->len);
}
static inline struct view steward_signatures(const struct steward_pair *p)
{
	return view_of(p->signatures, p->signatures_len);
}

/* steward_sync.c: roots, timestamp, revokes, promotions; then what may be activated is offered. */
void steward_sync(struct steward *s);
void steward_decide(struct steward *s);
/* Content of the owner's lane: by the owner's key. */
void steward_local(struct steward *s, int bytes_fd, int signatures_fd);
/* The facts about a release that are judged beside endpoint_decide. */
struct endpoint_facts steward_facts(const struct steward *s, const struct endpoint_known *k);
const struct steward_seen *steward_seen(const struct steward *s, const uint8_t digest[OBJECT_DIGEST_BYTES]);
void steward_forget(struct steward *s, const uint8_t digest[OBJECT_DIGEST_BYTES]); /* it may be offered again */

/* steward_evidence.c: fetch what a promotion cites, and judge it again: true when it passed; out: lines for people. */
bool steward_evidence(struct steward *s, const struct endpoint_known *k, struct buf *out);

/* steward_state.c: what is kept: trust, known releases, mutes, counters. */
void steward_save(struct steward *s);
FALLIBLE steward_restore(struct steward *s, struct view bytes, struct diag *d);
/* Keys of this agent: read, or made and handed over to be kept. */
FALLIBLE steward_identity(struct steward *s, struct view secret, struct diag *d);

/* steward_report.c */
void steward_report(struct steward *s);

/* steward_client.c, steward_text.c */
void steward_accept(struct steward *s);
void steward_client_read(struct steward *s, struct steward_client *c);
void steward_client_expire(struct steward *s);
/* Exit code 1 when something needs the owner, else 0. */
int steward_put_status(struct steward *s, bool as_json, struct buf *out);
/* 1 with the reason: no bundle's digest begins so, or several do. */
int steward_put_explain(struct steward *s, const char *digest, bool as_json, struct buf *out);
void steward_put_mutes(struct steward *s, bool as_json, struct buf *out);

/* Look at the worker's heartbeat: for how long it has been the same. */
uint64_t steward_quiet_s(struct steward *s);

/* How long the steps of new content take, by the root. */
void steward_send_plan(struct steward *s);
/* To the supervisor; the steward ends when that fails. */
void steward_send(struct steward *s, struct control_packet *p);
/* Sealed memory with these bytes, or -1. */
int steward_memory(struct view bytes);

#endif
