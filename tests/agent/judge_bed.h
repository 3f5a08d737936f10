/* SPDX-License-Identifier: Apache-2.0 */
/* judge_bed: the judging part of a worker in this process: rules from text, events by hand, alerts to a memory file. */
#ifndef SALLYPORT_TESTS_JUDGE_BED_H
#define SALLYPORT_TESTS_JUDGE_BED_H

#include "test.h"

#include <sys/mman.h>

#include "agent/worker.h"

struct bed {
	struct worker w;
	struct event e;
	struct arena a;
	int fd; /* alerts */
};

/* Rules whose condition is on a file's name, which they have in common. */
#define BED_RULE(name, path, priority)                                                                  \
	"- rule: " name "\n  desc: d\n  condition: evt.type in (open, openat) and fd.name = " path "\n" \
	"  output: " name " of %fd.name by %proc.name\n  priority: " priority "\n"

static inline struct content_set *bed_load(struct bed *b, const char *text)
{
	struct worker_file f = { .name = "rules.yaml", .text = (char *)(uintptr_t)text, .len = strlen(text) };
	struct content_set *set = NULL;

	CHECK_EQ(worker_load(&b->w, &f, 1, &set), 0);
	return set;
}

static inline struct bed *bed_new(const char *text, uint32_t flags)
{
	struct bed *b = calloc(1, sizeof *b);

	CHECK(b);
	b->w.page = calloc(1, sizeof *b->w.page);
	CHECK(b->w.page);
	b->w.sock = -1;
	b->w.start.flags = flags;
	arena_init(&b->a, 16 << 20);
	event_init(&b->e, &template_builtin);
	CHECK_OK(worker_judge_init(&b->w));
	b->w.set = bed_load(b, text);
	worker_publish_names(&b->w);
	b->fd = memfd_create("alerts", MFD_CLOEXEC);
	CHECK(b->fd >= 0);
	CHECK_OK(output_new(b->fd, OUTPUT_JSON, "h", &b->w.sinks[0].out));
	return b;
}

static inline void bed_free(struct bed *b)
{
	output_free(b->w.sinks[0].out);
	vm_free(b->w.eval.vm);
	content_set_free(b->w.set);
	arena_done(&b->a);
	free(b->w.page);
	close(b->fd);
	free(b);
}

static inline void bed_set(struct bed *b, const char *field, const char *text)
{
	uint32_t id;
	struct diag d;

	diag_init(&d);
	CHECK(template_field_find(&template_builtin, b->e.type, field, strlen(field), &id));
	CHECK_OK(event_set_text(&b->e, id, text, strlen(text), &b->a, &d));
}

static inline void bed_begin(struct bed *b, const char *path)
{
	event_begin(&b->e, TEMPLATE_TYPE_file_open);
	bed_set(b, "evt.type", "openat");
	bed_set(b, "fd.name", path);
}

/* An open of the path, and no more. */
static inline void bed_open(struct bed *b, const char *path)
{
	bed_begin(b, path);
	worker_on_event(&b->w, &b->e);
}

/* What was written so far; NUL-terminated, to be freed. */
static inline char *bed_text(struct bed *b)
{
	off_t n;
	char *p;

	worker_sinks_flush(&b->w);
	n = lseek(b->fd, 0, SEEK_END);
	p = calloc(1, (size_t)n + 1);
	CHECK(p);
	CHECK_EQ(pread(b->fd, p, (size_t)n, 0), n);
	return p;
}

static inline uint32_t bed_count(struct bed *b, const char *what)
{
	char *text = bed_text(b), *at = text;
	uint32_t n = 0;

	for (; (at = strstr(at, what)); at++)
		n++;
	free(text);
	return n;
}

#endif
