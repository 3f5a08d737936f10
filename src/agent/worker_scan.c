/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_scan: the processes that ran before the sensor did.
 *
 * The kernel's task iterator gives everything but arguments (they lie in the other process's memory): those come from
 * /proc/PID/cmdline, which anyone may read. The worker's root directory is /proc.
 */
#include "agent/worker.h"

#include <errno.h>
#include <fcntl.h>

enum { STREAM_BYTES = 2 * WIRE_RECORD_MAX };

struct scan {
	struct worker *w;
	int fd;
	bool cmdlines; /* files can be opened still */
	uint8_t stream[STREAM_BYTES];
	uint8_t record[WIRE_RECORD_MAX + WIRE_ARGS_BYTES + 1];
	size_t have;
	uint32_t n_records;
};

/* At most max bytes of the arguments; the last one always ends in NUL. 0: kernel thread, gone, or not ours to read. */
static size_t read_cmdline(uint32_t pid, uint8_t *out, size_t max)
{
	char path[32];
	AUTO_FD int fd = -1;
	ssize_t n;

	(void)snprintf(path, sizeof path, "/%u/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return 0;
	n = read(fd, out, max - 1);
	if (n <= 0)
		return 0;
	if (out[n - 1])
		out[n++] = 0;
	return (size_t)n;
}

/* Put the arguments where an exec record has them. The record as it is, when it has some or is not whole. */
static struct view with_cmdline(struct scan *s, struct view rec)
{
	struct wire_exec x;
	uint64_t before;
	struct view head, tail;
	size_t n;

	if (VIEW_READ(rec, 0, &x) != E_OK || x.hdr.kind != WIRE_TASK || x.args.len)
		return rec;
	before = sizeof x + (uint64_t)x.exe.len + x.cwd.len + x.filename.len + x.interp.len;
	if (!view_sub(rec, 0, before, &head) || !view_sub(rec, before, rec.len - before, &tail))
		return rec;
	if (!s->cmdlines || rec.len + WIRE_ARGS_BYTES > sizeof s->record)
		return rec;
	memcpy(s->record, head.p, head.len);
	n = read_cmdline(x.hdr.pid, s->record + before, WIRE_ARGS_BYTES);
	if (!n)
		return rec;
	memcpy(s->record + before + n, tail.p, tail.len);
	x.args.len = (uint16_t)n;
	x.args.flags = n == WIRE_ARGS_BYTES ? WIRE_SEG_CUT : 0;
	x.hdr.bytes += (uint32_t)n;
	memcpy(s->record, &x, sizeof x);
	return view_of(s->record, rec.len + n);
}

/* Whole records at the front of the stream. False: what comes is not a sequence of records. */
static bool take_records(struct scan *s)
{
	size_t at = 0;

	while (s->have - at >= sizeof(struct wire_hdr)) {
		struct wire_hdr h;
		struct view rec;

		memcpy(&h, s->stream + at, sizeof h);
		if (h.bytes < sizeof h || h.bytes > WIRE_RECORD_MAX)
			return false;
		if (h.bytes > s->have - at)
			break;
		rec = with_cmdline(s, view_of(s->stream + at, h.bytes));
		worker_record(s->w, rec);
		if (decode_record(s->w->decode, rec) == E_OK)
			s->n_records++;
		at += h.bytes;
	}
	memmove(s->stream, s->stream + at, s->have - at);
	s->have -= at;
	return true;
}

/* The next piece. False: that was all, or all that can be had. */
static bool step(struct scan *s)
{
	ssize_t n = read(s->fd, s->stream + s->have, sizeof s->stream - s->have);

	/* The iterator answers EAGAIN when it went over many tasks and had nothing to say
	 * (kernel/bpf/bpf_iter.c:bpf_seq_read). */
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n < 0)
		log_warning("the task iterator ended early, processes are missing found=%u error=\"%s\"", s->n_records,
			    strerror(errno));
	if (n <= 0)
		return false;
	s->have += (size_t)n;
	if (take_records(s))
		return true;
	log_warning("the task iterator's stream is malformed, processes are missing found=%u", s->n_records);
	return false;
}

static struct scan *scan_new(struct worker *w, int iter_fd, bool cmdlines)
{
	struct scan *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->w = w;
	s->fd = iter_fd;
	s->cmdlines = cmdlines;
	return s;
}

uint32_t worker_scan(struct worker *w, int iter_fd)
{
	struct scan *s = scan_new(w, iter_fd, true);
	uint32_t n_records;

	if (!s)
		return 0;
	while (step(s))
		worker_beat(w);
	n_records = s->n_records;
	free(s);
	return n_records;
}

void worker_rescan_begin(struct worker *w, int iter_fd)
{
	if (!w->rescan)
		w->rescan = scan_new(w, iter_fd, false);
	if (!w->rescan || w->rescan->fd != iter_fd) {
		close(iter_fd);
		return;
	}
	proc_scan_begin(decode_procs(w->decode));
}

void worker_rescan_step(struct worker *w)
{
	if (!step(w->rescan))
		worker_rescan_end(w);
}

void worker_rescan_end(struct worker *w)
{
	uint32_t gone;

	if (!w->rescan)
		return;
	gone = proc_scan_end(decode_procs(w->decode));
	log_info("processes were looked at again after loss found=%u ended_unseen=%u", w->rescan->n_records, gone);
	close(w->rescan->fd);
	free(TAKE(w->rescan));
}
