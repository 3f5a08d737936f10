/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container: which container a process is in, and what its runtime wrote down about it.
 *
 * Who it is comes from the path of the control group, at once. What it is (name, image, mounts, labels, pod) stands in
 * files of the runtime that root can read: a table collects questions, somebody with the rights opens the file (the
 * supervisor, by way of the agent), and the bytes are parsed here, by whoever has no rights to lose. No runtime is
 * asked over a socket.
 *
 * What can be forged. A group's name is chosen by whoever may make it: root, the owner of a delegated subtree, and root
 * inside of a container with a writable cgroup file system. Names are matched strictly, and an id whose path does not
 * come straight from the host's root gets no files: not below another container, not below a user's own manager
 * (user@UID.service), not at the end of a path that was cut. So a process can hide behind an id of its own making
 * there, never behind the name, image or pod of somebody else's container. Root on the host can forge everything.
 *
 * The table is bounded: CONTAINER_GROUPS_MAX groups, CONTAINER_MAX containers (those that ended longest ago make room),
 * CONTAINER_INFO_MAX bytes each. Not thread-safe.
 */
#ifndef SALLYPORT_SENSOR_CONTAINER_H
#define SALLYPORT_SENSOR_CONTAINER_H

#include "base/base.h"

enum {
	CONTAINER_MAX = 4096,
	CONTAINER_GROUPS_MAX = 16384,
	CONTAINER_PATH_MAX = 2304,      /* bytes of a group's path that are kept */
	CONTAINER_ID_MAX = 72,          /* bytes of an id with its NUL: 64 digits, or a name */
	CONTAINER_SHORT = 12,           /* digits that are shown */
	CONTAINER_FILE_MAX = 1 << 20,   /* bytes of a file that is read */
	CONTAINER_INFO_MAX = 256 << 10, /* bytes of strings of one container */
	CONTAINER_INFO_ALL = 64 << 20,  /* of all of them; past it new answers are not kept */
	CONTAINER_FILES = 3,            /* most files of one answer */
	CONTAINER_ASKED_MAX = 8,        /* questions that are out at a time */
};

enum container_runtime {
	CONTAINER_HOST,
	CONTAINER_DOCKER,
	CONTAINER_PODMAN,
	CONTAINER_CONTAINERD,
	CONTAINER_CRIO,
	CONTAINER_LXC,
	CONTAINER_NSPAWN,
	CONTAINER_OCI, /* another one, or not known yet which */
	CONTAINER_N_RUNTIMES
};

/* The word of container.type: "docker"... */
const char *container_runtime_word(enum container_runtime r);

/* What the path of a control group says. */
struct container_ident {
	enum container_runtime runtime;
	bool hex;                  /* id is 64 digits; else a name */
	bool direct;               /* the path comes straight from the host's root: files with this id are its own */
	char id[CONTAINER_ID_MAX]; /* "" on the host */
	char pod_uid[40];          /* of kubernetes, "" without */
};

/*
 * path: "/a/b/c", or ".../b/c" when it was cut; "/" is the root. The innermost container counts. O(len).
 */
void container_identify(const char *path, size_t len, struct container_ident *out);
/* An id that may become part of a file's path: 64 hex digits, or a name of letters, digits and _ + - . that has a
 * letter or digit first. NUL-terminated within CONTAINER_ID_MAX bytes. */
bool container_id_ok(const char id[CONTAINER_ID_MAX]);

/* Which files an answer has, in this order. */
enum container_shape {
	CONTAINER_NO_FILE,
	CONTAINER_FILE_DOCKER, /* config.v2.json, hostconfig.json */
	CONTAINER_FILE_OCI,    /* config.json of an OCI bundle; of containers/storage with containers.json and
				  volatile-containers.json */
	CONTAINER_FILE_RUNC,   /* state.json */
	CONTAINER_N_SHAPES
};

struct container_str {
	const char *p; /* NULL: not known */
	uint32_t len;
};

/* What the files say; one allocation. Strings without NUL bytes; UTF-8. */
struct container_info {
	size_t bytes;
	enum container_runtime runtime; /* CONTAINER_HOST: they do not say */
	struct container_str name, image, repository, tag, digest, image_id, mounts, ip;
	struct container_str ns_name, pod_name, pod_uid, sandbox_id;
	struct container_str *mount_dest, *mount_source, *labels; /* "source=dest", "dest=source", "key=value" */
	uint32_t n_mounts, n_labels;
	uint64_t start_ns; /* wall clock; 0: not known */
	bool privileged, privileged_known;
};

/*
 * Parse the files of one container. files[i].p is NULL where there is none; files[0] there must be.
 *
 * shape  what they are; runtime  whose they are
 * id     whose entry of containers.json counts
 *
 * E_FORMAT: files[0] is no JSON, or not the shape; E_LIMIT: too large, too deep, too many values, strings past
 * CONTAINER_INFO_MAX. E_NOMEM. What is wrong with one value leaves that value out. A bad files[1..] counts as missing.
 * Cost O(bytes). No I/O. The first call of a process asks getrandom(2) once.
 */
FALLIBLE container_info_parse(enum container_shape shape, enum container_runtime runtime, const char *id,
			      const struct view files[CONTAINER_FILES], struct container_info **out);
void container_info_free(struct container_info *i);

/* An image's name taken apart; empty parts have p NULL. "host:5000/a/b:tag@sha256:..." */
struct container_image {
	struct container_str repository, tag, digest;
};
void container_image_split(const char *name, size_t len, struct container_image *out);

/* A container that processes are in. */
struct container {
	struct hnode by_id;
	struct list lru;   /* while no group is in it: ended longest ago first */
	struct list asked; /* in line, or waiting for an answer */
	struct container_ident ident;
	struct container_info *info; /* NULL: not known (yet) */
	uint64_t first_ns;           /* earliest start of a process in it, on the records' clock; 0: none */
	uint64_t ask_ns;             /* not to be asked about before; UINT64_MAX: no more */
	uint32_t groups, tries;
	bool waiting;
};

/* A control group that processes are in; reference-counted. */
struct container_group {
	struct hnode by_path;
	uint32_t refs;
	struct container_ident ident;
	struct container *container;           /* NULL on the host, and past CONTAINER_MAX */
	struct container_str memory, standard; /* "memory=PATH", "default=PATH" */
	char text[];
};

struct container_table;

FALLIBLE container_table_new(struct container_table **out);
/* No group may be referenced any more. */
void container_table_free(struct container_table *t);

/* The group of a path (as container_identify), with one reference more. NULL: no room (counted) or no memory. */
struct container_group *container_group_get(struct container_table *t, const char *path, size_t len);
struct container_group *container_group_ref(struct container_group *g);
void container_group_unref(struct container_table *t, struct container_group *g); /* NULL is fine */
/* A process that started then is in it. */
void container_group_started(struct container_group *g, uint64_t start_ns);

/*
 * The next question that is due, at most CONTAINER_ASKED_MAX at a time, or NULL. Whoever takes it answers it later, or
 * it is out for good. now_ns: any clock, always the same.
 */
const struct container_ident *container_next_question(struct container_table *t, uint64_t now_ns);
/* No question is due before; UINT64_MAX: not before something else happens. May be earlier than need be. */
uint64_t container_due_ns(const struct container_table *t);
/*
 * Its answer. info is taken; NULL: nothing was found, or it cannot be parsed: asked again a few times, ever later
 * (a runtime may write the file after the container's first process ran). Answers that nobody asked for are dropped.
 * again: not counted as a try, nothing was looked up.
 */
void container_answer(struct container_table *t, const char *id, struct container_info *info, bool again,
		      uint64_t now_ns);

struct container_stats {
	uint32_t groups, containers;
	uint64_t refused; /* groups without room */
	size_t info_bytes;
};
void container_table_stats(const struct container_table *t, struct container_stats *out);

#endif
