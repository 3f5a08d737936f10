/* SPDX-License-Identifier: Apache-2.0 */
/*
 * records: wire records as the kernel programs would send them, for tests, benches and fuzzing.
 *
 * A record is made in a struct rec; strings are appended in the order of the record's segments. Processes of a test are
 * known by a small number: pid n, start time n seconds (REC_START), unless the test says otherwise.
 */
#ifndef SALLYPORT_TESTS_RECORDS_H
#define SALLYPORT_TESTS_RECORDS_H

#include "base/base.h"
#include "sensor/wire/wire.h"

#define REC_START(pid) ((uint64_t)(pid)*1000000000ull)

struct rec {
	union {
		WIRE_RECORDS
		uint8_t bytes[WIRE_RECORD_MAX];
	};
};

static inline void rec_begin(struct rec *r, uint16_t kind, size_t fixed, uint32_t pid, uint64_t start_ns,
			     const char *comm, uint64_t time_ns)
{
	memset(r->bytes, 0, fixed);
	r->hdr = (struct wire_hdr){ .bytes = (uint32_t)fixed,
				    .kind = kind,
				    .time_ns = time_ns,
				    .pid = pid,
				    .tid = pid,
				    .start_ns = start_ns,
				    .syscall = UINT32_MAX };
	(void)snprintf(r->hdr.comm, sizeof r->hdr.comm, "%s", comm);
}

static inline void rec_seg(struct rec *r, struct wire_seg *seg, const void *p, size_t len, uint16_t flags)
{
	memcpy(r->bytes + r->hdr.bytes, p, len);
	r->hdr.bytes += (uint32_t)len;
	*seg = (struct wire_seg){ (uint16_t)len, flags };
}

static inline void rec_str(struct rec *r, struct wire_seg *seg, const char *s)
{
	rec_seg(r, seg, s, strlen(s), 0);
}

/* "/a/b" as leaf-first names; "memfd:x" is marked as one. */
static inline void rec_path(struct rec *r, struct wire_seg *seg, const char *path)
{
	char names[WIRE_PATH_BYTES];
	size_t n = 0, end = strlen(path), at;

	if (path[0] != '/') {
		rec_seg(r, seg, path, end ? end + 1 : 0, end ? WIRE_SEG_MEMFD : 0);
		return;
	}
	while (end > 1) {
		for (at = end; path[at - 1] != '/'; at--)
			;
		memcpy(names + n, path + at, end - at);
		n += end - at;
		names[n++] = 0;
		end = at - 1;
	}
	rec_seg(r, seg, names, n, 0);
}

/* "a b" as "a\0b\0" */
static inline void rec_args(struct rec *r, struct wire_seg *seg, const char *args)
{
	char text[WIRE_ARGS_BYTES];
	size_t n = strlen(args);

	for (size_t i = 0; i < n; i++)
		text[i] = (char)(args[i] == ' ' ? 0 : args[i]);
	text[n] = 0;
	rec_seg(r, seg, text, n ? n + 1 : 0, 0);
}

static inline struct view rec_view(const struct rec *r)
{
	return view_of(r->bytes, r->hdr.bytes);
}

static inline void rec_fork(struct rec *r, uint32_t parent, const char *comm, uint32_t child, uint64_t time_ns)
{
	rec_begin(r, WIRE_FORK, sizeof r->fork, parent, REC_START(parent), comm, time_ns);
	r->fork.child_pid = child;
	r->fork.child_start_ns = REC_START(child);
}

struct rec_exec {
	uint32_t pid, ppid, sid;
	uint64_t time_ns;
	const char *comm, *exe, *cwd, *filename, *interp, *args, *cgroup; /* NULL: empty; exe: /bin/comm */
	const char *env;                                                  /* as args */
	uint16_t kind;                                                    /* 0: WIRE_EXEC */
	const struct wire_fd *fds;
	uint32_t n_fds;
};

static inline void rec_exec(struct rec *r, const struct rec_exec *x)
{
	char exe[64];

	(void)snprintf(exe, sizeof exe, "/bin/%s", x->comm);
	rec_begin(r, x->kind ? x->kind : WIRE_EXEC, sizeof r->exec, x->pid, REC_START(x->pid), x->comm, x->time_ns);
	r->exec.ppid = x->ppid;
	r->exec.parent_start_ns = x->ppid ? REC_START(x->ppid) : 0;
	r->exec.sid = x->sid;
	r->exec.sid_start_ns = x->sid ? REC_START(x->sid) : 0;
	r->exec.loginuid = UINT32_MAX;
	r->exec.exe_ino = hash_bytes(x->comm, strlen(x->comm), 0) >> 40;
	r->exec.exe_dev = 0x801;
	r->exec.n_fds = x->n_fds;
	if (x->n_fds)
		memcpy(r->exec.fds, x->fds, x->n_fds * sizeof *x->fds);
	rec_path(r, &r->exec.exe, x->exe ? x->exe : exe);
	rec_path(r, &r->exec.cwd, x->cwd ? x->cwd : "/");
	rec_str(r, &r->exec.filename, x->filename ? x->filename : "");
	rec_str(r, &r->exec.interp, x->interp ? x->interp : x->filename ? x->filename : "");
	rec_args(r, &r->exec.args, x->args ? x->args : "");
	rec_args(r, &r->exec.env, x->env ? x->env : "");
	rec_seg(r, &r->exec.cgroup, x->cgroup ? x->cgroup : "", x->cgroup ? strlen(x->cgroup) + 1 : 0, 0);
}

static inline void rec_exit(struct rec *r, uint32_t pid, const char *comm, uint64_t status, uint64_t time_ns)
{
	rec_begin(r, WIRE_EXIT, sizeof r->exit, pid, REC_START(pid), comm, time_ns);
	r->exit.fields.status = status;
}

static inline void rec_open(struct rec *r, uint32_t pid, const char *comm, const char *path, uint64_t flags, int64_t fd,
			    uint64_t time_ns)
{
	rec_begin(r, WIRE_OPEN, sizeof r->open, pid, REC_START(pid), comm, time_ns);
	r->hdr.ret = fd;
	r->hdr.syscall = 257;
	r->open.fields.num = (uint64_t)fd;
	r->open.fields.flags = flags;
	r->open.fields.ino = 77;
	r->open.fields.dev = 0x801;
	r->open.fields.nlink = 1;
	r->open.file = (struct wire_fd){
		.fd = (uint32_t)fd, .kind = WIRE_FD_FILE, .flags = WIRE_FD_READ, .ino = 77, .dev = 0x801
	};
	rec_path(r, &r->open.path, path);
}

static inline struct wire_fd rec_pipe(uint32_t fd, uint64_t ino, uint8_t flags)
{
	return (struct wire_fd){ .fd = fd, .kind = WIRE_FD_PIPE, .flags = flags, .ino = ino, .dev = 12 };
}

static inline struct wire_fd rec_tcp4(uint32_t fd, uint64_t ino, uint8_t last_octet, uint16_t local_port,
				      uint16_t remote_port)
{
	return (struct wire_fd){ .fd = fd,
				 .kind = WIRE_FD_IPV4,
				 .flags = WIRE_FD_READ | WIRE_FD_WRITE | WIRE_FD_CONNECTED,
				 .l4proto = 6,
				 .ino = ino,
				 .dev = 8,
				 .remote_addr = { 203, 0, 113, last_octet },
				 .local_addr = { 10, 0, 0, 2 },
				 .remote_port = remote_port,
				 .local_port = local_port };
}

static inline void rec_connect(struct rec *r, uint32_t pid, const char *comm, const struct wire_fd *sock,
			       uint64_t time_ns)
{
	rec_begin(r, WIRE_CONNECT, sizeof r->connect, pid, REC_START(pid), comm, time_ns);
	r->hdr.syscall = 42;
	r->connect.fields.num = sock->fd;
	r->connect.sock = *sock;
}

static inline void rec_fds(struct rec *r, uint32_t pid, const char *comm, uint32_t op, const struct wire_fd *fds,
			   uint32_t n, uint64_t time_ns)
{
	rec_begin(r, WIRE_FDS, sizeof r->fds, pid, REC_START(pid), comm, time_ns);
	r->fds.op = op;
	r->fds.n_fds = n;
	memcpy(r->fds.fds, fds, n * sizeof *fds);
}

static inline void rec_memfd(struct rec *r, uint32_t pid, const char *comm, const char *name, uint64_t flags,
			     uint64_t fd, uint64_t time_ns)
{
	rec_begin(r, WIRE_MEMFD, sizeof r->memfd, pid, REC_START(pid), comm, time_ns);
	r->hdr.ret = (int64_t)fd;
	r->hdr.syscall = 319;
	r->memfd.fields.num = fd;
	r->memfd.fields.flags = flags;
	rec_str(r, &r->memfd.name, name);
}

static inline void rec_chdir(struct rec *r, uint32_t pid, const char *comm, const char *path, uint64_t time_ns)
{
	rec_begin(r, WIRE_CHDIR, sizeof r->chdir, pid, REC_START(pid), comm, time_ns);
	rec_path(r, &r->chdir.path, path);
}

/*
 * Records that make one event each: begun with the call's number (x86-64) and result, then their fields and, in order,
 * their segments are the caller's to set.
 */
static inline void rec_call(struct rec *r, uint16_t kind, size_t fixed, uint32_t pid, const char *comm, uint32_t nr,
			    int64_t ret, uint64_t time_ns)
{
	rec_begin(r, kind, fixed, pid, REC_START(pid), comm, time_ns);
	r->hdr.syscall = nr;
	r->hdr.ret = ret;
}

/* raw: as the caller wrote it. dir: "/a/b"; NULL: not known. */
static inline void rec_asked(struct rec *r, struct wire_path *at, const char *raw, const char *dir)
{
	rec_str(r, &at->raw, raw);
	if (dir)
		rec_path(r, &at->dir, dir);
	else
		rec_seg(r, &at->dir, "", 0, WIRE_SEG_CUT);
}

/* A record about one socket of kind KIND in member; its path and data follow with rec_seg. */
#define REC_SOCK(r, member, kind, pid, comm, nr, ret, sock_, flags_, time_ns)                                 \
	do {                                                                                                  \
		rec_call((r), (kind), sizeof(r)->member, (pid), (comm), (nr), (ret), (time_ns));              \
		(r)->member.sock = (sock_);                                                                   \
		(r)->member.sock_flags = (flags_);                                                            \
		(r)->member.fields.num = (kind) == WIRE_ACCEPT || (kind) == WIRE_SOCKET || (kind) == WIRE_DUP \
						 ? (uint64_t)(int64_t)(ret)                                   \
						 : (sock_).fd;                                                \
	} while (0)

/* Names: raw paths that start from dirs; of rename, link and symlink the first of two. */
#define REC_PATH(r, member, kind, pid, comm, nr, ret, raw, dir, time_ns)                         \
	do {                                                                                     \
		rec_call((r), (kind), sizeof(r)->member, (pid), (comm), (nr), (ret), (time_ns)); \
		rec_asked((r), &(r)->member.path, (raw), (dir));                                 \
	} while (0)
#define REC_PATHS(r, member, kind, pid, comm, nr, ret, raw, dir, to_raw, to_dir, time_ns)        \
	do {                                                                                     \
		rec_call((r), (kind), sizeof(r)->member, (pid), (comm), (nr), (ret), (time_ns)); \
		rec_asked((r), &(r)->member.from, (raw), (dir));                                 \
		rec_asked((r), &(r)->member.to, (to_raw), (to_dir));                             \
	} while (0)

#endif
