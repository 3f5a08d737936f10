/* SPDX-License-Identifier: Apache-2.0 */
/* policy: what the file says is what is meant; what is not understood pauses; windows are open as the clock on the wall
 * says. */
#include "test.h"

#include <time.h>

#include "release/policy/policy.h"
#include "zone_files.h"

struct result {
	struct arena a;
	struct diags ds;
	struct policy p;
	enum err err;
};

static void read_text(struct result *r, const char *text)
{
	arena_init(&r->a, 8 << 20);
	diags_init(&r->ds, &r->a);
	r->err = policy_read("p.yaml", view_of(text, strlen(text)), zone_file, NULL, &r->a, &r->ds, &r->p);
}

static void read_good(struct result *r, const char *text)
{
	struct buf b;

	read_text(r, text);
	buf_init(&b, 65536);
	diags_render(&b, &r->ds, false);
	CHECK_STR(b.p ? b.p : "", "");
	CHECK_OK(r->err);
	buf_done(&b);
}

TEST(every_key_is_read)
{
	struct result r;

	read_good(&r, "channel: early\nlag: 2\nhold: 24h\nurgent_hold: 30m\nwindows:\n"
		      "  - Mon-Thu 09:00-16:00 Europe/Berlin\n  - \"Sat,Sun 22:00-05:00 UTC\"\n"
		      "freezes: [2026-12-20..2027-01-04 Europe/Berlin, '2028-02-29 America/New_York']\n"
		      "first_ring: last\nrequire_evidence: true\ncritical: true\npause: false\nmax_stale: 7d\n"
		      "max_cpu: 5%\nmax_memory: 1G\nstratum: rhel9.4-arm64\n");
	CHECK_STR(r.p.channel, "early");
	CHECK_EQ(r.p.lag, 2);
	CHECK_EQ(r.p.hold_s, 86400);
	CHECK_EQ(r.p.urgent_hold_s, 1800);
	CHECK_EQ(r.p.n_windows, 2);
	CHECK_EQ(r.p.window[0].days, 0x0f);
	CHECK_EQ(r.p.window[0].from_min, 540);
	CHECK_EQ(r.p.window[0].to_min, 960);
	CHECK_EQ(r.p.window[1].days, 0x60);
	CHECK_EQ(r.p.window[1].zone, 1);
	CHECK_EQ(r.p.n_freezes, 2);
	CHECK_EQ(r.p.freeze[0].from_day, 20807);
	CHECK_EQ(r.p.freeze[0].to_day, 20822);
	CHECK_EQ(r.p.freeze[0].zone, 0);
	CHECK_EQ(r.p.freeze[1].from_day, r.p.freeze[1].to_day);
	CHECK_EQ(r.p.first_ring, PLAN_LAST);
	CHECK(r.p.require_evidence && r.p.critical && !r.p.paused && !r.p.ring0 && !r.p.pinned);
	CHECK_EQ(r.p.max_stale_s, 7 * 86400);
	CHECK_EQ(r.p.max_cpu_percent, 5);
	CHECK_EQ(r.p.max_memory_mib, 1024);
	CHECK_STR(r.p.stratum, "rhel9.4-arm64");
	CHECK_EQ(r.p.n_zones, 3);
	arena_done(&r.a);
	read_good(&r, "pin: 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n");
	CHECK(r.p.pinned);
	CHECK_EQ(r.p.pin[31], 0xff);
	arena_done(&r.a);
}

TEST(a_hold_is_one_for_the_urgent_lane_too_unless_it_has_its_own)
{
	struct result r;

	read_good(&r, "hold: 12h\n");
	CHECK_EQ(r.p.urgent_hold_s, 12 * 3600);
	arena_done(&r.a);
	read_good(&r, "hold: 12h\nurgent_hold: 0\n");
	CHECK_EQ(r.p.urgent_hold_s, 0);
	arena_done(&r.a);
}

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define WINDOW "  - Mon 09:00-16:00 UTC\n"
#define FOUR(x) x x x x

struct bad {
	const char *text, *id; /* "Y104 2:6" */
	const char *says, *hint;
};

static const struct bad bad[] = {
	{ "hold: 1h\nlag: 'x\n", "Y101 3:1", "not YAML", NULL },
	{ "hld: 24h\n", "Y102 1:1", "there is no key 'hld'", "did you mean 'hold'?" },
	{ "channel: stable\nsomething_else: 24h\n", "Y102 2:1", "no key", "docs/policy.md lists all keys" },
	{ "lag: 1\nhold: [24h]\n", "Y103 2:7", "needs a plain value", NULL },
	{ "windows: Mon 09:00-16:00 UTC\n", "Y103 1:10", "needs a list", "put '- '" },
	{ "windows:\n  - [Mon]\n", "Y103 2:5", "a list of plain values", NULL },
	{ "- lag\n", "Y103 1:1", "the file is a mapping", NULL },
	{ "just text\n", "Y103 1:1", "the file is a mapping", NULL },
	{ "[a]: 1\n", "Y103 1:1", "a key is a plain word", NULL },
	{ "hold: 24\n", "Y104 1:7", "a number and a unit", "hours" },
	{ "hold: -1h\n", "Y104 1:7", "a number and a unit", NULL },
	{ "hold: 1.5h\n", "Y104 1:7", "a number and a unit", NULL },
	{ "hold: 24hh\n", "Y104 1:7", "a number and a unit", NULL },
	{ "hold: 9999999999s\n", "Y104 1:7", "a number and a unit", NULL },
	{ "critical: yes\n", "Y104 1:11", "true, false", NULL },
	{ "pin: 12ab\n", "Y104 1:6", "64 hexadecimal", "bundle inspect" },
	{ "pin: " ZEROS "0\n", "Y104 1:6", "64 hexadecimal", NULL },
	{ "max_cpu: 5\n", "Y104 1:10", "share of one core", NULL },
	{ "max_memory: 200\n", "Y104 1:13", "M or G", NULL },
	{ "channel: Stable\n", "Y104 1:10", "a-z, 0-9", NULL },
	{ "channel: sta ble\n", "Y104 1:13", "a-z, 0-9", NULL },
	{ "channel: \"a\\0b\"\n", "Y104 1:10", "NUL", NULL },
	{ "stratum: ''\n", "Y104 1:11", "a-z, 0-9", NULL },
	{ "channel: abcdefghijklmnopqrstuvwxyz0123456789\n", "Y105 1:10", "at most 31", NULL },
	{ "lag: 3\n", "Y105 1:6", "0 to 2", NULL },
	{ "lag: x\n", "Y105 1:6", "0 to 2", NULL },
	{ "hold: 91d\n", "Y105 1:7", "at most 90 days", NULL },
	{ "max_stale: 0\n", "Y105 1:12", "more than nothing", "never" },
	{ "first_ring: 0\n", "Y105 1:13", "1 to 6, or 'last'", NULL },
	{ "first_ring: 7\n", "Y105 1:13", "1 to 6, or 'last'", NULL },
	{ "max_cpu: 101%\n", "Y105 1:10", "1% to 100%", NULL },
	{ "max_memory: 63M\n", "Y105 1:13", "64M to 64G", NULL },
	{ "max_memory: 999999999G\n", "Y105 1:13", "64M to 64G", NULL },
	{ "lag: 1\nlag: 1\n", "Y106 2:6", "'lag' stands twice", NULL },
	{ "lag: &a 1\n", "Y107 1:6", "anchors", NULL },
	{ "lag: !!int 1\n", "Y107 1:6", "anchors", NULL },
	{ "lag: *a\n", "Y107 1:6", "anchors", NULL },
	{ "windows: &w\n  - Mon 09:00-16:00 UTC\n", "Y107 1:10", "anchors", NULL },
	{ "lag: 1\n---\nlag: 2\n", "Y108 2:1", "one YAML document", NULL },
	{ "windows:\n" FOUR(FOUR(WINDOW WINDOW)) WINDOW, "Y109 34:5", "more than 32 windows", NULL },
	{ "windows:\n  - Monday 09:00-16:00 UTC\n", "Y110 2:8", "days are expected", "Mon-Thu" },
	{ "windows:\n  - mon 09:00-16:00 UTC\n", "Y110 2:5", "days are expected", NULL },
	{ "windows:\n  - Mon- 09:00-16:00 UTC\n", "Y110 2:9", "days are expected", NULL },
	{ "windows:\n  - Mon 9:00-16:00 UTC\n", "Y110 2:10", "hours are expected", NULL },
	{ "windows:\n  - Mon 24:00-16:00 UTC\n", "Y110 2:14", "hours are expected", NULL },
	{ "windows:\n  - Mon 09:60-16:00 UTC\n", "Y110 2:14", "hours are expected", NULL },
	{ "windows:\n  - Mon 09:00-24:01 UTC\n", "Y110 2:20", "hours are expected", NULL },
	{ "windows:\n  - 'Mon 09:00 16:00 UTC'\n", "Y110 2:15", "hours are expected", NULL },
	{ "windows:\n  - Mon 09:00-09:00 UTC\n", "Y110 2:20", "ends where it begins", "00:00-24:00" },
	{ "windows:\n  - Mon 09:00-16:00\n", "Y110 2:20", "a time zone is expected", NULL },
	{ "freezes:\n  - 2026-02-29 UTC\n", "Y111 2:15", "a day of the calendar", "2026-12-20" },
	{ "freezes:\n  - 2026-13-01 UTC\n", "Y111 2:12", "a day of the calendar", NULL },
	{ "freezes:\n  - 2026-1-01 UTC\n", "Y111 2:11", "a day of the calendar", NULL },
	{ "freezes:\n  - 1969-01-01 UTC\n", "Y111 2:9", "a day of the calendar", NULL },
	{ "freezes:\n  - 2026-01-05..2026-01-04 UTC\n", "Y111 2:27", "ends before it begins", NULL },
	{ "freezes:\n  - 2026-01-05\n", "Y111 2:15", "a time zone is expected", NULL },
	{ "windows:\n  - Mon 09:00-16:00 Europe/Berlim\n", "Y112 2:21", "no time zone 'Europe/Berlim'", "zoneinfo" },
	{ "windows:\n  - Mon 09:00-16:00 ../../etc/passwd\n", "Y112 2:21", "no time zone", NULL },
	{ "windows:\n  - Mon 09:00-16:00 /etc/passwd\n", "Y112 2:21", "no time zone", NULL },
	{ "freezes:\n  - 2026-01-05 zone.tab\n", "Y112 2:16", "no time zone", NULL },
	{ "freezes:\n  - 2026-01-05 leapseconds\n", "Y113 2:16", "not a TZif file", NULL },
	{ "ring0: true\ncritical: true\n", "Y114 1:8", "'ring0' goes first and 'critical' goes late", "remove" },
	{ "first_ring: 2\nring0: true\n", "Y114 2:8", "first_ring", "remove" },
	{ "lag: 1\npin: " ZEROS "\n", "Y114 1:6", "'pin' names one bundle", "remove" },
	{ "", "Y115 1:1", "says nothing", "channel: stable" },
	{ "# lag: 1\n", "Y115 1:1", "says nothing", "channel: stable" },
};

TEST(what_is_not_understood_is_said_with_its_place_and_pauses_everything)
{
	for (size_t i = 0; i < countof(bad); i++) {
		struct result r;
		char id[32];

		test_row = bad[i].text;
		read_text(&r, bad[i].text);
		CHECK_EQ(r.err, E_REJECTED);
		CHECK(r.ds.head != NULL);
		(void)snprintf(id, sizeof id, "%c%u %u:%u", r.ds.head->d.family, r.ds.head->d.id, r.ds.head->d.pos.line,
			       r.ds.head->d.pos.col);
		CHECK_STR(id, bad[i].id);
		CHECK_HAS(r.ds.head->d.text, bad[i].says);
		if (bad[i].hint)
			CHECK_HAS(r.ds.head->d.hint, bad[i].hint);
		CHECK(r.p.paused);
		CHECK_EQ(r.p.n_windows + r.p.n_freezes + r.p.n_zones, 0);
		arena_done(&r.a);
	}
	test_row = NULL;
}

TEST(every_diagnostic_is_provoked)
{
	for (size_t i = 0; i < policy_n_diags; i++) {
		bool found = false;
		char id[8];

		(void)snprintf(id, sizeof id, "Y%u", policy_diags[i].id);
		for (size_t k = 0; k < countof(bad); k++)
			found = found || !strncmp(bad[k].id, id, strlen(id));
		test_row = id;
		CHECK(found);
	}
	test_row = NULL;
}

TEST(all_errors_of_a_file_are_said_at_once)
{
	struct result r;

	read_text(&r, "lag: 9\nholt: 1h\nhold: soon\nwindows:\n  - never\n");
	CHECK_EQ(r.ds.n_errors, 4);
	arena_done(&r.a);
}

TEST(a_policy_that_is_too_long_or_too_deep_is_refused)
{
	struct result r;
	char *text = malloc(POLICY_MAX_BYTES + 2);

	CHECK(text != NULL);
	memset(text, '#', POLICY_MAX_BYTES + 1);
	text[POLICY_MAX_BYTES + 1] = 0;
	read_text(&r, text);
	CHECK_EQ(r.err, E_REJECTED);
	CHECK_EQ(r.ds.head->d.id, 109);
	arena_done(&r.a);
	memcpy(text, "a: ", 3);
	memset(text + 3, '[', 20000);
	text[20003] = 0;
	read_text(&r, text);
	CHECK_EQ(r.err, E_REJECTED);
	CHECK(r.p.paused);
	arena_done(&r.a);
	free(text);
}

TEST(without_memory_everything_pauses)
{
	static const char text[] = "windows:\n  - Mon 09:00-16:00 Europe/Berlin\n";

	for (size_t cap = 0; cap < 4096; cap += 64) {
		struct arena zones, said;
		struct diags ds;
		struct policy p;
		enum err err;

		arena_init(&zones, cap);
		arena_init(&said, 1 << 20);
		diags_init(&ds, &said);
		err = policy_read("p", view_of(text, strlen(text)), zone_file, NULL, &zones, &ds, &p);
		CHECK(err == E_OK || err == E_NOMEM);
		CHECK_EQ(p.paused, err != E_OK);
		arena_done(&zones);
		arena_done(&said);
	}
}

/* As the C library sees it. */
static bool wall_open(const struct policy_window *w, const char *zone, int64_t t)
{
	time_t when = (time_t)t;
	struct tm tm;
	uint32_t day, min;

	zone_libc_set(zone);
	CHECK(localtime_r(&when, &tm) != NULL);
	day = (uint32_t)(tm.tm_wday + 6) % 7;
	min = (uint32_t)(tm.tm_hour * 60 + tm.tm_min);
	if (w->from_min < w->to_min)
		return w->days >> day & 1 && min >= w->from_min && min < w->to_min;
	return (w->days >> day & 1 && min >= w->from_min) || (w->days >> (day + 6) % 7 & 1 && min < w->to_min);
}

struct dst_row {
	const char *zone;
	int64_t from; /* two days from here have a change */
};
static const struct dst_row dst_rows[] = {
	{ "Europe/Berlin", 1774656000 },       /* 2026-03-28: 02:00 to 03:00 */
	{ "Europe/Berlin", 1792800000 },       /* 2026-10-24: 03:00 to 02:00 */
	{ "America/New_York", 1772841600 },    /* 2026-03-07 */
	{ "Australia/Lord_Howe", 1775260800 }, /* 2026-04-04: half an hour */
	{ "Asia/Beirut", 1774656000 },         /* midnight is skipped */
	{ "America/Havana", 1793404800 },      /* 2026-10-31: midnight comes twice */
	{ "Pacific/Apia", 1325116800 },        /* 2011-12-29: a whole day is skipped */
};

TEST(windows_follow_the_clock_on_the_wall_over_gaps_and_overlaps)
{
	static const char *const times[] = { "02:00-02:30", "02:15-03:15", "00:00-24:00", "23:30-00:30",
					     "01:45-02:15", "00:00-00:30", "03:00-02:00" };

	for (size_t i = 0; i < countof(dst_rows); i++)
		for (size_t k = 0; k < countof(times); k++) {
			const struct dst_row *row = &dst_rows[i];
			char text[128];
			struct result r;

			(void)snprintf(text, sizeof text, "windows:\n  - Sat-Sun,Fri %s %s\n", times[k], row->zone);
			test_row = text;
			read_good(&r, text);
			for (int64_t t = row->from; t < row->from + 3 * 86400; t += 300)
				CHECK_EQ(policy_open_at(&r.p, t), wall_open(&r.p.window[0], row->zone, t));
			arena_done(&r.a);
		}
	test_row = NULL;
}

/* The next open moment is the one that a look at every minute finds. */
static void check_next(const struct policy *p, int64_t from, int64_t to)
{
	int64_t t = from, next = policy_next_open(p, t);

	for (; t < to; t += 60) {
		if (next < t)
			next = policy_next_open(p, t);
		CHECK(next >= t);
		CHECK_EQ(policy_open_at(p, t), next == t);
	}
}

TEST(the_next_open_moment_is_the_first)
{
	static const char *const windows[] = {
		"  - Mon-Thu 09:00-16:00 Europe/Berlin\n",
		"  - Sat 22:30-05:00 Europe/Berlin\n  - Tue 01:00-02:00 America/New_York\n",
		"  - Sun 02:15-02:45 Europe/Berlin\n",
		"  - daily 00:00-24:00 Asia/Beirut\n",
		"  - Sun 00:00-00:30 America/Havana\n  - Wed 12:00-12:01 Australia/Lord_Howe\n",
	};

	for (size_t i = 0; i < countof(windows); i++) {
		char text[256];
		struct result r;

		(void)snprintf(text, sizeof text,
			       "windows:\n%sfreezes:\n  - 2026-03-10..2026-03-20 Europe/Berlin\n"
			       "  - 2026-03-20..2026-03-22 America/New_York\n",
			       windows[i]);
		test_row = text;
		read_good(&r, text);
		check_next(&r.p, 1772236800, 1772236800 + 45 * 86400); /* 2026-02-28 */
		check_next(&r.p, 1792368000, 1792368000 + 20 * 86400); /* 2026-10-19 */
		arena_done(&r.a);
	}
	test_row = NULL;
}

TEST(what_does_not_open_within_400_days_does_not_open)
{
	struct result r;

	read_good(&r, "freezes:\n  - 2026-01-01..2028-01-01 UTC\n");
	CHECK_EQ(policy_next_open(&r.p, 1767225600), INT64_MAX);
	CHECK_EQ(policy_next_open(&r.p, 1767225599), 1767225599);
	CHECK_EQ(policy_next_open(&r.p, 1830384000 - 300 * 86400), 1830384000); /* 2028-01-02 */
	arena_done(&r.a);
	read_good(&r, "windows:\n  - Mon 09:00-10:00 Europe/Berlin\n");
	CHECK_EQ(policy_next_open(&r.p, INT64_MAX), INT64_MAX);
	(void)policy_open_at(&r.p, INT64_MAX);
	(void)policy_open_at(&r.p, INT64_MIN);
	CHECK(policy_next_open(&r.p, INT64_MIN) >= INT64_MIN);
	arena_done(&r.a);
}

TEST(spans_are_said_in_two_units)
{
	static const struct {
		uint64_t s;
		const char *text;
	} rows[] = { { 0, "0 s" },    { 59, "59 s" },          { 60, "1 min" },  { 61, "1 min 1 s" },
		     { 3600, "1 h" }, { 11400, "3 h 10 min" }, { 86400, "1 d" }, { 90061, "1 d 1 h" } };

	for (size_t i = 0; i < countof(rows); i++) {
		struct buf b;

		buf_init(&b, 64);
		policy_put_span(&b, rows[i].s);
		CHECK_STR(b.p, rows[i].text);
		buf_done(&b);
	}
}
