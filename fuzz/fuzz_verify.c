/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_verify: any program. The verifier never breaks an invariant of its own, and what it accepts runs, from random
 * contexts, on a machine that notices every misuse and that must be in a state which the verifier saw; and the verdict
 * is the same with every number compared and every path walked.
 *
 * Byte 0, bit 0: the rest is code. Else bytes 1-4 seed a generated program, and each 8 after them replace one
 * instruction. Byte 0, bits 1-2: which context.
 */
#include "judge.h"

enum { HEAD_BYTES = 5, RUNS = 3 };

static const struct abi_ctx *const contexts[] = { &fixture_ctx, &fixture_memory, &fixture_buffer, NULL };

/* The object reader would have split a map's index from the offset into its value. */
static void split_map_values(struct prog *p)
{
	for (uint32_t i = 0; i < p->n_insns; i++) {
		struct isa_insn *in = &p->insns[i];

		if (in->sem != ISA_IMM64 || in->aux == ISA_IMM64_VALUE || in->aux == ISA_IMM64_FUNC)
			continue;
		in->off = in->aux == ISA_IMM64_MAP_VALUE ? (int32_t)(in->imm >> 32) : 0;
		in->imm = (uint32_t)in->imm % (N_MAPS + 1);
	}
}

/* Replace the instruction at slot p[6] (8 bits, scaled) by the decoded bytes, where they decode. */
static void patch(struct gen *g, const uint8_t *p, struct arena *a)
{
	uint32_t at = p[6] * g->n / 256, n;
	uint8_t code[ISA_SLOT_BYTES];
	struct isa_insn *in;

	memcpy(code, p, sizeof code);
	code[6] = code[7] = code[5] & 0x80 ? 0xff : 0;
	if (isa_decode(view_of(code, sizeof code), a, &in, &n, NULL) != E_OK || g->code[at].sem == ISA_IMM64 ||
	    g->code[at].sem == ISA_PAD)
		return;
	g->code[at] = *in;
}

static bool make_prog(const uint8_t *p, size_t n, struct gen *g, struct arena *a, struct prog *out)
{
	uint32_t seed;

	if (p[0] & 1) {
		if (prog_from_code(view_of(p + 1, n - 1), "fuzz", a, out, NULL) != E_OK || out->n_insns > GEN_MAX)
			return false;
		out->maps = fixture_maps;
		out->n_maps = N_MAPS;
		split_map_values(out);
		return true;
	}
	memcpy(&seed, p + 1, sizeof seed);
	gen_program(g, seed);
	for (size_t i = HEAD_BYTES; i + 8 <= n; i += 8)
		patch(g, p + i, a);
	*out = fixture_prog(g->code, g->n);
	return true;
}

static void must(bool right, const struct judge *j)
{
	if (right || strstr(j->wrong, "size_kind")) /* the fixture's broken prototype */
		return;
	(void)fprintf(stderr, "%s\n", j->wrong);
	abort();
}

static void check(const struct prog *p, const struct abi_ctx *ctx)
{
	struct abi_profile profile = fixture_profile;
	static struct judge j;

	profile.limits.steps = 20000;
	j = (struct judge){ .profile = &profile, .type = &fixture_any, .ctx = ctx, .runs = RUNS };
	must(judge_watched(&j, p), &j);
	must(judge_pruned(&j, p), &j);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct gen g;
	struct prog prog;
	struct arena a;

	arena_init(&a, 1 << 20);
	if (n >= HEAD_BYTES && make_prog(p, n, &g, &a, &prog))
		check(&prog, contexts[p[0] >> 1 & 3]);
	arena_done(&a);
	return 0;
}
