/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ringbuf: records that programs send to the host.
 *
 * Which records a run has open stands in its helper_env, so that a checked program can reach only their bytes and give
 * back only what it has, and what it leaves open is discarded for it.
 */
#include "engine/helpers/impl.h"

#include <errno.h>

bool helper_record_holds(const struct helper_env *env, uint64_t addr, uint64_t bytes)
{
	const struct helper_records *rs = env->records;

	for (uint32_t i = 0; rs && i < rs->n; i++) {
		uint64_t at = addr - (uint64_t)(uintptr_t)rs->at[i].p;

		if (at <= rs->at[i].bytes && bytes <= rs->at[i].bytes - at)
			return true;
	}
	return false;
}

static struct helper_record *find(const struct helper_env *env, uint64_t addr)
{
	struct helper_records *rs = env->records;

	for (uint32_t i = 0; rs && i < rs->n; i++)
		if ((uint64_t)(uintptr_t)rs->at[i].p == addr)
			return &rs->at[i];
	return NULL;
}

bool helper_record_at(const struct helper_env *env, uint64_t addr)
{
	return find(env, addr);
}

void helper_records_discard(struct helper_records *rs)
{
	while (rs->n) {
		const struct helper_record *r = &rs->at[--rs->n];

		map_ring_discard(r->ring, r->p, 0);
	}
}

HELPER_FN(ringbuf_output, map, data, bytes, flags)
{
	struct map *m = (struct map *)(uintptr_t)map;

	switch ((int)map_ring_output(m, (const void *)(uintptr_t)data, bytes, flags)) {
	case E_OK:
		return 0;
	case E_LIMIT:
		return (uint64_t)-E2BIG;
	case E_HOST:
		return (uint64_t)-EAGAIN;
	case E_UNSUPPORTED:
		return (uint64_t)-EOPNOTSUPP;
	}
	return (uint64_t)-EINVAL;
}

HELPER_FN(ringbuf_reserve, map, bytes, flags)
{
	struct map *m = (struct map *)(uintptr_t)map;
	struct helper_records *rs = env->records;
	uint8_t *p;

	if (flags || !rs || rs->n == HELPER_RECORDS || map_def(m)->kind != PROG_MAP_RINGBUF)
		return 0;
	p = map_ring_reserve(m, bytes);
	if (p)
		rs->at[rs->n++] = (struct helper_record){ m, p, bytes };
	return (uint64_t)(uintptr_t)p;
}

/* The record leaves the list; false: it was not in it. */
static bool take(struct helper_env *env, uint64_t record, struct helper_record *out)
{
	struct helper_record *r = find(env, record);

	if (!r)
		return false;
	*out = *r;
	*r = env->records->at[--env->records->n];
	return true;
}

HELPER_FN(ringbuf_submit, record, flags)
{
	struct helper_record r;

	if (take(env, record, &r))
		map_ring_submit(r.ring, r.p, flags);
	return 0;
}

HELPER_FN(ringbuf_discard, record, flags)
{
	struct helper_record r;

	if (take(env, record, &r))
		map_ring_discard(r.ring, r.p, flags);
	return 0;
}

HELPER_FN(ringbuf_query, map, what)
{
	const struct map *m = (const struct map *)(uintptr_t)map;

	return map_ring_query(m, what);
}
