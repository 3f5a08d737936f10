/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring: BPF ring buffers, read by hand, by their one consumer.
 *
 * The kernel writes all of it, yet every length is checked against what is there, and the length word is read once.
 *
 * Diagnostics: K201 a ring cannot be mapped, K202 size or number of rings, K203 the statistics cannot be mapped.
 */
#include "sensor/ring/ring.h"

#include <errno.h>
#include <sys/mman.h>

#include "sensor/ring/layout.h"

struct one_ring {
	uint64_t *consumer;       /* its page, writable */
	const uint64_t *producer; /* its page, then data */
	const uint8_t *data;
	uint64_t pos; /* ours; what is at *consumer, so that nobody else's write there moves us */
	uint32_t bytes;
	uint64_t consumed;
};

struct ring {
	uint32_t n;
	size_t page;
	uint64_t malformed;
	struct one_ring rings[WIRE_N_RINGS];
	uint8_t record[WIRE_RECORD_MAX] __attribute__((aligned(8)));
};

static FALLIBLE map_one(struct one_ring *r, int fd, uint32_t bytes, size_t page, struct diag *d)
{
	void *p;

	if (!ring_size_ok(bytes, page))
		FAIL_ID(d, INVALID, 'K', 202, "a ring of %u bytes: it must be a power of two, one page to %d", bytes,
			RING_MAX_BYTES);
	p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		FAIL_ID(d, IO, 'K', 201, "cannot map a ring's consumer position: %m");
	r->consumer = p;
	p = mmap(NULL, page + 2 * (size_t)bytes, PROT_READ, MAP_SHARED, fd, (off_t)page);
	if (p == MAP_FAILED)
		FAIL_ID(d, IO, 'K', 201, "cannot map a ring's data: %m");
	r->producer = p;
	r->data = (const uint8_t *)p + page;
	r->bytes = bytes;
	r->pos = __atomic_load_n(r->consumer, __ATOMIC_ACQUIRE);
	return E_OK;
}

static void ring_close_ptr(struct ring **r)
{
	ring_close(*r);
}

FALLIBLE ring_open(const int *fds, const uint32_t *sizes, uint32_t n, struct ring **out, struct diag *d)
{
	AUTO(ring_close_ptr) struct ring *r = calloc(1, sizeof *r);

	if (!r)
		return E_NOMEM;
	if (n > WIRE_N_RINGS)
		FAIL_ID(d, INVALID, 'K', 202, "%u rings: there are %d", n, WIRE_N_RINGS);
	r->page = (size_t)sysconf(_SC_PAGESIZE);
	r->n = n;
	for (uint32_t i = 0; i < n; i++)
		TRY(map_one(&r->rings[i], fds[i], sizes[i], r->page, d));
	*out = TAKE(r);
	return E_OK;
}

void ring_close(struct ring *r)
{
	if (!r)
		return;
	for (uint32_t i = 0; i < r->n; i++) {
		struct one_ring *o = &r->rings[i];

		if (o->consumer)
			(void)munmap(o->consumer, r->page);
		if (o->producer)
			(void)munmap((void *)(uintptr_t)o->producer, r->page + 2 * (size_t)o->bytes);
	}
	free(r);
}

static void commit(struct one_ring *o, uint64_t pos)
{
	o->pos = pos;
	__atomic_store_n(o->consumer, pos, __ATOMIC_RELEASE);
}

/* Nothing behind this point can be trusted: go on where the producer is now. */
static void resync(struct ring *r, struct one_ring *o, uint64_t producer)
{
	r->malformed++;
	commit(o, producer);
}

/* Is it a record? Sets its time. */
static bool head_is_whole(struct head *h)
{
	struct wire_hdr hdr;

	if (VIEW_READ(view_of(h->p, h->len), 0, &hdr) != E_OK)
		return false;
	h->time_ns = hdr.time_ns;
	return head_fits(h->len, &hdr);
}

/* Find the ring's next ready record, over discarded and malformed ones. Each step moves forward, so it ends. */
static bool peek(struct ring *r, struct one_ring *o, struct head *h)
{
	for (;;) {
		uint64_t producer = __atomic_load_n(o->producer, __ATOMIC_ACQUIRE), there = producer - o->pos;
		uint32_t word, len;

		if (!there)
			return false;
		if (there > o->bytes || there < HEADER_BYTES || (o->pos & (ALIGN_BYTES - 1))) {
			resync(r, o, producer);
			return false;
		}
		h->p = o->data + (o->pos & (o->bytes - 1));
		word = __atomic_load_n((const uint32_t *)(const void *)h->p, __ATOMIC_ACQUIRE);
		if (word & BUSY_BIT)
			return false;
		len = word & ~DISCARD_BIT;
		if (padded(len) > there) {
			resync(r, o, producer);
			return false;
		}
		h->p += HEADER_BYTES;
		h->len = len;
		if (!(word & DISCARD_BIT) && head_is_whole(h))
			return true;
		if (!(word & DISCARD_BIT)) {
			r->malformed++;
			o->consumed++;
		}
		commit(o, o->pos + padded(len));
	}
}

bool ring_next(struct ring *r, struct view *out)
{
	struct head heads[WIRE_N_RINGS] = { { 0 } }, *h;
	uint32_t best;

	/*
	 * Twice: what caused a record seen in the first round was there before it, so it is seen in the second, even if
	 * it came into its ring just after that ring was looked at.
	 */
	for (int round = 0; round < 2; round++)
		for (uint32_t i = 0; i < r->n; i++)
			if (!heads[i].len && !peek(r, &r->rings[i], &heads[i]))
				heads[i].len = 0;
	best = oldest_head(heads, r->n);
	if (best == r->n)
		return false;
	h = &heads[best];
	memcpy(r->record, h->p, h->len);
	r->rings[best].consumed++;
	commit(&r->rings[best], r->rings[best].pos + padded(h->len));
	*out = view_of(r->record, h->len);
	return true;
}

uint64_t ring_consumed(const struct ring *r, uint32_t ring)
{
	return ring < r->n ? r->rings[ring].consumed : 0;
}

uint64_t ring_malformed(const struct ring *r)
{
	return r->malformed;
}
