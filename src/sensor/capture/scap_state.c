/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scap_state: threads, processes and descriptors while a .scap is read. Memory is counted; the first thing that has no
 * room sets s->full, which ends the reading.
 */
#include "sensor/capture/scap.h"

enum { BUCKETS = 65536, FDS_FIRST = 8 };

static bool claim(struct scap *s, size_t n)
{
	if (n > CAPTURE_SCAP_MEMORY - s->memory) {
		s->full = true;
		return false;
	}
	s->memory += n;
	return true;
}

void *scap_alloc(struct scap *s, size_t n)
{
	void *p = claim(s, n) ? calloc(1, n) : NULL;

	if (!p)
		s->full = true;
	return p;
}

struct text *text_new(struct scap *s, const char *p, size_t len)
{
	struct text *t = len < UINT32_MAX ? scap_alloc(s, sizeof *t + len + 1) : NULL;

	if (!t)
		return NULL;
	t->refs = 1;
	t->len = (uint32_t)len;
	if (p && len)
		memcpy(t->s, p, len);
	return t;
}

struct text *text_ref(struct text *t)
{
	if (t)
		t->refs++;
	return t;
}

void text_drop(struct scap *s, struct text *t)
{
	if (!t || --t->refs)
		return;
	s->memory -= sizeof *t + t->len + 1;
	free(t);
}

void text_set(struct scap *s, struct text **at, struct text *t)
{
	text_drop(s, *at);
	*at = t;
}

FALLIBLE state_init(struct scap *s)
{
	list_init(&s->tasks);
	return htab_init(&s->by_tid, BUCKETS);
}

void enter_clear(struct scap *s, struct task *t)
{
	text_set(s, &t->enter.name, NULL);
	text_set(s, &t->enter.name2, NULL);
	t->enter.type = 0;
}

static void clear_fds(struct scap *s, struct task *t)
{
	for (uint32_t i = 0; i < t->n_fds; i++)
		text_drop(s, t->fds[i].path);
	s->memory -= t->cap_fds * sizeof *t->fds;
	free(t->fds);
	t->fds = NULL;
	t->n_fds = t->cap_fds = 0;
}

void task_remove(struct scap *s, struct task *t)
{
	enter_clear(s, t);
	clear_fds(s, t);
	text_drop(s, t->exe);
	text_drop(s, t->args);
	text_drop(s, t->env);
	text_drop(s, t->cwd);
	text_drop(s, t->cgroup);
	htab_del(&s->by_tid, &t->by_tid);
	list_del(&t->all);
	s->n_tasks--;
	s->memory -= sizeof *t;
	free(t);
}

void state_clear(struct scap *s)
{
	LIST_FOR_SAFE (l, &s->tasks)
		task_remove(s, CONTAINER_OF(l, struct task, all));
	s->n_order = s->next_order = 0;
}

void state_done(struct scap *s)
{
	if (s->tasks.next)
		state_clear(s);
	htab_done(&s->by_tid);
	free(s->order);
}

struct task *task_find(struct scap *s, uint32_t tid)
{
	for (struct hnode *n = htab_first(&s->by_tid, hash_u64(tid)); n; n = htab_next(n)) {
		struct task *t = CONTAINER_OF(n, struct task, by_tid);

		if (t->tid == tid)
			return t;
	}
	return NULL;
}

static struct task *make(struct scap *s, uint32_t tid, uint32_t pid, uint64_t now_ns)
{
	struct task *t;

	if (s->n_tasks == SCAP_TASKS_MAX)
		s->full = true;
	t = s->full ? NULL : scap_alloc(s, sizeof *t);
	if (!t)
		return NULL;
	t->tid = tid;
	t->pid = pid;
	t->start_ns = now_ns;
	t->loginuid = UINT32_MAX;
	t->n_threads = tid == pid;
	list_add(&s->tasks, &t->all);
	htab_add(&s->by_tid, &t->by_tid, hash_u64(tid));
	s->n_tasks++;
	return t;
}

struct task *task_get(struct scap *s, uint32_t tid, uint32_t pid, uint64_t now_ns)
{
	struct task *t = task_find(s, tid), *main;

	if (t)
		return t;
	t = make(s, tid, pid ? pid : tid, now_ns);
	if (!t || t->tid == t->pid)
		return t;
	main = task_main(s, t, now_ns);
	if (main)
		main->n_threads++;
	return t;
}

struct task *task_main(struct scap *s, struct task *t, uint64_t now_ns)
{
	struct task *main = t->tid == t->pid ? t : task_find(s, t->pid);

	if (!main)
		main = make(s, t->pid, t->pid, now_ns);
	/* a tid that became another process's thread: its process is gone */
	return main && main->pid == main->tid ? main : t;
}

bool task_exit(struct scap *s, struct task *t, struct task **out_main)
{
	struct task *main = t->tid == t->pid ? t : task_find(s, t->pid);

	if (!main || main->pid != main->tid) {
		task_remove(s, t);
		return false;
	}
	if (main->n_threads)
		main->n_threads--;
	if (t != main)
		task_remove(s, t);
	*out_main = main;
	return !main->n_threads;
}

void task_inherit(struct scap *s, struct task *c, const struct task *p)
{
	c->ppid = p->pid;
	c->sid = p->sid;
	c->uid = p->uid;
	c->gid = p->gid;
	c->loginuid = p->loginuid;
	c->tty = p->tty;
	c->exe_ino = p->exe_ino;
	c->exe_deleted = p->exe_deleted;
	c->exe_memfd = p->exe_memfd;
	c->exe_flags = p->exe_flags;
	c->exe_ctime_ns = p->exe_ctime_ns;
	c->exe_mtime_ns = p->exe_mtime_ns;
	c->vpid = p->vpid;
	c->pgid = p->pgid;
	c->vpgid = p->vpgid;
	c->caps_known = p->caps_known;
	memcpy(c->caps, p->caps, sizeof c->caps);
	memcpy(c->comm, p->comm, sizeof c->comm);
	text_set(s, &c->exe, text_ref(p->exe));
	text_set(s, &c->args, text_ref(p->args));
	text_set(s, &c->env, text_ref(p->env));
	text_set(s, &c->cwd, text_ref(p->cwd));
	text_set(s, &c->cgroup, text_ref(p->cgroup));
	clear_fds(s, c);
	if (!p->n_fds)
		return;
	c->fds = scap_alloc(s, p->n_fds * sizeof *c->fds);
	if (!c->fds)
		return;
	c->n_fds = c->cap_fds = p->n_fds;
	memcpy(c->fds, p->fds, p->n_fds * sizeof *c->fds);
	for (uint32_t i = 0; i < c->n_fds; i++)
		text_ref(c->fds[i].path);
}

/* Index of the first descriptor that is not below fd. */
static uint32_t lower_bound(const struct task *main, uint64_t fd)
{
	uint32_t lo = 0, hi = main->n_fds;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (main->fds[mid].w.fd < fd)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct sfd *fd_find(const struct task *main, uint64_t fd)
{
	uint32_t i = lower_bound(main, fd);

	return i < main->n_fds && main->fds[i].w.fd == fd ? &main->fds[i] : NULL;
}

static bool grow_fds(struct scap *s, struct task *main)
{
	uint32_t cap = main->cap_fds ? main->cap_fds * 2 : FDS_FIRST;
	struct sfd *p;

	if (main->n_fds < main->cap_fds)
		return true;
	if (cap > SCAP_FDS_MAX || !claim(s, (cap - main->cap_fds) * sizeof *p)) {
		s->full = true;
		return false;
	}
	p = realloc(main->fds, cap * sizeof *p);
	if (!p) {
		s->memory -= (cap - main->cap_fds) * sizeof *p;
		s->full = true;
		return false;
	}
	main->fds = p;
	main->cap_fds = cap;
	return true;
}

void fd_put(struct scap *s, struct task *main, const struct wire_fd *w, struct text *path)
{
	uint32_t i = lower_bound(main, w->fd);

	if (i < main->n_fds && main->fds[i].w.fd == w->fd) {
		text_drop(s, main->fds[i].path);
	} else {
		if (!grow_fds(s, main)) {
			text_drop(s, path);
			return;
		}
		memmove(main->fds + i + 1, main->fds + i, (main->n_fds - i) * sizeof *main->fds);
		main->n_fds++;
	}
	main->fds[i] = (struct sfd){ .w = *w, .path = path };
}

void fd_drop(struct scap *s, struct task *main, uint64_t fd)
{
	struct sfd *f = fd_find(main, fd);

	if (!f)
		return;
	text_drop(s, f->path);
	main->n_fds--;
	memmove(f, f + 1, (size_t)(main->fds + main->n_fds - f) * sizeof *f);
}

void fd_drop_cloexec(struct scap *s, struct task *main)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < main->n_fds; i++) {
		if (main->fds[i].w.flags & WIRE_FD_CLOEXEC)
			text_drop(s, main->fds[i].path);
		else
			main->fds[n++] = main->fds[i];
	}
	main->n_fds = n;
}
