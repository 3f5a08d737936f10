/* SPDX-License-Identifier: Apache-2.0 */
/* rules check and rules compile: the way of a rule file up to content that is proven. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>

enum { ELF_MAX_BYTES = 64 << 20 };

/* What findings of the static analysis are. */
enum lint_level { LINT_WARN, LINT_ERROR, LINT_OFF };

struct check_args {
	const char *schema, *out;
	enum lint_level lint;
	bool json;
	struct rule_opts opts;
	struct arena schema_arena;
	const struct template_table *table;
};

static bool read_level(const char *s, enum lint_level *out)
{
	static const char *const words[] = { [LINT_WARN] = "warn", [LINT_ERROR] = "error", [LINT_OFF] = "off" };

	for (size_t i = 0; i < countof(words); i++) {
		if (strcmp(words[i], s) != 0)
			continue;
		*out = (enum lint_level)i;
		return true;
	}
	return false;
}

static int parse(int argc, char **argv, struct check_args *a)
{
	static const struct option opts[] = { { "json", no_argument, NULL, 'j' },
					      { "lint", required_argument, NULL, 'l' },
					      { "schema", required_argument, NULL, 's' },
					      { "strict-falco", no_argument, NULL, 'f' },
					      { 0 } };
	int c;

	*a = (struct check_args){ .table = &template_builtin };
	arena_init(&a->schema_arena, 16 << 20);
	while ((c = getopt_long(argc, argv, "o:", opts, NULL)) != -1) {
		if (c == 'j')
			a->json = true;
		else if (c == 's')
			a->schema = optarg;
		else if (c == 'l' && read_level(optarg, &a->lint))
			continue;
		else if (c == 'l')
			return cli_fail(CLI_USAGE, "--lint=%s is not warn, error or off", optarg);
		else if (c == 'f')
			a->opts.strict_falco = true;
		else if (c == 'o')
			a->out = optarg;
		else
			return cli_usage("rules");
	}
	if (optind == argc)
		return cli_fail(CLI_USAGE, "which files?");
	return a->schema ? cli_schema_load(a->schema, &a->schema_arena, &a->table) : 0;
}

/* What came of it. */
struct checked {
	struct cli_rules rules;
	struct buf elf;
	struct diags lints;
	uint32_t n_enabled, n_programs;
};

static int compile(struct checked *k)
{
	enum err err = rule_compile(k->rules.set, &k->rules.arena, &k->elf, &k->rules.ds);

	if (err == E_OK)
		return 0;
	return k->rules.ds.n_errors ? CLI_REFUSED
				    : cli_fail(CLI_REFUSED, "rules cannot be compiled: %s", err_text(err));
}

/* The three walls that content meets on a host, here already. */
static int prove(struct checked *k)
{
	struct content_opts o = { .table = k->rules.table };
	struct content *c = NULL;
	struct arena a;
	struct diag d;
	enum err err;
	int code = 0;

	arena_init(&a, CONTENT_ARENA_MAX);
	diag_init(&d);
	err = content_load(view_of(k->elf.p, k->elf.len), "compiled rules", &o, &a, &c, &d);
	if (err == E_OK)
		k->n_programs = content_n_programs(c);
	else
		code = cli_fail_diag(err, &d);
	content_free(c);
	arena_done(&a);
	return code;
}

/* A file may hold only lists and macros for others; one that holds nothing was not what was meant. */
static int refuse_none(const struct checked *k)
{
	const struct rule_set *rs = k->rules.set;

	if (!rs->n_rules && !rs->n_macros && !rs->n_lists)
		return cli_fail(CLI_REFUSED, "the files define no rule, macro or list");
	if (!k->n_enabled)
		(void)fprintf(stderr, "sallyport: warning: the files define no enabled rule\n");
	return 0;
}

static int load_and_prove(int argc, char **argv, const struct check_args *a, struct checked *k)
{
	int code = cli_rules_load_opts(argv + optind, (uint32_t)(argc - optind), a->table, &a->opts, &k->rules);

	buf_init(&k->elf, ELF_MAX_BYTES);
	if (code)
		return code;
	for (uint32_t i = 0; i < k->rules.set->n_rules; i++)
		k->n_enabled += k->rules.set->rules[i].enabled;
	code = refuse_none(k);
	if (!code)
		code = compile(k);
	return code ? code : prove(k);
}

/* Findings as warnings, or as errors that fail the check. */
static int lint(struct checked *k, enum lint_level level)
{
	enum err err = rule_lint(k->rules.set, &k->rules.arena, &k->lints);

	if (err != E_OK)
		return cli_fail(CLI_HOST, "the rules cannot be analysed: %s", err_text(err));
	if (level == LINT_WARN || !k->lints.head)
		return 0;
	for (struct diag_node *n = k->lints.head; n; n = n->next)
		n->d.severity = DIAG_ERROR;
	return CLI_REFUSED;
}

static void done(struct checked *k, struct check_args *a)
{
	buf_done(&k->elf);
	cli_rules_done(&k->rules);
	arena_done(&a->schema_arena);
}

static void show(const struct checked *k)
{
	struct buf text;

	cli_rules_show(&k->rules);
	buf_init(&text, 4 << 20);
	diags_render(&text, &k->lints, cli_colour(STDERR_FILENO));
	(void)fputs(text.p ? text.p : "", stderr);
	buf_done(&text);
}

/* The names of the template types that a rule is judged on. */
static void put_types(const struct checked *k, const struct rule *r, struct buf *out)
{
	const struct template_table *t = k->rules.table;

	for (uint32_t i = 0; i < t->n_types; i++)
		if (r->types >> i & 1)
			buf_printf(out, " %s", t->types[i].name);
	if (!r->types)
		buf_puts(out, " none");
}

static int print_bindings(const struct checked *k)
{
	struct buf out;

	buf_init(&out, 4 << 20);
	for (uint32_t i = 0; i < k->rules.set->n_rules; i++) {
		const struct rule *r = &k->rules.set->rules[i];

		buf_put_safe(&out, r->name, strlen(r->name));
		buf_puts(&out, r->enabled ? ":" : " (disabled):");
		put_types(k, r, &out);
		buf_putc(&out, '\n');
	}
	buf_printf(&out, "ok: %u rule%s, %u program%s, proven\n", k->n_enabled, PLURAL(k->n_enabled), k->n_programs,
		   PLURAL(k->n_programs));
	return cli_print(&out);
}

static void json_bindings(const struct checked *k, struct json *j)
{
	const struct template_table *t = k->rules.table;
	const struct rule_set *rs = k->rules.set;

	json_array(j);
	for (uint32_t i = 0; rs && i < rs->n_rules; i++) {
		json_object(j);
		json_key(j, "enabled");
		json_bool(j, rs->rules[i].enabled);
		json_key(j, "event_types");
		json_array(j);
		for (uint32_t y = 0; y < t->n_types; y++)
			if (rs->rules[i].types >> y & 1)
				json_str(j, t->types[y].name);
		json_end_array(j);
		json_key(j, "rule");
		json_str(j, rs->rules[i].name);
		json_end_object(j);
	}
	json_end_array(j);
}

static int print_json(const struct checked *k, int code)
{
	struct buf out;
	struct json j;

	buf_init(&out, 16 << 20);
	json_init(&j, &out);
	json_object(&j);
	json_key(&j, "bindings");
	json_bindings(k, &j);
	json_key(&j, "diagnostics");
	json_array(&j);
	for (const struct diag_node *n = k->rules.ds.head; n; n = n->next)
		cli_json_diag(&j, &n->d);
	for (const struct diag_node *n = k->lints.head; n; n = n->next)
		cli_json_diag(&j, &n->d);
	json_end_array(&j);
	json_key(&j, "ok");
	json_bool(&j, code == 0);
	json_key(&j, "programs");
	json_u64(&j, k->n_programs);
	json_key(&j, "rules");
	json_u64(&j, k->n_enabled);
	json_end_object(&j);
	return cli_print(&out);
}

int rules_check(int argc, char **argv)
{
	struct checked k = { 0 };
	struct check_args a;
	int code = parse(argc, argv, &a);

	if (!code) {
		code = load_and_prove(argc, argv, &a, &k);
		diags_init(&k.lints, &k.rules.arena);
		if (!code && a.lint != LINT_OFF)
			code = lint(&k, a.lint);
		if (a.json && (k.rules.set || k.rules.ds.head))
			(void)print_json(&k, code);
		else
			show(&k);
		if (!code && !a.json)
			code = print_bindings(&k);
	}
	done(&k, &a);
	return code;
}

static int write_file(const char *path, const struct buf *b)
{
	AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || io_write_all(fd, b->p, b->len) != E_OK)
		return cli_fail(CLI_HOST, "cannot write '%s': %s", path, strerror(errno));
	return 0;
}

int rules_compile(int argc, char **argv)
{
	struct checked k = { 0 };
	struct check_args a;
	int code = parse(argc, argv, &a);

	if (!code && !a.out)
		code = cli_fail(CLI_USAGE, "-o OUT is missing: where is the object to go?");
	if (!code) {
		code = load_and_prove(argc, argv, &a, &k);
		if (a.json && code && (k.rules.set || k.rules.ds.head))
			(void)print_json(&k, code);
		else if (!a.json)
			cli_rules_show(&k.rules);
	}
	if (!code)
		code = write_file(a.out, &k.elf);
	if (!code && a.json)
		code = print_json(&k, code);
	else if (!code)
		(void)fprintf(stderr, "%s: %u rule%s, %u program%s, %zu bytes\n", a.out, k.n_enabled,
			      PLURAL(k.n_enabled), k.n_programs, PLURAL(k.n_programs), k.elf.len);
	done(&k, &a);
	return code;
}
