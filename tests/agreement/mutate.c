/* SPDX-License-Identifier: Apache-2.0 */
/* mutate: small changes of a program, such as may turn a verdict. */
#include "gene.h"

static void change_number(struct gene *g, struct bpf_insn *in, struct gene_rng *r)
{
	(void)g;
	if (gene_is_jump(in) || (gene_is_wide(in) && in->src_reg))
		return;
	switch (gene_below(r, 4)) {
	case 0:
		in->imm = (int32_t)((uint32_t)in->imm + (gene_below(r, 2) ? 1u : UINT32_MAX));
		break;
	case 1:
		in->imm ^= (int32_t)(1u << gene_below(r, 32));
		break;
	default:
		in->imm = gene_number(r);
	}
}

static void change_offset(struct gene *g, struct bpf_insn *in, struct gene_rng *r)
{
	uint32_t at = (uint32_t)(in - g->insn);
	static const int16_t steps[] = { 1, -1, 4, -4, 8, -8, 64, -64 };

	if (gene_is_jump(in) && !gene_is_wide(in) && in->code != (BPF_JMP | BPF_CALL)) {
		uint32_t to = gene_pick(g, r);

		in->off = (int16_t)((int)to - (int)at - 1);
		return;
	}
	in->off = (int16_t)(in->off + steps[gene_below(r, countof(steps))]);
}

static void change_register(struct gene *g, struct bpf_insn *in, struct gene_rng *r)
{
	(void)g;
	if (gene_is_wide(in) || gene_below(r, 2))
		in->dst_reg = gene_below(r, 11) & 15u;
	else if (in->code != (BPF_JMP | BPF_CALL))
		in->src_reg = gene_below(r, 11) & 15u;
}

static void change_operation(struct gene *g, struct bpf_insn *in, struct gene_rng *r)
{
	uint8_t class = BPF_CLASS(in->code);

	(void)g;
	if (class == BPF_ALU || class == BPF_ALU64) {
		in->code = (uint8_t)((in->code & 0x0f) | gene_below(r, 14) << 4);
	} else if (gene_is_jump(in) && class >= BPF_JMP && in->code != (BPF_JMP | BPF_CALL)) {
		in->code = (uint8_t)((in->code & 0x0f) | gene_below(r, 14) << 4);
	} else if (class == BPF_LDX || class == BPF_ST || class == BPF_STX) {
		in->code = (uint8_t)((in->code & ~0x18) | gene_below(r, 4) << 3);
	} else if (in->code == (BPF_JMP | BPF_CALL) && !in->src_reg) {
		in->imm = (int32_t)(1 + gene_below(r, gene_below(r, 2) ? 30 : 212));
	}
}

static void change_width(struct gene *g, struct bpf_insn *in, struct gene_rng *r)
{
	uint8_t class = BPF_CLASS(in->code);

	(void)g;
	if (class == BPF_ALU || class == BPF_ALU64)
		in->code ^= BPF_ALU ^ BPF_ALU64;
	else if (gene_is_jump(in) && class >= BPF_JMP && BPF_OP(in->code) != BPF_JA && in->code != (BPF_JMP | BPF_CALL))
		in->code ^= BPF_JMP ^ BPF_JMP32;
	else if (class == BPF_LDX && BPF_MODE(in->code) == BPF_MEM && BPF_SIZE(in->code) != BPF_DW && gene_below(r, 2))
		in->code = (uint8_t)((in->code & 0x1f) | 0x80); /* with sign */
}

static void take_away(struct gene *g, struct bpf_insn *in, struct gene_rng *r)
{
	uint32_t at = (uint32_t)(in - g->insn);

	(void)r;
	if (g->n > 2)
		gene_remove(g, at, gene_unit(g, at));
}

static void put_piece(struct gene *g, struct bpf_insn *in, struct gene_rng *r)
{
	struct bpf_insn code[GENE_PIECE];

	(void)gene_insert(g, (uint32_t)(in - g->insn), code, gene_piece(g, r, code));
}

static void repeat(struct gene *g, struct bpf_insn *in, struct gene_rng *r)
{
	uint32_t from = (uint32_t)(in - g->insn), n = gene_unit(g, from);
	struct bpf_insn copy[2];

	memcpy(copy, in, n * sizeof copy[0]);
	(void)gene_insert(g, gene_pick(g, r), copy, n);
}

static void change_target(struct gene *g, struct bpf_insn *in, struct gene_rng *r)
{
	static const uint32_t types[] = { 1, 2, 3, 5, 6, 7, 8, 10, 12, 14, 16, 17, 21 };

	(void)in;
	if (gene_below(r, 3))
		return;
	if (gene_below(r, 2)) {
		g->prog_type = types[gene_below(r, countof(types))];
		g->attach_type = 0;
	} else {
		g->flags ^= 1u << (const uint32_t[]){ 0, 1, 3 }[gene_below(r, 3)];
	}
}

static void change_map(struct gene *g, struct bpf_insn *in, struct gene_rng *r)
{
	static const uint32_t values[] = { 1, 4, 8, 16, 24, 48, 64 };
	struct agree_map *m;

	(void)in;
	if (!g->n_maps || gene_below(r, 3))
		return;
	m = &g->maps[gene_below(r, g->n_maps)];
	if (m->btf_value || (m->kind != BPF_MAP_TYPE_HASH && m->kind != BPF_MAP_TYPE_ARRAY))
		return;
	m->value = values[gene_below(r, countof(values))];
}

/* A run of another program's instructions. Its maps are taken for those of this one. */
static void take_over(struct gene *g, const struct gene *other, struct gene_rng *r)
{
	uint32_t from, n = 0;

	if (!other->n)
		return;
	from = gene_pick(other, r);
	for (uint32_t i = 1 + gene_below(r, 8); i && from + n < other->n; i--)
		n += gene_unit(other, from + n);
	(void)gene_insert(g, gene_pick(g, r), &other->insn[from], n);
	for (uint32_t i = 0; i < g->n; i += gene_unit(g, i))
		if (gene_is_wide(&g->insn[i]) &&
		    (g->insn[i].src_reg == BPF_PSEUDO_MAP_FD || g->insn[i].src_reg == BPF_PSEUDO_MAP_VALUE) &&
		    g->n_maps)
			g->insn[i].imm = (int32_t)((uint32_t)g->insn[i].imm % g->n_maps);
}

void gene_mutate(struct gene *g, const struct gene *other, struct gene_rng *r)
{
	static void (*const changes[])(struct gene *, struct bpf_insn *, struct gene_rng *) = {
		change_number,   change_number,    change_number,    change_offset, change_offset, change_register,
		change_register, change_operation, change_operation, change_width,  take_away,     take_away,
		put_piece,       put_piece,        repeat,           change_target, change_map,
	};

	for (uint32_t i = 1 + gene_below(r, 3) * gene_below(r, 2); i; i--) {
		if (!gene_below(r, 12))
			take_over(g, other, r);
		else
			changes[gene_below(r, countof(changes))](g, &g->insn[gene_pick(g, r)], r);
	}
	if (gene_below(r, 32))
		gene_tidy(g);
}
