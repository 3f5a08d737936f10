/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alu_pointer: a number is added to a pointer or taken from it.
 *
 * The sum points into the same object. A constant becomes part of the pointer's constant offset; anything else of its
 * variable one, which from 7.2 on is the only one. Linux: kernel/bpf/verifier.c:adjust_ptr_min_max_vals, v5.10 to v7.2.
 */
#include "engine/kverify/alu.h"

const char *kalu_symbol(const struct isa_insn *in)
{
	switch (in->sem) {
	case ISA_ADD:
		return "+=";
	case ISA_SUB:
		return "-=";
	case ISA_MUL:
		return "*=";
	case ISA_DIV:
	case ISA_SDIV:
		return "/=";
	case ISA_OR:
		return "|=";
	case ISA_AND:
		return "&=";
	case ISA_LSH:
		return "<<=";
	case ISA_RSH:
		return ">>=";
	case ISA_MOD:
	case ISA_SMOD:
		return "%=";
	case ISA_XOR:
		return "^=";
	default:
		return "s>>=";
	}
}

/* ---- which pointers may be moved ---- */

/* Linux: the list of types before and after 6.10 */
static bool movable(const struct kverifier *v, const struct isa_insn *in, const struct kreg *p, const struct knum *by)
{
	bool known = knum_is_const(by), nothing = known && !by->smin && in->sem == ISA_ADD;

	switch ((enum kernel_reg)p->base) {
	case KR_MAP:
		return nothing;
	case KR_FLOW_KEYS:
		return known || !khas(v, KERNEL_PTR_FLOW_KEYS_CONST);
	case KR_PACKET_END:
	case KR_SOCKET:
	case KR_SOCK_COMMON:
	case KR_TCP_SOCK:
	case KR_XDP_SOCK:
		return false;
	case KR_CTX:
	case KR_MAP_VALUE:
	case KR_MAP_KEY:
	case KR_STACK:
	case KR_PACKET_META:
	case KR_PACKET:
	case KR_TP_BUFFER:
	case KR_BTF_ID:
	case KR_MEM:
	case KR_BUF:
	case KR_FUNC:
	case KR_DYNPTR:
		return true;
	default:
		return !khas(v, KERNEL_PTR_LISTED);
	}
}

/* "map_value_or_null", for messages. */
struct type_name {
	char text[48];
};

static struct type_name name_of(const struct kreg *p)
{
	struct type_name name = { "" };
	struct buf b;

	buf_init(&b, sizeof name.text);
	kreg_type_print(p, &b);
	(void)snprintf(name.text, sizeof name.text, "%s", b.p ? b.p : "");
	buf_done(&b);
	return name;
}

static FALLIBLE check_pointer(struct kverifier *v, const struct isa_insn *in, const struct kreg *p,
			      const struct knum *by)
{
	if (kreg_may_be_null(p) && (p->base == KR_MAP_VALUE || khas(v, KERNEL_PTR_NULL_FIRST)))
		KREJECT_REG(v, POINTER_MAY_BE_NULL, in->dst,
			    "R%d pointer arithmetic on %s prohibited, null-check it first", in->dst, name_of(p).text);
	if (kreg_may_be_null(p) || !movable(v, in, p, by))
		KREJECT_REG(v, POINTER_FIXED, in->dst, "R%d pointer arithmetic on %s prohibited", in->dst,
			    name_of(p).text);
	return E_OK;
}

/* ---- offsets that are too large ---- */

enum { LIMIT = KMAX_VAR_OFF };

static inline bool too_far(int64_t off)
{
	return off >= LIMIT || off <= -LIMIT;
}

/* r is added to p, or is p itself. Linux: check_reg_sane_offset, v6.12; check_reg_sane_offset_scalar, v7.2 */
static FALLIBLE check_number(struct kverifier *v, int reg, const struct kreg *r, const struct kreg *p)
{
	int64_t value = (int64_t)r->n.t.value;

	if (knum_is_const(&r->n) && too_far(value))
		KREJECT_REG(v, POINTER_CONST_FAR, reg, "math between %s pointer and %lld is not allowed",
			    name_of(p).text, (long long)value);
	if (r->base != KR_SCALAR && too_far(r->off))
		KREJECT_REG(v, POINTER_FAR, reg, "%s pointer offset %d is not allowed", name_of(p).text, r->off);
	if (r->n.smin == INT64_MIN)
		KREJECT_REG(v, POINTER_UNBOUNDED, reg,
			    "math between %s pointer and register with unbounded min value is not allowed",
			    name_of(p).text);
	if (too_far(r->n.smin))
		KREJECT_REG(v, POINTER_MIN_FAR, reg, "value %lld makes %s pointer be out of bounds",
			    (long long)r->n.smin, name_of(p).text);
	return E_OK;
}

/* Linux: check_reg_sane_offset_ptr, v7.2 */
static FALLIBLE check_offset(struct kverifier *v, int reg, const struct kreg *p)
{
	int64_t value = (int64_t)p->n.t.value;

	if (!khas(v, KERNEL_OFFSET_IN_NUM))
		return check_number(v, reg, p, p);
	if (!(knum_is_const(&p->n) && too_far(value)))
		value = p->n.smin;
	if (too_far(value))
		KREJECT_REG(v, POINTER_FAR, reg, "%s pointer offset %lld is not allowed", name_of(p).text,
			    (long long)value);
	return E_OK;
}

/* ---- the sum ---- */

static void forget_range(struct kreg *r)
{
	r->raw[0] = r->raw[1] = 0;
}

/* 7.2: one offset. A packet pointer that moves by an unknown number is another pointer. */
static void add_in_num(struct kverifier *v, const struct isa_insn *in, struct kreg *dst, const struct knum *by)
{
	bool known = knum_is_const(by);

	knum_move(&v->rules, &dst->n, by, in->sem == ISA_SUB);
	if (!kreg_is_pkt(dst))
		return;
	if (!known)
		dst->id = kid_fresh(v);
	if (dst->range < 0 || (!known && (in->sem == ISA_ADD || by->smin < 0)))
		forget_range(dst);
}

static void add_in_two(struct kverifier *v, const struct isa_insn *in, struct kreg *dst, const struct knum *by)
{
	int64_t sum = in->sem == ISA_ADD ? (int64_t)((uint64_t)dst->off + (uint64_t)by->smin)
					 : (int64_t)((uint64_t)dst->off - (uint64_t)by->smin);

	if (knum_is_const(by) && sum == (int32_t)sum) {
		dst->off = (int32_t)sum;
		knum_move(&v->rules, &dst->n, NULL, false);
		return;
	}
	knum_move(&v->rules, &dst->n, by, in->sem == ISA_SUB);
	if (!kreg_is_pkt(dst))
		return;
	dst->id = kid_fresh(v);
	if (in->sem == ISA_ADD || by->smin < 0)
		forget_range(dst);
}

/* Before dst, a number, becomes the sum: what of the pointer it takes over. Older releases leave the rest of dst as it
 * was. */
static void take_over(struct kverifier *v, struct kreg *dst, const struct kreg *p)
{
	struct kreg sum = *dst;

	if (khas(v, KERNEL_PTR_TAKES_ALL)) {
		sum = *p;
	} else {
		sum.base = p->base;
		sum.flags = p->flags;
		sum.id = p->id;
		sum.off = p->off;
		sum.n = p->n;
		sum.raw[0] = p->raw[0];
		sum.raw[1] = p->raw[1];
	}
	*dst = sum;
}

static FALLIBLE check_operator(struct kverifier *v, const struct isa_insn *in, const struct kreg *p, bool reversed)
{
	if (in->sem == ISA_ADD)
		return E_OK;
	if (in->sem == ISA_SUB) {
		if (reversed)
			KREJECT_REG(v, POINTER_FROM_NUMBER, in->dst, "R%d tried to subtract pointer from scalar",
				    in->dst);
		if (p->base == KR_STACK)
			KREJECT_REG(v, STACK_SUBTRACT, in->dst, "R%d subtraction from stack pointer prohibited",
				    in->dst);
		return E_OK;
	}
	if (in->sem == ISA_AND || in->sem == ISA_OR || in->sem == ISA_XOR)
		KREJECT_REG(v, POINTER_BITS, in->dst, "R%d bitwise operator %s on pointer prohibited", in->dst,
			    kalu_symbol(in));
	KREJECT_REG(v, POINTER_OPERATOR, in->dst, "R%d pointer arithmetic with %s operator prohibited", in->dst,
		    kalu_symbol(in));
}

static bool is_untracked(const struct kverifier *v, const struct kreg *p)
{
	return p->base == KR_MEM && p->flags & KF_UNTRUSTED && khas(v, KERNEL_PTR_UNTRUSTED_MEM);
}

FALLIBLE kalu_pointer(struct kverifier *v, const struct isa_insn *in, const struct kreg *ptr, const struct kreg *by)
{
	struct kreg *dst = kreg_at(v, in->dst), p = *ptr, b = *by;
	bool known = knum_is_const(&b.n), reversed = dst != ptr;
	bool one = b.n.smin == b.n.smax && b.n.umin == b.n.umax;

	if ((known && !one) || b.n.smin > b.n.smax || b.n.umin > b.n.umax) {
		kreg_scalar_unknown(&v->rules, dst);
		return E_OK;
	}
	if (in->width == 32) {
		if (in->sem != ISA_SUB)
			KREJECT_REG(v, POINTER_32, in->dst, "R%d 32-bit pointer arithmetic prohibited", in->dst);
		kreg_scalar_unknown(&v->rules, dst);
		return E_OK;
	}
	TRY(check_pointer(v, in, &p, &b.n));
	if (reversed)
		take_over(v, dst, &p);
	if (is_untracked(v, &p))
		return E_OK;
	TRY(check_number(v, in->dst, &b, &p));
	TRY(check_offset(v, in->dst, &p));
	TRY(check_operator(v, in, &p, reversed));
	if (khas(v, KERNEL_OFFSET_IN_NUM))
		add_in_num(v, in, dst, &b.n);
	else
		add_in_two(v, in, dst, &b.n);
	TRY(check_offset(v, in->dst, dst));
	knum_sync(&v->rules, &dst->n);
	return E_OK;
}
