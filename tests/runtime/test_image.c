/* SPDX-License-Identifier: Apache-2.0 */
/* The two sections of compiled content: what is written is read, and lies are refused, not followed. */
#include "test.h"

#include "content/image/image.h"

static const uint16_t used_pipe[] = { 6, 8, TEMPLATE_CAP + 2, TEMPLATE_CAP + 20 };
static const uint16_t used_open[] = { 0 };
static const char *const tags[] = { "T1059", "process" };
static const struct image_placeholder placeholders[] = { { "proc.name", "proc.name", -1 },
							 { "proc.aname[2]", "proc.aname", 2 } };

static void make_schema(struct image_prog progs[2], struct image_schema *s)
{
	const struct template_table *t = &template_builtin;

	progs[0] = (struct image_prog){ .prog = "r0_ipc_pipe", .rule = 0 };
	progs[1] = (struct image_prog){ .prog = "r1_file_open", .rule = 1 };
	image_prog_fields(t, &t->types[TEMPLATE_TYPE_ipc_pipe], used_pipe, countof(used_pipe), &progs[0]);
	image_prog_fields(t, &t->types[TEMPLATE_TYPE_file_open], used_open, countof(used_open), &progs[1]);
	*s = (struct image_schema){ progs, 2 };
}

static void make_rules(struct image_rule rules[2], struct image_rules *r)
{
	rules[0] = (struct image_rule){ .name = "shell over a pipe",
					.desc = "d",
					.output = "%proc.name <- %proc.aname[2]",
					.source = "syscall",
					.drill = "pipe",
					.priority = 2,
					.tags = tags,
					.n_tags = 2,
					.placeholders = placeholders,
					.n_placeholders = 2 };
	rules[1] = (struct image_rule){ .name = "plain", .desc = "", .output = "", .source = "syscall", .priority = 7 };
	*r = (struct image_rules){ rules, 2 };
}

TEST(a_schema_section_reads_back_as_it_was_written)
{
	struct image_prog progs[2];
	struct image_schema in, out;
	struct arena a;
	struct buf b, again;

	arena_init(&a, 1 << 20);
	buf_init(&b, 1 << 16);
	buf_init(&again, 1 << 16);
	make_schema(progs, &in);
	CHECK_OK(image_write_schema(&in, &b, NULL));
	CHECK_OK(image_read_schema(view_of(b.p, b.len), &a, &out, NULL));
	CHECK_EQ(out.n_progs, 2);
	CHECK_STR(out.progs[0].prog, "r0_ipc_pipe");
	CHECK_STR(out.progs[0].type, "ipc_pipe");
	CHECK_EQ(out.progs[0].common.n, 9);
	CHECK_STR(out.progs[0].common.last, "proc.name");
	CHECK_EQ(out.progs[0].own.n, 21);
	CHECK_STR(out.progs[0].own.last, "ipc.chain");
	CHECK(!memcmp(out.progs[0].own.digest, progs[0].own.digest, TEMPLATE_DIGEST_BYTES));
	CHECK_EQ(out.progs[0].n_used, 4);
	CHECK_EQ(out.progs[0].used[3], TEMPLATE_CAP + 20);
	CHECK_EQ(out.progs[1].rule, 1);
	CHECK_EQ(out.progs[1].own.n, 0);
	CHECK_STR(out.progs[1].own.last, "");
	CHECK_OK(image_write_schema(&out, &again, NULL));
	CHECK_EQ(again.len, b.len);
	CHECK(!memcmp(again.p, b.p, b.len));
	buf_done(&b);
	buf_done(&again);
	arena_done(&a);
}

TEST(a_rules_section_reads_back_as_it_was_written)
{
	struct image_rule rules[2];
	struct image_rules in, out;
	struct arena a;
	struct buf b, again;

	arena_init(&a, 1 << 20);
	buf_init(&b, 1 << 16);
	buf_init(&again, 1 << 16);
	make_rules(rules, &in);
	CHECK_OK(image_write_rules(&in, &b, NULL));
	CHECK_OK(image_read_rules(view_of(b.p, b.len), &a, &out, NULL));
	CHECK_EQ(out.n_rules, 2);
	CHECK_STR(out.rules[0].name, "shell over a pipe");
	CHECK_STR(out.rules[0].drill, "pipe");
	CHECK_EQ(out.rules[0].n_tags, 2);
	CHECK_STR(out.rules[0].tags[1], "process");
	CHECK_STR(out.rules[0].placeholders[1].text, "proc.aname[2]");
	CHECK_STR(out.rules[0].placeholders[1].field, "proc.aname");
	CHECK_EQ(out.rules[0].placeholders[1].index, 2);
	CHECK(!out.rules[1].drill);
	CHECK_EQ(out.rules[1].priority, 7);
	CHECK_OK(image_write_rules(&out, &again, NULL));
	CHECK_EQ(again.len, b.len);
	CHECK(!memcmp(again.p, b.p, b.len));
	buf_done(&b);
	buf_done(&again);
	arena_done(&a);
}

/* Read a copy that ends exactly where its bytes end, so that a sanitizer sees a read beyond. */
static enum err read_exact(bool schema, const void *p, size_t len, uint16_t *id)
{
	AUTO_FREE uint8_t *copy = malloc(len ? len : 1);
	struct image_schema s;
	struct image_rules r;
	struct arena a;
	struct diag d;
	enum err e;

	diag_init(&d);
	memcpy(copy, p, len);
	arena_init(&a, 1 << 20);
	e = schema ? image_read_schema(view_of(copy, len), &a, &s, &d)
		   : image_read_rules(view_of(copy, len), &a, &r, &d);
	arena_done(&a);
	if (id)
		*id = d.id;
	return e;
}

TEST(every_truncation_of_a_section_is_refused)
{
	struct image_prog progs[2];
	struct image_rule rules[2];
	struct image_schema s;
	struct image_rules r;
	struct buf b;

	make_schema(progs, &s);
	make_rules(rules, &r);
	for (int schema = 0; schema < 2; schema++) {
		buf_init(&b, 1 << 16);
		CHECK_OK(schema ? image_write_schema(&s, &b, NULL) : image_write_rules(&r, &b, NULL));
		for (size_t n = 0; n < b.len; n++)
			CHECK_EQ(read_exact(schema, b.p, n, NULL), E_TRUNCATED);
		CHECK_OK(read_exact(schema, b.p, b.len, NULL));
		buf_done(&b);
	}
}

TEST(every_lying_word_of_a_section_is_refused_or_harmless)
{
	static const uint32_t lies[] = {
		0, 1, 7, 8, 0xff, 0x100, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff
	};
	struct image_prog progs[2];
	struct image_rule rules[2];
	struct image_schema s;
	struct image_rules r;
	struct buf b;

	make_schema(progs, &s);
	make_rules(rules, &r);
	for (int schema = 0; schema < 2; schema++) {
		buf_init(&b, 1 << 16);
		CHECK_OK(schema ? image_write_schema(&s, &b, NULL) : image_write_rules(&r, &b, NULL));
		for (size_t at = 0; at + 4 <= b.len; at += 2) {
			uint32_t old;

			memcpy(&old, b.p + at, 4);
			for (size_t i = 0; i < countof(lies); i++) {
				memcpy(b.p + at, &lies[i], 4);
				(void)read_exact(schema, b.p, b.len, NULL);
			}
			memcpy(b.p + at, &old, 4);
		}
		buf_done(&b);
	}
}

TEST(each_lie_in_a_schema_section_has_its_own_diagnostic)
{
	enum { REC = sizeof(struct image_schema_hdr), IDS = REC + 2 * sizeof(struct image_schema_rec) };
	static const struct {
		const char *name;
		size_t at;
		uint32_t value;
		enum err err;
		uint16_t id;
	} rows[] = {
		{ "magic", 0, 0, E_FORMAT, 31 },
		{ "version", 4, 2, E_UNSUPPORTED, 32 },
		{ "too many records", 8, IMAGE_MAX_PROGS + 1, E_LIMIT, 33 },
		{ "too many ids", 12, 0xffffffff, E_LIMIT, 33 },
		{ "more ids than there are bytes", 12, 60000, E_TRUNCATED, 34 },
		{ "strings end early", 16, 3, E_FORMAT, 35 },
		{ "no string area's first NUL", IDS + 10, 0xffffffff, E_FORMAT, 36 },
		{ "program name outside", REC + 0, 0x7fffffff, E_FORMAT, 37 },
		{ "type name outside", REC + 8, 0xffffffff, E_FORMAT, 37 },
		{ "ids begin outside", REC + 12, 6, E_FORMAT, 38 },
		{ "more ids than there are", REC + 16, 0xffffffff, E_FORMAT, 38 },
		{ "ids not ascending", IDS, 6 | 6 << 16, E_FORMAT, 39 },
		{ "an id beyond the counted common fields", IDS, 6 | 9 << 16, E_FORMAT, 40 },
		{ "an id that no section can have", IDS + 4, 258 | 600 << 16, E_FORMAT, 40 },
		{ "common count over the cap", REC + 20, TEMPLATE_CAP + 1, E_LIMIT, 41 },
		{ "own count over the cap", REC + 28, 0xffffffff, E_LIMIT, 41 },
		{ "a count without a name", REC + 24, 0, E_FORMAT, 42 },
		{ "a name without a count", REC + 20, 0, E_FORMAT, 42 },
		{ "reserved word", 20, 1, E_FORMAT, 43 },
	};
	struct image_prog progs[2];
	struct image_schema s;

	make_schema(progs, &s);
	for (size_t i = 0; i < countof(rows); i++) {
		uint16_t id = 0;
		struct buf b;

		test_row = rows[i].name;
		buf_init(&b, 1 << 16);
		CHECK_OK(image_write_schema(&s, &b, NULL));
		memcpy(b.p + rows[i].at, &rows[i].value, 4);
		CHECK_EQ(read_exact(true, b.p, b.len, &id), rows[i].err);
		CHECK_EQ(id, rows[i].id);
		buf_done(&b);
	}
	CHECK_EQ(read_exact(true, "SPSC", 4, NULL), E_TRUNCATED);
}

TEST(each_lie_in_a_rules_section_has_its_own_diagnostic)
{
	enum { REC = sizeof(struct image_rules_hdr), PH = REC + 2 * sizeof(struct image_rules_rec) };
	static const struct {
		const char *name;
		size_t at;
		uint32_t value;
		enum err err;
		uint16_t id;
	} rows[] = {
		{ "too many rules", 8, IMAGE_MAX_RULES + 1, E_LIMIT, 33 },
		{ "too many placeholders", 12, IMAGE_MAX_PLACEHOLDERS + 1, E_LIMIT, 33 },
		{ "too many tags", 16, IMAGE_MAX_TAGS + 1, E_LIMIT, 33 },
		{ "name outside", REC, 0x1000, E_FORMAT, 37 },
		{ "drill outside", REC + 16, 0xfffffffe, E_FORMAT, 37 },
		{ "tags outside", REC + 24, 1, E_FORMAT, 38 },
		{ "placeholders outside", REC + 36, 0xffffffff, E_FORMAT, 38 },
		{ "index below none", PH + 8, (uint32_t)-2, E_FORMAT, 44 },
		{ "a text that is another index", PH + 12 + 8, 3, E_FORMAT, 44 },
		{ "a text that is another field", PH + 4, 1, E_FORMAT, 44 },
		{ "index over the limit", PH + 8, IMAGE_MAX_INDEX + 1, E_FORMAT, 44 },
		{ "no name", REC, 0, E_FORMAT, 45 },
		{ "a priority that does not exist", REC + 20, 8, E_FORMAT, 46 },
	};
	struct image_rule rules[2];
	struct image_rules r;

	make_rules(rules, &r);
	for (size_t i = 0; i < countof(rows); i++) {
		uint16_t id = 0;
		struct buf b;

		test_row = rows[i].name;
		buf_init(&b, 1 << 16);
		CHECK_OK(image_write_rules(&r, &b, NULL));
		memcpy(b.p + rows[i].at, &rows[i].value, 4);
		CHECK_EQ(read_exact(false, b.p, b.len, &id), rows[i].err);
		CHECK_EQ(id, rows[i].id);
		buf_done(&b);
	}
}

TEST(what_does_not_fit_is_not_written)
{
	struct image_rule rules[2];
	struct image_rules r;
	struct diag d;
	struct buf b;

	make_rules(rules, &r);
	diag_init(&d);
	buf_init(&b, 100);
	CHECK_EQ(image_write_rules(&r, &b, &d), E_LIMIT);
	CHECK_EQ(d.id, 49);
	r.n_rules = IMAGE_MAX_RULES + 1;
	CHECK_EQ(image_write_rules(&r, &b, &d), E_LIMIT);
	CHECK_EQ(d.id, 48);
	buf_done(&b);
}

TEST(a_string_that_is_too_long_is_neither_written_nor_read)
{
	static char text[IMAGE_MAX_TEXT + 2], name[IMAGE_MAX_NAME + 2];
	struct image_rule rules[2];
	struct image_rules r;
	uint16_t id = 0;
	struct diag d;
	struct buf b;

	memset(text, 'a', sizeof text - 1);
	memset(name, 'b', sizeof name - 1);
	for (int i = 0; i < 2; i++) {
		make_rules(rules, &r);
		*(i ? &rules[1].name : &rules[1].output) = i ? name : text;
		diag_init(&d);
		buf_init(&b, 1 << 20);
		CHECK_EQ(image_write_rules(&r, &b, &d), E_LIMIT);
		CHECK_EQ(d.id, 47);
		buf_reset(&b);
		*(i ? &rules[1].name : &rules[1].output) = (i ? name : text) + 1;
		CHECK_OK(image_write_rules(&r, &b, &d));
		CHECK_OK(read_exact(false, b.p, b.len, NULL));
		buf_done(&b);
	}
	make_rules(rules, &r);
	rules[1].name = name + 1;
	rules[1].source = "s";
	buf_init(&b, 1 << 20);
	CHECK_OK(image_write_rules(&r, &b, NULL));
	*((char *)memmem(b.p, b.len, name + 1, sizeof name - 1) + sizeof name - 2) = 'b';
	CHECK_EQ(read_exact(false, b.p, b.len, &id), E_LIMIT);
	CHECK_EQ(id, 47);
	buf_done(&b);
}

TEST(placeholders_are_found_where_the_author_wrote_them)
{
	static const struct {
		const char *text;
		size_t taken;
		const char *token, *name;
		int32_t index;
		uint32_t width;
	} rows[] = {
		{ "%proc.name", 10, "proc.name", "proc.name", -1, 0 },
		{ "%proc.name.", 10, "proc.name", "proc.name", -1, 0 },
		{ "%proc.name)", 10, "proc.name", "proc.name", -1, 0 },
		{ "%12proc.name", 12, "proc.name", "proc.name", -1, 12 },
		{ "%proc.aname[2]]", 14, "proc.aname[2]", "proc.aname", 2, 0 },
		{ "%proc.aname[]", 11, "proc.aname", "proc.aname", -1, 0 },
		{ "%proc.aname[2", 11, "proc.aname", "proc.aname", -1, 0 },
		{ "%proc.aname[1024]", 11, "proc.aname", "proc.aname", -1, 0 },
		{ "%proc.aname[99999999999999999999]", 11, "proc.aname", "proc.aname", -1, 0 },
		{ "%proc.env[HOME] x", 15, "proc.env[HOME]", "proc.env", -1, 0 },
		{ "%proc.env[\"A B\"]", 16, "proc.env[\"A B\"]", "proc.env", -1, 0 },
		{ "%proc.env[A B]", 9, "proc.env", "proc.env", -1, 0 },
		{ "%proc.env[\"A]", 9, "proc.env", "proc.env", -1, 0 },
		{ "%c.mount.dest[/a*]", 18, "c.mount.dest[/a*]", "c.mount.dest", -1, 0 },
		{ "%toupper(proc.name)s", 19, "toupper(proc.name)", "proc.name", -1, 0 },
		{ "%8len(b64(proc.args[1]))", 24, "len(b64(proc.args[1]))", "proc.args", 1, 8 },
		{ "%toupper(proc.name", 0, NULL, NULL, 0, 0 },
		{ "%toupper()", 0, NULL, NULL, 0, 0 },
		{ "%toupper( proc.name)", 0, NULL, NULL, 0, 0 },
		{ "%", 0, NULL, NULL, 0, 0 },
		{ "%%", 0, NULL, NULL, 0, 0 },
		{ "%12", 0, NULL, NULL, 0, 0 },
		{ "100% sure", 0, NULL, NULL, 0, 0 },
		{ "% proc", 0, NULL, NULL, 0, 0 },
		{ "%.name", 0, NULL, NULL, 0, 0 },
		{ "%1025proc.name", 0, NULL, NULL, 0, 0 },
		{ "%99999999999999999999x", 0, NULL, NULL, 0, 0 },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct image_token t;
		char token[64];

		test_row = rows[i].text;
		CHECK_EQ(image_token(rows[i].text, strlen(rows[i].text), &t), rows[i].taken);
		if (!rows[i].taken)
			continue;
		snprintf(token, sizeof token, "%.*s", (int)t.text_len, t.text);
		CHECK_STR(token, rows[i].token);
		snprintf(token, sizeof token, "%.*s", (int)t.name_len, t.name);
		CHECK_STR(token, rows[i].name);
		CHECK_EQ(t.index, rows[i].index);
		CHECK_EQ(t.width, rows[i].width);
	}
}

TEST(domain_names_come_back_as_they_were_written_and_strange_ones_are_refused)
{
	static const struct {
		const char *bytes;
		size_t len;
		enum err err;
		uint16_t id;
	} rows[] = {
		{ "a.example\0b\0", 12, E_OK, 0 }, { "", 0, E_OK, 0 },           { "a", 1, E_FORMAT, 51 },
		{ "\0", 1, E_FORMAT, 51 },         { "a\0\0", 3, E_FORMAT, 51 },
	};
	static char many[2 * (IMAGE_MAX_NAMES + 1)];
	const char *const *names, *list[IMAGE_MAX_NAMES + 1];
	struct arena a;
	struct diag d;
	struct buf b;
	uint32_t n;

	for (size_t i = 0; i < countof(rows); i++) {
		diag_init(&d);
		arena_init(&a, 1 << 20);
		CHECK_EQ(image_read_names(view_of(rows[i].bytes, rows[i].len), &a, &names, &n, &d), rows[i].err);
		CHECK_EQ(d.id, rows[i].id);
		if (i == 0) {
			CHECK_EQ(n, 2);
			CHECK_STR(names[0], "a.example");
			CHECK_STR(names[1], "b");
		}
		arena_done(&a);
	}
	for (size_t i = 0; i <= IMAGE_MAX_NAMES; i++) {
		many[2 * i] = 'x';
		list[i] = "x";
	}
	diag_init(&d);
	arena_init(&a, 1 << 20);
	CHECK_EQ(image_read_names(view_of(many, sizeof many), &a, &names, &n, &d), E_LIMIT);
	CHECK_EQ(d.id, 52);
	buf_init(&b, 1 << 20);
	CHECK_OK(image_write_names(list, IMAGE_MAX_NAMES, &b, &d));
	CHECK_OK(image_read_names(view_of(b.p, b.len), &a, &names, &n, &d));
	CHECK_EQ(n, IMAGE_MAX_NAMES);
	CHECK_EQ(image_write_names(list, IMAGE_MAX_NAMES + 1, &b, &d), E_LIMIT);
	buf_done(&b);
	arena_done(&a);
}
