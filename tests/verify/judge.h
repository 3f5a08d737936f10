/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge: is the verifier right about this program?
 *
 *   watched  what is accepted runs on a machine that notices every misuse, to its end, and is at every step in a state
 *            that the verifier saw at that instruction (watch.h); all numbers are compared meanwhile
 *   pruned   the verdict is the one with every number compared, and the one with every path walked, or they are over
 *            their budget; what is accepted runs
 *
 * The latter is for what a machine cannot watch: it may hold numbers that the state which covers its own does not.
 */
#ifndef SALLYPORT_TESTS_VERIFY_JUDGE_H
#define SALLYPORT_TESTS_VERIFY_JUDGE_H

#include "watch.h"

struct judge {
	const struct abi_profile *profile;
	const struct abi_prog_type *type;
	const struct abi_ctx *ctx;
	uint32_t runs; /* of each accepted program */
	uint64_t seed; /* of what the machine is given */
	struct watch_census *census;

	uint32_t programs, accepted, over_budget; /* over_budget: with every path walked */
	uint32_t refused[1000];                   /* by id of the diagnostic */
	uint64_t steps, strict_steps, every_steps;
	char wrong[320];
};

/* False: it is wrong, and j->wrong says where. */
bool judge_watched(struct judge *j, const struct prog *p);
bool judge_pruned(struct judge *j, const struct prog *p);

#endif
