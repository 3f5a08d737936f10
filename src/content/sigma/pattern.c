/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pattern: Sigma's strings: bytes, `*` for any number of characters, `?` for one.
 *
 * A backslash takes the meaning from `*`, `?` and a backslash after it; before anything else it is itself
 * (specification, "Escape Character").
 */
#include "content/sigma/internal.h"

static FALLIBLE pattern_new(struct arena *a, size_t room, struct sigma_pattern *out)
{
	*out = (struct sigma_pattern){ .p = arena_alloc(a, room + 1), .glyph = arena_alloc(a, room + 1) };
	return out->p && out->glyph ? E_OK : E_NOMEM;
}

static void push(struct sigma_pattern *p, enum sigma_glyph glyph, char byte)
{
	p->p[p->len] = glyph == GLYPH_BYTE ? byte : 0;
	p->glyph[p->len++] = (uint8_t)glyph;
}

FALLIBLE sigma_pattern_parse(struct arena *a, struct view text, struct sigma_pattern *out)
{
	const char *s = (const char *)text.p;

	TRY(pattern_new(a, text.len, out));
	for (size_t i = 0; i < text.len; i++) {
		if (s[i] == '\\' && i + 1 < text.len && memchr("*?\\", s[i + 1], 3))
			push(out, GLYPH_BYTE, s[++i]);
		else if (s[i] == '*' && !(out->len && out->glyph[out->len - 1] == GLYPH_MANY))
			push(out, GLYPH_MANY, 0);
		else if (s[i] != '*')
			push(out, s[i] == '?' ? GLYPH_ONE : GLYPH_BYTE, s[i]);
	}
	return E_OK;
}

FALLIBLE sigma_pattern_literal(struct arena *a, const char *p, size_t len, struct sigma_pattern *out)
{
	TRY(pattern_new(a, len, out));
	for (size_t i = 0; i < len; i++)
		push(out, GLYPH_BYTE, p[i]);
	return E_OK;
}

bool sigma_pattern_is_literal(const struct sigma_pattern *p)
{
	for (uint32_t i = 0; i < p->len; i++)
		if (p->glyph[i] != GLYPH_BYTE)
			return false;
	return true;
}

FALLIBLE sigma_pattern_stars(struct arena *a, const struct sigma_pattern *p, bool before, bool after,
			     struct sigma_pattern *out)
{
	struct sigma_pattern in = *p;

	TRY(pattern_new(a, (size_t)in.len + 2, out));
	if (before && !(in.len && in.glyph[0] == GLYPH_MANY))
		push(out, GLYPH_MANY, 0);
	for (uint32_t i = 0; i < in.len; i++)
		push(out, in.glyph[i], in.p[i]);
	if (after && !(out->len && out->glyph[out->len - 1] == GLYPH_MANY))
		push(out, GLYPH_MANY, 0);
	return E_OK;
}

static char fold_case(char ch)
{
	return ch >= 'A' && ch <= 'Z' ? (char)(ch + ('a' - 'A')) : ch;
}

bool sigma_pattern_matches(const struct sigma_pattern *p, const char *s, size_t len)
{
	size_t i = 0, k = 0, star = SIZE_MAX, from = 0;

	while (i < len) {
		if (k < p->len && p->glyph[k] == GLYPH_MANY) {
			star = k++;
			from = i;
		} else if (k < p->len && (p->glyph[k] == GLYPH_ONE || fold_case(p->p[k]) == fold_case(s[i]))) {
			k++;
			i++;
		} else if (star != SIZE_MAX) {
			k = star + 1;
			i = ++from;
		} else {
			return false;
		}
	}
	while (k < p->len && p->glyph[k] == GLYPH_MANY)
		k++;
	return k == p->len;
}

FALLIBLE sigma_patterns_add(struct arena *a, struct sigma_patterns *list, struct sigma_pattern p)
{
	if (list->n == SIGMA_MAX_VALUES)
		return E_LIMIT;
	list->p = arena_grow(a, list->p, list->n, &list->cap, sizeof *list->p);
	if (!list->p)
		return E_NOMEM;
	list->p[list->n++] = p;
	return E_OK;
}
