/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor: owns the kernel side and the files, keeps one worker alive, and says so when it did not.
 *
 * A worker may die at any instant. The programs stay attached and the rings keep what they hold, with the position
 * behind the record that killed it; the next worker goes on from there. Nothing that a worker says or leaves behind is
 * believed, only counted and printed.
 */
#include "agent/supervisor.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <time.h>

enum {
	TICK_MS = 500,
	CHECK_MS = 5000,
	LOAD_TIMEOUT_MS = 60000, /* from start to READY, and for the scan */
	STOP_TIMEOUT_MS = 6000,
};

uint64_t super_now_ns(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t super_now_ms(void)
{
	return super_now_ns(CLOCK_MONOTONIC) / 1000000;
}

void super_enter(struct supervisor *s, enum super_state state)
{
	s->state = state;
	s->since_ms = super_now_ms();
}

struct super_totals super_totals(const struct supervisor *s)
{
	struct super_totals t = { 0 };
	struct wire_stats st = { 0 };

	if (s->stats)
		ring_stats_read(s->stats, &st);
	t.filtered = st.filtered;
	for (uint32_t i = 0; i < WIRE_N_RINGS; i++) {
		t.produced += st.produced[i];
		t.lost += st.lost[i];
		t.lost_quota += st.lost_quota[i];
		t.consumed += page_get(&s->page->consumed[i]);
	}
	return t;
}

void super_saw_beat(struct supervisor *s)
{
	s->beat = page_get(&s->page->heartbeat);
	s->beat_ns = super_now_ns(CLOCK_MONOTONIC);
	s->beat_lost = super_totals(s).lost;
}

void super_begin_stop(struct supervisor *s)
{
	struct diag d;

	if (s->state == STOPPING)
		return;
	if (s->state == DOWN) {
		s->done = true;
		return;
	}
	diag_init(&d);
	super_trial_end(s);
	child_end(&s->native.child); /* what it does is seen, too: while there is somebody to consume it */
	if (kern_attach(s->kern, 0, &d) != E_OK)
		log_warning("hooks cannot be detached: %s", d.text);
	child_send(&s->child, CONTROL_STOP, -1);
	super_enter(s, STOPPING);
}

/* Files of the owner, again: the steward begins anew with them, what it knew comes back from the disk. */
static void reload(struct supervisor *s)
{
	struct diag d;

	diag_init(&d);
	if (super_steward_open(s, &d) != E_OK)
		log_error("the owner's files are not read again: %s", d.text);
	else
		super_steward_stop(s);
	super_worker_reload(s);
}

static void on_signal(struct supervisor *s)
{
	struct signalfd_siginfo si;

	if (read(s->signals, &si, sizeof si) != sizeof si)
		return;
	if (si.ssi_signo == SIGHUP)
		reload(s);
	else if (s->state == STOPPING)
		child_kill(&s->child, "asked to stop twice");
	else
		super_begin_stop(s);
}

static void check_record(struct supervisor *s)
{
	if (s->state != WATCHING || s->record_fd <= 0 || page_get(&s->page->recorded) != PAGE_RECORD_FAILED)
		return;
	super_begin_stop(s);
}

/* What the courier found, to the worker: unread. */
static void relay_names(struct supervisor *s)
{
	if (s->state != WATCHING || !s->courier.answer_due)
		return;
	s->courier.answer_due = false;
	child_send(&s->child, CONTROL_NAMES, s->courier.answer);
}

/* Whoever may call bpf(2) can switch the sensor off: then it is switched on again, and said. */
static void check_kern(struct supervisor *s, uint64_t now)
{
	struct diag d;
	enum err err;

	if (s->state != WATCHING || now - s->checked_ms < CHECK_MS)
		return;
	s->checked_ms = now;
	diag_init(&d);
	err = kern_check(s->kern, &d);
	if (err != E_OK)
		log_error("%s%s", d.text, err == E_REJECTED ? "; it is put back" : "");
}

static void on_time(struct supervisor *s)
{
	uint64_t now = super_now_ms(), in_state;

	check_record(s);
	check_kern(s, now);
	relay_names(s);
	super_worker_rescan(s);
	super_courier_on_time(&s->courier, now);
	super_steward_on_time(s, now);
	super_arm_on_time(s, now);
	super_native_on_time(s, now);
	in_state = now > s->since_ms ? now - s->since_ms : 0; /* what is above may have entered another */
	if (s->o->duration_ms && now - s->started_ms >= s->o->duration_ms && s->state == WATCHING) {
		super_begin_stop(s);
		return;
	}
	in_state = super_now_ms() - s->since_ms; /* which may have changed just now */
	switch (s->state) {
	case DOWN:
		if (!s->done && now >= s->restart_ms)
			super_worker_start(s);
		return;
	case LOADING:
	case SCANNING:
		if (in_state > LOAD_TIMEOUT_MS)
			child_kill(&s->child, "it does not get ready");
		return;
	case WATCHING:
		if (page_get(&s->page->heartbeat) != s->beat)
			super_saw_beat(s);
		else if (super_worker_is_hung(s))
			child_kill(&s->child, "it hangs");
		if (s->next_files && super_now_ns(CLOCK_MONOTONIC) - s->reload_ns > LOAD_TIMEOUT_MS * 1000000ull)
			child_kill(&s->child, "it does not come to an end with the new rules");
		return;
	case RESTARTING:
	case STOPPING:
		if (in_state > STOP_TIMEOUT_MS)
			child_kill(&s->child, "it does not stop");
		return;
	}
}

static int wait_ms(const struct supervisor *s)
{
	uint64_t now = super_now_ms(), end = s->started_ms + s->o->duration_ms, wait = TICK_MS;

	if (s->state == DOWN)
		wait = s->restart_ms > now ? s->restart_ms - now : 0;
	if (s->o->duration_ms && s->state == WATCHING && end < now + wait)
		wait = end > now ? end - now : 0;
	return (int)(wait < TICK_MS ? wait : TICK_MS);
}

void super_loop(struct supervisor *s)
{
	while (!s->done) {
		struct pollfd p[] = { { .fd = s->signals, .events = POLLIN },
				      { .fd = s->child.sock, .events = POLLIN },
				      { .fd = s->child.pidfd, .events = POLLIN },
				      { .fd = s->courier.child.sock, .events = POLLIN },
				      { .fd = s->courier.child.pidfd, .events = POLLIN },
				      { .fd = s->steward.child.sock, .events = POLLIN },
				      { .fd = s->steward.child.pidfd, .events = POLLIN },
				      { .fd = s->arm.trial.child.sock, .events = POLLIN },
				      { .fd = s->arm.trial.child.pidfd, .events = POLLIN },
				      { .fd = s->native.child.sock, .events = POLLIN },
				      { .fd = s->native.child.pidfd, .events = POLLIN } };

		if (poll(p, countof(p), wait_ms(s)) > 0) {
			if (p[1].revents)
				super_worker_on_message(s);
			/* Its last messages are read before its death counts. */
			if (p[2].revents && !(p[1].revents & POLLIN))
				super_worker_on_death(s);
			if (p[3].revents)
				super_courier_on_message(s);
			if (p[4].revents && !(p[3].revents & POLLIN))
				super_courier_on_death(&s->courier, super_now_ms());
			if (p[7].revents && p[7].fd == s->arm.trial.child.sock)
				super_trial_on_message(s);
			if (p[8].revents && p[8].fd == s->arm.trial.child.pidfd && !(p[7].revents & POLLIN))
				super_trial_on_death(s);
			if (p[9].revents)
				super_native_on_message(s);
			if (p[10].revents && !(p[9].revents & POLLIN))
				super_native_on_death(s);
			if (p[5].revents)
				super_steward_on_message(s);
			if (p[6].revents && !(p[5].revents & POLLIN))
				super_steward_on_death(s, super_now_ms());
			if (p[0].revents)
				on_signal(s);
		}
		on_time(s);
	}
}
