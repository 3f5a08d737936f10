/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vector: events with the verdict that each must get. They travel with compiled content, and a host runs them before it
 * arms the content.
 *
 * They are made from the rules: for every comparison two events that differ in that comparison's field alone, one for
 * which the rule fires and one for which it does not, and events that miss by little; and what authors write under
 * `tests:`. None is given out before the loaded content was seen to give its verdict. Pure: no files, no clock, no
 * chance; the same rules give the same vectors.
 */
#ifndef SALLYPORT_CONTENT_VECTOR_H
#define SALLYPORT_CONTENT_VECTOR_H

#include "base/base.h"
#include "content/rule/rule.h"
#include "content/runtime/runtime.h"
#include "content/template/template.h"

enum {
	VECTOR_MAX = 1 << 18,             /* of one set */
	VECTOR_MAX_FIELDS = 64,           /* of one vector */
	VECTOR_MAX_VALUE_BYTES = 65535,   /* of one field */
	VECTOR_MAX_CLAIMS = 1 << 17,      /* of one set */
	VECTOR_MAX_FILE_BYTES = 64 << 20, /* of a set as bytes */
	VECTOR_MAX_PARTS = 4096,  /* of a rule's condition, macros put in; larger ones get authors' vectors only */
	VECTOR_MAX_TRIES = 20000, /* steps of one search for an event */
	VECTOR_MAX_RULE_TRIES = 1 << 20, /* of all searches for one rule */
	VECTOR_MAX_VALUES = 2048,        /* that are tried for one field of one rule */
	VECTOR_MAX_NEAR = 64,            /* vectors of one comparison, beyond the pair */
};

/* A field of the event, in the form that `tests:` have: elements of a list joined by a newline. */
struct vector_field {
	const char *name; /* as the template table has it */
	const char *value;
	uint32_t value_len;
};

enum vector_kind { VECTOR_AUTHOR, VECTOR_FIRES, VECTOR_SILENT };

struct vector {
	uint32_t rule;                     /* index into the content's rules: the enabled ones, in order */
	const char *type;                  /* template type of the event */
	const char *subject;               /* the field that it is about; "" when it is about the rule as a whole */
	uint8_t kind;                      /* enum vector_kind */
	bool fires;                        /* the rule's own verdict, whatever others say */
	const struct vector_field *fields; /* ascending by name, each once */
	uint32_t n_fields;
};

/*
 * What is in the set about a field that a rule's condition uses for one type of event (or about the rule as a whole:
 * ""). No vectors of one sort: none could be made, and vector_make said so.
 */
struct vector_claim {
	uint32_t rule;
	const char *type, *subject;
	uint32_t n_fires, n_silent;
};

struct vector_set {
	const struct vector *v;
	uint32_t n;
	const struct vector_claim *claims; /* ascending by rule; each (rule, type, subject) once */
	uint32_t n_claims;
	uint32_t n_rules; /* of the content */
};

/*
 * Make the vectors of all enabled rules and try each on the content.
 *
 * c      the rules, compiled and loaded; with or without all_matches
 * a      gets the set. What it names stays in the arena and in the template table
 * ds     W101 (error): a rule that no vector fires on. W102 (warning): a comparison that could not be shown to decide,
 *        and why. W103 (error): an author's test that the content does not pass. W105 (warning): a type of event that a
 *        rule is judged on and was not seen to fire on. W106 (warning): a condition too large to search
 * E_REJECTED  an error is in ds; E_BUG the content and the parts of its rules disagree (W104 in ds)
 * E_FAULT, E_LIMIT, E_NOMEM
 *
 * Cost: per rule a compile of its parts and at most VECTOR_MAX_RULE_TRIES steps.
 */
FALLIBLE vector_make(const struct rule_set *rs, const struct content *c, struct arena *a, struct diags *ds,
		     struct vector_set *out);

/*
 * Whether every rule has a vector that fires, and each claim all the vectors that it counts: take one away, and this
 * says so. With rs (else NULL) also whether there is a claim for every field that a condition uses. E_REJECTED with d
 * (W401 no firing vector, W402 vectors missing, W403 no claim, W404 other content); E_NOMEM.
 */
FALLIBLE vector_complete(const struct vector_set *set, uint32_t n_rules, const struct rule_set *rs, struct arena *a,
			 struct diag *d);

/* Append the set's bytes: docs/formats/vectors.md. Deterministic. E_LIMIT, E_INVALID (W208): not as vector_read has it.
 */
FALLIBLE vector_write(const struct vector_set *set, struct buf *out, struct diag *d);
/*
 * Read a set. Strings borrow from bytes, the rest is in the arena. Hostile input: E_TRUNCATED E_FORMAT E_LIMIT
 * E_UNSUPPORTED with d (W201...W209, offset); E_NOMEM. What fields mean for a host is for vector_run to find out.
 */
FALLIBLE vector_read(struct view bytes, struct arena *a, struct vector_set *out, struct diag *d);

struct vector_run_opts {
	/* before each vector; or NULL */
	void (*before)(void *user, uint32_t index, const struct vector *v);
	void *user;
};

struct vector_result {
	uint32_t n, failed;
	uint32_t vector, rule; /* the first that failed */
	char text[240];        /* and how */
};

/*
 * Run every vector against content that was loaded for t, and go on after one that fails. A vector fails when its own
 * rule's verdict is another (rules before it that fire as well do not matter), a program ends in an error, or t has no
 * such type, field or value.
 *
 * opts   may be NULL
 * out    set with E_OK and with E_REJECTED
 *
 * E_REJECTED at least one failed: d (W301) says what the first one is; E_NOMEM
 */
FALLIBLE vector_run(const struct content *c, const struct template_table *t, const struct vector_set *set,
		    const struct vector_run_opts *opts, struct vector_result *out, struct diag *d);

/*
 * What a host does with the vectors that came with content, before it arms that: read them, see that they are n and
 * complete, and run them. Errors of all three, and E_FORMAT (W210): it is another number. No bytes and n 0: nothing to
 * do, *out is 0 of 0.
 */
FALLIBLE vector_prove(struct view bytes, uint32_t n, const struct content *c, const struct template_table *t,
		      const struct vector_run_opts *opts, struct vector_result *out, struct diag *d);

#endif
