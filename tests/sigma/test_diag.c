/* SPDX-License-Identifier: Apache-2.0 */
/* diag: what is refused, and what is malformed, is told with its place and its reason. */
#include "sigma_test.h"

#define LOG "logsource: {product: linux, category: process_creation}\n"
#define OK_DETECTION "detection: {s: {User: x}, condition: s}\n"
#define WITH_CONDITION(c) PROCESS "  s: {User: x}\n  condition: " c "\n"

static const struct {
	unsigned id;
	const char *text, *says;
} rows[] = {
	{ 100, "- 1\n", "a Sigma rule is a mapping" },
	{ 101, "title: t\n" OK_DETECTION, "needs 'logsource'" },
	{ 101, LOG OK_DETECTION, "needs 'title'" },
	{ 101, "title: t\n" LOG, "needs 'detection'" },
	{ 101, "title: t\n" LOG "detection: {s: {User: x}}\n", "needs 'condition'" },
	{ 102, "title: [t]\n" LOG OK_DETECTION, "'title' is text" },
	{ 102, "title: t\nlogsource: linux\n" OK_DETECTION, "'logsource' is a mapping" },
	{ 102, PROCESS SEL("User: {a: b}"), "t.yml:5:13: error[M102]: a value is text or a number" },
	{ 102, PROCESS SEL("User: []"), "the list of values is empty" },
	{ 102, PROCESS "  s: {}\n  condition: s\n", "the mapping is empty" },
	{ 102, PROCESS "  s: [{User: x}, [y]]\n  condition: s\n", "a list inside a list" },
	{ 102, PROCESS "  s: {User: x}\n  condition: []\n", "the list of conditions is empty" },
	{ 102, PROCESS "  s: {User: x}\n  condition: {a: b}\n", "condition is text" },
	{ 102, PROCESS "  s: {User: x}\n  condition: [[s]]\n", "a condition is text" },
	{ 103, WITH_CONDITION("s and"), "ends too early" },
	{ 103, WITH_CONDITION("s s"), "t.yml:6:16: error[M103]: 'and', 'or' or the end" },
	{ 103, WITH_CONDITION("(s"), "'and', 'or' or ')'" },
	{ 103, WITH_CONDITION("1 of )"), "a pattern of names or 'them'" },
	{ 103, WITH_CONDITION("s and or s"), "not 'or'" },
	{ 104, WITH_CONDITION("s and x"), "t.yml:6:20: error[M104]: the detection has no search identifier 'x'" },
	{ 104, WITH_CONDITION("1 of x*"), "no search identifier fits 'x*'" },
	{ 105, PROCESS SEL("User|contians: x"), "t.yml:5:12: error[M105]: there is no modifier 'contians'" },

	{ 200, "title: t\ncorrelation: {type: event_count}\n", "it is a correlation" },
	{ 200, "title: t\nfilter: {rules: any}\n", "it is a filter" },
	{ 200, "action: global\n", "it is a action" },
	{ 200, WITH_CONDITION("s | count() > 5"), "counts or joins events" },
	{ 200, WITH_CONDITION("2 of s*"), "a number of search identifiers other than" },
	{ 200, PROCESS "  timeframe: 5m\n" SEL("User: x"), "it counts events within a time" },
	{ 201, "status: deprecated\n" PROCESS SEL("User: x"), "its status is 'deprecated'" },
	{ 202, "title: t\nlogsource: {product: windows, category: process_creation}\n" OK_DETECTION,
	  "product windows" },
	{ 202, "title: t\nlogsource: {product: linux, service: sshd}\n" OK_DETECTION, "service sshd" },
	{ 202, "title: t\nlogsource: {product: linux, category: process_creation, service: x}\n" OK_DETECTION,
	  "service x" },
	{ 203, PROCESS SEL("User: x, LogonId: 0"),
	  "t.yml:5:16: warning[M203]: rule \"t\" not imported: the field 'LogonId'" },
	{ 203, AUDITD SEL("type: SYSCALL, SYSCALL: openat, a0: 'ff'"), "arguments of system calls as numbers" },
	{ 204, PROCESS SEL("Image|fieldref: ParentImage"), "the modifier 'fieldref'" },
	{ 204, PROCESS SEL("User|expand: '%admins%'"), "put them in first" },
	{ 204, PROCESS SEL("User|re|m: x"), "no lines in a text" },
	{ 204, PROCESS SEL("User|lt: 5"), "does not fit user.name, which is text" },
	{ 204, PROCESS SEL("User|cidr: 10.0.0.0/8"), "does not fit user.name" },
	{ 204, PROCESS SEL("ProcessId|re: x"), "does not fit proc.pid, which is a number" },
	{ 204, PROCESS SEL("CommandLine|wide|contains: x"), "UTF-16 holds NUL bytes" },
	{ 204, PROCESS SEL("CommandLine|base64: 'a*'"), "a longer value without wildcards" },
	{ 204, PROCESS SEL("CommandLine|base64offset|contains|all: [aaaaa, bbbbb]"), "'all' with a modifier" },
	{ 204, PROCESS SEL("CommandLine|windash: '-a -b -c -d -e'"), "too many forms" },
	{ 204, PROCESS SEL("CommandLine|contains|re: x"), "cannot follow the one before it" },
	{ 204, PROCESS SEL("CommandLine|re|contains: x"), "cannot follow the modifier before it" },
	{ 204, PROCESS SEL("CommandLine|i: x"), "belongs to 're'" },
	{ 204, PROCESS SEL("CommandLine|contains: null"), "null takes no modifier" },
	{ 204, NETWORK SEL("Initiated|re: x"), "does not fit Initiated" },
	{ 204, AUDITD SEL("type|re: x"), "does not fit type" },
	{ 204, AUDITD SEL("type: SYSCALL, SYSCALL|neq: openat"), "does not fit SYSCALL" },
	{ 205, PROCESS SEL("ProcessId: x"), "'x' is no value for proc.pid, which is a number" },
	{ 205, NETWORK SEL("DestinationIp: 1.2.3"), "an address" },
	{ 205, NETWORK SEL("DestinationIp|cidr: 1.2.3.4/33"), "an address" },
	{ 205, NETWORK SEL("DestinationIp: '1.*.3.4'"), "an address" },
	{ 205, NETWORK SEL("DestinationHostname|endswith: .example"), "a whole host name" },
	{ 206, PROCESS SEL("User|re: 'a(?=b)'"), "look-around" },
	{ 206, PROCESS SEL("User|re: '(a)\\1'"), "back reference" },
	{ 206, PROCESS SEL("User|re: '\\bx'"), "word boundary" },
	{ 206, PROCESS SEL("User|re: 'a++'"), "possessive" },
	{ 206, PROCESS SEL("User|re: '\\p{L}'"), "an escape that" },
	{ 206, PROCESS SEL("User|re: '[\xc3\xa4]'"), "beyond ASCII" },
	{ 206, PROCESS SEL("User|re: '[a'"), "not closed" },
	{ 206, PROCESS SEL("User|re: 'a\\'"), "a backslash at its end" },
	{ 206, PROCESS SEL("User|re|i: '[A-z]'"), "a range over letters and others" },
	{ 206, PROCESS SEL("User|re: '(?m)x'"), "options" },
	{ 207, PROCESS "  k: [a, b]\n  condition: k\n", "keywords in a log line" },
	{ 208, AUDITD SEL("type: SERVICE_STOP, unit: x"), "audit records of type SERVICE_STOP" },
	{ 209, AUDITD SEL("type: SYSCALL, SYSCALL: sysinfo"), "the system call 'sysinfo'" },
	{ 210, AUDITD SEL("type: EXECVE, comm: x"), "no event can satisfy" },
	{ 212, PROCESS SEL("CommandLine|re: 'a)'"), "the rules compiler refuses it" },
	{ 300, PROCESS "  a: {User: x}\n  b: {LogonId: 0}\n  condition: a or b\n", "imported in part" },
};

TEST(each_reason_is_given_with_its_place)
{
	for (size_t i = 0; i < countof(rows); i++) {
		struct imported m;

		test_row = rows[i].text;
		import_text(&m, rows[i].text);
		if (!import_said(&m, rows[i].id))
			CHECK_HAS(m.said.p, "the id");
		CHECK_HAS(m.said.p, rows[i].says);
		CHECK_HAS(m.said.p, "t.yml:");
		CHECK_EQ(m.n.malformed, rows[i].id < 200);
		CHECK_EQ(m.n.refused, rows[i].id >= 200 && rows[i].id < 300);
		CHECK_EQ(m.n.imported, rows[i].id == 300);
		CHECK(m.first && m.first->reason);
		import_done(&m);
	}
}

TEST(too_large_is_a_reason_too)
{
	struct imported m;
	struct buf b;

	buf_init(&b, 4 << 20);
	buf_puts(&b, PROCESS "  s:\n    CommandLine:\n");
	for (unsigned i = 0; i < 9000; i++)
		buf_printf(&b, "    - v%u\n", i);
	buf_puts(&b, "  condition: s\n");
	import_text(&m, b.p);
	CHECK(import_said(&m, 211));
	CHECK_HAS(m.said.p, "more than 8192 values");
	import_done(&m);
	buf_done(&b);
}

TEST(every_diagnostic_has_a_test)
{
	for (size_t k = 0; k < sigma_n_diags; k++) {
		bool found = sigma_diags[k].id == 211;

		for (size_t i = 0; i < countof(rows); i++)
			found |= rows[i].id == sigma_diags[k].id;
		test_row = sigma_diags[k].title;
		CHECK(found);
		CHECK(sigma_diags[k].help[0]);
	}
}

TEST(a_file_that_is_no_yaml_is_malformed)
{
	struct imported m;

	import_text(&m, "title: [");
	CHECK_EQ(m.err, E_REJECTED);
	CHECK_EQ(m.n.malformed, 1);
	CHECK_HAS(m.said.p, "error[R102]");
	import_done(&m);
}
