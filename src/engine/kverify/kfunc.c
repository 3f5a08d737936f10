/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kfunc: a call of a function of the kernel: may this program make it here, do the arguments fit, and what does it do
 * to what is known?
 *
 * What a function takes and gives back stands in the kernel's own types; what it does beyond that in flags of the set
 * that lists it (engine/kernel). Arguments are judged in kfunc_args.c, results in kfunc_ret.c.
 *
 * Linux: kernel/bpf/verifier.c:check_kfunc_call, v6.1, v6.12, v7.2.
 */
#include "engine/kverify/kfunc.h"
#include "engine/kverify/prune.h"

/* ---- may it be called? ---- */

static FALLIBLE check_allowed(struct kverifier *v, const struct kkfunc *f)
{
	if (!f->allowed)
		KREJECT(v, KFUNC_HERE, "calling kernel function %s is not allowed", f->name);
	if (f->special == KS_TRAP)
		KREJECT(v, KFUNC_TRAP, "unexpected __bpf_trap() due to uninitialized variable?");
	if (f->row->flags & KK_SLEEPABLE && !kin_sleepable(v))
		KREJECT(v, KFUNC_SLEEPS, "program must be sleepable to call sleepable kfunc %s", f->name);
	return E_OK;
}

/* ---- a lock that may not be had ---- */

enum { ERRNO_MAX = 4095 };

/* The other path: R0 is an error, nothing is held. Taken with the state before the arguments are judged. */
static FALLIBLE fork_failed_lock(struct kverifier *v)
{
	struct kverify_state *s;
	struct kreg *r0;

	TRY(kwalk_push(v, v->at + 1, v->at, &s));
	kcall_clear_caller_saved(v, kframe_cur(s));
	r0 = &kframe_cur(s)->r[0];
	kreg_scalar_unknown(&v->rules, r0);
	knum_bound_s32(&v->rules, &r0->n, -ERRNO_MAX, -1);
	return E_OK;
}

/* ---- the program's own objects ---- */

static bool survives_nmi(uint32_t kind)
{
	switch (kind) {
	case KFIELD_SPIN_LOCK:
	case KFIELD_RES_SPIN_LOCK:
	case KFIELD_TIMER:
	case KFIELD_WQ:
	case KFIELD_TASK_WORK:
	case KFIELD_KPTR_UNREF:
	case KFIELD_REFCOUNT:
		return true;
	default:
		return false;
	}
}

static bool may_interrupt_all(const struct kverifier *v)
{
	const struct kernel_target *t = &v->o->target;

	return kernel_type_is(v->k, t, KERNEL_TYPE_TRACING) ||
	       (t->prog_type == KPROG_TRACING && t->attach_type != KATTACH_TRACE_ITER && !t->sleepable);
}

static FALLIBLE check_drop(struct kverifier *v, const struct kfcall *k)
{
	const struct kmap *m = k->obj_types == KTYPES_OBJECT ? ktypes_record(v, k->obj_id) : NULL;

	if ((k->f->special != KS_OBJ_DROP && k->f->special != KS_PERCPU_DROP) || !khas(v, KERNEL_DROP_NMI) ||
	    !may_interrupt_all(v))
		return E_OK;
	for (uint32_t i = 0; m && i < m->n_kptrs; i++)
		if (!survives_nmi(m->kptrs[i].kind))
			KREJECT(v, KFUNC_NMI, "%s cannot be used in tracing programs on types with NMI unsafe fields",
				k->f->name);
	return E_OK;
}

/* ---- what the call does ---- */

static FALLIBLE call_back(struct kverifier *v, struct kfcall *k)
{
	enum kcallback kind = kkfunc_callback(v, &v->p->insns[v->at]);

	return kind == KCB_NONE ? E_OK : kcallback_push(v, v->at, k->c.func, kind, &k->c);
}

static FALLIBLE release(struct kverifier *v, const struct kfcall *k)
{
	const struct kreg *reg;
	uint32_t id;

	if (!k->c.release_reg)
		return E_OK;
	reg = kreg_at(v, k->c.release_reg);
	if (kreg_is_null(reg))
		return E_OK;
	if (khas(v, KERNEL_REF_BY_ID) && k->c.dynptr_id)
		return kdynptr_release(v, k->c.release_reg);
	id = kref_of(v, reg);
	if (!id)
		KREJECT(v, NOT_ACQUIRED, "kfunc %s#%u reference has not been acquired before", k->f->name, k->f->id);
	return kref_release(v, id);
}

/* The kernel notes what the call read when it is done; a register that was never set may be among them. */
static FALLIBLE note_reads(struct kverifier *v, const struct kfcall *k)
{
	for (unsigned r = 1; r <= k->f->proto->n && r <= 5; r++)
		if (v->live->mode == KLIVE_MARKS)
			TRY(kmarks_read(v, v->cur.cur, r));
	return E_OK;
}

static FALLIBLE effects(struct kverifier *v, struct kfcall *k)
{
	TRY(check_drop(v, k));
	TRY(call_back(v, k));
	TRY(ksection_call(v, k));
	TRY(release(v, k));
	if (k->f->special == KS_LIST_PUSH || k->f->special == KS_RBTREE_ADD)
		TRY(kgraph_inserted(v, k));
	return E_OK;
}

static FALLIBLE judge(struct kverifier *v, struct kfcall *k)
{
	enum kspecial s = k->f->special;

	TRY(check_allowed(v, k->f));
	if (s == KS_RES_LOCK || s == KS_RES_LOCK_IRQ)
		TRY(fork_failed_lock(v));
	TRY(khas(v, KERNEL_KFUNC_META) ? kkfunc_args(v, k) : kkfunc_args_old(v, k));
	TRY(effects(v, k));
	if (s == KS_THROW)
		return kcheck_throw(v);
	TRY(kkfunc_result(v, k));
	if (s == KS_PULL_DATA)
		kpacket_clear(v);
	TRY(note_reads(v, k));
	return kfc_is(k, KK_ITER_NEXT) ? kiter_next(v, k) : E_OK;
}

FALLIBLE kcheck_kfunc_call(struct kverifier *v, const struct isa_insn *in)
{
	const struct kkfunc *f = kkfunc_at(v, v->at);
	struct kfcall k = { .c = { .map = -1, .const_key = -1 }, .f = f, .b = v->o->kernel_types };

	(void)in;
	if (!f)
		KREJECT(v, KFUNC_NONE, "invalid kernel function call not eliminated in verifier pass");
	if (v->k->version < KERNEL_V(6, 0))
		KUNSUPPORTED(v, "a call of a kernel function, in releases before 6.0");
	TRY(judge(v, &k));
	if (!v->path_ends && !k.c.moved)
		v->insn = v->at + 1;
	return E_OK;
}
