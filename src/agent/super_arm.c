/* SPDX-License-Identifier: Apache-2.0 */
/*
 * super_arm: which content is armed: events go into the local machine, its state to the disk, what it says is done.
 *
 * No step is taken before it is written down. What makes the host safer (back to what was good, quarantine, SAFE) is
 * done even when the disk refuses.
 */
#include "agent/supervisor.h"

#include <errno.h>

enum { TICK_MS = 1000, TELL_S = 10, FAILED_SAID_MS = 60000, EXERCISES = 48 /* in a probation */ };

static void tell(struct supervisor *s, enum local_lane lane)
{
	const struct local_state *st = &s->arm.state;
	const struct local_lane_state *l = &st->lane[lane];
	struct control_packet p;
	struct control_fact *f = &p.msg.u.fact;

	control_init(&p, CONTROL_FACT);
	*f = (struct control_fact){ .lane = lane,
				    .phase = l->phase,
				    .level = local_level(st),
				    .in_phase_s = l->in_phase_s,
				    .strikes = st->strikes,
				    .unclean_boots = st->unclean_boots,
				    .worker_deaths = st->worker_deaths,
				    .blind_ms = st->blind_ms,
				    .shadow_alerts = s->arm.shadow_alerts,
				    .live_alerts = s->arm.live_alerts };
	memcpy(f->lkg, l->lkg, sizeof f->lkg);
	memcpy(f->candidate, l->candidate, sizeof f->candidate);
	memcpy(f->text, s->arm.said, sizeof f->text);
	if (lane == LOCAL_RELEASE && st->n_quarantine) {
		const struct local_quarantine *q = &st->quarantine[st->n_quarantine - 1];

		memcpy(f->strike, q->digest, sizeof f->strike);
		memcpy(f->rule, q->rule, sizeof f->rule);
		f->cause = q->cause;
		f->signal = q->signal;
	}
	if (control_send(s->steward.child.sock, &p) != E_OK)
		child_kill(&s->steward.child, "it does not take messages");
}

/* The steward, for reports and for the owner. */
void super_arm_tell(struct supervisor *s)
{
	for (uint32_t i = 0; i < LOCAL_N_LANES && s->steward.child.pid; i++)
		tell(s, (enum local_lane)i);
}

/* An internal alert: by the worker while there is one. */
static void notice(struct supervisor *s, const char *text)
{
	struct output_note n = { .rule = "Sallyport internal: content", .text = text };
	struct control_packet p;

	log_warning("%s", text);
	(void)snprintf(s->arm.said, sizeof s->arm.said, "%.111s", text);
	if (s->state != WATCHING) {
		super_sinks_note(&s->sinks, &n, 0);
		return;
	}
	control_init(&p, CONTROL_NOTE);
	(void)snprintf(p.msg.u.note.rule, sizeof p.msg.u.note.rule, "%s", n.rule);
	(void)snprintf(p.msg.u.note.text, sizeof p.msg.u.note.text, "%s", text);
	if (control_send(s->child.sock, &p) != E_OK)
		child_kill(&s->child, "it does not take messages");
}

/* files of what is armed */

/* A file that is not there any more, or not what it was: what comes after it is armed. */
static FALLIBLE add_stored(struct supervisor *s, enum local_lane lane, struct sealed_files *out, struct diag *d)
{
	struct sealed_file *f = &out->file[out->n];
	struct local_input in = { .event = LOCAL_EV_MISSING, .lane = lane };
	char hex[2 * OBJECT_DIGEST_BYTES + 1];
	enum err err;

	if (!local_armed(&s->arm.state, lane, in.digest))
		return E_OK;
	err = local_store_get(s->arm.store, in.digest, &f->fd, &f->bytes, d);
	if (err == E_NOT_FOUND || err == E_FORMAT) {
		log_error("%s", d->text);
		(void)super_arm_on(s, &in);
		return err;
	}
	TRY(err);
	object_hex(in.digest, OBJECT_DIGEST_BYTES, hex);
	(void)snprintf(f->name, sizeof f->name, "bundle %.12s", hex);
	out->n++;
	return E_OK;
}

static FALLIBLE files_once(struct supervisor *s, struct sealed_files *out, struct diag *d)
{
	const struct config *c = s->o->config;
	uint8_t digest[OBJECT_DIGEST_BYTES];

	sealed_files_close(out);
	if (local_level(&s->arm.state) == LOCAL_SAFE)
		return sealed_file_add("SAFE feed", super_safe_rules, strlen(super_safe_rules), out);
	if (!local_armed(&s->arm.state, LOCAL_RELEASE, digest))
		TRY(sealed_files_open(c->rules, c->n_rules, out, d));
	TRY(add_stored(s, LOCAL_RELEASE, out, d));
	return add_stored(s, LOCAL_OWNER, out, d);
}

FALLIBLE super_arm_files(struct supervisor *s, struct sealed_files *out, struct diag *d)
{
	const struct config *c = s->o->config;
	enum err err = E_NOT_FOUND;

	if (!s->arm.store)
		return c->n_rules || !s->o->record ? sealed_files_open(c->rules, c->n_rules, out, d) : E_OK;
	/* Each file that is missing takes one away from what can be. */
	for (uint32_t i = 0; i < 2 * LOCAL_N_LANES + 1 && (err == E_NOT_FOUND || err == E_FORMAT); i++)
		err = files_once(s, out, d);
	return err;
}

/* steps */

static void act(struct supervisor *s, const struct local_output *out)
{
	for (uint32_t i = 0; i < LOCAL_N_LANES; i++)
		if (out->lane_do[i] & LOCAL_DO_DROP && s->arm.trial.lane == i)
			super_trial_end(s);
	s->arm.due |= (out->todo & LOCAL_DO_ARM) != 0;
	if (out->todo & LOCAL_DO_HOOKS)
		super_worker_attach_again(s);
	if (out->todo & LOCAL_DO_KEEP)
		local_store_clean(s->arm.store, &s->arm.state);
	if (out->todo & LOCAL_DO_NOTICE)
		notice(s, out->text);
	/* What is to be tried begins by itself: super_trial_on_time. */
}

bool super_arm_on(struct supervisor *s, struct local_input *in)
{
	struct super_arm *a = &s->arm;
	struct local_output out;
	struct diag d;

	if (!a->store)
		return true;
	diag_init(&d);
	in->now_s = super_now_ns(CLOCK_REALTIME) / 1000000000;
	in->blind_ms = TAKE(a->blind_ms);
	in->hooks_essential = SUPER_HOOKS_ESSENTIAL;
	in->hooks_bulk = SUPER_HOOKS_BULK;
	memcpy(in->boot, a->boot, sizeof in->boot);
	if (local_step(a->store, &a->state, &a->plan, in, &out, &d) != E_OK) {
		a->blind_ms += in->blind_ms;
		if (in->event != LOCAL_EV_TIME || super_now_ms() - a->failed_ms > FAILED_SAID_MS) {
			log_warning("%s", d.text);
			a->failed_ms = super_now_ms();
		}
		return false;
	}
	act(s, &out);
	if (in->event != LOCAL_EV_TIME || out.todo || !(a->state.calm_s % TELL_S))
		super_arm_tell(s);
	return true;
}

void super_arm_offer(struct supervisor *s, struct control_packet *p)
{
	const struct control_offer *o = &p->msg.u.offer;
	struct local_input in = { .event = LOCAL_EV_OFFER, .lane = o->lane, .release_seq = o->seq };
	AUTO_FREE char *bytes = NULL;
	struct diag d;
	size_t len;

	diag_init(&d);
	memcpy(in.digest, o->digest, sizeof in.digest);
	if (!s->arm.store)
		return;
	/* It is on the disk, under the digest that its bytes have, before anything refers to it. */
	if (lseek(p->fds[0], 0, SEEK_SET) || io_read_fd(p->fds[0], "content", o->bytes, &bytes, &len, &d) != E_OK ||
	    local_store_put(s->arm.store, o->digest, view_of(bytes, len), &d) != E_OK) {
		log_error("new content cannot be kept, what is armed stays: %s", d.text);
		return;
	}
	(void)super_arm_on(s, &in);
}

void super_arm_digest(struct supervisor *s, enum local_event event, const uint8_t digest[OBJECT_DIGEST_BYTES])
{
	struct local_input in = { .event = event };

	memcpy(in.digest, digest, sizeof in.digest);
	(void)super_arm_on(s, &in);
}

void super_arm_order(struct supervisor *s, struct control_packet *p)
{
	const struct control_order *o = &p->msg.u.order;
	static const enum local_event events[] = { [CONTROL_ORDER_SAFE_ON] = LOCAL_EV_SAFE_ON,
						   [CONTROL_ORDER_SAFE_OFF] = LOCAL_EV_SAFE_OFF,
						   [CONTROL_ORDER_CLEAR] = LOCAL_EV_CLEAR };

	if (o->order == CONTROL_ORDER_SAFE_OFF && s->arm.breaker)
		log_warning("SAFE stays: the file 'safe' in '%s' is stronger than the command",
			    s->o->config->state_dir);
	else if (o->order < countof(events))
		super_arm_digest(s, events[o->order], o->digest);
}

void super_arm_plan(struct supervisor *s, struct control_packet *p)
{
	struct plan plan = s->arm.plan;

	plan.shadow_s = p->msg.u.plan.shadow_s;
	plan.shadow_events = p->msg.u.plan.shadow_events;
	plan.probation_s = p->msg.u.plan.probation_s;
	if (plan_check(&plan, NULL) == E_OK)
		s->arm.plan = plan;
}

/* Whose content this is the beginning of; else as it is: the factory's, or none. */
static void find_digest(const struct supervisor *s, const uint8_t *prefix, struct local_input *in)
{
	for (uint32_t i = 0; i < LOCAL_N_LANES; i++)
		if (local_armed(&s->arm.state, i, in->digest) && !memcmp(in->digest, prefix, FLIGHT_DIGEST_BYTES))
			return;
	memset(in->digest, 0, sizeof in->digest);
	memcpy(in->digest, prefix, FLIGHT_DIGEST_BYTES);
}

void super_arm_death(struct supervisor *s, uint32_t worker, uint32_t lane, const struct flight *f, uint32_t cause,
		     uint32_t signal, const char *rule)
{
	struct local_input in = {
		.event = LOCAL_EV_DEATH, .worker = worker, .lane = lane, .cause = cause, .signal = signal
	};

	/* Between two events it was nobody's. */
	if (worker != LOCAL_LIVE)
		memcpy(in.digest, s->arm.state.lane[lane].candidate, sizeof in.digest);
	else if (f && (f->phase == FLIGHT_JUDGING || f->phase == FLIGHT_TESTING))
		find_digest(s, f->digest, &in);
	(void)snprintf(in.rule, sizeof in.rule, "%s", rule);
	(void)super_arm_on(s, &in);
}

/* The live worker died, hung, or never came up: what it ran is judged, and the next one gets what is armed then. */
void super_arm_live_death(struct supervisor *s, const siginfo_t *si, bool hung)
{
	char rule[HEALTH_RULE_BYTES];
	struct flight f;
	bool known = flight_read(s->flight_fd, &f) == E_OK;

	super_flight_rule(s->flight_fd, s->page, rule);
	super_arm_death(s, LOCAL_LIVE, 0, known ? &f : NULL,
			s->refused ? CAUSE_REFUSED
			: hung     ? CAUSE_HANG
				   : CAUSE_CRASH,
			si->si_code == CLD_EXITED ? 0 : (uint32_t)si->si_status, rule);
	super_arm_due(s);
}

/* The live worker does not take the new files: what is on probation is the reason, or what was good does not load here.
 */
void super_arm_refused(struct supervisor *s)
{
	for (uint32_t i = 0; i < LOCAL_N_LANES; i++) {
		struct local_input in = { .event = LOCAL_EV_REFUSED, .lane = i, .cause = CAUSE_REFUSED };

		if (s->arm.state.lane[i].phase == LOCAL_PROBATION && local_armed(&s->arm.state, i, in.digest)) {
			(void)super_arm_on(s, &in);
			return;
		}
	}
}

/* What is armed goes to the worker: now to a live one, else to the next. */
void super_arm_due(struct supervisor *s)
{
	struct sealed_files *files;
	struct diag d;

	if (!s->arm.due || s->next_files || (s->state != WATCHING && s->state != DOWN))
		return;
	s->arm.due = false;
	if (s->state == WATCHING) {
		super_worker_reload(s);
		s->arm.reloading = s->next_files != NULL;
		return;
	}
	diag_init(&d);
	files = calloc(1, sizeof *files);
	if (!files || super_arm_files(s, files, &d) != E_OK) {
		log_error("content cannot be read, what was armed is tried again: %s", d.text);
		if (files)
			sealed_files_close(files);
		free(files);
		return;
	}
	sealed_files_close(s->files);
	free(s->files);
	s->files = files;
	super_native_begin(s);
	s->backoff = (struct backoff){ 0 }; /* other content: it has not died yet */
}

/* Half way through a probation the worker is restarted in order: content that only works until then is not good. */
static void rehearse_restart(struct supervisor *s)
{
	for (uint32_t i = 0; i < LOCAL_N_LANES; i++) {
		const struct local_lane_state *l = &s->arm.state.lane[i];

		if (l->phase == LOCAL_PROBATION && !l->clean_restarts && l->in_phase_s >= s->arm.plan.probation_s / 2 &&
		    s->state == WATCHING && !s->next_files && !s->arm.due)
			super_worker_restart(s);
	}
}

/* Rules whose events are rare are tried nevertheless: their vectors, again and again while content is on probation. */
static void exercise(struct supervisor *s, uint64_t now_ms)
{
	const struct local_lane_state *l = &s->arm.state.lane[LOCAL_RELEASE];
	uint64_t every_ms = (uint64_t)s->arm.plan.probation_s * 1000 / EXERCISES;

	if (s->state != WATCHING || l->phase != LOCAL_PROBATION || s->arm.due || s->next_files ||
	    now_ms - s->arm.exercised_ms < every_ms)
		return;
	s->arm.exercised_ms = now_ms;
	child_send(&s->child, CONTROL_EXERCISE, -1);
}

void super_arm_on_time(struct supervisor *s, uint64_t now_ms)
{
	struct local_input in = { .event = LOCAL_EV_TIME, .elapsed_s = (now_ms - s->arm.ticked_ms) / TICK_MS };

	super_arm_due(s);
	if (!s->arm.store || !in.elapsed_s)
		return;
	s->arm.ticked_ms += in.elapsed_s * TICK_MS;
	super_arm_breaker(s);
	rehearse_restart(s);
	exercise(s, now_ms);
	(void)super_arm_on(s, &in);
	super_trial_on_time(s, now_ms);
}
