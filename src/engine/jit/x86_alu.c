/* SPDX-License-Identifier: Apache-2.0 */
/* x86_alu: arithmetic, logic, moves, byte order. Division is in x86_div.c. */
#include "engine/jit/x86.h"

static bool b_imm(const struct x86 *x)
{
	return x->in->flags & PLAN_B_IMM;
}

bool x86_immediate(const struct x86 *x, int64_t v)
{
	return !x->o->blind && x86_is_i32(v);
}

void x86_const(struct x86 *x, unsigned host, uint64_t v)
{
	if (!x->o->blind) {
		x86_mov_ri(&x->c, host, v);
		return;
	}
	x->key = hash_u64(x->key + 1);
	x86_head(&x->c, X_W, 0xb8 | (host & 7), 0, 0, host, false);
	x86_u64(&x->c, v ^ x->key);
	x86_save(x, host == RAX ? RCX : RAX);
	x86_head(&x->c, X_W, 0xb8 | (host == RAX ? RCX : RAX), 0, 0, 0, false);
	x86_u64(&x->c, x->key);
	x86_alu_rr(&x->c, true, X_XOR, host, host == RAX ? RCX : RAX);
	x86_restore(x, host == RAX ? RCX : RAX);
}

/* The operand b as a host register, for an instruction that changes dst: dst is computed first, as b may use it. */
static unsigned b_reg(struct x86 *x)
{
	if (x86_is_pending(x, x->in->dst))
		x86_compute(x, x->in->dst);
	if (!b_imm(x))
		return x86_read(x, x->in->src);
	x86_const(x, X86_T1, (uint64_t)x->in->imm);
	return X86_T1;
}

/* dst's host register with dst's value, about to be changed by an instruction of 32 bits or of 64. */
static unsigned modify(struct x86 *x)
{
	x->need = x->in->live | x86_bit(x->in->dst);
	return x86_modify(x, x->in->dst);
}

static unsigned overwrite(struct x86 *x)
{
	x->need = x->in->live;
	x86_overwrite(x, x->in->dst);
	return x86_host[x->in->dst];
}

/* --- moves --- */

static void mov(struct x86 *x)
{
	const struct plan_insn *in = x->in;
	unsigned src;

	if (b_imm(x)) {
		unsigned dst = overwrite(x);
		uint64_t v = in->width == 32 ? (uint32_t)in->imm : (uint64_t)in->imm;

		if (v)
			x86_const(x, dst, v);
		else
			x86_alu_rr(&x->c, false, X_XOR, dst, dst);
		return;
	}
	if (in->width == 64 || x->zero >> in->src & 1) {
		struct x86_expr e = x86_expr_of(x, in->src);

		/* Both will be wanted: compute it once. */
		if ((e.index != X86_NO_REG || e.disp || e.map) && x86_is_live(x, in->src) && in->src != in->dst) {
			x86_compute(x, in->src);
			e = x86_expr_of(x, in->src);
		}
		x->need = in->live;
		if (in->src != in->dst)
			x86_pend(x, in->dst, e);
		return;
	}
	src = x86_read(x, in->src);
	x86_mov_rr(&x->c, false, overwrite(x), src);
}

static void movsx(struct x86 *x)
{
	const struct plan_insn *in = x->in;
	unsigned src = x86_read(x, in->src), dst = overwrite(x);
	unsigned op = in->aux == 8 ? 0x0fbe : in->aux == 16 ? 0x0fbf : 0x63;

	x86_rr(&x->c, (in->width == 64 ? X_W : 0) | (in->aux == 8 ? X_BYTE : 0), op, dst, src);
}

/* --- addition --- */

/* dst += imm */
static void add_imm(struct x86 *x, int64_t imm)
{
	unsigned d = x->in->dst;
	struct x86_expr *e = &x->e[d];

	if (x86_is_pending(x, d) && !e->map && x86_is_i32(e->disp + imm) && !x->o->blind) {
		e->disp += (int32_t)imm;
		return;
	}
	if (x86_is_pending(x, d))
		x86_compute(x, d);
	if (!x86_immediate(x, imm)) {
		x86_const(x, X86_T1, (uint64_t)imm);
		x86_alu_rr(&x->c, true, X_ADD, modify(x), X86_T1);
		return;
	}
	x->need = x->in->live;
	x86_shift_deps(x, d, (int32_t)imm);
	if (imm == 128)
		x86_alu_ri(&x->c, true, X_SUB, x86_host[d], -128);
	else
		x86_alu_ri(&x->c, true, X_ADD, x86_host[d], (int32_t)imm);
}

/* The sum of two expressions, if one operand can hold it. */
static bool sum(struct x86_expr a, struct x86_expr b, struct x86_expr *out)
{
	int64_t disp = (int64_t)a.disp + b.disp;

	if (a.map || b.map || !x86_is_i32(disp))
		return false;
	if (a.index != X86_NO_REG && a.base != X86_NO_REG) {
		struct x86_expr t = a;

		a = b;
		b = t;
	}
	/* b may have both now, then a must have nothing but a displacement; else one each. */
	if (b.index != X86_NO_REG && b.base != X86_NO_REG)
		return false;
	if (a.index != X86_NO_REG && b.index != X86_NO_REG)
		return false;
	*out = (struct x86_expr){ .disp = (int32_t)disp };
	out->index = a.index != X86_NO_REG ? a.index : b.index;
	out->scale = a.index != X86_NO_REG ? a.scale : b.scale;
	out->base = a.base != X86_NO_REG ? a.base : b.base;
	if (a.base != X86_NO_REG && b.base != X86_NO_REG) {
		if (out->index != X86_NO_REG)
			return false;
		out->index = b.base;
		out->scale = 0;
	}
	return true;
}

/* The next instruction is a load or store whose address dst is, and the last that reads it: worth waiting for. */
static bool next_is_access(const struct x86 *x)
{
	const struct plan_insn *next = &x->plan->insns[x->at + 1];

	if (next->flags & PLAN_LEADER || x->at + 1 >= x->f->end)
		return false;
	if (next->sem == ISA_LDX || next->sem == ISA_LDXS)
		return next->src == x->in->dst && (next->dst == x->in->dst || !(next->live >> x->in->dst & 1));
	return (next->sem == ISA_ST || next->sem == ISA_STX) && next->dst == x->in->dst &&
	       !(next->live >> x->in->dst & 1);
}

/* It refers to r's own host register and to another: such a one must not wait beside others (x86.h). */
static bool is_mixed(struct x86_expr e, unsigned r)
{
	return (e.base == r || e.index == r) && e.base != e.index && e.base != X86_NO_REG && e.index != X86_NO_REG;
}

/* dst += src */
static void add_reg(struct x86 *x)
{
	const struct plan_insn *in = x->in;
	bool waits = next_is_access(x);
	struct x86_expr e;
	unsigned src;

	if ((x86_is_pending(x, in->dst) || waits) && sum(x86_expr_of(x, in->dst), x86_expr_of(x, in->src), &e)) {
		x->need = in->live;
		x86_pend(x, in->dst, e);
		if (x86_is_pending(x, in->dst) && is_mixed(e, in->dst) && !waits)
			x86_compute(x, in->dst);
		return;
	}
	src = b_reg(x);
	x86_alu_rr(&x->c, true, X_ADD, modify(x), src);
}

/* 32 bits: not pending, for sums are of 64; but lea takes the operands from where they are. */
static void add32(struct x86 *x, int32_t imm)
{
	const struct plan_insn *in = x->in;
	struct x86_expr e = x86_expr_of(x, in->dst), s;
	unsigned src;

	s = b_imm(x) ? (struct x86_expr){ X86_NO_REG, X86_NO_REG, 0, false, imm } : x86_expr_of(x, in->src);
	if (!x->o->blind && x86_is_pending(x, in->dst) && sum(e, s, &e)) {
		struct x86_mem m = x86_mem_of(e);
		unsigned dst = overwrite(x);

		x86_rm(&x->c, 0, 0x8d, dst, m);
		return;
	}
	if (b_imm(x) && x86_immediate(x, imm)) {
		x86_alu_ri(&x->c, false, X_ADD, modify(x), imm);
		return;
	}
	src = b_reg(x);
	x86_alu_rr(&x->c, false, X_ADD, modify(x), src);
}

static void add(struct x86 *x)
{
	if (x->in->width == 32)
		add32(x, (int32_t)x->in->imm);
	else if (b_imm(x))
		add_imm(x, x->in->imm);
	else
		add_reg(x);
}

static void logic(struct x86 *x, enum x86_alu op);

static void sub(struct x86 *x)
{
	if (!b_imm(x) || x->in->imm == INT32_MIN || x->o->blind)
		logic(x, X_SUB);
	else if (x->in->width == 32)
		add32(x, (int32_t)(0 - (uint32_t)x->in->imm));
	else
		add_imm(x, -x->in->imm);
}

/* --- the rest of two operands --- */

static bool and_imm(struct x86 *x)
{
	unsigned bits = x->in->imm == 0xff ? 8 : x->in->imm == 0xffff ? 16 : 0;
	unsigned src, dst;

	if (!bits || x->o->blind)
		return false;
	src = x86_read(x, x->in->dst);
	dst = overwrite(x);
	x86_rr(&x->c, bits == 8 ? X_BYTE : 0, bits == 8 ? 0x0fb6 : 0x0fb7, dst, src);
	return true;
}

/* Can the instruction be the 32-bit one, which is shorter? */
static bool narrow(const struct x86 *x, enum x86_alu op)
{
	const struct plan_insn *in = x->in;
	bool dst_small = x->zero >> in->dst & 1, src_small = b_imm(x) ? in->imm >= 0 : x->zero >> in->src & 1;

	if (in->width == 32)
		return true;
	return op == X_AND ? (b_imm(x) ? in->imm >= 0 : dst_small || src_small)
			   : (op == X_OR || op == X_XOR) && dst_small && src_small;
}

static void logic(struct x86 *x, enum x86_alu op)
{
	const struct plan_insn *in = x->in;
	bool w = !narrow(x, op);
	unsigned src;

	if (op == X_AND && b_imm(x) && and_imm(x))
		return;
	if (b_imm(x) && x86_immediate(x, in->width == 32 ? (int32_t)in->imm : in->imm)) {
		if (op == X_XOR && (in->width == 32 ? (int32_t)in->imm : in->imm) == -1)
			x86_rr(&x->c, w, 0xf7, 2, modify(x));
		else
			x86_alu_ri(&x->c, w, op, modify(x), (int32_t)in->imm);
		return;
	}
	src = b_reg(x);
	x86_alu_rr(&x->c, w, op, modify(x), src);
}

static void mul_imm(struct x86 *x)
{
	const struct plan_insn *in = x->in;
	bool w = in->width == 64;
	int64_t imm = w ? in->imm : (int32_t)in->imm;
	unsigned src = x86_read(x, in->dst), dst = overwrite(x);

	if (imm > 0 && !(imm & (imm - 1))) {
		if (dst != src)
			x86_mov_rr(&x->c, w, dst, src);
		if (imm > 1)
			x86_shift_i(&x->c, w, X_SHL, dst, (unsigned)__builtin_ctzll((uint64_t)imm));
		else if (!w && dst == src)
			x86_mov_rr(&x->c, false, dst, dst);
	} else if (imm == 3 || imm == 5 || imm == 9) {
		struct x86_mem m = { .base = (uint8_t)src,
				     .index = (uint8_t)src,
				     .scale = imm == 3   ? 1
					      : imm == 5 ? 2
							 : 3 };

		x86_rm(&x->c, w, 0x8d, dst, m);
	} else {
		x86_rr(&x->c, w, x86_is_i8(imm) ? 0x6b : 0x69, dst, src);
		if (x86_is_i8(imm))
			x86_u8(&x->c, (uint8_t)imm);
		else
			x86_u32(&x->c, (uint32_t)imm);
	}
}

static void mul(struct x86 *x)
{
	unsigned src;

	if (b_imm(x) && !x->o->blind) {
		mul_imm(x);
		return;
	}
	src = b_reg(x);
	x86_rr(&x->c, x->in->width == 64, 0x0faf, modify(x), src);
}

static void neg(struct x86 *x)
{
	x86_rr(&x->c, x->in->width == 64, 0xf7, 3, modify(x));
}

/* --- shifts --- */

/* Without BMI2 the count must be in cl. */
static void shift_cl(struct x86 *x, enum x86_shift op, unsigned dst, unsigned count)
{
	bool w = x->in->width == 64;

	if (count != RCX)
		x86_mov_rr(&x->c, true, X86_T1, RCX);
	if (dst == RCX && count != RCX) {
		x86_mov_rr(&x->c, false, RCX, count);
		x86_rr(&x->c, w, 0xd3, op, X86_T1);
		x86_mov_rr(&x->c, w, RCX, X86_T1);
		return;
	}
	if (count != RCX)
		x86_mov_rr(&x->c, false, RCX, count);
	x86_rr(&x->c, w, 0xd3, op, dst);
	if (count != RCX)
		x86_mov_rr(&x->c, true, RCX, X86_T1);
}

static void shift_blind(struct x86 *x, enum x86_shift op, unsigned n)
{
	unsigned dst = modify(x);

	x86_const(x, X86_T2, n);
	shift_cl(x, op, dst, X86_T2);
}

static void shift_imm(struct x86 *x, enum x86_shift op)
{
	const struct plan_insn *in = x->in;
	bool w = in->width == 64;
	unsigned n = (unsigned)in->imm & (in->width - 1u);
	struct x86_expr e = x86_expr_of(x, in->dst);

	if (w && op == X_SHL && n && n < 4 && !e.map && !x->o->blind &&
	    (e.base == X86_NO_REG ? e.scale + n < 4 : e.index == X86_NO_REG) &&
	    x86_is_i32((int64_t)e.disp * (1 << n))) {
		if (e.base != X86_NO_REG)
			e.index = e.base;
		e.base = X86_NO_REG;
		e.scale = (uint8_t)(e.scale + n);
		e.disp *= 1 << n;
		x->need = in->live;
		x86_pend(x, in->dst, e);
		return;
	}
	if (!n && w)
		return;
	if (!n)
		x86_mov_rr(&x->c, false, modify(x), x86_host[in->dst]);
	else if (x->o->blind)
		shift_blind(x, op, n);
	else
		x86_shift_i(&x->c, w && !(op == X_SHR && n < 32 && x->zero >> in->dst & 1), op, modify(x), n);
}

static void shift_reg(struct x86 *x, enum x86_shift op)
{
	const struct plan_insn *in = x->in;
	unsigned count, src;

	if (!x->bmi2) {
		count = b_reg(x);
		shift_cl(x, op, modify(x), count);
		return;
	}
	(void)x86_read(x, in->dst);
	count = x86_read(x, in->src);
	src = x86_read(x, in->dst); /* again: where it is may have changed */
	x86_shiftx(&x->c, in->width == 64, op == X_SHL ? 1 : op == X_SAR ? 2 : 3, overwrite(x), src, count);
}

static void shift(struct x86 *x, enum x86_shift op)
{
	if (b_imm(x))
		shift_imm(x, op);
	else
		shift_reg(x, op);
}

static void rotate(struct x86 *x)
{
	const struct plan_insn *in = x->in;
	bool w = in->width == 64;
	unsigned n = (unsigned)in->imm, src;

	if (x->o->blind) {
		shift_blind(x, X_ROL, n);
		return;
	}
	if (!x->bmi2 || !x86_is_pending(x, in->dst)) {
		x86_shift_i(&x->c, w, X_ROL, modify(x), n);
		return;
	}
	src = x86_read(x, in->dst);
	x86_rorx(&x->c, w, overwrite(x), src, in->width - n);
}

/* --- byte order --- */

static void swap(struct x86 *x)
{
	const struct plan_insn *in = x->in;
	bool known = in->width == 16 && x->small >> in->dst & 1;
	unsigned dst = modify(x);

	if (known) {
		x86_rr(&x->c, X_66, 0xc1, X_ROL, dst);
		x86_u8(&x->c, 8);
		return;
	}
	x86_bswap(&x->c, in->width == 64, dst);
	if (in->width == 16)
		x86_shift_i(&x->c, false, X_SHR, dst, 16);
}

static void little(struct x86 *x)
{
	unsigned dst;

	if (x->in->width == 64)
		return;
	dst = modify(x);
	x86_rr(&x->c, 0, x->in->width == 16 ? 0x0fb7 : 0x8b, dst, dst);
}

void x86_alu(struct x86 *x)
{
	switch (x->in->sem) {
	case ISA_ADD:
		add(x);
		break;
	case ISA_SUB:
		sub(x);
		break;
	case ISA_MUL:
		mul(x);
		break;
	case ISA_OR:
		logic(x, X_OR);
		break;
	case ISA_AND:
		logic(x, X_AND);
		break;
	case ISA_XOR:
		logic(x, X_XOR);
		break;
	case ISA_LSH:
		shift(x, X_SHL);
		break;
	case ISA_RSH:
		shift(x, X_SHR);
		break;
	case ISA_ARSH:
		shift(x, X_SAR);
		break;
	case PLAN_ROL:
		rotate(x);
		break;
	case ISA_NEG:
		neg(x);
		break;
	case ISA_MOV:
		mov(x);
		break;
	case ISA_MOVSX:
		movsx(x);
		break;
	case ISA_END_LE:
		little(x);
		break;
	default:
		swap(x);
	}
}
