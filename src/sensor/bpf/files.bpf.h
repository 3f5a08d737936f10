/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* files: opened files, memory files, and where a process stands. */
#ifndef SALLYPORT_SENSOR_BPF_FILES_H
#define SALLYPORT_SENSOR_BPF_FILES_H

enum {
	ASKED_LOOK = 128,
	O_CREAT = 0100,
	O_EXCL = 0200,
	O_NOCTTY = 0400,
	O_TRUNC = 01000,
	O_LARGEFILE = 0100000,
	O_CLOEXEC = 02000000,
	O_TMPFILE_BIT = 020000000,
	O_WRONLY = 1,
	O_RDWR = 2,
	O_ACCMODE = 3,
	MODE_EXEC = 0111,
	/* What the kernel does not keep in f_flags, or adds there (fs/open.c: do_dentry_open, build_open_flags). */
	O_ONLY_AT_OPEN = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC | O_LARGEFILE,
};

/* flags and mode as the caller gave them. f: NULL when the call failed. */
static __always_inline void open_asked(const struct call *c, const struct file *f, struct wire_file_open_fields *out)
{
	u64 how[2] = {}; /* struct open_how: flags, mode */

	switch (c->id) {
	case CALL_OPEN:
		out->flags = (u32)c->arg[1];
		out->mode = (u16)c->arg[2];
		break;
	case CALL_OPENAT:
		out->flags = (u32)c->arg[2];
		out->mode = (u16)c->arg[3];
		break;
	case CALL_CREAT:
		out->flags = O_CREAT | O_WRONLY | O_TRUNC;
		out->mode = (u16)c->arg[1];
		break;
	case CALL_OPEN_BY_HANDLE_AT:
		out->flags = (u32)c->arg[2];
		out->mode = 0;
		break;
	default: /* the caller may have changed its memory since: believe the file where it knows */
		bpf_probe_read_user(how, sizeof how, (void *)c->arg[2]);
		out->flags = f ? (BPF_CORE_READ(f, f_flags) & ~O_ONLY_AT_OPEN) | (how[0] & O_ONLY_AT_OPEN) : how[0];
		out->mode = (u16)how[1];
	}
	if (!(out->flags & (O_CREAT | O_TMPFILE_BIT)))
		out->mode = 0;
}

/* enum wire_open_class, or-ed; as decode tells evt.is_open_*. f: NULL when the call failed. */
static __always_inline u32 open_class(const struct file *f, u32 type, const struct wire_file_open_fields *asked)
{
	u64 access = asked->flags & O_ACCMODE;
	bool created = f && BPF_CORE_READ(f, f_mode) & FMODE_CREATED;
	u32 class = 0;

	if (!access || access == O_RDWR)
		class |= WIRE_OPEN_READ;
	if (access == O_WRONLY || access == O_RDWR)
		class |= WIRE_OPEN_WRITE;
	if (asked->flags & O_TRUNC)
		class |= WIRE_OPEN_TRUNC;
	if (!f)
		return class | WIRE_OPEN_FAILED;
	if (created)
		class |= WIRE_OPEN_CREATED;
	if ((created || asked->flags & O_TMPFILE_BIT) && asked->mode & MODE_EXEC)
		class |= WIRE_OPEN_EXEC;
	if (type == S_IFDIR)
		class |= WIRE_OPEN_DIR;
	else if (type != S_IFREG)
		class |= WIRE_OPEN_SPECIAL;
	return class;
}

static __always_inline void open_asked_path(const struct call *c, u32 slot)
{
	const u32 at = __builtin_offsetof(struct wire_open, asked);

	switch (c->id) {
	case CALL_OPEN:
	case CALL_CREAT:
		asked_append(c->arg[0], AT_FDCWD, slot, at);
		return;
	case CALL_OPENAT:
	case CALL_OPENAT2:
		asked_append(c->arg[1], (int)c->arg[0], slot, at);
		return;
	}
}

/* Is there "../" in the path as the caller wrote it? What cannot be told counts as yes. */
static __attribute__((noinline)) int asked_upwards(const struct call *c)
{
	u64 path = c->id == CALL_OPENAT || c->id == CALL_OPENAT2 ? c->arg[1] : c->arg[0];
	char text[ASKED_LOOK] = {};
	long n;

	if (c->id == CALL_OPEN_BY_HANDLE_AT)
		return 1;
	n = bpf_probe_read_user_str(text, sizeof text, (void *)path);
	if (n <= 0 || n == sizeof text)
		return 1;
	for (u32 i = 0; i + 2 < sizeof text; i++) {
		if (!text[i])
			break;
		if (text[i] == '.' && text[i + 1] == '.' && text[i + 2] == '/')
			return 1;
	}
	return 0;
}

/* What an open does to the tables of descriptors, told in short where the open itself is not told. */
static __always_inline void open_dropped(const struct call *c, const struct fd_table *t, u32 fd, bool replaced)
{
	stats_filtered();
	if (replaced)
		fds_send(c, t, WIRE_FDS_DUP, fd, FD_ABSENT);
}

/* Build and send the record; false: it was dropped, its path is not one that is asked for. */
static __attribute__((noinline)) int open_send(const struct call *c, const struct file *f, u64 cloexec, u32 ring,
					       const struct verdict *v)
{
	struct wire_open *o;
	struct scratch *s;
	u32 slot;
	int path = seg_pack(0, WIRE_SEG_CUT);

	s = record_begin(WIRE_OPEN, ring, &slot);
	if (!s)
		return 1;
	o = &s->rec.open;
	if (f) {
		s->at = sizeof *o;
		path = path_append_file(f, slot);
		if (v->top && !(path & WIRE_SEG_CUT << SEG_FLAGS_SHIFT) && !filter_top(v->slot, slot, v->top)) {
			scratch_release(s);
			return 0;
		}
	}
	call_header(s, slot, WIRE_OPEN, sizeof *o + ((u32)path & 0xffff), c);
	fd_describe((u64)f, f ? (u32)c->ret : 0, (u32)cloexec, slot, __builtin_offsetof(struct wire_open, file));
	open_asked(c, f, &o->fields);
	o->fields.num = (u64)c->ret;
	o->fields.ino = o->file.ino;
	o->fields.dev = o->file.dev;
	o->fields.nlink = f ? BPF_CORE_READ(f, f_inode, i_nlink) : 0;
	o->created = f && BPF_CORE_READ(f, f_mode) & FMODE_CREATED;
	if (f)
		o->file.flags |= layer_flags(file_layer(BPF_CORE_READ(f, f_inode)));
	o->dirfd = WIRE_DIRFD + (c->id == CALL_OPENAT || c->id == CALL_OPENAT2 ? (u32)c->arg[0] : (u32)AT_FDCWD);
	seg_set(&o->path, path);
	__builtin_memset(&o->asked, 0, sizeof o->asked);
	if (!f || filter_flag(WIRE_FILTER_RAW))
		open_asked_path(c, slot);
	record_send(slot, WIRE_OPEN, ring);
	return 1;
}

static __attribute__((noinline)) int on_open_failed(const struct call *c)
{
	struct wire_file_open_fields asked = {};
	struct verdict v = { .slot = config.filter };

	if (!(c->hooks & HOOK_OPEN))
		return 0;
	open_asked(c, 0, &asked);
	filter_open(0, open_class(0, 0, &asked), &v);
	if (!v.clauses) {
		stats_filtered();
		return 0;
	}
	return open_send(c, 0, 0, WIRE_RING_BULK, &v);
}

/*
 * What an open changes in the tables of the reader must be told in any case: a FIFO or a pipe, a memory file that is
 * opened again, and a number that was followed and now is something else.
 */
static __attribute__((noinline)) int on_open(const struct call *c)
{
	struct wire_file_open_fields asked = {};
	struct verdict v = { .slot = config.filter };
	u32 fd = (u32)c->ret, type, cloexec;
	struct fd_table table;
	bool replaced = false;
	struct file *f;

	fd_table_of(c->task, &table);
	f = fd_file(&table, fd);
	if (!f)
		return 0;
	cloexec = fd_flags(&table, fd);
	type = BPF_CORE_READ(f, f_inode, i_mode) & S_IFMT;
	if (type == S_IFIFO) {
		if (track_is_on())
			track_set(c->tgid, fd, TRACK_CHANNEL);
		return open_send(c, f, cloexec, WIRE_RING_RESERVED, &v);
	}
	if (track_is_on()) {
		replaced = track_clear(c->tgid, fd);
		if (type == S_IFREG && file_is_memfd(f)) {
			track_set(c->tgid, fd, TRACK_MEMFD);
			if (c->hooks & HOOK_OPEN)
				return open_send(c, f, cloexec, WIRE_RING_BULK, &v);
		}
	}
	if (!(c->hooks & HOOK_OPEN)) {
		if (replaced)
			fds_send(c, &table, WIRE_FDS_DUP, fd, FD_ABSENT);
		return 0;
	}
	open_asked(c, f, &asked);
	filter_open(f, open_class(f, type, &asked), &v);
	if (v.upwards && !asked_upwards(c))
		v.clauses = 0;
	if (!v.clauses || !open_send(c, f, cloexec, WIRE_RING_BULK, &v))
		open_dropped(c, &table, fd, replaced);
	return 0;
}

static __attribute__((noinline)) int on_memfd(const struct call *c)
{
	struct fd_table table;
	struct wire_memfd *m;
	struct scratch *s;
	struct file *f;
	u32 slot;

	if (c->ret < 0)
		return 0;
	fd_table_of(c->task, &table);
	f = fd_file(&table, (u32)c->ret);
	s = record_begin(WIRE_MEMFD, WIRE_RING_RESERVED, &slot);
	if (!s)
		return 0;
	m = &s->rec.memfd;
	call_header(s, slot, WIRE_MEMFD, sizeof *m, c);
	m->fields.num = (u64)c->ret;
	m->fields.flags = (u32)c->arg[1];
	m->reserved = 0;
	if (track_is_on())
		track_set(c->tgid, (u32)c->ret, TRACK_MEMFD);
	seg_set(&m->name, string_append((u64)BPF_CORE_READ(f, f_path.dentry, d_name.name), slot));
	record_send(slot, WIRE_MEMFD, WIRE_RING_RESERVED);
	return 0;
}

static __attribute__((noinline)) int on_chdir(const struct call *c)
{
	const struct task_struct *task = c->task;
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	struct scratch *s;
	u32 slot;

	if (c->ret)
		return 0;
	s = record_begin(WIRE_CHDIR, WIRE_RING_RESERVED, &slot);
	if (!s)
		return 0;
	call_header(s, slot, WIRE_CHDIR, sizeof(struct wire_chdir), c);
	s->rec.chdir.reserved = 0;
	seg_set(&s->rec.chdir.path,
		path_append((u64)BPF_CORE_READ(fs, pwd.dentry), (u64)BPF_CORE_READ(fs, pwd.mnt), slot));
	record_send(slot, WIRE_CHDIR, WIRE_RING_RESERVED);
	return 0;
}

#endif
