/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clash: random programs in which two paths meet with different things in the same place.
 *
 * Each of the two puts something into r7 and into a slot: a number, known, unknown or linked to another; a pointer to
 * this or that; what may be null; bytes that are zero, some number, or were never written. What comes after the meeting
 * suits one of the two. Whoever takes one state for covered by the other accepts what suits only one.
 */
#ifndef SALLYPORT_TESTS_VERIFY_CLASH_H
#define SALLYPORT_TESTS_VERIFY_CLASH_H

#include "gen.h"

void clash_program(struct gen *g, uint64_t seed);

#endif
