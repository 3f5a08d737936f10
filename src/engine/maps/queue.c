/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue: values without keys, first in first out (queue) or last in first out (stack).
 *
 * A ring of value slots under one lock; the oldest is at tail. Programs get copies, never pointers.
 */
#include "engine/maps/impl.h"

FALLIBLE map_check_no_key(const struct prog_map *def, struct diag *d)
{
	if (def->key_size)
		FAIL_ID(d, INVALID, 'X', 103, "map '%s': this kind has no keys, but key size %u", def->name,
			def->key_size);
	if (def->init.len)
		FAIL_ID(d, INVALID, 'X', 106, "map '%s': this kind cannot have initial contents", def->name);
	return E_OK;
}

static uint64_t queue_slots(const struct prog_map *def)
{
	return def->max_entries;
}

static uint64_t no_bytes(const struct prog_map *def)
{
	(void)def;
	return 0;
}

/* Slot of the i-th oldest. */
static uint32_t slot_of(const struct map *m, uint32_t i)
{
	uint64_t at = (uint64_t)get32(&m->queue.tail) + i;

	return (uint32_t)(at < m->def.max_entries ? at : at - m->def.max_entries);
}

static FALLIBLE push(struct map *m, const void *value, uint64_t flags)
{
	struct map_queue *q = &m->queue;
	enum err e = E_OK;

	if (flags != MAP_ANY && flags != MAP_EXIST)
		return E_INVALID;
	seq_lock(&q->seq);
	if (get32(&q->n) == m->def.max_entries && flags == MAP_ANY) {
		e = E_LIMIT;
	} else {
		if (get32(&q->n) == m->def.max_entries) {
			put32(&q->tail, slot_of(m, 1));
			put32(&q->n, get32(&q->n) - 1);
		}
		map_value_store(m, slot_of(m, get32(&q->n)), value, 0, true);
		put32(&q->n, get32(&q->n) + 1);
	}
	seq_unlock(&q->seq);
	return e;
}

static FALLIBLE get(struct map *m, void *value, bool newest, bool take)
{
	struct map_queue *q = &m->queue;
	uint32_t n;

	seq_lock(&q->seq);
	n = get32(&q->n);
	if (n) {
		map_value_load(m, newest ? slot_of(m, n - 1) : get32(&q->tail), value);
		if (take) {
			put32(&q->tail, newest ? get32(&q->tail) : slot_of(m, 1));
			put32(&q->n, n - 1);
		}
	}
	seq_unlock(&q->seq);
	if (n)
		return E_OK;
	memset(value, 0, m->def.value_size);
	return E_NOT_FOUND;
}

static FALLIBLE queue_pop(struct map *m, void *value)
{
	return get(m, value, false, true);
}

static FALLIBLE queue_peek(struct map *m, void *value)
{
	return get(m, value, false, false);
}

static FALLIBLE stack_pop(struct map *m, void *value)
{
	return get(m, value, true, true);
}

static FALLIBLE stack_peek(struct map *m, void *value)
{
	return get(m, value, true, false);
}

static uint32_t queue_count(const struct map *m)
{
	return get32(&m->queue.n);
}

#define QUEUE_OPS                                                                                          \
	.flags = PROG_MAP_RDONLY, .check = map_check_no_key, .slots = queue_slots, .side_bytes = no_bytes, \
	.push = push, .count = queue_count

const struct map_ops map_queue_ops = {
	.kind = PROG_MAP_QUEUE,
	QUEUE_OPS,
	.pop = queue_pop,
	.peek = queue_peek,
};

const struct map_ops map_stack_ops = {
	.kind = PROG_MAP_STACK,
	QUEUE_OPS,
	.pop = stack_pop,
	.peek = stack_peek,
};
