/* SPDX-License-Identifier: Apache-2.0 */
/* policy: when something new may come. */
#include "release/policy/internal.h"

enum { DAY = 86400, WEEK_DAYS = 7, HORIZON_S = 400 * DAY };
/* Clocks beyond are taken for this: sums of what follows stay far from overflow. */
#define FAR_S (INT64_C(1) << 60)

void policy_init(struct policy *p)
{
	*p = (struct policy){ .channel = "stable" };
}

static int64_t near_s(int64_t t)
{
	return t > FAR_S ? FAR_S : t < -FAR_S ? -FAR_S : t;
}

int64_t policy_local_s(const struct policy *p, uint32_t zone, int64_t t)
{
	return near_s(t) + zone_east(p->zone[zone], t);
}

const char *policy_zone_name(const struct policy *p, uint32_t zone)
{
	return p->zone[zone]->name;
}

/* Of a local day: 0 is Monday. */
static uint32_t weekday(int64_t day)
{
	return (uint32_t)(day + 3 - zone_floor_div(day + 3, WEEK_DAYS) * WEEK_DAYS);
}

static bool begins_on(const struct policy_window *w, int64_t day)
{
	return w->days >> weekday(day) & 1;
}

static bool is_in_window(const struct policy *p, const struct policy_window *w, int64_t t)
{
	int64_t local = policy_local_s(p, w->zone, t), day = zone_floor_div(local, DAY), min = (local - day * DAY) / 60;

	if (w->from_min < w->to_min)
		return begins_on(w, day) && min >= w->from_min && min < w->to_min;
	return (begins_on(w, day) && min >= w->from_min) || (begins_on(w, day - 1) && min < w->to_min);
}

static bool is_frozen(const struct policy *p, const struct policy_freeze *f, int64_t t)
{
	int64_t day = zone_floor_div(policy_local_s(p, f->zone, t), DAY);

	return day >= f->from_day && day <= f->to_day;
}

static bool is_in_a_window(const struct policy *p, int64_t t)
{
	for (uint32_t i = 0; i < p->n_windows; i++)
		if (is_in_window(p, &p->window[i], t))
			return true;
	return !p->n_windows;
}

static bool is_in_a_freeze(const struct policy *p, int64_t t)
{
	for (uint32_t i = 0; i < p->n_freezes; i++)
		if (is_frozen(p, &p->freeze[i], t))
			return true;
	return false;
}

bool policy_open_at(const struct policy *p, int64_t now_s)
{
	int64_t t = near_s(now_s);

	return is_in_a_window(p, t) && !is_in_a_freeze(p, t);
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The next moment after t that this window can begin at, or that its clock changes at. */
static int64_t next_of_window(const struct policy *p, const struct policy_window *w, int64_t t)
{
	int64_t local = policy_local_s(p, w->zone, t), day = zone_floor_div(local, DAY),
		from = w->from_min * INT64_C(60);

	if (local >= day * DAY + from)
		day++;
	for (int i = 0; i < WEEK_DAYS && !begins_on(w, day); i++)
		day++;
	return sooner(t + (day * DAY + from - local), zone_next(p->zone[w->zone], t));
}

/* A moment after t, in a freeze, until which some freeze lasts. */
static int64_t next_of_freezes(const struct policy *p, int64_t t)
{
	int64_t latest = t + 1;

	for (uint32_t i = 0; i < p->n_freezes; i++) {
		const struct policy_freeze *f = &p->freeze[i];
		int64_t end;

		if (!is_frozen(p, f, t))
			continue;
		end = t + ((f->to_day + INT64_C(1)) * DAY - policy_local_s(p, f->zone, t));
		end = sooner(end, zone_next(p->zone[f->zone], t));
		latest = end > latest ? end : latest;
	}
	return latest;
}

int64_t policy_next_open(const struct policy *p, int64_t now_s)
{
	int64_t t = near_s(now_s), last = t + HORIZON_S;

	if (!p->n_windows && !p->n_freezes)
		return now_s;
	if (now_s > t)
		return INT64_MAX;
	while (t <= last) {
		int64_t next = INT64_MAX;

		if (is_in_a_freeze(p, t)) {
			t = next_of_freezes(p, t);
			continue;
		}
		if (is_in_a_window(p, t))
			return t;
		for (uint32_t i = 0; i < p->n_windows; i++)
			next = sooner(next, next_of_window(p, &p->window[i], t));
		t = next;
	}
	return INT64_MAX;
}
