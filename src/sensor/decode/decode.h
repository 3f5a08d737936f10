/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode: a record's bytes to events with everything that loaded rules need joined to them.
 *
 * Keeps the process table and the ipc graph current from every record, and makes events only of types that are
 * wanted, with only the fields that are used. The same path for live records, the start-up scan and replay.
 * Records come from our own kernel programs, and are checked all the same: a malformed one is an error, never a read.
 *
 * Reading the values:
 *   fd.name, proc.exepath...  a path too long to be sent whole begins with ".../" instead of "/"; a memory file is
 *                             "memfd:NAME" without a slash; " (deleted)" is never appended
 *   fd.name of a socket       client:port->server:port, no brackets around IPv6; an abstract unix name begins with @
 *   IPv4 mapped into IPv6     is shown as IPv4, in every field: rules on addresses cannot be dodged that way
 *   fd.typechar of an open    f also for devices: d, p and m (a memory file) are the exceptions
 *   paths that were asked for joined to their directory by their letters: symbolic links in them are not followed
 *   fd.sip, fd.is_server      this end serves when it listens or came from accept, and only then
 *   proc.name                 follows renames by the main thread, not those of other threads
 *
 * The last events of a process may come after its exit record: it is kept for DECODE_LINGER_NS more.
 * Not thread-safe.
 */
#ifndef SALLYPORT_SENSOR_DECODE_H
#define SALLYPORT_SENSOR_DECODE_H

#include "base/base.h"
#include "content/event/event.h"
#include "sensor/names/names.h"
#include "sensor/proc/proc.h"
#include "sensor/wire/wire.h"

#define DECODE_LINGER_NS 1000000000ull /* on the records' clock */

struct decode;

struct decode_opts {
	const struct template_table *table; /* template_builtin, or one that extends it */
	const char *passwd;                 /* text of /etc/passwd; copied; NULL: no names */
	size_t passwd_len;
	const char *group; /* the same of /etc/group */
	size_t group_len;
	const char *hostname;      /* copied; NULL: not known */
	const struct names *names; /* borrowed, may change between records; NULL: no address has a name */
	uint64_t boot_to_wall_ns;  /* wall clock minus CLOCK_BOOTTIME */
	/* May be NULL: then every type and field is made. */
	bool (*wants)(void *user, uint32_t type_index, uint32_t field_id);
	void *wants_user;
	uint64_t types; /* template types to make events of */
	/*
	 * Fields are made when emit, or whom it asks, needs them (event_need); else all that are wanted are made
	 * before. Judging makes few: content_eval.
	 */
	bool late;
	/* Called for each event; e is valid during the call. */
	void (*emit)(void *user, struct event *e);
	void *emit_user;
};

/* E_INVALID: the table is not template_builtin or an extension of it. E_NOMEM. */
FALLIBLE decode_new(const struct decode_opts *o, struct decode **out);
void decode_free(struct decode *d);
/* Content changed: new types and fields from now on; the tables are kept. */
void decode_set_wants(struct decode *d, uint64_t types, bool (*wants)(void *, uint32_t, uint32_t), void *user);

/*
 * The bytes of /proc/PID/cmdline of a process that a task record told of: those records have no arguments. E_NOT_FOUND:
 * no such process, or it has no image. E_EXISTS: the arguments are known, from its exec. E_NOMEM.
 */
FALLIBLE decode_set_cmdline(struct decode *d, uint32_t pid, const char *bytes, size_t len);

/* One record. E_TRUNCATED, E_FORMAT: it is malformed, nothing was changed. Emits 0..n events. */
FALLIBLE decode_record(struct decode *d, struct view rec);

struct decode_stats {
	uint64_t records, malformed, events;
	uint64_t procs, procs_refused, ipc_cut;
};
void decode_stats(const struct decode *d, struct decode_stats *out);
struct proc_table *decode_procs(struct decode *d);
/* A field is in use that only a runtime's files can tell: see container_next_question. */
bool decode_wants_containers(const struct decode *d);

#endif
