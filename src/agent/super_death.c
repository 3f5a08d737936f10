/* SPDX-License-Identifier: Apache-2.0 */
/* super_death: the worker died: what it was doing, how long nobody watched, what was lost, when the next one starts. */
#include "agent/supervisor.h"

#include <sys/wait.h>

enum { START_ATTEMPTS = 3 /* of a worker that never came up */ };

static void note(struct supervisor *s, const char *rule, const char *text, const char *const *keys,
		 const uint64_t *values, uint32_t n)
{
	struct output_note o = { .rule = rule, .text = text, .keys = keys, .values = values, .n = n };

	super_sinks_note(&s->sinks, &o, page_get(&s->page->mid_line));
	page_set(&s->page->mid_line, 0);
}

void super_report_gap(struct supervisor *s)
{
	static const char *const keys[] = { "blind_ns", "deaths", "lost" };
	uint64_t values[3] = { super_now_ns(CLOCK_MONOTONIC) - s->gap.since_ns, s->gap.deaths,
			       super_totals(s).lost - s->gap.lost_before };
	char text[512];

	(void)snprintf(text, sizeof text, "%s; blind for %.2f s; %llu records lost in the gap", s->gap.what,
		       (double)values[0] / 1e9, (unsigned long long)values[2]);
	log_warning("%s", text);
	note(s, "Sallyport internal: worker restarted", text, keys, values, countof(keys));
	s->arm.blind_ms += values[0] / 1000000;
	s->gap = (struct gap){ 0 };
}

/* Names are from the page: a worker's bytes. "" where none was at work. */
void super_flight_rule(int flight_fd, const struct page *page, char out[HEALTH_RULE_BYTES])
{
	struct flight f;

	static_assert((int)HEALTH_RULE_BYTES == (int)PAGE_NAME_BYTES, "names are cut alike");
	out[0] = 0;
	if (flight_read(flight_fd, &f) != E_OK || (f.phase != FLIGHT_JUDGING && f.phase != FLIGHT_TESTING) ||
	    f.rule >= PAGE_MAX_RULES)
		return;
	memcpy(out, page->names[f.rule], PAGE_NAME_BYTES);
	out[PAGE_NAME_BYTES - 1] = 0;
}

static void describe_work(int flight_fd, const struct page *page, char *out, size_t max)
{
	static const char *const doing[FLIGHT_N_PHASES] = {
		[FLIGHT_STARTING] = "while starting",
		[FLIGHT_LOADING] = "while loading content",
		[FLIGHT_SCANNING] = "while looking at running processes",
		[FLIGHT_IDLE] = "between two events",
		[FLIGHT_JUDGING] = "while judging",
		[FLIGHT_DRAINING] = "while draining",
		[FLIGHT_TESTING] = "while testing",
	};
	char name[HEALTH_RULE_BYTES];
	struct flight f;
	bool known = flight_read(flight_fd, &f) == E_OK;
	struct buf safe;

	super_flight_rule(flight_fd, page, name);
	if (!known || (f.phase != FLIGHT_JUDGING && f.phase != FLIGHT_TESTING)) {
		(void)snprintf(out, max, "%s", known ? doing[f.phase] : "in an unknown state");
		return;
	}
	buf_init(&safe, 1024);
	buf_put_safe(&safe, name, strlen(name));
	(void)snprintf(out, max, "%s rule \"%s\" on event %llu", doing[f.phase], safe.len ? safe.p : "?",
		       (unsigned long long)f.event);
	buf_done(&safe);
}

void super_describe_death(int flight_fd, const struct page *page, const siginfo_t *si, char *out, size_t max)
{
	char work[200];

	describe_work(flight_fd, page, work, sizeof work);
	if (si->si_code == CLD_EXITED)
		(void)snprintf(out, max, "worker ended (exit %d) %s", si->si_status, work);
	else
		(void)snprintf(out, max, "worker died (signal %d) %s", si->si_status, work);
}

static void say_down(struct supervisor *s, uint64_t delay_ms)
{
	static const char *const keys[] = { "deaths", "next_start_ms" };
	uint64_t values[] = { s->backoff.recent, delay_ms };
	char text[400];

	(void)snprintf(text, sizeof text, "%s; it died %u times lately, the next start is in %.1f s", s->gap.what,
		       s->backoff.recent, (double)delay_ms / 1e3);
	log_error("%s", text);
	note(s, "Sallyport internal: worker down", text, keys, values, countof(keys));
}

static void open_gap(struct supervisor *s, const char *what, bool hung)
{
	if (!s->gap.since_ns) {
		s->gap.since_ns = hung ? s->beat_ns : super_now_ns(CLOCK_MONOTONIC);
		s->gap.lost_before = hung ? s->beat_lost : super_totals(s).lost;
		(void)snprintf(s->gap.what, sizeof s->gap.what, "%s", what);
	}
	s->gap.deaths++;
}

bool super_worker_is_hung(const struct supervisor *s)
{
	return s->state == WATCHING &&
	       super_now_ns(CLOCK_MONOTONIC) - s->beat_ns > (uint64_t)s->o->config->worker_watchdog_s * 1000000000;
}

/* A worker that never came up: the rules are bad, or this host is. */
static void on_failed_start(struct supervisor *s, const char *what)
{
	if (s->refused) {
		s->exit_code = s->refused;
		s->done = true;
		return;
	}
	log_error("%s", what);
	if (++s->failed_starts < START_ATTEMPTS)
		return;
	log_error("giving up: no worker came up in %d attempts, nothing is watched", START_ATTEMPTS);
	s->exit_code = EXIT_HOST;
	s->done = true;
}

void super_worker_on_death(struct supervisor *s)
{
	uint64_t now = super_now_ms(), delay;
	bool stopping = s->state == STOPPING, hung = super_worker_is_hung(s);
	siginfo_t si;
	char what[256];

	if (!child_reap(&s->child, &si))
		return;
	super_describe_death(s->flight_fd, s->page, &si, what, sizeof what);
	super_native_worker_died(s, &si);
	/* Alerts that it had not written are gone with it. */
	for (uint32_t i = 0; i < PAGE_MAX_OUTPUTS; i++) {
		page_add(&s->page->dropped[i], page_get(&s->page->waiting[i]));
		page_set(&s->page->waiting[i], 0);
	}
	super_enter(s, DOWN);
	s->restart_ms = now;
	if (stopping) {
		if (si.si_code != CLD_EXITED || si.si_status)
			log_warning("%s; it did not stop in order", what);
		s->done = true;
		return;
	}
	if (s->restarting && si.si_code == CLD_EXITED && !si.si_status)
		return;
	s->restarting = false;
	if (!s->ever_watched && !s->arm.store) {
		on_failed_start(s, what);
		return;
	}
	if (s->record_fd > 0) {
		log_error("%s; the capture ends there, a new worker cannot go on with it", what);
		s->exit_code = EXIT_HOST;
		s->done = true;
		return;
	}
	if (s->next_files) {
		log_error("the worker died over the new rules, the old ones stay in force");
		super_worker_drop_next_files(s);
		/* What was to be armed may have nothing to do with it: what the machine says now is read again. */
		s->arm.due |= s->arm.reloading;
	}
	open_gap(s, what, hung);
	super_arm_live_death(s, &si, hung);
	delay = backoff_next_ms(&s->backoff, now);
	s->restart_ms = now + delay;
	if (delay)
		say_down(s, delay);
}
