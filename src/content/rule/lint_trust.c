/* SPDX-License-Identifier: Apache-2.0 */
/* lint_trust: conditions that believe what an attacker writes: names, arguments, paths as they were typed. */
#include "content/rule/lint.h"

enum { MAX_NAMED = 3 };

/* flags: what counts as chosen by an attacker. */
static bool forgeable(const struct rule_check *k, unsigned flags)
{
	const struct lint_field *f = lint_field_find(k->field);

	return f && f->flags & flags;
}

/* The first comparison below that an attacker decides, or NULL. */
static const struct rule_check *first_forgeable(const struct rule_cond *cond, unsigned flags)
{
	const struct rule_check *k = NULL;

	if (cond->kind == COND_CHECK)
		return forgeable(&cond->check, flags) ? &cond->check : NULL;
	for (uint32_t i = 0; i < cond->n && !k; i++)
		k = first_forgeable(cond->kids[i], flags);
	return k;
}

/* In the old way too: proc.name in ("<NA>", "N/A"), proc.name != "". */
static bool asks_presence(const struct rule_check *k)
{
	static const char *const words[] = { "<NA>", "N/A", "" };

	for (uint32_t i = 0; i < k->n_values; i++) {
		bool word = false;

		for (size_t n = 0; n < countof(words); n++)
			word |= k->values[i].len == strlen(words[n]) &&
				!memcmp(k->values[i].p, words[n], k->values[i].len);
		if (!word)
			return false;
	}
	return true;
}

/* Can who chooses forgeable values make the condition this, whatever the others are? */
static bool can_make(const struct rule_cond *cond, bool truth, unsigned flags)
{
	bool all = (cond->kind == COND_AND) == truth;

	switch ((enum rule_cond_kind)cond->kind) {
	case COND_CHECK:
		return forgeable(&cond->check, flags) && !asks_presence(&cond->check);
	case COND_NOT:
		return can_make(cond->kids[0], !truth, flags);
	case COND_MACRO:
		return can_make(cond->kids[0], truth, flags);
	case COND_AND:
	case COND_OR:
		for (uint32_t i = 0; i < cond->n; i++)
			if (can_make(cond->kids[i], truth, flags) != all)
				return !all;
		return all;
	}
	return false;
}

/* It only says what happens and where, nothing that would tell an attack from anything else. */
static bool only_names_events(const struct rule_cond *cond)
{
	const char *f = cond->check.field;

	if (cond->kind == COND_CHECK)
		return (!strncmp(f, "evt.", 4) && strncmp(f, "evt.arg", 7) != 0 && strncmp(f, "evt.rawarg", 10) != 0) ||
		       !strncmp(f, "container.", 10) || !strcmp(f, "proc.tty") || !strncmp(f, "fd.type", 7);
	for (uint32_t i = 0; i < cond->n; i++)
		if (!only_names_events(cond->kids[i]))
			return false;
	return true;
}

/* ---- the parts that must all hold ---- */

struct parts {
	struct lint *l;
	const struct rule_check *evidence; /* forgeable */
	bool other_evidence;
	struct diag *silenced;
	uint32_t n_more;
};

static void note_exception(struct parts *p, const struct rule_cond *cond, bool negated)
{
	const struct rule_check *k = first_forgeable(cond, LINT_FORGE | LINT_WORDS);
	const char *no = negated ? "not " : "";
	const struct lint_field *f = lint_field_find(k->field);

	if (p->silenced) {
		p->n_more++;
		if (p->n_more <= MAX_NAMED)
			rule_note(&p->l->c, p->silenced, lint_place(k), "so does '%s%s'", no, lint_text(p->l, k));
		return;
	}
	p->silenced = lint_report(p->l, LINT_FORGEABLE_EXCEPTION, lint_place(k),
				  "an attacker silences rule '%.60s' by what '%s%s' reads: a process chooses its %s",
				  p->l->rs->rules[p->l->rule].name, no, lint_text(p->l, k), k->field);
	if (p->silenced && f->better[0])
		diag_hint(p->silenced, "compare %s instead, or as well: not (%.60s ... and %s ...)", f->better,
			  k->field, f->better);
}

static void take_part(struct parts *p, const struct rule_cond *cond, bool negated)
{
	while (cond->kind == COND_MACRO || cond->kind == COND_NOT) {
		negated ^= cond->kind == COND_NOT;
		cond = cond->kids[0];
	}
	if (cond->kind == (negated ? COND_OR : COND_AND)) {
		for (uint32_t i = 0; i < cond->n; i++)
			take_part(p, cond->kids[i], negated);
		return;
	}
	if (negated || (cond->kind == COND_CHECK && cond->check.op == OP_NE)) {
		if (can_make(cond, negated, LINT_FORGE | LINT_WORDS))
			note_exception(p, cond, negated);
		return;
	}
	if (can_make(cond, false, LINT_FORGE))
		p->evidence = p->evidence ? p->evidence : first_forgeable(cond, LINT_FORGE);
	else if (!only_names_events(cond))
		p->other_evidence = true;
}

/* ---- paths ---- */

/* A path and no ".." in it: who looks for that wants the text as it was written. */
static bool names_a_path(const struct rule_check *k)
{
	for (uint32_t i = 0; i < k->n_values; i++)
		if (k->values[i].len && k->values[i].p[0] == '/' && !memmem(k->values[i].p, k->values[i].len, "..", 2))
			return true;
	return false;
}

/* The field that says it better is there on the types of the rule that have this one. */
static bool has_better(const struct lint *l, const struct rule_check *k, const char *better)
{
	const struct template_table *t = l->rs->table;
	uint64_t types = l->rs->rules[l->rule].types;
	bool some = false;
	uint32_t id;

	for (uint32_t i = 0; i < t->n_types; i++) {
		if (!(types >> i & 1) || !template_field_find(t, &t->types[i], k->field, strlen(k->field), &id))
			continue;
		if (!template_field_find(t, &t->types[i], better, strlen(better), &id))
			return false;
		some = true;
	}
	return some;
}

static void raw_paths(struct lint *l, const struct rule_cond *cond)
{
	const struct rule_check *k = &cond->check;
	const struct lint_field *f = cond->kind == COND_CHECK ? lint_field_find(k->field) : NULL;

	for (uint32_t i = 0; i < cond->n; i++)
		raw_paths(l, cond->kids[i]);
	if (!f || !(f->flags & LINT_RAW) || !names_a_path(k) || !has_better(l, k, f->better))
		return;
	diag_hint(lint_report(l, LINT_RAW_PATH, lint_place(k),
			      "'%s' compares a path as the caller wrote it: a link or a relative path is another text",
			      lint_text(l, k)),
		  "compare %s, which is resolved", f->better);
}

void lint_trust(struct lint *l)
{
	const struct rule *r = &l->rs->rules[l->rule];
	struct parts p = { .l = l };
	struct diag *d;

	take_part(&p, r->cond, false);
	if (p.n_more > MAX_NAMED)
		rule_note(&l->c, p.silenced, (struct rule_span){ 0 }, "and %u more parts of this rule",
			  p.n_more - MAX_NAMED);
	if (p.evidence && !p.other_evidence) {
		const struct lint_field *f = lint_field_find(p.evidence->field);

		d = lint_report(l, LINT_FORGEABLE_EVIDENCE, lint_place(p.evidence),
				"all that rule '%.60s' goes by is what the process says of itself: '%s'", r->name,
				lint_text(l, p.evidence));
		if (d && f->better[0])
			diag_hint(d, "compare %s too", f->better);
	}
	raw_paths(l, r->cond);
}
