/* SPDX-License-Identifier: Apache-2.0 */
/*
 * externs: what the object uses and leaves to others, asked of the caller by name.
 *
 * Only what code or data refer to is asked for: types may name more. Values of .kconfig become one read-only map, as
 * libbpf makes it for Linux, so that code finds them as it finds other data.
 */
#include "engine/obj/internal.h"

enum { LINKAGE_EXTERN = 2, CONFIG_ALIGN = 8 };

/* What the types say of a used symbol: ids, or 0. */
struct wanted {
	const char *name;
	uint32_t symbol, func, var;
};

struct resolver {
	struct elf *e;
	const struct btf *b;
	struct obj_maps *maps;
	struct obj_externs *x;
	struct wanted *wanted; /* by name while types are looked through, then by symbol */
	uint32_t n_wanted;
	uint8_t *is_config; /* by type */
	uint64_t config_bytes;
	uint8_t *config;
};

static void mark(const struct elf *e, const struct elf_section *s, struct obj_found *found)
{
	for (uint64_t k = 0; k < s->data.len / REL_BYTES; k++) {
		struct elf_rel r = elf_rel_at(s, k);

		if (!r.symbol || r.symbol >= e->n_symbols || e->symbols[r.symbol].section)
			continue;
		if (r.type == R_64_32)
			found[r.symbol].state = EXTERN_CALLED;
		else if (!found[r.symbol].state)
			found[r.symbol].state = EXTERN_USED;
	}
}

/* Code, data and .maps: what else has relocations (types, debug information) is not loaded. */
static void mark_used(const struct resolver *v)
{
	for (uint32_t i = 1; i < v->e->n_sections; i++) {
		const struct elf_section *s = &v->e->sections[i];

		if (s->type == SHT_REL &&
		    (elf_is_code(&v->e->sections[s->info]) || v->maps->by_section[s->info] != NO_INDEX ||
		     (v->maps->maps_section && s->info == v->maps->maps_section)))
			mark(v->e, s, v->x->found);
	}
}

static int by_name(const void *pa, const void *pb)
{
	const struct wanted *a = pa, *b = pb;

	return strcmp(a->name, b->name);
}

static int by_symbol(const void *pa, const void *pb)
{
	const struct wanted *a = pa, *b = pb;

	return a->symbol < b->symbol ? -1 : a->symbol > b->symbol;
}

static FALLIBLE list_wanted(struct resolver *v)
{
	v->wanted = ARENA_ARRAY(v->e->a, struct wanted, v->e->n_symbols);
	if (!v->wanted)
		return E_NOMEM;
	for (uint32_t i = 1; i < v->e->n_symbols; i++) {
		if (!v->x->found[i].state)
			continue;
		elf_at(v->e, v->e->sections[v->e->symtab].off + (uint64_t)i * SYMBOL_BYTES);
		TRY(elf_check_name(v->e, v->e->symbols[i].name, "symbol"));
		v->wanted[v->n_wanted++] = (struct wanted){ .name = v->e->symbols[i].name, .symbol = i };
	}
	elf_at(v->e, DIAG_NONE);
	return E_OK;
}

static void note_type(struct resolver *v, uint32_t id, const struct btf_type *t)
{
	struct wanted key = { .name = t->name }, *w;

	if (t->kind == BTF_DATASEC && !strcmp(t->name, ".kconfig"))
		for (uint32_t i = 0; i < t->n; i++)
			v->is_config[t->vars[i].type] = 1;
	if (t->kind != BTF_VAR && (t->kind != BTF_FUNC || t->n != LINKAGE_EXTERN))
		return;
	w = bsearch(&key, v->wanted, v->n_wanted, sizeof key, by_name);
	if (w)
		*(t->kind == BTF_VAR ? &w->var : &w->func) = id;
}

/* One walk over the types for all names: looking each name up could be made to cost their product. */
static FALLIBLE find_types(struct resolver *v)
{
	if (!v->b || !v->n_wanted)
		return E_OK;
	v->is_config = ARENA_ARRAY(v->e->a, uint8_t, v->b->n_types);
	if (!v->is_config)
		return E_NOMEM;
	qsort(v->wanted, v->n_wanted, sizeof *v->wanted, by_name);
	for (uint32_t id = 1; id < v->b->n_types; id++)
		note_type(v, id, btf_get(v->b, id));
	qsort(v->wanted, v->n_wanted, sizeof *v->wanted, by_symbol);
	return E_OK;
}

static bool is_signed(const struct btf *b, uint32_t type)
{
	const struct btf_type *t = btf_get(b, btf_skip(b, type));

	return t->kind == BTF_INT ? t->int_enc & 1 : (t->kind == BTF_ENUM || t->kind == BTF_ENUM64) && t->flag;
}

/* Kind and size as the types say; without types a call makes it a function. */
static void describe(const struct resolver *v, const struct wanted *w, bool called, struct obj_extern *x)
{
	uint64_t bytes;

	x->kind = called || w->func ? OBJ_EXTERN_FUNC : OBJ_EXTERN_VAR;
	if (x->kind == OBJ_EXTERN_FUNC || !w->var)
		return;
	if (btf_size(v->b, w->var, &bytes) && bytes <= OBJ_MAX_VALUE_BYTES)
		x->value_size = (uint32_t)bytes;
	if (!v->is_config[w->var]) {
		x->typed = btf_skip(v->b, btf_get(v->b, w->var)->type) != 0;
		return;
	}
	x->kind = OBJ_EXTERN_CONFIG;
	x->is_signed = is_signed(v->b, btf_get(v->b, w->var)->type);
}

static bool fits(const struct obj_extern *x, uint64_t number)
{
	unsigned bits = 8 * x->value_size;

	if (x->value_size == 8)
		return true;
	if (x->value_size != 1 && x->value_size != 2 && x->value_size != 4)
		return false;
	if (x->is_signed)
		return (int64_t)number >= -(1ll << (bits - 1)) && (int64_t)number < 1ll << (bits - 1);
	return number < 1ull << bits;
}

static bool kind_fits(const struct obj_extern *x, const struct obj_bound *b)
{
	switch ((enum obj_extern_kind)x->kind) {
	case OBJ_EXTERN_FUNC:
		return (b->kind == OBJ_BOUND_HELPER || b->kind == OBJ_BOUND_KFUNC) && b->number <= INT32_MAX;
	case OBJ_EXTERN_VAR:
		return (b->kind == OBJ_BOUND_BTF_ID && b->number <= INT32_MAX) || b->kind == OBJ_BOUND_NUMBER;
	case OBJ_EXTERN_CONFIG:
		return (b->kind == OBJ_BOUND_NUMBER && fits(x, b->number)) ||
		       (b->kind == OBJ_BOUND_BYTES && b->bytes.len <= x->value_size);
	}
	return false;
}

/* The variable's place in .kconfig. */
static FALLIBLE place_config(struct resolver *v, const struct obj_extern *x, struct obj_found *f)
{
	uint64_t align = x->value_size >= CONFIG_ALIGN ? CONFIG_ALIGN : x->value_size >= 4 ? 4 : x->value_size;

	if (!x->value_size)
		FAIL_ID(v->e->d, FORMAT, 'E', 282, "the types do not say how large '%.64s' of .kconfig is", x->name);
	v->config_bytes = (v->config_bytes + align - 1) / align * align;
	f->off = (uint32_t)v->config_bytes;
	f->size = x->value_size;
	v->config_bytes += x->value_size;
	if (v->config_bytes > OBJ_MAX_VALUE_BYTES)
		FAIL_ID(v->e->d, LIMIT, 'E', 258, ".kconfig has over %d bytes", OBJ_MAX_VALUE_BYTES);
	return E_OK;
}

static FALLIBLE ask(struct resolver *v, const struct wanted *w)
{
	const struct elf_symbol *s = &v->e->symbols[w->symbol];
	const struct obj_opts *o = v->e->opts;
	struct obj_found *f = &v->x->found[w->symbol];
	struct obj_extern x = { .name = s->name, .weak = s->bind == STB_WEAK };

	elf_at(v->e, v->e->sections[v->e->symtab].off + (uint64_t)w->symbol * SYMBOL_BYTES);
	describe(v, w, f->state == EXTERN_CALLED, &x);
	f->kind = x.kind;
	if (x.kind == OBJ_EXTERN_CONFIG)
		TRY(place_config(v, &x, f));
	if (o->resolve && o->resolve(o->user, &x, &f->bound)) {
		if (!kind_fits(&x, &f->bound))
			FAIL_ID(v->e->d, INVALID, 'E', 283,
				"'%.64s' was bound to something of a kind or size that it cannot be", s->name);
		f->state = EXTERN_BOUND;
		return E_OK;
	}
	if (!x.weak)
		FAIL_ID(v->e->d, UNSUPPORTED, 'E', 227,
			"symbol '%.64s' is defined neither in this file nor by who loads it", s->name);
	f->bound = (struct obj_bound){ .kind = OBJ_BOUND_NUMBER };
	f->state = EXTERN_MISSING;
	return E_OK;
}

static void fill_config(const struct resolver *v)
{
	for (uint32_t i = 0; i < v->n_wanted; i++) {
		const struct obj_found *f = &v->x->found[v->wanted[i].symbol];

		if (f->kind != OBJ_EXTERN_CONFIG)
			continue;
		if (f->bound.kind == OBJ_BOUND_NUMBER)
			memcpy(v->config + f->off, &f->bound.number, f->size < 8 ? f->size : 8);
		else if (f->bound.bytes.len)
			memcpy(v->config + f->off, f->bound.bytes.p, f->bound.bytes.len);
	}
}

static FALLIBLE add_config(struct resolver *v)
{
	struct obj_maps *m = v->maps;

	if (!v->config_bytes)
		return E_OK;
	if (m->n == OBJ_MAX_MAPS)
		FAIL_ID(v->e->d, LIMIT, 'E', 256, "more than %d maps", OBJ_MAX_MAPS);
	v->config = ARENA_ARRAY(v->e->a, uint8_t, v->config_bytes);
	if (!v->config)
		return E_NOMEM;
	fill_config(v);
	v->x->config = m->n;
	m->maps[m->n++] = (struct prog_map){
		.name = ".kconfig",
		.kind = PROG_MAP_ARRAY,
		.key_size = 4,
		.value_size = (uint32_t)v->config_bytes,
		.max_entries = 1,
		.flags = PROG_MAP_RDONLY,
		.init = view_of(v->config, v->config_bytes),
	};
	return E_OK;
}

FALLIBLE externs_read(struct elf *e, const struct btf *b, struct obj_maps *maps, struct obj_externs *out)
{
	struct obj_externs x = { .config = NO_INDEX };
	struct resolver v = { .e = e, .b = b, .maps = maps, .x = &x };

	x.found = ARENA_ARRAY(e->a, struct obj_found, e->n_symbols);
	if (!x.found)
		return E_NOMEM;
	mark_used(&v);
	TRY(list_wanted(&v));
	TRY(find_types(&v));
	for (uint32_t i = 0; i < v.n_wanted; i++)
		TRY(ask(&v, &v.wanted[i]));
	elf_at(e, DIAG_NONE);
	TRY(add_config(&v));
	*out = x;
	return E_OK;
}
