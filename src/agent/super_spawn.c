/* SPDX-License-Identifier: Apache-2.0 */
/* super_spawn: a child process: fork and exec of ourselves, with one descriptor and an empty environment. */
#include "agent/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

enum {
	SOCKET_TIMEOUT_S = 2,
	QUICK_RESTARTS = 3, /* without delay */
	BACKOFF_MS = 100,
	BACKOFF_MAX_MS = 1000, /* nobody watches meanwhile */
	CALM_MS = 60000,       /* without a death: the count starts again */
};

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
static _Noreturn void become_child(int sock, const struct child_opts *o)
{
	char self[] = "sallyport", arg[16], arg2[16];
	char *argv[] = { self, arg, arg2, NULL }, *envp[] = { NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)snprintf(arg, sizeof arg, "%s", o->arg);
	(void)snprintf(arg2, sizeof arg2, "%s", o->arg2);
	for (uint32_t i = 0; o->cgroup && i < o->cgroup->n; i++)
		(void)!write(o->cgroup->procs[i], "0", 1);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		_exit(EXIT_HOST);
	if (sock == AGENT_CHILD_FD ? fcntl(sock, F_SETFD, 0) : dup2(sock, AGENT_CHILD_FD) < 0)
		_exit(EXIT_HOST);
	/* Everything of ours is close-on-exec; this is for what others opened. Since Linux 5.9; without it the kernel
	 * answers ENOSYS. */
	(void)syscall(SYS_close_range, AGENT_CHILD_FD + 1, ~0u, 0);
	(void)setpriority(PRIO_PROCESS, 0, o->nice);
	default_signals();
	execve("/proc/self/exe", argv, envp);
	_exit(EXIT_HOST);
}

FALLIBLE child_spawn(const struct child_opts *o, struct child *out, struct diag *d)
{
	struct timeval tv = { .tv_sec = SOCKET_TIMEOUT_S };
	int sv[2];
	pid_t pid;

	if (control_pair(sv) != E_OK)
		FAIL(d, IO, "socketpair: %s", strerror(errno));
	(void)fflush(NULL);
	pid = fork();
	if (pid == 0)
		become_child(sv[1], o);
	close(sv[1]);
	*out = (struct child){ .name = o->name, .pid = pid, .sock = sv[0], .pidfd = pid > 0 ? pidfd_open(pid, 0) : -1 };
	if (pid < 0 || out->pidfd < 0 || setsockopt(sv[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv) ||
	    setsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv)) {
		int error = errno;

		if (pid > 0)
			(void)kill(pid, SIGKILL);
		child_forget(out);
		FAIL(d, IO, "cannot start a %s: %s", o->name, strerror(error));
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

void child_kill(struct child *c, const char *why)
{
	if (c->pid <= 0 || c->killed)
		return;
	c->killed = true;
	log_error("killing the %s: %s pid=%d", c->name, why, (int)c->pid);
	(void)kill(c->pid, SIGKILL);
}

void child_send2(struct child *c, enum control_type type, int fd, int fd2)
{
	struct control_packet p;

	control_init(&p, type);
	if (fd >= 0)
		p.fds[p.n_fds++] = fd;
	if (fd2 >= 0)
		p.fds[p.n_fds++] = fd2;
	child_pass(c, type, &p);
}

void child_send(struct child *c, enum control_type type, int fd)
{
	child_send2(c, type, fd, -1);
}

void child_pass(struct child *c, enum control_type type, struct control_packet *p)
{
	p->msg.hdr.type = type;
	if (control_send(c->sock, p) != E_OK)
		child_kill(c, "it does not take messages");
}

bool child_receive(struct child *c, struct control_packet *out)
{
	struct diag d;
	enum err err;

	diag_init(&d);
	err = control_recv(c->sock, true, out, &d);
	if (err == E_OK || err == E_NOT_FOUND)
		return err == E_OK;
	/* E_TRUNCATED: it is dead or about to be; its pidfd says so. */
	if (err != E_TRUNCATED)
		child_kill(c, d.text);
	close(c->sock);
	c->sock = -1;
	return false;
}

void child_end(struct child *c)
{
	siginfo_t si;

	if (c->pid <= 0)
		return;
	(void)kill(c->pid, SIGKILL);
	(void)waitid(P_PIDFD, (id_t)c->pidfd, &si, WEXITED);
	child_forget(c);
}

void child_stop(struct child *c, int wait_ms)
{
	struct pollfd p = { .fd = c->pidfd, .events = POLLIN };
	struct control_packet stop;

	if (c->pid <= 0)
		return;
	control_init(&stop, CONTROL_STOP);
	if (control_send(c->sock, &stop) == E_OK)
		(void)poll(&p, 1, wait_ms);
	child_end(c);
}

bool child_reap(struct child *c, siginfo_t *out)
{
	*out = (siginfo_t){ 0 };
	if (waitid(P_PIDFD, (id_t)c->pidfd, out, WEXITED | WNOHANG) || !out->si_pid)
		return false;
	child_forget(c);
	return true;
}

void child_died(const char *name, const siginfo_t *si, const char *meanwhile, struct backoff *b, uint64_t now_ms)
{
	uint64_t delay = backoff_next_ms(b, now_ms);

	b->restart_ms = now_ms + delay;
	log_warning("%s %s (%s %d); %s; the next start is in %.1f s", name,
		    si->si_code == CLD_EXITED ? "ended" : "died", si->si_code == CLD_EXITED ? "exit" : "signal",
		    si->si_status, meanwhile, (double)delay / 1e3);
}

uint64_t backoff_next_ms(struct backoff *b, uint64_t now_ms)
{
	uint32_t steps;

	if (now_ms - b->last_ms > CALM_MS)
		b->recent = 0;
	b->last_ms = now_ms;
	b->recent++;
	if (b->recent <= QUICK_RESTARTS)
		return 0;
	steps = b->recent - QUICK_RESTARTS - 1;
	return steps < 4 ? (uint64_t)BACKOFF_MS << steps : BACKOFF_MAX_MS;
}
