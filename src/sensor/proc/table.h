/* SPDX-License-Identifier: Apache-2.0 */
/* table: what the files of proc share. Private to proc. */
#ifndef SALLYPORT_SENSOR_PROC_TABLE_H
#define SALLYPORT_SENSOR_PROC_TABLE_H

#include "sensor/proc/image.h"

enum { NO_HEIR = UINT32_MAX };

enum { MEMFD_MAX_FD = 64 }; /* descriptors below it are followed one by one */

/*
 * A process and what only this module knows of it. Dead ones stand in one of two lists, in order of death: gone (until
 * the next sweep) and kept (a descendant needs them).
 */
struct entry {
	struct proc p;
	struct hnode by_pid; /* while alive */
	struct list dead;
	struct list children; /* of siblings */
	struct list sibling;  /* in the parent's children, while parent is set */
	uint64_t exit_ns;
	uint64_t sid_start_ns;
	uint64_t memfds, memfds_cloexec; /* bit per descriptor */
	bool made_memfd;                 /* it, or whom it was forked from, since the sensor looks */
	bool kept;
	uint32_t near; /* generations to the nearest living descendant: 0 while alive, NO_HEIR when there is none */
	uint32_t scan;
};

struct proc_table {
	struct htab by_key, by_pid;
	struct list all, gone, kept;
	struct text_budget text;
	struct container_table *containers;
	void (*drop)(void *user, struct proc *p);
	void *drop_user;
	uint64_t now_ns; /* latest time of any record */
	uint64_t next_image;
	uint64_t refused;
	uint64_t memfd_dev; /* of memory files, once an executable was seen on it; 0 before */
	uint32_t n, scan;
	bool scanning, keep_env;
};

static inline struct entry *entry_of(const struct proc *p)
{
	return CONTAINER_OF(p, struct entry, p);
}

/* The exec or task record starts a script that lives in a memory file. Call before e's descriptors change. */
bool script_from_memfd(struct proc_table *t, const struct entry *e, const struct wire_exec *r,
		       const struct proc_exec_strs *s);

#endif
