/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read: bytes as a set of vectors. Counts are bounded first, then the sizes that they imply must make up the input to
 * the byte; after that only offsets of strings can lie, and each is checked where it is followed.
 */
#include "content/image/image.h"
#include "content/vector/format.h"

struct reader {
	struct view in, strings;
	uint32_t n_rules, n, n_fields, n_claims;
	uint64_t fields_at, claims_at;
	struct arena *a;
	struct diag *d;
};

/* 4 bytes at off, which are there: sizes were checked. */
static uint32_t get32(const struct reader *r, uint64_t off)
{
	const uint8_t *b = r->in.p + off;

	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static void at(const struct reader *r, uint64_t off)
{
	if (r->d)
		r->d->offset = off;
}

/* The bytes at the offset that stands at `where`, with a NUL behind them. */
static FALLIBLE get_bytes(struct reader *r, uint64_t where, uint32_t len, const char **out)
{
	uint32_t off = get32(r, where);
	struct view v;

	at(r, where);
	if (!view_sub(r->strings, off, (uint64_t)len + 1, &v) || v.p[len])
		FAIL_ID(r->d, FORMAT, 'W', 205, "a string of %u bytes at %u does not lie in the string area", len, off);
	*out = (const char *)v.p;
	return E_OK;
}

static FALLIBLE get_name(struct reader *r, uint64_t where, bool empty, const char **out)
{
	const char *s = view_str(r->strings, get32(r, where));

	at(r, where);
	if (!s || strnlen(s, VECTOR_MAX_NAME + 1) > VECTOR_MAX_NAME || (!s[0] && !empty))
		FAIL_ID(r->d, FORMAT, 'W', 205, "a name is empty, over %d bytes, or lies outside the string area",
			VECTOR_MAX_NAME);
	*out = s;
	return E_OK;
}

static FALLIBLE get_rule(struct reader *r, uint64_t where, uint32_t *out)
{
	*out = get32(r, where);
	at(r, where);
	if (*out >= r->n_rules)
		FAIL_ID(r->d, FORMAT, 'W', 206, "rule %u of %u", *out, r->n_rules);
	return E_OK;
}

static FALLIBLE read_header(struct reader *r)
{
	uint64_t used;

	at(r, 0);
	if (r->in.len < VECTOR_HDR_BYTES)
		FAIL_ID(r->d, TRUNCATED, 'W', 201, "%zu bytes are no header of vectors", r->in.len);
	if (memcmp(r->in.p, VECTOR_MAGIC, 4))
		FAIL_ID(r->d, FORMAT, 'W', 201, "vectors begin with " VECTOR_MAGIC);
	at(r, 4);
	if (get32(r, 4) != VECTOR_VERSION)
		FAIL_ID(r->d, UNSUPPORTED, 'W', 202, "vectors of version %u, this build reads version %d", get32(r, 4),
			VECTOR_VERSION);
	r->n_rules = get32(r, 8);
	r->n = get32(r, 12);
	r->n_fields = get32(r, 16);
	r->n_claims = get32(r, 20);
	at(r, 8);
	if (r->n_rules > IMAGE_MAX_RULES || r->n > VECTOR_MAX || r->n_claims > VECTOR_MAX_CLAIMS ||
	    r->n_fields > (uint64_t)VECTOR_MAX * VECTOR_MAX_FIELDS || r->in.len > VECTOR_MAX_FILE_BYTES)
		FAIL_ID(r->d, LIMIT, 'W', 203, "%u vectors and %u claims of %u rules in %zu bytes are over a limit",
			r->n, r->n_claims, r->n_rules, r->in.len);
	r->fields_at = VECTOR_HDR_BYTES + (uint64_t)r->n * VECTOR_REC_BYTES;
	r->claims_at = r->fields_at + (uint64_t)r->n_fields * VECTOR_FIELD_BYTES;
	used = r->claims_at + (uint64_t)r->n_claims * VECTOR_CLAIM_BYTES;
	at(r, 24);
	if (used > r->in.len || r->in.len - used != get32(r, 24))
		FAIL_ID(r->d, TRUNCATED, 'W', 204, "the header counts %llu bytes, there are %zu",
			(unsigned long long)used + get32(r, 24), r->in.len);
	r->strings = view_of(r->in.p + used, r->in.len - used);
	return E_OK;
}

static FALLIBLE read_fields(struct reader *r, uint64_t off, struct vector_field *f, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++, off += VECTOR_FIELD_BYTES) {
		TRY(get_name(r, off, false, &f[i].name));
		f[i].value_len = get32(r, off + 8);
		at(r, off + 8);
		if (f[i].value_len > VECTOR_MAX_VALUE_BYTES)
			FAIL_ID(r->d, LIMIT, 'W', 203, "a value has %u bytes, at most %d", f[i].value_len,
				VECTOR_MAX_VALUE_BYTES);
		TRY(get_bytes(r, off + 4, f[i].value_len, &f[i].value));
		at(r, off);
		if (!GUARD(16, !i || strcmp(f[i - 1].name, f[i].name) < 0))
			FAIL_ID(r->d, FORMAT, 'W', 207, "a vector's fields are not in order, or one is there twice");
	}
	return E_OK;
}

/* first: number of the vector's first field. */
static FALLIBLE read_vector(struct reader *r, uint64_t off, uint32_t first, struct vector_field *fields,
			    struct vector *v)
{
	uint32_t flags = get32(r, off + 12);

	TRY(get_rule(r, off, &v->rule));
	TRY(get_name(r, off + 4, false, &v->type));
	TRY(get_name(r, off + 8, true, &v->subject));
	v->kind = (uint8_t)flags;
	v->fires = flags >> 8 & 1;
	v->n_fields = get32(r, off + 16);
	v->fields = fields + first;
	at(r, off + 12);
	if (v->kind > VECTOR_SILENT || flags >> 9 ||
	    (v->kind != VECTOR_AUTHOR && v->fires != (v->kind == VECTOR_FIRES)))
		FAIL_ID(r->d, FORMAT, 'W', 206, "a vector's kind and verdict are 0x%x", flags);
	at(r, off + 16);
	if (v->n_fields > VECTOR_MAX_FIELDS || v->n_fields > r->n_fields - first)
		FAIL_ID(r->d, LIMIT, 'W', 203, "a vector has %u fields", v->n_fields);
	return read_fields(r, r->fields_at + (uint64_t)first * VECTOR_FIELD_BYTES, fields + first, v->n_fields);
}

static FALLIBLE read_claims(struct reader *r, struct vector_claim *k)
{
	uint64_t off = r->claims_at;

	for (uint32_t i = 0; i < r->n_claims; i++, off += VECTOR_CLAIM_BYTES) {
		TRY(get_rule(r, off, &k[i].rule));
		TRY(get_name(r, off + 4, false, &k[i].type));
		TRY(get_name(r, off + 8, true, &k[i].subject));
		k[i].n_fires = get32(r, off + 12);
		k[i].n_silent = get32(r, off + 16);
		at(r, off);
		if (i && k[i - 1].rule > k[i].rule)
			FAIL_ID(r->d, FORMAT, 'W', 207, "the claims are not in the order of rules");
	}
	return E_OK;
}

FALLIBLE vector_read(struct view bytes, struct arena *a, struct vector_set *out, struct diag *d)
{
	struct reader r = { .in = bytes, .a = a, .d = d };
	struct vector_claim *claims;
	struct vector_field *fields;
	struct vector *v;
	uint32_t first = 0;

	TRY(read_header(&r));
	v = ARENA_ARRAY(a, struct vector, r.n);
	fields = ARENA_ARRAY(a, struct vector_field, r.n_fields);
	claims = ARENA_ARRAY(a, struct vector_claim, r.n_claims);
	if (!v || !fields || !claims)
		return E_NOMEM;
	for (uint32_t i = 0; i < r.n; i++) {
		TRY(read_vector(&r, VECTOR_HDR_BYTES + (uint64_t)i * VECTOR_REC_BYTES, first, fields, &v[i]));
		first += v[i].n_fields;
	}
	at(&r, 16);
	if (first != r.n_fields)
		FAIL_ID(d, FORMAT, 'W', 209, "%u fields are counted, the vectors have %u", r.n_fields, first);
	TRY(read_claims(&r, claims));
	*out = (struct vector_set){ v, r.n, claims, r.n_claims, r.n_rules };
	return E_OK;
}
