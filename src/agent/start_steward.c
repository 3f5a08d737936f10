/* SPDX-License-Identifier: Apache-2.0 */
/* start_steward: files of the owner for the steward, and the socket that it answers on. */
#include "agent/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { MAX_FILE = 1 << 20, BACKLOG = 8 };

static void replace(int *fd, int by)
{
	if (*fd >= 0)
		close(*fd);
	*fd = by;
}

static FALLIBLE take(const char *path, size_t max, int *fd, struct diag *d)
{
	AUTO_FREE char *bytes = NULL;
	size_t len;
	int made;

	if (!path) {
		replace(fd, open("/dev/null", O_RDONLY | O_CLOEXEC));
		return *fd < 0 ? E_IO : E_OK;
	}
	TRY(io_read_file(path, max, &bytes, &len, d));
	if (sealed_bytes(bytes, len, &made) != E_OK)
		FAIL(d, IO, "cannot keep '%s' in memory: %s", path, strerror(errno));
	replace(fd, made);
	return E_OK;
}

static FALLIBLE take_pair(const char *path, size_t max, int *bytes, int *signatures, struct diag *d)
{
	char name[CONFIG_MAX_PATH + 16];

	(void)snprintf(name, sizeof name, "%s.minisig", path ? path : "");
	TRY(take(path, max, bytes, d));
	return take(path ? name : NULL, MAX_FILE, signatures, d);
}

/* Is somebody there already? Then the socket is that one's. */
static bool is_taken(const struct sockaddr_un *a)
{
	AUTO_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	return fd >= 0 && !connect(fd, (const struct sockaddr *)a, sizeof *a);
}

/* Without it the sensor works, and cannot be asked. */
static int listen_on(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	AUTO_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;
	mode_t mask;
	bool ok;

	memcpy(a.sun_path, path, strlen(path));
	if (is_taken(&a)) {
		log_info("another agent answers on '%s': this one cannot be asked (setting `socket`)", path);
		return -1;
	}
	if (!lstat(path, &st) && S_ISSOCK(st.st_mode))
		(void)unlink(path);
	mask = umask(0177);
	ok = fd >= 0 && !bind(fd, (const struct sockaddr *)&a, sizeof a) && !listen(fd, BACKLOG);
	(void)umask(mask);
	if (!ok) {
		log_warning("this agent cannot be asked (setting `socket`): '%s': %s", path, strerror(errno));
		return -1;
	}
	return TAKE(fd);
}

FALLIBLE super_steward_open(struct supervisor *s, struct diag *d)
{
	const struct config *c = s->o->config;
	struct super_steward *w = &s->steward;

	TRY(take_pair(c->release_root, MAX_FILE, &w->file[STEWARD_ROOT], &w->file[STEWARD_SIGNATURES], d));
	TRY(take(c->release_policy, MAX_FILE, &w->file[STEWARD_POLICY], d));
	TRY(take(c->owner_key, MAX_FILE, &w->file[STEWARD_OWNER], d));
	if (c->owner_content)
		TRY(take_pair(c->owner_content, CONTROL_MAX_FETCH, &w->local[0], &w->local[1], d));
	if (w->listen < 0)
		w->listen = listen_on(c->socket ? c->socket : CONFIG_SOCKET);
	return E_OK;
}

void super_steward_close(struct supervisor *s)
{
	struct super_steward *w = &s->steward;

	if (w->listen >= 0)
		(void)unlink(s->o->config->socket ? s->o->config->socket : CONFIG_SOCKET);
	replace(&w->listen, -1);
	for (uint32_t i = 0; i < STEWARD_N_FILES; i++)
		replace(&w->file[i], -1);
	replace(&w->local[0], -1);
	replace(&w->local[1], -1);
}
