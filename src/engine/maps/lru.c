/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lru: which element of a full LRU hash goes.
 *
 * The clock algorithm (F. J. Corbato, 1968): a hand goes round the slots; an element that was used since it last
 * passed stays and loses its mark, the first without goes. New elements have no mark, but the hand has just passed
 * them. This is an approximation of "least recently used", as the kernel's lists are (kernel/bpf/bpf_lru_list.c). No
 * search lets more than SECOND_CHANCES marks count, so that it is short even if everything was used.
 */
#include "engine/maps/impl.h"

enum { SECOND_CHANCES = 128 };

uint32_t map_lru_slot(struct map *m)
{
	struct map_hash *h = &m->hash;
	uint32_t slot = map_hash_slot_new(m), chances = SECOND_CHANCES;

	for (size_t i = 0; !slot && i < 2 * m->n_slots; i++) {
		uint32_t at = atomic_fetch_add_explicit(&h->hand, 1, memory_order_relaxed) % (uint32_t)m->n_slots;
		struct map_node *n = (struct map_node *)(void *)(h->nodes + (size_t)at * h->node_bytes);

		if (!get32(&n->live))
			continue;
		if (get32(&n->used) && chances) {
			put32(&n->used, 0);
			chances--;
		} else if (map_hash_unlink(h, at)) {
			slot = at + 1;
		}
	}
	return slot;
}
