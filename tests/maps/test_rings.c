/* SPDX-License-Identifier: Apache-2.0 */
/* Rings: records, their order, room and notification; and the way back. */
#include "test.h"
#include "engine/maps/maps.h"

static uint64_t rnd(uint64_t *s)
{
	*s += 0x9e3779b97f4a7c15ull;
	return hash_u64(*s);
}

static void count_call(struct map *m, void *arg)
{
	(void)m;
	++*(unsigned *)arg;
}

static struct map *ring(uint32_t kind, uint32_t bytes, unsigned *calls)
{
	struct prog_map def = { .name = "r", .kind = kind, .max_entries = bytes };
	struct map *m = NULL;

	CHECK_OK(map_new_with(&def, &(struct map_opts){ .notify = calls ? count_call : NULL, .notify_arg = calls }, &m,
			      NULL));
	return m;
}

/* What was reserved and not consumed, oldest first. */
struct model {
	struct {
		uint8_t *p;
		uint32_t bytes;
		uint8_t byte;
		enum { OPEN, SENT, DROPPED } state;
	} r[600];
	unsigned first, n;
	uint64_t produced, consumed;
};

static uint64_t room(uint64_t bytes)
{
	return (bytes + 8 + 7) / 8 * 8;
}

static void model_reserve(struct model *o, struct map *m, uint64_t bytes, uint8_t byte)
{
	bool fits = bytes < 4096 && room(bytes) < 4096 && o->produced + room(bytes) - o->consumed < 4096;
	uint8_t *p = map_ring_reserve(m, bytes);

	CHECK_EQ(p != NULL, fits);
	if (!p)
		return;
	CHECK_EQ((uintptr_t)p % 8, 0);
	memset(p, byte, bytes);
	o->r[o->n].p = p;
	o->r[o->n].bytes = (uint32_t)bytes;
	o->r[o->n].byte = byte;
	o->r[o->n++].state = OPEN;
	o->produced += room(bytes);
}

static void model_give_back(struct model *o, struct map *m, unsigned i, bool send)
{
	if (o->r[i].state != OPEN)
		return;
	o->r[i].state = send ? SENT : DROPPED;
	if (send)
		map_ring_submit(m, o->r[i].p, 0);
	else
		map_ring_discard(m, o->r[i].p, 0);
}

static void model_consume(struct model *o, struct map *m)
{
	struct view v;
	bool got = map_ring_next(m, &v);

	while (o->first < o->n && o->r[o->first].state == DROPPED)
		o->consumed += room(o->r[o->first++].bytes);
	CHECK_EQ(got, o->first < o->n && o->r[o->first].state == SENT);
	if (!got)
		return;
	CHECK_EQ(v.len, o->r[o->first].bytes);
	for (size_t i = 0; i < v.len; i++)
		CHECK_EQ(v.p[i], o->r[o->first].byte);
	map_ring_done(m);
	o->consumed += room(o->r[o->first++].bytes);
}

TEST(a_ring_agrees_with_a_list_of_records)
{
	uint64_t seed = 2;

	for (unsigned history = 0; history < 60; history++) {
		struct map *m = ring(PROG_MAP_RINGBUF, 4096, NULL);
		struct model o = { 0 };

		for (unsigned step = 0; step < 1000 && o.n < countof(o.r); step++) {
			uint64_t bytes = rnd(&seed) % (rnd(&seed) % 8 ? 200 : 5000);

			switch (rnd(&seed) % 4) {
			case 0:
				model_reserve(&o, m, bytes, (uint8_t)step);
				break;
			case 1:
				model_consume(&o, m);
				break;
			default:
				if (o.n > o.first)
					model_give_back(&o, m, o.first + (unsigned)(rnd(&seed) % (o.n - o.first)),
							rnd(&seed) % 4);
			}
			CHECK_EQ(map_ring_query(m, MAP_RING_PRODUCED), o.produced);
			CHECK_EQ(map_ring_query(m, MAP_RING_CONSUMED), o.consumed);
			CHECK_EQ(map_ring_query(m, MAP_RING_AVAIL), o.produced - o.consumed);
		}
		CHECK(o.produced > 4096 * 2);
		map_free(m);
	}
}

TEST(a_ring_tells_its_size_and_nothing_for_what_it_does_not_know)
{
	struct map *m = ring(PROG_MAP_RINGBUF, 8192, NULL);

	CHECK_EQ(map_ring_query(m, MAP_RING_SIZE), 8192);
	CHECK_EQ(map_ring_query(m, 4), 0);
	CHECK_EQ(map_ring_query(m, UINT64_MAX), 0);
	CHECK(!map_ring_reserve(m, UINT64_MAX));
	CHECK(!map_ring_reserve(m, UINT64_MAX - 8));
	CHECK(!map_ring_reserve(m, 8192 - 8));
	CHECK(map_ring_reserve(m, 8192 - 16));
	map_free(m);
}

/* include/uapi/linux/bpf.h: BPF_RINGBUF_BUSY_BIT 1 << 31, BPF_RINGBUF_DISCARD_BIT 1 << 30 */
TEST(the_header_says_busy_length_and_discarded)
{
	struct map *m = ring(PROG_MAP_RINGBUF, 4096, NULL);
	uint8_t *a = map_ring_reserve(m, 5), *b = map_ring_reserve(m, 6);
	uint32_t header;

	CHECK(b == a + 16);
	memcpy(&header, a - 8, 4);
	CHECK_EQ(header, 0x80000005);
	map_ring_submit(m, a, 0);
	memcpy(&header, a - 8, 4);
	CHECK_EQ(header, 5);
	map_ring_discard(m, b, 0);
	memcpy(&header, b - 8, 4);
	CHECK_EQ(header, 0x40000006);
	map_free(m);
}

TEST(the_host_is_told_when_its_consumer_waits_or_when_asked)
{
	unsigned calls = 0;
	struct map *m = ring(PROG_MAP_RINGBUF, 4096, &calls);
	void *a = map_ring_reserve(m, 8), *b = map_ring_reserve(m, 8);
	struct view v;

	map_ring_submit(m, b, 0);
	CHECK_EQ(calls, 0); /* a holds it up */
	map_ring_submit(m, a, 0);
	CHECK_EQ(calls, 1);
	CHECK_OK(map_ring_output(m, "x", 1, 0));
	CHECK_EQ(calls, 1); /* the consumer has something to do anyway */
	CHECK_OK(map_ring_output(m, "y", 1, MAP_RING_FORCE_WAKEUP));
	CHECK_EQ(calls, 2);
	while (map_ring_next(m, &v))
		map_ring_done(m);
	CHECK_OK(map_ring_output(m, "z", 1, MAP_RING_NO_WAKEUP));
	CHECK_EQ(calls, 2);
	CHECK_EQ(map_ring_output(m, "z", 1, 4), E_INVALID);
	map_free(m);
}

TEST(output_says_whether_it_never_fits_or_not_now)
{
	static const uint8_t bytes[4096];
	struct map *m = ring(PROG_MAP_RINGBUF, 4096, NULL);
	struct view v;

	CHECK_EQ(map_ring_output(m, bytes, 4096 - 8, 0), E_LIMIT);
	CHECK_OK(map_ring_output(m, bytes, 2048, 0));
	CHECK_EQ(map_ring_output(m, bytes, 2048, 0), E_HOST);
	CHECK(map_ring_next(m, &v));
	CHECK_EQ(v.len, 2048);
	map_ring_done(m);
	CHECK_OK(map_ring_output(m, bytes, 2048, 0));
	CHECK_OK(map_ring_output(m, bytes, 0, 0));
	map_free(m);
}

struct seen {
	struct map *m;
	unsigned n, until;
	uint8_t bytes[8];
};

static bool see(void *arg, const uint8_t *sample, uint32_t bytes)
{
	struct seen *s = arg;
	uint32_t n;

	CHECK_EQ(bytes, 1);
	s->bytes[s->n++] = *sample;
	CHECK_EQ(map_drain(s->m, see, arg, 0, &n), E_EXISTS); /* one at a time */
	return s->n < s->until;
}

TEST(a_program_drains_what_the_host_sends_in_order)
{
	unsigned calls = 0;
	struct map *m = ring(PROG_MAP_USER_RINGBUF, 4096, &calls);
	struct seen s = { .m = m, .until = 2 };
	struct view v;
	uint32_t n;

	CHECK_OK(map_drain(m, see, &s, 0, &n));
	CHECK_EQ(n, 0);
	CHECK_EQ(calls, 0);
	for (unsigned i = 0; i < 5; i++) {
		uint8_t *p = map_ring_reserve(m, 1);

		*p = (uint8_t)('a' + i);
		if (i == 1)
			map_ring_discard(m, p, 0);
		else if (i != 4)
			map_ring_submit(m, p, MAP_RING_NO_WAKEUP);
	}
	calls = 0;
	CHECK_OK(map_drain(m, see, &s, 0, &n));
	CHECK_EQ(n, 2);
	CHECK_EQ(calls, 1);
	s.until = 100;
	CHECK_OK(map_drain(m, see, &s, MAP_RING_NO_WAKEUP, &n));
	CHECK_EQ(n, 1); /* the last is not submitted yet */
	CHECK_EQ(calls, 1);
	CHECK(!memcmp(s.bytes, "acd", 3));
	CHECK(!map_ring_next(m, &v));
	CHECK_EQ(map_ring_output(m, "x", 1, 0), E_UNSUPPORTED);
	map_free(m);
}
