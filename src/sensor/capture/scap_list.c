/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scap_list: machine, processes, descriptors and users as they were when the capture began.
 *
 * An entry of the newer versions begins with its length and may have more at its end than is known here; one of the
 * older versions ends where its last field does. Fields: falcosecurity/libs,
 * engine/savefile/scap_savefile.c:scap_read_proclist and its neighbours.
 */
#include "sensor/capture/scap.h"

#include <netinet/in.h>

/* A position in a block. Past its end everything reads as 0 and bad is set. */
struct cursor {
	struct view v;
	uint64_t at;
	bool bad;
};

static struct view take(struct cursor *c, uint64_t n)
{
	struct view v = { 0 };

	if (c->bad || !view_sub(c->v, c->at, n, &v))
		c->bad = true;
	else
		c->at += n;
	return v;
}

static uint64_t number(struct cursor *c, size_t bytes)
{
	struct view v = take(c, bytes);
	uint64_t n = 0;

	if (v.p)
		memcpy(&n, v.p, bytes);
	return n;
}

static struct view string(struct cursor *c)
{
	return take(c, number(c, 2));
}

/* Up to its first NUL. */
static struct view text_of(struct view v)
{
	v.len = v.p ? strnlen((const char *)v.p, v.len) : 0;
	return v;
}

static size_t left(const struct cursor *c)
{
	return c->bad ? 0 : c->v.len - (size_t)c->at;
}

/* A cursor over the entry that begins here; versions with a length make it end there. */
static struct cursor entry_begin(struct cursor *c, bool has_length)
{
	struct cursor e = *c;
	uint64_t start = c->at;

	if (has_length) {
		uint64_t len = number(&e, 4);

		if (!e.bad && (len < 4 || !view_has(c->v, start, len)))
			e.bad = true;
		if (!e.bad)
			e.v.len = (size_t)(start + len);
	}
	return e;
}

static void entry_end(struct cursor *c, const struct cursor *e, bool has_length)
{
	c->at = has_length ? e->v.len : e->at;
	c->bad = e->bad;
}

static FALLIBLE check(const struct scap *s, const struct cursor *c, uint64_t at, const char *what, struct diag *d)
{
	if (c->bad)
		return source_fail(s->src, d, E_FORMAT, DIAG_LIST, at + c->at, "the list of %s is malformed", what);
	return E_OK;
}

/* Text of a path, without what the kernel appends to one that has no name any more. */
static struct text *new_path(struct scap *s, struct view v, bool *deleted)
{
	static const char suffix[] = " (deleted)";
	size_t n = sizeof suffix - 1;

	v = text_of(v);
	if (deleted && v.len > n && !memcmp(v.p + v.len - n, suffix, n)) {
		v.len -= n;
		*deleted = true;
	}
	return v.len ? text_new(s, s->path, path_join(s->path, NULL, (const char *)v.p, v.len)) : NULL;
}

FALLIBLE list_machine(struct scap *s, struct view v, uint64_t at, struct diag *d)
{
	enum { HOSTNAME_AT = 20, HOSTNAME_BYTES = 128, MACHINE_BYTES = 180 };
	struct cursor c = { .v = v };
	struct view name;

	(void)take(&c, HOSTNAME_AT);
	name = text_of(take(&c, HOSTNAME_BYTES));
	s->boot_ns = number(&c, 8);
	if (c.bad || v.len < MACHINE_BYTES)
		return source_fail(s->src, d, E_FORMAT, DIAG_LIST, at, "the machine's block has %zu bytes", v.len);
	if (name.len >= sizeof s->info->hostname)
		name.len = sizeof s->info->hostname - 1;
	memset(s->info->hostname, 0, sizeof s->info->hostname);
	memcpy(s->info->hostname, name.p, name.len);
	return E_OK;
}

/* What a process list says of one thread. */
struct entry {
	uint64_t tid, pid, ptid, sid;
	uint32_t uid, gid, tty, loginuid;
	uint64_t vpid, pgid, vpgid;
	uint64_t exe_ino, ctime_ns, mtime_ns, caps[3];
	bool from_memfd, writable, upper, lower, caps_known;
	struct view comm, argv0, exepath, args, env, cwd, cgroups;
};

/* Behind the fields of version 9: added one after the other, two of them in the middle from libs 0.10 on. */
static void read_appended(struct cursor *c, struct entry *e)
{
	enum { BEFORE_0_10 = 4 + 1 + 3 * 8 };

	if (left(c) > BEFORE_0_10) {
		(void)take(c, 8); /* when the pid namespace began */
		e->tty = (uint32_t)number(c, 4);
	}
	if (left(c) >= 4)
		e->loginuid = (uint32_t)number(c, 4);
	if (left(c) < 1 + 3 * 8)
		return;
	e->writable = number(c, 1);
	for (int i = 0; i < 3; i++)
		e->caps[i] = number(c, 8);
	e->caps_known = true;
	if (left(c) < 1 + 8)
		return;
	e->upper = number(c, 1);
	e->exe_ino = number(c, 8);
	if (left(c) < 2 * 8 + 1)
		return;
	e->ctime_ns = number(c, 8);
	e->mtime_ns = number(c, 8);
	e->from_memfd = number(c, 1);
	if (left(c) < 1)
		return;
	e->lower = number(c, 1);
	if (left(c) >= 8)
		e->pgid = number(c, 8);
}

static void read_entry(struct cursor *c, int version, struct entry *e)
{
	*e = (struct entry){ .loginuid = UINT32_MAX };
	e->tid = number(c, 8);
	e->pid = number(c, 8);
	e->ptid = number(c, 8);
	if (version >= 6)
		e->sid = number(c, 8);
	if (version >= 8)
		e->vpgid = number(c, 8);
	e->comm = string(c);
	e->argv0 = string(c);
	if (version >= 7)
		e->exepath = string(c);
	e->args = string(c);
	e->cwd = string(c);
	(void)take(c, 8 + 4); /* limit of descriptors, flags */
	e->uid = (uint32_t)number(c, 4);
	e->gid = (uint32_t)number(c, 4);
	if (version >= 2)
		(void)take(c, 3 * 4 + 2 * 8); /* memory, page faults */
	if (version >= 3)
		e->env = string(c);
	if (version >= 4) {
		(void)take(c, 8); /* the thread's number in its namespace */
		e->vpid = number(c, 8);
		e->cgroups = string(c);
	}
	if (version >= 5)
		(void)string(c); /* root directory */
	if (version >= 9)
		read_appended(c, e);
}

/* argv[0] and the others as one sequence of NUL-terminated strings. */
struct text *list_args(struct scap *s, struct view argv0, struct view args)
{
	bool end = args.len && args.p[args.len - 1];
	size_t n = text_of(argv0).len, len = n + 1 + args.len + end;
	struct text *t;

	if (!n && !args.len)
		return NULL;
	t = text_new(s, NULL, len);
	if (!t)
		return NULL;
	if (n)
		memcpy(t->s, argv0.p, n);
	if (args.len)
		memcpy(t->s + n + 1, args.p, args.len);
	return t;
}

/*
 * The path of the first cgroup that is not the root: entries are CONTROLLER=PATH, each NUL-terminated.
 */
struct text *list_cgroup(struct scap *s, struct view v)
{
	for (size_t at = 0; at < v.len;) {
		const char *p = (const char *)v.p + at;
		size_t n = strnlen(p, v.len - at);
		const char *slash = memchr(p, '/', n);

		if (slash && slash + 1 < p + n)
			return text_new(s, slash, (size_t)(p + n - slash));
		at += n + 1;
	}
	return NULL;
}

struct text *list_env(struct scap *s, struct view v)
{
	bool end = v.len && v.p[v.len - 1];
	struct text *t = v.len ? text_new(s, NULL, v.len + end) : NULL;

	if (t)
		memcpy(t->s, v.p, v.len);
	return t;
}

static void store_process(struct scap *s, struct task *t, const struct entry *e)
{
	struct view comm = text_of(e->comm);

	t->ppid = (uint32_t)e->ptid;
	t->sid = (uint32_t)e->sid;
	t->uid = e->uid;
	t->gid = e->gid;
	t->tty = e->tty;
	t->loginuid = e->loginuid;
	t->exe_ino = e->exe_ino;
	t->exe_memfd = e->from_memfd;
	t->exe_ctime_ns = e->ctime_ns;
	t->exe_mtime_ns = e->mtime_ns;
	t->exe_flags = (e->writable ? WIRE_EXE_WRITABLE : 0u) | (e->upper ? WIRE_EXE_UPPER : 0u) |
		       (e->lower ? WIRE_EXE_LOWER : 0u);
	t->vpid = (uint32_t)e->vpid;
	t->pgid = (uint32_t)e->pgid;
	t->vpgid = (uint32_t)e->vpgid;
	t->caps_known = e->caps_known;
	memcpy(t->caps, e->caps, sizeof t->caps);
	t->listed = true;
	if (comm.len >= sizeof t->comm)
		comm.len = sizeof t->comm - 1;
	memset(t->comm, 0, sizeof t->comm);
	if (comm.len)
		memcpy(t->comm, comm.p, comm.len);
	text_set(s, &t->exe, new_path(s, e->exepath, &t->exe_deleted));
	text_set(s, &t->args, list_args(s, e->argv0, e->args));
	text_set(s, &t->env, list_env(s, e->env));
	text_set(s, &t->cwd, new_path(s, e->cwd, NULL));
	text_set(s, &t->cgroup, list_cgroup(s, e->cgroups));
}

FALLIBLE list_processes(struct scap *s, int version, struct view v, uint64_t at, struct diag *d)
{
	struct cursor c = { .v = v };

	while (left(&c) >= 4) { /* less is padding */
		struct cursor ec = entry_begin(&c, version >= 9);
		struct entry e;
		struct task *t;

		read_entry(&ec, version, &e);
		entry_end(&c, &ec, version >= 9);
		TRY(check(s, &c, at, "processes", d));
		t = task_get(s, (uint32_t)e.tid, (uint32_t)e.pid, 1);
		if (t && t->tid == t->pid)
			store_process(s, t, &e);
		if (s->full)
			return E_OK;
	}
	s->listing = true;
	return E_OK;
}

enum scap_fd_type {
	FD_FILE = 1,
	FD_DIRECTORY,
	FD_IPV4,
	FD_IPV6,
	FD_IPV4_SERVER,
	FD_IPV6_SERVER,
	FD_FIFO,
	FD_UNIX,
	FD_FILE_V2 = 16,
	FD_LAST_V1 = 21
};

static uint8_t l4proto(uint64_t scap)
{
	static const uint8_t of[] = { 0, 0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_RAW };

	return scap < countof(of) ? of[scap] : 0;
}

static void copy_addr(uint8_t to[16], struct view from)
{
	if (from.p)
		memcpy(to, from.p, from.len);
}

static void read_socket(struct cursor *c, uint64_t type, struct wire_fd *w)
{
	bool v4 = type == FD_IPV4 || type == FD_IPV4_SERVER, server = type == FD_IPV4_SERVER || type == FD_IPV6_SERVER;
	size_t n = v4 ? 4 : 16;

	w->kind = v4 ? WIRE_FD_IPV4 : WIRE_FD_IPV6;
	copy_addr(w->local_addr, take(c, n));
	if (!server)
		copy_addr(w->remote_addr, take(c, n));
	w->local_port = (uint16_t)number(c, 2);
	if (!server)
		w->remote_port = (uint16_t)number(c, 2);
	w->l4proto = l4proto(number(c, 1));
	w->flags = (uint8_t)(WIRE_FD_READ | WIRE_FD_WRITE | (w->remote_port ? WIRE_FD_CONNECTED : 0));
}

/* A pipe's direction is not in the file: 0 is read from, 1 and 2 are written to, of others nothing is claimed. */
static uint8_t usual_direction(uint64_t fd)
{
	return fd == 0 ? WIRE_FD_READ : fd <= 2 ? WIRE_FD_WRITE : 0;
}

static void read_unix(struct cursor *c, struct wire_fd *w)
{
	uint64_t source = number(c, 8), destination = number(c, 8);

	w->kind = WIRE_FD_UNIX;
	w->flags = WIRE_FD_READ | WIRE_FD_WRITE;
	w->ino = !destination ? 0 : source < destination ? source : destination;
}

static uint8_t kind_of(uint64_t type, struct view name)
{
	if (type == FD_DIRECTORY)
		return WIRE_FD_DIR;
	if (type == FD_FIFO)
		return name.len > 5 && !memcmp(name.p, "pipe:", 5) ? WIRE_FD_PIPE : WIRE_FD_FIFO;
	if (type != FD_FILE && type != FD_FILE_V2)
		return WIRE_FD_OTHER;
	if (name.len > 5 && !memcmp(name.p, "/dev/", 5) && !(name.len > 9 && !memcmp(name.p, "/dev/shm/", 9)))
		return WIRE_FD_CHAR;
	return WIRE_FD_FILE;
}

static void read_fd(struct scap *s, int version, struct cursor *c, struct task *main)
{
	enum { O_RDONLY_BIT = 1, O_WRONLY_BIT = 2, O_CLOEXEC_BIT = 1 << 12 };
	uint64_t fd = number(c, 8), ino = number(c, 8), type = number(c, 1), flags = 0;
	struct wire_fd w = { .fd = (uint32_t)fd, .ino = ino };
	struct view name = { 0 };
	bool has_path;

	if (type >= FD_IPV4 && type <= FD_IPV6_SERVER) {
		read_socket(c, type, &w);
	} else if (type == FD_UNIX) {
		read_unix(c, &w);
		name = text_of(string(c));
	} else if (type && type <= FD_LAST_V1) {
		if (type == FD_FILE_V2)
			flags = number(c, 4);
		name = text_of(string(c));
		w.kind = kind_of(type, name);
		w.flags = (uint8_t)(flags & (O_RDONLY_BIT | O_WRONLY_BIT));
		if (w.kind == WIRE_FD_PIPE || w.kind == WIRE_FD_FIFO)
			w.flags = usual_direction(fd);
		if (flags & O_CLOEXEC_BIT)
			w.flags |= WIRE_FD_CLOEXEC;
		if (type == FD_FILE_V2 && version >= 2 && left(c) >= 4)
			w.dev = number(c, 4);
	} else {
		w.kind = WIRE_FD_OTHER;
	}
	if (c->bad || fd > INT32_MAX || !main)
		return;
	has_path = w.kind == WIRE_FD_FILE || w.kind == WIRE_FD_DIR || w.kind == WIRE_FD_CHAR || w.kind == WIRE_FD_FIFO;
	fd_put(s, main, &w, has_path ? new_path(s, name, NULL) : NULL);
}

FALLIBLE list_fds(struct scap *s, int version, struct view v, uint64_t at, struct diag *d)
{
	struct cursor c = { .v = v };
	struct task *t = task_find(s, (uint32_t)number(&c, 8));

	if (t && t->tid != t->pid)
		t = NULL; /* its process has them too */
	while (left(&c) >= 4) {
		struct cursor ec = entry_begin(&c, version >= 2);

		read_fd(s, version, &ec, t);
		entry_end(&c, &ec, version >= 2);
		TRY(check(s, &c, at, "descriptors", d));
		if (s->full)
			return E_OK;
	}
	return check(s, &c, at, "descriptors", d);
}

static bool is_plain(struct view v)
{
	for (size_t i = 0; i < v.len; i++)
		if (v.p[i] < ' ' || v.p[i] == ':')
			return false;
	return v.len != 0;
}

static void put_user(struct buf *out, struct view name, uint64_t uid, uint64_t gid, struct view home, struct view shell)
{
	buf_put(out, name.p, name.len);
	buf_printf(out, ":x:%llu:%llu::", (unsigned long long)uid, (unsigned long long)gid);
	buf_put(out, home.len ? (const char *)home.p : "", home.len);
	buf_putc(out, ':');
	buf_put(out, shell.len ? (const char *)shell.p : "", shell.len);
	buf_putc(out, '\n');
}

FALLIBLE list_users(struct scap *s, int version, struct view v, uint64_t at, struct diag *d)
{
	struct cursor c = { .v = v };

	while (left(&c) >= 4) {
		struct cursor ec = entry_begin(&c, version >= 2);
		uint64_t is_group = number(&ec, 1), uid = number(&ec, 4), gid = is_group ? 0 : number(&ec, 4);
		struct view name = text_of(string(&ec));

		struct view home = is_group ? view_of(NULL, 0) : text_of(string(&ec)),
			    shell = is_group ? view_of(NULL, 0) : text_of(string(&ec));

		entry_end(&c, &ec, version >= 2);
		TRY(check(s, &c, at, "users", d));
		if (!is_plain(name))
			continue;
		if (is_group)
			buf_printf(&s->groups, "%.*s:x:%llu:\n", (int)name.len, (const char *)name.p,
				   (unsigned long long)uid);
		else
			put_user(&s->users, name, uid, gid, is_plain(home) ? home : view_of(NULL, 0),
				 is_plain(shell) ? shell : view_of(NULL, 0));
	}
	return E_OK;
}

/* How many ancestors are known, at most a few hundred: who is deeper is told in any order. */
static uint32_t depth_of(struct scap *s, const struct task *t)
{
	enum { DEEPEST = 255 };
	uint32_t n = 0;

	while (n < DEEPEST && t->ppid && t->ppid != t->pid) {
		t = task_find(s, t->ppid);
		if (!t || t->pid != t->tid)
			break;
		n++;
	}
	return n;
}

static int by_age(const void *pa, const void *pb)
{
	const struct task *a = *(struct task *const *)pa, *b = *(struct task *const *)pb;

	if (a->start_ns != b->start_ns)
		return a->start_ns < b->start_ns ? -1 : 1;
	return a->pid < b->pid ? -1 : a->pid > b->pid;
}

/*
 * When a listed process started is not in the file. All count as started when the machine did, later by a nanosecond
 * for each ancestor: older processes are told first, and who is whose child can be seen.
 */
FALLIBLE list_order(struct scap *s)
{
	free(s->order);
	s->order = calloc(s->n_tasks + 1, sizeof *s->order);
	s->n_order = s->next_order = 0;
	s->listing = false;
	if (!s->order)
		return E_NOMEM;
	LIST_FOR (l, &s->tasks) {
		struct task *t = CONTAINER_OF(l, struct task, all), *parent = t->ppid ? task_find(s, t->ppid) : NULL;

		if (!t->listed)
			continue;
		if (parent)
			t->ppid = parent->pid; /* it was the thread that forked */
		s->order[s->n_order++] = t;
	}
	for (uint32_t i = 0; i < s->n_order; i++)
		s->order[i]->start_ns = s->boot_ns + 1 + depth_of(s, s->order[i]);
	for (uint32_t i = 0; i < s->n_order; i++)
		s->order[i]->listed = false;
	qsort(s->order, s->n_order, sizeof *s->order, by_age);
	return E_OK;
}
