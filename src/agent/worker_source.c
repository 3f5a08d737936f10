/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_source: where records come from: the rings; the rings beside another worker, which consumes them (a shadow);
 * or a capture.
 */
#include "agent/worker.h"

#include <errno.h>
#include <sys/epoll.h>

bool worker_is(const struct worker *w, enum control_start_flags flag)
{
	return w->start.flags & (uint32_t)flag;
}

/* A descriptor that cannot be waited for is looked at every now and then. */
static FALLIBLE watch(struct worker *w, int fd, uint32_t events, uint64_t tag)
{
	struct epoll_event ev = { .events = events, .data.u64 = tag };

	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &ev) && errno != EPERM ? E_IO : E_OK;
}

FALLIBLE worker_source_open(struct worker *w, uint64_t tag, struct diag *d)
{
	bool shadow = worker_is(w, CONTROL_SHADOW);

	if (w->capture)
		return E_OK;
	if (shadow)
		TRY(ring_follow_open(w->ring_fds, w->start.ring_bytes, WIRE_N_RINGS, &w->follow, d));
	else
		TRY(ring_open(w->ring_fds, w->start.ring_bytes, WIRE_N_RINGS, &w->ring, d));
	/* A ring is readable while its consumer has something to read: for a shadow only what is new counts. */
	for (uint32_t i = 0; i < WIRE_N_RINGS; i++)
		TRY(watch(w, w->ring_fds[i], shadow ? EPOLLIN | EPOLLET : EPOLLIN, tag));
	return E_OK;
}

static bool next_followed(struct worker *w, struct view *rec)
{
	struct ring_follow_stats s;
	bool is = ring_follow_next(w->follow, rec);

	ring_follow_stats(w->follow, &s);
	for (uint32_t r = 0; r < WIRE_N_RINGS; r++)
		page_set(&w->page->consumed[r], w->consumed_before[r] + s.consumed[r]);
	page_set(&w->page->skips, s.skips);
	page_set(&w->page->skipped_bytes, s.skipped_bytes);
	return is;
}

bool worker_source_next(struct worker *w, struct view *rec)
{
	if (w->capture)
		return worker_capture_next(w, rec);
	if (w->follow)
		return next_followed(w, rec);
	if (!ring_next(w->ring, rec))
		return false;
	for (uint32_t r = 0; r < WIRE_N_RINGS; r++)
		page_set(&w->page->consumed[r], w->consumed_before[r] + ring_consumed(w->ring, r));
	return true;
}

int worker_source_wait_ms(const struct worker *w, int most)
{
	return w->capture ? worker_capture_wait_ms(w, most) : most;
}

bool worker_source_drained(const struct worker *w)
{
	struct wire_stats st;
	uint64_t sent = 0, consumed = 0;

	if (!w->ring)
		return true;
	ring_stats_read(w->stats, &st);
	for (uint32_t i = 0; i < WIRE_N_RINGS; i++) {
		sent += st.produced[i] - st.lost[i];
		consumed += page_get(&w->page->consumed[i]);
	}
	return consumed >= sent;
}
