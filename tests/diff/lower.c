/* SPDX-License-Identifier: Apache-2.0 */
/* lower: a tree to instructions. */
#include "program.h"

/* fp-8 and fp-16: counters of loops; fp-24: a key; fp-32 and below: data. */
enum { COUNTER = -8, KEY = -24, DATA_TOP = -32, DATA_BYTES = 64, MEM = 6, TMP = 5 };

struct lowering {
	const struct diff_program *p;
	struct diff_code *c;
	uint32_t start[DIFF_MAX_FUNCS];
	struct {
		uint32_t at, func;
	} calls[DIFF_MAX_ITEMS * DIFF_MAX_FUNCS];
	uint32_t n_calls, loops;
	bool bad;
};

static struct isa_insn *emit(struct lowering *l, struct isa_insn in)
{
	static struct isa_insn sink;

	if (l->c->n == DIFF_MAX_INSNS) {
		l->bad = true;
		return &sink;
	}
	l->c->insns[l->c->n] = in;
	return &l->c->insns[l->c->n++];
}

static void ri(struct lowering *l, enum isa_sem sem, uint8_t dst, int32_t imm)
{
	struct isa_insn in = isa_make(sem, 64, ISA_FORM_RI, 0);

	in.dst = dst;
	in.imm = imm;
	emit(l, in);
}

static void rr(struct lowering *l, enum isa_sem sem, uint8_t dst, uint8_t src)
{
	struct isa_insn in = isa_make(sem, 64, ISA_FORM_RR, 0);

	in.dst = dst;
	in.src = src;
	emit(l, in);
}

static void lddw(struct lowering *l, enum isa_imm64 kind, uint8_t dst, uint64_t imm)
{
	struct isa_insn in = isa_make(ISA_IMM64, 64, ISA_FORM_LDDW, kind);

	in.dst = dst;
	in.imm = (int64_t)imm;
	emit(l, in);
	emit(l, (struct isa_insn){ .sem = ISA_PAD });
}

static void load(struct lowering *l, unsigned width, uint8_t dst, uint8_t base, int off)
{
	struct isa_insn in = isa_make(ISA_LDX, width, ISA_FORM_LDX, 0);

	in.dst = dst;
	in.src = base;
	in.off = off;
	emit(l, in);
}

static void store(struct lowering *l, unsigned width, uint8_t base, int off, uint8_t src)
{
	struct isa_insn in = isa_make(ISA_STX, width, ISA_FORM_STX, 0);

	in.dst = base;
	in.src = src;
	in.off = off;
	emit(l, in);
}

/* The access of an item with this base. */
static void touch(struct lowering *l, const struct isa_insn *insn, uint8_t base, int off)
{
	struct isa_insn in = *insn;

	if (in.form == ISA_FORM_LDX)
		in.src = base;
	else
		in.dst = base;
	if (in.form == ISA_FORM_ST)
		in.src = 0;
	in.off = off;
	emit(l, in);
}

/* What a load writes, or a fetching atomic; else no register. */
static bool writes(const struct isa_insn *in, uint8_t reg)
{
	if (in->form == ISA_FORM_LDX)
		return in->dst == reg;
	return in->sem == ISA_ATOMIC && isa_atomic_fetches(in->aux) &&
	       (in->aux == ISA_ATOMIC_CMPXCHG ? reg == 0 : in->src == reg);
}

static void lower_index(struct lowering *l, const struct diff_item *it)
{
	struct isa_insn in = it->insn;

	/* The base is in r5: what is stored must not be. */
	if (in.form == ISA_FORM_STX && in.src == TMP)
		in.src = 7;
	rr(l, ISA_MOV, TMP, it->index);
	ri(l, ISA_AND, TMP, it->mask);
	if (it->shift)
		ri(l, ISA_LSH, TMP, it->shift);
	rr(l, ISA_ADD, TMP, MEM);
	touch(l, &in, TMP, in.off);
	if (!writes(&in, TMP))
		ri(l, ISA_MOV, TMP, it->mask);
}

static void numbers(struct lowering *l, uint8_t from, uint8_t to, uint64_t seed)
{
	for (uint8_t r = from; r <= to; r++)
		if (r != MEM) {
			uint64_t v = diff_rng(&seed);

			lddw(l, ISA_IMM64_VALUE, r, v >> (v & 63));
		}
}

static void lower_lookup(struct lowering *l, const struct diff_item *it)
{
	struct isa_insn in = it->insn, jump = isa_make(ISA_JEQ, 64, ISA_FORM_JRI, 0), *skip;
	uint32_t at;

	/* r1-r5 do not survive the call; what is stored must. */
	if (in.form == ISA_FORM_STX && in.src <= TMP)
		in.src = 7;
	rr(l, ISA_MOV, TMP, it->index);
	ri(l, ISA_AND, TMP, it->mask);
	store(l, 32, ISA_FP, KEY, TMP);
	lddw(l, ISA_IMM64_MAP_FD, 1, 1);
	rr(l, ISA_MOV, 2, ISA_FP);
	ri(l, ISA_ADD, 2, KEY);
	{
		struct isa_insn c = isa_make(ISA_CALL, 64, ISA_FORM_CALL, ISA_CALL_HELPER);

		c.imm = 1;
		emit(l, c);
	}
	skip = emit(l, jump);
	at = l->c->n;
	if (in.sem == ISA_ATOMIC && in.aux == ISA_ATOMIC_CMPXCHG) {
		rr(l, ISA_MOV, TMP, 0);
		rr(l, ISA_MOV, 0, 8);
		touch(l, &in, TMP, in.off);
	} else {
		touch(l, &in, 0, in.off);
	}
	skip->off = (int32_t)(l->c->n - at);
	numbers(l, 1, 5, it->mask);
	ri(l, ISA_MOV, 0, it->index);
}

static void lower_items(struct lowering *l, const struct diff_item *items, uint32_t n);

static void lower_if(struct lowering *l, const struct diff_item *it)
{
	uint32_t at = l->c->n;
	struct isa_insn *jump = emit(l, it->insn);

	lower_items(l, it + 1, it->size - 1u);
	if (l->c->n - at - 1 > INT16_MAX)
		l->bad = true;
	jump->off = (int32_t)(l->c->n - at - 1);
}

static void lower_loop(struct lowering *l, const struct diff_item *it)
{
	int slot = COUNTER - 8 * (int)l->loops++;
	struct isa_insn back = isa_make(ISA_JNE, 64, ISA_FORM_JRI, 0);
	uint32_t top;

	ri(l, ISA_MOV, TMP, it->times);
	store(l, 64, ISA_FP, slot, TMP);
	top = l->c->n;
	lower_items(l, it + 1, it->size - 1u);
	load(l, 64, TMP, ISA_FP, slot);
	ri(l, ISA_SUB, TMP, 1);
	store(l, 64, ISA_FP, slot, TMP);
	back.dst = TMP;
	back.off = (int32_t)top - (int32_t)l->c->n - 1;
	if (back.off < INT16_MIN)
		l->bad = true;
	emit(l, back);
	l->loops--;
}

static void lower_call(struct lowering *l, const struct diff_item *it)
{
	l->calls[l->n_calls].at = l->c->n;
	l->calls[l->n_calls++].func = it->func;
	emit(l, isa_make(ISA_CALL, 64, ISA_FORM_CALL, ISA_CALL_LOCAL));
	numbers(l, 1, 5, it->func);
}

static void lower_item(struct lowering *l, const struct diff_item *it)
{
	switch ((enum diff_kind)it->kind) {
	case DIFF_ALU:
		emit(l, it->insn);
		break;
	case DIFF_LDDW:
		lddw(l, ISA_IMM64_VALUE, it->insn.dst, it->imm64);
		break;
	case DIFF_MEM_OP:
		touch(l, &it->insn, it->stack ? ISA_FP : MEM, it->insn.off);
		break;
	case DIFF_INDEX:
		lower_index(l, it);
		break;
	case DIFF_IF:
		lower_if(l, it);
		break;
	case DIFF_LOOP:
		lower_loop(l, it);
		break;
	case DIFF_CALL:
		lower_call(l, it);
		break;
	case DIFF_LOOKUP:
		lower_lookup(l, it);
		break;
	case DIFF_N_KINDS:
		break;
	}
}

static void lower_items(struct lowering *l, const struct diff_item *items, uint32_t n)
{
	for (uint32_t i = 0; i < n; i += items[i].size)
		lower_item(l, &items[i]);
}

static void lower_func(struct lowering *l, uint32_t f)
{
	const struct diff_func *fn = &l->p->funcs[f];

	l->start[f] = l->c->n;
	numbers(l, 0, f ? 0 : 5, fn->seed);
	numbers(l, 7, 9, fn->seed ^ 7);
	lddw(l, ISA_IMM64_MAP_VALUE, MEM, 0);
	for (int off = DATA_TOP - DATA_BYTES; off < DATA_TOP; off += 8)
		store(l, 64, ISA_FP, off, (uint8_t)(7 + off / 8 % 3 + 2));
	lower_items(l, fn->items, fn->n);
	if (!f) {
		for (uint8_t r = 0; r <= 9; r++)
			if (r != MEM)
				store(l, 64, MEM, DIFF_MEM + 8 * r, r);
		ri(l, ISA_MOV, 0, 0);
	}
	emit(l, isa_make(ISA_EXIT, 64, ISA_FORM_N, 0));
}

/* The kernel refuses functions that nothing calls. */
bool diff_lower(const struct diff_program *p, struct diff_code *out)
{
	struct lowering l = { .p = p, .c = out };
	bool called[DIFF_MAX_FUNCS] = { true };

	out->n = 0;
	for (uint32_t f = 0; f < p->n_funcs; f++) {
		if (!called[f])
			continue;
		for (uint32_t i = 0; i < p->funcs[f].n; i++)
			if (p->funcs[f].items[i].kind == DIFF_CALL)
				called[p->funcs[f].items[i].func] = true;
		lower_func(&l, f);
	}
	for (uint32_t i = 0; i < l.n_calls && !l.bad; i++)
		out->insns[l.calls[i].at].imm = (int64_t)l.start[l.calls[i].func] - (int64_t)l.calls[i].at - 1;
	return !l.bad;
}
