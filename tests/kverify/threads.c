/* SPDX-License-Identifier: Apache-2.0 */
/*
 * threads: the same programs, judged by several threads at once, each with its own arena: the verdicts of one alone.
 * Built by tsan.py.
 */
#include <pthread.h>

#include "calls.h"
#include "engine/asm/asm.h"
#include "mem_rows.h"

enum { THREADS = 4, PROGRAMS = 256, ROOM = 16 << 20 };

struct judged {
	struct prog prog;
	struct kverify_opts opts;
	enum err err;
	uint32_t id;
	uint64_t steps;
};

static struct judged judged[PROGRAMS];
static uint32_t n_judged;

static void judge(const struct judged *j, struct judged *out)
{
	struct kverify_stats stats;
	struct arena walk, notes;
	struct diag d;

	arena_init(&walk, ROOM);
	arena_init(&notes, ROOM);
	diag_init(&d);
	out->err = kverify_diagnose(&j->prog, &j->opts, &walk, &notes, &stats, &d);
	out->id = d.id;
	out->steps = stats.steps;
	arena_done(&walk);
	arena_done(&notes);
}

static void add_rows(const struct call_row *rows, size_t n, struct arena *a)
{
	for (size_t i = 0; i < n && n_judged < PROGRAMS; i++) {
		struct judged *j = &judged[n_judged];

		if (rows[i].types ||
		    asm_text(view_of(rows[i].text, strlen(rows[i].text)), "row", a, &j->prog, NULL) != E_OK)
			continue;
		j->opts = (struct kverify_opts){ .kernel = &kernel_profiles[n_judged % kernel_n_profiles],
						 .target = { .prog_type = rows[i].type, .attach_type = rows[i].attach },
						 .gpl = true };
		judge(j, j);
		n_judged++;
	}
}

/* How many came out otherwise. Each thread begins elsewhere. */
static void *judge_all(void *arg)
{
	uintptr_t first = (uintptr_t)arg, wrong = 0;
	struct judged again;

	for (uint32_t i = 0; i < n_judged; i++) {
		const struct judged *j = &judged[(i + first) % n_judged];

		judge(j, &again);
		wrong += again.err != j->err || again.id != j->id || again.steps != j->steps;
	}
	return (void *)wrong;
}

int main(void)
{
	pthread_t threads[THREADS];
	uintptr_t wrong = 0;
	struct arena a;

	arena_init(&a, ROOM);
	add_rows(call_rows, n_call_rows, &a);
	add_rows(mem_rows, n_mem_rows, &a);
	/* Half of them judge the same program at the same time. */
	for (uintptr_t t = 0; t < THREADS; t++)
		if (pthread_create(&threads[t], NULL, judge_all, (void *)(t / 2 * 7)))
			abort();
	for (int t = 0; t < THREADS; t++) {
		void *one;

		(void)pthread_join(threads[t], &one);
		wrong += (uintptr_t)one;
	}
	(void)printf("%u programs, %d threads: %lu verdicts differ\n", n_judged, THREADS, (unsigned long)wrong);
	arena_done(&a);
	return wrong || n_judged < PROGRAMS / 4;
}
