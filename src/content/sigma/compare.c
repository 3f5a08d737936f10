/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare: the values of one field to comparisons of the rules language.
 *
 * A pattern becomes the cheapest operator that says it: equality, a prefix, a suffix, a part, else a glob. Patterns of
 * the same operator share one comparison with anyof or allof, so that the field's lower case is made once.
 */
#include "content/sigma/internal.h"

#include <arpa/inet.h>

enum op { OP_EXISTS, OP_EQ, OP_STARTS, OP_ENDS, OP_CONTAINS, OP_GLOB, N_OPS };

struct compare {
	struct sigma_ctx *c;
	const struct sigma_field *f;
	const struct sigma_test *t;
	struct buf *out;
	uint32_t n_parts; /* of the disjunction or conjunction that is being written */
	const struct sigma_why *why, *lost;
};

void sigma_put_quoted(struct buf *out, const char *p, size_t len)
{
	uint32_t cp;

	buf_putc(out, '"');
	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_decode(p + i, len - i, &cp);
		if (n == 1 && (cp == '"' || cp == '\\'))
			buf_printf(out, "\\%c", p[i]);
		else if (n == 1 && cp >= ' ' && cp < 0x7f)
			buf_putc(out, p[i]);
		else if (n > 1 && cp >= 0xa1 && cp < 0x2000)
			buf_put(out, p + i,
				n); /* letters; invisible characters and those that turn text around are above */
		else
			for (size_t k = 0; k < (n ? n : 1); k++)
				buf_printf(out, "\\x%02x", (uint8_t)p[i + k]);
		n = n ? n : 1;
	}
	buf_putc(out, '"');
}

static bool is_letter(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
}

static char lower(char ch)
{
	return ch >= 'A' && ch <= 'Z' ? (char)(ch + ('a' - 'A')) : ch;
}

/* ---- patterns on text ---- */

static enum op op_of(const struct sigma_pattern *p)
{
	bool before = p->len && p->glyph[0] == GLYPH_MANY;
	bool after = p->len > 1 && p->glyph[p->len - 1] == GLYPH_MANY;

	if (p->len == 1 && before)
		return OP_EXISTS;
	for (uint32_t i = before; i + after < p->len; i++)
		if (p->glyph[i] != GLYPH_BYTE)
			return OP_GLOB;
	return before && after ? OP_CONTAINS : before ? OP_ENDS : after ? OP_STARTS : OP_EQ;
}

static bool folds(const struct compare *k, const struct sigma_pattern *p)
{
	for (uint32_t i = 0; i < p->len && !k->t->cased; i++)
		if (p->glyph[i] == GLYPH_BYTE && is_letter(p->p[i]))
			return true;
	return false;
}

/* The operand of an operator: without the stars that it stands for; of a glob with escapes. */
static void put_operand(struct compare *k, const struct sigma_pattern *p, enum op op, bool lower_case)
{
	char *text = arena_alloc(k->c->a, 2 * (size_t)p->len + 1);
	size_t n = 0;

	if (!text) {
		k->c->no_memory = true;
		return;
	}
	for (uint32_t i = 0; i < p->len; i++) {
		if (p->glyph[i] == GLYPH_BYTE) {
			if (op == OP_GLOB && strchr("*?[\\", p->p[i]))
				text[n++] = '\\';
			text[n++] = lower_case ? lower(p->p[i]) : p->p[i];
		} else if (op == OP_GLOB) {
			text[n++] = p->glyph[i] == GLYPH_ONE ? '?' : '*';
		}
	}
	sigma_put_quoted(k->out, text, n);
}

static void next_part(struct compare *k, bool all)
{
	if (k->n_parts++)
		buf_puts(k->out, all ? " and " : " or ");
}

/* One comparison: the patterns of one operator. */
static void put_group(struct compare *k, const struct sigma_patterns *list, enum op op, bool all)
{
	static const char *const words[] = {
		[OP_EQ] = "=",      [OP_STARTS] = "startswith", [OP_ENDS] = "endswith", [OP_CONTAINS] = "contains",
		[OP_GLOB] = "glob",
	};
	bool fold = false, prefix, first = true;
	uint32_t n = 0;

	for (uint32_t i = 0; i < list->n; i++) {
		if (op_of(&list->p[i]) != op)
			continue;
		n++;
		fold |= folds(k, &list->p[i]);
	}
	if (!n)
		return;
	next_part(k, all);
	if (op == OP_EXISTS) {
		buf_printf(k->out, "%s exists", k->f->name);
		return;
	}
	/* one part is looked for as it is; for several, the field's lower case is made once */
	prefix = fold && (op == OP_GLOB || (op == OP_CONTAINS && n == 1));
	buf_printf(k->out, fold && !prefix ? "tolower(%s) " : "%s ", k->f->name);
	if (op == OP_EQ && n > 1 && !all)
		buf_puts(k->out, "in (");
	else
		buf_printf(k->out, "%s%s %s", prefix ? "i" : "", words[op], n == 1 ? "" : all ? "allof (" : "anyof (");
	for (uint32_t i = 0; i < list->n; i++) {
		if (op_of(&list->p[i]) != op)
			continue;
		if (!first)
			buf_puts(k->out, ", ");
		first = false;
		put_operand(k, &list->p[i], op, fold);
	}
	if (n > 1)
		buf_putc(k->out, ')');
}

static void put_groups(struct compare *k, const struct sigma_patterns *list, bool all)
{
	for (enum op op = 0; op < N_OPS; op++)
		put_group(k, list, op, all);
}

/* Directories that are links on today's systems: a resolved path stands below the second. */
static const struct {
	const char *link, *to;
} links[] = {
	{ "/bin/", "/usr/bin/" },     { "/sbin/", "/usr/sbin/" }, { "/lib/", "/usr/lib/" },
	{ "/lib64/", "/usr/lib64/" }, { "/var/run/", "/run/" },   { "/var/lock/", "/run/lock/" },
};

/* The pattern behind the link, in *out. False: there is none. */
static bool resolved(struct compare *k, const struct sigma_pattern *p, struct sigma_pattern *out)
{
	for (size_t i = 0; i < countof(links) && (k->f->flags & FIELD_RESOLVED); i++) {
		uint32_t from = (uint32_t)strlen(links[i].link), to = (uint32_t)strlen(links[i].to);

		/* a wildcard is a 0 in p->p: it equals no byte of the link */
		if (p->len < from || memcmp(p->p, links[i].link, from))
			continue;
		*out = (struct sigma_pattern){ .p = arena_alloc(k->c->a, p->len - from + to + 1),
					       .glyph = arena_alloc(k->c->a, p->len - from + to + 1),
					       .len = p->len - from + to };
		if (!out->p || !out->glyph) {
			k->c->no_memory = true;
			return false;
		}
		memcpy(out->p, links[i].to, to);
		memcpy(out->p + to, p->p + from, p->len - from);
		memcpy(out->glyph + to, p->glyph + from, p->len - from);
		return true;
	}
	return false;
}

static void add(struct compare *k, struct sigma_patterns *list, struct sigma_pattern p)
{
	if (sigma_patterns_add(k->c->a, list, p) != E_OK)
		k->c->no_memory = true;
}

/* Any of the values, with what they resolve to. */
static void put_any(struct compare *k)
{
	struct sigma_patterns list = { 0 };
	struct sigma_pattern other;

	for (uint32_t i = 0; i < k->t->n_values; i++) {
		if (k->t->values[i].null)
			continue;
		add(k, &list, k->t->values[i].pattern);
		if (resolved(k, &k->t->values[i].pattern, &other))
			add(k, &list, other);
	}
	put_groups(k, &list, false);
}

/* All of them: those with two forms are disjunctions of their own. */
static void put_all(struct compare *k)
{
	struct sigma_patterns list = { 0 };

	for (uint32_t i = 0; i < k->t->n_values; i++) {
		struct sigma_patterns two = { 0 };
		struct sigma_pattern other;
		uint32_t n_parts = k->n_parts;

		if (k->t->values[i].null)
			continue;
		if (!resolved(k, &k->t->values[i].pattern, &other)) {
			add(k, &list, k->t->values[i].pattern);
			continue;
		}
		add(k, &two, k->t->values[i].pattern);
		add(k, &two, other);
		next_part(k, true);
		buf_putc(k->out, '(');
		k->n_parts = 0;
		put_groups(k, &two, false);
		buf_putc(k->out, ')');
		k->n_parts = n_parts + 1;
	}
	put_groups(k, &list, true);
}

/* ---- numbers and addresses ---- */

static bool literal_text(const struct sigma_value *v, char *out, size_t max)
{
	if (v->pattern.len >= max || !sigma_pattern_is_literal(&v->pattern))
		return false;
	memcpy(out, v->pattern.p, v->pattern.len);
	out[v->pattern.len] = 0;
	return true;
}

static bool is_decimal(const char *s, bool is_signed)
{
	size_t n;

	s += is_signed && *s == '-';
	n = strspn(s, "0123456789");
	return n && !s[n] && n <= 18;
}

/* auditd writes an unset id as 2^32 - 1, tools that read it as -1 or unset. */
static const char *login_number(const struct compare *k, const char *s)
{
	if (!strcmp(k->f->name, "user.loginuid") && (!strcmp(s, "4294967295") || !strcasecmp(s, "unset")))
		return "-1";
	return s;
}

static void bad_value(struct compare *k, const struct sigma_value *v, const char *what)
{
	if (!k->why)
		k->why = sigma_why_new(k->c, MD_VALUE, v->node, "'%.60s' is no value for %s, which is %s",
				       (const char *)v->text.p, k->f->name, what);
}

static void put_numbers(struct compare *k)
{
	static const char *const words[] = { [TEST_LT] = "<", [TEST_LE] = "<=", [TEST_GT] = ">", [TEST_GE] = ">=" };
	const char *word = k->t->kind == TEST_PATTERN ? "=" : words[k->t->kind];

	for (uint32_t i = 0; i < k->t->n_values; i++) {
		const struct sigma_value *v = &k->t->values[i];
		char text[64];
		const char *number = text;

		if (v->null)
			continue;
		if (k->t->kind == TEST_PATTERN && op_of(&v->pattern) == OP_EXISTS) {
			next_part(k, k->t->all);
			buf_printf(k->out, "%s exists", k->f->name);
			continue;
		}
		if (k->t->kind != TEST_PATTERN)
			(void)snprintf(text, sizeof text, "%.60s", (const char *)v->text.p);
		else if (!literal_text(v, text, sizeof text))
			text[0] = 0;
		number = login_number(k, text);
		if (!is_decimal(number, k->f->type == TEMPLATE_I64)) {
			bad_value(k, v, "a number");
			return;
		}
		next_part(k, k->t->all);
		buf_printf(k->out, "%s %s %s", k->f->name, word, number);
	}
}

/* "10.1.*" as 10.1.0.0/16. */
static bool octets(const struct sigma_pattern *p, char *out, size_t max)
{
	unsigned dots = 0;
	char text[16];

	if (op_of(p) != OP_STARTS || p->len < 3 || p->len > 13 || p->p[p->len - 2] != '.')
		return false;
	memcpy(text, p->p, p->len - 1);
	text[p->len - 1] = 0;
	for (const char *s = text; *s; s++)
		dots += *s == '.';
	if (dots > 3)
		return false;
	(void)snprintf(out, max, "%s%s/%u", text, dots == 1 ? "0.0.0" : dots == 2 ? "0.0" : "0", 8 * dots);
	return true;
}

/* An address, or with `net` also a network. */
static bool is_address(const char *text, bool net)
{
	char copy[64], addr[16], *slash;
	bool four;

	(void)snprintf(copy, sizeof copy, "%s", text);
	slash = strchr(copy, '/');
	if (slash)
		*slash = 0;
	four = inet_pton(AF_INET, copy, addr) == 1;
	if (!four && inet_pton(AF_INET6, copy, addr) != 1)
		return false;
	if (!slash)
		return true;
	return net && is_decimal(slash + 1, false) && strlen(slash + 1) <= 3 &&
	       strtoul(slash + 1, NULL, 10) <= (four ? 32 : 128);
}

/* A value as an address or network; "*" for any. False: it is none. */
static bool address_of(struct compare *k, const struct sigma_value *v, char *out, size_t max)
{
	bool net = k->t->kind == TEST_CIDR;

	out[0] = 0;
	if (net && v->text.len < max)
		memcpy(out, v->text.p, v->text.len + 1);
	else if (!net && op_of(&v->pattern) == OP_EXISTS)
		(void)snprintf(out, max, "*");
	else if (!net && !literal_text(v, out, max))
		net = octets(&v->pattern, out, max);
	return out[0] == '*' || is_address(out, net);
}

static void put_addresses(struct compare *k)
{
	bool open = false;

	for (uint32_t i = 0; i < k->t->n_values; i++) {
		const struct sigma_value *v = &k->t->values[i];
		char text[64];

		if (v->null)
			continue;
		if (!address_of(k, v, text, sizeof text)) {
			bad_value(k, v, "an address");
			return;
		}
		if (open && (k->t->all || text[0] == '*'))
			buf_putc(k->out, ')');
		open &= !k->t->all && text[0] != '*';
		if (open) {
			buf_printf(k->out, ", \"%s\"", text);
			continue;
		}
		next_part(k, k->t->all);
		open = text[0] != '*';
		buf_printf(k->out, open ? "%s in (\"%s\"" : "%s exists", k->f->name, text);
	}
	if (open)
		buf_putc(k->out, ')');
}

/* ---- names of hosts ---- */

static bool is_host(const char *s)
{
	return s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.")] == 0 && s[0] != '.' &&
	       s[0] != '-' && strchr(s, '.') && s[strlen(s) - 1] != '.';
}

/* A pattern as the host name that it holds. Names in rules are resolved, so that only whole names can be asked for. */
static bool host_name(struct compare *k, const struct sigma_value *v, char *out, size_t max)
{
	const struct sigma_pattern *p = &v->pattern;
	bool before = p->len && p->glyph[0] == GLYPH_MANY;
	bool after = p->len > 1 && p->glyph[p->len - 1] == GLYPH_MANY;
	uint32_t n = 0;

	if (p->len >= max)
		return false;
	for (uint32_t i = before; i + after < p->len; i++) {
		if (p->glyph[i] != GLYPH_BYTE)
			return false;
		out[n++] = lower(p->p[i]);
	}
	out[n] = 0;
	if (!is_host(out))
		return false;
	if ((before || after) && !k->lost)
		k->lost = sigma_why_new(k->c, MD_VALUE, v->node,
					"hosts are found by the addresses of the names in rules: of '%.60s' only that "
					"name itself",
					out);
	return true;
}

static void put_hosts(struct compare *k)
{
	bool first = true;

	for (uint32_t i = 0; i < k->t->n_values; i++) {
		const struct sigma_value *v = &k->t->values[i];
		char name[256];

		if (v->null)
			continue;
		if (k->t->all || !host_name(k, v, name, sizeof name)) {
			bad_value(k, v, "a whole host name");
			return;
		}
		if (first)
			next_part(k, false);
		if (first)
			buf_printf(k->out, "%s in (", k->f->name);
		buf_printf(k->out, "%s\"%s\"", first ? "" : ", ", name);
		first = false;
	}
	if (!first)
		buf_putc(k->out, ')');
}

/* ---- expressions ---- */

static void put_expressions(struct compare *k)
{
	for (uint32_t i = 0; i < k->t->n_values && !k->why; i++) {
		struct view text = k->t->values[i].text;
		bool fold = k->t->ignore_case || (text.len > 4 && !memcmp(text.p, "(?i)", 4));

		next_part(k, k->t->all);
		buf_printf(k->out, fold ? "tolower(%s) regex " : "%s regex ", k->f->name);
		sigma_regex(k->c, &k->t->values[i], fold, k->out, &k->why);
	}
}

/* ---- all of them ---- */

static bool is_number(enum template_field_type type)
{
	return type == TEMPLATE_U64 || type == TEMPLATE_I64 || type == TEMPLATE_TIME || type == TEMPLATE_PORT;
}

static void put_nulls(struct compare *k)
{
	for (uint32_t i = 0; i < k->t->n_values; i++) {
		if (!k->t->values[i].null)
			continue;
		next_part(k, k->t->all);
		buf_printf(k->out, "not %s exists", k->f->name);
		return;
	}
}

/* The modifier asks for a kind of field. */
static bool kind_fits(struct compare *k)
{
	bool number = is_number(k->f->type), address = k->f->type == TEMPLATE_IP;
	bool order = k->t->kind >= TEST_LT && k->t->kind <= TEST_GE;

	if ((order && !number) || (k->t->kind == TEST_CIDR && !address) ||
	    (k->t->kind == TEST_REGEX && (number || address || k->f->type == TEMPLATE_NAMES))) {
		k->why = sigma_why_new(k->c, MD_MODIFIER, k->t->at, "the modifier does not fit %s, which is %s",
				       k->f->name,
				       number    ? "a number"
				       : address ? "an address"
						 : "text");
		return false;
	}
	return true;
}

static void put_values(struct compare *k)
{
	put_nulls(k);
	if (k->t->kind == TEST_REGEX)
		put_expressions(k);
	else if (is_number(k->f->type))
		put_numbers(k);
	else if (k->f->type == TEMPLATE_IP)
		put_addresses(k);
	else if (k->f->type == TEMPLATE_NAMES)
		put_hosts(k);
	else if (k->t->all)
		put_all(k);
	else
		put_any(k);
}

void sigma_compare(struct sigma_ctx *c, const struct sigma_field *f, const struct sigma_test *t, struct buf *out,
		   const struct sigma_why **why, const struct sigma_why **lost)
{
	struct compare k = { .c = c, .f = f, .t = t, .out = out };
	size_t start = out->len;

	if (kind_fits(&k)) {
		buf_putc(out, '(');
		if (t->differs)
			buf_printf(out, "%s exists and not (", f->name);
		put_values(&k);
		buf_puts(out, t->differs ? "))" : ")");
		if (k.n_parts == 1 && !t->differs && !out->full) { /* one comparison needs no parentheses */
			memmove(out->p + start, out->p + start + 1, out->len - start - 2);
			out->len -= 2;
			out->p[out->len] = 0;
		}
	}
	*lost = k.lost;
	if (!k.why)
		return;
	*why = k.why;
	if (out->p) {
		out->len = start;
		out->p[start] = 0;
	}
}
