/* SPDX-License-Identifier: Apache-2.0 */
/* zone: the same offsets as the C library's, all over the world from 2000 to 2060; hostile files are refused. */
#include "test.h"

#include <unistd.h>

#include "release/policy/internal.h"
#include "zone_files.h"

enum { MAX_ZONES = 600 };

static char names[MAX_ZONES][ZONE_NAME_BYTES];
static uint32_t n_names;

/* Every zone of the machine's list. */
static bool list_zones(void)
{
	char *text, *line;
	struct diag d;
	size_t len;

	n_names = 0;
	if (io_read_file("/usr/share/zoneinfo/tzdata.zi", 1 << 20, &text, &len, &d) != E_OK)
		return false;
	for (line = text; line && n_names < MAX_ZONES; line = strchr(line, '\n')) {
		char name[ZONE_NAME_BYTES];

		line += *line == '\n';
		if (sscanf(line, "Z %63s", name) == 1)
			memcpy(names[n_names++], name, sizeof name);
	}
	free(text);
	return n_names > 0;
}

static void check_at(const struct policy_zone *z, int64_t t)
{
	static char row[128];

	(void)snprintf(row, sizeof row, "%s at %lld", z->name, (long long)t);
	test_row = row;
	CHECK_EQ(zone_east(z, t), zone_libc_east(t));
	test_row = NULL;
}

/* 2000-01-01 to 2060-01-01: at every change and beside it, and every five days; nothing changes unannounced. */
static void compare(const char *dir, const char *name)
{
	const int64_t from = 946684800, to = 2840140800;
	struct policy_zone *z = NULL;
	struct arena a;
	struct diag d;
	char path[256];
	int64_t next;

	arena_init(&a, 1 << 20);
	diag_init(&d);
	test_row = name;
	CHECK_OK(zone_read(name, zone_file((void *)(uintptr_t)dir, name), &a, &z, &d));
	test_row = NULL;
	(void)snprintf(path, sizeof path, "%s/%s", dir ? dir : "/usr/share/zoneinfo", name);
	zone_libc_set(path);
	for (int64_t t = from; t < to; t = next) {
		next = zone_next(z, t);
		CHECK(next > t);
		next = next < to ? next : to;
		for (int64_t s = t; s < next; s += 5 * 86400)
			CHECK_EQ(zone_east(z, s), zone_east(z, t));
		check_at(z, t);
		check_at(z, t + 1);
		check_at(z, next - 1);
	}
	for (int64_t t = from; t < to; t += 5 * 86400 + 3601)
		check_at(z, t);
	arena_done(&a);
}

TEST(zones_have_the_offsets_that_the_c_library_gives_them)
{
	if (!list_zones())
		SKIP("no list of time zones on this machine");
	CHECK(n_names > 300);
	for (uint32_t i = 0; i < n_names; i++)
		compare(NULL, names[i]);
}

/* Files that hold next to no changes: all is in the footer. */
TEST(zones_whose_rules_are_in_the_footer_only_have_the_same_offsets)
{
	char dir[] = "/tmp/sallyport-zone-XXXXXX", command[256];

	if (!list_zones() || access("/usr/sbin/zic", X_OK) != 0)
		SKIP("no zic on this machine");
	CHECK(mkdtemp(dir) != NULL);
	(void)snprintf(command, sizeof command, "/usr/sbin/zic -b slim -d %s /usr/share/zoneinfo/tzdata.zi", dir);
	CHECK_EQ(system(command), 0);
	for (uint32_t i = 0; i < n_names; i++)
		compare(dir, names[i]);
	(void)snprintf(command, sizeof command, "rm -rf %s", dir);
	CHECK_EQ(system(command), 0);
}

static void put32(struct buf *b, uint32_t v)
{
	for (int i = 24; i >= 0; i -= 8)
		buf_putc(b, (char)(v >> i));
}

static void header(struct buf *b, char version, uint32_t leap, uint32_t times, uint32_t types, uint32_t chars)
{
	buf_puts(b, "TZif");
	buf_putc(b, version);
	for (int i = 0; i < 15; i++)
		buf_putc(b, 0);
	put32(b, 0);
	put32(b, 0);
	put32(b, leap);
	put32(b, times);
	put32(b, types);
	put32(b, chars);
}

static void type(struct buf *b, int32_t east)
{
	put32(b, (uint32_t)east);
	buf_putc(b, 0);
	buf_putc(b, 0);
}

/* Version 2 without changes, and this footer. */
static void with_footer(struct buf *b, const char *footer)
{
	for (int i = 0; i < 2; i++) {
		header(b, '2', 0, 0, 1, 1);
		type(b, 0);
		buf_putc(b, 0);
	}
	buf_putc(b, '\n');
	buf_puts(b, footer);
	buf_putc(b, '\n');
}

static enum err read_bytes(const struct buf *b, struct arena *a, struct policy_zone **z)
{
	struct diag d;

	diag_init(&d);
	return zone_read("Test", view_of(b->p, b->len), a, z, &d);
}

TEST(a_file_of_version_1_is_read)
{
	struct policy_zone *z = NULL;
	struct arena a;
	struct buf b;

	arena_init(&a, 1 << 20);
	buf_init(&b, 1 << 20);
	header(&b, 0, 0, 2, 2, 1);
	put32(&b, (uint32_t)-100);
	put32(&b, 1000);
	buf_putc(&b, 1);
	buf_putc(&b, 0);
	type(&b, 3600);
	type(&b, 7200);
	buf_putc(&b, 0);
	CHECK_OK(read_bytes(&b, &a, &z));
	CHECK_EQ(zone_east(z, -101), 3600);
	CHECK_EQ(zone_east(z, -100), 7200);
	CHECK_EQ(zone_east(z, 999), 7200);
	CHECK_EQ(zone_east(z, 1000), 3600);
	CHECK_EQ(zone_next(z, INT64_MIN), -100);
	CHECK_EQ(zone_next(z, -100), 1000);
	CHECK_EQ(zone_next(z, 1000), INT64_MAX);
	buf_done(&b);
	arena_done(&a);
}

TEST(footers_that_are_rules_are_taken_and_others_are_refused)
{
	static const struct {
		const char *text;
		bool ok;
		int64_t at; /* and an offset there */
		int32_t east;
	} rows[] = {
		{ "", true, 0, 0 },
		{ "UTC0", true, 0, 0 },
		{ "<-03>3", true, 0, -10800 },
		{ "<+0545>-5:45", true, 0, 20700 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", true, 1782864000, 7200 }, /* 2026-07-01 */
		{ "CET-1CEST,M3.5.0,M10.5.0/3", true, 1798761600, 3600 }, /* 2027-01-01 */
		{ "EST5EDT,M3.2.0,M11.1.0", true, 1782864000, -14400 },
		{ "IST-1GMT0,M10.5.0,M3.5.0/1", true, 1782864000, 3600 }, /* winter is the other time */
		{ "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", true, 1782864000, -3600 },
		{ "XXX3EDT4,0/0,J365/23", true, 1782864000, -14400 }, /* RFC 8536: dst all the year */
		{ "XXX3EDT4,0/0,J365/23", true, 1798771500, -14400 },
		{ "AAA0BBB,J60,J300", true, 1709258399, 0 }, /* 2024-03-01 02:00: J60 is 1 March in leap years too */
		{ "AAA0BBB,J60,J300", true, 1709258400, 3600 },
		{ "AAA0BBB,59,J300", true, 1709172000, 3600 }, /* 2024-02-29 02:00 */
		{ "UTC", false, 0, 0 },
		{ "UT0", false, 0, 0 },
		{ "UTC25", false, 0, 0 },
		{ "CET-1CEST", false, 0, 0 },
		{ "CET-1CEST,M3.5.0", false, 0, 0 },
		{ "CET-1CEST,M13.5.0,M10.5.0", false, 0, 0 },
		{ "CET-1CEST,M3.6.0,M10.5.0", false, 0, 0 },
		{ "CET-1CEST,M3.5.7,M10.5.0", false, 0, 0 },
		{ "CET-1CEST,M3.5.0/168,M10.5.0", false, 0, 0 },
		{ "CET-1CEST,J0,M10.5.0", false, 0, 0 },
		{ "CET-1CEST,366,M10.5.0", false, 0, 0 },
		{ "CET-1CEST,M3.5.0,M10.5.0x", false, 0, 0 },
		{ "CET-1:60", false, 0, 0 },
		{ "<CET-1", false, 0, 0 },
		{ "CET-99999999999", false, 0, 0 },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct policy_zone *z = NULL;
		struct arena a;
		struct buf b;

		test_row = rows[i].text;
		arena_init(&a, 1 << 20);
		buf_init(&b, 1 << 20);
		with_footer(&b, rows[i].text);
		CHECK_EQ(read_bytes(&b, &a, &z), rows[i].ok ? E_OK : E_FORMAT);
		if (rows[i].ok)
			CHECK_EQ(zone_east(z, rows[i].at), rows[i].east);
		buf_done(&b);
		arena_done(&a);
	}
	test_row = NULL;
}

TEST(moments_beyond_all_calendars_have_an_offset)
{
	static const int64_t moments[] = { INT64_MIN, INT64_MIN + 1, -(INT64_C(1) << 40), INT64_C(1) << 40, INT64_MAX };
	struct policy_zone *z = NULL;
	struct arena a;
	struct buf b;

	arena_init(&a, 1 << 20);
	buf_init(&b, 1 << 20);
	with_footer(&b, "CET-1CEST,M3.5.0,M10.5.0/3");
	CHECK_OK(read_bytes(&b, &a, &z));
	for (size_t i = 0; i < countof(moments); i++) {
		int32_t east = zone_east(z, moments[i]);

		CHECK(east == 3600 || east == 7200);
		CHECK(zone_next(z, moments[i]) > moments[i] || moments[i] == INT64_MAX);
	}
	buf_done(&b);
	arena_done(&a);
}

TEST(broken_files_of_zones_are_refused)
{
	struct policy_zone *z = NULL;
	struct arena a;
	struct buf b;
	struct view whole = zone_file(NULL, "Europe/Berlin");
	struct diag d;

	arena_init(&a, 64 << 20);
	buf_init(&b, 1 << 20);
	header(&b, '2', 1, 0, 1, 1); /* leap seconds */
	CHECK_EQ(read_bytes(&b, &a, &z), E_UNSUPPORTED);
	buf_reset(&b);
	header(&b, '2', 0, UINT32_MAX, 1, 1);
	CHECK_EQ(read_bytes(&b, &a, &z), E_LIMIT);
	buf_reset(&b);
	header(&b, '2', 0, 0, 0, 1);
	CHECK_EQ(read_bytes(&b, &a, &z), E_FORMAT);
	buf_reset(&b);
	header(&b, 0, 0, 0, 1, 1);
	type(&b, 93600); /* 26 hours */
	buf_putc(&b, 0);
	CHECK_EQ(read_bytes(&b, &a, &z), E_FORMAT);
	buf_reset(&b);
	header(&b, 0, 0, 2, 1, 1);
	put32(&b, 5);
	put32(&b, 5); /* not rising */
	buf_putc(&b, 0);
	buf_putc(&b, 0);
	type(&b, 0);
	buf_putc(&b, 0);
	CHECK_EQ(read_bytes(&b, &a, &z), E_FORMAT);
	buf_reset(&b);
	header(&b, 0, 0, 1, 1, 1);
	put32(&b, 5);
	buf_putc(&b, 1); /* of one kind */
	type(&b, 0);
	buf_putc(&b, 0);
	CHECK_EQ(read_bytes(&b, &a, &z), E_FORMAT);
	buf_done(&b);
	for (size_t n = 0; n < whole.len; n++) {
		uint8_t *copy = malloc(n + 1); /* its own block: the sanitizer sees a read beyond */

		memcpy(copy, whole.p, n);
		diag_init(&d);
		CHECK(zone_read("Cut", view_of(copy, n), &a, &z, &d) != E_OK);
		CHECK(d.text[0] != 0);
		free(copy);
	}
	arena_done(&a);
}
