/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

FALLIBLE htab_init(struct htab *h, size_t n_buckets)
{
	size_t n = 1;

	while (n < n_buckets)
		n *= 2;
	*h = (struct htab){ .bucket = calloc(n, sizeof *h->bucket), .mask = n - 1 };
	return h->bucket ? E_OK : E_NOMEM;
}

void htab_done(struct htab *h)
{
	free(h->bucket);
	*h = (struct htab){ 0 };
}

void htab_add(struct htab *h, struct hnode *n, uint64_t hash)
{
	struct hnode **b = &h->bucket[hash & h->mask];

	n->hash = hash;
	n->next = *b;
	*b = n;
	h->n++;
}

void htab_del(struct htab *h, struct hnode *n)
{
	struct hnode **p = &h->bucket[n->hash & h->mask];

	while (*p && *p != n)
		p = &(*p)->next;
	assert(*p && "htab_del of a node that is not in the table");
	*p = n->next;
	n->next = NULL;
	h->n--;
}

uint64_t hash_bytes(const void *p, size_t len, uint64_t seed)
{
	const uint8_t *s = p;
	uint64_t h = seed ^ (len * 0x9e3779b97f4a7c15ull), w;

	for (; len >= 8; s += 8, len -= 8) {
		memcpy(&w, s, 8);
		h = hash_u64(h ^ w) + 0x9e3779b97f4a7c15ull;
	}
	w = 0;
	if (len)
		memcpy(&w, s, len);
	return hash_u64(h ^ w);
}
