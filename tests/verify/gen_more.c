/* SPDX-License-Identifier: Apache-2.0 */
/* gen_more: items that compare and subtract pointers, and use memory in rarer ways. */
#include "gen_items.h"

static void found_value(struct gen *g, unsigned to, uint32_t *check)
{
	emit(g, st(64, 10, -40, (int32_t)below(g, 3)));
	emit2(g, imm64(ISA_IMM64_MAP_FD, 1, MAP_ARRAY, 0));
	emit(g, movr(2, 10));
	emit(g, add(2, -40));
	emit(g, call(ABI_HELPER_map_lookup_elem));
	*check = g->n;
	emit(g, jcc(ISA_JEQ, 64, 0, 0, 0));
	emit(g, movr(to, 0));
	emit(g, mov(0, 3));
}

/* r1 goes into an object at an offset that is bounded by comparing it with another pointer into it, r2. */
static void item_pointer_bound(struct gen *g)
{
	static const uint8_t below_end[] = { ISA_JLT, ISA_JLE, ISA_JNE, ISA_JEQ }, past_end[] = { ISA_JGT, ISA_JGE };
	unsigned w = 8u << below(g, 4);
	bool stack = one_in(g, 2), found = !stack && one_in(g, 2);
	int size = stack ? 32 : ARRAY_VALUE_BYTES, end = size - (int)(w / 8) + one_in(g, 10);
	uint32_t check = 0, first, second;

	if (found)
		found_value(g, 1, &check);
	else if (stack)
		emit(g, movr(1, 10));
	else
		emit2(g, imm64(ISA_IMM64_MAP_VALUE, 1, MAP_ARRAY, 0));
	if (stack)
		emit(g, add(1, -32));
	emit(g, movr(2, 1));
	emit(g, movr(4, 1));
	emit(g, movr(3, num(g)));
	emit(g, and_(3, stack ? -(int)(w / 8) & 63 : 127));
	emit(g, addr(1, 3));
	emit(g, add(2, end));
	if (one_in(g, 4))
		emit(g, add(4, 8));
	first = g->n;
	emit(g, one_in(g, 2) ? jccr(past_end[below(g, 2)], 64, 1, 2, 0) : jccr(below_end[below(g, 2)], 64, 2, 1, 0));
	second = g->n;
	emit(g, one_in(g, 8) ? jccr(below_end[below(g, 4)], 64, 1, 4, 0) : jmp(0));
	emit(g, one_in(g, 3) ? stx(w, 1, 0, num(g)) : ldx(w, num(g), 1, 0));
	if (one_in(g, 2))
		emit(g, ldx(8, num(g), 4, (int)below(g, 24)));
	land(g, first);
	land(g, second);
	if (g->code[second].sem == ISA_JA)
		g->code[second].off = 0;
	if (found)
		land(g, check);
}

/* How far apart: between 0 and what is added. */
static void item_pointer_difference(struct gen *g)
{
	emit(g, movr(1, 10));
	emit(g, movr(3, num(g)));
	emit(g, and_(3, 31));
	emit(g, movr(2, 1));
	if (one_in(g, 2))
		emit(g, op_rr(ISA_SUB, 64, 0, 1, 3));
	else
		emit(g, addr(2, 3));
	emit(g, op_rr(ISA_SUB, 64, 0, 2, 1));
	emit(g, movr(num(g), 2));
	if (one_in(g, 2)) {
		emit2(g, imm64(ISA_IMM64_MAP_VALUE, 1, MAP_ARRAY, one_in(g, 8) ? 33 : 16));
		emit(g, addr(1, 2));
		emit(g, ldx(8, num(g), 1, 0));
	}
}

/* A field that may be missing. */
static void item_missing(struct gen *g)
{
	if (g->in_callback)
		return;
	emit(g, ldx(64, 1, 6, one_in(g, 2) ? CTX_HANDLE : CTX_LIST));
	emit(g, jcc(one_in(g, 2) ? ISA_JEQ : ISA_JNE, 64, 1, 0, 1));
	emit(g, mov(num(g), (int32_t)below(g, 100)));
}

/* A helper fills a part of what nothing wrote; then some of it is read. */
static void item_fill(struct gen *g)
{
	int32_t least = (int32_t)below(g, 9);

	emit(g, movr(2, num(g)));
	emit(g, and_(2, 7));
	emit(g, add(2, 1 + least));
	emit(g, movr(1, 10));
	emit(g, add(1, -104));
	emit(g, call(HELPER_FILL));
	emit(g, mov(0, 2));
	if (one_in(g, 2))
		emit(g, ldx(8, num(g), 10, -104 + least + one_in(g, 10)));
}

static void item_ordered(struct gen *g)
{
	unsigned w = 8u << below(g, 4);
	int off = (int)(below(g, 32 * 8 / w) * (w / 8));
	bool stack = one_in(g, 2);

	if (stack)
		emit(g, movr(1, 10));
	else
		emit2(g, imm64(ISA_IMM64_MAP_VALUE, 1, MAP_ARRAY, 0));
	if (stack)
		off -= 32;
	if (one_in(g, 2))
		emit(g, mem(ISA_LOAD_ACQ, ISA_FORM_LDX, w, num(g), 1, off));
	else
		emit(g, mem(ISA_STORE_REL, ISA_FORM_STX, w, 1, num(g), off));
}

static void item_atomic(struct gen *g)
{
	unsigned w = one_in(g, 2) ? 64 : 32;

	emit(g, any_atomic(g, w, 10, -32 + (int)(below(g, 256 / w) * (w / 8))));
}

static void item_text(struct gen *g)
{
	emit2(g, imm64(ISA_IMM64_MAP_VALUE, 1, MAP_TEXT, (int)below(g, one_in(g, 10) ? 8 : 4)));
	emit(g, call(HELPER_TEXT));
	emit(g, movr(1, 10));
	emit(g, add(1, -8 - 8 * (int)below(g, 4)));
	emit(g, call(HELPER_LONG));
}

/* Maps without keys, and changes of those with. */
static void item_map(struct gen *g)
{
	uint32_t kind = below(g, 5);

	emit(g, stx(64, 10, -40, num(g)));
	emit2(g, imm64(ISA_IMM64_MAP_FD, 1, kind < 2 ? (one_in(g, 10) ? MAP_RODATA : MAP_HASH) : MAP_QUEUE, 0));
	emit(g, movr(2, 10));
	emit(g, add(2, kind == 3 ? -104 : -40));
	if (kind == 0) {
		emit(g, movr(3, 10));
		emit(g, add(3, one_in(g, 10) ? -8 : -32));
		emit(g, mov(4, 0));
	} else {
		emit(g, mov(3, 0));
	}
	emit(g, call(kind == 0   ? ABI_HELPER_map_update_elem
		     : kind == 1 ? ABI_HELPER_map_delete_elem
				 : 85 + (int32_t)kind)); /* push, pop, peek */
	if (kind == 3)
		emit(g, ldx(8, num(g), 10, -104 + (int)below(g, 8)));
}

static void item_wide(struct gen *g)
{
	emit2(g, imm64(ISA_IMM64_VALUE, num(g), (int64_t)rng_number(&g->rng), 0));
	emit(g, any_ja(g));
}

static void item_signed(struct gen *g)
{
	unsigned w = 8u << below(g, 3);

	emit2(g, imm64(ISA_IMM64_MAP_VALUE, 1, one_in(g, 2) ? MAP_ARRAY : MAP_RODATA, (int)below(g, 28)));
	emit(g, mem(ISA_LDXS, ISA_FORM_LDX, w, num(g), 1, 0));
}

void gen_more(struct gen *g, uint32_t kind)
{
	static void (*const items[GEN_MORE])(struct gen * g) = { item_pointer_bound, item_pointer_difference,
								 item_missing,       item_fill,
								 item_ordered,       item_atomic,
								 item_text,          item_map,
								 item_wide,          item_signed };

	items[kind](g);
}
