/* SPDX-License-Identifier: Apache-2.0 */
/* obj: the read as a whole, and what the caller finds afterwards. */
#include "engine/obj/internal.h"

static FALLIBLE list_sections(const struct elf *e, struct obj *o)
{
	struct obj_section *list = ARENA_ARRAY(e->a, struct obj_section, e->n_sections);

	if (!list)
		return E_NOMEM;
	for (uint32_t i = 1; i < e->n_sections; i++)
		if (e->sections[i].name[0] && e->sections[i].data.len)
			list[o->n_sections++] = (struct obj_section){ e->sections[i].name, e->sections[i].data };
	o->sections = list;
	return E_OK;
}

static FALLIBLE read_license(const struct elf *e, struct obj *o)
{
	const struct elf_section *s;

	o->license = "";
	TRY(elf_find_one(e, "license", &s));
	if (!s || !s->data.len)
		return E_OK;
	elf_at(e, s->off);
	if (s->data.p[s->data.len - 1] || s->data.len > OBJ_MAX_NAME)
		FAIL_ID(e->d, FORMAT, 'E', 236, "section license is not a string of at most %d bytes", OBJ_MAX_NAME);
	o->license = (const char *)s->data.p;
	elf_at(e, DIAG_NONE);
	return E_OK;
}

FALLIBLE obj_read(struct view bytes, const char *name, struct arena *a, struct obj *out, struct diag *d)
{
	struct elf e = { .file = bytes, .a = a, .d = d };
	const struct elf_section *types;
	struct obj o = { 0 };
	struct obj_maps maps;
	struct obj_lines *lines;
	struct btf btf;

	if (d)
		d->subject = name;
	TRY(elf_read(&e));
	TRY(elf_find_one(&e, ".BTF", &types));
	if (types)
		TRY(btf_read(&e, types, &btf));
	TRY(maps_read(&e, types ? &btf : NULL, &maps));
	TRY(lines_read(&e, types ? &btf : NULL, &lines));
	TRY(link_progs(&e, &maps, lines, &o));
	TRY(list_sections(&e, &o));
	TRY(read_license(&e, &o));
	o.maps = maps.maps;
	o.n_maps = maps.n;
	*out = o;
	return E_OK;
}

const struct obj_section *obj_section(const struct obj *o, const char *name)
{
	for (uint32_t i = 0; i < o->n_sections; i++)
		if (!strcmp(o->sections[i].name, name))
			return &o->sections[i];
	return NULL;
}

const struct prog *obj_prog(const struct obj *o, const char *name)
{
	for (uint32_t i = 0; i < o->n_progs; i++)
		if (!strcmp(o->progs[i].name, name))
			return &o->progs[i];
	return NULL;
}
