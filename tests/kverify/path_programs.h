/* SPDX-License-Identifier: Apache-2.0 */
/* path_programs: random programs with numbers that are linked, pointers of several kinds, the stack, and branches that
 * meet again. */
#ifndef SALLYPORT_TESTS_KVERIFY_PATH_PROGRAMS_H
#define SALLYPORT_TESTS_KVERIFY_PATH_PROGRAMS_H

#include "engine/isa/isa.h"

enum {
	PATH_MAX_INSNS = 256,
	PATH_VALUE_BYTES = 64, /* of the value of map 0, an array of PATH_ENTRIES */
	PATH_ENTRIES = 4,
};

struct path_program {
	struct isa_insn insns[PATH_MAX_INSNS]; /* slots */
	uint32_t n;
};

/* For XDP. The same seed makes the same program. newest: with instructions of ISA version 4, and may_goto. */
void path_program_make(struct path_program *p, uint64_t seed, bool newest);

#endif
