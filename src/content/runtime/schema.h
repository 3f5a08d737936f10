/* SPDX-License-Identifier: Apache-2.0 */
/* schema: the first wall. Not a door. */
#ifndef SALLYPORT_CONTENT_RUNTIME_SCHEMA_H
#define SALLYPORT_CONTENT_RUNTIME_SCHEMA_H

#include "content/runtime/internal.h"

/* Digests of this sensor's prefixes, computed when first asked for. Row 0 is the common section, row 1 + i is type i.
 */
struct schema {
	const struct template_table *table;
	struct arena *a;
	struct schema_digest *row[1 + TEMPLATE_MAX_TYPES];
};

/*
 * Are the fields that the program counts, in both sections, this sensor's?
 * E_SCHEMA with S001 (fewer here) or S002 (others here): the text names rule, field and counts, two notes in `notes`
 * have counts and digests. E_NOMEM.
 */
FALLIBLE schema_check(struct schema *s, const struct image_prog *p, const char *rule, uint32_t type_index,
		      struct arena *notes, struct diag *d);

#endif
