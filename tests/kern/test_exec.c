/* SPDX-License-Identifier: Apache-2.0 */
/* What an exec tells of its file, its place among namespaces and groups, its environment and its control group. */
#include "bed.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static char *no_text[] = { NULL };

static size_t at_env(const struct wire_exec *e)
{
	return sizeof *e + e->exe.len + e->cwd.len + e->filename.len + e->interp.len + e->args.len;
}

static void copy_true(const char *to)
{
	char buf[65536];
	int from = open("/bin/true", O_RDONLY), fd = open(to, O_CREAT | O_TRUNC | O_WRONLY, 0755);
	ssize_t n;

	CHECK(from >= 0);
	CHECK(fd >= 0);
	while ((n = read(from, buf, sizeof buf)) > 0)
		CHECK_EQ(write(fd, buf, (size_t)n), n);
	close(from);
	close(fd);
}

static void do_exec(void *arg)
{
	char *argv[] = { (char *)"x", NULL }, *envp[] = { (char *)"A=1", (char *)"LD_PRELOAD=/tmp/x.so", NULL };

	MUST(!setpgid(0, 0));
	(void)execve(arg, argv, envp);
	MUST(false);
}

TEST(an_exec_tells_of_its_file_group_and_environment)
{
	static char path[] = "/tmp/sp-exec-true";
	const struct wire_exec *e;
	const struct wire_fork *f;
	struct wire_filter all;
	struct stat st;
	struct diag d;
	struct bed b;

	copy_true(path);
	CHECK_EQ(chown(path, 1234, 1234), 0);
	CHECK_EQ(stat(path, &st), 0);
	bed_open(&b, KERN_HOOK_PROCESS);
	bed_run(&b, do_exec, path);
	CHECK_EQ(b.status, 0);
	e = bed_find(&b, WIRE_EXEC, 0, sizeof *e);
	CHECK_EQ(e->exe_uid, 1234);
	CHECK_EQ(e->exe_ctime_ns, (uint64_t)st.st_ctim.tv_sec * 1000000000 + (uint64_t)st.st_ctim.tv_nsec);
	CHECK_EQ(e->exe_mtime_ns, (uint64_t)st.st_mtim.tv_sec * 1000000000 + (uint64_t)st.st_mtim.tv_nsec);
	CHECK_EQ(e->exe_flags, 0);
	CHECK_EQ(e->pgid, b.pid);
	CHECK_EQ(e->vpgid, e->vpid);
	CHECK_EQ(e->env.len, sizeof "A=1\0LD_PRELOAD=/tmp/x.so");
	CHECK(!memcmp(bed_text(e, at_env(e), e->env), "A=1\0LD_PRELOAD=/tmp/x.so", e->env.len));
	f = bed_find(&b, WIRE_FORK, 0, sizeof *f);
	CHECK_EQ(f->pgid, getpgid(0));
	CHECK_EQ(f->child_vpid, b.pid);
	memset(&all, 0xff, sizeof all);
	all.flags = 0;
	diag_init(&d);
	CHECK_OK(kern_filter_swap(b.k, &all, NULL, NULL, 0, &d));
	bed_run(&b, do_exec, path);
	e = bed_find(&b, WIRE_EXEC, 0, sizeof *e);
	CHECK_EQ(e->env.len, 0);
	(void)unlink(path);
	bed_close(&b);
}

/* The child of a new namespace is number 1 there; its record is not the bed's, so the child of the bed waits for it. */
static void do_namespace(void *arg)
{
	pid_t pid;
	int status;

	(void)arg;
	MUST(!unshare(CLONE_NEWPID));
	pid = fork();
	MUST(pid >= 0);
	if (!pid) {
		(void)execl("/bin/true", "true", NULL);
		_exit(1);
	}
	MUST(waitpid(pid, &status, 0) == pid && !status);
}

TEST(a_process_in_a_namespace_is_told_by_both_its_numbers)
{
	const struct wire_fork *f;
	struct bed b;

	if (geteuid())
		SKIP("needs root to make a namespace");
	bed_open(&b, KERN_HOOK_PROCESS);
	bed_run(&b, do_namespace, NULL);
	CHECK_EQ(b.status, 0);
	f = bed_find(&b, WIRE_FORK, 1, sizeof *f);
	CHECK_EQ(f->hdr.pid, b.pid);
	CHECK(f->child_pid != 1);
	CHECK_EQ(f->child_vpid, 1);
	CHECK_EQ(f->vpgid, 0); /* its group is not in there */
	CHECK_EQ(f->pgid, getpgid(0));
	bed_close(&b);
}

static void do_namespace_exec(void *arg)
{
	(void)arg;
	(void)execl("/bin/true", "true", NULL);
	MUST(false);
}

TEST(the_first_process_of_a_namespace_has_number_1_in_its_exec)
{
	const struct wire_exec *e;
	struct bed b;

	if (geteuid())
		SKIP("needs root to make a namespace");
	bed_open(&b, KERN_HOOK_PROCESS);
	CHECK_EQ(unshare(CLONE_NEWPID), 0);
	bed_run(&b, do_namespace_exec, NULL);
	e = bed_find(&b, WIRE_EXEC, 0, sizeof *e);
	CHECK_EQ(e->hdr.pid, b.pid);
	CHECK_EQ(e->vpid, 1);
	bed_close(&b);
	/* Further children go where they were before. */
	{
		int fd = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);

		CHECK(fd >= 0);
		CHECK_EQ(setns(fd, CLONE_NEWPID), 0);
		close(fd);
	}
}

#define LAYERS "/tmp/sp-overlay"

static void do_overlay(void *arg)
{
	(void)arg;
	MUST(!unshare(CLONE_NEWNS) && !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(!mount("tmpfs", LAYERS, "tmpfs", 0, NULL));
	MUST(!mkdir(LAYERS "/lower", 0755) && !mkdir(LAYERS "/upper", 0755) && !mkdir(LAYERS "/work", 0755) &&
	     !mkdir(LAYERS "/all", 0755));
	copy_true(LAYERS "/lower/below");
	copy_true(LAYERS "/lower/changed");
	if (mount("overlay", LAYERS "/all", "overlay", 0,
		  "lowerdir=" LAYERS "/lower,upperdir=" LAYERS "/upper,workdir=" LAYERS "/work"))
		_exit(77);
	copy_true(LAYERS "/all/above");
	MUST(!chmod(LAYERS "/all/changed", 0711)); /* copies it up */
	MUST(open(LAYERS "/all/below", O_RDONLY) >= 0 && open(LAYERS "/all/changed", O_RDONLY) >= 0);
	for (const char *const *p = arg; *p; p++) {
		pid_t pid = vfork();

		if (!pid) {
			(void)execve(*p, no_text, no_text);
			_exit(99);
		}
		MUST(pid > 0 && waitpid(pid, NULL, 0) == pid);
	}
}

/* Records of the children's execs are not about the bed's child: run each as that. */
static void do_overlay_exec(void *arg)
{
	static const char *const none[] = { NULL };

	do_overlay((void *)(uintptr_t)none);
	(void)execve(arg, no_text, no_text);
	MUST(false);
}

TEST(layers_of_an_overlay_file_system_are_told)
{
	static const struct {
		const char *name;
		char path[64];
		uint32_t flags;
	} rows[] = {
		{ "in the image", LAYERS "/all/below", WIRE_EXE_LOWER },
		{ "changed since", LAYERS "/all/changed", WIRE_EXE_UPPER },
		{ "added since", LAYERS "/all/above", WIRE_EXE_UPPER },
		{ "the layer itself", LAYERS "/lower/below", 0 },
	};
	struct bed b;

	if (geteuid())
		SKIP("needs root to mount");
	(void)mkdir(LAYERS, 0755);
	bed_open(&b, KERN_HOOK_PROCESS | KERN_HOOK_OPEN);
	for (size_t i = 0; i < countof(rows); i++) {
		const struct wire_exec *e;
		char path[64];

		test_row = rows[i].name;
		memcpy(path, rows[i].path, sizeof path);
		bed_run(&b, do_overlay_exec, path);
		if (b.status == 77 << 8) {
			bed_close(&b);
			SKIP("this kernel has no overlay file system");
		}
		CHECK_EQ(b.status, 0);
		e = bed_find(&b, WIRE_EXEC, 0, sizeof *e);
		CHECK_EQ(e->exe_flags, rows[i].flags);
		for (uint32_t r = 0; i == 0 && r < bed_count(&b, WIRE_OPEN); r++) {
			const struct wire_open *o = bed_find(&b, WIRE_OPEN, r, sizeof *o);
			const char *p = bed_path(o, sizeof *o, o->path);

			if (!strcmp(p, LAYERS "/all/below"))
				CHECK_EQ(o->file.flags & (WIRE_FD_UPPER | WIRE_FD_LOWER), WIRE_FD_LOWER);
			if (!strcmp(p, LAYERS "/all/changed"))
				CHECK_EQ(o->file.flags & (WIRE_FD_UPPER | WIRE_FD_LOWER), WIRE_FD_UPPER);
			if (!strcmp(p, LAYERS "/lower/below"))
				CHECK_EQ(o->file.flags & (WIRE_FD_UPPER | WIRE_FD_LOWER), 0);
		}
	}
	(void)rmdir(LAYERS);
	bed_close(&b);
}

static void *exec_in_thread(void *arg)
{
	(void)arg;
	(void)execl("/bin/true", "true", NULL);
	return NULL;
}

static void do_exec_in_thread(void *arg)
{
	pthread_t t;

	(void)arg;
	(void)execl("/nothing", "x", NULL);
	MUST(!pthread_create(&t, NULL, exec_in_thread, NULL));
	for (;;)
		pause();
}

TEST(an_exec_by_a_thread_is_the_process_s)
{
	const struct wire_exec *e;
	struct bed b;

	bed_open(&b, KERN_HOOK_EXEC_FAILED);
	bed_run(&b, do_exec_in_thread, NULL);
	CHECK_EQ(b.status, 0);
	e = bed_find(&b, WIRE_EXEC, 0, sizeof *e);
	CHECK_EQ(e->hdr.pid, b.pid);
	CHECK_EQ(e->hdr.tid, b.pid);
	CHECK_EQ(bed_count(&b, WIRE_EXEC_FAILED), 1);
	bed_close(&b);
}

static void do_deleted(void *arg)
{
	int fd = open(arg, O_PATH);

	MUST(fd >= 0 && !unlink(arg));
	(void)syscall(SYS_execveat, fd, "", no_text, no_text, AT_EMPTY_PATH);
	MUST(false);
}

TEST(a_deleted_file_that_is_executed_by_descriptor_shows_so)
{
	static char path[] = "/tmp/sp-exec-gone";
	const struct wire_exec *e;
	struct bed b;

	copy_true(path);
	bed_open(&b, KERN_HOOK_PROCESS);
	bed_run(&b, do_deleted, path);
	CHECK_EQ(b.status, 0);
	e = bed_find(&b, WIRE_EXEC, 0, sizeof *e);
	CHECK_STR(bed_path(e, sizeof *e, e->exe), path);
	CHECK_EQ(e->exe.flags, WIRE_SEG_DELETED);
	CHECK_EQ(e->fields.exe_nlink, 0);
	bed_close(&b);
}

/* The control group of this process, as /proc has it: version 2, or the memory controller's. */
static void own_cgroup(char *out, size_t max)
{
	char line[512];
	FILE *f = fopen("/proc/self/cgroup", "re");

	CHECK(f);
	(void)snprintf(out, max, "/");
	while (fgets(line, sizeof line, f)) {
		char *path = strrchr(line, ':');

		line[strcspn(line, "\n")] = 0;
		if (path && (strstr(line, ":memory:") || (!strncmp(line, "0::", 3) && strcmp(line, "0::/"))))
			(void)snprintf(out, max, "%.200s", path + 1);
	}
	(void)fclose(f);
}

TEST(the_control_group_is_told_as_a_path)
{
	const struct wire_exec *e;
	char want[256];
	struct bed b;

	own_cgroup(want, sizeof want);
	bed_open(&b, KERN_HOOK_PROCESS);
	bed_run(&b, do_exec, (char[]){ "/bin/true" });
	e = bed_find(&b, WIRE_EXEC, 0, sizeof *e);
	CHECK_STR(bed_path(e, at_env(e) + e->env.len, e->cgroup), want);
	bed_close(&b);
}
