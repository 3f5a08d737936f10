/* SPDX-License-Identifier: Apache-2.0 */
/* machine: what each event makes of the state. Rule by rule in docs/formats/state.md. */
#include "release/local/local.h"

static bool same(const uint8_t *a, const uint8_t *b)
{
	return !memcmp(a, b, OBJECT_DIGEST_BYTES);
}

static bool none(const uint8_t *digest)
{
	static const uint8_t zero[OBJECT_DIGEST_BYTES];

	return same(digest, zero);
}

static void set(uint8_t *to, const uint8_t *digest)
{
	memcpy(to, digest, OBJECT_DIGEST_BYTES);
}

static void unset(uint8_t *digest)
{
	memset(digest, 0, OBJECT_DIGEST_BYTES);
}

static void add(uint64_t *sum, uint64_t n)
{
	if (__builtin_add_overflow(*sum, n, sum))
		*sum = UINT64_MAX;
}

/* One line; a later one, of what is worse, takes the place of the one before. */
PRINTF_LIKE(2, 3) static void note(struct local_output *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(out->text, sizeof out->text, fmt, ap);
	va_end(ap);
	out->todo |= LOCAL_DO_NOTICE;
}

static const char *lane_name(uint32_t l)
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

/* For messages: the first 16 digits tell a digest from others that people have to do with. */
struct name {
	char hex[17];
};

static struct name name_of(const uint8_t *digest)
{
	struct name n;

	object_hex(digest, 8, n.hex);
	return n;
}

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

static bool lane_holds(const struct local_lane_state *lane, const uint8_t *digest)
{
	return same(lane->candidate, digest) || same(lane->lkg, digest) || same(lane->lkg1, digest);
}

static bool in_probation(const struct local_state *s)
{
	return s->lane[LOCAL_RELEASE].phase == LOCAL_PROBATION || s->lane[LOCAL_OWNER].phase == LOCAL_PROBATION;
}

/* ---- going back: needs no disk ---- */

static void drop_candidate(struct local_state *s, uint32_t l, struct local_output *out)
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
			drop_candidate(s, l, out);
		if (!same(lane->lkg, digest))
			continue;
		set(lane->lkg, lane->lkg1);
		unset(lane->lkg1);
		lane->deaths = 0;
		if (same(lane->candidate, lane->lkg)) /* gone back to, on trial again: it is the good one now */
			drop_candidate(s, l, out);
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
	note(out, "content %s of %s %s%s%.*s: quarantined on this host", n.hex, lane_name(l), cause_name(cause),
	     in->rule[0] && cause != CAUSE_BOOT ? ", rule " : "", cause != CAUSE_BOOT ? HEALTH_RULE_BYTES : 0,
	     in->rule);
}

static void go_down(struct local_state *s, uint32_t l, enum local_level level, struct local_output *out)
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
		drop_candidate(s, LOCAL_OWNER, out);
		out->todo |= LOCAL_DO_HOOKS;
	}
	note(out, "%s: %s", lane_name(l),
	     level == LOCAL_SAFE  ? "SAFE: no content is armed, only the fixed feed is watched"
	     : l == LOCAL_RELEASE ? "back to the factory's content"
				  : "its content is not armed any more");
}

static void all_down(struct local_state *s, struct local_output *out)
{
	go_down(s, LOCAL_OWNER, LOCAL_FACTORY, out);
	go_down(s, LOCAL_RELEASE, LOCAL_FACTORY, out);
}

static void boot_strike(struct local_state *s, const struct local_input *in, struct local_output *out)
{
	if (s->boot_strikes < LOCAL_MAX_STRIKES)
		s->boot_strikes++;
	add(&s->strikes, 1);
	s->calm_s = 0;
	s->hooks_barred |=
		s->hooks & (s->boot_strikes == 1 ? in->hooks_bulk & ~in->hooks_essential : ~in->hooks_essential);
	note(out, "unclean end %u of %d; on trial were %s and %s; hooks 0x%x stay detached", s->boot_strikes,
	     LOCAL_MAX_STRIKES, name_of(s->lane[LOCAL_RELEASE].candidate).hex,
	     name_of(s->lane[LOCAL_OWNER].candidate).hex, s->hooks_barred);
	for (uint32_t l = 0; l < LOCAL_N_LANES; l++)
		if (!GUARD(9, s->boot_strikes < LOCAL_STRIKES) && s->lane[l].phase != LOCAL_NONE)
			strike(s, l, s->lane[l].candidate, CAUSE_BOOT, in, out);
	if (!GUARD(9, s->boot_strikes < 2 * LOCAL_STRIKES))
		all_down(s, out);
	if (!GUARD(9, s->boot_strikes < LOCAL_MAX_STRIKES))
		go_down(s, LOCAL_RELEASE, LOCAL_SAFE, out);
}

/* ---- starts and ends ---- */

static void on_start(struct local_state *s, const struct local_input *in, struct local_output *out)
{
	bool same_boot = !memcmp(s->boot, in->boot, sizeof s->boot);

	if (s->dirty && !same_boot) {
		add(&s->unclean_boots, 1);
		boot_strike(s, in, out);
	} else if (s->dirty) {
		s->calm_s = 0;
		note(out, "the agent ended without a stop");
		if (++s->agent_deaths >= LOCAL_DEATHS) {
			s->agent_deaths = 0;
			boot_strike(s, in, out);
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
	note(out, "content %s of %s is the last known good now", name_of(lane->lkg).hex, lane_name(l));
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
		FAIL_ID(d, REJECTED, 'H', 104, "content %s is in %s already", n.hex, lane_name(!in->lane));
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
	drop_candidate(s, in->lane, out);
	if (same(lane->lkg, in->digest))
		return E_OK;
	set(lane->candidate, in->digest);
	lane->phase = LOCAL_SELFTEST;
	out->lane_do[in->lane] |= LOCAL_DO_SCRATCH;
	out->todo |= LOCAL_DO_WRITE;
	return E_OK;
}

/* Is the message about what is on trial now, in this phase? */
static bool is_about(const struct local_state *s, const struct local_input *in, enum local_phase phase)
{
	return s->lane[in->lane].phase == phase && same(s->lane[in->lane].candidate, in->digest);
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
	note(out, "content %s of %s is armed, on probation", name_of(lane->candidate).hex, lane_name(in->lane));
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
	note(out, "%s: its last known good is tried again; if that fails, next time after %llu h", lane_name(l),
	     (unsigned long long)lane->retry_s / 3600);
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

/* ---- harm ---- */

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
		go_down(s, LOCAL_RELEASE, LOCAL_SAFE, out);
	else if (none(lane->lkg1))
		go_down(s, l, LOCAL_FACTORY, out);
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
		go_down(s, LOCAL_RELEASE, LOCAL_SAFE, out);
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

static void on_death(struct local_state *s, const struct local_input *in, struct local_output *out)
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
static void on_refused(struct local_state *s, const struct local_input *in, struct local_output *out)
{
	uint32_t cause = in->cause == CAUSE_NONE ? CAUSE_REFUSED : in->cause;

	for (uint32_t l = 0; l < LOCAL_N_LANES && !none(in->digest); l++) {
		struct local_lane_state *lane = &s->lane[l];

		if (same(lane->candidate, in->digest)) {
			strike(s, l, in->digest, cause, in, out);
		} else if (same(lane->lkg, in->digest) && none(lane->lkg1) && lane->phase != LOCAL_PROBATION) {
			go_down(s, l, LOCAL_FACTORY, out);
		} else if (lane_holds(lane, in->digest)) {
			forget(s, in->digest, out);
			note(out, "content %s of %s does not load any more", name_of(in->digest).hex, lane_name(l));
		}
	}
}

static void on_missing(struct local_state *s, const struct local_input *in, struct local_output *out)
{
	for (uint32_t l = 0; l < LOCAL_N_LANES && !none(in->digest); l++)
		if (lane_holds(&s->lane[l], in->digest)) {
			forget(s, in->digest, out);
			note(out, "content %s of %s is gone from the disk, or damaged", name_of(in->digest).hex,
			     lane_name(l));
		}
}

static void on_revoked(struct local_state *s, const struct local_input *in, struct local_output *out)
{
	for (uint32_t l = 0; l < LOCAL_N_LANES && !none(in->digest); l++)
		if (lane_holds(&s->lane[l], in->digest)) {
			banish(s, in->digest, CAUSE_NONE, in, out);
			note(out, "content %s of %s was revoked: quarantined on this host", name_of(in->digest).hex,
			     lane_name(l));
		}
}

/* ---- the operator's word ---- */

static void on_safe(struct local_state *s, struct local_output *out)
{
	if (s->safe_by_hand)
		return;
	for (uint32_t l = 0; l < LOCAL_N_LANES; l++)
		drop_candidate(s, l, out);
	s->safe_by_hand = true;
	out->todo |= LOCAL_DO_WRITE | LOCAL_DO_NO_DISK | LOCAL_DO_ARM | LOCAL_DO_HOOKS;
	note(out, "SAFE by the operator's word: no content is armed, only the fixed feed is watched");
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
	note(out, "out of SAFE by the operator's word");
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
	note(out, "content %s was let out of quarantine by the operator's word", name_of(in->digest).hex);
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
		on_refused(s, in, out);
		break;
	case LOCAL_EV_MISSING:
		on_missing(s, in, out);
		break;
	case LOCAL_EV_DEATH:
		on_death(s, in, out);
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
		on_revoked(s, in, out);
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
		drop_candidate(s, l, out);
	out->unwritten = true;
}
