/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout: what the two readers of a ring share. Not a door.
 *
 * Layout (kernel/bpf/ringbuf.c: struct bpf_ringbuf, v5.8 to v6.18): a page with the consumer position, a page with the
 * producer position, then the data, mapped twice in a row so that a record never wraps. A record is an 8-byte header,
 * whose first four bytes are its length with a busy and a discard bit, then its bytes, padded to 8. Positions only
 * grow; modulo the size they are offsets.
 */
#ifndef SALLYPORT_SENSOR_RING_LAYOUT_H
#define SALLYPORT_SENSOR_RING_LAYOUT_H

#include "base/base.h"
#include "sensor/wire/wire.h"

enum { HEADER_BYTES = 8, ALIGN_BYTES = 8, RING_MAX_BYTES = 1 << 28 };

#define BUSY_BIT (1u << 31)
#define DISCARD_BIT (1u << 30)

/* The oldest record of a ring that is ready. */
struct head {
	const uint8_t *p;
	uint32_t len; /* of its bytes; 0: there is none */
	uint64_t time_ns;
};

static inline bool ring_size_ok(uint32_t bytes, size_t page)
{
	return bytes >= page && bytes <= RING_MAX_BYTES && !(bytes & (bytes - 1));
}

static inline uint64_t padded(uint32_t len)
{
	return ((uint64_t)len + HEADER_BYTES + ALIGN_BYTES - 1) & ~(uint64_t)(ALIGN_BYTES - 1);
}

/* Is it a record? What is copied later is judged again by decode. */
static inline bool head_fits(uint32_t len, const struct wire_hdr *h)
{
	return len >= sizeof *h && len <= WIRE_RECORD_MAX && h->bytes == len;
}

/* Index of the oldest; n: there is none. */
static inline uint32_t oldest_head(const struct head *heads, uint32_t n)
{
	uint32_t best = n;

	for (uint32_t i = 0; i < n; i++)
		if (heads[i].len && (best == n || heads[i].time_ns < heads[best].time_ns))
			best = i;
	return best;
}

#endif
