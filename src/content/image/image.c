/* SPDX-License-Identifier: Apache-2.0 */
/* image: what compiler and runtime must agree on besides bytes: prefixes of fields, and placeholders in output text. */
#include "content/image/image.h"

void image_prefix_of(const char *section_name, const struct template_section *s, uint32_t n, struct image_prefix *out)
{
	*out = (struct image_prefix){ .n = n, .last = n ? s->fields[n - 1].name : "" };
	template_digest(section_name, s, n, out->digest);
}

void image_prog_fields(const struct template_table *t, const struct template_type *type, const uint16_t *used,
		       uint32_t n_used, struct image_prog *out)
{
	uint32_t n_common = 0, n_own = 0;

	for (uint32_t i = 0; i < n_used; i++) {
		assert(template_field_at(t, type, used[i]) && "a field of this type");
		if (used[i] < TEMPLATE_CAP)
			n_common = used[i] + 1u;
		else
			n_own = used[i] - TEMPLATE_CAP + 1u;
	}
	out->type = type->name;
	out->used = used;
	out->n_used = n_used;
	image_prefix_of("common", &t->common, n_common, &out->common);
	image_prefix_of(type->name, &type->own, n_own, &out->own);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || c == '_' || c == '.';
}

/* Decimal digits from s[*at] on; *at moves past them. False when there are none, or the value is over max. */
static bool number(const char *s, size_t len, size_t *at, uint32_t max, uint32_t *out)
{
	uint32_t v = 0;
	size_t i = *at;

	for (; i < len && is_digit(s[i]); i++) {
		v = v * 10 + (uint32_t)(s[i] - '0');
		if (v > max)
			return false;
	}
	if (i == *at)
		return false;
	*at = i;
	*out = v;
	return true;
}

/* A transformer and its '(' at s: the bytes they take, or 0. */
static size_t transformer(const char *s, size_t len, uint8_t *out)
{
	static const char *const words[] = { [IMAGE_LOWER] = "tolower(",
					     [IMAGE_UPPER] = "toupper(",
					     [IMAGE_BASENAME] = "basename(",
					     [IMAGE_B64] = "b64(",
					     [IMAGE_LEN] = "len(" };

	for (uint8_t i = 0; i < countof(words); i++) {
		size_t n = strlen(words[i]);

		if (len >= n && !memcmp(s, words[i], n)) {
			*out = i;
			return n;
		}
	}
	return 0;
}

/* What stands between s[i] == '[' and its ']', as index or key; the place after it, or i when it is neither. */
static size_t subscript(const char *s, size_t len, size_t i, struct image_token *t)
{
	size_t end = i + 1, start;
	char quote = end < len && (s[end] == '"' || s[end] == '\'') ? s[end] : 0;
	uint32_t index;

	if (number(s, len, &end, IMAGE_MAX_INDEX, &index) && end < len && s[end] == ']') {
		t->index = (int32_t)index;
		return end + 1;
	}
	start = end = i + 1 + (quote != 0);
	while (end < len && s[end] && (quote ? s[end] != quote : !strchr("][\"'% \t\r\n", s[end])))
		end++;
	for (index = 0; start + index < end && is_digit(s[start + index]); index++)
		;
	if (start + index == end || end - start > IMAGE_MAX_NAME || end + (quote != 0) >= len ||
	    s[end + (quote != 0)] != ']')
		return i;
	t->key = s + start;
	t->key_len = (uint32_t)(end - start);
	return end + (quote != 0) + 1;
}

/* The field from s[i] on; the place after it, or 0. */
static size_t field(const char *s, size_t len, size_t i, struct image_token *t)
{
	size_t start = i;

	if (i >= len || s[i] < 'a' || s[i] > 'z')
		return 0;
	while (i < len && is_name(s[i]))
		i++;
	while (s[i - 1] == '.')
		i--;
	t->name = s + start;
	t->name_len = (uint32_t)(i - start);
	return i < len && s[i] == '[' ? subscript(s, len, i, t) : i;
}

size_t image_token(const char *s, size_t len, struct image_token *out)
{
	struct image_token t = { .index = -1 };
	size_t i = 1, start, n;

	if (len < 2 || s[0] != '%')
		return 0;
	if (is_digit(s[1]) && !number(s, len, &i, IMAGE_MAX_WIDTH, &t.width))
		return 0;
	start = i;
	while (t.n_transforms < IMAGE_MAX_TRANSFORMS &&
	       (n = transformer(s + i, len - i, &t.transforms[t.n_transforms])) != 0) {
		i += n;
		t.n_transforms++;
	}
	i = field(s, len, i, &t);
	for (uint32_t k = 0; i && k < t.n_transforms; k++)
		i = i < len && s[i] == ')' ? i + 1 : 0;
	if (!i)
		return 0;
	t.text = s + start;
	t.text_len = (uint32_t)(i - start);
	*out = t;
	return i;
}
