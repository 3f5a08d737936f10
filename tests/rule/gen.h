/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gen: random rules, each written twice: as people write them, with macros, lists and exceptions, and flat, where all
 * of that stands in the condition. And random events. The same seed gives the same.
 */
#ifndef SALLYPORT_TESTS_GEN_H
#define SALLYPORT_TESTS_GEN_H

#include "base/base.h"
#include "content/event/event.h"

struct gen {
	uint64_t seed;
	const struct template_type *type; /* whose fields are spoken of */
	struct buf items;                 /* lists and macros */
	struct buf exceptions;
	unsigned n_lists, n_macros;
	struct arena a; /* of values in an event */
};

uint32_t gen_below(struct gen *g, uint32_t n);
/* Two rules files with one rule each, which mean the same. */
void gen_rules(struct gen *g, const struct template_type *type, struct buf *disguised, struct buf *flat);
/* Set e's fields, some of them left out. evt.type and evt.num are the caller's. */
void gen_event(struct gen *g, struct event *e);

#endif
