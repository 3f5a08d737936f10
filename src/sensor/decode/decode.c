/* SPDX-License-Identifier: Apache-2.0 */
/* decode: what each kind of record changes, and which event it makes. */
#include "sensor/decode/parts.h"

#include <errno.h>

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

/* What evt.args of each type is made of. */
static void find_args(struct decode *d)
{
	static const char prefix[] = "evt.arg.";
	const size_t n = sizeof prefix - 1;

	for (uint32_t t = 0; t < TEMPLATE_N_TYPES; t++) {
		const struct template_section *own = &template_builtin.types[t].own;

		for (uint32_t i = 0; i < own->n; i++) {
			const char *name = own->fields[i].name;

			if (strncmp(name, prefix, n))
				continue;
			assert(d->n_args[t] < MAX_ARGS && "MAX_ARGS covers the table");
			d->args[t][d->n_args[t]++] =
				(struct arg){ (uint16_t)(TEMPLATE_CAP + i), { name + n, (uint32_t)strlen(name + n) } };
		}
	}
}

static bool uses(const struct decode *d, uint32_t type, uint32_t id)
{
	return d->used[type][id / 64] >> (id % 64) & 1;
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
	if (o->hostname)
		(void)snprintf(d->hostname, sizeof d->hostname, "%s", o->hostname);
	find_args(d);
	event_init(&d->event, o->table);
	err = proc_table_new(&d->procs);
	if (!err)
		err = ipc_new(on_chain, d, &d->ipc);
	if (!err && o->passwd)
		err = users_new(o->passwd, o->passwd_len, &d->users);
	if (!err && o->group)
		err = users_new(o->group, o->group_len, &d->groups);
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
	users_free(d->groups);
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
	bool env = false;

	d->types = types;
	memset(d->used, 0, sizeof d->used);
	for (uint32_t i = 0; i < TEMPLATE_N_TYPES; i++) {
		want_section(d, i, 0, template_builtin.common.n, wants, user);
		want_section(d, i, TEMPLATE_CAP, template_builtin.types[i].own.n, wants, user);
		for (uint32_t a = 0; a < d->n_args[i] && uses(d, i, FIELD_evt_args); a++)
			d->used[i][d->args[i][a].id / 64] |= 1ull << (d->args[i][a].id % 64);
		env |= types >> i & 1 && (uses(d, i, FIELD_proc_env) || uses(d, i, FIELD_proc_envs));
	}
	proc_table_keep_env(d->procs, env);
}

/* What is known of a process that the table has no room for. */
static struct proc *stray(struct decode *d)
{
	const struct wire_hdr *h = &d->rec.hdr;

	d->stray =
		(struct proc){ .key = { h->pid, h->start_ns }, .uid = h->uid, .gid = h->gid, .loginuid = UINT32_MAX };
	proc_set_caps(&d->stray, h);
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
		.cgroup = record_path(r->seg[SEG_CGROUP], r->seg_flags[SEG_CGROUP], d->cgroup_text),
		.args = r->seg[SEG_ARGS].p,
		.args_len = r->seg[SEG_ARGS].len,
		.env = r->seg[SEG_ENV],
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

	if (d->rec.seg_flags[SEG_PATH] & WIRE_SEG_MEMFD) /* one that was opened again through /proc */
		proc_on_memfd(p, (int64_t)o->fields.num, o->file.flags & WIRE_FD_CLOEXEC);
	else
		proc_on_fd(p, (int64_t)o->fields.num);
	if (!fifo && !p->ipc)
		return;
	if (fifo)
		d->path = record_path(d->rec.seg[SEG_PATH], d->rec.seg_flags[SEG_PATH], d->path_text);
	ipc_on_open(d->ipc, p, &o->file, fifo ? d->path.p : NULL);
}

static void apply_open(struct decode *d)
{
	struct proc *p = proc_of(d->procs, &d->rec.hdr);

	fields_emit(d, TEMPLATE_TYPE_file_open, p ? p : stray(d));
	if (p && d->rec.hdr.ret >= 0)
		open_fd(d, p);
}

static void apply_connect(struct decode *d)
{
	struct proc *p = proc_of(d->procs, &d->rec.hdr);
	struct proc_str name = d->rec.seg[SEG_SUN_PATH];
	char path[256] = "";

	d->sock = &d->rec.connect.sock;
	d->sock_flags = d->rec.connect.sock_flags;
	fields_emit(d, TEMPLATE_TYPE_net_connect, p ? p : stray(d));
	if (!p || (d->rec.hdr.ret < 0 && d->rec.hdr.ret != -EINPROGRESS))
		return;
	if (name.len && name.len < sizeof path) {
		memcpy(path, name.p, name.len);
		path[0] = path[0] ? path[0] : '@';
	}
	ipc_on_connect(d->ipc, p, &d->rec.connect.sock, path);
}

struct ids {
	uint32_t uid, gid;
	uint64_t caps[PROC_N_CAPS];
	bool caps_known;
};

static struct ids ids_of(const struct proc *p)
{
	struct ids i = { .uid = p->uid, .gid = p->gid, .caps_known = p->caps_known };

	memcpy(i.caps, p->caps, sizeof i.caps);
	return i;
}

static void set_ids(struct proc *p, const struct ids *i)
{
	p->uid = i->uid;
	p->gid = i->gid;
	p->caps_known = i->caps_known;
	memcpy(p->caps, i->caps, sizeof p->caps);
}

/* The event shows who it was before the call: that is what the table has. The header has what it is now. */
static void apply_creds(struct decode *d)
{
	const struct wire_hdr *h = &d->rec.hdr;
	struct proc *known = proc_find(d->procs, (struct proc_key){ h->pid, h->start_ns }), *p;
	struct ids before = { 0 }, after;

	if (known)
		before = ids_of(known);
	p = proc_of(d->procs, h);
	if (!p)
		p = stray(d);
	after = ids_of(p);
	if (known)
		set_ids(p, &before);
	d->ids_hidden = !known && h->ret >= 0;
	fields_emit(d, TEMPLATE_TYPE_process_creds, p);
	d->ids_hidden = false;
	set_ids(p, &after);
}

/* Types whose records change no table; accept and dup are told by an fds record too. */
static void apply_event(struct decode *d, enum template_type_id type)
{
	struct proc *p = proc_of(d->procs, &d->rec.hdr);

	fields_emit(d, type, p ? p : stray(d));
}

static void apply_socket(struct decode *d, enum template_type_id type, const struct wire_fd *sock, uint32_t sock_flags)
{
	d->sock = sock;
	d->sock_flags = sock_flags;
	apply_event(d, type);
}

static void apply_dup(struct decode *d)
{
	const struct wire_dup *r = &d->rec.dup;
	struct proc *p;

	apply_socket(d, TEMPLATE_TYPE_fd_dup, &r->sock, r->sock_flags);
	p = r->hdr.ret < 0 ? NULL : proc_find(d->procs, (struct proc_key){ r->hdr.pid, r->hdr.start_ns });
	if (!p)
		return;
	if (d->rec.seg_flags[SEG_SUN_PATH] & WIRE_SEG_MEMFD)
		proc_on_memfd(p, (int64_t)r->fields.num, r->sock.flags & WIRE_FD_CLOEXEC);
	else
		proc_on_fd(p, (int64_t)r->fields.num);
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

static enum template_type_id type_of_kind(uint16_t kind)
{
	static const uint8_t types[WIRE_N_KINDS] = {
		[WIRE_EXEC_FAILED] = TEMPLATE_TYPE_process_exec,
		[WIRE_RENAME] = TEMPLATE_TYPE_file_rename,
		[WIRE_UNLINK] = TEMPLATE_TYPE_file_unlink,
		[WIRE_LINK] = TEMPLATE_TYPE_file_link,
		[WIRE_SYMLINK] = TEMPLATE_TYPE_file_symlink,
		[WIRE_MKDIR] = TEMPLATE_TYPE_file_mkdir,
		[WIRE_CHMOD] = TEMPLATE_TYPE_file_chmod,
		[WIRE_PTRACE] = TEMPLATE_TYPE_process_ptrace,
		[WIRE_NAMESPACE] = TEMPLATE_TYPE_process_namespace,
		[WIRE_MODULE] = TEMPLATE_TYPE_kernel_module,
		[WIRE_BPF] = TEMPLATE_TYPE_kernel_bpf,
		[WIRE_USERFAULTFD] = TEMPLATE_TYPE_kernel_userfaultfd,
	};

	return (enum template_type_id)types[kind];
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
	case WIRE_DUP:
		apply_dup(d);
		return;
	case WIRE_CREDS:
		apply_creds(d);
		return;
	case WIRE_ACCEPT:
		apply_socket(d, TEMPLATE_TYPE_net_accept, &d->rec.accept.sock, d->rec.accept.sock_flags);
		return;
	case WIRE_LISTEN:
		apply_socket(d, TEMPLATE_TYPE_net_listen, &d->rec.listen.sock, d->rec.listen.sock_flags);
		return;
	case WIRE_SOCKET:
		apply_socket(d, TEMPLATE_TYPE_net_socket, &d->rec.socket.sock, d->rec.socket.sock_flags);
		return;
	case WIRE_SEND:
		apply_socket(d, TEMPLATE_TYPE_net_send, &d->rec.send.sock, d->rec.send.sock_flags);
		return;
	case WIRE_RECV:
		apply_socket(d, TEMPLATE_TYPE_net_recv, &d->rec.recv.sock, d->rec.recv.sock_flags);
		return;
	case WIRE_EXEC_FAILED:
	case WIRE_RENAME:
	case WIRE_UNLINK:
	case WIRE_LINK:
	case WIRE_SYMLINK:
	case WIRE_MKDIR:
	case WIRE_CHMOD:
	case WIRE_PTRACE:
	case WIRE_NAMESPACE:
	case WIRE_MODULE:
	case WIRE_BPF:
	case WIRE_USERFAULTFD:
		apply_event(d, type_of_kind(d->rec.hdr.kind));
		return;
	case WIRE_N_KINDS:
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

bool decode_wants_containers(const struct decode *d)
{
	for (uint32_t type = 0; type < TEMPLATE_N_TYPES; type++)
		for (uint32_t id = 0; d->types >> type & 1 && id < TEMPLATE_CAP; id++)
			if (d->used[type][id / 64] >> (id % 64) & 1 && container_field_needs_files(id))
				return true;
	return false;
}
