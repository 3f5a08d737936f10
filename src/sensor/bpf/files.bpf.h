/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* files: opened files, memory files, and where a process stands. */
#ifndef SALLYPORT_SENSOR_BPF_FILES_H
#define SALLYPORT_SENSOR_BPF_FILES_H

enum {
	O_CREAT = 0100,
	O_EXCL = 0200,
	O_NOCTTY = 0400,
	O_TRUNC = 01000,
	O_LARGEFILE = 0100000,
	O_CLOEXEC = 02000000,
	O_TMPFILE_BIT = 020000000,
	O_WRONLY = 1,
	/* What the kernel does not keep in f_flags, or adds there (fs/open.c: do_dentry_open, build_open_flags). */
	O_ONLY_AT_OPEN = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC | O_LARGEFILE,
};

/* flags and mode as the caller gave them. */
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
	default: /* the caller may have changed its memory since: believe the file where it knows */
		bpf_probe_read_user(how, sizeof how, (void *)c->arg[2]);
		out->flags = (BPF_CORE_READ(f, f_flags) & ~O_ONLY_AT_OPEN) | (how[0] & O_ONLY_AT_OPEN);
		out->mode = (u16)how[1];
	}
	if (!(out->flags & (O_CREAT | O_TMPFILE_BIT)))
		out->mode = 0;
}

static __always_inline void on_open(const struct call *c)
{
	u32 ring = WIRE_RING_BULK, fd = (u32)c->ret, slot;
	struct fd_table table;
	struct wire_open *o;
	struct scratch *s;
	struct file *f;

	if (c->ret < 0)
		return;
	fd_table_of(c->task, &table);
	f = fd_file(&table, fd);
	if (!f)
		return;
	if ((BPF_CORE_READ(f, f_inode, i_mode) & S_IFMT) == S_IFIFO) {
		ring = WIRE_RING_RESERVED;
		if (track_is_on())
			track_set(c->tgid, fd);
	} else if (!(c->hooks & HOOK_OPEN)) {
		return;
	}
	s = record_begin(WIRE_OPEN, ring, &slot);
	if (!s)
		return;
	o = &s->rec.open;
	call_header(s, WIRE_OPEN, sizeof *o, c);
	fd_describe((u64)f, fd, fd_flags(&table, fd), slot, __builtin_offsetof(struct wire_open, file));
	open_asked(c, f, &o->fields);
	o->fields.num = fd;
	o->fields.ino = o->file.ino;
	o->fields.dev = o->file.dev;
	o->fields.nlink = BPF_CORE_READ(f, f_inode, i_nlink);
	o->created = !!(BPF_CORE_READ(f, f_mode) & FMODE_CREATED);
	o->dirfd = 0;
	__builtin_memset(&o->asked, 0, sizeof o->asked);
	seg_set(&o->path, path_append_file(f, slot));
	record_send(s, WIRE_OPEN, ring);
}

static __always_inline void on_memfd(const struct call *c)
{
	struct fd_table table;
	struct wire_memfd *m;
	struct scratch *s;
	struct file *f;
	u32 slot;

	if (c->ret < 0)
		return;
	fd_table_of(c->task, &table);
	f = fd_file(&table, (u32)c->ret);
	s = record_begin(WIRE_MEMFD, WIRE_RING_RESERVED, &slot);
	if (!s)
		return;
	m = &s->rec.memfd;
	call_header(s, WIRE_MEMFD, sizeof *m, c);
	m->fields.num = (u64)c->ret;
	m->fields.flags = (u32)c->arg[1];
	m->reserved = 0;
	seg_set(&m->name, string_append((u64)BPF_CORE_READ(f, f_path.dentry, d_name.name), slot));
	record_send(s, WIRE_MEMFD, WIRE_RING_RESERVED);
}

static __always_inline void on_chdir(const struct call *c)
{
	const struct task_struct *task = c->task;
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	struct scratch *s;
	u32 slot;

	if (c->ret)
		return;
	s = record_begin(WIRE_CHDIR, WIRE_RING_RESERVED, &slot);
	if (!s)
		return;
	call_header(s, WIRE_CHDIR, sizeof(struct wire_chdir), c);
	s->rec.chdir.reserved = 0;
	seg_set(&s->rec.chdir.path,
		path_append((u64)BPF_CORE_READ(fs, pwd.dentry), (u64)BPF_CORE_READ(fs, pwd.mnt), slot));
	record_send(s, WIRE_CHDIR, WIRE_RING_RESERVED);
}

#endif
