/* SPDX-License-Identifier: Apache-2.0 */
/* internal: what the files of bundle share. Not a door. */
#ifndef SALLYPORT_CONTENT_BUNDLE_INTERNAL_H
#define SALLYPORT_CONTENT_BUNDLE_INTERNAL_H

#include "content/bundle/bundle.h"
#include "engine/abi/abi.h"

/* What content really has. */
struct bundle_measure {
	uint32_t n_rules, n_programs;
	uint64_t instructions, predicates, filter_names; /* as the limits count them */
	struct bundle_type types[TEMPLATE_MAX_TYPES];    /* ascending by name */
	uint32_t n_types;
};
/* Out of the ELF file's own sections; names live in the arena. Diagnostics of those sections (E..., S...), B054, B055.
 */
FALLIBLE bundle_measure(struct view content, struct arena *a, struct bundle_measure *out, struct diag *d);

/* [A-Za-z0-9._+-]{1,BUNDLE_MAX_NAME}, the first a letter or digit. */
bool bundle_name_ok(const char *name);
bool bundle_source_name_ok(const char *name, size_t len);

/* Offsets in *d count from the section's beginning; bundle_read adds where that is. */
FALLIBLE bundle_read_manifest(struct view bytes, struct arena *a, struct bundle_manifest *out, struct diag *d);
FALLIBLE bundle_read_sources(struct view bytes, struct arena *a, struct bundle *out, uint32_t *n, struct diag *d);
void bundle_write_manifest(const struct bundle_manifest *m, struct buf *out);
FALLIBLE bundle_write_sources(const struct bundle_parts *in, struct buf *out, struct diag *d);

static inline void bundle_at(struct diag *d, uint64_t off)
{
	if (d)
		d->offset = off;
}

#endif
