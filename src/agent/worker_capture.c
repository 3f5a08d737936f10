/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_capture: a capture instead of rings, over and over: for hosts that do not grant bpf(2), and for tests of many
 * agents at once. Records come when they are due: as far apart as they were, or so many a second.
 *
 * Each round begins with empty tables, as the capture does, and its first record is now. The capture is hostile: what
 * is wrong with it ends the worker, which says so.
 */
#include "agent/worker.h"

#include <time.h>

enum { EXIT_HOST = 3 };

struct worker_capture {
	int fd;
	uint32_t per_s; /* 0: as recorded */
	struct capture *file;
	struct view rec; /* not handed out yet */
	bool handed_out; /* or it was: then the next one is looked at first */
	uint64_t first_ns, due_ns, begun_ns, n;
};

static uint64_t due(const struct worker_capture *c)
{
	struct wire_hdr h = { 0 };

	if (c->per_s)
		return c->begun_ns + c->n * 1000000000 / c->per_s;
	if (VIEW_READ(c->rec, 0, &h) != E_OK || h.time_ns < c->first_ns)
		return c->begun_ns;
	return c->begun_ns + (h.time_ns - c->first_ns);
}

/* From the beginning; with the first record at hand. */
static FALLIBLE rewind_capture(struct worker_capture *c, struct diag *d)
{
	struct wire_hdr h = { 0 };

	capture_close(TAKE(c->file));
	if (lseek(c->fd, 0, SEEK_SET))
		FAIL(d, IO, "the capture cannot be read twice");
	TRY(capture_open(c->fd, "the capture", &c->file, d));
	if (capture_next(c->file, &c->rec, d) != E_OK)
		FAIL(d, FORMAT, "the capture has no record");
	(void)!VIEW_READ(c->rec, 0, &h);
	c->first_ns = h.time_ns;
	c->begun_ns = worker_now_ns();
	c->n = 0;
	c->due_ns = c->begun_ns;
	return E_OK;
}

FALLIBLE worker_capture_open(struct worker *w, int fd, uint32_t per_s, struct diag *d)
{
	struct worker_capture *c = calloc(1, sizeof *c);

	if (!c)
		return E_NOMEM;
	w->capture = c;
	c->fd = fd;
	c->per_s = per_s;
	return rewind_capture(c, d);
}

void worker_capture_decode(const struct worker *w, struct decode_opts *o)
{
	const struct capture_info *info = capture_info(w->capture->file);
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	o->passwd = info->users;
	o->passwd_len = info->users_len;
	o->group = info->groups;
	o->group_len = info->groups_len;
	o->boot_to_wall_ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec - w->capture->first_ns;
}

static _Noreturn void fail(enum err err, const struct diag *d)
{
	log_error("the capture cannot be replayed: %s", d->text[0] ? d->text : err_text(err));
	_exit(EXIT_HOST);
}

/* The one that was handed out is done with: look at the next. */
static void advance(struct worker *w)
{
	struct worker_capture *c = w->capture;
	struct diag d;
	enum err err;

	diag_init(&d);
	err = capture_next(c->file, &c->rec, &d);
	c->n++;
	if (err == E_NOT_FOUND) {
		err = rewind_capture(c, &d);
		if (err == E_OK)
			err = worker_decode_new(w);
	}
	if (err != E_OK)
		fail(err, &d);
	c->due_ns = due(c);
}

bool worker_capture_next(struct worker *w, struct view *rec)
{
	struct worker_capture *c = w->capture;

	if (c->handed_out)
		advance(w);
	c->handed_out = worker_now_ns() >= c->due_ns;
	if (!c->handed_out)
		return false;
	page_add(&w->page->consumed[WIRE_RING_RESERVED], 1);
	*rec = c->rec;
	return true;
}

int worker_capture_wait_ms(const struct worker *w, int most)
{
	uint64_t now = worker_now_ns(), at = w->capture->due_ns;

	/* Not before it is due, or there would be a turn for nothing. */
	at = at > now ? (at - now) / 1000000 + 1 : 0;
	return at < (uint64_t)most ? (int)at : most;
}
