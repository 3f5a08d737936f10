/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph: lists and trees of objects that the program allocated, in the values of maps or in such objects.
 *
 * A list or tree is touched only while the lock is held that lies in the same allocation. What goes in is not the
 * program's any longer, but may still be read until the lock is released; what is taken out is the program's again.
 *
 * Linux: kernel/bpf/verifier.c:__process_kf_arg_ptr_to_graph_root, __process_kf_arg_ptr_to_graph_node,
 * ref_convert_owning_non_owning, set_rbtree_add_callback_state, v6.12, v7.2.
 */
#include "engine/kverify/kfunc.h"

/* ---- arguments ---- */

static bool is_owned_object(const struct kreg *r)
{
	return r->base == KR_BTF_ID && r->flags == KF_ALLOC;
}

static const struct kmap *fields_of(struct kverifier *v, const struct kreg *r)
{
	return r->base == KR_MAP_VALUE ? kreg_map(v, r) : ktypes_record(v, r->type_id);
}

static const struct kfield *field_at(const struct kmap *m, int64_t off, uint32_t kind)
{
	const struct kfield *f = m && off >= 0 && off <= UINT32_MAX ? kmap_field(m, (uint32_t)off) : NULL;

	return f && f->kind == kind ? f : NULL;
}

static FALLIBLE check_constant(struct kverifier *v, unsigned r, uint32_t kind)
{
	if (!knum_is_const(&kreg_at(v, r)->n))
		KREJECT_REG(v, FIELD_NOT_CONST, r,
			    "R%u doesn't have constant offset. %s has to be at the constant offset", r,
			    kfield_name(kind));
	return E_OK;
}

FALLIBLE kgraph_root_arg(struct kverifier *v, struct kfcall *k, unsigned arg, uint32_t kind)
{
	const struct kreg *reg = kreg_at(v, arg + 1);
	const struct kfield *f;
	const struct kmap *m;

	if (!kreg_is_plain(reg, KR_MAP_VALUE) && !is_owned_object(reg))
		KREJECT_REG(v, GRAPH_ROOT, arg + 1, "arg#%u expected pointer to map value or allocated object", arg);
	if (is_owned_object(reg) && !kref_of(v, reg))
		KREJECT_REG(v, OWN_REF, arg + 1, "allocated object must be referenced");
	TRY(check_constant(v, arg + 1, kind));
	m = fields_of(v, reg);
	f = field_at(m, kreg_off(reg), kind);
	if (!f)
		KREJECT_REG(v, GRAPH_PLACE, arg + 1, "%s not found at offset=%lld", kfield_name(kind),
			    (long long)kreg_off(reg));
	if (!klock_guards(v, reg))
		KREJECT_REG(v, GRAPH_UNLOCKED, arg + 1, "bpf_spin_lock at off=%d must be held for %s", m->spin_lock_off,
			    kfield_name(kind));
	KENSURE(v, !k->root);
	k->root = f;
	return E_OK;
}

/* Is the program allowed to name this node here? */
static FALLIBLE check_node_owner(struct kverifier *v, const struct kfcall *k, unsigned arg, uint32_t kind)
{
	const struct kreg *reg = kreg_at(v, arg + 1);
	bool borrowed = reg->flags & KF_NON_OWN_REF, held = kref_of(v, reg);

	if (kind == KFIELD_RB_NODE && k->f->special != KS_RBTREE_ADD) {
		if (khas(v, KERNEL_RBTREE_REFCOUNTED) ? !borrowed && !held : !borrowed || held)
			KREJECT_REG(v, GRAPH_NOT_BORROWED, arg + 1,
				    "%s can only take non-owning or refcounted bpf_rb_node pointer", k->f->name);
		if (kin_rbtree_callback(v))
			KREJECT_REG(v, GRAPH_IN_CALLBACK, arg + 1, "%s not allowed in rbtree cb", k->f->name);
		return E_OK;
	}
	if (kind == KFIELD_LIST_NODE && kparam_ends(&k->f->proto->params[arg], "__nonown_allowed") && borrowed && !held)
		return E_OK;
	if (!is_owned_object(reg))
		KREJECT_REG(v, OWN_POINTER, arg + 1, "arg#%u expected pointer to allocated object", arg);
	if (!held)
		KREJECT_REG(v, OWN_REF, arg + 1, "allocated object must be referenced");
	return E_OK;
}

FALLIBLE kgraph_node_arg(struct kverifier *v, struct kfcall *k, unsigned arg, uint32_t kind)
{
	const struct kreg *reg = kreg_at(v, arg + 1);
	const struct kfield *root = k->root;
	int64_t off = kreg_off(reg);

	TRY(check_node_owner(v, k, arg, kind));
	TRY(check_constant(v, arg + 1, kind));
	KENSURE(v, root);
	if (reg->base != KR_BTF_ID || !field_at(fields_of(v, reg), off, kind))
		KREJECT_REG(v, GRAPH_PLACE, arg + 1, "%s not found at offset=%lld", kfield_name(kind), (long long)off);
	if (!ktypes_match(v, (enum ktypes)reg->types, reg->type_id, 0, (enum ktypes)root->types, root->type_id, true))
		KREJECT_REG(v, GRAPH_NODE, arg + 1,
			    "operation on %s expects arg#1 %s at offset=%u in struct %s, but arg is at offset=%lld in "
			    "struct %s",
			    kfield_name(root->kind), kfield_name(kind), root->node_off,
			    ktypes_name(v, (enum ktypes)root->types, root->type_id), (long long)off,
			    ktypes_name(v, (enum ktypes)reg->types, reg->type_id));
	k->obj_types = reg->types;
	k->obj_id = reg->type_id;
	if (off != root->node_off)
		KREJECT_REG(v, GRAPH_NODE_OFFSET, arg + 1,
			    "arg#1 offset=%lld, but expected %s at offset=%u in struct %s", (long long)off,
			    kfield_name(kind), root->node_off, ktypes_name(v, (enum ktypes)root->types, root->type_id));
	return E_OK;
}

/* ---- what is the program's, and what is not ---- */

void kgraph_node_reg(struct kverifier *v, struct kreg *r, const struct kfield *root)
{
	kreg_pointer(&v->rules, r, KR_BTF_ID, KF_ALLOC);
	r->types = root->types;
	r->type_id = root->type_id;
	if (khas(v, KERNEL_OFFSET_IN_NUM))
		r->n = knum_const(&v->rules, root->node_off);
	else
		r->off = (int32_t)root->node_off;
}

static bool is_counted(struct kverifier *v, const struct kreg *r)
{
	const struct kmap *m = ktypes_record(v, r->type_id);

	for (uint32_t i = 0; m && i < m->n_kptrs; i++)
		if (m->kptrs[i].kind == KFIELD_REFCOUNT)
			return true;
	return false;
}

FALLIBLE kreg_borrow(struct kverifier *v, struct kreg *r)
{
	KENSURE(v, v->cur.active_locks && !(r->flags & KF_NON_OWN_REF));
	r->flags |= KF_NON_OWN_REF | (is_counted(v, r) ? KF_RCU : 0);
	return E_OK;
}

static bool lend(struct kverifier *v, struct kreg *r, struct kslot *slot, void *user)
{
	bool by_id = khas(v, KERNEL_REF_BY_ID);

	(void)slot;
	if ((by_id ? r->id : r->ref_id) != *(const uint32_t *)user)
		return true;
	r->ref_id = 0;
	if (by_id)
		r->id = 0;
	if (!(r->flags & KF_NON_OWN_REF))
		r->flags |= KF_NON_OWN_REF | (is_counted(v, r) ? KF_RCU : 0);
	return true;
}

FALLIBLE kgraph_inserted(struct kverifier *v, const struct kfcall *k)
{
	uint32_t id = kref_of(v, kreg_at(v, 2));

	KENSURE(v, id && v->cur.active_locks);
	if (!kref_end(v, id))
		KREJECT(v, NOT_ACQUIRED, "kfunc %s#%u reference has not been acquired before", k->f->name, k->f->id);
	kstate_each_reg(v, &v->cur, lend, &id);
	return E_OK;
}

/* ---- the callback that orders a tree ---- */

FALLIBLE kkfunc_callback_args(struct kverifier *v, enum kcallback kind, const struct kframe *caller, struct kframe *f)
{
	const struct kreg *root = &caller->r[1];
	const struct kfield *tree = field_at(fields_of(v, root), kreg_off(root), KFIELD_RB_ROOT);

	KENSURE(v, kind == KCB_RBTREE_ADD && tree);
	for (unsigned r = 1; r <= 2; r++) {
		kgraph_node_reg(v, &f->r[r], tree);
		TRY(kreg_borrow(v, &f->r[r]));
	}
	return E_OK;
}
