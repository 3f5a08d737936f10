/* SPDX-License-Identifier: Apache-2.0 */
/* kverify: one verification, from its options to its verdict, in the order in which the kernel looks. Linux:
 * kernel/bpf/verifier.c:bpf_check, v6.12. */
#include "engine/kverify/call.h"

static FALLIBLE check_program(struct kverifier *v)
{
	v->insn = UINT32_MAX;
	v->type = kernel_prog_type(v->k, v->o->target.prog_type);
	if (!v->type && !(v->o->extra && v->o->extra->prog_type == v->o->target.prog_type)) {
		const char *name = kernel_prog_type_name(v->o->target.prog_type);

		KREJECT(v, PROG_TYPE, "Linux %s has no programs of type %s (%u)", v->k->name, name ? name : "?",
			v->o->target.prog_type);
	}
	if (!v->p->n_insns || v->p->n_insns > v->k->limits.insns)
		KREJECT(v, EMPTY, "%u instructions: a program has 1 to %u", v->p->n_insns, v->k->limits.insns);
	if (v->o->target.sleepable && !kernel_type_is(v->k, &v->o->target, KERNEL_TYPE_SLEEPABLE))
		KREJECT(v, NOT_SLEEPABLE,
			"Only fentry/fexit/fmod_ret, lsm, iter, uprobe, and struct_ops programs can be sleepable");
	return E_OK;
}

static FALLIBLE init(struct kverifier *v)
{
	knum_rules_init(&v->rules, v->k);
	v->strict_align = v->o->flags & KVERIFY_STRICT_ALIGN && !(v->o->flags & KVERIFY_ANY_ALIGN);
	v->test_state_freq = v->o->flags & KVERIFY_STATE_FREQ;
	v->sleepable = v->o->target.sleepable;
	TRY(check_program(v));
	v->aux = ARENA_ARRAY(v->arena, struct kaux, v->p->n_insns);
	v->stored = ARENA_ARRAY(v->arena, struct kstored *, v->p->n_insns);
	KNEED(v, v->aux && v->stored);
	return E_OK;
}

static FALLIBLE run(struct kverifier *v)
{
	TRY(init(v));
	TRY(kcfg_subprogs(v));
	TRY(kattach_check(v));
	TRY(kresolve(v));
	TRY(ktypes_init(v));
	TRY(kmaps_check(v));
	TRY(kcfg_check(v));
	TRY(kfastcall_mark(v));
	TRY(klive_compute(v));
	TRY(kwalk_all(v));
	return kdepth_check(v);
}

FALLIBLE kverify_run(const struct prog *p, const struct kverify_opts *o, struct arena *a, struct kverify_stats *stats,
		     struct diag *d, struct kverifier **out)
{
	struct kverifier *v = ARENA_NEW(a, struct kverifier);
	enum err err;

	assert(o->kernel && "the caller chose a release");
	if (stats)
		*stats = (struct kverify_stats){ 0 };
	if (!v)
		FAIL_ID(d, LIMIT, 'Q', KV_MEMORY, "the verification needs more than %zu KiB", a->cap >> 10);
	*v = (struct kverifier){ .p = p, .o = o, .k = o->kernel, .arena = a, .d = d };
	*out = v;
	err = run(v);
	kscratch_done(v);
	if (stats)
		*stats = v->stats;
	return err;
}

FALLIBLE kverify_prog(const struct prog *p, const struct kverify_opts *o, struct arena *a, struct kverify_stats *stats,
		      struct diag *d)
{
	struct kverifier *v;

	return kverify_run(p, o, a, stats, d, &v);
}
