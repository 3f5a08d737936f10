/* SPDX-License-Identifier: Apache-2.0 */
/* super_sinks: rotation, and the supervisor's own lines. */
#include "agent/supervisor.h"

#include <errno.h>
#include <poll.h>

enum { NOTE_WAIT_MS = 50 };

FALLIBLE super_sink_rotate(struct super_sink *s, uint64_t now_ms)
{
	uint64_t have;
	int fd;

	/* A worker that asks all the time must not keep us busy, nor push the whole past out of the kept files. */
	if (!s->path || (s->rotated_ms && now_ms - s->rotated_ms < 1000))
		return E_LIMIT;
	s->rotated_ms = now_ms;
	TRY(output_file_rotate(s->path, s->keep, &fd, &have));
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
