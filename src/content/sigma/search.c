/* SPDX-License-Identifier: Apache-2.0 */
/*
 * search: what a search identifier says: a mapping of fields (all must hold), a list of mappings (one must), or
 * keywords.
 *
 * Modifiers are applied here, in their order: what reaches the later stages is patterns, expressions, networks or
 * numbers.
 */
#include "content/sigma/internal.h"

enum modifier_kind { MOD_FLAG, MOD_STARS, MOD_ENCODE, MOD_WINDASH, MOD_KIND, MOD_REFUSED };

static const struct modifier {
	const char *name;
	enum modifier_kind kind;
	int arg;
	const char *why; /* REFUSED */
} modifiers[] = {
	{ "all", MOD_FLAG, 'a', NULL },
	{ "cased", MOD_FLAG, 'c', NULL },
	{ "neq", MOD_FLAG, 'n', NULL },
	{ "contains", MOD_STARS, 3, NULL },
	{ "endswith", MOD_STARS, 1, NULL },
	{ "startswith", MOD_STARS, 2, NULL },
	{ "base64", MOD_ENCODE, ENCODE_BASE64, NULL },
	{ "base64offset", MOD_ENCODE, ENCODE_BASE64_OFFSET, NULL },
	{ "utf16le", MOD_ENCODE, ENCODE_UTF16LE, NULL },
	{ "wide", MOD_ENCODE, ENCODE_UTF16LE, NULL },
	{ "utf16be", MOD_ENCODE, ENCODE_UTF16BE, NULL },
	{ "utf16", MOD_ENCODE, ENCODE_UTF16, NULL },
	{ "windash", MOD_WINDASH, 0, NULL },
	{ "re", MOD_KIND, TEST_REGEX, NULL },
	{ "i", MOD_FLAG, 'i', NULL },
	{ "cidr", MOD_KIND, TEST_CIDR, NULL },
	{ "exists", MOD_KIND, TEST_EXISTS, NULL },
	{ "lt", MOD_KIND, TEST_LT, NULL },
	{ "lte", MOD_KIND, TEST_LE, NULL },
	{ "gt", MOD_KIND, TEST_GT, NULL },
	{ "gte", MOD_KIND, TEST_GE, NULL },
	{ "m", MOD_REFUSED, 0, "the rules language has no lines in a text" },
	{ "s", MOD_REFUSED, 0, "a dot of the rules language is never a newline" },
	{ "fieldref", MOD_REFUSED, 0, "the rules language compares with values, not with other fields" },
	{ "expand", MOD_REFUSED, 0, "placeholders get their values from the one who converts: put them in first" },
	{ "minute", MOD_REFUSED, 0, "there are no dates in fields" },
	{ "hour", MOD_REFUSED, 0, "there are no dates in fields" },
	{ "day", MOD_REFUSED, 0, "there are no dates in fields" },
	{ "week", MOD_REFUSED, 0, "there are no dates in fields" },
	{ "month", MOD_REFUSED, 0, "there are no dates in fields" },
	{ "year", MOD_REFUSED, 0, "there are no dates in fields" },
};

struct chain {
	const struct modifier *m[SIGMA_MAX_MODIFIERS];
	uint32_t n; /* of those that change values */
};

struct sigma_expr *sigma_expr_new(struct sigma_ctx *c, enum sigma_expr_kind kind)
{
	struct sigma_expr *e = ARENA_NEW(c->a, struct sigma_expr);

	if (e)
		e->kind = (uint8_t)kind;
	return e;
}

FALLIBLE sigma_expr_add(struct sigma_ctx *c, struct sigma_expr *e, struct sigma_expr *kid)
{
	e->kids = arena_grow(c->a, e->kids, e->n, &e->cap, sizeof(struct sigma_expr *));
	if (!e->kids)
		return E_NOMEM;
	e->kids[e->n++] = kid;
	return E_OK;
}

static void refuse(struct sigma_test *t, const struct sigma_why *why)
{
	if (!t->why)
		t->why = why;
}

/* ---- field|modifier|modifier ---- */

static const struct modifier *find_modifier(const char *s, size_t len)
{
	for (size_t i = 0; i < countof(modifiers); i++)
		if (strlen(modifiers[i].name) == len && !memcmp(modifiers[i].name, s, len))
			return &modifiers[i];
	return NULL;
}

static void set_flag(struct sigma_ctx *c, struct sigma_test *t, int flag)
{
	t->all |= flag == 'a';
	t->cased |= flag == 'c';
	t->differs |= flag == 'n';
	t->ignore_case |= flag == 'i';
	if (flag == 'i' && t->kind != TEST_REGEX)
		refuse(t, sigma_why_new(c, MD_MODIFIER, t->at, "the modifier 'i' belongs to 're'"));
}

static void set_kind(struct sigma_ctx *c, struct sigma_test *t, const struct chain *ch, const struct modifier *m)
{
	if (t->kind != TEST_PATTERN || ch->n)
		refuse(t, sigma_why_new(c, MD_MODIFIER, t->at, "the modifier '%s' cannot follow the one before it",
					m->name));
	t->kind = (uint8_t)m->arg;
}

static FALLIBLE take_modifier(struct sigma_ctx *c, struct sigma_test *t, struct chain *ch, const struct modifier *m)
{
	if (m->kind == MOD_FLAG) {
		set_flag(c, t, m->arg);
	} else if (m->kind == MOD_KIND) {
		set_kind(c, t, ch, m);
	} else if (m->kind == MOD_REFUSED) {
		refuse(t, sigma_why_new(c, MD_MODIFIER, t->at, "the modifier '%s': %s", m->name, m->why));
	} else if (ch->n == SIGMA_MAX_MODIFIERS) {
		refuse(t, sigma_why_new(c, MD_TOO_LARGE, t->at, "more than %d modifiers", SIGMA_MAX_MODIFIERS));
	} else {
		if (t->kind != TEST_PATTERN)
			refuse(t, sigma_why_new(c, MD_MODIFIER, t->at, "'%s' cannot follow the modifier before it",
						m->name));
		ch->m[ch->n++] = m;
	}
	return E_OK;
}

static FALLIBLE read_key(struct sigma_ctx *c, const struct rule_node *key, struct sigma_test *t, struct chain *ch)
{
	struct view text = rule_node_text(key);
	const char *s = (const char *)text.p, *end = s + text.len, *bar = memchr(s, '|', text.len);
	size_t len = bar ? (size_t)(bar - s) : text.len;

	t->at = key;
	t->field = len ? arena_strndup(c->a, s, len) : NULL;
	if (len && !t->field)
		return E_NOMEM;
	while (bar) {
		const char *name = bar + 1;
		const struct modifier *m;

		bar = memchr(name, '|', (size_t)(end - name));
		len = (size_t)((bar ? bar : end) - name);
		m = find_modifier(name, len);
		if (!m)
			return sigma_malformed(c, MD_NO_MODIFIER, key, (uint32_t)(name - s), (uint32_t)len,
					       "there is no modifier '%.*s'", (int)(len < 60 ? len : 60), name);
		TRY(take_modifier(c, t, ch, m));
	}
	return E_OK;
}

/* ---- values ---- */

static FALLIBLE apply(struct sigma_ctx *c, const struct modifier *m, const struct sigma_patterns *in,
		      struct sigma_patterns *out)
{
	for (uint32_t i = 0; i < in->n; i++) {
		struct sigma_pattern starred;

		if (m->kind == MOD_ENCODE) {
			TRY(sigma_encode(c->a, (enum sigma_encoding)m->arg, &in->p[i], out));
		} else if (m->kind == MOD_WINDASH) {
			TRY(sigma_windash(c->a, &in->p[i], out));
		} else {
			TRY(sigma_pattern_stars(c->a, &in->p[i], m->arg & 1, m->arg & 2, &starred));
			TRY(sigma_patterns_add(c->a, out, starred));
		}
	}
	return E_OK;
}

static FALLIBLE add_value(struct sigma_ctx *c, struct sigma_test *t, struct sigma_value v)
{
	if (t->n_values == SIGMA_MAX_VALUES) {
		refuse(t, sigma_why_new(c, MD_TOO_LARGE, v.node, "a field has more than %d values", SIGMA_MAX_VALUES));
		return E_OK;
	}
	t->values = arena_grow(c->a, t->values, t->n_values, &t->cap, sizeof *t->values);
	if (!t->values)
		return E_NOMEM;
	t->values[t->n_values++] = v;
	return E_OK;
}

/* A value that no modifier left as one pattern: any of its forms will do, also where all values must match. */
static void check_forms(struct sigma_ctx *c, struct sigma_test *t, const struct sigma_patterns *forms,
			const struct rule_node *n)
{
	if (t->all && forms->n > 1)
		refuse(t, sigma_why_new(c, MD_MODIFIER, n, "'all' with a modifier that gives a value several forms"));
	for (uint32_t i = 0; i < forms->n; i++)
		for (uint32_t k = 0; k < forms->p[i].len; k++)
			if (forms->p[i].glyph[k] == GLYPH_BYTE && !forms->p[i].p[k])
				refuse(t, sigma_why_new(c, MD_MODIFIER, n,
							"UTF-16 holds NUL bytes, which no text of a process can"));
}

static FALLIBLE add_pattern(struct sigma_ctx *c, struct sigma_test *t, const struct chain *ch,
			    const struct rule_node *n)
{
	struct sigma_patterns now = { 0 }, next;
	struct sigma_pattern p;
	enum err err = E_OK;

	TRY(sigma_pattern_parse(c->a, rule_node_text(n), &p));
	TRY(sigma_patterns_add(c->a, &now, p));
	for (uint32_t i = 0; i < ch->n && !err; i++) {
		next = (struct sigma_patterns){ 0 };
		err = apply(c, ch->m[i], &now, &next);
		now = next;
	}
	if (err == E_INVALID || err == E_LIMIT) {
		refuse(t, sigma_why_new(c, MD_MODIFIER, n,
					err == E_LIMIT ? "the modifiers give the value too many forms"
						       : "a modifier needs a longer value without wildcards"));
		return E_OK;
	}
	TRY(err);
	check_forms(c, t, &now, n);
	for (uint32_t i = 0; i < now.n; i++)
		TRY(add_value(c, t, (struct sigma_value){ .pattern = now.p[i], .text = rule_node_text(n), .node = n }));
	return E_OK;
}

static FALLIBLE read_value(struct sigma_ctx *c, struct sigma_test *t, const struct chain *ch, const struct rule_node *n)
{
	if (!rule_node_is(n, NODE_SCALAR))
		return sigma_malformed(c, MD_WRONG_KIND, n, 0, 0, "a value is text or a number, or a list of them");
	if (rule_node_is_null(n)) {
		if (t->kind != TEST_PATTERN || ch->n)
			refuse(t, sigma_why_new(c, MD_MODIFIER, n, "null takes no modifier"));
		return add_value(c, t, (struct sigma_value){ .null = true, .text = rule_node_text(n), .node = n });
	}
	if (t->kind == TEST_PATTERN)
		return add_pattern(c, t, ch, n);
	return add_value(c, t, (struct sigma_value){ .text = rule_node_text(n), .node = n });
}

static FALLIBLE read_values(struct sigma_ctx *c, struct sigma_test *t, const struct chain *ch,
			    const struct rule_node *n)
{
	if (!rule_node_is(n, NODE_SEQ))
		return read_value(c, t, ch, n);
	if (!rule_node_count(n))
		return sigma_malformed(c, MD_WRONG_KIND, n, 0, 0, "the list of values is empty");
	for (uint32_t i = 0; i < rule_node_count(n); i++)
		TRY(read_value(c, t, ch, rule_node_at(n, i)));
	return E_OK;
}

/* ---- the shapes ---- */

static FALLIBLE test_expr(struct sigma_ctx *c, struct sigma_test **test, struct sigma_expr **out)
{
	*out = sigma_expr_new(c, EXPR_TEST);
	*test = ARENA_NEW(c->a, struct sigma_test);
	if (!*out || !*test)
		return E_NOMEM;
	(*out)->test = *test;
	return E_OK;
}

static FALLIBLE read_map(struct sigma_ctx *c, const struct rule_node *n, struct sigma_expr **out)
{
	*out = sigma_expr_new(c, EXPR_AND);
	if (!*out)
		return E_NOMEM;
	if (!rule_node_count(n))
		return sigma_malformed(c, MD_WRONG_KIND, n, 0, 0, "the mapping is empty");
	for (uint32_t i = 0; i < rule_node_count(n); i++) {
		struct sigma_expr *kid;
		struct sigma_test *t;
		struct chain ch = { .n = 0 };

		TRY(test_expr(c, &t, &kid));
		TRY(read_key(c, rule_node_key(n, i), t, &ch));
		TRY(read_values(c, t, &ch, rule_node_at(n, i)));
		TRY(sigma_expr_add(c, *out, kid));
	}
	return E_OK;
}

/* One keyword, or a list of nothing but keywords. */
static FALLIBLE read_keywords(struct sigma_ctx *c, const struct rule_node *n, struct sigma_expr **out)
{
	struct sigma_test *t;
	struct chain none = { .n = 0 };

	TRY(test_expr(c, &t, out));
	t->at = n;
	return read_values(c, t, &none, n);
}

static bool only_keywords(const struct rule_node *list)
{
	for (uint32_t i = 0; i < rule_node_count(list); i++)
		if (!rule_node_is(rule_node_at(list, i), NODE_SCALAR))
			return false;
	return true;
}

static FALLIBLE read_element(struct sigma_ctx *c, const struct rule_node *n, struct sigma_expr **out)
{
	if (rule_node_is(n, NODE_MAP))
		return read_map(c, n, out);
	if (rule_node_is(n, NODE_SCALAR))
		return read_keywords(c, n, out);
	return sigma_malformed(c, MD_WRONG_KIND, n, 0, 0, "a list inside a list");
}

FALLIBLE sigma_read_search(struct sigma_ctx *c, const struct rule_node *n, struct sigma_expr **out)
{
	if (!rule_node_is(n, NODE_SEQ))
		return read_element(c, n, out);
	if (only_keywords(n))
		return read_keywords(c, n, out);
	*out = sigma_expr_new(c, EXPR_OR);
	if (!*out)
		return E_NOMEM;
	for (uint32_t i = 0; i < rule_node_count(n); i++) {
		struct sigma_expr *kid;

		TRY(read_element(c, rule_node_at(n, i), &kid));
		TRY(sigma_expr_add(c, *out, kid));
	}
	return E_OK;
}
