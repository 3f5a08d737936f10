/* SPDX-License-Identifier: Apache-2.0 */
/*
 * condition: a detection's condition to a tree over its search identifiers.
 *
 *   or    and ("or" and)*
 *   and   not ("and" not)*
 *   not   "not" not | "(" or ")" | ("1" | "any" | "all") "of" (pattern | "them") | name
 *
 * Several conditions, as a list, are alternatives. The keywords are read in either case.
 */
#include "content/sigma/internal.h"

struct parser {
	struct sigma_ctx *c;
	const struct sigma_rule *r;
	const struct rule_node *n; /* the text's */
	const char *p;
	uint32_t len, i;
	unsigned depth, terms;
	const struct sigma_why *why;
};

struct word {
	const char *p;
	uint32_t off, len;
};

static FALLIBLE parse_or(struct parser *p, struct sigma_expr **out);

static bool is_blank(char ch)
{
	return ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r';
}

/* The next word, "(", ")" or "|", which stays; of length 0 at the end. */
static struct word peek(struct parser *p)
{
	struct word w;

	while (p->i < p->len && is_blank(p->p[p->i]))
		p->i++;
	w = (struct word){ p->p + p->i, p->i, 0 };
	while (w.off + w.len < p->len && !is_blank(w.p[w.len]) && !strchr("()|", w.p[w.len]))
		w.len++;
	if (!w.len && w.off < p->len)
		w.len = 1;
	return w;
}

static bool is(struct word w, const char *keyword)
{
	return w.len == strlen(keyword) && !strncasecmp(w.p, keyword, w.len);
}

static bool take(struct parser *p, const char *keyword)
{
	struct word w = peek(p);

	if (!is(w, keyword))
		return false;
	p->i += w.len;
	return true;
}

static FALLIBLE bad(struct parser *p, struct word w, const char *what)
{
	if (!w.len)
		return sigma_malformed(p->c, MD_CONDITION, p->n, 0, 0, "the condition ends too early: %s", what);
	return sigma_malformed(p->c, MD_CONDITION, p->n, w.off, w.len, "%s, not '%.*s'", what,
			       (int)(w.len < 60 ? w.len : 60), w.p);
}

static FALLIBLE unsupported(struct parser *p, enum sigma_diag id, struct word w, const char *text)
{
	struct sigma_why *why = ARENA_NEW(p->c->a, struct sigma_why);

	if (!why)
		return E_NOMEM;
	*why = (struct sigma_why){ id, p->n, w.off, w.len, text };
	p->why = why;
	return E_UNSUPPORTED;
}

static FALLIBLE count_term(struct parser *p)
{
	if (++p->terms > SIGMA_MAX_TERMS)
		return unsupported(p, MD_TOO_LARGE, (struct word){ p->p, 0, 0 },
				   "the condition names too many search identifiers");
	return E_OK;
}

static FALLIBLE enter(struct parser *p, struct word w)
{
	if (++p->depth > SIGMA_MAX_DEPTH)
		return unsupported(p, MD_TOO_LARGE, w, "the condition is nested too deep");
	return E_OK;
}

static FALLIBLE search_expr(struct parser *p, uint32_t search, struct sigma_expr **out)
{
	TRY(count_term(p));
	*out = sigma_expr_new(p->c, EXPR_SEARCH);
	if (!*out)
		return E_NOMEM;
	(*out)->search = search;
	return E_OK;
}

static FALLIBLE parse_name(struct parser *p, struct word w, struct sigma_expr **out)
{
	for (uint32_t i = 0; i < p->r->n_searches; i++) {
		struct view name = p->r->searches[i].name;

		if (name.len == w.len && !memcmp(name.p, w.p, w.len)) {
			p->i += w.len;
			return search_expr(p, i, out);
		}
	}
	return sigma_malformed(p->c, MD_NO_SEARCH, p->n, w.off, w.len, "the detection has no search identifier '%.*s'",
			       (int)(w.len < 80 ? w.len : 80), w.p);
}

static bool chosen(const struct sigma_search *s, const struct sigma_pattern *pattern, bool them)
{
	if (them)
		return !(s->name.len && s->name.p[0] == '_');
	return sigma_pattern_matches(pattern, (const char *)s->name.p, s->name.len);
}

/* After "1 of" or "all of". */
static FALLIBLE parse_of(struct parser *p, bool all, struct sigma_expr **out)
{
	struct word w = peek(p);
	bool them = is(w, "them");
	struct sigma_pattern pattern;

	if (!w.len || strchr("()|", w.p[0]))
		return bad(p, w, "a pattern of names or 'them' is needed here");
	TRY(sigma_pattern_parse(p->c->a, view_of(w.p, w.len), &pattern));
	p->i += w.len;
	*out = sigma_expr_new(p->c, all ? EXPR_AND : EXPR_OR);
	if (!*out)
		return E_NOMEM;
	for (uint32_t i = 0; i < p->r->n_searches; i++) {
		struct sigma_expr *kid;

		if (!chosen(&p->r->searches[i], &pattern, them))
			continue;
		TRY(search_expr(p, i, &kid));
		TRY(sigma_expr_add(p->c, *out, kid));
	}
	if ((*out)->n)
		return E_OK;
	return sigma_malformed(p->c, MD_NO_SEARCH, p->n, w.off, w.len, "no search identifier fits '%.*s'",
			       (int)(w.len < 80 ? w.len : 80), w.p);
}

static bool is_number(struct word w)
{
	for (uint32_t i = 0; i < w.len; i++)
		if (w.p[i] < '0' || w.p[i] > '9')
			return false;
	return w.len != 0;
}

/* "1 of ...": the word is a quantity, and "of" follows. */
static FALLIBLE parse_quantity(struct parser *p, struct word w, struct sigma_expr **out)
{
	bool all = is(w, "all"), one = is(w, "1") || is(w, "any");
	uint32_t start = p->i;

	if (all || is_number(w) || one) {
		p->i += w.len;
		if (take(p, "of"))
			return all || one ? parse_of(p, all, out)
					  : unsupported(p, MD_KIND, w,
							"a number of search identifiers other than 1 and all");
		p->i = start;
	}
	return parse_name(p, w, out);
}

static FALLIBLE parse_not(struct parser *p, struct sigma_expr **out)
{
	struct word w = peek(p);
	struct sigma_expr *kid;

	if (take(p, "(")) {
		TRY(enter(p, w));
		TRY(parse_or(p, out));
		p->depth--;
		return take(p, ")") ? E_OK : bad(p, peek(p), "'and', 'or' or ')' is needed here");
	}
	if (take(p, "not")) {
		TRY(enter(p, w));
		TRY(parse_not(p, &kid));
		p->depth--;
		*out = sigma_expr_new(p->c, EXPR_NOT);
		return *out ? sigma_expr_add(p->c, *out, kid) : E_NOMEM;
	}
	if (!w.len || is(w, ")") || is(w, "|") || is(w, "and") || is(w, "or"))
		return bad(p, w, "a search identifier, '1 of', 'all of', 'not' or '(' is needed here");
	return parse_quantity(p, w, out);
}

static FALLIBLE parse_chain(struct parser *p, enum sigma_expr_kind kind, struct sigma_expr **out)
{
	struct sigma_expr *kid;

	*out = sigma_expr_new(p->c, kind);
	if (!*out)
		return E_NOMEM;
	do {
		TRY(kind == EXPR_OR ? parse_chain(p, EXPR_AND, &kid) : parse_not(p, &kid));
		TRY(sigma_expr_add(p->c, *out, kid));
	} while (take(p, kind == EXPR_OR ? "or" : "and"));
	return E_OK;
}

static FALLIBLE parse_or(struct parser *p, struct sigma_expr **out)
{
	return parse_chain(p, EXPR_OR, out);
}

static FALLIBLE parse_text(struct parser *p, const struct rule_node *n, struct sigma_expr **out)
{
	struct view text = rule_node_text(n);
	struct word w;

	p->n = n;
	p->p = (const char *)text.p;
	p->len = (uint32_t)text.len;
	p->i = p->depth = 0;
	TRY(parse_or(p, out));
	w = peek(p);
	if (!w.len)
		return E_OK;
	if (is(w, "|"))
		return unsupported(p, MD_KIND, w, "the condition counts or joins events");
	return bad(p, w, "'and', 'or' or the end of the condition is needed here");
}

static FALLIBLE parse_list(struct parser *p, const struct rule_node *n, struct sigma_expr **out)
{
	*out = sigma_expr_new(p->c, EXPR_OR);
	if (!*out)
		return E_NOMEM;
	for (uint32_t i = 0; i < rule_node_count(n); i++) {
		const struct rule_node *text = rule_node_at(n, i);
		struct sigma_expr *kid;

		if (!rule_node_is(text, NODE_SCALAR))
			return sigma_malformed(p->c, MD_WRONG_KIND, text, 0, 0, "a condition is text");
		TRY(parse_text(p, text, &kid));
		TRY(sigma_expr_add(p->c, *out, kid));
	}
	return (*out)->n ? E_OK : sigma_malformed(p->c, MD_WRONG_KIND, n, 0, 0, "the list of conditions is empty");
}

FALLIBLE sigma_read_condition(struct sigma_ctx *c, const struct sigma_rule *r, const struct rule_node *n,
			      struct sigma_expr **out, const struct sigma_why **why)
{
	struct parser p = { .c = c, .r = r };
	enum err err;

	if (rule_node_is(n, NODE_MAP))
		return sigma_malformed(c, MD_WRONG_KIND, n, 0, 0, "condition is text, or a list of it");
	err = rule_node_is(n, NODE_SEQ) ? parse_list(&p, n, out) : parse_text(&p, n, out);
	if (err == E_UNSUPPORTED)
		*why = p.why;
	return err;
}
