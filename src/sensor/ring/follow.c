/* SPDX-License-Identifier: Apache-2.0 */
/*
 * follow: reading a ring beside its consumer.
 *
 * The kernel keeps a record only until the consumer is past it. So a record is copied first, and taken only if the
 * producer had not come near it afterwards: the reader of a sequence lock. The kernel writes the header of a new record
 * before it moves the producer position over it (kernel/bpf/ringbuf.c:__bpf_ringbuf_reserve), so that the bytes just
 * behind that position are not to be relied on either; and where stores are not seen in order, the whole record that is
 * begun there. Both positions are written by others: what cannot be is no way to read elsewhere.
 *
 * Diagnostics: K201, K202, see ring.c.
 */
#include <sys/mman.h>

#include "sensor/ring/layout.h"
#include "sensor/ring/ring.h"

#ifdef __x86_64__
enum { AHEAD_BYTES = HEADER_BYTES };
#else
enum { AHEAD_BYTES = HEADER_BYTES + WIRE_RECORD_MAX };
#endif

enum { MAX_TRIES = 16 };

struct followed {
	const uint64_t *consumer, *producer; /* pages; after the second: data */
	const uint8_t *data;
	uint64_t pos;
	uint32_t bytes, safe; /* so far behind the producer nothing is written yet */
	uint64_t consumed;
};

struct ring_follow {
	uint32_t n;
	size_t page;
	struct ring_follow_stats stats;
	struct followed rings[WIRE_N_RINGS];
	_Alignas(8) uint8_t record[WIRE_RECORD_MAX + ALIGN_BYTES];
};

static FALLIBLE map_one(struct followed *o, int fd, uint32_t bytes, size_t page, struct diag *d)
{
	void *p;

	if (!ring_size_ok(bytes, page))
		FAIL_ID(d, INVALID, 'K', 202, "a ring of %u bytes: it must be a power of two, one page to %d", bytes,
			RING_MAX_BYTES);
	p = mmap(NULL, 2 * page + 2 * (size_t)bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		FAIL_ID(d, IO, 'K', 201, "cannot map a ring for reading: %m");
	o->consumer = p;
	o->producer = (const uint64_t *)(const void *)((const uint8_t *)p + page);
	o->data = (const uint8_t *)p + 2 * page;
	o->bytes = bytes;
	o->safe = bytes - (AHEAD_BYTES < bytes / 2 ? (uint32_t)AHEAD_BYTES : bytes / 2);
	return E_OK;
}

static uint64_t load(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

/* Can a reader at pos still rely on what is there? */
static bool in_reach(const struct followed *o, uint64_t pos)
{
	return load(o->producer) - pos <= o->safe;
}

/* Where the consumer is, if that is in reach and ahead of us: always the beginning of a record. Else at the end. */
static void jump(struct ring_follow *f, struct followed *o)
{
	uint64_t consumer = load(o->consumer), producer = load(o->producer), to = producer;

	if (!(consumer & (ALIGN_BYTES - 1)) && producer - consumer <= o->safe &&
	    consumer - o->pos <= producer - o->pos && consumer != o->pos)
		to = consumer;
	f->stats.skips++;
	f->stats.skipped_bytes += to - o->pos;
	o->pos = to;
}

static void ring_follow_close_ptr(struct ring_follow **f)
{
	ring_follow_close(*f);
}

FALLIBLE ring_follow_open(const int *fds, const uint32_t *sizes, uint32_t n, struct ring_follow **out, struct diag *d)
{
	AUTO(ring_follow_close_ptr) struct ring_follow *f = calloc(1, sizeof *f);

	if (!f)
		return E_NOMEM;
	if (n > WIRE_N_RINGS)
		FAIL_ID(d, INVALID, 'K', 202, "%u rings: there are %d", n, WIRE_N_RINGS);
	f->page = (size_t)sysconf(_SC_PAGESIZE);
	f->n = n;
	for (uint32_t i = 0; i < n; i++) {
		struct followed *o = &f->rings[i];

		TRY(map_one(o, fds[i], sizes[i], f->page, d));
		o->pos = load(o->consumer);
		if (o->pos & (ALIGN_BYTES - 1) || !in_reach(o, o->pos))
			o->pos = load(o->producer);
	}
	*out = TAKE(f);
	return E_OK;
}

void ring_follow_close(struct ring_follow *f)
{
	if (!f)
		return;
	for (uint32_t i = 0; i < f->n; i++)
		if (f->rings[i].consumer)
			(void)munmap((void *)(uintptr_t)f->rings[i].consumer,
				     2 * f->page + 2 * (size_t)f->rings[i].bytes);
	free(f);
}

/* Somebody may write there meanwhile: whole words, none of them read again later. */
static void copy(void *to, const uint8_t *from, size_t bytes)
{
	uint64_t *out = to;

	for (size_t i = 0; i < (bytes + 7) / 8; i++)
		out[i] = load((const uint64_t *)(const void *)from + i);
}

/*
 * The ring's next ready record, over discarded, malformed and lost ones. What is read is believed only after the
 * position was found to be in reach still. Each step moves forward, so it ends.
 */
static bool peek(struct ring_follow *f, struct followed *o, struct head *h)
{
	for (;;) {
		uint64_t producer = load(o->producer), there = producer - o->pos;
		_Alignas(8) struct wire_hdr hdr = { 0 };
		uint32_t word, len;

		if (!there)
			return false;
		if (there > o->safe || there < HEADER_BYTES) {
			jump(f, o);
			continue;
		}
		h->p = o->data + (o->pos & (o->bytes - 1));
		word = __atomic_load_n((const uint32_t *)(const void *)h->p, __ATOMIC_ACQUIRE);
		len = word & ~(BUSY_BIT | DISCARD_BIT);
		h->p += HEADER_BYTES;
		if (!(word & (BUSY_BIT | DISCARD_BIT)) && len >= sizeof hdr && padded(len) <= there)
			copy(&hdr, h->p, sizeof hdr);
		if (!in_reach(o, o->pos)) {
			jump(f, o);
			continue;
		}
		if (word & BUSY_BIT)
			return false;
		if (padded(len) > there) { /* nothing behind this point can be trusted */
			f->stats.malformed++;
			f->stats.skipped_bytes += there;
			o->pos = producer;
			return false;
		}
		h->len = len;
		h->time_ns = hdr.time_ns;
		if (!(word & DISCARD_BIT) && head_fits(len, &hdr))
			return true;
		f->stats.malformed += !(word & DISCARD_BIT);
		o->pos += padded(len);
	}
}

bool ring_follow_next(struct ring_follow *f, struct view *out)
{
	for (uint32_t tries = 0; tries < MAX_TRIES; tries++) {
		struct head heads[WIRE_N_RINGS] = { { 0 } };
		struct followed *o;
		uint32_t best;

		/* Twice, as ring_next does and for its reason. */
		for (int round = 0; round < 2; round++)
			for (uint32_t i = 0; i < f->n; i++)
				if (!heads[i].len && !peek(f, &f->rings[i], &heads[i]))
					heads[i].len = 0;
		best = oldest_head(heads, f->n);
		if (best == f->n)
			return false;
		o = &f->rings[best];
		copy(f->record, heads[best].p, heads[best].len);
		if (in_reach(o, o->pos)) {
			o->pos += padded(heads[best].len);
			o->consumed++;
			*out = view_of(f->record, heads[best].len);
			return true;
		}
		jump(f, o);
	}
	return false;
}

void ring_follow_stats(const struct ring_follow *f, struct ring_follow_stats *out)
{
	*out = f->stats;
	for (uint32_t i = 0; i < f->n; i++)
		out->consumed[i] = f->rings[i].consumed;
}
