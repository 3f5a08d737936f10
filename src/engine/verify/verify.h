/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify: is this program safe, for every input, under this profile?
 *
 * A path-sensitive abstract interpretation in the manner of Linux's verifier. It accepts only what it
 * has proven: every path ends within the profile's budget, reads only initialised registers and
 * stack, stays inside context, stack, map values; calls helpers with what their prototypes ask. It fails
 * closed: what it does not know, and a broken invariant of its own, rejects.
 *
 * Pure: no I/O, no clock, no global state; memory from the caller's arena, whose cap is the limit.
 * Threads: any number at once, each with its own arena.
 */
#ifndef SALLYPORT_ENGINE_VERIFY_H
#define SALLYPORT_ENGINE_VERIFY_H

#include "base/base.h"
#include "engine/abi/abi.h"
#include "engine/prog/prog.h"

struct verify_opts {
	const struct abi_profile *profile;
	const struct abi_prog_type *type;
	const struct abi_ctx *ctx;
	/* Optional: called before each processed instruction with its state as one line of text. */
	void (*trace)(void *user, uint32_t insn, const char *state);
	void *trace_user;
};

struct verify_stats {
	uint64_t steps;       /* instructions processed, over all paths */
	uint32_t states_peak; /* stored states at most at one time */
	uint32_t stack_bytes; /* deepest stack over any call chain */
	uint32_t branch_peak; /* most branches waiting */
};

/*
 * E_REJECTED     the program is not proven safe; d: id V..., instruction, source line, notes with what was known
 * E_UNSUPPORTED  it uses something this verifier does not model
 * E_LIMIT        too large: steps, branches, or the arena's cap
 * E_BUG          a broken invariant: treat as rejected
 *
 * stats may be NULL; it is filled whatever the verdict. Cost: linear in stats->steps.
 */
FALLIBLE verify_prog(const struct prog *p, const struct verify_opts *o, struct arena *a, struct verify_stats *stats,
		     struct diag *d);

/* Every diagnostic id this module can give, for docs and for the test that each is provoked. */
struct verify_diag_row {
	uint16_t id;
	const char *title, *help;
};
extern const struct verify_diag_row verify_diags[];
extern const size_t verify_n_diags;

#endif
