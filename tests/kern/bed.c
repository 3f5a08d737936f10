/* SPDX-License-Identifier: Apache-2.0 */
#include "bed.h"

#include <errno.h>
#include <sys/wait.h>
#include <time.h>

enum { WAIT_MS = 3000 };

void bed_require(void)
{
	static struct kern_report report;

	if (!report.n)
		kern_probe(&report);
	for (uint32_t i = 0; i < report.n; i++) {
		const struct kern_probe *p = &report.probes[i];

		if (p->required && p->grade != KERN_YES)
			SKIP("this host does not grant %s: %s", p->what, p->detail);
	}
}

struct view bed_object(void)
{
	return view_of(sensor_bpf_object, (size_t)(sensor_bpf_object_end - sensor_bpf_object));
}

void bed_open_sized(struct bed *b, uint32_t hooks, uint32_t reserved_bytes, uint32_t bulk_bytes)
{
	struct kern_opts o = { .object = bed_object(), .reserved_bytes = reserved_bytes, .bulk_bytes = bulk_bytes };
	struct diag d;
	enum err e;

	bed_require();
	diag_init(&d);
	*b = (struct bed){ 0 };
	e = kern_open(&o, &b->k, &d);
	if (e != E_OK)
		print_error("%s\n", d.text);
	CHECK_OK(e);
	CHECK_OK(ring_open((int[]){ kern_ring_fd(b->k, 0), kern_ring_fd(b->k, 1) },
			   (uint32_t[]){ kern_ring_bytes(b->k, 0), kern_ring_bytes(b->k, 1) }, 2, &b->r, &d));
	CHECK_OK(ring_stats_open(kern_stats_fd(b->k), kern_n_cpus(b->k), &b->s, &d));
	e = kern_attach(b->k, hooks, &d);
	if (e != E_OK)
		print_error("%s\n", d.text);
	CHECK_OK(e);
}

void bed_open(struct bed *b, uint32_t hooks)
{
	bed_open_sized(b, hooks, 2 << 20, 8 << 20);
}

static void forget(struct bed *b)
{
	for (uint32_t i = 0; i < b->n; i++)
		free((void *)(uintptr_t)b->records[i].p);
	b->n = 0;
}

void bed_close(struct bed *b)
{
	forget(b);
	ring_stats_close(b->s);
	ring_close(b->r);
	kern_close(b->k);
}

static uint32_t about(struct view v, const struct wire_hdr *h)
{
	struct wire_fork f;

	if (h->kind == WIRE_FORK && VIEW_READ(v, 0, &f) == E_OK)
		return f.child_pid;
	return h->pid;
}

/* Take what is there; true once the child's exit was among it. */
static bool collect(struct bed *b)
{
	bool ended = false;
	struct wire_hdr h;
	struct view v;

	while (ring_next(b->r, &v)) {
		CHECK_OK(VIEW_READ(v, 0, &h));
		if (about(v, &h) != (uint32_t)b->pid && h.pid != (uint32_t)b->pid)
			continue;
		ended |= h.kind == WIRE_EXIT;
		if (b->n < BED_RECORDS) {
			void *copy = malloc(v.len);

			CHECK(copy);
			memcpy(copy, v.p, v.len);
			b->records[b->n++] = view_of(copy, v.len);
		}
	}
	return ended;
}

void bed_run(struct bed *b, void (*fn)(void *arg), void *arg)
{
	int waited_ms = 0, status;

	forget(b);
	while (collect(b))
		;
	b->pid = fork();
	CHECK(b->pid >= 0);
	if (!b->pid) {
		fn(arg);
		_exit(0);
	}
	while (waitpid(b->pid, &status, 0) < 0)
		CHECK_EQ(errno, EINTR);
	b->status = status;
	while (!collect(b)) {
		CHECK(waited_ms++ < WAIT_MS);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
}

const void *bed_find(const struct bed *b, uint16_t kind, uint32_t nth, size_t bytes)
{
	for (uint32_t i = 0; i < b->n; i++) {
		const struct wire_hdr *h = (const void *)b->records[i].p;

		if (h->kind != kind || nth--)
			continue;
		CHECK(b->records[i].len >= bytes);
		CHECK_EQ(h->bytes, b->records[i].len);
		return h;
	}
	print_error("no record of kind %u\n", kind);
	CHECK(false);
	return NULL;
}

uint32_t bed_count(const struct bed *b, uint16_t kind)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->n; i++)
		n += ((const struct wire_hdr *)(const void *)b->records[i].p)->kind == kind;
	return n;
}

const char *bed_text(const void *record, size_t at, struct wire_seg seg)
{
	static char text[WIRE_RECORD_MAX + 1];
	struct wire_hdr h;

	memcpy(&h, record, sizeof h);
	CHECK(at + seg.len <= h.bytes);
	memcpy(text, (const char *)record + at, seg.len);
	text[seg.len] = 0;
	return text;
}

const char *bed_path(const void *record, size_t at, struct wire_seg seg)
{
	static char path[WIRE_RECORD_MAX + 2];
	const char *p = bed_text(record, at, seg);
	size_t end = sizeof path - 1, len;

	path[end] = 0;
	for (size_t off = 0; off < seg.len; off += len + 1) {
		len = strlen(p + off);
		CHECK(off + len < seg.len);
		end -= len;
		memcpy(path + end, p + off, len);
		path[--end] = '/';
	}
	if (!seg.len)
		path[--end] = '/';
	return path + end;
}
