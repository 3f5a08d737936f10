/* SPDX-License-Identifier: Apache-2.0 */
/* vector_test: rules in a test with their content and vectors. */
#ifndef SALLYPORT_TESTS_VECTOR_TEST_H
#define SALLYPORT_TESTS_VECTOR_TEST_H

#include "../rule/rule_test.h"

#include "content/vector/vector.h"

struct made {
	struct arena texts; /* of files */
	struct loaded l;
	struct content *c;
	struct vector_set set;
	struct diags ds; /* what vector_make said */
	enum err err;    /* of vector_make */
};

/*
 * Load, compile and load rules, and make their vectors; what goes wrong before that fails the test. every: rules that
 * are disabled too.
 */
void make_sources(struct made *m, const struct rule_source *src, size_t n, bool every);
void make_text(struct made *m, const char *text);
/* The rules that come with Sallyport; the public ones of Falco, false when they are not here. */
void make_shipped(struct made *m);
bool make_falco(struct made *m);
void made_done(struct made *m);

/* Content of the set's enabled rules; what it is made of stays in the arena. */
struct content *load_content(const struct rule_set *rs, struct arena *a, bool all_matches);
bool made_said(const struct made *m, unsigned id);

#endif
