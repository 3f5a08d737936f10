/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_jump: which ways a branch can go, and what each tells.
 *
 * For each outcome the operands are narrowed; an outcome that leaves no value for them does not happen.
 */
#include "engine/verify/verify_internal.h"

/* The operands of one comparison. */
struct compare {
	const struct isa_insn *in;
	struct reg a, b;
	bool b_is_reg;
};

static void set_number(struct reg *r, const void *s)
{
	r->s = *(const struct scalar *)s;
}

/* The register and all that hold the same number. */
static void learn_number(struct verifier *v, unsigned r, const struct scalar *s)
{
	struct reg *reg = reg_at(v, r);

	if (reg->id) {
		precise_note_links(v, reg->id);
		regs_with_id(&v->cur, reg->id, set_number, s);
	} else {
		reg->s = *s;
	}
}

static void resolve_null(struct reg *r, const void *is_null)
{
	uint32_t set_at = r->set_at;

	if (*(const bool *)is_null) {
		*r = reg_scalar(scalar_const(0), set_at);
		return;
	}
	if (r->type == REG_VALUE_OR_NULL)
		r->type = REG_VALUE;
	if (r->type == REG_RECORD_OR_NULL)
		r->type = REG_RECORD;
	if (r->type == REG_MAP_OR_NULL) {
		r->type = REG_MAP;
		r->id = 0;
	}
	if (r->type == REG_HANDLE_OR_NULL) {
		r->type = REG_HANDLE;
		r->id = 0;
	}
}

static void learn_null(struct verifier *v, unsigned r, bool is_null)
{
	struct reg *reg = reg_at(v, r);

	if (is_null && reg->type == REG_RECORD_OR_NULL)
		ref_drop(&v->cur, reg->id);
	if (reg->id)
		regs_with_id(&v->cur, reg->id, resolve_null, &is_null);
	else
		resolve_null(reg, &is_null);
}

static bool compares_with_itself(const struct compare *c)
{
	return c->b_is_reg && (c->in->dst == c->in->src || (c->a.type == REG_SCALAR && c->a.id && c->a.id == c->b.id));
}

/* Can the comparison come out as `holds`? What is then known is in *a and *b. */
static bool outcome(const struct compare *c, bool holds, struct scalar *a, struct scalar *b)
{
	enum isa_sem op = c->in->sem;

	*a = c->a.s;
	*b = c->b.s;
	if (reg_is_pointer(&c->a)) { /* addresses in one object compare as their offsets, which are signed */
		op = op == ISA_JGT   ? ISA_JSGT
		     : op == ISA_JGE ? ISA_JSGE
		     : op == ISA_JLT ? ISA_JSLT
		     : op == ISA_JLE ? ISA_JSLE
				     : op;
	}
	if (compares_with_itself(c)) { /* x OP x; JSET: x is not zero */
		struct scalar zero = scalar_const(0);

		if (op == ISA_JSET)
			return scalar_refine(ISA_JNE, c->in->width, holds, a, &zero) && (*b = *a, true);
		return holds == (op == ISA_JEQ || op == ISA_JGE || op == ISA_JLE || op == ISA_JSGE || op == ISA_JSLE);
	}
	return scalar_refine(op, c->in->width, holds, a, b);
}

static void learn(struct verifier *v, const struct compare *c, const struct scalar *a, const struct scalar *b)
{
	if (reg_is_pointer(&c->a)) {
		/* Copies of a pointer share its id whatever their offsets, so only these two registers learn. */
		reg_at(v, c->in->dst)->s = *a;
		if (c->in->dst != c->in->src)
			reg_at(v, c->in->src)->s = *b;
		return;
	}
	learn_number(v, c->in->dst, a);
	if (c->b_is_reg && !compares_with_itself(c))
		learn_number(v, c->in->src, b);
}

static void go(struct verifier *v, bool taken)
{
	uint32_t at = v->cur.insn;

	walk_note_branch(&v->cur, at, taken);
	v->cur.insn = taken ? (uint32_t)((int64_t)at + 1 + v->p->insns[at].off) : at + 1;
}

static FALLIBLE branch_numbers(struct verifier *v, const struct compare *c)
{
	struct scalar a[2], b[2];
	bool may[2] = { outcome(c, false, &a[0], &b[0]), outcome(c, true, &a[1], &b[1]) };

	ENSURE(v, may[0] || may[1]);
	if (may[0] && may[1]) {
		/* The way not taken goes on now; the other waits, as a copy of the state from before. */
		struct scalar keep_a = c->a.s, keep_b = c->b.s;

		learn(v, c, &a[1], &b[1]);
		TRY(walk_push(v, (uint32_t)((int64_t)v->cur.insn + 1 + c->in->off)));
		learn(v, c, &keep_a, &keep_b);
	} else {
		precise_reg(v, c->in->dst);
		if (c->b_is_reg)
			precise_reg(v, c->in->src);
	}
	learn(v, c, &a[!may[0]], &b[!may[0]]);
	go(v, !may[0]);
	return E_OK;
}

static bool is_zero(const struct reg *r)
{
	return r->type == REG_SCALAR && scalar_is_const(&r->s) && !r->s.t.value;
}

/* Both ways are possible: the state with what the jump taken tells waits. */
static FALLIBLE push_null(struct verifier *v, uint32_t target, unsigned reg, bool is_null)
{
	size_t bytes = snap_size(&v->cur);
	void *mem = pool_alloc(v, bytes);
	struct snap *before;

	NEED(v, mem);
	before = snap_fill(&v->cur, mem);
	learn_null(v, reg, is_null);
	TRY(walk_push(v, target));
	snap_restore(before, &v->cur);
	pool_free(v, mem, bytes);
	return E_OK;
}

/*
 * `reg` is compared with 0 for equality. What a handle of the context names may be missing, so for handles
 * nothing is concluded unless the type says that it may be null.
 */
static FALLIBLE branch_null(struct verifier *v, const struct isa_insn *in, unsigned reg)
{
	bool null_if_taken = in->sem == ISA_JEQ;
	uint32_t target = (uint32_t)((int64_t)v->cur.insn + 1 + in->off);

	if (reg_may_be_null(reg_at(v, reg))) {
		TRY(push_null(v, target, reg, null_if_taken));
		learn_null(v, reg, !null_if_taken);
		go(v, false);
	} else if (reg_is_handle(reg_at(v, reg))) {
		TRY(walk_push(v, target));
		go(v, false);
	} else {
		go(v, !null_if_taken);
	}
	return E_OK;
}

static FALLIBLE compare_pointers(struct verifier *v, const struct compare *c)
{
	const struct isa_insn *in = c->in;
	bool equality = in->sem == ISA_JEQ || in->sem == ISA_JNE;
	unsigned reg = reg_is_pointer(&c->a) || reg_is_handle(&c->a) ? in->dst : in->src;
	const struct reg *r = reg_at(v, reg);

	if (equality && in->width == 64 && (is_zero(&c->a) || is_zero(&c->b))) {
		precise_reg(v, in->dst);
		if (c->b_is_reg)
			precise_reg(v, in->src);
		return branch_null(v, in, reg);
	}
	if (reg_is_handle(r))
		REJECT_REG(v, HANDLE_COMPARE, (int)reg, "'%s' compares %s with something other than 0",
			   isa_rows[in->row].mnemonic, verify_type_name(r));
	if (in->width == 64 && regs_same_object(&c->a, &c->b) && in->sem != ISA_JSET &&
	    !(in->sem >= ISA_JSGT && in->sem <= ISA_JSLE))
		return branch_numbers(v, c);
	REJECT_REG(v, POINTER_COMPARE, (int)reg, "'%s' compares %s with %s", isa_rows[in->row].mnemonic,
		   verify_type_name(&c->a), verify_type_name(&c->b));
}

FALLIBLE check_jump(struct verifier *v, const struct isa_insn *in)
{
	struct compare c = { .in = in, .b_is_reg = !isa_b_is_imm(in) };

	if (in->sem == ISA_JA) {
		v->cur.insn = (uint32_t)((int64_t)v->cur.insn + 1 + in->off);
		return E_OK;
	}
	if (in->sem == ISA_MAY_GOTO) { /* it jumps when the runtime has had enough */
		TRY(walk_push(v, (uint32_t)((int64_t)v->cur.insn + 1 + in->off)));
		state_frame(&v->cur)->stamp.spent++;
		go(v, false);
		return E_OK;
	}
	TRY(reg_read(v, in->dst));
	c.a = *reg_at(v, in->dst);
	c.b = reg_scalar(scalar_const((uint64_t)in->imm), 0);
	if (c.b_is_reg) {
		TRY(reg_read(v, in->src));
		c.b = *reg_at(v, in->src);
	}
	if (c.a.type == REG_SCALAR && c.b.type == REG_SCALAR)
		return branch_numbers(v, &c);
	return compare_pointers(v, &c);
}
