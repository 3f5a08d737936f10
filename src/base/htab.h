/* SPDX-License-Identifier: Apache-2.0 */
/*
 * htab: an intrusive hash table of fixed bucket count.
 *
 * The caller embeds struct hnode, computes the hash, and compares keys itself while walking a
 * bucket: no callbacks, no void pointers. The bucket count is set once, from the caller's own
 * bound on elements, so nothing allocates while events flow.
 */
#ifndef SALLYPORT_BASE_HTAB_H
#define SALLYPORT_BASE_HTAB_H

#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"

struct hnode {
	struct hnode *next;
	uint64_t hash;
};

struct htab {
	struct hnode **bucket;
	uint64_t mask;
	size_t n;
};

/* n_buckets is rounded up to a power of two. E_NOMEM. */
FALLIBLE htab_init(struct htab *h, size_t n_buckets);
void htab_done(struct htab *h);
void htab_add(struct htab *h, struct hnode *n, uint64_t hash);
/* The node must be in the table. */
void htab_del(struct htab *h, struct hnode *n);

static inline struct hnode *htab_first(const struct htab *h, uint64_t hash)
{
	struct hnode *n = h->bucket[hash & h->mask];

	while (n && n->hash != hash)
		n = n->next;
	return n;
}

static inline struct hnode *htab_next(const struct hnode *n)
{
	uint64_t hash = n->hash;

	for (n = n->next; n && n->hash != hash; n = n->next)
		;
	return (struct hnode *)(uintptr_t)n;
}

/* Mixes 64 bits (the finaliser of splitmix64). Not for adversarial keys: use hash_bytes with a secret. */
static inline uint64_t hash_u64(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

uint64_t hash_bytes(const void *p, size_t len, uint64_t seed);

#endif
