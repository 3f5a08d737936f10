/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jump: where control goes from a jump, and what is known on each way.
 *
 * A branch that can be decided goes one way, and the numbers by which it was decided must be precise. Else the way on
 * which it is taken waits, and both ways learn. Linux: kernel/bpf/verifier.c:check_cond_jmp_op, v5.10 to v7.2.
 */
#include "engine/kverify/alu.h"

/* Where it jumps to: the offset counts from the next instruction. */
static uint32_t target(const struct kverifier *v, const struct isa_insn *in)
{
	return (uint32_t)((int64_t)v->at + 1 + in->off);
}

/* The way on waits, having gone round once more; the jump is taken first. */
static FALLIBLE may_goto(struct kverifier *v, const struct isa_insn *in)
{
	struct kverify_state *on;

	TRY(kwalk_push(v, v->at + 1, v->at, &on));
	on->may_goto_depth++;
	kprune_widen(v, on);
	v->insn = target(v, in);
	return E_OK;
}

/* ---- operands ---- */

static FALLIBLE read_operands(struct kverifier *v, const struct isa_insn *in)
{
	bool src_first = khas(v, KERNEL_JUMP_READS_SRC_FIRST), rr = in->form == ISA_FORM_JRR;
	uint32_t flags = 0;

	if (rr && src_first)
		TRY(kreg_read(v, in->src));
	TRY(kreg_read(v, in->dst));
	if (rr && !src_first)
		TRY(kreg_read(v, in->src));
	if (rr && kreg_at(v, in->src)->base == KR_STACK)
		flags |= KHIST_SRC_STACK;
	if (kreg_at(v, in->dst)->base == KR_STACK)
		flags |= KHIST_DST_STACK;
	return flags && khas(v, KERNEL_JUMP_HISTORY) ? khist_push(v, flags, 0) : E_OK;
}

static FALLIBLE mark_precise(struct kverifier *v, const struct isa_insn *in)
{
	if (kreg_at(v, in->dst)->base == KR_SCALAR)
		TRY(kprecise_reg(v, in->dst));
	if (in->form == ISA_FORM_JRR && kreg_at(v, in->src)->base == KR_SCALAR)
		TRY(kprecise_reg(v, in->src));
	return E_OK;
}

static void collect_linked(struct kverifier *v, const struct isa_insn *in, const struct kreg *a, const struct kreg *b,
			   struct klinked *l)
{
	if (in->form == ISA_FORM_JRR && b->base == KR_SCALAR && b->id)
		klinked_collect(v, b->id, l);
	if (a->base == KR_SCALAR && a->id)
		klinked_collect(v, a->id, l);
}

/* ---- deciding ---- */

static int decide(const struct kverifier *v, const struct isa_insn *in, const struct kreg *a, const struct kreg *b,
		  struct knum_split *split)
{
	if (a->base == KR_SCALAR && b->base == KR_SCALAR)
		return knum_branch(&v->rules, in, &a->n, &b->n, a == b, split);
	return kjump_pointers(v, in, a, b);
}

/* ---- learning ---- */

/* Old releases learn nothing of a number that is compared with a pointer, neither do new ones. */
static FALLIBLE learn_numbers(struct kverifier *v, const struct isa_insn *in, struct kreg *a, struct kreg *b,
			      struct kframe *taken, const struct knum_split *split)
{
	bool rr = in->form == ISA_FORM_JRR;
	struct kreg *a_taken = &taken->r[in->dst], constant = *b, *b_taken = rr ? &taken->r[in->src] : &constant;

	if (khas(v, KERNEL_NUM_TRY_BOTH)) {
		a->n = split->a_false;
		b->n = split->b_false;
		a_taken->n = split->a_true;
		b_taken->n = split->b_true;
	} else {
		knum_learn(&v->rules, in, &a_taken->n, &b_taken->n, &a->n, &b->n);
	}
	TRY(kreg_check_num(v, a_taken, "true_reg1"));
	TRY(kreg_check_num(v, b_taken, "true_reg2"));
	TRY(kreg_check_num(v, a, "false_reg1"));
	return kreg_check_num(v, b, "false_reg2");
}

static void sync_linked(struct kverifier *v, const struct isa_insn *in, struct kverify_state *taken, unsigned reg,
			const struct klinked *l)
{
	const struct kreg *r = kreg_at(v, reg), *t = &kframe_cur(taken)->r[reg];

	(void)in;
	if (r->base != KR_SCALAR || !r->id || r->id != t->id)
		return;
	if (khas(v, KERNEL_LINK_ADD)) {
		klinked_sync(v, &v->cur, r, l);
		klinked_sync(v, taken, t, l);
	} else {
		klinked_equal(v, &v->cur, r);
		klinked_equal(v, taken, t);
	}
}

static FALLIBLE go_both_ways(struct kverifier *v, const struct isa_insn *in, struct kreg *a, struct kreg *b,
			     struct klinked *l, const struct knum_split *split)
{
	bool links = khas(v, KERNEL_LINK_ADD), both = a->base == KR_SCALAR && b->base == KR_SCALAR;
	struct kverify_state *taken;

	if (links && !khas(v, KERNEL_LINK_COLLECT_FIRST))
		collect_linked(v, in, a, b, l);
	if (links && l->n > 1)
		TRY(khist_push(v, 0, klinked_pack(l)));
	TRY(kwalk_push(v, target(v, in), v->at, &taken));
	if (both)
		TRY(learn_numbers(v, in, a, b, kframe_cur(taken), split));
	if (in->form == ISA_FORM_JRR && (both || links))
		sync_linked(v, in, taken, in->src, l);
	sync_linked(v, in, taken, in->dst, l);
	TRY(kjump_learn_pointers(v, in, a, b, taken));
	v->insn = v->at + 1;
	return E_OK;
}

static FALLIBLE check_cond(struct kverifier *v, const struct isa_insn *in)
{
	bool rr = in->form == ISA_FORM_JRR;
	struct kreg *a = kreg_at(v, in->dst), *b = kreg_at(v, in->src), constant = { .base = KR_SCALAR };
	struct klinked l = { 0 };
	struct knum_split split;
	int way;

	TRY(read_operands(v, in));
	if (!rr) {
		constant.n = knum_const(&v->rules, (uint64_t)in->imm);
		b = &constant;
	}
	if (khas(v, KERNEL_LINK_COLLECT_FIRST))
		collect_linked(v, in, a, b, &l);
	way = decide(v, in, a, b, &split);
	if (way < 0)
		return go_both_ways(v, in, a, b, &l, &split);
	TRY(mark_precise(v, in));
	v->insn = way ? target(v, in) : v->at + 1;
	return E_OK;
}

FALLIBLE kcheck_jump(struct kverifier *v, const struct isa_insn *in)
{
	if (in->sem == ISA_JA) {
		v->insn = target(v, in);
		return E_OK;
	}
	return in->sem == ISA_MAY_GOTO ? may_goto(v, in) : check_cond(v, in);
}
