/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lint_logic: conditions and parts of them that can never, or always, be true; rules behind others that say it all.
 *
 * A folded condition is walked with what must hold beside each part: a part that this excludes is dead. Only what is so
 * for every type of event on which the part stands is reported.
 */
#include "content/rule/lint.h"

enum { MAX_BESIDE = 256, PAIR_STEPS = 20000 };

/* What the walks over all types found of one comparison. */
struct verdict {
	struct hnode node;
	const struct rule_check *check;
	const struct rule_check *cause; /* what excludes it, or NULL */
	uint32_t n_types, n_dead;
	bool unequal, reported;
};

struct walk {
	struct lint *l;
	struct arena *a;
	struct htab verdicts;
	struct verdict *list[4096];
	uint32_t n_list;
	struct rule_lit beside[MAX_BESIDE]; /* all of them hold where we are */
	uint32_t n_beside;
	uint64_t bound; /* types of the rule */
};

/* NULL for what folding made, which stands nowhere. */
static struct verdict *verdict_of(struct walk *w, const struct rule_check *k)
{
	for (struct hnode *n = htab_first(&w->verdicts, hash_u64((uintptr_t)k)); n; n = htab_next(n)) {
		struct verdict *v = CONTAINER_OF(n, struct verdict, node);

		if (v->check == k)
			return v;
	}
	return NULL;
}

/* A verdict for each comparison of the condition, in their order. */
static void list_checks(struct walk *w, const struct rule_cond *cond)
{
	struct verdict *v;

	for (uint32_t i = 0; i < cond->n; i++)
		list_checks(w, cond->kids[i]);
	if (cond->kind != COND_CHECK || verdict_of(w, &cond->check) || w->n_list == countof(w->list))
		return;
	v = ARENA_NEW(w->a, struct verdict);
	if (!v)
		return;
	v->check = &cond->check;
	htab_add(&w->verdicts, &v->node, hash_u64((uintptr_t)v->check));
	w->list[w->n_list++] = v;
}

static bool is_and(struct rule_lit x)
{
	return x.f->kind == (x.negated ? FOLD_OR : FOLD_AND);
}

static struct rule_lit kid(struct rule_lit x, uint32_t i)
{
	return rule_lit_strip((struct rule_lit){ x.f->kids[i], x.negated });
}

/* ---- comparisons ---- */

static void note_unequal(struct walk *w, struct rule_lit x, struct verdict *v)
{
	const struct rule_check *k = x.f->check;
	const struct lint_field *f = lint_field_find(k->field);

	if (f && f->flags & LINT_KNOWN)
		return;
	if (x.negated || k->op != OP_NE || k->modifier || k->left || x.f->field->presence != TEMPLATE_MAYBE ||
	    !k->values->len)
		return;
	for (uint32_t i = 0; i < w->n_beside; i++) {
		const struct rule_fold *b = w->beside[i].f;

		if (!w->beside[i].negated && b->check != k && b->id == x.f->id && b->check->index == k->index)
			return; /* it has a value there, or the author thought of it */
	}
	v->unequal = true;
}

/* Is the comparison excluded by what must hold beside it? */
static bool dead_check(struct walk *w, struct rule_lit x)
{
	struct verdict *v = verdict_of(w, x.f->check);
	const struct rule_check *cause = NULL;
	bool dead = rule_check_constant(x.f) == (x.negated ? 1 : 0);

	for (uint32_t i = 0; i < w->n_beside && !dead && w->l->fuel; i++) {
		w->l->fuel--;
		if (w->beside[i].f == x.f && w->beside[i].negated == x.negated)
			continue;
		dead = rule_lit_excludes(w->beside[i], x);
		cause = dead ? w->beside[i].f->check : NULL;
	}
	if (!v)
		return dead;
	v->n_types++;
	v->n_dead += dead;
	v->cause = cause ? cause : v->cause;
	note_unequal(w, x, v);
	return dead;
}

/* ---- groups ---- */

static bool dead_node(struct walk *w, struct rule_lit x);

static void push_checks(struct walk *w, struct rule_lit x)
{
	for (uint32_t i = 0; i < x.f->n; i++) {
		struct rule_lit k = kid(x, i);

		if (is_and(k))
			push_checks(w, k);
		else if (k.f->kind == FOLD_CHECK && w->n_beside < MAX_BESIDE)
			w->beside[w->n_beside++] = k;
	}
}

static bool dead_and(struct walk *w, struct rule_lit x)
{
	uint32_t n = w->n_beside;
	bool dead = false;

	push_checks(w, x);
	for (uint32_t i = 0; i < x.f->n; i++)
		dead |= dead_node(w, kid(x, i));
	w->n_beside = n;
	return dead;
}

/* "x != a or x != b", "x = a or not x = a": one of two holds, whatever x is. */
static bool one_always_holds(struct rule_lit a, struct rule_lit b)
{
	struct rule_lit not_a = { a.f, !a.negated };

	if (rule_lit_implies(not_a, b))
		return true;
	return !a.negated && !b.negated && !a.f->check->left && !b.f->check->left && !a.f->check->key &&
	       !b.f->check->key && a.f->check->op == OP_NE && b.f->check->op == OP_NE && a.f->id == b.f->id &&
	       a.f->check->index == b.f->check->index && !a.f->check->modifier && !b.f->check->modifier &&
	       !a.f->check->transforms && !b.f->check->transforms && a.f->field->type < TEMPLATE_LIST &&
	       (a.f->check->values->len != b.f->check->values->len ||
		memcmp(a.f->check->values->p, b.f->check->values->p, a.f->check->values->len) != 0);
}

static void report_always(struct walk *w, struct rule_lit a, struct rule_lit b)
{
	struct lint *l = w->l;
	struct diag *d = lint_report(l, LINT_ALWAYS_TRUE, lint_place(b.f->check), "'%s%s or %s%s' is always true",
				     a.negated ? "not " : "", lint_text(l, a.f->check), b.negated ? "not " : "",
				     lint_text(l, b.f->check));

	if (d && a.f->check->op == OP_NE)
		diag_hint(d, "write 'and' between them, or 'not %.60s in (...)'", a.f->check->field);
	else
		diag_hint(d, "leave both out, or write what was meant");
}

/* One comparison says all that the other does: of the same place only, macros overlap as they like. */
static void report_covered(struct walk *w, struct rule_lit a, struct rule_lit b)
{
	struct lint *l = w->l;
	bool a_adds = !rule_lit_implies(a, b);
	const struct rule_check *less = a_adds ? b.f->check : a.f->check, *more = a_adds ? a.f->check : b.f->check;

	if (a.negated != b.negated || (a_adds && !rule_lit_implies(b, a)) ||
	    a.f->check->at.text != b.f->check->at.text || a.f->check->twin || b.f->check->twin ||
	    a.f->check->op == OP_EXISTS || b.f->check->op == OP_EXISTS)
		return;
	if (a.negated) { /* not x or not y: the narrower one is enough */
		const struct rule_check *swap = less;

		less = more;
		more = swap;
	}
	diag_hint(lint_report(l, LINT_COVERED, lint_place(less), "'%s' adds nothing to '%s'", lint_text(l, less),
			      lint_text(l, more)),
		  "leave it out");
}

static void look_at_pairs(struct walk *w, struct rule_lit x)
{
	for (uint32_t i = 0; i < x.f->n; i++) {
		struct rule_lit a = kid(x, i);

		for (uint32_t k = i + 1; k < x.f->n && a.f->kind == FOLD_CHECK && w->l->fuel; k++) {
			struct rule_lit b = kid(x, k);

			if (b.f->kind != FOLD_CHECK || a.f->check == b.f->check)
				continue;
			w->l->fuel--;
			if (one_always_holds(a, b))
				report_always(w, a, b);
			else
				report_covered(w, a, b);
		}
	}
}

static bool dead_or(struct walk *w, struct rule_lit x)
{
	uint32_t n_dead = 0;

	for (uint32_t i = 0; i < x.f->n; i++) {
		uint32_t n = w->n_beside;

		n_dead += dead_node(w, kid(x, i));
		w->n_beside = n;
	}
	look_at_pairs(w, x);
	return n_dead == x.f->n;
}

static bool dead_node(struct walk *w, struct rule_lit x)
{
	if (x.f->kind == FOLD_CHECK)
		return dead_check(w, x);
	if (x.f->kind == FOLD_TRUE || x.f->kind == FOLD_FALSE)
		return false;
	return is_and(x) ? dead_and(w, x) : dead_or(w, x);
}

/* ---- reports ---- */

static void report_dead(struct walk *w, const struct verdict *v, bool whole)
{
	struct lint *l = w->l;
	enum lint_id id = whole ? LINT_CONTRADICTION : LINT_DEAD_PART;
	struct diag *d;

	if (v->cause)
		d = lint_report(l, id, lint_place(v->check), "'%s' can not be where '%s' is%s", lint_text(l, v->check),
				lint_text(l, v->cause), whole ? ": the rule never fires" : "");
	else
		d = lint_report(l, id, lint_place(v->check), "no number satisfies '%s'%s", lint_text(l, v->check),
				whole ? ": the rule never fires" : "");
	if (d && v->cause)
		rule_note(&l->c, d, lint_place(v->cause), "'%s'", lint_text(l, v->cause));
}

static void report_unequal(struct walk *w, const struct verdict *v)
{
	struct diag *d = lint_report(w->l, LINT_UNEQUAL_MISSING, lint_place(v->check),
				     "'%s' is false where %s is missing", lint_text(w->l, v->check), v->check->field);

	diag_hint(d, "write 'not %.60s = ...' if a missing value should count as different", v->check->field);
}

/* Of two parts that exclude each other, one is reported; in a macro, which other rules use too, only what kills the
 * rule. */
static bool worth_saying(struct walk *w, const struct verdict *v, bool whole)
{
	const struct verdict *cause = v->cause ? verdict_of(w, v->cause) : NULL;

	return v->n_types && v->n_dead == v->n_types && !(cause && cause->reported) &&
	       (whole || !lint_in_macro(w->l, v->check));
}

static void report_all(struct walk *w, bool whole)
{
	bool said = false;

	for (uint32_t i = 0; i < w->n_list; i++) {
		struct verdict *v = w->list[i];

		if (!(whole && said) && worth_saying(w, v, whole)) {
			report_dead(w, v, whole);
			said = v->reported = true;
		}
		if (v->unequal)
			report_unequal(w, v);
	}
}

/* ---- fields that the bound types do not have ---- */

static void absent_fields(struct walk *w, const struct rule_cond *cond)
{
	const struct template_table *t = w->l->rs->table;
	const struct rule_check *k = &cond->check;
	uint32_t id;
	bool has = false;

	if (cond->kind == COND_MACRO)
		return; /* macros are written for many rules */
	for (uint32_t i = 0; i < cond->n; i++)
		absent_fields(w, cond->kids[i]);
	if (cond->kind != COND_CHECK || k->twin || k->left || !k->text.len || !strcmp(k->field, "evt.dir"))
		return;
	for (uint32_t i = 0; i < t->n_types; i++)
		has |= w->bound >> i & 1 && template_field_find(t, &t->types[i], k->field, strlen(k->field), &id);
	if (!has)
		lint_report(w->l, LINT_FIELD_ABSENT, lint_place(k),
			    "'%s' is always false: the events of this rule have no %s", lint_text(w->l, k), k->field);
}

/* ---- why a rule has no type at all ---- */

struct narrow {
	struct lint *l;
	uint64_t types;
	const struct rule_cond *before; /* the part that narrowed the types last */
	bool said;
};

static struct rule_span place_of(const struct rule_cond *cond)
{
	return cond->kind == COND_CHECK ? lint_place(&cond->check) : cond->at;
}

static bool is_switch(const struct rule_cond *cond)
{
	while (cond->kind == COND_MACRO)
		cond = cond->kids[0];
	return cond->kind == COND_CHECK && !strcmp(cond->check.field, "evt.num");
}

/* shown: the part as the rule itself writes it. alone: types on which it can be true. */
static void say_why(struct narrow *n, const struct rule_cond *cond, const struct rule_cond *shown, uint64_t alone)
{
	struct diag *d;

	n->said = true;
	if (is_switch(cond))
		return; /* switched off on purpose */
	if (alone && n->before) {
		d = lint_report(n->l, LINT_CONTRADICTION, place_of(shown),
				"no type of event fulfils this part and those before it: the rule never fires");
		rule_note(&n->l->c, d, place_of(n->before), "the part that left no other type");
	} else if (cond->kind == COND_CHECK && cond->check.op != OP_EXISTS && !cond->check.n_values) {
		lint_report(n->l, LINT_CONTRADICTION, place_of(shown),
			    "the list is empty: nothing is in it, and the rule never fires");
	} else {
		lint_report(n->l, LINT_CONTRADICTION, place_of(shown),
			    "this part is true of no event of this release: the rule never fires");
	}
}

static void narrow(struct narrow *n, const struct rule_cond *cond, const struct rule_cond *shown)
{
	uint64_t types, always;

	if (cond->kind == COND_MACRO && !shown)
		shown = cond;
	while (cond->kind == COND_MACRO)
		cond = cond->kids[0];
	if (cond->kind == COND_AND) {
		for (uint32_t i = 0; i < cond->n && !n->said; i++)
			narrow(n, cond->kids[i], shown);
		return;
	}
	if (rule_find_types(&n->l->c, cond, &types, &always) != E_OK)
		return;
	if (!(n->types & types))
		say_why(n, cond, shown ? shown : cond, types);
	else if ((n->types & types) != n->types)
		n->before = shown ? shown : cond;
	n->types &= types;
}

/* ---- doors ---- */

static void loose_event(struct lint *l, const struct rule *r)
{
	uint32_t n = l->rs->table->n_types;
	uint64_t all = n == 64 ? UINT64_MAX : (1ull << n) - 1;

	if (l->rs->book->drafts[l->rule]->warn_evttypes && r->types == all && n > 1 && rule_names_event(r->cond))
		diag_hint(lint_report(l, LINT_EVT_TYPE_LOOSE, l->rs->book->drafts[l->rule]->name,
				      "rule '%.80s' compares evt.type, and is evaluated for all %u types of events",
				      r->name, n),
			  "put 'evt.type in (...) and' before the alternatives");
}

static void walk_rule(struct walk *w, const struct rule *r)
{
	bool all_dead = true;

	for (uint32_t t = 0; t < w->l->rs->table->n_types; t++) {
		const struct rule_fold *f = w->l->folds[w->l->rule][t];

		if (!f)
			continue;
		w->n_beside = 0;
		all_dead &= dead_node(w, rule_lit_strip((struct rule_lit){ f, false }));
	}
	report_all(w, r->types && all_dead);
}

void lint_logic(struct lint *l)
{
	const struct rule *r = &l->rs->rules[l->rule];
	uint32_t n_types = l->rs->table->n_types;
	struct narrow n = { .l = l, .types = n_types == 64 ? UINT64_MAX : (1ull << n_types) - 1 };
	struct arena a;
	struct walk *w;

	if (!r->types) {
		narrow(&n, r->cond, NULL);
		return;
	}
	arena_init(&a, 64 << 20);
	w = ARENA_NEW(&a, struct walk);
	if (w && htab_init(&w->verdicts, 1024) == E_OK) {
		w->l = l;
		w->a = &a;
		w->bound = r->types;
		list_checks(w, r->cond);
		walk_rule(w, r);
		absent_fields(w, r->cond);
		loose_event(l, r);
		htab_done(&w->verdicts);
	}
	arena_done(&a);
}

/* The first earlier rule that fires whenever this one does, on events of the type; -1: none is known. */
static int64_t shadow_on(struct lint *l, uint32_t type)
{
	const struct rule_fold *f = l->folds[l->rule][type];

	for (uint32_t i = 0; i < l->rule; i++) {
		uint32_t fuel = l->fuel < PAIR_STEPS ? l->fuel : PAIR_STEPS, had = fuel;
		bool covers = l->rs->rules[i].enabled && l->folds[i][type] && rule_implies(f, l->folds[i][type], &fuel);

		l->fuel -= had - fuel;
		if (covers)
			return i;
	}
	return -1;
}

void lint_shadowed(struct lint *l)
{
	const struct rule *r = &l->rs->rules[l->rule];
	const struct rule_draft *const *drafts = (const struct rule_draft *const *)l->rs->book->drafts;
	int64_t first = -1, by;
	struct diag *d;

	for (uint32_t t = 0; t < l->rs->table->n_types; t++) {
		if (!(r->types >> t & 1))
			continue;
		by = shadow_on(l, t);
		if (by < 0)
			return;
		first = first < 0 ? by : first;
	}
	if (first < 0)
		return;
	d = lint_report(
		l, LINT_SHADOWED, drafts[l->rule]->name,
		"rule '%.80s' never alerts: an earlier rule fires for all of its events, and the first one alerts",
		r->name);
	rule_note(&l->c, d, drafts[first]->name, "rule '%.80s'", l->rs->rules[first].name);
	diag_hint(d, "move it above, exclude its events from the other, or run with --all-matches");
}
