/* SPDX-License-Identifier: Apache-2.0 */
/* pool: blocks out of the arena, by size class, that can be given back. */
#include "engine/verify/verify_internal.h"

enum { CLASS_BYTES = 128 };

static size_t class_of(size_t bytes)
{
	return (bytes + CLASS_BYTES - 1) / CLASS_BYTES;
}

void *pool_alloc(struct verifier *v, size_t bytes)
{
	size_t c = class_of(bytes);
	struct block *b;

	if (!bytes)
		return v; /* nothing is ever written there */
	if (c >= v->n_classes)
		return NULL;
	b = v->free_blocks[c];
	if (!b)
		return arena_alloc(v->arena, c * CLASS_BYTES);
	v->free_blocks[c] = b->next;
	return b;
}

void pool_free(struct verifier *v, void *p, size_t bytes)
{
	struct block *b = p;

	if (!bytes)
		return;
	b->next = v->free_blocks[class_of(bytes)];
	v->free_blocks[class_of(bytes)] = b;
}
