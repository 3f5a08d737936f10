/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct_ops: which member of which struct of operations each program is for.
 *
 * The object has variables of such structs in sections .struct_ops*; where a member is a function, a relocation names
 * the program. libbpf: bpf_object__collect_st_ops_relos, v1.5.
 */
#include <elf.h>

#include "engine/kobj/internal.h"

struct reading {
	const struct kobj *o;
	struct arena *a;
	struct view symbols, strings, relocs;
	const struct btf *b;
	struct kobj_op *ops;
	size_t n, room;
};

static bool symbol_at(const struct reading *r, uint64_t index, Elf64_Sym *out)
{
	return index < r->symbols.len / sizeof *out && VIEW_READ(r->symbols, index * sizeof *out, out) == E_OK;
}

static const char *symbol_name(const struct reading *r, const Elf64_Sym *s)
{
	uint64_t off = s->st_name;

	if (off >= r->strings.len || !memchr(r->strings.p + off, 0, r->strings.len - off))
		return "";
	return (const char *)r->strings.p + off;
}

/* Where the variable lies in its section. */
static bool find_variable(const struct reading *r, const char *name, uint64_t *out)
{
	Elf64_Sym s;

	for (uint64_t i = 0; symbol_at(r, i, &s); i++) {
		if (ELF64_ST_TYPE(s.st_info) != STT_OBJECT || strcmp(symbol_name(r, &s), name) != 0)
			continue;
		*out = s.st_value;
		return true;
	}
	return false;
}

static FALLIBLE add(struct reading *r, const char *prog, const struct btf_type *ops, const char *member)
{
	const char *flavour = strstr(ops->name, "___");
	int n = flavour ? (int)(flavour - ops->name) : (int)strlen(ops->name);
	struct kobj_op *list = arena_grow(r->a, r->ops, r->n, &r->room, sizeof *list);

	if (!list)
		return E_NOMEM;
	r->ops = list;
	list[r->n] = (struct kobj_op){ prog, arena_printf(r->a, "%.*s/%s", n, ops->name, member) };
	return list[r->n++].target ? E_OK : E_NOMEM;
}

/* The relocations that lie in one variable, which begins at `begin`. */
static FALLIBLE read_variable(struct reading *r, const struct btf_type *ops, uint64_t begin)
{
	Elf64_Rel rel;
	Elf64_Sym s;

	for (uint64_t off = 0; VIEW_READ(r->relocs, off, &rel) == E_OK; off += sizeof rel) {
		if (rel.r_offset < begin || rel.r_offset - begin >= ops->size ||
		    !symbol_at(r, ELF64_R_SYM(rel.r_info), &s) || ELF64_ST_TYPE(s.st_info) != STT_FUNC)
			continue;
		for (uint32_t i = 0; i < ops->n; i++)
			if (ops->members[i].bit_off == (rel.r_offset - begin) * 8)
				TRY(add(r, symbol_name(r, &s), ops, ops->members[i].name));
	}
	return E_OK;
}

static FALLIBLE read_section(struct reading *r, const struct btf_type *datasec)
{
	uint64_t begin;

	for (uint32_t i = 0; i < datasec->n; i++) {
		const struct btf_type *var = btf_get(r->b, datasec->vars[i].type);
		const struct btf_type *ops = btf_get(r->b, btf_skip(r->b, var->type));

		if (var->kind == BTF_VAR && ops->kind == BTF_STRUCT && find_variable(r, var->name, &begin))
			TRY(read_variable(r, ops, begin));
	}
	return E_OK;
}

FALLIBLE kobj_read_struct_ops(struct kobj *o, struct arena *a)
{
	const struct obj_section *symbols = obj_section(&o->obj, ".symtab"), *strings = obj_section(&o->obj, ".strtab");
	struct reading r = { .o = o, .a = a, .b = o->obj.types };

	if (!r.b || !symbols || !strings)
		return E_OK;
	r.symbols = symbols->bytes;
	r.strings = strings->bytes;
	for (uint32_t i = 0; i < o->obj.n_sections; i++) {
		const struct obj_section *s = &o->obj.sections[i];
		uint32_t id;

		if (strncmp(s->name, ".rel.struct_ops", 15) != 0)
			continue;
		id = btf_find(r.b, BTF_DATASEC, s->name + 4, 0);
		r.relocs = s->bytes;
		if (id)
			TRY(read_section(&r, btf_get(r.b, id)));
	}
	o->ops = r.ops;
	o->n_ops = r.n;
	return E_OK;
}
