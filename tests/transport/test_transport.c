/* SPDX-License-Identifier: Apache-2.0 */
/* dir://: what is put comes back whole; what a hostile directory holds is refused without hanging or leaving it. */
#include "test.h"

#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "transport/transport.h"

struct repo {
	char dir[64], url[80];
	struct transport *t;
	struct diag d;
};

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static void repo_open(struct repo *r)
{
	(void)snprintf(r->dir, sizeof r->dir, "/tmp/sallyport-transport-XXXXXX");
	CHECK(mkdtemp(r->dir));
	(void)snprintf(r->url, sizeof r->url, "dir://%s", r->dir);
	diag_init(&r->d);
	CHECK_OK(transport_open(r->url, true, &r->t, &r->d));
	diag_init(&r->d);
}

static void repo_close(struct repo *r)
{
	transport_close(r->t);
	(void)nftw(r->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *in_repo(const struct repo *r, const char *name)
{
	static char path[2][256];
	static int turn;

	turn = !turn;
	(void)snprintf(path[turn], sizeof path[turn], "%s/%s", r->dir, name);
	return path[turn];
}

static enum err put(struct repo *r, const char *name, const char *text, bool once)
{
	return transport_put(r->t, name, view_of(text, strlen(text)), once, &r->d);
}

/* E_OK and the text, or the error. */
static enum err get(struct repo *r, const char *name, size_t max, const char *want)
{
	AUTO_FREE char *bytes = NULL;
	size_t len = 0;
	enum err err = transport_get(r->t, name, max, &bytes, &len, &r->d);

	if (err == E_OK) {
		CHECK_STR(bytes, want);
		CHECK_EQ(len, strlen(want));
	}
	return err;
}

TEST(transport_names_are_checked_before_anything_is_opened)
{
	static const char *const bad[] = { "",      "/",   "/a",    "a/", "a//b",   "..",       "../a",      "a/../b",
					   "a/..",  ".",   "./a",   ".a", "a/.put", "a b",      "a\nb",      "a\\b",
					   "a\x80", "a:b", "a/./b", "~",  "a*",     "\xc3\xa4", "health/..." };
	static const char *const good[] = { "a", "timestamp.minisig", "root/1", "promotion/1-2", "a/b/c/d", "A_-.9" };
	char longest[TRANSPORT_MAX_NAME + 1];
	struct repo r;

	repo_open(&r);
	for (size_t i = 0; i < countof(bad); i++) {
		test_row = bad[i];
		CHECK(!transport_name_ok(bad[i]));
		CHECK_EQ(get(&r, bad[i], 10, ""), E_INVALID);
		CHECK_EQ(put(&r, bad[i], "x", false), E_INVALID);
	}
	for (size_t i = 0; i < countof(good); i++) {
		test_row = good[i];
		CHECK(transport_name_ok(good[i]));
	}
	memset(longest, 'a', sizeof longest);
	longest[TRANSPORT_MAX_NAME] = 0;
	CHECK(!transport_name_ok(longest));
	longest[TRANSPORT_MAX_NAME - 1] = 0;
	CHECK(transport_name_ok(longest));
	repo_close(&r);
}

TEST(transport_gives_back_what_was_put)
{
	struct repo r;
	char zero[3] = { 'a', 0, 'b' }, *bytes = NULL;
	size_t len = 0;

	repo_open(&r);
	CHECK_EQ(get(&r, "root/1", 10, ""), E_NOT_FOUND);
	CHECK_OK(put(&r, "root/1", "one", true));
	CHECK_OK(get(&r, "root/1", 10, "one"));
	CHECK_EQ(put(&r, "root/1", "two", true), E_EXISTS);
	CHECK_OK(get(&r, "root/1", 10, "one"));
	CHECK_OK(put(&r, "root/1", "three", false));
	CHECK_OK(get(&r, "root/1", 5, "three"));
	CHECK_EQ(get(&r, "root/1", 4, ""), E_LIMIT);
	CHECK_OK(transport_put(r.t, "a/b/c", view_of(zero, 3), false, &r.d));
	CHECK_OK(transport_get(r.t, "a/b/c", 3, &bytes, &len, &r.d));
	CHECK(len == 3 && !memcmp(bytes, zero, 3));
	free(bytes);
	repo_close(&r);
}

TEST(transport_opened_for_reading_writes_nothing)
{
	struct transport *t = NULL;
	struct repo r;

	repo_open(&r);
	CHECK_OK(transport_open(r.url, false, &t, &r.d));
	CHECK_EQ(transport_put(t, "a", view_of("x", 1), false, &r.d), E_PERM);
	CHECK_EQ(get(&r, "a", 10, ""), E_NOT_FOUND);
	transport_close(t);
	repo_close(&r);
}

TEST(transport_addresses_that_are_none_are_refused)
{
	static const char *const bad[] = { "", "/srv", "dir:/srv", "dir://srv", "http://a/b", "dir://" };
	struct transport *t = NULL;
	struct diag d;

	for (size_t i = 0; i < countof(bad); i++) {
		test_row = bad[i];
		diag_init(&d);
		CHECK_EQ(transport_open(bad[i], false, &t, &d), E_UNSUPPORTED);
		CHECK(d.family == 'D' && d.id == 102);
	}
	CHECK_EQ(transport_open("dir:///there/is/none", false, &t, &d), E_IO);
}

static void expect_list(struct repo *r, const char *prefix, uint32_t max, const char *want)
{
	const char *const *names = NULL;
	struct arena a;
	struct buf b;
	uint32_t n = 99;

	arena_init(&a, 1 << 20);
	buf_init(&b, 4096);
	CHECK_OK(transport_list(r->t, prefix, &a, max, &names, &n, &r->d));
	for (uint32_t i = 0; i < n; i++)
		buf_printf(&b, "%s ", names[i]);
	CHECK_STR(b.p ? b.p : "", want);
	buf_done(&b);
	arena_done(&a);
}

TEST(transport_lists_the_first_names_in_order_and_no_others)
{
	static const char *const names[] = { "health/f", "health/b", "health/e", "health/a", "health/d", "health/c" };
	struct repo r;

	repo_open(&r);
	expect_list(&r, "health", 10, "");
	for (size_t i = 0; i < countof(names); i++)
		CHECK_OK(put(&r, names[i], "x", false));
	close(open(in_repo(&r, "health/.put-1"), O_CREAT | O_WRONLY, 0600));
	close(open(in_repo(&r, "health/b c"), O_CREAT | O_WRONLY, 0600));
	expect_list(&r, "health", 10, "a b c d e f ");
	expect_list(&r, "health", 2, "a b ");
	expect_list(&r, "health", 0, "");
	CHECK_OK(put(&r, "x/y/z", "x", false));
	expect_list(&r, "x/y", 2, "z ");
	repo_close(&r);
}

TEST(f_hostile_what_is_no_regular_file_is_refused_and_holds_nobody_up)
{
	static const char *const names[] = { "link", "dangling",     "fifo",     "directory",
					     "loop", "below/secret", "up/secret" };
	struct repo r, outside;

	repo_open(&r);
	repo_open(&outside);
	CHECK_OK(put(&outside, "secret", "secret", false));
	CHECK_EQ(symlink(in_repo(&outside, "secret"), in_repo(&r, "link")), 0);
	CHECK_EQ(symlink("nowhere", in_repo(&r, "dangling")), 0);
	CHECK_EQ(mkfifo(in_repo(&r, "fifo"), 0600), 0);
	CHECK_EQ(mkdir(in_repo(&r, "directory"), 0700), 0);
	CHECK_EQ(symlink("loop", in_repo(&r, "loop")), 0);
	CHECK_EQ(symlink(outside.dir, in_repo(&r, "below")), 0);
	CHECK_EQ(symlink("..", in_repo(&r, "up")), 0);
	for (size_t i = 0; i < countof(names); i++) {
		test_row = names[i];
		CHECK_EQ(get(&r, names[i], 100, "?"), E_IO);
	}
	/* Neither is written through a link: a file's is replaced, a directory's is refused. */
	CHECK_OK(put(&r, "link", "mine", false));
	CHECK_EQ(put(&r, "below/new", "x", false), E_IO);
	CHECK_EQ(put(&r, "directory", "x", false), E_IO);
	CHECK_EQ(put(&r, "fifo/x", "x", false), E_IO);
	CHECK_EQ(put(&r, "dangling", "x", true), E_EXISTS);
	CHECK_OK(get(&outside, "secret", 100, "secret"));
	CHECK_EQ(get(&outside, "new", 100, ""), E_NOT_FOUND);
	repo_close(&outside);
	repo_close(&r);
}

TEST(f_hostile_a_huge_file_costs_nothing)
{
	struct repo r;
	int fd;

	repo_open(&r);
	fd = open(in_repo(&r, "huge"), O_CREAT | O_WRONLY, 0600);
	CHECK_EQ(ftruncate(fd, (off_t)1 << 40), 0);
	close(fd);
	CHECK_EQ(get(&r, "huge", SIZE_MAX, ""), E_LIMIT);
	CHECK_EQ(r.d.id, 107);
	repo_close(&r);
}

struct swapper {
	const struct repo *r;
	char dir[256], link[256], other[256];
	atomic_bool stop;
};

/* A directory and a link to somewhere else take turns under one name. */
static void *swap(void *user)
{
	struct swapper *s = user;

	while (!atomic_load(&s->stop)) {
		(void)renameat2(AT_FDCWD, s->dir, AT_FDCWD, s->link, RENAME_EXCHANGE);
		(void)renameat2(AT_FDCWD, s->dir, AT_FDCWD, s->link, RENAME_EXCHANGE);
	}
	return NULL;
}

TEST(f_hostile_a_directory_that_is_swapped_for_a_link_leads_nowhere)
{
	struct swapper s = { 0 };
	struct repo r, outside;
	uint32_t fine = 0;
	pthread_t thread;

	repo_open(&r);
	repo_open(&outside);
	CHECK_OK(put(&r, "agent/x", "inside", false));
	CHECK_OK(put(&outside, "x", "outside", false));
	(void)snprintf(s.dir, sizeof s.dir, "%s", in_repo(&r, "agent"));
	(void)snprintf(s.link, sizeof s.link, "%s", in_repo(&r, "link"));
	CHECK_EQ(symlink(outside.dir, s.link), 0);
	CHECK_EQ(pthread_create(&thread, NULL, swap, &s), 0);
	for (uint32_t i = 0; i < 5000; i++) {
		AUTO_FREE char *bytes = NULL;
		size_t len;

		if (transport_get(r.t, "agent/x", 100, &bytes, &len, &r.d) == E_OK) {
			CHECK_STR(bytes, "inside");
			fine++;
		}
		(void)!put(&r, "agent/y", "mine", false);
	}
	atomic_store(&s.stop, true);
	(void)pthread_join(thread, NULL);
	CHECK(fine);
	CHECK_EQ(get(&outside, "y", 100, ""), E_NOT_FOUND);
	repo_close(&outside);
	repo_close(&r);
}

static void *grow(void *user)
{
	struct swapper *s = user;
	int fd = open(s->dir, O_WRONLY);

	while (!atomic_load(&s->stop)) {
		(void)!write(fd, "0123456789abcdef", 16);
		if (lseek(fd, 0, SEEK_CUR) > 1 << 20)
			(void)!ftruncate(fd, lseek(fd, 0, SEEK_SET));
	}
	close(fd);
	return NULL;
}

TEST(f_hostile_a_file_that_changes_while_it_is_read_is_whole_or_refused)
{
	struct swapper s = { 0 };
	struct repo r;
	uint32_t refused = 0;
	pthread_t thread;

	repo_open(&r);
	CHECK_OK(put(&r, "f", "", false));
	(void)snprintf(s.dir, sizeof s.dir, "%s", in_repo(&r, "f"));
	CHECK_EQ(pthread_create(&thread, NULL, grow, &s), 0);
	for (uint32_t i = 0; i < 20000 && refused < 100; i++) {
		AUTO_FREE char *bytes = NULL;
		size_t len = 0;
		enum err err = transport_get(r.t, "f", 1 << 19, &bytes, &len, &r.d);

		CHECK(err == E_OK || err == E_IO || err == E_LIMIT);
		if (err == E_OK)
			CHECK(len % 16 == 0 && len <= 1 << 19 && !bytes[len]);
		refused += err == E_IO;
	}
	CHECK(refused);
	atomic_store(&s.stop, true);
	(void)pthread_join(thread, NULL);
	repo_close(&r);
}

TEST(transport_full_disk_leaves_the_old_file_and_no_other)
{
	struct repo r;
	struct stat st;
	char *big = calloc(1, 8 << 20);
	char cmd[256];

	repo_open(&r);
	(void)snprintf(cmd, sizeof cmd, "mount -t tmpfs -o size=1m none %s 2>/dev/null", r.dir);
	if (geteuid() != 0 || system(cmd) != 0) {
		free(big);
		repo_close(&r);
		SKIP("a small file system needs root");
	}
	transport_close(r.t);
	CHECK_OK(transport_open(r.url, true, &r.t, &r.d));
	CHECK_OK(put(&r, "f", "old", false));
	CHECK_EQ(transport_put(r.t, "f", view_of(big, 8 << 20), false, &r.d), E_IO);
	CHECK_HAS(r.d.text, "No space left");
	CHECK_OK(get(&r, "f", 10, "old"));
	(void)snprintf(cmd, sizeof cmd, "[ $(ls -A %s | wc -l) = 1 ]", r.dir);
	CHECK_EQ(system(cmd), 0);
	transport_close(r.t);
	r.t = NULL;
	(void)snprintf(cmd, sizeof cmd, "umount %s", r.dir);
	CHECK_EQ(system(cmd), 0);
	CHECK_EQ(stat(r.dir, &st), 0);
	CHECK_EQ(rmdir(r.dir), 0);
	free(big);
}
