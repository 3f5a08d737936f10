/* SPDX-License-Identifier: Apache-2.0 */
/*
 * btf_access: loads from (and the few stores into) objects whose type is known from BTF, and from maps themselves.
 *
 * A pointer that is read out of an object is trusted, protected by RCU, untrusted, or (as it was before there was
 * trust) just a pointer whose reads may fault. Linux: kernel/bpf/verifier.c:check_ptr_to_btf_access,
 * check_ptr_to_map_access; kernel/bpf/btf.c:btf_nested_type_is_trusted, v6.1, v6.12 and v7.2.
 */
#include "engine/kverify/call_internal.h"

enum { KF_TRUSTED_ANY = KF_ALLOC | KF_TRUSTED, KF_SAFE = KF_ALLOC | KF_TRUSTED | KF_NON_OWN_REF };

void kreg_btf(struct kverifier *v, struct kreg *r, enum ktypes types, uint32_t type_id, uint32_t flags)
{
	kreg_pointer(&v->rules, r, KR_BTF_ID, flags);
	r->types = types;
	r->type_id = type_id;
	if (flags & KF_OR_NULL)
		r->id = kid_fresh(v);
}

/* ---- trust ---- */

bool kreg_is_trusted(const struct kverifier *v, const struct kreg *r)
{
	bool only_safe = !(r->flags & ~(uint32_t)KF_SAFE);

	if (kref_of(v, r))
		return true;
	if ((r->base == KR_SOCKET || r->base == KR_SOCK_COMMON || r->base == KR_TCP_SOCK || r->base == KR_MAP) &&
	    only_safe)
		return true;
	return r->flags & KF_TRUSTED_ANY && only_safe;
}

/* The kernel lists fields that keep their object's trust in types of their own: "task_struct__safe_rcu". */
static bool listed(struct kverifier *v, const struct kreg *r, const struct kwalked *w, const char *suffix)
{
	const struct btf *b = ktypes_btf(v, (enum ktypes)r->types);
	const struct btf_type *of = btf_get(b, r->type_id), *safe;
	char name[64];
	uint32_t id;
	int n = snprintf(name, sizeof name, "%s%s", of->name, suffix);

	if (n < 0 || (size_t)n >= sizeof name)
		return false;
	id = btf_find(b, (enum btf_kind)of->kind, name, 0);
	if (!id)
		return false;
	safe = btf_get(b, id);
	for (uint32_t i = 0; i < safe->n; i++) {
		const struct btf_type *m = btf_get(b, safe->members[i].type);

		if (m->kind == BTF_PTR && btf_skip(b, m->type) == w->type_id && w->field &&
		    !strcmp(w->field, safe->members[i].name))
			return true;
	}
	return false;
}

/* Out of a trusted object, in a section that RCU protects. */
static uint32_t flags_in_rcu(struct kverifier *v, const struct kreg *r, const struct kwalked *w)
{
	bool or_null;

	if (listed(v, r, w, "__safe_rcu"))
		return w->flags | KF_RCU;
	or_null = listed(v, r, w, "__safe_rcu_or_null");
	if (w->flags & KF_RCU || or_null)
		return (w->flags | KF_RCU | KF_OR_NULL) & ~(uint32_t)(or_null ? KF_UNTRUSTED : 0);
	if (w->flags & (KF_PERCPU | KF_USER))
		return w->flags;
	return w->flags & ~(uint32_t)(KF_TRUSTED_ANY | KF_RCU);
}

static uint32_t loaded_flags(struct kverifier *v, const struct kreg *r, const struct kwalked *w)
{
	if (!khas(v, KERNEL_BTF_TRUSTED))
		return w->flags | (r->flags & KF_UNTRUSTED);
	if (r->flags & KF_UNTRUSTED)
		return KF_UNTRUSTED;
	if (!kreg_is_trusted(v, r) && !(r->flags & KF_RCU))
		return w->flags & ~(uint32_t)(KF_TRUSTED_ANY | KF_RCU);
	if (listed(v, r, w, "__safe_trusted"))
		return w->flags | KF_TRUSTED;
	if (listed(v, r, w, "__safe_trusted_or_null"))
		return w->flags | KF_TRUSTED | KF_OR_NULL;
	if (kin_rcu(v) && !(r->flags & KF_OR_NULL))
		return flags_in_rcu(v, r, w);
	return KF_UNTRUSTED;
}

/* ---- what is loaded ---- */

static void mark_loaded(struct kverifier *v, const struct kaccess *a, enum ktypes types, const struct kwalked *w,
			uint32_t flags)
{
	struct kreg *to;

	if (a->write || a->value < 0)
		return;
	to = kreg_at(v, (unsigned)a->value);
	if (w->what == KWALK_PTR)
		kreg_btf(v, to, types, w->type_id, flags);
	else if (w->what == KWALK_MEM)
		kreg_pointer(&v->rules, to, KR_MEM, flags);
	else
		kreg_scalar_unknown(&v->rules, to);
}

static FALLIBLE check_place(struct kverifier *v, const struct kaccess *a, int64_t off, bool is_const)
{
	const struct kreg *r = kreg_at(v, a->reg);
	const char *name = ktypes_name(v, (enum ktypes)r->types, r->type_id);

	if (off < 0)
		KREJECT_REG(v, BTF_OFFSET, a->reg, "R%u is ptr_%s invalid negative access: off=%lld", a->reg, name,
			    (long long)off);
	if (!is_const)
		KREJECT_REG(v, BTF_VARIABLE, a->reg, "R%u is ptr_%s invalid variable offset: off=%lld, var_off=%s",
			    a->reg, name, (long long)off, kreg_offset_text(v, r));
	if (r->flags & KF_USER)
		KREJECT_REG(v, BTF_ELSEWHERE, a->reg, "R%u is ptr_%s access user memory: off=%lld", a->reg, name,
			    (long long)off);
	if (r->flags & KF_PERCPU)
		KREJECT_REG(v, BTF_ELSEWHERE, a->reg, "R%u is ptr_%s access percpu memory: off=%lld", a->reg, name,
			    (long long)off);
	return E_OK;
}

/* Special fields of an object that the program allocated are for kfuncs only. */
static FALLIBLE check_record(struct kverifier *v, const struct kaccess *a, int64_t off)
{
	const struct kreg *r = kreg_at(v, a->reg);
	const struct kmap *m = r->types == KTYPES_OBJECT ? ktypes_record(v, r->type_id) : NULL;

	for (uint32_t i = 0; m && i < m->n_kptrs; i++)
		if (off < (int64_t)m->kptrs[i].off + m->kptrs[i].size && m->kptrs[i].off < off + a->size)
			KREJECT_REG(v, OWN_FIELD, a->reg, "direct access to %s is disallowed",
				    kfield_name(m->kptrs[i].kind));
	return E_OK;
}

static bool is_own_object(const struct kreg *r)
{
	return r->flags & KF_ALLOC && r->base == KR_BTF_ID;
}

FALLIBLE kaccess_btf(struct kverifier *v, const struct kaccess *a, int32_t off)
{
	const struct kreg *r = kreg_at(v, a->reg);
	bool in_num = khas(v, KERNEL_OFFSET_IN_NUM);
	int64_t at = off + (in_num ? (int64_t)r->n.t.value : 0);
	bool is_const = knum_is_const(&r->n) && (in_num || !r->n.t.value);
	struct kwalked w;

	if (!ktypes_btf(v, (enum ktypes)r->types))
		KUNSUPPORTED(v, "an access to an object of the kernel: its types were not given");
	if (!v->o->gpl && r->types == KTYPES_KERNEL && khas(v, KERNEL_BTF_NEEDS_GPL))
		KREJECT_REG(v, BTF_NOT_GPL, a->reg, "Cannot access kernel 'struct %s' from non-GPL compatible program",
			    ktypes_name(v, KTYPES_KERNEL, r->type_id));
	TRY(check_place(v, a, at, is_const));
	if (a->write && (!is_own_object(r) || r->flags & KF_UNTRUSTED))
		return kaccess_btf_store(v, a, at);
	if (is_own_object(r))
		TRY(check_record(v, a, at));
	ktypes_walk(v, (enum ktypes)r->types, r->type_id, (uint32_t)at, a->size, &w);
	if (w.what == KWALK_BAD)
		KREJECT_REG(v, BTF_FIELD, a->reg, "%s", w.why);
	/* What lies in an object of the program's is no pointer to it. */
	if (is_own_object(r) && w.what == KWALK_PTR)
		w.what = KWALK_SCALAR;
	mark_loaded(v, a, (enum ktypes)r->types, &w,
		    w.what == KWALK_PTR ? loaded_flags(v, r, &w) : KF_RDONLY | KF_UNTRUSTED);
	return E_OK;
}

/* ---- maps ---- */

/* The kernel's struct for maps of this kind. Linux: map_btf_id of each struct bpf_map_ops, v6.12 */
static const char *map_struct(uint32_t kind)
{
	static const char *const names[] = {
		[1] = "bpf_htab",
		[2] = "bpf_array",
		[3] = "bpf_array",
		[4] = "bpf_array",
		[5] = "bpf_htab",
		[6] = "bpf_array",
		[7] = "bpf_stack_map",
		[8] = "bpf_array",
		[9] = "bpf_htab",
		[10] = "bpf_htab",
		[11] = "lpm_trie",
		[12] = "bpf_array",
		[13] = "bpf_htab",
		[14] = "bpf_dtab",
		[15] = "bpf_stab",
		[16] = "bpf_cpu_map",
		[17] = "xsk_map",
		[18] = "bpf_shtab",
		[19] = "bpf_cgroup_storage_map",
		[20] = "reuseport_array",
		[21] = "bpf_cgroup_storage_map",
		[22] = "bpf_queue_stack",
		[23] = "bpf_queue_stack",
		[24] = "bpf_local_storage_map",
		[25] = "bpf_dtab",
		[26] = "bpf_struct_ops_map",
		[27] = "bpf_ringbuf_map",
		[28] = "bpf_local_storage_map",
		[29] = "bpf_local_storage_map",
		[30] = "bpf_bloom_filter",
		[31] = "bpf_ringbuf_map",
		[32] = "bpf_local_storage_map",
		[33] = "bpf_arena",
		[34] = "bpf_insn_array",
	};

	return kind < countof(names) ? names[kind] : NULL;
}

FALLIBLE kaccess_map_ptr(struct kverifier *v, const struct kaccess *a, int32_t off)
{
	const struct kmap *m = kreg_map(v, kreg_at(v, a->reg));
	const char *name = m ? map_struct(m->m->kind) : NULL;
	struct kwalked w;
	uint32_t id;

	KENSURE(v, m);
	if (!name)
		KREJECT_REG(v, MAP_POINTER, a->reg, "map_ptr access not supported for map type %u", m->m->kind);
	if (off < 0)
		KREJECT_REG(v, BTF_OFFSET, a->reg, "R%u is %s invalid negative access: off=%d", a->reg, name, off);
	if (a->write)
		KREJECT_REG(v, BTF_WRITE, a->reg, "only read from %s is supported", name);
	if (!ktypes_btf(v, KTYPES_KERNEL))
		KUNSUPPORTED(v, "a load from a map itself: the kernel's types were not given");
	id = ktypes_struct(v, name);
	if (!id)
		KREJECT_REG(v, MAP_POINTER, a->reg, "map_ptr access not supported for map type %u", m->m->kind);
	ktypes_walk(v, KTYPES_KERNEL, id, (uint32_t)off, a->size, &w);
	if (w.what == KWALK_BAD)
		KREJECT_REG(v, BTF_FIELD, a->reg, "%s", w.why);
	mark_loaded(v, a, KTYPES_KERNEL, &w, w.what == KWALK_PTR ? w.flags : KF_RDONLY | KF_UNTRUSTED);
	return E_OK;
}
