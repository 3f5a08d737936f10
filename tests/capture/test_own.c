/* SPDX-License-Identifier: Apache-2.0 */
/* Sallyport's own format: what was written comes back, and damage anywhere is noticed. */
#include <fcntl.h>
#include <sys/mman.h>

#include "../records.h"
#include "../test.h"
#include "own_file.h"

TEST(crc32c_is_the_one_of_the_standard)
{
	CHECK_EQ(capture_crc32c(0, "123456789", 9), 0xe3069283);
	CHECK_EQ(capture_crc32c(capture_crc32c(0, "12345", 5), "6789", 4), 0xe3069283);
	CHECK_EQ(capture_crc32c(0, NULL, 0), 0);
}

/* How many records came, all of them as in the original, and how it ended. */
static uint64_t read_back(struct view v, struct view original, uint64_t original_records, enum err *end, struct diag *d)
{
	struct capture *c = NULL, *o = NULL;
	uint64_t n = 0;
	struct view rec, want;

	CHECK_OK(capture_open_bytes(original, "original", &o, NULL));
	*end = capture_open_bytes(v, "test", &c, d);
	while (*end == E_OK && (*end = capture_next(c, &rec, d)) == E_OK) {
		CHECK_OK(capture_next(o, &want, NULL));
		CHECK_EQ(rec.len, want.len);
		CHECK_EQ(memcmp(rec.p, want.p, want.len), 0);
		n++;
	}
	CHECK(n <= original_records);
	capture_close(c);
	capture_close(o);
	return n;
}

TEST(records_come_back_in_order_with_all_that_is_true_of_the_whole)
{
	struct own_file f;
	struct capture *c;
	struct capture_stats st;
	const struct capture_info *i;
	struct view rec;
	uint64_t n = 0;

	own_file_make(&f, 5000);
	CHECK_OK(capture_open_bytes(f.bytes, "test", &c, NULL));
	i = capture_info(c);
	CHECK_EQ(i->kind, CAPTURE_OWN);
	CHECK_EQ(i->boot_to_wall_ns, 12345678901234567ull);
	CHECK_STR(i->hostname, "mars");
	CHECK_STR(i->sensor, "1.2.3");
	CHECK_STR(i->users, "root:x:0:0:::\n");
	CHECK_STR(i->groups, "root:x:0:\n");
	CHECK_EQ(i->groups_len, 10);
	while (capture_next(c, &rec, NULL) == E_OK) {
		struct rec want;

		own_file_record(&want, (uint32_t)n++);
		CHECK_EQ(rec.len, want.hdr.bytes);
		CHECK_EQ(memcmp(rec.p, want.bytes, rec.len), 0);
	}
	CHECK_EQ(n, 5000);
	CHECK_EQ(capture_next(c, &rec, NULL), E_NOT_FOUND); /* and again */
	capture_stats(c, &st);
	CHECK_EQ(st.records, 5000);
	CHECK_EQ(st.kinds[WIRE_OPEN] + st.kinds[WIRE_CHDIR], 5000);
	CHECK(st.blocks > 3);
	capture_close(c);
	own_file_done(&f);
}

TEST(a_capture_of_nothing_is_whole)
{
	struct own_file f;
	struct capture *c;
	struct view rec;

	own_file_make(&f, 0);
	CHECK_OK(capture_open_bytes(f.bytes, "test", &c, NULL));
	CHECK_EQ(capture_next(c, &rec, NULL), E_NOT_FOUND);
	capture_close(c);
	own_file_done(&f);
}

TEST(a_capture_that_is_cut_gives_its_whole_blocks_and_then_says_where)
{
	struct own_file f;
	uint64_t most = 0;

	own_file_make_blocks(&f, 4, 3);
	for (size_t len = 0; len < f.bytes.len; len++) {
		uint8_t *copy = malloc(len ? len : 1); /* of exactly that size: a read past it is seen */
		enum err end;
		struct diag d;
		uint64_t n;

		memcpy(copy, f.bytes.p, len);
		diag_init(&d);
		n = read_back(view_of(copy, len), f.bytes, 12, &end, &d);
		CHECK_EQ(n % 3, 0);
		CHECK(n >= most);
		most = n;
		CHECK_EQ(end, len < 8 ? E_FORMAT : E_TRUNCATED);
		CHECK_EQ(d.id, len < 8 ? 2 : 3);
		CHECK(d.offset <= len);
		free(copy);
	}
	CHECK_EQ(most, 12);
	own_file_done(&f);
}

TEST(no_bit_can_change_unnoticed)
{
	struct own_file f;
	uint8_t *copy;

	own_file_make_blocks(&f, 2, 2);
	copy = malloc(f.bytes.len);
	memcpy(copy, f.bytes.p, f.bytes.len);
	for (size_t at = 0; at < f.bytes.len; at++) {
		uint8_t bit = (uint8_t)(1u << (hash_u64(at) & 7));
		enum err end;
		struct diag d;

		diag_init(&d);
		copy[at] ^= bit;
		(void)read_back(view_of(copy, f.bytes.len), f.bytes, 4, &end, &d);
		copy[at] ^= bit;
		CHECK(end != E_OK && end != E_NOT_FOUND);
		CHECK_EQ(d.family, 'P');
	}
	free(copy);
	own_file_done(&f);
}

TEST(a_pipe_can_be_read_too)
{
	struct own_file f;
	struct capture *c;
	struct view rec;
	int p[2];
	uint32_t n = 0;

	own_file_make(&f, 20);
	CHECK_EQ(pipe2(p, O_CLOEXEC), 0);
	CHECK_EQ(write(p[1], f.bytes.p, f.bytes.len), (ssize_t)f.bytes.len);
	close(p[1]);
	CHECK_OK(capture_open(p[0], "pipe", &c, NULL));
	while (capture_next(c, &rec, NULL) == E_OK)
		n++;
	CHECK_EQ(n, 20);
	capture_close(c);
	close(p[0]);
	own_file_done(&f);
}

TEST(what_is_no_record_is_not_written)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);
	struct capture_info info = { .users = "" };
	struct capture_writer *w;
	struct capture_written done;
	struct rec r;

	CHECK_OK(capture_write_open(fd, &info, &w));
	own_file_record(&r, 1);
	CHECK_EQ(capture_write(w, view_of(r.bytes, 8)), E_FORMAT);
	CHECK_EQ(capture_write(w, view_of(r.bytes, r.hdr.bytes - 1)), E_FORMAT);
	CHECK_OK(capture_write(w, rec_view(&r)));
	CHECK_OK(capture_write_end(w));
	capture_written(w, &done);
	CHECK_EQ(done.records, 1);
	CHECK_EQ(done.bytes, lseek(fd, 0, SEEK_END));
	capture_write_free(w);
	close(fd);
}

TEST(a_full_disk_is_an_error_that_stays)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct capture_info info = { .users = "" };
	struct capture_writer *w = NULL;

	if (fd < 0)
		SKIP("there is no /dev/full here");
	CHECK_EQ(capture_write_open(fd, &info, &w), E_IO);
	CHECK(!w);
	close(fd);
}
