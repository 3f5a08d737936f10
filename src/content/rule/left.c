/* SPDX-License-Identifier: Apache-2.0 */
/*
 * left: what a comparison compares: a field with its index, or transformers around fields and texts.
 *
 *   left   field | unary "(" left ")" | call
 *   call   word "(" arg ("," arg)* ")" ["[" option "]"]
 *   arg    left | quoted text | number | "(" [arg ("," arg)*] ")"
 *
 * Changes of case, basename and len around one field are kept as flags of the comparison, which helpers answer
 * without computing anything; the rest is a tree (struct rule_expr).
 */
#include "content/rule/internal.h"
#include "engine/helpers/helpers.h"

enum { MAX_ARGS = 32 }; /* of one transformer or list: the stack that computes them holds twice as many */

static const struct {
	const char *word;
	uint8_t call;
	uint8_t min, max; /* arguments */
} transformers[] = {
	{ "tolower", HELPER_TMP_LOWER, 1, 1 },
	{ "toupper", HELPER_TMP_UPPER, 1, 1 },
	{ "basename", HELPER_TMP_BASENAME, 1, 1 },
	{ "b64", HELPER_TMP_B64, 1, 1 },
	{ "len", RULE_CALL_LEN, 1, 1 },
	{ "join", HELPER_TMP_JOIN, 2, 2 },
	{ "concat", HELPER_TMP_CONCAT, 2, MAX_ARGS },
	{ "getopt", HELPER_TMP_GETOPT, 2, 2 },
	{ "val", RULE_CALL_VAL, 1, 1 },
};

static int find_transformer(const struct rule_lex *x, struct rule_span word, bool val)
{
	for (size_t i = 0; i < countof(transformers) && x->text->p[x->i] == '('; i++)
		if (rule_span_is(word, transformers[i].word))
			return transformers[i].call == RULE_CALL_VAL && !val ? -1 : (int)i;
	return -1;
}

int rule_transformer(const struct rule_lex *x, struct rule_span word, bool val)
{
	int row = find_transformer(x, word, val);

	return row < 0 ? -1 : transformers[row].call;
}

/* ---- fields ---- */

/* The first type's row of this name, or NULL. Names that end in [] are what an index picks from. */
static const struct template_field *find_row(const struct rule_ctx *c, const char *name)
{
	const struct template_field *f = NULL;
	uint32_t id;

	for (uint32_t i = 0; i < c->table->n_types && !f; i++)
		f = template_field_find(c->table, &c->table->types[i], name, strlen(name), &id);
	return f;
}

static FALLIBLE set_index(struct rule_lex *x, struct rule_expr *e, struct rule_value arg)
{
	bool part = !strcmp(e->text, "evt.arg") || !strcmp(e->text, "evt.rawarg") || !strcmp(e->text, "evt.type.is");
	char *row;
	uint64_t v;

	if (rule_value_u64(arg.p, arg.len, &v) && v <= RULE_MAX_INDEX) {
		e->index = (int32_t)v;
	} else if (part) { /* evt.arg[flags] is evt.arg.flags */
		e->text = arena_printf(x->c->a, "%s.%.*s", e->text, (int)(arg.len < 64 ? arg.len : 64), arg.p);
		return e->text ? E_OK : E_NOMEM;
	} else {
		e->key = arg.p;
		e->key_len = arg.len;
	}
	row = arena_printf(x->c->a, "%s[]", e->text);
	if (!row)
		return E_NOMEM;
	if (find_row(x->c, row))
		e->text = row;
	return E_OK;
}

/* [arg] right after a field's name: quoted, or bare. */
static FALLIBLE parse_index(struct rule_lex *x, struct rule_value *out)
{
	const char *s = x->text->p;
	uint32_t start = ++x->i;

	if (s[start] == '"' || s[start] == '\'') {
		TRY(rule_lex_value(x, out));
	} else {
		while (s[x->i] && !strchr("][\"' \t\r\n\b", s[x->i]))
			x->i++;
		*out = (struct rule_value){ .p = arena_strndup(x->c->a, s + start, x->i - start),
					    .len = x->i - start,
					    .at = { x->text, start, x->i - start } };
		if (!out->p)
			return E_NOMEM;
	}
	if (s[x->i] != ']' || !out->len) {
		rule_report(x->c, RD_SYNTAX, rule_lex_here(x), "the index needs a value and a ']'");
		return E_REJECTED;
	}
	x->i++;
	return E_OK;
}

static struct rule_expr *new_expr(struct rule_lex *x, enum rule_expr_kind kind, struct rule_span at)
{
	struct rule_expr *e = ARENA_NEW(x->c->a, struct rule_expr);

	if (e)
		*e = (struct rule_expr){ .kind = (uint8_t)kind, .index = -1, .at = at };
	return e;
}

static FALLIBLE parse_field(struct rule_lex *x, struct rule_span name, struct rule_expr **out)
{
	struct rule_expr *e = new_expr(x, EXPR_FIELD, name);
	struct rule_value arg;

	if (!e)
		return E_NOMEM;
	e->text = arena_strndup(x->c->a, name.text->p + name.off, name.len);
	if (!e->text)
		return E_NOMEM;
	if (x->text->p[x->i] == '[') {
		TRY(parse_index(x, &arg));
		TRY(set_index(x, e, arg));
	}
	e->at.len = x->i - e->at.off;
	*out = e;
	return E_OK;
}

/* ---- transformers ---- */

static FALLIBLE parse_arg(struct rule_lex *x, unsigned depth, struct rule_expr **out);

/* arg ("," arg)* ")" after the parenthesis. */
static FALLIBLE parse_args(struct rule_lex *x, unsigned depth, bool may_be_empty, struct rule_expr *e)
{
	size_t cap = 0;

	x->i++;
	rule_lex_blanks(x);
	if (may_be_empty && x->text->p[x->i] == ')') {
		x->i++;
		return E_OK;
	}
	for (;; x->i++) {
		rule_lex_blanks(x);
		if (e->n == MAX_ARGS) {
			rule_report(x->c, RD_TRANSFORMER, e->at, "more than %d arguments", MAX_ARGS);
			return E_REJECTED;
		}
		e->kids = arena_grow(x->c->a, e->kids, e->n, &cap, sizeof(struct rule_expr *));
		if (!e->kids)
			return E_NOMEM;
		TRY(parse_arg(x, depth, &e->kids[e->n]));
		e->n++;
		rule_lex_blanks(x);
		if (x->text->p[x->i] == ')')
			break;
		if (x->text->p[x->i] != ',') {
			rule_report(x->c, RD_SYNTAX, rule_lex_here(x), "the transformer's ')' is needed here");
			return E_REJECTED;
		}
	}
	x->i++;
	return E_OK;
}

/* getopt(...)[c] */
static FALLIBLE parse_option(struct rule_lex *x, struct rule_expr *e)
{
	struct rule_value option;

	if (x->text->p[x->i] != '[')
		return E_OK;
	TRY(parse_index(x, &option));
	if (e->call == HELPER_TMP_GETOPT && option.len == 1) {
		e->option = (uint8_t)option.p[0];
		return E_OK;
	}
	rule_report(x->c, RD_TRANSFORMER, option.at, "only getopt takes an index, and that is one letter");
	return E_REJECTED;
}

/* Where a list is wanted, a field that is both text and list (proc.args) is the list. */
static FALLIBLE want_list(struct rule_lex *x, struct rule_expr *e)
{
	const struct template_field *f;
	const char *row;

	while (e->kind == EXPR_CALL && e->call <= HELPER_TMP_B64)
		e = e->kids[0]; /* what is done to each text of a list */
	if (e->kind != EXPR_FIELD || e->index >= 0 || e->key)
		return E_OK;
	row = arena_printf(x->c->a, "%s[]", e->text);
	if (!row)
		return E_NOMEM;
	f = find_row(x->c, row);
	if (f && f->type == TEMPLATE_LIST)
		e->text = row;
	return E_OK;
}

static FALLIBLE parse_call(struct rule_lex *x, struct rule_span word, int row, unsigned depth, struct rule_expr **out)
{
	struct rule_expr *e = new_expr(x, EXPR_CALL, word);

	if (!e)
		return E_NOMEM;
	if (depth == RULE_MAX_DEPTH) {
		rule_report(x->c, RD_DEEP, word, "transformers are nested more than %d deep", RULE_MAX_DEPTH);
		return E_REJECTED;
	}
	e->call = transformers[row].call;
	TRY(parse_args(x, depth + 1, false, e));
	if (e->n < transformers[row].min || e->n > transformers[row].max) {
		rule_report(x->c, RD_TRANSFORMER, word, "%s takes %s%u argument%s, here are %u", transformers[row].word,
			    transformers[row].max > transformers[row].min ? "at least " : "", transformers[row].min,
			    PLURAL(transformers[row].min), e->n);
		return E_REJECTED;
	}
	TRY(parse_option(x, e));
	if (e->call == HELPER_TMP_GETOPT || e->call == HELPER_TMP_JOIN)
		TRY(want_list(x, e->kids[e->call == HELPER_TMP_JOIN]));
	e->at.len = x->i - e->at.off;
	*out = e;
	return E_OK;
}

static FALLIBLE parse_text(struct rule_lex *x, struct rule_expr **out)
{
	struct rule_value v;

	TRY(rule_lex_value(x, &v));
	*out = new_expr(x, EXPR_TEXT, v.at);
	if (!*out)
		return E_NOMEM;
	(*out)->text = v.p;
	(*out)->len = v.len;
	return E_OK;
}

static FALLIBLE parse_arg(struct rule_lex *x, unsigned depth, struct rule_expr **out)
{
	char ch = x->text->p[x->i];
	struct rule_span name;
	uint32_t n_parts;
	int row;

	if (ch == '"' || ch == '\'' || (ch >= '0' && ch <= '9') || ch == '-' || ch == '+')
		return parse_text(x, out);
	if (ch == '(' && depth < RULE_MAX_DEPTH) {
		*out = new_expr(x, EXPR_LIST, (struct rule_span){ x->text, x->i, 1 });
		return *out ? parse_args(x, depth + 1, true, *out) : E_NOMEM;
	}
	name = rule_lex_name(x, &n_parts);
	row = find_transformer(x, name, false);
	if (row >= 0)
		return parse_call(x, name, row, depth, out);
	if (n_parts > 1)
		return parse_field(x, name, out);
	rule_report(x->c, RD_SYNTAX, name.len ? name : rule_lex_here(x),
		    "a transformer takes a field, another transformer, or text in quotes");
	return E_REJECTED;
}

/* ---- as a side of a comparison ---- */

/* Is it [len](changes of case and basename)* around one field? Then k says so. */
static bool flatten(const struct rule_expr *e, struct rule_check *k)
{
	uint8_t transforms = 0;
	bool length = e->kind == EXPR_CALL && e->call == RULE_CALL_LEN;

	for (e = length ? e->kids[0] : e; e->kind == EXPR_CALL; e = e->kids[0]) {
		uint8_t one = e->call == HELPER_TMP_LOWER      ? HELPER_LOWER
			      : e->call == HELPER_TMP_UPPER    ? HELPER_UPPER
			      : e->call == HELPER_TMP_BASENAME ? HELPER_BASENAME
							       : 0;

		if (!one)
			return false;
		/* the outermost of two changes of case decides, and basename goes with either */
		if (one == HELPER_BASENAME || !(transforms & (HELPER_LOWER | HELPER_UPPER)))
			transforms |= one;
	}
	if (e->kind != EXPR_FIELD)
		return false;
	k->field = e->text;
	k->index = e->index;
	k->key = e->key;
	k->key_len = e->key_len;
	k->transforms = transforms;
	k->length = length;
	return true;
}

FALLIBLE rule_parse_left(struct rule_lex *x, struct rule_span name, struct rule_check *k)
{
	int row = find_transformer(x, name, false);
	struct rule_expr *e;

	TRY(row < 0 ? parse_field(x, name, &e) : parse_call(x, name, row, 0, &e));
	*k = (struct rule_check){ .index = -1, .at = e->at, .left = e };
	k->field = arena_strndup(x->c->a, x->text->p + e->at.off, e->at.len);
	return k->field ? E_OK : E_NOMEM;
}

/* The order of changed text needs the changed text; all else is asked of the field itself. */
void rule_settle_left(struct rule_check *k)
{
	bool order = k->op == OP_LT || k->op == OP_LE || k->op == OP_GT || k->op == OP_GE;
	struct rule_check flat = *k;

	if (k->right || !flatten(k->left, &flat) || (order && flat.transforms && !flat.length))
		return;
	*k = flat;
	k->left = NULL;
}

FALLIBLE rule_parse_right(struct rule_lex *x, struct rule_span word, const struct rule_expr **out)
{
	int row = find_transformer(x, word, true);
	struct rule_expr *e;

	assert(row >= 0 && "rule_transformer said so");
	TRY(parse_call(x, word, row, 0, &e));
	if (e->call == RULE_CALL_VAL && e->kids[0]->kind != EXPR_FIELD) {
		rule_report(x->c, RD_SYNTAX, e->kids[0]->at, "val takes a field");
		return E_REJECTED;
	}
	*out = e;
	return E_OK;
}
