/* SPDX-License-Identifier: Apache-2.0 */
/*
 * super_arm: which content is armed: events go into the local machine, its state to the disk, what it says is done.
 *
 * No step is taken before it is written down. What makes the host safer (back to what was good, quarantine, SAFE) is
 * done even when the disk refuses.
 */
#include "agent/supervisor.h"

#include <errno.h>

enum { TICK_MS = 1000 };

/* The steward, for reports and for the owner. */
void super_arm_tell(struct supervisor *s)
{
	const struct local_state *st = &s->arm.state;
	struct control_packet p;

	for (uint32_t i = 0; i < LOCAL_N_LANES && s->steward.child.pid; i++) {
		const struct local_lane_state *l = &st->lane[i];
		const struct local_quarantine *q = local_last_strike(st, i);
		struct control_fact *f = &p.msg.u.fact;

		control_init(&p, CONTROL_FACT);
		*f = (struct control_fact){ .lane = i,
					    .phase = l->phase,
					    .level = st->level,
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
		if (q) {
			memcpy(f->strike, q->digest, sizeof f->strike);
			memcpy(f->rule, q->rule, sizeof f->rule);
			f->cause = q->cause;
			f->signal = q->signal;
		}
		if (control_send(s->steward.child.sock, &p) != E_OK)
			child_kill(&s->steward.child, "it does not take messages");
	}
}

/* An internal alert: by the worker while there is one. */
static void notice(struct supervisor *s, const char *text)
{
	struct output_note n = { .rule = "Sallyport internal: content", .text = text };
	struct control_packet p;

	log_warning("%s", text);
	(void)snprintf(s->arm.said, sizeof s->arm.said, "%s", text);
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

static FALLIBLE add_stored(struct supervisor *s, const uint8_t digest[OBJECT_DIGEST_BYTES], struct sealed_files *out,
			   struct diag *d)
{
	struct sealed_file *f = &out->file[out->n];
	char hex[2 * OBJECT_DIGEST_BYTES + 1];

	TRY(local_store_get(s->arm.store, digest, &f->fd, &f->bytes, d));
	object_hex(digest, OBJECT_DIGEST_BYTES, hex);
	(void)snprintf(f->name, sizeof f->name, "bundle %.12s", hex);
	out->n++;
	return E_OK;
}

FALLIBLE super_arm_files(struct supervisor *s, struct sealed_files *out, struct diag *d)
{
	const struct config *c = s->o->config;
	uint8_t digest[OBJECT_DIGEST_BYTES];

	if (!s->arm.store)
		return c->n_rules || !s->o->record ? sealed_files_open(c->rules, c->n_rules, out, d) : E_OK;
	if (s->arm.state.level == LOCAL_SAFE)
		return sealed_file_add("SAFE feed", super_safe_rules, strlen(super_safe_rules), out);
	if (!local_armed(&s->arm.state, LOCAL_RELEASE, digest))
		TRY(sealed_files_open(c->rules, c->n_rules, out, d));
	else
		TRY(add_stored(s, digest, out, d));
	return local_armed(&s->arm.state, LOCAL_OWNER, digest) ? add_stored(s, digest, out, d) : E_OK;
}

/* steps */

static void act(struct supervisor *s, const struct local_output *out)
{
	if (out->todo & LOCAL_DO_DROP)
		super_trial_end(s);
	if (out->todo & LOCAL_DO_NOTICE)
		notice(s, out->text);
	if (out->todo & LOCAL_DO_SCRATCH)
		super_trial_start(s, LOCAL_SCRATCH_WORKER, out->lane);
	if (out->todo & LOCAL_DO_SHADOW)
		super_trial_start(s, LOCAL_SHADOW_WORKER, out->lane);
	if (out->todo & LOCAL_DO_ARM)
		s->arm.due = true;
	if (out->todo & LOCAL_DO_KEEP)
		local_store_clean(s->arm.store, &s->arm.state);
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
	memcpy(in->boot, a->boot, sizeof in->boot);
	a->next = a->state;
	if (local_on(&a->next, &a->plan, in, &out, &d) != E_OK) {
		log_warning("%s", d.text);
		return false;
	}
	if (out.todo & LOCAL_DO_WRITE && local_store_write(a->store, &a->next, &d) != E_OK) {
		log_error("the state of content cannot be written: %s", d.text);
		if (!(out.todo & LOCAL_DO_REGARDLESS))
			return false;
	}
	a->state = a->next;
	act(s, &out);
	if (out.todo)
		super_arm_tell(s);
	return true;
}

void super_arm_offer(struct supervisor *s, const struct control_offer *o, int fd)
{
	struct local_input in = { .event = LOCAL_EV_OFFER, .lane = o->lane, .release_seq = o->seq };
	AUTO_FREE char *bytes = NULL;
	struct diag d;
	size_t len;

	diag_init(&d);
	memcpy(in.digest, o->digest, sizeof in.digest);
	if (!s->arm.store || local_is_quarantined(&s->arm.state, o->digest))
		return;
	/* It is on the disk, under the digest that its bytes have, before anything refers to it. */
	if (lseek(fd, 0, SEEK_SET) || io_read_fd(fd, "content", o->bytes, &bytes, &len, &d) != E_OK ||
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

void super_arm_order(struct supervisor *s, const struct control_order *o)
{
	static const enum local_event events[] = { [CONTROL_ORDER_SAFE_ON] = LOCAL_EV_SAFE_ON,
						   [CONTROL_ORDER_SAFE_OFF] = LOCAL_EV_SAFE_OFF,
						   [CONTROL_ORDER_CLEAR] = LOCAL_EV_CLEAR };

	if (o->order < countof(events))
		super_arm_digest(s, events[o->order], o->digest);
}

void super_arm_plan(struct supervisor *s, const struct control_plan *p)
{
	struct plan plan = s->arm.plan;

	plan.shadow_s = p->shadow_s;
	plan.shadow_events = p->shadow_events;
	plan.probation_s = p->probation_s;
	if (plan_check(&plan, NULL) == E_OK)
		s->arm.plan = plan;
}

/* Which lane's content is this the beginning of? */
static bool find_digest(const struct supervisor *s, const uint8_t *prefix, struct local_input *in)
{
	for (uint32_t i = 0; i < LOCAL_N_LANES; i++)
		if (local_armed(&s->arm.state, i, in->digest) && !memcmp(in->digest, prefix, FLIGHT_DIGEST_BYTES)) {
			in->lane = i;
			return true;
		}
	memset(in->digest, 0, sizeof in->digest);
	return false;
}

void super_arm_death(struct supervisor *s, uint32_t worker, uint32_t lane, const struct flight *f, uint32_t cause,
		     uint32_t signal, const char *rule)
{
	struct local_input in = {
		.event = LOCAL_EV_DEATH, .worker = worker, .lane = lane, .cause = cause, .signal = signal
	};

	if (worker == LOCAL_LIVE && f)
		(void)find_digest(s, f->digest, &in);
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

/* The live worker does not take what is on probation: that is as if it had died of it. */
void super_arm_refused(struct supervisor *s)
{
	for (uint32_t i = 0; i < LOCAL_N_LANES; i++)
		if (s->arm.state.lane[i].phase == LOCAL_PROBATION) {
			struct local_input in = { .event = LOCAL_EV_REFUSED, .lane = i, .cause = CAUSE_REFUSED };

			memcpy(in.digest, s->arm.state.lane[i].candidate, sizeof in.digest);
			(void)super_arm_on(s, &in);
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
}

void super_arm_on_time(struct supervisor *s, uint64_t now_ms)
{
	struct local_input in = { .event = LOCAL_EV_TIME, .elapsed_s = (now_ms - s->arm.ticked_ms) / TICK_MS };

	super_arm_due(s);
	if (!s->arm.store || !in.elapsed_s)
		return;
	s->arm.ticked_ms += in.elapsed_s * TICK_MS;
	super_arm_breaker(s);
	(void)super_arm_on(s, &in);
	super_trial_on_time(s, now_ms);
}
