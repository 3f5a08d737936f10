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

static FALLIBLE read_version(const struct elf *e, struct obj *o)
{
	const struct elf_section *s;

	TRY(elf_find_one(e, "version", &s));
	if (!s || !s->data.len)
		return E_OK;
	elf_at(e, s->off);
	if (s->data.len != sizeof o->version)
		FAIL_ID(e->d, FORMAT, 'E', 236, "section version has %zu bytes and is no number of 4", s->data.len);
	memcpy(&o->version, s->data.p, sizeof o->version);
	elf_at(e, DIAG_NONE);
	return E_OK;
}

/* Maps that are told by bytes instead of types: which bytes mean what was never written down in the object. */
static FALLIBLE refuse_legacy_maps(const struct elf *e)
{
	for (uint32_t i = 1; i < e->n_sections; i++) {
		const struct elf_section *s = &e->sections[i];

		if (strcmp(s->name, "maps") != 0 || !s->size || !(s->flags & SHF_ALLOC))
			continue;
		elf_at(e, s->off);
		FAIL_ID(e->d, UNSUPPORTED, 'E', 266,
			"section maps defines maps in the way of before BTF; define them in SEC(\".maps\")");
	}
	return E_OK;
}

/* The offset of a variable in its data section, in the types. */
static void place_variable(const struct btf *b, struct btf_var **rows, const struct elf_symbol *sym)
{
	uint32_t id = btf_find(b, BTF_VAR, sym->name, 0);

	if (!id || btf_get(b, id)->n == 0 /* BTF_VAR_STATIC */ || !rows[id] || sym->value > UINT32_MAX)
		return;
	rows[id]->off = (uint32_t)sym->value;
}

/*
 * Compilers leave the offsets of variables in data sections to whoever loads the object: symbols have them. Those of
 * static variables stay as they are. libbpf: btf_fixup_datasec, v1.5
 */
static FALLIBLE place_variables(const struct elf *e, const struct btf *b)
{
	struct btf_var **rows = ARENA_ARRAY(e->a, struct btf_var *, b->n_types);

	if (!rows)
		return E_NOMEM;
	for (uint32_t id = 1; id < b->n_types; id++) {
		const struct btf_type *t = btf_get(b, id);

		for (uint32_t i = 0; t->kind == BTF_DATASEC && i < t->n; i++)
			rows[t->vars[i].type] = (struct btf_var *)(uintptr_t)&t->vars[i]; /* ours: just read */
	}
	for (uint32_t i = 0; i < e->n_symbols; i++)
		if (e->symbols[i].type == STT_OBJECT && e->symbols[i].section)
			place_variable(b, rows, &e->symbols[i]);
	return E_OK;
}

/* *out: NULL when there are no types */
static FALLIBLE read_types(struct elf *e, struct btf **out)
{
	const struct elf_section *s;
	enum err err;

	*out = NULL;
	TRY(elf_find_one(e, ".BTF", &s));
	if (!s)
		return E_OK;
	*out = ARENA_NEW(e->a, struct btf);
	if (!*out)
		return E_NOMEM;
	err = btf_read(s->data, NULL, e->a, *out, e->d);
	if (err != E_OK && e->d && e->d->offset != DIAG_NONE)
		e->d->offset += s->off;
	TRY(err);
	return place_variables(e, *out);
}

FALLIBLE obj_read(struct view bytes, const char *name, const struct obj_opts *opts, struct arena *a, struct obj *out,
		  struct diag *d)
{
	static const struct obj_opts none;
	struct elf e = { .file = bytes, .a = a, .d = d, .opts = opts ? opts : &none };
	struct obj o = { 0 };
	struct obj_externs externs;
	struct obj_maps maps;
	struct obj_lines *lines;
	struct btf *types;

	if (d)
		d->subject = name;
	TRY(elf_read(&e));
	TRY(refuse_legacy_maps(&e));
	TRY(read_types(&e, &types));
	TRY(maps_read(&e, types, &maps));
	TRY(externs_read(&e, types, &maps, &externs));
	TRY(lines_read(&e, types, &lines));
	TRY(link_progs(&e, types, &maps, &externs, lines, &o));
	TRY(list_sections(&e, &o));
	TRY(read_license(&e, &o));
	TRY(read_version(&e, &o));
	o.maps = maps.maps;
	o.n_maps = maps.n;
	o.types = types;
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
