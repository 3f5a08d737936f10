/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan: prepared operations to instructions again, with functions, leaders and liveness.
 *
 * Liveness is the usual backward analysis. A program can be built to make it need as many passes as it has blocks, so
 * passes are counted, and past LIVE_PASSES every register counts as live: correct, and slower code for that program.
 */
#include "engine/jit/plan.h"

enum { LIVE_PASSES = 12, ALL = (1 << ISA_N_REGS) - 1, CALLER = 0x3f /* r0 to r5 */, FP = 1 << ISA_FP };

/* --- operations to instructions --- */

struct lower {
	uint8_t sem, width, flags, aux;
};

// clang-format off
#define B_IMM PLAN_B_IMM
#define FIVE(name, sem, width)                                                                       \
	[VM_OP_##name##_I] = { sem, width, B_IMM, 0 }, [VM_OP_##name##_IA] = { sem, width, B_IMM, 0 }, \
	[VM_OP_##name##_R] = { sem, width, 0, 0 }, [VM_OP_##name##_RA] = { sem, width, 0, 0 },         \
	[VM_OP_##name##_RB] = { sem, width, 0, 0 },
#define TWO(name, second, ...) [VM_OP_##name] = { __VA_ARGS__ }, [VM_OP_##name##second] = { __VA_ARGS__ },
#define THREE(name, ...) TWO(name, _A, __VA_ARGS__) [VM_OP_##name##_FP] = { __VA_ARGS__ },
#define STORES(bits)                                                                                        \
	THREE(ST##bits, ISA_ST, bits, B_IMM, 0) THREE(STX##bits, ISA_STX, bits, 0, 0)                       \
	[VM_OP_STX##bits##_B] = { ISA_STX, bits, 0, 0 }, [VM_OP_STX##bits##_FPB] = { ISA_STX, bits, 0, 0 },

static const struct lower lower[VM_N_OPS] = {
#define VM_ALU(name, result) FIVE(name##64, ISA_##name, 64) FIVE(name##32, ISA_##name, 32)
#define VM_JMP(name, taken)                                               \
	FIVE(name##64F, ISA_##name, 64) FIVE(name##64K, ISA_##name, 64)   \
	FIVE(name##32F, ISA_##name, 32) FIVE(name##32K, ISA_##name, 32)
#include "engine/vm/ops.def"
	TWO(NEG64, _A, ISA_NEG, 64, 0, 0) TWO(NEG32, _A, ISA_NEG, 32, 0, 0)
	TWO(LE16, _A, ISA_END_LE, 16, 0, 0) TWO(LE32, _A, ISA_END_LE, 32, 0, 0) TWO(LE64, _A, ISA_END_LE, 64, 0, 0)
	TWO(BE16, _A, ISA_END_BE, 16, 0, 0) TWO(BE32, _A, ISA_END_BE, 32, 0, 0) TWO(BE64, _A, ISA_END_BE, 64, 0, 0)
	TWO(BSWAP16, _A, ISA_BSWAP, 16, 0, 0) TWO(BSWAP32, _A, ISA_BSWAP, 32, 0, 0)
	TWO(BSWAP64, _A, ISA_BSWAP, 64, 0, 0)
	TWO(MOV64, _B, ISA_MOV, 64, 0, 0) TWO(MOV32, _B, ISA_MOV, 32, 0, 0)
	TWO(MOVSX64_8, _B, ISA_MOVSX, 64, 0, 8) TWO(MOVSX64_16, _B, ISA_MOVSX, 64, 0, 16)
	TWO(MOVSX64_32, _B, ISA_MOVSX, 64, 0, 32)
	TWO(MOVSX32_8, _B, ISA_MOVSX, 32, 0, 8) TWO(MOVSX32_16, _B, ISA_MOVSX, 32, 0, 16)
	THREE(LDX8, ISA_LDX, 8, 0, 0) THREE(LDX16, ISA_LDX, 16, 0, 0) THREE(LDX32, ISA_LDX, 32, 0, 0)
	THREE(LDX64, ISA_LDX, 64, 0, 0)
	THREE(LDXS8, ISA_LDXS, 8, 0, 0) THREE(LDXS16, ISA_LDXS, 16, 0, 0) THREE(LDXS32, ISA_LDXS, 32, 0, 0)
	STORES(8) STORES(16) STORES(32) STORES(64)
	[VM_OP_LOAD_ACQ8] = { ISA_LOAD_ACQ, 8, 0, 0 }, [VM_OP_LOAD_ACQ16] = { ISA_LOAD_ACQ, 16, 0, 0 },
	[VM_OP_LOAD_ACQ32] = { ISA_LOAD_ACQ, 32, 0, 0 }, [VM_OP_LOAD_ACQ64] = { ISA_LOAD_ACQ, 64, 0, 0 },
	[VM_OP_STORE_REL8] = { ISA_STORE_REL, 8, 0, 0 }, [VM_OP_STORE_REL16] = { ISA_STORE_REL, 16, 0, 0 },
	[VM_OP_STORE_REL32] = { ISA_STORE_REL, 32, 0, 0 }, [VM_OP_STORE_REL64] = { ISA_STORE_REL, 64, 0, 0 },
	[VM_OP_PAD] = { PLAN_NOP, 64, 0, 0 },
	[VM_OP_LDI] = { ISA_MOV, 64, B_IMM, 0 },
	[VM_OP_LDI2] = { ISA_IMM64, 64, B_IMM, 0 },
	[VM_OP_JA] = { ISA_JA, 64, 0, 0 }, [VM_OP_JA_BACK] = { ISA_JA, 64, 0, 0 },
	[VM_OP_ATOMIC32] = { ISA_ATOMIC, 32, 0, 0 }, [VM_OP_ATOMIC64] = { ISA_ATOMIC, 64, 0, 0 },
	[VM_OP_CALL] = { ISA_CALL, 64, 0, ISA_CALL_HELPER },
	[VM_OP_CALL_LOCAL] = { ISA_CALL, 64, 0, ISA_CALL_LOCAL },
	[VM_OP_CALLX] = { ISA_CALLX, 64, 0, 0 }, [VM_OP_TAIL_CALL] = { PLAN_TAIL_CALL, 64, 0, 0 },
	[VM_OP_MAY_GOTO] = { ISA_MAY_GOTO, 64, 0, 0 }, [VM_OP_MAY_GOTO_BACK] = { ISA_MAY_GOTO, 64, 0, 0 },
	[VM_OP_EXIT] = { ISA_EXIT, 64, 0, 0 },
};
// clang-format on

static bool is_jump(uint8_t sem)
{
	return sem >= ISA_JA && sem <= ISA_MAY_GOTO;
}

static bool is_store(uint8_t sem)
{
	return sem == ISA_ST || sem == ISA_STX || sem == ISA_ATOMIC || sem == ISA_STORE_REL;
}

static bool is_load(uint8_t sem)
{
	return sem == ISA_LDX || sem == ISA_LDXS || sem == ISA_LOAD_ACQ;
}

/* An access to [r10 + off]; its frame is the VM_STACK_BYTES below r10. */
static bool in_frame(const struct plan_insn *in)
{
	uint8_t base = is_load(in->sem) ? in->src : in->dst;

	return base == ISA_FP && in->off >= -VM_STACK_BYTES && in->off + in->width / 8 <= 0;
}

static void lower_imm64(const struct vm_prog *vp, const struct vm_op *op, struct plan_insn *in)
{
	uint8_t *base;
	size_t bytes;
	bool writable;

	in->aux = op->src;
	in->src = 0;
	in->imm = op->imm;
	in->off = 0;
	if (in->aux == ISA_IMM64_MAP_FD || in->aux == ISA_IMM64_MAP_VALUE)
		in->imm = op->off;
	if (in->aux != ISA_IMM64_MAP_VALUE)
		return;
	map_values(vp->maps[op->off], &base, &bytes, &writable);
	in->off = (int32_t)((uint64_t)op->imm - (uint64_t)(uintptr_t)base);
}

static void lower_one(const struct vm_prog *vp, uint32_t at, struct plan_insn *in)
{
	const struct vm_op *op = &vp->ops[at];
	const struct lower *l = &lower[op->code];

	*in = (struct plan_insn){ .sem = l->sem,
				  .width = l->width,
				  .dst = op->dst,
				  .src = op->src,
				  .flags = l->flags,
				  .aux = l->aux,
				  .off = op->off };
	if (is_jump(in->sem) || op->code == VM_OP_CALL_LOCAL)
		in->target = at + (uint32_t)op->off;
	if (is_jump(in->sem) && op->off <= 0)
		in->flags |= PLAN_BACK;
	if (op->code == VM_OP_CALL || op->code == VM_OP_TAIL_CALL)
		in->target = (uint32_t)(op->call - vp->calls);
	else if (op->code == VM_OP_LDI2)
		lower_imm64(vp, op, in);
	else if (in->sem == ISA_ATOMIC)
		in->aux = (uint8_t)op->imm;
	else if (in->sem != PLAN_NOP && op->code != VM_OP_CALL_LOCAL)
		in->imm = op->imm;
	if ((is_store(in->sem) || is_load(in->sem)) && in_frame(in))
		in->flags |= PLAN_IN_FRAME;
}

/* --- what each reads and writes --- */

static uint16_t bit(unsigned r)
{
	return (uint16_t)(1u << r);
}

static void call_sets(const struct vm_prog *vp, bool sandboxed, struct plan_insn *in)
{
	unsigned n_args = in->aux == ISA_CALL_HELPER ? vp->calls[in->target].n_args : 5;

	in->use = (uint16_t)((2u << n_args) - 2);
	in->def = sandboxed ? 1 : CALLER;
	/* Unverified: the function may read whatever is in any register, and what it leaves is seen afterwards. */
	if (sandboxed && in->aux == ISA_CALL_LOCAL) {
		in->use = ALL;
		in->def = 0;
	}
}

static void atomic_sets(struct plan_insn *in)
{
	in->use = (uint16_t)(bit(in->dst) | bit(in->src));
	if (in->aux == ISA_ATOMIC_CMPXCHG) {
		in->use |= 1;
		in->def = 1;
	} else if (isa_atomic_fetches(in->aux)) {
		in->def = bit(in->src);
	}
}

static void reg_sets(const struct vm_prog *vp, bool sandboxed, struct plan_insn *in)
{
	uint16_t b = in->flags & PLAN_B_IMM ? 0 : bit(in->src);

	switch (in->sem) {
	case PLAN_NOP:
	case ISA_JA:
	case ISA_MAY_GOTO:
		return;
	case ISA_MOV:
	case ISA_MOVSX:
	case ISA_IMM64:
	case ISA_LDX:
	case ISA_LDXS:
	case ISA_LOAD_ACQ:
		in->use = b;
		in->def = bit(in->dst);
		return;
	case ISA_NEG:
	case ISA_END_BE:
	case ISA_END_LE:
	case ISA_BSWAP:
		in->use = in->def = bit(in->dst);
		return;
	case ISA_ATOMIC:
		atomic_sets(in);
		return;
	case ISA_CALL:
		call_sets(vp, sandboxed, in);
		return;
	case ISA_CALLX:
	case PLAN_TAIL_CALL:
		in->use = sandboxed ? ALL : (uint16_t)(0x3e | (in->sem == ISA_CALLX ? bit(in->dst) : 0));
		in->def = sandboxed ? 1 : CALLER;
		/* What a function leaves in r0 to r5 is seen; a helper leaves r1 to r5 alone. */
		if (sandboxed && in->sem == ISA_CALLX)
			in->def = 0;
		return;
	case ISA_EXIT:
		in->use = 1;
		return;
	default:
		in->use = (uint16_t)(bit(in->dst) | b);
		in->def = in->sem <= ISA_ARSH ? bit(in->dst) : 0;
	}
}

/* --- functions --- */

static void find_leaders(struct plan *p)
{
	for (uint32_t i = 0; i < p->n_insns; i++) {
		struct plan_insn *in = &p->insns[i];
		bool local = in->sem == ISA_CALL && in->aux == ISA_CALL_LOCAL;

		if (!is_jump(in->sem) && !local)
			continue;
		if (p->insns[in->target].flags & PLAN_LEADER)
			p->insns[in->target].flags |= PLAN_MANY;
		p->insns[in->target].flags |= PLAN_LEADER;
	}
}

static FALLIBLE find_funcs(const struct vm_prog *vp, struct arena *a, struct plan *p)
{
	p->funcs = ARENA_ARRAY(a, struct plan_func, vp->n_funcs);
	if (!p->funcs)
		return E_NOMEM;
	p->n_funcs = vp->n_funcs;
	for (uint32_t i = 0; i < vp->n_funcs; i++) {
		p->funcs[i].start = vp->funcs[i].start;
		p->funcs[i].end = vp->funcs[i].end;
		p->insns[vp->funcs[i].start].flags |= PLAN_FUNC | PLAN_LEADER | PLAN_MANY;
	}
	return E_OK;
}

const struct plan_func *plan_func_at(const struct plan *p, uint32_t start)
{
	uint32_t lo = 0, hi = p->n_funcs;

	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (p->funcs[mid].start <= start)
			lo = mid;
		else
			hi = mid;
	}
	return &p->funcs[lo];
}

/* Native code cannot make the call alone. */
static bool is_indirect(const struct vm_prog *vp, const struct plan_insn *in)
{
	return in->sem == ISA_CALLX || in->sem == PLAN_TAIL_CALL || in->sem == ISA_MAY_GOTO ||
	       (in->sem == ISA_CALL && in->aux == ISA_CALL_HELPER && !vp->calls[in->target].direct);
}

static void describe_func(const struct vm_prog *vp, struct plan *p, struct plan_func *f)
{
	for (uint32_t i = f->start; i < f->end; i++) {
		const struct plan_insn *in = &p->insns[i];
		bool call = in->sem == ISA_CALL || in->sem == ISA_CALLX || in->sem == PLAN_TAIL_CALL;

		p->needs_vm |= is_indirect(vp, in);
		f->may_goto |= in->sem == ISA_MAY_GOTO;
		f->calls |= call;
		f->writes |= call ? 1 : in->def;
		f->uses_frame |= !call && in->use & FP;
		if (in->sem == ISA_CALL && in->aux == ISA_CALL_LOCAL)
			p->funcs[plan_func_at(p, in->target) - p->funcs].called = true;
	}
	p->any_frame |= f->uses_frame;
	p->any_call |= f->calls;
}

static void describe_funcs(const struct vm_prog *vp, struct plan *p)
{
	for (uint32_t i = 0; i < p->n_funcs; i++) {
		p->funcs[i].zero_bytes = vp->funcs[i].zero_bytes;
		describe_func(vp, p, &p->funcs[i]);
	}
	/* Through a register, or by a helper, any may be called. */
	for (uint32_t i = p->needs_vm ? 0 : 1; i < p->n_funcs; i++)
		p->funcs[i].called = true;
}

/* --- liveness --- */

struct live {
	uint16_t *in;     /* per slot, of leaders */
	uint16_t at_exit; /* of a function that is called */
};

/* One pass backwards; true: what a back edge leads to changed, so that another pass is needed. */
static bool live_pass(const struct live *l, struct plan *p, const struct plan_func *f)
{
	bool again = false;
	uint16_t now = 0;

	for (uint32_t i = f->end; i-- > f->start;) {
		struct plan_insn *in = &p->insns[i];

		if (in->sem == ISA_EXIT)
			now = f->called ? l->at_exit : 1;
		else if (in->sem == ISA_JA)
			now = l->in[in->target];
		else if (is_jump(in->sem))
			now |= l->in[in->target];
		in->live = now;
		now = (uint16_t)((now & ~in->def) | in->use);
		if (in->flags & PLAN_LEADER && l->in[i] != now) {
			l->in[i] = now;
			again = true;
		}
	}
	return again;
}

static void live_func(const struct live *l, struct plan *p, const struct plan_func *f)
{
	for (unsigned pass = 0; pass < LIVE_PASSES; pass++)
		if (!live_pass(l, p, f))
			return;
	for (uint32_t i = f->start; i < f->end; i++)
		p->insns[i].live = ALL;
}

static FALLIBLE find_live(struct plan *p, bool sandboxed, struct arena *a)
{
	/* r6 to r9 and r10 are the caller's again after exit, whatever the function did. */
	struct live l = { .at_exit = sandboxed ? CALLER : 1 };

	l.in = ARENA_ARRAY(a, uint16_t, p->n_insns);
	if (!l.in)
		return E_NOMEM;
	for (uint32_t i = 0; i < p->n_funcs; i++)
		live_func(&l, p, &p->funcs[i]);
	return E_OK;
}

/* --- idioms --- */

static bool is_shift_imm(const struct plan_insn *in, uint8_t sem, unsigned width)
{
	return in->sem == sem && in->width == width && in->flags & PLAN_B_IMM;
}

static void make_nop(struct plan_insn *in)
{
	in->sem = PLAN_NOP;
	in->use = in->def = 0;
}

/* lsh n; rsh n or arsh n, by 32, 48 or 56: the low bits, extended. */
static void find_extension(struct plan_insn *in)
{
	struct plan_insn *next = in + 1;
	bool sign = is_shift_imm(next, ISA_ARSH, 64);
	unsigned low = 64 - (unsigned)in->imm;

	if (next->flags & PLAN_LEADER || next->dst != in->dst || next->imm != in->imm ||
	    (!sign && !is_shift_imm(next, ISA_RSH, 64)) || (in->imm != 32 && in->imm != 48 && in->imm != 56))
		return;
	if (!sign && low < 32) {
		in->sem = ISA_AND;
		in->imm = (1 << low) - 1;
	} else {
		in->sem = sign ? ISA_MOVSX : ISA_MOV;
		in->aux = sign ? (uint8_t)low : 0;
		in->width = sign ? 64 : 32;
		in->flags &= (uint8_t)~PLAN_B_IMM;
		in->src = in->dst;
		in->imm = 0;
	}
	in->live = next->live;
	make_nop(next);
}

/* mov t,x; shift t; shift x; or x,t. Both shifts together are a whole turn. */
static void find_rotation(struct plan_insn *in)
{
	bool t_first = in[1].dst == in->dst;
	struct plan_insn *t = in + (t_first ? 1 : 2), *x = in + (t_first ? 2 : 1), * or = in + 3;
	unsigned width = t->width, n;
	bool left = x->sem == ISA_LSH;

	if ((t->flags | x->flags | or->flags) & PLAN_LEADER || in->width < width || in->dst == in->src)
		return;
	if (t->dst != in->dst || x->dst != in->src || or->sem != ISA_OR || or->dst != in->src || or->src != in->dst ||
	    or->flags & PLAN_B_IMM || or->live >> in->dst & 1)
		return;
	if (!is_shift_imm(x, left ? ISA_LSH : ISA_RSH, width) || !is_shift_imm(t, left ? ISA_RSH : ISA_LSH, width) ||
	    or->width != width)
		return;
	n = (unsigned)(left ? x->imm : t->imm);
	if (n == 0 || n >= width || x->imm + t->imm != width)
		return;
	or->sem = PLAN_ROL;
	or->flags |= PLAN_B_IMM;
	or->use = or->def;
	or->imm = n;
	make_nop(in);
	make_nop(t);
	make_nop(x);
}

/* A conditional jump over one mov that nothing else leads to. */
static bool find_select(struct plan_insn *in, uint32_t at)
{
	if (in->target != at + 2 || in[1].sem != ISA_MOV || in[1].flags & PLAN_LEADER)
		return false;
	in->flags |= PLAN_SELECT;
	return true;
}

/* A conditional jump over a jump: the opposite one, further. */
static void find_inverse(struct plan_insn *in, uint32_t at)
{
	if (in->target == at + 2 && in[1].sem == ISA_JA && !(in[1].flags & PLAN_LEADER))
		in->flags |= PLAN_INVERSE;
}

static void find_idioms(struct plan *p)
{
	for (uint32_t i = 0; i + 3 < p->n_insns; i++) {
		struct plan_insn *in = &p->insns[i];

		if (is_shift_imm(in, ISA_LSH, 64))
			find_extension(in);
		else if (in->sem == ISA_MOV && !(in->flags & PLAN_B_IMM))
			find_rotation(in);
		else if (in->sem > ISA_JA && in->sem < ISA_MAY_GOTO) {
			find_inverse(in, i);
			i += find_select(in, i); /* what it skips is no part of another idiom */
		}
	}
}

FALLIBLE plan_make(const struct vm_prog *vp, bool sandboxed, struct arena *a, struct plan *out)
{
	struct plan p = { .n_insns = vp->n_ops };

	/* Four more, so that idioms can look ahead. */
	p.insns = ARENA_ARRAY(a, struct plan_insn, (size_t)vp->n_ops + 4);
	if (!p.insns)
		return E_NOMEM;
	for (uint32_t i = 0; i < p.n_insns; i++) {
		lower_one(vp, i, &p.insns[i]);
		reg_sets(vp, sandboxed, &p.insns[i]);
	}
	find_leaders(&p);
	TRY(find_funcs(vp, a, &p));
	describe_funcs(vp, &p);
	TRY(find_live(&p, sandboxed, a));
	find_idioms(&p);
	*out = p;
	return E_OK;
}
