/* SPDX-License-Identifier: Apache-2.0 */
/* The offline archive: what is written is read, by us and by tar; what is no plain file of a repository is refused. */
#include "../test.h"

#include "release/archive/archive.h"

static void two_files(struct buf *b)
{
	static char big[1000];
	struct diag d;

	memset(big, 'x', sizeof big);
	buf_init(b, ARCHIVE_MAX_BYTES);
	CHECK_OK(archive_add(b, "root/1", view_of("one", 3), &d));
	CHECK_OK(archive_add(b, "bundle/abc.minisig", view_of(big, sizeof big), &d));
	CHECK_OK(archive_end(b));
}

TEST(archive_gives_back_what_was_added)
{
	struct archive_file f;
	struct buf b, again;
	struct diag d;
	size_t at = 0;

	two_files(&b);
	two_files(&again);
	CHECK(b.len == again.len && !memcmp(b.p, again.p, b.len));
	CHECK_OK(archive_next(view_of(b.p, b.len), &at, &f, &d));
	CHECK_STR(f.name, "root/1");
	CHECK(f.bytes.len == 3 && !memcmp(f.bytes.p, "one", 3));
	CHECK_OK(archive_next(view_of(b.p, b.len), &at, &f, &d));
	CHECK_STR(f.name, "bundle/abc.minisig");
	CHECK_EQ(f.bytes.len, 1000);
	CHECK_EQ(archive_next(view_of(b.p, b.len), &at, &f, &d), E_NOT_FOUND);
	buf_done(&b);
	buf_done(&again);
}

TEST(archive_refuses_names_and_sizes_that_it_would_not_read)
{
	struct buf b;
	struct diag d;
	char name[ARCHIVE_MAX_NAME + 1];

	buf_init(&b, 4096);
	CHECK_EQ(archive_add(&b, "../x", view_of("", 0), &d), E_INVALID);
	memset(name, 'a', ARCHIVE_MAX_NAME);
	name[ARCHIVE_MAX_NAME] = 0;
	CHECK_EQ(archive_add(&b, name, view_of("", 0), &d), E_INVALID);
	name[ARCHIVE_MAX_NAME - 1] = 0;
	CHECK_OK(archive_add(&b, name, view_of("", 0), &d));
	buf_done(&b);
	buf_init(&b, 600);
	CHECK_EQ(archive_add(&b, "a", view_of("abc", 3), &d), E_LIMIT);
	buf_done(&b);
}

/* A byte of the first header is changed, and its sum made right again. */
static enum err with(size_t at, const char *bytes, size_t n, bool mend)
{
	struct archive_file f;
	struct buf b;
	struct diag d;
	uint64_t sum = 0;
	size_t from = 0;
	enum err err;

	diag_init(&d);
	two_files(&b);
	memcpy(b.p + at, bytes, n);
	if (mend) {
		memset(b.p + 148, ' ', 8);
		for (int i = 0; i < 512; i++)
			sum += (uint8_t)b.p[i];
		(void)snprintf(b.p + 148, 8, "%06llo", (unsigned long long)sum);
	}
	err = archive_next(view_of(b.p, b.len), &from, &f, &d);
	if (err != E_OK)
		CHECK_EQ(d.family, 'D');
	buf_done(&b);
	return err;
}

TEST(archive_f_hostile_headers_are_refused)
{
	CHECK_OK(with(136, "00000000001", 11, true));
	CHECK_EQ(with(136, "00000000001", 11, false), E_FORMAT);
	CHECK_EQ(with(0, "/", 1, true), E_FORMAT);
	CHECK_EQ(with(0, "..", 2, true), E_FORMAT);
	CHECK_EQ(with(0, "\0", 1, true), E_FORMAT);
	CHECK_EQ(with(4, "/..", 3, true), E_FORMAT);
	for (const char *t = "1234567xgL"; *t; t++)
		CHECK_EQ(with(156, t, 1, true), E_UNSUPPORTED);
	CHECK_EQ(with(157, "/etc/passwd", 11, true), E_UNSUPPORTED);
	CHECK_EQ(with(345, "up", 2, true), E_UNSUPPORTED);
	CHECK_EQ(with(124, "77777777777", 11, true), E_LIMIT);
	CHECK_EQ(with(124, "00010000000", 11, true), E_TRUNCATED);
	CHECK_EQ(with(124, "-0000000001", 11, true), E_FORMAT);
	CHECK_EQ(with(124, "\x80\0\0\0\0\0\0\0\0\0\0\1", 12, true), E_FORMAT);
	CHECK_EQ(with(257, "gnu  ", 5, true), E_FORMAT);
}

TEST(archive_cut_anywhere_is_told)
{
	struct archive_file f;
	struct buf b;
	struct diag d;

	two_files(&b);
	for (size_t n = 0; n < b.len - 512; n++) {
		struct view v = view_of(b.p, n);
		size_t at = 0;
		enum err err;

		do
			err = archive_next(v, &at, &f, &d);
		while (err == E_OK);
		CHECK_EQ(err, n >= 2560 + 512 ? E_NOT_FOUND : E_TRUNCATED);
	}
	buf_done(&b);
}
