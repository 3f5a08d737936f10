/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules test: the events that stand under a rule's `tests:`, judged by the compiled rules exactly as a host judges
 * them.
 */
#include "cli/coverage.h"

#include <getopt.h>

enum { MAX_FIRED = 4096 };

struct bench {
	struct cli_rules rules;
	struct arena arena; /* the content's */
	struct content *content;
	struct content_eval eval;
	struct event *event;
	uint32_t *fired;
	uint32_t n_ok, n_failed, n_untested;
	struct buf out;
	struct json j;
	bool json, colour, coverage;
	struct rule_opts opts;
};

static int prepare(struct bench *b)
{
	arena_init(&b->arena, CONTENT_ARENA_MAX);
	b->event = malloc(sizeof *b->event);
	b->fired = calloc(MAX_FIRED, sizeof *b->fired);
	if (!b->event || !b->fired || vm_new(&b->eval.vm) != E_OK)
		return cli_fail(CLI_HOST, "out of memory");
	event_init(b->event, b->rules.table);
	return cli_rules_content(&b->rules, &b->arena, &b->content);
}

static bool fires(struct bench *b, const char *rule, struct diag *d)
{
	uint64_t faults = b->eval.faults;
	uint32_t n = content_eval(b->content, &b->eval, b->event, b->fired, MAX_FIRED);

	if (b->eval.faults != faults)
		(void)snprintf(d->text, sizeof d->text, "a program ended in an error: %.180s", b->eval.fault.d.text);
	for (uint32_t i = 0; i < n; i++)
		if (!strcmp(content_rule(b->content, b->fired[i])->name, rule))
			return true;
	return false;
}

static void report(struct bench *b, const struct rule *r, const struct rule_test *t, bool ok, const char *why)
{
	if (b->json) {
		json_object(&b->j);
		json_key(&b->j, "line");
		json_u64(&b->j, t->pos.line);
		json_key(&b->j, "ok");
		json_bool(&b->j, ok);
		json_key(&b->j, "rule");
		json_str(&b->j, r->name);
		json_key(&b->j, "test");
		json_str(&b->j, t->name);
		json_key(&b->j, "why");
		json_str(&b->j, why);
		json_end_object(&b->j);
		return;
	}
	if (ok)
		return;
	buf_printf(&b->out, "%s:%u: %sFAIL%s %s: %s: %s\n", t->pos.file ? t->pos.file : "?", t->pos.line,
		   b->colour ? "\033[1;31m" : "", b->colour ? "\033[0m" : "", r->name, t->name ? t->name : t->type,
		   why);
}

static void run_test(struct bench *b, const struct rule *r, const struct rule_test *t)
{
	struct arena a;
	struct diag d;
	bool fired, ok = false;
	const char *why = d.text;

	arena_init(&a, 1 << 20);
	diag_init(&d);
	if (cli_event_fill(b->event, t, &a, &d) == E_OK) {
		fired = fires(b, r->name, &d);
		ok = fired == t->fires && !d.text[0];
		if (!d.text[0])
			why = ok ? "" : t->fires ? "it should fire and does not" : "it fires and should not";
	}
	b->n_ok += ok;
	b->n_failed += !ok;
	report(b, r, t, ok, why);
	arena_done(&a);
}

static void run_all(struct bench *b)
{
	for (uint32_t i = 0; i < b->rules.set->n_rules; i++) {
		const struct rule *r = &b->rules.set->rules[i];

		if (!r->enabled)
			continue;
		b->n_untested += !r->n_tests;
		for (uint32_t k = 0; k < r->n_tests; k++)
			run_test(b, r, &r->tests[k]);
	}
}

static int show(struct bench *b)
{
	int code = 0;

	if (b->json)
		json_end_array(&b->j);
	if (b->coverage)
		code = coverage_show(&b->rules, &b->out, b->json ? &b->j : NULL, b->colour);
	if (code) {
		buf_done(&b->out);
		return code;
	}
	if (b->json) {
		json_key(&b->j, "untested_rules");
		json_u64(&b->j, b->n_untested);
		json_end_object(&b->j);
	} else {
		buf_printf(&b->out, "%u test%s passed, %u failed, %u rule%s without a test\n", b->n_ok, PLURAL(b->n_ok),
			   b->n_failed, b->n_untested, PLURAL(b->n_untested));
	}
	return cli_print(&b->out);
}

static int run(struct bench *b, char *const *paths, uint32_t n)
{
	int code = cli_rules_load_opts(paths, n, &template_builtin, &b->opts, &b->rules);

	if (!code)
		code = prepare(b);
	cli_rules_show(&b->rules);
	if (code)
		return code;
	buf_init(&b->out, 16 << 20);
	json_init(&b->j, &b->out);
	if (b->json) {
		json_object(&b->j);
		json_key(&b->j, "tests");
		json_array(&b->j);
	}
	run_all(b);
	code = show(b);
	return code ? code : b->n_failed ? CLI_REFUSED : CLI_OK;
}

int rules_test(int argc, char **argv)
{
	static const struct option opts[] = { { "json", no_argument, NULL, 'j' },
					      { "coverage", no_argument, NULL, 'c' },
					      { "strict-falco", no_argument, NULL, 'f' },
					      { 0 } };
	struct bench b = { .colour = cli_colour(STDOUT_FILENO) };
	int c, code;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		if (c == 'j')
			b.json = true;
		else if (c == 'c')
			b.coverage = true;
		else if (c == 'f')
			b.opts.strict_falco = true;
		else
			return cli_usage("rules");
	}
	if (optind == argc)
		return cli_fail(CLI_USAGE, "which files?");
	code = run(&b, argv + optind, (uint32_t)(argc - optind));
	content_free(b.content);
	vm_free(b.eval.vm);
	arena_done(&b.arena);
	free(b.event);
	free(b.fired);
	cli_rules_done(&b.rules);
	return code;
}
