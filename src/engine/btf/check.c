/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check: what types say about one another.
 *
 * Afterwards every id is one of a type that may stand there, typedefs, modifiers and arrays end within BTF_MAX_DEPTH,
 * every size is one that the kind can have, and a bit-field lies in an integer or enumeration that holds it. What is
 * not asked: that members ascend, or that names are identifiers; other languages have others.
 */
#include "engine/btf/internal.h"

enum { MAX_LINKAGE = 2, MAX_INT_BYTES = 16 };

struct checker {
	const struct btf *b;
	uint32_t id;
	const struct btf_type *t;
	struct diag *d;
};

/* Something has this type: a value, what a pointer points to, a result. */
static bool is_value_type(const struct btf_type *t)
{
	return t->kind != BTF_FUNC && t->kind != BTF_VAR && t->kind != BTF_DATASEC && t->kind != BTF_DECL_TAG;
}

static FALLIBLE check_ref(const struct checker *c, uint32_t id)
{
	if (id >= c->b->n_types)
		FAIL_ID(c->d, FORMAT, 'U', 109, "type %u refers to type %u of %u", c->id, id, c->b->n_types);
	return E_OK;
}

static FALLIBLE check_value(const struct checker *c, uint32_t id)
{
	TRY(check_ref(c, id));
	if (!is_value_type(btf_get(c->b, id)))
		FAIL_ID(c->d, FORMAT, 'U', 110, "type %u refers to %u, which is a declaration and no type", c->id, id);
	return E_OK;
}

/* Typedefs, modifiers and arrays that follow one another. All their ids were checked before. */
static FALLIBLE check_chain(const struct checker *c)
{
	const struct btf_type *t = c->t;

	for (int n = 0; is_wrapper(t) || t->kind == BTF_ARRAY; t = btf_get(c->b, t->type))
		if (n++ == BTF_MAX_DEPTH)
			FAIL_ID(c->d, LIMIT, 'U', 106, "type %u begins a chain of more than %d, or an endless one",
				c->id, BTF_MAX_DEPTH);
	return E_OK;
}

static FALLIBLE check_int(const struct checker *c)
{
	const struct btf_type *t = c->t;

	if (!t->size || t->size > MAX_INT_BYTES || !t->int_bits || t->int_off + t->int_bits > t->size * 8u)
		FAIL_ID(c->d, FORMAT, 'U', 111, "integer type %u has %u bits at %u in %u bytes", c->id, t->int_bits,
			t->int_off, t->size);
	return E_OK;
}

static FALLIBLE check_size(const struct checker *c)
{
	uint32_t size = c->t->size;

	if (c->t->kind == BTF_FLOAT ? size != 2 && size != 4 && size != 8 && size != 12 && size != 16
				    : size != 1 && size != 2 && size != 4 && size != 8)
		FAIL_ID(c->d, FORMAT, 'U', 112, "type %u has %u bytes, which its kind cannot have", c->id, size);
	return E_OK;
}

static FALLIBLE check_members(const struct checker *c)
{
	for (uint32_t i = 0; i < c->t->n; i++) {
		const struct btf_member *m = &c->t->members[i];

		TRY(check_value(c, m->type));
		if (((uint64_t)m->bit_off + m->bit_size + 7) / 8 > c->t->size)
			FAIL_ID(c->d, FORMAT, 'U', 113, "member %u of type %u begins or ends outside its %u bytes", i,
				c->id, c->t->size);
	}
	return E_OK;
}

/* After all chains: what a bit-field lies in. */
static FALLIBLE check_bit_fields(const struct checker *c)
{
	for (uint32_t i = 0; i < c->t->n; i++) {
		const struct btf_member *m = &c->t->members[i];
		const struct btf_type *in;

		if (!m->bit_size)
			continue;
		in = get_skipped(c->b, m->type);
		if ((in->kind != BTF_INT && !is_enum(in)) || m->bit_size > in->size * 8u)
			FAIL_ID(c->d, FORMAT, 'U', 114,
				"member %u of type %u is a bit-field of no integer that holds it", i, c->id);
	}
	return E_OK;
}

static FALLIBLE check_params(const struct checker *c)
{
	TRY(check_value(c, c->t->type));
	for (uint32_t i = 0; i < c->t->n; i++)
		TRY(check_value(c, c->t->params[i].type));
	return E_OK;
}

/* Externs of functions stand in sections too (clang: .ksyms). */
static FALLIBLE check_section(const struct checker *c)
{
	for (uint32_t i = 0; i < c->t->n; i++) {
		const struct btf_type *var;

		TRY(check_ref(c, c->t->vars[i].type));
		var = btf_get(c->b, c->t->vars[i].type);
		if (var->kind != BTF_VAR && var->kind != BTF_FUNC)
			FAIL_ID(c->d, FORMAT, 'U', 115, "section type %u lists type %u, which is no variable", c->id,
				c->t->vars[i].type);
	}
	return E_OK;
}

static FALLIBLE check_linkage(const struct checker *c)
{
	if (c->t->n > MAX_LINKAGE)
		FAIL_ID(c->d, FORMAT, 'U', 116, "type %u has linkage %u", c->id, c->t->n);
	return E_OK;
}

static FALLIBLE check_func(const struct checker *c)
{
	TRY(check_ref(c, c->t->type));
	if (btf_get(c->b, c->t->type)->kind != BTF_FUNC_PROTO)
		FAIL_ID(c->d, FORMAT, 'U', 110, "function type %u has type %u, which is no prototype", c->id,
			c->t->type);
	return check_linkage(c);
}

static FALLIBLE check_tag(const struct checker *c)
{
	TRY(check_ref(c, c->t->type));
	if (c->t->component < -1)
		FAIL_ID(c->d, FORMAT, 'U', 117, "tag %u is about component %d", c->id, c->t->component);
	return E_OK;
}

static FALLIBLE check_refs(const struct checker *c)
{
	switch ((enum btf_kind)c->t->kind) {
	case BTF_INT:
		return check_int(c);
	case BTF_ARRAY:
		TRY(check_value(c, c->t->index_type));
		return check_value(c, c->t->type);
	case BTF_STRUCT:
	case BTF_UNION:
		return check_members(c);
	case BTF_ENUM:
	case BTF_ENUM64:
	case BTF_FLOAT:
		return check_size(c);
	case BTF_PTR:
	case BTF_TYPEDEF:
	case BTF_VOLATILE:
	case BTF_CONST:
	case BTF_RESTRICT:
	case BTF_TYPE_TAG:
		return check_value(c, c->t->type);
	case BTF_FUNC:
		return check_func(c);
	case BTF_FUNC_PROTO:
		return check_params(c);
	case BTF_VAR:
		TRY(check_value(c, c->t->type));
		return check_linkage(c);
	case BTF_DATASEC:
		return check_section(c);
	case BTF_DECL_TAG:
		return check_tag(c);
	case BTF_FWD:
	case BTF_VOID:
	case BTF_N_KINDS:
		break;
	}
	return E_OK;
}

typedef FALLIBLE check_fn(const struct checker *c);

static FALLIBLE each(const struct btf *b, uint32_t off, const uint32_t *offs, check_fn *fn, struct diag *d)
{
	for (uint32_t id = b->first; id < b->n_types; id++) {
		const struct checker c = { b, id, &b->types[id - b->first], d };

		if (d)
			d->offset = (uint64_t)off + offs[id - b->first];
		TRY(fn(&c));
	}
	return E_OK;
}

static FALLIBLE check_chains(const struct checker *c)
{
	return is_wrapper(c->t) || c->t->kind == BTF_ARRAY ? check_chain(c) : E_OK;
}

static FALLIBLE check_fields(const struct checker *c)
{
	return is_composite(c->t) ? check_bit_fields(c) : E_OK;
}

FALLIBLE btf_check(const struct btf *b, uint32_t off, const uint32_t *offs, struct diag *d)
{
	TRY(each(b, off, offs, check_refs, d));
	TRY(each(b, off, offs, check_chains, d));
	return each(b, off, offs, check_fields, d);
}
