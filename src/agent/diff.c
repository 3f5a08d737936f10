/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff: captures through two contents at once.
 *
 * Each side is a worker as replay has it, and judges every event by worker_on_event; an event is decoded once, with the
 * fields that either side needs. The first pass tells how the alerts differ. Two more kinds of pass only measure, and
 * are repeated while there is time: short captures are gone in a blink. The sides take turns in going first.
 */
#include "agent/agent.h"

#include <time.h>

#include "agent/replay.h"

enum { EXIT_OK = 0, EXIT_REFUSED = 1, EXIT_HOST = 3 };
enum { MAX_PASSES = 30, CLOCK_SAMPLES = 1000, TEXT_MAX_BYTES = 64 << 10, KEEP_MAX_BYTES = 512 << 20 };
#define MEASURE_NS 400000000ull

enum pass { PASS_ALERTS, PASS_EVENTS, PASS_RULES };

struct fired {
	const struct content *content;
	uint32_t rule, set_rule;
};

struct side {
	struct diff *x;
	struct worker w;
	struct worker_file *files;
	uint32_t n_files;
	struct fired fired[WORKER_MAX_FIRED];
	uint32_t n_fired;
	/* of this pass */
	uint64_t pass_ns, *rule_ns, *rule_runs;
	uint64_t last_ns;
	uint32_t last_rule; /* that runs since last_ns; UINT32_MAX: none */
	double best_ns;     /* per event; negative: not measured */
};

struct diff {
	const struct agent_diff_opts *o;
	struct agent_diff *out;
	struct arena arena;
	struct side side[2];
	size_t alerts_cap;
	struct buf was, is; /* texts of an alert */
	enum pass pass;
	uint32_t capture;
	uint64_t events;   /* of this pass, all captures */
	uint64_t clock_ns; /* what reading the clock costs */
	bool nomem;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t clock_cost(void)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < CLOCK_SAMPLES; i++) {
		uint64_t a = now_ns(), b = now_ns();

		best = b - a < best ? b - a : best;
	}
	return best;
}

/* The time since `from`, less what asking for it cost. */
static uint64_t since(const struct diff *x, uint64_t from, uint64_t to)
{
	uint64_t d = to - from;

	return d > x->clock_ns ? d - x->clock_ns : 0;
}

/* ---- one event ---- */

static void note_fired(void *user, const struct content *c, uint32_t rule, uint32_t set_rule)
{
	struct side *s = user;

	if (s->n_fired < WORKER_MAX_FIRED)
		s->fired[s->n_fired++] = (struct fired){ c, rule, set_rule };
}

static void before_rule(void *user, uint32_t rule)
{
	struct side *s = user;
	uint64_t now = now_ns();

	if (s->last_rule != UINT32_MAX)
		s->rule_ns[s->last_rule] += since(s->x, s->last_ns, now);
	s->last_rule = UINT32_MAX;
	if (rule == CONTENT_NO_RULE) /* what several rules share */
		return;
	s->last_rule = s->w.eval_first_rule + rule;
	s->rule_runs[s->last_rule]++;
	s->last_ns = now_ns();
}

static void judge(struct side *s, struct event *e)
{
	uint64_t from = now_ns(), to;

	s->n_fired = 0;
	s->last_rule = UINT32_MAX;
	worker_on_event(&s->w, e);
	to = now_ns();
	s->pass_ns += since(s->x, from, to);
	if (s->last_rule != UINT32_MAX)
		s->rule_ns[s->last_rule] += since(s->x, s->last_ns, to);
}

/* Into the buffer, which is the caller's to reuse. */
static void format(const struct fired *f, const struct event *e, struct buf *out)
{
	buf_reset(out);
	content_format(f->content, f->rule, e, out);
	buf_puts(out, "");
}

static void keep(struct diff *x, bool is_new, const struct fired *f, const struct event *e, const struct buf *text)
{
	struct agent_diff *out = x->out;
	struct agent_diff_alert *list;
	const char *copy;

	if (out->n_alerts == AGENT_DIFF_MAX_ALERTS || x->nomem)
		return;
	copy = arena_strndup(&x->arena, text->p, text->len);
	list = arena_grow(&x->arena, out->alerts, out->n_alerts, &x->alerts_cap, sizeof *out->alerts);
	x->nomem = !copy || !list;
	if (x->nomem)
		return;
	out->alerts = list;
	list[out->n_alerts++] = (struct agent_diff_alert){ .is_new = is_new,
							   .rule = f->set_rule,
							   .capture = x->capture,
							   .event = event_u64(e, FIELD_evt_num),
							   .time_ns = event_u64(e, FIELD_evt_time),
							   .text = copy };
}

static const char *name_of(const struct fired *f)
{
	return content_rule(f->content, f->rule)->name;
}

/* The same rule fired on the other side, or NULL. */
static const struct fired *twin_of(const struct side *other, const struct fired *f)
{
	for (uint32_t i = 0; i < other->n_fired; i++)
		if (!strcmp(name_of(&other->fired[i]), name_of(f)))
			return &other->fired[i];
	return NULL;
}

static void compare_twins(struct diff *x, const struct fired *a, const struct fired *b, const struct event *e)
{
	format(a, e, &x->was);
	format(b, e, &x->is);
	if (x->was.len == x->is.len && !memcmp(x->was.p, x->is.p, x->is.len)) {
		x->out->same++;
		return;
	}
	x->out->reworded++;
	keep(x, false, a, e, &x->was);
	keep(x, true, b, e, &x->is);
}

static void compare(struct diff *x, const struct event *e)
{
	struct agent_diff *out = x->out;

	for (uint32_t s = 0; s < 2; s++) {
		const struct side *me = &x->side[s], *other = &x->side[!s];

		out->side[s].alerts += me->n_fired;
		for (uint32_t i = 0; i < me->n_fired; i++) {
			const struct fired *f = &me->fired[i], *twin = twin_of(other, f);

			out->side[s].rules[f->set_rule].alerts++;
			if (twin && !s)
				compare_twins(x, f, twin, e);
			if (twin)
				continue;
			*(s ? &out->appear : &out->vanish) += 1;
			format(f, e, &x->was);
			keep(x, s, f, e, &x->was);
		}
	}
}

static void on_event(void *user, struct event *e)
{
	struct diff *x = user;
	bool turn = x->events++ & 1;

	judge(&x->side[turn], e);
	judge(&x->side[!turn], e);
	if (x->pass == PASS_ALERTS)
		compare(x, e);
}

/* ---- passes ---- */

static bool wants(void *user, uint32_t type, uint32_t field)
{
	struct diff *x = user;

	return content_set_wants(x->side[0].w.set, type, field) || content_set_wants(x->side[1].w.set, type, field) ||
	       field == FIELD_evt_time;
}

static FALLIBLE each_record(struct capture *c, struct decode *decode, struct diag *d)
{
	struct view rec;
	enum err err;

	while ((err = capture_next(c, &rec, d)) == E_OK)
		(void)!decode_record(decode, rec); /* a malformed record is replay's to count */
	return err == E_NOT_FOUND ? E_OK : err;
}

static FALLIBLE one_capture(struct diff *x, struct diag *d)
{
	struct decode_opts o = { .table = &template_builtin,
				 .types = content_set_types(x->side[0].w.set) | content_set_types(x->side[1].w.set),
				 .wants = wants,
				 .wants_user = x,
				 .emit = on_event,
				 .emit_user = x };
	const struct capture_info *info;
	struct capture *c = NULL;
	struct decode *decode = NULL;
	enum err err;
	int fd = -1;

	for (uint32_t s = 0; s < 2; s++)
		page_set(&x->side[s].w.page->events, 0);
	err = replay_open_capture(x->o->captures[x->capture], &fd, &c, d);
	if (err == E_OK) {
		info = capture_info(c);
		o.passwd = info->users;
		o.passwd_len = info->users_len;
		o.boot_to_wall_ns = info->boot_to_wall_ns;
		err = decode_new(&o, &decode);
	}
	if (err == E_OK)
		err = each_record(c, decode, d);
	decode_free(decode);
	capture_close(c);
	if (fd >= 0)
		close(fd);
	return err;
}

static FALLIBLE run_pass(struct diff *x, enum pass pass, struct diag *d)
{
	x->pass = pass;
	x->events = 0;
	for (uint32_t s = 0; s < 2; s++) {
		struct side *me = &x->side[s];

		me->pass_ns = 0;
		memset(me->rule_ns, 0, x->out->side[s].n_rules * sizeof *me->rule_ns);
		memset(me->rule_runs, 0, x->out->side[s].n_rules * sizeof *me->rule_runs);
		me->w.eval.before = pass == PASS_RULES ? before_rule : NULL;
		me->w.eval.before_user = me;
	}
	for (x->capture = 0; x->capture < x->o->n_captures; x->capture++)
		TRY(one_capture(x, d));
	return x->nomem ? E_NOMEM : E_OK;
}

static void take_events(struct diff *x)
{
	for (uint32_t s = 0; s < 2 && x->events; s++) {
		double ns = (double)x->side[s].pass_ns / (double)x->events;

		if (x->side[s].best_ns < 0 || ns < x->side[s].best_ns)
			x->side[s].best_ns = ns;
		x->out->side[s].ns_per_event = x->side[s].best_ns;
	}
}

static void take_rules(struct diff *x)
{
	for (uint32_t s = 0; s < 2; s++) {
		for (uint32_t i = 0; i < x->out->side[s].n_rules; i++) {
			struct agent_diff_rule *r = &x->out->side[s].rules[i];
			uint64_t runs = x->side[s].rule_runs[i];
			double ns = runs ? (double)x->side[s].rule_ns[i] / (double)runs : 0;

			r->ns_per_run = r->runs && r->ns_per_run < ns ? r->ns_per_run : ns;
			r->runs = runs;
		}
	}
}

static FALLIBLE measure(struct diff *x, struct diag *d)
{
	uint64_t end = now_ns() + MEASURE_NS;

	x->clock_ns = clock_cost();
	for (int i = 0; i < MAX_PASSES && (!i || now_ns() < end); i++) {
		TRY(run_pass(x, PASS_EVENTS, d));
		take_events(x);
		TRY(run_pass(x, PASS_RULES, d));
		take_rules(x);
	}
	return E_OK;
}

/* ---- set up ---- */

static int fail(const struct diff *x, enum err err, struct diag *d)
{
	return replay_fail(err, d, "the captures cannot be replayed", x->o->colour_stderr);
}

static FALLIBLE list_rules(struct diff *x, uint32_t s)
{
	const struct content_set *set = x->side[s].w.set;
	struct agent_diff_side *out = &x->out->side[s];

	out->rules = ARENA_ARRAY(&x->arena, struct agent_diff_rule, set->n_rules);
	x->side[s].rule_ns = ARENA_ARRAY(&x->arena, uint64_t, set->n_rules);
	x->side[s].rule_runs = ARENA_ARRAY(&x->arena, uint64_t, set->n_rules);
	if (!out->rules || !x->side[s].rule_ns || !x->side[s].rule_runs)
		return E_NOMEM;
	for (uint32_t c = 0; c < set->n_contents; c++)
		for (uint32_t i = 0; i < content_n_rules(set->contents[c]); i++)
			out->rules[out->n_rules++].rule = content_rule(set->contents[c], i);
	return E_OK;
}

static int load_side(struct diff *x, uint32_t s)
{
	struct side *me = &x->side[s];
	struct diag d;
	enum err err;
	int code;

	diag_init(&d);
	me->x = x;
	me->best_ns = -1;
	me->w.sock = -1;
	me->w.start.flags =
		(x->o->all_matches ? CONTROL_ALL_MATCHES : 0u) | (x->o->colour_stderr ? CONTROL_COLOUR : 0u);
	me->w.on_alert = note_fired;
	me->w.on_alert_user = me;
	me->w.page = calloc(1, sizeof *me->w.page);
	if (!me->w.page)
		return fail(x, E_NOMEM, &d);
	err = replay_read_rules(s ? x->o->new_rules : x->o->old_rules, s ? x->o->n_new : x->o->n_old, &me->files,
				&me->n_files, &d);
	if (err != E_OK)
		return fail(x, err, &d);
	code = worker_load(&me->w, me->files, me->n_files, &me->w.set);
	if (code)
		return code;
	err = worker_judge_init(&me->w);
	if (err == E_OK)
		err = list_rules(x, s);
	return err == E_OK ? 0 : fail(x, err, &d);
}

int agent_diff(const struct agent_diff_opts *o, struct agent_diff *out)
{
	struct diff *x = calloc(1, sizeof *x);
	struct diag d;
	enum err err;
	int code;

	*out = (struct agent_diff){ .keep = x };
	if (!x)
		return EXIT_HOST;
	x->o = o;
	x->out = out;
	arena_init(&x->arena, KEEP_MAX_BYTES);
	buf_init(&x->was, TEXT_MAX_BYTES);
	buf_init(&x->is, TEXT_MAX_BYTES);
	code = load_side(x, 0);
	if (!code)
		code = load_side(x, 1);
	if (code)
		return code;
	diag_init(&d);
	err = run_pass(x, PASS_ALERTS, &d);
	out->events = x->events;
	if (err == E_OK)
		err = measure(x, &d);
	return err == E_OK ? EXIT_OK : fail(x, err, &d);
}

void agent_diff_free(struct agent_diff *out)
{
	struct diff *x = out->keep;

	if (!x)
		return;
	for (uint32_t s = 0; s < 2; s++) {
		vm_free(x->side[s].w.eval.vm);
		content_set_free(x->side[s].w.set);
		replay_free_rules(x->side[s].files, x->side[s].n_files);
		free(x->side[s].w.page);
	}
	buf_done(&x->was);
	buf_done(&x->is);
	arena_done(&x->arena);
	free(x);
	*out = (struct agent_diff){ 0 };
}
