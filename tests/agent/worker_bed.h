/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_bed: a real worker process (SALLYPORT_EXE), confined as ever, with this process as its supervisor. Needs root,
 * and nothing of the kernel's bpf(2): its records come from a capture or from rings that are made by hand.
 */
#ifndef SALLYPORT_TESTS_WORKER_BED_H
#define SALLYPORT_TESTS_WORKER_BED_H

#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "agent/control.h"
#include "records.h"
#include "sensor/capture/capture.h"

struct bed {
	pid_t pid;
	int sock, page_fd, flight_fd, alerts;
	struct page *page;
	uint32_t ready_rules;
	struct control_msg last;
};

static inline int bed_bytes(const void *p, size_t n)
{
	int fd = memfd_create("bed", MFD_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, p, n), (ssize_t)n);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static inline void bed_send(struct bed *b, struct control_packet *p)
{
	CHECK_OK(control_send(b->sock, p));
}

/* Until this type comes, over messages that ask for something. False: another one, or the end. */
static inline bool bed_wait(struct bed *b, enum control_type type)
{
	for (;;) {
		struct control_packet p;
		struct diag d;

		diag_init(&d);
		if (control_recv(b->sock, true, &p, &d) != E_OK)
			return false;
		control_close_fds(&p);
		b->last = p.msg;
		if (p.msg.hdr.type == type)
			return true;
		if (p.msg.hdr.type != CONTROL_FILTER && p.msg.hdr.type != CONTROL_QUESTION &&
		    p.msg.hdr.type != CONTROL_ASK_CONTAINER)
			return false;
	}
}

static inline void bed_spawn_as(struct bed *b, const char *kind)
{
	const char *exe = getenv("SALLYPORT_EXE");
	char *argv[] = { (char *)"sallyport", (char *)(uintptr_t)kind, (char *)"512", NULL }, *envp[] = { NULL };
	struct timeval tv = { .tv_sec = 30 };
	void *page;
	int sv[2];

	if (geteuid())
		SKIP("not root: a worker cannot be confined");
	CHECK(exe);
	*b = (struct bed){ .alerts = memfd_create("alerts", MFD_CLOEXEC) };
	CHECK_OK(page_new(sizeof *b->page, PAGE_MAGIC, &b->page_fd, &page));
	b->page = page;
	CHECK_OK(flight_open(NULL, &b->flight_fd));
	CHECK_OK(control_pair(sv));
	b->pid = fork();
	if (b->pid == 0) {
		(void)dup2(sv[1], 3);
		execve(exe, argv, envp);
		_exit(127);
	}
	close(sv[1]);
	b->sock = sv[0];
	CHECK_EQ(setsockopt(b->sock, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv), 0);
}

static inline void bed_spawn(struct bed *b)
{
	bed_spawn_as(b, "worker");
}

/* rings: two of DATA bytes and statistics; or NULL. */
static inline void bed_start_sized(struct bed *b, uint32_t flags, uint32_t throttle, const int *rings,
				   uint32_t reserved_bytes, uint32_t bulk_bytes, uint32_t n_cpus)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct control_packet p;

	control_init(&p, CONTROL_START);
	p.msg.u.start = (struct control_start){ .flags = flags,
						.ring_bytes = { reserved_bytes, bulk_bytes },
						.n_cpus = n_cpus,
						.hostname = "bed",
						.throttle_per_minute = throttle };
	p.fds[p.n_fds++] = b->page_fd;
	p.fds[p.n_fds++] = b->flight_fd;
	p.fds[p.n_fds++] = null;
	p.fds[p.n_fds++] = null;
	for (int i = 0; rings && i < 3; i++)
		p.fds[p.n_fds++] = rings[i];
	bed_send(b, &p);
	close(null);
}

static inline void bed_start(struct bed *b, uint32_t flags, uint32_t throttle, const int *rings, uint32_t ring_bytes)
{
	bed_start_sized(b, flags, throttle, rings, ring_bytes, ring_bytes, 1);
}

static inline void bed_output(struct bed *b)
{
	struct control_packet p;

	control_init(&p, CONTROL_OUTPUT);
	p.fds[p.n_fds++] = b->alerts;
	bed_send(b, &p);
}

static inline void bed_load(struct bed *b, const void *bytes, size_t n)
{
	struct control_packet p;

	control_init(&p, CONTROL_FILE);
	p.msg.u.file = (struct control_file){ .bytes = (uint32_t)n, .name = "rules.yaml" };
	p.fds[p.n_fds++] = bed_bytes(bytes, n);
	bed_send(b, &p);
	control_close_fds(&p);
	control_init(&p, CONTROL_LOAD);
	p.msg.u.load.n_files = 1;
	bed_send(b, &p);
}

static inline void bed_simple(struct bed *b, enum control_type type, int fd)
{
	struct control_packet p;

	control_init(&p, type);
	if (fd >= 0)
		p.fds[p.n_fds++] = fd;
	bed_send(b, &p);
}

static inline void bed_wait_ready(struct bed *b)
{
	CHECK(bed_wait(b, CONTROL_READY));
	b->ready_rules = b->last.u.ready.n_rules;
}

/* From READY to judging. Takes the iterator; -1: there is none. */
static inline void bed_go(struct bed *b, int iter)
{
	bed_simple(b, CONTROL_GO, iter);
	CHECK(bed_wait(b, CONTROL_SCANNED));
	bed_simple(b, CONTROL_RUN, -1);
	if (iter >= 0)
		close(iter);
}

/* rings: it gets an iterator without a process. */
static inline void bed_run(struct bed *b, bool rings)
{
	bed_wait_ready(b);
	bed_go(b, rings ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -1);
}

static inline bool bed_until(const _Atomic uint64_t *v, uint64_t least)
{
	for (int i = 0; i < 2000 && page_get(v) < least; i++)
		usleep(10000);
	return page_get(v) >= least;
}

/* How it ended: an exit code, or 1000 and a signal. Takes everything down. */
static inline int bed_end(struct bed *b)
{
	int status = 0;

	CHECK_EQ(waitpid(b->pid, &status, 0), b->pid);
	close(b->sock);
	page_unmap(b->page, sizeof *b->page);
	close(b->page_fd);
	close(b->flight_fd);
	close(b->alerts);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static inline int bed_stop(struct bed *b)
{
	bed_simple(b, CONTROL_STOP, -1);
	CHECK(bed_wait(b, CONTROL_FINAL));
	return bed_end(b);
}

/* Lines of the alerts that have this in them. */
static inline uint32_t bed_count(const struct bed *b, const char *what)
{
	off_t n = lseek(b->alerts, 0, SEEK_END);
	char *text = calloc(1, (size_t)n + 1), *at = text;
	uint32_t count = 0;

	CHECK(text);
	CHECK_EQ(pread(b->alerts, text, (size_t)n, 0), n);
	for (; (at = strstr(at, what)); at++)
		count++;
	free(text);
	return count;
}

#define BED_RULE(name, path, priority)                                                                  \
	"- rule: " name "\n  desc: d\n  condition: evt.type in (open, openat) and fd.name = " path "\n" \
	"  output: " name " of %fd.name by %proc.name\n  priority: " priority "\n"

#endif
