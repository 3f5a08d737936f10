/* SPDX-License-Identifier: Apache-2.0 */
/* output: sinks that stall, vanish and fill up cost their own lines and never block; a queue never tears a line. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "sensor/output/output.h"

static void pipe_nonblock(int p[2])
{
	CHECK_EQ(pipe2(p, O_NONBLOCK | O_CLOEXEC), 0);
	(void)signal(SIGPIPE, SIG_IGN);
}

static struct output *sink(int fd, enum output_format f)
{
	struct output *o = NULL;

	CHECK_OK(output_new(fd, f, "host", &o));
	return o;
}

static size_t read_all(int fd, char *out, size_t max)
{
	size_t have = 0;
	ssize_t n;

	while (have < max - 1 && (n = read(fd, out + have, max - 1 - have)) > 0)
		have += (size_t)n;
	out[have] = 0;
	return have;
}

TEST(a_reader_that_does_not_read_costs_lines_and_never_blocks)
{
	char line[1000];
	struct output *o;
	uint64_t n = 0;
	int p[2];

	memset(line, 'x', sizeof line);
	pipe_nonblock(p);
	o = sink(p[1], OUTPUT_JSON);
	for (; n < 5000; n++) {
		(void)output_line(o, line, sizeof line);
		CHECK_OK(output_flush(o));
		CHECK(output_pending(o) <= OUTPUT_QUEUE_BYTES);
	}
	CHECK(output_dropped(o) > 1000);
	CHECK_EQ(output_dropped(o) + output_sent(o) + output_waiting(o), n);
	output_free(o);
	close(p[0]);
	close(p[1]);
}

TEST(when_the_reader_wakes_up_it_gets_whole_lines_in_order_and_only_whole_ones_are_missing)
{
	enum { LINES = 4000, EACH = 1000 };
	static char got[LINES * (EACH + 1) + 1];
	char line[EACH + 1];
	struct output *o;
	size_t have = 0;
	int p[2], last = -1, seen = 0;

	pipe_nonblock(p);
	o = sink(p[1], OUTPUT_TEXT);
	for (int i = 0; i < LINES; i++) {
		(void)snprintf(line, sizeof line, "%0*d", EACH, i);
		(void)output_line(o, line, EACH);
		CHECK_OK(output_flush(o));
		if (i % 700 == 0) /* a reader that wakes up now and then */
			have += read_all(p[0], got + have, 100000);
	}
	while (output_pending(o)) {
		have += read_all(p[0], got + have, sizeof got - have);
		CHECK_OK(output_flush(o));
	}
	have += read_all(p[0], got + have, sizeof got - have);
	for (size_t at = 0; at < have; at += EACH + 1, seen++) {
		int v;

		CHECK_EQ(got[at + EACH], '\n');
		got[at + EACH] = 0;
		v = (int)strtoll(got + at, NULL, 10);
		CHECK(v > last);
		last = v;
	}
	CHECK_EQ((uint64_t)seen, output_sent(o));
	CHECK_EQ((uint64_t)seen + output_dropped(o), LINES);
	CHECK(!output_mid_line(o));
	output_free(o);
	close(p[0]);
	close(p[1]);
}

TEST(a_line_that_is_too_long_is_dropped_whole)
{
	static char line[OUTPUT_LINE_MAX + 1];
	char got[8];
	struct output *o;
	int p[2];

	memset(line, 'x', sizeof line);
	pipe_nonblock(p);
	o = sink(p[1], OUTPUT_JSON);
	CHECK(!output_line(o, line, OUTPUT_LINE_MAX));
	CHECK(output_line(o, "ok", 2));
	CHECK_OK(output_flush(o));
	(void)read_all(p[0], got, sizeof got);
	CHECK_STR(got, "ok\n");
	CHECK_EQ(output_dropped(o), 1);
	output_free(o);
	close(p[0]);
	close(p[1]);
}

TEST(a_reader_that_is_gone_is_an_error_and_not_a_signal)
{
	struct output *o;
	int p[2];

	pipe_nonblock(p);
	o = sink(p[1], OUTPUT_JSON);
	close(p[0]);
	CHECK(output_line(o, "x", 1));
	CHECK_EQ(output_flush(o), E_IO);
	CHECK_EQ(errno, EPIPE);
	CHECK_EQ(output_pending(o), 2);
	output_free(o);
	close(p[1]);
}

TEST(a_full_disk_keeps_lines_up_to_the_bound_and_a_new_descriptor_takes_them)
{
	char got[64];
	struct output *o;
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC), p[2];

	pipe_nonblock(p);
	o = sink(full, OUTPUT_JSON);
	CHECK(output_line(o, "one", 3));
	CHECK_EQ(output_flush(o), E_IO);
	CHECK_EQ(errno, ENOSPC);
	CHECK(output_line(o, "two", 3));
	output_set_fd(o, p[1]);
	CHECK_OK(output_flush(o));
	(void)read_all(p[0], got, sizeof got);
	CHECK_STR(got, "one\ntwo\n");
	CHECK_EQ(output_sent(o), 2);
	output_free(o);
	close(full);
	close(p[0]);
	close(p[1]);
}

TEST(rotation_in_the_middle_of_a_line_does_not_tear_it_over_two_files)
{
	static char line[60000];
	char got[64];
	struct output *o;
	int p[2], q[2];

	memset(line, 'x', sizeof line);
	pipe_nonblock(p);
	pipe_nonblock(q);
	o = sink(p[1], OUTPUT_JSON);
	for (int i = 0; i < 3; i++) /* a pipe holds 64 KiB: the second line is cut */
		CHECK(output_line(o, line, sizeof line));
	CHECK_OK(output_flush(o));
	CHECK(output_mid_line(o));
	CHECK_EQ(output_sent(o), 1);
	output_set_fd(o, q[1]);
	CHECK_EQ(output_dropped(o), 1);
	CHECK_EQ(output_waiting(o), 1);
	CHECK_EQ(output_written_bytes(o), 0);
	CHECK_OK(output_flush(o));
	CHECK_EQ(read(q[0], got, 10), 10);
	CHECK_EQ(got[0], 'x');
	CHECK_EQ(output_sent(o), 2);
	CHECK_EQ(output_written_bytes(o), sizeof line + 1);
	output_free(o);
	for (int i = 0; i < 2; i++) {
		close(p[i]);
		close(q[i]);
	}
}

static void note(enum output_format f, char *got, size_t max)
{
	static const char *const keys[] = { "a", "b" };
	static const uint64_t values[] = { 1, 2 };
	struct output_note n = {
		.rule = "R \"x\"", .text = "bad \033[31m text", .keys = keys, .values = values, .n = 2
	};
	struct output *o;
	int p[2];

	pipe_nonblock(p);
	o = sink(p[1], f);
	CHECK(output_note(o, &n));
	CHECK_OK(output_flush(o));
	(void)read_all(p[0], got, max);
	output_free(o);
	close(p[0]);
	close(p[1]);
}

TEST(a_note_has_the_shape_of_an_alert_with_sorted_keys)
{
	static const char *const keys[] = { "{\"hostname\":\"host\"",
					    "\"output\":",
					    "\"output_fields\":{\"a\":1,\"b\":2}",
					    "\"priority\":\"Critical\"",
					    "\"rule\":\"R \\\"x\\\"\"",
					    "\"source\":\"internal\"",
					    "\"tags\":[]",
					    "\"time\":\"20" };
	char got[1024];
	const char *at = got;

	note(OUTPUT_JSON, got, sizeof got);
	for (size_t i = 0; i < countof(keys); i++) {
		const char *next = strstr(at, keys[i]);

		test_row = keys[i];
		CHECK(next != NULL);
		at = next ? next : at;
	}
	CHECK_HAS(got, "Z\"}\n");
}

TEST(no_text_can_drive_a_terminal_and_plain_text_has_no_colours)
{
	char got[1024];

	note(OUTPUT_TEXT, got, sizeof got);
	CHECK(!strchr(got, '\033'));
	CHECK_HAS(got, "Critical bad \\x1b[31m text\n");
	note(OUTPUT_COLOR, got, sizeof got);
	CHECK_HAS(got, "bad \\x1b[31m text\n");
	CHECK_HAS(got, "\033[1;31mCritical\033[0m");
}

TEST(the_status_line_goes_away_before_an_alert_and_comes_back_below_it)
{
	char got[1024];
	const char *erase, *line, *again;
	struct output *o;
	int p[2];

	pipe_nonblock(p);
	o = sink(p[1], OUTPUT_COLOR);
	output_status(o, "STATUS");
	CHECK_OK(output_flush(o));
	(void)read_all(p[0], got, sizeof got);
	CHECK_HAS(got, "STATUS");
	CHECK(!strchr(got, '\n'));
	CHECK(output_line(o, "alert", 5));
	CHECK_OK(output_flush(o));
	(void)read_all(p[0], got, sizeof got);
	erase = strstr(got, "\r\033[K");
	line = strstr(got, "alert\n");
	again = strstr(got, "STATUS");
	CHECK(erase && line && again && erase < line && line < again);
	output_status(o, "STATUS");
	CHECK_OK(output_flush(o));
	CHECK_EQ(read_all(p[0], got, sizeof got), 0); /* nothing changed, nothing is written */
	output_free(o);
	o = sink(p[1], OUTPUT_TEXT);
	output_status(o, "STATUS");
	CHECK_OK(output_flush(o));
	CHECK_EQ(read_all(p[0], got, sizeof got), 0);
	output_free(o);
	close(p[0]);
	close(p[1]);
}

TEST(a_line_for_the_courier_carries_both_forms_and_comes_back_as_it_went)
{
	char both[2048], json[2048], text[1024];
	struct output_parts p;

	note(OUTPUT_BOTH, both, sizeof both);
	note(OUTPUT_JSON, json, sizeof json);
	note(OUTPUT_TEXT, text, sizeof text);
	CHECK(output_parts_read(view_of(both, strlen(both) - 1), &p));
	CHECK_EQ(p.priority, 2);
	CHECK(p.time_ns > 1000000000ull * 1000000000);
	CHECK_EQ(p.json.len, strlen(json) - 1);
	/* but for the time, which goes on */
	CHECK_HAS(both, "Critical bad \\x1b[31m text\t{\"hostname\":\"host\"");
	CHECK_EQ(p.text.len, strlen(text) - 1);
	CHECK(!memcmp(p.text.p + 18, text + 18, p.text.len - 18));
}

TEST(a_line_that_is_no_alert_is_refused_whatever_its_bytes)
{
	static const struct {
		const char *line;
		size_t len; /* 0: to its NUL */
		bool ok;
	} rows[] = {
		{ "4\t1\tt\t{}", 0, true },
		{ "0\t18446744073709551615\tt\t{}", 0, true },
		{ "", 1, false },
		{ "8\t1\tt\t{}", 0, false },
		{ "4\t18446744073709551616\tt\t{}", 0, false },
		{ "-1\t1\tt\t{}", 0, false },
		{ "\t1\tt\t{}", 0, false },
		{ "4\t\tt\t{}", 0, false },
		{ "4\t1\t\t{}", 0, false },
		{ "4\t1\tt\t", 0, false },
		{ "4\t1\tt", 0, false },
		{ "4\t1\tt\t{\t}", 0, false },
		{ "4\t1\tt\t[]", 0, false },
		{ "4\t1\tt\t{", 0, false },
		{ "4\t1\tt\033[m\t{}", 0, false },
		{ "4\t1\tt\t{\0}", 9, false },
		{ "4 1 t {}", 0, false },
	};
	static char big[OUTPUT_LINE_MAX + 2];
	struct output_parts p;

	for (size_t i = 0; i < countof(rows); i++) {
		size_t len = rows[i].len ? rows[i].len : strlen(rows[i].line);
		char *copy = malloc(len ? len : 1); /* of exactly this size: a read past it is caught */

		test_row = rows[i].line;
		memcpy(copy, rows[i].line, len);
		CHECK_EQ(output_parts_read(view_of(copy, len), &p), rows[i].ok);
		for (size_t cut = 0; cut < len; cut++)
			(void)output_parts_read(view_of(copy, cut), &p);
		free(copy);
	}
	memset(big, 'x', sizeof big);
	CHECK(!output_parts_read(view_of(big, sizeof big), &p));
}
