/* SPDX-License-Identifier: Apache-2.0 */
/* zone_files: the time zones of the machine that tests run on. */
#ifndef SALLYPORT_TESTS_ZONE_FILES_H
#define SALLYPORT_TESTS_ZONE_FILES_H

#include "release/policy/policy.h"

/* As policy_zone_fn; user: a directory, or NULL for the system's. Empty when there is none. */
struct view zone_file(void *user, const char *name);
/* glibc's offset at this moment in the zone that TZ is set to. */
long zone_libc_east(int64_t t);
void zone_libc_set(const char *name);

#endif
