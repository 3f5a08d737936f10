/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc: the processes of the host, as the worker knows them.
 *
 * Keyed by pid and start time, so a reused pid is another process. A record outlives its process while a living
 * descendant needs it for ancestry, and is found by whoever holds its key. Memory is bounded: past PROC_MAX the oldest dead, then
 * nothing: new ones are refused and counted.
 *
 * Not thread-safe.
 */
#ifndef SALLYPORT_SENSOR_PROC_H
#define SALLYPORT_SENSOR_PROC_H

#include "base/base.h"
#include "sensor/wire/wire.h"

enum { PROC_MAX = 65536, PROC_MAX_ANCESTORS = 64 };

struct proc_key {
	uint32_t pid;
	uint64_t start_ns;
};

/* A string of the process, owned by it; p is never NULL. */
struct proc_str {
	const char *p;
	uint32_t len;
};

/* What exec set: shared by a process and the children it forked until they exec. Reference-counted. */
struct proc_image;

struct proc {
	struct hnode by_key;
	struct list all;      /* oldest first */
	struct proc_key key;
	struct proc *parent;  /* referenced; NULL when unknown */
	uint32_t refs;        /* children, plus one while alive */
	bool alive;
	uint32_t ppid, sid;
	uint32_t uid, gid, loginuid;
	uint32_t tty;
	uint64_t exec_ns;
	uint8_t stdin_kind, stdout_kind; /* enum wire_fd_kind, at exec */
	char comm[WIRE_COMM];
	struct proc_image *image; /* NULL until known */
	char *cwd;                /* resolved; NULL when unknown */
	void *ipc;                /* the ipc graph's node for this process, or NULL; owned by ipc */
};

/* Views of the image; all empty when it is unknown. */
struct proc_view {
	struct proc_str exepath; /* resolved; " (deleted)" is not appended */
	struct proc_str exe;     /* argv[0] */
	struct proc_str args;    /* argv[1..] joined by one space */
	struct proc_str cmdline; /* comm, space, args */
	struct proc_str container_id; /* "host", or 12 digits */
	uint64_t exe_ino, exe_dev;
	bool from_memfd, exe_deleted, script_from_memfd;
};

struct proc_table;

FALLIBLE proc_table_new(struct proc_table **out);
void proc_table_free(struct proc_table *t);

struct proc *proc_find(struct proc_table *t, struct proc_key key);
/* The living process with this pid, or NULL. */
struct proc *proc_find_pid(struct proc_table *t, uint32_t pid);
void proc_view(const struct proc *p, struct proc_view *out);
/* Ancestor n: 0 is p itself. NULL when there is none or it is not known. */
struct proc *proc_ancestor(struct proc *p, uint32_t n);

/* Apply records. Each returns the process concerned, or NULL (and counts) when the table is full. strs come parsed from decode. */
struct proc *proc_on_fork(struct proc_table *t, const struct wire_fork *r);
struct proc_exec_strs {
	struct proc_str exe_path, cwd, filename, interp, cgroup; /* paths joined, "/a/b" */
	const char *args; /* NUL-terminated arguments */
	uint32_t args_len;
	bool exe_memfd, exe_deleted;
};
struct proc *proc_on_exec(struct proc_table *t, const struct wire_exec *r, const struct proc_exec_strs *s);
/* The process stays findable until the next call of proc_sweep. */
struct proc *proc_on_exit(struct proc_table *t, const struct wire_exit *r);
void proc_on_chdir(struct proc_table *t, const struct wire_hdr *h, struct proc_str cwd);
/* For any record: the process of its header, made (with what the header tells) when unknown; comm and ids updated. */
struct proc *proc_of(struct proc_table *t, const struct wire_hdr *h);
/* Drop the dead that nobody needs. Call between events. O(number dropped). */
void proc_sweep(struct proc_table *t);

uint32_t proc_count(const struct proc_table *t);
uint64_t proc_refused(const struct proc_table *t);

#endif
