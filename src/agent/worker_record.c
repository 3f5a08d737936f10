/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_record: everything that the worker consumes, to a file that the supervisor opened, before it is judged.
 *
 * Writing may wait for the disk, and the rings fill up meanwhile: what is lost then is counted as lost, as ever.
 */
#include "agent/worker.h"

#include <errno.h>

enum { FLUSH_MS = 1000 };

static void failed(struct worker *w)
{
	log_error("the capture cannot be written any more error=\"%s\"", strerror(errno));
	capture_write_free(TAKE(w->recorder));
	page_set(&w->page->recorded, PAGE_RECORD_FAILED);
}

FALLIBLE worker_record_open(struct worker *w)
{
	struct capture_info info = { .boot_to_wall_ns = w->start.boot_to_wall_ns,
				     .sensor = SALLYPORT_VERSION,
				     .users = w->passwd,
				     .users_len = w->passwd_len,
				     .groups = w->group,
				     .groups_len = w->group_len };

	if (!w->recording)
		return E_OK;
	memcpy(info.hostname, w->start.hostname, sizeof info.hostname);
	return capture_write_open(w->record_fd, &info, &w->recorder);
}

void worker_record(struct worker *w, struct view rec)
{
	if (!w->recorder)
		return;
	switch (capture_write(w->recorder, rec)) {
	case E_OK:
		page_add(&w->page->recorded, 1);
		return;
	case E_FORMAT: /* decode counts it as malformed */
		return;
	default:
		failed(w);
	}
}

void worker_record_flush(struct worker *w)
{
	uint64_t now;

	if (!w->recorder)
		return;
	now = worker_now_ms();
	if (now - w->recorded_ms < FLUSH_MS)
		return;
	w->recorded_ms = now;
	if (capture_write_flush(w->recorder) != E_OK)
		failed(w);
}

void worker_record_end(struct worker *w)
{
	if (!w->recorder)
		return;
	if (capture_write_end(w->recorder) != E_OK)
		failed(w);
	else
		capture_write_free(TAKE(w->recorder));
}
