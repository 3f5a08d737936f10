/* SPDX-License-Identifier: Apache-2.0 */
/*
 * condition: conditions on events, through parser, compiler, ELF file and interpreter.
 *
 * Tables say what the language means, to compiled programs and to the oracle (test_random.c) alike.
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
	static const struct helper_str argv[] = { { "-c", 2 }, { "/bin/x", 6 }, { "-v", 2 } };
	static const struct helper_str env[] = {
		{ "HOME=/root", 10 }, { "EMPTY=", 6 }, { "BARE", 4 }, { "LD_PRELOAD=a=b", 14 }
	};
	static const struct helper_str pids[] = { { "77", 2 }, { "12", 2 }, { "1", 1 } };
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
	event_set_list(e, FIELD_proc_argv, argv, countof(argv));
	event_set_cstr(e, FIELD_proc_args, "-c /bin/x -v");
	event_set_list(e, FIELD_proc_envs, env, countof(env));
	event_set_list(e, FIELD_proc_apid, pids, countof(pids));
	event_set_cstr(e, FIELD_proc_pname, "BASH");
	event_set_cstr(e, FIELD_proc_sname, "YmFzaA");
	event_set_u64(e, FIELD_proc_pid, 77);
	event_set_u64(e, FIELD_proc_ppid, 77);
	event_set_u64(e, FIELD_proc_cmdnargs, 4);
	event_set_cstr(e, FIELD_file_open_flags_str, "O_RDONLY|O_CLOEXEC");
	event_set_u64(e, FIELD_file_open_flags, 4097);
	event_set_cstr(e, FIELD_file_open_arg_name, "/etc/shadow");
	event_set_cstr(e, FIELD_file_open_arg_fd, "3(<f>/etc/shadow)");
}

static const struct {
	const char *condition;
	int holds; /* -1: refused */
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
	{ "proc.aname != sshd", 1 },
	{ "proc.aname != anyof (sshd, systemd)", 1 },
	{ "proc.apid = 12", 1 },
	{ "proc.apid = 77", 0 },
	{ "proc.apid[0] = 77", 1 },
	{ "proc.apid in (1, 2)", 1 },
	/* lists by number, dictionaries by number and by key */
	{ "proc.args[0] = -c", 1 },
	{ "proc.args[1] startswith /bin", 1 },
	{ "proc.args[3] exists", 0 },
	{ "proc.args[2] exists", 1 },
	{ "proc.args contains \"-c \"", 1 },
	{ "proc.env[HOME] = /root", 1 },
	{ "proc.env[\"HOME\"] = /root", 1 },
	{ "proc.env['HOME'] != /root", 0 },
	{ "proc.env[H*] = /root", 1 },
	{ "proc.env[LD_*] = \"a=b\"", 1 },
	{ "proc.env[LD_*] contains \"=\"", 1 },
	{ "proc.env[EMPTY] = \"\"", 1 },
	{ "proc.env[BARE] exists", 1 },
	{ "proc.env[BARE] = \"\"", 1 },
	{ "proc.env[HOM] exists", 0 },
	{ "proc.env[HOM] != x", 0 },
	{ "not proc.env[HOM] != x", 1 },
	{ "proc.env[0] = /root", 1 },
	{ "proc.env[4] exists", 0 },
	{ "toupper(proc.env[HOME]) in (/ROOT, x)", 1 },
	{ "len(proc.env[HOME]) = 5", 1 },
	{ "len(proc.env[NO]) = 0", 0 },
	/* the call's arguments */
	{ "evt.arg.flags contains O_CLOEXEC", 1 },
	{ "evt.arg[flags] contains O_CLOEXEC", 1 },
	{ "evt.rawarg[flags] = 4097", 1 },
	{ "evt.rawarg.flags = 0x1001", 1 },
	{ "evt.arg[0] contains /etc/shadow", 1 },
	{ "evt.arg[1] = /etc/shadow", 1 },
	{ "evt.arg[1] != /etc/shadow", 0 },
	{ "evt.arg[2] contains O_RDONLY", 1 },
	{ "toupper(evt.arg[1]) = /ETC/SHADOW", 1 },
	{ "evt.arg.oldpath exists", 0 },
	{ "evt.type.is.open = 1", 1 },
	{ "evt.type.is[open] = 1", 1 },
	{ "evt.type.is[openat] = 1", 0 },
	{ "evt.type.is[openat] = 0", 1 },
	{ "evt.type.is[open] != 1", 0 },
	/* computed values */
	{ "concat(proc.name, \"-\", proc.pname) = bash-BASH", 1 },
	{ "concat( proc.name , '' ) startswith anyof (x, ba)", 1 },
	{ "concat(proc.name, user.name) exists", 0 },
	{ "concat(proc.name, user.name) != x", 0 },
	{ "not concat(proc.name, user.name) = x", 1 },
	{ "concat(proc.name, 7) = bash7", 1 },
	{ "toupper(concat(proc.name, \"x\")) in (BASHX, y)", 1 },
	{ "basename(concat(fd.directory, \"/\", proc.name)) = bash", 1 },
	{ "join(\",\", proc.args) = \"-c,/bin/x,-v\"", 1 },
	{ "join(\",\", (proc.name, \"x\", toupper(proc.name))) = \"bash,x,BASH\"", 1 },
	{ "join(\",\", ()) = \"\" and join(proc.name, ()) = \"\"", -1 },
	{ "join(proc.name, ()) = \"\"", 1 },
	{ "join(\",\", toupper(proc.args)) = \"-C,/BIN/X,-V\"", 1 },
	{ "len(concat(proc.name, proc.pname)) = 8", 1 },
	{ "len(join(\"\", proc.args)) > 9", 1 },
	{ "b64(proc.sname) = bash", 1 },
	{ "b64(proc.sname) in (x, bash)", 1 },
	{ "toupper(b64(proc.sname)) = val(proc.pname)", 1 },
	{ "b64(proc.cmdline) exists", 0 },
	{ "b64(proc.cmdline) != x", 0 },
	{ "getopt(proc.args, \"c:v\")[c] = /bin/x", 1 },
	{ "getopt(proc.args, \"c:v\")[v] = v", 1 },
	{ "getopt(proc.args, \"c:v\")[x] exists", 0 },
	{ "getopt(proc.args, \"c:v\") in (c, /bin/x, v)", 1 },
	{ "getopt(proc.args, \"c:v\") in (c, v)", 0 },
	{ "getopt(proc.args, \"c:v\") intersects (v, y)", 1 },
	{ "getopt(proc.args, \"c:v\") exists", 1 },
	{ "getopt(proc.args, \"cv\") in (c)", 1 },
	{ "getopt((\"-ax\", \"-b\", proc.name), \"ab:\") intersects (bash)", 1 },
	{ "getopt((proc.name), \"ab:\") exists", 0 },
	{ "len(getopt(proc.args, \"c:v\")) = 3", 1 },
	{ "join(\" \", getopt(proc.args, \"c:v\")) = \"c /bin/x v\"", 1 },
	{ "toupper(proc.name) < 5", 0 },
	{ "toupper(proc.name) >= 5", 1 },
	/* a field on the right side */
	{ "proc.name = val(proc.pname)", 0 },
	{ "proc.name != val(proc.pname)", 1 },
	{ "toupper(proc.name) = val(proc.pname)", 1 },
	{ "toupper(proc.name) = toupper(proc.pname)", 1 },
	{ "proc.name = tolower(proc.pname)", 1 },
	{ "proc.exepath endswith val(proc.name)", 1 },
	{ "proc.exepath contains tolower(proc.pname)", 1 },
	{ "proc.exepath icontains val(proc.pname)", 1 },
	{ "proc.cmdline startswith val(proc.name)", 1 },
	{ "proc.name glob val(proc.name)", 1 },
	{ "proc.pname iglob val(proc.name)", 1 },
	{ "proc.name in val(proc.name)", 1 },
	{ "proc.name < val(proc.pname)", 0 },
	{ "proc.name > val(proc.pname)", 1 },
	{ "proc.name = val(user.name)", 0 },
	{ "proc.name != val(user.name)", 0 },
	{ "user.name != val(proc.name)", 0 },
	{ "not proc.name = val(user.name)", 1 },
	{ "proc.pid = val(proc.ppid)", 1 },
	{ "proc.pid != val(proc.ppid)", 0 },
	{ "proc.pid <= val(proc.ppid)", 1 },
	{ "proc.pid < val(thread.tid)", 0 },
	{ "evt.rawres < val(proc.pid)", 1 },
	{ "len(proc.name) = len(proc.pname)", 1 },
	{ "len(proc.args) > val(proc.cmdnargs)", 1 },
	{ "fd.name = val(evt.arg.name)", 1 },
	{ "fd.name = val(evt.arg[name])", 1 },
	{ "proc.env[HOME] = val(proc.env[HOME])", 1 },
	{ "concat(proc.name, proc.env[HOME]) = concat(proc.name, \"/root\")", 1 },
	{ "concat(proc.env[HOME], proc.name) = \"/rootbash\"", 1 },
	{ "getopt(proc.args, \"c:v\") in val(proc.args[0])", -1 },
	{ "proc.args[1] = getopt(proc.args, \"c:\")[c]", 1 },
	{ "getopt(proc.args, \"cv\") in getopt(proc.args, \"c:v\")", 1 },
	{ "getopt(proc.args, \"c:v\") in getopt(proc.args, \"cv\")", 0 },
	{ "getopt(proc.args, \"c:v\") intersects getopt(proc.args, \"cv\")", 1 },
	/* numbers: one, any, all of several */
	{ "fd.num = anyof (1, 3)", 1 },
	{ "fd.num = oneof (1, 3, 3)", 0 },
	{ "fd.num = oneof (1, 3, 4)", 1 },
	{ "fd.num = allof (3, 0x3)", 1 },
	{ "fd.num != allof (1, 2)", 1 },
	{ "fd.num != anyof (3)", 0 },
	{ "fd.num != oneof (3, 4)", 1 },
	{ "len(proc.name) = oneof (4, 5)", 1 },
	{ "group.gid != allof (1, 2)", 0 },
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
		if (rows[i].holds < 0) {
			CHECK_EQ(l.err, E_REJECTED);
			unload(&l);
			arena_done(&text);
			continue;
		}
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

static void send_event(struct ready *r)
{
	static const struct helper_str names[] = { { "example.org", 11 }, { "www.example.org", 15 } };

	ready_event(r, TEMPLATE_TYPE_net_send);
	event_set_str(r->event, FIELD_net_send_buffer, "GET /\0\xca\xfe\xba\xbe", 10);
	event_set_list(r->event, TEMPLATE_CAP + TEMPLATE_SOCKET_sip_name, names, countof(names));
	event_set_u64(r->event, TEMPLATE_CAP + TEMPLATE_SOCKET_sport, 443);
	event_set_u64(r->event, TEMPLATE_CAP + TEMPLATE_SOCKET_cport, 22);
	event_set_ip(r->event, TEMPLATE_CAP + TEMPLATE_SOCKET_sip, "\x0a\x01\x02\x03", 4);
	event_set_ip(r->event, TEMPLATE_CAP + TEMPLATE_SOCKET_cip, "\x0a\x01\x02\x03", 4);
	event_set_ip(r->event, TEMPLATE_CAP + TEMPLATE_SOCKET_lip, "\x0a\x01\x02\x04", 4);
}

TEST(bytes_ports_and_domain_names_compare_as_what_they_are)
{
	static const struct {
		const char *condition;
		int holds;
	} nets[] = {
		{ "evt.buffer contains GET", 1 },
		{ "evt.buffer contains get", 0 },
		{ "evt.buffer startswith \"GET /\"", 1 },
		{ "evt.buffer endswith GET", 0 },
		{ "evt.buffer bcontains cafebabe", 1 },
		{ "evt.buffer bcontains CAFE", 1 },
		{ "evt.buffer bcontains \"00ca\"", 1 },
		{ "evt.buffer bcontains 00cb", 0 },
		{ "evt.buffer bcontains \"\"", 1 },
		{ "evt.buffer bstartswith 474554", 1 },
		{ "evt.buffer bstartswith 4554", 0 },
		{ "evt.buffer bcontains oneof (cafe, babe, 00ff)", 0 },
		{ "evt.buffer bcontains anyof (00ff, babe)", 1 },
		{ "evt.buffer = GET", 0 },
		{ "evt.buffer != GET", 1 },
		{ "len(evt.buffer) = 10", 1 },
		{ "evt.buffer exists", 1 },
		{ "evt.buffer startswith val(evt.buffer)", 1 },
		{ "fd.sport = 443", 1 },
		{ "fd.sport = https", 1 },
		{ "fd.sport in (ssh, https)", 1 },
		{ "fd.sport != ssh", 1 },
		{ "fd.sport >= 443", 1 },
		{ "fd.port = ssh", 1 },
		{ "fd.port != http", 1 },
		{ "fd.cport = oneof (ssh, 22)", 0 },
		{ "fd.cport = allof (ssh, 22)", 1 },
		{ "fd.cport = val(fd.sport)", 0 },
		{ "fd.cport < val(fd.sport)", 1 },
		{ "fd.sip = val(fd.cip)", 1 },
		{ "fd.sip != val(fd.lip)", 1 },
		{ "fd.sip = val(fd.rip)", 0 },
		{ "fd.sip in val(fd.cip)", 1 },
		{ "fd.sip = anyof (10.0.0.0/8, ::1)", 1 },
		{ "fd.sip != allof (10.0.0.0/8, ::1)", 0 },
		{ "fd.sip = oneof (10.0.0.0/8, 10.1.2.3)", 0 },
		{ "fd.snet = 10.0.0.0/8", 1 },
		{ "fd.snet != 10.0.0.0/8", 0 },
		{ "fd.net in (1.0.0.0/8, 10.0.0.0/8)", 1 },
		{ "fd.sip.name = example.org", 1 },
		{ "fd.sip.name = www.example.org", 1 },
		{ "fd.sip.name != example.org", 0 },
		{ "fd.sip.name != example.com", 1 },
		{ "fd.sip.name in (x, example.org)", 1 },
		{ "fd.sip.name endswith .example.org", 1 },
		{ "fd.sip.name exists", 1 },
		{ "fd.cip.name exists", 0 },
		{ "fd.cip.name != example.org", 0 },
		{ "not fd.cip.name = example.org", 1 },
	};
	struct arena text;

	for (size_t i = 0; i < countof(nets); i++) {
		struct loaded l;
		struct ready r;

		test_row = nets[i].condition;
		arena_init(&text, 1 << 16);
		load_text(&l, rule_of(&text, nets[i].condition));
		ready_make(&r, &l);
		send_event(&r);
		CHECK_EQ(ready_fires(&r, 0), nets[i].holds);
		CHECK_EQ(oracle_holds(l.rs->rules[0].cond, r.event), nets[i].holds);
		ready_done(&r);
		unload(&l);
		arena_done(&text);
	}
}
