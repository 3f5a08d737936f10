/* SPDX-License-Identifier: Apache-2.0 */
/* release: what the subcommands of `sallyport release`, and the controller, share. */
#ifndef SALLYPORT_CLI_RELEASE_H
#define SALLYPORT_CLI_RELEASE_H

#include "cli/cli.h"

#include "release/controller/controller.h"

/* Options, as bits: which of them a subcommand takes. */
enum {
	RELEASE_OPT_REPO = 1,
	RELEASE_OPT_LEDGER = 2,
	RELEASE_OPT_ROOT = 4,
	RELEASE_OPT_CHANNEL = 8,
	RELEASE_OPT_LANE = 16,
	RELEASE_OPT_KEY = 32,
	RELEASE_OPT_JSON = 64,
	RELEASE_OPT_VERIFY = 128,
	RELEASE_OPT_OUT = 256,
	RELEASE_OPT_KEYS = 512,
	RELEASE_OPT_ONCE = 1024,
	RELEASE_OPT_INTERVAL = 2048,
	RELEASE_OPT_APPROVE_KEY = 4096,
	RELEASE_OPT_LAST = 8192,
};

enum { RELEASE_MAX_KEYS = 2, RELEASE_LOCK_WAIT_S = 15 };

struct release_args {
	const char *repo, *ledger, *root, *channel, *out, *keys, *approve_key, *key[RELEASE_MAX_KEYS], *operand;
	uint32_t n_keys, interval_s, last;
	enum plan_lane lane;
	bool json, verify, once;
};
/* command: for messages ("release publish"). takes: bits; needs: those of them without which nothing can be done. The
 * exit code or 0. */
int release_parse(const char *command, int argc, char **argv, uint32_t takes, uint32_t needs, bool operand,
		  struct release_args *out);

/* An open repository, ledger, and what is trusted; parts that were not asked for stay NULL. */
struct release_desk {
	struct transport *repo;
	struct ledger *ledger;
	struct trust *trust;
	struct controller c;
	struct sign_secret key[RELEASE_MAX_KEYS];
	uint32_t n_keys;
	char actor[64];
	uint64_t now_s;
	struct diag d;
};
/* writable: waits for another writer up to RELEASE_LOCK_WAIT_S. The exit code or 0; release_desk_done in any case. */
int release_desk_open(const struct release_args *a, bool writable, struct release_desk *out);
void release_desk_done(struct release_desk *d);
/* The release that a person means: its version, or the beginning of its digest (8 digits at least). The exit code or 0.
 */
int release_find(struct release_desk *d, const char *what, struct release *out);

int release_publish(int argc, char **argv);
int release_status(int argc, char **argv);
int release_log(int argc, char **argv);
int release_change(int argc, char **argv); /* promote, pause, resume, halt, revert */
int release_export(int argc, char **argv);
int release_import(int argc, char **argv);

/*
 * Rules of the new bundle that the old one does not have, or whose own lines differ; old NULL: none. Names in the
 * arena.
 */
FALLIBLE release_changed_rules(const struct bundle *old, const struct bundle *new, struct arena *a,
			       const char *const **out, uint32_t *n);

#endif
