/* SPDX-License-Identifier: Apache-2.0 */
/* fields_file: opens, and names that come, go and change. */
#include "sensor/decode/parts.h"

/* names that a caller gave */

/* What the caller wrote, and joined to its directory; which: 0, or 1 for the second of two. Empty: not known. */
static struct proc_str raw(const struct decode *d, uint32_t which)
{
	return d->rec.seg[which ? SEG_TO_RAW : SEG_RAW];
}

/* Until it is asked for the next one. */
static struct proc_str directory_of(struct decode *d, uint32_t seg)
{
	return record_path(d->rec.seg[seg], d->rec.seg_flags[seg], d->dir_text);
}

/* own: an empty raw means what dir is (a descriptor's own path) and not nothing. */
static struct proc_str joined(struct decode *d, uint32_t which, bool own)
{
	uint32_t raw_seg = which ? SEG_TO_RAW : SEG_RAW, dir_seg = which ? SEG_TO_DIR : SEG_DIR;

	if (d->has_joined[which])
		return d->joined[which];
	d->has_joined[which] = true;
	d->joined[which] = (struct proc_str){ "", 0 };
	if (d->rec.seg[raw_seg].len || (own && !(d->rec.seg_flags[raw_seg] & WIRE_SEG_CUT)))
		d->joined[which] = path_asked(d->rec.seg[raw_seg], directory_of(d, dir_seg), d->joined_text[which]);
	return d->joined[which];
}

/* types about a file */

static struct proc_str open_joined(struct decode *d)
{
	if (!d->has_joined[0]) {
		d->has_joined[0] = true;
		d->joined[0] = d->rec.seg[SEG_OPEN_RAW];
		if (d->joined[0].len)
			d->joined[0] = path_asked(d->joined[0], directory_of(d, SEG_OPEN_DIR), d->joined_text[0]);
	}
	return d->joined[0];
}

static struct proc_str open_path(struct decode *d)
{
	if (!d->has_path) {
		d->has_path = true;
		d->path = d->rec.hdr.ret < 0
				  ? open_joined(d)
				  : record_path(d->rec.seg[SEG_PATH], d->rec.seg_flags[SEG_PATH], d->path_text);
	}
	return d->path;
}

static const char *open_type(uint8_t kind)
{
	switch (kind) {
	case WIRE_FD_FILE:
		return "file";
	case WIRE_FD_DIR:
		return "directory";
	case WIRE_FD_FIFO:
	case WIRE_FD_PIPE: /* opened again through /proc */
		return "fifo";
	case WIRE_FD_CHAR:
		return "char";
	default:
		return "other";
	}
}

static const char *open_letter(const struct decode *d)
{
	/* block devices, and what else has a path: rules on files mean them too */
	if (d->rec.open.file.kind > WIRE_FD_FIFO)
		return "f";
	return value_fd_letter(d->rec.open.file.kind, d->rec.seg_flags[SEG_PATH]);
}

/* As stat(2) has device numbers: include/linux/kdev_t.h:new_encode_dev. */
static uint32_t dev_major(uint64_t dev)
{
	return dev >> 8 & 0xfff;
}

static uint32_t dev_minor(uint64_t dev)
{
	return (dev & 0xff) | (dev >> 12 & 0xfff00);
}

static void set_in_container(struct decode *d, uint32_t id, struct proc_str path, bool directory)
{
	const char *slash = path.len ? memrchr(path.p, '/', path.len) : NULL;

	if (directory)
		path.len = !slash ? 0 : slash == path.p ? 1 : (uint32_t)(slash - path.p);
	value_in_container(d, id, path);
}

// clang-format off
/* The rows that all such types have. Of a failed call nothing is claimed but that a file was meant. */
static void fill_file(struct decode *d, uint32_t id)
{
	const struct wire_open *o = &d->rec.open;
	bool opened = d->rec.hdr.ret >= 0;
	struct event *e = &d->event;

	switch ((enum template_file_row)(id - TEMPLATE_CAP)) {
	case TEMPLATE_FILE_num: event_set_i64(e, id, opened ? (int64_t)o->fields.num : -1); return;
	case TEMPLATE_FILE_name: case TEMPLATE_FILE_path_name: value_path(d, id, open_path(d), PATH_WHOLE); return;
	case TEMPLATE_FILE_directory: value_path(d, id, open_path(d), PATH_DIRECTORY); return;
	case TEMPLATE_FILE_filename: value_path(d, id, open_path(d), PATH_FILENAME); return;
	case TEMPLATE_FILE_nameraw: case TEMPLATE_FILE_path_nameraw: value_str(d, id, d->rec.seg[SEG_OPEN_RAW]); return;
	case TEMPLATE_FILE_containername: set_in_container(d, id, open_path(d), false); return;
	case TEMPLATE_FILE_containerdirectory: set_in_container(d, id, open_path(d), true); return;
	case TEMPLATE_FILE_type: event_set_cstr(e, id, opened ? open_type(o->file.kind) : "file"); return;
	case TEMPLATE_FILE_typechar: event_set_cstr(e, id, opened ? open_letter(d) : "f"); return;
	case TEMPLATE_FILE_ino: if (opened) event_set_u64(e, id, o->fields.ino); return;
	case TEMPLATE_FILE_dev: if (opened) event_set_u64(e, id, o->fields.dev); return;
	case TEMPLATE_FILE_dev_major: if (opened) event_set_u64(e, id, dev_major(o->fields.dev)); return;
	case TEMPLATE_FILE_dev_minor: if (opened) event_set_u64(e, id, dev_minor(o->fields.dev)); return;
	case TEMPLATE_FILE_nlink: if (opened) event_set_u64(e, id, o->fields.nlink); return;
	case TEMPLATE_FILE_is_upper_layer: if (opened) event_set_u64(e, id, (o->file.flags & WIRE_FD_UPPER) != 0); return;
	case TEMPLATE_FILE_is_lower_layer: if (opened) event_set_u64(e, id, (o->file.flags & WIRE_FD_LOWER) != 0); return;
	case TEMPLATE_N_FILE_ROWS: return;
	}
}
// clang-format on

/* "AT_FDCWD(<d>/home)", "3(<d>/etc)" */
static void set_dirfd(struct decode *d, uint32_t id)
{
	enum { DIRFD_TEXT = 24, CWD = WIRE_DIRFD - 100 };
	uint32_t dirfd = d->rec.open.dirfd;
	char *text;
	struct proc_str path;
	size_t n;

	if (!dirfd || !d->rec.seg[SEG_OPEN_RAW].len)
		return;
	path = directory_of(d, SEG_OPEN_DIR);
	if (dirfd != CWD) {
		value_fd(d, id, (int32_t)(dirfd - WIRE_DIRFD), "d", path);
		return;
	}
	text = value_room(d, DIRFD_TEXT + path.len);
	if (!text)
		return;
	n = (size_t)snprintf(text, DIRFD_TEXT, "AT_FDCWD");
	if (path.len) {
		n += (size_t)snprintf(text + n, DIRFD_TEXT - n, "(<d>");
		memcpy(text + n, path.p, path.len);
		n += path.len;
		text[n++] = ')';
	}
	event_set_str(&d->event, id, text, n);
}

/* The descriptor, or the error. */
static int64_t opened_fd(const struct wire_open *o)
{
	return o->hdr.ret < 0 ? o->hdr.ret : (int64_t)o->fields.num;
}

enum { MODE_EXEC = 0111, ACCESS_MODE = 3 };
#define OPEN_PATH 010000000u
#define OPEN_TMPFILE 020000000u /* __O_TMPFILE */

// clang-format off
void fields_open(struct decode *d, uint32_t id)
{
	const struct wire_open *o = &d->rec.open;
	uint64_t flags = o->fields.flags, access = flags & OPEN_PATH ? ACCESS_MODE : flags & ACCESS_MODE;
	struct event *e = &d->event;

	switch (id) {
	case FIELD_file_open_flags_str: value_flags(d, id, FLAGS_OPEN, flags); return;
	case FIELD_file_open_flags: event_set_u64(e, id, flags); return;
	case FIELD_file_open_mode_str: value_octal(d, id, o->fields.mode); return;
	case FIELD_file_open_mode: event_set_u64(e, id, o->fields.mode); return;
	case FIELD_file_open_is_read: event_set_u64(e, id, access == 0 || access == 2); return;
	case FIELD_file_open_is_write: event_set_u64(e, id, access == 1 || access == 2); return;
	case FIELD_file_open_is_create: event_set_u64(e, id, o->created != 0); return;
	case FIELD_file_open_is_exec:
		event_set_u64(e, id, (o->created || flags & OPEN_TMPFILE) && o->fields.mode & MODE_EXEC);
		return;
	case FIELD_file_open_arg_name: value_str(d, id, open_joined(d)); return;
	case FIELD_file_open_arg_fd: value_fd(d, id, opened_fd(o), open_letter(d), open_path(d)); return;
	case FIELD_file_open_arg_dirfd: set_dirfd(d, id); return;
	default: fill_file(d, id); return;
	}
}

/* memory files */

void fields_memfd(struct decode *d, uint32_t id)
{
	static const char prefix[] = "memfd:";
	struct proc_str name = d->rec.seg[SEG_ONLY];
	struct event *e = &d->event;

	switch (id) {
	case FIELD_memfd_create_num: event_set_i64(e, id, (int64_t)d->rec.memfd.fields.num); return;
	case FIELD_memfd_create_arg_name:
		if (name.len >= sizeof prefix - 1 && !memcmp(name.p, prefix, sizeof prefix - 1))
			event_set_str(e, id, name.p + sizeof prefix - 1, name.len - (sizeof prefix - 1));
		return;
	case FIELD_memfd_create_fd_name: value_str(d, id, name); return;
	case FIELD_memfd_create_typechar: event_set_str(e, id, "m", 1); return;
	case FIELD_memfd_create_flags_str: value_flags(d, id, FLAGS_MEMFD, d->rec.memfd.fields.flags); return;
	case FIELD_memfd_create_flags: event_set_u64(e, id, d->rec.memfd.fields.flags); return;
	}
}

/* types about names */

void fields_rename(struct decode *d, uint32_t id)
{
	uint64_t flags = d->rec.rename.fields.flags;

	switch (id) {
	case FIELD_file_rename_oldpath: case FIELD_file_rename_source: value_str(d, id, joined(d, 0, false)); return;
	case FIELD_file_rename_newpath: case FIELD_file_rename_target: value_str(d, id, joined(d, 1, false)); return;
	case FIELD_file_rename_source_raw: value_str(d, id, raw(d, 0)); return;
	case FIELD_file_rename_target_raw: value_str(d, id, raw(d, 1)); return;
	case FIELD_file_rename_arg_flags: if (d->call == CALL_renameat2) value_flags(d, id, FLAGS_RENAME, flags); return;
	case FIELD_file_rename_flags: event_set_u64(&d->event, id, flags); return;
	}
}

void fields_link(struct decode *d, uint32_t id)
{
	enum { AT_EMPTY_PATH_BIT = 0x1000 };
	uint64_t flags = d->rec.link.fields.flags;

	switch (id) {
	case FIELD_file_link_oldpath: case FIELD_file_link_target:
		value_str(d, id, joined(d, 0, d->call == CALL_linkat && flags & AT_EMPTY_PATH_BIT));
		return;
	case FIELD_file_link_newpath: case FIELD_file_link_source: value_str(d, id, joined(d, 1, false)); return;
	case FIELD_file_link_target_raw: value_str(d, id, raw(d, 0)); return;
	case FIELD_file_link_source_raw: value_str(d, id, raw(d, 1)); return;
	case FIELD_file_link_arg_flags: if (d->call == CALL_linkat) value_flags(d, id, FLAGS_AT, flags); return;
	case FIELD_file_link_flags: event_set_u64(&d->event, id, flags); return;
	}
}

void fields_symlink(struct decode *d, uint32_t id)
{
	switch (id) {
	case FIELD_file_symlink_arg_target: case FIELD_file_symlink_target: case FIELD_file_symlink_target_raw:
		value_str(d, id, raw(d, 0));
		return;
	case FIELD_file_symlink_linkpath: case FIELD_file_symlink_source: value_str(d, id, joined(d, 1, false)); return;
	case FIELD_file_symlink_source_raw: value_str(d, id, raw(d, 1)); return;
	}
}

void fields_unlink(struct decode *d, uint32_t id)
{
	uint64_t flags = d->rec.unlink.fields.flags;
	bool at = d->call == CALL_unlinkat;

	switch (id) {
	case FIELD_file_unlink_path: if (!at) value_str(d, id, joined(d, 0, false)); return;
	case FIELD_file_unlink_arg_name: if (at) value_str(d, id, joined(d, 0, false)); return;
	case FIELD_file_unlink_path_name: value_str(d, id, joined(d, 0, false)); return;
	case FIELD_file_unlink_path_nameraw: value_str(d, id, raw(d, 0)); return;
	case FIELD_file_unlink_arg_flags: if (at) value_flags(d, id, FLAGS_UNLINK, flags); return;
	case FIELD_file_unlink_flags: event_set_u64(&d->event, id, flags); return;
	}
}

void fields_mkdir(struct decode *d, uint32_t id)
{
	switch (id) {
	case FIELD_file_mkdir_path: case FIELD_file_mkdir_path_name: value_str(d, id, joined(d, 0, false)); return;
	case FIELD_file_mkdir_path_nameraw: value_str(d, id, raw(d, 0)); return;
	case FIELD_file_mkdir_mode_str: value_octal(d, id, d->rec.mkdir.fields.mode); return;
	case FIELD_file_mkdir_mode: event_set_u64(&d->event, id, d->rec.mkdir.fields.mode); return;
	}
}

void fields_chmod(struct decode *d, uint32_t id)
{
	bool fd = d->call == CALL_fchmod, own = fd || d->call == CALL_fchmodat2;
	int64_t num = (int64_t)d->rec.chmod.fields.fd_num;
	struct event *e = &d->event;

	switch (id) {
	case FIELD_file_chmod_filename: case FIELD_file_chmod_arg_name:
		if (!fd)
			value_str(d, id, joined(d, 0, own));
		return;
	case FIELD_file_chmod_path_name: value_str(d, id, joined(d, 0, own)); return;
	case FIELD_file_chmod_arg_fd: if (fd) value_fd(d, id, num, "f", joined(d, 0, own)); return;
	case FIELD_file_chmod_fd_num: if (fd) event_set_i64(e, id, num); return;
	case FIELD_file_chmod_fd_name: if (fd) value_str(d, id, joined(d, 0, own)); return;
	case FIELD_file_chmod_path_nameraw: value_str(d, id, raw(d, 0)); return;
	case FIELD_file_chmod_mode_str: value_flags(d, id, FLAGS_MODE, d->rec.chmod.fields.mode); return;
	case FIELD_file_chmod_mode: event_set_u64(e, id, d->rec.chmod.fields.mode); return;
	}
}
// clang-format on
