/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ret: exit: what may be in R0, and that nothing is held any longer.
 *
 * A function of the program returns to its caller; a callback to the call that made it; the program itself, a global
 * function and a callback that runs later end the path.
 *
 * Linux: kernel/bpf/verifier.c:process_bpf_exit_full, prepare_func_exit, check_return_code, v7.2; do_check, v5.10,
 * v6.1, v6.12.
 */
#include "engine/kverify/kfunc.h"

/* ---- what may not be held ---- */

static FALLIBLE old_locks(struct kverifier *v)
{
	const struct kverify_state *s = &v->cur;
	bool outermost = !s->cur || !khas(v, KERNEL_LOCK_CALLS_STATIC);

	if (s->active_locks && outermost)
		KREJECT(v, UNLOCK_MISSING, "bpf_spin_unlock is missing");
	if (s->rcu_locks && outermost)
		KREJECT(v, RCU_MISSING, "bpf_rcu_read_unlock is missing");
	if (s->preempt_locks && outermost)
		KREJECT(v, PREEMPT_MISSING, "%u bpf_preempt_enable%s missing", s->preempt_locks,
			s->preempt_locks == 1 ? " is" : "(s) are");
	return E_OK;
}

static FALLIBLE check_held(struct kverifier *v)
{
	if (khas(v, KERNEL_EXIT_RESOURCES))
		return kref_none_held(v, false, !v->cur.cur, "BPF_EXIT instruction in main prog");
	TRY(old_locks(v));
	/* Before 6.1 a function's exit asks for nothing more. */
	if (v->cur.cur && !khas(v, KERNEL_CALLBACK_REFS) && !khas(v, KERNEL_REFS_OF_STATE))
		return E_OK;
	return kref_none_held(v, false, false, NULL);
}

/* ---- ranges ---- */

static bool in_range(const struct kverifier *v, const struct kreg *r0, const struct krange *range)
{
	if (!khas(v, KERNEL_RET_RANGE_BY_BOUNDS))
		return kbits_in(kbits_range((uint64_t)range->min, (uint64_t)range->max), r0->n.t);
	if (range->ret32)
		return range->min <= r0->n.smin32 && r0->n.smax32 <= range->max;
	return range->min <= r0->n.smin && r0->n.smax <= range->max;
}

FALLIBLE kcheck_ret_range(struct kverifier *v, unsigned r, const struct krange *range, const char *where)
{
	const struct knum *n = &kreg_at(v, r)->n;
	char low[32] = "", high[32] = "";

	if (in_range(v, kreg_at(v, r), range))
		return E_OK;
	if (n->smin > INT64_MIN)
		(void)snprintf(low, sizeof low, " smin=%lld", (long long)n->smin);
	if (n->smax < INT64_MAX)
		(void)snprintf(high, sizeof high, " smax=%lld", (long long)n->smax);
	KREJECT_REG(v, RETURN_RANGE, r, "%s the register R%u has%s%s%s should have been in [%lld, %lld]", where, r, low,
		    high, low[0] || high[0] ? "" : " unknown scalar value", (long long)range->min,
		    (long long)range->max);
}

/* ---- the program's own exit ---- */

struct kernel_target ktarget(const struct kverifier *v)
{
	const struct kattach *a = ktypes_attach(v);
	struct kernel_target t = v->o->target;

	t.attach_void |= a && a->proto && !a->proto->type;
	return t;
}

/* A struct_ops program may give back a reference of the type that the operation returns. */
static bool returns_reference(const struct kverifier *v)
{
	const struct kattach *a = v->o->target.prog_type == KPROG_STRUCT_OPS ? ktypes_attach(v) : NULL;
	const struct kreg *r0 = kreg_at(v, 0);
	const struct btf *b = ktypes_btf(v, KTYPES_KERNEL);
	const struct btf_type *t;

	if (!a || !a->proto || !b || !khas(v, KERNEL_STRUCT_OPS_RETURNS_KPTR) || r0->base != KR_BTF_ID ||
	    !kref_of(v, r0))
		return false;
	t = btf_get(b, btf_skip(b, a->proto->type));
	return t->kind == BTF_PTR && r0->types == KTYPES_KERNEL && btf_skip(b, t->type) == btf_skip(b, r0->type_id);
}

static FALLIBLE check_known(struct kverifier *v, const struct krange *range, const char *where)
{
	const struct kreg *r0 = kreg_at(v, 0);
	char type[64] = "";
	struct buf b;

	if (r0->base != KR_SCALAR) {
		buf_init(&b, sizeof type);
		kreg_type_print(r0, &b);
		(void)snprintf(type, sizeof type, "%s", b.p ? b.p : "");
		buf_done(&b);
		KREJECT_REG(v, RETURN_TYPE, 0, "%s the register R0 is not a known value (%s)", where, type);
	}
	if (khas(v, KERNEL_RET_RANGE_BY_BOUNDS))
		TRY(kprecise_reg(v, 0));
	return kcheck_ret_range(v, 0, range, where);
}

static struct kernel_ret_range program_range(const struct kverifier *v)
{
	const struct kverify_extra *x = v->o->extra;
	struct kernel_target t = ktarget(v);

	if (x && x->prog_type && x->prog_type == t.prog_type)
		return (struct kernel_ret_range){ .have = true, .min = x->ret_min, .max = x->ret_max };
	return kernel_ret_range(v->k, &t);
}

FALLIBLE kexception_exit(struct kverifier *v)
{
	if (khas(v, KERNEL_EXIT_RESOURCES)) {
		TRY(kref_none_held(v, true, true, "bpf_throw"));
	} else {
		TRY(old_locks(v));
		TRY(kref_none_held(v, true, false, NULL));
	}
	v->path_ends = true;
	return E_OK;
}

/* What bpf_throw is given is what the program gives back; nothing may be held, in no frame. Exits of frames between are
 * skipped. */
FALLIBLE kcheck_throw(struct kverifier *v)
{
	struct kernel_ret_range r = program_range(v);
	struct krange range = { r.min, r.max, r.ret32 };
	const struct kreg *r1 = kreg_at(v, 1);

	if (!v->catches && r.have && !r.may_be_anything) {
		if (r1->base != KR_SCALAR)
			KREJECT_REG(v, RETURN_TYPE, 1, "At program exit the register R1 is not a known value (%s)",
				    kreg_type_text(v, r1));
		TRY(kprecise_reg(v, 1));
		TRY(kcheck_ret_range(v, 1, &range, "At program exit"));
	}
	return kexception_exit(v);
}

static FALLIBLE check_program(struct kverifier *v)
{
	struct kernel_ret_range r = program_range(v);
	struct krange range = { r.min, r.max, r.ret32 };

	if (r.may_be_anything)
		return E_OK;
	if (returns_reference(v))
		return kcheck_ptr_off(v, kreg_at(v, 0), 0, false);
	TRY(kreg_read(v, 0));
	return r.have ? check_known(v, &range, "At program exit") : E_OK;
}

static FALLIBLE check_async(struct kverifier *v, const struct kframe *f)
{
	TRY(kreg_read(v, 0));
	return check_known(v, &f->callback_ret, "At async callback return");
}

static FALLIBLE check_global(struct kverifier *v, const struct kframe *f)
{
	const struct kreg *r0 = kreg_at(v, 0);

	if (v->subprogs[f->subprog].returns_void)
		return E_OK;
	TRY(kreg_read(v, 0));
	if (r0->base != KR_SCALAR && !(r0->base == KR_ARENA && khas(v, KERNEL_GLOBAL_VOID)))
		KREJECT_REG(v, SUBPROG_RETURN, 0, "At subprogram exit the register R0 is not a scalar value");
	return E_OK;
}

static FALLIBLE end_path(struct kverifier *v)
{
	const struct kframe *f = v->cur.frame[0];

	if (f->in_async_callback)
		TRY(check_async(v, f));
	else if (f->subprog && !f->in_exception_callback)
		TRY(check_global(v, f));
	else
		TRY(check_program(v));
	v->path_ends = true;
	return E_OK;
}

/* ---- back to the caller ---- */

static FALLIBLE check_callback(struct kverifier *v, const struct kframe *f)
{
	if (f->r[0].base != KR_SCALAR)
		KREJECT_REG(v, CALLBACK_RETURN, 0, "R0 not a scalar value");
	if (khas(v, KERNEL_CALLBACK_REFS) || khas(v, KERNEL_REFS_OF_STATE)) {
		TRY(kreg_read(v, 0));
		TRY(kprecise_reg(v, 0));
	}
	return kcheck_ret_range(v, 0, &f->callback_ret, "At callback return");
}

static void drop_frame(struct kverifier *v)
{
	struct kframe *f = kframe_cur(&v->cur);

	v->cur.frame[v->cur.cur--] = NULL;
	kframe_free(v, f);
}

FALLIBLE kframe_leave(struct kverifier *v)
{
	struct kframe *f = kframe_cur(&v->cur);
	bool callback = f->in_callback;
	uint32_t callsite = (uint32_t)f->callsite;

	if (f->r[0].base == KR_STACK)
		KREJECT_REG(v, RETURN_STACK, 0, "cannot return stack pointer to the caller");
	if (callback)
		TRY(check_callback(v, f));
	else
		kcall_pass(v->cur.frame[v->cur.cur - 1], 0, f, 0);
	drop_frame(v);
	if (!callback || !khas(v, KERNEL_CALLBACK_LOOPS)) {
		v->insn = callsite + 1;
		return E_OK;
	}
	v->insn = callsite;
	kwiden(v, &v->cur, callsite, &v->cur);
	return E_OK;
}

FALLIBLE kcheck_exit(struct kverifier *v)
{
	TRY(check_held(v));
	return v->cur.cur ? kframe_leave(v) : end_path(v);
}
