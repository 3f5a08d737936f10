/* SPDX-License-Identifier: Apache-2.0 */
/*
 * super_files: which rule files there are, their bytes, and the sealed memory that they are kept in.
 *
 * A worker that is started again gets the same bytes as the one before, whatever an editor is doing to the file just
 * then. Nothing here looks into them.
 */
#include "agent/supervisor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>

static_assert((int)AGENT_MAX_FILES == (int)CONTROL_MAX_FILES && (int)AGENT_MAX_PATH < (int)CONTROL_NAME_BYTES,
	      "files fit messages");

static FALLIBLE open_path(const char *path, int *out_fd, struct stat *st, struct diag *d)
{
	/* O_NONBLOCK: a FIFO must not stop us before we see that it is one. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		FAIL(d, IO, "cannot open '%s': %s", path, strerror(errno));
	if (fstat(fd, st) || (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))) {
		close(fd);
		FAIL(d, IO, "'%s' is neither a file nor a directory", path);
	}
	*out_fd = fd;
	return E_OK;
}

static FALLIBLE add_path(struct agent_files *out, const char *path, struct diag *d)
{
	if (out->n == AGENT_MAX_FILES)
		FAIL(d, LIMIT, "more than %d rule files", AGENT_MAX_FILES);
	if (strlen(path) > AGENT_MAX_PATH)
		FAIL(d, LIMIT, "the path '%.60s...' has more than %d bytes", path, AGENT_MAX_PATH);
	out->path[out->n] = strdup(path);
	if (!out->path[out->n])
		return E_NOMEM;
	out->n++;
	return E_OK;
}

static int is_rules(const struct dirent *e)
{
	const char *dot = strrchr(e->d_name, '.');

	return e->d_name[0] != '.' && dot && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml") || !strcmp(dot, ".o"));
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static FALLIBLE add_dir(const char *path, struct agent_files *out, struct diag *d)
{
	struct dirent **names = NULL;
	int n = scandir(path, &names, is_rules, by_name);
	enum err err = E_OK;

	if (n < 0)
		FAIL(d, IO, "cannot read the directory '%s': %s", path, strerror(errno));
	for (int i = 0; i < n; i++) {
		char full[PATH_MAX];

		(void)snprintf(full, sizeof full, "%s/%s", path, names[i]->d_name);
		if (err == E_OK)
			err = add_path(out, full, d);
		free(names[i]);
	}
	free(names);
	if (n == 0)
		FAIL(d, NOT_FOUND, "'%s' holds no .yaml, .yml or .o file", path);
	return err;
}

FALLIBLE agent_files_list(char *const *paths, uint32_t n, struct agent_files *out, struct diag *d)
{
	out->n = 0;
	for (uint32_t i = 0; i < n; i++) {
		AUTO_FD int fd = 0;
		struct stat st;

		TRY(open_path(paths[i], &fd, &st, d));
		TRY(S_ISDIR(st.st_mode) ? add_dir(paths[i], out, d) : add_path(out, paths[i], d));
	}
	if (!out->n)
		FAIL(d, NOT_FOUND, "no rule file was given");
	return E_OK;
}

void agent_files_free(struct agent_files *f)
{
	while (f->n)
		free(f->path[--f->n]);
}

FALLIBLE agent_file_read(const char *path, char **out, size_t *out_len, struct diag *d)
{
	AUTO_FD int fd = 0;
	struct stat st;

	TRY(open_path(path, &fd, &st, d));
	if (st.st_size > AGENT_MAX_FILE_BYTES)
		FAIL(d, LIMIT, "'%s' has %lld MiB, at most %d are read", path, (long long)st.st_size >> 20,
		     AGENT_MAX_FILE_BYTES >> 20);
	return io_read_fd(fd, path, AGENT_MAX_FILE_BYTES, out, out_len, d);
}

FALLIBLE sealed_bytes(const void *bytes, size_t len, int *out)
{
	AUTO_FD int fd = memfd_create("sallyport-sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return E_IO;
	TRY(io_write_all(fd, bytes, len));
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return E_IO;
	*out = TAKE(fd);
	return E_OK;
}

FALLIBLE sealed_file_add(const char *name, const char *bytes, size_t len, struct sealed_files *out)
{
	struct sealed_file *f = &out->file[out->n];

	if (sealed_bytes(bytes, len, &f->fd) != E_OK)
		return E_IO;
	(void)snprintf(f->name, sizeof f->name, "%s", name);
	f->bytes = (uint32_t)len;
	out->n++;
	return E_OK;
}

static FALLIBLE add_sealed(const char *path, struct sealed_files *out, struct diag *d)
{
	AUTO_FREE char *text = NULL;
	size_t len;

	TRY(agent_file_read(path, &text, &len, d));
	if (sealed_file_add(path, text, len, out) != E_OK)
		FAIL(d, IO, "cannot keep '%s' in memory: %s", path, strerror(errno));
	return E_OK;
}

FALLIBLE sealed_files_open(char *const *paths, uint32_t n, struct sealed_files *out, struct diag *d)
{
	struct agent_files list = { .n = 0 };
	enum err err = agent_files_list(paths, n, &list, d);

	for (uint32_t i = 0; i < list.n && err == E_OK; i++)
		err = add_sealed(list.path[i], out, d);
	agent_files_free(&list);
	return err;
}

void sealed_files_close(struct sealed_files *f)
{
	for (uint32_t i = 0; i < f->n; i++)
		close(f->file[i].fd);
	f->n = 0;
}
