/* SPDX-License-Identifier: Apache-2.0 */
/* filter: clauses, and what "both" and "either" make of them. */
#include "content/filter/filter.h"

enum { WORDS = FILTER_CLASSES / 64 };

static const struct filter_names any_name = { .any = true };

static struct filter_clause *add_clause(struct filter *f)
{
	struct filter_clause *c = &f->clauses[f->n++];

	*c = (struct filter_clause){ .at = { any_name, any_name, any_name } };
	return c;
}

void filter_none(struct filter *f)
{
	f->n = 0;
}

void filter_class(struct filter *f, uint32_t must, uint32_t must_not)
{
	struct filter_clause *c;

	f->n = 0;
	c = add_clause(f);
	for (uint32_t k = 0; k < FILTER_CLASSES; k++)
		if ((k & must) == must && !(k & must_not))
			c->classes[k / 64] |= 1ull << (k % 64);
}

void filter_all(struct filter *f)
{
	filter_class(f, 0, 0);
}

void filter_name_set(struct filter_name *n, const char *p, size_t len)
{
	memset(n, 0, sizeof *n);
	memcpy(n->text, p, len < FILTER_NAME_BYTES ? len : FILTER_NAME_BYTES);
}

void filter_ask_upwards(struct filter *f)
{
	for (uint32_t i = 0; i < f->n; i++)
		f->clauses[i].upwards = true;
}

static int name_order(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct filter_name));
}

/* Sorted, each once; returns how many are left. */
static uint32_t sort_names(struct filter_name *list, uint32_t n)
{
	uint32_t kept = 0;

	if (!n)
		return 0;
	qsort(list, n, sizeof *list, name_order);
	for (uint32_t i = 1; i < n; i++)
		if (name_order(&list[kept], &list[i]))
			list[++kept] = list[i];
	return kept + 1;
}

FALLIBLE filter_ask(struct filter *f, enum filter_place place, const struct filter_name *names, uint32_t n,
		    struct arena *a)
{
	struct filter_name *list = ARENA_ARRAY(a, struct filter_name, n);

	if (!list)
		return E_NOMEM;
	if (n)
		memcpy(list, names, n * sizeof *list);
	n = sort_names(list, n);
	for (uint32_t i = 0; i < f->n; i++)
		f->clauses[i].at[place] = (struct filter_names){ .n = n, .list = list };
	return E_OK;
}

/* Names of both sides (both) or of either. */
static FALLIBLE merge_names(const struct filter_names *x, const struct filter_names *y, bool both, struct arena *a,
			    struct filter_names *out)
{
	struct filter_name *list;
	uint32_t i = 0, k = 0, n = 0;

	if (x->any || y->any) {
		*out = both ? (x->any ? *y : *x) : any_name;
		return E_OK;
	}
	list = ARENA_ARRAY(a, struct filter_name, (size_t)x->n + y->n);
	if (!list)
		return E_NOMEM;
	while (i < x->n || k < y->n) {
		int order = i == x->n ? 1 : k == y->n ? -1 : name_order(&x->list[i], &y->list[k]);

		if (!both || !order)
			list[n++] = order <= 0 ? x->list[i] : y->list[k];
		i += order <= 0;
		k += order >= 0;
	}
	*out = (struct filter_names){ .n = n, .list = list };
	return E_OK;
}

static bool is_empty(const struct filter_clause *c)
{
	uint64_t classes = 0;

	for (uint32_t w = 0; w < WORDS; w++)
		classes |= c->classes[w];
	for (uint32_t p = 0; p < FILTER_PLACES; p++)
		if (!c->at[p].any && !c->at[p].n)
			return true;
	return !classes;
}

static FALLIBLE clause_merge(const struct filter_clause *x, const struct filter_clause *y, bool both, struct arena *a,
			     struct filter_clause *out)
{
	struct filter_clause c = { .upwards = both ? x->upwards || y->upwards : x->upwards && y->upwards };

	for (uint32_t w = 0; w < WORDS; w++)
		c.classes[w] = both ? x->classes[w] & y->classes[w] : x->classes[w] | y->classes[w];
	for (uint32_t p = 0; p < FILTER_PLACES; p++)
		TRY(merge_names(&x->at[p], &y->at[p], both, a, &c.at[p]));
	*out = c;
	return E_OK;
}

/* How much more a clause for either would let pass than the two: a guess that only decides which two go together. */
static uint32_t merge_loss(const struct filter_clause *x, const struct filter_clause *y)
{
	uint32_t loss = 0;

	for (uint32_t w = 0; w < WORDS; w++)
		loss += (uint32_t)__builtin_popcountll(x->classes[w] ^ y->classes[w]);
	if (x->upwards != y->upwards)
		loss += 2 * FILTER_CLASSES;
	for (uint32_t p = 0; p < FILTER_PLACES; p++)
		if (x->at[p].any != y->at[p].any)
			loss += 2 * FILTER_CLASSES;
		else if (!x->at[p].any)
			loss += 16;
	return loss;
}

/* Put clauses together until at most max are left. Clauses that differ only in their names at one place lose nothing.
 */
static FALLIBLE reduce(struct filter_clause *list, uint32_t *n, uint32_t max, struct arena *a)
{
	while (*n > max) {
		uint32_t x = 0, y = 1, best = UINT32_MAX;

		for (uint32_t i = 0; i + 1 < *n; i++)
			for (uint32_t k = i + 1; k < *n; k++)
				if (merge_loss(&list[i], &list[k]) < best) {
					best = merge_loss(&list[i], &list[k]);
					x = i;
					y = k;
				}
		TRY(clause_merge(&list[x], &list[y], false, a, &list[x]));
		list[y] = list[--*n];
	}
	return E_OK;
}

static FALLIBLE keep(struct filter *f, struct filter_clause *list, uint32_t n, struct arena *a)
{
	TRY(reduce(list, &n, FILTER_MAX_CLAUSES, a));
	memcpy(f->clauses, list, n * sizeof *list);
	f->n = n;
	return E_OK;
}

FALLIBLE filter_and(struct filter *f, const struct filter *with, struct arena *a)
{
	struct filter_clause list[FILTER_MAX_CLAUSES * FILTER_MAX_CLAUSES];
	uint32_t n = 0;

	for (uint32_t i = 0; i < f->n; i++)
		for (uint32_t k = 0; k < with->n; k++) {
			TRY(clause_merge(&f->clauses[i], &with->clauses[k], true, a, &list[n]));
			n += !is_empty(&list[n]);
		}
	return keep(f, list, n, a);
}

FALLIBLE filter_or(struct filter *f, const struct filter *with, struct arena *a)
{
	struct filter_clause list[2 * FILTER_MAX_CLAUSES];
	uint32_t n = 0;

	for (uint32_t i = 0; i < f->n; i++)
		list[n++] = f->clauses[i];
	for (uint32_t i = 0; i < with->n; i++)
		list[n++] = with->clauses[i];
	return keep(f, list, n, a);
}

static bool has_name(const struct filter_names *s, const struct filter_name *name)
{
	return s->any || !name || (s->n && bsearch(name, s->list, s->n, sizeof *s->list, name_order));
}

bool filter_passes(const struct filter *f, uint32_t class, const struct filter_name *const names[FILTER_PLACES],
		   bool upwards)
{
	for (uint32_t i = 0; i < f->n; i++) {
		const struct filter_clause *c = &f->clauses[i];
		bool passes = c->classes[class / 64] >> (class % 64) & 1;

		passes = passes && (upwards || !c->upwards || class & FILTER_FAILED);

		for (uint32_t p = 0; p < FILTER_PLACES && passes; p++)
			passes = has_name(&c->at[p], names[p]);
		if (passes)
			return true;
	}
	return false;
}

/* ---- the sum ---- */

static int sum_name_order(const void *a, const void *b)
{
	const struct filter_sum_name *x = a, *y = b;

	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	return name_order(&x->name, &y->name);
}

static uint64_t count_names(const struct filter_clause *list, uint32_t n)
{
	uint64_t names = 0;

	for (uint32_t i = 0; i < n; i++)
		for (uint32_t p = 0; p < FILTER_PLACES; p++)
			names += list[i].at[p].n;
	return names;
}

/* The set of names that costs most is no longer asked about. */
static void forget_largest(struct filter_clause *list, uint32_t n)
{
	struct filter_names *largest = NULL;

	for (uint32_t i = 0; i < n; i++)
		for (uint32_t p = 0; p < FILTER_PLACES; p++)
			if (!largest || list[i].at[p].n > largest->n)
				largest = &list[i].at[p];
	if (largest)
		*largest = any_name;
}

/* Every (place, name) with the clauses that accept it. */
static FALLIBLE index_names(const struct filter_clause *list, uint32_t n, struct arena *a, struct filter_sum *out)
{
	uint32_t kept = 0, total = 0;

	out->names = ARENA_ARRAY(a, struct filter_sum_name, count_names(list, n));
	if (!out->names)
		return E_NOMEM;
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t p = 0; p < FILTER_PLACES; p++)
			for (uint32_t k = 0; k < list[i].at[p].n; k++)
				out->names[total++] =
					(struct filter_sum_name){ (uint8_t)p, list[i].at[p].list[k], 1u << i };
	if (!total)
		return E_OK;
	qsort(out->names, total, sizeof *out->names, sum_name_order);
	for (uint32_t i = 1; i < total; i++) {
		if (!sum_name_order(&out->names[kept], &out->names[i]))
			out->names[kept].clauses |= out->names[i].clauses;
		else
			out->names[++kept] = out->names[i];
	}
	out->n_names = kept + 1;
	return E_OK;
}

FALLIBLE filter_add_up(const struct filter *const *filters, uint32_t n, struct arena *a, struct filter_sum *out)
{
	struct filter_clause *list = ARENA_ARRAY(a, struct filter_clause, FILTER_SUM_CLAUSES + FILTER_MAX_CLAUSES);
	uint32_t count = 0;

	*out = (struct filter_sum){ 0 };
	if (!list)
		return E_NOMEM;
	for (uint32_t i = 0; i < n; i++) {
		memcpy(list + count, filters[i]->clauses, filters[i]->n * sizeof *list);
		count += filters[i]->n;
		TRY(reduce(list, &count, FILTER_SUM_CLAUSES, a));
	}
	while (count_names(list, count) > FILTER_SUM_NAMES)
		forget_largest(list, count);
	out->n_clauses = count;
	for (uint32_t i = 0; i < count; i++) {
		out->upwards |= list[i].upwards ? 1u << i : 0;
		for (uint32_t p = 0; p < FILTER_PLACES; p++)
			out->any[p] |= list[i].at[p].any ? 1u << i : 0;
		for (uint32_t k = 0; k < FILTER_CLASSES; k++)
			out->class_clauses[k] |= list[i].classes[k / 64] >> (k % 64) & 1 ? 1u << i : 0;
	}
	return index_names(list, count, a, out);
}

bool filter_sum_passes(const struct filter_sum *s, uint32_t class, const struct filter_name *const names[FILTER_PLACES],
		       bool upwards)
{
	uint32_t clauses = s->class_clauses[class];

	if (!upwards && !(class & FILTER_FAILED))
		clauses &= ~s->upwards;

	for (uint32_t p = 0; p < FILTER_PLACES && clauses; p++) {
		struct filter_sum_name key = { .place = (uint8_t)p };
		const struct filter_sum_name *found;

		if (!names[p])
			continue;
		key.name = *names[p];
		found = s->n_names ? bsearch(&key, s->names, s->n_names, sizeof key, sum_name_order) : NULL;
		clauses &= s->any[p] | (found ? found->clauses : 0);
	}
	return clauses;
}
