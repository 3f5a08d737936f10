/* SPDX-License-Identifier: Apache-2.0 */
/*
 * condition: conditions on events, through parser, compiler, ELF file and interpreter.
 *
 * One table says what the language means; then random conditions on random events are held against the oracle.
 */
#include "oracle.h"
#include "rule_test.h"

#include "content/rule/internal.h"

/*
 * One event for the table: file_open by bash, with a field of each type; proc.exe, proc.cwd, user.name and evt.res are
 * missing.
 */
static void table_event(struct ready *r)
{
	static const struct helper_str names[] = { { "bash", 4 }, { "sshd", 4 }, { "systemd", 7 } };
	struct event *e = r->event;

	ready_event(r, TEMPLATE_TYPE_file_open);
	event_set_cstr(e, FIELD_proc_name, "bash");
	event_set_cstr(e, FIELD_proc_exepath, "/usr/bin/bash");
	event_set_cstr(e, FIELD_proc_cmdline, "bash -c 'Curl http://x/'");
	event_set_u64(e, FIELD_proc_tty, 0x8801);
	event_set_u64(e, FIELD_proc_duration, 5000000000ull);
	event_set_i64(e, FIELD_user_loginuid, -1);
	event_set_i64(e, FIELD_evt_rawres, -13);
	event_set_u64(e, FIELD_user_uid, UINT64_MAX);
	event_set_u64(e, FIELD_proc_is_exe_from_memfd, 1);
	event_set_u64(e, FIELD_proc_is_exe_deleted, 0);
	event_set_list(e, FIELD_proc_aname, names, 3);
	event_set_i64(e, FIELD_file_open_num, 3);
	event_set_cstr(e, FIELD_file_open_name, "/etc/shadow");
	event_set_cstr(e, FIELD_file_open_directory, "/etc");
	event_set_u64(e, FIELD_file_open_is_read, 1);
}

static const struct {
	const char *condition;
	int holds;
} rows[] = {
	/* text */
	{ "proc.name = bash", 1 },
	{ "proc.name == bash", 1 },
	{ "proc.name=bash", 1 },
	{ "proc.name = \"bash\"", 1 },
	{ "proc.name = bas", 0 },
	{ "proc.name = Bash", 0 },
	{ "proc.name != bash", 0 },
	{ "proc.name != zsh", 1 },
	{ "proc.cmdline contains Curl", 1 },
	{ "proc.cmdline contains curl", 0 },
	{ "proc.cmdline icontains CURL", 1 },
	{ "proc.cmdline contains \"\"", 1 },
	{ "proc.cmdline contains \"-c '\"", 1 },
	{ "proc.exepath startswith /usr/", 1 },
	{ "proc.exepath startswith usr", 0 },
	{ "proc.exepath endswith /bash", 1 },
	{ "proc.exepath endswith /bas", 0 },
	{ "proc.exepath glob /usr/*h", 1 },
	{ "proc.exepath glob /usr/b?n/ba[a-z]h", 1 },
	{ "proc.exepath glob /USR/*", 0 },
	{ "proc.exepath iglob /USR/*", 1 },
	{ "proc.name in (zsh, bash)", 1 },
	{ "proc.name in (zsh, bash ,\"x y\")", 1 },
	{ "proc.name in (bash)", 1 },
	{ "proc.name in (zsh, ksh)", 0 },
	{ "proc.name in ()", 0 },
	{ "proc.name intersects (zsh, bash)", 1 },
	{ "fd.name pmatch (/usr, /etc)", 1 },
	{ "fd.name pmatch (/et)", 0 },
	{ "fd.name pmatch /etc/shadow", 1 },
	{ "fd.name pmatch (/etc/shadow/x)", 0 },
	{ "fd.name pmatch (/*/shad?w)", 1 },
	{ "proc.name exists", 1 },
	{ "proc.name >= 5", 1 },
	{ "proc.name < 5", 0 },
	/* any, all or exactly one of a list */
	{ "proc.exepath startswith anyof (/opt, /usr)", 1 },
	{ "proc.exepath startswith anyof (/opt, /srv)", 0 },
	{ "proc.exepath startswith oneof (/usr, /usr/bin)", 0 },
	{ "proc.exepath startswith oneof (/usr, /opt)", 1 },
	{ "proc.exepath startswith oneof (/opt, /srv)", 0 },
	{ "proc.exepath startswith allof (/usr, /usr/bin)", 1 },
	{ "proc.exepath startswith allof (/usr, /opt)", 0 },
	{ "proc.exepath endswith anyof(sh)", 1 },
	{ "proc.exepath glob anyof (/x/*, \"*/ba[a-z]h\")", 1 },
	{ "proc.exepath iglob allof (/USR/*, *H)", 1 },
	{ "proc.cmdline icontains allof (curl, HTTP)", 1 },
	{ "proc.cmdline contains allof (Curl, HTTP)", 0 },
	{ "proc.name = anyof (zsh, bash)", 1 },
	{ "proc.name = allof (bash, zsh)", 0 },
	{ "proc.name == allof (bash, bash)", 1 },
	{ "proc.name = oneof (bash, bash)", 0 },
	{ "proc.name != anyof (bash, zsh)", 1 },
	{ "proc.name != allof (bash, zsh)", 0 },
	{ "proc.name != oneof (bash, zsh)", 1 },
	{ "proc.name != allof (ksh, zsh)", 1 },
	{ "proc.name = anyof ()", 0 },
	{ "proc.name = allof ()", 0 },
	{ "not proc.name = allof ()", 1 },
	{ "proc.name = oneof", 0 },
	{ "proc.name != oneof and (proc.name = bash)", 1 },
	{ "proc.name = \"anyof\" or (proc.name = zsh)", 0 },
	{ "proc.name in (anyof, bash)", 1 },
	{ "user.name != anyof (a, b)", 0 },
	{ "not user.name = anyof (a, b)", 1 },
	{ "proc.aname startswith oneof (ss, sys)", 1 },
	{ "proc.aname startswith allof (s, ss)", 1 },
	{ "proc.aname startswith allof (sshd, sys)", 0 },
	{ "proc.aname[1] != anyof (sshd, x)", 1 },
	{ "evt.type = anyof (open, execve)", 1 },
	{ "evt.type = oneof (open, execve)", 1 },
	{ "evt.type != allof (open, execve)", 0 },
	/* transformers */
	{ "tolower(proc.cmdline) contains curl", 1 },
	{ "tolower(proc.cmdline) contains Curl", 0 },
	{ "toupper(proc.name) = BASH", 1 },
	{ "toupper(proc.name) != bash", 1 },
	{ "toupper(proc.name) != BASH", 0 },
	{ "tolower(toupper( proc.cmdline )) startswith \"bash -c 'curl\"", 1 },
	{ "toupper(tolower(proc.name)) = bash", 0 },
	{ "basename(proc.exepath) = bash", 1 },
	{ "basename(proc.name) = bash", 1 },
	{ "basename(proc.cmdline) = \"'\"", 1 },
	{ "toupper(basename(fd.name)) = SHADOW", 1 },
	{ "basename(toupper(fd.name)) in (X, SHADOW)", 1 },
	{ "basename(fd.name) in (passwd, group)", 0 },
	{ "toupper(fd.name) pmatch (/ETC)", 1 },
	{ "toupper(fd.name) pmatch (/etc, /ET)", 0 },
	{ "tolower(proc.cmdline) contains allof (curl, http)", 1 },
	{ "basename(fd.name) startswith anyof (x, sha)", 1 },
	{ "toupper(proc.name) = anyof (bash, BASH)", 1 },
	{ "toupper(proc.name) exists", 1 },
	{ "toupper(user.name) exists", 0 },
	{ "toupper(user.name) != ROOT", 0 },
	{ "not toupper(user.name) = ROOT", 1 },
	{ "toupper(proc.aname[1]) = SSHD", 1 },
	{ "toupper(proc.aname[3]) != SSHD", 0 },
	{ "toupper(proc.aname) in (SSHD, X)", 1 },
	{ "toupper(proc.aname) = BASH", 0 },
	{ "len(proc.name) = 4", 1 },
	{ "len(proc.name) != 4", 0 },
	{ "len(proc.name) > 3 and len(proc.name) < 5", 1 },
	{ "len(basename(fd.name)) in (1, 6)", 1 },
	{ "len(toupper(fd.name)) >= 12", 0 },
	{ "len(proc.aname[2]) = 7", 1 },
	{ "len(proc.aname[3]) >= 0", 0 },
	{ "len(user.name) >= 0", 0 },
	{ "len(user.name) exists", 0 },
	{ "len(proc.name) exists", 1 },
	{ "tolower(evt.type) = open", 1 },
	{ "toupper(evt.type) = OPEN", 1 },
	{ "toupper(evt.type) in (open, execve)", 0 },
	{ "len(evt.type) = 4", 1 },
	/* regular expressions */
	{ "proc.exepath regex \"/usr/(local/)?bin/[a-z]+\"", 1 },
	{ "proc.exepath regex \"/usr\"", 0 },
	{ "proc.exepath regex /usr/.*", 1 },
	{ "proc.name regex '(ba|z|k)sh'", 1 },
	{ "proc.name regex BASH", 0 },
	{ "toupper(proc.name) regex BASH", 1 },
	{ "proc.name regex anyof (zsh, 'b.*h')", 1 },
	{ "proc.name regex allof (zsh, 'b.*h')", 0 },
	{ "basename(proc.exepath) regex oneof (b.*, .*h, z)", 0 },
	{ "proc.aname regex sys.*", 1 },
	{ "proc.aname regex 'ba[s]h'", 0 },
	{ "proc.aname[1] regex s+hd", 1 },
	{ "user.name regex .*", 0 },
	{ "not user.name regex .*", 1 },
	{ "evt.type regex 'open(at)?'", 1 },
	/* numbers */
	{ "fd.num >= 0", 1 },
	{ "fd.num>=4", 0 },
	{ "fd.num = 3", 1 },
	{ "fd.num != 3", 0 },
	{ "fd.num in (1, 2, 3)", 1 },
	{ "fd.num in (1, 2)", 0 },
	{ "fd.num < 3", 0 },
	{ "fd.num <= 3", 1 },
	{ "fd.num > -1", 1 },
	{ "user.loginuid = -1", 1 },
	{ "user.loginuid < 0", 1 },
	{ "evt.rawres = -13", 1 },
	{ "evt.rawres > -14", 1 },
	{ "proc.tty = 0x8801", 1 },
	{ "proc.duration > 4999999999", 1 },
	{ "proc.duration > 5000000000", 0 },
	{ "proc.duration = 5000000000", 1 },
	{ "user.uid > 9223372036854775807", 1 },
	{ "user.uid = 18446744073709551615", 1 },
	{ "user.uid > 0", 1 },
	/* booleans */
	{ "proc.is_exe_from_memfd = true", 1 },
	{ "proc.is_exe_from_memfd=false", 0 },
	{ "proc.is_exe_from_memfd != true", 0 },
	{ "proc.is_exe_deleted = false", 1 },
	{ "evt.is_open_read = true", 1 },
	/* ancestors: the process itself is 0 and does not count without an index */
	{ "proc.aname = sshd", 1 },
	{ "proc.aname = bash", 0 },
	{ "proc.aname in (x, systemd)", 1 },
	{ "proc.aname intersects (bash, x)", 0 },
	{ "proc.aname startswith sys", 1 },
	{ "proc.aname exists", 1 },
	{ "proc.aname[0] = bash", 1 },
	{ "proc.aname[1] = sshd", 1 },
	{ "proc.aname[2] != sshd", 1 },
	{ "proc.aname[2] exists", 1 },
	{ "proc.aname[3] exists", 0 },
	{ "proc.aname[3] != sshd", 0 },
	{ "not proc.aname[3] = sshd", 1 },
	{ "proc.aname[1] in (sshd, x) and proc.aname[2] contains stem", 1 },
	{ "proc.acmdline exists", 0 },
	/* what is missing is false for every operator */
	{ "user.name = root", 0 },
	{ "user.name != root", 0 },
	{ "user.name exists", 0 },
	{ "not user.name = root", 1 },
	{ "not user.name != root", 1 },
	{ "not user.name in (a, b)", 1 },
	{ "proc.cwd contains \"\"", 0 },
	{ "group.gid >= 0", 0 },
	{ "not group.gid >= 0", 1 },
	/* so is a field of another type of event */
	{ "fd.sip = 1.2.3.4", 0 },
	{ "fd.sport != 22", 0 },
	{ "not fd.sport = 22", 1 },
	/* the event */
	{ "evt.type = open", 1 },
	{ "evt.type = openat", 0 },
	{ "evt.type != openat", 1 },
	{ "evt.type in (open, openat, openat2, creat)", 1 },
	{ "evt.type in (execve, connect)", 0 },
	{ "not evt.type = execve", 1 },
	{ "evt.type startswith open", 1 },
	{ "evt.type glob *en", 1 },
	{ "evt.dir = <", 1 },
	{ "evt.dir=>", 0 },
	{ "evt.num = 0", 0 },
	{ "evt.num != 0", 1 },
	{ "evt.num > 0", 1 },
	{ "evt.num >= 1", 1 },
	{ "evt.num < 1", 0 },
	{ "evt.num = 1", 1 },
	/* and, or, not */
	{ "proc.name = bash and fd.num = 3", 1 },
	{ "proc.name = bash and fd.num = 4", 0 },
	{ "proc.name = zsh or fd.num = 3", 1 },
	{ "proc.name = bash or fd.num = 3 and fd.num = 4", 1 },
	{ "(proc.name = bash or fd.num = 3) and fd.num = 4", 0 },
	{ "not proc.name = zsh and fd.num = 3", 1 },
	{ "not (proc.name = zsh or fd.num = 3)", 0 },
	{ "not not proc.name = bash", 1 },
	{ "not(proc.name = zsh)and(fd.num = 3)", 1 },
	{ "user.name exists and user.name = root or proc.name exists and proc.name = bash", 1 },
	{ "user.name = a or proc.name = bash", 1 },
	{ "not (user.name = a and proc.name = bash)", 1 },
	{ "(user.name != a or proc.name = zsh) or not (proc.name = zsh and user.name = b)", 1 },
};

static char *rule_of(struct arena *a, const char *condition)
{
	return arena_printf(a, "- rule: r\n  condition: >\n    %s\n  warn_evttypes: false\n" RULE_TAIL, condition);
}

TEST(a_condition_means_what_the_language_says)
{
	struct arena text;

	for (size_t i = 0; i < countof(rows); i++) {
		struct loaded l;
		struct ready r;

		test_row = rows[i].condition;
		arena_init(&text, 1 << 16);
		load_text(&l, rule_of(&text, rows[i].condition));
		ready_make(&r, &l);
		table_event(&r);
		CHECK_EQ(ready_fires(&r, 0), rows[i].holds);
		CHECK_EQ(oracle_holds(l.rs->rules[0].cond, r.event), rows[i].holds);
		ready_done(&r);
		unload(&l);
		arena_done(&text);
	}
}

static void connect_event(struct ready *r)
{
	ready_event(r, TEMPLATE_TYPE_net_connect);
	event_set_ip(r->event, FIELD_net_connect_sip, "\x0a\x01\x02\x03", 4);
	event_set_ip(r->event, FIELD_net_connect_cip, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	event_set_u64(r->event, FIELD_net_connect_sport, 443);
	event_set_u64(r->event, FIELD_net_connect_cport, 40000);
}

TEST(addresses_compare_by_value_and_network)
{
	static const struct {
		const char *condition;
		int holds;
	} nets[] = {
		{ "fd.sip = 10.1.2.3", 1 },
		{ "fd.sip = \"10.1.2.3\"", 1 },
		{ "fd.sip != 10.1.2.3", 0 },
		{ "fd.sip = 10.1.2.4", 0 },
		{ "fd.sip = 10.0.0.0/8", 1 },
		{ "fd.sip = 10.9.9.9/8", 1 },
		{ "fd.sip != 10.0.0.0/8", 0 },
		{ "fd.sip in (192.168.0.0/16, 10.1.0.0/16)", 1 },
		{ "fd.sip in (192.168.0.0/16, 10.1.2.3)", 1 },
		{ "fd.sip in (192.168.0.0/16, 10.2.0.0/15)", 0 },
		{ "fd.snet in (0.0.0.0/0)", 1 },
		{ "fd.sip = ::1", 0 },
		{ "fd.sip != ::1", 1 },
		{ "fd.cip = fe80::1", 1 },
		{ "fd.cnet = fe80::/10", 1 },
		{ "fd.cip in (0.0.0.0/0)", 0 },
		{ "fd.rip = 1.2.3.4", 0 },
		{ "fd.rip != 1.2.3.4", 0 },
		{ "fd.sip exists", 1 },
		{ "fd.lip exists", 0 },
		/* either end */
		{ "fd.ip = 10.1.2.3", 1 },
		{ "fd.ip = fe80::1", 1 },
		{ "fd.ip != fe80::1", 0 },
		{ "fd.ip != 1.1.1.1", 1 },
		{ "fd.net in (fe80::/16, 1.0.0.0/8)", 1 },
		{ "fd.port = 443", 1 },
		{ "fd.port in (1, 40000)", 1 },
		{ "fd.port != 443", 0 },
	};
	struct arena text;

	for (size_t i = 0; i < countof(nets); i++) {
		struct loaded l;
		struct ready r;

		test_row = nets[i].condition;
		arena_init(&text, 1 << 16);
		load_text(&l, rule_of(&text, nets[i].condition));
		ready_make(&r, &l);
		connect_event(&r);
		CHECK_EQ(ready_fires(&r, 0), nets[i].holds);
		CHECK_EQ(oracle_holds(l.rs->rules[0].cond, r.event), nets[i].holds);
		ready_done(&r);
		unload(&l);
		arena_done(&text);
	}
}

/* ---- random ---- */

static uint64_t seed;

static uint32_t below(uint32_t n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % n;
}

/* Few and similar, so that comparisons are often true. */
static const char *const words[] = { "a", "b", "ab", "A", "/a", "/a/b", "/a/bc", "abab", "" };
static const char *const patterns[] = { "a", "*", "a*", "?b", "/a", "/*/b", "[ab]", "*b*", "[!a]b", "/a/b" };
static const char *const regexes[] = { "a", ".*", "a|b", "/a.*", "(ab)+", "[^a]*", "(/.)+", "" };
static const char *const paths[] = { "/a", "/*/b", "/a/b", "/?/*", "/*", "/[ab]" };
static const char *const numbers[] = { "0",          "1",          "2",          "0x10",
				       "2147483647", "2147483648", "4294967296", "9223372036854775807" };
static const char *const addresses[] = { "10.1.2.3", "10.0.0.0/8", "0.0.0.0/0", "fe80::1", "fe80::/64", "10.1.2.2/31" };

static const struct template_field *random_field(const struct template_type *type)
{
	const struct template_table *t = &template_builtin;
	const struct template_field *f;
	uint32_t i;

	do {
		i = below(t->common.n + type->own.n);
		f = i < t->common.n ? &t->common.fields[i] : &type->own.fields[i - t->common.n];
	} while (f->type == TEMPLATE_LIST || f->type == TEMPLATE_BYTES || f->type > TEMPLATE_ANCESTRY);
	return f;
}

static void random_value(struct buf *b, uint8_t type, const char *op)
{
	if (type == TEMPLATE_BOOL)
		buf_puts(b, below(2) ? "true" : "false");
	else if (type == TEMPLATE_IP)
		buf_puts(b, addresses[below(countof(addresses))]);
	else if (type == TEMPLATE_STR || type == TEMPLATE_ANCESTRY)
		buf_printf(b, "\"%s\"",
			   !strcmp(op, "pmatch")  ? paths[below(countof(paths))]
			   : !strcmp(op, "regex") ? regexes[below(countof(regexes))]
			   : strstr(op, "glob")   ? patterns[below(countof(patterns))]
						  : words[below(countof(words))]);
	else if (type == TEMPLATE_I64 && below(3) == 0)
		buf_printf(b, "-%s", numbers[below(countof(numbers))]);
	else
		buf_puts(b, numbers[below(countof(numbers))]);
}

static void random_check(struct buf *b, const struct template_type *type)
{
	static const char *const text_ops[] = { "=",          "!=",     "contains", "icontains", "startswith",
						"endswith",   "glob",   "iglob",    "regex",     "in",
						"intersects", "pmatch", "exists" };
	static const char *const number_ops[] = { "=", "!=", "<", "<=", ">", ">=", "in", "exists" };
	static const char *const wraps[] = { "toupper(", "tolower(", "basename(", "tolower(basename(" };
	static const char *const modifiers[] = { "oneof ", "anyof ", "allof " };
	static const char *const equal_ops[] = { "=", "!=", "in", "exists" };
	const struct template_field *f = random_field(type);
	bool text = f->type == TEMPLATE_STR || f->type == TEMPLATE_ANCESTRY,
	     equal = f->type == TEMPLATE_BOOL || f->type == TEMPLATE_IP;
	bool index = f->type == TEMPLATE_ANCESTRY && below(2);
	const char *wrap, *op = text    ? text_ops[below(countof(text_ops))]
				: equal ? equal_ops[below(countof(equal_ops))]
					: number_ops[below(countof(number_ops))];

	if (!strcmp(f->name, "evt.type")) {
		buf_printf(b, "evt.type %s (%s, %s)", below(2) ? "in" : "intersects", below(2) ? "open" : "execve",
			   below(2) ? "connect" : "openat");
		return;
	}
	if (f->type == TEMPLATE_ANCESTRY && !index && !strcmp(op, "!="))
		op = "=";
	wrap = text && below(3) == 0 ? wraps[below(countof(wraps))] : "";
	buf_printf(b, "%s%s", wrap, f->name);
	if (index)
		buf_printf(b, "[%u]", below(4));
	for (; *wrap; wrap++)
		if (*wrap == '(')
			buf_putc(b, ')');
	buf_printf(b, " %s ", op);
	if (!strcmp(op, "exists"))
		return;
	if (text && below(3) == 0 && strcmp(op, "in") && strcmp(op, "intersects") && strcmp(op, "pmatch"))
		buf_puts(b, modifiers[below(countof(modifiers))]);
	else if (strcmp(op, "in") && strcmp(op, "intersects") && strcmp(op, "pmatch")) {
		random_value(b, f->type, op);
		return;
	}
	buf_putc(b, '(');
	for (uint32_t i = 0, n = below(4); i < n; i++) {
		buf_puts(b, i ? ", " : "");
		random_value(b, f->type, op);
	}
	buf_putc(b, ')');
}

static void random_condition(struct buf *b, const struct template_type *type, unsigned depth)
{
	uint32_t n = 2 + below(3);
	bool and = below(2);

	if (!depth || below(4) == 0) {
		random_check(b, type);
		return;
	}
	if (below(3) == 0) {
		buf_puts(b, "not ");
		random_condition(b, type, 0);
		return;
	}
	buf_puts(b, below(3) ? "(" : "not (");
	for (uint32_t i = 0; i < n; i++) {
		buf_puts(b, !i ? "" : and? " and " : " or ");
		random_condition(b, type, depth - 1);
	}
	buf_putc(b, ')');
}

static void random_event(struct ready *r, uint32_t type, struct helper_str *list)
{
	const struct template_type *t = &template_builtin.types[type];

	ready_event(r, type);
	for (uint32_t id = 0; id < 2 * TEMPLATE_CAP; id++) {
		const struct template_field *f = template_field_at(&template_builtin, t, id);
		const char *w = words[below(countof(words))];

		if (!f || id == FIELD_evt_type || id == FIELD_evt_num || below(4) == 0)
			continue;
		switch ((enum template_field_type)f->type) {
		case TEMPLATE_BOOL:
			event_set_u64(r->event, id, below(2));
			break;
		case TEMPLATE_U64:
		case TEMPLATE_TIME:
		case TEMPLATE_PORT:
			event_set_u64(r->event, id, strtoull(numbers[below(countof(numbers))], NULL, 0));
			break;
		case TEMPLATE_I64:
			event_set_i64(r->event, id,
				      (below(2) ? 1 : -1) * strtoll(numbers[below(countof(numbers))], NULL, 0));
			break;
		case TEMPLATE_STR:
		case TEMPLATE_BYTES:
			event_set_cstr(r->event, id, w);
			break;
		case TEMPLATE_IP:
			if (below(2))
				event_set_ip(r->event, id, below(2) ? "\x0a\x01\x02\x03" : "\x0b\1\1\1", 4);
			else
				event_set_ip(r->event, id, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
			break;
		case TEMPLATE_LIST:
		case TEMPLATE_ANCESTRY:
		case TEMPLATE_NAMES:
		case TEMPLATE_DICT:
			event_set_list(r->event, id, list, below(5));
			break;
		}
	}
}

TEST(a_compiled_program_agrees_with_the_oracle_on_random_conditions_and_events)
{
	struct helper_str list[4];
	unsigned n_true = 0, n_runs = 0;

	seed = 20260101;
	for (unsigned round = 0; round < 1500; round++) {
		struct loaded l;
		struct ready r;
		struct arena text;
		struct buf b;
		uint32_t type = below(template_builtin.n_types);

		buf_init(&b, 1 << 16);
		random_condition(&b, &template_builtin.types[type], 3);
		test_row = b.p;
		arena_init(&text, 1 << 20);
		load_text(&l, rule_of(&text, b.p));
		ready_make(&r, &l);
		for (unsigned k = 0; k < 20; k++) {
			for (unsigned i = 0; i < countof(list); i++) {
				const char *w = words[below(countof(words))];

				list[i] = (struct helper_str){ w, (uint32_t)strlen(w) };
			}
			random_event(&r, below(8) ? type : below(template_builtin.n_types), list);
			CHECK_EQ(ready_fires(&r, 0), oracle_holds(l.rs->rules[0].cond, r.event));
			n_true += (unsigned)ready_fires(&r, 0);
			n_runs++;
		}
		ready_done(&r);
		unload(&l);
		arena_done(&text);
		buf_done(&b);
	}
	/* a test that is nearly always false (or true) would show nothing */
	CHECK(n_true > n_runs / 5 && n_true < n_runs * 4 / 5);
}
