/* SPDX-License-Identifier: Apache-2.0 */
#include "gen_items.h"

static void item_alu(struct gen *g)
{
	static const uint8_t ops[] = { ISA_ADD, ISA_SUB, ISA_MUL, ISA_DIV, ISA_MOD, ISA_SDIV, ISA_SMOD,
				       ISA_OR,  ISA_AND, ISA_XOR, ISA_LSH, ISA_RSH, ISA_ARSH, ISA_MOV };
	enum isa_sem op = ops[below(g, countof(ops))];
	unsigned w = width(g), dst = num(g);
	int32_t imm = (int32_t)rng_number(&g->rng);

	if (one_in(g, 2)) {
		emit(g, op_rr(op, w, 0, dst, num(g)));
		return;
	}
	if (op == ISA_LSH || op == ISA_RSH || op == ISA_ARSH)
		imm &= (int32_t)w - 1;
	if (!imm)
		imm = 1;
	emit(g, op_ri(op, w, dst, imm));
}

static void item_unary(struct gen *g)
{
	static const uint8_t from[] = { 8, 16, 32 }, widths[] = { 16, 32, 64 };
	static const uint8_t swaps[] = { ISA_END_LE, ISA_END_BE, ISA_BSWAP };

	switch (below(g, 4)) {
	case 0:
		emit(g, op_r(ISA_NEG, width(g), num(g)));
		break;
	case 1:
		emit(g, op_rr(ISA_MOVSX, 64, from[below(g, 3)], num(g), num(g)));
		break;
	case 2:
		emit(g, op_rr(ISA_MOVSX, 32, from[below(g, 2)], num(g), num(g)));
		break;
	default:
		emit(g, op_r(swaps[below(g, 3)], widths[below(g, 3)], num(g)));
	}
}

static void item_load_ctx(struct gen *g)
{
	switch (below(g, 4)) {
	case 0:
		emit(g, ldx(64, num(g), 6, CTX_U64));
		break;
	case 1:
		emit(g, ldx(32, num(g), 6, CTX_U32));
		break;
	case 2:
		emit(g, mem(ISA_LDXS, ISA_FORM_LDX, 8, num(g), 6, CTX_U8));
		break;
	default:
		emit(g, ldx(8, num(g), 6, CTX_U8));
	}
}

/* A slot of fp-32..fp at a size. */
static void item_stack(struct gen *g)
{
	unsigned w = 8u << below(g, 4), bytes = w / 8;
	int off = -32 + (int)(below(g, 32 / bytes) * bytes);

	switch (below(g, 4)) {
	case 0:
		emit(g, stx(w, 10, off, num(g)));
		break;
	case 1:
		emit(g, st(w, 10, off, (int32_t)rng_number(&g->rng)));
		break;
	case 2:
		if (w < 64 && one_in(g, 2)) {
			emit(g, mem(ISA_LDXS, ISA_FORM_LDX, w, num(g), 10, off));
			break;
		}
		__attribute__((fallthrough));
	default:
		emit(g, ldx(w, num(g), 10, off));
	}
}

/* Leave a pointer out and back in. */
static void item_spill(struct gen *g)
{
	int off = -40 - 8 * (int)below(g, 3);

	emit(g, stx(64, 10, off, one_in(g, 2) ? 6 : num(g)));
	emit(g, ldx(64, 1, 10, off));
	if (one_in(g, 4)) {
		emit(g, stx(64, 10, off, 6));
		emit(g, ldx(64, 6, 10, off));
	}
}

static const uint8_t jumps[] = { ISA_JEQ,  ISA_JNE,  ISA_JGT,  ISA_JGE,  ISA_JLT, ISA_JLE,
				 ISA_JSGT, ISA_JSGE, ISA_JSLT, ISA_JSLE, ISA_JSET };

static struct isa_insn random_jump(struct gen *g)
{
	enum isa_sem op = jumps[below(g, countof(jumps))];

	return one_in(g, 2) ? jccr(op, width(g), num(g), num(g), 0)
			    : jcc(op, width(g), num(g), (int32_t)rng_number(&g->rng), 0);
}

/* Over the next items. */
static void item_branch(struct gen *g)
{
	struct gen_skips *s = &g->skips;

	if (s->n == countof(s->at))
		return;
	s->at[s->n] = g->n;
	s->left[s->n++] = 2 + below(g, 4);
	emit(g, random_jump(g));
}

static void land_skips(struct gen *g, bool all)
{
	struct gen_skips *s = &g->skips;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < s->n; i++) {
		if (all || !--s->left[i]) {
			g->code[s->at[i]].off = (int32_t)(g->n - s->at[i] - 1);
			continue;
		}
		s->at[kept] = s->at[i];
		s->left[kept++] = s->left[i];
	}
	s->n = kept;
}

/* Bound r2 to about 0..limit; a failed check jumps over the rest, to be patched by the caller. */
static uint32_t guard(struct gen *g, uint32_t limit, uint32_t patch[2])
{
	uint32_t n = 0;

	switch (below(g, 6)) {
	case 0:
		emit(g, and_(2, (int32_t)limit));
		break;
	case 1:
		emit(g, op_ri(ISA_MOD, width(g), 2, (int32_t)limit + 1));
		break;
	case 2:
		emit(g, op_ri(ISA_RSH, 64, 2, 64 - (32 - __builtin_clz(limit + 1) - 1)));
		break;
	case 3:
		patch[n++] = g->n;
		emit(g, jcc(ISA_JGT, one_in(g, 6) ? 32 : 64, 2, (int32_t)limit, 0));
		break;
	case 4:
		patch[n++] = g->n;
		emit(g, jcc(ISA_JSGT, one_in(g, 6) ? 32 : 64, 2, (int32_t)limit, 0));
		patch[n++] = g->n;
		emit(g, jcc(ISA_JSLT, 64, 2, 0, 0));
		break;
	default:
		emit(g, op_ri(ISA_MOV, 32, 3, (int32_t)limit));
		patch[n++] = g->n;
		emit(g, jccr(one_in(g, 2) ? ISA_JGT : ISA_JGE, 64, 2, 3, 0));
	}
	return n;
}

static void use_memory(struct gen *g, unsigned w, int off, bool read_only)
{
	switch (read_only ? 3 : below(g, 5)) {
	case 0:
		emit(g, stx(w, 1, off, num(g)));
		break;
	case 1:
		emit(g, st(w, 1, off, (int32_t)rng_number(&g->rng)));
		break;
	case 2:
		if (w >= 32) {
			emit(g, any_atomic(g, w, 1, off));
			break;
		}
		__attribute__((fallthrough));
	default:
		emit(g, ldx(w, num(g), 1, off));
	}
}

/* An access at a variable offset into an array's value, or the stack. */
static void item_index(struct gen *g)
{
	unsigned w = 8u << below(g, 4), bytes = w / 8;
	bool stack = one_in(g, 3), rodata = !stack && one_in(g, 4);
	uint32_t size = stack ? 32 : rodata ? 32 : ARRAY_VALUE_BYTES, patch[2], n;
	uint32_t limit = size - bytes;

	if (one_in(g, 8))
		limit++;
	emit(g, movr(2, num(g)));
	if (stack && bytes > 1) /* aligned */
		limit /= bytes;
	n = guard(g, limit, patch);
	if (stack && bytes > 1)
		emit(g, op_ri(ISA_LSH, 64, 2, __builtin_ctz(bytes)));
	if (stack) {
		emit(g, movr(1, 10));
		emit(g, add(1, -32));
	} else {
		emit2(g, imm64(ISA_IMM64_MAP_VALUE, 1, rodata ? MAP_RODATA : MAP_ARRAY, 0));
	}
	emit(g, one_in(g, 20) ? op_rr(ISA_SUB, 64, 0, 1, 2) : addr(1, 2));
	if (one_in(g, 3)) {
		emit(g, op_ri(ISA_SUB, 64, 1, 8));
		emit(g, add(1, 8));
	}
	use_memory(g, w, 0, rodata || (w >= 32 && one_in(g, 2)));
	for (uint32_t i = 0; i < n; i++)
		g->code[patch[i]].off = (int32_t)(g->n - patch[i] - 1);
}

/* Look up a key, check for null, use the value. */
static void item_lookup(struct gen *g)
{
	uint32_t map = below(g, 3), check;
	unsigned w = 8u << below(g, 4);
	bool copy = one_in(g, 3);

	emit(g, stx(64, 10, -40, num(g)));
	emit2(g, imm64(ISA_IMM64_MAP_FD, 1, map, 0));
	emit(g, movr(2, 10));
	emit(g, add(2, -40));
	emit(g, call(ABI_HELPER_map_lookup_elem));
	emit(g, movr(1, 0));
	if (one_in(g, 3)) {
		emit(g, stx(64, 10, -48, 1));
		emit(g, ldx(64, 1, 10, -48));
	}
	check = g->n;
	if (!one_in(g, 40))
		emit(g, jcc(ISA_JEQ, 64, copy ? 0 : 1, 0, 0));
	emit(g, mov(0, 3));
	use_memory(g, w, (int)below(g, (map == MAP_HASH ? HASH_VALUE_BYTES : 32) - w / 8 + 1) & -(int)(w / 8),
		   map == MAP_RODATA);
	if (g->code[check].sem == ISA_JEQ)
		g->code[check].off = (int32_t)(g->n - check - 1);
	emit(g, mov(0, 5));
}

static void item_helper(struct gen *g)
{
	switch (below(g, 4)) {
	case 0:
		emit(g, ldx(64, 1, 6, CTX_HANDLE));
		emit2(g, imm64(ISA_IMM64_MAP_VALUE, 2, MAP_RODATA, (int)below(g, 8)));
		emit(g, mov(3, (int32_t)below(g, 26)));
		emit(g, call(ABI_HELPER_str_eq));
		break;
	case 1:
		emit(g, movr(1, 10));
		emit(g, add(1, -32));
		emit(g, movr(2, num(g)));
		emit(g, and_(2, one_in(g, 8) ? 32 : 31));
		emit(g, add(2, 1));
		emit(g, call(one_in(g, 2) ? HELPER_FILL : HELPER_READ));
		break;
	case 2:
		emit(g, ldx(64, 1, 6, CTX_LIST));
		emit(g, movr(2, num(g)));
		emit(g, call(ABI_HELPER_list_get));
		emit(g, movr(1, 0));
		emit(g, mov(0, 0));
		emit(g, jcc(ISA_JEQ, 64, 1, 0, 3));
		emit(g, mov(2, 0));
		emit(g, mov(3, 0));
		emit(g, call(ABI_HELPER_str_eq));
		break;
	default:
		emit(g, movr(1, 6));
		emit(g, call(HELPER_CTX));
	}
}

static void item_call(struct gen *g)
{
	if (g->in_callee || g->n_calls == countof(g->call_sites))
		return;
	emit(g, movr(1, num(g)));
	emit(g, movr(2, num(g)));
	emit(g, movr(3, 6));
	emit(g, movr(4, 10));
	g->call_sites[g->n_calls++] = g->n;
	if (one_in(g, 3)) {
		emit2(g, func_ref(5, 0));
		emit(g, callx(5));
		return;
	}
	emit(g, call_local(0));
}

/* Take a record, use it, give it back; or forget to. */
static void item_record(struct gen *g)
{
	static const uint8_t sizes[] = { 8, 16, 24 };
	uint32_t bytes = sizes[below(g, 3)], check;

	emit2(g, imm64(ISA_IMM64_MAP_FD, 1, MAP_RING, 0));
	emit(g, mov(2, (int32_t)bytes));
	emit(g, mov(3, 0));
	emit(g, call(LINUX_RESERVE));
	emit(g, movr(1, 0));
	emit(g, stx(64, 10, -48, 1));
	check = g->n;
	if (!one_in(g, 40))
		emit(g, jcc(ISA_JEQ, 64, one_in(g, 2) ? 0 : 1, 0, 0));
	emit(g, mov(0, 1));
	use_memory(g, 64, (int)(bytes - 8 + one_in(g, 20)) & ~7, false);
	if (one_in(g, 8))
		emit(g, random_jump(g)); /* nowhere: just a branch while it is held */
	if (one_in(g, 3))
		emit(g, ldx(64, 1, 10, -48));
	emit(g, mov(2, 0));
	if (!one_in(g, 20))
		emit(g, call(LINUX_SUBMIT));
	if (one_in(g, 30))
		emit(g, ldx(64, 1, 10, -48));
	if (g->code[check].sem == ISA_JEQ)
		g->code[check].off = (int32_t)(g->n - check - 1);
	emit(g, mov(0, 4));
}

enum { BACK_LOOP, BACK_FOR_EACH, BACK_TIMER, BACK_DRAIN };

static void reference_back(struct gen *g, unsigned kind)
{
	g->back_sites[kind][g->n_back[kind]++] = g->n;
	emit2(g, func_ref(2, 0));
}

/* A map, or one of the maps in one, in r1. */
static void map_with_elements(struct gen *g)
{
	if (!one_in(g, 4)) {
		emit2(g, imm64(ISA_IMM64_MAP_FD, 1, one_in(g, 2) ? MAP_HASH : MAP_ARRAY, 0));
		return;
	}
	emit(g, st(64, 10, -40, 0));
	emit2(g, imm64(ISA_IMM64_MAP_FD, 1, MAP_OUTER, 0));
	emit(g, movr(2, 10));
	emit(g, add(2, -40));
	emit(g, call(ABI_HELPER_map_lookup_elem));
	emit(g, movr(1, 0));
	emit(g, mov(0, 7));
}

static void item_back(struct gen *g)
{
	static const int32_t helpers[] = { LINUX_LOOP, LINUX_FOR_EACH, LINUX_TIMER_SET_CALLBACK, LINUX_DRAIN };
	unsigned kind = below(g, countof(helpers));
	uint32_t check = 0;

	if (g->plain || g->in_callback || g->n_back[kind] == countof(g->back_sites[0]))
		return;
	if (kind == BACK_LOOP)
		emit(g, movr(1, num(g)));
	else if (kind == BACK_FOR_EACH)
		map_with_elements(g);
	else if (kind == BACK_TIMER)
		emit2(g, imm64(ISA_IMM64_MAP_VALUE, 1, MAP_ARRAY, one_in(g, 20) ? 4 : 8));
	else
		emit2(g, imm64(ISA_IMM64_MAP_FD, 1, MAP_USER_RING, 0));
	if (kind == BACK_FOR_EACH && g->code[g->n - 1].sem == ISA_MOV) {
		check = g->n;
		emit(g, jcc(ISA_JEQ, 64, 1, 0, 0));
	}
	reference_back(g, kind);
	emit(g, movr(3, one_in(g, 30) ? num(g) : 10));
	emit(g, mov(4, 0));
	emit(g, call(helpers[kind]));
	if (check)
		land(g, check);
}

static void item_tail_call(struct gen *g)
{
	if (g->in_callback || (g->plain && g->in_callee))
		return;
	emit(g, movr(1, 6));
	emit2(g, imm64(ISA_IMM64_MAP_FD, 2, MAP_PROGS, 0));
	emit(g, movr(3, num(g)));
	emit(g, call(LINUX_TAIL_CALL));
}

/* A value in a map in a map. */
static void item_inner(struct gen *g)
{
	uint32_t first, second;

	emit(g, st(64, 10, -40, (int32_t)below(g, 3)));
	emit2(g, imm64(ISA_IMM64_MAP_FD, 1, MAP_OUTER, 0));
	emit(g, movr(2, 10));
	emit(g, add(2, -40));
	emit(g, call(ABI_HELPER_map_lookup_elem));
	first = g->n;
	emit(g, jcc(ISA_JEQ, 64, 0, 0, 0));
	emit(g, movr(1, 0));
	emit(g, movr(2, 10));
	emit(g, add(2, -40));
	emit(g, call(ABI_HELPER_map_lookup_elem));
	second = g->n;
	emit(g, jcc(ISA_JEQ, 64, 0, 0, 0));
	emit(g, ldx(64, 7, 0, one_in(g, 10) ? 17 : 16));
	g->code[first].off = (int32_t)(g->n - first - 1);
	g->code[second].off = (int32_t)(g->n - second - 1);
	emit(g, mov(0, 6));
}

/* Through r6, what a callback was given: its caller's frame. */
static void item_given(struct gen *g)
{
	int off = -8 - 8 * (int)below(g, 4);

	if (one_in(g, 2))
		emit(g, stx(64, 6, off, num(g)));
	else
		emit(g, ldx(64, num(g), 6, off));
}

static void items(struct gen *g, uint32_t n, unsigned depth);

static void item_loop(struct gen *g, unsigned depth)
{
	unsigned counter = 7 + below(g, 3);
	int slot = -64 - 8 * (int)depth;
	bool saved = one_in(g, 2); /* where the body cannot touch it */
	struct gen_skips outside = g->skips;
	uint32_t start;

	if (depth >= 2)
		return;
	emit(g, st(64, 10, slot, 0));
	emit(g, mov(counter, 0));
	start = g->n;
	g->skips.n = 0; /* no jump goes into or out of the body */
	items(g, 1 + below(g, 3), depth + 1);
	land_skips(g, true);
	g->skips = outside;
	if (saved)
		emit(g, ldx(64, counter, 10, slot));
	emit(g, add(counter, 1));
	if (saved)
		emit(g, stx(64, 10, slot, counter));
	emit(g, jcc(one_in(g, 2) ? ISA_JLT : ISA_JNE, 64, counter, 1 + (int32_t)below(g, 6), 0));
	g->code[g->n - 1].off = (int32_t)start - (int32_t)g->n;
}

/* A loop that nothing but the runtime bounds. */
static void item_may_goto(struct gen *g, unsigned depth)
{
	struct gen_skips outside = g->skips;
	uint32_t start = g->n;

	if (g->plain || depth >= 2)
		return;
	emit(g, may_goto(0));
	g->skips.n = 0;
	items(g, 1 + below(g, 3), depth + 1);
	land_skips(g, true);
	g->skips = outside;
	emit(g, one_in(g, 3) ? random_jump(g) : any_ja(g));
	g->code[g->n - 1].off = (int32_t)start - (int32_t)g->n;
	g->code[start].off = (int32_t)(g->n - start - 1);
}

static void items(struct gen *g, uint32_t n, unsigned depth)
{
	for (uint32_t i = 0; i < n && g->n < GEN_MAX - 128; i++) {
		switch (below(g, 26 + GEN_MORE / 2)) {
		case 0:
		case 1:
		case 2:
		case 3:
			item_alu(g);
			break;
		case 4:
			item_unary(g);
			break;
		case 5:
		case 6:
			if (g->in_callback)
				item_given(g);
			else
				item_load_ctx(g);
			break;
		case 7:
		case 8:
			item_stack(g);
			break;
		case 9:
			item_spill(g);
			break;
		case 10:
		case 11:
		case 12:
		case 13:
			item_branch(g);
			break;
		case 14:
			item_index(g);
			break;
		case 15:
			item_lookup(g);
			break;
		case 16:
			if (!g->in_callback)
				item_helper(g);
			break;
		case 17:
			if (!g->in_callback)
				item_call(g);
			break;
		case 20:
			item_record(g);
			break;
		case 21:
		case 22:
			item_back(g);
			break;
		case 23:
			item_may_goto(g, depth);
			break;
		case 24:
			if (one_in(g, 3))
				item_tail_call(g);
			break;
		case 25:
			item_inner(g);
			break;
		case 18:
			item_loop(g, depth);
			break;
		case 19:
			emit(g, movr(num(g), num(g)));
			break;
		default:
			gen_more(g, below(g, GEN_MORE));
		}
		land_skips(g, false);
	}
}

static void prologue(struct gen *g)
{
	for (int off = -32; off < 0; off += 8)
		emit(g, st(64, 10, off, (int32_t)rng_number(&g->rng)));
	emit(g, mov(0, (int32_t)below(g, 100)));
	for (unsigned r = 7; r <= 9; r++)
		emit(g, g->in_callback || one_in(g, 4) ? mov(r, (int32_t)rng_number(&g->rng)) : ldx(64, r, 6, CTX_U64));
}

static void callee(struct gen *g)
{
	uint32_t start = g->n;

	g->in_callee = true;
	emit(g, movr(6, 3));
	prologue(g);
	emit(g, movr(7, 1));
	emit(g, movr(8, 2));
	emit(g, stx(64, 10, -56, 4));
	items(g, 2 + below(g, 6), 0);
	land_skips(g, true);
	emit(g, ldx(64, 4, 10, -56));
	if (one_in(g, 2))
		emit(g, stx(64, 4, -8 - 8 * (int)below(g, 4), num(g)));
	emit(g, ldx(64, num(g), 4, -8 - 8 * (int)below(g, 4)));
	emit(g, exit_());
	for (uint32_t i = 0; i < g->n_calls; i++)
		g->code[g->call_sites[i]].imm = (int32_t)start - (int32_t)g->call_sites[i] - 1;
}

/* What it is given becomes r6; a timer has nothing but the element, whose last bytes do. */
static void callback(struct gen *g, unsigned kind)
{
	uint32_t start = g->n;

	g->in_callback = true;
	emit(g, movr(6, kind == BACK_FOR_EACH ? 4 : kind == BACK_TIMER ? 3 : 2));
	if (kind == BACK_TIMER)
		emit(g, add(6, ARRAY_VALUE_BYTES));
	if (kind == BACK_LOOP)
		emit(g, movr(7, 1));
	else if (kind == BACK_DRAIN)
		emit(g, mov(7, (int32_t)below(g, 9)));
	else
		emit(g, ldx(32, 7, one_in(g, 2) ? 2 : 3, 0));
	emit(g, stx(64, 10, -56, 7));
	prologue(g);
	emit(g, ldx(64, 7, 10, -56));
	items(g, 1 + below(g, 5), 0);
	land_skips(g, true);
	if (one_in(g, 2))
		item_given(g);
	emit(g, and_(0, kind == BACK_TIMER ? 0 : one_in(g, 30) ? 3 : 1));
	emit(g, exit_());
	for (uint32_t i = 0; i < g->n_back[kind]; i++)
		g->code[g->back_sites[kind][i]].imm = (int32_t)start - (int32_t)g->back_sites[kind][i] - 1;
}

void gen_program(struct gen *g, uint64_t seed)
{
	*g = (struct gen){ .rng = seed };
	g->plain = one_in(g, 2);
	emit(g, movr(6, 1));
	prologue(g);
	items(g, 4 + below(g, 24), 0);
	land_skips(g, true);
	emit(g, and_(0, 0xff));
	emit(g, exit_());
	if (g->n_calls)
		callee(g);
	for (unsigned kind = 0; kind < countof(g->n_back); kind++)
		if (g->n_back[kind])
			callback(g, kind);
}
