/* SPDX-License-Identifier: Apache-2.0 */
/* worker_usage: CPU time and memory of this process, for reports. */
#include "agent/worker.h"

#include <fcntl.h>
#include <time.h>

enum { PAGE_BYTES = 4096 };

void worker_usage_open(struct worker *w)
{
	w->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	w->cpu_ns_before = page_get(&w->page->cpu_ns);
}

/* "size resident ...", in pages (proc(5)). */
static uint64_t resident_bytes(int fd)
{
	char text[64];
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	char *end;

	if (n <= 0)
		return 0;
	text[n] = 0;
	(void)strtoull(text, &end, 10);
	return strtoull(end, NULL, 10) * PAGE_BYTES;
}

void worker_usage(struct worker *w)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	page_set(&w->page->cpu_ns, w->cpu_ns_before + (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec);
	if (w->statm >= 0)
		page_set(&w->page->memory_bytes, resident_bytes(w->statm));
}
