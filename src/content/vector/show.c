/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show: the vectors of one rule for one type of event.
 *
 * Of each comparison: the parts beside it on the way up to the whole condition are made such that it alone decides;
 * then its field takes a value that makes the rule fire, one that does not, and those that miss by little.
 */
#include "content/vector/make.h"

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
	TRY(vector_put(t->m, v, fields, &good));
	if (good || t->m->broken)
		return E_OK;
	t->m->broken = true;
	vector_say(t->m, DIAG_ERROR, 104, t->m->r->pos, "the compiled rule and its parts disagree about an event",
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

		TRY(vector_add_claim(t->m, t->p.type->name, row->name, 0, 0));
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

FALLIBLE vector_show_type(struct maker *m, const struct vector_problem *problem, uint8_t *lacks)
{
	struct tried tried = { .m = m, .p = *problem }, *t = &tried;
	struct vector_problem *p = &t->p;
	struct vector_goal whole = { .part = 0, .want = true };

	TRY(vector_problem_make(p));
	vector_reset(p);
	TRY(vector_add_claim(t->m, p->type->name, "", 0, 0));
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
