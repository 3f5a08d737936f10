/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain: why a rule fires for an event, or does not: what each part of its condition is.
 *
 * The answers come from compiled, verified programs that the VM runs, one for each part (rule_parts), and from the
 * event's presence bits: nothing here judges a condition in another way than a host does. For authors' tools; slow.
 */
#ifndef SALLYPORT_CONTENT_EXPLAIN_H
#define SALLYPORT_CONTENT_EXPLAIN_H

#include "base/base.h"
#include "content/event/event.h"
#include "content/rule/rule.h"
#include "content/runtime/runtime.h"

struct explain;

enum explain_truth {
	EXPLAIN_FALSE,
	EXPLAIN_TRUE,
	EXPLAIN_MISSING,  /* false, because the event does not have the field's value */
	EXPLAIN_NO_FIELD, /* false, because events of this type never have the field */
};

struct explain_value {
	uint8_t truth; /* enum explain_truth; of groups and macros FALSE or TRUE */
	bool reached;  /* the parts before it left the question open: left to right, as far as needed */
};

/*
 * Take a rule's condition apart, compile and prove the parts. rs and the sources it was loaded from must outlive *out.
 * E_LIMIT: more than 4,096 different parts. E_REJECTED with ds, E_NOMEM.
 */
FALLIBLE explain_new(const struct rule_set *rs, uint32_t rule, struct diags *ds, struct explain **out);
void explain_free(struct explain *x);

const struct rule_parts *explain_parts(const struct explain *x);
/*
 * Every part by this event; values has room for explain_parts()->n. The first is the rule itself.
 * E_FAULT: a program ended in an error, d says which.
 */
FALLIBLE explain_judge(struct explain *x, struct event *e, struct explain_value *values, struct diag *d);

/*
 * The comparisons that made the verdict what it is: of an and that fails the first part that does, of an or that holds
 * the first that does, of others all parts. Indexes of parts, at most max; returns how many.
 */
uint32_t explain_deciders(const struct explain *x, const struct explain_value *values, uint32_t *out, uint32_t max);

/*
 * The conditions that must all hold, macros looked into: parts that are no and. Constant ones for the event's type
 * (evt.type of a type with one name) are left out. At most max; returns how many.
 */
uint32_t explain_conjuncts(const struct explain *x, uint32_t type_index, uint32_t *out, uint32_t max);

#endif
