/* SPDX-License-Identifier: Apache-2.0 */
/* supervisor: what its parts share. One process, one thread, root. No part of it may include content/. */
#ifndef SALLYPORT_AGENT_SUPERVISOR_H
#define SALLYPORT_AGENT_SUPERVISOR_H

#include <sys/types.h>

#include "agent/agent.h"
#include "agent/control.h"
#include "base/base.h"
#include "kern/kern.h"
#include "sensor/output/output.h"
#include "sensor/ring/ring.h"

/* files.c: the bytes of rule files, copied into memory that cannot change any more. */
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

/* sinks.c: where alerts go. */
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

FALLIBLE super_sinks_open(const struct agent_opts *o, struct super_sinks *out, struct diag *d);
void super_sinks_close(struct super_sinks *s);
/* Rename the file away and open a new one. On failure the old one stays: E_LIMIT it was rotated just now, E_IO. */
FALLIBLE super_sink_rotate(struct super_sink *s, uint64_t now_ms);
/* Say it on every sink. Only while no worker writes. mid_line: bit per sink that stopped inside a line. */
void super_sinks_note(struct super_sinks *s, const struct output_note *n, uint64_t mid_line);

/* cgroup.c: a group for the worker with bounded memory and CPU time, where the host lets one be made. */
enum { CGROUP_MAX_DIRS = 2 };

struct worker_cgroup {
	char dir[CGROUP_MAX_DIRS][320];
	int procs[CGROUP_MAX_DIRS]; /* a process that writes "0" joins */
	uint32_t n;
	bool memory, cpu; /* bounded */
};

/* Never fails: what cannot be had is left out. */
void worker_cgroup_make(struct worker_cgroup *g, uint64_t memory_bytes, uint32_t cpu_percent);
void worker_cgroup_remove(struct worker_cgroup *g);

/* container_files.c: what runtimes wrote down about a container, for the worker to read. */
struct container_files {
	uint64_t at_ms;
	uint32_t tokens; /* questions that may come now */
};

/* The answer to a question: descriptors for the caller to close, or none. */
void container_files_open(const struct config *c, const struct control_ask_container *ask, struct control_packet *p);
/* Look it up, unless there were too many questions lately, and send the answer. E_IO. */
FALLIBLE container_files_answer(struct container_files *f, const struct config *c, int sock,
				const struct control_ask_container *ask, uint64_t now_ms);

/* spawn.c */
struct child {
	pid_t pid; /* 0: none */
	int pidfd, sock;
	bool killed; /* by us: once is enough */
};

/* Start a worker: the same executable, by way of /proc/self/exe. E_IO with d. */
FALLIBLE child_spawn(const struct worker_cgroup *g, uint32_t memory_mib, struct child *out, struct diag *d);
/* It is dead and was waited for. */
void child_forget(struct child *c);

#endif
