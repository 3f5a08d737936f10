/* SPDX-License-Identifier: Apache-2.0 */
/* stats: what the programs counted, summed over processors. Diagnostics: K203, see ring.c. */
#include "sensor/ring/ring.h"

#include <sys/mman.h>

struct ring_stats {
	const struct wire_stats *cpus;
	uint32_t n;
};

FALLIBLE ring_stats_open(int fd, uint32_t n_cpus, struct ring_stats **out, struct diag *d)
{
	AUTO_FREE struct ring_stats *s = calloc(1, sizeof *s);
	void *p;

	if (!s)
		return E_NOMEM;
	if (!n_cpus || n_cpus > WIRE_MAX_CPUS)
		FAIL_ID(d, INVALID, 'K', 203, "statistics of %u processors: 1 to %d", n_cpus, WIRE_MAX_CPUS);
	p = mmap(NULL, n_cpus * sizeof *s->cpus, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		FAIL_ID(d, IO, 'K', 203, "cannot map the statistics: %m");
	s->cpus = p;
	s->n = n_cpus;
	*out = TAKE(s);
	return E_OK;
}

void ring_stats_close(struct ring_stats *s)
{
	if (!s)
		return;
	(void)munmap((void *)(uintptr_t)s->cpus, s->n * sizeof *s->cpus);
	free(s);
}

static uint64_t load(const wire_u64 *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

void ring_stats_read(const struct ring_stats *s, struct wire_stats *out)
{
	*out = (struct wire_stats){ 0 };
	for (uint32_t c = 0; c < s->n; c++) {
		const struct wire_stats *cpu = &s->cpus[c];

		for (int i = 0; i < WIRE_N_RINGS; i++) {
			out->produced[i] += load(&cpu->produced[i]);
			out->lost[i] += load(&cpu->lost[i]);
			out->lost_quota[i] += load(&cpu->lost_quota[i]);
		}
		for (int i = 0; i < WIRE_MAX_KINDS; i++) {
			out->produced_kind[i] += load(&cpu->produced_kind[i]);
			out->lost_kind[i] += load(&cpu->lost_kind[i]);
		}
		out->filtered += load(&cpu->filtered);
	}
}
