/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scap_event: events to what they change and the record that they make: processes and opens, and which function is for
 * which event. Descriptors and sockets: scap_fd.c; other calls: scap_call.c.
 *
 * One event makes at most one record, and a second that tells of descriptors. Older captures have the arguments of a
 * call in the event of its entry, newer ones all of them in that of its exit: the last entry of each thread is kept for
 * the former. Numbers and parameters: falcosecurity/libs, driver/ppm_events_public.h and driver/event_table.c; a type's
 * parameters were only ever appended.
 */
#include "sensor/capture/scap_param.h"

#include <fcntl.h>

enum type {
	OPEN_X = 3,
	EXECVE_8_X = 13,
	CLONE_11_X = 15,
	PROCEXIT_E = 16,
	CREAT_X = 59,
	CHDIR_X = 95,
	FCHDIR_X = 97,
	OPENAT_X = 103,
	EXECVE_13_X = 155,
	CLONE_16_X = 157,
	EXECVE_14_X = 173,
	FORK_X = 183,
	VFORK_X = 185,
	PROCEXIT_1_E = 186,
	EXECVE_15_X = 215,
	CLONE_17_X = 217,
	FORK_17_X = 219,
	VFORK_17_X = 221,
	CLONE_20_X = 223,
	FORK_20_X = 225,
	VFORK_20_X = 227,
	EXECVE_16_X = 231,
	SETSID_X = 275,
	EXECVE_17_X = 283,
	EXECVE_18_X = 289,
	EXECVE_19_X = 293,
	OPENAT_2_X = 307,
	OPENAT2_X = 327,
	EXECVEAT_X = 331,
	CLONE3_X = 335,
	OPEN_BY_HANDLE_AT_X = 337,
	MEMFD_CREATE_X = 405,
};

/* x86-64, as a record's syscall says it. */
enum {
	NR_OPEN = 2,
	NR_EXECVE = 59,
	NR_CREAT = 85,
	NR_OPENAT = 257,
	NR_OPEN_BY_HANDLE_AT = 304,
	NR_MEMFD_CREATE = 319,
	NR_EXECVEAT = 322,
	NR_OPENAT2 = 437
};

enum {
	PPM_F_CREATED = 1 << 14,
	PPM_F_UPPER = 1 << 15,
	PPM_F_LOWER = 1 << 16,
	PPM_CREAT_UPPER = 1,
	PPM_CREAT_LOWER = 2
};

/* Where in its parameters an open has what; -1: nowhere. */
struct open_layout {
	int8_t dirfd, name, flags, mode, dev, ino;
	uint16_t syscall;
};

uint64_t scap_open_flags(uint64_t f)
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
	int8_t comm, cgroups, env, tty, vpgid, loginuid, flags, caps, ino, changed, modified, uid, trusted, pgid, gid,
		filename;
};

static struct exec_layout exec_layout(uint16_t type)
{
	struct exec_layout l;

	memset(&l, -1, sizeof l);
	if (type == EXECVE_14_X)
		l.env = 13;
	if (type == EXECVE_8_X || type == EXECVE_13_X || type == EXECVE_14_X)
		return l;
	l.comm = 13;
	l.env = 14;
	if (type == EXECVE_15_X)
		return l;
	l.cgroups = 14;
	l.env = 15;
	if (type != EXECVE_16_X)
		l.tty = 16;
	if (type == EXECVE_19_X || type == EXECVEAT_X)
		l = (struct exec_layout){ 13, 14, 15, 16, 17, 18, 19, 20, 23, 24, 25, 26, 27, 28, 29, 30 };
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
	enum { EXE_WRITABLE = 1, EXE_UPPER = 1 << 1, EXE_FROM_MEMFD = 1 << 2, EXE_LOWER = 1 << 3 };
	static const char deleted[] = " (deleted)";
	struct view v = has(e, l.trusted) ? str(e, (uint32_t)l.trusted) : view_of(NULL, 0);
	size_t n = sizeof deleted - 1;

	uint64_t flags = has(e, l.flags) ? unum32(e, (uint32_t)l.flags) : 0;

	main->exe_memfd = flags & EXE_FROM_MEMFD;
	main->exe_flags = (flags & EXE_WRITABLE ? WIRE_EXE_WRITABLE : 0u) | (flags & EXE_UPPER ? WIRE_EXE_UPPER : 0u) |
			  (flags & EXE_LOWER ? WIRE_EXE_LOWER : 0u);
	main->exe_ctime_ns = has(e, l.changed) ? (uint64_t)num(e, (uint32_t)l.changed) : 0;
	main->exe_mtime_ns = has(e, l.modified) ? (uint64_t)num(e, (uint32_t)l.modified) : 0;
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

		set_path(s, &main->exe, base, enter_str(t->enter.name));
	} else {
		text_set(s, &main->exe, NULL);
	}
}

/* What the caller wants to run, as it wrote it; empty: not known. */
static struct view exec_asked(const struct task *t, const struct sevent *e, struct exec_layout l)
{
	if (has(e, l.filename))
		return str(e, (uint32_t)l.filename);
	return enter_str(t->enter.name);
}

static enum event_result exec_failed(struct scap *s, const struct task *main, const struct task *t,
				     const struct sevent *e, struct exec_layout l)
{
	bool at = e->type == EXECVEAT_X;

	build_begin(s, WIRE_EXEC_FAILED, sizeof s->rec.exec_failed, main, t, e->ts);
	s->rec.hdr.ret = num(e, 0);
	s->rec.hdr.syscall = at ? NR_EXECVEAT : NR_EXECVE;
	build_asked(s, &s->rec.exec_failed.path, exec_asked(t, e, l),
		    base_of(main, at && t->enter.type ? t->enter.num[0] : PPM_AT_FDCWD));
	return EVENT_RECORD;
}

static void set_numbers(struct task *main, const struct sevent *e, struct exec_layout l)
{
	if (has(e, l.tty))
		main->tty = (uint32_t)num(e, (uint32_t)l.tty);
	if (has(e, l.loginuid))
		main->loginuid = (uint32_t)num(e, (uint32_t)l.loginuid);
	if (has(e, l.uid))
		main->uid = (uint32_t)num(e, (uint32_t)l.uid);
	if (has(e, l.gid))
		main->gid = (uint32_t)num(e, (uint32_t)l.gid);
	if (has(e, l.pgid))
		main->pgid = (uint32_t)num(e, (uint32_t)l.pgid);
	if (has(e, l.vpgid))
		main->vpgid = (uint32_t)num(e, (uint32_t)l.vpgid);
	main->caps_known = main->caps_known || has(e, l.caps);
	for (uint32_t i = 0; i < 3 && has(e, l.caps); i++)
		main->caps[i] = (uint64_t)num(e, (uint32_t)l.caps + i);
}

static enum event_result on_exec(struct scap *s, struct task *t, const struct sevent *e)
{
	struct exec_layout l = exec_layout(e->type);
	struct task *main = task_main(s, t, e->ts);
	struct text *filename;
	struct view asked;

	if (!main)
		return EVENT_SKIPPED;
	if (num(e, 0))
		return exec_failed(s, main, t, e, l);
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
	set_numbers(main, e, l);
	text_set(s, &main->env, has(e, l.env) ? list_env(s, bytes(e, (uint32_t)l.env)) : NULL);
	text_set(s, &main->args, list_args(s, bytes(e, 1), bytes(e, 2)));
	set_exe(s, main, t, e, l);
	fd_drop_cloexec(s, main);
	asked = exec_asked(t, e, l);
	filename = asked.len ? text_new(s, (const char *)asked.p, asked.len) : NULL;
	build_exec(s, WIRE_EXEC, main, main, e->ts, filename);
	s->rec.hdr.syscall = e->type == EXECVEAT_X ? NR_EXECVEAT : NR_EXECVE;
	text_drop(s, filename);
	return EVENT_RECORD;
}

struct clone_layout {
	uint32_t comm, cgroups, flags, uid, gid, vtid; /* UINT32_MAX: not there; vpid follows vtid */
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
				      uint32_t vpid, const struct sevent *e)
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
	t->vpid = vpid;
	s->rec.fork.child_vpid = t->vpid;
	s->rec.fork.pgid = t->pgid;
	s->rec.fork.vpgid = t->vpgid;
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
	r = make_process(s, parent, tid, FORK_CHILD_TOLD, l.vtid < e->n ? (uint32_t)num(e, l.vtid + 1) : 0, e);
	t = task_find(s, tid);
	if (t)
		update_child(s, t, e, l);
	return r;
}

static enum event_result on_clone(struct scap *s, struct task *t, const struct sevent *e)
{
	enum { CLONE_NEWPID_BIT = 1 << 6, CLONE_THREAD_BIT = 1 << 13 };
	struct clone_layout l = clone_layout(e->type);
	int64_t child = num(e, 0);
	uint32_t vpid;

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
	vpid = l.vtid >= e->n ? 0 : l.flags < e->n && num(e, l.flags) & CLONE_NEWPID_BIT ? 1 : (uint32_t)child;
	return make_process(s, t, (uint32_t)child, FORK_PARENT_TOLD, vpid, e);
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
	case OPEN_BY_HANDLE_AT_X:
		return (struct open_layout){ -1, 3, 2, -1, 4, 5, NR_OPEN_BY_HANDLE_AT };
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

/* What an open was asked for: of an old capture all but the result is in its entry. */
struct open_args {
	struct view name;
	uint64_t ppm, flags, mode;
	int64_t dirfd;
};

static struct open_args open_args(const struct task *t, const struct sevent *e, struct open_layout l)
{
	struct open_args a = { .name = str(e, (uint32_t)l.name), .dirfd = PPM_AT_FDCWD };

	if (e->type == OPENAT_X) {
		a = (struct open_args){ .ppm = (uint64_t)t->enter.num[2],
					.mode = (uint64_t)t->enter.num[3],
					.dirfd = t->enter.num[0] };
		a.name = enter_str(t->enter.name);
	} else {
		a.ppm = l.flags < 0 ? 0 : unum32(e, (uint32_t)l.flags);
		a.mode = unum32(e, (uint32_t)l.mode);
		if (l.dirfd >= 0)
			a.dirfd = num(e, (uint32_t)l.dirfd);
	}
	a.flags = scap_open_flags(a.ppm);
	if (e->type == CREAT_X) {
		uint64_t layer = unum32(e, 5);

		a.flags = O_CREAT | O_WRONLY | O_TRUNC;
		a.ppm = (layer & PPM_CREAT_UPPER ? PPM_F_UPPER : 0u) | (layer & PPM_CREAT_LOWER ? PPM_F_LOWER : 0u);
	}
	return a;
}

static void build_open(struct scap *s, const struct task *main, const struct task *t, const struct sevent *e,
		       struct open_layout l, const struct open_args *a, const struct wire_fd *w, size_t len)
{
	build_begin(s, WIRE_OPEN, sizeof s->rec.open, main, t, e->ts);
	s->rec.hdr.ret = num(e, 0);
	s->rec.hdr.syscall = l.syscall;
	fill_open(s, w, a->flags, a->mode, a->ppm & PPM_F_CREATED);
	s->rec.open.fields.num = (uint64_t)num(e, 0);
	if (l.dirfd >= 0 || e->type == OPENAT_X)
		s->rec.open.dirfd = (uint32_t)(a->dirfd + WIRE_DIRFD);
	build_path(s, &s->rec.open.path, len ? s->path2 : NULL, len);
	build_asked(s, &s->rec.open.asked, a->name, base_of(main, a->dirfd));
}

static enum event_result on_open(struct scap *s, struct task *t, const struct sevent *e)
{
	struct open_layout l = open_layout(e->type);
	struct task *main = task_main(s, t, e->ts);
	struct open_args a = open_args(t, e, l);
	int64_t fd = num(e, 0);
	struct wire_fd w = { 0 };
	size_t len;

	if (!main || fd > INT32_MAX || (e->type == OPENAT_X && !t->enter.type))
		return EVENT_SKIPPED;
	if (fd < 0) {
		build_open(s, main, t, e, l, &a, &w, 0);
		return EVENT_RECORD;
	}
	len = a.name.len ? path_join(s->path2, base_of(main, a.dirfd), (const char *)a.name.p, a.name.len) : 0;
	w = opened((uint64_t)fd, a.flags, s->path2, len);
	w.flags |= (uint8_t)((a.ppm & PPM_F_UPPER ? WIRE_FD_UPPER : 0) | (a.ppm & PPM_F_LOWER ? WIRE_FD_LOWER : 0));
	if (e->type != OPENAT_X) {
		w.dev = unum32(e, (uint32_t)l.dev);
		w.ino = (uint64_t)num(e, (uint32_t)l.ino);
	}
	fd_put(s, main, &w, len ? text_new(s, s->path2, len) : NULL);
	build_open(s, main, t, e, l, &a, &w, len);
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

/* dispatch */

// clang-format off
static const struct event_row rows[] = {
	{ OPEN_X, 6, on_open }, { EXECVE_8_X, 8, on_exec }, { CLONE_11_X, 11, on_clone }, { PROCEXIT_E, 0, on_procexit },
	{ CREAT_X, 6, on_open }, { CHDIR_X, 2, on_chdir }, { FCHDIR_X, 2, on_fchdir }, { OPENAT_X, 1, on_open },
	{ EXECVE_13_X, 13, on_exec }, { CLONE_16_X, 16, on_clone }, { EXECVE_14_X, 14, on_exec }, { FORK_X, 16, on_clone },
	{ VFORK_X, 16, on_clone }, { PROCEXIT_1_E, 5, on_procexit },
	{ EXECVE_15_X, 15, on_exec }, { CLONE_17_X, 17, on_clone }, { FORK_17_X, 17, on_clone }, { VFORK_17_X, 17, on_clone },
	{ CLONE_20_X, 21, on_clone }, { FORK_20_X, 21, on_clone }, { VFORK_20_X, 21, on_clone },
	{ EXECVE_16_X, 16, on_exec }, { SETSID_X, 1, on_setsid }, { EXECVE_17_X, 17, on_exec }, { EXECVE_18_X, 17, on_exec },
	{ EXECVE_19_X, 31, on_exec }, { OPENAT_2_X, 7, on_open }, { OPENAT2_X, 8, on_open }, { EXECVEAT_X, 30, on_exec },
	{ CLONE3_X, 21, on_clone }, { OPEN_BY_HANDLE_AT_X, 6, on_open }, { MEMFD_CREATE_X, 3, on_memfd },
};

static const struct enter_row enters[] = {
	{ FCHDIR_X - 1, 1, -1, -1 }, { OPENAT_X - 1, 4, 1, -1 }, { EXECVE_18_X - 1, 1, 0, -1 }, { EXECVE_19_X - 1, 1, 0, -1 },
	{ EXECVEAT_X - 1, 3, 1, -1 },
};
// clang-format on

static const struct event_table here = { rows, countof(rows), enters, countof(enters) };
static const struct event_table *const tables[] = { &here, &scap_fd_events, &scap_call_events };

static const struct event_row *row_of(uint16_t type)
{
	for (size_t t = 0; t < countof(tables); t++)
		for (size_t i = 0; i < tables[t]->n_rows; i++)
			if (tables[t]->rows[i].type == type)
				return &tables[t]->rows[i];
	return NULL;
}

static const struct enter_row *enter_of(uint16_t type)
{
	for (size_t t = 0; t < countof(tables); t++)
		for (size_t i = 0; i < tables[t]->n_enters; i++)
			if (tables[t]->enters[i].type == type)
				return &tables[t]->enters[i];
	return NULL;
}

int event_params(uint16_t type)
{
	const struct event_row *r = row_of(type);
	const struct enter_row *n = r ? NULL : enter_of(type);

	return r ? r->params : n ? n->params : -1;
}

static struct text *keep(struct scap *s, const struct sevent *e, int at)
{
	struct view v = at < 0 ? view_of(NULL, 0) : bytes(e, (uint32_t)at);

	return v.len ? text_new(s, (const char *)v.p, v.len) : NULL;
}

static enum event_result keep_enter(struct scap *s, struct task *t, const struct sevent *e, const struct enter_row *row)
{
	enter_clear(s, t);
	t->enter.type = e->type;
	for (uint32_t i = 0; i < SCAP_ENTER_NUMS; i++)
		t->enter.num[i] = num(e, i);
	t->enter.name = keep(s, e, row->name);
	t->enter.name2 = keep(s, e, row->name2);
	return EVENT_MERGED;
}

enum event_result event_apply(struct scap *s, const struct sevent *e)
{
	struct task *t = task_get(s, (uint32_t)e->tid, 0, e->ts);
	const struct enter_row *enter = enter_of(e->type);
	const struct event_row *row = row_of(e->type);
	enum event_result r = EVENT_SKIPPED;

	if (!t)
		return EVENT_SKIPPED;
	if (enter)
		return keep_enter(s, t, e, enter);
	if (t->enter.type && t->enter.type != e->type - 1)
		enter_clear(s, t); /* of a call whose exit was not captured */
	if (!row)
		return r;
	r = row->apply(s, t, e);
	t = task_find(s, (uint32_t)e->tid);
	if (t)
		enter_clear(s, t);
	return r;
}
