/* SPDX-License-Identifier: Apache-2.0 */
/* items: redefinition, append, override, exceptions; seen from outside, by what the rules then do. */
#include "rule_test.h"

enum { MAX_PROBES = 8 };

/* Fields of a file_open event, and whether rule 0 fires on it. */
struct probe {
	const char *name, *exepath, *pname;
	int fires;
};

static void check_probes(struct ready *r, const struct probe *p)
{
	for (; p->name; p++) {
		ready_event(r, TEMPLATE_TYPE_file_open);
		event_set_cstr(r->event, FIELD_proc_name, p->name);
		event_set_cstr(r->event, FIELD_proc_exepath, p->exepath);
		event_set_cstr(r->event, FIELD_proc_pname, p->pname);
		CHECK_EQ(ready_fires(r, 0), p->fires);
	}
}

#define RULE(name, cond) "- rule: " name "\n  condition: " cond "\n" RULE_TAIL
#define OPEN_A RULE("r", "evt.type = open and proc.name = a")

// clang-format off
static const struct {
	const char *what, *text;
	struct probe probes[MAX_PROBES];
} rows[] = {
	{ "a later rule replaces the earlier one",
	  OPEN_A RULE("r", "evt.type = open and proc.name = b"),
	  { { "a", "/x", "p", 0 }, { "b", "/x", "p", 1 } } },
	{ "a later macro replaces the earlier one, for rules above it too",
	  "- macro: m\n  condition: proc.name = a\n" RULE("r", "evt.type = open and m") "- macro: m\n  condition: proc.name = b\n",
	  { { "a", "/x", "p", 0 }, { "b", "/x", "p", 1 } } },
	{ "a macro in the middle sees what a later file makes of one above it",
	  "- macro: m\n  condition: proc.name = a\n- macro: n\n  condition: m\n" RULE("r", "evt.type = open and n")
	  "- macro: o\n  condition: proc.name = b\n- macro: m\n  condition: o\n",
	  { { "a", "/x", "p", 0 }, { "b", "/x", "p", 1 } } },
	{ "a list is appended to",
	  "- list: l\n  items: [a]\n" RULE("r", "evt.type = open and proc.name in (l)")
	  "- list: l\n  items: [b]\n  override: {items: append}\n",
	  { { "a", "/x", "p", 1 }, { "b", "/x", "p", 1 }, { "c", "/x", "p", 0 } } },
	{ "a list is replaced",
	  "- list: l\n  items: [a]\n" RULE("r", "evt.type = open and proc.name in (l)")
	  "- list: l\n  items: [b]\n  override: {items: replace}\n",
	  { { "a", "/x", "p", 0 }, { "b", "/x", "p", 1 } } },
	{ "a list in a list, by name and quoted",
	  "- list: l\n  items: [a, \"b c\", '\"d e\"']\n- list: m\n  items: [l, f]\n" RULE("r", "evt.type = open and proc.name in (m, g)"),
	  { { "a", "/x", "p", 1 }, { "b c", "/x", "p", 1 }, { "d e", "/x", "p", 1 }, { "f", "/x", "p", 1 }, { "g", "/x", "p", 1 },
	    { "l", "/x", "p", 0 } } },
	{ "a list of one value stands for it; a quoted name stands for itself",
	  "- list: l\n  items: [a]\n" RULE("r", "evt.type = open and (proc.name = l or proc.pname = \"l\")"),
	  { { "a", "/x", "p", 1 }, { "l", "/x", "p", 0 }, { "b", "/x", "l", 1 } } },
	{ "an empty list matches nothing",
	  "- list: l\n  items: []\n" RULE("r", "evt.type = open and (proc.name in (l) or proc.pname in (l, x))"),
	  { { "a", "/x", "p", 0 }, { "a", "/x", "x", 1 } } },
	{ "append joins the text, so that or binds as it stands",
	  OPEN_A "- rule: r\n  append: true\n  condition: or proc.name = b and proc.exepath = /x\n",
	  { { "a", "/y", "p", 1 }, { "b", "/x", "p", 1 }, { "b", "/y", "p", 0 } } },
	{ "override appends to a condition",
	  OPEN_A "- rule: r\n  condition: and proc.exepath = /x\n  override: {condition: append}\n",
	  { { "a", "/x", "p", 1 }, { "a", "/y", "p", 0 } } },
	{ "override appends to a macro",
	  "- macro: m\n  condition: proc.name = a\n" RULE("r", "evt.type = open and m")
	  "- macro: m\n  condition: or proc.name = b\n  override: {condition: append}\n",
	  { { "a", "/x", "p", 1 }, { "b", "/x", "p", 1 }, { "c", "/x", "p", 0 } } },
	{ "a macro is a unit: or inside it does not leak",
	  "- macro: m\n  condition: proc.name = a or proc.name = b\n" RULE("r", "evt.type = open and m and proc.exepath = /x"),
	  { { "a", "/y", "p", 0 }, { "a", "/x", "p", 1 }, { "b", "/x", "p", 1 } } },
	{ "an exception of one field",
	  OPEN_A "  exceptions: [{name: e, fields: proc.exepath, values: [/x, /y]}]\n",
	  { { "a", "/x", "p", 0 }, { "a", "/z", "p", 1 } } },
	{ "an exception of one field by path",
	  OPEN_A "  exceptions: [{name: e, fields: proc.exepath, comps: pmatch, values: [/x, /y]}]\n",
	  { { "a", "/x/z", "p", 0 }, { "a", "/xz", "p", 1 } } },
	{ "an exception of two fields: both must agree",
	  OPEN_A "  exceptions: [{name: e, fields: [proc.exepath, proc.pname], comps: [=, startswith], values: [[/x, p], [/y, q]]}]\n",
	  { { "a", "/x", "pp", 0 }, { "a", "/x", "q", 1 }, { "a", "/y", "q", 0 }, { "a", "/y", "p", 1 } } },
	{ "an exception covers the whole condition, or included",
	  RULE("r", "evt.type = open and proc.name = a or proc.name = b")
	  "  exceptions: [{name: e, fields: [proc.exepath], values: [[/x]]}]\n",
	  { { "a", "/x", "p", 0 }, { "b", "/x", "p", 0 }, { "b", "/y", "p", 1 } } },
	{ "lists in exceptions: nested, in parentheses, by name",
	  "- list: l\n  items: [/v, /w]\n" OPEN_A
	  "  exceptions:\n  - {name: e, fields: [proc.exepath, proc.pname], comps: [in, =], values: [[[/x, /y], p], [\"(/z, '/u')\", p], [l, p]]}\n",
	  { { "a", "/y", "p", 0 }, { "a", "/u", "p", 0 }, { "a", "/w", "p", 0 }, { "a", "/w", "q", 1 }, { "a", "/t", "p", 1 } } },
	{ "values are appended to an exception; a new one is added",
	  OPEN_A "  exceptions: [{name: e, fields: [proc.exepath]}]\n"
	  "- rule: r\n  exceptions: [{name: e, values: [[/x]]}, {name: f, fields: proc.pname, values: [q]}]\n  override: {exceptions: append}\n",
	  { { "a", "/x", "p", 0 }, { "a", "/y", "q", 0 }, { "a", "/y", "p", 1 } } },
	{ "an exception without values changes nothing",
	  OPEN_A "  exceptions: [{name: e, fields: [proc.exepath], comps: [=]}]\n",
	  { { "a", "/x", "p", 1 } } },
	{ "an exception of one field with a modifier",
	  OPEN_A "  exceptions: [{name: e, fields: proc.exepath, comps: startswith oneof, values: [/x, /xx]}]\n",
	  { { "a", "/x", "p", 0 }, { "a", "/xx", "p", 1 }, { "a", "/y", "p", 1 } } },
	{ "modifiers in an exception's tuples: a list, in parentheses, one value",
	  OPEN_A "  exceptions:\n  - {name: e, fields: [proc.exepath, proc.pname], comps: [endswith anyof, =], values: [[[y, z], p], [\"(u, 'v w')\", q], [t, r]]}\n",
	  { { "a", "/y", "p", 0 }, { "a", "/y", "q", 1 }, { "a", "/v w", "q", 0 }, { "a", "/t", "r", 0 }, { "a", "/t", "p", 1 } } },
	{ "an exception compares fields, transformed and with each other",
	  OPEN_A "  exceptions:\n  - {name: e, fields: [toupper(proc.exepath), proc.pname], comps: [=, =], values: [[/X, val(proc.name)], [/Y, basename(proc.exepath)]]}\n",
	  { { "a", "/x", "a", 0 }, { "a", "/x", "b", 1 }, { "a", "/y", "y", 0 }, { "a", "/y", "a", 1 } } },
	{ "exceptions can be replaced",
	  OPEN_A "  exceptions: [{name: e, fields: [proc.exepath], values: [[/x]]}]\n"
	  "- rule: r\n  exceptions: [{name: f, fields: [proc.exepath], values: [[/y]]}]\n  override: {exceptions: replace}\n",
	  { { "a", "/x", "p", 1 }, { "a", "/y", "p", 0 } } },
	{ "a rule is switched by an item of its own",
	  OPEN_A "- rule: r\n  enabled: false\n- rule: r\n  enabled: true\n",
	  { { "a", "/x", "p", 1 } } },
	{ "a list after a modifier, by its name alone",
	  "- list: l\n  items: [a, b]\n" RULE("r", "evt.type = open and proc.name = anyof l and not proc.pname = oneof"),
	  { { "a", "/x", "p", 1 }, { "c", "/x", "p", 0 }, { "a", "/x", "oneof", 0 } } },
	{ "the container plugin is built in; so is every engine up to this one",
	  "- required_engine_version: 0.57.0\n- required_engine_version: 63\n"
	  "- required_plugin_versions:\n  - {name: container, version: 0.4.0}\n"
	  "  - {name: json, version: 1.0.0, alternatives: [{name: container, version: 0.3.1}]}\n" OPEN_A,
	  { { "a", "/x", "p", 1 } } },
	{ "two documents in one file",
	  "---\n- macro: m\n  condition: proc.name = a\n---\n# nothing\n---\n" RULE("r", "evt.type = open and m") "...\n",
	  { { "a", "/x", "p", 1 }, { "b", "/x", "p", 0 } } },
	{ "a byte order mark, and Windows line ends",
	  "\xef\xbb\xbf- rule: r\r\n  condition: >\r\n    evt.type = open\r\n    and proc.name = a\r\n  desc: d\r\n  output: o\r\n  priority: info\r\n",
	  { { "a", "/x", "p", 1 }, { "b", "/x", "p", 0 } } },
	{ "an alias is the same value",
	  "- list: l\n  items: &i [a, b]\n- list: m\n  items: *i\n" RULE("r", "evt.type = open and proc.name in (m) and proc.name in (l)"),
	  { { "a", "/x", "p", 1 }, { "c", "/x", "p", 0 } } },
};
// clang-format on

TEST(items_change_each_other_as_the_language_says)
{
	for (size_t i = 0; i < countof(rows); i++) {
		struct loaded l;
		struct ready r;

		test_row = rows[i].what;
		load_text(&l, rows[i].text);
		ready_make(&r, &l);
		CHECK_EQ(l.rs->n_rules, 1);
		check_probes(&r, rows[i].probes);
		ready_done(&r);
		unload(&l);
	}
}

/* What differs when lists are put into the text, as Falco does it. */
// clang-format off
static const struct {
	const char *what, *text;
	struct probe loose[MAX_PROBES], strict[MAX_PROBES];
} substitution[] = {
	{ "in quotes, between blanks",
	  "- list: l\n  items: [a]\n" RULE("r", "evt.type = open and proc.pname = \"x l y\""),
	  { { "n", "/x", "x l y", 1 }, { "n", "/x", "x a y", 0 } }, { { "n", "/x", "x l y", 0 }, { "n", "/x", "x a y", 1 } } },
	{ "a quoted name alone is the same: quotes are no delimiters",
	  "- list: l\n  items: [a]\n" RULE("r", "evt.type = open and proc.pname = \"l\""),
	  { { "n", "/x", "l", 1 } }, { { "n", "/x", "l", 1 } } },
	{ "items with a blank get quotes; an empty list takes a comma with it",
	  "- list: l\n  items: [a b, 'c']\n- list: none\n  items: []\n" RULE("r", "evt.type = open and proc.pname in (none, l, none)"),
	  { { "n", "/x", "a b", 1 }, { "n", "/x", "c", 1 }, { "n", "/x", "a", 0 } },
	  { { "n", "/x", "a b", 1 }, { "n", "/x", "c", 1 }, { "n", "/x", "a", 0 } } },
	{ "lists in lists, in macros",
	  "- list: l\n  items: [a]\n- list: m\n  items: [l, b]\n- macro: k\n  condition: proc.pname in (m)\n" RULE("r", "evt.type = open and k"),
	  { { "n", "/x", "a", 1 }, { "n", "/x", "b", 1 }, { "n", "/x", "l", 0 } }, { { "n", "/x", "a", 1 }, { "n", "/x", "b", 1 }, { "n", "/x", "l", 0 } } },
	{ "a list that is only a name and its comma",
	  "- list: none\n  items: []\n" RULE("r", "evt.type = open and not proc.pname in (none)"),
	  { { "n", "/x", "a", 1 } }, { { "n", "/x", "a", 1 } } },
};
// clang-format on

static void load_strict(struct loaded *l, const char *text)
{
	struct rule_source src = { "r.yaml", text, strlen(text) };
	const struct rule_opts o = { .strict_falco = true };

	*l = (struct loaded){ 0 };
	arena_init(&l->a, 256 << 20);
	diags_init(&l->ds, &l->a);
	buf_init(&l->said, 1 << 20);
	l->err = rule_load_opts(&src, 1, &template_builtin, &o, &l->a, &l->ds, &l->rs);
	buf_puts(&l->said, "");
	diags_render(&l->said, &l->ds, false);
}

TEST(lists_stand_for_values_or_with_strict_falco_for_text)
{
	for (size_t i = 0; i < countof(substitution); i++) {
		for (int strict = 0; strict < 2; strict++) {
			struct loaded l;
			struct ready r;

			test_row = substitution[i].what;
			if (strict)
				load_strict(&l, substitution[i].text);
			else
				load_text(&l, substitution[i].text);
			ready_make(&r, &l);
			check_probes(&r, strict ? substitution[i].strict : substitution[i].loose);
			ready_done(&r);
			unload(&l);
		}
	}
}

TEST(strict_falco_reports_errors_where_the_text_stands)
{
	struct loaded l;

	load_strict(&l,
		    "- list: l\n  items: [a, b]\n" RULE("r", "evt.type = open and proc.name in (l) and proc.nam = x"));
	CHECK_HAS(l.said.p, "r.yaml:4:55: error[R400]");
	unload(&l);
	load_strict(&l, "- list: l\n  items: [l]\n" RULE("r", "evt.type = open and proc.name in (l)"));
	CHECK(said_id(&l, 303));
	unload(&l);
	load_strict(&l, "- list: l\n  items: [a, b]\n" RULE("r", "evt.type = open and proc.name = l"));
	CHECK(said_id(&l, 300)); /* proc.name = a, b */
	unload(&l);
}

TEST(strict_falco_looks_at_the_first_network_of_fd_net_only)
{
	const char *text = RULE("r", "evt.type = connect and fd.net in (10.0.0.0/8, 192.168.0.0/16)");

	for (int strict = 0; strict < 2; strict++) {
		struct loaded l;
		struct ready r;

		if (strict)
			load_strict(&l, text);
		else
			load_text(&l, text);
		ready_make(&r, &l);
		ready_event(&r, TEMPLATE_TYPE_net_connect);
		event_set_ip(r.event, TEMPLATE_CAP + TEMPLATE_SOCKET_sip, "\xc0\xa8\0\1", 4);
		CHECK_EQ(ready_fires(&r, 0), !strict);
		event_set_ip(r.event, TEMPLATE_CAP + TEMPLATE_SOCKET_cip, "\x0a\0\0\1", 4);
		CHECK_EQ(ready_fires(&r, 0), 1);
		ready_done(&r);
		unload(&l);
	}
}

TEST(override_changes_what_it_names_and_keeps_the_rest)
{
	struct loaded l;
	const struct rule *r;

	load_text(&l,
		  "- rule: first\n  condition: evt.type = open\n" RULE_TAIL
		  "- rule: r\n  condition: evt.type = open\n  desc: one\n  output: \"*a %container.info%proc.name\"\n  "
		  "priority: info\n"
		  "  tags: [x, y]\n  drill: d\n"
		  "- rule: r\n  desc: two\n  output: b\n  tags: [y, z]\n  priority: alert\n  enabled: false\n"
		  "  override: {desc: append, output: append, tags: append, priority: replace, enabled: replace}\n");
	CHECK_STR(l.said.p, "");
	CHECK_EQ(l.rs->n_rules, 2);
	r = &l.rs->rules[1];
	CHECK_STR(r->name, "r");
	CHECK_STR(r->desc, "one two");
	CHECK_STR(r->output, "a %proc.name b");
	CHECK_EQ(r->priority, RULE_ALERT);
	CHECK_EQ(r->enabled, false);
	CHECK_EQ(r->n_tags, 3);
	CHECK_STR(r->tags[2], "z");
	CHECK_STR(r->drill, "d");
	CHECK_STR(r->source, "syscall");
	CHECK_EQ(r->pos.line, 6);
	unload(&l);
}

TEST(a_disabled_rule_is_checked_and_not_compiled)
{
	struct loaded l;
	struct ready r;

	load_text(&l, OPEN_A "  enabled: false\n" RULE("s", "evt.type = open and proc.name = a"));
	ready_make(&r, &l);
	CHECK_EQ(l.rs->n_rules, 2);
	CHECK_EQ(r.rules.n_rules, 1);
	CHECK_STR(r.rules.rules[0].name, "s");
	ready_done(&r);
	unload(&l);
	load_text(&l, RULE("r", "proc.nam = a") "  enabled: false\n");
	CHECK(said_id(&l, 400));
	unload(&l);
}

TEST(priorities_have_their_names_in_any_case)
{
	static const struct {
		const char *word;
		uint32_t priority;
	} words[] = { { "EMERGENCY", RULE_EMERGENCY },
		      { "alert", RULE_ALERT },
		      { "Critical", RULE_CRITICAL },
		      { "error", RULE_ERROR },
		      { "WARNING", RULE_WARNING },
		      { "notice", RULE_NOTICE },
		      { "Informational", RULE_INFORMATIONAL },
		      { "INFO", RULE_INFORMATIONAL },
		      { "debug", RULE_DEBUG } };

	for (size_t i = 0; i < countof(words); i++) {
		char text[256];
		struct loaded l;

		test_row = words[i].word;
		(void)snprintf(text, sizeof text,
			       "- {rule: r, condition: evt.type = open, desc: d, output: o, priority: %s}",
			       words[i].word);
		load_text(&l, text);
		CHECK_STR(l.said.p, "");
		CHECK_EQ(l.rs->rules[0].priority, words[i].priority);
		unload(&l);
	}
	CHECK_STR(rule_priority_name(RULE_INFORMATIONAL), "Informational");
}

TEST(what_a_file_says_does_not_depend_on_where_it_stands_or_when_it_is_compiled)
{
	struct loaded l[2];
	struct buf elf[2];
	const char *text =
		"- list: l\n  items: [z, y, x]\n" RULE("r", "evt.type in (open, execve) and proc.name in (l)")
			RULE("s", "evt.type = connect and fd.sip in (10.0.0.0/8)");

	for (int i = 0; i < 2; i++) {
		load_bytes(&l[i], i ? "/somewhere/else.yaml" : "r.yaml", text, strlen(text));
		buf_init(&elf[i], 1 << 20);
		CHECK_OK(rule_compile(l[i].rs, &l[i].a, &elf[i], &l[i].ds));
	}
	CHECK_EQ(elf[0].len, elf[1].len);
	CHECK(!memcmp(elf[0].p, elf[1].p, elf[0].len));
	for (int i = 0; i < 2; i++) {
		buf_done(&elf[i]);
		unload(&l[i]);
	}
}

TEST(a_macro_error_in_one_file_does_not_hide_errors_in_another_rule)
{
	struct loaded l;

	load_text(&l, "- macro: m\n  condition: proc.name =\n" RULE("r", "evt.type = open and m")
			      RULE("s", "evt.type = open and proc.nam = a"));
	CHECK_EQ(l.ds.n_errors, 2);
	CHECK(said_id(&l, 300) && said_id(&l, 400));
	unload(&l);
}

TEST(the_program_names_the_fields_it_was_compiled_against)
{
	struct loaded l;
	struct ready r;
	const struct image_prog *p;
	struct image_prefix want;

	load_text(&l, "- rule: r\n  condition: evt.type = open and fd.num = 3 and proc.tty = 0\n  desc: d\n  output: "
		      "\"%proc.name %fd.dev %fd.sip\"\n  priority: info\n");
	ready_make(&r, &l);
	CHECK_EQ(r.schema.n_progs, 1);
	p = &r.schema.progs[0];
	/* evt.type is compared while running (a file is also opened by other calls); fd.sip is not this type's */
	CHECK_EQ(p->n_used, 5);
	CHECK_EQ(p->used[0], FIELD_evt_type);
	CHECK_EQ(p->used[1], FIELD_proc_name);
	CHECK_EQ(p->used[2], FIELD_proc_tty);
	CHECK_EQ(p->used[3], FIELD_file_open_num);
	CHECK_EQ(p->used[4], FIELD_file_open_dev);
	CHECK_EQ(p->common.n, FIELD_proc_tty + 1);
	CHECK_EQ(p->own.n, FIELD_file_open_dev - TEMPLATE_CAP + 1);
	image_prefix_of("file_open", &template_builtin.types[TEMPLATE_TYPE_file_open].own, p->own.n, &want);
	CHECK(!memcmp(want.digest, p->own.digest, sizeof want.digest));
	CHECK_EQ(r.rules.rules[0].n_placeholders, 3);
	ready_done(&r);
	unload(&l);
}
