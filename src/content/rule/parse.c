/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parse: a condition's text to a tree, by recursive descent.
 *
 *   or     and ("or" and)*
 *   and    not ("and" not)*
 *   not    "not" not | "(" or ")" | check
 *   check  left operator right | left operator ("oneof" | "anyof" | "allof") list | left "exists" | macro
 *   right  value | list | "val(" field ")" | transformer
 *
 * left and transformers: left.c
 */
#include "content/rule/internal.h"

struct parser {
	struct rule_lex x;
	struct rule_ctx *c;
	unsigned depth;
};

static FALLIBLE parse_or(struct parser *p, struct rule_cond **out);

struct rule_cond *rule_cond_new(struct rule_ctx *c, enum rule_cond_kind kind, struct rule_span at,
				struct rule_cond **kids, uint32_t n)
{
	struct rule_cond *cond = ARENA_NEW(c->a, struct rule_cond);

	if (cond)
		*cond = (struct rule_cond){ .kind = (uint8_t)kind, .at = at, .kids = kids, .n = n };
	return cond;
}

static FALLIBLE enter(struct parser *p)
{
	if (p->depth == RULE_MAX_DEPTH) {
		rule_report(p->c, RD_DEEP, rule_lex_here(&p->x), "the condition is nested more than %d deep",
			    RULE_MAX_DEPTH);
		return E_REJECTED;
	}
	p->depth++;
	return E_OK;
}

/* ---- sides of a comparison that stand alone ---- */

FALLIBLE rule_parse_field(struct rule_ctx *c, const struct rule_text *text, struct rule_check *out)
{
	struct rule_lex x = { c, text, 0 };
	uint32_t n_parts;
	struct rule_span name = rule_lex_name(&x, &n_parts);

	if (n_parts < 2 && rule_transformer(&x, name, false) < 0) {
		rule_report(c, RD_EXCEPTION, rule_span_all(text), "the name of a field is needed here");
		return E_REJECTED;
	}
	TRY(rule_parse_left(&x, name, out));
	if (x.i != text->len) {
		rule_report(c, RD_EXCEPTION, rule_lex_here(&x), "only the name of a field can stand here");
		return E_REJECTED;
	}
	return E_OK;
}

FALLIBLE rule_parse_value(struct rule_ctx *c, const struct rule_text *text, const struct rule_expr **out)
{
	struct rule_lex x = { c, text, 0 };
	uint32_t n_parts;
	struct rule_span word = rule_lex_name(&x, &n_parts);

	*out = NULL;
	if (!word.len || rule_transformer(&x, word, true) < 0)
		return E_OK;
	TRY(rule_parse_right(&x, word, out));
	if (x.i != text->len) {
		rule_report(c, RD_EXCEPTION, rule_lex_here(&x), "nothing can follow the transformer");
		return E_REJECTED;
	}
	return E_OK;
}

/* ---- operators and values ---- */

static FALLIBLE no_operator(struct parser *p, const struct rule_check *k)
{
	struct rule_span here = rule_lex_here(&p->x);
	struct diag *d = rule_report(p->c, RD_SYNTAX, here, "an operator is needed after '%.60s'", k->field);

	if (!here.len || rule_span_is(here, "and") || rule_span_is(here, "or") || rule_span_is(here, ")"))
		diag_hint(d, "write '%.60s = true' or '%.60s exists'", k->field, k->field);
	else
		diag_hint(d, "one of = != < <= > >= contains icontains startswith endswith glob iglob regex bcontains "
			     "bstartswith in intersects pmatch exists");
	return E_REJECTED;
}

static FALLIBLE parse_value_list(struct parser *p, struct rule_check *k)
{
	struct rule_value *values = NULL;
	size_t cap = 0;
	struct rule_lex *x = &p->x;

	x->i++;
	rule_lex_blanks(x);
	while (x->text->p[x->i] != ')') {
		values = arena_grow(p->c->a, values, k->n_values, &cap, sizeof *values);
		if (!values)
			return E_NOMEM;
		TRY(rule_lex_value(x, &values[k->n_values]));
		k->n_values++;
		rule_lex_blanks(x);
		if (x->text->p[x->i] == ')')
			break;
		if (x->text->p[x->i] != ',') {
			rule_report(p->c, RD_SYNTAX, rule_lex_here(x), "',' or ')' is needed here");
			return E_REJECTED;
		}
		x->i++;
		rule_lex_blanks(x);
		if (x->text->p[x->i] == ')') {
			rule_report(p->c, RD_SYNTAX, rule_lex_here(x), "a value is needed after the comma");
			return E_REJECTED;
		}
	}
	x->i++;
	k->values = values;
	return E_OK;
}

/* A list in parentheses, or a name that can be a list's. */
static bool list_follows(const struct rule_lex *at)
{
	struct rule_lex x = *at;
	uint32_t n_parts;
	struct rule_span name;

	if (x.text->p[x.i] == '(')
		return true;
	name = rule_lex_name(&x, &n_parts);
	return n_parts == 1 && !rule_span_is(name, "and") && !rule_span_is(name, "or") && !rule_span_is(name, "not");
}

/* The word at i is a modifier and a list follows: else it is a value like any other, and i stays. */
static enum rule_modifier parse_modifier(struct rule_lex *x, struct rule_span *at)
{
	uint32_t start = x->i;
	enum rule_modifier m;

	*at = rule_lex_here(x);
	m = rule_modifier_find(at->text->p + at->off, at->len);
	if (m)
		x->i += at->len;
	rule_lex_blanks(x);
	if (m && list_follows(x))
		return m;
	x->i = start;
	return MOD_NONE;
}

static FALLIBLE check_modifier(struct parser *p, const struct rule_check *k, struct rule_span at)
{
	struct diag *d;

	if (rule_ops[k->op].flags & OP_MANY)
		return E_OK;
	d = rule_report(p->c, RD_OPERATOR, at, "'%.*s' can not be used with '%s'", (int)at.len, at.text->p + at.off,
			rule_ops[k->op].word);
	diag_hint(d, rule_ops[k->op].flags & OP_LIST ? "'%s' takes the list alone" : "'%s' takes one value",
		  rule_ops[k->op].word);
	return E_REJECTED;
}

/* val( or a transformer begins here: i is at its parenthesis then. */
static bool right_side_follows(struct rule_lex *x, struct rule_span *word)
{
	uint32_t start = x->i, n_parts;

	*word = rule_lex_name(x, &n_parts);
	if (word->len && rule_transformer(x, *word, true) >= 0)
		return true;
	x->i = start;
	return false;
}

static FALLIBLE parse_one_value(struct parser *p, struct rule_check *k)
{
	struct rule_value *v = ARENA_NEW(p->c->a, struct rule_value);

	if (!v)
		return E_NOMEM;
	TRY(rule_lex_value(&p->x, v));
	k->values = v;
	k->n_values = 1;
	return E_OK;
}

static FALLIBLE parse_operand(struct parser *p, struct rule_check *k)
{
	const struct rule_op_row *op = &rule_ops[k->op];
	struct rule_span modifier, word;

	rule_lex_blanks(&p->x);
	k->modifier = (uint8_t)parse_modifier(&p->x, &modifier);
	if (k->modifier)
		TRY(check_modifier(p, k, modifier));
	else if (right_side_follows(&p->x, &word))
		return rule_parse_right(&p->x, word, &k->right);
	if (p->x.text->p[p->x.i] == '(' && (k->modifier || op->flags & OP_LIST))
		return parse_value_list(p, k);
	if (p->x.text->p[p->x.i] == '(') {
		rule_report(p->c, RD_SYNTAX, rule_lex_here(&p->x),
			    "'%s' takes one value, not a list: use 'in', or '%s anyof'", op->word, op->word);
		return E_REJECTED;
	}
	return parse_one_value(p, k);
}

static FALLIBLE parse_check(struct parser *p, struct rule_span name, struct rule_cond **out)
{
	struct rule_check k;

	TRY(rule_parse_left(&p->x, name, &k));
	rule_lex_blanks(&p->x);
	k.op = (uint8_t)rule_lex_operator(&p->x, &k.op_at);
	if (k.op == OP_COUNT)
		return no_operator(p, &k);
	if (!(rule_ops[k.op].flags & OP_UNARY))
		TRY(parse_operand(p, &k));
	k.text = (struct rule_span){ name.text, name.off, p->x.i - name.off };
	rule_settle_left(&k);
	return rule_check_cond(p->c, &k, out);
}

static FALLIBLE parse_name(struct parser *p, struct rule_cond **out)
{
	uint32_t n_parts;
	struct rule_span name = rule_lex_name(&p->x, &n_parts), here;
	struct diag *d;

	if (n_parts > 1 || rule_transformer(&p->x, name, false) >= 0)
		return parse_check(p, name, out);
	if (n_parts) {
		*out = rule_cond_new(p->c, COND_MACRO, name, NULL, 0);
		return *out ? E_OK : E_NOMEM;
	}
	here = rule_lex_here(&p->x);
	d = rule_report(p->c, RD_SYNTAX, here,
			here.len ? "a comparison, a macro or '(' is needed here"
				 : "the condition ends too early: a comparison, a macro or '(' is needed");
	if (here.len && here.text->p[here.off] == '!')
		diag_hint(d, "write 'not'");
	return E_REJECTED;
}

static FALLIBLE parse_parenthesis(struct parser *p, struct rule_cond **out)
{
	struct rule_span open = { p->x.text, p->x.i, 1 };
	struct diag *d;

	TRY(enter(p));
	p->x.i++;
	TRY(parse_or(p, out));
	p->depth--;
	if (p->x.text->p[p->x.i] == ')') {
		p->x.i++;
		return E_OK;
	}
	d = rule_report(p->c, RD_SYNTAX, rule_lex_here(&p->x), "'and', 'or' or ')' is needed here");
	rule_note(p->c, d, open, "the parenthesis that is open");
	return E_REJECTED;
}

static FALLIBLE parse_not(struct parser *p, struct rule_cond **out)
{
	struct rule_span at;
	struct rule_cond **kid;

	rule_lex_blanks(&p->x);
	at = rule_lex_here(&p->x);
	if (p->x.text->p[p->x.i] == '(')
		return parse_parenthesis(p, out);
	if (!rule_lex_keyword(&p->x, "not"))
		return parse_name(p, out);
	kid = ARENA_ARRAY(p->c->a, struct rule_cond *, 1);
	if (!kid)
		return E_NOMEM;
	TRY(enter(p));
	TRY(parse_not(p, kid));
	p->depth--;
	*out = rule_cond_new(p->c, COND_NOT, at, kid, 1);
	return *out ? E_OK : E_NOMEM;
}

/* part (word part)*: one node when there is one part, else a node of this kind. */
static FALLIBLE parse_chain(struct parser *p, const char *word, enum rule_cond_kind kind,
			    enum err (*part)(struct parser *, struct rule_cond **), struct rule_cond **out)
{
	struct rule_cond **kids = NULL, *kid;
	uint32_t n = 0;
	size_t cap = 0;

	do {
		TRY(part(p, &kid));
		kids = arena_grow(p->c->a, kids, n, &cap, sizeof(struct rule_cond *));
		if (!kids)
			return E_NOMEM;
		kids[n++] = kid;
		rule_lex_blanks(&p->x);
	} while (rule_lex_keyword(&p->x, word));
	*out = n == 1 ? kid : rule_cond_new(p->c, kind, kids[0]->at, kids, n);
	return *out ? E_OK : E_NOMEM;
}

static FALLIBLE parse_and(struct parser *p, struct rule_cond **out)
{
	return parse_chain(p, "and", COND_AND, parse_not, out);
}

static FALLIBLE parse_or(struct parser *p, struct rule_cond **out)
{
	return parse_chain(p, "or", COND_OR, parse_and, out);
}

static void hint_at_end(struct diag *d, struct rule_span here)
{
	const char *s = here.text->p + here.off;

	if (*s == ')')
		diag_hint(d, "there is one ')' too many");
	else if (!strncmp(s, "AND", 3) || !strncmp(s, "OR", 2) || !strncmp(s, "NOT", 3))
		diag_hint(d, "and, or and not are lower case");
	else if (*s == '&' || *s == '|')
		diag_hint(d, "write 'and' or 'or'");
	else if (*s == '=' || *s == ',')
		diag_hint(d, "a value that holds = , ( ) or a blank needs quotes");
}

FALLIBLE rule_parse(struct rule_ctx *c, const struct rule_text *text, struct rule_cond **out)
{
	struct parser p = { .x = { c, text, 0 }, .c = c };
	struct rule_span here;

	TRY(parse_or(&p, out));
	here = rule_lex_here(&p.x);
	if (!here.len)
		return E_OK;
	hint_at_end(rule_report(c, RD_SYNTAX, here, "'and', 'or' or the end of the condition is needed here"), here);
	return E_REJECTED;
}
