/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport: dir://, a directory that somebody else may write to.
 *
 * Every component of a name is opened by itself below the one before, without following links, so a directory that is
 * swapped for a link meanwhile is an error and never a way out.
 */
#include "transport/transport.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

struct transport {
	int root;
	bool writable;
};

static const char dir_scheme[] = "dir://";

bool transport_name_ok(const char *name)
{
	static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

	if (strnlen(name, TRANSPORT_MAX_NAME) == TRANSPORT_MAX_NAME)
		return false;
	for (;;) {
		size_t n = strspn(name, good);

		if (!n || name[0] == '.')
			return false;
		if (!name[n])
			return true;
		if (name[n] != '/')
			return false;
		name += n + 1;
	}
}

static FALLIBLE check_name(const char *name, struct diag *d)
{
	struct buf safe;
	enum err err;

	if (transport_name_ok(name))
		return E_OK;
	buf_init(&safe, 4096);
	buf_put_safe(&safe, name, strnlen(name, TRANSPORT_MAX_NAME));
	err = diag_fail(d, E_INVALID, 'D', 101, __FILE__, __LINE__, "'%s' is no name of a file in a repository",
			safe.p ? safe.p : "");
	diag_hint(d, "letters, digits, '.', '_' and '-', with single slashes between; no part begins with a dot");
	buf_done(&safe);
	return err;
}

FALLIBLE transport_open(const char *url, bool writable, struct transport **out, struct diag *d)
{
	AUTO_FREE struct transport *t = NULL;
	const char *path = url + strlen(dir_scheme);

	if (strnlen(url, TRANSPORT_MAX_URL) == TRANSPORT_MAX_URL || strncmp(url, dir_scheme, strlen(dir_scheme)) != 0 ||
	    path[0] != '/') {
		enum err err = diag_fail(d, E_UNSUPPORTED, 'D', 102, __FILE__, __LINE__,
					 "'%.80s' is no address of a repository", url);

		diag_hint(d, "dir:// and an absolute path, as dir:///srv/sallyport");
		return err;
	}
	t = calloc(1, sizeof *t);
	if (!t)
		return E_NOMEM;
	t->writable = writable;
	t->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->root < 0)
		FAIL_ID(d, IO, 'D', 103, "the repository '%s' cannot be opened: %s", path, strerror(errno));
	*out = TAKE(t);
	return E_OK;
}

void transport_close(struct transport *t)
{
	if (!t)
		return;
	close(t->root);
	free(t);
}

/* One step down. make: the directory is made if there is none. */
static int step_into(int dir, const char *part, bool make)
{
	if (make && mkdirat(dir, part, 0755) == 0)
		(void)fsync(dir);
	else if (make && errno != EEXIST)
		return -1;
	return openat(dir, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The directory that a checked name's last n_parts-1 components lead to; *last is what follows. all: the last too. */
static FALLIBLE walk(const struct transport *t, const char *name, bool make, bool all, int *out, const char **last,
		     struct diag *d)
{
	AUTO_FD int dir = fcntl(t->root, F_DUPFD_CLOEXEC, 3);
	const char *at = name;

	if (dir < 0)
		FAIL_ID(d, IO, 'D', 104, "'%s': %s", name, strerror(errno));
	for (const char *slash = strchr(at, '/'); slash || (all && *at); slash = strchr(at, '/')) {
		char part[TRANSPORT_MAX_NAME];
		size_t n = slash ? (size_t)(slash - at) : strlen(at);
		int next;

		(void)snprintf(part, sizeof part, "%.*s", (int)n, at);
		next = step_into(dir, part, make);
		if (next < 0 && errno == ENOENT && !make)
			FAIL_ID(d, NOT_FOUND, 'D', 105, "the repository has no '%s'", name);
		if (next < 0)
			FAIL_ID(d, IO, 'D', 104, "'%s': '%s' is not a directory of the repository: %s", name, part,
				strerror(errno));
		close(dir);
		dir = next;
		at += n + (slash ? 1 : 0);
	}
	*out = TAKE(dir);
	*last = at;
	return E_OK;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static FALLIBLE read_stable(int fd, const char *name, size_t max, char **out, size_t *out_len, struct diag *d)
{
	AUTO_FREE char *bytes = NULL;
	struct stat before, after;
	size_t len = 0;

	if (fstat(fd, &before) != 0)
		FAIL_ID(d, IO, 'D', 104, "'%s': %s", name, strerror(errno));
	if (!S_ISREG(before.st_mode))
		FAIL_ID(d, IO, 'D', 106, "'%s' in the repository is no regular file", name);
	if (before.st_size < 0 || (uint64_t)before.st_size > max)
		FAIL_ID(d, LIMIT, 'D', 107, "'%s' in the repository has %lld bytes; at most %zu are taken", name,
			(long long)before.st_size, max);
	TRY(io_read_fd(fd, name, max, &bytes, &len, d));
	if (fstat(fd, &after) != 0 || !same_file(&before, &after) || len != (size_t)after.st_size)
		FAIL_ID(d, IO, 'D', 108, "'%s' in the repository changed while it was read", name);
	*out = TAKE(bytes);
	*out_len = len;
	return E_OK;
}

FALLIBLE transport_get(struct transport *t, const char *name, size_t max, char **out, size_t *out_len, struct diag *d)
{
	AUTO_FD int dir = 0;
	AUTO_FD int fd = 0;
	const char *last;

	TRY(check_name(name, d));
	TRY(walk(t, name, false, false, &dir, &last, d));
	/* Not blocking: a pipe that nobody writes to must not hold us up. */
	fd = openat(dir, last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		FAIL_ID(d, NOT_FOUND, 'D', 105, "the repository has no '%s'", name);
	if (fd < 0 && (errno == ELOOP || errno == ENXIO))
		FAIL_ID(d, IO, 'D', 106, "'%s' in the repository is no regular file", name);
	if (fd < 0)
		FAIL_ID(d, IO, 'D', 104, "'%s': %s", name, strerror(errno));
	return read_stable(fd, name, max < TRANSPORT_MAX_FILE ? max : TRANSPORT_MAX_FILE, out, out_len, d);
}

enum { PUT_NAME = 32 };

static FALLIBLE put_name(char out[PUT_NAME], struct diag *d)
{
	uint64_t r[1];

	if (getrandom(r, sizeof r, 0) != sizeof r)
		FAIL_ID(d, IO, 'D', 104, "no randomness for a temporary name: %s", strerror(errno));
	(void)snprintf(out, PUT_NAME, ".put-%016llx", (unsigned long long)r[0]);
	return E_OK;
}

/* The temporary file takes its name. */
static int settle(int dir, const char *from, const char *to, bool once)
{
	if (!once)
		return renameat(dir, from, dir, to);
	if (renameat2(dir, from, dir, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(dir, from, dir, to, 0) != 0)
		return -1;
	return unlinkat(dir, from, 0);
}

static FALLIBLE put_in(int dir, const char *name, const char *last, struct view bytes, bool once, struct diag *d)
{
	AUTO_FD int fd = 0;
	char tmp[PUT_NAME];
	int saved;

	TRY(put_name(tmp, d));
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		FAIL_ID(d, IO, 'D', 109, "'%s' cannot be written: %s", name, strerror(errno));
	if (io_write_all(fd, bytes.p, bytes.len) == E_OK && fsync(fd) == 0 && settle(dir, tmp, last, once) == 0) {
		if (fsync(dir) == 0)
			return E_OK;
		FAIL_ID(d, IO, 'D', 109, "'%s' may not have reached the disk: %s", name, strerror(errno));
	}
	saved = errno;
	(void)unlinkat(dir, tmp, 0);
	if (once && saved == EEXIST)
		FAIL_ID(d, EXISTS, 'D', 110, "the repository has '%s' already", name);
	FAIL_ID(d, IO, 'D', 109, "'%s' cannot be written: %s", name, strerror(saved));
}

FALLIBLE transport_put(struct transport *t, const char *name, struct view bytes, bool once, struct diag *d)
{
	AUTO_FD int dir = 0;
	const char *last;

	TRY(check_name(name, d));
	if (!t->writable)
		FAIL_ID(d, PERM, 'D', 109, "'%s': the repository was opened for reading", name);
	if (bytes.len > TRANSPORT_MAX_FILE)
		FAIL_ID(d, LIMIT, 'D', 107, "'%s' has %zu bytes; a file of a repository at most %d", name, bytes.len,
			TRANSPORT_MAX_FILE);
	TRY(walk(t, name, true, false, &dir, &last, d));
	return put_in(dir, name, last, bytes, once, d);
}

/* The names that sort first of those seen: room for twice as many as are wanted, cut in half when it is full. */
struct listing {
	char (*name)[TRANSPORT_MAX_NAME];
	size_t n, want;
};

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void cut(struct listing *l)
{
	qsort(l->name, l->n, sizeof *l->name, compare);
	if (l->n > l->want)
		l->n = l->want;
}

static FALLIBLE scan(DIR *dir, const char *prefix, struct listing *l, struct diag *d)
{
	for (uint32_t seen = 0; seen < TRANSPORT_MAX_SCAN; seen++) {
		struct dirent *e;

		errno = 0;
		e = readdir(dir);
		if (!e && errno)
			FAIL_ID(d, IO, 'D', 104, "'%s': %s", prefix, strerror(errno));
		if (!e)
			break;
		if (!transport_name_ok(e->d_name))
			continue;
		if (l->n == 2 * l->want)
			cut(l);
		(void)snprintf(l->name[l->n++], sizeof *l->name, "%.*s", TRANSPORT_MAX_NAME - 1, e->d_name);
	}
	cut(l);
	return E_OK;
}

static FALLIBLE tell(const struct listing *l, struct arena *a, const char *const **out, uint32_t *n)
{
	const char **names = ARENA_ARRAY(a, const char *, l->n + 1);

	if (!names)
		return E_NOMEM;
	for (size_t i = 0; i < l->n; i++) {
		names[i] = arena_strndup(a, l->name[i], strlen(l->name[i]));
		if (!names[i])
			return E_NOMEM;
	}
	*out = names;
	*n = (uint32_t)l->n;
	return E_OK;
}

FALLIBLE transport_list(struct transport *t, const char *prefix, struct arena *a, uint32_t max, const char *const **out,
			uint32_t *n, struct diag *d)
{
	struct listing l = { .want = max < TRANSPORT_MAX_LIST ? max : TRANSPORT_MAX_LIST };
	AUTO_FD int fd = 0;
	const char *last;
	enum err err;
	DIR *dir;

	TRY(check_name(prefix, d));
	err = walk(t, prefix, false, true, &fd, &last, d);
	if (err == E_NOT_FOUND || (err == E_OK && !l.want))
		return tell(&l, a, out, n);
	TRY(err);
	dir = fdopendir(fd);
	if (!dir)
		FAIL_ID(d, IO, 'D', 104, "'%s': %s", prefix, strerror(errno));
	fd = 0; /* the stream's now */
	l.name = calloc(2 * l.want, sizeof *l.name);
	err = l.name ? scan(dir, prefix, &l, d) : E_NOMEM;
	closedir(dir);
	if (err == E_OK)
		err = tell(&l, a, out, n);
	free(l.name);
	return err;
}
