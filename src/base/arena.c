/* SPDX-License-Identifier: Apache-2.0 */
/* arena: chunks that double in size up to CHUNK_MAX, freed together. */
#include "base/base.h"

#include <stdarg.h>

enum { CHUNK_MIN = 4096, CHUNK_MAX = 1 << 20 };

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, size;
	_Alignas(max_align_t) uint8_t data[];
};

void arena_init(struct arena *a, size_t cap)
{
	*a = (struct arena){ .cap = cap };
}

void arena_done(struct arena *a)
{
	for (struct arena_chunk *c = a->head, *next; c; c = next) {
		next = c->next;
		memory_open(c->data, c->size);
		free(c);
	}
	*a = (struct arena){ .cap = a->cap };
}

static struct arena_chunk *chunk_new(struct arena *a, size_t need)
{
	size_t size = a->head ? a->head->size * 2 : CHUNK_MIN;
	struct arena_chunk *c;

	if (size > CHUNK_MAX)
		size = CHUNK_MAX;
	if (size < need)
		size = need;
	c = calloc(1, sizeof *c + size);
	if (!GUARD(13, c))
		return NULL;
	c->size = size;
	memory_close(c->data, size);
	c->next = a->head;
	a->head = c;
	return c;
}

void *arena_alloc(struct arena *a, size_t size)
{
	const size_t align = _Alignof(max_align_t), wanted = size;
	struct arena_chunk *c = a->head;
	void *p;

	if (size > SIZE_MAX - align - POISON_GAP)
		return NULL;
	size = (size + align - 1) & ~(align - 1);
	if (!GUARD(15, size <= a->cap && a->used <= a->cap - size))
		return NULL;
	if (!c || c->size - c->used < size + POISON_GAP)
		c = chunk_new(a, size + POISON_GAP);
	if (!c)
		return NULL;
	p = c->data + c->used;
	memory_open(p, wanted);
	c->used += size + POISON_GAP;
	a->used += size;
	return p;
}

void *arena_alloc_array(struct arena *a, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	return arena_alloc(a, bytes);
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *p = len < SIZE_MAX ? arena_alloc(a, len + 1) : NULL;

	if (p)
		memcpy(p, s, len);
	return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return NULL;
	p = arena_alloc(a, (size_t)n + 1);
	if (!p)
		return NULL;
	va_start(ap, fmt);
	(void)vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

void *arena_grow(struct arena *a, void *array, size_t n, size_t *cap, size_t size)
{
	size_t want = *cap ? *cap * 2 : 8;
	void *p;

	if (n < *cap)
		return array;
	p = arena_alloc_array(a, want, size);
	if (!p)
		return NULL;
	if (n)
		memcpy(p, array, n * size);
	*cap = want;
	return p;
}
