/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor: what its parts share. One process, one thread, root. No part of it may include content/.
 *
 * Its files are supervisor.[ch], super_*.c, control.[ch] and agent.h; together at most 2,200 lines of code
 * (tests/supervisor_size.py).
 */
#ifndef SALLYPORT_AGENT_SUPERVISOR_H
#define SALLYPORT_AGENT_SUPERVISOR_H

#include <signal.h>
#include <sys/types.h>

#include "agent/agent.h"
#include "agent/control.h"
#include "agent/courier.h"
#include "base/base.h"
#include "kern/kern.h"
#include "release/local/local.h"
#include "sensor/output/output.h"
#include "sensor/ring/ring.h"

enum { EXIT_OK = 0, EXIT_REFUSED = 1, EXIT_HOST = 3 };

/* super_files.c: the bytes of rule files, copied into memory that cannot change any more. */
struct sealed_file {
	char name[CONTROL_NAME_BYTES];
	int fd;
	uint32_t bytes;
};

struct sealed_files {
	struct sealed_file file[CONTROL_MAX_FILES];
	uint32_t n;
};

/* All files of the paths, as agent_files_list. *out must be empty. On error what was read stays for sealed_files_close.
 */
FALLIBLE sealed_files_open(char *const *paths, uint32_t n, struct sealed_files *out, struct diag *d);
void sealed_files_close(struct sealed_files *f);
/* One more, from memory. E_IO. */
FALLIBLE sealed_file_add(const char *name, const char *bytes, size_t len, struct sealed_files *out);
/* These bytes in such memory. E_IO. */
FALLIBLE sealed_bytes(const void *bytes, size_t len, int *out);

/* start_outputs.c, super_sinks.c: where alert lines go: standard output, a file, the courier's pipe; by enum
 * control_output_index. */
struct super_sink {
	int fd;           /* -1: none */
	uint32_t format;  /* enum output_format */
	const char *path; /* of a file output; else NULL */
	uint64_t max_bytes, have_bytes, rotated_ms;
	uint32_t keep;
	struct output *out; /* for what the supervisor itself says */
};

struct super_sinks {
	struct super_sink sink[CONTROL_MAX_OUTPUTS];
	char hostname[72];
};

/* courier_pipe: -1 or a descriptor that becomes the sink's. */
FALLIBLE super_sinks_open(const struct agent_opts *o, int courier_pipe, struct super_sinks *out, struct diag *d);
void super_sinks_close(struct super_sinks *s);
/* Rename the file away and open a new one. On failure the old one stays: E_LIMIT it was rotated just now, E_IO. */
FALLIBLE super_sink_rotate(struct super_sink *s, uint64_t now_ms);
/* Say it on every sink. Only while no worker writes. mid_line: bit per sink that stopped inside a line. */
void super_sinks_note(struct super_sinks *s, const struct output_note *n, uint64_t mid_line);

/* start_cgroup.c: a group for the worker with bounded memory and CPU time, where the host lets one be made. */
enum { CGROUP_MAX_DIRS = 2 };

struct worker_cgroup {
	const char *name;
	char dir[CGROUP_MAX_DIRS][320];
	int procs[CGROUP_MAX_DIRS]; /* a process that writes "0" joins */
	uint32_t n;
	bool memory, cpu; /* bounded */
};

/* name: of its directory, before our pid. Never fails: what cannot be had is left out. */
void worker_cgroup_make(struct worker_cgroup *g, const char *name, uint64_t memory_bytes, uint32_t cpu_percent);
void worker_cgroup_remove(struct worker_cgroup *g);

/* start_containers.c, super_containers.c: where runtimes write down what a container is, for the worker to read. */
struct container_place {
	const char *root, *path[CONTAINER_FILES]; /* below the root; '#' stands for the id; NULL: no more */
	enum container_runtime runtime;           /* CONTAINER_HOST: the file says */
	enum container_shape shape;
	uint32_t asked; /* bit by enum container_runtime: for whose containers it is looked at */
	bool names;     /* ids that are not 64 digits have files there too */
};

struct container_files {
	struct container_place *place; /* owned; the first that has the first file counts */
	uint32_t n;
	uint64_t since_ms; /* questions are counted from here */
	uint32_t asked;
};

FALLIBLE container_files_make(const struct config *c, struct container_files *out);
/* Look it up, unless there were too many questions lately, and send the answer. E_IO. */
FALLIBLE container_files_answer(struct container_files *f, int sock, const struct control_ask_container *ask,
				uint64_t now_ms);

/* super_spawn.c */
struct child {
	const char *name; /* as people call it */
	pid_t pid;        /* 0: none */
	int pidfd, sock;
	bool killed; /* by us: once is enough */
};

struct child_opts {
	const char *name, *arg, *arg2;      /* argv[1] and [2] */
	const struct worker_cgroup *cgroup; /* NULL: none */
	int nice;
};

/* Start a child: the same executable, by way of /proc/self/exe. E_IO with d. */
FALLIBLE child_spawn(const struct child_opts *o, struct child *out, struct diag *d);
/* It is dead and was waited for. */
void child_forget(struct child *c);
void child_kill(struct child *c, const char *why);
/* A message without fields; fd: borrowed, or -1. A child that does not take it is killed. */
void child_send(struct child *c, enum control_type type, int fd);
/* The same with two. */
void child_send2(struct child *c, enum control_type type, int fd, int fd2);
/* A message of somebody else's, under another type. */
void child_pass(struct child *c, enum control_type type, struct control_packet *p);
/* False: there is none; one that does not belong killed it. */
bool child_receive(struct child *c, struct control_packet *out);
/* Kill it and wait; or ask it to stop first. NULL is not fine, none running is. */
void child_end(struct child *c);
void child_stop(struct child *c, int wait_ms);
/* False: it lives. */
bool child_reap(struct child *c, siginfo_t *out);

/* Deaths of a child, and how long to wait before its next start. */
struct backoff {
	uint32_t recent;
	uint64_t last_ms, restart_ms;
};
uint64_t backoff_next_ms(struct backoff *b, uint64_t now_ms);
/* Say it, and when the next one starts: b->restart_ms. */
void child_died(const char *name, const siginfo_t *si, const char *meanwhile, struct backoff *b, uint64_t now_ms);

struct supervisor;

/* start_outputs.c, super_courier.c: keeps one courier alive while it is needed, and what outlives it. */
struct super_courier {
	const struct agent_opts *o;
	struct child child;
	struct backoff backoff;
	int settings, certificates, page_fd, pipe_read; /* -1: none */
	struct courier_page *page;
	int question; /* names that the worker asked for; -1: none, and then only outputs need a courier */
	bool outputs, question_due; /* some are configured; it has not been passed on */
	bool answer_due;            /* an answer came and was not passed on */
	int answer;                 /* the last one; -1: none */
	uint64_t relayed_ms;
};

/* pipe_write: the worker's end for alerts, or -1 when no output needs a courier. */
FALLIBLE super_courier_open(const struct agent_opts *o, struct super_courier *c, int *pipe_write, struct diag *d);
void super_courier_close(struct super_courier *c);
/* Names that rules use, from the worker. Takes the descriptor. */
void super_courier_ask(struct super_courier *c, int fd);
/* After poll: its messages and its death; then what is due: a start, a question. */
void super_courier_on_message(struct supervisor *s);
void super_courier_on_death(struct super_courier *c, uint64_t now_ms);
void super_courier_on_time(struct super_courier *c, uint64_t now_ms);
/* Let it deliver what it has, for a bounded time; a signal on this descriptor cuts it short. */
void super_courier_finish(struct super_courier *c, int signals);

/* start_steward.c, super_steward.c: one steward, always; and its messages to the others. */
enum { STEWARD_ROOT, STEWARD_SIGNATURES, STEWARD_POLICY, STEWARD_OWNER, STEWARD_N_FILES, STEWARD_NICE = 5 };

struct super_steward {
	struct child child;
	struct backoff backoff;
	int file[STEWARD_N_FILES]; /* sealed memory or /dev/null */
	int local[2];              /* the owner's content and its signatures; -1: none */
	int listen;                /* -1: none */
};

/* Read what the settings name; again: after SIGHUP. E_IO with d: a file that is named cannot be read. */
FALLIBLE super_steward_open(struct supervisor *s, struct diag *d);
void super_steward_close(struct supervisor *s);
void super_steward_on_message(struct supervisor *s);
void super_steward_on_death(struct supervisor *s, uint64_t now_ms);
void super_steward_on_time(struct supervisor *s, uint64_t now_ms);
/* A worker watches. */
void super_steward_watching(struct supervisor *s);
/* An answer of the courier. */
void super_steward_got(struct supervisor *s, struct control_packet *p);
void super_steward_stop(struct supervisor *s);

/* super_trial.c: a second worker, with the candidate of a lane. */
struct trial {
	struct child child;
	uint32_t worker, lane; /* enum local_worker: scratch or shadow */
	struct page *page;
	int page_fd, flight_fd; /* -1: none */
	uint32_t hooks;
	uint64_t since_ms, beat, beat_ms; /* beat_ms 0: it does not watch yet */
	uint64_t live_alerts;             /* when it began */
	bool watching;                    /* the kernel sends for it, too */
};

void super_trial_end(struct supervisor *s);
void super_trial_on_message(struct supervisor *s);
void super_trial_on_death(struct supervisor *s);
void super_trial_on_time(struct supervisor *s, uint64_t now_ms);

/* super_native.c: one compiler at a time, for the content in force, and the code that it made. */
struct super_native {
	struct child child;
	int code; /* -1: none */
	enum page_native state;
	uint64_t since_ms;
	bool given; /* to the worker that lives */
};

/* Other content is in force, or will be in the next worker. */
void super_native_begin(struct supervisor *s);
void super_native_on_message(struct supervisor *s);
void super_native_on_death(struct supervisor *s);
void super_native_on_time(struct supervisor *s, uint64_t now_ms);
void super_native_worker_died(struct supervisor *s, const siginfo_t *si);

/* start_arm.c, super_arm.c: which content is armed. */
struct super_arm {
	struct local_store *store; /* NULL: no state directory: rules of the settings, and nothing is remembered */
	struct local_state state;
	struct plan plan;
	uint8_t boot[16];
	uint64_t ticked_ms, shadow_alerts, live_alerts, blind_ms; /* blind_ms: not told yet */
	uint64_t exercised_ms, failed_ms;                         /* failed: a write was, and it was said */
	bool due;       /* what is armed changed, the worker does not have it yet */
	bool reloading; /* what the worker is judging just now is that */
	bool breaker;   /* the breaker file was there */
	struct trial trial;
	char said[112]; /* the last notice */
};

/* What SAFE needs; and what sends most, which is given up first after an unclean boot. */
enum {
	SUPER_HOOKS_ESSENTIAL = KERN_HOOK_PROCESS | KERN_HOOK_CREDS | KERN_HOOK_MODULE | KERN_HOOK_BPF,
	SUPER_HOOKS_BULK = KERN_HOOK_OPEN | KERN_HOOK_SEND | KERN_HOOK_RECV | KERN_HOOK_IPC | KERN_HOOK_SOCKET |
			   KERN_HOOK_CONNECT | KERN_HOOK_ACCEPT,
};

extern const char super_safe_rules[]; /* what is watched for in SAFE */

/* The directory, the state in it, and what this start makes of it. */
FALLIBLE super_arm_open(struct supervisor *s, struct diag *d);
void super_arm_close(struct supervisor *s);
/* An orderly end, after hooks were detached. */
void super_arm_stop(struct supervisor *s);
/* True: it is done, or nothing is remembered here. */
bool super_arm_on(struct supervisor *s, struct local_input *in);
FALLIBLE super_arm_files(struct supervisor *s, struct sealed_files *out, struct diag *d);
void super_arm_tell(struct supervisor *s);
/* Messages of the steward. */
void super_arm_offer(struct supervisor *s, struct control_packet *p);
void super_arm_digest(struct supervisor *s, enum local_event event, const uint8_t digest[OBJECT_DIGEST_BYTES]);
void super_arm_order(struct supervisor *s, struct control_packet *p);
void super_arm_plan(struct supervisor *s, struct control_packet *p);
void super_arm_death(struct supervisor *s, uint32_t worker, uint32_t lane, const struct flight *f, uint32_t cause,
		     uint32_t signal, const char *rule);
void super_arm_live_death(struct supervisor *s, const siginfo_t *si, bool hung);
void super_arm_refused(struct supervisor *s);
void super_arm_due(struct supervisor *s);
/* The file STATE/safe, by which an owner without an agent to talk to asks for SAFE. */
void super_arm_breaker(struct supervisor *s);
void super_arm_on_time(struct supervisor *s, uint64_t now_ms);

/* super_send.c: mode: 0, or which kind of worker (enum control_start_flags); a compiler gets no descriptors. E_IO. */
FALLIBLE super_worker_send_start(struct supervisor *s, const struct child *to, int page_fd, int flight_fd,
				 uint32_t mode);
FALLIBLE super_worker_send_files(const struct child *to, const struct sealed_files *files);
FALLIBLE super_worker_send_output(struct supervisor *s, uint32_t index, bool with_fd);
FALLIBLE super_worker_send_outputs(struct supervisor *s);
FALLIBLE super_worker_send_record(struct supervisor *s);
FALLIBLE super_worker_send_capture(struct supervisor *s, const struct child *to); /* where there is no kernel side */
/* Takes the iterator. */
void super_worker_go(struct supervisor *s, struct child *c, int iter);

/* super_worker.c */
enum super_state { DOWN, LOADING, SCANNING, WATCHING, RESTARTING, STOPPING };

/* From the death of a worker until its successor watches. */
struct gap {
	uint64_t since_ns; /* 0: there is none */
	uint64_t lost_before;
	uint32_t deaths;
	char what[256];
};

struct supervisor {
	const struct agent_opts *o;
	struct kern *kern;
	struct ring_stats *stats;
	struct page *page;
	int page_fd, flight_fd, signals;
	struct sealed_files *files, *next_files; /* in force; being judged by the worker */
	struct super_sinks sinks;
	struct super_courier courier;
	struct super_steward steward;
	struct super_native native;
	struct super_arm arm;
	struct worker_cgroup cgroup, trial_cgroup;
	struct container_files containers;
	struct child child;
	struct backoff backoff;
	enum super_state state;
	uint64_t since_ms; /* in this state */
	uint64_t started_ms, restart_ms;
	uint64_t beat, beat_ns, beat_lost; /* last heartbeat, when it was seen, what was lost by then */
	uint64_t reload_ns;                /* when the new rules were handed over */
	uint64_t lost_scanned, rescan_ms;  /* lost when the last scan began; when it did */
	uint64_t quota_said;               /* lost_quota when groups were named last */
	struct gap gap;
	uint32_t failed_starts;
	struct control_ready ready;
	struct page_filter *filter; /* what the next READY is about: a copy, n_filter_names of them */
	uint32_t n_filter_names;
	bool has_filter, filtered; /* filtered: one is in force */
	char memory[16];           /* argument of workers */
	uint64_t checked_ms;       /* when the programs' settings were looked at last */
	int record_fd;             /* 0: nothing is recorded */
	bool ever_watched, done;
	bool restarting;        /* the worker was told to end, its successor follows */
	int exit_code, refused; /* refused: what the worker answered with FAILED, or 0 */
};

struct super_totals {
	uint64_t produced, lost, consumed, filtered;
	uint64_t lost_quota; /* of lost: the control group had its part of the ring */
};

uint64_t super_now_ns(clockid_t clock);
uint64_t super_now_ms(void);
struct super_totals super_totals(const struct supervisor *s);
void super_enter(struct supervisor *s, enum super_state state);
void super_saw_beat(struct supervisor *s);
void super_begin_stop(struct supervisor *s);
/* Until it is done. */
void super_loop(struct supervisor *s);

void super_worker_start(struct supervisor *s);
void super_worker_on_message(struct supervisor *s);
/* Rules are read again; the worker judges them and goes on with the old ones if they are refused. */
void super_worker_reload(struct supervisor *s);
/* Look at all running processes again, after records were lost; not too often. */
void super_worker_rescan(struct supervisor *s);
void super_worker_drop_next_files(struct supervisor *s);

/* It ends in order, hooks stay attached, and the next one goes on where it stopped. */
void super_worker_restart(struct supervisor *s);
/* What content needs from the kernel, for the live worker and a shadow; and for the live one alone again. */
FALLIBLE super_worker_attach_both(struct supervisor *s, uint32_t hooks, struct diag *d);
void super_worker_attach_again(struct supervisor *s);

/* super_death.c: why it died, how long it was blind, when the next one starts. */
void super_worker_on_death(struct supervisor *s);
bool super_worker_is_hung(const struct supervisor *s);
/* Of any worker, by its recorder. */
void super_flight_rule(int flight_fd, const struct page *page, char out[HEALTH_RULE_BYTES]);
void super_describe_death(int flight_fd, const struct page *page, const siginfo_t *si, char *out, size_t max);
/* Its successor watches. */
void super_report_gap(struct supervisor *s);

/* report.c: whose records were lost, and how it ended. Contracts: scripts read these lines. */
void super_report_groups(struct supervisor *s);
void super_report(struct supervisor *s);

#endif
