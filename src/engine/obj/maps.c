/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maps: what .maps defines through its types, and data sections as arrays of one value.
 *
 * A definition is a struct variable in .maps whose members say a number (pointer to an array of that many elements) or
 * a type (pointer to it). Only names and types count, the section's bytes do not. Which name stands at which offset is
 * in the symbol table, since compilers leave it to the linker to put offsets into BTF.
 */
#include "engine/obj/internal.h"

/* A member's number: pointer to an array; its count of elements. */
static bool member_number(const struct btf *b, uint32_t type, uint32_t *out)
{
	uint32_t dims[3];
	struct btf_type t;

	if (!btf_strip(b, type, &t) || t.kind != BTF_PTR || !btf_strip(b, t.size, &t) || t.kind != BTF_ARRAY ||
	    VIEW_READ(t.rest, 0, &dims) != E_OK)
		return false;
	*out = dims[2];
	return true;
}

static bool member_size(const struct btf *b, uint32_t type, uint32_t *out)
{
	struct btf_type t;

	return btf_strip(b, type, &t) && t.kind == BTF_PTR && btf_size(b, t.size, out) == E_OK;
}

static FALLIBLE read_member(const struct btf *b, const char *name, uint32_t type, struct prog_map *m)
{
	uint32_t ignored;
	struct {
		const char *name;
		bool is_type;
		uint32_t *out;
	} rows[] = {
		{ "type", false, &m->kind },
		{ "key", true, &m->key_size },
		{ "value", true, &m->value_size },
		{ "key_size", false, &m->key_size },
		{ "value_size", false, &m->value_size },
		{ "max_entries", false, &m->max_entries },
		{ "map_flags", false, &m->flags },
		{ "pinning", false, &ignored },
		{ "numa_node", false, &ignored },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		if (strcmp(name, rows[i].name))
			continue;
		if (!(rows[i].is_type ? member_size : member_number)(b, type, rows[i].out))
			FAIL_ID(b->e->d, FORMAT, 'E', 253, "map '%s': member '%s' has a type that says nothing",
				m->name, name);
		return E_OK;
	}
	FAIL_ID(b->e->d, UNSUPPORTED, 'E', 254, "map '%s': member '%.64s' is not supported", m->name, name);
}

static FALLIBLE read_definition(const struct btf *b, uint32_t type, struct prog_map *m)
{
	struct btf_type t;

	if (!btf_strip(b, type, &t) || t.kind != BTF_STRUCT)
		FAIL_ID(b->e->d, FORMAT, 'E', 252, "map '%s' is not defined by a struct", m->name);
	for (uint32_t i = 0; i < t.vlen; i++) {
		uint32_t raw[3]; /* name, type, bit offset */
		const char *name;

		TRY(VIEW_READ(t.rest, (uint64_t)i * sizeof raw, &raw));
		name = btf_str(b, raw[0]);
		if (!name)
			FAIL_ID(b->e->d, FORMAT, 'E', 252, "map '%s': the name of member %u lies outside .BTF", m->name,
				i);
		TRY(read_member(b, name, raw[1], m));
	}
	if (m->key_size > OBJ_MAX_KEY_BYTES || m->value_size > OBJ_MAX_VALUE_BYTES)
		FAIL_ID(b->e->d, LIMIT, 'E', 255, "map '%s': keys of %u and values of %u bytes, at most %d and %d",
			m->name, m->key_size, m->value_size, OBJ_MAX_KEY_BYTES, OBJ_MAX_VALUE_BYTES);
	return E_OK;
}

/* The section ".maps" in the types: what its variables are. */
static FALLIBLE find_datasec(const struct btf *b, struct btf_type *out)
{
	const char *name;

	for (uint32_t id = 1; id <= b->n_types; id++) {
		if (!btf_type(b, id, out) || out->kind != BTF_DATASEC)
			continue;
		name = btf_str(b, out->name);
		if (!name || strcmp(name, ".maps"))
			continue;
		if (out->vlen > OBJ_MAX_MAPS)
			FAIL_ID(b->e->d, LIMIT, 'E', 256, "%u maps, at most %d are read", out->vlen, OBJ_MAX_MAPS);
		return E_OK;
	}
	FAIL_ID(b->e->d, FORMAT, 'E', 251, ".BTF does not describe .maps");
}

/* The type of the variable called name, or 0. */
static uint32_t variable_type(const struct btf *b, const struct btf_type *datasec, const char *name)
{
	uint32_t raw[3]; /* type, offset, size */
	struct btf_type var;

	for (uint32_t i = 0; i < datasec->vlen; i++) {
		const char *s;

		if (VIEW_READ(datasec->rest, (uint64_t)i * sizeof raw, &raw) != E_OK || !btf_type(b, raw[0], &var) ||
		    var.kind != BTF_VAR)
			continue;
		s = btf_str(b, var.name);
		if (s && !strcmp(s, name))
			return var.size;
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
			m->maps[k] = m->maps[k - 1];
		}
		if (k && m->value[k - 1] == s->value)
			FAIL_ID(e->d, FORMAT, 'E', 257, "maps '%s' and '%s' stand at the same place",
				m->maps[k - 1].name, s->name);
		m->value[k] = s->value;
		m->maps[k] = (struct prog_map){ .name = s->name };
		m->n++;
	}
	return E_OK;
}

static FALLIBLE read_defined(struct elf *e, const struct btf *b, struct obj_maps *m)
{
	struct btf_type datasec;

	TRY(list_symbols(e, m));
	m->n_defined = m->n;
	if (!m->n)
		return E_OK;
	if (!b)
		FAIL_ID(e->d, UNSUPPORTED, 'E', 250,
			"there are maps, but no .BTF to say what they are (clang -g makes it)");
	elf_at(e, b->off);
	TRY(find_datasec(b, &datasec));
	for (uint32_t i = 0; i < m->n; i++) {
		uint32_t type = variable_type(b, &datasec, m->maps[i].name);

		if (!type)
			FAIL_ID(e->d, FORMAT, 'E', 251, ".BTF does not describe map '%s'", m->maps[i].name);
		TRY(read_definition(b, type, &m->maps[i]));
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

static FALLIBLE read_data(struct elf *e, struct obj_maps *m)
{
	for (uint32_t i = 1; i < e->n_sections; i++) {
		const struct elf_section *s = &e->sections[i];

		if (!is_data(s))
			continue;
		elf_at(e, s->off);
		if (m->n == OBJ_MAX_MAPS)
			FAIL_ID(e->d, LIMIT, 'E', 256, "more than %d maps", OBJ_MAX_MAPS);
		if (s->size > OBJ_MAX_VALUE_BYTES)
			FAIL_ID(e->d, LIMIT, 'E', 258, "section %s has %llu bytes, at most %d are read", s->name,
				(unsigned long long)s->size, OBJ_MAX_VALUE_BYTES);
		m->by_section[i] = m->n;
		m->maps[m->n++] = (struct prog_map){
			.name = s->name,
			.kind = PROG_MAP_ARRAY,
			.key_size = 4,
			.value_size = (uint32_t)s->size,
			.max_entries = 1,
			.flags = is_kind_of(s->name, ".rodata") ? PROG_MAP_RDONLY : 0,
			.init = s->data,
		};
	}
	return E_OK;
}

/* An address inside initial data would be wrong there: nothing puts it right at load time. */
static FALLIBLE refuse_data_relocs(struct elf *e, const struct obj_maps *m)
{
	for (uint32_t i = 1; i < e->n_sections; i++) {
		const struct elf_section *s = &e->sections[i];

		if (s->type != SHT_REL || !s->data.len)
			continue;
		elf_at(e, s->off);
		if (m->by_section[s->info] != NO_INDEX || (m->maps_section && s->info == m->maps_section))
			FAIL_ID(e->d, UNSUPPORTED, 'E', 259, "section %s holds addresses, which cannot be loaded",
				e->sections[s->info].name);
	}
	return E_OK;
}

FALLIBLE maps_read(struct elf *e, const struct btf *b, struct obj_maps *out)
{
	struct obj_maps m = { 0 };
	const struct elf_section *defs;

	m.maps = ARENA_ARRAY(e->a, struct prog_map, OBJ_MAX_MAPS);
	m.value = ARENA_ARRAY(e->a, uint64_t, OBJ_MAX_MAPS);
	m.by_section = ARENA_ARRAY(e->a, uint32_t, e->n_sections);
	if (!m.maps || !m.value || !m.by_section)
		return E_NOMEM;
	memset(m.by_section, 0xff, e->n_sections * sizeof *m.by_section);
	TRY(elf_find_one(e, ".maps", &defs));
	if (defs) {
		m.maps_section = (uint32_t)(defs - e->sections);
		TRY(read_defined(e, b, &m));
	}
	TRY(read_data(e, &m));
	TRY(refuse_data_relocs(e, &m));
	elf_at(e, DIAG_NONE);
	*out = m;
	return E_OK;
}
