/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

FALLIBLE io_read_fd(int fd, const char *name, size_t max_bytes, char **out, size_t *out_len, struct diag *d)
{
	size_t cap = 4096, len = 0;
	AUTO_FREE char *buf = malloc(cap + 1);
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		FAIL(d, IO, "'%s' is a directory, a file is needed", name);
	if (!buf)
		return E_NOMEM;
	for (;;) {
		if (len == cap) {
			char *p = realloc(buf, cap * 2 + 1);

			if (!p)
				return E_NOMEM;
			buf = p;
			cap *= 2;
		}
		n = read(fd, buf + len, cap - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			FAIL(d, IO, "cannot read '%s': %s", name, strerror(errno));
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > max_bytes)
			FAIL(d, LIMIT, "'%s' is larger than %zu KiB, the most that is read", name, max_bytes >> 10);
	}
	buf[len] = 0;
	*out = TAKE(buf);
	*out_len = len;
	return E_OK;
}

FALLIBLE io_read_file(const char *path, size_t max_bytes, char **out, size_t *out_len, struct diag *d)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		FAIL(d, IO, "cannot open '%s': %s", path, strerror(errno));
	return io_read_fd(fd, path, max_bytes, out, out_len, d);
}

FALLIBLE io_write_all(int fd, const void *p, size_t len)
{
	const char *s = p;

	while (len) {
		ssize_t n = write(fd, s, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return E_IO;
		s += n;
		len -= (size_t)n;
	}
	return E_OK;
}

/* A new name is on the disk when its directory is. A file system that cannot say so is no reason to fail. */
static void sync_dir_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];
	AUTO_FD int fd = -1;

	(void)snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		(void)fsync(fd);
}

static FALLIBLE fill_file(const char *name, const void *p, size_t len, mode_t mode)
{
	AUTO_FD int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, mode);

	if (fd < 0)
		return E_IO;
	TRY(io_write_all(fd, p, len));
	return fsync(fd) ? E_IO : E_OK;
}

FALLIBLE io_replace_file(const char *path, const void *p, size_t len, mode_t mode, struct diag *d)
{
	char temp[PATH_MAX];
	int error;

	if (snprintf(temp, sizeof temp, "%s.tmp-%d", path, (int)getpid()) >= (int)sizeof temp)
		FAIL(d, IO, "cannot write '%.80s...': its path is too long", path);
	(void)unlink(temp); /* of a process that had this number and died */
	if (fill_file(temp, p, len, mode) == E_OK && rename(temp, path) == 0) {
		sync_dir_of(path);
		return E_OK;
	}
	error = errno;
	(void)unlink(temp);
	FAIL(d, IO, "cannot write '%s': %s", path, strerror(error));
}
