/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema: is the prefix of fields that content was compiled against this sensor's? Field 21 of 20 ends here, before any
 * instruction is looked at; verifier and VM do not depend on it.
 */
#include "content/runtime/schema.h"

struct schema_digest {
	bool known;
	uint8_t bytes[TEMPLATE_DIGEST_BYTES];
};

enum { HEX_BYTES = 2 * TEMPLATE_DIGEST_BYTES + 1 };

static const char *hex(const uint8_t digest[TEMPLATE_DIGEST_BYTES], char out[HEX_BYTES])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < TEMPLATE_DIGEST_BYTES; i++) {
		out[2 * i] = digits[digest[i] >> 4];
		out[2 * i + 1] = digits[digest[i] & 15];
	}
	out[HEX_BYTES - 1] = 0;
	return out;
}

/* One section of one program, and what the sensor has in its place. */
struct question {
	const char *rule, *name; /* of the section */
	const struct image_prefix *want;
	const struct template_section *have;
	uint32_t row;
};

/* The digest of the sensor's first n fields, n <= have->n; NULL without memory. */
static const uint8_t *digest_of(struct schema *s, const struct question *q, uint32_t n)
{
	struct schema_digest *row = s->row[q->row];

	if (!row)
		row = s->row[q->row] = ARENA_ARRAY(s->a, struct schema_digest, TEMPLATE_CAP + 1);
	if (!row)
		return NULL;
	if (!row[n].known)
		template_digest(q->name, q->have, n, row[n].bytes);
	row[n].known = true;
	return row[n].bytes;
}

static void add_notes(const struct question *q, uint32_t have, const uint8_t *digest, struct arena *notes,
		      struct diag *d)
{
	char text[HEX_BYTES];

	diag_note(d, notes, "the content counts %u fields of %s, digest %s", q->want->n, q->name,
		  hex(q->want->digest, text));
	diag_note(d, notes, "this sensor has %u in their place, digest %s", have, hex(digest, text));
	diag_hint(d,
		  "compile the rules for this sensor, or bring the sensor to the release that they were compiled for");
}

static FALLIBLE check_section(struct schema *s, const struct question *q, struct arena *notes, struct diag *d)
{
	uint32_t n = q->want->n < q->have->n ? q->want->n : q->have->n;
	const uint8_t *digest = digest_of(s, q, n);

	if (!digest)
		return E_NOMEM;
	if (!GUARD(1, q->want->n <= q->have->n)) {
		add_notes(q, n, digest, notes, d);
		FAIL_ID(d, SCHEMA, 'S', 1, "rule '%.80s' needs '%.64s', field %u of %s; this sensor has %u", q->rule,
			q->want->last, q->want->n, q->name, q->have->n);
	}
	if (GUARD(1, !memcmp(digest, q->want->digest, TEMPLATE_DIGEST_BYTES)))
		return E_OK;
	add_notes(q, n, digest, notes, d);
	FAIL_ID(d, SCHEMA, 'S', 2,
		"rule '%.80s' was compiled against %u fields of %s up to '%.64s'; this sensor's first %u are others",
		q->rule, q->want->n, q->name, q->want->last, n);
}

FALLIBLE schema_check(struct schema *s, const struct image_prog *p, const char *rule, uint32_t type_index,
		      struct arena *notes, struct diag *d)
{
	const struct template_type *t = &s->table->types[type_index];
	struct question common = { rule, "common", &p->common, &s->table->common, 0 };
	struct question own = { rule, t->name, &p->own, &t->own, 1 + type_index };

	TRY(check_section(s, &common, notes, d));
	return check_section(s, &own, notes, d);
}
