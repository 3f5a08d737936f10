/* SPDX-License-Identifier: Apache-2.0 */
/* types: whose BTF is whose, types by name and id, and what is looked up once before the walk begins. */
#include "engine/kverify/mem.h"

const struct btf *ktypes_btf(const struct kverifier *v, enum ktypes t)
{
	return t == KTYPES_KERNEL ? v->o->kernel_types : t == KTYPES_OBJECT ? v->o->types : NULL;
}

uint32_t ktypes_struct(struct kverifier *v, const char *name)
{
	return v->o->kernel_types ? btf_find(v->o->kernel_types, BTF_STRUCT, name, 0) : 0;
}

const char *ktypes_name(const struct kverifier *v, enum ktypes t, uint32_t id)
{
	const struct btf *b = ktypes_btf(v, t);

	return b && id < b->n_types ? btf_get(b, id)->name : "?";
}

const struct kattach *ktypes_attach(const struct kverifier *v)
{
	return v->attach.proto ? &v->attach : NULL;
}

const struct kmap *ktypes_record(struct kverifier *v, uint32_t type_id)
{
	struct ktypes_data *d = v->types;
	struct kmap *m;

	if (!d || !d->records || type_id >= d->object->n_types)
		return NULL;
	if (d->records_known[type_id])
		return d->records[type_id];
	m = ARENA_NEW(v->arena, struct kmap);
	if (!m || kfields_read(v, type_id, btf_get(d->object, type_id)->size, m) != E_OK)
		return NULL;
	d->records_known[type_id] = 1;
	d->records[type_id] = m->n_kptrs ? m : NULL;
	return d->records[type_id];
}

const struct kfield *kmap_field(const struct kmap *m, uint32_t off)
{
	for (uint32_t i = 0; i < m->n_kptrs; i++)
		if (m->kptrs[i].off == off)
			return &m->kptrs[i];
	return NULL;
}

/* A data section that the loader freezes before programs are loaded. libbpf: bpf_object__create_maps, v1.5 */
static bool is_frozen(const struct prog_map *m)
{
	bool internal = m->init.len || (m->name && (!strncmp(m->name, ".rodata", 7) || !strcmp(m->name, ".kconfig")));

	return m->kind == PROG_MAP_ARRAY && m->max_entries == 1 && m->flags & PROG_MAP_RDONLY && internal;
}

/* libbpf gives no types to the kernel for maps of these kinds. libbpf: bpf_object__create_map, v1.5 */
static bool has_types(const struct prog_map *m)
{
	static const uint8_t without[] = { 3, 4, 7, 8, 12, 13, 14, 15, 16, 17, 18, 22, 23, 25, 33 };

	return m->value_type && !memchr(without, (int)m->kind, sizeof without);
}

static FALLIBLE describe(struct kverifier *v, const struct prog_map *m, struct kmap *out)
{
	uint32_t id = m->value_type;

	*out = (struct kmap){
		.spin_lock_off = -1, .res_spin_lock_off = -1, .timer_off = -1, .wq_off = -1, .task_work_off = -1
	};
	if (v->o->types && id < v->o->types->n_types && has_types(m))
		TRY(kfields_read(v, id, m->value_size, out));
	out->m = m;
	out->frozen = is_frozen(m);
	if (!m->inner)
		return E_OK;
	if (m->inner->inner)
		KREJECT(v, MAP_HERE, "the kernel makes no map of maps of maps");
	out->inner = ARENA_NEW(v->arena, struct kmap);
	KNEED(v, out->inner);
	return describe(v, m->inner, (struct kmap *)(uintptr_t)out->inner);
}

FALLIBLE ktypes_init(struct kverifier *v)
{
	struct ktypes_data *d = ARENA_NEW(v->arena, struct ktypes_data);

	KNEED(v, d);
	v->types = d;
	d->kernel = v->o->kernel_types;
	d->object = v->o->types;
	if (d->object) {
		d->records = ARENA_ARRAY(v->arena, const struct kmap *, d->object->n_types);
		d->records_known = ARENA_ARRAY(v->arena, uint8_t, d->object->n_types);
		KNEED(v, d->records && d->records_known);
	}
	v->maps = ARENA_ARRAY(v->arena, struct kmap, v->p->n_maps);
	KNEED(v, v->maps || !v->p->n_maps);
	for (uint32_t i = 0; i < v->p->n_maps; i++)
		TRY(describe(v, &v->p->maps[i], &v->maps[i]));
	return E_OK;
}
