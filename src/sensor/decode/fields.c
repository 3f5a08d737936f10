/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields: an event's values, one field at a time, and only those that somebody reads.
 *
 * Numbers go into the slot. Strings are borrowed from the process table, the record or the scratch in struct decode;
 * all of them hold until the next event. Here: fields about the event itself; the other groups have files of their own.
 */
#include "sensor/decode/parts.h"

static bool is_call(const struct decode *d)
{
	return d->call != CALL_NONE;
}

static void set_type(struct decode *d, uint32_t id)
{
	struct proc_str name = call_name(d->call);

	if (is_call(d))
		event_set_str(&d->event, id, name.p, name.len);
	else
		event_set_cstr(&d->event, id,
			       d->event.type_index == TEMPLATE_TYPE_process_exit ? "procexit" : "ipc_pipe");
}

/* The first word of the type's name tells, with two exceptions. */
static const char *category_of(uint32_t type)
{
	static const char *const of[TEMPLATE_N_TYPES] = {
		[TEMPLATE_TYPE_process_exec] = "process",
		[TEMPLATE_TYPE_process_exit] = "process",
		[TEMPLATE_TYPE_process_ptrace] = "process",
		[TEMPLATE_TYPE_process_creds] = "process",
		[TEMPLATE_TYPE_process_namespace] = "process",
		[TEMPLATE_TYPE_net_connect] = "net",
		[TEMPLATE_TYPE_net_accept] = "net",
		[TEMPLATE_TYPE_net_listen] = "net",
		[TEMPLATE_TYPE_net_socket] = "net",
		[TEMPLATE_TYPE_net_send] = "net",
		[TEMPLATE_TYPE_net_recv] = "net",
		[TEMPLATE_TYPE_ipc_pipe] = "ipc",
		[TEMPLATE_TYPE_memfd_create] = "memory",
		[TEMPLATE_TYPE_kernel_module] = "kernel",
		[TEMPLATE_TYPE_kernel_bpf] = "kernel",
		[TEMPLATE_TYPE_kernel_userfaultfd] = "kernel",
	};

	return of[type] ? of[type] : "file";
}

/* The chain of ipc_pipe may be completed by another process than the one that it is about. */
static uint32_t thread_of(const struct decode *d)
{
	const struct wire_hdr *h = &d->rec.hdr;

	return d->p->key.pid == h->pid ? h->tid : d->p->key.pid;
}

static void set_caps(struct decode *d, uint32_t id, enum caps_kind kind)
{
	struct proc_str s;

	if (!d->p->caps_known || d->ids_hidden)
		return;
	s = caps_text(&d->caps[kind], d->p->caps[kind]);
	event_set_str(&d->event, id, s.p, s.len);
}

// clang-format off
static void fields_event(struct decode *d, uint32_t id)
{
	const struct wire_hdr *h = &d->rec.hdr;
	struct event *e = &d->event;

	switch (id) {
	case FIELD_evt_num: event_set_u64(e, id, d->n_events); return;
	case FIELD_evt_time: event_set_u64(e, id, d->boot_to_wall_ns + h->time_ns); return;
	case FIELD_evt_type: set_type(d, id); return;
	case FIELD_evt_res: if (is_call(d)) event_set_cstr(e, id, name_of_error(h->ret)); return;
	case FIELD_evt_rawres: if (is_call(d)) event_set_i64(e, id, h->ret); return;
	case FIELD_evt_failed: event_set_u64(e, id, is_call(d) && h->ret < 0); return;
	case FIELD_evt_category: event_set_cstr(e, id, category_of(e->type_index)); return;
	case FIELD_evt_source: event_set_str(e, id, "syscall", 7); return;
	case FIELD_evt_hostname: if (d->hostname[0]) event_set_cstr(e, id, d->hostname); return;
	case FIELD_thread_tid: event_set_i64(e, id, thread_of(d)); return;
	case FIELD_thread_ismain: event_set_u64(e, id, thread_of(d) == d->p->key.pid); return;
	case FIELD_thread_cap_permitted: set_caps(d, id, CAPS_PERMITTED); return;
	case FIELD_thread_cap_effective: set_caps(d, id, CAPS_EFFECTIVE); return;
	case FIELD_thread_cap_inheritable: set_caps(d, id, CAPS_INHERITABLE); return;
	}
}

/* Who fills a field of the common section. */
static void (*const fill_common[TEMPLATE_N_COMMON])(struct decode *d, uint32_t id) = {
	[FIELD_evt_num ... FIELD_thread_tid] = fields_event,
	[FIELD_proc_pid ... FIELD_group_gid] = fields_proc,
	[FIELD_container_id] = fields_container,
	[FIELD_evt_args ... FIELD_thread_cap_inheritable] = fields_event,
	[FIELD_thread_cgroup] = fields_container,
	[FIELD_proc_vpid ... FIELD_group_name] = fields_proc,
	[FIELD_container_full_id ... FIELD_k8s_pod_sandbox_id] = fields_container,
};
// clang-format on

/* And of a type's own. */
static void (*const fill_own[TEMPLATE_N_TYPES])(struct decode *d, uint32_t id) = {
	[TEMPLATE_TYPE_process_exec] = fields_exec,
	[TEMPLATE_TYPE_process_exit] = fields_exit,
	[TEMPLATE_TYPE_file_open] = fields_open,
	[TEMPLATE_TYPE_memfd_create] = fields_memfd,
	[TEMPLATE_TYPE_net_connect] = fields_connect,
	[TEMPLATE_TYPE_ipc_pipe] = fields_ipc,
	[TEMPLATE_TYPE_net_accept] = fields_accept,
	[TEMPLATE_TYPE_net_listen] = fields_listen,
	[TEMPLATE_TYPE_net_socket] = fields_socket,
	[TEMPLATE_TYPE_net_send] = fields_send,
	[TEMPLATE_TYPE_net_recv] = fields_recv,
	[TEMPLATE_TYPE_fd_dup] = fields_dup,
	[TEMPLATE_TYPE_file_rename] = fields_rename,
	[TEMPLATE_TYPE_file_unlink] = fields_unlink,
	[TEMPLATE_TYPE_file_link] = fields_link,
	[TEMPLATE_TYPE_file_symlink] = fields_symlink,
	[TEMPLATE_TYPE_file_mkdir] = fields_mkdir,
	[TEMPLATE_TYPE_file_chmod] = fields_chmod,
	[TEMPLATE_TYPE_process_ptrace] = fields_ptrace,
	[TEMPLATE_TYPE_process_creds] = fields_creds,
	[TEMPLATE_TYPE_process_namespace] = fields_namespace,
	[TEMPLATE_TYPE_kernel_module] = fields_module,
	[TEMPLATE_TYPE_kernel_bpf] = fields_bpf,
	[TEMPLATE_TYPE_kernel_userfaultfd] = fields_userfaultfd,
};

/* evt.args, once the arguments are there: "fd=3(<f>/etc/hosts) flags=O_RDONLY". */
static void join_args(struct decode *d, uint32_t type)
{
	size_t len = 0, at = 0;
	char *text;

	for (uint32_t i = 0; i < d->n_args[type]; i++)
		event_need(&d->event, d->args[type][i].id);
	for (uint32_t i = 0; i < d->n_args[type]; i++)
		if (event_has(&d->event, d->args[type][i].id))
			len += d->args[type][i].name.len + d->event.values[d->args[type][i].id].len + 2;
	text = len ? value_room(d, len) : NULL;
	if (!text)
		return;
	for (uint32_t i = 0; i < d->n_args[type]; i++) {
		const struct arg *a = &d->args[type][i];
		const struct helper_value *v = &d->event.values[a->id];

		if (!event_has(&d->event, a->id))
			continue;
		if (at)
			text[at++] = ' ';
		memcpy(text + at, a->name.p, a->name.len);
		at += a->name.len;
		text[at++] = '=';
		if (v->len)
			memcpy(text + at, v->p, v->len);
		at += v->len;
	}
	event_set_str(&d->event, FIELD_evt_args, text, at);
}

static void fill(void *user, uint32_t id)
{
	struct decode *d = user;

	if (id == FIELD_evt_args)
		join_args(d, d->event.type_index);
	else if (id < TEMPLATE_CAP)
		fill_common[id](d, id);
	else
		fill_own[d->event.type_index](d, id);
}

void fields_emit(struct decode *d, enum template_type_id type, struct proc *p)
{
	if (!(d->types >> type & 1))
		return;
	d->p = p;
	d->view = proc_view(p);
	d->call = call_of(&d->rec.hdr, type);
	d->text_used = 0;
	d->has_path = d->has_joined[0] = d->has_joined[1] = d->has_sock_name = false;
	d->n_events++;
	d->stats.events++;
	event_begin(&d->event, type);
	d->event.look = p->look;
	memcpy(d->event.lazy, d->used[type], sizeof d->event.lazy);
	d->event.fill = fill;
	d->event.fill_user = d;
	if (!d->late)
		event_need_all(&d->event);
	d->emit(d->emit_user, &d->event);
}
