/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lex: the words of a condition.
 *
 * The language has no token stream of its own: whether "in" is an operator, a macro or a value depends on where it
 * stands. So the parser asks here for what it expects.
 */
#include "content/rule/internal.h"

const struct rule_op_row rule_ops[OP_COUNT] = {
#define OP(ident, word, flags) [OP_##ident] = { word, flags },
#include "content/rule/ops.def"
#undef OP
};

static bool is_blank(char ch)
{
	return ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r';
}

static bool is_letter(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
}

static bool is_name(char ch)
{
	return is_letter(ch) || (ch >= '0' && ch <= '9') || ch == '_';
}

/* Ends a bare value. The text's NUL does too. */
static bool is_delimiter(char ch)
{
	return !ch || is_blank(ch) || strchr("()\"'=,", ch);
}

void rule_lex_blanks(struct rule_lex *x)
{
	while (is_blank(x->text->p[x->i]))
		x->i++;
}

struct rule_span rule_lex_here(const struct rule_lex *x)
{
	uint32_t n = 0;

	while (!is_delimiter(x->text->p[x->i + n]))
		n++;
	if (!n && x->i < x->text->len)
		n = 1;
	return (struct rule_span){ x->text, x->i, n };
}

bool rule_lex_keyword(struct rule_lex *x, const char *word)
{
	size_t n = strlen(word);
	const char *p = x->text->p + x->i;

	if (strncmp(p, word, n) || !(is_blank(p[n]) || p[n] == '(' || !p[n]))
		return false;
	x->i += (uint32_t)n;
	return true;
}

struct rule_span rule_lex_name(struct rule_lex *x, uint32_t *n_parts)
{
	const char *p = x->text->p + x->i;
	uint32_t n = 0;

	*n_parts = 0;
	while (is_letter(p[n])) {
		while (is_name(p[n]))
			n++;
		(*n_parts)++;
		if (p[n] != '.' || !is_letter(p[n + 1]))
			break;
		n++;
	}
	x->i += n;
	return (struct rule_span){ x->text, x->i - n, n };
}

enum rule_op rule_op_find(const char *s, size_t len)
{
	if (len == 2 && !memcmp(s, "==", 2))
		return OP_EQ;
	for (enum rule_op op = 0; op < OP_COUNT; op++)
		if (strlen(rule_ops[op].word) == len && !memcmp(rule_ops[op].word, s, len))
			return op;
	return OP_COUNT;
}

enum rule_modifier rule_modifier_find(const char *s, size_t len)
{
	static const char *const words[] = { [MOD_ANYOF] = "anyof", [MOD_ALLOF] = "allof", [MOD_ONEOF] = "oneof" };

	for (enum rule_modifier m = MOD_ANYOF; m < countof(words); m++)
		if (strlen(words[m]) == len && !memcmp(words[m], s, len))
			return m;
	return MOD_NONE;
}

enum rule_op rule_lex_operator(struct rule_lex *x, struct rule_span *at)
{
	const char *p = x->text->p + x->i;
	uint32_t n = 0;
	enum rule_op op;

	while (is_letter(p[n]))
		n++;
	if (!n)
		n = p[0] && strchr("=!<>", p[0]) ? (p[1] == '=' ? 2 : 1) : 0;
	op = rule_op_find(p, n);
	if (op == OP_COUNT)
		return op;
	/* a word needs a blank or a parenthesis after it: "contains.x" is no operator */
	if ((rule_ops[op].flags & OP_WORD) && p[n] && !is_blank(p[n]) && p[n] != '(' && p[n] != ')')
		return OP_COUNT;
	*at = (struct rule_span){ x->text, x->i, n };
	x->i += n;
	return op;
}

int rule_hex_digit(char ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	ch |= 32;
	return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* The escape at s[0] == '\\'; returns the bytes it takes, or 0 when there is no such escape. */
static uint32_t unescape(const char *s, char quote, char *out)
{
	static const char from[] = "bfnrt\\/", to[] = "\b\f\n\r\t\\/";
	const char *k = s[1] ? strchr(from, s[1]) : NULL;
	int hi, lo;

	if (k || s[1] == quote) {
		*out = k ? to[k - from] : quote;
		return 2;
	}
	if (s[1] == ' ') { /* rules of old times wrote a backslash like this */
		*out = '\\';
		return 2;
	}
	if (s[1] != 'x')
		return 0;
	hi = rule_hex_digit(s[2]);
	lo = hi < 0 ? -1 : rule_hex_digit(s[3]);
	if (lo < 0 || !(hi | lo))
		return 0;
	*out = (char)(hi << 4 | lo);
	return 4;
}

static FALLIBLE quoted(struct rule_lex *x, struct rule_value *out)
{
	const char *p = x->text->p + x->i;
	char quote = p[0];
	uint32_t i = 1, n = 0;
	char *text = arena_alloc(x->c->a, strlen(p) + 1);
	struct diag *d;

	if (!text)
		return E_NOMEM;
	while (p[i] && p[i] != quote) {
		uint32_t step = 1;

		if (p[i] == '\\')
			step = unescape(p + i, quote, &text[n]);
		else
			text[n] = p[i];
		if (!step) {
			d = rule_report(x->c, RD_SYNTAX, (struct rule_span){ x->text, x->i + i, p[i + 1] ? 2 : 1 },
					"no escape of this kind in a quoted value");
			diag_hint(d, "escapes: \\b \\f \\n \\r \\t \\\\ \\/ \\xHH and the quote; for a backslash write "
				     "\\\\");
			return E_REJECTED;
		}
		n++;
		i += step;
	}
	if (!p[i]) {
		rule_report(x->c, RD_SYNTAX, (struct rule_span){ x->text, x->i, 1 }, "this quote is not closed");
		return E_REJECTED;
	}
	*out = (struct rule_value){ .p = text, .len = n, .quoted = true, .at = { x->text, x->i, i + 1 } };
	x->i += i + 1;
	return E_OK;
}

FALLIBLE rule_lex_value(struct rule_lex *x, struct rule_value *out)
{
	const char *p = x->text->p + x->i;
	uint32_t n = 0;

	if (p[0] == '"' || p[0] == '\'')
		return quoted(x, out);
	while (!is_delimiter(p[n]))
		n++;
	if (!n) {
		rule_report(x->c, RD_SYNTAX, rule_lex_here(x), "a value is needed here");
		return E_REJECTED;
	}
	*out = (struct rule_value){ .p = arena_strndup(x->c->a, p, n), .len = n, .at = { x->text, x->i, n } };
	if (!out->p)
		return E_NOMEM;
	x->i += n;
	if (p[n] == '(') {
		diag_hint(rule_report(x->c, RD_SYNTAX, out->at, "'%.40s' is no transformer, and a value holds no '('",
				      out->p),
			  "put quotes around the value, or use one of tolower toupper basename b64 len join concat "
			  "getopt val");
		return E_REJECTED;
	}
	return E_OK;
}

FALLIBLE rule_text_value(struct rule_ctx *c, const struct rule_text *t, struct rule_value *out)
{
	struct rule_lex x = { c, t, 0 };

	if (t->len > 1 && (t->p[0] == '"' || t->p[0] == '\'') && t->p[t->len - 1] == t->p[0])
		return rule_lex_value(&x, out);
	*out = (struct rule_value){ .p = t->p, .len = t->len, .at = rule_span_all(t) };
	return E_OK;
}
