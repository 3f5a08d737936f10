/* SPDX-License-Identifier: Apache-2.0 */
/* explain: what parts of a condition are said to be, held against the rule's own program and against logic. */
#include "rule_test.h"

#include "content/explain/explain.h"

struct asked {
	struct loaded l;
	struct explain *x;
	const struct rule_parts *parts;
	struct event *e;
	struct explain_value values[256];
};

static void ask_rule(struct asked *a, const char *text)
{
	load_text(&a->l, text);
	if (a->l.err)
		fail_msg("%s", a->l.said.p);
	CHECK_OK(explain_new(a->l.rs, 0, &a->l.ds, &a->x));
	a->parts = explain_parts(a->x);
	CHECK(a->parts->n <= countof(a->values));
	a->e = calloc(1, sizeof *a->e);
	event_init(a->e, &template_builtin);
}

static void ask_done(struct asked *a)
{
	explain_free(a->x);
	free(a->e);
	unload(&a->l);
}

static void judge(struct asked *a)
{
	struct diag d;

	diag_init(&d);
	CHECK_OK(explain_judge(a->x, a->e, a->values, &d));
}

static uint32_t find_part(const struct asked *a, const char *text)
{
	for (uint32_t i = 0; i < a->parts->n; i++)
		if (!strcmp(a->parts->parts[i].text, text))
			return i;
	fail_msg("no part '%s'", text);
	return 0;
}

#define RULES                                                                                                        \
	"- list: shells\n  items: [sh, bash]\n"                                                                      \
	"- macro: opened\n  condition: evt.type in (open, openat)\n"                                                 \
	"- macro: by_shell\n  condition: (proc.name in (shells) or proc.pname in (shells))\n"                        \
	"- rule: r\n  condition: >\n    opened and fd.name   =\n      /etc/shadow and not by_shell and fd.sport != " \
	"1\n" RULE_TAIL

TEST(parts_have_the_text_and_the_place_of_what_was_written)
{
	static const struct {
		const char *text;
		uint8_t kind;
		uint32_t depth, line, col;
	} want[] = {
		{ "and", RULE_PART_AND, 0, 9, 5 },
		{ "opened", RULE_PART_MACRO, 1, 9, 5 },
		{ "evt.type in (open, openat)", RULE_PART_CHECK, 2, 4, 14 },
		{ "fd.name = /etc/shadow", RULE_PART_CHECK, 1, 9, 16 },
		{ "not", RULE_PART_NOT, 1, 10, 23 },
		{ "by_shell", RULE_PART_MACRO, 2, 10, 27 },
		{ "or", RULE_PART_OR, 3, 6, 15 },
		{ "proc.name in (shells)", RULE_PART_CHECK, 4, 6, 15 },
		{ "proc.pname in (shells)", RULE_PART_CHECK, 4, 6, 40 },
		{ "fd.sport != 1", RULE_PART_CHECK, 1, 10, 40 },
	};
	struct asked a;

	ask_rule(&a, RULES);
	CHECK_EQ(a.parts->n, countof(want));
	for (uint32_t i = 0; i < countof(want); i++) {
		const struct rule_part *p = &a.parts->parts[i];

		test_row = want[i].text;
		CHECK_STR(p->text, want[i].text);
		CHECK_EQ(p->kind, want[i].kind);
		CHECK_EQ(p->depth, want[i].depth);
		CHECK_EQ(p->pos.line, want[i].line);
		CHECK_EQ(p->pos.col, want[i].col);
	}
	CHECK_EQ(a.parts->parts[0].end, countof(want));
	CHECK_EQ(a.parts->parts[4].end, 9);
	CHECK_EQ(a.parts->parts[7].parent, 6);
	ask_done(&a);
}

TEST(a_missing_value_and_a_field_that_is_never_there_are_told_apart_from_false)
{
	uint32_t decided[8];
	struct asked a;

	ask_rule(&a, RULES);
	event_begin(a.e, TEMPLATE_TYPE_file_open);
	event_set_cstr(a.e, FIELD_evt_type, "open");
	event_set_cstr(a.e, FIELD_proc_name, "cat");
	judge(&a);
	CHECK_EQ(a.values[find_part(&a, "fd.name = /etc/shadow")].truth, EXPLAIN_MISSING);
	CHECK_EQ(a.values[find_part(&a, "proc.name in (shells)")].truth, EXPLAIN_FALSE);
	CHECK_EQ(a.values[find_part(&a, "proc.pname in (shells)")].truth, EXPLAIN_MISSING);
	CHECK_EQ(a.values[find_part(&a, "fd.sport != 1")].truth, EXPLAIN_NO_FIELD);
	CHECK_EQ(a.values[find_part(&a, "opened")].truth, EXPLAIN_TRUE);
	CHECK_EQ(a.values[find_part(&a, "not")].truth, EXPLAIN_TRUE);
	CHECK_EQ(a.values[0].truth, EXPLAIN_FALSE);
	CHECK_EQ(explain_deciders(a.x, a.values, decided, countof(decided)), 1);
	CHECK_EQ(decided[0], find_part(&a, "fd.name = /etc/shadow"));
	ask_done(&a);
}

TEST(indexes_keys_and_computed_values_can_be_missing_too)
{
	static const struct {
		const char *text;
		enum explain_truth truth;
	} want[] = {
		{ "proc.aname[1] = x", EXPLAIN_FALSE },
		{ "proc.aname[2] = x", EXPLAIN_MISSING },
		{ "proc.aname[2] exists", EXPLAIN_FALSE },
		{ "proc.env[HOME] = x", EXPLAIN_FALSE },
		{ "proc.env[LANG] = x", EXPLAIN_MISSING },
		{ "proc.env[HO*] = /root", EXPLAIN_TRUE },
		{ "concat(proc.name, fd.name) = ab", EXPLAIN_MISSING },
		{ "proc.name = val(proc.exepath)", EXPLAIN_FALSE },
		{ "proc.name = val(proc.pname)", EXPLAIN_MISSING },
		{ "concat(proc.name, ipc.path) = x", EXPLAIN_NO_FIELD },
	};
	static const struct helper_str names[] = { { "a", 1 }, { "b", 1 } },
				       env[] = { { "PWD=/", 5 }, { "HOME=/root", 10 } };
	struct asked a;
	struct buf text;
	uint32_t id = 0;

	buf_init(&text, 4096);
	buf_puts(&text, "- rule: r\n  condition: >\n    fd.num exists");
	for (size_t i = 0; i < countof(want); i++)
		buf_printf(&text, " or %s", want[i].text);
	buf_puts(&text, "\n" RULE_TAIL);
	ask_rule(&a, text.p);
	event_begin(a.e, TEMPLATE_TYPE_file_open);
	event_set_cstr(a.e, FIELD_proc_name, "a");
	event_set_cstr(a.e, FIELD_proc_exepath, "b");
	event_set_list(a.e, FIELD_proc_aname, names, 2);
	CHECK(template_field_find(&template_builtin, a.e->type, "proc.env[]", 10, &id) != NULL);
	event_set_list(a.e, id, env, 2);
	judge(&a);
	for (size_t i = 0; i < countof(want); i++) {
		test_row = want[i].text;
		CHECK_EQ(a.values[find_part(&a, want[i].text)].truth, want[i].truth);
	}
	CHECK_STR(a.parts->parts[find_part(&a, "proc.env[HOME] = x")].fields[0].shown, "proc.env[HOME]");
	CHECK_EQ(a.parts->parts[find_part(&a, "proc.name = val(proc.exepath)")].n_fields, 2);
	ask_done(&a);
	buf_done(&text);
}

TEST(what_comes_after_the_decision_is_not_reached)
{
	struct asked a;

	ask_rule(&a, RULES);
	event_begin(a.e, TEMPLATE_TYPE_file_open);
	event_set_cstr(a.e, FIELD_evt_type, "open");
	event_set_cstr(a.e, FIELD_file_open_name, "/etc/shadow");
	event_set_cstr(a.e, FIELD_proc_name, "bash");
	event_set_cstr(a.e, FIELD_proc_pname, "bash");
	judge(&a);
	CHECK(a.values[find_part(&a, "proc.name in (shells)")].reached);
	CHECK(!a.values[find_part(&a, "proc.pname in (shells)")].reached);
	CHECK_EQ(a.values[find_part(&a, "proc.pname in (shells)")].truth, EXPLAIN_TRUE);
	CHECK(a.values[find_part(&a, "not")].reached);
	CHECK(!a.values[find_part(&a, "fd.sport != 1")].reached);
	ask_done(&a);
}

TEST(conjuncts_are_what_must_hold_without_what_the_type_settles)
{
	uint32_t parts[8];
	struct asked a;

	ask_rule(&a, "- macro: m\n  condition: (fd.name = /a and proc.pid = 1)\n"
		     "- rule: r\n  condition: evt.type = connect or (evt.type exists and m and (proc.name = a or "
		     "proc.name = b))\n" RULE_TAIL);
	CHECK_EQ(explain_conjuncts(a.x, TEMPLATE_TYPE_file_open, parts, 8), 1); /* an or at the top */
	ask_done(&a);
	ask_rule(&a, "- macro: m\n  condition: (fd.name = /a and proc.pid = 1)\n"
		     "- rule: r\n  condition: evt.type exists and m and (proc.name = a or proc.name = b)\n" RULE_TAIL);
	CHECK_EQ(explain_conjuncts(a.x, TEMPLATE_TYPE_file_open, parts, 8), 3);
	CHECK_STR(a.parts->parts[parts[0]].text, "fd.name = /a");
	CHECK_STR(a.parts->parts[parts[1]].text, "proc.pid = 1");
	CHECK_STR(a.parts->parts[parts[2]].text, "or");
	ask_done(&a);
}

TEST(parts_that_stand_in_several_places_are_one_program)
{
	struct asked a;

	ask_rule(&a, "- macro: m\n  condition: (proc.name = a or proc.name = b)\n"
		     "- rule: r\n  condition: m and (m or not m)\n" RULE_TAIL);
	CHECK_EQ(a.parts->set.n_rules, 7); /* and, or, not; m's or and its two parts; proc.name exists */
	ask_done(&a);
}

/* ---- against the rule's program, and against logic ---- */

static uint64_t seed = 7;

static uint32_t pick(uint32_t n)
{
	seed = hash_u64(seed + 0x9e3779b97f4a7c15ull);
	return (uint32_t)(seed >> 16) % n;
}

static void put_condition(struct buf *b, unsigned depth)
{
	static const char *const checks[] = { "proc.name = a",
					      "proc.pname != a",
					      "fd.name startswith /a",
					      "proc.pid > 1",
					      "fd.sport = 1",
					      "proc.aname[1] = a",
					      "proc.aname in (a, b)",
					      "user.name exists",
					      "evt.type = open",
					      "m1",
					      "m2",
					      "fd.ip = 10.0.0.1" };
	uint32_t k = depth ? pick(5) : 0;

	if (k < 2) {
		buf_puts(b, checks[pick(countof(checks))]);
		return;
	}
	buf_puts(b, k == 2 ? "not (" : "(");
	put_condition(b, depth - 1);
	if (k > 2) {
		buf_puts(b, k == 3 ? " and " : " or ");
		put_condition(b, depth - 1);
	}
	buf_putc(b, ')');
}

static void random_event(struct event *e)
{
	static const struct helper_str names[] = { { "x", 1 }, { "a", 1 }, { "b", 1 } };
	bool connect = pick(2);

	event_begin(e, connect ? TEMPLATE_TYPE_net_connect : TEMPLATE_TYPE_file_open);
	event_set_cstr(e, FIELD_evt_type, connect ? "connect" : pick(2) ? "open" : "openat");
	event_set_u64(e, FIELD_evt_num, 1);
	event_set_i64(e, FIELD_proc_pid, pick(4));
	if (pick(3))
		event_set_cstr(e, FIELD_proc_name, pick(2) ? "a" : "c");
	if (pick(3))
		event_set_cstr(e, FIELD_proc_pname, pick(2) ? "a" : "c");
	if (pick(3))
		event_set_cstr(e, FIELD_user_name, "root");
	if (pick(3))
		event_set_list(e, FIELD_proc_aname, names, 1 + pick(3));
	if (!connect && pick(3))
		event_set_cstr(e, FIELD_file_open_name, pick(2) ? "/a/b" : "/c");
	if (connect && pick(2))
		event_set_u64(e, FIELD_net_connect_sport, pick(3));
	if (connect && pick(2))
		event_set_ip(e, FIELD_net_connect_cip, "\x0a\0\0\1", 4);
}

/* A group is what its parts make it, though each has a program of its own. */
static void check_logic(const struct asked *a)
{
	for (uint32_t i = 0; i < a->parts->n; i++) {
		const struct rule_part *p = &a->parts->parts[i];
		bool all = true, some = false, holds = a->values[i].truth == EXPLAIN_TRUE;

		for (uint32_t k = i + 1; k < p->end; k = a->parts->parts[k].end) {
			bool kid = a->values[k].truth == EXPLAIN_TRUE;

			all &= kid;
			some |= kid;
		}
		if (p->kind == RULE_PART_AND || p->kind == RULE_PART_MACRO)
			CHECK_EQ(holds, all);
		else if (p->kind == RULE_PART_OR)
			CHECK_EQ(holds, some);
		else if (p->kind == RULE_PART_NOT)
			CHECK_EQ(holds, !some);
	}
}

/* With every part that decided the other way round, the verdict would be another: each is as the group around it. */
static void check_deciders(const struct asked *a)
{
	uint32_t list[256], n = explain_deciders(a->x, a->values, list, countof(list));

	CHECK(n > 0);
	for (uint32_t i = 0; i < n; i++) {
		CHECK_EQ(a->parts->parts[list[i]].kind, RULE_PART_CHECK);
		CHECK(a->values[list[i]].reached);
	}
}

TEST(parts_agree_with_the_rule_and_with_each_other)
{
	for (int n = 0; n < 120; n++) {
		struct asked a;
		struct ready r;
		struct buf text;

		buf_init(&text, 64 << 10);
		buf_puts(&text, "- macro: m1\n  condition: (proc.name in (a, c) and proc.pid < 3)\n"
				"- macro: m2\n  condition: (m1 or fd.name exists)\n- rule: r\n  condition: ");
		put_condition(&text, 4);
		buf_puts(&text, "\n" RULE_TAIL);
		test_row = text.p;
		ask_rule(&a, text.p);
		ready_make(&r, &a.l);
		for (int k = 0; k < 60; k++) {
			uint64_t was = seed;

			random_event(a.e);
			seed = was;
			random_event(r.event);
			judge(&a);
			CHECK_EQ(a.values[0].truth == EXPLAIN_TRUE, ready_fires(&r, 0));
			check_logic(&a);
			check_deciders(&a);
		}
		ready_done(&r);
		ask_done(&a);
		buf_done(&text);
	}
}

TEST(a_condition_with_too_many_parts_is_refused_and_not_cut)
{
	struct loaded l;
	struct buf text;
	struct explain *x = NULL;

	buf_init(&text, 4 << 20);
	buf_puts(&text, "- rule: r\n  condition: evt.type = open");
	for (int i = 0; i < 5000; i++)
		buf_printf(&text, " and fd.num != %d", i);
	buf_puts(&text, "\n" RULE_TAIL);
	load_text(&l, text.p);
	CHECK_OK(l.err);
	CHECK_EQ(explain_new(l.rs, 0, &l.ds, &x), E_LIMIT);
	CHECK(!x);
	unload(&l);
	buf_done(&text);
}

TEST(what_a_rule_uses_is_named_once)
{
	struct rule_uses u;
	struct loaded l;

	load_text(&l,
		  "- list: in_list\n  items: [a]\n- list: shells\n  items: [sh, in_list]\n- list: other\n  items: [x]\n"
		  "- macro: inner\n  condition: proc.name in (shells)\n- macro: m\n  condition: (inner or inner)\n"
		  "- rule: r\n  condition: m and inner and proc.pname in (\"other\", sh) and not proc.exe in "
		  "(other)\n" RULE_TAIL);
	CHECK_OK(l.err);
	CHECK_OK(rule_find_uses(l.rs, 0, &l.a, &u));
	CHECK_EQ(u.n_macros, 2);
	CHECK_STR(u.macros[0], "inner");
	CHECK_STR(u.macros[1], "m");
	CHECK_EQ(u.n_lists, 2);
	CHECK_STR(u.lists[0], "shells");
	CHECK_STR(u.lists[1], "other");
	CHECK_EQ(u.n_fields, 3);
	CHECK_STR(u.fields[2], "proc.exe");
	unload(&l);
}

static enum err read_event(const char *text, struct loaded *l, struct rule_test *t)
{
	struct rule_source src = { "e", text, strlen(text) };
	enum err err;

	*l = (struct loaded){ 0 };
	arena_init(&l->a, 16 << 20);
	diags_init(&l->ds, &l->a);
	buf_init(&l->said, 1 << 20);
	err = rule_read_event(&src, &template_builtin, &l->a, &l->ds, t);
	diags_render(&l->said, &l->ds, false);
	return err;
}

TEST(an_event_is_read_from_yaml_or_json_and_refused_with_a_place)
{
	static const struct {
		const char *text;
		enum err err;
		const char *says;
	} cases[] = {
		{ "event: file_open\nfields: {fd.name: /x}\n", E_OK, NULL },
		{ "- event: file_open\n  name: n\n  fires: true\n  fields: {fd.name: /x}\n", E_OK, NULL },
		{ "{\"event\": \"file_open\", \"fields\": {\"fd.name\": \"/x\"}}", E_OK, NULL },
		{ "event: file_open\n", E_REJECTED, "fields" },
		{ "event: file_opn\nfields: {}\n", E_REJECTED, "did you mean 'file_open'" },
		{ "event: file_open\nfields: {fd.nme: /x}\n", E_REJECTED, "e:2:10" },
		{ "event: file_open\nfields: {proc.pid: x}\n", E_REJECTED, "no value for 'proc.pid'" },
		{ "[]", E_REJECTED, "R600" },
		{ "", E_REJECTED, "R600" },
		{ "a\n---\nb\n", E_REJECTED, "R600" },
		{ "{", E_REJECTED, "R102" },
	};

	for (size_t i = 0; i < countof(cases); i++) {
		struct rule_test t = { 0 };
		struct loaded l;

		test_row = cases[i].text;
		CHECK_EQ(read_event(cases[i].text, &l, &t), cases[i].err);
		if (cases[i].says)
			CHECK_HAS(l.said.p, cases[i].says);
		else
			CHECK_STR(t.fields[0].value, "/x");
		unload(&l);
	}
}
