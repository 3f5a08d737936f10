/* SPDX-License-Identifier: Apache-2.0 */
/* judge: a capture through decode, to lines that tests compare. */
#include "make.h"

#include "sensor/capture/capture.h"
#include "sensor/decode/decode.h"

static void put(struct judged *j, const struct event *e, uint32_t id)
{
	size_t at = j->lines.len;

	buf_putc(&j->lines, ' ');
	(void)event_format(e, id, -1, &j->lines);
	if (j->lines.len == at + 1)
		buf_putc(&j->lines, '-');
}

static void on_event(void *user, struct event *e)
{
	static const uint32_t own[TEMPLATE_N_TYPES][4] = {
		[TEMPLATE_TYPE_process_exec] = { FIELD_process_exec_filename, FIELD_proc_exepath, FIELD_proc_cwd,
						 FIELD_container_id },
		[TEMPLATE_TYPE_process_exit] = { FIELD_process_exit_status, FIELD_process_exit_ret },
		[TEMPLATE_TYPE_file_open] = { FIELD_file_open_name, FIELD_file_open_flags_str, FIELD_file_open_num,
					      FIELD_file_open_is_create },
		[TEMPLATE_TYPE_memfd_create] = { FIELD_memfd_create_fd_name, FIELD_memfd_create_num },
		[TEMPLATE_TYPE_net_connect] = { FIELD_net_connect_name, FIELD_net_connect_l4proto,
						FIELD_net_connect_num },
		[TEMPLATE_TYPE_ipc_pipe] = { FIELD_ipc_pipe_chain, FIELD_ipc_pipe_edge, FIELD_ipc_pipe_peer_rport },
	};
	struct judged *j = user;

	(void)event_format(e, FIELD_evt_type, -1, &j->lines);
	put(j, e, FIELD_proc_pid);
	put(j, e, FIELD_user_uid);
	buf_puts(&j->lines, " [");
	(void)event_format(e, FIELD_proc_cmdline, -1, &j->lines);
	buf_puts(&j->lines, "] <");
	(void)event_format(e, FIELD_proc_pname, -1, &j->lines);
	buf_puts(&j->lines, ">");
	for (size_t i = 0; i < 4 && own[e->type_index][i]; i++)
		put(j, e, own[e->type_index][i]);
	if (!own[e->type_index][0])
		put(j, e, FIELD_evt_args);
	buf_putc(&j->lines, '\n');
}

void judge(struct view capture, struct judged *out)
{
	struct decode_opts o = {
		.table = &template_builtin, .types = (1u << TEMPLATE_N_TYPES) - 1, .emit = on_event, .emit_user = out
	};
	struct decode *dec = NULL;
	struct capture *c = NULL;
	struct view rec;

	*out = (struct judged){ .err = E_OK };
	buf_init(&out->lines, 16 << 20);
	diag_init(&out->d);
	out->err = decode_new(&o, &dec);
	if (out->err == E_OK)
		out->err = capture_open_bytes(capture, "test", &c, &out->d);
	while (out->err == E_OK && (out->err = capture_next(c, &rec, &out->d)) == E_OK) {
		out->records++;
		out->malformed += decode_record(dec, rec) != E_OK;
	}
	capture_close(c);
	decode_free(dec);
	buf_put(&out->lines, "", 0);
}

void judged_done(struct judged *j)
{
	buf_done(&j->lines);
}
