/* SPDX-License-Identifier: Apache-2.0 */
/* What load, eval and format share of a content. */
#ifndef SALLYPORT_CONTENT_RUNTIME_INTERNAL_H
#define SALLYPORT_CONTENT_RUNTIME_INTERNAL_H

#include "content/image/image.h"
#include "content/runtime/runtime.h"

#define CONTENT_TIME_FIELD "evt.time"

/* A program that passed every wall. */
struct runtime_prog {
	struct vm_prog *vp;
	uint32_t rule;
};

/* The programs of one template type, in order of rule definition. */
struct runtime_bucket {
	struct runtime_prog *progs;
	uint32_t n;
	uint64_t used[2 * TEMPLATE_CAP / 64]; /* bit id: a program or output of this type uses the field */
};

struct content {
	struct arena arena; /* everything below but maps and prepared programs */
	const struct template_table *table;
	struct image_rules rules;
	struct content_rule *public_rules;
	struct runtime_bucket *buckets; /* one per type of the table */
	struct map **maps;
	uint32_t n_maps, n_progs;
	uint64_t types, fuel;
	bool all_matches, has_dynamic_maps;
	uint8_t digest[CONTENT_DIGEST_BYTES];
};

#endif
