/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The consumer against rings made by hand in a memory file: order, commit, and everything that a broken or hostile
 * producer could put there.
 */
#include "fake.h"

static struct ring *open_rings(const struct fake *f, uint32_t n)
{
	int fds[WIRE_N_RINGS];
	uint32_t sizes[WIRE_N_RINGS];
	struct ring *r = NULL;
	struct diag d;

	for (uint32_t i = 0; i < n; i++) {
		fds[i] = f[i].fd;
		sizes[i] = DATA;
	}
	CHECK_OK(ring_open(fds, sizes, n, &r, &d));
	return r;
}

/* Time of the next record; 0: there is none. */
static uint64_t next_time(struct ring *r)
{
	struct wire_hdr h;
	struct view v;

	if (!ring_next(r, &v))
		return 0;
	CHECK_OK(VIEW_READ(v, 0, &h));
	CHECK_EQ(h.bytes, v.len);
	CHECK_EQ((uintptr_t)v.p % 8, 0);
	return h.time_ns;
}

TEST(rings_are_merged_oldest_first)
{
	static const uint64_t reserved[] = { 10, 40, 41, 70 }, bulk[] = { 5, 6, 50, 60, 90 };
	static const uint64_t want[] = { 5, 6, 10, 40, 41, 50, 60, 70, 90 };
	struct fake f[2];
	struct ring *r;

	fake_open(&f[0], 0);
	fake_open(&f[1], 0);
	r = open_rings(f, 2);
	for (size_t i = 0; i < countof(reserved); i++)
		put(&f[0], sizeof(struct wire_hdr) + (uint32_t)i, reserved[i]);
	for (size_t i = 0; i < countof(bulk); i++)
		put(&f[1], sizeof(struct wire_hdr) + 3 * (uint32_t)i, bulk[i]);
	for (size_t i = 0; i < countof(want); i++)
		CHECK_EQ(next_time(r), want[i]);
	CHECK_EQ(next_time(r), 0);
	CHECK_EQ(ring_consumed(r, WIRE_RING_RESERVED), countof(reserved));
	CHECK_EQ(ring_consumed(r, WIRE_RING_BULK), countof(bulk));
	CHECK_EQ(ring_consumed(r, 2), 0);
	CHECK_EQ(consumer_of(&f[0]), f[0].pos);
	CHECK_EQ(consumer_of(&f[1]), f[1].pos);
	ring_close(r);
	fake_close(&f[0]);
	fake_close(&f[1]);
}

TEST(a_record_is_committed_before_it_is_handed_out_and_seen_once)
{
	struct fake f;
	struct ring *r;
	struct view v;
	uint64_t second;

	fake_open(&f, 0);
	put(&f, 100, 1);
	second = put(&f, 100, 2);
	r = open_rings(&f, 1);
	CHECK(ring_next(r, &v));
	CHECK_EQ(consumer_of(&f), second);
	/* the producer may overwrite it now: what was handed out is a copy */
	put_at(&f, 0, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16);
	CHECK_EQ(((const struct wire_hdr *)(const void *)v.p)->bytes, 100);
	ring_close(r);
	r = open_rings(&f, 1); /* the next consumer goes on where this one was, whatever became of it */
	CHECK_EQ(next_time(r), 2);
	CHECK_EQ(next_time(r), 0);
	ring_close(r);
	fake_close(&f);
}

TEST(records_wrap_around_at_every_offset)
{
	struct fake f;
	struct ring *r;

	fake_open(&f, 0);
	r = open_rings(&f, 1);
	for (uint64_t t = 1; t <= 2000; t++) {
		put(&f, (uint32_t)(sizeof(struct wire_hdr) + t * 37 % 1500), t);
		CHECK_EQ(next_time(r), t);
	}
	CHECK_EQ(ring_malformed(r), 0);
	ring_close(r);
	fake_close(&f);
	/* positions are 64 bits and only grow */
	fake_open(&f, UINT64_MAX - 7 - 8 * 64);
	r = open_rings(&f, 1);
	for (uint64_t t = 1; t <= 20; t++) {
		put(&f, 104, t);
		CHECK_EQ(next_time(r), t);
	}
	CHECK_EQ(ring_malformed(r), 0);
	ring_close(r);
	fake_close(&f);
}

TEST(a_record_that_is_being_written_is_waited_for)
{
	struct fake f;
	struct ring *r;
	uint64_t at;
	uint32_t word = 104;

	fake_open(&f, 0);
	r = open_rings(&f, 1);
	at = put_raw(&f, BUSY | 104, 104, 104, 1);
	put(&f, 104, 2);
	CHECK_EQ(next_time(r), 0);
	CHECK_EQ(consumer_of(&f), 0);
	put_at(&f, at, &word, sizeof word);
	CHECK_EQ(next_time(r), 1);
	CHECK_EQ(next_time(r), 2);
	ring_close(r);
	fake_close(&f);
}

TEST(discarded_records_are_passed_over_and_not_counted)
{
	struct fake f;
	struct ring *r;

	fake_open(&f, 0);
	put_raw(&f, DISCARD | 80, 80, 80, 1);
	put(&f, 104, 2);
	put_raw(&f, DISCARD | 16, 16, 0, 3);
	r = open_rings(&f, 1);
	CHECK_EQ(next_time(r), 2);
	CHECK_EQ(next_time(r), 0);
	CHECK_EQ(ring_consumed(r, 0), 1);
	CHECK_EQ(ring_malformed(r), 0);
	CHECK_EQ(consumer_of(&f), f.pos);
	ring_close(r);
	fake_close(&f);
}

TEST(malformed_records_are_skipped_and_counted_and_the_rest_still_comes)
{
	static const struct {
		const char *name;
		uint32_t word, len, said;
		bool rest; /* the next record can still be found */
		bool counted;
	} rows[] = {
		{ "empty", 0, 0, 0, true, true },
		{ "no whole header", 71, 71, 71, true, true },
		{ "header says more", 80, 80, 88, true, true },
		{ "header says less", 80, 80, 79, true, true },
		{ "past the producer", 4000, 80, 80, false, false },
		{ "larger than the ring", 0x3fffffff, 80, 80, false, false },
		{ "discarded past the producer", DISCARD | 0x3fffffff, 80, 80, false, false },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct fake f;
		struct ring *r;

		test_row = rows[i].name;
		fake_open(&f, 0);
		put(&f, 104, 1);
		put_raw(&f, rows[i].word, rows[i].len, rows[i].said, 2);
		put(&f, 104, 3);
		r = open_rings(&f, 1);
		CHECK_EQ(next_time(r), 1);
		CHECK_EQ(next_time(r), rows[i].rest ? 3 : 0);
		CHECK_EQ(ring_malformed(r), 1);
		CHECK_EQ(ring_consumed(r, 0), 1u + rows[i].counted + rows[i].rest);
		put(&f, 104, 4);
		CHECK_EQ(next_time(r), 4);
		CHECK_EQ(next_time(r), 0);
		ring_close(r);
		fake_close(&f);
	}
}

TEST(positions_that_cannot_be_are_no_way_to_read_elsewhere)
{
	static const struct {
		const char *name;
		uint64_t consumer, producer;
	} rows[] = {
		{ "more than the ring holds", 0, DATA + 8 },
		{ "producer behind", 800, 0 },
		{ "half a header", 0, 4 },
		{ "not aligned", 4, 400 },
		{ "the largest number", 0, UINT64_MAX },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct fake f;
		struct ring *r;

		test_row = rows[i].name;
		fake_open(&f, rows[i].consumer);
		set_producer(&f, rows[i].producer);
		r = open_rings(&f, 1);
		CHECK_EQ(next_time(r), 0);
		CHECK_EQ(ring_malformed(r), 1);
		CHECK_EQ(next_time(r), 0);
		CHECK_EQ(ring_malformed(r), 1);
		ring_close(r);
		fake_close(&f);
	}
}

TEST(somebody_elses_write_to_the_consumer_page_moves_nothing)
{
	struct fake f;
	struct ring *r;
	uint64_t wrong = 1 << 20;

	fake_open(&f, 0);
	put(&f, 104, 1);
	put(&f, 104, 2);
	r = open_rings(&f, 1);
	CHECK_EQ(next_time(r), 1);
	memcpy(f.p, &wrong, sizeof wrong);
	CHECK_EQ(next_time(r), 2);
	CHECK_EQ(consumer_of(&f), f.pos);
	ring_close(r);
	fake_close(&f);
}

/* Whatever bytes are in the data and the producer position: it ends, and reads nothing outside (the sanitizer watches).
 */
TEST(random_rings_do_no_harm)
{
	uint64_t x = 88172645463325252ull;

	for (int i = 0; i < 300; i++) {
		struct fake f;
		struct ring *r;
		struct view v;
		int n = 0;

		fake_open(&f, 0);
		for (uint64_t at = 0; at < DATA; at += 8) {
			uint64_t word;

			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			word = i % 3 ? x % 300 : x;
			put_at(&f, at, &word, sizeof word);
		}
		set_producer(&f, i % 5 ? x % DATA & ~7ull : DATA);
		r = open_rings(&f, 1);
		while (ring_next(r, &v))
			CHECK(n++ < DATA / 8);
		ring_close(r);
		fake_close(&f);
	}
}

TEST(sizes_and_descriptors_that_cannot_be_mapped_are_refused)
{
	static const struct {
		const char *name;
		int fd; /* 0: a good one */
		uint32_t bytes, n;
		enum err err;
		uint16_t id;
	} rows[] = {
		{ "no power of two", 0, 12288, 1, E_INVALID, 202 }, { "nothing", 0, 0, 1, E_INVALID, 202 },
		{ "too large", 0, 1u << 31, 1, E_INVALID, 202 },    { "three rings", 0, DATA, 3, E_INVALID, 202 },
		{ "no descriptor", -1, DATA, 1, E_IO, 201 },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct ring *r = NULL;
		struct fake f;
		struct diag d;
		int fds[3];

		test_row = rows[i].name;
		fake_open(&f, 0);
		for (int j = 0; j < 3; j++)
			fds[j] = rows[i].fd ? rows[i].fd : f.fd;
		CHECK_EQ(ring_open(fds, (uint32_t[]){ rows[i].bytes, rows[i].bytes, rows[i].bytes }, rows[i].n, &r, &d),
			 rows[i].err);
		CHECK_EQ(d.id, rows[i].id);
		CHECK(!r);
		fake_close(&f);
	}
	ring_close(NULL);
}

TEST(statistics_are_summed_over_processors)
{
	int fd = memfd_create("stats", MFD_CLOEXEC);
	struct wire_stats cpus[3] = { 0 }, sum;
	struct ring_stats *s = NULL;
	struct diag d;

	for (uint32_t c = 0; c < 3; c++) {
		cpus[c].produced[WIRE_RING_BULK] = 100 + c;
		cpus[c].lost[WIRE_RING_RESERVED] = c;
		cpus[c].produced_kind[WIRE_OPEN] = 7;
		cpus[c].lost_kind[WIRE_N_KINDS - 1] = 1;
	}
	CHECK_EQ(write(fd, cpus, sizeof cpus), sizeof cpus);
	CHECK_EQ(ring_stats_open(fd, 0, &s, &d), E_INVALID);
	CHECK_EQ(ring_stats_open(fd, WIRE_MAX_CPUS + 1, &s, &d), E_INVALID);
	CHECK_EQ(d.id, 203);
	CHECK_EQ(ring_stats_open(-1, 3, &s, &d), E_IO);
	CHECK_EQ(d.id, 203);
	CHECK_OK(ring_stats_open(fd, 3, &s, &d));
	ring_stats_read(s, &sum);
	CHECK_EQ(sum.produced[WIRE_RING_BULK], 303);
	CHECK_EQ(sum.produced[WIRE_RING_RESERVED], 0);
	CHECK_EQ(sum.lost[WIRE_RING_RESERVED], 3);
	CHECK_EQ(sum.produced_kind[WIRE_OPEN], 21);
	CHECK_EQ(sum.lost_kind[WIRE_N_KINDS - 1], 3);
	ring_stats_close(s);
	ring_stats_close(NULL);
	close(fd);
}
