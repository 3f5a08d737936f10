/* SPDX-License-Identifier: Apache-2.0 */
/* flight: what a worker leaves behind is either a record within its bounds, or refused. */
#include "test.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "agent/control.h"

static void put(int fd, const void *p, size_t n)
{
	CHECK_EQ(ftruncate(fd, 0), 0);
	CHECK_EQ(pwrite(fd, p, n, 0), (ssize_t)n);
}

static struct flight good(void)
{
	return (struct flight){ .magic = FLIGHT_MAGIC,
				.phase = FLIGHT_JUDGING,
				.event = 7,
				.rule = PAGE_MAX_RULES - 1,
				.type = 63,
				.hash = 0x1122334455667788,
				.vector = FLIGHT_NONE };
}

TEST(a_record_is_read_as_it_was_written)
{
	struct flight f = good(), got;
	int fd;

	CHECK_OK(flight_open(NULL, &fd));
	CHECK_EQ(flight_read(fd, &got), E_FORMAT); /* nobody wrote yet */
	put(fd, &f, sizeof f);
	CHECK_OK(flight_read(fd, &got));
	CHECK_EQ(memcmp(&got, &f, sizeof f), 0);
	f.rule = f.type = FLIGHT_NONE;
	f.vector = 12;
	put(fd, &f, sizeof f);
	CHECK_OK(flight_read(fd, &got));
	CHECK_EQ(got.vector, 12);
	close(fd);
	CHECK_EQ(flight_read(-1, &got), E_IO);
}

TEST(a_field_out_of_bounds_is_refused_and_nothing_is_written)
{
	static const struct {
		const char *name;
		size_t off;
		uint32_t value;
	} rows[] = {
		{ "magic", 0, 0x4c465052 }, { "phase", 4, FLIGHT_N_PHASES },
		{ "rule", 16, 1 << 20 },    { "rule, nearly none", 16, FLIGHT_NONE - 1 },
		{ "type", 20, 64 },         { "vector", 48, 1 << 20 },
	};
	int fd;

	CHECK_OK(flight_open(NULL, &fd));
	for (size_t i = 0; i < countof(rows); i++) {
		struct flight f = good(), got = { .event = 99 };

		test_row = rows[i].name;
		memcpy((char *)&f + rows[i].off, &rows[i].value, 4);
		put(fd, &f, sizeof f);
		CHECK_EQ(flight_read(fd, &got), E_FORMAT);
		CHECK_EQ(got.event, 99);
	}
	test_row = NULL;
	close(fd);
}

/* The reader has not mapped it: no SIGBUS. */
TEST(a_worker_that_shortens_the_file_hurts_nobody_else)
{
	struct flight f = good(), got;
	int fd;

	CHECK_OK(flight_open(NULL, &fd));
	put(fd, &f, sizeof f);
	for (off_t n = 0; n < (off_t)sizeof f; n++) {
		put(fd, &f, (size_t)n);
		CHECK_EQ(flight_read(fd, &got), E_FORMAT);
	}
	close(fd);
}

TEST(random_bytes_are_within_bounds_or_refused)
{
	uint64_t x = 88172645463325252ull;
	int fd, taken = 0;

	CHECK_OK(flight_open(NULL, &fd));
	for (int i = 0; i < 20000; i++) {
		struct flight f, got;
		uint64_t words[sizeof f / 8];

		for (size_t k = 0; k < countof(words); k++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			words[k] = i & 1 ? x : x & 0x0000003f0000000full;
		}
		memcpy(&f, words, sizeof f);
		f.magic = i % 7 ? FLIGHT_MAGIC : f.magic;
		put(fd, &f, sizeof f);
		if (flight_read(fd, &got) != E_OK)
			continue;
		taken++;
		CHECK(got.phase < FLIGHT_N_PHASES);
		CHECK(got.rule < 1 << 20 || got.rule == FLIGHT_NONE);
		CHECK(got.type < 64 || got.type == FLIGHT_NONE);
	}
	CHECK(taken > 100);
	close(fd);
}

TEST(the_file_is_new_and_its_owners_alone)
{
	char dir[] = "/tmp/sallyport-flight-XXXXXX", path[64], other[64];
	struct stat st;
	int fd, old;

	CHECK(mkdtemp(dir));
	(void)snprintf(path, sizeof path, "%s/flight", dir);
	(void)snprintf(other, sizeof other, "%s/other", dir);
	old = open(other, O_CREAT | O_RDWR | O_CLOEXEC, 0644);
	CHECK(old >= 0);
	CHECK_EQ(symlink(other, path), 0); /* a link that waits there is not followed */
	CHECK_OK(flight_open(path, &fd));
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_mode & 07777, 0600);
	CHECK_EQ(st.st_size, 64);
	CHECK_EQ(fstat(old, &st), 0);
	CHECK_EQ(st.st_size, 0);
	close(fd);
	CHECK_EQ(flight_open("/tmp/sallyport-no-such-directory/flight", &fd), E_IO);
	close(old);
	unlink(path);
	unlink(other);
	rmdir(dir);
}
