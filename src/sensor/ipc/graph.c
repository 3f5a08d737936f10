/* SPDX-License-Identifier: Apache-2.0 */
/* graph: keeping processes, channels and descriptors. */
#include "sensor/ipc/graph.h"

enum { POOL_CHUNK = 64, UNIX_BOTH = WIRE_FD_READ | WIRE_FD_WRITE };

void pool_init(struct pool *p, size_t size, uint32_t max)
{
	*p = (struct pool){ .size = (size + 15) & ~(size_t)15, .max = max };
}

void pool_done(struct pool *p)
{
	while (p->chunks) {
		struct pool_item *next = p->chunks->next;

		free(p->chunks);
		p->chunks = next;
	}
}

static bool pool_grow(struct pool *p)
{
	/* the first 16 bytes of a chunk link it to the others */
	struct pool_item *chunk = malloc(16 + POOL_CHUNK * p->size);

	if (!chunk)
		return false;
	chunk->next = p->chunks;
	p->chunks = chunk;
	for (size_t i = 0; i < POOL_CHUNK; i++) {
		struct pool_item *item = (struct pool_item *)(void *)((char *)chunk + 16 + i * p->size);

		item->next = p->free;
		p->free = item;
	}
	return true;
}

void *pool_get(struct pool *p)
{
	struct pool_item *item;

	if (p->used == p->max || (!p->free && !pool_grow(p)))
		return NULL;
	item = p->free;
	p->free = item->next;
	p->used++;
	memset(item, 0, p->size);
	return item;
}

void pool_put(struct pool *p, void *item)
{
	struct pool_item *i = item;

	i->next = p->free;
	p->free = i;
	p->used--;
}

static struct node *graph_node(struct ipc *g, struct proc *p)
{
	struct node *n = p->ipc;

	if (n)
		return n;
	n = pool_get(&g->nodes);
	if (!n)
		return NULL;
	n->p = p;
	p->ipc = n;
	list_init(&n->holds);
	list_add(&g->all, &n->all);
	return n;
}

static void mark_fd(struct node *n, uint32_t fd, bool held)
{
	uint64_t bit = 1ull << (fd % 64);

	if (fd >= NODE_BITS)
		n->n_high += held ? 1 : UINT32_MAX;
	else if (held)
		n->low[fd / 64] |= bit;
	else
		n->low[fd / 64] &= ~bit;
}

struct hold *graph_find(const struct node *n, uint32_t fd)
{
	if (fd < NODE_BITS ? !(n->low[fd / 64] >> (fd % 64) & 1) : !n->n_high)
		return NULL;
	LIST_FOR(l, &n->holds) {
		struct hold *h = CONTAINER_OF(l, struct hold, in_node);

		if (h->fd.fd == fd)
			return h;
	}
	return NULL;
}

static uint64_t chan_hash(uint8_t kind, uint64_t dev, uint64_t ino)
{
	return hash_u64(hash_u64(ino + kind) ^ dev);
}

static struct chan *chan_get(struct ipc *g, const struct wire_fd *fd)
{
	uint64_t dev = fd->kind == WIRE_FD_UNIX ? 0 : fd->dev, hash = chan_hash(fd->kind, dev, fd->ino);
	struct chan *c;

	for (struct hnode *n = htab_first(&g->by_id, hash); n; n = htab_next(n)) {
		c = CONTAINER_OF(n, struct chan, by_id);
		if (c->kind == fd->kind && c->ino == fd->ino && c->dev == dev)
			return c;
	}
	c = pool_get(&g->chans);
	if (!c)
		return NULL;
	c->kind = fd->kind;
	c->ino = fd->ino;
	c->dev = dev;
	c->next_end = 2; /* 0 and 1 are for socketpair */
	list_init(&c->holds);
	htab_add(&g->by_id, &c->by_id, hash);
	return c;
}

static void chan_put(struct ipc *g, struct chan *c)
{
	if (!list_empty(&c->holds))
		return;
	htab_del(&g->by_id, &c->by_id);
	g->n_paths -= c->path != NULL;
	free(c->path);
	pool_put(&g->chans, c);
}

void graph_set_path(struct ipc *g, struct chan *c, const char *path)
{
	if (!path || !*path || c->path || g->n_paths >= IPC_MAX_PATHS)
		return;
	c->path = strdup(path);
	g->n_paths += c->path != NULL;
}

static void drop_empty(struct ipc *g, struct node *n)
{
	if (n->n_holds)
		return;
	n->p->ipc = NULL;
	list_del(&n->all);
	pool_put(&g->nodes, n);
}

void graph_drop(struct ipc *g, struct hold *h)
{
	struct node *n = h->node;

	list_del(&h->in_node);
	n->n_holds--;
	mark_fd(n, h->fd.fd, false);
	if (h->chan) {
		n->n_unix -= h->chan->kind == WIRE_FD_UNIX;
		list_del(&h->in_chan);
		chan_put(g, h->chan);
	} else {
		n->n_socks--;
		g->n_socks--;
	}
	pool_put(&g->holds, h);
	drop_empty(g, n);
}

void graph_clear(struct ipc *g, struct node *n)
{
	LIST_FOR_SAFE(l, &n->holds) {
		bool last = n->n_holds == 1;

		graph_drop(g, CONTAINER_OF(l, struct hold, in_node));
		if (last)
			return; /* the node is gone, and the list's head with it */
	}
}

/*
 * Which end of a unix channel a new descriptor is: the one that the process has already (a copy of it), unless it has both;
 * else a new one. Who gets a number here that differs from its true end's is taken for somebody to read from.
 */
static uint32_t find_end(const struct node *n, struct chan *c)
{
	uint32_t end = NO_END;

	if (c->kind != WIRE_FD_UNIX)
		return 0;
	LIST_FOR(l, &n->holds) {
		const struct hold *h = CONTAINER_OF(l, struct hold, in_node);

		if (h->chan != c || h->end == end)
			continue;
		if (end != NO_END)
			return c->next_end++;
		end = h->end;
	}
	return end == NO_END ? c->next_end++ : end;
}

static bool is_channel(const struct wire_fd *fd)
{
	return fd->kind == WIRE_FD_PIPE || fd->kind == WIRE_FD_FIFO || (fd->kind == WIRE_FD_UNIX && fd->ino);
}

static void default_flags(struct hold *h)
{
	if (h->fd.kind == WIRE_FD_UNIX && !(h->fd.flags & UNIX_BOTH))
		h->fd.flags |= UNIX_BOTH;
}

static bool attach(struct ipc *g, struct hold *h, uint32_t end)
{
	if (!is_channel(&h->fd)) {
		h->node->n_socks++;
		g->n_socks++;
		return true;
	}
	h->chan = chan_get(g, &h->fd);
	if (!h->chan)
		return false;
	default_flags(h);
	h->node->n_unix += h->fd.kind == WIRE_FD_UNIX;
	h->end = end == NO_END ? find_end(h->node, h->chan) : end;
	list_add(&h->chan->holds, &h->in_chan);
	return true;
}

struct hold *graph_add(struct ipc *g, struct proc *p, const struct wire_fd *fd, uint32_t end)
{
	struct node *n = graph_node(g, p);
	struct hold *h = n && n->n_holds < IPC_MAX_FDS ? pool_get(&g->holds) : NULL;

	if (h) {
		h->node = n;
		h->fd = *fd;
		if (attach(g, h, end)) {
			list_add(n->holds.next, &h->in_node);
			n->n_holds++;
			mark_fd(n, fd->fd, true);
			return h;
		}
		pool_put(&g->holds, h);
	}
	g->cut++;
	if (n)
		drop_empty(g, n);
	return NULL;
}

/* What the number fd->fd stood for is the very file that it stands for now. */
static bool is_same(const struct hold *old, const struct wire_fd *fd, bool outbound)
{
	if (!old->chan)
		return outbound && old->fd.ino == fd->ino && old->fd.kind == fd->kind;
	return old->fd.kind == fd->kind && old->fd.ino == fd->ino && old->chan->dev == (fd->kind == WIRE_FD_UNIX ? 0 : fd->dev);
}

struct hold *graph_put(struct ipc *g, struct proc *p, const struct wire_fd *fd, bool outbound, uint32_t end)
{
	struct node *n = p->ipc;
	struct hold *old = n ? graph_find(n, fd->fd) : NULL;

	if (old && is_same(old, fd, outbound)) { /* in place: the channel keeps its path and its ends */
		old->fd = *fd;
		old->end = end == NO_END ? old->end : end;
		default_flags(old);
		return old;
	}
	if (old)
		graph_drop(g, old);
	return is_channel(fd) || outbound ? graph_add(g, p, fd, end) : NULL;
}
