/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call_func: calls of the program's own functions.
 *
 * A static function is followed with what the caller gives it, in a frame of its own. A global one (5.6 on) is verified
 * for itself; its call only asks whether the arguments are what its prototype says (global.c).
 *
 * Linux: kernel/bpf/verifier.c:check_func_call, setup_func_entry, v5.10, v6.1, v6.12, v7.2.
 */
#include "engine/kverify/kfunc.h"

FALLIBLE kframe_enter(struct kverifier *v, struct kverify_state *s, uint32_t subprog, uint32_t callsite,
		      struct kframe **out)
{
	struct kframe *f;

	if (s->cur + 1 >= v->k->limits.frames || s->cur + 1 >= KFRAMES_MAX)
		KREJECT(v, FRAMES, "the call stack of %u frames is too deep", s->cur + 2);
	f = kpool_alloc(v, sizeof *f);
	KNEED(v, f);
	*f = (struct kframe){ .callsite = (int32_t)callsite, .frameno = s->cur + 1, .subprog = subprog };
	kframe_init_regs(v, f);
	s->frame[++s->cur] = f;
	*out = f;
	return E_OK;
}

void kcall_pass(struct kframe *to, unsigned r, const struct kframe *from, unsigned from_r)
{
	to->r[r] = from->r[from_r];
	klive_pass(to, r, from, from_r);
}

void kcall_clear_caller_saved(struct kverifier *v, struct kframe *f)
{
	for (unsigned r = 0; r <= 5; r++)
		kreg_none(&v->rules, &f->r[r]);
}

static FALLIBLE mark_written(struct kverifier *v)
{
	for (unsigned r = 0; r <= 5; r++)
		TRY(kreg_write(v, r, false));
	return E_OK;
}

/* R0 to R5 of the frame at work are gone. Linux: clear_caller_saved_regs */
FALLIBLE kcall_scratch(struct kverifier *v)
{
	kcall_clear_caller_saved(v, kframe_cur(&v->cur));
	return mark_written(v);
}

static FALLIBLE check_sections(struct kverifier *v, const struct ksubprog *sp)
{
	const struct kverify_state *s = &v->cur;

	if (khas(v, KERNEL_LOCK_CALLS_STATIC) && s->active_locks)
		KREJECT(v, GLOBAL_LOCKED,
			"global function calls are not allowed while holding a lock, use static function instead");
	if (khas(v, KERNEL_GLOBAL_NO_PREEMPT) && s->preempt_locks)
		KREJECT(v, GLOBAL_PREEMPT,
			"global function calls are not allowed with preemption disabled, use static function instead");
	if (!khas(v, KERNEL_GLOBAL_SLEEPS) || !sp->might_sleep)
		return E_OK;
	if (s->rcu_locks || s->preempt_locks || s->irq_id || !kin_sleepable(v))
		KREJECT(v, GLOBAL_SLEEPS,
			"global functions that may sleep are not allowed in non-sleepable context, i.e., in a "
			"RCU/IRQ/preempt-disabled "
			"section, or in a non-sleepable BPF program context");
	return E_OK;
}

/* The call may not come back: that is the path at work, the other waits. */
static FALLIBLE throw_too(struct kverifier *v)
{
	struct kverify_state *s;

	TRY(kwalk_push(v, v->at + 1, v->at, &s));
	return kexception_exit(v);
}

static FALLIBLE call_global(struct kverifier *v, uint32_t subprog)
{
	struct ksubprog *sp = &v->subprogs[subprog];

	TRY(check_sections(v, sp));
	TRY(kglobal_check_args(v, subprog));
	if (khas(v, KERNEL_GLOBAL_PACKET) && sp->changes_pkt)
		kpacket_clear(v);
	sp->called = true;
	TRY(kcall_scratch(v));
	if (!sp->returns_void)
		TRY(kreg_write(v, 0, true));
	v->insn++;
	return sp->might_throw && khas(v, KERNEL_GLOBAL_THROWS) ? throw_too(v) : E_OK;
}

/*
 * Arguments after the fifth lie below R11, which no instruction that this verifier takes can write to: a prototype that
 * has some is of a function whose other arguments were found to be of no use. Linux: check_outgoing_stack_args, v7.2
 */
static FALLIBLE check_stack_args(struct kverifier *v, uint32_t subprog)
{
	enum { MAX_REG_ARGS = 5, MAX_ARGS = 12 };
	const struct ksubprog *sp = &v->subprogs[subprog];
	uint32_t id = sp->func == UINT32_MAX ? 0 : v->p->funcs[sp->func].type;
	const struct btf *b = v->o->types;
	uint32_t n;

	if (!khas(v, KERNEL_STACK_ARGS) || !b || !id || id >= b->n_types || btf_get(b, id)->kind != BTF_FUNC)
		return E_OK;
	n = btf_get(b, btf_get(b, id)->type)->n;
	if (n > MAX_ARGS)
		KREJECT(v, STACK_ARGS, "kernel supports at most %d parameters, function %s has %u", MAX_ARGS,
			btf_get(b, id)->name, n);
	if (n > MAX_REG_ARGS)
		KREJECT(v, STACK_ARGS, "callee expects %u args, stack arg1 is not initialized", n);
	return E_OK;
}

static FALLIBLE call_static(struct kverifier *v, uint32_t subprog)
{
	struct kframe *caller = kframe_cur(&v->cur), *f;

	TRY(check_stack_args(v, subprog));
	TRY(kframe_enter(v, &v->cur, subprog, v->at, &f));
	for (unsigned r = 1; r <= 5; r++)
		kcall_pass(f, r, caller, r);
	v->cur.cur--;
	TRY(kcall_scratch(v));
	v->cur.cur++;
	v->insn = v->subprogs[subprog].start;
	return E_OK;
}

FALLIBLE kcheck_func_call(struct kverifier *v, const struct isa_insn *in)
{
	int subprog = kcfg_subprog_at(v, (uint32_t)(v->at + 1 + in->imm));

	KENSURE(v, subprog >= 0);
	if (v->subprogs[subprog].global && khas(v, KERNEL_GLOBAL_FUNCS))
		return call_global(v, (uint32_t)subprog);
	return call_static(v, (uint32_t)subprog);
}
