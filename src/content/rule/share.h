/* SPDX-License-Identifier: Apache-2.0 */
/*
 * share: what the programs of one template type have in common.
 *
 * A comparison of text, of an address or of a list's elements becomes a numbered predicate of the type: programs ask
 * for it by its number (helper `holds`), so that it is answered once per event however many rules ask it. Of each
 * program guards are kept: sets of predicates of which one must hold if the program is to match. The runtime starts no
 * program of which a guard says no. docs/formats/content.md section 7. Not a door.
 */
#ifndef SALLYPORT_CONTENT_RULE_SHARE_H
#define SALLYPORT_CONTENT_RULE_SHARE_H

#include "content/image/image.h"
#include "content/rule/internal.h"

struct rule_share {
	struct arena *a, *scratch;  /* scratch: of the program at hand */
	struct rule_pool *operands; /* of all types; an image_pred's operand.p is an offset into them */
	struct htab by_content;
	struct image_pred *preds;
	uint32_t n;
	size_t cap;
	uint32_t record; /* first of the type in the schema */
	enum err err;    /* sticks */
};

FALLIBLE rule_share_init(struct rule_share *s, struct arena *a, struct rule_pool *operands, uint32_t record);
void rule_share_done(struct rule_share *s);
/* The number of the predicate that is this comparison; -1: it is for the program itself. */
int32_t rule_share_check(struct rule_share *s, const struct rule_fold *f);
/* The guards of a program that is f: none when scratch has no room for finding them. E_NOMEM, E_LIMIT. */
FALLIBLE rule_share_guards(struct rule_share *s, const struct rule_fold *f, struct arena *scratch,
			   struct image_plan *out);

#endif
