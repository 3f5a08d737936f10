/* SPDX-License-Identifier: Apache-2.0 */
/* Files that lie: each refusal by its id, every cut, every bit. */
#include "bundle_make.h"

/* Where the word is written: over the file as it is, or into a section whose digests are then made right. */
enum where { FILE_RAW = -1, MANIFEST, CONTENT, VECTORS, SOURCES };

#define HDR(member) offsetof(struct bundle_hdr, member)
#define SEC(i, member)                                                         \
	(sizeof(struct bundle_hdr) + (i) * sizeof(struct bundle_hdr_section) + \
	 offsetof(struct bundle_hdr_section, member))
#define MF(member) offsetof(struct bundle_manifest_hdr, member)
#define MFT(i, member)                                                                    \
	(sizeof(struct bundle_manifest_hdr) + (i) * sizeof(struct bundle_manifest_type) + \
	 offsetof(struct bundle_manifest_type, member))
#define MFS(i) (sizeof(struct bundle_manifest_hdr) + 2 * sizeof(struct bundle_manifest_type) + (i))
#define SO(member) offsetof(struct bundle_sources_hdr, member)
#define SOR(i, member)                                                                 \
	(sizeof(struct bundle_sources_hdr) + (i) * sizeof(struct bundle_sources_rec) + \
	 offsetof(struct bundle_sources_rec, member))
#define SOT(i) (sizeof(struct bundle_sources_hdr) + 2 * sizeof(struct bundle_sources_rec) + (i))

/* The bundle of bundle_make: strings of the manifest are tests 1.0 file_open ipc_pipe; sources a.yaml and b.yaml. */
static const struct lie {
	uint16_t id;
	int where;
	size_t offset;
	uint32_t bytes;
	uint64_t value;
} lies[] = {
	{ 1, FILE_RAW, 0, 1, 'X' },
	{ 2, FILE_RAW, HDR(version), 4, 2 },
	{ 2, FILE_RAW, HDR(version), 4, 0 },
	{ 3, FILE_RAW, HDR(bytes), 8, 1 << 20 },
	{ 4, FILE_RAW, HDR(bytes), 8, 24 },
	{ 5, FILE_RAW, HDR(bytes), 8, BUNDLE_MAX_BYTES + 1 },
	{ 5, FILE_RAW, HDR(bytes), 8, UINT64_MAX },
	{ 6, FILE_RAW, HDR(n_sections), 4, 3 },
	{ 6, FILE_RAW, HDR(n_sections), 4, 5 },
	{ 6, FILE_RAW, HDR(n_sections), 4, UINT32_MAX },
	{ 7, FILE_RAW, SEC(0, kind), 4, BUNDLE_CONTENT },
	{ 7, FILE_RAW, SEC(1, kind), 4, BUNDLE_MANIFEST },
	{ 7, FILE_RAW, SEC(3, kind), 4, BUNDLE_VECTORS },
	{ 7, FILE_RAW, SEC(3, kind), 4, 0 },
	{ 8, FILE_RAW, SEC(0, offset), 8, 0 },
	{ 8, FILE_RAW, SEC(1, offset), 8, 248 },
	{ 8, FILE_RAW, SEC(2, offset), 8, UINT64_MAX },
	{ 9, FILE_RAW, SEC(0, bytes), 8, UINT64_MAX },
	{ 9, FILE_RAW, SEC(3, bytes), 8, UINT64_MAX - 8 },
	{ 10, FILE_RAW, SEC(1, digest), 1, 0 },
	{ 10, FILE_RAW, SEC(2, bytes), 8, 6 },
	{ 11, FILE_RAW, SEC(2, zero), 4, 1 },
	{ 21, MANIFEST, MF(magic), 1, 'X' },
	{ 21, MANIFEST, MF(version), 4, 2 },
	{ 22, MANIFEST, MF(str_bytes), 4, 0 },
	{ 22, MANIFEST, MF(str_bytes), 4, UINT32_MAX },
	{ 22, MANIFEST, MF(n_types), 4, 3 },
	{ 22, MANIFEST, MF(n_types), 4, 0 },
	{ 23, MANIFEST, MFS(5), 1, 'x' }, /* then names are one, and the last has none */
	{ 23, MANIFEST, MFS(23), 1, 0 },  /* one string too many */
	{ 24, MANIFEST, MFS(0), 1, '-' },
	{ 24, MANIFEST, MFS(1), 1, ' ' },
	{ 24, MANIFEST, MFS(0), 1, 0 },
	{ 24, MANIFEST, MFS(7), 1, '/' },
	{ 25, MANIFEST, MF(n_types), 4, TEMPLATE_MAX_TYPES + 1 },
	{ 25, MANIFEST, MF(n_types), 4, UINT32_MAX },
	{ 26, MANIFEST, MFT(0, n_common), 4, TEMPLATE_CAP + 1 },
	{ 26, MANIFEST, MFT(1, n_own), 4, UINT32_MAX },
	{ 27, MANIFEST, MFS(10), 1, 'j' },
	{ 27, MANIFEST, MFS(10), 1, 0 },
	{ 28, MANIFEST, MF(engine_min), 4, 0 },
	{ 28, MANIFEST, MF(engine_max), 4, 0 },
	{ 29, MANIFEST, MF(limits) + offsetof(struct bundle_limits, programs), 8, 0 },
	{ 29, MANIFEST, MF(limits) + offsetof(struct bundle_limits, cpu_ns), 8, 0 },
	{ 31, SOURCES, SO(magic), 1, 'X' },
	{ 31, SOURCES, SO(version), 4, 2 },
	{ 32, SOURCES, SO(n_sources), 4, 0 },
	{ 32, SOURCES, SO(n_sources), 4, BUNDLE_MAX_SOURCES + 1 },
	{ 33, SOURCES, SO(flags), 4, 2 },
	{ 34, SOURCES, SOR(0, text_bytes), 4, BUNDLE_MAX_SOURCE_BYTES + 1 },
	{ 35, SOURCES, SOR(1, text_bytes), 4, 13 },
	{ 35, SOURCES, SOR(0, name_bytes), 4, UINT32_MAX },
	{ 35, SOURCES, SO(n_sources), 4, BUNDLE_MAX_SOURCES },
	{ 36, SOURCES, SOT(1), 1, '/' },
	{ 36, SOURCES, SOT(0), 1, '.' },
	{ 36, SOURCES, SOT(2), 1, 0 },
	{ 36, SOURCES, SOR(0, name_bytes), 4, 0 },
	{ 37, SOURCES, SOT(0), 1, 'b' },
	{ 38, SOURCES, SOR(1, text_bytes), 4, 11 },
	{ 39, MANIFEST, MF(n_sources), 4, 1 },
	{ 40, MANIFEST, MF(engine_min), 4, ABI_LEVEL + 1 },
	{ 43, MANIFEST, MF(security_floor), 8, 4 },
	{ 44, MANIFEST, MF(limits) + offsetof(struct bundle_limits, fuel), 8, VM_FUEL_DEFAULT + 1 },
	{ 44, MANIFEST, MF(limits) + offsetof(struct bundle_limits, arena_bytes), 8, UINT64_MAX },
	{ 45, MANIFEST, MF(limits) + offsetof(struct bundle_limits, programs), 8, 1 },
	{ 46, MANIFEST, MF(n_rules), 4, 1 },
	{ 46, MANIFEST, MF(n_programs), 4, 3 },
	{ 47, MANIFEST, MFT(0, n_common), 4, 1 }, /* stands for other fields, too: the schema is looked at before */
	{ 48, MANIFEST, MF(n_vectors), 4, 0 },
	{ 49, MANIFEST, MF(limits) + offsetof(struct bundle_limits, arena_bytes), 8, 4096 },
	{ 50, MANIFEST, MFS(10), 1, 'a' },
	{ 51, MANIFEST, MFT(0, n_common), 4, TEMPLATE_CAP },
	{ 52, MANIFEST, MFT(1, digest_own), 1, 0x5a },
};

static struct bundle_host host(void)
{
	struct bundle_host h = bundle_this_host();

	h.security_floor = 5;
	return h;
}

static void write_small(struct buf *out)
{
	struct bundle_make m;

	bundle_make_init(&m);
	buf_init(out, BUNDLE_MAX_BYTES);
	CHECK_OK(bundle_write(&m.parts, out, NULL));
	bundle_make_done(&m);
}

static void tell(const struct lie *lie, const struct buf *good, struct buf *out)
{
	struct bundle_split s;

	bundle_split_init(&s, good);
	if (lie->where != FILE_RAW) {
		CHECK(lie->offset + lie->bytes <= s.part[lie->where].len);
		memcpy(s.part[lie->where].p + lie->offset, &lie->value, lie->bytes);
	}
	bundle_split_join(&s, out);
	if (lie->where == FILE_RAW)
		memcpy(out->p + lie->offset, &lie->value, lie->bytes);
	bundle_split_done(&s);
}

static bool told[100];

static void expect(const struct buf *file, uint16_t id)
{
	const struct bundle_host h = host();
	struct diag d;

	CHECK(bundle_try(file, &h, &d) != E_OK);
	CHECK_EQ(d.family, 'B');
	CHECK_EQ(d.id, id);
	CHECK(d.text[0]);
	told[d.id] = true;
}

/* Types that are the sensor's own, but shorter ones than the content's. */
static void shorten_type(const struct buf *good, struct buf *out)
{
	struct bundle_manifest_type t;
	struct bundle_split s;

	bundle_split_init(&s, good);
	memcpy(&t, s.part[0].p + MFT(0, n_common), sizeof t);
	t.n_common--;
	template_digest("common", &template_builtin.common, t.n_common, t.digest_common);
	memcpy(s.part[0].p + MFT(0, n_common), &t, sizeof t);
	bundle_split_join(&s, out);
	bundle_split_done(&s);
}

/* A section that is swapped for another, with the table right and the manifest another bundle's. */
static void mix(const struct buf *good, struct buf *out)
{
	struct bundle_split s;
	size_t at;

	bundle_split_init(&s, good);
	bundle_split_join(&s, out);
	at = out->len - 1;
	out->p[at] ^= 1; /* in the last source */
	bundle_digest(view_of(out->p + at + 1 - s.part[3].len, s.part[3].len), (uint8_t *)out->p + SEC(3, digest));
	bundle_split_done(&s);
}

static void replace(const struct buf *good, uint32_t section, const void *p, size_t len, struct buf *out)
{
	struct bundle_split s;

	bundle_split_init(&s, good);
	buf_reset(&s.part[section]);
	buf_put(&s.part[section], p, len);
	bundle_split_join(&s, out);
	bundle_split_done(&s);
}

/* An ELF file that is none of ours. */
static void other_elf(struct buf *out)
{
	struct obj_out o = { .license = "GPL" };

	buf_init(out, 1 << 20);
	CHECK_OK(obj_write(&o, out, NULL));
}

static void say_other_things(const struct buf *good)
{
	struct buf file, elf;
	struct bundle_host h;
	struct diag d;

	shorten_type(good, &file);
	expect(&file, 47);
	buf_done(&file);
	mix(good, &file);
	expect(&file, 12);
	buf_done(&file);
	replace(good, MANIFEST, "SPMF", 4, &file);
	expect(&file, 20);
	buf_done(&file);
	replace(good, SOURCES, "SPSO", 4, &file);
	expect(&file, 30);
	buf_done(&file);
	other_elf(&elf);
	replace(good, CONTENT, elf.p, elf.len, &file);
	expect(&file, 54);
	buf_done(&file);
	buf_done(&elf);
	h = host();
	h.level = UINT32_MAX;
	h.level_oldest = ABI_LEVEL + 1;
	CHECK_EQ(bundle_try(good, &h, &d), E_UNSUPPORTED);
	CHECK_EQ(d.id, 42);
	told[42] = true;
}

TEST(a_bundle_that_was_made_otherwise_says_in_which_section)
{
	static const char *const words[] = { "manifest", "content", "vectors", "sources" };
	struct buf good, file;
	struct bundle_split s;
	struct diag d;

	write_small(&good);
	CHECK_OK(bundle_same(view_of(good.p, good.len), view_of(good.p, good.len), NULL));
	for (uint32_t i = 0; i < BUNDLE_N_SECTIONS; i++) {
		bundle_split_init(&s, &good);
		s.part[i].p[s.part[i].len - 2] ^= 1;
		bundle_split_join(&s, &file);
		diag_init(&d);
		CHECK_EQ(bundle_same(view_of(file.p, file.len), view_of(good.p, good.len), &d), E_INVALID);
		CHECK_EQ(d.id, 56);
		CHECK_HAS(d.text, words[i]);
		buf_done(&file);
		buf_putc(&s.part[i], 0);
		bundle_split_join(&s, &file);
		CHECK_EQ(bundle_same(view_of(file.p, file.len), view_of(good.p, good.len), &d), E_INVALID);
		CHECK_HAS(d.text, words[i]);
		buf_done(&file);
		bundle_split_done(&s);
	}
	told[56] = true;
	buf_done(&good);
}

/* Programs of one type that count on the same number of fields, and on different ones. */
static void contradict(void)
{
	struct bundle_make m;
	struct buf file;
	struct diag d;

	bundle_make_init(&m);
	make_rule(&m.m, "again", "");
	make_begin(&m.m);
	make_if_number(&m.m, FIELD_ipc_pipe_hops, 3);
	make_end(&m.m, TEMPLATE_TYPE_ipc_pipe);
	m.m.records[m.m.n_progs - 1].own.digest[0] ^= 1;
	buf_done(&m.elf);
	make_write(&m.m, &m.elf);
	m.parts.content = view_of(m.elf.p, m.elf.len);
	buf_init(&file, BUNDLE_MAX_BYTES);
	diag_init(&d);
	CHECK_EQ(bundle_write(&m.parts, &file, &d), E_FORMAT);
	CHECK_EQ(d.id, 55);
	told[55] = true;
	buf_done(&file);
	bundle_make_done(&m);
}

/* A file that is whole and has no vectors. */
static void say_unsignable(void)
{
	struct bundle b = { .manifest = { .n_vectors = 1 } };
	struct diag d;

	diag_init(&d);
	CHECK_OK(bundle_signable(&b, &d));
	b.manifest.n_vectors = 0;
	CHECK_EQ(bundle_signable(&b, &d), E_REJECTED);
	CHECK_EQ(d.id, 57);
	told[57] = true;
}

TEST(each_refusal_has_its_id)
{
	struct buf good, file;
	char row[64];

	write_small(&good);
	for (size_t i = 0; i < countof(lies); i++) {
		struct lie lie = lies[i];

		(void)snprintf(row, sizeof row, "row %zu: B%03u", i, lie.id);
		test_row = row;
		tell(&lie, &good, &file);
		/* A prefix that is cut without its digest is, first of all, not this sensor's. */
		expect(&file, lie.id == 47 ? 52 : lie.id);
		buf_done(&file);
	}
	say_other_things(&good);
	contradict();
	tell(&(struct lie){ 41, MANIFEST, MF(engine_max), 4, ABI_LEVEL }, &good, &file);
	{
		struct bundle_host h = host();
		struct diag d;

		CHECK_OK(bundle_try(&file, &h, &d));
		h.level++;
		CHECK_EQ(bundle_try(&file, &h, &d), E_UNSUPPORTED);
		CHECK_EQ(d.id, 41);
		told[41] = true;
	}
	buf_done(&file);
	say_unsignable();
	for (size_t i = 0; i < bundle_n_diags; i++) {
		test_row = bundle_diags[i].title;
		CHECK(told[bundle_diags[i].id]);
	}
	buf_done(&good);
}

TEST(every_cut_of_a_bundle_is_refused)
{
	const struct bundle_host h = host();
	struct buf good, cut;
	struct diag d;

	write_small(&good);
	CHECK_OK(bundle_try(&good, &h, &d));
	cut = good;
	for (cut.len = 0; cut.len < good.len; cut.len++) {
		CHECK(bundle_try(&cut, &h, &d) != E_OK);
		CHECK(d.id == 1 || d.id == 3);
	}
	buf_putc(&good, 0);
	CHECK_EQ(bundle_try(&good, &h, &d), E_FORMAT);
	CHECK_EQ(d.id, 4);
	buf_done(&good);
}

TEST(every_flipped_bit_of_a_bundle_is_refused)
{
	const struct bundle_host h = host();
	struct buf good;
	struct diag d;

	write_small(&good);
	for (size_t i = 0; i < 8 * good.len; i++) {
		good.p[i / 8] ^= (char)(1 << i % 8);
		CHECK(bundle_try(&good, &h, &d) != E_OK);
		CHECK_EQ(d.family, 'B');
		good.p[i / 8] ^= (char)(1 << i % 8);
	}
	CHECK_OK(bundle_try(&good, &h, &d));
	buf_done(&good);
}

/* The same under right digests: what is read and passes says what the bytes say, as writing it again shows. */
TEST(every_flipped_bit_of_manifest_and_sources_is_refused_or_means_what_it_says)
{
	static const int where[] = { MANIFEST, SOURCES };
	const struct bundle_host h = host();
	struct buf good, file;
	struct bundle_split s;
	uint32_t passed = 0;
	struct diag d;

	write_small(&good);
	for (size_t w = 0; w < countof(where); w++) {
		bundle_split_init(&s, &good);
		for (size_t i = 0; i < 8 * s.part[where[w]].len; i++) {
			struct buf *p = &s.part[where[w]];

			p->p[i / 8] ^= (char)(1 << i % 8);
			bundle_split_join(&s, &file);
			if (bundle_try(&file, &h, &d) == E_OK) {
				struct bundle b;
				struct arena a;
				struct buf again;

				arena_init(&a, BUNDLE_ARENA_MAX);
				CHECK_OK(bundle_read(view_of(file.p, file.len), &a, &b, NULL));
				buf_init(&again, BUNDLE_MAX_BYTES);
				CHECK_OK(bundle_write(
					&(struct bundle_parts){ .name = b.manifest.name,
								.version = b.manifest.version,
								.security_floor = b.manifest.security_floor,
								.engine_min = b.manifest.engine_min,
								.engine_max = b.manifest.engine_max,
								.limits = b.manifest.limits,
								.content = b.content,
								.vectors = b.vectors,
								.n_vectors = b.manifest.n_vectors,
								.sources = b.sources,
								.n_sources = b.manifest.n_sources,
								.flags = b.flags },
					&again, NULL));
				CHECK_EQ(again.len, file.len);
				CHECK(!memcmp(again.p, file.p, file.len));
				buf_done(&again);
				arena_done(&a);
				passed++;
			}
			buf_done(&file);
			p->p[i / 8] ^= (char)(1 << i % 8);
		}
		bundle_split_done(&s);
	}
	CHECK(passed > 0); /* names, texts and numbers that may be anything */
	buf_done(&good);
}

TEST(f16_zeroes_cuts_and_records_twice_are_refused_everywhere)
{
	static const char zero[4096];
	const struct bundle_host h = host();
	struct buf good, file;
	struct bundle_split s;
	struct diag d;

	write_small(&good);
	for (size_t n = 0; n <= sizeof zero; n = 2 * n + 1) {
		file = (struct buf){ .p = (char *)(uintptr_t)zero, .len = n };
		CHECK(bundle_try(&file, &h, &d) != E_OK);
		CHECK_EQ(d.id, 1);
		for (int w = MANIFEST; w <= SOURCES; w++) {
			if (w == VECTORS)
				continue;
			replace(&good, (uint32_t)w, zero, n, &file);
			CHECK(bundle_try(&file, &h, &d) != E_OK);
			buf_done(&file);
		}
	}
	bundle_split_init(&s, &good);
	for (int w = MANIFEST; w <= SOURCES; w++) {
		size_t len = s.part[w].len;

		for (size_t cut = 0; cut < len && w != VECTORS; cut++) {
			replace(&good, (uint32_t)w, s.part[w].p, cut, &file);
			CHECK(bundle_try(&file, &h, &d) != E_OK);
			buf_done(&file);
		}
		buf_put(&s.part[w], s.part[w].p, 0);
		replace(&good, (uint32_t)w, s.part[w].p, len, &file);
		CHECK_OK(bundle_try(&file, &h, &d));
		buf_done(&file);
	}
	bundle_split_done(&s);
	buf_done(&good);
}

TEST(f16_a_source_or_an_event_type_that_is_there_twice_is_refused)
{
	const struct bundle_host h = host();
	struct buf good, file;
	struct bundle_split s;
	struct diag d;

	write_small(&good);
	bundle_split_init(&s, &good);
	memcpy(s.part[SOURCES].p + SOT(18), "a.yaml", 6); /* behind a.yaml and its 12 bytes */
	bundle_split_join(&s, &file);
	CHECK_EQ(bundle_try(&file, &h, &d), E_FORMAT);
	CHECK_EQ(d.id, 37);
	buf_done(&file);
	bundle_split_done(&s);
	bundle_split_init(&s, &good);
	memcpy(s.part[MANIFEST].p + MF(str_bytes), &(uint32_t){ 30 }, 4);
	s.part[MANIFEST].len = MFS(20);
	buf_put(&s.part[MANIFEST], "file_open", 10);
	bundle_split_join(&s, &file);
	CHECK_EQ(bundle_try(&file, &h, &d), E_FORMAT);
	CHECK_EQ(d.id, 27);
	buf_done(&file);
	bundle_split_done(&s);
	buf_done(&good);
}
