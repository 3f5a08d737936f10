/* SPDX-License-Identifier: Apache-2.0 */
/* lint: rules that load, but hardly do what their author meant. This file runs the parts and keeps what they find. */
#include "content/rule/lint.h"

#include <stdarg.h>

enum { FOLDS_MAX_BYTES = 256 << 20, PROOF_STEPS = 20000000, NAME_STEPS = 1000000, N_BUCKETS = 4096 };

const struct rule_lint_row rule_lints[] = {
#define L(id_, ident, title_, help_) { id_, title_, help_ },
#include "content/rule/lints.def"
#undef L
};
const size_t rule_n_lints = countof(rule_lints);

const struct lint_field *lint_field_find(const char *name)
{
	enum {
		FORGE = LINT_FORGE,
		WORDS = LINT_WORDS,
		COMM = LINT_COMM,
		PATH = LINT_PATH,
		RAW = LINT_RAW,
		KNOWN = LINT_KNOWN
	};
	static const struct lint_field rows[] = {
#define FIELD(name, flags, better) { name, better, flags },
#include "content/rule/lint_fields.def"
#undef FIELD
	};

	for (size_t i = 0; i < countof(rows); i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

/* ---- reporting ---- */

struct rule_span lint_place(const struct rule_check *k)
{
	return k->text.len ? k->text : k->at;
}

const char *lint_text(struct lint *l, const struct rule_check *k)
{
	const char *text = rule_check_text(l->c.a, k);
	size_t len = text ? strlen(text) : 0;

	if (len <= 80)
		return text ? text : "";
	for (len = 77; len && ((uint8_t)text[len] & 0xc0) == 0x80;)
		len--;
	text = arena_printf(l->c.a, "%.*s...", (int)len, text);
	return text ? text : "";
}

bool lint_in_macro(const struct lint *l, const struct rule_check *k)
{
	for (uint32_t i = 0; i < l->rs->book->n_macros; i++)
		if (l->rs->book->macros[i]->text == k->at.text)
			return true;
	return false;
}

/* The first time that this is said of this place. */
static bool is_new(struct lint *l, enum lint_id id, const struct diag_pos *pos)
{
	uint64_t hash = hash_u64((uint64_t)pos->line << 32 ^ (uint64_t)pos->col << 10 ^ id ^ (uintptr_t)pos->file);
	struct lint_seen *s;

	for (struct hnode *n = htab_first(&l->seen, hash); n; n = htab_next(n)) {
		s = CONTAINER_OF(n, struct lint_seen, node);
		if (s->id == id && s->line == pos->line && s->col == pos->col && s->file == pos->file)
			return false;
	}
	s = ARENA_NEW(l->c.a, struct lint_seen);
	if (!s)
		return true;
	*s = (struct lint_seen){ .file = pos->file, .line = pos->line, .col = pos->col, .id = id };
	htab_add(&l->seen, &s->node, hash);
	return true;
}

struct diag *lint_report(struct lint *l, enum lint_id id, struct rule_span at, const char *fmt, ...)
{
	struct diags *ds = l->c.ds;
	struct diag_node **tail = ds->tail;
	bool about_rule = l->rule != LINT_NO_RULE;
	struct rule_span name = about_rule ? l->rs->book->drafts[l->rule]->name : (struct rule_span){ 0 };
	struct diag d;
	va_list ap;

	if (!at.text || !at.text->n_segs)
		at = name;
	if (ds->n_warnings == DIAGS_MAX) {
		ds->overflow = true;
		return NULL;
	}
	diag_init(&d);
	d.pos = rule_span_pos(at, l->c.a, &d.line_text);
	if (!is_new(l, id, &d.pos) || lint_allowed(l, id, at.text->segs->file, d.pos.line, name))
		return NULL;
	d.err = E_REJECTED;
	d.severity = DIAG_WARNING;
	d.family = 'L';
	d.id = (uint16_t)id;
	d.subject = about_rule ? l->rs->rules[l->rule].name : NULL;
	va_start(ap, fmt);
	(void)vsnprintf(d.text, sizeof d.text, fmt, ap);
	va_end(ap);
	diags_add(ds, &d);
	return ds->tail != tail ? &((struct diag_node *)(void *)ds->tail)->d : NULL;
}

/* ---- all of it ---- */

static FALLIBLE fold_rule(struct lint *l, uint32_t i)
{
	const struct rule *r = &l->rs->rules[i];

	for (uint32_t t = 0; t < l->rs->table->n_types; t++) {
		if (!(r->types >> t & 1))
			continue;
		l->folds[i][t] = rule_fold(r->cond, l->rs->table, &l->rs->table->types[t], &l->fold_arena);
		if (!l->folds[i][t])
			return E_NOMEM;
	}
	return E_OK;
}

static FALLIBLE lint_all(struct lint *l)
{
	l->folds = (const struct rule_fold *(*)[TEMPLATE_MAX_TYPES])arena_alloc_array(&l->fold_arena, l->rs->n_rules,
										      sizeof *l->folds);
	if (!l->folds)
		return E_NOMEM;
	for (uint32_t i = 0; i < l->rs->n_rules; i++) {
		if (!l->rs->rules[i].enabled)
			continue;
		TRY(fold_rule(l, i));
		l->rule = i;
		lint_shadowed(l);
		lint_logic(l);
		lint_trust(l);
		lint_values(l);
	}
	l->rule = LINT_NO_RULE;
	lint_lists(l);
	return E_OK;
}

FALLIBLE rule_lint(const struct rule_set *rs, struct arena *a, struct diags *ds)
{
	struct lint l = {
		.c = { .table = rs->table, .a = a, .ds = ds }, .rs = rs, .fuel = PROOF_STEPS, .names_left = NAME_STEPS
	};
	enum err err;

	arena_init(&l.fold_arena, FOLDS_MAX_BYTES);
	err = htab_init(&l.seen, N_BUCKETS);
	err = err ? err : lint_all(&l);
	htab_done(&l.seen);
	arena_done(&l.fold_arena);
	return err;
}
