/* SPDX-License-Identifier: Apache-2.0 */
/*
 * global: what the BTF prototype of a global function says of its arguments: for its calls, and for itself.
 *
 * A number is a number; a pointer to the program's context is that; any other pointer is memory as large as what it
 * points to, or NULL. From 6.8 on tags say more ("arg:nonnull", "arg:ctx" ...).
 *
 * Linux: kernel/bpf/btf.c:btf_prepare_func_args, btf_get_prog_ctx_type, btf_check_func_arg_match, v5.10, v6.1, v6.12,
 * v7.2.
 */
#include "engine/kverify/kfunc.h"

enum { MAX_ARGS = 5 };
enum tag {
	TAG_CTX = 1 << 0,
	TAG_NONNULL = 1 << 1,
	TAG_TRUSTED = 1 << 2,
	TAG_NULLABLE = 1 << 3,
	TAG_ARENA = 1 << 4,
	TAG_UNTRUSTED = 1 << 5,
};

struct prototype {
	const struct btf *b;
	uint32_t id; /* the function's */
	const struct btf_type *func, *proto;
	uint32_t subprog;
};

/* ---- tags ---- */

static const struct {
	const char *name;
	enum tag tag;
	uint16_t since;
} tag_names[] = {
	{ "ctx", TAG_CTX, KERNEL_V(6, 8) },         { "nonnull", TAG_NONNULL, KERNEL_V(6, 8) },
	{ "trusted", TAG_TRUSTED, KERNEL_V(6, 9) }, { "nullable", TAG_NULLABLE, KERNEL_V(6, 9) },
	{ "arena", TAG_ARENA, KERNEL_V(6, 9) },     { "untrusted", TAG_UNTRUSTED, KERNEL_V(6, 17) },
};

static FALLIBLE read_tag(struct kverifier *v, uint32_t arg, const char *name, uint32_t *tags)
{
	for (size_t i = 0; i < countof(tag_names); i++)
		if (!strcmp(tag_names[i].name, name) && v->k->version >= tag_names[i].since) {
			*tags |= tag_names[i].tag;
			return E_OK;
		}
	KREJECT(v, GLOBAL_TAGS, "arg#%u has unsupported set of tags", arg);
}

static FALLIBLE read_tags(struct kverifier *v, const struct prototype *p, uint32_t arg, uint32_t *tags)
{
	*tags = 0;
	if (!khas(v, KERNEL_GLOBAL_ARG_TAGS))
		return E_OK;
	for (uint32_t id = 1; id < p->b->n_types; id++) {
		const struct btf_type *t = btf_get(p->b, id);

		if (t->kind == BTF_DECL_TAG && t->type == p->id && t->component == (int32_t)arg &&
		    !strncmp(t->name, "arg:", 4))
			TRY(read_tag(v, arg, t->name + 4, tags));
	}
	return E_OK;
}

static FALLIBLE tags_conflict(struct kverifier *v, uint32_t arg)
{
	KREJECT(v, GLOBAL_TAGS, "arg#%u has invalid combination of tags", arg);
}

/* ---- the context ---- */

static bool is_projection(const char *ctx, const char *name)
{
	return (!strcmp(ctx, "__sk_buff") && !strcmp(name, "sk_buff")) ||
	       (!strcmp(ctx, "xdp_md") && !strcmp(name, "xdp_buff"));
}

bool kbtf_is_context(const struct kverifier *v, const struct btf *b, const struct btf_type *ptr)
{
	const char *ctx = v->type ? v->type->ctx_struct : NULL;
	uint32_t id = ptr->type;
	const struct btf_type *t = btf_get(b, id);

	while (t->kind == BTF_CONST || t->kind == BTF_VOLATILE || t->kind == BTF_RESTRICT || t->kind == BTF_TYPE_TAG ||
	       t->kind == BTF_TYPEDEF) {
		if (t->kind == BTF_TYPEDEF && v->o->target.prog_type == KPROG_KPROBE &&
		    !strcmp(t->name, "bpf_user_pt_regs_t"))
			return true;
		t = btf_get(b, t->type);
	}
	if ((t->kind != BTF_STRUCT && t->kind != BTF_UNION) || !t->name[0])
		return false;
	if (v->o->target.prog_type == KPROG_KPROBE && !strcmp(t->name, "pt_regs"))
		return true;
	return ctx && (!strcmp(ctx, t->name) || (khas(v, KERNEL_GLOBAL_CTX_PROJECTED) && is_projection(ctx, t->name)));
}

static bool is_dynptr(const struct prototype *p, const struct btf_type *ptr)
{
	const struct btf_type *t = btf_get(p->b, btf_skip(p->b, ptr->type));

	return (t->kind == BTF_STRUCT || (t->kind == BTF_FWD && !t->flag)) && !strcmp(t->name, "bpf_dynptr");
}

/* ---- one argument ---- */

static bool is_scalar(const struct btf_type *t)
{
	return t->kind == BTF_INT || t->kind == BTF_ENUM || t->kind == BTF_ENUM64;
}

static const char *proto_name(const struct prototype *p)
{
	return p->func->name;
}

static FALLIBLE arg_memory(struct kverifier *v, const struct prototype *p, uint32_t arg, const struct btf_type *ptr,
			   uint32_t tags, struct ksubprog_arg *out)
{
	uint64_t size;

	if (!khas(v, KERNEL_GLOBAL_MEM_ARGS))
		KREJECT(v, GLOBAL_PROTO, "Arg#%u type PTR in %s() is not supported yet.", arg, proto_name(p));
	if (tags & TAG_NULLABLE)
		return tags_conflict(v, arg);
	if (!btf_size(p->b, ptr->type, &size) || size > UINT32_MAX)
		KREJECT(v, GLOBAL_SIZE, "arg#%u reference type('%s') size cannot be determined", arg,
			btf_get(p->b, btf_skip(p->b, ptr->type))->name);
	*out = (struct ksubprog_arg){ .arg = KA_MEM,
				      .flags = tags & TAG_NONNULL ? 0 : KF_OR_NULL,
				      .mem_size = (uint32_t)size };
	return E_OK;
}

/* A pointer to an object of the kernel: the one type there of this name. Linux: btf_get_ptr_to_btf_id */
static FALLIBLE arg_object(struct kverifier *v, const struct prototype *p, uint32_t arg, const struct btf_type *ptr,
			   uint32_t flags, struct ksubprog_arg *out)
{
	const struct btf_type *t = btf_get(p->b, btf_skip(p->b, ptr->type));
	char name[256];
	char *flavor;
	uint32_t id;

	if (!v->o->kernel_types)
		KUNSUPPORTED(v, "the kernel's types are not known");
	(void)snprintf(name, sizeof name, "%s", t->name);
	flavor = strstr(name, "___");
	if (flavor)
		*flavor = '\0';
	id = btf_find(v->o->kernel_types, t->kind, name, 0);
	if (!id)
		KREJECT(v, GLOBAL_OBJECT, "arg#%u reference type('%s') has no matches", arg, t->name);
	*out = (struct ksubprog_arg){ .arg = KA_BTF_ID, .flags = flags, .type_id = id };
	return E_OK;
}

static FALLIBLE arg_untrusted(struct kverifier *v, const struct prototype *p, uint32_t arg, const struct btf_type *ptr,
			      uint32_t tags, struct ksubprog_arg *out)
{
	const struct btf_type *t = btf_get(p->b, btf_skip(p->b, ptr->type));

	if (tags & ~(uint32_t)TAG_UNTRUSTED)
		KREJECT(v, GLOBAL_TAGS, "arg#%u untrusted cannot be combined with any other tags", arg);
	if (t->kind == BTF_VOID || is_scalar(t) || t->kind == BTF_FLOAT) {
		*out = (struct ksubprog_arg){ .arg = KA_MEM, .flags = KF_RDONLY | KF_UNTRUSTED };
		return E_OK;
	}
	return arg_object(v, p, arg, ptr, KF_UNTRUSTED, out);
}

static FALLIBLE arg_pointer(struct kverifier *v, const struct prototype *p, uint32_t arg, const struct btf_type *t,
			    uint32_t tags, struct ksubprog_arg *out)
{
	if (tags & TAG_CTX || kbtf_is_context(v, p->b, t)) {
		if (tags & ~(uint32_t)TAG_CTX)
			return tags_conflict(v, arg);
		*out = (struct ksubprog_arg){ .arg = KA_CTX };
		return E_OK;
	}
	if (khas(v, KERNEL_GLOBAL_ARG_TAGS) && is_dynptr(p, t)) {
		if (tags)
			return tags_conflict(v, arg);
		*out = (struct ksubprog_arg){ .arg = KA_DYNPTR, .flags = khas(v, KERNEL_REF_BY_ID) ? 0 : KF_RDONLY };
		return E_OK;
	}
	if (tags & TAG_TRUSTED) {
		if (tags & TAG_NONNULL)
			return tags_conflict(v, arg);
		return arg_object(v, p, arg, t, KF_TRUSTED | (tags & TAG_NULLABLE ? KF_OR_NULL : 0), out);
	}
	if (tags & TAG_UNTRUSTED)
		return arg_untrusted(v, p, arg, t, tags, out);
	if (tags & TAG_ARENA) {
		if (tags & ~(uint32_t)TAG_ARENA)
			KREJECT(v, GLOBAL_TAGS, "arg#%u arena cannot be combined with any other tags", arg);
		*out = (struct ksubprog_arg){ .arg = KA_ARENA };
		return E_OK;
	}
	return arg_memory(v, p, arg, t, tags, out);
}

static FALLIBLE one_arg(struct kverifier *v, const struct prototype *p, uint32_t arg, struct ksubprog_arg *out)
{
	const struct btf_type *t = btf_get(p->b, btf_skip(p->b, p->proto->params[arg].type));
	uint32_t tags;

	TRY(read_tags(v, p, arg, &tags));
	if (t->kind == BTF_PTR)
		return arg_pointer(v, p, arg, t, tags, out);
	if (tags)
		KREJECT(v, GLOBAL_TAGS, "arg#%u has pointer tag, but is not a pointer type", arg);
	if (!is_scalar(t))
		KREJECT(v, GLOBAL_PROTO, "Arg#%u type %s in %s() is not supported yet.", arg,
			t->kind == BTF_STRUCT  ? "STRUCT"
			: t->kind == BTF_UNION ? "UNION"
					       : "of this kind",
			proto_name(p));
	*out = (struct ksubprog_arg){ .arg = KA_ANYTHING };
	return E_OK;
}

/* ---- the prototype ---- */

static FALLIBLE find_prototype(struct kverifier *v, uint32_t subprog, struct prototype *p)
{
	const struct ksubprog *sp = &v->subprogs[subprog];
	uint32_t id = sp->func == UINT32_MAX ? 0 : v->p->funcs[sp->func].type;

	if (!v->o->types || !id || id >= v->o->types->n_types)
		KREJECT(v, GLOBAL_NO_TYPES, "Global functions need valid BTF");
	*p = (struct prototype){ .b = v->o->types, .id = id, .func = btf_get(v->o->types, id), .subprog = subprog };
	KENSURE(v, p->func->kind == BTF_FUNC);
	p->proto = btf_get(p->b, p->func->type);
	KENSURE(v, p->proto->kind == BTF_FUNC_PROTO);
	return E_OK;
}

static FALLIBLE check_result(struct kverifier *v, const struct prototype *p)
{
	const struct btf_type *t = btf_get(p->b, btf_skip(p->b, p->proto->type));

	if (is_scalar(t))
		return E_OK;
	if (t->kind == BTF_VOID && khas(v, KERNEL_GLOBAL_VOID)) {
		v->subprogs[p->subprog].returns_void = true;
		return E_OK;
	}
	KREJECT(v, GLOBAL_RESULT, "Global function %s() doesn't return scalar. Only those are supported.",
		proto_name(p));
}

FALLIBLE kglobal_prepare(struct kverifier *v, uint32_t subprog)
{
	struct ksubprog *sp = &v->subprogs[subprog];
	struct prototype p;

	if (sp->args_known)
		return E_OK;
	TRY(find_prototype(v, subprog, &p));
	if (p.proto->n > MAX_ARGS)
		KREJECT(v, GLOBAL_PROTO, "Global function %s() with %u > %d args. Buggy compiler.", proto_name(&p),
			p.proto->n, MAX_ARGS);
	TRY(check_result(v, &p));
	for (uint32_t i = 0; i < p.proto->n; i++)
		TRY(one_arg(v, &p, i, &sp->args[i]));
	sp->n_args = (uint8_t)p.proto->n;
	sp->args_known = 1;
	return E_OK;
}

/* ---- for itself ---- */

static FALLIBLE enter_arg(struct kverifier *v, const struct ksubprog_arg *a, struct kreg *r)
{
	switch (a->arg) {
	case KA_CTX:
		kreg_pointer(&v->rules, r, KR_CTX, 0);
		return E_OK;
	case KA_DYNPTR:
		kdynptr_reg(v, r, KF_DYNPTR_LOCAL, true, kid_fresh(v), 0);
		return E_OK;
	case KA_MEM:
		kreg_pointer(&v->rules, r, KR_MEM, a->flags);
		r->mem_size = a->mem_size;
		if (!(a->flags & KF_UNTRUSTED))
			r->id = kid_fresh(v);
		return E_OK;
	case KA_BTF_ID:
		kreg_pointer(&v->rules, r, KR_BTF_ID, a->flags);
		r->types = KTYPES_KERNEL;
		r->type_id = a->type_id;
		r->id = kid_fresh(v);
		return E_OK;
	default: /* a number; what points into the arena is one as well */
		kreg_scalar_unknown(&v->rules, r);
		return E_OK;
	}
}

FALLIBLE kglobal_enter(struct kverifier *v, uint32_t subprog, struct kframe *f)
{
	const struct ksubprog *sp = &v->subprogs[subprog];

	TRY(kglobal_prepare(v, subprog));
	for (unsigned i = 0; i < sp->n_args; i++)
		TRY(enter_arg(v, &sp->args[i], &f->r[i + 1]));
	return kexception_enter(v, subprog, f);
}

/* ---- for its calls ---- */

static FALLIBLE check_memory(struct kverifier *v, unsigned r, const struct ksubprog_arg *a)
{
	static const struct kernel_typed any = { .base = KA_DONTCARE };
	const struct kreg *reg = kreg_at(v, r);

	TRY(kcheck_arg_off(v, reg, r, &any));
	TRY(kcheck_mem_reg(v, r, a->mem_size));
	if (!(a->flags & KF_OR_NULL) && (kreg_may_be_null(reg) || (kreg_is_null(reg) && khas(v, KERNEL_REF_BY_ID))))
		KREJECT_REG(v, GLOBAL_ARGS, r, "arg#%u is expected to be non-NULL", r - 1);
	return E_OK;
}

static FALLIBLE check_object(struct kverifier *v, unsigned r, const struct ksubprog_arg *a)
{
	struct kernel_typed want = { .base = KA_BTF_ID, .flags = a->flags, .size = a->type_id };
	struct kcall none = { .map = -1 };

	if (kreg_is_null(kreg_at(v, r)) && a->flags & KF_OR_NULL)
		return E_OK;
	TRY(kcheck_reg_type(v, r, &want, &none));
	return kcheck_arg_off(v, kreg_at(v, r), r, &want);
}

static FALLIBLE check_call_arg(struct kverifier *v, unsigned r, const struct ksubprog_arg *a)
{
	static const struct kernel_typed ctx = { .base = KA_CTX }, dynptr = { .base = KA_DYNPTR };
	const struct kreg *reg = kreg_at(v, r);

	if (a->arg != KA_ANYTHING && a->flags & KF_UNTRUSTED)
		return E_OK;
	switch (a->arg) {
	case KA_CTX:
		TRY(kcheck_arg_off(v, reg, r, &ctx));
		if (!kreg_is(reg, KR_CTX))
			KREJECT_REG(v, GLOBAL_ARGS, r, "arg#%u expects pointer to ctx", r - 1);
		return E_OK;
	case KA_MEM:
		return check_memory(v, r, a);
	case KA_ARENA:
		if (reg->base != KR_ARENA && reg->base != KR_SCALAR)
			KREJECT_REG(v, GLOBAL_ARGS, r, "R%u is not a pointer to arena or scalar.", r);
		return E_OK;
	case KA_DYNPTR:
		TRY(kcheck_arg_off(v, reg, r, &dynptr));
		return kdynptr_arg(v, r, v->at, a->flags, 0);
	case KA_BTF_ID:
		return check_object(v, r, a);
	default:
		if (reg->base != KR_SCALAR)
			KREJECT_REG(v, GLOBAL_ARGS, r, "R%u is not a scalar", r);
		return E_OK;
	}
}

static FALLIBLE check_call_args(struct kverifier *v, uint32_t subprog)
{
	const struct ksubprog *sp = &v->subprogs[subprog];

	TRY(kglobal_prepare(v, subprog));
	for (unsigned i = 0; i < sp->n_args; i++)
		TRY(check_call_arg(v, i + 1, &sp->args[i]));
	return E_OK;
}

/* Whatever is wrong with an argument, the call is what the kernel names last. */
FALLIBLE kglobal_check_args(struct kverifier *v, uint32_t subprog)
{
	const struct ksubprog *sp = &v->subprogs[subprog];
	enum err err = check_call_args(v, subprog);
	char why[sizeof v->d->text];

	if (err != E_REJECTED || !v->d)
		return err;
	memcpy(why, v->d->text, sizeof why);
	err = kv_fail(v, KV_GLOBAL_ARGS, v->failed_reg, __FILE__, __LINE__,
		      "Caller passes invalid args into func#%u ('%s')", subprog,
		      sp->func == UINT32_MAX ? "" : v->p->funcs[sp->func].name);
	(void)diag_note(v->d, v->arena, "%s", why);
	return err;
}
