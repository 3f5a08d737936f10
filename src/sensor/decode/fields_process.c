/* SPDX-License-Identifier: Apache-2.0 */
/* fields_process: a process begins to run a program, or ends. */
#include "sensor/decode/parts.h"

static bool is_script(const struct record *r)
{
	const struct proc_str *f = &r->seg[SEG_FILENAME], *i = &r->seg[SEG_INTERP];

	return i->len && (i->len != f->len || memcmp(i->p, f->p, f->len));
}

/* Bits as in flags.c. */
static uint64_t exe_flags(const struct proc_view *v)
{
	return (uint64_t)v->exe_writable | (uint64_t)v->exe_upper << 1 | (uint64_t)v->exe_lower << 2 |
	       (uint64_t)v->from_memfd << 3;
}

static void exec_failed(struct decode *d, uint32_t id)
{
	if (id == FIELD_process_exec_filename)
		value_str(d, id, d->rec.seg[SEG_RAW]);
	else if (id == FIELD_process_exec_is_script)
		event_set_u64(&d->event, id, 0);
}

// clang-format off
void fields_exec(struct decode *d, uint32_t id)
{
	const struct record *r = &d->rec;
	struct event *e = &d->event;

	if (r->hdr.kind == WIRE_EXEC_FAILED) {
		exec_failed(d, id);
		return;
	}
	switch (id) {
	case FIELD_process_exec_filename: value_str(d, id, r->seg[SEG_FILENAME]); return;
	case FIELD_process_exec_interp: if (is_script(r)) value_str(d, id, r->seg[SEG_INTERP]); return;
	case FIELD_process_exec_is_script: event_set_u64(e, id, is_script(r)); return;
	case FIELD_process_exec_exe_nlink: event_set_u64(e, id, r->exec.fields.exe_nlink); return;
	case FIELD_process_exec_exe_mode: event_set_u64(e, id, r->exec.fields.exe_mode); return;
	case FIELD_process_exec_arg_flags: value_flags(d, id, FLAGS_EXE, exe_flags(d->view)); return;
	case FIELD_process_exec_arg_exe: value_str(d, id, d->view->exe); return;
	case FIELD_process_exec_arg_args: if (d->view->args_known) event_set_str(e, id, d->view->args.p, d->view->args.len); return;
	case FIELD_process_exec_arg_cwd: event_set_cstr(e, id, d->p->cwd); return;
	case FIELD_process_exec_arg_comm: value_name(d, id, d->p); return;
	}
}

static void set_signal_name(struct decode *d, uint32_t id, int sig)
{
	enum { SIGNAL_TEXT = 24 };
	const char *abbrev = sigabbrev_np(sig);
	char *text = value_room(d, SIGNAL_TEXT);

	if (text && abbrev)
		event_set_str(&d->event, id, text, (size_t)snprintf(text, SIGNAL_TEXT, "SIG%s", abbrev));
	else
		value_number(d, id, sig);
}

/* wait(2): low seven bits the signal, the next eight the code. */
void fields_exit(struct decode *d, uint32_t id)
{
	int64_t status = (int64_t)d->rec.exit.fields.status, sig = status & 0x7f, code = status >> 8 & 0xff;
	struct event *e = &d->event;

	switch (id) {
	case FIELD_process_exit_status_str: value_number(d, id, status); return;
	case FIELD_process_exit_status: event_set_i64(e, id, status); return;
	case FIELD_process_exit_ret_str: if (!sig) value_number(d, id, code); return;
	case FIELD_process_exit_ret: if (!sig) event_set_i64(e, id, code); return;
	case FIELD_process_exit_sig_str: if (sig) set_signal_name(d, id, (int)sig); return;
	case FIELD_process_exit_sig: if (sig) event_set_i64(e, id, sig); return;
	}
}
// clang-format on
