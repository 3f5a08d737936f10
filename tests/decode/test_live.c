/* SPDX-License-Identifier: Apache-2.0 */
/* decode on the running kernel: what real shells do, through the real programs, to events. Skipped where the kernel
 * does not grant it. */
#include "sensor/decode/decode.h"

#include "../kern/bed.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

enum { ALL_TYPES = (1 << TEMPLATE_N_TYPES) - 1, WAIT_MS = 4000 };

/* What came of the children of this test: "ipc_pipe sh <- cat <- tool connect". */
struct live {
	struct bed bed;
	struct decode *d;
	struct buf log;
	int listener;
	uint16_t port;
	char dir[64], tool[256];
	uint64_t malformed;
};

static void value(const struct event *e, uint32_t id, struct buf *out)
{
	buf_putc(out, ' ');
	if (!event_format(e, id, -1, out))
		buf_putc(out, '-');
}

static bool descends(struct live *l, const struct event *e)
{
	struct proc *p = proc_find_pid(decode_procs(l->d), (uint32_t)event_u64(e, FIELD_proc_pid));

	for (uint32_t i = 0; p && i < PROC_MAX_ANCESTORS; i++, p = p->parent)
		if (p->key.pid == (uint32_t)getpid())
			return true;
	return false;
}

static void on_event(void *user, struct event *e)
{
	struct live *l = user;

	if (e->type_index == TEMPLATE_TYPE_file_open || e->type_index == TEMPLATE_TYPE_process_exit || !descends(l, e))
		return;
	buf_printf(&l->log, "%s", e->type->name);
	value(e, FIELD_proc_name, &l->log);
	switch (e->type_index) {
	case TEMPLATE_TYPE_ipc_pipe:
		value(e, FIELD_ipc_pipe_kind, &l->log);
		value(e, FIELD_ipc_pipe_edge, &l->log);
		value(e, FIELD_ipc_pipe_path, &l->log);
		buf_puts(&l->log, " |");
		value(e, FIELD_ipc_pipe_chain, &l->log);
		break;
	case TEMPLATE_TYPE_process_exec:
		value(e, FIELD_proc_cmdline, &l->log);
		buf_puts(&l->log, " |");
		value(e, FIELD_proc_aname, &l->log);
		value(e, FIELD_proc_is_script_from_memfd, &l->log);
		break;
	default:
		value(e, TEMPLATE_CAP + 1, &l->log);
	}
	buf_putc(&l->log, '\n');
}

static void find_tool(struct live *l)
{
	ssize_t n = readlink("/proc/self/exe", l->tool, sizeof l->tool - 32);
	char *slash;

	CHECK(n > 0);
	l->tool[n] = 0;
	slash = strrchr(l->tool, '/');
	(void)snprintf(slash, 32, "/e2e/e2e-netpipe");
	if (access(l->tool, X_OK))
		SKIP("no e2e-netpipe next to this test");
}

static void begin(struct live *l)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;
	struct decode_opts o = { .table = &template_builtin, .types = ALL_TYPES, .emit = on_event, .emit_user = l };

	*l = (struct live){ .dir = "/tmp/decode-live-XXXXXX" };
	find_tool(l);
	bed_open(&l->bed, BED_ALL);
	buf_init(&l->log, 1 << 20);
	buf_puts(&l->log, "");
	CHECK_OK(decode_new(&o, &l->d));
	CHECK(mkdtemp(l->dir));
	l->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(!bind(l->listener, (struct sockaddr *)&a, sizeof a) && !listen(l->listener, 8));
	CHECK(!getsockname(l->listener, (struct sockaddr *)&a, &len));
	l->port = ntohs(a.sin_port);
}

static void end(struct live *l)
{
	char cmd[128];

	(void)snprintf(cmd, sizeof cmd, "rm -rf %s", l->dir);
	CHECK_EQ(system(cmd), 0);
	close(l->listener);
	decode_free(l->d);
	buf_done(&l->log);
	bed_close(&l->bed);
}

static void drain(struct live *l)
{
	struct view v;

	while (ring_next(l->bed.r, &v))
		l->malformed += decode_record(l->d, v) != E_OK;
}

/* Run fn in a child, in the test's directory, until the text stands in the log (NULL: until it ended); it is killed
 * then. */
static void run(struct live *l, void (*fn)(void *arg), void *arg, const char *until)
{
	pid_t pid;
	int status, waited_ms = 0;

	drain(l);
	buf_reset(&l->log);
	buf_puts(&l->log, "");
	pid = fork();
	if (!pid) {
		(void)setpgid(0, 0);
		if (!chdir(l->dir))
			fn(arg);
		_exit(99);
	}
	while (waited_ms++ < WAIT_MS) {
		drain(l);
		if (until && l->log.p && strstr(l->log.p, until))
			break;
		if (!until && waitpid(pid, &status, WNOHANG) == pid)
			pid = 0;
		if (!pid)
			until = "\1"; /* some more, for what is still in the ring */
		if (!pid && waited_ms > 50)
			break;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	drain(l);
	if (pid) {
		(void)kill(-pid, 9);
		CHECK_EQ(waitpid(pid, &status, 0), pid);
	}
	CHECK_EQ(l->malformed, 0);
}

static void exec_argv(void *arg)
{
	char **argv = arg;

	execv(argv[0], argv);
}

/* $TOOL and $PORT: what connects, and where to. */
static void sh(struct live *l, const char *shell, const char *script, const char *until)
{
	const char *argv[] = { shell, "-c", script, NULL };
	char port[8];

	(void)snprintf(port, sizeof port, "%u", l->port);
	CHECK(!setenv("TOOL", l->tool, 1) && !setenv("PORT", port, 1));
	run(l, exec_argv, argv, until);
}

static const char *const shells[] = { "/bin/sh", "/bin/bash" };

TEST(real_shells_fed_by_a_fifo)
{
	struct live l;

	begin(&l);
	for (size_t i = 0; i < countof(shells); i++) {
		test_row = shells[i];
		sh(&l, shells[i], "rm -f f; mkfifo f; sh < f | $TOOL $PORT > f", "ipc_pipe sh");
		CHECK_HAS(l.log.p, "sh <- e2e-netpipe\n");
		CHECK_HAS(l.log.p, "ipc_pipe sh fifo "); /* which edge comes last is a matter of luck */
		CHECK_HAS(l.log.p, "/f |");
	}
	end(&l);
}

TEST(real_shells_in_a_chain_of_three)
{
	struct live l;

	begin(&l);
	for (size_t i = 0; i < countof(shells); i++) {
		test_row = shells[i];
		sh(&l, shells[i], "rm -f f; mkfifo f; cat f | sh -i 2>&1 | $TOOL $PORT > f", "ipc_pipe sh");
		CHECK_HAS(l.log.p, "| sh <- cat <- e2e-netpipe\n");
		CHECK_HAS(l.log.p, "ipc_pipe sh pipe ");
	}
	end(&l);
}

TEST(real_pipelines_are_quiet)
{
	struct live l;

	begin(&l);
	for (size_t i = 0; i < countof(shells); i++) {
		test_row = shells[i];
		sh(&l, shells[i],
		   "ls / | grep x | sh; echo true | sh; x=$(cat /etc/hostname | tr a b); "
		   "echo ls | $TOOL $PORT > /dev/null",
		   NULL);
		CHECK(!strstr(l.log.p, "ipc_pipe"));
		CHECK_HAS(l.log.p, "process_exec grep grep x |");
	}
	end(&l);
}

enum script { BY_EXECVEAT, BY_PROC, BY_INTERPRETER, BY_FILE, BY_PIPE };

static void run_script(void *arg)
{
	static const char text[] = "#!/bin/sh\nexit 0\n";
	enum script how = *(enum script *)arg;
	int fd = how == BY_FILE ? open("script", O_CREAT | O_RDWR, 0700) : (int)syscall(SYS_memfd_create, "x", 0),
	    ends[2];
	char name[] = "sh", path[32], *argv[] = { name, path, NULL }, *env[] = { NULL };

	if (write(fd, text, sizeof text - 1) < 0 || fchmod(fd, 0700) || lseek(fd, 0, SEEK_SET) || pipe(ends))
		_exit(98);
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", how == BY_PIPE ? ends[0] : fd);
	close(ends[1]);
	if (how == BY_EXECVEAT)
		syscall(SYS_execveat, fd, "", argv, env, 0x1000 /* AT_EMPTY_PATH */);
	else if (how == BY_PROC)
		execve(path, argv, env);
	else if (how == BY_FILE && !close(fd)) /* nobody may have it open for writing */
		execve("script", argv, env);
	else
		execve("/bin/sh", argv, env);
	_exit(97);
}

TEST(real_scripts_in_memory_files)
{
	static const struct {
		const char *name;
		enum script how;
		bool want;
	} rows[] = { { "execveat", BY_EXECVEAT, true },
		     { "execve of /proc/self/fd", BY_PROC, true },
		     { "an interpreter", BY_INTERPRETER, true },
		     { "a file", BY_FILE, false },
		     { "a pipe", BY_PIPE, false } };
	struct live l;

	begin(&l);
	for (size_t i = 0; i < countof(rows); i++) {
		enum script how = rows[i].how;

		test_row = rows[i].name;
		run(&l, run_script, &how, NULL);
		CHECK_HAS(l.log.p, "process_exec ");
		CHECK_EQ(strstr(l.log.p, " true\n") != NULL, rows[i].want);
	}
	end(&l);
}
