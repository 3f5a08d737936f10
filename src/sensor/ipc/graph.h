/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph: processes, channels, and who holds what. Private to ipc.
 *
 * A hold is one descriptor of one process: of a channel, or an outbound socket (chan is NULL). Memory comes from pools that
 * grow to the bounds in ipc.h and is reused.
 */
#ifndef SALLYPORT_SENSOR_IPC_GRAPH_H
#define SALLYPORT_SENSOR_IPC_GRAPH_H

#include "sensor/ipc/ipc.h"

enum { IPC_REPORTED = 4096 /* reports remembered, so that they are not repeated */ };

struct chan {
	struct hnode by_id;
	struct list holds;
	uint64_t ino, dev;
	uint32_t next_end;
	uint8_t kind;
	char *path; /* or NULL */
};

struct hold {
	struct list in_node; /* newest first */
	struct list in_chan;
	struct node *node;
	struct chan *chan;
	struct wire_fd fd;
	/*
	 * Of a unix channel: which end. Copies of a descriptor (by fork or dup) are of one end, and who holds the same end as oneself
	 * is nobody to read from. The other kinds have only one, 0.
	 */
	uint32_t end;
};

enum { NODE_BITS = 256 };

struct node {
	struct list all;
	struct list holds;
	struct proc *p;
	uint32_t n_holds, n_socks, n_unix;
	uint32_t n_high;               /* holds of descriptors past the bitmap */
	uint64_t low[NODE_BITS / 64];  /* descriptors that are held: most that are asked for are not */
	uint64_t mark; /* the last search that came by */
};

struct report {
	struct hnode by_hash;
	uint64_t reader, peer; /* images */
	uint64_t remote;       /* 0: any */
};

struct pool_item {
	struct pool_item *next;
};

struct pool {
	struct pool_item *free, *chunks;
	size_t size;
	uint32_t used, max;
};

struct visit {
	struct node *node;
	struct chan *via;
	uint32_t prev, hops;
};

struct ipc {
	ipc_report_fn *report;
	void *user;
	struct pool holds, chans, nodes;
	struct htab by_id;
	struct list all; /* nodes */
	uint32_t n_socks, n_paths;
	uint64_t cut;
	uint64_t search, steps;
	struct visit down[IPC_MAX_VISITS], up[IPC_MAX_VISITS];
	struct htab reported;
	struct report reports[IPC_REPORTED];
	uint64_t n_reports;
};

void pool_init(struct pool *p, size_t size, uint32_t max);
void pool_done(struct pool *p);
/* Zeroed; NULL past the bound or without memory. */
void *pool_get(struct pool *p);
void pool_put(struct pool *p, void *item);

struct hold *graph_find(const struct node *n, uint32_t fd);
/* Drop a descriptor, and the node when it was its last. */
void graph_drop(struct ipc *g, struct hold *h);
void graph_clear(struct ipc *g, struct node *n);
/*
 * The process has this descriptor now, instead of what had its number. outbound: an inet socket that leads out. Only channels
 * and such sockets are kept: NULL for others, and without room. end: NO_END: found out.
 */
enum { NO_END = UINT32_MAX };
struct hold *graph_put(struct ipc *g, struct proc *p, const struct wire_fd *fd, bool outbound, uint32_t end);
/* The same for a channel or outbound socket, and a number that the process has not. */
struct hold *graph_add(struct ipc *g, struct proc *p, const struct wire_fd *fd, uint32_t end);
void graph_set_path(struct ipc *g, struct chan *c, const char *path);

static inline bool hold_reads(const struct hold *h)
{
	return h->chan && h->fd.flags & WIRE_FD_READ;
}

static inline bool hold_writes(const struct hold *h)
{
	return h->chan && h->fd.flags & WIRE_FD_WRITE;
}

/*
 * An edge appeared at the process: find and report what it completed. sock: the outbound socket that it just connected, or NULL.
 * At most IPC_MAX_VISITS processes per direction and IPC_MAX_STEPS descriptors.
 */
void search_from(struct ipc *g, struct node *n, enum ipc_edge edge, const struct hold *sock);

#endif
