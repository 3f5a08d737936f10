/* SPDX-License-Identifier: Apache-2.0 */
/* ipc: what records do to the graph, and which of them can complete a chain. */
#include "sensor/ipc/graph.h"

FALLIBLE ipc_new(ipc_report_fn *report, void *user, struct ipc **out)
{
	struct ipc *g = calloc(1, sizeof *g);

	if (!g)
		return E_NOMEM;
	g->report = report;
	g->user = user;
	list_init(&g->all);
	pool_init(&g->holds, sizeof(struct hold), IPC_MAX_HOLDS);
	pool_init(&g->chans, sizeof(struct chan), IPC_MAX_HOLDS);
	pool_init(&g->nodes, sizeof(struct node), PROC_MAX);
	if (htab_init(&g->by_id, IPC_MAX_HOLDS / 4) || htab_init(&g->reported, IPC_REPORTED)) {
		htab_done(&g->by_id);
		free(g);
		return E_NOMEM;
	}
	*out = g;
	return E_OK;
}

void ipc_free(struct ipc *g)
{
	if (!g)
		return;
	LIST_FOR_SAFE (l, &g->all)
		graph_clear(g, CONTAINER_OF(l, struct node, all));
	pool_done(&g->holds);
	pool_done(&g->chans);
	pool_done(&g->nodes);
	htab_done(&g->by_id);
	htab_done(&g->reported);
	free(g);
}

static bool is_inet(const struct wire_fd *fd)
{
	return fd->kind == WIRE_FD_IPV4 || fd->kind == WIRE_FD_IPV6;
}

/* Of a socket whose connect was not seen: connected from a port that the kernel picks to one that it does not. */
static bool looks_outbound(const struct wire_fd *fd)
{
	return is_inet(fd) && fd->flags & WIRE_FD_CONNECTED && fd->local_port >= IPC_EPHEMERAL && fd->remote_port &&
	       fd->remote_port < IPC_EPHEMERAL;
}

/* What the process held before that is the same file: a copy, or the descriptor itself. */
static const struct hold *same_file(const struct node *n, const struct wire_fd *fd)
{
	const struct hold *found = NULL;

	if (!n)
		return NULL;
	LIST_FOR (l, &n->holds) {
		const struct hold *h = CONTAINER_OF(l, struct hold, in_node);

		if (h->fd.kind != fd->kind || h->fd.ino != fd->ino ||
		    (fd->kind != WIRE_FD_UNIX && h->fd.dev != fd->dev))
			continue;
		if (h->fd.fd == fd->fd)
			return h;
		found = h;
	}
	return found;
}

static void put_known(struct ipc *g, struct proc *p, const struct wire_fd *fd, bool at_start)
{
	const struct hold *was = same_file(p->ipc, fd);
	bool outbound = is_inet(fd) && ((was && !was->chan) || (at_start && looks_outbound(fd)));
	uint32_t end = was && was->chan && was->fd.fd == fd->fd ? was->end : NO_END;

	(void)graph_put(g, p, fd, outbound, end);
}

/* What the process held before its exec and does not any more. */
static void drop_closed(struct ipc *g, struct node *n, const struct wire_fd *fds, uint32_t n_fds)
{
	bool open[WIRE_TASK_FDS] = { false };

	for (uint32_t i = 0; i < n_fds; i++)
		if (fds[i].fd < WIRE_TASK_FDS)
			open[fds[i].fd] = true;
	LIST_FOR_SAFE (l, &n->holds) {
		struct hold *h = CONTAINER_OF(l, struct hold, in_node);
		bool last = n->n_holds == 1;

		if (h->fd.fd < WIRE_TASK_FDS ? open[h->fd.fd] : !(h->fd.flags & WIRE_FD_CLOEXEC))
			continue;
		graph_drop(g, h);
		if (last)
			return;
	}
}

void ipc_on_exec(struct ipc *g, struct proc *p, const struct wire_fd *fds, uint32_t n, bool at_start)
{
	for (uint32_t i = 0; i < n; i++)
		put_known(g, p, &fds[i], at_start);
	if (p->ipc)
		drop_closed(g, p->ipc, fds, n);
	if (p->ipc)
		search_from(g, p->ipc, IPC_EDGE_EXEC, NULL);
}

/* Holds a channel for reading and for writing: a child with copies makes an edge of that. */
static bool feeds_itself(const struct node *n)
{
	LIST_FOR (l, &n->holds) {
		const struct hold *h = CONTAINER_OF(l, struct hold, in_node);

		if (!hold_reads(h))
			continue;
		LIST_FOR (k, &h->chan->holds) {
			const struct hold *o = CONTAINER_OF(k, struct hold, in_chan);

			if (o->node == n && hold_writes(o) && (h->chan->kind != WIRE_FD_UNIX || o->end != h->end))
				return true;
		}
	}
	return false;
}

void ipc_on_fork(struct ipc *g, struct proc *parent, struct proc *child)
{
	struct node *n = parent->ipc;

	if (!n || child->ipc || parent == child || !child->alive)
		return; /* nothing to inherit, or the child told itself what it has */
	for (struct list *l = n->holds.prev; l != &n->holds;
	     l = l->prev) { /* oldest first, so that the child's order is the same */
		const struct hold *h = CONTAINER_OF(l, struct hold, in_node);

		if (!graph_add(g, child, &h->fd, h->end))
			break;
	}
	if (child->ipc && feeds_itself(n))
		search_from(g, child->ipc, IPC_EDGE_FORK, NULL);
}

void ipc_on_exit(struct ipc *g, struct proc *p)
{
	ipc_forget(g, p);
}

void ipc_forget(struct ipc *g, struct proc *p)
{
	if (p->ipc)
		graph_clear(g, p->ipc);
}

/* The process had a descriptor like h before: h brings nothing new, unless it is what it reads from. */
static bool is_copy(const struct hold *h)
{
	if (!h->fd.fd)
		return false;
	LIST_FOR (l, &h->node->holds) {
		const struct hold *o = CONTAINER_OF(l, struct hold, in_node);

		if (o != h && o->chan == h->chan && o->end == h->end && (o->fd.flags & h->fd.flags) == h->fd.flags)
			return true;
	}
	return false;
}

static bool has_company(const struct hold *h)
{
	LIST_FOR (l, &h->chan->holds)
		if (CONTAINER_OF(l, struct hold, in_chan)->node != h->node)
			return true;
	return false;
}

static void after_put(struct ipc *g, const struct hold *h, enum ipc_edge edge)
{
	if (!h)
		return;
	if (h->chan ? has_company(h) && !is_copy(h) : edge == IPC_EDGE_CONNECT)
		search_from(g, h->node, edge, h->chan ? NULL : h);
}

void ipc_on_open(struct ipc *g, struct proc *p, const struct wire_fd *fd, const char *path)
{
	struct hold *h = graph_put(g, p, fd, false, NO_END);

	if (h)
		graph_set_path(g, h->chan, path);
	after_put(g, h, IPC_EDGE_OPEN);
}

void ipc_on_connect(struct ipc *g, struct proc *p, const struct wire_fd *fd, const char *path)
{
	/* without a remote port it was taken apart again (AF_UNSPEC) */
	struct hold *h = graph_put(g, p, fd, is_inet(fd) && fd->remote_port, NO_END);

	if (h && h->chan)
		graph_set_path(g, h->chan, path);
	after_put(g, h, IPC_EDGE_CONNECT);
}

static void on_dup(struct ipc *g, struct proc *p, const struct wire_fd *fd)
{
	const struct hold *was = same_file(p->ipc, fd);

	after_put(g, graph_put(g, p, fd, is_inet(fd) && was && !was->chan, NO_END), IPC_EDGE_DUP);
}

void ipc_on_fds(struct ipc *g, struct proc *p, const struct wire_fds *r)
{
	for (uint32_t i = 0; i < r->n_fds && i < countof(r->fds); i++) {
		const struct wire_fd *fd = &r->fds[i];

		if (r->op == WIRE_FDS_OPEN) {
			bool pair = r->n_fds == 2 && fd->kind == WIRE_FD_UNIX;

			after_put(g, graph_put(g, p, fd, false, pair ? i : NO_END), IPC_EDGE_PIPE);
		} else if (r->op == WIRE_FDS_DUP) {
			on_dup(g, p, fd);
		} else {
			struct hold *h = p->ipc ? graph_find(p->ipc, fd->fd) : NULL;

			if (h)
				graph_drop(g, h);
		}
	}
}

uint64_t ipc_cut(const struct ipc *g)
{
	return g->cut;
}

uint32_t ipc_holds(const struct ipc *g)
{
	return g->holds.used;
}
