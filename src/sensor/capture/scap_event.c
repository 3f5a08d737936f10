/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scap_event: events to what they change and the record that they make.
 *
 * One event makes at most one record. Older captures have the arguments of a call in the event of its entry, newer ones
 * all of them in that of its exit: the last entry of each thread is kept for the former. Numbers and parameters:
 * falcosecurity/libs, driver/ppm_events_public.h and driver/event_table.c; a type's parameters were only ever appended.
 */
#include "sensor/capture/scap.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum type {
	OPEN_X = 3,
	CLOSE_X = 5,
	EXECVE_8_X = 13,
	CLONE_11_X = 15,
	PROCEXIT_E = 16,
	SOCKET_X = 19,
	CONNECT_X = 23,
	ACCEPT_X = 27,
	SOCKETPAIR_X = 43,
	ACCEPT4_X = 57,
	CREAT_X = 59,
	PIPE_X = 61,
	CHDIR_X = 95,
	FCHDIR_X = 97,
	OPENAT_X = 103,
	DUP_X = 125,
	FCNTL_X = 151,
	EXECVE_13_X = 155,
	CLONE_16_X = 157,
	EXECVE_14_X = 173,
	FORK_X = 183,
	VFORK_X = 185,
	PROCEXIT_1_E = 186,
	SETRESUID_X = 193,
	SETRESGID_X = 195,
	SETUID_X = 199,
	SETGID_X = 201,
	EXECVE_15_X = 215,
	CLONE_17_X = 217,
	FORK_17_X = 219,
	VFORK_17_X = 221,
	CLONE_20_X = 223,
	FORK_20_X = 225,
	VFORK_20_X = 227,
	EXECVE_16_X = 231,
	ACCEPT_5_X = 247,
	ACCEPT4_5_X = 249,
	SETSID_X = 275,
	EXECVE_17_X = 283,
	EXECVE_18_X = 289,
	EXECVE_19_X = 293,
	OPENAT_2_X = 307,
	OPENAT2_X = 327,
	EXECVEAT_X = 331,
	CLONE3_X = 335,
	DUP2_X = 363,
	DUP3_X = 365,
	DUP_1_X = 367,
	ACCEPT4_6_X = 389,
	PIPE2_X = 393,
	MEMFD_CREATE_X = 405,
};

/* x86-64, as a record's syscall says it. */
enum {
	NR_OPEN = 2,
	NR_CONNECT = 42,
	NR_EXECVE = 59,
	NR_CREAT = 85,
	NR_OPENAT = 257,
	NR_MEMFD_CREATE = 319,
	NR_EXECVEAT = 322,
	NR_OPENAT2 = 437
};

/* Where in its parameters an open has what; -1: nowhere. */
struct open_layout {
	int8_t dirfd, name, flags, mode, dev, ino;
	uint16_t syscall;
};

struct row {
	uint16_t type;
	uint8_t params; /* most that this type ever had */
	enum event_result (*apply)(struct scap *s, struct task *t, const struct sevent *e);
};

/* parameters */

/* The number in parameter i, whatever its size; 0 when it is not there. */
static int64_t num(const struct sevent *e, uint32_t i)
{
	struct view v = i < e->n ? e->param[i] : view_of(NULL, 0);
	uint16_t u16;
	int32_t i32;
	int64_t i64 = 0;

	switch (v.len) {
	case 1:
		return v.p[0];
	case 2:
		memcpy(&u16, v.p, 2);
		return u16;
	case 4:
		memcpy(&i32, v.p, 4);
		return i32;
	case 8:
		memcpy(&i64, v.p, 8);
		return i64;
	default:
		return 0;
	}
}

static uint64_t unum32(const struct sevent *e, uint32_t i)
{
	return (uint32_t)num(e, i);
}

static struct view bytes(const struct sevent *e, uint32_t i)
{
	return i < e->n ? e->param[i] : view_of(NULL, 0);
}

/* A string without its NUL. */
static struct view str(const struct sevent *e, uint32_t i)
{
	struct view v = bytes(e, i);

	v.len = v.len ? strnlen((const char *)v.p, v.len) : 0;
	return v;
}

/* The number in the exit's parameter or, in older captures, in the entry's. -1: in neither. */
static int64_t num_of_call(const struct sevent *e, uint32_t at_exit, const struct task *t, uint32_t at_enter)
{
	if (at_exit < e->n)
		return num(e, at_exit);
	return t->enter.type ? t->enter.num[at_enter] : -1;
}

/* PPM_O_*, and what it is to Linux. */
static uint64_t open_flags(uint64_t f)
{
	static const struct {
		uint32_t ppm, flag;
	} table[] = {
		{ 1 << 2, O_CREAT },      { 1 << 3, O_APPEND }, { 1 << 4, O_DSYNC },    { 1 << 5, O_EXCL },
		{ 1 << 6, O_NONBLOCK },   { 1 << 7, O_SYNC },   { 1 << 8, O_TRUNC },    { 1 << 9, O_DIRECT },
		{ 1 << 10, O_DIRECTORY }, { 1 << 11, 0100000 }, { 1 << 12, O_CLOEXEC }, { 1 << 13, O_TMPFILE },
	};
	uint64_t out = (f & 3) == 3 ? O_RDWR : (f & 2) ? O_WRONLY : O_RDONLY;

	for (size_t i = 0; i < countof(table); i++)
		if (f & table[i].ppm)
			out |= table[i].flag;
	return out;
}

enum { PPM_F_CREATED = 1 << 14, PPM_AT_FDCWD = -100 };

static const struct text *base_of(const struct task *main, int64_t dirfd)
{
	const struct sfd *f;

	if (dirfd == PPM_AT_FDCWD)
		return main->cwd;
	f = dirfd < 0 ? NULL : fd_find(main, (uint64_t)dirfd);
	return f ? f->path : NULL;
}

/* processes */

static void set_comm(struct task *t, struct view v)
{
	if (!v.len)
		return;
	memset(t->comm, 0, sizeof t->comm);
	memcpy(t->comm, v.p, v.len < sizeof t->comm - 1 ? v.len : sizeof t->comm - 1);
}

static void set_path(struct scap *s, struct text **at, const struct text *base, struct view v)
{
	size_t n = path_join(s->path, base, (const char *)v.p, v.len);

	text_set(s, at, text_new(s, s->path, n));
}

/* What follows page faults and memory: its place depends on the type's age. */
struct exec_layout {
	int8_t comm, cgroups, tty, loginuid, flags, ino, uid, trusted, gid, filename;
};

static struct exec_layout exec_layout(uint16_t type)
{
	struct exec_layout l = { -1, -1, -1, -1, -1, -1, -1, -1, -1, -1 };

	if (type != EXECVE_8_X && type != EXECVE_13_X && type != EXECVE_14_X)
		l.comm = 13;
	if (l.comm < 0 || type == EXECVE_15_X)
		return l;
	l.cgroups = 14;
	if (type != EXECVE_16_X)
		l.tty = 16;
	if (type == EXECVE_19_X || type == EXECVEAT_X)
		l = (struct exec_layout){ 13, 14, 16, 18, 19, 23, 26, 27, 29, 30 };
	return l;
}

static bool has(const struct sevent *e, int at)
{
	return at >= 0 && (uint32_t)at < e->n && e->param[at].len;
}

/* The path that the kernel told, or what the caller named where it did not. */
static void set_exe(struct scap *s, struct task *main, const struct task *t, const struct sevent *e,
		    struct exec_layout l)
{
	enum { EXE_FROM_MEMFD = 1 << 2 };
	static const char deleted[] = " (deleted)";
	struct view v = has(e, l.trusted) ? str(e, (uint32_t)l.trusted) : view_of(NULL, 0);
	size_t n = sizeof deleted - 1;

	main->exe_memfd = has(e, l.flags) && num(e, (uint32_t)l.flags) & EXE_FROM_MEMFD;
	main->exe_deleted = v.len > n && !memcmp(v.p + v.len - n, deleted, n);
	main->exe_ino = has(e, l.ino) ? (uint64_t)num(e, (uint32_t)l.ino) : 0;
	if (main->exe_deleted)
		v.len -= n;
	if (v.len) {
		set_path(s, &main->exe, NULL, v);
	} else if (has(e, l.filename)) {
		set_path(s, &main->exe, main->cwd, str(e, (uint32_t)l.filename));
	} else if (t->enter.name) {
		const struct text *base = base_of(main, e->type == EXECVEAT_X ? t->enter.num[0] : PPM_AT_FDCWD);

		set_path(s, &main->exe, base, view_of(t->enter.name->s, t->enter.name->len));
	} else {
		text_set(s, &main->exe, NULL);
	}
}

static enum event_result on_exec(struct scap *s, struct task *t, const struct sevent *e)
{
	struct exec_layout l = exec_layout(e->type);
	struct task *main;
	struct text *filename;

	if (num(e, 0))
		return EVENT_SKIPPED;
	main = task_main(s, t, e->ts);
	if (!main)
		return EVENT_SKIPPED;
	if (!main->ppid && num(e, 5) > 0) {
		const struct task *parent = task_find(s, (uint32_t)num(e, 5));

		main->ppid = parent ? parent->pid : (uint32_t)num(e, 5);
	}
	if (str(e, 6).len)
		set_path(s, &main->cwd, NULL, str(e, 6));
	if (has(e, l.comm))
		set_comm(main, str(e, (uint32_t)l.comm));
	else
		set_comm(main, str(e, 1));
	if (has(e, l.cgroups))
		text_set(s, &main->cgroup, list_cgroup(s, bytes(e, (uint32_t)l.cgroups)));
	if (has(e, l.tty))
		main->tty = (uint32_t)num(e, (uint32_t)l.tty);
	if (has(e, l.loginuid))
		main->loginuid = (uint32_t)num(e, (uint32_t)l.loginuid);
	if (has(e, l.uid))
		main->uid = (uint32_t)num(e, (uint32_t)l.uid);
	if (has(e, l.gid))
		main->gid = (uint32_t)num(e, (uint32_t)l.gid);
	text_set(s, &main->args, list_args(s, bytes(e, 1), bytes(e, 2)));
	set_exe(s, main, t, e, l);
	fd_drop_cloexec(s, main);
	filename = has(e, l.filename)
			   ? text_new(s, (const char *)str(e, (uint32_t)l.filename).p, str(e, (uint32_t)l.filename).len)
			   : text_ref(t->enter.name);
	build_exec(s, WIRE_EXEC, main, main, e->ts, filename);
	s->rec.hdr.syscall = e->type == EXECVEAT_X ? NR_EXECVEAT : NR_EXECVE;
	text_drop(s, filename);
	return EVENT_RECORD;
}

struct clone_layout {
	uint32_t comm, cgroups, flags, uid, gid, vtid; /* UINT32_MAX: not there */
};

static struct clone_layout clone_layout(uint16_t type)
{
	const uint32_t none = UINT32_MAX;

	switch (type) {
	case CLONE_11_X:
		return (struct clone_layout){ none, none, 8, 9, 10, none };
	case CLONE_16_X:
	case FORK_X:
	case VFORK_X:
		return (struct clone_layout){ none, none, 13, 14, 15, none };
	case CLONE_17_X:
	case FORK_17_X:
	case VFORK_17_X:
		return (struct clone_layout){ 13, none, 14, 15, 16, none };
	default:
		return (struct clone_layout){ 13, 14, 15, 16, 17, 18 };
	}
}

/*
 * A new process, of which parent and child both tell, in any order. side: who tells now. False: the other one has told
 * already.
 */
static bool fork_is_news(struct scap *s, uint32_t child, uint8_t side)
{
	struct task *t = task_find(s, child), *main = NULL;

	if (!t)
		return true;
	if (t->fork_told && !(t->fork_told & side)) {
		t->fork_told |= side;
		return false;
	}
	/* its end was not seen, and the number was given again */
	if (task_exit(s, t, &main))
		task_remove(s, main);
	else if ((t = task_find(s, child)))
		task_remove(s, t);
	return true;
}

static enum event_result make_process(struct scap *s, struct task *parent_thread, uint32_t child, uint8_t side,
				      const struct sevent *e)
{
	uint32_t parent_tid = parent_thread->tid;
	struct task *parent, *t;

	if (child == parent_tid || child == parent_thread->pid || !fork_is_news(s, child, side))
		return EVENT_MERGED;
	parent = task_get(s, parent_tid, 0,
			  e->ts); /* again: it may have gone with the one that had the child's number */
	parent = parent ? task_main(s, parent, e->ts) : NULL;
	t = parent ? task_get(s, child, child, e->ts) : NULL;
	if (!t)
		return EVENT_SKIPPED;
	t->fork_told = side;
	t->start_ns = e->ts;
	task_inherit(s, t, parent);
	if (s->full)
		return EVENT_SKIPPED;
	build_begin(s, WIRE_FORK, sizeof s->rec.fork, parent, parent, e->ts);
	s->rec.hdr.tid = parent_tid;
	s->rec.fork.child_start_ns = t->start_ns;
	s->rec.fork.child_pid = child;
	s->rec.fork.sid = parent->sid;
	return EVENT_RECORD;
}

/* What the child's own event says of it. */
static void update_child(struct scap *s, struct task *t, const struct sevent *e, struct clone_layout l)
{
	if (l.comm < e->n)
		set_comm(t, str(e, l.comm));
	if (l.cgroups < e->n)
		text_set(s, &t->cgroup, list_cgroup(s, bytes(e, l.cgroups)));
	if (l.uid < e->n)
		t->uid = (uint32_t)num(e, l.uid);
	if (l.gid < e->n)
		t->gid = (uint32_t)num(e, l.gid);
	if (str(e, 6).len)
		set_path(s, &t->cwd, NULL, str(e, 6));
}

static enum event_result child_told(struct scap *s, const struct sevent *e, struct clone_layout l)
{
	uint32_t tid = (uint32_t)num(e, 3), pid = (uint32_t)num(e, 4), ptid = (uint32_t)num(e, 5);
	struct task *parent, *t;
	enum event_result r;

	if (tid != pid) {
		(void)task_get(s, tid, pid, e->ts);
		return EVENT_MERGED;
	}
	parent = task_get(s, ptid ? ptid : 1, 0, e->ts);
	if (!parent || !tid)
		return EVENT_SKIPPED;
	r = make_process(s, parent, tid, FORK_CHILD_TOLD, e);
	t = task_find(s, tid);
	if (t)
		update_child(s, t, e, l);
	return r;
}

static enum event_result on_clone(struct scap *s, struct task *t, const struct sevent *e)
{
	enum { CLONE_THREAD_BIT = 1 << 13 };
	struct clone_layout l = clone_layout(e->type);
	int64_t child = num(e, 0);

	if (child < 0)
		return EVENT_SKIPPED;
	if (!child)
		return child_told(s, e, l);
	/* in a pid namespace the child is called something else than on the host: its own event tells */
	if (l.vtid < e->n && num(e, l.vtid) != num(e, 3))
		return EVENT_MERGED;
	if (l.flags < e->n && num(e, l.flags) & CLONE_THREAD_BIT) {
		(void)task_get(s, (uint32_t)child, t->pid, e->ts);
		return EVENT_MERGED;
	}
	return make_process(s, t, (uint32_t)child, FORK_PARENT_TOLD, e);
}

static enum event_result on_procexit(struct scap *s, struct task *t, const struct sevent *e)
{
	struct task *main = NULL;

	if (!task_exit(s, t, &main))
		return EVENT_MERGED;
	build_begin(s, WIRE_EXIT, sizeof s->rec.exit, main, main, e->ts);
	s->rec.exit.fields.status = unum32(e, 0);
	task_remove(s, main);
	return EVENT_RECORD;
}

/* SET*UID, SET*GID: which parameter counts is the caller's. */
static enum event_result set_id(uint32_t *at, const struct task *t, const struct sevent *e, uint32_t i)
{
	int64_t id = num_of_call(e, i, t, i - 1);

	if (!num(e, 0) && (uint32_t)id != UINT32_MAX)
		*at = (uint32_t)id;
	return EVENT_MERGED;
}

static enum event_result on_setid(struct scap *s, struct task *t, const struct sevent *e)
{
	struct task *main = task_main(s, t, e->ts);
	bool effective = e->type == SETRESUID_X || e->type == SETRESGID_X;

	if (!main || (e->n < 2 && !t->enter.type))
		return EVENT_MERGED;
	return set_id(e->type == SETUID_X || e->type == SETRESUID_X ? &main->uid : &main->gid, t, e, effective ? 2 : 1);
}

static enum event_result on_setsid(struct scap *s, struct task *t, const struct sevent *e)
{
	struct task *main = task_main(s, t, e->ts);

	if (main && num(e, 0) > 0)
		main->sid = main->pid; /* the number is that of the caller's namespace */
	return EVENT_MERGED;
}

static enum event_result set_cwd(struct scap *s, struct task *main, struct task *t, const struct sevent *e,
				 const struct text *base, struct view path)
{
	set_path(s, &main->cwd, base, path);
	if (!main->cwd)
		return EVENT_SKIPPED;
	build_begin(s, WIRE_CHDIR, sizeof s->rec.chdir, main, t, e->ts);
	build_path(s, &s->rec.chdir.path, main->cwd->s, main->cwd->len);
	return EVENT_RECORD;
}

static enum event_result on_chdir(struct scap *s, struct task *t, const struct sevent *e)
{
	struct task *main = task_main(s, t, e->ts);

	if (!main || num(e, 0))
		return EVENT_SKIPPED;
	return set_cwd(s, main, t, e, main->cwd, str(e, 1));
}

static enum event_result on_fchdir(struct scap *s, struct task *t, const struct sevent *e)
{
	struct task *main = task_main(s, t, e->ts);
	const struct sfd *f;

	if (!main || num(e, 0))
		return EVENT_SKIPPED;
	f = fd_find(main, (uint64_t)num_of_call(e, 1, t, 0));
	return set_cwd(s, main, t, e, f ? f->path : NULL, view_of(".", 1));
}

/* files */

static struct open_layout open_layout(uint16_t type)
{
	switch (type) {
	case OPEN_X:
		return (struct open_layout){ -1, 1, 2, 3, 4, 5, NR_OPEN };
	case CREAT_X:
		return (struct open_layout){ -1, 1, -1, 2, 3, 4, NR_CREAT };
	case OPENAT2_X:
		return (struct open_layout){ 1, 2, 3, 4, 6, 7, NR_OPENAT2 };
	default:
		return (struct open_layout){ 1, 2, 3, 4, 5, 6, NR_OPENAT };
	}
}

static void fill_open(struct scap *s, const struct wire_fd *w, uint64_t flags, uint64_t mode, bool created)
{
	struct wire_open *o = &s->rec.open;

	o->file = *w;
	o->fields.num = w->fd;
	o->fields.ino = w->ino;
	o->fields.dev = w->dev;
	o->fields.nlink = 1;
	o->fields.flags = flags;
	o->fields.mode = flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)) ? mode : 0;
	o->created = created;
}

static struct wire_fd opened(uint64_t fd, uint64_t flags, const char *path, size_t len)
{
	bool dev = len > 5 && !memcmp(path, "/dev/", 5) && !(len > 9 && !memcmp(path, "/dev/shm/", 9));
	uint64_t mode = flags & O_ACCMODE;

	return (struct wire_fd){
		.fd = (uint32_t)fd,
		.kind = flags & O_DIRECTORY && (flags & O_TMPFILE) != O_TMPFILE ? WIRE_FD_DIR
			: dev                                                   ? WIRE_FD_CHAR
										: WIRE_FD_FILE,
		.flags = (uint8_t)((mode != O_WRONLY ? WIRE_FD_READ : 0) | (mode != O_RDONLY ? WIRE_FD_WRITE : 0) |
				   (flags & O_CLOEXEC ? WIRE_FD_CLOEXEC : 0)),
	};
}

static enum event_result on_open(struct scap *s, struct task *t, const struct sevent *e)
{
	struct open_layout l = open_layout(e->type);
	struct task *main = task_main(s, t, e->ts);
	bool old = e->type == OPENAT_X; /* all but the result is in its entry */
	struct view name = old ? view_of(t->enter.name ? t->enter.name->s : "", t->enter.name ? t->enter.name->len : 0)
			       : str(e, (uint32_t)l.name);
	uint64_t ppm = old           ? (uint64_t)t->enter.num[2]
		       : l.flags < 0 ? 0
				     : unum32(e, (uint32_t)l.flags),
		 flags = open_flags(ppm);
	uint64_t mode = old ? (uint64_t)t->enter.num[3] : unum32(e, (uint32_t)l.mode);
	int64_t fd = num(e, 0), dirfd = old ? t->enter.num[0] : l.dirfd < 0 ? PPM_AT_FDCWD : num(e, (uint32_t)l.dirfd);
	struct wire_fd w;
	size_t len;

	if (!main || fd < 0 || fd > INT32_MAX || (old && !t->enter.type))
		return EVENT_SKIPPED;
	if (e->type == CREAT_X)
		flags = O_CREAT | O_WRONLY | O_TRUNC;
	len = name.len ? path_join(s->path2, base_of(main, dirfd), (const char *)name.p, name.len) : 0;
	w = opened((uint64_t)fd, flags, s->path2, len);
	if (!old) {
		w.dev = unum32(e, (uint32_t)l.dev);
		w.ino = (uint64_t)num(e, (uint32_t)l.ino);
	}
	fd_put(s, main, &w, len ? text_new(s, s->path2, len) : NULL);
	build_begin(s, WIRE_OPEN, sizeof s->rec.open, main, t, e->ts);
	s->rec.hdr.ret = fd;
	s->rec.hdr.syscall = l.syscall;
	fill_open(s, &w, flags, mode, ppm & PPM_F_CREATED);
	build_path(s, &s->rec.open.path, len ? s->path2 : NULL, len);
	return EVENT_RECORD;
}

static enum event_result on_memfd(struct scap *s, struct task *t, const struct sevent *e)
{
	struct task *main = task_main(s, t, e->ts);
	struct view name = str(e, 1);
	int64_t fd = num(e, 0);
	struct wire_fd w;
	int n;

	if (!main || fd < 0 || fd > INT32_MAX)
		return EVENT_SKIPPED;
	w = (struct wire_fd){ .fd = (uint32_t)fd, .kind = WIRE_FD_FILE, .flags = WIRE_FD_READ | WIRE_FD_WRITE };
	if (num(e, 2) & 1)
		w.flags |= WIRE_FD_CLOEXEC;
	fd_put(s, main, &w, NULL);
	build_begin(s, WIRE_MEMFD, sizeof s->rec.memfd, main, t, e->ts);
	s->rec.hdr.ret = fd;
	s->rec.hdr.syscall = NR_MEMFD_CREATE;
	s->rec.memfd.fields.num = (uint64_t)fd;
	s->rec.memfd.fields.flags = unum32(e, 2);
	n = snprintf(s->path2, sizeof s->path2, "memfd:%.*s", (int)(name.len < 256 ? name.len : 256),
		     name.len ? (const char *)name.p : "");
	build_text(s, &s->rec.memfd.name, s->path2, (size_t)n, WIRE_PATH_BYTES);
	return EVENT_RECORD;
}

/* descriptors */

static bool is_channel(const struct wire_fd *w)
{
	return w->kind >= WIRE_FD_PIPE && w->kind <= WIRE_FD_IPV6;
}

static enum event_result fds_record(struct scap *s, const struct task *main, const struct task *t,
				    const struct sevent *e, enum wire_fds_op op, const struct wire_fd *fds, uint32_t n)
{
	build_begin(s, WIRE_FDS, sizeof s->rec.fds, main, t, e->ts);
	s->rec.fds.op = op;
	s->rec.fds.n_fds = n;
	memcpy(s->rec.fds.fds, fds, n * sizeof *fds);
	return EVENT_RECORD;
}

static enum event_result on_pair(struct scap *s, struct task *t, const struct sevent *e)
{
	struct task *main = task_main(s, t, e->ts);
	bool pipe = e->type != SOCKETPAIR_X;
	uint64_t a = (uint64_t)num(e, 3), b = (uint64_t)num(e, 4);
	uint64_t ino = pipe ? a : a < b ? a : b;
	uint8_t both = WIRE_FD_READ | WIRE_FD_WRITE,
		cloexec = e->type == PIPE2_X && unum32(e, 4) & 1 << 12 ? WIRE_FD_CLOEXEC : 0;
	struct wire_fd fds[2];

	if (!main || num(e, 0) || num(e, 1) < 0 || num(e, 1) > INT32_MAX || num(e, 2) < 0 || num(e, 2) > INT32_MAX)
		return EVENT_SKIPPED;
	for (uint32_t i = 0; i < 2; i++) {
		fds[i] = (struct wire_fd){ .fd = (uint32_t)num(e, 1 + i),
					   .kind = pipe ? WIRE_FD_PIPE : WIRE_FD_UNIX,
					   .ino = ino };
		fds[i].flags = (uint8_t)((pipe ? (i ? WIRE_FD_WRITE : WIRE_FD_READ) : both) | cloexec);
		fd_put(s, main, &fds[i], NULL);
	}
	return fds_record(s, main, t, e, WIRE_FDS_OPEN, fds, 2);
}

static enum event_result on_dup(struct scap *s, struct task *t, const struct sevent *e)
{
	enum { CMD_DUPFD = 1, CMD_DUPFD_CLOEXEC = 26, DUP3_CLOEXEC = 1 << 12 };
	struct task *main = task_main(s, t, e->ts);
	int64_t to = num(e, 0), from = num_of_call(e, 1, t, 0),
		cmd = e->type == FCNTL_X ? num_of_call(e, 2, t, 1) : CMD_DUPFD;
	const struct sfd *f, *was;
	struct wire_fd w;
	bool tell;

	if (!main || to < 0 || to > INT32_MAX || from < 0 || to == from ||
	    (cmd != CMD_DUPFD && cmd != CMD_DUPFD_CLOEXEC))
		return EVENT_MERGED;
	was = fd_find(main, (uint64_t)to);
	tell = was && is_channel(&was->w);
	f = fd_find(main, (uint64_t)from);
	w = f ? f->w : (struct wire_fd){ .kind = WIRE_FD_OTHER };
	w.fd = (uint32_t)to;
	w.flags &= (uint8_t)~WIRE_FD_CLOEXEC;
	if (cmd == CMD_DUPFD_CLOEXEC || (e->type == DUP3_X && unum32(e, 3) & DUP3_CLOEXEC))
		w.flags |= WIRE_FD_CLOEXEC;
	fd_put(s, main, &w, f ? text_ref(f->path) : NULL);
	if (!tell && !is_channel(&w))
		return EVENT_MERGED;
	return fds_record(s, main, t, e, WIRE_FDS_DUP, &w, 1);
}

static enum event_result on_close(struct scap *s, struct task *t, const struct sevent *e)
{
	struct task *main = task_main(s, t, e->ts);
	int64_t fd = num_of_call(e, 1, t, 0);
	struct sfd *f = main && fd >= 0 ? fd_find(main, (uint64_t)fd) : NULL;
	struct wire_fd gone;
	bool tell;

	if (!f || num(e, 0))
		return EVENT_MERGED;
	gone = (struct wire_fd){ .fd = f->w.fd };
	tell = is_channel(&f->w);
	fd_drop(s, main, (uint64_t)fd);
	return tell ? fds_record(s, main, t, e, WIRE_FDS_CLOSE, &gone, 1) : EVENT_MERGED;
}

/* sockets */

static enum event_result on_socket(struct scap *s, struct task *t, const struct sevent *e)
{
	struct task *main = task_main(s, t, e->ts);
	int64_t fd = num(e, 0), domain = num_of_call(e, 1, t, 0), type = num_of_call(e, 2, t, 1),
		proto = num_of_call(e, 3, t, 2);
	static const uint8_t of_type[] = { 0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_RAW };
	struct wire_fd w = { .flags = WIRE_FD_READ | WIRE_FD_WRITE };

	if (!main || fd < 0 || fd > INT32_MAX)
		return EVENT_MERGED;
	w.fd = (uint32_t)fd;
	w.kind = domain == AF_INET    ? WIRE_FD_IPV4
		 : domain == AF_INET6 ? WIRE_FD_IPV6
		 : domain == AF_UNIX  ? WIRE_FD_UNIX
				      : WIRE_FD_OTHER;
	if (w.kind == WIRE_FD_IPV4 || w.kind == WIRE_FD_IPV6)
		w.l4proto = proto > 0 && proto < 256       ? (uint8_t)proto
			    : (type & 0xf) < 4 && type > 0 ? of_type[type & 0xf]
							   : 0;
	if (type > 0 && type & SOCK_CLOEXEC)
		w.flags |= WIRE_FD_CLOEXEC;
	fd_put(s, main, &w, NULL);
	return EVENT_MERGED;
}

/* A pair of addresses (PT_SOCKTUPLE) into w; what comes first is local unless inbound. False: it is none. *path: of a
 * unix socket. */
static bool read_tuple(struct view v, bool inbound, struct wire_fd *w, struct view *path)
{
	uint8_t *first = inbound ? w->remote_addr : w->local_addr, *second = inbound ? w->local_addr : w->remote_addr;
	uint16_t *first_port = inbound ? &w->remote_port : &w->local_port,
		 *second_port = inbound ? &w->local_port : &w->remote_port;
	uint8_t family = 0;
	uint64_t source, peer;
	size_t n;

	*path = view_of(NULL, 0);
	if (VIEW_READ(v, 0, &family) != E_OK)
		return false;
	n = family == AF_INET ? 4 : 16;
	if (family == AF_UNIX) {
		if (VIEW_READ(v, 1, &source) != E_OK || VIEW_READ(v, 9, &peer) != E_OK)
			return false;
		w->kind = WIRE_FD_UNIX;
		w->ino = source < peer ? source : peer;
		return view_sub(v, 17, v.len - 17, path);
	}
	if ((family != AF_INET && family != AF_INET6) || v.len < 1 + 2 * (n + 2))
		return false;
	w->kind = family == AF_INET ? WIRE_FD_IPV4 : WIRE_FD_IPV6;
	memcpy(first, v.p + 1, n);
	memcpy(first_port, v.p + 1 + n, 2);
	memcpy(second, v.p + 3 + n, n);
	memcpy(second_port, v.p + 3 + 2 * n, 2);
	if (w->remote_port)
		w->flags |= WIRE_FD_CONNECTED;
	return true;
}

static void put_unix_path(struct scap *s, struct view path)
{
	enum { SUN_PATH_BYTES = 108 };
	size_t n = path.len ? strnlen((const char *)path.p, path.len) : 0;

	build_text(s, &s->rec.connect.path, (const char *)path.p, n, SUN_PATH_BYTES);
	if (n && path.p[0] == '@') /* an abstract name */
		s->rec.bytes[s->rec_len - s->rec.connect.path.len] = 0;
}

static enum event_result on_connect(struct scap *s, struct task *t, const struct sevent *e)
{
	struct task *main = task_main(s, t, e->ts);
	int64_t fd = num_of_call(e, 2, t, 0), ret = num(e, 0);
	const struct sfd *f;
	struct wire_fd w;
	struct view path;

	if (!main || fd < 0 || fd > INT32_MAX || (ret && ret != -EINPROGRESS))
		return EVENT_SKIPPED;
	f = fd_find(main, (uint64_t)fd);
	w = f ? f->w : (struct wire_fd){ .flags = WIRE_FD_READ | WIRE_FD_WRITE };
	w.fd = (uint32_t)fd;
	if (!read_tuple(bytes(e, 1), false, &w, &path))
		return EVENT_SKIPPED;
	fd_put(s, main, &w, NULL);
	build_begin(s, WIRE_CONNECT, sizeof s->rec.connect, main, t, e->ts);
	s->rec.hdr.ret = ret;
	s->rec.hdr.syscall = NR_CONNECT;
	s->rec.connect.fields.num = (uint64_t)fd;
	s->rec.connect.sock = w;
	put_unix_path(s, path);
	return EVENT_RECORD;
}

static enum event_result on_accept(struct scap *s, struct task *t, const struct sevent *e)
{
	struct task *main = task_main(s, t, e->ts);
	int64_t fd = num(e, 0);
	struct wire_fd w = { .flags = WIRE_FD_READ | WIRE_FD_WRITE, .l4proto = IPPROTO_TCP };
	struct view path;

	if (!main || fd < 0 || fd > INT32_MAX || !read_tuple(bytes(e, 1), true, &w, &path))
		return EVENT_SKIPPED;
	w.fd = (uint32_t)fd;
	if (w.kind == WIRE_FD_UNIX)
		w.l4proto = 0;
	fd_put(s, main, &w, NULL);
	return fds_record(s, main, t, e, WIRE_FDS_OPEN, &w, 1);
}

/* dispatch */

// clang-format off
static const struct row rows[] = {
	{ OPEN_X, 6, on_open }, { CLOSE_X, 2, on_close },
	{ EXECVE_8_X, 8, on_exec }, { CLONE_11_X, 11, on_clone }, { PROCEXIT_E, 0, on_procexit },
	{ SOCKET_X, 5, on_socket }, { CONNECT_X, 4, on_connect }, { ACCEPT_X, 3, on_accept },
	{ SOCKETPAIR_X, 8, on_pair }, { ACCEPT4_X, 3, on_accept }, { CREAT_X, 6, on_open }, { PIPE_X, 4, on_pair },
	{ CHDIR_X, 2, on_chdir }, { FCHDIR_X, 2, on_fchdir }, { OPENAT_X, 1, on_open }, { DUP_X, 1, on_dup },
	{ FCNTL_X, 4, on_dup }, { EXECVE_13_X, 13, on_exec }, { CLONE_16_X, 16, on_clone },
	{ EXECVE_14_X, 14, on_exec }, { FORK_X, 16, on_clone }, { VFORK_X, 16, on_clone },
	{ PROCEXIT_1_E, 5, on_procexit },
	{ SETRESUID_X, 4, on_setid }, { SETRESGID_X, 4, on_setid }, { SETUID_X, 2, on_setid }, { SETGID_X, 2, on_setid },
	{ EXECVE_15_X, 15, on_exec }, { CLONE_17_X, 17, on_clone }, { FORK_17_X, 17, on_clone }, { VFORK_17_X, 17, on_clone },
	{ CLONE_20_X, 21, on_clone }, { FORK_20_X, 21, on_clone }, { VFORK_20_X, 21, on_clone },
	{ EXECVE_16_X, 16, on_exec }, { ACCEPT_5_X, 5, on_accept }, { ACCEPT4_5_X, 5, on_accept }, { SETSID_X, 1, on_setsid },
	{ EXECVE_17_X, 17, on_exec }, { EXECVE_18_X, 17, on_exec }, { EXECVE_19_X, 31, on_exec },
	{ OPENAT_2_X, 7, on_open }, { OPENAT2_X, 8, on_open }, { EXECVEAT_X, 30, on_exec }, { CLONE3_X, 21, on_clone },
	{ DUP2_X, 3, on_dup }, { DUP3_X, 4, on_dup }, { DUP_1_X, 2, on_dup }, { ACCEPT4_6_X, 6, on_accept },
	{ PIPE2_X, 5, on_pair }, { MEMFD_CREATE_X, 3, on_memfd },
};

/* Entries whose arguments may be needed: the type, how many parameters it ever had, which one is a name. */
static const struct {
	uint16_t type;
	uint8_t params;
	int8_t name;
} enters[] = {
	{ CLOSE_X - 1, 1, -1 }, { SOCKET_X - 1, 3, -1 }, { CONNECT_X - 1, 2, -1 }, { FCHDIR_X - 1, 1, -1 },
	{ OPENAT_X - 1, 4, 1 }, { DUP_X - 1, 1, -1 }, { FCNTL_X - 1, 2, -1 },
	{ SETRESUID_X - 1, 3, -1 }, { SETRESGID_X - 1, 3, -1 }, { SETUID_X - 1, 1, -1 }, { SETGID_X - 1, 1, -1 },
	{ EXECVE_18_X - 1, 1, 0 }, { EXECVE_19_X - 1, 1, 0 }, { EXECVEAT_X - 1, 3, 1 },
	{ DUP2_X - 1, 1, -1 }, { DUP3_X - 1, 1, -1 }, { DUP_1_X - 1, 1, -1 },
};
// clang-format on

int event_params(uint16_t type)
{
	for (size_t i = 0; i < countof(rows); i++)
		if (rows[i].type == type)
			return rows[i].params;
	for (size_t i = 0; i < countof(enters); i++)
		if (enters[i].type == type)
			return enters[i].params;
	return -1;
}

static enum event_result keep_enter(struct scap *s, struct task *t, const struct sevent *e, int name)
{
	enter_clear(s, t);
	t->enter.type = e->type;
	for (uint32_t i = 0; i < SCAP_ENTER_NUMS; i++)
		t->enter.num[i] = num(e, i);
	if (name >= 0 && str(e, (uint32_t)name).len)
		t->enter.name = text_new(s, (const char *)str(e, (uint32_t)name).p, str(e, (uint32_t)name).len);
	return EVENT_MERGED;
}

enum event_result event_apply(struct scap *s, const struct sevent *e)
{
	struct task *t = task_get(s, (uint32_t)e->tid, 0, e->ts);
	enum event_result r = EVENT_SKIPPED;

	if (!t)
		return EVENT_SKIPPED;
	for (size_t i = 0; i < countof(enters); i++)
		if (enters[i].type == e->type)
			return keep_enter(s, t, e, enters[i].name);
	if (t->enter.type && t->enter.type != e->type - 1)
		enter_clear(s, t); /* of a call whose exit was not captured */
	for (size_t i = 0; i < countof(rows); i++) {
		if (rows[i].type != e->type)
			continue;
		r = rows[i].apply(s, t, e);
		t = task_find(s, (uint32_t)e->tid);
		if (t)
			enter_clear(s, t);
		break;
	}
	return r;
}
