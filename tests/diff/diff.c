/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff: do all engines leave the same memory? Random programs through interpreter, native code in each setting, and, as
 * root, the running kernel. The first disagreement is made small, printed, and fails.
 *
 *   diff [--seconds N] [--seed S] [--programs N] [--no-kernel] [--mutate]
 *
 * --mutate: swaps one operation for another before the programs go to the other engines: then there must be a finding.
 */
#include "engines.h"

#include "engine/asm/asm.h"

#include <time.h>

struct run {
	struct diff_bed bed;
	struct diff_program p;
	struct diff_code code, changed;
	enum diff_result result; /* of the engine that was judged last */
	bool mutate;
	uint64_t seed;
};

static void fill(struct diff_memory *m, uint64_t seed)
{
	uint8_t *p = (uint8_t *)m;

	for (size_t i = 0; i < sizeof *m; i += 8) {
		uint64_t v = diff_rng(&seed);

		memcpy(p + i, &v, sizeof *m - i < 8 ? sizeof *m - i : 8);
	}
}

/* The mistake that --mutate plants: the first 64-bit addition of registers subtracts. */
static const struct diff_code *code_for(struct run *r, enum diff_engine e)
{
	if (!r->mutate || e == DIFF_INTERPRETER)
		return &r->code;
	r->changed = r->code;
	for (uint32_t i = 0; i < r->changed.n; i++)
		if (r->changed.insns[i].sem == ISA_XOR && r->changed.insns[i].form == ISA_FORM_RR) {
			uint8_t dst = r->changed.insns[i].dst, src = r->changed.insns[i].src;

			r->changed.insns[i] = isa_make(ISA_SUB, r->changed.insns[i].width, ISA_FORM_RR, 0);
			r->changed.insns[i].dst = dst;
			r->changed.insns[i].src = src;
			break;
		}
	return &r->changed;
}

/* The engine that disagrees with the interpreter, or DIFF_N_ENGINES. */
static enum diff_engine judge(struct run *r, struct diff_memory *want, struct diff_memory *got)
{
	if (!diff_lower(&r->p, &r->code))
		return DIFF_N_ENGINES;
	fill(want, r->seed);
	r->result = diff_run(&r->bed, DIFF_INTERPRETER, &r->code, want);
	if (r->result != DIFF_RAN)
		return DIFF_INTERPRETER;
	for (enum diff_engine e = DIFF_VERIFIED; e < DIFF_N_ENGINES; e++) {
		if (!r->bed.has[e])
			continue;
		fill(got, r->seed);
		r->result = diff_run(&r->bed, e, code_for(r, e), got);
		if (r->result == DIFF_FAULT || (r->result == DIFF_REFUSED && e != DIFF_KERNEL) ||
		    (r->result == DIFF_RAN && memcmp(want, got, sizeof *want) != 0))
			return e;
	}
	return DIFF_N_ENGINES;
}

/* Without items [at, at + n) of a function, or only without the head of a block. */
static void cut(struct diff_func *f, uint32_t at, uint32_t n)
{
	for (uint32_t i = 0; i < at; i++)
		if (i + f->items[i].size > at)
			f->items[i].size = (uint16_t)(f->items[i].size - n);
	memmove(&f->items[at], &f->items[at + n], (f->n - at - n) * sizeof *f->items);
	f->n -= n;
}

static bool still(struct run *r, enum diff_engine e)
{
	struct diff_memory want, got;

	return judge(r, &want, &got) == e;
}

/* Whatever can be left out is left out, until nothing can. */
static void make_small(struct run *r, enum diff_engine e)
{
	static struct diff_program before;
	bool smaller = true;

	while (smaller) {
		smaller = false;
		for (uint32_t f = 0; f < r->p.n_funcs; f++)
			for (uint32_t i = 0; i < r->p.funcs[f].n;) {
				struct diff_func *fn = &r->p.funcs[f];

				before = r->p;
				cut(fn, i, fn->items[i].size);
				if (!still(r, e)) {
					r->p = before;
					if (fn->items[i].size == 1 || (cut(fn, i, 1), !still(r, e))) {
						r->p = before;
						i++;
						continue;
					}
				}
				smaller = true;
			}
	}
}

static void show(struct run *r, enum diff_engine e)
{
	struct prog p = { .name = "diff", .section = "xdp", .maps = diff_maps, .n_maps = 2 };
	struct diff_memory want, got;
	struct buf out;

	if (judge(r, &want, &got) != e)
		return;
	p.insns = r->code.insns;
	p.n_insns = r->code.n;
	buf_init(&out, 1 << 20);
	asm_list(&p, 0, &out);
	(void)printf("%.*s\n", (int)out.len, (const char *)out.p);
	buf_done(&out);
	if (r->result != DIFF_RAN) {
		(void)printf("%s: %s\n", diff_engine_names[e], r->bed.why);
		return;
	}
	for (size_t i = 0; i < sizeof want; i++)
		if (((uint8_t *)&want)[i] != ((uint8_t *)&got)[i])
			(void)printf("byte %zu%s: interpreter %02x, %s %02x\n", i,
				     i >= DIFF_MEM && i < DIFF_OUT ? " (a register)" : "", ((uint8_t *)&want)[i],
				     diff_engine_names[e], ((uint8_t *)&got)[i]);
}

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int report(struct run *r, uint64_t n, double seconds)
{
	(void)printf("diff: %llu programs in %.0f s, no disagreement;", (unsigned long long)n, seconds);
	for (enum diff_engine e = 0; e < DIFF_N_ENGINES; e++)
		if (r->bed.has[e])
			(void)printf(" %s %llu%s", diff_engine_names[e], (unsigned long long)r->bed.ran[e],
				     e + 1 < DIFF_N_ENGINES ? "," : "");
	(void)printf("\n");
	if (r->bed.unproven)
		(void)printf("diff: the verifier did not prove %llu of them, last: %s\n",
			     (unsigned long long)r->bed.unproven, r->bed.unproven_why);
	if (r->bed.refused[DIFF_KERNEL])
		(void)printf("diff: the kernel refused, or was not asked about, %llu of them, last: %s\n",
			     (unsigned long long)r->bed.refused[DIFF_KERNEL], r->bed.why);
	/* A kernel that refuses most compares nothing. */
	if (r->bed.has[DIFF_KERNEL] && r->bed.refused[DIFF_KERNEL] * 2 > n) {
		(void)printf("diff: that is too many; last: %s\n", r->bed.why);
		return 1;
	}
	return 0;
}

static int found(struct run *r, enum diff_engine e)
{
	(void)printf("diff: seed %llu: %s disagrees with the interpreter; made small:\n", (unsigned long long)r->seed,
		     diff_engine_names[e]);
	make_small(r, e);
	show(r, e);
	return r->mutate ? 0 : 1;
}

static uint64_t number(const char *text)
{
	return text ? strtoull(text, NULL, 0) : 0;
}

int main(int argc, char **argv)
{
	static struct run r;
	uint64_t n = 0, most = UINT64_MAX, first = (uint64_t)time(NULL);
	double seconds = 10, begin = now();
	bool kernel = true;
	char why_not[128];

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--seconds"))
			seconds = (double)number(argv[++i]);
		else if (!strcmp(argv[i], "--seed"))
			first = number(argv[++i]);
		else if (!strcmp(argv[i], "--programs"))
			most = number(argv[++i]);
		else if (!strcmp(argv[i], "--no-kernel"))
			kernel = false;
		else if (!strcmp(argv[i], "--mutate"))
			r.mutate = true;
		else
			return 2;
	}
	diff_bed_init(&r.bed, kernel, why_not, sizeof why_not);
	if (kernel && why_not[0])
		(void)printf("diff: without the kernel: %s\n", why_not);
	for (; n < most && now() - begin < seconds; n++) {
		struct diff_memory want, got;
		enum diff_engine e;

		r.seed = first + n;
		diff_random(&r.p, r.seed);
		e = judge(&r, &want, &got);
		if (e != DIFF_N_ENGINES) {
			int code = found(&r, e);

			diff_bed_done(&r.bed);
			return code;
		}
	}
	if (r.mutate) {
		(void)printf("diff: the planted mistake was not found\n");
		return 1;
	}
	{
		int code = report(&r, n, now() - begin);

		diff_bed_done(&r.bed);
		return code;
	}
}
