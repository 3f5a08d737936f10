/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * socket: who a socket talks to, and records about a socket: made, connected, accepted, listening, copied.
 *
 * Their records are alike: the header, the type's numbers, the descriptor, flags, the path of a unix socket, data.
 */
#ifndef SALLYPORT_SENSOR_BPF_SOCKET_H
#define SALLYPORT_SENSOR_BPF_SOCKET_H

enum {
	EINPROGRESS = 115,
	SUN_FAMILY_BYTES = 2,
	SUN_PATH_BYTES = 108,
	SUN_WORDS = 14,  /* of 8 bytes: family and path */
	TCP_LISTEN = 10, /* include/net/tcp_states.h: of every kind of socket */
	IPPROTO_TCP = 6,
	REMOTES_MAX = 16384,
	REMOTE_SERVER = 1,
	MAX_FIELDS = 7,  /* a mask: the bound is plain to every verifier */
	FOUND = 1 << 30, /* beside a packed segment */
};

/* A remote end. unix: a number that stands for the other socket, or for its name. */
struct remote {
	u64 addr[2]; /* network order, as in struct wire_fd */
	u16 port;    /* host order */
	u16 family;  /* 0: none so far */
	u32 flags;   /* REMOTE_SERVER */
};

/* What sockets talked to last. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, REMOTES_MAX);
	__type(key, u64);
	__type(value, struct remote);
} remotes SEC(".maps");

/* A socket's identity: its address, which another one can have later, and its inode number, which that one has not. */
static __always_inline u64 remote_key(const struct file *f, const struct sock *sk)
{
	return mix((u64)sk ^ socket_secret[0]) ^ mix(BPF_CORE_READ(f, f_inode, i_ino) + socket_secret[1]);
}

static __always_inline bool file_is_socket(const struct file *f)
{
	return f && (BPF_CORE_READ(f, f_inode, i_mode) & S_IFMT) == S_IFSOCK &&
	       !(BPF_CORE_READ(f, f_mode) & FMODE_PATH);
}

/* enum wire_sock_flags, of the socket itself. */
static __always_inline u32 sock_flags(const struct file *f, const struct sock *sk)
{
	u64 key = remote_key(f, sk);
	struct remote *r;

	if (BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_LISTEN)
		return WIRE_SOCK_SERVER;
	r = bpf_map_lookup_elem(&remotes, &key);
	return r && r->flags & REMOTE_SERVER ? WIRE_SOCK_SERVER : 0;
}

/* Append the name that a unix socket is bound to: a path without its NUL, or an abstract name with its first. */
__attribute__((noinline)) int sun_append(u64 sock_addr, u32 slot)
{
	struct scratch *s = scratch_get(slot);
	struct unix_address *addr = BPF_CORE_READ((struct unix_sock *)sock_addr, addr);
	const char *name = addr->name[0].sun_path;
	u64 at, bytes;
	char first = 0;

	if (!s || !addr)
		return 0;
	bpf_probe_read_kernel(&first, 1, name);
	if (first)
		return string_append((u64)name, slot);
	at = s->at;
	bytes = (u32)BPF_CORE_READ(addr, len) - SUN_FAMILY_BYTES;
	if (at > WIRE_RECORD_MAX - SUN_PATH_BYTES || bytes > SUN_PATH_BYTES)
		return 0;
	if (bpf_probe_read_kernel(s->rec.bytes + at, (u32)bytes, name))
		return 0;
	s->at = at + bytes;
	return seg_pack(bytes, 0);
}

/* The name of the other end or, where that has none, the socket's own. */
static __always_inline int sun_path_append(const struct sock *sk, u32 slot)
{
	u64 peer = (u64)BPF_CORE_READ((const struct unix_sock *)sk, peer);
	int packed = peer ? sun_append(peer, slot) : 0;

	return packed & 0xffff ? packed : sun_append((u64)sk, slot);
}

/* Append sun_path of an address in the caller's memory that is bytes long. */
__attribute__((noinline)) int sun_user_append(u64 sockaddr, u32 bytes, u32 slot)
{
	struct scratch *s = scratch_get(slot);
	u64 at, n, name = sockaddr + SUN_FAMILY_BYTES;
	char first = 0;
	long got;

	if (!s || bytes <= SUN_FAMILY_BYTES)
		return 0;
	n = at_most(bytes - SUN_FAMILY_BYTES, SUN_PATH_BYTES);
	at = s->at;
	if (at > WIRE_RECORD_MAX - SUN_PATH_BYTES - 1)
		return 0;
	bpf_probe_read_user(&first, 1, (void *)name);
	if (first) {
		got = bpf_probe_read_user_str(s->rec.bytes + at, (u32)at_most(n + 1, SUN_PATH_BYTES + 1), (void *)name);
		n = got > 0 ? (u64)got - 1 : 0;
	} else if (bpf_probe_read_user(s->rec.bytes + at, (u32)n, (void *)name)) {
		n = 0;
	}
	s->at = at + n;
	return seg_pack(n, 0);
}

/* include/uapi/linux/in.h, in6.h */
struct any_sockaddr {
	u16 family;
	u16 port;
	u32 addr4_or_flow;
	u64 addr6[2];
	u32 scope;
};

/* A remote end from an address in the caller's memory. False when there is none, or of another family. */
static __always_inline bool remote_of_user(u64 sockaddr, u32 bytes, u16 sock_family, struct remote *out)
{
	struct any_sockaddr a = {};

	if (!sockaddr || bytes < SUN_FAMILY_BYTES)
		return false;
	if (bpf_probe_read_user(&a, (u32)at_most(bytes, sizeof a), (void *)sockaddr))
		return false;
	out->family = a.family;
	if (a.family == AF_UNIX && sock_family == AF_UNIX)
		return true;
	if (sock_family != AF_INET && sock_family != AF_INET6)
		return false;
	out->port = __builtin_bswap16(a.port);
	if (a.family == AF_INET) {
		/* as the socket has it: an IPv6 socket can be given an IPv4 address */
		out->addr[0] = sock_family == AF_INET ? a.addr4_or_flow : 0;
		out->addr[1] = sock_family == AF_INET ? 0 : (u64)a.addr4_or_flow << 32 | 0xffff0000u;
		return true;
	}
	out->addr[0] = a.addr6[0];
	out->addr[1] = a.addr6[1];
	return a.family == AF_INET6;
}

/* The numbers that differ between the kinds of records about sockets. */
struct sock_record {
	u32 kind, ring;
	u32 n_fields;
	u64 field[4];
	u32 fd;
	u32 flags; /* enum wire_sock_flags */
};

enum {
	SOCK_FLAGS_AT = sizeof(struct wire_fd),
	SOCK_PATH_AT = SOCK_FLAGS_AT + sizeof(u32),
	SOCK_DATA_AT = SOCK_PATH_AT + sizeof(struct wire_seg),
	SOCK_RESERVED_AT = SOCK_DATA_AT + sizeof(struct wire_seg),
	SOCK_END = SOCK_RESERVED_AT + sizeof(u32),
	SOCK_END_DUP = SOCK_DATA_AT,
};

/* What follows the header and the numbers, for every kind of record about sockets. */
struct sock_tail {
	struct wire_fd sock;
	u32 sock_flags;
	struct wire_seg path, data; /* data and reserved: not in a dup's */
	u32 reserved;
};

static __always_inline u32 sock_tail_at(const struct sock_record *r)
{
	return (u32)sizeof(struct wire_hdr) + (r->n_fields & MAX_FIELDS) * (u32)sizeof(u64);
}

/* The record's header, numbers, descriptor and its own flags; path and data are empty. slot was taken. */
static __attribute__((noinline)) int sock_begin(const struct call *c, const struct sock_record *r, u64 file_addr,
						u32 fd_flags_of, u32 slot)
{
	struct scratch *s = scratch_get(slot);
	u32 tail = sock_tail_at(r), flags = r->flags;
	struct file *f = (void *)file_addr;
	struct sock_tail *t;
	u64 *field;

	if (!s)
		return 0;
	field = (void *)(&s->rec.hdr + 1);
	t = (void *)(s->rec.bytes + tail);
	call_header(s, slot, r->kind, tail + (r->kind == WIRE_DUP ? (u32)SOCK_END_DUP : (u32)SOCK_END), c);
	field[0] = r->field[0];
	field[1] = r->field[1];
	field[2] = r->field[2];
	field[3] = r->field[3];
	fd_describe(file_addr, r->fd, fd_flags_of, slot, tail);
	if (file_is_socket(f))
		flags |= sock_flags(f, file_sock(f));
	t->sock_flags = flags;
	seg_set(&t->path, 0);
	if (r->kind != WIRE_DUP) {
		seg_set(&t->data, 0);
		t->reserved = 0;
	}
	return 1;
}

/* The tail of a record that sock_begin made; NULL never happens, but the verifier wants it asked. */
static __always_inline struct sock_tail *sock_tail(const struct sock_record *r, u32 slot)
{
	struct scratch *s = scratch_get(slot);

	return s ? (void *)(s->rec.bytes + sock_tail_at(r)) : 0;
}

static __always_inline void remote_put(struct wire_fd *w, const struct remote *r)
{
	__builtin_memcpy(w->remote_addr, r->addr, sizeof w->remote_addr);
	w->remote_port = r->port;
}

static __always_inline void remote_forget(const struct file *f)
{
	u64 key = remote_key(f, file_sock(f));

	bpf_map_delete_elem(&remotes, &key);
}

static __attribute__((noinline)) int on_connect(const struct call *c)
{
	u32 fd = (u32)c->arg[0], slot, kind, state_hooks = HOOK_IPC;
	struct sock_record r = { .kind = WIRE_CONNECT, .ring = WIRE_RING_RESERVED, .n_fields = FIELDS_OF(net_connect) };
	bool ok = !c->ret || c->ret == -EINPROGRESS, asked;
	struct remote to = {};
	struct fd_table table;
	struct sock_tail *t;
	struct file *f;

	fd_table_of(c->task, &table);
	f = fd_file(&table, fd);
	kind = f ? file_kind(f) : WIRE_FD_NONE;
	if (kind != WIRE_FD_UNIX && kind != WIRE_FD_IPV4 && kind != WIRE_FD_IPV6)
		return 0;
	if (c->hooks & (HOOK_SEND | HOOK_RECV))
		remote_forget(f);
	if (ok && track_is_on())
		track_set(c->tgid, fd, TRACK_CHANNEL);
	if (!(ok && c->hooks & state_hooks) &&
	    (!(c->hooks & HOOK_CONNECT) || !filter_wants(WIRE_CONNECT, ok ? 0 : c->ret)))
		return 0;
	asked = !ok &&
		remote_of_user(c->arg[1], (u32)c->arg[2], BPF_CORE_READ(file_sock(f), __sk_common.skc_family), &to);
	r.fd = fd;
	r.field[0] = fd;
	r.flags = asked ? WIRE_SOCK_ASKED : 0;
	if (!record_begin(WIRE_CONNECT, WIRE_RING_RESERVED, &slot))
		return 0;
	sock_begin(c, &r, (u64)f, fd_flags(&table, fd), slot);
	t = sock_tail(&r, slot);
	if (!t)
		return 0;
	if (kind != WIRE_FD_UNIX && asked)
		remote_put(&t->sock, &to);
	else if (kind == WIRE_FD_UNIX)
		seg_set(&t->path,
			asked ? sun_user_append(c->arg[1], (u32)c->arg[2], slot) : sun_path_append(file_sock(f), slot));
	return record_send(slot, WIRE_CONNECT, WIRE_RING_RESERVED);
}

/* Calls whose record has nothing but the descriptor: r is filled but for the flags. */
static __always_inline int sock_send(const struct call *c, struct sock_record *r)
{
	struct fd_table table;
	struct sock_tail *t;
	struct file *f;
	u32 slot;

	if (!filter_wants(r->kind, c->ret))
		return 0;
	fd_table_of(c->task, &table);
	f = fd_file(&table, r->fd);
	if (!record_begin(r->kind, r->ring, &slot))
		return 0;
	sock_begin(c, r, (u64)f, fd_flags(&table, r->fd), slot);
	t = sock_tail(r, slot);
	if (!t)
		return 0;
	if (t->sock.kind == WIRE_FD_UNIX)
		seg_set(&t->path, sun_path_append(file_sock(f), slot));
	else if (r->kind == WIRE_DUP && f && t->sock.kind != WIRE_FD_IPV4 && t->sock.kind != WIRE_FD_IPV6)
		seg_set(&t->path, path_append_file(f, slot));
	return record_send(slot, r->kind, r->ring);
}

/* An accepted socket is a server's end for as long as it is open. */
static __always_inline void remote_accepted(const struct call *c)
{
	struct remote r = { .flags = REMOTE_SERVER };
	struct fd_table table;
	struct file *f;
	u64 key;

	fd_table_of(c->task, &table);
	f = fd_file(&table, (u32)c->ret);
	if (!file_is_socket(f))
		return;
	key = remote_key(f, file_sock(f));
	bpf_map_update_elem(&remotes, &key, &r, BPF_ANY);
}

static __attribute__((noinline)) int on_accept_event(const struct call *c)
{
	struct sock_record r = { .kind = WIRE_ACCEPT,
				 .ring = WIRE_RING_RESERVED,
				 .n_fields = FIELDS_OF(net_accept),
				 .field = { (u64)c->ret },
				 .flags = WIRE_SOCK_SERVER,
				 .fd = c->ret < 0 ? (u32)c->arg[0] : (u32)c->ret };

	if (c->ret >= 0 && c->hooks & (HOOK_SEND | HOOK_RECV | HOOK_DUP))
		remote_accepted(c);
	return c->hooks & HOOK_ACCEPT ? sock_send(c, &r) : 0;
}

static __attribute__((noinline)) int on_listen(const struct call *c)
{
	struct sock_record r = { .kind = WIRE_LISTEN,
				 .ring = WIRE_RING_RESERVED,
				 .n_fields = FIELDS_OF(net_listen),
				 .field = { (u32)c->arg[0], (u64)(int)c->arg[1] },
				 .fd = (u32)c->arg[0] };

	return sock_send(c, &r);
}

static __attribute__((noinline)) int on_socket(const struct call *c)
{
	struct sock_record r = { .kind = WIRE_SOCKET,
				 .ring = WIRE_RING_RESERVED,
				 .n_fields = FIELDS_OF(net_socket),
				 .field = { (u64)c->ret, (u32)c->arg[0], (u32)c->arg[1], (u32)c->arg[2] },
				 .fd = (u32)c->ret };

	return sock_send(c, &r);
}

/* What dup was not given is told as -1 and 0. */
static __attribute__((noinline)) int on_dup_event(const struct call *c)
{
	struct sock_record r = { .kind = WIRE_DUP,
				 .ring = WIRE_RING_RESERVED,
				 .n_fields = FIELDS_OF(fd_dup),
				 .field = { (u64)c->ret, (u64)(int)c->arg[0], (u64)-1 },
				 .fd = (u32)c->ret };

	if (c->id != CALL_DUP)
		r.field[2] = (u64)(int)c->arg[1];
	if (c->id == CALL_DUP3)
		r.field[3] = (u32)c->arg[2];
	return sock_send(c, &r);
}

#endif
