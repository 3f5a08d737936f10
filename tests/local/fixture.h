/* SPDX-License-Identifier: Apache-2.0 */
/* fixture: events of the local machine in one line each, and a file system in memory whose power can be cut. */
#ifndef SALLYPORT_TESTS_LOCAL_FIXTURE_H
#define SALLYPORT_TESTS_LOCAL_FIXTURE_H

#include "release/local/local.h"
#include "test.h"

enum { BULK = 1, MORE = 2, ESSENTIAL = 4, ALL_HOOKS = BULK | MORE | ESSENTIAL };

/* The digest of the content "content N": what content_bytes(n) gives. */
const uint8_t *dig(unsigned n);
struct view content_bytes(unsigned n);

/* An input with this event; what else is set is named at the call. */
struct local_input event(enum local_event e);
struct local_input event_of(enum local_event e, enum local_lane lane, unsigned n);
struct local_input offer(enum local_lane lane, unsigned n, uint64_t seq);
struct local_input start(unsigned boot);
struct local_input attach(uint32_t hooks);
struct local_input elapsed(uint64_t s);
struct local_input death(enum local_worker w, enum local_lane lane, unsigned n);

/* local_on() that must succeed. */
struct local_output on(struct local_state *s, struct local_input in);
enum err on_err(struct local_state *s, struct local_input in);
/* Offered, tested, shadowed: on probation. And through it. */
void to_probation(struct local_state *s, enum local_lane lane, unsigned n, uint64_t seq);
void to_good(struct local_state *s, enum local_lane lane, unsigned n, uint64_t seq);
void pass_s(struct local_state *s, uint64_t seconds);
/* The number of the content that is armed; 0: none of the lane's. */
unsigned armed(const struct local_state *s, enum local_lane lane);
unsigned number_of(const uint8_t *digest); /* 0 for no digest */

/* ---- memfs.c ---- */

/*
 * Files in memory, as a disk that may be cut off sees them. What was written and not synced may reach the disk in any
 * part: of each write any sector of MEMFS_SECTOR bytes, of names any operation.
 */
enum { MEMFS_SECTOR = 4096, MEMFS_MAX_FILES = 24, MEMFS_MAX_FDS = 32, MEMFS_MAX_PENDING = 64 };

struct memfs;
struct memfs *memfs_new(void);
void memfs_free(struct memfs *m);
const struct local_fs *memfs_ops(struct memfs *m);
/* Calls from now on; the n-th (from 1) fails with this errno, and for ever after if it stays. 0: none. */
void memfs_fail(struct memfs *m, unsigned nth, int error, bool stays);
/* The n-th write, sync or change of names from now on and all after it do nothing and fail: the power is gone. */
void memfs_cut(struct memfs *m, unsigned nth);
/* So many of them since memfs_fail() or memfs_cut(). */
unsigned memfs_calls(const struct memfs *m);
unsigned memfs_changes(const struct memfs *m);
/* Everything open is gone, the lock too: as after a kill. */
void memfs_kill(struct memfs *m);
/* The power comes back. What was pending: bit i of choice says whether the i-th reached the disk. Returns how many. */
unsigned memfs_pending(const struct memfs *m);
void memfs_power(struct memfs *m, uint64_t choice);
struct memfs *memfs_copy(const struct memfs *m);
/* The bytes of a file as the running system sees them, or NULL. */
uint8_t *memfs_file(struct memfs *m, const char *name, size_t *len);

#endif
