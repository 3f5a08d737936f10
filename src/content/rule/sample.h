/* SPDX-License-Identifier: Apache-2.0 */
/* sample: what sample.c and sample_expr.c share. */
#ifndef SALLYPORT_CONTENT_RULE_SAMPLE_H
#define SALLYPORT_CONTENT_RULE_SAMPLE_H

#include "content/rule/internal.h"

/* A text that no rule speaks of, and one beside it. */
#define SAMPLE_NEUTRAL "q7x"
#define SAMPLE_OTHER "q7y"
#define SAMPLE_ADDRESS "192.0.2.7" /* RFC 5737 */

struct sampler {
	struct arena *a;
	const struct rule_part *part;
	const struct rule_check *k;
	const struct template_field *rows[RULE_SAMPLE_FIELDS]; /* of the part's fields, in this type */
	struct rule_sample *out;
	uint32_t n;
	size_t cap;
	enum err err; /* sticks */
};

/* Give the sample out, unless it is empty. */
void sample_put(struct sampler *s, const struct rule_sample *one);
/* One more value for a field; false when it cannot have it. The text is kept. */
bool sample_add(struct sampler *s, struct rule_sample *one, struct rule_sample_value v);
/* Text to which the comparison's operator is applied: it and, with `edges`, what misses it by little. */
void sample_text(struct sampler *s, const char *p, uint32_t len, enum rule_sample_place place, bool edges);
/* All values of the comparison, as texts or as numbers. */
void sample_values(struct sampler *s);
void sample_numbers(struct sampler *s, uint8_t type, void (*put)(struct sampler *s, uint64_t v));
/* n times the same letter; NULL when that is too long. */
const char *sample_fill(struct sampler *s, uint64_t n);
/* A list of n elements as `tests:` have it; the same. */
const char *sample_elements(struct sampler *s, uint64_t n);

/* For comparisons with `left`. */
void sample_expr(struct sampler *s);
/* Values of the fields below e with which it is this text; false when none are known. */
bool sample_invert(struct sampler *s, const struct rule_expr *e, struct rule_sample_value want,
		   struct rule_sample *one);

#endif
