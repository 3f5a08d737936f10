/* SPDX-License-Identifier: Apache-2.0 */
/* explain_text: parts of conditions, and what they are for an event, as text and as JSON. */
#include "cli/explain.h"

enum { MAX_LABEL = 76, MAX_VALUE = 120, TRUTH_WIDTH = 11, VALUE_BYTES = 1 << 16 };

static const char *const truth_words[] = { [EXPLAIN_FALSE] = "false",
					   [EXPLAIN_TRUE] = "true",
					   [EXPLAIN_MISSING] = "missing",
					   [EXPLAIN_NO_FIELD] = "no field" };

/* At most max characters; more end in "...". */
void explain_put_text(struct buf *out, const char *text, size_t max)
{
	size_t len = strlen(text);

	if (len <= max) {
		buf_put_safe(out, text, len);
		return;
	}
	for (len = max - 3; len && ((uint8_t)text[len] & 0xc0) == 0x80;)
		len--;
	buf_put_safe(out, text, len);
	buf_puts(out, "...");
}

/* ---- one line for a chain of macros and not, down to what they stand around ---- */

static uint32_t chain_end(const struct explain_view *v, uint32_t i)
{
	while (v->parts->parts[i].kind == RULE_PART_MACRO || v->parts->parts[i].kind == RULE_PART_NOT)
		i++;
	return i;
}

static bool chain_negates(const struct explain_view *v, uint32_t i, uint32_t end)
{
	for (; i < end; i++)
		if (v->parts->parts[i].kind == RULE_PART_NOT)
			return true;
	return false;
}

static void put_label(struct buf *out, const struct explain_view *v, uint32_t i, uint32_t end)
{
	const struct rule_part *p = v->parts->parts;

	for (; i < end; i++) {
		explain_put_text(out, p[i].text, MAX_LABEL);
		buf_puts(out, p[i].kind == RULE_PART_NOT ? " " : ": ");
	}
	if (p[end].kind == RULE_PART_CHECK)
		explain_put_text(out, p[end].text, MAX_LABEL);
	else
		buf_puts(out, p[end].kind == RULE_PART_AND ? "all of" : "any of");
}

static void put_truth(struct buf *out, const struct explain_view *v, uint32_t i, uint32_t end)
{
	static const char *const colours[] = { [EXPLAIN_FALSE] = "\033[31m",
					       [EXPLAIN_TRUE] = "\033[32m",
					       [EXPLAIN_MISSING] = "\033[33m",
					       [EXPLAIN_NO_FIELD] = "\033[33m" };
	struct explain_value val = v->values[chain_negates(v, i, end) ? i : end];
	char word[TRUTH_WIDTH + 1];

	(void)snprintf(word, sizeof word, val.reached ? "%s" : "(%s)", truth_words[val.truth]);
	if (v->colour)
		buf_puts(out, val.reached ? colours[val.truth] : "\033[2m");
	buf_printf(out, "%-*s", TRUTH_WIDTH, word);
	buf_puts(out, v->colour ? "\033[0m" : "");
}

/* ---- values ---- */

/* The value that a key picks: entries are "key=value", and the key may be a pattern. */
static bool put_entry(struct buf *out, const struct event *e, uint32_t id, const struct rule_part_field *f)
{
	const struct helper_value *v = &e->values[id];

	for (uint32_t i = 0; i < v->len; i++) {
		const struct helper_str *s = &v->list[i];
		const char *eq = memchr(s->p, '=', s->len);

		if (!eq || !helper_glob(s->p, (size_t)(eq - s->p), f->key, f->key_len, false))
			continue;
		buf_put(out, eq + 1, s->len - (size_t)(eq + 1 - s->p));
		return true;
	}
	return false;
}

static bool read_value(const struct explain_view *v, const struct rule_part_field *f, struct buf *out)
{
	uint32_t id;

	if (!template_field_find(v->e->table, v->e->type, f->name, strlen(f->name), &id) || !event_has(v->e, id))
		return false;
	return f->key ? put_entry(out, v->e, id, f) : event_format(v->e, id, f->index, out);
}

static void put_value(struct buf *out, const struct explain_view *v, const struct rule_part_field *f)
{
	struct buf text;
	uint32_t id;

	buf_init(&text, VALUE_BYTES);
	explain_put_text(out, f->shown, MAX_VALUE);
	if (!template_field_find(v->e->table, v->e->type, f->name, strlen(f->name), &id)) {
		buf_printf(out, " is no field of %s", v->e->type->name);
	} else if (read_value(v, f, &text)) {
		buf_putc(out, '=');
		buf_puts(&text, "");
		explain_put_text(out, text.p ? text.p : "", MAX_VALUE);
	} else {
		buf_puts(out, " is missing");
	}
	buf_done(&text);
}

/* All that a comparison looked at. */
static void put_values(struct buf *out, const struct explain_view *v, const struct rule_part *p)
{
	for (uint32_t i = 0; i < p->n_fields && v->e; i++) {
		buf_puts(out, i ? ", " : "");
		put_value(out, v, &p->fields[i]);
	}
}

/* ---- the tree ---- */

/* Width of text without colours. */
static size_t label_width(const struct explain_view *v, uint32_t i, uint32_t end, uint32_t depth)
{
	struct buf b;
	size_t width;

	buf_init(&b, VALUE_BYTES);
	put_label(&b, v, i, end);
	width = b.len + 2ul * depth;
	buf_done(&b);
	return width;
}

struct tree {
	struct buf *out;
	const struct explain_view *v;
	size_t width;
	bool measure;
};

static void tree_line(struct tree *t, uint32_t i, uint32_t end, uint32_t depth)
{
	const struct explain_view *v = t->v;
	const struct rule_part *p = &v->parts->parts[end];
	size_t width = label_width(v, i, end, depth);

	if (t->measure) {
		if (p->kind == RULE_PART_CHECK && width > t->width && width <= MAX_LABEL)
			t->width = width;
		return;
	}
	buf_puts(t->out, "  ");
	if (v->values)
		put_truth(t->out, v, i, end);
	buf_printf(t->out, "%*s", (int)(2 * depth), "");
	put_label(t->out, v, i, end);
	if (p->kind == RULE_PART_CHECK && v->e) {
		buf_printf(t->out, "%*s", width < t->width ? (int)(t->width - width) + 3 : 3, "");
		buf_puts(t->out, v->colour ? "\033[2m" : "");
		put_values(t->out, v, p);
		buf_puts(t->out, v->colour ? "\033[0m" : "");
	}
	buf_putc(t->out, '\n');
}

static void tree_node(struct tree *t, uint32_t i, uint32_t depth)
{
	uint32_t end = chain_end(t->v, i);

	tree_line(t, i, end, depth);
	for (uint32_t k = end + 1; k < t->v->parts->parts[end].end; k = t->v->parts->parts[k].end)
		tree_node(t, k, depth + 1);
}

void explain_put_tree(struct buf *out, const struct explain_view *v)
{
	struct tree t = { .out = out, .v = v, .measure = true };

	tree_node(&t, 0, 0);
	t.measure = false;
	tree_node(&t, 0, 0);
}

static void put_pos(struct buf *out, const struct diag_pos *pos)
{
	if (!pos->file)
		return;
	explain_put_text(out, pos->file, 1024);
	buf_printf(out, ":%u:%u: ", pos->line, pos->col);
}

void explain_put_reason(struct buf *out, const struct explain_view *v, uint32_t part)
{
	const struct rule_part *p = &v->parts->parts[part];
	uint8_t truth = v->values[part].truth;

	put_pos(out, &p->pos);
	explain_put_text(out, p->text, MAX_VALUE);
	buf_puts(out, truth == EXPLAIN_TRUE ? " is true" : " is false");
	if (p->n_fields) {
		buf_puts(out, truth == EXPLAIN_MISSING || truth == EXPLAIN_NO_FIELD ? " because " : ": ");
		put_values(out, v, p);
	}
	buf_putc(out, '\n');
}

void explain_put_event(struct buf *out, const struct event *e)
{
	static const char *const names[] = { "evt.type", "evt.num" };
	uint32_t id;

	buf_puts(out, e->type->name);
	for (size_t i = 0; i < countof(names); i++) {
		if (!template_field_find(e->table, e->type, names[i], strlen(names[i]), &id) || !event_has(e, id))
			continue;
		buf_printf(out, " %s=", names[i]);
		(void)event_format(e, id, -1, out);
	}
}

/* ---- JSON ---- */

/* What a comparison looks at: with values, null where one is missing; else the names alone. */
static void json_fields(struct json *j, const struct explain_view *v, const struct rule_part *p)
{
	struct buf text;

	json_key(j, "fields");
	json_object(j);
	for (uint32_t i = 0; i < p->n_fields; i++) {
		const struct rule_part_field *f = &p->fields[i];
		uint32_t id;

		json_key(j, f->shown);
		buf_init(&text, VALUE_BYTES);
		if (v->e && !f->key && template_field_find(v->e->table, v->e->type, f->name, strlen(f->name), &id))
			event_json(v->e, id, f->index, j);
		else if (v->e && read_value(v, f, &text))
			json_strn(j, text.p ? text.p : "", text.len);
		else
			json_null(j);
		buf_done(&text);
	}
	json_end_object(j);
}

void explain_json_part(struct json *j, const struct explain_view *v, uint32_t part)
{
	static const char *const kinds[] = { "and", "or", "not", "comparison", "macro" };
	const struct rule_part *p = &v->parts->parts[part];

	json_key(j, "column");
	json_u64(j, p->pos.col);
	json_key(j, "depth");
	json_u64(j, p->depth);
	if (v->values) {
		json_key(j, "evaluated");
		json_bool(j, v->values[part].reached);
	}
	json_fields(j, v, p);
	json_key(j, "file");
	json_str(j, p->pos.file);
	json_key(j, "kind");
	json_str(j, kinds[p->kind]);
	json_key(j, "line");
	json_u64(j, p->pos.line);
	if (v->values) {
		json_key(j, "missing");
		json_bool(j, v->values[part].truth == EXPLAIN_MISSING || v->values[part].truth == EXPLAIN_NO_FIELD);
	}
	json_key(j, "text");
	json_str(j, p->text);
	if (v->values) {
		json_key(j, "true");
		json_bool(j, v->values[part].truth == EXPLAIN_TRUE);
	}
}

static void json_section(struct json *j, const struct event *e, const struct template_section *s, uint32_t first)
{
	for (uint32_t i = 0; i < s->n; i++) {
		if (!event_has(e, first + i))
			continue;
		json_key(j, s->fields[i].name);
		event_json(e, first + i, -1, j);
	}
}

void explain_json_event(struct json *j, const struct event *e)
{
	json_object(j);
	json_key(j, "fields");
	json_object(j);
	json_section(j, e, &e->table->common, 0);
	json_section(j, e, &e->type->own, TEMPLATE_CAP);
	json_end_object(j);
	json_key(j, "type");
	json_str(j, e->type->name);
	json_end_object(j);
}

int explain_open(struct cli_rules *r, uint32_t rule, struct explain **out)
{
	enum err err = explain_new(r->set, rule, &r->ds, out);

	if (!err)
		return 0;
	if (r->ds.n_errors)
		cli_rules_show(r);
	else
		(void)cli_fail(CLI_REFUSED, "rule '%s' cannot be taken apart: %s", r->set->rules[rule].name,
			       err == E_LIMIT ? "it has too many parts" : err_text(err));
	return err == E_NOMEM ? CLI_HOST : CLI_REFUSED;
}
