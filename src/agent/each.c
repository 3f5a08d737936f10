/* SPDX-License-Identifier: Apache-2.0 */
/* each: a capture's events one by one, decoded as the worker decodes them, for tools that look at them. */
#include "agent/agent.h"

#include "agent/replay.h"
#include "content/event/event.h"
#include "sensor/decode/decode.h"

struct each {
	const struct agent_each_opts *o;
	bool enough;
};

static bool wants_all(void *user, uint32_t type, uint32_t field)
{
	(void)user;
	(void)type;
	(void)field;
	return true;
}

static void on_event(void *user, struct event *e)
{
	struct each *x = user;

	if (!x->enough)
		x->enough = !x->o->event(x->o->user, e);
}

FALLIBLE agent_each(const struct agent_each_opts *o, struct diag *d)
{
	struct each x = { .o = o };
	struct decode_opts dec = { .table = &template_builtin,
				   .types = o->types,
				   .wants = o->wants ? o->wants : wants_all,
				   .wants_user = o->user,
				   .emit = on_event,
				   .emit_user = &x };
	struct capture *c = NULL;
	struct decode *decode = NULL;
	const struct capture_info *info;
	struct view rec;
	enum err err;
	int fd = -1;

	err = replay_open_capture(o->capture, &fd, &c, d);
	if (err == E_OK) {
		info = capture_info(c);
		dec.passwd = info->users;
		dec.passwd_len = info->users_len;
		dec.boot_to_wall_ns = info->boot_to_wall_ns;
		err = decode_new(&dec, &decode);
	}
	while (err == E_OK && !x.enough) {
		err = capture_next(c, &rec, d);
		if (err == E_OK)
			(void)!decode_record(decode, rec); /* a malformed record is replay's to count */
	}
	decode_free(decode);
	capture_close(c);
	if (fd >= 0)
		close(fd);
	return err == E_NOT_FOUND ? E_OK : err;
}
