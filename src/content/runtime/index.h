/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index: which programs of a type an event can match at all.
 *
 * Content says of each program a few guards: sets of predicates of which one must hold. Here they become bitmaps, once,
 * at load: first a table by the truth of up to INDEX_MAX_FACTS cheap questions about numbers, then a stage per group of
 * literals or single predicate, cheap ones first. A stage is skipped when no program that is still in the race depends
 * on it; what one lets through by a process's looks alone is remembered for the next event of those looks. What is left
 * is started; the program alone decides. Not a door.
 */
#ifndef SALLYPORT_CONTENT_RUNTIME_INDEX_H
#define SALLYPORT_CONTENT_RUNTIME_INDEX_H

#include "content/runtime/internal.h"

enum {
	INDEX_MAX_FACTS = 8,
	INDEX_MAX_STAGES = 64,    /* bits of a word; guards that would need more are not used */
	INDEX_TABLE_WORDS = 8192, /* of the table of facts; fewer facts when there are many programs */
};
static_assert(RUNTIME_MAX_WORDS == IMAGE_MAX_RULES / 64, "a rule has at most one program of a type");

/* A comparison of a number, asked always. */
struct index_fact {
	uint16_t field;
	uint8_t order; /* enum helper_order */
	bool negate;
	uint64_t number;
};

/* What a stage asks: a group of predicates, or one that has none. */
struct index_element {
	uint16_t group; /* HELPER_NO_GROUP */
	uint16_t pred;
};

/* Some of the predicates in one word of a set by place (helper_preds_place). */
struct index_preds {
	uint32_t word;
	uint64_t set;
};

struct index_stage {
	uint64_t elements; /* which must be asked before: bits by number */
	uint64_t *needs;   /* programs: those that one of `preds` must let through */
	struct index_preds *preds;
	uint32_t n_preds; /* words */
	uint32_t *first;  /* by place: programs that it lets through are lets[first[i]] up to lets[first[i + 1]] */
	uint16_t *lets;
};

struct type_index {
	const struct helper_preds *preds;
	uint32_t n_words; /* of a set of programs */
	struct index_fact facts[INDEX_MAX_FACTS];
	struct index_element elements[INDEX_MAX_STAGES];
	uint32_t n_facts, n_stages;
	uint64_t look_stages; /* that ask about a process's looks only (event.h): bits by number */
	uint64_t serial;      /* no other index ever had it */
	uint64_t *table;      /* n_words for each truth of the facts, fact i at bit i */
	struct index_stage *stages;
	uint64_t first_needs[INDEX_MAX_STAGES]; /* first words of the stages' needs, beside each other */
	uint32_t *
		first_read; /* by program: it loads fields reads[first_read[i]] up to reads[first_read[i + 1]] itself */
	uint16_t *reads;
};

/*
 * Make the index of a type. plans: of its n programs in their order; preds: its predicates in order of their numbers,
 * already judged. Everything that stays is in a. E_NOMEM, E_LIMIT, E_FORMAT with d.
 */
FALLIBLE index_new(const struct image_plan *const *plans, uint32_t n, const struct helper_preds *preds,
		   const struct helper_pred *asked, struct arena *a, struct type_index *out, struct diag *d);
/* ce->alive: programs that can match the event, as a set of x->n_words. env->memo is this event's. */
void index_select(const struct type_index *x, struct content_eval *ce, struct event *e);

#endif
