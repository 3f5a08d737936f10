/* SPDX-License-Identifier: Apache-2.0 */
/* when: windows, freezes and the zones that they are in. */
#include "release/policy/internal.h"

static const char *const day_names[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };
static const char window_form[] = "for example: Mon-Thu 09:00-16:00 Europe/Berlin";
static const char freeze_form[] = "for example: 2026-12-20..2027-01-04 Europe/Berlin";

static bool take(const char **s, const char *what)
{
	size_t n = strlen(what);

	if (strncmp(*s, what, n) != 0)
		return false;
	*s += n;
	return true;
}

static bool take_day(const char **s, uint32_t *out)
{
	for (uint32_t i = 0; i < countof(day_names); i++)
		if (take(s, day_names[i])) {
			*out = i;
			return true;
		}
	return false;
}

/* "Mon-Thu,Sat", "daily"; Sat-Mon goes over the end of the week. */
static bool take_days(const char **s, uint8_t *out)
{
	uint32_t from, to;

	*out = 0x7f;
	if (take(s, "daily"))
		return true;
	*out = 0;
	do {
		if (!take_day(s, &from))
			return false;
		to = from;
		if (take(s, "-") && !take_day(s, &to))
			return false;
		for (;; from = (from + 1) % countof(day_names)) {
			*out |= (uint8_t)(1u << from);
			if (from == to)
				break;
		}
	} while (take(s, ","));
	return true;
}

/* "09:00"; "24:00" only as an end. */
static bool take_time(const char **s, bool end, uint16_t *out)
{
	uint32_t h, m;
	const char *from = *s;

	if (!policy_digits(s, 2, &h) || *s - from != 2 || !take(s, ":"))
		return false;
	from = *s;
	if (!policy_digits(s, 2, &m) || *s - from != 2 || m > 59 || h > 24 || (h == 24 && (m || !end)))
		return false;
	*out = (uint16_t)(h * 60 + m);
	return true;
}

static bool take_spaces(const char **s)
{
	size_t n = strspn(*s, " ");

	*s += n;
	return n;
}

/* A name that is safe to look up below a directory. */
static bool is_zone_name(const char *s)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
	size_t n = strspn(s, letters);

	return n && !s[n] && n < ZONE_NAME_BYTES && s[0] != '/' && s[n - 1] != '/' && !strstr(s, "//");
}

static bool read_zone(struct reader *r, const struct place *at, size_t skip, const char *name)
{
	struct policy_zone *z;
	struct view bytes;
	struct diag d;
	enum err err;

	if (!strcmp(name, "UTC")) { /* of itself: hosts without files of zones have it too */
		z = ARENA_NEW(r->a, struct policy_zone);
		if (!z) {
			r->err = E_NOMEM;
			return false;
		}
		memcpy(z->name, "UTC", sizeof "UTC");
		r->p->zone[r->p->n_zones++] = z;
		return true;
	}
	diag_init(&d);
	bytes = is_zone_name(name) && r->zone_bytes ? r->zone_bytes(r->user, name) : view_of(NULL, 0);
	if (!bytes.len) {
		policy_complain(r, at, skip, POLICY_NO_ZONE,
				"names are as below /usr/share/zoneinfo: Europe/Berlin, UTC",
				"there is no time zone '%.60s' here", name);
		return false;
	}
	err = zone_read(name, bytes, r->a, &z, &d);
	if (err == E_NOMEM)
		r->err = E_NOMEM;
	else if (err != E_OK)
		policy_complain(r, at, skip, POLICY_ZONE, NULL, "%s", d.text);
	else
		r->p->zone[r->p->n_zones++] = z;
	return err == E_OK;
}

/* The rest of text names a zone: its number. */
static bool take_zone(struct reader *r, const struct place *at, const char *text, const char *name, uint32_t *out)
{
	struct policy *p = r->p;

	for (*out = 0; *out < p->n_zones; ++*out)
		if (!strcmp(p->zone[*out]->name, name))
			return true;
	if (p->n_zones == POLICY_MAX_ZONES) {
		policy_complain(r, at, (size_t)(name - text), POLICY_TOO_MANY, NULL, "more than %d time zones",
				POLICY_MAX_ZONES);
		return false;
	}
	return read_zone(r, at, (size_t)(name - text), name);
}

void policy_add_window(struct reader *r, const struct place *at, const char *text)
{
	struct policy *p = r->p;
	struct policy_window w = { 0 };
	const char *s = text;

	if (p->n_windows == POLICY_MAX_WINDOWS)
		policy_complain(r, at, 0, POLICY_TOO_MANY, NULL, "more than %d windows", POLICY_MAX_WINDOWS);
	else if (!take_days(&s, &w.days) || !take_spaces(&s))
		policy_complain(r, at, (size_t)(s - text), POLICY_WINDOW, window_form,
				"days are expected here: Mon, Mon-Thu, Sat,Sun or daily");
	else if (!take_time(&s, false, &w.from_min) || !take(&s, "-") || !take_time(&s, true, &w.to_min))
		policy_complain(r, at, (size_t)(s - text), POLICY_WINDOW, window_form,
				"hours are expected here: 09:00-16:00, or 22:00-05:00 over midnight");
	else if (w.from_min == w.to_min)
		policy_complain(r, at, (size_t)(s - text), POLICY_WINDOW, "the whole day is 00:00-24:00",
				"the window ends where it begins");
	else if (!take_spaces(&s) || !*s)
		policy_complain(r, at, (size_t)(s - text), POLICY_WINDOW, window_form, "a time zone is expected here");
	else if (take_zone(r, at, text, s, &w.zone))
		p->window[p->n_windows++] = w;
}

/* "2026-12-20", a day that there is. */
static bool take_date(const char **s, int32_t *out)
{
	static const uint8_t days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	const char *from = *s;
	uint32_t y, m, d;

	if (!policy_digits(s, 4, &y) || *s - from != 4 || y < 1970 || !take(s, "-") || !policy_digits(s, 2, &m) ||
	    *s - from != 7 || !m || m > 12 || !take(s, "-") || !policy_digits(s, 2, &d) || *s - from != 10 || !d ||
	    d > days[m - 1])
		return false;
	*out = (int32_t)zone_days(y, (int)m, (int)d);
	return m != 2 || d < 29 || zone_days(y, 3, 1) > *out;
}

void policy_add_freeze(struct reader *r, const struct place *at, const char *text)
{
	struct policy *p = r->p;
	struct policy_freeze f = { 0 };
	const char *s = text;
	bool ok = take_date(&s, &f.from_day);

	f.to_day = f.from_day;
	if (ok && take(&s, ".."))
		ok = take_date(&s, &f.to_day);
	if (p->n_freezes == POLICY_MAX_FREEZES)
		policy_complain(r, at, 0, POLICY_TOO_MANY, NULL, "more than %d freezes", POLICY_MAX_FREEZES);
	else if (!ok)
		policy_complain(r, at, (size_t)(s - text), POLICY_FREEZE, freeze_form,
				"a day of the calendar is expected here: YEAR-MM-DD");
	else if (f.to_day < f.from_day)
		policy_complain(r, at, (size_t)(s - text), POLICY_FREEZE, NULL, "the freeze ends before it begins");
	else if (!take_spaces(&s) || !*s)
		policy_complain(r, at, (size_t)(s - text), POLICY_FREEZE, freeze_form, "a time zone is expected here");
	else if (take_zone(r, at, text, s, &f.zone))
		p->freeze[p->n_freezes++] = f;
}
