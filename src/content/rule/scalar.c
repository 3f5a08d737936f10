/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scalar: where each byte of a YAML scalar's value stands in the file.
 *
 * libyaml gives a scalar's value and where it begins and ends, not how one became the other. This reads the source once
 * more by the rules of YAML 1.1 (chapters 9 and 5.7: folding, escapes, indentation, chomping) and notes the origin of
 * every byte. It is not a second parser: its result counts only when it is byte for byte the value that libyaml gave.
 */
#include "content/rule/internal.h"

struct scan {
	struct arena *a;
	const struct rule_file *f;
	const char *p;
	uint32_t i, to;
	const struct rule_text *want;
	uint32_t n; /* bytes of the value made so far */
	struct rule_seg *segs;
	uint32_t n_segs;
	size_t cap;
	bool differs, nomem;
};

static void put(struct scan *s, char ch, uint32_t at)
{
	struct rule_seg *last = s->n_segs ? &s->segs[s->n_segs - 1] : NULL;

	if (s->differs || s->nomem)
		return;
	if (s->n >= s->want->len || s->want->p[s->n] != ch) {
		s->differs = true;
		return;
	}
	if (!last || last->at + (s->n - last->off) != at) {
		s->segs = arena_grow(s->a, s->segs, s->n_segs, &s->cap, sizeof *s->segs);
		if (!s->segs) {
			s->nomem = true;
			return;
		}
		s->segs[s->n_segs++] = (struct rule_seg){ .off = s->n, .at = at, .file = s->f };
	}
	s->n++;
}

static size_t break_len(const struct scan *s, uint32_t i)
{
	const char *p = s->p + i;
	uint32_t left = s->to - i;

	if (!left)
		return 0;
	if (*p == '\r')
		return left > 1 && p[1] == '\n' ? 2 : 1;
	if (*p == '\n')
		return 1;
	if (left > 1 && !memcmp(p, "\xc2\x85", 2))
		return 2;
	if (left > 2 && (!memcmp(p, "\xe2\x80\xa8", 3) || !memcmp(p, "\xe2\x80\xa9", 3)))
		return 3;
	return 0;
}

static bool is_blank(const struct scan *s, uint32_t i)
{
	return i < s->to && (s->p[i] == ' ' || s->p[i] == '\t');
}

/* A kept line break: LS and PS stay what they are, the others become a newline. */
static void put_break(struct scan *s, uint32_t at, size_t n)
{
	if (n == 3)
		for (uint32_t k = 0; k < 3; k++)
			put(s, s->p[at + k], at + k);
	else
		put(s, '\n', at);
}

/*
 * A line break inside a flow scalar: one becomes a space, or nothing when a backslash came before it; of more,
 * all but the first are kept. Blanks around are dropped. LS and PS as the first break are kept.
 */
static void fold_lines(struct scan *s, bool escaped)
{
	uint32_t first = s->i, n_kept = 0;
	size_t n = break_len(s, s->i);
	bool first_kept = n == 3;

	s->i += (uint32_t)n;
	if (first_kept && !escaped)
		put_break(s, first, n);
	for (;;) {
		uint32_t i = s->i;

		while (is_blank(s, i))
			i++;
		n = break_len(s, i);
		s->i = i;
		if (!n)
			break;
		put_break(s, i, n);
		s->i += (uint32_t)n;
		n_kept++;
	}
	if (!escaped && !first_kept && !n_kept)
		put(s, ' ', first);
}

/* Blanks: kept inside a line, dropped before a line break. */
static void flow_blanks(struct scan *s)
{
	uint32_t start = s->i;

	while (is_blank(s, s->i))
		s->i++;
	if (break_len(s, s->i))
		return;
	for (uint32_t k = start; k < s->i; k++)
		put(s, s->p[k], k);
}

static void put_code_point(struct scan *s, uint32_t c, uint32_t at)
{
	char b[4];
	uint32_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (n == 1) {
		put(s, (char)c, at);
		return;
	}
	for (uint32_t k = n; k-- > 1; c >>= 6)
		b[k] = (char)(0x80 | (c & 0x3f));
	b[0] = (char)((0xf00 >> n & 0xff) | c);
	for (uint32_t k = 0; k < n; k++)
		put(s, b[k], at);
}

static uint32_t hex_digit(char ch)
{
	return ch >= '0' && ch <= '9' ? (uint32_t)(ch - '0') : (uint32_t)((ch | 32) - 'a' + 10);
}

static void double_escape(struct scan *s)
{
	static const struct {
		char letter;
		uint32_t c;
	} rows[] = { { '0', 0 },   { 'a', 7 },     { 'b', 8 },    { 't', 9 },    { '\t', 9 },     { 'n', 10 },
		     { 'v', 11 },  { 'f', 12 },    { 'r', 13 },   { 'e', 27 },   { ' ', ' ' },    { '"', '"' },
		     { '/', '/' }, { '\\', '\\' }, { 'N', 0x85 }, { '_', 0xa0 }, { 'L', 0x2028 }, { 'P', 0x2029 } };
	uint32_t at = s->i++, digits, c = 0;
	char letter = s->i < s->to ? s->p[s->i] : 0;

	if (break_len(s, s->i)) {
		fold_lines(s, true);
		return;
	}
	s->i++;
	digits = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
	if (digits) {
		for (uint32_t k = 0; k < digits && s->i < s->to; k++)
			c = c << 4 | hex_digit(s->p[s->i++]);
		put_code_point(s, c, at);
		return;
	}
	for (size_t k = 0; k < countof(rows); k++) {
		if (rows[k].letter == letter) {
			put_code_point(s, rows[k].c, at);
			return;
		}
	}
	s->differs = true;
}

static void scan_flow(struct scan *s, char quote)
{
	if (quote) {
		s->i++;
		s->to--;
	}
	while (s->i < s->to && !s->differs && !s->nomem) {
		if (is_blank(s, s->i)) {
			flow_blanks(s);
		} else if (break_len(s, s->i)) {
			fold_lines(s, false);
		} else if (quote == '"' && s->p[s->i] == '\\') {
			double_escape(s);
		} else {
			put(s, s->p[s->i], s->i);
			s->i += quote == '\'' && s->p[s->i] == '\'' ? 2 : 1;
		}
	}
}

/* ---- block scalars ---- */

struct pending {
	uint32_t first,
		n; /* line breaks that are not decided yet: source from `first`, n of them after the leading one */
	bool leading;
	uint32_t leading_at;
	size_t leading_len;
	uint32_t breaks_from, breaks_to; /* the lines after the leading break that are empty */
};

/* Skip the indentation and empty lines; they wait in *w. */
static void block_breaks(struct scan *s, uint32_t indent, struct pending *w)
{
	w->breaks_from = w->breaks_to = s->i;
	for (;;) {
		uint32_t i = s->i, column = 0;
		size_t n;

		while (column < indent && i < s->to && s->p[i] == ' ') {
			i++;
			column++;
		}
		n = break_len(s, i);
		s->i = i;
		if (!n)
			return;
		s->i += (uint32_t)n;
		w->breaks_to = s->i;
	}
}

static void put_waiting_breaks(struct scan *s, const struct pending *w)
{
	for (uint32_t i = w->breaks_from; i < w->breaks_to;) {
		size_t n = break_len(s, i);

		if (n)
			put_break(s, i, n);
		i += n ? (uint32_t)n : 1;
	}
}

static uint32_t column_of(const struct scan *s, uint32_t i)
{
	uint32_t start = i;

	while (start && s->p[start - 1] == ' ')
		start--;
	return start && s->p[start - 1] != '\n' && s->p[start - 1] != '\r' ? 0 : i - start;
}

/* The indentation of the first line that has text, or of the longest empty one before it. */
static uint32_t detect_indent(const struct scan *s)
{
	uint32_t i = s->i, most = 0;

	for (;;) {
		uint32_t column = 0;
		size_t n;

		while (i < s->to && s->p[i] == ' ') {
			i++;
			column++;
		}
		most = column > most ? column : most;
		n = break_len(s, i);
		if (!n)
			return most ? most : 1;
		i += (uint32_t)n;
	}
}

static void block_line(struct scan *s, struct pending *w)
{
	while (s->i < s->to && !break_len(s, s->i)) {
		put(s, s->p[s->i], s->i);
		s->i++;
	}
	w->leading_at = s->i;
	w->leading_len = break_len(s, s->i);
	w->leading = w->leading_len != 0;
	s->i += (uint32_t)w->leading_len;
}

static void scan_block(struct scan *s, bool folded, int chomp, uint32_t indent)
{
	struct pending w = { 0 };
	bool was_blank = false;

	block_breaks(s, indent, &w);
	while (s->i < s->to && column_of(s, s->i) >= indent && !s->differs && !s->nomem) {
		bool blank = is_blank(s, s->i);

		if (folded && w.leading && w.leading_len < 3 && !was_blank && !blank) {
			if (w.breaks_from == w.breaks_to)
				put(s, ' ', w.leading_at);
		} else if (w.leading) {
			put_break(s, w.leading_at, w.leading_len);
		}
		put_waiting_breaks(s, &w);
		was_blank = blank;
		block_line(s, &w);
		block_breaks(s, indent, &w);
	}
	if (chomp >= 0 && w.leading)
		put_break(s, w.leading_at, w.leading_len);
	if (chomp > 0)
		put_waiting_breaks(s, &w);
}

/* The header line: style, then chomping and indentation in any order, then perhaps a comment. */
static uint32_t block_header(struct scan *s, int *chomp)
{
	uint32_t explicit_indent = 0;

	*chomp = 0;
	for (s->i++; s->i < s->to && !is_blank(s, s->i) && !break_len(s, s->i); s->i++) {
		char ch = s->p[s->i];

		if (ch == '+' || ch == '-')
			*chomp = ch == '+' ? 1 : -1;
		else if (ch >= '1' && ch <= '9')
			explicit_indent = (uint32_t)(ch - '0');
	}
	while (s->i < s->to && !break_len(s, s->i))
		s->i++;
	s->i += (uint32_t)break_len(s, s->i);
	return explicit_indent;
}

static void restart(struct scan *s, uint32_t from)
{
	s->i = from;
	s->n = s->n_segs = 0;
	s->differs = false;
}

static bool complete(const struct scan *s)
{
	return !s->differs && !s->nomem && s->n == s->want->len;
}

static void scan_block_any(struct scan *s, bool folded)
{
	int chomp;
	uint32_t add = block_header(s, &chomp), body = s->i;

	if (!add) {
		scan_block(s, folded, chomp, detect_indent(s));
		return;
	}
	/* an explicit indentation counts from the parent's, which is not known here: the one that fits is it */
	for (uint32_t parent = 0; parent <= RULE_MAX_DEPTH && !s->nomem; parent++) {
		restart(s, body);
		scan_block(s, folded, chomp, parent + add);
		if (complete(s))
			return;
	}
}

FALLIBLE rule_scalar_map(struct arena *a, const struct rule_file *f, uint32_t from, uint32_t to,
			 enum rule_scalar_style style, struct rule_text *value)
{
	struct scan s = {
		.a = a, .f = f, .p = f->text, .i = from, .to = to, .want = value, .segs = value->segs, .cap = 1
	};

	if (value->len && style <= SCALAR_DOUBLE)
		scan_flow(&s, style == SCALAR_SINGLE ? '\'' : style == SCALAR_DOUBLE ? '"' : 0);
	else if (value->len)
		scan_block_any(&s, style == SCALAR_FOLDED);
	if (s.nomem)
		return E_NOMEM;
	if (value->len && complete(&s)) {
		value->segs = s.segs;
		value->n_segs = s.n_segs;
		return E_OK;
	}
	value->segs[0] = (struct rule_seg){ .at = from, .fixed = true, .file = f };
	value->n_segs = 1;
	return E_OK;
}
