/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules diff: what a change of rules does to the alerts of captures.
 *
 * A rule counts as changed when something that it says of itself did, or when it compiles, alone, to another program:
 * another layout of the text or a renamed macro is no change.
 */
#include "agent/agent.h"
#include "cli/explain.h"

#include <getopt.h>

enum { ELF_MAX_BYTES = 64 << 20, OUT_MAX_BYTES = 64 << 20, MAX_TEXT = 400, SHOWN_ALERTS = 200 };

/* The rules of a side as text; rules.set is NULL when it has compiled content: then programs are not compared. */
struct source {
	const char *path;
	struct cli_rules rules;
	bool loaded;
};

enum change { CHANGED_CONDITION = 1, CHANGED_OUTPUT = 2, CHANGED_PRIORITY = 4, CHANGED_TAGS = 8, CHANGED_DESC = 16 };

/* A rule of either side, or of both. */
struct pair {
	const struct agent_diff_rule *side[2]; /* NULL: not there */
	unsigned changes;
};

struct rules_diff {
	struct agent_diff_opts o;
	char *captures[AGENT_DIFF_MAX_CAPTURES];
	struct source src[2];
	struct agent_diff d;
	struct pair *pairs;
	uint32_t n_pairs, n_added, n_removed, n_changed;
	bool json, exit_code, colour;
};

/* ---- which rules changed ---- */

static bool has_elf(const struct agent_files *files)
{
	for (uint32_t i = 0; i < files->n; i++) {
		AUTO_FREE char *text = NULL;
		struct diag d;
		size_t len;

		diag_init(&d);
		if (agent_file_read(files->path[i], &text, &len, &d) == E_OK && len >= 4 && !memcmp(text, "\177ELF", 4))
			return true;
	}
	return false;
}

/* agent_diff loaded it already and said what is to be said. */
static int load_text(struct source *s)
{
	struct agent_files files = { .n = 0 };
	char *path = (char *)(uintptr_t)s->path;
	struct diag d;
	int code = 0;

	diag_init(&d);
	if (agent_files_list(&path, 1, &files, &d) == E_OK && !has_elf(&files)) {
		code = cli_rules_load(&path, 1, &template_builtin, &s->rules);
		s->loaded = true;
	}
	agent_files_free(&files);
	return code;
}

/* The rule by its name, compiled alone, without what it says of itself. */
static bool compile_alone(struct source *s, const char *name, struct buf *out)
{
	const struct rule_set *rs = s->rules.set;
	struct rule_set one = { .table = rs->table, .n_rules = 1, .book = rs->book };
	struct rule rule;
	struct diags ds;
	struct arena a;
	enum err err = E_NOT_FOUND;

	arena_init(&a, 256 << 20);
	diags_init(&ds, &a);
	for (uint32_t i = 0; i < rs->n_rules && err; i++) {
		if (strcmp(rs->rules[i].name, name) != 0)
			continue;
		rule = rs->rules[i];
		rule.desc = rule.output = rule.name = "";
		rule.priority = 0;
		rule.tags = NULL;
		rule.n_tags = 0;
		rule.drill = NULL;
		one.rules = &rule;
		err = rule_compile(&one, &a, out, &ds);
	}
	arena_done(&a);
	return err == E_OK;
}

static bool condition_changed(struct rules_diff *x, const char *name)
{
	struct buf elf[2];
	bool changed = false;

	if (!x->src[0].loaded || !x->src[1].loaded)
		return false;
	buf_init(&elf[0], ELF_MAX_BYTES);
	buf_init(&elf[1], ELF_MAX_BYTES);
	if (compile_alone(&x->src[0], name, &elf[0]) && compile_alone(&x->src[1], name, &elf[1]))
		changed = elf[0].len != elf[1].len || memcmp(elf[0].p, elf[1].p, elf[0].len) != 0;
	buf_done(&elf[0]);
	buf_done(&elf[1]);
	return changed;
}

static bool same_tags(const struct content_rule *a, const struct content_rule *b)
{
	if (a->n_tags != b->n_tags)
		return false;
	for (uint32_t i = 0; i < a->n_tags; i++)
		if (strcmp(a->tags[i], b->tags[i]) != 0)
			return false;
	return true;
}

static unsigned changes_of(struct rules_diff *x, const struct content_rule *a, const struct content_rule *b)
{
	return (condition_changed(x, a->name) ? CHANGED_CONDITION : 0u) |
	       (strcmp(a->output, b->output) ? CHANGED_OUTPUT : 0u) |
	       (a->priority != b->priority ? CHANGED_PRIORITY : 0u) | (same_tags(a, b) ? 0u : CHANGED_TAGS) |
	       (strcmp(a->desc, b->desc) ? CHANGED_DESC : 0u);
}

static const struct agent_diff_rule *rule_by_name(const struct agent_diff_side *s, const char *name)
{
	for (uint32_t i = 0; i < s->n_rules; i++)
		if (!strcmp(s->rules[i].rule->name, name))
			return &s->rules[i];
	return NULL;
}

/* The new side's rules in their order, then those that are gone. */
static int pair_rules(struct rules_diff *x)
{
	const struct agent_diff_side *was = &x->d.side[0], *is = &x->d.side[1];

	x->pairs = calloc((size_t)was->n_rules + is->n_rules + 1, sizeof *x->pairs);
	if (!x->pairs)
		return cli_fail(CLI_HOST, "out of memory");
	for (uint32_t i = 0; i < is->n_rules; i++) {
		struct pair *p = &x->pairs[x->n_pairs++];

		p->side[1] = &is->rules[i];
		p->side[0] = rule_by_name(was, is->rules[i].rule->name);
		x->n_added += !p->side[0];
		p->changes = p->side[0] ? changes_of(x, p->side[0]->rule, p->side[1]->rule) : 0;
		x->n_changed += p->changes != 0;
	}
	for (uint32_t i = 0; i < was->n_rules; i++) {
		if (rule_by_name(is, was->rules[i].rule->name))
			continue;
		x->pairs[x->n_pairs++].side[0] = &was->rules[i];
		x->n_removed++;
	}
	return 0;
}

static const char *pair_name(const struct pair *p)
{
	return p->side[p->side[1] ? 1 : 0]->rule->name;
}

/* ---- text ---- */

static const struct {
	unsigned bit;
	const char *word;
} change_words[] = { { CHANGED_CONDITION, "condition" },
		     { CHANGED_OUTPUT, "output" },
		     { CHANGED_PRIORITY, "priority" },
		     { CHANGED_TAGS, "tags" },
		     { CHANGED_DESC, "desc" } };

static void put_mark(const struct rules_diff *x, struct buf *out, char mark)
{
	const char *colour = mark == '+' ? "\033[32m" : mark == '-' ? "\033[31m" : "\033[33m";

	buf_printf(out, "%s%c%s ", x->colour ? colour : "", mark, x->colour ? "\033[0m" : "");
}

static void put_alerts(const struct rules_diff *x, struct buf *out)
{
	for (uint32_t i = 0; i < x->d.n_alerts && i < SHOWN_ALERTS; i++) {
		const struct agent_diff_alert *a = &x->d.alerts[i];
		const struct content_rule *r = x->d.side[a->is_new].rules[a->rule].rule;

		put_mark(x, out, a->is_new ? '+' : '-');
		if (x->o.n_captures > 1) {
			explain_put_text(out, x->o.captures[a->capture], 200);
			buf_putc(out, ' ');
		}
		buf_printf(out, "event %llu: %s: ", (unsigned long long)a->event, rule_priority_name(r->priority));
		explain_put_text(out, r->name, 200);
		buf_puts(out, "\n    ");
		explain_put_text(out, a->text, MAX_TEXT);
		buf_putc(out, '\n');
	}
	if (x->d.n_alerts > SHOWN_ALERTS)
		buf_printf(out, "  and %u lines more: --json has up to %d\n", x->d.n_alerts - SHOWN_ALERTS,
			   AGENT_DIFF_MAX_ALERTS);
}

static void put_changes(const struct rules_diff *x, struct buf *out)
{
	buf_printf(out, "\nrules: %u added, %u removed, %u changed, %u the same\n", x->n_added, x->n_removed,
		   x->n_changed, x->n_pairs - x->n_added - x->n_removed - x->n_changed);
	for (uint32_t i = 0; i < x->n_pairs; i++) {
		const struct pair *p = &x->pairs[i];
		const char *comma = "";

		if (p->side[0] && p->side[1] && !p->changes)
			continue;
		buf_puts(out, "  ");
		put_mark(x, out, !p->side[0] ? '+' : !p->side[1] ? '-' : '~');
		explain_put_text(out, pair_name(p), 200);
		for (size_t k = 0; k < countof(change_words); k++) {
			if (!(p->changes & change_words[k].bit))
				continue;
			buf_printf(out, "%s%s", *comma ? comma : ": ", change_words[k].word);
			comma = ", ";
		}
		buf_putc(out, '\n');
	}
	if (!x->src[0].loaded || !x->src[1].loaded)
		buf_puts(out, "  (conditions were not compared: one side is compiled content)\n");
}

static void put_number(struct buf *out, const struct agent_diff_rule *r, bool ns)
{
	if (!r)
		buf_printf(out, "%10s", "-");
	else if (ns && !r->runs)
		buf_printf(out, "%10s", "not run");
	else if (ns)
		buf_printf(out, "%10.1f", r->ns_per_run);
	else
		buf_printf(out, "%10llu", (unsigned long long)r->alerts);
}

static void put_table(const struct rules_diff *x, struct buf *out)
{
	buf_printf(out, "\n%-50s%20s%20s\n%-50s%10s%10s%10s%10s\n", "", "alerts", "ns per run", "rule", "old", "new",
		   "old", "new");
	for (uint32_t i = 0; i < x->n_pairs; i++) {
		const struct pair *p = &x->pairs[i];
		size_t start = out->len;

		explain_put_text(out, pair_name(p), 48);
		buf_printf(out, "%*s", (int)(out->len - start < 50 ? 50 - (out->len - start) : 1), "");
		put_number(out, p->side[0], false);
		put_number(out, p->side[1], false);
		put_number(out, p->side[0], true);
		put_number(out, p->side[1], true);
		buf_putc(out, '\n');
	}
	buf_printf(out, "%-50s%10llu%10llu\n", "all", (unsigned long long)x->d.side[0].alerts,
		   (unsigned long long)x->d.side[1].alerts);
	buf_printf(out, "%-50s%20s%10.1f%10.1f\n", "ns per event, all rules", "", x->d.side[0].ns_per_event,
		   x->d.side[1].ns_per_event);
}

static void put_all(const struct rules_diff *x, struct buf *out)
{
	const struct agent_diff *d = &x->d;

	buf_printf(out, "%llu events: %llu alert%s appear%s, %llu vanish%s, %llu change%s in text, %llu stay\n",
		   (unsigned long long)d->events, (unsigned long long)d->appear, PLURAL(d->appear),
		   d->appear == 1 ? "s" : "", (unsigned long long)d->vanish, d->vanish == 1 ? "es" : "",
		   (unsigned long long)d->reworded, d->reworded == 1 ? "s" : "", (unsigned long long)d->same);
	put_alerts(x, out);
	put_changes(x, out);
	put_table(x, out);
}

/* ---- JSON ---- */

static void json_side(struct json *j, const char *key, const struct agent_diff_rule *r)
{
	json_key(j, key);
	if (!r) {
		json_null(j);
		return;
	}
	json_object(j);
	json_key(j, "alerts");
	json_u64(j, r->alerts);
	json_key(j, "ns_per_run");
	json_f64(j, r->ns_per_run);
	json_key(j, "runs");
	json_u64(j, r->runs);
	json_end_object(j);
}

static void json_rules(const struct rules_diff *x, struct json *j)
{
	json_key(j, "rules");
	json_array(j);
	for (uint32_t i = 0; i < x->n_pairs; i++) {
		const struct pair *p = &x->pairs[i];

		json_object(j);
		json_key(j, "changed");
		json_array(j);
		for (size_t k = 0; k < countof(change_words); k++)
			if (p->changes & change_words[k].bit)
				json_str(j, change_words[k].word);
		json_end_array(j);
		json_side(j, "new", p->side[1]);
		json_side(j, "old", p->side[0]);
		json_key(j, "rule");
		json_str(j, pair_name(p));
		json_end_object(j);
	}
	json_end_array(j);
}

static void json_alerts(const struct rules_diff *x, struct json *j)
{
	json_key(j, "alerts");
	json_array(j);
	for (uint32_t i = 0; i < x->d.n_alerts; i++) {
		const struct agent_diff_alert *a = &x->d.alerts[i];
		const struct content_rule *r = x->d.side[a->is_new].rules[a->rule].rule;

		json_object(j);
		json_key(j, "capture");
		json_str(j, x->o.captures[a->capture]);
		json_key(j, "event");
		json_u64(j, a->event);
		json_key(j, "output");
		json_str(j, a->text);
		json_key(j, "priority");
		json_str(j, rule_priority_name(r->priority));
		json_key(j, "rule");
		json_str(j, r->name);
		json_key(j, "side");
		json_str(j, a->is_new ? "new" : "old");
		json_key(j, "time");
		json_u64(j, a->time_ns);
		json_end_object(j);
	}
	json_end_array(j);
}

static void json_count(struct json *j, const char *key, uint64_t n)
{
	json_key(j, key);
	json_u64(j, n);
}

static void json_all(const struct rules_diff *x, struct json *j)
{
	json_object(j);
	json_alerts(x, j);
	json_count(j, "appear", x->d.appear);
	json_key(j, "conditions_compared");
	json_bool(j, x->src[0].loaded && x->src[1].loaded);
	json_count(j, "events", x->d.events);
	json_key(j, "ns_per_event");
	json_object(j);
	json_key(j, "new");
	json_f64(j, x->d.side[1].ns_per_event);
	json_key(j, "old");
	json_f64(j, x->d.side[0].ns_per_event);
	json_end_object(j);
	json_count(j, "reworded", x->d.reworded);
	json_rules(x, j);
	json_count(j, "same", x->d.same);
	json_count(j, "vanish", x->d.vanish);
	json_end_object(j);
}

/* ---- the command ---- */

static int parse(int argc, char **argv, struct rules_diff *x)
{
	static const struct option opts[] = {
		{ "capture", required_argument, NULL, 'c' },
		{ "all-matches", no_argument, NULL, 'a' },
		{ "exit-code", no_argument, NULL, 'x' },
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		if (c == 'c' && x->o.n_captures == AGENT_DIFF_MAX_CAPTURES)
			return cli_fail(CLI_USAGE, "--capture may be given %d times", AGENT_DIFF_MAX_CAPTURES);
		if (c == 'c')
			x->captures[x->o.n_captures++] = optarg;
		else if (c == 'a')
			x->o.all_matches = true;
		else if (c == 'x')
			x->exit_code = true;
		else if (c == 'j')
			x->json = true;
		else
			return cli_usage("rules");
	}
	if (argc - optind != 2)
		return cli_fail(CLI_USAGE, "diff takes two: the old rules and the new ones");
	if (!x->o.n_captures)
		return cli_fail(CLI_USAGE, "which capture? --capture FILE");
	for (uint32_t i = 0; i < x->o.n_captures; i++)
		if (!strcmp(x->captures[i], "-"))
			return cli_fail(CLI_USAGE, "a capture is read several times: it can not be standard input");
	x->o.captures = x->captures;
	x->o.old_rules = argv + optind;
	x->o.new_rules = argv + optind + 1;
	x->o.n_old = x->o.n_new = 1;
	x->src[0].path = argv[optind];
	x->src[1].path = argv[optind + 1];
	return 0;
}

static int run(struct rules_diff *x)
{
	struct buf out;
	struct json j;
	int code = agent_diff(&x->o, &x->d);

	for (int s = 0; s < 2 && !code; s++)
		code = load_text(&x->src[s]);
	if (!code)
		code = pair_rules(x);
	if (code)
		return code;
	buf_init(&out, OUT_MAX_BYTES);
	json_init(&j, &out);
	if (x->json)
		json_all(x, &j);
	else
		put_all(x, &out);
	code = cli_print(&out);
	if (!code && x->exit_code && (x->d.appear || x->d.vanish || x->d.reworded))
		code = CLI_REFUSED;
	return code;
}

int rules_diff(int argc, char **argv)
{
	struct rules_diff x = { .colour = cli_colour(STDOUT_FILENO), .o.colour_stderr = cli_colour(STDERR_FILENO) };
	int code = parse(argc, argv, &x);

	if (!code)
		code = run(&x);
	for (int s = 0; s < 2; s++)
		if (x.src[s].loaded)
			cli_rules_done(&x.src[s].rules);
	free(x.pairs);
	agent_diff_free(&x.d);
	return code;
}
