/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine: the walls around a child, put up by the child itself before it reads a byte from outside.
 *
 * An identity without rights or capabilities, resource limits, a list of system calls; for the worker a file system of
 * nothing but /proc, for the courier (Landlock, where the kernel has it) of nothing but what resolving names needs and
 * its repository.
 */
#ifndef SALLYPORT_AGENT_CONFINE_H
#define SALLYPORT_AGENT_CONFINE_H

#include <linux/filter.h>

#include "base/base.h"

enum { CONFINE_ID = 65534, CONFINE_MAX_FDS = 64, CONFINE_MAX_INSNS = 400 };

/*
 * Give up everything for good: root directory (NULL: it stays), uid and gid, no groups, no capabilities in any set,
 * no_new_privs, not dumpable, killed with its parent, limits on descriptors and core files.
 * E_PERM with d. After a failure the process must exit.
 */
FALLIBLE confine_privileges(const char *root, uint32_t id, struct diag *d);
/* A detached thread, before confine_no_threads. E_IO, E_NOMEM. */
FALLIBLE confine_thread(void *(*run)(void *), void *arg, size_t stack_bytes);
/* No process or thread is made any more. E_IO. */
FALLIBLE confine_no_threads(void);
/* Most bytes of memory from now on: data and address space. Before confine_syscalls. E_IO. */
FALLIBLE confine_memory(uint64_t bytes);

enum confine_role {
	CONFINE_WORKER,
	CONFINE_COURIER,
	CONFINE_COURIER_DIR, /* whose repository is a directory: it writes files */
	CONFINE_STEWARD,
	CONFINE_COMPILER
};
/* From now on only this role's system calls, for all threads; any other kills the process. E_IO with d. */
FALLIBLE confine_syscalls(enum confine_role role, struct diag *d);
/*
 * From now on files are only read, and only below these directories; those that do not exist are left out. writable:
 * NULL, or a directory below which files are made, too. False: this kernel has no Landlock (5.13), then file
 * permissions are the only wall of this kind. E_IO with d.
 */
FALLIBLE confine_files(const char *const *dirs, size_t n, const char *writable, bool *out_done, struct diag *d);
/* No memory is mapped executable any more: for a worker that gets no native code. E_IO. */
FALLIBLE confine_no_code(void);
/* And no more files are opened. E_IO. */
FALLIBLE confine_no_open(void);
/* Nor is memory mapped that others see change: a shadow could move its neighbour's rings. E_IO. */
FALLIBLE confine_no_shared_writes(void);

/*
 * Room for RLIMIT_AS beyond the worker's memory, and system calls of the compiler's run-time checks. One file per kind
 * of build.
 */
extern const uint64_t confine_address_slack; /* UINT64_MAX: no limit on memory at all */
extern const uint32_t confine_extra_calls[];
extern const size_t confine_n_extra_calls;

/* The filter, for its test: at most max instructions; returns how many. */
size_t confine_filter(enum confine_role role, struct sock_filter *out, size_t max);

#endif
