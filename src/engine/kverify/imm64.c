/* SPDX-License-Identifier: Apache-2.0 */
/* imm64: 64-bit immediates: numbers, maps, addresses in their values, variables of the kernel, functions. Linux:
 * check_ld_imm, v6.12. */
#include "engine/kverify/alu.h"

/* Linux: kernel/bpf/verifier.c:check_ld_imm for BPF_PSEUDO_FUNC, v6.12 and v7.2 */
static FALLIBLE load_func(struct kverifier *v, const struct isa_insn *in, struct kreg *dst)
{
	int64_t target = (int64_t)v->at + 1 + in->imm;
	int s = target < 0 || target >= v->p->n_insns ? -1 : kcfg_subprog_at(v, (uint32_t)target);

	KENSURE(v, s >= 0);
	if (!v->o->types || v->subprogs[s].func == UINT32_MAX)
		KREJECT_REG(v, CALLBACK_TYPES, in->dst, "missing btf func_info");
	if (v->subprogs[s].global)
		KREJECT_REG(v, CALLBACK_GLOBAL, in->dst, "callback function not static");
	if (!s && khas(v, KERNEL_CALLBACK_NOT_MAIN))
		KREJECT_REG(v, CALLBACK_MAIN, in->dst, "callback function cannot be the main program");
	kreg_pointer(&v->rules, dst, KR_FUNC, 0);
	dst->func = (uint32_t)s;
	return E_OK;
}

static bool map_has_lock(const struct kverifier *v, uint32_t map)
{
	return v->maps && v->maps[map].spin_lock_off >= 0;
}

static FALLIBLE load_value(struct kverifier *v, const struct isa_insn *in, struct kreg *dst)
{
	enum { MAP_ARENA = 33 }; /* BPF_MAP_TYPE_ARENA */
	uint32_t map = (uint32_t)in->imm;

	if (v->p->maps[map].kind == MAP_ARENA) {
		kreg_scalar_unknown(&v->rules, dst);
		dst->map = map;
		return E_OK;
	}
	kreg_pointer(&v->rules, dst, KR_MAP_VALUE, 0);
	dst->map = map;
	if (khas(v, KERNEL_OFFSET_IN_NUM))
		dst->n = knum_const(&v->rules, (uint32_t)in->off);
	else
		dst->off = in->off;
	if (khas(v, KERNEL_DIRECT_VALUE_ID) && map_has_lock(v, map))
		dst->id = kid_fresh(v);
	return E_OK;
}

FALLIBLE kcheck_imm64(struct kverifier *v, const struct isa_insn *in)
{
	struct kreg *dst = kreg_at(v, in->dst);

	TRY(kreg_write(v, in->dst, true));
	switch (in->aux) {
	case ISA_IMM64_VALUE:
		kreg_scalar_const(&v->rules, dst, (uint64_t)in->imm);
		return E_OK;
	case ISA_IMM64_FUNC:
		return load_func(v, in, dst);
	case ISA_IMM64_BTF_ID:
		return kksym_load(v, in, dst);
	default:
		break;
	}
	KENSURE(v, in->imm >= 0 && in->imm < v->p->n_maps);
	if (in->aux == ISA_IMM64_MAP_VALUE || in->aux == ISA_IMM64_MAP_IDX_VALUE)
		return load_value(v, in, dst);
	kreg_pointer(&v->rules, dst, KR_MAP, 0);
	dst->map = (uint32_t)in->imm;
	return E_OK;
}
