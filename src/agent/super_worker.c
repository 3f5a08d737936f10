/* SPDX-License-Identifier: Apache-2.0 */
/* super_worker: talking to the worker: what it needs to start, what it says, new rules for it. */
#include "agent/supervisor.h"

#include <errno.h>

enum { RETRY_MS = 10000, RESCAN_MS = 10000, WORKER_NICE = -10, ALL_HOOKS = KERN_HOOK_ALL };

void super_worker_start(struct supervisor *s)
{
	/* It empties a bounded buffer: late is lost. Its CPU time is bounded by the cgroup. */
	struct child_opts o = { .name = "worker", .arg = AGENT_WORKER_ARG, .cgroup = &s->cgroup, .nice = WORKER_NICE };
	struct diag d;

	diag_init(&d);
	o.arg2 = s->memory;
	if (child_spawn(&o, &s->child, &d) != E_OK) {
		log_error("%s", d.text);
		s->restart_ms = super_now_ms() + RETRY_MS;
		return;
	}
	super_enter(s, LOADING);
	s->refused = 0;
	s->has_filter = false;
	/* A worker that dies over this is noticed by its death. */
	if (super_worker_send_start(s, &s->child, s->page_fd, s->flight_fd, s->kern ? 0 : CONTROL_CAPTURED) != E_OK ||
	    super_worker_send_capture(s, &s->child) != E_OK || super_worker_send_outputs(s) != E_OK ||
	    super_worker_send_record(s) != E_OK || super_worker_send_files(&s->child, s->files) != E_OK)
		log_warning("the worker does not take its start-up messages error=\"%s\"", strerror(errno));
}

/* worker: its messages */

static void say_watching(const struct supervisor *s, uint32_t n_procs)
{
	const uint8_t *h = s->ready.digest;

	log_info("watching rules=%u programs=%u processes=%u hooks=0x%x content=%02x%02x%02x%02x%02x%02x",
		 s->ready.n_rules, s->ready.n_programs, n_procs, s->ready.hooks, h[0], h[1], h[2], h[3], h[4], h[5]);
}

/* The worker can change the page at any time: what is judged and used is a copy. */
static void on_filter(struct supervisor *s, uint32_t n_names)
{
	memcpy(s->filter, &s->page->filter, sizeof *s->filter);
	s->n_filter_names = n_names;
	s->has_filter = true;
}

/*
 * Exactly these hooks, as far as they are not barred; which ones is written down first: after an unclean end of this
 * host fewer are attached, and where it cannot be written only the essential ones. A worker cannot ask for more than
 * there are.
 */
static FALLIBLE attach(struct supervisor *s, uint32_t hooks, struct diag *d)
{
	struct local_input in = { .event = LOCAL_EV_ATTACH };

	hooks = (hooks & ALL_HOOKS) | KERN_HOOK_PROCESS;
	if (s->arm.store) {
		in.hooks = hooks = local_hooks(&s->arm.state, hooks);
		hooks = super_arm_on(s, &in) ? hooks : hooks & SUPER_HOOKS_ESSENTIAL;
	}
	return kern_attach(s->kern, hooks, d);
}

/* Of the content that READY is about: what is sent up from now on. */
static FALLIBLE attach_content(struct supervisor *s, const struct control_ready *r, struct diag *d)
{
	const struct page_filter *f = s->filter;
	bool has = s->has_filter;

	s->has_filter = false;
	s->filtered = has;
	TRY(attach(s, r->hooks, d));
	return kern_filter_swap(s->kern, has ? &f->filter : NULL, f->names, f->masks, has ? s->n_filter_names : 0, d);
}

FALLIBLE super_worker_attach_both(struct supervisor *s, uint32_t hooks, struct diag *d)
{
	TRY(attach(s, s->ready.hooks | hooks, d));
	return kern_filter_swap(s->kern, NULL, NULL, NULL, 0, d);
}

void super_worker_attach_again(struct supervisor *s)
{
	struct diag d;

	diag_init(&d);
	if (s->state != WATCHING && s->state != SCANNING)
		return;
	s->has_filter = s->filtered;
	if (attach_content(s, &s->ready, &d) != E_OK)
		log_error("the kernel refuses what the rules need: %s", d.text);
}

/* With the processes that there are; a capture says by itself which there were. */
void super_worker_go(struct supervisor *s, struct child *c, int iter)
{
	child_send(c, CONTROL_GO, s->kern ? iter : -1);
	close(iter);
}

static void on_ready(struct supervisor *s, const struct control_ready *r)
{
	struct diag d;
	int iter = -1;

	diag_init(&d);
	s->ready = *r;
	if (attach_content(s, r, &d) != E_OK || kern_iter_open(s->kern, &iter, &d) != E_OK) {
		log_error("the kernel refuses what the rules need: %s%s%s", d.text, d.hint[0] ? "; " : "", d.hint);
		s->refused = EXIT_HOST;
		child_kill(&s->child, "it cannot be given events");
		return;
	}
	s->lost_scanned = super_totals(s).lost;
	super_worker_go(s, &s->child, iter);
	super_enter(s, SCANNING);
}

static void on_scanned(struct supervisor *s, uint32_t n_procs)
{
	struct local_input restarted = { .event = LOCAL_EV_RESTARTED };

	if (s->gap.since_ns)
		super_report_gap(s);
	child_send(&s->child, CONTROL_RUN, -1);
	say_watching(s, n_procs);
	s->courier.answer_due = s->courier.answer >= 0;
	s->ever_watched = true;
	super_saw_beat(s);
	super_enter(s, WATCHING);
	super_steward_watching(s);
	if (TAKE(s->restarting))
		(void)super_arm_on(s, &restarted);
}

void super_worker_drop_next_files(struct supervisor *s)
{
	sealed_files_close(s->next_files);
	free(TAKE(s->next_files));
}

static void on_reloaded(struct supervisor *s, const struct control_ready *r)
{
	struct diag d;

	diag_init(&d);
	if (attach_content(s, r, &d) != E_OK)
		log_error("the kernel refuses what the new rules need, some will not fire: %s", d.text);
	s->ready = *r;
	sealed_files_close(s->files);
	free(s->files);
	s->files = TAKE(s->next_files);
	super_native_begin(s);
	log_info("rules reloaded rules=%u programs=%u judged_ms=%.1f stood_still_ms=%.3f", r->n_rules, r->n_programs,
		 (double)(super_now_ns(CLOCK_MONOTONIC) - s->reload_ns) / 1e6,
		 (double)page_get(&s->page->swap_ns) / 1e6);
}

static void on_gone(struct supervisor *s, uint32_t index, uint32_t error)
{
	struct super_sink *k = &s->sinks.sink[index];

	if (k->fd < 0)
		return;
	log_warning("an output is gone index=%u error=\"%s\"", index, strerror((int)error));
	output_free(k->out);
	close(k->fd);
	*k = (struct super_sink){ .fd = -1 };
	for (uint32_t i = 0; i < CONTROL_MAX_OUTPUTS; i++)
		if (s->sinks.sink[i].fd >= 0)
			return;
	log_warning("no output is left: stopping");
	super_begin_stop(s);
}

static void on_rotate(struct supervisor *s, uint32_t index)
{
	enum err err =
		s->sinks.sink[index].fd >= 0 ? super_sink_rotate(&s->sinks.sink[index], super_now_ms()) : E_LIMIT;

	/* E_LIMIT: it asked too soon, and will again. */
	if (err == E_IO)
		log_warning("the alert file cannot be rotated, it goes on growing index=%u error=\"%s\"", index,
			    strerror(errno));
	if (super_worker_send_output(s, index, err == E_OK) != E_OK)
		child_kill(&s->child, "it does not take messages");
}

/* False: nothing that is allowed in this state. */
static bool dispatch(struct supervisor *s, struct control_packet *p)
{
	const struct control_msg *m = &p->msg;
	bool reloading = s->state == WATCHING && s->next_files;
	int fd;

	switch ((enum control_type)m->hdr.type) {
	case CONTROL_READY:
		if (s->state == LOADING)
			on_ready(s, &m->u.ready);
		else if (reloading)
			on_reloaded(s, &m->u.ready);
		return s->state == SCANNING || s->state == LOADING || s->state == STOPPING || reloading;
	case CONTROL_FAILED:
		if (reloading) {
			log_error("the new rules are refused, the old ones stay in force");
			super_worker_drop_next_files(s);
			super_arm_refused(s);
			return true;
		}
		s->refused = (int)m->u.failed.exit_code;
		return true;
	case CONTROL_FILTER:
		if (s->state == LOADING || reloading)
			on_filter(s, m->u.filter.n_names);
		return s->state == LOADING || s->state == STOPPING || reloading;
	case CONTROL_SCANNED:
		if (s->state == SCANNING)
			on_scanned(s, m->u.scanned.n_procs);
		return s->state >= WATCHING;
	case CONTROL_GONE:
		on_gone(s, m->u.which.index, m->u.which.error);
		return true;
	case CONTROL_ROTATE:
		on_rotate(s, m->u.which.index);
		return true;
	case CONTROL_QUESTION:
		if (sealed_bytes(s->page->question, m->u.question.bytes, &fd) == E_OK)
			super_courier_ask(&s->courier, fd);
		return true;
	case CONTROL_ASK_CONTAINER:
		if (container_files_answer(&s->containers, s->child.sock, &m->u.ask_container, super_now_ms()) != E_OK)
			child_kill(&s->child, "it does not take messages");
		return s->state >= WATCHING;
	case CONTROL_FINAL:
		return s->state >= RESTARTING;
	default:
		return false;
	}
}

void super_worker_on_message(struct supervisor *s)
{
	struct control_packet p;

	if (!child_receive(&s->child, &p))
		return;
	if (!dispatch(s, &p))
		child_kill(&s->child, "it sent a message that does not belong here");
	control_close_fds(&p);
}

void super_worker_restart(struct supervisor *s)
{
	s->restarting = true;
	super_enter(s, RESTARTING);
	child_send(&s->child, CONTROL_STOP, -1);
}

void super_worker_reload(struct supervisor *s)
{
	struct diag d;

	diag_init(&d);
	if (s->state != WATCHING || s->next_files) {
		log_warning("not reloading now: the worker is busy");
		return;
	}
	s->arm.reloading = false;
	s->next_files = calloc(1, sizeof *s->next_files);
	if (!s->next_files)
		return;
	if (super_arm_files(s, s->next_files, &d) != E_OK) {
		log_error("rules are not reloaded: %s", d.text);
		super_worker_drop_next_files(s);
		return;
	}
	s->reload_ns = super_now_ns(CLOCK_MONOTONIC);
	if (super_worker_send_files(&s->child, s->next_files) != E_OK)
		child_kill(&s->child, "it does not take messages");
}

void super_worker_rescan(struct supervisor *s)
{
	uint64_t now = super_now_ms(), lost = super_totals(s).lost;
	struct diag d;
	int iter;

	if (s->state != WATCHING || lost == s->lost_scanned || now - s->rescan_ms < RESCAN_MS)
		return;
	s->rescan_ms = now;
	s->lost_scanned = lost;
	super_report_groups(s);
	diag_init(&d);
	if (kern_iter_open(s->kern, &iter, &d) != E_OK) {
		log_warning("processes that were missed cannot be looked for: %s", d.text);
		return;
	}
	child_send(&s->child, CONTROL_RESCAN, iter);
	close(iter);
}
