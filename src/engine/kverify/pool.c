/* SPDX-License-Identifier: Apache-2.0 */
/* pool: blocks out of the arena, by size class, that can be given back. States come and go by the million. */
#include "engine/kverify/internal.h"

enum { CLASS_BYTES = 64, N_CLASSES = 4096 };

static size_t class_of(size_t bytes)
{
	return (bytes + CLASS_BYTES - 1) / CLASS_BYTES;
}

void *kpool_alloc(struct kverifier *v, size_t bytes)
{
	size_t c = class_of(bytes ? bytes : 1);
	struct kblock *b;

	if (!v->free_blocks) {
		v->free_blocks = ARENA_ARRAY(v->arena, struct kblock *, N_CLASSES);
		v->n_classes = N_CLASSES;
	}
	if (!v->free_blocks)
		return NULL;
	if (c >= v->n_classes)
		return arena_alloc(v->arena, bytes);
	b = v->free_blocks[c];
	if (!b)
		return arena_alloc(v->arena, c * CLASS_BYTES);
	v->free_blocks[c] = b->next;
	memory_open(b, bytes);
	return b;
}

void *kscratch(struct kverifier *v, size_t n, size_t size)
{
	size_t had = v->scratch.used;
	void *p;

	v->scratch.cap = had + (v->arena->cap > v->arena->used ? v->arena->cap - v->arena->used : 0);
	p = arena_alloc_array(&v->scratch, n, size);
	v->arena->used += v->scratch.used - had;
	return p;
}

void kscratch_done(struct kverifier *v)
{
	v->arena->used -= v->scratch.used;
	arena_done(&v->scratch);
}

/* Blocks over the largest class stay the arena's until it ends. */
void kpool_free(struct kverifier *v, void *p, size_t bytes)
{
	size_t c = class_of(bytes ? bytes : 1);
	struct kblock *b = p;

	if (!p || c >= v->n_classes)
		return;
	b->next = v->free_blocks[c];
	v->free_blocks[c] = b;
	memory_close(b + 1, c * CLASS_BYTES - sizeof *b);
}
