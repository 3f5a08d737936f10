/* SPDX-License-Identifier: Apache-2.0 */
/* complete: whether a set has all that it says it has, and says something of all that it must. */
#include "content/vector/internal.h"

#include <stdlib.h>

/* A vector or a claim by what it is about. */
struct about {
	uint32_t rule;
	const char *type, *subject;
};

static int compare(const struct about *a, const struct about *b)
{
	int c = a->rule < b->rule ? -1 : a->rule > b->rule;

	c = c ? c : strcmp(a->type, b->type);
	return c ? c : strcmp(a->subject, b->subject);
}

struct counted {
	struct about about;
	uint32_t fires, silent; /* claimed; taken off by each vector */
};

static int by_about(const void *a, const void *b)
{
	return compare(&((const struct counted *)a)->about, &((const struct counted *)b)->about);
}

static FALLIBLE other_count(struct diag *d, const struct about *a)
{
	FAIL_ID(d, REJECTED, 'W', 402, "the vectors of rule %u about %.30s %.60s are not those that are counted",
		a->rule, a->type, a->subject[0] ? a->subject : "as a whole");
}

/* Every vector is counted by a claim, and nothing is counted that is not there. */
static FALLIBLE check_counts(const struct vector_set *set, struct counted *list, struct diag *d)
{
	for (uint32_t i = 0; i < set->n; i++) {
		const struct vector *v = &set->v[i];
		struct counted key = { .about = { v->rule, v->type, v->subject } };
		struct counted *k = set->n_claims ? bsearch(&key, list, set->n_claims, sizeof *list, by_about) : NULL;
		uint32_t *left = !k ? NULL : v->fires ? &k->fires : &k->silent;

		if (!GUARD(3, left && *left))
			return other_count(d, &key.about);
		--*left;
	}
	for (uint32_t i = 0; i < set->n_claims; i++)
		if (!GUARD(3, !list[i].fires && !list[i].silent))
			return other_count(d, &list[i].about);
	return E_OK;
}

static FALLIBLE check_fires(const struct vector_set *set, bool *fires, struct diag *d)
{
	for (uint32_t i = 0; i < set->n; i++) {
		if (set->v[i].rule >= set->n_rules)
			FAIL_ID(d, REJECTED, 'W', 404, "a vector is about rule %u of %u", set->v[i].rule, set->n_rules);
		fires[set->v[i].rule] |= set->v[i].fires;
	}
	for (uint32_t i = 0; i < set->n_rules; i++)
		if (!GUARD(3, fires[i]))
			FAIL_ID(d, REJECTED, 'W', 401, "rule %u has no vector that fires", i);
	return E_OK;
}

/* There is a claim for each field that the condition asks of this type. */
static FALLIBLE check_fields(const struct rule_set *rs, const struct rule_parts *parts, uint32_t type, uint32_t rule,
			     const struct vector_set *set, const struct counted *list, struct diag *d)
{
	for (uint32_t i = 0; i < parts->n; i++) {
		const struct rule_part *part = &parts->parts[i];
		bool fixed = vector_fixed(parts, i, type) != FIXED_NOT;

		if (fixed)
			i = part->end - 1; /* nobody asks what is below */
		for (uint32_t k = 0; k < part->n_fields && !fixed; k++) {
			struct counted key = { .about = { rule, rs->table->types[type].name, part->fields[k].name } };

			if (!GUARD(3, set->n_claims && bsearch(&key, list, set->n_claims, sizeof *list, by_about)))
				FAIL_ID(d, REJECTED, 'W', 403, "nothing is said of rule %u, %.30s, field '%.60s'", rule,
					key.about.type, key.about.subject);
		}
	}
	return E_OK;
}

static FALLIBLE check_rules(const struct vector_set *set, const struct rule_set *rs, struct arena *a,
			    const struct counted *list, struct diag *d)
{
	uint32_t rule = 0;

	for (uint32_t i = 0; i < rs->n_rules; i++) {
		struct rule_parts parts;
		enum err err;

		if (!rs->rules[i].enabled)
			continue;
		err = rule_parts(rs, i, a, &parts);
		if (err && err != E_LIMIT)
			return err;
		for (uint32_t t = 0; t < rs->table->n_types && !err && parts.n <= VECTOR_MAX_PARTS; t++)
			if (rs->rules[i].types >> t & 1)
				TRY(check_fields(rs, &parts, t, rule, set, list, d));
		rule++;
	}
	return E_OK;
}

FALLIBLE vector_complete(const struct vector_set *set, uint32_t n_rules, const struct rule_set *rs, struct arena *a,
			 struct diag *d)
{
	struct counted *list = ARENA_ARRAY(a, struct counted, set->n_claims);
	bool *fires = ARENA_ARRAY(a, bool, n_rules);

	if (!list || !fires)
		return E_NOMEM;
	if (set->n_rules != n_rules)
		FAIL_ID(d, REJECTED, 'W', 404, "the vectors are of content with %u rules, this one has %u",
			set->n_rules, n_rules);
	for (uint32_t i = 0; i < set->n_claims; i++) {
		const struct vector_claim *k = &set->claims[i];

		list[i] = (struct counted){ { k->rule, k->type, k->subject }, k->n_fires, k->n_silent };
	}
	if (set->n_claims)
		qsort(list, set->n_claims, sizeof *list, by_about);
	TRY(check_fires(set, fires, d));
	TRY(check_counts(set, list, d));
	return rs ? check_rules(set, rs, a, list, d) : E_OK;
}
