/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kern: the only code that calls bpf(2) and asks what the kernel grants.
 *
 * It loads the fixed BPF object, sets up rings and statistics, attaches what is wanted, and hands out
 * descriptors. What a host grants is probed by trying, never derived from a version.
 * Runs in the supervisor, as root. Not thread-safe.
 */
#ifndef SALLYPORT_KERN_H
#define SALLYPORT_KERN_H

#include "base/base.h"
#include "sensor/wire/wire.h"

/* What the worker can ask to have attached. Fork, exec and exit are always on. */
enum kern_hook {
	KERN_HOOK_PROCESS = 1 << 0, /* sched_process_fork, exec, exit */
	KERN_HOOK_OPEN = 1 << 1,    /* the rest: syscall exit */
	KERN_HOOK_MEMFD = 1 << 2,
	KERN_HOOK_CONNECT = 1 << 3,
	KERN_HOOK_IPC = 1 << 4, /* pipe, dup, close, socketpair, accept of what can be part of a chain; FIFO opens */
	KERN_HOOK_CHDIR = 1 << 5,
	KERN_HOOK_EXEC_FAILED = 1 << 6,
	KERN_HOOK_ACCEPT = 1 << 7,
	KERN_HOOK_LISTEN = 1 << 8,
	KERN_HOOK_SOCKET = 1 << 9,
	KERN_HOOK_SEND = 1 << 10,
	KERN_HOOK_RECV = 1 << 11,
	KERN_HOOK_DUP = 1 << 12, /* as an event; KERN_HOOK_IPC follows copies of channels on its own */
	KERN_HOOK_RENAME = 1 << 13,
	KERN_HOOK_UNLINK = 1 << 14,
	KERN_HOOK_LINK = 1 << 15,
	KERN_HOOK_SYMLINK = 1 << 16,
	KERN_HOOK_MKDIR = 1 << 17,
	KERN_HOOK_CHMOD = 1 << 18,
	KERN_HOOK_PTRACE = 1 << 19,
	KERN_HOOK_CREDS = 1 << 20,
	KERN_HOOK_NAMESPACE = 1 << 21,
	KERN_HOOK_MODULE = 1 << 22,
	KERN_HOOK_BPF = 1 << 23,
	KERN_HOOK_USERFAULTFD = 1 << 24,
	KERN_HOOK_ALL = (1 << 25) - 1,
};

enum kern_grade { KERN_YES, KERN_NO, KERN_UNKNOWN };

/* One thing that a host grants or not. */
struct kern_probe {
	const char *id;   /* "bpf", "btf", "ringbuf", "tp_btf", "iter_task", ... stable, for --json */
	const char *what; /* for people */
	uint8_t grade;    /* enum kern_grade */
	bool required;    /* the sensor cannot run without */
	char detail[160]; /* errno text or version */
	const char *mend; /* what to do, or "" */
};

enum { KERN_MAX_PROBES = 32 };

struct kern_report {
	struct kern_probe probes[KERN_MAX_PROBES];
	uint32_t n;
	bool can_run; /* every required probe is KERN_YES */
	char release[65];
};

/* Try everything the sensor wants; changes nothing that stays. Works without root (and then says what is refused). ~50
 * ms. */
void kern_probe(struct kern_report *out);

struct kern_opts;
/* Add what the kernel says to this object's programs, loaded and let go again: granting all parts, it may still refuse
 * the whole. Some 300 ms. */
void kern_probe_object(const struct kern_opts *o, struct kern_report *r);

/* NULL is a kernel side that never sends anything: attaching and filters are no work, no task is there. */
struct kern;

struct kern_opts {
	struct view object;      /* the compiled BPF object */
	uint32_t reserved_bytes; /* ring sizes: powers of two, at least one page */
	uint32_t bulk_bytes;
};

/* Load, not attached yet. E_HOST with d.text = which program or map was refused and why, d.hint = what to do. E_NOMEM.
 */
FALLIBLE kern_open(const struct kern_opts *o, struct kern **out, struct diag *d);
/* Detaches everything; nothing stays behind. NULL is fine. */
void kern_close(struct kern *k);

/* Make exactly these hooks (enum kern_hook) attached. E_HOST. Hooks that stay attached miss nothing. */
FALLIBLE kern_attach(struct kern *k, uint32_t hooks, struct diag *d);
uint32_t kern_attached(const struct kern *k);

/*
 * Put a filter in force, whole: n names with the clauses that each satisfies. f NULL: everything passes, as after
 * kern_open. Nothing is kept; on an error the filter before stays. Waits for running programs, some 10 ms.
 *
 * E_LIMIT    more than WIRE_FILTER_MAX_NAMES names
 * E_INVALID  a name about a place that does not exist
 * E_HOST     the kernel refused it
 */
FALLIBLE kern_filter_swap(struct kern *k, const struct wire_filter *f, const struct wire_filter_name *names,
			  const uint32_t *masks, uint32_t n, struct diag *d);
/*
 * Are the hooks and the filter what was set here? Whoever may call bpf(2) could have written to the maps. What is not
 * is put back. Some 5 us.
 *
 * E_REJECTED  something else was there: d says what
 * E_HOST      they cannot be read, or not be put back
 */
FALLIBLE kern_check(struct kern *k, struct diag *d);

/* A control group whose records were lost because it had its part of a ring. */
struct kern_group {
	uint64_t id; /* inode number of its directory; 0: lies too deep to tell */
	uint64_t lost;
	uint32_t ring;              /* enum wire_ring */
	char name[WIRE_GROUP_NAME]; /* of its directory, printable; "/": the root */
};
enum { KERN_MAX_GROUPS = 2048 };

/*
 * The max ones that lost the most since kern_open, most first; how many there are. A group that put nothing in a ring
 * for long may be forgotten, its records stay counted in wire_stats. Cost: two system calls a group that was looked
 * at, at most 8,192 in all.
 */
uint32_t kern_lost_groups(const struct kern *k, struct kern_group *out, uint32_t max);

/* Borrowed descriptors, to be passed on. */
int kern_ring_fd(const struct kern *k, uint32_t ring);
int kern_stats_fd(const struct kern *k);
/* Sizes for whoever maps them: data bytes of a ring; entries and bytes of the statistics array. */
uint32_t kern_ring_bytes(const struct kern *k, uint32_t ring);
uint32_t kern_n_cpus(const struct kern *k);
/* A fresh descriptor that reads WIRE_TASK records of all processes; the caller closes it. E_HOST. */
FALLIBLE kern_iter_open(struct kern *k, int *out_fd, struct diag *d);

#endif
