/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test: the `tests:` of a rule.
 *
 *   - name: cat reads it
 *     event: file_open          a template type
 *     fires: true
 *     fields: { fd.name: /etc/shadow, proc.aname: [cat, bash] }
 */
#include "content/rule/internal.h"

enum { MAX_TESTS = 256 };

static FALLIBLE find_type(struct rule_ctx *c, const struct rule_node *n, const struct template_type **out)
{
	struct rule_nearest near = { .want = n->text.p, .want_len = n->text.len };

	*out = template_type_by_name(c->table, n->text.p);
	if (*out)
		return E_OK;
	near.d = rule_report(c, RD_TEST_EVENT, rule_node_span(n), "no event is called '%.60s'", n->text.p);
	for (uint32_t i = 0; i < c->table->n_types; i++)
		rule_nearest_try(&near, c->table->types[i].name);
	rule_nearest_hint(&near);
	return E_REJECTED;
}

static FALLIBLE bad_value(struct rule_ctx *c, const struct rule_node *n, const struct template_field *f)
{
	rule_report(c, RD_TEST_VALUE, rule_node_span(n), "'%.60s' is no value for '%s', which is of type %s",
		    n->kind == NODE_SCALAR ? n->text.p : "a list or mapping", f->name, template_type_word(f->type));
	return E_REJECTED;
}

/* The elements of a list, a newline between them. */
static FALLIBLE join(struct rule_ctx *c, const struct rule_node *seq, const struct template_field *f,
		     struct rule_test_field *out)
{
	size_t len = 0;
	char *text, *p;

	for (uint32_t i = 0; i < seq->n; i++) {
		if (seq->kids[i]->kind != NODE_SCALAR || memchr(seq->kids[i]->text.p, '\n', seq->kids[i]->text.len))
			return bad_value(c, seq->kids[i], f);
		len += seq->kids[i]->text.len + 1;
	}
	p = text = arena_alloc(c->a, len + 1);
	if (!text)
		return E_NOMEM;
	for (uint32_t i = 0; i < seq->n; i++) {
		memcpy(p, seq->kids[i]->text.p, seq->kids[i]->text.len);
		p += seq->kids[i]->text.len;
		*p++ = '\n';
	}
	out->value = text;
	out->value_len = len ? len - 1 : 0;
	return E_OK;
}

static FALLIBLE read_field(struct rule_ctx *c, const struct template_type *type, const struct rule_node *key,
			   const struct rule_node *value, struct rule_test_field *out)
{
	uint32_t id;
	const struct template_field *f = template_field_find(c->table, type, key->text.p, key->text.len, &id);
	bool list = f && f->type >= TEMPLATE_LIST;
	struct diag *d;

	if (!f) {
		d = rule_report(c, RD_TEST_FIELD, rule_node_span(key), "'%s' has no field '%.60s'", type->name,
				key->text.p);
		diag_hint(d, "fields: sallyport rules list fields");
		return E_REJECTED;
	}
	*out = (struct rule_test_field){ .name = f->name, .pos = rule_span_pos(rule_node_span(value), c->a, NULL) };
	if (value->kind == NODE_SEQ && list)
		return join(c, value, f, out);
	if (value->kind != NODE_SCALAR || !rule_value_fits(f->type, value->text.p, value->text.len) ||
	    (f->type == TEMPLATE_IP && strchr(value->text.p, '/')))
		return bad_value(c, value, f);
	out->value = value->text.p;
	out->value_len = value->text.len;
	return E_OK;
}

static FALLIBLE read_fields(struct rule_ctx *c, const struct template_type *type, const struct rule_node *map,
			    struct rule_test *out)
{
	struct rule_test_field *fields = ARENA_ARRAY(c->a, struct rule_test_field, map->n / 2);
	enum err first = E_OK;

	if (!fields)
		return E_NOMEM;
	for (uint32_t i = 0; i < map->n; i += 2) {
		enum err err;

		if (rule_node_is_null(map->kids[i + 1]))
			continue; /* the field is missing */
		err = read_field(c, type, map->kids[i], map->kids[i + 1], &fields[out->n_fields]);
		if (err && err != E_REJECTED)
			return err;
		first = first ? first : err;
		out->n_fields += !err;
	}
	out->fields = fields;
	return first;
}

static FALLIBLE read_test(struct rule_ctx *c, const struct rule_node *n, struct rule_test *out)
{
	static const char *const keys[] = { "name", "event", "fires", "fields" };
	const struct rule_node *name, *event, *fields;
	const struct template_type *type;

	if (n->kind != NODE_MAP) {
		rule_report(c, RD_TEST, rule_node_span(n), "a test is a mapping with name, event, fires, fields");
		return E_REJECTED;
	}
	rule_item_keys(c, n, keys, countof(keys));
	name = rule_item_get(c, n, "name", NODE_SCALAR, true);
	event = rule_item_get(c, n, "event", NODE_SCALAR, true);
	fields = rule_item_get(c, n, "fields", NODE_MAP, true);
	if (!rule_item_get(c, n, "fires", NODE_SCALAR, true) || !name || !event || !fields)
		return E_REJECTED;
	TRY(find_type(c, event, &type));
	*out = (struct rule_test){ .name = name->text.p,
				   .type = type->name,
				   .fires = rule_item_bool(c, n, "fires", false),
				   .pos = rule_span_pos(rule_node_span(name), c->a, NULL) };
	return read_fields(c, type, fields, out);
}

FALLIBLE rule_read_tests(struct rule_ctx *c, const struct rule_node *tests, struct rule *out)
{
	struct rule_test *list;
	enum err first = E_OK;

	if (!tests || rule_node_is_null(tests))
		return E_OK;
	if (tests->kind != NODE_SEQ || tests->n > MAX_TESTS) {
		rule_report(c, RD_TEST, rule_node_span(tests), "'tests' is a list of at most %d tests", MAX_TESTS);
		return E_REJECTED;
	}
	list = ARENA_ARRAY(c->a, struct rule_test, tests->n);
	if (!list)
		return E_NOMEM;
	for (uint32_t i = 0; i < tests->n; i++) {
		enum err err = read_test(c, tests->kids[i], &list[i]);

		if (err && err != E_REJECTED)
			return err;
		first = first ? first : err;
	}
	out->tests = list;
	out->n_tests = tests->n;
	return first;
}

FALLIBLE rule_read_event(const struct rule_source *src, const struct template_table *t, struct arena *a,
			 struct diags *ds, struct rule_test *out)
{
	static const char *const keys[] = { "name", "event", "fires", "fields" };
	struct rule_ctx c = { .table = t, .a = a, .ds = ds };
	const struct rule_node *event, *fields;
	const struct template_type *type;
	struct rule_node **docs = NULL, *n;
	struct rule_file *f = ARENA_NEW(a, struct rule_file);
	uint32_t n_docs = 0;

	if (!f)
		return E_NOMEM;
	*f = (struct rule_file){ .name = src->name, .text = src->text, .len = src->len };
	TRY(rule_file_init(f, a));
	TRY(rule_yaml_load(&c, f, &docs, &n_docs));
	n = n_docs == 1 && docs[0]->kind == NODE_SEQ && docs[0]->n == 1 ? docs[0]->kids[0] : n_docs ? docs[0] : NULL;
	if (n_docs != 1 || n->kind != NODE_MAP) {
		diag_hint(rule_report_at(&c, RD_TEST, f, 0, "an event is one mapping with event and fields"),
			  "event: file_open, fields: {fd.name: /etc/shadow}");
		return E_REJECTED;
	}
	rule_item_keys(&c, n, keys, countof(keys));
	event = rule_item_get(&c, n, "event", NODE_SCALAR, true);
	fields = rule_item_get(&c, n, "fields", NODE_MAP, true);
	if (!event || !fields)
		return E_REJECTED;
	TRY(find_type(&c, event, &type));
	*out = (struct rule_test){ .type = type->name, .pos = rule_span_pos(rule_node_span(event), a, NULL) };
	return read_fields(&c, type, fields, out);
}
