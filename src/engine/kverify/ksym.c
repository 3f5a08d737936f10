/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ksym: the address of a variable (or function) of the kernel, by its BTF: what may be done with it.
 *
 * One of each CPU is an object that only bpf_per_cpu_ptr and bpf_this_cpu_ptr take; a struct is an object; anything
 * else is memory of its size. Linux: kernel/bpf/verifier.c:check_pseudo_btf_id, check_ld_imm, v5.10, v6.1, v6.12, v7.2.
 */
#include "engine/kverify/alu.h"

static const struct btf_type *symbol(const struct kverifier *v, const struct isa_insn *in)
{
	const struct btf *b = v->o->kernel_types;

	return in->imm > 0 && in->imm < b->n_types ? btf_get(b, (uint32_t)in->imm) : NULL;
}

static bool is_per_cpu(const struct btf *b, uint32_t var)
{
	uint32_t id = btf_find(b, BTF_DATASEC, ".data..percpu", 0);
	const struct btf_type *section = btf_get(b, id);

	for (uint32_t i = 0; id && i < section->n; i++)
		if (section->vars[i].type == var)
			return true;
	return false;
}

FALLIBLE kksym_check(struct kverifier *v, const struct isa_insn *in)
{
	const struct btf_type *t;
	bool func;

	if (!v->o->kernel_types)
		KUNSUPPORTED(v, "the address of a variable of the kernel, whose types are not known");
	t = symbol(v, in);
	if (!t)
		KREJECT(v, KSYM_KIND, "ldimm64 insn specifies invalid btf_id %d.", (int)in->imm);
	func = t->kind == BTF_FUNC && khas(v, KERNEL_KSYM_FUNC);
	if (t->kind != BTF_VAR && !func)
		KREJECT(v, KSYM_KIND, "pseudo btf_id %d in ldimm64 isn't KIND_VAR%s", (int)in->imm,
			khas(v, KERNEL_KSYM_FUNC) ? " or KIND_FUNC" : ".");
	if (!func && v->o->lacks & KVERIFY_LACKS_DATA_SYMBOLS)
		KREJECT(v, KSYM_ADDRESS, "ldimm64 failed to find the address for kernel symbol '%s'.", t->name);
	return E_OK;
}

static void give_memory(struct kverifier *v, struct kreg *dst, uint32_t flags, uint32_t size)
{
	kreg_pointer(&v->rules, dst, KR_MEM, flags);
	dst->mem_size = size;
}

FALLIBLE kksym_load(struct kverifier *v, const struct isa_insn *in, struct kreg *dst)
{
	const struct btf *b = v->o->kernel_types;
	const struct btf_type *t, *s;
	uint32_t type;
	uint64_t size;

	KENSURE(v, b);
	s = symbol(v, in);
	KENSURE(v, s);
	if (s->kind == BTF_FUNC) {
		give_memory(v, dst, KF_RDONLY, 0);
		return E_OK;
	}
	type = btf_skip(b, s->type);
	t = btf_get(b, type);
	if (is_per_cpu(b, (uint32_t)in->imm) || t->kind == BTF_STRUCT || t->kind == BTF_UNION) {
		kreg_pointer(&v->rules, dst, KR_BTF_ID, is_per_cpu(b, (uint32_t)in->imm) ? KF_PERCPU : 0);
		dst->types = KTYPES_KERNEL;
		dst->type_id = type;
		return E_OK;
	}
	if (!btf_size(b, type, &size) || size > UINT32_MAX)
		KREJECT(v, NO_TYPE, "ldimm64 unable to resolve the size of type '%s'", t->name);
	give_memory(v, dst, khas(v, KERNEL_KSYM_READ_ONLY) ? KF_RDONLY : 0, (uint32_t)size);
	return E_OK;
}
