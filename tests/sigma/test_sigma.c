/* SPDX-License-Identifier: Apache-2.0 */
/* sigma: what becomes of rules in Sigma's format. */
#include "sigma_test.h"

#define P "sigma_process_creation and "
#define E "sigma_audit_execve and "

static const struct {
	const char *name, *text, *want;
} rows[] = {
	{ "equality ignores case", PROCESS SEL("Image: /usr/bin/Foo"), P "tolower(proc.exepath) = \"/usr/bin/foo\"" },
	{ "no letter, no lower case", PROCESS SEL("CommandLine: '--'"), P "proc.exeline = \"--\"" },
	{ "cased", PROCESS SEL("CommandLine|cased: aB"), P "proc.exeline = \"aB\"" },
	{ "prefix", PROCESS SEL("Image|startswith: /opt/"), P "tolower(proc.exepath) startswith \"/opt/\"" },
	{ "suffixes", PROCESS SEL("Image|endswith: [/a, /b]"),
	  P "tolower(proc.exepath) endswith anyof (\"/a\", \"/b\")" },
	{ "part", PROCESS SEL("CommandLine|contains: ' -i '"), P "proc.exeline icontains \" -i \"" },
	{ "parts, all", PROCESS SEL("CommandLine|contains|all: [a, b]"),
	  P "tolower(proc.exeline) contains allof (\"a\", \"b\")" },
	{ "values", PROCESS SEL("User: [root, 'x y']"), P "tolower(user.name) in (\"root\", \"x y\")" },
	{ "wildcards that are a prefix", PROCESS SEL("CommandLine: 'ab*'"),
	  P "tolower(proc.exeline) startswith \"ab\"" },
	{ "wildcards that are a part", PROCESS SEL("CommandLine: '*1*'"), P "proc.exeline contains \"1\"" },
	{ "wildcards", PROCESS SEL("CommandLine: 'a?c*[d'"), P "proc.exeline iglob \"a?c*\\\\[d\"" },
	{ "a star alone", PROCESS SEL("CommandLine: '*'"), P "proc.exeline exists" },
	{ "stars in a row are one", PROCESS SEL("CommandLine|contains: '**'"), P "proc.exeline exists" },
	{ "escaped star", PROCESS SEL("CommandLine: '1\\*2\\\\'"), P "proc.exeline = \"1*2\\\\\"" },
	{ "backslash before others", PROCESS SEL("CommandLine: '\\1\\'"), P "proc.exeline = \"\\\\1\\\\\"" },
	{ "backslash before a wildcard", PROCESS SEL("CommandLine: '1\\\\*'"), P "proc.exeline startswith \"1\\\\\"" },
	{ "operators are grouped", PROCESS SEL("CommandLine: [1, '2*', '*3', '4*', '5']"),
	  P "(proc.exeline in (\"1\", \"5\") or proc.exeline startswith anyof (\"2\", \"4\") or proc.exeline endswith "
	    "\"3\")" },
	{ "empty text", PROCESS SEL("CommandLine: ''"), P "proc.exeline = \"\"" },
	{ "null", PROCESS SEL("ParentImage: null"), P "not proc.pexepath exists" },
	{ "exists", PROCESS SEL("ParentImage|exists: true, User|exists: false"),
	  P "proc.pexepath exists and not user.name exists" },
	{ "differs", PROCESS SEL("CommandLine|neq: '1'"), P "(proc.exeline exists and not (proc.exeline = \"1\"))" },
	{ "a directory that is a link", PROCESS SEL("Image: /bin/1"),
	  P "tolower(proc.exepath) in (\"/bin/1\", \"/usr/bin/1\")" },
	{ "links, all of them", PROCESS SEL("Image|all: ['/var/run/*', '*1']"),
	  P "((tolower(proc.exepath) startswith anyof (\"/var/run/\", \"/run/\")) and proc.exepath endswith \"1\")" },
	{ "base64", PROCESS SEL("CommandLine|base64|contains|cased: 'foob'"), P "proc.exeline contains \"Zm9vYg==\"" },
	{ "base64 anywhere", PROCESS SEL("CommandLine|base64offset|contains|cased: 'foobar'"),
	  P "proc.exeline contains anyof (\"Zm9vYmFy\", \"Zvb2Jhc\", \"mb29iYX\")" },
	{ "UTF-16 and base64", PROCESS SEL("CommandLine|wide|base64|cased: 'ab'"), P "proc.exeline = \"YQBiAA==\"" },
	{ "dashes", PROCESS SEL("CommandLine|windash|contains: ' -1'"),
	  P "proc.exeline contains anyof (\" -1\", \" /1\", \" \\xe2\\x80\\x931\", \" \\xe2\\x80\\x941\", \" "
	    "\\xe2\\x80\\x951\")" },
	{ "expression", PROCESS SEL("CommandLine|re: 'a[b-d]+?(?:e|F)'"),
	  P "proc.exeline regex \"(.|\\\\n)*a[b-d]+(e|F)(.|\\\\n)*\"" },
	{ "anchored expression", PROCESS SEL("CommandLine|re: '^a$'"), P "proc.exeline regex \"^a$(.|\\\\n)*\"" },
	{ "alternatives keep together", PROCESS SEL("CommandLine|re: '^a|b'"),
	  P "proc.exeline regex \"(.|\\\\n)*(^a|b)(.|\\\\n)*\"" },
	{ "expression without case", PROCESS SEL("CommandLine|re|i: 'A[X-Z]\\D'"),
	  P "tolower(proc.exeline) regex \"(.|\\\\n)*a[x-z]\\\\D(.|\\\\n)*\"" },
	{ "number", PROCESS SEL("ProcessId|gte: 5, ParentProcessId: [1, 2]"),
	  P "proc.pid >= 5 and (proc.ppid = 1 or proc.ppid = 2)" },
	{ "list of mappings", PROCESS "  s:\n    - User: '1'\n    - User: '2'\n      Image: '3'\n  condition: s\n",
	  P "(user.name = \"1\" or (user.name = \"2\" and proc.exepath = \"3\"))" },
	{ "and, or, not",
	  PROCESS "  a: {User: '1'}\n  b: {User: '2'}\n  c: {User: '3'}\n  condition: a and not (b or c)\n",
	  P "user.name = \"1\" and not (user.name = \"2\" or user.name = \"3\")" },
	{ "and before or", PROCESS "  a: {User: '1'}\n  b: {User: '2'}\n  c: {User: '3'}\n  condition: a or b and c\n",
	  P "(user.name = \"1\" or (user.name = \"2\" and user.name = \"3\"))" },
	{ "1 of, all of",
	  PROCESS "  a1: {User: '1'}\n  a2: {User: '2'}\n  f_x: {User: '3'}\n"
		  "  condition: 1 of a* and not all of f_*\n",
	  P "(user.name = \"1\" or user.name = \"2\") and not user.name = \"3\"" },
	{ "them leaves out _", PROCESS "  a: {User: '1'}\n  _b: {User: '2'}\n  condition: all of them\n",
	  P "user.name = \"1\"" },
	{ "several conditions", PROCESS "  a: {User: '1'}\n  b: {User: '2'}\n  condition: [a, b]\n",
	  P "(user.name = \"1\" or user.name = \"2\")" },

	{ "file", FILES SEL("TargetFilename|endswith: /1"), "sigma_file_event and fd.name endswith \"/1\"" },
	{ "connection", NETWORK SEL("Initiated: 'true', DestinationPort: [1, 2]"),
	  "sigma_connection and (fd.sport = 1 or fd.sport = 2)" },
	{ "accepted", NETWORK SEL("Initiated: 'false', SourceIp: 1.2.3.4"),
	  "sigma_accepted_connection and fd.cip in (\"1.2.3.4\")" },
	{ "networks", NETWORK SEL("DestinationIp|cidr: [10.0.0.0/8, '::1/128']"),
	  "sigma_connection and fd.sip in (\"10.0.0.0/8\", \"::1/128\")" },
	{ "octets", NETWORK SEL("DestinationIp|startswith: ['10.', 192.168.]"),
	  "sigma_connection and fd.sip in (\"10.0.0.0/8\", \"192.168.0.0/16\")" },
	{ "hosts", NETWORK SEL("DestinationHostname: [A.example, b.example]"),
	  "sigma_connection and fd.sip.name in (\"a.example\", \"b.example\")" },

	{ "audit arguments", AUDITD SEL("type: EXECVE, a0: '1'"), E "proc.exe = \"1\"" },
	{ "what another record has is missing", AUDITD SEL("type: EXECVE, a0: '1', comm: null, exe|exists: false"),
	  E "proc.exe = \"1\"" },
	{ "audit call", AUDITD SEL("type: SYSCALL, SYSCALL: memfd_create, euid: 33"),
	  "evt.type in (memfd_create) and evt.type in (memfd_create) and user.uid = 33" },
	{ "audit call unnamed is exec", AUDITD SEL("type: SYSCALL, comm: '1'"),
	  "evt.type in (execve, execveat) and proc.name = \"1\"" },
	{ "audit keywords", AUDITD "  e: {type: EXECVE}\n  k: {'|all': ['1', '2']}\n  condition: e and k\n",
	  E "proc.exeline contains allof (\"1\", \"2\")" },
	{ "audit ids", AUDITD SEL("type: SYSCALL, auid: 4294967295"),
	  "evt.type in (execve, execveat) and user.loginuid = -1" },
	{ "audit success", AUDITD SEL("type: SYSCALL, SYSCALL: openat, success: 'no'"),
	  "evt.type in (openat) and evt.type in (openat) and evt.rawres < 0" },
	{ "audit names of new files", AUDITD SEL("type: PATH, nametype: CREATE, name: /1"),
	  "(sigma_audit_path and (evt.is_open_create = true or evt.type in (mkdir, mkdirat)) and fs.path.name = "
	  "\"/1\") "
	  "or (sigma_audit_new_path and fs.path.target = \"/1\")" },
};

TEST(a_sigma_rule_becomes_the_condition_that_it_means)
{
	for (size_t i = 0; i < countof(rows); i++) {
		struct imported m;

		test_row = rows[i].name;
		import_text(&m, rows[i].text);
		CHECK_STR(m.said.p ? m.said.p : "", "");
		CHECK_STR(import_condition(&m), rows[i].want);
		import_done(&m);
	}
}

/* ---- the rest of a rule ---- */

TEST(what_is_not_the_condition_goes_over_too)
{
	static const char text[] =
		"title: 'A \"quoted\" 100% title'\nid: 7c4d8f1e-0000-4000-8000-000000000000\nstatus: test\n"
		"description: |\n    First line.\n    Second: line.\nauthor: Jane Doe\ndate: 2024-01-02\n"
		"references: [https://example.org/x]\nfalsepositives: [Admins]\nlevel: high\n"
		"tags: [attack.t1059.004, attack.credential-access, cve.2021-44228, attack.g0016]\n"
		"logsource: {product: linux, category: process_creation}\ndetection:\n" SEL("Image: '1'");
	static const char *const want[] = {
		"- rule: \"A \\\"quoted\\\" 100% title\"\n",
		"    First line.\n    Second: line.\n",
		"    Author: Jane Doe\n",
		"    Sigma rule 7c4d8f1e-0000-4000-8000-000000000000\n",
		"    Reference: https://example.org/x\n",
		"    False positives: Admins\n",
		"    License: as its source says",
		"  priority: Error\n",
		"  tags: [\"sigma\", \"T1059.004\", \"mitre_credential_access\", \"CVE-2021-44228\", \"G0016\", ",
		", \"sigma_7c4d8f1e-0000-4000-8000-000000000000\"]\n",
	};
	struct imported m;
	struct loaded l;

	import_text(&m, text);
	for (size_t i = 0; i < countof(want); i++)
		CHECK_HAS(m.out.p, want[i]);
	load_text(&l, m.out.p);
	CHECK_OK(l.err);
	CHECK_STR(l.rs->rules[0].name, "A \"quoted\" 100% title");
	CHECK_HAS(l.rs->rules[0].output, "100\xef\xbc\x85 title");
	unload(&l);
	import_done(&m);
}

TEST(levels_become_priorities)
{
	static const struct {
		const char *level;
		enum rule_priority want;
	} levels[] = {
		{ "informational", RULE_INFORMATIONAL },
		{ "low", RULE_NOTICE },
		{ "medium", RULE_WARNING },
		{ "high", RULE_ERROR },
		{ "critical", RULE_CRITICAL },
		{ "strange", RULE_NOTICE },
	};

	for (size_t i = 0; i < countof(levels); i++) {
		struct imported m;
		struct loaded l;
		char text[512];

		test_row = levels[i].level;
		(void)snprintf(text, sizeof text, "level: %s\n" PROCESS SEL("Image: '1'"), levels[i].level);
		import_text(&m, text);
		load_text(&l, m.out.p);
		CHECK_OK(l.err);
		CHECK_EQ(l.rs->rules[0].priority, levels[i].want);
		unload(&l);
		import_done(&m);
	}
}

TEST(rules_of_the_same_title_get_names_of_their_own)
{
	static const char doc[] = PROCESS SEL("Image: '1'"), bare[] = "title: t\nlogsource: {product: linux, category: "
								      "process_creation}\ndetection:\n" SEL("User: x");
	struct imported m;
	struct loaded l;
	char text[4096];

	(void)snprintf(text, sizeof text, "%s---\n%s---\n%s---\n%s---\n%s", doc, doc, doc, bare, bare);
	import_text(&m, text);
	CHECK_EQ(m.n.imported, 5);
	load_text(&l, m.out.p);
	CHECK_OK(l.err);
	CHECK_EQ(l.rs->n_rules, 5);
	CHECK_STR(l.rs->rules[0].name, "t");
	CHECK_STR(l.rs->rules[1].name, "t (00000000)");
	CHECK_STR(l.rs->rules[2].name, "t (2)");
	CHECK_STR(l.rs->rules[4].name, "t (4)");
	unload(&l);
	import_done(&m);
}

TEST(the_same_input_gives_the_same_bytes)
{
	struct imported a, b;

	import_text(&a, PROCESS SEL("Image|endswith: [/a, /b], CommandLine|re: x"));
	import_text(&b, PROCESS SEL("Image|endswith: [/a, /b], CommandLine|re: x"));
	CHECK_STR(a.out.p, b.out.p);
	import_done(&a);
	import_done(&b);
}

TEST(an_alternative_that_cannot_be_said_is_left_out_and_told)
{
	struct imported m;

	import_text(&m, PROCESS "  a: {User: '1'}\n  b: {LogonId: 0}\n  condition: 1 of them\n");
	CHECK_EQ(m.n.partial, 1);
	CHECK_STR(import_condition(&m), P "user.name = \"1\"");
	CHECK_HAS(m.said.p, "warning[M300]: rule \"t\" imported in part: the field 'LogonId' has no counterpart");
	CHECK_HAS(m.out.p, "    Imported in part: the field 'LogonId' has no counterpart\n");
	CHECK_EQ(m.first->fate, SIGMA_PARTIAL);
	import_done(&m);
}

/* Without the filter, or with a part of it, the rule would fire where its author said that it should not. */
TEST(what_is_excluded_is_never_left_out)
{
	static const char *const details[] = {
		"  a: {User: '1'}\n  b: {LogonId: 0}\n  condition: a and not b\n",
		"  a: {User: '1'}\n  b1: {User: '2'}\n  b2: {LogonId: 0}\n  condition: a and not 1 of b*\n",
		"  a: {User: '1'}\n  b: {User: '2', LogonId: 0}\n  condition: a and not b\n",
		"  a: {User: '1'}\n  b: {LogonId|neq: 0}\n  condition: a and b\n",
		"  a: {User: '1'}\n  b1: {User: '2'}\n  b2: {LogonId: 0}\n  condition: not (not a or 1 of b*)\n",
	};

	for (size_t i = 0; i < countof(details); i++) {
		struct imported m;
		char text[512];

		test_row = details[i];
		(void)snprintf(text, sizeof text, PROCESS "%s", details[i]);
		import_text(&m, text);
		CHECK_EQ(m.n.imported, 0);
		CHECK_EQ(m.n.refused, 1);
		import_done(&m);
	}
}

TEST(a_host_name_that_is_only_a_part_is_not_excluded_by_its_address)
{
	struct imported m;

	import_text(&m, NETWORK "  a: {DestinationPort: 1}\n  b: {DestinationHostname|contains: a.example}\n"
				"  condition: a and b\n");
	CHECK_EQ(m.n.partial, 1);
	import_done(&m);
	import_text(&m, NETWORK "  a: {DestinationPort: 1}\n  b: {DestinationHostname|contains: a.example}\n"
				"  condition: a and not b\n");
	CHECK_EQ(m.n.refused, 1);
	import_done(&m);
}
