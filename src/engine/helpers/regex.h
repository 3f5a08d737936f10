/* SPDX-License-Identifier: Apache-2.0 */
/* regex: the tree of a regular expression, between its parser and its packer. */
#ifndef SALLYPORT_ENGINE_HELPERS_REGEX_H
#define SALLYPORT_ENGINE_HELPERS_REGEX_H

#include "engine/helpers/impl.h"

enum { REGEX_SET_WORDS = 4, REGEX_MAX_NODES = 4096, REGEX_MAX_REPEAT = 255, REGEX_MANY = INT32_MAX };

enum regex_kind { REGEX_BYTE, REGEX_SEQUENCE, REGEX_ALTERNATIVES, REGEX_REPEAT, REGEX_BEGIN, REGEX_END };

struct regex_node {
	enum regex_kind kind;
	uint32_t min, max;             /* REPEAT; REGEX_MANY: without end */
	uint64_t set[REGEX_SET_WORDS]; /* BYTE: those it takes */
	struct regex_node *kids;       /* the last one; REPEAT has one */
	struct regex_node *before;     /* the sibling before this one */
};

/* E_REJECTED with *e, E_NOMEM. */
FALLIBLE regex_parse(const char *text, size_t len, struct arena *a, struct regex_node **out,
		     struct helper_regex_error *e);

#endif
