/* SPDX-License-Identifier: Apache-2.0 */
/* steward_ask: a command's side of the owner's socket. Its answer is from root, and is checked nevertheless. */
#include "agent/steward.h"

#include <errno.h>
#include <time.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

enum { WAIT_S = 90 };

/* An answer is believed when root gives it, or whoever asks. */
static bool is_trusted(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof peer;

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) && (peer.uid == 0 || peer.uid == geteuid());
}

static uint64_t now_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec;
}

static FALLIBLE dial(const char *path, int *out, struct diag *d)
{
	AUTO_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct timeval wait = { .tv_sec = WAIT_S };

	if (strlen(path) >= sizeof a.sun_path)
		FAIL(d, INVALID, "the socket's path is longer than %zu bytes", sizeof a.sun_path - 1);
	memcpy(a.sun_path, path, strlen(path));
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait))
		FAIL(d, IO, "socket: %s", strerror(errno));
	if (!connect(fd, (const struct sockaddr *)&a, sizeof a)) {
		if (!is_trusted(fd))
			FAIL(d, PERM, "'%s' belongs to another user's process, and not to an agent of root", path);
		*out = TAKE(fd);
		return E_OK;
	}
	if (errno == EACCES || errno == EPERM)
		FAIL(d, PERM, "only root may ask the agent on '%s': try sudo", path);
	if (errno == ENOENT || errno == ECONNREFUSED)
		FAIL(d, NOT_FOUND,
		     "no agent answers on '%s': start one (`sallyport run`), or name its socket (--socket, or --config "
		     "with its settings)",
		     path);
	FAIL(d, IO, "'%s' cannot be asked: %s", path, strerror(errno));
}

static FALLIBLE receive(int fd, char **out, size_t *out_len, int *exit_code, struct diag *d)
{
	AUTO_FREE char *text = malloc(STEWARD_REPLY_MAX + 1);
	uint64_t until = now_s() + WAIT_S;
	char chunk[STEWARD_CHUNK];
	struct steward_reply r;
	ssize_t n = recv(fd, chunk, sizeof chunk, 0);
	size_t have;

	if (!text)
		return E_NOMEM;
	if (n < (ssize_t)sizeof r)
		FAIL(d, IO, "the agent gave no answer%s%s", n < 0 ? ": " : "",
		     n < 0 ? strerror(errno) : " (only root is answered)");
	memcpy(&r, chunk, sizeof r);
	if (r.magic != STEWARD_MAGIC || r.bytes > STEWARD_REPLY_MAX || r.exit_code > 3)
		FAIL(d, FORMAT, "what listens on the socket is no agent, or one of another version");
	have = (size_t)n - sizeof r;
	if (have > r.bytes)
		FAIL(d, FORMAT, "the answer is longer than it says");
	memcpy(text, chunk + sizeof r, have);
	while (have < r.bytes) {
		n = now_s() < until ? recv(fd, chunk, sizeof chunk, 0) : 0;
		if (n > (ssize_t)(r.bytes - have))
			FAIL(d, FORMAT, "the answer is longer than it says");
		if (n > 0)
			memcpy(text + have, chunk, (size_t)n);
		if (n <= 0)
			FAIL(d, TRUNCATED, "the answer ends too early");
		have += (size_t)n;
	}
	text[have] = 0;
	*out_len = have;
	*exit_code = (int)r.exit_code;
	*out = TAKE(text);
	return E_OK;
}

FALLIBLE steward_ask(const char *path, const struct steward_request *q, char **out, size_t *out_len, int *exit_code,
		     struct diag *d)
{
	AUTO_FD int fd = -1;
	struct steward_request copy = *q;

	copy.magic = STEWARD_MAGIC;
	TRY(dial(path, &fd, d));
	if (send(fd, &copy, sizeof copy, MSG_NOSIGNAL) != sizeof copy)
		FAIL(d, IO, "the agent does not take the question: %s", strerror(errno));
	return receive(fd, out, out_len, exit_code, d);
}
