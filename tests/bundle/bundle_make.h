/* SPDX-License-Identifier: Apache-2.0 */
/* bundle_make: small bundles, and bundles that lie but whose digests are right. */
#ifndef SALLYPORT_TESTS_BUNDLE_MAKE_H
#define SALLYPORT_TESTS_BUNDLE_MAKE_H

#include "../runtime/content_make.h"
#include "content/bundle/bundle.h"
#include "engine/abi/abi.h"

/* Two rules on two event types, compiled by hand, with all parts of a bundle. */
struct bundle_make {
	struct make m;
	struct buf elf;
	struct bundle_source sources[2];
	struct bundle_parts parts;
};
void bundle_make_init(struct bundle_make *b);
void bundle_make_done(struct bundle_make *b);

/* The sections by themselves, to be changed. */
struct bundle_split {
	struct buf part[BUNDLE_N_SECTIONS];
};
void bundle_split_init(struct bundle_split *s, const struct buf *file);
void bundle_split_done(struct bundle_split *s);
/* A file of them, all digests right. */
void bundle_split_join(struct bundle_split *s, struct buf *out);

/* Read from a copy that ends where its bytes end, then check; *d as it is left. */
enum err bundle_try(const struct buf *file, const struct bundle_host *h, struct diag *d);

#endif
