/* SPDX-License-Identifier: Apache-2.0 */
/* confine: after the walls are up, a worker is nobody, sees nothing and can do next to nothing. Needs root. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "agent/confine.h"

enum { GATE_OK = 42, GATE_BROKEN = 43 };

static void put_up_walls(enum confine_role role)
{
	static const char *const dirs[] = { "/etc", "/no/such/dir" };
	bool files;
	struct diag d;

	diag_init(&d);
	if (confine_memory(512 << 20) != E_OK ||
	    confine_privileges(role == CONFINE_WORKER || role == CONFINE_COMPILER ? "/proc" : NULL, CONFINE_ID, &d) !=
		    E_OK ||
	    (role == CONFINE_COURIER && confine_files(dirs, countof(dirs), NULL, &files, &d) != E_OK) ||
	    confine_no_threads() != E_OK || confine_syscalls(role, &d) != E_OK)
		_exit(GATE_BROKEN);
}

/* Run body(arg) in a confined child; its wait status. */
static int confined_as(enum confine_role role, int (*body)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		put_up_walls(role);
		_exit(body());
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	return status;
}

static int confined(int (*body)(void))
{
	return confined_as(CONFINE_WORKER, body);
}

static bool killed(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

static int do_nothing(void)
{
	return GATE_OK;
}

static int do_read_own_proc(void)
{
	int fd = open("/self/stat", O_RDONLY);

	return fd >= 0 ? GATE_OK : errno;
}

/* The root directory is /proc: there is no /etc here. */
static int do_look_outside(void)
{
	return open("/etc/passwd", O_RDONLY) < 0 && open("/../etc/passwd", O_RDONLY) < 0 ? GATE_OK : 1;
}

static int do_look_into_root_of_1(void)
{
	return open("/1/root/etc/passwd", O_RDONLY) < 0 && open("/1/environ", O_RDONLY) < 0 &&
			       open("/1/mem", O_RDONLY) < 0
		       ? GATE_OK
		       : 1;
}

static int do_write_sysctl(void)
{
	return open("/sys/kernel/core_pattern", O_WRONLY);
}

static int do_create(void)
{
	return open("/x", O_RDONLY | O_CREAT, 0600);
}

static int do_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int do_exec(void)
{
	char *argv[] = { NULL };

	return execve("/self/exe", argv, argv);
}

static int do_fork(void)
{
	return (int)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

static int do_ptrace(void)
{
	return (int)syscall(SYS_ptrace, 16, getppid(), 0, 0);
}

static int do_kill_parent(void)
{
	return (int)syscall(SYS_tgkill, getppid(), getppid(), 0);
}

static int do_kill(void)
{
	return kill(getppid(), 0);
}

static int do_bpf(void)
{
	return (int)syscall(SYS_bpf, 0, NULL, 0);
}

static int do_map_exec(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int do_make_exec(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

/* Native code, as another process hands it over: "return 42" of x86-64, sealed. Made before the walls are up. */
static int code_fd = -1;

static void make_code(void)
{
	static const uint8_t code[] = { 0xb8, GATE_OK, 0, 0, 0, 0xc3 };

	code_fd = memfd_create("code", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	CHECK(code_fd >= 0);
	CHECK_OK(io_write_all(code_fd, code, sizeof code));
	CHECK_EQ(fcntl(code_fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
}

static void *map_code(int prot, int flags)
{
	return mmap(NULL, 4096, prot, flags, code_fd, 0);
}

static int do_run_code(void)
{
	void *p = map_code(PROT_READ | PROT_EXEC, MAP_SHARED);

	if (p == MAP_FAILED || !(fcntl(code_fd, F_GET_SEALS) & F_SEAL_WRITE))
		return GATE_BROKEN;
	/* Never writable, not even instead. */
	if (mprotect(p, 4096, PROT_READ | PROT_WRITE) == 0 || errno != EACCES)
		return GATE_BROKEN;
#ifdef __x86_64__
	return ((int (*)(void))(uintptr_t)p)();
#else
	return GATE_OK;
#endif
}

static int do_map_code_private(void)
{
	return map_code(PROT_READ | PROT_EXEC, MAP_PRIVATE) == MAP_FAILED;
}

static int do_map_code_validated(void)
{
	return map_code(PROT_READ | PROT_EXEC, MAP_SHARED_VALIDATE) == MAP_FAILED;
}

static int do_map_code_writable(void)
{
	return map_code(PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED) == MAP_FAILED;
}

static int do_map_code_unreadable(void)
{
	return map_code(PROT_EXEC, MAP_SHARED) == MAP_FAILED;
}

static int do_map_code_over(void)
{
	return mmap((void *)(uintptr_t)0x100000, 4096, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, code_fd, 0) ==
	       MAP_FAILED;
}

static int do_map_shared_memory_exec(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int do_map_code(void)
{
	return map_code(PROT_READ | PROT_EXEC, MAP_SHARED) == MAP_FAILED;
}

static int do_map_code_without_leave(void)
{
	return confine_no_code() == E_OK ? do_map_code() : GATE_BROKEN;
}

/* A file that it writes itself: with it everything above would be for nothing. */
static int do_make_file(void)
{
	return memfd_create("own", MFD_CLOEXEC);
}

static int do_seal(void)
{
	return fcntl(code_fd, F_ADD_SEALS, F_SEAL_WRITE);
}

static int do_dup(void)
{
	return fcntl(code_fd, F_DUPFD, 10);
}

/* What is written to cannot be read, so it cannot be mapped. */
static int do_map_output(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, code_fd, 0) == MAP_FAILED && errno == EACCES
		       ? GATE_OK
		       : GATE_BROKEN;
}

static int do_undo_dumpable(void)
{
	return (int)syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static int do_open_after_scan(void)
{
	if (confine_no_open() != E_OK)
		return 1;
	return open("/self/stat", O_RDONLY);
}

static int do_x32(void)
{
	return (int)syscall(0x40000000 | SYS_getpid);
}

TEST(a_confined_worker_can_do_its_work)
{
	if (geteuid())
		SKIP("needs root");
	CHECK_EQ(confined(do_nothing), GATE_OK << 8);
	CHECK_EQ(confined(do_read_own_proc), GATE_OK << 8);
	CHECK_EQ(confined(do_look_outside), GATE_OK << 8);
	CHECK_EQ(confined(do_look_into_root_of_1), GATE_OK << 8);
}

TEST(whatever_else_it_tries_kills_it)
{
	static const struct {
		const char *name;
		int (*body)(void);
	} rows[] = {
		{ "write a sysctl", do_write_sysctl },
		{ "create a file", do_create },
		{ "socket", do_socket },
		{ "exec", do_exec },
		{ "fork", do_fork },
		{ "ptrace", do_ptrace },
		{ "signal another process", do_kill_parent },
		{ "kill(2)", do_kill },
		{ "bpf", do_bpf },
		{ "map executable memory", do_map_exec },
		{ "make memory executable", do_make_exec },
		{ "map code privately", do_map_code_private },
		{ "map code, validated", do_map_code_validated },
		{ "map code writable", do_map_code_writable },
		{ "map code, not to be read", do_map_code_unreadable },
		{ "map code over something", do_map_code_over },
		{ "map shared memory executable", do_map_shared_memory_exec },
		{ "map code without leave", do_map_code_without_leave },
		{ "make a file in memory", do_make_file },
		{ "seal a file", do_seal },
		{ "duplicate a descriptor", do_dup },
		{ "become dumpable", do_undo_dumpable },
		{ "open a file after the scan", do_open_after_scan },
		{ "another ABI", do_x32 },
	};

	if (geteuid())
		SKIP("needs root");
	make_code();
	for (size_t i = 0; i < countof(rows); i++) {
		test_row = rows[i].name;
		CHECK(killed(confined(rows[i].body)));
	}
}

TEST(a_worker_runs_code_that_it_was_handed_and_maps_nothing_that_it_can_write_to)
{
	char path[] = "/tmp/sallyport-output-XXXXXX";
	int fd;

	if (geteuid())
		SKIP("needs root");
	make_code();
	CHECK_EQ(confined(do_run_code), GATE_OK << 8);
	close(code_fd);
	fd = mkstemp(path);
	CHECK(fd >= 0);
	code_fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	CHECK(code_fd >= 0);
	CHECK_EQ(confined(do_map_output), GATE_OK << 8);
	close(fd);
	close(code_fd);
	(void)unlink(path);
}

static int do_compile(void)
{
	int fd = memfd_create("code", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || write(fd, "x", 1) != 1 || fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW))
		return GATE_BROKEN;
	return open("/self/stat", O_RDONLY) < 0 && errno == EACCES ? GATE_OK : GATE_BROKEN;
}

TEST(a_compiler_makes_files_in_memory_and_runs_nothing)
{
	static const struct {
		const char *name;
		int (*body)(void);
	} rows[] = {
		{ "map its code", do_map_code },
		{ "map executable memory", do_map_exec },
		{ "make memory executable", do_make_exec },
		{ "duplicate a descriptor", do_dup },
		{ "socket", do_socket },
		{ "exec", do_exec },
		{ "fork", do_fork },
		{ "ptrace", do_ptrace },
		{ "signal another process", do_kill_parent },
		{ "bpf", do_bpf },
		{ "become dumpable", do_undo_dumpable },
		{ "another ABI", do_x32 },
	};

	if (geteuid())
		SKIP("needs root");
	make_code();
	CHECK_EQ(confined_as(CONFINE_COMPILER, do_compile), GATE_OK << 8);
	for (size_t i = 0; i < countof(rows); i++) {
		test_row = rows[i].name;
		CHECK(killed(confined_as(CONFINE_COMPILER, rows[i].body)));
	}
	close(code_fd);
}

static void status_line(const char *status, const char *key, char *out, size_t max)
{
	const char *at = strstr(status, key);

	out[0] = 0;
	if (at)
		(void)snprintf(out, max, "%.*s", (int)strcspn(at, "\n"), at);
}

/* The courier: what it is for, and nothing else. */

static int do_sockets(void)
{
	int fds[] = { socket(AF_INET, SOCK_STREAM, 0), socket(AF_INET6, SOCK_DGRAM, 0),
		      socket(AF_UNIX, SOCK_DGRAM, 0) };

	for (size_t i = 0; i < countof(fds); i++)
		if (fds[i] < 0)
			return 1;
	return socket(AF_PACKET, SOCK_RAW, 0) < 0 && errno == EAFNOSUPPORT ? GATE_OK : 2;
}

static int do_read_resolver_files(void)
{
	return open("/etc/nsswitch.conf", O_RDONLY) >= 0 || errno == ENOENT ? GATE_OK : errno;
}

/* Files that everybody may read, but that resolving does not need. */
static int do_read_other_files(void)
{
	return open("/usr/bin/env", O_RDONLY) < 0 && errno == EACCES && open("/proc/1/status", O_RDONLY) < 0 &&
			       errno == EACCES
		       ? GATE_OK
		       : 1;
}

static int do_write_files(void)
{
	return open("/tmp/sallyport-courier", O_WRONLY | O_CREAT, 0600) < 0 && errno == EACCES &&
			       open("/etc/hosts", O_RDWR) < 0 && errno == EACCES
		       ? GATE_OK
		       : 1;
}

static int do_load_library(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
			       errno == EPERM
		       ? GATE_OK
		       : 1;
}

static int do_thread(void)
{
	return fork() < 0 && errno == EAGAIN ? GATE_OK : 1;
}

static bool have_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0;
}

static int page_fd = -1; /* as the supervisor makes one */

static int map_as_a_shadow(bool writable)
{
	int prot = PROT_READ | (writable ? PROT_WRITE : 0);
	void *own, *shared;

	if (confine_no_shared_writes() != E_OK)
		return GATE_BROKEN;
	own = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (own == MAP_FAILED)
		return GATE_BROKEN;
	shared = mmap(NULL, 4096, prot, MAP_SHARED, page_fd, 0);
	return shared != MAP_FAILED && *(const char *)shared == 'x' ? GATE_OK : GATE_BROKEN;
}

static int map_to_read(void)
{
	return map_as_a_shadow(false);
}

static int map_to_write(void)
{
	return map_as_a_shadow(true);
}

TEST(a_shadow_maps_nothing_that_others_would_see_change)
{
	if (geteuid())
		SKIP("needs root");
	page_fd = memfd_create("page", MFD_CLOEXEC);
	CHECK(page_fd >= 0 && write(page_fd, "x", 1) == 1);
	CHECK_EQ(confined(map_to_read), GATE_OK << 8);
	CHECK(killed(confined(map_to_write)));
	close(page_fd);
}

TEST(a_confined_courier_has_sockets_and_the_resolver_and_no_other_files)
{
	if (geteuid())
		SKIP("needs root");
	CHECK_EQ(confined_as(CONFINE_COURIER, do_sockets), GATE_OK << 8);
	CHECK_EQ(confined_as(CONFINE_COURIER, do_read_resolver_files), GATE_OK << 8);
	CHECK_EQ(confined_as(CONFINE_COURIER, do_write_files), GATE_OK << 8);
	CHECK_EQ(confined_as(CONFINE_COURIER, do_load_library), GATE_OK << 8);
	CHECK_EQ(confined_as(CONFINE_COURIER, do_thread), GATE_OK << 8);
	if (!have_landlock())
		SKIP("this kernel has no Landlock: other files cannot be hidden");
	CHECK_EQ(confined_as(CONFINE_COURIER, do_read_other_files), GATE_OK << 8);
}

TEST(whatever_else_a_courier_tries_kills_it)
{
	static const struct {
		const char *name;
		int (*body)(void);
	} rows[] = {
		{ "exec", do_exec },       { "ptrace", do_ptrace }, { "signal another process", do_kill_parent },
		{ "kill(2)", do_kill },    { "bpf", do_bpf },       { "become dumpable", do_undo_dumpable },
		{ "another ABI", do_x32 },
	};

	if (geteuid())
		SKIP("needs root");
	for (size_t i = 0; i < countof(rows); i++) {
		test_row = rows[i].name;
		CHECK(killed(confined_as(CONFINE_COURIER, rows[i].body)));
	}
}

TEST(proc_status_shows_a_nobody_without_capabilities_under_a_filter)
{
	static const struct {
		const char *key, *want;
	} rows[] = {
		{ "Uid:", "Uid:\t65534\t65534\t65534\t65534" },
		{ "Gid:", "Gid:\t65534\t65534\t65534\t65534" },
		{ "Groups:", "Groups:\t " },
		{ "NoNewPrivs:", "NoNewPrivs:\t1" },
		{ "Seccomp:", "Seccomp:\t2" },
		{ "CapInh:", "CapInh:\t0000000000000000" },
		{ "CapPrm:", "CapPrm:\t0000000000000000" },
		{ "CapEff:", "CapEff:\t0000000000000000" },
		{ "CapBnd:", "CapBnd:\t0000000000000000" },
		{ "CapAmb:", "CapAmb:\t0000000000000000" },
	};
	char path[64], line[128], *status = NULL;
	size_t len;
	int up[2], down[2];
	char c;
	pid_t pid;

	if (geteuid())
		SKIP("needs root");
	CHECK_EQ(pipe(up) | pipe(down), 0);
	pid = fork();
	if (pid == 0) {
		put_up_walls(CONFINE_WORKER);
		(void)!write(up[1], "r", 1);
		(void)!read(down[0], &c, 1);
		_exit(0);
	}
	CHECK_EQ(read(up[0], &c, 1), 1);
	(void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	CHECK_OK(io_read_file(path, 64 << 10, &status, &len, NULL));
	for (size_t i = 0; i < countof(rows); i++) {
		test_row = rows[i].key;
		status_line(status, rows[i].key, line, sizeof line);
		CHECK_STR(line, rows[i].want);
	}
	free(status);
	(void)!write(down[1], "x", 1);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	for (int i = 0; i < 2; i++) {
		close(up[i]);
		close(down[i]);
	}
}

TEST(the_filters_check_the_machine_before_the_number)
{
	static const enum confine_role roles[] = { CONFINE_WORKER, CONFINE_COURIER, CONFINE_COURIER_DIR,
						   CONFINE_STEWARD, CONFINE_COMPILER };
	struct sock_filter f[CONFINE_MAX_INSNS];

	for (size_t i = 0; i < countof(roles); i++) {
		size_t n = confine_filter(roles[i], f, countof(f));

		CHECK(n > 50);
		CHECK_EQ(f[0].code, BPF_LD | BPF_W | BPF_ABS);
		CHECK_EQ(f[0].k, 4); /* offsetof(struct seccomp_data, arch) */
		CHECK_EQ(f[n - 1].code, BPF_RET | BPF_K);
		CHECK_EQ(f[n - 1].k, 0x80000000u); /* SECCOMP_RET_KILL_PROCESS */
	}
}
