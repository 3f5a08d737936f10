/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ld_abs: the packet loads of classic BPF, which end the program where the packet is too short.
 *
 * Linux: kernel/bpf/verifier.c:check_ld_abs, v5.10 to v7.2.
 */
#include "engine/kverify/mem.h"

enum { CTX_REG = 6, CALLER_SAVED = 6 };

/* The load may end the program: nothing may be held then. */
static FALLIBLE nothing_held(struct kverifier *v)
{
	if (khas(v, KERNEL_LD_ABS_NOT_IN_CALLBACK))
		for (uint32_t i = v->cur.cur; i; i--)
			if (v->cur.frame[i]->in_callback)
				KREJECT(v, LD_ABS_HERE, "cannot use BPF_LD_[ABS|IND] within callback");
	TRY(kreg_read(v, CTX_REG));
	TRY(kref_none_held(v, false, true, "BPF_LD_[ABS|IND]"));
	if (v->cur.active_locks)
		KREJECT(v, LD_ABS_HERE, "BPF_LD_[ABS|IND] cannot be used inside bpf_spin_lock-ed region");
	if (v->cur.rcu_locks)
		KREJECT(v, LD_ABS_HERE, "BPF_LD_[ABS|IND] cannot be used inside bpf_rcu_read_lock-ed region");
	if (v->cur.preempt_locks)
		KREJECT(v, LD_ABS_HERE, "BPF_LD_[ABS|IND] cannot be used inside bpf_preempt_disable-ed region");
	return E_OK;
}

/* The path on which the load succeeds waits; this one leaves the function with 0. */
static FALLIBLE leave_function(struct kverifier *v)
{
	struct kverify_state *waits;

	TRY(kwalk_push(v, v->at + 1, v->at, &waits));
	kreg_scalar_const(&v->rules, kreg_at(v, 0), 0);
	TRY(kcheck_exit(v));
	v->insn--; /* the walk goes on behind the instruction that is at work */
	return E_OK;
}

FALLIBLE kcheck_ld_abs(struct kverifier *v, const struct isa_insn *in)
{
	const struct kreg *ctx = kreg_at(v, CTX_REG);

	if (!kernel_type_is(v->k, &v->o->target, KERNEL_TYPE_LD_ABS))
		KREJECT(v, LD_ABS_TYPE, "BPF_LD_[ABS|IND] instructions not allowed for this program type");
	TRY(nothing_held(v));
	if (!kreg_is_plain(ctx, KR_CTX))
		KREJECT_REG(v, LD_ABS_CONTEXT, CTX_REG, "at the time of BPF_LD_ABS|IND R6 != pointer to skb");
	if (in->sem == ISA_LD_IND)
		TRY(kreg_read(v, in->src));
	TRY(kcheck_ptr_off(v, ctx, CTX_REG, false));
	for (unsigned r = 0; r < CALLER_SAVED; r++) {
		kreg_none(&v->rules, kreg_at(v, r));
		TRY(kreg_write(v, r, false));
	}
	kreg_scalar_unknown(&v->rules, kreg_at(v, 0));
	v->has_ld_abs = true;
	return v->cur.cur && khas(v, KERNEL_LD_ABS_ENDS_SUBPROG) ? leave_function(v) : E_OK;
}
