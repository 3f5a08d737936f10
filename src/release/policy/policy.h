/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy: what the owner of a host allows: a file that can slow a release or narrow it, never hurry or widen it.
 *
 * YAML; docs/policy.md. Reading is pure: the files of time zones come from the caller. Deciding is pure.
 */
#ifndef SALLYPORT_RELEASE_POLICY_H
#define SALLYPORT_RELEASE_POLICY_H

#include "release/object/object.h"

enum {
	POLICY_MAX_WINDOWS = 32,
	POLICY_MAX_FREEZES = 32,
	POLICY_MAX_ZONES = 8,
	POLICY_MAX_BYTES = 65536,
	POLICY_MAX_LAG = 2
};

struct policy_zone; /* rules of a time zone (RFC 8536) */

struct policy_window {
	uint8_t days;              /* on which it begins; bit 0: Monday */
	uint16_t from_min, to_min; /* of the day, in the zone; to (1440 too) is not in it; before from: over midnight */
	uint32_t zone;
};
struct policy_freeze {
	int32_t from_day, to_day; /* since 1970-01-01, in the zone; both whole, however long a clock makes them */
	uint32_t zone;
};

struct policy {
	char channel[OBJECT_NAME_BYTES]; /* "stable" */
	bool ring0;                      /* this host volunteers for ring 0: nothing else lets a host go first */
	uint32_t first_ring;             /* not before this ring; 0: its own; PLAN_LAST for "last" */
	uint32_t lag;                    /* releases to stay behind: 0, 1, 2 */
	bool pinned, paused;
	uint8_t pin[OBJECT_DIGEST_BYTES];
	uint64_t hold_s, urgent_hold_s;                  /* after the host's own ring opened */
	struct policy_window window[POLICY_MAX_WINDOWS]; /* none: always */
	uint32_t n_windows;
	struct policy_freeze freeze[POLICY_MAX_FREEZES];
	uint32_t n_freezes;
	bool require_evidence;
	bool critical;                            /* the host: last ring, and no ring 0 */
	uint64_t max_stale_s;                     /* older knowledge is alarming; 0: never. Detection goes on */
	uint32_t max_cpu_percent, max_memory_mib; /* 0: the sensor's own; the lower counts */
	char stratum[OBJECT_NAME_BYTES];
	struct policy_zone *zone[POLICY_MAX_ZONES];
	uint32_t n_zones;
};

/* What a missing file means. */
void policy_init(struct policy *p);
/*
 * zone_bytes: gives the file of a zone (RFC 8536) by its name ("Europe/Berlin"), or an empty view; the name has no
 * ".", does not begin with "/", and the bytes are read before it is called again. Zones are kept in the arena, which
 * must outlive *out. E_REJECTED with ds (Y1xx), E_NOMEM. On failure *out is what pauses everything: who wrote a policy
 * did not mean "none", and neither did who left an empty file.
 */
typedef struct view policy_zone_fn(void *user, const char *name);
FALLIBLE policy_read(const char *file, struct view text, policy_zone_fn *zone_bytes, void *user, struct arena *a,
		     struct diags *ds, struct policy *out);
/* The system's zones, for policy_read(): user is a struct policy_zone_files. Reads files: the one part that does. */
struct policy_zone_files {
	const char *dir; /* NULL: /usr/share/zoneinfo */
	char *bytes;     /* of the last one */
};
struct view policy_zone_file(void *user, const char *name);
void policy_zone_files_done(struct policy_zone_files *f);

struct policy_diag_row {
	uint16_t id; /* 101 -> "Y101" */
	const char *title;
};
extern const struct policy_diag_row policy_diags[];
extern const size_t policy_n_diags;

/* Inside a window and outside of every freeze? */
bool policy_open_at(const struct policy *p, int64_t now_s);
/* The first such moment at or after now_s, within 400 days; INT64_MAX: none. */
int64_t policy_next_open(const struct policy *p, int64_t now_s);

/* The clock on the wall in one of the policy's zones, as seconds since 1970-01-01 00:00 there; the zone's name. */
int64_t policy_local_s(const struct policy *p, uint32_t zone, int64_t t);
const char *policy_zone_name(const struct policy *p, uint32_t zone);
/* "3 h 10 min": two units at most. */
void policy_put_span(struct buf *out, uint64_t s);

#endif
