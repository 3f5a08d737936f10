/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x86_div: division and remainder.
 *
 * The instruction wants rdx:rax; what is in them is kept in scratch registers and put back. RFC 9669: x / 0 = 0,
 * x % 0 = x, and the smallest number by -1 wraps, where the instruction would trap: so that is seen first. Divisors
 * that are constants mostly need no division.
 */
#include "engine/jit/x86.h"

struct division {
	bool w, is_signed, remainder;
	unsigned dst, a, b; /* host registers: result, operands */
	bool keep_rax, keep_rdx;
};

/* A forward jump of one byte inside a sequence; its place is filled in by here(). */
static uint8_t *skip(struct x86 *x, unsigned cc)
{
	x86_u8(&x->c, cc == X86_JMP ? 0xeb : 0x70 | cc);
	x86_u8(&x->c, 0);
	return x->c.p;
}

static void here(struct x86 *x, uint8_t *from)
{
	from[-1] = (uint8_t)(x->c.p - from);
}

/* Where rax and rdx wait: in a register, or below the stack pointer, which nothing uses in between. */
static void keep(struct x86 *x, const struct division *v)
{
	if (v->keep_rax)
		x86_rm(&x->c, X_W, 0x89, RAX, x86_at(RSP, -8));
	if (v->keep_rdx)
		x86_rm(&x->c, X_W, 0x89, RDX, x86_at(RSP, -16));
}

static void put_back(struct x86 *x, const struct division *v)
{
	unsigned result = v->remainder ? RDX : RAX;

	if (v->dst != result)
		x86_mov_rr(&x->c, v->w, v->dst, result);
	if (v->keep_rax)
		x86_rm(&x->c, X_W, 0x8b, RAX, x86_at(RSP, -8));
	if (v->keep_rdx)
		x86_rm(&x->c, X_W, 0x8b, RDX, x86_at(RSP, -16));
}

static void divide(struct x86 *x, const struct division *v)
{
	unsigned b = v->b;

	keep(x, v);
	if (b == RAX || b == RDX) {
		x86_mov_rr(&x->c, v->w, X86_T1, b);
		b = X86_T1;
	}
	if (v->a != RAX)
		x86_mov_rr(&x->c, v->w, RAX, v->a);
	if (v->is_signed)
		x86_head(&x->c, v->w, 0x99, 0, 0, 0, false);
	else
		x86_alu_rr(&x->c, false, X_XOR, RDX, RDX);
	x86_rr(&x->c, v->w, 0xf7, v->is_signed ? 7 : 6, b);
	put_back(x, v);
}

/* The result for a divisor of 0 (x / 0 = 0, x % 0 = x) or, negate, of -1 (-x, 0); a may be elsewhere than dst. */
static void special(struct x86 *x, const struct division *v, bool minus_one)
{
	if (v->remainder == minus_one) {
		x86_alu_rr(&x->c, false, X_XOR, v->dst, v->dst);
		return;
	}
	if (v->dst != v->a || !v->w)
		x86_mov_rr(&x->c, v->w, v->dst, v->a);
	if (minus_one)
		x86_rr(&x->c, v->w, 0xf7, 3, v->dst);
}

static void by_register(struct x86 *x, const struct division *v)
{
	uint8_t *not_zero, *not_minus = NULL, *end, *end2 = NULL;

	x86_rr(&x->c, v->w, 0x85, v->b, v->b);
	not_zero = skip(x, CC_NE);
	special(x, v, false);
	end = skip(x, X86_JMP);
	here(x, not_zero);
	if (v->is_signed) {
		x86_alu_ri(&x->c, v->w, X_CMP, v->b, -1);
		not_minus = skip(x, CC_NE);
		special(x, v, true);
		end2 = skip(x, X86_JMP);
		here(x, not_minus);
	}
	divide(x, v);
	here(x, end);
	if (end2)
		here(x, end2);
}

/* By 1 << n: a shift, or the low bits. */
static void by_power(struct x86 *x, const struct division *v, unsigned n)
{
	if (v->dst != v->a || !v->w)
		x86_mov_rr(&x->c, v->w, v->dst, v->a);
	if (!v->remainder && n)
		x86_shift_i(&x->c, v->w, X_SHR, v->dst, n);
	else if (v->remainder && n < 32)
		x86_alu_ri(&x->c, v->w, X_AND, v->dst, (int32_t)((UINT32_C(1) << n) - 1));
}

/*
 * Of 32 bits, by d, which is no power of 2: the upper half of a times 2^64 / d, rounded up (D. Lemire, O. Kaser,
 * N. Kurz, Faster remainder by direct computation, 2019, theorem 1: right for every a below 2^32).
 */
static void by_product(struct x86 *x, const struct division *v, uint32_t d)
{
	struct x86_code *c = &x->c;

	if (v->dst != RDX)
		x86_mov_rr(c, true, X86_T2, RDX);
	x86_mov_rr(c, false, RDX, v->a);
	x86_mov_ri(c, X86_T1, UINT64_MAX / d + 1);
	x86_mulx_hi(c, X86_T1, X86_T1);
	if (v->dst != RDX)
		x86_mov_rr(c, true, RDX, X86_T2);
	if (!v->remainder) {
		x86_mov_rr(c, false, v->dst, X86_T1);
		return;
	}
	if (v->dst != RDX)
		x86_mov_rr(c, false, v->dst, v->a);
	x86_rr(c, 0, 0x69, X86_T1, X86_T1);
	x86_u32(c, d);
	x86_alu_rr(c, false, X_SUB, v->dst, X86_T1);
}

/* The same without the instruction. `small`: the upper half of a is zero. */
static bool by_known(struct x86 *x, const struct division *v, uint64_t d, bool small)
{
	if (v->is_signed || x->o->blind)
		return false;
	if (!(d & (d - 1)) && (!v->remainder || d <= UINT64_C(1) << 31)) {
		by_power(x, v, (unsigned)__builtin_ctzll(d));
		return true;
	}
	if (!x->bmi2 || d > UINT32_MAX || !(d & (d - 1)) || (v->w && !small))
		return false;
	by_product(x, v, (uint32_t)d);
	return true;
}

static void by_constant(struct x86 *x, const struct division *v, int64_t imm, bool small)
{
	int64_t n = v->w ? imm : (int32_t)imm;

	if (!n || (v->is_signed && n == -1)) {
		special(x, v, n != 0);
		return;
	}
	if (by_known(x, v, v->w ? (uint64_t)imm : (uint32_t)imm, small))
		return;
	x86_const(x, X86_T1, (uint64_t)(v->w ? imm : (int64_t)(uint32_t)imm));
	divide(x, v);
}

void x86_divide(struct x86 *x)
{
	const struct plan_insn *in = x->in;
	struct division v = { .w = in->width == 64,
			      .is_signed = in->sem == ISA_SDIV || in->sem == ISA_SMOD,
			      .remainder = in->sem == ISA_MOD || in->sem == ISA_SMOD };
	bool imm = in->flags & PLAN_B_IMM;

	(void)x86_read(x, in->dst);
	v.b = imm ? X86_T1 : x86_read(x, in->src);
	v.a = x86_read(x, in->dst); /* again: where it is may have changed */
	x->need = in->live;
	x86_overwrite(x, in->dst);
	v.dst = x86_host[in->dst];
	/* Whoever is pending on rax or rdx still finds them as they were. */
	v.keep_rax = v.dst != RAX;
	v.keep_rdx = v.dst != RDX;
	if (imm)
		by_constant(x, &v, in->imm, x->zero >> in->dst & 1);
	else
		by_register(x, &v);
}
