/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode: a record's bytes to events with everything that loaded rules need joined to them.
 *
 * Keeps the process table and the ipc graph current from every record, and makes events only of types that are
 * wanted, with only the fields that are used. The same path for live records, the start-up scan and replay.
 * Records come from our own kernel programs, and are checked all the same: a malformed one is an error, never a read.
 */
#ifndef SALLYPORT_SENSOR_DECODE_H
#define SALLYPORT_SENSOR_DECODE_H

#include "base/base.h"
#include "content/event/event.h"
#include "sensor/proc/proc.h"
#include "sensor/wire/wire.h"

struct decode;

struct decode_opts {
	const struct template_table *table; /* template_builtin, or one that extends it */
	const char *passwd;   /* text of /etc/passwd; copied; NULL: no names */
	size_t passwd_len;
	uint64_t boot_to_wall_ns; /* wall clock minus CLOCK_BOOTTIME */
	/* May be NULL: then every type and field is made. */
	bool (*wants)(void *user, uint32_t type_index, uint32_t field_id);
	void *wants_user;
	uint64_t types; /* template types to make events of */
	/* Called for each event; e is valid during the call. */
	void (*emit)(void *user, struct event *e);
	void *emit_user;
};

FALLIBLE decode_new(const struct decode_opts *o, struct decode **out);
void decode_free(struct decode *d);
/* Content changed: new types and fields from now on; the tables are kept. */
void decode_set_wants(struct decode *d, uint64_t types, bool (*wants)(void *, uint32_t, uint32_t), void *user);

/* One record. E_TRUNCATED, E_FORMAT: it is malformed, nothing was changed. Emits 0..n events. */
FALLIBLE decode_record(struct decode *d, struct view rec);

struct decode_stats {
	uint64_t records, malformed, events;
	uint64_t procs, procs_refused, ipc_cut;
};
void decode_stats(const struct decode *d, struct decode_stats *out);
struct proc_table *decode_procs(struct decode *d);

#endif
