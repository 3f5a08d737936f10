/* SPDX-License-Identifier: Apache-2.0 */
/*
 * solve: candidates for all slots with which a condition's parts are as wanted.
 *
 * What must be is settled first; an `or` that must hold, or an `and` that must not, is a choice that waits until
 * nothing else is left. Of a choice the kids that are already so come first, so that most of it costs nothing. A
 * comparison that is settled keeps its slot to candidates that agree. Going back is by returning.
 */
#include "content/vector/internal.h"

void vector_reset(struct vector_problem *p)
{
	for (uint32_t i = 0; i < p->n_vars; i++)
		p->vars[i].lit = LIT_OPEN;
	for (uint32_t i = 0; i < p->n_slots; i++)
		p->slots[i].pick = 0;
	p->tries = VECTOR_MAX_TRIES;
	p->pivot = VECTOR_NONE;
}

bool vector_truth(const struct vector_problem *p, uint32_t part, uint32_t flip)
{
	const struct rule_part *q = &p->parts->parts[part];
	uint32_t var = p->var_of[part];
	bool any = q->kind == RULE_PART_OR;

	if (p->fixed[part] != FIXED_NOT)
		return p->fixed[part] == FIXED_TRUE;
	if (var != VECTOR_NONE) {
		const struct vector_slot *s = &p->slots[p->vars[var].slot];

		return vector_bit(s->cands[s->pick].bits, var) != (var == flip);
	}
	if (q->kind == RULE_PART_NOT || q->kind == RULE_PART_MACRO)
		return vector_truth(p, part + 1, flip) != (q->kind == RULE_PART_NOT);
	for (uint32_t k = part + 1; k < q->end; k = p->parts->parts[k].end)
		if (vector_truth(p, k, flip) == any)
			return any;
	return !any;
}

bool vector_agrees(const struct vector_problem *p, const struct vector_slot *s, uint32_t cand)
{
	for (uint32_t i = 0; i < s->n_vars; i++) {
		const struct vector_var *v = &p->vars[s->vars[i]];

		if (v->lit != LIT_OPEN && vector_bit(s->cands[cand].bits, s->vars[i]) != v->lit)
			return false;
	}
	return true;
}

/* Fields without a value come last: they say least. */
static bool pick(struct vector_problem *p, struct vector_slot *s)
{
	for (int missing = 0; missing < 2; missing++)
		for (uint32_t i = 0; i < s->n; i++)
			if (s->cands[i].missing == missing && vector_agrees(p, s, i)) {
				s->pick = i;
				return true;
			}
	return false;
}

bool vector_refresh(struct vector_problem *p, struct vector_slot *s)
{
	if (vector_agrees(p, s, s->pick) && !s->cands[s->pick].missing)
		return true;
	if (pick(p, s) && !s->cands[s->pick].missing)
		return true;
	if (vector_compose(p, s, VECTOR_NONE, NULL)) {
		s->pick = s->n - 1;
		return true;
	}
	return vector_agrees(p, s, s->pick);
}

/* 1, 0, or -1 when what is settled does not say. */
static int settled(const struct vector_problem *p, uint32_t part)
{
	const struct rule_part *q = &p->parts->parts[part];
	uint32_t var = p->var_of[part];
	int any = q->kind == RULE_PART_OR, all = !any, one;

	if (p->fixed[part] != FIXED_NOT)
		return p->fixed[part] == FIXED_TRUE;
	if (var != VECTOR_NONE)
		return var == p->pivot ? LIT_OPEN : p->vars[var].lit;
	if (q->kind == RULE_PART_NOT || q->kind == RULE_PART_MACRO) {
		one = settled(p, part + 1);
		return one < 0 || q->kind == RULE_PART_MACRO ? one : !one;
	}
	for (uint32_t k = part + 1; k < q->end; k = p->parts->parts[k].end) {
		one = settled(p, k);
		if (one == any)
			return any;
		if (one < 0)
			all = -1;
	}
	return all;
}

/* One step; false when there is none left. */
static bool spend(struct vector_problem *p)
{
	if (p->err || !p->tries || !*p->rule_tries)
		return false;
	p->tries--;
	--*p->rule_tries;
	return true;
}

static bool prove(struct vector_problem *p, const struct vector_goal *now, const struct vector_goal *later);

/* The comparison is to be so. */
static bool settle(struct vector_problem *p, uint32_t var, bool want, const struct vector_goal *now,
		   const struct vector_goal *later)
{
	struct vector_var *v = &p->vars[var];
	struct vector_slot *s = &p->slots[v->slot];
	uint32_t before = s->pick;

	if (var == p->pivot)
		return false;
	if (v->lit != LIT_OPEN)
		return v->lit == want && prove(p, now, later);
	v->lit = want;
	if (vector_refresh(p, s) && prove(p, now, later))
		return true;
	v->lit = LIT_OPEN;
	s->pick = before;
	return false;
}

/* One of the kids is to be so. */
static bool choose(struct vector_problem *p, const struct vector_goal *g)
{
	const struct rule_part *parts = p->parts->parts;

	if (settled(p, g->part) == g->want)
		return prove(p, NULL, g->next);
	for (int so = 1; so >= 0; so--)
		for (uint32_t k = g->part + 1; k < parts[g->part].end; k = parts[k].end) {
			struct vector_goal one = { k, g->want, NULL };

			if ((vector_truth(p, k, VECTOR_NONE) == g->want) == so && prove(p, &one, g->next))
				return true;
		}
	return false;
}

/* All of the kids are to be so. */
static bool require(struct vector_problem *p, const struct vector_goal *g, const struct vector_goal *rest,
		    const struct vector_goal *later)
{
	const struct rule_part *parts = p->parts->parts;
	struct vector_goal *one;

	for (uint32_t k = g->part + 1; k < parts[g->part].end; k = parts[k].end) {
		one = ARENA_NEW(p->a, struct vector_goal);
		if (!one)
			p->err = E_NOMEM;
		if (!one || !spend(p))
			return false;
		*one = (struct vector_goal){ k, g->want, rest };
		rest = one;
	}
	return prove(p, rest, later);
}

static bool prove(struct vector_problem *p, const struct vector_goal *now, const struct vector_goal *later)
{
	const struct rule_part *q;
	struct vector_goal one;

	if (!spend(p))
		return false;
	if (!now)
		return !later || choose(p, later);
	q = &p->parts->parts[now->part];
	if (p->fixed[now->part] != FIXED_NOT)
		return (p->fixed[now->part] == FIXED_TRUE) == now->want && prove(p, now->next, later);
	if (q->kind == RULE_PART_CHECK)
		return settle(p, p->var_of[now->part], now->want, now->next, later);
	if (q->kind == RULE_PART_NOT || q->kind == RULE_PART_MACRO) {
		one = (struct vector_goal){ now->part + 1, now->want != (q->kind == RULE_PART_NOT), now->next };
		return prove(p, &one, later);
	}
	if ((q->kind == RULE_PART_AND) == now->want)
		return require(p, now, now->next, later);
	one = (struct vector_goal){ now->part, now->want, later };
	return prove(p, now->next, &one);
}

bool vector_solve(struct vector_problem *p, const struct vector_goal *goals)
{
	return prove(p, goals, NULL);
}
