/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolve: what a relocation comes to.
 *
 * The object's type and every type of the target with its name are measured in the same way. What the object's
 * measures is what the compiler put into the instruction; what all that fit in the target measure must be one answer.
 * Source of the rules: tools/lib/bpf/relo_core.c:bpf_core_calc_relo_insn, Linux v6.12.
 */
#include "engine/btf/internal.h"

/* Of one side. */
struct measure {
	bool poison, certain;
	uint64_t value, bytes;
	uint32_t type; /* of the field */
};

static FALLIBLE no_property(struct core *c)
{
	FAIL_ID(c->d, UNSUPPORTED, 'U', 214, "access %.64s of type %u has no such property, or no size",
		c->relo->access, c->relo->type);
}

/* An array is read element by element: its first decides how wide a load is. */
static uint32_t element_of(const struct btf *b, uint32_t id)
{
	const struct btf_type *t = btf_get(b, id = btf_skip(b, id));

	for (; t->kind == BTF_ARRAY; t = btf_get(b, id))
		id = btf_skip(b, t->type);
	return id;
}

static void load_size(const struct btf *b, uint32_t type, struct measure *m)
{
	m->type = element_of(b, type);
	if (!btf_size(b, m->type, &m->bytes))
		m->bytes = 0;
}

/* The path ends at an element of an array: a[3]. */
static FALLIBLE measure_element(struct core *c, const struct btf *b, const struct access *a, struct measure *m)
{
	uint32_t type = a->at[a->n - 1].type;

	if (c->relo->kind == CORE_FIELD_BYTE_OFFSET) {
		m->value = a->bit_off / 8;
		load_size(b, type, m);
		return E_OK;
	}
	if (c->relo->kind == CORE_FIELD_BYTE_SIZE && btf_size(b, type, &m->value))
		return E_OK;
	return no_property(c);
}

/* Where a field is, for a load: of a bit-field, the aligned unit of its type, or the least larger one, that holds it.
 */
struct place {
	uint64_t byte_off, bytes, bit_off, bits;
};

static FALLIBLE place_bits(struct core *c, const struct btf_type *t, const struct btf_member *f, uint64_t bit_off,
			   struct place *out)
{
	uint64_t bytes = t->size, off = bit_off / 8 / bytes * bytes;

	while (bit_off + f->bit_size - off * 8 > bytes * 8) {
		if (bytes >= 8)
			FAIL_ID(c->d, UNSUPPORTED, 'U', 213, "no load of 8 bytes holds the bit-field %.64s of type %u",
				c->relo->access, c->relo->type);
		bytes *= 2;
		off = bit_off / 8 / bytes * bytes;
	}
	*out = (struct place){ off, bytes, bit_off, f->bit_size };
	return E_OK;
}

static FALLIBLE place_field(struct core *c, const struct btf *b, const struct access *a, const struct btf_member *f,
			    struct place *out)
{
	uint64_t bytes;

	if (f->bit_size)
		return place_bits(c, get_skipped(b, f->type), f, a->bit_off, out);
	if (!btf_size(b, f->type, &bytes))
		return no_property(c);
	*out = (struct place){ a->bit_off / 8, bytes, a->bit_off, bytes * 8 };
	return E_OK;
}

static bool is_signed(const struct btf_type *t)
{
	return (is_enum(t) && t->flag) || (t->kind == BTF_INT && t->int_enc & INT_SIGNED);
}

static FALLIBLE measure_member(struct core *c, const struct btf *b, const struct access *a, struct measure *m)
{
	const struct accessor *last = &a->at[a->n - 1];
	const struct btf_member *f = &btf_get(b, last->type)->members[last->index];
	struct place p = { 0 };

	TRY(place_field(c, b, a, f, &p));
	m->certain = !f->bit_size;
	switch (c->relo->kind) {
	case CORE_FIELD_BYTE_OFFSET:
		m->value = p.byte_off;
		if (!f->bit_size)
			load_size(b, f->type, m);
		break;
	case CORE_FIELD_BYTE_SIZE:
		m->value = p.bytes;
		break;
	case CORE_FIELD_SIGNED:
		m->value = is_signed(get_skipped(b, f->type));
		m->certain = true;
		break;
	case CORE_FIELD_LSHIFT_U64:
		m->value = 64 - (p.bit_off + p.bits - p.byte_off * 8);
		break;
	default: /* CORE_FIELD_RSHIFT_U64 */
		m->value = 64 - p.bits;
		m->certain = true;
		break;
	}
	return E_OK;
}

static FALLIBLE measure_type(struct core *c, const struct btf *b, const struct access *a, struct measure *m)
{
	m->certain = c->relo->kind != CORE_TYPE_ID_TARGET && c->relo->kind != CORE_TYPE_ID_LOCAL;
	if (!a)
		return E_OK; /* what is not there is type 0, of size 0 */
	if (c->relo->kind == CORE_TYPE_SIZE)
		return btf_size(b, a->root, &m->value) ? E_OK : no_property(c);
	m->value = m->certain ? 1 : a->root;
	return E_OK;
}

/* a: NULL, there is none. */
static FALLIBLE measure(struct core *c, const struct btf *b, const struct access *a, struct measure *m)
{
	uint8_t kind = c->relo->kind;

	*m = (struct measure){ .certain = true };
	if (core_is_type(kind))
		return measure_type(c, b, a, m);
	if (kind == CORE_FIELD_EXISTS || kind == CORE_ENUMVAL_EXISTS) {
		m->value = a != NULL;
		return E_OK;
	}
	m->poison = !a;
	if (!a)
		return E_OK;
	if (kind == CORE_ENUMVAL_VALUE) {
		m->value = btf_get(b, a->at[0].type)->enumerators[a->at[0].index].value;
		return E_OK;
	}
	return a->at[a->n - 1].name ? measure_member(c, b, a, m) : measure_element(c, b, a, m);
}

/* Loads of other widths give the same value for pointers and for what is unsigned. */
static bool may_resize(struct core *c, uint32_t local, uint32_t target)
{
	const struct btf_type *l = btf_get(c->local, local), *t = btf_get(c->target, target);

	if (l->kind == BTF_PTR && t->kind == BTF_PTR)
		return true;
	return l->kind == BTF_INT && t->kind == BTF_INT && !((l->int_enc | t->int_enc) & INT_SIGNED);
}

static FALLIBLE fits(struct core *c, const struct access *local, uint32_t id, bool *out, struct access *a)
{
	uint8_t kind = c->relo->kind;

	if (!core_is_type(kind))
		return access_find(c, local, id, out, a);
	a->root = id;
	if (kind == CORE_TYPE_MATCHES)
		return types_match(c, local->root, id, out);
	return types_compatible(c, local->root, id, out);
}

/* Types of the target that have the name, and agree: *m and *where are their answer. */
struct found {
	uint32_t n, type;
	uint64_t bit_off;
	struct measure m;
};

static FALLIBLE disagree(struct core *c, const struct found *f, uint32_t id)
{
	FAIL_ID(c->d, REJECTED, 'U', 212, "types %u and %u of the target both fit '%.64s' and disagree on %.64s",
		f->type, id, btf_get(c->local, c->relo->type)->name, c->relo->access);
}

static FALLIBLE take(struct core *c, const struct access *a, struct found *f)
{
	struct measure m;

	TRY(measure(c, c->target, a, &m));
	if (!f->n++) {
		f->m = m;
		f->type = a->root;
		f->bit_off = a->bit_off;
		return E_OK;
	}
	if (m.value != f->m.value || m.poison != f->m.poison ||
	    (core_is_field(c->relo->kind) && a->bit_off != f->bit_off))
		return disagree(c, f, a->root);
	if (m.bytes != f->m.bytes)
		f->m.bytes = 0;
	return E_OK;
}

static FALLIBLE search(struct core *c, const struct access *local, struct found *f)
{
	const struct btf_type *l = btf_get(c->local, c->relo->type);
	struct same_name w = same_name_first(c->target, l->name);
	struct access a;
	bool ok;

	while (same_name_next(&w)) {
		const struct btf_type *t = btf_get(c->target, w.id);

		if (!core_step(c, 1))
			return core_too_much(c);
		if (!kinds_agree(l, t) || !same_name_is(&w, t->name))
			continue;
		TRY(fits(c, local, w.id, &ok, &a));
		if (ok)
			TRY(take(c, &a, f));
	}
	return E_OK;
}

static void conclude(struct core *c, const struct measure *was, const struct found *f, struct core_result *out)
{
	*out = (struct core_result){ .exists = f->n,
				     .poison = f->m.poison,
				     .was_known = was->certain,
				     .was = was->value,
				     .value = f->m.value,
				     .type = f->type };
	if (!f->n || c->relo->kind != CORE_FIELD_BYTE_OFFSET)
		return;
	out->bytes_was = (uint32_t)was->bytes;
	out->bytes = (uint32_t)f->m.bytes;
	out->resize = was->bytes && f->m.bytes && may_resize(c, was->type, f->m.type);
}

static FALLIBLE check_relo(struct core *c)
{
	const struct core_relo *r = c->relo;

	if (r->type >= c->local->n_types || r->kind >= CORE_N_KINDS ||
	    (r->kind != CORE_TYPE_ID_LOCAL && !btf_get(c->local, r->type)->name[0]))
		FAIL_ID(c->d, FORMAT, 'U', 211, "a relocation by type %u, which is not there or has no name", r->type);
	return E_OK;
}

FALLIBLE core_resolve(const struct btf *local, const struct core_relo *r, const struct btf *target, uint64_t *steps,
		      struct core_result *out, struct diag *d)
{
	struct core c = { local, target, r, steps, d };
	struct found f = { 0 };
	struct access a;
	struct measure was;

	TRY(check_relo(&c));
	TRY(access_parse(&c, &a));
	TRY(measure(&c, local, &a, &was));
	if (r->kind == CORE_TYPE_ID_LOCAL) {
		*out = (struct core_result){ .exists = true, .was = r->type, .value = r->type };
		return E_OK;
	}
	TRY(search(&c, &a, &f));
	if (!f.n)
		TRY(measure(&c, target, NULL, &f.m));
	conclude(&c, &was, &f, out);
	return E_OK;
}
