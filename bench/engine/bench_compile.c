/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_compile: what compiling a long program costs: the loop of `rules` unrolled to as many instructions as a kernel
 * takes of an unprivileged user, twice over. And what looking up in an array costs compiled code, loop included.
 */
#include "bench.h"
#include "engine/jit/jit.h"

#include <stdlib.h>

enum { SLOTS = 8194, ARENA = 64 << 20 };

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
		printf("rules unrolled to %u instructions, %s: %.1f ns and %.2f bytes an instruction\n", p.n_insns,
		       sandboxed ? "sandboxed" : "verified", bench_median(ns) / p.n_insns,
		       (double)code.code.len / p.n_insns);
	}
	vm_prog_free(vp);
}

/* --- lookups --- */

enum { LOOKUPS = 1024 };

static struct isa_insn *add(struct prog *p, struct isa_insn in, unsigned dst, unsigned src, int32_t off, int64_t imm)
{
	struct isa_insn *to = &p->insns[p->n_insns++];

	*to = in;
	to->dst = (uint8_t)dst;
	to->src = (uint8_t)src;
	to->off = off;
	to->imm = imm;
	return to;
}

/* r7 = sum of *map_lookup_elem(m, &i) for i in 0..LOOKUPS - 1 */
static void lookup_program(struct prog *p)
{
	struct isa_insn mov = isa_make(ISA_MOV, 64, ISA_FORM_RI, 0), movr = isa_make(ISA_MOV, 64, ISA_FORM_RR, 0);

	(void)add(p, mov, 6, 0, 0, 0);
	(void)add(p, mov, 7, 0, 0, 0);
	(void)add(p, isa_make(ISA_STX, 32, ISA_FORM_STX, 0), 10, 6, -4, 0);
	(void)add(p, movr, 2, 10, 0, 0);
	(void)add(p, isa_make(ISA_ADD, 64, ISA_FORM_RI, 0), 2, 0, 0, -4);
	(void)add(p, isa_make(ISA_IMM64, 64, ISA_FORM_LDDW, ISA_IMM64_MAP_FD), 1, 0, 0, 0);
	(void)add(p, (struct isa_insn){ 0 }, 0, 0, 0, 0);
	(void)add(p, isa_make(ISA_CALL, 64, ISA_FORM_CALL, ISA_CALL_HELPER), 0, 0, 0, ABI_HELPER_map_lookup_elem);
	(void)add(p, isa_make(ISA_JEQ, 64, ISA_FORM_JRI, 0), 0, 0, 2, 0);
	(void)add(p, isa_make(ISA_LDX, 64, ISA_FORM_LDX, 0), 1, 0, 0, 0);
	(void)add(p, isa_make(ISA_ADD, 64, ISA_FORM_RR, 0), 7, 1, 0, 0);
	(void)add(p, isa_make(ISA_ADD, 64, ISA_FORM_RI, 0), 6, 0, 0, 1);
	(void)add(p, isa_make(ISA_JNE, 64, ISA_FORM_JRI, 0), 6, 0, -11, LOOKUPS);
	(void)add(p, movr, 0, 7, 0, 0);
	(void)add(p, isa_make(ISA_EXIT, 64, ISA_FORM_N, 0), 0, 0, 0, 0);
}

static void time_lookups(struct vm_prog *vp, struct vm *v, const char *how)
{
	static double ns[BENCH_ROUNDS];
	uint64_t sum = 0;

	for (unsigned r = 0; r < BENCH_ROUNDS; r++) {
		double start = bench_now_ns();

		for (unsigned i = 0; i < 20; i++)
			if (vm_run(v, vp, &(struct vm_run_args){ 0 }, &sum, NULL, NULL) != E_OK)
				exit(1);
		ns[r] = (bench_now_ns() - start) / 20 / LOOKUPS;
	}
	if (sum != (uint64_t)LOOKUPS * (LOOKUPS - 1) / 2)
		exit(1);
	printf("array lookup in code, %s: %.2f ns\n", how, bench_median(ns));
}

void bench_lookup(void)
{
	static struct isa_insn insns[32];
	struct prog_map def = {
		.name = "a", .kind = PROG_MAP_ARRAY, .key_size = 4, .value_size = 8, .max_entries = LOOKUPS
	};
	struct prog p = { .name = "lookup", .section = "", .insns = insns, .maps = &def, .n_maps = 1 };
	struct vm_prog *vp;
	struct jit_image *im;
	struct jit_code code;
	struct arena a;
	struct map *m;
	struct vm *v;

	if (map_new(&def, &m, NULL) != E_OK || vm_new(&v) != E_OK)
		exit(1);
	for (uint32_t i = 0; i < LOOKUPS; i++)
		if (map_update(m, &i, &(uint64_t){ i }, MAP_ANY) != E_OK)
			exit(1);
	lookup_program(&p);
	arena_init(&a, ARENA);
	if (vm_prog_new(&p, &(struct vm_prog_opts){ .profile = &abi_sallyport, .maps = &m }, &vp, NULL) != E_OK)
		exit(1);
	time_lookups(vp, v, "interpreted");
	for (unsigned sandboxed = 0; sandboxed < 2; sandboxed++) {
		struct jit_opts o = { .target = jit_host(), .features = jit_host_features(), .sandboxed = sandboxed };

		if (jit_compile(vp, &o, &a, &code, NULL) != E_OK || jit_map(&code, 1, &im, NULL) != E_OK ||
		    jit_attach(vp, im, 0, NULL) != E_OK)
			exit(1);
		time_lookups(vp, v, sandboxed ? "sandboxed" : "verified");
		jit_detach(vp);
		jit_image_free(im);
	}
	arena_done(&a);
	vm_prog_free(vp);
	vm_free(v);
	map_free(m);
}
