/* SPDX-License-Identifier: Apache-2.0 */
/* decode: the fields of each type, one type after the other, and that no row of the table was forgotten. */
#include "sensor/decode/decode.h"

#include "seeds.h"
#include "test.h"

enum { ALL_TYPES = (1 << TEMPLATE_N_TYPES) - 1, T0 = 1000 };

static struct decode *decode;
static struct buf text; /* of the last event: "\nfield=value\n" */
static uint32_t n_events;
static uint64_t set[TEMPLATE_N_TYPES][2 * TEMPLATE_CAP / 64]; /* fields that some event had */

static void print_fields(const struct event *e, const struct template_section *s, uint32_t first_id)
{
	for (uint32_t i = 0; i < s->n; i++) {
		if (!event_has(e, first_id + i)) {
			if (s->fields[i].presence == TEMPLATE_ALWAYS)
				test_fail_str(__FILE__, __LINE__, e->type->name, s->fields[i].name, "always there");
			continue;
		}
		set[e->type_index][(first_id + i) / 64] |= 1ull << ((first_id + i) % 64);
		buf_printf(&text, "\n%s=", s->fields[i].name);
		CHECK(event_format(e, first_id + i, -1, &text));
	}
}

static void on_event(void *user, struct event *e)
{
	(void)user;
	n_events++;
	buf_reset(&text);
	print_fields(e, &e->table->common, 0);
	print_fields(e, &e->type->own, TEMPLATE_CAP);
	buf_putc(&text, '\n');
}

static const char passwd[] = "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\n";
static const char group[] = "root:x:0:\nwheel:x:10:a,b\n";

static void begin(void)
{
	struct decode_opts o = { .table = &template_builtin,
				 .passwd = passwd,
				 .passwd_len = sizeof passwd - 1,
				 .group = group,
				 .group_len = sizeof group - 1,
				 .hostname = "host-1",
				 .boot_to_wall_ns = 1700000000000000000ull,
				 .types = ALL_TYPES,
				 .emit = on_event };

	buf_init(&text, 4 << 20);
	n_events = 0;
	CHECK_OK(decode_new(&o, &decode));
}

static void end(void)
{
	decode_free(decode);
	buf_done(&text);
}

static void feed(const struct rec *r)
{
	buf_reset(&text);
	CHECK_OK(decode_record(decode, rec_view(r)));
}

/* field=value; value NULL: the field is missing. */
static void check_field(const char *file, int line, const char *field, const char *value)
{
	char want[20000];

	(void)snprintf(want, sizeof want, value ? "\n%s=%s\n" : "\n%s=", field, value);
	if ((strstr(text.p ? text.p : "", want) != NULL) != (value != NULL))
		test_fail_str(file, line, field, text.p, value ? value : "(missing)");
}
#define CHECK_FIELD(field, value) check_field(__FILE__, __LINE__, (field), (value))
/* "field=value" pairs, up to a NULL */
static void check_fields(const char *file, int line, const char *const *pairs)
{
	for (; *pairs; pairs += 2)
		check_field(file, line, pairs[0], pairs[1]);
}
#define CHECK_FIELDS(...) check_fields(__FILE__, __LINE__, (const char *const[]){ __VA_ARGS__, NULL })

static void run_seeds(void)
{
	static const enum seed order[] = { SEED_TASK, SEED_FORK, SEED_EXEC, SEED_FDS };
	struct rec r;

	rec_exec(&r, &(struct rec_exec){
			     .pid = 10, .ppid = 1, .sid = 10, .comm = "bash", .args = "-bash -i", .env = "A=b" });
	r.exec.pgid = r.exec.vpid = 10;
	feed(&r);
	for (size_t i = 0; i < countof(order); i++) {
		seed_record(order[i], &r);
		feed(&r);
	}
	for (uint32_t i = 0; i < N_SEEDS; i++) {
		seed_record((enum seed)i, &r);
		feed(&r);
	}
}

/* Of other modules, which put them into the event. */
static bool elsewhere(const char *name)
{
	static const char *const names[] = { "thread.cgroup[]", "fd.sip.name", "fd.cip.name", "fd.rip.name",
					     "fd.lip.name" };

	for (size_t i = 0; i < countof(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return !strncmp(name, "k8s.", 4) || (!strncmp(name, "container.", 10) && strcmp(name, "container.id") != 0);
}

/* Row i of type a and of type b are one: common rows, and those that types about files or sockets begin with. */
static bool same_row(const struct template_section *a, uint32_t b, uint32_t i, bool common)
{
	const struct template_section *o = &template_builtin.types[b].own;

	return common || (i < o->n && !strcmp(a->fields[0].name, o->fields[0].name) &&
			  !strcmp(a->fields[i].name, o->fields[i].name));
}

static void check_section(const char *name, const struct template_section *s, uint32_t first_id)
{
	for (uint32_t i = 0; i < s->n; i++) {
		uint32_t id = first_id + i;
		bool seen = false;

		if (elsewhere(s->fields[i].name))
			continue;
		for (uint32_t t = 0; t < TEMPLATE_N_TYPES; t++)
			if (same_row(s, t, i, !first_id))
				seen |= set[t][id / 64] >> (id % 64) & 1;
		if (!seen)
			test_fail_str(__FILE__, __LINE__, s->fields[i].name, "never set", name);
	}
}

TEST(every_field_of_the_table_is_set_by_some_record)
{
	static const struct wire_fd stdin_fifo = {
		.fd = 0, .kind = WIRE_FD_FIFO, .flags = WIRE_FD_READ, .ino = 600, .dev = 1
	};
	struct wire_fd tcp = rec_tcp4(3, 99, 7, 40000, 4444);
	struct rec r;

	begin();
	run_seeds();
	/* a chain, over a FIFO with a path */
	rec_exec(&r, &(struct rec_exec){
			     .pid = 21, .ppid = 10, .comm = "sh", .args = "sh", .fds = &stdin_fifo, .n_fds = 1 });
	feed(&r);
	rec_exec(&r, &(struct rec_exec){ .pid = 22, .ppid = 10, .comm = "nc", .args = "nc" });
	feed(&r);
	rec_open(&r, 21, "sh", "/tmp/f", 0, 0, T0);
	r.open.file = stdin_fifo;
	feed(&r);
	rec_open(&r, 22, "nc", "/tmp/f", 1, 1, T0);
	r.open.file = (struct wire_fd){ .fd = 1, .kind = WIRE_FD_FIFO, .flags = WIRE_FD_WRITE, .ino = 600, .dev = 1 };
	feed(&r);
	rec_connect(&r, 22, "nc", &tcp, T0);
	feed(&r);
	for (uint32_t t = 0; t < TEMPLATE_N_TYPES; t++)
		check_section(template_builtin.types[t].name, &template_builtin.types[t].own, TEMPLATE_CAP);
	check_section("common", &template_builtin.common, 0);
	end();
}

TEST(the_process_has_its_numbers_relatives_and_environment)
{
	struct rec r;

	begin();
	rec_exec(&r, &(struct rec_exec){ .pid = 10, .ppid = 1, .sid = 10, .comm = "bash", .args = "-bash -i" });
	r.exec.pgid = r.exec.vpgid = 10;
	r.exec.vpid = 1;
	feed(&r);
	rec_fork(&r, 10, "bash", 11, REC_START(11));
	r.fork.sid = 10;
	r.fork.child_vpid = 2;
	r.fork.pgid = 10;
	r.fork.vpgid = 1;
	feed(&r);
	rec_open(&r, 11, "bash", "/x", 0, 3, REC_START(12));
	r.hdr.tid = 15;
	feed(&r);
	CHECK_FIELDS("proc.vpid", "2", "proc.pvpid", "1", "proc.pgid", "10", "proc.vpgid", "1", "proc.is_pgid_leader",
		     "false", "proc.is_vpgid_leader", "false", "proc.is_sid_leader", "false", "proc.pgid.name", "bash",
		     "proc.pgid.exe", "-bash", "proc.pgid.exepath", "/bin/bash", "proc.sid.exe", "-bash",
		     "proc.sid.exepath", "/bin/bash", "proc.ppid.duration", "2000000000", "thread.ismain", "false",
		     "proc.apid", "11,10,1", "proc.aexe", "-bash,-bash", "proc.aargs", "-i,-i", "evt.hostname",
		     "host-1", "evt.category", "file", "evt.source", "syscall", "evt.failed", "false");
	rec_exec(&r, &(struct rec_exec){ .pid = 11,
					 .ppid = 10,
					 .sid = 10,
					 .comm = "x",
					 .args = "./x one two",
					 .env = "HOME=/root LD_PRELOAD=/tmp/e.so",
					 .time_ns = REC_START(12) });
	r.exec.pgid = 11;
	r.exec.vpgid = r.exec.vpid = 2;
	r.exec.exe_ctime_ns = 1700000000000000000ull + REC_START(5);
	r.exec.exe_mtime_ns = 1700000000000000001ull;
	r.exec.exe_flags = WIRE_EXE_UPPER;
	r.exec.fields.exe_mode = 0100702;
	r.exec.exe_uid = 33;
	r.exec.loginuid = 33;
	r.hdr.gid = 10;
	feed(&r);
	CHECK_FIELDS("proc.is_pgid_leader", "true", "proc.is_vpgid_leader", "true", "proc.args[]", "one,two",
		     "proc.cmdnargs", "2", "proc.cmdlenargs", "6", "proc.exeline", "./x one two", "proc.env",
		     "HOME=/root LD_PRELOAD=/tmp/e.so", "proc.env[]", "HOME=/root,LD_PRELOAD=/tmp/e.so",
		     "proc.exe_ino.ctime", "2023-11-14T22:13:25.000000000Z", "proc.exe_ino.mtime",
		     "2023-11-14T22:13:20.000000001Z", "proc.exe_ino.ctime_duration_proc_start", "6000000000",
		     "proc.is_exe_upper_layer", "true", "proc.is_exe_lower_layer", "false", "proc.is_exe_writable",
		     "true", "user.loginname", "www-data", "user.homedir", "/root", "user.shell", "/bin/bash",
		     "group.name", "wheel", "evt.arg.flags", "EXE_WRITABLE|EXE_UPPER_LAYER", "evt.arg.exe", "./x",
		     "evt.arg.args", "one two", "evt.arg.cwd", "/", "evt.arg.comm", "x", "evt.args",
		     "flags=EXE_WRITABLE|EXE_UPPER_LAYER exe=./x args=one two cwd=/ comm=x", "proc.aargs",
		     "one two,-i");
	/* the child of a process has its environment until it runs something else */
	rec_fork(&r, 11, "x", 12, REC_START(12));
	feed(&r);
	rec_open(&r, 12, "x", "/x", 0, 3, REC_START(13));
	feed(&r);
	CHECK_FIELD("proc.env[]", "HOME=/root,LD_PRELOAD=/tmp/e.so");
	rec_exec(&r, &(struct rec_exec){ .pid = 12, .ppid = 11, .comm = "y", .args = "y", .time_ns = REC_START(13) });
	feed(&r);
	CHECK_FIELDS("proc.env", NULL, "proc.env[]", NULL, "proc.args", "", "proc.args[]", "", "proc.cmdnargs", "0",
		     "proc.cmdlenargs", "0", "proc.exeline", "y", "proc.pgid", NULL, "proc.is_pgid_leader", NULL,
		     "proc.pgid.name", NULL, "proc.exe_ino.ctime", NULL);
	end();
}

TEST(the_leader_of_a_group_that_died_is_found_among_the_ancestors)
{
	struct rec r;

	begin();
	rec_exec(&r, &(struct rec_exec){ .pid = 20, .ppid = 1, .comm = "make", .args = "make" });
	r.exec.pgid = 20;
	feed(&r);
	rec_fork(&r, 20, "make", 21, REC_START(21));
	r.fork.pgid = 20;
	feed(&r);
	rec_exit(&r, 20, "make", 0, REC_START(22));
	feed(&r);
	rec_open(&r, 21, "make", "/x", 0, 3, REC_START(23));
	feed(&r);
	CHECK_FIELDS("proc.pgid", "20", "proc.pgid.name", "make");
	end();
}

TEST(capabilities_have_names)
{
	static const struct {
		uint64_t set;
		const char *text;
	} rows[] = {
		{ 0, "" },
		{ 1, "CAP_CHOWN" },
		{ 1ull << 21 | 1 << 5, "CAP_KILL CAP_SYS_ADMIN" },
		{ 1ull << 40 | 1ull << 41, "CAP_CHECKPOINT_RESTORE CAP_41" },
		{ 1ull << 63, "CAP_63" },
	};
	struct rec r;

	begin();
	for (size_t round = 0; round < 2; round++) /* the second from memory */
		for (size_t i = 0; i < countof(rows); i++) {
			test_row = rows[i].text;
			rec_open(&r, 10, "x", "/x", 0, 3, T0);
			r.hdr.cap_effective = rows[i].set;
			r.hdr.cap_permitted = rows[(i + 1) % countof(rows)].set;
			r.hdr.cap_inheritable = rows[(i + 2) % countof(rows)].set;
			feed(&r);
			CHECK_FIELD("thread.cap_effective", rows[i].text);
			CHECK_FIELD("thread.cap_permitted", rows[(i + 1) % countof(rows)].text);
			CHECK_FIELD("thread.cap_inheritable", rows[(i + 2) % countof(rows)].text);
		}
	test_row = NULL;
	rec_open(&r, 10, "x", "/x", 0, 3, T0);
	r.hdr.cap_effective = r.hdr.cap_permitted = r.hdr.cap_inheritable = UINT64_MAX;
	feed(&r);
	CHECK(strstr(text.p, " CAP_62 CAP_63\nthread.cap_inheritable=CAP_CHOWN ") != NULL);
	/* a set that is known to differ never has another one's text, however many there are */
	for (uint64_t set_ = 0; set_ < 300; set_++) {
		char want[32];

		r.hdr.cap_effective = set_ << 41;
		feed(&r);
		(void)snprintf(want, sizeof want, set_ & 1 ? "=CAP_41" : set_ & 2 ? "=CAP_42" : "=");
		CHECK(strstr(strstr(text.p, "\nthread.cap_effective=") + 1, want) != NULL);
	}
	r.hdr.flags = WIRE_NO_CAPS;
	feed(&r);
	CHECK_FIELDS("thread.cap_effective", NULL, "thread.cap_permitted", NULL, "thread.cap_inheritable", NULL);
	end();
}

TEST(an_open_tells_what_was_asked_for_and_what_came_of_it)
{
	struct rec r;

	begin();
	rec_exec(&r,
		 &(struct rec_exec){
			 .pid = 11,
			 .comm = "sh",
			 .cgroup = "docker-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope" });
	feed(&r);
	rec_open(&r, 11, "sh", "/etc/passwd", 02000000, 3, T0);
	r.open.dirfd = 1;
	r.open.file.flags |= WIRE_FD_UPPER;
	r.open.fields.dev = 0x12300abc;
	rec_asked(&r, &r.open.asked, "../../etc/./passwd", "/usr/share");
	feed(&r);
	CHECK_FIELDS(
		"fd.name", "/etc/passwd", "fd.nameraw", "../../etc/./passwd", "fs.path.name", "/etc/passwd",
		"fs.path.nameraw", "../../etc/./passwd", "evt.arg.name", "/etc/passwd", "evt.arg.fd",
		"3(<f>/etc/passwd)", "evt.arg.dirfd", "AT_FDCWD(<d>/usr/share)", "fd.is_upper_layer", "true",
		"fd.is_lower_layer", "false", "fd.dev.major", "10", "fd.dev.minor", "74684", "fd.containername",
		"0123456789ab:/etc/passwd", "fd.containerdirectory", "0123456789ab:/etc", "evt.args",
		"flags=O_RDONLY|O_CLOEXEC mode=0 name=/etc/passwd fd=3(<f>/etc/passwd) dirfd=AT_FDCWD(<d>/usr/share)");
	/* failed: what was asked for stands in, and nothing is claimed of a file */
	rec_open(&r, 11, "sh", "/", 0, -13, T0);
	r.open.file = (struct wire_fd){ 0 };
	r.open.dirfd = WIRE_DIRFD + 5;
	rec_asked(&r, &r.open.asked, "shadow", "/etc");
	feed(&r);
	CHECK_FIELDS("evt.failed", "true", "evt.res", "EACCES", "fd.num", "-1", "fd.name", "/etc/shadow",
		     "fd.directory", "/etc", "fd.filename", "shadow", "fd.nameraw", "shadow", "evt.arg.fd",
		     "-13(EACCES)", "evt.arg.dirfd", "5(<d>/etc)", "fd.typechar", "f", "fd.type", "file", "fd.ino",
		     NULL, "fd.dev", NULL, "fd.nlink", NULL, "fd.is_upper_layer", NULL, "fd.containername",
		     "0123456789ab:/etc/shadow");
	/* nobody asked for the caller's own words */
	rec_open(&r, 11, "sh", "/x", 0, 3, T0);
	feed(&r);
	CHECK_FIELDS("fd.name", "/x", "fd.nameraw", NULL, "evt.arg.name", NULL, "evt.arg.dirfd", NULL);
	/* unreadable */
	rec_open(&r, 11, "sh", "/", 0, -14, T0);
	rec_seg(&r, &r.open.asked.raw, "", 0, WIRE_SEG_CUT);
	feed(&r);
	CHECK_FIELDS("fd.name", NULL, "fd.directory", NULL, "fd.containername", NULL);
	end();
}

TEST(a_program_that_could_not_be_started_leaves_the_process_as_it_is)
{
	struct rec r;

	begin();
	rec_exec(&r, &(struct rec_exec){ .pid = 11, .comm = "sh", .args = "sh -c x" });
	feed(&r);
	REC_PATH(&r, exec_failed, WIRE_EXEC_FAILED, 11, "sh", 322, -2, "./missing", "/tmp", T0);
	feed(&r);
	CHECK_FIELDS("evt.type", "execveat", "evt.res", "ENOENT", "evt.failed", "true", "proc.name", "sh",
		     "proc.exepath", "/bin/sh", "proc.cmdline", "sh -c x", "evt.arg.filename", "./missing",
		     "proc.is_script", "false", "proc.interp", NULL, "evt.arg.exe", NULL, "proc.exe_nlink", NULL,
		     "evt.args", "filename=./missing");
	end();
}

TEST(names_are_joined_to_where_they_start_from)
{
	struct rec r;

	begin();
	REC_PATHS(&r, rename, WIRE_RENAME, 11, "sh", 316, 0, "a", "/tmp", "../etc/./b", "/tmp", T0);
	r.rename.fields.flags = 1;
	feed(&r);
	CHECK_FIELDS("evt.type", "renameat2", "evt.category", "file", "evt.arg.oldpath", "/tmp/a", "evt.arg.newpath",
		     "/etc/b", "fs.path.source", "/tmp/a", "fs.path.sourceraw", "a", "fs.path.target", "/etc/b",
		     "fs.path.targetraw", "../etc/./b", "evt.arg.flags", "RENAME_NOREPLACE", "evt.rawarg.flags", "1");
	REC_PATHS(&r, rename, WIRE_RENAME, 11, "sh", 82, 0, "/a", "/", "/b", "/", T0);
	feed(&r);
	CHECK_FIELDS("evt.type", "rename", "evt.arg.flags", NULL, "evt.args", "oldpath=/a newpath=/b");
	REC_PATHS(&r, link, WIRE_LINK, 11, "sh", 265, 0, "", "/proc/self/fd/3", "n", "/t", T0);
	r.link.fields.flags = 0x1000;
	feed(&r);
	CHECK_FIELDS("evt.arg.oldpath", "/proc/self/fd/3", "evt.arg.newpath", "/t/n", "fs.path.source", "/t/n",
		     "fs.path.target", "/proc/self/fd/3", "fs.path.targetraw", NULL, "evt.arg.flags", "AT_EMPTY_PATH");
	r.link.fields.flags = 0;
	feed(&r);
	CHECK_FIELDS("evt.arg.oldpath", NULL, "evt.arg.flags", "0");
	REC_PATHS(&r, symlink, WIRE_SYMLINK, 11, "sh", 266, 0, "../etc/shadow", NULL, "s", "/home/u", T0);
	feed(&r);
	CHECK_FIELDS("evt.type", "symlinkat", "evt.arg.target", "../etc/shadow", "evt.arg.linkpath", "/home/u/s",
		     "fs.path.source", "/home/u/s", "fs.path.sourceraw", "s", "fs.path.target", "../etc/shadow",
		     "fs.path.targetraw", "../etc/shadow");
	REC_PATH(&r, unlink, WIRE_UNLINK, 11, "sh", 84, 0, "d/", "/tmp", T0);
	feed(&r);
	CHECK_FIELDS("evt.type", "rmdir", "evt.arg.path", "/tmp/d", "evt.arg.name", NULL, "fs.path.name", "/tmp/d",
		     "fs.path.nameraw", "d/", "evt.arg.flags", NULL);
	REC_PATH(&r, unlink, WIRE_UNLINK, 11, "sh", 263, 0, "d", "/tmp", T0);
	r.unlink.fields.flags = 0x200;
	feed(&r);
	CHECK_FIELDS("evt.type", "unlinkat", "evt.arg.path", NULL, "evt.arg.name", "/tmp/d", "evt.arg.flags",
		     "AT_REMOVEDIR");
	REC_PATH(&r, mkdir, WIRE_MKDIR, 11, "sh", 258, 0, "d", NULL, T0);
	r.mkdir.fields.mode = 0700;
	feed(&r);
	CHECK_FIELDS("evt.type", "mkdirat", "evt.arg.path", ".../d", "evt.arg.mode", "0700", "evt.rawarg.mode", "448");
	end();
}

TEST(a_mode_is_changed_by_path_or_by_descriptor)
{
	struct rec r;

	begin();
	REC_PATH(&r, chmod, WIRE_CHMOD, 11, "sh", 268, 0, "x", "/tmp", T0);
	r.chmod.fields.mode = 04755;
	feed(&r);
	CHECK_FIELDS("evt.type", "fchmodat", "evt.arg.filename", "/tmp/x", "evt.arg.name", "/tmp/x", "evt.arg.fd", NULL,
		     "fd.num", NULL, "fd.name", NULL, "fs.path.name", "/tmp/x", "fs.path.nameraw", "x", "evt.arg.mode",
		     "S_ISUID|S_IRUSR|S_IWUSR|S_IXUSR|S_IRGRP|S_IXGRP|S_IROTH|S_IXOTH");
	REC_PATH(&r, chmod, WIRE_CHMOD, 11, "sh", 91, 0, "", "/tmp/x", T0);
	r.chmod.fields.fd_num = 3;
	feed(&r);
	CHECK_FIELDS("evt.type", "fchmod", "evt.arg.filename", NULL, "evt.arg.fd", "3(<f>/tmp/x)", "fd.num", "3",
		     "fd.name", "/tmp/x", "fs.path.name", "/tmp/x", "evt.arg.mode", "0");
	REC_PATH(&r, chmod, WIRE_CHMOD, 11, "sh", 90, 0, "", "/tmp", T0);
	feed(&r);
	CHECK_FIELDS("evt.type", "chmod", "evt.arg.filename", NULL, "fs.path.name", NULL);
	end();
}

TEST(sockets_know_who_serves)
{
	struct wire_fd s = rec_tcp4(5, 99, 7, 443, 50000), none = { 0 };
	struct rec r;

	begin();
	s.flags |= WIRE_FD_CLOEXEC | WIRE_FD_NONBLOCK;
	REC_SOCK(&r, accept, WIRE_ACCEPT, 11, "httpd", 288, 5, s, WIRE_SOCK_SERVER, T0);
	feed(&r);
	CHECK_FIELDS("evt.type", "accept4", "evt.category", "net", "fd.num", "5", "fd.name",
		     "203.0.113.7:50000->10.0.0.2:443", "fd.type", "ipv4", "fd.typechar", "4", "fd.sockfamily", "ip",
		     "fd.l4proto", "tcp", "fd.sip", "10.0.0.2", "fd.sport", "443", "fd.cip", "203.0.113.7", "fd.cport",
		     "50000", "fd.rip", "203.0.113.7", "fd.rport", "50000", "fd.lip", "10.0.0.2", "fd.lport", "443",
		     "fd.is_server", "true", "fd.connected", "true", "fd.name_changed", "false", "fd.sproto", "https",
		     "fd.cproto", NULL, "fd.lproto", "https", "fd.rproto", NULL, "evt.arg.fd",
		     "5(<4t>203.0.113.7:50000->10.0.0.2:443)", "evt.arg.flags", "SOCK_NONBLOCK|SOCK_CLOEXEC");
	REC_SOCK(&r, accept, WIRE_ACCEPT, 11, "httpd", 43, -11, none, 0, T0);
	feed(&r);
	CHECK_FIELDS("evt.type", "accept", "fd.num", "-1", "fd.name", NULL, "fd.type", NULL, "fd.typechar", NULL,
		     "fd.sip", NULL, "fd.l4proto", NULL, "fd.is_server", NULL, "fd.connected", NULL, "evt.arg.fd",
		     "-11(EAGAIN)", "evt.arg.flags", NULL);
	/* before there is another end */
	memset(s.remote_addr, 0, sizeof s.remote_addr);
	s.remote_port = 0;
	s.flags = 0;
	REC_SOCK(&r, listen, WIRE_LISTEN, 11, "httpd", 50, 0, s, WIRE_SOCK_SERVER, T0);
	r.listen.fields.backlog = 5;
	feed(&r);
	CHECK_FIELDS("fd.name", "10.0.0.2:443", "fd.sip", "10.0.0.2", "fd.sport", "443", "fd.cip", NULL, "fd.cport",
		     NULL, "fd.rip", NULL, "fd.is_server", "true", "fd.connected", "false", "evt.arg.backlog", "5",
		     "evt.rawarg.backlog", "5", "evt.args", "fd=5(<4t>10.0.0.2:443) backlog=5");
	s.local_port = 0;
	memset(s.local_addr, 0, sizeof s.local_addr);
	REC_SOCK(&r, socket, WIRE_SOCKET, 11, "httpd", 41, 5, s, 0, T0);
	r.socket.fields.domain = 10;
	r.socket.fields.sock_type = 2;
	r.socket.fields.proto = 17;
	feed(&r);
	CHECK_FIELDS("fd.name", NULL, "fd.type", "ipv4", "fd.lip", NULL, "fd.sip", NULL, "evt.arg.domain", "AF_INET6",
		     "evt.rawarg.domain", "10", "evt.arg.type", "2", "evt.arg.proto", "17", "evt.arg.fd", "5(<4t>)");
	r.socket.fields.domain = 99;
	feed(&r);
	CHECK_FIELD("evt.arg.domain", "99");
	end();
}

TEST(a_connect_that_failed_tells_what_was_asked_for)
{
	struct wire_fd s = rec_tcp4(5, 99, 7, 40000, 443), other = { .fd = 3, .kind = WIRE_FD_OTHER };
	struct rec r;

	begin();
	REC_SOCK(&r, connect, WIRE_CONNECT, 11, "nc", 42, -111, s, WIRE_SOCK_ASKED, T0);
	feed(&r);
	CHECK_FIELDS("evt.res", "ECONNREFUSED", "evt.failed", "true", "fd.num", "5", "fd.sip", "203.0.113.7",
		     "fd.connected", "false", "evt.arg.addr", "203.0.113.7:443");
	CHECK_EQ(n_events, 1);
	REC_SOCK(&r, connect, WIRE_CONNECT, 11, "nc", 42, -115, s, 0, T0);
	feed(&r);
	CHECK_FIELDS("evt.res", "EINPROGRESS", "evt.failed", "true", "fd.connected", "true");
	REC_SOCK(&r, connect, WIRE_CONNECT, 11, "nc", 42, -88, other, 0, T0);
	feed(&r);
	CHECK_FIELDS("evt.res", "ENOTSOCK", "fd.type", "other", "fd.sip", NULL, "evt.arg.addr", NULL);
	end();
}

TEST(what_is_sent_and_received)
{
	struct wire_fd s = rec_tcp4(5, 99, 7, 40000, 53), un = { .fd = 6, .kind = WIRE_FD_UNIX };
	struct rec r;

	begin();
	s.l4proto = 17;
	s.flags = 0;
	REC_SOCK(&r, send, WIRE_SEND, 11, "dig", 44, 29, s, WIRE_SOCK_NAME_CHANGED, T0);
	r.send.fields.size = 29;
	rec_str(&r, &r.send.path, "");
	rec_str(&r, &r.send.data, "query");
	feed(&r);
	CHECK_FIELDS("evt.type", "sendto", "evt.buffer", "query", "evt.buflen", "29", "evt.arg.size", "29",
		     "fd.l4proto", "udp", "fd.sproto", "domain", "fd.name", "10.0.0.2:40000->203.0.113.7:53",
		     "evt.arg.tuple", "10.0.0.2:40000->203.0.113.7:53", "evt.arg.fd",
		     "5(<4u>10.0.0.2:40000->203.0.113.7:53)", "fd.name_changed", "true", "fd.connected", "false",
		     "fd.is_server", "false");
	REC_SOCK(&r, send, WIRE_SEND, 11, "dig", 307, 2, s, 0, T0);
	feed(&r);
	CHECK_FIELDS("evt.type", "sendmmsg", "evt.buflen", NULL, "evt.buffer", NULL, "evt.rawres", "2");
	REC_SOCK(&r, recv, WIRE_RECV, 11, "x", 47, -104, un, 0, T0);
	rec_seg(&r, &r.recv.path, "\0name", 5, 0);
	feed(&r);
	CHECK_FIELDS("evt.type", "recvmsg", "evt.res", "ECONNRESET", "evt.buflen", NULL, "fd.name", "@name", "fd.type",
		     "unix", "evt.arg.fd", "6(<u>@name)", "evt.arg.tuple", "@name", "fd.sip", NULL, "fd.l4proto", NULL);
	end();
}

TEST(a_copied_descriptor_is_what_it_was)
{
	struct wire_fd s = rec_tcp4(1, 99, 7, 40000, 443), f = { .fd = 4, .kind = WIRE_FD_FILE };
	struct rec r;

	begin();
	REC_SOCK(&r, dup, WIRE_DUP, 11, "sh", 33, 1, s, 0, T0);
	r.dup.fields.oldfd = 3;
	r.dup.fields.newfd = 1;
	feed(&r);
	CHECK_FIELDS("evt.type", "dup2", "fd.num", "1", "fd.name", "10.0.0.2:40000->203.0.113.7:443", "fd.typechar",
		     "4", "fd.directory", NULL, "fd.filename", NULL, "evt.arg.oldfd", "3", "evt.arg.newfd", "1",
		     "evt.arg.flags", NULL, "evt.rawarg.flags", NULL, "evt.arg.res",
		     "1(<4t>10.0.0.2:40000->203.0.113.7:443)");
	REC_SOCK(&r, dup, WIRE_DUP, 11, "sh", 292, 4, f, 0, T0);
	r.dup.fields.flags = 02000000;
	rec_path(&r, &r.dup.path, "/etc/hosts");
	feed(&r);
	CHECK_FIELDS("evt.type", "dup3", "fd.name", "/etc/hosts", "fd.type", "file", "fd.typechar", "f", "fd.directory",
		     "/etc", "fd.filename", "hosts", "evt.arg.flags", "O_CLOEXEC", "evt.arg.res", "4(<f>/etc/hosts)",
		     "fd.sip", NULL, "fd.connected", NULL, "fd.sockfamily", NULL);
	REC_SOCK(&r, dup, WIRE_DUP, 11, "sh", 32, -9, f, 0, T0);
	r.dup.sock.kind = WIRE_FD_NONE;
	feed(&r);
	CHECK_FIELDS("evt.type", "dup", "evt.arg.newfd", NULL, "evt.rawarg.newfd", NULL, "fd.name", NULL, "fd.typechar",
		     NULL, "evt.arg.res", "-9(EBADF)");
	end();
}

TEST(ids_are_those_of_before_the_call)
{
	struct rec r;

	begin();
	rec_open(&r, 11, "su", "/x", 0, 3, T0);
	r.hdr.uid = 33;
	r.hdr.cap_effective = 1;
	feed(&r);
	rec_call(&r, WIRE_CREDS, sizeof r.creds, 11, "su", 105, 0, T0);
	r.hdr.cap_effective = 2;
	feed(&r); /* is root from now on */
	CHECK_FIELDS("evt.type", "setuid", "evt.category", "process", "user.uid", "33", "user.name", "www-data",
		     "thread.cap_effective", "CAP_CHOWN", "evt.arg.uid", "root", "evt.rawarg.uid", "0", "evt.arg.gid",
		     NULL, "evt.args", "uid=root");
	rec_open(&r, 11, "su", "/x", 0, 3, T0);
	r.hdr.cap_effective = 2;
	feed(&r);
	CHECK_FIELDS("user.uid", "0", "thread.cap_effective", "CAP_DAC_OVERRIDE");
	rec_call(&r, WIRE_CREDS, sizeof r.creds, 11, "su", 119, 0, T0);
	r.creds.fields.gid = 10;
	feed(&r);
	CHECK_FIELDS("evt.type", "setresgid", "evt.arg.uid", NULL, "evt.arg.gid", "wheel", "evt.rawarg.gid", "10");
	rec_call(&r, WIRE_CREDS, sizeof r.creds, 11, "su", 113, -1, T0);
	r.creds.fields.uid = 4294967295;
	feed(&r);
	CHECK_FIELDS("evt.type", "setreuid", "evt.arg.uid", "4294967295", "evt.res", "EPERM", "user.uid", "0");
	/* of a process that nobody has told of yet */
	rec_call(&r, WIRE_CREDS, sizeof r.creds, 12, "su", 126, 0, T0);
	feed(&r);
	CHECK_FIELDS("evt.type", "capset", "user.uid", NULL, "user.name", NULL, "group.gid", NULL,
		     "thread.cap_effective", NULL, "evt.args", NULL);
	rec_open(&r, 12, "su", "/x", 0, 3, T0);
	feed(&r);
	CHECK_FIELD("user.uid", "0");
	end();
}

TEST(another_process_is_named_when_the_number_means_it)
{
	struct rec r;

	begin();
	rec_exec(&r, &(struct rec_exec){ .pid = 11, .comm = "gdb", .args = "gdb" });
	r.exec.vpid = 11;
	feed(&r);
	rec_exec(&r, &(struct rec_exec){ .pid = 12, .comm = "target", .args = "target" });
	r.exec.vpid = 2;
	feed(&r);
	rec_call(&r, WIRE_PTRACE, sizeof r.ptrace, 11, "gdb", 101, 0, T0);
	r.ptrace.fields.request = 16;
	r.ptrace.fields.pid = 12;
	feed(&r);
	CHECK_FIELDS("evt.type", "ptrace", "evt.arg.request", "PTRACE_ATTACH", "evt.rawarg.request", "16",
		     "evt.arg.pid", "12(target)", "evt.rawarg.pid", "12", "evt.args",
		     "request=PTRACE_ATTACH pid=12(target)");
	r.ptrace.fields.request = 0x4206;
	r.ptrace.fields.pid = 99;
	feed(&r);
	CHECK_FIELDS("evt.arg.request", "PTRACE_SEIZE", "evt.arg.pid", "99");
	/* from within a namespace 11 is somebody else */
	rec_call(&r, WIRE_PTRACE, sizeof r.ptrace, 12, "target", 101, 0, T0);
	r.ptrace.fields.request = 777;
	r.ptrace.fields.pid = 11;
	feed(&r);
	CHECK_FIELDS("evt.arg.request", "PTRACE_UNKNOWN", "evt.arg.pid", "11");
	end();
}

TEST(namespaces_modules_and_bpf)
{
	struct rec r;

	begin();
	rec_call(&r, WIRE_NAMESPACE, sizeof r.namespace, 11, "x", 272, 0, T0);
	r.namespace.fields.flags = 0x10020000;
	feed(&r);
	CHECK_FIELDS("evt.type", "unshare", "evt.arg.flags", "CLONE_NEWUSER|CLONE_NEWNS", "evt.rawarg.flags",
		     "268566528", "evt.arg.nstype", NULL, "fd.num", NULL, "fd.name", NULL, "evt.arg.fd", NULL);
	rec_call(&r, WIRE_NAMESPACE, sizeof r.namespace, 11, "x", 308, 0, T0);
	r.namespace.fields.fd_num = 3;
	rec_path(&r, &r.namespace.path, "/proc/1/ns/net");
	feed(&r);
	CHECK_FIELDS("evt.type", "setns", "evt.arg.nstype", "0", "fd.num", "3", "fd.name", "/proc/1/ns/net",
		     "evt.arg.fd", "3(<f>/proc/1/ns/net)");
	rec_call(&r, WIRE_MODULE, sizeof r.module, 11, "x", 313, 0, T0);
	r.module.fields.fd_num = 3;
	r.module.fields.flags = 5;
	rec_str(&r, &r.module.text, "a=1");
	rec_path(&r, &r.module.path, "/root/x.ko");
	feed(&r);
	CHECK_FIELDS("evt.type", "finit_module", "evt.category", "kernel", "evt.arg.uargs", "a=1", "fd.name",
		     "/root/x.ko", "evt.rawarg.length", NULL, "evt.arg.flags",
		     "MODULE_INIT_IGNORE_MODVERSIONS|MODULE_INIT_COMPRESSED_FILE");
	rec_call(&r, WIRE_MODULE, sizeof r.module, 11, "x", 175, -1, T0);
	r.module.fields.length = 77;
	feed(&r);
	CHECK_FIELDS("evt.type", "init_module", "evt.arg.uargs", "", "fd.num", NULL, "evt.rawarg.length", "77",
		     "evt.arg.flags", NULL);
	rec_call(&r, WIRE_BPF, sizeof r.bpf, 11, "x", 321, 3, T0);
	r.bpf.fields.cmd = 5;
	feed(&r);
	CHECK_FIELDS("evt.arg.cmd", "BPF_PROG_LOAD", "evt.rawarg.cmd", "5");
	r.bpf.fields.cmd = 500;
	feed(&r);
	CHECK_FIELD("evt.arg.cmd", "500");
	rec_call(&r, WIRE_USERFAULTFD, sizeof r.userfaultfd, 11, "x", 323, 3, T0);
	r.userfaultfd.fields.num = 3;
	r.userfaultfd.fields.flags = 02000001;
	feed(&r);
	CHECK_FIELDS("fd.num", "3", "evt.arg.flags", "O_CLOEXEC|UFFD_USER_MODE_ONLY", "evt.rawarg.flags", "524289");
	end();
}

TEST(rare_names_of_calls)
{
	static const struct {
		enum seed seed;
		uint16_t flags;
		uint32_t nr;
		const char *name;
	} rows[] = {
		{ SEED_OPEN, 0, 304, "open_by_handle_at" },
		{ SEED_SEND, 0, 0x40000000 | 518, "sendmsg" }, /* x32 has its own */
		{ SEED_RECV, WIRE_COMPAT, 417, "recvmmsg" },
		{ SEED_RECV, 0, 0x40000000 | 517, "recvfrom" },
		{ SEED_PTRACE, 0, 0x40000000 | 521, "ptrace" },
		{ SEED_PTRACE, WIRE_COMPAT, 26, "ptrace" },
		{ SEED_SETUID, WIRE_COMPAT, 23, "setuid" },
		{ SEED_SETUID, WIRE_COMPAT, 213, "setuid" },
		{ SEED_SETUID, WIRE_COMPAT, 208, "setresuid" },
		{ SEED_ACCEPT, WIRE_COMPAT, 102, "accept" }, /* socketcall: which one it was does not matter */
		{ SEED_CHMOD, 0, 452, "fchmodat2" },
		{ SEED_CHMOD, 0, 91000, "chmod" },
	};
	struct rec r;

	begin();
	for (size_t i = 0; i < countof(rows); i++) {
		test_row = rows[i].name;
		seed_record(rows[i].seed, &r);
		r.hdr.flags = rows[i].flags;
		r.hdr.syscall = rows[i].nr;
		feed(&r);
		CHECK_FIELD("evt.type", rows[i].name);
	}
	end();
}
