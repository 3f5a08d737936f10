/* SPDX-License-Identifier: Apache-2.0 */
/* scap_fd: events about descriptors and sockets. Numbers and parameters as in scap_event.c. */
#include "sensor/capture/scap_param.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum type {
	CLOSE_X = 5,
	SOCKET_X = 19,
	BIND_X = 21,
	CONNECT_X = 23,
	LISTEN_X = 25,
	ACCEPT_X = 27,
	SENDTO_X = 31,
	RECVFROM_X = 35,
	SOCKETPAIR_X = 43,
	SENDMSG_X = 49,
	SENDMMSG_X = 51,
	RECVMSG_X = 53,
	RECVMMSG_X = 55,
	ACCEPT4_X = 57,
	PIPE_X = 61,
	DUP_X = 125,
	FCNTL_X = 151,
	ACCEPT_5_X = 247,
	ACCEPT4_5_X = 249,
	DUP2_X = 363,
	DUP3_X = 365,
	DUP_1_X = 367,
	ACCEPT4_6_X = 389,
	PIPE2_X = 393,
};

/* x86-64, as a record's syscall says it. */
enum {
	NR_DUP = 32,
	NR_DUP2 = 33,
	NR_SOCKET = 41,
	NR_CONNECT = 42,
	NR_ACCEPT = 43,
	NR_SENDTO = 44,
	NR_RECVFROM = 45,
	NR_SENDMSG = 46,
	NR_RECVMSG = 47,
	NR_LISTEN = 50,
	NR_ACCEPT4 = 288,
	NR_DUP3 = 292,
	NR_RECVMMSG = 299,
	NR_SENDMMSG = 307,
};

static bool is_channel(const struct wire_fd *w)
{
	return w->kind >= WIRE_FD_PIPE && w->kind <= WIRE_FD_IPV6;
}

static enum event_result fds_record(struct scap *s, const struct task *main, const struct task *t,
				    const struct sevent *e, enum wire_fds_op op, const struct wire_fd *fds, uint32_t n)
{
	build_begin(s, WIRE_FDS, sizeof s->rec.fds, main, t, e->ts);
	s->rec.fds.op = op;
	s->rec.fds.n_fds = n;
	memcpy(s->rec.fds.fds, fds, n * sizeof *fds);
	return EVENT_RECORD;
}

static void fds_then(struct scap *s, const struct task *main, const struct task *t, const struct sevent *e,
		     enum wire_fds_op op, const struct wire_fd *w)
{
	(void)fds_record(s, main, t, e, op, w, 1);
	memcpy(&s->then, &s->rec.fds, sizeof s->then);
	s->then_told = true;
}

static void fd_set_server(const struct task *main, uint64_t fd, bool server)
{
	struct sfd *f = fd_find(main, fd);

	if (f)
		f->server = server;
}

static enum event_result on_pair(struct scap *s, struct task *t, const struct sevent *e)
{
	struct task *main = task_main(s, t, e->ts);
	bool pipe = e->type != SOCKETPAIR_X;
	uint64_t a = (uint64_t)num(e, 3), b = (uint64_t)num(e, 4);
	uint64_t ino = pipe ? a : a < b ? a : b;
	uint8_t both = WIRE_FD_READ | WIRE_FD_WRITE,
		cloexec = e->type == PIPE2_X && unum32(e, 4) & 1 << 12 ? WIRE_FD_CLOEXEC : 0;
	struct wire_fd fds[2];

	if (!main || num(e, 0) || num(e, 1) < 0 || num(e, 1) > INT32_MAX || num(e, 2) < 0 || num(e, 2) > INT32_MAX)
		return EVENT_SKIPPED;
	for (uint32_t i = 0; i < 2; i++) {
		fds[i] = (struct wire_fd){ .fd = (uint32_t)num(e, 1 + i),
					   .kind = pipe ? WIRE_FD_PIPE : WIRE_FD_UNIX,
					   .ino = ino };
		fds[i].flags = (uint8_t)((pipe ? (i ? WIRE_FD_WRITE : WIRE_FD_READ) : both) | cloexec);
		fd_put(s, main, &fds[i], NULL);
	}
	return fds_record(s, main, t, e, WIRE_FDS_OPEN, fds, 2);
}

/* Of dup, dup2 and dup3, not of fcntl; what became of the descriptors is told after it. */
static enum event_result dup_record(struct scap *s, const struct task *main, const struct task *t,
				    const struct sevent *e, const struct wire_fd *w, const struct sfd *f, int64_t from)
{
	struct wire_dup *d = &s->rec.dup;
	bool has_path = f && f->path && !is_channel(w);

	build_begin(s, WIRE_DUP, sizeof *d, main, t, e->ts);
	s->rec.hdr.ret = num(e, 0);
	s->rec.hdr.syscall = e->type == DUP2_X ? NR_DUP2 : e->type == DUP3_X ? NR_DUP3 : NR_DUP;
	d->fields.num = (uint64_t)num(e, 0);
	d->fields.oldfd = (uint64_t)from;
	d->fields.newfd = e->type == DUP2_X || e->type == DUP3_X ? (uint64_t)num(e, 2) : 0;
	d->fields.flags = e->type == DUP3_X ? scap_open_flags(unum32(e, 3)) : 0;
	d->sock = *w;
	d->sock_flags = f && f->server ? WIRE_SOCK_SERVER : 0;
	build_path(s, &d->path, has_path ? f->path->s : NULL, has_path ? f->path->len : 0);
	if (!has_path)
		d->path.flags = 0;
	return EVENT_RECORD;
}

static enum event_result on_dup(struct scap *s, struct task *t, const struct sevent *e)
{
	enum { CMD_DUPFD = 1, CMD_DUPFD_CLOEXEC = 26, DUP3_CLOEXEC = 1 << 12 };
	struct task *main = task_main(s, t, e->ts);
	bool fcntl = e->type == FCNTL_X, server, tell;
	int64_t to = num(e, 0), from = num_of_call(e, 1, t, 0), cmd = fcntl ? num_of_call(e, 2, t, 1) : CMD_DUPFD;
	const struct sfd *f, *was;
	struct text *path;
	struct wire_fd w;

	if (!main || to > INT32_MAX || from > INT32_MAX || (cmd != CMD_DUPFD && cmd != CMD_DUPFD_CLOEXEC))
		return EVENT_MERGED;
	if (to < 0 || from < 0 || to == from)
		return fcntl ? EVENT_MERGED : dup_record(s, main, t, e, &(struct wire_fd){ 0 }, NULL, from);
	was = fd_find(main, (uint64_t)to);
	f = fd_find(main, (uint64_t)from);
	w = f ? f->w : (struct wire_fd){ .kind = WIRE_FD_OTHER };
	tell = (was && is_channel(&was->w)) || is_channel(&w);
	w.fd = (uint32_t)to;
	w.flags &= (uint8_t)~WIRE_FD_CLOEXEC;
	if (cmd == CMD_DUPFD_CLOEXEC || (e->type == DUP3_X && unum32(e, 3) & DUP3_CLOEXEC))
		w.flags |= WIRE_FD_CLOEXEC;
	server = f && f->server;
	path = f ? text_ref(f->path) : NULL;
	fd_put(s, main, &w, path);
	fd_set_server(main, w.fd, server);
	if (fcntl)
		return tell ? fds_record(s, main, t, e, WIRE_FDS_DUP, &w, 1) : EVENT_MERGED;
	if (tell)
		fds_then(s, main, t, e, WIRE_FDS_DUP, &w);
	return dup_record(s, main, t, e, &w, fd_find(main, w.fd), from);
}

static enum event_result on_close(struct scap *s, struct task *t, const struct sevent *e)
{
	struct task *main = task_main(s, t, e->ts);
	int64_t fd = num_of_call(e, 1, t, 0);
	struct sfd *f = main && fd >= 0 ? fd_find(main, (uint64_t)fd) : NULL;
	struct wire_fd gone;
	bool tell;

	if (!f || num(e, 0))
		return EVENT_MERGED;
	gone = (struct wire_fd){ .fd = f->w.fd };
	tell = is_channel(&f->w);
	fd_drop(s, main, (uint64_t)fd);
	return tell ? fds_record(s, main, t, e, WIRE_FDS_CLOSE, &gone, 1) : EVENT_MERGED;
}

/* sockets */

static enum event_result on_socket(struct scap *s, struct task *t, const struct sevent *e)
{
	struct task *main = task_main(s, t, e->ts);
	int64_t fd = num(e, 0), domain = num_of_call(e, 1, t, 0), type = num_of_call(e, 2, t, 1),
		proto = num_of_call(e, 3, t, 2);
	static const uint8_t of_type[] = { 0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_RAW };
	struct wire_fd w = { .flags = WIRE_FD_READ | WIRE_FD_WRITE };
	struct wire_socket *r = &s->rec.socket;

	if (!main || fd > INT32_MAX)
		return EVENT_MERGED;
	w.fd = (uint32_t)fd;
	w.kind = domain == AF_INET    ? WIRE_FD_IPV4
		 : domain == AF_INET6 ? WIRE_FD_IPV6
		 : domain == AF_UNIX  ? WIRE_FD_UNIX
				      : WIRE_FD_OTHER;
	if (w.kind == WIRE_FD_IPV4 || w.kind == WIRE_FD_IPV6)
		w.l4proto = proto > 0 && proto < 256       ? (uint8_t)proto
			    : (type & 0xf) < 4 && type > 0 ? of_type[type & 0xf]
							   : 0;
	if (type > 0 && type & SOCK_CLOEXEC)
		w.flags |= WIRE_FD_CLOEXEC;
	if (fd >= 0)
		fd_put(s, main, &w, NULL);
	build_begin(s, WIRE_SOCKET, sizeof *r, main, t, e->ts);
	s->rec.hdr.ret = fd;
	s->rec.hdr.syscall = NR_SOCKET;
	r->fields.num = (uint64_t)fd;
	r->fields.domain = (uint32_t)domain;
	r->fields.sock_type = (uint32_t)type;
	r->fields.proto = (uint32_t)proto;
	if (fd >= 0)
		r->sock = w;
	return EVENT_RECORD;
}

/* A pair of addresses (PT_SOCKTUPLE) into w; what comes first is local unless inbound. False: it is none. *path: of a
 * unix socket. */
static bool read_tuple(struct view v, bool inbound, struct wire_fd *w, struct view *path)
{
	uint8_t *first = inbound ? w->remote_addr : w->local_addr, *second = inbound ? w->local_addr : w->remote_addr;
	uint16_t *first_port = inbound ? &w->remote_port : &w->local_port,
		 *second_port = inbound ? &w->local_port : &w->remote_port;
	uint8_t family = 0;
	uint64_t source, peer;
	size_t n;

	*path = view_of(NULL, 0);
	if (VIEW_READ(v, 0, &family) != E_OK)
		return false;
	n = family == AF_INET ? 4 : 16;
	if (family == AF_UNIX) {
		if (VIEW_READ(v, 1, &source) != E_OK || VIEW_READ(v, 9, &peer) != E_OK)
			return false;
		w->kind = WIRE_FD_UNIX;
		w->ino = source < peer ? source : peer;
		return view_sub(v, 17, v.len - 17, path);
	}
	if ((family != AF_INET && family != AF_INET6) || v.len < 1 + 2 * (n + 2))
		return false;
	w->kind = family == AF_INET ? WIRE_FD_IPV4 : WIRE_FD_IPV6;
	memcpy(first, v.p + 1, n);
	memcpy(first_port, v.p + 1 + n, 2);
	memcpy(second, v.p + 3 + n, n);
	memcpy(second_port, v.p + 3 + 2 * n, 2);
	if (w->remote_port)
		w->flags |= WIRE_FD_CONNECTED;
	return true;
}

/* One address (PT_SOCKADDR) into w's remote or local end. False: it is none. *path as in read_tuple. */
static bool read_addr(struct view v, bool remote, struct wire_fd *w, struct view *path)
{
	uint8_t *addr = remote ? w->remote_addr : w->local_addr, family = 0;
	uint16_t *port = remote ? &w->remote_port : &w->local_port;
	size_t n;

	*path = view_of(NULL, 0);
	if (VIEW_READ(v, 0, &family) != E_OK)
		return false;
	if (family == AF_UNIX) {
		w->kind = WIRE_FD_UNIX;
		return view_sub(v, 1, v.len - 1, path);
	}
	n = family == AF_INET ? 4 : 16;
	if ((family != AF_INET && family != AF_INET6) || v.len < 1 + n + 2)
		return false;
	w->kind = family == AF_INET ? WIRE_FD_IPV4 : WIRE_FD_IPV6;
	memset(addr, 0, sizeof w->remote_addr);
	memcpy(addr, v.p + 1, n);
	memcpy(port, v.p + 1 + n, 2);
	return true;
}

static void put_unix_path(struct scap *s, struct wire_seg *seg, struct view path)
{
	enum { SUN_PATH_BYTES = 108 };
	size_t n = path.len ? strnlen((const char *)path.p, path.len) : 0;

	build_text(s, seg, (const char *)path.p, n, SUN_PATH_BYTES);
	if (seg->len && path.p[0] == '@') /* an abstract name */
		s->rec.bytes[s->rec_len - seg->len] = 0;
}

/* What is known of the socket under this number. */
static struct wire_fd known(const struct task *main, int64_t fd, const struct sfd **f)
{
	struct wire_fd w = { .flags = WIRE_FD_READ | WIRE_FD_WRITE };

	*f = fd_find(main, (uint64_t)fd);
	if (*f)
		w = (*f)->w;
	w.fd = (uint32_t)fd;
	return w;
}

static enum event_result on_connect(struct scap *s, struct task *t, const struct sevent *e)
{
	struct task *main = task_main(s, t, e->ts);
	int64_t fd = num_of_call(e, 2, t, 0), ret = num(e, 0);
	bool failed = ret && ret != -EINPROGRESS;
	const struct sfd *f;
	struct wire_fd w;
	struct view path, addr = e->n > 3        ? bytes(e, 3)
				 : t->enter.name ? view_of((const uint8_t *)t->enter.name->s, t->enter.name->len)
						 : view_of(NULL, 0);

	if (!main || fd < 0 || fd > INT32_MAX || ret > 0)
		return EVENT_SKIPPED;
	w = known(main, fd, &f);
	if (!read_tuple(bytes(e, 1), false, &w, &path) && !read_addr(addr, true, &w, &path) && !failed)
		return EVENT_SKIPPED;
	if (failed)
		w.flags &= (uint8_t)~WIRE_FD_CONNECTED;
	else
		fd_put(s, main, &w, NULL);
	build_begin(s, WIRE_CONNECT, sizeof s->rec.connect, main, t, e->ts);
	s->rec.hdr.ret = ret;
	s->rec.hdr.syscall = NR_CONNECT;
	s->rec.connect.fields.num = (uint64_t)fd;
	s->rec.connect.sock = w;
	s->rec.connect.sock_flags = failed ? WIRE_SOCK_ASKED : 0;
	put_unix_path(s, &s->rec.connect.path, path);
	return EVENT_RECORD;
}

static uint32_t accept_nr(uint16_t type)
{
	return type == ACCEPT_X || type == ACCEPT_5_X ? NR_ACCEPT : NR_ACCEPT4;
}

static enum event_result on_accept(struct scap *s, struct task *t, const struct sevent *e)
{
	struct task *main = task_main(s, t, e->ts);
	int64_t fd = num(e, 0);
	struct wire_fd w = { .flags = WIRE_FD_READ | WIRE_FD_WRITE, .l4proto = IPPROTO_TCP };
	struct view path = view_of(NULL, 0);

	if (!main || fd > INT32_MAX || (fd >= 0 && !read_tuple(bytes(e, 1), true, &w, &path)))
		return EVENT_SKIPPED;
	w.fd = (uint32_t)fd;
	if (w.kind == WIRE_FD_UNIX)
		w.l4proto = 0;
	if (fd >= 0) {
		fd_put(s, main, &w, NULL);
		fd_set_server(main, w.fd, true);
		fds_then(s, main, t, e, WIRE_FDS_OPEN, &w);
	}
	build_begin(s, WIRE_ACCEPT, sizeof s->rec.accept, main, t, e->ts);
	s->rec.hdr.ret = fd;
	s->rec.hdr.syscall = accept_nr(e->type);
	s->rec.accept.fields.num = (uint64_t)fd;
	if (fd >= 0)
		s->rec.accept.sock = w;
	s->rec.accept.sock_flags = WIRE_SOCK_SERVER;
	put_unix_path(s, &s->rec.accept.path, path);
	return EVENT_RECORD;
}

/* Where a socket listens is known from its bind only. */
static enum event_result on_bind(struct scap *s, struct task *t, const struct sevent *e)
{
	struct task *main = task_main(s, t, e->ts);
	int64_t fd = num_of_call(e, 2, t, 0);
	struct sfd *f = main && fd >= 0 ? fd_find(main, (uint64_t)fd) : NULL;
	struct view path;

	if (f && !num(e, 0))
		(void)read_addr(bytes(e, 1), false, &f->w, &path);
	return EVENT_MERGED;
}

static enum event_result on_listen(struct scap *s, struct task *t, const struct sevent *e)
{
	struct task *main = task_main(s, t, e->ts);
	int64_t fd = num_of_call(e, 1, t, 0);
	const struct sfd *f;
	struct wire_fd w;

	if (!main || fd < 0 || fd > INT32_MAX)
		return EVENT_SKIPPED;
	w = known(main, fd, &f);
	if (!num(e, 0))
		fd_set_server(main, w.fd, true);
	build_begin(s, WIRE_LISTEN, sizeof s->rec.listen, main, t, e->ts);
	s->rec.hdr.ret = num(e, 0);
	s->rec.hdr.syscall = NR_LISTEN;
	s->rec.listen.fields.num = (uint64_t)fd;
	s->rec.listen.fields.backlog = (uint64_t)(int64_t)(int32_t)num_of_call(e, 2, t, 1);
	s->rec.listen.sock = w;
	s->rec.listen.sock_flags = WIRE_SOCK_SERVER;
	return EVENT_RECORD;
}

/* Where sends and receives have what; what older captures have in the entry: fd 0, size 1, an address 2. */
struct data_layout {
	uint16_t type, nr;
	int8_t fd, size, data, tuple;
	bool inbound;
};

static const struct data_layout data_layouts[] = {
	{ SENDTO_X, NR_SENDTO, 2, 3, 1, 4, false },     { SENDMSG_X, NR_SENDMSG, 2, 3, 1, 4, false },
	{ SENDMMSG_X, NR_SENDMMSG, 1, 2, 3, 4, false }, { RECVFROM_X, NR_RECVFROM, 3, 4, 1, 2, true },
	{ RECVMSG_X, NR_RECVMSG, 5, 1, 2, 3, true },    { RECVMMSG_X, NR_RECVMMSG, 1, 2, 3, 4, true },
};

static bool same_remote(const struct wire_fd *a, const struct wire_fd *b)
{
	return a->remote_port == b->remote_port && !memcmp(a->remote_addr, b->remote_addr, sizeof a->remote_addr);
}

/* The socket as it is for this one datagram. An address does not connect it. */
static uint32_t data_socket(struct scap *s, struct task *main, const struct task *t, const struct sevent *e,
			    const struct data_layout *l, int64_t fd, struct wire_fd *w, struct view *path)
{
	const struct sfd *f;
	struct wire_fd was = *w = known(main, fd, &f);
	struct view tuple = bytes(e, (uint32_t)l->tuple);
	uint32_t flags = f && f->server ? WIRE_SOCK_SERVER : 0;

	if (!tuple.len && !l->inbound && t->enter.name)
		tuple = view_of((const uint8_t *)t->enter.name->s, t->enter.name->len);
	*path = view_of(NULL, 0);
	if (tuple.len && !read_tuple(tuple, l->inbound, w, path))
		*w = was;
	if (f && !(was.flags & WIRE_FD_CONNECTED))
		w->flags &= (uint8_t)~WIRE_FD_CONNECTED;
	if (!same_remote(w, &was))
		flags |= WIRE_SOCK_NAME_CHANGED;
	if (w->kind != was.kind && f)
		return flags;
	fd_put(s, main, w, f ? text_ref(f->path) : NULL);
	fd_set_server(main, w->fd, flags & WIRE_SOCK_SERVER);
	return flags;
}

static enum event_result on_data(struct scap *s, struct task *t, const struct sevent *e)
{
	struct task *main = task_main(s, t, e->ts);
	const struct data_layout *l = data_layouts;
	struct wire_send *r = &s->rec.send; /* wire_recv is laid out alike */
	struct view data, path;
	struct wire_fd w;
	uint32_t flags;
	int64_t fd;

	while (l->type != e->type)
		l++;
	fd = num_of_call(e, (uint32_t)l->fd, t, 0);
	if (!main || fd < 0 || fd > INT32_MAX)
		return EVENT_SKIPPED;
	flags = data_socket(s, main, t, e, l, fd, &w, &path);
	build_begin(s, l->inbound ? WIRE_RECV : WIRE_SEND, sizeof *r, main, t, e->ts);
	s->rec.hdr.ret = num(e, 0);
	s->rec.hdr.syscall = l->nr;
	r->fields.num = (uint64_t)fd;
	r->fields.size = (uint32_t)num_of_call(e, (uint32_t)l->size, t, 1);
	r->sock = w;
	r->sock_flags = flags;
	put_unix_path(s, &r->path, path);
	data = bytes(e, (uint32_t)l->data);
	build_text(s, &r->data, (const char *)data.p, data.len, WIRE_DATA_BYTES);
	return EVENT_RECORD;
}

static_assert(sizeof(struct wire_send) == sizeof(struct wire_recv), "on_data makes both");

// clang-format off
static const struct event_row rows[] = {
	{ CLOSE_X, 2, on_close }, { SOCKET_X, 5, on_socket }, { BIND_X, 3, on_bind }, { CONNECT_X, 4, on_connect },
	{ LISTEN_X, 3, on_listen }, { ACCEPT_X, 3, on_accept }, { SENDTO_X, 5, on_data }, { RECVFROM_X, 5, on_data },
	{ SOCKETPAIR_X, 8, on_pair }, { SENDMSG_X, 5, on_data }, { SENDMMSG_X, 5, on_data }, { RECVMSG_X, 6, on_data },
	{ RECVMMSG_X, 6, on_data }, { ACCEPT4_X, 3, on_accept }, { PIPE_X, 4, on_pair }, { DUP_X, 1, on_dup },
	{ FCNTL_X, 4, on_dup }, { ACCEPT_5_X, 5, on_accept }, { ACCEPT4_5_X, 5, on_accept }, { DUP2_X, 3, on_dup },
	{ DUP3_X, 4, on_dup }, { DUP_1_X, 2, on_dup }, { ACCEPT4_6_X, 6, on_accept }, { PIPE2_X, 5, on_pair },
};

static const struct enter_row enters[] = {
	{ CLOSE_X - 1, 1, -1, -1 }, { SOCKET_X - 1, 3, -1, -1 }, { BIND_X - 1, 1, -1, -1 }, { CONNECT_X - 1, 2, 1, -1 },
	{ LISTEN_X - 1, 2, -1, -1 }, { SENDTO_X - 1, 3, 2, -1 }, { RECVFROM_X - 1, 2, -1, -1 }, { SENDMSG_X - 1, 3, 2, -1 },
	{ RECVMSG_X - 1, 1, -1, -1 }, { DUP_X - 1, 1, -1, -1 }, { FCNTL_X - 1, 2, -1, -1 },
	{ DUP2_X - 1, 1, -1, -1 }, { DUP3_X - 1, 1, -1, -1 }, { DUP_1_X - 1, 1, -1, -1 },
};
// clang-format on

const struct event_table scap_fd_events = { rows, countof(rows), enters, countof(enters) };
