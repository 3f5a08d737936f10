/* SPDX-License-Identifier: Apache-2.0 */
/* encode: the modifiers that change what a value is: Base64 (RFC 4648, section 4), UTF-16, dashes. */
#include "content/sigma/internal.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* bytes with `skip` zero bytes before them; *ret_len digits, padding included. */
static char *base64(struct arena *a, const char *p, size_t len, size_t skip, size_t *ret_len)
{
	size_t n = skip + len, k = 0;
	char *out = arena_alloc(a, (n + 2) / 3 * 4 + 1);

	for (size_t i = 0; out && i < n; i += 3) {
		uint32_t word = 0;

		for (size_t b = i; b < i + 3; b++)
			word = word << 8 | (b >= skip && b < n ? (uint8_t)p[b - skip] : 0);
		for (int d = 0; d < 4; d++)
			out[k++] = i + d > n ? '=' : digits[word >> (18 - 6 * d) & 63];
	}
	*ret_len = k;
	return out;
}

/* The digits that are the same whatever stands around the bytes, at one of three offsets. */
static FALLIBLE add_offset(struct arena *a, const struct sigma_pattern *p, size_t offset, struct sigma_patterns *out)
{
	static const size_t drop_first[3] = { 0, 2, 3 }, drop_last[3] = { 0, 3, 2 };
	size_t len, cut = drop_last[(p->len + offset) % 3];
	char *text = base64(a, p->p, p->len, offset, &len);
	struct sigma_pattern one;

	if (!text)
		return E_NOMEM;
	if (len <= drop_first[offset] + cut)
		return E_INVALID;
	TRY(sigma_pattern_literal(a, text + drop_first[offset], len - drop_first[offset] - cut, &one));
	return sigma_patterns_add(a, out, one);
}

static FALLIBLE add_base64(struct arena *a, const struct sigma_pattern *p, struct sigma_patterns *out)
{
	size_t len;
	char *text = base64(a, p->p, p->len, 0, &len);
	struct sigma_pattern one;

	if (!text)
		return E_NOMEM;
	TRY(sigma_pattern_literal(a, text, len, &one));
	return sigma_patterns_add(a, out, one);
}

static size_t put_unit(char *out, uint32_t unit, bool big)
{
	out[big] = (char)(unit & 0xff);
	out[!big] = (char)(unit >> 8);
	return 2;
}

static FALLIBLE add_utf16(struct arena *a, const struct sigma_pattern *p, bool big, bool mark,
			  struct sigma_patterns *out)
{
	char *text = arena_alloc(a, 2 * (size_t)p->len + 3);
	size_t n = 0;
	struct sigma_pattern one;
	uint32_t cp;

	if (!text)
		return E_NOMEM;
	if (mark)
		n = put_unit(text, 0xfeff, big);
	for (size_t i = 0, step; i < p->len; i += step) {
		step = utf8_decode(p->p + i, p->len - i, &cp);
		if (!step)
			return E_INVALID; /* it was encoded before */
		if (cp >= 0x10000)
			n += put_unit(text + n, 0xd800 + ((cp - 0x10000) >> 10), big);
		n += put_unit(text + n, cp >= 0x10000 ? 0xdc00 + ((cp - 0x10000) & 0x3ff) : cp, big);
	}
	TRY(sigma_pattern_literal(a, text, n, &one));
	return sigma_patterns_add(a, out, one);
}

FALLIBLE sigma_encode(struct arena *a, enum sigma_encoding how, const struct sigma_pattern *p,
		      struct sigma_patterns *out)
{
	if (!sigma_pattern_is_literal(p) || !p->len)
		return E_INVALID;
	switch (how) {
	case ENCODE_BASE64:
		return add_base64(a, p, out);
	case ENCODE_BASE64_OFFSET:
		for (size_t offset = 0; offset < 3; offset++)
			TRY(add_offset(a, p, offset, out));
		return E_OK;
	case ENCODE_UTF16LE:
	case ENCODE_UTF16BE:
	case ENCODE_UTF16:
		return add_utf16(a, p, how == ENCODE_UTF16BE, how == ENCODE_UTF16, out);
	}
	return E_BUG;
}

/* ---- windash ---- */

static bool is_word(const struct sigma_pattern *p, uint32_t i)
{
	char ch = i < p->len && p->glyph[i] == GLYPH_BYTE ? p->p[i] : 0;

	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '_' ||
	       (uint8_t)ch >= 0x80;
}

/* A dash or slash that begins a flag: a letter or digit after it, none before. */
static bool begins_flag(const struct sigma_pattern *p, uint32_t i)
{
	return p->glyph[i] == GLYPH_BYTE && (p->p[i] == '-' || p->p[i] == '/') && is_word(p, i + 1) &&
	       !(i && is_word(p, i - 1));
}

/* The form of p whose k-th flag begins with the (choice / 5^k mod 5)-th dash. */
static FALLIBLE windash_form(struct arena *a, const struct sigma_pattern *p, uint32_t choice, struct sigma_pattern *out)
{
	static const char *const dashes[] = { "-", "/", "\xe2\x80\x93", "\xe2\x80\x94", "\xe2\x80\x95" };
	size_t room = (size_t)p->len + 2 * SIGMA_MAX_WINDASH + 1;

	*out = (struct sigma_pattern){ .p = arena_alloc(a, room), .glyph = arena_alloc(a, room) };
	if (!out->p || !out->glyph)
		return E_NOMEM;
	for (uint32_t i = 0; i < p->len; i++) {
		const char *s = &p->p[i];
		size_t n = 1;

		if (begins_flag(p, i)) {
			s = dashes[choice % countof(dashes)];
			n = strlen(s);
			choice /= countof(dashes);
		}
		memcpy(out->p + out->len, s, n);
		memset(out->glyph + out->len, p->glyph[i], n);
		out->len += (uint32_t)n;
	}
	return E_OK;
}

FALLIBLE sigma_windash(struct arena *a, const struct sigma_pattern *p, struct sigma_patterns *out)
{
	uint32_t forms = 1, flags = 0;

	for (uint32_t i = 0; i < p->len; i++) {
		if (!begins_flag(p, i))
			continue;
		if (++flags > SIGMA_MAX_WINDASH)
			return E_LIMIT;
		forms *= 5;
	}
	for (uint32_t k = 0; k < forms; k++) {
		struct sigma_pattern one;

		TRY(windash_form(a, p, k, &one));
		TRY(sigma_patterns_add(a, out, one));
	}
	return E_OK;
}
