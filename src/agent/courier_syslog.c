/* SPDX-License-Identifier: Apache-2.0 */
/*
 * courier_syslog: alerts as RFC 5424 messages over a unix socket, UDP (RFC 5426) or TCP with octet counting (RFC 6587
 * section 3.4.1).
 *
 * What counts as delivered: over a unix socket what the daemon's socket took; over UDP what was sent and not refused by
 * an ICMP error; over TCP what the receiver's kernel has acknowledged (SIOCOUTQ tells how much it has not). After a
 * connection breaks, what was not acknowledged is sent again from its first byte.
 */
#include "agent/courier_parts.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/un.h>
#include <time.h>

#include <linux/sockios.h>

enum { CONNECT_MS = 10000, STALLED_MS = 30000, ACK_POLL_MS = 50, RESOLVE_AGAIN_MS = 300000 };

struct syslog {
	const struct courier_settings *s;
	struct outlet o;
	struct buf line;
	int fd; /* -1: none */
	bool connecting, asked;
	uint64_t since_ms; /* of the connection, or of the last progress */
	struct addrs addrs;
	uint64_t resolved_ms; /* 0: never */
	uint32_t next_addr;
	/* TCP: messages [0, sent_n) of the queue were written whole, then part bytes of the next */
	uint32_t sent_n;
	size_t part;
	size_t written;   /* bytes of what is in the queue still */
	bool last_untold; /* UDP: the datagram before may yet be refused */
};

FALLIBLE syslog_new(const struct courier_settings *s, struct courier_counts *c, struct syslog **out)
{
	struct syslog *y = calloc(1, sizeof *y);

	if (!y)
		return E_NOMEM;
	y->s = s;
	y->fd = -1;
	y->o = (struct outlet){ .name = "syslog", .counts = c };
	buf_init(&y->line, s->max_bytes + OUTPUT_LINE_MAX);
	TRY(queue_init(&y->o.queue));
	*out = y;
	return E_OK;
}

void syslog_free(struct syslog *y)
{
	if (y->fd >= 0)
		close(y->fd);
	queue_done(&y->o.queue);
	buf_done(&y->line);
	free(y);
}

/* RFC 5424 section 6.2.3: microseconds are the most that it has. */
static void put_time(struct buf *out, uint64_t ns)
{
	time_t s = (time_t)(ns / 1000000000);
	struct tm tm;
	char text[40];

	if (!gmtime_r(&s, &tm) || !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm))
		buf_putc(out, '-');
	else
		buf_printf(out, "%s.%06uZ", text, (unsigned)(ns % 1000000000 / 1000));
}

static void put_word(struct buf *out, const char *s)
{
	buf_puts(out, *s ? s : "-");
}

static bool is_ascii(struct view v)
{
	for (size_t i = 0; i < v.len; i++)
		if (v.p[i] >= 0x80)
			return false;
	return true;
}

/* The most bytes up to max that do not end inside a character. */
static size_t cut_at(struct view v, size_t max)
{
	size_t n = max;

	while (n && (v.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

bool syslog_format(const struct courier_settings *s, const struct output_parts *p, struct buf *out)
{
	static const char bom[] = "\xef\xbb\xbf";
	struct view msg = s->text ? p->text : p->json;
	size_t room;

	buf_printf(out, "<%u>1 ", s->facility * 8 + p->priority);
	put_time(out, p->time_ns);
	buf_putc(out, ' ');
	put_word(out, s->hostname);
	buf_putc(out, ' ');
	put_word(out, s->appname);
	buf_printf(out, " %u alert - ", s->sensor_pid);
	/* Section 6.4: UTF-8 is announced by a BOM; ASCII alone needs none, and many readers of JSON trip over one. */
	if (!is_ascii(msg))
		buf_puts(out, bom);
	room = out->len < s->max_bytes ? s->max_bytes - out->len : 0;
	if (msg.len <= room) {
		buf_put(out, msg.p, msg.len);
		return false;
	}
	buf_put(out, msg.p, cut_at(msg, room));
	return true;
}

void syslog_take(struct syslog *y, const struct output_parts *p)
{
	struct buf frame;
	bool cut;

	page_add(&y->o.counts->sent, 1);
	buf_reset(&y->line);
	y->line.full = false;
	cut = syslog_format(y->s, p, &y->line);
	buf_init(&frame, y->line.len + 16);
	if (y->s->transport == CONFIG_TCP)
		buf_printf(&frame, "%zu ", y->line.len);
	buf_put(&frame, y->line.p, y->line.len);
	if (y->line.full || frame.full || !queue_put(&y->o.queue, frame.p, frame.len, cut))
		page_add(&y->o.counts->lost, 1);
	page_set(&y->o.counts->waiting, y->o.queue.n);
	buf_done(&frame);
}

bool syslog_empty(const struct syslog *y)
{
	return !y->o.queue.n;
}

bool syslog_wants_host(const struct syslog *y)
{
	return y->asked;
}

void syslog_resolved(struct syslog *y, const struct addrs *a, const char *why)
{
	y->asked = false;
	if (!a) {
		outlet_fail(&y->o, why);
		return;
	}
	y->addrs = *a;
	y->resolved_ms = courier_now_ms();
	y->next_addr = 0;
}

static void disconnect(struct syslog *y)
{
	if (y->fd >= 0)
		close(y->fd);
	y->fd = -1;
	y->connecting = y->last_untold = false;
	/* From its first byte again: half a message is none. */
	if (y->o.queue.n)
		page_add(&y->o.counts->retried, y->sent_n ? y->sent_n : 1);
	y->sent_n = 0;
	y->part = 0;
	y->written = 0;
}

static void fail(struct syslog *y, int error)
{
	disconnect(y);
	outlet_fail(&y->o, strerror(error));
}

static int open_unix(const struct courier_settings *s)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error;

	memcpy(a.sun_path, s->path, sizeof s->path);
	if (fd < 0 || !connect(fd, (struct sockaddr *)&a, sizeof a))
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static int open_inet(struct syslog *y)
{
	uint32_t i = y->next_addr++ % y->addrs.n;
	int type = y->s->transport == CONFIG_UDP ? SOCK_DGRAM : SOCK_STREAM, error;
	int fd = socket(y->addrs.addr[i].ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || !connect(fd, (struct sockaddr *)&y->addrs.addr[i], y->addrs.len[i]))
		return fd;
	if (errno == EINPROGRESS) {
		y->connecting = true;
		return fd;
	}
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* True: there is a connection. */
static bool connected(struct syslog *y, struct resolver *r, uint64_t now)
{
	struct pollfd p = { .fd = y->fd, .events = POLLOUT };
	int error = 0;
	socklen_t len = sizeof error;

	if (y->fd < 0) {
		bool stale =
			!y->resolved_ms || now - y->resolved_ms > RESOLVE_AGAIN_MS || y->o.failures > 2 * y->addrs.n;

		if (y->s->transport != CONFIG_UNIX && stale) {
			y->asked = y->asked || resolver_ask_host(r, y->s->host, (uint16_t)y->s->port);
			if (y->asked || !y->resolved_ms)
				return false;
		}
		y->fd = y->s->transport == CONFIG_UNIX ? open_unix(y->s) : open_inet(y);
		y->since_ms = now;
		if (y->fd < 0) {
			fail(y, errno);
			return false;
		}
	}
	if (!y->connecting)
		return true;
	if (poll(&p, 1, 0) <= 0) {
		if (now - y->since_ms > CONNECT_MS)
			fail(y, ETIMEDOUT);
		return false;
	}
	if (getsockopt(y->fd, SOL_SOCKET, SO_ERROR, &error, &len) || error) {
		fail(y, error ? error : EIO);
		return false;
	}
	y->connecting = false;
	y->since_ms = now;
	return true;
}

/* A datagram is one message: it goes whole or not at all. */
static void send_datagrams(struct syslog *y)
{
	while (y->o.queue.n) {
		struct view m;

		(void)queue_at(&y->o.queue, 0, 0, &m);
		if (send(y->fd, m.p, m.len, MSG_NOSIGNAL) >= 0) {
			outlet_deliver(&y->o);
			outlet_works(&y->o);
			y->last_untold = true;
		} else if (errno == EAGAIN || errno == ENOBUFS) {
			return;
		} else if (errno == EMSGSIZE) {
			outlet_lose(&y->o);
		} else if (errno != EINTR) {
			/* It is the last one that was refused; this one was not sent. */
			if (errno == ECONNREFUSED && y->last_untold && y->s->transport == CONFIG_UDP) {
				page_set(&y->o.counts->delivered, page_get(&y->o.counts->delivered) - 1);
				page_add(&y->o.counts->lost, 1);
			}
			fail(y, errno);
			return;
		}
	}
}

/* What the receiver has acknowledged leaves the queue. False: the connection is broken. */
static bool settle(struct syslog *y, uint64_t now)
{
	int unacked = 0;

	if (ioctl(y->fd, SIOCOUTQ, &unacked) || unacked < 0)
		return false;
	while (y->sent_n) {
		struct view m;

		(void)queue_at(&y->o.queue, 0, 0, &m);
		if (y->written - m.len < (uint64_t)unacked)
			break;
		y->written -= m.len;
		y->sent_n--;
		y->since_ms = now;
		outlet_deliver(&y->o);
		outlet_works(&y->o);
	}
	return true;
}

/* A receiver says nothing; reading tells when it closes or resets. */
static bool is_open(const struct syslog *y)
{
	char bytes[512];
	ssize_t n;

	for (;;) {
		n = recv(y->fd, bytes, sizeof bytes, 0);
		if (n == 0)
			errno = ECONNRESET;
		if (n <= 0)
			return n < 0 && (errno == EAGAIN || errno == EINTR);
	}
}

static void send_stream(struct syslog *y, uint64_t now)
{
	if (!settle(y, now) || !is_open(y)) {
		fail(y, errno);
		return;
	}
	while (y->sent_n < y->o.queue.n) {
		struct view m;
		ssize_t n;

		(void)queue_at(&y->o.queue, y->sent_n, y->written - y->part, &m);
		n = send(y->fd, m.p + y->part, m.len - y->part, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			fail(y, errno);
			return;
		}
		y->part += (size_t)n;
		y->written += (uint64_t)n;
		if (y->part == m.len) {
			y->sent_n++;
			y->part = 0;
		}
	}
	if (!settle(y, now))
		fail(y, errno);
	else if (y->written && now - y->since_ms > STALLED_MS)
		fail(y, ETIMEDOUT);
	else if (!y->written)
		y->since_ms = now;
}

uint64_t syslog_step(struct syslog *y, struct resolver *r, uint64_t now)
{
	if (now < y->o.next_ms)
		return y->o.next_ms - now;
	if (!y->o.queue.n)
		return UINT64_MAX;
	if (!connected(y, r, now))
		return y->fd >= 0 || y->asked ? CONNECT_MS : y->o.next_ms > now ? y->o.next_ms - now : ACK_POLL_MS;
	if (y->s->transport == CONFIG_TCP)
		send_stream(y, now);
	else
		send_datagrams(y);
	return y->fd >= 0 && y->sent_n ? ACK_POLL_MS : UINT64_MAX;
}

int syslog_fd(const struct syslog *y, short *events)
{
	bool unsent = y->sent_n < y->o.queue.n;

	if (y->fd < 0 || y->o.next_ms > courier_now_ms())
		return -1;
	*events = (short)((y->connecting || unsent ? POLLOUT : 0) | (y->s->transport == CONFIG_TCP ? POLLIN : 0));
	return y->fd;
}
