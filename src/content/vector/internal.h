/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal: what the files of this module share.
 *
 * A rule and a type of event make a problem. Comparisons are its variables; the fields that they look at, joined where
 * one comparison looks at several, are its slots. Values for a slot are tried one by one on the compiled parts
 * (slot.c), so that what is left is a search in a table of bits (solve.c).
 */
#ifndef SALLYPORT_CONTENT_VECTOR_INTERNAL_H
#define SALLYPORT_CONTENT_VECTOR_INTERNAL_H

#include "content/explain/explain.h"
#include "content/vector/vector.h"

#define VECTOR_NONE UINT32_MAX
#define VECTOR_EVENT "evt.type"

/* One way to fill a slot. */
struct vector_cand {
	const struct vector_field *fields; /* by the slot's fields; value NULL: missing */
	uint64_t *bits;                    /* by variable: those of the slot that are true */
	const struct rule_sample *sample;  /* what it was made of, or NULL */
	uint32_t origin;                   /* variable that it is a sample of, or VECTOR_NONE */
	bool missing;                      /* none of the fields is there */
};

struct vector_slot {
	const struct template_field **rows;
	uint32_t n_rows;
	uint32_t *vars;
	uint32_t n_vars;
	struct vector_cand *cands;
	uint32_t n;
	size_t cap;
	uint32_t pick; /* the candidate at hand */
};

enum { LIT_OPEN = -1 };
struct vector_var {
	uint32_t part; /* the first of the parts that are this comparison */
	uint32_t slot;
	int8_t lit; /* what it must be, or LIT_OPEN */
};

enum { FIXED_FALSE, FIXED_TRUE, FIXED_NOT };

struct vector_problem {
	struct arena *a; /* for this rule */
	const struct rule_parts *parts;
	struct explain *x;
	struct explain_value *values;
	struct event *e;
	uint32_t type_index;
	const struct template_type *type;
	uint8_t *fixed;   /* by part: decided by the type of event */
	uint32_t *var_of; /* by part */
	struct vector_var *vars;
	uint32_t n_vars;
	struct vector_slot *slots;
	uint32_t n_slots;
	uint32_t pivot;              /* variable that nothing else may lean on, or VECTOR_NONE */
	uint32_t tries, *rule_tries; /* steps that are left */
	enum err err;                /* sticks */
	struct diag *d;
};

/* ---- event.c ---- */

/* Make e the vector's event. Lists go to the arena. E_NOT_FOUND, E_TYPE with d; E_NOMEM. */
FALLIBLE vector_event(struct event *e, const char *type, const struct vector_field *fields, uint32_t n, struct arena *a,
		      struct diag *d);

struct vector_judge {
	struct content_eval eval;
	struct event *event;
	uint32_t *fired;
	uint32_t max;
};
FALLIBLE vector_judge_init(struct vector_judge *j, const struct content *c, const struct template_table *t);
void vector_judge_done(struct vector_judge *j);
/* The verdict of the vector's rule. E_FAULT and those of vector_event, with d. */
FALLIBLE vector_judge(struct vector_judge *j, const struct content *c, const struct vector *v, bool *fires,
		      struct diag *d);

/* ---- slot.c ---- */

/* Whether the type of event alone decides the part: FIXED_... */
int vector_fixed(const struct rule_parts *parts, uint32_t part, uint32_t type_index);
/* Variables and slots with their first candidates. */
FALLIBLE vector_problem_make(struct vector_problem *p);
/*
 * Put together what the slot's variables want by now; the last candidate then does it. One of them (or VECTOR_NONE) may
 * be given by a sample of it. False: no such was found.
 */
bool vector_compose(struct vector_problem *p, struct vector_slot *s, uint32_t var, const struct rule_sample *sample);

/* Pick `base` with one row's value as `from` has it. False: not possible. */
bool vector_graft(struct vector_problem *p, struct vector_slot *s, uint32_t base, uint32_t row, uint32_t from);

/* Its candidates are the names that an event of the type can have. */
static inline bool vector_is_event(const struct vector_slot *s)
{
	return s->n_rows == 1 && !strcmp(s->rows[0]->name, VECTOR_EVENT);
}

static inline bool vector_bit(const uint64_t *bits, uint32_t i)
{
	return bits[i / 64] >> i % 64 & 1;
}

/* ---- solve.c ---- */

struct vector_goal {
	uint32_t part;
	bool want;
	const struct vector_goal *next;
};
/* Forget everything that was wanted. */
void vector_reset(struct vector_problem *p);
/* Pick candidates with which all goals are as wanted, whatever the comparisons that they leave open are. */
bool vector_solve(struct vector_problem *p, const struct vector_goal *goals);
/* The candidate does what the slot's variables want. */
bool vector_agrees(const struct vector_problem *p, const struct vector_slot *s, uint32_t cand);
/* A candidate of the slot that does what its variables want becomes its pick. False: there is none. */
bool vector_refresh(struct vector_problem *p, struct vector_slot *s);
/* The part's truth by the picks; the variable `flip` the other way round. */
bool vector_truth(const struct vector_problem *p, uint32_t part, uint32_t flip);

#endif
