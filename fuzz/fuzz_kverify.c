/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_kverify: any bytes as a program with maps, functions and types, on any release (tests/kverify/made.h). It is
 * judged twice: the same verdict, with a reason, in time, whatever the room; never a broken invariant.
 *
 * Half of the mutations are of bytes, half of instructions: from programs of the tests and random ones.
 */
#include "made.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
size_t LLVMFuzzerCustomMutator(uint8_t *p, size_t n, size_t max, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *p, size_t n, size_t max);

static struct made_kit kit;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	if (!made_kit_init(&kit))
		abort();
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *p, size_t n, size_t max, unsigned seed)
{
	if (seed % 32 == 1)
		return made_fresh(p, max, &kit, seed);
	return seed & 3 ? made_mutate(p, n, max, &kit, seed) : LLVMFuzzerMutate(p, n, max);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const char *wrong = NULL;
	struct made m;
	struct arena a;

	arena_init(&a, 4 << 20);
	if (made_from(view_of(p, n), &kit, &a, &m))
		wrong = made_judge(&m);
	arena_done(&a);
	if (wrong) {
		(void)fprintf(stderr, "%s\n", wrong);
		abort();
	}
	return 0;
}
