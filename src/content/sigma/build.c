/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build: what a rule says, as a condition of the rules language.
 *
 * For each view of the log source the tree is made anew, with what is known there: a field of another record is
 * missing, the type of the record is a constant. What cannot be said is `unknown`. Only one thing can be done about it
 * without changing when the rule fires for the worse: an unknown alternative is left out (the rule fires less, and says
 * so). An unknown that must hold makes the whole unknown, and so does one below a `not`: without it the rule would fire
 * where it should not.
 */
#include "content/sigma/internal.h"

enum fx_kind { FX_FALSE, FX_TRUE, FX_UNKNOWN, FX_TEXT, FX_AND, FX_OR, FX_NOT };

/* A folded expression: constants and unknowns only at the top. */
struct fx {
	enum fx_kind kind;
	const char *text; /* TEXT */
	const struct fx **kids;
	uint32_t n;
	const struct sigma_why *why;  /* UNKNOWN */
	const struct sigma_why *lost; /* the first alternative that was left out */
};

enum { POSITIVE, NEGATIVE };

struct build {
	struct sigma_ctx *c;
	const struct sigma_rule *r;
	enum sigma_view_id view;
	const char *record; /* type of the record, or NULL; with `other` one that no view stands for */
	const struct rule_node *other;
	const struct fx **memo; /* of each search, positive and negative */
	struct buf calls;       /* SYSCALL: the calls that the rule names and the table has, ", " between */
};

static const struct fx fx_false = { .kind = FX_FALSE }, fx_true = { .kind = FX_TRUE };
/* Without memory anything will do: nobody looks at it. */
static const struct fx *no_memory(struct build *b)
{
	b->c->no_memory = true;
	return &fx_false;
}

static const struct fx *fx_new(struct build *b, struct fx f)
{
	struct fx *out = ARENA_NEW(b->c->a, struct fx);

	if (!out)
		return no_memory(b);
	*out = f;
	return out;
}

static const struct fx *unknown(struct build *b, const struct sigma_why *why)
{
	return fx_new(b, (struct fx){ .kind = FX_UNKNOWN, .why = why });
}

static const struct fx *constant(bool value)
{
	return value ? &fx_true : &fx_false;
}

/* ---- folding ---- */

static const struct fx *fx_not(struct build *b, const struct fx *f)
{
	const struct fx **kid;

	if (f->kind == FX_UNKNOWN)
		return f;
	if (f->kind == FX_FALSE || f->kind == FX_TRUE)
		return constant(f->kind == FX_FALSE);
	if (f->kind == FX_NOT)
		return f->kids[0];
	kid = ARENA_ARRAY(b->c->a, const struct fx *, 1);
	if (!kid)
		return no_memory(b);
	kid[0] = f;
	return fx_new(b, (struct fx){ .kind = FX_NOT, .kids = kid, .n = 1, .lost = f->lost });
}

static const struct fx *fx_and(struct build *b, const struct fx **kids, uint32_t n)
{
	const struct sigma_why *why = NULL, *lost = NULL;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (kids[i]->kind == FX_FALSE)
			return &fx_false;
		if (kids[i]->kind == FX_UNKNOWN && !why)
			why = kids[i]->why;
		if (kids[i]->lost && !lost)
			lost = kids[i]->lost;
		if (kids[i]->kind != FX_TRUE)
			kids[kept++] = kids[i];
	}
	if (why)
		return unknown(b, why);
	if (!kept)
		return lost ? fx_new(b, (struct fx){ .kind = FX_TRUE, .lost = lost }) : &fx_true;
	if (kept == 1)
		return kids[0];
	return fx_new(b, (struct fx){ .kind = FX_AND, .kids = kids, .n = kept, .lost = lost });
}

static const struct fx *fx_or(struct build *b, const struct fx **kids, uint32_t n, int polarity)
{
	const struct sigma_why *why = NULL, *lost = NULL;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (kids[i]->kind == FX_TRUE)
			return kids[i];
		if (kids[i]->kind == FX_UNKNOWN && !why)
			why = kids[i]->why;
		if (kids[i]->lost && !lost)
			lost = kids[i]->lost;
		if (kids[i]->kind != FX_FALSE && kids[i]->kind != FX_UNKNOWN)
			kids[kept++] = kids[i];
	}
	if (why && (!kept || polarity == NEGATIVE))
		return unknown(b, why);
	if (!kept)
		return &fx_false;
	lost = why ? why : lost;
	if (kept == 1 && kids[0]->lost == lost)
		return kids[0];
	return fx_new(b, (struct fx){ .kind = FX_OR, .kids = kids, .n = kept, .lost = lost });
}

/* ---- one test ---- */

static bool matches_value(const struct sigma_test *t, const char *word)
{
	bool any = false, all = true;

	for (uint32_t i = 0; i < t->n_values; i++) {
		bool hit = !t->values[i].null && sigma_pattern_matches(&t->values[i].pattern, word, strlen(word));

		any |= hit;
		all &= hit;
	}
	return (t->all ? all : any) != t->differs;
}

/* The test asks only whether the field is there, or a missing field decides it. */
static const struct fx *missing(const struct sigma_test *t)
{
	bool null = false;

	if (t->kind == TEST_EXISTS) {
		struct view v = t->values[0].text;

		return constant(v.len == 5 && !strncasecmp((const char *)v.p, "false", 5));
	}
	for (uint32_t i = 0; i < t->n_values; i++)
		null |= t->values[i].null;
	return constant(null && !t->differs && (!t->all || t->n_values == 1));
}

static const struct fx *text(struct build *b, const struct buf *s, const struct sigma_why *lost)
{
	char *copy = s->full ? NULL : arena_strndup(b->c->a, s->p ? s->p : "", s->len);

	if (s->full)
		return unknown(b,
			       sigma_why_new(b->c, MD_TOO_LARGE, b->r->doc, "one of its fields has too many values"));
	return copy ? fx_new(b, (struct fx){ .kind = FX_TEXT, .text = copy, .lost = lost }) : no_memory(b);
}

static const struct fx *field_test(struct build *b, const struct sigma_field *f, const struct sigma_test *t,
				   int polarity)
{
	const struct sigma_why *why = NULL, *lost = NULL;
	const struct fx *out;
	struct buf s;

	buf_init(&s, SIGMA_MAX_CONDITION_BYTES);
	if (t->kind == TEST_EXISTS)
		buf_printf(&s, "%s%s exists", missing(t)->kind == FX_TRUE ? "not " : "", f->name);
	else
		sigma_compare(b->c, f, t, &s, &why, &lost);
	if (lost && (polarity == NEGATIVE || t->differs))
		why = lost;
	out = why ? unknown(b, why) : text(b, &s, lost);
	buf_done(&s);
	return out;
}

/* A field of a few words: those that match. */
static const struct fx *word_test(struct build *b, const struct sigma_test *t, int polarity)
{
	const struct fx **kids = ARENA_ARRAY(b->c->a, const struct fx *, sigma_n_words + 1);
	uint32_t n = 0;

	if (!kids)
		return no_memory(b);
	if (t->kind != TEST_PATTERN)
		return unknown(b, sigma_why_new(b->c, MD_MODIFIER, t->at, "the modifier does not fit %s", t->field));
	for (size_t i = 0; i < sigma_n_words; i++) {
		const struct sigma_word *w = &sigma_words[i];

		if (!(w->views >> b->view & 1) || strcmp(w->field, t->field) || !matches_value(t, w->value))
			continue;
		if (!strcmp(w->condition, "TRUE") || !strcmp(w->condition, "FALSE"))
			kids[n++] = constant(w->condition[0] == 'T');
		else
			kids[n++] = fx_new(b, (struct fx){ .kind = FX_TEXT, .text = w->condition });
	}
	return fx_or(b, kids, n, polarity);
}

/* ---- auditd ---- */

static const struct fx *record_test(struct build *b, const struct sigma_test *t)
{
	if (t->kind != TEST_PATTERN)
		return unknown(b, sigma_why_new(b->c, MD_MODIFIER, t->at, "the modifier does not fit type"));
	return constant(matches_value(t, b->record));
}

static void add_call(struct build *b, const char *name, size_t len)
{
	const char *s = b->calls.p, *hit = s;

	while (hit && (hit = memmem(hit, b->calls.len - (size_t)(hit - s), name, len))) {
		bool begins = hit == s || hit[-1] == ' ', ends = hit[len] == ',' || !hit[len];

		if (begins && ends)
			return;
		hit += len;
	}
	buf_printf(&b->calls, "%s%.*s", b->calls.len ? ", " : "", (int)len, name);
}

/* The calls that the table has and the test names, ", " between. */
static void find_calls(struct build *b, const struct sigma_test *t, struct buf *out)
{
	const struct template_table *tab = b->c->table;

	for (uint32_t i = 0; i < tab->n_types; i++) {
		for (const char *s = tab->types[i].events; *s;) {
			size_t n = strcspn(s, " ");
			char name[64];

			(void)snprintf(name, sizeof name, "%.*s", (int)n, s);
			if (n < sizeof name && matches_value(t, name)) {
				buf_printf(out, "%s%s", out->len ? ", " : "", name);
				add_call(b, name, n);
			}
			s += n + (s[n] == ' ');
		}
	}
}

/* A value without wildcards that no event is called by. */
static const struct sigma_value *unwatched(struct build *b, const struct sigma_test *t)
{
	for (uint32_t i = 0; i < t->n_values; i++) {
		const struct sigma_pattern *p = &t->values[i].pattern;
		bool found = t->values[i].null;

		for (uint32_t k = 0; k < b->c->table->n_types && !found; k++)
			found = template_has_event(&b->c->table->types[k], p->p, p->len);
		if (!found)
			return &t->values[i];
	}
	return NULL;
}

static const struct fx *call_test(struct build *b, const struct sigma_test *t, int polarity)
{
	const struct sigma_value *not_there;
	const struct fx **kids;
	struct buf calls, s;

	if (t->kind != TEST_PATTERN || t->differs || t->all)
		return unknown(b, sigma_why_new(b->c, MD_MODIFIER, t->at, "the modifier does not fit SYSCALL"));
	kids = ARENA_ARRAY(b->c->a, const struct fx *, 2);
	if (!kids)
		return no_memory(b);
	buf_init(&calls, 4096);
	buf_init(&s, 4096);
	find_calls(b, t, &calls);
	buf_printf(&s, "evt.type in (%s)", calls.p ? calls.p : "");
	kids[0] = calls.len ? text(b, &s, NULL) : &fx_false;
	not_there = unwatched(b, t);
	kids[1] = &fx_false;
	if (not_there)
		kids[1] = unknown(b, sigma_why_new(b->c, MD_SYSCALL, not_there->node,
						   "this release has no events for the system call '%.40s'",
						   (const char *)not_there->text.p));
	buf_done(&calls);
	buf_done(&s);
	return fx_or(b, kids, 2, polarity);
}

/* Arguments of a system call are hexadecimal digits in the record: another byte can not match. */
static bool never_hex(const struct sigma_test *t)
{
	for (uint32_t i = 0; i < t->n_values; i++) {
		const struct sigma_pattern *p = &t->values[i].pattern;
		bool other = false;

		for (uint32_t k = 0; k < p->len; k++)
			other |= p->glyph[k] == GLYPH_BYTE && !strchr("0123456789abcdefABCDEF", p->p[k]);
		if (!other || t->values[i].null)
			return false;
	}
	return t->kind == TEST_PATTERN && !t->differs;
}

/* ---- tests and trees ---- */

/* Keywords are looked for in the field that stands for the line. */
static const struct fx *keyword_test(struct build *b, const struct sigma_test *t, int polarity)
{
	const char *name = sigma_views[b->view].keywords;
	struct sigma_test starred = *t;
	struct sigma_field f;

	if (!name)
		return unknown(b, sigma_why_new(b->c, MD_KEYWORDS, t->at,
						"it searches for keywords in a log line, and events have none"));
	if (!sigma_field_type(b->c, b->view, name, &f))
		return unknown(b, sigma_why_new(b->c, MD_FIELD, t->at,
						"keywords are looked for in %s, which this release does not supply",
						name));
	starred.values = ARENA_ARRAY(b->c->a, struct sigma_value, t->n_values);
	if (!starred.values)
		return no_memory(b);
	for (uint32_t i = 0; i < t->n_values; i++) {
		starred.values[i] = t->values[i];
		if (!t->values[i].null &&
		    sigma_pattern_stars(b->c->a, &t->values[i].pattern, true, true, &starred.values[i].pattern) != E_OK)
			return no_memory(b);
	}
	return field_test(b, &f, &starred, polarity);
}

static const struct fx *found_nothing(struct build *b, const struct sigma_test *t)
{
	if (b->view == VIEW_SYSCALL && t->field[0] == 'a' && t->field[1] >= '0' && t->field[1] <= '9')
		return never_hex(t)
			       ? &fx_false
			       : unknown(b, sigma_why_new(b->c, MD_FIELD, t->at,
							  "arguments of system calls as numbers are not supplied"));
	return unknown(b, sigma_why_new(b->c, MD_FIELD, t->at, "the field '%.60s' has no counterpart", t->field));
}

static const struct fx *named_test(struct build *b, const struct sigma_test *t, int polarity)
{
	struct sigma_field f = { 0 };

	if (b->record && !strcmp(t->field, "type"))
		return record_test(b, t);
	if (b->other)
		return unknown(b, sigma_why_new(b->c, MD_RECORD, b->other,
						"no event stands for audit records of type %.40s", b->record));
	if (b->record && !strcmp(t->field, "SYSCALL"))
		return b->view == VIEW_SYSCALL ? call_test(b, t, polarity) : missing(t);
	switch (sigma_field_find(b->c, b->view, t->field, &f)) {
	case FOUND_FIELD:
		return f.name ? field_test(b, &f, t, polarity) : no_memory(b);
	case FOUND_WORDS:
		return word_test(b, t, polarity);
	case FOUND_MISSING:
		return missing(t);
	case FOUND_NOT_SUPPLIED:
		return unknown(b, sigma_why_new(b->c, MD_FIELD, t->at,
						"'%.60s' is read from %s, which this release does not supply", t->field,
						f.name));
	case FOUND_NOTHING:
		break;
	}
	return found_nothing(b, t);
}

static const struct fx *test(struct build *b, const struct sigma_test *t, int polarity)
{
	if (t->why)
		return unknown(b, t->why);
	return t->field ? named_test(b, t, polarity) : keyword_test(b, t, polarity);
}

static const struct fx *tree(struct build *b, const struct sigma_expr *e, int polarity);

static const struct fx *search(struct build *b, uint32_t i, int polarity)
{
	const struct fx **memo = &b->memo[2 * i + (uint32_t)polarity];

	if (!*memo)
		*memo = tree(b, b->r->searches[i].expr, polarity);
	return *memo;
}

static const struct fx *tree(struct build *b, const struct sigma_expr *e, int polarity)
{
	const struct fx **kids;

	if (e->kind == EXPR_TEST)
		return test(b, e->test, polarity);
	if (e->kind == EXPR_SEARCH)
		return search(b, e->search, polarity);
	if (e->kind == EXPR_NOT)
		return fx_not(b, tree(b, e->kids[0], !polarity));
	kids = ARENA_ARRAY(b->c->a, const struct fx *, e->n);
	if (!kids)
		return no_memory(b);
	for (uint32_t i = 0; i < e->n; i++)
		kids[i] = tree(b, e->kids[i], polarity);
	return e->kind == EXPR_AND ? fx_and(b, kids, e->n) : fx_or(b, kids, e->n, polarity);
}

/* ---- text ---- */

static void put(struct buf *out, const struct fx *f, enum fx_kind around, unsigned depth)
{
	bool parens = f->n > 1 && (f->kind == FX_AND || f->kind == FX_OR) && around != FX_FALSE && around != f->kind;

	if (f->kind == FX_TEXT) {
		buf_puts(out, f->text);
		return;
	}
	if (f->kind == FX_NOT) {
		buf_puts(out, "not ");
		put(out, f->kids[0], FX_NOT, depth);
		return;
	}
	if (parens)
		buf_putc(out, '(');
	for (uint32_t i = 0; i < f->n && !out->full; i++) {
		if (i && depth < 3)
			buf_printf(out, "\n%*s%s ", (int)(2 * depth - 2), "", f->kind == FX_AND ? "and" : "or");
		else if (i)
			buf_puts(out, f->kind == FX_AND ? " and " : " or ");
		put(out, f->kids[i], f->kind, depth + 1);
	}
	if (parens)
		buf_putc(out, ')');
}

/* What one view says, with its events before it. */
static void put_view(struct build *b, const struct fx *f, struct buf *out)
{
	const struct sigma_view *v = &sigma_views[b->view];

	if (v->macro)
		buf_puts(out, v->macro);
	else if (b->calls.len)
		buf_printf(out, "evt.type in (%s)", b->calls.p);
	else
		buf_puts(out, v->condition);
	if (f->kind == FX_TRUE)
		return;
	buf_puts(out, "\nand ");
	put(out, f, FX_AND, 1);
}

/* ---- views ---- */

/* What the views came to so far. */
struct gather {
	struct buf texts;
	uint32_t n, views;
	const struct sigma_why *lost, *why;
};

static bool names_field(const struct sigma_expr *e, const char *field)
{
	if (e->kind == EXPR_TEST)
		return e->test->field && !strcmp(e->test->field, field);
	for (uint32_t i = 0; i < e->n; i++)
		if (names_field(e->kids[i], field))
			return true;
	return false;
}

static bool rule_names(const struct sigma_rule *r, const char *field)
{
	for (uint32_t i = 0; i < r->n_searches; i++)
		if (names_field(r->searches[i].expr, field))
			return true;
	return false;
}

static FALLIBLE run(struct build *b, const struct fx **out)
{
	b->memo = ARENA_ARRAY(b->c->a, const struct fx *, 2 * (size_t)b->r->n_searches);
	if (!b->memo)
		return E_NOMEM;
	*out = tree(b, b->r->expr, POSITIVE);
	return b->c->no_memory ? E_NOMEM : E_OK;
}

static void note(struct gather *g, const struct fx *f)
{
	if (f->kind == FX_UNKNOWN && !g->why)
		g->why = f->why;
	if (f->kind != FX_UNKNOWN && f->kind != FX_FALSE && f->lost && !g->lost)
		g->lost = f->lost;
}

static void gather_text(struct build *b, struct gather *g, const struct fx *f)
{
	struct buf one;

	buf_init(&one, SIGMA_MAX_CONDITION_BYTES);
	put_view(b, f, &one);
	if (one.full) {
		g->texts.full = true;
	} else {
		buf_puts(&g->texts, g->n++ ? ")\nor (" : "(");
		buf_put(&g->texts, one.p, one.len);
		g->views |= 1u << b->view;
	}
	buf_done(&one);
}

static FALLIBLE try_view(struct sigma_ctx *c, const struct sigma_rule *r, enum sigma_view_id view, struct gather *g)
{
	struct build b = { .c = c, .r = r, .view = view, .record = sigma_views[view].record };
	const struct fx *f = &fx_false;
	enum err err;

	if (view == VIEW_INCOMING && !rule_names(r, "Initiated"))
		return E_OK; /* connections are made, unless the rule speaks of those that are accepted */
	buf_init(&b.calls, 4096);
	err = run(&b, &f);
	if (!err && f->kind != FX_FALSE && f->kind != FX_UNKNOWN && !sigma_view_there(c->table, view))
		f = unknown(&b, sigma_why_new(c, MD_FIELD, r->condition, "this release has no events of %s",
					      sigma_views[view].event));
	note(g, f);
	if (!err && f->kind != FX_FALSE && f->kind != FX_UNKNOWN)
		gather_text(&b, g, f);
	buf_done(&b.calls);
	return err ? err : c->no_memory ? E_NOMEM : E_OK;
}

static bool has_view(const char *record)
{
	for (unsigned v = 0; v < SIGMA_N_VIEWS; v++)
		if (sigma_views[v].record && !strcasecmp(sigma_views[v].record, record))
			return true;
	return false;
}

/* A type of record that the rule names and no view stands for: would the rule fire on it? */
static FALLIBLE try_other(struct sigma_ctx *c, const struct sigma_rule *r, const struct sigma_value *v,
			  struct gather *g)
{
	struct build b = { .c = c, .r = r, .view = VIEW_SYSCALL, .other = v->node };
	const struct fx *f = &fx_false;

	b.record = arena_strndup(c->a, v->pattern.p, v->pattern.len);
	if (!b.record)
		return E_NOMEM;
	if (has_view(b.record) || !sigma_pattern_is_literal(&v->pattern))
		return E_OK;
	TRY(run(&b, &f));
	if (f->kind == FX_FALSE)
		return E_OK;
	f = unknown(&b,
		    sigma_why_new(c, MD_RECORD, v->node, "no event stands for audit records of type %.40s", b.record));
	note(g, f);
	return E_OK;
}

static FALLIBLE try_others(struct sigma_ctx *c, const struct sigma_rule *r, const struct sigma_expr *e,
			   struct gather *g)
{
	for (uint32_t i = 0; i < e->n; i++)
		TRY(try_others(c, r, e->kids[i], g));
	if (e->kind != EXPR_TEST || !e->test->field || strcmp(e->test->field, "type") || e->test->kind != TEST_PATTERN)
		return E_OK;
	for (uint32_t i = 0; i < e->test->n_values && !g->why; i++)
		if (!e->test->values[i].null)
			TRY(try_other(c, r, &e->test->values[i], g));
	return E_OK;
}

static FALLIBLE gather_all(struct sigma_ctx *c, const struct sigma_rule *r, struct gather *g)
{
	for (unsigned v = 0; v < SIGMA_N_VIEWS; v++)
		if (sigma_views[v].source == r->source)
			TRY(try_view(c, r, (enum sigma_view_id)v, g));
	for (uint32_t i = 0; i < r->n_searches && r->source == SOURCE_AUDITD; i++)
		TRY(try_others(c, r, r->searches[i].expr, g));
	return E_OK;
}

static FALLIBLE finish(struct sigma_ctx *c, const struct sigma_rule *r, struct gather *g, struct sigma_built *out,
		       const struct sigma_why **why)
{
	const char *text = g->texts.p;

	if (!g->n) {
		*why = g->why ? g->why : sigma_why_new(c, MD_NEVER, r->condition, "no event can satisfy the condition");
		return c->no_memory ? E_NOMEM : E_UNSUPPORTED;
	}
	if (g->texts.full) {
		*why = sigma_why_new(c, MD_TOO_LARGE, r->condition, "the condition would have more than %d KiB",
				     SIGMA_MAX_CONDITION_BYTES >> 10);
		return c->no_memory ? E_NOMEM : E_UNSUPPORTED;
	}
	*out = (struct sigma_built){ .views = g->views, .lost = g->why ? g->why : g->lost };
	out->condition = g->n == 1 ? arena_strndup(c->a, text + 1, g->texts.len - 1) : arena_printf(c->a, "%s)", text);
	return out->condition ? E_OK : E_NOMEM;
}

FALLIBLE sigma_build(struct sigma_ctx *c, const struct sigma_rule *r, struct sigma_built *out,
		     const struct sigma_why **why)
{
	struct gather g = { .n = 0 };
	enum err err;

	buf_init(&g.texts, SIGMA_MAX_CONDITION_BYTES);
	err = gather_all(c, r, &g);
	if (!err)
		err = finish(c, r, &g, out, why);
	buf_done(&g.texts);
	return err;
}
