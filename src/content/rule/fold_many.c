/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fold_many: oneof, anyof and allof around numbers and addresses, as a tree of single comparisons.
 *
 * No helper counts for these, and nobody writes long lists of them: exactly one of n is the or of n ands, n * n
 * comparisons, so that n is limited (rule_check_values).
 */
#include "content/rule/internal.h"

struct many {
	const struct rule_fold **single; /* one comparison per value */
	uint32_t n;
	struct arena *a;
};

static const struct rule_fold *node(const struct many *m, enum rule_fold_kind kind, const struct rule_fold **kids,
				    uint32_t n)
{
	struct rule_fold *f = ARENA_NEW(m->a, struct rule_fold);

	if (f)
		*f = (struct rule_fold){ .kind = (uint8_t)kind, .kids = kids, .n = n };
	return f;
}

static const struct rule_fold *single(const struct rule_fold *check, const struct rule_value *v, struct arena *a)
{
	struct rule_fold *f = ARENA_NEW(a, struct rule_fold);
	struct rule_check *k = ARENA_NEW(a, struct rule_check);

	if (!f || !k)
		return NULL;
	*k = *check->check;
	k->values = v;
	k->n_values = 1;
	k->modifier = MOD_NONE;
	*f = *check;
	f->check = k;
	return f;
}

/* Value `one` fits and no other does. */
static const struct rule_fold *just(const struct many *m, uint32_t one)
{
	const struct rule_fold **kids = ARENA_ARRAY(m->a, const struct rule_fold *, m->n), **no;

	for (uint32_t i = 0; kids && i < m->n; i++) {
		kids[i] = m->single[i];
		if (i == one)
			continue;
		no = ARENA_ARRAY(m->a, const struct rule_fold *, 1);
		if (!no)
			return NULL;
		no[0] = m->single[i];
		kids[i] = node(m, FOLD_NOT, no, 1);
		if (!kids[i])
			return NULL;
	}
	return kids ? node(m, FOLD_AND, kids, m->n) : NULL;
}

const struct rule_fold *rule_fold_many(const struct rule_fold *check, struct arena *a)
{
	const struct rule_check *k = check->check;
	const struct rule_fold **kids = ARENA_ARRAY(a, const struct rule_fold *, k->n_values);
	struct many m = { ARENA_ARRAY(a, const struct rule_fold *, k->n_values), k->n_values, a };

	if (!kids || !m.single)
		return NULL;
	for (uint32_t i = 0; i < m.n; i++) {
		m.single[i] = single(check, &k->values[i], a);
		if (!m.single[i])
			return NULL;
	}
	if (m.n == 1)
		return m.single[0];
	if (k->modifier != MOD_ONEOF)
		return node(&m, k->modifier == MOD_ANYOF ? FOLD_OR : FOLD_AND, m.single, m.n);
	for (uint32_t i = 0; i < m.n; i++) {
		kids[i] = just(&m, i);
		if (!kids[i])
			return NULL;
	}
	return node(&m, FOLD_OR, kids, m.n);
}
