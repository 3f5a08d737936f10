/* SPDX-License-Identifier: Apache-2.0 */
/* internal: the parts of policy among themselves. */
#ifndef SALLYPORT_RELEASE_POLICY_INTERNAL_H
#define SALLYPORT_RELEASE_POLICY_INTERNAL_H

#include "release/policy/policy.h"
#include "release/policy/zone.h"

/* zone_rule.c */
bool zone_read_rule(const char *text, struct zone_rule *out);
int32_t zone_rule_east(const struct zone_rule *r, int64_t t);
int64_t zone_rule_next(const struct zone_rule *r, int64_t t);

#endif
