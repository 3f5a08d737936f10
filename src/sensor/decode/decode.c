/* SPDX-License-Identifier: Apache-2.0 */
/* decode: what each kind of record changes, and which event it makes. */
#include "sensor/decode/parts.h"

#define SWEEP_NS 100000000ull

static void on_drop(void *user, struct proc *p)
{
	struct decode *d = user;

	ipc_forget(d->ipc, p);
}

static void on_chain(void *user, const struct ipc_chain *c)
{
	struct decode *d = user;

	d->chain = c;
	fields_emit(d, TEMPLATE_TYPE_ipc_pipe, c->reader);
	d->chain = NULL;
}

/* Field ids are of this build's table: another one must begin with the same. */
static bool extends_builtin(const struct template_table *t)
{
	if (t->n_types < template_builtin.n_types || t->common.n < template_builtin.common.n)
		return false;
	for (uint32_t i = 0; i < template_builtin.n_types; i++)
		if (strcmp(t->types[i].name, template_builtin.types[i].name) ||
		    t->types[i].own.n < template_builtin.types[i].own.n)
			return false;
	return true;
}

FALLIBLE decode_new(const struct decode_opts *o, struct decode **out)
{
	struct decode *d;
	enum err err;

	if (!o->table || !o->emit || !extends_builtin(o->table))
		return E_INVALID;
	d = calloc(1, sizeof *d);
	if (!d)
		return E_NOMEM;
	d->table = o->table;
	d->boot_to_wall_ns = o->boot_to_wall_ns;
	d->names = o->names;
	d->emit = o->emit;
	d->emit_user = o->emit_user;
	d->late = o->late;
	event_init(&d->event, o->table);
	err = proc_table_new(&d->procs);
	if (!err)
		err = ipc_new(on_chain, d, &d->ipc);
	if (!err && o->passwd)
		err = users_new(o->passwd, o->passwd_len, &d->users);
	if (err) {
		decode_free(d);
		return err;
	}
	proc_table_on_drop(d->procs, on_drop, d);
	decode_set_wants(d, o->types, o->wants, o->wants_user);
	*out = d;
	return E_OK;
}

void decode_free(struct decode *d)
{
	if (!d)
		return;
	ipc_free(d->ipc); /* before the processes, which point to its nodes */
	if (d->procs)
		proc_table_on_drop(d->procs, NULL, NULL);
	proc_table_free(d->procs);
	users_free(d->users);
	free(d);
}

static void want_section(struct decode *d, uint32_t type, uint32_t first_id, uint32_t n,
			 bool (*wants)(void *, uint32_t, uint32_t), void *user)
{
	for (uint32_t id = first_id; id < first_id + n; id++)
		if (!wants || wants(user, type, id))
			d->used[type][id / 64] |= 1ull << (id % 64);
}

void decode_set_wants(struct decode *d, uint64_t types, bool (*wants)(void *, uint32_t, uint32_t), void *user)
{
	d->types = types;
	memset(d->used, 0, sizeof d->used);
	for (uint32_t i = 0; i < TEMPLATE_N_TYPES; i++) {
		want_section(d, i, 0, template_builtin.common.n, wants, user);
		want_section(d, i, TEMPLATE_CAP, template_builtin.types[i].own.n, wants, user);
	}
}

/* What is known of a process that the table has no room for. */
static struct proc *stray(struct decode *d)
{
	const struct wire_hdr *h = &d->rec.hdr;

	d->stray =
		(struct proc){ .key = { h->pid, h->start_ns }, .uid = h->uid, .gid = h->gid, .loginuid = UINT32_MAX };
	memcpy(d->stray.comm, h->comm, WIRE_COMM);
	return &d->stray;
}

static void apply_fork(struct decode *d)
{
	struct proc *child = proc_on_fork(d->procs, &d->rec.fork), *parent;

	parent = proc_find(d->procs, (struct proc_key){ d->rec.hdr.pid, d->rec.hdr.start_ns });
	if (child && parent)
		ipc_on_fork(d->ipc, parent, child);
}

static void apply_exec(struct decode *d)
{
	struct record *r = &d->rec;
	bool live = r->hdr.kind == WIRE_EXEC;
	struct proc_exec_strs s = {
		.cwd = record_path(r->seg[SEG_CWD], r->seg_flags[SEG_CWD], d->cwd_text),
		.filename = r->seg[SEG_FILENAME],
		.interp = r->seg[SEG_INTERP],
		.cgroup = { r->seg[SEG_CGROUP].p, (uint32_t)strnlen(r->seg[SEG_CGROUP].p, r->seg[SEG_CGROUP].len) },
		.args = r->seg[SEG_ARGS].p,
		.args_len = r->seg[SEG_ARGS].len,
		.exe_memfd = r->seg_flags[SEG_EXE] & WIRE_SEG_MEMFD,
		.exe_deleted = r->seg_flags[SEG_EXE] & WIRE_SEG_DELETED,
	};
	struct proc *p;

	if (r->seg[SEG_EXE].len) /* a kernel thread has none, and / is no program */
		s.exe_path = record_path(r->seg[SEG_EXE], r->seg_flags[SEG_EXE], d->path_text);
	p = proc_on_exec(d->procs, &r->exec, &s);
	if (live)
		fields_emit(d, TEMPLATE_TYPE_process_exec, p ? p : stray(d));
	if (p)
		ipc_on_exec(d->ipc, p, r->exec.fds, r->exec.n_fds, !live);
}

static void apply_exit(struct decode *d)
{
	struct proc *p = proc_on_exit(d->procs, &d->rec.exit);

	fields_emit(d, TEMPLATE_TYPE_process_exit, p ? p : stray(d));
	if (p)
		ipc_on_exit(d->ipc, p);
}

static void apply_memfd(struct decode *d)
{
	enum { MFD_CLOEXEC_BIT = 1 };
	struct proc *p = proc_of(d->procs, &d->rec.hdr);

	fields_emit(d, TEMPLATE_TYPE_memfd_create, p ? p : stray(d));
	if (p)
		proc_on_memfd(p, (int64_t)d->rec.memfd.fields.num, d->rec.memfd.fields.flags & MFD_CLOEXEC_BIT);
}

/* A descriptor was made that replaces whatever the tables have under its number. */
static void open_fd(struct decode *d, struct proc *p)
{
	const struct wire_open *o = &d->rec.open;
	bool fifo = o->file.kind == WIRE_FD_FIFO;

	if (d->rec.seg_flags[SEG_ONLY] & WIRE_SEG_MEMFD) /* one that was opened again through /proc */
		proc_on_memfd(p, (int64_t)o->fields.num, o->file.flags & WIRE_FD_CLOEXEC);
	else
		proc_on_fd(p, (int64_t)o->fields.num);
	if (!fifo && !p->ipc)
		return;
	if (fifo && !d->path.len)
		d->path = record_path(d->rec.seg[SEG_ONLY], d->rec.seg_flags[SEG_ONLY], d->path_text);
	ipc_on_open(d->ipc, p, &o->file, fifo ? d->path.p : NULL);
}

static void apply_open(struct decode *d)
{
	struct proc *p = proc_of(d->procs, &d->rec.hdr);

	d->path = (struct proc_str){ "", 0 };
	fields_emit(d, TEMPLATE_TYPE_file_open, p ? p : stray(d));
	if (p && d->rec.hdr.ret >= 0)
		open_fd(d, p);
}

static void apply_connect(struct decode *d)
{
	struct proc *p = proc_of(d->procs, &d->rec.hdr);
	struct proc_str name = d->rec.seg[SEG_ONLY];
	char path[256] = "";

	fields_emit(d, TEMPLATE_TYPE_net_connect, p ? p : stray(d));
	if (!p)
		return;
	if (name.len && name.len < sizeof path) {
		memcpy(path, name.p, name.len);
		path[0] = path[0] ? path[0] : '@';
	}
	ipc_on_connect(d->ipc, p, &d->rec.connect.sock, path);
}

static void apply_fds(struct decode *d)
{
	struct proc *p = proc_of(d->procs, &d->rec.hdr);

	if (!p)
		return;
	for (uint32_t i = 0; i < d->rec.fds.n_fds; i++)
		proc_on_fd(p, d->rec.fds.fds[i].fd);
	ipc_on_fds(d->ipc, p, &d->rec.fds);
}

static void apply_chdir(struct decode *d)
{
	if (d->rec.hdr.ret >= 0)
		proc_on_chdir(d->procs, &d->rec.hdr,
			      record_path(d->rec.seg[SEG_ONLY], d->rec.seg_flags[SEG_ONLY], d->cwd_text));
}

static void apply(struct decode *d)
{
	switch ((enum wire_kind)d->rec.hdr.kind) {
	case WIRE_FORK:
		apply_fork(d);
		return;
	case WIRE_EXEC:
	case WIRE_TASK:
		apply_exec(d);
		return;
	case WIRE_EXIT:
		apply_exit(d);
		return;
	case WIRE_MEMFD:
		apply_memfd(d);
		return;
	case WIRE_OPEN:
		apply_open(d);
		return;
	case WIRE_CONNECT:
		apply_connect(d);
		return;
	case WIRE_FDS:
		apply_fds(d);
		return;
	case WIRE_CHDIR:
		apply_chdir(d);
		return;
	default:
		return;
	}
}

FALLIBLE decode_record(struct decode *d, struct view rec)
{
	enum err err = record_read(rec, &d->rec);
	uint64_t now_ns = d->rec.hdr.time_ns;

	d->stats.records++;
	if (err) {
		d->stats.malformed++;
		return err;
	}
	apply(d);
	if (now_ns >= d->next_sweep_ns) {
		d->next_sweep_ns = now_ns + SWEEP_NS;
		proc_sweep(d->procs, now_ns < DECODE_LINGER_NS ? 0 : now_ns - DECODE_LINGER_NS);
	}
	return E_OK;
}

FALLIBLE decode_set_cmdline(struct decode *d, uint32_t pid, const char *bytes, size_t len)
{
	return proc_set_args(d->procs, pid, bytes, len < WIRE_ARGS_BYTES ? (uint32_t)len : WIRE_ARGS_BYTES);
}

void decode_stats(const struct decode *d, struct decode_stats *out)
{
	*out = d->stats;
	out->procs = proc_count(d->procs);
	out->procs_refused = proc_refused(d->procs);
	out->ipc_cut = ipc_cut(d->ipc);
}

struct proc_table *decode_procs(struct decode *d)
{
	return d->procs;
}
