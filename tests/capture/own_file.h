/* SPDX-License-Identifier: Apache-2.0 */
/* own_file: a capture in Sallyport's own format, in memory, with records that can be made again to compare. */
#ifndef SALLYPORT_TESTS_CAPTURE_OWN_FILE_H
#define SALLYPORT_TESTS_CAPTURE_OWN_FILE_H

#include <sys/mman.h>

#include "../records.h"
#include "../test.h"
#include "sensor/capture/capture.h"

struct own_file {
	struct view bytes;
};

static inline void own_file_record(struct rec *r, uint32_t i)
{
	char path[64];

	(void)snprintf(path, sizeof path, "/dir/%0*u", (int)(hash_u64(i) % 40), i);
	if (i % 3)
		rec_open(r, 10 + i % 5, "cat", path, 0, 3 + i % 7, 1000ull * i);
	else
		rec_chdir(r, 10 + i % 5, "cat", path, 1000ull * i);
}

/* n_blocks of per_block records each. */
static inline void own_file_make_blocks(struct own_file *f, uint32_t n_blocks, uint32_t per_block)
{
	struct capture_info info = { .boot_to_wall_ns = 12345678901234567ull,
				     .hostname = "mars",
				     .sensor = "1.2.3",
				     .users = "root:x:0:0:::\n",
				     .users_len = 14,
				     .groups = "root:x:0:\n",
				     .groups_len = 10 };
	int fd = memfd_create("capture", MFD_CLOEXEC);
	struct capture_writer *w;
	struct rec r;
	void *p;
	off_t len;

	CHECK_OK(capture_write_open(fd, &info, &w));
	for (uint32_t i = 0; i < n_blocks * per_block; i++) {
		own_file_record(&r, i);
		CHECK_OK(capture_write(w, rec_view(&r)));
		if (i % per_block == per_block - 1 && n_blocks > 1)
			CHECK_OK(capture_write_flush(w));
	}
	CHECK_OK(capture_write_end(w));
	capture_write_free(w);
	len = lseek(fd, 0, SEEK_END);
	p = mmap(NULL, (size_t)len, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED);
	close(fd);
	f->bytes = view_of(p, (size_t)len);
}

static inline void own_file_make(struct own_file *f, uint32_t n)
{
	own_file_make_blocks(f, 1, n);
}

static inline void own_file_done(struct own_file *f)
{
	munmap((void *)(uintptr_t)f->bytes.p, f->bytes.len);
}

#endif
