/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damaged objects: cut, lying, flipped. Whatever the bytes are, reading either fails with a diagnostic or gives
 * programs that keep every promise (read_exact checks). Run under sanitizers to see reads beyond the end.
 */
#include "sample.h"

TEST(an_object_cut_at_any_byte_is_refused)
{
	struct buf file;

	sample_write(&file);
	for (size_t n = 0; n < file.len; n++)
		CHECK(read_exact(file.p, n, NULL) != E_OK);
	CHECK_OK(read_exact(file.p, file.len, NULL));
	buf_done(&file);
	for (size_t n = 0; n < progs_bpf_bytes; n += 7)
		CHECK(read_exact(progs_bpf, n, NULL) != E_OK);
}

static void lie(struct buf *file, size_t at, size_t bytes)
{
	const uint64_t lies[] = { 0,
				  1,
				  2,
				  3,
				  4,
				  7,
				  8,
				  9,
				  63,
				  64,
				  file->len - 1,
				  file->len,
				  file->len + 1,
				  0x7fff,
				  0xffff,
				  0x10000,
				  0x7fffffff,
				  0x80000000,
				  0xfffffff8,
				  0xffffffff,
				  1ull << 32,
				  INT64_MAX,
				  1ull << 63,
				  UINT64_MAX - 7,
				  UINT64_MAX };
	uint8_t old[8];

	memcpy(old, file->p + at, bytes);
	for (size_t i = 0; i < countof(lies); i++) {
		memcpy(file->p + at, &lies[i], bytes);
		(void)read_exact(file->p, file->len, NULL);
	}
	memcpy(file->p + at, old, bytes);
}

static void lie_in_every_header(struct buf *file)
{
	static const uint8_t file_fields[][2] = { { 16, 2 }, { 18, 2 }, { 20, 4 }, { 40, 8 },
						  { 52, 2 }, { 58, 2 }, { 60, 2 }, { 62, 2 } };
	static const uint8_t fields[][2] = { { 0, 4 },  { 4, 4 },  { 8, 8 },  { 16, 8 }, { 24, 8 },
					     { 32, 8 }, { 40, 4 }, { 44, 4 }, { 48, 8 }, { 56, 8 } };
	uint64_t table;
	uint16_t n;

	memcpy(&table, file->p + 40, 8);
	memcpy(&n, file->p + 60, 2);
	for (size_t i = 0; i < countof(file_fields); i++)
		lie(file, file_fields[i][0], file_fields[i][1]);
	for (uint16_t s = 0; s < n; s++)
		for (size_t i = 0; i < countof(fields); i++)
			lie(file, table + 64u * s + fields[i][0], fields[i][1]);
	CHECK_OK(read_exact(file->p, file->len, NULL));
}

TEST(no_header_field_is_trusted)
{
	struct buf file;

	sample_write(&file);
	lie_in_every_header(&file);
	buf_done(&file);
}

TEST(no_header_field_of_a_compiled_object_is_trusted)
{
	struct buf file;

	buf_init(&file, 1 << 20);
	buf_put(&file, progs_bpf, progs_bpf_bytes);
	lie_in_every_header(&file);
	buf_done(&file);
}

TEST(no_header_field_of_an_object_with_externs_is_trusted)
{
	struct buf file;

	buf_init(&file, 1 << 20);
	buf_put(&file, features_bpf, features_bpf_bytes);
	lie_in_every_header(&file);
	buf_done(&file);
}

TEST(no_word_inside_symbols_relocations_types_and_lines_is_trusted)
{
	static const char *const names[] = { ".symtab", ".relsallyport/rule", ".BTF", ".BTF.ext",
					     ".maps",   "sallyport/rule" };
	struct buf file;

	sample_write(&file);
	for (size_t i = 0; i < countof(names); i++)
		for (size_t k = 0; k + 4 <= shdr(&file, names[i])->sh_size; k += 4)
			lie(&file, shdr(&file, names[i])->sh_offset + k, 4);
	CHECK_OK(read_exact(file.p, file.len, NULL));
	buf_done(&file);
}

/* Flip 1 to 3 bits, read, put them back. Returns how many of n reads succeeded all the same. */
static unsigned flip(struct buf *file, unsigned n, uint64_t seed)
{
	unsigned n_ok = 0;

	for (unsigned i = 0; i < n; i++) {
		size_t at[3];
		uint8_t old[3];
		unsigned k, flips = 1 + i % 3;

		for (k = 0; k < flips; k++) {
			uint64_t noise = hash_u64(seed++);

			at[k] = noise % file->len;
			old[k] = (uint8_t)file->p[at[k]];
			file->p[at[k]] = (char)(old[k] ^ 1u << (noise >> 32) % 8);
		}
		n_ok += read_exact(file->p, file->len, NULL) == E_OK;
		while (k--)
			file->p[at[k]] = (char)old[k];
	}
	return n_ok;
}

TEST(random_bit_flips_never_break_a_promise)
{
	struct buf file;
	unsigned n_ok;

	sample_write(&file);
	n_ok = flip(&file, 20000, 1);
	CHECK(n_ok > 100 && n_ok < 19000); /* the flips reach the parser's inside, and matter */
	CHECK_OK(read_exact(file.p, file.len, NULL));
	buf_done(&file);
}

TEST(random_bit_flips_in_a_compiled_object_never_break_a_promise)
{
	struct buf file;

	buf_init(&file, 1 << 20);
	buf_put(&file, progs_bpf, progs_bpf_bytes);
	(void)flip(&file, 10000, 1000000);
	CHECK_OK(read_exact(file.p, file.len, NULL));
	buf_done(&file);
}

TEST(random_bit_flips_in_an_object_with_externs_never_break_a_promise)
{
	struct buf file;

	buf_init(&file, 1 << 20);
	buf_put(&file, features_bpf, features_bpf_bytes);
	(void)flip(&file, 10000, 2000000);
	CHECK_OK(read_exact(file.p, file.len, NULL));
	buf_done(&file);
}

TEST(no_word_of_what_externs_and_addresses_stand_in_is_trusted)
{
	static const char *const names[] = { ".symtab", ".rel.data", ".rel.maps", ".relfirst", ".maps", ".data" };
	struct buf file;

	buf_init(&file, 1 << 20);
	buf_put(&file, features_bpf, features_bpf_bytes);
	for (size_t i = 0; i < countof(names); i++)
		for (size_t k = 0; k + 4 <= shdr(&file, names[i])->sh_size; k += 4)
			lie(&file, shdr(&file, names[i])->sh_offset + k, 4);
	CHECK_OK(read_exact(file.p, file.len, NULL));
	buf_done(&file);
}

TEST(a_small_arena_is_an_error_not_a_crash)
{
	struct buf file;

	sample_write(&file);
	for (size_t cap = 0; cap < 100000; cap += 512) {
		struct arena a;
		struct obj o;
		enum err e;

		arena_init(&a, cap);
		e = obj_read(view_of(file.p, file.len), "test.o", NULL, &a, &o, NULL);
		CHECK(e == E_OK || e == E_NOMEM);
		arena_done(&a);
	}
	buf_done(&file);
}
