/* SPDX-License-Identifier: Apache-2.0 */
/*
 * helper_ret: what a helper gives back, and what it takes a reference on.
 *
 * Linux: kernel/bpf/verifier.c:check_helper_call (from "reset caller saved regs" on), do_refine_retval_range, v5.10,
 * v6.1, v6.12, v7.2.
 */
#include "engine/kverify/helper.h"

/* ---- kinds ---- */

/* An array always has what a constant index within it asks for. */
static bool is_there(const struct kverifier *v, const struct kcall *c)
{
	const struct prog_map *m = c->map_def;

	return khas(v, KERNEL_CONST_KEY) && c->id == HELPER_MAP_LOOKUP_ELEM && !(m->flags & PROG_MAP_INNER) &&
	       (m->kind == PROG_MAP_ARRAY || m->kind == PROG_MAP_PERCPU_ARRAY) && c->const_key >= 0 &&
	       c->const_key < m->max_entries;
}

static FALLIBLE ret_map_value(struct kverifier *v, struct kreg *r0, const struct kcall *c)
{
	uint32_t flags = c->proto->ret.flags;
	const struct kmap *fields;

	KENSURE(v, c->map_def);
	if (is_there(v, c))
		flags &= ~(uint32_t)KF_OR_NULL;
	kreg_pointer(&v->rules, r0, KR_MAP_VALUE, flags);
	r0->map = (uint32_t)c->map;
	r0->map_uid = c->map_uid;
	fields = kreg_map(v, r0);
	if (!(flags & KF_OR_NULL) && fields && (fields->spin_lock_off >= 0 || fields->res_spin_lock_off >= 0))
		r0->id = kid_fresh(v);
	return E_OK;
}

static void ret_mem(struct kverifier *v, struct kreg *r0, uint32_t flags, uint32_t size)
{
	kreg_pointer(&v->rules, r0, KR_MEM, flags);
	r0->mem_size = size;
}

static void ret_object(struct kverifier *v, struct kreg *r0, uint32_t flags, uint32_t types, uint32_t type_id)
{
	kreg_pointer(&v->rules, r0, KR_BTF_ID, flags);
	r0->types = types;
	r0->type_id = type_id;
}

/* A per-CPU variable: an object when it is a struct, else memory as large as it is. */
static FALLIBLE ret_variable(struct kverifier *v, struct kreg *r0, const struct kcall *c)
{
	const struct btf *b = ktypes_btf(v, (enum ktypes)c->ret_types);
	uint32_t flags = c->proto->ret.flags;
	const struct btf_type *t;
	uint64_t size;

	KENSURE(v, b && c->ret_type_id < b->n_types);
	t = btf_get(b, btf_skip(b, c->ret_type_id));
	if (t->kind == BTF_STRUCT || t->kind == BTF_UNION) {
		flags = c->percpu_object ? KF_ALLOC | KF_RCU : flags & ~(uint32_t)KF_RDONLY;
		ret_object(v, r0, flags, c->ret_types, c->ret_type_id);
		return E_OK;
	}
	if (!btf_size(b, c->ret_type_id, &size) || size > UINT32_MAX)
		KREJECT(v, NO_TYPE, "unable to resolve the size of type '%s'", t->name);
	ret_mem(v, r0, flags, (uint32_t)size);
	return E_OK;
}

static FALLIBLE ret_kernel_object(struct kverifier *v, struct kreg *r0, const struct kcall *c)
{
	uint32_t flags = c->proto->ret.flags, id;

	if (c->id == HELPER_KPTR_XCHG) {
		KENSURE(v, c->kptr);
		if (c->kptr->types == KTYPES_OBJECT)
			flags |= KF_ALLOC | (c->kptr->kind == KFIELD_KPTR_PERCPU ? KF_PERCPU : 0);
		ret_object(v, r0, flags, c->kptr->types, c->kptr->type_id);
		return E_OK;
	}
	if (!v->o->kernel_types)
		KUNSUPPORTED(v, "the kernel's types are not known");
	id = c->proto->ret.btf ? ktypes_struct(v, c->proto->ret.btf) : 0;
	if (!id)
		KREJECT(v, NO_TYPE, "invalid return type of func bpf_%s#%u", c->proto->name, c->id);
	ret_object(v, r0, flags, KTYPES_KERNEL, id);
	return E_OK;
}

static FALLIBLE set_r0(struct kverifier *v, struct kreg *r0, const struct kcall *c)
{
	uint32_t flags = c->proto->ret.flags;

	switch ((enum kernel_ret)c->proto->ret.base) {
	case KRET_INTEGER:
		kreg_scalar_unknown(&v->rules, r0);
		return E_OK;
	case KRET_VOID:
		kreg_none(&v->rules, r0);
		return E_OK;
	case KRET_MAP_VALUE:
		return ret_map_value(v, r0, c);
	case KRET_SOCKET:
		kreg_pointer(&v->rules, r0, KR_SOCKET, flags);
		return E_OK;
	case KRET_TCP_SOCK:
		kreg_pointer(&v->rules, r0, KR_TCP_SOCK, flags);
		return E_OK;
	case KRET_SOCK_COMMON:
		kreg_pointer(&v->rules, r0, KR_SOCK_COMMON, flags);
		return E_OK;
	case KRET_MEM:
		ret_mem(v, r0, flags, c->mem_size);
		return E_OK;
	case KRET_MEM_OR_BTF_ID:
		return ret_variable(v, r0, c);
	case KRET_BTF_ID:
		return ret_kernel_object(v, r0, c);
	case KRET_N:
		break;
	}
	KENSURE(v, c->proto->ret.base < KRET_N);
	return E_OK;
}

/* ---- references ---- */

static bool is_cast(uint32_t id)
{
	switch (id) {
	case HELPER_TCP_SOCK:
	case HELPER_SK_FULLSOCK:
	case HELPER_SKC_TO_TCP_SOCK:
	case HELPER_SKC_TO_TCP6_SOCK:
	case HELPER_SKC_TO_UDP6_SOCK:
	case HELPER_SKC_TO_MPTCP_SOCK:
	case HELPER_SKC_TO_TCP_TIMEWAIT_SOCK:
	case HELPER_SKC_TO_TCP_REQUEST_SOCK:
		return true;
	default:
		return false;
	}
}

static bool acquires(const struct kcall *c)
{
	uint32_t kind = c->map_def ? c->map_def->kind : 0;

	switch (c->id) {
	case HELPER_SK_LOOKUP_TCP:
	case HELPER_SK_LOOKUP_UDP:
	case HELPER_SKC_LOOKUP_TCP:
	case HELPER_RINGBUF_RESERVE:
	case HELPER_KPTR_XCHG:
		return true;
	case HELPER_MAP_LOOKUP_ELEM:
		return kind == MAP_SOCKMAP || kind == MAP_SOCKHASH;
	default:
		return false;
	}
}

/* 7.2: a cast of what is held is NULL or the same object: two paths, so that its id can be the reference's. */
static FALLIBLE fork_cast(struct kverifier *v, struct kreg *r0, const struct kcall *c)
{
	struct kverify_state *s;

	KENSURE(v, c->n_refs <= 1);
	TRY(kwalk_push(v, v->at + 1, v->at, &s));
	kreg_scalar_const(&v->rules, &kframe_cur(s)->r[0], 0);
	r0->flags &= ~(uint32_t)KF_OR_NULL;
	r0->id = c->ref_id;
	return E_OK;
}

static FALLIBLE refer(struct kverifier *v, struct kreg *r0, const struct kcall *c)
{
	bool by_id = khas(v, KERNEL_REF_BY_ID);
	uint32_t id;

	if (by_id && is_cast(c->id) && kref_held(v, c->ref_id)) {
		TRY(fork_cast(v, r0, c));
	} else if (!by_id && (is_cast(c->id) || c->id == HELPER_DYNPTR_DATA)) {
		r0->ref_id = c->ref_id;
	} else if (acquires(c)) {
		TRY(kref_take(v, KREF_PTR, &id));
		r0->id = id;
		r0->ref_id = by_id ? 0 : id;
	}
	if (c->id == HELPER_DYNPTR_DATA && khas(v, KERNEL_DYNPTR_SLICES))
		r0->parent_id = c->dynptr_id;
	return E_OK;
}

/* ---- what is known of a number ---- */

enum { CPUS_MAX = 8192 }; /* of the kernels that distributions build; nr_cpu_ids of a machine is less */

static void bound(struct kverifier *v, struct kreg *r0, int64_t min, int64_t max)
{
	knum_bound_s64(&v->rules, &r0->n, min, max);
	knum_bound_s32(&v->rules, &r0->n, (int32_t)min, (int32_t)max);
}

static void refine_retval(struct kverifier *v, struct kreg *r0)
{
	struct kernel_target t = v->o->target;
	struct kernel_ret_range r = { .have = true, .min = -KMAX_ERRNO, .max = 0 };

	if (!khas(v, KERNEL_RETVAL_RANGE) ||
	    (t.prog_type == KPROG_CGROUP_SOCKOPT && t.attach_type == KATTACH_CGROUP_GETSOCKOPT))
		return;
	if (t.prog_type == KPROG_LSM && t.attach_type == KATTACH_LSM_CGROUP) {
		t.attach_type = KATTACH_LSM_MAC;
		r = kernel_ret_range(v->k, &t);
	}
	if (r.have)
		bound(v, r0, r.min, r.max);
}

static FALLIBLE refine(struct kverifier *v, struct kreg *r0, const struct kcall *c)
{
	switch (c->id) {
	case HELPER_GET_TASK_STACK:
		if (!khas(v, KERNEL_TASK_STACK_RANGE))
			return E_OK;
		bound(v, r0, -KMAX_ERRNO, (int64_t)c->size_max);
		return E_OK;
	case HELPER_GET_STACK:
	case HELPER_PROBE_READ_STR:
	case HELPER_PROBE_READ_KERNEL_STR:
	case HELPER_PROBE_READ_USER_STR:
		bound(v, r0, -KMAX_ERRNO, (int64_t)c->size_max);
		return E_OK;
	case HELPER_GET_SMP_PROCESSOR_ID:
		if (khas(v, KERNEL_CPU_ID_RANGE))
			bound(v, r0, 0, (int64_t)(v->o->cpus ? v->o->cpus : CPUS_MAX) - 1);
		return E_OK;
	case HELPER_GET_RETVAL:
		refine_retval(v, r0);
		return E_OK;
	default:
		return E_OK;
	}
}

FALLIBLE khelper_result(struct kverifier *v, struct kframe *f, struct kcall *c)
{
	struct kreg *r0 = &f->r[0];

	/* A callback that is followed at once has a frame of its own by now. */
	if (f == kframe_cur(&v->cur))
		TRY(kcall_scratch(v));
	else
		kcall_clear_caller_saved(v, f);
	TRY(set_r0(v, r0, c));
	if (r0->flags & KF_OR_NULL)
		r0->id = kid_fresh(v);
	TRY(refer(v, r0, c));
	return c->proto->ret.base == KRET_INTEGER ? refine(v, r0, c) : E_OK;
}
