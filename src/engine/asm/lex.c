/* SPDX-License-Identifier: Apache-2.0 */
/* lex: characters to tokens. Comments and line ends are gone afterwards; positions stay. */
#include "engine/asm/internal.h"

static const char *const operators[] = {
	"s>>=", "<<=", ">>=", "s/=", "s%=", "s>=", "s<=", "s>", "s<", "+=", "-=", "*=",
	"/=",   "%=",  "|=",  "&=",  "^=",  "==",  "!=",  ">=", "<=", ">",  "<",  "&",
	"=",    "(",   ")",   "[",   "]",   "*",   "+",   "-",  ",",  ":",  "@",  "%"
};

static bool starts_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || c == '$';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool in_name(char c)
{
	return starts_name(c) || is_digit(c);
}

bool tok_is(const struct tok *t, const char *text)
{
	return (t->kind == TOK_NAME || t->kind == TOK_OP) && strlen(text) == t->len && !memcmp(t->p, text, t->len);
}

bool tok_is_name(const struct tok *t)
{
	return t->kind == TOK_NAME || t->kind == TOK_SYM;
}

const char *tok_said(const struct tok *t, char out[40])
{
	if (t->kind == TOK_END)
		return "the end of the line";
	(void)snprintf(out, 40, "'%.*s'", (int)(t->len < 36 ? t->len : 36), t->p);
	return out;
}

static bool at(const struct as *s, const char *text)
{
	size_t n = strlen(text);

	return (size_t)(s->end - s->p) >= n && !memcmp(s->p, text, n);
}

static void newline(struct as *s)
{
	s->p++;
	s->line++;
	s->line_start = s->p;
}

/* Over blanks and comments; not over the end of a line. */
static FALLIBLE skip(struct as *s)
{
	for (;;) {
		while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\r'))
			s->p++;
		if (at(s, "/*")) {
			struct tok open = {
				.kind = TOK_OP, .len = 2, .p = s->p, .line = s->line, .line_start = s->line_start
			};

			for (s->p += 2; s->p < s->end && !at(s, "*/");)
				if (*s->p == '\n')
					newline(s);
				else
					s->p++;
			if (s->p == s->end)
				FAIL_TOK(s, &open, FORMAT, 101, "a comment that does not end");
			s->p += 2;
			continue;
		}
		if (at(s, "#") || at(s, "//"))
			while (s->p < s->end && *s->p != '\n')
				s->p++;
		return E_OK;
	}
}

static FALLIBLE lex_end(struct as *s)
{
	s->t.kind = TOK_END;
	s->t.len = 0;
	if (s->p == s->end)
		return E_OK;
	if (*s->p == '\n')
		newline(s);
	else
		s->p++;
	return E_OK;
}

static unsigned digit(char c)
{
	if (is_digit(c))
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A' + 10);
	return 99;
}

static FALLIBLE lex_num(struct as *s)
{
	unsigned base = at(s, "0x") || at(s, "0X") ? 16 : 10;
	const char *p = s->p + (base == 16 ? 2 : 0), *first = p;
	bool over = false;

	s->t.kind = TOK_NUM;
	s->t.num = 0;
	for (; p < s->end && in_name(*p); p++) {
		over |= __builtin_mul_overflow(s->t.num, (uint64_t)base, &s->t.num);
		if (digit(*p) >= base)
			first = NULL;
		else
			over |= __builtin_add_overflow(s->t.num, (uint64_t)digit(*p), &s->t.num);
	}
	s->t.len = (uint32_t)(p - s->p);
	s->p = p;
	if (!first || p == first)
		FAIL_TOK(s, &s->t, FORMAT, 102, "'%.*s' is no number", (int)(s->t.len < 60 ? s->t.len : 60), s->t.p);
	if (over)
		FAIL_TOK(s, &s->t, FORMAT, 103, "the number does not fit into 64 bits");
	return E_OK;
}

/* r0, w10: a register even where there is none, so that the message can say so. */
static FALLIBLE lex_reg(struct as *s)
{
	const char *p = s->t.p + s->t.percent;

	s->t.width = *p == 'w' ? 32 : 64;
	s->t.num = 0;
	for (p++; p < s->t.p + s->t.len; p++)
		s->t.num = s->t.num * 10 + digit(*p);
	s->t.kind = TOK_REG;
	if (s->t.num >= ISA_N_REGS)
		FAIL_TOK(s, &s->t, FORMAT, 104, "there is no register '%.*s': they are r0 to r10", (int)s->t.len,
			 s->t.p);
	return E_OK;
}

static bool looks_like_reg(const char *p, size_t len)
{
	return (p[0] == 'r' || p[0] == 'w') && (len == 2 || len == 3) && is_digit(p[1]) && (len == 2 || is_digit(p[2]));
}

static FALLIBLE lex_name(struct as *s)
{
	const char *name = s->p + s->t.percent;

	for (s->p = name; s->p < s->end && in_name(*s->p);)
		s->p++;
	s->t.kind = TOK_NAME;
	s->t.len = (uint32_t)(s->p - s->t.p);
	if (looks_like_reg(name, (size_t)(s->p - name)))
		return lex_reg(s);
	if (s->t.percent)
		FAIL_TOK(s, &s->t, FORMAT, 104, "there is no register '%.*s': they are r0 to r10",
			 (int)(s->t.len < 60 ? s->t.len : 60), s->t.p);
	return E_OK;
}

/* "name", with \" \\ and \xHH: what is between the quotes, decoded. */
static FALLIBLE lex_quoted(struct as *s)
{
	const char *p = s->p + 1;
	char *text;
	size_t n = 0;

	while (p < s->end && *p != '"' && *p != '\n')
		p += *p == '\\' && p + 1 < s->end && p[1] != '\n' ? 2 : 1;
	s->t.len = (uint32_t)(p - s->p);
	if (p >= s->end || *p != '"')
		FAIL_TOK(s, &s->t, FORMAT, 105, "a quote that does not end in its line");
	text = arena_alloc(s->a, (size_t)(p - s->p));
	if (!text)
		return E_NOMEM;
	for (const char *c = s->p + 1; c < p; c++) {
		bool hex = p - c > 3 && c[0] == '\\' && c[1] == 'x' && digit(c[2]) < 16 && digit(c[3]) < 16;

		if (hex) {
			text[n++] = (char)(digit(c[2]) << 4 | digit(c[3]));
			c += 3;
		} else {
			text[n++] = *c == '\\' ? *++c : *c;
		}
	}
	s->p = p + 1;
	if (!n || memchr(text, 0, n))
		FAIL_TOK(s, &s->t, FORMAT, 106, "a name is empty or holds a zero byte");
	s->t.kind = TOK_SYM;
	s->t.p = text;
	s->t.len = (uint32_t)n;
	return E_OK;
}

static FALLIBLE lex_op(struct as *s)
{
	s->t.kind = TOK_OP;
	for (size_t i = 0; i < countof(operators); i++) {
		if (!at(s, operators[i]))
			continue;
		s->t.len = (uint32_t)strlen(operators[i]);
		s->p += s->t.len;
		return E_OK;
	}
	s->t.len = 1;
	FAIL_TOK(s, &s->t, FORMAT, 107, "a character that is not expected here");
}

FALLIBLE as_next(struct as *s)
{
	char c;

	TRY(skip(s));
	s->t = (struct tok){ .p = s->p, .line = s->line, .line_start = s->line_start };
	if (s->p == s->end || *s->p == '\n' || *s->p == ';')
		return lex_end(s);
	c = *s->p;
	if (is_digit(c))
		return lex_num(s);
	if (c == '"')
		return lex_quoted(s);
	s->t.percent = c == '%' && s->end - s->p > 1 && starts_name(s->p[1]);
	if (s->t.percent)
		return lex_name(s);
	if (c == 's' && s->end - s->p > 1 && strchr("></%", s->p[1]) && s->p[1])
		return lex_op(s);
	return starts_name(c) ? lex_name(s) : lex_op(s);
}
