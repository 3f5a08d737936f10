/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diag: what is wrong with rules is said well: the id, the place, the source line, a hint.
 *
 * bad/NAME.yaml gives exactly the text of bad/NAME.txt. SALLYPORT_GOLDEN=write rewrites the texts, to be read before
 * they are committed.
 */
#include "rule_test.h"

TEST(golden_diagnostics_are_what_they_were)
{
	static const char *const names[] = { "folded", "literal", "macros", "types", "syntax" };
	bool rewrite = getenv("SALLYPORT_GOLDEN") != NULL;

	for (size_t i = 0; i < countof(names); i++) {
		struct arena a;
		struct rule_source src, want;
		struct loaded l;
		char path[64];

		test_row = names[i];
		arena_init(&a, 8 << 20);
		(void)snprintf(path, sizeof path, "tests/rule/bad/%s.yaml", names[i]);
		src = source_file(&a, path);
		load_bytes(&l, src.name + strlen("tests/rule/"), src.text, src.len);
		CHECK_EQ(l.err, E_REJECTED);
		(void)snprintf(path, sizeof path, "tests/rule/bad/%s.txt", names[i]);
		if (rewrite) {
			FILE *f = fopen(path, "we");

			CHECK(f && fputs(l.said.p, f) >= 0 && !fclose(f));
		}
		want = source_file(&a, path);
		CHECK_STR(l.said.p, arena_strndup(&a, want.text, want.len));
		unload(&l);
		arena_done(&a);
	}
}

#define COND(c) "- rule: r\n  condition: " c "\n" RULE_TAIL
#define OUTPUT(o) "- rule: r\n  condition: evt.type = open\n  desc: d\n  output: " o "\n  priority: info\n"
#define GOOD COND("evt.type = open")
#define TESTS(t) GOOD "  tests:\n" t

static const struct {
	unsigned id;
	const char *text, *says;
} rows[] = {
	{ 101, "a: \"\xff\"", "byte 0xff" },
	{ 101, "- \"a\\0b\"", "holds a NUL byte" },
	{ 102, "- rule: [", "YAML: " },
	{ 102, "- rule: \x01", "control characters" },
	{ 104, "- *nobody", "no anchor '&nobody'" },
	{ 104, "- &a [*a]", "inside the value that it names" },
	{ 105, "- rule: r\n  desc: d\n  rule: s", "stands here twice" },
	{ 106, "rule: r", "a rules file is a list" },
	{ 106, "- 5", "an item is a mapping" },
	{ 200, "- rul: r", "unknown item" },
	{ 201, GOOD "  priorty: info\n", "did you mean 'priority'?" },
	{ 202, "- rule: r\n  condition: evt.type = open\n", "'output' is missing" },
	{ 203, "- list: l\n  items: x\n", "'items' must be a list" },
	{ 203, "- list: l\n  items: [[x]]\n", "an item of a list must be text" },
	{ 204, "- rule: ''\n  condition: evt.type = open\n" RULE_TAIL, "a rule needs a name" },
	{ 204, GOOD "  enabled: maybe\n", "'enabled' must be true or false" },
	{ 204, "- required_engine_version: x\n", "a version like" },
	{ 205, "- required_engine_version: 99\n", "asks for engine 99" },
	{ 205, "- required_engine_version: 1.0.0\n", "asks for engine 1.0.0" },
	{ 206, "- list: a b\n  items: []\n", "can refer to a list" },
	{ 207, "- macro: a-b\n  condition: proc.pid = 1\n", "can refer to a macro" },
	{ 208, GOOD "  source: k8s_audit\n", "is skipped" },
	{ 209, GOOD "- rule: r\n  append: true\n  condition: and proc.pid = 1\n", "'append: true' is deprecated" },
	{ 209, GOOD "- rule: r\n  enabled: false\n", "only 'enabled'" },
	{ 210, "- rule: r\n  override: {condition: append}\n  condition: and proc.pid = 1\n", "no rule 'r'" },
	{ 210, "- macro: m\n  append: true\n  condition: and proc.pid = 1\n", "no macro 'm'" },
	{ 210, "- list: l\n  append: true\n  items: [a]\n", "no list 'l'" },
	{ 211, GOOD "- rule: r\n  override: {condition: prepend}\n  condition: x\n", "'append' or 'replace'" },
	{ 211, GOOD "- rule: r\n  override: {priority: append}\n  priority: info\n", "can not be appended to" },
	{ 211, GOOD "- rule: r\n  override: {desc: append}\n", "no key 'desc'" },
	{ 211, GOOD "- rule: r\n  override: {desc: append}\n  desc: x\n  output: y\n", "what to do with 'output'" },
	{ 211, GOOD "- rule: r\n  override: {desc: append}\n  desc: x\n  append: true\n", "can not stand together" },
	{ 213, GOOD "- macro: m\n  condition: proc.pid = 1\n", "no rule uses macro 'm'" },
	{ 214, GOOD "- list: l\n  items: [a]\n", "nothing uses list 'l'" },
	{ 215, GOOD "- required_plugin_versions: [{name: json, version: 1.0.0}]\n", "no plugin 'json'" },
	{ 217, GOOD "  exceptions: [{name: e, fields: [proc.name], comps: [=, =]}]\n", "as many operators" },
	{ 217, GOOD "  exceptions: [{name: e, fields: [proc.name], values: [[a, b]]}]\n", "one value per field" },
	{ 217, GOOD "  exceptions: [{name: e, values: [[a, b]]}]\n", "needs 'fields'" },
	{ 217, GOOD "  exceptions: [{name: e, fields: proc.name, comps: startswith, values: [a]}]\n",
	  "in, pmatch, intersects" },
	{ 217, GOOD "  exceptions: [{name: e, fields: proc.name, comps: startswith manyof, values: [a]}]\n",
	  "no operator for an exception" },
	{ 217, GOOD "  exceptions: [{name: e, fields: [proc.name], comps: [exists], values: [[a]]}]\n",
	  "no operator for an exception" },
	{ 217, GOOD "  exceptions: [{name: e, fields: [proc.name], values: [[toupper(proc.pname) x]]}]\n",
	  "nothing can follow the transformer" },
	{ 220, "- required_plugin_versions: [{name: container, version: 0.5.0}]\n", "asks for 'container' 0.5.0" },
	{ 220,
	  "- required_plugin_versions: [{name: container, version: 1.0.0, alternatives: [{name: json, version: "
	  "0.1.0}]}]\n",
	  "asks for 'container' 1.0.0" },
	{ 204, "- required_plugin_versions: [{name: container, version: x}]\n", "a version like" },
	{ 202, "- required_plugin_versions: [{name: container}]\n", "'version' is missing" },
	{ 203, "- required_plugin_versions: [container]\n", "a mapping with name and version" },
	{ 217, GOOD "  exceptions: [{name: e, fields: name, values: [a]}]\n", "name of a field" },
	{ 218, GOOD "  exceptions: [{name: e, fields: [proc.name]}, {name: e, fields: [proc.pid]}]\n",
	  "exception 'e' already" },
	{ 219,
	  GOOD "  exceptions: [{name: e, fields: [proc.name]}]\n"
	       "- rule: r\n  override: {exceptions: append}\n  exceptions: [{name: e}]\n",
	  "nothing changes" },
	{ 300, COND("proc.name == "), "a value is needed here" },
	{ 300, COND("\"proc.aname[ = 5\""), "the index needs a value" },
	{ 302, COND("no_such_macro"), "no macro 'no_such_macro'" },
	{ 303, "- macro: m\n  condition: m\n", "contains itself" },
	{ 303, "- macro: m\n  condition: proc.pid = 1\n- macro: n\n  condition: m\n- macro: m\n  condition: not n\n",
	  "macro 'm' contains itself, by way of macro 'n'" },
	{ 304, "- macro: m\n  condition: n\n- macro: n\n  condition: proc.pid = 1\n", "defined below" },
	{ 306, "- list: l\n  items: [a, b]\n" COND("proc.name = l"), "list 'l' has 2" },
	{ 400, COND("proc.nam = a"), "did you mean 'proc.name'?" },
	{ 401, COND("evt.abspath.src contains a"), "Falco's field 'evt.abspath.src' is not supplied" },
	{ 401, COND("jevt.value = a"), "not supplied by this release" },
	{ 402, COND("proc.pid startswith 1"), "'startswith' can not be used with 'proc.pid'" },
	{ 402, COND("evt.dir contains a"), "evt.dir" },
	{ 402, COND("evt.type = open and proc.name in oneof (a, b)"), "'oneof' can not be used with 'in'" },
	{ 402, COND("evt.type = open and proc.pid < anyof (1, 2)"), "'anyof' can not be used with '<'" },
	{ 402, COND("fd.sip.name = oneof (a, b)"), "are for single values" },
	{ 402, COND("evt.dir = oneof (<)"), "can not be used with 'evt.dir'" },
	{ 300, COND("proc.name = anyof (a, b"), "',' or ')' is needed" },
	{ 403, COND("proc.pid = 99999999999999999999"), "a number is needed" },
	{ 403, COND("evt.type = open and fd.sip in (10.0.0.0/33)"), "an address or a network" },
	{ 403, COND("proc.name < x"), "a number is needed" },
	{ 403, COND("evt.dir = x"), "evt.dir is < or >" },
	{ 402, COND("proc.name bcontains 41"), "'bcontains' can not be used with 'proc.name'" },
	{ 402, COND("evt.buffer icontains a"), "'icontains' can not be used with 'evt.buffer', which is bytes" },
	{ 402, COND("evt.buffer pmatch (a)"), "'pmatch' can not be used" },
	{ 403, COND("evt.type = sendto and evt.buffer bcontains 414"), "pairs of hexadecimal digits" },
	{ 403, COND("evt.type = sendto and evt.buffer bstartswith 4x"), "pairs of hexadecimal digits" },
	{ 404, COND("evt.arg[99] = x"), "an argument number 99" },
	{ 404, COND("concat(evt.arg[0], proc.name) = x"), "by number can not be computed with" },
	{ 404, OUTPUT("\"%concat(proc.name)\""), "is no transformer for outputs" },
	{ 404, OUTPUT("\"%evt.arg[0]\""), "takes a name, not a number" },
	{ 412, OUTPUT("\"%toupper(proc.pid)\""), "is not what the transformer takes" },
	{ 412, OUTPUT("\"%toupper(len(proc.name))\""), "is not what the transformer takes" },
	{ 405, OUTPUT("\"%proc.name[x]\""), "takes no key" },
	{ 405, OUTPUT("\"%proc.aname[x]\""), "takes no key" },
	{ 414, OUTPUT("\"%evt.arg.queuepct\""), "it shows as <NA>" },
	{ 414, OUTPUT("\"%evt.arg[queuepct]\""), "it shows as <NA>" },
	{ 501, OUTPUT("\"%toupper(proc.nam)\""), "did you mean 'proc.name'?" },
	{ 500, OUTPUT("\"%toupper(proc.name\""), "name of a field" },
	{ 501, OUTPUT("\"%fd.ip\""), "can be compared, and not shown" },
	{ 405, COND("\"proc.pid[1] = 1\""), "takes no index" },
	{ 405, COND("\"proc.aname[x] = a\""), "an index is a number" },
	{ 405, OUTPUT("\"%proc.name[1]\""), "takes no index" },
	{ 406, COND("evt.type = opn"), "did you mean 'open'?" },
	{ 407, COND("evt.type in (open, mount)"), "does not watch 'mount'" },
	{ 408, COND("proc.name = a"), "does not compare evt.type" },
	{ 409, COND("evt.type = mount"), "can not fire" },
	{ 409, COND("evt.num = 0"), "can not fire" },
	{ 410, COND("evt.abspath.src contains a") "  skip-if-unknown-filter: true\n", "is skipped" },
	{ 410, OUTPUT("\"%evt.abspath.src\"") "  skip-if-unknown-filter: true\n", "is skipped" },
	{ 411, COND("proc.name = <NA>"), "not the text <NA>" },
	{ 300, COND("b65(proc.name) = a"), NULL },
	{ 300, COND("proc.name = foo(proc.pname)"), "'foo' is no transformer" },
	{ 300, COND("proc.name = val(5)"), "val takes a field" },
	{ 300, COND("val(proc.name) = a"), NULL },
	{ 400, COND("proc.name = val(proc.nam)"), "did you mean 'proc.name'?" },
	{ 400, COND("concat(proc.name, proc.nam) = a"), "did you mean 'proc.name'?" },
	{ 401, COND("proc.name = toupper(evt.abspath.src)"), "not supplied" },
	{ 412, COND("b64(proc.pid) = a"), "and this is a number" },
	{ 412, COND("concat(proc.name) = a"), "concat takes at least 2 arguments, here are 1" },
	{ 412, COND("join(proc.name) = a"), "join takes 2 arguments, here are 1" },
	{ 412, COND("join(proc.name, proc.name) = a"), "this is text, and a list is needed here" },
	{ 412, COND("concat(proc.name, proc.pid) = a"), "this is a number, and text is needed here" },
	{ 412, COND("\"getopt(proc.name, 'c')[c] = a\""), "a list is needed here" },
	{ 412, COND("\"concat(proc.name, 'c')[c] = a\""), "only getopt takes an index" },
	{ 412, COND("\"join(',', getopt((proc.name), 'c:')[cc]) = a\""), "that is one letter" },
	{ 412, COND("concat('a', 'b') = ab"), "there is no field in it" },
	{ 412, COND("concat(proc.aname, 'b') = ab"), "can not be computed with as a whole" },
	{ 412, COND("concat(fd.sip.name, 'b') = ab"), "can not be computed with as a whole" },
	{ 415, COND("proc.name pmatch val(proc.pname)"), "'pmatch' takes no field on its right side" },
	{ 415, COND("proc.name regex val(proc.pname)"), "'regex' takes no field" },
	{ 415, COND("fd.snet = val(fd.cip)"), "'fd.snet' can not be compared with a field" },
	{ 415, COND("fd.sip = val(fd.ip)"), "'fd.ip' can not be compared with a field" },
	{ 415, COND("proc.aname = val(proc.name)"), "'proc.aname' can not be compared" },
	{ 415, COND("proc.name = val(proc.pid)"), "this is a number, and 'proc.name' is text" },
	{ 415, COND("proc.pid = val(user.uid)"), "a non-negative number" },
	{ 415, COND("proc.name in getopt(proc.args, 'c:')"), "this is a list, and 'proc.name' is text" },
	{ 414, COND("evt.type = mount and evt.arg.dev = x"), "does not supply 'evt.arg.dev'" },
	{ 414, COND("evt.arg[queuepct] = x"), "does not supply 'evt.arg.queuepct'" },
	{ 400, COND("evt.arg.nothing = x"), "no event has a field 'evt.arg.nothing'" },
	{ 403, COND("fd.snet = 10.0.0.1"), "a network with its prefix" },
	{ 403, COND("evt.type = connect and fd.net in (10.0.0.0/8, 1.1.1.1)"), "a network with its prefix" },
	{ 403, COND("fd.sport = no-such-service"), "a service's name is needed" },
	{ 403, COND("fd.sport = 65536"), "a service's name is needed" },
	{ 403, COND("fd.sport > https"), "a service's name is needed" },
	{ 403, COND("evt.type.is[open] = 2"), "is 0 or 1" },
	{ 403, COND("proc.apid = 0x10"), "is no process number" },
	{ 402, COND("proc.apid > 5"), "can not be used with 'proc.apid'" },
	{ 405, COND("container.mount.dest = /x"), "needs an index: container.mount.dest[0], or a key" },
	{ 412, COND("toupper(len(proc.name)) = A"), "the transformer takes text or a list" },
	{ 412, COND("toupper(proc.pid) = A"), "a transformer of text can not be used" },
	{ 412, COND("len(fd.sip) = 4"), "len can not be used" },
	{ 412, COND("len(proc.aname) = 4"), "len(proc.aname[1])" },
	{ 412, COND("toupper(evt.dir) = A"), "takes no transformer" },
	{ 402, COND("len(proc.name) contains 4"), "'contains' can not be used with 'len of proc.name'" },
	{ 402, COND("proc.args intersects anyof (4)"), "takes the list alone" },
	{ 403, COND("len(proc.name) = a"), "a non-negative number is needed" },
	{ 300, COND("toupper(proc.name = a"), "the transformer's ')' is needed" },
	{ 300, COND("toupper(name) = a"), "a transformer takes a field" },
	{ 300, COND("toupper() = a"), "a transformer takes a field" },
	{ 300, COND("toupper(proc.name, ) = a"), "a transformer takes a field" },
	{ 400, COND("toupper(proc.nam) = a"), "did you mean 'proc.name'?" },
	{ 402, COND("proc.pid regex a"), "'regex' can not be used" },
	{ 413, COND("proc.name regex 'a[b'"), "2:32: error[R413]" },
	{ 413, COND("proc.name regex oneof (a, 'b**{3,1}')"), "wrong order" },
	{ 500, OUTPUT("\"100%\""), "name of a field" },
	{ 500, OUTPUT("\"100% of it\""), "name of a field" },
	{ 501, OUTPUT("\"%proc.nam\""), "did you mean 'proc.name'?" },
	{ 501, OUTPUT("\"%jevt.value\""), "not supplied" },
	{ 600, TESTS("    5\n"), "'tests' is a list" },
	{ 600, TESTS("  - 5\n"), "a test is a mapping" },
	{ 601, TESTS("  - {name: t, event: file_opn, fires: true, fields: {}}\n"), "did you mean 'file_open'?" },
	{ 602, TESTS("  - {name: t, event: file_open, fires: true, fields: {fd.sip: 1.1.1.1}}\n"),
	  "has no field 'fd.sip'" },
	{ 603, TESTS("  - {name: t, event: file_open, fires: true, fields: {proc.pid: x}}\n"), "of type i64" },
	{ 603, TESTS("  - {name: t, event: net_connect, fires: true, fields: {fd.sip: 1.1.1.1/8}}\n"), "of type ip" },
	{ 603, TESTS("  - {name: t, event: file_open, fires: true, fields: {proc.name: [a]}}\n"), "a list or mapping" },
};

static bool shown[1000];

TEST(each_finding_is_provoked_with_its_id_and_place)
{
	for (size_t i = 0; i < countof(rows); i++) {
		struct loaded l;
		const struct diag_node *n;

		test_row = rows[i].text;
		load_text(&l, rows[i].text);
		for (n = l.ds.head; n && n->d.id != rows[i].id; n = n->next)
			;
		if (!n)
			fail_msg("%s\ngives no R%u but:\n%s", rows[i].text, rows[i].id, l.said.p);
		if (rows[i].says)
			CHECK_HAS(l.said.p, rows[i].says);
		CHECK(n->d.pos.line > 0 && n->d.pos.col > 0);
		CHECK_EQ(l.err, l.ds.n_errors ? E_REJECTED : E_OK);
		shown[rows[i].id] = true;
		unload(&l);
	}
}

/* Text made of n copies. */
static char *repeat(struct arena *a, const char *part, size_t n)
{
	size_t len = strlen(part);
	char *text = arena_alloc(a, len * n + 1);

	for (size_t i = 0; i < n; i++)
		memcpy(text + i * len, part, len);
	return text;
}

static void expect(const char *what, char *text, unsigned id)
{
	struct loaded l;

	test_row = what;
	assert_non_null(text);
	load_text(&l, text);
	CHECK_EQ(l.err, E_REJECTED);
	if (!said_id(&l, id))
		fail_msg("%s: no R%u but:\n%.600s", what, id, l.said.p);
	shown[id] = true;
	unload(&l);
}

/* m0 is a comparison, and each macro has the one above it twice. */
static char *macro_bomb(struct arena *a, const char *format, unsigned n)
{
	struct buf b;
	char *text;

	buf_init(&b, 32 << 20);
	buf_puts(&b, "- macro: m0\n  condition: proc.pid = 1\n");
	for (unsigned i = 1; i < n; i++)
		buf_printf(&b, "- macro: m%u\n  condition: %s m%u%s%u\n", i, format[0] == '2' ? "" : "not", i - 1,
			   format[0] == '2' ? " and m" : " # ", i - 1);
	buf_printf(&b, COND("evt.type = open and m%u"), n - 1);
	text = arena_strndup(a, b.p, b.len);
	buf_done(&b);
	return text;
}

static char *list_bomb(struct arena *a, unsigned n)
{
	struct buf b;
	char *text;

	buf_init(&b, 32 << 20);
	buf_puts(&b, "- list: l0\n  items: [a]\n");
	for (unsigned i = 1; i < n; i++)
		buf_printf(&b, "- list: l%u\n  items: [l%u, l%u]\n", i, i - 1, i - 1);
	buf_printf(&b, COND("evt.type = open and proc.name in (l%u)"), n - 1);
	text = arena_strndup(a, b.p, b.len);
	buf_done(&b);
	return text;
}

static char *alias_bomb(struct arena *a)
{
	struct buf b;
	char *text;

	buf_init(&b, 1 << 20);
	buf_puts(&b, "- &a0 [x, x]\n");
	for (unsigned i = 1; i < 64; i++)
		buf_printf(&b, "- &a%u [*a%u, *a%u]\n", i, i - 1, i - 1);
	text = arena_strndup(a, b.p, b.len);
	buf_done(&b);
	return text;
}

TEST(input_made_to_exhaust_us_is_refused_within_limits)
{
	struct arena a;

	arena_init(&a, 512 << 20);
	expect("alias bomb", alias_bomb(&a), 103);
	expect("deep flow", repeat(&a, "[", 1 << 20), 103);
	expect("deep block", repeat(&a, "- ", 100000), 103);
	expect("many values", repeat(&a, "-\n", 2 << 20), 103);
	expect("long value", arena_printf(&a, "- %s", repeat(&a, "x", 300 << 10)), 103);
	expect("many anchors", repeat(&a, "- &a x\n", 100000), 103);
	expect("long name",
	       arena_printf(&a, "- rule: %s\n  condition: evt.type = open\n" RULE_TAIL, repeat(&a, "x", 512)), 204);
	expect("long tag", arena_printf(&a, GOOD "  tags: [%s]\n", repeat(&a, "x", 512)), 204);
	expect("long output", arena_printf(&a, OUTPUT("%s"), repeat(&a, "x", 65536)), 204);
	expect("big file", repeat(&a, "#", (8 << 20) + 1), 100);
	expect("parentheses", arena_printf(&a, COND("%sproc.pid = 1"), repeat(&a, "(", 100000)), 301);
	expect("not not not", arena_printf(&a, COND("%sproc.pid = 1"), repeat(&a, "not ", 50000)), 301);
	expect("transformers", arena_printf(&a, COND("%sproc.name = a"), repeat(&a, "toupper(", 5000)), 301);
	expect("macro bomb", macro_bomb(&a, "2", 64), 305);
	expect("macro tower", macro_bomb(&a, "1", 2000), 305);
	expect("list bomb", list_bomb(&a, 64), 305);
	expect("list tower", list_bomb(&a, 200), 301);
	arena_done(&a);
}

TEST(a_small_arena_ends_in_an_error_not_in_a_crash)
{
	const char *text =
		"- list: l\n  items: [a, b]\n- macro: m\n  condition: proc.name in (l)\n"
		"- rule: r\n  condition: evt.type = open and m and not proc.exepath pmatch (/a, /b)\n  desc: d\n"
		"  output: \"%proc.name\"\n  priority: info\n  tags: [a, b]\n"
		"  exceptions: [{name: e, fields: [proc.name, proc.pid], values: [[a, 1], [b, 2]]}]\n"
		"  tests:\n  - {name: t, event: file_open, fires: true, fields: {proc.aname: [a, b]}}\n";
	struct rule_source src = { "r.yaml", text, strlen(text) };
	bool done = false;

	for (size_t cap = 64; !done; cap += 64) {
		struct arena a;
		struct diags ds;
		struct rule_set *rs = NULL;
		struct buf elf;
		enum err err;

		arena_init(&a, cap);
		diags_init(&ds, &a);
		buf_init(&elf, 1 << 20);
		err = rule_load(&src, 1, &template_builtin, &a, &ds, &rs);
		err = err ? err : rule_compile(rs, &a, &elf, &ds);
		CHECK(err == E_OK || err == E_NOMEM);
		done = !err;
		buf_done(&elf);
		arena_done(&a);
	}
}

TEST(too_many_items_are_refused)
{
	struct arena a;
	struct buf b;

	arena_init(&a, 64 << 20);
	buf_init(&b, 8 << 20);
	for (unsigned i = 0; i <= RULE_MAX_RULES; i++)
		buf_printf(&b, "- rule: r%u\n  condition: evt.type = open\n" RULE_TAIL, i);
	expect("rules", arena_strndup(&a, b.p, b.len), 212);
	buf_done(&b);
	arena_done(&a);
}

TEST(a_rule_keeps_its_source)
{
	/* other sources are skipped with a warning; the rule's name stays theirs */
	struct loaded l;

	load_text(&l, GOOD "  source: k8s_audit\n" GOOD);
	CHECK(said_id(&l, 216));
	shown[216] = true;
	unload(&l);
}

/* A set that loads, and can not be compiled. */
static void expect_no_program(const char *what, const char *text, unsigned id)
{
	struct loaded l;
	struct buf elf;

	test_row = what;
	load_text(&l, text);
	CHECK_OK(l.err);
	buf_init(&elf, 16 << 20);
	CHECK_EQ(rule_compile(l.rs, &l.a, &elf, &l.ds), E_REJECTED);
	CHECK(said_id(&l, id));
	CHECK(l.ds.head != NULL);
	shown[id] = true;
	buf_done(&elf);
	unload(&l);
}

TEST(a_program_beyond_the_reach_of_a_jump_is_refused)
{
	struct buf b;

	buf_init(&b, 8 << 20);
	buf_puts(&b, "- rule: r\n" RULE_TAIL "  condition: >\n    evt.type = open and (proc.pid = 0\n");
	for (unsigned i = 1; i < 9000; i++)
		buf_printf(&b, "    or proc.name = n%u\n", i);
	buf_puts(&b, "    )\n");
	expect_no_program("long jump", b.p, 700);
	buf_done(&b);
}

TEST(literals_beyond_their_limit_are_refused)
{
	struct buf b;

	buf_init(&b, 8 << 20);
	for (unsigned r = 0; r < 76; r++) {
		buf_printf(&b, "- rule: r%u\n" RULE_TAIL "  condition: evt.type = open and proc.name = ", r);
		for (unsigned i = 0; i < 60000; i++)
			buf_putc(&b, r < 26   ? (char)('a' + r)
				     : r < 52 ? (char)('A' + r - 26)
				     : i % 2  ? 'x'
					      : (char)('a' + r - 52));
		buf_puts(&b, "\n");
	}
	expect_no_program("literals", b.p, 701);
	buf_done(&b);
}

TEST(the_documentation_has_every_row_with_falcos_word)
{
	struct arena a;
	struct rule_source doc;

	arena_init(&a, 8 << 20);
	doc = source_file(&a, "docs/rules.md");
	doc.text = arena_strndup(&a, doc.text, doc.len);
	for (size_t i = 0; i < rule_n_diags; i++) {
		const char *id = arena_printf(&a, "| R%u |", rule_diags[i].id), *line = strstr(doc.text, id);

		if (!line)
			fail_msg("docs/rules.md does not have R%u", rule_diags[i].id);
		line = arena_strndup(&a, line, strcspn(line, "\n"));
		CHECK_HAS(line, rule_diags[i].falco_code ? rule_diags[i].falco_code : "|  |");
		CHECK_HAS(line, rule_diags[i].title);
	}
	arena_done(&a);
}

TEST(every_row_of_the_table_has_been_shown)
{
	for (size_t i = 0; i < rule_n_diags; i++) {
		if (!shown[rule_diags[i].id])
			fail_msg("no test provokes R%u (%s)", rule_diags[i].id, rule_diags[i].title);
		CHECK(i == 0 || rule_diags[i].id > rule_diags[i - 1].id);
		CHECK(rule_diags[i].title[0] && rule_diags[i].help[0]);
	}
}
