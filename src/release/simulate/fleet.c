/* SPDX-License-Identifier: Apache-2.0 */
/* fleet: who is in which ring. Each host's bucket is worked out once, then they are sorted by it (radix, two passes).
 */
#include <stdlib.h>

#include "release/simulate/internal.h"

enum { RADIX_BITS = 16, RADIX = 1 << RADIX_BITS };

void fleet_agent_id(uint64_t host, uint8_t out[OBJECT_AGENT_ID_BYTES])
{
	memset(out, 0, OBJECT_AGENT_ID_BYTES);
	for (uint32_t i = 0; i < 8; i++)
		out[i] = (uint8_t)(host >> 8 * i);
}

static void sort_pass(const uint64_t *from, uint64_t *to, uint64_t n, uint32_t shift)
{
	static const uint64_t mask = RADIX - 1;
	uint64_t *at = calloc(RADIX + 1, sizeof *at);

	if (!at)
		abort();
	for (uint64_t i = 0; i < n; i++)
		at[(from[i] >> shift & mask) + 1]++;
	for (uint32_t i = 0; i < RADIX; i++)
		at[i + 1] += at[i];
	for (uint64_t i = 0; i < n; i++)
		to[at[from[i] >> shift & mask]++] = from[i];
	free(at);
}

/* At most a thousandth of a fleet, and at least one host. */
static uint64_t ring0_of(const struct simulate_opts *o)
{
	uint64_t n = o->hosts / 1000 ? o->hosts / 1000 : 1;

	return n < o->plan->ring0_hosts ? n : o->plan->ring0_hosts;
}

uint64_t fleet_limit(const struct fleet *f, uint32_t ring, uint32_t cutoff)
{
	uint64_t low = f->ring0, high = f->n;

	if (ring == 0)
		return f->ring0;
	if (cutoff == UINT32_MAX)
		return f->n;
	while (low < high) {
		uint64_t mid = low + (high - low) / 2;

		if ((uint32_t)(f->host[mid] >> 32) < cutoff)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

FALLIBLE fleet_init(struct fleet *f, const struct simulate_opts *o, struct diag *d)
{
	uint64_t *other = NULL;

	*f = (struct fleet){ .n = o->hosts, .ring0 = ring0_of(o) };
	for (uint32_t i = 0; i < 8; i++)
		f->release[i] = (uint8_t)(o->seed >> 8 * i);
	f->host = malloc(f->n * sizeof *f->host);
	other = malloc(f->n * sizeof *other);
	if (!f->host || !other) {
		free(other);
		FAIL(d, NOMEM, "no memory for %llu hosts", (unsigned long long)f->n);
	}
	for (uint64_t i = 0; i < f->n; i++) {
		uint8_t id[OBJECT_AGENT_ID_BYTES];

		fleet_agent_id(i, id);
		f->host[i] = (uint64_t)plan_bucket(f->release, id) << 32 | i;
	}
	sort_pass(f->host + f->ring0, other, f->n - f->ring0, 32);
	sort_pass(other, f->host + f->ring0, f->n - f->ring0, 48);
	free(other);
	for (uint32_t i = 0; i < PLAN_RINGS; i++)
		f->end[i] = fleet_limit(f, i, o->plan->ring[i].cutoff);
	return E_OK;
}

void fleet_done(struct fleet *f)
{
	free(f->host);
}
