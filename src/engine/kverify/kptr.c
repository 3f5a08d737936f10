/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kptr: pointers to the kernel's (or the program's own) objects that lie in values of maps.
 *
 * Linux: kernel/bpf/verifier.c:check_map_kptr_access, map_kptr_match_type, btf_ld_kptr_type, v6.1, v6.12 and v7.2.
 */
#include "engine/kverify/mem.h"

/* Objects that are freed only after a grace period. Linux: rcu_protected_types, v6.12 */
static bool is_rcu_protected(struct kverifier *v, const struct kfield *f)
{
	static const char *const names[] = { "prog_test_ref_kfunc", "cgroup", "bpf_cpumask", "task_struct",
					     "bpf_crypto_ctx" };
	const char *name = ktypes_name(v, (enum ktypes)f->types, f->type_id);

	if (f->types != KTYPES_KERNEL)
		return true;
	for (size_t i = 0; i < countof(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static bool has_graph_node(struct kverifier *v, const struct kfield *f)
{
	const struct kmap *m = f->types == KTYPES_OBJECT ? ktypes_record(v, f->type_id) : NULL;

	for (uint32_t i = 0; m && i < m->n_kptrs; i++)
		if (m->kptrs[i].kind == KFIELD_LIST_NODE || m->kptrs[i].kind == KFIELD_RB_NODE)
			return true;
	return false;
}

static uint32_t loaded_flags(struct kverifier *v, const struct kfield *f)
{
	bool safe = khas(v, KERNEL_BTF_TRUSTED) &&
		    (f->kind == KFIELD_KPTR_PERCPU || (f->kind == KFIELD_KPTR_REF && is_rcu_protected(v, f)));
	uint32_t flags = KF_OR_NULL | KF_RCU;

	if (!safe || !kin_rcu(v))
		return KF_OR_NULL | KF_UNTRUSTED;
	if (f->kind == KFIELD_KPTR_PERCPU)
		flags |= KF_PERCPU;
	else if (f->types == KTYPES_OBJECT)
		flags |= KF_ALLOC;
	return has_graph_node(v, f) ? flags | KF_NON_OWN_REF : flags;
}

static void load_kptr(struct kverifier *v, struct kreg *to, const struct kfield *f)
{
	kreg_btf(v, to, (enum ktypes)f->types, f->type_id, loaded_flags(v, f));
}

/* Memory that the task shares with the kernel: as large as its type. */
static void load_uptr(struct kverifier *v, struct kreg *to, const struct kfield *f)
{
	const struct btf *b = ktypes_btf(v, (enum ktypes)f->types);

	kreg_pointer(&v->rules, to, KR_MEM, KF_OR_NULL);
	to->mem_size = b ? btf_get(b, f->type_id)->size : 0;
	to->id = kid_fresh(v);
}

static FALLIBLE wrong_type(struct kverifier *v, unsigned r, const struct kfield *f)
{
	const struct kreg *reg = kreg_at(v, r);
	const char *name = reg->base == KR_BTF_ID ? ktypes_name(v, (enum ktypes)reg->types, reg->type_id) : "";
	const char *want = ktypes_name(v, (enum ktypes)f->types, f->type_id);

	if (f->kind == KFIELD_KPTR_UNREF)
		KREJECT_REG(v, KPTR_TYPE, r, "invalid kptr access, R%u type=%s%s expected=ptr_%s or untrusted_ptr_%s",
			    r, kreg_type_text(v, reg), name, want, want);
	KREJECT_REG(v, KPTR_TYPE, r, "invalid kptr access, R%u type=%s%s expected=ptr_%s", r, kreg_type_text(v, reg),
		    name, want);
}

static uint32_t allowed_flags(const struct kverifier *v, const struct kreg *r, const struct kfield *f)
{
	uint32_t flags = KF_OR_NULL;

	if (r->types == KTYPES_KERNEL) {
		if (khas(v, KERNEL_BTF_TRUSTED))
			flags |= KF_TRUSTED | KF_RCU;
		return f->kind == KFIELD_KPTR_UNREF ? flags | KF_UNTRUSTED : flags;
	}
	flags |= KF_ALLOC;
	return f->kind == KFIELD_KPTR_PERCPU ? flags | KF_PERCPU : flags;
}

FALLIBLE kptr_check_type(struct kverifier *v, unsigned r, const struct kfield *f)
{
	const struct kreg *reg = kreg_at(v, r);
	int64_t off = (int64_t)reg->off + (khas(v, KERNEL_OFFSET_IN_NUM) ? (int64_t)reg->n.t.value : 0);

	if (reg->base != KR_BTF_ID || reg->flags & ~allowed_flags(v, reg, f))
		return wrong_type(v, r, f);
	if (khas(v, KERNEL_OFFSET_IN_NUM) && (f->kind == KFIELD_KPTR_PERCPU) != !!(reg->flags & KF_PERCPU))
		return wrong_type(v, r, f);
	if (reg->types != KTYPES_KERNEL && !khas(v, KERNEL_BTF_TRUSTED))
		KREJECT_REG(v, KPTR_TYPE, r, "R%u must point to kernel BTF", r);
	TRY(kcheck_ptr_off(v, reg, r, true));
	if (!ktypes_match(v, (enum ktypes)reg->types, reg->type_id, (uint32_t)off, (enum ktypes)f->types, f->type_id,
			  f->kind != KFIELD_KPTR_UNREF))
		return wrong_type(v, r, f);
	return E_OK;
}

static FALLIBLE store_kptr(struct kverifier *v, unsigned r, const struct kfield *f)
{
	if (!kreg_is_null(kreg_at(v, r)))
		return kptr_check_type(v, r, f);
	return khas(v, KERNEL_OFFSET_IN_NUM) ? kprecise_reg(v, r) : E_OK;
}

FALLIBLE kaccess_kptr(struct kverifier *v, const struct kaccess *a, const struct kfield *f)
{
	const struct isa_insn *in = &v->p->insns[v->at];

	if (in->sem != ISA_LDX && in->sem != ISA_STX && in->sem != ISA_ST)
		KREJECT_REG(v, KPTR_ACCESS, a->reg, "kptr in map can only be accessed using BPF_MEM instruction mode");
	if (in->sem != ISA_LDX && (f->kind == KFIELD_KPTR_REF || f->kind == KFIELD_KPTR_PERCPU))
		KREJECT_REG(v, KPTR_ACCESS, a->reg, "store to referenced kptr disallowed");
	if (in->sem != ISA_LDX && f->kind == KFIELD_UPTR)
		KREJECT_REG(v, KPTR_ACCESS, a->reg, "store to uptr (kptr) disallowed");
	if (in->sem == ISA_ST && in->imm)
		KREJECT_REG(v, KPTR_ACCESS, a->reg, "BPF_ST imm must be 0 when storing to kptr at off=%u", f->off);
	if (in->sem == ISA_STX)
		return store_kptr(v, (unsigned)a->value, f);
	if (in->sem == ISA_LDX && f->kind == KFIELD_UPTR)
		load_uptr(v, kreg_at(v, (unsigned)a->value), f);
	else if (in->sem == ISA_LDX)
		load_kptr(v, kreg_at(v, (unsigned)a->value), f);
	return E_OK;
}
