/* SPDX-License-Identifier: Apache-2.0 */
/* Each thing is really done, by a child, and the record must say what was done. */
#include "bed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <pthread.h>

static void do_nothing(void *arg)
{
	(void)arg;
}

static void do_exec(void *arg)
{
	char *argv[] = { (char *)"first", (char *)"second arg", (char *)"", (char *)"last", NULL }, *envp[] = { NULL };

	(void)arg;
	MUST(!chdir("/proc"));
	(void)execve("/bin/true", argv, envp);
	MUST(false);
}

TEST(fork_exec_and_exit_tell_who_what_and_how_it_ended)
{
	const struct wire_fork *f;
	const struct wire_exec *e;
	const struct wire_exit *x;
	struct stat st;
	struct bed b;
	size_t at = sizeof *e;

	bed_open(&b, KERN_HOOK_PROCESS);
	bed_run(&b, do_exec, NULL);
	CHECK_EQ(b.status, 0);
	f = bed_find(&b, WIRE_FORK, 0, sizeof *f);
	CHECK_EQ(f->hdr.pid, getpid());
	CHECK_EQ(f->child_pid, b.pid);
	CHECK_EQ(f->sid, getsid(0));
	e = bed_find(&b, WIRE_EXEC, 0, sizeof *e);
	CHECK_EQ(e->hdr.pid, b.pid);
	CHECK_EQ(e->hdr.start_ns, f->child_start_ns);
	CHECK_EQ(e->hdr.uid, geteuid());
	CHECK_EQ(e->ppid, getpid());
	CHECK_EQ(e->parent_start_ns, f->hdr.start_ns);
	CHECK_EQ(e->sid, getsid(0));
	CHECK(e->hdr.time_ns >= f->hdr.time_ns);
	CHECK_STR(e->hdr.comm, "true");
	CHECK_EQ(stat("/bin/true", &st), 0);
	CHECK_EQ(e->exe_ino, st.st_ino);
	CHECK_EQ(e->fields.exe_mode, st.st_mode);
	CHECK_EQ(e->fields.exe_nlink, st.st_nlink);
	CHECK_HAS(bed_path(e, at, e->exe), "bin/true");
	CHECK_EQ(e->exe.flags, 0);
	at += e->exe.len;
	CHECK_STR(bed_path(e, at, e->cwd), "/proc");
	at += e->cwd.len;
	CHECK_STR(bed_text(e, at, e->filename), "/bin/true");
	at += e->filename.len;
	CHECK_STR(bed_text(e, at, e->interp), "/bin/true");
	at += e->interp.len;
	CHECK_EQ(e->args.len, sizeof "first\0second arg\0\0last");
	CHECK(!memcmp(bed_text(e, at, e->args), "first\0second arg\0\0last", e->args.len));
	CHECK_EQ(at + e->args.len + e->cgroup.len, e->hdr.bytes);
	x = bed_find(&b, WIRE_EXIT, 0, sizeof *x);
	CHECK_EQ(x->hdr.start_ns, f->child_start_ns);
	CHECK_EQ(x->fields.status, 0);
	bed_close(&b);
}

static void do_exec_script(void *arg)
{
	static char big[6000]; /* more than WIRE_ARGS_BYTES */
	int fd = open("/tmp/sallyport-script", O_CREAT | O_TRUNC | O_WRONLY, 0755);

	(void)arg;
	MUST(fd >= 0 && write(fd, "#!/bin/sh -e\nexit 5\n", 20) == 20 && !close(fd));
	memset(big, 'a', sizeof big - 1);
	(void)execl("/tmp/sallyport-script", "zero", big, NULL);
	MUST(false);
}

TEST(a_script_shows_its_interpreter_and_long_arguments_are_cut)
{
	const struct wire_exec *e;
	const char *args;
	struct bed b;
	size_t at;

	bed_open(&b, KERN_HOOK_PROCESS);
	bed_run(&b, do_exec_script, NULL);
	(void)unlink("/tmp/sallyport-script");
	CHECK_EQ(WEXITSTATUS(b.status), 5);
	e = bed_find(&b, WIRE_EXEC, 0, sizeof *e);
	at = sizeof *e + e->exe.len + e->cwd.len;
	CHECK_STR(bed_text(e, at, e->filename), "/tmp/sallyport-script");
	at += e->filename.len;
	CHECK_STR(bed_text(e, at, e->interp), "/bin/sh");
	at += e->interp.len;
	CHECK_EQ(e->args.len, WIRE_ARGS_BYTES);
	CHECK_EQ(e->args.flags, WIRE_SEG_CUT);
	args = bed_text(e, at, e->args);
	CHECK_STR(args, "/bin/sh");
	CHECK_STR(args + 8, "-e");
	CHECK_STR(args + 11,
		  "/tmp/sallyport-script"); /* argument 0 of the caller is gone: the kernel put these instead */
	CHECK_EQ(args[WIRE_ARGS_BYTES - 2], 'a');
	CHECK_EQ(args[WIRE_ARGS_BYTES - 1], 0);
	bed_close(&b);
}

static void do_end(void *arg)
{
	if (*(int *)arg < 0)
		(void)kill(getpid(), -*(int *)arg);
	_exit(*(int *)arg);
}

static void *end_later(void *arg)
{
	(void)arg;
	usleep(20000);
	syscall(SYS_exit, 7);
	return NULL;
}

static void do_end_leader_first(void *arg)
{
	pthread_t t[4];

	(void)arg;
	for (int i = 0; i < 4; i++)
		MUST(!pthread_create(&t[i], NULL, end_later, NULL));
	syscall(SYS_exit, 3);
}

TEST(exit_status_is_the_one_that_wait_gives_and_is_told_once)
{
	static const struct {
		const char *name;
		void (*fn)(void *);
		int arg;
	} rows[] = {
		{ "exit code", do_end, 42 },
		{ "killed", do_end, -SIGKILL },
		{ "threads outlive the leader", do_end_leader_first, 0 },
	};
	struct bed b;

	bed_open(&b, KERN_HOOK_PROCESS);
	for (size_t i = 0; i < countof(rows); i++) {
		const struct wire_exit *x;
		int arg = rows[i].arg;

		test_row = rows[i].name;
		bed_run(&b, rows[i].fn, &arg);
		x = bed_find(&b, WIRE_EXIT, 0, sizeof *x);
		CHECK_EQ(x->fields.status, b.status);
		CHECK_EQ(bed_count(&b, WIRE_EXIT), 1);
		CHECK_EQ(bed_count(&b, WIRE_FORK), 1); /* threads are no processes */
	}
	bed_close(&b);
}

static void do_exec_with_fds(void *arg)
{
	int p[2], s[2];

	(void)arg;
	MUST(!pipe(p) && !socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	MUST(dup2(p[0], 0) == 0 && dup2(s[0], 1) == 1);
	MUST(dup2(open("/", O_RDONLY | O_DIRECTORY), 9) == 9);
	MUST(dup3(p[1], 10, O_CLOEXEC) == 10);
	MUST(dup2(s[1], 11) == 11);
	for (int fd = 3; fd < 9; fd++)
		close(fd);
	(void)execl("/bin/true", "true", NULL);
	MUST(false);
}

static const struct wire_fd *exec_fd(const struct wire_exec *e, uint32_t fd)
{
	for (uint32_t i = 0; i < e->n_fds; i++)
		if (e->fds[i].fd == fd)
			return &e->fds[i];
	return NULL;
}

TEST(exec_tells_what_the_first_descriptors_are)
{
	const struct wire_exec *e;
	struct bed b;

	bed_open(&b, KERN_HOOK_PROCESS);
	bed_run(&b, do_exec_with_fds, NULL);
	e = bed_find(&b, WIRE_EXEC, 0, sizeof *e);
	CHECK(exec_fd(e, 0) && exec_fd(e, 1) && exec_fd(e, 9) && exec_fd(e, 11));
	CHECK_EQ(exec_fd(e, 0)->kind, WIRE_FD_PIPE);
	CHECK_EQ(exec_fd(e, 0)->flags, WIRE_FD_READ);
	CHECK_EQ(exec_fd(e, 1)->kind, WIRE_FD_UNIX);
	CHECK_EQ(exec_fd(e, 9)->kind, WIRE_FD_DIR);
	CHECK(!exec_fd(e, 10)); /* closed on exec */
	CHECK(exec_fd(e, 1)->ino);
	CHECK_EQ(exec_fd(e, 1)->ino, exec_fd(e, 11)->ino); /* two ends, one number */
	bed_close(&b);
}

static void do_exec_memfd(void *arg)
{
	char buf[65536];
	int fd = memfd_create("evil", 0), from = open("/bin/true", O_RDONLY);
	ssize_t n;

	(void)arg;
	while ((n = read(from, buf, sizeof buf)) > 0)
		MUST(write(fd, buf, (size_t)n) == n);
	(void)fexecve(fd, (char *[]){ (char *)"evil", NULL }, (char *[]){ NULL });
	MUST(false);
}

TEST(memory_files_are_told_when_made_and_when_run)
{
	const struct wire_memfd *m;
	const struct wire_exec *e;
	struct bed b;

	bed_open(&b, KERN_HOOK_MEMFD);
	bed_run(&b, do_exec_memfd, NULL);
	CHECK_EQ(b.status, 0);
	m = bed_find(&b, WIRE_MEMFD, 0, sizeof *m);
	CHECK_STR(bed_text(m, sizeof *m, m->name), "memfd:evil");
	CHECK_EQ(m->fields.num, m->hdr.ret);
	CHECK_EQ(m->fields.flags, 0);
	CHECK_EQ(m->hdr.syscall, SYS_memfd_create);
	e = bed_find(&b, WIRE_EXEC, 0, sizeof *e);
	CHECK_STR(bed_path(e, sizeof *e, e->exe), "/memfd:evil");
	CHECK(e->exe.flags & WIRE_SEG_MEMFD);
	CHECK_EQ(e->fields.exe_nlink, 0);
	bed_close(&b);
}

struct listener {
	int fd, family;
	struct sockaddr_storage addr;
	socklen_t len;
};

static void listen_on(struct listener *l, int family)
{
	struct sockaddr_in *in = (void *)&l->addr;
	struct sockaddr_in6 *in6 = (void *)&l->addr;
	struct sockaddr_un *un = (void *)&l->addr;

	*l = (struct listener){ .family = family, .fd = socket(family, SOCK_STREAM, 0) };
	CHECK(l->fd >= 0);
	l->addr.ss_family = (sa_family_t)family;
	l->len = family == AF_INET ? sizeof *in : sizeof *in6;
	if (family == AF_INET)
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else if (family == AF_INET6)
		in6->sin6_addr = in6addr_loopback;
	else {
		memcpy(un->sun_path, "\0sallyport-test", 15);
		l->len = offsetof(struct sockaddr_un, sun_path) + 15;
	}
	CHECK_EQ(bind(l->fd, (void *)&l->addr, l->len), 0);
	CHECK_EQ(listen(l->fd, 4), 0);
	l->len = sizeof l->addr;
	CHECK_EQ(getsockname(l->fd, (void *)&l->addr, &l->len), 0);
}

static void do_connect(void *arg)
{
	const struct listener *l = arg;
	int fd = socket(l->family, SOCK_STREAM, 0), a;

	MUST(dup2(fd, 20) == 20);
	MUST(!connect(20, (const void *)&l->addr, l->len));
	a = accept(l->fd, NULL, NULL);
	MUST(a >= 0);
	MUST(connect(fd, (const void *)&l->addr, l->len)); /* is connected already: told as failed */
}

TEST(connect_tells_both_addresses)
{
	const struct wire_connect *c;
	const struct wire_fds *a;
	struct listener l;
	struct bed b;

	bed_open(&b, KERN_HOOK_CONNECT | KERN_HOOK_IPC);
	listen_on(&l, AF_INET);
	bed_run(&b, do_connect, &l);
	CHECK_EQ(b.status, 0);
	CHECK_EQ(bed_count(&b, WIRE_CONNECT), 2);
	c = bed_find(&b, WIRE_CONNECT, 1, sizeof *c);
	CHECK_EQ(c->hdr.ret, -EISCONN);
	CHECK(c->sock_flags & WIRE_SOCK_ASKED);
	c = bed_find(&b, WIRE_CONNECT, 0, sizeof *c);
	CHECK_EQ(c->sock_flags, 0);
	CHECK_EQ(c->fields.num, 20);
	CHECK_EQ(c->sock.fd, 20);
	CHECK_EQ(c->sock.kind, WIRE_FD_IPV4);
	CHECK_EQ(c->sock.l4proto, IPPROTO_TCP);
	CHECK(c->sock.flags & WIRE_FD_CONNECTED);
	CHECK_EQ(c->sock.remote_port, ntohs(((struct sockaddr_in *)(void *)&l.addr)->sin_port));
	CHECK(c->sock.local_port);
	CHECK(!memcmp(c->sock.remote_addr, "\x7f\0\0\1\0\0\0", 8));
	CHECK(!memcmp(c->sock.local_addr, "\x7f\0\0\1", 4));
	close(l.fd);

	listen_on(&l, AF_INET6);
	bed_run(&b, do_connect, &l);
	c = bed_find(&b, WIRE_CONNECT, 0, sizeof *c);
	CHECK_EQ(c->sock.kind, WIRE_FD_IPV6);
	CHECK(!memcmp(c->sock.remote_addr, &in6addr_loopback, 16));
	close(l.fd);

	listen_on(&l, AF_UNIX);
	bed_run(&b, do_connect, &l);
	c = bed_find(&b, WIRE_CONNECT, 0, sizeof *c);
	CHECK_EQ(c->sock.kind, WIRE_FD_UNIX);
	CHECK_EQ(c->path.len, 15);
	CHECK(!memcmp(bed_text(c, sizeof *c, c->path), "\0sallyport-test", 15));
	a = bed_find(&b, WIRE_FDS, bed_count(&b, WIRE_FDS) - 1, sizeof *a);
	CHECK_EQ(a->op, WIRE_FDS_OPEN); /* the accepted end */
	CHECK(c->sock.ino);
	CHECK_EQ(a->fds[0].ino, c->sock.ino);
	close(l.fd);
	bed_close(&b);
}

static void do_channels(void *arg)
{
	int p[2], s[2], plain = open("/dev/null", O_RDWR);

	(void)arg;
	MUST(!pipe2(p, O_CLOEXEC));                                                      /* 0: OPEN */
	MUST(!socketpair(AF_UNIX, SOCK_DGRAM, 0, s));                                    /* 1: OPEN */
	MUST(dup2(p[0], 50) == 50);                                                      /* 2: DUP */
	MUST(fcntl(p[1], F_DUPFD_CLOEXEC, 60) == 60);                                    /* 3: DUP */
	MUST(dup2(plain, 51) == 51 && fcntl(plain, F_GETFD) == 0 && dup2(50, 50) == 50); /* nothing */
	MUST(dup2(plain, 50) == 50);                                                     /* 4: DUP: a channel is gone */
	MUST(!close(plain) && !close(51) && !close(50));                                 /* nothing */
	MUST(!close(p[0]));                                                              /* 5: CLOSE */
	MUST(!syscall(SYS_close_range, 60, ~0u, 0));                                     /* 6: CLOSE */
	MUST(syscall(SYS_close, 61) < 0);                                                /* nothing */
}

TEST(pipes_sockets_and_their_copies_are_followed_and_nothing_else)
{
	static const struct {
		const char *name;
		uint32_t op, n, fd, kind;
	} want[] = {
		{ "pipe", WIRE_FDS_OPEN, 2, 0, WIRE_FD_PIPE },
		{ "socketpair", WIRE_FDS_OPEN, 2, 0, WIRE_FD_UNIX },
		{ "dup2", WIRE_FDS_DUP, 1, 50, WIRE_FD_PIPE },
		{ "fcntl", WIRE_FDS_DUP, 1, 60, WIRE_FD_PIPE },
		{ "dup2 over it", WIRE_FDS_DUP, 1, 50, WIRE_FD_CHAR },
		{ "close", WIRE_FDS_CLOSE, 1, 0, WIRE_FD_NONE },
		{ "close_range", WIRE_FDS_CLOSE, 1, 60, WIRE_FD_NONE },
	};
	const struct wire_fds *f, *first;
	struct bed b;

	bed_open(&b, KERN_HOOK_IPC);
	bed_run(&b, do_channels, NULL);
	CHECK_EQ(b.status, 0);
	first = bed_find(&b, WIRE_FDS, 0, sizeof *first);
	CHECK_EQ(first->fds[0].flags, WIRE_FD_READ | WIRE_FD_CLOEXEC);
	CHECK_EQ(first->fds[1].flags, WIRE_FD_WRITE | WIRE_FD_CLOEXEC);
	CHECK_EQ(first->fds[0].ino, first->fds[1].ino);
	CHECK_EQ(bed_count(&b, WIRE_FDS), countof(want));
	for (uint32_t i = 0; i < countof(want); i++) {
		test_row = want[i].name;
		f = bed_find(&b, WIRE_FDS, i, sizeof *f);
		CHECK_EQ(f->op, want[i].op);
		CHECK_EQ(f->n_fds, want[i].n);
		CHECK_EQ(f->fds[0].kind, want[i].kind);
		if (want[i].fd)
			CHECK_EQ(f->fds[0].fd, want[i].fd);
	}
	f = bed_find(&b, WIRE_FDS, 5, sizeof *f);
	CHECK_EQ(f->fds[0].fd, first->fds[0].fd);
	bed_close(&b);
}

/* A descriptor that was there before: known from the iterator, or from the parent. */
static void do_close_inherited(void *arg)
{
	close(((int *)arg)[0]);
}

TEST(inherited_channels_are_followed_after_a_scan)
{
	char buf[WIRE_RECORD_MAX];
	const struct wire_fds *f;
	struct diag d;
	int p[2], it;
	struct bed b;

	CHECK_EQ(pipe(p), 0);
	bed_open(&b, KERN_HOOK_IPC);
	CHECK_OK(kern_iter_open(b.k, &it, &d));
	while (read(it, buf, sizeof buf) > 0)
		;
	close(it);
	bed_run(&b, do_close_inherited, p);
	f = bed_find(&b, WIRE_FDS, 0, sizeof *f);
	CHECK_EQ(f->op, WIRE_FDS_CLOSE);
	CHECK_EQ(f->fds[0].fd, p[0]);
	close(p[0]);
	close(p[1]);
	bed_close(&b);
}

TEST(the_iterator_describes_every_process_in_records_that_delimit_themselves)
{
	static char all[8 << 20];
	size_t len = 0, n_self = 0;
	struct wire_exec e;
	struct diag d;
	struct bed b;
	ssize_t n;
	int fd;

	bed_open(&b, KERN_HOOK_PROCESS);
	for (int round = 0; round < 2; round++) { /* each descriptor starts afresh */
		len = 0;
		CHECK_OK(kern_iter_open(b.k, &fd, &d));
		while ((n = read(fd, all + len, 4096)) > 0) {
			len += (size_t)n;
			CHECK(len + 4096 <= sizeof all);
		}
		CHECK_EQ(n, 0);
		close(fd);
	}
	for (size_t off = 0; off < len; off += e.hdr.bytes) {
		CHECK_OK(VIEW_READ(view_of(all, len), off, &e));
		CHECK(e.hdr.bytes >= sizeof e && e.hdr.bytes <= len - off);
		CHECK_EQ(e.hdr.kind, WIRE_TASK);
		CHECK_EQ(e.filename.len + e.interp.len + e.args.len, 0);
		CHECK_EQ(sizeof e + e.exe.len + e.cwd.len + e.cgroup.len, e.hdr.bytes);
		if (e.hdr.pid == (uint32_t)getpid()) {
			char exe[512] = { 0 };

			n_self++;
			CHECK(readlink("/proc/self/exe", exe, sizeof exe - 1) > 0);
			CHECK_STR(bed_path(all + off, sizeof e, e.exe), exe);
			CHECK_EQ(e.ppid, getppid());
			CHECK(e.sid_start_ns <= e.hdr.start_ns);
		}
	}
	CHECK_EQ(n_self, 1);
	bed_close(&b);
}

static void do_many_opens(void *arg)
{
	for (int i = 0; i < *(int *)arg; i++)
		close(open("/dev/null", O_RDONLY));
}

TEST(what_was_produced_is_consumed_or_counted_as_lost)
{
	struct wire_stats st;
	int n = 5000;
	struct bed b;

	bed_open_sized(&b, BED_ALL, 64 << 10, 4096);
	bed_run(&b, do_many_opens, &n);
	CHECK_OK(kern_attach(b.k, 0, NULL));
	for (struct view v; ring_next(b.r, &v);)
		;
	ring_stats_read(b.s, &st);
	CHECK(st.lost[WIRE_RING_BULK] > 0);
	CHECK(st.produced_kind[WIRE_OPEN] >= (uint64_t)n);
	for (uint32_t i = 0; i < WIRE_N_RINGS; i++)
		CHECK_EQ(st.produced[i] - st.lost[i], ring_consumed(b.r, i));
	CHECK_EQ(ring_malformed(b.r), 0);
	CHECK_EQ(bed_count(&b, WIRE_EXIT), 1); /* the other ring lost nothing */
	bed_close(&b);
}

TEST(hooks_that_are_not_wanted_tell_nothing)
{
	struct bed b;
	int n = 3;

	bed_open(&b, KERN_HOOK_PROCESS);
	bed_run(&b, do_many_opens, &n);
	CHECK_EQ(bed_count(&b, WIRE_OPEN), 0);
	CHECK_OK(kern_attach(b.k, KERN_HOOK_OPEN, NULL));
	CHECK_EQ(kern_attached(b.k), KERN_HOOK_OPEN | KERN_HOOK_PROCESS);
	bed_run(&b, do_many_opens, &n);
	CHECK_EQ(bed_count(&b, WIRE_OPEN), 3);
	CHECK_OK(kern_attach(b.k, KERN_HOOK_CHDIR, NULL));
	bed_run(&b, do_many_opens, &n);
	CHECK_EQ(bed_count(&b, WIRE_OPEN), 0);
	bed_run(&b, do_nothing, NULL);
	CHECK_EQ(b.n, 2); /* fork and exit */
	bed_close(&b);
}
