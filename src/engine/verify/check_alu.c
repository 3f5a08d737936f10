/* SPDX-License-Identifier: Apache-2.0 */
/* check_alu: arithmetic on numbers and pointers, moves, 64-bit immediates. */
#include "engine/verify/verify_internal.h"

static const char *mnemonic(const struct isa_insn *in)
{
	return isa_rows[in->row].mnemonic;
}

static FALLIBLE check_immediate(struct verifier *v, const struct isa_insn *in)
{
	bool shift = in->sem == ISA_LSH || in->sem == ISA_RSH || in->sem == ISA_ARSH;
	bool divide = in->sem == ISA_DIV || in->sem == ISA_MOD || in->sem == ISA_SDIV || in->sem == ISA_SMOD;

	if (shift && (in->imm < 0 || in->imm >= in->width))
		REJECT(v, SHIFT, "a shift of %u bits by %lld", in->width, (long long)in->imm);
	if (divide && !in->imm)
		REJECT(v, DIV_ZERO, "'%s' by the constant 0", mnemonic(in));
	return E_OK;
}

/* The offset of a pointer after arithmetic; it stays near its object, so that bounds cannot wrap later. */
static FALLIBLE move_pointer(struct verifier *v, const struct isa_insn *in, struct reg ptr, struct scalar by,
			     int by_reg)
{
	struct reg r = ptr;

	if (ptr.type == REG_CTX && !v->o->ctx->plain_memory && !scalar_is_const(&by))
		REJECT_REG(v, CTX_OFFSET, by_reg, "the offset added to the context pointer is not a constant");
	if (by.smin < -VERIFY_MAX_OFFSET || by.smax > VERIFY_MAX_OFFSET)
		REJECT_REG(v, OFFSET_RANGE, by_reg, "the number added to %s has no useful bound",
			   verify_type_name(&ptr));
	if (by_reg >= 0)
		precise_reg(v, (unsigned)by_reg);
	ENSURE(v, scalar_alu(in->sem, 64, ptr.s, by, &r.s));
	if (r.s.smin < -VERIFY_MAX_OFFSET || r.s.smax > VERIFY_MAX_OFFSET)
		REJECT_REG(v, OFFSET_RANGE, in->dst, "the offset of %s leaves -2^29..2^29", verify_type_name(&ptr));
	reg_set(v, in->dst, r);
	return E_OK;
}

static FALLIBLE pointer_difference(struct verifier *v, const struct isa_insn *in, const struct reg *a,
				   const struct reg *b)
{
	struct scalar s;

	if (in->sem != ISA_SUB || in->width != 64 || !regs_same_object(a, b))
		REJECT_REG(v, TWO_POINTERS, in->dst, "'%s' of %s and %s", mnemonic(in), verify_type_name(a),
			   verify_type_name(b));
	ENSURE(v, scalar_alu(ISA_SUB, 64, a->s, b->s, &s));
	reg_set_scalar(v, in->dst, s);
	return E_OK;
}

static FALLIBLE alu_pointer(struct verifier *v, const struct isa_insn *in, const struct reg *a, const struct reg *b)
{
	bool a_moves = reg_is_pointer(a);
	const struct reg *ptr = a_moves ? a : b, *by = a_moves ? b : a;
	int ptr_reg = a_moves || in->form != ISA_FORM_RR ? in->dst : in->src;
	int by_reg = !a_moves ? in->dst : in->form == ISA_FORM_RR ? in->src : -1;

	if (reg_may_be_null(ptr))
		REJECT_REG(v, NULL_OP, ptr_reg, "'%s' on %s", mnemonic(in), verify_type_name(ptr));
	if (ptr->type == REG_MAP || ptr->type == REG_FUNC)
		REJECT_REG(v, POINTER_OP, ptr_reg, "'%s' on %s", mnemonic(in), verify_type_name(ptr));
	if (reg_is_pointer(by))
		return pointer_difference(v, in, a, b);
	if (in->width != 64 || !(in->sem == ISA_ADD || (in->sem == ISA_SUB && a_moves)))
		REJECT_REG(v, POINTER_OP, ptr_reg, "'%s' on %s", mnemonic(in), verify_type_name(ptr));
	return move_pointer(v, in, *ptr, by->s, by_reg);
}

static FALLIBLE alu_binary(struct verifier *v, const struct isa_insn *in, const struct reg *b)
{
	const struct reg *a = reg_at(v, in->dst);
	struct scalar s;

	TRY(reg_read(v, in->dst));
	if (reg_is_handle(a) || reg_is_handle(b))
		REJECT_REG(v, HANDLE_OP, reg_is_handle(a) ? in->dst : in->src, "'%s' on a handle", mnemonic(in));
	if (reg_is_pointer(a) || reg_is_pointer(b))
		return alu_pointer(v, in, a, b);
	ENSURE(v, scalar_alu(in->sem, in->width, a->s, b->s, &s));
	reg_set_scalar(v, in->dst, s);
	return E_OK;
}

/* A 64-bit move copies anything. A 32-bit one keeps the link of a number that has nothing above. */
static FALLIBLE alu_move(struct verifier *v, const struct isa_insn *in, const struct reg *b)
{
	struct scalar s = b->s;

	if (in->width == 64) {
		reg_set(v, in->dst, in->form == ISA_FORM_RR ? reg_copy(v, reg_at(v, in->src)) : *b);
		return E_OK;
	}
	if (in->form == ISA_FORM_RR)
		TRY(reg_read_scalar(v, in->src, &s));
	if (s.umax <= UINT32_MAX && in->form == ISA_FORM_RR) {
		reg_set(v, in->dst, reg_copy(v, reg_at(v, in->src)));
		return E_OK;
	}
	ENSURE(v, scalar_low(s, 32, &s));
	reg_set_scalar(v, in->dst, s);
	return E_OK;
}

/* A sign extension that changes nothing is a move. */
static FALLIBLE alu_movsx(struct verifier *v, const struct isa_insn *in)
{
	int64_t most = (int64_t)low_bits(in->aux - 1u);
	struct scalar s;

	TRY(reg_read_scalar(v, in->src, &s));
	if (in->width == 64 && s.smin >= -most - 1 && s.smax <= most) {
		reg_set(v, in->dst, reg_copy(v, reg_at(v, in->src)));
		return E_OK;
	}
	ENSURE(v, scalar_sext(s, in->aux, in->width, &s));
	reg_set_scalar(v, in->dst, s);
	return E_OK;
}

/* The host is little-endian: to little is a truncation, to big a swap. */
static FALLIBLE alu_byte_order(struct verifier *v, const struct isa_insn *in)
{
	struct scalar s;

	TRY(reg_read_scalar(v, in->dst, &s));
	if (in->sem == ISA_END_LE && in->width == 64)
		return E_OK;
	if (in->sem == ISA_END_LE)
		ENSURE(v, scalar_low(s, in->width, &s));
	else
		ENSURE(v, scalar_swap(s, in->width, &s));
	reg_set_scalar(v, in->dst, s);
	return E_OK;
}

static FALLIBLE alu_negate(struct verifier *v, const struct isa_insn *in)
{
	struct scalar s;

	TRY(reg_read_scalar(v, in->dst, &s));
	ENSURE(v, scalar_alu(ISA_NEG, in->width, s, s, &s));
	reg_set_scalar(v, in->dst, s);
	return E_OK;
}

FALLIBLE check_alu(struct verifier *v, const struct isa_insn *in)
{
	struct reg b = reg_scalar(scalar_const((uint64_t)in->imm), v->cur.insn);

	TRY(reg_may_write(v, in->dst));
	switch ((enum isa_sem)in->sem) {
	case ISA_NEG:
		return alu_negate(v, in);
	case ISA_END_LE:
	case ISA_END_BE:
	case ISA_BSWAP:
		return alu_byte_order(v, in);
	case ISA_MOVSX:
		return alu_movsx(v, in);
	default:
		break;
	}
	if (in->form == ISA_FORM_RR) {
		TRY(reg_read(v, in->src));
		b = *reg_at(v, in->src);
	} else {
		TRY(check_immediate(v, in));
	}
	return in->sem == ISA_MOV ? alu_move(v, in, &b) : alu_binary(v, in, &b);
}

static FALLIBLE find_map(struct verifier *v, const struct isa_insn *in, const struct abi_map_kind **out)
{
	const struct prog *p = v->p;

	if ((uint64_t)in->imm >= p->n_maps)
		REJECT(v, MAP_UNKNOWN, "map %lld of %u", (long long)in->imm, p->n_maps);
	*out = abi_map_kind(v->o->profile, p->maps[in->imm].kind);
	if (!*out)
		REJECT(v, MAP_KIND, "map %s is of kind %u, which %s does not have", p->maps[in->imm].name,
		       p->maps[in->imm].kind, v->o->profile->name);
	return E_OK;
}

FALLIBLE check_imm64(struct verifier *v, const struct isa_insn *in)
{
	const struct abi_map_kind *kind;
	struct reg r = { 0 };

	TRY(reg_may_write(v, in->dst));
	if (in->aux == ISA_IMM64_VALUE) {
		reg_set_scalar(v, in->dst, scalar_const((uint64_t)in->imm));
		return E_OK;
	}
	if (in->aux == ISA_IMM64_FUNC) {
		r = (struct reg){ .type = REG_FUNC, .map = cfg_call_target(v->cur.insn, in) };
		reg_set(v, in->dst, r);
		return E_OK;
	}
	TRY(find_map(v, in, &kind));
	r.map = (uint32_t)in->imm;
	r.type = REG_MAP;
	if (in->aux == ISA_IMM64_MAP_VALUE) {
		const struct prog_map *m = &v->p->maps[r.map];

		if (!kind->direct_value || !m->max_entries)
			REJECT(v, MAP_DIRECT, "the values of map %s, a %s, have no fixed address", m->name, kind->name);
		if (in->off < 0 || (uint32_t)in->off >= m->value_size || in->off > VERIFY_MAX_OFFSET)
			REJECT(v, MAP_DIRECT, "offset %d into the value of map %s, which has %u bytes", in->off,
			       m->name, m->value_size);
		r.type = REG_VALUE;
		r.direct = 1;
		r.s = scalar_const((uint64_t)in->off);
	}
	reg_set(v, in->dst, r);
	return E_OK;
}
