/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_compile: what compiling a long program costs: the loop of `rules` unrolled to as many instructions as a kernel
 * takes of an unprivileged user, twice over.
 */
#include "bench.h"
#include "engine/jit/jit.h"

#include <stdlib.h>

enum { SLOTS = 8194, ARENA = 64 << 20 };
#define BAR_NS 30.0
#define BAR_BYTES 4.5

/* The loop: from where the first jump of the program leads to its last instruction, a jump back. */
static uint32_t body_start(const struct prog *p)
{
	for (uint32_t i = 0; i < p->n_insns; i++)
		if (p->insns[i].sem == ISA_JA)
			return i + 1 + (uint32_t)p->insns[i].off;
	return 0;
}

static uint32_t unroll(const struct prog *p, struct isa_insn *out)
{
	uint32_t start = body_start(p), len = p->n_insns - 1 - start, n = 0;

	memcpy(out, p->insns, sizeof *out * 3);
	n = 3;
	while (n + len + 2 <= SLOTS) {
		memcpy(out + n, p->insns + start, sizeof *out * len);
		/* What went back to the start of the loop goes on with the next copy. */
		for (uint32_t i = 0; i < len; i++) {
			struct isa_insn *in = &out[n + i];

			if (in->sem >= ISA_JA && in->sem <= ISA_JSET && in->off < 0)
				in->off = (int32_t)(len - i - 1);
		}
		n += len;
	}
	while (n < SLOTS - 1)
		out[n++] = isa_make(ISA_MOV, 64, ISA_FORM_RI, 0);
	out[n++] = isa_make(ISA_EXIT, 64, ISA_FORM_N, 0);
	return n;
}

static void line(const struct prog *p, bool sandboxed, double total, const char *unit, double bar)
{
	char what[64];

	(void)snprintf(what, sizeof what, "compiling %u instructions, %s", p->n_insns,
		       sandboxed ? "sandboxed" : "verified");
	bench_line(what, total / p->n_insns, unit, bar);
}

void bench_compile(const struct prog *rules, const struct vm_prog_opts *o)
{
	static struct isa_insn insns[SLOTS];
	struct prog p = { .name = "unrolled", .section = "", .insns = insns, .n_insns = unroll(rules, insns) };
	struct vm_prog *vp;
	struct diag d;

	diag_init(&d);
	if (vm_prog_new(&p, o, &vp, &d) != E_OK) {
		fprintf(stderr, "bench-engine: unrolled: %s\n", d.text);
		exit(1);
	}
	for (unsigned sandboxed = 0; sandboxed < 2; sandboxed++) {
		struct jit_opts jo = { .target = jit_host(), .features = jit_host_features(), .sandboxed = sandboxed };
		static double ns[BENCH_ROUNDS];
		struct jit_code code = { 0 };

		for (unsigned r = 0; r < BENCH_ROUNDS; r++) {
			double start = bench_now_ns();
			struct arena a;

			arena_init(&a, ARENA);
			if (jit_compile(vp, &jo, &a, &code, &d) != E_OK)
				exit(1);
			arena_done(&a);
			ns[r] = bench_now_ns() - start;
		}
		line(&p, sandboxed, bench_median(ns), "ns/insn", sandboxed ? 0 : BAR_NS);
		line(&p, sandboxed, (double)code.code.len, "bytes/insn", sandboxed ? 0 : BAR_BYTES);
	}
	vm_prog_free(vp);
}
