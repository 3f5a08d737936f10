/* SPDX-License-Identifier: Apache-2.0 */
/*
 * super_trial: a second worker with the candidate: first a scratch one, which runs its vectors and ends, then a shadow
 * beside the live one, which judges the same events and whose alerts nobody sees.
 */
#include "agent/supervisor.h"

#include <fcntl.h>

enum { SCRATCH_MS = 60000, START_MS = 60000, TRIAL_NICE = 10 };

static void done(struct supervisor *s, enum local_event event, uint32_t cause, const char *rule)
{
	struct local_input in = { .event = event, .lane = s->arm.trial.lane, .cause = cause };

	memcpy(in.digest, s->arm.state.lane[in.lane].candidate, sizeof in.digest);
	(void)snprintf(in.rule, sizeof in.rule, "%s", rule);
	super_trial_end(s);
	(void)super_arm_on(s, &in);
}

static FALLIBLE send_all(struct supervisor *s, struct trial *t)
{
	AUTO_FREE struct sealed_files *files = calloc(1, sizeof *files);
	uint8_t *digest = s->arm.state.lane[t->lane].candidate;
	uint32_t mode = t->worker == LOCAL_SCRATCH_WORKER ? CONTROL_SCRATCH
			: s->kern                         ? CONTROL_SHADOW
							  : CONTROL_CAPTURED;
	enum err err;

	if (!files)
		return E_NOMEM;
	TRY(local_store_get(s->arm.store, digest, &files->file[0].fd, &files->file[0].bytes, NULL));
	(void)snprintf(files->file[0].name, sizeof files->file[0].name, "candidate");
	files->n = 1;
	err = super_worker_send_start(s, &t->child, t->page_fd, t->flight_fd, mode);
	if (err == E_OK && mode == CONTROL_CAPTURED)
		err = super_worker_send_capture(s, &t->child);
	if (err == E_OK)
		err = super_worker_send_files(&t->child, files);
	sealed_files_close(files);
	return err;
}

static void start(struct supervisor *s, uint32_t worker, uint32_t lane)
{
	struct child_opts o = { .name = worker == LOCAL_SHADOW_WORKER ? "shadow worker" : "scratch worker",
				.arg = AGENT_WORKER_ARG,
				.arg2 = s->memory,
				.cgroup = &s->trial_cgroup,
				.nice = TRIAL_NICE };
	struct trial *t = &s->arm.trial;
	struct diag d;
	enum err err;
	void *page;

	diag_init(&d);
	t->worker = worker;
	t->lane = lane;
	t->since_ms = super_now_ms();
	t->watching = false;
	t->beat = t->beat_ms = 0;
	if (page_new(sizeof *t->page, PAGE_MAGIC, &t->page_fd, &page) != E_OK)
		return;
	t->page = page;
	if (flight_open(NULL, &t->flight_fd) != E_OK || child_spawn(&o, &t->child, &d) != E_OK) {
		log_error("new content cannot be tried: %s", d.text);
		super_trial_end(s);
		return;
	}
	err = send_all(s, t);
	if (err == E_NOT_FOUND || err == E_FORMAT)
		done(s, LOCAL_EV_MISSING, CAUSE_NONE, "");
	else if (err != E_OK)
		child_kill(&t->child, "it does not take messages");
}

/* Without a word: whoever calls knows what follows. */
void super_trial_end(struct supervisor *s)
{
	struct trial *t = &s->arm.trial;

	child_end(&t->child);
	page_unmap(t->page, sizeof *t->page);
	base_close_fd(&t->page_fd);
	base_close_fd(&t->flight_fd);
	t->page = NULL;
	t->page_fd = t->flight_fd = -1;
	if (t->watching)
		super_worker_attach_again(s);
	t->watching = false;
}

/* What it needs from the kernel beside what the live one needs; for that time nothing is filtered. */
static void on_ready(struct supervisor *s, struct trial *t, const struct control_ready *r)
{
	struct diag d;
	int iter = -1;

	diag_init(&d);
	t->watching = true;
	t->hooks = r->hooks;
	if (super_worker_attach_both(s, r->hooks, &d) != E_OK || kern_iter_open(s->kern, &iter, &d) != E_OK) {
		done(s, LOCAL_EV_REFUSED, CAUSE_REFUSED, "");
		return;
	}
	super_worker_go(s, &t->child, iter);
}

static void on_tested(struct supervisor *s, const struct control_tested *t)
{
	if (t->n_failed)
		log_error("%u of %u vectors of new content fail on this host, first: %.127s", t->n_failed, t->n_vectors,
			  t->text);
	if (t->n_failed || !t->n_vectors)
		done(s, LOCAL_EV_REFUSED, CAUSE_VECTOR, "");
	else
		done(s, LOCAL_EV_TESTED, CAUSE_NONE, "");
}

void super_trial_on_message(struct supervisor *s)
{
	struct trial *t = &s->arm.trial;
	struct control_packet p;

	if (!child_receive(&t->child, &p))
		return;
	switch ((enum control_type)p.msg.hdr.type) {
	case CONTROL_READY:
		if (t->worker == LOCAL_SHADOW_WORKER && !t->watching)
			on_ready(s, t, &p.msg.u.ready);
		break;
	case CONTROL_SCANNED:
		child_send(&t->child, CONTROL_RUN, -1);
		t->since_ms = super_now_ms();
		t->beat_ms = t->since_ms;
		t->live_alerts = page_get(&s->page->alerts);
		break;
	case CONTROL_TESTED:
		on_tested(s, &p.msg.u.tested);
		break;
	case CONTROL_FAILED:
		done(s, LOCAL_EV_REFUSED, CAUSE_REFUSED, "");
		break;
	default:
		break; /* its questions are not answered */
	}
	control_close_fds(&p);
}

void super_trial_on_death(struct supervisor *s)
{
	struct trial *t = &s->arm.trial;
	uint32_t worker = t->worker, lane = t->lane;
	char what[256], rule[HEALTH_RULE_BYTES];
	siginfo_t si;

	super_flight_rule(t->flight_fd, t->page, rule);
	if (!child_reap(&t->child, &si))
		return;
	super_describe_death(t->flight_fd, t->page, &si, what, sizeof what);
	log_error("%s: %s", worker == LOCAL_SHADOW_WORKER ? "shadow worker" : "scratch worker", what);
	super_trial_end(s);
	super_arm_death(s, worker, lane, NULL, CAUSE_CRASH, si.si_code == CLD_EXITED ? 0 : (uint32_t)si.si_status,
			rule);
}

static void hung(struct supervisor *s, struct trial *t)
{
	char rule[HEALTH_RULE_BYTES];
	uint32_t worker = t->worker, lane = t->lane;

	super_flight_rule(t->flight_fd, t->page, rule);
	super_trial_end(s);
	super_arm_death(s, worker, lane, NULL, CAUSE_HANG, 0, rule);
}

static bool shadow_hangs(const struct supervisor *s, struct trial *t, uint64_t now_ms)
{
	uint64_t beat = page_get(&t->page->heartbeat);

	if (beat != t->beat)
		t->beat_ms = now_ms;
	t->beat = beat;
	return now_ms - t->beat_ms > (uint64_t)s->o->config->worker_watchdog_s * 1000;
}

/* One at a time: the lane that waits, whether nothing was tried yet or its worker could not be started. */
static void start_next(struct supervisor *s)
{
	for (uint32_t i = 0; i < LOCAL_N_LANES && s->state == WATCHING && !s->arm.trial.child.pid; i++) {
		uint32_t phase = s->arm.state.lane[i].phase;

		if (phase == LOCAL_SELFTEST || phase == LOCAL_SHADOW)
			start(s, phase == LOCAL_SELFTEST ? LOCAL_SCRATCH_WORKER : LOCAL_SHADOW_WORKER, i);
	}
}

/* The first rule whose program ended in an error. The name is a worker's bytes. */
static void over_budget(struct supervisor *s, const struct page *p)
{
	char rule[HEALTH_RULE_BYTES] = "";

	for (uint32_t i = 0; i < PAGE_MAX_RULES && !rule[0]; i++)
		if (page_get(&p->rules[i].faults))
			(void)snprintf(rule, sizeof rule, "%.63s", p->names[i]);
	done(s, LOCAL_EV_REFUSED, CAUSE_BUDGET, rule);
}

void super_trial_on_time(struct supervisor *s, uint64_t now_ms)
{
	struct trial *t = &s->arm.trial;
	uint64_t ms = now_ms - t->since_ms;

	if (!t->child.pid) {
		start_next(s);
		return;
	}
	if (t->worker == LOCAL_SCRATCH_WORKER || !t->beat_ms) {
		if (ms > (t->worker == LOCAL_SCRATCH_WORKER ? SCRATCH_MS : START_MS))
			hung(s, t);
		return;
	}
	s->arm.shadow_alerts = page_get(&t->page->alerts);
	s->arm.live_alerts = page_get(&s->page->alerts) - t->live_alerts;
	if (shadow_hangs(s, t, now_ms))
		hung(s, t);
	else if (page_get(&t->page->faults))
		over_budget(s, t->page);
	else if (ms >= (uint64_t)s->arm.plan.shadow_s * 1000 || page_get(&t->page->events) >= s->arm.plan.shadow_events)
		done(s, LOCAL_EV_SHADOWED, CAUSE_NONE, "");
}
