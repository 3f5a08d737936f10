/* SPDX-License-Identifier: Apache-2.0 */
/*
 * const_regs: constants in registers, found over the graph of instructions before any path is followed (Linux 7.2).
 *
 * Two uses: a branch on constants becomes a jump, so that what follows it on the other side is not thought to be
 * reached; and the sizes, maps and callbacks that calls are given are known where stack use is computed
 * (live_static.c). Linux: kernel/bpf/const_fold.c, v7.2.
 */
#include "engine/kverify/prune.h"

enum what { UNVISITED, UNKNOWN, NUMBER, MAP, MAP_VALUE, SUBPROG };

struct value {
	uint8_t what;
	uint32_t map;
	uint64_t n; /* number; offset in the map's value; subprogram */
};

static const struct value unknown = { .what = UNKNOWN };

static uint64_t sign_extend(uint64_t n, unsigned bits)
{
	return bits >= 64 ? n : (uint64_t)((int64_t)(n << (64 - bits)) >> (64 - bits));
}

static void alu_mov(const struct isa_insn *in, struct value *dst, const struct value *src)
{
	if (isa_b_is_imm(in)) {
		dst->what = NUMBER;
		dst->n = (uint64_t)in->imm;
		return;
	}
	*dst = *src;
	if (in->sem == ISA_MOV)
		return;
	if (dst->what != NUMBER || in->sem != ISA_MOVSX)
		*dst = unknown;
	else
		dst->n = sign_extend(dst->n, in->aux);
}

static void alu_and(const struct isa_insn *in, struct value *dst, const struct value *src)
{
	struct value b = isa_b_is_imm(in) ? (struct value){ .what = NUMBER, .n = (uint64_t)in->imm } : *src;

	if (dst->what == NUMBER && b.what == NUMBER) {
		dst->n &= b.n;
	} else if (b.what == NUMBER && !b.n) {
		dst->what = NUMBER;
		dst->n = 0;
	} else if (dst->what != NUMBER || dst->n) {
		*dst = unknown;
	}
}

static void alu(const struct isa_insn *in, struct value *dst, const struct value *src)
{
	bool add = in->sem == ISA_ADD || in->sem == ISA_SUB;

	if (in->sem == ISA_MOV || in->sem == ISA_MOVSX || in->sem == ISA_ADDR_CAST)
		alu_mov(in, dst, src);
	else if (in->sem == ISA_AND)
		alu_and(in, dst, src);
	else if (add && isa_b_is_imm(in) && (dst->what == NUMBER || dst->what == MAP_VALUE))
		dst->n += in->sem == ISA_ADD ? (uint64_t)in->imm : -(uint64_t)in->imm;
	else
		*dst = unknown;
	if (in->width == 64)
		return;
	if (dst->what == NUMBER)
		dst->n = (uint32_t)dst->n;
	else
		*dst = unknown;
}

static struct value imm64(const struct kverifier *v, uint32_t i)
{
	const struct isa_insn *in = &v->p->insns[i];
	int s;

	switch ((enum isa_imm64)in->aux) {
	case ISA_IMM64_VALUE:
		return (struct value){ .what = NUMBER, .n = (uint64_t)in->imm };
	case ISA_IMM64_MAP_FD:
	case ISA_IMM64_MAP_IDX:
		return (struct value){ .what = MAP, .map = (uint32_t)in->imm };
	case ISA_IMM64_MAP_VALUE:
	case ISA_IMM64_MAP_IDX_VALUE:
		return (struct value){ .what = MAP_VALUE, .map = (uint32_t)in->imm, .n = (uint32_t)in->off };
	case ISA_IMM64_FUNC:
		s = kcfg_subprog_at(v, (uint32_t)((int64_t)i + 1 + in->imm));
		return s < 0 ? unknown : (struct value){ .what = SUBPROG, .n = (uint32_t)s };
	case ISA_IMM64_BTF_ID:
		break;
	}
	return unknown;
}

/* From a map that nobody writes any more. */
static struct value load(const struct kverifier *v, const struct isa_insn *in, const struct value *base)
{
	const struct kmap *map;
	uint32_t size = in->width / 8u;
	int64_t off = (int32_t)base->n + in->off;
	uint64_t n = 0;

	if (base->what != MAP_VALUE || base->map >= v->p->n_maps)
		return unknown;
	map = &v->maps[base->map];
	if (!map->frozen || map->m->kind != PROG_MAP_ARRAY || off < 0 || off + size > map->m->value_size)
		return unknown;
	for (uint32_t i = 0; i < size; i++)
		if ((uint64_t)off + i < map->m->init.len)
			n |= (uint64_t)map->m->init.p[off + i] << 8 * i;
	return (struct value){ .what = NUMBER, .n = in->sem == ISA_LDXS ? sign_extend(n, in->width) : n };
}

static void transfer(const struct kverifier *v, uint32_t i, struct value r[ISA_N_REGS])
{
	const struct isa_insn *in = &v->p->insns[i];

	switch ((enum isa_sem)in->sem) {
	case ISA_IMM64:
		r[in->dst] = imm64(v, i);
		break;
	case ISA_LDX:
	case ISA_LDXS:
		r[in->dst] = load(v, in, &r[in->src]);
		break;
	case ISA_CALL:
	case ISA_CALLX:
	case ISA_LD_ABS:
	case ISA_LD_IND:
		for (unsigned k = 0; k <= 5; k++)
			r[k] = unknown;
		break;
	case ISA_LOAD_ACQ:
		r[in->dst] = unknown;
		break;
	case ISA_ATOMIC:
		if (isa_atomic_fetches(in->aux))
			r[in->aux == ISA_ATOMIC_CMPXCHG ? 0 : in->src] = unknown;
		break;
	default:
		if (in->sem >= ISA_ADD && in->sem <= ISA_BSWAP)
			alu(in, &r[in->dst], &r[in->src]);
	}
}

static bool join(struct value to[ISA_N_REGS], const struct value from[ISA_N_REGS])
{
	bool changed = false;

	for (unsigned r = 0; r < ISA_N_REGS; r++) {
		if (to[r].what == UNVISITED) {
			changed |= from[r].what != UNVISITED;
			to[r] = from[r];
		} else if (to[r].what != UNKNOWN &&
			   (to[r].what != from[r].what || to[r].n != from[r].n || to[r].map != from[r].map)) {
			to[r].what = UNKNOWN;
			changed = true;
		}
	}
	return changed;
}

static struct kconst summary(const struct value r[ISA_N_REGS])
{
	struct kconst c = { 0 };

	for (unsigned k = 0; k < ISA_FP; k++) {
		uint16_t bit = (uint16_t)(1u << k);

		if (r[k].what == NUMBER && r[k].n <= UINT32_MAX)
			c.number |= bit;
		else if (r[k].what == MAP)
			c.map |= bit;
		else if (r[k].what == SUBPROG)
			c.subprog |= bit;
		c.value[k] = r[k].what == MAP ? r[k].map : (uint32_t)r[k].n;
	}
	return c;
}

static bool holds(const struct isa_insn *in, uint64_t a, uint64_t b)
{
	switch ((enum isa_sem)in->sem) {
	case ISA_JEQ:
		return a == b;
	case ISA_JNE:
		return a != b;
	case ISA_JGT:
		return a > b;
	case ISA_JGE:
		return a >= b;
	case ISA_JLT:
		return a < b;
	case ISA_JLE:
		return a <= b;
	case ISA_JSGT:
		return (int64_t)a > (int64_t)b;
	case ISA_JSGE:
		return (int64_t)a >= (int64_t)b;
	case ISA_JSLT:
		return (int64_t)a < (int64_t)b;
	case ISA_JSLE:
		return (int64_t)a <= (int64_t)b;
	default: /* JSET */
		return a & b;
	}
}

/* Both sides are known: one way only. */
static void fix_branch(struct kverifier *v, uint32_t i, const struct kconst *c)
{
	const struct isa_insn *in = &v->p->insns[i];
	uint64_t a, b;

	if (!(c->number >> in->dst & 1) || (!isa_b_is_imm(in) && !(c->number >> in->src & 1)))
		return;
	a = c->value[in->dst];
	b = isa_b_is_imm(in) ? (uint64_t)in->imm : c->value[in->src];
	if (in->width == 32) {
		a = sign_extend(a, 32);
		b = sign_extend(b, 32);
	}
	v->aux[i].one_way = holds(in, a, b) ? KONE_WAY_TAKEN : KONE_WAY_NOT_TAKEN;
}

/*
 * Instructions in a row that are entered at the first only need to be known at the first: block[i] is the number of
 * that which begins at i, from 1 on; 0: none does.
 */
struct blocks {
	uint32_t *block, n;
	struct value (*in)[ISA_N_REGS];
};

static void begin_block(struct blocks *b, uint32_t insn)
{
	if (!b->block[insn])
		b->block[insn] = ++b->n;
}

static FALLIBLE find_blocks(struct kverifier *v, struct blocks *b)
{
	const struct kflow *f = &v->live->flow;

	b->block = KSCRATCH(v, uint32_t, v->p->n_insns);
	KNEED(v, b->block);
	for (uint32_t s = 0; s < v->n_subprogs; s++)
		begin_block(b, v->subprogs[s].start);
	for (uint32_t k = 0; k < f->first[v->n_subprogs]; k++) {
		uint32_t next[2];
		unsigned n = kflow_next(v, f->order[k], next);

		if (n < 2 && v->p->insns[f->order[k]].sem != ISA_JA)
			continue;
		while (n--)
			begin_block(b, next[n]);
	}
	b->in = kscratch(v, b->n + 1, sizeof *b->in);
	KNEED(v, b->in);
	for (uint32_t s = 0; s < v->n_subprogs; s++)
		for (unsigned r = 0; r < ISA_N_REGS; r++)
			b->in[b->block[v->subprogs[s].start]][r] = unknown;
	return E_OK;
}

/* From the start of a block to those that follow it. */
static bool through_block(const struct kverifier *v, struct blocks *b, uint32_t i)
{
	struct value r[ISA_N_REGS];
	uint32_t next[2];
	unsigned n;
	bool changed = false;

	memcpy(r, b->in[b->block[i]], sizeof r);
	for (;;) {
		transfer(v, i, r);
		n = kflow_next(v, i, next);
		if (n != 1 || b->block[next[0]])
			break;
		i = next[0];
	}
	while (n--)
		changed |= join(b->in[b->block[next[n]]], r);
	return changed;
}

/* What is known at calls and branches of a block. */
static FALLIBLE use_block(struct kverifier *v, struct blocks *b, uint32_t i)
{
	struct value r[ISA_N_REGS];

	memcpy(r, b->in[b->block[i]], sizeof r);
	for (;;) {
		const struct isa_insn *in = &v->p->insns[i];
		struct kconst c;

		if (in->sem == ISA_CALL && in->aux != ISA_CALL_LOCAL) {
			v->live->consts[i] = ARENA_NEW(v->arena, struct kconst);
			KNEED(v, v->live->consts[i]);
			*v->live->consts[i] = summary(r);
		} else if (isa_is_cond_jump(in) && in->sem != ISA_MAY_GOTO) {
			c = summary(r);
			fix_branch(v, i, &c);
		}
		if (isa_is_cond_jump(in) || in->sem == ISA_JA || in->sem == ISA_EXIT)
			return E_OK;
		transfer(v, i, r);
		i += in->sem == ISA_IMM64 ? 2 : 1;
		if (i >= v->p->n_insns || b->block[i])
			return E_OK;
	}
}

const struct kconst *kconst_at(const struct kverifier *v, uint32_t insn)
{
	static const struct kconst nothing = { 0 };

	return v->live->consts[insn] ? v->live->consts[insn] : &nothing;
}

FALLIBLE kconst_compute(struct kverifier *v)
{
	const struct kflow *f = &v->live->flow;
	struct blocks b = { 0 };

	v->live->consts = ARENA_ARRAY(v->arena, struct kconst *, v->p->n_insns);
	KNEED(v, v->live->consts);
	TRY(find_blocks(v, &b));
	for (bool more = true; more;) {
		more = false;
		for (uint32_t k = f->first[v->n_subprogs]; k--;)
			if (b.block[f->order[k]])
				more |= through_block(v, &b, f->order[k]);
	}
	for (uint32_t k = f->first[v->n_subprogs]; k--;)
		if (b.block[f->order[k]])
			TRY(use_block(v, &b, f->order[k]));
	kscratch_done(v);
	return E_OK;
}
