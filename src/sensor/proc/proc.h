/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc: the processes of the host, as the worker knows them.
 *
 * Keyed by pid and start time, so a reused pid is another process. A record outlives its process while a living
 * descendant needs it for ancestry, and is found by whoever holds its key. Memory is bounded: past PROC_MAX the oldest
 * dead make room, then new ones are refused and counted; past PROC_TEXT_MAX bytes of strings, new strings are cut to
 * PROC_TEXT_CUT.
 *
 * Ancestry is who forked whom: being reparented (the parent died first) changes neither parent nor ppid. It is kept for
 * PROC_MAX_ANCESTORS levels. Records may be missing: a process that nobody announced is made from the header that names
 * it.
 *
 * Not thread-safe.
 */
#ifndef SALLYPORT_SENSOR_PROC_H
#define SALLYPORT_SENSOR_PROC_H

#include "base/base.h"
#include "sensor/container/container.h"
#include "sensor/wire/wire.h"

enum {
	PROC_MAX = 65536,
	PROC_MAX_ANCESTORS = 64,
	PROC_TEXT_MAX = 64 << 20, /* bytes of images and working directories before strings are cut */
	PROC_TEXT_CUT = 256,
	PROC_N_CAPS = 3,
};

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
	struct list all; /* oldest first */
	struct proc_key key;
	struct proc *parent; /* referenced; NULL when unknown */
	uint32_t refs;       /* children, plus one while alive */
	bool alive;
	uint32_t ppid, sid;
	uint32_t uid, gid, loginuid;
	uint32_t tty;
	uint32_t vpid, pgid, vpgid; /* v: in its innermost namespace; 0: not known */
	uint64_t caps[PROC_N_CAPS]; /* inheritable, permitted, effective: as the latest record of any of its threads
				       says */
	bool caps_known;
	uint64_t exec_ns;         /* of the last exec, its own or one that it inherited; 0 when it was not seen */
	uint64_t image_id;        /* changes at exec; a process and the children it forked share it until then */
	uint64_t look;            /* changes with comm and image, to a number that no process of any table had before */
	uint8_t stdio_kind[3];    /* enum wire_fd_kind of descriptors 0 to 2, at exec */
	char comm[WIRE_COMM];     /* NUL-terminated; of the process's main thread */
	struct proc_image *image; /* NULL until known */
	char *cwd;                /* resolved; NULL when unknown */
	struct container_group *cgroup; /* as of its last exec; referenced; NULL until known */
	void *ipc;                      /* the ipc graph's node for this process, or NULL; owned by ipc */
};

/* Views of the image; all empty when it is unknown. */
struct proc_view {
	struct proc_str exepath; /* resolved; " (deleted)" is not appended */
	struct proc_str exe;     /* argv[0] */
	struct proc_str args;    /* argv[1..] joined by one space */
	struct proc_str cmdline; /* comm as exec set it, space, args */
	struct proc_str
		env; /* as exec had it: NAME=value, each NUL-terminated but perhaps the last; empty unless kept */
	const uint16_t *arg_ends; /* where in args each argument ends; the next one begins one further */
	uint32_t n_args;
	uint64_t exe_ino, exe_dev, exe_ctime_ns, exe_mtime_ns; /* times: since 1970, 0 when not known */
	bool args_known; /* else exe, args and what follows comm in cmdline were never seen */
	bool from_memfd, exe_deleted, script_from_memfd;
	bool exe_upper, exe_lower; /* layer of an overlay file system */
	bool exe_writable;         /* by its mode, for the user who started it */
};

struct proc_table;

FALLIBLE proc_table_new(struct proc_table **out);
void proc_table_free(struct proc_table *t);
/* fn is called before a process is freed: whoever holds something of it lets go. */
void proc_table_on_drop(struct proc_table *t, void (*fn)(void *user, struct proc *p), void *user);

struct proc *proc_find(struct proc_table *t, struct proc_key key);
/* The living process with this pid, or NULL. */
struct proc *proc_find_pid(struct proc_table *t, uint32_t pid);
/* Valid until the process execs or is dropped. */
const struct proc_view *proc_view(const struct proc *p);
/* Ancestor n: 0 is p itself. NULL when there is none or it is not known. */
struct proc *proc_ancestor(struct proc *p, uint32_t n);
/* The leader of its session as of the last fork or exec, dead or alive; NULL when it is not known. */
struct proc *proc_session(struct proc_table *t, const struct proc *p);
/* The leader of its process group: the living process with that number, else the ancestor that had it; or NULL. */
struct proc *proc_group(struct proc_table *t, const struct proc *p);
/* Keep environments from now on, or forget about those to come. */
void proc_table_keep_env(struct proc_table *t, bool keep);
/* The capabilities that a header tells. */
void proc_set_caps(struct proc *p, const struct wire_hdr *h);

/* Apply records. Each returns the process concerned, or NULL (and counts) when the table is full. strs come parsed from
 * decode. */
struct proc *proc_on_fork(struct proc_table *t, const struct wire_fork *r);
struct proc_exec_strs {
	struct proc_str exe_path, cwd, filename, interp, cgroup; /* paths joined, "/a/b"; cgroup empty: not known */
	const char *args;                                        /* NUL-terminated arguments */
	uint32_t args_len;
	struct proc_str env; /* NUL-terminated NAME=value */
	bool exe_memfd, exe_deleted;
};
struct proc *proc_on_exec(struct proc_table *t, const struct wire_exec *r, const struct proc_exec_strs *s);
/* The process stays findable until a proc_sweep. */
struct proc *proc_on_exit(struct proc_table *t, const struct wire_exit *r);
void proc_on_chdir(struct proc_table *t, const struct wire_hdr *h, struct proc_str cwd);
/* Descriptor fd of p is a new memory file; or, for proc_on_fd, something else than it was before. */
void proc_on_memfd(struct proc *p, int64_t fd, bool cloexec);
void proc_on_fd(struct proc *p, int64_t fd);
/* The NUL-terminated arguments of a process whose arguments are not known (a task record has none). E_NOT_FOUND,
 * E_EXISTS, E_NOMEM. */
FALLIBLE proc_set_args(struct proc_table *t, uint32_t pid, const char *args, uint32_t args_len);
/*
 * For any record: the process of its header, made (with what the header tells) when unknown; comm (when the main thread
 * caused the record) and ids updated. Of two processes with one pid the one that started later is the living one.
 */
struct proc *proc_of(struct proc_table *t, const struct wire_hdr *h);
/*
 * Drop the dead that nobody needs and that exited before this time (CLOCK_BOOTTIME; UINT64_MAX: all). Call between
 * events. O(number of them): records that come late find their process when the caller leaves some time.
 */
void proc_sweep(struct proc_table *t, uint64_t before_ns);
/*
 * A new scan of all tasks begins, and ends: who was neither announced by a task record nor named by any other in
 * between died unseen. The end returns how many.
 */
void proc_scan_begin(struct proc_table *t);
uint32_t proc_scan_end(struct proc_table *t);

/* The containers of all processes. */
struct container_table *proc_containers(struct proc_table *t);
uint32_t proc_count(const struct proc_table *t);
uint64_t proc_refused(const struct proc_table *t);
/* Bytes of strings held; processes whose strings were cut for PROC_TEXT_MAX. */
size_t proc_text_bytes(const struct proc_table *t);
uint64_t proc_text_cut(const struct proc_table *t);

#endif
