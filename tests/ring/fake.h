/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake: a ring made by hand in a memory file. The kernel maps the data twice; here the second half is a copy that the
 * helpers keep equal.
 */
#ifndef SALLYPORT_TESTS_FAKE_RING_H
#define SALLYPORT_TESTS_FAKE_RING_H

#include "sensor/ring/ring.h"
#include "test.h"

#include <sys/mman.h>

enum { PAGE = 4096, DATA = 2 * PAGE, HDR = 8 };

#define BUSY 0x80000000u
#define DISCARD 0x40000000u

struct fake {
	int fd;
	uint8_t *p; /* consumer page, producer page, data twice */
	uint64_t pos;
};

static inline void fake_open(struct fake *f, uint64_t start)
{
	f->fd = memfd_create("ring", MFD_CLOEXEC);
	CHECK(f->fd > 0);
	CHECK_EQ(ftruncate(f->fd, 2 * PAGE + 2 * DATA), 0);
	f->p = mmap(NULL, 2 * PAGE + 2 * DATA, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
	CHECK(f->p != MAP_FAILED);
	f->pos = start;
	memcpy(f->p, &start, sizeof start);
	memcpy(f->p + PAGE, &start, sizeof start);
}

static inline void fake_close(struct fake *f)
{
	munmap(f->p, 2 * PAGE + 2 * DATA);
	close(f->fd);
}

static inline uint64_t consumer_of(const struct fake *f)
{
	uint64_t pos;

	memcpy(&pos, f->p, sizeof pos);
	return pos;
}

static inline void set_producer(struct fake *f, uint64_t pos)
{
	f->pos = pos;
	memcpy(f->p + PAGE, &pos, sizeof pos);
}

static inline void put_at(struct fake *f, uint64_t pos, const void *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		size_t off = (pos + i) % DATA;

		f->p[2 * PAGE + off] = f->p[2 * PAGE + DATA + off] = ((const uint8_t *)p)[i];
	}
}

/* A record of len bytes whose header says said, with the length word as given. Returns where it begins. */
static inline uint64_t put_raw(struct fake *f, uint32_t word, uint32_t len, uint32_t said, uint64_t time_ns)
{
	uint8_t bytes[DATA] = { 0 };
	struct wire_hdr h = { .bytes = said, .kind = WIRE_EXIT, .time_ns = time_ns };
	uint64_t at = f->pos;

	memcpy(bytes, &h, len < sizeof h ? len : sizeof h);
	put_at(f, at, &word, sizeof word);
	put_at(f, at + HDR, bytes, len);
	set_producer(f, at + ((HDR + len + 7) & ~7u));
	return at;
}

static inline uint64_t put(struct fake *f, uint32_t len, uint64_t time_ns)
{
	return put_raw(f, len, len, len, time_ns);
}

#endif
