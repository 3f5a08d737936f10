/* SPDX-License-Identifier: Apache-2.0 */
/* Every diagnostic that reading a capture can give, provoked; and compressed captures. */
#include <fcntl.h>
#include <zlib.h>

#include "make.h"
#include "own_file.h"
#include "sensor/capture/parts.h"

enum { WINDOW_GZIP = 15 + 16 };

static bool provoked[64];

static void provoke(const char *row, struct view v, enum err err, uint16_t id, uint64_t offset)
{
	struct judged j;

	test_row = row;
	judge(v, &j);
	CHECK_EQ(j.d.id, id);
	CHECK_EQ(j.err, err);
	CHECK_EQ(j.d.offset, offset);
	CHECK_EQ(j.d.family, 'P');
	provoked[id] = true;
	judged_done(&j);
	test_row = NULL;
}

/* A whole capture with one block whose records are p, and what edit does to it; its checksums agree. */
struct forged {
	struct own_header h;
	struct own_block b;
	struct rec r;
	struct own_block eb;
	struct own_end e;
	char after;
};

static size_t forge(uint8_t *out, struct forged *f)
{
	size_t n = sizeof f->h, len = f->r.hdr.bytes;

	f->h.crc = capture_crc32c(0, &f->h, offsetof(struct own_header, crc));
	f->b.payload_crc = capture_crc32c(0, f->r.bytes, len);
	f->b.crc = capture_crc32c(0, &f->b, offsetof(struct own_block, crc));
	f->eb.payload_crc = capture_crc32c(0, &f->e, sizeof f->e);
	f->eb.crc = capture_crc32c(0, &f->eb, offsetof(struct own_block, crc));
	memcpy(out, &f->h, n);
	memcpy(out + n, &f->b, sizeof f->b);
	n += sizeof f->b;
	memcpy(out + n, f->r.bytes, len);
	n += len;
	memcpy(out + n, &f->eb, sizeof f->eb);
	n += sizeof f->eb;
	memcpy(out + n, &f->e, sizeof f->e);
	n += sizeof f->e;
	if (f->after)
		out[n++] = (uint8_t)f->after;
	return n;
}

static void forged_init(struct forged *f)
{
	memset(f, 0, sizeof *f);
	f->h = (struct own_header){ .version = 1, .bytes = sizeof f->h, .layout = capture_layout() };
	memcpy(f->h.magic, OWN_MAGIC, 8);
	own_file_record(&f->r, 1);
	f->b = (struct own_block){
		.magic = OWN_BLOCK_MAGIC, .type = OWN_RECORDS, .bytes = f->r.hdr.bytes, .n_records = 1
	};
	f->eb = (struct own_block){ .magic = OWN_BLOCK_MAGIC, .type = OWN_END, .bytes = sizeof f->e, .first = 1 };
	f->e = (struct own_end){ .records = 1, .blocks = 1, .kinds[WIRE_OPEN] = 1 };
}

static void provoke_own(const char *row, void (*edit)(struct forged *f), enum err err, uint16_t id, uint64_t offset)
{
	static struct forged f;
	static uint8_t bytes[64 << 10];

	forged_init(&f);
	edit(&f);
	provoke(row, view_of(bytes, forge(bytes, &f)), err, id, offset);
}

enum { BLOCK_AT = sizeof(struct own_header), RECORDS_AT = BLOCK_AT + sizeof(struct own_block) };

// clang-format off
static void version_2(struct forged *f) { f->h.version = 2; }
static void long_header(struct forged *f) { f->h.bytes = 512; }
static void other_layout(struct forged *f) { f->h.layout ^= 1; }
static void block_magic(struct forged *f) { f->b.magic = 7; }
static void block_type(struct forged *f) { f->b.type = 9; }
static void big_block(struct forged *f) { f->b.bytes = CAPTURE_BLOCK_MAX + 1; }
static void gap(struct forged *f) { f->b.first = 5; }
static void late_users(struct forged *f) { f->b.n_records = 0; f->b.type = OWN_USERS; f->eb.type = OWN_USERS; f->eb.first = 0; }
static void count(struct forged *f) { f->b.n_records = 2; }
static void totals(struct forged *f) { f->e.kinds[WIRE_EXEC] = 1; }
static void end_bytes(struct forged *f) { f->eb.bytes -= 8; }
static void trailing(struct forged *f) { f->after = 1; }
// clang-format on

static void own_faults(void)
{
	static struct forged f;
	static uint8_t bytes[64 << 10];
	struct judged j;
	size_t n;

	forged_init(&f);
	n = forge(bytes, &f);
	judge(view_of(bytes, n), &j);
	CHECK_EQ(j.err, E_NOT_FOUND); /* as it is, it is whole */
	judged_done(&j);
	provoke_own("another version", version_2, E_UNSUPPORTED, 4, 8);
	provoke_own("a longer header", long_header, E_UNSUPPORTED, 4, 12);
	provoke_own("other records", other_layout, E_SCHEMA, 5, 20);
	bytes[BLOCK_AT + 8] ^= 1;
	provoke("a flipped bit", view_of(bytes, n), E_FORMAT, 6, BLOCK_AT);
	provoke_own("no block", block_magic, E_FORMAT, 7, BLOCK_AT);
	provoke_own("type 9", block_type, E_FORMAT, 7, BLOCK_AT + 4);
	provoke_own("a large block", big_block, E_LIMIT, 14, BLOCK_AT + 8);
	provoke_own("a gap", gap, E_FORMAT, 9, BLOCK_AT);
	provoke_own("users twice", late_users, E_FORMAT, 9, BLOCK_AT + sizeof(struct own_block) + f.r.hdr.bytes);
	provoke_own("number of records", count, E_FORMAT, 8, RECORDS_AT);
	provoke_own("totals", totals, E_FORMAT, 10, RECORDS_AT + f.r.hdr.bytes + sizeof(struct own_block));
	provoke_own("an end that is too short", end_bytes, E_FORMAT, 6, RECORDS_AT + f.r.hdr.bytes);
	provoke_own("something after the end", trailing, E_FORMAT, 11, n);
}

/* Without its checksums being right the inside is not looked at; with them it is. */
static void own_records(void)
{
	static struct forged f;
	static uint8_t bytes[64 << 10];
	size_t len;
	uint32_t claimed;

	forged_init(&f);
	len = forge(bytes, &f);
	claimed = f.r.hdr.bytes + 1;
	memcpy(bytes + RECORDS_AT, &claimed, 4);
	f.b.payload_crc = capture_crc32c(0, bytes + RECORDS_AT, f.r.hdr.bytes);
	f.b.crc = capture_crc32c(0, &f.b, offsetof(struct own_block, crc));
	memcpy(bytes + BLOCK_AT, &f.b, sizeof f.b);
	provoke("a record longer than its block", view_of(bytes, len), E_FORMAT, 8, RECORDS_AT);
	claimed = 8;
	memcpy(bytes + RECORDS_AT, &claimed, 4);
	f.b.payload_crc = capture_crc32c(0, bytes + RECORDS_AT, f.r.hdr.bytes);
	f.b.crc = capture_crc32c(0, &f.b, offsetof(struct own_block, crc));
	memcpy(bytes + BLOCK_AT, &f.b, sizeof f.b);
	provoke("a record shorter than a header", view_of(bytes, len), E_FORMAT, 8, RECORDS_AT);
}

/* gzip in memory; caller frees. */
static struct view gzip(struct view in)
{
	z_stream z = { 0 };
	size_t max;
	uint8_t *out;

	CHECK_EQ(deflateInit2(&z, 9, Z_DEFLATED, WINDOW_GZIP, 9, Z_DEFAULT_STRATEGY), Z_OK);
	max = deflateBound(&z, in.len);
	out = malloc(max);
	z.next_in = (uint8_t *)(uintptr_t)in.p;
	z.avail_in = (uInt)in.len;
	z.next_out = out;
	z.avail_out = (uInt)max;
	CHECK_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
	max -= z.avail_out;
	(void)deflateEnd(&z);
	return view_of(out, max);
}

static void compressed_faults(void)
{
	static uint8_t zeros[24 << 20];
	struct own_file f;
	struct view z;
	struct mk m;

	own_file_make(&f, 50);
	z = gzip(f.bytes);
	((uint8_t *)(uintptr_t)z.p)[z.len - 6] ^= 1; /* of gzip's own checksum */
	provoke("damaged gzip", z, E_FORMAT, 12, f.bytes.len);
	free((void *)(uintptr_t)z.p);
	own_file_done(&f);

	buf_init(&m.b, 64 << 20);
	mk_section(&m, 1);
	mk_begin(&m, 0x9999);
	buf_put(&m.b, zeros, sizeof zeros);
	mk_end(&m);
	z = gzip(mk_view(&m));
	CHECK(z.len < 64 << 10);
	provoke("a bomb", z, E_LIMIT, 13, 16777216);
	free((void *)(uintptr_t)z.p);
	buf_done(&m.b);
}

static void scap_faults(void)
{
	struct mk m;
	size_t at;

	provoke("nothing", view_of("", 0), E_FORMAT, 2, 0);
	provoke("text", view_of("#!/bin/sh\n", 10), E_FORMAT, 2, 0);
	mk_start(&m);
	provoke("cut", view_of(m.b.p, 20), E_TRUNCATED, 3, 8);
	m.b.p[8] = 0x1a, m.b.p[9] = 0x2b, m.b.p[10] = 0x3c, m.b.p[11] = 0x4d;
	provoke("other byte order", mk_view(&m), E_UNSUPPORTED, 15, 8);
	m.b.p[8] = 0;
	provoke("other magic", mk_view(&m), E_FORMAT, 2, 8);
	buf_reset(&m.b);
	mk_section(&m, 2);
	provoke("version 2", mk_view(&m), E_UNSUPPORTED, 4, 12);
	buf_reset(&m.b);
	mk_section(&m, 1);
	at = m.b.len;
	mk_begin(&m, 0x201);
	mk_num(&m, 0, 8);
	mk_end(&m);
	provoke("a small machine", mk_view(&m), E_FORMAT, 16, at + 8);
	m.b.p[at + 4] = 8;
	provoke("a block of 8 bytes", mk_view(&m), E_FORMAT, 7, at + 4);
	m.b.p[at + 7] = 0x70;
	provoke("a block of 1.8 GiB", mk_view(&m), E_LIMIT, 14, at + 4);
	buf_reset(&m.b);
	mk_section(&m, 1);
	at = m.b.len;
	mk_event(&m, 1, 3, P64(3), PSTR("/a"), P32(1), P32(0));
	m.b.p[at + 8 + 2 + 26] = 9; /* the first parameter has 9 bytes of 8 */
	provoke("parameters", mk_view(&m), E_FORMAT, 17, at + 8 + 2);
	m.b.p[m.b.len - 1] = 1;
	provoke("another length at its end", mk_view(&m), E_FORMAT, 7, at);
	buf_done(&m.b);
}

static void memory_fault(void)
{
	struct mk m;
	size_t at;

	mk_start(&m);
	mk_shell(&m);
	at = m.b.len;
	mk_begin(&m, 0x203);
	mk_num(&m, 100, 8);
	for (uint64_t fd = 0; fd < 70000; fd++) {
		mk_num(&m, fd, 8);
		mk_num(&m, 0, 8);
		mk_num(&m, 9, 1);
		mk_num(&m, 0, 2);
	}
	mk_end(&m);
	provoke("descriptors", mk_view(&m), E_LIMIT, 18, at + 8);
	buf_done(&m.b);
}

static void read_fault(void)
{
	int fd = open("/", O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	struct capture *c;
	struct diag d;

	diag_init(&d);
	CHECK_EQ(capture_open(fd, "/", &c, &d), E_IO);
	CHECK_EQ(d.id, 1);
	provoked[d.id] = true;
	close(fd);
}

TEST(every_diagnostic_can_be_provoked_and_says_where)
{
	own_faults();
	own_records();
	compressed_faults();
	scap_faults();
	memory_fault();
	read_fault();
	for (size_t i = 0; i < capture_n_diags; i++) {
		test_row = capture_diags[i].title;
		CHECK(provoked[capture_diags[i].id]);
	}
	test_row = NULL;
}

TEST(a_compressed_capture_is_the_same_also_in_several_members)
{
	struct own_file f;
	struct capture *c;
	struct view a, b, rec;
	uint8_t *both;
	uint32_t n = 0;

	own_file_make(&f, 3000);
	a = gzip(view_of(f.bytes.p, 1000));
	b = gzip(view_of(f.bytes.p + 1000, f.bytes.len - 1000));
	both = malloc(a.len + b.len);
	memcpy(both, a.p, a.len);
	memcpy(both + a.len, b.p, b.len);
	CHECK_OK(capture_open_bytes(view_of(both, a.len + b.len), "test", &c, NULL));
	CHECK(capture_info(c)->compressed);
	while (capture_next(c, &rec, NULL) == E_OK)
		n++;
	CHECK_EQ(n, 3000);
	CHECK_EQ(capture_next(c, &rec, NULL), E_NOT_FOUND);
	capture_close(c);
	free(both);
	free((void *)(uintptr_t)a.p);
	free((void *)(uintptr_t)b.p);
	own_file_done(&f);
}
