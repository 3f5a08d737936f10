/* SPDX-License-Identifier: Apache-2.0 */
/* A bundle reads back as it was written, the same parts give the same bytes, and what may not be written is not. */
#include "bundle_make.h"

static void write_parts(const struct bundle_parts *p, struct buf *out)
{
	buf_init(out, BUNDLE_MAX_BYTES);
	CHECK_OK(bundle_write(p, out, NULL));
}

TEST(a_bundle_reads_back_as_it_was_written)
{
	struct bundle_make m;
	struct bundle b;
	struct arena a;
	struct buf file;
	char hex[BUNDLE_HEX_BYTES];
	uint8_t digest[BUNDLE_DIGEST_BYTES];

	bundle_make_init(&m);
	arena_init(&a, BUNDLE_ARENA_MAX);
	write_parts(&m.parts, &file);
	CHECK(bundle_is(view_of(file.p, file.len)));
	CHECK(!bundle_is(view_of(file.p, 7)));
	CHECK_OK(bundle_read(view_of(file.p, file.len), &a, &b, NULL));
	CHECK_STR(b.manifest.name, "tests");
	CHECK_STR(b.manifest.version, "1.0");
	CHECK_EQ(b.manifest.security_floor, 7);
	CHECK_EQ(b.manifest.engine_min, ABI_LEVEL);
	CHECK_EQ(b.manifest.engine_max, BUNDLE_ANY_ENGINE);
	CHECK_EQ(b.manifest.n_rules, 2);
	CHECK_EQ(b.manifest.n_programs, 2);
	CHECK_EQ(b.manifest.n_vectors, 1);
	CHECK_EQ(b.manifest.n_types, 2);
	CHECK_STR(b.manifest.types[0].name, "file_open");
	CHECK_EQ(b.manifest.types[0].n_common, FIELD_proc_name + 1);
	CHECK_EQ(b.manifest.types[0].n_own, 0);
	CHECK_STR(b.manifest.types[1].name, "ipc_pipe");
	CHECK_EQ(b.manifest.types[1].n_own, FIELD_ipc_pipe_hops - TEMPLATE_CAP + 1);
	CHECK(!memcmp(&b.manifest.limits, &bundle_usual_limits, sizeof bundle_usual_limits));
	CHECK_EQ(b.content.len, m.elf.len);
	CHECK(!memcmp(b.content.p, m.elf.p, m.elf.len));
	CHECK_EQ(b.vectors.len, 7);
	CHECK_EQ(b.manifest.n_sources, 2);
	CHECK_STR(b.sources[0].name, "a.yaml");
	CHECK_STR(b.sources[1].name, "b.yaml");
	CHECK_EQ(b.sources[1].text.len, 12);
	CHECK(!memcmp(b.sources[1].text.p, "- rule: two\n", 12));
	bundle_digest(view_of(file.p, file.len), digest);
	CHECK(!memcmp(digest, b.digest, sizeof digest));
	CHECK_EQ(strlen(bundle_hex(b.digest, hex)), 64);
	buf_done(&file);
	arena_done(&a);
	bundle_make_done(&m);
}

TEST(the_same_parts_give_the_same_bytes_and_sources_keep_their_order)
{
	struct bundle_source turned[2];
	struct bundle_make m;
	struct buf file, again;

	bundle_make_init(&m);
	write_parts(&m.parts, &file);
	memcpy(turned, m.sources, sizeof turned);
	m.parts.sources = turned;
	write_parts(&m.parts, &again);
	CHECK_EQ(file.len, again.len);
	CHECK(!memcmp(file.p, again.p, file.len));
	buf_done(&again);
	turned[0] = m.sources[1];
	turned[1] = m.sources[0];
	write_parts(&m.parts, &again);
	CHECK_EQ(file.len, again.len);
	CHECK(memcmp(file.p, again.p, file.len) != 0);
	buf_done(&file);
	buf_done(&again);
	bundle_make_done(&m);
}

static void refused(const struct bundle_parts *p, uint16_t id, enum err want)
{
	struct buf out;
	struct diag d;

	diag_init(&d);
	buf_init(&out, BUNDLE_MAX_BYTES);
	CHECK_EQ(bundle_write(p, &out, &d), want);
	CHECK_EQ(d.family, 'B');
	CHECK_EQ(d.id, id);
	buf_done(&out);
}

TEST(what_a_reader_would_refuse_is_not_written)
{
	static const char *const bad_names[] = { "",
						 ".hidden",
						 "a b",
						 "a/b",
						 "a\n",
						 "ä",
						 "0123456789012345678901234567890123456789012345678901234567890123" };
	static const char *const bad_sources[] = { "",         ".",    "..",   ".hidden.yaml", "/etc/rules.yaml",
						   "a/b.yaml", "a\nb", "\x80", "a\x7f" };
	static struct bundle_source many[BUNDLE_MAX_SOURCES + 1];
	struct bundle_make m;
	struct bundle_parts p;

	bundle_make_init(&m);
	for (size_t i = 0; i < countof(bad_names); i++) {
		test_row = bad_names[i];
		p = m.parts;
		p.name = bad_names[i];
		refused(&p, 24, E_INVALID);
		p.name = "good";
		p.version = bad_names[i];
		refused(&p, 24, E_INVALID);
	}
	for (size_t i = 0; i < countof(bad_sources); i++) {
		struct bundle_source s = { bad_sources[i], view_of("x", 1) };

		test_row = bad_sources[i];
		p = m.parts;
		p.sources = &s;
		p.n_sources = 1;
		refused(&p, 36, E_INVALID);
	}
	p = m.parts;
	p.n_sources = 0;
	refused(&p, 32, E_LIMIT);
	p.n_sources = BUNDLE_MAX_SOURCES + 1;
	p.sources = many;
	refused(&p, 32, E_LIMIT);
	p = m.parts;
	m.sources[0].name = "b.yaml";
	refused(&p, 37, E_EXISTS);
	m.sources[0].name = "a.yaml";
	m.sources[0].text.len = BUNDLE_MAX_SOURCE_BYTES + 1;
	refused(&p, 34, E_LIMIT);
	m.sources[0].text.len = 1;
	p.engine_min = 0;
	refused(&p, 28, E_INVALID);
	p.engine_min = 2;
	p.engine_max = 1;
	refused(&p, 28, E_INVALID);
	p = m.parts;
	p.content = view_of("", 0);
	p.limits.cpu_ns = 0;
	refused(&p, 29, E_INVALID);
	bundle_make_done(&m);
}

TEST(f15_a_bundle_of_the_most_bytes_is_written_and_read_and_one_of_a_byte_more_is_neither)
{
	char *text = calloc(1, BUNDLE_MAX_BYTES);
	struct bundle_make m;
	struct bundle b;
	struct arena a;
	struct diag d;
	struct buf file;

	bundle_make_init(&m);
	arena_init(&a, BUNDLE_ARENA_MAX);
	write_parts(&m.parts, &file);
	m.parts.vectors = view_of(text, BUNDLE_MAX_BYTES - file.len + m.parts.vectors.len);
	buf_reset(&file);
	CHECK_OK(bundle_write(&m.parts, &file, NULL));
	CHECK_EQ(file.len, BUNDLE_MAX_BYTES);
	CHECK_OK(bundle_read(view_of(file.p, file.len), &a, &b, NULL));
	m.parts.vectors.len++;
	refused(&m.parts, 5, E_LIMIT);
	((struct bundle_hdr *)(void *)file.p)->bytes++;
	diag_init(&d);
	CHECK_EQ(bundle_read(view_of(file.p, file.len), &a, &b, &d), E_LIMIT);
	CHECK_EQ(d.id, 5);
	buf_done(&file);
	arena_done(&a);
	free(text);
	bundle_make_done(&m);
}
