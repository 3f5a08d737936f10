/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exception: what a rule leaves out.
 *
 * fields: [f1, f2], comps: [c1, c2], values: [[v1, v2], ...]  makes  and not ((f1 c1 v1 and f2 c2 v2) or ...)
 * fields: f, comps: in, values: [v1, v2]                      makes  and not (f in (v1, v2))
 *
 * A value can be a transformer or val(field).
 */
#include "content/rule/internal.h"

static FALLIBLE bad(struct rule_ctx *c, const struct rule_node *at, const char *text)
{
	rule_report(c, RD_EXCEPTION, rule_node_span(at), "%s", text);
	return E_REJECTED;
}

static FALLIBLE add_values(struct rule_ctx *c, struct rule_exception *e, const struct rule_node *values)
{
	if (values->kind != NODE_SEQ)
		return bad(c, values, "'values' must be a list");
	for (uint32_t i = 0; i < values->n; i++) {
		e->values = arena_grow(c->a, e->values, e->n_values, &e->cap, sizeof(struct rule_node *));
		if (!e->values)
			return E_NOMEM;
		e->values[e->n_values++] = values->kids[i];
	}
	return E_OK;
}

static bool all_scalars(const struct rule_node *seq)
{
	for (uint32_t i = 0; i < seq->n; i++)
		if (seq->kids[i]->kind != NODE_SCALAR)
			return false;
	return true;
}

static FALLIBLE check_shape(struct rule_ctx *c, const struct rule_exception *e)
{
	const struct rule_node *f = e->fields, *comps = e->comps;

	if (f->kind == NODE_MAP || (f->kind == NODE_SEQ && (!f->n || !all_scalars(f))))
		return bad(c, f, "'fields' must be the name of a field, or a list of names");
	if (!comps)
		return E_OK;
	if (comps->kind != f->kind || (comps->kind == NODE_SEQ && !all_scalars(comps)))
		return bad(c, comps, "'comps' must have the shape of 'fields': one operator, or a list of them");
	if (comps->kind == NODE_SEQ && comps->n != f->n)
		return bad(c, comps, "'comps' must have as many operators as 'fields' has fields");
	return E_OK;
}

static struct rule_exception *find(struct rule_draft *r, const struct rule_node *name)
{
	for (uint32_t i = 0; i < r->n_exceptions; i++)
		if (!strcmp(r->exceptions[i].name->text.p, name->text.p))
			return &r->exceptions[i];
	return NULL;
}

static FALLIBLE append_to(struct rule_ctx *c, struct rule_exception *e, const struct rule_node *n,
			  const struct rule_node *values)
{
	if (rule_node_get(n, "fields") || rule_node_get(n, "comps"))
		return bad(c, n, "an appended exception of a known name may have values only");
	if (!values || (values->kind == NODE_SEQ && !values->n)) {
		rule_report(c, RD_NO_VALUES, rule_node_span(n),
			    "the appended exception has no values: nothing changes");
		return E_OK;
	}
	return add_values(c, e, values);
}

static FALLIBLE collect(struct rule_ctx *c, struct rule_draft *r, const struct rule_node *n, bool append)
{
	static const char *const keys[] = { "name", "fields", "comps", "values" };
	const struct rule_node *values;
	struct rule_exception e = { 0 }, *old;

	if (n->kind != NODE_MAP)
		return bad(c, n, "an exception is a mapping with name, fields, comps, values");
	rule_item_keys(c, n, keys, countof(keys));
	e.name = rule_item_get(c, n, "name", NODE_SCALAR, true);
	if (!e.name)
		return E_REJECTED;
	values = rule_node_get(n, "values");
	old = find(r, e.name);
	if (old && append)
		return append_to(c, old, n, values);
	if (old)
		rule_report(c, RD_EXCEPTION_TWICE, rule_node_span(e.name), "the rule has an exception '%.60s' already",
			    e.name->text.p);
	e.fields = rule_node_get(n, "fields");
	e.comps = rule_node_get(n, "comps");
	if (!e.fields || rule_node_is_null(e.fields))
		return bad(c, n, "an exception needs 'fields'");
	TRY(check_shape(c, &e));
	if (values && !rule_node_is_null(values))
		TRY(add_values(c, &e, values));
	if (r->n_exceptions == 1024)
		return bad(c, n, "more than 1,024 exceptions");
	r->exceptions = arena_grow(c->a, r->exceptions, r->n_exceptions, &r->exceptions_cap, sizeof e);
	if (!r->exceptions)
		return E_NOMEM;
	r->exceptions[r->n_exceptions++] = e;
	return E_OK;
}

FALLIBLE rule_exceptions_collect(struct rule_ctx *c, struct rule_draft *r, const struct rule_node *seq, bool append)
{
	if (!seq || rule_node_is_null(seq))
		return E_OK;
	if (seq->kind != NODE_SEQ)
		return bad(c, seq, "'exceptions' must be a list");
	if (!append) {
		r->exceptions = NULL;
		r->n_exceptions = 0;
		r->exceptions_cap = 0;
	}
	for (uint32_t i = 0; i < seq->n; i++)
		TRY(collect(c, r, seq->kids[i], append));
	return E_OK;
}

/* ---- to conditions ---- */

static bool is_blank(char ch)
{
	return ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r';
}

/* "startswith", or "startswith oneof". */
static FALLIBLE read_operator(struct rule_ctx *c, const struct rule_node *n, struct rule_check *k)
{
	const char *p = n->text.p;
	size_t len = 0;

	k->op_at = rule_node_span(n);
	while (p[len] && !is_blank(p[len]))
		len++;
	k->op = (uint8_t)rule_op_find(p, len);
	for (p += len; is_blank(*p); p++)
		;
	if (*p)
		k->modifier = (uint8_t)rule_modifier_find(p, strlen(p));
	if (k->op == OP_COUNT || (rule_ops[k->op].flags & OP_UNARY) || (*p && !k->modifier) ||
	    (k->modifier && !(rule_ops[k->op].flags & OP_MANY))) {
		diag_hint(rule_report(c, RD_EXCEPTION, k->op_at, "'%.40s' is no operator for an exception", n->text.p),
			  "one of = != < <= > >= contains icontains startswith endswith glob iglob regex bcontains "
			  "bstartswith, "
			  "with or without oneof anyof allof, or in intersects pmatch");
		return E_REJECTED;
	}
	return E_OK;
}

/* One value, or the values of a sequence. */
static FALLIBLE read_values(struct rule_ctx *c, const struct rule_node *const *nodes, uint32_t n, struct rule_check *k)
{
	struct rule_value *values = ARENA_ARRAY(c->a, struct rule_value, n);

	if (!values)
		return E_NOMEM;
	for (uint32_t i = 0; i < n; i++) {
		if (nodes[i]->kind != NODE_SCALAR)
			return bad(c, nodes[i], "a value of an exception must be text or a number");
		TRY(rule_text_value(c, &nodes[i]->text, &values[i]));
	}
	k->values = values;
	k->n_values = n;
	return E_OK;
}

/* A scalar that is a list in parentheses, as older rules write it: "(a, b)". */
static FALLIBLE read_parenthesised(struct rule_ctx *c, const struct rule_node *n, struct rule_check *k)
{
	struct rule_lex x = { c, &n->text, 1 };
	struct rule_value *values = NULL;
	size_t cap = 0;

	for (;;) {
		rule_lex_blanks(&x);
		if (n->text.p[x.i] == ')')
			break;
		values = arena_grow(c->a, values, k->n_values, &cap, sizeof *values);
		if (!values)
			return E_NOMEM;
		TRY(rule_lex_value(&x, &values[k->n_values]));
		k->n_values++;
		rule_lex_blanks(&x);
		if (n->text.p[x.i] == ',')
			x.i++;
		else if (n->text.p[x.i] != ')')
			return bad(c, n, "',' or ')' is missing in this list of values");
	}
	k->values = values;
	return E_OK;
}

/* The operator takes a list of values. */
static bool takes_list(const struct rule_check *k)
{
	return (rule_ops[k->op].flags & OP_LIST) || k->modifier;
}

/* The value of one field, as the tuple has it. */
static FALLIBLE read_operand(struct rule_ctx *c, const struct rule_node *value, struct rule_check *k)
{
	bool list = takes_list(k);

	if (value->kind == NODE_MAP || (value->kind == NODE_SEQ && !list))
		return bad(c, value, "the operator of this field takes one value");
	if (value->kind == NODE_SEQ)
		return read_values(c, (const struct rule_node *const *)value->kids, value->n, k);
	if (list && value->text.p[0] == '(')
		return read_parenthesised(c, value, k);
	if (!k->modifier)
		TRY(rule_parse_value(c, &value->text, &k->right));
	return k->right ? E_OK : read_values(c, &value, 1, k);
}

static FALLIBLE one_comparison(struct rule_ctx *c, const struct rule_node *field, const struct rule_node *comp,
			       enum rule_op fallback, const struct rule_node *value, struct rule_cond **out)
{
	struct rule_check k;

	TRY(rule_parse_field(c, &field->text, &k));
	k.op = (uint8_t)fallback;
	k.op_at = k.at;
	if (comp)
		TRY(read_operator(c, comp, &k));
	TRY(read_operand(c, value, &k));
	rule_settle_left(&k);
	return rule_check_cond(c, &k, out);
}

/* f1 c1 v1 and f2 c2 v2 ... */
static FALLIBLE one_tuple(struct rule_ctx *c, const struct rule_exception *e, const struct rule_node *tuple,
			  struct rule_cond **out)
{
	const struct rule_node *f = e->fields;
	struct rule_cond **kids;

	if (tuple->kind != NODE_SEQ || tuple->n != f->n)
		return bad(c, tuple, "each element of 'values' must be a list with one value per field");
	kids = ARENA_ARRAY(c->a, struct rule_cond *, f->n);
	if (!kids)
		return E_NOMEM;
	for (uint32_t i = 0; i < f->n; i++)
		TRY(one_comparison(c, f->kids[i], e->comps ? e->comps->kids[i] : NULL, OP_EQ, tuple->kids[i],
				   &kids[i]));
	*out = f->n == 1 ? kids[0] : rule_cond_new(c, COND_AND, rule_node_span(tuple), kids, f->n);
	return *out ? E_OK : E_NOMEM;
}

static FALLIBLE flat_values(struct rule_ctx *c, const struct rule_exception *e, struct rule_cond **out)
{
	struct rule_check k;

	TRY(rule_parse_field(c, &e->fields->text, &k));
	k.op = OP_IN;
	k.op_at = k.at;
	if (e->comps)
		TRY(read_operator(c, e->comps, &k));
	if (!takes_list(&k))
		return bad(
			c, e->comps,
			"with a single field, 'comps' is one of in, pmatch, intersects, or has oneof, anyof or allof");
	TRY(read_values(c, e->values, e->n_values, &k));
	rule_settle_left(&k);
	return rule_check_cond(c, &k, out);
}

static FALLIBLE one_exception(struct rule_ctx *c, const struct rule_exception *e, struct rule_cond **out)
{
	struct rule_cond **kids;

	if (e->fields->kind == NODE_SCALAR)
		return flat_values(c, e, out);
	kids = ARENA_ARRAY(c->a, struct rule_cond *, e->n_values);
	if (!kids)
		return E_NOMEM;
	for (uint32_t i = 0; i < e->n_values; i++)
		TRY(one_tuple(c, e, e->values[i], &kids[i]));
	*out = e->n_values == 1 ? kids[0] : rule_cond_new(c, COND_OR, rule_node_span(e->name), kids, e->n_values);
	return *out ? E_OK : E_NOMEM;
}

FALLIBLE rule_exceptions_apply(struct rule_ctx *c, const struct rule_draft *r, struct rule_cond **cond)
{
	struct rule_cond **kids = ARENA_ARRAY(c->a, struct rule_cond *, (size_t)r->n_exceptions + 1), **no;
	uint32_t n = 1;

	if (!kids)
		return E_NOMEM;
	kids[0] = *cond;
	for (uint32_t i = 0; i < r->n_exceptions; i++) {
		const struct rule_exception *e = &r->exceptions[i];

		if (!e->n_values)
			continue;
		no = ARENA_ARRAY(c->a, struct rule_cond *, 1);
		if (!no)
			return E_NOMEM;
		TRY(one_exception(c, e, no));
		kids[n] = rule_cond_new(c, COND_NOT, rule_node_span(e->name), no, 1);
		if (!kids[n++])
			return E_NOMEM;
	}
	if (n > 1)
		*cond = rule_cond_new(c, COND_AND, (*cond)->at, kids, n);
	return *cond ? E_OK : E_NOMEM;
}
