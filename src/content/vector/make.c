/* SPDX-License-Identifier: Apache-2.0 */
/* make: the vectors of a rule set. Every event is judged by the loaded content before it is one. */
#include "content/vector/make.h"

#include <stdlib.h>

enum { RULE_MAX_BYTES = 512 << 20 };

struct text {
	struct hnode node;
	const char *p;
	uint32_t len;
};

/* ---- what is said ---- */

void vector_say(struct maker *m, enum diag_severity severity, uint16_t id, struct diag_pos pos, const char *text,
		const char *hint)
{
	struct diag d;

	diag_init(&d);
	d.err = E_REJECTED;
	d.severity = severity;
	d.family = 'W';
	d.id = id;
	d.pos = pos;
	d.subject = m->r->name;
	(void)snprintf(d.text, sizeof d.text, "%s", text ? text : "");
	if (hint)
		diag_hint(&d, "%s", hint);
	diags_add(m->ds, &d);
}

/* ---- vectors ---- */

/* The text once in the set's arena. NULL without memory. */
static const char *intern(struct maker *m, const char *p, uint32_t len)
{
	uint64_t hash = hash_bytes(p, len, 0);
	struct text *t;

	for (struct hnode *n = htab_first(&m->texts, hash); n; n = htab_next(n)) {
		t = CONTAINER_OF(n, struct text, node);
		if (t->len == len && !memcmp(t->p, p, len))
			return t->p;
	}
	t = ARENA_NEW(m->a, struct text);
	if (!t)
		return NULL;
	t->p = arena_strndup(m->a, p, len);
	t->len = len;
	if (t->p)
		htab_add(&m->texts, &t->node, hash);
	return t->p;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct vector_field *)a)->name, ((const struct vector_field *)b)->name);
}

static bool same(const struct vector *a, const struct vector *b)
{
	if (a->kind != b->kind || a->fires != b->fires || a->n_fields != b->n_fields || a->type != b->type ||
	    strcmp(a->subject, b->subject) != 0)
		return false;
	for (uint32_t i = 0; i < a->n_fields; i++)
		if (a->fields[i].name != b->fields[i].name || a->fields[i].value != b->fields[i].value ||
		    a->fields[i].value_len != b->fields[i].value_len)
			return false; /* values are interned, names are the table's */
	return true;
}

FALLIBLE vector_add_claim(struct maker *m, const char *type, const char *subject, uint32_t fires, uint32_t silent)
{
	struct vector_claim *list;

	for (uint32_t i = m->n_claims; i-- && m->claims[i].rule == m->rule;) {
		struct vector_claim *k = &m->claims[i];

		if (strcmp(k->type, type) != 0 || strcmp(k->subject, subject) != 0)
			continue;
		k->n_fires += fires;
		k->n_silent += silent;
		return E_OK;
	}
	if (m->n_claims == VECTOR_MAX_CLAIMS)
		return E_LIMIT;
	list = arena_grow(m->a, m->claims, m->n_claims, &m->claims_cap, sizeof *list);
	if (!list)
		return E_NOMEM;
	m->claims = list;
	m->claims[m->n_claims++] = (struct vector_claim){ m->rule, type, subject, fires, silent };
	return E_OK;
}

FALLIBLE vector_put(struct maker *m, struct vector v, const struct vector_field *fields, bool *ret_good)
{
	struct vector_field *copy = ARENA_ARRAY(m->a, struct vector_field, v.n_fields);
	struct vector *list;
	bool fires = false;

	*ret_good = true;
	if (!copy)
		return E_NOMEM;
	for (uint32_t i = 0; i < v.n_fields; i++) {
		copy[i] = fields[i];
		copy[i].value = intern(m, fields[i].value, fields[i].value_len);
		if (!copy[i].value)
			return E_NOMEM;
	}
	if (v.n_fields)
		qsort(copy, v.n_fields, sizeof *copy, by_name);
	v.fields = copy;
	v.rule = m->rule;
	for (uint32_t i = m->first; i < m->n; i++)
		if (same(&m->v[i], &v))
			return E_OK;
	TRY(vector_judge(&m->judge, m->c, &v, &fires, &m->d));
	*ret_good = fires == v.fires;
	if (!*ret_good)
		return E_OK;
	if (m->n == VECTOR_MAX)
		return E_LIMIT;
	list = arena_grow(m->a, m->v, m->n, &m->cap, sizeof *list);
	if (!list)
		return E_NOMEM;
	m->v = list;
	m->v[m->n++] = v;
	return vector_add_claim(m, v.type, v.subject, v.fires, !v.fires);
}

/* ---- authors' ---- */

static FALLIBLE author(struct maker *m, const struct rule_test *t)
{
	const struct template_type *type = template_type_by_name(m->rs->table, t->type);
	struct vector_field *fields = ARENA_ARRAY(m->a, struct vector_field, t->n_fields);
	struct vector v = { .subject = "", .kind = VECTOR_AUTHOR, .fires = t->fires };
	bool good;
	uint32_t id;

	if (!fields)
		return E_NOMEM;
	if (!type || t->n_fields > VECTOR_MAX_FIELDS)
		return type ? E_LIMIT : E_BUG;
	for (uint32_t i = 0; i < t->n_fields; i++) {
		const struct rule_test_field *f = &t->fields[i];
		const struct template_field *row =
			template_field_find(m->rs->table, type, f->name, strlen(f->name), &id);

		if (!row || f->value_len > VECTOR_MAX_VALUE_BYTES)
			return row ? E_LIMIT : E_BUG;
		fields[i] = (struct vector_field){ row->name, f->value, (uint32_t)f->value_len };
	}
	v.type = type->name;
	v.n_fields = t->n_fields;
	TRY(vector_put(m, v, fields, &good));
	if (!good)
		vector_say(m, DIAG_ERROR, 103, t->pos,
			   t->fires ? "this test should fire, and the compiled rule does not"
				    : "this test should not fire, and the compiled rule does",
			   "correct the test or the condition: 'sallyport explain' says why");
	return E_OK;
}

/* ---- a rule ---- */

static void say_lack(struct maker *m, const struct rule_part *part, enum lack lack)
{
	static const char *const why[] = {
		[LACK_TRUE] = "no value was found for which it holds",
		[LACK_FALSE] = "no value was found for which it does not hold",
		[LACK_CONTEXT] = "what stands beside it leaves it nothing to decide, or contradicts it",
		[LACK_TURN] = "other comparisons of its field hide it",
	};
	char text[240];

	(void)snprintf(text, sizeof text, "no vector shows that '%.60s' decides in rule '%.60s': %s", part->text,
		       m->r->name, why[lack]);
	vector_say(m, DIAG_WARNING, 102, part->pos.line ? part->pos : m->r->pos, text,
		   "a comparison that decides nothing can go; one that does wants a test beside the rule");
}

/* The types of event that the rule was seen to fire on. */
static uint64_t seen_types(const struct maker *m)
{
	uint64_t seen = 0;

	for (uint32_t i = m->first; i < m->n; i++)
		for (uint32_t k = 0; k < m->rs->table->n_types && m->v[i].fires; k++)
			if (!strcmp(m->rs->table->types[k].name, m->v[i].type))
				seen |= 1ull << k;
	return seen;
}

static FALLIBLE all_types(struct maker *m, struct explain *x, struct arena *a)
{
	const struct rule_parts *parts = explain_parts(x);
	struct explain_value *values = ARENA_ARRAY(a, struct explain_value, parts->n);
	uint8_t *lacks = ARENA_ARRAY(a, uint8_t, parts->set.n_rules);
	uint32_t rule_tries = VECTOR_MAX_RULE_TRIES;

	if (!values || !lacks)
		return E_NOMEM;
	memset(lacks, UINT8_MAX, parts->set.n_rules);
	if (parts->n > VECTOR_MAX_PARTS)
		return E_LIMIT;
	for (uint32_t i = 0; i < m->rs->table->n_types; i++) {
		struct vector_problem p = { .a = a,
					    .parts = parts,
					    .x = x,
					    .values = values,
					    .e = m->judge.event,
					    .type_index = i,
					    .type = &m->rs->table->types[i],
					    .rule_tries = &rule_tries,
					    .d = &m->d };

		if (m->r->types >> i & 1)
			TRY(vector_show_type(m, &p, lacks));
	}
	for (uint32_t i = 0; i < parts->n && seen_types(m); i++) { /* else W101 says enough */
		uint8_t *lack = &lacks[parts->parts[i].rule];

		if (*lack != UINT8_MAX && *lack != LACK_NONE)
			say_lack(m, &parts->parts[i], *lack);
		*lack = UINT8_MAX;
	}
	return E_OK;
}

static void check_fires(struct maker *m)
{
	uint64_t seen = seen_types(m);

	if (!seen) {
		vector_say(m, DIAG_ERROR, 101, m->r->pos,
			   "no event was found for which the rule fires: it can not be signed",
			   "correct the condition, or write a test that fires beside the rule");
		return;
	}
	for (uint32_t k = 0; k < m->rs->table->n_types; k++) {
		char text[200];

		if (!(m->r->types >> k & 1) || seen >> k & 1)
			continue;
		(void)snprintf(text, sizeof text,
			       "the rule is judged on %.40s, and no such event was found to make it fire",
			       m->rs->table->types[k].name);
		vector_say(m, DIAG_WARNING, 105, m->r->pos, text, NULL);
	}
}

static FALLIBLE one_rule(struct maker *m, uint32_t i)
{
	struct explain *x = NULL;
	struct arena a;
	enum err err = E_OK;

	m->r = &m->rs->rules[i];
	m->first = m->n;
	for (uint32_t k = 0; k < m->r->n_tests; k++)
		TRY(author(m, &m->r->tests[k]));
	arena_init(&a, RULE_MAX_BYTES);
	if (m->r->types) {
		err = explain_new(m->rs, i, m->ds, &x);
		err = err ? err : all_types(m, x, &a);
	}
	if (err == E_LIMIT && m->n < VECTOR_MAX && m->n_claims < VECTOR_MAX_CLAIMS) {
		vector_say(m, DIAG_WARNING, 106, m->r->pos, "the condition is too large to make vectors of",
			   "tests beside the rule are its vectors");
		err = E_OK;
	}
	explain_free(x);
	arena_done(&a);
	if (err == E_OK)
		check_fires(m);
	return err;
}

static FALLIBLE all_rules(struct maker *m)
{
	for (uint32_t i = 0; i < m->rs->n_rules; i++) {
		if (!m->rs->rules[i].enabled)
			continue;
		TRY(one_rule(m, i));
		m->rule++;
	}
	return m->rule == content_n_rules(m->c) ? E_OK : E_INVALID;
}

FALLIBLE vector_make(const struct rule_set *rs, const struct content *c, struct arena *a, struct diags *ds,
		     struct vector_set *out)
{
	struct maker m = { .rs = rs, .c = c, .a = a, .ds = ds };
	unsigned errors = ds->n_errors;
	enum err err;

	diag_init(&m.d);
	TRY(vector_judge_init(&m.judge, c, rs->table));
	err = htab_init(&m.texts, 1 << 14);
	err = err ? err : all_rules(&m);
	htab_done(&m.texts);
	vector_judge_done(&m.judge);
	if (err && m.d.text[0])
		diags_add(ds, &m.d);
	if (err)
		return err;
	if (ds->n_errors > errors || m.broken)
		return m.broken ? E_BUG : E_REJECTED;
	*out = (struct vector_set){ m.v, m.n, m.claims, m.n_claims, m.rule };
	return E_OK;
}
