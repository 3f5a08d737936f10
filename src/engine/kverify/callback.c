/* SPDX-License-Identifier: Apache-2.0 */
/*
 * callback: functions of the program that a helper or kfunc calls.
 *
 * From 6.6 on a state for the callback waits, and the path at work goes on as if it had been called no more; a callback
 * that returns comes back to the call, which may make it again: until nothing new comes of it. Before, the path goes
 * through the callback once and on behind the call. Callbacks that run later (timers, work queues) begin with a state
 * of their own.
 *
 * Linux: kernel/bpf/verifier.c:push_callback_call, set_*_callback_state, v6.12 and v7.2; __check_func_call, v6.1.
 */
#include "engine/kverify/call_internal.h"

static enum kcallback kind_of(const struct kverifier *v, uint32_t insn)
{
	const struct isa_insn *in = &v->p->insns[insn];

	if (in->sem != ISA_CALL)
		return KCB_NONE;
	if (in->aux == ISA_CALL_KFUNC)
		return kkfunc_callback(v, in);
	if (in->aux != ISA_CALL_HELPER)
		return KCB_NONE;
	switch (in->imm) {
	case HELPER_FOR_EACH_MAP_ELEM:
		return KCB_FOR_EACH;
	case HELPER_FIND_VMA:
		return KCB_FIND_VMA;
	case HELPER_LOOP:
		return KCB_LOOP;
	case HELPER_USER_RINGBUF_DRAIN:
		return KCB_USER_RINGBUF;
	case HELPER_TIMER_SET_CALLBACK:
		return KCB_TIMER;
	default:
		return KCB_NONE;
	}
}

static bool is_async(enum kcallback kind)
{
	return kind == KCB_TIMER || kind == KCB_WQ || kind == KCB_TASK_WORK;
}

bool kcalls_async(const struct kverifier *v, uint32_t insn)
{
	return is_async(kind_of(v, insn));
}

bool kcalls_callback(const struct kverifier *v, uint32_t insn)
{
	enum kcallback kind = kind_of(v, insn);

	return kind != KCB_NONE && !is_async(kind);
}

bool kin_rbtree_callback(const struct kverifier *v)
{
	const struct kverify_state *s = &v->cur;
	uint32_t oldest = khas(v, KERNEL_RBTREE_ANY_FRAME) || !s->cur ? 1 : s->cur;

	for (uint32_t f = s->cur; f >= oldest && f; f--)
		if (s->frame[f]->in_callback && s->frame[f]->callsite >= 0 &&
		    kind_of(v, (uint32_t)s->frame[f]->callsite) == KCB_RBTREE_ADD)
			return true;
	return false;
}

/* ---- R1 to R5 at the start of a callback ---- */

static void same_map(struct kverifier *v, struct kreg *to, enum kernel_reg base, const struct kreg *of)
{
	uint32_t map = of->map, uid = of->map_uid;

	kreg_pointer(&v->rules, to, base, 0);
	to->map = map;
	to->map_uid = uid;
}

static bool is_hash_or_array(uint32_t kind)
{
	return kind == PROG_MAP_HASH || kind == PROG_MAP_ARRAY || kind == PROG_MAP_PERCPU_HASH ||
	       kind == PROG_MAP_PERCPU_ARRAY || kind == PROG_MAP_LRU_HASH || kind == PROG_MAP_LRU_PERCPU_HASH ||
	       kind == MAP_RHASH;
}

static FALLIBLE args_for_each(struct kverifier *v, const struct kframe *from, struct kframe *f)
{
	const struct kmap *m = kreg_map(v, &from->r[1]);

	if (!khas(v, KERNEL_MAP_STATE_PAIR) && v->aux[v->at].map_state == UINT32_MAX)
		KREJECT(v, SEVERAL_MAPS, "tail_call abusing map_ptr");
	KENSURE(v, m);
	if (!is_hash_or_array(m->m->kind))
		KREJECT(v, CALLBACK_MAP, "callback function not allowed for map");
	kcall_pass(f, 1, from, 1);
	same_map(v, &f->r[2], KR_MAP_KEY, &from->r[1]);
	same_map(v, &f->r[3], KR_MAP_VALUE, &from->r[1]);
	kcall_pass(f, 4, from, 3);
	return E_OK;
}

static void args_of_value(struct kverifier *v, const struct kreg *of, struct kframe *f)
{
	same_map(v, &f->r[1], KR_MAP, of);
	same_map(v, &f->r[2], KR_MAP_KEY, of);
	same_map(v, &f->r[3], KR_MAP_VALUE, of);
}

static FALLIBLE args_find_vma(struct kverifier *v, const struct kframe *from, struct kframe *f)
{
	uint32_t id;

	if (!v->o->kernel_types)
		KUNSUPPORTED(v, "the kernel's types are not known");
	id = ktypes_struct(v, "vm_area_struct");
	kcall_pass(f, 1, from, 1);
	kreg_pointer(&v->rules, &f->r[2], KR_BTF_ID, 0);
	f->r[2].types = KTYPES_KERNEL;
	f->r[2].type_id = id;
	kcall_pass(f, 3, from, 4);
	return E_OK;
}

static FALLIBLE set_args(struct kverifier *v, enum kcallback kind, const struct kframe *from, struct kframe *f)
{
	switch (kind) {
	case KCB_LOOP:
		kreg_scalar_unknown(&v->rules, &f->r[1]);
		kcall_pass(f, 2, from, 3);
		return E_OK;
	case KCB_FOR_EACH:
		return args_for_each(v, from, f);
	case KCB_FIND_VMA:
		return args_find_vma(v, from, f);
	case KCB_USER_RINGBUF:
		kdynptr_reg(v, &f->r[1], KF_DYNPTR_LOCAL, true, khas(v, KERNEL_DYNPTR_SLICES) ? kid_fresh(v) : 0, 0);
		kcall_pass(f, 2, from, 3);
		return E_OK;
	case KCB_TIMER:
	case KCB_WQ:
		args_of_value(v, &from->r[1], f);
		return E_OK;
	case KCB_TASK_WORK:
		args_of_value(v, &from->r[3], f);
		return E_OK;
	case KCB_RBTREE_ADD:
		return kkfunc_callback_args(v, kind, from, f);
	case KCB_NONE:
		break;
	}
	KENSURE(v, kind != KCB_NONE);
	return E_OK;
}

static FALLIBLE set_callee(struct kverifier *v, enum kcallback kind, const struct kframe *from, struct kframe *f)
{
	TRY(set_args(v, kind, from, f));
	f->callback_ret = (struct krange){ 0, 1, false };
	if (!is_async(kind)) {
		f->in_callback = true;
		return E_OK;
	}
	f->in_async_callback = true;
	f->callback_ret =
		kind == KCB_TASK_WORK ? (struct krange){ INT32_MIN, INT32_MAX, false } : (struct krange){ 0, 0, false };
	return E_OK;
}

/* ---- */

/* It runs later, from a fresh stack. */
static FALLIBLE push_async(struct kverifier *v, uint32_t insn, uint32_t subprog, enum kcallback kind)
{
	bool sleepable = kind == KCB_WQ || kind == KCB_TASK_WORK;
	const struct kframe *caller = kframe_cur(&v->cur);
	struct kframe *f;

	v->subprogs[subprog].is_async_cb = true;
	TRY(kwalk_push_async(v, subprog, insn, sleepable, &f));
	f->async_entry_cnt = caller->async_entry_cnt + 1;
	return set_callee(v, kind, caller, f);
}

/* Once, and then on behind the call: what R0 is then the caller of this sets in the caller's frame. */
static FALLIBLE enter_once(struct kverifier *v, uint32_t insn, uint32_t subprog, enum kcallback kind, struct kcall *c)
{
	const struct kframe *caller = kframe_cur(&v->cur);
	struct kframe *f;

	TRY(kframe_enter(v, &v->cur, subprog, insn, &f));
	TRY(set_callee(v, kind, caller, f));
	v->insn = v->subprogs[subprog].start;
	c->moved = true;
	return E_OK;
}

FALLIBLE kcallback_push(struct kverifier *v, uint32_t insn, uint32_t subprog, enum kcallback kind, struct kcall *c)
{
	struct kverify_state *s;
	struct kframe *f;

	KENSURE(v, subprog < v->n_subprogs);
	v->subprogs[subprog].is_cb = true;
	if (is_async(kind))
		return push_async(v, insn, subprog, kind);
	if (!khas(v, KERNEL_CALLBACK_LOOPS))
		return enter_once(v, insn, subprog, kind, c);
	TRY(kwalk_push(v, v->subprogs[subprog].start, insn, &s));
	TRY(kframe_enter(v, s, subprog, insn, &f));
	TRY(set_callee(v, kind, s->frame[s->cur - 1], f));
	s->callback_unroll_depth++;
	s->frame[s->cur - 1]->callback_depth++;
	kframe_cur(&v->cur)->callback_depth = 0;
	return E_OK;
}
