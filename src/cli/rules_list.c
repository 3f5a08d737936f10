/* SPDX-License-Identifier: Apache-2.0 */
/* rules list: what rules there are, and what conditions can speak of. */
#include "cli/cli.h"

#include <getopt.h>

/* One line, or object, about a field. */
struct field_line {
	const char *name, *type, *presence, *source, *doc, *event_type;
	const char *refused; /* why, or NULL */
};

static void put_field(const struct field_line *f, struct json *j, struct buf *out, bool json)
{
	if (!json && f->refused)
		buf_printf(out, "%-40s refused: %s\n", f->name, f->refused);
	else if (!json)
		buf_printf(out, "%-40s supported %-9s %-7s %-8s %s\n", f->name, f->type, f->presence, f->source,
			   f->doc);
	if (!json)
		return;
	json_object(j);
	json_key(j, "doc");
	json_str(j, f->doc);
	json_key(j, "event_type");
	json_str(j, f->event_type);
	json_key(j, "name");
	json_str(j, f->name);
	json_key(j, "presence");
	json_str(j, f->presence);
	json_key(j, "reason");
	json_str(j, f->refused);
	json_key(j, "source");
	json_str(j, f->source);
	json_key(j, "support");
	json_str(j, f->refused ? "refused" : "supported");
	json_key(j, "type");
	json_str(j, f->type);
	json_end_object(j);
}

static void list_section(const struct template_section *s, const char *type, struct json *j, struct buf *out, bool json)
{
	static const char *const sources[] = {
		[TEMPLATE_WIRE] = "kernel", [TEMPLATE_PROC] = "process", [TEMPLATE_DERIVED] = "derived"
	};

	for (uint32_t i = 0; i < s->n; i++) {
		const struct template_field *f = &s->fields[i];
		struct field_line line = { .name = f->name,
					   .type = template_type_word(f->type),
					   .presence = f->presence == TEMPLATE_ALWAYS ? "always" : "maybe",
					   .source = sources[f->source],
					   .doc = f->doc,
					   .event_type = type };

		put_field(&line, j, out, json);
	}
}

/* Names that the language itself knows, and Falco's that are refused. */
static void list_others(struct json *j, struct buf *out, bool json)
{
	char name[80];

	if (!json)
		buf_puts(out, "\n# of the language itself\n");
	for (const struct rule_extra_field *f = rule_extra_fields; f->name; f++)
		put_field(&(struct field_line){ .name = f->name,
						.type = f->type,
						.presence = "maybe",
						.source = "language",
						.doc = f->doc },
			  j, out, json);
	if (!json)
		buf_puts(out, "\n# Falco's, not supplied\n");
	for (size_t i = 0; i < rule_n_refused; i++) {
		size_t len = strlen(rule_refused[i].name);

		(void)snprintf(name, sizeof name, "%s%s", rule_refused[i].name,
			       rule_refused[i].name[len - 1] == '.' ? "*" : "");
		put_field(&(struct field_line){ .name = name, .refused = rule_refused[i].reason }, j, out, json);
	}
}

static int list_fields(bool as_json)
{
	const struct template_table *t = &template_builtin;
	struct buf out;
	struct json j;

	buf_init(&out, 4 << 20);
	json_init(&j, &out);
	if (as_json)
		json_array(&j);
	else
		buf_puts(&out, "# every event\n");
	list_section(&t->common, NULL, &j, &out, as_json);
	for (uint32_t i = 0; i < t->n_types; i++) {
		if (!as_json)
			buf_printf(&out, "\n# %s: %s\n", t->types[i].name, t->types[i].doc);
		list_section(&t->types[i].own, t->types[i].name, &j, &out, as_json);
	}
	list_others(&j, &out, as_json);
	if (as_json)
		json_end_array(&j);
	return cli_print(&out);
}

static int list_events(bool as_json)
{
	const struct template_table *t = &template_builtin;
	struct buf out;
	struct json j;

	buf_init(&out, 1 << 20);
	json_init(&j, &out);
	if (as_json)
		json_array(&j);
	for (uint32_t i = 0; i < t->n_types; i++) {
		const struct template_type *y = &t->types[i];

		if (!as_json) {
			buf_printf(&out, "%-14s evt.type: %-32s %s\n", y->name, y->events, y->doc);
			continue;
		}
		json_object(&j);
		json_key(&j, "doc");
		json_str(&j, y->doc);
		json_key(&j, "evt_types");
		json_str(&j, y->events);
		json_key(&j, "name");
		json_str(&j, y->name);
		json_end_object(&j);
	}
	if (as_json)
		json_end_array(&j);
	return cli_print(&out);
}

static int list_schema(void)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	template_write_schema(&template_builtin, &out);
	return cli_print(&out);
}

static void json_rule(struct json *j, const struct rule *r)
{
	json_object(j);
	json_key(j, "desc");
	json_str(j, r->desc);
	json_key(j, "drill");
	json_str(j, r->drill);
	json_key(j, "enabled");
	json_bool(j, r->enabled);
	json_key(j, "event_types");
	json_array(j);
	for (uint32_t t = 0; t < template_builtin.n_types; t++)
		if (r->types >> t & 1)
			json_str(j, template_builtin.types[t].name);
	json_end_array(j);
	json_key(j, "name");
	json_str(j, r->name);
	json_key(j, "priority");
	json_str(j, rule_priority_name(r->priority));
	json_key(j, "tags");
	json_array(j);
	for (uint32_t i = 0; i < r->n_tags; i++)
		json_str(j, r->tags[i]);
	json_end_array(j);
	json_key(j, "tests");
	json_u64(j, r->n_tests);
	json_end_object(j);
}

static int print_rules(const struct rule_set *rs, bool as_json)
{
	struct buf out;
	struct json j;

	buf_init(&out, 16 << 20);
	json_init(&j, &out);
	if (as_json)
		json_array(&j);
	for (uint32_t i = 0; i < rs->n_rules; i++) {
		const struct rule *r = &rs->rules[i];

		if (as_json) {
			json_rule(&j, r);
			continue;
		}
		buf_printf(&out, "%-13s %s%s\n", rule_priority_name(r->priority), r->name,
			   r->enabled ? "" : " (disabled)");
	}
	if (as_json)
		json_end_array(&j);
	return cli_print(&out);
}

static int list_rules(char **paths, uint32_t n, const struct rule_opts *o, bool as_json)
{
	char *standard = (char *)(uintptr_t)cli_default_rules();
	struct cli_rules r = { 0 };
	int code;

	if (!n && !standard)
		return cli_fail(CLI_REFUSED, "no rules are installed in " SALLYPORT_RULES_DIR ": name files");
	code = cli_rules_load_opts(n ? paths : &standard, n ? n : 1, &template_builtin, o, &r);
	cli_rules_show(&r);
	if (!code)
		code = print_rules(r.set, as_json);
	cli_rules_done(&r);
	return code;
}

int rules_list(int argc, char **argv)
{
	static const struct option opts[] = { { "json", no_argument, NULL, 'j' },
					      { "strict-falco", no_argument, NULL, 'f' },
					      { 0 } };
	struct rule_opts o = { 0 };
	bool as_json = false;
	const char *what;
	int c;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		if (c == 'j')
			as_json = true;
		else if (c == 'f')
			o.strict_falco = true;
		else
			return cli_usage("rules");
	}
	what = optind < argc ? argv[optind++] : "rules";
	if (!strcmp(what, "rules"))
		return list_rules(argv + optind, (uint32_t)(argc - optind), &o, as_json);
	if (optind != argc)
		return cli_usage("rules");
	if (!strcmp(what, "fields"))
		return list_fields(as_json);
	if (!strcmp(what, "events"))
		return list_events(as_json);
	if (!strcmp(what, "schema"))
		return list_schema();
	(void)cli_fail(CLI_USAGE, "'%s' cannot be listed: rules, fields, events or schema can", what);
	return cli_usage("rules");
}
