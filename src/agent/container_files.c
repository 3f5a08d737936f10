/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container_files: opening what a runtime wrote down about a container, for the worker, which cannot.
 *
 * The worker asks with a runtime and an id, and nothing else: paths are made from a fixed list. It is not believed: it
 * may ask about any id, at RATE questions a second, and gets descriptors to read. Nothing is parsed here.
 *
 * A file is opened only when nobody but root could have put it there: from the root directory on (which root may have
 * made a symbolic link) every step is a directory, then a regular file, never a link, and owned by us and writable by
 * nobody else. O_PATH first, so that a FIFO or device that stands there is never opened. Walking one name after the
 * other does what openat2(2) with RESOLVE_NO_SYMLINKS would, also where a filter refuses that call.
 */
#include "agent/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "sensor/container/container.h"

enum { RATE = 50, BURST = 100 };

/*
 * Where they are: moby daemon/container (config.v2.json), containers/storage containers.go and libpod's StaticDir,
 * containerd's runtime v2 bundles, opencontainers/runc and crun's state directories. '#' is the id.
 */
static const struct place {
	enum config_root root;
	enum container_runtime runtime; /* CONTAINER_HOST: the file says */
	enum container_shape shape;
	bool names; /* ids that are not 64 digits have files there too */
	const char *path[CONTAINER_FILES];
} places[] = {
	// clang-format off
	{ CONFIG_ROOT_DOCKER, CONTAINER_DOCKER, CONTAINER_FILE_DOCKER, false,
	  { "containers/#/config.v2.json", "containers/#/hostconfig.json", NULL } },
	{ CONFIG_ROOT_STORAGE, CONTAINER_HOST, CONTAINER_FILE_OCI, false,
	  { "overlay-containers/#/userdata/config.json", "overlay-containers/containers.json",
	    "overlay-containers/volatile-containers.json" } },
	{ CONFIG_ROOT_STORAGE, CONTAINER_HOST, CONTAINER_FILE_OCI, false,
	  { "vfs-containers/#/userdata/config.json", "vfs-containers/containers.json",
	    "vfs-containers/volatile-containers.json" } },
	{ CONFIG_ROOT_CONTAINERD, CONTAINER_CONTAINERD, CONTAINER_FILE_OCI, false,
	  { "io.containerd.runtime.v2.task/k8s.io/#/config.json", NULL, NULL } },
	{ CONFIG_ROOT_CONTAINERD, CONTAINER_CONTAINERD, CONTAINER_FILE_OCI, false,
	  { "io.containerd.runtime.v2.task/default/#/config.json", NULL, NULL } },
	/* Docker with its own directory elsewhere: mounts and privileges, but no name. */
	{ CONFIG_ROOT_CONTAINERD, CONTAINER_DOCKER, CONTAINER_FILE_OCI, false,
	  { "io.containerd.runtime.v2.task/moby/#/config.json", NULL, NULL } },
	{ CONFIG_ROOT_CRUN, CONTAINER_OCI, CONTAINER_FILE_OCI, true, { "#/config.json", NULL, NULL } },
	{ CONFIG_ROOT_RUNC, CONTAINER_OCI, CONTAINER_FILE_RUNC, true, { "#/state.json", NULL, NULL } },
	// clang-format on
};

static const struct {
	enum config_root root;
	const char *dir;
} defaults[] = {
	{ CONFIG_ROOT_DOCKER, "/var/lib/docker" },
	{ CONFIG_ROOT_STORAGE, "/var/lib/containers/storage" },
	{ CONFIG_ROOT_CONTAINERD, "/run/containerd" },
	{ CONFIG_ROOT_CONTAINERD, "/run/k3s/containerd" },
	{ CONFIG_ROOT_CRUN, "/run/crun" },
	{ CONFIG_ROOT_RUNC, "/run/runc" },
};

static bool is_ours(int fd, mode_t type)
{
	struct stat st;

	return !fstat(fd, &st) && (st.st_mode & S_IFMT) == type && st.st_uid == geteuid() && !(st.st_mode & S_IWOTH) &&
	       (!(st.st_mode & S_IWGRP) || st.st_gid == 0) && (type == S_IFDIR || st.st_size <= CONTAINER_FILE_MAX);
}

/* The next name of the path, with the id in place of '#'. False: there is none, or it is too long. */
static bool next_name(const char **path, const char *id, char out[NAME_MAX + 1])
{
	const char *slash = strchrnul(*path, '/');
	size_t n = (size_t)(slash - *path);

	if (!n || n > NAME_MAX)
		return false;
	if (n == 1 && **path == '#') {
		(void)snprintf(out, NAME_MAX + 1, "%s", id);
	} else {
		memcpy(out, *path, n);
		out[n] = 0;
	}
	*path = slash + (*slash == '/');
	return true;
}

/* For reading, or 0. */
static int open_below(const char *root, const char *path, const char *id)
{
	AUTO_FD int at = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char name[NAME_MAX + 1], self[32];
	int fd;

	while (at > 0 && *path) {
		bool last;

		if (!is_ours(at, S_IFDIR) || !next_name(&path, id, name))
			return 0;
		last = !*path;
		fd = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC | (last ? 0 : O_DIRECTORY));
		close(at);
		at = fd;
	}
	if (at <= 0 || !is_ours(at, S_IFREG))
		return 0;
	(void)snprintf(self, sizeof self, "/proc/self/fd/%d", at);
	fd = open(self, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return fd > 0 ? fd : 0;
}

static bool open_place(const struct place *pl, const char *root, const char *id, struct control_packet *p)
{
	struct control_container *m = &p->msg.u.container;

	for (uint32_t i = 0; i < CONTAINER_FILES && pl->path[i]; i++) {
		int fd = open_below(root, pl->path[i], id);

		if (!fd && !i)
			return false;
		if (!fd)
			continue;
		p->fds[p->n_fds++] = fd;
		m->have |= 1u << i;
	}
	m->runtime = pl->runtime;
	m->shape = pl->shape;
	return true;
}

/* What the owner of the host said comes first. */
static bool open_roots(const struct config *c, const struct place *pl, const char *id, struct control_packet *p)
{
	for (uint32_t i = 0; i < c->n_container_roots; i++)
		if (c->container_roots[i].kind == pl->root && open_place(pl, c->container_roots[i].dir, id, p))
			return true;
	for (size_t i = 0; i < countof(defaults); i++)
		if (defaults[i].root == pl->root && open_place(pl, defaults[i].dir, id, p))
			return true;
	return false;
}

/* Docker's and cri-o's containers are containerd's or podman's too: only those that the group's name speaks for. */
static bool fits(const struct place *pl, uint32_t runtime)
{
	switch (runtime) {
	case CONTAINER_PODMAN:
	case CONTAINER_CRIO:
		return pl->root == CONFIG_ROOT_STORAGE;
	case CONTAINER_DOCKER:
	case CONTAINER_CONTAINERD:
		return pl->runtime == (enum container_runtime)runtime;
	default:
		return true;
	}
}

void container_files_open(const struct config *c, const struct control_ask_container *ask, struct control_packet *p)
{
	bool hex = strlen(ask->id) == 64;

	control_init(p, CONTROL_CONTAINER);
	memcpy(p->msg.u.container.id, ask->id, sizeof ask->id);
	for (size_t i = 0; i < countof(places); i++)
		if ((hex || places[i].names) && fits(&places[i], ask->runtime) && open_roots(c, &places[i], ask->id, p))
			return;
}

static bool take_token(struct container_files *f, uint64_t now_ms)
{
	uint64_t n = f->at_ms ? (now_ms - f->at_ms) * RATE / 1000 : BURST;

	if (n) {
		f->tokens = f->tokens + n < BURST ? (uint32_t)(f->tokens + n) : BURST;
		f->at_ms = now_ms;
	}
	if (!f->tokens)
		return false;
	f->tokens--;
	return true;
}

FALLIBLE container_files_answer(struct container_files *f, const struct config *c, int sock,
				const struct control_ask_container *ask, uint64_t now_ms)
{
	struct control_packet p;
	enum err err;

	if (take_token(f, now_ms)) {
		container_files_open(c, ask, &p);
	} else {
		control_init(&p, CONTROL_CONTAINER);
		memcpy(p.msg.u.container.id, ask->id, sizeof ask->id);
		p.msg.u.container.again = 1;
	}
	err = control_send(sock, &p);
	control_close_fds(&p);
	return err;
}
