/* SPDX-License-Identifier: Apache-2.0 */
/* internal: what judging and explaining share. */
#ifndef SALLYPORT_RELEASE_ENDPOINT_INTERNAL_H
#define SALLYPORT_RELEASE_ENDPOINT_INTERNAL_H

#include "release/endpoint/endpoint.h"

struct endpoint_measure {
	uint32_t bucket, own;         /* ring */
	uint64_t dwell_s;             /* needed */
	uint64_t hold_s, hold_from_s; /* of the lane; dwell from which it runs, UINT64_MAX: its ring is not open */
};

void endpoint_measure(const struct plan *plan, const struct policy *p, const struct endpoint_host *h,
		      const struct endpoint_known *k, struct endpoint_measure *out);
bool endpoint_ring_is_open(const struct endpoint_known *k, const struct endpoint_measure *m);
/* Not before its time, not after. */
bool endpoint_is_valid(const struct endpoint_known *k, int64_t now_s);
/* 0: over. UINT64_MAX: its ring is not open. */
uint64_t endpoint_hold_wait_s(const struct endpoint_known *k, const struct endpoint_measure *m);

#endif
