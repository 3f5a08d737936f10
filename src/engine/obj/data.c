/* SPDX-License-Identifier: Apache-2.0 */
/*
 * data: addresses that initial data holds.
 *
 * In a data section they become rows of the map's ptrs, since nobody knows where maps will lie; what an extern stands
 * for is known and is written into the data. In .maps they say which maps or programs a map holds in the beginning.
 */
#include "engine/obj/link.h"

enum { PTR_NUMBER = 0xfffffffe }; /* the map of a row that is gone when the table is read: it was a number */

/* The data section whose relocations are being read. */
struct place {
	uint32_t section, map;
	uint8_t *init; /* its data, to be changed */
};

/* The symbol and the 8 bytes that a relocation is about: *addend is what stands there. */
static FALLIBLE read_place(const struct linker *l, const struct elf_section *s, const struct elf_rel *r,
			   uint64_t *addend)
{
	if (r->type != R_64_ABS64 && r->type != R_64_64)
		FAIL_ID(l->e->d, UNSUPPORTED, 'E', 232, "relocation type %u in section %s", r->type, s->name);
	if (!r->symbol || r->symbol >= l->e->n_symbols || r->off % POINTER_BYTES ||
	    VIEW_READ(s->data, r->off, addend) != E_OK)
		FAIL_ID(l->e->d, FORMAT, 'E', 285,
			"a relocation of byte 0x%llx of section %s by symbol %u is about no aligned pointer there",
			(unsigned long long)r->off, s->name, r->symbol);
	return E_OK;
}

static FALLIBLE copy_init(struct linker *l, const struct elf_section *rels, struct place *p)
{
	struct prog_map *m = &l->maps->maps[p->map];
	uint64_t n = rels->data.len / REL_BYTES;

	if (m->ptrs)
		FAIL_ID(l->e->d, FORMAT, 'E', 285, "section %s has two tables of relocations",
			l->e->sections[p->section].name);
	p->init = ARENA_ARRAY(l->e->a, uint8_t, m->init.len);
	l->ptrs[p->map] = ARENA_ARRAY(l->e->a, struct prog_ptr, n);
	if (!p->init || !l->ptrs[p->map])
		return E_NOMEM;
	if (m->init.len)
		memcpy(p->init, m->init.p, m->init.len);
	m->init = view_of(p->init, m->init.len);
	m->ptrs = l->ptrs[p->map];
	return E_OK;
}

/* An extern that is a number is written at once; a variable of .kconfig is a place in a map. */
static bool put_number(const struct obj_found *x, const struct place *p, uint64_t at, uint64_t addend)
{
	uint64_t v = x->bound.number + addend;

	if (x->kind == OBJ_EXTERN_CONFIG)
		return false;
	memcpy(p->init + at, &v, sizeof v);
	return true;
}

/* What map, and where in it, or which function the address is of. */
static FALLIBLE aim(const struct linker *l, const struct elf_rel *r, uint64_t addend, struct prog_ptr *out)
{
	const struct elf_symbol *s = &l->e->symbols[r->symbol];
	const struct obj_found *x = &l->externs->found[r->symbol];
	uint64_t off = s->value + addend;
	const struct func *f = NULL;

	*out = (struct prog_ptr){ .at = (uint32_t)r->off, .map = NO_INDEX, .prog = NO_INDEX };
	if (!s->section) {
		out->map = l->externs->config;
		off = addend <= x->size ? x->off + addend : UINT64_MAX;
	} else if (s->section != NO_SECTION && elf_is_code(&l->e->sections[s->section])) {
		f = func_at(l, s->section, off);
	} else if (s->section != NO_SECTION) {
		out->map = l->maps->by_section[s->section];
	}
	if (f) {
		out->map = PROG_PTR_FUNC;
		out->func = (uint32_t)(f - l->funcs);
		return E_OK;
	}
	if (out->map == NO_INDEX || off > l->maps->maps[out->map].value_size)
		FAIL_ID(l->e->d, UNSUPPORTED, 'E', 259,
			"data holds the address of '%.64s' + %lld, which is neither in data nor a function", s->name,
			(long long)addend);
	out->off = (uint32_t)off;
	return E_OK;
}

static FALLIBLE add_ptr(struct linker *l, const struct place *p, const struct elf_rel *r)
{
	static const uint8_t zero[POINTER_BYTES];
	struct prog_map *m = &l->maps->maps[p->map];
	const struct obj_found *x = &l->externs->found[r->symbol];
	uint64_t addend;

	TRY(read_place(l, &l->e->sections[p->section], r, &addend));
	if (!l->e->symbols[r->symbol].section && put_number(x, p, r->off, addend)) {
		l->ptrs[p->map][m->n_ptrs++] = (struct prog_ptr){ .at = (uint32_t)r->off, .map = PTR_NUMBER };
		return E_OK;
	}
	TRY(aim(l, r, addend, &l->ptrs[p->map][m->n_ptrs]));
	memcpy(p->init + r->off, zero, sizeof zero);
	m->n_ptrs++;
	return E_OK;
}

static int by_at(const void *pa, const void *pb)
{
	const struct prog_ptr *a = pa, *b = pb;

	return a->at < b->at ? -1 : a->at > b->at;
}

/* In order, each byte once, without what became numbers. */
static FALLIBLE settle(struct linker *l, const struct place *p)
{
	struct prog_map *m = &l->maps->maps[p->map];
	struct prog_ptr *rows = l->ptrs[p->map];
	uint32_t n = 0;

	if (m->n_ptrs)
		qsort(rows, m->n_ptrs, sizeof *rows, by_at);
	for (uint32_t i = 1; i < m->n_ptrs; i++)
		if (rows[i].at == rows[i - 1].at)
			FAIL_ID(l->e->d, FORMAT, 'E', 285, "two relocations of byte %u of section %s", rows[i].at,
				m->name);
	for (uint32_t i = 0; i < m->n_ptrs; i++)
		if (rows[i].map != PTR_NUMBER)
			rows[n++] = rows[i];
	m->n_ptrs = n;
	return E_OK;
}

static FALLIBLE relocate_data(struct linker *l, uint32_t section, const struct elf_section *rels)
{
	struct place p = { .section = section, .map = l->maps->by_section[section] };

	TRY(copy_init(l, rels, &p));
	for (uint64_t k = 0; k < rels->data.len / REL_BYTES; k++) {
		struct elf_rel r = elf_rel_at(rels, k);

		elf_at(l->e, rels->off + k * REL_BYTES);
		TRY(add_ptr(l, &p, &r));
	}
	return settle(l, &p);
}

/* ---- .maps ---- */

static bool holds_maps(const struct prog_map *m)
{
	return m->kind == PROG_MAP_ARRAY_OF_MAPS || m->kind == PROG_MAP_HASH_OF_MAPS;
}

/* A program that begins there, by this symbol's name if there are several; NO_INDEX: none does. */
static uint32_t program_at(const struct linker *l, const struct elf_symbol *s, uint64_t off)
{
	const struct func *f = func_at(l, s->section, off), *end = l->funcs + l->n_funcs;
	uint32_t found = NO_INDEX;

	for (uint32_t first = f ? f->first : 0; f && f < end && f->first == first; f++)
		if (f->prog != NO_INDEX && (found == NO_INDEX || !strcmp(f->name, s->name)))
			found = f->prog;
	return found;
}

/* Index of what map m is to hold: of a map, or of a program. */
static FALLIBLE held(const struct linker *l, const struct prog_map *m, const struct elf_rel *r, uint64_t addend,
		     uint32_t *out)
{
	const struct elf_symbol *s = &l->e->symbols[r->symbol];
	uint32_t i = NO_INDEX;

	if (s->section == l->maps->maps_section && holds_maps(m))
		i = maps_at(l->maps, s->value + addend);
	else if (s->section && s->section != NO_SECTION && m->kind == PROG_MAP_PROG_ARRAY)
		i = program_at(l, s, s->value + addend);
	if (i == NO_INDEX)
		FAIL_ID(l->e->d, UNSUPPORTED, 'E', 269, "map '%s' is to hold '%.64s', which is no %s", m->name, s->name,
			m->kind == PROG_MAP_PROG_ARRAY ? "program" : "map that it can hold");
	*out = i;
	return E_OK;
}

/* The map of .maps whose initial values this byte belongs to, and the index among them. */
static FALLIBLE find_holder(const struct linker *l, uint64_t off, uint32_t *map, uint64_t *index)
{
	const struct obj_maps *m = l->maps;

	for (uint32_t i = 0; i < m->n_defined; i++) {
		uint64_t from = m->value[i] + m->values_off[i];

		if (m->values_off[i] == NO_INDEX || off < from || m->bytes[i] < POINTER_BYTES ||
		    off - m->value[i] > m->bytes[i] - POINTER_BYTES)
			continue;
		*map = i;
		*index = (off - from) / POINTER_BYTES;
		if ((off - from) % POINTER_BYTES == 0 && *index < m->maps[i].max_entries)
			return E_OK;
		break;
	}
	FAIL_ID(l->e->d, FORMAT, 'E', 268, "a relocation of byte 0x%llx of .maps is about no value of a map",
		(unsigned long long)off);
}

/* As many places as the map's symbol has room for. */
static FALLIBLE make_places(struct linker *l, uint32_t map, uint32_t **out)
{
	uint64_t n = (l->maps->bytes[map] - l->maps->values_off[map]) / POINTER_BYTES;

	if (n > l->maps->maps[map].max_entries)
		n = l->maps->maps[map].max_entries;
	*out = ARENA_ARRAY(l->e->a, uint32_t, n);
	return *out ? E_OK : E_NOMEM;
}

static FALLIBLE relocate_maps(struct linker *l, const struct elf_section *rels)
{
	uint32_t **places = ARENA_ARRAY(l->e->a, uint32_t *, OBJ_MAX_MAPS);

	if (!places)
		return E_NOMEM;
	for (uint64_t k = 0; k < rels->data.len / REL_BYTES; k++) {
		struct elf_rel r = elf_rel_at(rels, k);
		uint64_t addend, index = 0;
		struct prog_map *m;
		uint32_t map, i;

		elf_at(l->e, rels->off + k * REL_BYTES);
		TRY(read_place(l, &l->e->sections[l->maps->maps_section], &r, &addend));
		TRY(find_holder(l, r.off, &map, &index));
		m = &l->maps->maps[map];
		TRY(held(l, m, &r, addend, &i));
		if (!places[map])
			TRY(make_places(l, map, &places[map]));
		places[map][index] = i + 1;
		m->inner_maps = places[map];
		if (m->n_inner_maps <= index)
			m->n_inner_maps = (uint32_t)index + 1;
	}
	return E_OK;
}

FALLIBLE data_relocate(struct linker *l)
{
	l->ptrs = ARENA_ARRAY(l->e->a, struct prog_ptr *, OBJ_MAX_MAPS);
	if (!l->ptrs)
		return E_NOMEM;
	for (uint32_t i = 1; i < l->e->n_sections; i++) {
		const struct elf_section *s = &l->e->sections[i];

		if (s->type != SHT_REL || !s->data.len)
			continue;
		elf_at(l->e, s->off);
		if (l->maps->by_section[s->info] != NO_INDEX)
			TRY(relocate_data(l, s->info, s));
		else if (l->maps->maps_section && s->info == l->maps->maps_section)
			TRY(relocate_maps(l, s));
	}
	elf_at(l->e, DIAG_NONE);
	return E_OK;
}
