/* SPDX-License-Identifier: Apache-2.0 */
/* rules vectors: the events with a verdict that travel with compiled rules, and what they show. */
#include "cli/cli.h"
#include "content/vector/vector.h"

#include <getopt.h>

struct listing {
	struct cli_rules rules;
	struct arena arena;
	struct content *content;
	struct vector_set set;
	struct buf out;
	struct json j;
	uint32_t n_shown, n_fields; /* fields of a rule and type that have a pair, and all */
};

static void count(struct listing *l)
{
	for (uint32_t i = 0; i < l->set.n_claims; i++) {
		const struct vector_claim *k = &l->set.claims[i];

		l->n_fields += k->subject[0] != 0;
		l->n_shown += k->subject[0] && k->n_fires && k->n_silent;
	}
}

static const char *kind_name(uint8_t kind)
{
	static const char *const names[] = {
		[VECTOR_AUTHOR] = "author", [VECTOR_FIRES] = "fires", [VECTOR_SILENT] = "silent"
	};

	return names[kind];
}

static void json_vector(struct listing *l, const struct vector *v)
{
	struct json *j = &l->j;

	json_object(j);
	json_key(j, "fields");
	json_object(j);
	for (uint32_t i = 0; i < v->n_fields; i++) {
		json_key(j, v->fields[i].name);
		json_strn(j, v->fields[i].value, v->fields[i].value_len);
	}
	json_end_object(j);
	json_key(j, "fires");
	json_bool(j, v->fires);
	json_key(j, "kind");
	json_str(j, kind_name(v->kind));
	json_key(j, "rule");
	json_str(j, content_rule(l->content, v->rule)->name);
	json_key(j, "subject");
	json_str(j, v->subject);
	json_key(j, "type");
	json_str(j, v->type);
	json_end_object(j);
}

static int show_json(struct listing *l)
{
	json_init(&l->j, &l->out);
	json_object(&l->j);
	json_key(&l->j, "fields");
	json_u64(&l->j, l->n_fields);
	json_key(&l->j, "fields_shown");
	json_u64(&l->j, l->n_shown);
	json_key(&l->j, "vectors");
	json_array(&l->j);
	for (uint32_t i = 0; i < l->set.n; i++)
		json_vector(l, &l->set.v[i]);
	json_end_array(&l->j);
	json_end_object(&l->j);
	return cli_print(&l->out);
}

/* One line; elements of a list with a comma between them. */
static void put_vector(struct buf *out, const struct vector *v)
{
	enum { SHOWN = 60 };

	buf_printf(out, "  %-6s %s", v->fires ? "fires" : "silent", v->type);
	buf_printf(out, "  %s:", v->subject[0] ? v->subject : v->kind == VECTOR_AUTHOR ? "test" : "rule");
	for (uint32_t i = 0; i < v->n_fields; i++) {
		const struct vector_field *f = &v->fields[i];
		char text[SHOWN + 1];
		uint32_t n = f->value_len < SHOWN ? f->value_len : SHOWN;

		memcpy(text, f->value, n);
		for (uint32_t k = 0; k < n; k++)
			text[k] = text[k] == '\n' ? ',' : text[k];
		buf_printf(out, "  %s=", f->name);
		buf_put_safe(out, text, n);
		buf_puts(out, f->value_len > SHOWN ? "..." : "");
	}
	buf_putc(out, '\n');
}

static int show_text(struct listing *l)
{
	for (uint32_t i = 0; i < l->set.n; i++) {
		const struct vector *v = &l->set.v[i];

		if (!i || v[-1].rule != v->rule) {
			const char *name = content_rule(l->content, v->rule)->name;

			buf_put_safe(&l->out, name, strlen(name));
			buf_putc(&l->out, '\n');
		}
		put_vector(&l->out, v);
	}
	buf_printf(&l->out,
		   "%u vector%s of %u rule%s; of %u field%s that conditions use, by type of event, %u %s shown to "
		   "decide\n",
		   l->set.n, PLURAL(l->set.n), l->set.n_rules, PLURAL(l->set.n_rules), l->n_fields, PLURAL(l->n_fields),
		   l->n_shown, l->n_shown == 1 ? "is" : "are");
	return cli_print(&l->out);
}

static int run(struct listing *l, char *const *paths, uint32_t n, const struct rule_opts *o, bool json)
{
	int code = cli_rules_load_opts(paths, n, &template_builtin, o, &l->rules);
	enum err err;

	if (!code)
		code = cli_rules_content(&l->rules, &l->arena, &l->content);
	if (!code) {
		err = vector_make(l->rules.set, l->content, &l->arena, &l->rules.ds, &l->set);
		if (err)
			code = l->rules.ds.n_errors ? CLI_REFUSED
						    : cli_fail(err == E_NOMEM ? CLI_HOST : CLI_REFUSED,
							       "vectors cannot be made: %s", err_text(err));
	}
	cli_rules_show(&l->rules);
	if (code)
		return code;
	count(l);
	buf_init(&l->out, 512 << 20);
	return json ? show_json(l) : show_text(l);
}

int rules_vectors(int argc, char **argv)
{
	static const struct option opts[] = { { "json", no_argument, NULL, 'j' },
					      { "strict-falco", no_argument, NULL, 'f' },
					      { 0 } };
	struct rule_opts o = { 0 };
	struct listing l = { .n_shown = 0 };
	bool json = false;
	int c, code;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		if (c == 'j')
			json = true;
		else if (c == 'f')
			o.strict_falco = true;
		else
			return cli_usage("rules");
	}
	if (optind == argc)
		return cli_fail(CLI_USAGE, "which files?");
	arena_init(&l.arena, CONTENT_ARENA_MAX);
	code = run(&l, argv + optind, (uint32_t)(argc - optind), &o, json);
	content_free(l.content);
	arena_done(&l.arena);
	cli_rules_done(&l.rules);
	return code;
}
