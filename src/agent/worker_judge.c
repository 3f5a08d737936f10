/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_judge: one event against everything that is loaded. The same for live events and for replayed ones.
 */
#include "agent/worker.h"

/* The program that was started last has ended: what it did is its rule's. */
static void end_rule(struct worker *w, uint32_t next)
{
	struct page_rule *r = w->counted;
	uint64_t now;

	if (w->eval.faults != w->faults_seen) {
		if (r)
			page_add(&r->faults, w->eval.faults - w->faults_seen);
		w->faults_seen = w->eval.faults;
	}
	if (w->timing) {
		now = worker_now_ns();
		if (r) {
			page_add(&r->timed_ns, now - w->timed_since_ns);
			page_add(&r->timed, 1);
		}
		w->timed_since_ns = now;
	}
	w->counted = next < PAGE_MAX_RULES ? &w->page->rules[next] : NULL;
}

static void before_rule(void *user, uint32_t rule)
{
	struct worker *w = user;
	uint32_t at = rule == CONTENT_NO_RULE ? FLIGHT_NONE : w->eval_first_rule + rule;

	worker_flight_put(&w->flight->rule, at);
	end_rule(w, at);
	if (w->counted)
		page_add(&w->counted->evaluated, 1);
}

/* A rule has fired: count it, and write it unless it is held back. */
static void alert(struct worker *w, const struct content *c, uint32_t rule, struct event *e)
{
	uint32_t at = w->eval_first_rule + rule;
	struct page_rule *r = at < PAGE_MAX_RULES ? &w->page->rules[at] : &w->beyond;

	page_add(&w->page->alerts, 1);
	page_add(&r->alerts, 1);
	if (w->on_alert) {
		w->on_alert(w->on_alert_user, c, rule, at);
	} else if (worker_muted(w, content_rule(c, rule)->name, e)) {
		page_add(&w->page->muted, 1);
		page_add(&r->muted, 1);
	} else if (!worker_throttle_pass(w, content_rule(c, rule), e, worker_boot_ns())) {
		page_add(&w->page->throttled, 1);
		page_add(&r->throttled, 1);
	} else {
		worker_alert(w, c, rule, e);
	}
}

static void note_faults(struct worker *w, uint64_t before)
{
	const struct content_fault *f = &w->eval.fault;
	uint64_t now = worker_now_ms();

	page_add(&w->page->faults, w->eval.faults - before);
	if (w->faults_said_ms && now - w->faults_said_ms < 1000)
		return;
	w->faults_said_ms = now;
	log_warning("a rule's program ended in an error, the event counts as not matched rule=%u error=\"%s\"",
		    w->eval_first_rule + f->rule, f->d.text);
}

void worker_on_event(void *user, struct event *e)
{
	struct worker *w = user;
	uint32_t fired[WORKER_MAX_FIRED];

	page_add(&w->page->events, 1);
	event_set_u64(e, FIELD_evt_num, page_get(&w->page->events));
	worker_flight_event(w, e);
	w->timing = page_get(&w->page->events) % PAGE_TIMED_EVERY == 0;
	for (uint32_t i = 0; i < w->set->n_contents; i++) {
		uint64_t faults = w->eval.faults;
		uint32_t n;

		w->eval_first_rule = w->set->first_rule[i];
		worker_flight_content(w, i);
		n = content_eval(w->set->contents[i], &w->eval, e, fired, WORKER_MAX_FIRED);
		end_rule(w, FLIGHT_NONE);
		if (w->eval.faults != faults)
			note_faults(w, faults);
		for (uint32_t k = 0; k < n; k++)
			alert(w, w->set->contents[i], fired[k], e);
		if (n && !(w->start.flags & CONTROL_ALL_MATCHES))
			break;
	}
	worker_set_phase(w, FLIGHT_IDLE);
}

FALLIBLE worker_judge_init(struct worker *w)
{
	worker_set_phase(w, FLIGHT_STARTING);
	TRY(vm_new(&w->eval.vm));
	w->eval.before = before_rule;
	w->eval.before_user = w;
	return E_OK;
}
