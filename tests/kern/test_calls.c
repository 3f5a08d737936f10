/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that are given paths or numbers: each is really made, by a child, in its own directory. */
#include "bed.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

static char dir[] = "/tmp/sallyport-calls.XXXXXX";

static void enter_dir(void)
{
	static bool made;

	if (!made) {
		CHECK(mkdtemp(dir));
		made = true;
	}
	CHECK_EQ(chdir(dir), 0);
	(void)!system("rm -rf ./*");
	CHECK_EQ(mkdir("sub", 0755), 0);
	close(open("file", O_CREAT | O_WRONLY, 0644));
	close(open("sub/inner", O_CREAT | O_WRONLY, 0644));
}

__attribute__((destructor)) static void remove_dir(void)
{
	char cmd[128];

	if (strstr(dir, "XXXXXX"))
		return;
	(void)snprintf(cmd, sizeof cmd, "rm -rf -- '%s'", dir);
	if (system(cmd))
		fprintf(stderr, "could not remove %s\n", dir);
}

/* The path records begin alike. */
struct names_record {
	struct wire_hdr hdr;
	uint64_t field[4];
};

/* Text of the raw path number nth, and its directory, of a record with n_fields numbers and n_paths paths. */
static const char *raw_of(const void *record, uint32_t n_fields, uint32_t n_paths, uint32_t nth)
{
	const struct wire_path *p = (const void *)((const char *)record + sizeof(struct wire_hdr) + 8 * n_fields);
	size_t at = sizeof(struct wire_hdr) + 8 * n_fields + n_paths * sizeof *p;

	for (uint32_t i = 0; i < nth; i++)
		at += p[i].raw.len + p[i].dir.len;
	return bed_text(record, at, p[nth].raw);
}

static const char *dir_of(const void *record, uint32_t n_fields, uint32_t n_paths, uint32_t nth)
{
	const struct wire_path *p = (const void *)((const char *)record + sizeof(struct wire_hdr) + 8 * n_fields);
	size_t at = sizeof(struct wire_hdr) + 8 * n_fields + n_paths * sizeof *p;

	for (uint32_t i = 0; i < nth; i++)
		at += p[i].raw.len + p[i].dir.len;
	if (!p[nth].dir.len && p[nth].dir.flags & WIRE_SEG_CUT)
		return "none";
	return bed_path(record, at + p[nth].raw.len, p[nth].dir);
}

static int sub_fd(void)
{
	int fd = open("sub", O_PATH | O_DIRECTORY);

	MUST(fd >= 0 && dup2(fd, 40) == 40);
	return 40;
}

static void do_rename(void *arg)
{
	(void)arg;
	MUST(!syscall(SYS_rename, "file", "./other"));
}
static void do_renameat(void *arg)
{
	(void)arg;
	MUST(!syscall(SYS_renameat, sub_fd(), "inner", AT_FDCWD, "/tmp/../tmp/sp-moved"));
}
static void do_renameat2(void *arg)
{
	(void)arg;
	(void)unlink("/tmp/sp-moved");
	MUST(syscall(SYS_renameat2, AT_FDCWD, "file", sub_fd(), "inner", 1 /* RENAME_NOREPLACE */) < 0);
}
static void do_unlink(void *arg)
{
	(void)arg;
	MUST(!syscall(SYS_unlink, "file"));
}
static void do_unlinkat(void *arg)
{
	(void)arg;
	MUST(syscall(SYS_unlinkat, sub_fd(), "nothing", AT_REMOVEDIR) < 0);
}
static void do_rmdir(void *arg)
{
	(void)arg;
	MUST(!unlink("sub/inner") && !syscall(SYS_rmdir, "sub"));
}
static void do_link(void *arg)
{
	(void)arg;
	MUST(!syscall(SYS_link, "file", "second"));
}
static void do_linkat(void *arg)
{
	int fd = open("file", O_PATH);

	(void)arg;
	MUST(!syscall(SYS_linkat, fd, "", sub_fd(), "third", AT_EMPTY_PATH));
}
static void do_symlink(void *arg)
{
	(void)arg;
	MUST(!syscall(SYS_symlink, "../anything", "link"));
}
static void do_symlinkat(void *arg)
{
	(void)arg;
	MUST(!syscall(SYS_symlinkat, "/etc/shadow", sub_fd(), "link"));
}
static void do_mkdir(void *arg)
{
	(void)arg;
	MUST(!syscall(SYS_mkdir, "new", 0700));
}
static void do_mkdirat(void *arg)
{
	(void)arg;
	MUST(syscall(SYS_mkdirat, sub_fd(), "inner", 0711) < 0);
}
static void do_chmod(void *arg)
{
	(void)arg;
	MUST(!syscall(SYS_chmod, "file", 04755));
}
static void do_fchmod(void *arg)
{
	(void)arg;
	MUST(dup2(open("sub/inner", O_RDONLY), 41) == 41 && !fchmod(41, 0600));
}
static void do_fchmodat(void *arg)
{
	(void)arg;
	MUST(!syscall(SYS_fchmodat, sub_fd(), "inner", 0640));
}
static void do_fchmodat2(void *arg)
{
	(void)arg;
	(void)syscall(SYS_fchmodat2, sub_fd(), "inner", 0604, 0); /* from 6.6 on */
}
static void do_exec_missing(void *arg)
{
	(void)arg;
	MUST(execl("./nothing", "x", NULL) < 0);
}
static void do_execveat_missing(void *arg)
{
	char *none[] = { NULL };

	(void)arg;
	MUST(syscall(SYS_execveat, sub_fd(), "inner", none, none, 0) < 0);
}
static void do_execveat_fd(void *arg)
{
	char *none[] = { NULL };
	int fd = open("file", O_PATH);

	(void)arg;
	MUST(syscall(SYS_execveat, fd, "", none, none, AT_EMPTY_PATH) < 0);
}
static void do_jailed(void *arg)
{
	(void)arg;
	MUST(!chroot("sub") && !syscall(SYS_chmod, "/inner", 0600));
}
static void do_null(void *arg)
{
	(void)arg;
	MUST(syscall(SYS_rename, NULL, (char *)16) < 0);
}
static void *mkdir_in_thread(void *arg)
{
	(void)arg;
	return (void *)(intptr_t)mkdir("threaded", 0755);
}
static void do_in_thread(void *arg)
{
	pthread_t t;
	void *ret;

	(void)arg;
	MUST(!pthread_create(&t, NULL, mkdir_in_thread, NULL) && !pthread_join(t, &ret) && !ret);
}

/* dir: relative to the test's directory unless it is absolute or "none". */
TEST(calls_about_names_tell_them_as_given_and_from_where)
{
	static const struct {
		const char *name;
		void (*fn)(void *);
		uint16_t kind;
		uint32_t n_fields, syscall;
		int64_t ret;
		uint64_t field[2];
		const char *raw[2], *dir[2];
	} rows[] = {
		{ "rename", do_rename, WIRE_RENAME, 1, SYS_rename, 0, { 0 }, { "file", "./other" }, { "", "" } },
		{ "renameat",
		  do_renameat,
		  WIRE_RENAME,
		  1,
		  SYS_renameat,
		  0,
		  { 0 },
		  { "inner", "/tmp/../tmp/sp-moved" },
		  { "sub", "/" } },
		{ "renameat2",
		  do_renameat2,
		  WIRE_RENAME,
		  1,
		  SYS_renameat2,
		  -EEXIST,
		  { 1 },
		  { "file", "inner" },
		  { "", "sub" } },
		{ "unlink", do_unlink, WIRE_UNLINK, 1, SYS_unlink, 0, { 0 }, { "file" }, { "" } },
		{ "unlinkat",
		  do_unlinkat,
		  WIRE_UNLINK,
		  1,
		  SYS_unlinkat,
		  -ENOENT,
		  { AT_REMOVEDIR },
		  { "nothing" },
		  { "sub" } },
		{ "rmdir", do_rmdir, WIRE_UNLINK, 1, SYS_rmdir, 0, { 0 }, { "sub" }, { "" } },
		{ "link", do_link, WIRE_LINK, 1, SYS_link, 0, { 0 }, { "file", "second" }, { "", "" } },
		{ "linkat",
		  do_linkat,
		  WIRE_LINK,
		  1,
		  SYS_linkat,
		  0,
		  { AT_EMPTY_PATH },
		  { "", "third" },
		  { "file", "sub" } },
		{ "symlink",
		  do_symlink,
		  WIRE_SYMLINK,
		  0,
		  SYS_symlink,
		  0,
		  { 0 },
		  { "../anything", "link" },
		  { "none", "" } },
		{ "symlinkat",
		  do_symlinkat,
		  WIRE_SYMLINK,
		  0,
		  SYS_symlinkat,
		  0,
		  { 0 },
		  { "/etc/shadow", "link" },
		  { "none", "sub" } },
		{ "mkdir", do_mkdir, WIRE_MKDIR, 1, SYS_mkdir, 0, { 0700 }, { "new" }, { "" } },
		{ "mkdirat", do_mkdirat, WIRE_MKDIR, 1, SYS_mkdirat, -EEXIST, { 0711 }, { "inner" }, { "sub" } },
		{ "chmod", do_chmod, WIRE_CHMOD, 2, SYS_chmod, 0, { ~0ull, 04755 }, { "file" }, { "" } },
		{ "fchmod", do_fchmod, WIRE_CHMOD, 2, SYS_fchmod, 0, { 41, 0600 }, { "" }, { "sub/inner" } },
		{ "fchmodat", do_fchmodat, WIRE_CHMOD, 2, SYS_fchmodat, 0, { ~0ull, 0640 }, { "inner" }, { "sub" } },
		{ "fchmodat2", do_fchmodat2, WIRE_CHMOD, 2, SYS_fchmodat2, 1, { ~0ull, 0604 }, { "inner" }, { "sub" } },
		{ "execve", do_exec_missing, WIRE_EXEC_FAILED, 0, SYS_execve, -ENOENT, { 0 }, { "./nothing" }, { "" } },
		{ "execveat",
		  do_execveat_missing,
		  WIRE_EXEC_FAILED,
		  0,
		  SYS_execveat,
		  -EACCES,
		  { 0 },
		  { "inner" },
		  { "sub" } },
		{ "execveat of a descriptor",
		  do_execveat_fd,
		  WIRE_EXEC_FAILED,
		  0,
		  SYS_execveat,
		  -EACCES,
		  { 0 },
		  { "" },
		  { "file" } },
		{ "chroot", do_jailed, WIRE_CHMOD, 2, SYS_chmod, 0, { ~0ull, 0600 }, { "/inner" }, { "sub" } },
		{ "no memory there", do_null, WIRE_RENAME, 1, SYS_rename, -EFAULT, { 0 }, { "", "" }, { "", "" } },
		{ "a thread", do_in_thread, WIRE_MKDIR, 1, SYS_mkdir, 0, { 0755 }, { "threaded" }, { "" } },
	};
	struct bed b;

	bed_open(&b, KERN_HOOK_ALL);
	for (size_t i = 0; i < countof(rows); i++) {
		uint32_t n_paths = rows[i].raw[1] ? 2 : 1;
		const struct names_record *r;

		test_row = rows[i].name;
		enter_dir();
		bed_run(&b, rows[i].fn, NULL);
		CHECK_EQ(b.status, 0);
		r = bed_find(&b, rows[i].kind, bed_count(&b, rows[i].kind) - 1,
			     sizeof r->hdr + 8 * rows[i].n_fields + 8 * n_paths);
		if (rows[i].ret <= 0)
			CHECK_EQ(r->hdr.ret, rows[i].ret);
		CHECK_EQ(r->hdr.syscall, rows[i].syscall);
		CHECK_EQ(r->hdr.pid, b.pid);
		CHECK_EQ(r->hdr.tid != r->hdr.pid, rows[i].fn == do_in_thread);
		for (uint32_t f = 0; f < rows[i].n_fields; f++)
			CHECK_EQ(r->field[f], rows[i].field[f]);
		for (uint32_t p = 0; p < n_paths; p++) {
			const char *d = rows[i].dir[p];
			char want[256];

			CHECK_STR(raw_of(r, rows[i].n_fields, n_paths, p), rows[i].raw[p]);
			if (!strcmp(d, "none") || d[0] == '/')
				(void)snprintf(want, sizeof want, "%s", d);
			else
				(void)snprintf(want, sizeof want, "%s%s%s", dir, *d ? "/" : "", d);
			CHECK_STR(dir_of(r, rows[i].n_fields, n_paths, p), want);
		}
	}
	bed_close(&b);
}

static void do_exec_true(void *arg)
{
	(void)arg;
	(void)execl("/bin/true", "true", NULL);
	MUST(false);
}

TEST(an_exec_that_succeeds_is_no_failed_one)
{
	struct bed b;

	bed_open(&b, KERN_HOOK_EXEC_FAILED);
	bed_run(&b, do_exec_true, NULL);
	CHECK_EQ(b.status, 0);
	CHECK_EQ(bed_count(&b, WIRE_EXEC), 1);
	CHECK_EQ(bed_count(&b, WIRE_EXEC_FAILED), 0);
	bed_close(&b);
}

static void do_ptrace(void *arg)
{
	(void)arg;
	MUST(ptrace(PTRACE_ATTACH, 1 << 22, 0, 0) < 0);
}
static void do_unshare(void *arg)
{
	(void)arg;
	MUST(!unshare(CLONE_NEWUTS));
}
static void do_setns(void *arg)
{
	(void)arg;
	MUST(dup2(open("/proc/self/ns/uts", O_RDONLY), 42) == 42 && !setns(42, CLONE_NEWUTS));
}
static void do_init_module(void *arg)
{
	char uargs[] = "debug=1"; /* in memory that is there: nobody else reads it when the module is bad */

	(void)arg;
	MUST(syscall(SYS_init_module, "no module", 9, uargs) < 0);
}
static void do_finit_module(void *arg)
{
	(void)arg;
	MUST(dup2(open("/etc/hostname", O_RDONLY), 43) == 43);
	MUST(syscall(SYS_finit_module, 43, "x=2", 3) < 0);
}
static void do_bpf(void *arg)
{
	union bpf_attr a = { 0 };

	(void)arg;
	MUST(syscall(SYS_bpf, BPF_PROG_LOAD, &a, sizeof a) < 0);
}
static void do_userfaultfd(void *arg)
{
	(void)arg;
	(void)syscall(SYS_userfaultfd, O_CLOEXEC);
}

TEST(calls_told_by_their_numbers)
{
	static const struct {
		const char *name;
		void (*fn)(void *);
		uint16_t kind;
		uint32_t n_fields, syscall;
		uint64_t field[3];
		const char *text, *path;
	} rows[] = {
		{ "ptrace", do_ptrace, WIRE_PTRACE, 2, SYS_ptrace, { PTRACE_ATTACH, 1 << 22 }, "", "" },
		{ "unshare", do_unshare, WIRE_NAMESPACE, 2, SYS_unshare, { CLONE_NEWUTS, ~0ull }, "", "" },
		{ "setns", do_setns, WIRE_NAMESPACE, 2, SYS_setns, { CLONE_NEWUTS, 42 }, "", "uts:" },
		{ "init_module", do_init_module, WIRE_MODULE, 3, SYS_init_module, { ~0ull, 9, 0 }, "debug=1", "" },
		{ "finit_module",
		  do_finit_module,
		  WIRE_MODULE,
		  3,
		  SYS_finit_module,
		  { 43, 0, 3 },
		  "x=2",
		  "/etc/hostname" },
		{ "bpf", do_bpf, WIRE_BPF, 1, SYS_bpf, { BPF_PROG_LOAD }, "", "" },
	};
	const struct wire_userfaultfd *u;
	struct bed b;

	bed_open(&b, KERN_HOOK_ALL);
	for (size_t i = 0; i < countof(rows); i++) {
		const struct names_record *r;
		const struct wire_seg *segs;
		size_t fixed = sizeof r->hdr + 8 * rows[i].n_fields + 2 * sizeof *segs;

		test_row = rows[i].name;
		bed_run(&b, rows[i].fn, NULL);
		CHECK_EQ(b.status, 0);
		r = bed_find(&b, rows[i].kind, 0, fixed);
		CHECK_EQ(r->hdr.syscall, rows[i].syscall);
		for (uint32_t f = 0; f < rows[i].n_fields; f++)
			CHECK_EQ(r->field[f], rows[i].field[f]);
		segs = (const void *)&r->field[rows[i].n_fields];
		CHECK_STR(bed_text(r, fixed, segs[0]), rows[i].text);
		if (*rows[i].path == '/')
			CHECK_STR(bed_path(r, fixed + segs[0].len, segs[1]), rows[i].path);
		else if (!*rows[i].path)
			CHECK_EQ(segs[1].flags, WIRE_SEG_CUT);
	}
	test_row = "userfaultfd";
	bed_run(&b, do_userfaultfd, NULL);
	u = bed_find(&b, WIRE_USERFAULTFD, 0, sizeof *u);
	CHECK_EQ(u->fields.flags, O_CLOEXEC);
	CHECK_EQ((int64_t)u->fields.num, u->hdr.ret);
	bed_close(&b);
}

static void do_creds(void *arg)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { { 0 } };

	(void)arg;
	MUST(!syscall(SYS_setresgid, -1, 65534, -1));
	MUST(!syscall(SYS_setregid, -1, -1));
	MUST(!syscall(SYS_setgid, 65533));
	MUST(!syscall(SYS_setresuid, -1, 65534, -1));
	MUST(!syscall(SYS_setreuid, -1, 0));
	MUST(!syscall(SYS_capset, &h, d));
	MUST(!syscall(SYS_setuid, 0));
	MUST(syscall(SYS_setuid, 12345) < 0);
}

TEST(changes_of_users_and_groups_tell_what_was_asked_and_what_came_of_it)
{
	static const struct {
		uint32_t nr;
		uint64_t uid, gid;
		uint32_t new_uid, new_gid;
	} want[] = {
		{ SYS_setresgid, UINT32_MAX, 65534, 0, 65534 }, { SYS_setregid, UINT32_MAX, UINT32_MAX, 0, 65534 },
		{ SYS_setgid, UINT32_MAX, 65533, 0, 65533 },    { SYS_setresuid, 65534, UINT32_MAX, 65534, 65533 },
		{ SYS_setreuid, 0, UINT32_MAX, 0, 65533 },      { SYS_capset, UINT32_MAX, UINT32_MAX, 0, 65533 },
		{ SYS_setuid, 0, UINT32_MAX, 0, 65533 },        { SYS_setuid, 12345, UINT32_MAX, 0, 65533 },
	};
	struct bed b;

	if (geteuid())
		SKIP("needs root to become somebody else");
	bed_open(&b, KERN_HOOK_CREDS);
	bed_run(&b, do_creds, NULL);
	CHECK_EQ(b.status, 0);
	CHECK_EQ(bed_count(&b, WIRE_CREDS), countof(want));
	for (uint32_t i = 0; i < countof(want); i++) {
		const struct wire_creds *c = bed_find(&b, WIRE_CREDS, i, sizeof *c);

		CHECK_EQ(c->hdr.bytes, sizeof *c);
		CHECK_EQ(c->hdr.syscall, want[i].nr);
		CHECK_EQ(c->fields.uid, want[i].uid);
		CHECK_EQ(c->fields.gid, want[i].gid);
		CHECK_EQ(c->hdr.uid, want[i].new_uid);
		CHECK_EQ(c->hdr.gid, want[i].new_gid);
		CHECK_EQ(c->hdr.ret, i + 1 == countof(want) ? -EPERM : 0);
		if (i >= 5)
			CHECK_EQ(c->hdr.cap_effective, 0);
	}
	bed_close(&b);
}

#if defined(__x86_64__)
static long int80(long nr, long a, long b, long c)
{
	long ret = nr;

	__asm__ volatile("int $0x80" : "+a"(ret) : "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}

static void do_compat(void *arg)
{
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	(void)arg;
	MUST(low != MAP_FAILED);
	memcpy(low, "sub/inner", 10);
	MUST(int80(15, (long)low, 0601, 0) == 0); /* chmod */
	memcpy(low, "sub/none", 9);
	MUST(int80(11, (long)low, 0, 0) == -ENOENT);      /* execve */
	MUST(int80(46, 0xffff, 0, 0) == -EINVAL || true); /* setgid, 16 bits */
	MUST(int80(71, 0xffff, 5, 0) == 0);               /* setregid, 16 bits */
}

TEST(the_32_bit_entry_has_its_own_numbers_and_sizes)
{
	const struct wire_exec_failed *e;
	const struct wire_chmod *c;
	const struct wire_creds *g;
	struct bed b;

	if (geteuid())
		SKIP("needs root to become somebody else");
	enter_dir();
	bed_open(&b, KERN_HOOK_ALL);
	bed_run(&b, do_compat, NULL);
	CHECK_EQ(b.status, 0);
	c = bed_find(&b, WIRE_CHMOD, 0, sizeof *c);
	CHECK_EQ(c->hdr.flags, WIRE_COMPAT);
	CHECK_EQ(c->hdr.syscall, 15);
	CHECK_EQ(c->fields.mode, 0601);
	CHECK_STR(bed_text(c, sizeof *c, c->path.raw), "sub/inner");
	e = bed_find(&b, WIRE_EXEC_FAILED, 0, sizeof *e);
	CHECK_EQ(e->hdr.ret, -ENOENT);
	CHECK_EQ(e->hdr.syscall, 11);
	g = bed_find(&b, WIRE_CREDS, 1, sizeof *g);
	CHECK_EQ(g->hdr.syscall, 204); /* its row's: setregid32 */
	CHECK_EQ(g->fields.gid, 5);
	CHECK_EQ(g->hdr.gid, 5);
	bed_close(&b);
}
#endif

static void do_dup(void *arg)
{
	int fd = open("/etc/hostname", O_RDONLY);

	(void)arg;
	MUST(dup2(fd, 50) == 50);
	MUST(dup3(50, 51, O_CLOEXEC) == 51);
	MUST((fd = dup(50)) >= 0);
	MUST(dup2(-1, 52) < 0);
}

TEST(copies_of_descriptors_are_told_when_a_rule_asks)
{
	const struct wire_dup *d;
	struct bed b;

	bed_open(&b, KERN_HOOK_DUP);
	bed_run(&b, do_dup, NULL);
	CHECK_EQ(b.status, 0);
	CHECK_EQ(bed_count(&b, WIRE_DUP), 4);
	CHECK_EQ(bed_count(&b, WIRE_FDS), 0);
	d = bed_find(&b, WIRE_DUP, 0, sizeof *d);
	CHECK_EQ(d->fields.num, 50);
	CHECK_EQ(d->fields.newfd, 50);
	CHECK_EQ(d->sock.kind, WIRE_FD_FILE);
	CHECK_STR(bed_path(d, sizeof *d, d->path), "/etc/hostname");
	d = bed_find(&b, WIRE_DUP, 1, sizeof *d);
	CHECK_EQ(d->fields.oldfd, 50);
	CHECK_EQ(d->fields.newfd, 51);
	CHECK_EQ(d->fields.flags, O_CLOEXEC);
	CHECK(d->sock.flags & WIRE_FD_CLOEXEC);
	d = bed_find(&b, WIRE_DUP, 2, sizeof *d);
	CHECK_EQ(d->fields.newfd, ~0ull);
	CHECK_EQ(d->sock.fd, d->hdr.ret);
	d = bed_find(&b, WIRE_DUP, 3, sizeof *d);
	CHECK_EQ((int64_t)d->fields.num, -EBADF);
	CHECK_EQ((int64_t)d->fields.oldfd, -1);
	CHECK_EQ(d->sock.kind, WIRE_FD_NONE);
	bed_close(&b);
}

static void do_handle(void *arg)
{
	struct {
		struct file_handle h;
		unsigned char bytes[128];
	} h = { .h.handle_bytes = 128 };
	int mount_id, fd;

	(void)arg;
	MUST(!name_to_handle_at(AT_FDCWD, "file", &h.h, &mount_id, 0));
	fd = open(".", O_RDONLY | O_DIRECTORY);
	MUST(open_by_handle_at(fd, &h.h, O_RDWR) >= 0);
}

TEST(opens_by_handle_tell_the_path)
{
	const struct wire_open *o;
	char want[128];
	struct bed b;

	enter_dir();
	bed_open(&b, KERN_HOOK_OPEN);
	bed_run(&b, do_handle, NULL);
	if (b.status) {
		bed_close(&b);
		SKIP("this file system has no handles, or this user may not open them");
	}
	o = bed_find(&b, WIRE_OPEN, bed_count(&b, WIRE_OPEN) - 1, sizeof *o);
	CHECK_EQ(o->hdr.syscall, SYS_open_by_handle_at);
	CHECK_EQ(o->fields.flags, O_RDWR);
	(void)snprintf(want, sizeof want, "%s/file", dir);
	CHECK_STR(bed_path(o, sizeof *o, o->path), want);
	CHECK_EQ(o->asked.raw.len + o->asked.dir.len, 0);
	bed_close(&b);
}
