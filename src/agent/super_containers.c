/* SPDX-License-Identifier: Apache-2.0 */
/*
 * super_containers: opening what a runtime wrote down about a container, for the worker, which cannot.
 *
 * The worker asks with a runtime and an id, and nothing else: paths are made from a fixed list. It is not believed: it
 * may ask about any id, at a bounded rate, and gets descriptors to read. Nothing is parsed here.
 *
 * A file is opened only when nobody but root could have put it there: from the root directory on (which root may have
 * made a symbolic link) every step is a directory, then a regular file, never a link, and owned by us and writable by
 * nobody else. O_PATH first, so that a FIFO or device that stands there is never opened. Walking one name after the
 * other does what openat2(2) with RESOLVE_NO_SYMLINKS would, also where a filter refuses that call.
 */
#include "agent/supervisor.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

enum { MOST_QUESTIONS = 100, IN_MS = 2000 };

static bool is_ours(int fd, mode_t type)
{
	struct stat st;

	return !fstat(fd, &st) && (st.st_mode & S_IFMT) == type && st.st_uid == geteuid() && !(st.st_mode & S_IWOTH) &&
	       (!(st.st_mode & S_IWGRP) || st.st_gid == 0) && (type == S_IFDIR || st.st_size <= CONTAINER_FILE_MAX);
}

/* For reading, or 0. */
static int open_below(const char *root, const char *path, const char *id)
{
	AUTO_FD int at = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *mark = strchrnul(path, '#');
	char full[PATH_MAX], self[32], *rest;
	int fd;

	(void)snprintf(full, sizeof full, "%.*s%s%s", (int)(mark - path), path, *mark ? id : "", *mark ? mark + 1 : "");
	for (char *name = strtok_r(full, "/", &rest); name; name = strtok_r(NULL, "/", &rest)) {
		if (at <= 0 || !is_ours(at, S_IFDIR))
			return 0;
		fd = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		close(at);
		at = fd;
	}
	if (at <= 0 || !is_ours(at, S_IFREG))
		return 0;
	(void)snprintf(self, sizeof self, "/proc/self/fd/%d", at);
	fd = open(self, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return fd > 0 ? fd : 0;
}

/* False: its first file is not there. */
static bool open_place(const struct container_place *pl, const char *id, struct control_packet *p)
{
	for (uint32_t i = 0; i < CONTAINER_FILES && pl->path[i]; i++) {
		int fd = open_below(pl->root, pl->path[i], id);

		if (!fd && !i)
			return false;
		if (!fd)
			continue;
		p->fds[p->n_fds++] = fd;
		p->msg.u.container.have |= 1u << i;
	}
	p->msg.u.container.runtime = pl->runtime;
	p->msg.u.container.shape = pl->shape;
	return true;
}

FALLIBLE container_files_answer(struct container_files *f, int sock, const struct control_ask_container *ask,
				uint64_t now_ms)
{
	bool hex = strlen(ask->id) == 64, done;
	struct control_packet p;
	enum err err;

	control_init(&p, CONTROL_CONTAINER);
	memcpy(p.msg.u.container.id, ask->id, sizeof ask->id);
	if (now_ms - f->since_ms >= IN_MS) {
		f->since_ms = now_ms;
		f->asked = 0;
	}
	done = f->asked++ >= MOST_QUESTIONS;
	p.msg.u.container.again = done;
	for (uint32_t i = 0; i < f->n && !done; i++)
		done = (hex || f->place[i].names) && f->place[i].asked >> ask->runtime & 1 &&
		       open_place(&f->place[i], ask->id, &p);
	err = control_send(sock, &p);
	control_close_fds(&p);
	return err;
}
