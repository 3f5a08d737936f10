/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access: a path through a type, "0:1:2", and the same path through another.
 *
 * The first number indexes an array of the root type, the others name members of structs and unions or elements of
 * arrays. In the target only names count: members may have moved, also into or out of anonymous structs and unions.
 * Source of the rules: tools/lib/bpf/relo_core.c:bpf_core_parse_spec, bpf_core_spec_match, Linux v6.12.
 */
#include "engine/btf/internal.h"

FALLIBLE core_too_much(struct core *c)
{
	FAIL_ID(c->d, LIMIT, 'U', 215, "access %.64s of type %u is deeper, or costs more to look for, than is allowed",
		c->relo->access, c->relo->type);
}

static FALLIBLE no_access(struct core *c)
{
	FAIL_ID(c->d, FORMAT, 'U', 210, "access %.64s is none of type %u", c->relo->access, c->relo->type);
}

/* The numbers of "0:1:2". */
static FALLIBLE parse_numbers(struct core *c, uint32_t *out, uint32_t *n)
{
	const char *s = c->relo->access;

	for (*n = 0;; s++) {
		uint64_t v = 0;

		if (*s < '0' || *s > '9')
			return no_access(c);
		for (; *s >= '0' && *s <= '9'; s++) {
			v = v * 10 + (uint64_t)(*s - '0');
			if (v > INT32_MAX)
				return no_access(c);
		}
		if (*n == CORE_MAX_ACCESS)
			return core_too_much(c);
		out[(*n)++] = (uint32_t)v;
		if (!*s)
			return E_OK;
		if (*s != ':')
			return no_access(c);
	}
}

/* A last member that is an array of none: any index is one of it. */
static bool is_flexible(const struct btf *b, const struct accessor *before, const struct btf_type *array)
{
	return before->name && !array->n && before->index == btf_get(b, before->type)->n - 1;
}

/* No instruction reaches further. */
#define MAX_BITS ((uint64_t)UINT32_MAX * 8)

/* Add the index-th element of this type to the path. False: such a place is not there. */
static bool step_element(const struct btf *b, uint32_t type, uint32_t index, struct access *a)
{
	uint64_t bytes, bits;

	if (!btf_size(b, type, &bytes) || __builtin_mul_overflow(bytes, (uint64_t)index * 8, &bits) || bits > MAX_BITS)
		return false;
	a->bit_off += bits;
	a->at[a->n++] = (struct accessor){ NULL, btf_skip(b, type), index };
	a->depth++;
	return true;
}

/* An element of the array in which the path ends. */
static bool step_array(const struct btf *b, const struct btf_type *array, uint32_t index, struct access *a)
{
	if (array->kind != BTF_ARRAY || (index >= array->n && !is_flexible(b, &a->at[a->n - 1], array)))
		return false;
	return step_element(b, array->type, index, a);
}

/* One more number; *id: the type that the path has come to. */
static bool step_local(const struct btf *b, uint32_t number, uint32_t *id, struct access *a)
{
	const struct btf_type *t = get_skipped(b, *id);
	const struct btf_member *m;

	if (!is_composite(t)) {
		*id = t->type;
		return step_array(b, t, number, a);
	}
	if (number >= t->n)
		return false;
	m = &t->members[number];
	a->bit_off += m->bit_off;
	a->depth++;
	if (m->name[0]) /* what stands between is not asked for: it may be gone in the target */
		a->at[a->n++] = (struct accessor){ m->name, btf_skip(b, *id), number };
	*id = m->type;
	return m->name[0] || is_composite(get_skipped(b, m->type));
}

static FALLIBLE parse_enumerator(struct core *c, const uint32_t *numbers, uint32_t n, struct access *a)
{
	uint32_t id = btf_skip(c->local, a->root);
	const struct btf_type *t = btf_get(c->local, id);

	if (!is_enum(t) || n != 1 || numbers[0] >= t->n)
		return no_access(c);
	a->at[a->n++] = (struct accessor){ t->enumerators[numbers[0]].name, id, numbers[0] };
	return E_OK;
}

static FALLIBLE parse_field(struct core *c, const uint32_t *numbers, uint32_t n, struct access *a)
{
	uint32_t id = a->root, before = 0;

	if (!step_element(c->local, id, numbers[0], a))
		return no_access(c);
	for (uint32_t i = 1; i < n; i++) {
		before = a->n;
		if (!step_local(c->local, numbers[i], &id, a))
			return no_access(c);
	}
	return a->n > before ? E_OK : no_access(c); /* not at something anonymous, which the target need not have */
}

FALLIBLE access_parse(struct core *c, struct access *out)
{
	uint32_t numbers[CORE_MAX_ACCESS], n;

	out->n = out->depth = 0;
	out->bit_off = 0;
	out->root = c->relo->type;
	TRY(parse_numbers(c, numbers, &n));
	if (core_is_type(c->relo->kind))
		return n == 1 && !numbers[0] ? E_OK : no_access(c);
	if (core_is_enumval(c->relo->kind))
		return parse_enumerator(c, numbers, n, out);
	return parse_field(c, numbers, n, out);
}

/* The member that `want` names, in the target's type *id or in what is anonymous inside it; *id becomes its type. */
static FALLIBLE find_member(struct core *c, const struct accessor *want, uint32_t *id, bool *found, struct access *a)
{
	uint32_t type = btf_skip(c->target, *id), n = a->n, depth = a->depth;
	uint32_t local = btf_get(c->local, want->type)->members[want->index].type;
	const struct btf_type *t = btf_get(c->target, type);
	uint64_t bit_off = a->bit_off;
	bool named = false;

	*found = false;
	for (uint32_t i = 0; is_composite(t) && i < t->n && !*found && !named; i++) {
		const struct btf_member *m = &t->members[i];

		if (!core_step(c, 1) || depth == CORE_MAX_ACCESS)
			return core_too_much(c);
		named = m->name[0] && !strcmp(m->name, want->name);
		if (m->name[0] && !named)
			continue;
		a->n = n;
		a->depth = depth + 1;
		a->bit_off = bit_off + m->bit_off;
		*id = m->type;
		if (named)
			a->at[a->n++] = (struct accessor){ m->name, type, i };
		TRY(named ? fields_compatible(c, local, m->type, found) : find_member(c, want, id, found, a));
	}
	return E_OK;
}

static FALLIBLE find_enumerator(struct core *c, const struct access *local, uint32_t id, bool *fits, struct access *out)
{
	const struct btf_type *t;

	id = btf_skip(c->target, id);
	t = btf_get(c->target, id);
	for (uint32_t i = 0; is_enum(t) && i < t->n; i++) {
		if (!core_step(c, 1))
			return core_too_much(c);
		if (!names_agree(local->at[0].name, t->enumerators[i].name))
			continue;
		out->at[out->n++] = (struct accessor){ t->enumerators[i].name, id, i };
		*fits = true;
		return E_OK;
	}
	return E_OK;
}

static FALLIBLE find_field(struct core *c, const struct access *local, uint32_t id, bool *fits, struct access *out)
{
	for (uint32_t i = 0; i < local->n; i++) {
		const struct accessor *want = &local->at[i];
		const struct btf_type *t = get_skipped(c->target, id);

		if (out->depth == CORE_MAX_ACCESS || !core_step(c, 1))
			return core_too_much(c);
		if (want->name) {
			TRY(find_member(c, want, &id, fits, out));
		} else if (!i) {
			*fits = step_element(c->target, id, want->index, out);
		} else {
			*fits = step_array(c->target, t, want->index, out);
			id = t->type;
		}
		if (!*fits)
			return E_OK;
	}
	return E_OK;
}

FALLIBLE access_find(struct core *c, const struct access *local, uint32_t id, bool *fits, struct access *out)
{
	*fits = false;
	out->n = out->depth = 0;
	out->bit_off = 0;
	out->root = id;
	if (core_is_enumval(c->relo->kind))
		return find_enumerator(c, local, id, fits, out);
	return find_field(c, local, id, fits, out);
}
