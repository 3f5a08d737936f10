/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* net: sockets that were connected. */
#ifndef SALLYPORT_SENSOR_BPF_NET_H
#define SALLYPORT_SENSOR_BPF_NET_H

enum { EINPROGRESS = 115, SUN_FAMILY_BYTES = 2, SUN_PATH_BYTES = 108 };

/* Append what the other end of a unix socket is bound to: a path without its NUL, or an abstract name with its first.
 */
__attribute__((noinline)) int sun_path_append(u64 sock_addr, u32 slot)
{
	struct scratch *s = scratch_get(slot);
	struct sock *peer = BPF_CORE_READ((struct unix_sock *)sock_addr, peer);
	struct unix_address *addr = BPF_CORE_READ((struct unix_sock *)peer, addr);
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

static __always_inline void on_connect(const struct call *c, u32 fd)
{
	struct fd_table table;
	struct wire_connect *k;
	struct scratch *s;
	struct file *f;
	u32 kind, slot;

	if (c->ret && c->ret != -EINPROGRESS)
		return;
	fd_table_of(c->task, &table);
	f = fd_file(&table, fd);
	kind = f ? file_kind(f) : WIRE_FD_NONE;
	if (kind != WIRE_FD_UNIX && kind != WIRE_FD_IPV4 && kind != WIRE_FD_IPV6)
		return;
	if (track_is_on())
		track_set(c->tgid, fd);
	s = record_begin(WIRE_CONNECT, WIRE_RING_RESERVED, &slot);
	if (!s)
		return;
	k = &s->rec.connect;
	call_header(s, WIRE_CONNECT, sizeof *k, c);
	fd_describe((u64)f, fd, fd_flags(&table, fd), slot, __builtin_offsetof(struct wire_connect, sock));
	k->fields.num = fd;
	k->reserved = 0;
	k->sock_flags = 0;
	seg_set(&k->data, 0);
	seg_set(&k->path, kind == WIRE_FD_UNIX ? sun_path_append((u64)file_sock(f), slot) : 0);
	record_send(s, WIRE_CONNECT, WIRE_RING_RESERVED);
}

#endif
