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
