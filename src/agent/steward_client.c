/* SPDX-License-Identifier: Apache-2.0 */
/*
 * steward_client: the owner's commands, from a local socket: one request of one fixed size, one answer, the end.
 *
 * Who may connect is the socket's mode and the peer's user: root, or whom the agent runs as. A client that stalls costs
 * its own answer.
 */
#include <sys/socket.h>
#include <time.h>

#include "agent/steward_parts.h"

enum { CLIENT_S = 5, REPLY_ROOM = STEWARD_REPLY_MAX, MAX_MUTE_S = 366 * 86400 };

static void drop(struct steward_client *c)
{
	close(c->fd);
	c->fd = -1;
}

void steward_accept(struct steward *s)
{
	int fd = accept4(s->listen, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	for (uint32_t i = 0; i < STEWARD_MAX_CLIENTS; i++)
		if (s->client[i].fd < 0) {
			s->client[i] = (struct steward_client){ .fd = fd, .since_s = steward_boot_s() };
			return;
		}
	close(fd);
}

void steward_client_expire(struct steward *s)
{
	uint64_t now = steward_boot_s();

	for (uint32_t i = 0; i < STEWARD_MAX_CLIENTS; i++)
		if (s->client[i].fd >= 0 && now - s->client[i].since_s > CLIENT_S)
			drop(&s->client[i]);
}

static void answer(struct steward_client *c, int exit_code, const struct buf *text)
{
	struct steward_reply r = { .magic = STEWARD_MAGIC, .exit_code = (uint32_t)exit_code, .bytes = text->len };
	char first[STEWARD_CHUNK];
	size_t at = text->len < sizeof first - sizeof r ? text->len : sizeof first - sizeof r;

	memcpy(first, &r, sizeof r);
	if (at)
		memcpy(first + sizeof r, text->p, at);
	if (send(c->fd, first, sizeof r + at, MSG_NOSIGNAL) < 0)
		return;
	while (at < text->len) {
		size_t n = text->len - at < STEWARD_CHUNK ? text->len - at : STEWARD_CHUNK;

		/* The socket's buffer is larger than an answer is; who made it smaller gets less. */
		if (send(c->fd, text->p + at, n, MSG_NOSIGNAL) < 0)
			return;
		at += n;
	}
}

/* mutes */

static bool same_mute(const struct control_mute *a, const struct control_mute *b)
{
	return !strcmp(a->rule, b->rule) && !strcmp(a->key, b->key) && !strcmp(a->value, b->value);
}

static void forget_mute(struct steward *s, const struct control_mute *m)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n_mutes; i++)
		if (!same_mute(&s->mute[i].m, m))
			s->mute[n++] = s->mute[i];
	s->n_mutes = n;
}

static int do_mute(struct steward *s, const struct steward_request *q, bool remove, struct buf *out)
{
	struct control_packet p;
	struct control_mute *m = &p.msg.u.mute;
	uint32_t before = s->n_mutes;

	if (!q->rule[0] || (!remove && (!q->seconds || q->seconds > MAX_MUTE_S || !q->reason[0]))) {
		buf_puts(out, "a mute needs a rule, a time of at most a year, and a reason\n");
		return 1;
	}
	control_init(&p, CONTROL_ASK_MUTE);
	m->remove = remove;
	m->until_s = steward_boot_s() + q->seconds;
	memcpy(m->rule, q->rule, sizeof m->rule);
	memcpy(m->key, q->key, sizeof m->key);
	memcpy(m->value, q->value, sizeof m->value);
	memcpy(m->reason, q->reason, sizeof m->reason);
	forget_mute(s, m);
	s->dirty = true;
	if (remove && s->n_mutes == before) {
		buf_puts(out, "there is no such mute: `sallyport mute --list` shows those there are\n");
		return 1;
	}
	if (!remove && s->n_mutes == STEWARD_MAX_MUTES) {
		buf_printf(out, "there are %d mutes already, more are not kept: unmute one\n", STEWARD_MAX_MUTES);
		return 1;
	}
	if (!remove)
		s->mute[s->n_mutes++] = (struct steward_mute){ .m = *m, .until_s = m->until_s };
	steward_send(s, &p);
	buf_printf(out, "%s: ", remove ? "unmuted" : "muted");
	buf_put_safe(out, m->rule, strlen(m->rule));
	buf_putc(out, '\n');
	return 0;
}

/* orders */

static int do_order(struct steward *s, uint32_t order, const uint8_t *digest, const char *said, struct buf *out)
{
	struct control_packet p;

	control_init(&p, CONTROL_ORDER);
	p.msg.u.order.order = order;
	if (digest)
		memcpy(p.msg.u.order.digest, digest, sizeof p.msg.u.order.digest);
	steward_send(s, &p);
	buf_puts(out, said);
	return 0;
}

static int do_clear(struct steward *s, const struct steward_request *q, struct buf *out)
{
	uint8_t digest[OBJECT_DIGEST_BYTES];

	if (!object_unhex(q->digest, digest, sizeof digest)) {
		buf_puts(out, "a digest of 64 hexadecimal digits is needed\n");
		return 1;
	}
	steward_forget(s, digest);
	return do_order(s, CONTROL_ORDER_CLEAR, digest, "let out of quarantine; it is tried again when it is offered\n",
			out);
}

static int do_sync(struct steward *s, struct buf *out)
{
	if (!s->has_root) {
		buf_puts(out, "this agent follows no repository: set release.repository\n");
		return 1;
	}
	s->sync_asked = true;
	buf_puts(out, "the repository is looked at now\n");
	return 0;
}

static int respond(struct steward *s, const struct steward_request *q, struct buf *out)
{
	switch ((enum steward_question)q->question) {
	case STEWARD_STATUS:
		steward_put_status(s, q->json, out);
		return 0;
	case STEWARD_EXPLAIN:
		if (steward_put_explain(s, q->digest, q->json, out))
			return 0;
		buf_puts(out, "this host knows no such bundle\n");
		return 1;
	case STEWARD_MUTE:
	case STEWARD_UNMUTE:
		return do_mute(s, q, q->question == STEWARD_UNMUTE, out);
	case STEWARD_MUTES:
		steward_put_mutes(s, q->json, out);
		return 0;
	case STEWARD_SAFE_ON:
		return do_order(s, CONTROL_ORDER_SAFE_ON, NULL, "safe: content goes, a fixed feed stays\n", out);
	case STEWARD_SAFE_OFF:
		return do_order(s, CONTROL_ORDER_SAFE_OFF, NULL,
				"safe mode is left: the last known good content is armed\n", out);
	case STEWARD_CLEAR:
		return do_clear(s, q, out);
	case STEWARD_SYNC:
		return do_sync(s, out);
	}
	buf_puts(out, "this agent does not know the question\n");
	return 1;
}

static bool is_text(const char *p, size_t n)
{
	return memchr(p, 0, n) != NULL;
}

static bool request_ok(const struct steward_request *q)
{
	return q->magic == STEWARD_MAGIC && is_text(q->digest, sizeof q->digest) && is_text(q->rule, sizeof q->rule) &&
	       is_text(q->key, sizeof q->key) && is_text(q->value, sizeof q->value) &&
	       is_text(q->reason, sizeof q->reason);
}

/* The socket's mode keeps others out; this holds where a directory's owner opened it. */
static bool is_owner(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof peer;

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) && peer.uid == 0;
}

void steward_client_read(struct steward *s, struct steward_client *c)
{
	struct steward_request q;
	ssize_t n = recv(c->fd, &q, sizeof q, MSG_TRUNC);
	int fd = c->fd;
	struct buf out;

	if (n < 0)
		return;
	if (n != sizeof q || !request_ok(&q) || !is_owner(c->fd)) {
		drop(c);
		return;
	}
	buf_init(&out, REPLY_ROOM);
	/* An answer may wait for the repository, and clients are served meanwhile: this one asks nothing more. */
	c->fd = -1;
	{
		struct steward_client busy = { .fd = fd };
		int code = respond(s, &q, &out);

		answer(&busy, code, &out);
		drop(&busy);
	}
	buf_done(&out);
}
