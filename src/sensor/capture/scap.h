/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scap: what the files that translate a .scap share. Private to capture.
 *
 * The tables follow processes, descriptors and working directories, because a .scap has paths as callers wrote them and
 * descriptors as numbers. Facts about the format: falcosecurity/libs, userspace/libscap/scap_savefile.h, its
 * engine/savefile reader, driver/event_table.c and driver/ppm_events_public.h (all as of July 2026).
 */
#ifndef SALLYPORT_SENSOR_CAPTURE_SCAP_H
#define SALLYPORT_SENSOR_CAPTURE_SCAP_H

#include "sensor/capture/parts.h"

enum {
	SCAP_TASKS_MAX = 262144,
	SCAP_FDS_MAX = 65536, /* of one process */
	SCAP_PARAMS = 32,     /* that any event which is translated has */
	SCAP_PATH = WIRE_PATH_BYTES,
	SCAP_ENTER_NUMS = 4,
};

/* A string that several tasks share. */
struct text {
	uint32_t refs, len;
	char s[]; /* NUL-terminated */
};

struct sfd {
	struct wire_fd w;
	struct text *path; /* or NULL */
	bool server;       /* it listens, or came from accept */
};

/* The entry of a call, until its exit comes. */
struct enter {
	uint16_t type; /* 0: none */
	int64_t num[SCAP_ENTER_NUMS];
	struct text *name, *name2; /* bytes; of a string with its NUL */
};

enum { FORK_PARENT_TOLD = 1, FORK_CHILD_TOLD = 2 };

/* A thread; the one whose tid is its pid stands for the process and has everything below `process`. */
struct task {
	struct hnode by_tid;
	struct list all;
	uint32_t tid, pid;
	struct enter enter;
	/* process */
	uint32_t n_threads; /* that live */
	uint32_t ppid, sid, uid, gid, loginuid, tty;
	uint32_t vpid, pgid, vpgid; /* 0: not known */
	uint64_t caps[3];           /* inheritable, permitted, effective */
	bool caps_known;
	uint32_t exe_flags; /* enum wire_exe_flags */
	uint64_t exe_ctime_ns, exe_mtime_ns;
	uint64_t start_ns;
	uint8_t fork_told;
	bool listed, exe_deleted, exe_memfd;
	char comm[WIRE_COMM];
	struct text *exe, *args, *env, *cwd, *cgroup; /* args, env as in a record; the others NULL when unknown */
	uint64_t exe_ino;
	struct sfd *fds; /* ascending */
	uint32_t n_fds, cap_fds;
};

struct sevent {
	uint64_t ts, tid, offset;
	uint16_t type;
	uint32_t n;
	struct view param[SCAP_PARAMS];
};

struct scap {
	struct source *src;
	struct capture_info *info;
	struct capture_stats *stats;
	struct htab by_tid;
	struct list tasks; /* in the order in which they came */
	uint32_t n_tasks;
	size_t memory; /* held by the tables */
	bool full;     /* something had no room: sticky */
	uint64_t boot_ns;
	bool listing;        /* process lists came since the last event */
	struct task **order; /* that are to be told as task records */
	uint32_t n_order, next_order;
	struct buf users, groups; /* as in passwd(5) and group(5) */
	struct sevent ev;
	char path[SCAP_PATH + 1], path2[SCAP_PATH + 1];
	size_t rec_len;
	bool then_told; /* after the record comes then: what the same call did to descriptors */
	struct wire_fds then;
	union {
		WIRE_RECORDS
		uint8_t bytes[WIRE_RECORD_MAX];
	} rec;
};

/* scap_state.c: the tables. NULL means no room (s->full is set) unless said otherwise. */
void *scap_alloc(struct scap *s, size_t n);
struct text *text_new(struct scap *s, const char *p, size_t len); /* p NULL: zeros, for the caller to fill */
struct text *text_ref(struct text *t);
void text_drop(struct scap *s, struct text *t);                  /* NULL is fine */
void text_set(struct scap *s, struct text **at, struct text *t); /* takes t */
FALLIBLE state_init(struct scap *s);
void state_clear(struct scap *s); /* forget all tasks */
void state_done(struct scap *s);
struct task *task_find(struct scap *s, uint32_t tid); /* NULL: not known */
/* The thread, made when unknown: of its own process unless pid says otherwise (0: not known). */
struct task *task_get(struct scap *s, uint32_t tid, uint32_t pid, uint64_t now_ns);
/* The thread that stands for t's process; made when it is not known. */
struct task *task_main(struct scap *s, struct task *t, uint64_t now_ns);
/* The thread is gone. True: it was the last of its process, whose main task is *out_main, to be removed by the caller.
 */
bool task_exit(struct scap *s, struct task *t, struct task **out_main);
void task_remove(struct scap *s, struct task *t);
/* child has what parent has. */
void task_inherit(struct scap *s, struct task *child, const struct task *parent);
struct sfd *fd_find(const struct task *main, uint64_t fd); /* NULL: not known */
/* The descriptor is this now; path is taken. */
void fd_put(struct scap *s, struct task *main, const struct wire_fd *w, struct text *path);
void fd_drop(struct scap *s, struct task *main, uint64_t fd);
void fd_drop_cloexec(struct scap *s, struct task *main);
void enter_clear(struct scap *s, struct task *t);

/* scap_path.c */
/*
 * rel joined to base (NULL: unknown) with ".", ".." and double slashes taken out; begins with / unless what it is
 * relative to is not known. Returns its length. out has room for SCAP_PATH + 1 bytes; what does not fit is cut off in
 * front.
 */
size_t path_join(char *out, const struct text *base, const char *rel, size_t rel_len);
/* The names of a path as a record has them. at most max bytes are used; returns how many. *flags as in wire_seg. */
size_t path_names(const char *path, size_t len, uint8_t *out, size_t max, uint16_t *flags);

/* scap_build.c: records. They stand in s->rec. */
void build_begin(struct scap *s, enum wire_kind kind, size_t fixed, const struct task *main, const struct task *t,
		 uint64_t now_ns);
void build_text(struct scap *s, struct wire_seg *seg, const char *p, size_t len, size_t max);
void build_path(struct scap *s, struct wire_seg *seg, const char *path, size_t len); /* path NULL: there is none */
void build_exec(struct scap *s, enum wire_kind kind, const struct task *main, const struct task *t, uint64_t now_ns,
		const struct text *filename);
void build_asked(struct scap *s, struct wire_path *at, struct view raw,
		 const struct text *dir); /* dir NULL: not known */
void build_end(struct scap *s);

/* scap_list.c: the blocks before the events. v is the block's body, at its offset. */
FALLIBLE list_machine(struct scap *s, struct view v, uint64_t at, struct diag *d);
FALLIBLE list_processes(struct scap *s, int version, struct view v, uint64_t at, struct diag *d);
FALLIBLE list_fds(struct scap *s, int version, struct view v, uint64_t at, struct diag *d);
FALLIBLE list_users(struct scap *s, int version, struct view v, uint64_t at, struct diag *d);
/* argv[0] and the others as a record has them; the path of the first cgroup that is not the root. NULL: none,
 * or no room. */
struct text *list_args(struct scap *s, struct view argv0, struct view args);
struct text *list_cgroup(struct scap *s, struct view v);
struct text *list_env(struct scap *s, struct view v);
/* All listed processes, parents first, as what is to be told next. */
FALLIBLE list_order(struct scap *s);

/* scap_event.c */
enum event_result { EVENT_RECORD, EVENT_MERGED, EVENT_SKIPPED };
/* The most parameters that an event type can have, or -1 when the type is of no interest. */
int event_params(uint16_t type);
enum event_result event_apply(struct scap *s, const struct sevent *e);
/* PPM_O_*, and what it is to Linux. */
uint64_t scap_open_flags(uint64_t f);

/* An event that does something, and one whose arguments may be needed at its exit. */
struct event_row {
	uint16_t type;
	uint8_t params; /* most that this type ever had */
	enum event_result (*apply)(struct scap *s, struct task *t, const struct sevent *e);
};
struct enter_row {
	uint16_t type;
	uint8_t params;
	int8_t name, name2; /* which are no numbers; -1: none */
};
struct event_table {
	const struct event_row *rows;
	size_t n_rows;
	const struct enter_row *enters;
	size_t n_enters;
};
extern const struct event_table scap_fd_events;   /* scap_fd.c */
extern const struct event_table scap_call_events; /* scap_call.c */

#endif
