/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent: the supervisor that owns the kernel side and survives, the worker that judges events and may die, and the
 * courier that talks to the network.
 *
 * The supervisor is root, small, and parses no rules: it copies their bytes into sealed memory and hands that to a
 * worker, which is this same executable started again with a hidden first argument; so is the courier. Everything else
 * is said between them in messages of one fixed size (control.h), and alerts go from the worker to the courier through
 * a pipe.
 */
#ifndef SALLYPORT_AGENT_H
#define SALLYPORT_AGENT_H

#include "base/base.h"
#include "agent/config.h"
#include "agent/steward.h"
#include "content/runtime/runtime.h"

enum { AGENT_MAX_FILES = 256, AGENT_MAX_FILE_BYTES = 16 << 20, AGENT_MAX_PATH = 447 };

/* Names of rule files; owned. */
struct agent_files {
	char *path[AGENT_MAX_FILES];
	uint32_t n;
};

/*
 * The files that the paths stand for, in order: files as they are, of a directory its *.yaml, *.yml and *.o by name.
 * E_IO, E_LIMIT, E_NOT_FOUND (no file at all) with d; out must be freed in any case.
 */
FALLIBLE agent_files_list(char *const *paths, uint32_t n, struct agent_files *out, struct diag *d);
void agent_files_free(struct agent_files *f);
/* Read one of them: a regular file of at most AGENT_MAX_FILE_BYTES; caller frees. E_IO, E_LIMIT, E_NOMEM. */
FALLIBLE agent_file_read(const char *path, char **out, size_t *out_len, struct diag *d);

/* argv[1] of a child; argv[2] of a worker and a compiler is its memory in MiB. Its end of the control socket is
 * AGENT_CHILD_FD. */
#define AGENT_WORKER_ARG "worker"
#define AGENT_COMPILER_ARG "compiler"
#define AGENT_COURIER_ARG "courier"
#define AGENT_STEWARD_ARG "steward"
enum { AGENT_CHILD_FD = 3 };

struct agent_opts {
	const struct config *config;
	uint64_t duration_ms; /* 0: until a signal */
	const char *record;   /* NULL, or a file for everything that is seen: all hooks are attached, and no rules are
				 needed */
	bool bundles;         /* the rules in the settings are bundles: anything else is refused */
	bool colour;          /* stdout is a terminal and colours are wanted */
	bool colour_stderr;
};

/*
 * Run the sensor until SIGINT, SIGTERM or the end of the duration. Says what happens on stderr. Returns the exit code:
 * 0 stopped as asked, 1 rules refused, 3 this host cannot.
 */
int agent_run(const struct agent_opts *o);

struct agent_replay_opts {
	const char *capture; /* path; "-": standard input */
	const char *hosts;   /* NULL, or a file in the format of /etc/hosts: what domain names in rules stand for */
	char *const *rules;  /* files and directories, as for agent_files_list */
	uint32_t n_rules;
	bool json, all_matches;
	bool strict_falco; /* rule_opts */
	bool colour, colour_stderr;
};

/*
 * Judge a capture as the worker judges live records, in this process, and print alerts on stdout; a summary on stderr.
 * Needs no rights. The same capture and rules give the same bytes. Returns the exit code: 0 all of it was replayed, 1
 * rules refused or the capture is malformed (alerts up to there were printed), 3 this host cannot.
 */
int agent_replay(const struct agent_replay_opts *o);

struct agent_each_opts {
	const char *capture;                                               /* path; "-": standard input */
	uint64_t types;                                                    /* template types that are wanted */
	bool (*wants)(void *user, uint32_t type_index, uint32_t field_id); /* NULL: every field */
	bool (*event)(void *user, struct event *e);                        /* false: enough */
	void *user;
};

/*
 * The events of a capture, as they are decoded for rules. evt.num is not set: it counts what rules judge. E_OK at the
 * end, or when event() had enough; else what is wrong with the capture, with d.
 */
FALLIBLE agent_each(const struct agent_each_opts *o, struct diag *d);

/* ---- two contents on the same captures ---- */

enum { AGENT_DIFF_MAX_CAPTURES = 64, AGENT_DIFF_MAX_ALERTS = 100000 };

struct agent_diff_opts {
	char *const *old_rules, *const *new_rules; /* files and directories, as for agent_files_list */
	uint32_t n_old, n_new;
	char *const *captures;
	uint32_t n_captures;
	bool all_matches, colour_stderr;
};

/* One rule of a side. */
struct agent_diff_rule {
	const struct content_rule *rule;
	uint64_t alerts;
	uint64_t runs;     /* of its programs */
	double ns_per_run; /* mean of the best pass; 0: it did not run */
};

struct agent_diff_side {
	struct agent_diff_rule *rules; /* in order of definition */
	uint32_t n_rules;
	uint64_t alerts;
	double ns_per_event; /* all rules together: the mean of the best pass, without decoding */
};

/* An alert of one side only; or of both, with another text or another rule that alerted instead. */
struct agent_diff_alert {
	bool is_new;
	uint32_t rule; /* of its side */
	uint32_t capture;
	uint64_t event;   /* evt.num in that capture: counts the types of events that either side judges */
	uint64_t time_ns; /* evt.time */
	const char *text;
};

struct agent_diff {
	struct agent_diff_side side[2]; /* old, new */
	uint64_t events, same;          /* alerts that both give, with the same text */
	uint64_t appear, vanish, reworded;
	struct agent_diff_alert *alerts; /* by capture and event; reworded ones twice: old, then new */
	uint32_t n_alerts;               /* at most AGENT_DIFF_MAX_ALERTS are kept */
	void *keep;
};

/*
 * Replay captures through both contents as agent_replay does, event by event, and say how the alerts differ and what
 * either costs. Says what is wrong on stderr. Returns the exit code: 0 done, 1 rules refused or a capture malformed, 3.
 */
int agent_diff(const struct agent_diff_opts *o, struct agent_diff *out);
void agent_diff_free(struct agent_diff *d);

/* The worker's main function. Never returns to code that assumes privileges: the exit code of the process. */
int agent_worker(int argc, char **argv);
/* The compiler's, likewise. */
int agent_compiler(int argc, char **argv);
/* The courier's, and the steward's. */
int agent_courier(void);
int agent_steward(void);

#endif
