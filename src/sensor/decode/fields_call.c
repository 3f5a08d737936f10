/* SPDX-License-Identifier: Apache-2.0 */
/* fields_call: calls that are about numbers: other processes, ids, namespaces, the kernel itself. */
#include "sensor/decode/parts.h"

static struct proc_str path_of(struct decode *d)
{
	if (!d->has_path) {
		d->has_path = true;
		d->path = record_path(d->rec.seg[SEG_CALL_PATH], d->rec.seg_flags[SEG_CALL_PATH], d->path_text);
	}
	return d->path;
}

/* "123(name)". The number is of the caller's namespace: only in the host's it says who that is. */
static void set_pid(struct decode *d, uint32_t id, int64_t pid)
{
	enum { PID_TEXT = 24 + WIRE_COMM };
	const struct proc *p = NULL;
	char *text;

	if (pid > 0 && pid <= UINT32_MAX && d->p->vpid == d->p->key.pid)
		p = proc_find_pid(d->procs, (uint32_t)pid);
	text = p && p->comm[0] ? value_room(d, PID_TEXT) : NULL;
	if (text)
		event_set_str(&d->event, id, text,
			      (size_t)snprintf(text, PID_TEXT, "%lld(%s)", (long long)pid, p->comm));
	else
		value_number(d, id, pid);
}

// clang-format off
void fields_ptrace(struct decode *d, uint32_t id)
{
	const struct wire_process_ptrace_fields *f = &d->rec.ptrace.fields;

	switch (id) {
	case FIELD_process_ptrace_request_str: event_set_cstr(&d->event, id, name_of_ptrace(f->request)); return;
	case FIELD_process_ptrace_request: event_set_u64(&d->event, id, f->request); return;
	case FIELD_process_ptrace_pid_str: set_pid(d, id, (int64_t)f->pid); return;
	case FIELD_process_ptrace_pid: event_set_u64(&d->event, id, f->pid); return;
	}
}

void fields_creds(struct decode *d, uint32_t id)
{
	const struct wire_process_creds_fields *f = &d->rec.creds.fields;
	bool uid = d->call == CALL_setuid || d->call == CALL_setreuid || d->call == CALL_setresuid,
	     gid = d->call == CALL_setgid || d->call == CALL_setregid || d->call == CALL_setresgid;

	switch (id) {
	case FIELD_process_creds_uid_str: if (uid) value_user(d, id, d->users, (uint32_t)f->uid); return;
	case FIELD_process_creds_uid: if (uid) event_set_u64(&d->event, id, (uint32_t)f->uid); return;
	case FIELD_process_creds_gid_str: if (gid) value_user(d, id, d->groups, (uint32_t)f->gid); return;
	case FIELD_process_creds_gid: if (gid) event_set_u64(&d->event, id, (uint32_t)f->gid); return;
	}
}

void fields_namespace(struct decode *d, uint32_t id)
{
	const struct wire_process_namespace_fields *f = &d->rec.namespace.fields;
	bool setns = d->call == CALL_setns;

	switch (id) {
	case FIELD_process_namespace_flags_str: value_flags(d, id, FLAGS_CLONE, f->flags); return;
	case FIELD_process_namespace_nstype_str: if (setns) value_flags(d, id, FLAGS_CLONE, f->flags); return;
	case FIELD_process_namespace_flags: event_set_u64(&d->event, id, f->flags); return;
	case FIELD_process_namespace_fd_num: if (setns) event_set_u64(&d->event, id, f->fd_num); return;
	case FIELD_process_namespace_fd_name: if (setns) value_str(d, id, path_of(d)); return;
	case FIELD_process_namespace_arg_fd: if (setns) value_fd(d, id, (int64_t)f->fd_num, "f", path_of(d)); return;
	}
}

void fields_module(struct decode *d, uint32_t id)
{
	const struct wire_kernel_module_fields *f = &d->rec.module.fields;
	bool fd = d->call == CALL_finit_module;
	struct event *e = &d->event;

	switch (id) {
	case FIELD_kernel_module_uargs: event_set_str(e, id, d->rec.seg[SEG_TEXT].p, d->rec.seg[SEG_TEXT].len); return;
	case FIELD_kernel_module_fd_num: if (fd) event_set_u64(e, id, f->fd_num); return;
	case FIELD_kernel_module_fd_name: if (fd) value_str(d, id, path_of(d)); return;
	case FIELD_kernel_module_arg_fd: if (fd) value_fd(d, id, (int64_t)f->fd_num, "f", path_of(d)); return;
	case FIELD_kernel_module_length: if (!fd) event_set_u64(e, id, f->length); return;
	case FIELD_kernel_module_flags_str: if (fd) value_flags(d, id, FLAGS_MODULE, f->flags); return;
	case FIELD_kernel_module_flags: if (fd) event_set_u64(e, id, f->flags); return;
	}
}

void fields_bpf(struct decode *d, uint32_t id)
{
	uint64_t cmd = d->rec.bpf.fields.cmd;
	const char *name = name_of_bpf(cmd);

	switch (id) {
	case FIELD_kernel_bpf_cmd_str:
		if (name)
			event_set_cstr(&d->event, id, name);
		else
			value_number(d, id, (int64_t)cmd);
		return;
	case FIELD_kernel_bpf_cmd: event_set_u64(&d->event, id, cmd); return;
	}
}

void fields_userfaultfd(struct decode *d, uint32_t id)
{
	const struct wire_kernel_userfaultfd_fields *f = &d->rec.userfaultfd.fields;

	switch (id) {
	case FIELD_kernel_userfaultfd_num: event_set_u64(&d->event, id, f->num); return;
	case FIELD_kernel_userfaultfd_flags_str: value_flags(d, id, FLAGS_USERFAULTFD, f->flags); return;
	case FIELD_kernel_userfaultfd_flags: event_set_u64(&d->event, id, f->flags); return;
	}
}
// clang-format on
