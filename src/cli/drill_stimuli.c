/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drill_stimuli: the shapes of attacks without their harm.
 *
 * Each does on this host what a rule looks for, with programs that do nothing and a network peer that is this process
 * itself. Each cleans up after itself; what it starts it waits for or kills.
 */
#include "cli/cli.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { LINGER_MS = 300 };

static const char harmless[] = "/bin/true";

static void nap(unsigned ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	(void)nanosleep(&t, NULL);
}

/* A child with silent output that runs exec_child(arg), which should not return. */
static pid_t start(void (*exec_child)(const void *arg), const void *arg)
{
	pid_t pid = fork();
	int null;

	if (pid)
		return pid;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		(void)dup2(null, STDOUT_FILENO);
		(void)dup2(null, STDERR_FILENO);
	}
	exec_child(arg);
	_exit(127);
}

/* 0 when the child ended well, ENOEXEC when what it should run could not be. */
static int finish(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return errno;
	return WIFEXITED(status) && WEXITSTATUS(status) != 127 ? 0 : ENOEXEC;
}

static void stop(pid_t pid)
{
	if (pid > 0) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
}

/* Copy the harmless program to an open file. */
static int copy_harmless(int to)
{
	AUTO_FD int from = open(harmless, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (from < 0 || fstat(from, &st))
		return errno;
	for (off_t left = st.st_size; left > 0;) {
		ssize_t n = sendfile(to, from, NULL, (size_t)left);

		if (n <= 0)
			return n ? errno : EIO;
		left -= n;
	}
	return 0;
}

static void exec_fd(const void *fd)
{
	char name[] = "drill", *argv[] = { name, NULL }, *envp[] = { NULL };

	fexecve(*(const int *)fd, argv, envp);
}

static void exec_path(const void *path)
{
	char name[] = "drill", *argv[] = { name, NULL }, *envp[] = { NULL };

	execve(path, argv, envp);
}

static int memfd_exec(const char *dir)
{
	int fd = memfd_create("drill", MFD_CLOEXEC), error;

	(void)dir;
	if (fd < 0)
		return errno;
	error = copy_harmless(fd);
	if (!error)
		error = finish(start(exec_fd, &fd));
	close(fd);
	return error;
}

static int memfd_script(const char *dir)
{
	static const char script[] = "#!/bin/sh\nexit 0\n";
	int fd = memfd_create("drill-script", 0),
	    error = 0; /* the interpreter opens it by its number: not close-on-exec */
	char path[64];

	(void)dir;
	if (fd < 0)
		return errno;
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (io_write_all(fd, script, sizeof script - 1) != E_OK)
		error = errno;
	if (!error)
		error = finish(start(exec_path, path));
	close(fd);
	return error;
}

static void open_shadow(const void *arg)
{
	int fd = open("/etc/shadow", O_RDONLY | O_CLOEXEC);

	(void)arg;
	_exit(fd < 0 ? 127 : 0); /* opened, never read */
}

static int read_shadow(const char *dir)
{
	(void)dir;
	return finish(start(open_shadow, NULL));
}

static int run_copy(const char *path, bool keep_name)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0700), error, ro;

	if (fd < 0)
		return errno;
	error = copy_harmless(fd);
	close(fd); /* a file that is open for writing cannot be executed: ETXTBSY */
	ro = open(path, O_RDONLY | O_CLOEXEC);
	if (!keep_name)
		(void)unlink(path);
	if (!error)
		error = keep_name ? finish(start(exec_path, path)) : finish(start(exec_fd, &ro));
	if (ro >= 0)
		close(ro);
	(void)unlink(path);
	return error;
}

static int devshm_exec(const char *dir)
{
	char path[64];

	(void)dir;
	(void)snprintf(path, sizeof path, "/dev/shm/sallyport-drill-%d", (int)getpid());
	return run_copy(path, true);
}

static int deleted_exec(const char *dir)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof path, "%s/gone", dir);
	return run_copy(path, false);
}

/* A listening socket of our own, and a connection to it: {listener, client}. Nothing is ever sent. */
static int loopback(int fds[2])
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;

	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fds[0] < 0 || fds[1] < 0 || bind(fds[0], (struct sockaddr *)&a, sizeof a) || listen(fds[0], 1) ||
	    getsockname(fds[0], (struct sockaddr *)&a, &len))
		return errno;
	return connect(fds[1], (struct sockaddr *)&a, sizeof a) ? errno : 0;
}

static void exec_shell_on(const void *fd)
{
	char name[] = "sh", *argv[] = { name, NULL }, *envp[] = { NULL };

	(void)dup2(*(const int *)fd, STDIN_FILENO);
	execve("/bin/sh", argv, envp);
}

static int socket_shell(const char *dir)
{
	int fds[2] = { -1, -1 }, error = loopback(fds);
	pid_t shell;

	(void)dir;
	if (!error) {
		shell = start(exec_shell_on, &fds[1]);
		nap(LINGER_MS);
		stop(shell);
	}
	close(fds[0]);
	close(fds[1]);
	return error;
}

struct chain {
	const char *fifo;
	int pipe_in; /* cat writes, the shell reads */
};

static void exec_cat(const void *arg)
{
	const struct chain *c = arg;
	char name[] = "cat", path[PATH_MAX], *argv[] = { name, path, NULL }, *envp[] = { NULL };

	(void)snprintf(path, sizeof path, "%s", c->fifo);
	(void)dup2(c->pipe_in, STDOUT_FILENO);
	execve("/bin/cat", argv, envp);
}

/* The far end, as nc is in `cat f | sh | nc host port > f`: a connection out, and the FIFO open for writing. */
static void be_network_end(const void *arg)
{
	const struct chain *c = arg;
	int fds[2];

	if (open(c->fifo, O_WRONLY | O_CLOEXEC) < 0 || loopback(fds))
		_exit(127);
	nap(10 * LINGER_MS);
	_exit(0);
}

static int fifo_shell(const char *dir)
{
	char fifo[PATH_MAX];
	struct chain c = { .fifo = fifo };
	pid_t cat, shell, net;
	int p[2];

	(void)snprintf(fifo, sizeof fifo, "%s/f", dir);
	if (mkfifo(fifo, 0600))
		return errno;
	net = start(be_network_end, &c); /* before the pipe is there: it must not hold that too */
	if (pipe2(p, O_CLOEXEC)) {
		stop(net);
		return errno;
	}
	c.pipe_in = p[1];
	cat = start(exec_cat, &c);
	shell = start(exec_shell_on, &p[0]);
	close(p[0]);
	close(p[1]);
	nap(LINGER_MS);
	stop(net);
	stop(shell);
	stop(cat);
	return unlink(fifo) ? errno : cat < 0 || shell < 0 || net < 0 ? EAGAIN : 0;
}

const struct drill_stimulus drill_stimuli[] = {
	{ "memfd-exec", "run a copy of /bin/true from an anonymous memory file", memfd_exec },
	{ "memfd-script", "run an empty shell script from an anonymous memory file", memfd_script },
	{ "read-shadow", "open /etc/shadow for reading, and close it unread", read_shadow },
	{ "devshm-exec", "run a copy of /bin/true from /dev/shm", devshm_exec },
	{ "deleted-exec", "run a copy of /bin/true that has no name any more", deleted_exec },
	{ "socket-shell", "start a shell whose input is a connection to this very program", socket_shell },
	{ "fifo-shell", "start a shell that reads over cat and a FIFO from a process with a connection", fifo_shell },
};
const size_t drill_n_stimuli = countof(drill_stimuli);
