/* SPDX-License-Identifier: Apache-2.0 */
/* The reader beside the consumer: it takes nothing away, and whatever it hands out was produced, whole and in order. */
#include "fake.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static struct ring_follow *follow(const struct fake *f, uint32_t n)
{
	int fds[WIRE_N_RINGS];
	uint32_t sizes[WIRE_N_RINGS];
	struct ring_follow *r = NULL;
	struct diag d;

	for (uint32_t i = 0; i < n; i++) {
		fds[i] = f[i].fd;
		sizes[i] = DATA;
	}
	CHECK_OK(ring_follow_open(fds, sizes, n, &r, &d));
	return r;
}

/* Time of the next record; 0: there is none. */
static uint64_t next_time(struct ring_follow *r)
{
	struct wire_hdr h;
	struct view v;

	if (!ring_follow_next(r, &v))
		return 0;
	CHECK_OK(VIEW_READ(v, 0, &h));
	CHECK_EQ(h.bytes, v.len);
	CHECK_EQ((uintptr_t)v.p % 8, 0);
	return h.time_ns;
}

static void set_consumer(struct fake *f, uint64_t pos)
{
	memcpy(f->p, &pos, sizeof pos);
}

static struct ring_follow_stats stats_of(const struct ring_follow *r)
{
	struct ring_follow_stats s;

	ring_follow_stats(r, &s);
	return s;
}

TEST(it_sees_what_the_consumer_sees_and_moves_nothing)
{
	static const uint64_t reserved[] = { 10, 40, 70 }, bulk[] = { 5, 50, 60, 90 },
			      want[] = { 5, 10, 40, 50, 60, 70, 90 };
	struct ring_follow *r;
	struct fake f[2];

	fake_open(&f[0], 0);
	fake_open(&f[1], 0);
	for (size_t i = 0; i < countof(reserved); i++)
		put(&f[0], sizeof(struct wire_hdr) + (uint32_t)i, reserved[i]);
	put_raw(&f[1], DISCARD | 104, 104, 104, 1);
	for (size_t i = 0; i < countof(bulk); i++)
		put(&f[1], sizeof(struct wire_hdr) + 3 * (uint32_t)i, bulk[i]);
	r = follow(f, 2);
	for (size_t i = 0; i < countof(want); i++)
		CHECK_EQ(next_time(r), want[i]);
	CHECK_EQ(next_time(r), 0);
	CHECK_EQ(consumer_of(&f[0]), 0);
	CHECK_EQ(consumer_of(&f[1]), 0);
	CHECK_EQ(stats_of(r).consumed[0], countof(reserved));
	CHECK_EQ(stats_of(r).consumed[1], countof(bulk));
	CHECK_EQ(stats_of(r).skips, 0);
	CHECK_EQ(stats_of(r).malformed, 0);
	ring_follow_close(r);
	fake_close(&f[0]);
	fake_close(&f[1]);
}

TEST(it_begins_where_the_consumer_is)
{
	struct ring_follow *r;
	struct fake f;
	uint64_t second;

	fake_open(&f, 8 * 1000);
	put(&f, 104, 1);
	second = put(&f, 104, 2);
	set_consumer(&f, second);
	r = follow(&f, 1);
	CHECK_EQ(next_time(r), 2);
	CHECK_EQ(next_time(r), 0);
	ring_follow_close(r);
	fake_close(&f);
}

TEST(a_record_that_is_being_written_is_waited_for)
{
	struct ring_follow *r;
	uint32_t word = 104;
	struct fake f;
	uint64_t at;

	fake_open(&f, 0);
	r = follow(&f, 1);
	at = put_raw(&f, BUSY | 104, 104, 104, 1);
	put(&f, 104, 2);
	CHECK_EQ(next_time(r), 0);
	put_at(&f, at, &word, sizeof word);
	CHECK_EQ(next_time(r), 1);
	CHECK_EQ(next_time(r), 2);
	ring_follow_close(r);
	fake_close(&f);
}

/* The consumer was faster, and the producer has written over what was not read here. */
TEST(overtaken_it_goes_on_where_the_consumer_is_and_says_what_it_missed)
{
	struct ring_follow *r;
	uint64_t last = 0;
	struct fake f;

	fake_open(&f, 0);
	r = follow(&f, 1);
	for (uint64_t t = 1; t <= 200; t++) {
		uint64_t at = put(&f, 504, t);

		if (t <= 190)
			set_consumer(&f, at); /* at the beginning of this one */
		last = t;
	}
	for (uint64_t t = 190; t <= last; t++)
		CHECK_EQ(next_time(r), t);
	CHECK_EQ(next_time(r), 0);
	CHECK_EQ(stats_of(r).skips, 1);
	CHECK_EQ(stats_of(r).skipped_bytes, 189 * 512);
	CHECK_EQ(stats_of(r).malformed, 0);
	ring_follow_close(r);
	fake_close(&f);
}

/* The kernel writes the header of the next record before it moves the producer position. */
TEST(the_bytes_just_behind_the_producer_are_not_relied_on)
{
	struct ring_follow *r;
	struct fake f;

	fake_open(&f, 0);
	r = follow(&f, 1);
	for (uint64_t t = 1; t <= DATA / 512; t++)
		put(&f, 504, t);
	CHECK_EQ(f.pos, DATA);
	set_consumer(&f, 512);
	CHECK_EQ(next_time(r), 2); /* the first one's place may be taken at this moment */
	CHECK_EQ(stats_of(r).skips, 1);
	CHECK_EQ(stats_of(r).skipped_bytes, 512);
	ring_follow_close(r);
	fake_close(&f);
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
		struct ring_follow *r;
		struct fake f;

		test_row = rows[i].name;
		fake_open(&f, 0);
		r = follow(&f, 1);
		set_consumer(&f, rows[i].consumer);
		set_producer(&f, rows[i].producer);
		CHECK_EQ(next_time(r), 0);
		CHECK_EQ(next_time(r), 0);
		ring_follow_close(r);
		fake_open(&f, rows[i].consumer);
		set_producer(&f, rows[i].producer);
		r = follow(&f, 1);
		CHECK_EQ(next_time(r), 0);
		ring_follow_close(r);
		fake_close(&f);
	}
}

TEST(malformed_records_are_skipped_and_the_rest_still_comes)
{
	static const struct {
		const char *name;
		uint32_t word, len, said;
		bool rest; /* the next record can still be found */
	} rows[] = {
		{ "empty", 0, 0, 0, true },
		{ "no whole header", 71, 71, 71, true },
		{ "header says more", 104, 104, 112, true },
		{ "past the producer", 4000, 80, 80, false },
		{ "larger than the ring", 0x3fffffff, 80, 80, false },
		{ "discarded past the producer", DISCARD | 0x3fffffff, 80, 80, false },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct ring_follow *r;
		struct fake f;

		test_row = rows[i].name;
		fake_open(&f, 0);
		r = follow(&f, 1);
		put(&f, 104, 1);
		put_raw(&f, rows[i].word, rows[i].len, rows[i].said, 2);
		put(&f, 104, 3);
		CHECK_EQ(next_time(r), 1);
		CHECK_EQ(next_time(r), rows[i].rest ? 3 : 0);
		CHECK_EQ(stats_of(r).malformed, 1);
		put(&f, 104, 4);
		CHECK_EQ(next_time(r), 4);
		ring_follow_close(r);
		fake_close(&f);
	}
}

TEST(a_descriptor_for_reading_is_enough)
{
	struct ring_follow *r = NULL;
	struct ring *no = NULL;
	char path[32];
	struct fake f;
	struct diag d;
	int fd;

	fake_open(&f, 0);
	put(&f, 104, 7);
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", f.fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	CHECK_EQ(ring_open(&fd, (uint32_t[]){ DATA }, 1, &no, &d), E_IO);
	CHECK_OK(ring_follow_open(&fd, (uint32_t[]){ DATA }, 1, &r, &d));
	CHECK_EQ(next_time(r), 7);
	ring_follow_close(r);
	close(fd);
	CHECK_EQ(ring_follow_open(&f.fd, (uint32_t[]){ 12288 }, 1, &r, &d), E_INVALID);
	CHECK_EQ(d.id, 202);
	CHECK_EQ(ring_follow_open((int[]){ -1 }, (uint32_t[]){ DATA }, 1, &r, &d), E_IO);
	CHECK_EQ(d.id, 201);
	ring_follow_close(NULL);
	fake_close(&f);
}

/*
 * A producer that does what the kernel does, in a thread (the second half of the data is written, too); a consumer that
 * is sometimes fast and sometimes slow; and the reader beside it, which is slow at times too.
 */
enum { N_RECORDS = 120000, MAX_WORDS = 40 };

struct race {
	int fd;
	uint8_t *p;
	uint64_t seed;
	_Atomic bool done;
	_Atomic uint64_t discarded_bytes;
};

static uint64_t random_of(uint64_t *x)
{
	*x ^= *x << 13, *x ^= *x >> 7, *x ^= *x << 17;
	return *x;
}

static uint32_t *length_at(const struct race *r, uint64_t pos)
{
	return (uint32_t *)(void *)(r->p + 2 * PAGE + pos % DATA);
}

static void store(const struct race *r, uint64_t pos, uint64_t word)
{
	uint64_t *p = (uint64_t *)(void *)(r->p + 2 * PAGE + pos % DATA);

	__atomic_store_n(p, word, __ATOMIC_RELAXED);
	__atomic_store_n(p + DATA / 8, word, __ATOMIC_RELAXED);
}

/* What record number n has from its header on. */
static uint64_t pattern(uint64_t n, uint32_t i)
{
	return n * 0x9e3779b97f4a7c15 + i;
}

static uint32_t words_of(uint64_t n)
{
	return (uint32_t)(pattern(n, 1) >> 33) % MAX_WORDS;
}

static void produce(struct race *r, uint64_t *pos, uint64_t n, uint64_t *x)
{
	uint32_t words = words_of(n), len = (uint32_t)sizeof(struct wire_hdr) + 8 * words;
	_Alignas(8) struct wire_hdr h = { .bytes = len, .kind = WIRE_EXIT, .time_ns = n };
	bool discard = random_of(x) % 10 == 0;
	uint64_t at = *pos, end = at + HDR + len, raw[sizeof h / 8];

	while (end - __atomic_load_n((uint64_t *)(void *)r->p, __ATOMIC_ACQUIRE) > DATA - 1)
		sched_yield();
	__atomic_store_n(length_at(r, at), len | BUSY, __ATOMIC_RELAXED);
	__atomic_store_n((uint64_t *)(void *)(r->p + PAGE), end, __ATOMIC_RELEASE);
	memcpy(raw, &h, sizeof h);
	for (uint32_t i = 0; i < countof(raw); i++)
		store(r, at + HDR + 8 * i, raw[i]);
	if (random_of(x) % 64 == 0)
		sched_yield();
	for (uint32_t i = 0; i < words; i++)
		store(r, at + HDR + sizeof h + 8 * i, pattern(n, i));
	__atomic_store_n(length_at(r, at), len | (discard ? DISCARD : 0), __ATOMIC_RELEASE);
	if (discard)
		r->discarded_bytes += HDR + len;
	*pos = end;
}

static void *producer(void *user)
{
	struct race *r = user;
	uint64_t pos = 0, x = r->seed;

	for (uint64_t n = 1; n <= N_RECORDS; n++)
		produce(r, &pos, n, &x);
	atomic_store(&r->done, true);
	return NULL;
}

static void *consumer(void *user)
{
	struct race *r = user;
	uint64_t x = r->seed ^ 0xabcdef;
	struct ring *ring = NULL;
	struct diag d;
	struct view v;
	bool last;

	if (ring_open(&r->fd, (uint32_t[]){ DATA }, 1, &ring, &d) != E_OK)
		return NULL;
	do {
		last = atomic_load(&r->done);
		while (ring_next(ring, &v))
			if (random_of(&x) % 200 == 0)
				sched_yield();
		sched_yield();
	} while (!last);
	ring_close(ring);
	return NULL;
}

static void check_record(struct view v, uint64_t *last)
{
	const uint64_t *words = (const uint64_t *)(const void *)(v.p + sizeof(struct wire_hdr));
	struct wire_hdr h = { 0 };

	CHECK_OK(VIEW_READ(v, 0, &h));
	CHECK(h.time_ns > *last && h.time_ns <= N_RECORDS);
	CHECK_EQ(v.len, sizeof h + 8 * words_of(h.time_ns));
	for (uint32_t i = 0; i < words_of(h.time_ns); i++)
		CHECK_EQ(words[i], pattern(h.time_ns, i));
	*last = h.time_ns;
}

static void race(uint64_t seed, struct ring_follow_stats *out)
{
	struct race r = { .seed = seed };
	uint64_t last = 0, seen_bytes = 0, x = seed * 31, end;
	struct ring_follow *f = NULL;
	pthread_t threads[2];
	struct diag d;
	struct view v;
	bool over;

	r.fd = memfd_create("ring", MFD_CLOEXEC);
	CHECK_EQ(ftruncate(r.fd, 2 * PAGE + 2 * DATA), 0);
	r.p = mmap(NULL, 2 * PAGE + 2 * DATA, PROT_READ | PROT_WRITE, MAP_SHARED, r.fd, 0);
	CHECK(r.p != MAP_FAILED);
	CHECK_OK(ring_follow_open(&r.fd, (uint32_t[]){ DATA }, 1, &f, &d));
	CHECK_EQ(pthread_create(&threads[0], NULL, consumer, &r), 0);
	CHECK_EQ(pthread_create(&threads[1], NULL, producer, &r), 0);
	do {
		over = atomic_load(&r.done);
		while (ring_follow_next(f, &v)) {
			check_record(v, &last);
			seen_bytes += HDR + v.len;
			if (random_of(&x) % 500 == 0)
				for (uint64_t i = random_of(&x) % 8; i; i--)
					sched_yield();
		}
		sched_yield();
	} while (!over);
	CHECK_EQ(pthread_join(threads[0], NULL), 0);
	CHECK_EQ(pthread_join(threads[1], NULL), 0);
	ring_follow_stats(f, out);
	CHECK_EQ(out->malformed, 0);
	/* every byte was seen, skipped, or discarded (and then perhaps skipped) */
	memcpy(&end, r.p + PAGE, sizeof end);
	CHECK(seen_bytes + out->skipped_bytes <= end);
	CHECK(seen_bytes + out->skipped_bytes + r.discarded_bytes >= end);
	ring_follow_close(f);
	munmap(r.p, 2 * PAGE + 2 * DATA);
	close(r.fd);
}

TEST(beside_a_producer_and_a_consumer_every_record_is_whole_and_in_order)
{
	uint64_t skips = 0, consumed = 0;

	for (uint64_t seed = 1; seed <= 8; seed++) {
		struct ring_follow_stats s;

		race(seed * 0x1234567, &s);
		skips += s.skips;
		consumed += s.consumed[0];
	}
	CHECK(consumed > N_RECORDS / 4);
	CHECK(skips > 0); /* else nothing was tried here */
}
