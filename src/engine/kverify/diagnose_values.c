/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diagnose_values: which registers of a path held the same value.
 *
 * Each step of the path makes values or copies them: moves, spills and fills copy; everything else makes a new one, of
 * which it is noted what it was made of. So it can be said that a branch looked at another copy, at the lower half, or
 * at an earlier load of the same memory, which is what the kernel's verifier forgets. Helpers that write to the stack
 * end what is known of the slots that they are given.
 */
#include "engine/kverify/diagnose.h"

enum { ANCESTORS = 12 };

static uint32_t new_value(struct dx *x, struct dx_value val)
{
	void *grown = arena_grow(x->arena, x->value, x->n_values, &x->values_room, sizeof *x->value);

	if (!grown) {
		x->no_memory = true;
		return DX_NONE;
	}
	x->value = grown;
	x->value[x->n_values] = val;
	return (uint32_t)x->n_values++;
}

static uint32_t address(struct dx *x, uint32_t at, const struct isa_insn *in)
{
	for (uint32_t i = 1; i < x->n_values; i++)
		if (x->value[i].kind == DX_ADDRESS && x->value[i].in->imm == in->imm &&
		    x->value[i].in->off == in->off && x->value[i].in->row == in->row && x->value[i].in->aux == in->aux)
			return i;
	return new_value(x, (struct dx_value){ .kind = in->aux == ISA_IMM64_VALUE ? DX_CONST : DX_ADDRESS,
					       .at = at,
					       .in = in,
					       .imm = in->imm });
}

static uint32_t low(struct dx *x, uint32_t at, uint32_t a)
{
	if (x->value[a].kind == DX_LOW || (x->value[a].kind == DX_LOAD && x->value[a].size <= 4))
		return a;
	for (uint32_t i = 1; i < x->n_values; i++)
		if (x->value[i].kind == DX_LOW && x->value[i].a == a)
			return i;
	return new_value(x, (struct dx_value){ .kind = DX_LOW, .at = at, .a = a });
}

static uint32_t alu(struct dx *x, uint32_t at, const struct isa_insn *in, const uint32_t *reg)
{
	uint32_t a = reg[in->dst], b = isa_b_is_imm(in) ? DX_NONE : reg[in->src];
	const struct dx_value *va = &x->value[a];

	if (in->sem == ISA_MOV && isa_b_is_imm(in))
		return new_value(x, (struct dx_value){ .kind = DX_CONST, .at = at, .in = in, .imm = in->imm });
	if (in->sem == ISA_MOV)
		return in->width == 64 ? b : low(x, at, b);
	/* v << 32 >> 32 is what compilers of the first instruction set make of a conversion. */
	if ((in->sem == ISA_RSH || in->sem == ISA_ARSH) && in->width == 64 && !b && in->imm == 32 &&
	    va->kind == DX_ALU && va->in->sem == ISA_LSH && isa_b_is_imm(va->in) && va->in->imm == 32)
		return low(x, at, va->a);
	return new_value(x, (struct dx_value){ .kind = DX_ALU, .at = at, .a = a, .b = b, .in = in, .imm = in->imm });
}

/* The slot that an access meets, when it is one and the whole of it, or its lower half; NULL. */
static struct dx_slot *slot_of(struct dx_places *w, const struct kreg *base, int32_t off, uint32_t size)
{
	int64_t at;

	if (base->base != KR_STACK || !knum_is_const(&base->n))
		return NULL;
	at = (int64_t)base->n.t.value + base->off + off;
	if (at >= 0 || at < -(int64_t)KSLOTS_MAX * KSLOT_BYTES || size < 4)
		return NULL;
	return &w->slot[base->frame][(-at - 1) / KSLOT_BYTES];
}

static void load(struct dx *x, struct dx_places *w, uint32_t at, const struct isa_insn *in)
{
	const struct dx_step *s = &x->step[at];
	uint32_t *reg = w->reg[s->frame], size = in->width / 8u;
	const struct dx_slot *slot = slot_of(w, &s->r[in->src], in->off, size);

	if (slot && slot->value && slot->size == size && in->sem == ISA_LDX)
		reg[in->dst] = slot->value;
	else if (slot && slot->value && slot->size == 8 && in->sem == ISA_LDX && !(in->off % 8))
		reg[in->dst] = low(x, at, slot->value);
	else
		reg[in->dst] = new_value(
			x,
			(struct dx_value){
				.kind = DX_LOAD, .at = at, .a = reg[in->src], .in = in, .off = in->off, .size = size });
}

static void store(struct dx *x, struct dx_places *w, uint32_t at, const struct isa_insn *in)
{
	const struct dx_step *s = &x->step[at];
	uint32_t size = in->width / 8u, v = DX_NONE;
	struct dx_slot *slot = slot_of(w, &s->r[in->dst], in->off, size);

	if (!slot)
		return;
	if (in->sem == ISA_STX)
		v = size == 8 ? w->reg[s->frame][in->src] : low(x, at, w->reg[s->frame][in->src]);
	*slot = (struct dx_slot){ .value = v, .size = size };
}

static void forget_slots(struct dx_places *w, const struct dx_step *s)
{
	for (int r = 1; r <= 5; r++) {
		const struct kreg *base = &s->r[r];
		int64_t at = (int64_t)base->n.t.value + base->off, bytes = KSLOT_BYTES;

		if (base->base != KR_STACK || !knum_is_const(&base->n) || at >= 0)
			continue;
		if (r < 5 && kreg_is_const(&s->r[r + 1]) && s->r[r + 1].n.t.value < 512)
			bytes = (int64_t)s->r[r + 1].n.t.value;
		for (int64_t b = at; b < at + bytes && b < 0; b += KSLOT_BYTES)
			if (-b <= (int64_t)KSLOTS_MAX * KSLOT_BYTES)
				w->slot[base->frame][(-b - 1) / KSLOT_BYTES].value = DX_NONE;
	}
}

static void gone(struct dx *x, uint32_t *reg, uint32_t at, bool with_r0)
{
	for (int r = with_r0 ? 0 : 1; r <= 5; r++)
		reg[r] = new_value(x, (struct dx_value){ .kind = DX_GONE, .at = at });
}

static void call(struct dx *x, struct dx_places *w, uint32_t at, const struct isa_insn *in)
{
	const struct dx_step *s = &x->step[at];
	uint32_t next = at + 1 < x->n ? x->step[at + 1].frame : s->frame;
	uint32_t *reg = w->reg[s->frame];

	if (next > s->frame) { /* into a function or callback */
		for (int r = 0; r < ISA_N_REGS; r++)
			w->reg[next][r] =
				in->aux == ISA_CALL_LOCAL && r >= 1 && r <= 5
					? reg[r]
					: new_value(x, (struct dx_value){ .kind = DX_ENTRY, .at = at + 1, .imm = r });
		memset(w->slot[next], 0, sizeof w->slot[next]);
		return;
	}
	forget_slots(w, s);
	gone(x, reg, at, false);
	reg[0] = new_value(x, (struct dx_value){ .kind = DX_CALL, .at = at, .in = in, .a = DX_NONE });
}

static void leave(struct dx *x, struct dx_places *w, uint32_t at)
{
	uint32_t f = x->step[at].frame;

	if (!f || at + 1 >= x->n || x->step[at + 1].frame >= f)
		return;
	gone(x, w->reg[f - 1], at, false);
	w->reg[f - 1][0] = w->reg[f][0];
}

static void branch(struct dx *x, struct dx_places *w, uint32_t at, const struct isa_insn *in)
{
	const struct dx_step *s = &x->step[at];
	const uint32_t *reg = w->reg[s->frame];

	if (at + 1 >= x->n || in->sem == ISA_MAY_GOTO)
		return;
	if (x->n_facts == DX_FACTS) {
		memmove(x->fact, x->fact + DX_FACTS / 2, DX_FACTS / 2 * sizeof *x->fact);
		x->n_facts = DX_FACTS / 2;
	}
	x->fact[x->n_facts++] = (struct dx_fact){ .at = at,
						  .a = reg[in->dst],
						  .b = isa_b_is_imm(in) ? DX_NONE : reg[in->src],
						  .in = in,
						  .taken = x->step[at + 1].insn != s->insn + 1 };
}

static void apply(struct dx *x, struct dx_places *w, uint32_t at)
{
	const struct isa_insn *in = dx_insn(x, at);
	uint32_t *reg = w->reg[x->step[at].frame];

	switch ((enum isa_sem)in->sem) {
	case ISA_IMM64:
		reg[in->dst] = address(x, at, in);
		return;
	case ISA_LDX:
	case ISA_LDXS:
		load(x, w, at, in);
		return;
	case ISA_ST:
	case ISA_STX:
		store(x, w, at, in);
		return;
	case ISA_LD_ABS:
	case ISA_LD_IND:
		gone(x, reg, at, true);
		return;
	case ISA_CALL:
	case ISA_CALLX:
		call(x, w, at, in);
		return;
	case ISA_EXIT:
		leave(x, w, at);
		return;
	case ISA_ATOMIC:
	case ISA_LOAD_ACQ:
		if (in->sem == ISA_LOAD_ACQ || isa_atomic_fetches(in->aux))
			reg[in->sem == ISA_LOAD_ACQ ? in->dst : in->src] =
				new_value(x, (struct dx_value){ .kind = DX_UNKNOWN, .at = at });
		return;
	default:
		if (isa_is_cond_jump(in))
			branch(x, w, at, in);
		else if (in->sem >= ISA_ADD && in->sem <= ISA_BSWAP)
			reg[in->dst] = alu(x, at, in, reg);
	}
}

bool dx_values(struct dx *x)
{
	struct dx_places *w = ARENA_NEW(x->arena, struct dx_places);

	x->places = w;
	x->fact = ARENA_ARRAY(x->arena, struct dx_fact, DX_FACTS);
	if (!w || !x->fact || !x->n)
		return false;
	(void)new_value(x, (struct dx_value){ 0 });
	for (uint32_t f = 0; f < KFRAMES_MAX; f++)
		for (int r = 0; r < ISA_N_REGS; r++)
			w->reg[f][r] = new_value(x, (struct dx_value){ .kind = DX_ENTRY, .imm = r });
	for (uint32_t i = 0; i + 1 < x->n && !x->no_memory; i++)
		apply(x, w, i);
	return !x->no_memory;
}

uint32_t dx_in_reg(const struct dx *x, unsigned r)
{
	return x->n && r < ISA_N_REGS ? x->places->reg[x->step[x->n - 1].frame][r] : DX_NONE;
}

/* ---- how values are related ---- */

/* Constants added to v are taken off, into *off. */
static uint32_t root(const struct dx *x, uint32_t v, int64_t *off)
{
	*off = 0;
	for (const struct dx_value *val = &x->value[v]; val->kind == DX_ALU && !val->b && val->in->width == 64 &&
							(val->in->sem == ISA_ADD || val->in->sem == ISA_SUB);
	     val = &x->value[v]) {
		*off += val->in->sem == ISA_ADD ? val->imm : -val->imm;
		v = val->a;
	}
	return v;
}

static bool same_memory(const struct dx *x, const struct dx_value *a, const struct dx_value *b)
{
	int64_t off_a, off_b;

	if (a->kind != DX_LOAD || b->kind != DX_LOAD || a->size != b->size)
		return false;
	return root(x, a->a, &off_a) == root(x, b->a, &off_b) && off_a + a->off == off_b + b->off;
}

static bool made_of(const struct dx *x, uint32_t v, uint32_t of, int depth)
{
	const struct dx_value *val = &x->value[v];

	if (v == of)
		return true;
	if (!v || !depth || (val->kind != DX_ALU && val->kind != DX_LOW))
		return false;
	return made_of(x, val->a, of, depth - 1) || (val->b && made_of(x, val->b, of, depth - 1));
}

/* Bits taken out of `of`: its lower half, or a mask of it. */
static bool is_part(const struct dx *x, uint32_t v, uint32_t of)
{
	const struct dx_value *val = &x->value[v];

	if (val->kind == DX_LOW)
		return val->a == of;
	return val->kind == DX_ALU && val->in->sem == ISA_AND && (val->a == of || val->b == of);
}

static enum dx_relation relation(const struct dx *x, uint32_t seen, uint32_t v)
{
	const struct dx_value *a = &x->value[seen], *b = &x->value[v];

	if (!seen || a->kind == DX_CONST)
		return DX_UNRELATED;
	if (seen == v)
		return DX_SAME;
	if (is_part(x, seen, v) || is_part(x, v, seen))
		return DX_HALF;
	if (same_memory(x, a, b))
		return DX_RELOADED;
	if (a->kind == DX_CALL && b->kind == DX_CALL && a->in->aux == b->in->aux && a->in->imm == b->in->imm &&
	    a->in->aux == ISA_CALL_HELPER)
		return DX_SAME_CALL;
	if (made_of(x, v, seen, ANCESTORS))
		return DX_BEFORE;
	if (made_of(x, seen, v, ANCESTORS))
		return DX_AFTER;
	return DX_UNRELATED;
}

const struct dx_fact *dx_fact_about(const struct dx *x, uint32_t v, enum dx_relation *how)
{
	const struct dx_fact *best = NULL;

	*how = DX_UNRELATED;
	for (uint32_t i = x->n_facts; v && i--;) {
		const struct dx_fact *f = &x->fact[i];
		enum dx_relation a = relation(x, f->a, v), b = relation(x, f->b, v);
		enum dx_relation r = a == DX_UNRELATED || (b != DX_UNRELATED && b < a) ? b : a;

		if (r != DX_UNRELATED && (!best || r < *how)) {
			best = f;
			*how = r;
		}
	}
	return best;
}

bool dx_is_signed(const struct dx_fact *f)
{
	return f->in->sem >= ISA_JSGT && f->in->sem <= ISA_JSLE;
}

/* ---- base + scale * index + off ---- */

/* v is scale times *v; *reg: what was known of that. */
static uint64_t unscale(const struct dx *x, uint32_t *v, struct kreg *reg)
{
	uint64_t scale = 1;

	for (int i = 0; i < ANCESTORS; i++) {
		const struct dx_value *val = &x->value[*v];

		if (val->kind != DX_ALU || val->b)
			return scale;
		/* v << 32 >> 30: four times the lower half */
		if (val->in->sem == ISA_RSH && val->imm > 16 && val->imm < 32 && x->value[val->a].kind == DX_ALU &&
		    x->value[val->a].in->sem == ISA_LSH && x->value[val->a].imm == 32 && !x->value[val->a].b) {
			scale <<= 32 - val->imm;
			val = &x->value[val->a];
		} else if (val->in->sem == ISA_LSH && val->imm > 0 && val->imm < 16) {
			scale <<= val->imm;
		} else if (val->in->sem == ISA_MUL && val->imm > 0 && val->imm < 65536) {
			scale *= (uint64_t)val->imm;
		} else {
			return scale;
		}
		*reg = x->step[val->at].r[val->in->dst];
		*v = val->a;
	}
	return scale;
}

static struct dx_index index_at(const struct dx *x, uint32_t v, const struct dx_index *so_far)
{
	const struct dx_value *val = &x->value[v];
	const struct dx_step *s = &x->step[val->at];
	bool dst = s->r[val->in->dst].base != KR_SCALAR;
	struct dx_index out = *so_far;

	out.index = dst ? val->b : val->a;
	out.index_reg = s->r[dst ? val->in->src : val->in->dst];
	out.base_reg = s->r[dst ? val->in->dst : val->in->src];
	out.base = dst ? val->a : val->b;
	out.at = val->at;
	out.scale = unscale(x, &out.index, &out.index_reg);
	return out;
}

struct dx_index dx_pointer_parts(const struct dx *x, uint32_t v)
{
	struct dx_index out = { .scale = 1 }, constant = { 0 };

	for (int i = 0; i < 64; i++) {
		const struct dx_value *val = &x->value[v];
		const struct kreg *number;
		bool dst;

		if (val->kind != DX_ALU || val->in->width != 64 || val->in->sem != ISA_ADD)
			break;
		if (!val->b) {
			out.off += val->imm;
			v = val->a;
			continue;
		}
		dst = x->step[val->at].r[val->in->dst].base != KR_SCALAR;
		number = &x->step[val->at].r[dst ? val->in->src : val->in->dst];
		if (!kreg_is_const(number))
			return index_at(x, v, &out);
		if (!constant.index && x->value[dst ? val->b : val->a].kind != DX_CONST)
			constant = index_at(x, v, &out);
		out.off += (int64_t)number->n.t.value;
		v = dst ? val->a : val->b;
	}
	if (constant.index)
		return constant;
	out.base = v;
	return out;
}
