/* SPDX-License-Identifier: Apache-2.0 */
/*
 * match: whether the target's type is the one that a program means.
 *
 * Three questions, from loose to strict: may a field be read through the other one (fields_compatible), does a type of
 * this shape exist (types_compatible), is it the same declaration (types_match). The rules are libbpf's:
 * tools/lib/bpf/relo_core.c, Linux v6.12, bpf_core_fields_are_compat, bpf_core_types_are_compat, bpf_core_types_match.
 */
#include "engine/btf/internal.h"

bool names_agree(const char *local, const char *target)
{
	size_t n;

	if (local[0] != target[0])
		return false;
	n = essential_len(local);
	return n == essential_len(target) && !memcmp(local, target, n);
}

bool kinds_agree(const struct btf_type *x, const struct btf_type *y)
{
	return x->kind == y->kind || (is_enum(x) && is_enum(y));
}

/* Integers that say themselves that they are a part of their bytes, as compilers once did for bit-fields. */
static bool whole_ints(const struct btf_type *x, const struct btf_type *y)
{
	return !x->int_off && !y->int_off;
}

FALLIBLE fields_compatible(struct core *c, uint32_t local, uint32_t target, bool *out)
{
	const struct btf_type *l = get_skipped(c->local, local), *t = get_skipped(c->target, target);

	for (; l->kind == BTF_ARRAY && t->kind == BTF_ARRAY; t = get_skipped(c->target, t->type)) {
		if (!core_step(c, 1))
			return core_too_much(c);
		l = get_skipped(c->local, l->type);
	}
	if (is_composite(l) && is_composite(t))
		*out = true;
	else if (!kinds_agree(l, t))
		*out = false;
	else if (l->kind == BTF_INT)
		*out = whole_ints(l, t);
	else if (l->kind == BTF_FWD || is_enum(l))
		*out = !l->name[0] || !t->name[0] || names_agree(l->name, t->name);
	else
		*out = l->kind == BTF_PTR || l->kind == BTF_FLOAT;
	return E_OK;
}

struct pair {
	uint32_t local, target; /* types */
	bool behind_ptr;
	int depth; /* what is left of BTF_MAX_DEPTH */
};

typedef FALLIBLE pair_fn(struct core *c, struct pair p, bool *out);

/* Parameters are judged one by one; what is left to judge is the result. */
static FALLIBLE params(struct core *c, const struct btf_type *l, const struct btf_type *t, struct pair p, pair_fn *fn,
		       bool *out)
{
	*out = l->n == t->n;
	p.depth--;
	for (uint32_t i = 0; *out && i < l->n; i++) {
		p.local = l->params[i].type;
		p.target = t->params[i].type;
		TRY(fn(c, p, out));
	}
	return E_OK;
}

static FALLIBLE compatible(struct core *c, struct pair p, bool *out)
{
	for (*out = true;; p.depth--) {
		const struct btf_type *l = get_skipped(c->local, p.local), *t = get_skipped(c->target, p.target);

		if (p.depth <= 0 || !core_step(c, 1))
			return core_too_much(c);
		*out = kinds_agree(l, t);
		if (*out && l->kind == BTF_INT)
			*out = whole_ints(l, t);
		else if (*out && l->kind == BTF_FUNC_PROTO)
			TRY(params(c, l, t, p, compatible, out));
		else if (l->kind == BTF_FLOAT)
			*out = false; /* libbpf has no answer for it */
		if (!*out || (l->kind != BTF_PTR && l->kind != BTF_ARRAY && l->kind != BTF_FUNC_PROTO))
			return E_OK;
		p.local = l->type;
		p.target = t->type;
	}
}

FALLIBLE types_compatible(struct core *c, uint32_t local, uint32_t target, bool *out)
{
	return compatible(c, (struct pair){ local, target, false, BTF_MAX_DEPTH }, out);
}

static FALLIBLE enums_match(struct core *c, const struct btf_type *l, const struct btf_type *t, bool *out)
{
	*out = is_enum(t) && l->n <= t->n;
	for (uint32_t i = 0; *out && i < l->n; i++) {
		*out = false;
		for (uint32_t k = 0; k < t->n && !*out; k++) {
			if (!core_step(c, 1))
				return core_too_much(c);
			*out = names_agree(l->enumerators[i].name, t->enumerators[k].name);
		}
	}
	return E_OK;
}

static FALLIBLE match(struct core *c, struct pair p, bool *out);

/* Has the target a member like this one? */
static FALLIBLE member_matches(struct core *c, const struct btf_member *m, const struct btf_type *t, int depth,
			       bool *out)
{
	*out = false;
	for (uint32_t k = 0; k < t->n && !*out; k++) {
		if (!core_step(c, 1))
			return core_too_much(c);
		if (names_agree(m->name, t->members[k].name))
			TRY(match(c, (struct pair){ m->type, t->members[k].type, false, depth }, out));
	}
	return E_OK;
}

static FALLIBLE composites_match(struct core *c, const struct btf_type *l, const struct btf_type *t, int depth,
				 bool *out)
{
	*out = l->kind == t->kind && l->n <= t->n;
	for (uint32_t i = 0; *out && i < l->n; i++)
		TRY(member_matches(c, &l->members[i], t, depth - 1, out));
	return E_OK;
}

/* A forward declaration and what it declares are the same thing behind a pointer. */
static bool declares(const struct btf_type *fwd, const struct btf_type *t)
{
	return t->kind == (fwd->flag ? BTF_UNION : BTF_STRUCT);
}

static bool tags_match(const struct btf_type *l, const struct btf_type *t, bool behind_ptr)
{
	if (l->kind == t->kind)
		return l->kind != BTF_FWD || l->flag == t->flag;
	return behind_ptr && ((l->kind == BTF_FWD && declares(l, t)) || (t->kind == BTF_FWD && declares(t, l)));
}

/* One step of a match. *more: what PTR, ARRAY and FUNC_PROTO refer to is still to be judged. */
static FALLIBLE match_one(struct core *c, const struct btf_type *l, const struct btf_type *t, struct pair p, bool *more,
			  bool *out)
{
	*more = false;
	*out = false;
	if (!names_agree(l->name, t->name))
		return E_OK;
	if (is_enum(l))
		return enums_match(c, l, t, out);
	if (is_composite(l) && !p.behind_ptr)
		return composites_match(c, l, t, p.depth, out);
	if (is_composite(l) || l->kind == BTF_FWD) {
		*out = tags_match(l, t, p.behind_ptr);
		return E_OK;
	}
	if (l->kind != t->kind)
		return E_OK;
	*more = l->kind == BTF_PTR || l->kind == BTF_ARRAY || l->kind == BTF_FUNC_PROTO;
	if (l->kind == BTF_FUNC_PROTO)
		return params(c, l, t, p, match, out);
	if (l->kind == BTF_INT)
		*out = l->size == t->size && (l->int_enc & INT_SIGNED) == (t->int_enc & INT_SIGNED);
	else
		*out = l->kind == BTF_VOID || l->kind == BTF_PTR || (l->kind == BTF_ARRAY && l->n == t->n);
	return E_OK;
}

static FALLIBLE match(struct core *c, struct pair p, bool *out)
{
	for (bool more = true;; p.depth--) {
		const struct btf_type *l = get_skipped(c->local, p.local), *t = get_skipped(c->target, p.target);

		if (p.depth <= 0 || !core_step(c, 1))
			return core_too_much(c);
		TRY(match_one(c, l, t, p, &more, out));
		if (!*out || !more)
			return E_OK;
		p.behind_ptr |= l->kind == BTF_PTR;
		p.local = l->type;
		p.target = t->type;
	}
}

FALLIBLE types_match(struct core *c, uint32_t local, uint32_t target, bool *out)
{
	return match(c, (struct pair){ local, target, false, BTF_MAX_DEPTH }, out);
}
