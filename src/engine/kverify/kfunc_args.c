/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kfunc_args: what kind of argument each parameter of a kernel function asks for, and whether the register is trusted
 * enough for it.
 *
 * The kind follows from the parameter's type, from the ending of its name ("buf__sz", "p__map") and, for objects of the
 * kernel, from what the register holds. Linux: kernel/bpf/verifier.c:check_kfunc_args, get_kfunc_ptr_arg_type, v6.12,
 * v7.2.
 */
#include "engine/kverify/kfunc_args.h"

/* ---- names and types of parameters ---- */

bool kparam_ends(const struct btf_param *p, const char *suffix)
{
	size_t n = strlen(p->name), m = strlen(suffix);

	return n >= m && !strcmp(p->name + n - m, suffix);
}

bool kparam_is_size(const struct kverifier *v, const struct kfcall *k, unsigned arg)
{
	const struct btf_param *p = &k->f->proto->params[arg];

	if (arg >= k->f->proto->n || !kbtf_is_scalar(kfc_type(k, p->type)) || kreg_at(v, arg + 1)->base != KR_SCALAR)
		return false;
	return kparam_ends(p, "__sz") || kparam_ends(p, "__szk");
}

const char *kbtf_kind_name(const struct btf_type *t)
{
	static const char *const names[BTF_N_KINDS] = {
		"UNKNOWN", "INT",     "PTR",      "ARRAY",    "STRUCT",   "UNION",  "ENUM",
		"FWD",     "TYPEDEF", "VOLATILE", "CONST",    "RESTRICT", "FUNC",   "FUNC_PROTO",
		"VAR",     "DATASEC", "FLOAT",    "DECL_TAG", "TYPE_TAG", "ENUM64",
	};

	return t->kind < countof(names) ? names[t->kind] : "UNKNOWN";
}

bool kbtf_is_plain_struct(const struct btf *b, const struct btf_type *t, unsigned level)
{
	enum { LEVELS = 4 };

	if (!kbtf_is_struct(t))
		return false;
	for (uint32_t i = 0; i < t->n; i++) {
		const struct btf_type *m = btf_get(b, btf_skip(b, t->members[i].type));

		if (kbtf_is_struct(m)) {
			if (level + 1 >= LEVELS || !kbtf_is_plain_struct(b, m, level + 1))
				return false;
			continue;
		}
		if (m->kind == BTF_ARRAY) {
			if (!m->n)
				return false;
			m = btf_get(b, btf_skip(b, m->type));
		}
		if (!kbtf_is_scalar(m))
			return false;
	}
	return true;
}

static const char *kernel_struct_of(const struct kreg *r)
{
	switch ((enum kernel_reg)r->base) {
	case KR_SOCKET:
		return "sock";
	case KR_SOCK_COMMON:
		return "sock_common";
	case KR_TCP_SOCK:
		return "tcp_sock";
	case KR_MAP:
		return "bpf_map";
	default:
		return NULL;
	}
}

bool kreg_has_kernel_type(const struct kverifier *v, const struct kreg *r)
{
	return kernel_struct_of(r) && (r->base != KR_MAP || khas(v, KERNEL_KFUNC_META));
}

uint32_t kreg_kernel_type(struct kverifier *v, const struct kreg *r)
{
	return kreg_has_kernel_type(v, r) ? ktypes_struct(v, kernel_struct_of(r)) : 0;
}

/* ---- the kind ---- */

static bool points_to(const struct kfcall *k, const struct btf_param *p, const char *name)
{
	const struct btf_type *t = kfc_type(k, p->type);

	if (t->kind != BTF_PTR)
		return false;
	t = kfc_type(k, t->type);
	return t->kind == BTF_STRUCT && !strcmp(t->name, name);
}

static bool is_callback(const struct kfcall *k, const struct btf_param *p)
{
	const struct btf_type *t = kfc_type(k, p->type);

	return t->kind == BTF_PTR && kfc_type(k, t->type)->kind == BTF_FUNC_PROTO;
}

/* The verifier or the kernel fills it in. */
static bool is_given(const struct kverifier *v, const struct kfcall *k, unsigned arg)
{
	const struct btf_param *p = &k->f->proto->params[arg];

	if (kparam_ends(p, "__ign") || arg >= k->f->n_given)
		return false;
	if (khas(v, KERNEL_KFUNC_PROG_AUX) && points_to(k, p, "bpf_prog_aux"))
		return false;
	return !(khas(v, KERNEL_KFUNC_PROG_SUFFIX) && kparam_ends(p, "__prog"));
}

static const struct {
	const char *suffix;
	enum kfarg kind;
} suffixes[] = {
	{ "__alloc", KFA_OWN_OBJECT }, { "__refcounted_kptr", KFA_REFCOUNTED }, { "__str", KFA_STR },
	{ "__map", KFA_MAP },          { "__irq_flag", KFA_IRQ_FLAG },
};
static const struct {
	const char *name;
	enum kfarg kind;
} structs[] = {
	{ "bpf_dynptr", KFA_DYNPTR },       { "bpf_list_head", KFA_LIST_HEAD }, { "bpf_list_node", KFA_LIST_NODE },
	{ "bpf_rb_root", KFA_RB_ROOT },     { "bpf_rb_node", KFA_RB_NODE },     { "bpf_wq", KFA_WQ },
	{ "bpf_task_work", KFA_TASK_WORK }, { "bpf_timer", KFA_TIMER },         { "bpf_res_spin_lock", KFA_RES_LOCK },
};

static bool is_iter(const struct kfcall *k, unsigned arg)
{
	if (kfc_is(k, KK_ITER_NEW | KK_ITER_NEXT | KK_ITER_DESTROY))
		return !arg;
	return kparam_ends(&k->f->proto->params[arg], "__iter");
}

static enum kfarg kind_by_name(const struct kfcall *k, unsigned arg)
{
	const struct btf_param *p = &k->f->proto->params[arg];

	for (size_t i = 0; i < countof(suffixes); i++)
		if (kparam_ends(p, suffixes[i].suffix))
			return suffixes[i].kind;
	if (is_iter(k, arg))
		return KFA_ITER;
	for (size_t i = 0; i < countof(structs); i++)
		if (points_to(k, p, structs[i].name))
			return structs[i].kind;
	return KFA_NONE;
}

static bool takes_context(const struct kverifier *v, const struct kfcall *k, const struct btf_type *ptr)
{
	enum kspecial s = k->f->special;
	bool session = s == KS_SESSION_COOKIE || s == KS_SESSION_IS_RETURN;

	return s == KS_CAST_KERN_CTX || (session && khas(v, KERNEL_KFUNC_ARGS_TRUSTED)) ||
	       kbtf_is_context(v, k->b, ptr);
}

static FALLIBLE memory_kind(struct kverifier *v, const struct kfcall *k, unsigned arg, const struct btf_type *to,
			    enum kfarg *out)
{
	bool sized = kparam_is_size(v, k, arg + 1);

	if (!kbtf_is_scalar(to) && !kbtf_is_plain_struct(k->b, to, 0) && !(sized && to->kind == BTF_VOID))
		KREJECT_REG(v, KFUNC_MEMORY, arg + 1,
			    "arg#%u pointer type %s %s must point to %sscalar, or struct with scalar", arg,
			    kbtf_kind_name(to), to->name, sized ? "void, " : "");
	*out = sized ? KFA_MEM_SIZE : KFA_MEM;
	return E_OK;
}

static FALLIBLE kind_of(struct kverifier *v, const struct kfcall *k, unsigned arg, enum kfarg *out)
{
	const struct btf_param *p = &k->f->proto->params[arg];
	const struct btf_type *ptr = kfc_type(k, p->type), *to = kfc_type(k, ptr->type);
	const struct kreg *reg = kreg_at(v, arg + 1);
	bool sized = khas(v, KERNEL_KFUNC_ARGS_TRUSTED) && kparam_is_size(v, k, arg + 1);

	*out = KFA_CTX;
	if (takes_context(v, k, ptr))
		return E_OK;
	*out = KFA_NULL;
	if (kparam_ends(p, "__nullable") && kreg_is_null(reg) && !sized)
		return E_OK;
	*out = kind_by_name(k, arg);
	if (*out != KFA_NONE)
		return E_OK;
	if (reg->base == KR_BTF_ID || kreg_has_kernel_type(v, reg)) {
		*out = KFA_OBJECT;
		if (kbtf_is_struct(to))
			return E_OK;
		KREJECT_REG(v, KFUNC_POINTER, arg + 1, "kernel function %s args#%u pointer type %s %s is not supported",
			    k->f->name, arg, kbtf_kind_name(to), to->name);
	}
	*out = KFA_CALLBACK;
	return is_callback(k, p) ? E_OK : memory_kind(v, k, arg, to, out);
}

/* ---- trust ---- */

static bool wants_trust(const struct kverifier *v, const struct kfcall *k)
{
	return khas(v, KERNEL_KFUNC_ARGS_TRUSTED) || kfc_is(k, KK_TRUSTED_ARGS | KK_RELEASE);
}

static FALLIBLE check_not_null(struct kverifier *v, const struct kfcall *k, unsigned arg)
{
	const struct kreg *reg = kreg_at(v, arg + 1);

	if ((wants_trust(v, k) || kfc_is(k, KK_RCU)) && (kreg_is_null(reg) || kreg_may_be_null(reg)) &&
	    !kparam_ends(&k->f->proto->params[arg], "__nullable"))
		KREJECT_REG(v, KFUNC_NULL, arg + 1, "Possibly NULL pointer passed to trusted arg%u", arg);
	return E_OK;
}

static FALLIBLE check_trust(struct kverifier *v, const struct kfcall *k, unsigned arg)
{
	const struct kreg *reg = kreg_at(v, arg + 1);

	if ((!wants_trust(v, k) && !kfc_is(k, KK_RCU)) || kref_of(v, reg) || kreg_is_trusted(v, reg))
		return E_OK;
	if (!kfc_is(k, KK_RCU))
		KREJECT_REG(v, KFUNC_TRUST, arg + 1, "R%u must be referenced or trusted", arg + 1);
	if (!(reg->flags & KF_RCU))
		KREJECT_REG(v, KFUNC_RCU_POINTER, arg + 1, "R%u must be a rcu pointer", arg + 1);
	return E_OK;
}

/* ---- references ---- */

static FALLIBLE note_reference(struct kverifier *v, struct kfcall *k, unsigned arg)
{
	const struct kreg *reg = kreg_at(v, arg + 1);
	uint32_t id = kref_of(v, reg);
	bool releases = kfc_is(k, KK_RELEASE);

	if (khas(v, KERNEL_REF_BY_ID)) {
		bool first = releases && !arg;

		if (first && !points_to(k, &k->f->proto->params[arg], "bpf_dynptr") && !id && !kreg_is_null(reg))
			KREJECT_REG(v, RELEASE_NEEDS_REF, 1,
				    "release kfunc %s expects referenced PTR_TO_BTF_ID passed to R1", k->f->name);
		if (first)
			k->c.release_reg = 1;
	}
	if (!id)
		return E_OK;
	if (!khas(v, KERNEL_REF_BY_ID) && releases) {
		KENSURE(v, !k->c.ref_id);
		k->c.release_reg = arg + 1;
	}
	k->c.ref_id = id;
	k->c.ref_parent_id = reg->parent_id;
	k->c.n_refs++;
	return E_OK;
}

/* ---- offsets ---- */

static FALLIBLE check_offset(struct kverifier *v, const struct kfcall *k, unsigned arg, enum kfarg kind)
{
	const struct kreg *reg = kreg_at(v, arg + 1);
	struct kernel_typed t = { .base = KA_DONTCARE };

	if (khas(v, KERNEL_REF_BY_ID)) {
		t.base = kind == KFA_DYNPTR ? KA_DYNPTR : kind == KFA_CTX ? KA_CTX : KA_DONTCARE;
		t.flags = k->c.release_reg == arg + 1 ? KF_RELEASE : 0;
		if (kind == KFA_REFCOUNTED && reg->base == KR_BTF_ID)
			return kcheck_ptr_off(v, reg, arg + 1, false);
	} else if (kfc_is(k, KK_RELEASE) && kref_of(v, reg)) {
		t.flags = KF_RELEASE;
	}
	if (reg->base == KR_CTX && t.base != KA_CTX && kernel_type_is(v->k, &v->o->target, KERNEL_TYPE_CTX_VAR_OFF))
		return E_OK;
	return kcheck_arg_off(v, reg, arg + 1, &t);
}

/* ---- numbers ---- */

FALLIBLE kkfunc_buf_size(struct kverifier *v, struct kfcall *k, unsigned r, const char *name)
{
	const struct kreg *reg = kreg_at(v, r);

	if (!strcmp(name, "rdonly_buf_size"))
		k->r0_rdonly = true;
	else if (strcmp(name, "rdwr_buf_size") != 0)
		return E_OK;
	KENSURE(v, !k->r0_size);
	if (!knum_is_const(&reg->n))
		KREJECT_REG(v, KFUNC_CONST, r, "R%u is not a const", r);
	k->r0_size = reg->n.t.value;
	if (khas(v, KERNEL_REF_BY_ID) && k->r0_size > UINT32_MAX)
		KREJECT_REG(v, KFUNC_CONST, r, "R%u rdonly/rdwr_buf_size exceeds u32 max", r);
	return kprecise_reg(v, r);
}

FALLIBLE kkfunc_size_const(struct kverifier *v, struct kfcall *k, unsigned r)
{
	const struct kreg *reg = kreg_at(v, r);

	KENSURE(v, !k->has_constant);
	if (!knum_is_const(&reg->n))
		KREJECT_REG(v, KFUNC_CONST, r, "R%u must be a known constant", r);
	k->has_constant = true;
	k->constant = reg->n.t.value;
	return E_OK;
}

static FALLIBLE check_scalar(struct kverifier *v, struct kfcall *k, unsigned arg)
{
	const struct btf_param *p = &k->f->proto->params[arg];
	unsigned r = arg + 1;

	if (kreg_at(v, r)->base != KR_SCALAR)
		KREJECT_REG(v, KFUNC_SCALAR, r, "R%u is not a scalar", r);
	if (!kparam_ends(p, "__k"))
		return kkfunc_buf_size(v, k, r, p->name);
	TRY(kkfunc_size_const(v, k, r));
	return kprecise_reg(v, r);
}

/* ---- all of them ---- */

static FALLIBLE check_pointer(struct kverifier *v, struct kfcall *k, unsigned *arg)
{
	enum kfarg kind;

	TRY(check_not_null(v, k, *arg));
	TRY(note_reference(v, k, *arg));
	TRY(kind_of(v, k, *arg, &kind));
	if (kind == KFA_NULL)
		return E_OK;
	if (kind == KFA_MAP)
		TRY(kkfunc_map(v, k, *arg));
	if (kind == KFA_MAP || kind == KFA_OWN_OBJECT || kind == KFA_OBJECT)
		TRY(check_trust(v, k, *arg));
	TRY(check_offset(v, k, *arg, kind));
	TRY(kkfunc_pointer(v, k, *arg, kind));
	*arg += kind == KFA_MEM_SIZE; /* its size is judged with it */
	return E_OK;
}

static FALLIBLE check_one(struct kverifier *v, struct kfcall *k, unsigned *arg)
{
	const struct btf_type *t;

	if (!is_given(v, k, *arg))
		return E_OK;
	t = kfc_type(k, k->f->proto->params[*arg].type);
	if (kbtf_is_scalar(t))
		return check_scalar(v, k, *arg);
	if (t->kind != BTF_PTR)
		KREJECT_REG(v, KFUNC_POINTER, *arg + 1, "Unrecognized arg#%u type %s", *arg, kbtf_kind_name(t));
	return check_pointer(v, k, arg);
}

FALLIBLE kkfunc_args(struct kverifier *v, struct kfcall *k)
{
	enum { ARGS_MAX = 5 };

	if (k->f->proto->n > ARGS_MAX)
		KUNSUPPORTED(v, "the kernel function %s, which takes more than five arguments", k->f->name);
	for (unsigned arg = 0; arg < k->f->proto->n; arg++)
		TRY(check_one(v, k, &arg));
	if (kfc_is(k, KK_RELEASE) && !k->c.release_reg)
		KREJECT(v, KFUNC_RELEASE, "release kernel function %s expects refcounted PTR_TO_BTF_ID", k->f->name);
	return E_OK;
}
