/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pred: numbered questions about the event's values, each answered once.
 *
 * A group's string is read once for all of its predicates. What no group takes (globs, regular expressions, elements of
 * lists, sets too large to be taken apart) is asked by the same functions as the helpers with those ids.
 */
#include "engine/helpers/match.h"

enum { SET_TAKEN_APART = 1024 /* strings of a set; a larger one keeps its own table */, SCRATCH_MAX_BYTES = 256 << 20 };

struct pred {
	struct helper_pred p;
	str_test *test; /* TEXT, ELEMENT, ANY_ELEMENT */
	uint32_t group, place;
};

/* Members of a group in one word of a set by place. */
struct members {
	uint64_t all, negated;
};

struct group {
	const struct match *match;
	uint32_t value, first_word, n_words;
	struct members *members; /* by word */
};

struct helper_preds {
	struct pred *preds;
	struct group *groups;
	uint32_t n, n_groups;
	uint32_t n_places, n_words, n_group_words; /* of sets by place, by group */
};

uint32_t helper_preds_count(const struct helper_preds *p)
{
	return p->n;
}

uint32_t helper_preds_groups(const struct helper_preds *p)
{
	return p->n_groups;
}

uint32_t helper_preds_group(const struct helper_preds *p, uint32_t i)
{
	return p->preds[i].group;
}

uint32_t helper_preds_place(const struct helper_preds *p, uint32_t i)
{
	return p->preds[i].place;
}

uint32_t helper_preds_places(const struct helper_preds *p)
{
	return p->n_places;
}

/* ---- making ready ---- */

static bool is_whole(struct pred *q)
{
	switch ((enum helper_subject)q->p.subject) {
	case HELPER_TEXT:
	case HELPER_ELEMENT:
	case HELPER_ANY_ELEMENT:
		q->test = str_test_find(q->p.test);
		return q->test;
	case HELPER_ADDRESS:
		return q->p.test == ABI_HELPER_ip_eq || q->p.test == ABI_HELPER_ip_in_net;
	case HELPER_NUMBER:
		return q->p.test <= HELPER_SGE;
	case HELPER_PRESENT:
		return true;
	case HELPER_N_SUBJECTS:
		break;
	}
	return false;
}

/* What a group would have to look for, or MATCH_N_KINDS. */
static enum match_kind kind_of(const struct helper_pred *p)
{
	if (p->subject != HELPER_TEXT)
		return MATCH_N_KINDS;
	switch (p->test) {
	case ABI_HELPER_str_in:
		return set_count(p->operand) <= SET_TAKEN_APART ? MATCH_EQUAL : MATCH_N_KINDS;
	case ABI_HELPER_str_eq:
		return MATCH_EQUAL;
	case ABI_HELPER_str_startswith_in:
		return set_count(p->operand) <= SET_TAKEN_APART ? MATCH_PREFIX : MATCH_N_KINDS;
	case ABI_HELPER_str_startswith:
		return MATCH_PREFIX;
	case ABI_HELPER_str_endswith:
		return MATCH_SUFFIX;
	case ABI_HELPER_str_contains:
		return MATCH_INSIDE;
	}
	return MATCH_N_KINDS;
}

static bool is_set(const struct helper_pred *p)
{
	return p->test == ABI_HELPER_str_in || p->test == ABI_HELPER_str_startswith_in;
}

/* The predicates of one kind about one value, in order of their numbers: those of `order` from `from` to `to`. */
struct run {
	const uint32_t *order;
	uint32_t from, to;
	enum match_kind kind;
};

static FALLIBLE literals_of(const struct helper_preds *p, const struct run *r, struct arena *scratch,
			    struct match_literal **out, uint32_t *ret_n)
{
	struct match_literal *list;
	uint32_t n = 0;

	for (uint32_t i = r->from; i < r->to; i++) {
		const struct helper_pred *q = &p->preds[r->order[i]].p;

		n += is_set(q) ? set_count(q->operand) : 1;
	}
	list = ARENA_ARRAY(scratch, struct match_literal, n);
	if (!list)
		return E_NOMEM;
	n = 0;
	for (uint32_t i = r->from; i < r->to; i++) {
		const struct helper_pred *q = &p->preds[r->order[i]].p;
		uint32_t place = p->preds[r->order[i]].place;

		if (!is_set(q))
			list[n++] = (struct match_literal){ q->operand, place };
		for (uint32_t k = 0; is_set(q) && k < set_count(q->operand); k++) {
			list[n].id = place;
			if (!set_string(q->operand, k, &list[n++].s))
				return E_INVALID;
		}
	}
	*out = list;
	*ret_n = n;
	return E_OK;
}

static FALLIBLE add_group(struct helper_preds *p, const struct run *r, const struct match *m, struct arena *a)
{
	struct group *g = &p->groups[p->n_groups];
	uint32_t first = p->preds[r->order[r->from]].place;

	*g = (struct group){ .match = m,
			     .value = p->preds[r->order[r->from]].p.value,
			     .first_word = first / 64,
			     .n_words = (first % 64 + r->to - r->from + 63) / 64 };
	g->members = ARENA_ARRAY(a, struct members, g->n_words);
	if (!g->members)
		return E_NOMEM;
	for (uint32_t i = r->from; i < r->to; i++) {
		struct pred *q = &p->preds[r->order[i]];
		struct members *k = &g->members[q->place / 64 - g->first_word];

		k->all |= 1ull << q->place % 64;
		k->negated |= (uint64_t)q->p.negate << q->place % 64;
		q->group = p->n_groups;
	}
	p->n_groups++;
	p->n_group_words = (p->n_groups + 63) / 64;
	return E_OK;
}

/*
 * Places one after the other, but a run of up to 64 lies in one word: two words in a row hold more than 64, so
 * HELPER_PRED_WORDS are enough.
 */
static void place_run(struct helper_preds *p, const struct run *r)
{
	uint32_t n = r->to - r->from, left = 64 - p->n_places % 64;

	if (n > left && left < 64)
		p->n_places += left;
	for (uint32_t i = r->from; i < r->to; i++)
		p->preds[r->order[i]].place = p->n_places++;
	p->n_words = (p->n_places + 63) / 64;
}

/* A run that is too large for a matcher, or has a malformed set, stays without a group. */
static FALLIBLE group_run(struct helper_preds *p, const struct run *r, struct arena *a)
{
	struct match_literal *literals;
	struct arena scratch;
	struct match *m;
	uint32_t n;
	enum err err;

	arena_init(&scratch, SCRATCH_MAX_BYTES);
	err = literals_of(p, r, &scratch, &literals, &n);
	if (err == E_OK)
		err = match_new(r->kind, literals, n, a, &scratch, &m);
	arena_done(&scratch);
	if (err == E_OK)
		err = add_group(p, r, m, a);
	return err == E_LIMIT || err == E_INVALID ? E_OK : err;
}

/* Sorted by value, kind and number; alone: what no group takes. */
static uint64_t sort_key(const struct helper_preds *p, uint32_t i)
{
	return (uint64_t)p->preds[i].p.value << 40 | (uint64_t)kind_of(&p->preds[i].p) << 32 | i;
}

static int by_key(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static FALLIBLE make_groups(struct helper_preds *p, struct arena *a, struct arena *scratch)
{
	uint64_t *keys = ARENA_ARRAY(scratch, uint64_t, p->n);
	uint32_t *order = ARENA_ARRAY(scratch, uint32_t, p->n);

	p->groups = ARENA_ARRAY(a, struct group, p->n);
	if (!keys || !order || !p->groups)
		return E_NOMEM;
	for (uint32_t i = 0; i < p->n; i++)
		keys[i] = sort_key(p, i);
	if (p->n)
		qsort(keys, p->n, sizeof *keys, by_key);
	for (uint32_t i = 0; i < p->n; i++)
		order[i] = (uint32_t)keys[i];
	for (uint32_t i = 0, k; i < p->n; i = k) {
		struct run r = { order, i, i, (enum match_kind)(keys[i] >> 32 & 0xff) };

		for (k = i; k < p->n && keys[k] >> 32 == keys[i] >> 32; k++)
			;
		r.to = k;
		place_run(p, &r);
		if (r.kind != MATCH_N_KINDS)
			TRY(group_run(p, &r, a));
	}
	return E_OK;
}

FALLIBLE helper_preds_new(const struct helper_pred *preds, uint32_t n, struct arena *a, struct helper_preds **out)
{
	struct helper_preds *p = ARENA_NEW(a, struct helper_preds);
	struct arena scratch;
	enum err err;

	if (n > HELPER_MAX_PREDS)
		return E_LIMIT;
	if (!p)
		return E_NOMEM;
	*p = (struct helper_preds){ .preds = ARENA_ARRAY(a, struct pred, n), .n = n };
	if (!p->preds)
		return E_NOMEM;
	for (uint32_t i = 0; i < n; i++) {
		p->preds[i] = (struct pred){ .p = preds[i], .group = HELPER_NO_GROUP };
		if (!is_whole(&p->preds[i]))
			return E_INVALID;
	}
	arena_init(&scratch, SCRATCH_MAX_BYTES);
	err = make_groups(p, a, &scratch);
	arena_done(&scratch);
	if (err == E_OK)
		*out = p;
	return err;
}

/* ---- asking ---- */

void helper_memo_begin(struct helper_memo *m, const struct helper_preds *p)
{
	m->preds = p;
	for (uint32_t w = 0; w < p->n_words; w++)
		m->known[w] = m->holds[w] = 0;
	for (uint32_t w = 0; w < p->n_group_words; w++)
		m->ran[w] = 0;
}

static bool is_there(struct helper_env *env, uint32_t value)
{
	if (env->lazy && env->lazy[value / 64] >> value % 64 & 1)
		env->need(env, value);
	return env->present[value / 8] >> value % 8 & 1;
}

static bool address_is(struct helper_env *env, const struct helper_pred *p)
{
	uint64_t h = helper_handle(p->value), mem = (uint64_t)(uintptr_t)p->operand.p;
	helper_fn *test = p->test == ABI_HELPER_ip_eq ? helper_ip_eq : helper_ip_in_net;

	return test(h, mem, p->operand.len, 0, 0, env);
}

static bool element_is(const struct pred *q, const struct helper_value *v, uint64_t *work)
{
	if (q->p.subject == HELPER_ELEMENT)
		return q->p.index < v->len && q->test(v->list[q->p.index], q->p.operand, work) != q->p.negate;
	for (uint32_t i = q->p.index; i < v->len; i++)
		if (q->test(v->list[i], q->p.operand, work))
			return !q->p.negate;
	return q->p.negate;
}

static uint64_t number_of(const struct helper_env *env, uint32_t value)
{
	uint64_t v;

	memcpy(&v, env->numbers + 8 * (size_t)value, sizeof v);
	return v;
}

/* The value is there. */
static bool answer(struct helper_env *env, const struct pred *q)
{
	const struct helper_value *v = &env->values[q->p.value];

	switch ((enum helper_subject)q->p.subject) {
	case HELPER_TEXT:
		return v->kind == HELPER_VALUE_STR &&
		       q->test((struct helper_str){ v->p, v->len }, q->p.operand, &env->work) != q->p.negate;
	case HELPER_ELEMENT:
	case HELPER_ANY_ELEMENT:
		return v->kind == HELPER_VALUE_LIST && element_is(q, v, &env->work);
	case HELPER_ADDRESS:
		return v->kind == HELPER_VALUE_IP && address_is(env, &q->p) != q->p.negate;
	case HELPER_NUMBER:
		return helper_ordered(q->p.test, number_of(env, q->p.value), q->p.number) != q->p.negate;
	case HELPER_PRESENT:
		return !q->p.negate;
	case HELPER_N_SUBJECTS:
		break;
	}
	return false;
}

bool helper_group_holds(struct helper_env *env, uint32_t i)
{
	struct helper_memo *m = env->memo;
	const struct group *g = &m->preds->groups[i];
	const struct helper_value *v = &env->values[g->value];
	uint64_t *holds = m->holds + g->first_word, any = 0;

	m->ran[i / 64] |= 1ull << i % 64;
	if (!is_there(env, g->value) || v->kind != HELPER_VALUE_STR)
		return false;
	env->work += 16 + 2ull * v->len;
	match_run(g->match, (struct helper_str){ v->p, v->len }, m->holds);
	if (g->n_words == 1)
		return (*holds ^= g->members->negated) & g->members->all;
	for (uint32_t w = 0; w < g->n_words; w++) {
		holds[w] ^= g->members[w].negated;
		any |= holds[w] & g->members[w].all;
	}
	return any;
}

bool helper_pred_holds(struct helper_env *env, uint32_t i)
{
	struct helper_memo *m = env->memo;
	const struct pred *q = &m->preds->preds[i];
	uint64_t bit = 1ull << q->place % 64, *holds = &m->holds[q->place / 64];

	if (q->group != HELPER_NO_GROUP) {
		if (!helper_group_ran(m, q->group))
			(void)helper_group_holds(env, q->group);
	} else if (!(m->known[q->place / 64] & bit)) {
		m->known[q->place / 64] |= bit;
		if (is_there(env, q->p.value) && answer(env, q))
			*holds |= bit;
	}
	return *holds & bit;
}

HELPER_FN(holds, pred)
{
	if (!env->memo || pred >= env->memo->preds->n) {
		env->bad_handle = true; /* as a handle that names nothing */
		return 0;
	}
	return helper_pred_holds(env, (uint32_t)pred);
}
