/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maps: what .maps defines through its types, and data sections as arrays of one value.
 *
 * A definition is a struct variable in .maps whose members say a number (pointer to an array of that many elements) or
 * a type (pointer to it). Only names and types count; of the section's bytes those of `values` do (data.c). Which name
 * stands at which offset is in the symbol table, since compilers leave it to the linker to put offsets into BTF.
 */
#include "engine/obj/internal.h"

enum { HELD_BYTES = 4 }; /* what a map of maps or of programs has as values: descriptors, where there are such */

/* A member's number: pointer to an array, its count of elements; or an enum, its first value (__ulong of libbpf). */
static bool member_number(const struct btf *b, uint32_t type, uint32_t *out)
{
	const struct btf_type *t = btf_get(b, btf_skip(b, type));

	if ((t->kind == BTF_ENUM || t->kind == BTF_ENUM64) && t->n) {
		*out = (uint32_t)t->enumerators[0].value;
		return t->enumerators[0].value <= UINT32_MAX;
	}
	if (t->kind != BTF_PTR)
		return false;
	t = btf_get(b, btf_skip(b, t->type));
	*out = t->n;
	return t->kind == BTF_ARRAY;
}

static bool member_size(const struct btf *b, uint32_t type, uint32_t *out)
{
	const struct btf_type *t = btf_get(b, btf_skip(b, type));
	uint64_t bytes;

	if (t->kind != BTF_PTR || !btf_size(b, t->type, &bytes) || bytes > UINT32_MAX)
		return false;
	*out = (uint32_t)bytes;
	return true;
}

/* One map being defined by a struct. */
struct definition {
	struct elf *e;
	const struct btf *b;
	struct prog_map *map;
	uint32_t *values_off; /* NULL: it is an inner map, which can hold none */
};

static FALLIBLE read_definition(const struct definition *def, uint32_t type);

/* `values`: an array of pointers to what is held, a map's struct or a function. */
static FALLIBLE read_values(const struct definition *def, const struct btf_member *member)
{
	const struct btf_type *t = btf_get(def->b, btf_skip(def->b, member->type));
	struct prog_map *m = def->map, *inner;
	uint32_t held;

	if (!def->values_off)
		FAIL_ID(def->e->d, UNSUPPORTED, 'E', 254, "map '%s' is to be held by a map and to hold others",
			m->name);
	t = t->kind == BTF_ARRAY ? btf_get(def->b, btf_skip(def->b, t->type)) : t;
	held = t->kind == BTF_PTR ? btf_skip(def->b, t->type) : 0;
	t = btf_get(def->b, held);
	if ((t->kind != BTF_STRUCT && t->kind != BTF_FUNC_PROTO) || member->bit_off % 64 || member->bit_size ||
	    (m->value_size && m->value_size != HELD_BYTES))
		FAIL_ID(def->e->d, FORMAT, 'E', 267, "map '%s': 'values' holds neither maps nor functions", m->name);
	m->value_size = HELD_BYTES;
	*def->values_off = member->bit_off / 8;
	if (t->kind == BTF_FUNC_PROTO)
		return E_OK;
	inner = ARENA_NEW(def->e->a, struct prog_map);
	if (!inner)
		return E_NOMEM;
	m->inner = inner;
	inner->name = arena_printf(def->e->a, "%s.inner", m->name);
	if (!inner->name)
		return E_NOMEM;
	return read_definition(&(struct definition){ def->e, def->b, inner, NULL }, held);
}

static FALLIBLE read_member(const struct definition *def, const struct btf_member *member)
{
	struct prog_map *m = def->map;
	uint32_t ignored;
	struct {
		const char *name;
		bool is_type;
		uint32_t *out, *type;
	} rows[] = {
		{ "type", false, &m->kind },
		{ "key", true, &m->key_size, &m->key_type },
		{ "value", true, &m->value_size, &m->value_type },
		{ "key_size", false, &m->key_size },
		{ "value_size", false, &m->value_size },
		{ "max_entries", false, &m->max_entries },
		{ "map_flags", false, &m->flags },
		{ "map_extra", false, &m->n_hashes },
		{ "pinning", false, &m->pinning },
		{ "numa_node", false, &ignored },
	};

	if (!strcmp(member->name, "values"))
		return read_values(def, member);
	for (size_t i = 0; i < countof(rows); i++) {
		if (strcmp(member->name, rows[i].name))
			continue;
		if (!(rows[i].is_type ? member_size : member_number)(def->b, member->type, rows[i].out))
			FAIL_ID(def->e->d, FORMAT, 'E', 253, "map '%s': member '%s' has a type that says nothing",
				m->name, member->name);
		if (rows[i].is_type)
			*rows[i].type = btf_get(def->b, btf_skip(def->b, member->type))->type;
		return E_OK;
	}
	FAIL_ID(def->e->d, UNSUPPORTED, 'E', 254, "map '%s': member '%.64s' is not supported", m->name, member->name);
}

static FALLIBLE read_definition(const struct definition *def, uint32_t type)
{
	const struct btf_type *t = btf_get(def->b, btf_skip(def->b, type));
	const struct prog_map *m = def->map;

	if (t->kind != BTF_STRUCT)
		FAIL_ID(def->e->d, FORMAT, 'E', 252, "map '%s' is not defined by a struct", m->name);
	for (uint32_t i = 0; i < t->n; i++)
		TRY(read_member(def, &t->members[i]));
	if (m->key_size > elf_max_key(def->e) || m->value_size > elf_max_value(def->e))
		FAIL_ID(def->e->d, LIMIT, 'E', 255, "map '%s': keys of %u and values of %u bytes, at most %u and %u",
			m->name, m->key_size, m->value_size, elf_max_key(def->e), elf_max_value(def->e));
	return E_OK;
}

/* The section ".maps" in the types: what its variables are. */
static FALLIBLE find_datasec(const struct elf *e, const struct btf *b, const struct btf_type **out)
{
	uint32_t id = btf_find(b, BTF_DATASEC, ".maps", 0);

	if (!id)
		FAIL_ID(e->d, FORMAT, 'E', 251, ".BTF does not describe .maps");
	*out = btf_get(b, id);
	if ((*out)->n > OBJ_MAX_MAPS)
		FAIL_ID(e->d, LIMIT, 'E', 256, "%u maps, at most %d are read", (*out)->n, OBJ_MAX_MAPS);
	return E_OK;
}

/* The type of the variable called name, or 0. */
static uint32_t variable_type(const struct btf *b, const struct btf_type *datasec, const char *name)
{
	for (uint32_t i = 0; i < datasec->n; i++) {
		const struct btf_type *var = btf_get(b, datasec->vars[i].type);

		if (var->kind == BTF_VAR && !strcmp(var->name, name))
			return var->type;
	}
	return 0;
}

static bool is_map_symbol(const struct obj_maps *m, const struct elf_symbol *s)
{
	return s->section == m->maps_section && s->type == STT_OBJECT;
}

/* Names and offsets of the maps, in order of offset. */
static FALLIBLE list_symbols(struct elf *e, struct obj_maps *m)
{
	uint64_t bytes = e->sections[m->maps_section].data.len;

	for (uint32_t i = 1; i < e->n_symbols; i++) {
		const struct elf_symbol *s = &e->symbols[i];
		uint32_t k = m->n;

		if (!is_map_symbol(m, s))
			continue;
		TRY(elf_check_name(e, s->name, "map"));
		if (m->n == OBJ_MAX_MAPS)
			FAIL_ID(e->d, LIMIT, 'E', 256, "more than %d maps", OBJ_MAX_MAPS);
		for (; k && m->value[k - 1] > s->value; k--) {
			m->value[k] = m->value[k - 1];
			m->bytes[k] = m->bytes[k - 1];
			m->maps[k] = m->maps[k - 1];
		}
		if (k && m->value[k - 1] == s->value)
			FAIL_ID(e->d, FORMAT, 'E', 257, "maps '%s' and '%s' stand at the same place",
				m->maps[k - 1].name, s->name);
		m->value[k] = s->value;
		m->bytes[k] = s->value > bytes ? 0 : s->size < bytes - s->value ? s->size : bytes - s->value;
		m->maps[k] = (struct prog_map){ .name = s->name };
		m->n++;
	}
	return E_OK;
}

static FALLIBLE read_defined(struct elf *e, const struct btf *b, struct obj_maps *m)
{
	const struct btf_type *datasec;

	TRY(list_symbols(e, m));
	m->n_defined = m->n;
	if (!m->n)
		return E_OK;
	if (!b)
		FAIL_ID(e->d, UNSUPPORTED, 'E', 250,
			"there are maps, but no .BTF to say what they are (clang -g makes it)");
	TRY(find_datasec(e, b, &datasec));
	for (uint32_t i = 0; i < m->n; i++) {
		uint32_t type = variable_type(b, datasec, m->maps[i].name);

		if (!type)
			FAIL_ID(e->d, FORMAT, 'E', 251, ".BTF does not describe map '%s'", m->maps[i].name);
		m->values_off[i] = NO_INDEX;
		TRY(read_definition(&(struct definition){ e, b, &m->maps[i], &m->values_off[i] }, type));
	}
	return E_OK;
}

/* name is base, or begins with base and a dot */
static bool is_kind_of(const char *name, const char *base)
{
	size_t n = strlen(base);

	return !strncmp(name, base, n) && (!name[n] || name[n] == '.');
}

static bool is_data(const struct elf_section *s)
{
	if (!(s->flags & SHF_ALLOC) || !s->size)
		return false;
	return (s->type == SHT_PROGBITS && (is_kind_of(s->name, ".rodata") || is_kind_of(s->name, ".data"))) ||
	       (s->type == SHT_NOBITS && is_kind_of(s->name, ".bss"));
}

/* b: NULL without BTF */
static FALLIBLE read_data(struct elf *e, const struct btf *b, struct obj_maps *m)
{
	for (uint32_t i = 1; i < e->n_sections; i++) {
		const struct elf_section *s = &e->sections[i];

		if (!is_data(s))
			continue;
		elf_at(e, s->off);
		if (m->n == OBJ_MAX_MAPS)
			FAIL_ID(e->d, LIMIT, 'E', 256, "more than %d maps", OBJ_MAX_MAPS);
		if (s->size > elf_max_value(e))
			FAIL_ID(e->d, LIMIT, 'E', 258, "section %s has %llu bytes, at most %u are read", s->name,
				(unsigned long long)s->size, elf_max_value(e));
		m->by_section[i] = m->n;
		m->maps[m->n++] = (struct prog_map){
			.name = s->name,
			.kind = PROG_MAP_ARRAY,
			.key_size = 4,
			.value_size = (uint32_t)s->size,
			.max_entries = 1,
			.value_type = b ? btf_find(b, BTF_DATASEC, s->name, 0) : 0,
			.flags = is_kind_of(s->name, ".rodata") ? PROG_MAP_RDONLY : 0,
			.init = s->data,
		};
	}
	return E_OK;
}

uint32_t maps_at(const struct obj_maps *m, uint64_t value)
{
	for (uint32_t i = 0; i < m->n_defined; i++)
		if (m->value[i] == value)
			return i;
	return NO_INDEX;
}

FALLIBLE maps_read(struct elf *e, const struct btf *b, struct obj_maps *out)
{
	struct obj_maps m = { 0 };
	const struct elf_section *defs;

	m.maps = ARENA_ARRAY(e->a, struct prog_map, OBJ_MAX_MAPS);
	m.value = ARENA_ARRAY(e->a, uint64_t, OBJ_MAX_MAPS);
	m.bytes = ARENA_ARRAY(e->a, uint64_t, OBJ_MAX_MAPS);
	m.values_off = ARENA_ARRAY(e->a, uint32_t, OBJ_MAX_MAPS);
	m.by_section = ARENA_ARRAY(e->a, uint32_t, e->n_sections);
	if (!m.maps || !m.value || !m.bytes || !m.values_off || !m.by_section)
		return E_NOMEM;
	memset(m.by_section, 0xff, e->n_sections * sizeof *m.by_section);
	TRY(elf_find_one(e, ".maps", &defs));
	if (defs) {
		m.maps_section = (uint32_t)(defs - e->sections);
		TRY(read_defined(e, b, &m));
	}
	TRY(read_data(e, b, &m));
	elf_at(e, DIAG_NONE);
	*out = m;
	return E_OK;
}
