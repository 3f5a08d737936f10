/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expand: macros and lists put in.
 *
 * A macro that was last changed at one place sees the macros that were first defined above it, as they are at the end:
 * what a later file makes of them too. Each is expanded behind those that it refers to. Trees are shared; every tree
 * knows the size and depth it has with all macros put in, and those have limits. Falco replaces list names in the text;
 * here they are replaced among values, bare ones only (substitute.c does as Falco).
 */
#include "content/rule/internal.h"

struct expand {
	struct rule_ctx *c;
	struct rule_items *it;
	struct rule_macro *macro; /* whose condition it is, or NULL */
};

/* ---- lists ---- */

static FALLIBLE list_values(struct expand *x, struct rule_list *l, struct rule_span used_at, unsigned depth);

static FALLIBLE grow_values(struct expand *x, struct rule_value **values, uint32_t n, uint32_t add, size_t *cap,
			    struct rule_span at)
{
	if (n + add > RULE_MAX_VALUES) {
		rule_report(x->c, RD_TOO_LARGE, at, "with all lists put in there are more than %d values",
			    RULE_MAX_VALUES);
		return E_REJECTED;
	}
	while (n + add > *cap) {
		*values = arena_grow(x->c->a, *values, *cap, cap, sizeof **values);
		if (!*values)
			return E_NOMEM;
	}
	return E_OK;
}

static FALLIBLE expand_list(struct expand *x, struct rule_list *l, unsigned depth)
{
	struct rule_value *values = NULL, v;
	size_t cap = 0;
	uint32_t n = 0;

	for (uint32_t i = 0; i < l->n_items; i++) {
		struct rule_list *inner;

		TRY(rule_text_value(x->c, l->items[i], &v));
		inner = v.quoted ? NULL : rule_list_find(x->it, v.p, v.len);
		if (inner)
			TRY(list_values(x, inner, v.at, depth + 1));
		TRY(grow_values(x, &values, n, inner ? inner->n_values : 1, &cap, v.at));
		if (inner && inner->n_values)
			memcpy(values + n, inner->values, inner->n_values * sizeof v);
		else if (!inner)
			values[n] = v;
		n += inner ? inner->n_values : 1;
	}
	l->values = values;
	l->n_values = n;
	return E_OK;
}

static FALLIBLE list_values(struct expand *x, struct rule_list *l, struct rule_span used_at, unsigned depth)
{
	enum err err;

	l->used = true;
	if (l->visit == VISIT_DONE)
		return E_OK;
	if (l->visit == VISIT_FAILED)
		return E_REJECTED;
	if (l->visit == VISIT_ACTIVE || depth > RULE_MAX_DEPTH) {
		struct diag *d = rule_report(x->c, l->visit == VISIT_ACTIVE ? RD_CYCLE : RD_DEEP, used_at,
					     l->visit == VISIT_ACTIVE ? "list '%.*s' contains itself"
								      : "lists are nested too deep at '%.*s'",
					     (int)(l->name.len < 60 ? l->name.len : 60), l->name.text->p);

		rule_note(x->c, d, l->name, "the list");
		return E_REJECTED;
	}
	l->visit = VISIT_ACTIVE;
	err = expand_list(x, l, depth);
	l->visit = err ? VISIT_FAILED : VISIT_DONE;
	return err;
}

static FALLIBLE find_value_list(struct expand *x, const struct rule_value *v, struct rule_list **out)
{
	*out = v->quoted ? NULL : rule_list_find(x->it, v->p, v->len);
	return *out ? list_values(x, *out, v->at, 0) : E_OK;
}

static FALLIBLE one_value(struct expand *x, struct rule_check *k, struct rule_list *l)
{
	struct diag *d;

	if (l->n_values != 1) {
		d = rule_report(x->c, RD_LIST_AS_VALUE, k->values->at, "'%s' takes one value, and list '%.*s' has %u",
				rule_ops[k->op].word, (int)(l->name.len < 60 ? l->name.len : 60), l->name.text->p,
				l->n_values);
		diag_hint(d, "write '%.60s in (%.60s)'", k->field, k->values->p);
		return E_REJECTED;
	}
	k->values = l->values;
	return E_OK;
}

static FALLIBLE expand_values(struct expand *x, struct rule_check *k)
{
	struct rule_value *values = NULL;
	size_t cap = 0;
	uint32_t n = 0;
	struct rule_list *l;

	for (uint32_t i = 0; i < k->n_values; i++) {
		const struct rule_value *v = &k->values[i];

		TRY(find_value_list(x, v, &l));
		if (l && !k->modifier && !(rule_ops[k->op].flags & OP_LIST))
			return one_value(x, k, l);
		if (l && k->n_values == 1) { /* the usual case: share the list's values */
			k->values = l->values;
			k->n_values = l->n_values;
			return E_OK;
		}
		TRY(grow_values(x, &values, n, l ? l->n_values : 1, &cap, v->at));
		if (l && l->n_values)
			memcpy(values + n, l->values, l->n_values * sizeof *values);
		else if (!l)
			values[n] = *v;
		n += l ? l->n_values : 1;
	}
	k->values = values;
	k->n_values = n;
	return E_OK;
}

/* The bytes that pairs of hexadecimal digits mean. */
static FALLIBLE decode_hex(struct expand *x, const struct rule_value *v, struct rule_value *out)
{
	char *bytes = arena_alloc(x->c->a, v->len / 2 + 1);

	if (!bytes)
		return E_NOMEM;
	for (uint32_t i = 0; i < v->len; i += 2) {
		int hi = rule_hex_digit(v->p[i]), lo = i + 1 < v->len ? rule_hex_digit(v->p[i + 1]) : -1;

		if (hi < 0 || lo < 0) {
			rule_report(x->c, RD_VALUE, v->at, "'%.60s' is not made of pairs of hexadecimal digits", v->p);
			return E_REJECTED;
		}
		bytes[i / 2] = (char)(hi << 4 | lo);
	}
	*out = *v;
	out->p = bytes;
	out->len = v->len / 2;
	return E_OK;
}

/* What the operator makes of the values, when all lists are in. */
static FALLIBLE settle_values(struct expand *x, struct rule_check *k)
{
	struct rule_value *values;

	if (k->first_only && k->n_values > 1)
		k->n_values = 1;
	if (k->op != OP_BCONTAINS && k->op != OP_BSTARTSWITH)
		return E_OK;
	values = ARENA_ARRAY(x->c->a, struct rule_value, k->n_values);
	if (!values)
		return E_NOMEM;
	for (uint32_t i = 0; i < k->n_values; i++)
		TRY(decode_hex(x, &k->values[i], &values[i]));
	k->values = values;
	return E_OK;
}

/* ---- macros ---- */

static FALLIBLE unknown_macro(struct expand *x, struct rule_span at, const char *name)
{
	struct rule_nearest near = { .want = name, .want_len = at.len };
	struct diag *d;

	if (rule_list_find(x->it, name, at.len)) {
		d = rule_report(x->c, RD_UNKNOWN_MACRO, at, "'%.*s' is a list, not a macro", (int)at.len, name);
		diag_hint(d, "write 'field in (%.*s)'", (int)at.len, name);
		return E_REJECTED;
	}
	near.d = rule_report(x->c, RD_UNKNOWN_MACRO, at, "no macro '%.*s' is defined", (int)(at.len < 80 ? at.len : 80),
			     name);
	for (uint32_t i = 0; near.d && i < x->it->n_macros; i++)
		rule_nearest_try(&near, x->it->macros[i]->name.text->p);
	rule_nearest_hint(&near);
	return E_REJECTED;
}

static FALLIBLE find_macro(struct expand *x, struct rule_span at, struct rule_macro **out)
{
	const char *name = at.text->p + at.off;
	struct rule_macro *m = rule_macro_find(x->it, name, at.len);
	struct diag *d;

	if (!m)
		return unknown_macro(x, at, name);
	if (m == x->macro) {
		rule_report(x->c, RD_CYCLE, at, "macro '%.*s' contains itself", (int)(at.len < 80 ? at.len : 80), name);
		return E_REJECTED;
	}
	if (x->macro && m->defined > x->macro->changed) {
		d = rule_report(x->c, RD_MACRO_BELOW, at, "macro '%.*s' is defined below this one",
				(int)(at.len < 80 ? at.len : 80), name);
		rule_note(x->c, d, m->name, "macro '%.80s'", m->name.text->p);
		diag_hint(d, "a macro sees those above it: move it up");
		return E_REJECTED;
	}
	*out = m;
	return m->visit == VISIT_DONE ? E_OK : E_REJECTED; /* if not done, that was reported where it stands */
}

static FALLIBLE expand_node(struct expand *x, struct rule_cond *cond, uint32_t *ret_size, uint32_t *ret_depth);

static FALLIBLE expand_macro(struct expand *x, struct rule_cond *cond, uint32_t *ret_size, uint32_t *ret_depth)
{
	struct rule_macro *m;

	TRY(find_macro(x, cond->at, &m));
	if (!x->macro)
		m->used = true;
	cond->kids = &m->cond;
	cond->n = 1;
	*ret_size = m->size;
	*ret_depth = m->depth;
	return E_OK;
}

static FALLIBLE too_large(struct expand *x, struct rule_span at)
{
	rule_report(x->c, RD_TOO_LARGE, at,
		    "with all macros put in, the condition has more than %d parts or is nested more than %d deep",
		    RULE_MAX_COND_NODES, RULE_MAX_EXPANDED_DEPTH);
	return E_REJECTED;
}

static FALLIBLE expand_node(struct expand *x, struct rule_cond *cond, uint32_t *ret_size, uint32_t *ret_depth)
{
	uint32_t size = 1, depth = 0, kid_size = 0, kid_depth = 0;
	enum err err, first = E_OK;

	if (cond->kind == COND_MACRO)
		return expand_macro(x, cond, ret_size, ret_depth);
	if (cond->kind == COND_CHECK) {
		TRY(expand_values(x, &cond->check));
		TRY(settle_values(x, &cond->check));
		size += cond->check.n_values / RULE_VALUES_PER_NODE;
	}
	for (uint32_t i = 0; i < cond->n; i++) {
		err = expand_node(x, cond->kids[i], &kid_size, &kid_depth);
		if (err && err != E_REJECTED)
			return err;
		first = first ? first : err; /* go on, to report what else is wrong */
		size += err ? 0 : kid_size;
		depth = err || kid_depth < depth ? depth : kid_depth;
		if (size > RULE_MAX_COND_NODES || depth >= RULE_MAX_EXPANDED_DEPTH)
			return too_large(x, cond->at);
	}
	*ret_size = size;
	*ret_depth = depth + 1;
	return first;
}

static FALLIBLE parse_macro(struct rule_ctx *c, struct rule_items *it, struct rule_macro *m)
{
	const struct rule_text *text = m->text;

	if (c->opts.strict_falco)
		TRY(rule_substitute(c, it, text, &text));
	return rule_parse(c, text, &m->cond);
}

/* The macros that the condition names and may use; what is wrong with other names is said when it is expanded. */
static FALLIBLE find_refs(struct rule_ctx *c, struct rule_items *it, struct rule_macro *m, const struct rule_cond *cond)
{
	struct rule_macro *to;

	for (uint32_t i = 0; i < cond->n; i++)
		TRY(find_refs(c, it, m, cond->kids[i]));
	if (cond->kind != COND_MACRO)
		return E_OK;
	to = rule_macro_find(it, cond->at.text->p + cond->at.off, cond->at.len);
	if (!to || to == m || to->defined > m->changed)
		return E_OK;
	m->refs = arena_grow(c->a, m->refs, m->n_refs, &m->refs_cap, sizeof *m->refs);
	if (!m->refs)
		return E_NOMEM;
	m->refs[m->n_refs++] = (struct rule_macro_ref){ to, cond->at };
	return E_OK;
}

/* The next macro that m needs and that nothing was done with yet, or NULL. */
static struct rule_macro *next_needed(struct rule_ctx *c, struct rule_macro *m)
{
	while (m->next_ref < m->n_refs) {
		const struct rule_macro_ref *ref = &m->refs[m->next_ref++];

		if (ref->to->visit == VISIT_NEW)
			return ref->to;
		if (ref->to->visit == VISIT_ACTIVE)
			rule_report(c, RD_CYCLE, ref->at, "macro '%.80s' contains itself, by way of macro '%.80s'",
				    ref->to->name.text->p, m->name.text->p);
	}
	return NULL;
}

/* first, behind all that it needs: depth first, with a stack of our own, for chains can be as long as a file. */
static FALLIBLE expand_from(struct rule_ctx *c, struct rule_items *it, struct rule_macro *first,
			    struct rule_macro **stack, uint32_t *n_done)
{
	uint32_t n = 0;

	if (first->visit != VISIT_NEW)
		return E_OK;
	first->visit = VISIT_ACTIVE;
	stack[n++] = first;
	while (n) {
		struct rule_macro *m = stack[n - 1], *needed = next_needed(c, m);
		struct expand x = { c, it, m };
		enum err err;

		if (needed) {
			needed->visit = VISIT_ACTIVE;
			stack[n++] = needed;
			continue;
		}
		err = expand_node(&x, m->cond, &m->size, &m->depth);
		if (err && err != E_REJECTED)
			return err;
		m->visit = err ? VISIT_FAILED : VISIT_DONE;
		it->order[(*n_done)++] = m;
		n--;
	}
	return E_OK;
}

FALLIBLE rule_expand_macros(struct rule_ctx *c, struct rule_items *it)
{
	struct rule_macro **stack = ARENA_ARRAY(c->a, struct rule_macro *, it->n_macros);
	uint32_t n_done = 0;

	it->order = ARENA_ARRAY(c->a, struct rule_macro *, it->n_macros);
	if (!stack || !it->order)
		return E_NOMEM;
	for (uint32_t i = 0; i < it->n_macros; i++) {
		struct rule_macro *m = it->macros[i];
		enum err err = parse_macro(c, it, m);

		if (err && err != E_REJECTED)
			return err;
		m->visit = err ? VISIT_FAILED : VISIT_NEW;
		if (!err)
			TRY(find_refs(c, it, m, m->cond));
		else
			it->order[n_done++] = m;
	}
	for (uint32_t i = 0; i < it->n_macros; i++)
		TRY(expand_from(c, it, it->macros[i], stack, &n_done));
	return E_OK;
}

FALLIBLE rule_expand(struct rule_ctx *c, struct rule_items *it, struct rule_cond *cond)
{
	struct expand x = { c, it, NULL };
	uint32_t size, depth;

	TRY(expand_node(&x, cond, &size, &depth));
	c->total_nodes += size;
	if (c->total_nodes > RULE_MAX_TOTAL_NODES) {
		rule_report(c, RD_TOO_LARGE, cond->at, "all conditions together have more than %d parts",
			    RULE_MAX_TOTAL_NODES);
		return E_REJECTED;
	}
	return E_OK;
}

/* ---- what nobody uses ---- */

static void mark_macros(struct rule_items *it, const struct rule_cond *cond)
{
	if (cond->kind == COND_MACRO) {
		struct rule_macro *m = rule_macro_find(it, cond->at.text->p + cond->at.off, cond->at.len);

		if (m)
			m->used = true;
		return;
	}
	for (uint32_t i = 0; i < cond->n; i++)
		mark_macros(it, cond->kids[i]);
}

void rule_warn_unused(struct rule_ctx *c, struct rule_items *it)
{
	/* from the last to the first, each is marked before its own turn */
	for (uint32_t i = it->n_macros; i-- > 0;)
		if (it->order[i]->used && it->order[i]->cond)
			mark_macros(it, it->order[i]->cond);
	for (uint32_t i = 0; i < it->n_macros; i++)
		if (!it->macros[i]->used)
			rule_report(c, RD_UNUSED_MACRO, it->macros[i]->name, "no rule uses macro '%.80s'",
				    it->macros[i]->name.text->p);
	for (uint32_t i = 0; i < it->n_lists; i++)
		if (!it->lists[i]->used)
			rule_report(c, RD_UNUSED_LIST, it->lists[i]->name, "nothing uses list '%.80s'",
				    it->lists[i]->name.text->p);
}
