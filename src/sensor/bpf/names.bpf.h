/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * names: calls that are given one path or two: rename, unlink, link, symlink, mkdir, chmod, and exec that failed.
 *
 * Their records are alike: the header, the type's numbers, the paths. Told from the caller's memory when the call has
 * returned: the name may be gone by then, and the caller may have changed it; that is why raw and dir are told apart.
 */
#ifndef SALLYPORT_SENSOR_BPF_NAMES_H
#define SALLYPORT_SENSOR_BPF_NAMES_H

enum { UNREADABLE = 1 }; /* no path at all, as an address: what the caller gave is told as it is */

struct names {
	u64 path[2];
	int dir[2];
	u64 field[2];
	u32 n_fields, n_paths;
	u32 kind, ring;
};

#define FIELDS_OF(section) (sizeof(struct wire_##section##_fields) / sizeof(u64))

static __always_inline void names_one(struct names *n, u32 kind, u32 ring, u32 n_fields, int dir, u64 path)
{
	n->kind = kind;
	n->ring = ring;
	n->n_fields = n_fields;
	n->n_paths = 1;
	n->dir[0] = dir;
	n->path[0] = path ? path : UNREADABLE;
}

static __always_inline void names_two(struct names *n, u32 kind, u32 n_fields, int from_dir, u64 from, int to_dir,
				      u64 to)
{
	names_one(n, kind, WIRE_RING_RESERVED, n_fields, from_dir, from);
	n->n_paths = 2;
	n->dir[1] = to_dir;
	n->path[1] = to ? to : UNREADABLE;
}

static __always_inline void names_chmod(struct names *n, int dir, u64 path, u64 mode)
{
	names_one(n, WIRE_CHMOD, WIRE_RING_RESERVED, FIELDS_OF(file_chmod), dir, path);
	n->field[0] = (u64)-1;
	n->field[1] = (u16)mode;
}

static __always_inline void names_fchmod(struct names *n, int fd, u64 mode)
{
	names_chmod(n, fd, 0, mode);
	n->path[0] = 0;
	n->field[0] = (u64)fd;
}

static __always_inline void names_unlink(struct names *n, int dir, u64 path, u64 flags)
{
	names_one(n, WIRE_UNLINK, WIRE_RING_BULK, FIELDS_OF(file_unlink), dir, path);
	n->field[0] = (u32)flags;
}

static __always_inline void names_mkdir(struct names *n, int dir, u64 path, u64 mode)
{
	names_one(n, WIRE_MKDIR, WIRE_RING_BULK, FIELDS_OF(file_mkdir), dir, path);
	n->field[0] = (u16)mode;
}

static __always_inline void names_of(const struct call *c, struct names *n)
{
	const u64 *a = c->arg;

	switch (c->id) {
	case CALL_RENAME:
		names_two(n, WIRE_RENAME, FIELDS_OF(file_rename), AT_FDCWD, a[0], AT_FDCWD, a[1]);
		return;
	case CALL_RENAMEAT2:
		n->field[0] = (u32)a[4];
		/* fall through */
	case CALL_RENAMEAT:
		names_two(n, WIRE_RENAME, FIELDS_OF(file_rename), (int)a[0], a[1], (int)a[2], a[3]);
		return;
	case CALL_UNLINK:
	case CALL_RMDIR:
		names_unlink(n, AT_FDCWD, a[0], 0);
		return;
	case CALL_UNLINKAT:
		names_unlink(n, (int)a[0], a[1], a[2]);
		return;
	case CALL_LINK:
		names_two(n, WIRE_LINK, FIELDS_OF(file_link), AT_FDCWD, a[0], AT_FDCWD, a[1]);
		return;
	case CALL_LINKAT:
		names_two(n, WIRE_LINK, FIELDS_OF(file_link), (int)a[0], a[1], (int)a[2], a[3]);
		n->field[0] = (u32)a[4];
		return;
	case CALL_SYMLINK:
		names_two(n, WIRE_SYMLINK, FIELDS_OF(file_symlink), DIR_NONE, a[0], AT_FDCWD, a[1]);
		return;
	case CALL_SYMLINKAT:
		names_two(n, WIRE_SYMLINK, FIELDS_OF(file_symlink), DIR_NONE, a[0], (int)a[1], a[2]);
		return;
	case CALL_MKDIR:
		names_mkdir(n, AT_FDCWD, a[0], a[1]);
		return;
	case CALL_MKDIRAT:
		names_mkdir(n, (int)a[0], a[1], a[2]);
		return;
	case CALL_CHMOD:
		names_chmod(n, AT_FDCWD, a[0], a[1]);
		return;
	case CALL_FCHMOD:
		names_fchmod(n, (int)a[0], a[1]);
		return;
	case CALL_FCHMODAT:
	case CALL_FCHMODAT2:
		names_chmod(n, (int)a[0], a[1], a[2]);
		return;
	case CALL_EXECVE:
		names_one(n, WIRE_EXEC_FAILED, WIRE_RING_RESERVED, 0, AT_FDCWD, a[0]);
		return;
	case CALL_EXECVEAT:
		names_one(n, WIRE_EXEC_FAILED, WIRE_RING_RESERVED, 0, (int)a[0], a[1]);
		return;
	}
}

static __attribute__((noinline)) int on_names(const struct call *c)
{
	struct names n = {};
	struct scratch *s;
	u32 slot, at;
	u64 *field;

	names_of(c, &n);
	if (n.kind == WIRE_EXEC_FAILED && c->ret >= 0)
		return 0;
	if (!filter_wants(n.kind, c->ret))
		return 0;
	s = record_begin(n.kind, n.ring, &slot);
	if (!s)
		return 0;
	field = (void *)(&s->rec.hdr + 1);
	at = sizeof(struct wire_hdr) + (n.n_fields & 3) * (u32)sizeof(u64);
	call_header(s, slot, n.kind, at + n.n_paths * (u32)sizeof(struct wire_path), c);
	field[0] = n.field[0]; /* past the type's own it is overwritten by the paths */
	field[1] = n.field[1];
	asked_append(n.path[0], n.dir[0], slot, at);
	if (n.n_paths == 2)
		asked_append(n.path[1], n.dir[1], slot, at + (u32)sizeof(struct wire_path));
	return record_send(slot, n.kind, n.ring);
}

#endif
