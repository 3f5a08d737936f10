/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memfs: files in memory whose power can be cut. There are two pictures of everything: what the running system sees and
 * what surely is on the disk; between them stands the list of what is pending, in order. fsync of a file settles its
 * writes; of a directory, the names in it. What is pending at a cut reaches the disk or not, each by itself.
 */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>

enum { NAME_BYTES = 96, FILE_BYTES = 1 << 15, FIRST_FD = 1000, ROOT = 0 };

struct node {
	bool used, is_dir;
	uint32_t len, disk_len;
	uint8_t *data, *disk;
};

/* A name in a directory, as the system sees it and as the disk has it: number of the node, or -1. */
struct entry {
	int dir;
	char name[NAME_BYTES];
	int node, disk_node;
};

struct pending {
	bool is_name;
	int node;         /* of the data, or of the directory */
	uint32_t at, len; /* data */
	uint8_t bytes[MEMFS_SECTOR];
	int n_entries; /* of one operation on names: a rename has two, and both or none reach the disk */
	int entry[2], to[2];
};

struct memfs {
	struct local_fs ops;
	struct node node[MEMFS_MAX_FILES];
	struct entry entry[MEMFS_MAX_FILES * 2];
	int n_entries;
	int fd[MEMFS_MAX_FDS]; /* node + 1 */
	struct pending pending[MEMFS_MAX_PENDING];
	unsigned n_pending;
	bool locked;
	unsigned calls, fail_at, changes, cut_at;
	int error;
	bool fail_stays;
};

/* ---- faults ---- */

static bool fails(struct memfs *m)
{
	unsigned n = ++m->calls;

	if (!m->fail_at || n < m->fail_at || (n > m->fail_at && !m->fail_stays))
		return false;
	errno = m->error;
	return true;
}

/* Of what changes something. */
static bool fails_to_change(struct memfs *m)
{
	m->changes++;
	if (m->cut_at && m->changes >= m->cut_at) {
		errno = EIO;
		return true;
	}
	return fails(m);
}

/* ---- names ---- */

static int find(struct memfs *m, int dir, const char *name)
{
	for (int i = 0; i < m->n_entries; i++)
		if (m->entry[i].dir == dir && !strcmp(m->entry[i].name, name))
			return i;
	return -1;
}

static int find_or_make(struct memfs *m, int dir, const char *name)
{
	int i = find(m, dir, name);

	if (i >= 0)
		return i;
	i = m->n_entries++;
	assert(i < (int)countof(m->entry) && strlen(name) < NAME_BYTES);
	m->entry[i].dir = dir;
	m->entry[i].node = m->entry[i].disk_node = -1;
	(void)snprintf(m->entry[i].name, NAME_BYTES, "%s", name);
	return i;
}

static void settle(struct memfs *m, const struct pending *p);

static struct pending *pend(struct memfs *m)
{
	if (m->n_pending == MEMFS_MAX_PENDING) { /* the oldest reaches the disk by itself */
		settle(m, &m->pending[0]);
		memmove(&m->pending[0], &m->pending[1], --m->n_pending * sizeof m->pending[0]);
	}
	m->pending[m->n_pending] = (struct pending){ 0 };
	return &m->pending[m->n_pending++];
}

static void pend_names(struct memfs *m, int dir, int a, int a_to, int b, int b_to)
{
	struct pending *p = pend(m);

	p->is_name = true;
	p->node = dir;
	p->n_entries = b < 0 ? 1 : 2;
	p->entry[0] = a;
	p->to[0] = a_to;
	p->entry[1] = b;
	p->to[1] = b_to;
	m->entry[a].node = a_to;
	if (b >= 0)
		m->entry[b].node = b_to;
}

static void settle(struct memfs *m, const struct pending *p)
{
	if (p->is_name) {
		for (int i = 0; i < p->n_entries; i++)
			m->entry[p->entry[i]].disk_node = p->to[i];
		return;
	}
	memcpy(m->node[p->node].disk + p->at, p->bytes, p->len);
	if (m->node[p->node].disk_len < p->at + p->len)
		m->node[p->node].disk_len = p->at + p->len;
}

static int new_node(struct memfs *m, bool is_dir)
{
	for (int i = 0; i < MEMFS_MAX_FILES; i++) {
		struct node *n = &m->node[i];

		if (n->used)
			continue;
		*n = (struct node){ .used = true, .is_dir = is_dir };
		n->data = is_dir ? NULL : calloc(2, FILE_BYTES);
		n->disk = is_dir ? NULL : n->data + FILE_BYTES;
		return i;
	}
	/* nodes that no name leads to any more, neither here nor on the disk, and nobody holds */
	for (int i = 1; i < MEMFS_MAX_FILES; i++) {
		bool held = false;

		for (int k = 0; k < m->n_entries; k++)
			held |= m->entry[k].node == i || m->entry[k].disk_node == i;
		for (int k = 0; k < MEMFS_MAX_FDS; k++)
			held |= m->fd[k] == i + 1;
		for (unsigned k = 0; k < m->n_pending; k++)
			held |= m->pending[k].node == i || m->pending[k].to[0] == i || m->pending[k].to[1] == i;
		if (held)
			continue;
		free(m->node[i].data);
		m->node[i] = (struct node){ 0 };
	}
	for (int i = 0; i < MEMFS_MAX_FILES; i++)
		if (!m->node[i].used)
			return new_node(m, is_dir);
	abort(); /* too many files */
}

static int new_fd(struct memfs *m, int node)
{
	for (int i = 0; i < MEMFS_MAX_FDS; i++)
		if (!m->fd[i]) {
			m->fd[i] = node + 1;
			return FIRST_FD + i;
		}
	errno = EMFILE;
	return -1;
}

static int node_of(const struct memfs *m, int fd)
{
	if (fd == AT_FDCWD)
		return ROOT;
	assert(fd >= FIRST_FD && fd < FIRST_FD + MEMFS_MAX_FDS && m->fd[fd - FIRST_FD]);
	return m->fd[fd - FIRST_FD] - 1;
}

/* ---- the calls ---- */

static int m_openat(void *user, int dir_fd, const char *name, int flags, mode_t mode)
{
	struct memfs *m = user;
	int dir = node_of(m, dir_fd), e, node;

	(void)mode;
	if (fails(m))
		return -1;
	if (!strcmp(name, ".."))
		return new_fd(m, ROOT);
	e = find(m, dir, name);
	node = e < 0 ? -1 : m->entry[e].node;
	if (node >= 0 && flags & O_EXCL) {
		errno = EEXIST;
		return -1;
	}
	if (node < 0 && !(flags & O_CREAT)) {
		errno = ENOENT;
		return -1;
	}
	if (node < 0) {
		if (fails_to_change(m))
			return -1;
		node = new_node(m, false);
		pend_names(m, dir, find_or_make(m, dir, name), node, -1, -1);
	}
	return new_fd(m, node);
}

static int m_mkdirat(void *user, int dir_fd, const char *name, mode_t mode)
{
	struct memfs *m = user;
	int dir = node_of(m, dir_fd);

	(void)mode;
	if (fails_to_change(m))
		return -1;
	pend_names(m, dir, find_or_make(m, dir, name), new_node(m, true), -1, -1);
	return 0;
}

static int m_fstat(void *user, int fd, struct stat *st)
{
	struct memfs *m = user;
	const struct node *n = &m->node[node_of(m, fd)];

	if (fails(m))
		return -1;
	memset(st, 0, sizeof *st);
	st->st_mode = n->is_dir ? S_IFDIR | 0700 : S_IFREG | 0600;
	st->st_uid = geteuid();
	st->st_size = n->len;
	return 0;
}

static int m_lock(void *user, int fd)
{
	struct memfs *m = user;

	(void)fd;
	if (fails(m))
		return -1;
	if (m->locked) {
		errno = EWOULDBLOCK;
		return -1;
	}
	m->locked = true;
	return 0;
}

static ssize_t m_pread(void *user, int fd, void *p, size_t n, off_t at)
{
	struct memfs *m = user;
	const struct node *f = &m->node[node_of(m, fd)];

	if (fails(m))
		return -1;
	if (at >= f->len)
		return 0;
	if (n > f->len - (size_t)at)
		n = f->len - (size_t)at;
	memcpy(p, f->data + at, n);
	return (ssize_t)n;
}

static ssize_t m_pwrite(void *user, int fd, const void *p, size_t n, off_t at)
{
	struct memfs *m = user;
	int node = node_of(m, fd);
	struct pending *w;

	if (n > MEMFS_SECTOR - (size_t)at % MEMFS_SECTOR)
		n = MEMFS_SECTOR - (size_t)at % MEMFS_SECTOR; /* short, and each sector is a write of its own */
	if (fails_to_change(m))
		return -1;
	assert((size_t)at + n <= FILE_BYTES);
	memcpy(m->node[node].data + at, p, n);
	if (m->node[node].len < at + n)
		m->node[node].len = (uint32_t)(at + (off_t)n);
	w = pend(m);
	w->node = node;
	w->at = (uint32_t)at;
	w->len = (uint32_t)n;
	memcpy(w->bytes, p, n);
	return (ssize_t)n;
}

static int m_fsync(void *user, int fd)
{
	struct memfs *m = user;
	int node = node_of(m, fd);
	unsigned left = 0;

	if (fails_to_change(m))
		return -1;
	for (unsigned i = 0; i < m->n_pending; i++)
		if (m->pending[i].node == node && m->pending[i].is_name == m->node[node].is_dir)
			settle(m, &m->pending[i]);
		else
			m->pending[left++] = m->pending[i];
	m->n_pending = left;
	return 0;
}

static int m_renameat(void *user, int dir_fd, const char *from, const char *to)
{
	struct memfs *m = user;
	int dir = node_of(m, dir_fd), e = find(m, dir, from);

	if (fails_to_change(m))
		return -1;
	if (e < 0 || m->entry[e].node < 0) {
		errno = ENOENT;
		return -1;
	}
	pend_names(m, dir, find_or_make(m, dir, to), m->entry[e].node, e, -1);
	return 0;
}

static int m_unlinkat(void *user, int dir_fd, const char *name)
{
	struct memfs *m = user;
	int dir = node_of(m, dir_fd), e = find(m, dir, name);

	if (fails_to_change(m))
		return -1;
	if (e < 0 || m->entry[e].node < 0) {
		errno = ENOENT;
		return -1;
	}
	pend_names(m, dir, e, -1, -1, -1);
	return 0;
}

static int m_list(void *user, int dir_fd, int (*each)(void *arg, const char *name), void *arg)
{
	struct memfs *m = user;
	int dir = node_of(m, dir_fd);

	if (fails(m))
		return -1;
	for (int i = 0; i < m->n_entries; i++)
		if (m->entry[i].dir == dir && m->entry[i].node >= 0)
			(void)each(arg, m->entry[i].name);
	return 0;
}

static void m_close(void *user, int fd)
{
	struct memfs *m = user;

	if (m->node[node_of(m, fd)].is_dir && fd == FIRST_FD)
		m->locked = false; /* the store's directory is opened first */
	m->fd[fd - FIRST_FD] = 0;
}

static void bind(struct memfs *m)
{
	m->ops = (struct local_fs){ m_openat, m_mkdirat,  m_fstat,    m_lock, m_pread, m_pwrite,
				    m_fsync,  m_renameat, m_unlinkat, m_list, m_close, m };
}

/* ---- doors ---- */

struct memfs *memfs_new(void)
{
	struct memfs *m = calloc(1, sizeof *m);

	assert(m);
	bind(m);
	(void)new_node(m, true);
	return m;
}

void memfs_free(struct memfs *m)
{
	for (int i = 0; i < MEMFS_MAX_FILES; i++)
		free(m->node[i].data);
	free(m);
}

struct memfs *memfs_copy(const struct memfs *from)
{
	struct memfs *m = malloc(sizeof *m);

	assert(m);
	*m = *from;
	bind(m);
	for (int i = 0; i < MEMFS_MAX_FILES; i++)
		if (from->node[i].data) {
			m->node[i].data = malloc(2 * FILE_BYTES);
			assert(m->node[i].data);
			memcpy(m->node[i].data, from->node[i].data, 2 * FILE_BYTES);
			m->node[i].disk = m->node[i].data + FILE_BYTES;
		}
	return m;
}

const struct local_fs *memfs_ops(struct memfs *m)
{
	return &m->ops;
}

void memfs_fail(struct memfs *m, unsigned nth, int error, bool stays)
{
	m->calls = m->changes = 0;
	m->fail_at = nth;
	m->error = error;
	m->fail_stays = stays;
}

void memfs_cut(struct memfs *m, unsigned nth)
{
	m->calls = m->changes = 0;
	m->cut_at = nth;
}

unsigned memfs_calls(const struct memfs *m)
{
	return m->calls;
}

unsigned memfs_changes(const struct memfs *m)
{
	return m->changes;
}

void memfs_kill(struct memfs *m)
{
	memset(m->fd, 0, sizeof m->fd);
	m->locked = false;
}

unsigned memfs_pending(const struct memfs *m)
{
	return m->n_pending;
}

void memfs_power(struct memfs *m, uint64_t choice)
{
	for (unsigned i = 0; i < m->n_pending; i++)
		if (choice >> i & 1)
			settle(m, &m->pending[i]);
	m->n_pending = 0;
	memfs_kill(m);
	m->cut_at = m->fail_at = 0;
	for (int i = 0; i < m->n_entries; i++)
		m->entry[i].node = m->entry[i].disk_node;
	for (int i = 0; i < MEMFS_MAX_FILES; i++)
		if (m->node[i].data) {
			m->node[i].len = m->node[i].disk_len;
			memcpy(m->node[i].data, m->node[i].disk, FILE_BYTES);
		}
}

uint8_t *memfs_file(struct memfs *m, const char *name, size_t *len)
{
	for (int i = 0; i < m->n_entries; i++)
		if (!strcmp(m->entry[i].name, name) && m->entry[i].node >= 0) {
			*len = m->node[m->entry[i].node].len;
			return m->node[m->entry[i].node].data;
		}
	return NULL;
}
