/* SPDX-License-Identifier: Apache-2.0 */
/*
 * F12: whatever is signed, whenever, nothing activates earlier than policy and plan allow. A host lives through random
 * promotions minute by minute; an oracle that knows nothing of the code under test looks at every minute of its past.
 * And a policy that says more lets in no more.
 */
#include "test.h"

#include <time.h>

#include "../policy/zone_files.h"
#include "release/endpoint/endpoint.h"

enum { MINUTES = 420, MAX_EVENTS = 24, DIGESTS = 3, CASES = 250 };

struct event { /* a promotion, taken in this minute */
	uint32_t minute;
	struct object_promotion p;
	bool evidence_ok;
};

struct life {
	struct plan plan;
	struct endpoint_host h;
	struct event event[MAX_EVENTS];
	uint32_t n_events;
	int64_t clock[MINUTES]; /* what the host's clock says */
	const char *zone;
};

static uint64_t seed;

static uint64_t rnd(uint64_t below)
{
	seed += 0x9e3779b97f4a7c15ull;
	return hash_u64(seed) % below;
}

static bool chance(uint32_t percent)
{
	return rnd(100) < percent;
}

static void random_plan(struct plan *p)
{
	*p = plan_default;
	for (uint32_t i = 0; i < PLAN_RINGS; i++) {
		uint32_t minutes = 2 + (uint32_t)rnd(30);

		p->ring[i].soak_s[PLAN_NORMAL] = 60 * minutes;
		p->ring[i].soak_s[PLAN_URGENT] = 60 * (1 + (uint32_t)rnd(minutes));
		p->ring[i].cutoff = i < PLAN_LAST ? UINT32_MAX / PLAN_RINGS * i : UINT32_MAX;
	}
	CHECK_OK(plan_check(p, NULL));
}

static void random_event(struct life *l, uint32_t minute)
{
	struct event *e = &l->event[l->n_events];
	uint32_t digest = 1 + (uint32_t)rnd(DIGESTS), ring = (uint32_t)rnd(PLAN_RINGS + 1);

	*e = (struct event){ .minute = minute, .evidence_ok = chance(70) };
	e->p = (struct object_promotion){ .epoch = 1 + l->n_events / 16, .seq = l->n_events + 1, .lane = chance(30) };
	e->p.ring = chance(50) ? PLAN_LAST : ring;
	e->p.cutoff = chance(50) ? UINT32_MAX : (uint32_t)rnd(UINT32_MAX);
	e->p.not_before = chance(80) ? 0 : (uint64_t)(l->clock[minute] + (int64_t)rnd(7200));
	e->p.expires = chance(80) ? UINT64_MAX : (uint64_t)(l->clock[minute] + (int64_t)rnd(20000));
	(void)snprintf(e->p.channel, sizeof e->p.channel, "%s", chance(90) ? "stable" : "early");
	memcpy(e->p.digest, &digest, sizeof digest);
	digest += chance(10) ? 100 : 0;
	memcpy(e->p.release, &digest, sizeof digest);
	l->n_events++;
}

static void random_life(struct life *l)
{
	static const char *const zones[] = { "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC" };
	static const int64_t days[] = { 1774656000, 1792800000, 1772841600, 1775260800, 1781000000 };
	int64_t now = days[rnd(countof(days))] + (int64_t)rnd(86400);
	uint32_t id = (uint32_t)rnd(1000000), minute = 0;

	*l = (struct life){ .zone = zones[rnd(countof(zones))] };
	random_plan(&l->plan);
	memcpy(l->h.agent_id, &id, sizeof id);
	l->h.fresh = chance(15);
	for (uint32_t m = 0; m < MINUTES; m++, now += 60) {
		if (chance(1))
			now += (int64_t)rnd(2 * 86400) - 86400;
		l->clock[m] = now;
	}
	while (l->n_events < MAX_EVENTS && minute < MINUTES) {
		random_event(l, minute);
		minute += chance(30) ? 0 : (uint32_t)rnd(60);
	}
}

/* Says more than *p in one thing at least. */
static void strengthen(struct policy *p)
{
	uint32_t digest = 1 + (uint32_t)rnd(DIGESTS);

	switch (rnd(10)) {
	case 0:
		p->hold_s += rnd(120) * 60;
		p->urgent_hold_s += rnd(60) * 60;
		break;
	case 1:
		p->lag += p->lag < 2;
		break;
	case 2:
		if (!p->pinned)
			memcpy(p->pin, &digest, sizeof digest);
		p->pinned = true;
		break;
	case 3:
		p->require_evidence = true;
		break;
	case 4:
		p->critical = true;
		break;
	case 5:
		p->first_ring += (uint32_t)rnd(PLAN_LAST + 1 - p->first_ring);
		break;
	case 6:
		p->ring0 = false;
		break;
	case 7:
		p->paused = p->paused || chance(20);
		break;
	case 8: /* a window, or fewer days of it */
		p->window[0].days &= (uint8_t)rnd(128);
		if (p->n_windows++)
			p->n_windows = 1;
		else
			p->window[0] =
				(struct policy_window){ .days = (uint8_t)rnd(128), .from_min = (uint16_t)rnd(1440) };
		if (!p->window[0].to_min)
			p->window[0].to_min = (uint16_t)(p->window[0].from_min + 1 + rnd(1439)) % 1440;
		break;
	default:
		if (p->n_freezes < 2) {
			int32_t day = 20450 + (int32_t)rnd(320);

			p->freeze[p->n_freezes++] =
				(struct policy_freeze){ .from_day = day, .to_day = day + (int32_t)rnd(200) };
		}
	}
}

/* --- the oracle: what header and plan say, from the whole past, each time anew --- */

static bool same(const struct event *a, const struct event *b)
{
	return !memcmp(a->p.digest, b->p.digest, sizeof a->p.digest);
}

static bool counts(const struct life *l, uint32_t i, uint32_t minute)
{
	return l->event[i].minute <= minute && !strcmp(l->event[i].p.channel, "stable");
}

/* The first and newest promotion of what this one is about, as known in this minute. */
static const struct event *first_of(const struct life *l, const struct event *e, uint32_t minute)
{
	for (uint32_t i = 0; i < l->n_events; i++)
		if (counts(l, i, minute) && same(&l->event[i], e))
			return &l->event[i];
	return NULL;
}

static const struct event *newest_of(const struct life *l, const struct event *e, uint32_t minute)
{
	const struct event *found = NULL;

	for (uint32_t i = 0; i < l->n_events; i++)
		if (counts(l, i, minute) && same(&l->event[i], e))
			found = &l->event[i];
	return found;
}

static uint32_t oracle_ring(const struct life *l, const struct policy *p, const struct event *first)
{
	uint32_t bucket = plan_bucket(first->p.release, l->h.agent_id), ring = 1;

	while (ring < PLAN_LAST && bucket >= l->plan.ring[ring].cutoff)
		ring++;
	if (p->ring0)
		ring = 0;
	if (ring < p->first_ring)
		ring = p->first_ring;
	return p->critical ? PLAN_LAST : ring;
}

/* Has its ring come, and within it the host? */
static bool oracle_turn(const struct life *l, const struct policy *p, const struct event *e, uint32_t minute)
{
	const struct event *first = first_of(l, e, minute), *newest = newest_of(l, e, minute);
	uint32_t ring = oracle_ring(l, p, first), bucket = plan_bucket(first->p.release, l->h.agent_id);

	if (newest->p.ring != ring || !ring)
		return newest->p.ring >= ring;
	return (bucket < newest->p.cutoff || newest->p.cutoff == UINT32_MAX) &&
	       (bucket < l->plan.ring[ring].cutoff || ring == PLAN_LAST);
}

/* Was the dwell that this minute's promotion needs over then? Minutes that went by, against the soaks of rings before.
 */
static bool oracle_dwelt(const struct life *l, const struct policy *p, const struct event *e, uint32_t minute,
			 uint32_t then)
{
	const struct event *first = first_of(l, e, minute), *newest = newest_of(l, e, minute);
	uint64_t need = 0, had = 0;

	for (uint32_t r = 0; r < oracle_ring(l, p, first); r++)
		need += l->plan.ring[r].soak_s[newest->p.lane];
	for (uint32_t m = first->minute; m < then; m++)
		had += 60;
	return had >= need || (l->h.fresh && newest->p.ring == PLAN_BLESSED);
}

/* In every minute of the hold the ring was open and the dwell over. */
static bool oracle_held(const struct life *l, const struct policy *p, const struct event *e, uint32_t minute)
{
	uint64_t hold = newest_of(l, e, minute)->p.lane == PLAN_URGENT ? p->urgent_hold_s : p->hold_s;
	uint32_t ring = oracle_ring(l, p, first_of(l, e, minute));

	for (uint64_t back = 0; back * 60 <= hold && hold; back++) {
		uint32_t then = minute - (uint32_t)back;

		if (back > minute || !first_of(l, e, then) || newest_of(l, e, then)->p.ring < ring ||
		    !oracle_dwelt(l, p, e, minute, then))
			return false;
		/* closed and opened again within one minute */
		for (uint32_t i = 0; i < l->n_events && back * 60 < hold; i++)
			if (counts(l, i, minute) && l->event[i].minute == then && same(&l->event[i], e) &&
			    l->event[i].p.ring < ring)
				return false;
	}
	return true;
}

static bool oracle_window(const struct policy *p, int64_t clock)
{
	time_t when = (time_t)clock;
	bool open = !p->n_windows;
	struct tm tm;
	int64_t day;

	CHECK(localtime_r(&when, &tm) != NULL);
	day = (clock + tm.tm_gmtoff) / 86400;
	for (uint32_t i = 0; i < p->n_freezes; i++)
		if (day >= p->freeze[i].from_day && day <= p->freeze[i].to_day)
			return false;
	for (uint32_t i = 0; i < p->n_windows && !open; i++) {
		const struct policy_window *w = &p->window[i];
		uint32_t today = (uint32_t)(tm.tm_wday + 6) % 7, min = (uint32_t)(tm.tm_hour * 60 + tm.tm_min);
		uint32_t length = (w->to_min + 1440u - w->from_min) % 1440;

		length = w->to_min == 1440 ? 1440u - w->from_min : length;
		/* the window of today or of yesterday, from its beginning on */
		open = (w->days >> today & 1 && min >= w->from_min && min - w->from_min < length) ||
		       (w->days >> (today + 6) % 7 & 1 && min + 1440 - w->from_min < length);
	}
	return open;
}

static uint32_t oracle_newer(const struct life *l, const struct policy *p, const struct event *e, uint32_t minute)
{
	const struct event *first = first_of(l, e, minute);
	uint32_t n = 0;

	for (uint32_t i = 0; i < l->n_events; i++) {
		const struct event *o = &l->event[i];

		if (counts(l, i, minute) && o > first && o == first_of(l, o, minute) && oracle_turn(l, p, o, minute) &&
		    oracle_dwelt(l, p, o, minute, minute))
			n++;
	}
	return n;
}

static bool oracle(const struct life *l, const struct policy *p, const struct event *e, uint32_t minute)
{
	const struct event *newest = newest_of(l, e, minute);
	int64_t clock = l->clock[minute];

	return newest && !p->paused && clock >= (int64_t)newest->p.not_before && (uint64_t)clock < newest->p.expires &&
	       oracle_turn(l, p, e, minute) && oracle_dwelt(l, p, e, minute, minute) && oracle_held(l, p, e, minute) &&
	       (!p->pinned || !memcmp(p->pin, e->p.digest, sizeof p->pin)) && oracle_newer(l, p, e, minute) >= p->lag &&
	       (!p->require_evidence || newest->evidence_ok || !newest->p.ring) && oracle_window(p, clock);
}

/* --- the host --- */

/* go[minute][digest - 1] of a whole life under one policy. */
static void live(const struct life *l, const struct policy *p, bool go[MINUTES][DIGESTS])
{
	struct endpoint_table t;

	endpoint_table_init(&t);
	for (uint32_t m = 0, next = 0; m < MINUTES; m++) {
		if (m)
			endpoint_tick(&t, 60);
		for (; next < l->n_events && l->event[next].minute == m; next++) {
			struct endpoint_known *k = endpoint_take(&t, &l->event[next].p, p);

			if (k)
				k->evidence_ok = l->event[next].evidence_ok;
		}
		for (uint32_t i = 0; i < t.n; i++) {
			struct endpoint_facts f = { .signatures = true, .sequence = true, .fits = true };
			struct endpoint_verdict v;

			f.newer = endpoint_newer(&t, &l->plan, p, &l->h, &t.k[i]);
			endpoint_decide(&l->plan, p, &l->h, &t.k[i], &f, l->clock[m], &v);
			go[m][t.k[i].digest[0] - 1] = v.go;
			CHECK(v.wait_s == 0 || !v.go);
		}
	}
}

static void policy_for(const struct life *l, struct policy *p, struct arena *a)
{
	static const char form[] = "freezes: [1970-01-01 %s]\nring0: %s\n";
	char text[128];
	struct diags ds;

	(void)snprintf(text, sizeof text, form, l->zone, chance(15) ? "true" : "false");
	diags_init(&ds, a);
	CHECK_OK(policy_read("p", view_of(text, strlen(text)), zone_file, NULL, a, &ds, p));
	p->n_freezes = 0; /* its zone is what was wanted */
}

static void f12_case(uint32_t *n_go, uint32_t *n_no)
{
	static bool go[MINUTES][DIGESTS], stricter[MINUTES][DIGESTS];
	struct policy p, more;
	struct arena a;
	struct life l;

	random_life(&l);
	zone_libc_set(l.zone);
	arena_init(&a, 1 << 20);
	policy_for(&l, &p, &a);
	for (uint64_t i = rnd(4); i; i--)
		strengthen(&p);
	more = p;
	strengthen(&more);
	memset(go, 0, sizeof go);
	memset(stricter, 0, sizeof stricter);
	live(&l, &p, go);
	live(&l, &more, stricter);
	for (uint32_t m = 0; m < MINUTES; m++)
		for (uint32_t d = 0; d < DIGESTS; d++) {
			struct event e = { .p.digest = { (uint8_t)(d + 1) } };

			CHECK_EQ(go[m][d], oracle(&l, &p, &e, m));
			CHECK(!stricter[m][d] || go[m][d]);
			*n_go += go[m][d];
			*n_no += !go[m][d];
		}
	arena_done(&a);
}

TEST(f12_nothing_activates_earlier_than_policy_and_plan_allow)
{
	uint32_t n_go = 0, n_no = 0;

	for (uint32_t i = 0; i < CASES; i++) {
		static char row[32];

		(void)snprintf(row, sizeof row, "seed %u", i);
		test_row = row;
		seed = i * 1000003ull;
		f12_case(&n_go, &n_no);
	}
	test_row = NULL;
	print_message("# %u minutes in which something may be activated, %u in which not\n", n_go, n_no);
	CHECK(n_go > 1000 && n_no > 1000);
}
