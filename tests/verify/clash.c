/* SPDX-License-Identifier: Apache-2.0 */
#include "clash.h"

#include "asm.h"
#include "concrete.h"
#include "fixture.h"

/*
 * Where things are: r6 the context, or in a function its caller's frame; r8 a number that nothing is known of; r9 one
 * to branch on. KEY holds a key, SLOT the thing, COPY and MORE copies of numbers. NO_STACK: a byte range never written.
 */
enum { KEY = -8, SLOT = -16, COPY = -24, MORE = -32, DEEP = -40 };

enum kind {
	CONST_FIT,
	CONST_WIDE,
	ANYTHING,
	BELOW_64,
	LINKED,       /* r7 is r8 */
	LINKED_TWICE, /* r7 and its copy, r8 and its copy: two pairs */
	LINKED_ALL,   /* one number in all four */
	FRAME,
	FRAME_LOW,
	FRAME_MOVED, /* by BELOW_8 */
	CALLER,      /* what r6 is: the context, or the caller's frame */
	VALUE_ARRAY,
	VALUE_END,
	VALUE_RODATA,
	FOUND_HASH,
	FOUND_ARRAY,
	FOUND_INNER,
	MAYBE_HASH, /* not checked for null */
	MAYBE_MAP,
	INNER_MAP,
	MAP_A,
	MAP_B,
	MAP_OF_MAPS,
	FUNC_A,
	FUNC_B,
	HANDLE,
	N_KINDS
};

enum bytes { BYTES_THING, BYTES_ZERO, BYTES_MISC, BYTES_HALF, BYTES_NUMBER, BYTES_CONST, BYTES_NONE, N_BYTES };

struct clash {
	struct gen *g;
	bool in_function;
	uint32_t func_sites[16], n_funcs;
	bool func_b[16];
	uint32_t out[16], n_out; /* jumps to the end */
};

static void emit(struct clash *c, struct isa_insn in)
{
	if (c->g->n < GEN_MAX)
		c->g->code[c->g->n++] = in;
}

static void emit2(struct clash *c, struct isa_insn in)
{
	emit(c, in);
	emit(c, (struct isa_insn){ 0 });
}

static uint32_t below(struct clash *c, uint32_t n)
{
	return rng_below(&c->g->rng, n);
}

static bool one_in(struct clash *c, uint32_t n)
{
	return !below(c, n);
}

static void unknown(struct clash *c, unsigned to)
{
	emit2(c, imm64(ISA_IMM64_MAP_VALUE, 1, MAP_ARRAY, 0));
	emit(c, ldx(64, to, 1, 8));
}

/* To the end of the program. */
static void leave(struct clash *c, struct isa_insn jump)
{
	if (c->n_out < countof(c->out))
		c->out[c->n_out++] = c->g->n;
	emit(c, jump);
}

static void look_up(struct clash *c, unsigned map_reg, uint32_t map, bool check)
{
	if (map < N_MAPS)
		emit2(c, imm64(ISA_IMM64_MAP_FD, 1, map, 0));
	else
		emit(c, movr(1, map_reg));
	emit(c, movr(2, 10));
	emit(c, add(2, KEY));
	emit(c, call(ABI_HELPER_map_lookup_elem));
	if (check)
		leave(c, jcc(ISA_JEQ, 64, 0, 0, 0));
	emit(c, movr(7, 0));
}

static void refer(struct clash *c, bool b)
{
	c->func_b[c->n_funcs] = b;
	c->func_sites[c->n_funcs++] = c->g->n;
	emit2(c, func_ref(7, 0));
}

static void put_links(struct clash *c, enum kind kind)
{
	unknown(c, 8);
	if (kind == LINKED_TWICE)
		unknown(c, 7);
	else
		emit(c, movr(7, 8));
	if (kind == LINKED)
		return;
	emit(c, stx(64, 10, COPY, 8));
	emit(c, stx(64, 10, MORE, 7));
}

static void put(struct clash *c, enum kind kind)
{
	static const uint32_t found[] = { MAP_HASH, MAP_ARRAY, MAP_OUTER };

	switch (kind) {
	case CONST_FIT:
		emit(c, mov(7, (int32_t)below(c, 3) * 8));
		break;
	case CONST_WIDE:
		emit(c, mov(7, 60 + (int32_t)below(c, 8)));
		break;
	case ANYTHING:
		unknown(c, 7);
		break;
	case BELOW_64:
		unknown(c, 7);
		emit(c, and_(7, 63));
		break;
	case LINKED:
	case LINKED_TWICE:
	case LINKED_ALL:
		put_links(c, kind);
		break;
	case FRAME:
	case FRAME_LOW:
		emit(c, movr(7, 10));
		emit(c, add(7, kind == FRAME ? DEEP : DEEP - 8));
		break;
	case FRAME_MOVED:
		unknown(c, 3);
		emit(c, and_(3, 8));
		emit(c, movr(7, 10));
		emit(c, add(7, DEEP));
		emit(c, addr(7, 3));
		break;
	case CALLER:
		emit(c, movr(7, 6));
		if (c->in_function)
			emit(c, add(7, DEEP));
		break;
	case VALUE_ARRAY:
	case VALUE_END:
	case VALUE_RODATA:
		emit2(c, imm64(ISA_IMM64_MAP_VALUE, 7, kind == VALUE_RODATA ? MAP_RODATA : MAP_ARRAY,
			       kind == VALUE_END ? 60 : 0));
		break;
	case FOUND_HASH:
	case FOUND_ARRAY:
	case FOUND_INNER:
		look_up(c, 0, found[kind - FOUND_HASH], true);
		if (kind == FOUND_INNER)
			look_up(c, 7, N_MAPS, true);
		break;
	case MAYBE_HASH:
	case MAYBE_MAP:
		look_up(c, 0, kind == MAYBE_MAP ? MAP_OUTER : MAP_HASH, false);
		break;
	case INNER_MAP:
		look_up(c, 0, MAP_OUTER, true);
		break;
	case MAP_A:
	case MAP_B:
	case MAP_OF_MAPS:
		emit2(c, imm64(ISA_IMM64_MAP_FD, 7,
			       kind == MAP_A   ? MAP_HASH
			       : kind == MAP_B ? MAP_ARRAY
					       : MAP_OUTER,
			       0));
		break;
	case FUNC_A:
	case FUNC_B:
		refer(c, kind == FUNC_B);
		break;
	default:
		if (c->in_function)
			emit(c, mov(7, 8));
		else
			emit(c, ldx(64, 7, 6, CTX_HANDLE));
	}
}

/* What is in the slot. */
static void put_bytes(struct clash *c, enum bytes kind)
{
	switch (kind) {
	case BYTES_THING:
		emit(c, stx(64, 10, SLOT, 7));
		break;
	case BYTES_ZERO:
		for (int b = 0; b < 8; b += 4)
			emit(c, st(32, 10, SLOT + b, 0));
		break;
	case BYTES_MISC:
		for (int b = 0; b < 8; b += 4)
			emit(c, stx(32, 10, SLOT + b, 9));
		break;
	case BYTES_HALF:
		emit(c, st(32, 10, SLOT, 0));
		break;
	case BYTES_NUMBER:
		emit(c, stx(64, 10, SLOT, 9));
		break;
	case BYTES_CONST:
		emit(c, st(64, 10, SLOT, one_in(c, 2) ? 0 : 5));
		break;
	default:
		break;
	}
}

/* Load, or store, or look up, by way of r7. */
static void use_pointer(struct clash *c)
{
	static const int16_t offsets[] = { 0, 0, 0, 8, 16, 40, -8, 1 };
	unsigned w = 8u << below(c, 4);
	int off = offsets[below(c, countof(offsets))];

	switch (below(c, 4)) {
	case 0:
		emit(c, one_in(c, 2) ? stx(w, 7, off, 9) : st(w, 7, off, 5));
		return;
	case 1:
		emit(c, jcc(ISA_JEQ, 64, 7, 0, 1));
		emit(c, ldx(w, 0, 7, off));
		return;
	default:
		emit(c, ldx(w, 0, 7, off));
	}
}

static void use_offset(struct clash *c, unsigned r)
{
	if (one_in(c, 2)) { /* what one is bounded by, others may be linked to */
		static const uint8_t bounded[] = { 7, 8 };

		if (one_in(c, 3)) {
			emit(c, ldx(64, 3, 10, one_in(c, 2) ? COPY : MORE));
			leave(c, jcc(ISA_JGT, 64, 3, 63, 0));
		} else {
			leave(c, jcc(ISA_JGT, 64, bounded[below(c, 2)], 63, 0));
		}
	}
	if (one_in(c, 3)) {
		r = 4;
		emit(c, ldx(64, 4, 10, one_in(c, 2) ? COPY : MORE));
	}
	emit2(c, imm64(ISA_IMM64_MAP_VALUE, 2, MAP_ARRAY, 0));
	emit(c, addr(2, r));
	emit(c, ldx(8, 0, 2, 0));
}

static void use_slot(struct clash *c)
{
	unsigned w = one_in(c, 2) ? 64 : 8u << below(c, 4), bytes = w / 8;
	int off = SLOT + (int)(below(c, 8 / bytes) * bytes);

	if (one_in(c, 4)) { /* as memory */
		emit(c, movr(1, 10));
		emit(c, add(1, SLOT + (int)below(c, 4)));
		emit(c, mov(2, 1 + (int32_t)below(c, 8)));
		emit(c, call(HELPER_READ));
		return;
	}
	if (one_in(c, 3)) { /* any byte of it */
		emit(c, movr(4, 9));
		emit(c, and_(4, 7));
		emit(c, movr(1, 10));
		emit(c, add(1, SLOT));
		emit(c, addr(1, 4));
		emit(c, ldx(8, 7, 1, 0));
	} else {
		emit(c, ldx(w, 7, 10, off));
	}
	if (one_in(c, 3))
		use_pointer(c);
	else
		use_offset(c, 7);
}

/* Compared with, or less, what is in r: the frame, the caller's, or an address in the array. */
static void use_with(struct clash *c, unsigned r)
{
	if (r == 3)
		emit2(c, imm64(ISA_IMM64_MAP_VALUE, 3, MAP_ARRAY, 0));
	emit(c, one_in(c, 2) ? op_rr(ISA_SUB, 64, 0, 7, r) : jccr(ISA_JGT, 64, 7, r, 0));
}

static void use(struct clash *c)
{
	switch (below(c, 9)) {
	case 0:
	case 1:
		use_pointer(c);
		return;
	case 2:
	case 3:
		use_offset(c, one_in(c, 3) ? 8 : 7);
		return;
	case 4:
		look_up(c, 7, N_MAPS, true);
		if (one_in(c, 2))
			emit(c, ldx(64, 0, 7, one_in(c, 2) ? 8 : 16));
		return;
	case 5:
		emit(c, callx(7));
		return;
	case 6: /* with another pointer */
		use_with(c, one_in(c, 3) ? 10 : one_in(c, 2) ? 6 : 3);
		return;
	default:
		use_slot(c);
	}
}

/* Kinds that some mistake could take for each other: the first and the last of each group. */
static const uint8_t groups[][2] = { { CONST_FIT, LINKED_ALL },   { ANYTHING, LINKED_ALL },
				     { FRAME, CALLER },           { VALUE_ARRAY, MAYBE_HASH },
				     { FOUND_HASH, FOUND_INNER }, { MAYBE_MAP, MAP_OF_MAPS },
				     { FUNC_A, FUNC_B },          { CONST_FIT, CONST_WIDE } };

static void choose(struct clash *c, enum kind *one, enum kind *two)
{
	const uint8_t *g = groups[below(c, countof(groups))];
	uint32_t n = (uint32_t)(g[1] - g[0]) + 1;

	*one = (enum kind)(g[0] + below(c, n));
	*two = one_in(c, 6) ? (enum kind)below(c, N_KINDS) : (enum kind)(g[0] + below(c, n));
}

static void side(struct clash *c, enum kind kind, enum bytes bytes)
{
	put(c, kind);
	put_bytes(c, bytes);
	if (bytes == BYTES_THING && one_in(c, 2))
		emit(c, mov(7, 0));
}

static void clash(struct clash *c)
{
	enum kind one, two;
	enum bytes slot = (enum bytes)below(c, N_BYTES), other = one_in(c, 2) ? slot : (enum bytes)below(c, N_BYTES);
	uint32_t branch, over;

	choose(c, &one, &two);
	branch = c->g->n;
	emit(c, jcc(ISA_JEQ, 64, 9, 3, 0));
	side(c, one, slot);
	over = c->g->n;
	emit(c, jmp(0));
	c->g->code[branch].off = (int32_t)(c->g->n - branch - 1);
	side(c, two, other);
	c->g->code[over].off = (int32_t)(c->g->n - over - 1);
	for (uint32_t n = below(c, 3); n; n--) {
		emit(c, jcc(ISA_JSET, 64, 9, 4 << n, 1));
		emit(c, mov(5, 1));
	}
	use(c);
	if (one_in(c, 2))
		use(c);
}

static void prologue(struct clash *c)
{
	for (int at = DEEP; at <= KEY; at += 8)
		if (at != SLOT)
			emit(c, st(64, 10, at, 1));
	unknown(c, 9);
	unknown(c, 8);
	emit(c, mov(7, 0));
	emit(c, mov(0, 0));
}

/* Two functions to refer to: one gives a number, one what r1 is. */
static void functions(struct clash *c)
{
	for (int b = 0; b < 2; b++) {
		bool any = false;

		for (uint32_t i = 0; i < c->n_funcs; i++)
			any |= c->func_b[i] == b;
		if (!any)
			continue;
		for (uint32_t i = 0; i < c->n_funcs; i++)
			if (c->func_b[i] == b)
				c->g->code[c->func_sites[i]].imm = (int32_t)(c->g->n - c->func_sites[i] - 1);
		emit(c, mov(0, b ? 1 : 100));
		if (b)
			emit(c, stx(64, 10, -8, 0));
		emit(c, exit_());
	}
}

static void end(struct clash *c)
{
	for (uint32_t i = 0; i < c->n_out; i++)
		c->g->code[c->out[i]].off = (int32_t)(c->g->n - c->out[i] - 1);
	c->n_out = 0;
	emit(c, mov(0, 0));
	emit(c, exit_());
}

void clash_program(struct gen *g, uint64_t seed)
{
	struct clash c = { .g = g };
	uint32_t site = 0;

	*g = (struct gen){ .rng = seed };
	c.in_function = one_in(&c, 3);
	emit(&c, movr(6, 1));
	if (c.in_function) {
		emit(&c, st(64, 10, DEEP, 0));
		emit(&c, movr(1, 10));
		site = g->n;
		emit(&c, call_local(0));
		emit(&c, mov(0, 0));
		emit(&c, exit_());
		g->code[site].imm = (int32_t)(g->n - site - 1);
		emit(&c, movr(6, 1));
	}
	prologue(&c);
	clash(&c);
	end(&c);
	functions(&c);
}
