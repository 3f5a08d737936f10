/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scap_call: events about names, and about numbers: other processes, ids, namespaces, the kernel. Numbers and
 * parameters as in scap_event.c; flags, requests and modes: driver/ppm_events_public.h.
 */
#include "sensor/capture/scap_param.h"

enum type {
	MKDIR_X = 99,
	RMDIR_X = 101,
	LINK_X = 105,
	LINKAT_X = 107,
	UNLINK_X = 109,
	UNLINKAT_X = 111,
	PTRACE_X = 169,
	RENAME_X = 175,
	RENAMEAT_X = 177,
	SYMLINK_X = 179,
	SYMLINKAT_X = 181,
	SETRESUID_X = 193,
	SETRESGID_X = 195,
	SETUID_X = 199,
	SETGID_X = 201,
	SETNS_X = 241,
	MKDIR_2_X = 277,
	RMDIR_2_X = 279,
	UNSHARE_X = 285,
	BPF_X = 297,
	UNLINK_2_X = 301,
	UNLINKAT_2_X = 303,
	MKDIRAT_X = 305,
	LINK_2_X = 309,
	LINKAT_2_X = 311,
	FCHMODAT_X = 313,
	CHMOD_X = 315,
	FCHMOD_X = 317,
	RENAMEAT2_X = 319,
	USERFAULTFD_X = 321,
	CAPSET_X = 353,
	BPF_2_X = 369,
	INIT_MODULE_X = 411,
	FINIT_MODULE_X = 413,
	SETREUID_X = 427,
	SETREGID_X = 429,
};

/* x86-64, as a record's syscall says it. */
enum {
	NR_RENAME = 82,
	NR_MKDIR = 83,
	NR_RMDIR = 84,
	NR_LINK = 86,
	NR_UNLINK = 87,
	NR_SYMLINK = 88,
	NR_CHMOD = 90,
	NR_FCHMOD = 91,
	NR_PTRACE = 101,
	NR_SETUID = 105,
	NR_SETGID = 106,
	NR_SETREUID = 113,
	NR_SETREGID = 114,
	NR_SETRESUID = 117,
	NR_SETRESGID = 119,
	NR_CAPSET = 126,
	NR_INIT_MODULE = 175,
	NR_MKDIRAT = 258,
	NR_UNLINKAT = 263,
	NR_RENAMEAT = 264,
	NR_LINKAT = 265,
	NR_SYMLINKAT = 266,
	NR_FCHMODAT = 268,
	NR_UNSHARE = 272,
	NR_SETNS = 308,
	NR_FINIT_MODULE = 313,
	NR_RENAMEAT2 = 316,
	NR_BPF = 321,
	NR_USERFAULTFD = 323,
};

static void begin(struct scap *s, enum wire_kind kind, size_t fixed, const struct task *main, const struct task *t,
		  const struct sevent *e, uint32_t nr)
{
	build_begin(s, kind, fixed, main, t, e->ts);
	s->rec.hdr.ret = num(e, 0);
	s->rec.hdr.syscall = nr;
}

/*
 * Where a call has its names and the descriptors that they start from; -1: nowhere. old: all of them are in the entry,
 * numbers by their place and names in order.
 */
struct names_layout {
	uint16_t type, nr;
	uint8_t kind; /* enum wire_kind */
	bool old;
	int8_t dirfd, name, dirfd2, name2;
	int8_t flags; /* or the mode */
};

static const struct names_layout names_layouts[] = {
	{ MKDIR_X, NR_MKDIR, WIRE_MKDIR, true, -1, 0, -1, -1, 1 },
	{ MKDIR_2_X, NR_MKDIR, WIRE_MKDIR, false, -1, 1, -1, -1, 2 },
	{ MKDIRAT_X, NR_MKDIRAT, WIRE_MKDIR, false, 1, 2, -1, -1, 3 },
	{ RMDIR_X, NR_RMDIR, WIRE_UNLINK, true, -1, 0, -1, -1, -1 },
	{ RMDIR_2_X, NR_RMDIR, WIRE_UNLINK, false, -1, 1, -1, -1, -1 },
	{ UNLINK_X, NR_UNLINK, WIRE_UNLINK, true, -1, 0, -1, -1, -1 },
	{ UNLINK_2_X, NR_UNLINK, WIRE_UNLINK, false, -1, 1, -1, -1, -1 },
	{ UNLINKAT_X, NR_UNLINKAT, WIRE_UNLINK, true, 0, 1, -1, -1, -1 },
	{ UNLINKAT_2_X, NR_UNLINKAT, WIRE_UNLINK, false, 1, 2, -1, -1, 3 },
	{ LINK_X, NR_LINK, WIRE_LINK, true, -1, 0, -1, 1, -1 },
	{ LINK_2_X, NR_LINK, WIRE_LINK, false, -1, 1, -1, 2, -1 },
	{ LINKAT_X, NR_LINKAT, WIRE_LINK, true, 0, 1, 2, 3, -1 },
	{ LINKAT_2_X, NR_LINKAT, WIRE_LINK, false, 1, 2, 3, 4, 5 },
	{ SYMLINK_X, NR_SYMLINK, WIRE_SYMLINK, false, -1, 1, -1, 2, -1 },
	{ SYMLINKAT_X, NR_SYMLINKAT, WIRE_SYMLINK, false, -1, 1, 2, 3, -1 },
	{ RENAME_X, NR_RENAME, WIRE_RENAME, false, -1, 1, -1, 2, -1 },
	{ RENAMEAT_X, NR_RENAMEAT, WIRE_RENAME, false, 1, 2, 3, 4, -1 },
	{ RENAMEAT2_X, NR_RENAMEAT2, WIRE_RENAME, false, 1, 2, 3, 4, 5 },
	{ CHMOD_X, NR_CHMOD, WIRE_CHMOD, false, -1, 1, -1, -1, 2 },
	{ FCHMODAT_X, NR_FCHMODAT, WIRE_CHMOD, false, 1, 2, -1, -1, 3 },
};

/* Names of a call, and its flags or mode. */
struct names {
	struct view raw[2];
	const struct text *dir[2];
	uint64_t flags;
};

static int64_t dirfd_of(const struct task *t, const struct sevent *e, bool old, int at)
{
	if (at < 0)
		return PPM_AT_FDCWD;
	return old ? t->enter.num[at] : num(e, (uint32_t)at);
}

static struct names names_of(const struct task *main, const struct task *t, const struct sevent *e,
			     const struct names_layout *l)
{
	struct names n = { .flags = 0 };

	n.dir[0] = base_of(main, dirfd_of(t, e, l->old, l->dirfd));
	n.dir[1] = base_of(main, dirfd_of(t, e, l->old, l->dirfd2));
	n.raw[0] = l->old ? enter_str(t->enter.name) : str(e, (uint32_t)l->name);
	n.raw[1] = l->old ? enter_str(t->enter.name2) : l->name2 < 0 ? view_of(NULL, 0) : str(e, (uint32_t)l->name2);
	if (l->flags >= 0)
		n.flags = l->old ? (uint32_t)t->enter.num[l->flags] : unum32(e, (uint32_t)l->flags);
	return n;
}

static enum event_result on_names(struct scap *s, struct task *t, const struct sevent *e)
{
	struct task *main = task_main(s, t, e->ts);
	const struct names_layout *l = names_layouts;
	struct names n;

	while (l->type != e->type)
		l++;
	if (!main || (l->old && !t->enter.type))
		return EVENT_SKIPPED;
	n = names_of(main, t, e, l);
	if (l->kind == WIRE_MKDIR) {
		begin(s, WIRE_MKDIR, sizeof s->rec.mkdir, main, t, e, l->nr);
		s->rec.mkdir.fields.mode = n.flags;
		build_asked(s, &s->rec.mkdir.path, n.raw[0], n.dir[0]);
	} else if (l->kind == WIRE_UNLINK) {
		begin(s, WIRE_UNLINK, sizeof s->rec.unlink, main, t, e, l->nr);
		s->rec.unlink.fields.flags = n.flags;
		build_asked(s, &s->rec.unlink.path, n.raw[0], n.dir[0]);
	} else if (l->kind == WIRE_CHMOD) {
		begin(s, WIRE_CHMOD, sizeof s->rec.chmod, main, t, e, l->nr);
		s->rec.chmod.fields.mode = n.flags;
		build_asked(s, &s->rec.chmod.path, n.raw[0], n.dir[0]);
	} else if (l->kind == WIRE_LINK) {
		begin(s, WIRE_LINK, sizeof s->rec.link, main, t, e, l->nr);
		s->rec.link.fields.flags = n.flags;
		build_asked(s, &s->rec.link.from, n.raw[0], n.dir[0]);
		build_asked(s, &s->rec.link.to, n.raw[1], n.dir[1]);
	} else if (l->kind == WIRE_SYMLINK) {
		begin(s, WIRE_SYMLINK, sizeof s->rec.symlink, main, t, e, l->nr);
		build_asked(s, &s->rec.symlink.from, n.raw[0], NULL);
		build_asked(s, &s->rec.symlink.to, n.raw[1], n.dir[1]);
	} else {
		begin(s, WIRE_RENAME, sizeof s->rec.rename, main, t, e, l->nr);
		s->rec.rename.fields.flags = n.flags;
		build_asked(s, &s->rec.rename.from, n.raw[0], n.dir[0]);
		build_asked(s, &s->rec.rename.to, n.raw[1], n.dir[1]);
	}
	return EVENT_RECORD;
}

static enum event_result on_fchmod(struct scap *s, struct task *t, const struct sevent *e)
{
	struct task *main = task_main(s, t, e->ts);
	const struct sfd *f;

	if (!main)
		return EVENT_SKIPPED;
	f = num(e, 1) < 0 ? NULL : fd_find(main, (uint64_t)num(e, 1));
	begin(s, WIRE_CHMOD, sizeof s->rec.chmod, main, t, e, NR_FCHMOD);
	s->rec.chmod.fields.fd_num = (uint64_t)num(e, 1);
	s->rec.chmod.fields.mode = unum32(e, 2);
	build_asked(s, &s->rec.chmod.path, view_of(NULL, 0), f ? f->path : NULL);
	return EVENT_RECORD;
}

/* PPM_PTRACE_*, by their number, and what they are to Linux (include/uapi/linux/ptrace.h). */
static uint64_t ptrace_request(int64_t ppm)
{
	static const uint16_t requests[] = {
		[1] = 0,       [2] = 1,       [3] = 2,       [4] = 3,       [5] = 4,       [6] = 5,       [7] = 6,
		[8] = 7,       [9] = 8,       [10] = 9,      [11] = 16,     [12] = 17,     [13] = 24,     [14] = 0x4200,
		[15] = 0x4201, [16] = 0x4202, [17] = 0x4203, [18] = 0x4204, [19] = 0x4205, [20] = 0x4206, [21] = 0x4207,
		[22] = 0x4208, [23] = 0x4209, [24] = 0x420a, [25] = 0x420b, [26] = 12,     [27] = 13,     [28] = 14,
		[29] = 15,     [30] = 18,     [31] = 19,     [32] = 21,     [33] = 25,     [34] = 26,     [35] = 30,
		[36] = 31,     [37] = 32,     [38] = 33,
	};

	return ppm > 0 && (size_t)ppm < countof(requests) ? requests[ppm] : UINT32_MAX;
}

static enum event_result on_ptrace(struct scap *s, struct task *t, const struct sevent *e)
{
	struct task *main = task_main(s, t, e->ts);

	if (!main || (e->n < 5 && !t->enter.type))
		return EVENT_SKIPPED;
	begin(s, WIRE_PTRACE, sizeof s->rec.ptrace, main, t, e, NR_PTRACE);
	s->rec.ptrace.fields.request = ptrace_request(num_of_call(e, 3, t, 0));
	s->rec.ptrace.fields.pid = (uint64_t)num_of_call(e, 4, t, 1);
	return EVENT_RECORD;
}

/* Calls that set an id: which parameter is the effective one. */
struct id_layout {
	uint16_t type, nr;
	uint8_t at;
	bool group;
};

static const struct id_layout id_layouts[] = {
	{ SETUID_X, NR_SETUID, 1, false },      { SETRESUID_X, NR_SETRESUID, 2, false },
	{ SETREUID_X, NR_SETREUID, 2, false },  { SETGID_X, NR_SETGID, 1, true },
	{ SETRESGID_X, NR_SETRESGID, 2, true }, { SETREGID_X, NR_SETREGID, 2, true },
};

static enum event_result on_setid(struct scap *s, struct task *t, const struct sevent *e)
{
	struct task *main = task_main(s, t, e->ts);
	const struct id_layout *l = id_layouts;
	uint32_t id;

	while (l->type != e->type)
		l++;
	if (!main || (e->n < 2 && !t->enter.type))
		return EVENT_SKIPPED;
	id = (uint32_t)num_of_call(e, l->at, t, l->at - 1u);
	if (!num(e, 0) && id != UINT32_MAX)
		*(l->group ? &main->gid : &main->uid) = id;
	begin(s, WIRE_CREDS, sizeof s->rec.creds, main, t, e, l->nr);
	if (l->group)
		s->rec.creds.fields.gid = id;
	else
		s->rec.creds.fields.uid = id;
	return EVENT_RECORD;
}

static enum event_result on_capset(struct scap *s, struct task *t, const struct sevent *e)
{
	struct task *main = task_main(s, t, e->ts);

	if (!main)
		return EVENT_SKIPPED;
	for (uint32_t i = 0; !num(e, 0) && e->n >= 4 && i < 3; i++) {
		main->caps[i] = (uint64_t)num(e, 1 + i);
		main->caps_known = true;
	}
	begin(s, WIRE_CREDS, sizeof s->rec.creds, main, t, e, NR_CAPSET);
	return EVENT_RECORD;
}

/* PPM_CL_*, of which setns and unshare take these. */
static uint64_t clone_flags(uint64_t ppm)
{
	static const struct {
		uint32_t ppm, flag;
	} table[] = {
		{ 1 << 0, 0x400 },       { 1 << 1, 0x200 },      { 1 << 3, 0x08000000 }, { 1 << 4, 0x40000000 },
		{ 1 << 5, 0x00020000 },  { 1 << 6, 0x20000000 }, { 1 << 7, 0x04000000 }, { 1 << 11, 0x800 },
		{ 1 << 12, 0x40000 },    { 1 << 13, 0x10000 },   { 1 << 15, 0x100 },     { 1 << 20, 0x10000000 },
		{ 1 << 28, 0x02000000 },
	};
	uint64_t out = 0;

	for (size_t i = 0; i < countof(table); i++)
		if (ppm & table[i].ppm)
			out |= table[i].flag;
	return out;
}

static void put_fd_path(struct scap *s, struct wire_seg *seg, const struct task *main, int64_t fd)
{
	const struct sfd *f = fd < 0 ? NULL : fd_find(main, (uint64_t)fd);

	build_path(s, seg, f && f->path ? f->path->s : NULL, f && f->path ? f->path->len : 0);
}

static enum event_result on_namespace(struct scap *s, struct task *t, const struct sevent *e)
{
	struct task *main = task_main(s, t, e->ts);
	bool setns = e->type == SETNS_X;

	if (!main || (e->n < 2 && !t->enter.type))
		return EVENT_SKIPPED;
	begin(s, WIRE_NAMESPACE, sizeof s->rec.namespace, main, t, e, setns ? NR_SETNS : NR_UNSHARE);
	s->rec.namespace.fields.flags =
		clone_flags((uint32_t)(setns ? num_of_call(e, 2, t, 1) : num_of_call(e, 1, t, 0)));
	if (setns) {
		s->rec.namespace.fields.fd_num = (uint64_t)num_of_call(e, 1, t, 0);
		put_fd_path(s, &s->rec.namespace.path, main, num_of_call(e, 1, t, 0));
	}
	return EVENT_RECORD;
}

static enum event_result on_module(struct scap *s, struct task *t, const struct sevent *e)
{
	struct task *main = task_main(s, t, e->ts);
	bool finit = e->type == FINIT_MODULE_X;
	struct view text = str(e, finit ? 2 : 3);

	if (!main)
		return EVENT_SKIPPED;
	begin(s, WIRE_MODULE, sizeof s->rec.module, main, t, e, finit ? NR_FINIT_MODULE : NR_INIT_MODULE);
	build_text(s, &s->rec.module.text, (const char *)text.p, text.len, WIRE_PATH_BYTES);
	if (finit) {
		s->rec.module.fields.fd_num = (uint64_t)num(e, 1);
		s->rec.module.fields.flags = unum32(e, 3);
		put_fd_path(s, &s->rec.module.path, main, num(e, 1));
	} else {
		s->rec.module.fields.length = (uint64_t)num(e, 2);
	}
	return EVENT_RECORD;
}

static enum event_result on_bpf(struct scap *s, struct task *t, const struct sevent *e)
{
	struct task *main = task_main(s, t, e->ts);

	if (!main || (e->n < 2 && !t->enter.type))
		return EVENT_SKIPPED;
	begin(s, WIRE_BPF, sizeof s->rec.bpf, main, t, e, NR_BPF);
	s->rec.bpf.fields.cmd = (uint32_t)num_of_call(e, 1, t, 0);
	return EVENT_RECORD;
}

static enum event_result on_userfaultfd(struct scap *s, struct task *t, const struct sevent *e)
{
	struct task *main = task_main(s, t, e->ts);

	if (!main)
		return EVENT_SKIPPED;
	begin(s, WIRE_USERFAULTFD, sizeof s->rec.userfaultfd, main, t, e, NR_USERFAULTFD);
	s->rec.userfaultfd.fields.num = (uint64_t)num(e, 0);
	s->rec.userfaultfd.fields.flags = unum32(e, 1);
	return EVENT_RECORD;
}

// clang-format off
static const struct event_row rows[] = {
	{ MKDIR_X, 1, on_names }, { RMDIR_X, 1, on_names }, { LINK_X, 1, on_names }, { LINKAT_X, 1, on_names },
	{ UNLINK_X, 1, on_names }, { UNLINKAT_X, 1, on_names }, { PTRACE_X, 5, on_ptrace }, { RENAME_X, 3, on_names },
	{ RENAMEAT_X, 5, on_names }, { SYMLINK_X, 3, on_names }, { SYMLINKAT_X, 4, on_names }, { SETRESUID_X, 4, on_setid },
	{ SETRESGID_X, 4, on_setid }, { SETUID_X, 2, on_setid }, { SETGID_X, 2, on_setid }, { SETNS_X, 3, on_namespace },
	{ MKDIR_2_X, 3, on_names }, { RMDIR_2_X, 2, on_names }, { UNSHARE_X, 2, on_namespace }, { BPF_X, 1, on_bpf },
	{ UNLINK_2_X, 2, on_names }, { UNLINKAT_2_X, 4, on_names }, { MKDIRAT_X, 4, on_names }, { LINK_2_X, 3, on_names },
	{ LINKAT_2_X, 6, on_names }, { FCHMODAT_X, 4, on_names }, { CHMOD_X, 3, on_names }, { FCHMOD_X, 3, on_fchmod },
	{ RENAMEAT2_X, 6, on_names }, { USERFAULTFD_X, 2, on_userfaultfd }, { CAPSET_X, 4, on_capset }, { BPF_2_X, 2, on_bpf },
	{ INIT_MODULE_X, 4, on_module }, { FINIT_MODULE_X, 4, on_module }, { SETREUID_X, 3, on_setid }, { SETREGID_X, 3, on_setid },
};

static const struct enter_row enters[] = {
	{ MKDIR_X - 1, 2, 0, -1 }, { RMDIR_X - 1, 1, 0, -1 }, { LINK_X - 1, 2, 0, 1 }, { LINKAT_X - 1, 4, 1, 3 },
	{ UNLINK_X - 1, 1, 0, -1 }, { UNLINKAT_X - 1, 2, 1, -1 }, { PTRACE_X - 1, 2, -1, -1 }, { SETRESUID_X - 1, 3, -1, -1 },
	{ SETRESGID_X - 1, 3, -1, -1 }, { SETUID_X - 1, 1, -1, -1 }, { SETGID_X - 1, 1, -1, -1 }, { SETNS_X - 1, 2, -1, -1 },
	{ UNSHARE_X - 1, 1, -1, -1 }, { BPF_X - 1, 1, -1, -1 }, { BPF_2_X - 1, 1, -1, -1 },
};
// clang-format on

const struct event_table scap_call_events = { rows, countof(rows), enters, countof(enters) };
