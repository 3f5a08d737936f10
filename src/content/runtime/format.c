/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format: what a rule says when it fires.
 *
 * At load its text is taken apart once, and each placeholder's field is looked up by name in every type of this
 * sensor's table; a type that does not have the field prints <NA>. Values are an attacker's text: they are made safe
 * here.
 */
#include "content/runtime/internal.h"

enum { VALUE_MAX_BYTES = 1 << 16 };

static const char missing[] = "<NA>";

/* ---- at load ---- */

static FALLIBLE copy_str(struct content *c, const char *s, const char **out)
{
	*out = arena_strndup(&c->a, s, strlen(s));
	return *out ? E_OK : E_NOMEM;
}

/* Key and transformers of a placeholder, which only its text has. */
static FALLIBLE read_text(struct content *c, struct placeholder *out)
{
	const char *marked = arena_printf(&c->a, "%%%s", out->text);
	struct image_token t;

	if (!marked)
		return E_NOMEM;
	if (!image_token(marked, strlen(marked), &t))
		return E_OK; /* then it is the name of no field either */
	out->key = t.key;
	out->key_len = t.key_len;
	memcpy(out->transforms, t.transforms, sizeof t.transforms);
	out->n_transforms = t.n_transforms;
	return E_OK;
}

static FALLIBLE prepare_placeholder(struct content *c, const struct image_placeholder *in, struct placeholder *out)
{
	uint32_t id;

	*out = (struct placeholder){ .index = in->index };
	TRY(copy_str(c, in->text, &out->text));
	TRY(read_text(c, out));
	out->field = ARENA_ARRAY(&c->a, uint16_t, c->table->n_types);
	if (!out->field)
		return E_NOMEM;
	for (uint32_t t = 0; t < c->table->n_types; t++)
		out->field[t] = template_field_find(c->table, &c->table->types[t], in->field, strlen(in->field), &id)
					? (uint16_t)id
					: NO_FIELD;
	return E_OK;
}

static int compare(const char *a, size_t len, const char *b)
{
	int order = strncmp(a, b, len);

	return order ? order : b[len] ? -1 : 0;
}

/* Which of the rule's placeholders the token is, or -1: then it stays text. */
static int32_t find_placeholder(const struct output *o, const struct image_token *t)
{
	uint32_t lo = 0, hi = o->n_placeholders;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int order = compare(t->text, t->text_len, o->placeholders[mid].text);

		if (!order)
			return (int32_t)mid;
		if (order > 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return -1;
}

static FALLIBLE add_piece(struct content *c, struct output *o, size_t *cap, const struct piece *p)
{
	if (p->placeholder < 0 && !p->len)
		return E_OK;
	o->pieces = arena_grow(&c->a, o->pieces, o->n_pieces, cap, sizeof *p);
	if (!o->pieces)
		return E_NOMEM;
	o->pieces[o->n_pieces++] = *p;
	return E_OK;
}

static FALLIBLE take_apart(struct content *c, const char *text, struct output *o)
{
	size_t len = strlen(text), start = 0, cap = 0, took;
	struct image_token t;
	int32_t which;

	for (size_t i = 0; i < len; i += took ? took : 1) {
		took = text[i] == '%' ? image_token(text + i, len - i, &t) : 0;
		which = took ? find_placeholder(o, &t) : -1;
		if (which < 0)
			continue;
		TRY(add_piece(c, o, &cap, &(struct piece){ text + start, (uint32_t)(i - start), -1, 0 }));
		TRY(add_piece(c, o, &cap, &(struct piece){ .placeholder = which, .width = t.width }));
		start = i + took;
	}
	return add_piece(c, o, &cap, &(struct piece){ text + start, (uint32_t)(len - start), -1, 0 });
}

static int by_text(const void *pa, const void *pb)
{
	const struct placeholder *a = pa, *b = pb;

	return strcmp(a->text, b->text);
}

/* Each text once. */
static void sort_placeholders(struct output *o, uint32_t n)
{
	qsort(o->placeholders, n, sizeof *o->placeholders, by_text);
	for (uint32_t i = 0; i < n; i++)
		if (!i || by_text(&o->placeholders[i], &o->placeholders[o->n_placeholders - 1]) != 0)
			o->placeholders[o->n_placeholders++] = o->placeholders[i];
}

static FALLIBLE prepare_output(struct content *c, const struct image_rule *in, const char *text, struct output *o)
{
	const struct image_placeholder time = { CONTENT_TIME_FIELD, CONTENT_TIME_FIELD, -1 };
	uint32_t n = in->n_placeholders;

	o->placeholders = ARENA_ARRAY(&c->a, struct placeholder, (size_t)n + 1);
	if (!o->placeholders)
		return E_NOMEM;
	for (uint32_t i = 0; i < n; i++)
		TRY(prepare_placeholder(c, &in->placeholders[i], &o->placeholders[i]));
	TRY(prepare_placeholder(c, &time, &o->placeholders[n]));
	sort_placeholders(o, n + 1);
	return take_apart(c, text + (text[0] == '*'), o);
}

static FALLIBLE copy_rule(struct content *c, const struct image_rule *in, struct content_rule *out)
{
	const char **tags = ARENA_ARRAY(&c->a, const char *, in->n_tags);

	if (!tags)
		return E_NOMEM;
	TRY(copy_str(c, in->name, &out->name));
	TRY(copy_str(c, in->desc, &out->desc));
	TRY(copy_str(c, in->output, &out->output));
	TRY(copy_str(c, in->source, &out->source));
	if (in->drill)
		TRY(copy_str(c, in->drill, &out->drill));
	for (uint32_t i = 0; i < in->n_tags; i++)
		TRY(copy_str(c, in->tags[i], &tags[i]));
	out->priority = in->priority;
	out->tags = tags;
	out->n_tags = in->n_tags;
	return E_OK;
}

FALLIBLE format_prepare(struct content *c, const struct image_rules *rules)
{
	c->rules = ARENA_ARRAY(&c->a, struct content_rule, rules->n_rules);
	c->outputs = ARENA_ARRAY(&c->a, struct output, rules->n_rules);
	if (!c->rules || !c->outputs)
		return E_NOMEM;
	for (uint32_t i = 0; i < rules->n_rules; i++) {
		TRY(copy_rule(c, &rules->rules[i], &c->rules[i]));
		TRY(prepare_output(c, &rules->rules[i], c->rules[i].output, &c->outputs[i]));
	}
	c->n_rules = rules->n_rules;
	return E_OK;
}

/* ---- when it fires ---- */

/* Exactly `width` characters of safe text: the rest is cut, what lacks are spaces. */
static void put_fitted(struct buf *out, const struct buf *safe, uint32_t width)
{
	size_t at = 0;
	uint32_t c, n = 0;

	for (; n < width && at < safe->len; n++) {
		size_t step = utf8_decode(safe->p + at, safe->len - at, &c);

		at += step ? step : 1;
	}
	buf_put(out, safe->p, at);
	for (; n < width; n++)
		buf_putc(out, ' ');
}

/* ---- values that are computed ---- */

static uint8_t field_type(const struct event *e, uint16_t id)
{
	return template_field_at(e->table, e->type, id)->type;
}

static bool is_computed(const struct placeholder *p, const struct event *e, uint16_t id)
{
	return p->n_transforms || field_type(e, id) == TEMPLATE_DICT;
}

static uint64_t ask(struct helper_env *env, enum abi_helper_id id, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	return helper_lookup(id)(a, b, c, d, 0, env);
}

/* The field, or what the placeholder picks from it, on the stack of computed values. */
static bool push_field(const struct placeholder *p, const struct event *e, uint16_t id, struct helper_env *env)
{
	uint8_t type = field_type(e, id);
	uint64_t h = helper_handle(id);

	if (!template_is_handle(type) || type == TEMPLATE_IP)
		return false;
	if (type == TEMPLATE_DICT && p->key)
		return ask(env, ABI_HELPER_dict_key, h, (uintptr_t)p->key, p->key_len, 1) != 0;
	if (type == TEMPLATE_DICT)
		return p->index >= 0 && ask(env, ABI_HELPER_dict_at, h, (uint64_t)p->index, 1, 0) != 0;
	if (p->index >= 0)
		h = ask(env, ABI_HELPER_list_get, h, (uint64_t)p->index, 0, 0);
	return h && ask(env, ABI_HELPER_tmp_push, h, 1, 0, 0) != 0;
}

/* What the placeholder shows: a text or list, or with *is_length a number in v->len. False when it is missing. */
static bool compute(const struct placeholder *p, const struct event *e, uint16_t id, struct helper_value *v,
		    bool *is_length)
{
	static const uint8_t ops[] = { [IMAGE_LOWER] = HELPER_TMP_LOWER,
				       [IMAGE_UPPER] = HELPER_TMP_UPPER,
				       [IMAGE_BASENAME] = HELPER_TMP_BASENAME,
				       [IMAGE_B64] = HELPER_TMP_B64 };
	struct helper_env env = e->env;

	*is_length = false;
	if (!event_has(e, id) || !push_field(p, e, id, &env))
		return false;
	for (uint32_t i = p->n_transforms; i-- > 0;) {
		if (*is_length)
			return false; /* nothing can be done to a length */
		*is_length = p->transforms[i] == IMAGE_LEN;
		if (!*is_length)
			(void)ask(&env, ABI_HELPER_tmp_apply, ops[p->transforms[i]], 0, 0, 0);
	}
	if (!ask(&env, ABI_HELPER_tmp_get, 0, 0, 0, 0))
		return false;
	*v = env.tmp->values[env.tmp->n - 1];
	return true;
}

static bool format_computed(const struct placeholder *p, const struct event *e, uint16_t id, struct buf *out)
{
	struct helper_value v;
	bool is_length;

	if (!compute(p, e, id, &v, &is_length))
		return false;
	if (is_length)
		buf_printf(out, "%u", v.len);
	else if (v.kind == HELPER_VALUE_STR)
		buf_put(out, v.p, v.len);
	for (uint32_t i = 0; !is_length && v.kind == HELPER_VALUE_LIST && i < v.len; i++) {
		if (i)
			buf_putc(out, ',');
		buf_put(out, v.list[i].p, v.list[i].len);
	}
	return true;
}

static void json_computed(const struct placeholder *p, const struct event *e, uint16_t id, struct json *j)
{
	struct helper_value v;
	struct buf text;
	bool is_length;

	if (compute(p, e, id, &v, &is_length) && is_length) {
		json_u64(j, v.len);
		return;
	}
	buf_init(&text, VALUE_MAX_BYTES);
	if (format_computed(p, e, id, &text))
		json_strn(j, text.p ? text.p : "", text.len);
	else
		json_null(j);
	buf_done(&text);
}

static bool format_value(const struct placeholder *p, const struct event *e, uint16_t id, struct buf *out)
{
	return is_computed(p, e, id) ? format_computed(p, e, id, out) : event_format(e, id, p->index, out);
}

/* raw and safe are the caller's to reuse. */
static void put_value(const struct placeholder *p, uint32_t width, const struct event *e, struct buf *raw,
		      struct buf *safe, struct buf *out)
{
	uint16_t id = p->field[e->type_index];

	buf_reset(raw);
	if (id == NO_FIELD || !format_value(p, e, id, raw)) {
		buf_reset(raw);
		buf_puts(raw, missing);
	}
	if (!width) {
		buf_put_safe(out, raw->p ? raw->p : "", raw->len);
		return;
	}
	buf_reset(safe);
	buf_put_safe(safe, raw->p ? raw->p : "", raw->len);
	put_fitted(out, safe, width);
}

void content_format(const struct content *c, uint32_t rule, const struct event *e, struct buf *out)
{
	const struct output *o = &c->outputs[rule];
	struct buf raw, safe;

	assert(rule < c->n_rules && e->table == c->table && "a rule and an event of this content");
	buf_init(&raw, VALUE_MAX_BYTES);
	buf_init(&safe, 4 * VALUE_MAX_BYTES);
	for (uint32_t i = 0; i < o->n_pieces; i++) {
		const struct piece *p = &o->pieces[i];

		if (p->placeholder < 0)
			buf_put_safe(out, p->text, p->len);
		else
			put_value(&o->placeholders[p->placeholder], p->width, e, &raw, &safe, out);
	}
	buf_done(&raw);
	buf_done(&safe);
}

void content_json_fields(const struct content *c, uint32_t rule, const struct event *e, struct json *j)
{
	const struct output *o = &c->outputs[rule];

	assert(rule < c->n_rules && e->table == c->table && "a rule and an event of this content");
	json_object(j);
	for (uint32_t i = 0; i < o->n_placeholders; i++) {
		const struct placeholder *p = &o->placeholders[i];
		uint16_t id = p->field[e->type_index];

		json_key(j, p->text);
		if (id == NO_FIELD)
			json_null(j);
		else if (is_computed(p, e, id))
			json_computed(p, e, id, j);
		else
			event_json(e, id, p->index, j);
	}
	json_end_object(j);
}
