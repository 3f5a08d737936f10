/* SPDX-License-Identifier: Apache-2.0 */
/* make: what make.c and show.c share. */
#ifndef SALLYPORT_CONTENT_VECTOR_MAKE_H
#define SALLYPORT_CONTENT_VECTOR_MAKE_H

#include "content/vector/internal.h"

struct maker {
	const struct rule_set *rs;
	const struct content *c;
	struct arena *a;
	struct diags *ds;
	struct diag d; /* of what fails on the way */
	struct vector_judge judge;
	struct htab texts;
	struct vector *v;
	struct vector_claim *claims;
	uint32_t n, n_claims;
	size_t cap, claims_cap;
	uint32_t rule; /* in the content */
	const struct rule *r;
	uint32_t first; /* vector of the rule */
	bool broken;    /* W104 was said */
};

/* Why a comparison has no vectors. */
enum lack { LACK_NONE, LACK_TRUE, LACK_FALSE, LACK_CONTEXT, LACK_TURN };

/* A diagnostic W... about the rule at hand. hint may be NULL. */
void vector_say(struct maker *m, enum diag_severity severity, uint16_t id, struct diag_pos pos, const char *text,
		const char *hint);
/* Count vectors for the claim of the rule at hand, which is made when it is not there. */
FALLIBLE vector_add_claim(struct maker *m, const char *type, const char *subject, uint32_t fires, uint32_t silent);
/* Keep a vector of the rule at hand unless it is there; *ret_good: the content agrees with it. fields is copied. */
FALLIBLE vector_put(struct maker *m, struct vector v, const struct vector_field *fields, bool *ret_good);
/* Everything about one type of event. lacks: enum lack by rule of the parts' set, the best of all types. */
FALLIBLE vector_show_type(struct maker *m, const struct vector_problem *problem, uint8_t *lacks);

#endif
