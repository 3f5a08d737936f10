/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctx: loads from and stores into the context.
 *
 * Which fields there are stands in engine/kernel; the arguments of a function of the kernel are attach.c's.
 * Linux: kernel/bpf/verifier.c:check_ctx_access, v6.12 and v7.2.
 */
#include "engine/kverify/mem.h"

enum { CTX_MAX = 0xffff };

bool kctx_is_rewritten(const struct kverifier *v)
{
	return !kernel_type_is(v->k, &v->o->target, KERNEL_TYPE_CTX_PLAIN);
}

/* May the pointer have been moved? *off: where the access is, from the beginning of the context. */
static FALLIBLE check_offset(struct kverifier *v, const struct kaccess *a, int64_t *off)
{
	const struct kreg *r = kreg_at(v, a->reg);

	if (kernel_type_is(v->k, &v->o->target, KERNEL_TYPE_CTX_VAR_OFF))
		TRY(kcheck_mem_region(v, a->reg, (int32_t)*off, a->size, CTX_MAX, false));
	else
		TRY(kcheck_ptr_off(v, r, a->reg, kernel_type_is(v->k, &v->o->target, KERNEL_TYPE_CTX_FIXED_OFF)));
	*off += (int64_t)r->n.umax;
	return E_OK;
}

static FALLIBLE load(struct kverifier *v, const struct kaccess *a, const struct kernel_ctx_access *got)
{
	struct kreg *to = kreg_at(v, (unsigned)a->value);
	uint32_t type = 0;

	if (got->reg == KR_SCALAR) {
		kreg_scalar_unknown(&v->rules, to);
		return E_OK;
	}
	if (got->reg == KR_BTF_ID) {
		type = ktypes_struct(v, got->btf);
		if (!type)
			KUNSUPPORTED(v,
				     "a pointer to struct %s, which is not in the kernel's types (or none were given)",
				     got->btf);
	}
	kreg_pointer(&v->rules, to, (enum kernel_reg)got->reg,
		     khas(v, KERNEL_BTF_TRUSTED) ? got->flags : got->flags & ~(uint32_t)KF_TRUSTED);
	if (type) {
		to->types = KTYPES_KERNEL;
		to->type_id = type;
	}
	if (got->flags & KF_OR_NULL)
		to->id = kid_fresh(v);
	return E_OK;
}

static FALLIBLE no_field(struct kverifier *v, const struct kaccess *a, int64_t off)
{
	KREJECT_REG(v, CTX_FIELD, a->reg, "invalid bpf_context access off=%lld size=%u", (long long)off, a->size);
}

/* A program type of an embedder's own: its context is so many bytes of plain memory. */
static FALLIBLE access_extra(struct kverifier *v, const struct kaccess *a, int64_t off)
{
	const struct kverify_extra *x = v->o->extra;

	if (off < 0 || off + a->size > x->ctx_size || (a->write && !x->ctx_writable))
		return no_field(v, a, off);
	if (!a->write)
		kaccess_loaded(v, a);
	return E_OK;
}

FALLIBLE kaccess_ctx(struct kverifier *v, const struct kaccess *a, int32_t at)
{
	const struct kverify_extra *x = v->o->extra;
	struct kernel_ctx_access got = { 0 };
	int64_t off = at;

	TRY(check_offset(v, a, &off));
	if (x && x->prog_type && x->prog_type == v->o->target.prog_type)
		return access_extra(v, a, off);
	switch (kernel_ctx_access(v->k, &v->o->target, (int32_t)off, a->size, a->write, &got)) {
	case KERNEL_CTX_NO:
		return no_field(v, a, off);
	case KERNEL_CTX_BTF:
		return kaccess_argument(v, a, (int32_t)off);
	case KERNEL_CTX_YES:
		break;
	}
	if (a->sext && got.sign_extends)
		return no_field(v, a, off);
	return a->write || a->value < 0 ? E_OK : load(v, a, &got);
}
