/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seeds: one valid record of each kind, and some with more in them, about processes 10 to 12. Together they set every
 * field of the table that decode fills. Tests damage them; the fuzzer's corpus is made of them.
 */
#ifndef SALLYPORT_TESTS_DECODE_SEEDS_H
#define SALLYPORT_TESTS_DECODE_SEEDS_H

#include "records.h"

enum seed {
	SEED_FORK,
	SEED_EXEC,
	SEED_EXIT,
	SEED_TASK,
	SEED_MEMFD,
	SEED_OPEN,
	SEED_OPEN_FIFO,
	SEED_CONNECT,
	SEED_CONNECT_UNIX,
	SEED_FDS,
	SEED_FDS_DUP,
	SEED_CHDIR,
	SEED_EXIT_SIGNAL,
	SEED_OPEN_FAILED,
	SEED_CONNECT_FAILED,
	SEED_EXEC_FAILED,
	SEED_ACCEPT,
	SEED_LISTEN,
	SEED_SOCKET,
	SEED_SEND,
	SEED_RECV,
	SEED_DUP,
	SEED_DUP_FILE,
	SEED_RENAME,
	SEED_UNLINK,
	SEED_UNLINKAT,
	SEED_LINK,
	SEED_SYMLINK,
	SEED_MKDIR,
	SEED_CHMOD,
	SEED_FCHMOD,
	SEED_PTRACE,
	SEED_SETUID,
	SEED_SETGID,
	SEED_SETNS,
	SEED_UNSHARE,
	SEED_INIT_MODULE,
	SEED_FINIT_MODULE,
	SEED_BPF,
	SEED_USERFAULTFD,
	N_SEEDS
};

static inline void seed_exec(uint16_t kind, struct rec *r)
{
	static const struct wire_fd fds[] = { { .fd = 0, .kind = WIRE_FD_FIFO, .flags = 1, .ino = 6, .dev = 1 },
					      { .fd = 1, .kind = WIRE_FD_UNIX, .flags = 3, .ino = 7 },
					      { .fd = 2, .kind = WIRE_FD_CHAR, .flags = 3, .ino = 9, .dev = 1 },
					      { .fd = 5, .kind = WIRE_FD_FILE, .flags = 1, .ino = 8, .dev = 1 } };

	rec_exec(r, &(struct rec_exec){ .pid = 11,
					.ppid = 10,
					.sid = 10,
					.comm = "sh",
					.cwd = "/tmp",
					.filename = "/dev/fd/3",
					.interp = "/bin/sh",
					.args = "sh -c /proc/self/fd/3 id",
					.env = "HOME=/root LANG=C",
					.cgroup = "session-3.scope",
					.time_ns = REC_START(11) + 5,
					.kind = kind,
					.fds = fds,
					.n_fds = 4 });
	r->exec.vpid = 11;
	r->exec.pgid = r->exec.vpgid = 10;
	r->exec.exe_ctime_ns = r->exec.exe_mtime_ns = 1;
	r->exec.fields.exe_mode = 0100755;
	r->exec.loginuid = 0;
	r->exec.exe_flags = WIRE_EXE_LOWER;
}

/* Records about sockets. */
static inline void seed_socket(enum seed i, struct rec *r)
{
	struct wire_fd tcp = rec_tcp4(7, 99, 7, 40000, 443), local = { .fd = 8, .kind = WIRE_FD_UNIX, .ino = 70 },
		       served = rec_tcp4(9, 98, 7, 22, 50000),
		       listening = { .fd = 6, .kind = WIRE_FD_IPV4, .l4proto = 6 };
	uint64_t t = REC_START(12) + 5;

	listening.local_port = 22;
	if (i == SEED_CONNECT) {
		rec_connect(r, 12, "nc", &tcp, t);
	} else if (i == SEED_CONNECT_UNIX) {
		rec_connect(r, 12, "nc", &local, t);
		rec_str(r, &r->connect.path, "/run/s");
	} else if (i == SEED_CONNECT_FAILED) {
		REC_SOCK(r, connect, WIRE_CONNECT, 12, "nc", 42, -111, tcp, WIRE_SOCK_ASKED, t);
	} else if (i == SEED_ACCEPT) {
		served.flags |= WIRE_FD_CLOEXEC;
		REC_SOCK(r, accept, WIRE_ACCEPT, 12, "nc", 288, 9, served, WIRE_SOCK_SERVER, t);
	} else if (i == SEED_LISTEN) {
		REC_SOCK(r, listen, WIRE_LISTEN, 12, "nc", 50, 0, listening, WIRE_SOCK_SERVER, t);
		r->listen.fields.backlog = 128;
	} else if (i == SEED_SOCKET) {
		listening.local_port = 0;
		REC_SOCK(r, socket, WIRE_SOCKET, 12, "nc", 41, 6, listening, 0, t);
		r->socket.fields.domain = 2;
		r->socket.fields.sock_type = 1;
	} else if (i == SEED_SEND) {
		tcp.l4proto = 17;
		tcp.local_port = tcp.remote_port = 123;
		REC_SOCK(r, send, WIRE_SEND, 12, "nc", 44, 5, tcp, 0, t);
		r->send.fields.size = 5;
		rec_str(r, &r->send.path, "");
		rec_str(r, &r->send.data, "hello");
	} else {
		REC_SOCK(r, recv, WIRE_RECV, 12, "nc", 45, 3, local, WIRE_SOCK_NAME_CHANGED, t);
		r->recv.fields.size = 4096;
		rec_seg(r, &r->recv.path, "\0abstract", 9, 0);
		rec_str(r, &r->recv.data, "abc");
	}
}

/* Records about names and descriptors. */
static inline void seed_file(enum seed i, struct rec *r)
{
	struct wire_fd file = { .fd = 4, .kind = WIRE_FD_FILE, .flags = 1, .ino = 8, .dev = 1 },
		       tcp = rec_tcp4(7, 99, 7, 40000, 443);
	uint64_t t = REC_START(11) + 5;

	if (i == SEED_OPEN_FAILED) {
		rec_open(r, 11, "sh", "/", 0101, -2, t);
		r->open.file = (struct wire_fd){ 0 };
		r->open.dirfd = WIRE_DIRFD + 3;
		rec_asked(r, &r->open.asked, "../b/./c", "/a");
	} else if (i == SEED_DUP) {
		REC_SOCK(r, dup, WIRE_DUP, 11, "sh", 33, 0, tcp, 0, t);
		r->dup.fields.oldfd = 7;
	} else if (i == SEED_DUP_FILE) {
		REC_SOCK(r, dup, WIRE_DUP, 11, "sh", 292, 4, file, 0, t);
		r->dup.fields.oldfd = 3;
		r->dup.fields.newfd = 4;
		rec_path(r, &r->dup.path, "/etc/hosts");
	} else if (i == SEED_RENAME) {
		REC_PATHS(r, rename, WIRE_RENAME, 11, "sh", 316, 0, "a", "/tmp", "../etc/b", "/tmp", t);
	} else if (i == SEED_UNLINK) {
		REC_PATH(r, unlink, WIRE_UNLINK, 11, "sh", 87, 0, "/tmp//x", "/", t);
	} else if (i == SEED_UNLINKAT) {
		REC_PATH(r, unlink, WIRE_UNLINK, 11, "sh", 263, 0, "x", "/tmp", t);
	} else if (i == SEED_LINK) {
		REC_PATHS(r, link, WIRE_LINK, 11, "sh", 265, -17, "a", "/tmp", "b", NULL, t);
		r->link.fields.flags = 0x400;
	} else if (i == SEED_SYMLINK) {
		REC_PATHS(r, symlink, WIRE_SYMLINK, 11, "sh", 88, 0, "/etc/shadow", NULL, "s", "/home/u", t);
	} else if (i == SEED_MKDIR) {
		REC_PATH(r, mkdir, WIRE_MKDIR, 11, "sh", 83, 0, "d", "/tmp", t);
		r->mkdir.fields.mode = 0755;
	} else if (i == SEED_CHMOD) {
		REC_PATH(r, chmod, WIRE_CHMOD, 11, "sh", 268, 0, "x", "/tmp", t);
		r->chmod.fields.mode = 04755;
	} else {
		REC_PATH(r, chmod, WIRE_CHMOD, 11, "sh", 91, 0, "", "/tmp/x", t);
		r->chmod.fields.fd_num = 3;
		r->chmod.fields.mode = 0600;
	}
}

static inline void seed_number(enum seed i, struct rec *r)
{
	uint64_t t = REC_START(11) + 5;

	if (i == SEED_PTRACE) {
		rec_call(r, WIRE_PTRACE, sizeof r->ptrace, 11, "sh", 101, 0, t);
		r->ptrace.fields.request = 16;
		r->ptrace.fields.pid = 10;
	} else if (i == SEED_SETUID || i == SEED_SETGID) {
		rec_call(r, WIRE_CREDS, sizeof r->creds, 11, "sh", i == SEED_SETUID ? 105 : 119, 0, t);
		r->creds.fields.gid = 0;
	} else if (i == SEED_SETNS) {
		rec_call(r, WIRE_NAMESPACE, sizeof r->namespace, 11, "sh", 308, 0, t);
		r->namespace.fields.flags = 0x40000000;
		r->namespace.fields.fd_num = 3;
		rec_path(r, &r->namespace.path, "/proc/1/ns/net");
	} else if (i == SEED_UNSHARE) {
		rec_call(r, WIRE_NAMESPACE, sizeof r->namespace, 11, "sh", 272, 0, t);
		r->namespace.fields.flags = 0x10020000;
	} else if (i == SEED_INIT_MODULE) {
		rec_call(r, WIRE_MODULE, sizeof r->module, 11, "sh", 175, 0, t);
		r->module.fields.length = 1000;
		rec_str(r, &r->module.text, "debug=1");
	} else if (i == SEED_FINIT_MODULE) {
		rec_call(r, WIRE_MODULE, sizeof r->module, 11, "sh", 313, 0, t);
		r->module.fields.fd_num = 3;
		rec_str(r, &r->module.text, "");
		rec_path(r, &r->module.path, "/root/x.ko");
	} else if (i == SEED_BPF) {
		rec_call(r, WIRE_BPF, sizeof r->bpf, 11, "sh", 321, 3, t);
		r->bpf.fields.cmd = 5;
	} else {
		rec_call(r, WIRE_USERFAULTFD, sizeof r->userfaultfd, 11, "sh", 323, 3, t);
		r->userfaultfd.fields.num = 3;
	}
}

static inline void seed_record(enum seed i, struct rec *r)
{
	struct wire_fd pipes[2] = { rec_pipe(3, 500, WIRE_FD_READ), rec_pipe(4, 500, WIRE_FD_WRITE) };
	static const struct wire_fd fifo = { .fd = 0, .kind = WIRE_FD_FIFO, .flags = 1, .ino = 6, .dev = 1 },
				    one = { .fd = 1, .kind = WIRE_FD_UNIX, .flags = 3, .ino = 7 };
	uint64_t t = REC_START(11) + 5;

	switch (i) {
	case SEED_FORK:
		rec_fork(r, 10, "bash", 11, t);
		r->fork.child_vpid = 11;
		return;
	case SEED_EXEC:
	case SEED_TASK:
		seed_exec(i == SEED_TASK ? WIRE_TASK : WIRE_EXEC, r);
		return;
	case SEED_EXIT:
		rec_exit(r, 11, "sh", 256, t);
		return;
	case SEED_EXIT_SIGNAL:
		rec_exit(r, 12, "nc", 9, t);
		return;
	case SEED_MEMFD:
		rec_memfd(r, 11, "sh", "memfd:x", 1, 3, t);
		return;
	case SEED_OPEN:
		rec_open(r, 11, "sh", "/etc/cron.d/x", 0101, 3, t);
		r->open.dirfd = 1;
		rec_asked(r, &r->open.asked, "../cron.d/x", "/etc/ssh");
		return;
	case SEED_OPEN_FIFO:
		rec_open(r, 11, "sh", "/run/f", 0, 0, t);
		r->open.file = fifo;
		return;
	case SEED_FDS:
		rec_fds(r, 12, "nc", WIRE_FDS_OPEN, pipes, 2, t);
		return;
	case SEED_FDS_DUP:
		rec_fds(r, 11, "sh", WIRE_FDS_DUP, &one, 1, t);
		return;
	case SEED_CHDIR:
		rec_chdir(r, 11, "sh", "/var/tmp", t);
		return;
	case SEED_EXEC_FAILED:
		REC_PATH(r, exec_failed, WIRE_EXEC_FAILED, 11, "sh", 59, -2, "./missing", "/tmp", t);
		return;
	case SEED_CONNECT:
	case SEED_CONNECT_UNIX:
	case SEED_CONNECT_FAILED:
	case SEED_ACCEPT:
	case SEED_LISTEN:
	case SEED_SOCKET:
	case SEED_SEND:
	case SEED_RECV:
		seed_socket(i, r);
		return;
	case SEED_OPEN_FAILED:
	case SEED_DUP:
	case SEED_DUP_FILE:
	case SEED_RENAME:
	case SEED_UNLINK:
	case SEED_UNLINKAT:
	case SEED_LINK:
	case SEED_SYMLINK:
	case SEED_MKDIR:
	case SEED_CHMOD:
	case SEED_FCHMOD:
		seed_file(i, r);
		return;
	default:
		seed_number(i, r);
		return;
	}
}

#endif
