/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone_rule: the rule in a zone's footer, as POSIX writes it: "CET-1CEST,M3.5.0,M10.5.0/3". RFC 8536 section 3.3.1
 * lets a time be -167 to 167 hours.
 */
#include "release/policy/internal.h"

enum { DAY = 86400, MAX_CHANGES = 6 };
/* Years that are calculated with: beyond, a clock is not worth an answer. */
#define FAR_S (INT64_C(1) << 40)

int64_t zone_days(int64_t year, int month, int day)
{
	static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
	int64_t y = year - 1;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return 365 * (year - 1970) + zone_floor_div(y, 4) - zone_floor_div(y, 100) + zone_floor_div(y, 400) - 477 +
	       before[month - 1] + (leap && month > 2) + day - 1;
}

int64_t zone_year(int64_t days)
{
	int64_t year = 1970 + zone_floor_div(days * 400, 146097); /* at most one off */

	while (zone_days(year, 1, 1) > days)
		year--;
	while (zone_days(year + 1, 1, 1) <= days)
		year++;
	return year;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Up to three digits. */
static bool number(const char **s, int max, int *out)
{
	int n = 0, v = 0;

	for (; n < 3 && is_digit(**s); n++, (*s)++)
		v = v * 10 + (**s - '0');
	*out = v;
	return n && v <= max && !is_digit(**s);
}

static bool take(const char **s, char c)
{
	bool is = **s == c;

	*s += is;
	return is;
}

/* At least three letters, or anything of letters, digits and signs in angle brackets. */
static bool name(const char **s)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	static const char quoted[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-";
	bool brackets = take(s, '<');
	size_t n = strspn(*s, brackets ? quoted : letters);

	*s += n;
	return n >= 3 && (!brackets || take(s, '>'));
}

/* [+-]hh[:mm[:ss]] */
static bool time_of(const char **s, int max_hours, int32_t *out)
{
	bool minus = take(s, '-');
	int h, m = 0, sec = 0;

	if (!minus)
		(void)take(s, '+');
	if (!number(s, max_hours, &h) ||
	    (take(s, ':') && (!number(s, 59, &m) || (take(s, ':') && !number(s, 59, &sec)))))
		return false;
	*out = (h * 3600 + m * 60 + sec) * (minus ? -1 : 1);
	return true;
}

static bool change(const char **s, struct zone_change *c)
{
	bool ok;

	*c = (struct zone_change){ .kind = ZONE_DAY, .time_s = 2 * 3600 };
	if (take(s, 'M')) {
		c->kind = ZONE_MONTH;
		ok = number(s, 12, &c->month) && c->month >= 1 && take(s, '.') && number(s, 5, &c->week) &&
		     c->week >= 1 && take(s, '.') && number(s, 6, &c->day);
	} else if (take(s, 'J')) {
		c->kind = ZONE_JULIAN;
		ok = number(s, 365, &c->day) && c->day >= 1;
	} else {
		ok = number(s, 365, &c->day);
	}
	return ok && (!take(s, '/') || time_of(s, 167, &c->time_s));
}

bool zone_read_rule(const char *text, struct zone_rule *out)
{
	const char *s = text;
	struct zone_rule r = { .is = true };
	int32_t west;

	if (!name(&s) || !time_of(&s, 24, &west))
		return false;
	r.std_s = -west;
	if (*s) {
		r.has_dst = true;
		r.dst_s = r.std_s + 3600;
		if (!name(&s))
			return false;
		if (*s != ',') {
			if (!time_of(&s, 24, &west))
				return false;
			r.dst_s = -west;
		}
		if (!take(&s, ',') || !change(&s, &r.start) || !take(&s, ',') || !change(&s, &r.end) || *s)
			return false;
	}
	*out = r;
	return true;
}

/* Local seconds since 1970 in the clock that runs before the change. */
static int64_t change_at(const struct zone_change *c, int64_t year)
{
	int64_t day = zone_days(year, 1, 1);
	bool leap = zone_days(year + 1, 1, 1) - day == 366;

	if (c->kind == ZONE_MONTH) {
		int64_t first = zone_days(year, c->month, 1), next;
		int weekday =
			(int)(first + 4 - zone_floor_div(first + 4, 7) * 7); /* of 1970-01-01: Thursday; 0: Sunday */

		next = c->month == 12 ? zone_days(year + 1, 1, 1) : zone_days(year, c->month + 1, 1);
		day = first + (c->day - weekday + 7) % 7 + 7 * (c->week - 1);
		if (day >= next)
			day -= 7;
	} else if (c->kind == ZONE_JULIAN) {
		day += c->day - 1 + (leap && c->day >= 60);
	} else {
		day += c->day;
	}
	return day * DAY + c->time_s;
}

struct moment {
	int64_t at;
	int32_t east;
};

/* The changes of the years around t in order; of two at once the one to dst comes last: dst all the year round. */
static void changes(const struct zone_rule *r, int64_t t, struct moment out[MAX_CHANGES])
{
	int64_t year = zone_year(zone_floor_div(t, DAY));

	for (int i = 0; i < MAX_CHANGES; i++) {
		int64_t y = year - 1 + i / 2;
		struct moment m = i % 2 ? (struct moment){ change_at(&r->start, y) - r->std_s, r->dst_s }
					: (struct moment){ change_at(&r->end, y) - r->dst_s, r->std_s };
		int k = i;

		for (; k && (out[k - 1].at > m.at || (out[k - 1].at == m.at && out[k - 1].east == r->dst_s)); k--)
			out[k] = out[k - 1];
		out[k] = m;
	}
}

int32_t zone_rule_east(const struct zone_rule *r, int64_t t)
{
	struct moment m[MAX_CHANGES];
	int32_t east = r->std_s;

	if (!r->has_dst || t > FAR_S || t < -FAR_S)
		return r->std_s;
	changes(r, t, m);
	for (int i = 0; i < MAX_CHANGES; i++)
		if (m[i].at <= t)
			east = m[i].east;
	return east;
}

int64_t zone_rule_next(const struct zone_rule *r, int64_t t)
{
	struct moment m[MAX_CHANGES];

	if (!r->has_dst || t > FAR_S || t < -FAR_S)
		return INT64_MAX;
	changes(r, t, m);
	for (int i = 0; i < MAX_CHANGES; i++)
		if (m[i].at > t)
			return m[i].at;
	return INT64_MAX;
}
