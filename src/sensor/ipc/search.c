/* SPDX-License-Identifier: Apache-2.0 */
/*
 * search: what a new edge completed.
 *
 * A chain that was completed by an edge at process P passes through P. So: first downstream from P, breadth first, for
 * everyone who is fed by P, directly or through others, and reads it on descriptor 0; then, for each such reader,
 * upstream over what feeds it, for everyone with an outbound socket. Breadth first finds the shortest chain of a pair.
 * What was known before is found again and not reported again: a chain that some earlier search had cut off still comes
 * out.
 */
#include "sensor/ipc/graph.h"

#include <netinet/in.h>

/* Count one descriptor that was looked at. */
static bool step(struct ipc *g)
{
	return g->steps++ < IPC_MAX_STEPS;
}

/* Data that came over `via` leaves n over `to`, or the other way round. */
static bool passes(const struct node *n, const struct chan *via, const struct chan *to)
{
	if (!via)
		return true; /* the search begins at n */
	if (via == to)
		return false;
	return n->n_unix <= IPC_HUB || via->kind != WIRE_FD_UNIX || to->kind != WIRE_FD_UNIX;
}

struct queue {
	struct visit *v;
	uint32_t n;
	uint64_t mark;
};

static bool push(struct ipc *g, struct queue *q, struct node *n, struct chan *via, uint32_t prev)
{
	if (n->mark == q->mark)
		return true;
	if (q->n == IPC_MAX_VISITS) {
		g->cut++;
		return false;
	}
	n->mark = q->mark;
	q->v[q->n] = (struct visit){ n, via, prev, q->n ? q->v[prev].hops + 1 : 0 };
	q->n++;
	return true;
}

/* Push everyone at the other side of h's channel: its writers when up, its readers when not. False: out of bounds. */
static bool push_others(struct ipc *g, struct queue *q, uint32_t at, const struct hold *h, bool up)
{
	LIST_FOR (l, &h->chan->holds) {
		const struct hold *o = CONTAINER_OF(l, struct hold, in_chan);

		if (!step(g))
			return false;
		if (o->node == h->node || !(up ? hold_writes(o) : hold_reads(o)))
			continue;
		if (h->chan->kind == WIRE_FD_UNIX && o->end == h->end)
			continue;
		if (!push(g, q, o->node, h->chan, at))
			return false;
	}
	return true;
}

/* One process's step of a search, over all its channels of that direction. */
static bool expand(struct ipc *g, struct queue *q, uint32_t at, bool up)
{
	struct visit v = q->v[at];

	LIST_FOR (l, &v.node->holds) {
		const struct hold *h = CONTAINER_OF(l, struct hold, in_node);

		if (!step(g))
			return false;
		if (!(up ? hold_reads(h) : hold_writes(h)) || !passes(v.node, v.via, h->chan))
			continue;
		if (!push_others(g, q, at, h, up))
			return false;
	}
	return true;
}

static struct queue begin(struct ipc *g, struct visit *v, struct node *n)
{
	struct queue q = { .v = v, .mark = ++g->search };

	(void)push(g, &q, n, NULL, 0);
	return q;
}

/* Which socket of the peer to name. */
static const struct hold *best_sock(const struct node *n)
{
	const struct hold *best = NULL;

	LIST_FOR (l, &n->holds) {
		const struct hold *h = CONTAINER_OF(l, struct hold, in_node);

		if (h->chan)
			continue;
		if (h->fd.l4proto == IPPROTO_TCP)
			return h;
		if (!best)
			best = h;
	}
	return best;
}

static uint64_t remote_of(const struct wire_fd *fd)
{
	uint64_t seed = (uint64_t)fd->l4proto << 32 | (uint64_t)fd->kind << 16 | fd->remote_port;

	return hash_bytes(fd->remote_addr, fd->kind == WIRE_FD_IPV4 ? 4 : 16, seed) | 1;
}

static uint64_t report_hash(uint64_t reader, uint64_t peer, uint64_t remote)
{
	return hash_u64(hash_u64(hash_u64(reader) ^ peer) ^ remote);
}

static bool was_reported(const struct ipc *g, uint64_t reader, uint64_t peer, uint64_t remote)
{
	for (const struct hnode *n = htab_first(&g->reported, report_hash(reader, peer, remote)); n; n = htab_next(n)) {
		const struct report *r = CONTAINER_OF(n, const struct report, by_hash);

		if (r->reader == reader && r->peer == peer && r->remote == remote)
			return true;
	}
	return false;
}

/* The oldest is forgotten when there are IPC_REPORTED. */
static void remember(struct ipc *g, uint64_t reader, uint64_t peer, uint64_t remote)
{
	struct report *r = &g->reports[g->n_reports % IPC_REPORTED];

	if (was_reported(g, reader, peer, remote))
		return;
	if (g->n_reports++ >= IPC_REPORTED)
		htab_del(&g->reported, &r->by_hash);
	r->reader = reader;
	r->peer = peer;
	r->remote = remote;
	htab_add(&g->reported, &r->by_hash, report_hash(reader, peer, remote));
}

/* The chain that ends at visit `at` of an upstream search. */
static void report(struct ipc *g, const struct queue *q, uint32_t at, const struct hold *sock, const struct hold *in,
		   enum ipc_edge edge)
{
	struct ipc_chain c = { .edge = edge,
			       .n_procs = q->v[at].hops + 1,
			       .reader_fd = in->fd.fd,
			       .kind = in->chan->kind,
			       .ino = in->chan->ino,
			       .sock = sock->fd };

	for (uint32_t i = at, k = c.n_procs; k--; i = q->v[i].prev) {
		c.procs[k] = q->v[i].node->p;
		if (q->v[i].via && q->v[i].via->path)
			c.path = q->v[i].via->path; /* the last one set is the reader's nearest */
	}
	c.reader = c.procs[0];
	c.peer = c.procs[c.n_procs - 1];
	g->report(g->user, &c);
}

/* Report visit `at` of an upstream search if it is a peer, and news. sock: see search_from. */
static void consider(struct ipc *g, const struct queue *q, uint32_t at, const struct hold *in, enum ipc_edge edge,
		     const struct hold *sock)
{
	const struct node *peer = q->v[at].node;
	uint64_t reader_image = q->v[0].node->p->image_id, peer_image = peer->p->image_id;
	bool fresh = sock && sock->node == peer;
	uint64_t remote;

	if (!peer->n_socks)
		return;
	if (!fresh)
		sock = best_sock(peer);
	remote = remote_of(&sock->fd);
	if (was_reported(g, reader_image, peer_image, fresh ? remote : 0))
		return;
	remember(g, reader_image, peer_image, 0);
	remember(g, reader_image, peer_image, remote);
	report(g, q, at, sock, in, edge);
}

static void search_up(struct ipc *g, struct node *reader, const struct hold *in, enum ipc_edge edge,
		      const struct hold *sock)
{
	struct queue q = begin(g, g->up, reader);
	bool more = push_others(g, &q, 0, in, true);

	for (uint32_t i = 1; i < q.n; i++) {
		consider(g, &q, i, in, edge, sock);
		if (more && q.v[i].hops < IPC_MAX_HOPS)
			more = expand(g, &q, i, true);
	}
}

void search_from(struct ipc *g, struct node *n, enum ipc_edge edge, const struct hold *sock)
{
	struct queue q;
	bool more = true;

	if (!g->n_socks)
		return;
	g->steps = 0;
	q = begin(g, g->down, n);
	for (uint32_t i = 0; more && i < q.n && q.v[i].hops < IPC_MAX_HOPS; i++)
		more = expand(g, &q, i, false);
	for (uint32_t i = 0; i < q.n; i++) {
		struct hold *in = graph_find(q.v[i].node, 0);

		if (in && hold_reads(in))
			search_up(g, q.v[i].node, in, edge, sock);
	}
	g->cut += g->steps > IPC_MAX_STEPS;
}
