/* SPDX-License-Identifier: Apache-2.0 */
/*
 * type_expr: whether a computed value makes sense, and a field beside a field.
 *
 * As in type.c every template type that has all the fields is asked. Falco's refusals are kept: a right side is never a
 * network, a pattern or a regular expression, and some fields stand on neither side of such a comparison.
 */
#include "content/rule/internal.h"
#include "engine/helpers/helpers.h"

struct typing {
	struct rule_ctx *c;
	const struct template_type *type;
};

/* ---- fields ---- */

static bool in_some_type(const struct template_table *t, const char *name)
{
	uint32_t id;

	for (uint32_t i = 0; i < t->n_types; i++)
		if (template_field_find(t, &t->types[i], name, strlen(name), &id))
			return true;
	return false;
}

static const struct rule_expr *unknown_in(struct rule_ctx *c, const struct rule_expr *e)
{
	const struct rule_expr *found = NULL;

	if (e && e->kind == EXPR_FIELD && !in_some_type(c->table, e->text) &&
	    !rule_known_argument(e->text, strlen(e->text)))
		return e;
	for (uint32_t i = 0; e && i < e->n && !found; i++)
		found = unknown_in(c, e->kids[i]);
	return found;
}

const struct rule_expr *rule_unknown_leaf(struct rule_ctx *c, const struct rule_check *k)
{
	const struct rule_expr *left = unknown_in(c, k->left);

	return left ? left : unknown_in(c, k->right);
}

static bool has_all(const struct typing *t, const struct rule_expr *e)
{
	uint32_t id;

	if (e && e->kind == EXPR_FIELD)
		return template_field_find(t->c->table, t->type, e->text, strlen(e->text), &id) != NULL;
	for (uint32_t i = 0; e && i < e->n; i++)
		if (!has_all(t, e->kids[i]))
			return false;
	return true;
}

static bool has_field(const struct rule_expr *e)
{
	if (e->kind == EXPR_FIELD)
		return true;
	for (uint32_t i = 0; i < e->n; i++)
		if (has_field(e->kids[i]))
			return true;
	return false;
}

static bool type_field(const struct typing *t, const struct rule_expr *e, uint8_t *out)
{
	uint32_t id;
	const struct template_field *f = template_field_find(t->c->table, t->type, e->text, strlen(e->text), &id);
	bool picked = e->index >= 0 || e->key;

	assert(f && "has_all looked");
	if (picked && f->type == TEMPLATE_DICT) {
		*out = TEMPLATE_STR;
		return true;
	}
	if (e->key || (picked && f->type != TEMPLATE_LIST && f->type != TEMPLATE_ANCESTRY)) {
		rule_report(t->c, RD_INDEX, e->at,
			    e->key && f->type >= TEMPLATE_LIST ? "'%s' is %s: its index is a number"
							       : "'%s' is %s and takes no such index",
			    f->name, rule_type_name(f->type));
		return false;
	}
	*out = picked ? TEMPLATE_STR : f->type;
	if (*out != TEMPLATE_ANCESTRY && *out != TEMPLATE_NAMES)
		return true;
	rule_report(t->c, RD_TRANSFORMER, e->at, "'%s' is %s: it can not be computed with as a whole", f->name,
		    rule_type_name(*out));
	return false;
}

/* ---- transformers ---- */

static bool type_of(const struct typing *t, const struct rule_expr *e, uint8_t *out);

/* Argument i must be of this type. */
static bool need(const struct typing *t, const struct rule_expr *e, uint32_t i, uint8_t type)
{
	uint8_t have;

	if (!type_of(t, e->kids[i], &have))
		return false;
	if (have == type)
		return true;
	rule_report(t->c, RD_TRANSFORMER, e->kids[i]->at, "this is %s, and %s is needed here", rule_type_name(have),
		    rule_type_name(type));
	return false;
}

static bool all_texts(const struct typing *t, const struct rule_expr *e)
{
	for (uint32_t i = 0; i < e->n; i++)
		if (!need(t, e, i, TEMPLATE_STR))
			return false;
	return true;
}

/* One argument: text or a list of it; for base64 and len, bytes too. */
static bool type_unary(const struct typing *t, const struct rule_expr *e, uint8_t *out)
{
	bool bytes = e->call == RULE_CALL_LEN || e->call == HELPER_TMP_B64;
	uint8_t have;

	if (!type_of(t, e->kids[0], &have))
		return false;
	if (have == TEMPLATE_STR || have == TEMPLATE_LIST || (bytes && have == TEMPLATE_BYTES)) {
		*out = e->call == RULE_CALL_LEN ? TEMPLATE_U64 : have;
		return true;
	}
	rule_report(t->c, RD_TRANSFORMER, e->at, "the transformer takes text or a list, and this is %s",
		    rule_type_name(have));
	return false;
}

static bool type_call(const struct typing *t, const struct rule_expr *e, uint8_t *out)
{
	switch (e->call) {
	case RULE_CALL_VAL:
		return type_of(t, e->kids[0], out);
	case HELPER_TMP_CONCAT:
		*out = TEMPLATE_STR;
		return all_texts(t, e);
	case HELPER_TMP_JOIN:
		*out = TEMPLATE_STR;
		return need(t, e, 0, TEMPLATE_STR) && need(t, e, 1, TEMPLATE_LIST);
	case HELPER_TMP_GETOPT:
		*out = e->option ? TEMPLATE_STR : TEMPLATE_LIST;
		return need(t, e, 0, TEMPLATE_LIST) && need(t, e, 1, TEMPLATE_STR);
	}
	return type_unary(t, e, out);
}

static bool type_of(const struct typing *t, const struct rule_expr *e, uint8_t *out)
{
	switch ((enum rule_expr_kind)e->kind) {
	case EXPR_FIELD:
		return type_field(t, e, out);
	case EXPR_TEXT:
		*out = TEMPLATE_STR;
		return true;
	case EXPR_LIST:
		*out = TEMPLATE_LIST;
		return all_texts(t, e);
	case EXPR_CALL:
		return type_call(t, e, out);
	}
	return false;
}

/* ---- a comparison ---- */

static const struct rule_expr *alone(const struct rule_expr *e)
{
	while (e->kind == EXPR_CALL && e->call == RULE_CALL_VAL)
		e = e->kids[0];
	return e;
}

static bool check_right(struct rule_ctx *c, const struct rule_check *k)
{
	const struct rule_expr *sides[] = { alone(k->left), alone(k->right) };

	if (k->op == OP_PMATCH || k->op == OP_REGEX) {
		rule_report(c, RD_RIGHT_SIDE, k->right->at, "'%s' takes no field on its right side",
			    rule_ops[k->op].word);
		return false;
	}
	for (size_t i = 0; i < countof(sides); i++) {
		if (sides[i]->kind == EXPR_FIELD && rule_no_right_side(sides[i]->text)) {
			rule_report(c, RD_RIGHT_SIDE, sides[i]->at,
				    "'%.60s' can not be compared with a field, nor a field with it", sides[i]->text);
			return false;
		}
	}
	return true;
}

static bool check_sides(const struct typing *t, const struct rule_check *k)
{
	uint8_t left, right;

	if (!type_of(t, k->left, &left))
		return false;
	if (!k->right)
		return rule_check_operator(t->c, k, left) && rule_check_values(t->c, k, left);
	if (!type_of(t, k->right, &right) || !rule_check_operator(t->c, k, left))
		return false;
	if (left == right)
		return true;
	rule_report(t->c, RD_RIGHT_SIDE, k->right->at, "this is %s, and '%.60s' is %s", rule_type_name(right), k->field,
		    rule_type_name(left));
	return false;
}

/* Numbers of arguments belong to an event; only a comparison of its own can name the events. */
static bool check_numbers(struct rule_ctx *c, const struct rule_expr *e)
{
	if (e && e->kind == EXPR_FIELD && e->index >= 0 &&
	    (!strcmp(e->text, "evt.arg") || !strcmp(e->text, "evt.rawarg"))) {
		diag_hint(rule_report(c, RD_UNSUPPORTED, e->at, "an argument by number can not be computed with"),
			  "use the argument's name: %s.flags", e->text);
		return false;
	}
	for (uint32_t i = 0; e && i < e->n; i++)
		if (!check_numbers(c, e->kids[i]))
			return false;
	return true;
}

enum rule_check_state rule_judge_expr(struct rule_ctx *c, const struct rule_check *k)
{
	if ((k->right && !check_right(c, k)) || !check_numbers(c, k->left) || !check_numbers(c, k->right))
		return CHECK_BAD;
	if (!has_field(k->left)) {
		rule_report(c, RD_TRANSFORMER, k->left->at, "there is no field in it: it is always the same");
		return CHECK_BAD;
	}
	if (rule_unknown_leaf(c, k))
		return CHECK_UNKNOWN;
	for (uint32_t i = 0; i < c->table->n_types; i++) {
		struct typing t = { c, &c->table->types[i] };

		if (has_all(&t, k->left) && has_all(&t, k->right) && !check_sides(&t, k))
			return CHECK_BAD;
	}
	return CHECK_GOOD;
}
