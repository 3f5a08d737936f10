/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make: the vectors of a rule set.
 *
 * Of each comparison, in each type of event: the parts beside it on the way up to the whole condition are made such
 * that it alone decides; then its field takes a value that makes the rule fire, one that does not, and those that miss
 * by little. Every event is then judged by the loaded content.
 */
#include "content/vector/internal.h"

#include <stdlib.h>

enum { RULE_MAX_BYTES = 512 << 20 };

struct text {
	struct hnode node;
	const char *p;
	uint32_t len;
};

struct maker {
	const struct rule_set *rs;
	const struct content *c;
	struct arena *a;
	struct diags *ds;
	struct diag d; /* of what fails on the way */
	struct vector_judge judge;
	struct htab texts;
	struct vector *v;
	struct vector_claim *claims;
	uint32_t n, n_claims;
	size_t cap, claims_cap;
	uint32_t rule; /* in the content */
	const struct rule *r;
	uint32_t first; /* vector of the rule */
	bool broken;    /* W104 was said */
};

/* ---- what is said ---- */

static void say(struct maker *m, enum diag_severity severity, uint16_t id, struct diag_pos pos, const char *text,
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

static FALLIBLE claim(struct maker *m, const char *type, const char *subject, uint32_t fires, uint32_t silent)
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

/* Keep a vector that the content agrees with; *ret_good. fields is copied. */
static FALLIBLE put(struct maker *m, struct vector v, const struct vector_field *fields, bool *ret_good)
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
	return claim(m, v.type, v.subject, v.fires, !v.fires);
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
	TRY(put(m, v, fields, &good));
	if (!good)
		say(m, DIAG_ERROR, 103, t->pos,
		    t->fires ? "this test should fire, and the compiled rule does not"
			     : "this test should not fire, and the compiled rule does",
		    "correct the test or the condition: 'sallyport explain' says why");
	return E_OK;
}

/* ---- one type of event ---- */

/* Why a comparison has no vectors. */
enum lack { LACK_NONE, LACK_TRUE, LACK_FALSE, LACK_CONTEXT, LACK_TURN };

struct tried {
	struct maker *m;
	struct vector_problem p;
};

/* The event that the picks are. event: its name when they do not say, up to a blank; or NULL. */
static FALLIBLE put_picks(struct tried *t, const char *event, const char *subject, bool fires)
{
	struct vector_problem *p = &t->p;
	struct vector_field fields[VECTOR_MAX_FIELDS];
	struct vector v = {
		.type = p->type->name, .subject = subject, .kind = fires ? VECTOR_FIRES : VECTOR_SILENT, .fires = fires
	};
	bool good;

	if (event)
		fields[v.n_fields++] = (struct vector_field){ VECTOR_EVENT, event, (uint32_t)strcspn(event, " ") };
	for (uint32_t i = 0; i < p->n_slots; i++) {
		const struct vector_slot *s = &p->slots[i];

		for (uint32_t k = 0; k < s->n_rows; k++) {
			if (!s->cands[s->pick].fields[k].value)
				continue;
			if (v.n_fields == VECTOR_MAX_FIELDS)
				return E_LIMIT;
			fields[v.n_fields++] = s->cands[s->pick].fields[k];
		}
	}
	TRY(put(t->m, v, fields, &good));
	if (good || t->m->broken)
		return E_OK;
	t->m->broken = true;
	say(t->m, DIAG_ERROR, 104, t->m->r->pos, "the compiled rule and its parts disagree about an event",
	    "this is a fault of the compiler: please report it");
	return E_OK;
}

/* The slot's row that the part's field number i is. */
static uint32_t row_of(const struct vector_slot *s, const struct rule_part *part, uint32_t i)
{
	uint32_t k = 0;

	while (k + 1 < s->n_rows && strcmp(s->rows[k]->name, part->fields[i].name) != 0)
		k++;
	return k;
}

/* The same about each of the comparison's fields. */
static FALLIBLE put_about(struct tried *t, uint32_t var, bool fires)
{
	const struct rule_part *part = &t->p.parts->parts[t->p.vars[var].part];
	const struct vector_slot *s = &t->p.slots[t->p.vars[var].slot];

	for (uint32_t i = 0; i < part->n_fields; i++)
		TRY(put_picks(t, NULL, s->rows[row_of(s, part, i)]->name, fires));
	return E_OK;
}

/* What the part is when the rule fires for it, then what is wanted so that it decides. NULL: no memory. */
static const struct vector_goal *path_goals(struct vector_problem *p, uint32_t part)
{
	const struct rule_part *parts = p->parts->parts;
	struct vector_goal *goals = ARENA_NEW(p->a, struct vector_goal), *one;
	bool want = true;

	if (!goals)
		return NULL;
	*goals = (struct vector_goal){ .part = part };
	for (uint32_t at = part; at; at = parts[at].parent) {
		uint32_t up = parts[at].parent;
		bool or = parts[up].kind == RULE_PART_OR;

		want ^= parts[up].kind == RULE_PART_NOT;
		if (! or &&parts[up].kind != RULE_PART_AND)
			continue;
		for (uint32_t k = up + 1; k < parts[up].end; k = parts[k].end) {
			if (k == at)
				continue;
			one = ARENA_NEW(p->a, struct vector_goal);
			if (!one)
				return NULL;
			*one = (struct vector_goal){ k, ! or, goals->next };
			goals->next = one;
		}
	}
	goals->want = want;
	return goals;
}

/* With this pick the comparison is not what it was, and the rule does not fire. */
static bool turned(const struct vector_problem *p, uint32_t var, bool was)
{
	const struct vector_slot *s = &p->slots[p->vars[var].slot];

	return vector_bit(s->cands[s->pick].bits, var) != was && !vector_truth(p, 0, VECTOR_NONE);
}

/* Turn the comparison over by its only field so that the rule does not fire. */
static bool turn(struct vector_problem *p, uint32_t var)
{
	struct vector_var *v = &p->vars[var];
	struct vector_slot *s = &p->slots[v->slot];
	bool was = v->lit;

	v->lit = !was;
	if (vector_refresh(p, s) && turned(p, var, was))
		return true;
	for (int missing = 0; missing < 2; missing++)
		for (s->pick = 0; s->pick < s->n; s->pick++)
			if (s->cands[s->pick].missing == missing && turned(p, var, was))
				return true;
	s->pick = 0;
	return false;
}

/* The same by one of several fields that it looks at; `fires` is the candidate that it is turned from. */
static bool turn_row(struct vector_problem *p, uint32_t var, uint32_t fires, uint32_t row)
{
	struct vector_slot *s = &p->slots[p->vars[var].slot];
	bool was = p->vars[var].lit;

	for (uint32_t i = 0, n = s->n; i < n && !p->err; i++)
		if (vector_graft(p, s, fires, row, i) && turned(p, var, was))
			return true;
	return false;
}

/* Values of the comparison's own that lie beside those of the pair, where it still decides. */
static FALLIBLE put_near(struct tried *t, uint32_t var)
{
	struct vector_problem *p = &t->p;
	struct vector_slot *s = &p->slots[p->vars[var].slot];

	p->vars[var].lit = LIT_OPEN;
	for (uint32_t i = 0, n = s->n, kept = 0; i < n && kept < VECTOR_MAX_NEAR; i++) {
		if (s->cands[i].origin != var && !vector_is_event(s))
			continue;
		s->pick = i;
		if (!vector_agrees(p, s, i)) {
			if (!s->cands[i].sample || !vector_compose(p, s, var, s->cands[i].sample))
				continue;
			s->pick = s->n - 1;
		}
		TRY(put_about(t, var, vector_truth(p, 0, VECTOR_NONE)));
		kept++;
	}
	return p->err;
}

/*
 * The part, an occurrence of the variable, made what decides: first such that nothing beside it leans on the same
 * comparison, then in any way.
 */
static bool make_pivot(struct vector_problem *p, uint32_t var, const struct vector_goal *goals)
{
	struct vector_var *v = &p->vars[var];

	for (int any = 0; any < 2 && !p->err; any++) {
		vector_reset(p);
		v->lit = goals->want;
		p->pivot = any ? VECTOR_NONE : var;
		if (vector_refresh(p, &p->slots[v->slot]) && vector_solve(p, goals->next) && !vector_truth(p, 0, var) &&
		    vector_truth(p, 0, VECTOR_NONE))
			return true;
	}
	return false;
}

/* A pair in which the part, an occurrence of the variable, decides. */
static FALLIBLE show(struct tried *t, uint32_t var, uint32_t part, enum lack *lack)
{
	struct vector_problem *p = &t->p;
	struct vector_slot *s = &p->slots[p->vars[var].slot];
	const struct vector_goal *goals = path_goals(p, part);
	const struct rule_part *q = &p->parts->parts[part];
	uint32_t fires;

	if (!goals)
		return E_NOMEM;
	*lack = LACK_CONTEXT;
	if (!make_pivot(p, var, goals))
		return p->err;
	*lack = LACK_TURN;
	fires = s->pick;
	for (uint32_t i = 0; i < q->n_fields; i++) {
		uint32_t row = row_of(s, q, i);

		s->pick = fires;
		if (!(s->n_rows > 1 ? turn_row(p, var, fires, row) : turn(p, var)))
			continue;
		*lack = LACK_NONE;
		TRY(put_picks(t, NULL, s->rows[row]->name, false));
		s->pick = fires;
		TRY(put_picks(t, NULL, s->rows[row]->name, true));
	}
	return *lack == LACK_NONE ? put_near(t, var) : p->err;
}

/* Some candidate makes the comparison so. */
static bool reachable(const struct vector_problem *p, uint32_t var, bool want)
{
	const struct vector_slot *s = &p->slots[p->vars[var].slot];

	for (uint32_t i = 0; i < s->n; i++)
		if (vector_bit(s->cands[i].bits, var) == want)
			return true;
	return false;
}

static FALLIBLE show_var(struct tried *t, uint32_t var, enum lack *lack)
{
	struct vector_problem *p = &t->p;

	*lack = LACK_TRUE;
	if (!reachable(p, var, true))
		return E_OK;
	*lack = LACK_FALSE;
	if (!reachable(p, var, false))
		return E_OK;
	for (uint32_t i = p->vars[var].part; i < p->parts->n; i++)
		if (p->var_of[i] == var) {
			TRY(show(t, var, i, lack));
			if (*lack == LACK_NONE)
				return E_OK;
		}
	return E_OK;
}

static FALLIBLE claim_fields(struct tried *t, uint32_t var)
{
	const struct rule_part *part = &t->p.parts->parts[t->p.vars[var].part];
	uint32_t id;

	for (uint32_t i = 0; i < part->n_fields; i++) {
		const char *name = part->fields[i].name;
		const struct template_field *row =
			template_field_find(t->m->rs->table, t->p.type, name, strlen(name), &id);

		TRY(claim(t->m, t->p.type->name, row->name, 0, 0));
	}
	return E_OK;
}

/* The picks, by each name that such an event can have: comparisons of it may be settled by the type of event. */
static FALLIBLE put_names(struct tried *t)
{
	for (uint32_t i = 0; i < t->p.n_slots; i++)
		if (vector_is_event(&t->p.slots[i]))
			return put_picks(t, NULL, "", true); /* it is asked: others make its vectors */
	for (const char *s = t->p.type->events; *s; s += strcspn(s, " ") + (s[strcspn(s, " ")] == ' '))
		TRY(put_picks(t, s, "", true));
	return E_OK;
}

/* lacks: by rule of the parts' set, the best that any type gave. */
static FALLIBLE one_type(struct tried *t, uint8_t *lacks)
{
	struct vector_problem *p = &t->p;
	struct vector_goal whole = { .part = 0, .want = true };

	TRY(vector_problem_make(p));
	vector_reset(p);
	TRY(claim(t->m, p->type->name, "", 0, 0));
	if (vector_solve(p, &whole) && vector_truth(p, 0, VECTOR_NONE))
		TRY(put_names(t));
	for (uint32_t i = 0; i < p->n_vars && !p->err; i++) {
		uint8_t *best = &lacks[p->parts->parts[p->vars[i].part].rule];
		enum lack lack;

		TRY(claim_fields(t, i));
		TRY(show_var(t, i, &lack));
		if (*best == UINT8_MAX || lack == LACK_NONE)
			*best = (uint8_t)lack;
	}
	return p->err;
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
	say(m, DIAG_WARNING, 102, part->pos.line ? part->pos : m->r->pos, text,
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
	if (parts->n > VECTOR_MAX_PARTS) {
		say(m, DIAG_WARNING, 106, m->r->pos, "the condition is too large to make vectors of",
		    "tests beside the rule are its vectors");
		return E_OK;
	}
	for (uint32_t i = 0; i < m->rs->table->n_types; i++) {
		struct tried t = { .m = m,
				   .p = { .a = a,
					  .parts = parts,
					  .x = x,
					  .values = values,
					  .e = m->judge.event,
					  .type_index = i,
					  .type = &m->rs->table->types[i],
					  .rule_tries = &rule_tries,
					  .d = &m->d } };

		if (m->r->types >> i & 1)
			TRY(one_type(&t, lacks));
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
		say(m, DIAG_ERROR, 101, m->r->pos, "no event was found for which the rule fires: it can not be signed",
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
		say(m, DIAG_WARNING, 105, m->r->pos, text, NULL);
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
