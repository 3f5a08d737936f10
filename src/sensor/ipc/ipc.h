/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ipc: who reads from whom, over pipes, FIFOs and unix sockets, and who of them talks to the network.
 *
 * A graph of processes and channels, kept from descriptor records. When an edge appears (exec, open, dup, pipe, connect,
 * fork) it looks for chains of at most IPC_MAX_HOPS channels that pass through that process: from a reader whose descriptor
 * 0 to 15 is a channel, to a process that holds an outbound network socket. Each (reader, peer) pair is reported once
 * while both keep that image. Work per edge and memory are bounded; what was cut off is counted.
 */
#ifndef SALLYPORT_SENSOR_IPC_H
#define SALLYPORT_SENSOR_IPC_H

#include "base/base.h"
#include "sensor/proc/proc.h"
#include "sensor/wire/wire.h"

enum { IPC_MAX_HOPS = 4 };

enum ipc_edge { IPC_EDGE_EXEC, IPC_EDGE_OPEN, IPC_EDGE_DUP, IPC_EDGE_PIPE, IPC_EDGE_CONNECT, IPC_EDGE_FORK };

struct ipc;

/* A chain that was just completed. Pointers are valid during the callback. */
struct ipc_chain {
	struct proc *reader, *peer;
	struct proc *procs[IPC_MAX_HOPS + 1]; /* reader ... peer */
	uint32_t n_procs;                     /* hops + 1 */
	enum ipc_edge edge;
	uint32_t reader_fd;
	uint8_t kind;   /* of the reader's channel: enum wire_fd_kind PIPE FIFO UNIX */
	uint64_t ino;
	const char *path; /* of the first FIFO on the chain that has one; NULL */
	struct wire_fd sock; /* the peer's socket */
};

typedef void ipc_report_fn(void *user, const struct ipc_chain *c);

FALLIBLE ipc_new(ipc_report_fn *report, void *user, struct ipc **out);
void ipc_free(struct ipc *g);

/* An exec or task record: the descriptors of the process are now exactly these (0..15) and what it held above is kept unless close-on-exec. */
void ipc_on_exec(struct ipc *g, struct proc *p, const struct wire_fd *fds, uint32_t n, bool at_start);
void ipc_on_fork(struct ipc *g, struct proc *parent, struct proc *child);
void ipc_on_exit(struct ipc *g, struct proc *p);
/* path: of a FIFO, or NULL; copied. */
void ipc_on_open(struct ipc *g, struct proc *p, const struct wire_fd *fd, const char *path);
void ipc_on_fds(struct ipc *g, struct proc *p, const struct wire_fds *r);
void ipc_on_connect(struct ipc *g, struct proc *p, const struct wire_fd *fd);
/* The process is about to be freed. */
void ipc_forget(struct ipc *g, struct proc *p);

uint64_t ipc_cut(const struct ipc *g); /* searches that hit a bound */

#endif
