/* SPDX-License-Identifier: Apache-2.0 */
/* format: a set of vectors as bytes, and bytes that are none. */
#include "vector_test.h"

static bool same_set(const struct vector_set *a, const struct vector_set *b)
{
	bool same = a->n == b->n && a->n_claims == b->n_claims && a->n_rules == b->n_rules;

	for (uint32_t i = 0; same && i < a->n; i++) {
		const struct vector *v = &a->v[i], *w = &b->v[i];

		same = v->rule == w->rule && !strcmp(v->type, w->type) && !strcmp(v->subject, w->subject) &&
		       v->kind == w->kind && v->fires == w->fires && v->n_fields == w->n_fields;
		for (uint32_t k = 0; same && k < v->n_fields; k++)
			same = !strcmp(v->fields[k].name, w->fields[k].name) &&
			       v->fields[k].value_len == w->fields[k].value_len &&
			       !memcmp(v->fields[k].value, w->fields[k].value, v->fields[k].value_len);
	}
	for (uint32_t i = 0; same && i < a->n_claims; i++) {
		const struct vector_claim *k = &a->claims[i], *l = &b->claims[i];

		same = k->rule == l->rule && !strcmp(k->type, l->type) && !strcmp(k->subject, l->subject) &&
		       k->n_fires == l->n_fires && k->n_silent == l->n_silent;
	}
	return same;
}

TEST(what_is_written_reads_back_the_same)
{
	struct vector_set again;
	struct made m;
	struct buf b;

	make_shipped(&m);
	buf_init(&b, VECTOR_MAX_FILE_BYTES);
	CHECK_OK(vector_write(&m.set, &b, NULL));
	CHECK_OK(vector_read(view_of(b.p, b.len), &m.l.a, &again, NULL));
	CHECK(same_set(&m.set, &again));
	buf_done(&b);
	made_done(&m);
}

/* A small set as bytes: one vector with two fields, one claim. */
static const struct vector_field two_fields[] = { { "evt.type", "open", 4 }, { "fd.name", "/a\0b", 4 } };
static const struct vector one_vector = { 0, "file_open", "fd.name", VECTOR_FIRES, true, two_fields, 2 };
static const struct vector_claim one_claim = { 0, "file_open", "fd.name", 1, 0 };
static const struct vector_set small = { &one_vector, 1, &one_claim, 1, 1 };

static void write_small(struct buf *b)
{
	buf_init(b, 1 << 20);
	CHECK_OK(vector_write(&small, b, NULL));
}

static enum err read_bytes(const void *p, size_t len, unsigned *id)
{
	struct vector_set s;
	struct arena a;
	struct diag d;
	enum err err;

	diag_init(&d);
	arena_init(&a, 64 << 20);
	err = vector_read(view_of(p, len), &a, &s, &d);
	*id = d.id;
	if (err && (d.family != 'W' || !d.text[0]))
		fail_msg("no diagnostic for %s", err_text(err));
	arena_done(&a);
	return err;
}

TEST(a_set_cut_anywhere_is_refused)
{
	struct buf b;
	unsigned id;

	write_small(&b);
	CHECK_EQ(read_bytes(b.p, b.len, &id), E_OK);
	for (size_t n = 0; n < b.len; n++) {
		uint8_t *copy = malloc(n + !n); /* exact, for the sanitizer */

		memcpy(copy, b.p, n);
		CHECK(read_bytes(copy, n, &id) != E_OK);
		free(copy);
	}
	buf_putc(&b, 0);
	CHECK(read_bytes(b.p, b.len, &id) != E_OK);
	buf_done(&b);
}

TEST(each_lie_in_the_bytes_has_its_diagnostic)
{
	enum { VEC = 28, FIELDS = VEC + 20, CLAIM = FIELDS + 24 };
	static const struct {
		const char *what;
		uint32_t off, value;
		unsigned id;
	} rows[] = {
		{ "magic", 0, 0, 201 },
		{ "version", 4, 2, 202 },
		{ "rules", 8, 5000, 203 },
		{ "no rules", 8, 0, 206 },
		{ "vectors", 12, 1 << 19, 203 },
		{ "one vector more", 12, 2, 204 },
		{ "fields", 16, 0xffffffff, 203 },
		{ "claims", 20, 0xffffffff, 203 },
		{ "strings", 24, 0xfffffff0, 204 },
		{ "rule", VEC, 1, 206 },
		{ "type outside", VEC + 4, 0xffffffff, 205 },
		{ "no type", VEC + 4, 0, 205 },
		{ "subject outside", VEC + 8, 0x10000, 205 },
		{ "kind", VEC + 12, 3, 206 },
		{ "a silent vector that fires", VEC + 12, 0x102, 206 },
		{ "reserved bits", VEC + 12, 0x10101, 206 },
		{ "too many fields", VEC + 16, 3, 203 },
		{ "too few", VEC + 16, 1, 209 },
		{ "field name", FIELDS, 0xffffffff, 205 },
		{ "value outside", FIELDS + 4, 0xffffffff, 205 },
		{ "value too long", FIELDS + 8, 65536, 203 },
		{ "value over the end", FIELDS + 8, 1000, 205 },
		{ "value without its NUL", FIELDS + 8, 3, 205 },
		{ "claim's rule", CLAIM, 9, 206 },
		{ "claim's type", CLAIM + 4, 0xffff, 205 },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct buf b;
		unsigned id;

		test_row = rows[i].what;
		write_small(&b);
		for (unsigned k = 0; k < 4; k++)
			b.p[rows[i].off + k] = (char)(rows[i].value >> 8 * k);
		CHECK(read_bytes(b.p, b.len, &id) != E_OK);
		CHECK_EQ(id, rows[i].id);
		buf_done(&b);
	}
	test_row = NULL;
}

TEST(a_field_that_is_there_twice_is_neither_read_nor_written)
{
	static const struct vector_field twice[] = { { "fd.name", "/a", 2 }, { "fd.name", "/b", 2 } };
	struct vector v = one_vector;
	struct vector_set s = small;
	struct buf b;
	struct diag d;
	unsigned id;

	v.fields = twice;
	s.v = &v;
	diag_init(&d);
	buf_init(&b, 1 << 20);
	CHECK_EQ(vector_write(&s, &b, &d), E_INVALID);
	CHECK_EQ(d.id, 208);
	buf_done(&b);
	write_small(&b);
	memcpy(b.p + 48, b.p + 60, 4); /* the first field's name is the second's */
	CHECK_EQ(read_bytes(b.p, b.len, &id), E_FORMAT);
	CHECK_EQ(id, 207);
	buf_done(&b);
}

TEST(a_set_over_a_limit_is_not_written)
{
	struct vector_set s = small;
	struct buf b;

	s.n_claims = VECTOR_MAX_CLAIMS + 1;
	buf_init(&b, 1 << 20);
	CHECK_EQ(vector_write(&s, &b, NULL), E_LIMIT);
	buf_done(&b);
	buf_init(&b, 100); /* no room */
	CHECK_EQ(vector_write(&small, &b, NULL), E_LIMIT);
	buf_done(&b);
}

/* Each byte of a small set, every bit: it reads or it does not, and what reads can be written. */
TEST(a_bit_that_flips_is_found_or_harmless)
{
	struct buf b, again;
	unsigned n_read = 0;

	write_small(&b);
	for (size_t bit = 0; bit < 8 * b.len; bit++) {
		struct vector_set s;
		struct arena a;

		arena_init(&a, 64 << 20);
		b.p[bit / 8] ^= (char)(1 << bit % 8);
		if (vector_read(view_of(b.p, b.len), &a, &s, NULL) == E_OK) {
			buf_init(&again, 1 << 20);
			CHECK_OK(vector_write(&s, &again, NULL));
			buf_done(&again);
			n_read++;
		}
		b.p[bit / 8] ^= (char)(1 << bit % 8);
		arena_done(&a);
	}
	CHECK(n_read > 0 && n_read < 8 * b.len);
	buf_done(&b);
}
