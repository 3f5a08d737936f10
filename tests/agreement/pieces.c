/* SPDX-License-Identifier: Apache-2.0 */
/* pieces: what programs do, in small pieces with random parts; and programs made of them. */
#include "gene.h"

static struct bpf_insn insn_of(int code, uint8_t dst, int src, int off, int64_t imm)
{
	return (struct bpf_insn){ .code = (uint8_t)code,
				  .dst_reg = dst & 15u,
				  .src_reg = (uint32_t)src & 15u,
				  .off = (int16_t)off,
				  .imm = (int32_t)imm };
}

#define INSN(c, d, s, o, i) insn_of((c), (uint8_t)(d), (s), (int)(o), (i))
#define MOV_IMM(d, i) INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define MOV(d, s) INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define ALU_IMM(op, d, i) INSN(BPF_ALU64 | (op) | BPF_K, d, 0, 0, i)
#define ALU(op, d, s) INSN(BPF_ALU64 | (op) | BPF_X, d, s, 0, 0)
#define LOAD(size, d, s, o) INSN(BPF_LDX | BPF_MEM | (size), d, s, o, 0)
#define STORE(size, d, s, o) INSN(BPF_STX | BPF_MEM | (size), d, s, o, 0)
#define STORE_IMM(size, d, o, i) INSN(BPF_ST | BPF_MEM | (size), d, 0, o, i)
#define JUMP_IMM(op, d, i, o) INSN(BPF_JMP | (op) | BPF_K, d, 0, o, i)
#define JUMP(op, d, s, o) INSN(BPF_JMP | (op) | BPF_X, d, s, o, 0)
#define CALL(id) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, id)
#define EXIT() INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

struct writer {
	const struct gene *g;
	struct gene_rng *r;
	struct bpf_insn *out;
	uint32_t n;
};

static void put(struct writer *w, struct bpf_insn in)
{
	if (w->n < GENE_PIECE)
		w->out[w->n++] = in;
}

static uint32_t below(struct writer *w, uint32_t n)
{
	return gene_below(w->r, n);
}

#define ONE_OF(w, ...) ((const int[]){ __VA_ARGS__ }[below((w), countof(((const int[]){ __VA_ARGS__ })))])

/* Registers that live over calls hold what pieces hand to each other: r6 the context, r7 and r8 numbers, r9 a pointer.
 */
static uint8_t some_reg(struct writer *w)
{
	return (uint8_t)(below(w, 4) ? ONE_OF(w, 7, 8) : (int)below(w, 10));
}

static uint8_t some_op(struct writer *w)
{
	return (uint8_t)ONE_OF(w, BPF_ADD, BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR, BPF_AND, BPF_AND, BPF_LSH,
			       BPF_RSH, BPF_MOD, BPF_XOR, BPF_MOV, BPF_ARSH, BPF_NEG);
}

static uint8_t some_condition(struct writer *w)
{
	return (uint8_t)ONE_OF(w, BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET, BPF_JNE, BPF_JSGT, BPF_JSGE, BPF_JLT, BPF_JLE,
			       BPF_JSLT, BPF_JSLE);
}

static int some_size(struct writer *w)
{
	return ONE_OF(w, BPF_B, BPF_H, BPF_W, BPF_DW, BPF_DW);
}

static int bytes_of(int size)
{
	return size == BPF_B ? 1 : size == BPF_H ? 2 : size == BPF_W ? 4 : 8;
}

static void number(struct writer *w)
{
	uint8_t d = some_reg(w), op = some_op(w);
	uint8_t width = (uint8_t)(below(w, 3) ? BPF_ALU64 : BPF_ALU);
	bool shifts = op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH;
	int32_t imm = shifts ? (int32_t)below(w, width == BPF_ALU ? 32 : 64) : gene_number(w->r);

	if (op == BPF_NEG)
		put(w, INSN(width | BPF_NEG, d, 0, 0, 0));
	else if (below(w, 2))
		put(w, INSN(width | op | BPF_K, d, 0, 0, (op == BPF_DIV || op == BPF_MOD) && !imm ? 7 : imm));
	else
		put(w,
		    INSN(width | op | BPF_X, d, some_reg(w), op == BPF_MOV && !below(w, 4) ? ONE_OF(w, 8, 16) : 0, 0));
}

static void mask(struct writer *w)
{
	put(w, ALU_IMM(BPF_AND, some_reg(w), ONE_OF(w, 1, 3, 7, 15, 31, 63, 0xff, 0xffff, 0x7ffffff8)));
}

/* A number that nothing is known of. */
static void unknown(struct writer *w)
{
	uint8_t d = some_reg(w);

	if (below(w, 3)) {
		put(w, CALL(ONE_OF(w, BPF_FUNC_get_prandom_u32, BPF_FUNC_ktime_get_ns, BPF_FUNC_get_current_pid_tgid)));
		put(w, MOV(d, 0));
	} else {
		put(w, LOAD(BPF_W, d, 6, ONE_OF(w, 0, 4, 8, 12, 16)));
	}
	if (below(w, 2))
		mask(w);
}

/* A comparison, and the way past a few instructions or out of the program. */
static void branch(struct writer *w)
{
	uint8_t d = some_reg(w);
	uint8_t class = (uint8_t)(below(w, 3) ? BPF_JMP : BPF_JMP32);
	uint32_t n = 1 + below(w, 3), at = w->n;

	if (below(w, 3))
		put(w, INSN(class | some_condition(w) | BPF_K, d, 0, 0, gene_number(w->r)));
	else
		put(w, INSN(class | some_condition(w) | BPF_X, d, some_reg(w), 0, 0));
	if (!below(w, 3)) {
		put(w, MOV_IMM(0, 0));
		put(w, EXIT());
	} else {
		while (n--)
			number(w);
	}
	w->out[at].off = (int16_t)(w->n - at - 1);
}

static void spill(struct writer *w)
{
	int size = some_size(w), b = bytes_of(size), off = -b * (1 + (int)below(w, (uint32_t)(64 / b)));

	switch (below(w, 4)) {
	case 0:
		put(w, STORE_IMM(size, 10, off, gene_number(w->r)));
		break;
	case 1:
		put(w, STORE(size, 10, ONE_OF(w, 6, 7, 8, 9, 7, 8), off));
		break;
	case 2:
		put(w, LOAD(size, some_reg(w), 10, off));
		break;
	default:
		put(w, STORE(size, 10, ONE_OF(w, 6, 7, 8, 9), off));
		put(w, LOAD(below(w, 4) ? size : some_size(w), some_reg(w), 10, off));
	}
}

/* An address in the stack with a number added. */
static void stack_address(struct writer *w)
{
	put(w, MOV(2, 10));
	put(w, ALU_IMM(BPF_ADD, 2, -(int)(8 * below(w, 9))));
	if (below(w, 2))
		put(w, ALU(below(w, 4) ? BPF_ADD : BPF_SUB, 2, some_reg(w)));
	if (below(w, 2))
		put(w, LOAD(some_size(w), some_reg(w), 2, -(int)below(w, 17)));
	else
		put(w, STORE(some_size(w), 2, some_reg(w), -(int)below(w, 17)));
}

static uint32_t map_of(struct writer *w, bool (*fits)(uint32_t))
{
	for (uint32_t i = 0; i < 4 && w->g->n_maps; i++) {
		uint32_t m = below(w, w->g->n_maps);

		if (fits(w->g->maps[m].kind))
			return m;
	}
	return w->g->n_maps ? below(w, w->g->n_maps) : 0;
}

static bool has_values(uint32_t kind)
{
	return kind == BPF_MAP_TYPE_HASH || kind == BPF_MAP_TYPE_ARRAY || kind == BPF_MAP_TYPE_LRU_HASH ||
	       kind == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static bool is_ring(uint32_t kind)
{
	return kind == BPF_MAP_TYPE_RINGBUF;
}

static bool is_prog_array(uint32_t kind)
{
	return kind == BPF_MAP_TYPE_PROG_ARRAY;
}

static void load_map(struct writer *w, uint8_t reg, uint32_t map)
{
	put(w, INSN(BPF_LD | BPF_IMM | BPF_DW, reg, BPF_PSEUDO_MAP_FD, 0, map));
	put(w, INSN(0, 0, 0, 0, 0));
}

static void key(struct writer *w, uint32_t map)
{
	uint32_t bytes = map < w->g->n_maps ? w->g->maps[map].key : 4;
	int off = bytes > 4 || !below(w, 6) ? -8 : -4;

	put(w, STORE_IMM(off == -8 ? BPF_DW : BPF_W, 10, off, below(w, 3)));
	put(w, MOV(2, 10));
	put(w, ALU_IMM(BPF_ADD, 2, off));
}

static void use_memory(struct writer *w, uint8_t reg, uint32_t bytes)
{
	int size = some_size(w), off = (int)below(w, bytes + 8) - (below(w, 8) ? 0 : 4);

	if (below(w, 3))
		off &= -bytes_of(size);
	switch (below(w, 4)) {
	case 0:
		put(w, LOAD(size, some_reg(w), reg, off));
		break;
	case 1:
		put(w, STORE(size, reg, some_reg(w), off));
		break;
	case 2:
		put(w, STORE_IMM(size, reg, off, 1));
		break;
	default:
		put(w,
		    INSN(BPF_STX | BPF_ATOMIC | (below(w, 2) ? BPF_DW : BPF_W), reg, some_reg(w), off & -8,
			 ONE_OF(w, BPF_ADD, BPF_ADD | BPF_FETCH, BPF_XCHG, BPF_CMPXCHG, BPF_OR, BPF_XOR | BPF_FETCH)));
	}
}

static void lookup(struct writer *w)
{
	uint32_t map = map_of(w, has_values), value = map < w->g->n_maps ? w->g->maps[map].value : 8;
	uint8_t p = (uint8_t)(below(w, 2) ? 0 : 9);
	uint32_t check;

	key(w, map);
	load_map(w, 1, map);
	put(w, CALL(BPF_FUNC_map_lookup_elem));
	if (p == 9)
		put(w, MOV(9, 0));
	check = w->n;
	if (below(w, 10))
		put(w, JUMP_IMM(BPF_JEQ, p, 0, 0));
	if (!below(w, 3)) {
		if (below(w, 3))
			put(w, ALU_IMM(BPF_AND, 7, ONE_OF(w, 1, 3, 7, 15, 31)));
		else
			put(w, JUMP_IMM(BPF_JGT, 7, (int)below(w, value + 4), 2));
		put(w, ALU(BPF_ADD, p, 7));
	}
	use_memory(w, p, value);
	if (below(w, 2))
		use_memory(w, p, value);
	if (w->out[check].code == (BPF_JMP | BPF_JEQ | BPF_K))
		w->out[check].off = (int16_t)(w->n - check - 1);
}

static void update(struct writer *w)
{
	uint32_t map = map_of(w, has_values);

	key(w, map);
	if (below(w, 2))
		put(w, STORE_IMM(BPF_DW, 10, -16, 0));
	put(w, MOV(3, 10));
	put(w, ALU_IMM(BPF_ADD, 3, ONE_OF(w, -16, -16, -8, -64)));
	put(w, MOV_IMM(4, 0));
	load_map(w, 1, map);
	put(w, CALL(below(w, 2) ? BPF_FUNC_map_update_elem : BPF_FUNC_map_delete_elem));
}

static void ring(struct writer *w)
{
	uint32_t check;

	load_map(w, 1, map_of(w, is_ring));
	put(w, MOV_IMM(2, ONE_OF(w, 8, 16, 64, 0)));
	put(w, MOV_IMM(3, 0));
	put(w, CALL(BPF_FUNC_ringbuf_reserve));
	check = w->n;
	put(w, JUMP_IMM(BPF_JEQ, 0, 0, 0));
	if (below(w, 2))
		put(w, STORE_IMM(BPF_DW, 0, (int)(8 * below(w, 4)), 1));
	put(w, MOV(1, 0));
	put(w, MOV_IMM(2, 0));
	if (below(w, 8))
		put(w, CALL(ONE_OF(w, BPF_FUNC_ringbuf_submit, BPF_FUNC_ringbuf_discard)));
	w->out[check].off = (int16_t)(w->n - check - 1);
}

static void packet(struct writer *w)
{
	bool xdp = w->g->prog_type == BPF_PROG_TYPE_XDP;
	uint32_t n = 1 + below(w, 40), check;
	int off = (int)below(w, n + 4);

	put(w, LOAD(BPF_W, 2, 6, xdp ? 0 : 76));
	put(w, LOAD(BPF_W, 3, 6, xdp ? 4 : 80));
	if (below(w, 3) == 0)
		put(w, ALU(BPF_ADD, 2, some_reg(w)));
	put(w, MOV(4, 2));
	put(w, ALU_IMM(BPF_ADD, 4, n));
	check = w->n;
	if (below(w, 2))
		put(w, JUMP(ONE_OF(w, BPF_JGT, BPF_JGT, BPF_JGE, BPF_JLT), 4, 3, 0));
	else
		put(w, JUMP(ONE_OF(w, BPF_JLT, BPF_JLE, BPF_JGT), 3, 4, 0));
	put(w, below(w, 3) ? LOAD(some_size(w), some_reg(w), 2, off) : STORE(some_size(w), 2, some_reg(w), off));
	w->out[check].off = (int16_t)(w->n - check - 1);
}

static void loop(struct writer *w)
{
	uint8_t i = (uint8_t)ONE_OF(w, 7, 8, 0, 5);
	uint32_t top, n = 1 + below(w, 3);

	put(w, MOV_IMM(i, 0));
	top = w->n;
	while (n--)
		number(w);
	put(w, ALU_IMM(BPF_ADD, i, 1 + (int)below(w, 2)));
	put(w,
	    JUMP_IMM(ONE_OF(w, BPF_JLT, BPF_JNE, BPF_JSLT, BPF_JLE), i, (int)below(w, 40), (int)top - (int)w->n - 1));
}

static void read_memory(struct writer *w)
{
	put(w, MOV(1, 10));
	put(w, ALU_IMM(BPF_ADD, 1, -ONE_OF(w, 8, 16, 32, 64)));
	if (below(w, 2)) {
		put(w, MOV(2, some_reg(w)));
		if (below(w, 2))
			put(w, ALU_IMM(BPF_AND, 2, ONE_OF(w, 7, 15, 31, 63)));
		if (below(w, 2))
			put(w, JUMP_IMM(BPF_JEQ, 2, 0, 2));
	} else {
		put(w, MOV_IMM(2, ONE_OF(w, 0, 1, 8, 16, 32, 64)));
	}
	put(w, MOV_IMM(3, 0));
	put(w, CALL(ONE_OF(w, BPF_FUNC_probe_read_kernel, BPF_FUNC_get_current_comm, BPF_FUNC_probe_read_user)));
}

static void load_bytes(struct writer *w)
{
	put(w, MOV(1, 6));
	put(w, MOV_IMM(2, below(w, 20)));
	put(w, MOV(3, 10));
	put(w, ALU_IMM(BPF_ADD, 3, -ONE_OF(w, 8, 16, 32)));
	put(w, below(w, 2) ? MOV_IMM(4, ONE_OF(w, 4, 8, 16, 0)) : MOV(4, some_reg(w)));
	put(w, CALL(BPF_FUNC_skb_load_bytes));
}

static void tail(struct writer *w)
{
	put(w, MOV(1, 6));
	load_map(w, 2, map_of(w, is_prog_array));
	put(w, below(w, 2) ? MOV_IMM(3, below(w, 6)) : MOV(3, some_reg(w)));
	put(w, CALL(BPF_FUNC_tail_call));
}

static void constant(struct writer *w)
{
	if (below(w, 2)) {
		put(w, MOV_IMM(some_reg(w), gene_number(w->r)));
	} else {
		put(w, INSN(BPF_LD | BPF_IMM | BPF_DW, some_reg(w), 0, 0, gene_number(w->r)));
		put(w, INSN(0, 0, 0, 0, gene_number(w->r)));
	}
}

static void context(struct writer *w)
{
	put(w, LOAD(below(w, 4) ? BPF_W : some_size(w), some_reg(w), 6, (int)(4 * below(w, 44))));
}

static void swap_bytes(struct writer *w)
{
	put(w, INSN(BPF_ALU | BPF_END | (below(w, 2) ? BPF_X : BPF_K), some_reg(w), 0, 0, ONE_OF(w, 16, 32, 64)));
}

uint32_t gene_piece(const struct gene *g, struct gene_rng *r, struct bpf_insn *out)
{
	static void (*const pieces[])(struct writer *) = {
		number, number, number, number,        mask,        mask,       unknown, unknown,  branch,  branch,
		branch, spill,  spill,  spill,         lookup,      lookup,     lookup,  lookup,   update,  packet,
		packet, loop,   ring,   stack_address, read_memory, load_bytes, tail,    constant, context, swap_bytes,
	};
	struct writer w = { .g = g, .r = r, .out = out };

	pieces[gene_below(r, countof(pieces))](&w);
	return w.n;
}

/* Kinds of programs that need nothing but their type. */
static const struct {
	uint32_t type, attach;
} targets[] = {
	{ BPF_PROG_TYPE_SOCKET_FILTER, 0 },
	{ BPF_PROG_TYPE_SCHED_CLS, 0 },
	{ BPF_PROG_TYPE_SCHED_CLS, 0 },
	{ BPF_PROG_TYPE_XDP, 0 },
	{ BPF_PROG_TYPE_XDP, 0 },
	{ BPF_PROG_TYPE_TRACEPOINT, 0 },
	{ BPF_PROG_TYPE_RAW_TRACEPOINT, 0 },
	{ BPF_PROG_TYPE_KPROBE, 0 },
	{ BPF_PROG_TYPE_PERF_EVENT, 0 },
	{ BPF_PROG_TYPE_CGROUP_SKB, 0 },
	{ BPF_PROG_TYPE_SK_SKB, 0 },
	{ BPF_PROG_TYPE_LWT_XMIT, 0 },
};

static const struct agree_map shapes[] = {
	{ BPF_MAP_TYPE_ARRAY, 4, 48, 1, 0, 0, 0 },
	{ BPF_MAP_TYPE_HASH, 8, 16, 4, 0, 0, 0 },
	{ BPF_MAP_TYPE_HASH, 4, 8, 4, 0, 0, 0 },
	{ BPF_MAP_TYPE_PERCPU_ARRAY, 4, 64, 2, 0, 0, 0 },
	{ BPF_MAP_TYPE_ARRAY, 4, 8, 16, 0, 0, 0 },
	{ BPF_MAP_TYPE_LRU_HASH, 8, 24, 8, 0, 0, 0 },
	{ BPF_MAP_TYPE_ARRAY, 4, 48, 1, BPF_F_RDONLY_PROG, 0, 0 },
};

static void function(struct gene *g, struct gene_rng *r)
{
	struct bpf_insn code[GENE_PIECE];
	uint32_t at = g->n, call = gene_pick(g, r);
	struct bpf_insn in = INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 0);
	struct bpf_insn end[] = { MOV_IMM(0, gene_below(r, 3)), EXIT() },
			first[] = { MOV(6, 1), MOV_IMM(7, 1), MOV_IMM(8, 2) };

	(void)gene_insert(g, g->n, first, 1 + gene_below(r, 3));
	for (uint32_t i = gene_below(r, 4); i; i--)
		(void)gene_insert(g, g->n, code, gene_piece(g, r, code));
	(void)gene_insert(g, g->n, end, 2);
	in.imm = (int32_t)(at - call - 1);
	if (gene_insert(g, call, &in, 1))
		g->insn[call].imm = (int32_t)(at + 1 - call - 1);
}

void gene_fresh(struct gene *g, struct gene_rng *r)
{
	const struct bpf_insn first[] = { MOV(6, 1), MOV_IMM(7, gene_number(r)), MOV_IMM(8, gene_below(r, 64)),
					  MOV(9, 10) };
	const struct bpf_insn end[] = { MOV_IMM(0, gene_below(r, 8) ? 0 : gene_number(r)), EXIT() };
	struct bpf_insn code[GENE_PIECE];
	uint32_t t = gene_below(r, countof(targets));

	*g = (struct gene){ .prog_type = targets[t].type, .attach_type = targets[t].attach };
	g->n_maps = 4;
	g->maps[0] = shapes[gene_below(r, countof(shapes))];
	g->maps[1] = shapes[gene_below(r, countof(shapes))];
	g->maps[2] = (struct agree_map){ BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0, 0, 0 };
	g->maps[3] = (struct agree_map){ BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 4, 0, 0, 0 };
	(void)gene_insert(g, 0, first, countof(first));
	for (uint32_t i = 1 + gene_below(r, gene_below(r, 4) ? 8 : 24); i; i--)
		(void)gene_insert(g, g->n, code, gene_piece(g, r, code));
	if (g->n + 2 > GENE_MAX)
		g->n = GENE_MAX - 2;
	(void)gene_insert(g, g->n, end, countof(end));
	for (uint32_t i = gene_below(r, 4) ? 0 : 1 + gene_below(r, 2); i; i--)
		function(g, r);
	if (!gene_below(r, 8))
		g->flags = 1u << ONE_OF((&(struct writer){ .r = r }), 0, 1, 3);
}
