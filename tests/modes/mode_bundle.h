/* SPDX-License-Identifier: Apache-2.0 */
/* mode_bundle: a bundle as `bundle build` makes it, from rules, with their vectors. */
#ifndef SALLYPORT_TESTS_MODE_BUNDLE_H
#define SALLYPORT_TESTS_MODE_BUNDLE_H

#include "../bundle/bundle_make.h"
#include "../vector/vector_test.h"

/* Two rules; in mode_other another condition, and as many. */
extern const char mode_rules[], mode_other[];

/* engine_min 0: this build's level. The caller calls buf_done. */
void mode_bundle(const char *rules, uint32_t engine_min, uint32_t engine_max, struct buf *out);

/* What `bundle check` finds: read, load, vectors. */
enum err mode_check(struct view bytes, const struct bundle_host *h, struct diag *d);

#endif
