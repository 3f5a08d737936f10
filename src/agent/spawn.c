/* SPDX-License-Identifier: Apache-2.0 */
/* spawn: a worker process: fork and exec of ourselves, with one descriptor and an empty environment. */
#include "agent/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>

enum { SOCKET_TIMEOUT_S = 2, WORKER_NICE = -10 };

static void default_signals(void)
{
	sigset_t none;

	(void)signal(SIGPIPE, SIG_DFL);
	/* Ctrl-C reaches the whole foreground group; when to stop is the supervisor's word. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGQUIT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child: nothing is inherited but stderr and the socket. Whatever fails here ends the child; the supervisor sees
 * it. */
static _Noreturn void become_worker(int sock, const struct worker_cgroup *g, const char *memory)
{
	char self[] = "sallyport", arg[] = AGENT_WORKER_ARG, mib[16];
	char *argv[] = { self, arg, mib, NULL }, *envp[] = { NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)snprintf(mib, sizeof mib, "%s", memory);
	for (uint32_t i = 0; i < g->n; i++)
		(void)!write(g->procs[i], "0", 1);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		_exit(3);
	if (sock == AGENT_WORKER_FD ? fcntl(sock, F_SETFD, 0) : dup2(sock, AGENT_WORKER_FD) < 0)
		_exit(3);
	/* Everything of ours is close-on-exec; this is for what others opened. Since Linux 5.9; without it the kernel
	 * answers ENOSYS. */
	(void)syscall(SYS_close_range, AGENT_WORKER_FD + 1, ~0u, 0);
	/* It empties a bounded buffer: late is lost. Its CPU time is bounded by the cgroup. */
	(void)setpriority(PRIO_PROCESS, 0, WORKER_NICE);
	default_signals();
	execve("/proc/self/exe", argv, envp);
	_exit(3);
}

FALLIBLE child_spawn(const struct worker_cgroup *g, uint32_t memory_mib, struct child *out, struct diag *d)
{
	struct timeval tv = { .tv_sec = SOCKET_TIMEOUT_S };
	char memory[16];
	int sv[2];
	pid_t pid;

	if (control_pair(sv) != E_OK)
		FAIL(d, IO, "socketpair: %s", strerror(errno));
	(void)snprintf(memory, sizeof memory, "%u", memory_mib);
	(void)fflush(NULL);
	pid = fork();
	if (pid == 0)
		become_worker(sv[1], g, memory);
	close(sv[1]);
	*out = (struct child){ .pid = pid, .sock = sv[0], .pidfd = pid > 0 ? pidfd_open(pid, 0) : -1 };
	if (pid < 0 || out->pidfd < 0 || setsockopt(sv[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv) ||
	    setsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv)) {
		int error = errno;

		if (pid > 0)
			(void)kill(pid, SIGKILL);
		child_forget(out);
		FAIL(d, IO, "cannot start a worker: %s", strerror(error));
	}
	return E_OK;
}

void child_forget(struct child *c)
{
	if (c->pidfd >= 0)
		close(c->pidfd);
	if (c->sock >= 0)
		close(c->sock);
	*c = (struct child){ .pidfd = -1, .sock = -1 };
}
