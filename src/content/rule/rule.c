/* SPDX-License-Identifier: Apache-2.0 */
/* rule: files to a checked set of rules. */
#include "content/rule/internal.h"

enum { SCRATCH_MAX_BYTES = 64 << 20 };

static FALLIBLE load_file(struct rule_ctx *c, struct rule_items *it, const struct rule_source *src)
{
	struct rule_node **docs = NULL;
	uint32_t n_docs = 0;

	TRY(rule_source_load(c, src, &docs, &n_docs));
	for (uint32_t i = 0; i < n_docs; i++)
		TRY(rule_items_collect(c, it, docs[i]));
	return E_OK;
}

FALLIBLE rule_find_types(struct rule_ctx *c, const struct rule_cond *cond, uint64_t *ret_types, uint64_t *ret_always)
{
	struct arena scratch;
	enum err err = E_OK;

	*ret_types = *ret_always = 0;
	for (uint32_t i = 0; i < c->table->n_types && !err; i++) {
		const struct rule_fold *f;

		arena_init(&scratch, SCRATCH_MAX_BYTES);
		f = rule_fold(cond, c->table, &c->table->types[i], &scratch);
		if (!f)
			err = E_NOMEM;
		else if (f->kind != FOLD_FALSE)
			*ret_types |= 1ull << i;
		if (!err && f->kind == FOLD_TRUE)
			*ret_always |= 1ull << i;
		arena_done(&scratch);
	}
	return err;
}

static void warn_types(struct rule_ctx *c, const struct rule_draft *d, const struct rule *r)
{
	if (!r->types)
		rule_report(c, RD_NEVER_FIRES, d->name, "rule '%.80s' can not fire on any event of this release",
			    r->name);
	else if (d->warn_evttypes && !rule_names_event(r->cond))
		diag_hint(rule_report(c, RD_NO_EVTTYPE, d->name,
				      "rule '%.80s' does not compare evt.type: it is evaluated for %d types of events",
				      r->name, __builtin_popcountll(r->types)),
			  "begin the condition with 'evt.type in (...)'");
}

static FALLIBLE build_condition(struct rule_ctx *c, struct rule_items *it, const struct rule_draft *d,
				struct rule_cond **out)
{
	const struct rule_text *text = d->condition;

	if (c->opts.strict_falco)
		TRY(rule_substitute(c, it, text, &text));
	TRY(rule_parse(c, text, out));
	TRY(rule_exceptions_apply(c, d, out));
	return rule_expand(c, it, *out);
}

/* E_NOT_FOUND: the rule is left out, as skip-if-unknown-filter asks. */
static FALLIBLE build_rule(struct rule_ctx *c, struct rule_items *it, const struct rule_draft *d, struct rule *r)
{
	enum rule_type_verdict verdict = TYPE_BAD, output;
	struct rule_span unknown = { 0 };
	struct rule_cond *cond = NULL;
	enum err err, tests;

	*r = (struct rule){ .name = d->name.text->p,
			    .desc = d->desc->p,
			    .source = d->source,
			    .priority = d->priority,
			    .enabled = d->enabled,
			    .tags = d->tags,
			    .n_tags = d->n_tags,
			    .drill = d->drill,
			    .pos = rule_span_pos(d->name, c->a, NULL) };
	err = build_condition(c, it, d, &cond);
	if (err && err != E_REJECTED)
		return err;
	if (!err)
		verdict = rule_check_types(c, cond, d->skip_unknown, &unknown);
	if (!rule_item_short(c, d->output, RULE_MAX_TEXT_BYTES) || !rule_item_short(c, d->desc, RULE_MAX_TEXT_BYTES))
		return E_REJECTED;
	output = rule_check_output(c, d->output, d->skip_unknown, &unknown, &r->output);
	if (!r->output)
		return E_NOMEM;
	tests = rule_read_tests(c, d->tests, r);
	if (tests && tests != E_REJECTED)
		return tests;
	verdict = output > verdict ? output : verdict;
	if (verdict == TYPE_UNKNOWN && d->skip_unknown) {
		rule_report(c, RD_UNKNOWN_FILTER, unknown,
			    "rule '%.80s' is skipped: this release does not have what stands here", r->name);
		return E_NOT_FOUND;
	}
	if (verdict != TYPE_GOOD || tests)
		return E_REJECTED;
	r->cond = cond;
	TRY(rule_find_types(c, cond, &r->types, &r->always));
	warn_types(c, d, r);
	return E_OK;
}

static FALLIBLE build_set(struct rule_ctx *c, struct rule_items *it, struct rule_set *rs)
{
	struct rule_draft **drafts = ARENA_ARRAY(c->a, struct rule_draft *, it->n_drafts);
	struct rule_book *book = ARENA_NEW(c->a, struct rule_book);

	rs->table = c->table;
	rs->n_macros = it->n_macros;
	rs->n_lists = it->n_lists;
	rs->rules = ARENA_ARRAY(c->a, struct rule, it->n_drafts);
	if (!rs->rules || !drafts || !book)
		return E_NOMEM;
	*book = (struct rule_book){ it->lists, it->macros, it->n_lists, it->n_macros, drafts };
	rs->book = book;
	TRY(rule_expand_macros(c, it));
	for (uint32_t i = 0; i < it->n_drafts; i++) {
		enum err err;

		if (it->drafts[i]->skipped)
			continue;
		err = build_rule(c, it, it->drafts[i], &rs->rules[rs->n_rules]);
		if (err && err != E_REJECTED && err != E_NOT_FOUND)
			return err;
		drafts[rs->n_rules] = it->drafts[i];
		rs->n_rules += !err;
	}
	return E_OK;
}

static FALLIBLE load(struct rule_ctx *c, const struct rule_source *src, size_t n, struct rule_set **out)
{
	AUTO(rule_items_done) struct rule_items it = { 0 };
	struct rule_set *rs = ARENA_NEW(c->a, struct rule_set);
	unsigned errors = c->ds->n_errors;
	enum err err, yaml = E_OK;

	if (!rs)
		return E_NOMEM;
	TRY(rule_items_init(&it));
	for (size_t i = 0; i < n; i++) {
		err = load_file(c, &it, &src[i]);
		if (err && err != E_REJECTED)
			return err;
		yaml = yaml ? yaml : err;
	}
	if (yaml) /* with a part of the items missing, the rest would only say "unknown" */
		return yaml;
	TRY(build_set(c, &it, rs));
	if (c->ds->n_errors != errors)
		return E_REJECTED;
	rule_warn_unused(c, &it); /* with rules missing, more would look unused */
	*out = rs;
	return E_OK;
}

FALLIBLE rule_load_opts(const struct rule_source *src, size_t n, const struct template_table *t,
			const struct rule_opts *o, struct arena *a, struct diags *ds, struct rule_set **out)
{
	struct rule_ctx c = { .table = t, .a = a, .ds = ds, .opts = *o };

	return load(&c, src, n, out);
}

FALLIBLE rule_load(const struct rule_source *src, size_t n, const struct template_table *t, struct arena *a,
		   struct diags *ds, struct rule_set **out)
{
	const struct rule_opts none = { 0 };

	return rule_load_opts(src, n, t, &none, a, ds, out);
}
