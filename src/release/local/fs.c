/* SPDX-License-Identifier: Apache-2.0 */
/* fs: the host's file system, as the store sees it. */
#include "release/local/local.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#define UNUSED __attribute__((unused))

static int host_openat(void *user UNUSED, int dir, const char *name, int flags, mode_t mode)
{
	return openat(dir, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, mode);
}

static int host_mkdirat(void *user UNUSED, int dir, const char *name, mode_t mode)
{
	return mkdirat(dir, name, mode);
}

static int host_fstat(void *user UNUSED, int fd, struct stat *st)
{
	return fstat(fd, st);
}

static int host_lock(void *user UNUSED, int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB);
}

static ssize_t host_pread(void *user UNUSED, int fd, void *p, size_t n, off_t at)
{
	return pread(fd, p, n, at);
}

static ssize_t host_pwrite(void *user UNUSED, int fd, const void *p, size_t n, off_t at)
{
	return pwrite(fd, p, n, at);
}

static int host_fsync(void *user UNUSED, int fd)
{
	return fsync(fd);
}

static int host_renameat(void *user UNUSED, int dir, const char *from, const char *to)
{
	return renameat(dir, from, dir, to);
}

static int host_unlinkat(void *user UNUSED, int dir, const char *name)
{
	return unlinkat(dir, name, 0);
}

static int host_list(void *user UNUSED, int dir, int (*each)(void *arg, const char *name), void *arg)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);

	if (!stream) {
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	for (struct dirent *e = readdir(stream); e && !r; e = readdir(stream))
		r = each(arg, e->d_name);
	(void)closedir(stream);
	return r;
}

static void host_close(void *user UNUSED, int fd)
{
	(void)close(fd);
}

const struct local_fs local_fs_host = {
	.openat = host_openat,
	.mkdirat = host_mkdirat,
	.fstat = host_fstat,
	.lock = host_lock,
	.pread = host_pread,
	.pwrite = host_pwrite,
	.fsync = host_fsync,
	.renameat = host_renameat,
	.unlinkat = host_unlinkat,
	.list = host_list,
	.close = host_close,
};
