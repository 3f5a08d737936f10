/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ipc: who reads from whom, over pipes, FIFOs and unix sockets, and who of them talks to the network.
 *
 * A graph of processes and channels, kept from descriptor records. Process R reads from W when R holds a channel for
 * reading that W, another process, holds for writing; a connected pair of unix sockets is one channel, held by both for
 * both. Data passes a process that reads one channel and writes another, on whatever descriptors.
 *
 * When an edge appears (exec, open, dup, pipe, connect, fork) it looks for chains of at most IPC_MAX_HOPS channels from
 * a reader whose descriptor 0 is the channel (what "is fed by" means; shells hold pipes on others for every $(command))
 * to a peer that holds an outbound network socket: one that connect was seen for or, for processes that were there
 * before the sensor, one that is connected from an ephemeral port (IPC_EPHEMERAL and up) to a lower one.
 *
 * Each (reader, peer) pair is reported once while both keep their images, and once more for each further remote address
 * that the peer connects to: its first connection may have been to a resolver. Work per edge and memory are bounded;
 * what was cut off is counted.
 *
 * Not followed: a process with more than IPC_HUB unix channels passes nothing from one unix socket to another (message
 * buses and log daemons would join everybody to everybody); descriptors passed over sockets; descriptor tables shared
 * by clone().
 *
 * Not thread-safe.
 */
#ifndef SALLYPORT_SENSOR_IPC_H
#define SALLYPORT_SENSOR_IPC_H

#include "base/base.h"
#include "sensor/proc/proc.h"
#include "sensor/wire/wire.h"

enum {
	IPC_MAX_HOPS = 4,
	IPC_HUB = 8,
	IPC_EPHEMERAL = 32768,
	IPC_MAX_FDS = 512,      /* descriptors kept per process: pipes, FIFOs, unix and outbound inet sockets */
	IPC_MAX_HOLDS = 131072, /* of all processes */
	IPC_MAX_VISITS = 64,    /* processes looked at per search */
	IPC_MAX_STEPS = 1024,   /* descriptors looked at per edge, over all its searches */
	IPC_MAX_PATHS = 1024,   /* FIFOs and unix sockets whose path is kept */
};

enum ipc_edge { IPC_EDGE_EXEC, IPC_EDGE_OPEN, IPC_EDGE_DUP, IPC_EDGE_PIPE, IPC_EDGE_CONNECT, IPC_EDGE_FORK };

struct ipc;

/* A chain that was just completed. Pointers are valid during the callback. */
struct ipc_chain {
	struct proc *reader, *peer;
	struct proc *procs[IPC_MAX_HOPS + 1]; /* reader ... peer */
	uint32_t n_procs;                     /* hops + 1 */
	enum ipc_edge edge;
	uint32_t reader_fd;
	uint8_t kind; /* of the reader's channel: enum wire_fd_kind PIPE FIFO UNIX */
	uint64_t ino;
	const char *path;    /* of the first FIFO or unix socket on the chain whose path is known; NULL */
	struct wire_fd sock; /* the peer's socket: the one just connected, else its latest, tcp before others */
};

typedef void ipc_report_fn(void *user, const struct ipc_chain *c);

FALLIBLE ipc_new(ipc_report_fn *report, void *user, struct ipc **out);
void ipc_free(struct ipc *g);

/* An exec or task record: the descriptors of the process are now exactly these (0..15) and what it held above is kept
 * unless close-on-exec. */
void ipc_on_exec(struct ipc *g, struct proc *p, const struct wire_fd *fds, uint32_t n, bool at_start);
void ipc_on_fork(struct ipc *g, struct proc *parent, struct proc *child);
void ipc_on_exit(struct ipc *g, struct proc *p);
/* path: of a FIFO, or NULL; copied. */
void ipc_on_open(struct ipc *g, struct proc *p, const struct wire_fd *fd, const char *path);
void ipc_on_fds(struct ipc *g, struct proc *p, const struct wire_fds *r);
/* path: of a unix socket, or NULL; copied. */
void ipc_on_connect(struct ipc *g, struct proc *p, const struct wire_fd *fd, const char *path);
/* The process is about to be freed. */
void ipc_forget(struct ipc *g, struct proc *p);

uint64_t ipc_cut(const struct ipc *g);   /* searches that hit a bound, and descriptors that there was no room for */
uint32_t ipc_holds(const struct ipc *g); /* descriptors kept now */

#endif
