/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kfunc_args_old: arguments of a kernel function as releases before 6.2 judge them: like those of a global function,
 * with what the register holds deciding whether an object or memory is meant.
 *
 * Linux: kernel/bpf/btf.c:btf_check_func_arg_match, v6.1.
 */
#include "engine/kverify/kfunc_args.h"

static bool is_object(const struct kverifier *v, const struct kreg *r)
{
	return (r->base == KR_BTF_ID && !r->flags) || kreg_has_kernel_type(v, r);
}

static FALLIBLE check_reference(struct kverifier *v, struct kfcall *k, unsigned arg)
{
	const struct kreg *reg = kreg_at(v, arg + 1);
	bool constrained = is_object(v, reg) || kreg_is_plain(reg, KR_CTX), trusted = kfc_is(k, KK_TRUSTED_ARGS);
	struct kernel_typed t = { .base = KA_DONTCARE };

	if (trusted && is_object(v, reg) && !reg->ref_id)
		KREJECT_REG(v, KFUNC_TRUST, arg + 1, "R%u must be referenced", arg + 1);
	if ((trusted && constrained) || (kfc_is(k, KK_RELEASE) && reg->ref_id))
		t.flags = KF_RELEASE;
	TRY(kcheck_arg_off(v, reg, arg + 1, &t));
	if (!reg->ref_id)
		return E_OK;
	KENSURE(v, !k->c.ref_id);
	k->c.ref_id = reg->ref_id;
	if (kfc_is(k, KK_RELEASE))
		k->c.release_reg = arg + 1;
	return E_OK;
}

/* bpf_xxx_kptr_get: the address of a pointer in a map's value. */
static FALLIBLE check_kptr_get(struct kverifier *v, const struct kfcall *k, const struct btf_type *to)
{
	const struct kreg *reg = kreg_at(v, 1);
	const struct kfield *f = NULL;
	const struct btf_type *pointee;
	int64_t off = kreg_off(reg);
	const struct kmap *m;

	if (!kreg_is_plain(reg, KR_MAP_VALUE))
		KREJECT_REG(v, KFUNC_MAP_VALUE, 1, "arg#0 expected pointer to map value");
	if (!knum_is_const(&reg->n))
		KREJECT_REG(v, FIELD_NOT_CONST, 1, "arg#0 must have constant offset");
	m = kreg_map(v, reg);
	if (m && off >= 0 && off <= UINT32_MAX)
		f = kmap_field(m, (uint32_t)off);
	if (!f || f->kind != KFIELD_KPTR_REF)
		KREJECT_REG(v, KPTR_OFFSET, 1, "arg#0 no referenced kptr at map value offset=%lld", (long long)off);
	pointee = to->kind == BTF_PTR ? kfc_type(k, to->type) : NULL;
	if (!pointee || !kbtf_is_struct(pointee))
		KREJECT_REG(v, KFUNC_POINTER, 1, "arg#0 BTF type must be a double pointer");
	if (!ktypes_match(v, KTYPES_KERNEL, btf_skip(k->b, to->type), 0, (enum ktypes)f->types, f->type_id, true))
		KREJECT_REG(v, KFUNC_OBJECT, 1, "kernel function %s args#0 expected pointer to %s %s", k->f->name,
			    kbtf_kind_name(pointee), pointee->name);
	return E_OK;
}

static FALLIBLE check_object(struct kverifier *v, const struct kfcall *k, unsigned arg, uint32_t need)
{
	const struct btf_type *want = btf_get(k->b, need);
	bool strict = kfc_is(k, KK_TRUSTED_ARGS) || (kfc_is(k, KK_RELEASE) && kreg_at(v, arg + 1)->ref_id);

	if (!kbtf_is_struct(want))
		KREJECT_REG(v, KFUNC_POINTER, arg + 1, "kernel function %s args#%u pointer type %s %s is not supported",
			    k->f->name, arg, kbtf_kind_name(want), want->name);
	return kkfunc_object(v, k, arg, need, strict);
}

static FALLIBLE check_dynptr(struct kverifier *v, unsigned arg)
{
	const struct kreg *reg = kreg_at(v, arg + 1);

	if (!kreg_is_plain(reg, KR_STACK))
		KREJECT_REG(v, DYNPTR_POINTER, arg + 1, "arg#%u pointer type STRUCT bpf_dynptr_kern not to stack", arg);
	return kdynptr_arg(v, arg + 1, v->at, KF_DYNPTR_LOCAL | KF_RDONLY, 0);
}

static FALLIBLE check_memory(struct kverifier *v, const struct kfcall *k, unsigned *arg, const struct btf_type *to,
			     uint32_t to_id)
{
	bool sized = kparam_is_size(v, k, *arg + 1);
	unsigned r = *arg + 1;
	uint64_t size;

	if (to->kind == BTF_STRUCT && !strcmp(to->name, "bpf_dynptr_kern"))
		return check_dynptr(v, *arg);
	if (!kbtf_is_scalar(to) && !kbtf_is_plain_struct(k->b, to, 0) && !(sized && to->kind == BTF_VOID))
		KREJECT_REG(v, KFUNC_MEMORY, r,
			    "arg#%u pointer type %s %s must point to %sscalar, or struct with scalar", *arg,
			    kbtf_kind_name(to), to->name, sized ? "void, " : "");
	if (sized) {
		(*arg)++;
		return kcheck_kfunc_mem_size(v, r + 1);
	}
	if (!btf_size(k->b, to_id, &size) || size > UINT32_MAX)
		KREJECT_REG(v, KFUNC_SIZE, r, "arg#%u reference type('%s %s') size cannot be determined", *arg,
			    kbtf_kind_name(to), to->name);
	return kcheck_mem_reg(v, r, (uint32_t)size);
}

static FALLIBLE check_pointer(struct kverifier *v, struct kfcall *k, unsigned *arg, const struct btf_type *ptr)
{
	const struct kreg *reg = kreg_at(v, *arg + 1);
	const struct btf_type *to = kfc_type(k, ptr->type);

	TRY(check_reference(v, k, *arg));
	if (!*arg && kfc_is(k, KK_KPTR_GET))
		return check_kptr_get(v, k, to);
	if (kbtf_is_context(v, k->b, ptr)) {
		if (!kreg_is_plain(reg, KR_CTX))
			KREJECT_REG(v, KFUNC_CTX, *arg + 1, "arg#%u expected pointer to ctx, but got %s", *arg,
				    kreg_type_text(v, reg));
		return E_OK;
	}
	if ((reg->base == KR_BTF_ID && !reg->flags) || (kreg_has_kernel_type(v, reg) && !reg->flags))
		return check_object(v, k, *arg, btf_skip(k->b, ptr->type));
	return check_memory(v, k, arg, to, ptr->type);
}

static FALLIBLE check_scalar(struct kverifier *v, struct kfcall *k, unsigned arg)
{
	if (kreg_at(v, arg + 1)->base == KR_SCALAR)
		return kkfunc_buf_size(v, k, arg + 1, k->f->proto->params[arg].name);
	KREJECT_REG(v, KFUNC_SCALAR, arg + 1, "R%u is not a scalar", arg + 1);
}

FALLIBLE kkfunc_args_old(struct kverifier *v, struct kfcall *k)
{
	if (k->f->proto->n > 5)
		KUNSUPPORTED(v, "the kernel function %s, which takes more than five arguments", k->f->name);
	for (unsigned arg = 0; arg < k->f->proto->n; arg++) {
		const struct btf_type *t = kfc_type(k, k->f->proto->params[arg].type);

		if (kbtf_is_scalar(t)) {
			TRY(check_scalar(v, k, arg));
			continue;
		}
		if (t->kind != BTF_PTR)
			KREJECT_REG(v, KFUNC_POINTER, arg + 1, "Unrecognized arg#%u type %s", arg, kbtf_kind_name(t));
		TRY(check_pointer(v, k, &arg, t));
	}
	if (kfc_is(k, KK_RELEASE) && !k->c.release_reg)
		KREJECT(v, KFUNC_RELEASE, "release kernel function %s expects refcounted PTR_TO_BTF_ID", k->f->name);
	return E_OK;
}
