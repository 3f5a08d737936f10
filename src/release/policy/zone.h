/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone: the rules of one time zone, from the bytes of its TZif file (RFC 8536, versions 1 to 4). Bytes are hostile:
 * every read is bounded, and what is not well-formed is refused. Pure.
 */
#ifndef SALLYPORT_RELEASE_POLICY_ZONE_H
#define SALLYPORT_RELEASE_POLICY_ZONE_H

#include "base/base.h"

enum { ZONE_MAX_BYTES = 65536, ZONE_MAX_TIMES = 4096, ZONE_NAME_BYTES = 64 };

/* When a rule of the footer changes the clock: RFC 8536 section 3.3, POSIX.1 TZ. */
struct zone_change {
	enum { ZONE_MONTH, ZONE_JULIAN, ZONE_DAY } kind; /* Mm.w.d; Jn: 29 February is not counted; n: it is */
	int month, week, day;                            /* day: of the week, or of the year */
	int32_t time_s;                                  /* of the local day; also negative or beyond it */
};
struct zone_rule {
	bool is, has_dst;
	int32_t std_s, dst_s;          /* east of UTC */
	struct zone_change start, end; /* to dst, in standard time; from it, in dst */
};

struct policy_zone {
	char name[ZONE_NAME_BYTES];
	uint32_t n;
	const int64_t *at;     /* Unix seconds, rising */
	const int32_t *east;   /* from at[i] on, seconds east of UTC */
	int32_t before;        /* before the first */
	struct zone_rule rule; /* from the last on */
};

/* E_TRUNCATED, E_FORMAT, E_UNSUPPORTED (leap seconds), E_LIMIT with d, without id; E_NOMEM. */
FALLIBLE zone_read(const char *name, struct view v, struct arena *a, struct policy_zone **out, struct diag *d);
/* Seconds east of UTC at this moment. Any moment; beyond the year 292,000,000 the last offset. O(log n). */
int32_t zone_east(const struct policy_zone *z, int64_t t);
/* The first moment after t at which the offset may change; INT64_MAX: none. */
int64_t zone_next(const struct policy_zone *z, int64_t t);

/* Days since 1970-01-01 in the proleptic Gregorian calendar; month 1 to 12, day from 1. */
int64_t zone_days(int64_t year, int month, int day);
int64_t zone_year(int64_t days);
static inline int64_t zone_floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

#endif
