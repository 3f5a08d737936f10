/* SPDX-License-Identifier: Apache-2.0 */
/*
 * helper_extra: what one helper asks for or does that its prototype does not say.
 *
 * Linux: kernel/bpf/verifier.c:check_helper_call (the switch over func_id), v6.1, v6.12, v7.2.
 */
#include "engine/kverify/helper.h"

static FALLIBLE callback(struct kverifier *v, enum kcallback kind, struct kcall *c)
{
	return kcallback_push(v, v->at, c->func, kind, c);
}

/* ---- bpf_loop ---- */

enum { INLINE_UNFIT = 0xffffffff }; /* kaux.loop_inline: 0 not seen, else the callback + 1 */

/* May the loop become part of the program? The flags are then known to be 0 exactly. Linux: update_loop_inline_state */
static FALLIBLE note_inline(struct kverifier *v, const struct kcall *c)
{
	uint32_t *inlined = &v->aux[v->at].loop_inline;

	if (*inlined == INLINE_UNFIT)
		return E_OK;
	if (!kreg_is_null(kreg_at(v, 4))) {
		*inlined = INLINE_UNFIT;
		return E_OK;
	}
	TRY(kprecise_reg(v, 4));
	if (!*inlined)
		*inlined = c->func + 1;
	else if (*inlined != c->func + 1)
		*inlined = INLINE_UNFIT;
	return E_OK;
}

/* Once more, unless it was called as often as it can be. */
static FALLIBLE loop(struct kverifier *v, struct kcall *c)
{
	struct kframe *f = kframe_cur(&v->cur);

	TRY(note_inline(v, c));
	if (!khas(v, KERNEL_CALLBACK_LOOPS))
		return callback(v, KCB_LOOP, c);
	if (kreg_at(v, 1)->base != KR_SCALAR) /* there the kernel's backtracking gives up, and refuses the program */
		KREJECT_REG(v, ARG_TYPE, 1, "R1 is not a scalar");
	TRY(kprecise_reg(v, 1));
	if (f->callback_depth < kreg_at(v, 1)->n.umax)
		return callback(v, KCB_LOOP, c);
	f->callback_depth = 0;
	return E_OK;
}

/* ---- bpf_snprintf ---- */

static FALLIBLE check_format(struct kverifier *v)
{
	const struct kreg *fmt = kreg_at(v, 3), *len = kreg_at(v, 5);
	const struct kmap *m = kreg_map(v, fmt);
	uint64_t at = (uint64_t)kreg_off(fmt);
	char *text;
	size_t n;

	if (len->n.t.value % 8)
		KREJECT_REG(v, FORMAT_VALUES, 5, "R5: the size of the values is no multiple of 8");
	KENSURE(v, m && m->m && at < m->m->value_size);
	n = m->m->value_size - at;
	text = arena_alloc(v->arena, n + 1); /* zeroed: what the object leaves out is zero */
	KNEED(v, text);
	if (at < m->m->init.len)
		memcpy(text, m->m->init.p + at, m->m->init.len - at < n ? m->m->init.len - at : n);
	if (!kformat_ok(v, text, strlen(text), (uint32_t)(len->n.t.value / 8)))
		KREJECT_REG(v, FORMAT, 3, "Invalid format string");
	return E_OK;
}

/* ---- bpf_set_retval ---- */

/* What the hook may give back; false: anything. */
static bool hook_range(const struct kverifier *v, struct krange *out)
{
	struct kernel_target t = v->o->target;
	struct kernel_ret_range r;

	*out = (struct krange){ -KMAX_ERRNO, 0, true };
	if (t.prog_type == KPROG_CGROUP_SOCKOPT && t.attach_type == KATTACH_CGROUP_GETSOCKOPT)
		return false;
	if (t.prog_type != KPROG_LSM || t.attach_type != KATTACH_LSM_CGROUP)
		return true;
	t.attach_type = KATTACH_LSM_MAC;
	r = kernel_ret_range(v->k, &t);
	*out = (struct krange){ r.min, r.max, true };
	return r.have;
}

static bool void_hook(const struct kverifier *v)
{
	struct kernel_target t = ktarget(v);

	return t.prog_type == KPROG_LSM && t.attach_type == KATTACH_LSM_CGROUP && t.attach_void;
}

static FALLIBLE set_retval(struct kverifier *v)
{
	struct krange range;

	if (khas(v, KERNEL_RETVAL_RANGE) && kreg_at(v, 1)->base != KR_SCALAR)
		KREJECT_REG(v, RETVAL_TYPE, 1, "R1 is not a scalar");
	if (void_hook(v))
		KREJECT(v, RETVAL_VOID, "BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!");
	if (!khas(v, KERNEL_RETVAL_RANGE) || !hook_range(v, &range))
		return E_OK;
	TRY(kprecise_reg(v, 1));
	return kcheck_ret_range(v, 1, &range, "At bpf_set_retval");
}

/* ---- the others ---- */

static FALLIBLE local_storage(struct kverifier *v)
{
	if (!kreg_is_null(kreg_at(v, 2)))
		KREJECT_REG(v, STORAGE_FLAGS, 2, "get_local_storage() doesn't support non-zero flags");
	return khas(v, KERNEL_NULL_PRECISE) ? kprecise_reg(v, 2) : E_OK;
}

static FALLIBLE dynptr_from_mem(struct kverifier *v)
{
	const struct kreg *reg = kreg_at(v, 1);

	if (!kreg_is_plain(reg, KR_MAP_VALUE))
		KREJECT_REG(v, DYNPTR_MEMORY, 1, "Unsupported reg type %s for bpf_dynptr_from_mem data",
			    kreg_type_text(v, reg));
	return E_OK;
}

static FALLIBLE dynptr_data(struct kverifier *v, struct kcall *c)
{
	if (khas(v, KERNEL_REF_BY_ID))
		return E_OK;
	KENSURE(v, !c->ref_id);
	c->ref_id = c->dynptr_ref_id;
	return E_OK;
}

static FALLIBLE percpu_ptr(struct kverifier *v, const struct kcall *c)
{
	const struct btf *b = ktypes_btf(v, (enum ktypes)c->ret_types);

	if (c->percpu_object)
		KENSURE(v, b && c->ret_type_id < b->n_types &&
				   btf_get(b, btf_skip(b, c->ret_type_id))->kind == BTF_STRUCT);
	return E_OK;
}

FALLIBLE khelper_extra(struct kverifier *v, struct kcall *c, bool *changes_packet)
{
	switch (c->id) {
	case HELPER_TAIL_CALL:
		return kref_none_held(v, false, true, "tail_call");
	case HELPER_GET_LOCAL_STORAGE:
		return local_storage(v);
	case HELPER_FOR_EACH_MAP_ELEM:
		return callback(v, KCB_FOR_EACH, c);
	case HELPER_TIMER_SET_CALLBACK:
		return callback(v, KCB_TIMER, c);
	case HELPER_FIND_VMA:
		return callback(v, KCB_FIND_VMA, c);
	case HELPER_USER_RINGBUF_DRAIN:
		return callback(v, KCB_USER_RINGBUF, c);
	case HELPER_LOOP:
		return loop(v, c);
	case HELPER_SNPRINTF:
		return check_format(v);
	case HELPER_DYNPTR_FROM_MEM:
		return dynptr_from_mem(v);
	case HELPER_SET_RETVAL:
		return set_retval(v);
	case HELPER_DYNPTR_DATA:
		return dynptr_data(v, c);
	case HELPER_DYNPTR_WRITE:
		*changes_packet |= (c->dynptr_flags & (KF_DYNPTR_SKB | KF_DYNPTR_SKB_META)) != 0;
		return E_OK;
	case HELPER_PER_CPU_PTR:
	case HELPER_THIS_CPU_PTR:
		return percpu_ptr(v, c);
	default:
		return E_OK;
	}
}

/* ---- once the result is known ---- */

static bool has_trampoline(const struct kverifier *v)
{
	uint32_t a = v->o->target.attach_type;

	return a == KATTACH_TRACE_FENTRY || a == KATTACH_TRACE_FEXIT || a == KATTACH_MODIFY_RETURN;
}

static FALLIBLE func_ip(struct kverifier *v, const struct kcall *c)
{
	uint32_t type = v->o->target.prog_type;

	if (type == KPROG_TRACING && !has_trampoline(v))
		KREJECT(v, FUNC_IP, "func bpf_%s#%u supported only for fentry/fexit/fsession/fmod_ret programs",
			c->proto->name, c->id);
	if (type != KPROG_TRACING && type != KPROG_KPROBE)
		KREJECT(v, FUNC_IP, "func bpf_%s#%u not supported for program type %u", c->proto->name, c->id, type);
	return E_OK;
}

/*
 * A tail call that succeeds ends the function it is in: the caller goes on with what another program has returned, and
 * may have done to the packet. One that fails goes on behind the call.
 */
static FALLIBLE tail_call(struct kverifier *v, struct kcall *c, bool *changes_packet)
{
	struct kverify_state *s;

	if (!khas(v, KERNEL_TAIL_CALL_RETURNS))
		return E_OK;
	if (!v->cur.cur) {
		*changes_packet = false;
		return E_OK;
	}
	if (kframe_cur(&v->cur)->in_callback)
		KREJECT(v, TAIL_CALL_CALLBACK, "cannot tail call within callback");
	TRY(kwalk_push(v, v->at + 1, v->at, &s));
	kpacket_clear(v);
	kreg_scalar_unknown(&v->rules, kreg_at(v, 0));
	c->moved = true;
	return kframe_leave(v);
}

FALLIBLE khelper_after(struct kverifier *v, struct kcall *c, bool *changes_packet)
{
	if (c->id == HELPER_GET_FUNC_IP)
		return func_ip(v, c);
	if (c->id == HELPER_TAIL_CALL)
		return tail_call(v, c, changes_packet);
	return E_OK;
}
