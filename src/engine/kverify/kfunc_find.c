/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kfunc_find: which functions of the kernel a program calls, and what is known of each before any path is followed.
 *
 * Linux: kernel/bpf/verifier.c:add_kfunc_call, fetch_kfunc_meta, special_kfunc_list, v6.1, v6.12, v7.2; visit_insn,
 * v6.12, kernel/bpf/cfg.c, v7.2.
 */
#include "engine/kverify/kfunc.h"

static const struct {
	const char *name;
	enum kspecial special;
} specials[] = {
	{ "__bpf_trap", KS_TRAP },
	{ "bpf_arena_alloc_pages", KS_ARENA },
	{ "bpf_arena_free_pages", KS_ARENA },
	{ "bpf_arena_reserve_pages", KS_ARENA },
	{ "bpf_cast_to_kern_ctx", KS_CAST_KERN_CTX },
	{ "bpf_dynptr_clone", KS_DYNPTR_CLONE },
	{ "bpf_dynptr_file_discard", KS_FILE_DISCARD },
	{ "bpf_dynptr_from_file", KS_DYNPTR_FILE },
	{ "bpf_dynptr_from_skb", KS_DYNPTR_SKB },
	{ "bpf_dynptr_from_skb_meta", KS_DYNPTR_SKB_META },
	{ "bpf_dynptr_from_xdp", KS_DYNPTR_XDP },
	{ "bpf_dynptr_slice", KS_SLICE },
	{ "bpf_dynptr_slice_rdwr", KS_SLICE_RDWR },
	{ "bpf_get_kmem_cache", KS_KMEM_CACHE },
	{ "bpf_iter_css_task_new", KS_CSS_TASK_NEW },
	{ "bpf_iter_num_destroy", KS_ITER_NUM },
	{ "bpf_iter_num_new", KS_ITER_NUM },
	{ "bpf_iter_num_next", KS_ITER_NUM },
	{ "bpf_list_add", KS_LIST_PUSH },
	{ "bpf_list_back", KS_LIST_LOOK },
	{ "bpf_list_del", KS_LIST_TAKE },
	{ "bpf_list_empty", KS_LIST_LOOK },
	{ "bpf_list_front", KS_LIST_LOOK },
	{ "bpf_list_is_first", KS_LIST_LOOK },
	{ "bpf_list_is_last", KS_LIST_LOOK },
	{ "bpf_list_pop_back", KS_LIST_TAKE },
	{ "bpf_list_pop_front", KS_LIST_TAKE },
	{ "bpf_list_push_back", KS_LIST_PUSH },
	{ "bpf_list_push_back_impl", KS_LIST_PUSH },
	{ "bpf_list_push_front", KS_LIST_PUSH },
	{ "bpf_list_push_front_impl", KS_LIST_PUSH },
	{ "bpf_local_irq_restore", KS_IRQ_RESTORE },
	{ "bpf_local_irq_save", KS_IRQ_SAVE },
	{ "bpf_obj_drop", KS_OBJ_DROP },
	{ "bpf_obj_drop_impl", KS_OBJ_DROP },
	{ "bpf_obj_new", KS_OBJ_NEW },
	{ "bpf_obj_new_impl", KS_OBJ_NEW },
	{ "bpf_percpu_obj_drop", KS_PERCPU_DROP },
	{ "bpf_percpu_obj_drop_impl", KS_PERCPU_DROP },
	{ "bpf_percpu_obj_new", KS_PERCPU_NEW },
	{ "bpf_percpu_obj_new_impl", KS_PERCPU_NEW },
	{ "bpf_preempt_disable", KS_PREEMPT_OFF },
	{ "bpf_preempt_enable", KS_PREEMPT_ON },
	{ "bpf_rbtree_add", KS_RBTREE_ADD },
	{ "bpf_rbtree_add_impl", KS_RBTREE_ADD },
	{ "bpf_rbtree_first", KS_RBTREE_LOOK },
	{ "bpf_rbtree_left", KS_RBTREE_LOOK },
	{ "bpf_rbtree_remove", KS_RBTREE_REMOVE },
	{ "bpf_rbtree_right", KS_RBTREE_LOOK },
	{ "bpf_rbtree_root", KS_RBTREE_LOOK },
	{ "bpf_rcu_read_lock", KS_RCU_LOCK },
	{ "bpf_rcu_read_unlock", KS_RCU_UNLOCK },
	{ "bpf_rdonly_cast", KS_RDONLY_CAST },
	{ "bpf_refcount_acquire", KS_REFCOUNT_ACQUIRE },
	{ "bpf_refcount_acquire_impl", KS_REFCOUNT_ACQUIRE },
	{ "bpf_res_spin_lock", KS_RES_LOCK },
	{ "bpf_res_spin_lock_irqsave", KS_RES_LOCK_IRQ },
	{ "bpf_res_spin_unlock", KS_RES_UNLOCK },
	{ "bpf_res_spin_unlock_irqrestore", KS_RES_UNLOCK_IRQ },
	{ "bpf_session_cookie", KS_SESSION_COOKIE },
	{ "bpf_session_is_return", KS_SESSION_IS_RETURN },
	{ "bpf_stream_print_stack", KS_STREAM },
	{ "bpf_stream_vprintk", KS_STREAM },
	{ "bpf_task_work_schedule_resume", KS_TASK_WORK },
	{ "bpf_task_work_schedule_resume_impl", KS_TASK_WORK },
	{ "bpf_task_work_schedule_signal", KS_TASK_WORK },
	{ "bpf_task_work_schedule_signal_impl", KS_TASK_WORK },
	{ "bpf_throw", KS_THROW },
	{ "bpf_wq_set_callback", KS_WQ_CALLBACK },
	{ "bpf_wq_set_callback_impl", KS_WQ_CALLBACK },
	{ "bpf_xdp_metadata_rx_hash", KS_DEV_BOUND },
	{ "bpf_xdp_metadata_rx_timestamp", KS_DEV_BOUND },
	{ "bpf_xdp_metadata_rx_vlan_tag", KS_DEV_BOUND },
	{ "bpf_xdp_pull_data", KS_PULL_DATA },
};

static enum kspecial special_of(const char *name)
{
	size_t lo = 0, hi = countof(specials);

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(specials[mid].name, name);

		if (!c)
			return specials[mid].special;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return KS_NONE;
}

static bool is_call(const struct isa_insn *in)
{
	return in->sem == ISA_CALL && in->aux == ISA_CALL_KFUNC;
}

const struct kkfunc *kkfunc_at(const struct kverifier *v, uint32_t insn)
{
	return v->kfuncs && is_call(&v->p->insns[insn]) ? v->kfuncs[insn] : NULL;
}

static const struct kkfunc *of(const struct kverifier *v, const struct isa_insn *in)
{
	return kkfunc_at(v, (uint32_t)(in - v->p->insns));
}

/* ---- before the walk ---- */

/* The prototype with the arguments that the verifier fills in stands at NAME_impl. */
static const struct btf_type *whole_proto(const struct kverifier *v, const struct kkfunc *f,
					  const struct btf_type *proto)
{
	char name[256];
	uint32_t id;

	if (!f->row || !(f->row->flags & KK_IMPLICIT_ARGS))
		return proto;
	(void)snprintf(name, sizeof name, "%s_impl", f->name);
	id = btf_find(v->o->kernel_types, BTF_FUNC, name, 1);
	return id ? btf_get(v->o->kernel_types, btf_get(v->o->kernel_types, id)->type) : proto;
}

/* The kernel's types say that programs may call it, and the tables here do not know it. */
static bool is_marked(const struct btf *b, uint32_t id)
{
	for (uint32_t i = 1; i < b->n_types; i++) {
		const struct btf_type *t = btf_get(b, i);

		if (t->kind == BTF_DECL_TAG && t->type == id && !strcmp(t->name, "bpf_kfunc"))
			return true;
	}
	return false;
}

static FALLIBLE describe(struct kverifier *v, int64_t id, struct kkfunc **out)
{
	const struct btf *b = v->o->kernel_types;
	const struct btf_type *func;
	struct kkfunc *f;

	if (!b)
		KUNSUPPORTED(v, "a call of a kernel function: the kernel's types were not given");
	if (id < 0 || id >= b->n_types || btf_get(b, (uint32_t)id)->kind != BTF_FUNC)
		KREJECT(v, KFUNC_ID, "kernel btf_id %lld is not a function", (long long)id);
	func = btf_get(b, (uint32_t)id);
	f = ARENA_NEW(v->arena, struct kkfunc);
	KNEED(v, f);
	*f = (struct kkfunc){ .name = func->name, .id = (uint32_t)id, .special = special_of(func->name) };
	f->row = kernel_kfunc(v->k, func->name);
	if (!f->row && is_marked(b, f->id))
		KUNSUPPORTED(v, "the kernel function %s, which is not known here", f->name);
	f->allowed = f->row && kernel_kfunc_allowed(v->k, &v->o->target, f->row);
	f->n_given = btf_get(b, func->type)->n;
	f->proto = whole_proto(v, f, btf_get(b, func->type));
	if (f->special == KS_DEV_BOUND)
		KREJECT(v, KFUNC_DEV_BOUND, "metadata kfuncs require device-bound program");
	*out = f;
	return E_OK;
}

static FALLIBLE find_one(struct kverifier *v, uint32_t i, struct kkfunc **known)
{
	enum { DIFFERENT_MAX = 256 };
	const struct isa_insn *in = &v->p->insns[i];
	struct kkfunc *f = *known;
	uint32_t n = 0;

	if (!v->o->gpl)
		KREJECT(v, KFUNC_GPL, "cannot call kernel function from non-GPL compatible program");
	if (in->off)
		KUNSUPPORTED(v, "a call of a function of a kernel module");
	if (!in->imm)
		return E_OK; /* refused where a path comes to it */
	for (; f && f->id != in->imm; f = f->next)
		n++;
	if (!f) {
		if (n == DIFFERENT_MAX)
			KREJECT(v, KFUNC_MANY, "too many different kernel function calls");
		TRY(describe(v, in->imm, &f));
		f->next = *known;
		*known = f;
	}
	v->kfuncs[i] = f;
	return E_OK;
}

FALLIBLE kkfunc_find_all(struct kverifier *v)
{
	struct kkfunc *known = NULL;

	for (uint32_t i = 0; i < v->p->n_insns; i++) {
		if (!is_call(&v->p->insns[i]) || kernel_insn_since(&v->p->insns[i]) > v->k->version)
			continue;
		v->insn = i;
		if (!v->kfuncs)
			v->kfuncs = ARENA_ARRAY(v->arena, struct kkfunc *, v->p->n_insns);
		KNEED(v, v->kfuncs);
		TRY(find_one(v, i, &known));
	}
	return E_OK;
}

/* ---- what others ask ---- */

struct kkfunc_facts kkfunc_facts(const struct kverifier *v, uint32_t insn)
{
	const struct kkfunc *f = kkfunc_at(v, insn);

	if (!f || !f->allowed)
		return (struct kkfunc_facts){ 0 };
	return (struct kkfunc_facts){ .iter_next = f->row->flags & KK_ITER_NEXT,
				      .sleeps = f->row->flags & KK_SLEEPABLE,
				      .changes_packet = f->special == KS_PULL_DATA,
				      .throws = f->special == KS_THROW };
}

enum kcallback kkfunc_callback(const struct kverifier *v, const struct isa_insn *in)
{
	const struct kkfunc *f = of(v, in);

	if (!f)
		return KCB_NONE;
	switch (f->special) {
	case KS_RBTREE_ADD:
		return KCB_RBTREE_ADD;
	case KS_WQ_CALLBACK:
		return KCB_WQ;
	case KS_TASK_WORK:
		return KCB_TASK_WORK;
	default:
		return KCB_NONE;
	}
}

bool kkfunc_is_graph(enum kspecial s)
{
	return s >= KS_REFCOUNT_ACQUIRE && s <= KS_RBTREE_LOOK;
}

bool kkfunc_allowed_locked(const struct kverifier *v, const struct isa_insn *in)
{
	const struct kkfunc *f = of(v, in);

	if (!f)
		return false;
	if (kkfunc_is_graph(f->special))
		return true;
	switch (f->special) {
	case KS_ITER_NUM:
		return khas(v, KERNEL_LOCK_ITER_NUM);
	case KS_RES_LOCK:
	case KS_RES_UNLOCK:
	case KS_RES_LOCK_IRQ:
	case KS_RES_UNLOCK_IRQ:
		return true;
	case KS_ARENA:
	case KS_STREAM:
		return khas(v, KERNEL_LOCK_ARENA);
	default:
		return false;
	}
}
