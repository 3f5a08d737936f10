/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields_socket: what is known of a socket, and of the calls on it.
 *
 * The server end is this one when the socket listens or came from accept, else the other: what a process sends or
 * receives on a socket that it never listened on says nothing about who serves.
 */
#include "sensor/decode/parts.h"

#include <arpa/inet.h>

enum { NAME_TEXT = 2 * INET6_ADDRSTRLEN + 32 };

static bool is_inet(const struct wire_fd *s)
{
	return s->kind == WIRE_FD_IPV4 || s->kind == WIRE_FD_IPV6;
}

static bool is_socket(const struct wire_fd *s)
{
	return is_inet(s) || s->kind == WIRE_FD_UNIX;
}

static bool is_v4(const struct wire_fd *s)
{
	return is_inet(s) && inet_of(s).addr_len == 4;
}

static bool is_server(const struct decode *d)
{
	return d->sock_flags & WIRE_SOCK_SERVER;
}

/* There is another end: the socket is connected, or the call named an address. */
static bool has_remote(const struct decode *d)
{
	static const uint8_t zero[16];
	const struct wire_fd *s = d->sock;

	return s->flags & WIRE_FD_CONNECTED || s->remote_port || memcmp(s->remote_addr, zero, sizeof zero);
}

static bool has_local(const struct wire_fd *s)
{
	static const uint8_t zero[16];

	return s->local_port || memcmp(s->local_addr, zero, sizeof zero);
}

/* "1.2.3.4:80"; no brackets around IPv6. text: NAME_TEXT bytes, or half of them. */
static size_t put_end(char *text, const uint8_t *addr, uint32_t addr_len, uint16_t port)
{
	size_t n = 0;

	if (addr_len == 4) {
		for (uint32_t i = 0; i < 4; i++) {
			n += value_put_number(text + n, addr[i]);
			text[n++] = '.';
		}
		n--;
	} else if (inet_ntop(AF_INET6, addr, text, INET6_ADDRSTRLEN)) {
		n = strlen(text);
	}
	text[n++] = ':';
	return n + value_put_number(text + n, port);
}

static struct proc_str inet_name(struct decode *d)
{
	const struct wire_fd *s = d->sock;
	struct inet i = inet_of(s);
	char *text = value_room(d, NAME_TEXT);
	size_t n;

	if (!text || (!has_remote(d) && !has_local(s)))
		return (struct proc_str){ "", 0 };
	if (!has_remote(d)) {
		n = put_end(text, i.local, i.addr_len, s->local_port);
		return (struct proc_str){ text, (uint32_t)n };
	}
	if (is_server(d)) /* the client comes first */
		n = put_end(text, i.remote, i.addr_len, s->remote_port);
	else
		n = put_end(text, i.local, i.addr_len, s->local_port);
	text[n++] = '-';
	text[n++] = '>';
	if (is_server(d))
		n += put_end(text + n, i.local, i.addr_len, s->local_port);
	else
		n += put_end(text + n, i.remote, i.addr_len, s->remote_port);
	return (struct proc_str){ text, (uint32_t)n };
}

/* sun_path: one that begins with NUL is an abstract name, otherwise NUL ends it. */
static struct proc_str unix_name(struct decode *d)
{
	struct proc_str s = d->rec.seg[SEG_SUN_PATH];
	char *text = s.len ? value_room(d, s.len) : NULL;

	if (!text)
		return (struct proc_str){ "", 0 };
	memcpy(text, s.p, s.len);
	if (!text[0])
		text[0] = '@';
	else
		s.len = (uint32_t)strnlen(text, s.len);
	return (struct proc_str){ text, s.len };
}

/* fd.name, also of what dup copies */
static struct proc_str name_of(struct decode *d)
{
	if (d->has_sock_name)
		return d->sock_name;
	d->has_sock_name = true;
	if (is_inet(d->sock))
		d->sock_name = inet_name(d);
	else if (d->sock->kind == WIRE_FD_UNIX)
		d->sock_name = unix_name(d);
	else if (d->rec.hdr.kind == WIRE_DUP && d->sock->kind != WIRE_FD_NONE && d->rec.seg[SEG_SUN_PATH].len)
		d->sock_name = record_path(d->rec.seg[SEG_SUN_PATH], d->rec.seg_flags[SEG_SUN_PATH], d->path_text);
	else
		d->sock_name = (struct proc_str){ "", 0 };
	return d->sock_name;
}

static const char *type_of(const struct decode *d)
{
	const struct wire_fd *s = d->sock;

	if (is_inet(s))
		return is_v4(s) ? "ipv4" : "ipv6";
	return s->kind == WIRE_FD_DIR ? "directory" : name_of_stdio(s->kind);
}

static const char *letter_of(const struct decode *d)
{
	const struct wire_fd *s = d->sock;

	if (is_inet(s))
		return is_v4(s) ? "4" : "6";
	return s->kind == WIRE_FD_UNIX ? "u" : value_fd_letter(s->kind, d->rec.seg_flags[SEG_SUN_PATH]);
}

/* As letter_of, with the protocol: 4t, 6u. */
static const char *long_letter_of(const struct decode *d)
{
	const struct wire_fd *s = d->sock;
	bool v4 = is_v4(s);

	if (is_inet(s) && s->l4proto == IPPROTO_TCP)
		return v4 ? "4t" : "6t";
	if (is_inet(s) && s->l4proto == IPPROTO_UDP)
		return v4 ? "4u" : "6u";
	return letter_of(d);
}

/* rows */

static void set_connected(struct decode *d, uint32_t id)
{
	const struct wire_fd *s = d->sock;
	bool asked = d->sock_flags & WIRE_SOCK_ASKED;

	if (is_inet(s))
		event_set_u64(&d->event, id, s->flags & WIRE_FD_CONNECTED && !asked);
	else if (s->kind == WIRE_FD_UNIX)
		event_set_u64(&d->event, id, (s->ino || s->flags & WIRE_FD_CONNECTED) && !asked);
}

static void set_addr(struct decode *d, uint32_t id, bool remote)
{
	struct inet i = inet_of(d->sock);

	if (remote ? has_remote(d) : has_local(d->sock))
		event_set_ip(&d->event, id, remote ? i.remote : i.local, i.addr_len);
}

/* Of the names that rules use, those that stand for this address. */
static void set_names(struct decode *d, uint32_t id, bool remote)
{
	struct inet i = inet_of(d->sock);
	const struct helper_str *names;
	uint32_t n;

	if (!d->names || !(remote ? has_remote(d) : has_local(d->sock)))
		return;
	n = names_find(d->names, remote ? i.remote : i.local, i.addr_len, &names);
	if (n)
		event_set_list(&d->event, id, names, n);
}

static uint16_t port_of(const struct decode *d, bool remote)
{
	return remote ? d->sock->remote_port : d->sock->local_port;
}

static void set_port(struct decode *d, uint32_t id, bool remote)
{
	if (remote ? has_remote(d) : has_local(d->sock))
		event_set_u64(&d->event, id, port_of(d, remote));
}

static void set_service(struct decode *d, uint32_t id, bool remote)
{
	event_set_cstr(&d->event, id, name_of_service(port_of(d, remote), d->sock->l4proto));
}

// clang-format off
static void fill_inet(struct decode *d, uint32_t id)
{
	bool server = is_server(d);

	switch ((enum template_socket_row)(id - TEMPLATE_CAP)) {
	case TEMPLATE_SOCKET_l4proto: event_set_cstr(&d->event, id, name_of_l4proto(d->sock->l4proto)); return;
	case TEMPLATE_SOCKET_is_server: event_set_u64(&d->event, id, server); return;
	case TEMPLATE_SOCKET_sip: set_addr(d, id, !server); return;
	case TEMPLATE_SOCKET_cip: set_addr(d, id, server); return;
	case TEMPLATE_SOCKET_rip: set_addr(d, id, true); return;
	case TEMPLATE_SOCKET_lip: set_addr(d, id, false); return;
	case TEMPLATE_SOCKET_sip_name: set_names(d, id, !server); return;
	case TEMPLATE_SOCKET_cip_name: set_names(d, id, server); return;
	case TEMPLATE_SOCKET_rip_name: set_names(d, id, true); return;
	case TEMPLATE_SOCKET_lip_name: set_names(d, id, false); return;
	case TEMPLATE_SOCKET_sport: set_port(d, id, !server); return;
	case TEMPLATE_SOCKET_cport: set_port(d, id, server); return;
	case TEMPLATE_SOCKET_rport: set_port(d, id, true); return;
	case TEMPLATE_SOCKET_lport: set_port(d, id, false); return;
	case TEMPLATE_SOCKET_sproto: set_service(d, id, !server); return;
	case TEMPLATE_SOCKET_cproto: set_service(d, id, server); return;
	case TEMPLATE_SOCKET_rproto: set_service(d, id, true); return;
	case TEMPLATE_SOCKET_lproto: set_service(d, id, false); return;
	default: return;
	}
}

/* The rows that all such types have. */
static void fill_socket(struct decode *d, uint32_t id)
{
	const struct wire_fd *s = d->sock;
	struct event *e = &d->event;

	switch ((enum template_socket_row)(id - TEMPLATE_CAP)) {
	case TEMPLATE_SOCKET_name: value_str(d, id, name_of(d)); return;
	case TEMPLATE_SOCKET_type: event_set_cstr(e, id, type_of(d)); return;
	case TEMPLATE_SOCKET_typechar: if (s->kind != WIRE_FD_NONE) event_set_cstr(e, id, letter_of(d)); return;
	case TEMPLATE_SOCKET_family: if (is_socket(s)) event_set_cstr(e, id, is_inet(s) ? "ip" : "unix"); return;
	case TEMPLATE_SOCKET_connected: set_connected(d, id); return;
	case TEMPLATE_SOCKET_name_changed:
		if (is_socket(s))
			event_set_u64(e, id, (d->sock_flags & WIRE_SOCK_NAME_CHANGED) != 0);
		return;
	default:
		if (is_inet(s))
			fill_inet(d, id);
		else if (s->kind == WIRE_FD_UNIX && id == TEMPLATE_CAP + TEMPLATE_SOCKET_is_server)
			event_set_u64(e, id, is_server(d));
	}
}

static void set_fd(struct decode *d, uint32_t id, uint64_t num)
{
	value_fd(d, id, (int64_t)num, long_letter_of(d), name_of(d));
}

/* What connect was asked for. */
static void set_asked(struct decode *d, uint32_t id)
{
	struct inet i = inet_of(d->sock);
	char *text;

	if (!is_inet(d->sock)) {
		value_str(d, id, name_of(d));
		return;
	}
	text = has_remote(d) ? value_room(d, NAME_TEXT) : NULL;
	if (text)
		event_set_str(&d->event, id, text, put_end(text, i.remote, i.addr_len, d->sock->remote_port));
}

/* Of calls that make a descriptor: that, or -1. */
static void set_new_num(struct decode *d, uint32_t id, uint64_t num)
{
	event_set_i64(&d->event, id, d->rec.hdr.ret < 0 ? -1 : (int64_t)num);
}

/* As set_fd, or the error. */
static void set_new_fd(struct decode *d, uint32_t id, uint64_t num)
{
	set_fd(d, id, d->rec.hdr.ret < 0 ? (uint64_t)d->rec.hdr.ret : num);
}

void fields_connect(struct decode *d, uint32_t id)
{
	uint64_t num = d->rec.connect.fields.num;

	switch (id) {
	case FIELD_net_connect_num: event_set_u64(&d->event, id, num); return;
	case FIELD_net_connect_arg_fd: set_fd(d, id, num); return;
	case FIELD_net_connect_arg_addr: set_asked(d, id); return;
	default: fill_socket(d, id); return;
	}
}

void fields_accept(struct decode *d, uint32_t id)
{
	enum { NONBLOCK = 04000, CLOEXEC = 02000000 };
	uint64_t num = d->rec.accept.fields.num;
	uint8_t flags = d->sock->flags;

	switch (id) {
	case FIELD_net_accept_num: set_new_num(d, id, num); return;
	case FIELD_net_accept_arg_fd: set_new_fd(d, id, num); return;
	case FIELD_net_accept_arg_flags:
		if (d->call == CALL_accept4 && d->rec.hdr.ret >= 0)
			value_flags(d, id, FLAGS_ACCEPT, (flags & WIRE_FD_NONBLOCK ? NONBLOCK : 0u) |
								 (flags & WIRE_FD_CLOEXEC ? CLOEXEC : 0u));
		return;
	default: fill_socket(d, id); return;
	}
}

void fields_listen(struct decode *d, uint32_t id)
{
	const struct wire_net_listen_fields *f = &d->rec.listen.fields;

	switch (id) {
	case FIELD_net_listen_num: event_set_u64(&d->event, id, f->num); return;
	case FIELD_net_listen_arg_fd: set_fd(d, id, f->num); return;
	case FIELD_net_listen_backlog_str: value_number(d, id, (int64_t)f->backlog); return;
	case FIELD_net_listen_backlog: event_set_u64(&d->event, id, f->backlog); return;
	default: fill_socket(d, id); return;
	}
}

static void set_domain(struct decode *d, uint32_t id, uint64_t domain)
{
	const char *name = name_of_family(domain);

	if (name)
		event_set_cstr(&d->event, id, name);
	else
		value_number(d, id, (int64_t)domain);
}

void fields_socket(struct decode *d, uint32_t id)
{
	const struct wire_net_socket_fields *f = &d->rec.socket.fields;

	switch (id) {
	case FIELD_net_socket_num: set_new_num(d, id, f->num); return;
	case FIELD_net_socket_arg_fd: set_new_fd(d, id, f->num); return;
	case FIELD_net_socket_domain_str: set_domain(d, id, f->domain); return;
	case FIELD_net_socket_domain: event_set_u64(&d->event, id, f->domain); return;
	case FIELD_net_socket_type_str: value_number(d, id, (int64_t)f->sock_type); return;
	case FIELD_net_socket_sock_type: event_set_u64(&d->event, id, f->sock_type); return;
	case FIELD_net_socket_proto_str: value_number(d, id, (int64_t)f->proto); return;
	case FIELD_net_socket_proto: event_set_u64(&d->event, id, f->proto); return;
	default: fill_socket(d, id); return;
	}
}

/* sendmmsg and recvmmsg return how many messages there were, not bytes. */
static void set_buflen(struct decode *d, uint32_t id)
{
	if (d->rec.hdr.ret >= 0 && d->call != CALL_sendmmsg && d->call != CALL_recvmmsg)
		event_set_u64(&d->event, id, (uint64_t)d->rec.hdr.ret);
}

static void set_data(struct decode *d, uint32_t id)
{
	value_str(d, id, d->rec.seg[SEG_DATA]);
}

static void set_tuple(struct decode *d, uint32_t id)
{
	if (is_socket(d->sock))
		value_str(d, id, name_of(d));
}

void fields_send(struct decode *d, uint32_t id)
{
	const struct wire_net_send_fields *f = &d->rec.send.fields;

	switch (id) {
	case FIELD_net_send_num: event_set_u64(&d->event, id, f->num); return;
	case FIELD_net_send_buffer: set_data(d, id); return;
	case FIELD_net_send_buflen: set_buflen(d, id); return;
	case FIELD_net_send_size_str: value_number(d, id, (int64_t)f->size); return;
	case FIELD_net_send_size: event_set_u64(&d->event, id, f->size); return;
	case FIELD_net_send_arg_fd: set_fd(d, id, f->num); return;
	case FIELD_net_send_arg_tuple: set_tuple(d, id); return;
	default: fill_socket(d, id); return;
	}
}

void fields_recv(struct decode *d, uint32_t id)
{
	const struct wire_net_recv_fields *f = &d->rec.recv.fields;

	switch (id) {
	case FIELD_net_recv_num: event_set_u64(&d->event, id, f->num); return;
	case FIELD_net_recv_buffer: set_data(d, id); return;
	case FIELD_net_recv_buflen: set_buflen(d, id); return;
	case FIELD_net_recv_size_str: value_number(d, id, (int64_t)f->size); return;
	case FIELD_net_recv_size: event_set_u64(&d->event, id, f->size); return;
	case FIELD_net_recv_arg_fd: set_fd(d, id, f->num); return;
	case FIELD_net_recv_arg_tuple: set_tuple(d, id); return;
	default: fill_socket(d, id); return;
	}
}

void fields_dup(struct decode *d, uint32_t id)
{
	const struct wire_fd_dup_fields *f = &d->rec.dup.fields;
	bool to = d->call != CALL_dup, is_file = !is_socket(d->sock);
	struct event *e = &d->event;

	switch (id) {
	case FIELD_fd_dup_num: set_new_num(d, id, f->num); return;
	case FIELD_fd_dup_directory: if (is_file) value_path(d, id, name_of(d), PATH_DIRECTORY); return;
	case FIELD_fd_dup_filename: if (is_file) value_path(d, id, name_of(d), PATH_FILENAME); return;
	case FIELD_fd_dup_oldfd_str: value_number(d, id, (int64_t)f->oldfd); return;
	case FIELD_fd_dup_oldfd: event_set_u64(e, id, f->oldfd); return;
	case FIELD_fd_dup_newfd_str: if (to) value_number(d, id, (int64_t)f->newfd); return;
	case FIELD_fd_dup_newfd: if (to) event_set_u64(e, id, f->newfd); return;
	case FIELD_fd_dup_arg_flags: if (d->call == CALL_dup3) value_flags(d, id, FLAGS_DUP, f->flags); return;
	case FIELD_fd_dup_flags: if (d->call == CALL_dup3) event_set_u64(e, id, f->flags); return;
	case FIELD_fd_dup_arg_res: set_new_fd(d, id, f->num); return;
	default: fill_socket(d, id); return;
	}
}
// clang-format on
