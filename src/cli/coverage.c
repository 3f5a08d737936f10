/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coverage: which comparisons of the rules no test decided both ways.
 *
 * A comparison counts as decided where it was reached: what stands before it left the question open. One that the type
 * of event settles for all of the rule's types (evt.type = connect in a rule about connect) asks nothing and is not
 * counted.
 */
#include "cli/coverage.h"

#include "cli/explain.h"

enum { SEEN_TRUE = 1, SEEN_FALSE = 2 };

struct coverage {
	struct cli_rules *rules;
	struct buf *out;
	struct json *j; /* NULL: text */
	bool colour;
	uint64_t seen, possible;
};

/* One rule: what its tests saw, by rule of the parts' set (a macro's comparison used twice is one). */
struct covered {
	const struct rule *r;
	struct explain *x;
	const struct rule_parts *parts;
	struct explain_value *values;
	uint8_t *seen;
	bool *counted;
	uint32_t n_seen, n_possible;
};

static bool asks_something(const struct covered *c, const struct rule_part *p)
{
	const struct rule *part = &c->parts->set.rules[p->rule];

	return p->kind == RULE_PART_CHECK && part->types & c->r->types && (part->always & c->r->types) != c->r->types;
}

static int run_test(struct covered *c, struct event *e, const struct rule_test *t)
{
	struct arena a;
	struct diag d;
	enum err err;

	arena_init(&a, 1 << 20);
	diag_init(&d);
	err = cli_event_fill(e, t, &a, &d);
	err = err ? err : explain_judge(c->x, e, c->values, &d);
	arena_done(&a);
	if (err)
		return cli_fail_diag(err, &d);
	for (uint32_t i = 0; i < c->parts->n; i++)
		if (c->values[i].reached)
			c->seen[c->parts->parts[i].rule] |= c->values[i].truth == EXPLAIN_TRUE ? SEEN_TRUE : SEEN_FALSE;
	return 0;
}

static void count(struct covered *c)
{
	for (uint32_t i = 0; i < c->parts->n; i++) {
		const struct rule_part *p = &c->parts->parts[i];

		if (!asks_something(c, p) || c->counted[p->rule])
			continue;
		c->counted[p->rule] = true;
		c->n_possible += 2;
		c->n_seen += (uint32_t)__builtin_popcount(c->seen[p->rule]);
	}
}

/* ---- showing ---- */

static const char *never(uint8_t seen)
{
	return !seen ? "never reached" : seen == SEEN_TRUE ? "never false" : "never true";
}

static const char *macro_of(const struct rule_parts *parts, uint32_t i)
{
	for (; i; i = parts->parts[i].parent)
		if (parts->parts[i].kind == RULE_PART_MACRO)
			return parts->parts[i].text;
	return NULL;
}

static void put_gap(const struct coverage *cov, const struct covered *c, uint32_t i)
{
	const struct rule_part *p = &c->parts->parts[i];
	const char *macro = macro_of(c->parts, i);

	buf_puts(cov->out, "  ");
	explain_put_text(cov->out, p->pos.file ? p->pos.file : "?", 1024);
	buf_printf(cov->out, ":%u:%u: %s: ", p->pos.line, p->pos.col, never(c->seen[p->rule]));
	explain_put_text(cov->out, p->text, 100);
	if (macro) {
		buf_puts(cov->out, "  (macro ");
		explain_put_text(cov->out, macro, 80);
		buf_putc(cov->out, ')');
	}
	buf_putc(cov->out, '\n');
}

static void json_gap(struct json *j, const struct covered *c, uint32_t i)
{
	const struct rule_part *p = &c->parts->parts[i];

	json_object(j);
	json_key(j, "column");
	json_u64(j, p->pos.col);
	json_key(j, "file");
	json_str(j, p->pos.file);
	json_key(j, "line");
	json_u64(j, p->pos.line);
	json_key(j, "macro");
	json_str(j, macro_of(c->parts, i));
	json_key(j, "seen_false");
	json_bool(j, c->seen[p->rule] & SEEN_FALSE);
	json_key(j, "seen_true");
	json_bool(j, c->seen[p->rule] & SEEN_TRUE);
	json_key(j, "text");
	json_str(j, p->text);
	json_end_object(j);
}

static void show_gaps(const struct coverage *cov, struct covered *c)
{
	for (uint32_t i = 0; i < c->parts->n; i++) {
		uint32_t which = c->parts->parts[i].rule;

		if (c->parts->parts[i].kind != RULE_PART_CHECK || !c->counted[which] ||
		    c->seen[which] == (SEEN_TRUE | SEEN_FALSE))
			continue;
		c->counted[which] = false; /* once */
		if (cov->j)
			json_gap(cov->j, c, i);
		else
			put_gap(cov, c, i);
	}
}

static void put_percent(struct buf *out, uint64_t seen, uint64_t possible)
{
	if (possible)
		buf_printf(out, "%llu %%", (unsigned long long)(100 * seen / possible));
	else
		buf_puts(out, "100 %");
}

static void show_rule(const struct coverage *cov, struct covered *c)
{
	struct json *j = cov->j;

	if (!j) {
		buf_puts(cov->out, cov->colour ? "\033[1m" : "");
		explain_put_text(cov->out, c->r->name, 512);
		buf_puts(cov->out, cov->colour ? "\033[0m: " : ": ");
		put_percent(cov->out, c->n_seen, c->n_possible);
		buf_printf(cov->out, " (%u of %u outcomes, %u test%s)\n", c->n_seen, c->n_possible, c->r->n_tests,
			   PLURAL(c->r->n_tests));
		show_gaps(cov, c);
		return;
	}
	json_object(j);
	json_key(j, "gaps");
	json_array(j);
	show_gaps(cov, c);
	json_end_array(j);
	json_key(j, "outcomes");
	json_u64(j, c->n_possible);
	json_key(j, "rule");
	json_str(j, c->r->name);
	json_key(j, "seen");
	json_u64(j, c->n_seen);
	json_key(j, "tests");
	json_u64(j, c->r->n_tests);
	json_end_object(j);
}

/* ---- all rules ---- */

static int cover(struct coverage *cov, struct covered *c, uint32_t rule, struct event *e)
{
	int code = explain_open(cov->rules, rule, &c->x);

	if (code)
		return code;
	c->parts = explain_parts(c->x);
	c->values = calloc(c->parts->n, sizeof *c->values);
	c->seen = calloc(c->parts->set.n_rules, sizeof *c->seen);
	c->counted = calloc(c->parts->set.n_rules, sizeof *c->counted);
	if (!c->values || !c->seen || !c->counted)
		return cli_fail(CLI_HOST, "out of memory");
	for (uint32_t i = 0; i < c->r->n_tests && !code; i++)
		code = run_test(c, e, &c->r->tests[i]);
	if (code)
		return code;
	count(c);
	cov->seen += c->n_seen;
	cov->possible += c->n_possible;
	show_rule(cov, c);
	return 0;
}

static int cover_all(struct coverage *cov)
{
	const struct rule_set *rs = cov->rules->set;
	AUTO_FREE struct event *e = malloc(sizeof *e);
	int code = 0;

	if (!e)
		return cli_fail(CLI_HOST, "out of memory");
	event_init(e, rs->table);
	for (uint32_t i = 0; i < rs->n_rules && !code; i++) {
		struct covered c = { .r = &rs->rules[i] };

		if (c.r->enabled && c.r->types)
			code = cover(cov, &c, i, e);
		explain_free(c.x);
		free(c.values);
		free(c.seen);
		free(c.counted);
	}
	return code;
}

int coverage_show(struct cli_rules *rules, struct buf *out, struct json *j, bool colour)
{
	struct coverage cov = { .rules = rules, .out = out, .j = j, .colour = colour };
	int code;

	if (j) {
		json_key(j, "coverage");
		json_object(j);
		json_key(j, "rules");
		json_array(j);
	}
	code = cover_all(&cov);
	if (!j) {
		buf_puts(out, "coverage: ");
		put_percent(out, cov.seen, cov.possible);
		buf_printf(out, " (%llu of %llu outcomes of comparisons)\n", (unsigned long long)cov.seen,
			   (unsigned long long)cov.possible);
		return code;
	}
	json_end_array(j);
	json_key(j, "outcomes");
	json_u64(j, cov.possible);
	json_key(j, "seen");
	json_u64(j, cov.seen);
	json_end_object(j);
	return code;
}
