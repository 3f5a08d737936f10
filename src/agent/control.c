/* SPDX-License-Identifier: Apache-2.0 */
/* control: sending, receiving and checking messages. */
#include "agent/control.h"

#include <errno.h>
#include <sys/socket.h>

void control_init(struct control_packet *p, enum control_type type)
{
	*p = (struct control_packet){ .msg.hdr = { .type = type, .version = CONTROL_VERSION } };
}

FALLIBLE control_pair(int sv[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) ? E_IO : E_OK;
}

FALLIBLE control_send(int sock, const struct control_packet *p)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)&p->msg, .iov_len = sizeof p->msg };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof p->fds)] = { 0 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	assert(p->n_fds <= CONTROL_MAX_FDS && "a message of ours");
	if (p->n_fds) {
		struct cmsghdr *c = (struct cmsghdr *)(void *)control;

		mh.msg_control = control;
		mh.msg_controllen = CMSG_SPACE(p->n_fds * sizeof(int));
		*c = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
				       .cmsg_type = SCM_RIGHTS,
				       .cmsg_len = CMSG_LEN(p->n_fds * sizeof(int)) };
		memcpy(CMSG_DATA(c), p->fds, p->n_fds * sizeof(int));
	}
	do
		n = sendmsg(sock, &mh, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n == sizeof p->msg ? E_OK : E_IO;
}

void control_close_fds(struct control_packet *p)
{
	for (uint32_t i = 0; i < p->n_fds; i++)
		close(p->fds[i]);
	p->n_fds = 0;
}

/* Every descriptor that came in is ours to close, whatever else is wrong with the message. */
static bool take_fds(struct msghdr *mh, struct control_packet *p)
{
	bool ok = true;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
			ok = false;
			continue;
		}
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (p->n_fds < CONTROL_MAX_FDS) {
				p->fds[p->n_fds++] = fd;
			} else {
				close(fd);
				ok = false;
			}
		}
	}
	return ok;
}

/* What may come, from whom, with how many descriptors. */
static const struct {
	uint32_t type;
	bool from_child;
	uint32_t fds_min, fds_max;
} rules[] = {
	// clang-format off
	{ CONTROL_START,   false, 0, 8 },
	{ CONTROL_FILE,    false, 1, 1 },
	{ CONTROL_OUTPUT,  false, 0, 1 },
	{ CONTROL_LOAD,    false, 0, 0 },
	{ CONTROL_GO,      false, 0, 1 },
	{ CONTROL_RUN,     false, 0, 0 },
	{ CONTROL_STOP,    false, 0, 0 },
	{ CONTROL_RECORD,  false, 1, 1 },
	{ CONTROL_NAMES,   false, 1, 1 },
	{ CONTROL_COURIER, false, 2, 4 },
	{ CONTROL_RESCAN,  false, 1, 1 },
	{ CONTROL_CONTAINER, false, 0, CONTAINER_FILES },
	{ CONTROL_MUTE,    false, 0, 0 },
	{ CONTROL_EXERCISE, false, 0, 0 },
	{ CONTROL_CAPTURE, false, 1, 1 },
	{ CONTROL_TESTED,  true,  0, 0 },
	{ CONTROL_READY,   true,  0, 0 },
	{ CONTROL_FAILED,  true,  0, 0 },
	{ CONTROL_SCANNED, true,  0, 0 },
	{ CONTROL_ROTATE,  true,  0, 0 },
	{ CONTROL_GONE,    true,  0, 0 },
	{ CONTROL_FINAL,   true,  0, 0 },
	{ CONTROL_ASK,     true,  1, 1 },
	{ CONTROL_FILTER,  true,  0, 0 },
	{ CONTROL_CODE,    false, 1, 1 },
	{ CONTROL_QUESTION, true, 0, 0 },
	{ CONTROL_COMPILED, true, 1, 1 },
	{ CONTROL_ASK_CONTAINER, true, 0, 0 },
	{ CONTROL_STEWARD, false, 7, 7 },
	{ CONTROL_CLIENTS, false, 0, 1 },
	{ CONTROL_GOT,     false, 0, 1 },
	{ CONTROL_FACT,    false, 0, 0 },
	{ CONTROL_LOCAL,   false, 2, 2 },
	{ CONTROL_FETCH_FILE, false, 0, 0 },
	{ CONTROL_PUT_FILE, false, 1, 1 },
	{ CONTROL_NOTE,    false, 0, 0 },
	{ CONTROL_WATCHING, false, 0, 0 },
	{ CONTROL_FETCH,   true,  0, 0 },
	{ CONTROL_PUT,     true,  1, 1 },
	{ CONTROL_FETCHED, true,  0, 1 },
	{ CONTROL_SAVE,    true,  1, 1 },
	{ CONTROL_OFFER,   true,  1, 1 },
	{ CONTROL_REVOKED, true,  0, 0 },
	{ CONTROL_ORDER,   true,  0, 0 },
	{ CONTROL_ASK_MUTE, true, 0, 0 },
	{ CONTROL_PLAN,    true,  0, 0 },
	// clang-format on
};

/* What a child says. */
static FALLIBLE check_body(const struct control_msg *m, struct diag *d)
{
	switch (m->hdr.type) {
	case CONTROL_FAILED:
		if (m->u.failed.exit_code != 1 && m->u.failed.exit_code != 3)
			FAIL(d, FORMAT, "failed: exit code %u", m->u.failed.exit_code);
		return E_OK;
	case CONTROL_ROTATE:
	case CONTROL_GONE:
		if (m->u.which.index >= CONTROL_MAX_OUTPUTS)
			FAIL(d, FORMAT, "output %u does not exist", m->u.which.index);
		return E_OK;
	case CONTROL_ASK_CONTAINER:
		if (!container_id_ok(m->u.ask_container.id) || m->u.ask_container.runtime >= CONTAINER_N_RUNTIMES)
			FAIL(d, FORMAT, "ask container: runtime %u, or a bad id", m->u.ask_container.runtime);
		return E_OK;
	case CONTROL_OFFER:
	case CONTROL_REVOKED:
		if (m->u.offer.lane >= CONTROL_N_LANES || m->u.offer.bytes > CONTROL_MAX_FETCH)
			FAIL(d, FORMAT, "offer: lane %u, %u bytes", m->u.offer.lane, m->u.offer.bytes);
		return E_OK;
	case CONTROL_SAVE:
		if (m->u.save.what > CONTROL_SAVED_KEY || m->u.save.bytes > CONTROL_MAX_SAVED)
			FAIL(d, FORMAT, "save: %u, %u bytes", m->u.save.what, m->u.save.bytes);
		return E_OK;
	case CONTROL_TESTED:
		if (m->u.tested.n_failed > m->u.tested.n_vectors ||
		    !memchr(m->u.tested.text, 0, sizeof m->u.tested.text))
			FAIL(d, FORMAT, "tested: %u of %u vectors failed, or a text without end", m->u.tested.n_failed,
			     m->u.tested.n_vectors);
		return E_OK;
	case CONTROL_QUESTION:
		if (m->u.question.bytes > PAGE_QUESTION_BYTES)
			FAIL(d, FORMAT, "question: %u bytes", m->u.question.bytes);
		return E_OK;
	case CONTROL_FILTER:
		if (m->u.filter.n_names > WIRE_FILTER_MAX_NAMES)
			FAIL(d, FORMAT, "filter: %u names", m->u.filter.n_names);
		return E_OK;
	default:
		return E_OK;
	}
}

static FALLIBLE check(const struct control_packet *p, bool from_child, struct diag *d)
{
	if (p->msg.hdr.version != CONTROL_VERSION)
		FAIL(d, FORMAT, "message of version %u, this is %u", p->msg.hdr.version, (unsigned)CONTROL_VERSION);
	for (size_t i = 0; i < countof(rules); i++) {
		if (rules[i].type != p->msg.hdr.type || rules[i].from_child != from_child)
			continue;
		if (p->n_fds < rules[i].fds_min || p->n_fds > rules[i].fds_max)
			FAIL(d, FORMAT, "message %u came with %u descriptors", p->msg.hdr.type, p->n_fds);
		return from_child ? check_body(&p->msg, d) : worker_control_check(p, d);
	}
	FAIL(d, FORMAT, "message of type %u is not one of %s", p->msg.hdr.type,
	     from_child ? "a child's" : "the supervisor's");
}

FALLIBLE control_recv(int sock, bool from_child, struct control_packet *out, struct diag *d)
{
	struct control_packet p = { .n_fds = 0 };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof p.fds)];
	struct iovec iov = { .iov_base = &p.msg, .iov_len = sizeof p.msg };
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control
	};
	enum err err;
	bool fds_ok;
	ssize_t n;

	do
		n = recvmsg(sock, &mh, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return E_NOT_FOUND;
	if (n < 0 && errno == ECONNRESET)
		return E_TRUNCATED;
	if (n < 0)
		FAIL(d, IO, "recvmsg: %s", strerror(errno));
	fds_ok = take_fds(&mh, &p);
	if (n == 0 && !p.n_fds)
		return E_TRUNCATED;
	if (n != sizeof p.msg || mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC) || !fds_ok) {
		control_close_fds(&p);
		FAIL(d, FORMAT, "message of %zd bytes, %d are right", n, CONTROL_BYTES);
	}
	err = check(&p, from_child, d);
	if (err != E_OK) {
		control_close_fds(&p);
		return err;
	}
	*out = p;
	return E_OK;
}
