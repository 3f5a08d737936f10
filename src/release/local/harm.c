/* SPDX-License-Identifier: Apache-2.0 */
/* harm: the way back: strikes, quarantine, levels. Everything here only takes something away, so that it needs no disk.
 */
#include "release/local/parts.h"

void local_note(struct local_output *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(out->text, sizeof out->text, fmt, ap);
	va_end(ap);
	out->todo |= LOCAL_DO_NOTICE;
}

const char *local_lane_name(uint32_t l)
{
	return l == LOCAL_OWNER ? "the owner's lane" : "the release lane";
}

static const char *cause_name(uint32_t cause)
{
	static const char *const names[] = {
		[CAUSE_NONE] = "was revoked",         [CAUSE_CRASH] = "ended its worker",
		[CAUSE_HANG] = "hung its worker",     [CAUSE_MEMORY] = "used up its worker's memory",
		[CAUSE_REFUSED] = "does not load",    [CAUSE_VECTOR] = "fails its vectors",
		[CAUSE_BUDGET] = "broke its budgets", [CAUSE_BOOT] = "was on trial at unclean boots",
	};

	return cause < countof(names) ? names[cause] : "did harm";
}

void local_drop_candidate(struct local_state *s, uint32_t l, struct local_output *out)
{
	struct local_lane_state *lane = &s->lane[l];

	if (lane->phase == LOCAL_NONE)
		return;
	if (lane->phase == LOCAL_PROBATION)
		out->todo |= LOCAL_DO_ARM;
	out->lane_do[l] = LOCAL_DO_DROP;
	unset(lane->candidate);
	lane->phase = LOCAL_NONE;
	lane->in_phase_s = 0;
	lane->clean_restarts = 0;
}

/* As if it had never been here; what was good before it takes its place. */
static void forget(struct local_state *s, const uint8_t *digest, struct local_output *out)
{
	for (uint32_t l = 0; l < LOCAL_N_LANES; l++) {
		struct local_lane_state *lane = &s->lane[l];

		if (same(lane->lkg1, digest))
			unset(lane->lkg1);
		if (same(lane->candidate, digest))
			local_drop_candidate(s, l, out);
		if (!same(lane->lkg, digest))
			continue;
		set(lane->lkg, lane->lkg1);
		unset(lane->lkg1);
		lane->deaths = 0;
		if (same(lane->candidate, lane->lkg)) /* gone back to, on trial again: it is the good one now */
			local_drop_candidate(s, l, out);
		out->todo |= LOCAL_DO_ARM;
	}
	out->todo |= LOCAL_DO_WRITE | LOCAL_DO_NO_DISK;
}

static void banish(struct local_state *s, const uint8_t *digest_in, uint32_t cause, const struct local_input *in,
		   struct local_output *out)
{
	struct local_quarantine q = { .cause = cause, .signal = in->signal, .time_s = in->now_s };

	set(q.digest, digest_in); /* which may be a place that is cleared below */
	if (cause != CAUSE_BOOT && cause != CAUSE_NONE)
		memcpy(q.rule, in->rule, sizeof q.rule);
	else
		q.signal = 0;
	forget(s, q.digest, out);
	if (local_is_quarantined(s, q.digest))
		return;
	if (s->n_quarantine == LOCAL_MAX_QUARANTINE)
		memmove(&s->quarantine[0], &s->quarantine[1], --s->n_quarantine * sizeof s->quarantine[0]);
	s->quarantine[s->n_quarantine++] = q;
}

static void strike(struct local_state *s, uint32_t l, const uint8_t *digest, uint32_t cause,
		   const struct local_input *in, struct local_output *out)
{
	struct name n = name_of(digest);

	add(&s->strikes, 1);
	banish(s, digest, cause, in, out);
	local_note(out, "content %s of %s %s%s%.*s: quarantined on this host", n.hex, local_lane_name(l),
		   cause_name(cause), in->rule[0] && cause != CAUSE_BOOT ? ", rule " : "",
		   cause != CAUSE_BOOT ? HEALTH_RULE_BYTES : 0, in->rule);
}

void local_go_down(struct local_state *s, uint32_t l, enum local_level level, struct local_output *out)
{
	struct local_lane_state *lane = &s->lane[l];

	if (lane->level >= level)
		return;
	lane->level = level;
	lane->down_s = 0;
	lane->deaths = 0;
	if (!lane->retry_s)
		lane->retry_s = LOCAL_RETRY_S;
	out->todo |= LOCAL_DO_WRITE | LOCAL_DO_NO_DISK | LOCAL_DO_ARM;
	if (level == LOCAL_SAFE) {
		local_drop_candidate(s, LOCAL_OWNER, out);
		out->todo |= LOCAL_DO_HOOKS;
	}
	local_note(out, "%s: %s", local_lane_name(l),
		   level == LOCAL_SAFE  ? "SAFE: no content is armed, only the fixed feed is watched"
		   : l == LOCAL_RELEASE ? "back to the factory's content"
					: "its content is not armed any more");
}

static void all_down(struct local_state *s, struct local_output *out)
{
	local_go_down(s, LOCAL_OWNER, LOCAL_FACTORY, out);
	local_go_down(s, LOCAL_RELEASE, LOCAL_FACTORY, out);
}

void local_boot_strike(struct local_state *s, const struct local_input *in, struct local_output *out)
{
	if (s->boot_strikes < LOCAL_MAX_STRIKES)
		s->boot_strikes++;
	add(&s->strikes, 1);
	s->calm_s = 0;
	s->hooks_barred |=
		s->hooks & (s->boot_strikes == 1 ? in->hooks_bulk & ~in->hooks_essential : ~in->hooks_essential);
	local_note(out, "unclean end %u of %d; on trial were %s and %s; hooks 0x%x stay detached", s->boot_strikes,
		   LOCAL_MAX_STRIKES, name_of(s->lane[LOCAL_RELEASE].candidate).hex,
		   name_of(s->lane[LOCAL_OWNER].candidate).hex, s->hooks_barred);
	for (uint32_t l = 0; l < LOCAL_N_LANES; l++)
		if (!GUARD(9, s->boot_strikes < LOCAL_STRIKES) && s->lane[l].phase != LOCAL_NONE)
			strike(s, l, s->lane[l].candidate, CAUSE_BOOT, in, out);
	if (!GUARD(9, s->boot_strikes < 2 * LOCAL_STRIKES))
		all_down(s, out);
	if (!GUARD(9, s->boot_strikes < LOCAL_MAX_STRIKES))
		local_go_down(s, LOCAL_RELEASE, LOCAL_SAFE, out);
}

static bool in_probation(const struct local_state *s)
{
	return s->lane[LOCAL_RELEASE].phase == LOCAL_PROBATION || s->lane[LOCAL_OWNER].phase == LOCAL_PROBATION;
}

/* The lane whose armed content this is; the release lane for the factory's; LOCAL_N_LANES: nobody is named. */
static uint32_t whose(const struct local_state *s, const uint8_t *digest)
{
	uint8_t armed[OBJECT_DIGEST_BYTES];

	if (none(digest))
		return LOCAL_N_LANES;
	for (uint32_t l = 0; l < LOCAL_N_LANES; l++)
		if (local_armed(s, l, armed) && same(armed, digest))
			return l;
	return local_armed(s, LOCAL_RELEASE, armed) ? LOCAL_N_LANES : LOCAL_RELEASE;
}

/* Good content does harm again and again. The last that a host has is never quarantined, it only rests. */
static void step_down(struct local_state *s, uint32_t l, uint32_t cause, const struct local_input *in,
		      struct local_output *out)
{
	struct local_lane_state *lane = &s->lane[l];
	uint8_t armed[OBJECT_DIGEST_BYTES];

	lane->deaths = 0;
	s->any_deaths = 0;
	if (!local_armed(s, l, armed))
		local_go_down(s, LOCAL_RELEASE, LOCAL_SAFE, out);
	else if (none(lane->lkg1))
		local_go_down(s, l, LOCAL_FACTORY, out);
	else
		strike(s, l, armed, cause, in, out);
}

static void blame_good(struct local_state *s, uint32_t cause, const struct local_input *in, struct local_output *out)
{
	uint32_t l = whose(s, in->digest);

	if (local_level(s) == LOCAL_SAFE)
		return;
	s->any_deaths++;
	if (l < LOCAL_N_LANES) {
		s->lane[l].quiet_s = 0;
		if (++s->lane[l].deaths >= LOCAL_DEATHS) {
			step_down(s, l, cause, in, out);
			return;
		}
	}
	if (s->any_deaths < LOCAL_ANY_DEATHS)
		return;
	s->any_deaths = 0;
	if (local_level(s) == LOCAL_NORMAL)
		all_down(s, out);
	else
		local_go_down(s, LOCAL_RELEASE, LOCAL_SAFE, out);
}

static void blame_probation(struct local_state *s, uint32_t cause, const struct local_input *in,
			    struct local_output *out)
{
	uint32_t named = LOCAL_N_LANES;

	for (uint32_t l = 0; l < LOCAL_N_LANES; l++)
		if (s->lane[l].phase == LOCAL_PROBATION && same(s->lane[l].candidate, in->digest))
			named = l;
	for (uint32_t l = 0; l < LOCAL_N_LANES; l++)
		if (!GUARD(8, s->lane[l].phase != LOCAL_PROBATION) && (named == LOCAL_N_LANES || named == l))
			strike(s, l, s->lane[l].candidate, cause, in, out);
}

void local_on_death(struct local_state *s, const struct local_input *in, struct local_output *out)
{
	enum local_phase phase = in->worker == LOCAL_SCRATCH_WORKER ? LOCAL_SELFTEST : LOCAL_SHADOW;
	uint32_t cause = in->cause == CAUSE_NONE ? CAUSE_CRASH : in->cause;

	if (in->worker != LOCAL_LIVE) {
		if (is_about(s, in, phase))
			strike(s, in->lane, in->digest, cause, in, out);
		return;
	}
	add(&s->worker_deaths, 1);
	s->calm_s = 0;
	out->todo |= LOCAL_DO_WRITE | LOCAL_DO_NO_DISK;
	if (in_probation(s))
		blame_probation(s, cause, in, out);
	else
		blame_good(s, cause, in, out);
}

/* What was good before is not quarantined for it: another release of the sensor may load it again. */
void local_on_refused(struct local_state *s, const struct local_input *in, struct local_output *out)
{
	uint32_t cause = in->cause == CAUSE_NONE ? CAUSE_REFUSED : in->cause;

	for (uint32_t l = 0; l < LOCAL_N_LANES && !none(in->digest); l++) {
		struct local_lane_state *lane = &s->lane[l];

		if (same(lane->candidate, in->digest)) {
			strike(s, l, in->digest, cause, in, out);
		} else if (same(lane->lkg, in->digest) && none(lane->lkg1) && lane->phase != LOCAL_PROBATION) {
			local_go_down(s, l, LOCAL_FACTORY, out);
		} else if (lane_holds(lane, in->digest)) {
			forget(s, in->digest, out);
			local_note(out, "content %s of %s does not load any more", name_of(in->digest).hex,
				   local_lane_name(l));
		}
	}
}

void local_on_missing(struct local_state *s, const struct local_input *in, struct local_output *out)
{
	for (uint32_t l = 0; l < LOCAL_N_LANES && !none(in->digest); l++)
		if (lane_holds(&s->lane[l], in->digest)) {
			forget(s, in->digest, out);
			local_note(out, "content %s of %s is gone from the disk, or damaged", name_of(in->digest).hex,
				   local_lane_name(l));
		}
}

void local_on_revoked(struct local_state *s, const struct local_input *in, struct local_output *out)
{
	for (uint32_t l = 0; l < LOCAL_N_LANES && !none(in->digest); l++)
		if (lane_holds(&s->lane[l], in->digest)) {
			banish(s, in->digest, CAUSE_NONE, in, out);
			local_note(out, "content %s of %s was revoked: quarantined on this host",
				   name_of(in->digest).hex, local_lane_name(l));
		}
}
