/* SPDX-License-Identifier: Apache-2.0 */
/* flight: reading what a worker left. */
#include "agent/worker_page.h"

static_assert(sizeof(struct flight) == 64, "docs/formats/control.md");
static_assert(offsetof(struct flight, event) == 8 && offsetof(struct flight, rule) == 16, "docs/formats/control.md");
static_assert(offsetof(struct flight, digest) == 24 && offsetof(struct flight, hash) == 40, "docs/formats/control.md");
static_assert(offsetof(struct flight, vector) == 48, "docs/formats/control.md");

enum { MAX_RULES = 1 << 20, MAX_TYPES = 64, MAX_VECTORS = 1 << 20 };

static bool below(uint32_t v, uint32_t end)
{
	return v < end || v == FLIGHT_NONE;
}

FALLIBLE flight_read(int fd, struct flight *out)
{
	struct flight f;
	ssize_t n = pread(fd, &f, sizeof f, 0);

	if (n < 0)
		return E_IO;
	if (n != sizeof f || f.magic != FLIGHT_MAGIC || f.phase >= FLIGHT_N_PHASES || !below(f.rule, MAX_RULES) ||
	    !below(f.type, MAX_TYPES) || !below(f.vector, MAX_VECTORS))
		return E_FORMAT;
	*out = f;
	return E_OK;
}
