/* SPDX-License-Identifier: Apache-2.0 */
/* value: the keys of a policy and what each takes. */
#include "release/policy/internal.h"

enum { MAX_HOLD_S = 90 * POLICY_DAY_S, MAX_STALE_S = 3650 * POLICY_DAY_S, MAX_MEMORY_MIB = 65536 };

bool policy_digits(const char **s, int max_digits, uint32_t *out)
{
	uint32_t v = 0;
	int n = 0;

	for (; n < max_digits && **s >= '0' && **s <= '9'; n++, (*s)++)
		v = v * 10 + (uint32_t)(**s - '0');
	*out = v;
	return n && !(**s >= '0' && **s <= '9');
}

/* A number and what follows it: unit is one of the letters. */
static bool quantity(const char *text, const char *units, uint32_t *n, char *unit)
{
	if (!policy_digits(&text, 9, n) || !*text || text[1] || !strchr(units, *text))
		return false;
	*unit = *text;
	return true;
}

static void set_name(struct reader *r, const struct place *at, const char *text, char out[OBJECT_NAME_BYTES])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t n = strspn(text, letters);

	if (text[n] || !n || strchr("._-", text[0]))
		policy_complain(r, at, n, POLICY_VALUE, NULL,
				"a name is of a-z, 0-9, '.', '_' and '-', and begins with a letter or digit");
	else if (n >= OBJECT_NAME_BYTES)
		policy_complain(r, at, 0, POLICY_RANGE, NULL, "a name has at most %d letters", OBJECT_NAME_BYTES - 1);
	else
		(void)snprintf(out, OBJECT_NAME_BYTES, "%s", text);
}

static void set_channel(struct reader *r, const struct place *at, const char *text)
{
	set_name(r, at, text, r->p->channel);
}

static void set_stratum(struct reader *r, const struct place *at, const char *text)
{
	set_name(r, at, text, r->p->stratum);
}

static void set_bool(struct reader *r, const struct place *at, const char *text, bool *out)
{
	*out = !strcmp(text, "true");
	if (!*out && strcmp(text, "false") != 0)
		policy_complain(r, at, 0, POLICY_VALUE, NULL, "this can be: true, false");
}

static void set_ring0(struct reader *r, const struct place *at, const char *text)
{
	set_bool(r, at, text, &r->p->ring0);
}

static void set_require_evidence(struct reader *r, const struct place *at, const char *text)
{
	set_bool(r, at, text, &r->p->require_evidence);
}

static void set_critical(struct reader *r, const struct place *at, const char *text)
{
	set_bool(r, at, text, &r->p->critical);
}

static void set_pause(struct reader *r, const struct place *at, const char *text)
{
	set_bool(r, at, text, &r->p->paused);
}

static void set_lag(struct reader *r, const struct place *at, const char *text)
{
	const char *s = text;

	if (!policy_digits(&s, 1, &r->p->lag) || *s || r->p->lag > POLICY_MAX_LAG)
		policy_complain(r, at, 0, POLICY_RANGE, NULL, "'lag' is 0 to %d releases to stay behind",
				POLICY_MAX_LAG);
}

static void set_pin(struct reader *r, const struct place *at, const char *text)
{
	r->p->pinned = true;
	if (!object_unhex(text, r->p->pin, sizeof r->p->pin))
		policy_complain(r, at, 0, POLICY_VALUE, "'sallyport status' and 'bundle inspect' show it",
				"'pin' is a bundle's digest: %d hexadecimal digits in lower case",
				2 * OBJECT_DIGEST_BYTES);
}

/* "24h", "30m", "7d", "90s", "0". */
static bool set_span(struct reader *r, const struct place *at, const char *text, uint64_t max_s, uint64_t *out)
{
	static const uint64_t seconds[] = { 1, 60, 3600, POLICY_DAY_S };
	static const char units[] = "smhd";
	uint32_t n = 0;
	char unit = 's';

	if (strcmp(text, "0") != 0 && !quantity(text, units, &n, &unit)) {
		policy_complain(r, at, 0, POLICY_VALUE, "s, m, h and d are seconds, minutes, hours and days",
				"a length of time is a number and a unit: 90s, 30m, 24h, 7d");
		return false;
	}
	*out = n * seconds[strchr(units, unit) - units];
	if (*out > max_s)
		policy_complain(r, at, 0, POLICY_RANGE, NULL, "at most %llu days",
				(unsigned long long)(max_s / POLICY_DAY_S));
	return true;
}

static void set_hold(struct reader *r, const struct place *at, const char *text)
{
	(void)set_span(r, at, text, MAX_HOLD_S, &r->p->hold_s);
}

static void set_urgent_hold(struct reader *r, const struct place *at, const char *text)
{
	(void)set_span(r, at, text, MAX_HOLD_S, &r->p->urgent_hold_s);
}

static void set_max_stale(struct reader *r, const struct place *at, const char *text)
{
	if (!strcmp(text, "never"))
		return;
	if (set_span(r, at, text, MAX_STALE_S, &r->p->max_stale_s) && !r->p->max_stale_s)
		policy_complain(r, at, 0, POLICY_RANGE, "'never' is said so", "'max_stale' is more than nothing");
}

static void set_first_ring(struct reader *r, const struct place *at, const char *text)
{
	const char *s = text;
	bool is = policy_digits(&s, 1, &r->p->first_ring) && !*s;

	if (!strcmp(text, "last"))
		r->p->first_ring = PLAN_LAST;
	else if (!is || !r->p->first_ring || r->p->first_ring > PLAN_LAST)
		policy_complain(r, at, 0, POLICY_RANGE, NULL, "'first_ring' is a ring, 1 to %d, or 'last'", PLAN_LAST);
}

static void set_max_cpu(struct reader *r, const struct place *at, const char *text)
{
	char unit;

	if (!quantity(text, "%", &r->p->max_cpu_percent, &unit))
		policy_complain(r, at, 0, POLICY_VALUE, NULL, "'max_cpu' is a share of one core: 5%%");
	else if (!r->p->max_cpu_percent || r->p->max_cpu_percent > 100)
		policy_complain(r, at, 0, POLICY_RANGE, NULL, "'max_cpu' is 1%% to 100%%");
}

static void set_max_memory(struct reader *r, const struct place *at, const char *text)
{
	uint64_t mib;
	uint32_t n;
	char unit;

	if (!quantity(text, "MG", &n, &unit)) {
		policy_complain(r, at, 0, POLICY_VALUE, NULL,
				"'max_memory' is a number and M or G: 200M (MiB), 1G (GiB)");
		return;
	}
	mib = (uint64_t)n * (unit == 'G' ? 1024 : 1);
	if (mib < 64 || mib > MAX_MEMORY_MIB)
		policy_complain(r, at, 0, POLICY_RANGE, NULL, "'max_memory' is 64M to %dG", MAX_MEMORY_MIB / 1024);
	r->p->max_memory_mib = (uint32_t)mib;
}

// clang-format off
const struct policy_key policy_keys[] = {
	{ "channel",          set_channel,          false },
	{ "lag",              set_lag,              false },
	{ "pin",              set_pin,              false },
	{ "hold",             set_hold,             false },
	{ "urgent_hold",      set_urgent_hold,      false },
	{ "windows",          policy_add_window,    true },
	{ "freezes",          policy_add_freeze,    true },
	{ "ring0",            set_ring0,            false },
	{ "first_ring",       set_first_ring,       false },
	{ "require_evidence", set_require_evidence, false },
	{ "critical",         set_critical,         false },
	{ "pause",            set_pause,            false },
	{ "max_stale",        set_max_stale,        false },
	{ "max_cpu",          set_max_cpu,          false },
	{ "max_memory",       set_max_memory,       false },
	{ "stratum",          set_stratum,          false },
};
// clang-format on
const size_t policy_n_keys = countof(policy_keys);
static_assert(countof(policy_keys) <= countof(((struct reader *)NULL)->marks), "a mark for each key");

/* Where the key was given; NULL: it was not. */
static const struct place *given(const struct reader *r, const char *name)
{
	for (size_t i = 0; i < policy_n_keys; i++)
		if (!strcmp(policy_keys[i].name, name))
			return r->seen >> i & 1 ? &r->marks[i] : NULL;
	return NULL;
}

void policy_check_conflicts(struct reader *r)
{
	struct policy *p = r->p;

	if (p->ring0 && (p->critical || p->first_ring))
		policy_complain(r, given(r, "ring0"), 0, POLICY_CONFLICT, "remove one of them",
				"'ring0' goes first and '%s' goes late", p->critical ? "critical" : "first_ring");
	if (p->pinned && p->lag)
		policy_complain(r, given(r, "lag"), 0, POLICY_CONFLICT, "remove one of them",
				"'pin' names one bundle, 'lag' wants the one before the newest");
	/* The urgent lane is no way around a hold. */
	if (given(r, "hold") && !given(r, "urgent_hold"))
		p->urgent_hold_s = p->hold_s;
}
