/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_verify: how many instructions a second does the verifier process, and what does a small program cost?
 *
 * Each program is verified again and again; the figure is the median of the thread's CPU time. Baseline, the kernel's
 * own verifier on loop-heavy selftests: 0.5 to 1.4 million instructions a second, about 37 us for a small program
 * (median).
 */
#include "asm.h"
#include "engine/verify/verify.h"

#include <time.h>

enum { ROUNDS = 15, ARENA_BYTES = 256 << 20 };

static const struct prog_map map = {
	.name = "a", .kind = PROG_MAP_ARRAY, .key_size = 4, .value_size = 64, .max_entries = 1
};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void measure(const char *name, const struct isa_insn *code, size_t n)
{
	static const struct abi_ctx ctx = { .name = "memory", .size = 64, .plain_memory = true };
	static const struct abi_prog_type any = { .section = "any", .ret_min = INT64_MIN, .ret_max = INT64_MAX };
	struct verify_opts o = { .profile = &abi_sallyport, .type = &any, .ctx = &ctx };
	struct prog p = { .name = name,
			  .section = "any",
			  .insns = (struct isa_insn *)(uintptr_t)code,
			  .n_insns = (uint32_t)n,
			  .maps = &map,
			  .n_maps = 1 };
	double ms[ROUNDS];
	struct verify_stats s;
	size_t used = 0;

	for (int i = 0; i < ROUNDS; i++) {
		double start = now_ms();
		struct arena a;
		struct diag d;

		arena_init(&a, ARENA_BYTES);
		diag_init(&d);
		if (verify_prog(&p, &o, &a, &s, &d) != E_OK)
			printf("%s: V%u: %s\n", name, d.id, d.text);
		used = a.used;
		arena_done(&a);
		ms[i] = now_ms() - start;
	}
	qsort(ms, ROUNDS, sizeof ms[0], by_size);
	printf("%-16s %8llu steps %9.3f ms %6.2f M steps/s %7zu KiB %6u states\n", name, (unsigned long long)s.steps,
	       ms[ROUNDS / 2], (double)s.steps / ms[ROUNDS / 2] / 1e3, used >> 10, s.states_peak);
}

int main(void)
{
	measure("small", CODE(mov(0, 0), ldx(64, 2, 1, 0), ldx(64, 3, 1, 8), stx(64, 10, -8, 2),
			      jccr(ISA_JGT, 64, 2, 3, 2), and_(2, 63), jcc(ISA_JEQ, 64, 2, 7, 4), ldx(64, 4, 10, -8),
			      addr(4, 3), op_ri(ISA_RSH, 64, 4, 3), movr(0, 4), and_(0, 1), exit_()));
	/* Nothing to decide: a loop of 100,000 rounds. */
	measure("counted loop",
		CODE(mov(3, 0), mov(0, 0), movr(2, 3), and_(2, 63), MAP_VALUE(4, 0, 0), addr(4, 2), ldx(8, 5, 4, 0),
		     addr(0, 5), add(3, 1), jcc(ISA_JLT, 64, 3, 100000, -9), mov(0, 0), exit_()));
	/* Each round may leave the loop: a state is kept in each. */
	measure("search loop",
		CODE(mov(3, 0), mov(0, 0), movr(2, 3), and_(2, 63), MAP_VALUE(4, 0, 0), addr(4, 2), ldx(8, 5, 4, 0),
		     jcc(ISA_JEQ, 64, 5, 42, 2), add(3, 1), jcc(ISA_JLT, 64, 3, 8000, -9), exit_()));
	/* Two ways through each round, which meet again. */
	measure("branching loop",
		CODE(mov(3, 0), mov(0, 0), movr(2, 3), and_(2, 63), MAP_VALUE(4, 0, 0), addr(4, 2), ldx(8, 5, 4, 0),
		     jcc(ISA_JEQ, 64, 5, 42, 2), st(64, 10, -8, 1), jmp(1), st(64, 10, -8, 2), ldx(64, 5, 10, -8),
		     add(3, 1), jcc(ISA_JLT, 64, 3, 8000, -13), exit_()));
	/* Two ways that differ for good: rounds squared states. */
	measure("counting loop",
		CODE(ldx(64, 2, 1, 0), mov(3, 0), mov(4, 0), jcc(ISA_JSET, 64, 2, 1, 1), add(4, 1), add(3, 1),
		     op_ri(ISA_RSH, 64, 2, 1), jcc(ISA_JLT, 64, 3, 300, -5), mov(0, 0), exit_()));
	measure("call loop", CODE(mov(6, 0), movr(1, 6), call_local(4), add(6, 1), jcc(ISA_JLT, 64, 6, 50000, -4),
				  mov(0, 0), exit_(), st(64, 10, -8, 3), ldx(64, 0, 10, -8), exit_()));
	return 0;
}
