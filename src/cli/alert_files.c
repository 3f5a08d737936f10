/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert_files: a file of alerts and those that it was renamed to, line by line, oldest first.
 *
 * The newest is opened first: what is renamed meanwhile is met again under its next name, and known by its inode, so
 * no line is lost and none comes twice.
 */
#include "cli/alert_files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { MAX_FILES = 101 /* outputs.file.keep, and the newest */, POLL_MS = 300, NAME_BYTES = CONFIG_MAX_PATH + 16 };

struct one {
	int fd;
	dev_t dev;
	ino_t ino;
};

struct reader {
	const struct alert_files *f;
	char *buf; /* OUTPUT_LINE_MAX */
	size_t len;
	bool too_long; /* the line that is being read is */
};

static FALLIBLE open_one(const char *path, struct one *out, struct stat *st, struct diag *d)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && errno == ENOENT)
		return E_NOT_FOUND;
	if (fd < 0 && errno == EACCES)
		FAIL(d, PERM, "'%s' may not be read by you: try sudo", path);
	if (fd < 0 || fstat(fd, st))
		FAIL(d, IO, "cannot open '%s': %s", path, strerror(errno));
	if (!S_ISREG(st->st_mode))
		FAIL(d, INVALID, "'%s' is no regular file", path);
	*out = (struct one){ .fd = TAKE(fd), .dev = st->st_dev, .ino = st->st_ino };
	return E_OK;
}

static bool end_line(struct reader *r)
{
	struct view line = r->too_long ? (struct view){ 0 } : view_of(r->buf, r->len);

	r->len = 0;
	r->too_long = false;
	return r->f->line(r->f->user, line);
}

/* What there is until the end of the file. */
static FALLIBLE read_lines(struct reader *r, int fd, bool *stop, struct diag *d)
{
	char chunk[16384];
	ssize_t n;

	while (!*stop && (n = read(fd, chunk, sizeof chunk)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			FAIL(d, IO, "cannot read alerts: %s", strerror(errno));
		for (ssize_t i = 0; i < n && !*stop; i++) {
			if (chunk[i] == '\n')
				*stop = !end_line(r);
			else if (r->len < OUTPUT_LINE_MAX)
				r->buf[r->len++] = chunk[i];
			else
				r->too_long = true;
		}
	}
	return E_OK;
}

/* A last line without its end is one, unless it may still grow. */
static void finish(struct reader *r, bool *stop)
{
	if (!*stop && (r->len || r->too_long))
		*stop = !end_line(r);
}

static bool was_renamed(const char *path, const struct one *have)
{
	struct stat st;

	return !stat(path, &st) && (st.st_dev != have->dev || st.st_ino != have->ino);
}

static FALLIBLE follow(struct reader *r, const char *path, struct one *last, bool *stop, struct diag *d)
{
	while (!*stop) {
		bool renamed = was_renamed(path, last);
		struct stat st;
		struct one next;

		/* What was written before it got another name is read to its end first. */
		TRY(read_lines(r, last->fd, stop, d));
		if (!renamed) {
			*stop |= !r->f->idle(r->f->user);
			(void)usleep(POLL_MS * 1000);
			continue;
		}
		finish(r, stop);
		TRY(open_one(path, &next, &st, d));
		close(last->fd);
		*last = next;
	}
	return E_OK;
}

static bool have_it(const struct one *files, uint32_t n, const struct stat *st)
{
	for (uint32_t i = 0; i < n; i++)
		if (files[i].dev == st->st_dev && files[i].ino == st->st_ino)
			return true;
	return false;
}

/* Newest first. */
static FALLIBLE open_all(const struct alert_files *f, struct one *files, uint32_t *n, struct diag *d)
{
	char name[NAME_BYTES];
	struct stat st;
	struct one got;

	for (uint32_t i = 0; i < MAX_FILES; i++) {
		enum err err;

		if (i)
			(void)snprintf(name, sizeof name, "%s.%u", f->path, i);
		err = open_one(i ? name : f->path, &got, &st, d);
		if (err == E_NOT_FOUND && i)
			return E_OK;
		TRY(err);
		/* Whole files from before the time that is asked for; older ones are older still. */
		if (i && (uint64_t)st.st_mtim.tv_sec + 1 < f->since_ns / 1000000000) {
			close(got.fd);
			return E_OK;
		}
		if (have_it(files, *n, &st))
			close(got.fd);
		else
			files[(*n)++] = got;
	}
	return E_OK;
}

FALLIBLE alert_files_read(const struct alert_files *f, struct diag *d)
{
	AUTO_FREE char *buf = malloc(OUTPUT_LINE_MAX);
	struct reader r = { .f = f, .buf = buf };
	struct one files[MAX_FILES];
	uint32_t n = 0;
	bool stop = false;
	enum err err;

	if (!buf)
		return E_NOMEM;
	if (strlen(f->path) > CONFIG_MAX_PATH)
		FAIL(d, LIMIT, "the path of a file of alerts is longer than %d bytes", CONFIG_MAX_PATH);
	err = open_all(f, files, &n, d);
	for (uint32_t i = n; err == E_OK && i-- > 0 && !stop;) {
		err = read_lines(&r, files[i].fd, &stop, d);
		if (i || !f->follow)
			finish(&r, &stop);
	}
	if (err == E_OK && f->follow)
		err = follow(&r, f->path, &files[0], &stop, d);
	for (uint32_t i = 0; i < n; i++)
		close(files[i].fd);
	return err;
}
