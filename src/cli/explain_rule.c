/* SPDX-License-Identifier: Apache-2.0 */
/* explain rule: one rule, by itself or for an event. */
#include <strings.h>

#include "cli/explain.h"

enum { OUT_MAX_BYTES = 64 << 20, MAX_DECIDERS = 4096, SHOWN_DECIDERS = 10 };

struct one_rule {
	struct explain_args *a;
	uint32_t rule;
	const struct rule *r;
	struct explain *x;
	struct rule_uses uses;
};

/* ---- the rule itself ---- */

static void put_names(struct buf *out, const char *what, const char *const *names, uint32_t n)
{
	size_t width = 0;

	if (!n)
		return;
	buf_printf(out, "  %-12s", what);
	for (uint32_t i = 0; i < n; i++) {
		if (width > 90) {
			buf_printf(out, "\n  %-12s", "");
			width = 0;
		}
		explain_put_text(out, names[i], 80);
		buf_puts(out, i + 1 < n ? ", " : "");
		width += strlen(names[i]) + 2;
	}
	buf_putc(out, '\n');
}

static void put_types(struct buf *out, const struct one_rule *v)
{
	const struct template_table *t = v->a->rules.table;
	const char *word = "events";

	if (!v->r->types)
		buf_puts(out, "  events      none: no event of this release can fulfil the condition\n");
	for (uint32_t i = 0; i < t->n_types; i++) {
		if (!(v->r->types >> i & 1))
			continue;
		buf_printf(out, "  %-12s%s (evt.type: %s)%s\n", word, t->types[i].name, t->types[i].events,
			   v->r->always >> i & 1 ? ": every one" : "");
		word = "";
	}
}

static void put_rule(struct buf *out, const struct one_rule *v)
{
	const struct rule *r = v->r;
	struct explain_view tree = { .parts = explain_parts(v->x), .colour = v->a->colour };

	buf_puts(out, v->a->colour ? "\033[1m" : "");
	explain_put_text(out, r->name, 512);
	buf_puts(out, v->a->colour ? "\033[0m\n" : "\n");
	if (r->pos.file) {
		buf_puts(out, "  defined     ");
		explain_put_text(out, r->pos.file, 1024);
		buf_printf(out, ":%u\n", r->pos.line);
	}
	buf_printf(out, "  priority    %s%s\n", rule_priority_name(r->priority), r->enabled ? "" : "; disabled");
	put_types(out, v);
	put_names(out, "fields", v->uses.fields, v->uses.n_fields);
	put_names(out, "macros", v->uses.macros, v->uses.n_macros);
	put_names(out, "lists", v->uses.lists, v->uses.n_lists);
	put_names(out, "tags", r->tags, r->n_tags);
	if (r->drill)
		put_names(out, "drill", &r->drill, 1);
	buf_printf(out, "  tests       %u\n", r->n_tests);
	buf_puts(out, "condition\n");
	explain_put_tree(out, &tree);
}

static void json_names(struct json *j, const char *key, const char *const *names, uint32_t n)
{
	json_key(j, key);
	json_array(j);
	for (uint32_t i = 0; i < n; i++)
		json_str(j, names[i]);
	json_end_array(j);
}

static void json_tree(struct json *j, const struct explain_view *tree)
{
	json_key(j, "parts");
	json_array(j);
	for (uint32_t i = 0; i < tree->parts->n; i++) {
		json_object(j);
		explain_json_part(j, tree, i);
		json_end_object(j);
	}
	json_end_array(j);
}

static void json_rule(struct json *j, const struct one_rule *v)
{
	const struct template_table *t = v->a->rules.table;
	struct explain_view tree = { .parts = explain_parts(v->x) };

	json_object(j);
	json_key(j, "enabled");
	json_bool(j, v->r->enabled);
	json_names(j, "fields", v->uses.fields, v->uses.n_fields);
	json_key(j, "file");
	json_str(j, v->r->pos.file);
	json_key(j, "line");
	json_u64(j, v->r->pos.line);
	json_names(j, "lists", v->uses.lists, v->uses.n_lists);
	json_names(j, "macros", v->uses.macros, v->uses.n_macros);
	json_tree(j, &tree);
	json_key(j, "priority");
	json_str(j, rule_priority_name(v->r->priority));
	json_key(j, "rule");
	json_str(j, v->r->name);
	json_names(j, "tags", v->r->tags, v->r->n_tags);
	json_key(j, "tests");
	json_u64(j, v->r->n_tests);
	json_key(j, "types");
	json_array(j);
	for (uint32_t i = 0; i < t->n_types; i++)
		if (v->r->types >> i & 1)
			json_str(j, t->types[i].name);
	json_end_array(j);
	json_end_object(j);
}

/* ---- for an event ---- */

static void put_verdict(struct buf *out, const struct one_rule *v, const struct explain_view *tree)
{
	static uint32_t decided[MAX_DECIDERS];
	uint32_t n = explain_deciders(v->x, tree->values, decided, MAX_DECIDERS);
	bool fires = tree->values[0].truth == EXPLAIN_TRUE, gaps = false;

	buf_puts(out, v->a->colour ? "\033[1m" : "");
	explain_put_text(out, v->r->name, 512);
	buf_puts(out, v->a->colour ? "\033[0m" : "");
	buf_puts(out, fires ? " fires for " : " does not fire for ");
	explain_put_event(out, tree->e);
	buf_puts(out, "\n\n");
	explain_put_tree(out, tree);
	for (uint32_t i = 0; i < tree->parts->n; i++)
		gaps |= !tree->values[i].reached;
	if (gaps)
		buf_puts(out,
			 "\n  In parentheses: what a part would be; it was not evaluated, since those before it had "
			 "decided.\n");
	if (fires)
		return;
	buf_puts(out, "\nIt does not fire because\n");
	for (uint32_t i = 0; i < n && i < SHOWN_DECIDERS; i++) {
		buf_puts(out, "  ");
		explain_put_reason(out, tree, decided[i]);
	}
	if (n > SHOWN_DECIDERS)
		buf_printf(out, "  and %u more\n", n - SHOWN_DECIDERS);
}

static void json_verdict(struct json *j, const struct one_rule *v, const struct explain_view *tree)
{
	static uint32_t decided[MAX_DECIDERS];
	uint32_t n = explain_deciders(v->x, tree->values, decided, MAX_DECIDERS);

	json_object(j);
	json_key(j, "decided_by");
	json_array(j);
	for (uint32_t i = 0; i < n; i++)
		json_u64(j, decided[i]);
	json_end_array(j);
	json_key(j, "event");
	explain_json_event(j, tree->e);
	json_key(j, "fires");
	json_bool(j, tree->values[0].truth == EXPLAIN_TRUE);
	json_tree(j, tree);
	json_key(j, "rule");
	json_str(j, v->r->name);
	json_end_object(j);
}

static int judge(void *user, struct event *e)
{
	struct one_rule *v = user;
	struct explain_view tree = { .parts = explain_parts(v->x), .e = e, .colour = v->a->colour };
	AUTO_FREE struct explain_value *values = calloc(tree.parts->n, sizeof *values);
	struct buf out;
	struct json j;
	struct diag d;
	enum err err;

	if (!values)
		return cli_fail(CLI_HOST, "out of memory");
	diag_init(&d);
	err = explain_judge(v->x, e, values, &d);
	if (err)
		return cli_fail_diag(err, &d);
	tree.values = values;
	buf_init(&out, OUT_MAX_BYTES);
	json_init(&j, &out);
	if (v->a->json)
		json_verdict(&j, v, &tree);
	else
		put_verdict(&out, v, &tree);
	return cli_print(&out);
}

static int show(struct one_rule *v)
{
	struct buf out;
	struct json j;

	if (rule_find_uses(v->a->rules.set, v->rule, &v->a->rules.arena, &v->uses) != E_OK)
		return cli_fail(CLI_HOST, "out of memory");
	buf_init(&out, OUT_MAX_BYTES);
	json_init(&j, &out);
	if (v->a->json)
		json_rule(&j, v);
	else
		put_rule(&out, v);
	return cli_print(&out);
}

/* ---- which rule ---- */

/* By its whole name; else the only one whose name has the text somewhere, whatever the case. */
static int find_rule(struct one_rule *v)
{
	const struct rule_set *rs = v->a->rules.set;
	uint32_t n = 0;

	for (uint32_t i = 0; i < rs->n_rules; i++) {
		bool whole = !strcmp(rs->rules[i].name, v->a->what);

		if (!whole && !strcasestr(rs->rules[i].name, v->a->what))
			continue;
		v->rule = i;
		n++;
		if (whole) {
			n = 1;
			break;
		}
	}
	if (!n)
		return cli_fail(CLI_REFUSED, "no rule is called '%s'; 'sallyport rules list' names them", v->a->what);
	if (n > 1) {
		(void)cli_fail(CLI_REFUSED, "%u rules have '%s' in their name:", n, v->a->what);
		for (uint32_t i = 0; i < rs->n_rules; i++)
			if (strcasestr(rs->rules[i].name, v->a->what))
				(void)fprintf(stderr, "  %s\n", rs->rules[i].name);
		return CLI_REFUSED;
	}
	v->r = &rs->rules[v->rule];
	return 0;
}

int explain_rule(struct explain_args *a)
{
	struct one_rule v = { .a = a };
	int code = find_rule(&v);

	if (!code)
		code = explain_open(&a->rules, v.rule, &v.x);
	if (!code)
		code = a->event ? cli_event_with(a->event, a->rules.set, judge, &v) : show(&v);
	explain_free(v.x);
	return code;
}
