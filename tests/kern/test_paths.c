/* SPDX-License-Identifier: Apache-2.0 */
/* Paths are the kernel's own, however the caller wrote them. */
#include "bed.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static char dir[] = "/tmp/sallyport-paths.XXXXXX";

static void enter_dir(void)
{
	static bool made;

	if (!made) {
		CHECK(mkdtemp(dir));
		CHECK_EQ(chdir(dir), 0);
		CHECK_EQ(mkdir("sub", 0755), 0);
		close(open("sub/file", O_CREAT | O_WRONLY, 0644));
		CHECK_EQ(symlink("sub/file", "link"), 0);
		CHECK_EQ(mkfifo("fifo", 0600), 0);
		made = true;
	}
	CHECK_EQ(chdir(dir), 0);
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

static void open_relative(void *arg)
{
	(void)arg;
	MUST(open("sub/../sub//file", O_RDWR | O_APPEND) >= 0);
}
static void open_symlink(void *arg)
{
	(void)arg;
	MUST(open("link", O_RDONLY) >= 0);
}
static void open_at(void *arg)
{
	int d = open("sub", O_PATH | O_DIRECTORY);

	(void)arg;
	MUST(openat(d, "file", O_RDONLY | O_CLOEXEC) >= 0);
}
static void open_at2(void *arg)
{
	struct open_how how = { .flags = O_RDWR | O_CREAT | O_CLOEXEC, .mode = 0640 };

	(void)arg;
	MUST(syscall(SYS_openat2, AT_FDCWD, "new2", &how, sizeof how) >= 0);
}
static void open_creat(void *arg)
{
	(void)arg;
	MUST(creat("new3", 0711) >= 0);
}
static void open_raw(void *arg)
{
	(void)arg;
	MUST(syscall(SYS_open, "/proc/self/../../etc/hostname", O_RDONLY) >= 0);
}
static void open_proc_fd(void *arg)
{
	char path[64];
	int fd = open("sub/file", O_PATH);

	(void)arg;
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	MUST(open(path, O_RDONLY) >= 0);
}
static void open_deleted(void *arg)
{
	char path[64];
	int fd = open("gone", O_RDWR | O_CREAT, 0600);

	(void)arg;
	MUST(fd >= 0 && !unlink("gone"));
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	MUST(open(path, O_RDONLY) >= 0);
}
static void open_memfd(void *arg)
{
	char path[64];

	(void)arg;
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", memfd_create("m", 0));
	MUST(open(path, O_RDWR) >= 0);
}
static void open_jailed(void *arg)
{
	(void)arg;
	MUST(!chroot(".") && !chdir("/"));
	MUST(open("/sub/file", O_RDONLY) >= 0);
}
/* Through a detached copy of the directory, which is mounted nowhere. */
static void open_detached(void *arg)
{
	long tree = syscall(SYS_open_tree, AT_FDCWD, "sub", 1 /* OPEN_TREE_CLONE */ | O_CLOEXEC);

	(void)arg;
	MUST(tree >= 0);
	MUST(openat((int)tree, "file", O_RDONLY) >= 0);
}
static void open_root(void *arg)
{
	(void)arg;
	MUST(open("/", O_RDONLY | O_DIRECTORY) >= 0);
}

/* In dir when path has no slash at its front. */
TEST(opens_tell_the_resolved_path_however_it_was_written)
{
	static const struct {
		const char *name;
		void (*fn)(void *);
		const char *path;
		uint32_t kind, seg_flags;
		uint64_t flags, mode, created;
		uint32_t syscall;
	} rows[] = {
		{ "relative", open_relative, "sub/file", WIRE_FD_FILE, 0, O_RDWR | O_APPEND, 0, 0, SYS_openat },
		{ "symlink", open_symlink, "sub/file", WIRE_FD_FILE, 0, O_RDONLY, 0, 0, SYS_openat },
		{ "openat", open_at, "sub/file", WIRE_FD_FILE, 0, O_RDONLY | O_CLOEXEC, 0, 0, SYS_openat },
		{ "openat2", open_at2, "new2", WIRE_FD_FILE, 0, O_RDWR | O_CREAT | O_CLOEXEC, 0640, 1, SYS_openat2 },
		{ "creat", open_creat, "new3", WIRE_FD_FILE, 0, O_WRONLY | O_CREAT | O_TRUNC, 0711, 1, SYS_creat },
		{ "open", open_raw, "/etc/hostname", WIRE_FD_FILE, 0, O_RDONLY, 0, 0, SYS_open },
		{ "/proc/self/fd", open_proc_fd, "sub/file", WIRE_FD_FILE, 0, O_RDONLY, 0, 0, SYS_openat },
		{ "deleted", open_deleted, "gone", WIRE_FD_FILE, WIRE_SEG_DELETED, O_RDONLY, 0, 0, SYS_openat },
		{ "memfd", open_memfd, "/memfd:m", WIRE_FD_FILE, WIRE_SEG_DELETED | WIRE_SEG_MEMFD, O_RDWR, 0, 0,
		  SYS_openat },
		{ "chroot", open_jailed, "sub/file", WIRE_FD_FILE, 0, O_RDONLY, 0, 0, SYS_openat },
		{ "root", open_root, "/", WIRE_FD_DIR, 0, O_RDONLY | O_DIRECTORY, 0, 0, SYS_openat },
	};
	struct bed b;

	enter_dir();
	bed_open(&b, KERN_HOOK_OPEN);
	for (size_t i = 0; i < countof(rows); i++) {
		const struct wire_open *o;
		char want[512];

		test_row = rows[i].name;
		bed_run(&b, rows[i].fn, NULL);
		CHECK_EQ(b.status, 0);
		o = bed_find(&b, WIRE_OPEN, bed_count(&b, WIRE_OPEN) - 1, sizeof *o);
		(void)snprintf(want, sizeof want, "%s%s%s", rows[i].path[0] == '/' ? "" : dir,
			       rows[i].path[0] == '/' ? "" : "/", rows[i].path);
		CHECK_STR(bed_path(o, sizeof *o, o->path), want);
		CHECK_EQ(o->path.flags, rows[i].seg_flags);
		CHECK_EQ(o->file.kind, rows[i].kind);
		CHECK_EQ(o->fields.flags, rows[i].flags);
		CHECK_EQ(o->fields.mode, rows[i].mode);
		CHECK_EQ(o->created, rows[i].created);
		CHECK_EQ(o->hdr.syscall, rows[i].syscall);
		CHECK_EQ(o->fields.num, o->hdr.ret);
		CHECK_EQ(o->hdr.flags, 0);
		CHECK_EQ(!!(o->file.flags & WIRE_FD_CLOEXEC), !!(rows[i].flags & O_CLOEXEC));
	}
	bed_close(&b);
}

TEST(opens_tell_inode_device_and_links_as_stat_does)
{
	const struct wire_open *o;
	struct stat st;
	struct bed b;

	enter_dir();
	bed_open(&b, KERN_HOOK_OPEN);
	bed_run(&b, open_symlink, NULL);
	o = bed_find(&b, WIRE_OPEN, 0, sizeof *o);
	CHECK_EQ(stat("sub/file", &st), 0);
	CHECK_EQ(o->fields.ino, st.st_ino);
	CHECK_EQ(o->fields.dev, st.st_dev);
	CHECK_EQ(o->file.dev, st.st_dev);
	CHECK_EQ(o->fields.nlink, st.st_nlink);
	bed_close(&b);
}

TEST(a_detached_mount_does_not_hide_where_its_subtree_is)
{
	const struct wire_open *o;
	const char *path;
	char want[64];
	size_t len;
	struct bed b;

	enter_dir();
	bed_open(&b, KERN_HOOK_OPEN);
	bed_run(&b, open_detached, NULL);
	CHECK_EQ(b.status, 0);
	o = bed_find(&b, WIRE_OPEN, bed_count(&b, WIRE_OPEN) - 1, sizeof *o);
	path = bed_path(o, sizeof *o, o->path);
	/* from the top of its file system, which /tmp may be */
	len = (size_t)snprintf(want, sizeof want, "%s/sub/file", strrchr(dir, '/'));
	CHECK(strlen(path) >= len);
	CHECK_STR(path + strlen(path) - len, want);
	bed_close(&b);
}

static void open_pipe_again(void *arg)
{
	char path[64];
	int p[2];

	(void)arg;
	MUST(!pipe(p));
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", p[1]);
	MUST(open(path, O_WRONLY) >= 0);
}

TEST(a_file_without_a_path_is_not_taken_for_the_root)
{
	const struct wire_open *o;
	struct bed b;

	enter_dir();
	bed_open(&b, KERN_HOOK_OPEN);
	bed_run(&b, open_pipe_again, NULL);
	CHECK_EQ(b.status, 0);
	o = bed_find(&b, WIRE_OPEN, bed_count(&b, WIRE_OPEN) - 1, sizeof *o);
	CHECK_EQ(o->file.kind, WIRE_FD_PIPE);
	CHECK_EQ(o->path.len, 0);
	CHECK_EQ(o->path.flags & WIRE_SEG_CUT, WIRE_SEG_CUT);
	bed_close(&b);
}

static void open_failing(void *arg)
{
	(void)arg;
	MUST(open("no such file", O_RDONLY) < 0);
	MUST(open("/sub/../etc/hostname", O_WRONLY | O_DIRECTORY) < 0);
	MUST(open((const char *)8, O_RDONLY) < 0);
}

TEST(failed_opens_tell_what_was_asked)
{
	const struct wire_open *o;
	struct bed b;

	enter_dir();
	bed_open(&b, KERN_HOOK_OPEN);
	bed_run(&b, open_failing, NULL);
	CHECK_EQ(b.status, 0);
	CHECK_EQ(bed_count(&b, WIRE_OPEN), 3);
	o = bed_find(&b, WIRE_OPEN, 0, sizeof *o);
	CHECK_EQ(o->hdr.ret, -ENOENT);
	CHECK_EQ(o->fields.num, (uint64_t)-ENOENT);
	CHECK_EQ(o->fields.ino + o->fields.dev + o->fields.nlink + o->path.len + o->created, 0);
	CHECK_EQ(o->file.kind, WIRE_FD_NONE);
	CHECK_STR(bed_text(o, sizeof *o, o->asked.raw), "no such file");
	CHECK_STR(bed_path(o, sizeof *o + o->asked.raw.len, o->asked.dir), dir);
	o = bed_find(&b, WIRE_OPEN, 1, sizeof *o);
	CHECK(o->hdr.ret < 0);
	CHECK_EQ(o->fields.flags, O_WRONLY | O_DIRECTORY);
	CHECK_STR(bed_text(o, sizeof *o, o->asked.raw), "/sub/../etc/hostname");
	CHECK_EQ(o->asked.dir.len + o->asked.dir.flags, 0); /* / */
	o = bed_find(&b, WIRE_OPEN, 2, sizeof *o);
	CHECK_EQ(o->hdr.ret, -EFAULT);
	CHECK_EQ(o->asked.raw.len, 0);
	CHECK_EQ(o->asked.raw.flags, WIRE_SEG_CUT);
	bed_close(&b);
}

static void open_fifo(void *arg)
{
	(void)arg;
	MUST(open("fifo", O_RDWR) >= 0);
	MUST(open("sub/file", O_RDONLY) >= 0);
}

TEST(fifos_are_told_in_the_reserved_ring_also_when_only_ipc_is_wanted)
{
	struct wire_stats before, after;
	const struct wire_open *o;
	struct bed b;

	enter_dir();
	bed_open(&b, KERN_HOOK_IPC);
	ring_stats_read(b.s, &before);
	bed_run(&b, open_fifo, NULL);
	ring_stats_read(b.s, &after);
	CHECK_EQ(b.status, 0);
	CHECK_EQ(bed_count(&b, WIRE_OPEN), 1);
	o = bed_find(&b, WIRE_OPEN, 0, sizeof *o);
	CHECK_EQ(o->file.kind, WIRE_FD_FIFO);
	CHECK_EQ(o->file.flags, WIRE_FD_READ | WIRE_FD_WRITE);
	CHECK_HAS(bed_path(o, sizeof *o, o->path), "/fifo");
	CHECK_EQ(after.produced[WIRE_RING_BULK], before.produced[WIRE_RING_BULK]);
	bed_close(&b);
}

#if defined(__x86_64__)
static void open_compat(void *arg)
{
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long ret = 5; /* open in the 32-bit table */

	(void)arg;
	MUST(low != MAP_FAILED);
	memcpy(low, "sub/file", 9);
	__asm__ volatile("int $0x80"
			 : "+a"(ret)
			 : "b"(low), "c"(O_RDONLY), "d"(0)
			 : "memory", "r8", "r9", "r10", "r11");
	MUST(ret != -38); /* ENOSYS: no 32-bit entry in this kernel */
	MUST(ret >= 0);
}

TEST(the_32_bit_entry_of_a_64_bit_program_is_seen)
{
	const struct wire_open *o;
	struct bed b;

	enter_dir();
	bed_open(&b, KERN_HOOK_OPEN);
	bed_run(&b, open_compat, NULL);
	CHECK_EQ(b.status, 0);
	o = bed_find(&b, WIRE_OPEN, bed_count(&b, WIRE_OPEN) - 1, sizeof *o);
	CHECK_HAS(bed_path(o, sizeof *o, o->path), "/sub/file");
	CHECK_EQ(o->hdr.syscall, 5);
	CHECK_EQ(o->hdr.flags, WIRE_COMPAT);
	bed_close(&b);
}
#endif

static void go_down(void *arg)
{
	const char *name = arg;
	int depth = name[0] - 'A';

	for (int i = 0; i < depth; i++)
		MUST((!mkdir(name + 1, 0755) || true) && !chdir(name + 1));
	MUST(open("leaf", O_CREAT | O_RDWR, 0600) >= 0);
}

/* arg: a letter for the depth (A = 0), then the name of each directory. */
TEST(deep_and_long_paths_are_whole_up_to_the_limit_and_flagged_past_it)
{
	static char deep30[] = "\x5d"
			       "d",
		    deep40[] = "\x67"
			       "d",
		    long3[260] = "D", long20[260] = "U";
	/* names in front of those: tmp, the test's directory; behind: leaf */
	const struct {
		const char *name;
		char *arg;
		bool cut;
		size_t n_names;
	} rows[] = {
		{ "28 deep", deep30, false, 31 },
		{ "38 deep", deep40, true, 32 },
		{ "3 names of 255", long3, false, 6 },
		{ "20 names of 255", long20, true, 16 },
	};
	struct bed b;

	memset(long3 + 1, 'n', 255);
	memset(long20 + 1, 'n', 255);
	enter_dir();
	bed_open(&b, KERN_HOOK_OPEN);
	for (size_t i = 0; i < countof(rows); i++) {
		const struct wire_open *o;
		size_t n = 0;

		test_row = rows[i].name;
		bed_run(&b, go_down, rows[i].arg);
		CHECK_EQ(b.status, 0);
		o = bed_find(&b, WIRE_OPEN, bed_count(&b, WIRE_OPEN) - 1, sizeof *o);
		for (uint32_t j = 0; j < o->path.len; j++)
			n += !((const char *)(o + 1))[j];
		CHECK_EQ(n, rows[i].n_names);
		CHECK_EQ(o->path.flags, rows[i].cut ? WIRE_SEG_CUT : 0);
		CHECK(o->path.len <= WIRE_PATH_BYTES);
		if (!rows[i].cut)
			CHECK(!strncmp(bed_path(o, sizeof *o, o->path), dir, strlen(dir)));
	}
	bed_close(&b);
}

static void change_dir(void *arg)
{
	int fd = open("sub", O_RDONLY | O_DIRECTORY);

	(void)arg;
	MUST(!chdir("sub/.."));
	MUST(!fchdir(fd));
	MUST(chdir("missing") < 0);
}

TEST(working_directories_are_told_when_they_change)
{
	const struct wire_chdir *c;
	char want[128];
	struct bed b;

	enter_dir();
	bed_open(&b, KERN_HOOK_CHDIR);
	bed_run(&b, change_dir, NULL);
	CHECK_EQ(b.status, 0);
	CHECK_EQ(bed_count(&b, WIRE_CHDIR), 2);
	c = bed_find(&b, WIRE_CHDIR, 0, sizeof *c);
	CHECK_STR(bed_path(c, sizeof *c, c->path), dir);
	c = bed_find(&b, WIRE_CHDIR, 1, sizeof *c);
	(void)snprintf(want, sizeof want, "%s/sub", dir);
	CHECK_STR(bed_path(c, sizeof *c, c->path), want);
	bed_close(&b);
}
