/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fold: what is left of a condition once the type of event is known.
 *
 * A field that the type does not have is missing, so its comparisons are false. evt.type takes the type's few names, so
 * most comparisons of it are decided. The constants then travel up; in what remains there are none, and every branch of
 * the program can be reached.
 */
#include "content/rule/internal.h"

struct folder {
	const struct template_table *t;
	const struct template_type *type;
	struct arena *a;
};

static const struct rule_fold constant[] = { { .kind = FOLD_FALSE }, { .kind = FOLD_TRUE } };

static const struct rule_fold *truth(bool b)
{
	return &constant[b];
}

static bool ends(const char *s, size_t n, const struct rule_value *v, bool at_end)
{
	return v->len <= n && !memcmp(at_end ? s + n - v->len : s, v->p, v->len);
}

/* Whether an event's name satisfies the comparison: 1 or 0, or -1 when that is not decided here. */
static int event_satisfies(const struct rule_check *k, const char *s, size_t n)
{
	bool any = false;

	if (k->modifier && (k->modifier != MOD_ANYOF || k->op != OP_EQ))
		return -1;
	for (uint32_t i = 0; i < k->n_values; i++)
		any |= k->values[i].len == n && !memcmp(k->values[i].p, s, n);
	switch ((enum rule_op)k->op) {
	case OP_EQ:
	case OP_IN:
	case OP_INTERSECTS:
		return any;
	case OP_NE:
		return !any;
	case OP_STARTSWITH:
		return ends(s, n, k->values, false);
	case OP_ENDSWITH:
		return ends(s, n, k->values, true);
	case OP_CONTAINS:
		return memmem(s, n, k->values->p, k->values->len) != NULL;
	case OP_EXISTS:
		return 1;
	default:
		return -1;
	}
}

/* evt.type over all names of the type; NULL when only the event itself can tell. */
static const struct rule_fold *fold_event(const struct folder *x, const struct rule_check *k)
{
	const char *s = x->type->events;
	bool some = false, all = true;

	for (size_t n; *s; s += n + (s[n] == ' ')) {
		int sat;

		n = strcspn(s, " ");
		sat = event_satisfies(k, s, n);
		if (sat < 0)
			return NULL;
		some |= sat;
		all &= sat;
	}
	return some && !all ? NULL : truth(all && some);
}

/* evt.dir: every event is an exit. */
static const struct rule_fold *fold_direction(const struct rule_check *k)
{
	bool any = k->op == OP_EXISTS;

	for (uint32_t i = 0; i < k->n_values; i++)
		any |= k->values[i].p[0] == '<';
	return truth(k->op == OP_NE ? !any : any);
}

/* evt.num begins at 1, so that macros can say "never" and "always" by it. */
static const struct rule_fold *fold_number(const struct rule_check *k)
{
	uint64_t v;

	if (k->n_values != 1 || !rule_value_u64(k->values->p, k->values->len, &v))
		return NULL;
	if (v == 0)
		return k->op == OP_NE || k->op == OP_GT || k->op == OP_GE ? truth(true) : truth(false);
	if (v == 1 && (k->op == OP_GE || k->op == OP_LT))
		return truth(k->op == OP_GE);
	return NULL;
}

static uint32_t count_leaves(const struct rule_expr *e)
{
	uint32_t n = e && e->kind == EXPR_FIELD;

	for (uint32_t i = 0; e && i < e->n; i++)
		n += count_leaves(e->kids[i]);
	return n;
}

/* The expression's fields behind the n that are there; false when the type lacks one. */
static bool find_leaves(const struct folder *x, const struct rule_expr *e, struct rule_leaf *leaves, uint32_t *n)
{
	struct rule_leaf *leaf = &leaves[*n];

	if (e && e->kind == EXPR_FIELD) {
		leaf->field = template_field_find(x->t, x->type, e->text, strlen(e->text), &leaf->id);
		++*n;
		return leaf->field != NULL;
	}
	for (uint32_t i = 0; e && i < e->n; i++)
		if (!find_leaves(x, e->kids[i], leaves, n))
			return false;
	return true;
}

static const struct rule_fold *fold_expr(const struct folder *x, const struct rule_check *k)
{
	uint32_t n = 0, all = count_leaves(k->left) + count_leaves(k->right);
	struct rule_leaf *leaves = ARENA_ARRAY(x->a, struct rule_leaf, all);
	struct rule_fold *out = ARENA_NEW(x->a, struct rule_fold);

	if (!out || !leaves)
		return NULL;
	if (!find_leaves(x, k->left, leaves, &n) || !find_leaves(x, k->right, leaves, &n) ||
	    (!k->right && !k->n_values && k->op != OP_EXISTS))
		return truth(false);
	*out = (struct rule_fold){ .kind = FOLD_CHECK,
				   .check = k,
				   .field = leaves[0].field,
				   .id = leaves[0].id,
				   .leaves = leaves,
				   .n_leaves = n };
	if (k->modifier && k->left->kind == EXPR_CALL && k->left->call == RULE_CALL_LEN)
		return rule_fold_many(out, x->a);
	return out;
}

static const struct rule_fold *fold_check(const struct folder *x, const struct rule_check *k)
{
	const struct template_field *f;
	const struct rule_fold *decided = NULL;
	struct rule_fold *out;
	uint32_t id;
	bool text;

	if (k->left)
		return fold_expr(x, k);
	if (!strcmp(k->field, "evt.dir"))
		return fold_direction(k);
	f = template_field_find(x->t, x->type, k->field, strlen(k->field), &id);
	if (!f || (!k->n_values && k->op != OP_EXISTS))
		return truth(false);
	if (!strcmp(k->field, "evt.type") && !k->transforms && !k->length)
		decided = fold_event(x, k);
	else if (!strcmp(k->field, "evt.num") && !k->modifier)
		decided = fold_number(k);
	if (decided)
		return decided;
	out = ARENA_NEW(x->a, struct rule_fold);
	if (!out)
		return NULL;
	*out = (struct rule_fold){ .kind = FOLD_CHECK, .check = k, .field = f, .id = id };
	text = template_is_handle(f->type) && f->type != TEMPLATE_IP && !k->length;
	return k->modifier && !text ? rule_fold_many(out, x->a) : out;
}

static const struct rule_fold *fold_node(const struct folder *x, const struct rule_cond *cond);

static const struct rule_fold *fold_not(const struct folder *x, const struct rule_cond *cond)
{
	const struct rule_fold *kid = fold_node(x, cond->kids[0]), **kids;
	struct rule_fold *out;

	if (!kid)
		return NULL;
	if (kid->kind == FOLD_FALSE || kid->kind == FOLD_TRUE)
		return truth(kid->kind == FOLD_FALSE);
	if (kid->kind == FOLD_NOT)
		return kid->kids[0];
	out = ARENA_NEW(x->a, struct rule_fold);
	kids = ARENA_ARRAY(x->a, const struct rule_fold *, 1);
	if (!out || !kids)
		return NULL;
	kids[0] = kid;
	*out = (struct rule_fold){ .kind = FOLD_NOT, .kids = kids, .n = 1 };
	return out;
}

static const struct rule_fold *fold_many(const struct folder *x, const struct rule_cond *cond)
{
	bool and = cond->kind == COND_AND;
	const struct rule_fold **kids = ARENA_ARRAY(x->a, const struct rule_fold *, cond->n);
	struct rule_fold *out;
	uint32_t n = 0;

	if (!kids)
		return NULL;
	for (uint32_t i = 0; i < cond->n; i++) {
		const struct rule_fold *kid = fold_node(x, cond->kids[i]);

		if (!kid)
			return NULL;
		if (kid->kind == (and? FOLD_FALSE : FOLD_TRUE))
			return kid;
		if (kid->kind != (and? FOLD_TRUE : FOLD_FALSE))
			kids[n++] = kid;
	}
	if (n < 2)
		return n ? kids[0] : truth(and);
	out = ARENA_NEW(x->a, struct rule_fold);
	if (out)
		*out = (struct rule_fold){ .kind = and? FOLD_AND : FOLD_OR, .kids = kids, .n = n };
	return out;
}

static const struct rule_fold *fold_node(const struct folder *x, const struct rule_cond *cond)
{
	switch ((enum rule_cond_kind)cond->kind) {
	case COND_CHECK:
		return fold_check(x, &cond->check);
	case COND_MACRO:
		return fold_node(x, cond->kids[0]);
	case COND_NOT:
		return fold_not(x, cond);
	case COND_AND:
	case COND_OR:
		return fold_many(x, cond);
	}
	return NULL;
}

const struct rule_fold *rule_fold(const struct rule_cond *cond, const struct template_table *t,
				  const struct template_type *type, struct arena *a)
{
	struct folder x = { t, type, a };

	return fold_node(&x, cond);
}

bool rule_names_event(const struct rule_cond *cond)
{
	if (cond->kind == COND_CHECK)
		return !strcmp(cond->check.field, "evt.type");
	for (uint32_t i = 0; i < cond->n; i++)
		if (rule_names_event(cond->kids[i]))
			return true;
	return false;
}
