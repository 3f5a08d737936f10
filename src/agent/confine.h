/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine: the walls around a worker, put up by the worker itself before it reads a byte of content.
 *
 * Identity nobody without capabilities, a file system view of nothing but /proc, resource limits, and a list of system
 * calls.
 */
#ifndef SALLYPORT_AGENT_CONFINE_H
#define SALLYPORT_AGENT_CONFINE_H

#include <linux/filter.h>

#include "base/base.h"

enum { CONFINE_ID = 65534, CONFINE_MAX_FDS = 64 };

/*
 * Give up everything for good: root directory /proc, uid and gid CONFINE_ID, no groups, no capabilities in any set,
 * no_new_privs, not dumpable, killed with its parent, limits on descriptors, processes and core files.
 * E_PERM with d. After a failure the process must exit.
 */
FALLIBLE confine_privileges(struct diag *d);
/* Most bytes of memory from now on: data and address space. Before confine_syscalls. E_IO. */
FALLIBLE confine_memory(uint64_t bytes);
/* From now on only the worker's system calls; any other kills the process. E_IO with d. */
FALLIBLE confine_syscalls(struct diag *d);
/* And no more files are opened. E_IO. */
FALLIBLE confine_no_open(void);

/*
 * Room for RLIMIT_AS beyond the worker's memory, and system calls of the compiler's run-time checks. One file per kind
 * of build.
 */
extern const uint64_t confine_address_slack; /* UINT64_MAX: no limit on memory at all */
extern const uint32_t confine_extra_calls[];
extern const size_t confine_n_extra_calls;

/* The filter, for its test: at most max instructions; returns how many. */
size_t confine_filter(struct sock_filter *out, size_t max);

#endif
