/* SPDX-License-Identifier: Apache-2.0 */
/* format: a rule's output, its placeholders filled from the event. */
#include "content/runtime/internal.h"

enum { VALUE_MAX = 64 << 10 };

static const char missing[] = "<NA>";

/* The value of a placeholder as text that is safe to show; missing fields are <NA>. */
static void put_value(const struct event *e, const struct image_token *tok, struct buf *out)
{
	uint32_t id;
	struct buf raw;

	buf_init(&raw, VALUE_MAX);
	if (template_field_find(e->table, e->type, tok->text, tok->name_len, &id) &&
	    event_format(e, id, tok->index, &raw))
		buf_put_safe(out, raw.p ? raw.p : "", raw.len);
	else
		buf_puts(out, missing);
	buf_done(&raw);
}

/* Exactly width code points: cut, or filled up with blanks. */
static void put_padded(const struct buf *value, uint32_t width, struct buf *out)
{
	uint32_t shown = 0, c;
	size_t i = 0;

	while (i < value->len && shown < width) {
		size_t n = utf8_decode(value->p + i, value->len - i, &c);

		i += n ? n : 1;
		shown++;
	}
	buf_put(out, value->p ? value->p : "", i);
	for (; shown < width; shown++)
		buf_putc(out, ' ');
}

static void put_token(const struct event *e, const struct image_token *tok, struct buf *out)
{
	struct buf value;

	if (!tok->width) {
		put_value(e, tok, out);
		return;
	}
	buf_init(&value, VALUE_MAX);
	put_value(e, tok, &value);
	put_padded(&value, tok->width, out);
	buf_done(&value);
}

void content_format(const struct content *c, uint32_t rule, const struct event *e, struct buf *out)
{
	const char *s = c->rules.rules[rule].output;
	size_t len, text = 0, i = 0;

	s += *s == '*';
	len = strlen(s);
	while (i < len) {
		struct image_token tok;
		size_t n = s[i] == '%' ? image_token(s + i, len - i, &tok) : 0;

		if (!n) {
			i++;
			continue;
		}
		buf_put_safe(out, s + text, i - text);
		put_token(e, &tok, out);
		i += n;
		text = i;
	}
	buf_put_safe(out, s + text, len - text);
}

static void json_field(const struct event *e, const char *key, const char *field, int32_t index, struct json *j)
{
	uint32_t id;

	json_key(j, key);
	if (template_field_find(e->table, e->type, field, strlen(field), &id))
		event_json(e, id, index, j);
	else
		json_null(j);
}

/* The placeholder that comes next after `last` in byte order, or NULL. Outputs have few: no need to keep them sorted. */
static const struct image_placeholder *next_of(const struct image_rule *r, const char *last)
{
	const struct image_placeholder *best = NULL;

	for (uint32_t i = 0; i < r->n_placeholders; i++) {
		const struct image_placeholder *p = &r->placeholders[i];

		if ((!last || strcmp(p->text, last) > 0) && (!best || strcmp(p->text, best->text) < 0))
			best = p;
	}
	return best;
}

void content_json_fields(const struct content *c, uint32_t rule, const struct event *e, struct json *j)
{
	static const char time_key[] = CONTENT_TIME_FIELD;
	const struct image_rule *r = &c->rules.rules[rule];
	bool timed = false;

	json_object(j);
	for (const struct image_placeholder *p = next_of(r, NULL); p; p = next_of(r, p->text)) {
		int order = strcmp(p->text, time_key);

		if (order > 0 && !timed)
			json_field(e, time_key, time_key, -1, j);
		timed |= order >= 0;
		json_field(e, p->text, p->field, p->index, j);
	}
	if (!timed)
		json_field(e, time_key, time_key, -1, j);
	json_end_object(j);
}
