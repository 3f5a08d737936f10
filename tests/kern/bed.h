/* SPDX-License-Identifier: Apache-2.0 */
/* bed: the real programs on the running kernel, and what they told about one child process. */
#ifndef SALLYPORT_TESTS_KERN_BED_H
#define SALLYPORT_TESTS_KERN_BED_H

#include "kern/kern.h"
#include "sensor/bpf/bpf.h"
#include "sensor/ring/ring.h"
#include "test.h"

enum { BED_ALL = KERN_HOOK_ALL, BED_RECORDS = 512 };

struct bed {
	struct kern *k;
	struct ring *r;
	struct ring_stats *s;
	int pid; /* of the last child */
	int status;
	uint32_t n; /* its records, and those that name it as a child */
	struct view records[BED_RECORDS];
};

/* Skips the test, with the reason, where the kernel does not grant it. */
void bed_require(void);
struct view bed_object(void);
void bed_open(struct bed *b, uint32_t hooks);
void bed_open_sized(struct bed *b, uint32_t hooks, uint32_t reserved_bytes, uint32_t bulk_bytes);
void bed_close(struct bed *b);
/* Run fn in a child, wait for its end, and collect its records until the one of its exit. */
void bed_run(struct bed *b, void (*fn)(void *arg), void *arg);
/* Record number nth (from 0) of this kind, not smaller than bytes; fails the test when there is none. */
const void *bed_find(const struct bed *b, uint16_t kind, uint32_t nth, size_t bytes);
uint32_t bed_count(const struct bed *b, uint16_t kind);
/* A segment as text: the fixed part's size, the segments before it, itself. Paths are joined. In a static buffer. */
const char *bed_path(const void *record, size_t at, struct wire_seg seg);
const char *bed_text(const void *record, size_t at, struct wire_seg seg);
/* In a child: end with 100 + line unless the condition holds. */
#define MUST(cond)                             \
	do {                                   \
		if (!(cond))                   \
			_exit(__LINE__ % 250); \
	} while (0)

#endif
