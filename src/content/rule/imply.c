/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imply: whether one condition follows from another, or can not hold together with it, whatever the event.
 *
 * Meaning    a implies b: every event of the type that satisfies a satisfies b. a excludes b: no event satisfies both.
 * Soundness  "true" is a proof; "false" only says that none was found. tests/rule/test_imply.c tries answers on events.
 * A comparison needs its field: with a missing field it is false, so what it implies may be said of present values
 * only. A comparison of all ancestors holds when one of them fits: two of those never exclude each other.
 */
#include "content/rule/internal.h"
#include "engine/helpers/helpers.h"

enum { MAX_PAIRS = 1 << 20, MAX_RANGES = 256 };

/* Holds when any of several values fits. */
static bool multi(const struct rule_fold *f)
{
	return f->field->type >= TEMPLATE_LIST && f->check->index < 0 && !f->check->key;
}

static bool same_key(const struct rule_check *p, const struct rule_check *q)
{
	return p->key_len == q->key_len && !p->key == !q->key && (!p->key || !memcmp(p->key, q->key, p->key_len));
}

/* Both look at the same value, and it is a field's: of computed ones nothing is said. */
static bool same_subject(const struct rule_fold *p, const struct rule_fold *q)
{
	if (p->check->left || q->check->left || p->check->first_only || q->check->first_only ||
	    !same_key(p->check, q->check))
		return false;
	return p->id == q->id && p->check->index == q->check->index && p->check->transforms == q->check->transforms &&
	       p->check->length == q->check->length;
}

static bool same_value(const struct rule_value *v, const struct rule_value *w)
{
	return v->len == w->len && !memcmp(v->p, w->p, v->len);
}

static bool identical(const struct rule_check *p, const struct rule_check *q)
{
	if (p->op != q->op || p->modifier != q->modifier || p->n_values != q->n_values)
		return false;
	for (uint32_t i = 0; p->values != q->values && i < p->n_values; i++)
		if (!same_value(&p->values[i], &q->values[i]))
			return false;
	return true;
}

/* ---- numbers, as unions of ranges ---- */

struct range {
	__int128 lo, hi;
};

struct ranges {
	struct range r[MAX_RANGES];
	uint32_t n;
	struct range all;
};

static bool is_number(const struct rule_fold *f)
{
	return f->check->length || !template_is_handle(f->field->type);
}

static bool read_number(uint8_t type, const struct rule_value *v, __int128 *out)
{
	uint64_t u = 0;
	bool good = rule_value_number(type, v->p, v->len, &u);

	*out = type == TEMPLATE_I64 ? (__int128)(int64_t)u : (__int128)u;
	return good;
}

static void add_range(struct ranges *s, __int128 lo, __int128 hi)
{
	lo = lo < s->all.lo ? s->all.lo : lo;
	hi = hi > s->all.hi ? s->all.hi : hi;
	if (lo <= hi)
		s->r[s->n++] = (struct range){ lo, hi };
}

static bool add_compared(struct ranges *s, enum rule_op op, __int128 v)
{
	switch (op) {
	case OP_EQ:
	case OP_IN:
	case OP_INTERSECTS:
		add_range(s, v, v);
		return true;
	case OP_NE:
		add_range(s, s->all.lo, v - 1);
		add_range(s, v + 1, s->all.hi);
		return true;
	case OP_LT:
		add_range(s, s->all.lo, v - 1);
		return true;
	case OP_LE:
		add_range(s, s->all.lo, v);
		return true;
	case OP_GT:
		add_range(s, v + 1, s->all.hi);
		return true;
	case OP_GE:
		add_range(s, v, s->all.hi);
		return true;
	default:
		return false;
	}
}

/* The numbers that satisfy the comparison. False: not said so. */
static bool ranges_of(const struct rule_fold *f, struct ranges *out)
{
	const struct rule_check *k = f->check;
	uint8_t type = k->length ? (uint8_t)TEMPLATE_U64 : f->field->type;

	out->n = 0;
	out->all = type == TEMPLATE_BOOL  ? (struct range){ 0, 1 }
		   : type == TEMPLATE_I64 ? (struct range){ INT64_MIN, INT64_MAX }
					  : (struct range){ 0, UINT64_MAX };
	if (k->modifier || k->n_values > MAX_RANGES / 2 || !k->n_values)
		return false;
	for (uint32_t i = 0; i < k->n_values; i++) {
		__int128 v;

		if (!read_number(type, &k->values[i], &v) || !add_compared(out, k->op, v))
			return false;
	}
	return true;
}

static bool number_implies(const struct rule_fold *p, const struct rule_fold *q)
{
	struct ranges a, b;

	if (!ranges_of(p, &a) || !ranges_of(q, &b))
		return false;
	for (uint32_t i = 0; i < a.n; i++) {
		bool inside = false;

		for (uint32_t k = 0; k < b.n; k++)
			inside |= b.r[k].lo <= a.r[i].lo && a.r[i].hi <= b.r[k].hi;
		if (!inside)
			return false;
	}
	return true;
}

static bool number_excludes(const struct rule_fold *p, const struct rule_fold *q)
{
	struct ranges a, b;

	if (!ranges_of(p, &a) || !ranges_of(q, &b))
		return false;
	for (uint32_t i = 0; i < a.n; i++)
		for (uint32_t k = 0; k < b.n; k++)
			if (a.r[i].lo <= b.r[k].hi && b.r[k].lo <= a.r[i].hi)
				return false;
	return true;
}

int rule_check_constant(const struct rule_fold *f)
{
	struct ranges s;

	if (f->kind != FOLD_CHECK || !is_number(f) || !ranges_of(f, &s))
		return -1;
	if (!s.n)
		return 0;
	return s.n == 1 && s.r[0].lo == s.all.lo && s.r[0].hi == s.all.hi && f->field->presence == TEMPLATE_ALWAYS ? 1
														   : -1;
}

/* ---- addresses ---- */

static bool net_inside(const struct helper_net *a, const struct helper_net *b)
{
	if (a->addr_len != b->addr_len || a->prefix < b->prefix)
		return false;
	for (unsigned i = 0; i < b->prefix; i++)
		if ((a->addr[i / 8] ^ b->addr[i / 8]) >> (7 - i % 8) & 1)
			return false;
	return true;
}

enum relation { IMPLIES, EXCLUDES };

static bool net_atom(enum relation want, const struct rule_value *v, const struct rule_value *w)
{
	struct helper_net a, b;

	if (!rule_value_net(v->p, v->len, &a) || !rule_value_net(w->p, w->len, &b))
		return false;
	return want == IMPLIES ? net_inside(&a, &b) : !net_inside(&a, &b) && !net_inside(&b, &a);
}

/* ---- texts ---- */

static bool starts(const struct rule_value *v, const struct rule_value *w)
{
	return w->len <= v->len && !memcmp(v->p, w->p, w->len);
}

static bool ends(const struct rule_value *v, const struct rule_value *w)
{
	return w->len <= v->len && !memcmp(v->p + v->len - w->len, w->p, w->len);
}

static bool contains(const struct rule_value *v, const struct rule_value *w)
{
	return memmem(v->p, v->len, w->p, w->len) != NULL;
}

static bool has_glob(const struct rule_value *v)
{
	for (uint32_t i = 0; i < v->len; i++)
		if (strchr("*?[\\", v->p[i]))
			return true;
	return false;
}

/* A text is the path w, or below it, as pmatch sees it. */
static bool below(const struct rule_value *v, const struct rule_value *w)
{
	return helper_pmatch(v->p, v->len, w->p, w->len);
}

/* Does a text that is v satisfy "op w"? 1, 0, or -1: not decided here. */
static int text_satisfies(const struct rule_value *v, enum rule_op op, const struct rule_value *w)
{
	switch (op) {
	case OP_EQ:
	case OP_IN:
	case OP_INTERSECTS:
		return same_value(v, w);
	case OP_STARTSWITH:
		return starts(v, w);
	case OP_ENDSWITH:
		return ends(v, w);
	case OP_CONTAINS:
		return contains(v, w);
	case OP_PMATCH:
		return below(v, w);
	default:
		return -1;
	}
}

static bool is_equal_op(enum rule_op op)
{
	return op == OP_EQ || op == OP_IN || op == OP_INTERSECTS;
}

/* Every text that satisfies "op1 v" satisfies "op2 w". */
static bool atom_implies(enum rule_op op1, const struct rule_value *v, enum rule_op op2, const struct rule_value *w)
{
	if (is_equal_op(op1))
		return text_satisfies(v, op2, w) == 1;
	if (op1 == op2 && same_value(v, w))
		return true;
	switch (op1) {
	case OP_STARTSWITH:
		return (op2 == OP_STARTSWITH && starts(v, w)) || (op2 == OP_CONTAINS && contains(v, w));
	case OP_ENDSWITH:
		return (op2 == OP_ENDSWITH && ends(v, w)) || (op2 == OP_CONTAINS && contains(v, w));
	case OP_CONTAINS:
		return op2 == OP_CONTAINS && contains(v, w);
	case OP_PMATCH: /* a pattern is not a path: without signs it is one */
		return op2 == OP_PMATCH && !has_glob(v) && below(v, w);
	default:
		return false;
	}
}

/* No text satisfies both. */
static bool atom_excludes(enum rule_op op1, const struct rule_value *v, enum rule_op op2, const struct rule_value *w)
{
	if (is_equal_op(op1))
		return text_satisfies(v, op2, w) == 0;
	if (is_equal_op(op2))
		return text_satisfies(w, op1, v) == 0;
	if (op1 == OP_STARTSWITH && op2 == OP_STARTSWITH)
		return !starts(v, w) && !starts(w, v);
	if (op1 == OP_PMATCH && op2 == OP_PMATCH)
		return !has_glob(v) && !has_glob(w) && !below(v, w) && !below(w, v);
	return op1 == OP_ENDSWITH && op2 == OP_ENDSWITH && !ends(v, w) && !ends(w, v);
}

/* One of its values, compared by its operator, is what the comparison asks. */
static bool any_of_values(const struct rule_check *k)
{
	return k->op != OP_EXISTS && k->op != OP_NE &&
	       (k->modifier == MOD_ANYOF || (!k->modifier && (k->n_values == 1 || (rule_ops[k->op].flags & OP_LIST))));
}

static bool one_unequal(const struct rule_check *k)
{
	return k->op == OP_NE && !k->modifier && k->n_values == 1;
}

static bool atom(enum relation want, const struct rule_fold *p, const struct rule_value *v, const struct rule_fold *q,
		 const struct rule_value *w)
{
	enum rule_op a = p->check->op, b = q->check->op;

	if (p->field->type == TEMPLATE_IP)
		return net_atom(want, v, w);
	return want == IMPLIES ? atom_implies(a, v, b, w) : atom_excludes(a, v, b, w);
}

static bool text_implies(const struct rule_fold *p, const struct rule_fold *q)
{
	const struct rule_check *a = p->check, *b = q->check;

	if (!any_of_values(a) || !any_of_values(b) || (uint64_t)a->n_values * b->n_values > MAX_PAIRS)
		return false;
	for (uint32_t i = 0; i < a->n_values; i++) {
		bool some = false;

		for (uint32_t k = 0; k < b->n_values && !some; k++)
			some = atom(IMPLIES, p, &a->values[i], q, &b->values[k]);
		if (!some)
			return false;
	}
	return true;
}

static bool text_excludes(const struct rule_fold *p, const struct rule_fold *q)
{
	const struct rule_check *a = p->check, *b = q->check;

	if (!any_of_values(a) || !any_of_values(b) || (uint64_t)a->n_values * b->n_values > MAX_PAIRS)
		return false;
	for (uint32_t i = 0; i < a->n_values; i++)
		for (uint32_t k = 0; k < b->n_values; k++)
			if (!atom(EXCLUDES, p, &a->values[i], q, &b->values[k]))
				return false;
	return true;
}

/* "x != w" as a relation to p: p excludes "x = w", or p implies it. */
static bool unequal(enum relation want, const struct rule_fold *p, const struct rule_fold *ne)
{
	struct rule_check eq = *ne->check;
	struct rule_fold f = *ne;

	eq.op = OP_EQ;
	f.check = &eq;
	return want == IMPLIES ? text_implies(p, &f) : text_excludes(p, &f);
}

/* ---- comparisons ---- */

bool rule_check_implies(const struct rule_fold *p, const struct rule_fold *q)
{
	if (!same_subject(p, q))
		return false;
	if (identical(p->check, q->check))
		return true;
	if (q->check->op == OP_EXISTS)
		return !multi(q) || any_of_values(p->check);
	if (p->check->op == OP_EXISTS)
		return false;
	if (is_number(p))
		return number_implies(p, q);
	if (p->check->transforms)
		return false; /* identical ones are told above; what transformed text can be is not looked into */
	if (one_unequal(q->check))
		return !multi(p) && unequal(EXCLUDES, p, q);
	return text_implies(p, q);
}

bool rule_check_excludes(const struct rule_fold *p, const struct rule_fold *q)
{
	if (!same_subject(p, q) || multi(p) || p->check->op == OP_EXISTS || q->check->op == OP_EXISTS)
		return false;
	if (is_number(p))
		return number_excludes(p, q);
	if (p->check->transforms)
		return false;
	if (one_unequal(p->check))
		return unequal(IMPLIES, q, p);
	if (one_unequal(q->check))
		return unequal(IMPLIES, p, q);
	return text_excludes(p, q);
}

bool rule_lit_implies(struct rule_lit a, struct rule_lit b)
{
	if (!a.negated)
		return b.negated ? rule_check_excludes(a.f, b.f) : rule_check_implies(a.f, b.f);
	return b.negated && rule_check_implies(b.f, a.f);
}

bool rule_lit_excludes(struct rule_lit a, struct rule_lit b)
{
	if (a.negated && b.negated)
		return false;
	if (!a.negated && !b.negated)
		return rule_check_excludes(a.f, b.f);
	return a.negated ? rule_check_implies(b.f, a.f) : rule_check_implies(a.f, b.f);
}

/* ---- conditions ---- */

/* A node, negated or not, as and, or, or a comparison. */
static enum rule_fold_kind kind_of(struct rule_lit x)
{
	if (!x.negated)
		return x.f->kind;
	return x.f->kind == FOLD_AND     ? FOLD_OR
	       : x.f->kind == FOLD_OR    ? FOLD_AND
	       : x.f->kind == FOLD_TRUE  ? FOLD_FALSE
	       : x.f->kind == FOLD_FALSE ? FOLD_TRUE
					 : x.f->kind;
}

struct rule_lit rule_lit_strip(struct rule_lit x)
{
	while (x.f->kind == FOLD_NOT)
		x = (struct rule_lit){ x.f->kids[0], !x.negated };
	return x;
}

static struct rule_lit kid_of(struct rule_lit x, uint32_t i)
{
	return rule_lit_strip((struct rule_lit){ x.f->kids[i], x.negated });
}

static bool implies(struct rule_lit a, struct rule_lit b, uint32_t *fuel);

static bool all_kids_imply(struct rule_lit a, struct rule_lit b, uint32_t *fuel)
{
	for (uint32_t i = 0; i < a.f->n; i++)
		if (!implies(kid_of(a, i), b, fuel))
			return false;
	return true;
}

static bool implies_all_kids(struct rule_lit a, struct rule_lit b, uint32_t *fuel)
{
	for (uint32_t i = 0; i < b.f->n; i++)
		if (!implies(a, kid_of(b, i), fuel))
			return false;
	return true;
}

static bool some_kid_implies(struct rule_lit a, struct rule_lit b, uint32_t *fuel)
{
	for (uint32_t i = 0; i < a.f->n; i++)
		if (implies(kid_of(a, i), b, fuel))
			return true;
	return false;
}

static bool implies_some_kid(struct rule_lit a, struct rule_lit b, uint32_t *fuel)
{
	for (uint32_t i = 0; i < b.f->n; i++)
		if (implies(a, kid_of(b, i), fuel))
			return true;
	return false;
}

static bool implies(struct rule_lit a, struct rule_lit b, uint32_t *fuel)
{
	enum rule_fold_kind ka = kind_of(a), kb = kind_of(b);

	if (!*fuel)
		return false;
	--*fuel;
	if (ka == FOLD_FALSE || kb == FOLD_TRUE)
		return true;
	if (ka == FOLD_TRUE || kb == FOLD_FALSE)
		return false;
	if (ka == FOLD_CHECK && kb == FOLD_CHECK)
		return rule_lit_implies(a, b);
	if (ka == FOLD_OR)
		return all_kids_imply(a, b, fuel);
	if (kb == FOLD_AND)
		return implies_all_kids(a, b, fuel);
	return (ka == FOLD_AND && some_kid_implies(a, b, fuel)) || (kb == FOLD_OR && implies_some_kid(a, b, fuel));
}

bool rule_implies(const struct rule_fold *a, const struct rule_fold *b, uint32_t *fuel)
{
	return implies(rule_lit_strip((struct rule_lit){ a, false }), rule_lit_strip((struct rule_lit){ b, false }),
		       fuel);
}
