/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chase: random programs in which a number that two paths disagree on is sent on a long way to where it decides.
 *
 * One path gives it one value, the other another; often one of them is harmful where the number is used in the end: as
 * an offset, a size, a returned value, a zero, one side of a branch. On the way it goes through registers, stack,
 * functions, arithmetic and comparisons, and past places where the verifier compares states. Whoever takes it for a
 * number that does not matter accepts the harmful path, too.
 */
#ifndef SALLYPORT_TESTS_VERIFY_CHASE_H
#define SALLYPORT_TESTS_VERIFY_CHASE_H

#include "gen.h"

void chase_program(struct gen *g, uint64_t seed);

#endif
