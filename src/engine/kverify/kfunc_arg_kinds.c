/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kfunc_arg_kinds: an argument of a kernel function, by its kind: is the register what it asks for, and what does the
 * call learn?
 *
 * Linux: kernel/bpf/verifier.c:check_kfunc_args (its second switch), process_kf_arg_ptr_to_btf_id, v6.12, v7.2.
 */
#include "engine/kverify/kfunc_args.h"

/* ---- the context ---- */

/* The type of the context as the kernel has it: struct bpf_ctx_convert lists them by program type. Linux:
 * get_kern_ctx_btf_id */
static FALLIBLE find_kernel_context(struct kverifier *v, struct kfcall *k)
{
	const char *type = kernel_prog_type_name(v->o->target.prog_type);
	uint32_t id = ktypes_struct(v, "bpf_ctx_convert");
	const struct btf_type *t = btf_get(k->b, id);
	char name[80];
	int n = snprintf(name, sizeof name, "BPF_PROG_TYPE_%s_kern", type ? type : "");

	for (int i = 14; i + 5 < n && (size_t)i < sizeof name; i++)
		if (name[i] >= 'a' && name[i] <= 'z')
			name[i] = (char)(name[i] - 'a' + 'A');
	for (uint32_t i = 0; id && i < t->n; i++)
		if (!strcmp(t->members[i].name, name) && btf_get(k->b, t->members[i].type)->kind == BTF_STRUCT) {
			k->ctx_id = t->members[i].type;
			return E_OK;
		}
	KREJECT(v, KFUNC_NO_CONTEXT, "kern ctx type id is not a struct");
}

static FALLIBLE arg_context(struct kverifier *v, struct kfcall *k, unsigned arg)
{
	const struct kreg *reg = kreg_at(v, arg + 1);

	if (!kreg_is_plain(reg, KR_CTX))
		KREJECT_REG(v, KFUNC_CTX, arg + 1, "arg#%u expected pointer to ctx, but got %s", arg,
			    kreg_type_text(v, reg));
	return k->f->special == KS_CAST_KERN_CTX ? find_kernel_context(v, k) : E_OK;
}

/* ---- objects ---- */

/* "nf_conn" and "nf_conn___init" are alike but for what may be done with them. Linux: btf_type_ids_nocast_alias */
static bool is_alias(const char *a, const char *b)
{
	static const char suffix[] = "___init";
	size_t n = strlen(a), m = strlen(b), s = sizeof suffix - 1;

	if (n + s == m)
		return !strncmp(a, b, n) && !strcmp(b + n, suffix);
	return m + s == n && !strncmp(a, b, m) && !strcmp(a + m, suffix);
}

static bool is_shown_as(const char *shown, const char *name)
{
	return (!strcmp(shown, "__sk_buff") && !strcmp(name, "sk_buff")) ||
	       (!strcmp(shown, "xdp_md") && !strcmp(name, "xdp_buff"));
}

FALLIBLE kkfunc_object(struct kverifier *v, const struct kfcall *k, unsigned arg, uint32_t need, bool strict)
{
	const struct kreg *reg = kreg_at(v, arg + 1);
	bool object = reg->base == KR_BTF_ID;
	enum ktypes types = object ? (enum ktypes)reg->types : KTYPES_KERNEL;
	uint32_t id = object ? reg->type_id : kreg_kernel_type(v, reg);
	const struct btf_type *want = btf_get(k->b, need), *have;

	KENSURE(v, ktypes_btf(v, types));
	have = btf_get(ktypes_btf(v, types), btf_skip(ktypes_btf(v, types), id));
	strict |= khas(v, KERNEL_KFUNC_META) && is_alias(have->name, want->name);
	if (khas(v, KERNEL_KFUNC_META) && is_shown_as(want->name, have->name))
		return E_OK;
	if (ktypes_match(v, types, id, (uint32_t)kreg_off(reg), KTYPES_KERNEL, need, strict))
		return E_OK;
	KREJECT_REG(v, KFUNC_OBJECT, arg + 1,
		    "kernel function %s args#%u expected pointer to %s %s but R%u has a pointer to %s %s", k->f->name,
		    arg, kbtf_kind_name(want), want->name, arg + 1, kbtf_kind_name(have), have->name);
}

static FALLIBLE arg_object(struct kverifier *v, const struct kfcall *k, unsigned arg, bool map)
{
	enum { SAFE = KF_ALLOC | KF_TRUSTED | KF_NON_OWN_REF };
	const struct btf_type *ptr = kfc_type(k, k->f->proto->params[arg].type);
	const struct kreg *reg = kreg_at(v, arg + 1);
	uint32_t need = map ? ktypes_struct(v, "bpf_map") : btf_skip(k->b, ptr->type);
	bool object = reg->base == KR_BTF_ID && (!(reg->flags & ~(uint32_t)SAFE) || reg->flags & KF_RCU);

	if (!object && !kreg_has_kernel_type(v, reg))
		KREJECT_REG(v, KFUNC_SOCKET, arg + 1, "arg#%u is %s expected ptr_ or socket", arg,
			    kreg_type_text(v, reg));
	return kkfunc_object(v, k, arg, need, kfc_is(k, KK_RELEASE) && kref_of(v, reg));
}

FALLIBLE kkfunc_map(struct kverifier *v, struct kfcall *k, unsigned arg)
{
	const struct kreg *reg = kreg_at(v, arg + 1);
	const struct kmap *m = reg->base == KR_MAP || reg->base == KR_MAP_VALUE ? kreg_map(v, reg) : NULL;

	if (!m && reg->base != KR_BTF_ID)
		KREJECT_REG(v, KFUNC_MAP, arg + 1, "pointer in R%u isn't map pointer", arg + 1);
	if (!m)
		return E_OK;
	if (k->c.map >= 0 && (m->wq_off >= 0 || m->task_work_off >= 0) &&
	    ((uint32_t)k->c.map != reg->map || k->c.map_uid != reg->map_uid))
		KREJECT_REG(v, KFUNC_MAP_OTHER, arg + 1, "%s map_uid=%u doesn't match map pointer in R%u map_uid=%u",
			    m->task_work_off >= 0 ? "bpf_task_work pointer in R2" : "workqueue pointer in R1",
			    k->c.map_uid, arg + 1, reg->map_uid);
	k->c.map = (int32_t)reg->map;
	k->c.map_uid = reg->map_uid;
	return E_OK;
}

/* ---- what the program allocated ---- */

static FALLIBLE arg_own_object(struct kverifier *v, struct kfcall *k, unsigned arg)
{
	const struct kreg *reg = kreg_at(v, arg + 1);

	if (reg->base != KR_BTF_ID || (reg->flags & ~(uint32_t)KF_PERCPU) != KF_ALLOC)
		KREJECT_REG(v, OWN_POINTER, arg + 1, "arg#%u expected pointer to allocated object", arg);
	if (reg->flags == KF_ALLOC && k->f->special != KS_OBJ_DROP)
		KREJECT_REG(v, OWN_KIND, arg + 1, "arg#%u expected for bpf_obj_drop()", arg);
	if (reg->flags != KF_ALLOC && k->f->special != KS_PERCPU_DROP)
		KREJECT_REG(v, OWN_KIND, arg + 1, "arg#%u expected for bpf_percpu_obj_drop()", arg);
	if (!kref_of(v, reg))
		KREJECT_REG(v, OWN_REF, arg + 1, "allocated object must be referenced");
	k->obj_types = reg->types;
	k->obj_id = reg->type_id;
	return E_OK;
}

static FALLIBLE arg_refcounted(struct kverifier *v, struct kfcall *k, unsigned arg)
{
	const struct kreg *reg = kreg_at(v, arg + 1);
	bool borrowed = reg->flags & KF_NON_OWN_REF, counted = false;
	const struct kmap *m;

	if (reg->base != KR_BTF_ID || !(reg->flags & KF_ALLOC))
		KREJECT_REG(v, REFCOUNT_POINTER, arg + 1, "arg#%u is neither owning or non-owning ref", arg);
	k->owned = !borrowed && (!khas(v, KERNEL_REF_BY_ID) || kref_of(v, reg));
	m = ktypes_record(v, reg->type_id);
	for (uint32_t i = 0; m && i < m->n_kptrs; i++)
		counted |= m->kptrs[i].kind == KFIELD_REFCOUNT;
	if (!counted)
		KREJECT_REG(v, REFCOUNT_FIELD, arg + 1, "arg#%u doesn't point to a type with bpf_refcount field", arg);
	k->obj_types = reg->types;
	k->obj_id = reg->type_id;
	return E_OK;
}

/* ---- dynptrs ---- */

static uint32_t new_dynptr_kind(const struct kfcall *k)
{
	switch (k->f->special) {
	case KS_DYNPTR_SKB:
		return KF_DYNPTR_SKB;
	case KS_DYNPTR_SKB_META:
		return KF_DYNPTR_SKB_META;
	case KS_DYNPTR_XDP:
		return KF_DYNPTR_XDP;
	case KS_DYNPTR_FILE:
		return KF_DYNPTR_FILE;
	case KS_DYNPTR_CLONE:
		return k->source_kind;
	default:
		return 0;
	}
}

static FALLIBLE make_dynptr(struct kverifier *v, struct kfcall *k, unsigned r)
{
	uint32_t kind = new_dynptr_kind(k), ref = 0, parent = 0;
	bool by_id = khas(v, KERNEL_REF_BY_ID), clone = k->f->special == KS_DYNPTR_CLONE;

	if (clone && by_id) {
		parent = k->source_parent;
		ref = kind & (KF_DYNPTR_RINGBUF | KF_DYNPTR_FILE) ? parent : 0;
	} else if (clone) {
		ref = k->source_ref;
	} else if (by_id) {
		KENSURE(v, k->c.n_refs <= 1);
		parent = k->c.ref_id;
	}
	return kdynptr_new(v, r, KF_UNINIT | kind, ref, parent);
}

static FALLIBLE arg_dynptr(struct kverifier *v, struct kfcall *k, unsigned arg)
{
	unsigned r = arg + 1;
	const struct kreg *reg = kreg_at(v, r), *d;
	uint32_t flags = 0;

	if (reg->base == KR_DYNPTR && !khas(v, KERNEL_REF_BY_ID))
		flags |= KF_RDONLY;
	if (kparam_ends(&k->f->proto->params[arg], "__uninit"))
		return make_dynptr(v, k, r);
	if (k->f->special == KS_FILE_DISCARD)
		flags |= KF_DYNPTR_FILE | KF_RELEASE;
	TRY(kdynptr_arg(v, r, v->at, flags, 0));
	d = kdynptr_of(v, r);
	KENSURE(v, d);
	k->c.dynptr_id = d->id;
	k->source_kind = d->dynptr;
	k->source_ref = d->ref_id;
	k->source_parent = d->parent_id;
	return E_OK;
}

/* ---- memory ---- */

static FALLIBLE arg_memory(struct kverifier *v, const struct kfcall *k, unsigned arg)
{
	const struct btf_type *ptr = kfc_type(k, k->f->proto->params[arg].type);
	uint64_t size;

	if (!btf_size(k->b, ptr->type, &size) || size > UINT32_MAX)
		KREJECT_REG(v, KFUNC_SIZE, arg + 1, "arg#%u reference type('%s %s') size cannot be determined", arg,
			    kbtf_kind_name(kfc_type(k, ptr->type)), kfc_type(k, ptr->type)->name);
	return kcheck_mem_reg(v, arg + 1, (uint32_t)size);
}

static FALLIBLE arg_sized_memory(struct kverifier *v, struct kfcall *k, unsigned arg)
{
	const struct btf_param *p = &k->f->proto->params[arg];
	bool optional = kparam_ends(p, "__opt") || (khas(v, KERNEL_KFUNC_ARGS_TRUSTED) && kparam_ends(p, "__nullable"));

	if (!optional || !kreg_is_null(kreg_at(v, arg + 1)))
		TRY(kcheck_kfunc_mem_size(v, arg + 2));
	return kparam_ends(p + 1, "__szk") ? kkfunc_size_const(v, k, arg + 2) : E_OK;
}

/* ---- fields of map values ---- */

static FALLIBLE check_map_value(struct kverifier *v, unsigned arg)
{
	if (!kreg_is_plain(kreg_at(v, arg + 1), KR_MAP_VALUE))
		KREJECT_REG(v, KFUNC_MAP_VALUE, arg + 1, "arg#%u doesn't point to a map value", arg);
	return E_OK;
}

/* Linux: check_map_field_pointer, v7.2; process_wq_func, v6.12 */
static FALLIBLE arg_map_field(struct kverifier *v, struct kfcall *k, unsigned arg, uint32_t kind)
{
	const struct kreg *reg = kreg_at(v, arg + 1);
	const struct kmap *m;
	int32_t at;

	TRY(check_map_value(v, arg));
	m = kreg_map(v, reg);
	KENSURE(v, m && k->c.map < 0);
	if (!knum_is_const(&reg->n))
		KREJECT_REG(v, FIELD_NOT_CONST, arg + 1,
			    "R%u doesn't have constant offset. %s has to be at the constant offset", arg + 1,
			    kfield_name(kind));
	at = kind == KFIELD_WQ ? m->wq_off : kind == KFIELD_TIMER ? m->timer_off : m->task_work_off;
	if (at < 0)
		KREJECT_REG(v, NO_FIELD, arg + 1, "map '%s' has no valid %s", kmap_name(m->m), kfield_name(kind));
	if (at != kreg_off(reg))
		KREJECT_REG(v, FIELD_OFFSET, arg + 1, "off %lld doesn't point to 'struct %s' that is at %d",
			    (long long)kreg_off(reg), kfield_name(kind), at);
	k->c.map = (int32_t)reg->map;
	k->c.map_uid = reg->map_uid;
	return E_OK;
}

/* ---- others ---- */

static FALLIBLE arg_string(struct kverifier *v, unsigned arg)
{
	if (!kreg_is_plain(kreg_at(v, arg + 1), KR_MAP_VALUE))
		KREJECT_REG(v, KFUNC_MAP_VALUE, arg + 1, "arg#%u doesn't point to a const string", arg);
	return kcheck_const_str(v, arg + 1);
}

static FALLIBLE arg_callback(struct kverifier *v, struct kfcall *k, unsigned arg)
{
	if (!kreg_is_plain(kreg_at(v, arg + 1), KR_FUNC))
		KREJECT_REG(v, KFUNC_FUNC, arg + 1, "arg%u expected pointer to func", arg);
	k->c.func = kreg_at(v, arg + 1)->func;
	return E_OK;
}

static FALLIBLE arg_res_lock(struct kverifier *v, const struct kfcall *k, unsigned arg)
{
	const struct kreg *reg = kreg_at(v, arg + 1);
	enum kspecial s = k->f->special;

	if (kin_rbtree_callback(v))
		KREJECT_REG(v, LOCK_IN_RBTREE, arg + 1, "can't res_spin_{lock,unlock} in rbtree cb");
	if (!kreg_is_plain(reg, KR_MAP_VALUE) && !(reg->base == KR_BTF_ID && reg->flags == KF_ALLOC))
		KREJECT_REG(v, KFUNC_MAP_VALUE, arg + 1, "arg#%u doesn't point to map value or allocated object", arg);
	return klock_arg(v, arg + 1, s == KS_RES_LOCK || s == KS_RES_LOCK_IRQ,
			 s == KS_RES_LOCK_IRQ || s == KS_RES_UNLOCK_IRQ, true);
}

FALLIBLE kkfunc_pointer(struct kverifier *v, struct kfcall *k, unsigned arg, enum kfarg kind)
{
	switch (kind) {
	case KFA_CTX:
		return arg_context(v, k, arg);
	case KFA_OWN_OBJECT:
		return arg_own_object(v, k, arg);
	case KFA_REFCOUNTED:
		return arg_refcounted(v, k, arg);
	case KFA_DYNPTR:
		return arg_dynptr(v, k, arg);
	case KFA_ITER:
		return kiter_arg(v, k, arg);
	case KFA_LIST_HEAD:
		return kgraph_root_arg(v, k, arg, KFIELD_LIST_HEAD);
	case KFA_RB_ROOT:
		return kgraph_root_arg(v, k, arg, KFIELD_RB_ROOT);
	case KFA_LIST_NODE:
		return kgraph_node_arg(v, k, arg, KFIELD_LIST_NODE);
	case KFA_RB_NODE:
		return kgraph_node_arg(v, k, arg, KFIELD_RB_NODE);
	case KFA_MAP:
	case KFA_OBJECT:
		return arg_object(v, k, arg, kind == KFA_MAP);
	case KFA_MEM:
		return arg_memory(v, k, arg);
	case KFA_MEM_SIZE:
		return arg_sized_memory(v, k, arg);
	case KFA_CALLBACK:
		return arg_callback(v, k, arg);
	case KFA_STR:
		return arg_string(v, arg);
	case KFA_WQ:
		return arg_map_field(v, k, arg, KFIELD_WQ);
	case KFA_TASK_WORK:
		return arg_map_field(v, k, arg, KFIELD_TASK_WORK);
	case KFA_TIMER:
		return arg_map_field(v, k, arg, KFIELD_TIMER);
	case KFA_IRQ_FLAG:
		return kirq_arg(v, k, arg + 1);
	case KFA_RES_LOCK:
		return arg_res_lock(v, k, arg);
	case KFA_NONE:
	case KFA_NULL:
		break;
	}
	KENSURE(v, kind != KFA_NONE && kind != KFA_NULL);
	return E_OK;
}
