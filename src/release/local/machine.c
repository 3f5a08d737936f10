/* SPDX-License-Identifier: Apache-2.0 */
/* machine: what each event makes of the state. Rule by rule in docs/formats/state.md. */
#include "release/local/parts.h"

void local_init(struct local_state *s)
{
	memset(s, 0, sizeof *s);
}

/* ---- questions ---- */

enum local_level local_level(const struct local_state *s)
{
	return s->safe_by_hand ? LOCAL_SAFE : (enum local_level)s->lane[LOCAL_RELEASE].level;
}

bool local_armed(const struct local_state *s, enum local_lane l, uint8_t digest[OBJECT_DIGEST_BYTES])
{
	const struct local_lane_state *lane = &s->lane[l];

	if (local_level(s) == LOCAL_SAFE || lane->level != LOCAL_NORMAL)
		return false;
	if (lane->phase != LOCAL_PROBATION && none(lane->lkg))
		return false;
	set(digest, lane->phase == LOCAL_PROBATION ? lane->candidate : lane->lkg);
	return true;
}

bool local_is_quarantined(const struct local_state *s, const uint8_t digest[OBJECT_DIGEST_BYTES])
{
	for (uint32_t i = 0; i < s->n_quarantine; i++)
		if (same(s->quarantine[i].digest, digest))
			return true;
	return false;
}

bool local_keeps(const struct local_state *s, const uint8_t digest[OBJECT_DIGEST_BYTES])
{
	for (uint32_t l = 0; l < LOCAL_N_LANES; l++) {
		const struct local_lane_state *lane = &s->lane[l];

		if (same(lane->candidate, digest) || !GUARD(11, !same(lane->lkg, digest)) ||
		    !GUARD(23, !same(lane->lkg1, digest)))
			return true;
	}
	return false;
}

uint32_t local_hooks(const struct local_state *s, uint32_t wanted)
{
	return wanted & ~s->hooks_barred;
}

/* ---- starts and ends ---- */

static void on_start(struct local_state *s, const struct local_input *in, struct local_output *out)
{
	bool same_boot = !memcmp(s->boot, in->boot, sizeof s->boot);

	if (s->dirty && !same_boot) {
		add(&s->unclean_boots, 1);
		local_boot_strike(s, in, out);
	} else if (s->dirty) {
		s->calm_s = 0;
		local_note(out, "the agent ended without a stop");
		if (++s->agent_deaths >= LOCAL_DEATHS) {
			s->agent_deaths = 0;
			local_boot_strike(s, in, out);
		}
	}
	for (uint32_t l = 0; l < LOCAL_N_LANES; l++) {
		struct local_lane_state *lane = &s->lane[l];

		if (lane->phase == LOCAL_PROBATION && !s->dirty && lane->clean_restarts < UINT32_MAX)
			lane->clean_restarts++;
		if (lane->phase != LOCAL_SELFTEST && lane->phase != LOCAL_SHADOW)
			continue;
		lane->phase = LOCAL_SELFTEST;
		lane->in_phase_s = 0;
		out->lane_do[l] |= LOCAL_DO_SCRATCH;
	}
	memcpy(s->boot, in->boot, sizeof s->boot);
	s->dirty = true;
	s->hooks = 0;
	out->todo |= LOCAL_DO_WRITE | LOCAL_DO_NO_DISK | LOCAL_DO_ARM | LOCAL_DO_HOOKS;
}

static void on_stop(struct local_state *s, struct local_output *out)
{
	s->dirty = false;
	s->hooks = 0;
	out->todo |= LOCAL_DO_WRITE | LOCAL_DO_NO_DISK;
}

static FALLIBLE on_attach(struct local_state *s, const struct local_input *in, struct local_output *out, struct diag *d)
{
	uint32_t barred = in->hooks & s->hooks_barred;

	if (!GUARD(9, !barred))
		FAIL_ID(d, REJECTED, 'H', 105,
			"hooks 0x%x were attached at an unclean end: not again before calm came back", barred);
	if (!(in->hooks & ~in->hooks_essential))
		out->todo |= LOCAL_DO_NO_DISK;
	if (s->dirty && !(in->hooks & ~s->hooks))
		return E_OK;
	s->dirty = true;
	s->hooks |= in->hooks;
	out->todo |= LOCAL_DO_WRITE;
	return E_OK;
}

/* ---- the way forward: never without a disk ---- */

/* What is on trial in a lane becomes its last known good. What is armed does not change. */
static void become_good(struct local_state *s, uint32_t l, struct local_output *out)
{
	struct local_lane_state *lane = &s->lane[l];

	set(lane->lkg1, lane->lkg);
	set(lane->lkg, lane->candidate);
	unset(lane->candidate);
	lane->phase = LOCAL_NONE;
	lane->in_phase_s = 0;
	lane->clean_restarts = 0;
	lane->deaths = 0;
	lane->retry_s = 0;
	out->todo |= LOCAL_DO_WRITE | LOCAL_DO_KEEP;
	local_note(out, "content %s of %s is the last known good now", name_of(lane->lkg).hex, local_lane_name(l));
}

static bool is_proven(const struct local_lane_state *lane, uint64_t after_s)
{
	return lane->phase == LOCAL_PROBATION && lane->in_phase_s >= after_s && lane->clean_restarts;
}

static FALLIBLE may_offer(const struct local_state *s, const struct local_input *in, struct diag *d)
{
	struct name n = name_of(in->digest);

	if (!GUARD(10, !local_is_quarantined(s, in->digest)))
		FAIL_ID(d, REJECTED, 'H', 101, "content %s is quarantined on this host", n.hex);
	if (s->safe_by_hand || (in->lane == LOCAL_OWNER && local_level(s) == LOCAL_SAFE))
		FAIL_ID(d, REJECTED, 'H', 102, "this host is SAFE%s: content %s has to wait",
			s->safe_by_hand ? " by its operator's word" : "", n.hex);
	if (in->release_seq < s->lane[in->lane].release_seq)
		FAIL_ID(d, REJECTED, 'H', 103, "content %s is offered with number %llu, after %llu was accepted", n.hex,
			(unsigned long long)in->release_seq, (unsigned long long)s->lane[in->lane].release_seq);
	if (lane_holds(&s->lane[!in->lane], in->digest))
		FAIL_ID(d, REJECTED, 'H', 104, "content %s is in %s already", n.hex, local_lane_name(!in->lane));
	return E_OK;
}

static FALLIBLE on_offer(struct local_state *s, const struct plan *plan, const struct local_input *in,
			 struct local_output *out, struct diag *d)
{
	struct local_lane_state *lane = &s->lane[in->lane];

	if (none(in->digest))
		FAIL(d, INVALID, "an offer of no digest");
	TRY(may_offer(s, in, d));
	if (lane->release_seq != in->release_seq)
		out->todo |= LOCAL_DO_WRITE;
	lane->release_seq = in->release_seq;
	if (same(lane->candidate, in->digest))
		return E_OK;
	/* Releases that come faster than a probation lasts must not keep the last known good old; gone back is no
	 * superseding. */
	if (!lane_holds(lane, in->digest) && is_proven(lane, plan->probation_s / LOCAL_SUPERSEDED))
		become_good(s, in->lane, out);
	if (lane->phase != LOCAL_NONE)
		out->todo |= LOCAL_DO_WRITE;
	local_drop_candidate(s, in->lane, out);
	if (same(lane->lkg, in->digest))
		return E_OK;
	set(lane->candidate, in->digest);
	lane->phase = LOCAL_SELFTEST;
	out->lane_do[in->lane] |= LOCAL_DO_SCRATCH;
	out->todo |= LOCAL_DO_WRITE;
	return E_OK;
}

static void enter(struct local_state *s, uint32_t l, enum local_phase phase, struct local_output *out)
{
	struct local_lane_state *lane = &s->lane[l];

	lane->phase = phase;
	lane->in_phase_s = 0;
	lane->clean_restarts = 0;
	out->lane_do[l] |= LOCAL_DO_DROP;
	out->todo |= LOCAL_DO_WRITE;
}

static void on_tested(struct local_state *s, const struct local_input *in, struct local_output *out)
{
	if (!is_about(s, in, LOCAL_SELFTEST))
		return;
	enter(s, in->lane, LOCAL_SHADOW, out);
	out->lane_do[in->lane] |= LOCAL_DO_SHADOW;
}

static void on_shadowed(struct local_state *s, const struct local_input *in, struct local_output *out)
{
	struct local_lane_state *lane = &s->lane[in->lane];

	if (!is_about(s, in, LOCAL_SHADOW))
		return;
	if (lane->level == LOCAL_SAFE)
		out->todo |= LOCAL_DO_HOOKS;
	enter(s, in->lane, LOCAL_PROBATION, out);
	lane->level = LOCAL_NORMAL;
	lane->down_s = 0;
	lane->deaths = 0;
	out->todo |= LOCAL_DO_ARM;
	local_note(out, "content %s of %s is armed, on probation", name_of(lane->candidate).hex,
		   local_lane_name(in->lane));
}

static void on_restarted(struct local_state *s, const struct plan *plan, struct local_output *out)
{
	for (uint32_t l = 0; l < LOCAL_N_LANES; l++) {
		struct local_lane_state *lane = &s->lane[l];

		if (lane->phase != LOCAL_PROBATION)
			continue;
		if (lane->clean_restarts < UINT32_MAX)
			lane->clean_restarts++;
		out->todo |= LOCAL_DO_WRITE;
		if (is_proven(lane, plan->probation_s))
			become_good(s, l, out);
	}
}

/* ---- time ---- */

static void retry(struct local_state *s, uint32_t l, struct local_output *out)
{
	struct local_lane_state *lane = &s->lane[l];

	if (lane->level == LOCAL_SAFE)
		out->todo |= LOCAL_DO_HOOKS;
	lane->level = LOCAL_NORMAL;
	lane->down_s = 0;
	lane->retry_s = lane->retry_s < LOCAL_RETRY_MAX_S / 2 ? 2 * lane->retry_s : LOCAL_RETRY_MAX_S;
	out->todo |= LOCAL_DO_WRITE | LOCAL_DO_ARM;
	local_note(out, "%s: its last known good is tried again; if that fails, next time after %llu h",
		   local_lane_name(l), (unsigned long long)lane->retry_s / 3600);
}

static void calm(struct local_state *s, struct local_output *out)
{
	s->calm_s = 0;
	s->any_deaths = 0;
	if (local_level(s) != LOCAL_NORMAL)
		return;
	if (s->boot_strikes) {
		s->boot_strikes--;
		out->todo |= LOCAL_DO_WRITE;
	}
	if (s->boot_strikes)
		return;
	if (s->hooks_barred)
		out->todo |= LOCAL_DO_WRITE | LOCAL_DO_HOOKS;
	s->hooks_barred = 0;
	for (uint32_t l = 0; l < LOCAL_N_LANES; l++)
		if (s->lane[l].level == LOCAL_NORMAL)
			s->lane[l].retry_s = 0;
}

static void lane_time(struct local_state *s, uint32_t l, const struct plan *plan, uint64_t elapsed_s,
		      struct local_output *out)
{
	struct local_lane_state *lane = &s->lane[l];

	if (lane->deaths)
		add(&lane->quiet_s, elapsed_s);
	if (lane->quiet_s >= LOCAL_DEATHS_GAP_S)
		lane->deaths = 0;
	if (!lane->deaths)
		lane->quiet_s = 0;
	if (lane->phase != LOCAL_NONE)
		add(&lane->in_phase_s, elapsed_s);
	if (is_proven(lane, plan->probation_s))
		become_good(s, l, out);
	if (lane->level == LOCAL_NORMAL || s->safe_by_hand)
		return;
	add(&lane->down_s, elapsed_s);
	if (lane->down_s >= lane->retry_s)
		retry(s, l, out);
}

static void on_time(struct local_state *s, const struct plan *plan, const struct local_input *in,
		    struct local_output *out)
{
	uint64_t elapsed_s = in->elapsed_s < LOCAL_TIME_MAX_S ? in->elapsed_s : LOCAL_TIME_MAX_S;

	add(&s->calm_s, elapsed_s);
	if (s->calm_s >= LOCAL_DEATHS_GAP_S)
		s->agent_deaths = 0;
	if (s->calm_s >= LOCAL_CALM_S)
		calm(s, out);
	for (uint32_t l = 0; l < LOCAL_N_LANES; l++)
		lane_time(s, l, plan, elapsed_s, out);
	add(&s->unsaved_s, elapsed_s);
	if (s->unsaved_s >= LOCAL_SAVE_S)
		out->todo |= LOCAL_DO_WRITE;
}

/* ---- the operator's word ---- */

static void on_safe(struct local_state *s, struct local_output *out)
{
	if (s->safe_by_hand)
		return;
	for (uint32_t l = 0; l < LOCAL_N_LANES; l++)
		local_drop_candidate(s, l, out);
	s->safe_by_hand = true;
	out->todo |= LOCAL_DO_WRITE | LOCAL_DO_NO_DISK | LOCAL_DO_ARM | LOCAL_DO_HOOKS;
	local_note(out, "SAFE by the operator's word: no content is armed, only the fixed feed is watched");
}

static void off_safe(struct local_state *s, struct local_output *out)
{
	bool down = s->safe_by_hand || s->hooks_barred || s->boot_strikes;

	for (uint32_t l = 0; l < LOCAL_N_LANES; l++) {
		down |= s->lane[l].level != LOCAL_NORMAL;
		s->lane[l].level = LOCAL_NORMAL;
		s->lane[l].down_s = s->lane[l].retry_s = 0;
		s->lane[l].deaths = 0;
	}
	if (!down)
		return;
	s->safe_by_hand = false;
	s->boot_strikes = s->agent_deaths = s->any_deaths = 0;
	s->hooks_barred = 0;
	out->todo |= LOCAL_DO_WRITE | LOCAL_DO_ARM | LOCAL_DO_HOOKS;
	local_note(out, "out of SAFE by the operator's word");
}

static FALLIBLE on_clear(struct local_state *s, const struct local_input *in, struct local_output *out, struct diag *d)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n_quarantine; i++)
		if (!same(s->quarantine[i].digest, in->digest))
			s->quarantine[n++] = s->quarantine[i];
	if (n == s->n_quarantine)
		FAIL(d, NOT_FOUND, "content %s is not in quarantine", name_of(in->digest).hex);
	memset(&s->quarantine[n], 0, (s->n_quarantine - n) * sizeof s->quarantine[0]);
	s->n_quarantine = n;
	out->todo |= LOCAL_DO_WRITE;
	local_note(out, "content %s was let out of quarantine by the operator's word", name_of(in->digest).hex);
	return E_OK;
}

/* ---- doors ---- */

static FALLIBLE check_input(const struct local_input *in, struct diag *d)
{
	if ((uint32_t)in->event >= LOCAL_N_EVENTS || in->lane >= LOCAL_N_LANES || in->worker >= LOCAL_N_WORKERS ||
	    in->cause > CAUSE_BOOT || !memchr(in->rule, 0, sizeof in->rule))
		FAIL(d, INVALID, "event %d of lane %u, worker %u, cause %u is none", in->event, in->lane, in->worker,
		     in->cause);
	return E_OK;
}

static FALLIBLE dispatch(struct local_state *s, const struct plan *plan, const struct local_input *in,
			 struct local_output *out, struct diag *d)
{
	switch (in->event) {
	case LOCAL_EV_START:
		on_start(s, in, out);
		break;
	case LOCAL_EV_STOP:
		on_stop(s, out);
		break;
	case LOCAL_EV_OFFER:
		return on_offer(s, plan, in, out, d);
	case LOCAL_EV_TESTED:
		on_tested(s, in, out);
		break;
	case LOCAL_EV_SHADOWED:
		on_shadowed(s, in, out);
		break;
	case LOCAL_EV_REFUSED:
		local_on_refused(s, in, out);
		break;
	case LOCAL_EV_MISSING:
		local_on_missing(s, in, out);
		break;
	case LOCAL_EV_DEATH:
		local_on_death(s, in, out);
		break;
	case LOCAL_EV_TIME:
		on_time(s, plan, in, out);
		break;
	case LOCAL_EV_RESTARTED:
		on_restarted(s, plan, out);
		break;
	case LOCAL_EV_ATTACH:
		return on_attach(s, in, out, d);
	case LOCAL_EV_REVOKED:
		local_on_revoked(s, in, out);
		break;
	case LOCAL_EV_SAFE_ON:
		on_safe(s, out);
		break;
	case LOCAL_EV_SAFE_OFF:
		off_safe(s, out);
		break;
	case LOCAL_EV_CLEAR:
		return on_clear(s, in, out, d);
	case LOCAL_N_EVENTS:
		break;
	}
	return E_OK;
}

FALLIBLE local_on(struct local_state *s, const struct plan *plan, const struct local_input *in,
		  struct local_output *out, struct diag *d)
{
	struct local_output o = { 0 };

	TRY(check_input(in, d));
	TRY(dispatch(s, plan, in, &o, d));
	add(&s->blind_ms, in->blind_ms);
	if (o.todo & LOCAL_DO_WRITE)
		s->unsaved_s = 0;
	*out = o;
	return E_OK;
}

void local_without_disk(struct local_state *s, struct local_output *out)
{
	for (uint32_t l = 0; l < LOCAL_N_LANES; l++)
		local_drop_candidate(s, l, out);
	out->unwritten = true;
}
