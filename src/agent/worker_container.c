/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_container: questions about containers to the supervisor, and its answers: descriptors of files that were
 * written by runtimes, which are parsed here. Between batches of records, never while one is judged.
 */
#include "agent/worker.h"

#include "sensor/container/container.h"

void worker_want_containers(struct worker *w)
{
	/* Those of a capture are not on this host; of a shadow it is its neighbour's to ask. */
	w->ask_containers =
		decode_wants_containers(w->decode) && !worker_is(w, CONTROL_CAPTURED) && !worker_is(w, CONTROL_SHADOW);
}

void worker_containers_ask(struct worker *w)
{
	struct container_table *t = proc_containers(decode_procs(w->decode));
	const struct container_ident *who;

	if (!w->ask_containers)
		return;
	while ((who = container_next_question(t, worker_now_ms() * 1000000))) {
		struct control_packet p;

		control_init(&p, CONTROL_ASK_CONTAINER);
		p.msg.u.ask_container.runtime = who->runtime;
		memcpy(p.msg.u.ask_container.id, who->id, sizeof who->id);
		if (control_send(w->sock, &p) != E_OK) {
			w->stop = true;
			return;
		}
	}
}

int worker_containers_wait_ms(const struct worker *w, int most)
{
	uint64_t now = worker_now_ms(), due;

	if (!w->ask_containers)
		return most;
	due = container_due_ns(proc_containers(decode_procs(w->decode)));
	if (due == UINT64_MAX)
		return most;
	due = (due + 999999) / 1000000;
	return due <= now ? 0 : due - now < (uint64_t)most ? (int)(due - now) : most;
}

static void say_bad(struct worker *w, const struct control_container *m, enum err err)
{
	uint64_t now = worker_now_ms();

	if (w->container_said_ms && now - w->container_said_ms < 1000)
		return;
	w->container_said_ms = now;
	log_warning("what a runtime wrote about a container cannot be read, its fields are missing id=%s error=\"%s\"",
		    m->id, err_text(err));
}

static struct container_info *read_files(struct worker *w, const struct control_packet *p)
{
	const struct control_container *m = &p->msg.u.container;
	struct view files[CONTAINER_FILES] = { { 0 } };
	char *text[CONTAINER_FILES] = { 0 };
	struct container_info *info = NULL;
	enum err err = E_IO;

	for (uint32_t i = 0, fd = 0; i < CONTAINER_FILES; i++) {
		size_t len;

		if (!(m->have >> i & 1) || fd == p->n_fds)
			continue;
		if (io_read_fd(p->fds[fd++], "a container's file", CONTAINER_FILE_MAX, &text[i], &len, NULL) == E_OK)
			files[i] = view_of(text[i], len);
	}
	if (files[0].p)
		err = container_info_parse((enum container_shape)m->shape, (enum container_runtime)m->runtime, m->id,
					   files, &info);
	if (err != E_OK)
		say_bad(w, m, err);
	for (uint32_t i = 0; i < CONTAINER_FILES; i++)
		free(text[i]);
	return info;
}

void worker_container_answer(struct worker *w, const struct control_packet *p)
{
	const struct control_container *m = &p->msg.u.container;

	container_answer(proc_containers(decode_procs(w->decode)), m->id, p->n_fds ? read_files(w, p) : NULL, m->again,
			 worker_now_ms() * 1000000);
}
