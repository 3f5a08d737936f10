/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start_page: memory, and a file, that a child writes and others read: made before the first child, mapped by each
 * child as it starts, taken down after the last one.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "agent/control.h"
#include "agent/courier.h"

static_assert(offsetof(struct page, heartbeat) == 8, "docs/formats/control.md");
static_assert(offsetof(struct page, events) == 16, "docs/formats/control.md");
static_assert(offsetof(struct page, consumed) == 48, "docs/formats/control.md");
static_assert(offsetof(struct page, dropped) == 64 && offsetof(struct page, sent) == 96, "docs/formats/control.md");
static_assert(offsetof(struct page, waiting) == 128 && offsetof(struct page, mid_line) == 160,
	      "docs/formats/control.md");
static_assert(offsetof(struct page, n_rules) == 168 && offsetof(struct page, recorded) == 176,
	      "docs/formats/control.md");
static_assert(offsetof(struct page, swap_ns) == 184, "docs/formats/control.md");
static_assert(offsetof(struct page, throttled) == 192 && offsetof(struct page, skips) == 208,
	      "docs/formats/control.md");
static_assert(offsetof(struct page, vectors) == 224 && offsetof(struct page, exercises) == 240,
	      "docs/formats/control.md");
static_assert(offsetof(struct page, table) == 248 && offsetof(struct page, digest) == 256, "docs/formats/control.md");
static_assert(offsetof(struct page, names) == 512 && sizeof(struct page_rule) == 64, "docs/formats/control.md");
static_assert(offsetof(struct page, rules) == 512 + PAGE_MAX_RULES * PAGE_NAME_BYTES, "docs/formats/control.md");
static_assert(offsetof(struct page, filter) == offsetof(struct page, rules) + PAGE_MAX_RULES * 64,
	      "docs/formats/control.md");
static_assert(sizeof(struct page) == 1721896, "docs/formats/control.md");
static_assert((int)PAGE_MAX_OUTPUTS >= (int)CONTROL_MAX_OUTPUTS, "every output has its counters");
static_assert(sizeof(struct courier_page) == 112, "docs/formats/control.md");
static_assert(sizeof(struct courier_counts) == 48, "docs/formats/control.md");

FALLIBLE page_new(size_t bytes, uint32_t magic, int *out_fd, void **out)
{
	AUTO_FD int fd = memfd_create("sallyport-page", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *p;

	if (fd < 0 || ftruncate(fd, (off_t)bytes) || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return E_IO;
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return E_IO;
	atomic_store((_Atomic uint32_t *)p, magic);
	*out = p;
	*out_fd = TAKE(fd);
	return E_OK;
}

FALLIBLE page_map(int fd, size_t bytes, uint32_t magic, bool writable, void **out)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) || st.st_size != (off_t)bytes)
		return E_FORMAT;
	p = mmap(NULL, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return E_FORMAT;
	if (atomic_load((_Atomic uint32_t *)p) != magic) {
		page_unmap(p, bytes);
		return E_FORMAT;
	}
	*out = p;
	return E_OK;
}

FALLIBLE flight_open(const char *path, int *out_fd)
{
	AUTO_FD int fd = -1;

	if (path && unlink(path) && errno != ENOENT)
		return E_IO;
	if (path)
		fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	else
		fd = memfd_create("sallyport-flight", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, sizeof(struct flight)))
		return E_IO;
	*out_fd = TAKE(fd);
	return E_OK;
}

void page_unmap(void *p, size_t bytes)
{
	if (p)
		munmap(p, bytes);
}
