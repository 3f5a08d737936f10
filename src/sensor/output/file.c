/* SPDX-License-Identifier: Apache-2.0 */
/* file: opening what alert lines are written to, so that writing never blocks; rotation by renaming. */
#include "sensor/output/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

/*
 * A description of its own that does not block: setting O_NONBLOCK on the one that we were given would set it for
 * everyone who has it. A socket cannot be opened again; a regular file never blocks.
 */
FALLIBLE output_stdout_open(int *out, struct diag *d)
{
	struct stat st;
	int fd = -1, flags;

	if (fstat(STDOUT_FILENO, &st))
		FAIL(d, IO, "standard output is closed: %s", strerror(errno));
	if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))
		fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
		flags = fd < 0 ? -1 : fcntl(fd, F_GETFL);
		if (flags < 0 || (!S_ISREG(st.st_mode) && fcntl(fd, F_SETFL, flags | O_NONBLOCK)))
			FAIL(d, IO, "standard output cannot be used: %s", strerror(errno));
	}
	*out = fd;
	return E_OK;
}

FALLIBLE output_file_open(const char *path, int *out, uint64_t *have, struct diag *d)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0640);
	struct stat st;

	if (fd < 0)
		FAIL(d, IO, "cannot write alerts to '%s': %s", path, strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		FAIL(d, IO, "cannot write alerts to '%s': not a regular file", path);
	}
	*have = (uint64_t)st.st_size;
	*out = fd;
	return E_OK;
}

FALLIBLE output_file_rotate(const char *path, uint32_t keep, int *out, uint64_t *have)
{
	char from[PATH_MAX], to[PATH_MAX];

	for (uint32_t i = keep; i > 0; i--) {
		(void)snprintf(to, sizeof to, "%s.%u", path, i);
		if (i > 1)
			(void)snprintf(from, sizeof from, "%s.%u", path, i - 1);
		else
			(void)snprintf(from, sizeof from, "%s", path);
		if (rename(from, to) && errno != ENOENT)
			return E_IO;
	}
	return output_file_open(path, out, have, NULL);
}
