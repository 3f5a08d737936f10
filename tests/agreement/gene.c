/* SPDX-License-Identifier: Apache-2.0 */
/* gene: edits of programs, and how one is made smaller. */
#include "gene.h"

uint64_t gene_random(struct gene_rng *r)
{
	uint64_t x = r->s += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

int32_t gene_number(struct gene_rng *r)
{
	static const int32_t numbers[] = { 0,
					   1,
					   -1,
					   2,
					   3,
					   4,
					   7,
					   8,
					   9,
					   15,
					   16,
					   31,
					   32,
					   47,
					   48,
					   49,
					   63,
					   64,
					   127,
					   128,
					   255,
					   256,
					   511,
					   512,
					   513,
					   4096,
					   -2,
					   -4,
					   -8,
					   -16,
					   -64,
					   -512,
					   -513,
					   0x7fff,
					   0x8000,
					   0xffff,
					   0x10000,
					   1 << 20,
					   1 << 29,
					   -(1 << 29),
					   (1 << 29) + 1,
					   INT32_MAX,
					   INT32_MIN,
					   INT32_MIN + 1 };

	switch (gene_below(r, 8)) {
	case 0:
		return (int32_t)gene_random(r);
	case 1:
		return (int32_t)gene_below(r, 64) - 16;
	default:
		return numbers[gene_below(r, countof(numbers))];
	}
}

bool gene_from(struct gene *g, const struct agree_program *p)
{
	size_t n = p->code.len / sizeof g->insn[0];

	if (!n || n > GENE_MAX || p->n_maps > GENE_MAPS || p->n_funcs || p->attach_name)
		return false;
	*g = (struct gene){ .prog_type = p->prog_type,
			    .attach_type = p->attach_type,
			    .flags = p->flags,
			    .n_maps = p->n_maps,
			    .n = (uint32_t)n,
			    .btf = p->btf };
	memcpy(g->maps, p->maps, p->n_maps * sizeof g->maps[0]);
	memcpy(g->insn, p->code.p, n * sizeof g->insn[0]);
	return true;
}

void gene_program(const struct gene *g, const char *id, struct agree_program *out)
{
	*out = (struct agree_program){ .id = id,
				       .prog_type = g->prog_type,
				       .attach_type = g->attach_type,
				       .flags = g->flags,
				       .n_maps = g->n_maps,
				       .btf = g->btf,
				       .code = view_of(g->insn, g->n * sizeof g->insn[0]) };
	memcpy(out->maps, g->maps, g->n_maps * sizeof g->maps[0]);
}

static bool by_imm(const struct bpf_insn *in)
{
	return in->code == (BPF_JMP | BPF_CALL) || in->code == (BPF_JMP32 | BPF_JA) || gene_is_wide(in);
}

bool gene_is_jump(const struct bpf_insn *in)
{
	uint8_t class = BPF_CLASS(in->code), op = BPF_OP(in->code);

	if (gene_is_wide(in))
		return in->src_reg == BPF_PSEUDO_FUNC;
	if (in->code == (BPF_JMP | BPF_CALL))
		return in->src_reg == BPF_PSEUDO_CALL;
	return (class == BPF_JMP || class == BPF_JMP32) && op != BPF_CALL && op != BPF_EXIT;
}

uint32_t gene_unit(const struct gene *g, uint32_t at)
{
	return gene_is_wide(&g->insn[at]) && at + 1 < g->n ? 2 : 1;
}

uint32_t gene_pick(const struct gene *g, struct gene_rng *r)
{
	uint32_t want = gene_below(r, g->n), at = 0;

	while (at + gene_unit(g, at) <= want)
		at += gene_unit(g, at);
	return at;
}

/* Where slot x is after n slots were put at `at`, or taken away there (n < 0). */
static int64_t moved(int64_t x, uint32_t at, int64_t n, bool target)
{
	if (n > 0)
		return x > at || (x == at && !target) ? x + n : x;
	if (x < at)
		return x;
	return x < at - n ? at : x + n;
}

/* Distances in the program as it is before the edit. */
static void lead(struct gene *g, uint32_t at, int64_t n)
{
	for (uint32_t i = 0; i < g->n; i += gene_unit(g, i)) {
		struct bpf_insn *in = &g->insn[i];
		int64_t distance, to;

		if (!gene_is_jump(in))
			continue;
		to = (int64_t)i + 1 + (by_imm(in) ? in->imm : in->off);
		distance = moved(to, at, n, true) - moved(i, at, n, false) - 1;
		if (by_imm(in))
			in->imm = (int32_t)distance;
		else
			in->off = (int16_t)distance;
	}
}

void gene_remove(struct gene *g, uint32_t at, uint32_t n)
{
	lead(g, at, -(int64_t)n);
	memmove(&g->insn[at], &g->insn[at + n], (g->n - at - n) * sizeof g->insn[0]);
	g->n -= n;
}

bool gene_insert(struct gene *g, uint32_t at, const struct bpf_insn *code, uint32_t n)
{
	struct bpf_insn copy[GENE_MAX];

	if (!n || g->n + n > GENE_MAX)
		return false;
	memcpy(copy, code, n * sizeof copy[0]);
	lead(g, at, n);
	memmove(&g->insn[at + n], &g->insn[at], (g->n - at) * sizeof g->insn[0]);
	memcpy(&g->insn[at], copy, n * sizeof copy[0]);
	g->n += n;
	return true;
}

static void tidy_alu(struct bpf_insn *in)
{
	uint8_t op = BPF_OP(in->code);
	bool divides = op == BPF_DIV || op == BPF_MOD;

	if (op == 0xe0)
		in->code ^= 0xe0 ^ BPF_AND; /* there is none */
	if (op == BPF_END || op == BPF_NEG) {
		in->src_reg = 0;
		in->off = 0;
		in->imm = op == BPF_NEG ? 0 : in->imm == 16 || in->imm == 64 ? in->imm : 32;
		if (op == BPF_NEG)
			in->code &= (uint8_t)~BPF_X;
		return;
	}
	if (BPF_SRC(in->code) == BPF_X)
		in->imm = 0;
	else
		in->src_reg = 0;
	if (!(divides && in->off == 1) &&
	    !(op == BPF_MOV && BPF_SRC(in->code) == BPF_X && (in->off == 8 || in->off == 16)))
		in->off = 0;
}

static void tidy_jump(struct bpf_insn *in)
{
	uint8_t op = BPF_OP(in->code);

	if (op == BPF_CALL || op == BPF_EXIT) {
		in->dst_reg = 0;
		in->off = 0;
		if (op == BPF_EXIT || in->src_reg > 1)
			in->src_reg = 0;
		if (op == BPF_EXIT)
			in->imm = 0;
	} else if (op == BPF_JA) {
		in->dst_reg = in->src_reg = 0;
		if (BPF_CLASS(in->code) == BPF_JMP)
			in->imm = 0;
		else
			in->off = 0;
	} else if (BPF_SRC(in->code) == BPF_X) {
		in->imm = 0;
	} else {
		in->src_reg = 0;
	}
}

void gene_tidy(struct gene *g)
{
	for (uint32_t i = 0; i < g->n; i += gene_unit(g, i)) {
		struct bpf_insn *in = &g->insn[i];

		switch (BPF_CLASS(in->code)) {
		case BPF_ALU:
		case BPF_ALU64:
			tidy_alu(in);
			break;
		case BPF_JMP:
		case BPF_JMP32:
			tidy_jump(in);
			break;
		case BPF_LDX:
			in->imm = 0;
			break;
		case BPF_ST:
			in->src_reg = 0;
			break;
		case BPF_STX:
			if (BPF_MODE(in->code) == BPF_MEM)
				in->imm = 0;
			break;
		default: /* BPF_LD */
			if (gene_is_wide(in))
				in->off = 0;
		}
	}
}

struct shrinking {
	gene_holds *still;
	void *user;
	uint32_t budget;
};

static bool holds(struct shrinking *s, const struct gene *g)
{
	return s->budget && s->budget-- && s->still(s->user, g);
}

/* Take away runs of `size` units, as long as it still holds. */
static bool drop_runs(struct gene *g, uint32_t size, struct shrinking *s)
{
	bool any = false;

	for (uint32_t at = 0; at < g->n;) {
		struct gene less = *g;
		uint32_t n = 0;

		for (uint32_t i = 0; i < size && at + n < g->n; i++)
			n += gene_unit(g, at + n);
		if (n < g->n) {
			gene_remove(&less, at, n);
			if (holds(s, &less)) {
				*g = less;
				any = true;
				continue;
			}
		}
		at += gene_unit(g, at);
	}
	return any;
}

/* Simpler forms of the instruction at `at`, the simplest first. False: there are no more. */
static bool simpler(struct gene *g, uint32_t at, uint32_t how)
{
	struct bpf_insn *in = &g->insn[at];
	bool moves = BPF_CLASS(in->code) == BPF_ALU64 || BPF_CLASS(in->code) == BPF_ALU;

	switch (how) {
	case 0: /* dst = 0 */
		if (moves && gene_unit(g, at) == 1)
			*in = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = in->dst_reg };
		return true;
	case 1:
		if (!gene_is_jump(in) && !gene_is_wide(in) && in->code != (BPF_JMP | BPF_CALL))
			in->imm = 0;
		return true;
	case 2:
		if (!gene_is_jump(in) && !gene_is_wide(in) && in->code != (BPF_JMP | BPF_CALL))
			in->imm = in->imm > 0 ? 1 : -1;
		return true;
	case 3:
		if (BPF_CLASS(in->code) == BPF_ALU)
			in->code = (uint8_t)(BPF_ALU64 | (in->code & 0xf8));
		return true;
	case 4: /* jumps: nowhere */
		if (gene_is_jump(in) && !by_imm(in))
			in->off = 0;
		return true;
	default:
		return false;
	}
}

static bool simplify(struct gene *g, struct shrinking *s)
{
	bool any = false;

	for (uint32_t at = 0; at < g->n; at += gene_unit(g, at)) {
		for (uint32_t how = 0;; how++) {
			struct gene other = *g;

			if (!simpler(&other, at, how))
				break;
			if (memcmp(&other.insn[at], &g->insn[at], sizeof g->insn[0]) && holds(s, &other)) {
				*g = other;
				any = true;
			}
		}
	}
	return any;
}

static bool plain_flags(struct gene *g, struct shrinking *s)
{
	struct gene other = *g;

	other.flags = 0;
	if (!g->flags || !holds(s, &other))
		return false;
	*g = other;
	return true;
}

void gene_shrink(struct gene *g, gene_holds *still, void *user, uint32_t budget)
{
	struct shrinking s = { still, user, budget };
	bool any = true;

	(void)plain_flags(g, &s);
	while (any && s.budget) {
		any = false;
		for (uint32_t size = 16; size; size /= 2)
			any |= drop_runs(g, size, &s);
		/* Simpler instructions do not make it shorter by themselves, but what follows may. */
		if (!any && simplify(g, &s))
			for (uint32_t size = 4; size; size /= 2)
				any |= drop_runs(g, size, &s);
	}
}
