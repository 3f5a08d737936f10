/* SPDX-License-Identifier: Apache-2.0 */
/* decode: user names from passwd texts that nobody checked. */
#include "sensor/decode/decode.h"

#include "records.h"
#include "test.h"

static char name[512];

static void on_event(void *user, struct event *e)
{
	struct buf b;

	(void)user;
	buf_init(&b, 4096);
	(void)snprintf(name, sizeof name, "%s", event_format(e, FIELD_user_name, -1, &b) ? (b.p ? b.p : "") : "(none)");
	buf_done(&b);
}

static const char *name_of(const char *passwd, size_t len, uint32_t uid)
{
	struct decode_opts o = { .table = &template_builtin,
				 .passwd = passwd,
				 .passwd_len = len,
				 .types = 1ull << TEMPLATE_TYPE_file_open,
				 .emit = on_event };
	struct decode *d;
	struct rec r;

	CHECK_OK(decode_new(&o, &d));
	rec_open(&r, 5, "x", "/x", 0, 3, 1);
	r.hdr.uid = uid;
	CHECK_OK(decode_record(d, rec_view(&r)));
	decode_free(d);
	return name;
}

#define NAME256                                                                                                        \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaa"                                                                                         \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaa"

TEST(names_come_from_lines_that_are_users_and_others_are_skipped)
{
	static const struct {
		const char *name, *passwd;
		uint32_t uid;
		const char *want;
	} rows[] = {
		{ "plain", "root:x:0:0::/:/bin/sh\na:x:5:5::/:/\n", 5, "a" },
		{ "no newline at the end", "a:x:5:5::/:/", 5, "a" },
		{ "only what is needed", "a::5:", 5, "a" },
		{ "of two, the first", "a:x:5:\nb:x:5:\n", 5, "a" },
		{ "not sorted", "c:x:9:\na:x:5:\nb:x:7:\n", 7, "b" },
		{ "nobody", "a:x:5:\n", 6, "(none)" },
		{ "no end of the id", "a:x:5\n", 5, "(none)" },
		{ "no id", "a:x::\n", 0, "(none)" },
		{ "a sign", "a:x:+5:\na:x:-5:\n", 5, "(none)" },
		{ "not a number", "a:x:5x:\n", 5, "(none)" },
		{ "wraps 32 bits", "a:x:4294967301:\n", 5, "(none)" },
		{ "wraps 64 bits", "a:x:18446744073709551621:\n", 5, "(none)" },
		{ "the greatest", "a:x:4294967295:\n", UINT32_MAX, "a" },
		{ "no name", ":x:5:\n", 5, "(none)" },
		{ "too long a name", NAME256 "a:x:5:\n", 5, "(none)" },
		{ "as long as may be", NAME256 ":x:5:\n", 5, NAME256 },
		{ "empty lines and noise", "\n\n:::\n::\n#\n+::::::\na:x:5:\n\n", 5, "a" },
		{ "empty", "", 0, "(none)" },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		test_row = rows[i].name;
		CHECK_STR(name_of(rows[i].passwd, strlen(rows[i].passwd), rows[i].uid), rows[i].want);
	}
	test_row = "no text";
	CHECK_STR(name_of(NULL, 0, 0), "(none)");
	test_row = "a NUL in the name";
	CHECK_STR(name_of("a\0b:x:5:\nc:x:5:\n", 16, 5), "c");
}

TEST(a_passwd_of_any_size_is_read_up_to_a_bound)
{
	size_t len = 16 << 20, n = 0;
	AUTO_FREE char *text = malloc(len);
	uint32_t uid = 1;

	CHECK(text != NULL);
	while (n + 32 < len)
		n += (size_t)snprintf(text + n, len - n, "u%u:x:%u:\n", uid, uid), uid++;
	CHECK_STR(name_of(text, n, 60000), "u60000");
	CHECK_STR(name_of(text, n, 70000), "(none)");
	memset(text, '\n', len);
	CHECK_STR(name_of(text, len, 0), "(none)");
	memset(text, ':', len);
	CHECK_STR(name_of(text, len, 0), "(none)");
}
