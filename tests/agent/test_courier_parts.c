/* SPDX-License-Identifier: Apache-2.0 */
/* courier: what it takes from the pipe, how it counts, and the messages that it makes. */
#include "test.h"

#include "agent/courier_parts.h"

TEST(a_queue_is_bounded_in_order_and_wraps_without_tearing_a_message)
{
	static char big[QUEUE_BYTES / 3];
	struct queue q;
	struct view v;
	uint32_t put = 0, got = 0;

	CHECK_OK(queue_init(&q));
	for (int round = 0; round < 50; round++) {
		for (;;) {
			memset(big, 'a' + put % 26, sizeof big);
			if (!queue_put(&q, big, sizeof big - put % 7, put % 2))
				break;
			put++;
		}
		CHECK_EQ(q.n, 3);
		for (int i = 0; i < 1 + round % 3; i++) {
			CHECK_EQ(queue_at(&q, 0, 0, &v)->cut, got % 2);
			CHECK_EQ(v.len, sizeof big - got % 7);
			CHECK_EQ(v.p[0], 'a' + got % 26);
			CHECK_EQ(v.p[v.len - 1], 'a' + got % 26);
			queue_drop(&q);
			got++;
		}
	}
	queue_done(&q);
	CHECK_OK(queue_init(&q));
	for (put = 0; queue_put(&q, "x", 1, false);)
		put++;
	CHECK_EQ(put, QUEUE_LINES);
	queue_done(&q);
}

TEST(waits_double_up_to_a_bound_and_differ_by_chance)
{
	uint64_t last = 0, differ = 0;

	for (uint32_t n = 1; n < 40; n++) {
		uint64_t want = n < 9 ? (uint64_t)RETRY_FIRST_MS << (n - 1) : RETRY_MOST_MS;

		want = want < RETRY_MOST_MS ? want : RETRY_MOST_MS;
		for (int i = 0; i < 20; i++) {
			uint64_t ms = courier_delay_ms(n);

			CHECK(ms >= want - want / 4 && ms <= want + want / 4);
			differ += ms != last;
			last = ms;
		}
	}
	CHECK(differ > 300);
}

static struct output_parts parts(const char *text, const char *json)
{
	return (struct output_parts){ .priority = 2,
				      .time_ns = 1700000000123456789,
				      .text = view_of(text, strlen(text)),
				      .json = view_of(json, strlen(json)) };
}

static struct courier_settings settings(void)
{
	return (struct courier_settings){
		.facility = 19, .max_bytes = 2048, .sensor_pid = 42, .hostname = "h.example", .appname = "sallyport"
	};
}

TEST(a_message_has_every_field_of_rfc_5424_in_order)
{
	struct courier_settings s = settings();
	struct output_parts p = parts("text", "{\"a\":1}");
	struct buf b;

	buf_init(&b, 4096);
	CHECK(!syslog_format(&s, &p, &b));
	CHECK_STR(b.p, "<154>1 2023-11-14T22:13:20.123456Z h.example sallyport 42 alert - {\"a\":1}");
	buf_reset(&b);
	s.text = 1;
	s.hostname[0] = 0; /* NILVALUE */
	CHECK(!syslog_format(&s, &p, &b));
	CHECK_STR(b.p, "<154>1 2023-11-14T22:13:20.123456Z - sallyport 42 alert - text");
	buf_done(&b);
}

TEST(a_cut_never_falls_inside_a_character_whatever_its_length)
{
	static const char text[] = "ab\xc3\xa9\xe2\x82\xac\xf0\x9f\x92\xa9zz";
	struct courier_settings s = settings();
	struct output_parts p = parts(text, "{}");
	uint32_t head;
	struct buf b;

	s.text = 1;
	buf_init(&b, 4096);
	CHECK(!syslog_format(&s, &p, &b));
	head = (uint32_t)(b.len - strlen(text));
	CHECK(!memcmp(b.p + head - 3, "\xef\xbb\xbf", 3));
	for (uint32_t max = head; max <= head + strlen(text); max++) {
		size_t at = head;
		uint32_t c;

		buf_reset(&b);
		s.max_bytes = max;
		CHECK_EQ(syslog_format(&s, &p, &b), max < head + strlen(text));
		CHECK(b.len <= max && b.len + 4 > max);
		while (at < b.len) {
			size_t n = utf8_decode(b.p + at, b.len - at, &c);

			CHECK(n > 0);
			at += n ? n : 1;
		}
	}
	buf_done(&b);
}

TEST(counts_of_an_outlet_add_up_at_every_moment)
{
	static struct courier_counts counts;
	struct courier_settings s = settings();
	struct output_parts p = parts("text", "{\"a\":1}");
	struct syslog *y;
	uint64_t n = 0;

	s.transport = CONFIG_TCP;
	CHECK_OK(syslog_new(&s, &counts, &y));
	for (; n < QUEUE_LINES + 100; n++) {
		syslog_take(y, &p);
		CHECK_EQ(page_get(&counts.sent),
			 page_get(&counts.lost) + page_get(&counts.waiting) + page_get(&counts.delivered));
	}
	CHECK_EQ(page_get(&counts.lost), 100);
	CHECK_EQ(page_get(&counts.waiting), QUEUE_LINES);
	CHECK(!syslog_empty(y));
	syslog_free(y);
}

TEST(settings_fit_what_they_are_copied_to)
{
	struct courier_settings s;

	CHECK(sizeof s.path <= 108); /* sun_path of unix(7) */
	CHECK(sizeof s < 64 << 10);
}
