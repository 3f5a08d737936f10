/* SPDX-License-Identifier: Apache-2.0 */
/* output: the queue of one sink, written as far as the sink takes it. */
#include "sensor/output/queue.h"

#include <errno.h>

#define STATUS_ERASE "\r\033[K"
#define NO_WRAP "\033[?7l"
#define WRAP "\033[?7h"

FALLIBLE output_new(int fd, enum output_format format, const char *hostname, struct output **out)
{
	struct output *o = calloc(1, sizeof *o);

	if (!o)
		return E_NOMEM;
	o->queue = malloc(OUTPUT_QUEUE_BYTES);
	if (!o->queue) {
		free(o);
		return E_NOMEM;
	}
	o->fd = fd;
	o->format = format;
	(void)snprintf(o->hostname, sizeof o->hostname, "%s", hostname);
	buf_init(&o->line, OUTPUT_LINE_MAX);
	buf_init(&o->message, OUTPUT_LINE_MAX);
	*out = o;
	return E_OK;
}

void output_free(struct output *o)
{
	if (!o)
		return;
	buf_done(&o->line);
	buf_done(&o->message);
	free(o->queue);
	free(o);
}

bool output_line(struct output *o, const char *line, size_t len)
{
	if (len >= OUTPUT_LINE_MAX || len + 1 > OUTPUT_QUEUE_BYTES - o->len) {
		o->dropped++;
		return false;
	}
	if (o->head + o->len + len + 1 > OUTPUT_QUEUE_BYTES) {
		memmove(o->queue, o->queue + o->head, o->len);
		o->head = 0;
	}
	memcpy(o->queue + o->head + o->len, line, len);
	o->len += len;
	o->queue[o->head + o->len++] = '\n';
	o->waiting++;
	return true;
}

bool output_queue_built(struct output *o)
{
	if (o->line.full || o->message.full) {
		o->dropped++;
		return false;
	}
	return output_line(o, o->line.p, o->line.len);
}

void output_status(struct output *o, const char *text)
{
	if (o->format != OUTPUT_COLOR || !strcmp(o->status, text))
		return;
	(void)snprintf(o->status, sizeof o->status, "%s", text);
	o->status_stale = true;
}

/* write(2) over EINTR. 0: the sink is full for now; -1: gone, errno set. */
static ssize_t write_some(int fd, const void *p, size_t len)
{
	ssize_t n;

	do
		n = write(fd, p, len);
	while (n < 0 && errno == EINTR);
	return n < 0 && errno == EAGAIN ? 0 : n;
}

static void account(struct output *o, size_t n)
{
	for (const char *p = o->queue + o->head, *end = p + n; (p = memchr(p, '\n', (size_t)(end - p))); p++) {
		o->sent++;
		o->waiting--;
	}
	o->mid_line = o->queue[o->head + n - 1] != '\n';
	o->written += n;
	o->head += n;
	o->len -= n;
	if (!o->len)
		o->head = 0;
}

/* The status line goes before other lines are written; a terminal that takes only part of this shows a blemish, no
 * more. */
static FALLIBLE erase_status(struct output *o)
{
	ssize_t n;

	if (!o->status_shown)
		return E_OK;
	n = write_some(o->fd, STATUS_ERASE, sizeof STATUS_ERASE - 1);
	if (n < 0)
		return E_IO;
	if (n > 0) {
		o->status_shown = false;
		o->status_stale = o->status[0] != 0;
	}
	return E_OK;
}

static FALLIBLE draw_status(struct output *o)
{
	char text[OUTPUT_STATUS_MAX + 32];
	int len = snprintf(text, sizeof text, STATUS_ERASE NO_WRAP "%s" WRAP, o->status);
	ssize_t n = write_some(o->fd, text, (size_t)len);

	if (n < 0)
		return E_IO;
	if (n > 0) {
		o->status_stale = false;
		o->status_shown = o->status[0] != 0;
	}
	return E_OK;
}

FALLIBLE output_flush(struct output *o)
{
	if (o->len)
		TRY(erase_status(o));
	while (o->len && !o->status_shown) {
		ssize_t n = write_some(o->fd, o->queue + o->head, o->len);

		if (n < 0)
			return E_IO;
		if (n == 0)
			return E_OK;
		account(o, (size_t)n);
	}
	return o->status_stale && !o->len ? draw_status(o) : E_OK;
}

size_t output_pending(const struct output *o)
{
	return o->len;
}

uint64_t output_waiting(const struct output *o)
{
	return o->waiting;
}

int output_fd(const struct output *o)
{
	return o->fd;
}

bool output_mid_line(const struct output *o)
{
	return o->mid_line;
}

void output_set_fd(struct output *o, int fd)
{
	if (o->mid_line && o->len) {
		const char *nl = memchr(o->queue + o->head, '\n', o->len);
		size_t rest = (size_t)(nl - (o->queue + o->head)) + 1;

		o->head += rest;
		o->len -= rest;
		o->waiting--;
		o->dropped++;
	}
	o->mid_line = false;
	o->fd = fd;
	o->written = 0;
}

uint64_t output_written_bytes(const struct output *o)
{
	return o->written;
}

uint64_t output_sent(const struct output *o)
{
	return o->sent;
}

uint64_t output_dropped(const struct output *o)
{
	return o->dropped;
}
