/* SPDX-License-Identifier: Apache-2.0 */
/*
 * regex_parse: the text of a regular expression to a tree, in RE2's POSIX syntax (github.com/google/re2/wiki/Syntax)
 * plus \d \w \s and their negations: literals, `.`, sets, groups, `|`, `*` `+` `?` `{m,n}`, `^` and `$`.
 *
 * Bytes, not code points: `.` is one byte (not a newline), and a set holds ASCII only. A character beyond ASCII in the
 * text is a group of its bytes, so that what follows repeats all of it.
 */
#include "engine/helpers/regex.h"

enum { MAX_DEPTH = 64, MAX_REPEATS_IN_A_ROW = 16 };

struct parser {
	const char *p;
	size_t len, i;
	struct arena *a;
	struct helper_regex_error *e;
	uint32_t n_nodes;
	unsigned depth;
};

static FALLIBLE bad(struct parser *p, size_t at, const char *text)
{
	*p->e = (struct helper_regex_error){ text, (uint32_t)(at < p->len ? at : p->len) };
	return E_REJECTED;
}

static FALLIBLE node_new(struct parser *p, enum regex_kind kind, struct regex_node **out)
{
	if (++p->n_nodes > REGEX_MAX_NODES)
		return bad(p, p->i, "the expression is too large");
	*out = ARENA_NEW(p->a, struct regex_node);
	if (!*out)
		return E_NOMEM;
	**out = (struct regex_node){ .kind = kind };
	return E_OK;
}

static bool more(const struct parser *p)
{
	return p->i < p->len;
}

static bool take(struct parser *p, char ch)
{
	if (!more(p) || p->p[p->i] != ch)
		return false;
	p->i++;
	return true;
}

/* ---- sets of bytes ---- */

static void set_range(uint64_t *set, unsigned lo, unsigned hi)
{
	for (unsigned c = lo; c <= hi; c++)
		set[c / 64] |= 1ull << c % 64;
}

static void set_join(uint64_t *set, const uint64_t *other, bool negate)
{
	for (unsigned w = 0; w < REGEX_SET_WORDS; w++)
		set[w] |= negate ? ~other[w] : other[w];
}

/* \d \w \s and, in capitals, all other bytes. */
static bool perl_class(char ch, uint64_t *set)
{
	uint64_t in[REGEX_SET_WORDS] = { 0 };

	switch (ch | 32) {
	case 'd':
		set_range(in, '0', '9');
		break;
	case 'w':
		set_range(in, '0', '9');
		set_range(in, 'a', 'z');
		set_range(in, 'A', 'Z');
		set_range(in, '_', '_');
		break;
	case 's':
		set_range(in, '\t', '\n');
		set_range(in, '\f', '\r');
		set_range(in, ' ', ' ');
		break;
	default:
		return false;
	}
	set_join(set, in, !(ch & 32));
	return true;
}

static int hex(char ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	ch |= 32;
	return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* After a backslash: the byte that is meant. */
static FALLIBLE parse_escape(struct parser *p, unsigned *out)
{
	static const char from[] = "afnrtv", to[] = "\a\f\n\r\t\v";
	size_t start = p->i - 1;
	char ch;

	if (!more(p))
		return bad(p, start, "a backslash can not end the expression");
	ch = p->p[p->i++];
	if (ch == 'x' && p->i + 1 < p->len && hex(p->p[p->i]) >= 0 && hex(p->p[p->i + 1]) >= 0) {
		*out = (unsigned)(hex(p->p[p->i]) << 4 | hex(p->p[p->i + 1]));
		p->i += 2;
		return E_OK;
	}
	if (ch && strchr(from, ch)) {
		*out = (uint8_t)to[strchr(from, ch) - from];
		return E_OK;
	}
	if ((uint8_t)ch >= 0x80 || ch <= ' ' || (ch >= '0' && ch <= '9') || ((ch | 32) >= 'a' && (ch | 32) <= 'z'))
		return bad(p, start, "no escape of this kind");
	*out = (uint8_t)ch;
	return E_OK;
}

/* [:name:] at i, which is at its '['. */
static FALLIBLE parse_named_class(struct parser *p, uint64_t *set)
{
	uint64_t in[REGEX_SET_WORDS] = { 0 }, any = 0;
	size_t start = p->i, name, len;
	bool negate;

	p->i += 2;
	negate = take(p, '^');
	for (name = p->i; more(p) && p->p[p->i] >= 'a' && p->p[p->i] <= 'z';)
		p->i++;
	len = p->i - name;
	if (!take(p, ':') || !take(p, ']'))
		return bad(p, start, "a class is written [:name:]");
	if (len == 4 && !memcmp(p->p + name, "word", 4))
		(void)perl_class('w', in);
	for (unsigned c = 0; c < 0x80; c++)
		if (ascii_class(p->p + name, len, (unsigned char)c))
			set_range(in, c, c);
	for (unsigned w = 0; w < REGEX_SET_WORDS; w++)
		any |= in[w];
	if (!any)
		return bad(p, start, "no class has this name");
	set_join(set, in, negate);
	return E_OK;
}

static FALLIBLE parse_set_byte(struct parser *p, unsigned *out)
{
	size_t start = p->i;

	if (take(p, '\\'))
		return parse_escape(p, out);
	*out = (uint8_t)p->p[p->i++];
	return *out < 0x80 ? E_OK : bad(p, start, "a set holds ASCII only: write (x|y)");
}

static FALLIBLE parse_range(struct parser *p, bool first, uint64_t *set)
{
	size_t start = p->i;
	bool dash = p->p[p->i] == '-', last = p->i + 1 < p->len && p->p[p->i + 1] == ']';
	unsigned lo = 0, hi;

	if (dash && !first && !last)
		return bad(p, start, "a '-' in a set stands first, last, or between two ends");
	TRY(parse_set_byte(p, &lo));
	hi = lo;
	if (p->i + 1 < p->len && p->p[p->i] == '-' && p->p[p->i + 1] != ']') {
		p->i++;
		TRY(parse_set_byte(p, &hi));
	}
	if (hi < lo)
		return bad(p, start, "the range ends before it begins");
	set_range(set, lo, hi);
	return E_OK;
}

/* After '['. */
static FALLIBLE parse_set(struct parser *p, uint64_t *out)
{
	uint64_t set[REGEX_SET_WORDS] = { 0 };
	size_t start = p->i - 1;
	bool negate = take(p, '^');

	for (bool first = true; more(p) && (first || p->p[p->i] != ']'); first = false) {
		char ch = p->p[p->i], next = p->i + 1 < p->len ? p->p[p->i + 1] : 0;

		if (ch == '[' && next == ':')
			TRY(parse_named_class(p, set));
		else if (ch == '\\' && perl_class(next, set))
			p->i += 2;
		else
			TRY(parse_range(p, first, set));
	}
	if (!take(p, ']'))
		return bad(p, start, "the set has no ']'");
	set_join(out, set, negate);
	return E_OK;
}

/* ---- the tree ---- */

static FALLIBLE parse_alternatives(struct parser *p, struct regex_node **out);

static FALLIBLE parse_group(struct parser *p, struct regex_node **out)
{
	size_t start = p->i - 1;

	if (p->depth == MAX_DEPTH)
		return bad(p, start, "groups are nested too deep");
	p->depth++;
	TRY(parse_alternatives(p, out));
	p->depth--;
	return take(p, ')') ? E_OK : bad(p, start, "the group has no ')'");
}

static FALLIBLE parse_bytes(struct parser *p, struct regex_node **out)
{
	struct regex_node *seq, *one;
	unsigned n = 1;

	while (p->i + n < p->len && ((uint8_t)p->p[p->i + n] & 0xc0) == 0x80 && (uint8_t)p->p[p->i] >= 0xc0 && n < 4)
		n++;
	TRY(node_new(p, REGEX_SEQUENCE, &seq));
	for (; n; n--, p->i++) {
		TRY(node_new(p, REGEX_BYTE, &one));
		set_range(one->set, (uint8_t)p->p[p->i], (uint8_t)p->p[p->i]);
		one->before = seq->kids;
		seq->kids = one;
	}
	*out = seq;
	return E_OK;
}

static FALLIBLE parse_special(struct parser *p, struct regex_node *n)
{
	char ch = p->p[p->i++];
	unsigned byte = 0;

	if (ch == '[')
		return parse_set(p, n->set);
	if (ch == '.') {
		set_range(n->set, 0, '\n' - 1);
		set_range(n->set, '\n' + 1, 255);
		return E_OK;
	}
	if (more(p) && perl_class(p->p[p->i], n->set)) {
		p->i++;
		return E_OK;
	}
	TRY(parse_escape(p, &byte));
	set_range(n->set, byte, byte);
	return E_OK;
}

static FALLIBLE parse_atom(struct parser *p, struct regex_node **out)
{
	char ch = p->p[p->i];

	if (strchr("*+?", ch))
		return bad(p, p->i, "there is nothing to repeat here");
	if (take(p, '('))
		return parse_group(p, out);
	if (take(p, '^'))
		return node_new(p, REGEX_BEGIN, out);
	if (take(p, '$'))
		return node_new(p, REGEX_END, out);
	if (!strchr("[.\\", ch))
		return parse_bytes(p, out);
	TRY(node_new(p, REGEX_BYTE, out));
	return parse_special(p, *out);
}

static bool parse_number(struct parser *p, uint32_t *out)
{
	size_t start = p->i;

	for (*out = 0; more(p) && p->p[p->i] >= '0' && p->p[p->i] <= '9'; p->i++)
		if (*out <= REGEX_MAX_REPEAT) /* beyond it, one is as good as another */
			*out = *out * 10 + (uint32_t)(p->p[p->i] - '0');
	return p->i > start;
}

/* {m}, {m,} or {m,n} at i; anything else is a '{' like any other byte, and i stays. */
static bool parse_bounds(struct parser *p, uint32_t *min, uint32_t *max)
{
	size_t start = p->i++;

	if (parse_number(p, min)) {
		*max = *min;
		if (take(p, ',') && !parse_number(p, max))
			*max = REGEX_MANY;
		if (take(p, '}'))
			return true;
	}
	p->i = start;
	return false;
}

/* A repetition at i. */
static bool parse_repeat(struct parser *p, uint32_t *min, uint32_t *max)
{
	char ch = more(p) ? p->p[p->i] : 0;

	if (ch == '{')
		return parse_bounds(p, min, max);
	*min = ch == '+';
	*max = ch == '?' ? 1 : REGEX_MANY;
	if (ch != '*' && ch != '+' && ch != '?')
		return false;
	p->i++;
	return true;
}

static FALLIBLE parse_repeated(struct parser *p, struct regex_node **out)
{
	struct regex_node *n;
	uint32_t min, max;
	size_t at;

	TRY(parse_atom(p, out));
	for (unsigned k = 0; at = p->i, parse_repeat(p, &min, &max); k++) {
		if (k == MAX_REPEATS_IN_A_ROW)
			return bad(p, at, "too many repetitions in a row");
		if (min > REGEX_MAX_REPEAT || (max > REGEX_MAX_REPEAT && max != REGEX_MANY) || min > max)
			return bad(p, at,
				   min > max ? "the bounds are in the wrong order"
					     : "at most 255 repetitions can be counted");
		TRY(node_new(p, REGEX_REPEAT, &n));
		n->kids = *out;
		n->min = min;
		n->max = max;
		*out = n;
	}
	return E_OK;
}

static FALLIBLE parse_sequence(struct parser *p, struct regex_node **out)
{
	struct regex_node *kid;

	TRY(node_new(p, REGEX_SEQUENCE, out));
	while (more(p) && p->p[p->i] != '|' && p->p[p->i] != ')') {
		TRY(parse_repeated(p, &kid));
		kid->before = (*out)->kids;
		(*out)->kids = kid;
	}
	return E_OK;
}

static FALLIBLE parse_alternatives(struct parser *p, struct regex_node **out)
{
	struct regex_node *kid;

	TRY(node_new(p, REGEX_ALTERNATIVES, out));
	do {
		TRY(parse_sequence(p, &kid));
		kid->before = (*out)->kids;
		(*out)->kids = kid;
	} while (take(p, '|'));
	return E_OK;
}

FALLIBLE regex_parse(const char *text, size_t len, struct arena *a, struct regex_node **out,
		     struct helper_regex_error *e)
{
	struct parser p = { .p = text, .len = len, .a = a, .e = e };

	TRY(parse_alternatives(&p, out));
	return more(&p) ? bad(&p, p.i, "this ')' has no '('") : E_OK;
}
