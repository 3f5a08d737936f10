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
#include "content/template/template.h"

enum { CLIENT_S = 5, ORDER_S = 3 };

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

/* The name of a loaded rule; the worker that writes the table is believed nothing. */
static void rule_name(const struct page *p, uint32_t i, char out[PAGE_NAME_BYTES])
{
	memcpy(out, p->names[i], PAGE_NAME_BYTES);
	out[PAGE_NAME_BYTES - 1] = 0;
}

/* Is a rule of this name loaded? near: one that is called nearly so, or "". Names in the page are cut. */
static bool is_loaded(const struct page *p, const char *rule, char near[PAGE_NAME_BYTES])
{
	uint64_t n = page_get(&p->n_rules);
	unsigned best = 4; /* more edits than this are another word */
	char name[PAGE_NAME_BYTES];

	near[0] = 0;
	if (n > PAGE_MAX_RULES)
		return true; /* not all are named */
	for (uint32_t i = 0; i < n; i++) {
		unsigned d;

		rule_name(p, i, name);
		if (!strncmp(name, rule, sizeof name - 1))
			return true;
		d = text_distance(name, strlen(name), rule, strlen(rule));
		if (d < best) {
			best = d;
			memcpy(near, name, sizeof name);
		}
	}
	return false;
}

static bool is_field(const char *key)
{
	uint32_t id;

	if (!key[0] || !strcmp(key, "cgroup"))
		return true;
	for (uint32_t i = 0; i < TEMPLATE_N_TYPES; i++)
		if (template_field_find(&template_builtin, &template_builtin.types[i], key, strlen(key), &id))
			return true;
	return false;
}

/* What would have no effect is refused, so that nobody believes in it. */
static bool may_mute(const struct steward *s, const struct steward_request *q, struct buf *out)
{
	char near[PAGE_NAME_BYTES];

	if (!q->rule[0] || !q->seconds || q->seconds > STEWARD_MAX_MUTE_S || !q->reason[0]) {
		buf_puts(out, "a mute needs a rule, a time of at most 366 days, and a reason\n");
		return false;
	}
	if (!is_field(q->key)) {
		buf_puts(out, "there is no field '");
		buf_put_safe(out, q->key, strlen(q->key));
		buf_puts(out, "': `sallyport rules list fields` shows those there are\n");
		return false;
	}
	if (is_loaded(s->page, q->rule, near))
		return true;
	buf_puts(out, "no rule of this name is loaded");
	if (near[0]) {
		buf_puts(out, ": did you mean '");
		buf_put_safe(out, near, strlen(near));
		buf_putc(out, '\'');
	}
	buf_putc(out, '\n');
	return false;
}

static int do_mute(struct steward *s, const struct steward_request *q, bool remove, struct buf *out)
{
	struct control_packet p;
	struct control_mute *m = &p.msg.u.mute;
	uint32_t before = s->n_mutes;

	if (!remove && !may_mute(s, q, out))
		return 1;
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

static void send_order(struct steward *s, uint32_t order, const uint8_t *digest)
{
	struct control_packet p;

	control_init(&p, CONTROL_ORDER);
	p.msg.u.order.order = order;
	if (digest)
		memcpy(p.msg.u.order.digest, digest, sizeof p.msg.u.order.digest);
	steward_send(s, &p);
}

static bool is_safe(const struct steward *s)
{
	return s->fact[LOCAL_RELEASE].level == LOCAL_SAFE;
}

/* Ordered, and waited for: the owner is told what is, and not what was asked. */
static int do_safe(struct steward *s, bool on, struct buf *out)
{
	uint64_t until = steward_boot_s() + ORDER_S;

	if (!(s->start.flags & CONTROL_STEWARD_KEEPS)) {
		buf_puts(out, "this agent keeps no state, and without it there is no SAFE: set `state`\n");
		return 1;
	}
	send_order(s, on ? CONTROL_ORDER_SAFE_ON : CONTROL_ORDER_SAFE_OFF, NULL);
	while (is_safe(s) != on && !s->stop && steward_boot_s() <= until)
		steward_serve(s, 100);
	if (is_safe(s) != on) {
		buf_puts(out,
			 on ? "the agent did not go SAFE: its log says why\n"
			    : "the agent stays SAFE: is the file `safe` in its state directory? Its log says more\n");
		return 3;
	}
	buf_puts(out,
		 on ? "SAFE: rules and released content are off until `sallyport safe off`; a fixed feed of programs "
		      "started, changes of user, kernel modules and bpf goes on\n"
		    : "not SAFE any more: the last known good content, or the rules of this installation, are armed "
		      "again\n");
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
	send_order(s, CONTROL_ORDER_CLEAR, digest);
	buf_puts(out, "let out of quarantine; it is tried again when it is offered\n");
	return 0;
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
		return steward_put_status(s, q->json, out);
	case STEWARD_EXPLAIN:
		return steward_put_explain(s, q->digest, q->json, out);
	case STEWARD_MUTE:
	case STEWARD_UNMUTE:
		return do_mute(s, q, q->question == STEWARD_UNMUTE, out);
	case STEWARD_MUTES:
		steward_put_mutes(s, q->json, out);
		return 0;
	case STEWARD_SAFE_ON:
	case STEWARD_SAFE_OFF:
		return do_safe(s, q->question == STEWARD_SAFE_ON, out);
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
	buf_init(&out, STEWARD_REPLY_MAX);
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
