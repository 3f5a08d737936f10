/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parse: a condition's text to a tree, by recursive descent.
 *
 *   or     and ("or" and)*
 *   and    not ("and" not)*
 *   not    "not" not | "(" or ")" | check
 *   check  left operator value | left operator ("oneof" | "anyof" | "allof") list | left "exists" | macro
 *   left   field | transformer "(" left ")"
 */
#include "content/rule/internal.h"
#include "engine/helpers/helpers.h"

enum { TRANSFORM_LEN = 128 }; /* beside enum helper_transform */

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

/* Fields that mean either end of a connection, and the two that they stand for. */
static const struct {
	const char *name, *first, *second;
} either[] = {
	{ "fd.ip", "fd.cip", "fd.sip" },
	{ "fd.net", "fd.cip", "fd.sip" },
	{ "fd.port", "fd.cport", "fd.sport" },
};

static struct rule_cond *one_check(struct rule_ctx *c, const struct rule_check *k, const char *field, bool twin)
{
	struct rule_cond *cond = rule_cond_new(c, COND_CHECK, k->at, NULL, 0);

	if (cond) {
		cond->check = *k;
		cond->check.field = field;
		cond->check.twin = twin;
	}
	return cond;
}

struct rule_cond *rule_check_cond(struct rule_ctx *c, const struct rule_check *k)
{
	struct rule_cond **kids;

	for (size_t i = 0; i < countof(either); i++) {
		if (strcmp(either[i].name, k->field))
			continue;
		kids = ARENA_ARRAY(c->a, struct rule_cond *, 2);
		if (!kids)
			return NULL;
		kids[0] = one_check(c, k, either[i].first, false);
		kids[1] = one_check(c, k, either[i].second, true);
		/* unequal means: neither end is */
		return kids[0] && kids[1] ? rule_cond_new(c, k->op == OP_NE ? COND_AND : COND_OR, k->at, kids, 2)
					  : NULL;
	}
	return one_check(c, k, k->field, false);
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

/* ---- fields ---- */

static FALLIBLE set_index(struct parser *p, struct rule_check *k, struct rule_span arg)
{
	const char *s = arg.text->p + arg.off;
	uint64_t v;
	bool event_arg = !strcmp(k->field, "evt.arg") || !strcmp(k->field, "evt.rawarg");

	if (rule_value_u64(s, arg.len, &v) && v <= RULE_MAX_INDEX && !event_arg) {
		k->index = (int32_t)v;
		return E_OK;
	}
	if (event_arg && arg.len && !(s[0] >= '0' && s[0] <= '9')) {
		k->field = arena_printf(p->c->a, "%s.%.*s", k->field, (int)(arg.len < 64 ? arg.len : 64), s);
		return k->field ? E_OK : E_NOMEM;
	}
	if (event_arg) {
		rule_report(p->c, RD_UNSUPPORTED, arg, "arguments by number are not supported by this release");
		return E_REJECTED;
	}
	rule_report(p->c, RD_INDEX, arg, "an index is a number from 0 to %d", RULE_MAX_INDEX);
	return E_REJECTED;
}

/* [arg] right after a field's name. */
static FALLIBLE parse_index(struct parser *p, struct rule_check *k)
{
	struct rule_lex *x = &p->x;
	const char *s = x->text->p;
	uint32_t start = ++x->i, end;
	char quote = s[start] == '"' || s[start] == '\'' ? s[start] : 0;

	if (quote)
		x->i = ++start;
	while (s[x->i] && (quote ? s[x->i] != quote : !strchr("][\"' \t\r\n", s[x->i])))
		x->i++;
	end = x->i;
	if (quote && s[x->i] == quote)
		x->i++;
	if (s[x->i] != ']' || end == start) {
		rule_report(p->c, RD_SYNTAX, rule_lex_here(x), "the index needs a value and a ']'");
		return E_REJECTED;
	}
	x->i++;
	return set_index(p, k, (struct rule_span){ x->text, start, end - start });
}

static FALLIBLE finish_field(struct parser *p, struct rule_span name, struct rule_check *k)
{
	const char *s = name.text->p + name.off, *alias;

	*k = (struct rule_check){ .index = -1, .at = name };
	k->field = arena_strndup(p->c->a, s, name.len);
	if (!k->field)
		return E_NOMEM;
	if (p->x.text->p[p->x.i] == '[')
		TRY(parse_index(p, k));
	alias = rule_field_alias(k->field, strlen(k->field));
	if (alias)
		k->field = alias;
	k->at.len = p->x.i - k->at.off;
	return E_OK;
}

FALLIBLE rule_parse_field(struct rule_ctx *c, const struct rule_text *text, struct rule_check *out)
{
	struct parser p = { .x = { c, text, 0 }, .c = c };
	uint32_t n_parts;
	struct rule_span name = rule_lex_name(&p.x, &n_parts);

	if (n_parts < 2) {
		rule_report(c, RD_EXCEPTION, rule_span_all(text), "the name of a field is needed here");
		return E_REJECTED;
	}
	TRY(finish_field(&p, name, out));
	if (p.x.i != text->len) {
		rule_report(c, RD_EXCEPTION, rule_lex_here(&p.x), "only the name of a field can stand here");
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
		diag_hint(d, "one of = != < <= > >= contains icontains startswith endswith glob iglob regex in "
			     "intersects pmatch exists");
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

/* The word at i is a modifier and a list follows: else it is a value like any other, and i stays. */
static enum rule_modifier parse_modifier(struct rule_lex *x, struct rule_span *at)
{
	static const char *const words[] = { [MOD_ANYOF] = "anyof", [MOD_ALLOF] = "allof", [MOD_ONEOF] = "oneof" };
	uint32_t start = x->i;

	*at = rule_lex_here(x);
	for (enum rule_modifier m = MOD_ANYOF; m < countof(words); m++) {
		if (!rule_span_is(*at, words[m]))
			continue;
		x->i += at->len;
		rule_lex_blanks(x);
		if (x->text->p[x->i] == '(')
			return m;
	}
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

static FALLIBLE parse_operand(struct parser *p, struct rule_check *k)
{
	struct rule_value *v;
	const struct rule_op_row *op = &rule_ops[k->op];
	struct rule_span modifier;

	rule_lex_blanks(&p->x);
	k->modifier = (uint8_t)parse_modifier(&p->x, &modifier);
	if (k->modifier) {
		TRY(check_modifier(p, k, modifier));
		return parse_value_list(p, k);
	}
	if (p->x.text->p[p->x.i] == '(' && (op->flags & OP_LIST))
		return parse_value_list(p, k);
	if (p->x.text->p[p->x.i] == '(') {
		rule_report(p->c, RD_SYNTAX, rule_lex_here(&p->x),
			    "'%s' takes one value, not a list: use 'in', or '%s anyof'", op->word, op->word);
		return E_REJECTED;
	}
	v = ARENA_NEW(p->c->a, struct rule_value);
	if (!v)
		return E_NOMEM;
	TRY(rule_lex_value(&p->x, v));
	k->values = v;
	k->n_values = 1;
	return E_OK;
}

/* ---- transformers ---- */

static const struct {
	const char *word;
	uint8_t transform; /* 0: of the language, not of this release */
} transformers[] = {
	{ "tolower", HELPER_LOWER },
	{ "toupper", HELPER_UPPER },
	{ "basename", HELPER_BASENAME },
	{ "len", TRANSFORM_LEN },
	{ "b64", 0 },
	{ "join", 0 },
	{ "concat", 0 },
	{ "getopt", 0 },
	{ "val", 0 },
};

/* A transformer's row: the word is one and a parenthesis follows at once. Else -1. */
static int find_transformer(const struct parser *p, struct rule_span s)
{
	for (size_t i = 0; i < countof(transformers) && p->x.text->p[p->x.i] == '('; i++)
		if (rule_span_is(s, transformers[i].word))
			return (int)i;
	return -1;
}

/*
 * Put one more, written inside those before it, into k. The outermost of two changes of case decides, and basename goes
 * with either: so a set of flags says all. The length is a number: nothing can be done to it.
 */
static FALLIBLE add_transformer(struct parser *p, struct rule_span name, uint8_t transform, unsigned outer,
				struct rule_check *k)
{
	if (!transform) {
		rule_report(p->c, RD_UNSUPPORTED, name, "the transformer '%.*s' is not supported by this release",
			    (int)name.len, name.text->p + name.off);
		return E_REJECTED;
	}
	if (transform == TRANSFORM_LEN && outer) {
		rule_report(p->c, RD_TRANSFORMER, name, "len gives a number, and the transformer around it takes text");
		return E_REJECTED;
	}
	if (transform == TRANSFORM_LEN)
		k->length = true;
	else if (transform == HELPER_BASENAME || !(k->transforms & (HELPER_LOWER | HELPER_UPPER)))
		k->transforms |= transform;
	return E_OK;
}

static FALLIBLE close_transformers(struct parser *p, unsigned n)
{
	for (; n; n--) {
		rule_lex_blanks(&p->x);
		if (p->x.text->p[p->x.i] != ')') {
			rule_report(p->c, RD_SYNTAX, rule_lex_here(&p->x), "the transformer's ')' is needed here");
			return E_REJECTED;
		}
		p->x.i++;
	}
	return E_OK;
}

/* The name that was read is a field, or the first of the transformers around one. */
static FALLIBLE parse_left(struct parser *p, struct rule_span name, struct rule_check *k)
{
	struct rule_check flags = { 0 };
	uint32_t start = name.off, n_parts;
	unsigned n = 0;
	int row;

	for (; (row = find_transformer(p, name)) >= 0; n++) {
		if (n == RULE_MAX_DEPTH) {
			rule_report(p->c, RD_DEEP, name, "transformers are nested more than %d deep", RULE_MAX_DEPTH);
			return E_REJECTED;
		}
		TRY(add_transformer(p, name, transformers[row].transform, n, &flags));
		p->x.i++;
		rule_lex_blanks(&p->x);
		name = rule_lex_name(&p->x, &n_parts);
		if (n_parts < 2 && find_transformer(p, name) < 0) {
			rule_report(p->c, RD_SYNTAX, name.len ? name : rule_lex_here(&p->x),
				    "a transformer takes a field");
			return E_REJECTED;
		}
	}
	TRY(finish_field(p, name, k));
	TRY(close_transformers(p, n));
	k->transforms = flags.transforms;
	k->length = flags.length;
	k->at = (struct rule_span){ name.text, start, p->x.i - start };
	return E_OK;
}

static FALLIBLE parse_check(struct parser *p, struct rule_span name, struct rule_cond **out)
{
	struct rule_check k;

	TRY(parse_left(p, name, &k));
	rule_lex_blanks(&p->x);
	k.op = (uint8_t)rule_lex_operator(&p->x, &k.op_at);
	if (k.op == OP_COUNT)
		return no_operator(p, &k);
	if (!(rule_ops[k.op].flags & OP_UNARY))
		TRY(parse_operand(p, &k));
	*out = rule_check_cond(p->c, &k);
	return *out ? E_OK : E_NOMEM;
}

static FALLIBLE parse_name(struct parser *p, struct rule_cond **out)
{
	uint32_t n_parts;
	struct rule_span name = rule_lex_name(&p->x, &n_parts), here;
	struct diag *d;

	if (n_parts > 1 || find_transformer(p, name) >= 0)
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
