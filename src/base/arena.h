/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena: memory for one phase (a load, a verification, a compile), freed at once.
 *
 * The cap is the memory limit for hostile input: an allocation that would pass it returns
 * NULL, as does count * size overflowing. Memory comes zeroed. Not thread-safe; one arena
 * belongs to one thread at a time.
 */
#ifndef SALLYPORT_BASE_ARENA_H
#define SALLYPORT_BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *head;
	size_t used; /* bytes handed out and lost to alignment */
	size_t cap;  /* most bytes that may be used */
};

void arena_init(struct arena *a, size_t cap);
void arena_done(struct arena *a);
/* size bytes at the strictest alignment, zeroed; NULL past the cap. O(size). */
void *arena_alloc(struct arena *a, size_t size);
void *arena_alloc_array(struct arena *a, size_t count, size_t size);
/* A NUL-terminated copy; NULL past the cap. */
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Room for one more element in a growing array: doubles *cap when *n reaches it. NULL past the cap. */
void *arena_grow(struct arena *a, void *array, size_t n, size_t *cap, size_t size);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_alloc_array((a), (n), sizeof(type)))

#endif
