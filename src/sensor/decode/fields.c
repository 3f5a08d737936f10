/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields: an event's values, one field at a time, and only those that somebody reads.
 *
 * Numbers go into the slot. Strings are borrowed from the process table, the record or the scratch in struct decode;
 * all of them hold until the next event.
 */
#include "sensor/decode/parts.h"

#include <arpa/inet.h>

#define SET_STR(id, s) event_set_str(e, id, (s).p, (s).len)

static void set_text(struct event *e, uint32_t id, struct proc_str s)
{
	if (s.len)
		event_set_str(e, id, s.p, s.len);
}

static void set_comm(struct event *e, uint32_t id, const struct proc *p)
{
	if (p && p->comm[0])
		event_set_str(e, id, p->comm, strlen(p->comm));
}

static void set_user(struct decode *d, uint32_t id, uint32_t uid)
{
	const struct helper_str *name = users_name(d->users, uid);

	if (name)
		event_set_str(&d->event, id, name->p, name->len);
}

/* Room for a string of this event; NULL when it is used up. */
static char *scratch(struct decode *d, size_t len)
{
	char *p = d->text + d->text_used;

	if (len > sizeof d->text - d->text_used)
		return NULL;
	d->text_used += len;
	return p;
}

/* The image has it with the name that exec set; after a rename it is put together. */
static struct proc_str cmdline(struct decode *d, const struct proc *p)
{
	size_t comm_len = strlen(p->comm), was;
	struct proc_view v;
	char *text;

	proc_view(p, &v);
	was = v.cmdline.len - v.args.len - (v.args.len > 0);
	if (!v.cmdline.len || (was == comm_len && !memcmp(v.cmdline.p, p->comm, was)))
		return v.cmdline;
	text = scratch(d, comm_len + v.cmdline.len - was);
	if (!text)
		return v.cmdline;
	memcpy(text, p->comm, comm_len);
	memcpy(text + comm_len, v.cmdline.p + was, v.cmdline.len - was);
	return (struct proc_str){ text, (uint32_t)(comm_len + v.cmdline.len - was) };
}

static struct proc_str name_part(struct decode *d, const struct proc *p)
{
	(void)d;
	return (struct proc_str){ p->comm, (uint32_t)strlen(p->comm) };
}

static struct proc_str exepath_part(struct decode *d, const struct proc *p)
{
	struct proc_view v;

	(void)d;
	proc_view(p, &v);
	return v.exepath;
}

static void set_ancestry(struct decode *d, uint32_t id, struct helper_str *list,
			 struct proc_str (*part)(struct decode *, const struct proc *))
{
	uint32_t n = 0;

	for (const struct proc *p = d->p; p && n <= PROC_MAX_ANCESTORS; p = p->parent) {
		struct proc_str s = part(d, p);

		list[n++] = (struct helper_str){ s.p, s.len };
	}
	/* nothing is known of the oldest (pid 0 above init): a level that is missing, not an empty name */
	while (n && !list[n - 1].len)
		n--;
	event_set_list(&d->event, id, list, n);
}

static void set_parent_str(struct decode *d, uint32_t id)
{
	const struct proc *parent = d->p->parent;
	struct proc_view v;

	if (!parent)
		return;
	proc_view(parent, &v);
	if (id == FIELD_proc_pcmdline)
		set_text(&d->event, id, cmdline(d, parent));
	else
		set_text(&d->event, id, id == FIELD_proc_pexe ? v.exe : v.exepath);
}

static void set_session_name(struct decode *d)
{
	if (d->p != &d->stray)
		set_comm(&d->event, FIELD_proc_sname, proc_session(d->procs, d->p));
}

/* evt.res, evt.rawres: of the types that a system call makes. */
static void set_result(struct decode *d, uint32_t id)
{
	if (d->event.type_index == TEMPLATE_TYPE_process_exit || d->event.type_index == TEMPLATE_TYPE_ipc_pipe)
		return;
	if (id == FIELD_evt_res)
		event_set_cstr(&d->event, id, name_of_error(d->rec.hdr.ret));
	else
		event_set_i64(&d->event, id, d->rec.hdr.ret);
}

static void set_optional_u64(struct event *e, uint32_t id, uint64_t v)
{
	if (v)
		event_set_u64(e, id, v);
}

// clang-format off
static void fill_common(struct decode *d, uint32_t id)
{
	const struct proc *p = d->p;
	const struct wire_hdr *h = &d->rec.hdr;
	const struct proc_view *v = &d->view;
	struct event *e = &d->event;

	switch ((enum template_common_id)id) {
	case FIELD_evt_num: event_set_u64(e, id, d->n_events); return;
	case FIELD_evt_time: event_set_u64(e, id, d->boot_to_wall_ns + h->time_ns); return;
	case FIELD_evt_type: event_set_cstr(e, id, name_of_syscall(h, e->type_index)); return;
	case FIELD_evt_res: case FIELD_evt_rawres: set_result(d, id); return;
	case FIELD_thread_tid: event_set_i64(e, id, d->chain ? p->key.pid : h->tid); return;
	case FIELD_proc_pid: event_set_i64(e, id, p->key.pid); return;
	case FIELD_proc_ppid: if (p->parent || p->ppid || p->image) event_set_i64(e, id, p->ppid); return;
	case FIELD_proc_name: set_comm(e, id, p); return;
	case FIELD_proc_exe: set_text(e, id, v->exe); return;
	case FIELD_proc_exepath: set_text(e, id, v->exepath); return;
	case FIELD_proc_args: if (v->args_known) SET_STR(id, v->args); return;
	case FIELD_proc_cmdline: set_text(e, id, cmdline(d, p)); return;
	case FIELD_proc_cwd: event_set_cstr(e, id, p->cwd); return;
	case FIELD_proc_tty: event_set_u64(e, id, p->tty); return;
	case FIELD_proc_sid: if (p->sid) event_set_i64(e, id, p->sid); return;
	case FIELD_proc_sname: set_session_name(d); return;
	case FIELD_proc_pname: set_comm(e, id, p->parent); return;
	case FIELD_proc_pexe: case FIELD_proc_pexepath: case FIELD_proc_pcmdline: set_parent_str(d, id); return;
	case FIELD_proc_aname: set_ancestry(d, id, d->anames, name_part); return;
	case FIELD_proc_aexepath: set_ancestry(d, id, d->aexepaths, exepath_part); return;
	case FIELD_proc_acmdline: set_ancestry(d, id, d->acmdlines, cmdline); return;
	case FIELD_proc_duration: if (h->time_ns >= p->key.start_ns) event_set_u64(e, id, h->time_ns - p->key.start_ns); return;
	case FIELD_proc_is_exe_from_memfd: event_set_u64(e, id, v->from_memfd); return;
	case FIELD_proc_is_exe_deleted: event_set_u64(e, id, v->exe_deleted); return;
	case FIELD_proc_is_script_from_memfd: event_set_u64(e, id, v->script_from_memfd); return;
	case FIELD_proc_exe_ino: set_optional_u64(e, id, v->exe_ino); return;
	case FIELD_proc_stdin_type: event_set_cstr(e, id, name_of_stdio(p->stdin_kind)); return;
	case FIELD_proc_stdout_type: event_set_cstr(e, id, name_of_stdio(p->stdout_kind)); return;
	case FIELD_user_uid: event_set_u64(e, id, p->uid); return;
	case FIELD_user_name: set_user(d, id, p->uid); return;
	case FIELD_user_loginuid: if (p->image) event_set_i64(e, id, (int32_t)p->loginuid); return;
	case FIELD_group_gid: event_set_u64(e, id, p->gid); return;
	case FIELD_container_id: set_text(e, id, v->container_id); return;
	default: return;
	}
}
// clang-format on

static bool is_script(const struct record *r)
{
	const struct proc_str *f = &r->seg[SEG_FILENAME], *i = &r->seg[SEG_INTERP];

	return i->len && (i->len != f->len || memcmp(i->p, f->p, f->len));
}

static void fill_process_exec(struct decode *d, uint32_t id)
{
	const struct record *r = &d->rec;
	struct event *e = &d->event;

	switch (id) {
	case FIELD_process_exec_filename:
		set_text(e, id, r->seg[SEG_FILENAME]);
		return;
	case FIELD_process_exec_interp:
		if (is_script(r))
			set_text(e, id, r->seg[SEG_INTERP]);
		return;
	case FIELD_process_exec_is_script:
		event_set_u64(e, id, is_script(r));
		return;
	case FIELD_process_exec_exe_nlink:
		event_set_u64(e, id, r->exec.fields.exe_nlink);
		return;
	case FIELD_process_exec_exe_mode:
		event_set_u64(e, id, r->exec.fields.exe_mode);
		return;
	}
}

/* A number as text: what evt.arg.* show. */
static void set_number_text(struct decode *d, uint32_t id, int64_t n)
{
	char *text = scratch(d, 24);

	if (text)
		event_set_str(&d->event, id, text, (size_t)snprintf(text, 24, "%lld", (long long)n));
}

static void set_octal_text(struct decode *d, uint32_t id, uint64_t n)
{
	char *text = scratch(d, 24);

	if (text)
		event_set_str(&d->event, id, text,
			      (size_t)snprintf(text, 24, "%s%llo", n ? "0" : "", (unsigned long long)n));
}

static void set_signal_name(struct decode *d, uint32_t id, int sig)
{
	const char *abbrev = sigabbrev_np(sig);
	char *text = scratch(d, 24);

	if (text)
		event_set_str(&d->event, id, text,
			      abbrev ? (size_t)snprintf(text, 24, "SIG%s", abbrev)
				     : (size_t)snprintf(text, 24, "%d", sig));
}

/* wait(2): low seven bits the signal, the next eight the code. */
static void fill_process_exit(struct decode *d, uint32_t id)
{
	int64_t status = (int64_t)d->rec.exit.fields.status;
	struct event *e = &d->event;

	switch (id) {
	case FIELD_process_exit_status_str:
		set_number_text(d, id, status);
		return;
	case FIELD_process_exit_status:
		event_set_i64(e, id, status);
		return;
	case FIELD_process_exit_ret_str:
		if (!(status & 0x7f))
			set_number_text(d, id, status >> 8 & 0xff);
		return;
	case FIELD_process_exit_ret:
		if (!(status & 0x7f))
			event_set_i64(e, id, status >> 8 & 0xff);
		return;
	case FIELD_process_exit_sig_str:
		if (status & 0x7f)
			set_signal_name(d, id, (int)(status & 0x7f));
		return;
	case FIELD_process_exit_sig:
		if (status & 0x7f)
			event_set_i64(e, id, status & 0x7f);
		return;
	}
}

/* What of the path a field is: all, up to the last slash, after it. */
static void set_path_part(struct decode *d, uint32_t id)
{
	struct proc_str s, dir;
	const char *slash;

	if (d->rec.hdr.ret < 0)
		return;
	if (!d->path.len)
		d->path = record_path(d->rec.seg[SEG_ONLY], d->rec.seg_flags[SEG_ONLY], d->path_text);
	s = d->path;
	slash = s.len ? memrchr(s.p, '/', s.len) : NULL;
	if (id == FIELD_file_open_name) {
		set_text(&d->event, id, s);
	} else if (id == FIELD_file_open_filename && s.len) {
		const char *p = slash ? slash + 1 : s.p;

		event_set_str(&d->event, id, p, (size_t)(s.p + s.len - p));
	} else if (slash) {
		dir = (struct proc_str){ s.p, slash == s.p ? 1 : (uint32_t)(slash - s.p) };
		set_text(&d->event, id, dir);
	}
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

static const char *open_typechar(uint8_t kind)
{
	switch (kind) {
	case WIRE_FD_DIR:
		return "d";
	case WIRE_FD_FIFO:
	case WIRE_FD_PIPE:
		return "p";
	case WIRE_FD_NONE:
		return "o";
	default: /* devices too: they have a path, and rules on files mean them */
		return "f";
	}
}

enum { MODE_EXEC = 0111, ACCESS_MODE = 3 };
#define OPEN_PATH 010000000u
#define OPEN_TMPFILE 020000000u /* __O_TMPFILE */

static void fill_file_open(struct decode *d, uint32_t id)
{
	const struct wire_open *o = &d->rec.open;
	uint64_t flags = o->fields.flags, access = flags & OPEN_PATH ? ACCESS_MODE : flags & ACCESS_MODE;
	struct event *e = &d->event;

	switch (id) {
	case FIELD_file_open_num:
		event_set_i64(e, id, (int64_t)o->fields.num);
		return;
	case FIELD_file_open_name:
	case FIELD_file_open_directory:
	case FIELD_file_open_filename:
		set_path_part(d, id);
		return;
	case FIELD_file_open_type:
		event_set_cstr(e, id, open_type(o->file.kind));
		return;
	case FIELD_file_open_typechar:
		event_set_cstr(e, id, open_typechar(o->file.kind));
		return;
	case FIELD_file_open_ino:
		event_set_u64(e, id, o->fields.ino);
		return;
	case FIELD_file_open_dev:
		event_set_u64(e, id, o->fields.dev);
		return;
	case FIELD_file_open_flags_str:
		set_text(e, id, open_flags(flags, d->flags_text));
		return;
	case FIELD_file_open_flags:
		event_set_u64(e, id, flags);
		return;
	case FIELD_file_open_mode_str:
		set_octal_text(d, id, o->fields.mode);
		return;
	case FIELD_file_open_mode:
		event_set_u64(e, id, o->fields.mode);
		return;
	case FIELD_file_open_is_read:
		event_set_u64(e, id, access == 0 || access == 2);
		return;
	case FIELD_file_open_is_write:
		event_set_u64(e, id, access == 1 || access == 2);
		return;
	case FIELD_file_open_is_create:
		event_set_u64(e, id, o->created != 0);
		return;
	case FIELD_file_open_is_exec:
		event_set_u64(e, id, (o->created || flags & OPEN_TMPFILE) && o->fields.mode & MODE_EXEC);
		return;
	case FIELD_file_open_nlink:
		event_set_u64(e, id, o->fields.nlink);
		return;
	}
}

static void fill_memfd_create(struct decode *d, uint32_t id)
{
	static const char prefix[] = "memfd:";
	struct proc_str name = d->rec.seg[SEG_ONLY];
	struct event *e = &d->event;

	switch (id) {
	case FIELD_memfd_create_num:
		event_set_i64(e, id, (int64_t)d->rec.memfd.fields.num);
		return;
	case FIELD_memfd_create_arg_name:
		if (name.len >= sizeof prefix - 1 && !memcmp(name.p, prefix, sizeof prefix - 1))
			event_set_str(e, id, name.p + sizeof prefix - 1, name.len - (sizeof prefix - 1));
		return;
	case FIELD_memfd_create_fd_name:
		set_text(e, id, name);
		return;
	case FIELD_memfd_create_typechar:
		event_set_cstr(e, id, "m");
		return;
	case FIELD_memfd_create_flags_str:
		set_text(e, id, memfd_flags(d->rec.memfd.fields.flags, d->flags_text));
		return;
	case FIELD_memfd_create_flags:
		event_set_u64(e, id, d->rec.memfd.fields.flags);
		return;
	}
}

/* Client first: this end, which called connect. */
static void set_inet_name(struct decode *d, uint32_t id, const struct wire_fd *s)
{
	struct inet i = inet_of(s);
	int family = i.addr_len == 4 ? AF_INET : AF_INET6, n;
	char local[INET6_ADDRSTRLEN], remote[INET6_ADDRSTRLEN];

	if (!inet_ntop(family, i.local, local, sizeof local) || !inet_ntop(family, i.remote, remote, sizeof remote))
		return;
	n = snprintf(d->name_text, sizeof d->name_text, "%s:%u->%s:%u", local, s->local_port, remote, s->remote_port);
	event_set_str(&d->event, id, d->name_text, (size_t)n);
}

/* sun_path: one that begins with NUL is an abstract name, otherwise NUL ends it. */
static void set_unix_name(struct decode *d, uint32_t id)
{
	struct proc_str s = d->rec.seg[SEG_ONLY];
	char *text = scratch(d, s.len);

	if (!s.len || !text)
		return;
	memcpy(text, s.p, s.len);
	if (!text[0])
		text[0] = '@';
	else
		s.len = (uint32_t)strnlen(text, s.len);
	event_set_str(&d->event, id, text, s.len);
}

static void set_inet(struct decode *d, uint32_t id, const struct wire_fd *s)
{
	struct inet i = inet_of(s);
	struct event *e = &d->event;

	switch (id) {
	case FIELD_net_connect_l4proto:
		event_set_cstr(e, id, name_of_l4proto(s->l4proto));
		return;
	case FIELD_net_connect_sip:
	case FIELD_net_connect_rip:
		event_set_ip(e, id, i.remote, i.addr_len);
		return;
	case FIELD_net_connect_cip:
	case FIELD_net_connect_lip:
		event_set_ip(e, id, i.local, i.addr_len);
		return;
	case FIELD_net_connect_sport:
	case FIELD_net_connect_rport:
		event_set_u64(e, id, s->remote_port);
		return;
	case FIELD_net_connect_cport:
	case FIELD_net_connect_lport:
		event_set_u64(e, id, s->local_port);
		return;
	}
}

static void fill_net_connect(struct decode *d, uint32_t id)
{
	const struct wire_fd *s = &d->rec.connect.sock;
	bool inet = s->kind == WIRE_FD_IPV4 || s->kind == WIRE_FD_IPV6, v4 = inet && inet_of(s).addr_len == 4;
	struct event *e = &d->event;

	switch (id) {
	case FIELD_net_connect_num:
		event_set_i64(e, id, (int64_t)d->rec.connect.fields.num);
		return;
	case FIELD_net_connect_name:
		if (inet)
			set_inet_name(d, id, s);
		else
			set_unix_name(d, id);
		return;
	case FIELD_net_connect_type:
		event_set_cstr(e, id, v4 ? "ipv4" : inet ? "ipv6" : "unix");
		return;
	case FIELD_net_connect_typechar:
		event_set_cstr(e, id, v4 ? "4" : inet ? "6" : "u");
		return;
	case FIELD_net_connect_family:
		event_set_cstr(e, id, inet ? "ip" : "unix");
		return;
	default:
		if (inet)
			set_inet(d, id, s);
	}
}

static const char *edge_name(enum ipc_edge edge)
{
	static const char *const names[] = {
		[IPC_EDGE_EXEC] = "exec", [IPC_EDGE_OPEN] = "open",       [IPC_EDGE_DUP] = "dup",
		[IPC_EDGE_PIPE] = "pipe", [IPC_EDGE_CONNECT] = "connect", [IPC_EDGE_FORK] = "fork",
	};

	return names[edge];
}

/* "sh <- cat <- nc" */
static void set_chain(struct decode *d, uint32_t id)
{
	const struct ipc_chain *c = d->chain;
	size_t n = 0, cap = (IPC_MAX_HOPS + 1) * (WIRE_COMM + 4);
	char *text = scratch(d, cap);

	if (!text)
		return;
	for (uint32_t i = 0; i < c->n_procs; i++)
		n += (size_t)snprintf(text + n, cap - n, "%s%s", i ? " <- " : "", c->procs[i]->comm);
	event_set_str(&d->event, id, text, n);
}

static void fill_peer(struct decode *d, uint32_t id)
{
	const struct ipc_chain *c = d->chain;
	struct event *e = &d->event;
	struct inet addr = inet_of(&c->sock);
	struct proc_view v;

	switch (id) {
	case FIELD_ipc_pipe_peer_pid:
		event_set_i64(e, id, c->peer->key.pid);
		return;
	case FIELD_ipc_pipe_peer_name:
		set_comm(e, id, c->peer);
		return;
	case FIELD_ipc_pipe_peer_exepath:
		proc_view(c->peer, &v);
		set_text(e, id, v.exepath);
		return;
	case FIELD_ipc_pipe_peer_cmdline:
		set_text(e, id, cmdline(d, c->peer));
		return;
	case FIELD_ipc_pipe_peer_ppid:
		event_set_i64(e, id, c->peer->ppid);
		return;
	case FIELD_ipc_pipe_peer_uid:
		event_set_u64(e, id, c->peer->uid);
		return;
	case FIELD_ipc_pipe_peer_user:
		set_user(d, id, c->peer->uid);
		return;
	case FIELD_ipc_pipe_peer_fd:
		event_set_i64(e, id, c->sock.fd);
		return;
	case FIELD_ipc_pipe_peer_l4proto:
		event_set_cstr(e, id, name_of_l4proto(c->sock.l4proto));
		return;
	case FIELD_ipc_pipe_peer_rip:
		event_set_ip(e, id, addr.remote, addr.addr_len);
		return;
	case FIELD_ipc_pipe_peer_rport:
		event_set_u64(e, id, c->sock.remote_port);
		return;
	}
}

static void fill_ipc_pipe(struct decode *d, uint32_t id)
{
	const struct ipc_chain *c = d->chain;
	struct event *e = &d->event;

	switch (id) {
	case FIELD_ipc_pipe_kind:
		event_set_cstr(e, id, name_of_stdio(c->kind));
		return;
	case FIELD_ipc_pipe_path:
		event_set_cstr(e, id, c->path);
		return;
	case FIELD_ipc_pipe_ino:
		event_set_u64(e, id, c->ino);
		return;
	case FIELD_ipc_pipe_fd:
		event_set_i64(e, id, c->reader_fd);
		return;
	case FIELD_ipc_pipe_edge:
		event_set_cstr(e, id, edge_name(c->edge));
		return;
	case FIELD_ipc_pipe_hops:
		event_set_u64(e, id, c->n_procs - 1);
		return;
	case FIELD_ipc_pipe_via_pid:
		event_set_i64(e, id, c->procs[1]->key.pid);
		return;
	case FIELD_ipc_pipe_via_name:
		set_comm(e, id, c->procs[1]);
		return;
	case FIELD_ipc_pipe_via_cmdline:
		set_text(e, id, cmdline(d, c->procs[1]));
		return;
	case FIELD_ipc_pipe_chain:
		set_chain(d, id);
		return;
	default:
		fill_peer(d, id);
	}
}

static void (*const fill_own[TEMPLATE_N_TYPES])(struct decode *d, uint32_t id) = {
	[TEMPLATE_TYPE_process_exec] = fill_process_exec, [TEMPLATE_TYPE_process_exit] = fill_process_exit,
	[TEMPLATE_TYPE_file_open] = fill_file_open,       [TEMPLATE_TYPE_memfd_create] = fill_memfd_create,
	[TEMPLATE_TYPE_net_connect] = fill_net_connect,   [TEMPLATE_TYPE_ipc_pipe] = fill_ipc_pipe,
};

static void fill(void *user, uint32_t id)
{
	struct decode *d = user;

	if (id < TEMPLATE_CAP)
		fill_common(d, id);
	else if (fill_own[d->event.type_index])
		fill_own[d->event.type_index](d, id);
}

void fields_emit(struct decode *d, enum template_type_id type, struct proc *p)
{
	if (!(d->types >> type & 1))
		return;
	d->p = p;
	d->text_used = 0;
	d->n_events++;
	d->stats.events++;
	proc_view(p, &d->view);
	event_begin(&d->event, type);
	memcpy(d->event.lazy, d->used[type], sizeof d->event.lazy);
	d->event.fill = fill;
	d->event.fill_user = d;
	if (!d->late)
		event_need_all(&d->event);
	d->emit(d->emit_user, &d->event);
}
