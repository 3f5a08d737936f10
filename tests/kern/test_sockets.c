/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets made, connected, accepted; and what is sent and received over them. */
#include "bed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

static struct sockaddr_in in4(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static void filter_flags(struct bed *b, uint32_t flags)
{
	struct wire_filter f;
	struct diag d;

	memset(&f, 0xff, sizeof f);
	f.flags = flags;
	diag_init(&d);
	CHECK_OK(kern_filter_swap(b->k, &f, NULL, NULL, 0, &d));
}

static void do_server(void *arg)
{
	struct sockaddr_in a = in4(0);
	socklen_t len = sizeof a;
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), c;

	(void)arg;
	MUST(s >= 0 && dup2(s, 50) == 50);
	MUST(!bind(50, (void *)&a, len) && !listen(50, 7) && !getsockname(50, (void *)&a, &len));
	MUST(fcntl(50, F_SETFL, O_NONBLOCK) == 0 && accept4(50, NULL, NULL, SOCK_CLOEXEC) < 0);
	c = socket(AF_INET, SOCK_STREAM, 0);
	MUST(!connect(c, (void *)&a, len) && fcntl(50, F_SETFL, 0) == 0);
	MUST((c = accept(50, NULL, NULL)) >= 0);
	MUST(send(c, "x", 1, 0) == 1);
	MUST(socket(AF_INET, SOCK_STREAM, 255) < 0);
}

TEST(servers_are_told_from_socket_to_accept)
{
	const struct wire_accept *a;
	const struct wire_socket *s;
	const struct wire_listen *l;
	const struct wire_send *d;
	struct bed b;

	bed_open(&b, KERN_HOOK_SOCKET | KERN_HOOK_LISTEN | KERN_HOOK_ACCEPT | KERN_HOOK_SEND);
	bed_run(&b, do_server, NULL);
	CHECK_EQ(b.status, 0);
	s = bed_find(&b, WIRE_SOCKET, 0, sizeof *s);
	CHECK_EQ(s->fields.domain, AF_INET);
	CHECK_EQ(s->fields.sock_type, SOCK_STREAM | SOCK_CLOEXEC);
	CHECK_EQ(s->fields.num, s->hdr.ret);
	CHECK_EQ(s->sock.kind, WIRE_FD_IPV4);
	CHECK_EQ(s->sock_flags, 0);
	s = bed_find(&b, WIRE_SOCKET, 2, sizeof *s);
	CHECK(s->hdr.ret < 0);
	CHECK_EQ(s->fields.proto, 255);
	CHECK_EQ(s->sock.kind, WIRE_FD_NONE);
	l = bed_find(&b, WIRE_LISTEN, 0, sizeof *l);
	CHECK_EQ(l->fields.num, 50);
	CHECK_EQ(l->fields.backlog, 7);
	CHECK_EQ(l->sock_flags, WIRE_SOCK_SERVER);
	CHECK(l->sock.local_port);
	a = bed_find(&b, WIRE_ACCEPT, 0, sizeof *a);
	CHECK_EQ(a->hdr.ret, -EAGAIN);
	CHECK_EQ((int64_t)a->fields.num, -EAGAIN);
	CHECK_EQ(a->sock.fd, 50); /* of a failed one the listening socket */
	CHECK_EQ(a->sock.local_port, l->sock.local_port);
	a = bed_find(&b, WIRE_ACCEPT, 1, sizeof *a);
	CHECK_EQ(a->hdr.syscall, SYS_accept);
	CHECK_EQ(a->fields.num, a->hdr.ret);
	CHECK_EQ(a->sock_flags, WIRE_SOCK_SERVER);
	CHECK_EQ(a->sock.local_port, l->sock.local_port);
	CHECK(a->sock.remote_port && a->sock.flags & WIRE_FD_CONNECTED);
	d = bed_find(&b, WIRE_SEND, 0, sizeof *d);
	CHECK_EQ(d->fields.num, a->hdr.ret);
	CHECK_EQ(d->sock_flags, WIRE_SOCK_SERVER | WIRE_SOCK_NAME_CHANGED);
	bed_close(&b);
}

static void do_refused(void *arg)
{
	struct sockaddr_in a = in4(1);
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(2), .sin6_addr = in6addr_loopback };
	struct sockaddr_un u = { .sun_family = AF_UNIX, .sun_path = "/nowhere/sock" };

	(void)arg;
	MUST(connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&a, sizeof a) < 0);
	MUST(connect(socket(AF_INET6, SOCK_STREAM, 0), (void *)&a6, sizeof a6) < 0);
	MUST(connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&u, sizeof u) < 0);
	MUST(connect(-1, (void *)&a, sizeof a) < 0);
}

TEST(failed_connects_tell_the_address_that_was_asked)
{
	const struct wire_connect *c;
	struct bed b;

	bed_open(&b, KERN_HOOK_CONNECT);
	bed_run(&b, do_refused, NULL);
	CHECK_EQ(b.status, 0);
	CHECK_EQ(bed_count(&b, WIRE_CONNECT), 3);
	c = bed_find(&b, WIRE_CONNECT, 0, sizeof *c);
	CHECK_EQ(c->hdr.ret, -ECONNREFUSED);
	CHECK_EQ(c->sock_flags, WIRE_SOCK_ASKED);
	CHECK_EQ(c->sock.remote_port, 1);
	CHECK(!memcmp(c->sock.remote_addr, "\x7f\0\0\1\0\0\0\0\0\0\0\0\0\0\0", 16));
	c = bed_find(&b, WIRE_CONNECT, 1, sizeof *c);
	CHECK_EQ(c->sock.kind, WIRE_FD_IPV6);
	CHECK_EQ(c->sock.remote_port, 2);
	CHECK(!memcmp(c->sock.remote_addr, &in6addr_loopback, 16));
	c = bed_find(&b, WIRE_CONNECT, 2, sizeof *c);
	CHECK_EQ(c->hdr.ret, -ENOENT);
	CHECK_STR(bed_text(c, sizeof *c, c->path), "/nowhere/sock");
	bed_close(&b);
}

struct udp {
	int rx[2];
	struct sockaddr_in addr[2];
};

static void udp_open(struct udp *u)
{
	for (int i = 0; i < 2; i++) {
		socklen_t len = sizeof u->addr[i];

		u->rx[i] = socket(AF_INET, SOCK_DGRAM, 0);
		u->addr[i] = in4(0);
		CHECK_EQ(bind(u->rx[i], (void *)&u->addr[i], len), 0);
		CHECK_EQ(getsockname(u->rx[i], (void *)&u->addr[i], &len), 0);
	}
}

static void udp_close(struct udp *u)
{
	close(u->rx[0]);
	close(u->rx[1]);
}

static void do_udp(void *arg)
{
	const struct udp *u = arg;
	struct iovec iov[2] = { { .iov_base = (char *)"first", .iov_len = 5 },
				{ .iov_base = (char *)"rest", .iov_len = 4 } };
	struct sockaddr_in a[2] = { u->addr[0], u->addr[1] };
	struct msghdr m = { .msg_name = &a[1], .msg_namelen = sizeof a[1], .msg_iov = iov, .msg_iovlen = 2 };
	struct mmsghdr mm[3] = { { .msg_hdr = m }, { .msg_hdr = m }, { .msg_hdr = m } };
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	MUST(sendto(s, "hello", 5, 0, (void *)&a[0], sizeof a[0]) == 5); /* 0: changed */
	MUST(sendto(s, "again", 5, 0, (void *)&a[0], sizeof a[0]) == 5); /* same */
	MUST(sendmsg(s, &m, 0) == 9);                                    /* 1: changed */
	MUST(sendmsg(s, &m, 0) == 9);                                    /* same */
	mm[1].msg_hdr.msg_name = &a[0];
	MUST(sendmmsg(s, mm, 3, 0) == 3);                                   /* same, 2: changed, 3: changed */
	MUST(sendto(s, "big", 3, MSG_OOB, (void *)&a[0], sizeof a[0]) < 0); /* 4: failed, to another */
	MUST(sendto(s, "five", 4, 0, (void *)&a[0], sizeof a[0]) == 4); /* 5: changed: the failed one does not count */
	MUST(!connect(s, (void *)&a[0], sizeof a[0]));
	MUST(send(s, "six", 3, 0) == 3);   /* 6: the first after a connect */
	MUST(send(s, "seven", 5, 0) == 5); /* same */
}

TEST(datagrams_are_told_when_their_remote_end_changes)
{
	static const struct {
		const char *name;
		uint32_t nr;
		int64_t ret;
		uint64_t size;
		int to;
		uint32_t flags;
		const char *data;
	} want[] = {
		{ "first", SYS_sendto, 5, 5, 0, WIRE_SOCK_NAME_CHANGED, "hello" },
		{ "sendmsg", SYS_sendmsg, 9, 9, 1, WIRE_SOCK_NAME_CHANGED, "first" },
		{ "second of sendmmsg", SYS_sendmmsg, 9, 9, 0, WIRE_SOCK_NAME_CHANGED, "first" },
		{ "third of sendmmsg", SYS_sendmmsg, 9, 9, 1, WIRE_SOCK_NAME_CHANGED, "first" },
		{ "failed", SYS_sendto, -EOPNOTSUPP, 3, 0, WIRE_SOCK_NAME_CHANGED | WIRE_SOCK_ASKED, "" },
		{ "after it", SYS_sendto, 4, 4, 0, WIRE_SOCK_NAME_CHANGED, "five" },
		{ "connected", SYS_sendto, 3, 3, 0, WIRE_SOCK_NAME_CHANGED, "six" },
	};
	struct udp u;
	struct bed b;

	udp_open(&u);
	bed_open(&b, KERN_HOOK_SEND);
	filter_flags(&b, WIRE_FILTER_DATA);
	bed_run(&b, do_udp, &u);
	CHECK_EQ(b.status, 0);
	CHECK_EQ(bed_count(&b, WIRE_SEND), countof(want));
	for (uint32_t i = 0; i < countof(want); i++) {
		const struct wire_send *s = bed_find(&b, WIRE_SEND, i, sizeof *s);

		test_row = want[i].name;
		CHECK_EQ(s->hdr.syscall, want[i].nr);
		CHECK_EQ(s->hdr.ret, want[i].ret);
		CHECK_EQ(s->fields.size, want[i].size);
		CHECK_EQ(s->sock_flags, want[i].flags);
		CHECK_EQ(s->sock.l4proto, IPPROTO_UDP);
		CHECK_EQ(s->sock.remote_port, ntohs(u.addr[want[i].to].sin_port));
		CHECK(!memcmp(s->sock.remote_addr, "\x7f\0\0\1", 4));
		CHECK_STR(bed_text(s, sizeof *s, s->data), want[i].data);
	}
	test_row = NULL;
	filter_flags(&b, WIRE_FILTER_SAME_NAME);
	bed_run(&b, do_udp, &u);
	CHECK_EQ(b.status, 0);
	CHECK_EQ(bed_count(&b, WIRE_SEND), 11);
	CHECK_EQ(((const struct wire_send *)bed_find(&b, WIRE_SEND, 1, sizeof(struct wire_send)))->sock_flags, 0);
	CHECK_EQ(((const struct wire_send *)bed_find(&b, WIRE_SEND, 0, sizeof(struct wire_send)))->data.len, 0);
	udp_close(&u);
	bed_close(&b);
}

static void do_receive(void *arg)
{
	const struct udp *u = arg;
	char buf[200], buf2[8];
	struct iovec iov[2] = { { .iov_base = buf2, .iov_len = 3 }, { .iov_base = buf, .iov_len = sizeof buf } };
	struct sockaddr_in from;
	socklen_t len = sizeof from;
	struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = iov, .msg_iovlen = 2 };
	struct mmsghdr mm[2] = { { .msg_hdr = m }, { .msg_hdr = m } };
	int s[2] = { socket(AF_INET, SOCK_DGRAM, 0), socket(AF_INET, SOCK_DGRAM, 0) };
	static const int order[] = { 0, 0, 1, 1, 0 };

	for (size_t i = 0; i < countof(order); i++)
		MUST(sendto(s[order[i]], "a datagram", 10, 0, (const void *)&u->addr[0], sizeof u->addr[0]) == 10);
	MUST(recvfrom(u->rx[0], buf, sizeof buf, 0, (void *)&from, &len) == 10); /* 0: changed */
	MUST(recvfrom(u->rx[0], buf, sizeof buf, 0, (void *)&from, &len) == 10); /* same */
	MUST(recvmsg(u->rx[0], &m, 0) == 10);                                    /* 1: changed */
	MUST(recvmmsg(u->rx[0], mm, 2, MSG_DONTWAIT, NULL) == 2);                /* same, 2: changed */
	MUST(recv(u->rx[0], buf, sizeof buf, MSG_DONTWAIT) < 0);                 /* 3: nothing there, nobody's */
}

TEST(received_datagrams_tell_who_sent_them)
{
	const struct wire_recv *r, *r1, *r2;
	struct udp u;
	struct bed b;

	udp_open(&u);
	bed_open(&b, KERN_HOOK_RECV);
	filter_flags(&b, WIRE_FILTER_DATA);
	bed_run(&b, do_receive, &u);
	CHECK_EQ(b.status, 0);
	CHECK_EQ(bed_count(&b, WIRE_RECV), 4);
	r = bed_find(&b, WIRE_RECV, 0, sizeof *r);
	CHECK_EQ(r->hdr.ret, 10);
	CHECK_EQ(r->fields.size, 200);
	CHECK_EQ(r->fields.num, u.rx[0]);
	CHECK(r->sock.remote_port);
	CHECK_EQ(r->sock.local_port, ntohs(u.addr[0].sin_port));
	CHECK_EQ(r->sock.flags & WIRE_FD_CONNECTED, 0);
	CHECK_STR(bed_text(r, sizeof *r, r->data), "a datagram");
	r1 = bed_find(&b, WIRE_RECV, 1, sizeof *r);
	CHECK_EQ(r1->fields.size, 203);
	CHECK(r1->sock.remote_port != r->sock.remote_port);
	CHECK_STR(bed_text(r1, sizeof *r1, r1->data), "a d"); /* of the first vector */
	r2 = bed_find(&b, WIRE_RECV, 2, sizeof *r);
	CHECK_EQ(r2->hdr.syscall, SYS_recvmmsg);
	CHECK_EQ(r2->hdr.ret, 10); /* this message's bytes */
	CHECK_EQ(r2->sock.remote_port, r->sock.remote_port);
	r = bed_find(&b, WIRE_RECV, 3, sizeof *r);
	CHECK_EQ(r->hdr.ret, -EAGAIN);
	CHECK_EQ(r->data.len, 0);
	udp_close(&u);
	bed_close(&b);
}

static void do_unix(void *arg)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "/tmp/sp-unix-a" };
	struct sockaddr_un x = { .sun_family = AF_UNIX, .sun_path = "\0sp-abstract" };
	int rx[2] = { socket(AF_UNIX, SOCK_DGRAM, 0), socket(AF_UNIX, SOCK_DGRAM, 0) },
	    tx = socket(AF_UNIX, SOCK_DGRAM, 0);
	socklen_t xlen = offsetof(struct sockaddr_un, sun_path) + 12;
	int p[2];

	(void)arg;
	(void)unlink(a.sun_path);
	MUST(!bind(rx[0], (void *)&a, sizeof a) && !bind(rx[1], (void *)&x, xlen));
	MUST(sendto(tx, "1", 1, 0, (void *)&a, sizeof a) == 1);
	MUST(sendto(tx, "2", 1, 0, (void *)&a, sizeof a) == 1);
	MUST(sendto(tx, "3", 1, 0, (void *)&x, xlen) == 1);
	MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, p));
	MUST(send(p[0], "4", 1, 0) == 1 && send(p[0], "5", 1, 0) == 1);
	(void)unlink(a.sun_path);
}

TEST(unix_sockets_are_told_by_their_names)
{
	const struct wire_send *s;
	struct bed b;

	bed_open(&b, KERN_HOOK_SEND);
	filter_flags(&b, 0);
	bed_run(&b, do_unix, NULL);
	CHECK_EQ(b.status, 0);
	CHECK_EQ(bed_count(&b, WIRE_SEND), 3);
	s = bed_find(&b, WIRE_SEND, 0, sizeof *s);
	CHECK_EQ(s->sock.kind, WIRE_FD_UNIX);
	CHECK_STR(bed_text(s, sizeof *s, s->path), "/tmp/sp-unix-a");
	s = bed_find(&b, WIRE_SEND, 1, sizeof *s);
	CHECK_EQ(s->path.len, 12);
	CHECK(!memcmp(bed_text(s, sizeof *s, s->path), "\0sp-abstract", 12));
	s = bed_find(&b, WIRE_SEND, 2, sizeof *s);
	CHECK_EQ(s->path.len, 0);
	CHECK(s->sock.ino);
	bed_close(&b);
}

static void do_mapped(void *arg)
{
	const struct udp *u = arg;
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = u->addr[0].sin_port };
	struct sockaddr_in a4 = u->addr[0];
	int s = socket(AF_INET6, SOCK_DGRAM, 0);

	a.sin6_addr.s6_addr[10] = a.sin6_addr.s6_addr[11] = 0xff;
	a.sin6_addr.s6_addr[12] = 127;
	a.sin6_addr.s6_addr[15] = 1;
	MUST(sendto(s, "m", 1, 0, (void *)&a, sizeof a) == 1);
	MUST(sendto(s, "n", 1, 0, (void *)&a4, sizeof a4) == 1); /* the same end, in the other spelling */
}

TEST(an_ipv4_end_of_an_ipv6_socket_is_one_end_in_both_spellings)
{
	const struct wire_send *s;
	struct udp u;
	struct bed b;

	udp_open(&u);
	bed_open(&b, KERN_HOOK_SEND);
	filter_flags(&b, 0);
	bed_run(&b, do_mapped, &u);
	CHECK_EQ(b.status, 0);
	CHECK_EQ(bed_count(&b, WIRE_SEND), 1);
	s = bed_find(&b, WIRE_SEND, 0, sizeof *s);
	CHECK_EQ(s->sock.kind, WIRE_FD_IPV6);
	CHECK(!memcmp(s->sock.remote_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16));
	udp_close(&u);
	bed_close(&b);
}

#if defined(__x86_64__)
static long socketcall(long which, const uint32_t *args)
{
	long ret = 102;

	__asm__ volatile("int $0x80" : "+a"(ret) : "b"(which), "c"(args) : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}

static void do_socketcall(void *arg)
{
	const struct udp *u = arg;
	uint32_t *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	uint32_t *iov = low + 64, *msg = low + 128;
	uint32_t at = (uint32_t)(uintptr_t)low;
	long s;

	MUST(low != MAP_FAILED);
	low[0] = AF_INET;
	low[1] = SOCK_DGRAM;
	low[2] = 0;
	MUST((s = socketcall(1, low)) >= 0);
	memcpy(low + 32, &u->addr[0], sizeof u->addr[0]);
	memcpy(low + 48, "old", 4);
	iov[0] = at + 4 * 48;
	iov[1] = 3;
	msg[0] = at + 4 * 32;
	msg[1] = sizeof u->addr[0];
	msg[2] = at + 4 * 64;
	msg[3] = 1;
	low[0] = (uint32_t)s;
	low[1] = at + 4 * 128;
	low[2] = 0;
	MUST(socketcall(16, low) == 3);
}

TEST(the_old_32_bit_way_to_sockets_is_seen)
{
	const struct wire_socket *k;
	const struct wire_send *s;
	struct udp u;
	struct bed b;

	udp_open(&u);
	bed_open(&b, KERN_HOOK_SEND | KERN_HOOK_SOCKET);
	filter_flags(&b, WIRE_FILTER_DATA);
	bed_run(&b, do_socketcall, &u);
	CHECK_EQ(b.status, 0);
	k = bed_find(&b, WIRE_SOCKET, 0, sizeof *k);
	CHECK_EQ(k->hdr.flags, WIRE_COMPAT);
	CHECK_EQ(k->hdr.syscall, 359);
	CHECK_EQ(k->fields.domain, AF_INET);
	s = bed_find(&b, WIRE_SEND, 0, sizeof *s);
	CHECK_EQ(s->hdr.syscall, 370);
	CHECK_EQ(s->hdr.ret, 3);
	CHECK_EQ(s->fields.size, 3);
	CHECK_EQ(s->sock.remote_port, ntohs(u.addr[0].sin_port));
	CHECK_STR(bed_text(s, sizeof *s, s->data), "old");
	udp_close(&u);
	bed_close(&b);
}
#endif
