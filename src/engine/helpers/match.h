/* SPDX-License-Identifier: Apache-2.0 */
/*
 * match: many literals of one kind asked of one string in one pass.
 *
 * What is_any of n literals costs does not depend on n: equality looks the string up in one table of all literals, the
 * other kinds walk an automaton whose states are the literals' prefixes, one step a byte. Beginnings and ends stop at
 * the first byte that no literal has there; occurrences (Aho and Corasick, 1975) read all of the string.
 *
 * A matcher is built at load, in an arena, and never changes: many threads may use it. Its size is bounded
 * (MATCH_MAX_STATES, MATCH_MAX_CELLS): what does not fit is refused, and asked one by one instead.
 */
#ifndef SALLYPORT_ENGINE_HELPERS_MATCH_H
#define SALLYPORT_ENGINE_HELPERS_MATCH_H

#include "engine/helpers/impl.h"

enum match_kind { MATCH_EQUAL, MATCH_PREFIX, MATCH_SUFFIX, MATCH_INSIDE, MATCH_N_KINDS };

enum {
	MATCH_MAX_STATES = 16384,  /* bytes of all literals of an automaton */
	MATCH_MAX_CELLS = 1 << 20, /* states times classes of bytes: 4 bytes each */
	MATCH_MAX_OUTPUTS = 65536, /* over all states */
	MATCH_MAX_LITERALS = 65536,
};

/* A literal, and the number that is given out when it is found. Many literals may have one number, and the reverse. */
struct match_literal {
	struct helper_str s;
	uint32_t id;
};

struct match;

/* Literals are copied as far as needed; scratch is what building needs. E_LIMIT: too large; E_NOMEM. */
FALLIBLE match_new(enum match_kind kind, const struct match_literal *literals, uint32_t n, struct arena *a,
		   struct arena *scratch, struct match **out);
/* Set the bits of all literals that s is, begins with, ends with or holds. O(length of s). */
void match_run(const struct match *m, struct helper_str s, uint64_t *bits);

#endif
