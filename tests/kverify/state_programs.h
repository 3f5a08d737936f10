/* SPDX-License-Identifier: Apache-2.0 */
/* state_programs: programs on which keeping and comparing states can be watched, in the assembler's text (docs/asm.md).
 */
#ifndef SALLYPORT_TESTS_KVERIFY_STATE_PROGRAMS_H
#define SALLYPORT_TESTS_KVERIFY_STATE_PROGRAMS_H

#include "engine/kverify/kverify.h"

struct state_program {
	const char *name, *text;
	bool each;      /* keep a state wherever one may be kept: BPF_F_TEST_STATE_FREQ */
	uint16_t since; /* the first release that knows all of its instructions */
};

static const struct state_program state_programs[] = {
	{ "two ways that meet, with a number that nothing needs",
	  "call 7\n"
	  "r6 = 1\n"
	  "if r0 > 5 goto L\n"
	  "r6 = 2\n"
	  "L: r7 = r6\n"
	  "r0 = 0\n"
	  "if r7 != 0 goto M\n" /* decided on both ways: exact after all */
	  "M: r0 = 0\n"
	  "exit\n",
	  true, 0 },
	{ "two ways that meet, with a number that is only copied",
	  "call 7\n"
	  "r6 = 1\n"
	  "if r0 > 5 goto L\n"
	  "r6 = 2\n"
	  "L: r7 = r6\n"
	  "r7 += 3\n"
	  "r0 = 0\n"
	  "exit\n",
	  true, 0 },
	{ "two ways that meet, with an offset of the stack",
	  "call 7\n"
	  "r6 = -8\n"
	  "if r0 > 5 goto L\n"
	  "r6 = -16\n"
	  "L: r1 = r10\n"
	  "r1 += r6\n"
	  "*(u64 *)(r1 + 0) = 0\n"
	  "r0 = 0\n"
	  "exit\n",
	  true, 0 },
	{ "pointer on one way, number on the other, never read",
	  "call 7\n"
	  "r6 = r10\n"
	  "if r0 > 5 goto L\n"
	  "r6 = 2\n"
	  "L: r6 = 3\n"
	  "r0 = r6\n"
	  "exit\n",
	  true, 0 },
	{ "spilled on one way, and the slot is read later",
	  "call 7\n"
	  "*(u64 *)(r10 - 8) = 4\n"
	  "if r0 > 5 goto L\n"
	  "*(u64 *)(r10 - 8) = r0\n"
	  "L: r1 = *(u64 *)(r10 - 8)\n"
	  "if r1 > 9 goto M\n"
	  "r0 = 1\n"
	  "M: r0 = 0\n"
	  "exit\n",
	  true, 0 },
	{ "a loop that counts",
	  "r6 = 0\n"
	  "L: r6 += 1\n"
	  "call 7\n"
	  "if r6 != 300 goto L\n"
	  "r0 = 0\n"
	  "exit\n",
	  false, 0 },
	{ "a loop in a loop",
	  "r6 = 0\n"
	  "O: r7 = 0\n"
	  "I: call 7\n"
	  "if r0 > 3 goto S\n"
	  "r8 = r0\n"
	  "S: r7 += 1\n"
	  "if r7 < 7 goto I\n"
	  "r6 += 1\n"
	  "if r6 < 9 goto O\n"
	  "r0 = 0\n"
	  "exit\n",
	  false, 0 },
	{ "numbers that are linked learn together",
	  "call 7\n"
	  "r6 = r0\n"
	  "r7 = r0\n"
	  "call 7\n"
	  "if r0 > 3 goto L\n"
	  "r7 = r0\n"
	  "L: if r6 > 7 goto E\n"
	  "r1 = r10\n"
	  "r1 += -16\n"
	  "if r7 > 7 goto E\n"
	  "*(u64 *)(r10 - 16) = 0\n"
	  "*(u64 *)(r10 - 8) = 0\n"
	  "r1 += r7\n"
	  "r0 = *(u8 *)(r1 + 0)\n"
	  "E: r0 = 0\n"
	  "exit\n",
	  true, 0 },
	{ "a function reads its caller's slot, exactly",
	  "call 7\n"
	  "*(u64 *)(r10 - 8) = -16\n"
	  "if r0 > 5 goto L\n"
	  "*(u64 *)(r10 - 8) = -24\n"
	  "L: r1 = r10\n"
	  "r1 += -8\n"
	  "call f\n"
	  "r1 = r10\n"
	  "r1 += r0\n"
	  "*(u64 *)(r1 + 0) = 1\n"
	  "r0 = 0\n"
	  "exit\n"
	  "f:\n"
	  "r2 = *(u64 *)(r1 + 0)\n"
	  "r0 = r2\n"
	  "exit\n",
	  true, 0 },
	{ "the same function from two places",
	  "call 7\n"
	  "r6 = r0\n"
	  "r1 = r6\n"
	  "call f\n"
	  "if r0 > 1 goto L\n"
	  "r6 = 1\n"
	  "L: r1 = r6\n"
	  "call f\n"
	  "r0 = 0\n"
	  "exit\n"
	  "f:\n"
	  "r0 = 0\n"
	  "if r1 > 7 goto G\n"
	  "r0 = r1\n"
	  "G: exit\n",
	  true, 0 },
	{ "rounds that may_goto bounds",
	  "r6 = 0\n"
	  "r7 = 0\n"
	  "L: may_goto E\n"
	  "r6 += 1\n"
	  "call 7\n"
	  "if r0 > 7 goto L\n"
	  "r7 = r0\n"
	  "goto L\n"
	  "E: r0 = 0\n"
	  "exit\n",
	  false, KERNEL_V(6, 12) },
	{ "rounds in rounds that may_goto bounds, one needs its number",
	  "r6 = -8\n"
	  "L: may_goto E\n"
	  "M: may_goto F\n"
	  "call 7\n"
	  "r8 = r0\n"
	  "if r8 > 3 goto M\n"
	  "r6 = -16\n"
	  "goto M\n"
	  "F: goto L\n"
	  "E: r1 = r10\n"
	  "r1 += r6\n"
	  "*(u64 *)(r1 + 0) = 1\n"
	  "r0 = 0\n"
	  "exit\n",
	  false, KERNEL_V(6, 12) },
	{ "a loop without an end", "L: r0 = 1\nr6 = 2\ngoto L\n", true, 0 },
	{ "a loop that is too long",
	  "r6 = 0\n"
	  "L: r6 += 1\n"
	  "if r6 != 2000000 goto L\n"
	  "r0 = 0\n"
	  "exit\n",
	  false, 0 },
};
enum { N_STATE_PROGRAMS = sizeof state_programs / sizeof state_programs[0] };

#endif
