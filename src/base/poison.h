/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poison: memory of an arena that nobody may touch, where the address sanitizer watches; elsewhere nothing.
 *
 * To the sanitizer a chunk is one block: an array that is overrun, or a block that was given back to a pool, would be
 * read without notice.
 */
#ifndef SALLYPORT_BASE_POISON_H
#define SALLYPORT_BASE_POISON_H

#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISON_WATCHED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define POISON_WATCHED 1
#endif

#ifdef POISON_WATCHED
#include <sanitizer/asan_interface.h>

enum { POISON_GAP = 16 }; /* bytes after each allocation */

static inline void memory_close(const void *p, size_t n)
{
	ASAN_POISON_MEMORY_REGION(p, n);
}

static inline void memory_open(const void *p, size_t n)
{
	ASAN_UNPOISON_MEMORY_REGION(p, n);
}
#else
enum { POISON_GAP = 0 };

static inline void memory_close(const void *p, size_t n)
{
	(void)p;
	(void)n;
}

static inline void memory_open(const void *p, size_t n)
{
	(void)p;
	(void)n;
}
#endif

#endif
