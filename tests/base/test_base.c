/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <signal.h>
#include <sys/resource.h>

TEST(arena_refuses_what_overflows_or_passes_its_cap)
{
	struct arena a;

	arena_init(&a, 1 << 16);
	CHECK(!arena_alloc_array(&a, SIZE_MAX / 2, 3));
	CHECK(!arena_alloc(&a, SIZE_MAX));
	CHECK(!arena_alloc(&a, (1 << 16) + 1));
	CHECK(arena_alloc(&a, 1 << 15));
	CHECK(!arena_alloc(&a, (1 << 15) + 1));
	arena_done(&a);
}

TEST(view_never_reads_past_its_end)
{
	uint8_t bytes[6] = { 1, 2, 3, 4, 'x', 0 };
	struct view v = view_of(bytes, sizeof bytes), sub = { 0 };
	uint32_t u = 0;

	CHECK_OK(VIEW_READ(v, 2, &u));
	CHECK_EQ(VIEW_READ(v, 3, &u), E_TRUNCATED);
	CHECK_EQ(VIEW_READ(v, UINT64_MAX, &u), E_TRUNCATED);
	CHECK(!view_sub(v, 1, UINT64_MAX, &sub));
	CHECK_STR(view_str(v, 4), "x");
	CHECK(!view_str(view_of(bytes, 5), 4));
	CHECK(!view_str(v, 6));
}

TEST(json_makes_any_bytes_a_valid_document)
{
	struct buf b;
	struct json j;

	buf_init(&b, 4096);
	json_init(&j, &b);
	json_object(&j);
	json_key(&j, "a\"b");
	json_strn(&j, "x\xff\x01\xc3\xa4\n\\", 7);
	json_key(&j, "n");
	json_array(&j);
	json_i64(&j, INT64_MIN);
	json_u64(&j, UINT64_MAX);
	json_str(&j, NULL);
	json_f64(&j, 0.0 / 0.0);
	json_end_array(&j);
	json_end_object(&j);
	CHECK_STR(b.p, "{\"a\\\"b\":\"x\xef\xbf\xbd\\u0001\xc3\xa4\\u000a\\\\\",\"n\":[-9223372036854775808,"
		       "18446744073709551615,null,null]}");
	buf_done(&b);
}

TEST(text_for_a_terminal_has_no_control_bytes)
{
	struct buf b;

	buf_init(&b, 4096);
	buf_put_safe(&b, "a\033[2J\x9b\xc2\x9b\n\x7f\xed\xa0\x80", 13);
	CHECK_STR(b.p, "a\\x1b[2J\xef\xbf\xbd\\x9b\\n\\x7f\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	buf_done(&b);
}

TEST(a_full_buf_stays_full_and_keeps_what_fitted)
{
	struct buf b;

	buf_init(&b, 8);
	buf_puts(&b, "12345");
	buf_puts(&b, "6789");
	buf_puts(&b, "0");
	CHECK(b.full);
	CHECK_STR(b.p, "12345");
	buf_done(&b);
}

TEST(a_diagnostic_shows_place_line_caret_and_hint)
{
	struct diag d;
	struct buf b;

	diag_init(&d);
	CHECK_EQ(diag_fail(&d, E_INVALID, 'R', 42, "x.c", 1, "unknown field '%s'", "proc.nam"), E_INVALID);
	d.pos = (struct diag_pos){ .file = "a.yaml", .line = 3, .col = 5, .len = 8 };
	d.line_text = "\tab proc.nam = x";
	diag_hint(&d, "did you mean 'proc.name'?");
	buf_init(&b, 4096);
	diag_render(&b, &d, false);
	CHECK_STR(b.p, "a.yaml:3:5: error[R042]: unknown field 'proc.nam'\n"
		       "     3 |  ab proc.nam = x\n"
		       "       |     ^~~~~~~~\n"
		       "  hint: did you mean 'proc.name'?\n");
	buf_done(&b);
}

struct thing {
	struct hnode node;
	int v;
};

TEST(htab_finds_all_equal_hashes_and_forgets_the_deleted)
{
	struct thing t[3] = { { .v = 1 }, { .v = 2 }, { .v = 3 } };
	struct htab h;
	int sum = 0;

	CHECK_OK(htab_init(&h, 2));
	htab_add(&h, &t[0].node, 5);
	htab_add(&h, &t[1].node, 7);
	htab_add(&h, &t[2].node, 5);
	for (struct hnode *n = htab_first(&h, 5); n; n = htab_next(n))
		sum += CONTAINER_OF(n, struct thing, node)->v;
	CHECK_EQ(sum, 4);
	htab_del(&h, &t[2].node);
	CHECK(htab_first(&h, 5) == &t[0].node);
	CHECK(!htab_first(&h, 6));
	htab_done(&h);
}

static void file_is(const char *path, const char *want)
{
	AUTO_FREE char *text = NULL;
	size_t len;

	CHECK_OK(io_read_file(path, 1 << 10, &text, &len, NULL));
	CHECK_STR(text, want);
}

TEST(a_file_is_replaced_whole_or_not_at_all)
{
	char dir[] = "/tmp/sallyport-test-XXXXXX", path[64], left[96];
	struct rlimit was, none;
	struct diag d;

	diag_init(&d);
	CHECK(mkdtemp(dir) != NULL);
	(void)snprintf(path, sizeof path, "%s/file", dir);
	CHECK_OK(io_replace_file(path, "old", 3, 0644, &d));
	file_is(path, "old");
	CHECK_OK(io_replace_file(path, "newer", 5, 0644, &d));
	file_is(path, "newer");
	/* The disk is full after the first byte. */
	(void)signal(SIGXFSZ, SIG_IGN);
	CHECK_EQ(getrlimit(RLIMIT_FSIZE, &was), 0);
	none = (struct rlimit){ 1, was.rlim_max };
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &none), 0);
	CHECK_EQ(io_replace_file(path, "never", 5, 0644, &d), E_IO);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &was), 0);
	CHECK_HAS(d.text, path);
	file_is(path, "newer");
	(void)snprintf(left, sizeof left, "%s.tmp-%d", path, (int)getpid());
	CHECK(access(left, F_OK) != 0);
	(void)snprintf(left, sizeof left, "%s/no/such", dir);
	CHECK_EQ(io_replace_file(left, "x", 1, 0644, &d), E_IO);
	CHECK_EQ(unlink(path), 0);
	CHECK_EQ(rmdir(dir), 0);
}

/* Read back as the standard has it: name, size in octal, checksum, bytes in whole blocks. */
TEST(tar_holds_what_was_put_and_nothing_of_the_hour_or_the_maker)
{
	static const char body[TAR_BLOCK + 1] = "hello";
	struct buf a, b;
	unsigned sum = 0;

	buf_init(&a, 1 << 16);
	buf_init(&b, 1 << 16);
	for (int i = 0; i < 2; i++) {
		tar_put(i ? &b : &a, "dir/name.txt", view_of(body, sizeof body));
		tar_put(i ? &b : &a, "empty", (struct view){ 0 });
		tar_end(i ? &b : &a);
	}
	CHECK_EQ(a.len, 6 * TAR_BLOCK); /* header, two blocks, header, two of zero */
	CHECK(a.len == b.len && !memcmp(a.p, b.p, a.len));
	CHECK_STR(a.p, "dir/name.txt");
	CHECK_STR(a.p + 124, "00000001001");
	CHECK(!memcmp(a.p + 257,
		      "ustar\0"
		      "00",
		      8));
	CHECK(!memcmp(a.p + TAR_BLOCK, body, sizeof body));
	for (int i = 0; i < TAR_BLOCK; i++)
		sum += i >= 148 && i < 156 ? ' ' : (unsigned char)a.p[i];
	CHECK_EQ(strtoul(a.p + 148, NULL, 8), sum);
	CHECK_STR(a.p + 3 * TAR_BLOCK, "empty");
	buf_done(&a);
	buf_done(&b);
}
