/* SPDX-License-Identifier: Apache-2.0 */
/*
 * regex: a PCRE expression of a Sigma rule as one of the rules language.
 *
 * Sigma looks for it anywhere in the text, and the rules language matches the whole text, so anything may stand around
 * it. What both have goes over as it is; groups that only group lose their mark, quantifiers that only change which of
 * several matches is found lose theirs. What needs going back (look-around, back references), and what is not there
 * (word boundaries, Unicode classes), is refused.
 *
 * Without case, the text comes in lower case and the expression's letters are put in lower case too.
 */
#include "content/sigma/internal.h"

#define ANYTHING "(.|\\n)*"

struct reader {
	struct sigma_ctx *c;
	const struct sigma_value *v;
	const char *p;
	size_t len, i;
	bool lower;
	struct buf out;
	const struct sigma_why *why;
};

static void refuse(struct reader *r, const char *what)
{
	if (!r->why)
		r->why = sigma_why_new(r->c, MD_REGEX, r->v->node, "the expression has %s", what);
}

static char at(const struct reader *r, size_t i)
{
	return i < r->len ? r->p[i] : 0;
}

static char letter(const struct reader *r, char ch)
{
	return r->lower && ch >= 'A' && ch <= 'Z' ? (char)(ch + ('a' - 'A')) : ch;
}

/* A byte as the expression's own letters would say it. */
static void put_byte(struct reader *r, unsigned byte)
{
	byte = (uint8_t)letter(r, (char)byte);
	if (byte >= ' ' && byte < 0x7f && !strchr("\\.[](){}*+?^$|-:", (char)byte))
		buf_putc(&r->out, (char)byte);
	else
		buf_printf(&r->out, "\\x%02x", byte);
}

static int hex(char ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	ch |= 32;
	return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

static bool is_alnum(char ch)
{
	return (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
}

/* \xHH or \x{HH}, after "\x". */
static void put_hex(struct reader *r)
{
	unsigned value = 0, digits = 0;
	bool braces = at(r, r->i) == '{';

	r->i += braces;
	for (; hex(at(r, r->i)) >= 0 && digits < (braces ? 8u : 2u); digits++)
		value = value << 4 | (unsigned)hex(r->p[r->i++]);
	if (braces && at(r, r->i) != '}')
		refuse(r, "a \\x{ that is not closed");
	r->i += braces;
	if (value > 0x7f || !digits)
		refuse(r, "a \\x beyond ASCII");
	else
		put_byte(r, value);
}

/* At a backslash. */
static void put_escape(struct reader *r)
{
	char ch = at(r, r->i + 1);

	r->i += 2;
	if (!ch)
		refuse(r, "a backslash at its end");
	else if (strchr("dDwWsSafnrtv", ch))
		buf_printf(&r->out, "\\%c", ch);
	else if (ch == 'e')
		put_byte(r, 0x1b);
	else if (ch == 'x')
		put_hex(r);
	else if (ch == 'A')
		buf_putc(&r->out, '^');
	else if (ch == 'z')
		buf_putc(&r->out, '$');
	else if (ch == 'b' || ch == 'B')
		refuse(r, "a word boundary");
	else if (ch >= '0' && ch <= '9')
		refuse(r, "a back reference");
	else if (is_alnum(ch))
		refuse(r, "an escape that the rules language does not have");
	else
		put_byte(r, (uint8_t)ch);
}

/* ---- sets ---- */

/* One end of a range, or a byte alone; -1: a class, or something that ends the set's translation. */
static int set_byte(struct reader *r)
{
	char ch = at(r, r->i);

	if (ch != '\\') {
		r->i++;
		if ((uint8_t)ch >= 0x80)
			refuse(r, "a set with characters beyond ASCII");
		return ch;
	}
	ch = at(r, r->i + 1);
	if (ch && strchr("dDwWsS", ch)) {
		buf_printf(&r->out, "\\%c", ch);
		r->i += 2;
		return -1;
	}
	r->i += 2;
	if (ch == 'x' && hex(at(r, r->i)) >= 0 && hex(at(r, r->i + 1)) >= 0) {
		r->i += 2;
		return hex(r->p[r->i - 2]) << 4 | hex(r->p[r->i - 1]);
	}
	switch (ch) {
	case 'a':
		return '\a';
	case 'b':
		return '\b';
	case 'e':
		return 0x1b;
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case 'v':
		return '\v';
	default:
		break;
	}
	if (!ch || is_alnum(ch) || (uint8_t)ch >= 0x80)
		refuse(r, "an escape in a set that the rules language does not have");
	return ch;
}

static bool is_upper(int ch)
{
	return ch >= 'A' && ch <= 'Z';
}

static void put_range(struct reader *r, int lo, int hi)
{
	/* only a range of letters of one case has the same letters in lower case */
	if (r->lower && is_upper(lo) != is_upper(hi))
		refuse(r, "a range over letters and others, without case");
	put_byte(r, (unsigned)lo);
	buf_putc(&r->out, '-');
	put_byte(r, (unsigned)hi);
}

/* [:name:], copied; the case classes are those of the text as it is. */
static void put_named_class(struct reader *r)
{
	const char *end = memmem(r->p + r->i, r->len - r->i, ":]", 2);

	if (!end || r->lower) {
		refuse(r, r->lower ? "a named class, without case" : "a named class that is not closed");
		return;
	}
	buf_put(&r->out, r->p + r->i, (size_t)(end + 2 - (r->p + r->i)));
	r->i = (size_t)(end + 2 - r->p);
}

static void put_set(struct reader *r)
{
	buf_putc(&r->out, '[');
	r->i++;
	if (at(r, r->i) == '^') {
		buf_putc(&r->out, '^');
		r->i++;
	}
	for (bool first = true; !r->why && (first || at(r, r->i) != ']'); first = false) {
		int lo, hi;

		if (r->i >= r->len) {
			refuse(r, "a set that is not closed");
			return;
		}
		if (at(r, r->i) == '[' && at(r, r->i + 1) == ':') {
			put_named_class(r);
			continue;
		}
		lo = set_byte(r);
		if (lo < 0)
			continue;
		if (at(r, r->i) != '-' || at(r, r->i + 1) == ']' || !at(r, r->i + 1)) {
			put_byte(r, (unsigned)lo);
			continue;
		}
		r->i++;
		hi = set_byte(r);
		if (hi < 0)
			refuse(r, "a range that ends in a class");
		else
			put_range(r, lo, hi);
	}
	buf_putc(&r->out, ']');
	r->i++;
}

/* ---- the rest ---- */

/* "(?" at i. */
static void put_special_group(struct reader *r)
{
	if (at(r, r->i + 2) == ':') {
		buf_putc(&r->out, '(');
		r->i += 3;
	} else if (at(r, r->i + 2) && strchr("=!<", at(r, r->i + 2))) {
		refuse(r, "look-around or a named group");
	} else {
		refuse(r, "options or a group of a kind that the rules language does not have");
	}
}

/* Length of {m}, {m,} or {m,n} at i, or 0: then '{' is a byte like any other. */
static size_t bounds(const struct reader *r)
{
	size_t i = r->i + 1, digits = i;

	while (at(r, i) >= '0' && at(r, i) <= '9')
		i++;
	if (i == digits)
		return 0;
	if (at(r, i) == ',')
		for (i++; at(r, i) >= '0' && at(r, i) <= '9'; i++)
			;
	return at(r, i) == '}' ? i + 1 - r->i : 0;
}

static void put_quantifier(struct reader *r, size_t n)
{
	buf_put(&r->out, r->p + r->i, n);
	r->i += n;
	if (at(r, r->i) == '?')
		r->i++; /* shortest first: there is a match or there is none */
	else if (at(r, r->i) == '+')
		refuse(r, "a possessive quantifier");
}

static void put_next(struct reader *r)
{
	char ch = r->p[r->i];
	size_t n = ch == '{' ? bounds(r) : strchr("*+?", ch) ? 1 : 0;

	if (n) {
		put_quantifier(r, n);
	} else if (ch == '\\') {
		put_escape(r);
	} else if (ch == '[') {
		put_set(r);
	} else if (ch == '(' && at(r, r->i + 1) == '?') {
		put_special_group(r);
	} else if (strchr("().|^$", ch) || (uint8_t)ch >= 0x80) {
		buf_putc(&r->out, ch);
		r->i++;
	} else {
		put_byte(r, (uint8_t)ch);
		r->i++;
	}
}

/* The expression is one sequence: no `|` outside groups. */
static bool one_alternative(const struct reader *r)
{
	int depth = 0;

	for (size_t i = 0; i < r->out.len; i++) {
		char ch = r->out.p[i];

		if (ch == '\\')
			i++;
		else if (ch == '[')
			for (i += 2; i < r->out.len && r->out.p[i] != ']'; i++) /* not the first byte; a ']' is \x5d */
				i += r->out.p[i] == '\\';
		else
			depth += (ch == '(') - (ch == ')');
		if (ch == '|' && !depth)
			return false;
	}
	return true;
}

static void put_whole(const struct reader *r, struct buf *text)
{
	bool plain = one_alternative(r);
	bool anchored = plain && r->out.len && r->out.p[0] == '^';

	if (!anchored)
		buf_puts(text, ANYTHING);
	buf_puts(text, plain ? "" : "(");
	if (r->out.len)
		buf_put(text, r->out.p, r->out.len);
	buf_puts(text, plain ? "" : ")");
	buf_puts(text, ANYTHING);
}

void sigma_regex(struct sigma_ctx *c, const struct sigma_value *v, bool lower, struct buf *out,
		 const struct sigma_why **why)
{
	struct reader r = { .c = c, .v = v, .p = (const char *)v->text.p, .len = v->text.len, .lower = lower };
	struct buf text;

	buf_init(&r.out, SIGMA_MAX_CONDITION_BYTES);
	buf_init(&text, SIGMA_MAX_CONDITION_BYTES);
	if (lower && r.len > 4 && !memcmp(r.p, "(?i)", 4))
		r.i = 4; /* that is what lower says */
	while (r.i < r.len && !r.why)
		put_next(&r);
	put_whole(&r, &text);
	if (r.out.full || text.full)
		refuse(&r, "too many bytes");
	if (r.why)
		*why = r.why;
	else
		sigma_put_quoted(out, text.p, text.len);
	buf_done(&r.out);
	buf_done(&text);
}
