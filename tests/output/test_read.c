/* SPDX-License-Identifier: Apache-2.0 */
/* output read: lines of a file of alerts are read back as they were written, and nothing else passes for one. */
#include "test.h"

#include "content/rule/rule.h"
#include "sensor/output/output.h"

#define GOOD                                                                                                   \
	"{\"hostname\":\"h\",\"output\":\"a \\\"b\\\" \\u0007\",\"output_fields\":{\"x\":[1,-2.5e3,null,{}]}," \
	"\"priority\":\"Warning\",\"rule\":\"R\",\"source\":\"syscall\",\"tags\":[],"                          \
	"\"time\":\"2026-03-01T12:00:00.000000005Z\"}"

static bool reads(const char *text, struct output_read *out)
{
	return output_json_read(view_of(text, strlen(text)), out);
}

TEST(what_the_sensor_writes_is_read_back)
{
	static const char nasty[] = "tab\t quote\" back\\ bell\a del\177 \xc2\x9b latin\xe9 \xf0\x9f\x90\x9f end";
	struct output_note n = { .rule = "Sallyport internal: \"content\"", .text = nasty };
	struct output *o = NULL;
	struct output_read r;
	struct buf text;
	char line[4096];
	ssize_t len;
	int p[2];

	CHECK_EQ(pipe(p), 0);
	CHECK_OK(output_new(p[1], OUTPUT_JSON, "host", &o));
	CHECK(output_note(o, &n));
	CHECK_OK(output_flush(o));
	len = read(p[0], line, sizeof line);
	CHECK(len > 1 && line[len - 1] == '\n');
	CHECK(output_json_read(view_of(line, (size_t)len - 1), &r));
	CHECK_EQ(r.priority, RULE_CRITICAL);
	buf_init(&text, 4096);
	output_unescape(r.rule, &text);
	CHECK_STR(text.p, n.rule);
	buf_done(&text);
	output_free(o);
	close(p[0]);
	close(p[1]);
}

TEST(members_are_found_wherever_they_stand)
{
	struct output_read r;
	struct buf text;

	CHECK(reads(GOOD, &r));
	CHECK_EQ(r.priority, RULE_WARNING);
	CHECK_EQ(r.time_ns, 1772366400000000005);
	buf_init(&text, 100);
	output_unescape(r.output, &text);
	CHECK_STR(text.p, "a \"b\" \a");
	buf_done(&text);
	CHECK(reads(
		" { \"time\" : \"2026-03-01T14:00:00+02:00\" , \"rule\":\"\",\"output\":\"\",\"priority\":\"Debug\"} ",
		&r));
	CHECK_EQ(r.time_ns, 1772366400000000000);
}

TEST(what_is_cut_or_changed_at_any_byte_is_read_or_refused_and_never_believed_to_be_longer)
{
	size_t len = sizeof GOOD - 1;

	for (size_t cut = 0; cut < len; cut++) {
		char *copy = malloc(cut ? cut : 1); /* exactly: the sanitizer sees a byte too many */
		struct output_read r;

		assert_non_null(copy);
		memcpy(copy, GOOD, cut);
		CHECK(!output_json_read(view_of(copy, cut), &r));
		free(copy);
	}
}

TEST(what_is_no_alert_is_refused)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"null",
		"{\"rule\":\"R\"}",
		GOOD "x",
		GOOD GOOD,
		"{\"rule\":\"a\",\"rule\":\"b\",\"output\":\"\",\"priority\":\"Debug\",\"time\":\"2026-03-01T14:00:"
		"00Z\"}",
		"{\"rule\":\"a\",\"output\":\"\",\"priority\":\"Loud\",\"time\":\"2026-03-01T14:00:00Z\"}",
		"{\"rule\":\"a\",\"output\":\"\",\"priority\":\"Debug\",\"time\":\"yesterday\"}",
		"{\"rule\":1,\"output\":\"\",\"priority\":\"Debug\",\"time\":\"2026-03-01T14:00:00Z\"}",
		"{\"rule\":\"\x1b[2J\",\"output\":\"\",\"priority\":\"Debug\",\"time\":\"2026-03-01T14:00:00Z\"}",
		"{\"rule\":\"\177\",\"output\":\"\",\"priority\":\"Debug\",\"time\":\"2026-03-01T14:00:00Z\"}",
		"{\"rule\":\"\xff\",\"output\":\"\",\"priority\":\"Debug\",\"time\":\"2026-03-01T14:00:00Z\"}",
		"{\"rule\":\"\\x\",\"output\":\"\",\"priority\":\"Debug\",\"time\":\"2026-03-01T14:00:00Z\"}",
		"{\"rule\":\"\\u12g4\",\"output\":\"\",\"priority\":\"Debug\",\"time\":\"2026-03-01T14:00:00Z\"}",
		"{\"a\":01,\"rule\":\"\",\"output\":\"\",\"priority\":\"Debug\",\"time\":\"2026-03-01T14:00:00Z\"}",
		"{\"a\":[1,],\"rule\":\"\",\"output\":\"\",\"priority\":\"Debug\",\"time\":\"2026-03-01T14:00:00Z\"}",
		"{\"a\":{1:2},\"rule\":\"\",\"output\":\"\",\"priority\":\"Debug\",\"time\":\"2026-03-01T14:00:00Z\"}",
		"{\"a\":[}],\"rule\":\"\",\"output\":\"\",\"priority\":\"Debug\",\"time\":\"2026-03-01T14:00:00Z\"}",
		"{\"a\":[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]],\"rule\":\"\",\"output\":\"\",\"priority\":\"Debug\","
		"\"time\":\"2026-03-01T14:00:00Z\"}",
	};
	struct output_read r;

	for (size_t i = 0; i < countof(bad); i++)
		if (reads(bad[i], &r))
			fail_msg("%zu was taken for an alert: %s", i, bad[i]);
}

TEST(surrogates_make_one_letter_or_a_mark_of_what_is_missing)
{
	static const char text[] = "\\ud83d\\udc1f \\ud83d \\udc1f \\u00e9 \\u20ac";
	struct buf out;

	buf_init(&out, 100);
	output_unescape(view_of(text, sizeof text - 1), &out);
	CHECK_STR(out.p, "\xf0\x9f\x90\x9f \xef\xbf\xbd \xef\xbf\xbd \xc3\xa9 \xe2\x82\xac");
	buf_done(&out);
}

TEST(times_are_rfc_3339_and_nothing_else)
{
	static const char *const bad[] = { "",
					   "2026",
					   "2026-03-01",
					   "2026-03-01 12:00:00Z",
					   "2026-03-01T12:00:00",
					   "2026-13-01T12:00:00Z",
					   "2026-00-01T12:00:00Z",
					   "2026-03-32T12:00:00Z",
					   "2026-03-01T24:00:00Z",
					   "2026-03-01T12:60:00Z",
					   "2026-03-01T12:00:00.Z2",
					   "2026-03-01T12:00:00.0123456789Z",
					   "2026-03-01T12:00:00+2:00",
					   "1969-12-31T23:59:59Z",
					   "9999-12-31T23:59:59Z",
					   "2026-03-01T12:00:00ZZ" };
	uint64_t ns;

	for (size_t i = 0; i < countof(bad); i++)
		if (output_time_read(view_of(bad[i], strlen(bad[i])), &ns))
			fail_msg("'%s' is taken for a time", bad[i]);
	CHECK(output_time_read(view_of("1970-01-01T00:00:00.5Z", 22), &ns));
	CHECK_EQ(ns, 500000000);
	CHECK(output_time_read(view_of("1970-01-01T00:00:00-01:30", 25), &ns));
	CHECK_EQ(ns, 5400ull * 1000000000);
}
