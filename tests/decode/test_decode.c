/* SPDX-License-Identifier: Apache-2.0 */
/* decode: each kind of record, and every field of the events that come of it. */
#include "sensor/decode/decode.h"

#include "records.h"
#include "test.h"

enum { ALL_TYPES = (1 << TEMPLATE_N_TYPES) - 1, MAX_EVENTS = 64, T0 = 1000 };

/* The events so far, each as text: "type:field=value\nfield=value\n". */
struct sink {
	struct decode *d;
	uint32_t n;
	uint32_t type[MAX_EVENTS];
	struct buf text[MAX_EVENTS];
	struct buf all;
};

static void print_fields(const struct event *e, const struct template_section *s, uint32_t first_id, struct buf *out)
{
	for (uint32_t i = 0; i < s->n; i++) {
		if (!event_has(e, first_id + i))
			continue;
		buf_printf(out, "\n%s=", s->fields[i].name);
		CHECK(event_format(e, first_id + i, -1, out));
	}
}

static void on_event(void *user, struct event *e)
{
	struct sink *s = user;

	CHECK(s->n < MAX_EVENTS);
	s->type[s->n] = e->type_index;
	buf_reset(&s->text[s->n]);
	print_fields(e, &e->table->common, 0, &s->text[s->n]);
	print_fields(e, &e->type->own, TEMPLATE_CAP, &s->text[s->n]);
	buf_putc(&s->text[s->n], '\n');
	s->n++;
}

static const char passwd[] = "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\n";

static void begin(struct sink *s)
{
	struct decode_opts o = { .table = &template_builtin,
				 .passwd = passwd,
				 .passwd_len = sizeof passwd - 1,
				 .boot_to_wall_ns = 1700000000000000000ull,
				 .types = ALL_TYPES,
				 .emit = on_event,
				 .emit_user = s };

	*s = (struct sink){ 0 };
	for (size_t i = 0; i < MAX_EVENTS; i++)
		buf_init(&s->text[i], 1 << 20);
	CHECK_OK(decode_new(&o, &s->d));
}

static void end(struct sink *s)
{
	for (size_t i = 0; i < MAX_EVENTS; i++)
		buf_done(&s->text[i]);
	decode_free(s->d);
}

static const char *feed(struct sink *s, const struct rec *r)
{
	uint32_t before = s->n;

	CHECK_OK(decode_record(s->d, rec_view(r)));
	return s->n > before ? s->text[s->n - 1].p : "";
}

/* field=value stands in the event's text; value NULL: the field is missing. */
static void check_field(const char *file, int line, const char *event, const char *field, const char *value)
{
	char want[8192];

	(void)snprintf(want, sizeof want, value ? "\n%s=%s\n" : "\n%s=", field, value);
	if ((strstr(event, want) != NULL) != (value != NULL))
		test_fail_str(file, line, field, event, value ? value : "(missing)");
}
#define CHECK_FIELD(event, field, value) check_field(__FILE__, __LINE__, (event), (field), (value))

static void shell(struct sink *s, uint32_t pid)
{
	static struct rec r;

	rec_exec(&r, &(struct rec_exec){ .pid = pid,
					 .ppid = 1,
					 .sid = pid,
					 .comm = "bash",
					 .args = "-bash",
					 .time_ns = REC_START(pid) });
	(void)feed(s, &r);
}

TEST(exec_fills_the_process_its_ancestors_and_what_was_executed)
{
	static const struct wire_fd fds[] = { { .fd = 0, .kind = WIRE_FD_PIPE, .flags = WIRE_FD_READ, .ino = 5 },
					      { .fd = 2, .kind = WIRE_FD_CHAR } };
	struct sink s;
	struct rec r;
	const char *e;

	begin(&s);
	rec_exec(&r, &(struct rec_exec){ .pid = 1, .comm = "systemd", .args = "/sbin/init splash", .kind = WIRE_TASK });
	CHECK_STR(feed(&s, &r), "");
	shell(&s, 10);
	rec_fork(&r, 10, "bash", 11, REC_START(11));
	r.fork.sid = 10;
	(void)feed(&s, &r);
	s.n = 0;
	rec_exec(&r, &(struct rec_exec){
			     .pid = 11,
			     .ppid = 10,
			     .sid = 10,
			     .comm = "backup.sh",
			     .exe = "/usr/bin/dash",
			     .cwd = "/var/lib",
			     .filename = "./backup.sh",
			     .interp = "/bin/sh",
			     .args = "/bin/sh ./backup.sh --all",
			     .cgroup = "docker-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope",
			     .time_ns = REC_START(11) + 5,
			     .fds = fds,
			     .n_fds = 2 });
	r.hdr.uid = 33;
	r.hdr.gid = 34;
	r.hdr.tid = 11;
	r.exec.loginuid = 1000;
	r.exec.tty = 34816;
	r.exec.exe_ino = 4711;
	r.exec.fields.exe_nlink = 1;
	r.exec.fields.exe_mode = 0100755;
	e = feed(&s, &r);
	CHECK_EQ(s.type[0], TEMPLATE_TYPE_process_exec);
	CHECK_FIELD(e, "evt.num", "2");
	CHECK_FIELD(e, "evt.time", "2023-11-14T22:13:31.000000005Z");
	CHECK_FIELD(e, "evt.type", "execve");
	CHECK_FIELD(e, "evt.res", "SUCCESS");
	CHECK_FIELD(e, "evt.rawres", "0");
	CHECK_FIELD(e, "thread.tid", "11");
	CHECK_FIELD(e, "proc.pid", "11");
	CHECK_FIELD(e, "proc.ppid", "10");
	CHECK_FIELD(e, "proc.name", "backup.sh");
	CHECK_FIELD(e, "proc.exe", "/bin/sh");
	CHECK_FIELD(e, "proc.exepath", "/usr/bin/dash");
	CHECK_FIELD(e, "proc.args", "./backup.sh --all");
	CHECK_FIELD(e, "proc.cmdline", "backup.sh ./backup.sh --all");
	CHECK_FIELD(e, "proc.cwd", "/var/lib");
	CHECK_FIELD(e, "proc.tty", "34816");
	CHECK_FIELD(e, "proc.sid", "10");
	CHECK_FIELD(e, "proc.sname", "bash");
	CHECK_FIELD(e, "proc.pname", "bash");
	CHECK_FIELD(e, "proc.pexe", "-bash");
	CHECK_FIELD(e, "proc.pexepath", "/bin/bash");
	CHECK_FIELD(e, "proc.pcmdline", "bash");
	CHECK_FIELD(e, "proc.aname", "backup.sh,bash,systemd");
	CHECK_FIELD(e, "proc.aexepath", "/usr/bin/dash,/bin/bash,/bin/systemd");
	CHECK_FIELD(e, "proc.acmdline", "backup.sh ./backup.sh --all,bash,systemd splash");
	CHECK_FIELD(e, "proc.duration", "5");
	CHECK_FIELD(e, "proc.is_exe_from_memfd", "false");
	CHECK_FIELD(e, "proc.is_exe_deleted", "false");
	CHECK_FIELD(e, "proc.is_script_from_memfd", "false");
	CHECK_FIELD(e, "proc.exe_ino", "4711");
	CHECK_FIELD(e, "proc.stdin.type", "pipe");
	CHECK_FIELD(e, "proc.stdout.type", NULL);
	CHECK_FIELD(e, "user.uid", "33");
	CHECK_FIELD(e, "user.name", "www-data");
	CHECK_FIELD(e, "user.loginuid", "1000");
	CHECK_FIELD(e, "group.gid", "34");
	CHECK_FIELD(e, "container.id", "0123456789ab");
	CHECK_FIELD(e, "evt.arg.filename", "./backup.sh");
	CHECK_FIELD(e, "proc.interp", "/bin/sh");
	CHECK_FIELD(e, "proc.is_script", "true");
	CHECK_FIELD(e, "proc.exe_nlink", "1");
	CHECK_FIELD(e, "proc.exe_mode", "33261");
	end(&s);
}

TEST(a_program_in_a_memory_file_or_without_a_name_is_told)
{
	struct sink s;
	struct rec r;
	const char *e;

	begin(&s);
	rec_exec(&r,
		 &(struct rec_exec){
			 .pid = 11, .comm = "3", .exe = "memfd:payload", .filename = "/proc/self/fd/3", .args = "x" });
	r.exec.exe.flags |= WIRE_SEG_DELETED;
	e = feed(&s, &r);
	CHECK_FIELD(e, "proc.is_exe_from_memfd", "true");
	CHECK_FIELD(e, "proc.is_exe_deleted", "true");
	CHECK_FIELD(e, "proc.exepath", "memfd:payload");
	CHECK_FIELD(e, "proc.is_script", "false");
	CHECK_FIELD(e, "proc.interp", NULL);
	CHECK_FIELD(e, "user.loginuid", "-1");
	CHECK_FIELD(e, "user.name", "root");
	CHECK_FIELD(e, "container.id", "host");
	end(&s);
}

TEST(a_script_in_a_memory_file_is_seen_through_its_interpreter)
{
	struct sink s;
	struct rec r;
	const char *e;

	begin(&s);
	shell(&s, 10);
	rec_memfd(&r, 10, "bash", "memfd:", 0, 3, T0);
	e = feed(&s, &r);
	CHECK_FIELD(e, "evt.type", "memfd_create");
	CHECK_FIELD(e, "evt.rawres", "3");
	CHECK_FIELD(e, "fd.num", "3");
	CHECK_FIELD(e, "fd.name", "memfd:");
	CHECK_FIELD(e, "evt.arg.name", "");
	CHECK_FIELD(e, "fd.typechar", "m");
	CHECK_FIELD(e, "evt.arg.flags", "0");
	rec_fork(&r, 10, "bash", 11, T0);
	(void)feed(&s, &r);
	rec_exec(&r,
		 &(struct rec_exec){ .pid = 11, .comm = "sh", .filename = "/bin/sh", .args = "sh /proc/self/fd/3" });
	CHECK_FIELD(feed(&s, &r), "proc.is_script_from_memfd", "true");
	rec_fork(&r, 10, "bash", 12, T0);
	(void)feed(&s, &r);
	/* the number is another file by then */
	rec_open(&r, 12, "bash", "/etc/profile", 0, 3, T0);
	(void)feed(&s, &r);
	rec_exec(&r,
		 &(struct rec_exec){ .pid = 12, .comm = "sh", .filename = "/bin/sh", .args = "sh /proc/self/fd/3" });
	CHECK_FIELD(feed(&s, &r), "proc.is_script_from_memfd", "false");
	/* opened again through /proc, it is one again */
	rec_fork(&r, 12, "sh", 13, T0);
	(void)feed(&s, &r);
	rec_open(&r, 13, "sh", "memfd:x", 0, 7, T0);
	CHECK_FIELD(feed(&s, &r), "fd.name", "memfd:x");
	rec_exec(&r, &(struct rec_exec){ .pid = 13, .comm = "sh", .filename = "/bin/sh", .args = "sh /dev/fd/7" });
	CHECK_FIELD(feed(&s, &r), "proc.is_script_from_memfd", "true");
	end(&s);
}

TEST(memfd_flags_have_names)
{
	static const struct {
		uint64_t flags;
		const char *text;
	} rows[] = { { 1, "MFD_CLOEXEC" },
		     { 0x11, "MFD_CLOEXEC|MFD_EXEC" },
		     { 0x4 | 21ull << 26, "MFD_HUGETLB|0x54000000" } };
	struct sink s;
	struct rec r;

	begin(&s);
	for (size_t i = 0; i < countof(rows); i++) {
		const char *e;

		rec_memfd(&r, 5, "x", "memfd:evil name", rows[i].flags, 9, T0);
		e = feed(&s, &r);
		CHECK_FIELD(e, "evt.arg.flags", rows[i].text);
		CHECK_FIELD(e, "evt.arg.name", "evil name");
	}
	end(&s);
}

TEST(an_open_tells_what_was_opened_and_how)
{
	struct sink s;
	struct rec r;
	const char *e;

	begin(&s);
	shell(&s, 10);
	rec_open(&r, 10, "bash", "/etc/shadow", 02000000, 3, T0);
	r.hdr.uid = 33;
	e = feed(&s, &r);
	CHECK_FIELD(e, "evt.type", "openat");
	CHECK_FIELD(e, "evt.res", "SUCCESS");
	CHECK_FIELD(e, "evt.rawres", "3");
	CHECK_FIELD(e, "fd.num", "3");
	CHECK_FIELD(e, "fd.name", "/etc/shadow");
	CHECK_FIELD(e, "fd.directory", "/etc");
	CHECK_FIELD(e, "fd.filename", "shadow");
	CHECK_FIELD(e, "fd.type", "file");
	CHECK_FIELD(e, "fd.typechar", "f");
	CHECK_FIELD(e, "fd.ino", "77");
	CHECK_FIELD(e, "fd.dev", "2049");
	CHECK_FIELD(e, "fd.nlink", "1");
	CHECK_FIELD(e, "evt.arg.flags", "O_RDONLY|O_CLOEXEC");
	CHECK_FIELD(e, "evt.rawarg.flags", "524288");
	CHECK_FIELD(e, "evt.arg.mode", "0");
	CHECK_FIELD(e, "user.uid", "33"); /* setuid since the exec: every header tells */
	CHECK_FIELD(e, "proc.name", "bash");
	end(&s);
}

TEST(paths_have_a_directory_and_a_name)
{
	static const struct {
		const char *path;
		uint16_t flags;
		const char *name, *directory, *filename;
	} rows[] = {
		{ "/", 0, "/", "/", "" },
		{ "/vmlinuz", 0, "/vmlinuz", "/", "vmlinuz" },
		{ "/a/b/c d", 0, "/a/b/c d", "/a/b", "c d" },
		{ "/b/c", WIRE_SEG_CUT, ".../b/c", ".../b", "c" },
		{ "/b/gone", WIRE_SEG_DELETED, "/b/gone", "/b", "gone" },
		{ "/", WIRE_SEG_CUT, NULL, NULL, NULL }, /* nothing could be sent */
		{ "memfd:x", WIRE_SEG_MEMFD, "memfd:x", NULL, "memfd:x" },
	};
	struct sink s;
	struct rec r;

	begin(&s);
	for (size_t i = 0; i < countof(rows); i++) {
		const char *e;

		test_row = rows[i].path;
		rec_open(&r, 10, "bash", rows[i].path, 0, 3, T0);
		r.open.path.flags = rows[i].flags;
		e = feed(&s, &r);
		CHECK_FIELD(e, "fd.name", rows[i].name);
		CHECK_FIELD(e, "fd.directory", rows[i].directory);
		CHECK_FIELD(e, "fd.filename", rows[i].filename);
	}
	end(&s);
}

TEST(a_path_of_the_greatest_length_comes_out_whole)
{
	static char path[WIRE_PATH_BYTES];
	struct sink s;
	struct rec r;

	memset(path, 'x', sizeof path - 1);
	for (size_t i = 0; i < sizeof path - 1; i += 255)
		path[i] = '/';
	begin(&s);
	rec_open(&r, 10, "bash", path, 0, 3, T0);
	CHECK_FIELD(feed(&s, &r), "fd.name", path);
	r.open.path.flags = WIRE_SEG_CUT;
	CHECK_HAS(feed(&s, &r), "fd.name=.../xxx");
	end(&s);
}

TEST(open_flags_say_what_the_open_was_for)
{
	static const struct {
		const char *name;
		uint64_t flags, mode, created;
		const char *text;
		bool read, write, create, exec;
	} rows[] = {
		{ "read", 0, 0, 0, "O_RDONLY", true, false, false, false },
		{ "write", 01, 0, 0, "O_WRONLY", false, true, false, false },
		{ "both, sync", 04010002, 0, 0, "O_RDWR|O_SYNC", true, true, false, false },
		{ "dsync alone", 010000, 0, 0, "O_RDONLY|O_DSYNC", true, false, false, false },
		{ "creates", 0101, 0644, 1, "O_WRONLY|O_CREAT", false, true, true, false },
		{ "was there already", 0101, 0644, 0, "O_WRONLY|O_CREAT", false, true, false, false },
		{ "creates a program", 01101, 0755, 1, "O_WRONLY|O_CREAT|O_TRUNC", false, true, true, true },
		{ "group may execute", 0101, 0610, 1, "O_WRONLY|O_CREAT", false, true, true, true },
		{ "no mode without creation", 01, 0777, 0, "O_WRONLY", false, true, false, false },
		{ "nameless", 020200002, 0700, 0, "O_RDWR|O_TMPFILE", true, true, false, true },
		{ "a directory", 0200000, 0, 0, "O_RDONLY|O_DIRECTORY", true, false, false, false },
		{ "only the path", 010000000, 0, 0, "O_RDONLY|O_PATH", false, false, false, false },
		{ "ioctl only", 3, 0, 0, "O_ACCMODE", false, false, false, false },
		{ "all at once", 037777703, 0, 0,
		  "O_ACCMODE|O_CREAT|O_EXCL|O_NOCTTY|O_TRUNC|O_APPEND|O_NONBLOCK|O_SYNC|O_ASYNC|O_DIRECT|O_LARGEFILE|O_"
		  "TMPFILE|"
		  "O_NOFOLLOW|O_NOATIME|O_CLOEXEC|O_PATH",
		  false, false, false, false },
		{ "bits that have no name", 1ull << 63 | 0x30, 0, 0, "O_RDONLY|0x8000000000000030", true, false, false,
		  false },
	};
	struct sink s;
	struct rec r;

	begin(&s);
	for (size_t i = 0; i < countof(rows); i++) {
		const char *e;

		test_row = rows[i].name;
		rec_open(&r, 10, "bash", "/tmp/x", rows[i].flags, 3, T0);
		r.open.fields.mode = rows[i].mode;
		r.open.created = rows[i].created;
		e = feed(&s, &r);
		CHECK_FIELD(e, "evt.arg.flags", rows[i].text);
		CHECK_FIELD(e, "evt.is_open_read", rows[i].read ? "true" : "false");
		CHECK_FIELD(e, "evt.is_open_write", rows[i].write ? "true" : "false");
		CHECK_FIELD(e, "evt.is_open_create", rows[i].create ? "true" : "false");
		CHECK_FIELD(e, "evt.is_open_exec", rows[i].exec ? "true" : "false");
	}
	end(&s);
}

TEST(kinds_of_files_have_a_type_and_a_letter)
{
	static const struct {
		uint8_t kind;
		const char *type, *letter;
	} rows[] = {
		{ WIRE_FD_FILE, "file", "f" }, { WIRE_FD_DIR, "directory", "d" }, { WIRE_FD_FIFO, "fifo", "p" },
		{ WIRE_FD_PIPE, "fifo", "p" }, { WIRE_FD_CHAR, "char", "f" },     { WIRE_FD_OTHER, "other", "f" }
	};
	struct sink s;
	struct rec r;

	begin(&s);
	for (size_t i = 0; i < countof(rows); i++) {
		const char *e;

		test_row = rows[i].type;
		rec_open(&r, 10, "bash", "/dev/x", 0, 3, T0);
		r.open.file.kind = rows[i].kind;
		e = feed(&s, &r);
		CHECK_FIELD(e, "fd.type", rows[i].type);
		CHECK_FIELD(e, "fd.typechar", rows[i].letter);
	}
	end(&s);
}

TEST(a_failed_call_has_its_error_and_no_path)
{
	static const struct {
		int64_t ret;
		const char *res;
	} rows[] = { { -13, "EACCES" }, { -2, "ENOENT" }, { -115, "EINPROGRESS" },
		     { -512, NULL },    { -99999, NULL }, { 7, "SUCCESS" } };
	struct sink s;
	struct rec r;

	begin(&s);
	for (size_t i = 0; i < countof(rows); i++) {
		char text[24];
		const char *e;

		(void)snprintf(text, sizeof text, "%lld", (long long)rows[i].ret);
		test_row = text;
		rec_open(&r, 10, "bash", "/x", 0, rows[i].ret, T0);
		e = feed(&s, &r);
		CHECK_FIELD(e, "evt.res", rows[i].res);
		CHECK_FIELD(e, "evt.rawres", text);
		CHECK_FIELD(e, "fd.num", rows[i].ret < 0 ? "-1" : text);
		CHECK_FIELD(e, "fd.name", rows[i].ret < 0 ? NULL : "/x");
	}
	end(&s);
}

TEST(the_system_call_has_its_name_whatever_the_entry)
{
	static const struct {
		uint16_t kind, flags;
		uint32_t nr;
		const char *name;
	} rows[] = {
		{ WIRE_OPEN, 0, 2, "open" },
		{ WIRE_OPEN, 0, 257, "openat" },
		{ WIRE_OPEN, 0, 437, "openat2" },
		{ WIRE_OPEN, 0, 85, "creat" },
		{ WIRE_OPEN, WIRE_COMPAT, 5, "open" },
		{ WIRE_OPEN, WIRE_COMPAT, 295, "openat" },
		{ WIRE_OPEN, WIRE_COMPAT, 8, "creat" },
		{ WIRE_OPEN, WIRE_COMPAT, 437, "openat2" },
		{ WIRE_OPEN, 0, 0x40000000 | 2, "open" }, /* x32 */
		{ WIRE_OPEN, 0, 5, "openat" },            /* fstat: not one of ours */
		{ WIRE_OPEN, 0, UINT32_MAX, "openat" },
		{ WIRE_EXEC, 0, UINT32_MAX, "execve" },
		{ WIRE_EXEC, 0, 322, "execveat" },
		{ WIRE_EXEC, WIRE_COMPAT, 358, "execveat" },
		{ WIRE_EXEC, 0, 0x40000000 | 545, "execveat" },
	};
	struct sink s;
	struct rec r;

	begin(&s);
	for (size_t i = 0; i < countof(rows); i++) {
		if (rows[i].kind == WIRE_OPEN)
			rec_open(&r, 10, "bash", "/x", 0, 3, T0);
		else
			rec_exec(&r, &(struct rec_exec){ .pid = 10, .comm = "x" });
		r.hdr.flags = rows[i].flags;
		r.hdr.syscall = rows[i].nr;
		CHECK_FIELD(feed(&s, &r), "evt.type", rows[i].name);
	}
	end(&s);
}

TEST(a_connect_tells_both_ends_client_first)
{
	struct wire_fd sock = rec_tcp4(4, 99, 7, 40000, 443);
	struct sink s;
	struct rec r;
	const char *e;

	begin(&s);
	rec_connect(&r, 10, "curl", &sock, T0);
	r.hdr.ret = -115;
	e = feed(&s, &r);
	CHECK_FIELD(e, "evt.type", "connect");
	CHECK_FIELD(e, "evt.res", "EINPROGRESS");
	CHECK_FIELD(e, "fd.num", "4");
	CHECK_FIELD(e, "fd.name", "10.0.0.2:40000->203.0.113.7:443");
	CHECK_FIELD(e, "fd.type", "ipv4");
	CHECK_FIELD(e, "fd.typechar", "4");
	CHECK_FIELD(e, "fd.sockfamily", "ip");
	CHECK_FIELD(e, "fd.l4proto", "tcp");
	CHECK_FIELD(e, "fd.sip", "203.0.113.7");
	CHECK_FIELD(e, "fd.rip", "203.0.113.7");
	CHECK_FIELD(e, "fd.cip", "10.0.0.2");
	CHECK_FIELD(e, "fd.lip", "10.0.0.2");
	CHECK_FIELD(e, "fd.sport", "443");
	CHECK_FIELD(e, "fd.rport", "443");
	CHECK_FIELD(e, "fd.cport", "40000");
	CHECK_FIELD(e, "fd.lport", "40000");
	end(&s);
}

TEST(ipv6_and_what_hides_in_it)
{
	static const struct {
		const char *name;
		uint8_t remote[16], local[16];
		const char *fd_name, *type, *sip, *cip;
	} rows[] = {
		{ "ipv6",
		  { 0x20, 1, 0xd, 0xb8, [15] = 1 },
		  { 0xfe, 0x80, [15] = 2 },
		  "fe80::2:5->2001:db8::1:53",
		  "ipv6",
		  "2001:db8::1",
		  "fe80::2" },
		{ "mapped",
		  { [10] = 0xff, 0xff, 1, 2, 3, 4 },
		  { [10] = 0xff, 0xff, 10, 0, 0, 9 },
		  "10.0.0.9:5->1.2.3.4:53",
		  "ipv4",
		  "1.2.3.4",
		  "10.0.0.9" },
		{ "mapped, not bound yet",
		  { [10] = 0xff, 0xff, 1, 2, 3, 4 },
		  { 0 },
		  "0.0.0.0:5->1.2.3.4:53",
		  "ipv4",
		  "1.2.3.4",
		  "0.0.0.0" },
		{ "loopback", { [15] = 1 }, { [15] = 1 }, "::1:5->::1:53", "ipv6", "::1", "::1" },
	};
	struct sink s;
	struct rec r;

	begin(&s);
	for (size_t i = 0; i < countof(rows); i++) {
		struct wire_fd sock = {
			.fd = 4, .kind = WIRE_FD_IPV6, .l4proto = 17, .remote_port = 53, .local_port = 5
		};
		const char *e;

		test_row = rows[i].name;
		memcpy(sock.remote_addr, rows[i].remote, 16);
		memcpy(sock.local_addr, rows[i].local, 16);
		rec_connect(&r, 10, "dig", &sock, T0);
		e = feed(&s, &r);
		CHECK_FIELD(e, "fd.name", rows[i].fd_name);
		CHECK_FIELD(e, "fd.type", rows[i].type);
		CHECK_FIELD(e, "fd.sip", rows[i].sip);
		CHECK_FIELD(e, "fd.cip", rows[i].cip);
		CHECK_FIELD(e, "fd.l4proto", "udp");
	}
	end(&s);
}

TEST(unix_sockets_have_a_path_and_no_addresses)
{
	static const struct {
		const char *path;
		size_t len;
		const char *name;
	} rows[] = { { "/run/docker.sock", 16, "/run/docker.sock" },
		     { "\0abstract", 9, "@abstract" },
		     { "/a\0junk", 7, "/a" },
		     { "", 0, NULL } };
	struct sink s;
	struct rec r;

	begin(&s);
	for (size_t i = 0; i < countof(rows); i++) {
		struct wire_fd sock = { .fd = 4, .kind = WIRE_FD_UNIX, .ino = 900 };
		const char *e;

		rec_connect(&r, 10, "docker", &sock, T0);
		rec_seg(&r, &r.connect.path, rows[i].path, rows[i].len, 0);
		e = feed(&s, &r);
		CHECK_FIELD(e, "fd.name", rows[i].name);
		CHECK_FIELD(e, "fd.type", "unix");
		CHECK_FIELD(e, "fd.typechar", "u");
		CHECK_FIELD(e, "fd.sockfamily", "unix");
		CHECK_FIELD(e, "fd.l4proto", NULL);
		CHECK_FIELD(e, "fd.sip", NULL);
		CHECK_FIELD(e, "fd.sport", NULL);
	}
	end(&s);
}

TEST(an_exit_says_how)
{
	struct sink s;
	struct rec r;
	const char *e;

	begin(&s);
	shell(&s, 10);
	rec_exit(&r, 10, "bash", 3 << 8, REC_START(12));
	e = feed(&s, &r);
	CHECK_FIELD(e, "evt.type", "procexit");
	CHECK_FIELD(e, "evt.res", NULL);
	CHECK_FIELD(e, "evt.rawres", NULL);
	CHECK_FIELD(e, "evt.arg.status", "768");
	CHECK_FIELD(e, "evt.arg.ret", "3");
	CHECK_FIELD(e, "evt.arg.sig", NULL);
	CHECK_FIELD(e, "proc.cmdline", "bash");
	CHECK_FIELD(e, "proc.duration", "2000000000");
	rec_exit(&r, 20, "x", 128 + 11, T0);
	e = feed(&s, &r);
	CHECK_FIELD(e, "evt.arg.sig", "SIGSEGV");
	CHECK_FIELD(e, "evt.arg.ret", NULL);
	end(&s);
}

TEST(an_event_that_comes_after_the_exit_still_has_its_process)
{
	struct sink s;
	struct rec r;
	struct decode_stats st;

	begin(&s);
	shell(&s, 10);
	rec_exit(&r, 10, "bash", 0, REC_START(20));
	(void)feed(&s, &r);
	rec_open(&r, 1, "init", "/x", 0, 3, REC_START(20) + DECODE_LINGER_NS / 2);
	(void)feed(&s, &r);
	rec_open(&r, 10, "bash", "/x", 0, 3, REC_START(20) - 5);
	CHECK_FIELD(feed(&s, &r), "proc.exepath", "/bin/bash");
	/* in the end it goes */
	for (uint64_t i = 1; i < 30; i++) {
		rec_open(&r, 1, "init", "/x", 0, 3, REC_START(20) + i * 100000000);
		(void)feed(&s, &r);
	}
	decode_stats(s.d, &st);
	CHECK_EQ(st.procs, 1);
	end(&s);
}

TEST(a_rename_shows_in_the_name_and_in_the_command_line)
{
	struct sink s;
	struct rec r;
	const char *e;

	begin(&s);
	rec_exec(&r, &(struct rec_exec){ .pid = 10, .comm = "python3", .args = "python3 -c code" });
	(void)feed(&s, &r);
	rec_fork(&r, 10, "python3", 11, T0);
	(void)feed(&s, &r);
	rec_open(&r, 11, "[kthreadd]", "/x", 0, 3, T0);
	e = feed(&s, &r);
	CHECK_FIELD(e, "proc.name", "[kthreadd]");
	CHECK_FIELD(e, "proc.cmdline", "[kthreadd] -c code");
	CHECK_FIELD(e, "proc.pcmdline", "python3 -c code");
	CHECK_FIELD(e, "proc.acmdline", "[kthreadd] -c code,python3 -c code");
	/* time and again */
	for (int i = 0; i < 10000; i++) {
		s.n = 0;
		rec_open(&r, 11, "[kthreadd]", "/x", 0, 3, T0);
		CHECK_HAS(feed(&s, &r), "proc.cmdline=[kthreadd] -c code\n");
	}
	/* another thread's name is its own affair */
	rec_open(&r, 10, "worker", "/x", 0, 3, T0);
	r.hdr.tid = 99;
	e = feed(&s, &r);
	CHECK_FIELD(e, "proc.name", "python3");
	CHECK_FIELD(e, "thread.tid", "99");
	end(&s);
}

TEST(a_directory_change_is_followed)
{
	struct sink s;
	struct rec r;

	begin(&s);
	shell(&s, 10);
	rec_chdir(&r, 10, "bash", "/tmp/w", T0);
	(void)feed(&s, &r);
	rec_fork(&r, 10, "bash", 11, T0);
	(void)feed(&s, &r);
	rec_chdir(&r, 10, "bash", "/", T0);
	(void)feed(&s, &r);
	rec_open(&r, 11, "bash", "/x", 0, 3, T0);
	CHECK_FIELD(feed(&s, &r), "proc.cwd", "/tmp/w");
	rec_open(&r, 10, "bash", "/x", 0, 3, T0);
	CHECK_FIELD(feed(&s, &r), "proc.cwd", "/");
	end(&s);
}

TEST(the_scan_at_start_makes_no_events_and_arguments_can_be_added)
{
	struct sink s;
	struct rec r;
	const char *e;

	begin(&s);
	rec_exec(&r, &(struct rec_exec){ .pid = 10, .kind = WIRE_TASK, .comm = "cron", .exe = "/usr/sbin/cron" });
	(void)feed(&s, &r);
	CHECK_EQ(s.n, 0);
	CHECK_OK(decode_set_cmdline(s.d, 10, "/usr/sbin/cron\0-f\0", 18));
	CHECK_EQ(decode_set_cmdline(s.d, 10, "x", 2), E_EXISTS);
	CHECK_EQ(decode_set_cmdline(s.d, 11, "x", 2), E_NOT_FOUND);
	rec_open(&r, 10, "cron", "/x", 0, 3, T0);
	e = feed(&s, &r);
	CHECK_FIELD(e, "proc.cmdline", "cron -f");
	CHECK_FIELD(e, "proc.exepath", "/usr/sbin/cron");
	/* a kernel thread: no executable */
	rec_exec(&r, &(struct rec_exec){ .pid = 12, .kind = WIRE_TASK, .comm = "kworker" });
	r.exec.exe.len = 0;
	memmove(r.bytes + sizeof r.exec, r.bytes + sizeof r.exec + strlen("/bin/kworker"), r.hdr.bytes - sizeof r.exec);
	(void)feed(&s, &r);
	rec_open(&r, 12, "kworker", "/x", 0, 3, T0);
	e = feed(&s, &r);
	CHECK_FIELD(e, "proc.exepath", NULL);
	CHECK_FIELD(e, "proc.args", NULL);
	CHECK_FIELD(e, "proc.name", "kworker");
	end(&s);
}

TEST(a_shell_fed_from_the_network_is_an_event_of_its_own)
{
	struct wire_fd in = { .fd = 0, .kind = WIRE_FD_FIFO, .flags = WIRE_FD_READ, .ino = 600, .dev = 1 };
	struct wire_fd out = { .fd = 1, .kind = WIRE_FD_FIFO, .flags = WIRE_FD_WRITE, .ino = 600, .dev = 1 };
	struct wire_fd sock = rec_tcp4(3, 99, 7, 40000, 4444);
	struct sink s;
	struct rec r;
	const char *e;

	begin(&s);
	shell(&s, 10);
	rec_fork(&r, 10, "bash", 11, T0);
	(void)feed(&s, &r);
	rec_open(&r, 11, "bash", "/tmp/f", 0, 0, T0);
	r.open.file = in;
	CHECK_FIELD(feed(&s, &r), "fd.typechar", "p");
	rec_exec(&r,
		 &(struct rec_exec){ .pid = 11, .ppid = 10, .comm = "sh", .args = "sh -i", .fds = &in, .n_fds = 1 });
	(void)feed(&s, &r);
	rec_fork(&r, 10, "bash", 12, T0);
	(void)feed(&s, &r);
	rec_exec(&r, &(struct rec_exec){
			     .pid = 12, .ppid = 10, .comm = "nc", .args = "nc host 4444", .fds = &out, .n_fds = 1 });
	r.hdr.uid = 33;
	(void)feed(&s, &r);
	s.n = 0;
	rec_connect(&r, 12, "nc", &sock, T0 + 7);
	r.hdr.uid = 33;
	(void)feed(&s, &r);
	CHECK_EQ(s.n, 2);
	CHECK_EQ(s.type[0], TEMPLATE_TYPE_net_connect);
	CHECK_EQ(s.type[1], TEMPLATE_TYPE_ipc_pipe);
	e = s.text[1].p;
	CHECK_FIELD(e, "evt.type", "ipc_pipe");
	CHECK_FIELD(e, "evt.res", NULL);
	CHECK_FIELD(e, "thread.tid", "11");
	CHECK_FIELD(e, "proc.pid", "11");
	CHECK_FIELD(e, "proc.name", "sh");
	CHECK_FIELD(e, "proc.cmdline", "sh -i");
	CHECK_FIELD(e, "proc.pname", "bash");
	CHECK_FIELD(e, "proc.stdin.type", "fifo");
	CHECK_FIELD(e, "user.uid", "0");
	CHECK_FIELD(e, "ipc.kind", "fifo");
	CHECK_FIELD(e, "ipc.path", "/tmp/f");
	CHECK_FIELD(e, "ipc.ino", "600");
	CHECK_FIELD(e, "ipc.fd", "0");
	CHECK_FIELD(e, "ipc.edge", "connect");
	CHECK_FIELD(e, "ipc.hops", "1");
	CHECK_FIELD(e, "ipc.peer.pid", "12");
	CHECK_FIELD(e, "ipc.peer.name", "nc");
	CHECK_FIELD(e, "ipc.peer.exepath", "/bin/nc");
	CHECK_FIELD(e, "ipc.peer.cmdline", "nc host 4444");
	CHECK_FIELD(e, "ipc.peer.ppid", "10");
	CHECK_FIELD(e, "ipc.peer.uid", "33");
	CHECK_FIELD(e, "ipc.peer.user", "www-data");
	CHECK_FIELD(e, "ipc.peer.fd", "3");
	CHECK_FIELD(e, "ipc.peer.l4proto", "tcp");
	CHECK_FIELD(e, "ipc.peer.rip", "203.0.113.7");
	CHECK_FIELD(e, "ipc.peer.rport", "4444");
	CHECK_FIELD(e, "ipc.via.pid", "12");
	CHECK_FIELD(e, "ipc.via.name", "nc");
	CHECK_FIELD(e, "ipc.via.cmdline", "nc host 4444");
	CHECK_FIELD(e, "ipc.chain", "sh <- nc");
	end(&s);
}

TEST(a_full_table_does_not_silence_the_processes_that_it_has_no_room_for)
{
	struct decode_stats st;
	struct sink s;
	struct rec r;
	const char *e;

	begin(&s);
	decode_set_wants(s.d, 0, NULL, NULL);
	for (uint32_t pid = 1; pid <= PROC_MAX; pid++) {
		rec_fork(&r, 1, "bomb", pid + 1, T0);
		(void)feed(&s, &r);
	}
	decode_set_wants(s.d, ALL_TYPES, NULL, NULL);
	rec_open(&r, 100000, "cat", "/etc/shadow", 0, 3, T0);
	e = feed(&s, &r);
	CHECK_FIELD(e, "proc.name", "cat");
	CHECK_FIELD(e, "proc.pid", "100000");
	CHECK_FIELD(e, "fd.name", "/etc/shadow");
	CHECK_FIELD(e, "user.name", "root");
	CHECK_FIELD(e, "proc.exepath", NULL);
	rec_exec(&r, &(struct rec_exec){ .pid = 100001, .sid = 7, .comm = "id", .filename = "/bin/id", .args = "id" });
	CHECK_FIELD(feed(&s, &r), "evt.arg.filename", "/bin/id");
	rec_memfd(&r, 100002, "x", "memfd:x", 0, 3, T0);
	CHECK_FIELD(feed(&s, &r), "evt.arg.name", "x");
	decode_stats(s.d, &st);
	CHECK(st.procs_refused >= 3);
	CHECK_EQ(st.procs, PROC_MAX);
	end(&s);
}

/* ---- what is wanted ---- */

static bool wants_two(void *user, uint32_t type, uint32_t id)
{
	(*(uint32_t *)user)++;
	return type == TEMPLATE_TYPE_file_open && (id == FIELD_proc_name || id == FIELD_file_open_name);
}

TEST(only_wanted_types_and_fields_are_made_and_the_callback_is_asked_beforehand)
{
	struct sink s;
	struct rec r;
	uint32_t asked = 0, after;

	begin(&s);
	decode_set_wants(s.d, 1ull << TEMPLATE_TYPE_file_open, wants_two, &asked);
	after = asked;
	CHECK(asked > 0);
	shell(&s, 10);
	CHECK_EQ(s.n, 0);
	rec_open(&r, 10, "bash", "/etc/shadow", 0, 3, T0);
	CHECK_STR(feed(&s, &r), "\nproc.name=bash\nfd.name=/etc/shadow\n");
	CHECK_EQ(asked, after);
	/* content changes: the tables are kept */
	decode_set_wants(s.d, ALL_TYPES, NULL, NULL);
	CHECK_FIELD(feed(&s, &r), "proc.exepath", "/bin/bash");
	end(&s);
}

TEST(a_table_that_does_not_begin_with_this_builds_is_refused)
{
	struct template_type types[TEMPLATE_N_TYPES + 1];
	struct template_table t = { template_builtin.common, types, TEMPLATE_N_TYPES + 1 };
	struct sink s = { 0 };
	struct decode_opts o = { .table = &t, .emit = on_event, .emit_user = &s };
	struct decode *d;

	memcpy(types, template_builtin.types, sizeof types - sizeof types[0]);
	types[TEMPLATE_N_TYPES] =
		(struct template_type){ .name = "later", .events = "later", .own = template_builtin.types[0].own };
	CHECK_OK(decode_new(&o, &d));
	decode_free(d);
	t.n_types = TEMPLATE_N_TYPES - 1;
	CHECK_EQ(decode_new(&o, &d), E_INVALID);
	t.n_types = TEMPLATE_N_TYPES;
	types[2].own.n--;
	CHECK_EQ(decode_new(&o, &d), E_INVALID);
	types[2].own.n++;
	types[2].name = "file_unlink";
	CHECK_EQ(decode_new(&o, &d), E_INVALID);
	decode_free(NULL);
}
