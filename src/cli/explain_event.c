/* SPDX-License-Identifier: Apache-2.0 */
/* explain event: which rules fire for an event, and which lack one part. */
#include "cli/explain.h"

enum { OUT_MAX_BYTES = 64 << 20, MAX_CONJUNCTS = 4096, MAX_DECIDERS = 16 };

/* A rule that fires, or whose condition fails in one part only. */
struct found {
	uint32_t rule, failed; /* part, when it is not fired */
	bool fires;
	struct explain *x;
	struct explain_value *values;
};

struct look {
	struct explain_args *a;
	struct found *found;
	uint32_t n, n_fire;
};

/* Exactly one of at least two parts that must hold does not: then *failed is it. */
static bool nearly(const struct explain *x, const struct explain_value *values, uint32_t type, uint32_t *failed)
{
	static uint32_t conjuncts[MAX_CONJUNCTS];
	uint32_t n = explain_conjuncts(x, type, conjuncts, MAX_CONJUNCTS), bad = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (values[conjuncts[i]].truth == EXPLAIN_TRUE)
			continue;
		bad++;
		*failed = conjuncts[i];
	}
	return n > 1 && bad == 1;
}

static int look_at(struct look *l, uint32_t rule, struct event *e)
{
	struct found *f = &l->found[l->n];
	struct diag d;
	enum err err;
	int code = explain_open(&l->a->rules, rule, &f->x);

	if (code)
		return code;
	f->rule = rule;
	f->values = calloc(explain_parts(f->x)->n, sizeof *f->values);
	diag_init(&d);
	err = f->values ? explain_judge(f->x, e, f->values, &d) : E_NOMEM;
	if (!err)
		f->fires = f->values[0].truth == EXPLAIN_TRUE;
	if (!err && (f->fires || nearly(f->x, f->values, e->type_index, &f->failed))) {
		l->n_fire += f->fires;
		l->n++;
		return 0;
	}
	explain_free(f->x);
	free(f->values);
	*f = (struct found){ 0 };
	return err ? cli_fail_diag(err, &d) : 0;
}

static struct explain_view view_of_found(const struct look *l, const struct found *f, const struct event *e)
{
	return (struct explain_view){
		.parts = explain_parts(f->x), .values = f->values, .e = e, .colour = l->a->colour
	};
}

/* ---- text ---- */

static void put_name(struct buf *out, const struct look *l, const struct found *f)
{
	const struct rule *r = &l->a->rules.set->rules[f->rule];

	buf_puts(out, "  ");
	buf_puts(out, l->a->colour ? "\033[1m" : "");
	explain_put_text(out, r->name, 512);
	buf_puts(out, l->a->colour ? "\033[0m" : "");
	if (r->pos.file) {
		buf_puts(out, "  (");
		explain_put_text(out, r->pos.file, 1024);
		buf_printf(out, ":%u)", r->pos.line);
	}
	buf_putc(out, '\n');
}

static void put_nearly(struct buf *out, const struct look *l, const struct found *f, const struct event *e)
{
	struct explain_view v = view_of_found(l, f, e);
	uint32_t decided[MAX_DECIDERS], n = explain_deciders(f->x, f->values, decided, MAX_DECIDERS);

	put_name(out, l, f);
	for (uint32_t i = 0; i < n && i < 3; i++) {
		buf_puts(out, "    ");
		explain_put_reason(out, &v, decided[i]);
	}
	if (n > 3)
		buf_printf(out, "    and %s%u more: sallyport explain rule\n", n == MAX_DECIDERS ? "at least " : "",
			   n - 3);
}

static void put_all(struct buf *out, const struct look *l, const struct event *e)
{
	explain_put_event(out, e);
	buf_printf(out, ": %u rule%s fire%s, %u nearly\n", l->n_fire, PLURAL(l->n_fire), l->n_fire == 1 ? "s" : "",
		   l->n - l->n_fire);
	if (l->n_fire)
		buf_puts(out, l->n_fire > 1 ? "\nfire (the first alerts; all do with --all-matches)\n" : "\nfires\n");
	for (uint32_t i = 0; i < l->n; i++)
		if (l->found[i].fires)
			put_name(out, l, &l->found[i]);
	if (l->n > l->n_fire)
		buf_puts(out, "\nnearly, but for one part\n");
	for (uint32_t i = 0; i < l->n; i++)
		if (!l->found[i].fires)
			put_nearly(out, l, &l->found[i], e);
}

/* ---- JSON ---- */

static void json_found(struct json *j, const struct look *l, const struct found *f, const struct event *e)
{
	struct explain_view v = view_of_found(l, f, e);
	const struct rule *r = &l->a->rules.set->rules[f->rule];

	json_object(j);
	if (!f->fires) {
		json_key(j, "failed");
		json_object(j);
		explain_json_part(j, &v, f->failed);
		json_end_object(j);
	}
	json_key(j, "file");
	json_str(j, r->pos.file);
	json_key(j, "line");
	json_u64(j, r->pos.line);
	json_key(j, "rule");
	json_str(j, r->name);
	json_end_object(j);
}

static void json_list(struct json *j, const struct look *l, const struct event *e, bool fires)
{
	json_array(j);
	for (uint32_t i = 0; i < l->n; i++)
		if (l->found[i].fires == fires)
			json_found(j, l, &l->found[i], e);
	json_end_array(j);
}

static void json_all(struct json *j, const struct look *l, const struct event *e)
{
	json_object(j);
	json_key(j, "event");
	explain_json_event(j, e);
	json_key(j, "fire");
	json_list(j, l, e, true);
	json_key(j, "nearly");
	json_list(j, l, e, false);
	json_end_object(j);
}

static int look(void *user, struct event *e)
{
	struct look *l = user;
	const struct rule_set *rs = l->a->rules.set;
	struct buf out;
	struct json j;
	int code = 0;

	l->found = calloc(rs->n_rules + 1, sizeof *l->found);
	if (!l->found)
		return cli_fail(CLI_HOST, "out of memory");
	for (uint32_t i = 0; i < rs->n_rules && !code; i++)
		if (rs->rules[i].enabled && rs->rules[i].types >> e->type_index & 1)
			code = look_at(l, i, e);
	if (code)
		return code;
	buf_init(&out, OUT_MAX_BYTES);
	json_init(&j, &out);
	if (l->a->json)
		json_all(&j, l, e);
	else
		put_all(&out, l, e);
	return cli_print(&out);
}

int explain_event(struct explain_args *a)
{
	struct look l = { .a = a };
	int code = cli_event_with(a->event, a->rules.set, look, &l);

	for (uint32_t i = 0; i < l.n; i++) {
		explain_free(l.found[i].x);
		free(l.found[i].values);
	}
	free(l.found);
	return code;
}
