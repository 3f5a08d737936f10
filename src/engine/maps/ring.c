/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring: records of any length from many producers to one consumer, and the same way back.
 *
 * Positions only grow; a record begins at its position modulo the size and goes on behind the end: the memory is twice
 * the size, of which the second half is touched only by what sticks out, and what it overlaps at the beginning is not
 * used then. So a record is always in one piece. Producers take positions under a lock, which costs two stores; a
 * record's header says BUSY until it is submitted, and the consumer stops there. The lengths that the consumer steps by
 * stand in headers that no program can reach: in checked settings programs see the bytes of open records only.
 */
#include "engine/maps/impl.h"

enum { HEADER_BYTES = 8, PAGE_BYTES = 4096 };
static const uint32_t busy = UINT32_C(1) << 31, discard = UINT32_C(1) << 30;

static FALLIBLE ring_check(const struct prog_map *def, struct diag *d)
{
	if (def->value_size)
		FAIL_ID(d, INVALID, 'X', 107, "map '%s': a ring has no values, but value size %u", def->name,
			def->value_size);
	if (def->max_entries % PAGE_BYTES || def->max_entries & (def->max_entries - 1))
		FAIL_ID(d, INVALID, 'X', 107, "map '%s': a ring's bytes are a power of two, at least %d, not %u",
			def->name, PAGE_BYTES, def->max_entries);
	return map_check_no_key(def, d);
}

static uint64_t no_slots(const struct prog_map *def)
{
	(void)def;
	return 0;
}

static uint64_t ring_side_bytes(const struct prog_map *def)
{
	return 2ull * def->max_entries;
}

static FALLIBLE ring_init(struct map *m, const struct prog_map *def)
{
	struct map_ring *r = aligned_alloc(_Alignof(struct map_ring), sizeof *r);

	if (!r)
		return E_NOMEM;
	memset(r, 0, sizeof *r);
	m->ring = r;
	r->mask = def->max_entries - 1;
	r->data = calloc(2, def->max_entries);
	return r->data ? E_OK : E_NOMEM;
}

static void ring_done(struct map *m)
{
	if (m->ring)
		free(m->ring->data);
	free(m->ring);
}

static bool is_ring(const struct map *m)
{
	return m->ops == &map_ring_ops || m->ops == &map_user_ring_ops;
}

static _Atomic uint32_t *header_at(const struct map_ring *r, uint64_t position)
{
	return (_Atomic uint32_t *)(void *)(r->data + (position & r->mask));
}

static uint64_t record_bytes(uint64_t bytes)
{
	return (bytes + HEADER_BYTES + 7) & ~UINT64_C(7);
}

static bool ever_fits(const struct map *m, uint64_t bytes)
{
	return bytes <= m->ring->mask && record_bytes(bytes) <= m->ring->mask;
}

void *map_ring_reserve(struct map *m, uint64_t bytes)
{
	_Atomic uint32_t *header = NULL;
	struct map_ring *r;
	uint64_t at, end;

	if (!is_ring(m) || !ever_fits(m, bytes))
		return NULL;
	r = m->ring;
	seq_lock(&r->reserve);
	at = get64(&r->produced);
	end = at + record_bytes(bytes);
	if (end - atomic_load_explicit(&r->consumed, memory_order_acquire) <= r->mask) {
		header = header_at(r, at);
		put32(header, (uint32_t)bytes | busy);
		atomic_store_explicit(&r->produced, end, memory_order_release);
	}
	seq_unlock(&r->reserve);
	return header ? (uint8_t *)header + HEADER_BYTES : NULL;
}

/*
 * Notify where the consumer waits for this record. He may be about to wait: he stores his position, then looks at the
 * header; here the header is stored, then his position is looked at. Both in one order for all (seq_cst), so one of
 * them sees the other.
 */
static void give_back(struct map *m, void *record, uint32_t bit, uint64_t flags)
{
	_Atomic uint32_t *header = (_Atomic uint32_t *)(void *)((uint8_t *)record - HEADER_BYTES);
	struct map_ring *r = m->ring;
	uint64_t at = (uint64_t)((uint8_t *)header - r->data), consumed;

	atomic_store(header, (get32(header) & ~busy) | bit);
	if (!m->opts.notify || flags & MAP_RING_NO_WAKEUP)
		return;
	consumed = atomic_load(&r->consumed);
	if (flags & MAP_RING_FORCE_WAKEUP || (consumed & r->mask) == at)
		m->opts.notify(m, m->opts.notify_arg);
}

void map_ring_submit(struct map *m, void *record, uint64_t flags)
{
	give_back(m, record, 0, flags);
}

void map_ring_discard(struct map *m, void *record, uint64_t flags)
{
	give_back(m, record, discard, flags);
}

FALLIBLE map_ring_output(struct map *m, const void *data, uint64_t bytes, uint64_t flags)
{
	void *record;

	if (m->ops != &map_ring_ops)
		return E_UNSUPPORTED;
	if (flags & ~(uint64_t)(MAP_RING_NO_WAKEUP | MAP_RING_FORCE_WAKEUP))
		return E_INVALID;
	if (!ever_fits(m, bytes))
		return E_LIMIT;
	record = map_ring_reserve(m, bytes);
	if (!record)
		return E_HOST;
	memcpy(record, data, bytes);
	map_ring_submit(m, record, flags);
	return E_OK;
}

uint64_t map_ring_query(const struct map *m, uint64_t what)
{
	uint64_t consumed, produced;

	if (!is_ring(m))
		return 0;
	consumed = get64(&m->ring->consumed);
	produced = get64(&m->ring->produced);
	switch (what) {
	case MAP_RING_AVAIL:
		return produced > consumed ? produced - consumed : 0;
	case MAP_RING_SIZE:
		return m->ring->mask + 1;
	case MAP_RING_CONSUMED:
		return consumed;
	case MAP_RING_PRODUCED:
		return produced;
	}
	return 0;
}

static void pass(struct map_ring *r, uint64_t at, uint32_t header)
{
	atomic_store(&r->consumed, at + record_bytes(header & ~(busy | discard)));
}

static bool next(struct map_ring *r, struct view *out)
{
	for (;;) {
		uint64_t at = get64(&r->consumed);
		uint32_t header;

		if (at == atomic_load_explicit(&r->produced, memory_order_acquire))
			return false;
		header = atomic_load(header_at(r, at));
		if (header & busy)
			return false;
		if (!(header & discard)) {
			*out = (struct view){ r->data + (at & r->mask) + HEADER_BYTES, header };
			return true;
		}
		pass(r, at, header);
	}
}

bool map_ring_next(struct map *m, struct view *out)
{
	return m->ops == &map_ring_ops && next(m->ring, out);
}

void map_ring_done(struct map *m)
{
	uint64_t at;

	if (m->ops != &map_ring_ops)
		return;
	at = get64(&m->ring->consumed);
	pass(m->ring, at, get32(header_at(m->ring, at)));
}

FALLIBLE map_drain(struct map *m, map_drain_fn *fn, void *arg, uint64_t flags, uint32_t *ret_n)
{
	struct map_ring *r;
	bool go_on = true;
	struct view v;
	uint32_t n = 0;

	if (m->ops != &map_user_ring_ops)
		return E_UNSUPPORTED;
	r = m->ring;
	if (atomic_exchange_explicit(&r->draining, 1, memory_order_acquire))
		return E_EXISTS;
	for (; go_on && n < MAP_DRAIN_MAX && next(r, &v); n++) {
		uint64_t at = get64(&r->consumed);

		go_on = fn(arg, v.p, (uint32_t)v.len);
		pass(r, at, get32(header_at(r, at)));
	}
	atomic_store_explicit(&r->draining, 0, memory_order_release);
	if (m->opts.notify && !(flags & MAP_RING_NO_WAKEUP) && (n || flags & MAP_RING_FORCE_WAKEUP))
		m->opts.notify(m, m->opts.notify_arg);
	*ret_n = n;
	return E_OK;
}

#define RING_OPS \
	.check = ring_check, .slots = no_slots, .side_bytes = ring_side_bytes, .init = ring_init, .done = ring_done

const struct map_ops map_ring_ops = { .kind = PROG_MAP_RINGBUF, RING_OPS };
const struct map_ops map_user_ring_ops = { .kind = PROG_MAP_USER_RINGBUF, RING_OPS };
