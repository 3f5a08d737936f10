/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring: consuming BPF ring buffers from a process that may not call bpf(2).
 *
 * Maps descriptors by hand (kernel/bpf/ringbuf.c: consumer page, producer page, data twice), merges several rings by
 * record time, and commits a record's position before it hands the record out: whatever happens to the consumer then,
 * no record is seen twice.
 */
#ifndef SALLYPORT_SENSOR_RING_H
#define SALLYPORT_SENSOR_RING_H

#include "base/base.h"
#include "sensor/wire/wire.h"

struct ring;

/* fds: WIRE_N_RINGS ring maps of data bytes sizes[i]. Borrowed: they must stay open. E_IO, E_NOMEM with d. */
FALLIBLE ring_open(const int *fds, const uint32_t *sizes, uint32_t n, struct ring **out, struct diag *d);
void ring_close(struct ring *r);

/*
 * The next record, oldest first over all rings, copied out and committed. Valid until the next call.
 * False: nothing is there. A record that is malformed (length out of bounds, no whole header) is skipped and counted.
 */
bool ring_next(struct ring *r, struct view *out);
uint64_t ring_consumed(const struct ring *r, uint32_t ring);
uint64_t ring_malformed(const struct ring *r);

/*
 * A second reader of the same rings, which takes nothing away: it maps all of a ring for reading only and keeps a
 * position of its own, from that of the consumer on. What it hands out was produced, whole, and in the order of
 * ring_next. Nobody waits for it: when the producer has gone over what it was to read next, it goes on where the
 * consumer is, and counts that. The kernel maps a ring only through a descriptor that could write, too (a mapping of
 * one that cannot is not shared to bpf_map_mmap): who must not be able to move the consumer forbids itself such
 * mappings.
 */
struct ring_follow;
FALLIBLE ring_follow_open(const int *fds, const uint32_t *sizes, uint32_t n, struct ring_follow **out, struct diag *d);
void ring_follow_close(struct ring_follow *f);
/* As ring_next. */
bool ring_follow_next(struct ring_follow *f, struct view *out);

struct ring_follow_stats {
	uint64_t consumed[WIRE_N_RINGS];
	uint64_t skips, skipped_bytes; /* how often it was overtaken, and what it did not see then, headers included */
	uint64_t malformed;
};
void ring_follow_stats(const struct ring_follow *f, struct ring_follow_stats *out);

/* Sum of all CPUs' statistics from the mapped array. */
struct ring_stats;
FALLIBLE ring_stats_open(int fd, uint32_t n_cpus, struct ring_stats **out, struct diag *d);
void ring_stats_close(struct ring_stats *s);
void ring_stats_read(const struct ring_stats *s, struct wire_stats *out);

#endif
