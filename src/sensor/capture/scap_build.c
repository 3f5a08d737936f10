/* SPDX-License-Identifier: Apache-2.0 */
/* scap_build: records as the kernel side would have sent them. */
#include "sensor/capture/scap.h"

enum { NAME_MAX_BYTES = 2048 };

void build_begin(struct scap *s, enum wire_kind kind, size_t fixed, const struct task *main, const struct task *t,
		 uint64_t now_ns)
{
	memset(&s->rec, 0, fixed);
	s->rec_len = fixed;
	s->rec.hdr = (struct wire_hdr){ .kind = (uint16_t)kind,
					.time_ns = now_ns,
					.pid = main->pid,
					.tid = t->tid,
					.start_ns = main->start_ns,
					.syscall = UINT32_MAX,
					.flags = main->caps_known ? 0 : WIRE_NO_CAPS,
					.uid = main->uid,
					.gid = main->gid,
					.cap_inheritable = main->caps[0],
					.cap_permitted = main->caps[1],
					.cap_effective = main->caps[2] };
	memcpy(s->rec.hdr.comm, main->comm, sizeof s->rec.hdr.comm);
}

void build_text(struct scap *s, struct wire_seg *seg, const char *p, size_t len, size_t max)
{
	size_t room = WIRE_RECORD_MAX - s->rec_len;

	*seg = (struct wire_seg){ 0 };
	max = max < room ? max : room;
	if (len > max) {
		len = max;
		seg->flags = WIRE_SEG_CUT;
	}
	if (len)
		memcpy(s->rec.bytes + s->rec_len, p, len);
	seg->len = (uint16_t)len;
	s->rec_len += len;
}

void build_path(struct scap *s, struct wire_seg *seg, const char *path, size_t len)
{
	size_t room = WIRE_RECORD_MAX - s->rec_len;

	*seg = (struct wire_seg){ .flags = WIRE_SEG_CUT };
	if (!path)
		return;
	seg->len = (uint16_t)path_names(path, len, s->rec.bytes + s->rec_len,
					room < WIRE_PATH_BYTES ? room : WIRE_PATH_BYTES, &seg->flags);
	s->rec_len += seg->len;
}

static void build_exe(struct scap *s, const struct task *main)
{
	struct wire_exec *e = &s->rec.exec;

	if (!main->exe) {
		build_path(s, &e->exe, NULL, 0);
	} else if (main->exe_memfd) {
		const char *slash = memrchr(main->exe->s, '/', main->exe->len),
			   *name = slash ? slash + 1 : main->exe->s;

		build_text(s, &e->exe, name, strlen(name) + 1, NAME_MAX_BYTES);
		s->rec.bytes[s->rec_len - 1] = 0;
		e->exe.flags = WIRE_SEG_MEMFD;
	} else {
		build_path(s, &e->exe, main->exe->s, main->exe->len);
	}
	if (main->exe_deleted)
		e->exe.flags |= WIRE_SEG_DELETED;
}

/* Strings, each NUL-terminated. */
static void build_strings(struct scap *s, struct wire_seg *seg, const struct text *t, size_t max)
{
	if (!t || !t->len)
		return;
	build_text(s, seg, t->s, t->len, max);
	if (seg->len)
		s->rec.bytes[s->rec_len - 1] = 0;
}

void build_exec(struct scap *s, enum wire_kind kind, const struct task *main, const struct task *t, uint64_t now_ns,
		const struct text *filename)
{
	struct wire_exec *e = &s->rec.exec;
	struct task *parent = main->ppid ? task_find(s, main->ppid) : NULL,
		    *leader = main->sid ? task_find(s, main->sid) : NULL;

	build_begin(s, kind, sizeof *e, main, t, now_ns);
	e->fields.exe_nlink = main->exe != NULL && !main->exe_deleted;
	e->exe_ino = main->exe_ino;
	e->exe_ctime_ns = main->exe_ctime_ns;
	e->exe_mtime_ns = main->exe_mtime_ns;
	e->exe_flags = main->exe_flags;
	e->exe_uid = UINT32_MAX;
	e->vpid = main->vpid;
	e->pgid = main->pgid;
	e->vpgid = main->vpgid;
	e->ppid = main->ppid;
	e->parent_start_ns = parent ? parent->start_ns : 0;
	e->sid = main->sid;
	e->sid_start_ns = leader ? leader->start_ns : 0;
	e->loginuid = main->loginuid;
	e->tty = main->tty;
	for (uint32_t i = 0; i < main->n_fds && main->fds[i].w.fd < WIRE_TASK_FDS; i++)
		e->fds[e->n_fds++] = main->fds[i].w;
	build_exe(s, main);
	build_path(s, &e->cwd, main->cwd ? main->cwd->s : NULL, main->cwd ? main->cwd->len : 0);
	if (filename) {
		build_text(s, &e->filename, filename->s, filename->len, NAME_MAX_BYTES);
		build_text(s, &e->interp, filename->s, filename->len, NAME_MAX_BYTES);
	}
	build_strings(s, &e->args, main->args, WIRE_ARGS_BYTES);
	build_strings(s, &e->env, main->env, WIRE_ENV_BYTES);
	if (main->cgroup)
		build_path(s, &e->cgroup, main->cgroup->s, main->cgroup->len);
}

void build_asked(struct scap *s, struct wire_path *at, struct view raw, const struct text *dir)
{
	build_text(s, &at->raw, (const char *)raw.p, raw.len, WIRE_PATH_BYTES);
	if (raw.len && raw.p[0] == '/')
		build_path(s, &at->dir, "/", 1);
	else
		build_path(s, &at->dir, dir ? dir->s : NULL, dir ? dir->len : 0);
}

void build_end(struct scap *s)
{
	s->rec.hdr.bytes = (uint32_t)s->rec_len;
}
