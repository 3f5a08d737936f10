/* SPDX-License-Identifier: Apache-2.0 */
/* share: comparisons to predicates, conditions to guards. See share.h. */
#include "content/rule/share.h"

#include "engine/helpers/helpers.h"

enum { MAX_GUARD_PREDS = 256, N_BUCKETS = 1024 };

struct shared {
	struct hnode node;
	uint32_t number;
};

FALLIBLE rule_share_init(struct rule_share *s, struct arena *a, struct rule_pool *operands, uint32_t record)
{
	*s = (struct rule_share){ .a = a, .operands = operands, .record = record };
	return htab_init(&s->by_content, N_BUCKETS);
}

void rule_share_done(struct rule_share *s)
{
	htab_done(&s->by_content);
}

/* ---- predicates ---- */

static bool same(const struct image_pred *a, const struct image_pred *b)
{
	return a->field == b->field && a->subject == b->subject && a->negated == b->negated && a->test == b->test &&
	       a->index == b->index && a->number == b->number && a->operand.p == b->operand.p &&
	       a->operand.len == b->operand.len;
}

static uint64_t hash_of(const struct image_pred *q)
{
	uint64_t h = hash_u64((uint64_t)q->field << 32 | (uint64_t)q->subject << 16 | q->negated);

	h = hash_u64(h ^ ((uint64_t)q->test << 32 | q->index));
	h = hash_u64(h ^ q->number);
	return hash_u64(h ^ ((uint64_t)(uintptr_t)q->operand.p << 20 ^ q->operand.len));
}

/* Its number; -1: there are too many, or no memory. */
static int32_t number_of(struct rule_share *s, const struct image_pred *q)
{
	uint64_t hash = hash_of(q);
	struct shared *e;

	for (struct hnode *n = htab_first(&s->by_content, hash); n; n = htab_next(n)) {
		e = CONTAINER_OF(n, struct shared, node);
		if (same(&s->preds[e->number], q))
			return (int32_t)e->number;
	}
	if (s->n == IMAGE_MAX_PREDS)
		return -1;
	e = ARENA_NEW(s->a, struct shared);
	s->preds = arena_grow(s->a, s->preds, s->n, &s->cap, sizeof *s->preds);
	if (!e || !s->preds) {
		s->err = E_NOMEM;
		return -1;
	}
	e->number = s->n;
	s->preds[s->n] = *q;
	htab_add(&s->by_content, &e->node, hash);
	return (int32_t)s->n++;
}

/* The operand that the helper takes, as an offset into the pool. False: not one that is shared. */
static bool set_operand(struct rule_share *s, const struct rule_check *k, uint32_t helper, struct image_pred *out)
{
	uint32_t off = 0, len = 0;
	enum err err = E_OK;

	if (rule_ops[k->op].flags & OP_ALONE)
		return false;
	switch (helper) {
	case ABI_HELPER_str_cmp:
	case ABI_HELPER_str_ask:
		return false;
	case ABI_HELPER_str_regex:
		err = rule_pool_regex(s->operands, k->values, &off, &len);
		break;
	case ABI_HELPER_str_in:
	case ABI_HELPER_str_pmatch:
	case ABI_HELPER_str_startswith_in:
		err = rule_pool_set(s->operands, k->values, k->n_values, false, &off, &len);
		break;
	default:
		len = k->values->len;
		err = len ? rule_pool_add(s->operands, k->values->p, len, &off) : E_OK;
	}
	out->test = helper;
	out->operand = view_of((const void *)(uintptr_t)off, len);
	if (err)
		s->err = err;
	return !err;
}

static bool text_pred(struct rule_share *s, const struct rule_fold *f, struct image_pred *out)
{
	const struct rule_check *k = f->check;

	if (k->op == OP_EXISTS) {
		out->subject = IMAGE_PRESENT;
		return k->index < 0;
	}
	out->subject = k->index < 0 ? IMAGE_TEXT : IMAGE_ELEMENT;
	out->index = k->index < 0 ? 0 : (uint32_t)k->index;
	out->negated = k->op == OP_NE && !k->modifier;
	return set_operand(s, k, rule_string_helper(k), out);
}

static bool list_pred(struct rule_share *s, const struct rule_fold *f, struct image_pred *out)
{
	const struct rule_check *k = f->check;

	if (k->index >= 0)
		return k->op != OP_EXISTS && text_pred(s, f, out);
	if (f->field->type == TEMPLATE_LIST && k->op == OP_IN)
		return false; /* all elements, and there is one */
	out->subject = IMAGE_ANY_ELEMENT;
	out->index = f->field->type == TEMPLATE_ANCESTRY;
	return k->op != OP_EXISTS && k->op != OP_NE && set_operand(s, k, rule_string_helper(k), out);
}

static bool address_pred(struct rule_share *s, const struct rule_fold *f, struct image_pred *out)
{
	const struct rule_check *k = f->check;
	uint32_t off = 0, len = 0;
	enum err err;

	if (k->op == OP_EXISTS) {
		out->subject = IMAGE_PRESENT;
		return true;
	}
	err = rule_pool_set(s->operands, k->values, k->n_values, true, &off, &len);
	out->subject = IMAGE_ADDRESS;
	out->test = ABI_HELPER_ip_in_net;
	out->negated = k->op == OP_NE;
	out->operand = view_of((const void *)(uintptr_t)off, len);
	if (err)
		s->err = err;
	return !err;
}

int32_t rule_share_check(struct rule_share *s, const struct rule_fold *f)
{
	struct image_pred q = { .record = s->record, .field = (uint16_t)f->id };
	bool shared = false;

	if (f->check->left || f->check->key || f->check->length)
		return -1;
	switch ((enum template_field_type)f->field->type) {
	case TEMPLATE_STR:
	case TEMPLATE_BYTES:
		shared = text_pred(s, f, &q);
		break;
	case TEMPLATE_LIST:
	case TEMPLATE_ANCESTRY:
	case TEMPLATE_NAMES:
		shared = list_pred(s, f, &q);
		break;
	case TEMPLATE_IP:
		shared = address_pred(s, f, &q);
		break;
	case TEMPLATE_BOOL:
	case TEMPLATE_U64:
	case TEMPLATE_I64:
	case TEMPLATE_TIME:
	case TEMPLATE_PORT:
	case TEMPLATE_DICT:
		break;
	}
	return shared ? number_of(s, &q) : -1;
}

/* ---- guards ---- */

/*
 * A set of predicates of which one holds whenever a condition does. odds guesses in how many of a thousand events one
 * holds, cost what asking takes, in arbitrary units: guesses decide only which guards are used, never what matches.
 */
struct guard {
	uint16_t preds[MAX_GUARD_PREDS];
	uint32_t n, odds, cost;
};
enum {
	ODDS_ALL = 1000,
	ODDS_ENOUGH = 50, /* further guards cost more than the programs they keep from starting */
	ODDS_LITERAL = 20,
	ODDS_NUMBER = 200,
	ODDS_BOOL = 400,
	ODDS_COMMON = 700,  /* one of few values */
	ODDS_NOT = 800,     /* anything but one value */
	ODDS_ORDER = 900,   /* more or less than a number */
	ODDS_PRESENT = 950, /* from here on a guard is no use */
};
enum { COST_NUMBER = 1, COST_START = 2, COST_WHOLE = 3, COST_EACH = 6 };

static bool add_pred(struct guard *g, int32_t number, uint32_t odds, uint32_t cost)
{
	if (number < 0 || g->n == MAX_GUARD_PREDS)
		return false;
	for (uint32_t i = 0; i < g->n; i++)
		if (g->preds[i] == number)
			return true;
	g->odds = g->odds + odds < ODDS_ALL ? g->odds + odds : ODDS_ALL;
	g->cost = cost > g->cost ? cost : g->cost;
	g->preds[g->n++] = (uint16_t)number;
	return true;
}

static enum helper_order order_of(enum rule_op op, bool is_signed)
{
	switch (op) {
	case OP_LT:
		return is_signed ? HELPER_SLT : HELPER_LT;
	case OP_LE:
		return is_signed ? HELPER_SLE : HELPER_LE;
	case OP_GT:
		return is_signed ? HELPER_SGT : HELPER_GT;
	case OP_GE:
		return is_signed ? HELPER_SGE : HELPER_GE;
	default:
		return HELPER_EQ;
	}
}

static uint32_t odds_of_number(const struct rule_check *k, uint8_t type)
{
	if (k->op == OP_NE || order_of(k->op, false) != HELPER_EQ)
		return ODDS_ORDER;
	return type == TEMPLATE_BOOL ? ODDS_BOOL : ODDS_NUMBER;
}

/* Fields that take few values: that such a one has a certain value tells little. */
static bool has_few_values(const char *field)
{
	static const char *const few[] = { "fd.typechar", "fd.type", "fd.l4proto", "fd.sockfamily", "evt.res" };

	for (size_t i = 0; i < countof(few); i++)
		if (!strcmp(field, few[i]))
			return true;
	return false;
}

static uint32_t odds_of_text(const struct rule_check *k)
{
	uint32_t n = k->n_values < 16 ? k->n_values : 16;

	if (k->op == OP_EXISTS)
		return ODDS_PRESENT;
	if (k->op == OP_NE) /* of most events `host` is true: rules about containers say otherwise */
		return strcmp(k->field, "container.id") ? ODDS_NOT : ODDS_NUMBER;
	return has_few_values(k->field) ? ODDS_COMMON : ODDS_LITERAL + n;
}

static uint32_t cost_of_text(const struct rule_fold *f)
{
	if (f->field->type != TEMPLATE_STR)
		return COST_EACH;
	switch ((enum rule_op)f->check->op) {
	case OP_EQ:
	case OP_NE:
	case OP_IN:
	case OP_STARTSWITH:
	case OP_ENDSWITH:
		return COST_START;
	case OP_CONTAINS:
		return COST_WHOLE;
	default:
		return COST_EACH;
	}
}

/* A number that equals one of several values: a predicate for each. */
static bool guard_number(struct rule_share *s, const struct rule_fold *f, struct guard *g)
{
	const struct rule_check *k = f->check;
	uint8_t type = f->field->type;

	if (k->op == OP_EXISTS || (k->modifier && k->modifier != MOD_ANYOF))
		return false;
	for (uint32_t i = 0; i < k->n_values; i++) {
		struct image_pred q = { .record = s->record,
					.field = (uint16_t)f->id,
					.subject = IMAGE_NUMBER,
					.test = order_of(k->op, type == TEMPLATE_I64),
					.negated = k->op == OP_NE,
					.number = (uint64_t)rule_number(&k->values[i], type) };

		if (!add_pred(g, number_of(s, &q), odds_of_number(k, type), COST_NUMBER))
			return false;
	}
	return true;
}

/* What an event is called is known to fit already, or nearly: fold.c. */
static bool guard_check(struct rule_share *s, const struct rule_fold *f, struct guard *g)
{
	const struct rule_check *k = f->check;

	if (k->left || !strcmp(k->field, "evt.type"))
		return false;
	if (!template_is_handle(f->field->type) && !k->length)
		return guard_number(s, f, g);
	return add_pred(g, rule_share_check(s, f), odds_of_text(k), cost_of_text(f));
}

static bool guard_of(struct rule_share *s, const struct rule_fold *f, struct guard *g);

static bool better(const struct guard *a, const struct guard *b)
{
	return a->odds * a->cost < b->odds * b->cost;
}

/* All of them hold: one is enough. g already has what other branches of an `or` gave. */
static bool guard_and(struct rule_share *s, const struct rule_fold *f, struct guard *g)
{
	struct guard *with = ARENA_NEW(s->scratch, struct guard), *best = ARENA_NEW(s->scratch, struct guard);
	bool any = false;

	if (!with || !best)
		return false;
	for (uint32_t i = 0; i < f->n; i++) {
		*with = *g;
		if (!guard_of(s, f->kids[i], with) || (any && !better(with, best)))
			continue;
		*best = *with;
		any = true;
	}
	if (any)
		*g = *best;
	return any;
}

static bool guard_of(struct rule_share *s, const struct rule_fold *f, struct guard *g)
{
	switch ((enum rule_fold_kind)f->kind) {
	case FOLD_CHECK:
		return guard_check(s, f, g);
	case FOLD_AND:
		return guard_and(s, f, g);
	case FOLD_OR:
		for (uint32_t i = 0; i < f->n; i++)
			if (!guard_of(s, f->kids[i], g))
				return false;
		return true;
	case FOLD_NOT: /* nearly always true: no use */
	case FOLD_FALSE:
	case FOLD_TRUE:
		break;
	}
	return false;
}

/* The guards of a program, best first. */
struct best {
	struct guard *v[IMAGE_MAX_GUARDS];
	uint32_t n;
};

static void keep(struct best *all, struct guard *g)
{
	uint32_t at = all->n;

	if (g->odds >= ODDS_PRESENT || !g->n)
		return;
	while (at && better(g, all->v[at - 1]))
		at--;
	if (at == IMAGE_MAX_GUARDS)
		return;
	all->n += all->n < IMAGE_MAX_GUARDS;
	memmove(&all->v[at + 1], &all->v[at], (all->n - 1 - at) * sizeof all->v[0]);
	all->v[at] = g;
}

static void collect(struct rule_share *s, const struct rule_fold *f, struct best *all)
{
	struct guard *g;

	if (f->kind == FOLD_AND) {
		for (uint32_t i = 0; i < f->n; i++)
			collect(s, f->kids[i], all);
		return;
	}
	g = ARENA_NEW(s->scratch, struct guard);
	if (g && guard_of(s, f, g))
		keep(all, g);
}

/* So many of the best that few events pass all of them; what asks for numbers alone costs next to nothing. */
static void drop_needless(struct best *all)
{
	uint32_t odds = ODDS_ALL, n = 0;

	for (uint32_t i = 0; i < all->n; i++)
		if (odds > ODDS_ENOUGH || (all->v[i]->cost == COST_NUMBER && all->v[i]->odds < ODDS_ORDER)) {
			odds = odds * all->v[i]->odds / ODDS_ALL;
			all->v[n++] = all->v[i];
		}
	all->n = n;
}

FALLIBLE rule_share_guards(struct rule_share *s, const struct rule_fold *f, struct arena *scratch,
			   struct image_plan *out)
{
	struct best all = { .n = 0 };
	struct image_guard *guards;

	s->scratch = scratch;
	collect(s, f, &all);
	drop_needless(&all);
	guards = ARENA_ARRAY(s->a, struct image_guard, all.n);
	if (!guards)
		return E_NOMEM;
	for (uint32_t i = 0; i < all.n; i++) {
		uint16_t *preds = ARENA_ARRAY(s->a, uint16_t, all.v[i]->n);

		if (!preds)
			return E_NOMEM;
		memcpy(preds, all.v[i]->preds, all.v[i]->n * sizeof *preds);
		guards[i] = (struct image_guard){ preds, all.v[i]->n };
	}
	out->guards = guards;
	out->n_guards = all.n;
	return s->err;
}
