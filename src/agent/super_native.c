/* SPDX-License-Identifier: Apache-2.0 */
/*
 * super_native: a compiler for the content in force, started when a worker watches with it, and what it made, passed on
 * unread. Nobody waits for it: the rules are interpreted until it is done, and when it fails.
 */
#include "agent/supervisor.h"

enum { COMPILE_MS = 60000, COMPILER_NICE = 15 };

static void set_state(struct supervisor *s, enum page_native state, const char *why)
{
	if (why)
		log_warning("rules are interpreted, not compiled: %s", why);
	s->native.state = state;
	page_set(&s->page->native_state, state);
}

void super_native_begin(struct supervisor *s)
{
	child_end(&s->native.child);
	base_close_fd(&s->native.code);
	s->native.code = -1;
	s->native.given = false;
	set_state(s, s->o->config->native ? PAGE_NATIVE_WAITS : PAGE_NATIVE_OFF, NULL);
}

static void start(struct supervisor *s, uint64_t now_ms)
{
	/* Name, arguments, group, nice. */
	struct child_opts o = { "compiler", AGENT_COMPILER_ARG, s->memory, &s->trial_cgroup, COMPILER_NICE };
	struct super_native *n = &s->native;
	struct diag d;

	diag_init(&d);
	n->since_ms = now_ms;
	if (child_spawn(&o, &n->child, &d) != E_OK)
		set_state(s, PAGE_NATIVE_NONE, d.text);
	else if (super_worker_send_start(s, &n->child, -1, -1, CONTROL_COMPILER) != E_OK ||
		 super_worker_send_files(&n->child, s->files) != E_OK)
		child_kill(&n->child, "it does not take messages");
}

void super_native_on_time(struct supervisor *s, uint64_t now_ms)
{
	struct super_native *n = &s->native;

	if (n->child.pid && now_ms - n->since_ms > COMPILE_MS)
		child_kill(&n->child, "it does not come to an end");
	if (s->state != WATCHING || s->next_files || n->given)
		return;
	if (n->code >= 0) {
		n->given = true;
		set_state(s, PAGE_NATIVE_GIVEN, NULL);
		child_send(&s->child, CONTROL_CODE, n->code);
	} else if (!n->child.pid && n->state == PAGE_NATIVE_WAITS && s->ready.n_programs) {
		start(s, now_ms);
	}
}

void super_native_on_message(struct supervisor *s)
{
	struct super_native *n = &s->native;
	struct control_packet p;

	if (!child_receive(&n->child, &p))
		return;
	if (p.msg.hdr.type == CONTROL_COMPILED && n->code < 0)
		n->code = p.fds[--p.n_fds];
	else
		child_kill(&n->child, "it sent a message that does not belong here");
	control_close_fds(&p);
}

void super_native_on_death(struct supervisor *s)
{
	siginfo_t si;

	if (child_reap(&s->native.child, &si) && s->native.code < 0)
		set_state(s, PAGE_NATIVE_NONE, si.si_code == CLD_EXITED ? "the compiler ended" : "the compiler died");
}

/* Native code may be why, or the content, or the event: the successor has one reason less. */
void super_native_worker_died(struct supervisor *s, const siginfo_t *si)
{
	int signal = si->si_code == CLD_EXITED ? 0 : si->si_status;
	bool given = TAKE(s->native.given);

	if (!given || !signal || signal == SIGKILL)
		return;
	super_native_begin(s);
	page_add(&s->page->native_deaths, 1);
	set_state(s, PAGE_NATIVE_DIED, "the worker died with native code of this content");
}
