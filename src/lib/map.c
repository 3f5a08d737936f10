/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/lib.h"

#include "engine/vm/vm.h"

SP_API enum sp_status sp_map_new(const struct sp_map_def *def, struct sp_map **out, struct sp_report *r)
{
	struct map_opts o = { .n_cpus = def->n_cpus };
	struct prog_map p = { .name = def->name ? def->name : "",
			      .kind = (uint32_t)def->kind,
			      .key_size = def->key_size,
			      .value_size = def->value_size,
			      .max_entries = def->max_entries,
			      .flags = def->flags,
			      .n_hashes = def->n_hashes,
			      .inner = def->inner ? map_def(lib_map(def->inner)) : NULL };
	struct map *m;
	struct diag d;
	enum err e;

	diag_init(&d);
	lib_report_clear(r);
	e = map_new_with(&p, &o, &m, &d);
	if (e == E_OK)
		*out = lib_sp_map(m);
	return lib_report(r, e, &d);
}

SP_API void sp_map_free(struct sp_map *m)
{
	map_free(lib_map(m));
}

SP_API struct sp_map *sp_map_ref(struct sp_map *m)
{
	return lib_sp_map(map_ref(lib_map(m)));
}

SP_API void sp_map_describe(const struct sp_map *m, struct sp_map_def *out)
{
	const struct prog_map *p = map_def(lib_map(m));

	*out = (struct sp_map_def){ .name = p->name,
				    .kind = (enum sp_map_kind)p->kind,
				    .key_size = p->key_size,
				    .value_size = p->value_size,
				    .max_entries = p->max_entries,
				    .flags = p->flags,
				    .n_cpus = map_cpus(lib_map(m)),
				    .n_hashes = p->n_hashes };
}

SP_API void *sp_map_lookup(struct sp_map *m, const void *key)
{
	return map_lookup(lib_map(m), key);
}

SP_API void *sp_map_lookup_cpu(struct sp_map *m, const void *key, uint32_t cpu)
{
	return map_lookup_cpu(lib_map(m), key, cpu);
}

SP_API size_t sp_map_value_bytes(const struct sp_map *m)
{
	return map_value_bytes(lib_map(m));
}

SP_API enum sp_status sp_map_read(struct sp_map *m, const void *key, void *value)
{
	return lib_status(map_read(lib_map(m), key, value));
}

SP_API enum sp_status sp_map_update(struct sp_map *m, const void *key, const void *value, uint64_t flags)
{
	return lib_status(map_update(lib_map(m), key, value, flags));
}

SP_API enum sp_status sp_map_delete(struct sp_map *m, const void *key)
{
	return lib_status(map_delete(lib_map(m), key));
}

SP_API uint32_t sp_map_count(const struct sp_map *m)
{
	return map_count(lib_map(m));
}

SP_API enum sp_status sp_map_batch(struct sp_map *m, uint64_t *cursor, void *keys, void *values, uint32_t max,
				   uint32_t *n)
{
	struct map_cursor c = { .at = (uint32_t)*cursor };
	bool end = false;
	enum err e = E_OK;

	*n = 0;
	while (e == E_OK && !*n && !end)
		e = map_batch(lib_map(m), &c, keys, values, max, n, &end);
	*cursor = c.at;
	return e == E_OK && !*n && max ? SP_NOT_FOUND : lib_status(e);
}

SP_API enum sp_status sp_map_next(struct sp_map *m, uint64_t *cursor, void *key)
{
	uint32_t n;

	return sp_map_batch(m, cursor, key, NULL, 1, &n);
}

SP_API enum sp_status sp_map_push(struct sp_map *m, const void *value, uint64_t flags)
{
	return lib_status(map_push(lib_map(m), value, flags));
}

SP_API enum sp_status sp_map_pop(struct sp_map *m, void *value)
{
	return lib_status(map_pop(lib_map(m), value));
}

SP_API enum sp_status sp_map_peek(struct sp_map *m, void *value)
{
	return lib_status(map_peek(lib_map(m), value));
}

SP_API void sp_map_freeze(struct sp_map *m)
{
	map_freeze(lib_map(m));
}

SP_API enum sp_status sp_map_set_inner(struct sp_map *outer, const void *key, struct sp_map *inner, struct sp_report *r)
{
	struct diag d;

	diag_init(&d);
	lib_report_clear(r);
	return lib_report(r, map_set_inner(lib_map(outer), key, lib_map(inner), &d), &d);
}

SP_API void sp_map_quiesce(struct sp_map *outer)
{
	map_quiesce(lib_map(outer));
}

SP_API uint64_t sp_ringbuf_consume(struct sp_map *m, sp_record_fn *fn, void *user)
{
	struct view record;
	uint64_t n = 0;

	while (map_ring_next(lib_map(m), &record)) {
		bool more = fn(user, record.p, (uint32_t)record.len);

		map_ring_done(lib_map(m));
		n++;
		if (!more)
			break;
	}
	return n;
}

SP_API void *sp_user_ringbuf_reserve(struct sp_map *m, uint32_t bytes)
{
	return map_ring_reserve(lib_map(m), bytes);
}

SP_API void sp_user_ringbuf_submit(struct sp_map *m, void *record, bool discard)
{
	if (discard)
		map_ring_discard(lib_map(m), record, 0);
	else
		map_ring_submit(lib_map(m), record, 0);
}

SP_API enum sp_status sp_map_set_program(struct sp_map *prog_array, uint32_t index, const struct sp_program *p)
{
	return lib_status(vm_prog_array_set(lib_map(prog_array), index, p ? p->vp : NULL));
}
