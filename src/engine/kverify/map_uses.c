/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map_uses: may this program use the maps that it names, for what is in their values and how they are made?
 *
 * Kinds of maps are judged before (resolve.c); this asks for locks, timers, work queues, lists and trees in the values.
 * Linux: kernel/bpf/verifier.c:check_map_prog_compatibility, v5.10, v6.1, v6.12, v7.2.
 */
#include "engine/kverify/call_internal.h"

static bool has_graph(const struct kmap *m)
{
	for (uint32_t i = 0; i < m->n_kptrs; i++)
		if (m->kptrs[i].kind == KFIELD_LIST_HEAD || m->kptrs[i].kind == KFIELD_RB_ROOT)
			return true;
	return false;
}

static FALLIBLE check_lock(struct kverifier *v, const struct kmap *m, bool tracing)
{
	if (m->spin_lock_off < 0 && m->res_spin_lock_off < 0)
		return E_OK;
	if (v->o->target.prog_type == KPROG_SOCKET_FILTER && khas(v, KERNEL_LOCK_SAYS_FILTER))
		KREJECT(v, LOCK_IN_FILTER, "socket filter progs cannot use bpf_spin_lock yet");
	if (tracing || v->o->target.prog_type == KPROG_SOCKET_FILTER)
		KREJECT(v, MAP_IN_TRACING, "tracing progs cannot use bpf_spin_lock yet");
	if (v->o->target.sleepable && khas(v, KERNEL_LOCK_NO_SLEEP))
		KREJECT(v, LOCK_IN_SLEEPABLE, "sleepable progs cannot use bpf_spin_lock yet");
	return E_OK;
}

static FALLIBLE check_fields(struct kverifier *v, const struct kmap *m)
{
	bool tracing = kernel_type_is(v->k, &v->o->target, KERNEL_TYPE_TRACING);

	if (tracing && has_graph(m))
		KREJECT(v, MAP_IN_TRACING, "tracing progs cannot use bpf_{list_head,rb_root} yet");
	TRY(check_lock(v, m, tracing));
	if (tracing && m->timer_off >= 0 && khas(v, KERNEL_TIMER_NOT_TRACING))
		KREJECT(v, MAP_IN_TRACING, "tracing progs cannot use bpf_timer yet");
	if (tracing && m->wq_off >= 0 && khas(v, KERNEL_TIMER_NOT_TRACING))
		KREJECT(v, MAP_IN_TRACING, "tracing progs cannot use bpf_wq yet");
	return E_OK;
}

static FALLIBLE check_allocation(struct kverifier *v, const struct prog_map *m)
{
	bool at_run_time = m->flags & PROG_MAP_NO_PREALLOC || (m->inner && m->inner->flags & PROG_MAP_NO_PREALLOC);
	const char *why = at_run_time ? kernel_map_no_prealloc(v->k, &v->o->target, m->kind) : NULL;

	if (why)
		KREJECT(v, MAP_PREALLOC, "%s", why);
	return E_OK;
}

FALLIBLE kmaps_check(struct kverifier *v)
{
	for (uint32_t i = 0; i < v->p->n_insns; i++) {
		const struct isa_insn *in = &v->p->insns[i];

		if (in->sem != ISA_IMM64 || (in->aux != ISA_IMM64_MAP_FD && in->aux != ISA_IMM64_MAP_VALUE))
			continue;
		v->insn = i;
		TRY(check_allocation(v, &v->p->maps[in->imm]));
		if (v->maps)
			TRY(check_fields(v, &v->maps[in->imm]));
	}
	return E_OK;
}
