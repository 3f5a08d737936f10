/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "content/template/template.h"

/* The built-in table with ipc_pipe's own section cut to, or padded with, n fields. */
static const struct template_table *table_with(struct arena *a, uint32_t n)
{
	struct template_table *t = ARENA_NEW(a, struct template_table);
	struct template_type *types = ARENA_ARRAY(a, struct template_type, TEMPLATE_N_TYPES);
	struct template_field *fields = ARENA_ARRAY(a, struct template_field, n);
	const struct template_section *own = &template_builtin.types[TEMPLATE_TYPE_ipc_pipe].own;

	memcpy(types, template_builtin.types, TEMPLATE_N_TYPES * sizeof *types);
	for (uint32_t i = 0; i < n; i++) {
		if (i < own->n)
			fields[i] = own->fields[i];
		else
			fields[i] = (struct template_field){ .name = arena_printf(a, "ipc.more%u", i),
							     .type = TEMPLATE_U64 };
	}
	types[TEMPLATE_TYPE_ipc_pipe].own = (struct template_section){ fields, n };
	*t = (struct template_table){ template_builtin.common, types, TEMPLATE_N_TYPES };
	return t;
}

TEST(ipc_pipe_has_21_fields)
{
	CHECK_EQ(template_builtin.types[TEMPLATE_TYPE_ipc_pipe].own.n, 21);
	CHECK_STR(template_builtin.types[TEMPLATE_TYPE_ipc_pipe].own.fields[20].name, "ipc.chain");
}

/* docs/formats/content.md freezes these: signed content holds such digests. */
TEST(the_layout_and_the_digests_are_what_was_published)
{
	static const struct {
		const char *section;
		uint32_t n;
		const char *hex;
	} rows[] = {
#include "digests.inc"
	};

	CHECK_EQ(template_slot_off(0), 64);
	CHECK_EQ(template_slot_off(TEMPLATE_CAP), 2112);
	CHECK_EQ(TEMPLATE_OWN_OFF, 2112);
	for (size_t i = 0; i < countof(rows); i++) {
		const struct template_type *t = template_type_by_name(&template_builtin, rows[i].section);
		const struct template_section *s = t ? &t->own : &template_builtin.common;
		uint8_t digest[TEMPLATE_DIGEST_BYTES];
		char hex[65];

		test_row = rows[i].section;
		CHECK(rows[i].n <= s->n);
		template_digest(rows[i].section, s, rows[i].n, digest);
		for (size_t k = 0; k < sizeof digest; k++)
			snprintf(hex + 2 * k, 3, "%02x", digest[k]);
		CHECK_STR(hex, rows[i].hex);
	}
}

TEST(appending_fields_moves_nothing_and_keeps_every_prefix_digest)
{
	static const uint32_t sizes[] = { 20, 22, 64, 65, 200, TEMPLATE_CAP };
	const struct template_section *own = &template_builtin.types[TEMPLATE_TYPE_ipc_pipe].own;
	struct arena a;

	arena_init(&a, 8 << 20);
	for (size_t k = 0; k < countof(sizes); k++) {
		const struct template_table *t = table_with(&a, sizes[k]);
		const struct template_type *type = &t->types[TEMPLATE_TYPE_ipc_pipe];

		for (uint32_t i = 0; i < own->n && i < sizes[k]; i++) {
			uint8_t x[TEMPLATE_DIGEST_BYTES], y[TEMPLATE_DIGEST_BYTES];
			uint32_t id = 0;

			CHECK(template_field_find(t, type, own->fields[i].name, strlen(own->fields[i].name), &id));
			CHECK_EQ(id, TEMPLATE_CAP + i);
			template_digest("ipc_pipe", own, i + 1, x);
			template_digest("ipc_pipe", &type->own, i + 1, y);
			CHECK_EQ(memcmp(x, y, sizeof x), 0);
		}
	}
	arena_done(&a);
}

TEST(a_digest_notices_a_changed_name_type_order_or_section)
{
	struct template_field f[2] = { { .name = "a.b", .type = TEMPLATE_U64 }, { .name = "c", .type = TEMPLATE_STR } };
	struct template_section s = { f, 2 };
	uint8_t want[TEMPLATE_DIGEST_BYTES], got[TEMPLATE_DIGEST_BYTES];
	struct template_field swap;

	template_digest("x", &s, 2, want);
	template_digest("y", &s, 2, got);
	CHECK(memcmp(want, got, sizeof got) != 0);
	f[1].type = TEMPLATE_IP;
	template_digest("x", &s, 2, got);
	CHECK(memcmp(want, got, sizeof got) != 0);
	f[1].type = TEMPLATE_STR;
	f[1].name = "d";
	template_digest("x", &s, 2, got);
	CHECK(memcmp(want, got, sizeof got) != 0);
	f[1].name = "c";
	swap = f[0];
	f[0] = f[1];
	f[1] = swap;
	template_digest("x", &s, 2, got);
	CHECK(memcmp(want, got, sizeof got) != 0);
}

TEST(the_context_is_exact_and_reserved_slots_are_not_in_it)
{
	struct arena a;
	struct abi_ctx c;
	const struct template_type *t = &template_builtin.types[TEMPLATE_TYPE_ipc_pipe];

	arena_init(&a, 1 << 20);
	CHECK_OK(template_ctx(&template_builtin, t, &a, &c));
	CHECK_EQ(c.size, 2112 + 8 * 21);
	CHECK_EQ(c.n_fields, 8 + TEMPLATE_N_COMMON + 21);
	for (uint32_t i = 1; i < c.n_fields; i++) {
		CHECK(c.fields[i - 1].off + c.fields[i - 1].bytes <= c.fields[i].off);
		CHECK(c.fields[i].off + c.fields[i].bytes <= c.size);
		CHECK(c.fields[i].off < template_slot_off(TEMPLATE_N_COMMON) || c.fields[i].off >= TEMPLATE_OWN_OFF);
	}
	arena_done(&a);
}

TEST(names_in_the_table_are_unique_where_a_rule_could_mean_either)
{
	for (uint32_t k = 0; k < template_builtin.n_types; k++) {
		const struct template_type *t = &template_builtin.types[k];

		test_row = t->name;
		for (uint32_t i = 0; i < t->own.n; i++) {
			uint32_t id = 0;
			const char *name = t->own.fields[i].name;

			CHECK(template_field_find(&template_builtin, t, name, strlen(name), &id) == &t->own.fields[i]);
		}
	}
}

TEST(a_schema_survives_being_written_and_read)
{
	struct arena a;
	struct buf x, y;
	const struct template_table *t;
	struct diag d;

	arena_init(&a, 4 << 20);
	diag_init(&d);
	buf_init(&x, 1 << 20);
	buf_init(&y, 1 << 20);
	template_write_schema(&template_builtin, &x);
	CHECK_OK(template_read_schema(x.p, x.len, "s", &a, &t, &d));
	template_write_schema(t, &y);
	CHECK_STR(y.p, x.p);
	/* every truncation is an error or a table, never a crash */
	for (size_t n = 0; n < x.len; n++) {
		char *copy = malloc(n ? n : 1);

		memcpy(copy, x.p, n);
		arena_done(&a);
		(void)!template_read_schema(copy, n, "s", &a, &t, &d);
		free(copy);
	}
	buf_done(&x);
	buf_done(&y);
	arena_done(&a);
}

TEST(a_malformed_schema_is_refused_with_its_line)
{
	static const struct {
		const char *name, *text;
		uint16_t id;
		uint32_t line;
	} rows[] = {
		{ "empty", "", 11, 0 },
		{ "no header", "common\n", 10, 1 },
		{ "field first", "sallyport-schema 1\nfield a u64 maybe\n", 11, 2 },
		{ "bad name", "sallyport-schema 1\ncommon\nfield A u64 maybe\n", 13, 3 },
		{ "bad type", "sallyport-schema 1\ncommon\nfield a u65 maybe\n", 14, 3 },
		{ "bad presence", "sallyport-schema 1\ncommon\nfield a u64 often\n", 15, 3 },
		{ "no event", "sallyport-schema 1\ncommon\ntype x\n", 17, 3 },
		{ "second common", "sallyport-schema 1\ncommon\ncommon\n", 19, 3 },
		{ "no type", "sallyport-schema 1\ncommon\n", 11, 2 },
	};
	struct arena a;

	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < countof(rows); i++) {
		const struct template_table *t = NULL;
		struct diag d;

		test_row = rows[i].name;
		diag_init(&d);
		CHECK_EQ(template_read_schema(rows[i].text, strlen(rows[i].text), "s", &a, &t, &d), E_FORMAT);
		CHECK_EQ(d.id, rows[i].id);
		CHECK_EQ(d.pos.line, rows[i].line);
		CHECK(!t);
	}
	arena_done(&a);
}

TEST(a_schema_with_too_many_fields_types_or_bytes_is_refused)
{
	struct arena a;
	struct buf b;
	const struct template_table *t;
	struct diag d;

	arena_init(&a, 8 << 20);
	buf_init(&b, 1 << 20);
	buf_puts(&b, "sallyport-schema 1\ncommon\n");
	for (int i = 0; i <= TEMPLATE_CAP; i++)
		buf_printf(&b, "field f%d u64 maybe\n", i);
	diag_init(&d);
	CHECK_EQ(template_read_schema(b.p, b.len, "s", &a, &t, &d), E_LIMIT);
	CHECK_EQ(d.id, 12);
	buf_reset(&b);
	buf_puts(&b, "sallyport-schema 1\ncommon\n");
	for (int i = 0; i <= TEMPLATE_MAX_TYPES; i++)
		buf_printf(&b, "type t%d e\n", i);
	CHECK_EQ(template_read_schema(b.p, b.len, "s", &a, &t, &d), E_LIMIT);
	CHECK_EQ(d.id, 16);
	buf_reset(&b);
	buf_puts(&b, "sallyport-schema 1\ncommon\ntype x ");
	for (int i = 0; i < 600; i++)
		buf_putc(&b, 'e');
	CHECK_EQ(template_read_schema(b.p, b.len, "s", &a, &t, &d), E_FORMAT);
	CHECK_EQ(d.id, 18);
	buf_done(&b);
	arena_done(&a);
}
