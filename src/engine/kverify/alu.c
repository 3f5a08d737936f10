/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alu: arithmetic and moves.
 *
 * Two numbers make a number (num_alu.c), a pointer and a number a pointer (alu_pointer.c), two pointers a number.
 * Programs are loaded with all privileges: what a pointer's value is may be found out. Linux:
 * kernel/bpf/verifier.c:check_alu_op, adjust_reg_min_max_vals, v5.10 to v7.2.
 */
#include "engine/kverify/alu.h"

static const struct knum_rules *rules(const struct kverifier *v)
{
	return &v->rules;
}

FALLIBLE kreg_check_num(struct kverifier *v, struct kreg *r, const char *where)
{
	if (!khas(v, KERNEL_NUM_DEDUCE_WIDTHS) || !knum_is_broken(rules(v), &r->n))
		return E_OK;
	if (v->o->flags & KVERIFY_REG_INVARIANTS)
		KREJECT(v, REG_INVARIANTS, "REG INVARIANTS VIOLATION (%s): range bounds violation", where);
	knum_unbound(rules(v), &r->n);
	return E_OK;
}

/* ---- neg, byte order ---- */

static FALLIBLE check_unary(struct kverifier *v, const struct isa_insn *in)
{
	bool tracked = khas(v, in->sem == ISA_NEG ? KERNEL_NUM_NEG : KERNEL_NUM_SWAP);
	struct kreg *dst = kreg_at(v, in->dst);
	uint32_t id;
	int32_t off;

	TRY(kreg_read(v, in->dst));
	if (!tracked || dst->base != KR_SCALAR)
		return kreg_write(v, in->dst, true);
	TRY(kreg_write(v, in->dst, false));
	id = dst->id;
	off = dst->off;
	if (!knum_alu(rules(v), in, &dst->n, dst->n))
		kreg_scalar_unknown(rules(v), dst);
	kreg_unlink(dst);
	if (in->sem == ISA_END_LE && in->width == 64) { /* nothing has happened to it */
		dst->id = id;
		dst->off = off;
	}
	return kreg_check_num(v, dst, "alu");
}

/* ---- moves ---- */

static bool has_arena(const struct kverifier *v)
{
	enum { MAP_ARENA = 33 }; /* BPF_MAP_TYPE_ARENA */

	for (uint32_t i = 0; i < v->p->n_insns; i++) {
		const struct isa_insn *in = &v->p->insns[i];

		if (in->sem == ISA_IMM64 && in->aux != ISA_IMM64_VALUE && in->aux != ISA_IMM64_BTF_ID &&
		    in->aux != ISA_IMM64_FUNC && in->imm >= 0 && in->imm < v->p->n_maps &&
		    v->p->maps[in->imm].kind == MAP_ARENA)
			return true;
	}
	return false;
}

/* To address space 0: a pointer into the arena. To address space 1: what user space calls it, a number. */
static FALLIBLE check_cast(struct kverifier *v, const struct isa_insn *in)
{
	struct kreg *dst = kreg_at(v, in->dst);

	if (!has_arena(v))
		KREJECT(v, ARENA_CAST,
			"addr_space_cast insn can only be used in a program that has an associated arena");
	TRY(kreg_read(v, in->src));
	TRY(kreg_write(v, in->dst, true));
	if (in->imm != 1)
		return E_OK;
	dst->base = KR_ARENA;
	return E_OK;
}

/* Copying links numbers, so that a later branch on one teaches the other; not where the copy may differ. */
static void copy_linked(struct kverifier *v, struct kreg *dst, struct kreg *src, bool equal)
{
	if (equal)
		kreg_link_ids(v, src);
	*dst = *src;
	if (!equal)
		kreg_unlink(dst);
}

static FALLIBLE move64(struct kverifier *v, const struct isa_insn *in, struct kreg *dst, struct kreg *src)
{
	if (in->sem == ISA_MOV) {
		kreg_link_ids(v, src);
		*dst = *src;
	} else if (src->base == KR_SCALAR) {
		copy_linked(v, dst, src, src->n.umax < UINT64_C(1) << (in->aux - 1));
		knum_sext(rules(v), &dst->n, in->aux / 8, false);
	} else {
		kreg_scalar_unknown(rules(v), dst);
	}
	return kreg_check_num(v, dst, "alu");
}

static FALLIBLE move32(struct kverifier *v, const struct isa_insn *in, struct kreg *dst, struct kreg *src)
{
	uint64_t top = in->sem == ISA_MOV ? UINT32_MAX : (UINT64_C(1) << (in->aux - 1)) - 1;

	if (src->base == KR_SCALAR) {
		copy_linked(v, dst, src, src->n.umax <= top && khas(v, KERNEL_LINK_MOV32));
		if (in->sem == ISA_MOVSX)
			knum_sext(rules(v), &dst->n, in->aux / 8, true);
	} else {
		kreg_scalar_unknown(rules(v), dst);
	}
	knum_zext(rules(v), &dst->n);
	return kreg_check_num(v, dst, "alu");
}

static FALLIBLE check_move(struct kverifier *v, const struct isa_insn *in)
{
	struct kreg *dst = kreg_at(v, in->dst);

	if (in->sem == ISA_ADDR_CAST)
		return check_cast(v, in);
	if (isa_b_is_imm(in)) {
		TRY(kreg_write(v, in->dst, false));
		kreg_scalar_const(rules(v), dst, in->width == 32 ? (uint32_t)in->imm : (uint64_t)in->imm);
		return E_OK;
	}
	TRY(kreg_read(v, in->src));
	TRY(kreg_write(v, in->dst, false));
	return in->width == 64 ? move64(v, in, dst, kreg_at(v, in->src)) : move32(v, in, dst, kreg_at(v, in->src));
}

/* ---- two numbers ---- */

/* dst, which was a number that others are linked to, has changed: by a constant, then the link survives with the
 * difference. */
static void relink(struct kverifier *v, const struct isa_insn *in, struct kreg *dst, const struct knum *src,
		   uint64_t umax_before)
{
	bool is32 = in->width == 32, sub = in->sem == ISA_SUB, both = khas(v, KERNEL_LINK_ADD32);
	bool known = is32 ? knum_is_const32(src) : knum_is_const(src);
	int64_t by = is32 ? (int32_t)src->t.value : (int64_t)src->t.value;
	bool linkable = khas(v, KERNEL_LINK_ADD) && dst->id && known && !(dst->id & KID_ADD_CONST) &&
			(in->sem == ISA_ADD || (sub && both)) && !(in->form == ISA_FORM_RR && in->src == in->dst);

	if (!both)
		linkable = linkable && !is32 && (uint64_t)by <= INT32_MAX;
	else if (is32)
		linkable = linkable && umax_before <= UINT32_MAX;
	else
		linkable = linkable && by >= INT32_MIN && by <= INT32_MAX;
	if (!linkable || (sub && by == INT32_MIN)) {
		kreg_unlink(dst);
		return;
	}
	dst->id |= is32 && both ? KID_ADD_CONST32 : KID_ADD_CONST64;
	dst->off = (int32_t)(sub ? -by : by);
}

/*
 * 0 or -1 is what comes of a comparison without a branch: each is followed by itself. Linux: maybe_fork_scalars, v6.12
 */
static FALLIBLE fork_path(struct kverifier *v, const struct isa_insn *in, struct kreg *dst)
{
	bool all = dst->n.smin == -1 && dst->n.smax == 0;
	struct kverify_state *other;
	struct kreg *r;

	if (!all && !(dst->n.smin32 == -1 && dst->n.smax32 == 0))
		return E_OK;
	TRY(kwalk_push(v, v->at, v->at, &other));
	r = &kframe_cur(other)->r[in->dst];
	if (!all) {
		knum_put_const32(rules(v), &r->n, 0);
		knum_put_const32(rules(v), &dst->n, UINT32_MAX);
		return E_OK;
	}
	r->n = knum_const(rules(v), 0);
	dst->n = knum_const(rules(v), UINT64_MAX);
	r->id = dst->id = 0;
	r->off = dst->off = 0;
	return E_OK;
}

static FALLIBLE numbers(struct kverifier *v, const struct isa_insn *in, struct kreg *dst, struct knum src)
{
	uint64_t umax = dst->n.umax;

	if ((in->sem == ISA_AND || in->sem == ISA_OR) && knum_is_const(&src) && khas(v, KERNEL_FORK_BITWISE))
		TRY(fork_path(v, in, dst));
	if (!knum_alu(rules(v), in, &dst->n, src)) {
		struct knum n = dst->n;

		kreg_scalar_unknown(rules(v), dst);
		dst->n = n;
	}
	relink(v, in, dst, &src, umax);
	return kreg_check_num(v, dst, "alu");
}

/* ---- all operations of two operands ---- */

static FALLIBLE check_operands(struct kverifier *v, const struct isa_insn *in)
{
	bool divides = in->sem == ISA_DIV || in->sem == ISA_MOD || in->sem == ISA_SDIV || in->sem == ISA_SMOD;
	bool shifts = in->sem == ISA_LSH || in->sem == ISA_RSH || in->sem == ISA_ARSH;

	if (in->form == ISA_FORM_RR)
		TRY(kreg_read(v, in->src));
	TRY(kreg_read(v, in->dst));
	if (!isa_b_is_imm(in))
		return kreg_write(v, in->dst, false);
	if (divides && !in->imm)
		KREJECT_REG(v, DIV_BY_ZERO, in->dst, "div by zero");
	if (shifts && (in->imm < 0 || in->imm >= in->width))
		KREJECT_REG(v, SHIFT, in->dst, "invalid shift %d", (int)in->imm);
	return kreg_write(v, in->dst, false);
}

/* In an arena every address may be computed; each access is checked by itself. */
static bool is_arena(const struct isa_insn *in, const struct kreg *dst, const struct kreg *src)
{
	return dst->base == KR_ARENA || (in->form == ISA_FORM_RR && src->base == KR_ARENA);
}

static FALLIBLE two_registers(struct kverifier *v, const struct isa_insn *in, struct kreg *dst, struct kreg *src)
{
	if (src->base != KR_SCALAR && dst->base != KR_SCALAR) {
		if (in->sem != ISA_SUB)
			KREJECT_REG(v, POINTER_AND_POINTER, in->dst, "R%d pointer %s pointer prohibited", in->dst,
				    kalu_symbol(in));
		kreg_scalar_unknown(rules(v), dst);
		return E_OK;
	}
	if (src->base != KR_SCALAR) {
		TRY(kprecise_reg(v, in->dst));
		TRY(kalu_pointer(v, in, src, dst));
		return kreg_check_num(v, dst, "alu");
	}
	if (dst->base != KR_SCALAR) {
		TRY(kprecise_reg(v, in->src));
		TRY(kalu_pointer(v, in, dst, src));
		return kreg_check_num(v, dst, "alu");
	}
	if (dst->precise)
		TRY(kprecise_reg(v, in->src));
	return numbers(v, in, dst, src->n);
}

static FALLIBLE check_binary(struct kverifier *v, const struct isa_insn *in)
{
	struct kreg *dst = kreg_at(v, in->dst), *src = kreg_at(v, in->src);
	struct kreg by = { .base = KR_SCALAR };

	TRY(check_operands(v, in));
	if (is_arena(in, dst, src)) {
		if (dst->base != KR_ARENA)
			*dst = *src;
		return E_OK;
	}
	if (dst->base == KR_SCALAR && !khas(v, KERNEL_LINK_ADD))
		dst->id = 0;
	if (in->form == ISA_FORM_RR)
		return two_registers(v, in, dst, src);
	by.n = knum_const(rules(v), (uint64_t)in->imm);
	if (dst->base == KR_SCALAR)
		return numbers(v, in, dst, by.n);
	TRY(kalu_pointer(v, in, dst, &by));
	return kreg_check_num(v, dst, "alu");
}

FALLIBLE kcheck_alu(struct kverifier *v, const struct isa_insn *in)
{
	switch (in->sem) {
	case ISA_NEG:
	case ISA_END_LE:
	case ISA_END_BE:
	case ISA_BSWAP:
		return check_unary(v, in);
	case ISA_MOV:
	case ISA_MOVSX:
	case ISA_ADDR_CAST:
		return check_move(v, in);
	default:
		return check_binary(v, in);
	}
}
