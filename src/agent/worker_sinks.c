/* SPDX-License-Identifier: Apache-2.0 */
/* worker_sinks: alerts out of the worker; a sink that stalls or fails costs that sink's lines, never events. */
#include "agent/worker.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/stat.h>

enum { ASK_AGAIN_MS = 10000, EPOLL_SINK = 16, TRY_EVERY = 16 };

static void send_which(struct worker *w, enum control_type type, uint32_t index, int error)
{
	struct control_packet p;

	control_init(&p, type);
	p.msg.u.which = (struct control_which){ .index = index, .error = (uint32_t)error };
	if (control_send(w->sock, &p) != E_OK)
		w->stop = true;
}

FALLIBLE worker_sink_open(struct worker *w, const struct control_output *m, int fd)
{
	struct sink *s = &w->sinks[m->index];
	struct epoll_event ev = { .events = EPOLLOUT | EPOLLET, .data.u64 = EPOLL_SINK + m->index };

	if (s->out)
		return E_EXISTS;
	*s = (struct sink){ .fd = fd, .max_bytes = m->max_bytes, .have_bytes = m->have_bytes };
	TRY(output_new(fd, (enum output_format)m->format, w->start.hostname, &s->out));
	/* Regular files cannot be waited for (EPERM), and need not be. */
	s->pollable = epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &ev) == 0;
	return E_OK;
}

void worker_sink_replace(struct worker *w, const struct control_output *m, int fd)
{
	struct sink *s = &w->sinks[m->index];

	if (fd < 0) {
		s->rotate_asked = false;
		s->ask_again_ms = worker_now_ms() + ASK_AGAIN_MS;
		return;
	}
	if (!s->out || !s->rotate_asked) {
		close(fd);
		return;
	}
	output_set_fd(s->out, fd);
	close(s->fd);
	s->fd = fd;
	s->have_bytes = m->have_bytes;
	s->rotate_asked = false;
	s->failing = false;
}

static void gone(struct worker *w, uint32_t index, int error)
{
	struct sink *s = &w->sinks[index];

	w->dropped_before[index] += output_dropped(s->out) + output_waiting(s->out);
	w->sent_before[index] += output_sent(s->out);
	output_free(s->out);
	s->out = NULL;
	close(s->fd);
	send_which(w, CONTROL_GONE, index, error);
}

static void flush_sink(struct worker *w, uint32_t index)
{
	struct sink *s = &w->sinks[index];

	if (output_flush(s->out) == E_OK) {
		if (s->failing)
			log_info("output works again index=%u", index);
		s->failing = false;
	} else if (errno == EPIPE) {
		gone(w, index, EPIPE);
		return;
	} else if (!s->failing) {
		log_warning("output fails, alerts wait in memory index=%u error=\"%s\"", index, strerror(errno));
		s->failing = true;
	}
	if (s->max_bytes && !s->rotate_asked && !output_mid_line(s->out) &&
	    s->have_bytes + output_written_bytes(s->out) >= s->max_bytes && worker_now_ms() >= s->ask_again_ms) {
		s->rotate_asked = true;
		send_which(w, CONTROL_ROTATE, index, 0);
	}
}

static void publish(struct worker *w)
{
	uint64_t mid = 0;

	for (uint32_t i = 0; i < CONTROL_MAX_OUTPUTS; i++) {
		const struct sink *s = &w->sinks[i];

		page_set(&w->page->dropped[i], w->dropped_before[i] + (s->out ? output_dropped(s->out) : 0));
		page_set(&w->page->sent[i], w->sent_before[i] + (s->out ? output_sent(s->out) : 0));
		page_set(&w->page->waiting[i], s->out ? output_waiting(s->out) : 0);
		mid |= s->out ? (uint64_t)output_mid_line(s->out) << i : 0;
	}
	page_set(&w->page->mid_line, mid);
}

void worker_sinks_flush(struct worker *w)
{
	for (uint32_t i = 0; i < CONTROL_MAX_OUTPUTS; i++)
		if (w->sinks[i].out)
			flush_sink(w, i);
	publish(w);
}

void worker_alert(struct worker *w, const struct content *c, uint32_t rule, const struct event *e)
{
	for (uint32_t i = 0; i < CONTROL_MAX_OUTPUTS; i++) {
		struct sink *s = &w->sinks[i];
		bool idle = s->out && !output_pending(s->out);

		if (!s->out)
			continue;
		(void)output_alert(s->out, c, rule, e);
		/* A sink that is behind is tried now and then: a system call for each alert would be wasted on it, and
		 * a whole batch of records may be more than its queue holds. */
		s->behind = idle ? 0 : s->behind + 1;
		if (s->behind % TRY_EVERY == 0)
			flush_sink(w, i);
	}
	publish(w);
}

void worker_note(struct worker *w, const struct output_note *n)
{
	for (uint32_t i = 0; i < CONTROL_MAX_OUTPUTS; i++)
		if (w->sinks[i].out)
			(void)output_note(w->sinks[i].out, n);
}

void worker_sink_event(struct worker *w, uint32_t index, uint32_t epoll_events)
{
	struct sink *s = &w->sinks[index];

	if (s->out && epoll_events & (EPOLLERR | EPOLLHUP))
		gone(w, index, EPIPE);
}

void worker_sinks_status(struct worker *w, const char *text)
{
	for (uint32_t i = 0; i < CONTROL_MAX_OUTPUTS; i++)
		if (w->sinks[i].out)
			output_status(w->sinks[i].out, text);
}

static uint64_t waiting(const struct worker *w)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < CONTROL_MAX_OUTPUTS; i++)
		n += page_get(&w->page->waiting[i]);
	return n;
}

void worker_sinks_finish(struct worker *w, uint64_t timeout_ms)
{
	uint64_t until = worker_now_ms() + timeout_ms;
	struct epoll_event ev;

	worker_sinks_status(w, "");
	for (;;) {
		worker_sinks_flush(w);
		if (!waiting(w) || worker_now_ms() >= until)
			break;
		worker_beat(w);
		(void)epoll_wait(w->epoll, &ev, 1, 20);
	}
	for (uint32_t i = 0; i < CONTROL_MAX_OUTPUTS; i++) {
		page_add(&w->page->dropped[i], page_get(&w->page->waiting[i]));
		page_set(&w->page->waiting[i], 0);
	}
}
