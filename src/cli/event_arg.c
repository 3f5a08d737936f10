/* SPDX-License-Identifier: Apache-2.0 */
/* event_arg: the event that --event names: a file as under `tests:`, one written out, or one of a capture. */
#include "agent/agent.h"
#include "cli/cli.h"

enum { EVENT_MAX_BYTES = 1 << 20 };

FALLIBLE cli_event_fill(struct event *e, const struct rule_test *t, struct arena *a, struct diag *d)
{
	TRY(event_begin_named(e, t->type, d));
	for (uint32_t i = 0; i < t->n_fields; i++) {
		const struct rule_test_field *f = &t->fields[i];

		TRY(event_set_named(e, f->name, f->value, f->value_len, a, d));
	}
	return E_OK;
}

/* ---- from a file, or from the argument itself ---- */

struct written {
	struct arena a;
	struct diags ds;
	struct event *event;
	char *text;
	struct rule_source src;
};

static int read_text(const char *arg, struct written *w)
{
	struct diag d;
	enum err err;

	diag_init(&d);
	if (arg[0] == '{') {
		w->src = (struct rule_source){ "--event", arg, strlen(arg) };
		return 0;
	}
	err = io_read_file(strcmp(arg, "-") ? arg : "/dev/stdin", EVENT_MAX_BYTES, &w->text, &w->src.len, &d);
	if (err)
		return cli_fail_diag(err, &d);
	w->src.name = arg;
	w->src.text = w->text;
	return 0;
}

static int fill(struct written *w, const struct template_table *t)
{
	struct rule_test test;
	struct buf text;
	struct diag d;
	enum err err = rule_read_event(&w->src, t, &w->a, &w->ds, &test);

	buf_init(&text, 1 << 20);
	diags_render(&text, &w->ds, cli_colour(STDERR_FILENO));
	(void)fputs(text.p ? text.p : "", stderr);
	buf_done(&text);
	if (err)
		return w->ds.n_errors ? CLI_REFUSED : cli_fail(CLI_HOST, "%s", err_text(err));
	w->event = malloc(sizeof *w->event);
	if (!w->event)
		return cli_fail(CLI_HOST, "out of memory");
	event_init(w->event, t);
	diag_init(&d);
	err = cli_event_fill(w->event, &test, &w->a, &d);
	return err ? cli_fail_diag(err, &d) : 0;
}

static int with_written(const char *arg, const struct template_table *t, cli_event_fn *use, void *user)
{
	struct written w = { 0 };
	int code;

	arena_init(&w.a, 64 << 20);
	diags_init(&w.ds, &w.a);
	code = read_text(arg, &w);
	if (!code)
		code = fill(&w, t);
	if (!code)
		code = use(user, w.event);
	free(w.event);
	free(w.text);
	arena_done(&w.a);
	return code;
}

/* ---- of a capture ---- */

struct wanted {
	uint64_t number, seen;
	cli_event_fn *use;
	void *user;
	int code;
};

static bool on_event(void *user, struct event *e)
{
	struct wanted *w = user;

	w->seen++;
	if (w->seen != w->number)
		return true;
	event_set_u64(e, FIELD_evt_num, w->seen);
	w->code = w->use(w->user, e);
	return false;
}

static int with_captured(const char *arg, const struct rule_set *rs, cli_event_fn *use, void *user)
{
	const char *colon = strrchr(arg, ':');
	struct wanted w = { .use = use, .user = user };
	struct agent_each_opts o = { .event = on_event, .user = &w };
	AUTO_FREE char *path = NULL;
	struct diag d;
	enum err err;

	if (colon)
		w.number = cli_number(colon + 1, UINT64_MAX);
	if (!w.number)
		return cli_fail(CLI_USAGE,
				"which event? write --event @CAPTURE:NUMBER, the number as evt.num shows it");
	path = strndup(arg, (size_t)(colon - arg));
	if (!path)
		return cli_fail(CLI_HOST, "out of memory");
	o.capture = path;
	for (uint32_t i = 0; i < rs->n_rules; i++)
		o.types |= rs->rules[i].enabled ? rs->rules[i].types : 0;
	diag_init(&d);
	err = agent_each(&o, &d);
	if (w.seen >= w.number)
		return w.code;
	if (err)
		return cli_fail_diag(err, &d);
	return cli_fail(CLI_REFUSED, "'%s' has %llu events of the types that these rules judge, not %llu", path,
			(unsigned long long)w.seen, (unsigned long long)w.number);
}

int cli_event_with(const char *arg, const struct rule_set *rs, cli_event_fn *use, void *user)
{
	return arg[0] == '@' ? with_captured(arg + 1, rs, use, user) : with_written(arg, rs->table, use, user);
}
