/* SPDX-License-Identifier: Apache-2.0 */
/* sample_expr: values to try where a comparison computes: transformers, undone one by one, and fields with fields. */
#include "content/rule/sample.h"
#include "engine/helpers/helpers.h"

static bool picked(const struct rule_expr *e)
{
	return e->index >= 0 || e->key;
}

/* Which of the part's fields it is, or -1. */
static int field_of(const struct sampler *s, const struct rule_expr *e)
{
	for (uint32_t i = 0; i < s->part->n_fields && i < RULE_SAMPLE_FIELDS; i++) {
		const struct rule_part_field *f = &s->part->fields[i];

		if (!strcmp(f->name, e->text) && f->index == e->index && !f->key == !e->key &&
		    (!f->key || !strcmp(f->key, e->key)))
			return (int)i;
	}
	return -1;
}

static bool invert_field(struct sampler *s, const struct rule_expr *e, struct rule_sample_value want,
			 struct rule_sample *one)
{
	int field = field_of(s, e);

	if (field < 0)
		return false;
	want.field = (uint32_t)field;
	if (want.element != -2)
		want.element = e->index;
	if (s->rows[field]->type == TEMPLATE_DICT)
		want.key = e->key ? e->key : "k";
	return sample_add(s, one, want);
}

static struct rule_sample_value whole(const char *text)
{
	return (struct rule_sample_value){ .element = -1, .text = text, .len = text ? (uint32_t)strlen(text) : 0 };
}

static bool invert_b64(struct sampler *s, const struct rule_expr *e, struct rule_sample_value want,
		       struct rule_sample *one)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *text = arena_alloc(s->a, want.len / 3 * 4 + 5);
	uint32_t n = 0;

	for (uint32_t i = 0; text && i < want.len; i += 3) {
		uint32_t left = want.len - i, bits = (uint32_t)(uint8_t)want.text[i] << 16;

		bits |= left > 1 ? (uint32_t)(uint8_t)want.text[i + 1] << 8 : 0;
		bits |= left > 2 ? (uint8_t)want.text[i + 2] : 0;
		for (uint32_t k = 0; k < 4; k++)
			text[n++] = k <= left ? letters[bits >> (18 - 6 * k) & 63] : '=';
	}
	return sample_invert(s, e->kids[0], whole(text), one);
}

/* Each computed part goes up to where the fixed text behind it begins; without one it takes all that is left. */
static bool invert_concat(struct sampler *s, const struct rule_expr *e, struct rule_sample_value want,
			  struct rule_sample *one)
{
	want.place = RULE_SAMPLE_WHOLE;
	for (uint32_t i = 0; i < e->n; i++) {
		const struct rule_expr *kid = e->kids[i], *next = i + 1 < e->n ? e->kids[i + 1] : NULL;
		struct rule_sample_value part = want;
		const char *end;

		if (kid->kind == EXPR_TEXT) {
			if (kid->len > want.len || memcmp(want.text, kid->text, kid->len))
				return false;
			part.len = kid->len;
		} else {
			end = next && next->kind == EXPR_TEXT ? memmem(want.text, want.len, next->text, next->len)
							      : NULL;
			part.len = end ? (uint32_t)(end - want.text) : want.len;
			if (!sample_invert(s, kid, part, one))
				return false;
		}
		want.text += part.len;
		want.len -= part.len;
	}
	return true;
}

/* The list whose elements, with the separator between them, are the text. */
static bool invert_join(struct sampler *s, const struct rule_expr *e, struct rule_sample_value want,
			struct rule_sample *one)
{
	const struct rule_expr *sep = e->kids[0];
	char *text = arena_strndup(s->a, want.text, want.len), *to = text;

	if (sep->kind == EXPR_TEXT && sep->len == 1)
		for (; text && *to; to++)
			if (*to == sep->text[0])
				*to = '\n';
	want = (struct rule_sample_value){ .element = -2, .text = text, .len = want.len };
	return sample_invert(s, e->kids[1], want, one);
}

static bool invert_getopt(struct sampler *s, const struct rule_expr *e, struct rule_sample_value want,
			  struct rule_sample *one)
{
	char option = e->option ? (char)e->option : want.len == 1 ? want.text[0] : 0;
	const char *text;

	if (option)
		text = arena_printf(s->a, "-%c\n%.*s", option, (int)want.len, want.text);
	else
		text = arena_printf(s->a, "%.*s", (int)want.len, want.text);
	want = whole(text);
	want.element = -2;
	return sample_invert(s, e->kids[0], want, one);
}

static bool invert_call(struct sampler *s, const struct rule_expr *e, struct rule_sample_value want,
			struct rule_sample *one)
{
	switch (e->call) {
	case HELPER_TMP_B64:
		return invert_b64(s, e, want, one);
	case HELPER_TMP_CONCAT:
		return invert_concat(s, e, want, one);
	case HELPER_TMP_JOIN:
		return invert_join(s, e, want, one);
	case HELPER_TMP_GETOPT:
		return invert_getopt(s, e, want, one);
	}
	return sample_invert(s, e->kids[0], want, one);
}

bool sample_invert(struct sampler *s, const struct rule_expr *e, struct rule_sample_value want, struct rule_sample *one)
{
	switch ((enum rule_expr_kind)e->kind) {
	case EXPR_FIELD:
		return invert_field(s, e, want, one);
	case EXPR_TEXT:
		return true; /* it is what it is */
	case EXPR_LIST:
		for (uint32_t i = 0; i < e->n; i++)
			if (!sample_invert(s, e->kids[i], want, one))
				return false;
		return true;
	case EXPR_CALL:
		return invert_call(s, e, want, one);
	}
	return false;
}

/* ---- lengths ---- */

/* Of text in bytes, of a list in elements: both are tried. */
static void put_length(struct sampler *s, uint64_t n)
{
	const struct rule_expr *e = s->k->left->kids[0];
	struct rule_sample text = { .n = 0 }, list = { .n = 0 };
	struct rule_sample_value elements = whole(sample_elements(s, n));

	if (sample_invert(s, e, whole(sample_fill(s, n)), &text))
		sample_put(s, &text);
	elements.element = -2;
	if (sample_invert(s, e, elements, &list))
		sample_put(s, &list);
}

/* ---- two sides ---- */

static void put_pair(struct sampler *s, struct rule_sample_value left, struct rule_sample_value right)
{
	struct rule_sample one = { .n = 0 };

	if (sample_invert(s, s->k->left, left, &one) && sample_invert(s, s->k->right, right, &one))
		sample_put(s, &one);
}

static void put_pairs(struct sampler *s, const char *const (*rows)[2], size_t n, int32_t element)
{
	for (size_t i = 0; i < n; i++) {
		struct rule_sample_value left = whole(rows[i][0]), right = whole(rows[i][1]);

		left.element = right.element = element;
		put_pair(s, left, right);
	}
}

/* A right side without fields: the text it is most likely to be. */
static const char *fixed_text(const struct rule_expr *e)
{
	while (e->kind == EXPR_CALL && e->n)
		e = e->kids[0];
	return e->kind == EXPR_TEXT ? e->text : NULL;
}

static const struct rule_expr *first_field(const struct rule_expr *e)
{
	while (e->kind != EXPR_FIELD && e->n)
		e = e->kids[e->kind == EXPR_CALL && e->call == HELPER_TMP_JOIN && e->n > 1];
	return e->kind == EXPR_FIELD ? e : NULL;
}

static void two_sides(struct sampler *s)
{
	static const char *const numbers[][2] = { { "7", "7" }, { "6", "7" }, { "8", "7" } };
	static const char *const truths[][2] = { { "true", "true" }, { "false", "true" } };
	static const char *const addresses[][2] = { { SAMPLE_ADDRESS, SAMPLE_ADDRESS },
						    { "192.0.2.8", SAMPLE_ADDRESS } };
	static const char *const lists[][2] = { { SAMPLE_NEUTRAL, SAMPLE_NEUTRAL "\n" SAMPLE_OTHER },
						{ SAMPLE_NEUTRAL "\nz", SAMPLE_NEUTRAL },
						{ "z", SAMPLE_NEUTRAL } };
	static const char *const texts[][2] = {
		{ SAMPLE_NEUTRAL, SAMPLE_NEUTRAL },     { SAMPLE_NEUTRAL "x", SAMPLE_NEUTRAL },
		{ "x" SAMPLE_NEUTRAL, SAMPLE_NEUTRAL }, { "x" SAMPLE_NEUTRAL "x", SAMPLE_NEUTRAL },
		{ SAMPLE_NEUTRAL, SAMPLE_NEUTRAL "x" }, { "z", SAMPLE_NEUTRAL }
	};
	const struct rule_expr *first = first_field(s->k->left);
	int field = first ? field_of(s, first) : -1;
	uint8_t type = field >= 0 && !picked(first) ? s->rows[field]->type : TEMPLATE_STR;
	const char *fixed = fixed_text(s->k->right);

	if (fixed)
		sample_text(s, fixed, (uint32_t)strlen(fixed), RULE_SAMPLE_WHOLE, true);
	if (type == TEMPLATE_BOOL)
		put_pairs(s, truths, countof(truths), -1);
	else if (!template_is_handle(type))
		put_pairs(s, numbers, countof(numbers), -1);
	else if (type == TEMPLATE_IP)
		put_pairs(s, addresses, countof(addresses), -1);
	else if (type >= TEMPLATE_LIST)
		put_pairs(s, lists, countof(lists), -2);
	put_pairs(s, texts, template_is_handle(type) && type != TEMPLATE_IP ? countof(texts) : 0, -1);
}

void sample_expr(struct sampler *s)
{
	const struct rule_check *k = s->k;

	if (k->op == OP_EXISTS)
		sample_text(s, SAMPLE_NEUTRAL "=", strlen(SAMPLE_NEUTRAL) + 1, RULE_SAMPLE_WHOLE, true);
	else if (k->right)
		two_sides(s);
	else if (k->left->kind == EXPR_CALL && k->left->call == RULE_CALL_LEN)
		sample_numbers(s, TEMPLATE_U64, put_length);
	else
		sample_values(s);
}
