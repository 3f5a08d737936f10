/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x86_mem: loads, stores, atomics, and the checks before them.
 *
 * A check compares the address with one window, the one that it most likely is in, and leaves for the cold stream when
 * it is not there; that asks for all windows, and goes on in the interpreter when it is in none, which then says what
 * is wrong. What one check found holds until the registers of the address change, and it covers the other accesses of
 * the same base that the rest of the block is sure to do: one compare for a row of fields.
 */
#include "engine/jit/x86.h"

enum { AHEAD = 48 /* how far a check looks for others */, WIDEST = 4096 };

struct range {
	int32_t lo, hi; /* displacements */
	bool write;
};

/* --- checks --- */

static bool known(const struct x86 *x, struct x86_expr e, struct range r)
{
	for (unsigned i = 0; i < x->n_facts; i++) {
		const struct x86_fact *f = &x->facts[i];

		if (f->base == e.base && f->index == e.index && f->scale == e.scale && f->lo <= r.lo && f->hi >= r.hi &&
		    (f->write || !r.write))
			return true;
	}
	return false;
}

static void learn(struct x86 *x, struct x86_expr e, struct range r)
{
	unsigned i = x->n_facts < X86_FACTS ? x->n_facts++ : x->next_fact++ % X86_FACTS;

	x->facts[i] = (struct x86_fact){ e.base, e.index, e.scale, r.write, r.lo, r.hi };
}

static bool is_load(uint8_t sem)
{
	return sem == ISA_LDX || sem == ISA_LDXS || sem == ISA_LOAD_ACQ;
}

static bool is_store(uint8_t sem)
{
	return sem == ISA_ST || sem == ISA_STX || sem == ISA_ATOMIC || sem == ISA_STORE_REL;
}

/* What else goes through register `base` before it changes or control can leave: widen r by it. */
static void look_ahead(const struct x86 *x, unsigned base, int32_t shift, struct range *r)
{
	uint32_t end = x->at + 1 + AHEAD < x->f->end ? x->at + 1 + AHEAD : x->f->end;
	const struct plan_insn *in = x->in;

	for (uint32_t i = x->at + 1; i < end && !(in->def >> base & 1); i++) {
		int64_t lo, hi;

		in = &x->plan->insns[i];
		if (in->flags & PLAN_LEADER || in->sem == ISA_CALL || in->sem == ISA_EXIT ||
		    (in->sem >= ISA_JA && in->sem < PLAN_ROL))
			return;
		if (!(is_load(in->sem) && in->src == base) && !(is_store(in->sem) && in->dst == base))
			continue;
		lo = (int64_t)in->off + shift;
		hi = lo + in->width / 8;
		if (lo < r->hi - WIDEST || hi > (int64_t)r->lo + WIDEST || !x86_is_i32(lo) || !x86_is_i32(hi))
			continue;
		r->lo = lo < r->lo ? (int32_t)lo : r->lo;
		r->hi = hi > r->hi ? (int32_t)hi : r->hi;
		r->write |= is_store(in->sem);
	}
}

static bool is_stackish(const struct x86 *x, struct x86_expr e)
{
	return (e.base != X86_NO_REG && x->stackish >> e.base & 1) ||
	       (e.index != X86_NO_REG && x->stackish >> e.index & 1);
}

/* The check failed in its window: ask for all, and go on where the hot stream is now; or give up. */
static void cold_check(struct x86 *x, struct x86_mem m, struct range r)
{
	x86_cold_begin(x);
	m.disp = r.lo;
	x86_rm(&x->c, X_W, 0x8d, X86_T1, m);
	x86_mov_ri(&x->c, X86_T2, (uint32_t)(r.hi - r.lo) | (r.write ? UINT32_C(1) << 31 : 0));
	x86_within_cold(x, 0xe8, x->slow_common);
	x86_back_to_hot(x, CC_NE);
	x86_deopt(x);
	x86_cold_end(x);
}

/* The address of the first byte is below the window's limit for its size: one compare. */
static void check_one(struct x86 *x, struct x86_mem m, struct range r)
{
	unsigned log2 = (unsigned)__builtin_ctz((unsigned)(r.hi - r.lo));
	int32_t span = r.write ? (int32_t)offsetof(struct vm_run_state, store_span)
			       : (int32_t)offsetof(struct vm_run_state, load_span);

	m.disp = r.lo;
	if (m.index == X86_NO_REG && !m.disp)
		x86_mov_rr(&x->c, true, X86_T1, m.base);
	else
		x86_rm(&x->c, X_W, 0x8d, X86_T1, m);
	x86_rm(&x->c, X_W, 0x2b, X86_T1, X86_RUN_FIELD(ctx));
	x86_rm(&x->c, X_W, 0x3b, X86_T1, x86_at(X86_RUN, span + 8 * (int32_t)log2));
}

/* The end lies in the window and is no nearer to its start than the size. */
static void check_end(struct x86 *x, struct x86_mem m, struct range r, bool stack)
{
	m.disp = r.hi;
	x86_rm(&x->c, X_W, 0x8d, X86_T1, m);
	x86_rm(&x->c, X_W, 0x2b, X86_T1, stack ? X86_RUN_FIELD(stack_lo) : X86_RUN_FIELD(ctx));
	x86_alu_ri(&x->c, true, X_CMP, X86_T1, r.hi - r.lo);
}

static struct x86_mem window_bytes(bool stack, bool write)
{
	if (stack)
		return X86_RUN_FIELD(stack_live);
	return write ? X86_RUN_FIELD(store_span[0]) : X86_RUN_FIELD(load_span[0]);
}

/* reg: the register that the instruction names as base. */
static void check(struct x86 *x, unsigned reg, struct x86_expr e, unsigned bytes, bool write)
{
	struct range r = { .lo = e.disp, .hi = e.disp + (int32_t)bytes, .write = write };
	struct x86_mem m = x86_mem_of(e);
	bool stack = is_stackish(x, e);
	uint32_t cold;

	if (known(x, e, r))
		return;
	look_ahead(x, reg, e.disp - x->in->off, &r);
	cold = x86_cold_next(x);
	if (!stack && r.hi - r.lo == (int32_t)bytes) {
		check_one(x, m, r);
		x86_to_cold(x, CC_AE, cold);
	} else {
		check_end(x, m, r, stack);
		x86_to_cold(x, CC_B, cold);
		x86_rm(&x->c, X_W, 0x3b, X86_T1, window_bytes(stack, r.write));
		x86_to_cold(x, CC_A, cold);
	}
	cold_check(x, m, r);
	learn(x, e, r);
}

/* The operand of the access at hand, checked where that is needed. */
static struct x86_mem operand(struct x86 *x, unsigned reg, bool write)
{
	const struct plan_insn *in = x->in;
	struct x86_mem m = x86_address(x, reg, in->off);
	struct x86_expr e;

	if (!x->sandboxed || in->flags & PLAN_IN_FRAME)
		return m;
	e = x86_expr_of(x, reg);
	e.disp = m.disp;
	if (!x86_is_i32((int64_t)e.disp + 2 * WIDEST) || !x86_is_i32((int64_t)e.disp - 2 * WIDEST)) {
		x86_compute(x, reg);
		e = x86_expr_of(x, reg);
		e.disp = in->off;
	}
	check(x, reg, e, in->width / 8, write);
	return x86_mem_of(e);
}

/* Atomics want their operand aligned. */
static void check_aligned(struct x86 *x, struct x86_mem m)
{
	if (!x->sandboxed || x->in->width == 8)
		return;
	x86_rm(&x->c, X_W, 0x8d, X86_T1, m);
	x86_rr(&x->c, X_BYTE, 0xf6, 0, X86_T1);
	x86_u8(&x->c, x->in->width / 8 - 1);
	x86_to_cold(x, CC_NE, x86_cold_next(x));
	x86_cold_begin(x);
	x86_deopt(x);
	x86_cold_end(x);
}

/* --- loads and stores --- */

static void load(struct x86 *x)
{
	static const uint16_t ldx[] = { 0x0fb6, 0x0fb7, 0x8b, 0x8b }, ldxs[] = { 0x0fbe, 0x0fbf, 0x63 };
	const struct plan_insn *in = x->in;
	unsigned i = (unsigned)__builtin_ctz(in->width) - 3;
	struct x86_mem m = operand(x, in->src, false);

	if (in->sem == ISA_LOAD_ACQ)
		check_aligned(x, m);
	x->need = in->live;
	/* In code that checks nothing a load that nobody reads has no effect. */
	if (!x->sandboxed && !x86_is_live(x, in->dst) && in->sem != ISA_LOAD_ACQ) {
		x->pending &= (uint16_t)~x86_bit(in->dst);
		return;
	}
	x86_overwrite(x, in->dst);
	x86_rm(&x->c, in->width == 64 || in->sem == ISA_LDXS ? X_W : 0, in->sem == ISA_LDXS ? ldxs[i] : ldx[i],
	       x86_host[in->dst], m);
}

static unsigned size_flags(unsigned width)
{
	return width == 64 ? X_W : width == 16 ? X_66 : 0;
}

static void store(struct x86 *x)
{
	const struct plan_insn *in = x->in;
	struct x86_mem m;
	unsigned src;

	(void)x86_read(x, in->src);
	m = operand(x, in->dst, true);
	src = x86_read(x, in->src); /* again: where it is may have changed */
	if (in->sem == ISA_STORE_REL)
		check_aligned(x, m);
	x86_rm(&x->c, size_flags(in->width) | (in->width == 8 ? X_BYTE : 0), in->width == 8 ? 0x88 : 0x89, src, m);
}

static void store_imm(struct x86 *x)
{
	const struct plan_insn *in = x->in;
	struct x86_mem m = operand(x, in->dst, true);
	int32_t imm = (int32_t)in->imm;

	if (x->o->blind) {
		x86_const(x, X86_T1, (uint64_t)(int64_t)imm);
		x86_rm(&x->c, size_flags(in->width) | (in->width == 8 ? X_BYTE : 0), in->width == 8 ? 0x88 : 0x89,
		       X86_T1, m);
		return;
	}
	x86_rm(&x->c, size_flags(in->width), in->width == 8 ? 0xc6 : 0xc7, 0, m);
	if (in->width == 8) {
		x86_u8(&x->c, (uint8_t)imm);
	} else if (in->width == 16) {
		x86_u8(&x->c, (uint8_t)imm);
		x86_u8(&x->c, (uint8_t)(imm >> 8));
	} else {
		x86_u32(&x->c, (uint32_t)imm);
	}
}

/* --- atomics --- */

static void fetch_loop(struct x86 *x, struct x86_mem m, enum x86_alu op, unsigned src)
{
	bool w = x->in->width == 64;
	struct x86_mem at = x86_at(X86_FUEL, 0);
	uint8_t *again;

	/* r10 is the address, rax what is there, r9 what is to be there; r10 and rax wait below the stack. */
	x86_rm(&x->c, X_W, 0x89, X86_FUEL, x86_at(RSP, -8));
	x86_rm(&x->c, X_W, 0x8d, X86_FUEL, m);
	x86_mov_rr(&x->c, true, X86_T1, RAX);
	x86_rm(&x->c, w, 0x8b, RAX, at);
	again = x->c.p;
	x86_mov_rr(&x->c, w, X86_T2, RAX);
	x86_alu_rr(&x->c, w, op, X86_T2, src == RAX ? X86_T1 : src);
	x86_rm(&x->c, (w ? X_W : 0) | X_LOCK, 0x0fb1, X86_T2, at);
	x86_u8(&x->c, 0x70 | CC_NE);
	x86_u8(&x->c, (unsigned)(again - x->c.p - 1) & 0xff);
	x86_rm(&x->c, X_W, 0x8b, X86_FUEL, x86_at(RSP, -8));
	if (src != RAX) {
		x86_mov_rr(&x->c, w, src, RAX);
		x86_mov_rr(&x->c, true, RAX, X86_T1);
	} else if (!w) {
		x86_mov_rr(&x->c, false, RAX, RAX);
	}
}

static unsigned locked(unsigned width)
{
	return size_flags(width) | X_LOCK;
}

static void atomic(struct x86 *x)
{
	const struct plan_insn *in = x->in;
	bool cmpxchg = in->aux == ISA_ATOMIC_CMPXCHG, w = in->width == 64;
	enum x86_alu op = (in->aux & ~1) == ISA_ATOMIC_OR    ? X_OR
			  : (in->aux & ~1) == ISA_ATOMIC_AND ? X_AND
			  : (in->aux & ~1) == ISA_ATOMIC_XOR ? X_XOR
							     : X_ADD;
	struct x86_mem m;
	unsigned src;

	/* What it reads and writes must be where it says: compute it, and whoever is pending on what it writes. */
	x86_settle(x, in->use, false);
	if (in->def)
		(void)x86_modify(x, (unsigned)__builtin_ctz(in->def));
	m = operand(x, in->dst, true);
	check_aligned(x, m);
	src = x86_host[in->src];
	x->need = in->live;
	if (!in->def) {
		x86_rm(&x->c, locked(in->width), (unsigned)op << 3 | 1, src, m);
	} else if (cmpxchg) {
		x86_rm(&x->c, locked(in->width), 0x0fb1, src, m);
		if (!w)
			x86_mov_rr(&x->c, false, RAX, RAX);
	} else if (in->aux == ISA_ATOMIC_XCHG) {
		x86_rm(&x->c, size_flags(in->width), 0x87, src, m);
	} else if (op == X_ADD) {
		x86_rm(&x->c, locked(in->width), 0x0fc1, src, m);
	} else {
		fetch_loop(x, m, op, src);
	}
	for (uint16_t d = in->def; d; d &= (uint16_t)(d - 1))
		x86_forget_facts(x, (unsigned)__builtin_ctz(d));
}

void x86_memory(struct x86 *x)
{
	switch (x->in->sem) {
	case ISA_ST:
		store_imm(x);
		break;
	case ISA_STX:
	case ISA_STORE_REL:
		store(x);
		break;
	case ISA_ATOMIC:
		atomic(x);
		break;
	default:
		load(x);
	}
}
