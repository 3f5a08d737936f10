/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * data: what is sent and received over sockets: sendto, sendmsg, sendmmsg and their counterparts.
 *
 * Most of it is dropped at once: unless a rule asks for more, only the first message on a socket is told, and each
 * whose remote end is another than that of the message before. The remote end of a message is the address in the
 * caller's memory (for a receive the kernel wrote it there), else that which the socket is connected to. Of a call with
 * several messages each of the first MESSAGES_MAX is one record, whose hdr.ret is its own length.
 */
#ifndef SALLYPORT_SENSOR_BPF_DATA_H
#define SALLYPORT_SENSOR_BPF_DATA_H

enum { MESSAGES_MAX = 8, VECTORS_MAX = 8 };

/* One message, in the caller's memory. */
struct message {
	u64 name; /* the other end's address, or 0 */
	u64 data; /* the first vector, or the buffer itself */
	u64 data_bytes;
	u64 asked; /* bytes that were to be sent or received */
	s64 ret;
	u32 name_bytes;
};

/* What is known of a message while its record is made: too much for the stack of old kernels. As scratch, by slot. */
struct work {
	struct call call;
	struct message message;
	struct remote remote;
	struct sock_record record;
	u64 sun[SUN_WORDS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCH_SLOTS);
	__type(key, u32);
	__type(value, struct work);
} works SEC(".maps");

static __always_inline struct work *work_get(u32 slot)
{
	return bpf_map_lookup_elem(&works, &slot);
}

/* Bytes of the vectors number first and later; those up to VECTORS_MAX are counted. small: with 32-bit members. */
__attribute__((noinline)) u64 vectors_sum(u64 iov, u64 first, u64 n, u32 small)
{
	u64 sum = 0;

	for (u64 i = 0; i < VECTORS_MAX; i++) {
		u64 v[2] = {};
		u32 v32[2] = {};

		if (i >= n)
			break;
		if (i < first)
			continue;
		if (small) {
			bpf_probe_read_user(v32, sizeof v32, (void *)(iov + i * sizeof v32));
			v[1] = v32[1];
		} else {
			bpf_probe_read_user(v, sizeof v, (void *)(iov + i * sizeof v));
		}
		sum += v[1];
	}
	return sum;
}

static __always_inline void vectors_read(u64 iov, u64 n, bool small, struct message *out)
{
	u64 v[2] = {};
	u32 v32[2] = {};

	if (!n)
		return;
	if (small) {
		bpf_probe_read_user(v32, sizeof v32, (void *)iov);
		v[0] = v32[0];
		v[1] = v32[1];
	} else {
		bpf_probe_read_user(v, sizeof v, (void *)iov);
	}
	out->data = v[0];
	out->data_bytes = v[1];
	out->asked = v[1] + (n > 1 ? vectors_sum(iov, 1, n, small) : 0);
}

/* struct user_msghdr, with pointers of either size (include/linux/socket.h, include/net/compat.h). */
struct msghdr_small {
	u32 name, name_bytes, iov, n_iov, control, control_bytes, flags;
};
struct msghdr_large {
	u64 name;
	u32 name_bytes, pad;
	u64 iov, n_iov, control, control_bytes;
	u32 flags, pad2;
};
enum { MMSGHDR_SMALL = sizeof(struct msghdr_small) + 4, MMSGHDR_LARGE = sizeof(struct msghdr_large) + 8 };

static __always_inline void msghdr_read(bool small, u64 at, struct message *out)
{
	u64 iov, n;

	if (small) {
		struct msghdr_small h = {};

		bpf_probe_read_user(&h, 16, (void *)at);
		out->name = h.name;
		out->name_bytes = h.name_bytes;
		iov = h.iov;
		n = h.n_iov;
	} else {
		struct msghdr_large h = {};

		bpf_probe_read_user(&h, 32, (void *)at);
		out->name = h.name;
		out->name_bytes = h.name_bytes;
		iov = h.iov;
		n = h.n_iov;
	}
	vectors_read(iov, n, small, out);
}

/* The other end of this message. True when it is the caller's memory that tells. */
static __always_inline bool remote_of_message(const struct message *m, const struct sock *sk, struct remote *out)
{
	const struct sock_common *k = &sk->__sk_common;
	u16 family = BPF_CORE_READ(k, skc_family);
	u16 port = family == AF_INET || family == AF_INET6 ? BPF_CORE_READ(k, skc_dport) : 0;

	if (!(port && BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP) &&
	    remote_of_user(m->name, m->name_bytes, family, out))
		return true;
	*out = (struct remote){ .family = family, .port = __builtin_bswap16(port) };
	if (family == AF_INET)
		bpf_core_read(out->addr, 4, &k->skc_daddr);
	else if (family == AF_INET6)
		bpf_core_read(out->addr, 16, &k->skc_v6_daddr);
	else if (family == AF_UNIX)
		out->addr[0] = mix((u64)BPF_CORE_READ((const struct unix_sock *)sk, peer) ^ socket_secret[0]);
	return false;
}

/* Is this another remote end than last time? A failed call leaves what was. */
static __always_inline bool remote_changed(const struct file *f, const struct sock *sk, struct remote *now, bool ok)
{
	u64 key = remote_key(f, sk);
	struct remote *was = bpf_map_lookup_elem(&remotes, &key);

	now->flags = was ? was->flags : 0;
	if (was && was->family && was->addr[0] == now->addr[0] && was->addr[1] == now->addr[1] &&
	    was->port == now->port)
		return false;
	if (!ok)
		return true;
	if (!was) {
		bpf_map_update_elem(&remotes, &key, now, BPF_ANY);
		return true;
	}
	was->addr[0] = now->addr[0];
	was->addr[1] = now->addr[1];
	was->port = now->port;
	was->family = now->family;
	return true;
}

/* Append the first bytes; returns the segment, packed. */
__attribute__((noinline)) int data_append(u64 data, u64 bytes, u32 slot)
{
	struct scratch *s = scratch_get(slot);
	u64 n = at_most(bytes, WIRE_DATA_BYTES);
	u64 at;

	if (!s || !bytes)
		return 0;
	at = s->at;
	if (at > WIRE_RECORD_MAX - WIRE_DATA_BYTES)
		return 0;
	if (bpf_probe_read_user(s->rec.bytes + at, (u32)n, (void *)data))
		return seg_pack(0, WIRE_SEG_CUT);
	s->at = at + n;
	return seg_pack(n, bytes > n ? WIRE_SEG_CUT : 0);
}

static __always_inline struct file *work_file(const struct work *w, struct fd_table *table)
{
	fd_table_of((void *)bpf_get_current_task(), table);
	return fd_file(table, (u32)w->call.arg[0]);
}

/* A number for the name of a unix socket in the caller's memory. */
static __always_inline void sun_number(struct work *w)
{
	u64 h = socket_secret[0];

	for (u32 i = 0; i < SUN_WORDS; i++)
		w->sun[i] = 0;
	bpf_probe_read_user(w->sun, (u32)at_most(w->message.name_bytes, sizeof w->sun), (void *)w->message.name);
	for (u32 i = 0; i < SUN_WORDS; i++)
		h = mix(h + w->sun[i]);
	w->remote.addr[0] = h;
	w->remote.addr[1] = 1;
}

enum { TELL = 1 << 16 }; /* beside enum wire_sock_flags */

/* Is the message told? Then TELL and its flags. */
__attribute__((noinline)) int message_wanted(u32 slot)
{
	struct work *w = work_get(slot);
	struct fd_table table;
	bool changed = false;
	const struct sock *sk;
	struct file *f;
	u32 flags = TELL;

	if (!w)
		return 0;
	f = work_file(w, &table);
	w->remote = (struct remote){};
	if (file_is_socket(f)) {
		sk = file_sock(f);
		if (remote_of_message(&w->message, sk, &w->remote)) {
			if (w->remote.family == AF_UNIX)
				sun_number(w);
			flags |= w->message.ret < 0 ? WIRE_SOCK_ASKED : 0;
			changed = remote_changed(f, sk, &w->remote, w->message.ret >= 0);
			w->remote.flags = FOUND;
		} else {
			changed = remote_changed(f, sk, &w->remote, w->message.ret >= 0);
			w->remote.flags = 0;
		}
	}
	if (!changed && !filter_flag(WIRE_FILTER_SAME_NAME))
		return 0;
	return (int)(flags | (changed ? WIRE_SOCK_NAME_CHANGED : 0));
}

/* Append address and data, as far as they are not the socket's own. */
__attribute__((noinline)) int message_append(u32 slot)
{
	struct scratch *s = scratch_get(slot);
	struct work *w = work_get(slot);
	struct fd_table table;
	struct sock_tail *t;
	struct file *f;
	u64 bytes;

	if (!s || !w)
		return 0;
	t = (void *)(s->rec.bytes + sock_tail_at(&w->record));
	s->rec.hdr.ret = w->message.ret;
	f = work_file(w, &table);
	if (t->sock.kind == WIRE_FD_UNIX)
		seg_set(&t->path, w->remote.flags & FOUND
					  ? sun_user_append(w->message.name, w->message.name_bytes, slot)
					  : sun_path_append(file_sock(f), slot));
	else if (w->remote.flags & FOUND)
		remote_put(&t->sock, &w->remote);
	bytes = w->message.ret < 0 ? 0 : (u64)w->message.ret;
	if (bytes > w->message.data_bytes)
		bytes = w->message.data_bytes;
	if (bytes && filter_flag(WIRE_FILTER_DATA))
		seg_set(&t->data, data_append(w->message.data, bytes, slot));
	return 0;
}

/* The record of the message in work, whose scratch was taken: sent, or dropped and counted. */
__attribute__((noinline)) int message_tell(u32 slot, u32 kind)
{
	struct scratch *s = scratch_get(slot);
	struct work *w = work_get(slot);
	int flags = message_wanted(slot);
	struct fd_table table;
	struct file *f;

	if (!s || !w)
		return 0;
	if (!flags) {
		stats_filtered();
		scratch_release(s);
		return 0;
	}
	w->call.task = (void *)bpf_get_current_task();
	w->record = (struct sock_record){ .kind = kind,
					  .ring = WIRE_RING_BULK,
					  .n_fields = FIELDS_OF(net_send),
					  .field = { (u32)w->call.arg[0], w->message.asked },
					  .fd = (u32)w->call.arg[0],
					  .flags = (u16)flags };
	f = work_file(w, &table);
	sock_begin(&w->call, &w->record, (u64)f, fd_flags(&table, (u32)w->call.arg[0]), slot);
	message_append(slot);
	return record_send(slot, kind, WIRE_RING_BULK);
}

/* A call in one number, for the function below. */
static __always_inline u64 data_pack(const struct call *c, u32 kind)
{
	return (u32)c->arg[0] | (u64)c->nr << 32 | (u64)kind << 48 | (u64)c->compat << 62 |
	       (u64)c->small_pointers << 63;
}

/* The message of the struct msghdr at this address. Global, so that the verifier looks at it once. */
__attribute__((noinline)) int on_msghdr(u64 packed, s64 ret, u64 at)
{
	u32 slot, kind = (u8)(packed >> 48) & 63;
	struct work *w;

	if (!record_begin(kind, WIRE_RING_BULK, &slot))
		return 0;
	w = work_get(slot);
	if (!w)
		return 0;
	w->call = (struct call){ .ret = ret,
				 .arg = { (u32)packed },
				 .nr = (u16)(packed >> 32),
				 .compat = packed >> 62 & 1,
				 .small_pointers = packed >> 63 };
	w->message = (struct message){ .ret = ret };
	msghdr_read(w->call.small_pointers, at, &w->message);
	return message_tell(slot, kind);
}

static __always_inline void on_messages(const struct call *c, u64 packed)
{
	u32 stride = c->small_pointers ? MMSGHDR_SMALL : MMSGHDR_LARGE;
	u32 length_at = c->small_pointers ? sizeof(struct msghdr_small) : sizeof(struct msghdr_large);

	for (u32 i = 0; i < MESSAGES_MAX; i++) {
		u64 at = c->arg[1] + i * stride;
		u32 length = 0;

		if (i && (s64)i >= c->ret)
			break;
		if (c->ret > 0)
			bpf_probe_read_user(&length, sizeof length, (void *)(at + length_at));
		on_msghdr(packed, c->ret > 0 ? length : c->ret, at);
	}
}

static __attribute__((noinline)) int on_data(const struct call *c)
{
	bool sends = c->id == CALL_SENDTO || c->id == CALL_SENDMSG || c->id == CALL_SENDMMSG;
	u32 kind = sends ? WIRE_SEND : WIRE_RECV;

	if (!filter_wants(kind, c->ret))
		return 0;
	if (c->id == CALL_SENDMMSG || c->id == CALL_RECVMMSG)
		on_messages(c, data_pack(c, kind));
	else
		on_msghdr(data_pack(c, kind), c->ret, c->arg[1]);
	return 0;
}

/* sendto and recvfrom: a message without a header. */
static __attribute__((noinline)) int on_plain_data(const struct call *c)
{
	u32 slot, kind = c->id == CALL_SENDTO ? WIRE_SEND : WIRE_RECV;
	struct work *w;

	if (!filter_wants(kind, c->ret) || !record_begin(kind, WIRE_RING_BULK, &slot))
		return 0;
	w = work_get(slot);
	if (!w)
		return 0;
	w->call = *c;
	w->message = (struct message){ .ret = c->ret,
				       .data = c->arg[1],
				       .data_bytes = c->arg[2],
				       .asked = c->arg[2],
				       .name = c->arg[4],
				       .name_bytes = (u32)c->arg[5] };
	if (c->id == CALL_RECVFROM) {
		u32 bytes = 0;

		bpf_probe_read_user(&bytes, sizeof bytes, (void *)c->arg[5]);
		w->message.name_bytes = bytes;
	}
	return message_tell(slot, kind);
}

#endif
