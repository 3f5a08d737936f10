/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kfunc_ret: what a kernel function gives back.
 *
 * Its type says it, but where the function is one that the verifier knows by name. Linux:
 * kernel/bpf/verifier.c:check_kfunc_call (from "Check return type" on), check_special_kfunc, v6.1, v6.12, v7.2.
 */
#include "engine/kverify/kfunc.h"

static void object(struct kverifier *v, struct kreg *r0, enum ktypes types, uint32_t id, uint32_t flags)
{
	kreg_pointer(&v->rules, r0, KR_BTF_ID, flags);
	r0->types = types;
	r0->type_id = id;
}

/* ---- known by name ---- */

static FALLIBLE new_object(struct kverifier *v, const struct kfcall *k, struct kreg *r0)
{
	enum { PERCPU_MAX = 512 };
	bool percpu = k->f->special == KS_PERCPU_NEW;
	const struct btf *b = v->o->types;
	const struct btf_type *t;
	uint32_t id;

	if (k->constant > UINT32_MAX)
		KREJECT(v, KFUNC_TYPE_ID, "local type ID argument must be in range [0, U32_MAX]");
	id = (uint32_t)k->constant;
	if (!b)
		KREJECT(v, KFUNC_NO_TYPES, "bpf_obj_new/bpf_percpu_obj_new requires prog BTF");
	t = id < b->n_types ? btf_get(b, id) : NULL;
	if (!t || t->kind != BTF_STRUCT)
		KREJECT(v, KFUNC_TYPE_ID, "bpf_obj_new/bpf_percpu_obj_new type ID argument must be of a struct");
	if (percpu && t->size > PERCPU_MAX)
		KREJECT(v, KFUNC_PERCPU_SIZE, "bpf_percpu_obj_new type size (%u) is greater than %d", t->size,
			PERCPU_MAX);
	if (percpu && !kbtf_is_plain_struct(b, t, 0))
		KREJECT(v, KFUNC_TYPE_ID, "bpf_percpu_obj_new type ID argument must be of a struct of scalars");
	if (percpu && ktypes_record(v, id))
		KREJECT(v, KFUNC_TYPE_ID, "bpf_percpu_obj_new type ID argument must not contain special fields");
	object(v, r0, KTYPES_OBJECT, id, KF_ALLOC | (percpu ? KF_PERCPU : 0));
	return E_OK;
}

static FALLIBLE cast(struct kverifier *v, const struct kfcall *k, struct kreg *r0)
{
	uint32_t id = k->constant < k->b->n_types ? (uint32_t)k->constant : UINT32_MAX;
	const struct btf_type *t = id == UINT32_MAX ? NULL : btf_get(k->b, id);

	if (t && kbtf_is_struct(t)) {
		object(v, r0, KTYPES_KERNEL, id, KF_UNTRUSTED);
		return E_OK;
	}
	if (!khas(v, KERNEL_MEM_UNTRUSTED))
		KREJECT(v, KFUNC_TYPE_ID, "kfunc bpf_rdonly_cast type ID argument must be of a struct");
	if (!t)
		KREJECT(v, KFUNC_TYPE_ID, "Unknown type ID %llu passed to kfunc bpf_rdonly_cast",
			(unsigned long long)k->constant);
	if (t->kind != BTF_VOID)
		KREJECT(v, KFUNC_TYPE_ID, "kfunc bpf_rdonly_cast type ID argument must be of a struct or void");
	kreg_pointer(&v->rules, r0, KR_MEM, KF_RDONLY | KF_UNTRUSTED);
	return E_OK;
}

static FALLIBLE slice(struct kverifier *v, const struct kfcall *k, struct kreg *r0)
{
	uint32_t flags = k->source_kind;

	KENSURE(v, k->has_constant && k->c.dynptr_id);
	if (k->f->special == KS_SLICE) {
		flags |= KF_RDONLY;
	} else {
		if (!kernel_packet_write(v->k, &v->o->target))
			KREJECT(v, KFUNC_PACKET, "the prog does not allow writes to packet data");
		v->seen_direct_write = true;
	}
	kreg_pointer(&v->rules, r0, KR_MEM, flags);
	r0->mem_size = (uint32_t)k->constant;
	r0->parent_id = k->c.dynptr_id;
	return E_OK;
}

/* *known: R0 is set. */
static FALLIBLE by_name(struct kverifier *v, const struct kfcall *k, const struct btf_type *to, struct kreg *r0,
			bool *known)
{
	bool node = to->kind == BTF_STRUCT && (!strcmp(to->name, "bpf_rb_node") || !strcmp(to->name, "bpf_list_node"));

	*known = true;
	if (node && kkfunc_is_graph(k->f->special)) {
		KENSURE(v, k->root);
		kgraph_node_reg(v, r0, k->root);
		return E_OK;
	}
	switch (k->f->special) {
	case KS_OBJ_NEW:
	case KS_PERCPU_NEW:
		return new_object(v, k, r0);
	case KS_REFCOUNT_ACQUIRE:
		object(v, r0, (enum ktypes)k->obj_types, k->obj_id, KF_ALLOC);
		return E_OK;
	case KS_CAST_KERN_CTX:
		object(v, r0, KTYPES_KERNEL, k->ctx_id, KF_TRUSTED);
		return E_OK;
	case KS_RDONLY_CAST:
		return cast(v, k, r0);
	case KS_SLICE:
	case KS_SLICE_RDWR:
		return slice(v, k, r0);
	default:
		*known = false;
		return E_OK;
	}
}

/* ---- by type ---- */

static FALLIBLE memory(struct kverifier *v, struct kfcall *k, const struct btf_type *ptr, struct kreg *r0)
{
	const struct btf_type *to = kfc_type(k, ptr->type);
	uint64_t size;

	if (k->f->special == KS_SESSION_COOKIE)
		k->r0_size = sizeof(uint64_t);
	if (!k->r0_size && khas(v, KERNEL_KFUNC_META) && btf_size(k->b, ptr->type, &size)) {
		k->r0_size = size;
		k->r0_rdonly = true;
	}
	if (!k->r0_size)
		KREJECT(v, KFUNC_RETURN, "kernel function %s returns pointer type %s %s is not supported", k->f->name,
			kbtf_kind_name(to), to->name);
	kreg_pointer(&v->rules, r0, KR_MEM, k->r0_rdonly ? KF_RDONLY : 0);
	r0->mem_size = (uint32_t)k->r0_size;
	if (khas(v, KERNEL_REF_BY_ID)) {
		KENSURE(v, k->c.n_refs <= 1);
		r0->parent_id = k->c.ref_id;
		r0->flags |= kfc_is(k, KK_RCU_PROTECTED) ? KF_RCU : 0;
	} else {
		r0->ref_id = k->c.ref_id;
	}
	return E_OK;
}

static uint32_t trust_of(const struct kverifier *v, const struct kfcall *k)
{
	bool next = kfc_is(k, KK_ITER_NEXT);
	bool rcu = next && v->cur.frame[k->iter_frame]->slots[k->iter_spi].reg.flags & KF_RCU;

	if (k->f->special == KS_KMEM_CACHE)
		return KF_UNTRUSTED;
	if (rcu || (kfc_is(k, KK_RCU_PROTECTED) && khas(v, KERNEL_KFUNC_NEEDS_RCU)))
		return KF_RCU;
	return next || khas(v, KERNEL_KFUNC_RET_TRUSTED) ? KF_TRUSTED : 0;
}

static FALLIBLE pointer(struct kverifier *v, struct kfcall *k, const struct btf_type *ptr, struct kreg *r0)
{
	const struct btf_type *to = kfc_type(k, ptr->type);
	bool known;

	TRY(by_name(v, k, to, r0, &known));
	if (known)
		return E_OK;
	if (to->kind == BTF_VOID && khas(v, KERNEL_KFUNC_META)) {
		kreg_scalar_unknown(&v->rules, r0);
		return E_OK;
	}
	if (!kbtf_is_struct(to))
		return memory(v, k, ptr, r0);
	object(v, r0, KTYPES_KERNEL, btf_skip(k->b, ptr->type), trust_of(v, k));
	return E_OK;
}

/* ---- NULL and references ---- */

static bool may_be_null(const struct kfcall *k)
{
	return kfc_is(k, KK_RET_NULL) && !(k->f->special == KS_REFCOUNT_ACQUIRE && k->owned);
}

static bool gives_borrowed(const struct kverifier *v, const struct kfcall *k, const struct btf_type *to)
{
	bool node = to->kind == BTF_STRUCT && (!strcmp(to->name, "bpf_rb_node") || !strcmp(to->name, "bpf_list_node"));

	(void)v;
	return node && kkfunc_is_graph(k->f->special);
}

static FALLIBLE refer(struct kverifier *v, const struct kfcall *k, const struct btf_type *ptr, struct kreg *r0)
{
	bool by_id = khas(v, KERNEL_REF_BY_ID), null = may_be_null(k);
	const struct kmap *m;
	uint32_t id;

	if (null) {
		r0->flags |= KF_OR_NULL;
		r0->id = kid_fresh(v);
	}
	if (kfc_is(k, KK_ACQUIRE)) {
		TRY(kref_take(v, KREF_PTR, &id));
		if (null || by_id || !khas(v, KERNEL_KFUNC_META))
			r0->id = id;
		r0->ref_id = by_id ? 0 : id;
	} else if (gives_borrowed(v, k, kfc_type(k, ptr->type))) {
		TRY(kreg_borrow(v, r0));
	}
	m = r0->base == KR_BTF_ID && r0->types == KTYPES_OBJECT ? ktypes_record(v, r0->type_id) : NULL;
	if (m && (m->spin_lock_off >= 0 || m->res_spin_lock_off >= 0) && !r0->id)
		r0->id = kid_fresh(v);
	return E_OK;
}

static FALLIBLE check_acquires(struct kverifier *v, const struct kfcall *k, const struct btf_type *t)
{
	bool object = t->kind == BTF_PTR && kbtf_is_struct(kfc_type(k, t->type));
	enum kspecial s = k->f->special;

	if (kfc_is(k, KK_ACQUIRE) && !object && s != KS_OBJ_NEW && s != KS_PERCPU_NEW && s != KS_REFCOUNT_ACQUIRE)
		KREJECT(v, KFUNC_RETURN, "acquire kernel function does not return PTR_TO_BTF_ID");
	return E_OK;
}

FALLIBLE kkfunc_result(struct kverifier *v, struct kfcall *k)
{
	struct kframe *f = kframe_cur(&v->cur);
	const struct btf_type *t = kfc_type(k, k->f->proto->type);
	struct kreg *r0 = &f->r[0];

	kcall_clear_caller_saved(v, f);
	TRY(check_acquires(v, k, t));
	if (t->kind == BTF_VOID)
		return E_OK;
	TRY(kreg_write(v, 0, false));
	if (kbtf_is_scalar(t)) {
		kreg_scalar_unknown(&v->rules, r0);
		if (k->f->special == KS_RES_LOCK || k->f->special == KS_RES_LOCK_IRQ)
			kreg_scalar_const(&v->rules, r0, 0);
		return E_OK;
	}
	KENSURE(v, t->kind == BTF_PTR);
	TRY(pointer(v, k, t, r0));
	return refer(v, k, t, r0);
}
