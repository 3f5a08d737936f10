/* SPDX-License-Identifier: Apache-2.0 */
/* fields_proc: the process of an event, its user, its relatives. */
#include "sensor/decode/parts.h"

static void set_optional(struct event *e, uint32_t id, uint64_t v)
{
	if (v)
		event_set_u64(e, id, v);
}

/* Nanoseconds from a to b, when b is not the earlier one. */
static void set_span(struct event *e, uint32_t id, uint64_t a, uint64_t b)
{
	if (b >= a)
		event_set_u64(e, id, b - a);
}

/* relatives */

enum chain { CHAIN_NAME, CHAIN_EXEPATH, CHAIN_CMDLINE, CHAIN_EXE, CHAIN_ARGS, CHAIN_PID };

static struct proc_str part_of(struct decode *d, const struct proc *p, enum chain what)
{
	enum { PID_TEXT = 12 };
	char *text;

	switch (what) {
	case CHAIN_NAME:
		return (struct proc_str){ p->comm, (uint32_t)strlen(p->comm) };
	case CHAIN_EXEPATH:
		return proc_view(p)->exepath;
	case CHAIN_CMDLINE:
		return value_cmdline(d, p);
	case CHAIN_EXE:
		return proc_view(p)->exe;
	case CHAIN_ARGS:
		return proc_view(p)->args;
	case CHAIN_PID:
		text = p->key.pid ? value_room(d, PID_TEXT) : NULL;
		if (text)
			return (struct proc_str){ text, (uint32_t)snprintf(text, PID_TEXT, "%u", p->key.pid) };
	}
	return (struct proc_str){ "", 0 };
}

static void set_ancestry(struct decode *d, uint32_t id, enum chain what)
{
	struct helper_str *list = d->ancestors[what];
	uint32_t n = 0, known = 0;

	for (const struct proc *p = d->p; p && n <= PROC_MAX_ANCESTORS; p = p->parent) {
		struct proc_str s = part_of(d, p, what);

		list[n++] = (struct helper_str){ s.p, s.len };
		if (s.len || (what == CHAIN_ARGS && proc_view(p)->args_known))
			known = n;
	}
	/* nothing is known of the oldest (pid 0 above init): a level that is missing, not an empty name */
	event_set_list(&d->event, id, list, known);
}

// clang-format off
static void set_parent(struct decode *d, uint32_t id)
{
	const struct proc *parent = d->p->parent;
	const struct proc_view *v;

	if (!parent)
		return;
	v = proc_view(parent);
	switch (id) {
	case FIELD_proc_pname: value_name(d, id, parent); return;
	case FIELD_proc_pexe: value_str(d, id, v->exe); return;
	case FIELD_proc_pexepath: value_str(d, id, v->exepath); return;
	case FIELD_proc_pcmdline: value_str(d, id, value_cmdline(d, parent)); return;
	case FIELD_proc_pvpid: set_optional(&d->event, id, parent->vpid); return;
	case FIELD_proc_ppid_duration:
		if (parent->key.start_ns)
			set_span(&d->event, id, parent->key.start_ns, d->rec.hdr.time_ns);
		return;
	}
}

static void set_leader(struct decode *d, uint32_t id)
{
	bool group = id == FIELD_proc_pgid_name || id == FIELD_proc_pgid_exe || id == FIELD_proc_pgid_exepath;
	const struct proc *p;

	if (d->p == &d->stray)
		return;
	p = group ? proc_group(d->procs, d->p) : proc_session(d->procs, d->p);
	if (!p)
		return;
	switch (id) {
	case FIELD_proc_sname: case FIELD_proc_pgid_name: value_name(d, id, p); return;
	case FIELD_proc_sid_exe: case FIELD_proc_pgid_exe: value_str(d, id, proc_view(p)->exe); return;
	case FIELD_proc_sid_exepath: case FIELD_proc_pgid_exepath: value_str(d, id, proc_view(p)->exepath); return;
	}
}
// clang-format on

/* arguments and environment */

static void set_argv(struct decode *d, uint32_t id)
{
	const struct proc_view *v = d->view;
	uint32_t start = 0;

	for (uint32_t i = 0; i < v->n_args; i++) {
		d->argv[i] = (struct helper_str){ v->args.p + start, v->arg_ends[i] - start };
		start = v->arg_ends[i] + 1u;
	}
	event_set_list(&d->event, id, d->argv, v->n_args);
}

static void set_exeline(struct decode *d, uint32_t id)
{
	const struct proc_view *v = d->view;
	char *text = value_room(d, v->exe.len + 1 + v->args.len);
	size_t n = v->exe.len;

	if (!text)
		return;
	memcpy(text, v->exe.p, n);
	if (v->args.len) {
		text[n++] = ' ';
		memcpy(text + n, v->args.p, v->args.len);
		n += v->args.len;
	}
	event_set_str(&d->event, id, text, n);
}

static void set_env(struct decode *d, uint32_t id)
{
	struct proc_str env = d->view->env;
	char *text = env.len ? value_room(d, env.len) : NULL;

	if (!text)
		return;
	memcpy(text, env.p, env.len);
	for (char *c = text; (c = memchr(c, 0, env.len - (size_t)(c - text))); c++)
		*c = ' ';
	event_set_str(&d->event, id, text, env.len - (text[env.len - 1] == ' '));
}

static void set_envs(struct decode *d, uint32_t id)
{
	struct proc_str env = d->view->env;
	uint32_t n = 0;

	for (uint32_t at = 0; at < env.len; n++) {
		d->envs[n] = (struct helper_str){ env.p + at, (uint32_t)strnlen(env.p + at, env.len - at) };
		at += d->envs[n].len + 1;
	}
	if (n)
		event_set_list(&d->event, id, d->envs, n);
}

static void set_args(struct decode *d, uint32_t id)
{
	const struct proc_view *v = d->view;
	struct event *e = &d->event;

	if (!v->args_known)
		return;
	if (id == FIELD_proc_args)
		event_set_str(e, id, v->args.p, v->args.len);
	else if (id == FIELD_proc_argv)
		set_argv(d, id);
	else if (id == FIELD_proc_cmdnargs)
		event_set_u64(e, id, v->n_args);
	else if (id == FIELD_proc_cmdlenargs)
		event_set_u64(e, id, v->n_args ? v->args.len - (v->n_args - 1) : 0);
	else
		set_exeline(d, id);
}

/* user and group */

static void set_user(struct decode *d, uint32_t id, uint32_t uid)
{
	const struct user *u = users_find(d->users, uid);
	const struct helper_str *s;

	if (!u)
		return;
	s = id == FIELD_user_homedir ? &u->home : id == FIELD_user_shell ? &u->shell : &u->name;
	value_str(d, id, (struct proc_str){ s->p, s->len });
}

// clang-format off
static void set_ids(struct decode *d, uint32_t id)
{
	const struct proc *p = d->p;
	const struct user *group;

	if (id == FIELD_user_loginuid) {
		if (p->image)
			event_set_i64(&d->event, id, (int32_t)p->loginuid);
		return;
	}
	if (id == FIELD_user_loginname) {
		if (p->image && p->loginuid != UINT32_MAX)
			set_user(d, id, p->loginuid);
		return;
	}
	if (d->ids_hidden)
		return;
	switch (id) {
	case FIELD_user_uid: event_set_u64(&d->event, id, p->uid); return;
	case FIELD_group_gid: event_set_u64(&d->event, id, p->gid); return;
	case FIELD_user_name: case FIELD_user_homedir: case FIELD_user_shell: set_user(d, id, p->uid); return;
	case FIELD_group_name:
		group = users_find(d->groups, p->gid);
		if (group)
			event_set_str(&d->event, id, group->name.p, group->name.len);
		return;
	}
}

/* times and layers of the executable */
static void set_exe(struct decode *d, uint32_t id)
{
	const struct proc_view *v = d->view;
	struct event *e = &d->event;

	switch (id) {
	case FIELD_proc_exe_ino: set_optional(e, id, v->exe_ino); return;
	case FIELD_proc_is_exe_from_memfd: event_set_u64(e, id, v->from_memfd); return;
	case FIELD_proc_is_exe_deleted: event_set_u64(e, id, v->exe_deleted); return;
	case FIELD_proc_is_script_from_memfd: event_set_u64(e, id, v->script_from_memfd); return;
	case FIELD_proc_is_exe_upper_layer: event_set_u64(e, id, v->exe_upper); return;
	case FIELD_proc_is_exe_lower_layer: event_set_u64(e, id, v->exe_lower); return;
	case FIELD_proc_is_exe_writable: event_set_u64(e, id, v->exe_writable); return;
	case FIELD_proc_exe_ino_ctime: set_optional(e, id, v->exe_ctime_ns); return;
	case FIELD_proc_exe_ino_mtime: set_optional(e, id, v->exe_mtime_ns); return;
	case FIELD_proc_exe_ino_ctime_duration_proc_start:
		if (v->exe_ctime_ns && d->p->key.start_ns)
			set_span(e, id, v->exe_ctime_ns, d->boot_to_wall_ns + d->p->key.start_ns);
		return;
	}
}

void fields_proc(struct decode *d, uint32_t id)
{
	const struct proc *p = d->p;
	const struct wire_hdr *h = &d->rec.hdr;
	const struct proc_view *v = d->view;
	struct event *e = &d->event;

	switch (id) {
	case FIELD_proc_pid: event_set_i64(e, id, p->key.pid); return;
	case FIELD_proc_ppid: set_optional(e, id, p->ppid); return;
	case FIELD_proc_name: value_name(d, id, p); return;
	case FIELD_proc_exe: value_str(d, id, v->exe); return;
	case FIELD_proc_exepath: value_str(d, id, v->exepath); return;
	case FIELD_proc_args: case FIELD_proc_argv: case FIELD_proc_cmdnargs: case FIELD_proc_cmdlenargs:
	case FIELD_proc_exeline: set_args(d, id); return;
	case FIELD_proc_env: set_env(d, id); return;
	case FIELD_proc_envs: set_envs(d, id); return;
	case FIELD_proc_cmdline: value_str(d, id, value_cmdline(d, p)); return;
	case FIELD_proc_cwd: event_set_cstr(e, id, p->cwd); return;
	case FIELD_proc_tty: event_set_u64(e, id, p->tty); return;
	case FIELD_proc_sid: set_optional(e, id, p->sid); return;
	case FIELD_proc_vpid: set_optional(e, id, p->vpid); return;
	case FIELD_proc_pgid: set_optional(e, id, p->pgid); return;
	case FIELD_proc_vpgid: set_optional(e, id, p->vpgid); return;
	case FIELD_proc_is_sid_leader: if (p->sid) event_set_u64(e, id, p->sid == p->key.pid); return;
	case FIELD_proc_is_pgid_leader: if (p->pgid) event_set_u64(e, id, p->pgid == p->key.pid); return;
	case FIELD_proc_is_vpgid_leader: if (p->vpgid && p->vpid) event_set_u64(e, id, p->vpgid == p->vpid); return;
	case FIELD_proc_sname: case FIELD_proc_sid_exe: case FIELD_proc_sid_exepath: case FIELD_proc_pgid_name:
	case FIELD_proc_pgid_exe: case FIELD_proc_pgid_exepath: set_leader(d, id); return;
	case FIELD_proc_pname: case FIELD_proc_pexe: case FIELD_proc_pexepath: case FIELD_proc_pcmdline:
	case FIELD_proc_pvpid: case FIELD_proc_ppid_duration: set_parent(d, id); return;
	case FIELD_proc_aname: set_ancestry(d, id, CHAIN_NAME); return;
	case FIELD_proc_aexepath: set_ancestry(d, id, CHAIN_EXEPATH); return;
	case FIELD_proc_acmdline: set_ancestry(d, id, CHAIN_CMDLINE); return;
	case FIELD_proc_aexe: set_ancestry(d, id, CHAIN_EXE); return;
	case FIELD_proc_aargs: set_ancestry(d, id, CHAIN_ARGS); return;
	case FIELD_proc_apid: set_ancestry(d, id, CHAIN_PID); return;
	case FIELD_proc_duration: set_span(e, id, p->key.start_ns, h->time_ns); return;
	case FIELD_proc_stdin_type: event_set_cstr(e, id, name_of_stdio(p->stdio_kind[0])); return;
	case FIELD_proc_stdout_type: event_set_cstr(e, id, name_of_stdio(p->stdio_kind[1])); return;
	case FIELD_proc_stderr_type: event_set_cstr(e, id, name_of_stdio(p->stdio_kind[2])); return;
	case FIELD_user_uid: case FIELD_user_name: case FIELD_user_loginuid: case FIELD_user_loginname:
	case FIELD_user_homedir: case FIELD_user_shell: case FIELD_group_gid: case FIELD_group_name: set_ids(d, id); return;
	default: set_exe(d, id); return;
	}
}
// clang-format on
