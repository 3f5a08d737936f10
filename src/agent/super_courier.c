/* SPDX-License-Identifier: Apache-2.0 */
/*
 * super_courier: one courier while it is needed, and what outlives it.
 *
 * Both ends of the pipe of alerts stay open here: a courier that dies loses what it had read, its successor goes on
 * with what is still in the pipe, and the worker notices nothing. Questions and answers about names are passed on
 * unread, at most one a second.
 */
#include "agent/supervisor.h"

#include <poll.h>
#include <sys/stat.h>

enum { RETRY_MS = 10000, RELAY_MS = 1000, STOP_MS = COURIER_FLUSH_MS + 2000 };

static void replace(int *fd, int by)
{
	if (*fd >= 0)
		close(*fd);
	*fd = by;
}

void super_courier_ask(struct super_courier *c, int fd)
{
	struct stat st;

	if (!c->o->config->resolve_enabled || fstat(fd, &st) || (!st.st_size && c->question < 0)) {
		close(fd);
		return;
	}
	replace(&c->question, fd);
	c->question_due = true;
}

static FALLIBLE send_settings(struct super_courier *c)
{
	struct control_packet p;

	control_init(&p, CONTROL_COURIER);
	p.fds[p.n_fds++] = c->settings;
	p.fds[p.n_fds++] = c->page_fd;
	if (c->outputs)
		p.fds[p.n_fds++] = c->pipe_read;
	if (c->outputs && c->certificates >= 0)
		p.fds[p.n_fds++] = c->certificates;
	return control_send(c->child.sock, &p);
}

static void start(struct super_courier *c, uint64_t now_ms)
{
	struct child_opts o = { .name = "courier", .arg = AGENT_COURIER_ARG, .arg2 = "" };
	struct diag d;

	diag_init(&d);
	if (child_spawn(&o, &c->child, &d) != E_OK) {
		log_error("%s", d.text);
		c->backoff.restart_ms = now_ms + RETRY_MS;
		return;
	}
	c->question_due = c->question >= 0;
	if (send_settings(c) != E_OK)
		child_kill(&c->child, "it does not take messages");
}

void super_courier_on_time(struct super_courier *c, uint64_t now_ms)
{
	if (!c->child.pid && (c->outputs || c->question >= 0 || c->o->config->release_repository) &&
	    now_ms >= c->backoff.restart_ms)
		start(c, now_ms);
	if (!c->child.pid || !c->question_due || now_ms - c->relayed_ms < RELAY_MS)
		return;
	c->relayed_ms = now_ms;
	c->question_due = false;
	child_send(&c->child, CONTROL_NAMES, c->question);
}

void super_courier_on_message(struct supervisor *s)
{
	struct super_courier *c = &s->courier;
	struct control_packet p;

	if (!child_receive(&c->child, &p))
		return;
	if (p.msg.hdr.type == CONTROL_ASK) {
		replace(&c->answer, p.fds[0]);
		c->answer_due = true;
		return;
	}
	if (p.msg.hdr.type == CONTROL_FETCHED)
		super_steward_got(s, &p);
	else
		child_kill(&c->child, "it sent a message that does not belong here");
	control_close_fds(&p);
}

void super_courier_on_death(struct super_courier *c, uint64_t now_ms)
{
	uint64_t held = 0;
	char what[64];
	siginfo_t si;

	if (!child_reap(&c->child, &si))
		return;
	/* What it held is gone with it. */
	for (uint32_t i = 0; i < COURIER_N_OUTPUTS; i++) {
		uint64_t waiting = page_get(&c->page->out[i].waiting);

		page_add(&c->page->out[i].lost, waiting);
		page_set(&c->page->out[i].waiting, 0);
		held += waiting;
	}
	(void)snprintf(what, sizeof what, "alerts lost with it=%llu", (unsigned long long)held);
	child_died("courier", &si, what, &c->backoff, now_ms);
}

void super_courier_finish(struct super_courier *c, int signals)
{
	struct pollfd p[2] = { { .fd = c->child.pidfd, .events = POLLIN }, { .fd = signals, .events = POLLIN } };
	struct control_packet stop;
	siginfo_t si;

	if (!c->child.pid)
		return;
	control_init(&stop, CONTROL_STOP);
	if (control_send(c->child.sock, &stop) != E_OK || poll(p, countof(p), STOP_MS) <= 0 || !p[0].revents)
		child_kill(&c->child, "it does not stop");
	(void)poll(p, 1, STOP_MS);
	(void)child_reap(&c->child, &si);
}
