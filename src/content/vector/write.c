/* SPDX-License-Identifier: Apache-2.0 */
/* write: a set of vectors as bytes. Each string stands once. */
#include "content/vector/format.h"

#include <stdlib.h>

struct text {
	struct hnode node;
	uint32_t off, len;
};

struct writer {
	struct buf *out;
	struct buf strings;
	struct htab seen;
	struct arena a;
	struct diag *d;
	enum err err;
};

static void put32(struct writer *w, uint32_t v)
{
	uint8_t b[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) };

	buf_put(w->out, b, sizeof b);
}

/* Offset of the bytes in the string area, where a NUL follows them. */
static uint32_t string(struct writer *w, const char *p, uint32_t len)
{
	uint64_t hash = hash_bytes(p, len, 0);
	struct text *t;

	for (struct hnode *n = htab_first(&w->seen, hash); n; n = htab_next(n)) {
		t = CONTAINER_OF(n, struct text, node);
		if (t->len == len && !memcmp(w->strings.p + t->off, p, len))
			return t->off;
	}
	t = ARENA_NEW(&w->a, struct text);
	if (!t) {
		w->err = E_NOMEM;
		return 0;
	}
	*t = (struct text){ .off = (uint32_t)w->strings.len, .len = len };
	htab_add(&w->seen, &t->node, hash);
	buf_put(&w->strings, p, len);
	buf_putc(&w->strings, 0);
	return t->off;
}

static uint32_t name(struct writer *w, const char *s)
{
	return string(w, s, (uint32_t)strlen(s));
}

/* What a reader would refuse is not written. */
static FALLIBLE check(const struct vector_set *set, uint64_t *n_fields, struct diag *d)
{
	if (set->n > VECTOR_MAX || set->n_claims > VECTOR_MAX_CLAIMS)
		FAIL_ID(d, LIMIT, 'W', 203, "%u vectors and %u claims: at most %d and %d", set->n, set->n_claims,
			VECTOR_MAX, VECTOR_MAX_CLAIMS);
	*n_fields = 0;
	for (uint32_t i = 0; i < set->n; i++) {
		const struct vector *v = &set->v[i];

		*n_fields += v->n_fields;
		for (uint32_t k = 0; k < v->n_fields; k++)
			if (v->n_fields > VECTOR_MAX_FIELDS || v->fields[k].value_len > VECTOR_MAX_VALUE_BYTES ||
			    (k && strcmp(v->fields[k - 1].name, v->fields[k].name) >= 0))
				FAIL_ID(d, INVALID, 'W', 208,
					"vector %u has too many fields, a value that is too long, or fields out of "
					"order",
					i);
	}
	return E_OK;
}

static void put_records(struct writer *w, const struct vector_set *set)
{
	for (uint32_t i = 0; i < set->n; i++) {
		const struct vector *v = &set->v[i];

		put32(w, v->rule);
		put32(w, name(w, v->type));
		put32(w, name(w, v->subject));
		put32(w, v->kind | (uint32_t)v->fires << 8);
		put32(w, v->n_fields);
	}
	for (uint32_t i = 0; i < set->n; i++)
		for (uint32_t k = 0; k < set->v[i].n_fields; k++) {
			const struct vector_field *f = &set->v[i].fields[k];

			put32(w, name(w, f->name));
			put32(w, string(w, f->value, f->value_len));
			put32(w, f->value_len);
		}
	for (uint32_t i = 0; i < set->n_claims; i++) {
		put32(w, set->claims[i].rule);
		put32(w, name(w, set->claims[i].type));
		put32(w, name(w, set->claims[i].subject));
		put32(w, set->claims[i].n_fires);
		put32(w, set->claims[i].n_silent);
	}
}

static FALLIBLE put_all(struct writer *w, const struct vector_set *set, uint32_t n_fields)
{
	size_t start = w->out->len, str_bytes_at;

	(void)name(w, "");
	buf_put(w->out, VECTOR_MAGIC, 4);
	put32(w, VECTOR_VERSION);
	put32(w, set->n_rules);
	put32(w, set->n);
	put32(w, n_fields);
	put32(w, set->n_claims);
	str_bytes_at = w->out->len;
	put32(w, 0);
	put_records(w, set);
	if (w->err)
		return w->err;
	if (!w->out->full)
		for (unsigned i = 0; i < 4; i++)
			w->out->p[str_bytes_at + i] = (char)(w->strings.len >> 8 * i);
	buf_put(w->out, w->strings.p, w->strings.len);
	if (w->out->full || w->strings.full || w->out->len - start > VECTOR_MAX_FILE_BYTES)
		FAIL_ID(w->d, LIMIT, 'W', 203, "the vectors take over %d MiB", VECTOR_MAX_FILE_BYTES >> 20);
	return E_OK;
}

FALLIBLE vector_write(const struct vector_set *set, struct buf *out, struct diag *d)
{
	struct writer w = { .out = out, .d = d };
	uint64_t n_fields = 0;
	enum err err;

	TRY(check(set, &n_fields, d));
	TRY(htab_init(&w.seen, 1 << 14));
	arena_init(&w.a, 4ull * VECTOR_MAX_FILE_BYTES);
	buf_init(&w.strings, VECTOR_MAX_FILE_BYTES);
	err = put_all(&w, set, (uint32_t)n_fields);
	buf_done(&w.strings);
	arena_done(&w.a);
	htab_done(&w.seen);
	return err;
}
