/* SPDX-License-Identifier: Apache-2.0 */
/* lint: each finding is provoked, its near miss is not, comments admit it, and docs/analysis.md explains it. */
#include "rule_test.h"

#define RULE(condition) "- rule: r\n  condition: >\n    " condition "\n" RULE_TAIL
#define SECOND(condition) "- rule: second\n  condition: >\n    " condition "\n" RULE_TAIL
#define OPEN "evt.type in (open, openat) and "
#define EXEC "evt.type = execve and "

struct linted {
	struct loaded l;
	struct diags found;
	struct buf text;
};

static void lint_text(struct linted *x, const char *text)
{
	load_text(&x->l, text);
	diags_init(&x->found, &x->l.a);
	buf_init(&x->text, 1 << 20);
	if (x->l.err)
		fail_msg("%s: %s", test_row ? test_row : "", x->l.said.p);
	CHECK_OK(rule_lint(x->l.rs, &x->l.a, &x->found));
	buf_puts(&x->text, "");
	diags_render(&x->text, &x->found, false);
}

static void lint_done(struct linted *x)
{
	buf_done(&x->text);
	unload(&x->l);
}

static unsigned count_id(const struct linted *x, unsigned id)
{
	unsigned n = 0;

	for (const struct diag_node *d = x->found.head; d; d = d->next)
		n += d->d.id == id;
	return n;
}

static const struct {
	unsigned id;
	const char *name, *bad, *good, *says;
} rows[] = {
	{ 100, "the same condition twice", RULE(OPEN "fd.name = /a") SECOND(OPEN "fd.name = /a"),
	  RULE(OPEN "fd.name = /a") SECOND(OPEN "fd.name = /b"), "rule 'second' never alerts" },
	{ 100, "one more part", RULE(OPEN "fd.name startswith /etc/") SECOND(OPEN "fd.name = /etc/x and proc.pid > 1"),
	  RULE(OPEN "fd.name startswith /etc/ and proc.pid > 1") SECOND(OPEN "fd.name = /etc/x"), "'r'" },
	{ 100, "a subset of the events", RULE(OPEN "fd.name = /a") SECOND("evt.type = open and fd.name = /a"),
	  RULE("evt.type = open and fd.name = /a") SECOND(OPEN "fd.name = /a"), NULL },
	{ 100, "an exception of the first",
	  RULE(OPEN "fd.name = /a and not proc.exepath = /x") SECOND(OPEN "fd.name = /a and proc.exepath in (/y, /z)"),
	  RULE(OPEN "fd.name = /a and not proc.exepath = /y") SECOND(OPEN "fd.name = /a and proc.exepath in (/y, /z)"),
	  NULL },
	{ 100, "an alternative of the first", RULE(OPEN "(fd.name = /a or fd.name = /b)") SECOND(OPEN "fd.name = /b"),
	  RULE(OPEN "(fd.name = /a or fd.name = /c)") SECOND(OPEN "fd.name = /b"), NULL },
	{ 101, "two values at once", RULE(OPEN "fd.name = /a and fd.name = /b"),
	  RULE(OPEN "(fd.name = /a or fd.name = /b)"), "can not be where" },
	{ 101, "a value and its exception", RULE(OPEN "fd.name = /a and not fd.name in (/a, /b)"),
	  RULE(OPEN "fd.name = /c and not fd.name in (/a, /b)"), "the rule never fires" },
	{ 101, "a range without numbers", RULE(OPEN "proc.pid > 10 and proc.pid < 10"),
	  RULE(OPEN "proc.pid > 9 and proc.pid < 11"), NULL },
	{ 101, "prefixes that part", RULE(OPEN "fd.name startswith /etc/ and fd.name startswith /usr/"),
	  RULE(OPEN "fd.name startswith /etc/ and fd.name startswith /etc/ssh/"), NULL },
	{ 101, "an empty list", "- list: none\n  items: []\n" RULE(OPEN "proc.exepath in (none)"),
	  "- list: none\n  items: []\n" RULE(OPEN "not proc.exepath in (none)"), "the list is empty" },
	{ 101, "two types of event", RULE("evt.type = connect and evt.type = open"),
	  RULE("evt.type = connect or evt.type = open"), "no type of event" },
	{ 102, "an alternative that is excluded", RULE(OPEN "fd.name = /a and (fd.name = /b or proc.pid = 1)"),
	  RULE(OPEN "fd.name startswith /a and (fd.name = /ab or proc.pid = 1)"), "'fd.name = /b' can not be" },
	{ 102, "no number below zero", RULE(OPEN "(user.uid < 0 or proc.pid = 1)"),
	  RULE(OPEN "(user.loginuid < 0 or proc.pid = 1)"), "no number satisfies" },
	{ 103, "unequal to one or the other", RULE(OPEN "(proc.exepath != /a or proc.exepath != /b)"),
	  RULE(OPEN "(proc.exepath != /a or proc.pname != b)"), "is always true" },
	{ 103, "a value or not", RULE(OPEN "fd.name = /x and (proc.exepath startswith /a or not proc.exepath = /ab)"),
	  RULE(OPEN "fd.name = /x and (proc.exepath startswith /a or not proc.exepath = /b)"), NULL },
	{ 104, "a field of other events", RULE(OPEN "(fd.name = /a or fd.sport = 1)"),
	  RULE("evt.type in (open, connect) and (fd.name = /a or fd.sport = 1)"), "no fd.sport" },
	{ 105, "a user without a name", RULE(OPEN "fd.name = /a and user.name != root"),
	  RULE(OPEN "fd.name = /a and not user.name = root"), "is false where user.name is missing" },
	{ 105, "said to be there", RULE(OPEN "user.name != root and fd.name = /a"),
	  RULE(OPEN "user.name exists and user.name != root and fd.name = /a"), NULL },
	{ 105, "an old way to ask for presence", RULE(OPEN "fd.name = /a and proc.pname != x"),
	  RULE(OPEN "fd.name = /a and proc.pname != \"\""), NULL },
	{ 106, "an alternative without evt.type", RULE("evt.type = open or proc.exepath = /a"),
	  RULE("evt.type = open and proc.exepath = /a"), "all " },
	{ 110, "an excepted name", RULE(OPEN "fd.name = /etc/shadow and not proc.name in (sshd, login)"),
	  RULE(OPEN "fd.name = /etc/shadow and not proc.exepath in (/usr/sbin/sshd)"),
	  "an attacker silences rule 'r'" },
	{ 110, "a name besides a path", RULE(OPEN "fd.name = /etc/shadow and not (proc.name = a or proc.exepath = /b)"),
	  RULE(OPEN "fd.name = /etc/shadow and not (proc.name = a and proc.exepath = /b)"), NULL },
	{ 110, "unequal", RULE(OPEN "fd.name = /etc/shadow and proc.name != sshd"),
	  RULE(OPEN "fd.name = /etc/shadow and proc.name = sshd"), "by what 'proc.name != sshd' reads" },
	{ 110, "the parent's arguments", RULE(OPEN "fd.name = /a and not proc.pcmdline contains backup"),
	  RULE(OPEN "fd.name = /a and not proc.pcmdline in (\"<NA>\")"), NULL },
	{ 110, "in an exception of the rule",
	  RULE(OPEN "fd.name = /a") "  exceptions:\n    - {name: e, fields: proc.name, comps: in, values: [a, b]}\n",
	  RULE(OPEN "fd.name = /a") "  exceptions:\n    - {name: e, fields: [proc.name, proc.exepath], comps: [=, =], "
				    "values: [[a, /b]]}\n",
	  NULL },
	{ 111, "nothing but a name", RULE(EXEC "proc.name in (nc, ncat)"),
	  RULE(EXEC "proc.name in (nc, ncat) and proc.stdin.type = ipv4"), "says of itself" },
	{ 111, "a name or a path", RULE(EXEC "(proc.name = nc or proc.exe = nc)"),
	  RULE(EXEC "(proc.name = nc or proc.exepath = /usr/bin/nc)"), NULL },
	{ 112, "argument 0 as a path", RULE(EXEC "proc.exe = /tmp/x and proc.tty != 0"),
	  RULE(EXEC "proc.exepath = /tmp/x and proc.tty != 0"), "compare proc.exepath" },
	{ 112, "looking for dots", RULE(EXEC "evt.arg.filename startswith /tmp/ and proc.tty != 0"),
	  RULE(EXEC "evt.arg.filename startswith /tmp/../ and proc.tty != 0"), NULL },
	{ 120, "a misspelt list",
	  "- list: shell_binaries\n  items: [a]\n" RULE(EXEC "proc.exepath in (shell_binaires, /b)")
		  SECOND(EXEC "proc.exepath in (shell_binaries)"),
	  "- list: shell_binaries\n  items: [a]\n" RULE(EXEC "proc.exepath in (\"shell_binaires\", /b)")
		  SECOND(EXEC "proc.exepath in (shell_binaries)"),
	  "did you mean list 'shell_binaries'?" },
	{ 121, "16 bytes", RULE(EXEC "proc.name in (systemd-executor, /b)"),
	  RULE(EXEC "proc.name in (systemd-executo, /b)"), "write 'systemd-executo'" },
	{ 121, "its short form stands there too", RULE(EXEC "proc.pname = gnome-session-binary"),
	  RULE(EXEC "proc.pname in (gnome-session-binary, gnome-session-b)"), NULL },
	{ 122, "/etcetera", RULE(OPEN "fd.name startswith /etc"), RULE(OPEN "fd.name startswith /etc/"),
	  "'/etc' also begins /etcx" },
	{ 122, "no directory that everybody knows", RULE(OPEN "fd.name startswith anyof (/x, /usr)"),
	  RULE(OPEN "fd.name startswith /etc/pam"), NULL },
	{ 123, "prefixes of each other", RULE(OPEN "fd.name startswith anyof (/etc/ssh/, /etc/)"),
	  RULE(OPEN "fd.name startswith anyof (/etc/ssh/, /usr/)"), "'/etc/ssh/' adds nothing to '/etc/'" },
	{ 123, "in a list", "- list: dirs\n  items: [/a, /a/b]\n" RULE(OPEN "fd.name pmatch (dirs)"),
	  "- list: dirs\n  items: [/a, /ab]\n" RULE(OPEN "fd.name pmatch (dirs)"), NULL },
	{ 123, "side by side", RULE(OPEN "(fd.name startswith /a or fd.name = /ab)"),
	  RULE(OPEN "(fd.name startswith /a or fd.name = /b)"), "adds nothing" },
	{ 124, "in the condition", RULE(OPEN "fd.name in (/a, /b, /a)"), RULE(OPEN "fd.name in (/a, /b, /c)"),
	  "twice" },
	{ 124, "in a list", "- list: l\n  items: [/a, /b, /a]\n" RULE(OPEN "fd.name in (l)"),
	  "- list: k\n  items: [/a]\n- list: l\n  items: [/b, /a]\n" RULE(OPEN "fd.name in (l, k)"), "list 'l'" },
};

TEST(each_finding_is_made_and_its_near_miss_is_not)
{
	for (size_t i = 0; i < countof(rows); i++) {
		struct linted x;

		test_row = rows[i].name;
		lint_text(&x, rows[i].bad);
		if (count_id(&x, rows[i].id) != 1)
			fail_msg("L%u '%s' is said %u times: %s", rows[i].id, test_row, count_id(&x, rows[i].id),
				 x.text.p);
		if (rows[i].says)
			CHECK_HAS(x.text.p, rows[i].says);
		lint_done(&x);
		lint_text(&x, rows[i].good);
		if (count_id(&x, rows[i].id))
			fail_msg("L%u near miss '%s': %s", rows[i].id, test_row, x.text.p);
		lint_done(&x);
	}
}

TEST(every_finding_has_a_row_here_and_a_section_in_the_docs)
{
	struct arena a;
	struct rule_source docs;

	arena_init(&a, 4 << 20);
	docs = source_file(&a, "docs/analysis.md");
	for (size_t i = 0; i < rule_n_lints; i++) {
		char heading[32];
		bool provoked = false;

		test_row = rule_lints[i].title;
		for (size_t k = 0; k < countof(rows); k++)
			provoked |= rows[k].id == rule_lints[i].id;
		CHECK(provoked);
		CHECK(rule_lints[i].help[0] != 0);
		(void)snprintf(heading, sizeof heading, "### L%u ", rule_lints[i].id);
		CHECK_HAS(docs.text, heading);
	}
	arena_done(&a);
}

TEST(a_finding_has_its_place_and_the_name_of_the_rule)
{
	struct linted x;
	const struct diag *d;

	lint_text(&x, RULE(OPEN "fd.name startswith /etc"));
	d = &x.found.head->d;
	CHECK_EQ(d->severity, DIAG_WARNING);
	CHECK_EQ(d->family, 'L');
	CHECK_STR(d->subject, "r");
	CHECK_STR(d->pos.file, "r.yaml");
	CHECK_EQ(d->pos.line, 3);
	CHECK_EQ(d->pos.col, 55);
	lint_done(&x);
}

TEST(a_comment_admits_a_finding)
{
	static const struct {
		const char *name, *text;
		unsigned n;
	} cases[] = {
		{ "none", RULE(OPEN "fd.name startswith /etc"), 1 },
		{ "right above", "# sallyport: allow L122\n" RULE(OPEN "fd.name startswith /etc"), 0 },
		{ "with a reason",
		  "# sallyport: allow L122: /etcetera is ours too\n" RULE(OPEN "fd.name startswith /etc"), 0 },
		{ "one of several", "# sallyport: allow L100, L122\n" RULE(OPEN "fd.name startswith /etc"), 0 },
		{ "in a block of comments",
		  "# sallyport: allow L122\n# and more\n" RULE(OPEN "fd.name startswith /etc"), 0 },
		{ "another id", "# sallyport: allow L123\n" RULE(OPEN "fd.name startswith /etc"), 1 },
		{ "a longer number", "# sallyport: allow L1220\n" RULE(OPEN "fd.name startswith /etc"), 1 },
		{ "an id in the reason", "# sallyport: allow L100 not L122\n" RULE(OPEN "fd.name startswith /etc"), 1 },
		{ "not right above", "# sallyport: allow L122\n\n" RULE(OPEN "fd.name startswith /etc"), 1 },
		{ "for the file", "# sallyport: allow L122 in this file\n\n" RULE(OPEN "fd.name startswith /etc"), 0 },
		{ "above another rule",
		  "# sallyport: allow L122\n" RULE(OPEN "fd.name startswith /x") SECOND(OPEN "fd.name startswith /etc"),
		  1 },
		{ "above the macro it stands in",
		  "# sallyport: allow L122\n- macro: m\n  condition: fd.name startswith /etc\n" RULE(OPEN "m"), 0 },
		{ "above the rule that uses the macro",
		  "- macro: m\n  condition: fd.name startswith /etc\n# sallyport: allow L122\n" RULE(OPEN "m"), 0 },
		{ "above a rule among others",
		  "- list: x\n  items: [a]\n# sallyport: allow L122\n" RULE(
			  OPEN "fd.name startswith /etc and proc.exepath in (x)"),
		  0 },
	};

	for (size_t i = 0; i < countof(cases); i++) {
		struct linted x;

		test_row = cases[i].name;
		lint_text(&x, cases[i].text);
		CHECK_EQ(count_id(&x, 122), cases[i].n);
		lint_done(&x);
	}
}

TEST(a_macro_is_reported_once_however_many_rules_use_it)
{
	struct linted x;

	lint_text(&x, "- macro: m\n  condition: fd.name startswith /etc\n" RULE(OPEN "m and proc.pid = 1")
			      SECOND(OPEN "m and proc.pid = 2"));
	CHECK_EQ(count_id(&x, 122), 1);
	lint_done(&x);
}

TEST(a_rule_that_is_switched_off_on_purpose_is_left_alone)
{
	struct linted x;

	lint_text(&x, "- macro: never_true\n  condition: (evt.num = 0)\n" RULE(OPEN "never_true"));
	CHECK_STR(x.text.p, "");
	lint_done(&x);
	lint_text(&x, RULE(OPEN "fd.name startswith /etc") "  enabled: false\n");
	CHECK_STR(x.text.p, "");
	lint_done(&x);
}

/* Proofs are bounded: many rules with many alternatives end in time, without false findings. */
TEST(a_condition_that_would_take_forever_to_compare_is_given_up)
{
	struct linted x;
	struct buf text;

	buf_init(&text, 8 << 20);
	for (int r = 0; r < 60; r++) {
		buf_printf(&text, "- rule: r%d\n  condition: >\n    " OPEN "proc.pid > %d", r, r);
		for (int i = 0; i < 40; i++)
			buf_printf(
				&text,
				" and (fd.name = /x%d/%d or (proc.exepath = /y%d and (user.uid = %d or fd.num = %d)))",
				r, i, i, i, i);
		buf_puts(&text, "\n" RULE_TAIL);
	}
	lint_text(&x, text.p);
	CHECK_EQ(count_id(&x, 100), 0);
	lint_done(&x);
	buf_done(&text);
}

TEST(the_shipped_rules_have_no_finding_that_is_not_justified)
{
	static const char *const files[] = { "rules/file.yaml", "rules/ipc.yaml", "rules/network.yaml",
					     "rules/process.yaml" };
	struct rule_source src[countof(files)];
	struct linted x = { 0 };

	arena_init(&x.l.a, 256 << 20);
	diags_init(&x.l.ds, &x.l.a);
	diags_init(&x.found, &x.l.a);
	buf_init(&x.text, 1 << 20);
	for (size_t i = 0; i < countof(files); i++)
		src[i] = source_file(&x.l.a, files[i]);
	CHECK_OK(rule_load(src, countof(files), &template_builtin, &x.l.a, &x.l.ds, &x.l.rs));
	CHECK_OK(rule_lint(x.l.rs, &x.l.a, &x.found));
	buf_puts(&x.text, "");
	diags_render(&x.text, &x.found, false);
	CHECK_STR(x.text.p, "");
	buf_done(&x.text);
	arena_done(&x.l.a);
}

/* Rules that many people run: what is said of them was looked at, and is so. A change of these figures wants a look. */
TEST(the_public_rules_have_few_findings_and_no_nonsense)
{
	static const struct {
		const char *file;
		unsigned most;
	} files[] = { { "falco_rules.yaml", 15 },
		      { "falco-incubating_rules.yaml", 35 },
		      { "falco-sandbox_rules.yaml", 27 } };
	static const unsigned never_right[] = { 102, 103, 104, 106, 120 };

	for (size_t i = 0; i < countof(files); i++) {
		struct arena a;
		struct rule_source src;
		struct linted x;
		unsigned n = 0;
		char *path;

		test_row = files[i].file;
		arena_init(&a, 4 << 20);
		path = arena_printf(&a, "../shared/peers/falco-rules/%s", files[i].file);
		if (access(arena_printf(&a, "%s/%s", getenv("SALLYPORT_SOURCE") ? getenv("SALLYPORT_SOURCE") : ".",
					path),
			   R_OK)) {
			arena_done(&a);
			SKIP("the public rules are not here (../shared/peers/falco-rules beside the source tree)");
		}
		src = source_file(&a, path);
		lint_text(&x, arena_strndup(&a, src.text, src.len));
		for (const struct diag_node *d = x.found.head; d; d = d->next)
			n++;
		CHECK(n > 3 && n <= files[i].most);
		for (size_t k = 0; k < countof(never_right); k++)
			CHECK_EQ(count_id(&x, never_right[k]), 0);
		lint_done(&x);
		arena_done(&a);
	}
}
