/* SPDX-License-Identifier: Apache-2.0 */
/* sinks: opening what alerts are written to, so that it never blocks; rotation; the supervisor's own lines. */
#include "agent/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>

enum { STDOUT_SINK, FILE_SINK, NOTE_WAIT_MS = 50 };

/*
 * Our standard output as a description of its own that does not block: setting O_NONBLOCK on the one that we were given
 * would set it for everyone who has it. A socket cannot be opened again; a regular file never blocks.
 */
static FALLIBLE open_stdout(int *out, struct diag *d)
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

static FALLIBLE open_file(const char *path, int *out, uint64_t *have, struct diag *d)
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

static uint32_t stdout_format(const struct agent_opts *o)
{
	if (o->config->stdout_format == CONFIG_JSON)
		return OUTPUT_JSON;
	return o->colour && o->config->stdout_format == CONFIG_AUTO ? OUTPUT_COLOR : OUTPUT_TEXT;
}

FALLIBLE super_sinks_open(const struct agent_opts *o, struct super_sinks *out, struct diag *d)
{
	const struct config *c = o->config;

	*out = (struct super_sinks){ .sink = { { .fd = -1 }, { .fd = -1 } } };
	if (gethostname(out->hostname, sizeof out->hostname - 1))
		out->hostname[0] = 0;
	if (c->stdout_enabled) {
		TRY(open_stdout(&out->sink[STDOUT_SINK].fd, d));
		out->sink[STDOUT_SINK].format = stdout_format(o);
	}
	if (c->file_path) {
		struct super_sink *s = &out->sink[FILE_SINK];

		*s = (struct super_sink){ .fd = -1,
					  .format = c->file_format == CONFIG_TEXT ? OUTPUT_TEXT : OUTPUT_JSON,
					  .path = c->file_path,
					  .max_bytes = (uint64_t)c->file_max_mib << 20,
					  .keep = c->file_keep };
		TRY(open_file(s->path, &s->fd, &s->have_bytes, d));
	}
	for (uint32_t i = 0; i < CONTROL_MAX_OUTPUTS; i++)
		if (out->sink[i].fd >= 0)
			TRY(output_new(out->sink[i].fd, (enum output_format)out->sink[i].format, out->hostname,
				       &out->sink[i].out));
	return E_OK;
}

void super_sinks_close(struct super_sinks *s)
{
	for (uint32_t i = 0; i < CONTROL_MAX_OUTPUTS; i++) {
		output_free(s->sink[i].out);
		if (s->sink[i].fd >= 0)
			close(s->sink[i].fd);
		s->sink[i] = (struct super_sink){ .fd = -1 };
	}
}

/* alerts.json.2 -> alerts.json.3 and so on; the oldest is replaced. */
static FALLIBLE shift(const struct super_sink *s)
{
	char from[PATH_MAX], to[PATH_MAX];

	for (uint32_t i = s->keep; i > 0; i--) {
		(void)snprintf(to, sizeof to, "%s.%u", s->path, i);
		if (i > 1)
			(void)snprintf(from, sizeof from, "%s.%u", s->path, i - 1);
		else
			(void)snprintf(from, sizeof from, "%s", s->path);
		if (rename(from, to) && errno != ENOENT)
			return E_IO;
	}
	return E_OK;
}

FALLIBLE super_sink_rotate(struct super_sink *s, uint64_t now_ms)
{
	uint64_t have;
	int fd;

	/* A worker that asks all the time must not keep us busy, nor push the whole past out of the kept files. */
	if (!s->path || (s->rotated_ms && now_ms - s->rotated_ms < 1000))
		return E_LIMIT;
	s->rotated_ms = now_ms;
	TRY(shift(s));
	TRY(open_file(s->path, &fd, &have, NULL));
	output_set_fd(s->out, fd);
	close(s->fd);
	s->fd = fd;
	s->have_bytes = have;
	return E_OK;
}

void super_sinks_note(struct super_sinks *s, const struct output_note *n, uint64_t mid_line)
{
	for (uint32_t i = 0; i < CONTROL_MAX_OUTPUTS; i++) {
		struct super_sink *k = &s->sink[i];
		struct pollfd p = { .fd = k->fd, .events = POLLOUT };

		if (!k->out)
			continue;
		if (mid_line >> i & 1)
			(void)output_line(k->out, "", 0);
		(void)output_note(k->out, n);
		/* A note is shorter than PIPE_BUF: a pipe takes all of it or nothing, so whoever writes next begins a
		 * line. */
		if (poll(&p, 1, NOTE_WAIT_MS) > 0 && output_flush(k->out) != E_OK)
			log_warning("a note could not be written to an output index=%u error=\"%s\"", i,
				    strerror(errno));
	}
}
