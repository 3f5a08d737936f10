/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch: remembers the states that the verifier goes through, and runs the program on a machine (machine.h) that must
 * be in one of them at each step: all its registers, stack bytes and links at once.
 */
#ifndef SALLYPORT_TESTS_VERIFY_WATCH_H
#define SALLYPORT_TESTS_VERIFY_WATCH_H

#include "engine/verify/verify_internal.h"
#include "gen.h"
#include "machine.h"

enum { WATCH_STEPS_MAX = 1 << 20, WATCH_STATES_MAX = 20000 };

/* What machines ran, to tell what the programs cover. */
struct watch_census {
	uint64_t rows[256];        /* by row of the instruction set */
	uint64_t helpers[256];     /* by index into the profile's helpers */
	uint64_t saved_loads;      /* of a saved pointer or handle */
	uint64_t deep, calls_back; /* instructions in a function, and in a callback */
};

struct watch_state {
	struct watch_state *next;
	struct snap *snap;
};

struct watch {
	struct arena arena;
	struct watch_state *at[GEN_MAX]; /* by instruction */
	uint32_t n;
	bool overflow; /* too many: nothing is said about states */
	struct watch_census *census;
};

void watch_init(struct watch *w);
void watch_done(struct watch *w);
/* A verify_observer. */
void watch_observe(void *user, const struct state *s);
bool watch_saw(const struct watch *w, const struct machine *m);
/* What went wrong, and where; NULL when the program ran to its end as expected. */
const char *watch_run(const struct watch *w, const struct prog *p, const struct abi_ctx *ctx, uint64_t seed,
		      uint32_t *insn);

#endif
